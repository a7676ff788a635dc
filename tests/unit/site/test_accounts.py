"""Members as the federation tells of them: what a site keeps, whom it lets in, and what it holds."""

import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import connect
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.feed import ISSUER, Side, SiteSide, federation_side, site_side
from tests.support.memberfeed import feed_key

from hansa.base.database import Database
from hansa.base.errors import HansaError
from hansa.base.migrations import upgrade
from hansa.federation.membership.model import RoleGrant
from hansa.federation.propagation import service as federation_service
from hansa.federation.propagation import store as federation_store
from hansa.site.accounts import store
from hansa.site.accounts.errors import Diverged, DocumentRefused, NotHeld, OutOfPlace
from hansa.site.accounts.model import Brake, Filter, Standing
from hansa.standards.memberfeed import Wish, render_page, sign_document

STRICT = Brake(percent=10, members=5)


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    async with federation_side(f"sqlite:///{tmp_path / 'federation.db'}", "demo", "other") as side:
        yield side


@pytest.fixture
async def site(side: Side, database_url: str) -> AsyncIterator[SiteSide]:
    async with site_side(side, database_url, await side.site("SITE-A", "demo", "other")) as site:
        yield site


@pytest.fixture
async def braked(side: Side, tmp_path: Path) -> AsyncIterator[SiteSide]:
    async with site_side(side, f"sqlite:///{tmp_path / 'site.db'}", await side.site(), STRICT) as site:
        yield site


async def same_as_registry(side: Side, site: SiteSide) -> None:
    """What the site was told is what the registry says, entry for entry."""
    told = {(each.vo, each.uid): each.entry for each in await site.accounts.every(Filter()) if each.entry is not None}
    for vo in site.site.vos:
        members = {each.person.uid: each for each in await side.registry.members(vo)}
        assert {uid for at, uid in told if at == vo} == members.keys()
        for uid, member in members.items():
            entry = told[vo, uid]
            assert entry is not None
            assert (entry.state.value == "suspended") == (member.state.value == "suspended")
            assert entry.groups == member.groups
            assert entry.roles == tuple(map(str, member.roles))
            assert entry.until == member.until


