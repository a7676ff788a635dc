"""What goes with a user, a project or a role of the directory, in the transaction that takes it away."""

from sqlalchemy import Connection

from hansa.site.directory import Assignment, Kind
from hansa.site.directory.roles import closure
from hansa.site.directory.store import groups, roles
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


def unassigned(connection: Connection, assignment: Assignment) -> None:
    """The application credentials with a role that was taken away: they do not wait for it to come back.

    What was inherited, or is lost with a group, is noticed when the credential is used.
    """
    if assignment.target.kind is not Kind.PROJECT or assignment.is_inherited:
        return
    users = [assignment.actor_id]
    if assignment.actor_kind is Kind.GROUP:
        users = groups.memberships(connection).get(assignment.actor_id, [])
    lost = set(closure([assignment.role_id], roles.implications(connection)))
    for user in users:
        for each in delegation.applications_of(connection, user):
            if each.project == assignment.target.id and not lost.isdisjoint(each.roles):
                delegation.remove_application(connection, each.id)
