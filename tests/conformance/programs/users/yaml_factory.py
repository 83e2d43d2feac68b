"""Assets, checks, jobs and schedules out of a configuration text."""

import dagster as dg
import yaml

TEXT = """
jobs:
  - name: customers
    cron: "15 4 * * 1-5"
    steps:
      - {name: cust_raw, kind: file, owner: team:sales}
      - {name: cust_clean, after: [cust_raw], check: {min_rows: 2}}
  - name: products
    cron: "@hourly"
    steps:
      - {name: prod_raw}
      - {name: prod_prices, after: [prod_raw, cust_clean], partitions: [eur, usd]}
"""


class StepConfig(dg.Config):
    dry_run: bool = False
    rows: int = 3


def build_step(job: str, step: dict) -> dg.AssetsDefinition:
    partitions = dg.StaticPartitionsDefinition(step["partitions"]) if "partitions" in step else None

    @dg.asset(
        name=step["name"],
        deps=step.get("after", []),
        group_name=job,
        kinds={step["kind"]} if "kind" in step else None,
        owners=[step["owner"]] if "owner" in step else None,
        partitions_def=partitions,
        metadata={"job": job, "spec": dg.MetadataValue.json(step)},
        description=f"Step {step['name']} of {job}",
    )
    def _step(context: dg.AssetExecutionContext, config: StepConfig) -> dg.MaterializeResult:
        if config.dry_run:
            context.log.info("dry")
        return dg.MaterializeResult(metadata={"rows": config.rows, "dry": config.dry_run})

    return _step


def build_check(step: dict) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=step["name"], name="enough_rows", blocking=True)
    def _check(context: dg.AssetCheckExecutionContext):
        event = context.instance.get_latest_materialization_event(dg.AssetKey(step["name"]))
        rows = event.asset_materialization.metadata["rows"].value if event else 0
        return dg.AssetCheckResult(passed=rows >= step["check"]["min_rows"], metadata={"rows": rows})

    return _check


def load(text: str) -> dg.Definitions:
    assets, checks, jobs, schedules = [], [], [], []
    for entry in yaml.safe_load(text)["jobs"]:
        made = [build_step(entry["name"], step) for step in entry["steps"]]
        assets += made
        checks += [build_check(step) for step in entry["steps"] if "check" in step]
        plain = [one for one in made if one.partitions_def is None]
        job = dg.define_asset_job(f"{entry['name']}_job", selection=dg.AssetSelection.assets(*plain))
        jobs.append(job)
        schedules.append(
            dg.ScheduleDefinition(
                name=f"{entry['name']}_schedule",
                job=job,
                cron_schedule=entry["cron"],
                execution_timezone="Europe/Berlin",
                run_config=dg.RunConfig(ops={one.op.name: StepConfig(rows=5) for one in plain}),
            )
        )
    return dg.Definitions(assets=assets, asset_checks=checks, jobs=jobs, schedules=schedules)


defs = load(TEXT)


def test_job():
    result = defs.get_job_def("customers_job").execute_in_process(
        run_config={"ops": {"cust_raw": {"config": {"dry_run": True}}}}
    )
    assert result.success
    rows = [
        e.step_materialization_data.materialization.metadata
        for e in result.get_asset_materialization_events()
    ]
    assert [one["dry"].value for one in rows] == [True, False]
    assert [one.passed for one in result.get_asset_check_evaluations()] == [True]


def test_blocking():
    result = defs.get_job_def("customers_job").execute_in_process(
        run_config={"ops": {"cust_clean": {"config": {"rows": 1}}}}, raise_on_error=False
    )
    assert not result.success
