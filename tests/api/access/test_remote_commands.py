"""Every command on a server elsewhere, as each role: derived from the command line's own parser, so that none is forgotten."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from tests.api.access.conftest import PASSWORD, GuardedServer
from tidewheel.cli.main import cli
from tidewheel.errors import TidewheelError
from tidewheel.runtime.conditions.condition_views import WhyAnswer
from tidewheel.runtime.masking import forget_secrets, know_secrets
from tidewheel.storage.tables.conditions import condition_hold, owed_work
from tidewheel.storage.tables.queue import backfill
from tidewheel.values.access import Grant, Role
from tidewheel.values.backfills import BackfillFields
from tidewheel.values.conditions import OwedStatus
from tidewheel.values.inbox import NewDelivery, hook_source
from tidewheel.values.policies import Selection
from tidewheel.values.records import NewRun
from tidewheel.values.serde import decode, encode

pytestmark = pytest.mark.xdist_group("access-roles")

SHORT_OF_A_SERVER = {"dev"}
"""Commands that have a home, and are a server themselves."""

COMMANDS = """
materialize orders --no-wait                    launcher
launch greet --no-wait                          launcher
run list                                        viewer
run show {run}                                  viewer
run logs {run}                                  viewer
run output {run}                                viewer
run cancel {run}                                launcher  expected a run that has not ended
run prioritise {run} -1                         launcher  expected a run that is queued
run retry {run} --all-steps --no-wait           launcher
backfill list                                   viewer
backfill show {backfill}                        viewer
backfill watch {backfill}                       viewer
backfill launch daily --partition a             launcher
backfill cancel {backfill}                      launcher  expected a backfill
backfill resume {backfill}                      launcher  expected backfill
backfill retry {backfill} --all          launcher
pool list                                       viewer
pool set db 3                                   editor
pool unset db                                   editor
pool free db                                    editor
asset list                                      viewer
asset show orders                               viewer
schedule list                                   viewer
schedule preview yearly                         viewer
schedule start yearly                           editor
schedule stop yearly                            editor
schedule reset yearly                           editor
schedule pause yearly --for 1h                  editor
schedule resume yearly                          editor
schedule reset-keys yearly --all                editor
sensor list                                     viewer
sensor failed                                   viewer
sensor start skips                              editor
sensor stop skips                               editor
sensor reset skips                              editor
sensor pause skips                              editor
sensor resume skips                             editor
sensor reset-keys skips --key k                 editor
sensor cursor skips --set 3                     editor
sensor retry pushed {event}                     editor
sensor test skips                               launcher
hook list                                       editor
hook show {delivery}                            editor
hook replay {delivery}                          editor
automation list                                 viewer
automation plan                                 viewer
automation approve orders                       editor
automation decline orders                       editor
why orders                                      viewer
owed list                                       viewer
owed waive orders                               editor
owed retry orders                               editor
tick list                                       viewer
tick show 999999                                viewer    expected the id of a tick
user list                                       admin
user add {name}                                 admin
user disable vic                                admin
user enable vic                                 admin
user passwd vic                                 admin
token list                                      viewer
token create label                              launcher
token revoke {token}                            admin
audit list                                      admin
pause --all --for 1h                            editor
resume --all                                    editor
doctor                                          viewer
"""


def rows() -> Iterator[tuple[str, str, str]]:
    for line in COMMANDS.strip().splitlines():
        command, _, rest = line.partition("  ")
        role, _, says = rest.strip().partition("  ")
        yield command, role, says.strip()


ROWS = {command: (role, says) for command, role, says in rows()}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """(name, names of parameters) of every command."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from leaves(found, (*path, name))
    else:
        yield " ".join(path), {parameter.name for parameter in command.params}


