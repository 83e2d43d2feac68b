"""Turns the asset selections of `allow` and `ignore` into values that leave user code."""

from __future__ import annotations

from typing import Any

from tidewheel.definitions.assets import selection as sel
from tidewheel.errors import ParameterCheckError
from tidewheel.logic.conditions import selections as values


def selection_value(selection: Any) -> values.Selection:
    """The serialisable form of an AssetSelection.

    Raises:
        ParameterCheckError: for anything else.
    """
    match selection:
        case sel.AllSelection():
            return values.AllAssets(include_external=selection.include_sources)
        case sel.KeysAssetSelection():
            return values.Keys(keys=_texts(selection.selected_keys))
        case sel.KeyWildCardAssetSelection():
            return values.KeyPattern(pattern=selection.selected_key_wildcard)
        case sel.KeyPrefixesAssetSelection():
            return values.KeyPrefixes(
                prefixes=selection.selected_key_prefixes, include_external=selection.include_sources
            )
        case sel.KeySubstringAssetSelection():
            return values.KeySubstring(
                text=selection.selected_key_substring, include_external=selection.include_sources
            )
        case sel.GroupsAssetSelection():
            return values.Groups(groups=selection.selected_groups, include_external=selection.include_sources)
        case sel.TagAssetSelection():
            return values.Tagged(
                key=selection.key, value=selection.value, include_external=selection.include_sources
            )
        case sel.OwnerAssetSelection():
            return values.OwnedBy(owner=selection.selected_owner)
        case sel.KindAssetSelection():
            return values.OfKind(kind=selection.kind_str, include_external=selection.include_sources)
        case sel.AllAssetCheckSelection():
            return values.ChecksOf()
        case sel.AssetChecksForAssetKeysSelection():
            return values.ChecksOf(assets=_texts(selection.selected_asset_keys))
        case sel.AssetCheckKeysSelection():
            return values.Checks(checks=_texts(selection.selected_asset_check_keys))
        case _:
            return _combined_value(selection)


def _combined_value(selection: Any) -> values.Selection:
    match selection:
        case sel.DownstreamAssetSelection():
            return values.Downstream(
                of=selection_value(selection.child),
                depth=selection.depth,
                include_self=selection.include_self,
            )
        case sel.UpstreamAssetSelection():
            return values.Upstream(
                of=selection_value(selection.child),
                depth=selection.depth,
                include_self=selection.include_self,
            )
        case sel.SinksAssetSelection():
            return values.Sinks(of=selection_value(selection.child))
        case sel.RootsAssetSelection():
            return values.Roots(of=selection_value(selection.child))
        case sel.ParentSourcesAssetSelection():
            return values.ExternalParents(of=selection_value(selection.child))
        case sel.RequiredNeighborsAssetSelection():
            return values.Siblings(of=selection_value(selection.child))
        case sel.MaterializableAssetSelection():
            return values.Materializable(of=selection_value(selection.child))
        case sel.OrAssetSelection():
            return values.AnyOf(operands=tuple(selection_value(one) for one in selection.operands))
        case sel.AndAssetSelection():
            return values.AllOf(operands=tuple(selection_value(one) for one in selection.operands))
        case sel.SubtractAssetSelection():
            return values.Less(left=selection_value(selection.left), right=selection_value(selection.right))
        case _:
            raise ParameterCheckError(
                f"expected an AssetSelection, got {selection!r}; use for example AssetSelection.assets('name')"
            )


def _texts(keys: Any) -> tuple[str, ...]:
    return tuple(key.to_escaped_user_string() for key in keys)
