"""REST: launching, waiting, logs, reports, pages, idempotency keys, problems."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.access.conftest import GuardedServer

pytestmark = pytest.mark.xdist_group("access-rest")


def deep(levels: int) -> dict:
    return {"ops": deep(levels - 1)} if levels else {}


@pytest.fixture(scope="module")
def rest(open_server: GuardedServer) -> GuardedServer:
    return open_server


def launched(rest: GuardedServer, **body: object) -> str:
    status, outcome = rest.rest("POST", "/launch", body or {"job_name": "greet"})
    assert status == 201, outcome
    return outcome["run_id"]


def finished(rest: GuardedServer, run_id: str) -> dict:
    status, run = rest.rest("GET", f"/runs/{run_id}/wait?timeout_s=30")
    assert status == 200 and run["status"] in ("SUCCESS", "FAILURE"), run
    return run


# -- runs -----------------------------------------------------------------------------------------------------


def test_a_job_is_launched_waited_for_and_its_log_read(rest: GuardedServer) -> None:
    run_id = launched(rest)
    assert finished(rest, run_id)["job_name"] == "greet"
    status, logs = rest.rest("GET", f"/runs/{run_id}/logs")
    kinds = [stored["event"]["type"] for stored in logs["events"]]
    assert status == 200 and logs["status"] == "SUCCESS" and kinds[-1].endswith("SUCCESS")
    assert rest.rest("GET", f"/runs/{run_id}/logs?after={logs['after']}&wait_s=20")[1]["events"] == []
    first = rest.rest("GET", f"/runs/{run_id}/logs?limit=3")[1]
    rest_of = rest.rest("GET", f"/runs/{run_id}/logs?after={first['after']}")[1]
    assert first["events"] + rest_of["events"] == logs["events"]
    assert "u:pw@" not in json.dumps(logs) and "postgres://u:*" in json.dumps(logs)


def test_what_steps_printed_is_read_with_its_secrets_masked(rest: GuardedServer) -> None:
    run_id = launched(rest)
    finished(rest, run_id)
    [name] = rest.rest("GET", f"/runs/{run_id}/output")[1]["items"]
    assert name["steps"] == ["hello"]
    for key in (name["key"], "hello"):
        part = rest.rest("GET", f"/runs/{run_id}/output/{key}")[1]
        assert part["stdout"] == "connecting to postgres://u:********@h/x\n"
    rest_of = rest.rest("GET", f"/runs/{run_id}/output/hello?cursor={part['cursor']}")[1]
    assert (rest_of["stdout"], rest_of["cursor"]) == ("", part["cursor"])
    assert rest.rest("GET", f"/runs/{run_id}/output/nothing")[1]["stdout"] is None
    status, problem = rest.rest("GET", f"/runs/{run_id}/output/hello?cursor=1:x")
    assert status == 422 and "expected a cursor" in problem["detail"]


def test_logs_come_as_a_stream_until_the_run_ends(rest: GuardedServer) -> None:
    run_id = launched(rest)
    status, headers, body = rest.request("GET", f"/api/v1/runs/{run_id}/logs/stream")
    events = [json.loads(line) for line in body.splitlines()]
    assert status == 200 and headers["content-type"] == "application/x-ndjson"
    assert [stored["id"] for stored in events] == list(range(1, len(events) + 1))
    assert events == rest.rest("GET", f"/runs/{run_id}/logs")[1]["events"]


def test_a_selection_is_materialized_and_assets_show_it(rest: GuardedServer) -> None:
    status, outcome = rest.rest("POST", "/materialize", {"selection": "orders+"})
    assert status == 201
    assert finished(rest, outcome["run_id"])["status"] == "SUCCESS"
    _, shown = rest.rest("GET", "/assets/report")
    assert shown["state"]["last_materialization_run_id"] == outcome["run_id"]
    assert shown["location"] == "code.py" and shown["asset"]["group"] == "mart"
    assert [item["asset"]["key"] for item in rest.rest("GET", "/assets?group=raw")[1]["items"]] == [
        "daily",
        "orders",
    ]


def test_pages_follow_each_other_without_gaps(rest: GuardedServer) -> None:
    for _ in range(3):
        launched(rest)
    every = [run["run_id"] for run in rest.rest("GET", "/runs?limit=1000")[1]["items"]]
    seen, cursor = [], ""
    while True:
        _, page = rest.rest("GET", f"/runs?limit=2{cursor}")
        seen += [run["run_id"] for run in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == every
    _, first = rest.rest("GET", "/assets?limit=1")
    _, second = rest.rest("GET", f"/assets?limit=1&cursor={first['next_cursor']}")
    assert [item["asset"]["key"] for item in first["items"] + second["items"]] == ["daily", "orders"]
    _, third = rest.rest("GET", f"/assets?limit=1&cursor={second['next_cursor']}")
    assert third["items"][0]["asset"]["key"] == "report" and third["next_cursor"] is None


def test_secrets_in_run_config_are_masked(rest: GuardedServer) -> None:
    config = {"loggers": {"console": {"config": {"name": "x"}}}}
    run_id = launched(rest, job_name="greet", run_config=config, tags={"team": "a"})
    assert rest.rest("GET", f"/runs/{run_id}")[1]["run_config"] == config
    assert [
        r["run_id"]
        for r in rest.rest(
            "GET", "/runs?tag=team%3Da&status=QUEUED&status=STARTING&status=STARTED&status=SUCCESS"
        )[1]["items"]
    ] == [run_id]


def test_a_run_that_has_ended_cannot_be_cancelled(rest: GuardedServer) -> None:
    run_id = launched(rest)
    finished(rest, run_id)
    status, problem = rest.rest("POST", f"/runs/{run_id}/cancel")
    assert status == 409 and problem["type"] == "urn:tidewheel:conflict"


# -- idempotency ----------------------------------------------------------------------------------------------


def test_the_same_key_gives_the_same_answer_and_makes_one_run(rest: GuardedServer) -> None:
    body = {"job_name": "greet", "tags": {"once": "1"}}
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: rest.rest("POST", "/launch", body, idempotency_key="same"), range(8))
        )
    assert {status for status, _ in answers} <= {201, 409}
    again = rest.request(
        "POST",
        "/api/v1/launch",
        json.dumps(body).encode(),
        {"idempotency-key": "same", "content-type": "application/json"},
    )
    assert again[0] == 201 and again[1]["idempotency-replayed"] == "true"
    ids = {answer["run_id"] for status, answer in answers if status == 201} | {json.loads(again[2])["run_id"]}
    assert len(ids) == 1
    assert len(rest.rest("GET", "/runs?tag=once%3D1")[1]["items"]) == 1


def test_a_key_that_was_used_for_something_else_is_a_conflict(rest: GuardedServer) -> None:
    assert rest.rest("POST", "/launch", {"job_name": "greet"}, idempotency_key="k1")[0] == 201
    for path, body in (("/launch", {"job_name": "gret"}), ("/materialize", {"selection": "orders"})):
        status, problem = rest.rest("POST", path, body, idempotency_key="k1")
        assert status == 409 and problem["type"] == "urn:tidewheel:idempotency_conflict"


def test_a_refusal_leaves_the_key_free_and_an_answer_is_not_kept_for_ever(rest: GuardedServer) -> None:
    status, problem = rest.rest("POST", "/launch", {"job": "greet"}, idempotency_key="k2")
    assert status == 422 and "job_name" in problem["errors"][0]["message"]
    assert rest.rest("POST", "/launch", {"job_name": "gret"}, idempotency_key="k2")[0] == 404
    assert rest.rest("POST", "/launch", {"job_name": "greet"}, idempotency_key="k2")[0] == 201
    other = {"job_name": "greet", "tags": {"other": "1"}}
    assert rest.rest("POST", "/launch", other, idempotency_key="k2")[0] == 409
    rest.clock.ahead_s += 86_401
    try:
        assert rest.rest("POST", "/launch", other, idempotency_key="k2")[0] == 201
    finally:
        rest.clock.ahead_s = 0


def test_a_request_that_died_with_its_server_is_carried_out_once_more(rest: GuardedServer) -> None:
    body = json.dumps({"job_name": "greet", "tags": {"died": "1"}}).encode()
    first = rest.rest("POST", "/launch", body, idempotency_key="k3")[1]["run_id"]
    # as if the server had died after it had made the run and before it had kept the answer
    with rest.ledger.backend.write() as conn:
        conn.exec_driver_sql("UPDATE idempotent_answer SET status = NULL WHERE key = 'k3'")
    assert rest.rest("POST", "/launch", body, idempotency_key="k3")[0] == 409
    rest.clock.ahead_s += 61
    try:
        assert rest.rest("POST", "/launch", body, idempotency_key="k3") == (
            201,
            {"run_id": first, "message": "a run of this id exists already"},
        )
    finally:
        rest.clock.ahead_s = 0


# -- triggers, reports ----------------------------------------------------------------------------------------


def test_triggers_are_started_stopped_reset_and_tried(rest: GuardedServer) -> None:
    def state() -> bool:
        views = rest.rest("GET", "/triggers?kind=SCHEDULE")[1]["items"]
        return next(view["is_running"] for view in views if view["name"] == "yearly")

    assert not state()
    assert rest.rest("POST", "/triggers/code.py/yearly/start")[1]["status"] == "RUNNING"
    assert state()
    assert rest.rest("POST", "/triggers/code.py/yearly/stop")[1]["status"] == "STOPPED"
    assert rest.rest("POST", "/triggers/code.py/yearly/reset")[1]["status"] == "DECLARED_IN_CODE"
    assert rest.rest("PUT", "/triggers/code.py/skips/cursor", {"cursor": "7"})[1]["cursor"] == "7"
    assert rest.rest("POST", "/triggers/code.py/skips/test", {})[1]["skip_reason"] == "no"
    status, problem = rest.rest("POST", "/triggers/code.py/yaerly/start")
    assert status == 404 and "did you mean 'yearly'" in problem["detail"]


def test_a_sensor_that_listens_is_tried_with_what_waits_for_it(rest: GuardedServer) -> None:
    tried = rest.rest("POST", "/triggers/code.py/pushed/test", {})[1]
    assert tried["skip_reason"] == "There are no deliveries."
    assert rest.request("POST", "/hooks/pushed", b"{}", {"x-delivery-id": "tried"})[0] == 202
    for _ in range(2):  # nothing is recorded, so that it waits on
        assert rest.rest("POST", "/triggers/code.py/pushed/test", {})[1]["skip_reason"] == "no"


def test_what_others_did_is_recorded_and_seen(rest: GuardedServer) -> None:
    _, reported = rest.rest(
        "POST", "/assets/orders/events", {"kind": "succeeded", "metadata": {"rows": 3}, "data_version": "v1"}
    )
    assert rest.rest("GET", "/assets/orders")[1]["state"]["last_materialization_id"] == reported["event_id"]
    for body in (
        {"kind": "started"},
        {"kind": "failed", "description": "no disk"},
        {"kind": "observed"},
        {"kind": "checked", "check_name": "c", "passed": False, "severity": "WARN"},
    ):
        assert rest.rest("POST", "/assets/orders/events", body)[0] == 201, body
    events = rest.rest("GET", "/assets/orders/events?limit=5")[1]["items"]
    assert len({stored["event"]["type"] for stored in events}) == 5
    older = rest.rest("GET", f"/assets/orders/events?limit=2&cursor={events[1]['id']}")[1]["items"]
    assert [stored["id"] for stored in older] == [events[2]["id"], events[3]["id"]]
    assert rest.rest("GET", "/assets/orders/partitions")[1]["materialized"] == 0


def test_an_event_of_an_asset_that_nobody_defines_has_to_be_meant(rest: GuardedServer) -> None:
    status, problem = rest.rest("POST", "/assets/ordres/events", {"kind": "succeeded"})
    assert status == 404
    assert "did you mean 'orders'" in problem["detail"] and '"undefined": true' in problem["detail"]
    assert rest.rest("POST", "/assets/ordres/events", {"kind": "succeeded", "undefined": True})[0] == 201
    assert rest.rest("POST", "/assets/ordres/events", {"kind": "succeeded"})[0] == 201  # it is known now
    assert rest.request("POST", "/report_asset_materialization/elsewhere/made", b"", {})[0] == 200


# -- what is wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, path, body, status, word",
    [
        ("POST", "/launch", b"{", 400, "JSON"),
        ("POST", "/launch", b"\xff\xfe", 400, ""),
        ("POST", "/launch", b"[" * 100_000, 400, ""),
        ("POST", "/launch", b"[]", 422, "expected"),
        ("POST", "/launch", b"null", 422, "expected"),
        ("POST", "/launch", {}, 422, "one of job_name"),
        ("POST", "/launch", {"job": "greet"}, 422, "job"),
        ("POST", "/launch", {"job_name": "greet", "run_config": deep(900)}, 422, "at most 200 levels deep"),
        ("POST", "/launch", {"job_name": "greet", "run_config": deep(190)}, 422, "run config"),
        ("POST", "/launch", {"job_name": "gret"}, 404, "did you mean 'greet'"),
        ("POST", "/launch", {"job_name": "greet", "location": "nowhere"}, 404, "code location"),
        ("POST", "/launch", {"job_name": "a\x00b"}, 422, "job_name"),
        ("POST", "/launch", {"job_name": "greet", "run_config": {"opps": {}}}, 422, "run config"),
        ("POST", "/materialize", {"selection": "nothing_like_it"}, 422, ""),
        ("POST", "/materialize", {"selection": "((("}, 422, ""),
        ("GET", "/runs?limit=0", None, 422, "limit"),
        ("GET", "/runs?limit=a", None, 422, "limit"),
        ("GET", "/runs?status=DONE", None, 422, "status"),
        ("GET", "/runs/nothing", None, 404, "id of a run"),
        ("GET", "/ticks?cursor=%D9%A1", None, 422, "cursor"),
        ("GET", "/ticks/99999999999999999999", None, 404, "tick"),
        ("GET", "/assets/nothing", None, 404, "asset"),
        ("GET", "/why/nothing", None, 404, "expected an asset or check"),
        ("GET", "/assets//", None, 422, "asset"),
        ("GET", "/nothing", None, 404, ""),
        ("DELETE", "/runs", None, 405, ""),
    ],
)
def test_every_wrong_request_gets_a_problem(rest: GuardedServer, method, path, body, status, word) -> None:
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    found, headers, answer = rest.request(
        method, f"/api/v1{path}", data, {"content-type": "application/json"}
    )
    problem = json.loads(answer)
    assert found == status, problem
    assert headers["content-type"] == "application/problem+json"
    assert problem["status"] == status and problem["type"].startswith("urn:tidewheel:")
    assert word in problem["detail"] and "Traceback" not in answer.decode()


@pytest.mark.parametrize("path", ["/api/v1/launch", "/graphql", "/login", "/report_asset_check/orders"])
def test_a_body_of_100_mb_is_refused_unread(rest: GuardedServer, path: str) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", rest.port), timeout=20) as sock:
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 104857600\r\n\r\n"
        sock.sendall(head.encode() + b" " * 1000)
        assert b" 413 " in sock.recv(4096).split(b"\r\n", 1)[0]
    with socket.create_connection(("127.0.0.1", rest.port), timeout=20) as sock:
        sock.sendall(
            f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )
        answer = b""
        try:
            for _ in range(100):
                sock.sendall(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        except OSError:
            pass  # the server has hung up
        try:
            answer = sock.recv(4096)
        except OSError:
            pass
        assert answer == b"" or answer.split(b"\r\n", 1)[0].split()[1] in (b"413", b"400", b"403")


def test_a_query_of_10000_levels_is_refused(rest: GuardedServer) -> None:
    status, body = rest.graphql("{ a" * 10_000 + "}" * 10_000)
    assert status == 400 and body["errors"]


# -- backfills ------------------------------------------------------------------------------------------------


def test_a_backfill_is_launched_watched_and_seen_to_its_end(rest: GuardedServer) -> None:
    status, made = rest.rest("POST", "/backfills", {"assets": ["daily"], "partitions": ["a"]})
    assert status == 201, made
    address = f"/backfills/{made['backfill_id']}"
    deadline = time.monotonic() + 40
    while (shown := rest.rest("GET", address)[1])["backfill"]["status"] == "REQUESTED":
        assert time.monotonic() < deadline, shown
        time.sleep(0.1)
    assert shown["backfill"]["status"] == "COMPLETED_SUCCESS"
    assert shown["run_counts"] == [{"status": "SUCCESS", "count": 1}]
    partitions = rest.rest("GET", "/assets/daily/partitions")[1]
    assert partitions["materialized"] == 1 and list(partitions["keys"]) == ["a"]
    assert [one["backfill_id"] for one in rest.rest("GET", "/backfills")[1]["items"]] == [made["backfill_id"]]
    assert rest.rest("POST", f"{address}/cancel")[0] == 409
    status, problem = rest.rest("POST", "/backfills", {"assets": ["daily"], "partitions": ["z"]})
    assert status == 422 and "z" in problem["detail"]
    assert rest.rest("GET", "/backfills/nothing")[0] == 404


def test_why_tells_of_an_asset_and_suggests_names(rest: GuardedServer) -> None:
    status, problem = rest.rest("GET", "/why/ordrs")
    assert status in (404, 422) and "orders" in problem["detail"]
    assert rest.rest("GET", "/automation") == (200, {"items": [], "next_cursor": None})


def test_a_body_that_is_no_json_is_told_so(rest: GuardedServer) -> None:
    status, problem = rest.rest("POST", "/launch", b'{"job_name": ')
    assert (status, problem["detail"]) == (
        400,
        "expected a body that is JSON, got something else: Expecting value at character 13",
    )


def test_hooks_tell_what_is_wrong_as_rest_does(rest: GuardedServer) -> None:
    status, headers, answer = rest.request("POST", "/hooks/unknown", b"{}", {})
    problem = json.loads(answer)
    assert (status, problem["status"]) == (404, 404)
    assert dict(headers)["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:tidewheel:{problem['kind']}"
    assert problem["detail"] == problem["message"]


def test_a_full_disk_is_told_and_passes(rest: GuardedServer) -> None:
    report = {"kind": "succeeded", "metadata": {"text": "x" * 60_000}}

    def limit_pages(count: int) -> None:
        with rest.ledger.backend.write() as conn:
            conn.exec_driver_sql(f"PRAGMA max_page_count = {count}")

    limit_pages(1)  # never below what is used already: as on a disk without room
    try:
        status, problem = rest.rest("POST", "/assets/orders/events", report)
    finally:
        limit_pages(4_294_967_294)
    assert (status, problem["type"]) == (503, "urn:tidewheel:ledger_unusable")
    assert "make room on its disk" in problem["detail"]
    assert rest.rest("POST", "/assets/orders/events", report)[0] == 201


@pytest.mark.parametrize(
    ("asset", "body", "words"),
    [
        ("daily", {"kind": "succeeded", "partition": "c"}, "expected a partition of 'daily', got 'c'"),
        ("daily", {"kind": "failed"}, "which is partitioned, got none"),
        ("orders", {"kind": "succeeded", "partition": "a"}, "which is not partitioned"),
    ],
)
def test_a_partition_that_there_cannot_be_has_to_be_meant(rest: GuardedServer, asset, body, words) -> None:
    status, problem = rest.rest("POST", f"/assets/{asset}/events", body)
    assert (status, problem["type"]) == (422, "urn:tidewheel:unknown_partition"), problem
    assert words in problem["detail"] and problem["title"] == "Unknown partition"
    assert rest.rest("POST", f"/assets/{asset}/events", {**body, "undefined": True})[0] == 201


def test_a_partition_and_what_was_seen_of_all_of_them_are_taken(rest: GuardedServer) -> None:
    for body in ({"kind": "succeeded", "partition": "a"}, {"kind": "observed"}):
        assert rest.rest("POST", "/assets/daily/events", body)[0] == 201
