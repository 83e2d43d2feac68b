"""What a request for a backfill wants of each asset, how runs' ends are counted, and what is repeated."""

import pytest

from tidewheel.errors import InvalidInvocationError
from tidewheel.logic.graph.specs import AssetNode, BackfillPolicySpec, CheckNode, DepSpec
from tidewheel.logic.partitions import codec
from tidewheel.logic.partitions.definitions import PartitionView, StaticPartitions, TimeWindowPartitions
from tidewheel.logic.partitions.errors import UnknownPartitionError
from tidewheel.logic.partitions.sets import everything, from_keys, nothing
from tidewheel.logic.planning.backfill_facts import Located, build_sets, build_targets
from tidewheel.logic.planning.backfill_launches import build_asset_run, run_id_of
from tidewheel.logic.planning.backfill_outcomes import (
    RETRY_PATIENCE_S,
    count_outcomes,
    counts_of,
    stored_progress,
)
from tidewheel.logic.planning.backfill_parts import stored_set
from tidewheel.logic.planning.backfill_requests import (
    KnownPartitions,
    decide_parts,
    decide_resume,
    parts_to_repeat,
    select_assets,
)
from tidewheel.logic.planning.backfill_runs import ALL_IN_ONE, stretches
from tidewheel.logic.planning.backfill_step import NextRun, untouched
from tidewheel.logic.planning.recovery import RecoveryPolicy
from tidewheel.values.backfill_steps import BackfillRun, OpenBackfillRun
from tidewheel.values.backfills import BackfillFields, BackfillRecord, BackfillStatus
from tidewheel.values.launch import BackfillRequest, PartitionsOfAsset
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunOrigin, RunStatus

DAY = 86_400.0
START = 1_704_067_200.0  # Monday 2024-01-01
DAILY = TimeWindowPartitions(cron="0 0 * * *", start=START, fmt="%Y-%m-%d")
WEEKLY = TimeWindowPartitions(cron="0 0 * * 1", start=START, fmt="%Y-%m-%d")
LETTERS = StaticPartitions(keys=tuple("abc"))
VIEW = PartitionView(now=START + 21 * DAY)


def assets(*nodes):
    return {node.key: Located("shop", node) for node in nodes}


DAYS = AssetNode(key="days", partitions=DAILY)
ITEMS = AssetNode(key="items", partitions=DAILY, deps=(DepSpec(asset="days"),))
WEEKS = AssetNode(key="weeks", partitions=WEEKLY, deps=(DepSpec(asset="items"),))
REPORT = AssetNode(key="report", deps=(DepSpec(asset="weeks"),))
PAIR = tuple(
    AssetNode(key=key, partitions=LETTERS, required_siblings=("left", "right")) for key in ("left", "right")
)
OUTSIDE = AssetNode(key="outside", kind="external")
ALL = assets(DAYS, ITEMS, WEEKS, REPORT, OUTSIDE, *PAIR)


def wanted(request, *names, known=None):
    chosen = select_assets(names, ALL)
    return {
        part.name: list(stored_set(part.wanted, part).keys(VIEW)) or part.count
        for part in decide_parts(request, chosen, ALL, known or {}, VIEW)
    }


def test_keys_name_partitions_of_what_stands_first_and_those_that_depend_on_them():
    got = wanted(BackfillRequest(partitions=("2024-01-03", "2024-01-09")), "report", "weeks", "items", "days")
    assert list(got) == ["days", "items", "weeks", "report"]
    assert got["days"] == got["items"] == ["2024-01-03", "2024-01-09"]
    assert got["weeks"] == ["2024-01-01", "2024-01-08"]
    assert got["report"] == 1


def test_ranges_all_and_each_asset_for_itself():
    assert wanted(BackfillRequest(ranges=(("2024-01-02", "2024-01-03"),)), "days") == {
        "days": ["2024-01-02", "2024-01-03"]
    }
    assert len(wanted(BackfillRequest(), "days")["days"]) == 21
    by_asset = {"days": PartitionsOfAsset(keys=("2024-01-02",)), "weeks": PartitionsOfAsset()}
    got = wanted(BackfillRequest(by_asset=by_asset), "days", "weeks")
    assert (got["days"], len(got["weeks"])) == (["2024-01-02"], 3)


