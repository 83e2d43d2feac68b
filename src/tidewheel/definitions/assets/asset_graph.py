"""All assets and checks of some definitions, with who depends on whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tidewheel.definitions.assets.asset_labels import DEFAULT_GROUP
from tidewheel.definitions.assets.asset_spec import AssetCheckSpec, AssetSpec
from tidewheel.definitions.assets.definition import AssetExecutionType, AssetsDefinition, external_asset
from tidewheel.definitions.partitions.partition_mappings import infer_partition_mapping
from tidewheel.errors import CheckError, CircularDependencyError, InvalidDefinitionError
from tidewheel.values.keys import AssetCheckKey, AssetKey

if TYPE_CHECKING:
    from tidewheel.definitions.partitions.definition import PartitionsDefinition
    from tidewheel.definitions.partitions.partition_mappings import PartitionMapping


class AssetGraphNode:
    """One asset in the graph."""

    __slots__ = ("assets_def", "check_keys", "child_keys", "key", "parent_keys", "spec")

    def __init__(self, key: AssetKey, spec: AssetSpec, assets_def: AssetsDefinition | None) -> None:
        self.key = key
        self.spec = spec
        self.assets_def = assets_def
        self.parent_keys: set[AssetKey] = set()
        self.child_keys: set[AssetKey] = set()
        self.check_keys: set[AssetCheckKey] = set()

    @property
    def group_name(self) -> str:
        """The group."""
        return self.spec.group_name or DEFAULT_GROUP

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        """The partitions, or None."""
        return self.spec.partitions_def

    @property
    def is_partitioned(self) -> bool:
        """Whether there are partitions."""
        return self.spec.partitions_def is not None

    @property
    def is_materializable(self) -> bool:
        """Whether code here makes it."""
        return self.assets_def is not None and self.assets_def.is_materializable

    @property
    def is_observable(self) -> bool:
        """Whether code here observes it."""
        return self.assets_def is not None and self.assets_def.is_observable

    @property
    def is_external(self) -> bool:
        """Whether it is made elsewhere (even if code here observes it)."""
        return not self.is_materializable

    @property
    def is_executable(self) -> bool:
        """Whether code here makes or observes it."""
        return self.assets_def is not None and self.assets_def.is_executable

    @property
    def tags(self) -> Mapping[str, str]:
        """Tags, kinds among them."""
        return self.spec.tags

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Metadata."""
        return self.spec.metadata

    @property
    def owners(self) -> Sequence[str]:
        """Owners."""
        return self.spec.owners

    @property
    def kinds(self) -> set[str]:
        """Kinds."""
        return self.spec.kinds

    @property
    def description(self) -> str | None:
        """Description."""
        return self.spec.description

    @property
    def code_version(self) -> str | None:
        """Code version."""
        return self.spec.code_version

    @property
    def automation_condition(self) -> Any:
        """The condition, or None."""
        return self.spec.automation_condition

    @property
    def backfill_policy(self) -> Any:
        """The backfill policy, or None."""
        return self.assets_def.backfill_policy if self.assets_def is not None else None

    @property
    def partition_mappings(self) -> Mapping[AssetKey, PartitionMapping]:
        """Given mappings by upstream asset."""
        return self.spec.partition_mappings

    @property
    def execution_set_asset_keys(self) -> AbstractSet[AssetKey]:
        """Assets that are always made together with it, itself included."""
        if self.assets_def is None or self.assets_def.can_subset:
            return {self.key}
        return set(self.assets_def.keys)

    def __repr__(self) -> str:
        return f"AssetGraphNode({self.key.to_user_string()!r})"


class AssetCheckNode:
    """One check in the graph."""

    __slots__ = ("assets_def", "key", "spec")

    def __init__(self, spec: AssetCheckSpec, assets_def: AssetsDefinition) -> None:
        self.key = spec.key
        self.spec = spec
        self.assets_def = assets_def

    @property
    def blocking(self) -> bool:
        """Whether a failure stops what depends on the asset."""
        return self.spec.blocking

    @property
    def automation_condition(self) -> Any:
        """The condition, or None."""
        return self.spec.automation_condition

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        """The partitions: its own, or none."""
        return self.spec.partitions_def

    @property
    def parent_entity_keys(self) -> AbstractSet[AssetKey]:
        """The asset it judges and its additional dependencies."""
        return {self.key.asset_key, *(dep.asset_key for dep in self.spec.additional_deps)}


