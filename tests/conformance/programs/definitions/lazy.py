import dagster as dg


@dg.asset(group_name="g")
def grown():
    return 1


@dg.asset
def sliced(grown):
    return grown / 2


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(
        assets=[grown, sliced],
        schedules=[dg.ScheduleDefinition(name="nightly", target="*", cron_schedule="0 0 * * *")],
    )


def test_call():
    assert isinstance(defs(), dg.Definitions)
