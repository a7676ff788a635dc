"""The things of OS-FEDERATION, as admins make them and as the configuration has them (`own`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hansa.site.directory.model import DEFAULT
from hansa.standards.mapping import Rules, parse_rules
from hansa.standards.mapping.parse import DEFAULT_VERSION

REMOTE_ID_MAX = 255


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """`remote_ids` are issuers, to the letter; no two that admins made share one. `authorization_ttl`: minutes, only kept."""

    id: str
    enabled: bool = False
    description: str | None = None
    domain_id: str = DEFAULT
    authorization_ttl: int | None = None
    remote_ids: tuple[str, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """How users of `provider` come: `id` is part of the address, `mapping` says who they are here."""

    provider: str
    id: str
    mapping: str
    remote_id_attribute: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class KeptMapping:
    """`document` is what was sent: `rules` and `schema_version`."""

    id: str
    document: Mapping[str, Any]
    own: bool = False

    @property
    def schema_version(self) -> str:
        return str(self.document.get("schema_version") or DEFAULT_VERSION)

    def rules(self) -> Rules:
        return parse_rules(dict(self.document))


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """Another Keystone that would take users of this one; only kept, for tools that want to know."""

    id: str
    auth_url: str
    sp_url: str
    description: str | None = None
    enabled: bool = False
    relay_state_prefix: str | None = "ss:mem:"
