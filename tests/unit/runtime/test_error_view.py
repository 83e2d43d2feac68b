from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.runtime.views.error_view import SHOWN_NAMES, error_view, stored_error
from tidewheel.values.error_info import ErrorInfo, error_info

NAMES = st.from_regex(r"[A-Z][A-Za-z]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
INFOS = st.recursive(
    st.builds(ErrorInfo, cls_name=NAMES, message=TEXTS, stack=st.lists(TEXTS, max_size=2).map(tuple)),
    lambda inner: st.builds(ErrorInfo, cls_name=NAMES, message=TEXTS, cause=inner),
    max_leaves=3,
)


@given(INFOS)
def test_a_view_can_be_stored_again(info: ErrorInfo) -> None:
    assert stored_error(error_view(info)) == info


def test_code_that_knows_errors_by_other_names_sees_those(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHOWN_NAMES, "InvariantViolationError", "DagsterInvariantViolationError")
    info = ErrorInfo(cls_name="InvariantViolationError", message="boo")
    view = error_view(info)
    assert view is not None
    assert (view.cls_name, view.message) == (
        "DagsterInvariantViolationError",
        "DagsterInvariantViolationError: boo\n",
    )
    assert stored_error(view) == info


def test_text_of_a_chain() -> None:
    try:
        try:
            raise ValueError("boo")
        except ValueError as inner:
            raise KeyError("k") from inner
    except KeyError as exc:
        view = error_view(error_info(exc))
    assert view is not None
    assert view.cls_name == "KeyError"
    assert view.message == "KeyError: 'k'\n"
    text = view.to_string()
    assert text.index("KeyError") < text.index("caused by") < text.index("ValueError: boo")
    assert "Stack Trace:" in text
    assert view.to_exception_message_only().to_string() == "KeyError: 'k'\n"
    assert str(view) == text


def test_nothing() -> None:
    assert error_view(None) is None
    assert stored_error(None) is None
