"""Selections are resolved against the whole graph."""

from __future__ import annotations

import pytest
from condition_story import asset, check

from tidewheel.logic.conditions import selections as s
from tidewheel.logic.conditions.selecting import selected_assets, selected_checks
from tidewheel.logic.conditions.subjects import build_graph
from tidewheel.logic.graph.specs import LocationSnapshot

GRAPH = build_graph(
    [
        LocationSnapshot(
            name="here",
            assets=(
                asset("raw/x", group="in", kinds=("sql",), tags={"t": "1"}, owners=("me",)),
                asset("raw/y", kind="external", group="in", tags={"t": "1"}),
                asset("mid", None, ["raw/x", "raw/y"], required_siblings=("twin",)),
                asset("twin", None, ["raw/x"], required_siblings=("mid",)),
                asset("end", None, ["mid"]),
            ),
            checks=(check("mid", "c"), check("end", "d")),
        )
    ]
)
MID = s.Keys(keys=("mid",))


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (s.AllAssets(), "end mid raw/x twin"),
        (s.AllAssets(include_external=True), "end mid raw/x raw/y twin"),
        (s.Keys(keys=("end", "unknown")), "end"),
        (s.KeyPattern(pattern="raw/*"), "raw/x raw/y"),
        (s.KeyPrefixes(prefixes=(("raw",),)), "raw/x"),
        (s.KeyPrefixes(prefixes=(("raw",),), include_external=True), "raw/x raw/y"),
        (s.KeySubstring(text="i"), "mid twin"),
        (s.Groups(groups=("in",)), "raw/x"),
        (s.Tagged(key="t", value="1", include_external=True), "raw/x raw/y"),
        (s.OwnedBy(owner="me"), "raw/x"),
        (s.OwnedBy(), "end mid twin"),
        (s.OfKind(kind="sql"), "raw/x"),
        (s.OfKind(), "end mid twin"),
        (s.Downstream(of=s.Keys(keys=("raw/x",)), depth=1), "mid raw/x twin"),
        (s.Downstream(of=s.Keys(keys=("raw/x",)), include_self=False), "end mid twin"),
        (s.Upstream(of=s.Keys(keys=("end",))), "end mid raw/x"),
        (s.Sinks(of=s.AllAssets()), "end twin"),
        (s.Roots(of=s.AllAssets()), "raw/x"),
        (s.ExternalParents(of=MID), "raw/y"),
        (s.Siblings(of=MID), "mid twin"),
        (s.Materializable(of=s.Groups(groups=("in",), include_external=True)), "raw/x"),
        (s.AnyOf(operands=(MID, s.Keys(keys=("end",)))), "end mid"),
        (s.AllOf(operands=(s.AllAssets(), MID)), "mid"),
        (s.Less(left=s.AllAssets(), right=MID), "end raw/x twin"),
        (s.ChecksOf(), ""),
    ],
)
def test_assets(selection, names):
    assert " ".join(sorted(key.name for key in selected_assets(selection, GRAPH))) == names


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (s.ChecksOf(), "end:d mid:c"),
        (s.ChecksOf(assets=("mid",)), "mid:c"),
        (s.Checks(checks=("end:d", "end:unknown")), "end:d"),
        (MID, "mid:c"),
        (s.Less(left=s.ChecksOf(), right=s.Checks(checks=("mid:c",))), "end:d"),
        (s.AllOf(operands=(s.ChecksOf(), MID)), "mid:c"),
        (s.AnyOf(operands=(MID, s.ChecksOf(assets=("end",)))), "end:d mid:c"),
    ],
)
def test_checks(selection, names):
    assert " ".join(sorted(key.name for key in selected_checks(selection, GRAPH))) == names
