"""The trust store: an immutable snapshot of a trust directory (IGTF layout), with a policy for each authority."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from cryptography import x509

from hansa.standards.errors import StandardError
from hansa.standards.x509.crl import Crl, CrlPolicy, load_crl, signature_is_valid
from hansa.standards.x509.errors import X509Code, X509Error, refusing
from hansa.standards.x509.facts import Facts, read
from hansa.standards.x509.name import Name
from hansa.standards.x509.namespaces import Namespace, Rule, parse_namespaces, parse_signing_policy

_CERTIFICATE = re.compile(r"(.+)\.(?:pem|\d+)")
_CRL = re.compile(r"(.+)\.(?:r\d+|crl)")
_SIGNING_POLICY = re.compile(r"(.+)\.signing_policy")
_NAMESPACES = re.compile(r"(.+)\.namespaces")

_RuleParser = Callable[[bytes, Sequence[Name]], tuple[Rule, ...]]


class NamespaceMode(StrEnum):
    """What to do about an authority whose signing namespace no file states."""

    REQUIRE = "require"
    """Refuse: the rule for IGTF authorities."""
    RELAXED = "relaxed"
    """Accept any name: for a private authority that has no such file. A file that is there always counts."""


@dataclass(frozen=True, slots=True)
class AuthorityPolicy:
    """How far one authority is trusted."""

    crl: CrlPolicy = field(default_factory=CrlPolicy)
    namespaces: NamespaceMode = NamespaceMode.REQUIRE


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A default, and exceptions by the authority's name. Intermediate authorities without their own follow their root's."""

    default: AuthorityPolicy = field(default_factory=AuthorityPolicy)
    exceptions: Mapping[Name, AuthorityPolicy] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """A trust file that is not used, and why."""

    file: str
    error: StandardError


@dataclass(frozen=True, slots=True)
class TrustStore:
    """Authorities, revocation lists and namespaces, indexed by structured name."""

    authorities: Mapping[Name, tuple[Facts, ...]]
    crls: Mapping[Name, tuple[Crl, ...]]
    namespaces: Mapping[Name, Namespace]
    policy: TrustPolicy
    problems: tuple[Problem, ...] = ()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, policy: TrustPolicy | None = None) -> Self:
        """Build from file name to content. Unreadable files are listed in `problems`; what they would have granted, is not.

        File names matter only to tell kinds apart and to find the authority a namespace file belongs to; links under two
        hashes are recognised as one.
        """
        reader = _Reader(files)
        return cls(
            authorities=_by_name(reader.authorities.values()),
            crls=reader.crls,
            namespaces=reader.namespaces,
            policy=policy or TrustPolicy(),
            problems=tuple(reader.problems),
        )

    def policy_for(self, authority: Name, root: Name) -> AuthorityPolicy:
        exceptions = self.policy.exceptions
        return exceptions.get(authority) or exceptions.get(root) or self.policy.default

    def namespace(self, authority: Name) -> Namespace:
        return self.namespaces.get(authority) or Namespace()


class _Reader:
    """Goes through the files once: certificates first, for the rest refers to them."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.problems: list[Problem] = []
        self.authorities: dict[bytes, Facts] = {}
        self._named: dict[str, set[Name]] = defaultdict(set)
        self._read_certificates(files)
        self.crls = self._read_crls(files)
        self.namespaces = self._read_namespaces(files)

    def _read_certificates(self, files: Mapping[str, bytes]) -> None:
        known: dict[bytes, list[Facts]] = {}
        for file, base, data in _matching(files, _CERTIFICATE):
            try:
                known[data] = known.get(data) or [self._authority(each) for each in load_certificates(data)]
            except StandardError as error:
                self.problems.append(Problem(file, error))
                continue
            for facts in known[data]:
                self.authorities[facts.fingerprint] = facts
                self._named[base].add(facts.subject)

    def _authority(self, certificate: x509.Certificate) -> Facts:
        facts = read(certificate)
        if not facts.is_ca:
            raise X509Error(X509Code.CA_NOT_A_CA, f"The certificate {facts.subject} is not that of an authority")
        return facts

    def _read_crls(self, files: Mapping[str, bytes]) -> dict[Name, tuple[Crl, ...]]:
        authorities = _by_name(self.authorities.values())
        found: dict[Name, list[Crl]] = defaultdict(list)
        for file, data in _distinct(_matching(files, _CRL)):
            try:
                crl = load_crl(data)
                signers = {a.fingerprint for a in authorities.get(crl.issuer, ()) if signature_is_valid(crl.crl, a)}
            except StandardError as error:
                self.problems.append(Problem(file, error))
                continue
            found[crl.issuer].append(replace(crl, signers=frozenset(signers)))
        return {name: tuple(crls) for name, crls in found.items()}

    def _read_namespaces(self, files: Mapping[str, bytes]) -> dict[Name, Namespace]:
        signing = self._read_rules(files, _SIGNING_POLICY, lambda data, _: parse_signing_policy(data))
        namespaces = self._read_rules(files, _NAMESPACES, parse_namespaces)
        return {name: Namespace(signing.get(name), namespaces.get(name)) for name in signing.keys() | namespaces.keys()}

    def _read_rules(
        self, files: Mapping[str, bytes], kind: re.Pattern[str], parse: _RuleParser
    ) -> dict[Name, tuple[Rule, ...]]:
        """Rules by authority. One whose file is unreadable, or does not mention it, gets an empty set: nothing permitted."""
        found: dict[Name, dict[tuple[bool, str], Rule]] = defaultdict(dict)
        known: dict[tuple[bytes, tuple[Name, ...]], tuple[Rule, ...]] = {}
        for file, base, data in _matching(files, kind):
            own_names = tuple(sorted(self._named.get(base, ()), key=str))
            for name in own_names:
                found[name]  # the file is there, whatever it says
            try:
                known[data, own_names] = known.get((data, own_names)) or parse(data, own_names)
            except StandardError as error:
                self.problems.append(Problem(file, error))
                continue
            for rule in known[data, own_names]:
                for issuer in rule.issuers:
                    found[issuer][rule.permit, rule.pattern.pattern] = rule
        return {name: tuple(rules.values()) for name, rules in found.items()}


def load_certificates(data: bytes) -> list[x509.Certificate]:
    """Certificates of a PEM or DER file. Raises `X509Error` (`x509.malformed`)."""
    with refusing(X509Code.MALFORMED, "The file holds no readable certificate"):
        if data.startswith(b"\x30"):
            return [x509.load_der_x509_certificate(data)]
        return x509.load_pem_x509_certificates(data)


def _matching(files: Mapping[str, bytes], pattern: re.Pattern[str]) -> Iterable[tuple[str, str, bytes]]:
    for file in sorted(files):
        match = pattern.fullmatch(file.rpartition("/")[2])
        if match:
            yield file, match[1], files[file]


def _distinct(matching: Iterable[tuple[str, str, bytes]]) -> Iterable[tuple[str, bytes]]:
    seen = set()
    for file, _, data in matching:
        if data not in seen:
            seen.add(data)
            yield file, data


def _by_name(authorities: Iterable[Facts]) -> dict[Name, tuple[Facts, ...]]:
    found: dict[Name, list[Facts]] = defaultdict(list)
    for facts in authorities:
        found[facts.subject].append(facts)
    return {name: tuple(facts) for name, facts in found.items()}
