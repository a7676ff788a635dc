"""JSON: the feed's own entries, one a line; and SCIM 2.0 (RFC 7643, RFC 7644) users."""

from collections.abc import Sequence
from typing import Any

import orjson

from hansa.standards.memberfeed import Entry, render_entry, slash_of

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
MEMBER = "urn:hansa:params:scim:schemas:extension:member:2.0:User"


def json_lines(entries: Sequence[Entry]) -> bytes:
    return b"".join(render_entry(each) + b"\n" for each in entries)


def scim(entries: Sequence[Entry]) -> bytes:
    """A ListResponse of everybody. What SCIM has no place for stands in an extension of ours."""
    users = [_user(each) for each in entries]
    document = {
        "schemas": [LIST],
        "totalResults": len(users),
        "startIndex": 1,
        "itemsPerPage": len(users),
        "Resources": users,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def _user(entry: Entry) -> dict[str, Any]:
    return {
        "schemas": [USER, MEMBER],
        "id": f"{entry.vo}_{entry.uid}",
        "externalId": entry.uid,
        "userName": entry.uid,
        "displayName": entry.name,
        "active": True,
        "emails": [{"value": entry.mail, "primary": True}] if entry.mail else [],
        "groups": [{"value": path, "display": path} for path in entry.groups],
        "roles": [{"value": role} for role in entry.roles],
        MEMBER: {
            "vo": entry.vo,
            "until": entry.until and entry.until.isoformat(),
            "certificates": [
                {"subject": slash_of(each.subject), "issuer": slash_of(each.issuer)}
                for each in entry.certificates
                if each.usable
            ],
            "logins": [{"iss": each.issuer, "sub": each.subject} for each in entry.logins if each.usable],
        },
    }
