"""A small manifest cannot ask for more memory or time than there is."""

import time
import tracemalloc

import pytest

from batchrun.errors import ManifestError
from tests.sweep.conftest import sweep
from tests.sweep.test_properties import plan_of


def nested(first: str, levels: int, args: str) -> str:
    """Derived values of which each repeats the one before it ten times."""
    lines = [f'd{level} = "{f"{{{{d{level - 1}}}}}" * 10}"' for level in range(1, levels + 1)]
    derived = "\n".join([f'd0 = "{first}"', *lines])
    return sweep(f"[axes]\nn = [1, 2]\n[derive]\n{derived}\n", args=args)


@pytest.mark.parametrize("first", ["a" * 1000, "{{hash}}", "{{n}}"])
def test_values_within_values_are_bounded(first: str) -> None:
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(ManifestError, match="the text has more than 1,048,576 characters"):
        list(plan_of(nested(first, 9, '["{{d9}}", "{{n}}"]')))
    assert time.process_time() - began < 10
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()


def test_values_within_values_that_stay_small_are_made_once_for_each_point() -> None:
    plan = plan_of(nested("", 20, '["{{d20}}", "{{n}}"]'))
    assert len(list(plan)) == 2


@pytest.mark.parametrize(
    ("count", "fact"), [(3000, "its texts have more than 67,108,864 bytes"), (12, "the payload has 10,8")]
)
def test_a_payload_is_bounded(count: int, fact: str) -> None:
    args = ", ".join(['"{{d3}}"'] * count)
    with pytest.raises(ManifestError, match=fact):
        list(plan_of(nested("a" * 900, 3, f'[{args}, "{{{{n}}}}"]')))
