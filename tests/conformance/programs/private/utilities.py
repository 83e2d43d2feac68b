import os

from dagster import Definitions, asset, file_relative_path
from dagster._core.storage.tags import PARTITION_NAME_TAG
from dagster._core.test_utils import environ, freeze_time
from dagster._time import create_datetime, get_current_datetime
from dagster._utils import file_relative_path as private_path
from dagster._utils.backoff import backoff
from dagster._utils.cached_method import cached_method
from dagster._utils.merger import merge_dicts

ATTEMPTS = []


class Holder:
    def __init__(self):
        self.calls = 0

    @cached_method
    def value(self, n=1):
        self.calls += 1
        return n * 2


def sometimes():
    ATTEMPTS.append(1)
    if len(ATTEMPTS) < 3:
        raise OSError("again")
    return "ok"


@asset
def here():
    return os.path.basename(file_relative_path(__file__, "data/x.csv"))


defs = Definitions(assets=[here])


def test_paths():
    assert private_path(__file__, "a") == os.path.join(os.path.dirname(__file__), "a")


def test_environ():
    with environ({"CONFORMANCE_X": "1"}):
        assert os.environ["CONFORMANCE_X"] == "1"
    assert "CONFORMANCE_X" not in os.environ


def test_time():
    moment = create_datetime(2024, 1, 2, 3)
    assert moment.isoformat() == "2024-01-02T03:00:00+00:00"
    assert create_datetime(year=2024, month=5, day=1, tz="Europe/Berlin").utcoffset().total_seconds() == 7200
    with freeze_time(moment):
        assert get_current_datetime() == moment


def test_helpers():
    assert (
        backoff(fn=sometimes, retry_on=(OSError,), max_retries=4, delay_generator=(0 for _ in range(4)))
        == "ok"
    )
    holder = Holder()
    assert [holder.value(n=3), holder.value(n=3), holder.calls] == [6, 6, 1]
    assert merge_dicts({"a": 1}, {"b": 2}) == {"a": 1, "b": 2}
    assert PARTITION_NAME_TAG == "dagster/partition"
