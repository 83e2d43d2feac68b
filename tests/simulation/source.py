"""The world outside that the simulated user code looks at."""

from __future__ import annotations

from tidewheel.values.inbox import FileStat


class Source:
    """Items that grow in number, wishes that come in bursts, files that come and go, and a service that is down at times."""

    def __init__(self) -> None:
        self.count = 0
        self.wishes = 0
        self.files: dict[str, FileStat] = {}
        self.down_until = 0.0
        """Until when (the machine's clock) the service that the shaky sensor asks is down."""