def test_every_command_on_a_home_works_on_a_server_too() -> None:
    known = dict(leaves(cli))
    near = {name for name, parameters in known.items() if "home" in parameters}
    far = {name for name, parameters in known.items() if "server" in parameters}
    assert far == near - SHORT_OF_A_SERVER
    named = {next(name for name in known if f"{row} ".startswith(f"{name} ")) for row in ROWS}
    assert named == far


class Elsewhere:
    """Runs commands against a server; what they are about is there."""

    def __init__(self, server: GuardedServer, tokens: dict[str, str], profiles: Path) -> None:
        self._server = server
        self._tokens = tokens
        self._profiles = profiles
        rest = server.rest
        self._run = rest("POST", "/launch", {"job_name": "greet"}, token=tokens["admin"])[1]["run_id"]
        rest("GET", f"/runs/{self._run}/wait", token=tokens["admin"])
        wanted = {"selection": "daily", "partitions": ["a"]}
        self.backfill = rest("POST", "/backfills", wanted, token=tokens["admin"])[1]["backfill_id"]
        taken = NewDelivery(source=hook_source("pushed"), delivery_id="1", received_at=1.0, body=b"{}")
        [receipt] = server.ledger.inbox.put([taken])
        self.delivery = receipt.id
        server.ledger.update_trigger("code.py/pushed", position=receipt.id)
        for name in ("vic", "tom"):
            server.add_user(name)

    def call(self, command: str, role: str) -> Result:
        self.lay_out()
        token_of_other = self._server.token("tom").split("_")[1]
        arguments = command.format(
            run=self._run,
            backfill=self.backfill,
            delivery=self.delivery,
            event=self.delivery,
            token=token_of_other,
            name=f"new{len(self._server.ledger.access.get_users())}",
        ).split()
        variables = {
            "TIDEWHEEL_SERVER": f"http://127.0.0.1:{self._server.port}",
            "TIDEWHEEL_TOKEN": self._tokens[role],
            "TIDEWHEEL_PROFILES": str(self._profiles),
        }
        typed = f"{PASSWORD}\n{PASSWORD}\n"
        return CliRunner().invoke(cli, arguments, env={**os.environ, **variables}, input=typed)

    def lay_out(self) -> None:
        """What commands answer: something owed, something held, an event that failed, pauses."""
        ledger = self._server.ledger
        ledger.inbox.hand_over_again("code.py/pushed", self.delivery, now=1.0)
        common = {"kind": "asset", "name": "orders", "trigger_id": "code.py/automation"}
        with ledger.backend.write() as conn:
            conn.execute(owed_work.delete())
            conn.execute(condition_hold.delete())
            empty = {"run_id": "", "failures": 0, "failed_at": 0.0, "error": "", "code_version": ""}
            row = {**common, "partition": "", "requested_at": 1.0, "status": "OWED", **empty}
            conn.execute(owed_work.insert().values(**row))
            held = {**common, "at": 1.0, "status": "WAITING", "wanted": b"", "spec": b"", "count": 2}
            conn.execute(condition_hold.insert().values(**held))
        control = self._server.server.control
        self._server.call(lambda: control.pause(Selection(kind="SCHEDULE", name="yearly")))
        self._server.call(lambda: control.pause(Selection(kind="SENSOR", name="skips")))


@pytest.fixture(scope="module")
def elsewhere(server: GuardedServer, tokens: dict[str, str], tmp_path_factory) -> Elsewhere:
    return Elsewhere(server, tokens, tmp_path_factory.mktemp("cli") / "profiles.json")


def said(result: Result) -> str:
    error = result.exception
    return result.output + (str(error) if isinstance(error, TidewheelError) else "")


@pytest.mark.parametrize("command", ROWS)
def test_a_role_that_suffices_may_and_the_one_below_may_not(elsewhere: Elsewhere, command: str) -> None:
    needed, says = ROWS[command]
    below = [role for role in Role if role.rank < Role(needed).rank]
    if below:
        refused = elsewhere.call(command, below[-1].value)
        assert "is not allowed" in said(refused), said(refused)
    allowed = elsewhere.call(command, needed)
    assert isinstance(allowed.exception, (TidewheelError, SystemExit, type(None))), allowed.exception
    if says:
        assert says in said(allowed)
    else:
        assert allowed.exit_code == 0, said(allowed)


