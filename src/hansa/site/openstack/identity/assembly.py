"""How the rooms behind the face come together at one desk."""

from collections.abc import Callable
from datetime import datetime

from cryptography.fernet import MultiFernet

from hansa.base.database import Database
from hansa.site.directory import Directory
from hansa.site.identity import Identity
from hansa.site.identity.grid import GridCertificate
from hansa.site.identity.tokens import Tokens
from hansa.site.issuers import Bearer
from hansa.site.issuers.register import Register
from hansa.site.keystone.catalogue import Catalogue
from hansa.site.keystone.delegation import Applications, Trusts
from hansa.site.keystone.forget import forget, unassigned
from hansa.site.keystone.vault import Vault
from hansa.site.openstack.identity.catalog import own_entries
from hansa.site.openstack.identity.delegates import Delegates, Lasting
from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.federated import Federated
from hansa.site.openstack.identity.render import Place
from hansa.site.openstack.identity.service import Keystone


def make_desk(
    identity: Identity,
    tokens: Tokens,
    directory: Directory,
    place: Place,
    database: Database,
    clock: Callable[[], datetime],
    keys: Callable[[], MultiFernet],
) -> Desk:
    """`keys` seal credentials, and what a browser keeps during a log-in."""
    catalogue = Catalogue(database, clock, own_entries(place), place.region)
    lasting = Lasting(identity, directory)
    applications, trusts = Applications(database, clock, lasting), Trusts(database, clock, lasting)
    delegates = Delegates(lasting, directory, applications, trusts)
    tokens.follow(delegates)
    directory.book.also_remove(forget)
    directory.book.also_unassign(unassigned)
    keystone = Keystone(identity, tokens, directory, delegates)
    bearer, voms = identity.way(Bearer), identity.way(GridCertificate)
    register = Register(database, bearer.providers if bearer else (), place.identity_provider if voms else None)
    tokens.heed(register.is_open)
    return Desk(
        keystone=keystone,
        identity=identity,
        tokens=tokens,
        directory=directory,
        place=place,
        catalogue=catalogue,
        vault=Vault(database, keys),
        delegates=delegates,
        register=register,
        federated=Federated(keystone, identity, directory, register),
        sealing=keys,
        database=database,
        clock=clock,
    )
