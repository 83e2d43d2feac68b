import os
from contextlib import contextmanager
from typing import Iterator, Optional

import pytest
from dagster import (
    AssetExecutionContext,
    ConfigurableResource,
    Definitions,
    EnvVar,
    InitResourceContext,
    ResourceDependency,
    asset,
    materialize,
    op,
    job,
    resource,
    build_init_resource_context,
    EnvVar,
)
from pydantic import Field, PrivateAttr

os.environ["PUB_TOKEN"] = "tok"
os.environ["PUB_PORT"] = "8080"
LOG = []


class Credentials(ConfigurableResource):
    token: str = Field(description="the token")
    port: int = 1


class Client(ConfigurableResource):
    creds: ResourceDependency[Credentials]
    url: str
    timeout: Optional[float] = None
    _session: str = PrivateAttr(default="")

    def setup_for_execution(self, context: InitResourceContext) -> None:
        self._session = f"{self.url}:{self.creds.port}?{self.creds.token}"
        LOG.append("setup")

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        LOG.append("teardown")

    def get(self) -> str:
        return self._session


class Conn(ConfigurableResource):
    @contextmanager
    def yield_for_execution(self, context) -> Iterator["Conn"]:
        LOG.append("open")
        yield self
        LOG.append("close")


creds = Credentials(token=EnvVar("PUB_TOKEN"), port=EnvVar.int("PUB_PORT"))


@asset
def page(context: AssetExecutionContext, client: Client, conn: Conn) -> str:
    LOG.append("run")
    return client.get()


@op
def fetch(client: Client) -> str:
    return client.get()


@job
def fetch_job():
    fetch()


defs = Definitions(
    assets=[page],
    jobs=[fetch_job],
    resources={"creds": creds, "client": Client(creds=creds, url="http://h"), "conn": Conn()},
)


def test_page():
    LOG.clear()
    r = materialize([page], resources={"client": Client(creds=creds, url="u"), "conn": Conn()})
    assert r.output_for_node("page") == "u:8080?tok"
    assert sorted(LOG) == ["close", "open", "run", "setup", "teardown"]


def test_missing_field():
    with pytest.raises(Exception) as e:
        Client(url="u")
    assert type(e.value).__name__ in ("ValidationError", "DagsterInvalidDefinitionError")


def test_direct():
    c = Credentials(token="t")
    client = Client(creds=c, url="x")
    assert client.creds.token == "t"
    assert page.node_def.name == "page"


def test_from_job():
    assert (
        defs.resolve_job_def("fetch_job").execute_in_process().output_for_node("fetch") == "http://h:8080?tok"
    )


def test_immutable():
    with pytest.raises(Exception):
        Credentials(token="t").token = "b"
