"""Tokens: what is signed is read back, and nothing else is."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws

from hansa.standards.jwt import (
    TOKEN_MAX,
    JwtError,
    Key,
    KeySet,
    parse_object,
    sign,
    sign_bytes,
    unverified_issuer,
    verify,
    verify_bytes,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ISSUER = "https://aai.example.org/realm"
AUDIENCE = "https://site.example.org"
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "anna", "exp": int(NOW.timestamp()) + 600}


def pem(private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


RSA = Key.from_pem(pem(rsa_key()), kid="rsa")
EC = Key.from_pem(pem(ec_key()), kid="ec")
KEYS = KeySet((RSA.public(), EC.public()))


def part(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def made(payload: object = CLAIMS, key: Key = RSA, **header: object) -> str:
    """A token with a header of one's own, rightly signed."""
    head = {"alg": key.algorithm, "kid": key.kid} | header
    signed = f"{part({name: value for name, value in head.items() if value is not None})}.{part(payload)}"
    return f"{signed}.{part(jws.JWSRegistry.algorithms[key.algorithm].sign(signed.encode(), key.jose))}"


def read(token: str, **kwargs: object) -> dict[str, object]:
    arguments = {"now": NOW, "issuer": ISSUER, "audience": AUDIENCE} | kwargs
    return dict(verify(token, KEYS, **arguments))  # type: ignore[arg-type]


def refused(code: str, token: str, **kwargs: object) -> None:
    with pytest.raises(JwtError) as caught:
        read(token, **kwargs)
    assert caught.value.code == f"jwt.{code}"


@pytest.mark.parametrize("key", [RSA, EC])
def test_what_was_signed_is_read_back(key):
    assert read(sign(CLAIMS, key)) == CLAIMS


@pytest.mark.parametrize("curve", [ec.SECP256R1, ec.SECP384R1, ec.SECP521R1])
def test_each_curve_has_its_algorithm(curve):
    key = Key.from_pem(pem(ec_key(curve)))
    keys = KeySet.parse(json.dumps(KeySet((key,)).jwks()).encode())
    assert verify(sign(CLAIMS, key), keys, now=NOW, issuer=ISSUER, audience=AUDIENCE) == CLAIMS


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "PS384", "PS512"])
def test_an_rsa_key_signs_with_what_it_is_told(algorithm):
    key = Key.from_pem(pem(rsa_key()), algorithm)
    assert verify(sign(CLAIMS, key), KeySet((key.public(),)), now=NOW, issuer=ISSUER, audience=AUDIENCE) == CLAIMS


def test_a_key_is_named_by_its_thumbprint():
    one, same = Key.from_pem(pem(ec_key())), Key.from_pem(pem(ec_key()))
    assert one.kid == same.kid == one.jwk()["kid"]


def test_published_keys_hold_no_secret():
    published = KeySet((RSA, EC)).jwks()
    assert [set(key) for key in published["keys"]] == [
        {"kty", "n", "e", "kid", "use", "alg"},
        {"kty", "crv", "x", "y", "kid", "use", "alg"},
    ]
    assert str(rsa_key().private_numbers().d) not in repr(RSA)


# Algorithms


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
def test_no_signature_is_no_token(algorithm):
    unsigned = f"{part({'alg': algorithm})}.{part(CLAIMS)}."
    refused("malformed", unsigned)
    refused("algorithm", unsigned + "AA")


@pytest.mark.parametrize("secret", ["PEM", "DER", "JWK"])
def test_a_public_key_is_no_shared_secret(secret):
    public = rsa_key().public_key()
    spki = PublicFormat.SubjectPublicKeyInfo
    forms = {
        "PEM": public.public_bytes(Encoding.PEM, spki),
        "DER": public.public_bytes(Encoding.DER, spki),
        "JWK": json.dumps(RSA.jwk()).encode(),
    }
    signed = f"{part({'alg': 'HS256', 'kid': 'rsa'})}.{part(CLAIMS)}"
    token = f"{signed}.{part(hmac.digest(forms[secret], signed.encode(), hashlib.sha256))}"
    refused("algorithm", token)
    refused("algorithm", token, algorithms=["HS256", "RS256"])


