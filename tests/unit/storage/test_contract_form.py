import inspect

import pytest

from tidewheel.storage.ledger import SqlLedger
from tidewheel.storage.ports.ledger import LedgerPort

METHODS = [name for name, _ in inspect.getmembers(LedgerPort, inspect.isfunction) if not name.startswith("_")]
OWN = set()
"""What only the ledger itself can do, since functions do not travel."""


@pytest.mark.parametrize("name", METHODS)
def test_a_method_has_the_form_that_the_contract_gives_it(name):
    assert inspect.signature(getattr(SqlLedger, name)) == inspect.signature(getattr(LedgerPort, name))


def test_there_is_nothing_beside_the_contract():
    public = {
        name for name, _ in inspect.getmembers(SqlLedger, inspect.isfunction) if not name.startswith("_")
    }
    assert public - set(METHODS) == OWN
