"""Which changes of files can be those of source files."""

import asyncio
from types import SimpleNamespace

from watchfiles import Change

from tidewheel.services.code.code_watch import CodeWatch
from tidewheel.services.signals import Signals


def test_only_files_named_like_a_source_are_looked_at():
    async def noticed(*paths: str) -> list[bool]:
        locations = SimpleNamespace(watched_files=lambda: {"loc": ("/project/defs.py", "/project/helper.py")})
        watch = CodeWatch(locations, Signals())
        return [watch._may_be_source(Change.modified, path) for path in paths]

    found = asyncio.run(noticed("/project/helper.py", "/project/dev.log", "/project/state"))
    assert found == [True, False, False]
