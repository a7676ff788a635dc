"""Roles: what they imply, who has them where, what that comes to, and what tokens show of it."""

from typing import Any

import pytest
from tests.support.keystone_api import URL, Api, Client

from hansa.site.directory import DEFAULT, Group, Project, User
from hansa.site.directory.bootstrap import Bootstrap, bootstrap
from hansa.site.directory.model import SYSTEM


@pytest.fixture
async def people(api: Api) -> tuple[User, Group, Project, Project, Project]:
    """alice in a group; a domain with a project and one below that."""
    lab = await api.directory.projects.create("lab", is_domain=True)
    top = await api.directory.projects.create("top", domain_id=lab.id)
    low = await api.directory.projects.create("low", parent_id=top.id)
    alice = await api.user("alice", domain_id=lab.id)
    group = await api.directory.groups.create("g", domain_id=lab.id, extra={})
    await api.directory.groups.add(group.id, alice.id)
    return alice, group, lab, top, low


async def roles_of(api: Api, user: User, target: Any) -> set[str]:
    """What a token for that target shows, nothing if there is none."""
    place = (await api.directory.places_of(user.id)).get(target)
    return {role.name for role in place.roles} if place else set()


class TestRoles:
    async def test_a_role_is_made_changed_and_removed(self, admin: Client) -> None:
        role = await admin.made("/roles", "role", name="operator", description="d")
        assert (role["domain_id"], role["options"]) == (None, {})
        one = f"/roles/{role['id']}"
        assert (await admin("PATCH", one, {"role": {"name": "op"}})).body["role"]["name"] == "op"
        assert await admin.status("POST", "/roles", {"role": {"name": "op"}}) == 409
        assert [each["name"] for each in (await admin("GET", "/roles?name=op")).body["roles"]] == ["op"]
        assert [await admin.status("DELETE", one) for _ in range(2)] == [204, 404]

    async def test_roles_of_a_domain_are_listed_apart(self, admin: Client) -> None:
        lab = await admin.made("/domains", "domain", name="lab")
        await admin.made("/roles", "role", name="own", domain_id=lab["id"])
        assert "own" not in [each["name"] for each in (await admin("GET", "/roles")).body["roles"]]
        assert [each["name"] for each in (await admin("GET", f"/roles?domain_id={lab['id']}")).body["roles"]] == ["own"]

    async def test_implications_are_shown_and_cannot_run_in_a_circle(self, admin: Client) -> None:
        a, b, c = [(await admin.made("/roles", "role", name=name))["id"] for name in "abc"]
        assert await admin.status("PUT", f"/roles/{a}/implies/{b}") == 201
        assert await admin.status("PUT", f"/roles/{b}/implies/{c}") == 201
        assert await admin.status("PUT", f"/roles/{c}/implies/{a}") == 403
        assert await admin.status("HEAD", f"/roles/{a}/implies/{b}") == 204
        shown = (await admin("GET", f"/roles/{a}/implies")).body["role_inference"]
        assert (shown["prior_role"]["name"], [each["name"] for each in shown["implies"]]) == ("a", ["b"])
        rules = (await admin("GET", "/role_inferences")).body["role_inferences"]
        assert {(rule["prior_role"]["name"], each["name"]) for rule in rules for each in rule["implies"]} == {
            ("a", "b"),
            ("b", "c"),
        }
        assert [await admin.status("DELETE", f"/roles/{a}/implies/{b}") for _ in range(2)] == [204, 404]

    async def test_nothing_brings_admin_along(self, api: Api, admin: Client) -> None:
        top = await admin.made("/roles", "role", name="top")
        assert await admin.status("PUT", f"/roles/{top['id']}/implies/{(await api.role('admin')).id}") == 403


