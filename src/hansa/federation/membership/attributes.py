"""Generic attributes: names and values that a VO gives its members and groups; sites see them in certificates and tokens."""

import re
from dataclasses import replace

from sqlalchemy import Connection

from hansa.base.errors import BadRequest
from hansa.federation.membership import joining, vos
from hansa.federation.membership.act import Act
from hansa.federation.membership.errors import InvalidName, NoSuchAttribute, ValueTaken
from hansa.federation.membership.joining import Who
from hansa.federation.membership.model import AttributeClass, Member
from hansa.federation.membership.names import one_line, prose
from hansa.federation.membership.store import attributes as store
from hansa.federation.membership.vos import TEXT_MAX, find_group, find_vo

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,62}")
VALUE_MAX = 255


def define(act: Act, vo: str, wanted: AttributeClass) -> None:
    """New, or with another description. Raises ValueTaken if values are to be unique and are not."""
    if not NAME.fullmatch(wanted.name):
        raise InvalidName("An attribute's name consists of letters, digits, '.', '_', ':' and '-'.")
    vo_id = find_vo(act.connection, vo)
    store.define(act.connection, vo_id, replace(wanted, description=prose(wanted.description, "description", TEXT_MAX)))
    if wanted.is_unique and store.repeated(act.connection, _find(act.connection, vo_id, wanted.name)[0]):
        raise ValueTaken(f"Two members have the same value of {wanted.name}.")
    act.note("attribute.defined", vo=vo, attribute=wanted.name, is_unique=wanted.is_unique)


def undefine(act: Act, vo: str, name: str) -> None:
    """With all its values."""
    number, _ = _find(act.connection, find_vo(act.connection, vo), name)
    store.undefine(act.connection, number)
    act.note("attribute.undefined", vo=vo, attribute=name)


def set_for_member(act: Act, vo: str, who: Who, name: str, value: str) -> Member:
    """Raises NoSuchAttribute, ValueTaken."""
    number, known = _find(act.connection, find_vo(act.connection, vo), name)
    member, value = joining.get(act.connection, vo, who, act.now), _value(value)
    holder = store.holder(act.connection, number, value) if known.is_unique else None
    if holder not in (None, member.id):
        raise ValueTaken(f"Another member has the {name} {value}.")
    store.set_for_member(act.connection, member.id, number, value)
    act.note("attribute.set", vo=vo, person=member.person.uid, attribute=name, value=value)
    return joining.get(act.connection, vo, member.id, act.now)


def unset_for_member(act: Act, vo: str, who: Who, name: str) -> Member:
    number, _ = _find(act.connection, find_vo(act.connection, vo), name)
    member = joining.get(act.connection, vo, who, act.now)
    if not store.set_for_member(act.connection, member.id, number, None):
        raise NoSuchAttribute(f"The member has no {name}.")
    act.note("attribute.unset", vo=vo, person=member.person.uid, attribute=name)
    return joining.get(act.connection, vo, member.id, act.now)


def set_for_group(act: Act, vo: str, path: str, name: str, value: str) -> None:
    """Every member of the group has it. Raises NoSuchAttribute, NoSuchGroup."""
    vo_id = vos.find_vo(act.connection, vo)
    number, known = _find(act.connection, vo_id, name)
    if known.is_unique:
        raise BadRequest(f"The values of {name} are unique; a group has several members.", field="name")
    value = _value(value)
    store.set_for_group(act.connection, find_group(act.connection, vo_id, path), number, value)
    act.note("attribute.set", vo=vo, group=path, attribute=name, value=value)


def unset_for_group(act: Act, vo: str, path: str, name: str) -> None:
    vo_id = vos.find_vo(act.connection, vo)
    number, _ = _find(act.connection, vo_id, name)
    if not store.set_for_group(act.connection, find_group(act.connection, vo_id, path), number, None):
        raise NoSuchAttribute(f"The group has no {name}.")
    act.note("attribute.unset", vo=vo, group=path, attribute=name)


def _find(connection: Connection, vo_id: int, name: str) -> tuple[int, AttributeClass]:
    found = store.find(connection, vo_id, name)
    if found is None:
        raise NoSuchAttribute(f"The VO defines no attribute {name}.")
    return found


def _value(text: str) -> str:
    value = one_line(text, "value", VALUE_MAX)
    if not value:
        raise BadRequest("A value, please; remove the attribute instead of emptying it.", field="value")
    return value
