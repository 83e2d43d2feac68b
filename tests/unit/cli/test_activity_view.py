"""The printer of activities never holds up the server."""

from tidewheel.cli import activity_view
from tidewheel.cli.activity_view import ActivityPrinter, line_of
from tidewheel.runtime.protocol import Activity


def skip(text):
    return Activity(kind="tick", timestamp=0.0, name="s", status="SKIPPED", text=text)


def test_the_same_skip_in_a_row_is_printed_once(capsys):
    printer = ActivityPrinter(as_json=False)
    for text in ("nothing new", "nothing new", "gone", "nothing new"):
        printer.show(skip(text))
    printer.close()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines] == ["new", "gone", "new"]


def test_a_full_queue_leaves_lines_out_instead_of_waiting(monkeypatch, capsys):
    monkeypatch.setattr(activity_view, "MAX_WAITING", 3)
    printer = ActivityPrinter(as_json=True)  # not begun: a terminal that does not read
    for number in range(100):
        printer.say(str(number))
    assert printer._left_out == 97


def test_what_comes_before_the_beginning_is_printed_after_its_line(capsys):
    printer = ActivityPrinter(as_json=False)
    printer.say("early")
    printer.begin("head")
    printer.say("late")
    printer.close()
    assert capsys.readouterr().out.split() == ["head", "early", "late"]


def test_a_line_names_what_when_and_the_partition():
    line = line_of(
        Activity(
            kind="run", timestamp=0.0, name="job", status="SUCCESS", partition="2024-01-01", run_id="x" * 36
        )
    )
    assert "job[2024-01-01]" in line and "run" in line and "SUCCESS" in line