class TestFollowing:
    async def test_members_come_change_go_and_come_back(self, side: Side, site: SiteSide) -> None:
        uid = (await side.member(1)).person.uid
        await site.follow()
        assert await site.standings() == {uid: "active"}
        await side.registry.suspend("demo", uid, "incident")
        await site.follow()
        assert await site.standings() == {uid: "suspended"}
        await side.registry.restore("demo", uid)
        await site.follow()
        assert await site.standings() == {uid: "active"}
        await side.registry.remove("demo", uid)
        await site.follow()
        assert await site.standings() == {uid: "leaving"}
        await side.registry.admit("demo", uid)
        await site.follow()
        assert await site.standings() == {uid: "active"}
        told = [(line["before"], line["now"]) for line in site.events("accounts.changed")]
        assert told == [("active", "suspended"), ("suspended", "active"), ("active", "leaving"), ("leaving", "active")]

    async def test_a_page_that_was_lost_is_asked_for_again(self, side: Side, site: SiteSide) -> None:
        await side.member(1)
        wish = await site.accounts.wish()
        await side.document(site.site, wish)  # and the answer is lost
        await site.follow()
        await same_as_registry(side, site)

    async def test_the_same_document_again_is_refused(self, side: Side, site: SiteSide) -> None:
        await side.member(1)
        await site.follow()
        await side.member(2)
        wish = await site.accounts.wish()
        text = await side.document(site.site, wish)
        await site.accounts.receive(text, wish)
        with pytest.raises(OutOfPlace):
            await site.accounts.receive(text, wish)
        with pytest.raises(DocumentRefused) as refused:
            await site.accounts.receive(text, await site.accounts.wish())
        assert refused.value.details["reason"] == "memberfeed.nonce"
        await site.follow()
        await same_as_registry(side, site)

    async def test_a_page_out_of_order_changes_nothing_and_is_healed(self, side: Side, site: SiteSide) -> None:
        await side.member(1)
        await site.follow()
        wish = await site.accounts.wish()
        await side.member(2)
        text = await side.document(site.site, wish)
        await side.member(3)
        await site.follow()
        with pytest.raises(OutOfPlace):
            await site.accounts.receive(text, wish)
        await site.follow()
        await same_as_registry(side, site)

    async def test_a_federation_restored_from_an_old_backup_is_followed_anew(
        self, side: Side, site: SiteSide, tmp_path: Path
    ) -> None:
        (first, second) = [(await side.member(number)).person.uid for number in (1, 2)]
        await side.projection.settle()
        backup = f"sqlite:///{tmp_path / 'backup.db'}"
        with closing(connect(tmp_path / "federation.db")) as now, closing(connect(tmp_path / "backup.db")) as then:
            now.backup(then)
        third = (await side.member(3)).person.uid
        await side.registry.suspend("demo", first, "incident")
        await site.follow()
        async with federation_side(backup) as restored:
            restored.feed._key = side.feed._key
            await restored.registry.remove("demo", second)
            fourth = (await restored.member(4)).person.uid
            site.side = restored
            with pytest.raises(Diverged):
                await site.follow()
            await site.follow()
            await same_as_registry(restored, site)
        standings = await site.standings()
        assert standings == {first: "active", second: "leaving", third: "leaving", fourth: "active"}

    async def test_what_differs_is_noticed_by_the_digest_and_asked_for_again(self, side: Side, site: SiteSide) -> None:
        member = await side.member(1)
        await site.follow()
        place = await site.database.read(store.position)
        await site.database.write(lambda c: store.set_position(c, replace(place, state=place.state ^ 1)))
        await side.member(2)
        with pytest.raises(Diverged):
            await site.follow()
        assert len(await site.accounts.every(Filter())) == 1, "nothing was taken over"
        assert site.events("accounts.begins_anew")
        await site.follow()
        await same_as_registry(side, site)
        assert (await site.standings())[member.person.uid] == "active"

    async def test_a_vo_that_is_no_longer_ours_is_left(self, side: Side, site: SiteSide) -> None:
        await side.member(1)
        await side.member(2, "other")
        await site.follow()
        site.site = await side.register.set_vos("SITE-A", ["demo"])
        await site.follow()
        (other,) = await site.accounts.every(Filter(vo="other"))
        assert other.standing is Standing.LEAVING

    async def test_an_end_that_was_told_beforehand_comes_by_itself(self, side: Side, site: SiteSide) -> None:
        uid = (await side.member(1)).person.uid
        await side.registry.set_until("demo", uid, side.now())
        await site.follow()
        (account,) = await site.accounts.every(Filter())
        assert (account.standing, account.since) == (Standing.LEAVING, side.now())

    async def test_a_dry_run_tells_and_changes_nothing(self, side: Side, site: SiteSide) -> None:
        await side.member(1)
        wish = await site.accounts.wish()
        outcome = await site.accounts.receive(await side.document(site.site, wish), wish, dry_run=True)
        assert [change.after for change in outcome.changes] == [Standing.ACTIVE]
        assert await site.accounts.every(Filter()) == []
        assert (await site.accounts.status()).position.sequence == 0

    async def test_those_who_push_get_a_nonce_that_serves_once(self, side: Side, site: SiteSide) -> None:
        await side.member(1)
        wish = await site.accounts.standing_wish()
        assert await site.accounts.standing_wish() == wish
        text = await side.document(site.site, wish)
        await site.accounts.receive(text, wish)
        later = await site.accounts.standing_wish()
        assert later.nonce != wish.nonce
        with pytest.raises(DocumentRefused):
            await site.accounts.receive(text, later)


class TestForgeries:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"audience": "SITE-B"}, "jwt.audience"),
            ({"issuer": "https://evil.example.org"}, "jwt.issuer"),
            ({"nonce": "not-what-the-site-asked"}, "memberfeed.nonce"),
        ],
    )
    async def test_documents_for_others_are_refused(
        self, side: Side, site: SiteSide, change: dict[str, str], reason: str
    ) -> None:
        wish = await site.accounts.wish()
        await side.projection.settle()
        page = await side.database.read(lambda c: federation_service._page(c, site.site, wish))
        made = {"issuer": ISSUER, "audience": "SITE-A", "nonce": wish.nonce} | change
        text = sign_document(render_page(page.page, page.texts), side.key, now=side.now(), **made)
        with pytest.raises(DocumentRefused) as refused:
            await site.accounts.receive(text, wish)
        assert refused.value.details["reason"] == reason
        (line,) = site.events("accounts.document_refused")
        assert line["reason"] == reason

    async def test_another_key_is_refused(self, side: Side, site: SiteSide) -> None:
        wish = await site.accounts.wish()
        side.feed._key = feed_key
        with pytest.raises(DocumentRefused):
            await site.accounts.receive(await side.document(site.site, wish), wish)

    async def test_an_old_snapshot_cannot_turn_back_the_clock(self, side: Side, site: SiteSide) -> None:
        uid = (await side.member(1)).person.uid
        wish = await site.accounts.wish()
        old = await side.document(site.site, wish)
        await site.accounts.receive(old, wish)
        await side.registry.suspend("demo", uid, "incident")
        await site.follow()
        for now in (await site.accounts.wish(), await site.accounts.standing_wish()):
            with pytest.raises(DocumentRefused):
                await site.accounts.receive(old, now)
        assert await site.standings() == {uid: "suspended"}


