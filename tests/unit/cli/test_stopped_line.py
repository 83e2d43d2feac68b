"""What ``tidewheel dev`` says of schedules and sensors that are stopped."""

from tidewheel.cli.serving import stopped_line


def test_nothing_is_said_where_all_run():
    assert stopped_line("schedule", []) is None


def test_the_command_that_starts_one_is_named():
    assert stopped_line("schedule", ["daily"]) == (
        "1 schedule is stopped: daily. Start with: tidewheel schedule start daily"
    )


def test_many_are_not_all_named():
    line = stopped_line("sensor", [f"s{number}" for number in range(9)])
    assert (
        line == "9 sensors are stopped: s0, s1, s2, s3, s4 and 4 more. Start with: tidewheel sensor start s0"
    )
