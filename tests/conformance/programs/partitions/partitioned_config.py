from datetime import datetime, timedelta

from dagster import (
    Config,
    Definitions,
    PartitionedConfig,
    RunConfig,
    StaticPartitionsDefinition,
    build_schedule_from_partitioned_job,
    daily_partitioned_config,
    dynamic_partitioned_config,
    hourly_partitioned_config,
    job,
    monthly_partitioned_config,
    op,
    static_partitioned_config,
    weekly_partitioned_config,
)


@op(config_schema={"start": str, "end": str})
def copy(context):
    return [context.op_config["start"], context.op_config["end"]]


def window_config(start: datetime, end: datetime):
    return {
        "ops": {
            "copy": {"config": {"start": start.strftime("%Y-%m-%dT%H"), "end": end.strftime("%Y-%m-%dT%H")}}
        }
    }


@daily_partitioned_config(
    start_date=datetime(2024, 1, 1), tags_for_partition_fn=lambda start, end: {"day": start.strftime("%d")}
)
def daily_window(start, end):
    return window_config(start, end)


@hourly_partitioned_config(start_date="2024-03-14-00:00", minute_offset=30)
def hourly_window(start, end):
    return window_config(start, end)


@weekly_partitioned_config(start_date="2024-01-01", day_offset=1)
def weekly_window(start, end):
    return window_config(start, end)


@monthly_partitioned_config(start_date="2024-01-01", timezone="Europe/London")
def monthly_window(start, end):
    return window_config(start, end)


@static_partitioned_config(
    partition_keys=["de", "fr"], tags_for_partition_key_fn=lambda key: {"country": key}
)
def per_country(key: str):
    return {"ops": {"greet": {"config": {"country": key}}}}


class GreetConfig(Config):
    country: str


@op
def greet(config: GreetConfig):
    return config.country.upper()


@job(config=daily_window)
def daily_copy():
    copy()


@job(config=hourly_window)
def hourly_copy():
    copy()


@job(config=weekly_window)
def weekly_copy():
    copy()


@job(config=monthly_window)
def monthly_copy():
    copy()


@job(config=per_country)
def greetings():
    greet()


@job(
    config=PartitionedConfig(
        partitions_def=StaticPartitionsDefinition(["x", "y"]),
        run_config_for_partition_key_fn=lambda key: RunConfig(ops={"greet": GreetConfig(country=key)}),
    )
)
def letters():
    greet()


@job(partitions_def=StaticPartitionsDefinition(["1", "2"]))
def only_keys():
    @op
    def say(context):
        return context.partition_key

    say()


schedules = [
    build_schedule_from_partitioned_job(one) for one in (daily_copy, hourly_copy, weekly_copy, monthly_copy)
]
schedules.append(build_schedule_from_partitioned_job(greetings, cron_schedule="0 5 * * *", name="greet_all"))
defs = Definitions(
    jobs=[daily_copy, hourly_copy, weekly_copy, monthly_copy, greetings, letters, only_keys],
    schedules=schedules,
)


def test_daily():
    result = daily_copy.execute_in_process(partition_key="2024-01-02")
    assert result.output_for_node("copy") == ["2024-01-02T00", "2024-01-03T00"]
    assert result.dagster_run.tags["day"] == "02"


def test_static():
    result = greetings.execute_in_process(partition_key="fr")
    assert result.output_for_node("greet") == "FR"
    assert result.dagster_run.tags["country"] == "fr"


def observe():
    return {
        "config": daily_window.get_run_config_for_partition_key("2024-02-29"),
        "called": daily_window(datetime(2024, 1, 1), datetime(2024, 1, 2)),
        "keys": per_country.get_partition_keys(),
        "tags": per_country.get_tags_for_partition_key("de"),
        "letters": letters.execute_in_process(partition_key="y").output_for_node("greet"),
        "request": plain_request(greetings.run_request_for_partition("de", run_key="k")),
    }


def plain_request(request):
    return [
        request.run_key,
        request.partition_key,
        request.run_config,
        {k: v for k, v in request.tags.items() if k == "country"},
    ]
