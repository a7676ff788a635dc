"""Catalogue, delegations and credentials at the Keystone face over a real directory: who may, and what ends what."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.keystone_api import Api, Client, keystone_api

from hansa.site.directory import Assignment, Kind, Project, Target, User


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with keystone_api(f"sqlite:///{tmp_path / 'site.db'}") as found:
        yield found


@pytest.fixture
async def project(api: Api) -> Project:
    return await api.directory.projects.create("p1")


@pytest.fixture
async def alice(api: Api, project: Project) -> User:
    user = await api.user("alice")
    await api.assign("member", user, project)
    return user


async def made(api: Api, user: User, project: Project, **given: Any) -> Any:
    client = api.client(api.token(user, project))
    path = f"/users/{user.id}/application_credentials"
    return await client.made(path, "application_credential", **{"name": "robot", **given})


async def signs_on(api: Api, credential: Any) -> int:
    given = {"id": credential["id"], "secret": credential["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": given}
    return await api.client().status("POST", "/auth/tokens", {"auth": {"identity": identity}})


async def take(api: Api, role: str, kind: Kind, actor: str, project: Project) -> None:
    found = await api.role(role)
    await api.directory.roles.unassign(Assignment(found.id, kind, actor, Target(Kind.PROJECT, project.id)))


async def test_a_role_that_was_taken_away_does_not_bring_its_credential_back(
    api: Api, alice: User, project: Project
) -> None:
    credential = await made(api, alice, project)
    assert await signs_on(api, credential) == 201
    await take(api, "member", Kind.USER, alice.id, project)
    await api.assign("member", alice, project)
    assert await signs_on(api, credential) == 401


async def test_a_credential_without_that_role_stays(api: Api, alice: User, project: Project) -> None:
    await api.assign("auditor", alice, project)
    credential = await made(api, alice, project, roles=[{"name": "auditor"}])
    await take(api, "member", Kind.USER, alice.id, project)
    assert await signs_on(api, credential) == 201


async def test_a_role_of_a_group_is_as_good_and_ends_as_soon(api: Api, project: Project) -> None:
    bob = await api.user("bob")
    group = await api.directory.groups.create("g", extra={})
    await api.directory.groups.add(group.id, bob.id)
    await api.assign("member", group, project)
    credential = await made(api, bob, project)
    assert await signs_on(api, credential) == 201
    await take(api, "member", Kind.GROUP, group.id, project)
    await api.assign("member", group, project)
    assert await signs_on(api, credential) == 401


async def test_who_and_what_is_deleted_takes_delegations_along(api: Api, alice: User, project: Project) -> None:
    admin = await api.admin()
    credential = await made(api, alice, project)
    bob = await api.user("bob")
    trust = await api.client(api.token(alice, project)).made(
        "/OS-TRUST/trusts",
        "trust",
        trustor_user_id=alice.id,
        trustee_user_id=bob.id,
        project_id=project.id,
        impersonation=False,
        roles=[{"name": "member"}],
    )
    assert await admin.status("GET", f"/OS-TRUST/trusts/{trust['id']}") == 200
    assert await admin.status("DELETE", f"/projects/{project.id}") == 204
    assert await admin.status("GET", f"/OS-TRUST/trusts/{trust['id']}") == 404
    assert await signs_on(api, credential) == 401
    assert (await admin("GET", f"/users/{alice.id}/application_credentials")).body["application_credentials"] == []


async def test_others_see_nothing_and_change_nothing(api: Api, alice: User, project: Project) -> None:
    credential = await made(api, alice, project)
    bob = await api.user("bob")
    await api.assign("member", bob, project)
    stranger = api.client(api.token(bob, project))
    mine = f"/users/{alice.id}"
    for method, path in (
        ("GET", f"{mine}/application_credentials"),
        ("GET", f"{mine}/application_credentials/{credential['id']}"),
        ("DELETE", f"{mine}/application_credentials/{credential['id']}"),
        ("GET", f"{mine}/access_rules"),
        ("GET", f"{mine}/credentials/OS-EC2"),
        ("GET", f"/credentials?user_id={alice.id}"),
        ("GET", "/services"),
        ("GET", "/endpoints"),
        ("GET", "/policies"),
        ("GET", "/OS-EP-FILTER/endpoint_groups"),
        ("DELETE", "/regions/TEST"),
    ):
        assert await stranger.status(method, path) == 403, path
    admin = await api.admin()
    body = {"application_credential": {"name": "for somebody else"}}
    assert await admin.status("POST", f"{mine}/application_credentials", body) == 403


async def test_an_ec2_key_is_its_users_and_for_a_project_that_is_there(api: Api, alice: User, project: Project) -> None:
    client = api.client(api.token(alice, project))
    path = f"/users/{alice.id}/credentials/OS-EC2"
    assert await client.status("POST", path, {"tenant_id": "none"}) == 404
    made_key = (await client("POST", path, {"tenant_id": project.id})).body["credential"]
    bob = await api.user("bob")
    stranger = api.client(api.token(bob))
    assert await stranger.status("GET", f"/users/{bob.id}/credentials/OS-EC2/{made_key['access']}") == 404
    assert (await stranger("GET", "/credentials")).body["credentials"] == []
    assert await client.status("DELETE", f"{path}/{made_key['access']}") == 204


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x", "expires_at": "soon"},
        {"name": "x", "expires_at": "2025-01-01T00:00:00Z"},
        {"name": "x", "expires_at": "9999-12-31T23:59:59-23:00"},
        {"name": "x", "roles": []},
        {"name": "x", "roles": [{"name": "nobody"}]},
        {"name": "x", "access_rules": [{"path": "/", "method": "GET", "service": "s", "more": 1}]},
        {"name": "x", "unrestricted": "yes"},
        {"name": "x", "secret": ""},
    ],
)
async def test_what_is_no_application_credential_is_a_bad_request(
    api: Api, alice: User, project: Project, wrong: Any
) -> None:
    client = api.client(api.token(alice, project))
    body = {"application_credential": wrong}
    assert await client.status("POST", f"/users/{alice.id}/application_credentials", body) == 400


async def test_a_project_sees_the_endpoints_it_is_confined_to(api: Api, alice: User, project: Project) -> None:
    admin = await api.admin()
    image = await admin.made("/services", "service", type="image")
    other = await admin.made("/services", "service", type="volume")
    for service in (image, other):
        await admin.made(
            "/endpoints", "endpoint", service_id=service["id"], interface="public", url="http://x/$(project_id)s"
        )
    group = await admin.made(
        "/OS-EP-FILTER/endpoint_groups", "endpoint_group", name="g", filters={"service_id": image["id"]}
    )
    one = f"/OS-EP-FILTER/endpoint_groups/{group['id']}/projects/{project.id}"
    assert await admin.status("PUT", one) == 204
    assert await admin.status("GET", one) == 200
    assert await types(api.client(api.token(alice, project))) == ["identity", "occi", "image"]
    assert await admin.status("DELETE", one) == 204
    assert await admin.status("GET", one) == 404
    assert set(await types(api.client(api.token(alice, project)))) == {"identity", "occi", "image", "volume"}


async def types(client: Client) -> list[str]:
    return [each["type"] for each in (await client("GET", "/auth/catalog")).body["catalog"]]
