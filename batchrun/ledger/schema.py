"""The JSON Schema of a ledger line."""

from functools import reduce
from operator import or_
from typing import Any, get_args

import msgspec

from batchrun.ledger.events import Event

__all__ = ["ledger_schema"]

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def ledger_schema() -> dict[str, Any]:
    """One of the events, told apart by ``event`` (JSON Schema 2020-12). Fields that a later version adds are allowed."""
    kinds = reduce(or_, [_described(kind) for kind in get_args(Event)])
    return {"$schema": DRAFT, "title": "A line of a ledger", **msgspec.json.schema(kinds)}


def _described(kind: Any) -> Any:  # noqa: ANN401 - a struct type
    """The event with points as objects: msgspec cannot describe JSON that it passes through unread."""
    fields = [(field.name, *_described_field(field)) for field in msgspec.structs.fields(kind)]
    config = kind.__struct_config__
    made = msgspec.defstruct(
        kind.__name__, fields, kw_only=True, tag_field=config.tag_field, tag=config.tag, omit_defaults=True
    )
    made.__doc__ = kind.__doc__
    return made


def _described_field(field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    if field.type is msgspec.Raw:
        return dict[str, Any], msgspec.field(default_factory=dict)
    if field.required:
        return (field.type,)
    if field.default is not msgspec.NODEFAULT:
        return field.type, field.default
    return field.type, msgspec.field(default_factory=field.default_factory)
