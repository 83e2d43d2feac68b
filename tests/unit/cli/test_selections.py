"""Commas in selections on the command line."""

import pytest

from tidewheel.cli.selections import union_of_commas


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("numbers", "numbers"),
        ("numbers,total", "(numbers) or (total)"),
        ("numbers, +total ,", "(numbers) or (+total)"),
        ("numbers,", "numbers"),
        ('key:"a,b"', 'key:"a,b"'),
        ("roots(a or b, c)", "roots(a or b, c)"),
        ("a and b,c", "(a and b) or (c)"),
        (None, None),
    ],
)
def test_a_comma_means_or(typed, meant):
    assert union_of_commas(typed) == meant
