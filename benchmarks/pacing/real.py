"""The tables that need a real clock: fixed rates, hidden limits and an outage, over real sockets."""

import time
from functools import partial
from typing import Any

from batchrun.engine.pacing.pacer import Pacer
from benchmarks.pacing.sockets import Seen, configure, emulator, first_after, send_for
from benchmarks.pacing.tables import head, row

__all__ = ["fixed", "outage", "over_sockets"]

FIXED_S, HIDDEN_S = 30.0, 30.0
OUTAGE_BEGINS_S, OUTAGE_S, OUTAGE_ENDS_S = 10.0, 60.0, 90.0

HIDDEN: dict[str, tuple[float, dict[str, Any]]] = {
    "bucket 20/s, burst 20": (20.0, {"limiter": "bucket", "burst": 20}),
    "bucket 100/s, burst 100": (100.0, {"limiter": "bucket", "burst": 100}),
    "window of 1 s, 50/s": (50.0, {"limiter": "window"}),
    "sliding 1 s, charges, 50/s": (50.0, {"limiter": "sliding", "count_refused": True}),
}


def fixed() -> None:
    print(f"\n## A fixed rate over real sockets, {FIXED_S:g} s each\n")
    head(["rate", "responses take", "mean a second", "off by", "most in one second", "bound"])
    for rate, slow_s in ((50.0, 0.0), (200.0, 0.0), (1000.0, 0.0), (50.0, 1.5)):
        with emulator(slow_s=slow_s, faults={"slow": 1.0 if slow_s else 0.0}) as url:
            seen = send_for(FIXED_S, partial(Pacer, rate=rate), url)
        off = seen.mean_per_s / rate - 1.0
        how = f"{slow_s:g} s" if slow_s else "at once"
        row([f"{rate:g}/s", how, f"{seen.mean_per_s:.2f}", f"{off:+.2%}", str(seen.most_in_a_second), f"{rate + 1:g}"])


def over_sockets() -> None:
    print(
        f"\n## Hidden limits over real sockets, {HIDDEN_S:g} s from a cold start, then {HIDDEN_S:g} s from what was learned\n"
    )
    head(["limit", "Retry-After", "used, cold", "refused, cold", "used, learned", "refused, learned"])
    for name, (rate, settings) in HIDDEN.items():
        for form in ("none", "seconds"):
            with emulator(rate_limit_per_s=rate, retry_after=form, limit_on="create", **settings) as url:
                cold = send_for(HIDDEN_S, partial(Pacer, rate=None), url)
                warm = send_for(HIDDEN_S, partial(Pacer, rate=None, learned=cold.learned), url)
            row([name, form, *_figures(cold, rate), *_figures(warm, rate)])


def outage() -> None:
    print(f"\n## An outage of {OUTAGE_S:g} s in the middle: every request is answered 500\n")
    began = 0.0

    def fail_and_recover() -> None:
        time.sleep(OUTAGE_BEGINS_S)
        configure(url, faults={"error_before_commit": 1.0})
        time.sleep(OUTAGE_S)
        configure(url, faults={"error_before_commit": 0.0})

    with emulator() as url:
        began = time.monotonic()
        seen = send_for(OUTAGE_ENDS_S, partial(Pacer, rate=50.0), url, meanwhile=fail_and_recover)
    recovered_at = began + OUTAGE_BEGINS_S + OUTAGE_S
    head(["attempts during the outage", "of these after the first 5 s", "first success after its end"])
    late = [at for at in seen.failed if at > began + OUTAGE_BEGINS_S + 5.0]
    row([str(len(seen.failed)), str(len(late)), f"{first_after(seen.accepted, recovered_at - 0.5):.1f} s"])


def _figures(seen: Seen, rate_per_s: float) -> list[str]:
    return [f"{len(seen.accepted) / (rate_per_s * HIDDEN_S):.1%}", f"{seen.share_refused:.2%}"]
