"""The VOMS server, asked over TLS in both dialects: what it gives, what it refuses and how it says so."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from structlog.testing import capture_logs
from tests.support.pki import Grid, rsa_key, split_credential, write_credential, write_files
from tests.support.ports import free_port
from tests.support.tls import authority, certificate
from tests.support.voms import VomsServer, holder, voms_server, write_config
from tests.support.wire import Wire, client_context

from hansa.base.config import load
from hansa.base.errors import ConfigurationError
from hansa.base.serving import running
from hansa.federation.config import FederationConfig, TrustSettings
from hansa.federation.membership.model import AttributeClass, RoleGrant, VoProfile
from hansa.federation.server import assembled, watched_trust
from hansa.standards.voms import GenericAttribute, ac_extension, decode_ac, verify_acs
from hansa.standards.voms.wire import (
    AcReply,
    AcRequest,
    Dialect,
    ErrorReply,
    ListReply,
    Notice,
    Refusal,
    Reply,
    legacy,
    rest,
)
from hansa.standards.voms.wire import parse_wanted as fqan
from hansa.standards.x509 import Credential, ProxyPolicy, validate_chain

VO = "/fedcloud.egi.eu"
BOTH = pytest.mark.parametrize("dialect", list(Dialect))


@pytest.fixture
def grid() -> Grid:
    return Grid(now=datetime.now(UTC).replace(microsecond=0), port=free_port())


@pytest.fixture
async def server(grid: Grid, tmp_path: Path) -> AsyncIterator[VomsServer]:
    async with voms_server(grid, tmp_path) as server:
        yield server


@pytest.fixture
async def alice(server: VomsServer) -> Credential:
    """In the groups admins and bio; VO-Admin of the VO and vm_operator in bio."""
    user = server.grid.user("Alice Example")
    number = await server.admit(user)
    registry, vo = server.registry, server.grid.vo
    for group in ("admins", "bio"):
        await registry.add_group(vo, f"{VO}/{group}")
        await registry.join(vo, number, f"{VO}/{group}")
    await registry.grant(vo, number, RoleGrant(VO, "VO-Admin"))
    await registry.grant(vo, number, RoleGrant(f"{VO}/bio", "vm_operator"))
    return user


async def ask(
    server: VomsServer, user: Credential | None, request: AcRequest, dialect: Dialect = Dialect.REST
) -> Reply:
    client = client_context(write_credential(server.home / "client.pem", user)) if user else client_context()
    return await ask_with(server, client, request, dialect)


async def ask_with(server: VomsServer, client: ssl.SSLContext, request: AcRequest, dialect: Dialect) -> Reply:
    async with await Wire.to(server.port, client) as wire:
        if dialect is Dialect.LEGACY:
            await wire.send(b"0" + legacy.render_request(request))
            return legacy.parse_reply(await wire.rest())
        answer = await wire.get(rest.render_target(request))
    reply = rest.parse_reply(answer.body)
    assert answer.status == (reply.refusal.status if isinstance(reply, ErrorReply) else 200)
    return reply


async def granted(server: VomsServer, user: Credential, request: AcRequest, dialect: Dialect = Dialect.REST) -> AcReply:
    reply = await ask(server, user, request, dialect)
    assert isinstance(reply, AcReply), reply
    return reply


async def refused(
    server: VomsServer, user: Credential | None, request: AcRequest, dialect: Dialect = Dialect.REST
) -> ErrorReply:
    reply = await ask(server, user, request, dialect)
    assert isinstance(reply, ErrorReply), reply
    return reply


def names(reply: AcReply) -> list[str]:
    return [str(each) for each in decode_ac(reply.ac).fqans]


def asking(*names: str, **more: object) -> AcRequest:
    return AcRequest(fqans=tuple(fqan(name) for name in names), **more)  # type: ignore[arg-type]


@BOTH
async def test_a_members_certificate_verifies_like_a_sites_would(server, alice, dialect):
    reply = await granted(server, alice, asking(VO), dialect)
    grid = server.grid
    proxy = grid.proxy(alice, extensions=[ac_extension([reply.ac])])
    identity = validate_chain(proxy.chain, grid.trust(), now=grid.now)
    (attributes,) = verify_acs(identity, grid.trust(), grid.vomsdir(), now=datetime.now(UTC))
    assert (attributes.vo, attributes.host, attributes.port) == (grid.vo, "localhost", server.port)
    assert [str(each) for each in attributes.fqans] == [VO, f"{VO}/admins", f"{VO}/bio"]
    assert reply.warnings == ()


@BOTH
@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (asking(VO), [VO, f"{VO}/admins", f"{VO}/bio"]),
        (asking(f"{VO}/bio"), [f"{VO}/bio", VO, f"{VO}/admins"]),
        (asking(f"{VO}/Role=VO-Admin"), [f"{VO}/Role=VO-Admin", VO, f"{VO}/admins", f"{VO}/bio"]),
        (
            asking(f"{VO}/bio/Role=vm_operator", f"{VO}/Role=VO-Admin"),
            [f"{VO}/bio/Role=vm_operator", f"{VO}/Role=VO-Admin", VO, f"{VO}/admins", f"{VO}/bio"],
        ),
        (asking(VO, order=(fqan(f"{VO}/bio"),)), [f"{VO}/bio", VO, f"{VO}/admins"]),
    ],
)
async def test_what_was_asked_comes_first_and_roles_only_if_asked(server, alice, dialect, request_, expected):
    assert names(await granted(server, alice, request_, dialect)) == expected


@BOTH
async def test_all_means_roles_too(server, alice, dialect):
    reply = await granted(server, alice, AcRequest(everything=True), dialect)
    assert set(names(reply)) == {VO, f"{VO}/Role=VO-Admin", f"{VO}/admins", f"{VO}/bio", f"{VO}/bio/Role=vm_operator"}


async def test_the_list_tells_what_the_member_holds(server, alice):
    reply = await ask(server, alice, AcRequest(listing=True), Dialect.LEGACY)
    assert isinstance(reply, ListReply)
    assert fqan(f"{VO}/bio/Role=vm_operator") in reply.fqans


@BOTH
@pytest.mark.parametrize("name", [f"{VO}/nosuch", f"{VO}/Role=Nope", f"{VO}/admins/Role=vm_operator", "/atlas"])
async def test_what_the_member_does_not_hold_is_refused(server, alice, dialect, name):
    reply = await refused(server, alice, asking(name), dialect)
    assert reply.refusal is Refusal.BAD_REQUEST
    assert reply.text.startswith("fedcloud.egi.eu: Unable to satisfy ")


@BOTH
async def test_a_stranger_is_told_so(server, dialect):
    reply = await refused(server, server.grid.user("Stranger"), asking(VO), dialect)
    assert (reply.refusal, reply.text) == (Refusal.NO_SUCH_USER, "fedcloud.egi.eu: User unknown to this VO.") or (
        dialect is Dialect.LEGACY and reply.text == "fedcloud.egi.eu: User unknown to this VO."
    )


@BOTH
async def test_a_suspended_member_is_told_why(server, alice, dialect):
    await server.registry.suspend(server.grid.vo, holder(alice).subject, "AUP acceptance expired")
    reply = await refused(server, alice, asking(VO), dialect)
    assert reply.refusal is Refusal.SUSPENDED_USER
    assert reply.text == "User is currently suspended!\nSuspension reason: AUP acceptance expired"


@BOTH
async def test_a_membership_that_ended_gives_nothing(server, alice, dialect):
    await server.registry.set_until(server.grid.vo, holder(alice).subject, server.grid.now - timedelta(seconds=1))
    reply = await refused(server, alice, asking(VO), dialect)
    assert reply.refusal is Refusal.SUSPENDED_USER
    assert "not active" in reply.text


async def test_a_removed_member_gets_nothing_at_once(server, alice):
    await granted(server, alice, asking(VO))
    await server.registry.remove(server.grid.vo, holder(alice).subject)
    assert (await refused(server, alice, asking(VO))).refusal is Refusal.NO_SUCH_USER


@BOTH
async def test_a_revoked_member_is_refused(grid, tmp_path, dialect):
    user = grid.user()
    grid.revoke(user)
    async with voms_server(grid, tmp_path) as server:
        await server.admit(user)
        for credential in (user, grid.proxy(user)):
            reply = await refused(server, credential, asking(VO), dialect)
            assert "revoked" in reply.text


async def test_a_certificate_outside_its_authoritys_namespace_is_refused(server):
    grid = server.grid
    grid.name = lambda cn, unit="people": type(grid).name(grid, cn, unit).of(("DC", "net"), ("CN", cn))  # type: ignore[method-assign]
    outsider = grid.user("Outsider")
    await server.admit(outsider)
    assert "Your certificate is not accepted" in (await refused(server, outsider, asking(VO))).text


async def test_a_certificate_of_an_unknown_authority_is_refused(server):
    stranger = certificate(authority(), "stranger").write(server.home / "stranger.pem")
    reply = await ask_with(server, client_context(stranger), asking(VO), Dialect.REST)
    assert isinstance(reply, ErrorReply)
    assert "Your certificate is not accepted" in reply.text


@BOTH
async def test_without_a_certificate_there_is_an_answer_all_the_same(server, dialect):
    assert "No certificate was presented" in (await refused(server, None, asking(VO), dialect)).text


@BOTH
async def test_a_proxy_may_ask_for_its_owner(server, alice, dialect):
    reply = await granted(server, server.grid.proxy(server.grid.proxy(alice)), asking(VO), dialect)
    assert decode_ac(reply.ac).holder_serial == alice.leaf.serial_number


@BOTH
async def test_a_limited_proxy_gets_groups_and_no_roles(server, alice, dialect):
    limited = server.grid.proxy(alice, policy=ProxyPolicy.LIMITED)
    assert names(await granted(server, limited, asking(VO), dialect))[0] == VO
    for request in (asking(f"{VO}/Role=VO-Admin"), AcRequest(everything=True)):
        assert "limited proxy" in (await refused(server, limited, request, dialect)).text


async def test_a_proxy_with_attributes_cannot_gain_more(server, alice):
    proxy = server.grid.voms_proxy(alice, VO, f"{VO}/bio")
    reply = await granted(server, proxy, asking(VO))
    assert names(reply) == [VO, f"{VO}/bio"]
    assert [warning.notice for warning in reply.warnings] == [Notice.SUBSET]
    reply = await granted(server, proxy, asking(f"{VO}/Role=VO-Admin"))
    assert f"{VO}/Role=VO-Admin" not in names(reply)


async def test_a_proxy_cannot_shed_its_attributes_by_one_below_it(server, alice):
    """Whoever stole a proxy signs what he likes below it: nothing, an empty list, or claims of his own."""
    narrow = server.grid.voms_proxy(alice, VO)
    claims = ac_extension([server.grid.ac(alice, VO, f"{VO}/bio/Role=vm_operator")])
    for extensions in ([], [ac_extension([])], [claims]):
        below = server.grid.proxy(narrow, extensions=extensions)
        reply = await granted(server, below, asking(f"{VO}/bio/Role=vm_operator", VO))
        assert names(reply) == [VO]


async def test_nothing_left_of_a_proxys_attributes_is_a_refusal(server, alice):
    """The member lost the role that the proxy still carries."""
    proxy = server.grid.voms_proxy(alice, f"{VO}/old")
    assert (await refused(server, proxy, asking(VO))).refusal is Refusal.BAD_REQUEST


@BOTH
@pytest.mark.parametrize("lifetime", [None, 3600])
async def test_the_lifetime_is_as_asked_or_the_servers(server, alice, dialect, lifetime):
    ac = decode_ac((await granted(server, alice, asking(VO, lifetime=lifetime), dialect)).ac)
    assert ac.not_after - ac.not_before == timedelta(seconds=lifetime or 43_200)


@BOTH
async def test_a_longer_lifetime_is_shortened_with_a_warning(server, alice, dialect):
    reply = await granted(server, alice, asking(VO, lifetime=10**9), dialect)
    assert [warning.notice for warning in reply.warnings] == [Notice.SHORTENED]
    assert "shortened to 43200 seconds" in reply.warnings[0].text
    ac = decode_ac(reply.ac)
    assert ac.not_after - ac.not_before == timedelta(hours=12)


@pytest.mark.parametrize("lifetime", ["0", "-5", "abc", "9" * 5000])
async def test_a_lifetime_that_is_none_means_the_servers(server, alice, lifetime):
    client = client_context(write_credential(server.home / "client.pem", alice))
    async with await Wire.to(server.port, client) as wire:
        reply = rest.parse_reply((await wire.get(f"/generate-ac?lifetime={lifetime}")).body)
    assert isinstance(reply, AcReply)
    ac = decode_ac(reply.ac)
    assert ac.not_after - ac.not_before == timedelta(hours=12)


async def test_an_ac_outlives_neither_proxy_nor_membership(server, alice):
    proxy = server.grid.proxy(alice, lifetime=timedelta(hours=1))
    reply = await granted(server, proxy, asking(VO, lifetime=43_200))
    assert decode_ac(reply.ac).not_after == proxy.leaf.not_valid_after_utc
    assert [warning.notice for warning in reply.warnings] == [Notice.SHORTENED]
    end = server.grid.now + timedelta(minutes=30)
    await server.registry.set_until(server.grid.vo, holder(alice).subject, end)
    assert decode_ac((await granted(server, alice, asking(VO))).ac).not_after == end


async def test_targets_stand_in_the_certificate(server, alice):
    reply = await granted(server, alice, asking(VO, targets=("one.example.org", "two.example.org")))
    assert decode_ac(reply.ac).targets == ("one.example.org", "two.example.org")


async def test_an_unknown_parameter_is_a_warning(server, alice):
    reply = await granted(server, alice, asking(VO))
    client = client_context(write_credential(server.home / "client.pem", alice))
    async with await Wire.to(server.port, client) as wire:
        answer = await wire.get("/generate-ac?surprise=1")
    reply = rest.parse_reply(answer.body)
    assert isinstance(reply, AcReply)
    assert [warning.notice for warning in reply.warnings] == [Notice.OTHER]


@pytest.mark.parametrize(
    "query",
    ["fqans=/vo%00", "fqans=%FF", "fqans=" + "/a" * 600, "fqans=/vo/../x", "fqans=<script>", "fqans=" + "/v," * 2000],
)
async def test_a_request_that_makes_no_sense_is_refused(server, alice, query):
    client = client_context(write_credential(server.home / "client.pem", alice))
    async with await Wire.to(server.port, client) as wire:
        answer = await wire.get(f"/generate-ac?{query}")
    assert answer.status == 400
    assert isinstance(rest.parse_reply(answer.body), ErrorReply)


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE voms [<!ENTITY a "A">]><voms><command>&a;</command></voms>',
        b"<voms></voms>",
        b"<x></voms>",
        b"<voms><command>" + b"<a>" * 100 + b"</voms>",
        b"<voms><command>G/vo</command>\xff</voms>",
    ],
)
async def test_a_document_that_makes_no_sense_is_refused(server, alice, document):
    client = client_context(write_credential(server.home / "client.pem", alice))
    async with await Wire.to(server.port, client) as wire:
        await wire.send(document)
        reply = await wire.rest()
    assert isinstance(legacy.parse_reply(reply), ErrorReply)
    assert b"<ac>QQ==\n</ac>" in reply


@pytest.mark.parametrize("path", ["/", "/generate-acs", "/generate-ac/", "/.voms-legacy"])
async def test_other_addresses_hold_nothing(server, alice, path):
    client = client_context(write_credential(server.home / "client.pem", alice))
    async with await Wire.to(server.port, client) as wire:
        answer = await wire.get(path)
    assert (answer.status, answer.body) == (404, b"")


async def test_each_certificate_is_on_record(server, alice):
    reply = await granted(server, alice, asking(f"{VO}/bio"), Dialect.LEGACY)
    (record,) = await server.registry.issued(server.grid.vo)
    ac = decode_ac(reply.ac)
    assert (record.serial, record.not_after, record.holder) == (ac.serial, ac.not_after, holder(alice))
    assert record.fqans == (f"{VO}/bio", VO, f"{VO}/admins")
    assert (record.client, record.dialect) == ("127.0.0.1", "legacy")


async def test_serial_numbers_are_large_and_never_the_same(server, alice):
    serials = [decode_ac((await granted(server, alice, asking(VO))).ac).serial for _ in range(5)]
    assert len(set(serials)) == 5
    assert max(serials) > 2**100


async def test_a_dialect_can_be_switched_off(grid, tmp_path):
    async with voms_server(grid, tmp_path, dialects='["legacy"]') as server:
        user = grid.user()
        await server.admit(user)
        async with await Wire.to(server.port, client_context(write_credential(tmp_path / "client.pem", user))) as wire:
            await wire.send(b"0GET /generate-ac HTTP/1.0\n\n")
            assert await wire.rest() == b""
        await granted(server, user, asking(VO), Dialect.LEGACY)


async def test_one_certificate_cannot_ask_without_end(grid, tmp_path):
    alice, other = grid.user("Alice Example"), grid.user("Bob")
    async with voms_server(grid, tmp_path, {"HANSA_VOMS__REQUESTS_PER_MINUTE": "0.001"}) as server:
        await server.admit(alice)
        await server.admit(other)
        for _ in range(30):
            await granted(server, alice, asking(VO))
        assert "Too many requests" in (await refused(server, alice, asking(VO))).text
        await granted(server, other, asking(VO))


async def test_a_revocation_counts_without_a_restart(server, alice):
    await granted(server, alice, asking(VO))
    server.grid.revoke(alice)
    write_files(server.home / "certificates", server.grid.trust_files())
    async with asyncio.timeout(20):
        while isinstance(reply := await ask(server, alice, asking(VO)), AcReply):  # noqa: ASYNC110  (files are watched)
            await asyncio.sleep(0.5)
    assert "revoked" in reply.text


async def test_a_new_signing_key_counts_without_a_restart(server, alice):
    before = decode_ac((await granted(server, alice, asking(VO))).ac)
    certificate, key = split_credential(server.grid.host_credential("localhost", label="next voms"))
    write_files(server.home, {"aacert.pem": certificate, "aakey.pem": key})
    async with asyncio.timeout(20):
        while decode_ac((await granted(server, alice, asking(VO))).ac).key_identifier == before.key_identifier:  # noqa: ASYNC110
            await asyncio.sleep(0.5)


async def test_an_expired_signing_key_signs_nothing(server, alice):
    past = replace(server.grid, now=server.grid.now - timedelta(days=4000))
    certificate, key = split_credential(past.voms_server)
    write_files(server.home, {"aacert.pem": certificate, "aakey.pem": key})
    async with asyncio.timeout(20):
        while isinstance(reply := await ask(server, alice, asking(VO)), AcReply):  # noqa: ASYNC110  (files are watched)
            await asyncio.sleep(0.5)
    assert reply.refusal is Refusal.INTERNAL_ERROR
    assert "expired" not in reply.text


async def test_each_vo_has_its_port_and_its_members(grid, tmp_path):
    other = free_port()
    path = write_config(grid, tmp_path, grid.port)
    path.write_text(path.read_text() + f"\n[voms.vos.ops]\nport = {other}\n")
    alice, bob = grid.user("Alice Example"), grid.user("Bob Example")
    config = load(path, FederationConfig, {})
    async with assembled(config) as federation, running(federation.app, federation.listeners):
        registry = federation.registry
        for vo, user in ((grid.vo, alice), ("ops", bob)):
            await registry.create_vo(vo)
            await registry.add_member(vo, holder(user), name="Somebody")
        first, second = (VomsServer(grid, tmp_path, port, registry) for port in (grid.port, other))
        assert names(await granted(first, alice, AcRequest())) == [VO]
        assert names(await granted(second, bob, AcRequest())) == ["/ops"]
        assert (await refused(second, alice, AcRequest())).refusal is Refusal.NO_SUCH_USER
        assert (await refused(first, bob, asking("/ops"))).refusal is Refusal.NO_SUCH_USER
        assert (await refused(second, bob, asking(VO))).refusal is Refusal.BAD_REQUEST


async def test_attributes_of_another_vo_do_not_narrow(server, alice):
    foreign = replace(server.grid, vo="ops")
    proxy = server.grid.proxy(alice, extensions=[ac_extension([foreign.ac(alice)])])
    reply = await granted(server, proxy, asking(f"{VO}/Role=VO-Admin"))
    assert names(reply)[0] == f"{VO}/Role=VO-Admin"
    assert reply.warnings == ()


@pytest.mark.parametrize("wrong", ["elliptic", "short", "foreign", "unidentified"])
async def test_a_signing_key_that_clients_cannot_use_stops_the_start(grid, tmp_path, wrong):
    path = write_config(grid, tmp_path, grid.port)
    _write_wrong_authority(grid, tmp_path, wrong)
    with pytest.raises(ConfigurationError, match=r"certificate or key"):
        async with assembled(load(path, FederationConfig, {})):
            pass


def _write_wrong_authority(grid: Grid, home: Path, wrong: str) -> None:
    keys = {"elliptic": ec.generate_private_key(ec.SECP256R1()), "short": rsa_key("short", 1024)}
    key = keys.get(wrong, rsa_key("wrong"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(grid.name("localhost", "hosts").to_x509())
        .issuer_name(grid.authority.certificate.subject)
        .public_key((rsa_key("another") if wrong == "foreign" else key).public_key())
        .serial_number(77)
        .not_valid_before(grid.now)
        .not_valid_after(grid.now + timedelta(days=1))
    )
    if wrong != "unidentified":
        builder = builder.add_extension(x509.SubjectKeyIdentifier(b"1" * 20), critical=False)
    signed = builder.sign(rsa_key("ca"), hashes.SHA256())
    certificate, pem = split_credential(Credential((signed,), key))
    write_files(home, {"aacert.pem": certificate, "aakey.pem": pem})


def test_a_trust_file_that_cannot_be_read_is_said_in_the_log(grid: Grid, tmp_path: Path) -> None:
    directory = grid.write(tmp_path) / "certificates"
    (directory / "other.signing_policy").write_text("nonsense")
    with capture_logs() as logs:
        trust = watched_trust(TrustSettings(certificates=directory)).current
    assert list(trust.authorities) == [grid.authority.name]
    assert [(line["event"], line["code"]) for line in logs] == [("trust.file_not_used", "x509.namespace.syntax")]


@BOTH
async def test_a_policy_to_accept_is_a_warning_first_and_a_refusal_then(server, alice, dialect):
    registry, vo = server.registry, server.grid.vo
    await registry.publish_policy(vo, "1.0", "Be kind.")
    (warning,) = (await granted(server, alice, asking(VO), dialect)).warnings
    assert warning.text.startswith(f"{vo}: accept the acceptable use policy by ")
    await registry.set_profile(vo, VoProfile(aup_grace_days=0))
    refusal = await refused(server, alice, asking(VO), dialect)
    assert refusal.refusal is Refusal.SUSPENDED_USER
    assert f"hansa vo aup accept {vo}" in refusal.text
    uid = (await registry.members(vo))[0].person.uid
    await registry.accept_policy(vo, uid, "1.0", actor=uid)
    assert (await granted(server, alice, asking(VO), dialect)).warnings == ()


async def test_grace_is_told_and_bounds_the_certificate(server, alice):
    registry, vo, now = server.registry, server.grid.vo, datetime.now(UTC).replace(microsecond=0)
    await registry.set_profile(vo, VoProfile(grace_days=1))
    await registry.set_until(vo, 1, now - timedelta(hours=23))
    reply = await granted(server, alice, asking(VO))
    assert "renew it by" in reply.warnings[0].text
    assert decode_ac(reply.ac).not_after == now + timedelta(hours=1)


async def test_generic_attributes_travel_in_the_certificate(server, alice):
    registry, vo = server.registry, server.grid.vo
    for name in ("nickname", "quota"):
        await registry.define_attribute(vo, AttributeClass(name, "", is_unique=False))
    await registry.set_attribute(vo, 1, "nickname", "앨리스")
    await registry.set_group_attribute(vo, f"{VO}/bio", "quota", "5")
    found = decode_ac((await granted(server, alice, asking(VO))).ac).attributes
    assert found == (GenericAttribute("nickname", "앨리스", vo), GenericAttribute("quota", "5", f"{VO}/bio"))


async def test_a_suspended_certificate_gets_nothing_and_another_of_the_member_does(server, alice):
    registry, vo = server.registry, server.grid.vo
    other = server.grid.user("Alice Other")
    await registry.add_credential(vo, 1, holder(other))
    uid = (await registry.member(vo, 1)).person.uid
    first = (await registry.credentials(uid))[0]
    await registry.suspend_credential(uid, first.id, "key lost")
    assert "key lost" in (await refused(server, alice, asking(VO))).text
    assert names(await granted(server, other, asking(VO)))[0] == VO


async def test_a_group_that_ends_bounds_the_certificate(server, alice):
    registry, vo, now = server.registry, server.grid.vo, datetime.now(UTC).replace(microsecond=0)
    await registry.set_group_until(vo, 1, f"{VO}/bio", now + timedelta(minutes=30))
    assert decode_ac((await granted(server, alice, asking(VO))).ac).not_after == now + timedelta(minutes=30)
