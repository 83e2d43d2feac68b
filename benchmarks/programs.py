"""The programs that are measured: the same text runs on both systems, only the import line differs."""

IMPORTS = {"tidewheel": "import tidewheel as dg", "dagster": "import dagster as dg"}

IMPORT_TIME = """
import time
began = time.perf_counter()
{imports}
dg.asset, dg.Definitions, dg.Config, dg.materialize
print((time.perf_counter() - began) * 1000)
"""

BARE_IMPORT = """
import time
began = time.perf_counter()
import {system}
print((time.perf_counter() - began) * 1000)
"""

ONE_OP_IN_PROCESS = """
import os, statistics, sys, tempfile, time
{imports}

@dg.op
def hello():
    return 1

@dg.job
def one():
    hello()

with dg.instance_for_test(temp_dir=tempfile.mkdtemp()) as instance:
    for _ in range(3):
        one.execute_in_process(instance=instance)
    times = []
    for _ in range({rounds}):
        began = time.perf_counter()
        assert one.execute_in_process(instance=instance).success
        times.append((time.perf_counter() - began) * 1000)
print(statistics.median(times))
"""

CHAIN_IN_PROCESS = """
import statistics, tempfile, time
{imports}

def make(n):
    @dg.asset(name=f"a{{n}}", deps=[f"a{{n - 1}}"] if n else [])
    def made():
        return n
    return made

assets = [make(n) for n in range(200)]
with dg.instance_for_test(temp_dir=tempfile.mkdtemp()) as instance:
    dg.materialize(assets[:5], instance=instance)
    times = []
    for _ in range({rounds}):
        began = time.perf_counter()
        assert dg.materialize(assets, instance=instance).success
        times.append((time.perf_counter() - began) * 1000 / 200)
print(statistics.median(times))
"""

ONE_OP_FILE = """
{imports}

@dg.op
def hello():
    return 1

@dg.job
def one():
    hello()

defs = dg.Definitions(jobs=[one])
"""

PARALLEL_WRITERS_FILE = """
import time
{imports}

def make(n):
    @dg.op(name=f"writer_{{n}}")
    def writer(context):
        until = time.monotonic() + {seconds}
        count = 0
        while time.monotonic() < until:
            context.log.info(f"line {{count}}")
            count += 1
            time.sleep(0.01)
        return count
    return writer

@dg.job(executor_def=dg.multiprocess_executor.configured({{"max_concurrent": 32}}))
def writers():
    for n in range(32):
        make(n)()

defs = dg.Definitions(jobs=[writers])
"""

LOAD_ASSETS = """
import time
began = time.perf_counter()
{imports}

def make(n):
    @dg.asset(
        name=f"a{{n}}",
        deps=[f"a{{n - 1}}", f"a{{n - 7}}"] if n % 100 >= 7 else [],
        group_name=f"g{{n % 20}}",
        metadata={{"n": n}},
        partitions_def=dg.DailyPartitionsDefinition("2024-01-01") if n % 3 == 0 else None,
    )
    def made():
        return n
    return made

defs = dg.Definitions(
    assets=[make(n) for n in range({count})],
    jobs=[dg.define_asset_job(f"j{{n}}", selection=dg.AssetSelection.groups(f"g{{n}}")) for n in range(20)],
)
dg.Definitions.validate_loadable(defs)
print(time.perf_counter() - began)
"""

SNAPSHOT_OF_ASSETS = """
import sys
exec(compile({definitions!r}, "definitions", "exec"), globals())
from tidewheel.definitions.loading.snapshot import build_snapshot
from tidewheel.values.serde import encode
sys.stdout.flush()
with open({file!r}, "wb") as target:
    target.write(encode(build_snapshot(defs, "here")))
print(0)
"""

LOAD_SNAPSHOT = """
import time
began = time.perf_counter()
from tidewheel.logic.graph.specs import LocationSnapshot
from tidewheel.services.code.catalog import Catalog
from tidewheel.values.serde import decode
with open({file!r}, "rb") as source:
    catalog = Catalog({{"here": decode(source.read(), LocationSnapshot)}})
assert len(catalog.assets()) == {count}
print(time.perf_counter() - began)
"""

FIRST_STEP_OF_OPS = """
import os, tempfile, time
{imports}

def make(n):
    @dg.op(name=f"o{{n}}")
    def made():
        print(time.perf_counter() - began, flush=True)
        os._exit(0)
    return made

ops = [make(n) for n in range({count})]

@dg.job
def many():
    for one in ops:
        one()

with dg.instance_for_test(temp_dir=tempfile.mkdtemp()) as instance:
    began = time.perf_counter()
    many.execute_in_process(instance=instance)
"""

