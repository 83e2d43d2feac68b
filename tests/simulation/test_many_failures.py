"""Five hundred sensors that raise at once: the others go on, and those that raise are asked ever more rarely."""

from __future__ import annotations

from collections import Counter

from tests.simulation.code import RAISES
from tests.simulation.world import World
from tidewheel.logic.graph.specs import LocationSnapshot, SensorNode
from tidewheel.values.status import TickStatus

COUNT = 500
BROKEN = LocationSnapshot(
    name="broken",
    sensors=tuple(
        SensorNode(name=f"{RAISES}{number}", minimum_interval_s=30.0, default_running=True)
        for number in range(COUNT)
    ),
)


def test_five_hundred_raising_sensors_cost_the_others_nothing() -> None:
    world = World("five hundred", 400, also={"broken": BROKEN})
    failed: Counter[str] = Counter()
    close = world.ledger.close

    def count_and_close() -> None:
        for tick in world.ledger.get_ticks(statuses=[TickStatus.FAILURE], limit=100_000):
            failed[tick.trigger_id] += 1
        close()

    world.ledger.close = count_and_close  # type: ignore[method-assign]
    world.play()  # every invariant held, and everything that was asked for was done
    broken = {name: count for name, count in failed.items() if name.startswith("broken/")}
    assert len(broken) == COUNT
    assert max(broken.values()) < world.loop.time() / 30.0
