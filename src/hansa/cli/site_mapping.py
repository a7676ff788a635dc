"""`hansa site mapping`: read mapping rules as a site would, warn of what is hardly ever meant, and try them on claims."""

import json
from pathlib import Path
from typing import Any

import click

from hansa.base.errors import BadRequest
from hansa.base.i18n import _
from hansa.cli.output import emit_list, emit_one, output_option, say
from hansa.standards.mapping import Mapped, evaluate, lint, load_rules

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("mapping", help=_("Check a file of Keystone mapping rules, and say what they make of somebody."))
@click.argument("rules", type=_FILE)
@click.option("--claims", type=_FILE, help=_("A token's claims (JSON): say what the rules make of its bearer."))
@output_option
def command(rules: Path, claims: Path | None, output: str) -> None:
    read = load_rules(rules.read_bytes())
    findings = lint(read)
    if claims is None:
        if not findings:
            say(_("The rules are good."))
        emit_list([{"where": each.where, "reason": each.reason} for each in findings], ["where", "reason"], output)
        return
    for each in findings:
        say(f"{each.where}: {each.reason}")
    emit_one(_row(evaluate(read, _assertion(claims))), output)


def _assertion(path: Path) -> dict[str, list[str]]:
    from hansa.site.issuers.claims import assertion_of

    try:
        document: Any = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise BadRequest(_("{path} is not JSON.").format(path=path), field="claims") from error
    if not isinstance(document, dict):
        raise BadRequest(_("{path} holds no claims.").format(path=path), field="claims")
    return assertion_of(document)


def _row(mapped: Mapped) -> dict[str, Any]:
    user = mapped.user
    return {
        "user": user.name or user.id or "",
        "type": user.type.value,
        "email": user.email or "",
        "groups": [*mapped.group_ids, *(f"{each.domain.name or each.domain.id}/{each.name}" for each in mapped.groups)],
        "projects": [f"{each.name}: {', '.join(each.roles)}" for each in mapped.projects],
    }
