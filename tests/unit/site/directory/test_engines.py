"""The directory on both databases, from the first user to the last effective role."""

from dataclasses import replace

import pytest
from tests.support.keystone_api import keystone_api

from hansa.base.errors import Conflict, NotFound
from hansa.site.directory import Kind, Target
from hansa.site.directory.listed import Wanted

SECRET = "correct horse"


async def test_the_whole_walk(database_url: str) -> None:
    async with keystone_api(database_url) as api:
        directory = api.directory
        lab = await directory.projects.create("연구실", is_domain=True, tags=("a",), extra={"colour": ["red"]})
        top = await directory.projects.create("top", domain_id=lab.id)
        low = await directory.projects.create("low", parent_id=top.id)
        alice = await api.user("앨리스", domain_id=lab.id, password=SECRET, extra={"email": "a@example.org"})
        group = await directory.groups.create("g", domain_id=lab.id, extra={})
        await directory.groups.add(group.id, alice.id)
        await api.assign("member", group, lab, is_inherited=True)
        await directory.roles.imply((await api.role("member")).id, (await api.role("reader")).id)
        with pytest.raises(Conflict):
            await directory.projects.create("연구실", is_domain=True)

        reply = await api.sign_on(alice, SECRET, {"project": {"name": "low", "domain": {"name": "연구실"}}})
        assert [role["name"] for role in reply.body["token"]["roles"]] == ["member", "reader"]
        client = api.client(reply.token)
        assert await client.status("GET", f"/users/{alice.id}") == 200
        wanted = Wanted(target=Target(Kind.PROJECT, top.id), with_subtree=True)
        found = {
            (each.assignment.target.id, each.origin and each.origin.id)
            for each in await directory.assignments(wanted, effective=True)
        }
        assert found == {(top.id, lab.id), (low.id, lab.id)}

        other = await directory.users.update(alice.id, {"password": "new horse"}, {"email": "b@example.org"})
        assert (other.epoch, other.extra) == (1, {"email": "b@example.org"})
        assert await client.status("GET", f"/users/{alice.id}") == 401
        assert (await api.sign_on(alice, "wrong")).status == 401
        assert (await api.sign_on(alice, "new horse")).status == 201

        await directory.projects.update(lab.id, {"enabled": False}, {}, domain=True)
        assert (await api.sign_on(alice, "new horse")).status == 401
        await directory.projects.delete(lab.id, domain=True)
        for thing in (directory.users.get(alice.id), directory.groups.get(group.id), directory.projects.get(low.id)):
            with pytest.raises(NotFound):
                await thing
        assert await directory.roles.assigned() == []


async def test_two_processes_agree(database_url: str) -> None:
    async with keystone_api(database_url) as api:
        alice, project = await api.user("alice"), await api.directory.projects.create("p")
        await api.assign("member", alice, project)
        client = api.client(api.token(alice, project))
        assert await client.status("GET", f"/projects/{project.id}") == 200
        other = replace(api)  # the same database, and nothing remembered
        role = await other.role("member")
        (assignment,) = await other.directory.roles.assigned(role=role.id)
        await other.directory.roles.unassign(assignment)
        assert await client.status("GET", f"/projects/{project.id}") == 401
