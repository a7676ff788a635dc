"""Operations on VOs: what they say of themselves, groups, roles, policies, attributes, history."""

from pydantic import BaseModel

from hansa.federation.api import documents as d
from hansa.federation.api.etags import unchanged
from hansa.federation.api.table import Call, Matching, Operation, operation
from hansa.federation.membership.errors import AlreadyExists
from hansa.federation.membership.model import AttributeClass, Change, Role

VO = "/vos/{vo}"


@operation("GET", "/vos", "vo:list", "All VOs.", answer=d.Vos)
async def list_vos(call: Call) -> BaseModel:
    return d.Vos(items=[d.VoOut.of(each) for each in await call.registry.vos()])


@operation("POST", "/vos", "vo:create", "Create a VO.", body=d.VoIn, answer=d.VoOut, status=201)
async def create_vo(call: Call) -> BaseModel:
    body = call.body(d.VoIn)
    await call.registry.create_vo(body.name, body.profile(), actor=call.actor)
    return d.VoOut.of(await call.registry.vo(body.name))


@operation("GET", VO, "vo:list", "One VO.", answer=d.VoOut, matching=Matching.GIVEN)
async def get_vo(call: Call) -> BaseModel:
    return d.VoOut.of(await call.registry.vo(call.vo))


@operation(
    "PUT",
    VO,
    "vo:change",
    "Change what a VO says of itself, and its terms.",
    body=d.ProfileIn,
    answer=d.VoOut,
    matching=Matching.REQUIRED_IF_SENT,
)
async def change_vo(call: Call) -> BaseModel:
    expected = unchanged(call, d.VoOut.of)
    vo = await call.registry.set_profile(call.vo, call.body(d.ProfileIn).profile(), expected=expected, actor=call.actor)
    return d.VoOut.of(vo)


@operation("DELETE", VO, "vo:create", "Remove a VO that has no members.", status=204)
async def remove_vo(call: Call) -> None:
    await call.registry.remove_vo(call.vo, actor=call.actor)


@operation("GET", f"{VO}/groups", "group:list", "The groups of a VO.", answer=d.Groups)
async def list_groups(call: Call) -> BaseModel:
    return d.Groups(items=[d.GroupOut.of(each) for each in await call.registry.group_list(call.vo)])


@operation(
    "PUT",
    f"{VO}/groups/{{group:path}}",
    "group:add",
    "Create a group (without the VO's name in front), or describe it anew.",
    body=d.DescriptionIn,
    status=204,
    at_parent=True,
)
async def put_group(call: Call) -> None:
    description = call.body(d.DescriptionIn).description
    try:
        await call.registry.add_group(call.vo, call.group, description, actor=call.actor)
    except AlreadyExists:
        await call.registry.describe_group(call.vo, call.group, description, actor=call.actor)


@operation(
    "DELETE",
    f"{VO}/groups/{{group:path}}",
    "group:remove",
    "Remove a group and those below it.",
    status=204,
    at_parent=True,
)
async def remove_group(call: Call) -> None:
    await call.registry.remove_group(call.vo, call.group, actor=call.actor)


@operation(
    "GET", f"{VO}/roles", "role:list", "The roles a VO has defined; none: every name may be given.", answer=d.Roles
)
async def list_roles(call: Call) -> BaseModel:
    return d.Roles(items=[d.RoleOut.of(each) for each in await call.registry.roles(call.vo)])


@operation("PUT", f"{VO}/roles/{{role}}", "role:define", "Define a role.", body=d.DescriptionIn, status=204)
async def define_role(call: Call) -> None:
    role = Role(call.path["role"], call.body(d.DescriptionIn).description)
    await call.registry.define_role(call.vo, role, actor=call.actor)


@operation(
    "DELETE", f"{VO}/roles/{{role}}", "role:define", "Take a role's definition back; holders keep it.", status=204
)
async def undefine_role(call: Call) -> None:
    await call.registry.undefine_role(call.vo, call.path["role"], actor=call.actor)


@operation("GET", f"{VO}/aup", "aup:read", "The acceptable use policy in force.", answer=d.PolicyOut)
async def get_policy(call: Call) -> BaseModel:
    return d.PolicyOut.of(await call.registry.policy(call.vo))


@operation("GET", f"{VO}/aup/versions", "aup:read", "All versions of the policy, newest first.", answer=d.Policies)
async def list_policies(call: Call) -> BaseModel:
    return d.Policies(items=[d.PolicyOut.of(each) for each in await call.registry.policies(call.vo)])


