"""Ready-made sensors that tell people of failed runs: by e-mail, or by a webhook such as those of chat systems."""

from __future__ import annotations

import html
import json
import smtplib
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Any, TypeVar

from tidewheel.definitions.triggers.run_status_sensors import RunStatusSensorDefinition, run_failure_sensor
from tidewheel.definitions.triggers.sensors import DefaultSensorStatus
from tidewheel.errors import InvalidDefinitionError, ParameterCheckError, TidewheelError
from tidewheel.values.policies import TriggerPolicy
from tidewheel.values.run_titles import run_title

T = TypeVar("T")

SSL = "SSL"
STARTTLS = "STARTTLS"
PLAIN = "PLAIN"
"""No encryption; for a mail relay on the same machine."""
DEFAULT_PORTS = {SSL: 465, STARTTLS: 587, PLAIN: 25}

ATTEMPTS = 3
PAUSE_S = 1.0
TIMEOUT_S = 10.0


class NoticeError(TidewheelError):
    """A notice of a failed run could not be sent."""


def failure_subject(context: Any) -> str:
    """The default subject of an e-mail about a failed run."""
    return f"Run failed: {_title(context)}"


def failure_body(context: Any) -> str:
    """The default text of an e-mail about a failed run, as HTML."""
    lines = [
        f"The run of {_title(context)} has failed.",
        f"Run: {context.dagster_run.run_id}",
        f"Error: {_message(context)}",
    ]
    return "<br>\n".join(html.escape(line) for line in lines)


def failure_payload(context: Any) -> dict[str, Any]:
    """The default payload of a webhook about a failed run: a text, in the shape that chat systems take."""
    return {"text": f"Run of {_title(context)} failed ({context.dagster_run.run_id}): {_message(context)}"}


def make_email_on_run_failure_sensor(
    email_from: str,
    email_password: str | None,
    email_to: Sequence[str],
    email_body_fn: Callable[[Any], str] = failure_body,
    email_subject_fn: Callable[[Any], str] = failure_subject,
    smtp_host: str = "smtp.gmail.com",
    smtp_type: str = SSL,
    smtp_port: int | None = None,
    smtp_user: str | None = None,
    name: str | None = None,
    webserver_base_url: str | None = None,
    monitored_jobs: Sequence[Any] | None = None,
    job_selection: Sequence[Any] | None = None,
    monitor_all_code_locations: bool = False,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    monitor_all_repositories: bool = False,
    policy: TriggerPolicy | None = None,
) -> RunStatusSensorDefinition:
    """A sensor that sends an e-mail for each run that fails.

    Args:
        email_from: the sender.
        email_password: of the mail account; None: no login.
        email_to: the recipients.
        email_body_fn: gives the text (HTML) of the sensor's context.
        email_subject_fn: gives the subject.
        smtp_host: the mail server.
        smtp_type: ``"SSL"``, ``"STARTTLS"``, or ``"PLAIN"`` for a relay on the same machine.
        smtp_port: by default that of the type.
        smtp_user: by default the sender.
        name: the sensor's name.
        webserver_base_url: the web page's address, for a link to the run.
        monitored_jobs: as for ``run_failure_sensor``; ``job_selection`` is its older name.
        monitor_all_code_locations: jobs of other code locations too; ``monitor_all_repositories`` is its older name.
        default_status: whether it runs before a person says anything.
        policy: as for ``run_failure_sensor``.

    Raises:
        InvalidDefinitionError: when there is no recipient, or the type is none of the three.
    """
    recipients = _recipients(email_to)
    if smtp_type not in DEFAULT_PORTS:
        raise InvalidDefinitionError(
            f"expected smtp_type as one of {sorted(DEFAULT_PORTS)}, got {smtp_type!r}; mail servers tell which they want"
        )
    port = smtp_port or DEFAULT_PORTS[smtp_type]
    user = smtp_user or email_from

    def notify(context: Any) -> None:
        message = EmailMessage()
        message["From"] = email_from
        message["To"] = ", ".join(recipients)
        message["Subject"] = " ".join(email_subject_fn(context).split())
        link = run_link(webserver_base_url, context.dagster_run.run_id)
        anchor = f'\n<p><a href="{html.escape(link)}">Show the run</a></p>' if link else ""
        message.set_content(email_body_fn(context) + anchor, subtype="html")
        repeatedly(
            lambda: _send(message, smtp_host, port, smtp_type, user, email_password),
            f"mail server {smtp_host}",
        )

    return _sensor(
        notify,
        name or "email_on_run_failure",
        monitored_jobs if monitored_jobs is not None else job_selection,
        monitor_all_code_locations or monitor_all_repositories,
        default_status,
        policy,
    )


