"""The registry's REST API: what it gives to whom, what it refuses, and that its description is true."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from structlog.testing import capture_logs
from tests.support.federation import URL, Answer, Request, ask, commons
from tests.support.pki import Grid
from tests.support.voms import holder

from hansa.federation import web
from hansa.federation.api import http
from hansa.federation.api.table import Matching, Operation
from hansa.federation.commons import Commons
from hansa.federation.identity.model import Operators
from hansa.federation.identity.rules import RULES
from hansa.federation.identity.service import Identity
from hansa.federation.membership.model import RoleGrant, Subject

VO = "fedcloud.egi.eu"
VOS = "/api/v1/vos"
MEMBERS = f"{VOS}/{VO}/members"


@dataclass
class Api:
    """The application, and people with certificates who ask it."""

    federation: Commons
    grid: Grid

    def __post_init__(self) -> None:
        self.app = web.app(http.routes(self.federation, Identity(self.federation)))

    async def __call__(
        self, who: str | None, method: str, target: str, document: object = None, **headers: str
    ) -> Answer:
        user = self.grid.once(who, lambda: self.grid.user(who)) if who else None
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await ask(self.app, Request(user, method, sent, target), document)

    async def gets(self, who: str, target: str) -> Any:
        answer = await self(who, "GET", target)
        assert answer.status == 200, answer.body
        return answer.json

    async def member(self, name: str, *roles: RoleGrant) -> str:
        """Make somebody a member; gives the uid."""
        registry = self.federation.registry
        found = await registry.add_member(VO, holder(self.grid.user(name)), name=name)
        for role in roles:
            found = await registry.grant(VO, found.id, role)
        return found.person.uid


@pytest.fixture(scope="module")
def grid() -> Grid:
    return Grid()


@pytest.fixture
async def api(tmp_path: Path, grid: Grid) -> AsyncIterator[Api]:
    async with opened(tmp_path, grid) as api:
        yield api


@asynccontextmanager
async def opened(home: Path, grid: Grid) -> AsyncIterator[Api]:
    """On SQLite: the registry's own tests look at both engines."""
    operators = Operators(frozenset({holder(grid.once("Operator", lambda: grid.user("Operator")))}))
    async with commons(f"sqlite:///{home}/federation.db", grid, operators) as federation:
        api = Api(federation, grid)
        await api.member("Boss", RoleGrant(f"/{VO}", "VO-Admin"))
        yield api


async def test_a_vo_lives_from_creation_to_removal(api):
    made = await api("Operator", "POST", VOS, {"name": "ops", "description": "테스트"})
    assert (made.status, made.json["description"], made.json["members"]) == (201, "테스트", 0)
    assert [each["name"] for each in (await api.gets("Boss", VOS))["items"]] == [VO, "ops"]
    assert (await api("Operator", "DELETE", f"{VOS}/ops")).status == 204
    assert (await api("Operator", "GET", f"{VOS}/ops")).status == 404


async def test_a_vo_admin_admits_groups_grants_suspends_and_removes(api):
    admitted = await api("Boss", "POST", MEMBERS, {"certificate": names(api, "Alice"), "email": "a@example.org"})
    assert admitted.status == 201, admitted.body
    one = f"{MEMBERS}/{admitted.json['person']['uid']}"
    assert admitted.json["person"]["name"] == "Alice"
    assert (await api("Boss", "PUT", f"{VOS}/{VO}/groups/bio", {})).status == 204
    assert (await api("Boss", "PUT", f"{VOS}/{VO}/groups/bio", {"description": "again"})).status == 204
    joined = await api("Boss", "PUT", f"{one}/groups/bio", {"until": "2027-01-31"})
    assert joined.json["groups"][1] == {"path": f"/{VO}/bio", "until": "2027-01-31T00:00:00+00:00"}
    for _ in range(2):  # PUT may be repeated
        granted = await api("Boss", "PUT", f"{one}/roles/admin?group=/{VO}/bio")
        assert granted.json["roles"] == [{"group": f"/{VO}/bio", "role": "admin"}]
    assert (await api("Boss", "PUT", f"{one}/suspension", {"reason": "감사"})).json["reason"] == "감사"
    assert (await api("Boss", "DELETE", f"{one}/suspension")).json["state"] == "active"
    for _ in range(2):
        assert (await api("Boss", "DELETE", f"{one}/roles/admin?group=/{VO}/bio")).json["roles"] == []
        assert len((await api("Boss", "DELETE", f"{one}/groups/bio")).json["groups"]) == 1
    renewed = await api("Boss", "PUT", f"{one}/until", {"until": "2027-06-01T00:00:00+09:00"})
    assert renewed.json["until"] == "2027-05-31T15:00:00+00:00"
    assert (await api("Boss", "DELETE", one)).status == 204
    assert (await api("Boss", "GET", one)).status == 404


