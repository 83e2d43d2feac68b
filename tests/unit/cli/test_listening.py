"""Where ``tidewheel dev`` listens: addresses of either protocol, ports that are taken, names that are none of ours."""

from __future__ import annotations

import socket

import pytest

from tidewheel.cli.serving import choose_port
from tidewheel.errors import InvalidInvocationError
from tidewheel.runtime.home import web_url


def has_the_newer_protocol() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


HOSTS = ["127.0.0.1", "localhost", *(["::1"] if has_the_newer_protocol() else [])]


@pytest.mark.parametrize("host", HOSTS)
def test_a_port_is_free_or_taken(host: str) -> None:
    family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as taken:
        taken.bind(address)
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInvocationError, match=f"expected port {port} to be free"):
            choose_port(host, port)
    assert choose_port(host, port) == port
    assert choose_port(host, 0) > 0


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_what_is_no_address_of_this_machine_is_told_as_such(host: str) -> None:
    with pytest.raises(InvalidInvocationError, match="of this machine, got"):
        choose_port(host, 3000)


def test_addresses_of_the_newer_protocol_stand_in_brackets() -> None:
    assert web_url("::1", 3000) == "http://[::1]:3000"
    assert web_url("127.0.0.1", 3000) == "http://127.0.0.1:3000"
