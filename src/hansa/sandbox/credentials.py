"""The throw-away grid: an authority and its revocation list, hosts, the VOMS server, one user. Made once, kept until `down`."""

import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hansa.client.files import write_private
from hansa.sandbox.layout import USER_NAME, VO, VOMS_PORT, Layout
from hansa.standards.jwt import Key, KeySet
from hansa.standards.voms import VomsServer, render_lsc
from hansa.standards.x509 import Name, issue
from hansa.standards.x509.issue import Authority

BASE = (("DC", "org"), ("DC", "hansa"), ("DC", "sandbox"))
_NAMESPACE = "/DC=org/DC=hansa/DC=sandbox/*"
_ALIAS = "HansaSandbox"
_CRL_RENEWED_BEFORE = timedelta(days=20)
_CERTIFICATE_RENEWED_BEFORE = timedelta(days=30)


def make_all(layout: Layout, now: datetime) -> None:
    """Authority, CRL, trust directory, and every host's and the user's credentials; what is there and fresh stays."""
    authority = _authority(layout.authority, now)
    _write_trust(layout, authority, now)
    voms = [layout.voms_host]
    _host(authority, layout.federation / "host", layout.voms_host, voms, now)
    _host(authority, layout.federation / "voms", layout.voms_host, voms, now)
    for site in layout.sites:
        _host(authority, site.directory / "host", site.address, [site.address], now)
    _user(authority, layout, now)
    _write_voms_files(layout)
    _write_feed_keys(layout)
    if not layout.password.exists():
        write_private(layout.password, f"{secrets.token_urlsafe(12)}1\n".encode())


def user_name() -> Name:
    return Name.of(*BASE, ("O", "people"), ("CN", USER_NAME))


def certificate_of(prefix: Path) -> x509.Certificate:
    """Of a pair that `make_all` wrote: PREFIXcert.pem and PREFIXkey.pem, as /etc/grid-security names them."""
    return x509.load_pem_x509_certificate(cert_path(prefix).read_bytes())


def cert_path(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}cert.pem")


def key_path(prefix: Path) -> Path:
    return prefix.with_name(f"{prefix.name}key.pem")


def _authority(directory: Path, now: datetime) -> Authority:
    prefix = directory / "ca"
    if cert_path(prefix).exists():
        key = load_pem_private_key(key_path(prefix).read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return Authority(certificate_of(prefix), key)
    key = _new_key()
    made = issue.create_authority(
        Name.of(*BASE, ("CN", "Hansa Sandbox CA")), key, now=now, serial=_serial(), path_length=0
    )
    _write_pair(prefix, made.certificate, key)
    return made


def _write_trust(layout: Layout, authority: Authority, now: datetime) -> None:
    crl_file = layout.authority / "crl.pem"
    crl = x509.load_pem_x509_crl(crl_file.read_bytes()) if crl_file.exists() else None
    until = crl.next_update_utc if crl is not None else None
    if crl is not None and until is not None and until - now > _CRL_RENEWED_BEFORE:
        return
    crl = issue.revocation_list(authority, number=int(now.timestamp()), now=now)
    files = issue.igtf_files(authority.certificate, alias=_ALIAS, subjects=[_NAMESPACE], crl=crl)
    layout.certificates.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (layout.certificates / name).write_bytes(content)
    crl_file.write_bytes(crl.public_bytes(Encoding.PEM))


def _host(authority: Authority, prefix: Path, host: str, names: Sequence[str], now: datetime) -> None:
    if _is_fresh(prefix, now):
        return
    key = _new_key()
    name = Name.of(*BASE, ("O", "hosts"), ("CN", host))
    made = issue.host_certificate(authority, name, key.public_key(), hostnames=names, now=now, serial=_serial())
    _write_pair(prefix, made, key)


def _user(authority: Authority, layout: Layout, now: datetime) -> None:
    prefix = layout.user / "user"
    if _is_fresh(prefix, now):
        return
    key = _new_key()
    made = issue.user_certificate(authority, user_name(), key.public_key(), now=now, serial=_serial())
    _write_pair(prefix, made, key)


def _write_voms_files(layout: Layout) -> None:
    host = certificate_of(layout.federation / "host")
    signer = certificate_of(layout.federation / "voms")
    server = VomsServer(VO, layout.voms_host, VOMS_PORT, Name.from_x509(host.subject), VO)
    layout.vomses.write_text(server.line() + "\n")
    lsc = layout.vomsdir / VO / f"{layout.voms_host}.lsc"
    lsc.parent.mkdir(parents=True, exist_ok=True)
    lsc.write_bytes(render_lsc([signer]))


def _write_feed_keys(layout: Layout) -> None:
    if not layout.feed_key.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        write_private(layout.feed_key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    published = KeySet((Key.from_pem(layout.feed_key.read_bytes()).public(),)).jwks()
    layout.feed_keys.write_text(json.dumps(published) + "\n")


def _is_fresh(prefix: Path, now: datetime) -> bool:
    if not cert_path(prefix).exists() or not key_path(prefix).exists():
        return False
    return certificate_of(prefix).not_valid_after_utc - now > _CERTIFICATE_RENEWED_BEFORE


def _write_pair(prefix: Path, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> None:
    """The key first: a certificate that is there has its key."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    write_private(key_path(prefix), pem)
    cert_path(prefix).write_bytes(certificate.public_bytes(Encoding.PEM))


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _serial() -> int:
    return secrets.randbits(63) | 1


def utc_now() -> datetime:
    return datetime.now(UTC)