async def test_members_come_in_pages_searched_and_filtered(api):
    for name in ("Alice", "Albert", "Boris"):
        await api.member(name)
    page = await api.gets("Boss", f"{MEMBERS}?search=al&limit=1")
    assert [each["person"]["name"] for each in page["items"]] == ["Alice"]
    page = await api.gets("Boss", f"{MEMBERS}?search=al&limit=1&after={page['next']}")
    assert [each["person"]["name"] for each in page["items"]] == ["Albert"]
    assert page["next"] is None
    found = await api.gets("Boss", f"{MEMBERS}?role=VO-Admin&state=active")
    assert [each["person"]["name"] for each in found["items"]] == ["Boss"]


async def test_a_member_sees_themselves_and_nobody_else(api):
    alice, boris = await api.member("Alice"), await api.member("Boris")
    assert (await api.gets("Alice", f"{MEMBERS}/me"))["person"]["uid"] == alice
    assert (await api.gets("Alice", f"{MEMBERS}/{alice}"))["state"] == "active"
    for target in (f"{MEMBERS}/{boris}", MEMBERS, f"/api/v1/persons/{boris}", "/api/v1/persons", "/api/v1/changes"):
        assert (await api("Alice", "GET", target)).status == 403


async def test_a_member_may_leave(api):
    await api.member("Alice")
    assert (await api("Alice", "DELETE", f"{MEMBERS}/me")).status == 204
    assert (await api("Alice", "GET", f"{MEMBERS}/me")).status == 404


async def test_a_group_manager_decides_about_that_group_alone(api):
    registry = api.federation.registry
    for path in ("a", "b"):
        await registry.add_group(VO, f"/{VO}/{path}")
    manager, alice = await api.member("Manager"), await api.member("Alice")
    await registry.join(VO, manager, f"/{VO}/a")
    await registry.grant(VO, manager, RoleGrant(f"/{VO}/a", "Group-Manager"))
    one = f"{MEMBERS}/{alice}"
    assert (await api("Manager", "PUT", f"{one}/groups/a", {})).status == 200
    assert (await api("Manager", "PUT", f"{VOS}/{VO}/groups/a/deep", {})).status == 204
    assert (await api("Manager", "PUT", f"{one}/groups/a/deep", {})).status == 200
    for method, target, document in (
        ("PUT", f"{one}/groups/b", {}),
        ("PUT", f"{VOS}/{VO}/groups/c", {}),
        ("DELETE", f"{VOS}/{VO}/groups/a", None),
        ("PUT", f"{one}/roles/admin?group=/{VO}/a", None),
        ("PUT", f"{one}/suspension", {"reason": "x"}),
        ("POST", MEMBERS, {"uid": manager}),
    ):
        assert (await api("Manager", method, target, document)).status == 403, target


