"""The keystoneauth plug-in `v3hansa`: every OpenStack client signs on with the login that `hansa login` keeps.

    export OS_AUTH_TYPE=v3hansa OS_HANSA_SITE=lyra        (or `auth_type: v3hansa` in clouds.yaml)

Tokens are renewed silently, as long as the certificate or the login lasts. Needs the package keystoneauth1, which every
OpenStack client brings along.
"""

from pathlib import Path

from keystoneauth1 import access, exceptions, loading
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.loading import opts
from keystoneauth1.session import Session

from hansa.base.errors import HansaError, Unauthenticated
from hansa.client.credentials import Shown, shown
from hansa.client.profile import Profile, Site, load_profile
from hansa.client.sites import keystone_root, sign_on


class Hansa(BaseIdentityPlugin):
    """Signs on at a site of the profile: with the proxy if there is a good one, else with the token of a login."""

    def __init__(
        self,
        auth_url: str | None = None,
        hansa_site: str | None = None,
        hansa_profile: str | None = None,
        project_id: str | None = None,
        project_name: str | None = None,
    ) -> None:
        super().__init__(auth_url=auth_url)
        self._site, self._profile, self._project = hansa_site, hansa_profile, project_id or project_name

    def get_auth_ref(self, session: Session) -> access.AccessInfo:
        """As every identity plug-in. Raises Unauthorized with Keystone's reason, ClientException for everything else."""
        try:
            profile = load_profile(Path(self._profile) if self._profile else None)
            site = _chosen(profile, self._site, self.auth_url)
            credential = shown(profile, secure=site.endpoint.startswith("https:"))
            self.auth_url = self.auth_url or _v3(site, credential)
            issued = sign_on(site, credential, project=self._project)
        except Unauthenticated as error:
            raise exceptions.Unauthorized(error.message) from error
        except HansaError as error:
            raise exceptions.ClientException(error.message) from error
        return access.create(body={"token" if issued.version == 3 else "access": issued.about}, auth_token=issued.id)

    def get_cache_id_elements(self) -> dict[str, str | None]:
        return {"auth_url": self.auth_url, "site": self._site, "project": self._project, "profile": self._profile}


class Loader(loading.BaseLoader[Hansa]):
    """Entry point `v3hansa` of `keystoneauth1.plugin`."""

    @property
    def plugin_class(self) -> type[Hansa]:
        return Hansa

    def get_options(self) -> list[opts.Opt]:
        return [
            opts.Opt("auth-url", help="The site's Keystone; by default as the profile or the site says."),
            opts.Opt("hansa-site", help="A site of the profile; by default its default or first one."),
            opts.Opt("hansa-profile", help="The profile; by default that of the command line."),
            opts.Opt("project-id", help="Identifier of a project; by default the first that Keystone names."),
            opts.Opt("project-name", help="Name of a project."),
        ]


def _chosen(profile: Profile, name: str | None, auth_url: str | None) -> Site:
    if name is None and auth_url:
        for site in profile.sites:
            if site.keystone and auth_url.startswith(site.keystone.rstrip("/")):
                return site
    if wanted := name or profile.defaults.site:
        return profile.site(wanted)
    if not profile.sites:
        raise exceptions.OptionError("The profile names no site; set OS_HANSA_SITE, or add one to the profile.")
    return profile.sites[0]


def _v3(site: Site, credential: Shown) -> str:
    root = keystone_root(site, credential).rstrip("/")
    return root if root.endswith("/v3") else f"{root}/v3"
