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
      write sweep.toml
  batchrun init floods.toml
      choose the file name, which is also the sweep's name
"""

NewSweep = Annotated[Path, typer.Argument(metavar="SWEEP", help="The file to write.")]


def init(path: NewSweep = Path("sweep.toml")) -> int:
    """Write a commented starter manifest; an existing file is never overwritten."""
    output = Output()
    try:
        # Exclusive: a file that appears after a look at the path would be overwritten.
        with path.open("x", encoding="utf-8") as file:
            file.write(STARTER_MANIFEST)
    except FileExistsError:
        raise UsageError(str(path), "already exists", "choose another name") from None
    output.say(f"wrote {path}")
    output.say(f"next: batchrun plan {path}")
    output.say(f"then: batchrun submit {path} --emulator")
    return 0
