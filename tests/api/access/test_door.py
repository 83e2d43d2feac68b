"""Who gets in: without a login, by password, by session, by token; and what browsers are kept from."""

from __future__ import annotations

import hashlib
import json
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest

from tests.api.access.conftest import PASSWORD, GuardedServer
from tidewheel.services.access import accounts
from tidewheel.values.access import Grant, Role

pytestmark = pytest.mark.xdist_group("access-door")
FORM = {"content-type": "application/x-www-form-urlencoded"}


# -- without a login ------------------------------------------------------------------------------------------


def test_a_server_without_users_lets_its_own_machine_do_everything(open_server: GuardedServer) -> None:
    assert open_server.rest("GET", "/whoami") == (
        200,
        {"name": "local", "via": "local", "grants": [{"role": "admin"}]},
    )
    assert open_server.rest("POST", "/launch", {"job_name": "greet"})[0] == 201
    assert open_server.graphql("{ version }")[1]["data"]["version"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "[::ffff", ""]
)
def test_it_does_not_answer_to_other_names(open_server: GuardedServer, host: str) -> None:
    status, answer = open_server.rest("GET", "/runs", host=host)
    assert status in (400, 421) and answer["type"] == "urn:tidewheel:misdirected_request"


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.2", "[::1]:3000"])
def test_it_answers_to_the_names_of_its_own_machine(open_server: GuardedServer, host: str) -> None:
    assert open_server.rest("GET", "/runs", host=host)[0] == 200


def test_webhooks_come_by_whatever_name_leads_here(open_server: GuardedServer) -> None:
    headers = {"host": "tunnel.example", "content-type": "application/json"}
    assert open_server.request("POST", "/hooks/unknown", b"{}", headers)[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://["},
    ],
)
@pytest.mark.parametrize(
    "path", ["/api/v1/launch", "/graphql", "/report_asset_materialization/orders", "/logout"]
)
def test_pages_of_other_sites_can_change_nothing(open_server: GuardedServer, path: str, headers) -> None:
    status, _, answer = open_server.request("POST", path, b"{}", {"content-type": "text/plain", **headers})
    assert status == 403 and b"foreign_origin" in answer


@pytest.mark.parametrize("path", ["/", "/login", "/api/v1/health", "/nothing", "/graphql?query={version}"])
def test_every_answer_has_the_headers_that_protect_browsers(open_server: GuardedServer, path: str) -> None:
    _, headers, _ = open_server.request("GET", path)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


# -- with users -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/api/v1/runs"),
        ("GET", "/api/v1/openapi.json"),
        ("GET", "/api/v1/users"),
        ("POST", "/api/v1/launch"),
        ("GET", "/graphql?query={version}"),
        ("POST", "/graphql"),
        ("POST", "/report_asset_materialization/orders"),
        ("GET", "/nothing"),
    ],
)
def test_nobody_gets_in_without_a_login(server: GuardedServer, method: str, path: str) -> None:
    status, headers, answer = server.request(method, path, b"{}" if method == "POST" else None)
    assert status == 401 and headers["www-authenticate"].startswith("Bearer")
    assert b"Traceback" not in answer


def test_health_is_public_and_browsers_are_sent_to_the_login(server: GuardedServer) -> None:
    assert server.request("GET", "/healthz")[0] == 200
    status, headers, _ = server.request("GET", "/", None, {"accept": "text/html"})
    assert (status, headers["location"]) == (303, "/login?next=/")


def log_in(server: GuardedServer, name: str, password: str, next_path: str = "/") -> tuple[int, dict, str]:
    """(status, headers, session cookie)."""
    _, headers, page = server.request("GET", "/login")
    kept = SimpleCookie(headers["set-cookie"])["tidewheel_form"].value
    secret = re.search(rb"name=form value='([^']+)'", page).group(1).decode()
    fields = {"name": name, "password": password, "form": secret, "next": next_path}
    status, headers, _ = server.request(
        "POST", "/login", urlencode(fields).encode(), {**FORM, "cookie": f"tidewheel_form={kept}"}
    )
    found = re.search(r"tidewheel_session=([^;]+)", headers.get("set-cookie", ""))
    return status, headers, found.group(1) if found else ""


def test_a_session_begins_with_a_password_and_ends_with_logging_out(server: GuardedServer) -> None:
    status, headers, session = log_in(server, "root", PASSWORD, "/runs")
    assert (status, headers["location"]) == (303, "/runs")
    assert "HttpOnly" in headers["set-cookie"] and "SameSite=lax" in headers["set-cookie"]
    cookie = f"tidewheel_session={session}"
    assert server.rest("GET", "/whoami", cookie=cookie)[1]["via"] == "session"
    origin = f"http://127.0.0.1:{server.port}"
    assert server.request("POST", "/logout", b"", {"cookie": cookie, "origin": origin})[0] == 303
    assert server.rest("GET", "/whoami", cookie=cookie)[0] == 401
    assert [(e.operation, e.user) for e in server.audit(user="root")[:2]] == [
        ("log_out", "root"),
        ("log_in", "root"),
    ]


