"""Where the cursor of a multi-asset sensor is after its function was called, in a tick or directly."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw

KEYS = [tw.AssetKey("a"), tw.AssetKey("b")]


@tw.asset
def a() -> None: ...


@tw.asset
def b() -> None: ...


@tw.job
def after() -> None: ...


def advances(context: Any) -> tw.RunRequest:
    context.advance_all_cursors()
    return tw.RunRequest()


def advances_and_yields(context: Any) -> Any:
    context.advance_all_cursors()
    yield tw.RunRequest()


def sets_it(context: Any) -> tw.RunRequest:
    context.update_cursor("mine")
    return tw.RunRequest()


def sets_it_and_skips(context: Any) -> tw.SkipReason:
    context.update_cursor("mine")
    return tw.SkipReason("nothing")


def sets_it_and_advances(context: Any) -> tw.SensorResult:
    context.update_cursor("mine")
    context.advance_all_cursors()
    return tw.SensorResult(run_requests=[tw.RunRequest()])


def leaves_it(context: Any) -> tw.RunRequest:
    context.advance_cursor(dict.fromkeys(KEYS))
    return tw.RunRequest()


def skips(context: Any) -> tw.SkipReason:
    return tw.SkipReason("nothing")


def test_the_cursor_after_a_tick_and_after_a_direct_call() -> None:
    with tw.Instance.ephemeral() as instance:
        tw.materialize([a], instance=instance)
        [made] = instance.fetch_materializations(KEYS[0], limit=1).records
        advanced = f'{{"a": [null, {made.storage_id}, {{}}]}}'
        for function, expected in (
            (advances, advanced),
            (advances_and_yields, advanced),
            (sets_it, "mine"),
            (sets_it_and_skips, "mine"),
            (sets_it_and_advances, advanced),
            (leaves_it, None),
            (skips, None),
        ):
            sensor = tw.multi_asset_sensor(monitored_assets=KEYS, job=after, name="s")(function)

            def context() -> Any:
                return tw.build_multi_asset_sensor_context(
                    monitored_assets=KEYS,
                    instance=instance,
                    definitions=tw.Definitions(assets=[a, b], jobs=[after]),
                )

            assert sensor.evaluate_tick(context()).cursor == expected, function.__name__
            direct = context()
            returned = sensor(direct)
            if hasattr(returned, "__next__"):
                list(returned)
            assert direct.cursor == expected, function.__name__


@pytest.mark.parametrize("hurried", [True, False])
def test_a_request_keeps_the_config_it_was_given(hurried: bool) -> None:
    config = {"ops": {}}
    request = tw.RunRequest(run_config=config)
    if hurried:
        config["ops"] = {"x": {}}
    assert request.run_config == config
