"""The commands ``tidewheel token``."""

from __future__ import annotations

from pathlib import Path

import click

from tidewheel.cli.groups import SuggestingGroup
from tidewheel.cli.options import home_option, json_option
from tidewheel.cli.output import moment, note, print_json, print_own_secret, print_table, say, say_own_secret
from tidewheel.runtime.deferred import deferred

open_home = deferred("tidewheel.cli.home", "open_home")
accounts_of = deferred("tidewheel.cli.accounts_access", "accounts_of")
parse_grants = deferred("tidewheel.cli.accounts_access", "parse_grants")


@click.group("token", cls=SuggestingGroup)
def command() -> None:
    """Make, list and revoke tokens for programs."""


@command.command("create")
@click.argument("label")
@click.option("--user", help="Whose token it is; needed when there are several users.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="ROLE[@location=A;group=B]",
    help="Less than the user may do. May be given several times.",
)
@click.option(
    "--expires-in-days", type=click.FloatRange(0, 3650, min_open=True), default=90, show_default=True
)
@click.option("--never-expires", is_flag=True)
@home_option
@json_option
def create(
    label: str,
    user: str | None,
    roles: tuple[str, ...],
    expires_in_days: float,
    never_expires: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """Make a token; LABEL says what it is for. It is shown this once, on standard output."""
    limits = parse_grants(roles) or None
    lifetime = None if never_expires else expires_in_days
    with open_home(home) as opened:
        made = accounts_of(opened).create_token(user, label, limits, lifetime)
        if as_json:
            print_own_secret(made)
            return
        until = f"until {moment(made['expires_at'])}" if made["expires_at"] else "for ever"
        note(f"Token {made['token_id']} of {made['user']}, valid {until}. It cannot be shown again:")
        say_own_secret(made["token"])


@command.command("list")
@click.option("--user", help="Only this user's tokens.")
@home_option
@json_option
def list_tokens(user: str | None, home: Path | None, as_json: bool) -> None:
    """Tokens, when they end and when they were used last."""
    with open_home(home) as opened:
        tokens = accounts_of(opened).tokens(user)
        if as_json:
            print_json(tokens)
            return
        rows = [
            (
                token["token_id"],
                token["user"],
                token["label"],
                " ".join(token["limits"] or ["as its user"]),
                "revoked" if token["revoked_at"] else moment(token["expires_at"]) or "never",
                moment(token["last_used_at"]) or "never",
            )
            for token in tokens
        ]
        headings = ("TOKEN", "USER", "LABEL", "MAY", "ENDS", "USED")
        print_table(headings, rows, empty="No tokens.")


@command.command("revoke")
@click.argument("token_id")
@home_option
@json_option
def revoke(token_id: str, home: Path | None, as_json: bool) -> None:
    """End a token at once."""
    with open_home(home) as opened:
        token = accounts_of(opened).revoke_token(token_id)
        if as_json:
            print_json(token)
        else:
            say(f"token {token['token_id']} ({token['label']}) of {token['user']} is revoked")
