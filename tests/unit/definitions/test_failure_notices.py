"""Notices go to real mail and web servers of this machine, made of the standard library."""

from __future__ import annotations

import base64
import email
import json
import smtplib
import socketserver
import ssl
import subprocess
import threading
import urllib.error
from collections.abc import Generator, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import tidewheel as tw
from tidewheel.definitions.triggers import failure_notices
from tidewheel.definitions.triggers.failure_notices import (
    PLAIN,
    SSL,
    STARTTLS,
    NoticeError,
    make_email_on_run_failure_sensor,
    make_webhook_on_run_failure_sensor,
)
from tidewheel.definitions.triggers.run_status_sensors import RunStatusSensorDefinition
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError

CONTEXT = SimpleNamespace(
    dagster_run=SimpleNamespace(job_name="nightly <x>", run_id="r-1"),
    failure_event=SimpleNamespace(message="step 'a' & more failed"),
)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failure_notices, "PAUSE_S", 0.0)


def send(sensor: RunStatusSensorDefinition) -> None:
    assert sensor.function.call(CONTEXT) is None


# -- mail -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = str(folder / "key.pem"), str(folder / "cert.pem")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    try:
        subprocess.run([*command.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("the program openssl is not installed")
    return cert, key


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks enough SMTP to take mails; ``refusals`` are answers to the next commands MAIL."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, kind: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(("localhost", 0), MailSession)
        self.kind = kind
        self.tls = tls
        self.mails: list[tuple[str, list[str], Message]] = []
        self.logins: list[str] = []
        self.was_encrypted: list[bool] = []
        self.refusals: list[str] = []

    def handle_error(self, *_: Any) -> None:
        """A client that does not trust us hangs up."""


class MailSession(socketserver.StreamRequestHandler):
    server: MailServer
    encrypted = False

    def setup(self) -> None:
        if self.server.kind == SSL:
            self.encrypt()
        super().setup()

    def encrypt(self) -> None:
        assert self.server.tls is not None
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.encrypted = True

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def lines(self) -> Iterator[str]:
        while line := self.rfile.readline():
            yield line.decode().rstrip("\r\n")

    def handle(self) -> None:
        self.say("220 here")
        sender, recipients = "", []
        for line in self.lines():
            word = line.split(" ")[0].upper()
            if word == "EHLO":
                offers = [] if self.encrypted or self.server.kind != STARTTLS else ["250-STARTTLS"]
                for offer in ["250-hello", *offers, "250 AUTH PLAIN"]:
                    self.say(offer)
            elif word == "STARTTLS":
                self.say("220 go")
                self.encrypt()
                super().setup()
            elif word == "AUTH":
                self.server.logins.append(base64.b64decode(line.split(" ")[2]).decode())
                self.say("235 welcome")
            elif word == "MAIL":
                if self.server.refusals:
                    self.say(self.server.refusals.pop(0))
                    continue
                sender, recipients = line.split("<")[1].split(">")[0], []
                self.say("250 ok")
            elif word == "RCPT":
                recipients.append(line.split("<")[1].split(">")[0])
                self.say("250 ok")
            elif word == "DATA":
                self.say("354 go on")
                text = []
                for part in self.lines():
                    if part == ".":
                        break
                    text.append(part)
                self.server.mails.append(
                    (sender, recipients, email.message_from_bytes("\n".join(text).encode()))
                )
                self.server.was_encrypted.append(self.encrypted)
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


@pytest.fixture
def mail_server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Generator[MailServer, None, None]:
    kind = getattr(request, "param", PLAIN)
    tls = None
    if kind != PLAIN:
        cert, key = request.getfixturevalue("certificate")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        monkeypatch.setenv("SSL_CERT_FILE", cert)
    with MailServer(kind, tls) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def mail_sensor(server: MailServer, **kwargs: Any) -> RunStatusSensorDefinition:
    given: dict[str, Any] = {
        "email_from": "us@example.org",
        "email_password": "secret",
        "email_to": ["a@example.org", "b@example.org"],
        "smtp_host": "localhost",
        "smtp_type": server.kind,
        "smtp_port": server.server_address[1],
    }
    return make_email_on_run_failure_sensor(**{**given, **kwargs})


@pytest.mark.parametrize("mail_server", [SSL, STARTTLS, PLAIN], indirect=True)
def test_a_mail_is_sent(mail_server: MailServer) -> None:
    send(mail_sensor(mail_server, webserver_base_url="http://host:3000/"))
    ((sender, recipients, message),) = mail_server.mails
    assert (sender, recipients) == ("us@example.org", ["a@example.org", "b@example.org"])
    assert message["Subject"] == "Run failed: nightly <x>"
    assert message["To"] == "a@example.org, b@example.org"
    assert message.get_content_type() == "text/html"
    body = message.get_payload(decode=True).decode()
    assert "nightly &lt;x&gt;" in body
    assert "step &#x27;a&#x27; &amp; more failed" in body
    assert 'href="http://host:3000/runs/r-1"' in body
    assert mail_server.logins == ["\0us@example.org\0secret"]
    assert mail_server.was_encrypted == [mail_server.kind != PLAIN]


def test_subject_body_and_user_of_ones_own(mail_server: MailServer) -> None:
    send(
        mail_sensor(
            mail_server,
            email_body_fn=lambda context: f"<b>{context.dagster_run.run_id}</b> ü",
            email_subject_fn=lambda _context: "one\ntwo: x",
            smtp_user="robot",
        )
    )
    message = mail_server.mails[0][2]
    assert message["Subject"] == "one two: x"
    assert message.get_payload(decode=True).decode().strip() == "<b>r-1</b> ü"
    assert mail_server.logins == ["\0robot\0secret"]


def test_without_a_password_there_is_no_login(mail_server: MailServer) -> None:
    send(mail_sensor(mail_server, email_password=None))
    assert len(mail_server.mails) == 1
    assert mail_server.logins == []


def test_a_busy_server_is_tried_again(mail_server: MailServer) -> None:
    mail_server.refusals = ["421 busy", "450 busy"]
    send(mail_sensor(mail_server))
    assert len(mail_server.mails) == 1


def test_a_refusal_is_final(mail_server: MailServer) -> None:
    mail_server.refusals = ["550 never"]
    with pytest.raises(NoticeError, match="mail server localhost") as caught:
        send(mail_sensor(mail_server))
    assert isinstance(caught.value.__cause__, smtplib.SMTPSenderRefused)
    assert mail_server.mails == []


@pytest.mark.parametrize("mail_server", [SSL], indirect=True)
def test_a_certificate_that_is_not_trusted_is_refused(
    mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NoticeError, match="certificate verify failed"):
        send(mail_sensor(mail_server))


def test_a_server_that_is_not_there() -> None:
    sensor = make_email_on_run_failure_sensor(
        "a@b", "p", ["c@d"], smtp_host="localhost", smtp_type=PLAIN, smtp_port=1
    )
    with pytest.raises(NoticeError, match="ConnectionRefused"):
        send(sensor)


@pytest.mark.parametrize(
    ("kwargs", "error"),
    [
        ({"smtp_type": "FOO"}, InvalidDefinitionError),
        ({"email_to": "c@d"}, ParameterCheckError),
        ({"email_to": []}, InvalidDefinitionError),
    ],
)
def test_wrong_mail_sensors(kwargs: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        make_email_on_run_failure_sensor(
            **{"email_from": "a@b", "email_password": "p", "email_to": ["c@d"], **kwargs}
        )


# -- webhooks ---------------------------------------------------------------------------------------------------------


class Hook(BaseHTTPRequestHandler):
    server: HookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((dict(self.headers), json.loads(body)))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


class HookServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("localhost", 0), Hook)
        self.posts: list[tuple[dict[str, str], Any]] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_address[1]}/hook"


@pytest.fixture
def hook_server() -> Generator[HookServer, None, None]:
    with HookServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_hook_is_called(hook_server: HookServer) -> None:
    sensor = make_webhook_on_run_failure_sensor(
        hook_server.url, webserver_base_url="http://host", headers={"Authorization": "Bearer t"}
    )
    send(sensor)
    ((headers, payload),) = hook_server.posts
    assert payload == {
        "text": "Run of nightly <x> failed (r-1): step 'a' & more failed\nhttp://host/runs/r-1"
    }
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer t"


def test_a_payload_of_ones_own(hook_server: HookServer) -> None:
    send(
        make_webhook_on_run_failure_sensor(
            hook_server.url,
            payload_fn=lambda context: {"id": context.dagster_run.run_id},
            webserver_base_url="http://h",
        )
    )
    assert hook_server.posts[0][1] == {"id": "r-1"}


def test_a_busy_hook_is_tried_again(hook_server: HookServer) -> None:
    hook_server.answers = [503, 429, 200]
    send(make_webhook_on_run_failure_sensor(hook_server.url))
    assert len(hook_server.posts) == 3


@pytest.mark.parametrize(("answers", "posts"), [([404], 1), ([500, 502, 503], 3)])
def test_a_hook_that_does_not_take_it(hook_server: HookServer, answers: list[int], posts: int) -> None:
    hook_server.answers = list(answers)
    with pytest.raises(NoticeError, match="webhook of localhost") as caught:
        send(make_webhook_on_run_failure_sensor(hook_server.url))
    assert isinstance(caught.value.__cause__, urllib.error.HTTPError)
    assert len(hook_server.posts) == posts


@pytest.mark.parametrize("url", ["ftp://x/y", "x", "file:///etc/passwd", "http://"])
def test_wrong_addresses(url: str) -> None:
    with pytest.raises(InvalidDefinitionError, match="http"):
        make_webhook_on_run_failure_sensor(url)


# -- definitions ------------------------------------------------------------------------------------------------------


def test_the_definitions() -> None:
    @tw.op
    def o() -> None: ...

    @tw.job
    def j() -> None:
        o()

    mail = make_email_on_run_failure_sensor("a@b", "p", ["c@d"], job_selection=[j])
    hook = make_webhook_on_run_failure_sensor(
        "http://h/x",
        name="to_chat",
        monitor_all_code_locations=True,
        default_status=tw.DefaultSensorStatus.RUNNING,
    )
    assert (mail.name, mail.monitored.jobs, mail.run_status) == (
        "email_on_run_failure",
        ("j",),
        tw.RunStatus.FAILURE,
    )
    assert (hook.name, hook.monitored.all_locations, hook.default_status) == (
        "to_chat",
        True,
        tw.DefaultSensorStatus.RUNNING,
    )
    assert tw.Definitions(jobs=[j], sensors=[mail, hook]).get_sensor_def("to_chat") is hook


def test_a_failed_run_of_a_job(hook_server: HookServer, tmp_path: Path) -> None:
    from tidewheel.worker.contexts.run_status_context import build_run_failure_sensor_context

    @tw.op
    def fails() -> None:
        raise ValueError("boo")

    @tw.job
    def nightly() -> None:
        fails()

    with tw.Instance.ephemeral() as instance:
        result = nightly.execute_in_process(instance=instance, raise_on_error=False)
        context = build_run_failure_sensor_context(
            sensor_name="s",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        )
        make_webhook_on_run_failure_sensor(hook_server.url)(context)
    assert hook_server.posts[0][1]["text"].startswith(f"Run of nightly failed ({result.run_id})")