async def test_a_stranger_is_told_who_they_are_and_no_more(api):
    seen = await api.gets("Stranger", "/api/v1/whoami")
    assert (seen["person"], seen["operator"], seen["memberships"]) == (None, False, [])
    assert seen["credential"]["dn"] == str(api.grid.name("Stranger"))
    refused = await api("Stranger", "GET", "/api/v1/persons/me")
    assert (refused.status, refused.json["code"]) == (404, "membership.no_such_person")
    assert (await api("Stranger", "GET", f"{VOS}/{VO}/groups")).status == 403


async def test_without_credential_there_is_only_the_description(api):
    assert (await api(None, "GET", VOS)).status == 401
    assert (await api(None, "GET", "/api/v1/openapi.json")).status == 200


async def test_people_change_what_is_theirs_and_operators_the_rest(api):
    uid = await api.member("Alice")
    one = f"/api/v1/persons/{uid}"
    present = {key: value for key, value in (await api.gets("Alice", one)).items() if key != "uid"}
    wanted = {**present, "email": "alice@example.org", "locale": "ko"}
    assert (await api("Operator", "PUT", one, {**wanted, "email_verified": True})).json["email_verified"]
    assert (await api("Alice", "PUT", one, {**wanted, "email_verified": True})).json["email_verified"]
    changed = await api("Alice", "PUT", one, {**wanted, "email": "new@example.org", "email_verified": True})
    assert changed.json["email_verified"] is False, "nobody verifies their own address"
    for field, value in (("login", "alice"), ("robot", True), ("sponsor", uid)):
        refused = await api("Alice", "PUT", one, {**wanted, field: value})
        assert (refused.status, refused.json["field"]) == (403, field)
    assert (await api("Operator", "PUT", one, {**wanted, "login": "alice"})).json["login"] == "alice"
    assert (await api("Boss", "PUT", one, wanted)).status == 403, "a person is in other VOs too"


async def test_a_change_of_what_was_read_before_somebody_else_changed_it_is_refused(api):
    first = await api("Boss", "GET", f"{VOS}/{VO}")
    tag = first.headers["etag"]
    changed = await api("Boss", "PUT", f"{VOS}/{VO}", {"description": "one"}, if_match=tag)
    assert changed.status == 200
    refused = await api("Boss", "PUT", f"{VOS}/{VO}", {"description": "two"}, if_match=tag)
    assert (refused.status, refused.json["code"]) == (412, "precondition_failed")
    assert (await api("Boss", "GET", f"{VOS}/{VO}")).headers["etag"] == changed.headers["etag"]
    assert (
        await api("Boss", "PUT", f"{VOS}/{VO}", {"description": "three"}, if_match=f'"x", {changed.headers["etag"]}')
    ).status == 200
    assert (await api("Boss", "PUT", f"{VOS}/{VO}", {"description": "four"})).status == 200


async def test_the_policy_is_published_read_and_accepted(api):
    await api.member("Alice")
    assert (await api("Alice", "POST", f"{VOS}/{VO}/aup/versions", {"version": "1", "text": "x"})).status == 403
    assert (await api("Boss", "POST", f"{VOS}/{VO}/aup/versions", {"version": "1", "text": "친절"})).status == 201
    policy = await api.gets("Stranger", f"{VOS}/{VO}/aup")
    assert policy["text"] == "친절"
    accepted = await api("Alice", "POST", f"{MEMBERS}/me/aup/acceptances", {"version": "1"})
    assert (accepted.status, accepted.json["aup_due"]) == (201, None)
    assert len((await api.gets("Boss", f"{MEMBERS}/{accepted.json['person']['uid']}/aup/acceptances"))["items"]) == 1


async def test_nobody_accepts_for_another_but_a_robots_sponsor(api):
    alice = await api.member("Alice")
    await api.federation.registry.publish_policy(VO, "1", "Be kind.")
    robot = await api("Operator", "POST", "/api/v1/persons", {"name": "Robot", "robot": True, "sponsor": alice})
    assert robot.status == 201, robot.body
    uid = robot.json["uid"]
    await api.federation.registry.admit(VO, uid)
    assert (await api("Boss", "POST", f"{MEMBERS}/{alice}/aup/acceptances", {"version": "1"})).status == 403
    assert (await api("Boss", "POST", f"{MEMBERS}/{uid}/aup/acceptances", {"version": "1"})).status == 403
    assert (await api("Alice", "POST", f"{MEMBERS}/{uid}/aup/acceptances", {"version": "1"})).status == 201
    (acceptance,) = (await api.gets("Alice", f"{MEMBERS}/{uid}/aup/acceptances"))["items"]
    assert acceptance["by"] == alice


