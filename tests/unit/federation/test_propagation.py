"""The feed's side of the federation: whatever happens in the registry, a site that reads on knows the present state."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.feed import BEGIN, ISSUER, Reader, Side, credential, federation_side
from tests.support.memberfeed import feed_key, key_set

from hansa.federation.membership.model import RoleGrant, Subject
from hansa.federation.propagation import service, store
from hansa.federation.propagation.errors import InvalidSite, NoSuchSite, NotReady, SiteExists, TooManyWaiting
from hansa.federation.propagation.model import Site
from hansa.federation.propagation.projection import FORGET_AFTER
from hansa.standards.memberfeed import Kind, MemberState, Wish, open_document, scope_of

WISH = Wish("nonce-number-000000")


@pytest.fixture
async def side(database_url: str) -> AsyncIterator[Side]:
    async with federation_side(database_url, "demo", "other") as side:
        yield side


async def test_a_site_reads_the_members_it_may_know_of_and_then_the_changes(side: Side) -> None:
    await side.member(1)
    await side.member(2, "other")
    reader = Reader(side, await side.site())
    (page,) = await reader.read()
    assert page.kind is Kind.SNAPSHOT
    assert [each.name for each in reader.entries()] == ["Member 1"], "nothing of the other VO"

    await side.member(3)
    (page,) = await reader.read()
    assert page.kind is Kind.CHANGES
    assert [each.entry.vo for each in page.told] == ["demo"]
    assert [each.name for each in reader.entries()] == ["Member 1", "Member 3"]
    (page,) = await reader.read()
    assert page.told == ()


async def test_an_entry_tells_all_that_a_site_needs(side: Side) -> None:
    until = BEGIN + timedelta(days=30)
    member = await side.registry.add_member("demo", credential(1), name="Ali", email="ali@example.org", until=until)
    uid = member.person.uid
    await side.registry.link(uid, Subject("https://op.example.org", "ali"))
    await side.registry.add_group("demo", "/demo/lab")
    await side.registry.join("demo", uid, "/demo/lab")
    await side.registry.grant("demo", uid, RoleGrant("/demo/lab", "pilot"))
    await side.registry.suspend("demo", uid, "incident 7")
    reader = Reader(side, await side.site())
    await reader.read()
    (entry,) = reader.entries()
    assert (entry.uid, entry.name, entry.mail, entry.until) == (uid, "Ali", "ali@example.org", until)
    assert (entry.state, entry.reason) == (MemberState.SUSPENDED, "incident 7")
    assert entry.groups == ("/demo", "/demo/lab")
    assert entry.roles == ("/demo/lab/Role=pilot",)
    assert [each.subject for each in entry.certificates] == ["CN=Member 1,DC=org"]
    assert [(each.issuer, each.subject) for each in entry.logins] == [("https://op.example.org", "ali")]


async def test_every_kind_of_change_reaches_the_site(side: Side) -> None:
    reader = Reader(side, await side.site())
    await reader.read()
    member = await side.member(1)
    uid = member.person.uid
    await side.registry.add_group("demo", "/demo/lab")

    async def after(change: object) -> tuple[object, ...]:
        await change  # type: ignore[misc]  # any of the registry's calls
        await reader.read()
        return tuple(reader.entries())

    (entry,) = await after(side.registry.join("demo", uid, "/demo/lab"))
    assert "/demo/lab" in entry.groups  # type: ignore[attr-defined]
    (entry,) = await after(side.registry.grant("demo", uid, RoleGrant("/demo/lab", "pilot")))
    assert entry.roles == ("/demo/lab/Role=pilot",)  # type: ignore[attr-defined]
    (entry,) = await after(side.registry.remove_group("demo", "/demo/lab"))
    assert (entry.groups, entry.roles) == (("/demo",), ())  # type: ignore[attr-defined]
    known = await side.registry.link(uid, Subject("https://op.example.org", "x"))
    (entry,) = await after(side.registry.suspend_credential(uid, known.id, "stolen"))
    assert [each.usable for each in entry.logins] == [False]  # type: ignore[attr-defined]
    (entry,) = await after(side.registry.set_until("demo", uid, BEGIN))
    assert entry.until == BEGIN  # type: ignore[attr-defined]
    assert await after(side.registry.remove("demo", uid)) == ()


async def test_many_members_come_in_bounded_pages(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PAGE_BYTES", 1500)
    for number in range(12):
        await side.member(number)
    reader = Reader(side, await side.site())
    pages = await reader.read()
    assert len(pages) == 3
    assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
    assert [page.previous for page in pages[1:]] == [page.sequence for page in pages[:-1]]
    assert len(reader.held) == 12


async def test_who_reads_while_things_change_ends_with_the_present_state(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PAGE_BYTES", 1)  # one entry a page
    for number in range(4):
        await side.member(number)
    site = await side.site()
    reader = Reader(side, site)
    await side.projection.settle()
    first = await side.feed.document(site, reader.wish)
    page = open_document(first, key_set(side.key), issuer=ISSUER, audience="SITE-A", nonce=WISH.nonce, now=BEGIN).page
    gone = page.told[0].entry.uid
    await side.registry.remove("demo", gone)
    await reader.read()
    assert gone not in {entry.uid for entry in reader.entries()}
    assert len(reader.held) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "astray",
    [
        {"lineage": "another-federations-numbering"},
        {"lineage": ""},
        {"after": 10**6},
        {"scope": scope_of(["demo", "other"])},
    ],
)
async def test_who_has_lost_the_way_begins_anew(side: Side, astray: dict[str, object]) -> None:
    await side.member(1)
    reader = Reader(side, await side.site())
    await reader.read()
    reader.wish = replace(reader.wish, **astray)  # type: ignore[arg-type]
    (page,) = await reader.read()
    assert (page.kind, page.previous) == (Kind.SNAPSHOT, 0)


async def test_other_vos_for_a_site_are_a_new_beginning(side: Side) -> None:
    await side.member(1)
    await side.member(2, "other")
    site = await side.site()
    reader = Reader(side, site)
    await reader.read()
    reader.site = await side.register.set_vos(site.name, ["demo", "other"])
    (page,) = await reader.read()
    assert page.kind is Kind.SNAPSHOT
    assert len(reader.held) == 2
    reader.site = await side.register.set_vos(site.name, ["other"])
    await reader.read()
    assert [entry.vo for entry in reader.entries()] == ["other"]


async def test_those_who_went_long_ago_are_forgotten_and_old_readers_begin_anew(side: Side) -> None:
    member = await side.member(1)
    await side.member(2)
    reader = Reader(side, await side.site())
    await reader.read()
    await side.registry.remove("demo", member.person.uid)
    await side.projection.settle()
    side.later(days=FORGET_AFTER.days + 1)
    await side.database.write(lambda c: store.forget(c, side.now() - FORGET_AFTER))
    (page,) = await reader.read()
    assert page.kind is Kind.SNAPSHOT
    assert [entry.name for entry in reader.entries()] == ["Member 2"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nothing_is_told_before_the_registry_was_read_whole(side: Side) -> None:
    await side.member(1)
    site = await side.site()
    with pytest.raises(NotReady):
        await side.feed.document(site, WISH)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_members_from_before_the_feed_are_read_in_pieces(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.federation.propagation.projection.CHUNK", 2)
    for number in range(7):
        await side.member(number)
    reader = Reader(side, await side.site())
    await reader.read()
    assert len(reader.held) == 7


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_scan_finds_those_who_went_unnoticed(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.federation.propagation.projection.CHUNK", 3)
    members = [await side.member(number) for number in range(10)]
    reader = Reader(side, await side.site())
    await reader.read()
    for gone in members[2:9]:
        await side.registry.remove("demo", gone.person.uid)
    latest = await side.registry.latest_change()
    await side.database.write(lambda c: store.set_cursor(c, latest))  # as if the history had been lost
    await side.database.write(lambda c: store.ask_scan(c, "demo"))
    await reader.read()
    assert len(reader.held) == 3


async def test_a_waiting_site_hears_of_a_change_of_its_vos_at_once(side: Side) -> None:
    site = await side.site()
    reader = Reader(side, site)
    await reader.read()
    waiting = asyncio.create_task(side.feed.document(site, reader.wish, wait=50))
    await asyncio.sleep(0.05)
    await side.member(1, "other")
    await side.projection.settle()
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await side.member(1)
    await side.projection.settle()
    async with asyncio.timeout(20):
        text = await waiting
    page = open_document(
        text, key_set(side.key), issuer=ISSUER, audience=site.name, nonce=reader.wish.nonce, now=BEGIN
    ).page
    assert len(page.told) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_one_site_cannot_hold_all_connections(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "WAITING", 1)
    site = await side.site()
    reader = Reader(side, site)
    await reader.read()
    waiting = asyncio.create_task(side.feed.document(site, reader.wish, wait=50))
    await asyncio.sleep(0.05)
    with pytest.raises(TooManyWaiting):
        await side.feed.document(site, reader.wish, wait=50)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await side.feed.document(site, reader.wish)


async def test_the_register_says_how_far_each_site_is(side: Side) -> None:
    reader = Reader(side, await side.site())
    await side.member(1)
    await side.projection.settle()
    (status,) = await side.register.statuses()
    assert (status.lag.entries, status.lag.since, status.delivery.seen) == (1, BEGIN, None)
    await reader.read()
    await side.document(reader.site, reader.wish)
    await side.feed.save()
    (status,) = await side.register.statuses()
    assert (status.lag.entries, status.delivery.confirmed, status.delivery.seen) == (0, 1, BEGIN)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_rules_of_the_register(side: Side) -> None:
    site = await side.site()
    with pytest.raises(SiteExists):
        await side.site()
    for wrong in (
        replace(site, name="../etc"),
        replace(site, name="B", vos=()),
        replace(site, name="B", vos=("nowhere",)),
        replace(site, name="B", certificate=None),
        replace(site, name="B", url="http://example.org/"),
        replace(site, name="B", url="https://user:password@example.org/"),
        replace(site, name="B", jwk="{}"),
        replace(site, name="B", jwk="rubbish"),
    ):
        with pytest.raises(InvalidSite):
            await side.register.add(wrong)
    await side.register.remove("SITE-A")
    with pytest.raises(NoSuchSite):
        await side.register.remove("SITE-A")
    with pytest.raises(NoSuchSite):
        await side.register.site("SITE-A")


async def test_a_page_is_signed_with_the_present_key(tmp_path: Path) -> None:
    async with federation_side(f"sqlite:///{tmp_path / 'f.db'}") as side:
        site: Site = await side.site()
        await side.projection.settle()
        text = await side.feed.document(site, WISH)
        with pytest.raises(ValueError, match="key"):
            open_document(text, key_set(feed_key()), issuer=ISSUER, audience=site.name, nonce=WISH.nonce, now=BEGIN)
