"""Carries out one GraphQL operation: parse, validate (both remembered), limit, execute; and shows what went wrong.

Ariadne binds the resolvers to the schema. Its own request functions are not used: they parse and validate again and
again, and do not know POST-only mutations, limits that need variables, or one pipeline for HTTP and both web sockets.
"""

from __future__ import annotations

import inspect
import logging
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    execute,
    parse,
    specified_rules,
    subscribe,
    validate,
)

from tidewheel.api.graphql.answers import typename_of
from tidewheel.api.graphql.context import RequestContext
from tidewheel.api.graphql.limits import (
    Limits,
    require_moderate,
    require_shallow_text,
    require_small,
)
from tidewheel.api.graphql.requests import GraphQLRequest
from tidewheel.api.graphql.run_config import UnreadableConfigError
from tidewheel.errors import TidewheelError
from tidewheel.runtime import masking

logger = logging.getLogger("tidewheel.graphql")

REMEMBERED = 256
"""Documents that are kept parsed and validated."""
REMEMBERED_LENGTH = 20_000
MAX_ERRORS = 20


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A valid document and the operation of it that is wanted."""

    document: DocumentNode
    operation: OperationDefinitionNode

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.operation.operation


class RefusedRequestError(Exception):
    """The request cannot be carried out; ``errors`` say why. Nothing of it was carried out."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


class Engine:
    """The schema and its limits."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, introspection: bool = True) -> None:
        self.schema = schema
        self.limits = limits
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self._documents: OrderedDict[str, DocumentNode] = OrderedDict()

    def prepare(self, request: GraphQLRequest) -> Prepared:
        """Parse, validate and limit.

        Raises:
            RefusedRequestError: when the request is wrong or too large.
        """
        document = self._document(request.query)
        operation = _choose(document, request.operation_name)
        try:
            require_moderate(self.schema, document, operation, request.variables, self.limits)
        except GraphQLError as error:
            raise RefusedRequestError([error]) from None
        return Prepared(document=document, operation=operation)

    def _document(self, text: str) -> DocumentNode:
        known = self._documents.get(text)
        if known is not None:
            self._documents.move_to_end(text)
            return known
        try:
            require_shallow_text(text, self.limits)
            document = parse(text, max_tokens=self.limits.tokens)
            require_small(document, self.limits)
            problems = validate(self.schema, document, self._rules, max_errors=MAX_ERRORS)
        except GraphQLError as error:
            raise RefusedRequestError([error]) from None
        except RecursionError:
            raise RefusedRequestError(
                [GraphQLError("expected a query that is not so deeply nested")]
            ) from None
        if problems:
            raise RefusedRequestError(problems)
        if len(text) <= REMEMBERED_LENGTH:
            self._documents[text] = document
            if len(self._documents) > REMEMBERED:
                self._documents.popitem(last=False)
        return document

    async def run(
        self, prepared: Prepared, request: GraphQLRequest, context: RequestContext
    ) -> ExecutionResult:
        """The result of a query or mutation."""
        result = execute(
            self.schema,
            prepared.document,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            type_resolver=typename_of,
        )
        return await result if inspect.isawaitable(result) else result

    async def stream(
        self, prepared: Prepared, request: GraphQLRequest, context: RequestContext
    ) -> AsyncIterator[ExecutionResult]:
        """The results of a subscription; to be closed with ``aclose``.

        Raises:
            RefusedRequestError: when it cannot begin.
        """
        result = subscribe(
            self.schema,
            prepared.document,
            context_value=context,
            variable_values=request.variables,
            operation_name=request.operation_name,
            type_resolver=typename_of,
        )
        begun = await result if inspect.isawaitable(result) else result
        if isinstance(begun, ExecutionResult):
            raise RefusedRequestError(begun.errors or [])
        return begun


def _choose(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation that is wanted.

    Raises:
        RefusedRequestError: when there is none, or several and no name.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name:
        operations = [node for node in operations if node.name is not None and node.name.value == name]
    if len(operations) == 1:
        return operations[0]
    got = f"{len(operations)} of them" if operations else "none"
    text = f"expected one operation{f' named {name!r}' if name else ''}, got {got}"
    if len(operations) > 1:
        text += "; say which with operationName"
    raise RefusedRequestError([GraphQLError(text)])


def shown_result(result: ExecutionResult) -> dict[str, Any]:
    """A result as it is sent; secrets in its texts are masked."""
    shown: dict[str, Any] = {"data": result.data}
    if result.errors:
        shown["errors"] = [shown_error(error) for error in result.errors]
    if masking.needs_masking(msgspec.json.encode(shown)):
        masked: dict[str, Any] = masking.shown(shown)
        return masked
    return shown


def shown_error(error: GraphQLError) -> dict[str, Any]:
    """An error as it is sent. What is nobody's fault but ours is logged, and told only by a reference."""
    shown: dict[str, Any] = dict(error.formatted)
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return shown
    if isinstance(cause, (TidewheelError, UnreadableConfigError, ValueError)):
        shown["extensions"] = {"code": type(cause).__name__}
        return shown
    reference = uuid.uuid4().hex[:12]
    logger.error("GraphQL error %s at %s", reference, error.path, exc_info=cause)
    shown["message"] = f"the server could not answer this; its log says why under {reference}"
    shown["extensions"] = {"code": "INTERNAL_ERROR", "reference": reference}
    return shown
