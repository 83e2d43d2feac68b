"""``@op``: turns a function into an op; and the same work for other decorators (assets, checks)."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from tidewheel.definitions.assets.results import (
    DEFAULT_OUTPUT,
    DynamicOutput,
    MaterializeResult,
    ObserveResult,
    Output,
)
from tidewheel.definitions.config.config_schema import to_optional_field
from tidewheel.definitions.config.pythonic_config import schema_of_annotation
from tidewheel.definitions.docstring_sections import Documented, documented
from tidewheel.definitions.docstrings import description_of
from tidewheel.definitions.ops.definition import OpDefinition, OpFunction, input_definition, output_definition
from tidewheel.definitions.ops.function_signature import EMPTY, FunctionSignature
from tidewheel.definitions.ops.inputs_outputs import DynamicOut, In, InputDefinition, Out, OutputDefinition
from tidewheel.definitions.ops.retry_policy import RetryPolicy
from tidewheel.definitions.ops.scalars import Nothing
from tidewheel.errors import (
    CheckError,
    InvalidDefinitionError,
    InvariantViolationError,
    ParameterCheckError,
)


def op(
    compute_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, In] | None = None,
    out: Out | Mapping[str, Out] | None = None,
    config_schema: Any = None,
    required_resource_keys: AbstractSet[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    version: str | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
) -> Any:
    """Decorate a function as an op; with or without parentheses.

    Its parameters are inputs, except a first one named ``context``, one named ``config`` and those annotated as
    resources.
    """

    def decorate(fn: Callable[..., Any]) -> OpDefinition:
        return build_op(
            fn,
            name=name,
            description=description,
            ins=ins,
            outs=_outs_of(out),
            config_schema=config_schema,
            required_resource_keys=required_resource_keys,
            tags=tags,
            retry_policy=retry_policy,
            code_version=code_version or version,
            pool=pool,
        )

    return decorate(compute_fn) if compute_fn is not None else decorate


def _outs_of(out: Out | Mapping[str, Out] | None) -> Mapping[str, Out] | None:
    if out is None:
        return None
    if isinstance(out, Out):
        return {DEFAULT_OUTPUT: out}
    if not isinstance(out, Mapping):
        raise ParameterCheckError(
            f"expected out as Out(...) or a dict of them, got {out!r}; write Out({out!r})"
        )
    for key, value in out.items():
        if not isinstance(value, Out):
            raise CheckError(f"expected out[{key!r}] as Out(...), got {value!r}; write Out({value!r})")
    return out


def build_op(
    fn: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    ins: Mapping[str, In] | None = None,
    outs: Mapping[str, Out] | None = None,
    config_schema: Any = None,
    required_resource_keys: AbstractSet[str] | None = None,
    brought_resources: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    pool: str | None = None,
    what: str = "op",
    signature: FunctionSignature | None = None,
    infers_output_types: bool = True,
) -> OpDefinition:
    """An op of a function: what is not given is read from the function's signature.

    ``brought_resources``: what an asset or check brings along in ``resource_defs``; the function may use it without naming it.
    ``what`` names the kind in messages. ``outs=None``: one output ``result``. ``infers_output_types=False``: the return
    annotation says nothing of the outputs' types.

    Raises:
        InvalidDefinitionError: when function and arguments do not fit together.
    """
    if not callable(fn):
        raise ParameterCheckError(f"expected a function to decorate as {what}, got {fn!r}")
    signature = signature or FunctionSignature(fn, what=what)
    signature.refuse_var_positional()
    if what != "observable_source_asset":
        signature.refuse_foreign_context()
    schema = _config_schema(signature, config_schema, what)
    keys = _resource_keys(signature, required_resource_keys, what) | set(brought_resources or ())
    said = documented(fn)
    made = OpDefinition(
        OpFunction(fn, signature),
        name or signature.name,
        _told_inputs(_inputs(signature, ins, what), said),
        _told_outputs(_outputs(signature, outs) if infers_output_types else _given_outputs(outs), said),
        description or description_of(fn),
        schema,
        keys,
        tags,
        retry_policy=retry_policy,
        code_version=code_version,
        pool=pool,
    )
    made.__doc__ = fn.__doc__
    made.__name__ = signature.name  # type: ignore[attr-defined]
    made.__module__ = getattr(fn, "__module__", __name__)
    made.__wrapped__ = fn  # type: ignore[attr-defined]
    return made


def _config_schema(signature: FunctionSignature, config_schema: Any, what: str) -> Any:
    if signature.config is None:
        return to_optional_field(config_schema)
    if config_schema is not None:
        raise ParameterCheckError(
            f"expected the {what} {signature.name!r} to have a 'config' parameter or a config_schema, got both; drop one"
        )
    annotation, default = signature.config
    return schema_of_annotation(annotation, owner=f"{what} {signature.name!r}", default=default)


def _resource_keys(signature: FunctionSignature, given: AbstractSet[str] | None, what: str) -> set[str]:
    if given and signature.resources:
        raise ParameterCheckError(
            f"expected the {what} {signature.name!r} to name its resources as parameters or in "
            "required_resource_keys, got "
            f"both ({sorted(signature.resources)} and {sorted(given)}); use one way"
        )
    return set(given or ()) | set(signature.resources)


def _inputs(signature: FunctionSignature, ins: Mapping[str, In] | None, what: str) -> list[InputDefinition]:
    given = dict(ins or {})
    for key, value in given.items():
        if not isinstance(value, In):
            raise CheckError(f"expected ins[{key!r}] as In(...), got {value!r}; write In({value!r})")
    made: dict[str, InputDefinition] = {}
    for name, (annotation, default) in signature.inputs.items():
        if what != "op" and annotation in (type(None), Nothing):
            annotation = EMPTY  # "upstream: None" says that the value does not matter: it may be anything
        made[name] = input_definition(name, given.get(name, _PLAIN_IN), annotation, default)
        if name in given and made[name].dagster_type.is_nothing:
            raise InvalidDefinitionError(
                f"expected the {what} function {signature.name!r} without a parameter {name!r}, since "
                "its type is Nothing, "
                "got one; drop the parameter"
            )
    missing = []
    for name, extra in given.items():
        if name not in made:
            made[name] = input_definition(name, extra)
            if not made[name].dagster_type.is_nothing and not signature.has_kwargs:
                missing.append(name)
    if missing:
        raise InvalidDefinitionError(
            f"expected the {what} function {signature.name!r} to have parameters for its inputs {missing}, got none; add "
            "them, or give the inputs the type Nothing"
        )
    ordered = [*sorted(given), *(name for name in made if name not in given)]
    return [made[name] for name in ordered]


_PLAIN_IN = In()


def _outputs(signature: FunctionSignature, outs: Mapping[str, Out] | None) -> list[OutputDefinition]:
    annotation = signature.return_annotation
    if outs is None:
        if _is_list_of_dynamic(annotation):
            return [output_definition(DEFAULT_OUTPUT, DynamicOut(), _member(annotation))]
        return [output_definition(DEFAULT_OUTPUT, Out(), annotation)]
    if len(outs) == 1:
        name, given = next(iter(outs.items()))
        if given.is_dynamic and _is_list_of_dynamic(annotation):
            annotation = _member(annotation)
        return [output_definition(name, given, annotation)]
    if not outs or annotation is EMPTY:
        return _given_outputs(outs)
    return _several_outputs(outs, annotation)


def _given_outputs(outs: Mapping[str, Out] | None) -> list[OutputDefinition]:
    if outs is None:
        return [output_definition(DEFAULT_OUTPUT, Out())]
    return [output_definition(name, given) for name, given in outs.items()]


def _several_outputs(outs: Mapping[str, Out], annotation: Any) -> list[OutputDefinition]:
    if annotation in (MaterializeResult, ObserveResult):
        return [output_definition(name, given, Nothing) for name, given in outs.items()]
    if typing.get_origin(annotation) is not tuple and annotation is not typing.Tuple:  # noqa: UP006
        raise InvariantViolationError(
            f"expected the return annotation of a function with {len(outs)} outputs to be a Tuple with "
            "a type for each, got "
            f"{annotation!r}; annotate it so, or drop the annotation"
        )
    members = typing.get_args(annotation)
    if len(members) != len(outs):
        raise InvariantViolationError(
            f"expected a Tuple annotation with {len(outs)} types, one for each of the outputs {list(outs)}, got "
            f"{len(members)}; add or remove types"
        )
    made = []
    for (name, given), member in zip(outs.items(), members, strict=True):
        kind = _member(member) if given.is_dynamic and _is_list_of_dynamic(member) else member
        made.append(output_definition(name, given, kind))
    return made


def _told_inputs(inputs: list[InputDefinition], said: Documented) -> list[InputDefinition]:
    """Inputs without a description of their own get what the docstring says of the parameter."""
    for one in inputs:
        one.description = one.description or said.parameters.get(one.name)
    return inputs


def _told_outputs(outputs: list[OutputDefinition], said: Documented) -> list[OutputDefinition]:
    """A single output without a description of its own gets what the docstring says is returned."""
    if len(outputs) == 1:
        outputs[0].description = outputs[0].description or said.result
    return outputs


def _is_list_of_dynamic(annotation: Any) -> bool:
    if typing.get_origin(annotation) is not list or not typing.get_args(annotation):
        return False
    member = typing.get_args(annotation)[0]
    return member is DynamicOutput or typing.get_origin(member) is DynamicOutput


def _member(annotation: Any) -> Any:
    """``List[DynamicOutput[int]]`` → ``int``."""
    args = typing.get_args(typing.get_args(annotation)[0])
    return args[0] if args else typing.Any


__all__ = ["Output", "build_op", "op"]
