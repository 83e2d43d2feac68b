"""Numbers that no record can have are refused before anything is stored, and shown where they are stored already."""

import pytest
from click.testing import CliRunner

from tidewheel.cli.main import cli
from tidewheel.cli.output import moment

HUGE = "99999999999999999999999"


@pytest.mark.parametrize(
    "command",
    [
        ("tick", "show", HUGE),
        ("hook", "show", HUGE),
        ("hook", "replay", HUGE),
        ("resume", HUGE),
        ("pause", "--all", "--for", "99999999999h"),
    ],
)
def test_huge_numbers_are_refused(tmp_path, command):
    answer = CliRunner().invoke(cli, [*command, "--home", str(tmp_path)])
    assert answer.exit_code == 2, answer.output
    assert "Error" in answer.output


def test_a_moment_beyond_the_calendar_is_shown_in_words():
    assert moment(3.6e14) == "after the year 9999"
