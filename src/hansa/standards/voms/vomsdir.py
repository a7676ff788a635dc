"""The vomsdir: which servers speak for a virtual organisation, as `.lsc` files or, in the older way, as their certificates."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from cryptography import x509

from hansa.standards.errors import StandardError
from hansa.standards.voms.errors import VomsCode, VomsError
from hansa.standards.x509.errors import X509Error
from hansa.standards.x509.facts import Facts
from hansa.standards.x509.name import Name
from hansa.standards.x509.trust import Problem, load_certificates

_NEXT_CHAIN = re.compile(r"-+ *NEXT CHAIN *-+", re.IGNORECASE)
_MAX_LSC_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class LscEntry:
    """One certificate of a server's chain: every reading of its subject and of its issuer."""

    subjects: tuple[Name, ...]
    issuers: tuple[Name, ...]

    def matches(self, certificate: Facts) -> bool:
        return certificate.subject in self.subjects and certificate.issuer in self.issuers


Lsc = tuple[tuple[LscEntry, ...], ...]
"""Alternative chains, each from the server's certificate upwards."""


def parse_lsc(data: bytes) -> Lsc:
    """Read an `.lsc` file: pairs of lines, subject and issuer; `------ NEXT CHAIN ------` begins an alternative.

    Raises `VomsError` (`voms.lsc.syntax`) with a line number.
    """
    chains: list[list[tuple[Name, ...]]] = [[]]
    number = 0
    for number, line in enumerate(_decode(data).splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if _NEXT_CHAIN.fullmatch(text):
            chains.append([])
            continue
        try:
            chains[-1].append(Name.readings(text))
        except X509Error as error:
            raise VomsError(VomsCode.LSC_SYNTAX, error.reason, line=number) from error
    if any(len(names) % 2 or not names for names in chains):
        raise VomsError(
            VomsCode.LSC_SYNTAX, "A chain needs pairs of lines: a subject, then its issuer", line=number or 1
        )
    return tuple(
        tuple(LscEntry(subject, issuer) for subject, issuer in zip(names[::2], names[1::2], strict=True))
        for names in chains
    )


def render_lsc(certificates: Sequence[x509.Certificate]) -> bytes:
    """The `.lsc` file for one chain, from the server's certificate upwards."""
    names = (Name.from_x509(name) for certificate in certificates for name in (certificate.subject, certificate.issuer))
    return "".join(f"{name.slash()}\n" for name in names).encode()


def lsc_matches(lsc: Lsc, certificates: Sequence[Facts]) -> bool:
    """Whether one of the chains names every certificate, in order. A chain may go on further up than the certificates do."""
    return any(
        len(chain) >= len(certificates) and all(entry.matches(c) for entry, c in zip(chain, certificates, strict=False))
        for chain in lsc
    )


def _decode(data: bytes) -> str:
    if len(data) > _MAX_LSC_BYTES:
        raise VomsError(VomsCode.LSC_SYNTAX, f"The file is longer than {_MAX_LSC_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise VomsError(VomsCode.LSC_SYNTAX, "The file is not UTF-8 text") from None


@dataclass(frozen=True, slots=True)
class VomsDir:
    """Immutable snapshot of a vomsdir. Looking a server up is a dictionary access: no name can walk out of the directory."""

    lsc: Mapping[tuple[str, str], Lsc]
    """By (VO, host)."""
    certificates: Mapping[str, tuple[x509.Certificate, ...]]
    """Servers' own certificates by VO; under "" those that speak for any."""
    problems: tuple[Problem, ...] = ()

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """Build from relative path to content: `vo/host.lsc`, `vo/any.pem`, `any.pem`. Unreadable files go to `problems`."""
        lsc: dict[tuple[str, str], Lsc] = {}
        certificates: dict[str, list[x509.Certificate]] = defaultdict(list)
        problems = []
        for path in sorted(files):
            vo, _, file = path.rpartition("/")
            try:
                if file.endswith(".lsc") and vo:
                    lsc[vo, file.removesuffix(".lsc")] = parse_lsc(files[path])
                elif file.endswith(".pem"):
                    certificates[vo] += load_certificates(files[path])
                else:
                    raise VomsError(
                        VomsCode.LSC_SYNTAX, "The file is not used: its name must be VO/HOST.lsc or end in .pem"
                    )
            except StandardError as error:
                problems.append(Problem(path, error))
        return cls(lsc, {vo: tuple(found) for vo, found in certificates.items()}, tuple(problems))

    def certificates_for(self, vo: str) -> tuple[x509.Certificate, ...]:
        return self.certificates.get(vo, ()) + self.certificates.get("", ())
