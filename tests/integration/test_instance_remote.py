"""An instance whose home is served asks the server, and everything comes through the socket as it went in."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tidewheel.runtime.home import HomeLock, ServerAddress, write_address
from tidewheel.runtime.instance.facade import Instance
from tidewheel.runtime.protocol import Answer, Call, FrameBuffer, frame
from tidewheel.runtime.remote.socket_client import LEDGER_METHODS, RemoteLedger, decode_arguments
from tidewheel.runtime.views.asset_event_views import CheckEvaluationView
from tidewheel.runtime.views.record_filters import EventRecordsFilter
from tidewheel.runtime.views.run_views import RunsFilter
from tidewheel.storage.ledger import SqlLedger, open_ledger
from tidewheel.values.asset_events import AssetMaterialization, AssetObservation
from tidewheel.values.events import EventType
from tidewheel.values.keys import AssetCheckKey, AssetKey
from tidewheel.values.metadata import IntMetadataValue, MetadataValue
from tidewheel.values.status import RunStatus

A = AssetKey("a")


class Job:
    name = "j"


def serve(listener: socket.socket, ledger: SqlLedger) -> None:
    """Answer the calls of one client with the ledger's methods."""
    connection, _ = listener.accept()
    buffer = FrameBuffer()
    with connection:
        while data := connection.recv(1 << 16):
            for message in buffer.feed(data):
                if isinstance(message, Call):
                    method = LEDGER_METHODS[message.method]
                    result = getattr(ledger, message.method)(**decode_arguments(method, message.args))
                    connection.sendall(
                        frame(Answer(call_id=message.call_id, value=msgspec.msgpack.encode(result)))
                    )


@pytest.fixture
def served_home(tmp_path: Path) -> Iterator[tuple[Path, SqlLedger]]:
    lock = HomeLock(tmp_path)
    assert lock.acquire()
    ledger = open_ledger(":memory:")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        write_address(tmp_path, ServerAddress(pid=1, socket=str(tmp_path / "s")))
        thread = threading.Thread(target=serve, args=(listener, ledger), daemon=True)
        thread.start()
        yield tmp_path, ledger
        thread.join(10)
    ledger.close()
    lock.release()


def test_the_same_answers_from_afar_as_from_near(served_home: tuple[Path, SqlLedger]) -> None:
    home, ledger = served_home
    near = Instance(ledger)
    with Instance.from_home(home) as far:
        assert isinstance(far.ledger, RemoteLedger)
        run = far.create_run_for_job(Job(), tags={"t": "u"}, status=RunStatus.SUCCESS, asset_selection={A})
        metadata = {
            "n": IntMetadataValue(1),
            "j": MetadataValue.json({"x": [1]}),
            "k": MetadataValue.asset(A),
        }
        far.report_runless_asset_event(AssetMaterialization(A, "d", metadata, "x", {"t": "u"}))
        far.report_runless_asset_event(AssetObservation(A, partition="x"))
        far.report_runless_asset_event(CheckEvaluationView(A, "c", False))
        far.add_dynamic_partitions("d", ["b", "a"])
        far.delete_dynamic_partition("d", "b")
        far.add_run_tags(run.run_id, {"z": "y"})
        made = EventRecordsFilter(EventType.ASSET_MATERIALIZATION, A)
        for ask in (
            lambda i: i.get_runs(RunsFilter(tags={"t": "u"})),
            lambda i: i.get_run_record_by_id(run.run_id),
            lambda i: i.get_runs_count(),
            lambda i: i.get_run_stats(run.run_id),
            lambda i: i.all_logs(run.run_id),
            lambda i: i.get_event_records(made),
            lambda i: i.get_asset_records(),
            lambda i: i.get_latest_materialization_event(A),
            lambda i: i.get_materialized_partitions(A),
            lambda i: i.get_status_by_partition(A, ["x", "y"], None),
            lambda i: i.get_latest_asset_check_evaluation_record(AssetCheckKey(A, "c")),
            lambda i: i.get_dynamic_partitions("d"),
            lambda i: i.fetch_run_status_changes(EventType.RUN_SUCCESS, limit=5),
            lambda i: i.all_instigator_state(),
        ):
            answer = ask(far)
            assert answer == ask(near)
        assert list(far.get_dynamic_partitions("d")) == ["a"]
        [record] = far.get_event_records(made)
        assert record.asset_materialization is not None
        assert record.asset_materialization.metadata == metadata


def test_a_home_that_is_not_served_any_more_is_opened(tmp_path: Path) -> None:
    write_address(tmp_path, ServerAddress(pid=1, socket=str(tmp_path / "gone")))
    with Instance.from_home(tmp_path) as instance:
        assert not isinstance(instance.ledger, RemoteLedger)
        assert instance.get_runs_count() == 0