SECRET = "kept-from-everybody"
SHOWING = ("why orders", "why orders --json", "owed list", "owed list --json", "backfill show {backfill}",
           "backfill show {backfill} --json", "run output {run}", "run output {run} --json",
           "run logs {run}")  # fmt: skip


@pytest.fixture
def told_secrets(elsewhere: Elsewhere, server: GuardedServer) -> Iterator[None]:
    """A secret is in what is told of a condition, of owed work and of a backfill."""
    know_secrets([SECRET])
    control, lay_out = server.server.control, elsewhere.lay_out
    known = control.why

    async def why(target: str, partition: str | None = None, run_id: str | None = None) -> WhyAnswer:
        found = await known(target=target, partition=partition, run_id=run_id)
        return msgspec.structs.replace(found, notes=(f"ConditionError: {SECRET}",))

    def with_secrets() -> None:
        lay_out()
        with server.ledger.backend.write() as conn:
            conn.execute(owed_work.update().values(error=f"OSError: {SECRET}", failures=1))
            this = backfill.c.backfill_id == elsewhere.backfill
            asked = decode(
                conn.execute(sa.select(backfill.c.fields).where(this)).scalar_one(), BackfillFields
            )
            changed = encode(msgspec.structs.replace(asked, title=f"with {SECRET}"))
            conn.execute(backfill.update().where(this).values(fields=changed))

    control.why, elsewhere.lay_out = why, with_secrets
    yield
    control.why, elsewhere.lay_out = known, lay_out
    forget_secrets()


@pytest.mark.parametrize("command", SHOWING)
def test_commands_show_no_secrets(told_secrets: None, elsewhere: Elsewhere, command: str) -> None:
    shown = elsewhere.call(command, "viewer")
    assert shown.exit_code == 0, said(shown)
    assert "********" in shown.output and SECRET not in shown.output and "u:pw@" not in shown.output


def test_answers_tell_no_secrets(
    told_secrets: None, elsewhere: Elsewhere, server: GuardedServer, tokens: dict[str, str]
) -> None:
    elsewhere.lay_out()
    viewer, this = tokens["viewer"], elsewhere.backfill
    paths = ("/why/orders", "/owed", "/backfills", f"/backfills/{this}")
    query = """query($id: String!) { why(target: "orders") { notes } owedWork { error }
      partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { title } } }"""
    found = server.graphql(query, viewer, id=this)
    assert (
        set(found[1]["data"]) == {"why", "owedWork", "partitionBackfillOrError"} and "errors" not in found[1]
    )
    for status, answer in [found, *(server.rest("GET", path, token=viewer) for path in paths)]:
        assert status == 200 and "********" in str(answer) and SECRET not in str(answer), answer


# -- the same over GraphQL --------------------------------------------------------------------------------------


def test_graphql_replays_deliveries_retries_events_and_changes_priorities(
    elsewhere: Elsewhere, server: GuardedServer, tokens: dict[str, str]
) -> None:
    admin, delivery = tokens["admin"], elsewhere.delivery
    elsewhere.lay_out()
    replay = 'mutation { replayDelivery(id: "%s") { __typename ... on ReplaySuccess { numSensors } } }'
    assert server.graphql(replay % delivery, admin)[1]["data"]["replayDelivery"] == {
        "__typename": "ReplaySuccess",
        "numSensors": 1,
    }
    retry = (
        'mutation { retryFailedEvent(instigationStateId: "code.py/pushed", eventId: "%s") { __typename } }'
    )
    assert server.graphql(retry % delivery, admin)[1]["data"]["retryFailedEvent"] == {
        "__typename": "ReplaySuccess"
    }
    # of a location that is not there: it waits for as long as the test needs
    waits = NewRun(run_id=str(uuid.uuid4()), job_name="greet", location="nowhere")
    server.ledger.create_runs([waits], now=server.clock())
    change = 'mutation { setRunPriority(runId: "%s", priority: 3) { __typename } }' % waits.run_id
    assert server.graphql(change, admin)[1]["data"]["setRunPriority"]["__typename"] == "SetRunPrioritySuccess"
    assert server.ledger.get_run(waits.run_id).priority == 3
    [entry] = server.audit(operation="set_run_priority", limit=1)
    states = [one[f"run {waits.run_id}"]["priority"] for one in (entry.before, entry.after)]
    assert (entry.surface, states) == ("graphql", [0, 3])


