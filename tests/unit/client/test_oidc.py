"""Issuers of others: where we go for what they publish, what we believe, how long, and what happens while they are away."""

import ipaddress
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.support.issuer import CLIENT, SECRET, WELL_KNOWN, Upstream, new_key, upstream

from hansa.base.errors import BackendDown, Unauthenticated
from hansa.client.errors import AddressRefused, BadReply, Unreachable
from hansa.client.oidc import Client, Guard, Issuer, Web, begin, check_issuer_url, finish
from hansa.standards.jwt import JwtError

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
US = Client(CLIENT, SECRET)


class Ticks:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def up() -> Iterator[Upstream]:
    with upstream() as found:
        yield found


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def issuer(up: Upstream, ticks: Ticks) -> Issuer:
    return Issuer(up.url, Web(Guard(loopback=True)), lambda: NOW, client=US, monotonic=ticks)


async def refusal(issuer: Issuer, token: str) -> str:
    with pytest.raises(JwtError) as caught:
        await issuer.verify(token)
    return caught.value.code


class TestVerify:
    async def test_a_token_of_the_issuer_is_read(self, up: Upstream, issuer: Issuer) -> None:
        claims = await issuer.verify(up.token(NOW, eduperson_entitlement=["x"]))
        assert (claims["sub"], claims["eduperson_entitlement"]) == ("alice", ["x"])

    async def test_metadata_and_keys_are_fetched_once(self, up: Upstream, issuer: Issuer) -> None:
        for _ in range(5):
            await issuer.verify(up.token(NOW))
        assert up.asked == [WELL_KNOWN, "/jwks"]

    async def test_an_issuer_with_a_path_has_its_metadata_below_it(self, ticks: Ticks) -> None:
        with upstream("/auth/realms/egi") as up:
            await Issuer(up.url, Web(Guard(loopback=True)), lambda: NOW, monotonic=ticks).verify(up.token(NOW))

    async def test_a_new_key_is_found_at_its_first_token(self, up: Upstream, issuer: Issuer, ticks: Ticks) -> None:
        old = up.token(NOW)
        await issuer.verify(old)
        up.rotate()
        ticks.now += 31
        assert (await issuer.verify(up.token(NOW)))["sub"] == "alice"
        assert await refusal(issuer, old) == "jwt.unknown_key"

    async def test_unknown_keys_do_not_make_us_fetch_more_than_twice_a_minute(
        self, up: Upstream, issuer: Issuer, ticks: Ticks
    ) -> None:
        for _ in range(20):
            assert await refusal(issuer, up.token(NOW, key=new_key("forged"))) == "jwt.unknown_key"
        ticks.now += 31
        for _ in range(20):
            assert await refusal(issuer, up.token(NOW, key=new_key("forged"))) == "jwt.unknown_key"
        assert up.asked.count("/jwks") == 2

    async def test_a_key_taken_back_is_forgotten_within_ten_minutes(
        self, up: Upstream, issuer: Issuer, ticks: Ticks
    ) -> None:
        stolen = up.token(NOW)
        await issuer.verify(stolen)
        up.rotate()
        ticks.now += 601
        assert await refusal(issuer, stolen) == "jwt.unknown_key"

    async def test_a_key_of_the_same_name_does_not_pass(self, up: Upstream, issuer: Issuer) -> None:
        assert await refusal(issuer, up.token(NOW, key=new_key("k1"))) == "jwt.signature"

    @pytest.mark.parametrize(
        ("claims", "code"),
        [
            ({"exp": int((NOW - timedelta(minutes=2)).timestamp())}, "jwt.expired"),
            ({"nbf": int((NOW + timedelta(minutes=2)).timestamp())}, "jwt.not_yet_valid"),
            ({"iss": "https://other.example.org"}, "jwt.issuer"),
            ({"iss": None}, "jwt.issuer"),
            ({"exp": None}, "jwt.claim"),
            ({"typ": "logout+jwt"}, "jwt.type"),
        ],
    )
    async def test_other_tokens_are_refused(self, up: Upstream, issuer: Issuer, claims: Any, code: str) -> None:
        assert await refusal(issuer, up.token(NOW, **claims)) == code

    async def test_a_slash_more_makes_another_issuer(self, up: Upstream, issuer: Issuer) -> None:
        assert await refusal(issuer, up.token(NOW, iss=up.url + "/")) == "jwt.issuer"


