"""What a schedule or sensor tells of its target, and the selectors of jobs elsewhere."""

from __future__ import annotations

import pytest

import tidewheel as tw
from tidewheel.errors import CheckError


@tw.asset
def made() -> None: ...


@tw.job
def worked() -> None: ...


@pytest.mark.parametrize(
    ("options", "job_name", "assets"),
    [
        ({"target": made}, "__anonymous_asset_job_s", [made]),
        ({"job": worked}, "worked", []),
        ({"job": tw.define_asset_job("all_of_it")}, "all_of_it", []),
    ],
)
def test_a_target_tells_its_job(options: dict, job_name: str, assets: list) -> None:
    target = tw.ScheduleDefinition(name="s", cron_schedule="@daily", **options).target
    assert (target.job_def.name, target.assets_defs) == (job_name, assets)


def test_a_target_given_by_name_has_no_job() -> None:
    target = tw.ScheduleDefinition(name="s", cron_schedule="@daily", job_name="elsewhere").target
    with pytest.raises(CheckError, match="elsewhere"):
        _ = target.job_def


def test_a_code_location_is_named_by_position_or_keyword() -> None:
    given = tw.CodeLocationSelector("there"), tw.CodeLocationSelector(location_name="there")
    assert [one.location_name for one in given] == ["there", "there"]


@tw.static_partitioned_config(partition_keys=["a"])
def by_partition(key: str) -> dict:
    return {"ops": {}}


@pytest.mark.parametrize("given", [by_partition, "text", [1]])
def test_a_schedule_with_wrong_run_config_loads_and_fails_its_ticks(given: object) -> None:
    with pytest.warns(UserWarning, match="ticks are going to fail"):
        made = tw.ScheduleDefinition(name="s", cron_schedule="@daily", job=worked, run_config=given)
    assert tw.Definitions(jobs=[worked], schedules=[made]).get_schedule_def("s") is made
    with pytest.raises(Exception, match="run_config"):
        made.evaluate_tick(tw.build_schedule_context())
