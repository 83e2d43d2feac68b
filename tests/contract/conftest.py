from tests.databases import (  # noqa: F401
    empty_postgres,
    lasting_address,
    ledger,
    postgres_address,
    postgres_server,
)