class TestAway:
    async def test_an_issuer_that_was_never_reached_lets_nobody_in(self, ticks: Ticks) -> None:
        with upstream() as up:
            token = up.token(NOW)
        issuer = Issuer(up.url, Web(Guard(loopback=True)), lambda: NOW, monotonic=ticks)
        with pytest.raises(BackendDown):
            await issuer.verify(token)

    async def test_known_keys_serve_for_a_day_while_it_is_away(self, ticks: Ticks) -> None:
        with upstream() as up:
            issuer = Issuer(up.url, Web(Guard(loopback=True)), lambda: NOW, monotonic=ticks)
            await issuer.verify(up.token(NOW))
        ticks.now += 86_000
        await issuer.verify(up.token(NOW))
        ticks.now += 1000
        with pytest.raises(BackendDown):
            await issuer.verify(up.token(NOW))

    async def test_it_is_not_asked_again_at_once(self, up: Upstream, issuer: Issuer, ticks: Ticks) -> None:
        up.answers[WELL_KNOWN] = (500, {})
        for _ in range(10):
            with pytest.raises(BackendDown):
                await issuer.verify(up.token(NOW))
        assert len(up.asked) == 1
        del up.answers[WELL_KNOWN]
        ticks.now += 31
        await issuer.verify(up.token(NOW))

    @pytest.mark.parametrize(
        "metadata",
        [
            {"issuer": "https://evil.example.org"},
            {"issuer": "{url}/"},
            {"issuer": None},
            {"jwks_uri": None},
            {"jwks_uri": 1},
            {"jwks_uri": "http://169.254.169.254/keys"},
            {"jwks_uri": "file:///etc/passwd"},
            {"jwks_uri": "https://user@127.0.0.1/"},
        ],
    )
    async def test_metadata_that_is_not_about_it_is_not_used(
        self, up: Upstream, issuer: Issuer, metadata: dict[str, Any]
    ) -> None:
        bent = {name: value.format(url=up.url) if isinstance(value, str) else value for name, value in metadata.items()}
        up.answers[WELL_KNOWN] = (200, up.metadata | bent)
        with pytest.raises(BackendDown):
            await issuer.verify(up.token(NOW))

    @pytest.mark.parametrize(
        "answer",
        [
            (302, {}),
            (500, {}),
            (200, b"<html>"),
            (200, b"[]"),
            (200, {"keys": 1}),
            (200, b'{"keys":[],"keys":[]}'),
            (200, b'{"keys": [' + b" " * 600000 + b"]}"),
        ],
    )
    async def test_keys_are_taken_from_no_other_answer(self, up: Upstream, issuer: Issuer, answer: Any) -> None:
        up.answers["/jwks"] = answer
        with pytest.raises(BackendDown):
            await issuer.verify(up.token(NOW))
        assert up.asked.count("/jwks") == 1  # a redirect is not followed


class TestIntrospection:
    async def test_an_opaque_token_is_what_its_issuer_says(self, up: Upstream, issuer: Issuer) -> None:
        up.opaque["opaque"] = {"active": True, "sub": "bob"}
        assert (await issuer.introspect("opaque") or {})["sub"] == "bob"
        assert await issuer.introspect("another") is None

    async def test_a_client_that_may_not_use_basic_sends_its_secret_in_the_form(
        self, up: Upstream, issuer: Issuer
    ) -> None:
        up.answers[WELL_KNOWN] = (200, up.metadata | {"token_endpoint_auth_methods_supported": ["client_secret_post"]})
        up.opaque["opaque"] = {"active": True}
        assert await issuer.introspect("opaque")

    @pytest.mark.parametrize("said", [{}, {"active": "true"}, {"active": 1}, {"active": True, "iss": "https://other"}])
    async def test_only_a_plain_yes_counts(self, up: Upstream, issuer: Issuer, said: Any) -> None:
        up.opaque["opaque"] = said
        assert await issuer.introspect("opaque") is None

    @pytest.mark.parametrize("answer", [(500, {}), (302, {}), (200, b"yes"), (401, {}), (204, b"")])
    async def test_no_answer_is_no_token(self, up: Upstream, issuer: Issuer, answer: Any) -> None:
        up.answers["/introspect"] = answer
        with pytest.raises(BackendDown):
            await issuer.introspect("opaque")

    async def test_an_issuer_without_it_or_a_stranger_is_an_error(self, up: Upstream, ticks: Ticks) -> None:
        stranger = Issuer(up.url, Web(Guard(loopback=True)), lambda: NOW, monotonic=ticks)
        with pytest.raises(BadReply):
            await stranger.introspect("opaque")

    async def test_the_secret_is_in_no_text(self) -> None:
        assert SECRET not in repr(US)


class TestUserinfo:
    async def test_it_says_more_about_the_same_person(self, up: Upstream, issuer: Issuer) -> None:
        up.people["t"] = {"sub": "alice", "eduperson_entitlement": ["x"]}
        assert (await issuer.userinfo("t", "alice") or {})["eduperson_entitlement"] == ["x"]
        assert await issuer.userinfo("t", "bob") is None
        assert await issuer.userinfo("revoked", "alice") is None

    async def test_an_issuer_without_it_says_nothing(self, up: Upstream, issuer: Issuer) -> None:
        up.answers[WELL_KNOWN] = (200, up.metadata | {"userinfo_endpoint": None})
        assert await issuer.userinfo("t", "alice") == {}


