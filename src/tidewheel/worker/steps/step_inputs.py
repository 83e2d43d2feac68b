"""Loads the inputs of a step: from other steps' outputs, stored assets, run config, defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tidewheel.definitions.assets.results import NO_VALUE
from tidewheel.definitions.ops.inputs_outputs import InputDefinition
from tidewheel.definitions.ops.types import ANY_TYPE, RuntimeType
from tidewheel.errors import (
    CheckError,
    ExecutionLoadInputError,
    InvariantViolationError,
    TidewheelError,
    TypeCheckDidNotPass,
    TypeCheckError,
)
from tidewheel.logic.runs.plan import AssetRef, OutputRef, PlannedInput, ValueRef
from tidewheel.values.error_info import error_text
from tidewheel.values.events import EventType, OutputValue, TypeCheckOutcome
from tidewheel.values.keys import AssetKey
from tidewheel.worker.contexts.io_contexts import IOContexts, path_of
from tidewheel.worker.contexts.step_context import StepContext
from tidewheel.worker.environment.run_environment import RunEnvironment


class TypeCheckContext:
    """What type checks and type loaders may use."""

    def __init__(self, step: StepContext, dagster_type: RuntimeType | None = None) -> None:
        self._step = step
        self.dagster_type = dagster_type

    @property
    def log(self) -> Any:
        """A logger."""
        return self._step.log

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._step.env.run_id

    @property
    def resources(self) -> Any:
        """Resources that the type named."""
        kind = self.dagster_type
        keys = kind.required_resource_keys if kind is not None else frozenset()
        if kind is not None and kind.loader is not None:
            keys = keys | kind.loader.required_resource_keys()
        return self._step.scope.view(frozenset(keys))

    @property
    def job_def(self) -> Any:
        """The job."""
        return self._step.env.job

    @property
    def op_def(self) -> Any:
        """The op."""
        return self._step.op_def


class InputLoader:
    """Loads inputs for the steps of one run. ``is_available`` tells which members of a list of sources are there."""

    def __init__(
        self, env: RunEnvironment, contexts: IOContexts, is_available: Callable[[OutputRef], bool]
    ) -> None:
        self._env = env
        self._contexts = contexts
        self._is_available = is_available

    def load_all(self, step: StepContext) -> dict[str, Any]:
        """Values by input name; inputs without a value (Nothing) are left out.

        Raises:
            ExecutionLoadInputError: when an IO manager raises.
            TypeCheckDidNotPass: when a value is not of the input's type.
        """
        values: dict[str, Any] = {}
        for planned in step.step.inputs:
            definition = step.op_def.input_dict[planned.name]
            if not definition.dagster_type.is_nothing:
                values[planned.name] = self._load(step, planned, definition)
        for name, value in values.items():
            kind = step.op_def.input_dict[name].dagster_type
            checked = check_type(step, kind, value, f"input {name!r}")
            self._env.emit(
                EventType.STEP_INPUT,
                f'Got input "{name}" of type "{kind.display_name}".{checked.sentence}',
                step_key=step.key,
                payload=OutputValue(name=name, type_name=kind.display_name, type_check=checked.outcome),
            )
            if checked.mistake is not None:
                raise checked.mistake
        return values

    def _load(self, step: StepContext, planned: PlannedInput, definition: InputDefinition) -> Any:
        if planned.fan_in:
            return [
                self._from_source(step, source, definition)
                for source in planned.sources
                if not isinstance(source, OutputRef) or self._is_available(source)
            ]
        return self._from_source(step, planned.sources[0], definition)

    def _from_source(self, step: StepContext, source: Any, definition: InputDefinition) -> Any:
        if isinstance(source, OutputRef):
            return self._from_output(step, source, definition)
        if isinstance(source, AssetRef):
            return self._from_asset(step, AssetKey.from_escaped_user_string(source.asset), definition)
        return self._from_value(step, source, definition)

    # -- values known before the run ----------------------------------------------------------------------

    def _from_value(self, step: StepContext, source: ValueRef, definition: InputDefinition) -> Any:
        env = self._env
        if source.kind == "argument":
            return env.job.input_values[source.name]
        if source.kind == "manager":
            return self._from_manager(step, definition)
        if source.kind == "config":
            return self._from_config(step, definition, env.resolved.op(source.path).inputs[source.name])
        if source.kind == "graph_config":
            holder = (
                env.job.graph.node_at(source.path).input_dict if source.path else env.job.graph.input_dict
            )
            return self._from_config(
                step, holder[source.name], env.graph_config_value(source.path, source.name)
            )
        holder = env.job.graph.node_at(source.path).input_dict if source.path else env.job.graph.input_dict
        found = holder[source.name].default_value
        if found is NO_VALUE:
            found = definition.default_value
        if found is NO_VALUE:
            raise InvariantViolationError(
                f"op {step.node.name!r}: expected a value for input {definition.name!r}, got none; "
                "connect it, give it a default, "
                f"or put it into run config under ops: {step.node.name}: inputs: {definition.name}"
            )
        return found

    def _from_config(self, step: StepContext, definition: InputDefinition, value: Any) -> Any:
        loader = definition.dagster_type.loader
        assert loader is not None
        try:
            return loader.construct_from_config_value(TypeCheckContext(step, definition.dagster_type), value)
        except Exception as exc:
            if isinstance(exc, TidewheelError) and not isinstance(exc, CheckError):
                raise
            raise ExecutionLoadInputError(
                f"loading input {definition.name!r} of op {step.node.name!r} from run config raised "
                f"{type(exc).__name__}: {error_text(exc)}",
                user_exception=exc,
            ) from exc

    # -- stored values ------------------------------------------------------------------------------------

    def _from_output(self, step: StepContext, ref: OutputRef, definition: InputDefinition) -> Any:
        path = path_of(ref.step)
        output = self._env.job.graph.node_at(path).definition.output_dict[ref.output]
        asset = self._env.layer.outputs.get((path, ref.output))
        key = definition.input_manager_key or self._contexts.manager_key_of_output(path, output)
        upstream = self._contexts.upstream(ref, lambda: step.log, None)
        context = self._contexts.for_input(
            step,
            definition,
            manager_key=key,
            upstream=upstream,
            asset=asset if asset is not None else step.asset_of_input(definition.name),
        )
        value = self._call(step, definition, key, context)
        self._loaded(step, definition, key, context, ref)
        return value

    def _from_asset(self, step: StepContext, asset: AssetKey, definition: InputDefinition) -> Any:
        key = definition.input_manager_key or self._contexts.manager_key_of_asset(asset)
        upstream = self._contexts.for_stored_asset(None, asset, manager_key=key, log=lambda: step.log)
        context = self._contexts.for_input(step, definition, manager_key=key, upstream=upstream, asset=asset)
        value = self._call(step, definition, key, context)
        self._loaded(step, definition, key, context, None)
        return value

    def _from_manager(self, step: StepContext, definition: InputDefinition) -> Any:
        key = definition.input_manager_key
        assert key is not None
        context = self._contexts.for_input(step, definition, manager_key=key, upstream=None, asset=None)
        value = self._call(step, definition, key, context)
        self._loaded(step, definition, key, context, None)
        return value

    def _call(self, step: StepContext, definition: InputDefinition, key: str, context: Any) -> Any:
        manager = self._contexts.manager(key)
        try:
            with self._env.gate.user_code():
                return manager.load_input(context)
        except Exception as exc:
            if isinstance(exc, TidewheelError) and not isinstance(exc, CheckError):
                raise
            raise ExecutionLoadInputError(
                f"loading input {definition.name!r} of op {step.node.name!r} with IO manager {key!r} raised "
                f"{type(exc).__name__}: {error_text(exc)}",
                user_exception=exc,
            ) from exc

    def _loaded(
        self, step: StepContext, definition: InputDefinition, key: str, context: Any, ref: OutputRef | None
    ) -> None:
        origin = f', from output "{ref.output}" of step "{ref.step}"' if ref is not None else ""
        self._env.emit(
            EventType.LOADED_INPUT,
            f'Loaded input "{definition.name}" using IO manager "{key}"{origin}.',
            step_key=step.key,
            payload=OutputValue(
                name=definition.name,
                manager_key=key,
                metadata=context.get_logged_metadata(),
                upstream_step=ref.step if ref is not None else None,
                upstream_output=ref.output if ref is not None else None,
            ),
        )

    def load_asset(
        self, step: StepContext, asset: AssetKey, python_type: Any, partition_key: str | None
    ) -> Any:
        """The stored value of any asset that the job knows, for ``context.load_asset_value``."""
        definition = InputDefinition(asset.path[-1], python_type if python_type is not None else None)
        key = self._contexts.manager_key_of_asset(asset)
        keys = [partition_key] if partition_key is not None else None
        upstream = self._contexts.for_stored_asset(
            None, asset, manager_key=key, log=lambda: step.log, keys=keys
        )
        context = self._contexts.for_input(step, definition, manager_key=key, upstream=upstream, asset=asset)
        if keys is not None:
            context._partition_keys = keys
            context._partition_key = partition_key
            upstream._partition_keys = keys
        return self._call(step, definition, key, context)


class CheckedType(NamedTuple):
    """What the check of a value's type said, and what to raise when it did not pass."""

    outcome: TypeCheckOutcome | None = None
    mistake: TypeCheckDidNotPass | None = None

    @property
    def sentence(self) -> str:
        """For the message of the event that tells of the value."""
        return " It is not of this type." if self.mistake is not None else ""


NOT_CHECKED = CheckedType()


def check_type(step: StepContext, kind: RuntimeType, value: Any, what: str) -> CheckedType:
    """Check a value against a type.

    Raises:
        TypeCheckError: when the check raises.
    """
    if kind is ANY_TYPE:
        return NOT_CHECKED
    try:
        with step.env.gate.user_code():
            said = kind.type_check(TypeCheckContext(step, kind), value)
    except TidewheelError:
        raise
    except Exception as exc:
        raise TypeCheckError(
            f"the check of type {kind.display_name!r} raised {type(exc).__name__}: {error_text(exc)}",
            user_exception=exc,
        ) from exc
    if said.success and said.description is None and not said.metadata:
        return NOT_CHECKED
    outcome = TypeCheckOutcome(
        success=said.success, description=said.description, metadata=dict(said.metadata)
    )
    if said.success:
        return CheckedType(outcome)
    mistake = TypeCheckDidNotPass(
        f"op {step.node.name!r}: the {what} is not of type {kind.display_name!r}: "
        f"{said.description or 'the check did not pass'}",
        metadata=said.metadata,
        dagster_type=kind,
    )
    return CheckedType(outcome, mistake)
