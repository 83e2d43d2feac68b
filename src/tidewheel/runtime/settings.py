"""Settings of a home: read from ``tidewheel.toml`` and the environment, checked, with defaults for everything."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, get_args, get_origin

import msgspec

from tidewheel.errors import ConfigProblem, HomeNotSetError, InvalidConfigError, did_you_mean
from tidewheel.logic.planning.admission import QueueShares, TagLimit

SETTINGS_FILE = "tidewheel.toml"
HOME_VARIABLE = "TIDEWHEEL_HOME"
PREFIX = "TIDEWHEEL_"

Count = Annotated[int, msgspec.Meta(ge=0)]
AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Days = Annotated[float, msgspec.Meta(ge=0)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Url = Annotated[str, msgspec.Meta(pattern=r"^(sqlite|postgres(ql)?(\+\w+)?)://")]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set for a home. Durations are in the unit of their name; None is no limit, or for ever."""

    storage_url: Optional[Url] = None
    """Where the ledger is, e.g. ``postgresql://...``; None: SQLite in the home folder."""

    max_concurrent_runs: Annotated[int, msgspec.Meta(ge=-1)] = 10
    """Runs in progress at once; -1: unlimited."""
    tag_limits: tuple[TagLimit, ...] = ()
    """Runs in progress at once that have a tag; tables of ``key``, ``limit``, and ``value`` or ``per_value``."""

    queue_shares: QueueShares = QueueShares()
    """By which weights ``schedule``, ``event``, ``backfill`` and ``manual`` runs share the slots."""
    default_pool_slots: Optional[Count] = None
    """Steps at once in a pool that no limit was set for; None: no limit."""
    pool_granularity: Literal["op", "run"] = "op"
    """Whether a full pool holds back runs that could begin with nothing else, or all that have a step in it."""

    run_retries_enabled: bool = True
    max_retries: Count = 0
    """How often a failed run is tried again that says nothing itself."""
    retry_on_step_failure: bool = True
    """Whether runs are tried again that failed because a step did."""
    lost_worker_retries: Count = 1
    """How often a run is tried again whose worker was lost; also when retries are not enabled."""

    start_method: Literal["auto", "fork", "spare"] = "auto"
    """Where workers come from: forked from the warm code location, or from a stock of spare processes."""
    spare_stock: Count = 1
    start_timeout_s: Seconds = 180.0
    silence_timeout_s: Seconds = 60.0
    cancel_timeout_s: Seconds = 30.0
    max_runtime_s: Optional[Seconds] = None

    evaluation_timeout_s: Seconds = 60.0
    """How long a schedule's or sensor's function may take."""

    chatter_retention_days: Optional[Days] = 30.0
    """For how long logs and step events are kept."""
    tick_retention_days: Optional[Days] = 7.0
    """For how long ticks are kept that did nothing."""
    inbox_retention_days: Optional[Days] = 30.0
    """For how long deliveries are kept once they have been handed over; repeated ones are known for as long."""

    event_batch_size: AtLeastOne = 500
    """Events after which a worker sends a batch."""
    event_batch_wait_s: Seconds = 0.05
    """Time after which a worker sends a batch that is not full."""

    host: str = "127.0.0.1"
    port: Port = 3000
    public_url: Optional[str] = None
    """How people reach the web server, for links."""

    log_format: Literal["text", "json"] = "text"
    """Of the server's own log: plain lines, or one JSON object a line."""
    read_only: bool = False
    """Whether the server refuses every change that people ask for; schedules and sensors go on."""
    introspection: bool = True
    """Whether GraphQL clients may read the schema."""
    session_hours: Seconds = 72.0
    """How long somebody stays logged in."""
    oidc_issuer: Optional[str] = None
    """The address of the OpenID Connect provider that people log in with."""
    oidc_client_id: Optional[str] = None
    oidc_client_secret: Optional[str] = None
    oidc_name_claim: str = "preferred_username"
    """What the provider calls people's names."""
    oidc_role: Optional[Literal["viewer", "launcher", "editor", "admin"]] = None
    """The role of those whom the provider vouches for and nobody has added; none: they are refused."""

    alert_addresses: tuple[str, ...] = ()
    """Whom the watchdog tells of troubles: addresses of messaging services as apprise writes them."""
    alert_ping_url: Optional[str] = None
    """A page asked for every twenty seconds while all duties are alive, for a service that alerts when that stops."""
    alert_late_s: Seconds = 120.0
    """How late a schedule's tick may be before it is a trouble."""
    alert_failures: AtLeastOne = 3
    """After how many failed ticks in a row a trigger is a trouble."""
    alert_queue_stuck_s: Seconds = 900.0
    """How long runs may wait while none is in progress."""
    alert_location_down_s: Seconds = 60.0
    alert_repeat_s: Seconds = 21_600.0
    """After how long people are told again of a trouble that lasts."""


