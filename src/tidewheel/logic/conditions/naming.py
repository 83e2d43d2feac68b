"""How nodes are called: the names that `replace` understands, and short descriptions for people."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from tidewheel.logic.conditions.nodes import (
    AllChecks,
    AllDeps,
    AllJobRoots,
    AllNewUpdatesHaveRunTags,
    And,
    AnyChecks,
    AnyDeps,
    AnyDownstream,
    AnyJobRoots,
    AnyNewUpdateHasRunTags,
    AssetMatches,
    BackfillInProgress,
    Behind,
    CheckResultIs,
    Condition,
    CronTickPassed,
    ExecutedWithTags,
    FailedSinceCron,
    FreshnessIs,
    InLatestTimeWindow,
    Limited,
    NewlyTrue,
    Not,
    Or,
    Requesting,
    RetryAllowed,
    RunInProgress,
    Since,
    UpdatedSinceCron,
    UpdatedWithin,
    UserDefined,
    children_of,
)
from tidewheel.logic.conditions.selections import text_of

OperatorType = Literal["and", "or", "not", "identity"]

_FRESHNESS = {"passed": "PASS", "warned": "WARN", "failed": "FAIL"}


def name_of(node: Condition) -> str:
    """The node's name with its parameters: snake case for operands, capitals for operators."""
    kind, parameters = _named(node)
    inside = ", ".join(parameters)
    return f"{kind}({inside})" if inside else kind


def label_or_name(node: Condition) -> str:
    """The label where there is one, else the name."""
    return node.label if node.label is not None else name_of(node)


def operator_type_of(node: Condition) -> OperatorType:
    """How a node combines the conditions inside it."""
    match node:
        case And() | AllDeps() | AllChecks() | AllJobRoots():
            return "and"
        case Or() | AnyDeps() | AnyChecks() | AnyJobRoots():
            return "or"
        case Not():
            return "not"
        case _:
            return "identity"


def description_of(node: Condition) -> str:
    """A few words for people: what the node asks; empty where the name says it."""
    match node:
        case And():
            return "All of"
        case Or():
            return "Any of"
        case Not():
            return "Not"
        case InLatestTimeWindow(lookback_s=None):
            return "Within latest time window"
        case InLatestTimeWindow(lookback_s=lookback_s):
            return f"Within {timedelta(seconds=lookback_s or 0)} of the end of the latest time window"
        case AnyDownstream():
            return "Any downstream conditions"
        case _:
            return ""


def expression_of(node: Condition) -> str:
    """The whole tree on one line, labelled nodes by their labels."""
    if node.label is not None:
        return node.label
    match node:
        case And(operands=operands):
            return " & ".join(_operand_text(one) for one in operands)
        case Or(operands=operands):
            return " | ".join(_operand_text(one) for one in operands) or "never"
        case Not(operand=operand):
            return f"~{_operand_text(operand)}"
        case Since(trigger=trigger, reset=reset):
            return f"{_operand_text(trigger)}.since({expression_of(reset)})"
        case NewlyTrue(operand=operand):
            return f"{_operand_text(operand)}.newly_true()"
        case Requesting(operand=operand):
            return expression_of(operand)
        case _:
            inside = ", ".join(expression_of(child) for child in children_of(node))
            return f"{name_of(node)}[{inside}]" if inside else name_of(node)


def _operand_text(node: Condition) -> str:
    text = expression_of(node)
    return f"({text})" if isinstance(node, And | Or) and node.label is None else text


def _named(node: Condition) -> tuple[str, list[str]]:
    match node:
        case CronTickPassed() | UpdatedSinceCron() | FailedSinceCron():
            return _tag(node), [f"cron_schedule={node.cron}", f"cron_timezone={node.zone}"]
        case InLatestTimeWindow(lookback_s=lookback_s):
            return _tag(node), _given(lookback_timedelta=lookback_s and timedelta(seconds=lookback_s))
        case ExecutedWithTags() | AnyNewUpdateHasRunTags() | AllNewUpdatesHaveRunTags():
            return _tag(node), _tag_parameters(node.tag_keys, node.tag_values)
        case CheckResultIs(passed=passed):
            return "check_passed" if passed else "check_failed", []
        case FreshnessIs(state=state):
            return "freshness_result", [f"state=FreshnessState.{_FRESHNESS[state]}"]
        case UpdatedWithin(duration_s=duration_s):
            return _tag(node), [f"duration={timedelta(seconds=duration_s)}"]
        case Behind(by_version=by_version):
            return _tag(node), _given(by_version=by_version)
        case RetryAllowed(max_failures=max_failures):
            return _tag(node), [f"max_failures={max_failures}"]
        case UserDefined(name=name):
            return name, []
        case Limited(limit=limit):
            return "LIMITED", [f"limit={limit}"]
        case AnyDeps() | AllDeps():
            virtual = ["resolves_virtual_deps=True"] if node.through_virtual else []
            return f"{_tag(node).upper()}_MATCH", [*_selected(node), *virtual]
        case AnyChecks() | AllChecks():
            return f"{_tag(node).upper()}_MATCH", [
                *_given(blocking_only=node.blocking_only),
                *_selected(node),
            ]
        case AnyJobRoots():
            return "ANY_JOB_ROOT_ASSETS_MATCH", []
        case AllJobRoots():
            return "ALL_JOB_ROOT_ASSETS_MATCH", []
        case AnyDownstream():
            return "ANY_DOWNSTREAM_CONDITIONS", []
        case AssetMatches(key=key):
            return key, []
        case RunInProgress(any_partition=anywhere) | BackfillInProgress(any_partition=anywhere):
            return _tag(node), _given(any_partition=anywhere)
        case _:
            tag = _tag(node)
            return tag.upper() if children_of(node) or isinstance(node, Or) else tag, []


def _tag(node: Condition) -> str:
    return str(node.__struct_config__.tag)


def _given(**parameters: object) -> list[str]:
    return [f"{name}={value}" for name, value in parameters.items() if value]


def _tag_parameters(keys: tuple[str, ...], values: tuple[tuple[str, str], ...]) -> list[str]:
    texts = []
    if keys:
        texts.append(f"tag_keys={{{','.join(keys)}}}")
    if values:
        texts.append("tag_values={" + ",".join(f"{key}:{value}" for key, value in values) + "}")
    return texts


def _selected(node: AnyDeps | AllDeps | AnyChecks | AllChecks) -> list[str]:
    return [
        f"{name}={text_of(selection)}"
        for name, selection in (("allow_selection", node.allow), ("ignore_selection", node.ignore))
        if selection is not None
    ]
