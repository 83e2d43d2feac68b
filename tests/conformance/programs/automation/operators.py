from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetSelection,
    AutomationCondition,
    DagsterInstance,
    Definitions,
    MaterializeResult,
    asset,
    asset_check,
    evaluate_automation_conditions,
    materialize,
)


@asset
def a():
    return 1


@asset
def b(): ...


@asset_check(asset=a, blocking=True)
def a_check():
    return AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN)


C = AutomationCondition
CASES = {
    "any_missing": C.any_deps_match(C.missing()),
    "all_missing": C.all_deps_match(C.missing()),
    "ignore_b": C.all_deps_match(C.missing()).ignore(AssetSelection.assets(b)),
    "allow_a": C.any_deps_match(C.missing()).allow(AssetSelection.assets(a)),
    "not_missing_deps": ~C.any_deps_missing(),
    "updated": C.any_deps_updated(),
    "newly_updated_since": C.any_deps_match(C.newly_updated()).since(C.newly_requested()),
    "newly_true": C.all_deps_match(~C.missing()).newly_true(),
    "initial": C.initial_evaluation(),
    "since_initial": C.missing().since(C.initial_evaluation()),
    "asset_matches": C.asset_matches("a", ~C.missing()),
    "blocking_checks": C.all_deps_blocking_checks_passed(),
    "checks_failed": C.any_deps_match(C.any_checks_match(C.check_failed())),
    "checks_passed": C.any_deps_match(C.all_checks_match(C.check_passed())),
    "in_progress": C.any_deps_in_progress(),
    "or": C.in_progress() | C.missing(),
}


def make(name, condition):
    @asset(name=f"case_{name}", deps=[a, b], automation_condition=condition)
    def case(): ...

    return case


cases = [make(name, condition) for name, condition in CASES.items()]
defs = Definitions(assets=[a, b, *cases], asset_checks=[a_check])


def observe():
    instance = DagsterInstance.ephemeral()
    story, cursor = [], None

    def step(label):
        nonlocal cursor
        result = evaluate_automation_conditions(defs=defs, instance=instance, cursor=cursor)
        cursor = result.cursor
        story.append(
            [
                label,
                sorted(
                    one.key.to_user_string().removeprefix("case_")
                    for one in cases
                    if result.get_num_requested(one.key)
                ),
            ]
        )

    step("start")
    step("again")
    materialize([a, a_check], instance=instance)
    step("a made")
    step("nothing new")
    materialize([b], instance=instance)
    step("b made")
    materialize(cases, instance=instance)
    step("cases made")
    materialize([b], instance=instance)
    step("b again")
    return {"story": story}
