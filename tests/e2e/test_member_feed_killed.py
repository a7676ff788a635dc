"""kill -9 of the federation and of the site, at any moment, while members come and go: both end with the same state."""

import asyncio
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.feed_wire import FeedProcess, feed_process, until
from tests.support.pki import Grid, write_credential
from tests.support.ports import free_port
from tests.support.site_process import MEMORY, SiteProcess
from tests.support.voms import holder

from hansa.base.database import Database
from hansa.site.accounts import store
from hansa.site.accounts.model import Filter

pytestmark = pytest.mark.slow
ROUNDS = 6
PEOPLE = 12


async def told(database: Database) -> dict[str, tuple[str, str]]:
    """uid -> state as told, and standing."""
    found = await database.read(lambda c: store.accounts(c, Filter(), limit=1000))
    return {each.uid: (each.entry.state.value if each.entry else "", each.standing.value) for each in found}


async def is_same(federation: FeedProcess, database: Database) -> bool:
    members = await federation.server.registry.members(federation.server.grid.vo)
    wanted = {each.person.uid: each.state.value for each in members}
    known = await told(database)
    present = {uid: state for uid, (state, _) in known.items() if state}
    return present == wanted and all(standing == state for state, standing in known.values() if state)


async def changes(federation: FeedProcess, chance: random.Random, uids: list[str]) -> None:
    registry, vo = federation.server.registry, federation.server.grid.vo
    for _ in range(PEOPLE):
        uid = chance.choice(uids)
        members = {each.person.uid: each.state.value for each in await registry.members(vo)}
        if uid not in members:
            await registry.admit(vo, uid)
        elif members[uid] == "suspended":
            await registry.restore(vo, uid)
        elif chance.random() < 0.5:
            await registry.suspend(vo, uid, "why")
        else:
            await registry.remove(vo, uid)
        await asyncio.sleep(chance.random() * 0.05)


async def test_at_any_moment_on_either_side(tmp_path: Path) -> None:
    grid, chance = Grid(now=datetime.now(UTC), port=free_port()), random.Random(7)
    async with feed_process(grid, tmp_path / "federation") as federation:
        uids = [(await federation.server.admit(grid.user(f"Member {number}"))).person.uid for number in range(PEOPLE)]
        await federation.server.add_site()
        directory = tmp_path / "site"
        directory.mkdir()
        accounts = f"""
[accounts]
federation = "{federation.server.url}"
keys = "{federation.server.keys}"
certificate = "hostcert.pem"
key = "hostkey.pem"
[accounts.brake]
percent = 100
"""
        site = SiteProcess(directory, grid, MEMORY + accounts)
        text = (directory / "site.toml").read_text()
        (directory / "site.toml").write_text(text.replace("[site]\n", '[site]\nname = "TEST-SITE"\n', 1))
        database = Database(f"sqlite:///{directory / 'site.db'}")
        try:
            await site.start()
            for _ in range(ROUNDS):
                working = asyncio.create_task(changes(federation, chance, uids))
                await asyncio.sleep(chance.random() * 0.6)
                if chance.random() < 0.5:
                    await federation.kill()
                    await asyncio.sleep(chance.random() * 0.3)
                    await federation.start()
                else:
                    await site.kill()
                    await asyncio.sleep(chance.random() * 0.3)
                    await site.start()
                await working
                await until(lambda: is_same(federation, database), tries=1200)
            lines = [json.loads(line) for line in (directory / "audit.log").read_text().splitlines()]
            assert not [line for line in lines if line["event"] == "accounts.document_refused"]
            suspended = next((u for u, (state, _) in (await told(database)).items() if state == "suspended"), None)
            if suspended is None:
                suspended = uids[0]
                member = {each.person.uid for each in await federation.server.registry.members(grid.vo)}
                if suspended not in member:
                    await federation.server.registry.admit(grid.vo, suspended)
                await federation.server.registry.suspend(grid.vo, suspended, "why")
                await until(lambda: is_same(federation, database))
            user = grid.user(f"Member {uids.index(suspended)}")
            assert holder(user)
            write_credential(directory / "proxy.pem", user)
            site.show(grid.voms_proxy(user))
            assert (await site.request("GET", "/compute/")).status == 403
        finally:
            database.close()
            await site.kill()
