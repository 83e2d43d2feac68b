"""`evaluate_automation_conditions` with real definitions, runs and events in an instance."""

from __future__ import annotations

import datetime as dt

import pytest

import tidewheel as tw
from tidewheel.definitions.automation.names import AutomationCondition as AC
from tidewheel.definitions.automation.names import AutomationContext, AutomationResult
from tidewheel.errors import ParameterCheckError, TidewheelError
from tidewheel.worker.evaluation.evaluate_conditions import evaluate_automation_conditions

DAILY = tw.DailyPartitionsDefinition("2023-12-28")
XY = tw.StaticPartitionsDefinition(["x", "y"])


def asset(name, condition=None, deps=(), partitions_def=None, fails=None, **more):
    @tw.asset(
        name=name, deps=list(deps), automation_condition=condition, partitions_def=partitions_def, **more
    )
    def made() -> None:
        if fails:
            raise RuntimeError("told to")

    return made


class Trial:
    """Definitions and an instance; what happens returns the trial, `evaluate` what is requested."""

    def __init__(self, *assets, checks=(), jobs=(), at=(2024, 1, 5, 1)) -> None:
        self.defs = tw.Definitions(assets=list(assets), asset_checks=list(checks), jobs=list(jobs))
        self.all = [*assets, *checks]
        self.instance = tw.Instance.ephemeral()
        self.cursor = None
        self.now: dt.datetime | None = dt.datetime(*at)

    def evaluate(self, **more):
        result = evaluate_automation_conditions(
            self.defs, self.instance, evaluation_time=self.now, cursor=self.cursor, **more
        )
        self.cursor = result.cursor
        found = {}
        for one in result.results:
            key = one.key
            name = key.to_user_string() if hasattr(key, "to_user_string") else key.job_name
            if not one.true_subset.is_empty:
                keys = one.true_subset.is_partitioned and one.true_subset.expensively_compute_partition_keys()
                found[name] = sorted(keys) if keys else True
        return found

    def times(self, number):
        return [self.evaluate() for _ in range(number)]

    def later(self, hours):
        self.now += dt.timedelta(hours=hours)
        return self

    def made(self, *names, part=None, tags=None):
        selection = tw.AssetSelection.keys(*names).without_checks()
        tw.materialize(
            self.all,
            selection=selection,
            instance=self.instance,
            partition_key=part,
            tags=tags,
            raise_on_error=False,
        )
        return self

    def checked(self, name):
        selection = tw.AssetSelection.checks_for_assets(name)
        tw.materialize(self.all, selection=selection, instance=self.instance, raise_on_error=False)
        return self

    def reported(self, kind, name, version=None, part=None):
        tags = {"dagster/data_version": version} if version else None
        self.instance.report_runless_asset_event(kind(asset_key=name, tags=tags, partition=part))
        return self


@pytest.mark.parametrize(
    ("condition", "expected"),
    [(AC.eager(), [0, 0, 0, 0]), (AC.missing(), [3, 3, 3, 3]), (AC.on_cron("0 0 * * *"), [0, 0, 3, 0])],
)
def test_three_roots_that_were_never_made(condition, expected):
    instance, cursor, counts = tw.Instance.ephemeral(), None, []
    assets = [asset(name, condition) for name in "abc"]
    for moment in ((1, 1, 1), (1, 1, 2), (1, 2, 2), (1, 2, 3)):
        result = evaluate_automation_conditions(
            assets, instance, evaluation_time=dt.datetime(2024, *moment), cursor=cursor
        )
        cursor = result.cursor
        counts.append(result.total_requested)
    assert counts == expected


def test_the_result_tells_by_key():
    @tw.multi_asset(specs=[tw.AssetSpec("m1", automation_condition=AC.missing()), tw.AssetSpec("m2")])
    def made() -> None: ...

    child = asset("child", AC.any_deps_match(AC.will_be_requested()), ["m2"])
    part = asset("p", AC.missing(), partitions_def=XY)
    result = evaluate_automation_conditions([made, child, part], tw.Instance.ephemeral())
    assert result.total_requested == 4
    assert {
        name: result.get_num_requested(tw.AssetKey(name)) for name in ("m1", "m2", "child", "p", "no")
    } == {
        "m1": 1,
        "m2": 1,
        "child": 1,
        "p": 2,
        "no": 0,
    }
    assert result.get_requested_partitions(tw.AssetKey("p")) == {"x", "y"}
    assert result.get_requested_partitions("m2") == {None}
    assert result.get_requested_partitions("no") == set()
    tree = next(one for one in result.results if one.key == tw.AssetKey("child"))
    assert tree.child_results[0].key == tw.AssetKey("m2")