def test_what_a_session_changes_must_come_from_our_own_pages(server: GuardedServer) -> None:
    _, _, session = log_in(server, "root", PASSWORD)
    cookie = f"tidewheel_session={session}"
    body = {"job_name": "greet"}
    assert server.rest("POST", "/launch", body, cookie=cookie)[0] == 403
    assert server.rest("POST", "/launch", body, cookie=cookie, origin="https://evil.example")[0] == 403
    ours = f"http://127.0.0.1:{server.port}"
    assert server.rest("POST", "/launch", body, cookie=cookie, origin=ours)[0] == 201


def test_a_login_form_of_another_page_is_refused(server: GuardedServer) -> None:
    fields = urlencode({"name": "root", "password": PASSWORD, "form": "x", "next": "/"}).encode()
    status, headers, _ = server.request("POST", "/login", fields, FORM)
    assert status == 403 and "tidewheel_session" not in headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", ""]
)
def test_a_login_leads_to_no_other_site(server: GuardedServer, wanted: str) -> None:
    assert log_in(server, "root", PASSWORD, wanted)[1]["location"] == "/"


def test_a_session_expires(server: GuardedServer) -> None:
    _, _, session = log_in(server, "root", PASSWORD)
    cookie = f"tidewheel_session={session}"
    assert server.rest("GET", "/whoami", cookie=cookie)[0] == 200
    server.clock.ahead_s += 73 * 3600
    try:
        assert server.rest("GET", "/whoami", cookie=cookie)[0] == 401
    finally:
        server.clock.ahead_s = 0


@pytest.mark.parametrize("change", ["disable", "password"])
def test_sessions_end_when_the_user_is_disabled_or_gets_a_new_password(
    server: GuardedServer, change: str
) -> None:
    name = f"ana-{change}"
    server.add_user(name, Grant(role=Role.VIEWER), password=PASSWORD)
    _, _, session = log_in(server, name, PASSWORD)
    token = server.token(name)
    cookie = f"tidewheel_session={session}"
    assert server.rest("GET", "/whoami", cookie=cookie)[0] == 200
    access = server.ledger.access
    if change == "disable":
        accounts.set_enabled(access, name, False, now=server.clock())
        assert server.rest("GET", "/whoami", token=token)[0] == 401
        assert log_in(server, name, PASSWORD)[0] == 401
    else:
        accounts.set_password(access, name, "another long one")
        assert server.rest("GET", "/whoami", token=token)[0] == 200
    assert server.rest("GET", "/whoami", cookie=cookie)[0] == 401


def test_guessing_is_slowed_down_by_name_and_by_address_and_written_down(server: GuardedServer) -> None:
    server.clock.ahead_s += 7200
    try:
        answers = [log_in(server, "victim", "wrong password")[0] for _ in range(6)]
        assert answers == [401] * 5 + [429]
        status, headers, _ = log_in(server, "root", PASSWORD)
        assert status == 429 and int(headers["retry-after"]) > 0, "the address has failed too often"
        assert server.rest("POST", "/login", {"name": "root", "password": PASSWORD})[0] == 429
        server.clock.ahead_s += 3600
        assert log_in(server, "root", PASSWORD)[0] == 303
        refused = server.audit(operation="log_in", outcome="refused")
        assert refused and "wrong password" not in str(refused)
    finally:
        server.clock.ahead_s = 0


# -- tokens ---------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_kept_hashed_and_its_use_is_noted(server: GuardedServer) -> None:
    admin = server.person(Grant(role=Role.ADMIN))
    status, made = server.rest("POST", "/tokens", {"label": "ci"}, token=admin)
    assert status == 201 and made["token"].startswith("tw_")
    assert server.rest("GET", "/whoami", token=made["token"])[0] == 200
    [listed] = [
        t for t in server.rest("GET", "/tokens", token=admin)[1]["items"] if t["token_id"] == made["token_id"]
    ]
    assert listed["last_used_at"] is not None and "token" not in listed and "digest" not in listed
    stored = server.ledger.access.get_token(made["token_id"])
    assert made["token"].encode() not in bytes(str(stored), "utf8")
    assert made["token"] not in str(server.audit(limit=1000))


def test_an_answer_that_held_a_token_is_not_kept_for_its_repetition(server: GuardedServer) -> None:
    admin = server.person(Grant(role=Role.ADMIN))
    headers = {
        "authorization": f"Bearer {admin}",
        "idempotency-key": "once-only",
        "content-type": "application/json",
    }
    status, _, answer = server.request("POST", "/api/v1/tokens", b'{"label": "ci"}', headers)
    token = json.loads(answer)["token"]
    assert status == 201 and server.rest("GET", "/whoami", token=token)[0] == 200
    status, again, answer = server.request("POST", "/api/v1/tokens", b'{"label": "ci"}', headers)
    problem = json.loads(answer)
    assert (status, problem["type"]) == (409, "urn:tidewheel:told_once"), problem
    assert again["idempotency-replayed"] == "true"
    name = server.rest("GET", "/whoami", token=admin)[1]["name"]
    kept = server.ledger.access.claim_answer(name, "once-only", b"", now=0.0, forget_before=0.0)
    assert kept is not None and token.encode() not in kept.body


