"""File sensors against real servers: local files by the operating system's notifications, S3 through its real protocol."""

import os
import time
from pathlib import Path

import pytest

from tests.processes.serving import Served, wait_until

LOCAL = """
import os
from pathlib import Path
import tidewheel as tw

ROOT = Path(os.environ["ROOT"])

@tw.file_sensor(ROOT / "landing" / "**" / "*.csv", stable_seconds=0.5, poll_seconds=60,
                default_status=tw.DefaultSensorStatus.RUNNING)
def landed(context):
    change = context.change
    with open(ROOT / "seen.txt", "a") as out:
        out.write(f"{change.change} {Path(change.path).name} {change.size}\\n")

defs = tw.Definitions(sensors=[landed])
"""

S3 = """
import os
from pathlib import Path
import tidewheel as tw

ROOT = Path(os.environ["ROOT"])

def options():
    return {"key": "k", "secret": os.environ["S3_SECRET"], "endpoint_url": os.environ["S3_URL"]}

@tw.file_sensor("s3://bucket/in/", poll_seconds=0.3, storage_options=options, hand_over="batch",
                default_status=tw.DefaultSensorStatus.RUNNING)
def landed(context):
    with open(ROOT / "seen.txt", "a") as out:
        for change in context.changes:
            out.write(f"{change.change} {change.path} {change.size}\\n")

defs = tw.Definitions(sensors=[landed])
"""


def start(folder: Path, code: str, **env: str) -> Served:
    file = folder / "watched.py"
    file.write_text(code)
    found = Served(folder / "home", file, env={"ROOT": str(folder), **env})
    found.wait_loaded()
    return found


def seen(folder: Path) -> list[str]:
    file = folder / "seen.txt"
    return file.read_text().splitlines() if file.exists() else []


def test_local_files_are_reported_whole_and_also_what_happened_while_nothing_ran(tmp_path):
    landing = tmp_path / "landing" / "deep"
    landing.mkdir(parents=True)
    (landing / "old.csv").write_text("12345")
    served = start(tmp_path, LOCAL)
    try:
        wait_until(lambda: seen(tmp_path) == ["added old.csv 5"], what="the file that was there")
        began = time.monotonic()
        with open(landing / "new.csv", "w") as out:
            for _ in range(10):
                out.write("half")
                out.flush()
                time.sleep(0.1)  # a writer that takes longer than the wanted stillness in all
            out.write("end")
        (landing / "other.txt").write_text("not wanted")
        wait_until(lambda: len(seen(tmp_path)) == 2, what="the new file")
        assert seen(tmp_path)[1] == "added new.csv 43"
        assert time.monotonic() - began < 10, "notified, not polled"
        os.remove(landing / "old.csv")
        wait_until(lambda: seen(tmp_path)[-1] == "deleted old.csv 0", what="the deletion")
    finally:
        served.stop()
    (landing / "new.csv").write_text("changed")
    (landing / "while_down.csv").write_text("x")
    served = start(tmp_path, LOCAL)
    try:
        wait_until(lambda: len(seen(tmp_path)) == 5, what="what happened meanwhile")
        assert sorted(seen(tmp_path)[3:]) == ["added while_down.csv 1", "modified new.csv 7"]
    finally:
        served.stop()


@pytest.fixture
def s3():
    """A server that speaks S3's protocol, and a client of it."""
    moto = pytest.importorskip("moto.server")
    s3fs = pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    files = s3fs.S3FileSystem(
        key="k", secret="s", endpoint_url=url, skip_instance_cache=True, use_listings_cache=False
    )
    yield url, files
    server.stop()


def test_objects_in_s3_are_reported_over_restarts_and_failures(tmp_path, s3):
    url, files = s3
    files.mkdir("bucket")
    files.pipe("bucket/in/a.csv", b"1")
    files.pipe("bucket/out/no.csv", b"1")
    served = start(tmp_path, S3, S3_URL=url, S3_SECRET="s")
    try:
        wait_until(lambda: seen(tmp_path) == ["added s3://bucket/in/a.csv 1"], what="the first object")
        files.pipe("bucket/in/a.csv", b"22")
        wait_until(lambda: seen(tmp_path)[-1] == "modified s3://bucket/in/a.csv 2", what="the change")
        snapshots = b"".join(served.control.get_snapshots().values())
        assert b"endpoint_url" not in snapshots
    finally:
        served.stop()
    files.rm("bucket/in/a.csv")
    files.pipe("bucket/in/b.csv", b"333")
    served = start(tmp_path, S3, S3_URL="http://127.0.0.1:1", S3_SECRET="s")
    try:
        wait_until(
            lambda: any(tick.error is not None for tick in served.ledger.get_ticks(limit=5)),
            what="a tick that says that the files cannot be listed",
        )
    finally:
        served.stop()
    served = start(tmp_path, S3, S3_URL=url, S3_SECRET="s")
    try:
        wait_until(lambda: len(seen(tmp_path)) == 4, what="what happened meanwhile")
        assert seen(tmp_path)[2:] == ["deleted s3://bucket/in/a.csv 0", "added s3://bucket/in/b.csv 3"]
    finally:
        served.stop()
