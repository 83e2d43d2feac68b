"""Declarative automation over GraphQL: why, what is planned and owed, its ticks, its pause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.graphql.serving import GraphQLServer
from tests.processes import automated
from tests.processes.serving import wait_until

pytestmark = pytest.mark.xdist_group("graphql-conditions")

REPORT = """mutation { reportRunlessAssetEvents(eventParams: {eventType: ASSET_MATERIALIZATION,
  assetKey: {path: ["root"]}}) { __typename } }"""
WHY = """query($target: String!) { why(target: $target) { target kind condition sensor sensorIsRunning isRequested
  lastEvaluatedAt waitsFor error explanation notes owed { state }
  requests { evaluationId at requested isFirst runIds causes { eventId subject runId } }
  held { target count status partitions } } }"""
PLAN = "{ automationPlan { sensor isRunning work { kind targets partition count } } }"
TRY = "mutation($s: SensorSelector!) { sensorDryRun(selectorData: $s) { ... on PythonError { message } } }"
SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "code.py"}
PAUSE = "mutation($paused: Boolean!) { setAutoMaterializePaused(paused: $paused) }"
PAUSED = "{ instance { autoMaterializePaused } }"


def served(tmp_path: Path, text: str) -> GraphQLServer:
    file = tmp_path / "code.py"
    file.write_text(text)
    server = GraphQLServer(tmp_path, file, name="code.py")
    wait_until(
        lambda: server.call(server.server.control.get_automation)[0].last_evaluated_at, what="an evaluation"
    )
    return server


def test_a_pause_holds_all_automation_until_it_ends_and_why_tells_the_request(tmp_path: Path) -> None:
    server = served(tmp_path, automated.CHAIN)
    try:
        assert server.ask(PAUSED)["instance"]["autoMaterializePaused"] is False
        assert server.ask(PAUSE, paused=True)["setAutoMaterializePaused"] is True
        assert server.ask(PAUSED)["instance"]["autoMaterializePaused"] is True
        server.ask(REPORT)
        told = server.ask(WHY, target="leaf")["why"]
        assert told["isRequested"] is True and told["requests"] == []
        (plan,) = server.ask(PLAN)["automationPlan"]
        tried = server.ask(TRY, s={**SELECTOR, "sensorName": plan["sensor"]})["sensorDryRun"]
        assert "tidewheel automation plan" in tried["message"], "conditions have no function to try"
        assert [(one["kind"], one["targets"]) for one in plan["work"]] == [("run", ["middle", "leaf"])]
        assert server.ask(PAUSE, paused=False)["setAutoMaterializePaused"] is False

        def told_request():
            return server.ask(WHY, target="middle")["why"]["requests"]

        wait_until(told_request, what="the request after the pause")
        (request,) = told_request()
        assert [cause["subject"] for cause in request["causes"]] == ["root"]
        assert len(request["runIds"]) == 1
        ticks = server.ask("{ autoMaterializeTicks { id status runIds } }")["autoMaterializeTicks"]
        assert [one["runIds"] for one in ticks if one["runIds"]] == [request["runIds"]]
        now = server.ask(WHY, target="middle")["why"]
        assert json.loads(now["explanation"])["tree"]["label"] == "eager"
    finally:
        server.stop()


def test_a_held_request_is_shown_and_approved(tmp_path: Path) -> None:
    server = served(tmp_path, automated.PARTITIONED)
    try:
        held = server.ask(WHY, target="many")["why"]["held"]
        assert held == {"target": "many", "count": 3, "status": "WAITING", "partitions": ["x", "y", "z"]}
        answering = "mutation($t: String!) { answerHeldRequest(target: $t, approve: true) }"
        assert server.ask(answering, t="nothing")["answerHeldRequest"] is False
        assert server.ask(answering, t="many")["answerHeldRequest"] is True
        wait_until(
            lambda: server.server.database.ledger.backfills.get_many(), what="the backfill that was approved"
        )
    finally:
        server.stop()


def test_owed_work_is_listed_and_waived(tmp_path: Path) -> None:
    server = served(tmp_path, automated.OWING)
    try:
        server.ask(REPORT)

        def owed():
            return server.ask("{ owedWork { target partition state failures error } }")["owedWork"]

        wait_until(lambda: owed() and owed()[0]["state"] == "stopped", what="three equal failures")
        (row,) = owed()
        assert (row["target"], row["partition"], row["failures"]) == ("fragile", None, 3)
        answering = 'mutation($waive: Boolean!) { answerOwedWork(target: "fragile", waive: $waive) }'
        assert server.ask(answering, waive=True)["answerOwedWork"] is True
        assert [one["state"] for one in owed()] == ["waived"]
        assert server.ask('{ owedWork(target: "root") { state } }')["owedWork"] == []
    finally:
        server.stop()
