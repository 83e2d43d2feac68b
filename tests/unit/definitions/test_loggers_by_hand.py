"""Calling a logger's function directly."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.errors import InvalidConfigError


@tw.logger(config_schema={"name": tw.Field(str, is_required=False, default_value="usual")})
def lenient(context: Any) -> Any:
    return context.logger_config


@tw.logger(config_schema={"name": str})
def demanding(context: Any) -> Any:
    return context.logger_config


@tw.logger
def plain(context: Any) -> Any:
    return context.logger_config


@pytest.mark.parametrize("context", [None, tw.build_init_logger_context()])
def test_defaults_hold_without_config(context: Any) -> None:
    assert lenient(context) == {"name": "usual"}
    assert plain(context) is None


@pytest.mark.parametrize("context", [None, tw.build_init_logger_context()])
def test_config_that_is_demanded_must_be_there(context: Any) -> None:
    with pytest.raises(InvalidConfigError, match="name"):
        demanding(context)


def test_given_config_is_checked_and_passed_on() -> None:
    assert demanding(tw.build_init_logger_context({"name": "x"})) == {"name": "x"}
    assert plain(tw.build_init_logger_context({"any": 1})) == {"any": 1}
