"""Trust directories: what is read, what is not used and why, and that nothing unreadable grants anything."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pki import Grid

from hansa.standards.errors import StandardError
from hansa.standards.x509 import Name, TrustStore, X509Error, issue
from hansa.standards.x509.crl import load_crl
from hansa.standards.x509.namespaces import Namespace, parse_namespaces, parse_signing_policy
from hansa.standards.x509.trust import load_certificates

CA = Name.of(("C", "KR"), ("O", "KISTI"), ("CN", "KISTI CA"))

SIGNING_POLICY = b"""
# EACL for the KISTI authority
access_id_CA      X509    '/C=KR/O=KISTI/CN=KISTI CA'
pos_rights        globus  CA:sign
cond_subjects     globus  '"/C=KR/O=KISTI/*" "/C=KR/O=KIST?/CN=x"'

access_id_CA      X509    '/CN=Other'
pos_rights        globus  CA:sign
cond_subjects     globus  '/CN=only this'
"""

NAMESPACES = rb"""#NAMESPACES-VERSION: 1.0
# comment
TO Issuer "/C=KR/O=KISTI/CN=KISTI CA" \
  PERMIT Subject "/C=KR/O=KISTI/.*"
to issuer SELF permit subject "/C=KR/O=GRID/CN=[a-z]+"
TO Issuer SELF DENY Subject ".*/CN=eve"
"""


def test_signing_policy() -> None:
    rules = parse_signing_policy(SIGNING_POLICY)
    own = tuple(rule for rule in rules if CA in rule.issuers)
    assert [rule.pattern.pattern for rule in own] == ["/C=KR/O=KISTI/.*", "/C=KR/O=KIST./CN=x"]
    namespace = Namespace(signing_policy=own)
    assert namespace.permits(Name.parse("/C=KR/O=KISTI/CN=a"))
    assert namespace.permits(Name.parse("/C=KR/O=KISTE/CN=x"))
    assert not namespace.permits(Name.parse("/C=KR/O=KISTE/CN=xx"))
    assert not namespace.permits(Name.parse("/CN=only this"))
    assert [rule.pattern.pattern for rule in rules if rule not in own] == [r"/CN=only\ this"]


def test_namespaces() -> None:
    namespace = Namespace(namespaces=parse_namespaces(NAMESPACES, [CA]))
    assert namespace.permits(Name.parse("/C=KR/O=KISTI/CN=a"))
    assert namespace.permits(Name.parse("/C=KR/O=GRID/CN=abc"))
    assert not namespace.permits(Name.parse("/C=KR/O=GRID/CN=abc1"))
    assert not namespace.permits(Name.parse("/C=KR/O=KISTI/CN=eve"))


def test_a_pattern_must_match_the_whole_name() -> None:
    rules = parse_namespaces(b'TO Issuer SELF PERMIT Subject "/C=KR"', [CA])
    assert not Namespace(namespaces=rules).permits(Name.parse("/C=KR/O=Evil"))


def test_old_names_of_attributes_in_policies_match() -> None:
    rules = parse_signing_policy(
        b"access_id_CA X509 '/CN=CA'\npos_rights globus CA:sign\ncond_subjects globus '\"/USERID=*/Email=*\"'"
    )
    assert Namespace(signing_policy=rules).permits(Name.of(("UID", "u"), ("emailAddress", "a@b.org")))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"pos_rights globus CA:sign", 1),
        (b"access_id_CA X509 'no name'", 1),
        (b"access_id_CA X509 '/CN=CA'\nneg_rights globus CA:sign", 2),
        (b"access_id_CA X509 '/CN=CA'\ncond_subjects globus '/CN=*'", 2),
        (b"# fine\n\ngarbage", 3),
        (b"\xff", 1),
    ],
)
def test_a_broken_signing_policy_is_refused_with_its_line(text: bytes, line: int) -> None:
    with pytest.raises(X509Error) as refused:
        parse_signing_policy(text)
    assert (refused.value.code, refused.value.line) == ("x509.namespace.syntax", line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b'TO Issuer "/CN=x" ALLOW Subject ".*"', 1),
        (b'\nTO Issuer SELF PERMIT Subject "["', 2),
        (b'TO Issuer "x" PERMIT Subject ".*"', 1),
    ],
)
def test_a_broken_namespaces_file_is_refused_with_its_line(text: bytes, line: int) -> None:
    with pytest.raises(X509Error) as refused:
        parse_namespaces(text, [CA])
    assert (refused.value.code, refused.value.line) == ("x509.namespace.syntax", line)


def test_links_under_two_hashes_are_one_authority() -> None:
    trust = Grid().trust()
    assert [len(found) for found in trust.authorities.values()] == [1]
    assert [len(found) for found in trust.crls.values()] == [1]


def test_der_files_are_read_too() -> None:
    grid = Grid()
    files = {
        "ca.0": grid.authority.certificate.public_bytes(Encoding.DER),
        "ca.r0": grid.crl().public_bytes(Encoding.DER),
    }
    trust = TrustStore.from_files(files)
    assert trust.problems == ()
    assert grid.authority.name in trust.crls


def test_what_cannot_be_used_is_listed_and_the_rest_is_used() -> None:
    grid = Grid()
    bad = {
        "broken.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "host.pem": grid.voms_server.leaf.public_bytes(Encoding.PEM),
        "deadbeef.r0": b"nothing",
        "deadbeef.signing_policy": b"nothing",
        "deadbeef.namespaces": b"nothing",
    }
    trust = TrustStore.from_files(grid.trust_files() | bad | {"README": b"hello", "x.info": b"alias = x"})
    assert {problem.file: problem.error.code for problem in trust.problems} == {
        "broken.pem": "x509.malformed",
        "host.pem": "x509.ca.not_a_ca",
        "deadbeef.r0": "x509.malformed",
        "deadbeef.signing_policy": "x509.namespace.syntax",
        "deadbeef.namespaces": "x509.namespace.syntax",
    }
    assert list(trust.authorities) == [grid.authority.name]


def test_igtf_files_of_an_authority_read_back_as_its_namespace() -> None:
    grid = Grid()
    files = issue.igtf_files(grid.authority.certificate, alias="x", subjects=["/C=KR/O=A (B)/*", "/CN=one"])
    namespace = TrustStore.from_files(files).namespace(grid.authority.name)
    assert namespace.permits(Name.parse("/C=KR/O=A (B)/CN=x y"))
    assert namespace.permits(Name.parse("/CN=one"))
    assert not namespace.permits(Name.parse("/CN=other"))


def test_info_file_names_the_authority() -> None:
    files = issue.igtf_files(
        Grid().authority.certificate, alias="Ex", subjects=["/*"], crl_url="http://example.org/crl"
    )
    assert b'subjectdn = "/DC=org/DC=example/CN=Example Grid CA"' in files["Ex.info"]
    assert b"crl_url = http://example.org/crl\n" in files["Ex.info"]
    assert files["Ex.crl_url"] == b"http://example.org/crl\n"


@given(st.binary(max_size=400))
def test_no_file_does_more_than_be_refused(data: bytes) -> None:
    for parse in (parse_signing_policy, lambda d: parse_namespaces(d, [CA]), load_certificates, load_crl):
        try:
            parse(data)
        except StandardError:
            continue


@given(
    st.lists(
        st.sampled_from(["TO", "Issuer", "SELF", '"/CN=x"', "PERMIT", "DENY", "Subject", '".*"', "\\\n", "\n", "#"]),
        max_size=20,
    )
)
def test_words_of_the_namespaces_language_in_any_order(words: list[str]) -> None:
    try:
        parse_namespaces(" ".join(words).encode(), [CA])
    except StandardError:
        return


@given(
    st.dictionaries(
        st.sampled_from(["a.pem", "a.0", "a.r0", "a.signing_policy", "a.namespaces", "b.x"]), st.binary(max_size=50)
    )
)
def test_a_directory_of_rubbish_is_an_empty_trust_store(files: dict[str, bytes]) -> None:
    assert TrustStore.from_files(files).authorities == {}
