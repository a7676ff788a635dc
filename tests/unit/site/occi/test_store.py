"""What OCCI keeps itself, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa.base.database import Database
from hansa.base.errors import Conflict
from hansa.base.migrations import upgrade
from hansa.cloud.model import ProjectId
from hansa.site.occi import store
from hansa.site.occi.store import Annotations, Note
from hansa.standards.occi import Mixin

ALICE, BOB = ProjectId("alice"), ProjectId("bob")
RED = Mixin("red", "http://a#", "Red", depends=("http://b#c", "http://b#d"), location="/red/")
BLUE = Mixin("blue", "http://a#", location="/blue/")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = request.param == "sqlite"
    made = Database(f"sqlite:///{tmp_path / 'site.db'}" if sqlite else request.getfixturevalue("postgres_url"))
    yield made
    made.close()


async def read(database: Database, project: ProjectId = ALICE) -> Annotations:
    return await database.read(lambda c: store.read_annotations(c, project))


async def test_mixins_tags_and_notes(database: Database) -> None:
    await upgrade(database, "site")
    for mixin in (RED, BLUE, RED):
        await database.write(lambda c, mixin=mixin: store.add_mixin(c, ALICE, mixin))  # type: ignore[misc]
    await database.write(lambda c: store.tag(c, ALICE, RED.id, ("/compute/1", "/compute/2", "/compute/1")))
    await database.write(lambda c: store.tag(c, ALICE, RED.id, ("/compute/2",)))
    await database.write(lambda c: store.set_tags(c, ALICE, "/compute/3", (BLUE.id, RED.id)))
    await database.write(lambda c: store.write_note(c, ALICE, "/compute/1", Note(summary="one")))
    await database.write(lambda c: store.write_note(c, ALICE, "/compute/1", Note("t", "two")))
    assert await read(database) == Annotations(
        mixins=(BLUE, RED),
        tags={"/compute/1": (RED.id,), "/compute/2": (RED.id,), "/compute/3": (BLUE.id, RED.id)},
        notes={"/compute/1": Note("t", "two")},
    )
    assert await read(database, BOB) == Annotations((), {}, {})
    await database.write(lambda c: store.untag(c, ALICE, RED.id, ("/compute/1",)))
    await database.write(lambda c: store.retag(c, ALICE, BLUE.id, ("/compute/2",)))
    await database.write(lambda c: store.write_note(c, ALICE, "/compute/1", Note()))
    found = await read(database)
    assert found.tags == {"/compute/2": (BLUE.id, RED.id), "/compute/3": (RED.id,)}
    assert found.notes == {}
    await database.write(lambda c: store.forget(c, ALICE, "/compute/3"))
    await database.write(lambda c: store.remove_mixin(c, ALICE, RED.id))
    assert await read(database) == Annotations((BLUE,), {"/compute/2": (BLUE.id,)}, {})


async def test_a_mixin_with_anothers_name_or_location_is_a_conflict(database: Database) -> None:
    await upgrade(database, "site")
    await database.write(lambda c: store.add_mixin(c, ALICE, RED))
    for other in (Mixin("red", "http://a#", location="/other/"), Mixin("other", "http://a#", location="/red/")):
        with pytest.raises(Conflict):
            await database.write(lambda c, other=other: store.add_mixin(c, ALICE, other))  # type: ignore[misc]
    await database.write(lambda c: store.add_mixin(c, BOB, Mixin("other", "http://a#", location="/red/")))
