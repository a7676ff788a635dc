"""Application credentials and trusts at a site's Keystone: what their tokens open at every face, and how they end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.keystone import USER, Answer, KeystoneSite, password_v3, running_keystone, users_file
from tests.support.pki import VO, Grid

GRID = Grid(now=datetime.now(UTC))


@dataclass
class Someone:
    """Somebody with a token of the project `staff`."""

    keystone: KeystoneSite
    token: str
    body: Any

    @property
    def user(self) -> str:
        return str(self.body["token"]["user"]["id"])

    @property
    def project(self) -> str:
        return str(self.body["token"]["project"]["id"])

    async def ask(self, method: str, path: str, document: Any = None) -> Answer:
        return await self.keystone.request(method, path, document, token=self.token)

    async def credential(self, **given: Any) -> Any:
        document = {"application_credential": {"name": "robot", **given}}
        answer = await self.ask("POST", f"/v3/users/{self.user}/application_credentials", document)
        assert answer.status == 201, answer.body
        return answer.body["application_credential"]

    async def trust(self, trustee: "Someone", **given: Any) -> Answer:
        document = {
            "trustor_user_id": self.user,
            "trustee_user_id": trustee.user,
            "project_id": self.project,
            "impersonation": True,
            "roles": [{"name": "member"}],
            **given,
        }
        return await self.ask("POST", "/v3/OS-TRUST/trusts", {"trust": document})


@pytest.fixture
async def keystone(tmp_path: Path) -> AsyncIterator[KeystoneSite]:
    async with running_keystone(tmp_path, GRID) as running:
        yield running


@pytest.fixture
async def alice(keystone: KeystoneSite) -> Someone:
    return await signed_on(keystone, password_v3())


@pytest.fixture
async def root(keystone: KeystoneSite) -> Someone:
    return await signed_on(keystone, password_v3(user="root"))


async def sign_on(keystone: KeystoneSite, document: Any) -> Answer:
    return await keystone.request("POST", "/v3/auth/tokens", document)


async def signed_on(keystone: KeystoneSite, document: Any) -> Someone:
    answer = await sign_on(keystone, document)
    assert answer.token, answer.body
    return Someone(keystone, answer.token, answer.body)


def by_secret(credential: Any, secret: str | None = None, **scope: Any) -> Any:
    given = {"id": credential["id"], "secret": secret or credential["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": given}
    return {"auth": {"identity": identity, **scope}}


def with_trust(token: str, trust: str) -> Any:
    identity = {"methods": ["token"], "token": {"id": token}}
    return {"auth": {"identity": identity, "scope": {"OS-TRUST:trust": {"id": trust}}}}


class TestApplicationCredentials:
    async def test_a_program_signs_on_and_works_at_every_face(self, keystone: KeystoneSite, alice: Someone) -> None:
        made = await alice.credential(description="the nightly job")
        program = await signed_on(keystone, by_secret(made))
        told = program.body["token"]
        assert (told["user"]["id"], told["project"]["id"]) == (alice.user, alice.project)
        assert told["methods"] == ["application_credential"]
        assert told["application_credential"] == {"id": made["id"], "name": "robot", "restricted": True}
        assert await keystone.occi(program.token) == 200
        shown = await alice.ask("GET", f"/v3/users/{alice.user}/application_credentials/{made['id']}")
        assert "secret" not in shown.body["application_credential"]

    async def test_by_name_it_needs_its_user(self, keystone: KeystoneSite, alice: Someone) -> None:
        made = await alice.credential()
        for user in ({"id": alice.user}, {"name": USER, "domain": {"id": "default"}}):
            given = {"name": "robot", "user": user, "secret": made["secret"]}
            identity = {"methods": ["application_credential"], "application_credential": given}
            assert (await sign_on(keystone, {"auth": {"identity": identity}})).status == 201

    async def test_a_wrong_secret_is_refused_and_noted(self, keystone: KeystoneSite, alice: Someone) -> None:
        made = await alice.credential()
        assert (await sign_on(keystone, by_secret(made, "wrong"))).status == 401
        assert keystone.site.audit()[-1]["reason"] == "identity.application_credential"

    async def test_no_other_scope_can_be_had(self, keystone: KeystoneSite, alice: Someone) -> None:
        made = await alice.credential()
        for scope in ({"project": {"id": "0" * 32}}, {"system": {"all": True}}, {"domain": {"id": "default"}}):
            assert (await sign_on(keystone, by_secret(made, scope=scope))).status == 401
        program = await signed_on(keystone, by_secret(made))
        for scope in ({}, {"scope": {"project": {"id": alice.project}}}):
            identity = {"methods": ["token"], "token": {"id": program.token}}
            again = await signed_on(keystone, {"auth": {"identity": identity, **scope}})
            assert again.body["token"]["application_credential"]["id"] == made["id"]

    async def test_its_roles_are_a_part_of_the_users(self, keystone: KeystoneSite, root: Someone) -> None:
        made = await root.credential(roles=[{"name": "member"}])
        program = await signed_on(keystone, by_secret(made))
        assert [role["name"] for role in program.body["token"]["roles"]] == ["member"]
        assert (await root.ask("GET", "/v3/services")).status == 200
        assert (await program.ask("GET", "/v3/services")).status == 403

    async def test_its_token_ends_with_it(self, keystone: KeystoneSite, alice: Someone) -> None:
        ends = datetime.now(UTC) + timedelta(minutes=5)
        made = await alice.credential(expires_at=ends.isoformat())
        program = await signed_on(keystone, by_secret(made))
        assert datetime.fromisoformat(program.body["token"]["expires_at"]) <= ends
        gone = await alice.ask("DELETE", f"/v3/users/{alice.user}/application_credentials/{made['id']}")
        assert gone.status == 204
        assert await keystone.occi(program.token) == 401
        assert (await program.ask("GET", "/v3/auth/projects")).status == 401

    async def test_a_user_who_vanishes_takes_it_along(self, keystone: KeystoneSite, alice: Someone) -> None:
        made = await alice.credential()
        program = await signed_on(keystone, by_secret(made))
        lines = [line for line in users_file().splitlines() if not line.startswith(f"{USER}:")]
        (keystone.site.directory / "users").write_text("\n".join(lines) + "\n")
        for _ in range(300):  # files are looked at every two seconds
            if await keystone.occi(program.token) == 401:
                break
            await asyncio.sleep(0.05)
        assert (await sign_on(keystone, by_secret(made))).status == 401

    async def test_a_restricted_one_manages_nothing(
        self, keystone: KeystoneSite, alice: Someone, root: Someone
    ) -> None:
        program = await signed_on(keystone, by_secret(await alice.credential()))
        own = f"/v3/users/{alice.user}"
        document = {"application_credential": {"name": "other"}}
        assert (await program.ask("POST", f"{own}/application_credentials", document)).status == 403
        assert (await program.trust(root)).status == 403
        assert (await program.ask("GET", "/v3/credentials")).status == 403
        assert (await program.ask("GET", f"{own}/credentials/OS-EC2")).status == 403
        free = await signed_on(keystone, by_secret(await alice.credential(name="free", unrestricted=True)))
        assert (await free.ask("POST", f"{own}/application_credentials", document)).status == 201
        assert (await free.trust(root)).status == 403

    async def test_access_rules_hold_at_every_face(self, keystone: KeystoneSite, alice: Someone, root: Someone) -> None:
        rules = [
            {"service": "occi", "method": "GET", "path": "/-/"},
            {"service": "identity", "method": "GET", "path": "/v3/auth/*"},
        ]
        program = await signed_on(keystone, by_secret(await alice.credential(access_rules=rules)))
        assert await keystone.occi(program.token, "/-/") == 200
        assert await keystone.occi(program.token, "/compute/") == 403
        assert (await program.ask("GET", "/v3/auth/projects")).status == 200
        assert (await program.ask("GET", f"/v3/users/{alice.user}/application_credentials")).status == 401
        assert keystone.site.audit()[-1]["reason"] == "identity.access_rule"
        checked = await keystone.request("GET", "/v3/auth/tokens", token=root.token, subject=program.token)
        assert checked.status == 404  # whoever asks knows nothing of access rules

    async def test_a_proxys_roles_do_not_last(self, keystone: KeystoneSite) -> None:
        proxy = GRID.voms_proxy(GRID.user(), f"/{VO}")
        unscoped = await keystone.request(
            "POST", "/v2.0/tokens", {"auth": {"voms": True, "tenantName": "fedcloud"}}, credential=proxy
        )
        access = unscoped.body["access"]
        path = f"/v3/users/{access['user']['id']}/application_credentials"
        refused = await keystone.request(
            "POST", path, {"application_credential": {"name": "robot"}}, token=access["token"]["id"]
        )
        assert refused.status == 403
        assert "come from your credential" in refused.body["error"]["message"]


class TestTrusts:
    async def test_a_trustee_acts_for_the_trustor(self, keystone: KeystoneSite, alice: Someone, root: Someone) -> None:
        made = await root.trust(alice)
        assert made.status == 201, made.body
        trusted = await signed_on(keystone, with_trust(alice.token, made.body["trust"]["id"]))
        told = trusted.body["token"]
        assert told["user"]["id"] == root.user
        assert [role["name"] for role in told["roles"]] == ["member"]
        assert told["OS-TRUST:trust"]["trustee_user"] == {"id": alice.user}
        assert await keystone.occi(trusted.token) == 200
        assert (await trusted.ask("GET", "/v3/services")).status == 403

    async def test_without_impersonation_the_trustee_stays_itself(
        self, keystone: KeystoneSite, alice: Someone, root: Someone
    ) -> None:
        made = await root.trust(alice, impersonation=False, roles=[{"name": "admin"}])
        trusted = await signed_on(keystone, with_trust(alice.token, made.body["trust"]["id"]))
        assert trusted.body["token"]["user"]["id"] == alice.user
        assert (await trusted.ask("GET", "/v3/services")).status == 200

    async def test_only_the_trustee_can_use_it_and_only_its_people_see_it(
        self, keystone: KeystoneSite, alice: Someone, root: Someone
    ) -> None:
        made = (await alice.trust(root)).body["trust"]
        assert (await sign_on(keystone, with_trust(alice.token, made["id"]))).status == 401
        listed = await alice.ask("GET", f"/v3/OS-TRUST/trusts?trustor_user_id={alice.user}")
        assert [each["id"] for each in listed.body["trusts"]] == [made["id"]]
        assert (await alice.ask("GET", f"/v3/OS-TRUST/trusts?trustor_user_id={root.user}")).status == 403
        assert (await alice.ask("GET", "/v3/OS-TRUST/trusts")).status == 403
        forged = await root.ask("POST", "/v3/OS-TRUST/trusts", {"trust": made | {"roles": [{"name": "member"}]}})
        assert forged.status == 403

    async def test_its_tokens_end_with_it_and_change_no_scope(
        self, keystone: KeystoneSite, alice: Someone, root: Someone
    ) -> None:
        made = (await alice.trust(root)).body["trust"]
        trusted = await signed_on(keystone, with_trust(root.token, made["id"]))
        identity = {"methods": ["token"], "token": {"id": trusted.token}}
        scope = {"system": {"all": True}}
        assert (await sign_on(keystone, {"auth": {"identity": identity, "scope": scope}})).status == 401
        assert (await sign_on(keystone, with_trust(trusted.token, made["id"]))).status == 401
        assert (await alice.ask("DELETE", f"/v3/OS-TRUST/trusts/{made['id']}")).status == 204
        assert await keystone.occi(trusted.token) == 401

    async def test_a_use_is_counted(self, keystone: KeystoneSite, alice: Someone, root: Someone) -> None:
        made = (await alice.trust(root, remaining_uses=1)).body["trust"]
        trusted = await signed_on(keystone, with_trust(root.token, made["id"]))
        assert (await sign_on(keystone, with_trust(root.token, made["id"]))).status == 401
        assert await keystone.occi(trusted.token) == 200
