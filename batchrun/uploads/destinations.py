"""Payloads as they are sent: the placeholders of local files replaced by where their content is."""

import json
from collections.abc import Mapping

from batchrun.sweep.local_file import placeholders_in

__all__ = ["Destinations"]


class Destinations:
    """Where uploaded files are, by file name, SHA-256 of the content, and region."""

    def __init__(self, uploaded: Mapping[tuple[str, str, str], str]) -> None:
        self._uploaded = uploaded

    def body(self, region: str, body: bytes) -> bytes:
        """A payload with the URI of every file that it uses.

        Raises:
            KeyError: a file was not uploaded for this region; such a payload must not be sent.

        """
        for placeholder in placeholders_in(body):
            name, _, digest = json.loads(b'"' + placeholder + b'"').removeprefix("upload:").rpartition("#")
            destination = self._uploaded[name, digest, region]
            body = body.replace(b'"' + placeholder + b'"', json.dumps(destination, ensure_ascii=False).encode())
        return body
