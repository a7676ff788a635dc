"""`hansa usage`: what my project's machines have used, at every site of the profile."""

from collections.abc import Mapping
from typing import Any

import click

from hansa.base.i18n import _
from hansa.cli.output import emit_list, output_option
from hansa.cli.session import failures, gather, profile_of, site_option, sites_of, tell_failures
from hansa.client.profile import Site
from hansa.client.usage import Record, machine_use, usage_events

_MACHINE = ("site", "name", "status", "vcpus", "created", "ended", "wall", "id")
_EVENT = ("site", "time", "kind", "name", "vcpus", "detail", "id")


@click.command(help=_("Show what the machines of your project have used, or what happened to them."))
@site_option
@click.option("--events", is_flag=True, help=_("Show starts, stops and deletions, one a line."))
@click.option("--all-projects", is_flag=True, help=_("Of every project (operators)."))
@output_option
@click.pass_context
def usage(ctx: click.Context, sites: tuple[str, ...], events: bool, all_projects: bool, output: str) -> int:
    profile = profile_of(ctx)
    ask = usage_events if events else machine_use
    gathered = gather(profile, sites_of(profile, sites), lambda _site, session: ask(session, all_projects=all_projects))
    rows = [_row(answer.site, record, events=events) for answer in gathered.answers for record in answer.value]
    if gathered.answers:
        emit_list(rows, _EVENT if events else _MACHINE, output, errors=failures(gathered))
    return tell_failures(gathered)


def _row(site: Site, record: Record, *, events: bool) -> Mapping[str, Any]:
    row = {"site": site.name, **record}
    return row if events else row | {"wall": _duration(int(record.get("wall_seconds", 0)))}


def _duration(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}"
