"""Selections of assets and checks: built with functions and operators, or from text."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any

from tidewheel.definitions.assets.asset_graph import AssetGraph, AssetGraphNode
from tidewheel.definitions.assets.asset_labels import coerce_asset_key
from tidewheel.definitions.assets.selection_syntax import parse_selection
from tidewheel.errors import (
    CheckError,
    InvalidSubsetError,
    ParameterCheckError,
    TidewheelError,
    did_you_mean,
)
from tidewheel.values.keys import AssetCheckKey, AssetKey


class AssetSelection:
    """Some assets and checks, told by rules that are applied to the assets there are.

    ``|`` (or ``+``) joins, ``&`` intersects, ``-`` takes away. An asset brings its checks along, unless
    ``without_checks()`` says otherwise.
    """

    # -- constructors --------------------------------------------------------------------------------------------

    @staticmethod
    def all(include_sources: bool = False) -> AssetSelection:
        """Every asset that is made here; with ``include_sources`` also those made elsewhere."""
        return AllSelection(include_sources)

    @staticmethod
    def all_asset_checks() -> AssetSelection:
        """Every check and no asset."""
        return AllAssetCheckSelection()

    @staticmethod
    def assets(*assets_defs: Any) -> AssetSelection:
        """These assets: definitions, keys, texts or lists of texts."""
        return KeysAssetSelection(_keys_of(assets_defs))

    @staticmethod
    def keys(*asset_keys: Any) -> AssetSelection:
        """The assets of these keys: keys, slash-joined texts or lists of texts."""
        return KeysAssetSelection(_keys_of(asset_keys))

    @staticmethod
    def key_prefixes(*key_prefixes: str | Sequence[str], include_sources: bool = False) -> AssetSelection:
        """Assets whose key begins with one of these parts."""
        prefixes = tuple((one,) if isinstance(one, str) else tuple(one) for one in key_prefixes)
        return KeyPrefixesAssetSelection(prefixes, include_sources)

    @staticmethod
    def key_substring(key_substring: str, include_sources: bool = False) -> AssetSelection:
        """Assets whose slash-joined key holds a text."""
        return KeySubstringAssetSelection(key_substring, include_sources)

    @staticmethod
    def groups(*group_strs: str, include_sources: bool = False) -> AssetSelection:
        """Assets of these groups."""
        for group in group_strs:
            if not isinstance(group, str):
                raise ParameterCheckError(
                    f"expected group names as texts, got {group!r}; unpack lists with *"
                )
        return GroupsAssetSelection(tuple(group_strs), include_sources)

    @staticmethod
    def tag(key: str, value: str, include_sources: bool = False) -> AssetSelection:
        """Assets with a tag of this value."""
        return TagAssetSelection(key, value, include_sources)

    @staticmethod
    def tag_string(string: str, include_sources: bool = False) -> AssetSelection:
        """Assets with a tag, written ``key=value``."""
        key, _, value = string.partition("=")
        if "=" in value:
            raise CheckError(
                f"expected a tag as 'key=value', got {string!r}; use AssetSelection.tag(key, value)"
            )
        return TagAssetSelection(key, value, include_sources)

    @staticmethod
    def owner(owner: str | None) -> AssetSelection:
        """Assets of an owner; None: without one."""
        return OwnerAssetSelection(owner)

    @staticmethod
    def kind(kind: str | None, include_sources: bool = False) -> AssetSelection:
        """Assets of a kind; None: without one."""
        return KindAssetSelection(kind, include_sources)

    @staticmethod
    def checks_for_assets(*assets_defs: Any) -> AssetSelection:
        """The checks of these assets, and no asset."""
        return AssetChecksForAssetKeysSelection(_keys_of(assets_defs))

    @staticmethod
    def checks(*assets_defs_or_check_keys: Any) -> AssetSelection:
        """These checks: definitions or check keys."""
        found: list[AssetCheckKey] = []
        for one in assets_defs_or_check_keys:
            if isinstance(one, AssetCheckKey):
                found.append(one)
            elif hasattr(one, "check_keys"):
                found.extend(sorted(one.check_keys))
            else:
                raise ParameterCheckError(f"expected checks as definitions or AssetCheckKeys, got {one!r}")
        return AssetCheckKeysSelection(tuple(found))

    @staticmethod
    def from_string(string: str, include_sources: bool = False) -> AssetSelection:
        """The selection that a text means.

        Raises:
            InvalidAssetSelectionError: when it cannot be understood.
        """
        found: AssetSelection = parse_selection(string, _Maker(include_sources))
        return found

    @staticmethod
    def from_coercible(selection: Any) -> AssetSelection:
        """The selection of a text, a list of texts, keys, definitions or checks, or of a selection.

        Raises:
            TidewheelError: for anything else.
        """
        if isinstance(selection, AssetSelection):
            return selection
        if isinstance(selection, str):
            return AssetSelection.from_string(selection)
        if isinstance(selection, AssetKey | AssetCheckKey) or _is_definition(selection):
            selection = [selection]
        if isinstance(selection, Iterable):
            items = list(selection)
            if not items:
                return KeysAssetSelection(())
            if all(isinstance(one, str) for one in items):
                return reduce(operator.or_, (AssetSelection.from_string(one) for one in items))
            parts = [_selection_of(one) for one in items]
            if all(part is not None for part in parts):
                return _joined([part for part in parts if part is not None])
        raise TidewheelError(
            f"expected a selection as a text, a list of texts, keys or definitions, or an AssetSelection, got "
            f"{selection!r} ({type(selection).__name__}); use for example AssetSelection.assets(...)"
        )

    # -- derived selections -----------------------------------------------------------------------------------------

    def downstream(self, depth: int | None = None, include_self: bool = True) -> AssetSelection:
        """These assets and what depends on them, over at most ``depth`` levels."""
        _require_depth(depth)
        return DownstreamAssetSelection(self, depth, include_self)

    def upstream(self, depth: int | None = None, include_self: bool = True) -> AssetSelection:
        """These assets and what they depend on, over at most ``depth`` levels; nothing that is made elsewhere."""
        _require_depth(depth)
        return UpstreamAssetSelection(self, depth, include_self)

    def sinks(self) -> AssetSelection:
        """Those on which no other of them depends."""
        return SinksAssetSelection(self)

    def roots(self) -> AssetSelection:
        """Those that depend on no other of them."""
        return RootsAssetSelection(self)

    def sources(self) -> AssetSelection:
        """As ``roots``."""
        return self.roots()

    def upstream_source_assets(self) -> AssetSelection:
        """Assets made elsewhere that these depend on directly."""
        return ParentSourcesAssetSelection(self)

    def required_multi_asset_neighbors(self) -> AssetSelection:
        """These assets and those that are always made together with them."""
        return RequiredNeighborsAssetSelection(self)

    def materializable(self) -> AssetSelection:
        """Those that are made here."""
        return MaterializableAssetSelection(self)

    def without_checks(self) -> AssetSelection:
        """The assets alone."""
        return self - AssetSelection.all_asset_checks()

    def __or__(self, other: AssetSelection) -> AssetSelection:
        _require_selection(other, "|")
        return OrAssetSelection((*_operands(self, OrAssetSelection), *_operands(other, OrAssetSelection)))

    def __add__(self, other: AssetSelection) -> AssetSelection:
        return self | other

    def __and__(self, other: AssetSelection) -> AssetSelection:
        _require_selection(other, "&")
        return AndAssetSelection((*_operands(self, AndAssetSelection), *_operands(other, AndAssetSelection)))

    def __sub__(self, other: AssetSelection) -> AssetSelection:
        _require_selection(other, "-")
        return SubtractAssetSelection(self, other)

    # -- resolving ---------------------------------------------------------------------------------------------------

    def resolve(self, all_assets: Any, allow_missing: bool = False) -> AbstractSet[AssetKey]:
        """The selected assets of a graph or of some definitions.

        Raises:
            InvalidSubsetError: when a named asset does not exist (unless ``allow_missing``).
        """
        return self.resolve_inner(_graph_of(all_assets), allow_missing)

    def resolve_checks(self, asset_graph: Any, allow_missing: bool = False) -> AbstractSet[AssetCheckKey]:
        """The selected checks of a graph.

        Raises:
            InvalidSubsetError: when a named check does not exist (unless ``allow_missing``).
        """
        return self.resolve_checks_inner(_graph_of(asset_graph), allow_missing)

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        """The selected assets."""
        raise NotImplementedError

    def resolve_checks_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetCheckKey]:
        """The selected checks: those of the selected assets."""
        return asset_graph.get_check_keys_for_assets(self.resolve_inner(asset_graph, allow_missing))

    def to_selection_str(self) -> str:
        """The selection as text, where the text form can say it.

        Raises:
            NotImplementedError: where it cannot.
        """
        raise NotImplementedError(f"{type(self).__name__} has no text form")

    def operand_to_selection_str(self) -> str:
        """The text form, in parentheses where it is needed inside another."""
        text = self.to_selection_str()
        return f"({text})" if self.needs_parentheses_when_operand() else text

    def needs_parentheses_when_operand(self) -> bool:
        """Whether the text form must be put in parentheses inside another."""
        return False

    def to_serializable_asset_selection(self, asset_graph: Any) -> AssetSelection:
        """The selection as the keys that it means in a graph."""
        graph = _graph_of(asset_graph)
        return KeysAssetSelection(tuple(sorted(self.resolve_inner(graph, False))))

    def _fields(self) -> tuple[Any, ...]:
        return tuple(vars(self).values())

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._fields() == other._fields()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._fields()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({shown})"

    def __str__(self) -> str:
        try:
            return self.to_selection_str()
        except NotImplementedError:
            return repr(self)


CoercibleToAssetSelection = Any


# -- leaves ----------------------------------------------------------------------------------------------------------


class AllSelection(AssetSelection):
    """Everything."""

    def __init__(self, include_sources: bool = False) -> None:
        self.include_sources = include_sources

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        return set(_candidates(asset_graph, self.include_sources))

    def to_selection_str(self) -> str:
        return "*"


class AllAssetCheckSelection(AssetSelection):
    """Every check and no asset."""

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        return set()

    def resolve_checks_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetCheckKey]:
        return set(asset_graph.asset_check_keys)


class KeysAssetSelection(AssetSelection):
    """Named assets."""

    def __init__(self, selected_keys: Sequence[AssetKey]) -> None:
        self.selected_keys = tuple(dict.fromkeys(selected_keys))

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        known = {key for key in self.selected_keys if key in asset_graph.nodes}
        missing = [key for key in self.selected_keys if key not in known]
        if missing and not allow_missing:
            names = [key.to_user_string() for key in asset_graph.nodes]
            raise InvalidSubsetError(
                "; ".join(
                    f"expected assets that exist, got {key.to_user_string()!r}; "
                    + _advice(key, asset_graph, names)
                    for key in missing
                )
            )
        return known

    def to_selection_str(self) -> str:
        return " or ".join(f'key:"{key.to_user_string()}"' for key in self.selected_keys)

    def needs_parentheses_when_operand(self) -> bool:
        return len(self.selected_keys) > 1


class KeyWildCardAssetSelection(AssetSelection):
    """Assets whose slash-joined key matches a pattern with ``*``."""

    def __init__(self, selected_key_wildcard: str) -> None:
        self.selected_key_wildcard = selected_key_wildcard

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        pattern = self.selected_key_wildcard
        if "*" not in pattern:
            key = AssetKey.from_user_string(pattern)
            if key in asset_graph.nodes:
                return {key}
        escaped = pattern.replace("[", "[[]").replace("?", "[?]")
        return {key for key in asset_graph.nodes if fnmatchcase(key.to_user_string(), escaped)}

    def to_selection_str(self) -> str:
        return f'key:"{self.selected_key_wildcard}"'


class _Filter(AssetSelection):
    """Assets that fulfil a condition of their own."""

    include_sources: bool = False

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        nodes = asset_graph.nodes
        return {key for key in _candidates(asset_graph, self.include_sources) if self.matches(nodes[key])}

    def matches(self, node: AssetGraphNode) -> bool:
        """Whether an asset is selected."""
        raise NotImplementedError


class KeyPrefixesAssetSelection(_Filter):
    """Assets whose key begins with given parts."""

    def __init__(self, selected_key_prefixes: Sequence[Sequence[str]], include_sources: bool = False) -> None:
        self.selected_key_prefixes = tuple(tuple(one) for one in selected_key_prefixes)
        self.include_sources = include_sources

    def matches(self, node: AssetGraphNode) -> bool:
        return any(node.key.has_prefix(prefix) for prefix in self.selected_key_prefixes)

    def to_selection_str(self) -> str:
        return " or ".join(f'key:"{"/".join(prefix)}/*"' for prefix in self.selected_key_prefixes)

    def needs_parentheses_when_operand(self) -> bool:
        return len(self.selected_key_prefixes) > 1


class KeySubstringAssetSelection(_Filter):
    """Assets whose slash-joined key holds a text."""

    def __init__(self, selected_key_substring: str, include_sources: bool = False) -> None:
        self.selected_key_substring = selected_key_substring
        self.include_sources = include_sources

    def matches(self, node: AssetGraphNode) -> bool:
        return self.selected_key_substring in node.key.to_user_string()

    def to_selection_str(self) -> str:
        return f'key_substring:"{self.selected_key_substring}"'


class GroupsAssetSelection(_Filter):
    """Assets of some groups."""

    def __init__(self, selected_groups: Sequence[str], include_sources: bool = False) -> None:
        self.selected_groups = tuple(selected_groups)
        self.include_sources = include_sources

    def matches(self, node: AssetGraphNode) -> bool:
        return node.group_name in self.selected_groups

    def to_selection_str(self) -> str:
        if not self.selected_groups:
            return "group:<null>"
        return " or ".join(f'group:"{group}"' for group in self.selected_groups)

    def needs_parentheses_when_operand(self) -> bool:
        return len(self.selected_groups) > 1


class TagAssetSelection(_Filter):
    """Assets with a tag of a value."""

    def __init__(self, key: str, value: str, include_sources: bool = False) -> None:
        self.key = key
        self.value = value
        self.include_sources = include_sources

    def matches(self, node: AssetGraphNode) -> bool:
        return node.tags.get(self.key) == self.value

    def to_selection_str(self) -> str:
        return f'tag:"{self.key}"="{self.value}"' if self.value else f'tag:"{self.key}"'


class OwnerAssetSelection(_Filter):
    """Assets of an owner."""

    def __init__(self, selected_owner: str | None) -> None:
        self.selected_owner = selected_owner

    def matches(self, node: AssetGraphNode) -> bool:
        if self.selected_owner is None:
            return not node.owners
        return self.selected_owner in node.owners

    def to_selection_str(self) -> str:
        return "owner:<null>" if self.selected_owner is None else f'owner:"{self.selected_owner}"'


class KindAssetSelection(_Filter):
    """Assets of a kind."""

    def __init__(self, kind_str: str | None, include_sources: bool = False) -> None:
        self.kind_str = kind_str
        self.include_sources = include_sources

    def matches(self, node: AssetGraphNode) -> bool:
        kinds = node.kinds
        return not kinds if self.kind_str is None else self.kind_str in kinds

    def to_selection_str(self) -> str:
        return "kind:<null>" if self.kind_str is None else f'kind:"{self.kind_str}"'


class AssetChecksForAssetKeysSelection(AssetSelection):
    """The checks of some assets, and no asset."""

    def __init__(self, selected_asset_keys: Sequence[AssetKey]) -> None:
        self.selected_asset_keys = tuple(selected_asset_keys)

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        return set()

    def resolve_checks_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetCheckKey]:
        return asset_graph.get_check_keys_for_assets(self.selected_asset_keys)


class AssetCheckKeysSelection(AssetSelection):
    """Named checks, and no asset."""

    def __init__(self, selected_asset_check_keys: Sequence[AssetCheckKey]) -> None:
        self.selected_asset_check_keys = tuple(selected_asset_check_keys)

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        return set()

    def resolve_checks_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetCheckKey]:
        known = asset_graph.asset_check_keys
        missing = [key for key in self.selected_asset_check_keys if key not in known]
        if missing and not allow_missing:
            name = missing[0].to_user_string()
            raise InvalidSubsetError(
                f"expected checks that exist, got {name!r}; "
                + did_you_mean(name, [key.to_user_string() for key in known])
            )
        return {key for key in self.selected_asset_check_keys if key in known}


# -- operators -------------------------------------------------------------------------------------------------------


class _Chain(AssetSelection):
    """Several operands joined by one operator."""

    word = ""

    def __init__(self, operands: Sequence[AssetSelection]) -> None:
        self.operands = tuple(operands)

    def to_selection_str(self) -> str:
        return f" {self.word} ".join(one.operand_to_selection_str() for one in self.operands)

    def needs_parentheses_when_operand(self) -> bool:
        return len(self.operands) > 1


class OrAssetSelection(_Chain):
    """What any of the operands selects."""

    word = "or"

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        return set().union(*(one.resolve_inner(asset_graph, allow_missing) for one in self.operands))

    def resolve_checks_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetCheckKey]:
        return set().union(*(one.resolve_checks_inner(asset_graph, allow_missing) for one in self.operands))


class AndAssetSelection(_Chain):
    """What all of the operands select."""

    word = "and"

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        return _intersection(one.resolve_inner(asset_graph, allow_missing) for one in self.operands)

    def resolve_checks_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetCheckKey]:
        return _intersection(one.resolve_checks_inner(asset_graph, allow_missing) for one in self.operands)


class SubtractAssetSelection(AssetSelection):
    """What the left operand selects and the right one does not."""

    def __init__(self, left: AssetSelection, right: AssetSelection) -> None:
        self.left = left
        self.right = right

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        return self.left.resolve_inner(asset_graph, allow_missing) - self.right.resolve_inner(
            asset_graph, allow_missing
        )

    def resolve_checks_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetCheckKey]:
        return self.left.resolve_checks_inner(asset_graph, allow_missing) - self.right.resolve_checks_inner(
            asset_graph, allow_missing
        )

    def to_selection_str(self) -> str:
        right = self.right.operand_to_selection_str()
        if isinstance(self.left, AllSelection):
            return f"not {right}"
        return f"{self.left.operand_to_selection_str()} and not {right}"

    def needs_parentheses_when_operand(self) -> bool:
        return True


class _Derived(AssetSelection):
    """A selection made from another one."""

    def __init__(self, child: AssetSelection) -> None:
        self.child = child


class DownstreamAssetSelection(AssetSelection):
    """A selection and what depends on it."""

    def __init__(self, child: AssetSelection, depth: int | None = None, include_self: bool = True) -> None:
        self.child = child
        self.depth = depth
        self.include_self = include_self

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        own = self.child.resolve_inner(asset_graph, allow_missing)
        found = asset_graph.reachable(own, upstream=False, depth=self.depth)
        return found if self.include_self else found - own

    def to_selection_str(self) -> str:
        text = f"{self.child.operand_to_selection_str()}+{self.depth if self.depth is not None else ''}"
        return text if self.include_self else f"{text} and not {self.child.operand_to_selection_str()}"

    def needs_parentheses_when_operand(self) -> bool:
        return not self.include_self


class UpstreamAssetSelection(AssetSelection):
    """A selection and what it depends on, as far as it is made here."""

    def __init__(self, child: AssetSelection, depth: int | None = None, include_self: bool = True) -> None:
        self.child = child
        self.depth = depth
        self.include_self = include_self

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        own = self.child.resolve_inner(asset_graph, allow_missing)
        if not own:
            return own
        found = asset_graph.reachable(own, upstream=True, depth=self.depth)
        if not self.include_self:
            found = found - own
        return {key for key in found if asset_graph.nodes[key].is_materializable or key in own}

    def to_selection_str(self) -> str:
        text = f"{self.depth if self.depth is not None else ''}+{self.child.operand_to_selection_str()}"
        return text if self.include_self else f"{text} and not {self.child.operand_to_selection_str()}"

    def needs_parentheses_when_operand(self) -> bool:
        return not self.include_self


class SinksAssetSelection(_Derived):
    """Those of a selection on which no other of them depends."""

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        own = self.child.resolve_inner(asset_graph, allow_missing)
        return {key for key in own if not (asset_graph.nodes[key].child_keys - {key}) & own}

    def to_selection_str(self) -> str:
        return f"sinks({self.child.to_selection_str()})"


class RootsAssetSelection(_Derived):
    """Those of a selection that depend on no other of them."""

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        own = self.child.resolve_inner(asset_graph, allow_missing)
        return {key for key in own if not (asset_graph.nodes[key].parent_keys - {key}) & own}

    def to_selection_str(self) -> str:
        return f"roots({self.child.to_selection_str()})"


class ParentSourcesAssetSelection(_Derived):
    """Assets made elsewhere on which a selection depends directly."""

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        nodes = asset_graph.nodes
        parents = {
            parent
            for key in self.child.resolve_inner(asset_graph, allow_missing)
            for parent in nodes[key].parent_keys
        }
        return {key for key in parents if nodes[key].is_external}


class RequiredNeighborsAssetSelection(_Derived):
    """A selection and what is always made together with it."""

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        found: set[AssetKey] = set()
        for key in self.child.resolve_inner(asset_graph, allow_missing):
            found |= asset_graph.nodes[key].execution_set_asset_keys
        return found


class MaterializableAssetSelection(_Derived):
    """Those of a selection that are made here."""

    def resolve_inner(self, asset_graph: AssetGraph, allow_missing: bool) -> set[AssetKey]:
        own = self.child.resolve_inner(asset_graph, allow_missing)
        return {key for key in own if asset_graph.nodes[key].is_materializable}


# -- the small print ---------------------------------------------------------------------------------------------------


def _graph_of(all_assets: Any) -> AssetGraph:
    if isinstance(all_assets, AssetGraph):
        return all_assets
    graph = getattr(all_assets, "asset_graph", None)
    if isinstance(graph, AssetGraph):
        return graph
    return AssetGraph.from_assets(all_assets)


def _candidates(graph: AssetGraph, include_sources: bool) -> AbstractSet[AssetKey]:
    return graph.get_all_asset_keys() if include_sources else graph.materializable_asset_keys


def _keys_of(items: Iterable[Any]) -> tuple[AssetKey, ...]:
    found: list[AssetKey] = []
    for one in items:
        keys = getattr(one, "keys", None)
        if isinstance(one, str):
            found.append(AssetKey.from_user_string(one))
        elif keys is not None and not callable(keys):
            found.extend(keys)
        else:
            found.append(coerce_asset_key(one))
    return tuple(found)


def _is_definition(one: Any) -> bool:
    keys = getattr(one, "keys", None)
    return (keys is not None and not callable(keys)) or isinstance(getattr(one, "key", None), AssetKey)


def _selection_of(one: Any) -> AssetSelection | None:
    """The selection of one element of a list."""
    if isinstance(one, AssetSelection):
        return one
    if isinstance(one, str):
        return AssetSelection.from_string(one)
    if isinstance(one, AssetKey):
        return KeysAssetSelection((one,))
    if isinstance(one, AssetCheckKey):
        return AssetCheckKeysSelection((one,))
    if not _is_definition(one):
        return None
    keys = _keys_of([one])
    checks = tuple(getattr(one, "check_keys", ()))
    if not keys:
        return AssetCheckKeysSelection(checks)
    return KeysAssetSelection(keys)


def _joined(parts: Sequence[AssetSelection]) -> AssetSelection:
    """One selection of several, in the plainest form."""
    if all(isinstance(part, KeysAssetSelection) for part in parts):
        return KeysAssetSelection([key for part in parts for key in part.selected_keys])  # type: ignore[attr-defined]
    return reduce(operator.or_, parts)


def _operands(selection: AssetSelection, kind: type[_Chain]) -> tuple[AssetSelection, ...]:
    return selection.operands if isinstance(selection, kind) else (selection,)


def _intersection(sets: Iterable[set[Any]]) -> set[Any]:
    return reduce(operator.and_, sets)


def _require_selection(other: Any, symbol: str) -> None:
    if not isinstance(other, AssetSelection):
        raise ParameterCheckError(
            f"expected an AssetSelection after {symbol}, got {other!r}; use AssetSelection.assets(...)"
        )


def _require_depth(depth: int | None) -> None:
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise CheckError(f"expected a depth of 0 or more levels, or None for all, got {depth!r}")


def _advice(key: AssetKey, graph: AssetGraph, names: Sequence[str]) -> str:
    same_name = [one.to_user_string() for one in graph.nodes if one.path[-1] == key.path[-1]]
    if same_name:
        return f"did you mean {' or '.join(repr(name) for name in sorted(same_name)[:3])}?"
    return did_you_mean(key.to_user_string(), names)


class _Maker:
    """Makes the selections that a text asks for."""

    def __init__(self, include_sources: bool) -> None:
        self._include_sources = include_sources

    def everything(self) -> AssetSelection:
        return AllSelection(self._include_sources)

    def key(self, key: AssetKey) -> AssetSelection:
        return KeysAssetSelection((key,))

    def matching(self, pattern: str) -> AssetSelection:
        return KeyWildCardAssetSelection(pattern)

    def group(self, name: str | None) -> AssetSelection:
        return GroupsAssetSelection(() if name is None else (name,), self._include_sources)

    def owner(self, name: str | None) -> AssetSelection:
        return OwnerAssetSelection(name)

    def kind(self, name: str | None) -> AssetSelection:
        return KindAssetSelection(name, self._include_sources)

    def tag(self, key: str, value: str) -> AssetSelection:
        return TagAssetSelection(key, value, self._include_sources)

    def upstream(self, base: AssetSelection, levels: int | None) -> AssetSelection:
        return UpstreamAssetSelection(base, levels)

    def downstream(self, base: AssetSelection, levels: int | None) -> AssetSelection:
        return DownstreamAssetSelection(base, levels)

    def sinks(self, base: AssetSelection) -> AssetSelection:
        return SinksAssetSelection(base)

    def roots(self, base: AssetSelection) -> AssetSelection:
        return RootsAssetSelection(base)
