"""What may be sent to REST, as OpenAPI describes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=r"^[^\x00-\x1f]*$")]
Text = Annotated[str, StringConstraints(max_length=100_000, pattern=r"^[^\x00]*$")]
MAX_NAMES = 10_000


class Body(BaseModel):
    """Unknown fields are refused: a misspelt one would be silently without effect."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LaunchBody(Body):
    """A job to run, or assets to make. Exactly one of ``job_name``, ``selection``, ``assets``; ``assets`` may also
    choose among a job's."""

    job_name: Optional[Name] = None
    location: Optional[Name] = Field(None, description="Needed when several code locations have the name.")
    selection: Optional[Text] = Field(
        None, description="An asset selection: a key, 'key+', 'group:name', '*'."
    )
    assets: Optional[list[Name]] = Field(None, max_length=MAX_NAMES)
    checks: Optional[list[Name]] = Field(None, max_length=MAX_NAMES, description="As 'asset:check'.")
    ops: Optional[list[Name]] = Field(None, max_length=MAX_NAMES)
    partition: Optional[Name] = None
    partition_range: Optional[list[Name]] = Field(
        None, min_length=2, max_length=2, description="First and last key, inclusive."
    )
    run_config: dict[Name, Any] = Field(default_factory=dict)
    tags: dict[Name, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_target(self) -> LaunchBody:
        named = [self.job_name, self.selection, self.assets]
        if all(one is None for one in named) or (self.selection is not None and named.count(None) < 2):
            raise ValueError("expected one of job_name, selection, assets")
        return self


class MaterializeBody(Body):
    """Assets to make; without a selection all of them."""

    selection: Text = "*"
    location: Optional[Name] = None
    partition: Optional[Name] = None
    partition_range: Optional[list[Name]] = Field(None, min_length=2, max_length=2)
    run_config: dict[Name, Any] = Field(default_factory=dict)
    tags: dict[Name, Text] = Field(default_factory=dict)


class BackfillBody(Body):
    """Partitions to make: of a job, of assets, or of a selection. With neither partitions nor ranges: all."""

    model_config = ConfigDict(extra="forbid")

    job_name: Optional[Name] = None
    location: Optional[Name] = None
    selection: Optional[Text] = None
    assets: Optional[list[Name]] = Field(None, max_length=MAX_NAMES)
    partitions: list[Name] = Field(default_factory=list, max_length=100_000)
    ranges: list[tuple[Name, Name]] = Field(default_factory=list, max_length=MAX_NAMES)
    only: Optional[Literal["missing", "failed"]] = Field(None, description="Leave out what is made.")
    ops: Optional[list[Name]] = Field(None, max_length=MAX_NAMES)
    run_config: dict[Name, Any] = Field(default_factory=dict)
    tags: dict[Name, Text] = Field(default_factory=dict)
    max_partitions_per_run: Optional[int] = Field(None, ge=0, le=1_000_000, description="0: one run.")
    title: Optional[Text] = None
    description: Optional[Text] = None

    @model_validator(mode="after")
    def _has_one_target(self) -> BackfillBody:
        if [self.job_name, self.selection, self.assets].count(None) != 2:
            raise ValueError("expected one of job_name, selection, assets")
        return self


class RetryRunBody(Body):
    """``from_failure``: what has succeeded is not executed again; false: everything is."""

    from_failure: bool = True


class RetryBody(Body):
    """``everything``: also what the backfill did make."""

    everything: bool = False


class ReportBody(Body):
    """Something that happened to an asset outside: it is being made, was made, could not be made, was looked at, or was
    checked."""

    kind: Literal["started", "succeeded", "failed", "observed", "checked"]
    partition: Optional[Name] = None
    description: Optional[Text] = None
    metadata: dict[Name, Any] = Field(default_factory=dict)
    data_version: Optional[Name] = None
    check_name: Optional[Name] = Field(None, description="For kind 'checked'.")
    passed: Optional[bool] = Field(None, description="For kind 'checked'.")
    severity: Literal["WARN", "ERROR"] = "ERROR"
    undefined: bool = Field(
        False, description="Also for an asset or a partition that no code location defines."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> ReportBody:
        if (self.kind == "checked") != (self.check_name is not None and self.passed is not None):
            raise ValueError("expected check_name and passed with kind 'checked', and with no other kind")
        return self


class CursorBody(Body):
    """A sensor's new cursor; null clears it."""

    cursor: Optional[Text] = None


class TryBody(Body):
    """How to evaluate a trigger without recording anything."""

    cursor: Optional[Text] = None


class RunKeysBody(Body):
    """Which run keys of a trigger are to be free again; null: all of them."""

    run_key: Optional[Text] = None


class PriorityBody(Body):
    """A queued run's new priority: higher ones start first, 0 is usual."""

    priority: int = Field(ge=-1_000_000, le=1_000_000)


class SelectionBody(Body):
    """Which triggers: every given part must match, none given means all. ``name`` and values of ``tags`` may have ``*``."""

    kind: Optional[Literal["SCHEDULE", "SENSOR", "AUTOMATION"]] = None
    name: Optional[Name] = None
    location: Optional[Name] = None
    tags: dict[Name, Text] = Field(default_factory=dict)


class PauseBody(Body):
    """A pause of triggers. ``expires_at``: seconds since the epoch; null: until somebody resumes them."""

    selection: SelectionBody
    reason: Text = ""
    expires_at: Optional[float] = Field(None, ge=0, le=1e11)
    missed: Optional[Literal["catch_up", "skip"]] = Field(
        None, description="What becomes of missed ticks and events; null: as each trigger's policy says."
    )


class OwedBody(Body):
    """An answer to something owed. ``partition``: the empty text for an unpartitioned asset."""

    kind: Literal["asset", "check", "job"] = "asset"
    name: Name
    partition: Text = ""
    status: Literal["OWED", "WAIVED"]


class HeldBody(Body):
    """An answer to a first request that waits for a yes."""

    kind: Literal["asset", "check", "job"] = "asset"
    name: Name
    status: Literal["APPROVED", "DECLINED"]


class PoolBody(Body):
    """A pool's limit; null: it has none of its own."""

    slots: Optional[int] = Field(ge=0, le=1_000_000)


class FreeBody(Body):
    """Whose slots are taken away: a pool's, a run's, or those of a run in a pool."""

    name: Optional[Name] = None
    run_id: Optional[Name] = None

    @model_validator(mode="after")
    def _names_something(self) -> FreeBody:
        if self.name is None and self.run_id is None:
            raise ValueError("expected name or run_id")
        return self


class ReplayBody(Body):
    """``sensor``: hand the delivery to this sensor only."""

    sensor: Optional[Name] = None


class FailedEventBody(Body):
    """An event that a sensor failed on. ``forget``: give it up, instead of handing it over again."""

    trigger_id: Name
    event_id: int = Field(ge=0, lt=1 << 53)
    forget: bool = False


class GrantBody(Body):
    """A role, everywhere or for some locations and asset groups."""

    role: Literal["viewer", "launcher", "editor", "admin"]
    locations: Optional[list[Name]] = None
    groups: Optional[list[Name]] = None


class UserBody(Body):
    """A new user. Without a password they log in through the OIDC provider."""

    name: Name
    grants: list[GrantBody] = Field(min_length=1, max_length=100)
    password: Optional[Annotated[str, StringConstraints(min_length=12, max_length=1_024)]] = None
    oidc_subject: Optional[Name] = None


class PasswordBody(Body):
    """A user's new password."""

    password: Annotated[str, StringConstraints(min_length=12, max_length=1_024)]


class LoginBody(Body):
    """A name and password, for a token that the CLI keeps."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    password: Annotated[str, StringConstraints(min_length=1, max_length=1_024)]
    label: Name = "login"
    expires_in_days: float = Field(30.0, gt=0, le=365)


class TokenBody(Body):
    """A new API token. ``limits``: less than its user may; ``expires_in_days`` null: it does not expire."""

    label: Name
    user: Optional[Name] = Field(None, description="Somebody else's token; admins only.")
    expires_in_days: Optional[float] = Field(90.0, gt=0, le=3_650)
    limits: Optional[list[GrantBody]] = None
