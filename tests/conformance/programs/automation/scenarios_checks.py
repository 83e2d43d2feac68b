import datetime

import dagster as dg
from dagster import AutomationCondition as AC

UTC = datetime.timezone.utc
START = datetime.datetime(2024, 3, 10, 10, 30, tzinfo=UTC)


class Story:
    """One scenario: what is requested, evaluation after evaluation."""

    def __init__(self, *definitions, **more):
        checks = [one for one in definitions if isinstance(one, dg.AssetChecksDefinition)]
        assets = [one for one in definitions if one not in checks]
        self.defs = dg.Definitions(assets=assets, asset_checks=checks, **more)
        self.instance = dg.DagsterInstance.ephemeral()
        self.now, self.cursor, self.told = START, None, []

    def look(self, minutes=1):
        self.now += datetime.timedelta(minutes=minutes)
        result = dg.evaluate_automation_conditions(
            defs=self.defs, instance=self.instance, evaluation_time=self.now, cursor=self.cursor
        )
        self.cursor = result.cursor
        keys = sorted(self.defs.resolve_all_asset_keys(), key=str)
        told = {}
        for key in keys:
            wanted = result.get_requested_partitions(key)
            if wanted:
                told[key.to_user_string()] = sorted("" if one is None else one for one in wanted)
        self.told.append([result.total_requested, told])
        return told

    def made(self, key, *partitions, tags=None):
        for partition in partitions or (None,):
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(key, partition=partition, tags=tags)
            )
        return self

    def run(self, *names, partition=None, tags=None):
        dg.materialize(
            list(self.defs.assets) + list(self.defs.asset_checks or ()),
            selection=dg.AssetSelection.assets(*names),
            partition_key=partition,
            instance=self.instance,
            tags=tags,
            raise_on_error=False,
        )
        return self


def asset(name, *deps, condition=None, **more):
    def compute():
        return None

    return dg.asset(name=name, deps=list(deps), automation_condition=condition, **more)(compute)


def fails(name, *deps, condition=None, **more):
    def compute():
        raise RuntimeError("not now")

    return dg.asset(name=name, deps=list(deps), automation_condition=condition, **more)(compute)


def check_of(name, of, passes=True, condition=None, blocking=False):
    @dg.asset_check(name=name, asset=of, automation_condition=condition, blocking=blocking)
    def compute():
        return dg.AssetCheckResult(passed=passes)

    return compute


def an_eager_check():
    story = Story(asset("a"), check_of("c", "a", condition=AC.eager()))
    story.look()
    story.made("a").look()
    story.look()
    story.made("a").look()
    return story


def a_check_each_hour():
    story = Story(asset("a"), check_of("c", "a", condition=AC.on_cron("0 * * * *")))
    story.look()
    story.look(60)
    story.made("a").look()
    story.look(60)
    return story


def a_check_with_its_asset():
    story = Story(
        asset("root"), asset("a", "root", condition=AC.eager()), check_of("c", "a", condition=AC.eager())
    )
    story.look()
    story.made("root").look()
    story.made("a").look()
    return story


def inputs_whose_checks_pass():
    story = Story(
        asset("a"),
        check_of("good", "a"),
        check_of("bad", "a", passes=False),
        asset("all", "a", condition=AC.any_deps_match(AC.all_checks_match(AC.check_passed()))),
        asset("any", "a", condition=AC.any_deps_match(AC.any_checks_match(AC.check_passed()))),
        asset("failed", "a", condition=AC.any_deps_match(AC.any_checks_match(AC.check_failed()))),
        asset("missing", "a", condition=AC.any_deps_match(AC.any_checks_match(AC.missing()))),
    )
    story.look()
    story.run("a").look()
    story.made("a").look()
    return story


def blocking_checks_only():
    passed = AC.all_checks_match(AC.check_passed(), blocking_only=True)
    story = Story(
        asset("a"),
        check_of("good", "a", blocking=True),
        check_of("bad", "a", passes=False),
        asset("b", "a", condition=AC.any_deps_match(passed)),
        asset("c", "a", condition=AC.any_deps_match(AC.all_checks_match(AC.check_passed()))),
    )
    story.look()
    story.run("a").look()
    return story


def after_its_inputs_and_checks():
    ready = AC.eager() & AC.all_deps_match(
        AC.all_checks_match(AC.check_passed() | AC.will_be_requested(), blocking_only=True)
    )
    story = Story(asset("a"), check_of("good", "a", blocking=True), asset("b", "a", condition=ready))
    story.look()
    story.made("a").look()
    story.run("a").look()
    return story


SCENARIOS = [
    an_eager_check,
    a_check_each_hour,
    a_check_with_its_asset,
    inputs_whose_checks_pass,
    blocking_checks_only,
    after_its_inputs_and_checks,
]


defs = dg.Definitions(assets=[asset("root"), asset("leaf", "root", condition=AC.eager())])


def observe():
    told = {}
    for scenario in SCENARIOS:
        told[scenario.__name__] = scenario().told
    return told
