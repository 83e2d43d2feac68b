"""Changes of a home's ledger by its owner's commands: who they are, what they are about, and their place in the audit."""

from __future__ import annotations

import getpass
import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from tidewheel.logic.access.entries import kept
from tidewheel.logic.access.operations import LEDGER_OPERATIONS
from tidewheel.runtime.masking import known_secrets
from tidewheel.storage.audited import Change, audited
from tidewheel.storage.ports.ledger import LedgerPort
from tidewheel.values.access import LOCAL, NewAudit, Principal, Target, TokenRecord, UserRecord

SURFACE = "cli"
TARGETS = {"run_id": "run", "trigger_id": "trigger", "asset": "asset", "backfill_id": "backfill"}


def local_principal() -> Principal:
    """The system's user, who may do everything with a home of theirs."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = LOCAL.name  # a user id without a name, as in some containers
    return msgspec.structs.replace(LOCAL, name=name)


def targets_in(method: str, arguments: Mapping[str, Any]) -> list[Target]:
    """What a method of the ledger or the control is about, by its arguments' names."""
    found = [
        Target(kind=kind, name=arguments[key])
        for key, kind in TARGETS.items()
        if isinstance(arguments.get(key), str)
    ]
    for value in arguments.values():
        if isinstance(value, UserRecord):
            found.append(Target(kind="user", name=value.name))
        elif isinstance(value, TokenRecord):
            found.append(Target(kind="token", name=value.token_id))
    if method.startswith("pools.") and isinstance(arguments.get("name"), str):
        found.append(Target(kind="pool", name=arguments["name"]))
    return found


class AuditedLedger:
    """A ledger whose changes by commands are in its audit, each in the transaction of the change itself."""

    def __init__(self, whole: Any, clock: Callable[[], float], prefix: str = "") -> None:
        self._whole = whole
        self._clock = clock
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._whole, name)
        operation = LEDGER_OPERATIONS.get(self._prefix + name)
        if operation is not None:
            found = self._audited(found, self._prefix + name, operation)
        elif not self._prefix and f"{name}." in _PREFIXES:
            found = AuditedLedger(found, self._clock, f"{name}.")
        self.__dict__[name] = found
        return found

    def _audited(self, method: Callable[..., Any], name: str, operation: str) -> Callable[..., Any]:
        signature = inspect.signature(method)

        def call(*args: Any, **kwargs: Any) -> Any:
            arguments = signature.bind(*args, **kwargs).arguments
            who = local_principal()
            entry = NewAudit(
                at=self._clock(),
                user=who.name,
                via=who.via,
                operation=operation,
                surface=SURFACE,
                what=kept({"change": name, **arguments}, known_secrets()) or {},
            )
            targets = targets_in(name, arguments)
            with audited(Change(entry, targets, clock=self._clock, known=known_secrets())):
                return method(*args, **kwargs)

        return call


_PREFIXES = {name.partition(".")[0] + "." for name in LEDGER_OPERATIONS if "." in name}


def audited_ledger(ledger: LedgerPort, clock: Callable[[], float]) -> LedgerPort:
    """A ledger that commands change directly, because no server serves its home."""
    return cast(LedgerPort, AuditedLedger(ledger, clock))
