"""What is said of a launch that cannot be."""

from datetime import UTC, datetime

import tidewheel as tw
from tidewheel.values.launch import LaunchRequest
from tidewheel.worker.planning.launch_preparation import prepare_launch


def said(defs, request):
    now = datetime(2026, 11, 4, tzinfo=UTC).timestamp()
    with tw.Instance.ephemeral() as instance:
        prepared = prepare_launch(defs, request, instance=instance, clock=lambda: now)
    return prepared.error.message


def test_a_missing_partition_names_the_asset_and_a_key_there_is():
    @tw.asset(partitions_def=tw.DailyPartitionsDefinition("2026-11-01"))
    def raw(): ...

    message = said(tw.Definitions([raw]), LaunchRequest(selection="raw"))
    assert message == (
        "expected a partition of 'raw', which is partitioned, got none; give its key, for example '2026-11-03'"
    )


def test_a_partition_too_much_names_the_asset():
    @tw.asset
    def raw(): ...

    message = said(tw.Definitions([raw]), LaunchRequest(selection="raw", partition="2026-11-03"))
    assert message.startswith("expected no partition for 'raw', which has none")


def test_a_range_turned_round_is_refused():
    @tw.asset(partitions_def=tw.DailyPartitionsDefinition("2026-11-01"))
    def raw(): ...

    request = LaunchRequest(selection="raw", partition_range=("2026-11-03", "2026-11-01"))
    assert said(tw.Definitions([raw]), request) == (
        "expected a range from the first partition to the last, got '2026-11-03' to '2026-11-01', which holds none; "
        "turn it round"
    )
