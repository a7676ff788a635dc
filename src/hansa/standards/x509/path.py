"""From a user's certificate to a trusted root (RFC 5280 §6, with IGTF's namespaces and revocation lists)."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from hansa.standards.x509.constraints import check_name_constraints
from hansa.standards.x509.crl import check_not_revoked
from hansa.standards.x509.errors import X509Code, X509Error
from hansa.standards.x509.facts import Facts, check_extensions, check_signed_by, check_validity
from hansa.standards.x509.keys import KeyPolicy
from hansa.standards.x509.name import Name
from hansa.standards.x509.trust import NamespaceMode, TrustStore

_MAX_AUTHORITIES = 8
_MAX_ATTEMPTS = 32
"""Signatures checked while looking for a path: enough for any real one, too few to keep a server busy."""


def authority_path(
    end: Facts, sent: Sequence[Facts], trust: TrustStore, *, now: datetime, keys: KeyPolicy
) -> tuple[Facts, ...]:
    """Authorities above `end`, the trusted root last, after every check. Raises the first thing that was wrong.

    `sent`, what the peer gave along, may supply intermediates; a root comes from the trust store only.
    """
    search = _Search(sent, trust, now, keys)
    for path in search.paths((end,)):
        try:
            _check_trust(path, trust, now)
        except X509Error as error:
            search.errors.append(error)
            continue
        return path[1:]
    raise _most_telling(search.errors)


def _most_telling(errors: Sequence[X509Error]) -> X509Error:
    """A wrong key or an unknown name is expected of other authorities' certificates: any other reason says more."""
    dull = (X509Code.SIGNATURE, X509Code.CHAIN_UNTRUSTED)
    return next((error for error in errors if error.code not in dull), errors[0])


class _Search:
    """Depth-first over issuers with the right name; every failed attempt leaves its reason."""

    def __init__(self, sent: Sequence[Facts], trust: TrustStore, now: datetime, keys: KeyPolicy) -> None:
        self.errors: list[X509Error] = []
        self._sent = [facts for facts in sent if facts.is_ca and not facts.is_self_issued]
        self._trust = trust
        self._now = now
        self._keys = keys
        self._attempts = 0

    def paths(self, path: tuple[Facts, ...]) -> Iterator[tuple[Facts, ...]]:
        """Complete paths that begin with `path`."""
        for issuer, is_trusted in self._candidates(path):
            self._attempts += 1
            if self._attempts > _MAX_ATTEMPTS:
                raise X509Error(X509Code.CHAIN_TOO_LONG, "The chain offers too many ways to a trusted authority")
            try:
                self._check_issuer(issuer, path)
            except X509Error as error:
                self.errors.append(error)
                continue
            if is_trusted and issuer.is_self_issued:
                yield (*path, issuer)
            elif len(path) < _MAX_AUTHORITIES:
                yield from self.paths((*path, issuer))

    def _candidates(self, path: tuple[Facts, ...]) -> list[tuple[Facts, bool]]:
        wanted, used = path[-1].issuer, {facts.fingerprint for facts in path}
        trusted = self._trust.authorities.get(wanted, ())
        known = used | {facts.fingerprint for facts in trusted}
        sent = [facts for facts in self._sent if facts.subject == wanted and facts.fingerprint not in known]
        found = [(facts, True) for facts in trusted if facts.fingerprint not in used] + [
            (facts, False) for facts in sent
        ]
        if not found:
            self.errors.append(_untrusted(path[-1]))
        return found

    def _check_issuer(self, issuer: Facts, path: tuple[Facts, ...]) -> None:
        check_signed_by(path[-1], issuer, self._keys)
        check_validity(issuer, self._now)
        check_extensions(issuer)
        _check_is_authority(issuer, below=sum(not facts.is_self_issued for facts in path[1:]))
        check_name_constraints(issuer, [facts for facts in path if facts is path[0] or not facts.is_self_issued])


def _check_is_authority(issuer: Facts, below: int) -> None:
    """The issuer must be an authority, with at most `pathLenConstraint` others below it (RFC 5280 §6.1.4 k-n)."""
    constraints, usage = issuer.basic_constraints, issuer.key_usage
    if constraints is None or not constraints.ca:
        raise X509Error(X509Code.CA_NOT_A_CA, f"{issuer.subject} has signed a certificate and is not an authority")
    if usage is not None and not usage.key_cert_sign:
        raise X509Error(X509Code.CA_KEY_USAGE, f"The authority {issuer.subject} may not sign certificates")
    if constraints.path_length is not None and below > constraints.path_length:
        raise X509Error(
            X509Code.CA_PATH_LENGTH, f"The authority {issuer.subject} may not have that many authorities below it"
        )


def _check_trust(path: Sequence[Facts], trust: TrustStore, now: datetime) -> None:
    """Revocation and namespace of everything that has an authority above it."""
    root = path[-1].subject
    for child, authority in pairwise(path):
        policy = trust.policy_for(authority.subject, root)
        check_not_revoked(child, authority, trust.crls.get(authority.subject, ()), policy.crl, now)
        if child is path[0] or not child.is_self_issued:
            _check_namespace(child, authority.subject, trust, policy.namespaces)


def _check_namespace(child: Facts, authority: Name, trust: TrustStore, mode: NamespaceMode) -> None:
    namespace = trust.namespace(authority)
    if not namespace.is_stated and mode is NamespaceMode.REQUIRE:
        raise X509Error(
            X509Code.NAMESPACE_MISSING,
            f"The site does not know which names {authority} may sign: it must install its signing_policy or namespaces file",
        )
    if not namespace.permits(child.subject):
        raise X509Error(X509Code.NAMESPACE_OUTSIDE, f"The authority {authority} may not sign the name {child.subject}")


def _untrusted(facts: Facts) -> X509Error:
    return X509Error(X509Code.CHAIN_UNTRUSTED, f"The site does not trust the authority {facts.issuer}")