class TestBrake:
    async def lose(self, side: Side, uids: list[str], how: str) -> None:
        for uid in uids:
            if how == "removed":
                await side.registry.remove("demo", uid)
            else:
                await side.registry.suspend("demo", uid, "mass")

    @pytest.mark.parametrize("how", ["removed", "suspended"])
    async def test_the_loss_of_many_is_held_and_everything_else_goes_on(
        self, side: Side, braked: SiteSide, how: str
    ) -> None:
        uids = [(await side.member(number)).person.uid for number in range(40)]
        await braked.follow()
        await self.lose(side, uids[:20], how)
        newcomer = (await side.member(99)).person.uid
        await braked.follow()
        standings = await braked.standings()
        assert set(standings.values()) == {"active"}
        assert newcomer in standings
        assert len(await braked.accounts.every(Filter(held=True))) == 20
        assert "20 losses" in str(await braked.accounts.concern())
        assert len(braked.events("accounts.held")) == 20

    async def test_a_few_losses_pass_also_of_a_small_vo(self, side: Side, braked: SiteSide) -> None:
        uids = [(await side.member(number)).person.uid for number in range(6)]
        await braked.follow()
        await self.lose(side, uids[:5], "removed")
        await braked.follow()
        assert list((await braked.standings()).values()).count("leaving") == 5

    async def test_drop_by_drop_is_a_mass_loss_too(self, side: Side, braked: SiteSide) -> None:
        uids = [(await side.member(number)).person.uid for number in range(100)]
        await braked.follow()
        for uid in uids[:30]:
            await self.lose(side, [uid], "removed")
            await braked.follow()
        assert list((await braked.standings()).values()).count("leaving") == 10
        assert len(await braked.accounts.every(Filter(held=True))) == 20

    async def test_a_window_later_losses_count_anew(self, side: Side, braked: SiteSide) -> None:
        uids = [(await side.member(number)).person.uid for number in range(60)]
        await braked.follow()
        for start in (0, 5, 10):
            await self.lose(side, uids[start : start + 5], "removed")
            await braked.follow()
            side.later(hours=25)
        assert list((await braked.standings()).values()).count("leaving") == 15

    async def held(self, side: Side, braked: SiteSide) -> list[str]:
        uids = [(await side.member(number)).person.uid for number in range(40)]
        await braked.follow()
        await self.lose(side, uids[:20], "removed")
        await braked.follow()
        return uids[:20]

    async def test_released_losses_take_effect_and_do_not_count(self, side: Side, braked: SiteSide) -> None:
        lost = await self.held(side, braked)
        with pytest.raises(NotHeld):
            await braked.accounts.release(["nobody"], actor="op")
        await braked.accounts.release(lost[:1], actor="op")
        assert (await braked.standings())[lost[0]] == "leaving"
        assert len(await braked.accounts.release(actor="op")) == 19
        assert await braked.accounts.concern() is None
        more, *_ = await side.registry.members("demo")
        await side.registry.remove("demo", more.person.uid)
        await braked.follow()
        assert (await braked.standings())[more.person.uid] == "leaving"
        assert len(braked.events("accounts.released")) == 20

    async def test_refused_losses_stay_without_effect_until_the_federation_takes_them_back(
        self, side: Side, braked: SiteSide
    ) -> None:
        lost = await self.held(side, braked)
        await braked.accounts.refuse(actor="op")
        await braked.follow()
        assert (await braked.standings())[lost[0]] == "active"
        assert await braked.accounts.concern() is None
        await side.registry.admit("demo", lost[0])
        await braked.follow()
        await side.registry.remove("demo", lost[0])
        await braked.follow()
        assert (await braked.standings())[lost[0]] == "leaving", "a new removal is a new question"

    async def test_a_mistake_that_is_mended_leaves_no_trace(self, side: Side, braked: SiteSide) -> None:
        lost = await self.held(side, braked)
        for uid in lost:
            await side.registry.admit("demo", uid)
        await braked.follow()
        assert await braked.accounts.every(Filter(held=True)) == []
        assert set((await braked.standings()).values()) == {"active"}

    async def test_a_snapshot_without_most_members_is_held(
        self, side: Side, braked: SiteSide, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("hansa.site.accounts.applying.CHUNK", 3)
        await side.member(1)
        for number in range(2, 42):
            await side.member(number)
        await braked.follow()
        _, *rest = await side.registry.members("demo")

        def wipe(connection: object) -> None:
            federation_store.put(connection, "demo", {each.person.uid: (None, 0) for each in rest}, side.now())  # type: ignore[arg-type]
            connection.execute(federation_store.state.update().values(lineage="another-numbering-of-it"))  # type: ignore[attr-defined]
            connection.execute(federation_store.entries.delete().where(federation_store.entries.c.text.is_(None)))  # type: ignore[attr-defined]

        await side.database.write(wipe)
        await braked.follow()
        assert set((await braked.standings()).values()) == {"active"}
        assert len(await braked.accounts.every(Filter(held=True))) == 40


OPERATIONS = ("add", "remove", "suspend", "restore", "join", "leave", "grant", "revoke", "until", "readmit")
PEOPLE = 6


async def change(side: Side, operation: str, number: int) -> None:
    """Whatever the registry refuses is no change."""
    uids = side.__dict__.setdefault("uids", {})
    uid = uids.get(number, "")
    try:
        match operation:
            case "add":
                uids[number] = (await side.member(number)).person.uid
            case "remove":
                await side.registry.remove("demo", uid)
            case "suspend":
                await side.registry.suspend("demo", uid, "why")
            case "restore":
                await side.registry.restore("demo", uid)
            case "join":
                await side.registry.join("demo", uid, "/demo/lab")
            case "leave":
                await side.registry.leave("demo", uid, "/demo/lab")
            case "grant":
                await side.registry.grant("demo", uid, RoleGrant("/demo", "pilot"))
            case "revoke":
                await side.registry.revoke("demo", uid, RoleGrant("/demo", "pilot"))
            case "until":
                await side.registry.set_until("demo", uid, side.now())
            case "readmit":
                await side.registry.admit("demo", uid)
    except HansaError:
        return


@pytest.fixture
async def migrated(tmp_path: Path) -> Path:
    """Databases with tables, to be copied: making them anew takes longer than what is tried on them."""
    for component in ("federation", "site"):
        database = Database(f"sqlite:///{tmp_path / component}.db")
        await upgrade(database, component)
        await database.write(lambda connection: None)
        database.close()
    return tmp_path


@asynccontextmanager
async def _pages_of(size: int) -> AsyncIterator[None]:
    before, federation_service.PAGE_BYTES = federation_service.PAGE_BYTES, size
    yield
    federation_service.PAGE_BYTES = before


acts = st.one_of(
    st.tuples(st.sampled_from(OPERATIONS), st.integers(1, PEOPLE)),
    st.tuples(st.sampled_from(["page", "lose", "repeat", "old", "forget", "scan", "anew"]), st.just(0)),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(acts, max_size=25), st.integers(0, 10**6))
async def test_any_changes_with_any_cuts_repetitions_and_losses_end_in_the_state_of_the_registry(
    migrated: Path, tmp_path: Path, steps: list[tuple[str, int]], seed: int
) -> None:
    chance, name = random.Random(seed), uuid4().hex
    for component in ("federation", "site"):
        shutil.copy(migrated / f"{component}.db", tmp_path / f"{name}-{component}.db")
    async with (
        federation_side(f"sqlite:///{tmp_path / name}-federation.db", "demo") as side,
        site_side(side, f"sqlite:///{tmp_path / name}-site.db", await side.site()) as site,
        _pages_of(chance.choice([1, 1500, 512 * 1024])),
    ):
        await side.registry.add_group("demo", "/demo/lab")
        received: list[tuple[bytes, Wish]] = []
        for operation, number in steps:
            wish = await site.accounts.wish()
            match operation:
                case "page":
                    received.append((await side.document(site.site, wish), wish))
                    await site.accounts.receive(*received[-1])
                case "lose":
                    received.append((await side.document(site.site, wish), wish))
                case "repeat" | "old" if received:
                    text, asked = chance.choice(received)
                    try:
                        await site.accounts.receive(text, asked if operation == "repeat" else wish)
                    except (DocumentRefused, OutOfPlace, Diverged):
                        continue
                case "forget":
                    await side.database.write(lambda c: federation_store.forget(c, side.now().replace(year=9000)))
                case "scan":
                    await side.database.write(lambda c: federation_store.ask_scan(c, "demo"))
                case "anew":
                    site.accounts._anew = True
                case _:
                    await change(side, operation, number)
        for _ in range(3):
            try:
                await site.follow()
                break
            except (
                Diverged,
                OutOfPlace,
            ):  # an old page was let in by its own nonce: that is noticed, and all is asked for again
                continue
        await same_as_registry(side, site)