def test_a_selection_narrows_what_is_evaluated():
    trial = Trial(asset("a", AC.missing()), asset("b", AC.missing()))
    assert trial.evaluate(asset_selection=tw.AssetSelection.assets("a")) == {"a": True}


def test_materializations_wipes_and_requests():
    trial = Trial(
        asset("a", AC.missing()),
        asset("b", AC.newly_updated()),
        asset("c", AC.missing() & ~AC.newly_requested()),
    )
    assert trial.times(2) == [{"a": True, "c": True}, {"a": True}]
    assert trial.made("a", "b", "c").times(2) == [{"b": True}, {}]
    trial.instance.wipe_assets([tw.AssetKey("a")])
    assert trial.reported(tw.AssetMaterialization, "b").evaluate() == {"a": True, "b": True}


def test_eager_chain_in_one_evaluation_and_not_again_after_its_run():
    names = "uabc"
    trial = Trial(*(asset(x, AC.eager() if i else None, names[i - 1 : i]) for i, x in enumerate(names)))
    trial.made(*names).evaluate()
    assert trial.made("u").times(2) == [{"a": True, "b": True, "c": True}, {}]
    assert trial.made("a", "b", "c").evaluate() == {}
    assert trial.made("u").made("a", "b", "c").evaluate() == {}


def test_eager_does_not_repeat_a_failure_and_sees_it():
    fails = [True]
    trial = Trial(
        asset("u"), asset("a", AC.eager(), ["u"], fails=fails), asset("f", AC.execution_failed(), fails=fails)
    )
    trial.evaluate()
    assert trial.made("u").evaluate() == {"a": True}
    assert trial.made("a", "f").times(2) == [{"f": True}, {"f": True}]
    fails.clear()
    assert trial.made("u", "f").evaluate() == {"a": True}


def test_a_run_in_the_queue_is_in_progress():
    trial = Trial(asset("u"), asset("a", AC.eager(), ["u"]), asset("r", AC.in_progress()))
    trial.made("u", "a", "r").evaluate()
    from tidewheel.values.records import NewRun

    run_id = "0" * 8 + "-0000-7000-8000-" + "0" * 12
    trial.instance.ledger.create_runs(
        [
            NewRun(
                run_id=run_id,
                job_name="__ASSET_JOB",
                location="x",
                assets=("a", "r"),
                planned_assets=("a", "r"),
            )
        ],
        now=0.0,
    )
    assert trial.made("u").times(2) == [{"r": True}, {"r": True}]
    trial.instance.ledger.request_cancel(run_id, now=1.0)
    assert trial.evaluate() == {"a": True}


def test_cancelled_attempts_can_be_asked_for():
    from tidewheel.values.records import NewRun

    trial = Trial(asset("a", AC.execution_canceled()))
    run_id = "1" * 8 + "-0000-7000-8000-" + "0" * 12
    run = NewRun(run_id=run_id, job_name="j", location="x", assets=("a",), planned_assets=("a",))
    trial.instance.ledger.create_runs([run], now=0.0)
    assert trial.evaluate() == {}
    trial.instance.ledger.request_cancel(run_id, now=1.0)
    assert trial.evaluate() == {"a": True}
    assert trial.made("a").evaluate() == {}


def test_on_cron_waits_for_updates_after_the_tick_at_simulated_times():
    trial = Trial(asset("u"), asset("a", AC.on_cron("0 0 * * *"), ["u"])).made("u", "a")
    trial.evaluate()
    assert trial.later(24).evaluate() == {}
    assert trial.made("u").times(2) == [{"a": True}, {}]
    trial.made("a").evaluate()
    assert trial.later(24).evaluate() == {}
    assert trial.made("u").evaluate() == {"a": True}


def test_daily_partitions_and_mappings():
    yesterday = tw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    updated = AC.any_deps_match(AC.newly_updated())
    trial = Trial(
        asset("p", partitions_def=DAILY),
        asset("c", AC.eager(), ["p"], DAILY),
        asset("w", updated, ["p"], tw.WeeklyPartitionsDefinition("2023-12-31")),
        asset("o", updated, [tw.AssetDep("p", partition_mapping=yesterday)], DAILY),
        at=(2024, 1, 10, 1),
    )
    trial.evaluate()
    assert trial.made("p", part="2024-01-03").evaluate() == {"w": ["2023-12-31"], "o": ["2024-01-04"]}
    trial.later(24)
    assert trial.made("p", part="2024-01-10").times(2) == [{"c": ["2024-01-10"]}, {}]
    assert trial.made("c", part="2024-01-10").evaluate() == {}


