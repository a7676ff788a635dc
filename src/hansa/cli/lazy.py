"""Command groups that import a command only when it runs: `hansa --help` must cost next to nothing."""

import difflib
import gettext
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from hansa.base.i18n import _


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command lives (`module:attribute`) and the one line that help shows without importing it."""

    target: str
    help: str

    def load(self) -> click.Command:
        module, _colon, attribute = self.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.target} is not a command")
        return command


class LazyGroup(click.Group):
    """A group whose commands stand in a table. Help reads the table; running reads the module."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = dict(lazy)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.lazy.get(cmd_name)
        return entry.load() if entry else super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is not None or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        message = _("There is no command “{name}”.").format(name=name)
        close = difflib.get_close_matches(name, self.list_commands(ctx), n=3)
        if close:
            message += " " + _("Did you mean {names}?").format(names=", ".join(close))
        raise click.UsageError(message, ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, self._short_help(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section(gettext.gettext("Commands")):
            formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, name: str) -> str:
        if entry := self.lazy.get(name):
            return _(entry.help)
        command = super().get_command(ctx, name)
        return command.get_short_help_str(80) if command else ""
