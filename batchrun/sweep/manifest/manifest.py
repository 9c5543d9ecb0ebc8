"""A manifest: its text, its tables, and the flags that override them."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from batchrun.files import as_text
from batchrun.sweep.manifest.lines import Lines
from batchrun.sweep.manifest.overlay import lay_over
from batchrun.sweep.manifest.problems import Problems
from batchrun.sweep.manifest.shape import checked_rerun, checked_tables
from batchrun.sweep.manifest.source import MOST_DATA_BYTES, Overrides, parse_toml, read_text
from batchrun.sweep.manifest.tables import SubmitTable, Tables

__all__ = ["NAME", "Manifest", "Overrides", "SubmitTable", "Tables"]

NO_OVERRIDES = Overrides()
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The names that a placeholder can refer to: axes, fields, variables and derived values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest with a valid structure; its values are checked when it is planned."""

    name: str
    """The sweep's name: the file's stem."""
    text: str
    directory: Path
    """The directory that data files are relative to."""
    overrides: Overrides
    tables: Tables
    default_region: str | None = None
    stdin: bytes | None = None
    """The bytes of standard input, if an axis reads it."""
    lines: Lines = field(repr=False, compare=False)
    file: str | None = None
    """The file's name in messages; None omits line numbers."""

    @property
    def submit(self) -> SubmitTable:
        return self.tables.submit

    @property
    def reads_stdin(self) -> bool:
        """Whether an axis has ``file = "-"``."""
        return any(isinstance(source, dict) and source.get("file") == "-" for source in self.tables.axes.values())

    def with_rerun(self, settings: Mapping[str, Any]) -> "Manifest":
        """The manifest for a rerun with some ``[run]`` settings replaced, as returned by ``rerun_settings``.

        Raises:
            ManifestError: a setting has the wrong shape.

        """
        table = checked_rerun(settings, Problems())
        return replace(self, tables=self.tables.model_copy(update={"override": [*self.tables.override, table]}))

    @classmethod
    def load(
        cls, path: str | Path, overrides: Overrides = NO_OVERRIDES, *, environ: Mapping[str, str] | None = None
    ) -> "Manifest":
        """Read a manifest file.

        Raises:
            ManifestError: it cannot be read, is not TOML, or has the wrong shape.

        """
        path = Path(path)
        manifest = cls.parse(
            read_text(path),
            name=as_text(path.stem),
            directory=path.parent,
            overrides=overrides,
            environ=environ,
            file=str(path),
        )
        # Read once and kept: a plan is iterated several times, standard input only once.
        return (
            manifest
            if not manifest.reads_stdin
            else replace(manifest, stdin=sys.stdin.buffer.read(MOST_DATA_BYTES + 1))
        )

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        name: str,
        directory: str | Path,
        overrides: Overrides = NO_OVERRIDES,
        environ: Mapping[str, str] | None = None,
        stdin: bytes | None = None,
        file: str | None = None,
    ) -> "Manifest":
        """Parse a manifest from text.

        Raises:
            ManifestError: it is not TOML, or has the wrong shape.

        """
        place = file or f"{name}.toml"
        lines = Lines(text)
        document = lay_over(parse_toml(text, place), overrides)
        return cls(
            name=name,
            text=text,
            directory=Path(directory),
            overrides=overrides,
            tables=checked_tables(document, Problems(lines, file, overrides.flags())),
            # Only a default: what the manifest says wins over the environment.
            default_region=(environ or {}).get("WHEROBOTS_REGION") or None,
            stdin=stdin,
            lines=lines,
            file=file,
        )
