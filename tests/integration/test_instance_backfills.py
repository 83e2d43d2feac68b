"""What user code asks the instance about backfills."""

import pytest

from tidewheel.errors import InvalidInvocationError, NotSupportedError
from tidewheel.logic.partitions.definitions import PartitionView, StaticPartitions
from tidewheel.logic.partitions.sets import everything
from tidewheel.logic.planning.backfill_parts import build_part
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.instance.instance_backfills import BulkActionsFilter
from tidewheel.values.backfills import BackfillFields, BackfillStatus, NewBackfill
from tidewheel.values.keys import AssetKey
from tidewheel.values.launch import BackfillRequest

LETTERS = StaticPartitions(keys=("a", "b"))


def asked(instance, backfill_id, now, **more):
    part = build_part("shop/orders", everything(LETTERS, PartitionView(now=0.0)))
    fields = BackfillFields(parts=(part,), title="two letters", tags={"team": "a"}, **more)
    instance.ledger.backfills.create([NewBackfill(backfill_id=backfill_id, fields=fields)], now=now)


def test_backfills_are_read_by_filter_and_page():
    with Instance.ephemeral() as instance:
        for number in range(3):
            asked(instance, f"b{number}", 100.0 + number)
        asked(instance, "job", 200.0, job_name="nightly")
        assert [each.backfill_id for each in instance.get_backfills(limit=2, cursor="job")] == ["b2", "b1"]
        young = BulkActionsFilter(created_after=101.0, job_name="nightly")
        assert [each.backfill_id for each in instance.get_backfills(young)] == ["job"]
        assert instance.get_backfills_count() == 4
        assert instance.get_backfills(status=BackfillStatus.CANCELED) == []
        one = instance.get_backfill("b1")
        assert (one.title, one.tags, one.counts.wanted) == ("two letters", {"team": "a"}, 2)
        assert one.asset_selection == [AssetKey(["shop", "orders"])]
        assert instance.get_backfill("job").asset_selection is None
        assert instance.get_backfill("none") is None


def test_a_backfill_needs_a_server():
    with Instance.ephemeral() as instance:
        with pytest.raises(InvalidInvocationError, match="expected a server to make the backfill"):
            instance.add_backfill(BackfillRequest(assets=("orders",)))
        with pytest.raises(InvalidInvocationError, match="expected a BackfillRequest, got str"):
            instance.add_backfill("orders")
        with pytest.raises(NotSupportedError, match="changed by the server alone"):
            instance.update_backfill(None)
