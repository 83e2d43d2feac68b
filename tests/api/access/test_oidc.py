"""Login through an OpenID Connect provider that runs on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx
import oidc_provider_mock
import pytest

from tests.api.access.conftest import GuardedServer, served
from tidewheel.runtime.settings import Settings
from tidewheel.services.access.identity import IdentityOptions
from tidewheel.values.access import Grant, Role

pytestmark = pytest.mark.xdist_group("access-oidc")


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with oidc_provider_mock.run_server_in_thread() as running:
        yield f"http://localhost:{running.server_port}"


@pytest.fixture(scope="module")
def server(provider: str) -> Iterator[GuardedServer]:
    settings = Settings(
        oidc_issuer=provider, oidc_client_id="tidewheel", oidc_client_secret="s3cret", oidc_name_claim="email"
    )
    options = IdentityOptions(is_public=True, oidc_role=Role.LAUNCHER)
    yield from served(settings=settings, identity=options)


def begun(server: GuardedServer, next_path: str = "/runs") -> tuple[str, dict[str, str]]:
    """(address at the provider, cookies to keep)."""
    status, headers, _ = server.request("GET", f"/login/oidc?next={next_path}")
    assert status == 303
    cookie = SimpleCookie(headers["set-cookie"])["tidewheel_oidc"]
    assert cookie["httponly"]
    return headers["location"], {"cookie": f"tidewheel_oidc={cookie.value}"}


def agreed(address: str, subject: str) -> str:
    """The path and query that the provider sends the browser back to, after somebody has logged in there."""
    answer = httpx.post(address, data={"sub": subject})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"


def session_of(headers: dict[str, str]) -> str:
    return re.search(r"tidewheel_session=([^;]+)", headers["set-cookie"]).group(1)


def logged_in(server: GuardedServer, subject: str) -> dict:
    address, kept = begun(server)
    status, headers, body = server.request("GET", agreed(address, subject), None, kept)
    assert (status, headers.get("location")) == (303, "/runs"), body
    return server.rest("GET", "/whoami", cookie=f"tidewheel_session={session_of(headers)}")[1]


def test_the_way_to_the_provider_is_bound_to_this_browser(server: GuardedServer) -> None:
    query = {key: values[0] for key, values in parse_qs(urlsplit(begun(server)[0]).query).items()}
    assert query["response_type"] == "code" and query["code_challenge_method"] == "S256"
    assert query["redirect_uri"].endswith("/login/oidc/callback")
    assert len(query["state"]) > 30 and len(query["nonce"]) > 30


def test_somebody_new_gets_the_role_for_newcomers_and_stays_the_same_person(server: GuardedServer) -> None:
    who = logged_in(server, "ana@example.org")
    assert who == {"name": who["name"], "via": "session", "grants": [{"role": "launcher"}]}
    assert logged_in(server, "ana@example.org")["name"] == who["name"]
    assert (
        len([u for u in server.ledger.access.get_users() if "ana@example.org" in (u.oidc_subject or "")]) == 1
    )
    [entry] = server.audit(operation="log_in", limit=1)
    assert entry.what["with"] == "oidc" and entry.user == "ana@example.org"
    assert [f"user {who['name']}" in (one.after or {}) for one in server.audit(user="ana@example.org")].count(
        True
    ) == 1


def test_a_name_that_somebody_else_has_is_not_taken_over(server: GuardedServer) -> None:
    server.add_user("boss@example.org", Grant(role=Role.ADMIN), password="a long password")
    who = logged_in(server, "boss@example.org")
    assert who["name"] != "boss@example.org" and who["grants"] == [{"role": "launcher"}]


def test_an_answer_that_this_browser_did_not_begin_is_refused(server: GuardedServer) -> None:
    address, kept = begun(server)
    _, other = begun(server)
    back = agreed(address, "eve@example.org")
    for headers in ({}, other, {"cookie": "tidewheel_oidc=x"}):
        status, answered, _ = server.request("GET", back, None, headers)
        assert status == 403 and "tidewheel_session=" not in answered.get("set-cookie", "")
    assert server.request("GET", back.replace("state=", "state=x"), None, kept)[0] == 403
    assert server.request("GET", "/login/oidc/callback?error=access_denied", None, kept)[0] == 403


def test_a_code_works_once(server: GuardedServer) -> None:
    address, kept = begun(server)
    back = agreed(address, "ana@example.org")
    assert server.request("GET", back, None, kept)[0] == 303
    assert server.request("GET", back, None, kept)[0] == 403


def test_without_a_role_for_newcomers_they_are_refused(provider: str) -> None:
    settings = Settings(oidc_issuer=provider, oidc_client_id="tidewheel", oidc_client_secret="s3cret")
    for server in served(settings=settings, identity=IdentityOptions(is_public=True)):
        address, kept = begun(server)
        status, _, page = server.request("GET", agreed(address, "new@example.org"), None, kept)
        assert status == 403 and b"an admin can add them" in page


def test_a_provider_that_does_not_answer_is_said_on_the_page() -> None:
    settings = Settings(oidc_issuer="http://127.0.0.1:9", oidc_client_id="tidewheel")
    for server in served(settings=settings, identity=IdentityOptions(is_public=True)):
        status, _, page = server.request("GET", "/login/oidc")
        assert status == 502 and b"does not answer" in page and b"Traceback" not in page
