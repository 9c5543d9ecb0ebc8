"""``batchrun schema``."""

import json

from batchrun.cli.output import Output
from batchrun.sweep.manifest.schema import manifest_schema

__all__ = ["EXAMPLES", "schema"]

EXAMPLES = """
Examples:

\b
  batchrun schema > sweep.schema.json
      then put this at the top of a manifest:  #:schema ./sweep.schema.json
"""


def schema() -> int:
    """Print the manifest's JSON Schema (draft-07), for editors and validators."""
    Output().raw_line(json.dumps(manifest_schema(), indent=2))
    return 0
