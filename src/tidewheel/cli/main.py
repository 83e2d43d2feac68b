"""The command ``tidewheel``: finds the command's module only when it is called, so that help is quick."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from typing import Any

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.output import say

COMMANDS: dict[str, tuple[str, ...]] = {
    # name: (module, help, what it is called there if not 'command')
    "dev": ("tidewheel.cli.dev", "Run definitions: schedules, sensors, queue and workers, until Ctrl-C."),
    "materialize": ("tidewheel.cli.materialize", "Materialize assets now, in this process or on the server."),
    "launch": ("tidewheel.cli.launch", "Launch a job."),
    "run": ("tidewheel.cli.runs", "List and show runs, read their logs, cancel, repeat and prioritise them."),
    "backfill": ("tidewheel.cli.backfills", "Make many partitions: launch, watch, cancel, retry."),
    "pool": ("tidewheel.cli.pools", "List, set and free the slots of pools."),
    "asset": ("tidewheel.cli.assets", "List and show assets."),
    "schedule": ("tidewheel.cli.schedules", "List, start and stop schedules."),
    "sensor": ("tidewheel.cli.sensors", "List, start, stop and test sensors."),
    "hook": ("tidewheel.cli.hooks", "List, show and replay deliveries to webhook and file sensors."),
    "automation": (
        "tidewheel.cli.automation",
        "Show what conditions look after and plan; answer their plans.",
    ),
    "why": ("tidewheel.cli.why", "Say why an asset was or was not run, and what it waits for."),
    "owed": ("tidewheel.cli.owed", "List and waive what conditions still owe."),
    "tick": ("tidewheel.cli.ticks", "List evaluations of schedules and sensors."),
    "user": ("tidewheel.cli.users", "Add, list and disable users."),
    "token": ("tidewheel.cli.tokens", "Make, list and revoke API tokens."),
    "audit": ("tidewheel.cli.audit", "Show who changed what."),
    "login": ("tidewheel.cli.login", "Remember a server elsewhere and a token for it."),
    "pause": ("tidewheel.cli.pauses", "Pause triggers: everything, or a selection.", "command"),
    "resume": ("tidewheel.cli.pauses", "End pauses of triggers.", "resume_command"),
    "doctor": ("tidewheel.cli.doctor", "Check a home: ledger, server, code, settings."),
}
DATABASE_ERROR = "sqlalchemy.exc.DatabaseError"
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class LazyGroup(SuggestingGroup):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands' names, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or None when there is none of this name."""
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        name = found[2] if len(found) > 2 else "command"
        command: click.Command = getattr(importlib.import_module(found[0]), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text, *_rest) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(package_name="tidewheel", prog_name="tidewheel")
def cli() -> None:
    """Data pipelines that run by themselves.

    Start with: tidewheel dev -f my_pipeline.py
    """


def main(arguments: list[str] | None = None) -> None:
    """Entry of the command: errors made for people are shown as one message, not as a traceback."""
    from tidewheel.errors import TidewheelError  # noqa: PLC0415 - not needed for help

    try:
        code: Any = cli.main(args=arguments, prog_name="tidewheel", standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except TidewheelError as exc:
        say(f"tidewheel: {exc}", err=True)
        sys.exit(EXIT_FAILED)
    except BrokenPipeError:
        # the reader of our output has gone (tidewheel run list | head): nothing to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as exc:
        say(f"tidewheel: {trouble_text(exc)}", err=True)
        sys.exit(EXIT_FAILED)
    except Exception as exc:
        if not _is_database_error(exc):
            raise
        say(f"tidewheel: {database_text(exc)}", err=True)
        sys.exit(EXIT_FAILED)
    sys.exit(code if isinstance(code, int) else 0)


def trouble_text(exc: OSError) -> str:
    """What the operating system refused, and what to do."""
    what = exc.strerror or str(exc)
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "make it writable for this user, or choose another home with --home DIR"
    elif exc.errno == errno.ENOSPC:
        advice = "make room on the disk"
    elif exc.errno == errno.EADDRINUSE:
        advice = "another program listens there: choose another port with --port"
    else:
        advice = "'tidewheel doctor' looks at the home as a whole"
    where = f" at {exc.filename}" if exc.filename else ""
    return f"expected to read and write{where}, got: {what}; {advice}"


def _is_database_error(exc: Exception) -> bool:
    # asked by name: most commands never load SQLAlchemy
    return any(f"{kind.__module__}.{kind.__name__}" == DATABASE_ERROR for kind in type(exc).__mro__)


def database_text(exc: Exception) -> str:
    """What the database said, in one line, and what to do."""
    cause = getattr(exc, "orig", None) or exc
    said = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    return f"expected the ledger to answer, got: {said}; 'tidewheel doctor' checks it"


if __name__ == "__main__":
    main()
