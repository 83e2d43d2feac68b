"""What every test run has: ordinary signal handling, and failures told when they happen, not at the end."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.commit import commit_under_test

# A busy machine is no finding: how long an example takes is measured by the benchmarks, not here.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw by the commit, and take Ctrl-C as usual.

    Properties draw other examples for each commit and the same ones for the same commit, as the played histories do:
    what passed once passes again elsewhere, and what failed can be played again. ``--hypothesis-seed=random`` (any
    other word or number) draws others.

    Whoever starts the run may ignore Ctrl-C (as a shell does for a job in the background). Ignored signals are
    inherited: servers started by tests would not hear the Ctrl-C that tests send them.
    """
    if config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = int.from_bytes(commit_under_test().encode(), "big")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_TellsAtOnce(config), "tells-failures-at-once")


class _TellsAtOnce:
    """A run that is cut before its summary still names what failed."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.failed:
            return
        writer: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if writer is not None:
            writer.write_line(f"\n{report.when} of {report.nodeid} failed: {_cause(report)}")


def _cause(report: pytest.TestReport) -> str:
    """The last line of what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return f"{crash.path}:{crash.lineno}: {crash.message.splitlines()[0][:300]}"
    lines = str(report.longrepr or "").splitlines()
    return lines[-1][:300] if lines else "no cause was given"
