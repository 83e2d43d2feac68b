"""A job's run config as a schema, and the checked config of one run, split up by what needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.config.config_schema import ANY, ConfigType, Field, Shape
from tidewheel.definitions.config.config_validation import Validation, raise_problems
from tidewheel.definitions.jobs.run_config import plain_run_config
from tidewheel.definitions.resources.definition import ResourceDefinition
from tidewheel.definitions.resources.pythonic_resources import ConfigurableResourceDefinition
from tidewheel.errors import ConfigProblem, InvalidConfigError
from tidewheel.values.run_titles import job_in_words

if TYPE_CHECKING:
    from tidewheel.definitions.jobs.definition import JobDefinition
    from tidewheel.definitions.ops.dependencies import Node
    from tidewheel.definitions.ops.graphs import GraphDefinition

_ANYTHING = Field(ANY, is_required=False)
_OPEN_OP = Field(Shape({"config": _ANYTHING}))
_OPEN_RESOURCE = Field(Shape({"config": _ANYTHING}))


class OpRunConfig:
    """Config of one op in one run. ``config`` is what the op's function sees."""

    __slots__ = ("config", "inputs", "outputs")

    def __init__(self, config: Any = None, inputs: Any = None, outputs: Any = None) -> None:
        self.config = config
        self.inputs: Mapping[str, Any] = inputs or {}
        self.outputs: Mapping[str, Any] = outputs or {}


_NO_CONFIG = OpRunConfig()