@operation(
    "POST",
    f"{VO}/aup/versions",
    "aup:publish",
    "Publish a version of the policy.",
    body=d.PolicyIn,
    answer=d.PolicyOut,
    status=201,
)
async def publish_policy(call: Call) -> BaseModel:
    body = call.body(d.PolicyIn)
    policy = await call.registry.publish_policy(
        call.vo, body.version, body.text, body.url, asks_again=body.asks_again, actor=call.actor
    )
    return d.PolicyOut.of(policy)


@operation("GET", f"{VO}/attributes", "attribute:list", "The attributes a VO has defined.", answer=d.AttributeClasses)
async def list_attributes(call: Call) -> BaseModel:
    found = await call.registry.attribute_classes(call.vo)
    return d.AttributeClasses(items=[d.AttributeClassOut.of(each) for each in found])


@operation(
    "PUT", f"{VO}/attributes/{{name}}", "attribute:define", "Define an attribute.", body=d.AttributeClassIn, status=204
)
async def define_attribute(call: Call) -> None:
    body = call.body(d.AttributeClassIn)
    wanted = AttributeClass(call.path["name"], body.description, body.unique)
    await call.registry.define_attribute(call.vo, wanted, actor=call.actor)


@operation(
    "DELETE", f"{VO}/attributes/{{name}}", "attribute:define", "Remove an attribute with all its values.", status=204
)
async def undefine_attribute(call: Call) -> None:
    await call.registry.undefine_attribute(call.vo, call.path["name"], actor=call.actor)


@operation("GET", f"{VO}/group-attributes", "attribute:list", "The attributes of groups.", answer=d.Attributes)
async def list_group_attributes(call: Call) -> BaseModel:
    found = await call.registry.group_attributes(call.vo)
    return d.Attributes(items=[d.AttributeOut.of(each) for each in found])


@operation(
    "PUT",
    f"{VO}/group-attributes/{{name}}",
    "attribute:set",
    "Give all members of a group an attribute.",
    query=d.GroupQuery,
    body=d.ValueIn,
    status=204,
)
async def set_group_attribute(call: Call) -> None:
    group = call.query(d.GroupQuery).group or f"/{call.vo}"
    value = call.body(d.ValueIn).value
    await call.registry.set_group_attribute(call.vo, group, call.path["name"], value, actor=call.actor)


@operation(
    "DELETE",
    f"{VO}/group-attributes/{{name}}",
    "attribute:set",
    "Take an attribute from a group.",
    query=d.GroupQuery,
    status=204,
)
async def unset_group_attribute(call: Call) -> None:
    group = call.query(d.GroupQuery).group or f"/{call.vo}"
    await call.registry.unset_group_attribute(call.vo, group, call.path["name"], actor=call.actor)


@operation("GET", f"{VO}/changes", "history:read", "What has changed in a VO.", query=d.ChangeQuery, answer=d.Changes)
async def list_vo_changes(call: Call) -> BaseModel:
    query = call.query(d.ChangeQuery)
    found = await call.registry.changes(query.after, query.limit, vo=call.vo)
    return changes(found, query.after)


@operation("GET", "/changes", "history:all", "What has changed anywhere.", query=d.ChangeQuery, answer=d.Changes)
async def list_changes(call: Call) -> BaseModel:
    query = call.query(d.ChangeQuery)
    return changes(await call.registry.changes(query.after, query.limit), query.after)


@operation(
    "GET",
    f"{VO}/issued",
    "history:read",
    "The attribute certificates issued last.",
    query=d.LimitQuery,
    answer=d.Issued,
)
async def list_issued(call: Call) -> BaseModel:
    found = await call.registry.issued(call.vo, call.query(d.LimitQuery).limit)
    return d.Issued(items=[d.IssuedOut.of(each) for each in found])


def changes(found: list[Change], after: int) -> d.Changes:
    return d.Changes(items=[d.ChangeOut.of(each) for each in found], next=found[-1].seq if found else after)


OPERATIONS: tuple[Operation, ...] = (
    list_vos,
    create_vo,
    get_vo,
    change_vo,
    remove_vo,
    list_groups,
    put_group,
    remove_group,
    list_roles,
    define_role,
    undefine_role,
    get_policy,
    list_policies,
    publish_policy,
    list_attributes,
    define_attribute,
    undefine_attribute,
    list_group_attributes,
    set_group_attribute,
    unset_group_attribute,
    list_vo_changes,
    list_changes,
    list_issued,
)
