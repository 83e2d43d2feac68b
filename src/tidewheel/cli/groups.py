"""Groups of commands that answer a wrong name with the nearest right one."""

from __future__ import annotations

import click

from tidewheel.runtime.deferred import deferred

nearest = deferred("tidewheel.errors", "nearest")


class SuggestingGroup(click.Group):
    """A group that says 'did you mean' where it has no command of a name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As in any group.

        Raises:
            click.UsageError: when there is no such command, with the nearest names.
        """
        name = args[0]
        if ctx.resilient_parsing or name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        close = nearest(name, self.list_commands(ctx))
        hint = f"; did you mean {' or '.join(repr(one) for one in close)}?" if close else "."
        raise click.UsageError(f"No such command {name!r}{hint}", ctx)