def test_dynamic_partitions():
    dynamic = tw.DynamicPartitionsDefinition(name="dd")
    trial = Trial(asset("p", AC.eager(), partitions_def=dynamic), asset("c", AC.eager(), ["p"]))
    trial.instance.add_dynamic_partitions("dd", ["a"])
    assert trial.evaluate() == {}
    trial.instance.add_dynamic_partitions("dd", ["b"])
    assert trial.evaluate() == {"p": ["b"]}
    assert trial.made("p", part="b").evaluate() == {}
    assert trial.made("p", part="a").evaluate() == {"c": True}


def test_runs_are_known_by_their_targets_and_tags():
    trial = Trial(
        asset("u"),
        asset("r", AC.any_deps_match(AC.executed_with_root_target()), ["u"]),
        asset("t", AC.any_deps_match(AC.executed_with_tags(tag_values={"k": "1"})), ["u"]),
        asset("n", AC.any_deps_match(AC.any_new_update_has_run_tags(tag_keys={"k"})), ["u"]),
    )
    trial.evaluate()
    assert trial.made("u", tags={"k": "1"}).evaluate() == {"t": True, "n": True}
    assert trial.made("u", "r").evaluate() == {"r": True}


def test_code_versions():
    trial = Trial(asset("a", AC.code_version_changed(), code_version="1"))
    answers = trial.times(2)
    for version in ("1", "2", None, "3"):
        trial.defs = tw.Definitions(assets=[asset("a", AC.code_version_changed(), code_version=version)])
        answers.append(trial.evaluate())
    assert answers == [{}, {}, {}, {"a": True}, {"a": True}, {}]


def test_data_versions():
    versions = iter(["1", "1", "2"])

    @tw.asset(automation_condition=AC.data_version_changed())
    def a() -> tw.MaterializeResult:
        return tw.MaterializeResult(data_version=tw.DataVersion(next(versions)))

    trial = Trial(a)
    trial.evaluate()
    assert [trial.made("a").evaluate() for _ in range(3)] == [{"a": True}, {}, {"a": True}]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (AC.newly_updated(), [True, True, True, True]),
        (AC.data_version_changed(), [True, False, True, True]),
        (AC.missing(), [False, False, False, False]),
    ],
)
def test_an_event_of_a_partition_is_one_of_an_asset_without_partitions(condition, expected):
    trial = Trial(asset("a", condition))
    trial.evaluate()
    found = [
        trial.reported(tw.AssetMaterialization, "a", version, part).evaluate() == {"a": True}
        for version, part in (("1", "x"), ("1", "y"), ("2", "x"), ("3", None))
    ]
    assert found == expected


def test_observable_and_external_assets():
    @tw.observable_source_asset
    def o() -> tw.DataVersion:
        return tw.DataVersion("1")

    updated, missing = AC.any_deps_match(AC.newly_updated()), AC.any_deps_match(AC.missing())
    trial = Trial(
        o,
        tw.AssetSpec("e"),
        asset("ou", updated, ["o"]),
        asset("om", missing, ["o"]),
        asset("eu", updated, ["e"]),
        asset("em", missing, ["e"]),
    )
    assert trial.evaluate() == {"om": True, "em": True}
    seen = tw.AssetObservation
    trial.reported(seen, "o", "1").reported(seen, "e", "1")
    assert trial.evaluate() == {"ou": True, "em": True}
    assert trial.reported(seen, "o", "1").evaluate() == {"em": True}
    assert trial.reported(seen, "o", "2").reported(tw.AssetMaterialization, "e").evaluate() == {
        "ou": True,
        "eu": True,
    }
    assert trial.reported(seen, "o").evaluate() == {"ou": True}


def test_checks():
    passes = [True]

    @tw.asset_check(asset="u", blocking=True)
    def gate() -> tw.AssetCheckResult:
        return tw.AssetCheckResult(passed=bool(passes))

    @tw.asset_check(asset="u", automation_condition=AC.missing())
    def other() -> tw.AssetCheckResult:
        return tw.AssetCheckResult(passed=True)

    trial = Trial(
        asset("u"),
        asset("a", AC.all_deps_blocking_checks_passed(), ["u"]),
        asset("f", AC.any_deps_match(AC.any_checks_match(AC.check_failed())), ["u"]),
        checks=[gate, other],
    )
    assert trial.evaluate() == {"u:other": True}
    assert trial.made("u").checked("u").evaluate() == {"a": True}
    passes.clear()
    assert trial.checked("u").evaluate() == {"f": True}
    assert trial.made("u").evaluate() == {"u:other": True}


