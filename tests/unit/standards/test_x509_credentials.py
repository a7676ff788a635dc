"""Making proxies and the files that hold them; what an identity says."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.support.chains import corpus
from tests.support.pki import NOW, Grid, rsa_key

from hansa.standards.errors import StandardError
from hansa.standards.x509 import (
    ChainPolicy,
    Credential,
    ProxyPolicy,
    X509Error,
    create_proxy,
    load_chain,
    load_key,
    parse_credential,
    render_credential,
    validate_chain,
)


def extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.Extension[x509.ExtensionType]:
    return certificate.extensions.get_extension_for_oid(kind.oid)


def test_a_proxy_is_named_after_its_issuer_and_its_serial() -> None:
    grid = Grid()
    alice = grid.user()
    proxy = create_proxy(alice, rsa_key("proxy 1").public_key(), now=NOW, serial=123456)
    assert proxy.subject.rfc4514_string() == "CN=123456," + alice.leaf.subject.rfc4514_string()
    assert proxy.serial_number == 123456
    assert proxy.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert proxy.not_valid_after_utc == NOW + timedelta(hours=12)


def test_a_proxy_may_sign_and_encrypt_and_nothing_else() -> None:
    proxy = Grid().proxy(Grid().user()).leaf
    usage = extension(proxy, x509.KeyUsage)
    assert usage.critical
    assert isinstance(usage.value, x509.KeyUsage)
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not usage.value.content_commitment
    assert not any(isinstance(e.value, x509.SubjectAlternativeName) for e in proxy.extensions)


@pytest.mark.parametrize(
    ("policy", "path_length", "der"),
    [
        (ProxyPolicy.INHERIT_ALL, None, "300c300a06082b06010505071501"),
        (ProxyPolicy.LIMITED, None, "300f300d060b2b060104019b5001010109"),
        (ProxyPolicy.INDEPENDENT, None, "300c300a06082b06010505071502"),
        (ProxyPolicy.INHERIT_ALL, 0, "300f020100300a06082b06010505071501"),
    ],
)
def test_proxy_cert_info_is_what_others_write(policy: ProxyPolicy, path_length: int | None, der: str) -> None:
    proxy = Grid().proxy(Grid().user(), policy=policy, path_length=path_length).leaf
    found = proxy.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14"))
    assert found.critical
    assert found.value.public_bytes().hex() == der


def test_a_proxy_ends_with_its_issuer() -> None:
    grid = Grid()
    alice = corpus.eec(grid, not_after=NOW + timedelta(hours=1))
    assert grid.proxy(alice).leaf.not_valid_after_utc == NOW + timedelta(hours=1)


def test_no_proxy_from_an_expired_certificate() -> None:
    grid = Grid()
    old = corpus.eec(grid, not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=1))
    with pytest.raises(X509Error) as refused:
        grid.proxy(old)
    assert refused.value.code == "x509.expired"


def test_a_limited_proxy_makes_limited_proxies_only() -> None:
    grid = Grid()
    limited = grid.proxy(grid.user(), policy=ProxyPolicy.LIMITED)
    identity = validate_chain(grid.proxy(limited, policy=ProxyPolicy.INHERIT_ALL).chain, grid.trust(), now=NOW)
    assert identity.limited


def test_the_file_holds_leaf_key_and_chain_in_that_order() -> None:
    grid = Grid()
    proxy = grid.proxy(grid.user())
    text = render_credential(proxy).decode()
    kinds = [line.strip("-").removeprefix("BEGIN ") for line in text.splitlines() if line.startswith("-----BEGIN")]
    assert kinds == ["CERTIFICATE", "RSA PRIVATE KEY", "CERTIFICATE"]
    assert parse_credential(text.encode()).chain == proxy.chain


def test_elliptic_keys_make_proxies_too() -> None:
    grid = Grid()
    key = ec.generate_private_key(ec.SECP256R1())
    alice = grid.user()
    proxy = Credential((create_proxy(alice, key.public_key(), now=NOW, serial=5), *alice.chain), key)
    again = parse_credential(render_credential(proxy))
    assert validate_chain(again.chain, grid.trust(), now=NOW).depth == 1


def test_an_encrypted_key_needs_its_password() -> None:
    key = rsa_key("user Alice Example")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret"))
    assert load_key(pem, b"secret").public_key() == key.public_key()
    for password in (None, b"wrong"):
        with pytest.raises(X509Error) as refused:
            load_key(pem, password)
        assert refused.value.code == "x509.credential.key"
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "x509.credential.syntax"),
        (b"x" * 200_001, "x509.credential.syntax"),
        (b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "x509.credential.syntax"),
    ],
)
def test_other_files_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(X509Error) as refused:
        parse_credential(data)
    assert refused.value.code == code


def test_a_key_that_is_missing_foreign_or_strange_is_refused() -> None:
    alice = Grid().user()
    certificate = alice.leaf.public_bytes(Encoding.PEM)
    with pytest.raises(X509Error, match="no private key"):
        parse_credential(certificate)
    with pytest.raises(X509Error, match="does not belong"):
        parse_credential(render_credential(Credential(alice.chain, rsa_key("stranger"))))
    strange = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(X509Error, match="neither RSA"):
        parse_credential(certificate + strange)


def test_a_chain_from_the_tls_front_is_read() -> None:
    grid = Grid()
    chain = grid.proxy(grid.user()).chain
    pems = [certificate.public_bytes(Encoding.PEM).decode() for certificate in chain]
    assert load_chain(pems) == chain


def test_a_chain_from_the_tls_front_is_bounded() -> None:
    pem = Grid().user().leaf.public_bytes(Encoding.PEM).decode()
    with pytest.raises(X509Error) as refused:
        load_chain([pem] * 21)
    assert refused.value.code == "x509.chain.too_long"
    with pytest.raises(X509Error) as refused:
        load_chain(["nothing"])
    assert refused.value.code == "x509.malformed"


def test_identity_is_issuer_and_subject() -> None:
    grid = Grid()
    alice = grid.user()
    identity = validate_chain(grid.proxy(grid.proxy(alice)).chain, grid.trust(), now=NOW)
    assert (identity.issuer, identity.subject) == (grid.authority.name, grid.name("Alice Example"))
    assert identity.eec == alice.leaf
    assert identity.depth == 2
    assert identity.chain[-1] == grid.authority.certificate


def robot_proxy(grid: Grid, robot: Credential, name: str) -> Credential:
    return corpus.proxy(grid, robot, added=[(x509.NameOID.COMMON_NAME, name)])


@pytest.mark.parametrize(("name", "user"), [("user:alice", "alice"), ("1234", None), ("user:", None)])
def test_a_listed_robot_acts_for_the_user_it_names(name: str, user: str | None) -> None:
    grid = Grid()
    robot = grid.user("Robot: portal")
    policy = ChainPolicy(robots=frozenset({(grid.authority.name, grid.name("Robot: portal"))}))
    proxy = grid.proxy(robot_proxy(grid, robot, name))
    assert validate_chain(proxy.chain, grid.trust(), now=NOW, policy=policy).robot_user == user


def test_only_the_proxy_the_robot_itself_made_names_a_user() -> None:
    grid = Grid()
    robot = grid.user("Robot: portal")
    policy = ChainPolicy(robots=frozenset({(grid.authority.name, grid.name("Robot: portal"))}))
    proxy = robot_proxy(grid, grid.proxy(robot), "user:eve")
    assert validate_chain(proxy.chain, grid.trust(), now=NOW, policy=policy).robot_user is None


def test_a_robot_that_is_not_listed_acts_for_itself() -> None:
    grid = Grid()
    proxy = robot_proxy(grid, grid.user("Robot: portal"), "user:alice")
    assert validate_chain(proxy.chain, grid.trust(), now=NOW).robot_user is None


@given(st.binary(max_size=300))
def test_no_file_does_more_than_be_refused(data: bytes) -> None:
    for parse in (parse_credential, load_key, lambda d: load_chain([d])):
        try:
            parse(data)
        except StandardError:
            continue
