"""Which changes of files make a file sensor look."""

import pytest

from tidewheel.services.triggers.file_watch import concerns


@pytest.mark.parametrize(
    ("path", "folders", "expected"),
    [
        ("/project/landing/a.csv", ["/project"], True),
        ("/project/state/ledger.db", ["/project"], False),
        ("/project/state-of-things/a.csv", ["/project"], True),
        ("/project/state/landing/a.csv", ["/project/state/landing"], True),
        ("/project/state/landing/a.csv", ["/project"], False),
        ("/project/state/ledger.db", ["/project/state/landing"], False),
        ("/project/state/a.csv", ["/project/state"], True),
    ],
)
def test_the_servers_own_home_is_not_looked_at_unless_it_is_named(path, folders, expected):
    assert concerns(path, folders, "/project/state") is expected
