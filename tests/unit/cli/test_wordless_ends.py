"""Commands that are broken off, or cannot ask, say what that means."""

import io

import pytest

from tidewheel.cli import launching
from tidewheel.cli.users import ask_password
from tidewheel.errors import InvalidInvocationError
from tidewheel.values.launch import LaunchOutcome


class Interrupted:
    """A ledger that is asked when Ctrl-C is pressed."""

    def get_run(self, run_id):
        raise KeyboardInterrupt


class Home:
    ledger = Interrupted()


def test_who_stops_waiting_is_told_that_the_run_goes_on(capsys):
    with pytest.raises(KeyboardInterrupt):
        launching._through_server(Home(), LaunchOutcome(run_id="abc"), wait=True, as_json=False)
    assert "the run goes on; 'tidewheel run cancel abc' stops it" in capsys.readouterr().err


def test_a_password_that_nobody_can_type_names_the_option(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: _raise_end(), raising=True)
    with pytest.raises(InvalidInvocationError, match="--password-stdin"):
        ask_password(False, again=True)


def _raise_end():
    raise EOFError
