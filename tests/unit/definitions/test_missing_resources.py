"""The job over all assets is refused as long as a resource is missing."""

from __future__ import annotations

from typing import Any

import pytest

import tidewheel as tw
from tidewheel.errors import InvalidDefinitionError


class Database(tw.ConfigurableResource):
    url: str = "somewhere"


@tw.asset
def by_parameter(database: Database) -> None: ...


@tw.asset(required_resource_keys={"database"})
def by_key() -> None: ...


@tw.asset(io_manager_key="database")
def by_io_manager() -> None: ...


@pytest.mark.parametrize("needing", [by_parameter, by_key, by_io_manager])
def test_the_job_over_all_assets_needs_its_resources(needing: Any) -> None:
    with pytest.raises(InvalidDefinitionError, match="database"):
        tw.Definitions(assets=[needing]).get_implicit_global_asset_job_def()
    given = tw.Definitions(assets=[needing], resources={"database": tw.mem_io_manager})
    assert given.get_implicit_global_asset_job_def().name == "__ASSET_JOB"