def test_only_what_is_missing_or_has_failed():
    first, second = from_keys(LETTERS, "a", VIEW), from_keys(LETTERS, "b", VIEW)
    known = dict.fromkeys(("left", "right"), KnownPartitions(made=first, failed=second))
    assert wanted(BackfillRequest(only="missing"), "left", known=known) == {
        "left": ["b", "c"],
        "right": ["b", "c"],
    }
    assert wanted(BackfillRequest(only="failed"), "left", known=known)["right"] == ["b"]


@pytest.mark.parametrize(
    ("names", "request_", "error", "text"),
    [
        (("day",), BackfillRequest(), InvalidInvocationError, "did you mean 'days'"),
        (("outside",), BackfillRequest(), InvalidInvocationError, "which is external"),
        (("left",), BackfillRequest(partitions=("x",)), UnknownPartitionError, "'x'"),
        (("left",), BackfillRequest(ranges=(("c", "a"),)), InvalidInvocationError, "'c' comes after 'a'"),
    ],
)
def test_what_is_refused(names, request_, error, text):
    with pytest.raises(error, match=text):
        wanted(request_, *names)


# -- a stored backfill ------------------------------------------------------------------------------------------------


def record(*names, **more):
    parts = decide_parts(BackfillRequest(), select_assets(names, ALL), ALL, {}, VIEW)
    fields = BackfillFields(parts=parts, tags={"team": "a"}, **more)
    return BackfillRecord(
        backfill_id="b",
        status=BackfillStatus.REQUESTED,
        version=3,
        created_at=START,
        updated_at=START,
        fields=fields,
    )


def test_targets_follow_the_definitions_of_now():
    [one] = build_targets(record("days"), ALL, None, VIEW)
    assert (one.limit, one.location, len(one.existing)) == (1, "shop", 21)
    single = AssetNode(
        key="days", partitions=DAILY, backfill_policy=BackfillPolicySpec(max_partitions_per_run=None)
    )
    [one] = build_targets(record("days"), assets(single), None, VIEW)
    assert one.limit == ALL_IN_ONE
    [one] = build_targets(record("days", max_partitions_per_run=7), assets(single), None, VIEW)
    assert one.limit == 7
    [gone] = build_targets(record("days"), {}, None, VIEW)
    assert gone.existing.is_empty
    shorter = StaticPartitions(keys=("b", "c", "d"))
    changed = [
        AssetNode(key=node.key, partitions=shorter, required_siblings=node.required_siblings) for node in PAIR
    ]
    left = build_targets(record("left"), assets(*changed), None, VIEW)[0]
    assert list(left.existing.keys(VIEW)) == ["b", "c"]
    [now_unpartitioned] = build_targets(record("days"), assets(AssetNode(key="days")), None, VIEW)
    assert now_unpartitioned.existing.is_empty


def test_a_run_of_assets_is_complete_and_its_id_follows_from_what_it_makes():
    one = record("left", checks=("left:good",))
    stretch = next(stretches(from_keys(LETTERS, "ab", VIEW), ALL_IN_ONE, VIEW))
    wanted_run = NextRun(targets=("left", "right"), location="shop", stretch=stretch)
    checks = {"left": [CheckNode(asset="left", name="good"), CheckNode(asset="left", name="other")]}
    run = build_asset_run(one, wanted_run, checks, VIEW)
    assert (run.assets, run.checks, run.planned_checks) == (("left", "right"), ("left:good",), ("left:good",))
    assert run.tags == {
        "team": "a",
        "dagster/backfill": "b",
        "dagster/asset_partition_range_start": "a",
        "dagster/asset_partition_range_end": "b",
    }
    assert (run.partition, run.origin, run.location) == (None, RunOrigin.BACKFILL, "shop")
    assert run.run_id == run_id_of(one, wanted_run) == build_asset_run(one, wanted_run, checks, VIEW).run_id
    other = next(stretches(from_keys(LETTERS, "c", VIEW), 1, VIEW))
    assert run_id_of(one, NextRun(targets=("left", "right"), location="shop", stretch=other)) != run.run_id


