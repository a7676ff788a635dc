"""`hansa keystone check`: what is missing before proxies come in."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from hansa.base.config import load
from hansa.base.errors import HansaError
from hansa.base.i18n import _
from hansa.cli.errors import ExitCode
from hansa.cli.output import emit_list, output_option, say
from hansa.site.identity.policy import Policy, parse_policy
from hansa.site.openstack.wrapper.admin import Admin
from hansa.site.openstack.wrapper.backend import Backend, Origin
from hansa.site.openstack.wrapper.checks.conf import check_conf
from hansa.site.openstack.wrapper.checks.contents import check_contents
from hansa.site.openstack.wrapper.checks.files import check_files
from hansa.site.openstack.wrapper.checks.model import Finding, State, skipped
from hansa.site.openstack.wrapper.checks.reach import SECONDS, check_backend, check_public, check_sign_on
from hansa.site.openstack.wrapper.front import Place
from hansa.site.openstack.wrapper.mapping import wanted
from hansa.site.openstack.wrapper.server import place_of, watched_secrets
from hansa.site.openstack.wrapper.settings import WrapperConfig

ExistingFile = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(
    help=_("Tell what is missing before Keystone takes proxies. TARGET: the front's configuration, or its URL.")
)
@click.argument("target", default="/etc/hansa/keystone.toml")
@click.option(
    "--keystone-conf",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("/etc/keystone/keystone.conf"),
    show_default=True,
    help=_("Keystone's own configuration."),
)
@click.option(
    "--inside",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/usr/local/lib/hansa-keystone"),
    show_default=True,
    help=_("Where “hansa keystone install” wrote its files."),
)
@click.option("--domain", default="Default", show_default=True, help=_("The domain of groups, projects and users."))
@click.option("--proxy", type=ExistingFile, help=_("Sign on with this proxy, for a real test."))
@click.option(
    "--certificates", type=click.Path(path_type=Path, file_okay=False), help=_("Authorities that prove servers.")
)
@output_option
def check(
    target: str,
    keystone_conf: Path,
    inside: Path,
    domain: str,
    proxy: Path | None,
    certificates: Path | None,
    output: str,
) -> int:
    now = datetime.now(UTC)
    if target.startswith(("http://", "https://")):
        place = Place(target.rstrip("/").removesuffix("/v3"), "egi.eu", "mapped")
        findings = list(_reached(place, certificates, proxy, now))
    else:
        config = load(Path(target), WrapperConfig, os.environ)
        findings = [
            *check_files(config, inside, now),
            *check_conf(keystone_conf, config.front.protocol),
            *asyncio.run(_gate(config, now)),
            *_reached(place_of(config), certificates or config.identity.trust_dir, proxy, now),
            *_contents(config, domain),
        ]
    rows = [{"state": f.state.value, "check": f.check, "detail": f.detail, "next": f.next} for f in findings]
    emit_list(rows, ["state", "check", "detail", "next"], output)
    problems = sum(each.state is State.PROBLEM for each in findings)
    say(_("Problems: {count}.").format(count=problems) if problems else _("Nothing is missing."))
    return ExitCode.ERROR if problems else ExitCode.OK


def _reached(place: Place, certificates: Path | None, proxy: Path | None, now: datetime) -> Iterator[Finding]:
    yield from check_public(place.public_url, place.sign_on, certificates, now)
    yield from check_sign_on(place.public_url, place.sign_on, certificates, proxy)


async def _gate(config: WrapperConfig, now: datetime) -> list[Finding]:
    try:
        secrets = watched_secrets(config.front.secret)()
    except HansaError:  # check_files tells
        secrets = ()
    backend = Backend(Origin.parse(config.front.backend), SECONDS)
    return [finding async for finding in check_backend(backend, secrets, now)]


def _contents(config: WrapperConfig, domain: str) -> Iterator[Finding]:
    if not os.environ.get("OS_AUTH_URL"):
        then = "name an administrator: OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME"
        yield skipped("contents", "nobody was named who may look into Keystone", then)
        return
    try:
        policy = parse_policy(config.identity.policy.read_bytes())
    except (OSError, HansaError):  # check_files tells
        policy = Policy({})
    front = config.front
    plan = wanted(policy, provider=front.identity_provider, protocol=front.protocol, domain=domain)
    try:
        with Admin(os.environ) as admin:
            yield from check_contents(admin, plan)
    except HansaError as error:
        yield skipped("contents", error.message, "compare the OS_ variables with those of Keystone's administrator")
