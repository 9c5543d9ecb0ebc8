"""The tag in a payload that identifies the run: opt-in, because it changes what is sent."""

import json

from batchrun.wherobots.identity import canonical_json
from batchrun.wherobots.summaries import RunSummary

__all__ = ["TAG", "Tagging", "tag_of"]

TAG = "spark.batchrun.attempt"
"""The Spark property that names batch, key and generation, with ``[submit] tag = true``."""


class Tagging:
    """Tags the payloads of one batch; without a batch id it leaves them as they are.

    The tag is not part of a run's key: the same plan has the same keys with and without it.
    """

    def __init__(self, batch_id: str | None) -> None:
        self._batch_id = batch_id

    def tag_of(self, key: str, generation: int) -> str | None:
        return None if self._batch_id is None else f"{self._batch_id}/{key}/{generation}"

    def body(self, key: str, generation: int, body: bytes) -> bytes:
        """The payload as it is sent."""
        tag = self.tag_of(key, generation)
        if tag is None:
            return body
        payload = json.loads(body)
        environment = payload.setdefault("environment", {})
        environment.setdefault("sparkConfigs", {})[TAG] = tag
        return canonical_json(payload)


def tag_of(listed: RunSummary) -> str | None:
    """The tag in a listed run's payload, if it has one."""
    environment = (listed.payload or {}).get("environment")
    configs = environment.get("sparkConfigs") if isinstance(environment, dict) else None
    tag = configs.get(TAG) if isinstance(configs, dict) else None
    return tag if isinstance(tag, str) else None
