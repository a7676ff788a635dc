"""Operations on persons and their credentials."""

import secrets
from dataclasses import replace

from pydantic import BaseModel

from hansa.base.errors import BadRequest, Forbidden
from hansa.federation.api import documents as d
from hansa.federation.api.etags import unchanged
from hansa.federation.api.table import Call, Matching, Operation, operation
from hansa.federation.api.vos import changes
from hansa.federation.identity.model import Reason
from hansa.federation.membership.linking import LIFETIME
from hansa.federation.membership.model import Details, Person

ONE = "/persons/{uid}"
CREDENTIAL = ONE + "/credentials/{number}"


@operation("GET", "/whoami", None, "Who the caller is, also one who is not registered.", answer=d.WhoAmI)
async def whoami(call: Call) -> BaseModel:
    caller = call.caller
    return d.WhoAmI(
        person=d.PersonOut.of(caller.person) if caller.person else None,
        credential=d.CredentialOut.shown(caller.credential) if caller.credential else None,
        operator=caller.operator,
        limited=caller.is_limited,
        memberships=[d.HeldOut.of(each) for each in caller.held],
    )


@operation("GET", "/persons", "person:list", "Persons, in pages; searched.", query=d.Searching, answer=d.Persons)
async def list_persons(call: Call) -> BaseModel:
    query = call.query(d.Searching)
    found = await call.registry.find_persons(query.search, after=query.after, limit=query.limit + 1)
    page = found[: query.limit]
    return d.Persons(
        items=[d.PersonOut.of(each) for each in page], next=str(page[-1].id) if len(found) > query.limit else None
    )


@operation(
    "POST", "/persons", "person:create", "Register a person.", body=d.NewPersonIn, answer=d.PersonOut, status=201
)
async def create_person(call: Call) -> BaseModel:
    body = call.body(d.NewPersonIn)
    credentials = [each.credential() for each in body.credentials]
    return d.PersonOut.of(await call.registry.add_person(body.details(), credentials, actor=call.actor))


@operation("GET", ONE, "person:read", "One person.", answer=d.PersonOut, matching=Matching.GIVEN)
async def get_person(call: Call) -> BaseModel:
    return d.PersonOut.of(await call.registry.person(call.uid))


@operation(
    "PUT",
    ONE,
    "person:change",
    "Change what is known of a person. An address changed by the person is not verified any more.",
    body=d.PersonIn,
    answer=d.PersonOut,
    matching=Matching.REQUIRED_IF_SENT,
)
async def change_person(call: Call) -> BaseModel:
    details, same = call.body(d.PersonIn).details(), unchanged(call, d.PersonOut.of)
    if not call.caller.operator:
        details = _own(details, await call.registry.person(call.uid))
    return d.PersonOut.of(await call.registry.update_person(call.uid, details, expected=same, actor=call.actor))


def _own(wanted: Details, present: Person) -> Details:
    """What people may change about themselves."""
    for field in ("login", "robot", "sponsor"):
        if getattr(wanted, field) != getattr(present, field):
            raise Forbidden(f"Only an operator changes the {field}.", reason=Reason.NOT_ALLOWED.value, field=field)
    return replace(wanted, email_verified=present.email_verified and wanted.email == present.email)


@operation("DELETE", ONE, "person:erase", "Erase somebody who is in no VO any more.", status=204)
async def erase_person(call: Call) -> None:
    await call.registry.erase_person(call.uid, actor=call.actor)


@operation("PUT", f"{ONE}/password", "password:set", "Set the password for logging in.", body=d.PasswordIn, status=204)
async def set_password(call: Call) -> None:
    password = call.body(d.PasswordIn).password.encode()
    await call.registry.set_password(call.uid, password, actor=call.actor)


@operation("DELETE", f"{ONE}/password", "password:set", "Take the password away.", status=204)
async def unset_password(call: Call) -> None:
    await call.registry.set_password(call.uid, None, actor=call.actor)


