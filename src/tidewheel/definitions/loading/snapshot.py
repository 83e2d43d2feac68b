"""Describes definitions as values: all that the server ever sees of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from tidewheel.definitions.assets.asset_graph import AssetCheckNode, AssetGraph, AssetGraphNode
from tidewheel.definitions.assets.definition import AUTO_OBSERVE_METADATA
from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.automation.automation_condition import AutomationCondition
from tidewheel.definitions.automation.automation_sensors import AutomationConditionSensorDefinition
from tidewheel.definitions.jobs.asset_jobs import (
    IMPLICIT_ASSET_JOB,
    UnresolvedAssetJobDefinition,
    job_partitions,
)
from tidewheel.definitions.jobs.definition import JobDefinition
from tidewheel.definitions.jobs.job_nodes import op_nodes
from tidewheel.definitions.loading.collection import Definitions
from tidewheel.definitions.loading.lint import collect_problems, raise_problems
from tidewheel.definitions.loading.resolved import ResolvedDefinitions
from tidewheel.definitions.loading.resource_nodes import resource_nodes
from tidewheel.definitions.partitions.definition import PartitionsDefinition
from tidewheel.definitions.triggers.asset_sensors import AssetSensorDefinition, MultiAssetSensorDefinition
from tidewheel.definitions.triggers.file_sensors import FileSensorDefinition
from tidewheel.definitions.triggers.run_status_sensors import RunStatusSensorDefinition
from tidewheel.definitions.triggers.schedules import DefaultScheduleStatus, ScheduleDefinition
from tidewheel.definitions.triggers.sensors import DefaultSensorStatus, SensorDefinition
from tidewheel.definitions.triggers.webhook_sensors import WebhookSensorDefinition
from tidewheel.errors import InvalidDefinitionError
from tidewheel.logic.access.schemas import without_secret_defaults
from tidewheel.logic.conditions.codec import encode as encode_condition
from tidewheel.logic.cron.lint import lint
from tidewheel.logic.graph.specs import (
    AssetNode,
    BackfillPolicySpec,
    CheckNode,
    DepSpec,
    FixedRequest,
    JobNode,
    LocationSnapshot,
    RetryPolicySpec,
    RunStatusSource,
    ScheduleNode,
    SensorNode,
)
from tidewheel.logic.partitions.definitions import PartitionsSpec
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import Metadata, TextMetadataValue, normalize_metadata_value

MAX_CATCHUP_METADATA = "tidewheel/max_catchup"
MAX_TICK_RETRIES_METADATA = "tidewheel/max_tick_retries"
EVALUATION_TIMEOUT_METADATA = "tidewheel/evaluation_timeout_s"


def build_snapshot(defs: Definitions, location_name: str) -> LocationSnapshot:
    """The description of a code location.

    Raises:
        DefinitionsError: with every problem that was found.
    """
    resolved = defs.resolved
    resolved.location_name = location_name
    raise_problems(collect_problems(resolved))
    warnings: list[str] = []
    describe = _Describer(resolved, warnings)
    snapshot = LocationSnapshot(
        name=location_name,
        assets=tuple(describe.asset(key) for key in resolved.toposorted()),
        checks=tuple(describe.check(node) for _, node in sorted(resolved.graph.checks.items())),
        jobs=tuple(describe.job(name) for name in resolved.job_names),
        schedules=tuple(describe.schedule(resolved.schedule(name)) for name in resolved.schedules),
        sensors=tuple(describe.sensor(sensor) for sensor in resolved.sensors.values()),
        resources=resource_nodes(resolved.resources_given),
    )
    return (
        msgspec.structs.replace(snapshot, warnings=tuple(dict.fromkeys(warnings))) if warnings else snapshot
    )


class _Describer:
    """Turns resolved definitions into nodes of a snapshot."""

    def __init__(self, resolved: ResolvedDefinitions, warnings: list[str]) -> None:
        self._resolved = resolved
        self._graph: AssetGraph = resolved.graph
        self._warnings = warnings
        self._specs: dict[int, PartitionsSpec] = {}
        self._automates = any(
            isinstance(one, AutomationConditionSensorDefinition) for one in resolved.sensors.values()
        )

    def _partitions(self, definition: PartitionsDefinition | None) -> PartitionsSpec | None:
        if definition is None:
            return None
        found = self._specs.get(id(definition))
        if found is None:
            found = self._specs[id(definition)] = definition.spec
        return found

    # -- assets and checks ---------------------------------------------------------------------------------------------

    def asset(self, key: AssetKey) -> AssetNode:
        """One asset."""
        node = self._graph.nodes[key]
        spec = node.spec
        definition = node.assets_def
        op = definition.computation if definition is not None else None
        siblings = definition.keys if definition is not None and not definition.can_subset else ()
        return AssetNode(
            key=key.to_escaped_user_string(),
            kind=_kind(node),
            deps=tuple(self._dep(dep, key) for dep in spec.deps),
            partitions=self._partitions(spec.partitions_def),
            group=node.group_name,
            description=spec.description,
            kinds=tuple(sorted(spec.kinds)) if spec.tags else (),
            tags=dict(spec.tags),
            owners=tuple(spec.owners),
            code_version=spec.code_version,
            metadata=self._metadata(spec.metadata, f"asset {key.to_user_string()!r}"),
            step=op.name if op is not None else None,
            required_siblings=(
                tuple(sorted(one.to_escaped_user_string() for one in siblings if one != key))
                if len(siblings) > 1
                else ()
            ),
            skippable=spec.skippable,
            is_virtual=spec.is_virtual,
            pool=getattr(op, "pool", None),
            retry_policy=_retry(getattr(op, "retry_policy", None)),
            backfill_policy=_backfill(definition.backfill_policy if definition is not None else None),
            condition=self._condition(spec.automation_condition, key),
            freshness=getattr(spec.freshness_policy, "rule", None),
            op_tags={name: str(value) for name, value in (getattr(op, "tags", None) or {}).items()},
            resources=tuple(sorted(op.required_resource_keys)) if op is not None else (),
        )

    def _dep(self, dep: Any, key: AssetKey) -> DepSpec:
        mapping = None
        if dep.partition_mapping is not None:
            try:
                mapping = dep.partition_mapping.spec
            except InvalidDefinitionError as exc:
                self._warnings.append(f"asset {key.to_user_string()!r}: {exc}")
        return DepSpec(asset=dep.asset_key.to_escaped_user_string(), mapping=mapping)

    def check(self, node: AssetCheckNode) -> CheckNode:
        """One check."""
        spec = node.spec
        return CheckNode(
            asset=spec.asset_key.to_escaped_user_string(),
            name=spec.name,
            blocking=spec.blocking,
            description=spec.description,
            deps=tuple(dep.asset_key.to_escaped_user_string() for dep in spec.additional_deps),
            step=node.assets_def.node_def.name if node.assets_def.computation is not None else None,
            metadata=self._metadata(spec.metadata, f"check {spec.key.to_user_string()!r}"),
            partitions=self._partitions(spec.partitions_def),
            condition=self._condition(spec.automation_condition, spec.key),
        )

    def _condition(self, condition: Any, key: AssetKey | AssetCheckKey) -> bytes | None:
        if condition is None:
            condition = self._default_condition(key)
        node = getattr(condition, "node", None)
        return encode_condition(node) if node is not None else None

    def _default_condition(self, key: AssetKey | AssetCheckKey) -> Any:
        """The condition of what has none: that of an automation sensor that covers it, or a regular observation."""
        if self._automates:
            for name in self._resolved.covered_by.get(key, ()):
                condition = getattr(self._resolved.sensors[name], "default_condition", None)
                if condition is not None:
                    return condition
        minutes = (
            self._graph.nodes[key].metadata.get(AUTO_OBSERVE_METADATA) if isinstance(key, AssetKey) else None
        )
        if minutes is None:
            return None
        lately = AutomationCondition.updated_within(
            timedelta(minutes=float(getattr(minutes, "value", minutes)))
        )
        return ~lately & ~AutomationCondition.in_progress()

    def _metadata(self, metadata: Mapping[str, Any], what: str) -> Metadata:
        if not metadata:
            return {}
        found: Metadata = {}
        for label, value in metadata.items():
            try:
                found[str(label)] = normalize_metadata_value(value)
            except TypeError:
                found[str(label)] = TextMetadataValue(repr(value))
        return found

    # -- jobs ------------------------------------------------------------------------------------------------------------

    def job(self, name: str) -> JobNode:
        """One job."""
        given = self._resolved.unresolved_job(name)
        if isinstance(given, UnresolvedAssetJobDefinition):
            return self._asset_job(given)
        if given is None or name == IMPLICIT_ASSET_JOB:
            return self._implicit_job()
        return self._op_job(self._resolved.job(name))

    def _asset_job(self, job: UnresolvedAssetJobDefinition) -> JobNode:
        assets, checks = self._selected(job.selection)
        definition = job_partitions(self._graph, assets, checks, job.partitions_def)
        return JobNode(
            name=job.name,
            description=job.description,
            is_asset_job=True,
            is_hidden=self._resolved.is_hidden_job(job.name),
            assets=_texts(assets),
            checks=_texts(checks),
            partitions=self._partitions(definition),
            tags=dict(job.tags),
            run_tags=dict(job.run_tags if job.has_run_tags else job.tags),
            metadata=self._metadata(job.metadata or {}, f"job {job.name!r}"),
            has_partitioned_config=hasattr(job.config, "get_run_config_for_partition_key"),
            condition=self._job_condition(job.automation_condition),
        )

    def _implicit_job(self) -> JobNode:
        assets = sorted(self._graph.executable_asset_keys)
        checks = sorted(self._graph.asset_check_keys)
        return JobNode(
            name=IMPLICIT_ASSET_JOB,
            is_asset_job=True,
            is_hidden=True,
            assets=_texts(assets),
            checks=_texts(checks),
            partitions=self._partitions(job_partitions(self._graph, assets, checks, allows_different=True)),
        )

    def _op_job(self, job: JobDefinition) -> JobNode:
        layer = job.asset_layer
        return JobNode(
            name=job.name,
            description=job.description,
            is_asset_job=job.is_asset_job,
            is_hidden=self._resolved.is_hidden_job(job.name),
            assets=_texts(sorted(layer.selected_assets)),
            checks=_texts(sorted(layer.selected_checks)),
            ops=op_nodes(job),
            partitions=self._partitions(job.partitions_def),
            tags=dict(job.tags),
            run_tags=dict(job.run_tags),
            metadata=dict(job.metadata),
            has_partitioned_config=job.partitioned_config is not None,
            config_schema=_config_schema(job),
            condition=self._job_condition(job.automation_condition),
        )

    def _selected(self, selection: AssetSelection) -> tuple[list[AssetKey], list[AssetCheckKey]]:
        assets = sorted(selection.resolve_inner(self._graph, False))
        checks = sorted(selection.resolve_checks_inner(self._graph, False))
        return assets, checks

    def _job_condition(self, condition: Any) -> bytes | None:
        node = getattr(condition, "node", None)
        return encode_condition(node) if node is not None else None

    # -- triggers --------------------------------------------------------------------------------------------------------

    def schedule(self, schedule: ScheduleDefinition) -> ScheduleNode:
        """One schedule."""
        for cron in schedule.crons:
            self._warnings += [f"{schedule.what}: cron {cron!r}: {warning.message}" for warning in lint(cron)]
        metadata = schedule.metadata
        return ScheduleNode(
            name=schedule.name,
            crons=schedule.crons,
            zone=schedule.execution_timezone or "UTC",
            job_name=schedule.job_name,
            default_running=schedule.default_status is DefaultScheduleStatus.RUNNING,
            description=schedule.description,
            tags=dict(schedule.tags),
            metadata=dict(metadata),
            fixed=self._fixed(schedule),
            max_tick_retries=_number(metadata, MAX_TICK_RETRIES_METADATA, 0),
            max_catchup=_number(metadata, MAX_CATCHUP_METADATA, 1),
            evaluation_timeout_s=_seconds(metadata),
            policy=schedule.policy,
            resources=tuple(sorted(schedule.required_resource_keys)),
        )

    def _fixed(self, schedule: ScheduleDefinition) -> FixedRequest | None:
        """The request of a schedule without any function; partitioned jobs must be asked for a partition."""
        if not schedule.is_fixed or schedule.job_name is None:
            return None
        given = self._resolved.unresolved_job(schedule.job_name)
        if given is None and schedule.job_name != IMPLICIT_ASSET_JOB:
            return None
        definition = self.job(schedule.job_name)
        if definition.partitions is not None or self._has_partitioned_assets(definition):
            return None
        return FixedRequest(run_config=_plain(schedule.run_config), tags=dict(schedule.tags))

    def _has_partitioned_assets(self, job: JobNode) -> bool:
        nodes = self._graph.nodes
        keys = (AssetKey.from_escaped_user_string(text) for text in job.assets)
        return any(nodes[key].partitions_def is not None for key in keys)

    def sensor(self, sensor: SensorDefinition) -> SensorNode:
        """One sensor."""
        return SensorNode(
            name=sensor.name,
            kind=sensor.kind,
            jobs=tuple(self._jobs_of(sensor)),
            selects_assets=sensor.asset_selection is not None,
            assets=self._watched(sensor),
            minimum_interval_s=float(sensor.minimum_interval_seconds),
            default_running=sensor.default_status is DefaultSensorStatus.RUNNING,
            description=sensor.description,
            tags=dict(sensor.tags),
            metadata=dict(sensor.metadata),
            run_status=_run_status(sensor),
            evaluation_timeout_s=_seconds(sensor.metadata),
            hook=sensor.spec if isinstance(sensor, WebhookSensorDefinition) else None,
            files=sensor.spec if isinstance(sensor, FileSensorDefinition) else None,
            hand_over=getattr(sensor, "hand_over", "one_by_one"),
            policy=sensor.policy,
            resources=tuple(sorted(sensor.required_resource_keys)),
            **self._automation(sensor),
        )

    def _jobs_of(self, sensor: SensorDefinition) -> Iterable[str]:
        if isinstance(sensor, AutomationConditionSensorDefinition):
            return [str(getattr(key, "job_name", key)) for key in sensor.asset_job_keys]
        return sensor.job_names

    def _watched(self, sensor: SensorDefinition) -> tuple[str, ...]:
        if isinstance(sensor, AssetSensorDefinition):
            return (sensor.asset_key.to_escaped_user_string(),)
        if isinstance(sensor, MultiAssetSensorDefinition):
            given = sensor.monitored_assets
            keys = given.resolve_inner(self._graph, True) if isinstance(given, AssetSelection) else given
            return _texts(sorted(keys))
        if isinstance(sensor, AutomationConditionSensorDefinition):
            return _texts(sorted(sensor.selection.resolve_inner(self._graph, True)))
        return ()

    def _automation(self, sensor: SensorDefinition) -> dict[str, Any]:
        if not isinstance(sensor, AutomationConditionSensorDefinition):
            return {}
        checks = sorted(sensor.selection.resolve_checks_inner(self._graph, True))
        return {
            "checks": _texts(checks),
            "run_tags": dict(sensor.run_tags),
            "emit_backfills": sensor.emit_backfills,
            "uses_user_code": sensor.use_user_code_server,
        }


def _kind(node: AssetGraphNode) -> str:
    if node.is_materializable:
        return "materializable"
    return "observable" if node.is_observable else "external"


def _texts(keys: Iterable[AssetKey | AssetCheckKey]) -> tuple[str, ...]:
    return tuple(key.to_escaped_user_string() for key in keys)


def _retry(policy: Any) -> RetryPolicySpec | None:
    if policy is None:
        return None
    return RetryPolicySpec(
        max_retries=policy.max_retries,
        delay_s=policy.delay,
        backoff=policy.backoff.value if policy.backoff is not None else None,
        jitter=policy.jitter.value if policy.jitter is not None else None,
    )


def _backfill(policy: Any) -> BackfillPolicySpec | None:
    return (
        BackfillPolicySpec(max_partitions_per_run=policy.max_partitions_per_run)
        if policy is not None
        else None
    )


def _run_status(sensor: SensorDefinition) -> RunStatusSource | None:
    if not isinstance(sensor, RunStatusSensorDefinition):
        return None
    return RunStatusSource(
        event_types=(sensor.event_type.value,),
        jobs=sensor.monitored.jobs,
        locations=sensor.monitored.locations,
        all_locations=sensor.monitored.all_locations,
        request_jobs=tuple(sensor.job_names),
    )


def _config_schema(job: JobDefinition) -> dict[str, Any] | None:
    try:
        return without_secret_defaults(job.config_json_schema())
    except Exception:  # noqa: BLE001 - a schema is only for showing; a type without one must not stop loading
        return None


def _number(metadata: Mapping[str, Any], label: str, default: int) -> int:
    value = metadata.get(label)
    number = getattr(value, "value", None)
    return int(number) if isinstance(number, int | float) else default


def _seconds(metadata: Mapping[str, Any]) -> float | None:
    number = getattr(metadata.get(EVALUATION_TIMEOUT_METADATA), "value", None)
    return float(number) if isinstance(number, int | float) else None


def _plain(run_config: Mapping[str, Any]) -> dict[str, Any]:
    return dict(run_config)
