import dagster as dg


@dg.asset(group_name="g")
def alpha(): ...


@dg.asset(group_name="g", deps=[alpha])
def beta(): ...


@dg.asset_check(asset=alpha)
def alpha_check():
    return dg.AssetCheckResult(passed=True)


@dg.op
def o(): ...


@dg.job
def ops_job():
    o()


@dg.sensor(target=[alpha, beta])
def both(context):
    return dg.RunRequest()


@dg.sensor(target="*")
def everything(context):
    return dg.RunRequest(asset_selection=[dg.AssetKey("beta")])


@dg.sensor(target=dg.AssetSelection.groups("g") - dg.AssetSelection.assets("alpha"))
def difference(context):
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key="d")])


@dg.sensor(asset_selection=dg.AssetSelection.all())
def selection(context):
    return dg.RunRequest(run_key="s", asset_selection=[alpha.key])


@dg.sensor(target=alpha)
def single(context):
    yield dg.RunRequest(run_key="x", tags={"t": "v"})


@dg.sensor(job=ops_job)
def of_ops(context):
    return dg.RunRequest(run_key=f"tick_{context.cursor}")


@dg.sensor(job_name="ops_job")
def by_name(context):
    return [dg.RunRequest("positional")]


@dg.sensor()
def side_effect_only(context):
    return dg.SkipReason("only looks")


defs = dg.Definitions(
    assets=[alpha, beta],
    asset_checks=[alpha_check],
    jobs=[ops_job],
    sensors=[both, everything, difference, selection, single, of_ops, by_name, side_effect_only],
)