class AssetGraph:
    """Assets and checks, their definitions and dependencies. Keys that somebody depends on and nobody declares are in it too."""

    def __init__(self, assets_defs: Sequence[AssetsDefinition], problems: Sequence[str] = ()) -> None:
        self._given = list(assets_defs)
        self.problems = list(problems)
        self._nodes: dict[AssetKey, AssetGraphNode] = {}
        self._checks: dict[AssetCheckKey, AssetCheckNode] = {}
        self.undeclared: set[AssetKey] = set()
        self._defs: list[AssetsDefinition] = []
        for definition in self._with_resolved_deps(self._given):
            self._add(definition)
        self._connect()

    @staticmethod
    def from_assets(assets: Iterable[Any]) -> AssetGraph:
        """The graph of definitions, specs and source assets.

        Raises:
            InvalidDefinitionError: when a key is defined twice.
        """
        graph = AssetGraph(normalize_assets(assets))
        if graph.problems:
            raise InvalidDefinitionError("; ".join(graph.problems))
        return graph

    # -- construction ------------------------------------------------------------------------------------------

    def _with_resolved_deps(self, given: list[AssetsDefinition]) -> list[AssetsDefinition]:
        """Definitions whose one-part upstream keys that nobody declares mean the only asset of this name in the group."""
        declared: set[AssetKey] = set()
        by_name: dict[tuple[str, str], list[AssetKey]] = {}
        prefixed = False
        for definition in given:
            for spec in definition.all_specs.values():
                if spec.key in declared:
                    continue
                declared.add(spec.key)
                path = spec.key.path
                prefixed = prefixed or len(path) > 1
                by_name.setdefault((spec.group_name or DEFAULT_GROUP, path[-1]), []).append(spec.key)
        if not prefixed:
            return given
        return [_resolved(definition, declared, by_name) for definition in given]

    def _add(self, definition: AssetsDefinition) -> None:
        taken = False
        for spec in definition.specs:
            known = self._nodes.get(spec.key)
            if known is None:
                self._nodes[spec.key] = AssetGraphNode(spec.key, spec, definition)
                taken = True
            elif known.assets_def is not definition:
                taken = self._add_again(known, spec, definition) or taken
        for check in definition.check_specs:
            known_check = self._checks.get(check.key)
            if known_check is None:
                self._checks[check.key] = AssetCheckNode(check, definition)
                taken = True
            elif known_check.assets_def is not definition:
                self.problems.append(
                    f"check {check.key.to_user_string()!r}: expected one definition, got two; rename or remove one"
                )
        if taken:
            self._defs.append(definition)

    def _add_again(self, known: AssetGraphNode, spec: AssetSpec, definition: AssetsDefinition) -> bool:
        """A second definition of a key: plain external ones give way to anything, all else is a problem."""
        mine, theirs = known.assets_def, definition
        if theirs.execution_type is AssetExecutionType.UNEXECUTABLE and _is_source(theirs):
            return False
        if mine is not None and mine.execution_type is AssetExecutionType.UNEXECUTABLE and _is_source(mine):
            self._nodes[spec.key] = AssetGraphNode(spec.key, spec, definition)
            if mine in self._defs and len(mine.all_keys) == 1:
                self._defs.remove(mine)
            return True
        if (
            mine is not None
            and mine.execution_type is AssetExecutionType.UNEXECUTABLE
            and theirs.execution_type is AssetExecutionType.UNEXECUTABLE
        ):
            return False
        self.problems.append(
            f"asset {spec.key.to_user_string()!r}: expected one definition, got two ({_origin(mine)} and "
            f"{_origin(theirs)}); rename or remove one"
        )
        return False

    def _connect(self) -> None:
        nodes = self._nodes
        for key, node in list(nodes.items()):
            for dep in node.spec.deps:
                self._link(dep.asset_key, key)
        for check_key, check in self._checks.items():
            for parent in (check_key.asset_key, *(dep.asset_key for dep in check.spec.additional_deps)):
                if parent not in nodes:
                    self._stub(parent)
            nodes[check_key.asset_key].check_keys.add(check_key)

    def _link(self, parent: AssetKey, child: AssetKey) -> None:
        if parent not in self._nodes:
            self._stub(parent)
        self._nodes[parent].child_keys.add(child)
        self._nodes[child].parent_keys.add(parent)

    def _stub(self, key: AssetKey) -> None:
        self._nodes[key] = AssetGraphNode(key, AssetSpec(key), None)
        self.undeclared.add(key)

    # -- looking up --------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> Mapping[AssetKey, AssetGraphNode]:
        """All assets by key."""
        return self._nodes

    @property
    def checks(self) -> Mapping[AssetCheckKey, AssetCheckNode]:
        """All checks by key."""
        return self._checks

    @property
    def assets_defs(self) -> Sequence[AssetsDefinition]:
        """All definitions, those of checks alone included; one for each undeclared key too."""
        return [*self._defs, *(external_asset(self._nodes[key].spec) for key in sorted(self.undeclared))]

    @property
    def declared_defs(self) -> Sequence[AssetsDefinition]:
        """All definitions that were given."""
        return self._defs

    def has(self, key: AssetKey | AssetCheckKey) -> bool:
        """Whether there is such an asset or check."""
        return key in self._nodes or key in self._checks

    def get(self, key: Any) -> Any:
        """The node of an asset or check.

        Raises:
            KeyError: when there is none.
        """
        if isinstance(key, AssetCheckKey):
            return self._checks[key]
        return self._nodes[key]

    def assets_def_for_key(self, key: AssetKey) -> AssetsDefinition:
        """The definition of an asset.

        Raises:
            KeyError: when nobody declares it.
        """
        definition = self._nodes[key].assets_def
        if definition is None:
            return external_asset(self._nodes[key].spec)
        return definition

    def get_all_asset_keys(self) -> AbstractSet[AssetKey]:
        """All assets."""
        return self._nodes.keys()

    all_asset_keys = property(get_all_asset_keys)

    @property
    def asset_check_keys(self) -> AbstractSet[AssetCheckKey]:
        """All checks."""
        return self._checks.keys()

    @cached_property
    def materializable_asset_keys(self) -> AbstractSet[AssetKey]:
        """Assets that code here makes."""
        return {key for key, node in self._nodes.items() if node.is_materializable}

    @cached_property
    def observable_asset_keys(self) -> AbstractSet[AssetKey]:
        """Assets that code here observes."""
        return {key for key, node in self._nodes.items() if node.is_observable}

    @cached_property
    def external_asset_keys(self) -> AbstractSet[AssetKey]:
        """Assets that are made elsewhere."""
        return {key for key, node in self._nodes.items() if node.is_external}

    @cached_property
    def executable_asset_keys(self) -> AbstractSet[AssetKey]:
        """Assets that code here makes or observes."""
        return {key for key, node in self._nodes.items() if node.is_executable}

    @cached_property
    def root_materializable_asset_keys(self) -> AbstractSet[AssetKey]:
        """Assets made here that depend on nothing made here."""
        made = self.materializable_asset_keys
        return {key for key in made if not (self._nodes[key].parent_keys - {key}) & made}

    @cached_property
    def root_executable_asset_keys(self) -> AbstractSet[AssetKey]:
        """Executable assets that depend on nothing executable."""
        made = self.executable_asset_keys
        return {key for key in made if not (self._nodes[key].parent_keys - {key}) & made}

    @property
    def unpartitioned_asset_keys(self) -> AbstractSet[AssetKey]:
        """Assets without partitions."""
        return {key for key, node in self._nodes.items() if not node.is_partitioned}

    @property
    def partitioned_asset_keys(self) -> AbstractSet[AssetKey]:
        """Assets with partitions."""
        return {key for key, node in self._nodes.items() if node.is_partitioned}

    def get_check_keys_for_assets(self, keys: Iterable[AssetKey]) -> set[AssetCheckKey]:
        """All checks of some assets."""
        found: set[AssetCheckKey] = set()
        for key in keys:
            node = self._nodes.get(key)
            if node is not None:
                found |= node.check_keys
        return found

    def get_partition_mapping(self, key: AssetKey, parent_asset_key: AssetKey) -> PartitionMapping:
        """The mapping between an asset and an upstream one, given or by default."""
        node, parent = self._nodes[key], self._nodes[parent_asset_key]
        return infer_partition_mapping(
            node.partition_mappings.get(parent_asset_key), node.partitions_def, parent.partitions_def
        )

    # -- walking -------------------------------------------------------------------------------------------------

    def reachable(
        self, keys: Iterable[AssetKey], *, upstream: bool, depth: int | None = None
    ) -> set[AssetKey]:
        """The keys and everything within some levels above (or below) them."""
        seen = {key for key in keys if key in self._nodes}
        frontier = set(seen)
        level = 0
        while frontier and (depth is None or level < depth):
            following: set[AssetKey] = set()
            for key in frontier:
                node = self._nodes[key]
                following |= node.parent_keys if upstream else node.child_keys
            frontier = following - seen
            seen |= frontier
            level += 1
        return seen

    @cached_property
    def toposorted_asset_keys(self) -> Sequence[AssetKey]:
        """All assets, upstream ones first.

        Raises:
            CircularDependencyError: when assets depend on each other in a circle; the message names them.
        """
        return [key for level in self.toposorted_asset_keys_by_level for key in level]

    @cached_property
    def toposorted_asset_keys_by_level(self) -> Sequence[Sequence[AssetKey]]:
        """All assets in levels, each depending on earlier levels only; within a level by name."""
        left = {key: len(node.parent_keys - {key}) for key, node in self._nodes.items()}
        level = sorted(key for key, count in left.items() if count == 0)
        levels: list[list[AssetKey]] = []
        done = 0
        while level:
            levels.append(level)
            done += len(level)
            following = []
            for key in level:
                for child in self._nodes[key].child_keys:
                    if child != key:
                        left[child] -= 1
                        if left[child] == 0:
                            following.append(child)
            level = sorted(following)
        if done < len(self._nodes):
            raise CircularDependencyError(circle_message(self.find_circle() or []))
        return levels

    def find_circle(self) -> list[AssetKey] | None:
        """Some assets of which each depends on the one before, and the first on the last; None when there are none."""
        parents = {key: node.parent_keys - {key} for key, node in self._nodes.items()}
        return find_circle(parents)

    def __contains__(self, key: object) -> bool:
        return key in self._nodes or key in self._checks

    def __len__(self) -> int:
        return len(self._nodes)


