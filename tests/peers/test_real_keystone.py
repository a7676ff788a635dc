"""A real Keystone takes VOMS proxies through Hansa's front: Debian 12's package and the present one of PyPI."""

import asyncio
import json
import os
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.keystone import VOMS_SIGN_ON, token_v3
from tests.support.keystone_front import POLICY, Fronted, fronted, keystone_changes
from tests.support.pki import VO, Grid, write_credential, write_files
from tests.support.real_keystone import DISTRIBUTIONS

import hansa
from hansa.site.openstack.wrapper.assertion import Assertion, seal
from hansa.standards.voms import ac_extension
from hansa.standards.x509 import Credential, ProxyPolicy

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

OPERATOR = f"/{VO}/ops/Role=lcgadmin"
FORGED = {
    "VOMS_FQANS": f"/{VO}",
    "VOMS_VO": VO,
    "VOMS_USER_ID": "0" * 64,
    "VOMS_USER_DN": "/CN=Mallory",
    "HANSA_IDENTITY_PROVIDER": "egi.eu",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=sorted(DISTRIBUTIONS))
async def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fronted]:
    distribution = DISTRIBUTIONS[request.param]()
    async with fronted(distribution, tmp_path_factory.mktemp("front"), Grid(now=datetime.now(UTC))) as running:
        yield running


@pytest.fixture
def proxy(front: Fronted) -> Credential:
    return front.grid.voms_proxy(alice(front), f"/{VO}")


def alice(front: Fronted) -> Credential:
    return front.grid.once("alice", front.grid.user)


def short_proxy(front: Fronted, minutes: float) -> Credential:
    """Its attribute certificate ends before everything else."""
    lifetime = datetime.now(UTC) - front.grid.now + timedelta(minutes=minutes)
    ac = front.grid.ac(alice(front), f"/{VO}", lifetime=lifetime)
    return front.grid.proxy(alice(front), extensions=[ac_extension([ac])])


async def project_of(front: Fronted, token: str) -> dict[str, str]:
    listed = await front.request("GET", "/v3/auth/projects", token=token)
    return {each["name"]: each["id"] for each in listed.body["projects"]}


async def test_a_proxy_gets_an_unscoped_token_then_a_scoped_one(front, proxy):
    unscoped = await front.request("POST", VOMS_SIGN_ON, credential=proxy)
    assert unscoped.status == 201
    assert unscoped.body["token"]["user"]["name"] == "/DC=org/DC=example/O=people/CN=Alice Example"
    assert unscoped.body["token"]["user"]["OS-FEDERATION"]["identity_provider"] == {"id": "egi.eu"}
    projects = await project_of(front, unscoped.token)
    assert list(projects) == ["fedcloud"]
    scoped = await front.request("POST", "/v3/auth/tokens", token_v3(unscoped.token, projects["fedcloud"]))
    assert scoped.status == 201
    assert scoped.body["token"]["project"]["name"] == "fedcloud"
    assert "member" in {role["name"] for role in scoped.body["token"]["roles"]}
    assert [line for line in front.audit() if line["event"] == "identity.token_issued"]


async def test_the_same_user_comes_back_as_the_same_user_and_another_does_not(front, proxy):
    first = await front.request("POST", VOMS_SIGN_ON, credential=proxy)
    again = await front.request("GET", VOMS_SIGN_ON, credential=front.grid.voms_proxy(alice(front), f"/{VO}"))
    other = front.grid.voms_proxy(front.grid.user("Bob Example"), f"/{VO}")
    bob = await front.request("POST", VOMS_SIGN_ON, credential=other)
    ids = [answer.body["token"]["user"]["id"] for answer in (first, again, bob)]
    assert ids[0] == ids[1] != ids[2]


async def test_a_role_in_a_group_opens_that_groups_project(front):
    operator = front.grid.voms_proxy(alice(front), f"/{VO}", f"/{VO}/ops", OPERATOR)
    token = (await front.request("POST", VOMS_SIGN_ON, credential=operator)).token
    assert set(await project_of(front, token)) == {"fedcloud", "operations"}
    plain = front.grid.voms_proxy(alice(front), f"/{VO}", f"/{VO}/ops")
    token = (await front.request("POST", VOMS_SIGN_ON, credential=plain)).token
    assert set(await project_of(front, token)) == {"fedcloud"}


