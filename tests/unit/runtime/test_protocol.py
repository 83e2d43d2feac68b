"""Framing: whatever the pieces in which bytes arrive, the same messages come out; nonsense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidewheel.runtime.protocol import (
    MAX_FRAME_BYTES,
    Activity,
    Call,
    ChildExited,
    FrameBuffer,
    Hello,
    ProtocolError,
    Retire,
    frame,
)

messages = st.one_of(
    st.builds(lambda pid: Hello(role="worker", pid=pid, run_id="r", epoch=2), st.integers(0, 2**31)),
    st.builds(lambda data: Call(call_id=1, method="get_run", args=data), st.binary(max_size=2_000)),
    st.builds(lambda text: Activity(kind="tick", timestamp=1.0, name=text), st.text(max_size=50)),
    st.just(Retire()),
    st.just(ChildExited(pid=1, code=-9)),
)


@given(st.lists(messages, max_size=8), st.integers(1, 50))
def test_messages_survive_any_cutting(sent, piece):
    data = b"".join(frame(message) for message in sent)
    buffer, got = FrameBuffer(), []
    for start in range(0, len(data), piece):
        got.extend(buffer.feed(data[start : start + piece]))
    assert got == sent


@pytest.mark.parametrize(
    "data",
    [
        (MAX_FRAME_BYTES + 1).to_bytes(4, "big"),
        b"GET / HTTP/1.1\r\n\r\n",
        (5).to_bytes(4, "big") + b"hello",
        (2).to_bytes(4, "big") + b"\x81\xa1",
    ],
)
def test_nonsense_is_refused(data):
    with pytest.raises(ProtocolError, match="expected"):
        FrameBuffer().feed(data)
