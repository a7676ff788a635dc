"""`hansa vo member import|export`: many members, as CSV or JSON. An import that was cut off is simply repeated."""

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from hansa.base.errors import BadRequest, HansaError
from hansa.base.i18n import _, ngettext
from hansa.cli.errors import ExitCode
from hansa.cli.output import Row, emit_list, output_option, say
from hansa.cli.vo.registry import registry, vo_argument
from hansa.client.registry import Registry, pages

COLUMNS = ("name", "email", "subject", "issuer", "until", "groups", "roles")
MAX_FILE = 256 * 1024 * 1024


@click.command("import", help=_("Admit everybody in a CSV or JSON file; may be repeated."))
@vo_argument
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@output_option
def import_members(vo: str, file: Path, output: str) -> int:
    wanted = _read(file)
    failures: list[Row] = []
    with registry() as api, click.progressbar(wanted, label=_("Importing"), file=sys.stderr) as bar:
        for number, each in enumerate(bar, 1):
            try:
                _admit(api, vo, each)
            except HansaError as error:
                failures.append({"record": number, "name": each["name"], "code": error.code, "message": error.message})
    done = len(wanted) - len(failures)
    say(ngettext("{n} member is there.", "{n} members are there.", done).format(n=done))
    if not failures:
        return ExitCode.OK
    say(ngettext("{n} record was refused:", "{n} records were refused:", len(failures)).format(n=len(failures)))
    emit_list(failures, ("record", "name", "code", "message"), output)
    return ExitCode.PARTIAL


@click.command("export", help=_("Write all members to a CSV or JSON file (its name tells); - is CSV on stdout."))
@vo_argument
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
def export_members(vo: str, file: Path) -> None:
    with registry() as api:
        total = api.ask("GET", f"/vos/{vo}")["members"]
        found = pages(api, f"/vos/{vo}/members")
        with click.progressbar(found, length=total, label=_("Exporting"), file=sys.stderr) as bar:
            records = [_record(each) for each in bar]
    if file.suffix == ".json":
        file.write_text(json.dumps(records, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    text = _csv(records)
    if str(file) == "-":
        click.echo(text, nl=False)
    else:
        file.write_text(text, encoding="utf-8")


def _admit(api: Registry, vo: str, record: Row) -> None:
    """Each step may be done already."""
    uid = _uid(api, vo, record)
    one = f"/vos/{vo}/members/{uid}"
    for group in sorted(record["groups"]):
        inner = group.removeprefix(f"/{vo}").lstrip("/")
        if inner:
            api.ask("PUT", f"{one}/groups/{inner}", {})
    for role in record["roles"]:
        group, _sep, name = role.rpartition("/Role=")
        api.ask("PUT", f"{one}/roles/{name}", group=group)


def _uid(api: Registry, vo: str, record: Row) -> str:
    wanted = {
        "certificate": {"subject": record["subject"], "issuer": record["issuer"]},
        "name": record["name"],
        "email": record["email"],
    }
    if record["until"]:
        wanted["until"] = record["until"]
    try:
        return str(api.ask("POST", f"/vos/{vo}/members", wanted)["person"]["uid"])
    except HansaError as error:
        if error.code != "membership.exists":
            raise
    found = pages(api, f"/vos/{vo}/members", search=record["subject"].rpartition("=")[2][:200])
    same = (record["subject"], record["issuer"])
    return next(
        str(each["person"]["uid"])
        for each in found
        if any(same == (held["dn"], held["issuer_dn"]) for held in each["credentials"])
    )


def _read(file: Path) -> list[dict[str, Any]]:
    if file.stat().st_size > MAX_FILE:
        raise BadRequest(_("The file is larger than {n} MiB; split it.").format(n=MAX_FILE // 2**20), field="file")
    try:
        text = file.read_text(encoding="utf-8-sig")
        records = json.loads(text) if file.suffix == ".json" else list(_csv_records(text))
    except (ValueError, RecursionError, csv.Error) as error:
        raise BadRequest(
            _("{file} is not the CSV or JSON it should be: {error}.").format(file=file, error=error)
        ) from error
    if not isinstance(records, list) or not all(isinstance(each, dict) for each in records):
        raise BadRequest(_("{file} should hold a list of members.").format(file=file))
    return [_whole(each, number) for number, each in enumerate(records, 1)]


def _whole(record: dict[str, Any], number: int) -> dict[str, Any]:
    unknown = sorted(set(record) - set(COLUMNS))
    texts = {name: record.get(name) or "" for name in COLUMNS[:5]}
    lists = {name: record.get(name) or [] for name in COLUMNS[5:]}
    well = all(isinstance(each, str) for each in texts.values()) and all(
        isinstance(each, list) and all(isinstance(part, str) for part in each) for each in lists.values()
    )
    if unknown or not well or not (texts["subject"] and texts["issuer"]):
        raise BadRequest(
            _("Record {number} does not fit: it has {columns}, subject and issuer at least.").format(
                number=number, columns=", ".join(COLUMNS)
            )
        )
    return texts | lists


def _csv_records(text: str) -> Iterator[dict[str, Any]]:
    """Groups and roles are separated by spaces."""
    for row in csv.DictReader(io.StringIO(text), strict=True):
        yield {
            name: value.split() if name in COLUMNS[5:] else value for name, value in row.items() if value is not None
        }


def _csv(records: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in records:
        lists = (" ".join(each[name]) for name in COLUMNS[5:])
        writer.writerow([*(each[name] or "" for name in COLUMNS[:5]), *lists])
    return text.getvalue()


def _record(member: Any) -> Row:
    certificates = [each for each in member["credentials"] if each["kind"] == "x509"]
    first = certificates[0] if certificates else {"dn": "", "issuer_dn": ""}
    return {
        "name": member["person"]["name"],
        "email": member["person"]["email"],
        "subject": first["dn"],
        "issuer": first["issuer_dn"],
        "until": member["until"],
        "groups": [each["path"] for each in member["groups"]],
        "roles": [f"{each['group']}/Role={each['role']}" for each in member["roles"]],
    }