async def test_old_clients_sign_on_by_version_2(front, proxy):
    unscoped = await front.request("POST", "/v2.0/tokens", {"auth": {"voms": True}}, credential=proxy)
    assert unscoped.status == 200
    token = unscoped.body["access"]["token"]["id"]
    tenants = await front.request("GET", "/v2.0/tenants", token=token)
    assert [each["name"] for each in tenants.body["tenants"]] == ["fedcloud"]
    wish = {"auth": {"voms": True, "tenantName": "fedcloud"}}
    scoped = (await front.request("POST", "/v2.0/tokens", wish, credential=proxy)).body["access"]
    assert scoped["token"]["tenant"]["name"] == "fedcloud"
    assert {"name": "member"} in scoped["user"]["roles"]
    assert scoped["serviceCatalog"][0]["endpoints"][0]["publicURL"]
    exchange = {"auth": {"token": {"id": token}, "tenantId": tenants.body["tenants"][0]["id"]}}
    exchanged = await front.request("POST", "/v2.0/tokens", exchange)
    assert exchanged.body["access"]["token"]["tenant"]["name"] == "fedcloud"


async def test_a_tenant_of_others_is_refused_in_version_2(front, proxy):
    wish = {"auth": {"voms": True, "tenantName": "operations"}}
    assert (await front.request("POST", "/v2.0/tokens", wish, credential=proxy)).status == 401


async def test_tokens_end_with_the_attribute_certificate_and_so_do_those_they_are_exchanged_for(front):
    end = datetime.now(UTC) + timedelta(minutes=10, seconds=5)
    unscoped = await front.request("POST", VOMS_SIGN_ON, credential=short_proxy(front, 10))
    assert datetime.fromisoformat(unscoped.body["token"]["expires_at"]) <= end
    projects = await project_of(front, unscoped.token)
    scoped = await front.request("POST", "/v3/auth/tokens", token_v3(unscoped.token, projects["fedcloud"]))
    assert datetime.fromisoformat(scoped.body["token"]["expires_at"]) <= end


async def test_passwords_and_everything_else_pass_through(front):
    admin = front.keystone.environment
    user = {"name": "admin", "domain": {"id": "default"}, "password": admin["OS_PASSWORD"]}
    scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
    wish = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    token = (await front.request("POST", "/v3/auth/tokens", wish)).token
    listed = await front.request("GET", "/v3/users?name=admin", token=token)
    assert [each["name"] for each in listed.body["users"]] == ["admin"]
    assert listed.body["links"]["self"].startswith(front.url)
    assert (await front.request("DELETE", "/v3/auth/tokens", token=token, subject=token)).status == 204
    assert (await front.request("GET", "/v3/users", token=token)).status == 401
    assert (await front.request("GET", "/readyz")).status == 200


