"""Every condition on everything that can have one: an asset, a check, an observable source, an asset job.

The incremental engine on a real ledger and the full evaluation of the same facts agree after every step.
"""

from __future__ import annotations

from datetime import timedelta

import tidewheel as tw
from tidewheel.definitions.automation.names import AutomationCondition as AC
from tidewheel.definitions.loading.snapshot import build_snapshot
from tidewheel.logic.conditions.evaluate import evaluate
from tidewheel.logic.conditions.incremental import ConditionEngine
from tidewheel.logic.conditions.memory import Progress
from tidewheel.logic.conditions.subjects import build_graph
from tidewheel.runtime.conditions.condition_facts import FactReader

MISSING = AC.missing()
PARAMETERS = {
    "on_cron": ("0 0 * * *",),
    "cron_tick_passed": ("0 0 * * *",),
    "all_deps_updated_since_cron": ("0 0 * * *",),
    "materialized_since_cron": ("0 0 * * *",),
    "failed_since_cron": ("0 0 * * *",),
    "updated_within": (timedelta(hours=1),),
    "asset_matches": ("root", MISSING),
    "any_deps_match": (MISSING,),
    "all_deps_match": (MISSING,),
    "any_checks_match": (MISSING,),
    "all_checks_match": (MISSING,),
    "any_job_root_assets_match": (MISSING,),
    "all_job_root_assets_match": (MISSING,),
}
NAMES = sorted(name for name, one in vars(AC).items() if isinstance(one, staticmethod))
ONLY_CHECKS = {"check_passed", "check_failed"}
ONLY_JOBS = {"any_job_root_assets_match", "all_job_root_assets_match"}
ONLY_ASSETS = {"any_checks_match", "all_checks_match"}
ALLOWED = {
    "asset": ONLY_CHECKS | ONLY_JOBS,
    "check": ONLY_JOBS | ONLY_ASSETS,
    "job": ONLY_CHECKS | ONLY_ASSETS,
}
START = 1_714_730_000.0
HOUR = 3600.0


def conditions():
    return {name: getattr(AC, name)(*PARAMETERS.get(name, ())) for name in NAMES}


def definitions():
    @tw.asset
    def root(): ...

    made, checks, jobs = [root], [], []
    for name, condition in conditions().items():
        made.append(asset_of(name, condition))
        made.append(source_of(name, condition))
        checks.append(check_of(name, condition))
        jobs.append(tw.define_asset_job(f"job_{name}", selection=["root"], automation_condition=condition))
    return tw.Definitions(assets=made, asset_checks=checks, jobs=jobs)


def asset_of(name, condition):
    @tw.asset(name=f"asset_{name}", deps=["root"], automation_condition=condition)
    def made(): ...

    return made


def source_of(name, condition):
    @tw.observable_source_asset(name=f"source_{name}", automation_condition=condition)
    def seen():
        return tw.DataVersion("1")

    return seen


def check_of(name, condition):
    @tw.asset_check(name=f"check_{name}", asset="root", automation_condition=condition)
    def checked():
        return tw.AssetCheckResult(passed=True)

    return checked


def test_every_condition_is_evaluated_wherever_it_may_stand():
    instance = tw.Instance.ephemeral()
    ledger = instance.ledger
    graph = build_graph([build_snapshot(definitions(), "here")])
    assert len(graph.targets) == 4 * len(NAMES)
    engine = ConditionEngine(graph, Progress())
    reader = FactReader(graph, graph.targets, Progress())
    full, now, since, view, requested = Progress(), START, 0, None, set()

    def step():
        nonlocal full, now, since, view
        if view is None:
            changes = reader.read_all(ledger, full, now)
        else:
            changes = reader.read_changes(ledger, since, now, view)
        since, view = changes.facts.position.event_id, changes.facts.view
        got = engine.advance(changes.facts)
        whole = FactReader(graph, graph.targets, full).read_all(ledger, full, now).facts
        wanted = evaluate(graph, whole, full)
        full = wanted.progress
        errors = {key: one.error for key, one in wanted.results.items() if one.error is not None}
        assert dict(got.errors) == errors
        assert dict(got.requested) == dict(wanted.requested)
        requested.update(got.requested)
        return errors

    def report(*events):
        for event in events:
            instance.report_runless_asset_event(event)

    errors = step()
    for key in graph.targets:
        name = key.name.rpartition(":")[2].partition("_")[2]
        assert (key in errors) == (name in ALLOWED[key.kind]), (key, errors.get(key))
    report(tw.AssetMaterialization("root"))
    step()
    now += 13 * HOUR  # midnight has passed
    report(*(tw.AssetMaterialization(f"asset_{name}") for name in NAMES[::2]))
    report(*(tw.AssetObservation(f"source_{name}", tags={"tidewheel/x": "1"}) for name in NAMES[::2]))
    step()
    report(tw.AssetMaterialization("root"))
    now += 2 * HOUR
    step()
    step()
    kinds = {(key.kind, key.name.partition("_")[0]) for key in requested}
    assert kinds == {("asset", "asset"), ("asset", "source"), ("check", "root:check"), ("job", "job")}
    assert len(requested) > 40