SETS = {"left": untouched(everything(LETTERS, VIEW))}


def ended(status, *, made=(), keys="ab", retries=0, ended_at=START, deleted=False):
    latest = RunRecord(
        run_id="r",
        job_name="j",
        location="shop",
        status=status,
        created_at=START,
        updated_at=START,
        ended_at=ended_at,
        tags={"dagster/max_retries": str(retries)},
    )
    partitions = {"left": codec.encode(from_keys(LETTERS, keys, VIEW))}
    return OpenBackfillRun(
        run=BackfillRun(run_id="r", partitions=partitions),
        latest=None if deleted else latest,
        made=tuple(("left", key) for key in made),
    )


def outcome(one, now=START):
    sets, counted = count_outcomes(SETS, [one], view=VIEW, policy=RecoveryPolicy(), now=now)
    left = sets["left"]
    texts = tuple("".join(part.keys(VIEW)) for part in (left.done, left.failed, left.cancelled))
    return texts, counted


@pytest.mark.parametrize(
    ("name", "run", "expected"),
    [
        ("a run that succeeded made all", ended(RunStatus.SUCCESS), ("ab", "", "")),
        ("a failed one what it made", ended(RunStatus.FAILURE, made="a"), ("a", "b", "")),
        ("a cancelled one too", ended(RunStatus.CANCELED, made="b"), ("b", "", "a")),
        ("a deleted one nothing", ended(RunStatus.CANCELED, deleted=True), ("", "", "ab")),
        ("what is not its to make does not count", ended(RunStatus.FAILURE, made="c"), ("", "ab", "")),
    ],
)
def test_how_a_run_that_ended_counts(name, run, expected):
    assert outcome(run) == (expected, ("r",)), name


def test_a_failed_run_that_is_tried_again_does_not_count_for_a_while():
    failing = ended(RunStatus.FAILURE, retries=1)
    assert outcome(failing) == (("", "", ""), ())
    assert outcome(failing, now=START + RETRY_PATIENCE_S + 1) == (("", "ab", ""), ("r",))
    assert outcome(ended(RunStatus.STARTED, ended_at=None)) == (("", "", ""), ())


def some_ends():
    left = SETS["left"]
    return {
        "left": type(left)(
            wanted=left.wanted,
            requested=left.wanted,
            done=from_keys(LETTERS, "a", VIEW),
            failed=from_keys(LETTERS, "b", VIEW),
            cancelled=from_keys(LETTERS, "c", VIEW),
            left_out=nothing(LETTERS),
        )
    }


def test_resuming_goes_on_with_what_was_cancelled_and_repeating_with_what_was_not_made():
    sets = some_ends()
    assert counts_of(sets.values()).ended == 3
    commit = decide_resume(record("left"), sets)
    assert (commit.attempt, commit.expected_version, commit.counts.waiting) == (2, 3, 1)
    assert commit.counts.failed == 1
    [part] = parts_to_repeat(sets)
    assert list(stored_set(part.wanted, part).keys(VIEW)) == ["b", "c"]
    [whole] = parts_to_repeat(sets, all_=True)
    assert whole.count == 3


def test_progress_is_stored_and_read_back():
    sets = some_ends()
    stored = record("left")
    kept = BackfillRecord(
        backfill_id="b",
        status=stored.status,
        version=1,
        created_at=START,
        updated_at=START,
        fields=BackfillFields(parts=stored.fields.parts[:1]),
        progress={"left": stored_progress(sets["left"])},
    )
    assert build_sets(kept, build_targets(kept, ALL, None, VIEW)) == sets


def test_a_range_that_is_turned_round_is_told_so():
    request = BackfillRequest(ranges=(("2024-01-09", "2024-01-03"),))
    with pytest.raises(
        InvalidInvocationError, match="'2024-01-09' comes after '2024-01-03'; turn them round"
    ):
        wanted(request, "days")


def test_a_key_that_is_none_is_answered_with_an_example():
    with pytest.raises(UnknownPartitionError, match="expected a key such as '2024-01-01', got 'jan 3'"):
        wanted(BackfillRequest(partitions=("jan 3",)), "days")
