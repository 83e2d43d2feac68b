"""What can be wrong with a cron string or a zone name."""


class CronError(ValueError):
    """A cron string that cannot be accepted, or a search for ticks that cannot end."""


class ZoneError(CronError):
    """A name that is not the name of a time zone."""
