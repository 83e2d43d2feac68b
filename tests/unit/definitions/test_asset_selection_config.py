"""Config of a job's ops when only some of its assets are run."""

import pytest

import tidewheel as tw
from tidewheel.errors import InvalidConfigError


class Size(tw.Config):
    n: int = 1


@tw.asset
def plain() -> int:
    return 1


@tw.asset
def sized(config: Size) -> int:
    return config.n


KEYS = [tw.AssetKey("plain")]


def job(config=None):
    made = tw.define_asset_job("both", [plain, sized], config=config)
    return tw.Definitions(assets=[plain, sized], jobs=[made]).get_job_def("both")


def ops(value, name="sized"):
    return {"ops": {name: {"config": {"n": value}}}}


def test_config_of_assets_left_out_is_ignored():
    for result in (
        job(ops(3)).execute_in_process(asset_selection=KEYS),
        job().execute_in_process(asset_selection=KEYS, run_config=ops(3)),
    ):
        assert [event.asset_key for event in result.get_asset_materialization_events()] == KEYS


@pytest.mark.parametrize("config", [ops("many"), ops(3, "unknown")])
def test_config_of_assets_left_out_must_fit(config):
    with pytest.raises(InvalidConfigError):
        job().execute_in_process(asset_selection=KEYS, run_config=config)