async def test_a_second_certificate_is_linked_by_proving_both(api):
    uid = await api.member("Alice")
    offered = await api("Alice", "POST", "/api/v1/persons/me/link-token")
    linked = await api("Alice Two", "POST", "/api/v1/links", {"token": offered.json["token"]})
    assert linked.status == 201, linked.body
    assert (await api.gets("Alice Two", "/api/v1/whoami"))["person"]["uid"] == uid
    again = await api("Mallory", "POST", "/api/v1/links", {"token": offered.json["token"]})
    assert (again.status, again.json["code"]) == (403, "membership.link_refused")


async def test_the_credential_of_another_person_is_not_linked(api):
    await api.member("Alice")
    await api.member("Boris")
    offered = await api("Alice", "POST", "/api/v1/persons/me/link-token")
    refused = await api("Boris", "POST", "/api/v1/links", {"token": offered.json["token"]})
    assert (refused.status, refused.json["code"]) == (409, "membership.credential_taken")
    assert (await api("Boss", "POST", "/api/v1/persons/me/credentials", {"certificate": names(api, "X")})).status == 403


async def test_a_lost_key_is_suspended_by_its_owner_and_restored_by_an_operator(api):
    uid = await api.member("Alice")
    await api.federation.registry.link(uid, Subject("https://idp.example.org", "alice"))
    first, second = (await api.gets("Alice", "/api/v1/persons/me/credentials"))["items"]
    assert (first["kind"], second["kind"]) == ("x509", "subject")
    one = f"/api/v1/persons/{uid}/credentials/{first['id']}/suspension"
    assert (await api("Alice", "PUT", one, {"reason": "key lost"})).json["suspended"] == "key lost"
    refused = await api("Alice", "DELETE", one)
    assert (refused.status, refused.json["code"]) == (403, "membership.credential_suspended")
    assert (await api("Operator", "DELETE", one)).json["suspended"] is None
    assert (await api("Operator", "DELETE", f"/api/v1/persons/{uid}/credentials/{second['id']}")).status == 204


async def test_attributes_and_roles_are_defined_and_given(api):
    uid = await api.member("Alice")
    base = f"{VOS}/{VO}"
    assert (await api("Boss", "PUT", f"{base}/attributes/nickname", {"unique": True})).status == 204
    assert (await api("Boss", "PUT", f"{base}/attributes/quota", {})).status == 204
    given_ = await api("Boss", "PUT", f"{MEMBERS}/{uid}/attributes/nickname", {"value": "ali"})
    assert given_.json["attributes"] == [{"name": "nickname", "value": "ali", "group": None}]
    assert (await api("Boss", "PUT", f"{base}/group-attributes/quota", {"value": "5"})).status == 204
    assert (await api.gets("Alice", f"{base}/group-attributes"))["items"][0]["group"] == f"/{VO}"
    assert (await api("Boss", "DELETE", f"{base}/group-attributes/quota")).status == 204
    assert (await api("Boss", "DELETE", f"{MEMBERS}/{uid}/attributes/nickname")).json["attributes"] == []
    assert (await api("Boss", "DELETE", f"{base}/attributes/quota")).status == 204
    assert [each["unique"] for each in (await api.gets("Alice", f"{base}/attributes"))["items"]] == [True]
    assert (await api("Boss", "PUT", f"{base}/roles/vm_operator", {"description": "x"})).status == 204
    undefined = await api("Boss", "PUT", f"{MEMBERS}/{uid}/roles/whatever")
    assert undefined.json["code"] == "membership.undefined_role"
    assert (await api("Boss", "DELETE", f"{base}/roles/vm_operator")).status == 204


