"""Which pools a run needs: of any step, and of those that it can begin with."""

import pytest

from tidewheel.logic.graph.specs import AssetNode, DepSpec, JobNode, LocationSnapshot, OpNode
from tidewheel.logic.planning.admission import PoolNeeds
from tidewheel.services.code.catalog import IMPLICIT_ASSET_JOB, Catalog
from tidewheel.services.runs.pool_book import PoolBook
from tidewheel.values.records import RunRecord
from tidewheel.values.status import RunStatus

ASSETS = (
    AssetNode(key="raw", pool="db"),
    AssetNode(key="clean", pool="api", deps=(DepSpec(asset="raw"),)),
    AssetNode(key="free"),
    AssetNode(key="left", step="both", pool="db"),
    AssetNode(key="right", step="both", pool="db", deps=(DepSpec(asset="left"),)),
)
OPS = (
    OpNode(name="one"),
    OpNode(name="two", pool="db", depends_on=("one",)),
    OpNode(name="three", pool="api"),
)
JOBS = (
    JobNode(name=IMPLICIT_ASSET_JOB, is_asset_job=True, assets=tuple(node.key for node in ASSETS)),
    JobNode(name="ops", ops=OPS),
    JobNode(name="some", is_asset_job=True, assets=("clean",)),
)


def needs(job_name=IMPLICIT_ASSET_JOB, *, assets=None, steps=None, defined=(ASSETS, JOBS)):
    book = PoolBook()
    book.use_catalog(Catalog({"shop": LocationSnapshot(name="shop", assets=defined[0], jobs=defined[1])}))
    return book.of(
        RunRecord(
            run_id="r",
            job_name=job_name,
            location="shop",
            status=RunStatus.QUEUED,
            created_at=0.0,
            updated_at=0.0,
            assets=assets,
            steps=steps,
        )
    )


def expected(*pools, first):
    return PoolNeeds(any=frozenset(pools), first=first)


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        ({"assets": ("raw", "clean")}, expected("db", "api", first=("db",))),
        ({"assets": ("clean",)}, expected("api", first=("api",))),
        ({"assets": ("raw", "free")}, expected("db", first=("db", None))),
        ({"assets": ("left", "right")}, expected("db", first=("db",))),
        ({"assets": ("free",)}, None),
        ({"job_name": "some"}, expected("api", first=("api",))),
        ({"job_name": "ops"}, expected("db", "api", first=(None, "api"))),
        ({"job_name": "ops", "steps": ("two",)}, expected("db", first=("db",))),
        ({"job_name": "unknown"}, None),
        ({"assets": ("raw",), "defined": ((AssetNode(key="raw"),), ())}, None),
    ],
)
def test_what_a_run_needs(run, wanted):
    assert needs(**run) == wanted


def test_other_code_gives_other_answers():
    book = PoolBook()
    run = RunRecord(
        run_id="r",
        job_name=IMPLICIT_ASSET_JOB,
        location="shop",
        status=RunStatus.QUEUED,
        created_at=0.0,
        updated_at=0.0,
        assets=("raw",),
    )
    for pool, wanted in (("db", ("db",)), ("api", ("api",))):
        snapshot = LocationSnapshot(name="shop", assets=(AssetNode(key="raw", pool=pool),))
        book.use_catalog(Catalog({"shop": snapshot}))
        assert book.of(run).first == wanted
