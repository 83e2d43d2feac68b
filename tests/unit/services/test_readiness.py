"""Not ready: no code, dead duties, a full disk, a ledger that takes no writes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tidewheel.services.database import Database
from tidewheel.services.watching.readiness import PROBE_EVERY_S, Readiness, ReadinessProbe
from tidewheel.storage.ledger import open_ledger


def looked(
    tmp_path: Path, *, least: int = 0, duties: tuple[str, ...] = (), serving: bool = True
) -> Readiness:
    async def main() -> Readiness:
        database = Database(open_ledger(":memory:"))
        probe = ReadinessProbe(database, tmp_path, lambda: 1.0, least_free_bytes=least)
        found = await probe.look(is_serving=serving, failed_duties=list(duties))
        database.close()
        return found

    return asyncio.run(main())


def test_ready(tmp_path: Path) -> None:
    assert looked(tmp_path) == Readiness(ready=True)


def test_not_ready_without_code_with_dead_duties_or_with_a_full_disk(tmp_path: Path) -> None:
    assert looked(tmp_path, serving=False).troubles == ("no code is served yet",)
    assert looked(tmp_path, duties=("queue",)) == Readiness(ready=False, failed_duties=("queue",))
    full = looked(tmp_path, least=1 << 62)
    assert not full.ready and full.troubles[0].startswith("the disk is full")
    gone = looked(tmp_path / "gone")
    assert not gone.ready and gone.troubles == ("the home cannot be looked at: No such file or directory",)


def test_not_ready_while_the_ledger_takes_no_writes_and_ready_again_after(tmp_path: Path) -> None:
    now = [1.0]

    async def main() -> list[bool]:
        ledger = open_ledger(str(tmp_path / "ledger.db"))
        database = Database(ledger)
        probe = ReadinessProbe(database, tmp_path, lambda: now[0], least_free_bytes=0)

        def turn(state: str) -> None:
            ledger.backend._writing_connection().exec_driver_sql(f"PRAGMA query_only = {state}").close()
            ledger.backend._writing_connection().commit()

        found = []
        for state in ("ON", "OFF"):
            await database.write(turn, state)
            now[0] += PROBE_EVERY_S
            found.append((await probe.look(is_serving=True, failed_duties=[])).ready)
        database.close()
        return found

    assert asyncio.run(main()) == [False, True]
