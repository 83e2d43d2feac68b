"""Remembers servers that people work with: address and token under a name, in a file that only they can read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

import msgspec

from tidewheel.errors import InvalidConfigError, InvalidInvocationError, did_you_mean

SERVER_VARIABLE = "TIDEWHEEL_SERVER"
TOKEN_VARIABLE = "TIDEWHEEL_TOKEN"
FILE_VARIABLE = "TIDEWHEEL_PROFILES"


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A server and the token to use there."""

    server: str
    token: Optional[str] = None


def profiles_file(environ: Mapping[str, str] | None = None) -> Path:
    """Where profiles are kept."""
    environ = os.environ if environ is None else environ
    if given := environ.get(FILE_VARIABLE):
        return Path(given)
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tidewheel" / "profiles.json"


def load_profiles(path: Path) -> dict[str, Profile]:
    """By name.

    Raises:
        InvalidConfigError: when the file is not one of profiles.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Profile])
    except FileNotFoundError:
        return {}
    except msgspec.MsgspecError as exc:
        raise InvalidConfigError(f"expected profiles in {path}, got: {exc}", []) from exc


def save_profiles(path: Path, profiles: Mapping[str, Profile]) -> None:
    """Write the file whole or not at all, readable for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(dict(profiles)), indent=2))
    temporary.replace(path)


def resolve_server(wanted: str, environ: Mapping[str, str] | None = None) -> Profile:
    """The server of an address or a profile's name, and the token: of the environment, else of the profile.

    Raises:
        InvalidInvocationError: when it is neither an address nor a known name.
    """
    environ = os.environ if environ is None else environ
    profiles = load_profiles(profiles_file(environ))
    if "://" in wanted:
        address = wanted.rstrip("/")
        if not address.startswith(("http://", "https://")):
            raise InvalidInvocationError(f"expected --server http(s)://HOST[:PORT], got {wanted!r}")
        found = next(
            (known for known in profiles.values() if known.server == address), Profile(server=address)
        )
    elif wanted in profiles:
        found = profiles[wanted]
    else:
        raise InvalidInvocationError(
            f"expected the address of a server or the name of a profile, got {wanted!r}; "
            f"{did_you_mean(wanted, profiles)}; make one: tidewheel login URL --profile {wanted}"
        )
    token = environ.get(TOKEN_VARIABLE)
    return msgspec.structs.replace(found, token=token) if token else found