class TestGrants:
    async def test_on_projects_domains_and_the_system_for_users_and_groups(
        self, api: Api, admin: Client, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        alice, group, lab, top, _ = people
        role = (await api.role("member")).id
        for actor in (f"users/{alice.id}", f"groups/{group.id}"):
            for target in (f"projects/{top.id}", f"domains/{lab.id}", "system"):
                every, one = f"/{target}/{actor}/roles", f"/{target}/{actor}/roles/{role}"
                assert await admin.status("HEAD", one) == 404
                assert [await admin.status("PUT", one) for _ in range(2)] == [204, 204]
                assert [await admin.status(method, one) for method in ("HEAD", "GET")] == [204, 204]
                assert [each["id"] for each in (await admin("GET", every)).body["roles"]] == [role]
                assert [await admin.status("DELETE", one) for _ in range(2)] == [204, 404]
                assert (await admin("GET", every)).body["roles"] == []

    async def test_what_is_not_there_cannot_be_joined(
        self, api: Api, admin: Client, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        alice, _, lab, top, _ = people
        role = (await api.role("member")).id
        for path in (
            f"/projects/x/users/{alice.id}/roles/{role}",
            f"/projects/{lab.id}/users/{alice.id}/roles/{role}",
            f"/domains/{top.id}/users/{alice.id}/roles/{role}",
            f"/projects/{top.id}/users/x/roles/{role}",
            f"/projects/{top.id}/users/{alice.id}/roles/x",
            f"/system/users/x/roles/{role}",
        ):
            assert await admin.status("PUT", path) == 404

    async def test_a_domains_role_stays_in_the_domain(
        self, api: Api, admin: Client, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        alice, _, lab, top, _ = people
        own = await admin.made("/roles", "role", name="own", domain_id=lab.id)
        home = await api.directory.projects.create("home")
        assert await admin.status("PUT", f"/projects/{home.id}/users/{alice.id}/roles/{own['id']}") == 403
        assert await admin.status("PUT", f"/projects/{top.id}/users/{alice.id}/roles/{own['id']}") == 204
        assert await roles_of(api, alice, target(top)) == set()  # it only implies
        await admin("PUT", f"/roles/{own['id']}/implies/{(await api.role('member')).id}")
        assert await roles_of(api, alice, target(top)) == {"member"}

    async def test_inherited_roles_reach_what_is_below_and_not_the_target(
        self, api: Api, admin: Client, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        alice, group, lab, top, low = people
        role = (await api.role("member")).id
        one = f"/OS-INHERIT/domains/{lab.id}/groups/{group.id}/roles"
        assert await admin.status("PUT", f"{one}/{role}/inherited_to_projects") == 204
        assert await admin.status("HEAD", f"{one}/{role}/inherited_to_projects") == 204
        assert [each["id"] for each in (await admin("GET", f"{one}/inherited_to_projects")).body["roles"]] == [role]
        assert await roles_of(api, alice, target(lab)) == set()
        assert [await roles_of(api, alice, target(each)) for each in (top, low)] == [{"member"}, {"member"}]
        assert await admin.status("DELETE", f"{one}/{role}/inherited_to_projects") == 204
        one = f"/OS-INHERIT/projects/{top.id}/users/{alice.id}/roles/{role}/inherited_to_projects"
        assert await admin.status("PUT", one) == 204
        assert [await roles_of(api, alice, target(each)) for each in (top, low)] == [set(), {"member"}]


def target(project: Project) -> Any:
    from hansa.site.directory import Kind, Target

    return Target(Kind.DOMAIN if project.is_domain else Kind.PROJECT, project.id)


class TestLists:
    async def listed(self, admin: Client, query: str) -> set[tuple[str, str, str]]:
        """(who, where, which), by name."""
        found = (await admin("GET", f"/role_assignments?include_names&{query}")).body["role_assignments"]
        return {
            (
                (each.get("user") or each["group"])["name"],
                next(
                    (scope["name"] for kind, scope in each["scope"].items() if kind in ("project", "domain")), "system"
                ),
                each["role"]["name"],
            )
            for each in found
        }

    async def test_as_made_and_as_they_come_to(
        self, api: Api, admin: Client, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        alice, group, lab, top, low = people
        await api.assign("member", group, top)
        await api.assign("reader", alice, lab, is_inherited=True)
        await api.directory.roles.imply((await api.role("member")).id, (await api.role("reader")).id)
        assert await self.listed(admin, f"group.id={group.id}") == {("g", "top", "member")}
        assert await self.listed(admin, f"user.id={alice.id}") == {("alice", "lab", "reader")}
        assert await self.listed(admin, f"user.id={alice.id}&effective") == {
            ("alice", "top", "member"),
            ("alice", "top", "reader"),
            ("alice", "low", "reader"),
        }
        assert await self.listed(admin, f"scope.project.id={low.id}&effective") == {("alice", "low", "reader")}
        assert await self.listed(admin, f"scope.project.id={top.id}&include_subtree") == {("g", "top", "member")}
        assert await self.listed(admin, "scope.OS-INHERIT:inherited_to=projects") == {("alice", "lab", "reader")}
        reader = (await api.role("reader")).id
        assert await self.listed(admin, f"effective&role.id={reader}&scope.project.id={top.id}") == {
            ("alice", "top", "reader")
        }

    async def test_links_tell_where_each_comes_from(
        self, api: Api, admin: Client, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        alice, group, lab, _, low = people
        await api.assign("member", group, lab, is_inherited=True)
        member = (await api.role("member")).id
        (found,) = (await admin("GET", f"/role_assignments?effective&scope.project.id={low.id}")).body[
            "role_assignments"
        ]
        assert found["scope"] == {"project": {"id": low.id}, "OS-INHERIT:inherited_to": "projects"}
        assert found["links"] == {
            "assignment": f"{URL}/v3/OS-INHERIT/domains/{lab.id}/groups/{group.id}/roles/{member}/inherited_to_projects",
            "membership": f"{URL}/v3/groups/{group.id}/users/{alice.id}",
        }

    @pytest.mark.parametrize(
        "query",
        [
            "user.id=u&group.id=g",
            "scope.project.id=p&scope.domain.id=d",
            "scope.project.id=p&scope.system=all",
            "effective&group.id=g",
            "effective&scope.domain.id=d&scope.OS-INHERIT:inherited_to=projects",
            "include_subtree",
        ],
    )
    async def test_what_cannot_be_found_is_refused(self, admin: Client, query: str) -> None:
        assert await admin.status("GET", f"/role_assignments?{query}") == 400

    async def test_a_domains_reader_sees_the_domain_alone(
        self, api: Api, admin: Client, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        alice, _, lab, top, _ = people
        await api.assign("reader", alice, lab)
        await api.assign("member", alice, top)
        client = api.client(api.token(alice, lab))
        assert await self.listed(client, "") == {("alice", "lab", "reader"), ("alice", "top", "member")}
        assert await client.status("GET", f"/role_assignments?include_subtree&scope.project.id={top.id}") == 200
        root = await api.directory.projects.named(DEFAULT, "root")
        assert root is not None
        assert await client.status("GET", f"/role_assignments?include_subtree&scope.project.id={root.id}") == 403


class TestTokens:
    async def test_scopes_show_what_they_are(
        self, api: Api, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        _, _, lab, top, _ = people
        secret = "correct horse"
        bob = await api.user("bob", password=secret)
        for where in (top, lab, SYSTEM):
            await api.assign("reader", bob, where)
        token = (await api.sign_on(bob, secret, {"project": {"id": top.id}})).body["token"]
        assert token["project"] == {"id": top.id, "name": "top", "domain": {"id": lab.id, "name": "lab"}}
        assert (token["is_domain"], [role["name"] for role in token["roles"]]) == (False, ["reader"])
        token = (await api.sign_on(bob, secret, {"domain": {"name": "lab"}})).body["token"]
        assert (token["domain"], "project" in token) == ({"id": lab.id, "name": "lab"}, False)
        reply = await api.sign_on(bob, secret, {"system": {"all": True}})
        assert reply.body["token"]["system"] == {"all": True}
        client = api.client(reply.token)
        assert (await client("GET", "/auth/system")).body["system"] == [{"all": True}]
        assert [each["name"] for each in (await client("GET", "/auth/domains")).body["domains"]] == ["lab"]
        assert [each["name"] for each in (await client("GET", "/auth/projects")).body["projects"]] == ["top"]
        assert await client.status("GET", "/users") == 200  # a reader of the system reads
        assert await client.status("POST", "/users", {"user": {"name": "x"}}) == 403
        wish = {"identity": {"methods": ["token"], "token": {"id": reply.token}}, "scope": {"project": {"id": top.id}}}
        rescoped = (await api.client()("POST", "/auth/tokens", {"auth": wish})).body["token"]
        assert (rescoped["project"]["id"], rescoped["methods"]) == (top.id, ["token", "password"])

    async def test_nobody_gets_a_scope_without_a_role_there(
        self, api: Api, people: tuple[User, Group, Project, Project, Project]
    ) -> None:
        bob = await api.user("bob", password="correct horse")
        for scope in (
            {"project": {"id": people[3].id}},
            {"project": {"id": "none"}},
            {"domain": {"id": people[2].id}},
            {"domain": {"name": "none"}},
            {"system": {"all": True}},
        ):
            assert (await api.sign_on(bob, "correct horse", scope)).status == 401

    async def test_a_vos_admin_is_no_administrator_of_the_site(self, api: Api) -> None:
        from hansa.site.identity import Membership, Principal
        from hansa.site.identity.policy import parse_policy

        api.policy = parse_policy(b'{"ops": {"tenant": "p-ops", "roles": ["admin"]}}')
        principal = Principal("X509:u", "/CN=u", frozenset({"CN=u"}), (Membership("ops", ("/ops",)),))
        project = await api.directory.project("p-ops")
        client = api.client(api.token_of(principal, project))
        assert await client.status("GET", "/users") == 403
        shown = await client("GET", "/auth/tokens", subject=client.token)
        assert "admin" in [role["name"] for role in shown.body["token"]["roles"]]


class TestBootstrap:
    async def test_it_makes_an_administrator_again_and_again(self, api: Api) -> None:
        for password in ("first password", "second password"):
            user, project = await bootstrap(api.directory, Bootstrap(password))
        assert (await api.sign_on(user, "first password")).status == 401
        reply = await api.sign_on(user, "second password", {"project": {"id": project.id}})
        assert [role["name"] for role in reply.body["token"]["roles"]] == ["admin", "manager", "member", "reader"]
        client = api.client(reply.token)
        names = {each["name"] for each in (await client("GET", "/roles")).body["roles"]}
        assert names >= {"admin", "manager", "member", "reader", "service"}
        assert await client.status("DELETE", f"/roles/{(await api.role('member')).id}") == 403
        assert (await api.sign_on(user, "second password", {"system": {"all": True}})).status == 201

    async def test_before_it_there_is_nobody(self, api: Api) -> None:
        assert await api.directory.users.listed() == []
