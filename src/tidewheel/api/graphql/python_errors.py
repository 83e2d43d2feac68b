"""Resolves ``PythonError``: an exception as data, with its chain of causes."""

from __future__ import annotations

from collections.abc import Iterator

from ariadne import ObjectType
from graphql import GraphQLResolveInfo

from tidewheel.api.graphql.answers import Answer, answer
from tidewheel.runtime.masking import mask_text
from tidewheel.values.error_info import ErrorInfo

python_error = ObjectType("PythonError")


@python_error.field("message")
def _message(error: ErrorInfo, info: GraphQLResolveInfo) -> str:
    return mask_text(f"{error.cls_name}: {error.message}")


@python_error.field("stack")
def _stack(error: ErrorInfo, info: GraphQLResolveInfo) -> list[str]:
    return [mask_text(line) for line in error.stack]


@python_error.field("className")
def _class_name(error: ErrorInfo, info: GraphQLResolveInfo) -> str:
    return error.cls_name


@python_error.field("causes")
def _causes(error: ErrorInfo, info: GraphQLResolveInfo) -> list[ErrorInfo]:
    return list(_chain(error))


@python_error.field("errorChain")
def _error_chain(error: ErrorInfo, info: GraphQLResolveInfo) -> list[Answer]:
    return [
        answer("ErrorChainLink", message=_message(cause, info), error=cause, is_explicit_link=True)
        for cause in _chain(error)
    ]


def _chain(error: ErrorInfo) -> Iterator[ErrorInfo]:
    cause = error.cause
    while cause is not None:
        yield cause
        cause = cause.cause


BINDABLES = (python_error,)
