"""`hansa usage`: what my project's machines have used, at every site of the profile."""

import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from hansa.base.errors import HansaError
from hansa.base.i18n import _
from hansa.cli.errors import ExitCode, exit_code
from hansa.cli.output import emit_list, output_option, say
from hansa.cli.session import deadline
from hansa.client.fanout import Failure, ask_all
from hansa.client.http import tls_context
from hansa.client.profile import Profile, Site, load_profile
from hansa.client.usage import Record, machine_use, usage_events

_MACHINE = ("site", "name", "status", "vcpus", "created", "ended", "wall", "id")
_EVENT = ("site", "time", "kind", "name", "vcpus", "detail", "id")


@click.command(help=_("Show what the machines of your project have used, or what happened to them."))
@click.option("--site", help=_("Only this site: a name of the profile, or an address."))
@click.option("--events", is_flag=True, help=_("Show starts, stops and deletions, one a line."))
@click.option("--all-projects", is_flag=True, help=_("Of every project (operators)."))
@output_option
@click.pass_context
def usage(ctx: click.Context, site: str | None, events: bool, all_projects: bool, output: str) -> int:
    profile = load_profile(getattr(ctx.obj, "profile", None))
    sites = (profile.site(site),) if site else profile.sites
    if not sites:
        say(_("The profile names no site."))
    ask = partial(usage_events if events else machine_use, tls=_tls(profile), all_projects=all_projects)
    gathered = ask_all(sites, ask, deadline=deadline())
    rows = [_row(answer.site, record, events=events) for answer in gathered.answers for record in answer.value]
    emit_list(rows, _EVENT if events else _MACHINE, output, errors=[_failure(each) for each in gathered.failures])
    for failure in gathered.failures:
        say(f"{failure.site.name}: {_reason(failure)}")
    if not gathered.failures:
        return ExitCode.OK
    return ExitCode.PARTIAL if gathered.answers else _code(gathered.failures[0])


def _tls(profile: Profile) -> ssl.SSLContext:
    paths = profile.paths
    return tls_context(certificates=paths.certificates, proxy=paths.proxy if paths.proxy.exists() else None)


def _row(site: Site, record: Record, *, events: bool) -> Mapping[str, Any]:
    row = {"site": site.name, **record}
    return row if events else row | {"wall": _duration(int(record.get("wall_seconds", 0)))}


def _duration(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}"


def _failure(failure: Failure) -> Mapping[str, Any]:
    return {"site": failure.site.name, "code": failure.error.code, "message": _reason(failure)}


def _code(failure: Failure) -> int:
    return exit_code(failure.error) if isinstance(failure.error, HansaError) else ExitCode.ERROR


def _reason(failure: Failure) -> str:
    return str(getattr(failure.error, "message", failure.error))
