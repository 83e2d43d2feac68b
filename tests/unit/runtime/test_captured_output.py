"""Parts of captured output end where nothing is halved: neither a character, nor a line with a secret in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidewheel.runtime.captured_output import MAX_PART_BYTES, read_part
from tidewheel.runtime.masking import forget_secrets, know_secrets, mask_text

SECRET = "kept-from-everybody"


def parts(file: Path) -> list[bytes]:
    found, place = [], 0
    while data := read_part(file, place):
        found.append(data)
        place += len(data)
    return found


def test_a_secret_across_the_limit_of_a_part_is_masked(tmp_path: Path) -> None:
    file = tmp_path / "out"
    head = b"x" * 99 + b"\n"
    file.write_bytes(head * (MAX_PART_BYTES // 100) + b"y" * 35 + SECRET.encode() + b"\nend")
    assert SECRET.encode() in file.read_bytes()[: MAX_PART_BYTES + 40]
    assert SECRET.encode() not in file.read_bytes()[:MAX_PART_BYTES]
    know_secrets([SECRET])
    try:
        shown = [mask_text(part.decode()) for part in parts(file)]
    finally:
        forget_secrets()
    assert len(shown) == 2 and "********\nend" in shown[1]
    assert b"".join(parts(file)) == file.read_bytes()


@pytest.mark.parametrize(
    "text", [b"\xc3\xa9" * MAX_PART_BYTES, b"z" * (MAX_PART_BYTES + 1), b"", b"\xff\xfe"]
)
def test_all_of_a_file_is_read_whatever_is_in_it(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "out"
    file.write_bytes(text)
    assert b"".join(parts(file)) == text
    if text.startswith(b"\xc3"):
        assert all(part.decode() for part in parts(file))
