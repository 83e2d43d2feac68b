"""``OpDefinition``: a function with inputs, outputs, config, resources and retries, as one node of a graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.asset_labels import RESERVED_NAMES, require_name
from tidewheel.definitions.assets.results import NO_VALUE
from tidewheel.definitions.config.config_schema import Field, to_optional_field
from tidewheel.definitions.config.configured import ConfigSource, fixed_or_mapped
from tidewheel.definitions.jobs.execution_hooks import hooks
from tidewheel.definitions.ops.composition import PendingNodeInvocation, current_composer
from tidewheel.definitions.ops.function_signature import EMPTY, FunctionSignature
from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.definitions.ops.inputs_outputs import In, InputDefinition, Out, OutputDefinition
from tidewheel.definitions.ops.retry_policy import RetryPolicy
from tidewheel.definitions.ops.types import ANY_TYPE
from tidewheel.errors import CheckError, InvalidDefinitionError, ParameterCheckError
from tidewheel.values.tags import normalize_tags


class OpFunction:
    """A user's function with what was read from its signature: called with keyword arguments for its inputs."""

    def __init__(self, fn: Callable[..., Any], signature: FunctionSignature | None = None) -> None:
        self.decorated_fn = fn
        self.signature = signature or FunctionSignature(fn)
        self.is_async_generator = inspect.isasyncgenfunction(fn)
        self.is_async = inspect.iscoroutinefunction(fn)

    @property
    def name(self) -> str:
        """The function's name."""
        return self.signature.name

    def has_context_arg(self) -> bool:
        """Whether the first parameter is the context."""
        return self.signature.has_context

    def has_config_arg(self) -> bool:
        """Whether there is a parameter ``config``."""
        return self.signature.config is not None

    def get_resource_args(self) -> list[str]:
        """Parameters that are resources."""
        return list(self.signature.resources)

    def get_output_annotation(self) -> Any:
        """The return annotation."""
        return self.signature.return_annotation