def test_a_password_cannot_be_guessed_quickly_from_what_is_kept_of_a_request(server: GuardedServer) -> None:
    admin = server.person(Grant(role=Role.ADMIN))
    name = server.rest("GET", "/whoami", token=admin)[1]["name"]

    def post(path: str, body: bytes) -> tuple[int, bool]:
        """The status, and whether a quick digest of the request is what is kept of it."""
        sent = {
            "authorization": f"Bearer {admin}",
            "idempotency-key": path,
            "content-type": "application/json",
        }
        status, _, answer = server.request("POST", f"/api/v1{path}", body, sent)
        kept = server.ledger.access.claim_answer(name, path, b"", now=0.0, forget_before=0.0)
        assert kept is not None, answer
        quick = hashlib.blake2b(digest_size=16)
        for part in (f"/api/v1{path}".encode(), b"", body):
            quick.update(len(part).to_bytes(8, "big") + part)
        return status, kept.fingerprint == quick.digest()

    assert post("/tokens", b'{"label": "ci"}') == (201, True)
    body = json.dumps({"name": "guessed", "grants": [{"role": "viewer"}], "password": PASSWORD}).encode()
    assert post("/users", body) == (201, False)
    assert post("/users", body) == (201, False), "the same request is known again"
    assert post("/users", body.replace(b"viewer", b"editor"))[0] == 409


def test_nothing_is_kept_of_logins_that_name_a_key(server: GuardedServer) -> None:
    body = json.dumps({"name": "root", "password": PASSWORD}).encode()
    headers = {"idempotency-key": "a-login", "content-type": "application/json"}
    server.clock.ahead_s = 4 * 3600  # what was guessed before is forgotten
    try:
        made = [server.request("POST", "/api/v1/login", body, headers) for _ in range(2)]
    finally:
        server.clock.ahead_s = 0
    assert [status for status, _, _ in made] == [201, 201], made
    assert server.ledger.access.claim_answer("", "a-login", b"", now=0.0, forget_before=0.0) is None


def test_expired_revoked_unknown_and_tampered_tokens_are_refused(server: GuardedServer) -> None:
    token = server.person(Grant(role=Role.ADMIN))
    token_id = token.split("_")[1]
    assert server.rest("GET", "/whoami", token=token)[0] == 200
    for wrong in (
        token[:-1] + ("a" if token[-1] != "a" else "b"),
        "tw_nothing",
        "x" * 5000,
        "tw_0123456789ab_" + "a" * 43,
    ):
        status, answer = server.rest("GET", "/whoami", token=wrong)
        assert status == 401 and "unknown, expired or revoked" in answer["detail"]
    server.clock.ahead_s += 2 * 86_400
    assert server.rest("GET", "/whoami", token=token)[0] == 401
    server.clock.ahead_s = 0
    assert server.rest("POST", f"/tokens/{token_id}/revoke", token=token)[0] == 200
    assert server.rest("GET", "/whoami", token=token)[0] == 401


def test_an_invalid_token_is_not_overlooked_where_no_login_is_needed(open_server: GuardedServer) -> None:
    assert open_server.rest("GET", "/whoami", token="tw_wrong")[0] == 401


def test_a_limited_token_cannot_make_an_unlimited_one(server: GuardedServer) -> None:
    server.add_user("limited", Grant(role=Role.ADMIN))
    narrow = server.token("limited", limits=(Grant(role=Role.LAUNCHER),))
    assert (
        server.rest("POST", "/tokens", {"label": "x", "limits": [{"role": "admin"}]}, token=narrow)[0] == 422
    )
    _, made = server.rest("POST", "/tokens", {"label": "x"}, token=narrow)
    assert made["limits"] == ["launcher"]
    assert server.rest("GET", "/audit", token=made["token"])[0] == 403


def test_a_token_for_a_password_without_a_browser(server: GuardedServer) -> None:
    server.clock.ahead_s += 90_000
    try:
        status, made = server.rest(
            "POST", "/login", {"name": "root", "password": PASSWORD, "label": "laptop"}
        )
        assert status == 201
        assert server.rest("GET", "/whoami", token=made["token"])[1]["name"] == "root"
        assert server.rest("POST", "/login", {"name": "root", "password": "not this one"})[0] == 401
        assert server.rest("POST", "/login", {"name": "nobody", "password": "not this one"})[0] == 401
    finally:
        server.clock.ahead_s = 0
