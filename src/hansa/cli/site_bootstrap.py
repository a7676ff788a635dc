"""`hansa site bootstrap`: the first administrator of the site's Keystone, with the options of `keystone-manage bootstrap`."""

import asyncio
import os
from pathlib import Path

import click

from hansa.base.config import load
from hansa.base.database import Database
from hansa.base.errors import ConfigurationError
from hansa.base.i18n import _
from hansa.base.migrations import upgrade
from hansa.cli.output import say
from hansa.cli.site import CONFIG
from hansa.site.config import SiteConfig
from hansa.site.directory import Directory
from hansa.site.directory.bootstrap import Bootstrap, bootstrap
from hansa.site.server import utc_now


@click.command(
    "bootstrap", help=_("Make the administrator of the site's Keystone, and the roles that its rules speak of.")
)
@CONFIG
@click.option(
    "--bootstrap-username",
    "username",
    default="admin",
    envvar="OS_BOOTSTRAP_USERNAME",
    show_default=True,
    help=_("The administrator's name, in the default domain."),
)
@click.password_option(
    "--bootstrap-password", "password", envvar="OS_BOOTSTRAP_PASSWORD", help=_("Asked for if not given, and better so.")
)
@click.option(
    "--bootstrap-project-name",
    "project",
    default="admin",
    envvar="OS_BOOTSTRAP_PROJECT_NAME",
    show_default=True,
    help=_("The project the administrator works in."),
)
@click.option(
    "--bootstrap-role-name",
    "role",
    default="admin",
    envvar="OS_BOOTSTRAP_ROLE_NAME",
    show_default=True,
    help=_("The administrator's role on the project and on the system."),
)
@click.option(
    "--bootstrap-service-name",
    "service",
    envvar="OS_BOOTSTRAP_SERVICE_NAME",
    help=_("The identity service's name: keystone, as the site calls it."),
)
@click.option(
    "--bootstrap-admin-url",
    "admin",
    envvar="OS_BOOTSTRAP_ADMIN_URL",
    help=_("Keystone's address, to compare with keystone.public_url."),
)
@click.option(
    "--bootstrap-internal-url",
    "internal",
    envvar="OS_BOOTSTRAP_INTERNAL_URL",
    help=_("Keystone's address, to compare with keystone.public_url."),
)
@click.option(
    "--bootstrap-public-url",
    "public",
    envvar="OS_BOOTSTRAP_PUBLIC_URL",
    help=_("Keystone's address, to compare with keystone.public_url."),
)
@click.option(
    "--bootstrap-region-id",
    "region",
    envvar="OS_BOOTSTRAP_REGION_ID",
    help=_("The region, to compare with keystone.region."),
)
@click.option(
    "--immutable-roles/--no-immutable-roles",
    "immutable",
    default=True,
    help=_("Whether the roles can be changed or deleted later."),
)
def command(
    path: Path,
    username: str,
    password: str,
    project: str,
    role: str,
    service: str | None,
    region: str | None,
    *,
    immutable: bool,
    **urls: str | None,
) -> None:
    config = load(path, SiteConfig, os.environ)
    _check(config, service, region, urls)
    asyncio.run(_bootstrap(config, Bootstrap(password, username, project, role, immutable)))
    say(_("{user} administers this site's Keystone, in the project {project}.").format(user=username, project=project))


async def _bootstrap(config: SiteConfig, wanted: Bootstrap) -> None:
    database = Database(config.database.url, threads=2)
    try:
        await upgrade(database, "site")
        await bootstrap(Directory(database, utc_now, config.identity.passwords), wanted)
    finally:
        database.close()


def _check(config: SiteConfig, service: str | None, region: str | None, urls: dict[str, str | None]) -> None:
    """The catalogue's entry of Keystone itself is made of the configuration; what is said here must agree with it."""
    keystone = config.keystone
    if keystone is None:
        raise ConfigurationError(
            _("This site has no Keystone; give its configuration the table keystone."), key="keystone"
        )
    own = f"{keystone.public_url}/v3"
    for given in (url for url in urls.values() if url):
        if given.rstrip("/") not in (own, keystone.public_url):
            message = _("{given} is not where the configuration has Keystone: {own} (keystone.public_url).")
            raise ConfigurationError(message.format(given=given, own=own), key="keystone.public_url")
    here = keystone.region or config.site.name
    if region not in (None, here):
        message = _("The region of this site is {here} (keystone.region), not {given}.")
        raise ConfigurationError(message.format(here=here, given=region), key="keystone.region")
    if service not in (None, "keystone"):
        raise ConfigurationError(_("The identity service of a site is called keystone."), key="keystone")