@pytest.mark.parametrize(
    "algorithm", [None, 1, ["RS256"], {"alg": "RS256"}, "rs256", "RS1", "ES256K", "A128KW", "x" * 100]
)
def test_other_algorithms_are_refused(algorithm):
    refused("algorithm", made(alg=algorithm))


def test_an_algorithm_that_was_not_asked_for_is_refused():
    refused("algorithm", sign(CLAIMS, EC), algorithms={"RS256"})


def test_a_key_serves_only_its_own_algorithm():
    refused("unknown_key", made(alg="PS256", key=RSA, kid="ec"))
    keys = KeySet.parse(json.dumps({"keys": [RSA.jwk()]}).encode())
    pss = Key.from_pem(pem(rsa_key()), "PS256", "rsa")
    with pytest.raises(JwtError, match="not one of the issuer's"):
        verify(sign(CLAIMS, pss), keys, now=NOW, issuer=ISSUER, audience=AUDIENCE)


# Keys


@pytest.mark.parametrize(
    "kid", ["other", "", "../../../../dev/null", "rsa\x00", "rsa' OR '1'='1", "http://evil.example/key", "|id", "RSA"]
)
def test_a_key_that_is_not_the_issuers_is_refused_whatever_its_name(kid):
    refused("unknown_key", made(kid=kid))


@pytest.mark.parametrize("kid", [1, True, ["rsa"], {"a": 1}])
def test_the_name_of_a_key_is_a_string(kid):
    refused("header", made(kid=kid))


def test_without_a_name_the_only_fitting_key_is_tried():
    assert read(made(kid=None)) == CLAIMS
    other = Key.from_pem(pem(rsa_key()), kid="rsa2")
    with pytest.raises(JwtError, match="not one of the issuer's"):
        verify(made(kid=None), KeySet((RSA, other)), now=NOW, issuer=ISSUER, audience=AUDIENCE)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("jku", "https://evil.example/jwks"),
        ("x5u", "https://evil.example/cert"),
        ("jwk", EC.jwk()),
        ("x5c", ["MIIB"]),
        ("crit", ["exp"]),
        ("crit", []),
        ("b64", False),
        ("b64", True),
        ("zip", "DEF"),
        ("enc", "A128GCM"),
    ],
)
def test_what_brings_its_own_key_or_meaning_is_refused(member, value):
    refused("header", made(**{member: value}))


def test_members_of_the_header_that_say_nothing_of_keys_are_let_be():
    assert read(made(x5t="abc", nonce="1")) == CLAIMS


def test_another_key_of_that_name_does_not_match():
    other = Key.from_pem(pem(rsa.generate_private_key(65537, 2048)), kid="rsa")
    refused("signature", sign(CLAIMS, other))


def test_two_keys_of_one_name_are_both_tried():
    other = Key.from_pem(pem(rsa.generate_private_key(65537, 2048)), kid="rsa")
    keys = KeySet((other.public(), RSA.public()))
    assert verify(sign(CLAIMS, RSA), keys, now=NOW, issuer=ISSUER, audience=AUDIENCE) == CLAIMS


@pytest.mark.parametrize("private", [rsa_key(1024), ec_key(ec.SECP256K1), ed25519.Ed25519PrivateKey.generate()])
def test_weak_and_unknown_keys_do_not_sign(private):
    with pytest.raises(JwtError) as caught:
        Key.from_pem(pem(private))
    assert caught.value.code == "jwt.key"


@pytest.mark.parametrize("text", [b"", b"secret", b"-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_private_key_does_not_sign(text):
    with pytest.raises(JwtError, match="not an unencrypted private key"):
        Key.from_pem(text)


def test_a_key_cannot_be_told_another_keys_algorithm():
    with pytest.raises(JwtError, match="cannot be used with ES256"):
        Key.from_pem(pem(rsa_key()), "ES256")


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "OKP"},
        {"kty": ["RSA"]},
        {"kid": 5},
        {"key_ops": ["encrypt"]},
        {"key_ops": "verify"},
        {"alg": "RSA-OAEP"},
        {"alg": "HS256"},
        {"n": "AQAB"},
        {"n": ""},
        {"n": 5},
        {"e": None},
        {"e": "AQ"},
        {"n": "!!!!"},
        {"n": part(b"\xff" * 3000)},
    ],
)
def test_unusable_keys_of_a_set_are_left_out(change):
    assert KeySet.parse(json.dumps({"keys": [RSA.jwk() | change, EC.jwk()]}).encode()).keys[0].kid == "ec"


