"""Commas in selections: each part may be in either form."""

import pytest

import tidewheel as tw
from tidewheel.definitions.assets.selection_parts import selection_parts
from tidewheel.values.launch import LaunchRequest
from tidewheel.worker.planning.launch_preparation import prepare_launch


@pytest.mark.parametrize(
    ("typed", "parts"),
    [
        ("numbers", ["numbers"]),
        ("numbers, +total ,", ["numbers", "+total"]),
        ('key:"a,b"', ['key:"a,b"']),
        ("roots(a or b, c)", ["roots(a or b, c)"]),
        ("key:a and key:b,c", ["key:a and key:b", "c"]),
        (",", [","]),
    ],
)
def test_a_comma_parts(typed, parts):
    assert selection_parts(typed) == parts


@pytest.mark.parametrize("typed", ["a,b", 'a,key:"b"', "+b,b", "group:default and not key:c, a"])
def test_what_is_launched_takes_each_part_in_its_own_form(typed):
    @tw.asset
    def a(): ...

    @tw.asset(deps=[a])
    def b(): ...

    @tw.asset
    def c(): ...

    defs = tw.Definitions([a, b, c])
    with tw.Instance.ephemeral() as instance:
        prepared = prepare_launch(defs, LaunchRequest(selection=typed), instance=instance, clock=lambda: 0.0)
    assert prepared.error is None
    assert prepared.run.assets == ("a", "b")
