"""Perun's service `voms`: the members of VOs as XML, for feeding a VOMS server."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from hansa.standards.memberexport.selection import certificates
from hansa.standards.memberfeed import Entry, slash_of

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def voms_xml(entries: Sequence[Entry]) -> bytes:
    """Every certificate is a user. Two that differ only in case and blanks are one to VOMS: the last one stands."""
    root = Element("vos")
    for vo, members in groupby(entries, key=lambda entry: entry.vo):
        element = SubElement(root, "vo")
        _text(element, "name", vo)
        users = SubElement(element, "users")
        for user in _users(members).values():
            users.append(user)
    indent(root)
    text: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return text + b"\n"


def _users(members: Iterable[Entry]) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for entry in members:
        for each in certificates(entry):
            subject, issuer = slash_of(each.subject), slash_of(each.issuer)
            found[" ".join((subject + issuer).split()).lower()] = _user(entry, subject, issuer)
    return found


def _user(entry: Entry, subject: str, issuer: str) -> Element:
    user = Element("user")
    _text(user, "CA", issuer)
    _text(user, "DN", subject)
    _text(user, "email", entry.mail)
    groups = SubElement(user, "groups")
    for path in entry.groups:
        if path == f"/{entry.vo}":
            continue
        group = SubElement(groups, "group")
        _text(group, "name", path.removeprefix(f"/{entry.vo}/"))
        _roles(group, entry, path)
    _roles(user, entry, f"/{entry.vo}")
    return user


def _roles(parent: Element, entry: Entry, group: str) -> None:
    roles = SubElement(parent, "roles")
    for role in entry.roles:
        path, _, name = role.partition("/Role=")
        if path == group:
            _text(roles, "role", name)


def _text(parent: Element, tag: str, text: str) -> None:
    SubElement(parent, tag).text = _NOT_XML.sub("\ufffd", text)
