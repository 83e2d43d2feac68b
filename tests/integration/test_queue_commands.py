"""The commands about the queue, pools and backfills, on a home that no server serves."""

import json

import pytest
from click.testing import CliRunner

from tidewheel.cli.main import cli
from tidewheel.errors import (
    BackfillNotFoundError,
    InvalidInvocationError,
    RunConflict,
    RunNotFoundError,
    ServerUnreachableError,
)
from tidewheel.logic.partitions.definitions import PartitionView, StaticPartitions
from tidewheel.logic.partitions.sets import everything
from tidewheel.logic.planning.backfill_parts import build_part
from tidewheel.runtime.home import LEDGER_FILE
from tidewheel.storage.ledger import open_ledger
from tidewheel.values.backfills import BackfillFields, NewBackfill
from tidewheel.values.records import NewRun
from tidewheel.values.tags import RANGE_END, RANGE_START

RUN = "01900000-0000-7000-8000-00000000000a"
OTHER = "01900000-0000-7000-8000-00000000000b"
LETTERS = StaticPartitions(keys=("a", "b", "c"))


class Home:
    def __init__(self, folder):
        self.folder = folder
        self.ledger = open_ledger(folder / LEDGER_FILE)

    def say(self, *arguments):
        done = CliRunner().invoke(cli, [*arguments, "--home", str(self.folder)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    def json(self, *arguments):
        return json.loads(self.say(*arguments, "--json"))


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path)
    yield made
    made.ledger.close()


def test_pools(home):
    assert home.say("pool", "list") == "No pool has a limit or is in use.\n"
    assert home.say("pool", "set", "db", "2") == "pool db has 2 slots\n"
    [created] = home.ledger.create_runs([NewRun(run_id=RUN, job_name="j", location="shop")], now=1.0)
    run = home.ledger.launch_run(created.run_id, now=2.0)
    home.ledger.pools.claim("db", RUN, run.epoch, "load", priority=0, now=3.0)
    listed = home.say("pool", "list")
    assert "db" in listed and f"{RUN} load" in listed and "holds" in listed
    [pool] = home.json("pool", "list")
    assert (pool["name"], pool["slots"], len(pool["claims"])) == ("db", 2, 1)
    assert home.json("pool", "free", "db") == {"freed": 1}
    assert home.json("pool", "unset", "db") == {"name": "db", "slots": None}
    with pytest.raises(InvalidInvocationError, match="expected the name of a pool or --run"):
        home.say("pool", "free")


def test_queued_runs_are_listed_with_their_reason_and_prioritised(home):
    ranged = {RANGE_START: "a", RANGE_END: "c"}
    home.ledger.create_runs(
        [
            NewRun(run_id=RUN, job_name="j", location="shop", tags=ranged),
            NewRun(run_id=OTHER, job_name="j", location="shop"),
        ],
        now=1.0,
    )
    listed = home.say("run", "list")
    assert "a..c" in listed and "no server serves this home" in listed and RUN in listed
    changed = home.json("run", "prioritise", "00000a", "7")
    assert (changed["run_id"], changed["priority"]) == (RUN, 7)
    shown = home.say("run", "show", RUN[-6:])
    assert "a..c" in shown and "priority     7" in shown and "no server serves" in shown
    assert home.json("run", "show", RUN)["waits"].startswith("no server")
    home.ledger.launch_run(OTHER, now=2.0)
    with pytest.raises(RunConflict, match="expected a run that is queued"):
        home.say("run", "prioritise", OTHER, "1")
    with pytest.raises(RunNotFoundError, match="2 runs that begin or end so"):
        home.say("run", "show", "0190")


def test_filters_that_match_nothing_say_so(home):
    assert home.say("run", "list") == "No runs yet.\n"
    home.ledger.create_runs([NewRun(run_id=RUN, job_name="j", location="shop")], now=1.0)
    assert home.say("run", "list", "--status", "FAILURE") == "No run matches.\n"
    assert home.say("run", "list", "--tag", "a=b") == "No run matches.\n"
    with pytest.raises(InvalidInvocationError, match="expected --tag KEY=VALUE, got 'a'"):
        home.say("run", "list", "--tag", "a")


def test_backfills(home):
    assert home.say("backfill", "list") == "No backfills yet.\n"
    part = build_part("orders", everything(LETTERS, PartitionView(now=0.0)))
    fields = BackfillFields(parts=(part,), title="letters")
    home.ledger.backfills.create([NewBackfill(backfill_id="abcdefgh", fields=fields)], now=1.0)
    assert "abcdefgh" in home.say("backfill", "list")
    assert home.say("backfill", "list", "--status", "CANCELED") == "No backfill is in this state.\n"
    [listed] = home.json("backfill", "list")
    assert (listed["counts"]["wanted"], listed["counts"]["waiting"]) == (3, 3)
    shown = home.say("backfill", "show", "abc")
    assert "letters" in shown and "0 of 3 done, 3 waiting" in shown
    assert home.json("backfill", "show", "efgh")["runs"] == {}
    assert home.json("backfill", "cancel", "abcdefgh")["status"] == "CANCELING"
    with pytest.raises(BackfillNotFoundError, match="did you mean 'abcdefgh'"):
        home.say("backfill", "show", "abcdefgx")
    for arguments in (("launch", "orders"), ("resume", "abc"), ("retry", "abc")):
        with pytest.raises(ServerUnreachableError, match="expected a server on home"):
            home.say("backfill", *arguments)


def test_a_range_needs_both_ends(home):
    done = CliRunner().invoke(
        cli, ["backfill", "launch", "orders", "--range", "a", "--home", str(home.folder)]
    )
    assert done.exit_code == 2
    assert "expected FIRST..LAST, got 'a'" in done.output
