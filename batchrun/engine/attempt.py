"""One attempt: journal, send, judge, record. Never cancelled half-way; the caller shields it."""

import time

from batchrun.engine.backlog import Work
from batchrun.engine.outcomes import Outcomes
from batchrun.engine.pacing.pacer import Pacer, Permit
from batchrun.engine.stopping import StopSwitch
from batchrun.engine.tally import Tally
from batchrun.engine.verdicts import judge
from batchrun.ledger.file import FileLedger
from batchrun.wherobots.answers import Answer, Created, Refused
from batchrun.wherobots.client import RunsClient
from batchrun.wherobots.rate_headers import RateHint

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
        tally: Tally,
        switch: StopSwitch,
    ) -> None:
        self._ledger = ledger
        self._client = client
        self._pacer = pacer
        self._outcomes = outcomes
        self._tally = tally
        self._switch = switch

    async def attempt(self, work: Work, permit: Permit) -> None:
        """Send a run once. Its POST leaves only after the attempt is durable.

        Raises:
            LedgerWriteError: the attempt could not be made durable; nothing was sent.

        """
        run = work.run
        work.n += 1
        await self._ledger.attempted(run.key, work.n)
        # The sync took time: a pause or a stop that came meanwhile still counts.
        if self._pacer.is_paused or self._switch.is_pulled:
            self._outcomes.unsent(work)
            return
        began_s, began_server_s = time.monotonic(), self._server_now()
        self._tally.attempted(is_retry=work.n - work.unsent_attempts > 1)
        try:
            answer = await self._client.create(run.region, run.body)
        finally:
            self._tally.in_flight -= 1
        verdict = judge(answer, may_exist=work.first_unknown_at_s is not None)
        self._pacer.answered(permit, verdict, time.monotonic() - began_s, hint=_hint(answer))
        self._outcomes.answered(work, answer, verdict, sent_at_s=began_server_s)

    def _server_now(self) -> float:
        return self._ledger.clock.now() + (self._client.clock.offset_s or 0.0)


def _hint(answer: Answer) -> RateHint | None:
    return answer.hint if isinstance(answer, Created | Refused) else None