@operation("GET", f"{ONE}/memberships", "person:read", "What a person is in which VO.", answer=d.Memberships)
async def list_memberships(call: Call) -> BaseModel:
    return d.Memberships(items=[d.HeldOut.of(each) for each in await call.registry.memberships_of(call.uid)])


@operation("GET", f"{ONE}/robots", "person:read", "The robots that a person answers for.", answer=d.Persons)
async def list_robots(call: Call) -> BaseModel:
    return d.Persons(items=[d.PersonOut.of(each) for each in await call.registry.robots_of(call.uid)])


@operation(
    "GET", f"{ONE}/changes", "history:own", "What has changed about a person.", query=d.ChangeQuery, answer=d.Changes
)
async def list_person_changes(call: Call) -> BaseModel:
    query = call.query(d.ChangeQuery)
    return changes(await call.registry.changes(query.after, query.limit, person=call.uid), query.after)


@operation("GET", f"{ONE}/credentials", "credential:list", "A person's credentials.", answer=d.Credentials)
async def list_credentials(call: Call) -> BaseModel:
    return d.Credentials(items=[d.CredentialOut.of(each) for each in await call.registry.credentials(call.uid)])


@operation(
    "POST",
    f"{ONE}/credentials",
    "credential:add",
    "Register one more credential, on an operator's word.",
    body=d.CredentialIn,
    answer=d.CredentialOut,
    status=201,
)
async def add_credential(call: Call) -> BaseModel:
    credential = call.body(d.CredentialIn).credential()
    return d.CredentialOut.of(await call.registry.link(call.uid, credential, actor=call.actor))


@operation("DELETE", CREDENTIAL, "credential:remove", "Remove a credential.", status=204)
async def remove_credential(call: Call) -> None:
    await call.registry.unlink(call.uid, _number(call), actor=call.actor)


@operation(
    "PUT",
    f"{CREDENTIAL}/suspension",
    "credential:suspend",
    "Suspend one credential; the others go on.",
    body=d.ReasonIn,
    answer=d.CredentialOut,
)
async def suspend_credential(call: Call) -> BaseModel:
    reason = call.body(d.ReasonIn).reason
    found = await call.registry.suspend_credential(call.uid, _number(call), reason, actor=call.actor)
    return d.CredentialOut.of(found)


@operation(
    "DELETE",
    f"{CREDENTIAL}/suspension",
    "credential:restore",
    "End the suspension of a credential.",
    answer=d.CredentialOut,
)
async def restore_credential(call: Call) -> BaseModel:
    found = await call.registry.restore_credential(call.uid, _number(call), actor=call.actor)
    return d.CredentialOut.of(found)


@operation(
    "POST",
    f"{ONE}/link-token",
    "credential:link",
    "A one-time token, with which another credential becomes the caller's own within 15 minutes.",
    answer=d.LinkTokenOut,
    status=201,
)
async def offer_link(call: Call) -> BaseModel:
    token = secrets.token_urlsafe(32)
    await call.registry.offer_link(call.uid, token)
    return d.LinkTokenOut(token=token, expires=call.commons.clock() + LIFETIME)


@operation(
    "POST",
    "/links",
    None,
    "Redeem such a token with the other credential.",
    body=d.LinkIn,
    answer=d.CredentialOut,
    status=201,
)
async def redeem_link(call: Call) -> BaseModel:
    credential = call.caller.credential
    if credential is None:
        raise BadRequest("Show the credential that is to be linked: a certificate, or a log-in by another provider.")
    return d.CredentialOut.of(await call.registry.redeem_link(call.body(d.LinkIn).token, credential))


def _number(call: Call) -> int:
    text = call.path["number"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


OPERATIONS: tuple[Operation, ...] = (
    whoami,
    list_persons,
    create_person,
    get_person,
    change_person,
    erase_person,
    set_password,
    unset_password,
    list_memberships,
    list_robots,
    list_person_changes,
    list_credentials,
    add_credential,
    remove_credential,
    suspend_credential,
    restore_credential,
    offer_link,
    redeem_link,
)
