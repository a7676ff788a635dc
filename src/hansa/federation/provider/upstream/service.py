"""The configured identity providers, assembled."""

from collections.abc import Sequence

from hansa.base.config import FilePath
from hansa.base.errors import ConfigurationError
from hansa.client.oidc import Client, Guard, Issuer, Web
from hansa.client.oidc.guard import is_loopback
from hansa.federation.provider.desk import Desk
from hansa.federation.provider.http.browser import Browser
from hansa.federation.provider.upstream.flow import Upstream
from hansa.federation.provider.upstream.model import Counterpart
from hansa.federation.provider.upstream.oidc import OidcCounterpart
from hansa.federation.provider.upstream.settings import OidcUpstreamSettings, SamlUpstreamSettings


def upstreams(desk: Desk, browser: Browser) -> Sequence[Upstream]:
    """Ways to log in. Raises ConfigurationError for files that do not serve their purpose."""
    settings = desk.settings
    return [
        *(Upstream(desk, browser, each.name, each.label, _oidc(desk, each)) for each in settings.oidc),
        *(Upstream(desk, browser, each.name, each.label, _saml(desk, each)) for each in settings.saml),
    ]


def _base(desk: Desk, name: str) -> str:
    return desk.url(f"/oidc/upstream/{name}")


def _oidc(desk: Desk, settings: OidcUpstreamSettings) -> Counterpart:
    guard = Guard(settings.networks, loopback=is_loopback(settings.issuer))
    client = Client(settings.client_id, _secret(settings.client_secret_file))
    issuer = Issuer(settings.issuer, Web(guard, ca_file=settings.ca_file), desk.commons.clock, client=client)
    return OidcCounterpart(issuer, f"{_base(desk, settings.name)}/callback", settings.scopes, desk.secret)


def _saml(desk: Desk, settings: SamlUpstreamSettings) -> Counterpart:
    try:
        from hansa.federation.provider.upstream.saml import SamlCounterpart  # the library is an extra
    except ImportError as error:
        message = "SAML needs the package pysaml2: install hansa[saml]."
        raise ConfigurationError(message, key=f"provider.saml.{settings.name}") from error
    return SamlCounterpart(settings, _base(desk, settings.name), desk.secret)


def _secret(path: FilePath | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The client's secret cannot be read: {error}.", key="provider.oidc") from error
