"""Real processes: what the server refuses to listen on, and the commands against a server elsewhere."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes.serving import Served

CODE = Path(__file__).parents[1] / "api" / "access" / "code.py"
PASSWORD = "correct horse battery"
pytestmark = pytest.mark.xdist_group("access-processes")


def tidewheel(
    *arguments: str, typed: str = "", check: bool = True, **variables: str
) -> subprocess.CompletedProcess:
    """A command, with nothing of this machine's own profiles."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TIDEWHEEL_")}
    done = subprocess.run(
        [sys.executable, "-m", "tidewheel.cli.main", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        env={**kept, **variables},
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_an_address_that_others_can_reach_is_refused_without_users(tmp_path: Path, host: str) -> None:
    home = tmp_path / "home"
    done = tidewheel("dev", "-f", str(CODE), "--home", str(home), "--host", host, check=False)
    assert done.returncode == 1
    assert f"tidewheel user add NAME --role admin --home {home}" in done.stderr


def test_a_disabled_user_is_no_login(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    tidewheel("user", "add", "ana", "--role", "admin", "--password-stdin", "--home", home, typed=PASSWORD)
    tidewheel("user", "disable", "ana", "--home", home)
    done = tidewheel("dev", "-f", str(CODE), "--home", home, "--host", "0.0.0.0", check=False)
    assert done.returncode == 1 and "user add" in done.stderr


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """A server on all addresses, with users; (server, address, variables of an admin's commands)."""
    folder = tmp_path_factory.mktemp("public")
    home = folder / "home"
    given = ("--password-stdin", "--home", str(home))
    tidewheel("user", "add", "ana", "--role", "admin", *given, typed=PASSWORD)
    tidewheel("user", "add", "vic", "--role", "viewer", *given, typed=PASSWORD)
    token = tidewheel("token", "create", "test", "--user", "ana", "--home", str(home)).stdout.strip()
    served = Served(home, CODE, args=("--host", "0.0.0.0"))
    served.wait_for(lambda activity: activity["kind"] == "location" and activity["status"] == "LOADED")
    variables = {
        "TIDEWHEEL_SERVER": f"http://127.0.0.1:{served.port}",
        "TIDEWHEEL_TOKEN": token,
        "TIDEWHEEL_PROFILES": str(folder / "profiles.json"),
    }
    yield served, variables
    served.stop()


def test_commands_work_on_a_server_elsewhere_as_they_do_here(public) -> None:
    served, far = public
    made = json.loads(tidewheel("materialize", "orders+", "--json", **far).stdout)
    assert made["status"] == "SUCCESS"
    launched = json.loads(tidewheel("launch", "greet", "--no-wait", "--json", **far).stdout)
    logs = tidewheel("run", "logs", launched["run_id"], "--follow", **far).stdout
    assert "RUN_SUCCESS" in logs and "hello postgres://u:***" in logs
    run_id = made["run_id"]
    for command in (
        ("run", "list"),
        ("run", "show", run_id[:20]),
        ("asset", "list"),
        ("asset", "show", "orders"),
        ("schedule", "list"),
        ("sensor", "list"),
        ("tick", "list"),
        ("user", "list"),
    ):
        near = tidewheel(*command, "--json", "--home", str(served.home)).stdout
        assert json.loads(tidewheel(*command, "--json", **far).stdout) == json.loads(near), command


def test_changes_from_elsewhere_are_audited_under_the_callers_name(public) -> None:
    served, far = public
    tidewheel("schedule", "start", "yearly", **far)
    tidewheel("sensor", "cursor", "skips", "--set", "7", **far)
    [cursor, start] = json.loads(tidewheel("audit", "list", "--limit", "2", "--json", **far).stdout)
    assert (start["operation"], start["user"], start["surface"]) == ("start_schedule", "ana", "rest")
    assert cursor["after"]["trigger code.py/skips"]["cursor"] == "7"
    tidewheel("schedule", "stop", "yearly", "--home", str(served.home))
    [stop] = json.loads(tidewheel("audit", "list", "--limit", "1", "--json", **far).stdout)
    assert (stop["user"], stop["surface"]) == (getpass.getuser(), "cli")
    assert stop["before"]["trigger code.py/yearly"]["status"] == "RUNNING"


def test_somebody_who_may_not_is_told_so(public) -> None:
    _, far = public
    served, _ = public
    viewer = tidewheel("token", "create", "t", "--user", "vic", "--home", str(served.home)).stdout.strip()
    near = {**far, "TIDEWHEEL_TOKEN": viewer}
    assert tidewheel("run", "list", **near).returncode == 0
    done = tidewheel("launch", "greet", check=False, **near)
    assert done.returncode == 1 and "it needs role 'launcher', vic has role 'viewer'" in done.stderr
    nobody = {k: v for k, v in far.items() if k != "TIDEWHEEL_TOKEN"}
    done = tidewheel("run", "list", check=False, **nobody)
    assert done.returncode == 1 and "tidewheel login" in done.stderr


def test_a_login_is_remembered_in_a_file_that_only_its_owner_can_read(public) -> None:
    _, far = public
    alone = {"TIDEWHEEL_PROFILES": far["TIDEWHEEL_PROFILES"]}
    address = far["TIDEWHEEL_SERVER"]
    done = tidewheel(
        "login", address, "--profile", "prod", "--user", "vic", "--password-stdin", typed=PASSWORD, **alone
    )
    assert "vic (viewer)" in done.stdout
    file = Path(far["TIDEWHEEL_PROFILES"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert tidewheel("run", "list", "--server", "prod", **alone).returncode == 0
    done = tidewheel("run", "list", "--server", "prd", check=False, **alone)
    assert done.returncode == 1 and "did you mean 'prod'" in done.stderr
    done = tidewheel(
        "login", address, "--user", "vic", "--password-stdin", typed="wrong one", check=False, **alone
    )
    assert done.returncode == 1 and "password" in done.stderr