@pytest.mark.parametrize(
    "change", [{"crv": "P-192"}, {"crv": "secp256k1"}, {"crv": "P-384"}, {"x": "AAAA"}, {"y": None}]
)
def test_points_off_the_curve_are_left_out(change):
    assert KeySet.parse(json.dumps({"keys": [EC.jwk() | change]}).encode()).keys == ()


def test_a_private_key_in_a_published_set_gives_its_public_part_only():
    leaked = EC.jose.as_dict(private=True) | {"kid": "leaked"}
    (key,) = KeySet.parse(json.dumps({"keys": [leaked]}).encode()).keys
    assert not key.jose.is_private


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": [], "keys": []}', b"<html>", b"\xff", b'{"keys": [%s]}']
)
def test_what_is_no_key_set_is_refused(text):
    with pytest.raises(JwtError):
        KeySet.parse(text)


def test_a_huge_key_set_is_refused():
    with pytest.raises(JwtError, match="not read"):
        KeySet.parse(b" " * 300_000)
    with pytest.raises(JwtError, match="100 at most"):
        KeySet.parse(json.dumps({"keys": [{}] * 101}).encode())


# Claims


@pytest.mark.parametrize(
    "issuer",
    [
        f"{ISSUER}/",
        f"{ISSUER}.evil.example",
        ISSUER[:-1],
        ISSUER.upper(),
        f" {ISSUER}",
        "",
        None,
        [ISSUER],
        {"a": ISSUER},
        1,
    ],
)
def test_the_issuer_is_meant_to_the_letter(issuer):
    refused("issuer", sign(CLAIMS | {"iss": issuer}, RSA))
    refused("issuer", sign({name: value for name, value in CLAIMS.items() if name != "iss"}, RSA))


@pytest.mark.parametrize(
    "audience", [None, "", [], [None], [1], {}, f"{AUDIENCE}/", [f"{AUDIENCE}.evil"], [AUDIENCE, 1], 1, True]
)
def test_a_token_for_others_is_refused(audience):
    refused("audience", sign(CLAIMS | {"aud": audience}, RSA))
    refused("audience", sign({name: value for name, value in CLAIMS.items() if name != "aud"}, RSA))


def test_a_token_may_be_for_several_and_we_may_have_several_names():
    token = sign(CLAIMS | {"aud": ["https://other.example", AUDIENCE]}, RSA)
    assert read(token)["sub"] == "anna"
    assert read(token, audience=["any", "https://other.example"])["sub"] == "anna"
    refused("audience", token, audience=["any"])


@pytest.mark.parametrize("seconds", [60, 61, 10**6])
def test_after_its_end_it_is_refused(seconds):
    late = NOW + timedelta(seconds=600 + seconds)
    refused("expired", sign(CLAIMS, RSA), now=late)


def test_clocks_may_differ_by_a_minute():
    assert read(sign(CLAIMS, RSA), now=NOW + timedelta(seconds=659))["sub"] == "anna"
    assert read(sign(CLAIMS | {"nbf": int(NOW.timestamp()) + 60}, RSA))["sub"] == "anna"
    refused("expired", sign(CLAIMS, RSA), now=NOW + timedelta(seconds=600), leeway=timedelta())


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_before_its_time_it_is_refused(claim):
    refused("not_yet_valid", sign(CLAIMS | {claim: int(NOW.timestamp()) + 61}, RSA))


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", ["1795176000", True, None, [], {}, -1, 2**54, 1e300, -0.5])
def test_times_are_numbers_of_seconds(claim, value):
    refused("claim", sign(CLAIMS | {claim: value}, RSA))


def test_a_token_without_an_end_is_refused():
    refused("claim", sign({"iss": ISSUER, "aud": AUDIENCE}, RSA))


def test_a_subject_is_a_string():
    refused("claim", sign(CLAIMS | {"sub": 5}, RSA))


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_purpose_is_compared_as_media_types_are(typ):
    assert read(made(typ=typ), typ="at+jwt") == CLAIMS
    assert read(made(typ=typ), typ=("JWT", "at+jwt")) == CLAIMS


