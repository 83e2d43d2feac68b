"""From requests to runs and backfills (C58 to C63, F11)."""

from __future__ import annotations

import msgspec
import pytest
from condition_story import DAILY, XY, asset, check, job, moment
from hypothesis import given, settings
from hypothesis import strategies as st

from tidewheel.logic.conditions import nodes as n
from tidewheel.logic.conditions.rewrite import with_options
from tidewheel.logic.conditions.runs_from_requests import WantedWork, decide_work
from tidewheel.logic.conditions.subjects import ConditionGraph, Key, build_graph
from tidewheel.logic.graph.specs import AssetNode, CheckNode, DepSpec, JobNode, LocationSnapshot
from tidewheel.logic.partitions.definitions import PartitionView
from tidewheel.logic.partitions.mappings import TimeWindowMapping
from tidewheel.logic.partitions.sets import everything, from_keys

VIEW = PartitionView(now=moment("2024-01-05 01:00"))
YESTERDAY = TimeWindowMapping(start_offset=-1, end_offset=-1)
C = n.Missing()


def graph(*nodes: AssetNode | CheckNode | JobNode, other: tuple[AssetNode, ...] = ()) -> ConditionGraph:
    return build_graph(
        [
            LocationSnapshot(
                name="here",
                assets=tuple(one for one in nodes if isinstance(one, AssetNode)),
                checks=tuple(one for one in nodes if isinstance(one, CheckNode)),
                jobs=tuple(one for one in nodes if isinstance(one, JobNode)),
            ),
            LocationSnapshot(name="there", assets=other),
        ]
    )


def work(of: ConditionGraph, requests: dict[str, list[str] | bool], **more) -> WantedWork:
    wanted = {}
    for name, keys in requests.items():
        key = next(one for one in of.subjects if one.name == name)
        spec = of[key].partitions
        wanted[key] = everything(spec, VIEW) if keys is True else from_keys(spec, keys, VIEW)
    return decide_work(of, wanted, VIEW, **more)


def shape(found: WantedWork) -> list[tuple[str, ...]]:
    """Runs as (partition, assets and checks...), backfills as ("backfill", asset:number...)."""
    runs = [(one.partition or "", *one.assets, *one.checks) for one in found.runs]
    backfills = [
        ("backfill", *(f"{name}:{len(members)}" for name, members in one.partitions), *one.checks)
        for one in found.backfills
    ]
    return sorted(runs + backfills)


def test_unpartitioned_targets_share_a_run_even_when_unrelated():
    of = graph(asset("a", C), asset("b", C), asset("c", C, ["b"]))
    assert shape(work(of, {"a": True, "b": True, "c": True})) == [("", "a", "b", "c")]


def test_the_same_key_of_the_same_definition_shares_a_run():
    of = graph(asset("a", C, partitions=XY), asset("b", C, partitions=XY), asset("d", C, partitions=DAILY))
    found = work(of, {"a": ["x"], "b": ["x"], "d": ["2024-01-04"]})
    assert shape(found) == [("2024-01-04", "d"), ("x", "a", "b")]
    assert shape(work(of, {"a": ["x"], "b": ["y"]})) == [("x", "a"), ("y", "b")]


def test_locations_never_share_a_run():
    of = graph(asset("a", C), other=(asset("b", C),))
    assert [(one.location, one.assets) for one in work(of, {"a": True, "b": True}).runs] == [
        ("here", ("a",)),
        ("there", ("b",)),
    ]


def test_several_partitions_of_one_asset_are_a_backfill_with_what_is_connected():
    of = graph(
        asset("p", C, partitions=XY),
        asset("c", C, ["p"], partitions=XY),
        asset("other", C, partitions=XY),
        asset("plain", C),
    )
    requests = {"p": ["x", "y"], "c": ["x"], "other": ["x"], "plain": True}
    assert shape(work(of, requests)) == [("", "plain"), ("backfill", "p:2", "c:1"), ("x", "other")]
    assert shape(work(of, requests, emit_backfills=False)) == [
        ("", "plain"),
        ("x", "other", "p", "c"),
        ("y", "p"),
    ]


def test_what_is_always_made_together_is_requested_together():
    of = graph(
        asset("m1", C, required_siblings=("m2",)), asset("m2", required_siblings=("m1",)), asset("a", C)
    )
    assert shape(work(of, {"m1": True})) == [("", "m1", "m2")]


CHECKED = (asset("a", C), check("a", "free"), check("a", "own", C), asset("b"), check("b", "lone", C))


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        ({"a": True}, [("", "a", "a:free")]),
        ({"a": True, "a:own": True}, [("", "a", "a:free", "a:own")]),
        ({"a:own": True}, [("", "a:own")]),
        ({"a": True, "b:lone": True}, [("", "a", "a:free", "b:lone")]),
    ],
)
def test_checks_ride_along(requests, expected):
    assert shape(work(graph(*CHECKED), requests)) == expected


def test_a_check_rides_in_the_run_of_its_partitioned_asset():
    of = graph(asset("a", C, partitions=XY), check("a", "c", C))
    assert shape(work(of, {"a": ["x"], "a:c": True})) == [("x", "a", "a:c")]


