"""Definitions files whose assets run by conditions, for tests with real servers."""

CHAIN = """
import tidewheel as tw

eager = tw.AutomationCondition.eager()

@tw.asset
def root():
    return 1

@tw.asset(deps=[root], automation_condition=eager)
def middle():
    return 1

@tw.asset(deps=[middle], automation_condition=eager)
def leaf():
    return 1

defs = tw.Definitions(
    assets=[root, middle, leaf],
    sensors=[
        tw.AutomationConditionSensorDefinition(
            "conditions", target="*", default_status=tw.DefaultSensorStatus.RUNNING
        )
    ],
)
"""

MISBEHAVING = '''
import time
import tidewheel as tw
from tidewheel.definitions.automation.automation_context import EntitySubset


class Raises(tw.AutomationCondition):
    def evaluate(self, context):
        raise RuntimeError("no, thank you")


class Hangs(tw.AutomationCondition):
    def evaluate(self, context):
        time.sleep(3600)


class Elsewhere(tw.AutomationCondition):
    def evaluate(self, context):
        mine = context.candidate_subset
        other = EntitySubset(tw.AssetKey("root"), mine.members, mine.view)
        return tw.AutomationResult(context, true_subset=other)


class Counts(tw.AutomationCondition):
    """True at every second evaluation: what it counts is its cursor."""

    def evaluate(self, context):
        count = int(context.cursor or "0") + 1
        true = context.candidate_subset if count == 2 else context.get_empty_subset()
        return tw.AutomationResult(context, true_subset=true, cursor=str(count))


def made(name, condition, deps=()):
    @tw.asset(name=name, deps=list(deps), automation_condition=condition)
    def made():
        return 1
    return made


@tw.asset
def root():
    return 1


eager = tw.AutomationCondition.eager()
unknown = tw.AutomationCondition.asset_matches(tw.AssetKey("nowhere"), tw.AutomationCondition.missing())

defs = tw.Definitions(
    assets=[
        root,
        made("good", eager, [root]),
        made("raises", Raises(), [root]),
        made("hangs", Hangs(), [root]),
        made("elsewhere", Elsewhere(), [root]),
        made("counts", Counts(), [root]),
        made("unknown", unknown, [root]),
        made("one", tw.AutomationCondition.asset_matches(
            tw.AssetKey("two"), tw.AutomationCondition.will_be_requested())),
        made("two", tw.AutomationCondition.asset_matches(
            tw.AssetKey("one"), tw.AutomationCondition.will_be_requested())),
    ],
    sensors=[
        tw.AutomationConditionSensorDefinition(
            "conditions",
            target="*",
            default_status=tw.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=1,
            use_user_code_server=True,
            metadata={"tidewheel/evaluation_timeout_s": 2.0},
        )
    ],
)
'''

PARTITIONED = """
import tidewheel as tw

parts = tw.StaticPartitionsDefinition(["x", "y", "z"])

@tw.asset(partitions_def=parts, automation_condition=tw.AutomationCondition.missing() & ~tw.AutomationCondition.in_progress())
def many(context):
    return 1

defs = tw.Definitions(
    assets=[many],
    sensors=[
        tw.AutomationConditionSensorDefinition(
            "conditions", target="*", default_status=tw.DefaultSensorStatus.RUNNING
        )
    ],
)
"""

OWING = """
import datetime
import pathlib
import tidewheel as tw

ready = pathlib.Path(__file__).with_name("ready")

@tw.asset
def root():
    return 1

@tw.asset(
    deps=[root],
    automation_condition=tw.AutomationCondition.keep_up_to_date(
        max_failures=3,
        backoff=datetime.timedelta(seconds=0.3),
        backoff_max=datetime.timedelta(seconds=0.3),
    ),
)
def fragile():
    if not ready.exists():
        raise RuntimeError("not ready")

defs = tw.Definitions(
    assets=[root, fragile],
    sensors=[
        tw.AutomationConditionSensorDefinition(
            "conditions", target="*", default_status=tw.DefaultSensorStatus.RUNNING
        )
    ],
)
"""

JOBS_AND_FRESHNESS = """
import datetime
import tidewheel as tw

Condition = tw.AutomationCondition


@tw.asset
def source():
    return 1


@tw.asset(deps=[source])
def inside():
    return 1


@tw.asset(
    freshness_policy=tw.FreshnessPolicy.time_window(
        fail_window=datetime.timedelta(minutes=2), warn_window=datetime.timedelta(minutes=1)
    )
)
def perishable():
    return 1


@tw.asset(deps=[perishable], automation_condition=Condition.any_deps_match(Condition.freshness_warned()).newly_true())
def alarm():
    return 1


whole = tw.define_asset_job(
    "whole",
    selection=["source", "inside"],
    automation_condition=Condition.any_job_root_assets_match(Condition.newly_updated()).newly_true(),
)

defs = tw.Definitions(
    assets=[source, inside, perishable, alarm],
    jobs=[whole],
    sensors=[
        tw.AutomationConditionSensorDefinition(
            "conditions",
            target="*",
            default_status=tw.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=1,
            asset_job_keys=["whole"],
        )
    ],
)
"""

UPSTREAM = """
import tidewheel as tw

@tw.asset
def root():
    return 1

@tw.asset(deps=[root], automation_condition=tw.AutomationCondition.eager())
def middle():
    return 1

@tw.asset(deps=[root], automation_condition=tw.AutomationCondition.eager())
def aside():
    return 1

def sensor(name, target):
    return tw.AutomationConditionSensorDefinition(
        name, target=target, default_status=tw.DefaultSensorStatus.RUNNING
    )

defs = tw.Definitions(
    assets=[root, middle, aside], sensors=[sensor("mine", ["middle"]), sensor("other", ["aside"])]
)
"""

DOWNSTREAM = """
import tidewheel as tw

@tw.asset(deps=[tw.AssetKey("middle")], automation_condition=tw.AutomationCondition.eager())
def leaf():
    return 1

defs = tw.Definitions(
    assets=[leaf],
    sensors=[
        tw.AutomationConditionSensorDefinition(
            "conditions", target="*", default_status=tw.DefaultSensorStatus.RUNNING
        )
    ],
)
"""
