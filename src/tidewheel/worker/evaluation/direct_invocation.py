"""Calling user functions directly, as tests do: ops, resources and hooks behave like the functions they were made of."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from tidewheel.definitions.assets.results import (
    NO_VALUE,
    AssetResult,
    DynamicOutput,
    Output,
)
from tidewheel.definitions.config.config_validation import check_config
from tidewheel.definitions.config.pythonic_config import Config, make_config, to_config_value
from tidewheel.definitions.ops.definition import OpDefinition, OpFunction
from tidewheel.definitions.ops.function_signature import EMPTY
from tidewheel.definitions.ops.hooks import HookDefinition
from tidewheel.definitions.resources.definition import (
    ResourceDefinition,
    check_resource_config,
    takes_context,
)
from tidewheel.definitions.resources.pythonic_resources import (
    ConfigurableResourceDefinition,
    ConfigurableResourceFactory,
    PartialResource,
)
from tidewheel.definitions.resources.resource_context import InitResourceContext
from tidewheel.errors import (
    InvalidDefinitionError,
    InvalidInvocationError,
    InvariantViolationError,
    ParameterCheckError,
    TypeCheckDidNotPass,
    did_you_mean,
)
from tidewheel.runtime.instance.facade import Instance
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.expectations import ExpectationResult
from tidewheel.worker.contexts.asset_context import AssetCheckExecutionContext, AssetExecutionContext
from tidewheel.worker.contexts.direct_contexts import (
    DirectHookContext,
    DirectOpExecutionContext,
    DirectResources,
    DirectStep,
    build_hook_context,
    build_op_context,
)
from tidewheel.worker.contexts.op_context import CURRENT, OpExecutionContext
from tidewheel.worker.steps.op_results import returned_results


def invoke_op(
    op_def: OpDefinition,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    alias: str | None = None,
    assets_def: Any = None,
) -> Any:
    """Call an op's function with a context made by hand (or none) and values for its inputs.

    Raises:
        InvalidInvocationError: when arguments are missing, too many or contradict each other.
        TypeCheckDidNotPass: when a value is not of the declared type.
    """
    function = op_def.compute_fn
    if not isinstance(function, OpFunction):
        raise InvalidInvocationError(
            f"expected an op made by a decorator for a direct call, got {op_def.name!r}, which was made by OpDefinition"
        )
    call = _Call(op_def, function, args, dict(kwargs), alias, assets_def)
    return call.run()


class _Call:
    """One direct call."""

    def __init__(
        self,
        op_def: OpDefinition,
        function: OpFunction,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        alias: str | None,
        assets_def: Any,
    ) -> None:
        self.op_def = op_def
        self.function = function
        self.signature = function.signature
        self.kwargs = kwargs
        self.alias = alias
        self.assets_def = assets_def
        self.context, self.args = self._split_context(list(args))
        self._held = contextlib.ExitStack()

    def _split_context(self, args: list[Any]) -> tuple[Any, list[Any]]:
        if not self.signature.has_context:
            if args and isinstance(
                args[0], (OpExecutionContext, AssetExecutionContext, AssetCheckExecutionContext)
            ):
                return args.pop(0), args
            return None, args
        name = self.signature.context_name
        if name in self.kwargs:
            return self.kwargs.pop(name), args
        if not args:
            raise InvalidInvocationError(
                f"{self._what}: expected a context as first argument, got none; pass "
                "build_op_context() (build_asset_context())"
            )
        context = args.pop(0)
        known = (OpExecutionContext, AssetExecutionContext, AssetCheckExecutionContext)
        if context is not None and not isinstance(context, known):
            raise InvalidInvocationError(
                f"{self._what}: expected a context as first argument, got {context!r}; pass build_op_context()"
            )
        return context, args

    @property
    def _what(self) -> str:
        return f"{'asset' if self.assets_def is not None else 'op'} {self.op_def.name!r}"

    def run(self) -> Any:
        """Bind everything and call the function."""
        context = self.context if self.context is not None else build_op_context()
        step = context.op_execution_context._step
        values, config_given, resources_given = self._arguments()
        config = self._config(step, config_given)
        if isinstance(step, DirectStep):
            step.bind(
                self.op_def, alias=self.alias, config=to_config_value(config), assets_def=self.assets_def
            )
        arguments = dict(values)
        if self.signature.config is not None:
            arguments["config"] = config
        with self._held:
            arguments.update(self._resources(step, resources_given))
            made = self._called(self._shown_context(context), arguments)
            return self._checked(made, self._held.pop_all())

    def _called(self, context: Any, arguments: dict[str, Any]) -> Any:
        call_args = [context] if self.signature.has_context else []
        call_args += [arguments.pop(name) for name in self.signature.positional_only if name in arguments]
        token = CURRENT.set(context)
        try:
            return self.function.decorated_fn(*call_args, **arguments)
        finally:
            CURRENT.reset(token)

    def _shown_context(self, context: Any) -> Any:
        """The kind of context that the function's annotation asks for."""
        annotation = self.signature.context_annotation
        if annotation is AssetExecutionContext and not isinstance(context, AssetExecutionContext):
            return AssetExecutionContext(context.op_execution_context)
        if annotation is AssetCheckExecutionContext and not isinstance(context, AssetCheckExecutionContext):
            return AssetCheckExecutionContext(context.op_execution_context)
        if annotation is OpExecutionContext:
            return context.op_execution_context
        if (
            annotation is EMPTY
            and self.assets_def is not None
            and isinstance(context, DirectOpExecutionContext)
        ):
            return AssetExecutionContext(context)
        return context

    # -- arguments ----------------------------------------------------------------------------------------

    def _arguments(self) -> tuple[dict[str, Any], Any, dict[str, Any]]:
        signature = self.signature
        order = [
            name
            for name in inspect.signature(self.function.decorated_fn).parameters
            if name != signature.context_name
            and (name in signature.inputs or name == "config" or name in signature.resources)
        ]
        given: dict[str, Any] = {}
        if len(self.args) > len(order):
            raise InvalidInvocationError(
                f"{self._what}: expected at most {len(order)} arguments "
                f"({', '.join(order) or 'none'}), got {len(self.args)}"
            )
        given.update(zip(order, self.args, strict=False))
        for name, value in self.kwargs.items():
            if name in given:
                raise InvalidInvocationError(f"{self._what}: expected one value for {name!r}, got two")
            if name not in order and not (signature.has_kwargs and name in self.op_def.input_dict):
                if name in self.op_def.input_dict:
                    continue  # an input of type Nothing: there is no parameter for it
                raise InvalidInvocationError(
                    f"{self._what}: expected its arguments ({', '.join(order) or 'none'}), got {name!r}; "
                    + did_you_mean(name, order)
                )
            given[name] = value
        config = given.pop("config", NO_VALUE) if signature.config is not None else NO_VALUE
        resources = {name: given.pop(name) for name in list(given) if name in signature.resources}
        return self._inputs(given), config, resources

    def _inputs(self, given: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, definition in self.op_def.input_dict.items():
            if definition.dagster_type.is_nothing:
                continue
            if name in given:
                values[name] = given[name]
            elif definition.has_default_value:
                values[name] = definition.default_value
            else:
                raise InvalidInvocationError(
                    f"{self._what}: expected a value for its input {name!r}, got none; pass it"
                )
            self._check_type(definition.dagster_type, values[name], f"input {name!r}")
        return values

    def _check_type(self, kind: Any, value: Any, what: str) -> None:
        outcome = kind.type_check(None, value)
        if not outcome.success:
            raise TypeCheckDidNotPass(
                f"{self._what}: the {what} is not of type {kind.display_name!r}: {outcome.description}",
                metadata=outcome.metadata,
                dagster_type=kind,
            )

    def _config(self, step: Any, given: Any) -> Any:
        field = self.op_def.config_field
        from_context = step.raw_config if isinstance(step, DirectStep) else step.config
        if given is not NO_VALUE:
            if from_context is not None:
                raise InvalidInvocationError(
                    f"{self._what}: expected config in the context or as an argument, got both; drop one"
                )
            if isinstance(given, Config):
                return given
            from_context = given
        if field is None:
            return from_context
        checked = check_config(field, from_context, subject=f"op {self.op_def.name!r}")
        resolved = self.op_def.resolve_config(checked)
        if self.signature.config is None:
            return resolved
        inner = self.op_def.source.inner if self.op_def.source is not None else field
        return make_config(inner.config_type, resolved) if inner is not None else resolved

    def _resources(self, step: Any, given: dict[str, Any]) -> dict[str, Any]:
        known = step.resources.definitions if isinstance(step, DirectStep) else {}
        values: dict[str, Any] = {}
        for name in self.signature.resources:
            if name in given:
                if name in known:
                    raise InvalidInvocationError(
                        f"{self._what}: expected the resource {name!r} in the context or as an "
                        "argument, got both; drop one"
                    )
                values[name] = self._opened(given[name])
            elif name in known:
                values[name] = step.resources.value(name)
            else:
                raise InvalidInvocationError(
                    f"{self._what}: expected the resource {name!r}, got none; pass it as an argument or in the context"
                )
        missing = self.op_def.required_resource_keys - set(known) - set(values)
        if missing and isinstance(step, DirectStep):
            raise InvalidDefinitionError(
                f"{self._what}: expected the resources {sorted(missing)}, got {sorted(known) or 'none'}; pass them to "
                "build_op_context(resources=...)"
            )
        return values

    def _opened(self, value: Any) -> Any:
        """A resource passed as an argument: definitions are set up for this call, anything else is the resource."""
        if not isinstance(value, (ResourceDefinition, ConfigurableResourceFactory, PartialResource)):
            return value
        resources = DirectResources({"resource": value}, None, Instance.ephemeral)
        self._held.callback(resources.close)
        return resources.value("resource")

    # -- results ------------------------------------------------------------------------------------------

    def _checked(self, made: Any, held: contextlib.ExitStack) -> Any:
        if inspect.isgenerator(made):
            return self._checked_generator(made, held)
        if inspect.isasyncgen(made):
            return self._checked_async_generator(made, held)
        if inspect.iscoroutine(made):
            return self._checked_coroutine(made, held)
        with held:
            self._check_returned(made)
            return made

    def _checked_generator(self, made: Any, held: contextlib.ExitStack) -> Any:
        given: set[str] = set()
        with held:
            for item in made:
                self._check_item(item, given)
                yield item
            yield from self._without_value(given)

    async def _checked_async_generator(self, made: Any, held: contextlib.ExitStack) -> Any:
        given: set[str] = set()
        with held:
            async for item in made:
                self._check_item(item, given)
                yield item
            for output in self._without_value(given):
                yield output

    async def _checked_coroutine(self, made: Any, held: contextlib.ExitStack) -> Any:
        with held:
            value = await made
            self._check_returned(value)
            return value

    def _check_item(self, item: Any, given: set[str]) -> None:
        if isinstance(item, (AssetMaterialization, AssetObservation, ExpectationResult)):
            return
        if isinstance(item, (Output, DynamicOutput)):
            definition = self.op_def.output_dict.get(item.output_name)
            if definition is None:
                raise InvariantViolationError(
                    f"{self._what}: expected one of its outputs, got {item.output_name!r}; "
                    f"{did_you_mean(item.output_name, self.op_def.output_dict)}"
                )
            if item.output_name in given and not definition.is_dynamic:
                raise InvariantViolationError(
                    f"{self._what}: expected the output {item.output_name!r} once, got it again"
                )
            self._check_type(definition.dagster_type, item.value, f"output {item.output_name!r}")
            given.add(item.output_name)
        elif isinstance(item, AssetResult):
            given.update(self.op_def.output_dict)

    def _without_value(self, given: set[str]) -> Iterator[Output]:
        """An op's outputs of the type Nothing that it did not yield; refuses other outputs that are missing."""
        for name, definition in self.op_def.output_dict.items():
            if (
                not definition.is_required
                or definition.is_dynamic
                or name in given
                or self.assets_def is not None
            ):
                continue
            if not definition.dagster_type.is_nothing:
                raise InvariantViolationError(
                    f"{self._what}: expected the output {name!r}, got none; yield it"
                )
            yield Output(None, name)

    def _check_returned(self, value: Any) -> None:
        if self.assets_def is not None and not isinstance(value, (Output, DynamicOutput)):
            return
        for item in returned_results(self.op_def, value):
            if isinstance(item, (Output, DynamicOutput)):
                self._check_type(
                    self.op_def.output_dict[item.output_name].dagster_type,
                    item.value,
                    f"output {item.output_name!r}",
                )


def invoke_resource(definition: ResourceDefinition, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call a resource's function with a context made by hand.

    Raises:
        InvalidInvocationError: when the context is missing although the function takes one.
    """
    if isinstance(definition, ConfigurableResourceDefinition):
        raise InvalidInvocationError(
            "expected a resource made by a function for a direct call, got a resource class"
        )
    if not takes_context(definition.resource_fn):
        if args or kwargs:
            raise InvalidInvocationError(
                "expected a call without arguments of a resource whose function takes no context, got some; drop them"
            )
        return _called(definition.resource_fn())
    context = args[0] if args else next(iter(kwargs.values()), NO_VALUE)
    if context is NO_VALUE:
        raise InvalidInvocationError(
            "expected a context for a direct call of a resource, got none; pass build_init_resource_context()"
        )
    if context is None:
        if definition.config_field.is_required or definition.required_resource_keys:
            raise InvalidInvocationError(
                "expected a context for a resource that takes config or other resources, got None; pass "
                "build_init_resource_context(config=..., resources=...)"
            )
        context = InitResourceContext()
    if not isinstance(context, InitResourceContext):
        raise InvalidInvocationError(
            f"expected a context made by build_init_resource_context, got {context!r}"
        )
    missing = [key for key in definition.required_resource_keys if key not in context.resources]
    if missing:
        raise InvalidDefinitionError(
            f"expected the resources {sorted(missing)} in the context, got none; pass them"
        )
    config = check_resource_config(definition, context.resource_config, key="resource")
    return _called(definition.resource_fn(context.replace_config(config)))


def _called(made: Any) -> Any:
    if inspect.isgenerator(made):
        return contextlib.contextmanager(lambda: made)()
    return made


def invoke_hook(hook: HookDefinition, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call a hook's function with a context made by hand; None stands for an empty one.

    Raises:
        InvalidInvocationError: when arguments are missing, too many or of other names.
        ParameterCheckError: when the context is something else.
        InvalidDefinitionError: when the context lacks a resource that the hook named.
    """
    given = _hook_arguments(hook, args, kwargs)
    context = given[0] if given[0] is not None else build_hook_context()
    if not isinstance(context, DirectHookContext):
        raise ParameterCheckError(
            f"hook {hook.name!r}: expected a context made by build_hook_context, got {context!r}"
        )
    missing = hook.required_resource_keys - set(context._given.definitions)
    if missing:
        raise InvalidDefinitionError(
            f"hook {hook.name!r}: expected the resources {sorted(missing)}, got none; pass them"
        )
    context._hook_def = hook
    return hook.hook_fn(context, *given[1:])


def _hook_arguments(hook: HookDefinition, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
    count = 2 if hook.trigger == "any" else 1
    names = list(inspect.signature(hook.decorated_fn or hook.hook_fn).parameters)[:count]
    if hook.trigger == "any" and len(names) < count:  # the hook wraps a function of the context alone
        names = ["context", "event_list"]
    got = len(args) + len(kwargs)
    if got != count:
        raise InvalidInvocationError(
            f"hook {hook.name!r}: expected {' and '.join(names)}, got {got} argument(s)"
        )
    by_name = names[len(args) :]
    for name in by_name:
        if name not in kwargs:
            raise InvalidInvocationError(
                f"hook {hook.name!r}: expected {name!r}, got {sorted(kwargs)}; {did_you_mean(name, kwargs)}"
            )
    return [*args, *(kwargs[name] for name in by_name)]


__all__ = ["invoke_hook", "invoke_op", "invoke_resource"]
