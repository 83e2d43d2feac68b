"""The commands ``tidewheel user``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, print_json, print_table, say
from tidewheel.errors import InvalidInvocationError
from tidewheel.runtime.deferred import deferred

open_home = deferred("tidewheel.cli.home", "open_home")
accounts_of = deferred("tidewheel.cli.accounts_access", "accounts_of")
parse_grants = deferred("tidewheel.cli.accounts_access", "parse_grants")
make_home = deferred("tidewheel.cli.home", "make_home")

password_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input instead of asking for it."
)


@click.group("user", cls=SuggestingGroup)
def command() -> None:
    """Add, list and disable the users of a server."""


@command.command("add")
@click.argument("name")
@click.option(
    "--role",
    "roles",
    multiple=True,
    default=("viewer",),
    show_default=True,
    metavar="ROLE[@location=A;group=B]",
    help="viewer, launcher, editor or admin; for everything or a part. May be given several times.",
)
@click.option("--no-password", is_flag=True, help="They log in through the OIDC provider only.")
@click.option("--oidc-subject", help="Who they are to the OIDC provider: 'ISSUER|SUBJECT'.")
@password_stdin
@home_option
@json_option
def add(
    name: str,
    roles: tuple[str, ...],
    no_password: bool,
    oidc_subject: str | None,
    password_stdin: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """Add a user. As soon as there is one, the server asks everybody to log in."""
    grants = parse_grants(roles)
    password = None if no_password else ask_password(password_stdin, again=True)
    make_home(home)
    with open_home(home) as opened:
        _show(accounts_of(opened).add_user(name, grants, password, oidc_subject), "was added", as_json)


@command.command("list")
@home_option
@json_option
def list_users(home: Path | None, as_json: bool) -> None:
    """All users and what they may do."""
    with open_home(home) as opened:
        users = accounts_of(opened).users()
        if as_json:
            print_json(users)
            return
        rows = [
            (
                user["name"],
                " ".join(user["grants"]),
                "disabled" if user["disabled_at"] else "",
                "password" if user["has_password"] else "OIDC only",
                moment(user["created_at"]),
            )
            for user in users
        ]
        empty = "No users: whoever is on this machine may do everything."
        print_table(("NAME", "ROLES", "STATE", "LOGIN", "ADDED"), rows, empty=empty)


@command.command("disable")
@click.argument("name")
@home_option
@json_option
def disable(name: str, home: Path | None, as_json: bool) -> None:
    """Disable a user: their sessions and tokens end at once."""
    with open_home(home) as opened:
        _show(accounts_of(opened).set_enabled(name, False), "is disabled", as_json)


@command.command("enable")
@click.argument("name")
@home_option
@json_option
def enable(name: str, home: Path | None, as_json: bool) -> None:
    """Enable a user again."""
    with open_home(home) as opened:
        _show(accounts_of(opened).set_enabled(name, True), "is enabled", as_json)


@command.command("passwd")
@click.argument("name")
@password_stdin
@home_option
@json_option
def passwd(name: str, password_stdin: bool, home: Path | None, as_json: bool) -> None:
    """Give a user a new password: their sessions end."""
    password = ask_password(password_stdin, again=True)
    with open_home(home) as opened:
        _show(accounts_of(opened).set_password(name, password), "has a new password", as_json)


def ask_password(from_stdin: bool, *, again: bool) -> str:
    """A password, typed or from standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    try:
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=again)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise InvalidInvocationError(
            "expected a terminal to type the password in, got none; give it on standard input with --password-stdin"
        ) from None
    return typed


def _show(user: dict[str, Any], done: str, as_json: bool) -> None:
    if as_json:
        print_json(user)
    else:
        say(f"user {user['name']} ({' '.join(user['grants'])}) {done}")
