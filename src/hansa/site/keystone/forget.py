"""What goes with a user or a project of the directory, in the transaction that removes it."""

from sqlalchemy import Connection

from hansa.site.directory import Kind
from hansa.site.keystone.catalogue import store as catalogue
from hansa.site.keystone.delegation import store as delegation
from hansa.site.keystone.vault import store as vault


def forget(connection: Connection, kind: Kind, identifier: str) -> None:
    if kind is Kind.USER:
        delegation.forget_user(connection, identifier)
        vault.forget_user(connection, identifier)
    elif kind is Kind.PROJECT:
        delegation.forget_project(connection, identifier)
        vault.forget_project(connection, identifier)
        catalogue.forget_project(connection, identifier)
