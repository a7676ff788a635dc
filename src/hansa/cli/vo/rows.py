"""Documents of the API as rows for people and scripts."""

from typing import Any

from hansa.cli.output import Row, emit_one

MEMBER_COLUMNS = ("id", "name", "state", "subject", "groups", "roles", "until")


def member_row(member: Any) -> Row:
    person, usable = member["person"], [each for each in member["credentials"] if each["suspended"] is None]
    certificates = [each["dn"] for each in usable if each["kind"] == "x509"]
    return {
        "id": member["id"],
        "uid": person["uid"],
        "vo": member["vo"],
        "name": person["name"],
        "email": person["email"],
        "robot": person["robot"],
        "state": member["state"],
        "reason": member["reason"],
        "since": member["since"],
        "until": member["until"],
        "aup_due": member["aup_due"],
        "aup_overdue": member["aup_overdue"],
        "subject": certificates[0] if certificates else None,
        "credentials": [credential_names(each) for each in member["credentials"]],
        "groups": [each["path"] for each in member["groups"]],
        "group_ends": {each["path"]: each["until"] for each in member["groups"] if each["until"]},
        "roles": [f"{each['group']}/Role={each['role']}" for each in member["roles"]],
        "attributes": member["attributes"],
    }


def credential_names(credential: Any) -> Row:
    names = {
        "subject": credential["dn"] or credential["subject"],
        "issuer": credential["issuer_dn"] or credential["issuer"],
    }
    return names if credential["suspended"] is None else names | {"suspended": credential["suspended"]}


def show_member(member: Any, output: str) -> None:
    emit_one(member_row(member), output)