def _described_ops(graph: GraphDefinition, config: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in graph.nodes:
        entry = config.get(node.name) or {}
        if node.is_graph:
            found[node.name] = {**entry, "ops": _described_ops(node.definition, entry.get("ops") or {})}
        else:
            found[node.name] = {
                "config": entry.get("config"),
                "inputs": entry.get("inputs") or {},
                "outputs": entry.get("outputs"),
            }
    return found


class ResolvedRunConfig:
    """The checked config of one run."""

    def __init__(self, given: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
        self.given = dict(given)
        self.whole = dict(whole)
        self.ops: dict[tuple[str, ...], OpRunConfig] = {}
        self.graph_inputs: dict[tuple[str, ...], Mapping[str, Any]] = {}
        self.resources: dict[str, Any] = {
            key: (value or {}).get("config") for key, value in (whole.get("resources") or {}).items()
        }
        self.loggers: dict[str, Any] = dict(whole.get("loggers") or {})
        self.execution: Any = (whole.get("execution") or {}).get("config")

    def described(self, job: JobDefinition) -> dict[str, Any]:
        """Everything as one plain dict, with an entry for every op, resource and the executor."""
        execution = self.execution if self.execution is not None else {}
        return {
            "ops": _described_ops(job.graph, self.whole.get("ops") or {}),
            "execution": {job.executor_def.name: execution},
            "resources": {
                key: {"config": (value or {}).get("config") or None}
                for key, value in (self.whole.get("resources") or {}).items()
            },
            "loggers": self.loggers,
        }

    def op(self, path: tuple[str, ...]) -> OpRunConfig:
        """Config of the op at a path."""
        return self.ops.get(path, _NO_CONFIG)


def run_config_shape(job: JobDefinition, *, is_executor_checked: bool = True) -> Shape:
    """What run config a job takes."""
    fields: dict[str, Any] = {}
    if job.config_mapping is None:
        mapping = job.graph.config_mapping
        if mapping is not None:
            fields["ops"] = Shape({"config": mapping.config_field})
        else:
            fields["ops"] = _graph_shape(job, job.graph, (), job.uncut_graph)
        inputs = _graph_inputs(job, job.graph)
        if inputs is not None:
            fields["inputs"] = inputs
    executor = job.executor_def.config_field if is_executor_checked else _ANYTHING
    fields["execution"] = Field(Shape({"config": executor}), is_required=False)
    fields["loggers"] = Field(
        Shape(
            {
                name: Field(Shape({"config": logger_def.config_field}), is_required=False)
                for name, logger_def in job.loggers.items()
            }
        ),
        is_required=False,
    )
    fields["resources"] = _resources_shape(job)
    return Shape(fields)


def _resources_shape(job: JobDefinition) -> Shape:
    needed = _opened_keys(job)
    fields: dict[str, Field] = {}
    for key, definition in job.resource_defs.items():
        if key in needed:
            fields[key] = Field(Shape({"config": _resource_field(definition)}))
        else:
            fields[key] = _OPEN_RESOURCE
    return Shape(fields)


def _opened_keys(job: JobDefinition) -> set[str]:
    """Keys of the resources that a run opens: those its ops need, and those inside them whose config comes with the run."""
    opened = set(job.needed_resource_keys())
    origins = {
        id(origin)
        for key in opened
        if isinstance(definition := job.resource_defs.get(key), ConfigurableResourceDefinition)
        for _, origin in definition.inner_at_launch()
    }
    if origins:
        opened |= {
            key
            for key, definition in job.resource_defs.items()
            if id(definition) in origins or id(getattr(definition, "origin", None)) in origins
        }
    return opened


def _resource_field(definition: ResourceDefinition) -> Field:
    return definition.config_field


def _graph_shape(
    job: JobDefinition, graph: GraphDefinition, prefix: tuple[str, ...], uncut: GraphDefinition | None = None
) -> Shape:
    """Config of a graph's nodes. Nodes that a selection has cut away may still have config, which must fit them."""
    fields: dict[str, Field] = {}
    for name, node in (uncut or graph).node_dict.items():
        path = (*prefix, name)
        if name in graph.node_dict:
            fields[name] = _node_field(job, graph, graph.node_dict[name], path, node)
        else:
            whole = _node_field(job, uncut or graph, node, path, is_cut_away=True)
            fields[name] = Field(whole.config_type, is_required=False)
    return Shape(fields)


def _node_field(
    job: JobDefinition,
    graph: GraphDefinition,
    node: Node,
    path: tuple[str, ...],
    uncut: Node | None = None,
    *,
    is_cut_away: bool = False,
) -> Field:
    fields: dict[str, Any] = {}
    inputs = _node_inputs(job, graph, node, path, may_be_given=is_cut_away)
    if node.is_graph:
        inner: GraphDefinition = node.definition
        if inner.config_mapping is not None:
            fields["config"] = inner.config_mapping.config_field
        else:
            fields["ops"] = _graph_shape(job, inner, path, uncut.definition if uncut is not None else None)
    else:
        outputs = _node_outputs(job, node)
        if node.definition.config_field is None and inputs is None and outputs is None:
            return _OPEN_OP
        fields["config"] = node.definition.config_field or _ANYTHING
        if outputs is not None:
            fields["outputs"] = outputs
    if inputs is not None:
        fields["inputs"] = inputs
    return Field(Shape(fields))


def _node_inputs(
    job: JobDefinition,
    graph: GraphDefinition,
    node: Node,
    path: tuple[str, ...],
    *,
    may_be_given: bool = False,
) -> Shape | None:
    """Config of a node's inputs; ``may_be_given``: also of those that take the output of another node."""
    fields: dict[str, Any] = {}
    for name, definition in node.input_dict.items():
        is_connected = (
            graph.dependency_of(node.name, name) is not None
            or graph.input_mapping_to(node.name, name) is not None
            or job.is_asset_input(path, name)
            or name in graph.input_assets.get(node.name, {})
        )
        if is_connected and definition.input_manager_key is None and not may_be_given:
            continue
        field = _input_field(job, definition)
        if field is not None:
            fields[name] = (
                Field(field.config_type, is_required=False) if is_connected and may_be_given else field
            )
    return Shape(fields) if fields else None


def _graph_inputs(job: JobDefinition, graph: GraphDefinition) -> Shape | None:
    fields: dict[str, Any] = {}
    for name, definition in graph.input_dict.items():
        if name in job.input_values:
            continue
        field = _input_field(job, definition)
        if field is not None:
            fields[name] = field
    return Shape(fields) if fields else None


def _input_field(job: JobDefinition, definition: Any) -> Field | None:
    if definition.dagster_type.is_nothing:
        return None
    if definition.input_manager_key is not None:
        manager = job.resource_defs.get(definition.input_manager_key)
        schema = getattr(manager, "input_config_schema", None)
        return schema if isinstance(schema, Field) else None
    loader = definition.dagster_type.loader
    if loader is None:
        return None
    return Field(loader.schema_type, is_required=not definition.has_default_value)


def _node_outputs(job: JobDefinition, node: Node) -> Shape | None:
    fields: dict[str, Any] = {}
    for name, definition in node.output_dict.items():
        manager = job.resource_defs.get(definition.io_manager_key)
        schema = getattr(manager, "output_config_schema", None)
        if isinstance(schema, Field):
            fields[name] = schema
    return Shape(fields) if fields else None


def resolve_run_config(
    job: JobDefinition, run_config: Any, *, is_executor_checked: bool = True
) -> ResolvedRunConfig:
    """Check run config against a job and split it up.

    Raises:
        InvalidConfigError: with every problem.
        ConfigMappingFunctionError: when a config mapping function raises.
    """
    given = plain_run_config(run_config)
    subject = job_in_words(job.name)
    if job.config_mapping is not None:
        validation = Validation()
        outer = validation.check(job.config_mapping.config_field.config_type, given, ())
        raise_problems(validation.problems, subject, given)
        given = job.config_mapping.resolve_whole(outer)
        shape = job.inner_run_config_shape()
    else:
        shape = job.run_config_shape(is_executor_checked=is_executor_checked)
    whole = _checked(shape, given, subject)
    resolved = ResolvedRunConfig(given, whole)
    ops = whole.get("ops") or {}
    if job.graph.config_mapping is not None and job.config_mapping is None:
        ops = mapped_config(job, job.graph, ops.get("config"), ())
    _split(job, job.graph, ops, (), resolved)
    if whole.get("inputs"):
        resolved.graph_inputs[()] = whole["inputs"]
    return resolved


def _checked(shape: ConfigType, given: Mapping[str, Any], subject: str) -> Any:
    validation = Validation()
    whole = validation.check(shape, given, ())
    problems = list(validation.problems)
    if "solids" in given:
        problems = [problem for problem in problems if problem.path != ("solids",)]
        problems.insert(
            0,
            ConfigProblem(
                ("solids",), "expected the section 'ops', got 'solids'; rename it", "FIELD_NOT_DEFINED"
            ),
        )
    raise_problems(problems, subject, given)
    return whole


def _split(
    job: JobDefinition,
    graph: GraphDefinition,
    config: Mapping[str, Any],
    prefix: tuple[str, ...],
    resolved: ResolvedRunConfig,
) -> None:
    for node in graph.nodes:
        path = (*prefix, node.name)
        entry = config.get(node.name) or {}
        if not node.is_graph:
            if entry or node.definition.source is not None:
                resolved.ops[path] = OpRunConfig(
                    node.definition.resolve_config(entry.get("config")),
                    entry.get("inputs"),
                    entry.get("outputs"),
                )
            continue
        if entry.get("inputs"):
            resolved.graph_inputs[path] = entry["inputs"]
        inner: GraphDefinition = node.definition
        inner_config = entry.get("ops") or {}
        if inner.config_mapping is not None:
            inner_config = mapped_config(job, inner, entry.get("config"), path)
        _split(job, inner, inner_config, path, resolved)


def mapped_config(
    job: JobDefinition, graph: GraphDefinition, value: Any, path: tuple[str, ...]
) -> Mapping[str, Any]:
    """Config of the nodes inside a graph with a config mapping, checked.

    Raises:
        InvalidConfigError: when what the mapping gives does not fit the nodes.
    """
    assert graph.config_mapping is not None
    made = graph.config_mapping.resolve(value)
    left_out = _names_before_selection(job, path) - set(graph.node_dict)
    made = {name: entry for name, entry in made.items() if name not in left_out}
    validation = Validation()
    checked = validation.check(_graph_shape(job, graph, path), made, (*path, "ops"))
    if validation.problems:
        raise InvalidConfigError(
            f"what the config mapping of graph {graph.name!r} gave does not fit its ops:",
            validation.problems,
            made,
        )
    return checked  # type: ignore[no-any-return]


def _names_before_selection(job: JobDefinition, path: tuple[str, ...]) -> set[str]:
    """Nodes that the graph at a path has in the whole job, of which a selection may have cut some away."""
    whole = job.uncut_graph
    for name in path if whole is not None else ():
        whole = whole.node_dict[name].definition
    return set(whole.node_dict) if whole is not None else set()
