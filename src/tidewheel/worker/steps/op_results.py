"""Turns whatever a user's function gives (a value, a tuple, a generator, a coroutine ...) into a stream of results."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import Any

from tidewheel.definitions.assets.data_version import DataVersion, DataVersionsByPartition
from tidewheel.definitions.assets.results import (
    AssetResult,
    DynamicOutput,
    Output,
)
from tidewheel.definitions.checks.check_results import AssetCheckEvaluation, AssetCheckResult
from tidewheel.definitions.ops.definition import OpDefinition
from tidewheel.errors import InvariantViolationError
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.expectations import ExpectationResult

EVENT_TYPES = (AssetMaterialization, AssetObservation, ExpectationResult, AssetCheckEvaluation)
RESULT_TYPES = (Output, DynamicOutput, AssetResult, AssetCheckResult, *EVENT_TYPES)


class Returned:
    """Marks that the function ended by returning, and not by running out of things to yield."""


RETURNED = Returned()


def is_generator(made: Any) -> bool:
    """Whether a function gives its results one by one; otherwise all of them are known before the first is taken."""
    return inspect.isgenerator(made) or inspect.isasyncgen(made)


def each_of(made: Any) -> Any:
    """What a function of the context and all inputs gave: iterators and lists of results one by one, others as they are."""
    is_list = isinstance(made, (list, tuple)) and made and all(isinstance(one, RESULT_TYPES) for one in made)
    return (one for one in made) if is_list or isinstance(made, Iterator) else made


def stream_of(
    op_def: OpDefinition,
    made: Any,
    loop: asyncio.AbstractEventLoop | None = None,
    *,
    plain_values_hint: Callable[[], str | None] = lambda: None,
) -> Iterator[Any]:
    """Results one by one, as the function gives them; ``RETURNED`` at the end of one that returned its outputs.

    ``plain_values_hint``: what to say when a plain value is returned; None where that is allowed.

    Raises:
        InvariantViolationError: when it gives something that is no result.
    """
    if inspect.isawaitable(made) and not inspect.isgenerator(made):
        made = run_async(made, loop)
    if inspect.isasyncgen(made):
        made = iterate_async(made, loop)
    if inspect.isgenerator(made):
        yield from _yielded(op_def, made)
    else:
        hint = plain_values_hint()
        if hint is not None:
            _require_results(op_def, made, hint)
        yield from returned_results(op_def, made, names_outputs=hint is not None)
        yield RETURNED


def _require_results(op_def: OpDefinition, value: Any, hint: str) -> None:
    """Refuse plain values where the function promised to name every output.

    Raises:
        InvariantViolationError: when a value is not wrapped in a result.
    """
    members = value if isinstance(value, (list, tuple)) else [value]
    is_named = members and all(isinstance(one, RESULT_TYPES) for one in members)
    if op_def.output_dict and not is_named:
        raise InvariantViolationError(
            f"op {op_def.name!r}: expected Output, MaterializeResult or another result for every output, got "
            f"{value!r}; {hint}"
        )


def _yielded(op_def: OpDefinition, made: Iterator[Any]) -> Iterator[Any]:
    for item in made:
        if isinstance(item, (list, tuple)) and item and all(isinstance(part, AssetResult) for part in item):
            yield from item
        elif not isinstance(item, RESULT_TYPES):
            raise InvariantViolationError(
                f"op {op_def.name!r}: expected its function to yield Output, DynamicOutput, MaterializeResult, "
                f"AssetMaterialization or another result, got {item!r} ({type(item).__name__}); wrap "
                "values in Output(...)"
            )
        else:
            yield item


def returned_results(op_def: OpDefinition, value: Any, *, names_outputs: bool = False) -> Iterator[Any]:
    """What a returned value means: one value for each output.

    A list of results is the value of an op with one output, unless the function promised (``names_outputs``) to name
    every output.

    Raises:
        InvariantViolationError: when it does not fit the outputs.
    """
    outputs = list(op_def.output_dict.values())
    if isinstance(value, (AssetResult, AssetCheckResult)):
        yield value
        return
    is_one_value = not names_outputs and len(outputs) == 1 and not outputs[0].dagster_type.is_nothing
    if not is_one_value and _are_results(value):
        yield from value
        return
    if isinstance(value, EVENT_TYPES):
        raise InvariantViolationError(
            f"op {op_def.name!r}: expected a value or Output to be returned, got "
            f"{type(value).__name__}; yield it, or record it "
            "with context.log_event"
        )
    if not outputs:
        if value is not None:
            raise InvariantViolationError(
                f"op {op_def.name!r}: expected nothing to be returned, as it has no outputs, got {type(value).__name__}"
            )
        return
    if len(outputs) == 1:
        yield from _for_output(op_def, outputs[0], value)
        return
    if value is None and all(output.dagster_type.is_nothing for output in outputs):
        for output in outputs:
            yield Output(None, output.name)
        return
    if not isinstance(value, tuple):
        raise InvariantViolationError(
            f"op {op_def.name!r}: expected a tuple with a value for each of its {len(outputs)} outputs, got "
            f"{type(value).__name__}; return a tuple, or yield Output for each"
        )
    if len(value) != len(outputs):
        raise InvariantViolationError(
            f"op {op_def.name!r}: expected a tuple of {len(outputs)} values, one for each output, got {len(value)}"
        )
    for output, member in zip(outputs, value, strict=True):
        yield from _for_output(op_def, output, member)


def _are_results(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(member, (AssetResult, AssetCheckResult)) for member in value)
    )


def _for_output(op_def: OpDefinition, output: Any, value: Any) -> Iterator[Any]:
    if output.is_dynamic:
        if not isinstance(value, list) or not all(isinstance(member, DynamicOutput) for member in value):
            raise InvariantViolationError(
                f"op {op_def.name!r}: expected a list of DynamicOutput for the dynamic output "
                f"{output.name!r}, got {value!r}; "
                "return such a list, or yield DynamicOutput"
            )
        for member in value:
            yield _named(op_def, output, member)
    elif isinstance(value, Output):
        yield _named(op_def, output, value)
    elif isinstance(value, DynamicOutput):
        raise InvariantViolationError(
            f"op {op_def.name!r}: expected a value for the output {output.name!r}, which is not "
            "dynamic, got DynamicOutput; "
            "declare it with DynamicOut"
        )
    else:
        yield Output(value, output.name)


def _named(op_def: OpDefinition, output: Any, value: Any) -> Any:
    """An output object that was returned in the place of an output: it may leave the name out, not say another one."""
    if value.output_name == output.name:
        return value
    if value.output_name != "result" or "result" in op_def.output_dict:
        raise InvariantViolationError(
            f"op {op_def.name!r}: expected a value for the output {output.name!r} in this place, got one named "
            f"{value.output_name!r}; return outputs in the order in which they are declared"
        )
    if isinstance(value, DynamicOutput):
        return DynamicOutput(value.value, value.mapping_key, output.name, value.metadata)
    return Output(value.value, output.name, value.metadata, value.data_version, tags=value.tags)


def run_async(made: Any, loop: asyncio.AbstractEventLoop | None = None) -> Any:
    """The result of a coroutine."""
    if loop is not None:
        return loop.run_until_complete(made)
    return asyncio.run(_await(made))


async def _await(made: Any) -> Any:
    return await made


def iterate_async(made: AsyncIterator[Any], loop: asyncio.AbstractEventLoop | None = None) -> Iterator[Any]:
    """The items of an async generator, one by one; it runs only while one is asked for."""
    own = loop if loop is not None else asyncio.new_event_loop()
    try:
        while True:
            following: Coroutine[Any, Any, Any] = _next(made)
            item = own.run_until_complete(following)
            if item is _END:
                return
            yield item
    finally:
        if loop is None:
            own.run_until_complete(own.shutdown_asyncgens())
            own.close()


_END = object()


async def _next(made: AsyncIterator[Any]) -> Any:
    try:
        return await made.__anext__()
    except StopAsyncIteration:
        return _END


def observed_versions(value: Any) -> Mapping[str | None, DataVersion] | None:
    """Data versions by partition (None: the whole asset) that an observation function returned; None for other values."""
    if isinstance(value, DataVersion):
        return {None: value}
    if isinstance(value, DataVersionsByPartition):
        return {str(key): version for key, version in value.data_versions_by_partition.items()}
    return None
