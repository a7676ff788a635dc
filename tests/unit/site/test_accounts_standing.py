"""Who may still come in, by what the federation has told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.feed import CA, Side, SiteSide, credential, federation_side, site_side

from hansa.base.errors import Forbidden
from hansa.federation.membership.model import RoleGrant, Subject
from hansa.site.accounts.model import Filter, Mode
from hansa.site.accounts.standing import StandingCheck, credential_of
from hansa.site.identity import Grant, Identity, Membership, Principal
from hansa.site.identity.policy import parse_policy

OP = "https://op.example.org"


def user(number: int) -> str:
    held = credential(number)
    return f"X509:<I>{held.issuer.rfc4514()}<S>{held.subject.rfc4514()}"


def somebody(number: int, *fqans: str, vo: str = "demo", name: str | None = None) -> Principal:
    return Principal(name or user(number), "somebody", frozenset(), (Membership(vo, fqans or (f"/{vo}",)),))


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    async with federation_side(f"sqlite:///{tmp_path / 'federation.db'}", "demo", "other") as side:
        yield side


@pytest.fixture
async def site(side: Side, tmp_path: Path) -> AsyncIterator[SiteSide]:
    async with site_side(side, f"sqlite:///{tmp_path / 'site.db'}", await side.site("SITE-A", "demo", "other")) as site:
        yield site


def check(site: SiteSide, mode: Mode = Mode.CHECK, max_age: timedelta | None = None) -> StandingCheck:
    return StandingCheck(site.database, site.side.now, lambda: site.accounts.generation, mode=mode, max_age=max_age)


async def reason(check: StandingCheck, principal: Principal) -> str:
    with pytest.raises(Forbidden) as refused:
        await check(principal)
    return str(refused.value.details["reason"])


@pytest.mark.parametrize("mode", Mode)
async def test_members_come_in_and_the_suspended_and_removed_do_not(side: Side, site: SiteSide, mode: Mode) -> None:
    uid = (await side.member(1)).person.uid
    await site.follow()
    standing = check(site, mode)
    assert await standing(somebody(1)) == somebody(1)
    await side.registry.suspend("demo", uid, "incident 7")
    await site.follow()
    assert await reason(standing, somebody(1)) == "identity.suspended"
    await side.registry.restore("demo", uid)
    await site.follow()
    assert await standing(somebody(1)) == somebody(1)
    await side.registry.remove("demo", uid)
    await site.follow()
    assert await reason(standing, somebody(1)) == "identity.removed"


async def test_only_require_refuses_whom_nobody_has_told_of(side: Side, site: SiteSide) -> None:
    await side.member(1)
    await site.follow()
    assert await check(site)(somebody(2)) == somebody(2)
    assert await reason(check(site, Mode.REQUIRE), somebody(2)) == "identity.not_told_of"
    other = Principal(user(1).replace(CA.rfc4514(), "CN=Impostor CA"), "x", frozenset(), (Membership("demo", ()),))
    assert await reason(check(site, Mode.REQUIRE), other) == "identity.not_told_of", "the issuer counts too"


async def test_one_vo_that_sends_somebody_away_does_not_close_the_other(side: Side, site: SiteSide) -> None:
    uid = (await side.member(1)).person.uid
    await side.registry.admit("other", uid)
    await side.registry.suspend("demo", uid, "why")
    await site.follow()
    both = Principal(user(1), "x", frozenset(), (Membership("demo", ("/demo",)), Membership("other", ("/other",))))
    assert (await check(site)(both)).memberships == (Membership("other", ("/other",)),)


async def test_a_role_that_was_taken_away_is_gone_from_a_proxy_that_still_names_it(side: Side, site: SiteSide) -> None:
    uid = (await side.member(1)).person.uid
    await side.registry.grant("demo", uid, RoleGrant("/demo", "pilot"))
    await site.follow()
    shown = somebody(1, "/demo/Role=pilot/Capability=NULL", "/demo/Role=NULL/Capability=NULL")
    assert await check(site)(shown) == shown
    await side.registry.revoke("demo", uid, RoleGrant("/demo", "pilot"))
    await site.follow()
    for mode in Mode:
        (left,) = (await check(site, mode)(shown)).memberships
        assert left.fqans == ("/demo/Role=NULL/Capability=NULL",)
    await side.registry.grant("demo", uid, RoleGrant("/demo", "pilot"))
    await site.follow()
    assert await check(site)(shown) == shown


async def test_a_role_that_was_never_told_passes_in_check_and_not_in_require(side: Side, site: SiteSide) -> None:
    await side.member(1)
    await site.follow()
    shown = somebody(1, "/demo/Role=new", "/demo")
    assert await check(site)(shown) == shown
    (left,) = (await check(site, Mode.REQUIRE)(shown)).memberships
    assert left.fqans == ("/demo",)


async def test_a_stolen_certificate_is_refused_and_the_other_one_is_not(side: Side, site: SiteSide) -> None:
    uid = (await side.member(1)).person.uid
    await side.registry.link(uid, credential(11))
    await site.follow()
    (first, _) = await side.registry.credentials(uid)
    await side.registry.suspend_credential(uid, first.id, "stolen")
    await site.follow()
    assert await reason(check(site), somebody(1)) == "identity.credential_withdrawn"
    assert await check(site)(somebody(11)) == somebody(11)
    await side.registry.unlink(uid, first.id)
    await site.follow()
    assert await reason(check(site), somebody(1)) == "identity.credential_withdrawn", "unlinked is not forgotten"


async def test_a_certificate_that_now_belongs_to_another_member_opens_for_them(side: Side, site: SiteSide) -> None:
    uid = (await side.member(1)).person.uid
    await site.follow()
    await side.registry.remove("demo", uid)
    (known,) = await side.registry.credentials(uid)
    await side.registry.unlink(uid, known.id)
    other = (await side.member(2)).person.uid
    await side.registry.link(other, credential(1))
    await site.follow()
    assert await check(site)(somebody(1)) == somebody(1)


async def test_tokens_of_the_federations_provider_are_held_against_it_too(side: Side, site: SiteSide) -> None:
    uid = (await side.member(1)).person.uid
    await side.registry.link(uid, Subject(OP, uid))
    await site.follow()
    shown = somebody(1, name=f"OIDC:<I>{OP}<S>{uid}")
    assert await check(site)(shown) == shown
    await side.registry.suspend("demo", uid, "why")
    await site.follow()
    assert await reason(check(site), shown) == "identity.suspended"


async def test_an_end_counts_from_its_moment_on(side: Side, site: SiteSide) -> None:
    uid = (await side.member(1)).person.uid
    await side.registry.set_until("demo", uid, side.now() + timedelta(days=1))
    await site.follow()
    (account,) = await site.accounts.every(Filter())
    assert account.until is not None
    assert await check(site)(somebody(1)) == somebody(1)
    side.time = account.until
    assert await reason(check(site), somebody(1)) == "identity.removed"


async def test_a_site_serves_on_while_the_federation_is_away_unless_it_may_not(side: Side, site: SiteSide) -> None:
    await side.member(1)
    await site.follow()
    side.later(days=400)
    assert await check(site)(somebody(1)) == somebody(1)
    strict = check(site, max_age=timedelta(hours=6))
    assert await reason(strict, somebody(1)) == "identity.feed_stale"
    await site.follow()
    assert await check(site, max_age=timedelta(hours=6))(somebody(1)) == somebody(1)


async def test_local_users_and_bare_certificates_are_the_sites_own_business_until_all_vos_have_sent_them_away(
    side: Side, site: SiteSide
) -> None:
    uid = (await side.member(1)).person.uid
    await site.follow()
    local = Principal("local:alice", "alice", frozenset(), grant=Grant("ops"))
    bare, stranger = Principal(user(1), "x", frozenset()), Principal(user(9), "x", frozenset())
    for mode in Mode:
        for each in (local, bare, stranger):
            assert await check(site, mode)(each) == each
    await side.registry.suspend("demo", uid, "why")
    await site.follow()
    assert await reason(check(site), bare) == "identity.suspended"
    assert await check(site)(local) == local


async def test_identity_asks_before_it_grants_anything(side: Side, site: SiteSide) -> None:
    uid = (await side.member(1)).person.uid
    await site.follow()
    policy = parse_policy(b'{"demo": {"tenant": "p"}}')
    identity = Identity(
        [], policy=lambda: policy, bans=frozenset, audit=lambda event, /, **fields: None, standing=check(site)
    )
    assert [grant.project for grant in await identity.grants(somebody(1))] == ["p"]
    await side.registry.suspend("demo", uid, "why")
    await site.follow()
    with pytest.raises(Forbidden):
        await identity.grants(somebody(1))


def test_what_names_no_credential_is_looked_up_nowhere() -> None:
    assert credential_of("local:alice") is None
    assert credential_of("user:1234") is None
    robot = credential_of("X509:<I>CN=ca<S>CN=robot<R>alice")
    assert robot is not None
    assert (robot.issuer, robot.subject) == ("CN=ca", "CN=robot")
