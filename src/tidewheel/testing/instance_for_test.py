"""A persistent instance in a temporary home, for tests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.settings import HOME_VARIABLE


@contextmanager
def instance_for_test(
    overrides: Mapping[str, Any] | None = None,
    set_dagster_home: bool = True,
    temp_dir: str | Path | None = None,
    synchronous_run_coordinator: bool = False,
    synchronous_run_launcher: bool = False,
) -> Iterator[Instance]:
    """An instance on SQLite in ``temp_dir``, or in a temporary folder that is deleted at the end.

    ``overrides`` are settings (as in tidewheel.toml). With ``set_dagster_home`` the variable TIDEWHEEL_HOME names
    the home meanwhile. The last two arguments change nothing: nothing is launched without a server.

    Raises:
        InvalidConfigError: when a setting is unknown or wrong.
    """
    with ExitStack() as stack:
        if temp_dir is None:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="tidewheel-test-", ignore_cleanup_errors=True)
            )
        else:
            folder = str(temp_dir)
        if set_dagster_home:
            stack.enter_context(_variable(HOME_VARIABLE, folder))
        yield stack.enter_context(Instance.from_home(folder, overrides=overrides))


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
