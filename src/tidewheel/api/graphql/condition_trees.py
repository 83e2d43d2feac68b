"""The tree of a kept evaluation as clients know it: flat lists of nodes, in the newer form and in the older one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.api.graphql.wire import asset_key, check_handle
from tidewheel.logic.conditions.explain import Explanation
from tidewheel.logic.planning.automation_records import ROOT, explanation_of
from tidewheel.values.conditions import NewEvaluation
from tidewheel.values.keys import AssetKey

_OPERATORS = {"AND": "and", "OR": "or", "NOT": "not", "SINCE": "identity"}

Places = Iterator[tuple[str, Explanation]]


def entity_key(kind: str, name: str) -> AssetKey | Answer:
    """The ``EntityKey`` of what a condition is about."""
    if kind == "asset":
        return asset_key(name)
    return check_handle(name) if kind == "check" else answer("AssetJobKey", job_name=name)


def _children(one: Explanation, place: str) -> list[str]:
    return [f"{place}.{number}" for number in range(len(one.children))]


def _walk(one: Explanation, place: str) -> Places:
    yield place, one
    for child, child_place in zip(one.children, _children(one, place), strict=True):
        yield from _walk(child, child_place)


def places_of(kept: NewEvaluation) -> list[tuple[str, Explanation]]:
    """Every node of the tree with its place, parents first; none where no tree was kept."""
    explanation = explanation_of(kept)
    return [] if explanation is None or explanation.tree is None else list(_walk(explanation.tree, ROOT))


def automation_nodes(kept: NewEvaluation) -> list[Answer]:
    """As ``AutomationConditionEvaluationNode``."""
    return [
        {
            "unique_id": place,
            "user_label": one.label,
            "expanded_label": [one.description or one.name],
            "entity_key": entity_key(one.subject.kind, one.subject.name),
            "start_timestamp": kept.at,
            "end_timestamp": kept.at,
            "num_true": one.true_count,
            "num_candidates": one.asked_count,
            "is_partitioned": _is_partitioned(kept, one),
            "child_unique_ids": _children(one, place),
            "operator_type": _OPERATORS.get(one.name, "identity"),
            "since_metadata": _since(one) if one.name == "SINCE" else None,
        }
        for place, one in places_of(kept)
    ]


def _is_partitioned(kept: NewEvaluation, one: Explanation) -> bool:
    return bool(kept.partitions) or one.asked_count > 1


def _since(one: Explanation) -> Answer:
    """When trigger and reset last were true, where the tree says it; their evaluations are not kept."""
    trigger, reset = one.children[0], one.children[1]
    return {
        "trigger_evaluation_id": None,
        "trigger_timestamp": one.since if one.is_true else trigger.since,
        "reset_evaluation_id": None,
        "reset_timestamp": reset.since,
    }


def condition_evaluation(kept: NewEvaluation) -> Answer:
    """As ``AssetConditionEvaluation``: for all partitions together."""
    nodes = []
    for place, one in places_of(kept):
        common = _common(one, place) | {"start_timestamp": kept.at, "end_timestamp": kept.at}
        if _is_partitioned(kept, one):
            counts = {"num_true": one.true_count, "num_candidates": one.asked_count}
            nodes.append(answer("PartitionedAssetConditionEvaluationNode", **common, **counts))
        else:
            status = _status(one, one.is_true)
            nodes.append(
                answer(
                    "UnpartitionedAssetConditionEvaluationNode", **common, status=status, metadata_entries=[]
                )
            )
    return {"root_unique_id": ROOT, "evaluation_nodes": nodes}


def partition_evaluation(kept: NewEvaluation, is_true_at: Callable[[str, Explanation], bool]) -> Answer:
    """As ``AssetConditionEvaluation`` of one partition; ``is_true_at`` says whether a node was true for it."""
    nodes = [
        answer(
            "SpecificPartitionAssetConditionEvaluationNode",
            **_common(one, place),
            status=_status(one, is_true_at(place, one)),
            metadata_entries=[],
        )
        for place, one in places_of(kept)
    ]
    return {"root_unique_id": ROOT, "evaluation_nodes": nodes}


def _common(one: Explanation, place: str) -> Answer:
    return {
        "unique_id": place,
        "description": one.label or one.description or one.name,
        "entity_key": entity_key(one.subject.kind, one.subject.name),
        "child_unique_ids": _children(one, place),
    }


def _status(one: Explanation, is_true: bool) -> str:
    if not one.asked_count:
        return "SKIPPED"
    return "TRUE" if is_true else "FALSE"
