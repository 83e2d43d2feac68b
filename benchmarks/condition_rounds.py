"""How long one round of conditions takes on a real ledger: reading what changed, evaluating, committing the tick."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tidewheel.logic.conditions import codec, presets
from tidewheel.logic.conditions.subjects import ConditionGraph, build_graph
from tidewheel.logic.graph.specs import AssetNode, DepSpec, LocationSnapshot
from tidewheel.logic.planning.automation_commit import SensorOptions
from tidewheel.services.condition_round import SensorEngine
from tidewheel.storage.ledger import SqlLedger, open_ledger
from tidewheel.values.events import Event, EventType, Materialization
from tidewheel.values.status import TriggerKind

CHAIN = 10
SENSOR = "bench/conditions"
OPTIONS = SensorOptions(name="conditions")


class LedgerRounds:
    """Chains of ten `eager()` assets on a SQLite file; every asset was made once."""

    def __init__(self, ledger: SqlLedger, assets: int) -> None:
        eager = codec.encode(presets.eager())
        self.ledger = ledger
        self.assets = assets
        self.graph: ConditionGraph = build_graph(
            [
                LocationSnapshot(
                    name="bench",
                    assets=tuple(
                        AssetNode(
                            key=f"a{n}",
                            condition=eager,
                            deps=(DepSpec(asset=f"a{n - 1}"),) if n % CHAIN else (),
                        )
                        for n in range(assets)
                    ),
                )
            ]
        )
        ledger.ensure_trigger(
            SENSOR,
            kind=TriggerKind.SENSOR,
            location="bench",
            name="conditions",
            definition=None,
            started_at=0.0,
            frontier=None,
            position=None,
        )
        self.made(range(assets))
        record = ledger.get_trigger(SENSOR)
        assert record is not None
        self.engine = SensorEngine(self.graph, self.graph.targets, record, ledger)
        self.first_ms = self.round_ms()
        self.settle()

    def made(self, numbers: Iterable[int]) -> None:
        now = time.time()
        self.ledger.record_events(
            [
                Event(
                    type=EventType.ASSET_MATERIALIZATION,
                    timestamp=now,
                    run_id="",
                    asset=f"a{n}",
                    payload=Materialization(),
                )
                for n in numbers
            ]
        )

    def round_ms(self) -> float:
        """Read, decide, commit."""
        record = self.ledger.get_trigger(SENSOR)
        assert record is not None
        began = time.perf_counter()
        reading = self.engine.read(time.time())
        decision, found = self.engine.decide(reading, {}, record, OPTIONS)
        if decision.commit is not None:
            self.ledger.commit_tick(decision.commit)
        self.engine.settle(reading, decision, found)
        return (time.perf_counter() - began) * 1000

    def settle(self) -> None:
        for _ in range(3):
            self.round_ms()

    def change_ms(self) -> float:
        """The round in which the last asset but one of a chain was made: its child is requested."""
        times = []
        for n in range(7):
            self.made([(n * 7 * CHAIN + CHAIN - 2) % self.assets])
            times.append(self.round_ms())
            self.settle()
        return statistics.median(times)

    def idle_ms(self) -> float:
        return statistics.median(self.round_ms() for _ in range(9))


def rounds(assets: int) -> tuple[float, float, float]:
    """First, idle and one-change round of so many assets, in ms."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(Path(folder) / "ledger.db")
        one = LedgerRounds(ledger, assets)
        idle, change = one.idle_ms(), one.change_ms()
        ledger.close()
        return one.first_ms, idle, change
