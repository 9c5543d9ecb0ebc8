"""How often each fault occurs: a probability, or ``"0.05@100-200"`` for requests 100 to 200 only."""

from typing import Any

from typing_extensions import override

from batchrun.emulator.setting_types import NEVER, FaultField, Settings

__all__ = ["CallFaults", "Faults"]


class FaultTable(Settings):
    """Some faults with the share of requests that each hits."""

    _are_any: bool = False

    @override
    def model_post_init(self, context: Any, /) -> None:
        self._are_any = any(schedule.probability for _, schedule in self)

    @property
    def are_any(self) -> bool:
        """Whether any fault can occur: checked for every request, and mostly the answer is no."""
        return self._are_any


class Faults(FaultTable):
    """Faults of ``POST /runs`` (of every call with ``faults_on = "all"``), and of ``GET /runs``."""

    rate_limit: FaultField = NEVER  # 429, whatever the limiter says
    redirect: FaultField = NEVER  # 307, as from a wrong base URL
    not_found: FaultField = NEVER  # 404, as from a wrong path
    login_page: FaultField = NEVER  # 200 with an HTML page, as from a proxy that asks for a login; nothing created
    forbidden: FaultField = NEVER  # 403, the key may not do this
    conflict: FaultField = NEVER  # 409, nothing created
    quota: FaultField = NEVER  # INSUFFICIENT_QUOTA_ERROR, whatever the quota says
    unavailable: FaultField = NEVER  # 503 with Retry-After and the API's own error body, nothing created
    error_before_commit: FaultField = NEVER  # a 5xx, nothing created
    error_after_commit: FaultField = NEVER  # a 5xx although the run was created
    reset_before_commit: FaultField = NEVER  # the connection is reset, nothing created
    reset_after_commit: FaultField = NEVER  # the connection is reset although the run was created
    cut_body: FaultField = NEVER  # created; the response ends in the middle
    garbled_body: FaultField = NEVER  # created; the response is not JSON
    hang_before_commit: FaultField = NEVER  # no response, nothing created
    hang: FaultField = NEVER  # created; no response
    trickle: FaultField = NEVER  # created; the response arrives one byte every trickle_s
    late_commit: FaultField = NEVER  # the response is lost; created late_commit_s later
    slow: FaultField = NEVER  # the response is slow_s late; combines with any other fault

    # Faults of GET /runs, whatever faults_on is. Their requests are numbered separately, so that schedules of creations
    # do not depend on how often a client lists.
    list_error: FaultField = NEVER  # a 5xx
    list_not_found: FaultField = NEVER  # 404, as from a wrong path
    list_repeats: FaultField = NEVER  # next_page is the cursor that was given, so paging never advances
    list_ends_early: FaultField = NEVER  # next_page is null although more runs match


class CallFaults(FaultTable):
    """Faults of every call but ``POST /runs``; their requests are numbered separately too."""

    rate_limit: FaultField = NEVER  # 429, whatever the limiter says
    redirect: FaultField = NEVER  # 307
    not_found: FaultField = NEVER  # 404 with a gateway's JSON
    login_page: FaultField = NEVER  # 200 with an HTML page
    forbidden: FaultField = NEVER  # 403
    unavailable: FaultField = NEVER  # 503 with Retry-After
    error: FaultField = NEVER  # one of error_statuses
    reset: FaultField = NEVER  # the connection is reset
    error_after: FaultField = NEVER  # a 5xx although the call was carried out
    reset_after: FaultField = NEVER  # the connection is reset although the call was carried out
    cut_body: FaultField = NEVER  # the response ends in the middle
    garbled_body: FaultField = NEVER  # the response is not JSON
    trickle: FaultField = NEVER  # the response arrives one byte every trickle_s
    hang: FaultField = NEVER  # no response
    slow: FaultField = NEVER  # the response is slow_s late; combines with any other fault
