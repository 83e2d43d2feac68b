from dagster import (
    AssetSelection,
    AutomationCondition,
    AutomationContext,
    AutomationResult,
    DagsterInstance,
    Definitions,
    asset,
    evaluate_automation_conditions,
    materialize,
)


class OnlyWithCandidates(AutomationCondition):
    @property
    def name(self) -> str:
        return "only with candidates"

    def evaluate(self, context: AutomationContext) -> AutomationResult:
        previous = int(context.cursor) if isinstance(context.cursor, (int, str)) and context.cursor else 0
        subset = context.candidate_subset if previous % 2 else context.get_empty_subset()
        return AutomationResult(context, true_subset=subset, cursor=str(previous + 1))


@asset
def up(): ...


@asset(automation_condition=OnlyWithCandidates())
def every_second_time(): ...


replaced = (
    AutomationCondition.eager().replace("newly_missing", AutomationCondition.missing())
    if False
    else AutomationCondition.on_cron("@daily").replace(
        AutomationCondition.cron_tick_passed("@daily"), AutomationCondition.cron_tick_passed("@hourly")
    )
)
handled = AutomationCondition.eager().replace("handled", AutomationCondition.newly_updated())
without_missing = AutomationCondition.eager().without(~AutomationCondition.any_deps_missing())
ignoring = AutomationCondition.eager().ignore(AssetSelection.assets(up))


@asset(deps=[up], automation_condition=handled)
def by_handled(): ...


@asset(deps=[up], automation_condition=without_missing)
def allows_missing(): ...


@asset(deps=[up], automation_condition=ignoring)
def ignores_up(): ...


defs = Definitions(assets=[up, every_second_time, by_handled, allows_missing, ignores_up])


def observe():
    instance = DagsterInstance.ephemeral()
    story, cursor = [], None
    for number in range(4):
        if number == 2:
            materialize([up], instance=instance)
        result = evaluate_automation_conditions(defs=defs, instance=instance, cursor=cursor)
        cursor = result.cursor
        story.append(
            [
                result.get_num_requested(one.key)
                for one in (every_second_time, by_handled, allows_missing, ignores_up)
            ]
        )
    return {
        "story": story,
        "replaced": replaced.get_label(),
        "differs": replaced != AutomationCondition.on_cron("@daily"),
    }
