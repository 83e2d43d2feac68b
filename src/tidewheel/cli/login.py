"""The command ``tidewheel login``: remembers a server and a token for it under a name."""

from __future__ import annotations

import platform
from typing import Any

import click

from tidewheel.cli.output import say
from tidewheel.cli.users import ask_password, password_stdin
from tidewheel.runtime.deferred import deferred

load_profiles = deferred("tidewheel.runtime.remote.profiles", "load_profiles")
save_profiles = deferred("tidewheel.runtime.remote.profiles", "save_profiles")
profiles_file = deferred("tidewheel.runtime.remote.profiles", "profiles_file")
Profile = deferred("tidewheel.runtime.remote.profiles", "Profile")
RestClient = deferred("tidewheel.runtime.remote.rest_client", "RestClient")


@click.command("login")
@click.argument("url")
@click.option(
    "--profile", "name", default="default", show_default=True, help="Name to remember the server by."
)
@click.option("--user", help="Log in with a password; a token of 30 days is made for this machine.")
@click.option("--token", help="Use this token. [env: TIDEWHEEL_TOKEN]", envvar="TIDEWHEEL_TOKEN")
@password_stdin
def command(url: str, name: str, user: str | None, token: str | None, password_stdin: bool) -> None:
    """Log in to the server at URL. Afterwards: tidewheel run list --server PROFILE."""
    address = url.rstrip("/")
    if user is not None:
        body = {
            "name": user,
            "password": ask_password(password_stdin, again=False),
            "label": f"login on {platform.node() or 'a machine'}",
        }
        made: dict[str, Any] = RestClient(Profile(server=address)).send(
            "POST", "/login", body, dict[str, Any]
        )
        token = made["token"]
    elif token is None:
        token = click.prompt("Token", hide_input=True)
    profile = Profile(server=address, token=token)
    who = RestClient(profile).get("/whoami", dict[str, Any])
    path = profiles_file()
    save_profiles(path, {**load_profiles(path), name: profile})
    roles = ", ".join(grant["role"] for grant in who["grants"])
    say(f"{who['name']} ({roles}) on {address}; remembered as {name!r} in {path}")
