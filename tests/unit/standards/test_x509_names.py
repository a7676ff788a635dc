"""Names: every string form is parsed to structure, and only structures are compared."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from hansa.standards.errors import StandardError
from hansa.standards.x509 import Name, X509Error
from hansa.standards.x509.nametext import slash_variants

texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
pairs = st.tuples(st.sampled_from(["CN", "O", "OU", "L", "ST", "UID", "title"]), texts)
some_names = st.lists(pairs, min_size=1, max_size=5).map(lambda found: Name.of(*found))


def cn(value: str) -> tuple[str, str]:
    return ("CN", value)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/DC=org/DC=example/CN=Alice Example", Name.of(("DC", "org"), ("DC", "example"), cn("Alice Example"))),
        ("/C=KR/O=KISTI/CN=김상완", Name.of(("C", "KR"), ("O", "KISTI"), cn("김상완"))),
        (r"/CN=host\/foo.example.org", Name.of(cn("host/foo.example.org"))),
        ("/CN=host/foo.example.org", Name.of(cn("host/foo.example.org"))),
        (r"/CN=a\+b", Name.of(cn("a+b"))),
        ("/CN=a+b", Name.of(cn("a+b"))),
        (r"/CN=Jos\xC3\xA9", Name.of(cn("José"))),
        ("/O=x/CN=https://example.org/a=b", Name.of(("O", "x"), cn("https://example.org/a=b"))),
        ("/CN=a/emailAddress=a@example.org", Name.of(cn("a"), ("emailAddress", "a@example.org"))),
        ("/CN=a/Email=a@example.org", Name.of(cn("a"), ("emailAddress", "a@example.org"))),
        ("/CN=a/E=a@example.org", Name.of(cn("a"), ("emailAddress", "a@example.org"))),
        ("/USERID=u/CN=a", Name.of(("UID", "u"), cn("a"))),
        ("/1.2.3.4=x/CN=a", Name.of(("1.2.3.4", "x"), cn("a"))),
    ],
)
def test_slash_form_is_read(text: str, name: Name) -> None:
    assert Name.parse(text) == name


def test_a_name_of_two_attributes_in_one_rdn_is_read() -> None:
    pair = [x509.NameAttribute(NameOID.COMMON_NAME, "a"), x509.NameAttribute(NameOID.USER_ID, "b")]
    name = Name.from_x509(x509.Name([x509.RelativeDistinguishedName(pair)]))
    assert Name.parse("/CN=a+UID=b") == name
    assert Name.parse_rfc4514(name.rfc4514()) == name
    assert name.last_common_name is None


def test_a_backslash_has_two_readings() -> None:
    assert Name.readings(r"/CN=host\/x") == (Name.of(cn("host/x")), Name.of(cn(r"host\/x")))
    assert Name.readings("/CN=x") == (Name.of(cn("x")),)


def test_an_escaped_slash_keeps_a_name_one() -> None:
    assert Name.parse(r"/CN=Alice\/CN=Bob") == Name.of(cn("Alice/CN=Bob"))
    assert Name.parse("/CN=Alice/CN=Bob") == Name.of(cn("Alice"), cn("Bob"))
    assert not Name.of(cn("Alice/CN=Bob")).is_plain_in_slash_form


@pytest.mark.parametrize("text", ["", "CN=a", "/", "/CN=", "/XX=a", "//CN=a", "/CN", r"/CN=\xFF", "/CN=" + "a" * 5000])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(X509Error) as refused:
        Name.parse(text)
    assert refused.value.code == "x509.name.syntax"


def test_string_types_do_not_matter_and_case_does() -> None:
    printable = x509.NameAttribute(NameOID.COMMON_NAME, "Alice", _type=x509.name._ASN1Type.PrintableString)
    utf8 = x509.NameAttribute(NameOID.COMMON_NAME, "Alice")
    one, other = Name.from_x509(x509.Name([printable])), Name.from_x509(x509.Name([utf8]))
    assert one == other
    assert hash(one) == hash(other)
    assert one.der != other.der
    assert one != Name.of(cn("alice"))


def test_a_message_shows_control_characters_and_is_bounded() -> None:
    assert str(Name.of(cn("a\x1b[31m\nb"))) == r"/CN=a\x1B[31m\x0Ab"
    assert len(str(Name.of(*[("O", "x" * 60)] * 50))) < 400


def test_policy_files_use_several_names_for_one_attribute() -> None:
    name = Name.of(("UID", "u"), ("emailAddress", "a@b"))
    assert {"/UID=u/emailAddress=a@b", "/USERID=u/Email=a@b", "/UID=u/E=a@b"} <= set(slash_variants(name.slash()))
    assert list(slash_variants("/CN=a")) == ["/CN=a"]


@given(some_names)
def test_every_name_survives_every_form_that_is_meant_to_be_read(name: Name) -> None:
    assert Name.parse(name.slash_escaped()) == name or "\\" in name.slash()
    assert Name.from_der(name.der) == name
    if name.is_plain_in_slash_form and "\\" not in name.slash():
        assert Name.parse(name.slash()) == name


@given(st.text("abcé김 /+=,", min_size=1, max_size=20))
def test_a_certificate_keeps_the_name(value: str) -> None:
    name = Name.of(("C", "KR"), ("O", value), cn(value))
    assert Name.from_x509(name.to_x509()) == name


def test_the_library_that_makes_certificates_limits_lengths() -> None:
    with pytest.raises(X509Error) as refused:
        Name.of(cn("김" * 64)).to_x509()
    assert refused.value.code == "x509.name.syntax"


@given(some_names)
@example(Name.of(("CN", " ")))
@example(Name.of(("CN", "  ")))
@example(Name.of(("CN", "#\\ ")))
def test_rfc4514_is_a_key(name: Name) -> None:
    assert Name.parse_rfc4514(name.rfc4514()) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CN=a", Name.of(cn("a"))),
        ("CN=a, O = b ", Name.of(("O", "b"), cn("a"))),
        (r"CN=a\, b,O=\ c\ ", Name.of(("O", " c "), cn("a, b"))),
        (r"CN=Jos\C3\A9", Name.of(cn("José"))),
        (r"CN=\#a=b", Name.of(cn("#a=b"))),
        ("2.5.4.3=a", Name.of(cn("a"))),
    ],
)
def test_rfc4514_form_is_read(text: str, name: Name) -> None:
    assert Name.parse_rfc4514(text) == name


BAD_RFC4514 = ["", "a", "CN=", "CN=a,", "CN=a+", "CN=a;O=b", "CN=#0c0161", r"CN=\xy", r"CN=\ff", 'CN="a"', "9.9=a"]


@pytest.mark.parametrize("text", BAD_RFC4514)
def test_other_rfc4514_texts_are_refused(text: str) -> None:
    with pytest.raises(X509Error) as refused:
        Name.parse_rfc4514(text)
    assert refused.value.code == "x509.name.syntax"


def test_a_long_korean_name_is_a_name() -> None:
    name = Name.of(("C", "KR"), cn("김" * 64))
    assert Name.parse(name.slash()) == name
    assert Name.parse_rfc4514(name.rfc4514()) == name


@given(some_names, some_names)
def test_different_names_have_different_keys(one: Name, other: Name) -> None:
    assert (one == other) is (one.rfc4514() == other.rfc4514())


@given(st.text(max_size=100), st.binary(max_size=100))
def test_no_text_or_bytes_do_more_than_be_refused(text: str, data: bytes) -> None:
    for call in (lambda: Name.readings(text), lambda: Name.parse_rfc4514(text), lambda: Name.from_der(data)):
        try:
            call()
        except StandardError:
            continue
