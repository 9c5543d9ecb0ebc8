"""``batchrun schema``."""

import json
from typing import Annotated

import typer

from batchrun.cli.loading import load
from batchrun.cli.output import Output
from batchrun.sweep.manifest.schema import manifest_schema

__all__ = ["EXAMPLES", "schema"]

EXAMPLES = """
Examples:

\b
  batchrun schema > sweep.schema.json
      then put this at the top of a manifest:  #:schema ./sweep.schema.json
  batchrun schema --ledger
      the schema of a ledger's lines
"""


OfLedger = Annotated[bool, typer.Option("--ledger", help="Print the schema of a ledger line instead.")]


def schema(*, ledger: OfLedger = False) -> int:
    """Print the manifest's JSON Schema (draft-07), for editors and validators."""
    document = load("batchrun.ledger.schema:ledger_schema")() if ledger else manifest_schema()
    Output().raw_line(json.dumps(document, indent=2))
    return 0
