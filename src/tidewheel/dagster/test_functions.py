"""What Dagster's private test modules give to users' tests: environments, stub ops, runs made by hand."""

from __future__ import annotations

import functools
import os
import re
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from tidewheel.definitions.assets.selection import AssetSelection
from tidewheel.definitions.jobs.asset_jobs import build_ephemeral_asset_job
from tidewheel.definitions.ops.definition import OpDefinition
from tidewheel.definitions.ops.graphs import GraphDefinition
from tidewheel.definitions.ops.inputs_outputs import In, InputMapping, OutputMapping
from tidewheel.definitions.ops.op_decorator import op
from tidewheel.worker.runs.execution_result import ExecuteInProcessResult
from tidewheel.worker.runs.in_process import execute_in_process


@contextmanager
def environ(env: Mapping[str, str | None]) -> Iterator[None]:
    """Within the block the environment has these variables; one with None is taken away."""
    before = {name: os.environ.get(name) for name in env}
    try:
        _set_variables(env)
        yield
    finally:
        _set_variables(before)


def _set_variables(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def safe_tempfile_path() -> Iterator[str]:
    """The path of a temporary file that does not exist yet; what is there at the end is deleted."""
    path = os.path.join(tempfile.gettempdir(), f"tidewheel-{uuid.uuid4().hex}")
    try:
        yield path
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)


def create_stub_op(name: str, value: object) -> OpDefinition:
    """An op that gives a fixed value."""

    @op(name=name)
    def stub() -> Any:
        return value

    return stub


def input_set(name: str) -> dict[str, str]:
    """The value that the ops below take as input."""
    return {name: "input_set"}


def create_root_op(name: str) -> OpDefinition:
    """An op with one input (its name and ``_input``) that gives a list of what it got and did."""
    input_name = f"{name}_input"

    @op(name=name, ins={input_name: In()})
    def root(context, **inputs: Any) -> list[Any]:  # type: ignore[no-untyped-def]
        return [inputs[input_name], {context.op.name: "compute_called"}]

    return root


def create_op_with_deps(name: str, *op_deps: OpDefinition) -> OpDefinition:
    """An op with one input for each of the given ops, by their names."""

    @op(name=name, ins={one.name: In() for one in op_deps})
    def joined(context, **inputs: Any) -> list[Any]:  # type: ignore[no-untyped-def]
        return [*(part for one in op_deps for part in inputs[one.name]), {context.op.name: "compute_called"}]

    return joined


def wrap_op_in_graph_and_execute(
    op_def: OpDefinition,
    resources: Mapping[str, Any] | None = None,
    input_values: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    run_config: Mapping[str, object] | None = None,
    raise_on_error: bool = True,
    do_input_mapping: bool = True,
    do_output_mapping: bool = True,
    logger_defs: Mapping[str, Any] | None = None,
) -> ExecuteInProcessResult:
    """Run an op in a graph of its own; its inputs and outputs are the graph's."""
    graph = GraphDefinition(
        name="wraps_an_op",
        node_defs=[op_def],
        input_mappings=[_input_mapping(op_def, name) for name in op_def.ins] if do_input_mapping else None,
        output_mappings=[_output_mapping(op_def, name) for name in op_def.outs]
        if do_output_mapping
        else None,
    )
    job = graph.to_job(resource_defs=resources, logger_defs=logger_defs)
    return execute_in_process(
        job, run_config=run_config, input_values=input_values, tags=tags, raise_on_error=raise_on_error
    )


def _input_mapping(op_def: OpDefinition, name: str) -> InputMapping:
    return InputMapping(graph_input_name=name, mapped_node_name=op_def.name, mapped_node_input_name=name)


def _output_mapping(op_def: OpDefinition, name: str) -> OutputMapping:
    return OutputMapping(graph_output_name=name, mapped_node_name=op_def.name, mapped_node_output_name=name)


def create_run_for_test(
    instance: Any, job_name: str = "_test_job_", run_id: str | None = None, **options: Any
) -> Any:
    """A run of a job that need not exist, in the status asked for; what else ``create_run_for_job`` takes may be given."""
    return instance.create_run_for_job(SimpleNamespace(name=job_name), run_id=run_id, **options)


def create_test_asset_job(
    assets: Sequence[Any],
    *,
    selection: Any = None,
    name: str = "asset_job",
    resources: Any = None,
    **options: Any,
) -> Any:
    """A job over assets alone."""
    return build_ephemeral_asset_job(list(assets), selection, resources or {}, name=name, **options)


def observe_assets(
    assets: Sequence[Any],
    run_config: Any = None,
    instance: Any = None,
    resources: Mapping[str, object] | None = None,
    partition_key: str | None = None,
    raise_on_error: bool = True,
    tags: Mapping[str, str] | None = None,
) -> ExecuteInProcessResult:
    """Observe source assets in this process."""
    job = build_ephemeral_asset_job(
        list(assets), AssetSelection.all(include_sources=True), resources, partition_key=partition_key
    )
    return execute_in_process(
        job,
        run_config=run_config,
        instance=instance,
        partition_key=partition_key,
        raise_on_error=raise_on_error,
        tags=tags,
    )


def get_paginated_partition_keys(
    partitions_def: Any,
    current_time: Any = None,
    ascending: bool = True,
    batch_size: int = 1,
    dynamic_partitions_store: Any = None,
) -> list[str]:
    """All keys, in the order asked for."""
    keys = list(
        partitions_def.get_partition_keys(
            current_time=current_time, dynamic_partitions_store=dynamic_partitions_store
        )
    )
    return keys if ascending else keys[::-1]


def ignore_warning(message_substr: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a test: warnings whose message has this text are not shown."""

    def decorate(fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def quiet(*args: Any, **kwargs: Any) -> Any:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=f".*{re.escape(message_substr)}.*")
                return fn(*args, **kwargs)

        return quiet

    return decorate


def raise_exception_on_warnings() -> None:
    """From here on warnings are errors, but for those that the interpreter and other packages give."""
    warnings.resetwarnings()
    warnings.filterwarnings("error")
    for category in (DeprecationWarning, PendingDeprecationWarning, ResourceWarning, ImportWarning):
        warnings.filterwarnings("ignore", category=category)


def assert_namedtuple_lists_equal(
    t1_list: Sequence[Any], t2_list: Sequence[Any], exclude_fields: Sequence[str] | None = None
) -> None:
    """Compare lists of named tuples field by field, but for some fields."""
    left_out = set(exclude_fields or ())
    for one, other in zip(t1_list, t2_list, strict=True):
        for field in one._fields:
            assert field in left_out or getattr(one, field) == getattr(other, field), field


def step_output_event_filter(pipe_iterator: Iterable[Any]) -> Iterator[Any]:
    """Of events, those that a step gave an output."""
    return (event for event in pipe_iterator if event.is_successful_output)


def step_succeeded(instance: Any, run: Any, step_name: str) -> bool:
    """Whether a step of a run succeeded."""
    return any(one.step_key == step_name and one.is_step_success for one in _events(instance, run))


def step_did_not_run(instance: Any, run: Any, step_name: str) -> bool:
    """Whether a run has no events of a step."""
    return not any(one.step_key == step_name for one in _events(instance, run))


def _events(instance: Any, run: Any) -> list[Any]:
    entries = instance.all_logs(run.run_id)
    return [entry.dagster_event for entry in entries if entry.dagster_event is not None]
