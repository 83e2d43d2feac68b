"""Asks before an evaluation whether the trigger's circuit breaker lets it through."""

from __future__ import annotations

from collections.abc import Callable

from tidewheel.logic.planning.breaker import BreakerDecision, BreakerFacts, FailureFact, decide_breaker
from tidewheel.services.database import Database
from tidewheel.values.policies import Breaker, TriggerPolicy
from tidewheel.values.records import TriggerRecord

TRIAL_LOOK_S = 2.0
"""How often a half-open trigger whose trial run goes on is looked at."""


class Breakers:
    """The breakers that are not closed, as of the last look, for people to see."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self.tripped: dict[str, BreakerDecision] = {}

    async def check(self, record: TriggerRecord, policy: TriggerPolicy | None) -> BreakerDecision:
        """The state of a trigger's breaker; always closed without one."""
        if policy is None or policy.breaker is None:
            self.tripped.pop(record.trigger_id, None)
            return BreakerDecision()
        facts = await self._database.read(self._load, record, policy.breaker)
        decision = decide_breaker(policy.breaker, facts)
        if decision.state == "closed":
            self.tripped.pop(record.trigger_id, None)
        else:
            self.tripped[record.trigger_id] = decision
        return decision

    def look_again_at(self, decision: BreakerDecision) -> float:
        """When an open breaker may have changed."""
        now = self._clock()
        return decision.until if decision.until is not None and decision.until > now else now + TRIAL_LOOK_S

    def _load(self, record: TriggerRecord, breaker: Breaker) -> BreakerFacts:
        policies = self._database.ledger.policies
        now = self._clock()
        evaluations: tuple[FailureFact, ...] = ()
        if record.failures_in_a_row >= breaker.failures:
            evaluations = policies.get_tick_failures(record.trigger_id, count=breaker.failures)
        # stopping and starting a trigger forgives it what was before; a clock that was moved back since does not
        since = record.started_at or 0.0
        since = since if since <= now else 0.0
        runs = policies.get_run_failures(record.trigger_id, count=breaker.failures, since=since)
        return BreakerFacts(
            now=now,
            evaluations=evaluations,
            runs=runs,
            unfinished=policies.get_unfinished(record.trigger_id) if runs else (),
        )