def make_webhook_on_run_failure_sensor(
    url: str,
    *,
    payload_fn: Callable[[Any], Mapping[str, Any]] = failure_payload,
    headers: Mapping[str, str] | None = None,
    name: str | None = None,
    webserver_base_url: str | None = None,
    monitored_jobs: Sequence[Any] | None = None,
    monitor_all_code_locations: bool = False,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    policy: TriggerPolicy | None = None,
) -> RunStatusSensorDefinition:
    """A sensor that posts JSON to an address for each run that fails; by default ``{"text": ...}``, as chat systems take it.

    Args:
        url: where to.
        payload_fn: gives the JSON object of the sensor's context.
        headers: further headers, such as ``Authorization``.
        name: the sensor's name.
        webserver_base_url: the web page's address; a link to the run is then added to a default payload.
        monitored_jobs: as for ``run_failure_sensor``.
        monitor_all_code_locations: jobs of other code locations too.
        default_status: whether it runs before a person says anything.
        policy: as for ``run_failure_sensor``.

    Raises:
        InvalidDefinitionError: when the address is none.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidDefinitionError(f"expected url to begin with http:// or https://, got {url!r}")

    def notify(context: Any) -> None:
        payload = dict(payload_fn(context))
        link = run_link(webserver_base_url, context.dagster_run.run_id)
        if link and payload_fn is failure_payload:
            payload["text"] += f"\n{link}"
        repeatedly(lambda: _post(url, payload, headers or {}), f"webhook of {parts.netloc}")

    return _sensor(
        notify,
        name or "webhook_on_run_failure",
        monitored_jobs,
        monitor_all_code_locations,
        default_status,
        policy,
    )


def run_link(webserver_base_url: str | None, run_id: str) -> str | None:
    """The address of a run's page, if that of the web page is known."""
    return f"{webserver_base_url.rstrip('/')}/runs/{run_id}" if webserver_base_url else None


def repeatedly(send: Callable[[], T], what: str) -> T:
    """What ``send`` gives; tried again when the other side cannot be reached or is busy.

    Raises:
        NoticeError: when it was refused, or all attempts have failed.
    """
    for attempt in range(ATTEMPTS):
        try:
            return send()
        except urllib.error.HTTPError as exc:
            failure: Exception = exc
            is_final = exc.code < 500 and exc.code != 429
        except smtplib.SMTPResponseException as exc:
            failure, is_final = exc, exc.smtp_code >= 500
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPNotSupportedError) as exc:
            failure, is_final = exc, True
        except ssl.SSLError as exc:
            failure, is_final = exc, True
        except (OSError, smtplib.SMTPException) as exc:
            failure, is_final = exc, False
        if is_final or attempt == ATTEMPTS - 1:
            raise NoticeError(f"expected the {what} to take the notice, got {failure!r}") from failure
        time.sleep(PAUSE_S * 2**attempt)
    raise AssertionError("the loop above returns or raises")


def _sensor(
    notify: Callable[[Any], None],
    name: str,
    monitored_jobs: Sequence[Any] | None,
    everywhere: bool,
    default_status: DefaultSensorStatus,
    policy: TriggerPolicy | None,
) -> RunStatusSensorDefinition:
    decorate = run_failure_sensor(
        name=name,
        monitored_jobs=monitored_jobs,
        monitor_all_code_locations=everywhere,
        default_status=default_status,
        policy=policy,
    )
    return decorate(notify)  # type: ignore[no-any-return]


def _recipients(email_to: Any) -> list[str]:
    if isinstance(email_to, str) or not isinstance(email_to, Sequence):
        raise ParameterCheckError(
            f"expected email_to as a list of addresses, got {email_to!r}; write [{email_to!r}]"
        )
    if not email_to:
        raise InvalidDefinitionError("expected email_to with at least one address, got none")
    return list(email_to)


def _title(context: Any) -> str:
    """The job, or the assets of a run without one."""
    run = context.dagster_run
    assets = sorted(key.to_user_string() for key in getattr(run, "asset_selection", None) or ())
    return run_title(run.job_name, assets)


def _message(context: Any) -> str:
    return getattr(context.failure_event, "message", None) or "no reason is known"


def _send(message: EmailMessage, host: str, port: int, kind: str, user: str, password: str | None) -> None:
    if kind == SSL:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, port, timeout=TIMEOUT_S, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    with server:
        if kind == STARTTLS:
            server.starttls(context=ssl.create_default_context())
        if password is not None:
            server.login(user, password)
        server.send_message(message)


def _post(url: str, payload: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    request = urllib.request.Request(
        url,
        data=json.dumps(payload).encode(),
        headers={"Content-Type": "application/json", **headers},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):
        pass
