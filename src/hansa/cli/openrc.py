"""`hansa openrc`: what the OpenStack clients need to know to work at a site as you."""

import json
import shlex
from collections.abc import Mapping
from urllib.parse import urlsplit

import click

from hansa.base.i18n import _
from hansa.cli.output import say
from hansa.cli.session import profile_of, sites_of
from hansa.client.credentials import shown
from hansa.client.profile import Profile, Site
from hansa.client.sites import keystone_root, standing_at

FORMATS = ("sh", "fish", "json", "clouds")


@click.command(
    help=_(
        'Print the environment for OpenStack clients: eval "$(hansa openrc lyra)", then “openstack server list”. '
        "It holds a token that ends; with --plugin, clients renew it themselves (OS_AUTH_TYPE=v3hansa)."
    )
)
@click.argument("site", required=False)
@click.option("--project", help=_("Name or id of a project; by default the first you may use."))
@click.option(
    "--plugin",
    is_flag=True,
    help=_("Sign on by our keystoneauth plug-in: nothing secret is printed, and nothing ends."),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="sh",
    show_default=True,
    help=_("For a shell (sh, fish), for programs (json), or a clouds.yaml."),
)
@click.pass_context
def openrc(ctx: click.Context, site: str | None, project: str | None, plugin: bool, form: str) -> None:
    profile = profile_of(ctx)
    chosen = _site(profile, site)
    settings = _by_plugin(profile, chosen, project) if plugin else _by_token(profile, chosen, project)
    click.echo(_rendered(chosen, settings, form), nl=False)


def _site(profile: Profile, name: str | None) -> Site:
    wanted = name or profile.defaults.site
    return profile.site(wanted) if wanted else sites_of(profile, ())[0]


def _by_token(profile: Profile, site: Site, project: str | None) -> Mapping[str, str]:
    credential = shown(profile, secure=site.endpoint.startswith("https:"))
    standing = standing_at(site, credential, project=project)
    say(
        _("You are {user} in project {project}; the token ends at {expires}.").format(
            user=standing.user, project=standing.project, expires=standing.expires
        )
    )
    return {
        **_place(profile, keystone_root(site, credential)),
        "OS_AUTH_TYPE": "v3token",
        "OS_TOKEN": standing.token.id,
        "OS_PROJECT_ID": standing.project_id,
    }


def _by_plugin(profile: Profile, site: Site, project: str | None) -> Mapping[str, str]:
    credential = shown(profile, secure=site.endpoint.startswith("https:"))
    settings = {
        **_place(profile, keystone_root(site, credential)),
        "OS_AUTH_TYPE": "v3hansa",
        "OS_HANSA_SITE": site.name,
        "OS_HANSA_PROFILE": str(profile.path),
    }
    return settings | ({"OS_PROJECT_NAME": project} if project else {})


def _place(profile: Profile, root: str) -> dict[str, str]:
    address = root.rstrip("/")
    address = address if urlsplit(address).path.endswith("/v3") else f"{address}/v3"
    return {
        "OS_AUTH_URL": address,
        "OS_IDENTITY_API_VERSION": "3",
        "OS_CACERT": str(profile.paths.certificates),
    }


def _rendered(site: Site, settings: Mapping[str, str], form: str) -> str:
    match form:
        case "json":
            return json.dumps(settings, indent=2) + "\n"
        case "fish":
            return "".join(f"set -gx {name} {shlex.quote(value)};\n" for name, value in settings.items())
        case "clouds":
            return _clouds(site, settings)
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())


def _clouds(site: Site, settings: Mapping[str, str]) -> str:
    """An entry of clouds.yaml (openstacksdk's configuration file)."""
    import yaml  # only here: it costs start-up time

    outside = {"OS_AUTH_TYPE": "auth_type", "OS_IDENTITY_API_VERSION": "identity_api_version", "OS_CACERT": "cacert"}
    auth = {name.removeprefix("OS_").lower(): value for name, value in settings.items() if name not in outside}
    cloud = {key: settings[name] for name, key in outside.items()} | {"auth": auth}
    return str(yaml.safe_dump({"clouds": {site.name: cloud}}, sort_keys=False, allow_unicode=True))
