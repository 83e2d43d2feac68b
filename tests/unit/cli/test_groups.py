"""Wrong names and selections on the command line."""

import click
import pytest

from tidewheel.cli.main import cli
from tidewheel.values.texts import counted


def refused(*arguments):
    with pytest.raises(click.UsageError) as caught:
        cli.main(list(arguments), standalone_mode=False)
    return caught.value.message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("lanch",), "No such command 'lanch'; did you mean 'launch'?"),
        (("run", "shwo"), "No such command 'shwo'; did you mean 'show'?"),
        (("xyzxyz",), "No such command 'xyzxyz'."),
    ],
)
def test_a_wrong_command_is_answered_with_the_nearest(arguments, said):
    assert refused(*arguments) == said


@pytest.mark.parametrize("arguments", [(), ("3", "--all"), ("3", "--name", "x"), ("--all", "--name", "x")])
def test_resume_takes_a_number_or_a_selection_or_all(arguments):
    assert refused("resume", *arguments).startswith("expected ")


def test_counted():
    assert [counted(n, "run") for n in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
