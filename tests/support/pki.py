"""A throw-away grid for tests: an authority, users, hosts, proxies, a VOMS server, and the trust files of a site.

grid = Grid()                                  # or Grid(now=datetime.now(UTC)) where real TLS looks at the clock
alice = grid.user("Alice Example")             # Credential: .chain, .key
proxy = grid.voms_proxy(alice, "/fedcloud.egi.eu", "/fedcloud.egi.eu/Role=VO-Admin")
identity = validate_chain(proxy.chain, grid.trust(), now=grid.now)
grid.write(tmp_path)                           # certificates/, vomsdir/, vomses, hostcert.pem, hostkey.pem
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from hansa.standards.voms import Fqan, GenericAttribute, VomsDir, ac_extension, issue_ac, render_lsc
from hansa.standards.x509 import (
    Credential,
    Name,
    PrivateKey,
    ProxyPolicy,
    PublicKey,
    TrustPolicy,
    TrustStore,
    create_proxy,
    issue,
    render_credential,
)
from hansa.standards.x509.der import tlv

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VO = "fedcloud.egi.eu"
BASE = (("DC", "org"), ("DC", "example"))


@cache
def rsa_key(label: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """One key for each label in a test run: making them is slow."""
    return rsa.generate_private_key(65537, bits)


@dataclass
class Grid:
    """Everything hangs on one root authority; serial numbers count up, so that runs repeat."""

    now: datetime = NOW
    vo: str = VO
    host: str = "localhost"
    port: int = 15002
    alias: str = "ExampleGrid"
    revoked: dict[int, datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.serials = count(0x1000)
        name = Name.of(*BASE, ("CN", "Example Grid CA"))
        self.authority = issue.create_authority(name, rsa_key("ca"), now=self.now, serial=next(self.serials))
        self.voms_server = self.host_credential(self.host, label="voms")
        self._made: dict[str, Credential] = {}

    def once(self, label: str, make: Callable[[], Credential]) -> Credential:
        """The same credential for one label on every call."""
        if label not in self._made:
            self._made[label] = make()
        return self._made[label]

    def name(self, common_name: str, unit: str = "people") -> Name:
        return Name.of(*BASE, ("O", unit), ("CN", common_name))

    def user(self, common_name: str = "Alice Example", *, email: str | None = None) -> Credential:
        """A user's certificate (not a proxy) and key."""
        key = rsa_key(f"user {common_name}")
        certificate = issue.user_certificate(
            self.authority,
            self.name(common_name),
            key.public_key(),
            now=self.now,
            serial=next(self.serials),
            email=email,
        )
        return Credential((certificate,), key)

    def host_credential(self, host: str = "localhost", *, label: str = "host") -> Credential:
        """A host certificate for `host`; for localhost also 127.0.0.1's name."""
        key = rsa_key(f"{label} {host}")
        certificate = issue.host_certificate(
            self.authority,
            self.name(host, "hosts"),
            key.public_key(),
            hostnames=[host],
            now=self.now,
            serial=next(self.serials),
        )
        return Credential((certificate,), key)

    def proxy(
        self,
        issuer: Credential,
        *,
        policy: ProxyPolicy = ProxyPolicy.INHERIT_ALL,
        path_length: int | None = None,
        lifetime: timedelta = timedelta(hours=12),
        extensions: Sequence[x509.ExtensionType] = (),
    ) -> Credential:
        """A proxy below `issuer`, which may be a proxy itself."""
        key = rsa_key(f"proxy {len(issuer.chain)}")
        certificate = create_proxy(
            issuer,
            key.public_key(),
            now=self.now,
            serial=next(self.serials),
            lifetime=lifetime,
            policy=policy,
            path_length=path_length,
            extensions=extensions,
        )
        return Credential((certificate, *issuer.chain), key)

    def ac(
        self,
        user: Credential,
        *fqans: str,
        attributes: Sequence[GenericAttribute] = (),
        targets: Sequence[str] = (),
        lifetime: timedelta = timedelta(hours=12),
    ) -> bytes:
        """An encoded attribute certificate for the end-entity certificate of `user`."""
        return issue_ac(
            holder=user.chain[-1],
            issuer=self.voms_server.leaf,
            key=self.voms_server.key,
            vo=self.vo,
            host=self.host,
            port=self.port,
            fqans=[Fqan.parse(fqan) for fqan in fqans or (f"/{self.vo}",)],
            not_before=self.now - timedelta(minutes=5),
            not_after=self.now + lifetime,
            serial=next(self.serials),
            attributes=attributes,
            targets=targets,
        )

    def voms_proxy(self, user: Credential, *fqans: str) -> Credential:
        """What voms-proxy-init makes: a proxy with one attribute certificate."""
        return self.proxy(user, extensions=[ac_extension([self.ac(user, *fqans)])])

    def revoke(self, user: Credential) -> None:
        """Later calls of `trust` and `trust_files` know it."""
        self.revoked[user.chain[-1].serial_number] = self.now

    def crl(self) -> x509.CertificateRevocationList:
        return issue.revocation_list(self.authority, number=next(self.serials), now=self.now, revoked=self.revoked)

    def trust_files(self) -> dict[str, bytes]:
        """Content of `/etc/grid-security/certificates`, by file name."""
        subjects = ["/DC=org/DC=example/*"]
        return issue.igtf_files(self.authority.certificate, alias=self.alias, subjects=subjects, crl=self.crl())

    def trust(self, policy: TrustPolicy | None = None) -> TrustStore:
        return TrustStore.from_files(self.trust_files(), policy=policy)

    def vomsdir_files(self) -> dict[str, bytes]:
        """Content of `/etc/grid-security/vomsdir`, by relative path."""
        return {f"{self.vo}/{self.host}.lsc": render_lsc(self.voms_server.chain)}

    def vomsdir(self) -> VomsDir:
        return VomsDir.from_files(self.vomsdir_files())

    def vomses(self) -> bytes:
        """One line for `/etc/vomses`."""
        name = Name.from_x509(self.voms_server.leaf.subject).slash()
        return f'"{self.vo}" "{self.host}" "{self.port}" "{name}" "{self.vo}" "24"\n'.encode()

    def write(self, directory: Path) -> Path:
        """Write `certificates/`, `vomsdir/`, `vomses`, `hostcert.pem`, `hostkey.pem` below `directory`."""
        write_files(directory / "certificates", self.trust_files())
        write_files(directory / "vomsdir", self.vomsdir_files())
        write_files(directory, {"vomses": self.vomses()})
        certificate, key = split_credential(self.host_credential(self.host))
        write_files(directory, {"hostcert.pem": certificate})
        write_secret(directory / "hostkey.pem", key)
        return directory


