"""Takes what a step gives: checks outputs, stores them, records materialisations, observations and check results."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tidewheel.definitions.assets.data_version import DataVersion
from tidewheel.definitions.assets.results import (
    NO_VALUE,
    AssetResult,
    DynamicOutput,
    MaterializeResult,
    ObserveResult,
    Output,
)
from tidewheel.definitions.checks.check_results import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetCheckSeverity,
)
from tidewheel.definitions.ops.inputs_outputs import OutputDefinition
from tidewheel.definitions.ops.types import NOTHING_TYPE
from tidewheel.definitions.partitions.multi_partitions import MultiPartitionsDefinition
from tidewheel.errors import (
    AssetCheckFailedError,
    CheckError,
    ExecutionHandleOutputError,
    InvariantViolationError,
    StepOutputNotFoundError,
    TidewheelError,
    did_you_mean,
)
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.error_info import error_text
from tidewheel.values.events import CheckEvaluation, EventType, Materialization, Observation, OutputValue
from tidewheel.values.expectations import ExpectationResult
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import typed_metadata
from tidewheel.values.tags import PARTITION
from tidewheel.worker.contexts.data_versions import DataVersions, observation_tags
from tidewheel.worker.contexts.io_contexts import IOContexts
from tidewheel.worker.contexts.step_context import StepContext
from tidewheel.worker.environment.run_environment import RunEnvironment
from tidewheel.worker.steps.op_results import observed_versions
from tidewheel.worker.steps.step_inputs import NOT_CHECKED, InputLoader, check_type

NO_METADATA: Mapping[str, Any] = {}


class OutputWriter:
    """Takes the results of the steps of one run."""

    def __init__(
        self, env: RunEnvironment, contexts: IOContexts, versions: DataVersions, loader: InputLoader
    ) -> None:
        self._env = env
        self._contexts = contexts
        self._versions = versions
        self._loader = loader

    def load_asset(
        self, step: StepContext, asset: AssetKey, python_type: Any, partition_key: str | None
    ) -> Any:
        """See ``InputLoader.load_asset``."""
        return self._loader.load_asset(step, asset, python_type, partition_key)

    # -- one result ---------------------------------------------------------------------------------------

    def take(self, step: StepContext, result: Any, taken: TakenOutputs) -> None:
        """Take one result of a step's function.

        Raises:
            InvariantViolationError: when it does not belong to the step.
        """
        if isinstance(result, Output):
            self._output(step, result.output_name, result.value, result, None, taken)
        elif isinstance(result, DynamicOutput):
            self._output(step, result.output_name, result.value, result, result.mapping_key, taken)
        elif isinstance(result, AssetResult):
            self._asset_result(step, result, taken)
        elif isinstance(result, AssetCheckResult):
            self._check_result(step, result, taken)
        else:
            self.user_event(step, result)

    def user_event(self, step: StepContext, event: Any) -> None:
        """Record an event that is no output: it is recorded as it is, whatever asset it names (D34)."""
        if isinstance(event, AssetMaterialization):
            self._record_asset(
                step,
                EventType.ASSET_MATERIALIZATION,
                event.asset_key,
                event.partition,
                Materialization(metadata=event.metadata, tags=event.tags, description=event.description),
            )
        elif isinstance(event, AssetObservation):
            self._record_asset(
                step,
                EventType.ASSET_OBSERVATION,
                event.asset_key,
                event.partition,
                Observation(metadata=event.metadata, tags=event.tags, description=event.description),
            )
        elif isinstance(event, AssetCheckEvaluation):
            self._evaluation(step, event.asset_check_key, event, event.blocking or False)
        elif isinstance(event, ExpectationResult):
            self._env.emit(
                EventType.STEP_EXPECTATION_RESULT,
                f"Expectation {event.label or ''} {'passed' if event.success else 'failed'}",
                step_key=step.key,
                check=event.label,
                payload=CheckEvaluation(
                    passed=event.success, metadata=event.metadata, description=event.description
                ),
            )
        else:
            raise InvariantViolationError(
                f"expected a materialisation, observation, expectation or check evaluation to record, got {event!r}"
            )
        step.events.append(event)

    # -- outputs ------------------------------------------------------------------------------------------

    def _output(
        self,
        step: StepContext,
        name: str,
        value: Any,
        output: Any,
        mapping_key: str | None,
        taken: TakenOutputs,
        *,
        is_value_given: bool = True,
    ) -> None:
        definition = self._definition(step, name, mapping_key, taken)
        if step.check_of_output(name) is not None:
            self._check_result(step, _as_check_result(step, name, value), taken)
            return
        added = step.added_metadata.get((name, mapping_key), NO_METADATA)
        metadata = {**output.metadata, **typed_metadata(added)} if added else output.metadata
        taken.add(name, mapping_key)
        step.given.add((name, mapping_key))
        if self._env.captured is not None:
            self._env.captured[(step.key, name, mapping_key)] = value
        kind = definition.dagster_type.display_name
        checked = (
            check_type(step, definition.dagster_type, value, f"output {name!r}")
            if is_value_given
            else NOT_CHECKED
        )
        of_key = f' for "{mapping_key}"' if mapping_key is not None else ""
        asset = step.asset_of_output(name)
        is_observed = asset is not None and step.assets_def is not None and step.assets_def.is_observable
        if asset is not None and is_observed and checked.mistake is None:
            self._observed(step, asset, metadata, output)
        self._env.emit(
            EventType.STEP_OUTPUT,
            f'Gave output "{name}" of type "{kind}"{of_key}.{checked.sentence}',
            step_key=step.key,
            payload=OutputValue(
                name=name,
                mapping_key=mapping_key,
                metadata=metadata,
                type_name=kind,
                type_check=checked.outcome,
            ),
        )
        if checked.mistake is not None:
            raise checked.mistake
        is_stored = is_value_given and definition.dagster_type is not NOTHING_TYPE
        stored_metadata, manager_key = NO_METADATA, ""
        if is_stored:
            stored_metadata, manager_key = self._store(step, definition, value, mapping_key, metadata)
        if asset is not None and not is_observed:
            whole = {**metadata, **stored_metadata} if stored_metadata else metadata
            self._asset_made(step, asset, whole, output)
        if is_stored:
            self._env.emit(
                EventType.HANDLED_OUTPUT,
                f'Stored output "{name}" using IO manager "{manager_key}".',
                step_key=step.key,
                payload=OutputValue(
                    name=name,
                    mapping_key=mapping_key,
                    manager_key=manager_key,
                    metadata=dict(stored_metadata),
                ),
            )

    def _definition(
        self, step: StepContext, name: str, mapping_key: str | None, taken: TakenOutputs
    ) -> OutputDefinition:
        definition = step.op_def.output_dict.get(name)
        if definition is None:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected one of its outputs, got {name!r}; "
                f"{did_you_mean(name, step.op_def.output_dict)}"
            )
        if definition.is_dynamic and mapping_key is None:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected DynamicOutput for the dynamic output {name!r}, got "
                "Output; use DynamicOutput"
            )
        if not definition.is_dynamic and mapping_key is not None:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected Output for {name!r}, which is not dynamic, got "
                "DynamicOutput; declare it with "
                "DynamicOut"
            )
        if taken.has(name, mapping_key):
            what = f"{name!r}" if mapping_key is None else f"{name!r} with mapping key {mapping_key!r}"
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected the output {what} once, got it again"
            )
        return definition

    def _store(
        self,
        step: StepContext,
        definition: OutputDefinition,
        value: Any,
        mapping_key: str | None,
        metadata: Mapping[str, Any],
    ) -> tuple[Mapping[str, Any], str]:
        """Hand a value to its IO manager; the metadata that it adds, and its key."""
        key = self._contexts.manager_key_of_output(step.path, definition)
        manager = self._contexts.manager(key)
        context = self._contexts.for_output(
            step, definition, manager_key=key, mapping_key=mapping_key, metadata=metadata
        )
        self._env.output_metadata[(step.key, definition.name, mapping_key)] = dict(metadata)
        try:
            with self._env.gate.user_code():
                made = manager.handle_output(context, value)
                told = list(_told_by_manager(context, made)) if inspect.isgenerator(made) else []
        except Exception as exc:
            if isinstance(exc, TidewheelError) and not isinstance(exc, CheckError):
                raise
            raise ExecutionHandleOutputError(
                f"storing output {definition.name!r} of op {step.node.name!r} with IO manager {key!r} raised "
                f"{type(exc).__name__}: {error_text(exc)}",
                user_exception=exc,
            ) from exc
        added = context.consume_logged_metadata()
        for event in told:
            self.user_event(step, event.with_metadata({**event.metadata, **added}))
        return added, key

    # -- assets -------------------------------------------------------------------------------------------

    def _asset_made(
        self, step: StepContext, asset: AssetKey, metadata: Mapping[str, Any], output: Any
    ) -> None:
        layer = self._env.layer
        spec = layer.specs.get(asset)
        given = getattr(output, "data_version", None) or step.data_versions.get(asset)
        upstream = [dep.asset_key for dep in spec.deps] if spec is not None else []
        code_version = step.op_def.output_dict[step.output_of_asset(asset) or ""].code_version or (
            spec.code_version if spec is not None else None
        )
        tags = self._versions.tags(
            asset, code_version=code_version or step.op_def.code_version, upstream=upstream, given=given
        )
        tags.update(getattr(output, "tags", None) or {})
        definition = layer.partitions_defs.get(asset)
        for partition in self._made_partitions(step, asset):
            if partition is not None and isinstance(definition, MultiPartitionsDefinition):
                dimensions = definition.get_tags_for_partition_key(partition)
                tags = {**tags, **{name: part for name, part in dimensions.items() if name != PARTITION}}
            extra = step.asset_metadata.get((asset, None), NO_METADATA)
            one = (
                step.asset_metadata.get((asset, partition), NO_METADATA)
                if partition is not None
                else NO_METADATA
            )
            self._record_asset(
                step,
                EventType.ASSET_MATERIALIZATION,
                asset,
                partition,
                Materialization(metadata={**metadata, **extra, **one}, tags=tags),
            )

    def _made_partitions(self, step: StepContext, asset: AssetKey) -> list[str | None]:
        keys: list[str | None] = [str(key) for key in step.partitions.output_keys(asset)]
        return keys or [None]

    def _observed(self, step: StepContext, asset: AssetKey, metadata: Mapping[str, Any], output: Any) -> None:
        if isinstance(output, Output) and output.data_version is None and not metadata and step.events:
            return  # the function recorded its observations itself, by partition
        versions = observed_versions(getattr(output, "value", None))
        if versions is not None and None not in versions:
            for partition, version in versions.items():
                self._record_asset(
                    step,
                    EventType.ASSET_OBSERVATION,
                    asset,
                    partition,
                    Observation(metadata=dict(metadata), tags=observation_tags(version)),
                )
            return
        one: DataVersion | None = (
            getattr(output, "data_version", None)
            or (versions or {}).get(None)
            or step.data_versions.get(asset)
        )
        tags = {**observation_tags(one), **(getattr(output, "tags", None) or {})}
        for partition in self._made_partitions(step, asset):
            self._record_asset(
                step,
                EventType.ASSET_OBSERVATION,
                asset,
                partition,
                Observation(metadata=dict(metadata), tags=tags),
            )

    def _record_asset(
        self,
        step: StepContext,
        kind: EventType,
        asset: AssetKey,
        partition: str | None,
        payload: Materialization | Observation,
    ) -> None:
        name = asset.to_escaped_user_string()
        verb = "Materialized" if kind is EventType.ASSET_MATERIALIZATION else "Observed"
        event = self._env.emit(
            kind,
            f"{verb} {name}." if partition is None else f"{verb} {name} [{partition}].",
            step_key=step.key,
            asset=name,
            partition=partition,
            payload=payload,
        )
        self._versions.note(event)

    def _asset_result(self, step: StepContext, result: AssetResult, taken: TakenOutputs) -> None:
        if step.assets_def is None:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected {type(result).__name__} from an asset's function, "
                "got it from an op that makes "
                "no assets; return a value"
            )
        asset = self._asset_of_result(step, result)
        name = step.output_of_asset(asset)
        if name is None:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected a result for one of its assets "
                f"({', '.join(sorted(k.to_user_string() for k in step.asset_keys))}), got {asset.to_user_string()!r}"
            )
        if isinstance(result, ObserveResult) != step.assets_def.is_observable:
            wanted = "ObserveResult" if step.assets_def.is_observable else "MaterializeResult"
            raise InvariantViolationError(
                f"asset {asset.to_user_string()!r}: expected {wanted}, got {type(result).__name__}"
            )
        value = result.value if isinstance(result, MaterializeResult) else NO_VALUE
        output = Output(
            None if value is NO_VALUE else value,
            name,
            typed_metadata(result.metadata),
            result.data_version,
            tags=result.tags,
        )
        self._output(step, name, output.value, output, None, taken, is_value_given=value is not NO_VALUE)
        for check in result.check_results:
            self._check_result(step, check, taken, asset)

    def _asset_of_result(self, step: StepContext, result: AssetResult) -> AssetKey:
        if result.asset_key is not None:
            return result.asset_key
        keys = step.asset_keys
        if len(keys) != 1:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected asset_key in {type(result).__name__}, as it makes "
                f"{len(keys)} assets, got none; "
                "name the asset"
            )
        return keys[0]

    # -- checks -------------------------------------------------------------------------------------------

    def _check_result(
        self, step: StepContext, result: AssetCheckResult, taken: TakenOutputs, asset: AssetKey | None = None
    ) -> None:
        key = self._check_key(step, result, asset)
        name = next((n for n in step.op_def.output_dict if step.check_of_output(n) == key), None)
        if name is None:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected a result for one of its checks "
                f"({', '.join(sorted(k.to_user_string() for k in step.check_keys)) or 'it has none'}), "
                f"got {key.to_user_string()!r}"
            )
        if taken.has(name, None):
            raise InvariantViolationError(
                f"check {key.to_user_string()!r}: expected one result, got another one"
            )
        taken.add(name, None)
        self._env.emit(
            EventType.STEP_OUTPUT,
            f'Gave output "{name}".',
            step_key=step.key,
            payload=OutputValue(name=name, metadata=result.metadata, type_name="Nothing"),
        )
        if self._env.captured is not None:
            self._env.captured[(step.key, name, None)] = None
        spec = self._env.layer.check_specs.get(key)
        is_blocking = bool(spec is not None and spec.blocking)
        self._evaluation(step, key, result, is_blocking)
        if is_blocking and not result.passed and result.severity is AssetCheckSeverity.ERROR:
            taken.failed_blocking.append(key)

    def _check_key(
        self, step: StepContext, result: AssetCheckResult, asset: AssetKey | None
    ) -> AssetCheckKey:
        keys = step.check_keys
        wanted_asset = result.asset_key or asset
        found = [
            key
            for key in keys
            if (wanted_asset is None or key.asset_key == wanted_asset)
            and (result.check_name is None or key.name == result.check_name)
        ]
        if len(found) == 1:
            return found[0]
        described = ", ".join(sorted(key.to_user_string() for key in keys)) or "it has none"
        if not found:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected a result for one of its checks ({described}), got asset "
                f"{wanted_asset!r}, check {result.check_name!r}"
            )
        raise InvariantViolationError(
            f"op {step.node.name!r}: expected asset_key and check_name in AssetCheckResult, as several "
            "checks are possible "
            f"({described}), got too little to tell which"
        )

    def _evaluation(self, step: StepContext, key: AssetCheckKey, result: Any, is_blocking: bool) -> None:
        partition = getattr(result, "partition", None)
        if partition is None and key.asset_key in self._env.layer.partitions_defs and step.partitions.has_key:
            spec = self._env.layer.check_specs.get(key)
            if (
                spec is None
                or getattr(spec, "partitions_def", None) is not None
                or step.assets_def is not None
            ):
                partition = self._env.partition_key
        asset = key.asset_key.to_escaped_user_string()
        self._env.emit(
            EventType.ASSET_CHECK_EVALUATION,
            f"Asset check {key.name!r} on {asset!r} {'passed' if result.passed else 'did not pass'}."
            + (f" {result.description}" if result.description else ""),
            step_key=step.key,
            asset=asset,
            partition=partition,
            check=key.name,
            payload=CheckEvaluation(
                passed=result.passed,
                severity=result.severity.value,
                blocking=is_blocking,
                metadata=result.metadata,
                description=result.description,
            ),
        )

    # -- the end ------------------------------------------------------------------------------------------

    def require_complete(self, step: StepContext, results: Sequence[Any]) -> None:
        """Refuse returned results that leave out assets or checks, before any of them is recorded.

        Raises:
            InvariantViolationError: naming what is missing.
        """
        if step.assets_def is None or not any(
            isinstance(r, (AssetResult, AssetCheckResult)) for r in results
        ):
            return
        given = _named_entities(step, results)
        selected = {*step.assets_def.keys, *step.assets_def.check_keys}
        missing = [
            entity.to_user_string()
            for definition in step.op_def.output_defs
            if definition.is_required
            for entity in (step.asset_of_output(definition.name) or step.check_of_output(definition.name),)
            if entity is not None and entity in selected and entity not in given
        ]
        if missing:
            raise InvariantViolationError(
                f"{step.node.name!r}: expected results for {missing} too, got none; return one for "
                "each, or declare them as "
                "skippable"
            )

    def finish(self, step: StepContext, taken: TakenOutputs) -> None:
        """Check that nothing is missing and no blocking check has failed.

        An output of the type Nothing has no value that could be missing: it is given at the end, unless the step makes
        several assets, of which each has to be named.

        Raises:
            StepOutputNotFoundError: when a required output was not given.
            AssetCheckFailedError: when a blocking check did not pass.
        """
        selected: set[Any] | None = None
        if step.assets_def is not None and step.assets_def.is_subset:
            selected = {*step.assets_def.keys, *step.assets_def.check_keys}
        for definition in step.op_def.output_defs:
            name = definition.name
            if not definition.is_required or taken.has_any(name):
                continue
            if definition.is_dynamic:
                taken.add_empty(name)
                continue
            entity = step.asset_of_output(name) or step.check_of_output(name)
            if selected is not None and entity is not None and entity not in selected:
                continue
            if definition.dagster_type.is_nothing and (entity is None or len(step.asset_keys) == 1):
                self.take(step, Output(None, name), taken)
                continue
            what = f"{entity.to_user_string()!r} ({name})" if entity is not None else f"{name!r}"
            raise StepOutputNotFoundError(
                f"op {step.node.name!r}: expected the output {what}, got none; "
                + (step.typed_stream_message or "give it, or declare it as not required")
            )
        if taken.failed_blocking:
            names = ", ".join(sorted(key.to_user_string() for key in taken.failed_blocking))
            raise AssetCheckFailedError(
                f"blocking checks did not pass: {names}; what depends on these assets is not executed"
            )


def _named_entities(step: StepContext, results: Sequence[Any]) -> set[Any]:
    """Assets and checks that some results are for. Results that do not say which count for all they may be for."""
    assets, checks = step.asset_keys, step.check_keys
    found: set[Any] = set()
    for result in results:
        if isinstance(result, AssetResult):
            key = result.asset_key or (assets[0] if len(assets) == 1 else None)
            found |= {key} if key is not None else set(assets)
            for check in result.check_results:
                found |= {one for one in checks if _may_be(check, one, key)}
        elif isinstance(result, AssetCheckResult):
            found |= {one for one in checks if _may_be(result, one, None)}
        elif isinstance(result, Output):
            found.add(step.asset_of_output(result.output_name) or step.check_of_output(result.output_name))
    return found


def _may_be(result: AssetCheckResult, key: AssetCheckKey, asset: AssetKey | None) -> bool:
    wanted = result.asset_key or asset
    return (wanted is None or key.asset_key == wanted) and result.check_name in (None, key.name)


def _as_check_result(step: StepContext, name: str, value: Any) -> AssetCheckResult:
    """What the function of a check gave; a plain truth value says whether it passed (F24)."""
    if isinstance(value, AssetCheckResult):
        return value
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return AssetCheckResult(passed=bool(value))
    key = step.check_of_output(name)
    raise InvariantViolationError(
        f"check {key.to_user_string() if key else name!r}: expected AssetCheckResult or a bool, got {value!r} "
        f"({type(value).__name__}); return AssetCheckResult(passed=...)"
    )


def _told_by_manager(context: Any, made: Iterable[Any]) -> Iterator[Any]:
    """Materialisations and observations that an IO manager yields; metadata that it yields is the output's."""
    for item in made:
        if isinstance(item, dict):
            context.add_output_metadata(item)
        elif isinstance(item, (AssetMaterialization, AssetObservation)):
            yield item
        else:
            raise InvariantViolationError(
                f"expected an IO manager to yield metadata dicts or AssetMaterialization, got {item!r}"
            )


class TakenOutputs:
    """Which outputs a step has given so far."""

    def __init__(self) -> None:
        self.outputs: dict[str, list[str] | None] = {}
        self.failed_blocking: list[AssetCheckKey] = []

    def add(self, name: str, mapping_key: str | None) -> None:
        """Note one."""
        if mapping_key is None:
            self.outputs[name] = None
        else:
            keys = self.outputs.setdefault(name, [])
            assert keys is not None
            keys.append(mapping_key)

    def add_empty(self, name: str) -> None:
        """Note a dynamic output without values."""
        self.outputs[name] = []

    def has(self, name: str, mapping_key: str | None) -> bool:
        """Whether this one was given."""
        if name not in self.outputs:
            return False
        keys = self.outputs[name]
        return keys is None or (mapping_key is not None and mapping_key in keys)

    def has_any(self, name: str) -> bool:
        """Whether an output was given at all."""
        return name in self.outputs

    def yielded(self) -> dict[str, tuple[str, ...] | None]:
        """For ``RunProgress.succeed``."""
        return {name: None if keys is None else tuple(keys) for name, keys in self.outputs.items()}


__all__ = ["OutputWriter", "TakenOutputs"]
