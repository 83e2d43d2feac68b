"""Tells people outside: by whatever messaging services apprise knows (e-mail, Slack, webhooks, and many more)."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Sequence

from tidewheel.errors import NotSupportedError

logger = logging.getLogger("tidewheel.alerts")

PING_TIMEOUT_S = 10.0


class Alerter:
    """Sends messages and signs of life. What fails is logged and forgotten: the watchdog repeats lasting troubles."""

    def send(self, addresses: Sequence[str], title: str, body: str) -> bool:
        """Send a message to every address; whether all took it. Addresses are apprise's URLs."""
        sender = _sender(addresses)
        sent = bool(sender.notify(title=title, body=body))
        if not sent:
            logger.warning("an alert could not be sent to all of its %d address(es)", len(addresses))
        return sent

    def ping(self, url: str) -> bool:
        """Ask for a page, as a sign of life; whether it answered."""
        try:
            with urllib.request.urlopen(url, timeout=PING_TIMEOUT_S) as answer:
                return bool(200 <= answer.status < 400)
        except OSError as exc:
            logger.warning("the sign of life was not taken: %s", exc)
            return False


def check_addresses(addresses: Sequence[str]) -> list[str]:
    """The addresses that apprise cannot read, each hidden but for its scheme.

    Raises:
        NotSupportedError: when apprise is not installed.
    """
    return [f"{address.partition('://')[0]}://…" for address in addresses if not len(_sender([address]))]


def _sender(addresses: Sequence[str]):  # type: ignore[no-untyped-def]
    try:
        import apprise  # noqa: PLC0415 - takes 0.2 s to load; only those who are told something need it
    except ModuleNotFoundError as exc:
        raise NotSupportedError(
            "expected the package apprise for alerts, got none; install it: pip install 'tidewheel[alerts]'"
        ) from exc
    sender = apprise.Apprise()
    for address in addresses:
        sender.add(address)
    return sender
