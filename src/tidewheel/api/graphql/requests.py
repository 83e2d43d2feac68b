"""Reads a GraphQL request from what a client sent, by HTTP or web socket."""

from __future__ import annotations

from typing import Any

import msgspec


class GraphQLRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sends."""

    query: str
    variables: dict[str, Any] = {}
    operation_name: str | None = None


class UnreadableRequestError(Exception):
    """What was sent is no GraphQL request; ``status`` is what HTTP says to that."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def decode_json(data: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        UnreadableRequestError: when it is none.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableRequestError(f"expected JSON, got something else: {error}") from None


def read_request(sent: Any) -> GraphQLRequest:
    """The request of a decoded JSON body or message.

    Raises:
        UnreadableRequestError: when it is none.
    """
    if not isinstance(sent, dict):
        raise UnreadableRequestError(
            f"expected an object with 'query', got {_kind(sent)}; operations are sent one by one"
        )
    query, variables = sent.get("query"), sent.get("variables")
    name = sent.get("operationName", sent.get("operation_name"))
    if not isinstance(query, str):
        raise UnreadableRequestError(f"expected the text of an operation under 'query', got {_kind(query)}")
    if isinstance(variables, str):
        variables = decode_json(variables) if variables else None
    if variables is not None and not isinstance(variables, dict):
        raise UnreadableRequestError(f"expected 'variables' as an object, got {_kind(variables)}")
    if name is not None and not isinstance(name, str):
        raise UnreadableRequestError(f"expected 'operationName' as a text, got {_kind(name)}")
    return GraphQLRequest(query=query, variables=variables or {}, operation_name=name)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", type(None): "nothing", bool: "true or false"}
    return names.get(type(value), "a number")