FIRST_STEP_OF_ASSETS = """
import os, tempfile, time
{imports}

def make(n):
    @dg.asset(name=f"a{{n}}", deps=[f"a{{n - 1}}"] if n % 10 else [])
    def made():
        print(time.perf_counter() - began, flush=True)
        os._exit(0)
    return made

defs = dg.Definitions(assets=[make(n) for n in range({count})], jobs=[dg.define_asset_job("many", selection="*")])
job = defs.resolve_job_def("many")
with dg.instance_for_test(temp_dir=tempfile.mkdtemp()) as instance:
    began = time.perf_counter()
    job.execute_in_process(instance=instance)
"""

MANY_STEPS_FILE = """
import os, time
{imports}

def note():
    if not os.path.exists({file!r}):
        with open({file!r} + ".new", "w") as target:
            target.write(str(time.time()))
        os.rename({file!r} + ".new", {file!r})

def make_op(n):
    @dg.op(name=f"o{{n}}")
    def made():
        note()
    return made

def make_asset(n):
    @dg.asset(name=f"a{{n}}", deps=[f"a{{n - 1}}"] if n % 10 else [])
    def made():
        note()
    return made

ops = [make_op(n) for n in range({count})]

@dg.job
def many_ops():
    for one in ops:
        one()

defs = dg.Definitions(
    assets=[make_asset(n) for n in range({count})],
    jobs=[many_ops, dg.define_asset_job("many_assets", selection="*")],
)
"""

PARALLEL_STEPS = """
import os, sys, tempfile, time
sys.path.insert(0, {folder!r})
{imports}
import parallel_steps

with dg.instance_for_test(temp_dir=tempfile.mkdtemp()) as instance:
    began = time.perf_counter()
    with dg.execute_job(dg.reconstructable(parallel_steps.many), instance) as result:
        assert result.success
    print((time.perf_counter() - began) * 1000 / {count})
"""

PARALLEL_STEPS_FILE = """
{imports}

def make(n):
    @dg.op(name=f"o{{n}}")
    def made():
        return n
    return made

@dg.job(executor_def=dg.multiprocess_executor.configured({{"max_concurrent": 4}}))
def many():
    for n in range({count}):
        make(n)()
"""

# the demo's assets: three of a day, each made of the one before, and one of the year; small tables instead of files
YEAR_FILE = """
{imports}

days = dg.DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01")

@dg.asset(partitions_def=days)
def clean_flights(context) -> list:
    return [dict(day=context.partition_key, carrier=c, delay=len(c) * n) for n in range(250) for c in ("UA", "AA")]

@dg.asset(partitions_def=days)
def flights_with_weather(clean_flights: list) -> list:
    return [dict(row, temp=row["delay"] % 30) for row in clean_flights]

@dg.asset(partitions_def=days)
def delays(flights_with_weather: list) -> dict:
    return dict(rows=len(flights_with_weather), total=sum(row["delay"] for row in flights_with_weather))

@dg.asset(deps=[delays])
def year_so_far() -> int:
    return 1

defs = dg.Definitions(assets=[clean_flights, flights_with_weather, delays, year_so_far])
"""

CONDITIONS_FILE = """
{imports}

eager = dg.AutomationCondition.eager()


@dg.asset
def root(): ...


@dg.asset(deps=[root], automation_condition=eager)
def child(): ...


others = []
for n in range({others}):

    @dg.asset(name=f"a{{n}}", deps=[f"a{{n - 1}}"] if n % 10 else [], automation_condition=eager)
    def made(): ...

    others.append(made)

defs = dg.Definitions(
    assets=[root, child, *others],
    sensors=[
        dg.AutomationConditionSensorDefinition(
            "conditions", target="*", default_status=dg.DefaultSensorStatus.RUNNING
        )
    ],
)
"""

CONDITIONS_PEER = """
import time
{imports}

assets = []
for n in range(1_000):

    @dg.asset(
        name=f"a{{n}}",
        deps=[f"a{{n - 1}}"] if n % 10 else [],
        automation_condition=dg.AutomationCondition.eager(),
    )
    def made(): ...

    assets.append(made)
defs, instance, cursor = dg.Definitions(assets=assets), dg.DagsterInstance.ephemeral(), None
for name in ("first evaluation", "idle round", "one change"):
    if name == "one change":
        instance.report_runless_asset_event(dg.AssetMaterialization("a5"))
    began = time.perf_counter()
    cursor = dg.evaluate_automation_conditions(defs, instance, cursor=cursor).cursor
    print(f"{{name}}, 1,000 assets={{(time.perf_counter() - began) * 1000}}")
"""
