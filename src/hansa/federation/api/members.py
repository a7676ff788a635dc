"""Operations on members of a VO."""

from pydantic import BaseModel

from hansa.federation.api import documents as d
from hansa.federation.api.table import Call, Matching, Operation, operation
from hansa.federation.membership.errors import AlreadyExists, NoSuchGroup, NoSuchRole
from hansa.federation.membership.joining import DEFAULT
from hansa.federation.membership.model import RoleGrant
from hansa.federation.membership.service import Wanted

MEMBERS = "/vos/{vo}/members"
ONE = MEMBERS + "/{uid}"


@operation(
    "GET", MEMBERS, "member:list", "Members, in pages; searched and filtered.", query=d.MemberQuery, answer=d.Members
)
async def list_members(call: Call) -> BaseModel:
    query = call.query(d.MemberQuery)
    wanted = Wanted(query.search, query.state, query.group, query.role, query.robot)
    page = await call.registry.find_members(call.vo, wanted, after=query.after, limit=query.limit)
    items = [d.MemberOut.of(each) for each in page.members]
    return d.Members(items=items, next=None if page.next is None else str(page.next))


@operation("POST", MEMBERS, "member:admit", "Admit somebody.", body=d.MemberIn, answer=d.MemberOut, status=201)
async def admit(call: Call) -> BaseModel:
    body = call.body(d.MemberIn)
    until = body.until if "until" in body.model_fields_set else DEFAULT
    if body.uid is not None:
        return d.MemberOut.of(await call.registry.admit(call.vo, body.uid, until=until, actor=call.actor))
    assert body.certificate
    credential = body.certificate.credential()
    name = body.name or credential.subject.last_common_name or ""
    member = await call.registry.add_member(
        call.vo, credential, name=name, email=body.email, until=until, actor=call.actor
    )
    return d.MemberOut.of(member)


@operation("GET", ONE, "member:read", "One member.", answer=d.MemberOut, matching=Matching.GIVEN)
async def get_member(call: Call) -> BaseModel:
    return d.MemberOut.of(await call.registry.member(call.vo, call.uid))


@operation("DELETE", ONE, "member:remove", "End a membership, with its groups and roles.", status=204)
async def remove_member(call: Call) -> None:
    await call.registry.remove(call.vo, call.uid, actor=call.actor)


@operation("PUT", f"{ONE}/until", "member:renew", "Move the end of a membership.", body=d.UntilIn, answer=d.MemberOut)
async def renew(call: Call) -> BaseModel:
    until = call.body(d.UntilIn).until
    return d.MemberOut.of(await call.registry.set_until(call.vo, call.uid, until, actor=call.actor))


@operation(
    "PUT",
    f"{ONE}/suspension",
    "member:suspend",
    "Suspend a member, who is told the reason.",
    body=d.ReasonIn,
    answer=d.MemberOut,
)
async def suspend(call: Call) -> BaseModel:
    reason = call.body(d.ReasonIn).reason
    return d.MemberOut.of(await call.registry.suspend(call.vo, call.uid, reason, actor=call.actor))


@operation("DELETE", f"{ONE}/suspension", "member:restore", "End a suspension.", answer=d.MemberOut)
async def restore(call: Call) -> BaseModel:
    return d.MemberOut.of(await call.registry.restore(call.vo, call.uid, actor=call.actor))


@operation(
    "PUT",
    f"{ONE}/groups/{{group:path}}",
    "group:join",
    "Put a member into a group and those above, or move the end of that.",
    body=d.UntilIn,
    answer=d.MemberOut,
)
async def join(call: Call) -> BaseModel:
    until = call.body(d.UntilIn).until
    try:
        member = await call.registry.join(call.vo, call.uid, call.group, until=until, actor=call.actor)
    except AlreadyExists:
        member = await call.registry.set_group_until(call.vo, call.uid, call.group, until, actor=call.actor)
    return d.MemberOut.of(member)


@operation(
    "DELETE",
    f"{ONE}/groups/{{group:path}}",
    "group:leave",
    "Take a member out of a group and those below.",
    answer=d.MemberOut,
)
async def leave(call: Call) -> BaseModel:
    try:
        return d.MemberOut.of(await call.registry.leave(call.vo, call.uid, call.group, actor=call.actor))
    except NoSuchGroup:
        return await _there(call)


@operation(
    "PUT",
    f"{ONE}/roles/{{role}}",
    "role:grant",
    "Give a member a role in a group that they are in.",
    query=d.GroupQuery,
    answer=d.MemberOut,
)
async def grant(call: Call) -> BaseModel:
    try:
        return d.MemberOut.of(await call.registry.grant(call.vo, call.uid, _role(call), actor=call.actor))
    except AlreadyExists:
        return await _there(call)


@operation(
    "DELETE", f"{ONE}/roles/{{role}}", "role:revoke", "Take a role away.", query=d.GroupQuery, answer=d.MemberOut
)
async def revoke(call: Call) -> BaseModel:
    try:
        return d.MemberOut.of(await call.registry.revoke(call.vo, call.uid, _role(call), actor=call.actor))
    except NoSuchRole:
        return await _there(call)


@operation(
    "PUT",
    f"{ONE}/attributes/{{name}}",
    "attribute:set",
    "Give a member a value of an attribute.",
    body=d.ValueIn,
    answer=d.MemberOut,
)
async def set_attribute(call: Call) -> BaseModel:
    name, value = call.path["name"], call.body(d.ValueIn).value
    return d.MemberOut.of(await call.registry.set_attribute(call.vo, call.uid, name, value, actor=call.actor))


@operation("DELETE", f"{ONE}/attributes/{{name}}", "attribute:set", "Take a member's value away.", answer=d.MemberOut)
async def unset_attribute(call: Call) -> BaseModel:
    member = await call.registry.unset_attribute(call.vo, call.uid, call.path["name"], actor=call.actor)
    return d.MemberOut.of(member)


@operation(
    "GET",
    f"{ONE}/aup/acceptances",
    "member:read",
    "When a member accepted which version of the policy, newest first.",
    answer=d.Acceptances,
)
async def list_acceptances(call: Call) -> BaseModel:
    found = await call.registry.acceptances(call.vo, call.uid)
    return d.Acceptances(items=[d.AcceptanceOut.of(each) for each in found])


@operation(
    "POST",
    f"{ONE}/aup/acceptances",
    "aup:accept",
    "Accept the policy, at any time, and again.",
    body=d.AcceptanceIn,
    answer=d.MemberOut,
    status=201,
)
async def accept_policy(call: Call) -> BaseModel:
    version = call.body(d.AcceptanceIn).version
    return d.MemberOut.of(await call.registry.accept_policy(call.vo, call.uid, version, actor=call.actor))


async def _there(call: Call) -> d.MemberOut:
    """The member as wanted already: PUT and DELETE may be repeated."""
    return d.MemberOut.of(await call.registry.member(call.vo, call.uid))


def _role(call: Call) -> RoleGrant:
    return RoleGrant(call.query(d.GroupQuery).group or f"/{call.vo}", call.path["role"])


OPERATIONS: tuple[Operation, ...] = (
    list_members,
    admit,
    get_member,
    remove_member,
    renew,
    suspend,
    restore,
    join,
    leave,
    grant,
    revoke,
    set_attribute,
    unset_attribute,
    list_acceptances,
    accept_policy,
)
