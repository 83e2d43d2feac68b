"""The inbox: what was accepted is there, and every consumer has been handed each delivery once, or it is shown as set aside."""

from __future__ import annotations

import json

from tests.simulation.code_listening import HOOK, SENSORS, is_poison
from tests.simulation.judges.judge import Judge

SOURCES = {
    sensor.name: f"hook:{HOOK}" if sensor.hook is not None else f"files:one/{sensor.name}"
    for sensor in SENSORS
}
"""By consumer, where its deliveries come from."""


class InboxJudge(Judge):
    """Counts what consumers wrote down in the transactions that moved their positions."""

    touched_by = frozenset(
        ("commit_ticks", "commit_listing", "put", "update_trigger", "_sync", "forget_redelivery")
    )

    def check(self) -> None:
        for name, source in SOURCES.items():
            found = self.rows(f"SELECT position FROM trigger WHERE trigger_id = 'one/{name}'")
            if not found:
                continue
            position = found[0][0] or 0
            [(handed, ahead)] = self.rows(
                f"SELECT count(*), coalesce(sum(CAST(partition AS INTEGER) > {position}), 0) "
                f"FROM event WHERE asset = 'seen-by-{name}'"
            )
            again = self.one(f"SELECT count(*) FROM redelivery WHERE trigger_id = 'one/{name}'")
            behind = self.one(
                f"SELECT count(*) FROM inbox WHERE source = '{source}' AND id <= {position}"
            ) - self._passed_over(name, source)
            assert ahead == 0, f"{name} was handed {ahead} deliveries that are not behind it"
            assert handed + again == behind, (
                f"{name}: {behind} deliveries are behind it, {handed} were handed over and {again} wait to be again"
            )

    def _passed_over(self, name: str, source: str) -> int:
        """Deliveries from before the consumer existed are none of its."""
        first = self.world.first_positions.get(name)
        if first is None:
            found = self.rows(f"SELECT position FROM trigger WHERE trigger_id = 'one/{name}'")
            first = self.world.first_positions[name] = found[0][0] or 0
        return int(self.one(f"SELECT count(*) FROM inbox WHERE source = '{source}' AND id <= {first}"))

    def check_thoroughly(self) -> None:
        self.check()
        stored = {
            row[0]: row[1]
            for row in self.rows(f"SELECT delivery_id, body FROM inbox WHERE source = 'hook:{HOOK}'")
        }
        missing = [name for name in self.world.accepted if name not in stored]
        assert not missing, f"accepted deliveries are not in the inbox: {missing[:3]}"
        doubled = self.rows(
            "SELECT asset, partition, count(*) FROM event WHERE asset LIKE 'seen-by-%' "
            "GROUP BY asset, partition HAVING count(*) > 1"
        )
        assert not doubled, f"deliveries handed over twice: {doubled[:3]}"

    def is_complete(self) -> bool:
        return not any(self._waiting(name) for name in SOURCES) and self._told() == self._bucket()

    def _waiting(self, name: str) -> int:
        return int(
            self.one(
                f"SELECT count(*) FROM inbox WHERE source = '{SOURCES[name]}' AND id > "
                f"(SELECT coalesce(max(position), 0) FROM trigger WHERE trigger_id = 'one/{name}')"
            )
            + self.one(
                f"SELECT count(*) FROM redelivery WHERE trigger_id = 'one/{name}' AND retry_at IS NOT NULL"
            )
        )

    def _told(self) -> dict[str, int]:
        """The bucket, as the changes that were reported say."""
        files: dict[str, int] = {}
        for (body,) in self.rows(f"SELECT body FROM inbox WHERE source = '{SOURCES['bucket']}' ORDER BY id"):
            change = json.loads(body)
            if change["change"] == "deleted":
                files.pop(change["path"], None)
            else:
                files[change["path"]] = change.get("size", 0)
        return files

    def _bucket(self) -> dict[str, int]:
        return {stat.path: stat.size for stat in self.world.source.files.values()}

    def check_at_rest(self) -> None:
        for name in SOURCES:
            assert not self._waiting(name), f"{name}: deliveries were never handed over"
        assert self._told() == self._bucket(), "the reported changes do not add up to the bucket's files"
        first = self.world.first_positions.get("orders_a", 0)
        poison = {
            row[0]
            for row in self.rows(f"SELECT id, body FROM inbox WHERE source = 'hook:{HOOK}' AND id > {first}")
            if is_poison(row[1])
        }
        shown = {
            row[0]
            for row in self.rows(
                "SELECT event_id FROM redelivery WHERE trigger_id = 'one/orders_a' AND retry_at IS NULL"
            )
        }
        assert shown == poison, (
            f"{len(poison)} deliveries cannot be read, {len(shown)} are shown as set aside"
        )
