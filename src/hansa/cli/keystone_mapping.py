"""`hansa keystone mapping`: what Keystone must know of the VOs that come in."""

import json
import os
from pathlib import Path

import click

from hansa.base.config import load
from hansa.base.i18n import _
from hansa.cli.output import emit_list, output_option, say
from hansa.site.identity.policy import parse_policy
from hansa.site.openstack.wrapper.admin import Admin
from hansa.site.openstack.wrapper.apply import Applying, commands
from hansa.site.openstack.wrapper.mapping import MEMBER, Wanted, wanted
from hansa.site.openstack.wrapper.settings import WrapperConfig

CONFIG = Path("/etc/hansa/keystone.toml")


@click.command(
    help=_("Print the mapping rules for the VOs of voms.json, or bring Keystone to them (OS_… say who administers it).")
)
@click.option(
    "--config",
    "path",
    envvar="HANSA_KEYSTONE_CONFIG",
    default=CONFIG,
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help=_("The front's configuration: policy, identity provider and protocol stand there."),
)
@click.option("--domain", default="Default", show_default=True, help=_("The domain of groups, projects and users."))
@click.option("--role", default=MEMBER, show_default=True, help=_("The role of entries of voms.json that name none."))
@click.option("--commands", "as_commands", is_flag=True, help=_("Print commands for OpenStack's own client instead."))
@click.option("--dry-run", is_flag=True, help=_("Ask Keystone, and show what --apply would change."))
@click.option("--apply", "do", is_flag=True, help=_("Make in Keystone what is missing."))
@output_option
def mapping(path: Path, domain: str, role: str, as_commands: bool, dry_run: bool, do: bool, output: str) -> None:
    plan = read_wanted(path, domain, role)
    if do or dry_run:
        with Admin(os.environ) as admin:
            changes = Applying(admin, plan, dry=dry_run).run()
        rows = [{"action": c.action, "kind": c.kind, "name": c.name, "detail": c.detail} for c in changes]
        emit_list(rows, ["action", "kind", "name", "detail"], output)
        if not changes:
            say(_("Keystone has all of it."))
    elif as_commands:
        say(_("Put the rules into rules.json first: hansa keystone mapping > rules.json"))
        click.echo("\n".join(commands(plan, "rules.json")))
    else:
        click.echo(json.dumps(plan.rules, ensure_ascii=False, indent=2))


def read_wanted(path: Path, domain: str, role: str) -> Wanted:
    """What the front's configuration and its policy ask for."""
    config = load(path, WrapperConfig, os.environ)
    try:
        policy = parse_policy(config.identity.policy.read_bytes())
    except OSError as error:
        message = _("{path} cannot be read: {reason}.").format(path=config.identity.policy, reason=error.strerror)
        raise click.UsageError(message) from error
    front = config.front
    return wanted(policy, provider=front.identity_provider, protocol=front.protocol, domain=domain, role=role)
