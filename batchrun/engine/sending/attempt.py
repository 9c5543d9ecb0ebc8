"""One attempt: journal, send, judge, record. Never cancelled half-way; the caller shields it."""

import time

from batchrun.engine.pacing.pacer import Pacer, Permit
from batchrun.engine.sending.backlog import Work
from batchrun.engine.sending.endings import failure_words
from batchrun.engine.sending.outcomes import Outcomes
from batchrun.engine.sending.settle import Settler
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.tagging import Tagging
from batchrun.engine.tally import Tally
from batchrun.engine.verdicts import judge
from batchrun.ledger.clock import epoch_seconds
from batchrun.ledger.file import FileLedger
from batchrun.uploads.destinations import Destinations
from batchrun.wherobots.answers import Created, Refused
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.clock import creation_offset_s, steady_now

__all__ = ["Attempts"]


class Attempts:
    """Makes the attempts of one session."""

    def __init__(
        self,
        *,
        ledger: FileLedger,
        client: RunsClient,
        pacer: Pacer,
        outcomes: Outcomes,
        settler: Settler,
        tagging: Tagging,
        destinations: Destinations,
        tally: Tally,
        switch: StopSwitch,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._pacer = pacer
        self._outcomes = outcomes
        self._settler = settler
        self._tagging = tagging
        self._destinations = destinations
        self._tally = tally
        self._switch = switch

    async def may_send(self, work: Work) -> bool:
        """Whether a run may be sent now; one that may already exist is looked for first."""
        return await self._settler.may_send(work)

    async def attempt(self, work: Work, permit: Permit) -> None:
        """Send a run once. Its POST leaves only after the attempt is durable.

        Raises:
            LedgerWriteError: the attempt could not be made durable; nothing was sent.

        """
        run = work.run
        body = self._destinations.body(run.region, self._tagging.body(run.key, work.generation, run.body))
        # Durable first, sent second: after a crash in between, the run is looked for, and not sent twice.
        work.n += 1
        await self._ledger.attempted(work.key, work.n, work.name, work.generation)
        self._outcomes.begun(work)
        # The sync took time: a pause or a stop that came meanwhile still counts.
        if self._pacer.is_paused or self._switch.is_pulled:
            self._outcomes.unsent(work)
            return
        began_s, sent_at_s = time.monotonic(), self._created_from_s()
        self._tally.attempted(is_retry=work.was_sent)
        work.was_sent = True
        try:
            answer = await self._client.create(run.region, body)
        finally:
            self._tally.in_flight -= 1
        if isinstance(answer, Created):
            work.creation_lag_s = self._creation_lag_s(answer, sent_at_s)
        self._tally.last_failure = failure_words(answer) or self._tally.last_failure
        hint = answer.hint if isinstance(answer, Created | Refused) else None
        # By the attempts before this one: its own outcome is recorded below.
        verdict = judge(answer, may_exist=work.may_exist)
        self._pacer.answered(permit, verdict, time.monotonic() - began_s, hint=hint)
        self._outcomes.answered(work, answer, verdict, sent_at_s=sent_at_s)

    def _creation_lag_s(self, answer: Created, sent_at_s: float) -> float:
        """Creation times may come from a clock that is behind the one in the ``Date`` header: lost runs are looked for by it."""
        created_s = epoch_seconds(answer.create_time or "")
        return self._client.clock.created(created_s, sent_at_s) if created_s else 0.0

    def _created_from_s(self) -> float:
        """The earliest creation time that a run sent now can carry."""
        return steady_now() + creation_offset_s(self._client.clock.offset_s)
