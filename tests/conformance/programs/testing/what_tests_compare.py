"""What tests of ops and assets compare: events read back, contexts by the kind of step, errors of their own kind."""

import dagster as dg


@dg.op(out={})
def weigh():
    yield dg.AssetMaterialization("crates", metadata={"weighed": 3}, tags={"by": "hand"})
    yield dg.AssetObservation(["yard", "scale"], description="level")


@dg.job
def weighing():
    weigh()


@dg.op
def asks_too_often():
    raise dg.RetryRequested(max_retries=2) from ValueError("scale is stuck")


@dg.job
def stuck():
    asks_too_often()


@dg.op
def plain_part(context):
    return type(context).__name__


@dg.op
def asset_part(context: dg.AssetExecutionContext, kind: str):
    return f"{kind} then {type(context).__name__}"


@dg.graph_asset
def in_two_parts():
    return asset_part(plain_part())


@dg.asset
def crates(context):
    return type(context).__name__


@dg.asset_check(asset=crates)
def are_sealed(context):
    return dg.AssetCheckResult(passed=type(context) is dg.AssetCheckExecutionContext)


@dg.op
def looks_up_its_run(context):
    step = context._step_execution_context
    return step.job_name, step.dagster_run.job_name, step.has_partition_key


@dg.job
def lookup():
    looks_up_its_run()


def error_of(function):
    try:
        function()
    except Exception as error:
        return type(error).__name__.removeprefix("Dagster")
    return "none"


def observe():
    weighed = weighing.execute_in_process()
    made = weighed.asset_materializations_for_node("weigh")
    seen = weighed.asset_observations_for_node("weigh")

    @dg.op
    def annotated_as_asset(context: dg.AssetExecutionContext):
        pass

    @dg.job
    def misfit():
        annotated_as_asset()

    def annotated_as_number():
        @dg.op
        def wrong(context: int):
            pass

    failed = stuck.execute_in_process(raise_on_error=False)
    return {
        "equal": made
        == [dg.AssetMaterialization(dg.AssetKey("crates"), metadata={"weighed": 3}, tags={"by": "hand"})],
        "kinds": [type(one).__name__ for one in [*made, *seen]],
        "instances": isinstance(made[0], dg.AssetMaterialization)
        and isinstance(seen[0], dg.AssetObservation),
        "observation": seen == [dg.AssetObservation(["yard", "scale"], description="level")],
        "too often": error_of(stuck.execute_in_process),
        "retries": failed.retry_attempts_for_node("asks_too_often"),
        "stuck": "scale is stuck" in failed.failure_data_for_node("asks_too_often").error_display_string,
        "parts": dg.materialize([in_two_parts]).output_for_node("in_two_parts.asset_part"),
        "misfit": error_of(misfit.execute_in_process),
        "number": error_of(annotated_as_number),
        "run": lookup.execute_in_process().output_for_node("looks_up_its_run"),
        "column": error_of(lambda: dg.TableColumn(name=False)),
        "columns": error_of(lambda: dg.TableSchema(columns=[1])),
        "constraint": error_of(lambda: dg.TableColumnConstraints(unique="yes")),
        "text": error_of(lambda: dg.MetadataValue.text(1)),
        "float": error_of(lambda: dg.MetadataValue.float(1)),
        "moment": error_of(lambda: dg.MetadataValue.timestamp("noon")),
    }


defs = dg.Definitions(
    assets=[in_two_parts, crates], asset_checks=[are_sealed], jobs=[weighing, stuck, lookup]
)
