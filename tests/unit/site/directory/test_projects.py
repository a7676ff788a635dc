"""Domains and projects: the tree, names, tags, and what may be changed when."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.keystone_api import URL, Api, Client

from hansa.site.directory import project_id
from hansa.site.identity import Membership, Principal
from hansa.site.identity.policy import parse_policy


async def test_a_domain_lives_and_dies_with_all_that_is_in_it(admin: Client) -> None:
    domain = await admin.made("/domains", "domain", name="lab", description="A lab")
    assert domain["enabled"] is True
    assert domain["links"] == {"self": f"{URL}/v3/domains/{domain['id']}"}
    project = await admin.made("/projects", "project", name="p", domain_id=domain["id"])
    assert (project["domain_id"], project["parent_id"]) == (domain["id"], domain["id"])
    user = await admin.made("/users", "user", name="u", domain_id=domain["id"])
    group = await admin.made("/groups", "group", name="g", domain_id=domain["id"])
    role = await admin.made("/roles", "role", name="r", domain_id=domain["id"])
    one = f"/domains/{domain['id']}"
    assert await admin.status("DELETE", one) == 403  # while it is enabled
    assert (await admin("PATCH", one, {"domain": {"enabled": False}})).body["domain"]["enabled"] is False
    assert await admin.status("DELETE", one) == 204
    gone = [f"/projects/{project['id']}", f"/users/{user['id']}", f"/groups/{group['id']}", f"/roles/{role['id']}", one]
    assert [await admin.status("GET", path) for path in gone] == [404] * 5


async def test_the_default_domain_stays(admin: Client) -> None:
    assert (await admin("GET", "/domains/default")).body["domain"]["name"] == "Default"
    assert await admin.status("PATCH", "/domains/default", {"domain": {"enabled": False}}) == 403
    assert await admin.status("DELETE", "/domains/default") == 403


async def test_a_project_that_acts_as_a_domain_is_one(admin: Client) -> None:
    project = await admin.made("/projects", "project", name="lab", is_domain=True)
    assert (project["domain_id"], project["parent_id"], project["is_domain"]) == (None, None, True)
    assert (await admin("GET", f"/domains/{project['id']}")).body["domain"]["name"] == "lab"
    listed = (await admin("GET", "/projects?is_domain=true")).body["projects"]
    assert [each["name"] for each in listed] == ["Default", "lab"]
    assert "lab" not in [each["name"] for each in (await admin("GET", "/projects")).body["projects"]]


async def test_the_tree_has_a_bottom_and_shows_itself(admin: Client) -> None:
    parent, made = None, []
    for depth in range(5):
        above = {"parent_id": parent} if parent else {}
        made.append(await admin.made("/projects", "project", name=f"p{depth}", **above))
        parent = made[-1]["id"]
    assert await admin.status("POST", "/projects", {"project": {"name": "p5", "parent_id": parent}}) == 403
    top, below, leaf = made[0]["id"], made[1]["id"], made[4]["id"]
    shown = (await admin("GET", f"/projects/{leaf}?parents_as_list")).body["project"]["parents"]
    assert [each["project"]["name"] for each in shown] == ["p3", "p2", "p1", "p0"]
    shown = (await admin("GET", f"/projects/{below}?parents_as_ids")).body["project"]["parents"]
    assert shown == {top: {"default": None}}
    shown = (await admin("GET", f"/projects/{made[3]['id']}?subtree_as_ids")).body["project"]["subtree"]
    assert shown == {leaf: None}
    assert await admin.status("GET", f"/projects/{top}?subtree_as_ids&subtree_as_list") == 400
    assert await admin.status("DELETE", f"/projects/{top}") == 403
    assert await admin.status("PATCH", f"/projects/{top}", {"project": {"enabled": False}}) == 403
    assert await admin.status("PATCH", f"/projects/{leaf}", {"project": {"enabled": False}}) == 200
    assert await admin.status("PATCH", f"/projects/{leaf}", {"project": {"parent_id": top}}) == 403


async def test_names_are_one_of_a_kind_in_a_domain_and_not_beyond(admin: Client) -> None:
    lab = await admin.made("/domains", "domain", name="lab")
    await admin.made("/projects", "project", name="p")
    await admin.made("/projects", "project", name="p", domain_id=lab["id"])
    assert await admin.status("POST", "/projects", {"project": {"name": "p"}}) == 409
    other = await admin.made("/projects", "project", name="q")
    assert await admin.status("PATCH", f"/projects/{other['id']}", {"project": {"name": " p "}}) == 409
    assert await admin.status("POST", "/domains", {"domain": {"name": "lab"}}) == 409


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/projects", {"project": {}}),
        ("/projects", {"project": {"name": ""}}),
        ("/projects", {"project": {"name": " "}}),
        ("/projects", {"project": {"name": "x" * 65}}),
        ("/projects", {"project": {"name": "x", "enabled": "true"}}),
        ("/projects", {"project": {"name": "x", "domain_id": "none"}}),
        ("/projects", {"project": {"name": "x", "parent_id": "none"}}),
        ("/projects", {"project": {"name": "x", "is_domain": True, "domain_id": "default"}}),
        ("/projects", {"project": {"name": "x", "tags": ["a,b"]}}),
        ("/projects", {"project": {"name": "x", "options": {"colour": True}}}),
        ("/projects", {"project": [1]}),
        ("/domains", {"domain": {"name": "x", "explicit_domain_id": "not-hex"}}),
        ("/users", {"user": {"name": "x", "password": ""}}),
        ("/users", {"user": {"name": "x", "options": {"multi_factor_auth_enabled": True}}}),
        ("/groups", {"group": {"name": 5}}),
        ("/roles", {"role": {"name": None}}),
    ],
)
async def test_what_cannot_be_right_is_refused(admin: Client, path: str, body: Any) -> None:
    reply = await admin("POST", path, body)
    assert (reply.status, reply.body["error"]["code"]) == (400, 400)


async def test_unknown_members_are_kept_and_cannot_pass_for_ours(admin: Client) -> None:
    sent = {"colour": "red", "links": "x", "id": "mine"}
    project = await admin.made("/projects", "project", name="p", **sent)
    assert (project["colour"], project["id"] != "mine") == ("red", True)
    assert project["links"]["self"].endswith(project["id"])
    one = f"/projects/{project['id']}"
    changed = (await admin("PATCH", one, {"project": {"colour": "blue", "description": "d"}})).body["project"]
    assert (changed["colour"], changed["description"], changed["name"]) == ("blue", "d", "p")
    assert await admin.status("PATCH", one, {"project": {"id": "other"}}) == 400


async def test_tags(admin: Client) -> None:
    project = await admin.made("/projects", "project", name="p", tags=["a", "b", "a"])
    assert project["tags"] == ["a", "b"]
    tags = f"/projects/{project['id']}/tags"
    assert await admin.status("PUT", f"{tags}/c") == 201
    assert await admin.status("GET", f"{tags}/c") == 204
    assert await admin.status("DELETE", f"{tags}/a") == 204
    assert (await admin("GET", tags)).body["tags"] == ["b", "c"]
    assert await admin.status("DELETE", f"{tags}/a") == 404
    assert (await admin("PUT", tags, {"tags": [f"t{number}" for number in range(80)]})).status == 200
    assert await admin.status("PUT", f"{tags}/one-more") == 400
    assert await admin.status("PUT", tags, {"tags": [f"t{number}" for number in range(81)]}) == 400
    for query, found in (
        ("tags=t1,t2", True),
        ("tags=t1,x", False),
        ("tags-any=t1,x", True),
        ("not-tags-any=t1", False),
    ):
        listed = (await admin("GET", f"/projects?{query}")).body["projects"]
        assert ("p" in [each["name"] for each in listed]) is found
    assert await admin.status("DELETE", tags) == 204
    assert (await admin("GET", tags)).body["tags"] == []


async def test_what_is_immutable_can_only_be_made_mutable(admin: Client) -> None:
    project = await admin.made("/projects", "project", name="p", options={"immutable": True})
    one = f"/projects/{project['id']}"
    assert await admin.status("DELETE", one) == 403
    assert await admin.status("PATCH", one, {"project": {"description": "d"}}) == 403
    assert await admin.status("PATCH", one, {"project": {"description": "d", "options": {"immutable": False}}}) == 403
    assert (await admin("PATCH", one, {"project": {"options": {"immutable": None}}})).body["project"]["options"] == {}
    assert await admin.status("DELETE", one) == 204


class TestKeys:
    """By what the cloud knows a project."""

    async def test_the_policys_projects_are_there_with_the_ids_they_always_had(self, api: Api, admin: Client) -> None:
        found = (await admin("GET", "/projects?name=p-ops")).body["projects"]
        assert [each["id"] for each in found] == [project_id("p-ops")]
        api.policy = parse_policy(b'{"ops": {"tenant": "p-other"}}')
        names = {each["name"] for each in (await admin("GET", "/projects")).body["projects"]}
        assert {"p-ops", "p-other"} <= names  # what a project keeps in the cloud does not end with a line of the policy

    async def test_what_the_policy_names_can_be_closed_and_not_deleted(self, api: Api, admin: Client) -> None:
        one = f"/projects/{project_id('p-ops')}"
        principal = Principal("X509:u", "/CN=u", frozenset({"CN=u"}), (Membership("ops", ("/ops",)),))
        client = api.client(api.token_of(principal, await api.directory.project("p-ops")))
        assert await client.status("GET", one) == 200
        assert await admin.status("DELETE", one) == 403
        assert await admin.status("PATCH", one, {"project": {"enabled": False}}) == 200
        assert await client.status("GET", one) == 401
        api.policy = parse_policy(b"{}")
        assert await admin.status("DELETE", one) == 204

    async def test_in_the_default_domain_it_is_the_name_for_ever(self, api: Api, admin: Client) -> None:
        made = await admin.made("/projects", "project", name="first")
        assert made["id"] == project_id("first")
        await admin("PATCH", f"/projects/{made['id']}", {"project": {"name": "renamed"}})
        assert (await api.directory.projects.get(made["id"])).key == "first"
        again = await admin.made("/projects", "project", name="first")
        assert again["id"] != made["id"]
        assert (await api.directory.projects.get(again["id"])).key == again["id"]

    async def test_a_successor_never_gets_what_its_namesake_left(self, api: Api, admin: Client) -> None:
        made = await admin.made("/projects", "project", name="first")
        assert await admin.status("DELETE", f"/projects/{made['id']}") == 204
        again = await admin.made("/projects", "project", name="first")
        assert (await api.directory.projects.get(again["id"])).key not in ("first", made["id"])

    async def test_in_other_domains_it_is_the_id(self, api: Api, admin: Client) -> None:
        lab = await admin.made("/domains", "domain", name="lab")
        made = await admin.made("/projects", "project", name="first", domain_id=lab["id"])
        assert (await api.directory.projects.get(made["id"])).key == made["id"] != project_id("first")

    async def test_a_name_that_is_taken_is_not_taken_over_by_the_policy(self, api: Api, admin: Client) -> None:
        lab = await admin.made("/projects", "project", name="lab")
        await admin("PATCH", f"/projects/{lab['id']}", {"project": {"name": "new"}})
        api.policy = parse_policy(b'{"ops": {"tenant": "new"}}')
        found = await api.directory.project("new")
        assert found is not None
        assert found.id != lab["id"]
        assert found.name == f"new-{found.id[:8]}"
        assert replace(found, name="new").key == "new"
