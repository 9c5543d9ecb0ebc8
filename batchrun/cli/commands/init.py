"""``batchrun init``."""

from pathlib import Path
from typing import Annotated

import typer

from batchrun.cli.output import Output
from batchrun.errors import UsageError
from batchrun.sweep.manifest.starter import STARTER_MANIFEST

__all__ = ["EXAMPLES", "init"]

EXAMPLES = """
Examples:

\b
  batchrun init
      writes sweep.toml
  batchrun init floods.toml
      under another name; the name of the file is the name of the sweep
"""

SweepToWrite = Annotated[Path, typer.Argument(metavar="SWEEP", help="Where to write it.")]


def init(path: SweepToWrite = Path("sweep.toml")) -> int:
    """Write a commented starter manifest that runs; a file that is there already is left alone."""
    output = Output()
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER_MANIFEST)
    except FileExistsError:
        raise UsageError(str(path), "it is there already", "give another name") from None
    output.say(f"wrote {path}")
    output.say(f"next: batchrun plan {path}")
    output.say(f"then: batchrun submit {path} --emulator")
    return 0
