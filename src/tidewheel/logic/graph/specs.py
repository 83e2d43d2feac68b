"""All that leaves user code: the serialised description of a code location's definitions.

The server works from these values alone; it never imports user code. Asset and check names are wire texts
(``values.keys``). Every spec is complete in itself: nothing in it refers to a Python object.
"""

from __future__ import annotations

from typing import Any, Optional

import msgspec

from tidewheel.logic.freshness import FreshnessRule
from tidewheel.logic.partitions.definitions import PartitionsSpec
from tidewheel.logic.partitions.mappings import PartitionMapping
from tidewheel.values.metadata import Metadata
from tidewheel.values.policies import TriggerPolicy


class RetryPolicySpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often and after which delay (seconds) a failed step is tried again."""

    max_retries: int = 1
    delay_s: Optional[float] = None
    backoff: Optional[str] = None
    jitter: Optional[str] = None


class BackfillPolicySpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many partitions one run of a backfill takes; ``None`` = all in one run."""

    max_partitions_per_run: Optional[int] = 1


class DepSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An upstream asset and, if not the default one, the partition mapping to it."""

    asset: str
    mapping: Optional[PartitionMapping] = None


class AssetNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One asset. ``kind``: ``materializable`` | ``observable`` | ``external`` (nothing here makes it)."""

    key: str
    kind: str = "materializable"
    deps: tuple[DepSpec, ...] = ()
    partitions: Optional[PartitionsSpec] = None
    group: str = "default"
    description: Optional[str] = None
    kinds: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    owners: tuple[str, ...] = ()
    code_version: Optional[str] = None
    metadata: Metadata = {}
    step: Optional[str] = None
    """Name of the step that makes it; assets of one multi-asset share it."""
    required_siblings: tuple[str, ...] = ()
    """Assets that are always made together with it (its step cannot be subset)."""
    skippable: bool = False
    is_virtual: bool = False
    pool: Optional[str] = None
    retry_policy: Optional[RetryPolicySpec] = None
    backfill_policy: Optional[BackfillPolicySpec] = None
    condition: Optional[bytes] = None
    """The automation condition in its stored form."""
    freshness: Optional[FreshnessRule] = None
    """How old the latest update may be."""
    op_tags: dict[str, str] = {}
    resources: tuple[str, ...] = ()
    """Names of the resources that its step uses."""


class CheckNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One asset check. ``step``: what runs it (the asset's own step when the asset's function yields the result)."""

    asset: str
    name: str
    blocking: bool = False
    description: Optional[str] = None
    deps: tuple[str, ...] = ()
    step: Optional[str] = None
    metadata: Metadata = {}
    partitions: Optional[PartitionsSpec] = None
    condition: Optional[bytes] = None


class OpNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of an op job, for showing the graph: its name and the steps it waits for."""

    name: str
    depends_on: tuple[str, ...] = ()
    description: Optional[str] = None
    tags: dict[str, str] = {}
    pool: Optional[str] = None
    resources: tuple[str, ...] = ()


class JobNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One job. Asset jobs name their ``assets`` and ``checks``; op jobs their ``ops``."""

    name: str
    description: Optional[str] = None
    is_asset_job: bool = False
    is_hidden: bool = False
    """Made by the system (the implicit asset job, anonymous targets of triggers)."""
    assets: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    ops: tuple[OpNode, ...] = ()
    partitions: Optional[PartitionsSpec] = None
    tags: dict[str, str] = {}
    run_tags: dict[str, str] = {}
    metadata: Metadata = {}
    has_partitioned_config: bool = False
    config_schema: Optional[dict[str, Any]] = None
    """JSON schema of the run config, where known."""
    condition: Optional[bytes] = None


class FixedRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The one request that a schedule without any function makes at every tick: no user code needed."""

    run_config: dict[str, Any] = {}
    tags: dict[str, str] = {}


class ScheduleNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One schedule: cron strings (their union) in a zone. ``fixed`` is given when no user code has to be asked."""

    name: str
    crons: tuple[str, ...]
    zone: str = "UTC"
    job_name: Optional[str] = None
    default_running: bool = False
    description: Optional[str] = None
    tags: dict[str, str] = {}
    metadata: Metadata = {}
    fixed: Optional[FixedRequest] = None
    max_tick_retries: int = 0
    max_catchup: int = 1
    """How many of the missed nominal times are run after downtime: the latest ones; 0 none."""
    evaluation_timeout_s: Optional[float] = None
    policy: Optional[TriggerPolicy] = None
    resources: tuple[str, ...] = ()


class RunStatusSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run status sensor listens to. ``jobs``: names, or (location, job) pairs joined by ``/``; empty = all."""

    event_types: tuple[str, ...]
    jobs: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    all_locations: bool = False
    request_jobs: tuple[str, ...] = ()


class SecretRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the server finds a secret: an environment variable of its own, or a file. Never the secret itself."""

    env: Optional[str] = None
    file: Optional[str] = None


class HookSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a webhook sensor's deliveries come in, and how their sender proves who it is.

    ``scheme``: ``github`` | ``stripe`` | ``slack`` | ``signed`` | ``shared_secret`` | ``open``. One of several
    ``secrets`` suffices, so that they can be changed. ``tolerance_s``: how old a signed moment may be.
    """

    hook: str
    scheme: str
    secrets: tuple[SecretRef, ...] = ()
    header: Optional[str] = None
    timestamp_header: Optional[str] = None
    id_header: Optional[str] = None
    tolerance_s: float = 300.0
    max_body_bytes: int = 1_048_576


class FileSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a file sensor watches. Local paths are watched by the server, everything else is listed in the code location.

    ``patterns``: paths, globs or URLs. ``stable_s``: a file is reported once it has not changed for this long.
    """

    patterns: tuple[str, ...]
    is_local: bool = True
    changes: tuple[str, ...] = ("added", "modified", "deleted")
    stable_s: float = 1.0
    poll_s: float = 30.0
    reports_existing: bool = True


class SensorNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sensor.

    ``kind``: ``standard`` | ``run_status`` | ``asset`` | ``multi_asset`` | ``automation`` | ``webhook`` | ``file``.
    """

    name: str
    kind: str = "standard"
    jobs: tuple[str, ...] = ()
    selects_assets: bool = False
    assets: tuple[str, ...] = ()
    """Assets watched (asset and multi-asset sensors) or covered (automation sensors)."""
    minimum_interval_s: float = 30.0
    default_running: bool = False
    description: Optional[str] = None
    tags: dict[str, str] = {}
    metadata: Metadata = {}
    run_status: Optional[RunStatusSource] = None
    hook: Optional[HookSpec] = None
    files: Optional[FileSource] = None
    hand_over: str = "one_by_one"
    """How its function gets events: ``one_by_one`` | ``batch`` | ``newest`` (the others are dropped)."""
    evaluation_timeout_s: Optional[float] = None
    policy: Optional[TriggerPolicy] = None
    checks: tuple[str, ...] = ()
    """Checks covered (automation sensors)."""
    run_tags: dict[str, str] = {}
    """Tags of the runs that an automation sensor asks for."""
    emit_backfills: bool = True
    uses_user_code: bool = False
    """Conditions of the user's own classes are evaluated in the code location."""
    resources: tuple[str, ...] = ()


class ResourceNode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One top-level resource, for showing.

    ``values``: the config that the user's file gives, as JSON texts; secrets are masked. ``env_vars``: by field, the
    variable that it comes from. ``nested``: by field, the top-level resource in it (empty: one without a name).
    ``resources``: other resources that it uses.
    """

    name: str
    type_name: str = ""
    description: Optional[str] = None
    config_schema: Optional[dict[str, Any]] = None
    env_vars: dict[str, str] = {}
    values: dict[str, str] = {}
    nested: dict[str, str] = {}
    resources: tuple[str, ...] = ()


class LocationSnapshot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that one code location defines."""

    name: str
    assets: tuple[AssetNode, ...] = ()
    checks: tuple[CheckNode, ...] = ()
    jobs: tuple[JobNode, ...] = ()
    schedules: tuple[ScheduleNode, ...] = ()
    sensors: tuple[SensorNode, ...] = ()
    resources: tuple[ResourceNode, ...] = ()
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Source files to watch for changes."""
