"""EC2 keys and other credentials, sealed where they lie."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hansa.base.database import Database
from hansa.base.errors import BadRequest, Conflict, NotFound
from hansa.base.migrations import upgrade
from hansa.site.keystone.vault import Credential, Vault
from hansa.site.keystone.vault.model import BLOB_MAX, ec2_id
from hansa.site.keystone.vault.store import credentials

BLOB = '{"access": "AKIA", "secret": "hush"}'


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url)
    await upgrade(db, "site")
    yield db
    db.close()


def vault_of(database: Database, *keys: bytes) -> Vault:
    ring = MultiFernet([Fernet(key) for key in keys])
    return Vault(database, lambda: ring)


async def test_what_lies_in_the_database_says_nothing(database: Database) -> None:
    vault = vault_of(database, Fernet.generate_key())
    made = await vault.add(Credential("", "u1", "totp", "JBSWY3DPEHPK3PXP"))
    assert await vault.get(made.id) == made
    rows = await database.read(lambda connection: connection.execute(sa.select(credentials)).all())
    assert "JBSWY3DPEHPK3PXP" not in repr(rows)
    assert "JBSWY3DPEHPK3PXP" not in repr(made)


async def test_an_older_key_of_the_ring_still_opens_and_a_foreign_one_does_not(database: Database) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    made = await vault_of(database, old).add(Credential("", "u1", "totp", "x"))
    assert await vault_of(database, new, old).get(made.id) == made
    with pytest.raises(InvalidToken):
        await vault_of(database, new).get(made.id)


async def test_an_ec2_key_is_found_by_its_access_key_and_there_is_one_of_it(database: Database) -> None:
    vault = vault_of(database, Fernet.generate_key())
    made = await vault.add(Credential("", "u1", "ec2", BLOB, "p1"))
    assert made.id == ec2_id("AKIA")
    with pytest.raises(Conflict):
        await vault.add(Credential("", "u2", "ec2", BLOB, "p2"))
    assert (await vault.get(made.id)).user == "u1"


@pytest.mark.parametrize(
    "blob", ["", "[]", "{}", '{"access": 1, "secret": "s"}', '{"access": "a"}', '{"access": "", "secret": "s"}']
)
async def test_an_ec2_key_without_both_keys_is_refused(tmp_path: Path, blob: str) -> None:
    db = Database(f"sqlite:///{tmp_path / 'v.db'}")
    try:
        await upgrade(db, "site")
        vault = vault_of(db, Fernet.generate_key())
        with pytest.raises(BadRequest, match="JSON object with access and secret"):
            await vault.add(Credential("", "u1", "ec2", blob, "p1"))
        with pytest.raises(BadRequest, match="for a project"):
            await vault.add(Credential("", "u1", "ec2", BLOB))
        with pytest.raises(BadRequest, match="characters"):
            await vault.add(Credential("", "u1", "cert", "x" * (BLOB_MAX + 1)))
    finally:
        db.close()


async def test_lists_are_of_one_user_or_one_type(database: Database) -> None:
    vault = vault_of(database, Fernet.generate_key())
    first = await vault.add(Credential("", "u1", "ec2", BLOB, "p1"))
    second = await vault.add(Credential("", "u2", "totp", "x"))
    assert await vault.listed(user="u1") == [first]
    assert await vault.listed(type="totp") == [second]
    changed = await vault.change(second.id, "y")
    assert (await vault.get(second.id)).blob == changed.blob == "y"
    await vault.remove(first.id)
    with pytest.raises(NotFound):
        await vault.remove(first.id)
