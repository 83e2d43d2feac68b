"""When a circuit breaker opens, is tried, and closes."""

import pytest

from tidewheel.logic.planning.breaker import BreakerFacts, FailureFact, decide_breaker
from tidewheel.values.policies import Breaker

NOW = 1_700_000_000.0
THREE = Breaker(failures=3, delay_s=60)


def failures(*headlines, at=NOW - 10):
    return tuple(FailureFact(at=at - place, headline=text) for place, text in enumerate(headlines))


def state(**facts):
    return decide_breaker(THREE, BreakerFacts(**{"now": NOW} | facts)).state


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "closed"),
        ({"evaluations": failures("e", "e")}, "closed"),
        ({"evaluations": failures("e", "e", "e")}, "open"),
        ({"evaluations": failures("e", "f", "e")}, "closed"),
        ({"evaluations": failures("row 17: 0x3fa", "row 18: 0x77b", "row 9: 0x1")}, "open"),
        ({"evaluations": failures("e", "e", "e", at=NOW - 60)}, "half_open"),
        ({"runs": failures("e", "e", "e")}, "open"),
        ({"runs": failures("e", "e", "e", at=NOW - 61)}, "half_open"),
        ({"runs": failures("e", "e", "e", at=NOW - 61), "unfinished": (NOW - 0.5,)}, "open"),
        ({"runs": failures("e", "e", "e", at=NOW - 61), "unfinished": (NOW - 70,)}, "half_open"),
    ],
)
def test_the_state_follows_from_the_newest_failures(facts, expected):
    assert state(**facts) == expected


def test_it_says_why_and_until_when():
    decision = decide_breaker(THREE, BreakerFacts(now=NOW, runs=failures("no disk", "no disk", "no disk")))
    assert (decision.of, decision.until) == ("runs", NOW + 50)
    assert "the last 3 runs failed in the same way (no disk)" in decision.describe()
