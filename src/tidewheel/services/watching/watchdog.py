"""The watchdog's duty: looks at everything again and again, tells people of troubles, gives signs of life."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Optional

import msgspec

from tidewheel.logic.planning.watchdog import (
    AlertPolicy,
    KnownTrouble,
    LocationFacts,
    TriggerFacts,
    WatchdogDecision,
    WatchdogFacts,
    decide_alerts,
    message_of,
)
from tidewheel.runtime.alerts import Alerter
from tidewheel.runtime.protocol import Activity
from tidewheel.services.activity import ActivityFeed
from tidewheel.services.code.locations import Locations
from tidewheel.services.database import Database
from tidewheel.services.machine import HelperThread
from tidewheel.services.triggers.schedules import Schedules
from tidewheel.services.triggers.trigger_book import TriggerBook, is_running
from tidewheel.values.records import UnfinishedRuns
from tidewheel.values.status import RunStatus

logger = logging.getLogger("tidewheel.watchdog")

ROUND_S = 20.0
KNOWN_TROUBLES = "watchdog.known"


class WatchdogOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where to tell people (addresses of messaging services), whom to ping, and from when on something is a trouble."""

    addresses: Sequence[str] = ()
    ping_url: Optional[str] = None
    policy: AlertPolicy = AlertPolicy()


class Watchdog:
    """Troubles are shown in the activity feed and the log also when nobody is to be told elsewhere."""

    def __init__(
        self,
        database: Database,
        locations: Locations,
        book: TriggerBook,
        schedules: Schedules,
        feed: ActivityFeed,
        options: WatchdogOptions,
        *,
        alerter: Alerter,
        thread: HelperThread,
        failed_duties: Callable[[], Sequence[str]],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._locations = locations
        self._book = book
        self._schedules = schedules
        self._feed = feed
        self._options = options
        self._alerter = alerter
        self._thread = thread
        self._failed_duties = failed_duties
        self._clock = clock
        self._known: Mapping[str, KnownTrouble] | None = None
        self._down_since: dict[str, float] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            while True:
                try:
                    await self.tick()
                except Exception:
                    logger.exception("the watchdog could not look; trying again")
                await asyncio.sleep(ROUND_S)
        finally:
            self._thread.close()

    async def tick(self) -> WatchdogDecision:
        """One round."""
        facts = await self.load()
        decision = decide_alerts(facts, self._options.policy, await self._load_known())
        if not decision.is_quiet:
            stored = msgspec.json.encode(dict(decision.known)).decode()
            await self._database.write(self._database.ledger.put_setting, KNOWN_TROUBLES, stored)
            await self._tell(decision, facts.now)
        self._known = decision.known
        if self._options.ping_url is not None and not facts.failed_duties:
            await self._thread.run(self._alerter.ping, self._options.ping_url)
        return decision

    async def load(self) -> WatchdogFacts:
        """How everything stands."""
        unfinished = await self._database.read(self._database.ledger.get_unfinished_summary)
        queued = unfinished.get(RunStatus.QUEUED, UnfinishedRuns(count=0, oldest_at=0.0))
        holding = (RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING)
        return WatchdogFacts(
            now=self._clock(),
            triggers=self._triggers(),
            locations=self._location_facts(),
            oldest_queued_at=queued.oldest_at if queued.count else None,
            queued=queued.count,
            in_progress=sum(unfinished[status].count for status in holding if status in unfinished),
            failed_duties=tuple(self._failed_duties()),
        )

    def overdue_s(self) -> float:
        """How long the oldest owed tick of a schedule that runs is overdue."""
        now = self._clock()
        return max(
            (now - one.owed_since for one in self._triggers() if one.owed_since is not None), default=0.0
        )

    def _triggers(self) -> list[TriggerFacts]:
        now = self._clock()
        found = []
        for trigger_id, _, schedule in self._locations.catalog.schedules():
            record = self._book.get(trigger_id)
            if record is None or not is_running(record, schedule.default_running):
                continue
            due = self._schedules.next_ticks.get(trigger_id)
            found.append(
                TriggerFacts(
                    name=schedule.name,
                    kind="schedule",
                    failures_in_a_row=record.failures_in_a_row,
                    owed_since=due if due is not None and due < now else None,
                )
            )
        for trigger_id, _, sensor in self._locations.catalog.sensors():
            record = self._book.get(trigger_id)
            if record is not None and is_running(record, sensor.default_running):
                failures = record.failures_in_a_row
                found.append(TriggerFacts(name=sensor.name, kind="sensor", failures_in_a_row=failures))
        return found

    def _location_facts(self) -> list[LocationFacts]:
        now = self._clock()
        found = []
        for health in self._locations.health():
            is_down = health.state != "loaded" or bool(health.errors)
            if is_down:
                self._down_since.setdefault(health.name, now)
            else:
                self._down_since.pop(health.name, None)
            reason = health.errors[0].message if health.errors else f"it is {health.state}"
            found.append(
                LocationFacts(name=health.name, down_since=self._down_since.get(health.name), reason=reason)
            )
        return found

    async def _load_known(self) -> Mapping[str, KnownTrouble]:
        if self._known is None:
            stored = await self._database.read(self._database.ledger.get_setting, KNOWN_TROUBLES)
            self._known = msgspec.json.decode(stored, type=dict[str, KnownTrouble]) if stored else {}
        return self._known

    async def _tell(self, decision: WatchdogDecision, now: float) -> None:
        title, body = message_of(decision, now)
        for line in body.splitlines():
            logger.warning("%s", line)
            self._feed.publish(Activity(kind="alert", timestamp=now, name="watchdog", status="", text=line))
        if self._options.addresses:
            await self._thread.run(self._alerter.send, self._options.addresses, title, body)
