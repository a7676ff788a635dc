"""Who the client is comes from TLS or from the trusted front, never from a header that anybody can write."""

import json
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.support.echo import echo
from tests.support.tls import authority, certificate, proxy
from tests.support.wire import Answer, Wire, client_context

from hansa.base.serving import Listener, Tls, TrustedFront, running

USER = certificate(authority(), "user")
SPOOFS = [
    "SSL_CLIENT_CERT: x",
    "ssl-client-s-dn: /CN=admin",
    "Ssl_Client-Verify: SUCCESS",
    "GRST_VOMS_FQANS: /vo/Role=admin",
    "GRST-CRED-0: x",
    "X-SSL-Client-Cert: x",
    "X_SSL_CLIENT_S_DN: /CN=admin",
    "HTTP_SSL_CLIENT_CERT: x",
    "REMOTE_USER: admin",
    "Remote-User: admin",
    "X-Remote-User: admin",
    "X-Forwarded-User: admin",
    "X-Forwarded-Client-Cert: x",
    "Client-Cert: :AAAA:",
    "Client-Cert-Chain: :AAAA:",
    "X-Client-DN: /CN=admin",
    "VOMS_FQANS: /vo",
    "OIDC_CLAIM_sub: admin",
    "OIDC-eduperson_entitlement: urn:x",
    "X-Hansa-Front-Secret: guess",
]
INNOCENT = [
    "User-Agent: curl",
    "X-Auth-Token: abc",
    "Authorization: Bearer t",
    "X-OCCI-Attribute: a=1",
    "Sslish: 1",
    "Users: 2",
]


def names(answer: Answer) -> set[str]:
    return {name for name, _ in json.loads(answer.body)["headers"]}


@pytest.fixture(params=["plain", "tls", "unix", "front"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Listener:
    match request.param:
        case "tls":
            host = certificate(authority(), "host").write(tmp_path / "host.pem")
            return Listener("it", tls=Tls(host, host))
        case "unix":
            return Listener("it", unix=tmp_path / "it.sock")
        case "front":
            return Listener("it", unix=tmp_path / "it.sock", front=TrustedFront())
        case _:
            return Listener("it")


@pytest.mark.parametrize("header", SPOOFS)
async def test_a_header_that_looks_like_an_identity_never_arrives(listener, header):
    async with running(echo, [listener]) as server:
        wire = await Wire.to_unix(listener.unix) if listener.unix else await _tcp(server.port("it"), listener)
        async with wire:
            answer = await wire.get("/", header, "Connection: close")
    assert names(answer) == {"host", "connection"}
    assert not json.loads(answer.body)["chain"]


@pytest.mark.parametrize("header", INNOCENT)
async def test_other_headers_pass(listener, header):
    async with running(echo, [listener]) as server:
        wire = await Wire.to_unix(listener.unix) if listener.unix else await _tcp(server.port("it"), listener)
        async with wire:
            assert header.partition(":")[0].lower() in names(await wire.get("/", header))


async def test_a_plain_listener_publishes_no_tls_extension():
    async with running(echo, [Listener("it")]) as server, await Wire.to(server.port("it")) as wire:
        assert json.loads((await wire.get()).body)["chain"] is None


async def _tcp(port: int, listener: Listener) -> Wire:
    return await Wire.to(port, client_context() if listener.tls else None)


LOOPBACK = (ip_network("127.0.0.0/8"),)
FRONT = Listener("front", front=TrustedFront(LOOPBACK, "s3cret"))
SECRET = "X-Hansa-Front-Secret: s3cret"


def forwarded(chain: list[str]) -> list[str]:
    """As Apache's mod_headers writes them: newlines become spaces."""
    leaf, *rest = [pem.replace("\n", " ") for pem in chain]
    return [f"SSL_CLIENT_CERT: {leaf}", *(f"SSL_CLIENT_CERT_CHAIN_{place}: {pem}" for place, pem in enumerate(rest))]


async def ask_front(listener: Listener, *headers: str) -> Answer:
    async with running(echo, [listener]) as server, await Wire.to(server.port("front")) as wire:
        return await wire.get("/", *headers)


async def test_a_trusted_front_forwards_the_chain():
    chain = proxy(proxy(USER)).pems()
    answer = json.loads((await ask_front(FRONT, SECRET, *forwarded(chain))).body)
    assert answer["chain"] == chain
    assert answer["scheme"] == "https"
    assert [name for name, _ in answer["headers"]] == ["host"]


async def test_a_front_without_a_client_certificate_forwards_none():
    answer = await ask_front(FRONT, SECRET, "SSL_CLIENT_CERT: (null)", "SSL_CLIENT_CERT_CHAIN_0: (null)")
    assert json.loads(answer.body)["chain"] == []


async def test_a_chain_of_twelve_keeps_its_order():
    """Sorted as text, CHAIN_10 would come before CHAIN_2."""
    holder = USER
    for _ in range(11):
        holder = proxy(holder)
    answer = await ask_front(FRONT, SECRET, *forwarded(holder.pems()))
    assert json.loads(answer.body)["chain"] == holder.pems()


@pytest.mark.parametrize(
    "secret",
    [
        [],
        ["X-Hansa-Front-Secret: wrong"],
        ["X-Hansa-Front-Secret: "],
        [SECRET, SECRET],
        [SECRET, "x_hansa_front_secret: wrong"],
    ],
)
async def test_without_the_one_secret_a_front_is_refused(secret):
    answer = await ask_front(FRONT, *secret, *forwarded(USER.pems()))
    assert answer.status == 403


async def test_from_another_address_a_front_is_refused():
    elsewhere = replace(FRONT, front=TrustedFront((ip_network("127.0.0.2/32"),), "s3cret"))
    assert (await ask_front(elsewhere, SECRET)).status == 403


async def test_a_certificate_header_given_twice_is_refused():
    """Which one the front wrote cannot be known."""
    leaf = forwarded(USER.pems())[0]
    answer = await ask_front(FRONT, SECRET, leaf, leaf.replace("SSL_CLIENT_CERT", "Ssl-Client-Cert"))
    assert answer.status == 403


@pytest.mark.parametrize("front", [TrustedFront(), TrustedFront(LOOPBACK), TrustedFront(secret="s")])
def test_a_front_over_tcp_needs_addresses_and_a_secret(front):
    with pytest.raises(ValueError, match="secret"):
        Listener("front", front=front)


def test_a_front_on_a_tls_listener_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="plain"):
        Listener("front", tls=Tls(tmp_path, tmp_path), front=TrustedFront(LOOPBACK, "s"))


def test_the_secret_is_not_printed():
    assert "s3cret" not in repr(FRONT)