def test_owed_work_of_other_parts_is_neither_seen_nor_waived(
    elsewhere: Elsewhere, server: GuardedServer
) -> None:
    elsewhere.lay_out()
    waive = 'mutation { answerOwedWork(target: "orders", waive: true) }'
    other = server.person(Grant(role=Role.EDITOR, groups=("mart",)))
    assert server.rest("GET", "/owed", token=other)[1]["items"] == []
    assert server.rest("POST", "/owed/answer", {"name": "orders", "status": "WAIVED"}, token=other)[0] == 403
    assert server.graphql(waive, other)[1]["data"]["answerOwedWork"] is False
    own = server.person(Grant(role=Role.EDITOR, groups=("raw",)))
    assert [one["name"] for one in server.rest("GET", "/owed", token=own)[1]["items"]] == ["orders"]
    assert server.graphql(waive, own)[1]["data"]["answerOwedWork"] is True
    assert server.ledger.owed.get_all("orders")[0].status is OwedStatus.WAIVED


def test_ticks_backfills_and_deliveries_of_other_parts_are_not_there(
    elsewhere: Elsewhere, server: GuardedServer
) -> None:
    other = server.person(Grant(role=Role.EDITOR, groups=("mart",)))
    for path in ("/ticks", "/backfills", "/failed-events", "/pools", "/held-requests", "/pauses"):
        assert server.rest("GET", path, token=other)[1]["items"] == [], path
    assert server.rest("GET", f"/backfills/{elsewhere.backfill}", token=other)[0] == 404
    assert server.rest("GET", "/deliveries", token=other)[0] == 403
    query = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename }
      instigationStateOrError(instigationSelector: {repositoryName: "__repository__",
        repositoryLocationName: "code.py", name: "skips"}) { __typename } }"""
    found = server.graphql(query, other, id=elsewhere.backfill)[1]["data"]
    assert {one["__typename"] for one in found.values()} == {
        "BackfillNotFoundError",
        "InstigationStateNotFoundError",
    }


def test_secrets_are_in_no_answer(server: GuardedServer, tokens: dict[str, str]) -> None:
    secret = "kept-from-everybody"
    know_secrets([secret])
    try:
        config = {"ops": {"hello": {"config": {"password": "hunter22", "plain": secret}}}}
        waits = NewRun(
            run_id=str(uuid.uuid4()),
            job_name="greet",
            location="nowhere",
            run_config=config,
            tags={"t": secret},
        )
        server.ledger.create_runs([waits], now=server.clock())
        query = (
            """query($id: ID!) { runOrError(runId: $id) { ... on Run { runConfigYaml tags { value } } } }"""
        )
        answers = [
            server.rest("GET", f"/runs/{waits.run_id}", token=tokens["viewer"]),
            server.rest("GET", "/runs", token=tokens["viewer"]),
            server.graphql(query, tokens["viewer"], id=waits.run_id),
        ]
        for status, answer in answers:
            assert status == 200
            assert "********" in str(answer) and secret not in str(answer) and "hunter22" not in str(answer)
    finally:
        forget_secrets()
