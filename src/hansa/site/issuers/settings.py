"""What the operator decides about issuers (`[[identity.issuers]]`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Self

import structlog
from pydantic import Field, field_validator, model_validator

from hansa.base.config import FilePath, Settings
from hansa.base.errors import ConfigurationError
from hansa.base.watch import Watched
from hansa.client.oidc import Client, Guard, Issuer, Web, check_issuer_url
from hansa.client.oidc.guard import is_loopback
from hansa.site.issuers.model import Introspection, Provider, Trust
from hansa.standards.entitlements import normal_namespace
from hansa.standards.errors import StandardError
from hansa.standards.mapping import Rules, lint, load_document, parse_rules

ANY_VO = "*"
log = structlog.stdlib.get_logger(__name__)


class IssuerSettings(Settings):
    """An OpenID Provider whose tokens are taken."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="Its name as an identity provider of Keystone."
    )
    issuer: str = Field(description="Its address, to the letter as in its tokens (`iss`).")
    audiences: frozenset[str] = Field(frozenset(), description="Tokens are taken whose `aud` has one of these.")
    clients: frozenset[str] = Field(
        frozenset(), description="Clients whose tokens are taken although they name no audience (`azp`, `client_id`)."
    )
    namespace: str | None = Field(
        None, description="Entitlements of this namespace make members of VOs, such as `urn:mace:egi.eu`."
    )
    authority: str | None = Field(None, description="What these entitlements must end in, after `#`.")
    wlcg_groups: bool = Field(False, description="The claim `wlcg.groups` makes members of VOs, too.")
    vos: frozenset[str] = Field(frozenset(), description="The VOs it speaks for; `*` for whatever VO it names.")
    entitlement_claims: tuple[str, ...] = Field(
        ("entitlements", "eduperson_entitlement", "eduPersonEntitlement"), description="Claims that hold entitlements."
    )
    name_claim: str = Field("sub", description="The claim that says what to call somebody.")
    rules: FilePath | None = Field(
        None, description="Keystone mapping rules (JSON), watched. They name user and groups."
    )
    client_id: str | None = Field(None, description="This site as a client there: to ask about tokens, and to log in.")
    client_secret: FilePath | None = Field(None, description="File with the client's secret, closed to others.")
    introspection: Introspection = Field(
        "opaque", description="About which tokens the issuer is asked: those that are no JWT, all, or none."
    )
    userinfo: bool = Field(True, description="Ask it for claims that the token lacks.")
    scopes: tuple[str, ...] = Field(
        ("openid", "profile", "email"), description="What is asked for when a browser logs in there."
    )
    max_life: int = Field(86_400, ge=60, description="Seconds; a token that is good for longer is refused.")
    networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="Private networks that it, or an address it names, may be in."
    )
    ca_file: FilePath | None = Field(None, description="CA certificates that prove it, instead of the system's.")

    @field_validator("issuer")
    @classmethod
    def _is_an_address(cls, issuer: str) -> str:
        check_issuer_url(issuer)
        if issuer.startswith("http:") and not is_loopback(issuer):
            raise ValueError("it must be https")
        return issuer

    @field_validator("namespace")
    @classmethod
    def _is_a_namespace(cls, namespace: str | None) -> str | None:
        try:
            return None if namespace is None else normal_namespace(namespace)
        except StandardError as error:
            raise ValueError(error.reason) from error

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if not self.audiences and not self.clients:
            raise ValueError("say which audiences, or which clients, its tokens are made for")
        if self.namespace is None and not self.wlcg_groups and self.rules is None:
            raise ValueError("say what it is believed: namespace, wlcg_groups or rules")
        if (self.namespace is not None or self.wlcg_groups) and not self.vos:
            raise ValueError("say which vos it speaks for")
        if self.introspection == "always" and self.client_id is None:
            raise ValueError("introspection needs a client_id")
        return self


def make_providers(issuers: Sequence[IssuerSettings], clock: Callable[[], datetime]) -> list[Provider]:
    """Raises ConfigurationError for a file that cannot be read or understood."""
    return [_provider(settings, f"identity.issuers[{index}]", clock) for index, settings in enumerate(issuers)]


def _provider(settings: IssuerSettings, key: str, clock: Callable[[], datetime]) -> Provider:
    guard = Guard(settings.networks, loopback=is_loopback(settings.issuer))
    client = None
    if settings.client_id is not None:
        secret = _secret(settings.client_secret, f"{key}.client_secret") if settings.client_secret else None
        client = Client(settings.client_id, secret)
    trust = Trust(
        settings.audiences,
        settings.clients,
        settings.namespace,
        settings.authority,
        settings.wlcg_groups,
        None if ANY_VO in settings.vos else settings.vos,
        settings.entitlement_claims,
        settings.name_claim,
        timedelta(seconds=settings.max_life),
    )
    provider = Provider(
        settings.name,
        Issuer(settings.issuer, Web(guard, ca_file=settings.ca_file), clock, client=client),
        trust,
        introspection=settings.introspection,
        asks_userinfo=settings.userinfo,
        scopes=settings.scopes,
    )
    if settings.rules is None:
        return provider
    watched = _rules(settings.rules, f"{key}.rules")
    return replace(provider, rules=lambda: watched.current[0], document=lambda: watched.current[1])


def _rules(path: Path, key: str) -> Watched[tuple[Rules, Mapping[str, Any]]]:
    try:
        return Watched([path], lambda files: _read(path, files))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", key=key) from error
    except StandardError as error:
        raise ConfigurationError(f"{path}: {error.reason}.", key=key) from error


def _read(path: Path, files: Mapping[str, bytes]) -> tuple[Rules, Mapping[str, Any]]:
    (text,) = files.values()
    document = load_document(text)
    rules = parse_rules(document)
    for finding in lint(rules):
        log.warning("issuers.rules_doubtful", file=str(path), where=finding.where, reason=finding.reason)
    assert isinstance(document, dict)
    return rules, document


def _secret(path: Path, key: str) -> str:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} is open to others than its owner; chmod go= it.", key=key)
        return path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.", key=key) from error
