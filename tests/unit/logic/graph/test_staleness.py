"""Whether assets are stale: code, inputs, what is upstream, dependencies that are gone."""

from __future__ import annotations

import pytest

from tidewheel.logic.graph.specs import AssetNode, DepSpec
from tidewheel.logic.graph.staleness import Made, Staleness, decide_staleness
from tidewheel.values.tags import CODE_VERSION, DATA_VERSION, INPUT_DATA_VERSION_PREFIX

NODE = AssetNode(key="b", deps=(DepSpec(asset="a"),), code_version="2")
USED = {CODE_VERSION: "2", INPUT_DATA_VERSION_PREFIX + "a": "v1"}


@pytest.mark.parametrize(
    ("own", "parent", "upstream", "expected"),
    [
        (None, Made(event_id=1), "FRESH", ("MISSING", [])),
        (Made(event_id=2, tags=USED), Made(event_id=1, tags={DATA_VERSION: "v1"}), "FRESH", ("FRESH", [])),
        (Made(event_id=2, tags=USED), Made(event_id=9, tags={DATA_VERSION: "v1"}), "FRESH", ("FRESH", [])),
        (
            Made(event_id=2, tags=USED),
            Made(event_id=9, tags={DATA_VERSION: "v2"}),
            "FRESH",
            ("STALE", ["DATA"]),
        ),
        (Made(event_id=2, tags={CODE_VERSION: "2"}), Made(event_id=9), "FRESH", ("STALE", ["DATA"])),
        (Made(event_id=2, tags={CODE_VERSION: "2"}), Made(event_id=1), "FRESH", ("FRESH", [])),
        (Made(event_id=2, tags={CODE_VERSION: "1"}), Made(event_id=1), "FRESH", ("STALE", ["CODE"])),
        (
            Made(event_id=2, tags=USED),
            Made(event_id=1, tags={DATA_VERSION: "v1"}),
            "STALE",
            ("STALE", ["DATA"]),
        ),
        (
            Made(event_id=2, tags=USED | {INPUT_DATA_VERSION_PREFIX + "gone": "x"}),
            Made(event_id=1, tags={DATA_VERSION: "v1"}),
            "FRESH",
            ("STALE", ["DEPENDENCIES"]),
        ),
    ],
)
def test_the_causes(own: Made | None, parent: Made, upstream: str, expected: tuple[str, list[str]]) -> None:
    made = {"a": parent} | ({"b": own} if own is not None else {})
    found = decide_staleness(NODE, made, {"a": Staleness(status=upstream)})
    assert (found.status, [cause.category for cause in found.causes]) == expected


def test_what_nothing_here_makes_is_never_stale() -> None:
    outside = AssetNode(key="b", kind="external", deps=(DepSpec(asset="a"),), code_version="2")
    made = {"b": Made(event_id=1), "a": Made(event_id=2)}
    assert decide_staleness(outside, made, {}).status == "FRESH"
