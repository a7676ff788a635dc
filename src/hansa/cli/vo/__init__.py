"""`hansa vo …`: virtual organisations, on the federation's own database or through its API."""

from pathlib import Path

import click

from hansa.base.i18n import _
from hansa.cli.federation import config_option
from hansa.cli.lazy import Lazy, LazyGroup

COMMANDS = {
    "create": Lazy("hansa.cli.vo.vos:create", "Create a VO."),
    "list": Lazy("hansa.cli.vo.vos:list_vos", "All VOs."),
    "show": Lazy("hansa.cli.vo.vos:show", "One VO: what it says of itself, its terms and its groups."),
    "set": Lazy("hansa.cli.vo.vos:set_profile", "Change what a VO says of itself, and its terms."),
    "delete": Lazy("hansa.cli.vo.vos:delete", "Remove a VO that has no members."),
    "history": Lazy("hansa.cli.vo.vos:history", "What has changed in a VO, and who did it."),
    "issued": Lazy("hansa.cli.vo.vos:issued", "The attribute certificates issued last, newest first."),
    "vomses": Lazy("hansa.cli.vo.files:vomses", "The line for /etc/vomses, with which clients find the VO's server."),
    "lsc": Lazy(
        "hansa.cli.vo.files:lsc",
        "The content of vomsdir/VO/HOST.lsc, with which sites and clients verify the VO's certificates.",
    ),
    "applications": Lazy(
        "hansa.cli.vo.joining:applications", "Applications: yours, and those of a VO that you decide on."
    ),
    "apply": Lazy("hansa.cli.vo.joining:apply", "Apply for membership of a VO, or for a group of it."),
    "renew": Lazy("hansa.cli.vo.joining:renew", "Renew your membership of a VO before it ends."),
    "member": Lazy("hansa.cli.vo.member:member", "Members of a VO."),
    "group": Lazy("hansa.cli.vo.group:group", "Groups of a VO, and who is in them."),
    "role": Lazy("hansa.cli.vo.role:role", "Roles of a VO's members (/VO/GROUP/Role=ROLE)."),
    "aup": Lazy("hansa.cli.vo.aup:aup", "The acceptable use policy of a VO, and who accepted it."),
    "attribute": Lazy("hansa.cli.vo.attribute:attribute", "Generic attributes of members and groups."),
    "person": Lazy("hansa.cli.vo.person:person", "Persons, their credentials and passwords."),
    "export": Lazy("hansa.cli.vo.export:export", "Members in the formats that other software reads."),
}


@click.group(
    name="vo",
    cls=LazyGroup,
    lazy=COMMANDS,
    help=_(
        "Virtual organisations: members, groups, roles. WHO is a member's number, uid, a certificate's subject, or “me”. "
        "Where the federation's configuration is, the commands work on its database; elsewhere they ask its API."
    ),
)
@config_option
@click.option("--url", help=_("Ask the API of the federation at this address; default: the profile's [federation]."))
@click.pass_context
def vo_group(ctx: click.Context, config_file: Path, url: str | None) -> None:
    ctx.meta["config_file"] = config_file
    ctx.meta["config_given"] = ctx.get_parameter_source("config_file") is not click.core.ParameterSource.DEFAULT
    ctx.meta["url"] = url
