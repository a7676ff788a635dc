"""What the stores believe about their tables is what the migrations make, in every room and on both engines."""

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from sqlalchemy import MetaData
from tests.support.schema import differences

import hansa
from hansa.base.database import Database
from hansa.base.migrations import upgrade


def stores() -> Iterator[tuple[str, MetaData]]:
    """Modules of `store`s with their metadata."""
    for found in pkgutil.walk_packages(hansa.__path__, "hansa."):
        if ".store" in found.name:
            metadata = getattr(importlib.import_module(found.name), "metadata", None)
            if isinstance(metadata, MetaData):
                yield found.name, metadata


def component(module: str) -> str:
    """The nearest package above that has migrations, as `upgrade` wants it."""
    package = module.rpartition(".")[0]
    while not find_spec(f"{package}.migrations"):
        package = package.rpartition(".")[0]
    return package.removeprefix("hansa.")


STORES = {name: metadata for name, metadata in stores() if not name.startswith("hansa.base.")}


def test_the_rooms_stores_are_found() -> None:
    assert {"hansa.federation.membership.store", "hansa.site.usage.store", "hansa.site.occi.store"} <= STORES.keys()


@pytest.mark.parametrize("store", STORES)
async def test_migrations_make_the_tables_of(store: str, database_url: str) -> None:
    db = Database(database_url)
    try:
        await upgrade(db, component(store))
        assert await differences(db, STORES[store]) == []
    finally:
        db.close()
