"""Refuses operations that are too deep, too long or too costly, before anything of them is carried out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)
from graphql.type import GraphQLField, GraphQLList, GraphQLNamedType, GraphQLNonNull

_TOKEN = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|[{}()\[\]]')


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one operation may ask for.

    ``cost`` counts fields, those inside a list as often as the list can be long: its ``limit``, or a guess.
    """

    depth: int = 24
    nesting: int = 120
    tokens: int = 20_000
    cost: int = 250_000
    guessed_length: int = 5
    open_limit: int = 100
    """What a missing ``limit`` is counted as."""
    root_fields: int = 100
    repetitions: int = 20
    """How often one selection may name the same field, or spread fragments; comparing them all costs the square."""
    selections: int = 4_000
    fragments: int = 100


def require_shallow_text(text: str, limits: Limits) -> None:
    """Refuse a text whose brackets are nested so deeply that parsing it would exhaust the stack.

    Raises:
        GraphQLError: when they are.
    """
    depth = 0
    for match in _TOKEN.finditer(text):
        bracket = match.group()
        if bracket in ("{", "(", "["):
            depth += 1
            if depth > limits.nesting:
                raise GraphQLError(f"expected brackets nested at most {limits.nesting} deep, got more")
        elif bracket in ("}", ")", "]"):
            depth -= 1


def require_small(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document whose validation would take long.

    Raises:
        GraphQLError: when it is one.
    """
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    if len(fragments) > limits.fragments:
        raise GraphQLError(f"expected at most {limits.fragments} fragments, got {len(fragments)}")
    todo = [
        selections for node in document.definitions if (selections := getattr(node, "selection_set", None))
    ]
    total = 0
    while todo:
        selected = todo.pop().selections
        total += len(selected)
        named = Counter(_name_of(node) for node in selected)
        if total > limits.selections or any(count > limits.repetitions for count in named.values()):
            raise GraphQLError(
                f"expected at most {limits.selections} selections, none of them repeated more than "
                f"{limits.repetitions} times, got more"
            )
        todo += [below for node in selected if (below := getattr(node, "selection_set", None))]


def _name_of(node: SelectionNode) -> str:
    if isinstance(node, FieldNode):
        return node.alias.value if node.alias else node.name.value
    if isinstance(node, InlineFragmentNode):
        return f"... on {node.type_condition.name.value}" if node.type_condition else "..."
    return "..."


def require_moderate(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    limits: Limits,
) -> None:
    """Refuse a valid operation that asks for too much.

    Raises:
        GraphQLError: with what is allowed and what was asked for.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:
        return
    measure = _Measure(schema, document, variables, limits)
    cost, depth = measure.of_selections(operation.selection_set, root, False)
    if depth > limits.depth:
        raise GraphQLError(f"expected fields nested at most {limits.depth} deep, got {depth}")
    if cost > limits.cost:
        raise GraphQLError(
            f"expected an operation of cost at most {limits.cost}, got {cost}; ask for fewer fields, or for smaller "
            "pages (limit) with a cursor",
            extensions={"cost": cost, "maximumCost": limits.cost},
        )
    if len(operation.selection_set.selections) > limits.root_fields:
        raise GraphQLError(
            f"expected at most {limits.root_fields} fields at the root of an operation, got more"
        )


class _Measure:
    """Walks an operation; every fragment is measured once."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], limits: Limits
    ) -> None:
        self._schema = schema
        self._variables = variables
        self._limits = limits
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[tuple[str, bool], tuple[int, int]] = {}

    def of_selections(
        self, selections: SelectionSetNode, parent: GraphQLNamedType, is_page: bool
    ) -> tuple[int, int]:
        """(cost, depth) of some fields of a type; ``is_page``: a limit of the field above counts for its list."""
        cost = depth = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                more, deep = self._of_field(node, parent, is_page)
            elif isinstance(node, InlineFragmentNode):
                on = self._type(node.type_condition.name.value) if node.type_condition else parent
                more, deep = self.of_selections(node.selection_set, on, is_page)
            else:
                assert isinstance(node, FragmentSpreadNode)
                more, deep = self._of_fragment(node.name.value, is_page)
            cost, depth = cost + more, max(depth, deep)
        return cost, depth

    def _of_fragment(self, name: str, is_page: bool) -> tuple[int, int]:
        known = self._known.get((name, is_page))
        if known is None:
            fragment = self._fragments[name]
            on = self._type(fragment.type_condition.name.value)
            known = self._known[name, is_page] = self.of_selections(fragment.selection_set, on, is_page)
        return known

    def _of_field(self, node: FieldNode, parent: GraphQLNamedType, is_page: bool) -> tuple[int, int]:
        field: GraphQLField | None = getattr(parent, "fields", {}).get(node.name.value)
        if field is None or node.selection_set is None:
            return 1, 1
        is_list = isinstance(
            field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type, GraphQLList
        )
        limit = self._limit_of(node, field)
        cost, depth = self.of_selections(
            node.selection_set, get_named_type(field.type), limit is not None and not is_list
        )
        if limit is not None:
            cost *= max(1, limit)
        elif is_list and not is_page:
            cost *= self._limits.guessed_length
        return cost + 1, depth + 1

    def _limit_of(self, node: FieldNode, field: GraphQLField) -> int | None:
        """How many entries the field asks for; None when it has no such argument."""
        if "limit" not in field.args:
            return None
        for argument in node.arguments or ():
            if argument.name.value == "limit":
                value: Any = None
                if isinstance(argument.value, IntValueNode):
                    value = int(argument.value.value)
                elif isinstance(argument.value, VariableNode):
                    value = self._variables.get(argument.value.name.value)
                if isinstance(value, int):
                    return value
        return self._limits.open_limit

    def _type(self, name: str) -> GraphQLNamedType:
        found = self._schema.get_type(name)
        assert found is not None  # the document is valid
        return found