def test_jobs():
    roots = [asset("r"), asset("s"), asset("inner", None, ["r", "s"])]
    job = tw.define_asset_job(
        "j", selection=["r", "s", "inner"], automation_condition=AC.all_job_root_assets_match(~AC.missing())
    )
    trial = Trial(*roots, jobs=[job])
    assert trial.made("r").evaluate() == {}
    assert trial.made("s").evaluate() == {"j": True}


class Every(AC):
    """True at every second evaluation."""

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        count = int(context.cursor or 0)
        chosen = context.candidate_subset if count % 2 else context.get_empty_subset()
        return AutomationResult(context, chosen, cursor=str(count + 1))


class OnlyX(AC):
    """True for one key, and remembers what it was told."""

    told: list[tuple] = []

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        self.told.append((context.evaluation_time, context.previous_evaluation_time, context.partitions_def))
        chosen = context.candidate_subset.compute_intersection_with_partition_keys({"x", "unknown"})
        return AutomationResult(context=context, true_subset=chosen)


def test_conditions_of_users_own_classes():
    trial = Trial(asset("a", Every() & AC.missing()), asset("p", OnlyX(), partitions_def=XY))
    assert trial.times(3) == [{"p": ["x"]}, {"a": True, "p": ["x"]}, {"p": ["x"]}]
    (first, before, definition), (_, again, _) = OnlyX.told[:2]
    assert first == dt.datetime(2024, 1, 5, 1, tzinfo=dt.UTC)
    assert (before, again, definition) == (None, first, XY)


class Remarks(AC):
    def evaluate(self, context: AutomationContext) -> AutomationResult:
        context.log.info("seen")
        return AutomationResult(context=context, true_subset=context.get_empty_subset())


def test_remarks_of_a_condition_tell_its_class(caplog):
    caplog.set_level("INFO", logger="tidewheel.conditions.Remarks")
    Trial(asset("a", Remarks())).evaluate()
    assert [(one.name.rpartition(".")[2], one.message) for one in caplog.records] == [("Remarks", "seen")]


class Broken(AC):
    """Raises, or returns what it may not."""

    def __init__(self, result=None) -> None:
        self.result = result

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        if self.result is None:
            raise KeyError("oops")
        return self.result


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Broken(), "KeyError: 'oops'"),
        (Broken("text"), "expected an AutomationResult"),
        (AC.asset_matches("nowhere", AC.missing()), "'nowhere'"),
        (AC.check_passed(), "to be asked of a check"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_fails_the_test(condition, words):
    with pytest.raises(TidewheelError, match=words):
        Trial(asset("a", condition), asset("b", AC.missing())).evaluate()


def test_cursors_come_from_results():
    with pytest.raises(ParameterCheckError, match="cursor"):
        evaluate_automation_conditions([asset("a")], tw.Instance.ephemeral(), cursor="1")


def test_behind_at_first_is_read_from_the_ledger():
    trial = Trial(
        asset("u"),
        asset("a", AC.parent_newer(), ["u"]),
        asset("b", AC.parent_newer(), ["u"]),
        asset("c", AC.parent_newer(), ["u"], XY),
    )
    trial.made("a").made("c", part="x").made("u").made("b")
    assert trial.evaluate() == {"a": True, "c": ["x", "y"]}
    assert trial.made("c", part="x").evaluate() == {"a": True, "c": ["y"]}


def test_keep_up_to_date_from_missing_to_made():
    trial = Trial(asset("u", AC.keep_up_to_date()), asset("a", AC.keep_up_to_date(), ["u"]))
    assert trial.times(2) == [{"u": True, "a": True}] * 2
    assert trial.made("u", "a").evaluate() == {}


def test_the_real_time_is_taken_if_none_is_given():
    trial = Trial(asset("a", AC.newly_updated().since(AC.cron_tick_passed("0 0 1 1 *"))))
    trial.now = None
    trial.evaluate()
    assert trial.made("a").times(2) == [{"a": True}, {"a": True}]


def test_a_sensor_over_conditions_is_not_a_function() -> None:
    plain = tw.AutomationConditionSensorDefinition("plain", target="*")
    with pytest.raises(NotImplementedError, match="evaluate_automation_conditions"):
        plain(tw.build_sensor_context())
    with pytest.raises(ParameterCheckError, match="use_user_code_server=True"):
        tw.AutomationConditionSensorDefinition("odd", target="*", default_condition=AC.eager())
    given = tw.AutomationConditionSensorDefinition(
        "given", target="*", default_condition=AC.eager(), use_user_code_server=True
    )
    assert given.default_condition == AC.eager()