async def test_the_history_names_who_did_it_and_can_be_followed(api):
    boss = (await api.gets("Boss", "/api/v1/whoami"))["person"]["uid"]
    with capture_logs() as logs:
        await api("Boss", "POST", MEMBERS, {"certificate": names(api, "Alice")})
    found = await api.gets("Boss", f"{VOS}/{VO}/changes")
    assert (found["items"][-1]["event"], found["items"][-1]["actor"]) == ("member.added", boss)
    assert (await api.gets("Boss", f"{VOS}/{VO}/changes?after={found['next']}"))["items"] == []
    assert (await api.gets("Alice", "/api/v1/persons/me/changes"))["items"]
    assert (await api.gets("Operator", "/api/v1/changes"))["items"]
    assert [line["action"] for line in logs if line["event"] == "federation.changed"] == ["admit"]


async def test_a_password_is_set_for_oneself(api):
    await api("Operator", "POST", "/api/v1/persons", {"name": "Anna", "login": "anna"})
    anna = await api.federation.registry.person_by_login("anna")
    assert anna is not None
    assert (await api("Boss", "PUT", f"/api/v1/persons/{anna.uid}/password", {"password": "x" * 12})).status == 403
    assert (await api("Operator", "PUT", f"/api/v1/persons/{anna.uid}/password", {"password": "x" * 12})).status == 204
    assert await api.federation.registry.check_password("anna", b"x" * 12) == anna


@pytest.mark.parametrize(
    ("method", "target", "document", "field"),
    [
        ("POST", VOS, {"name": "x", "nosuch": 1}, "nosuch"),
        ("POST", VOS, {}, "name"),
        ("POST", VOS, {"name": "a\0b"}, ""),
        ("POST", VOS, {"name": "ops", "grace_days": "7"}, "grace_days"),
        ("POST", VOS, {"name": "ops", "grace_days": -1}, "grace_days"),
        ("POST", VOS, {"name": "ops", "description": "x" * 4001}, "description"),
        ("POST", MEMBERS, {}, ""),
        ("POST", MEMBERS, {"uid": "x", "certificate": {"subject": "/CN=a", "issuer": "/CN=b"}}, ""),
        ("POST", MEMBERS, {"certificate": {"subject": "nonsense", "issuer": "/CN=b"}}, "certificate"),
        ("POST", MEMBERS, {"uid": "x", "until": "tomorrow"}, "until"),
        ("POST", MEMBERS, {"uid": "x", "until": "2027-01-01T00:00:00"}, "until"),
        ("POST", MEMBERS, {"uid": "x", "until": 1}, "until"),
        ("POST", MEMBERS, {"uid": "x", "until": "0001-01-01T00:00:00+14:00"}, "until"),
        ("POST", MEMBERS, {"uid": "x", "until": "9999-12-31T23:59:59-14:00"}, "until"),
        ("PUT", f"{MEMBERS}/me/until", {"until": "2190-01-01"}, "until"),
        ("GET", f"{MEMBERS}?limit=0", None, "limit"),
        ("GET", f"{MEMBERS}?limit=1001", None, "limit"),
        ("GET", f"{MEMBERS}?state=nosuch", None, "state"),
        ("GET", f"{MEMBERS}?nosuch=1", None, "nosuch"),
        ("GET", f"{MEMBERS}?search=a%00b", None, ""),
        ("GET", f"{VOS}?x=1", None, "x"),
    ],
)
async def test_what_does_not_fit_the_description_is_refused_by_its_field(api, method, target, document, field):
    await api.member("Operator")
    refused = await api("Operator", method, target, document)
    assert refused.status == 400, refused.body
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json.get("field", "").startswith(field)


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b'{"name": "' + b"x" * 70_000 + b'"}', 413), (b"\xff", 400)]
)
async def test_bodies_are_bounded_json_objects(api, body, status):
    assert (await api("Operator", "POST", VOS, body)).status == status


