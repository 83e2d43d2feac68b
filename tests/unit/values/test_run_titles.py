"""What people are told that a run runs never has the implicit job's name in it."""

import pytest

from tidewheel.values.run_titles import IMPLICIT_ASSET_JOB, run_title


@pytest.mark.parametrize(
    ("assets", "checks", "title"),
    [
        (("orders",), (), "orders"),
        (("a", "b"), ("a:ok", "b:ok"), "a, b, a:ok, b:ok"),
        (tuple("abcdef"), None, "a, b, c and 3 more"),
        ((), ("a:ok",), "a:ok"),
        (None, None, "all assets"),
    ],
)
def test_assets_are_named(assets, checks, title):
    assert run_title(IMPLICIT_ASSET_JOB, assets, checks) == title


def test_a_job_is_named():
    assert run_title("nightly", ("a",)) == "nightly"