@pytest.mark.parametrize("typ", [None, "JWT", "", 5, ["at+jwt"], "application/application/at+jwt"])
def test_a_token_for_another_purpose_is_refused(typ):
    refused("type", made(typ=typ), typ="at+jwt")


# Form


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "....",
        "a.b.c.d.e",
        "Bearer a.b.c",
        "a.b.c\n",
        " a.b.c",
        "ä.b.c",
        "a=.b.c",
        "a+.b.c",
    ],
)
def test_what_is_not_three_parts_is_refused(token):
    refused("malformed", token)


def test_huge_tokens_are_refused_unread():
    refused("too_large", "a" * (TOKEN_MAX + 1))
    refused("too_large", sign(CLAIMS | {"x": "y" * TOKEN_MAX}, RSA))
    refused("malformed", made(nonce="x" * 4096))


@pytest.mark.parametrize(
    "text",
    [
        b'{"iss": "https://evil.example", "iss": "https://aai.example.org/realm"}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"exp": %s}' % (b"9" * 5000),
        b'{"exp": -%s}' % (b"9" * 30),
        b'{"exp": 1e999}',
        b'{"exp": NaN}',
        b'{"exp": -Infinity}',
        b'{"a": %s1%s}' % (b"[" * 5000, b"]" * 5000),
        b'{"a": %s1%s}' % (b"[" * 17, b"]" * 17),
        b'{"a": %s}' % (b'{"a":' * 2000),
        b"[]",
        b'"text"',
        b"null",
        b"",
        b"{}x",
        b"\xff\xfe",
        b'{"a": "\x00"}',
    ],
)
def test_claims_that_mean_two_things_or_none_are_refused(text):
    refused("json" if text else "malformed", made(payload=text))
    with pytest.raises(JwtError):
        parse_object(text)


def test_a_header_with_a_member_twice_is_refused():
    header = base64.urlsafe_b64encode(b'{"alg": "none", "alg": "RS256"}').decode().rstrip("=")
    refused("json", f"{header}.{part(CLAIMS)}.AA")


def test_one_token_has_one_spelling():
    """Another spelling of the last bits would be the same token under another hash."""
    token = sign(CLAIMS, EC)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]
    refused("malformed", twin)


def test_documents_are_signed_as_bytes():
    text = sign_bytes(b"\x00any", EC, "feed")
    assert verify_bytes(text, KEYS, max_size=1000, typ="feed") == b"\x00any"
    with pytest.raises(JwtError):
        verify_bytes(text, KEYS, max_size=10, typ="feed")
    with pytest.raises(JwtError):
        verify_bytes(text, KEYS, max_size=1000, typ="other")


def test_the_issuer_can_be_seen_to_choose_its_keys():
    assert unverified_issuer(sign(CLAIMS, RSA)) == ISSUER
    for text in ("", "a.b.c", "x" * 20_000, f"a.{part({'iss': 5})}.c", f"a.{part({})}.c", "opaque"):
        assert unverified_issuer(text) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_is_accepted(position, difference):
    token = sign(CLAIMS, EC).encode()
    at = position % len(token)
    changed = token[:at] + bytes([token[at] ^ difference]) + token[at + 1 :]
    with pytest.raises(JwtError):
        read(changed.decode("latin-1"))


@given(
    st.text() | st.lists(st.binary(max_size=60), min_size=3, max_size=3).map(lambda parts: ".".join(map(part, parts)))
)
def test_noise_is_refused_and_nothing_else_happens(token):
    with pytest.raises(JwtError):
        read(token)
    unverified_issuer(token)


@given(
    st.binary()
    | st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_noise_is_no_key_set(data):
    with pytest.raises(JwtError):
        KeySet.parse(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub"]), json_values))
def test_claims_of_any_form_are_judged_and_crash_nothing(changes):
    try:
        claims = read(sign(CLAIMS | changes, EC))
    except JwtError:
        return
    assert claims["iss"] == ISSUER


@given(
    st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "use", "kty", "n", "e", "x", "y", "crv", "key_ops"]), json_values
    )
)
def test_key_sets_of_any_form_crash_nothing(changes):
    KeySet.parse(json.dumps({"keys": [RSA.jwk() | changes, EC.jwk() | changes]}).encode())