Extensions = Sequence[tuple[x509.ExtensionType, bool]]
"""With their criticality."""


def forge(
    *,
    subject: x509.Name,
    issuer: x509.Name,
    public_key: PublicKey,
    signed_by: PrivateKey,
    serial: int = 0x77,
    not_before: datetime = NOW - timedelta(minutes=5),
    not_after: datetime = NOW + timedelta(hours=12),
    extensions: Extensions = (),
    hash_: hashes.SHA256 | hashes.SHA384 | None = None,
) -> x509.Certificate:
    """Any certificate at all, good or bad."""
    builder = (
        x509.CertificateBuilder(issuer_name=issuer, subject_name=subject)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signed_by, hash_ or hashes.SHA256())


def resign(certificate: x509.Certificate, key: rsa.RSAPrivateKey, change: Callable[[bytes], bytes]) -> x509.Certificate:
    """The certificate with its signed part rewritten, and a fresh RSA signature over it: SHA-1 if it says so, or SHA-256."""
    tbs = change(certificate.tbs_certificate_bytes)
    sha1 = SHA1_WITH_RSA in tbs
    signature = key.sign(tbs, padding.PKCS1v15(), hashes.SHA1() if sha1 else hashes.SHA256())
    algorithm = SHA1_WITH_RSA if sha1 else SHA256_WITH_RSA
    return x509.load_der_x509_certificate(tlv(0x30, tbs, algorithm, tlv(0x03, b"\0", signature)))


SHA1_WITH_RSA = bytes.fromhex("300d06092a864886f70d0101050500")
SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")


def split_credential(credential: Credential) -> tuple[bytes, bytes]:
    """Certificates (leaf first) and key, each in PEM: what hostcert.pem and hostkey.pem or usercert.pem and userkey.pem hold."""
    key = credential.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    chain = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in credential.chain)
    return chain, key


def write_credential(path: Path, credential: Credential) -> Path:
    """Write the classic proxy file."""
    return write_secret(path, render_credential(credential))


def write_secret(path: Path, data: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path


def write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
