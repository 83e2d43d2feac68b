from contextlib import contextmanager
from typing import Generator, List

from dagster import (
    AssetExecutionContext,
    ConfigurableResource,
    Definitions,
    InitResourceContext,
    ResourceParam,
    asset,
    job,
    materialize,
    op,
)
from pydantic import Field, PrivateAttr

CALLS: List[str] = []


class ApiClient(ConfigurableResource):
    base_url: str = Field(description="root of the service")
    retries: int = 2
    _token: str = PrivateAttr(default="")

    def setup_for_execution(self, context: InitResourceContext) -> None:
        CALLS.append("setup")
        self._token = "secret"

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        CALLS.append("teardown")

    def get(self, path: str) -> str:
        return f"{self.base_url}/{path}?t={self._token}&r={self.retries}"


class Connection(ConfigurableResource):
    name: str

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Generator["Connection", None, None]:
        CALLS.append(f"open {self.name}")
        try:
            yield self
        finally:
            CALLS.append(f"close {self.name}")


class Wallet(ConfigurableResource):
    owner: str

    def create_resource(self, context: InitResourceContext):
        return {"owner": self.owner, "run": context.run_id is not None}


@asset
def response(api: ApiClient) -> str:
    return api.get("items")


@asset(deps=[response])
def rows(context: AssetExecutionContext, db: Connection, wallet: ResourceParam[dict]) -> str:
    return f"{db.name} {sorted(wallet)}"


@asset(required_resource_keys={"api"})
def by_key(context) -> str:
    return context.resources.api.get("by_key")


@op
def ping(api: ApiClient):
    return api.get("ping")


@job
def pinging():
    ping()


defs = Definitions(
    assets=[response, rows, by_key],
    jobs=[pinging],
    resources={
        "api": ApiClient(base_url="https://api.example.org"),
        "db": Connection(name="main"),
        "wallet": Wallet(owner="ada"),
    },
)


def test_lifecycle():
    CALLS.clear()
    result = materialize(
        [response, rows],
        resources={"api": ApiClient(base_url="u"), "db": Connection(name="t"), "wallet": Wallet(owner="b")},
    )
    assert result.output_for_node("response") == "u/items?t=secret&r=2"
    assert sorted(CALLS) == ["close t", "open t", "setup", "teardown"]


def test_direct_use():
    client = ApiClient(base_url="x", retries=5)
    assert client.get("y") == "x/y?t=&r=5"
    assert response(api=client) == "x/items?t=secret&r=5"