async def test_a_form_of_another_site_changes_nothing(api):
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert (await api("Operator", "POST", VOS, b"name=ops", **form)).status == 400
    foreign = await api("Operator", "POST", VOS, {"name": "ops"}, origin="https://evil.example.net")
    assert (foreign.status, foreign.json["reason"]) == (403, "identity.cross_site")
    assert (await api("Operator", "POST", VOS, {"name": "ops"}, origin=URL)).status == 201


@pytest.mark.parametrize("target", [f"{VOS}/%00", f"{VOS}/a%0ab/groups", f"{MEMBERS}/%00", f"{MEMBERS}/{'x' * 1001}"])
async def test_nonsense_in_a_path_is_nothing(api, target):
    assert (await api("Operator", "GET", target)).status == 404


async def test_every_operation_that_is_not_anyones_refuses_a_stranger_and_notes_it(api):
    for operation in http.OPERATIONS:
        if operation.action in (None, "vo:list", "aup:read"):
            continue
        with capture_logs() as logs:
            refused = await api("Stranger", operation.method, address(operation), {} if operation.body else None)
        assert (refused.status, refused.json["reason"]) == (403, "identity.not_allowed"), operation.id
        assert [line["action"] for line in logs if line["event"] == "federation.refused"] == [operation.action]


def address(operation: Operation, uid: str = "1") -> str:
    """Somewhere below the VO."""
    target = operation.path.replace("{vo}", VO).replace("{group:path}", "a").replace("{uid}", uid)
    for name in ("role", "name", "number"):
        target = target.replace(f"{{{name}}}", "1")
    return f"/api/v1{target}"


def test_the_table_names_rules_that_exist_and_each_operation_once():
    assert {each.action for each in http.OPERATIONS} - {None} <= set(RULES)
    ids = [each.id for each in http.OPERATIONS]
    assert len(set(ids)) == len(ids)
    assert all(each.answer for each in http.OPERATIONS if each.matching is not Matching.NONE)


async def test_answers_fit_the_description(api):
    document = (await api(None, "GET", "/api/v1/openapi.json")).json
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": f"{URL}/api/v1"}]
    await api.member("Alice")
    for target, path in (
        (VOS, "/vos"),
        (MEMBERS, "/vos/{vo}/members"),
        (f"{VOS}/{VO}/changes", "/vos/{vo}/changes"),
        (f"{VOS}/{VO}/groups", "/vos/{vo}/groups"),
        ("/api/v1/whoami", "/whoami"),
    ):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        schema = {**content["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(await api.gets("Boss", target))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
WRITES = [each for each in http.OPERATIONS if each.body is not None]


@pytest.fixture(scope="module")
def one_api(tmp_path_factory: pytest.TempPathFactory, grid: Grid) -> Iterator[tuple[asyncio.Runner, Api, str]]:
    """For many requests, with the uid of a member and the loop that it lives in."""
    with asyncio.Runner() as runner:
        context = opened(tmp_path_factory.mktemp("fuzz"), grid)
        api = runner.run(context.__aenter__())
        yield runner, api, runner.run(api.member("Alice"))
        runner.run(context.__aexit__(None, None, None))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_body_makes_the_server_fail(data, one_api):
    runner, api, uid = one_api
    operation = data.draw(st.sampled_from(WRITES))
    names_ = st.sampled_from(sorted(operation.body.model_fields)) | st.text(max_size=5)
    document = data.draw(st.dictionaries(names_, json_values, max_size=5) | json_values)
    body = json.dumps(document).encode()
    assert runner.run(api("Operator", operation.method, address(operation, uid), body)).status < 500


def names(api: Api, name: str) -> dict[str, str]:
    credential = holder(api.grid.user(name))
    return {"subject": credential.subject.slash(), "issuer": credential.issuer.rfc4514()}