FIELDS = {field.name: field for field in msgspec.structs.fields(Settings)}
SECRET_FIELDS = frozenset({"storage_url", "oidc_client_secret", "alert_addresses", "alert_ping_url"})
"""What must not be shown: addresses may hold passwords."""
_LIMIT_FIELDS = frozenset(field.name for field in msgspec.structs.fields(TagLimit))


def load_settings(
    home: Path | None,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings of a home: defaults, then its file, then the environment, then ``overrides``.

    The variable ``TIDEWHEEL_MAX_CONCURRENT_RUNS`` sets ``max_concurrent_runs``; lists are written as JSON. In the file,
    ``{env = "NAME"}`` stands for the value of a variable. ``environ`` None: that of the process.

    Raises:
        InvalidConfigError: when the file cannot be read or a setting is unknown or wrong; lists every problem.
    """
    environ = os.environ if environ is None else environ
    given = _read_file(home) | _from_environment(environ) | dict(overrides or {})
    problems: list[ConfigProblem] = []
    values: dict[str, Any] = {}
    for name, raw in given.items():
        found = list(_problems_of(name, raw, environ))
        if found:
            problems.extend(found)
        else:
            values[name] = msgspec.convert(_resolved(raw, environ), FIELDS[name].type, strict=False)
    if problems:
        where = f"{home / SETTINGS_FILE} and the environment" if home is not None else "the environment"
        raise InvalidConfigError(f"expected known settings with right values in {where}, got:", problems)
    return Settings(**values)


def find_home(home: str | Path | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """The home folder: the given one, or that of the variable TIDEWHEEL_HOME.

    Raises:
        HomeNotSetError: when neither is given, or the folder does not exist.
    """
    environ = os.environ if environ is None else environ
    text = str(home) if home is not None else environ.get(HOME_VARIABLE, "")
    if not text:
        raise HomeNotSetError(
            f"expected the variable {HOME_VARIABLE} to name a folder, got nothing; set it "
            f"(export {HOME_VARIABLE}=~/tidewheel) or start with 'tidewheel dev', which makes a home by itself"
        )
    path = Path(text).expanduser().absolute()
    if not path.is_dir():
        raise HomeNotSetError(
            f"expected home {path} to be an existing folder, got none; create it: mkdir -p {path}"
        )
    return path


def _read_file(home: Path | None) -> dict[str, Any]:
    path = home / SETTINGS_FILE if home is not None else None
    if path is None or not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InvalidConfigError(f"expected {path} to be a TOML file, got: {exc}", []) from exc


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    named = {name: environ.get(PREFIX + name.upper(), "") for name in FIELDS}
    return {name: _plain(text) for name, text in named.items() if text}


def _plain(text: str) -> Any:
    if text[:1] not in "[{":
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _names_variable(raw: Any) -> bool:
    return isinstance(raw, Mapping) and set(raw) == {"env"}


def _resolved(raw: Any, environ: Mapping[str, str]) -> Any:
    return environ[raw["env"]] if _names_variable(raw) else raw


def _problems_of(name: str, raw: Any, environ: Mapping[str, str]) -> Iterator[ConfigProblem]:
    if name not in FIELDS:
        yield ConfigProblem([], f"unknown setting {name!r}; {did_you_mean(name, FIELDS)}")
        return
    if _names_variable(raw) and raw["env"] not in environ:
        yield ConfigProblem([name], f"expected the variable {raw['env']!r} to be set, got nothing")
        return
    if name == "tag_limits" and isinstance(raw, list):
        for limit in raw:
            for key in limit if isinstance(limit, Mapping) else ():
                if key not in _LIMIT_FIELDS:
                    yield ConfigProblem(
                        [name], f"unknown setting {key!r}; {did_you_mean(key, _LIMIT_FIELDS)}"
                    )
    value = _resolved(raw, environ)
    try:
        msgspec.convert(value, FIELDS[name].type, strict=False)
    except msgspec.ValidationError as exc:
        got = "something else" if name in SECRET_FIELDS else repr(value)
        yield ConfigProblem([name], f"{_expectation(exc, name)}, got {got}")


def _expectation(exc: msgspec.ValidationError, name: str) -> str:
    kind = FIELDS[name].type
    if get_origin(kind) is Literal:
        return "expected " + " or ".join(repr(choice) for choice in get_args(kind))
    if name == "storage_url":
        return "expected a url that begins with sqlite:// or postgresql://"
    return (
        str(exc).replace("Expected", "expected", 1).replace(", got", " and not", 1).replace("`$", f"`{name}")
    )
