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


DAILY = dg.DailyPartitionsDefinition(start_date="2024-03-05")
HOURLY = dg.HourlyPartitionsDefinition(start_date="2024-03-10-00:00")
WEEKLY = dg.WeeklyPartitionsDefinition(start_date="2024-02-25")
LETTERS = dg.StaticPartitionsDefinition(["x", "y", "z"])


def eager_daily():
    story = Story(
        asset("a", partitions_def=DAILY), asset("b", "a", partitions_def=DAILY, condition=AC.eager())
    )
    story.look()
    story.made("a", "2024-03-09", "2024-03-06").look()
    story.made("b", "2024-03-09").look()
    story.made("a", "2024-03-09").look()
    story.look(24 * 60)
    story.made("a", "2024-03-10", "2024-03-09").look()
    return story


def missing_daily():
    story = Story(
        asset("a", partitions_def=DAILY, condition=AC.missing()),
        asset("b", partitions_def=DAILY, condition=AC.on_missing()),
        asset("c", partitions_def=DAILY, condition=AC.missing() & AC.in_latest_time_window()),
        asset(
            "d",
            partitions_def=DAILY,
            condition=AC.in_latest_time_window(lookback_delta=datetime.timedelta(days=2)),
        ),
    )
    story.look()
    story.made("a", "2024-03-06").made("c", "2024-03-09").look()
    story.look(24 * 60)
    return story


def on_cron_daily():
    story = Story(
        asset("a", partitions_def=DAILY),
        asset("b", "a", partitions_def=DAILY, condition=AC.on_cron("0 0 * * *")),
    )
    story.look()
    story.made("a", "2024-03-09").look()
    story.look(24 * 60)
    story.made("a", "2024-03-09").look()
    story.made("a", "2024-03-10").look()
    story.look()
    return story


def eager_static():
    story = Story(
        asset("a", partitions_def=LETTERS), asset("b", "a", partitions_def=LETTERS, condition=AC.eager())
    )
    story.look()
    story.made("a", "x", "z").look()
    story.made("b", "x").look()
    story.made("a", "x", "y").look()
    return story


def cron_static():
    story = Story(
        asset("a", partitions_def=LETTERS),
        asset("b", "a", partitions_def=LETTERS, condition=AC.on_cron("0 * * * *")),
        asset("c", partitions_def=LETTERS, condition=AC.on_cron("0 * * * *")),
    )
    story.look()
    story.look(60)
    story.made("a", "y").look()
    story.made("a", "x", "z").look()
    return story


def hours_to_days():
    story = Story(
        asset("hours", partitions_def=HOURLY),
        asset(
            "days", "hours", partitions_def=dg.DailyPartitionsDefinition("2024-03-10"), condition=AC.eager()
        ),
        asset(
            "missing",
            "hours",
            partitions_def=dg.DailyPartitionsDefinition("2024-03-10"),
            condition=AC.on_missing(),
        ),
    )
    hours = [f"2024-03-10-{hour:02}:00" for hour in range(24)]
    story.look()
    story.made("hours", *hours[:10]).look()
    story.look(24 * 60)
    story.made("hours", *hours[10:23]).look()
    story.made("hours", hours[23]).look()
    story.look()
    story.made("days", "2024-03-10").made("hours", hours[5]).look()
    return story


def days_to_weeks_to_one():
    story = Story(
        asset("days", partitions_def=dg.DailyPartitionsDefinition("2024-02-25")),
        asset("weeks", "days", partitions_def=WEEKLY, condition=AC.any_deps_updated()),
        asset("one", "weeks", condition=AC.any_deps_updated()),
    )
    story.look()
    story.made("days", "2024-02-27", "2024-03-04").look()
    story.made("weeks", "2024-02-25").look()
    return story


def one_to_many():
    story = Story(
        asset("one"),
        asset("many", "one", partitions_def=LETTERS, condition=AC.eager()),
        asset("days", "one", partitions_def=DAILY, condition=AC.eager()),
        asset("all_days", "one", partitions_def=DAILY, condition=AC.any_deps_updated()),
    )
    story.look()
    story.made("one").look()
    story.look()
    return story