class OpDefinition:
    """One op.

    ``compute_fn`` is an ``OpFunction`` (made by the decorators), or a function ``(context, inputs)`` that yields
    ``Output``s, returns several of them, or returns the value. ``ins`` and ``outs`` may be dicts of ``In``/``Out`` or
    lists of ready definitions.
    """

    is_graph = False
    __needs_name_when_configured__ = True

    def __init__(
        self,
        compute_fn: Callable[..., Any] | OpFunction,
        name: str,
        ins: Mapping[str, In] | Sequence[InputDefinition] | None = None,
        outs: Mapping[str, Out] | Sequence[OutputDefinition] | None = None,
        description: str | None = None,
        config_schema: Any = None,
        required_resource_keys: AbstractSet[str] | None = None,
        tags: Mapping[str, Any] | None = None,
        version: str | None = None,
        retry_policy: RetryPolicy | None = None,
        code_version: str | None = None,
        pool: str | None = None,
    ) -> None:
        self.name = _op_name(name)
        if not callable(compute_fn) and not isinstance(compute_fn, OpFunction):
            raise ParameterCheckError(f"op {name!r}: expected compute_fn as a function, got {compute_fn!r}")
        self.compute_fn = compute_fn
        self.input_defs = _input_definitions(ins)
        self.output_defs = _output_definitions(outs)
        self.input_dict = {definition.name: definition for definition in self.input_defs}
        self.output_dict = {definition.name: definition for definition in self.output_defs}
        self.description = description
        self.config_field: Field | None = to_optional_field(config_schema)
        self.source: ConfigSource | None = None
        self.required_resource_keys = frozenset(required_resource_keys or ())
        self.tags = _tags(tags)
        self.version = code_version or version
        self.retry_policy = retry_policy
        if pool is not None and not isinstance(pool, str):
            raise CheckError(f"expected pool as text, got {pool!r}")
        self.pool = pool or self.tags.get("dagster/concurrency_key")
        self.positional_inputs: list[str] = (
            list(compute_fn.signature.inputs) if isinstance(compute_fn, OpFunction) else list(self.input_dict)
        )

    # -- what it is ---------------------------------------------------------------------------------------

    @property
    def ins(self) -> Mapping[str, In]:
        """Inputs as users write them."""
        return {definition.name: definition.to_in() for definition in self.input_defs}

    @property
    def outs(self) -> Mapping[str, Out]:
        """Outputs as users write them."""
        return {definition.name: definition.to_out() for definition in self.output_defs}

    @property
    def code_version(self) -> str | None:
        """The version of the code that its author gave."""
        return self.version

    @property
    def pools(self) -> set[str]:
        """Its pool, as a set."""
        return {self.pool} if self.pool else set()

    @property
    def config_schema(self) -> Field | None:
        """The config that a run may or must give."""
        return self.config_field

    @property
    def has_config_field(self) -> bool:
        """Whether there is a config schema."""
        return self.config_field is not None

    @property
    def node_type_str(self) -> str:
        """For messages."""
        return "op"

    def input_def_named(self, name: str) -> InputDefinition:
        """One input; KeyError when there is none of this name."""
        return self.input_dict[name]

    def output_def_named(self, name: str) -> OutputDefinition:
        """One output; KeyError when there is none of this name."""
        return self.output_dict[name]

    def has_input(self, name: str) -> bool:
        """Whether there is an input of this name."""
        return name in self.input_dict

    def has_output(self, name: str) -> bool:
        """Whether there is an output of this name."""
        return name in self.output_dict

    def is_from_decorator(self) -> bool:
        """Whether it was made of a decorated function."""
        return isinstance(self.compute_fn, OpFunction)

    def get_output_annotation(self) -> Any:
        """The function's return annotation."""
        return self.compute_fn.get_output_annotation() if isinstance(self.compute_fn, OpFunction) else EMPTY

    def iterate_op_defs(self) -> list[OpDefinition]:
        """Itself."""
        return [self]

    def iterate_node_defs(self) -> list[OpDefinition]:
        """Itself."""
        return [self]

    def resource_keys_of_types(self) -> frozenset[str]:
        """Resources that the types of its inputs and outputs need."""
        keys: set[str] = set()
        both: list[InputDefinition | OutputDefinition] = [*self.input_defs, *self.output_defs]
        for definition in both:
            if definition.dagster_type is not ANY_TYPE:
                keys |= definition.dagster_type.required_resource_keys
                if definition.dagster_type.loader is not None:
                    keys |= definition.dagster_type.loader.required_resource_keys()
        return frozenset(keys)

    def resolve_config(self, value: Any) -> Any:
        """The config that the function sees, for one that was checked against ``config_field``."""
        return self.source.resolve(value) if self.source is not None else value

    # -- copies -------------------------------------------------------------------------------------------

    def with_replaced_properties(
        self,
        name: str,
        ins: Mapping[str, In] | None = None,
        outs: Mapping[str, Out] | None = None,
        config_schema: Any = None,
        description: str | None = None,
    ) -> OpDefinition:
        """A copy under another name, with other inputs or outputs."""
        copy = OpDefinition(
            self.compute_fn,
            name,
            ins if ins is not None else self.input_defs,
            outs if outs is not None else self.output_defs,
            description or self.description,
            config_schema if config_schema is not None else self.config_field,
            self.required_resource_keys,
            self.tags,
            retry_policy=self.retry_policy,
            code_version=self.version,
            pool=self.pool,
        )
        copy.source = self.source
        copy.__doc__ = self.__doc__
        return copy

    def configured(
        self,
        config_or_config_fn: Any,
        name: str,
        config_schema: Any = None,
        description: str | None = None,
    ) -> OpDefinition:
        """A copy under another name with its config fixed, or computed by a function."""
        copy = self.with_replaced_properties(name=name, description=description)
        copy.source = fixed_or_mapped(
            config_or_config_fn,
            config_schema,
            inner=self.config_field,
            parent=self.source,
            subject=f"op {name!r}",
        )
        copy.config_field = copy.source.outer
        return copy

    # -- use ----------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """In the body of a graph or job: use the op. Elsewhere: call its function, as a test does."""
        if current_composer() is not None:
            return PendingNodeInvocation(self)(*args, **kwargs)
        return hooks().invoke_op(self, args, kwargs)

    def alias(self, name: str) -> PendingNodeInvocation:
        """Use the op under another name."""
        return PendingNodeInvocation(self, given_alias=name)

    def tag(self, tags: Mapping[str, str] | None) -> PendingNodeInvocation:
        """Use the op with further tags."""
        return PendingNodeInvocation(self, tags=tags)

    def with_hooks(self, hook_defs: AbstractSet[HookDefinition]) -> PendingNodeInvocation:
        """Use the op with hooks."""
        return PendingNodeInvocation(self, hook_defs=hook_defs)

    def with_retry_policy(self, retry_policy: RetryPolicy) -> PendingNodeInvocation:
        """Use the op with another retry policy."""
        return PendingNodeInvocation(self, retry_policy=retry_policy)

    def __repr__(self) -> str:
        return f"OpDefinition({self.name!r})"


