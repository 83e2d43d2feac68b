"""Pools over GraphQL: limits are set, seen and removed."""

from __future__ import annotations

import pytest

from tests.api.graphql.serving import GraphQLServer

pytestmark = pytest.mark.xdist_group("graphql")

ONE = """query($name: String) { instance { supportsConcurrencyLimits maxConcurrencyLimitValue
  poolConfig { poolGranularity defaultPoolLimit }
  concurrencyLimit(concurrencyKey: $name) { concurrencyKey limit slotCount usingDefaultLimit
    claimedSlots { runId } pendingSteps { runId } activeSlotCount pendingStepCount } } }"""


def test_limits_are_set_seen_and_removed(server: GraphQLServer) -> None:
    assert server.ask('mutation { setConcurrencyLimit(concurrencyKey: "db", limit: 3) }') == {
        "setConcurrencyLimit": True
    }
    found = server.ask(ONE, name="db")["instance"]
    assert found["supportsConcurrencyLimits"] is True
    assert found["poolConfig"] == {"poolGranularity": "op", "defaultPoolLimit": None}
    assert found["concurrencyLimit"] == {
        "concurrencyKey": "db",
        "limit": 3,
        "slotCount": 3,
        "usingDefaultLimit": False,
        "claimedSlots": [],
        "pendingSteps": [],
        "activeSlotCount": 0,
        "pendingStepCount": 0,
    }
    names = server.ask("{ instance { concurrencyLimits { concurrencyKey } } }")["instance"][
        "concurrencyLimits"
    ]
    assert {"concurrencyKey": "db"} in names
    delete = 'mutation { deleteConcurrencyLimit(concurrencyKey: "db") }'
    assert [server.ask(delete)["deleteConcurrencyLimit"] for _ in range(2)] == [True, False]
    assert server.ask(ONE, name="db")["instance"]["concurrencyLimit"]["limit"] is None
    assert server.ask('mutation { freeConcurrencySlotsForRun(runId: "none") }') == {
        "freeConcurrencySlotsForRun": False
    }


@pytest.mark.parametrize("limit", [-1, 1_001])
def test_a_limit_out_of_bounds_is_refused(server: GraphQLServer, limit: int) -> None:
    _, body = server.post(f'mutation {{ setConcurrencyLimit(concurrencyKey: "db", limit: {limit}) }}')
    assert "from 0 to 1000" in body["errors"][0]["message"]
