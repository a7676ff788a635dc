"""Making certificates: authorities, users, hosts, revocation lists and the IGTF files that publish an authority.

For small federations that run their own authority, for demonstrations and for tests. Keys, serials and the time are passed in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from hansa.standards.x509.keys import PrivateKey, PublicKey
from hansa.standards.x509.name import Name
from hansa.standards.x509.namehash import subject_hash, subject_hash_old
from hansa.standards.x509.proxy import BACKDATE


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority that can sign."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def name(self) -> Name:
        return Name.from_x509(self.certificate.subject)


def create_authority(
    name: Name,
    key: PrivateKey,
    *,
    now: datetime,
    serial: int,
    lifetime: timedelta = timedelta(days=3650),
    parent: Authority | None = None,
    path_length: int | None = None,
) -> Authority:
    """A self-signed root, or an authority below `parent`."""
    signer = parent.key if parent else key
    issuer = parent.certificate.subject if parent else name.to_x509()
    builder = _builder(name, issuer, key.public_key(), now, serial, lifetime)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return Authority(builder.sign(signer, hashes.SHA256()), key)


def user_certificate(
    authority: Authority,
    name: Name,
    public_key: PublicKey,
    *,
    now: datetime,
    serial: int,
    lifetime: timedelta = timedelta(days=395),
    email: str | None = None,
) -> x509.Certificate:
    """A person's or a robot's certificate: may authenticate as a client and sign proxies."""
    names = [x509.RFC822Name(email)] if email else []
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    return _end_entity(authority, name, public_key, now, serial, lifetime, names, usages)


def host_certificate(
    authority: Authority,
    name: Name,
    public_key: PublicKey,
    *,
    hostnames: Sequence[str],
    now: datetime,
    serial: int,
    lifetime: timedelta = timedelta(days=395),
) -> x509.Certificate:
    """A server's certificate, also fit to be a VOMS server's; `hostnames`, or IP addresses, become its subjectAltName."""
    names = [_server_name(host) for host in hostnames]
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return _end_entity(authority, name, public_key, now, serial, lifetime, names, usages)


def _server_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def revocation_list(
    authority: Authority,
    *,
    number: int,
    now: datetime,
    lifetime: timedelta = timedelta(days=30),
    revoked: Mapping[int, datetime] | None = None,
) -> x509.CertificateRevocationList:
    """A complete CRL; `revoked` maps serials to when they were revoked."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now - BACKDATE)
        .next_update(now + lifetime)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    for serial, date in (revoked or {}).items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(date)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.key, hashes.SHA256())


def igtf_files(
    certificate: x509.Certificate,
    *,
    alias: str,
    subjects: Sequence[str],
    crl: x509.CertificateRevocationList | None = None,
    crl_url: str = "",
) -> dict[str, bytes]:
    """What a trust directory (`/etc/grid-security/certificates`) holds for one authority, by file name.

    `subjects` are the one-line name patterns it may sign, with `*` as the only wildcard, `/DC=org/DC=example/*`.
    The files that an IGTF distribution has as links, under both hashes of the name, are copies here.
    """
    name = Name.from_x509(certificate.subject)
    policy, namespaces = _signing_policy(name, subjects), _namespaces(name, subjects)
    pem = certificate.public_bytes(Encoding.PEM)
    files = {
        f"{alias}.pem": pem,
        f"{alias}.signing_policy": policy,
        f"{alias}.namespaces": namespaces,
        f"{alias}.info": _info(certificate, alias, crl_url),
    }
    if crl_url:
        files[f"{alias}.crl_url"] = f"{crl_url}\n".encode()
    for hash_ in (subject_hash(certificate.subject), subject_hash_old(certificate.subject)):
        files |= {f"{hash_}.0": pem, f"{hash_}.signing_policy": policy, f"{hash_}.namespaces": namespaces}
        if crl is not None:
            files[f"{hash_}.r0"] = crl.public_bytes(Encoding.PEM)
    return files


def _builder(
    name: Name, issuer: x509.Name, public_key: PublicKey, now: datetime, serial: int, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(issuer_name=issuer, subject_name=name.to_x509())
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _end_entity(
    authority: Authority,
    name: Name,
    public_key: PublicKey,
    now: datetime,
    serial: int,
    lifetime: timedelta,
    alternatives: Sequence[x509.GeneralName],
    usages: Sequence[x509.ObjectIdentifier],
) -> x509.Certificate:
    builder = (
        _builder(name, authority.certificate.subject, public_key, now, serial, lifetime)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True, encipherment=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _key_usage(
    *, digital_signature: bool = False, encipherment: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=encipherment,
        data_encipherment=encipherment,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _signing_policy(name: Name, subjects: Sequence[str]) -> bytes:
    globs = " ".join(f'"{subject}"' for subject in subjects)
    return (
        f"access_id_CA   X509    '{name.slash()}'\npos_rights     globus  CA:sign\ncond_subjects  globus  '{globs}'\n"
    ).encode()


def _namespaces(name: Name, subjects: Sequence[str]) -> bytes:
    lines = ["#NAMESPACES-VERSION: 1.0"]
    for subject in subjects:
        pattern = ".*".join(re.escape(part).replace(r"\ ", " ") for part in subject.split("*"))
        lines.append(f'TO Issuer "{name.slash()}" \\\n  PERMIT Subject "{pattern}"')
    return ("\n".join(lines) + "\n").encode()


def _info(certificate: x509.Certificate, alias: str, crl_url: str) -> bytes:
    fingerprint = ":".join(f"{byte:02X}" for byte in certificate.fingerprint(hashes.SHA1()))  # noqa: S303 - IGTF's format
    url = f"crl_url = {crl_url}\n" if crl_url else ""
    return (
        f"alias = {alias}\n{url}status = unaccredited\nversion = 1.0\nsha1fp.0 = {fingerprint}\n"
        f'subjectdn = "{Name.from_x509(certificate.subject).slash()}"\n'
    ).encode()
