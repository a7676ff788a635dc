"""Bearer tokens of foreign issuers: who comes in, with what, and what is refused, with its reason and its audit line."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.support.issuer import CLIENT, SECRET, Upstream, new_key, upstream

from hansa.base.database import Database
from hansa.base.errors import BackendDown, ConfigurationError, Forbidden, Unauthenticated
from hansa.base.migrations import upgrade
from hansa.cloud.model import Caller
from hansa.site.directory import Directory, Kind, Target
from hansa.site.directory.model import Assignment
from hansa.site.identity import Identity
from hansa.site.identity.settings import IdentitySettings, make_identity
from hansa.site.issuers import oidc_user
from hansa.site.issuers.claims import assertion_of
from hansa.site.issuers.settings import IssuerSettings, make_providers

AUDIENCE = "https://site.example.org"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VO = "urn:mace:egi.eu:group:fedcloud.egi.eu:role=member#aai.egi.eu"
OPERATOR = "urn:mace:egi.eu:group:fedcloud.egi.eu:role=vm_operator#aai.egi.eu"
POLICY = {"fedcloud.egi.eu": {"tenant": "fedcloud"}, "/fedcloud.egi.eu/Role=vm_operator": {"tenant": "operators"}}
BELIEVED = {"namespace": "urn:mace:egi.eu", "authority": "aai.egi.eu", "vos": ["fedcloud.egi.eu"]}


class Site:
    def __init__(self, up: Upstream, database: Any, directory: Path, issuer: dict[str, Any], bans: str = "") -> None:
        self.up = up
        self.now = NOW
        self.audit: list[tuple[str, dict[str, object]]] = []
        self.directory = Directory(database, lambda: self.now)
        (directory / "voms.json").write_text(json.dumps(POLICY))
        (directory / "bans").write_text(bans)
        settings = IdentitySettings(
            trust_dir=None,
            policy=directory / "voms.json",
            bans=directory / "bans",
            issuers=(IssuerSettings(**issuer),),
        )
        self.identity: Identity = make_identity(
            settings,
            clock=lambda: self.now,
            hostnames=["site.example.org"],
            audit=lambda event, /, **fields: self.audit.append((event, fields)),
            database=database,
            directory=self.directory,
        )

    async def caller(self, token: str, method: str = "GET", **more: Any) -> Caller:
        return await self.identity.caller(scope(token, method) | more)

    async def refusal(self, token: str, **more: Any) -> str:
        """The reason; every refusal is a sentence and leaves an audit line without the token."""
        with pytest.raises((Unauthenticated, Forbidden)) as caught:
            await self.caller(token, **more)
        event, fields = self.audit[-1]
        assert (event, fields["reason"]) == ("identity.refused", caught.value.details["reason"])
        assert caught.value.message.endswith(".")
        assert token not in f"{fields} {caught.value.message}"
        return str(caught.value.details["reason"])


def scope(token: str, method: str = "GET") -> dict[str, Any]:
    headers = [(b"authorization", f"Bearer {token}".encode("latin-1"))]
    return {
        "type": "http",
        "method": method,
        "path": "/",
        "scheme": "https",
        "client": ("192.0.2.9", 1),
        "headers": headers,
    }


@pytest.fixture
def up() -> Iterator[Upstream]:
    with upstream() as found:
        yield found


Make = Callable[..., Any]


@pytest.fixture
async def make(up: Upstream, tmp_path: Path) -> AsyncIterator[Make]:
    database = Database(f"sqlite:///{tmp_path / 'site.db'}")
    await upgrade(database, "site")
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)

    def site(bans: str = "", **settings: Any) -> Site:
        issuer = {"name": "egi.eu", "issuer": up.url, "audiences": [AUDIENCE], **settings}
        return Site(up, database, tmp_path, issuer, bans)

    yield site
    database.close()


@pytest.fixture
def site(make: Make) -> Site:
    found: Site = make(**BELIEVED)
    return found


class TestMembers:
    async def test_a_token_works_in_the_project_that_a_proxy_of_the_vo_works_in(self, site: Site) -> None:
        caller = await site.caller(site.up.token(NOW, eduperson_entitlement=[VO]), "POST")
        assert (caller.project, caller.vo, caller.fqan) == ("fedcloud", "fedcloud.egi.eu", "/fedcloud.egi.eu")
        assert caller.user == f"OIDC:<I>{site.up.url}<S>alice"
        assert caller.not_after == NOW + timedelta(hours=1)
        assert site.audit[-1][0] == "identity.accepted"

    async def test_the_order_of_entitlements_chooses(self, site: Site) -> None:
        token = site.up.token(NOW, entitlements=[OPERATOR, VO])
        assert (await site.caller(token)).project == "operators"

    async def test_groups_of_the_wlcg_profile_count_where_they_are_believed(self, make: Make, site: Site) -> None:
        token = site.up.token(NOW, **{"wlcg.groups": ["/fedcloud.egi.eu/x", "/fedcloud.egi.eu"], "entitlements": []})
        assert await site.refusal(token) == "identity.no_vo"
        wlcg = make(wlcg_groups=True, vos=["*"])
        assert (await wlcg.caller(token)).fqan == "/fedcloud.egi.eu/x"

    async def test_claims_that_the_token_lacks_come_from_userinfo(self, site: Site) -> None:
        token = site.up.token(NOW)
        site.up.people[token] = {"sub": "alice", "eduperson_entitlement": [VO], "aud": "elsewhere", "exp": 1}
        assert (await site.caller(token)).project == "fedcloud"

    async def test_userinfo_of_somebody_else_is_not_believed(self, site: Site) -> None:
        token = site.up.token(NOW)
        site.up.people[token] = {"sub": "bob", "eduperson_entitlement": [VO]}
        assert await site.refusal(token) == "identity.token_inactive"

    async def test_an_opaque_token_is_what_its_issuer_says(self, make: Make, up: Upstream, tmp_path: Path) -> None:
        site = make(**BELIEVED, client_id=CLIENT, client_secret=tmp_path / "secret")
        ends = int((NOW + timedelta(minutes=30)).timestamp())
        said = {"active": True, "sub": "bob", "aud": AUDIENCE, "exp": ends, "eduperson_entitlement": [VO]}
        up.opaque["opaque"] = said
        caller = await site.caller("opaque")
        assert (caller.user, caller.not_after) == (oidc_user(up.url, "bob"), NOW + timedelta(minutes=30))
        up.opaque["elsewhere"] = said | {"aud": "https://other"}
        assert await site.refusal("elsewhere") == "identity.audience"
        assert await site.refusal("unknown") == "identity.token_inactive"

    async def test_a_token_without_audience_needs_a_client_that_is_known(self, make: Make, up: Upstream) -> None:
        site = make(**BELIEVED, clients=["oidc-agent"])
        token = up.token(NOW, aud=None, azp="oidc-agent", entitlements=[VO])
        assert (await site.caller(token)).project == "fedcloud"
        for claims in (
            {"azp": "another"},
            {},
            {"azp": "oidc-agent", "aud": "https://other"},
            {"azp": "oidc-agent", "aud": []},
        ):
            bent = up.token(NOW, **({"aud": None, "entitlements": [VO]} | claims))
            assert await site.refusal(bent) == "identity.audience"


class TestRefusals:
    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"aud": "https://other.example.org"}, "identity.audience"),
            ({"aud": ["https://other.example.org"]}, "identity.audience"),
            ({"aud": None}, "identity.audience"),
            ({"iss": "https://evil.example.org"}, "identity.unknown_issuer"),
            ({"iss": None}, "identity.unknown_issuer"),
            ({"exp": int((NOW - timedelta(minutes=5)).timestamp())}, "jwt.expired"),
            ({"exp": int((NOW - timedelta(seconds=5)).timestamp())}, "identity.token_expired"),
            ({"exp": int((NOW + timedelta(days=400)).timestamp())}, "identity.token_life"),
            ({"exp": None}, "jwt.claim"),
            ({"sub": None}, "identity.malformed"),
            ({"sub": ""}, "identity.malformed"),
            ({"sub": "a\nb"}, "identity.malformed"),
            ({"sub": 7}, "jwt.claim"),
            (
                {"entitlements": ["urn:mace:egi.eu:group:fedcloud.egi.eu#evil.example.org"]},
                "identity.foreign_authority",
            ),
            ({"entitlements": ["urn:mace:egi.eu:group:fedcloud.egi.eu:role=member"]}, "identity.foreign_authority"),
            ({"entitlements": ["urn:mace:evil:group:fedcloud.egi.eu#aai.egi.eu"]}, "identity.foreign_authority"),
            ({"entitlements": ["urn:mace:egi.eu:group:other.vo:role=member#aai.egi.eu"]}, "identity.foreign_authority"),
            ({"entitlements": ["urn:mace:egi.eu:group:..:role=member#aai.egi.eu"]}, "identity.no_vo"),
            ({"entitlements": [f"x;{VO}"]}, "identity.no_vo"),
            ({"entitlements": []}, "identity.no_vo"),
            ({"typ": "logout+jwt"}, "jwt.type"),
        ],
    )
    async def test_a_token_that_is_not_good_here_is_refused(self, site: Site, claims: Any, reason: str) -> None:
        assert await site.refusal(site.up.token(NOW, **({"entitlements": [VO]} | claims))) == reason

    async def test_a_forged_token_is_refused(self, site: Site) -> None:
        assert await site.refusal(site.up.token(NOW, key=new_key("k1"), entitlements=[VO])) == "jwt.signature"
        assert await site.refusal(site.up.token(NOW, key=new_key("k9"), entitlements=[VO])) == "jwt.unknown_key"

    @pytest.mark.parametrize("token", ["", "a b", "é", "x" * 20_000, "a,b", "=="])
    async def test_what_is_no_bearer_token_is_refused(self, site: Site, token: str) -> None:
        with pytest.raises(Unauthenticated) as caught:
            await site.identity.caller(scope(token))
        assert caught.value.details["reason"] == "identity.malformed"

    async def test_two_tokens_are_one_too_many(self, site: Site) -> None:
        twice = scope(site.up.token(NOW, entitlements=[VO]))
        with pytest.raises(Unauthenticated):
            await site.identity.caller(twice | {"headers": twice["headers"] * 2})

    async def test_tokens_are_taken_over_https_only(self, site: Site) -> None:
        token = site.up.token(NOW, entitlements=[VO])
        assert await site.refusal(token, scheme="http") == "identity.insecure"

    async def test_an_opaque_token_goes_to_nobody_who_is_not_asked(self, site: Site) -> None:
        assert await site.refusal("qwertz") == "identity.token_opaque"
        assert site.up.asked == []

    async def test_a_banned_subject_stays_out(self, make: Make, up: Upstream) -> None:
        site = make(**BELIEVED, bans=f"# stolen laptop\n{up.url}   alice\n")
        assert await site.refusal(up.token(NOW, entitlements=[VO])) == "identity.banned"
        assert (await site.caller(up.token(NOW, sub="bob", entitlements=[VO]))).project == "fedcloud"

    async def test_a_token_introspected_always_ends_with_its_revocation(
        self, make: Make, up: Upstream, tmp_path: Path
    ) -> None:
        site = make(**BELIEVED, client_id=CLIENT, client_secret=tmp_path / "secret", introspection="always")
        token = up.token(NOW, entitlements=[VO])
        up.opaque[token] = {"active": True}
        assert (await site.caller(token)).project == "fedcloud"
        up.opaque[token] = {"active": False}
        site.now += timedelta(seconds=61)
        assert await site.refusal(token) == "identity.token_inactive"

    async def test_an_issuer_that_cannot_be_asked_lets_nobody_in(
        self, make: Make, up: Upstream, tmp_path: Path
    ) -> None:
        site = make(**BELIEVED, client_id=CLIENT, client_secret=tmp_path / "secret", introspection="always")
        up.answers["/introspect"] = (503, {})
        with pytest.raises(BackendDown):
            await site.caller(up.token(NOW, entitlements=[VO]))

    async def test_a_token_is_proved_once_a_minute(self, make: Make, up: Upstream, tmp_path: Path) -> None:
        site = make(**BELIEVED, client_id=CLIENT, client_secret=tmp_path / "secret", introspection="always")
        token = up.token(NOW, entitlements=[VO])
        up.opaque[token] = {"active": True}
        for _ in range(5):
            await site.caller(token)
        assert up.asked.count("/introspect") == 1


RULES = [
    {
        "local": [{"user": {"name": "{0}"}, "group": {"name": "bio", "domain": {"id": "default"}}}],
        "remote": [{"type": "OIDC-email"}, {"type": "HTTP_OIDC_GROUPS", "any_one_of": ["bio"]}],
    },
]


class TestRules:
    @pytest.fixture
    def rules(self, tmp_path: Path) -> Path:
        (tmp_path / "rules.json").write_text(json.dumps(RULES))
        return tmp_path / "rules.json"

    async def assigned(self, site: Site) -> str:
        """A group that may use a project; its id."""
        group = await site.directory.groups.create("bio", extra={})
        project = await site.directory.projects.create("laboratory")
        role = await site.directory.roles.named("member")
        assert role is not None
        target = Target(Kind.PROJECT, project.id)
        await site.directory.roles.assign(Assignment(role.id, Kind.GROUP, group.id, target))
        return group.id

    async def test_a_group_by_rules_opens_its_projects(self, make: Make, up: Upstream, rules: Path) -> None:
        site = make(rules=rules)
        await self.assigned(site)
        token = up.token(NOW, email="a@example.org", groups=["bio", "x"])
        up.people[token] = {"sub": "alice"}
        caller = await site.caller(token)
        assert (caller.project, caller.roles, caller.display) == ("laboratory", {"member"}, "a@example.org")

    async def test_the_groups_may_come_from_userinfo(self, make: Make, up: Upstream, rules: Path) -> None:
        site = make(rules=rules)
        await self.assigned(site)
        token = up.token(NOW)
        up.people[token] = {"sub": "alice", "email": "a@example.org", "groups": "bio"}
        assert (await site.caller(token)).project == "laboratory"

    async def test_whom_no_rule_fits_stays_out(self, make: Make, up: Upstream, rules: Path) -> None:
        site = make(rules=rules)
        token = up.token(NOW, email="a@example.org", groups=["bio;x"])
        up.people[token] = {"sub": "alice"}
        assert await site.refusal(token) == "mapping.no_match"

    async def test_a_group_that_is_not_there_gives_nothing(self, make: Make, up: Upstream, rules: Path) -> None:
        site = make(rules=rules)
        token = up.token(NOW, email="a@example.org", groups="bio")
        up.people[token] = {"sub": "alice"}
        assert await site.refusal(token) == "identity.foreign_project"

    async def test_rules_may_mean_a_user_of_the_directory(self, make: Make, up: Upstream, tmp_path: Path) -> None:
        local = [{"user": {"name": "{0}", "type": "local", "domain": {"id": "default"}}}]
        (tmp_path / "local.json").write_text(json.dumps([{"local": local, "remote": [{"type": "OIDC-email"}]}]))
        site = make(rules=tmp_path / "local.json")
        user = await site.directory.users.create("a@example.org", options={}, extra={})
        token = up.token(NOW, email="a@example.org")
        up.people[token] = {"sub": "alice"}
        assert await site.refusal(token) == "identity.foreign_project"
        assert site.audit[-1][1]["user"] == f"user:{user.id}"
        other = up.token(NOW, email="b@example.org")
        up.people[other] = {"sub": "alice"}
        assert await site.refusal(other) == "identity.disabled"


class TestSettings:
    @pytest.mark.parametrize(
        "settings",
        [
            {"issuer": "http://example.org/"},
            {"issuer": "https://example.org/?x"},
            {"issuer": "example.org"},
            {"audiences": []},
            {"vos": []},
            {"namespace": None},
            {"namespace": "urn:mace:egi.eu:group:x"},
            {"introspection": "always"},
            {"max_life": 1},
            {"name": "../x"},
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, settings: dict[str, Any]) -> None:
        good = {"name": "egi.eu", "issuer": "https://aai.example.org/", "audiences": [AUDIENCE], **BELIEVED}
        IssuerSettings(**good)
        with pytest.raises(ValidationError):
            IssuerSettings(**(good | settings))

    def test_one_issuer_has_one_name(self) -> None:
        one = IssuerSettings(name="a", issuer="https://x.example.org", audiences={"a"}, **BELIEVED)  # type: ignore[arg-type]
        with pytest.raises(ValidationError):
            IdentitySettings(issuers=(one, one.model_copy(update={"name": "b"})))

    def test_a_secret_that_others_may_read_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(SECRET)
        (tmp_path / "secret").chmod(0o644)
        settings = IssuerSettings(
            name="a", issuer="https://x.example.org", audiences=frozenset({"a"}), wlcg_groups=True, vos=frozenset({"*"}),
            client_id="c", client_secret=tmp_path / "secret",
        )  # fmt: skip
        with pytest.raises(ConfigurationError, match="chmod") as caught:
            make_providers([settings], lambda: NOW)
        assert SECRET not in str(caught.value)

    def test_rules_that_cannot_be_read_name_their_setting(self, tmp_path: Path) -> None:
        (tmp_path / "rules.json").write_text("{")
        settings = IssuerSettings(
            name="a", issuer="https://x.example.org", audiences=frozenset({"a"}), rules=tmp_path / "rules.json"
        )
        with pytest.raises(ConfigurationError) as caught:
            make_providers([settings], lambda: NOW)
        assert caught.value.details["key"] == "identity.issuers[0].rules"


class TestAssertion:
    def test_claims_have_the_names_that_apache_gives_them(self) -> None:
        claims = {"sub": "a", "email_verified": True, "n": 7, "groups": ["x;y", "z\n", 1, {"q": 1}], "o": {"p": 1}}
        found = assertion_of(claims)
        assert found["OIDC-sub"] == found["OIDC_CLAIM_sub"] == found["HTTP_OIDC_SUB"] == ["a"]
        assert found["OIDC-email_verified"] == ["1"]
        assert found["OIDC-groups"] == ["x;y", "1"]
        assert "OIDC-o" not in found

    def test_two_claims_of_one_name_are_none(self) -> None:
        found = assertion_of({"e-mail": "a", "e_mail": "b"})
        assert "HTTP_OIDC_E_MAIL" not in found
        assert found["OIDC-e-mail"] == ["a"]

    @given(
        st.dictionaries(
            st.text(max_size=8), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)
        )
    )
    def test_any_claims_make_clean_values(self, claims: dict[str, Any]) -> None:
        for values in assertion_of(claims).values():
            assert values
            assert all(value.isprintable() for value in values)
