"""Settings of identity (`[identity]`), and how they become an `Identity`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

import structlog
from cryptography.fernet import MultiFernet
from pydantic import Field, field_validator

from hansa.base.config import FilePath, Settings
from hansa.base.database import Database
from hansa.base.errors import ConfigurationError
from hansa.base.watch import Watched
from hansa.cloud.model import READ_ONLY
from hansa.site.directory.configured import Configured
from hansa.site.directory.service import Directory
from hansa.site.directory.settings import PasswordSettings
from hansa.site.identity.bans import parse_bans
from hansa.site.identity.basic import Basic
from hansa.site.identity.grid import GridCertificate
from hansa.site.identity.model import MEMBER, Principal
from hansa.site.identity.passwords import LocalUser, parse_users
from hansa.site.identity.policy import Policy, parse_policy
from hansa.site.identity.service import Audit, Authenticator, Identity
from hansa.site.identity.token_keys import ensure_keys, parse_keys
from hansa.site.identity.tokens import Tokens
from hansa.site.issuers import Bearer
from hansa.site.issuers.settings import IssuerSettings, make_providers
from hansa.standards.errors import StandardError
from hansa.standards.voms import VomsDir
from hansa.standards.x509 import (
    AuthorityPolicy,
    ChainPolicy,
    CrlPolicy,
    KeyPolicy,
    NamespaceMode,
    TrustPolicy,
    TrustStore,
)

T = TypeVar("T")
log = structlog.stdlib.get_logger(__name__)


class TokenSettings(Settings):
    """Tokens in `X-Auth-Token`; Keystone gives them out."""

    keys: FilePath = Field(description="Directory of the keys that seal tokens; made if it is not there.")
    life: int = Field(
        3600, ge=60, le=86_400, description="Seconds a token is good for, if its credential is for so long."
    )


class IdentitySettings(Settings):
    """All paths are watched: a change counts within seconds, without a restart."""

    trust_dir: FilePath | None = Field(
        Path("/etc/grid-security/certificates"),
        description="Authorities, CRLs and namespaces in the IGTF layout. Empty: no certificates are taken.",
    )
    vomsdir: FilePath = Field(
        Path("/etc/grid-security/vomsdir"), description="Which servers speak for a virtual organisation (.lsc files)."
    )
    policy: FilePath | None = Field(None, description="voms.json: which VO or FQAN works in which project.")
    roles: frozenset[str] = Field(frozenset(), description="Roles of policy entries that name none.")
    autocreate: bool = Field(True, description="Make a project of the policy that the cloud does not have.")
    users: FilePath | None = Field(None, description="Local users with passwords (HTTP Basic). Empty: none.")
    bans: FilePath | None = Field(None, description="Subjects and local users who may not come in. Empty: none.")
    crl: Literal["required", "optional"] = Field(
        "required", description="required: without a current revocation list of the authority nobody comes in."
    )
    crl_grace_hours: float = Field(
        0, ge=0, le=240, description="Hours for which a revocation list still counts after its own end; 0: not at all."
    )
    namespaces: Literal["require", "relaxed"] = Field(
        "require", description="require: every authority needs a signing_policy or namespaces file."
    )
    legacy_proxies: bool = Field(False, description="Take proxies of the time before RFC 3820.")
    min_rsa_bits: int = Field(2048, ge=1024, description="The shortest RSA key taken.")
    tokens: TokenSettings | None = Field(None, description="Tokens; without this table none are taken.")
    issuers: tuple[IssuerSettings, ...] = Field((), description="OpenID Providers whose tokens are taken.")
    passwords: PasswordSettings = Field(PasswordSettings(), description="Passwords of the users that Keystone keeps.")

    @field_validator("trust_dir", "policy", "users", "bans", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("issuers")
    @classmethod
    def _issuers_are_distinct(cls, issuers: tuple[IssuerSettings, ...]) -> tuple[IssuerSettings, ...]:
        for what in ("name", "issuer"):
            if len({getattr(each, what) for each in issuers}) != len(issuers):
                raise ValueError(f"two of them have the same {what}")
        return issuers


def make_identity(
    settings: IdentitySettings,
    *,
    clock: Callable[[], datetime],
    hostnames: Sequence[str],
    audit: Audit,
    ensure_project: Callable[[str], Awaitable[None]] | None = None,
    database: Database | None = None,
    directory: Directory | None = None,
    standing: Callable[[Principal], Awaitable[Principal]] | None = None,
) -> Identity:
    """Raises ConfigurationError for a file that cannot be read or understood. Tokens need the `database`.

    The `directory` is asked for roles beside the policy, and told what the files say.
    """
    authenticators: list[Authenticator] = []
    users = _optional(settings.users, parse_users, b"", "identity.users")
    if settings.tokens is not None and database is not None:
        # First: clients go on showing the certificate that they got their token with.
        authenticators.append(_tokens(settings.tokens, users, clock, database))
    if settings.issuers and directory is not None:
        authenticators.append(Bearer(make_providers(settings.issuers, clock), directory, clock))
    if settings.users is not None:
        authenticators.append(Basic(users, clock))
    if settings.trust_dir is not None:
        authenticators.append(_grid(settings, settings.trust_dir, clock, hostnames))
    roles = settings.roles
    policy = _optional(settings.policy, lambda text: parse_policy(text, roles), b"{}", "identity.policy")
    bans = _optional(settings.bans, parse_bans, b"", "identity.bans")
    if directory is not None:
        directory.follow(lambda: (policy(), users()), lambda: _configured(policy(), users(), roles))
    return Identity(
        authenticators,
        policy=policy,
        bans=bans,
        audit=audit,
        ensure_project=ensure_project if settings.autocreate else None,
        assignments=directory,
        standing=standing,
    )


def _configured(policy: Policy, users: Mapping[str, LocalUser], roles: frozenset[str]) -> Configured:
    grants = [user.grant for user in users.values()]
    granted = [(entry.tenant, entry.roles) for entry in policy.entries.values()]
    granted += [(grant.project, grant.roles) for grant in grants]
    named = roles.union(*(names for _, names in granted))
    return Configured(
        frozenset(tenant for tenant, _ in granted),
        named | ({MEMBER, READ_ONLY} if granted else set()),
        frozenset(users),
    )


def _tokens(
    settings: TokenSettings,
    users: Callable[[], Mapping[str, LocalUser]],
    clock: Callable[[], datetime],
    database: Database,
) -> Tokens:
    keys = key_ring(settings.keys, "identity.tokens.keys")
    return Tokens(keys, users, database, clock, timedelta(seconds=settings.life))


def key_ring(directory: Path, key: str) -> Callable[[], MultiFernet]:
    """Fernet keys in that directory, made if there are none. ConfigurationError names the setting `key`."""
    try:
        ensure_keys(directory)
    except OSError as error:
        message = f"{directory} cannot hold the keys: {error.strerror}."
        raise ConfigurationError(message, key=key) from error
    keys = _watched(directory, parse_keys, key)
    return lambda: keys.current


def _grid(
    settings: IdentitySettings, trust_dir: Path, clock: Callable[[], datetime], hostnames: Sequence[str]
) -> GridCertificate:
    authorities = AuthorityPolicy(_crls(settings), NamespaceMode(settings.namespaces))
    policy = TrustPolicy(default=authorities)
    trust = _watched(trust_dir, lambda files: _trust(files, policy), "identity.trust_dir")
    vomsdir = _watched(settings.vomsdir, _vomsdir, "identity.vomsdir")
    chains = ChainPolicy(
        allow_legacy_proxies=settings.legacy_proxies, keys=KeyPolicy(min_rsa_bits=settings.min_rsa_bits)
    )
    return GridCertificate(lambda: trust.current, lambda: vomsdir.current, clock, policy=chains, hostnames=hostnames)


def _crls(settings: IdentitySettings) -> CrlPolicy:
    return CrlPolicy(required=settings.crl == "required", grace=timedelta(hours=settings.crl_grace_hours))


def _trust(files: Mapping[str, bytes], policy: TrustPolicy) -> TrustStore:
    store = TrustStore.from_files(files, policy=policy)
    for problem in store.problems:
        log.warning("trust.file_not_used", file=problem.file, code=problem.error.code, error=problem.error.reason)
    return store


def _vomsdir(files: Mapping[str, bytes]) -> VomsDir:
    found = VomsDir.from_files(files)
    for problem in found.problems:
        log.warning("vomsdir.file_not_used", file=problem.file, code=problem.error.code, error=problem.error.reason)
    return found


def _optional(path: Path | None, parse: Callable[[bytes], T], default: bytes, key: str) -> Callable[[], T]:
    if path is None:
        fixed = parse(default)
        return lambda: fixed
    watched = _watched(path, lambda files: parse(_only(files)), key)
    return lambda: watched.current


def _only(files: Mapping[str, bytes]) -> bytes:
    (content,) = files.values()
    return content


def _watched(path: Path, build: Callable[[Mapping[str, bytes]], T], key: str) -> Watched[T]:
    try:
        return Watched([path], build)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.", key=key) from error
    except StandardError as error:
        raise ConfigurationError(f"{path}: {error.reason}.", key=key) from error