def the_day_before():
    deps = [dg.AssetDep("a", partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))]
    both = [dg.AssetDep("a", partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1))]
    story = Story(
        asset("a", partitions_def=DAILY),
        asset("b", *deps, partitions_def=DAILY, condition=AC.any_deps_updated()),
        asset("c", *both, partitions_def=DAILY, condition=AC.any_deps_updated() & ~AC.any_deps_missing()),
        asset("d", *both, partitions_def=DAILY, condition=AC.eager()),
    )
    story.look()
    story.made("a", "2024-03-06").look()
    story.made("a", "2024-03-09").look()
    story.made("a", "2024-03-08").look()
    story.made("a", "2024-03-05").look()
    return story


def named_mapping():
    mapping = dg.StaticPartitionMapping({"x": "1", "y": "2", "z": "2"})
    story = Story(
        asset("letters", partitions_def=LETTERS),
        asset(
            "numbers",
            dg.AssetDep("letters", partition_mapping=mapping),
            partitions_def=dg.StaticPartitionsDefinition(["1", "2"]),
            condition=AC.eager(),
        ),
        asset(
            "last",
            dg.AssetDep("letters", partition_mapping=dg.LastPartitionMapping()),
            condition=AC.any_deps_updated(),
        ),
    )
    story.look()
    story.made("letters", "x", "y").look()
    story.made("letters", "z").look()
    return story


def both_dimensions():
    grid = dg.MultiPartitionsDefinition({"day": DAILY, "letter": LETTERS})
    story = Story(
        asset("letters", partitions_def=LETTERS),
        asset("days", partitions_def=DAILY),
        asset(
            "grid",
            "letters",
            "days",
            partitions_def=grid,
            condition=AC.any_deps_updated() & ~AC.any_deps_missing(),
        ),
        asset("eager", "letters", "days", partitions_def=grid, condition=AC.eager()),
    )
    story.look()
    story.made("letters", "x").look()
    story.made("days", "2024-03-08", "2024-03-09").look()
    story.made("letters", "x", "y").look()
    return story


def keys_that_come_and_go():
    keys = dg.DynamicPartitionsDefinition(name="files")
    story = Story(
        asset("a", partitions_def=keys, condition=AC.on_missing()),
        asset("b", "a", partitions_def=keys, condition=AC.eager()),
        asset("c", partitions_def=keys, condition=AC.missing()),
    )
    story.instance.add_dynamic_partitions("files", ["p"])
    story.look()
    story.instance.add_dynamic_partitions("files", ["q", "r"])
    story.look()
    story.made("a", "q").look()
    story.instance.delete_dynamic_partition("files", "r")
    story.look()
    return story


def failed_days():
    story = Story(fails("a", partitions_def=DAILY, condition=AC.execution_failed().newly_true()))
    story.look()
    story.run("a", partition="2024-03-07").look()
    story.look()
    story.made("a", "2024-03-07").look()
    return story


def tagged_days():
    story = Story(
        asset("a", partitions_def=DAILY),
        asset(
            "b",
            "a",
            partitions_def=DAILY,
            condition=AC.any_deps_match(AC.executed_with_tags(tag_values={"kind": "nightly"})),
        ),
    )
    story.look()
    story.run("a", partition="2024-03-07", tags={"kind": "nightly"}).look()
    story.run("a", partition="2024-03-08", tags={"kind": "daily"}).look()
    story.run("a", partition="2024-03-07").look()
    return story


SCENARIOS = [
    eager_daily,
    missing_daily,
    on_cron_daily,
    eager_static,
    cron_static,
    hours_to_days,
    days_to_weeks_to_one,
    one_to_many,
    the_day_before,
    named_mapping,
    both_dimensions,
    keys_that_come_and_go,
    failed_days,
    tagged_days,
]


defs = dg.Definitions(assets=[asset("root"), asset("leaf", "root", condition=AC.eager())])


def observe():
    told = {}
    for scenario in SCENARIOS:
        told[scenario.__name__] = scenario().told
    return told
