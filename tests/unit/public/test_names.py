"""The public names: every one can be had, light ones stay light, and what is missing says so."""

import subprocess
import sys
import typing
from datetime import UTC, datetime

import pytest

import tidewheel
import tidewheel.dagster as dg


@pytest.mark.parametrize("name", sorted(tidewheel.EXPORTS))
def test_every_public_name_can_be_had(name):
    assert getattr(tidewheel, name) is not None


@pytest.mark.parametrize("name", sorted(dg.ALIASES))
def test_every_alias_can_be_had(name):
    assert getattr(dg, name) is not None


def test_a_name_that_is_not_supported_says_so():
    with pytest.raises(AttributeError, match="SqlComponent.*which Tidewheel does not have"):
        _ = dg.SqlComponent
    assert not hasattr(dg, "SqlComponent")
    assert getattr(dg, "SqlComponent", None) is None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = dg.no_such_name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tidewheel.no_such_name


@pytest.mark.parametrize("module", ["tidewheel.dagster", "tidewheel.dagster.components"])
def test_importing_a_name_that_is_not_supported_says_so_too(module):
    with pytest.raises(ImportError, match="SqlComponent.*which Tidewheel does not have"):
        exec(f"from {module} import SqlComponent", {})


def test_lesser_public_modules_have_their_names():
    from tidewheel.dagster.deprecated import FreshnessPolicy as Older
    from tidewheel.dagster.preview.freshness import FreshnessPolicy, apply_freshness_policy
    from tidewheel.dagster.version import __version__

    assert __version__ == dg.__version__
    assert Older is FreshnessPolicy is dg.FreshnessPolicy
    assert apply_freshness_policy is dg.apply_freshness_policy
    with pytest.raises(ModuleNotFoundError):
        exec("import tidewheel.dagster.nothing_of_this_name", {})


def test_the_bare_import_pulls_in_no_library():
    code = "import sys, tidewheel; print(sorted({m.split('.')[0] for m in sys.modules} & {'sqlalchemy', 'pydantic', 'starlette', 'alembic', 'msgspec', 'click', 'rich'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_process_of_user_code_loads_nothing_of_a_database():
    code = (
        "import sys, tidewheel.worker.location.location_process\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'sqlalchemy', 'alembic', 'starlette', 'uvicorn', 'click'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_installed_as_dagster_also_private_modules_have_the_names():
    code = (
        "import tidewheel.dagster as t; t.install()\n"
        "import dagster as dg\n"
        "from dagster import asset, DagsterInstance\n"
        "from dagster._core.errors import DagsterInvalidDefinitionError\n"
        "from dagster._core.definitions.decorators.schedule_decorator import schedule\n"
        "from dagster._check import CheckError\n"
        "assert dg is t and schedule is dg.schedule\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_names_for_annotations_and_rare_errors():
    with pytest.raises(NotImplementedError, match="annotations"):
        dg.ConfigSchema()
    with pytest.raises(dg.DagsterError, match="'abc'") as caught:
        raise dg.DagsterEventLogInvalidForRun("abc")
    assert caught.value.run_id == "abc"
    assert dg.SkipReason in typing.get_args(dg.SensorReturnTypesUnion)


def test_a_cursor_of_sharded_events_reads_on_from_its_id():
    instance = dg.DagsterInstance.ephemeral()
    for _ in range(3):
        instance.report_runless_asset_event(dg.AssetMaterialization("a"))
    cursor = dg.RunShardedEventsCursor(id=1, run_updated_after=datetime.now(UTC))
    wanted = dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION, after_cursor=cursor)
    assert [one.storage_id for one in instance.get_event_records(wanted)] == [3, 2]
