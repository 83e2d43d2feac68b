from dagster import (
    AutomationCondition,
    DagsterInstance,
    Definitions,
    asset,
    evaluate_automation_conditions,
    materialize,
)


@asset
def source(): ...


@asset(deps=[source], automation_condition=AutomationCondition.eager())
def follower(): ...


@asset(deps=[follower], automation_condition=AutomationCondition.eager())
def second_follower(): ...


defs = Definitions(assets=[source, follower, second_follower])


def observe():
    instance = DagsterInstance.ephemeral()
    counts = []
    result = evaluate_automation_conditions(defs=defs, instance=instance)
    counts.append(result.total_requested)
    result = evaluate_automation_conditions(defs=defs, instance=instance, cursor=result.cursor)
    counts.append(result.total_requested)
    materialize([source], instance=instance)
    result = evaluate_automation_conditions(defs=defs, instance=instance, cursor=result.cursor)
    counts.append(
        [
            result.total_requested,
            result.get_num_requested(follower.key),
            result.get_num_requested(second_follower.key),
        ]
    )
    materialize([follower, second_follower], instance=instance)
    result = evaluate_automation_conditions(defs=defs, instance=instance, cursor=result.cursor)
    counts.append(result.total_requested)
    materialize([source], instance=instance)
    result = evaluate_automation_conditions(defs=defs, instance=instance, cursor=result.cursor)
    counts.append(result.total_requested)
    result = evaluate_automation_conditions(defs=defs, instance=instance, cursor=result.cursor)
    counts.append(result.total_requested)
    return {"counts": counts}