def _op_name(name: str) -> str:
    if name in RESERVED_NAMES:
        raise InvalidDefinitionError(
            f"expected a name for an op that is not reserved, got {name!r}; choose another one"
        )
    return require_name(name, "name of an op")


def _tags(tags: Mapping[str, Any] | None) -> dict[str, str]:
    try:
        return normalize_tags(tags)
    except TypeError as exc:
        raise InvalidDefinitionError(str(exc)) from exc


def _input_definitions(ins: Mapping[str, In] | Sequence[InputDefinition] | None) -> list[InputDefinition]:
    if ins is None:
        return []
    if not isinstance(ins, Mapping):
        return _ready(ins, InputDefinition, "ins", "In")
    made = []
    for name, given in ins.items():
        if not isinstance(given, In):
            raise CheckError(f"expected ins[{name!r}] as In(...), got {given!r}; write In({given!r})")
        made.append(input_definition(name, given))
    return made


def _ready(given: Any, kind: type, argument: str, user_kind: str) -> list[Any]:
    """Definitions that were made with their names.

    Raises:
        ParameterCheckError: when it is anything else than such definitions.
    """
    if not isinstance(given, Sequence) or not all(isinstance(one, kind) for one in given):
        raise ParameterCheckError(
            f"expected {argument} as a dict of names and {user_kind}(...), got {given!r}; give each a name"
        )
    return list(given)


def input_definition(name: str, given: In, annotation: Any = EMPTY, default: Any = EMPTY) -> InputDefinition:
    """An input with everything settled: what ``In`` leaves open comes from the function's annotation and default.

    Raises:
        InvalidDefinitionError: for names and annotations that cannot be.
    """
    if name in RESERVED_NAMES:
        raise InvalidDefinitionError(
            f"expected a name for an input that is not reserved, got {name!r}; choose another one"
        )
    kind = given.dagster_type
    if kind is NO_VALUE:
        try:
            kind = ANY_TYPE if annotation is EMPTY else annotation
            return _settled_input(name, given, kind, default)
        except InvalidDefinitionError as exc:
            raise InvalidDefinitionError(
                f"the annotation of input {name!r}: {exc}; correct it, or give the type with In(...)"
            ) from exc
    return _settled_input(name, given, kind, default)


def _settled_input(name: str, given: In, kind: Any, default: Any) -> InputDefinition:
    value = given.default_value
    if value is NO_VALUE and default is not EMPTY:
        value = default
    return InputDefinition(
        require_name(name, "name of an input"),
        kind,
        given.description,
        value,
        given.metadata,
        given.asset_key,
        given.asset_partitions,
        given.input_manager_key,
    )


def _output_definitions(
    outs: Mapping[str, Out] | Sequence[OutputDefinition] | None,
) -> list[OutputDefinition]:
    if outs is None:
        return [OutputDefinition()]
    if not isinstance(outs, Mapping):
        return _ready(outs, OutputDefinition, "outs", "Out")
    made = []
    for name, given in outs.items():
        if not isinstance(given, Out):
            raise CheckError(f"expected out[{name!r}] as Out(...), got {given!r}; write Out({given!r})")
        made.append(output_definition(name, given))
    return made


def output_definition(name: str, given: Out, annotation: Any = EMPTY) -> OutputDefinition:
    """An output with everything settled: a type that ``Out`` leaves open comes from the function's annotation.

    Raises:
        InvalidDefinitionError: for names and annotations that cannot be.
    """
    kind = given.dagster_type
    if kind is NO_VALUE:
        kind = ANY_TYPE if annotation is EMPTY else annotation
    try:
        return OutputDefinition(
            kind,
            require_name(name, "name of an output"),
            given.description,
            given.is_required,
            given.io_manager_key,
            given.metadata,
            given.code_version,
            given.is_dynamic,
        )
    except InvalidDefinitionError as exc:
        if annotation is EMPTY:
            raise
        raise InvalidDefinitionError(
            f"the return annotation for output {name!r}: {exc}; correct it, or give the type with Out(...)"
        ) from exc