def find_circle(parents: Mapping[Any, AbstractSet[Any]]) -> list[Any] | None:
    """A shortest circle among things that wait for each other, in the order of dependency; None when there is none."""
    left = {key: set(above) for key, above in parents.items()}
    children: dict[Any, set[Any]] = {}
    for key, above in left.items():
        for parent in above:
            children.setdefault(parent, set()).add(key)
    ready = [key for key, above in left.items() if not above]
    while ready:
        key = ready.pop()
        del left[key]
        for child in children.get(key, ()):
            if child in left:
                left[child].discard(key)
                if not left[child]:
                    ready.append(child)
    if not left:
        return None
    best: list[Any] | None = None
    for start in sorted(left, key=str)[:50]:
        found = _circle_through(start, left)
        if found is not None and (best is None or len(found) < len(best)):
            best = found
    return best


def _circle_through(start: Any, parents: Mapping[Any, AbstractSet[Any]]) -> list[Any] | None:
    """The shortest way from a thing up to itself."""
    came_from: dict[Any, Any] = {}
    frontier = [start]
    while frontier:
        following = []
        for key in frontier:
            for parent in sorted(parents.get(key, ()), key=str):
                if parent == start:
                    path = [key]
                    while path[-1] != start:
                        path.append(came_from[path[-1]])
                    return path
                if parent in parents and parent not in came_from:
                    came_from[parent] = key
                    following.append(parent)
        frontier = following
    return None


