"""What a file gives to config that looks secret does not leave user code with the config's schema."""

from __future__ import annotations

import json

import tidewheel as tw
from tidewheel.definitions.loading.snapshot import build_snapshot
from tidewheel.logic.access.schemas import without_secret_defaults


def test_defaults_under_secret_names_are_left_out_at_any_depth() -> None:
    text = {"type": "string"}
    schema = {
        "type": "object",
        "properties": {
            "url": {**text, "default": "here"},
            "password": {"anyOf": [text, {"type": "null"}], "default": "hunter22"},
            "token": {**text, "default": {"env": "TOKEN"}},
            "inner": {
                "type": "object",
                "properties": {"apiKey": {**text, "default": "hunter22"}},
                "default": {"apiKey": "hunter22", "list": [{"secret": "hunter22", "n": 1}]},
            },
        },
    }
    found = without_secret_defaults(schema)
    assert "hunter22" not in json.dumps(found)
    assert found["properties"]["url"]["default"] == "here"
    assert found["properties"]["token"]["default"] == {"env": "TOKEN"}
    assert found["properties"]["inner"]["default"] == {"list": [{"n": 1}]}
    assert without_secret_defaults({"type": "object"}) == {"type": "object"}


class Db(tw.ConfigurableResource):
    url: str
    password: str
    retries: int = 3


@tw.op
def uses(db: Db) -> None: ...


@tw.job
def job_with_a_secret() -> None:
    uses()


def test_a_snapshot_describes_resources_without_their_secrets() -> None:
    given = Db(url=tw.EnvVar("DB_URL"), password="hunter22")
    plain = Db(url="somewhere", password=tw.EnvVar("DB_PASSWORD"), retries=5)
    defs = tw.Definitions(jobs=[job_with_a_secret], resources={"db": given, "other": plain})
    snapshot = build_snapshot(defs, "here")
    assert "hunter22" not in str(snapshot)
    assert snapshot.jobs[0].config_schema is not None and snapshot.jobs[0].ops[0].resources == ("db",)
    first, second = snapshot.resources
    assert (first.values, first.env_vars) == ({"password": "********"}, {"url": "DB_URL"})
    assert (second.values, second.env_vars) == (
        {"url": '"somewhere"', "retries": "5"},
        {"password": "DB_PASSWORD"},
    )
    assert first.config_schema["properties"]["retries"]["default"] == 3