Broken = Callable[[Fronted], Credential | None]
BROKEN: dict[str, tuple[Broken, str]] = {
    "no certificate": (lambda _front: None, "Show a VOMS proxy"),
    "no attribute certificate": (lambda front: front.grid.proxy(alice(front)), "names no virtual organisation"),
    "an expired one": (lambda front: short_proxy(front, -1), "expired"),
    "one that is about to expire": (lambda front: short_proxy(front, 0.8), "about to expire"),
    "a limited proxy": (
        lambda front: front.grid.proxy(
            alice(front),
            policy=ProxyPolicy.LIMITED,
            extensions=[ac_extension([front.grid.ac(alice(front), f"/{VO}")])],
        ),
        "limited",
    ),
    "the attribute certificate of somebody else": (
        lambda front: front.grid.proxy(
            front.grid.user("Mallory"), extensions=[ac_extension([front.grid.ac(alice(front), f"/{VO}")])]
        ),
        "another user's",
    ),
    "a subject with a semicolon": (
        lambda front: front.grid.voms_proxy(front.grid.user("Eve; Alice"), f"/{VO}"),
        "semicolon",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_a_bad_credential_is_refused_with_a_sentence(front, case):
    make, words = BROKEN[case]
    before = len(front.audit())
    answer = await front.request("POST", VOMS_SIGN_ON, credential=make(front))
    assert answer.status == 401
    assert answer.token is None
    assert words in answer.body["error"]["message"]
    assert answer.headers["www-authenticate"] == f"Keystone uri='{front.url}'"
    refused = front.audit()[before]
    assert refused["event"] == "identity.refused"
    assert refused["reason"]


async def test_a_foreign_vo_is_refused(front):
    strangers = Grid(now=front.grid.now, vo="strangers.example.org")
    strangers.authority, strangers.serials = front.grid.authority, front.grid.serials
    strangers.voms_server = front.grid.voms_server
    answer = await front.request("POST", VOMS_SIGN_ON, credential=strangers.voms_proxy(alice(front)))
    assert answer.status == 401


async def test_a_revoked_user_is_refused_behind_a_proxy(front):
    revoked = front.grid.user("Revoked Example")
    proxy = front.grid.voms_proxy(revoked, f"/{VO}")
    assert (await front.request("POST", VOMS_SIGN_ON, credential=proxy)).status == 201
    front.grid.revoke(revoked)
    write_files(front.home / "certificates", front.grid.trust_files())
    for _ in range(40):  # until the front looks at its files again
        answer = await front.request("POST", VOMS_SIGN_ON, credential=proxy)
        if answer.status != 201:
            break
        await asyncio.sleep(0.5)
    assert answer.status == 401
    assert "revoked" in answer.body["error"]["message"]


Way = Callable[..., Awaitable[object]]
SPELLINGS = ("{}", "X-{}", "HTTP_{}", "http-{}")


@pytest.mark.parametrize("direct", [False, True], ids=["through the front", "direct"])
@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_what_a_client_writes_into_headers_is_no_identity(front, direct, spelling):
    headers = {spelling.format(name): value for name, value in FORGED.items()}
    headers |= {spelling.format(name.replace("_", "-")): value for name, value in FORGED.items()}
    headers |= {"REMOTE_USER": "admin", "Remote-User": "admin", "SSL_CLIENT_S_DN": "/CN=Alice"}
    answer = await front.request("POST", VOMS_SIGN_ON, headers=headers, direct=direct)
    assert answer.status == 401
    assert answer.token is None


async def test_only_the_fronts_seal_opens_keystone_and_only_for_a_minute(front):
    assertion = Assertion(VOMS_SIGN_ON, FORGED, datetime.now(UTC) + timedelta(hours=1))
    secret = front.keystone.secret.read_bytes().strip()
    now = datetime.now(UTC)

    async def shown(sealed: bytes, path: str = VOMS_SIGN_ON) -> int:
        headers = {"X-Hansa-Assertion": sealed.decode()}
        return (await front.request("POST", path, headers=headers, direct=True)).status

    good = seal(assertion, secret, now)
    assert await shown(good) == 201
    assert await shown(seal(assertion, b"0" * 64, now)) == 401
    assert await shown(seal(assertion, secret, now - timedelta(minutes=2))) == 401
    assert await shown(good[:-1] + (b"0" if good[-1:] != b"0" else b"1")) == 401
    assert await shown(b"v1.." + good.rpartition(b".")[2]) == 401
    assert await shown(good, VOMS_SIGN_ON.replace("egi.eu", "other")) == 401
    through = await front.request("POST", VOMS_SIGN_ON, headers={"X-Hansa-Assertion": good.decode()})
    assert through.status == 401


async def test_the_method_mapped_without_the_address_of_its_protocol_gets_nothing(front, proxy):
    """Keystone takes the method at `/v3/auth/tokens` too; no assertion ever goes there."""
    identity = {"methods": ["mapped"], "mapped": {"identity_provider": "egi.eu", "protocol": "mapped"}}
    answer = await front.request("POST", "/v3/auth/tokens", {"auth": {"identity": identity}}, credential=proxy)
    assert answer.status in (400, 401)
    assert answer.token is None


async def test_keystoneauth_signs_on_with_a_proxy(front, proxy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own dependencies' deprecations
        from keystoneauth1 import access, session
        from keystoneauth1.identity import v3

    class VomsSignOn(v3.FederationBaseAuth):
        def get_unscoped_auth_ref(self, session: session.Session) -> object:
            return access.create(session.post(self.federated_token_url, authenticated=False))

    cert = write_credential(front.home / "keystoneauth.pem", proxy)
    anchors = front.home / "anchors.pem"
    anchors.write_bytes(next((front.home / "certificates").glob("*.pem")).read_bytes())
    project = {"project_name": "fedcloud", "project_domain_name": "Default"}
    auth = VomsSignOn(auth_url=f"{front.url}/v3", identity_provider="egi.eu", protocol="mapped", **project)

    def sign_on() -> str | None:
        opened = session.Session(auth=auth, verify=str(anchors), cert=str(cert))
        try:
            return str(opened.get_project_id())
        finally:
            opened.session.close()

    token = (await front.request("POST", VOMS_SIGN_ON, credential=proxy)).token
    assert await asyncio.to_thread(sign_on) == (await project_of(front, token))["fedcloud"]


async def test_applying_the_mapping_again_changes_nothing_and_a_dry_run_tells_what_would(front):
    assert await keystone_changes(front.keystone, POLICY) == []
    wider = {**POLICY, "ops": {"tenant": "monitoring", "roles": ["watcher"]}}
    told = [(change.action, change.kind, change.name) for change in await keystone_changes(front.keystone, wider)]
    assert told == [
        ("create", "role", "watcher"),
        ("create", "project", "monitoring"),
        ("create", "group", "ops"),
        ("grant", "group", "ops"),
        ("update", "mapping", "voms-egi-eu"),
    ]
    assert await keystone_changes(front.keystone, wider) != []  # nothing was done


async def checked(front: Fronted, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Exit code and findings of `hansa keystone check`, a process of its own."""
    command = [sys.executable, "-m", "hansa.cli.main", "keystone", "check", *arguments, "-o", "json"]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "LANGUAGE": "en", "PYTHONPATH": str(Path(hansa.__file__).parents[1]), **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, [
        (each["state"], each["check"], each["detail"], each["next"]) for each in json.loads(out)["items"]
    ]


def here(front: Fronted) -> list[str]:
    inner = front.keystone.home
    conf, inside = str(inner / "keystone.conf"), str(inner / "inside")
    return [str(front.home / "keystone.toml"), "--keystone-conf", conf, "--inside", inside]


async def test_the_check_finds_nothing_missing_and_signs_on(front, proxy):
    path = write_credential(front.home / "check.pem", proxy)
    code, found = await checked(front, *here(front), "--proxy", str(path), environment=front.keystone.environment)
    assert [finding for finding in found if finding[0] != "ok"] == []
    assert code == 0
    assert ("ok", "sign-on", "works in fedcloud", "") in found
    assert ("ok", "gate", "takes our seal and no other", "") in found
    assert ("ok", "TLS", "asks for client certificates", "") in found


async def test_the_check_of_an_address_alone_needs_nothing_else(front):
    code, found = await checked(front, front.url, "--certificates", str(front.home / "certificates"))
    assert code == 0
    assert {(state, name) for state, name, _, _ in found} == {
        ("ok", "TLS"),
        ("ok", "public address"),
        ("ok", "clock"),
        ("ok", "front"),
        ("ok", "forged headers"),
        ("skipped", "sign-on"),
    }


async def test_the_check_tells_what_is_missing_and_what_to_do(front):
    """As in the seed: a server's file without `.lsc`. And a Keystone that was set up by half."""
    strange = front.home / "vomsdir" / VO / "voms2.grid.cesnet.cz"
    strange.write_text("/CN=voms2\n/CN=CA\n")
    (front.home / "other.conf").write_text("[auth]\nmethods = password\n")
    policy = front.home / "voms.json"
    policy.write_text(json.dumps({**POLICY, "ops": {"tenant": "monitoring"}}))
    arguments = [*here(front)[:1], "--keystone-conf", str(front.home / "other.conf"), "--inside", str(front.home)]
    try:
        code, found = await checked(front, *arguments, environment=front.keystone.environment)
    finally:
        strange.unlink()
        policy.write_text(json.dumps(POLICY))
    assert code == 1
    problems = {(name, then) for state, name, _, then in found if state == "problem"}
    assert problems == {
        ("vomsdir", "rename it to voms2.grid.cesnet.cz.lsc"),
        ("vomsdir", f"put its .lsc file into {front.home}/vomsdir/ops/"),
        ("sign-on methods", "add them to methods in [auth]"),
        ("remote id", "set remote_id_attribute = HANSA_IDENTITY_PROVIDER in [mapped]"),
        ("contents", "hansa keystone mapping --apply"),
    }