def circle_message(circle: Sequence[Any]) -> str:
    """What to say about things that depend on each other in a circle."""
    names = [key.to_user_string() if hasattr(key, "to_user_string") else str(key) for key in circle]
    if names:
        names.append(names[0])
    return (
        f"expected assets without circular dependencies, got {' -> '.join(names)} (an arrow means 'is upstream of'); "
        "remove one of these dependencies"
    )


def normalize_assets(assets: Iterable[Any]) -> list[AssetsDefinition]:
    """Definitions of everything that stands for assets: definitions, specs, source assets, and objects that make them.

    Raises:
        CheckError: for anything else.
    """
    found: list[AssetsDefinition] = []
    for one in assets:
        if isinstance(one, AssetsDefinition):
            found.append(one)
        elif isinstance(one, AssetSpec):
            found.append(external_asset(one))
        elif hasattr(one, "to_assets_def"):
            found.append(one.to_assets_def())
        elif hasattr(one, "build_definitions") and hasattr(one, "compute_cacheable_data"):
            found.extend(normalize_assets(one.build_definitions(one.compute_cacheable_data())))
        else:
            raise CheckError(
                f"expected assets as definitions, specs or source assets, got {one!r} ({type(one).__name__}); "
                "unpack lists with *, decorate functions with @asset"
            )
    return found


def _resolved(
    definition: AssetsDefinition,
    declared: AbstractSet[AssetKey],
    by_name: Mapping[tuple[str, str], Sequence[AssetKey]],
) -> AssetsDefinition:
    """The definition with undeclared one-part upstream keys replaced by the asset of this name in the same group."""
    replacements: dict[AssetKey, AssetKey] = {}
    own = definition.all_keys
    for spec in definition.all_specs.values():
        for dep in spec.deps:
            key = dep.asset_key
            if key in declared or key in replacements or len(key.path) != 1:
                continue
            candidates = by_name.get((spec.group_name or DEFAULT_GROUP, key.path[0]), ())
            if len(candidates) == 1 and candidates[0] not in own:
                replacements[key] = candidates[0]
    return definition.with_attributes(asset_key_replacements=replacements) if replacements else definition


def _is_source(definition: AssetsDefinition) -> bool:
    return definition.source_asset is not None


def _origin(definition: AssetsDefinition | None) -> str:
    if definition is None:
        return "an undeclared one"
    if definition.computation is None:
        return "an external asset"
    return f"op {definition.computation.name!r}"
