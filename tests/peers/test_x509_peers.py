"""Grid credentials made and judged by programs that nobody here wrote: OpenSSL, Globus, the VOMS C++ clients."""

import os
import shutil
import socket
import subprocess
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.support.chains import CASES, Case
from tests.support.pki import VO, Grid, split_credential, write_credential, write_secret
from tests.support.vomsapi import retrieve

from hansa.standards.voms import Fqan, GenericAttribute, VomsAttributes, ac_extension, verify_acs
from hansa.standards.x509 import (
    ChainPolicy,
    Credential,
    ProxyKind,
    ProxyPolicy,
    TrustStore,
    VerifiedIdentity,
    X509Code,
    parse_credential,
    validate_chain,
)
from hansa.standards.x509.namehash import subject_hash, subject_hash_old

pytestmark = pytest.mark.peer


@dataclass
class Desk:
    """A directory with everything the programs look for, and a grid whose time is now."""

    path: Path
    grid: Grid
    alice: Credential

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        settings = {
            "HOME": str(self.path),
            "X509_CERT_DIR": str(self.path / "certificates"),
            "X509_VOMS_DIR": str(self.path / "vomsdir"),
        }
        return subprocess.run(
            command,
            cwd=self.path,
            env=os.environ | settings | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def identify(self, file: str, policy: ChainPolicy | None = None) -> VerifiedIdentity:
        credential = parse_credential((self.path / file).read_bytes())
        return validate_chain(
            credential.chain, self.grid.trust(), now=datetime.now(UTC), policy=policy or ChainPolicy()
        )

    def attributes(self, file: str) -> tuple[VomsAttributes, ...]:
        now = datetime.now(UTC)
        return verify_acs(self.identify(file), self.grid.trust(), self.grid.vomsdir(), now=now)

    def library_says(self, credential: Credential) -> str | None:
        return retrieve(credential.chain, self.path / "vomsdir", self.path / "certificates")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    grid = Grid(now=datetime.now(UTC))
    alice = grid.user()
    grid.write(tmp_path)
    for name, credential in (("user", alice), ("voms", grid.voms_server)):
        certificate, key = split_credential(credential)
        (tmp_path / f"{name}cert.pem").write_bytes(certificate)
        write_secret(tmp_path / f"{name}key.pem", key)
    return Desk(tmp_path, grid, alice)


FAKE = (
    "voms-proxy-fake",
    *("-cert", "usercert.pem", "-key", "userkey.pem", "-certdir", "certificates"),
    *("-hostcert", "vomscert.pem", "-hostkey", "vomskey.pem"),
    *("-voms", VO, "-uri", "localhost:15002", "-out", "proxy"),
)


def test_grid_proxy_init_makes_a_proxy_we_accept_and_accepts_our_trust_files(desk: Desk) -> None:
    made = desk.run(
        *(
            "grid-proxy-init",
            "-cert",
            "usercert.pem",
            "-key",
            "userkey.pem",
            "-out",
            "proxy",
            "-rfc",
            "-pwstdin",
            "-verify",
        )
    )
    assert made.returncode == 0, made.stderr
    assert "Proxy Verify OK" in made.stdout
    identity = desk.identify("proxy")
    assert (identity.kind, identity.depth, identity.limited) == (ProxyKind.RFC3820, 1, False)
    assert identity.subject == desk.grid.name("Alice Example")


@pytest.mark.parametrize("form", [(), ("-newformat",)], ids=["old holder form", "new holder form"])
def test_voms_proxy_fake_makes_attributes_we_accept(desk: Desk, form: tuple[str, ...]) -> None:
    made = desk.run(*FAKE, "-rfc", "-fqan", f"/{VO}", "-fqan", f"/{VO}/Role=x", "-ga", "nick=alice", *form)
    assert made.returncode == 0, made.stderr
    (attributes,) = desk.attributes("proxy")
    assert attributes.fqans == (Fqan(f"/{VO}"), Fqan(f"/{VO}", "x"))
    assert attributes.attributes == (GenericAttribute("nick", "alice", VO),)


def test_voms_proxy_fake_makes_limited_proxies_we_know_as_such(desk: Desk) -> None:
    assert desk.run(*FAKE, "-rfc", "-limited", "-fqan", f"/{VO}").returncode == 0
    assert desk.identify("proxy").limited


def test_voms_proxy_fake_makes_legacy_proxies_we_accept_only_if_told(desk: Desk) -> None:
    assert desk.run(*FAKE, "-proxyver", "2", "-fqan", f"/{VO}").returncode == 0
    with pytest.raises(ValueError, match="Legacy"):
        desk.identify("proxy")
    assert desk.identify("proxy", ChainPolicy(allow_legacy_proxies=True)).kind is ProxyKind.LEGACY


def test_voms_proxy_fake_makes_draft_proxies_we_refuse(desk: Desk) -> None:
    assert desk.run(*FAKE, "-proxyver", "3", "-fqan", f"/{VO}").returncode == 0
    with pytest.raises(ValueError, match="Draft"):
        desk.identify("proxy")


def test_the_voms_library_accepts_our_attributes(desk: Desk) -> None:
    attributes = [GenericAttribute("nickname", "alice", VO)]
    ac = desk.grid.ac(desk.alice, f"/{VO}", f"/{VO}/Role=VO-Admin", attributes=attributes)
    proxy = desk.grid.proxy(desk.alice, extensions=[ac_extension([ac])])
    assert desk.library_says(proxy) is None
    write_credential(desk.path / "ours", proxy)
    shown = desk.run("voms-proxy-info", "-file", "ours", "-all").stdout
    assert f"attribute : /{VO}/Role=VO-Admin/Capability=NULL" in shown
    assert f"attribute : nickname = alice ({VO})" in shown


def test_the_voms_library_reads_our_targets(desk: Desk) -> None:
    def says(target: str) -> str | None:
        ac = desk.grid.ac(desk.alice, targets=[target])
        return desk.library_says(desk.grid.proxy(desk.alice, extensions=[ac_extension([ac])]))

    assert says(socket.gethostname()) is None
    assert "allowed hosts" in (says("other.example.org") or "")


def test_the_voms_library_refuses_what_we_refuse(desk: Desk) -> None:
    stolen = desk.grid.ac(desk.grid.user("Bob Example"))
    assert "different certificate" in (
        desk.library_says(desk.grid.proxy(desk.alice, extensions=[ac_extension([stolen])])) or ""
    )
    forged = desk.grid.ac(desk.alice)[:-256] + bytes(256)
    assert desk.library_says(desk.grid.proxy(desk.alice, extensions=[ac_extension([forged])])) is not None


def test_voms_verify_accepts_our_chain(desk: Desk) -> None:
    write_credential(desk.path / "ours", desk.grid.voms_proxy(desk.alice))
    verified = desk.run("voms-verify", X509_USER_CERT=str(desk.path / "ours"))
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize(
    ("policy", "shown"),
    [
        (ProxyPolicy.INHERIT_ALL, "RFC 3820 compliant impersonation proxy"),
        (ProxyPolicy.LIMITED, "RFC 3820 compliant limited"),
    ],
)
def test_globus_knows_our_proxies(desk: Desk, policy: ProxyPolicy, shown: str) -> None:
    write_credential(desk.path / "ours", desk.grid.proxy(desk.alice, policy=policy))
    info = desk.run("grid-proxy-info", "-file", "ours")
    assert info.returncode == 0, info.stderr
    assert shown in info.stdout


def test_openssl_names_trust_files_as_we_do(desk: Desk) -> None:
    certificate = desk.grid.authority.certificate
    (desk.path / "ca.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    shown = desk.run("openssl", "x509", "-in", "ca.pem", "-noout", "-subject_hash", "-subject_hash_old").stdout
    assert shown.split() == [subject_hash(certificate.subject), subject_hash_old(certificate.subject)]


OURS_ALONE = frozenset(
    {
        # Globus, IGTF and RFC 3820 leave these to whoever relies on the chain.
        *(X509Code.NAMESPACE_OUTSIDE, X509Code.NAMESPACE_MISSING, X509Code.PROXY_POLICY, X509Code.PROXY_LIMITED),
        *(X509Code.PROXY_INFO, X509Code.PROXY_DEPTH, X509Code.PROXY_EXTENSION),
        # OpenSSL sorts what the peer sent, and bounds neither its number nor its size.
        *(X509Code.CHAIN_ORDER, X509Code.PROXY_ISSUER, X509Code.CHAIN_TOO_LONG, X509Code.CHAIN_TOO_LARGE),
        # Its security level is a setting of TLS, and not of `openssl verify`.
        *(X509Code.KEY_WEAK, X509Code.KEY_UNSUPPORTED, X509Code.SIGNATURE_ALGORITHM),
        # It goes by what the certificate names and evaluates; we want to be asked first.
        *(X509Code.EXTENSION_UNKNOWN, X509Code.NAME_EMPTY, X509Code.CRL_STALE, X509Code.CA_NAME_CONSTRAINTS),
        *(X509Code.CHAIN_EMPTY, X509Code.CRL_UNSUPPORTED),
    }
)
COMMON = [case for case in CASES if case.refused is not None and case.refused not in OURS_ALONE]
NOT_OPENSSLS = {"legacy_proxy_where_allowed", "no_revocation_list_where_allowed", "exception_for_one_authority"} | {
    "authority_with_two_keys",  # it looks at one list for each name
    "revocation_list_out_of_date_within_the_grace",  # it knows no grace
}
GOOD = [case for case in CASES if case.refused is None and case.name not in NOT_OPENSSLS]


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_openssl_accepts_our_good_chains(desk: Desk, case: Case) -> None:
    verified = openssl_verify(desk, case)
    assert verified.returncode == 0, verified.stderr


@pytest.mark.parametrize("case", COMMON, ids=lambda case: case.name)
def test_openssl_refuses_what_we_refuse_by_its_rules_too(desk: Desk, case: Case) -> None:
    assert openssl_verify(desk, case).returncode != 0


def openssl_verify(desk: Desk, case: Case) -> subprocess.CompletedProcess[str]:
    """With all the authorities and revocation lists the site of the case has."""
    attempt = case.build(Grid())
    leaf, *rest = (certificate.public_bytes(Encoding.PEM) for certificate in attempt.chain)
    roots = {data for name, data in attempt.files.items() if name.endswith(".pem")}
    lists = {data for name, data in attempt.files.items() if name.endswith(".r0")}
    for name, data in {"leaf": [leaf], "rest": rest, "roots": roots, "lists": lists}.items():
        (desk.path / f"{name}.pem").write_bytes(b"".join(data))
    return desk.run(
        *("openssl", "verify", "-allow_proxy_certs", "-crl_check_all", "-purpose", "sslclient"),
        *("-CAfile", "roots.pem", "-CRLfile", "lists.pem", "-attime", str(int(attempt.now.timestamp()))),
        *(("-untrusted", "rest.pem") if rest else ()),
        "leaf.pem",
    )


def test_the_igtf_distribution_is_read_whole() -> None:
    """Every authority of the International Grid Trust Federation, with its namespaces, and under the names we compute."""
    directory = Path(os.environ.get("X509_CERT_DIR", "/etc/grid-security/certificates"))
    files = (
        {path.name: path.read_bytes() for path in directory.glob("*") if path.is_file()} if directory.is_dir() else {}
    )
    if sum(name.endswith(".info") for name in files) < 20:
        pytest.skip("no IGTF distribution in X509_CERT_DIR")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one old root has the serial number 0
        trust = TrustStore.from_files(files)
    assert trust.problems == ()
    assert len(trust.authorities) >= 20
    for name, authorities in trust.authorities.items():
        assert trust.namespace(name).is_stated
        for subject in (facts.certificate.subject for facts in authorities):
            assert any(f"{subject_hash(subject)}.{n}" in files for n in range(3))
            assert any(f"{subject_hash_old(subject)}.{n}" in files for n in range(3))