class TestGuard:
    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "::1",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "fe80::1",
            "fd00::1",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "ff02::1",
            "::",
            "255.255.255.255",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "192.0.2.1",
            "fd00:ec2::254",
        ],
    )
    def test_addresses_that_are_not_the_internet_s_are_refused(self, address: str) -> None:
        with pytest.raises(AddressRefused):
            Guard().check_address(ipaddress.ip_address(address))

    @pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
    def test_those_of_the_internet_are_fine(self, address: str) -> None:
        Guard().check_address(ipaddress.ip_address(address))

    def test_a_private_network_may_be_named_and_a_metadata_service_may_not(self) -> None:
        guard = Guard([ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("169.254.0.0/16")])
        guard.check_address(ipaddress.ip_address("10.1.2.3"))
        for address in ("169.254.169.254", "127.0.0.1"):
            with pytest.raises(AddressRefused):
                guard.check_address(ipaddress.ip_address(address))

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.org/",
            "ftp://127.0.0.1/",
            "https://",
            "https://u:p@127.0.0.1/",
            "https://127.0.0.1/#f",
            "x",
            "https://127.0.0.1:99999/",
            "https://127.0.0.1/a b",
            "https://127.0.0.1/\r\nX: y",
            "https://[::1",
            "https://é/",
            "https://127.0.0.1/" + "a" * 3000,
        ],
    )
    def test_addresses_of_other_kinds_are_refused(self, url: str) -> None:
        with pytest.raises((AddressRefused, Unreachable)):
            Guard(loopback=True).check_url(url)

    def test_plain_http_is_for_this_machine_alone(self) -> None:
        Guard(loopback=True).check_url("http://127.0.0.1/")
        with pytest.raises(AddressRefused):
            Guard(loopback=True).check_url("http://8.8.8.8/")
        with pytest.raises(AddressRefused):
            Guard().check_url("http://127.0.0.1/")

    def test_every_address_of_a_name_must_be_fine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def resolve(*_args: object, **_more: object) -> list[Any]:
            return [(socket.AF_INET, 1, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(AddressRefused):
            Guard().check_url("https://rebinding.example.org/")


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "https://", "https://x/?a=b", "https://x/#f", "https://u@x/", "x", "https://x/<S>", "https://x/ y"],
)
def test_an_issuer_s_name_is_a_plain_address(url: str) -> None:
    with pytest.raises(ValueError, match="it "):
        check_issuer_url(url)


class TestLogin:
    def random(self) -> str:
        self.count = getattr(self, "count", 0) + 1
        return f"random-{self.count}"

    async def test_the_browser_is_sent_with_a_challenge_and_comes_back_with_a_code(
        self, up: Upstream, issuer: Issuer
    ) -> None:
        url, attempt = await begin(issuer, "https://site.example.org/back", ["openid", "email"], self.random)
        sent = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{up.url}/authorize?")
        assert (sent["code_challenge_method"], sent["response_type"], sent["client_id"]) == ("S256", "code", CLIENT)
        assert attempt.verifier not in url
        assert attempt.verifier not in repr(attempt)
        forms: list[Any] = []

        def redeem(form: Any) -> Any:
            forms.append(form)
            return 200, {"access_token": "at", "id_token": up.token(NOW, typ="JWT", aud=CLIENT, nonce=sent["nonce"])}

        up.answers["/token"] = redeem
        login = await finish(issuer, attempt, {"code": "c", "state": attempt.state})
        assert (login.claims["sub"], login.access_token) == ("alice", "at")
        assert forms[0]["code_verifier"] == attempt.verifier
        assert forms[0]["redirect_uri"] == "https://site.example.org/back"

    @pytest.mark.parametrize(
        ("answer", "claims", "reason"),
        [
            ({"state": "other"}, {}, "oidc.state"),
            ({"error": "access_denied"}, {}, "oidc.denied"),
            ({"code": ""}, {}, "oidc.denied"),
            ({"iss": "https://evil.example.org"}, {}, "oidc.issuer"),
            ({}, {"nonce": "other"}, "oidc.nonce"),
            ({}, {"azp": "another client"}, "oidc.nonce"),
            ({}, {"aud": "another client"}, "jwt.audience"),
            ({}, {"iss": "https://evil.example.org"}, "jwt.issuer"),
            ({}, {"exp": 1}, "jwt.expired"),
        ],
    )
    async def test_every_other_return_is_refused(
        self, up: Upstream, issuer: Issuer, answer: Any, claims: Any, reason: str
    ) -> None:
        _url, attempt = await begin(issuer, "https://site.example.org/back", ["openid"], self.random)
        good = {"aud": CLIENT, "nonce": attempt.nonce}
        up.answers["/token"] = (200, {"access_token": "at", "id_token": up.token(NOW, typ="JWT", **(good | claims))})
        with pytest.raises(Unauthenticated) as caught:
            await finish(issuer, attempt, {"code": "c", "state": attempt.state} | answer)
        assert caught.value.details["reason"] == reason

    async def test_a_code_that_was_used_is_told(self, up: Upstream, issuer: Issuer) -> None:
        _url, attempt = await begin(issuer, "https://site.example.org/back", ["openid"], self.random)
        up.answers["/token"] = (400, {"error": "invalid_grant"})
        with pytest.raises(Unauthenticated) as caught:
            await finish(issuer, attempt, {"code": "c", "state": attempt.state})
        assert caught.value.details["reason"] == "oidc.code"