def test_jobs_run_whole():
    of = graph(asset("a"), job("j", n.AnyJobRoots(operand=C), ["a"]))
    (run,) = work(of, {"j": True}).runs
    assert (run.job_name, run.assets, run.partition) == ("j", (), None)


OFFSET = (
    asset("p", C, partitions=DAILY),
    asset("c", C, [DepSpec(asset="p", mapping=YESTERDAY)], partitions=DAILY),
)


def test_a_child_that_needs_another_key_of_its_parent_waits_for_it():
    """F11."""
    requests = {"p": ["2024-01-03"], "c": ["2024-01-04"]}
    found = work(graph(*OFFSET), requests)
    assert shape(found) == [("backfill", "p:1", "c:1")]
    runs = work(graph(*OFFSET), requests, emit_backfills=False).runs
    assert [(one.partition, one.assets, one.after) for one in runs] == [
        ("2024-01-03", ("p",), ()),
        ("2024-01-04", ("c",), (0,)),
    ]


def test_a_child_that_needs_no_requested_key_shares_the_run():
    requests = {"p": ["2024-01-04"], "c": ["2024-01-04"]}
    assert shape(work(graph(*OFFSET), requests)) == [("2024-01-04", "p", "c")]


def test_an_unpartitioned_parent_comes_before_its_partitions():
    of = graph(asset("p", C), asset("c", C, ["p"], partitions=XY))
    assert shape(work(of, {"p": True, "c": ["x"]})) == [("backfill", "p:1", "c:1")]
    runs = work(of, {"p": True, "c": ["x"]}, emit_backfills=False).runs
    assert [(one.assets, one.after) for one in runs] == [(("p",), ()), (("c",), (0,))]


def test_options_keep_runs_apart():
    urgent = n.RunOptions(tags=(("team", "a"),), priority=5)
    alone = n.RunOptions(alone=True)
    of = graph(
        asset("a", with_options(C, urgent)),
        asset("b", with_options(C, urgent)),
        asset("c", C),
        asset("d", with_options(C, alone)),
        asset("e", with_options(C, alone)),
    )
    found = work(of, dict.fromkeys("abcde", True))
    assert shape(found) == [("", "a", "b"), ("", "c"), ("", "d"), ("", "e")]
    assert next(one for one in found.runs if "a" in one.assets).options == urgent


def test_a_backfill_takes_the_options_together():
    small = n.RunOptions(max_partitions=10, tags=(("x", "1"),), priority=2)
    smaller = n.RunOptions(max_partitions=3, tags=(("y", "2"),), run_config='{"ops":{}}')
    of = graph(
        asset("p", with_options(C, small), partitions=XY),
        asset("c", with_options(C, smaller), ["p"], partitions=XY),
    )
    (backfill,) = work(of, {"p": ["x", "y"], "c": ["x", "y"]}).backfills
    assert backfill.options == n.RunOptions(
        max_partitions=3, tags=(("x", "1"), ("y", "2")), priority=2, run_config='{"ops":{}}'
    )


days = st.lists(st.sampled_from([f"2024-01-0{day}" for day in range(1, 5)]), unique=True, max_size=3)
MESH = (
    *OFFSET,
    asset("e", C, ["c", "p"], partitions=DAILY),
    asset("f", C, [DepSpec(asset="e", mapping=TimeWindowMapping(start_offset=-1))], partitions=DAILY),
    asset("u", C),
    asset("v", C, ["u", "f"]),
)


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys("pcef", days)), st.booleans(), st.booleans())
def test_every_request_is_in_exactly_one_run_and_inputs_come_first(requests, with_u, emit_backfills):
    of = graph(*MESH)
    wanted = {name: keys for name, keys in requests.items() if keys}
    wanted |= {"u": True, "v": True} if with_u else {}
    found = work(of, wanted, emit_backfills=emit_backfills)
    made: dict[tuple[str, str | None], int] = {}
    for at, run in enumerate(found.runs):
        for name in run.assets:
            assert (name, run.partition) not in made
            made[(name, run.partition)] = at
    inside = {
        (name, key)
        for one in found.backfills
        for name, members in one.partitions
        for key in (members.keys(VIEW) if members.spec is not None else [None])
    }
    assert not inside & made.keys()
    pairs = {(name, key) for name, keys in wanted.items() for key in (keys if keys is not True else [None])}
    assert inside | made.keys() == pairs
    before: dict[int, set[int]] = {}
    for at, run in enumerate(found.runs):
        before[at] = set(run.after)
    assert not has_circle(before)
    for (name, key), at in made.items():
        earlier = {"c": "p", "f": "e"}.get(name)
        previous = f"2024-01-0{int(key[-1]) - 1}" if earlier and key else None
        if earlier and (earlier, previous) in made:
            assert made[(earlier, previous)] == at or made[(earlier, previous)] in before[at]


def has_circle(before: dict[int, set[int]]) -> bool:
    left = {at: set(ones) for at, ones in before.items()}
    while True:
        free = {at for at, ones in left.items() if not ones}
        if not free:
            return bool(left)
        left = {at: ones - free for at, ones in left.items() if at not in free}


def test_nothing_requested_is_nothing_to_do():
    assert decide_work(graph(asset("a", C)), {}, VIEW) == WantedWork()
    assert msgspec.json.encode(WantedWork())
    assert Key("job", "j") != Key("asset", "j")
