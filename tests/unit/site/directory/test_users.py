"""Users, groups and passwords: who signs on, who is locked out, and what ends a token."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.keystone_api import Api, Client, keystone_api

from hansa.site.directory import DEFAULT, user_id
from hansa.site.directory.settings import PasswordSettings
from hansa.site.identity import Membership, Principal
from hansa.site.identity.passwords import parse_users, user_line

SECRET = "correct horse battery"


def reason(api: Api) -> object:
    return api.audit[-1][1]["reason"]


class TestUsers:
    async def test_a_user_is_made_changed_and_removed(self, admin: Client) -> None:
        made = await admin.made(
            "/users", "user", name=" alice ", password=SECRET, email="a@example.org", description="d"
        )
        assert (made["name"], made["domain_id"], made["email"]) == ("alice", DEFAULT, "a@example.org")
        assert made["password_expires_at"] is None
        assert not {"password", "hash"} & made.keys()
        assert "default_project_id" not in made
        one = f"/users/{made['id']}"
        changed = (await admin("PATCH", one, {"user": {"name": "ann", "email": "ann@example.org"}})).body["user"]
        assert (changed["name"], changed["email"], changed["description"]) == ("ann", "ann@example.org", "d")
        assert await admin.status("PATCH", one, {"user": {"domain_id": "other"}}) == 400
        assert [each["name"] for each in (await admin("GET", "/users?name__contains=nn")).body["users"]] == ["ann"]
        assert await admin.status("DELETE", one) == 204
        assert await admin.status("GET", one) == 404

    async def test_names_are_one_of_a_kind_in_a_domain(self, admin: Client) -> None:
        await admin.made("/users", "user", name="alice")
        assert await admin.status("POST", "/users", {"user": {"name": "alice"}}) == 409
        assert await admin.status("POST", "/users", {"user": {"name": "alice", "domain_id": "none"}}) == 404

    async def test_a_default_project_is_no_domain(self, admin: Client) -> None:
        assert await admin.status("POST", "/users", {"user": {"name": "x", "default_project_id": DEFAULT}}) == 400

    async def test_users_see_themselves_and_nobody_else(self, api: Api, admin: Client) -> None:
        alice, bob = await api.user("alice"), await api.user("bob")
        client = api.client(api.token(alice))
        assert (await client("GET", f"/users/{alice.id}")).body["user"]["name"] == "alice"
        for path in (f"/users/{bob.id}", "/users/nobody", "/users"):
            assert await client.status("GET", path) == 403
        assert await client.status("PATCH", f"/users/{alice.id}", {"user": {"enabled": True}}) == 403
        assert await api.client().status("GET", f"/users/{alice.id}") == 401

    async def test_a_domains_manager_works_in_the_domain_alone(self, api: Api, admin: Client) -> None:
        lab = await api.directory.projects.create("lab", is_domain=True)
        boss = await api.user("boss", domain_id=lab.id)
        await api.assign("manager", boss, lab)
        client = api.client(api.token(boss, lab))
        made = await client.made("/users", "user", name="alice")
        assert made["domain_id"] == lab.id
        assert await client.status("POST", "/users", {"user": {"name": "eve", "domain_id": DEFAULT}}) == 403
        root = await api.directory.users.named(DEFAULT, "root")
        assert root is not None
        assert await client.status("PATCH", f"/users/{root.id}", {"user": {"password": "mine now"}}) == 403
        await api.assign("reader", boss, lab)
        assert {each["name"] for each in (await client("GET", "/users")).body["users"]} == {"alice", "boss"}

    async def test_users_of_the_users_file_appear_and_stay_the_files(self, api: Api, admin: Client) -> None:
        hashed = "$scrypt$ln=10,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        api.users = dict(parse_users(user_line("ops", hashed, "p-ops").encode()))
        (found,) = (await admin("GET", "/users?name=ops")).body["users"]
        assert found["id"] == user_id("local:ops")
        one = f"/users/{found['id']}"
        assert await admin.status("PATCH", one, {"user": {"password": "x"}}) == 403
        assert await admin.status("DELETE", one) == 403
        api.users = {}
        assert await admin.status("GET", one) == 404

    async def test_who_came_with_a_credential_can_be_given_roles_and_be_disabled(self, api: Api, admin: Client) -> None:
        principal = Principal("X509:<I>CN=ca<S>CN=u", "/CN=u", frozenset({"CN=u"}), (Membership("ops", ("/ops",)),))
        await api.directory.welcome(principal)
        user = await api.directory.users.get(user_id(principal.user))
        project = await api.directory.projects.create("extra")
        await api.assign("reader", user, project)
        client = api.client(api.token_of(principal))
        names = [each["name"] for each in (await client("GET", "/auth/projects")).body["projects"]]
        assert names == ["p-ops", "extra"]
        assert await admin.status("PATCH", f"/users/{user.id}", {"user": {"name": "mallory"}}) == 403
        assert await admin.status("PATCH", f"/users/{user.id}", {"user": {"enabled": False}}) == 200
        assert await client.status("GET", "/auth/projects") == 401


class TestGroups:
    async def test_members_come_and_go(self, admin: Client) -> None:
        group = await admin.made("/groups", "group", name="g", colour="red")
        assert (group["description"], group["colour"]) == ("", "red")
        user = await admin.made("/users", "user", name="alice")
        one = f"/groups/{group['id']}/users/{user['id']}"
        assert await admin.status("HEAD", one) == 404
        assert [await admin.status("PUT", one) for _ in range(2)] == [204, 204]
        assert await admin.status("HEAD", one) == 204
        assert [each["name"] for each in (await admin("GET", f"/groups/{group['id']}/users")).body["users"]] == [
            "alice"
        ]
        assert [each["name"] for each in (await admin("GET", f"/users/{user['id']}/groups")).body["groups"]] == ["g"]
        assert [await admin.status("DELETE", one) for _ in range(2)] == [204, 404]
        assert await admin.status("PUT", f"/groups/{group['id']}/users/nobody") == 404
        assert await admin.status("POST", "/groups", {"group": {"name": "g"}}) == 409


class TestSigningOn:
    async def test_by_id_and_by_name_in_a_domain(self, api: Api) -> None:
        lab = await api.directory.projects.create("lab", is_domain=True)
        alice = await api.user("alice", password=SECRET, domain_id=lab.id)
        reply = await api.sign_on(alice, SECRET)
        shown = reply.body["token"]["user"]
        assert (reply.status, shown["id"], shown["domain"]) == (201, alice.id, {"id": lab.id, "name": "lab"})
        for domain, status in (
            ({"name": "lab"}, 201),
            ({"id": lab.id}, 201),
            ({"id": DEFAULT}, 401),
            ({"name": "x"}, 401),
        ):
            user = {"name": "alice", "domain": domain, "password": SECRET}
            wish = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
            assert await api.client().status("POST", "/auth/tokens", wish) == status

    async def test_the_default_project_is_where_a_token_goes_unless_told(self, api: Api) -> None:
        project = await api.directory.projects.create("home")
        alice = await api.user("alice", password=SECRET, default_project_id=project.id)
        assert "project" not in (await api.sign_on(alice, SECRET)).body["token"]  # no part in it yet
        await api.assign("member", alice, project)
        assert (await api.sign_on(alice, SECRET)).body["token"]["project"]["id"] == project.id
        assert "project" not in (await api.sign_on(alice, SECRET, "unscoped")).body["token"]

    async def test_the_wrong_disabled_and_absent_hear_the_same(self, api: Api) -> None:
        alice, off = await api.user("alice", password=SECRET), await api.user("off", password=SECRET, enabled=False)
        nobody, bare = replace(alice, id="nobody"), await api.user("bare")
        told = set()
        for user, password in ((alice, "wrong"), (off, SECRET), (nobody, SECRET), (bare, SECRET), (alice, "x" * 5000)):
            reply = await api.sign_on(user, password)
            told.add((reply.status, reply.body["error"]["message"]))
        assert told == {(401, "User name or password is wrong.")}
        assert SECRET not in repr(api.audit)

    async def test_too_many_wrong_ones_in_a_row_lock_even_the_right_one_out_for_a_while(self, api: Api) -> None:
        alice = await api.user("alice", password=SECRET)
        most = PasswordSettings().lockout_failure_attempts
        for _ in range(most - 1):
            await api.sign_on(alice, "wrong")
        assert (await api.sign_on(alice, SECRET)).status == 201  # and the row is over
        for _ in range(most):
            await api.sign_on(alice, "wrong")
        assert (await api.sign_on(alice, SECRET)).status == 401
        assert reason(api) == "identity.locked"
        api.now += timedelta(seconds=PasswordSettings().lockout_duration + 1)
        assert (await api.sign_on(alice, SECRET)).status == 201

    async def test_a_user_may_be_spared_from_locks(self, api: Api) -> None:
        robot = await api.user("robot", password=SECRET, options={"ignore_lockout_failure_attempts": True})
        for _ in range(PasswordSettings().lockout_failure_attempts + 1):
            await api.sign_on(robot, "wrong")
        assert (await api.sign_on(robot, SECRET)).status == 201

    async def test_passwords_expire_and_are_changed(self, tmp_path: Path) -> None:
        rules = PasswordSettings(password_expires_days=90)
        async with keystone_api(f"sqlite:///{tmp_path / 'e.db'}", rules=rules) as api:
            alice = await api.user("alice", password=SECRET)
            assert (
                (await api.sign_on(alice, SECRET))
                .body["token"]["user"]["password_expires_at"]
                .startswith("2026-04-01T")
            )
            api.now += timedelta(days=90)
            assert (await api.sign_on(alice, SECRET)).status == 401
            assert reason(api) == "identity.password_expired"
            change = {"user": {"original_password": SECRET, "password": "another horse"}}
            assert await api.client().status("POST", f"/users/{alice.id}/password", change) == 204
            assert (await api.sign_on(alice, "another horse")).status == 201

    async def test_a_password_of_an_administrator_may_be_good_for_changing_it_only(self, tmp_path: Path) -> None:
        rules = PasswordSettings(change_password_upon_first_use=True)
        async with keystone_api(f"sqlite:///{tmp_path / 'f.db'}", rules=rules) as api:
            alice = await api.user("alice", password=SECRET)
            assert (await api.sign_on(alice, SECRET)).status == 401
            change = {"user": {"original_password": SECRET, "password": "another horse"}}
            assert await api.client().status("POST", f"/users/{alice.id}/password", change) == 204
            assert (await api.sign_on(alice, "another horse")).status == 201


class TestPasswords:
    async def change(self, api: Api, user: Any, old: str, new: str) -> int:
        body = {"user": {"original_password": old, "password": new}}
        return await api.client().status("POST", f"/users/{user.id}/password", body)

    async def test_the_present_password_is_what_changes_it(self, api: Api) -> None:
        alice = await api.user("alice", password=SECRET)
        assert await self.change(api, alice, "wrong", "mallorys own") == 401
        assert await self.change(api, alice, SECRET, "") == 400
        assert await self.change(api, alice, SECRET, "new horse") == 204
        assert (await api.sign_on(alice, SECRET)).status == 401
        assert (await api.sign_on(alice, "new horse")).status == 201

    async def test_rules_of_the_operator(self, tmp_path: Path) -> None:
        rules = PasswordSettings(
            unique_last_password_count=2,
            minimum_password_age=1,
            password_regex=r"^.{8,}$",
            password_regex_description="8",
        )
        async with keystone_api(f"sqlite:///{tmp_path / 'r.db'}", rules=rules) as api:
            alice = await api.user("alice", password="password 1")
            assert await self.change(api, alice, "password 1", "short") == 400
            assert await self.change(api, alice, "password 1", "password 1") == 400
            assert await self.change(api, alice, "password 1", "password 2") == 204
            assert await self.change(api, alice, "password 2", "password 3") == 400  # too soon
            api.now += timedelta(days=1)
            assert await self.change(api, alice, "password 2", "password 1") == 400  # one of the last two
            assert await self.change(api, alice, "password 2", "password 3") == 204
            api.now += timedelta(days=1)
            assert await self.change(api, alice, "password 3", "password 1") == 204

    async def test_some_may_not_change_theirs(self, api: Api) -> None:
        alice = await api.user("alice", password=SECRET, options={"lock_password": True})
        assert await self.change(api, alice, SECRET, "new horse") == 400


class TestTheEnd:
    """What ends a token at once."""

    @pytest.mark.parametrize("how", ["password", "disabled", "deleted", "domain", "role", "project"])
    async def test_of_a_user_of_the_directory(self, api: Api, admin: Client, how: str) -> None:
        lab = await admin.made("/domains", "domain", name="lab")
        alice = await api.user("alice", password=SECRET, domain_id=lab["id"])
        project = await api.directory.projects.create("p")
        await api.assign("member", alice, project)
        client = api.client(api.token(alice, project))
        mine = f"/users/{alice.id}"
        assert await client.status("GET", mine) == 200
        role = (await api.role("member")).id
        action: tuple[str, str, Any] = {
            "password": ("PATCH", mine, {"user": {"password": "new horse"}}),
            "disabled": ("PATCH", mine, {"user": {"enabled": False}}),
            "deleted": ("DELETE", mine, None),
            "domain": ("PATCH", f"/domains/{lab['id']}", {"domain": {"enabled": False}}),
            "role": ("DELETE", f"/projects/{project.id}/users/{alice.id}/roles/{role}", None),
            "project": ("PATCH", f"/projects/{project.id}", {"project": {"enabled": False}}),
        }[how]
        assert (await admin(*action)).status in (200, 204)
        assert await client.status("GET", mine) == 401

    async def test_enabling_again_does_not_bring_tokens_back(self, api: Api, admin: Client) -> None:
        alice = await api.user("alice")
        client = api.client(api.token(alice))
        for enabled in (False, True):
            await admin("PATCH", f"/users/{alice.id}", {"user": {"enabled": enabled}})
        assert await client.status("GET", "/auth/projects") == 401
        assert (
            await api.client(api.token(await api.directory.users.get(alice.id))).status("GET", "/auth/projects") == 200
        )

    async def test_another_process_is_heard_of_at_once(self, api: Api, tmp_path: Path) -> None:
        alice = await api.user("alice")
        client = api.client(api.token(alice))
        assert await client.status("GET", "/auth/projects") == 200
        other = Api(api.database)
        await other.directory.users.update(alice.id, {"enabled": False}, {})
        assert await client.status("GET", "/auth/projects") == 401

    async def test_a_ban_by_name_reaches_users_of_the_default_domain(self, api: Api) -> None:
        alice = await api.user("alice")
        api.bans = frozenset({"local:alice"})
        assert await api.client(api.token(alice)).status("GET", "/auth/projects") == 401
