"""What Keystone holds: rules, provider, protocol, groups and grants against what the policy asks for; and all other rules."""

from collections.abc import Iterator
from typing import Any

from hansa.base.errors import HansaError
from hansa.site.openstack.wrapper.admin import Admin
from hansa.site.openstack.wrapper.apply import FEDERATION, Applying
from hansa.site.openstack.wrapper.checks.model import Finding, ok, problem, skipped, warning
from hansa.site.openstack.wrapper.mapping import Wanted
from hansa.standards.errors import StandardError
from hansa.standards.mapping import lint, parse_rules

SHOWN = 5


def check_contents(admin: Admin, wanted: Wanted) -> Iterator[Finding]:
    try:
        changes = Applying(admin, wanted, dry=True).run()
        mappings = _mappings(admin)
    except HansaError as error:
        yield skipped(
            "contents", error.message, "name an administrator: OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME"
        )
        return
    for change in changes:
        detail = f"{change.kind} {change.name} {change.detail}".rstrip()
        missing = "is missing" if change.action in ("create", "grant") else "is other than wanted"
        yield problem("contents", f"{detail} {missing}", "hansa keystone mapping --apply")
    if not changes:
        yield ok("contents", f"provider {wanted.provider}, protocol {wanted.protocol}, {len(wanted.rules)} rules")
    for name, document in mappings.items():
        yield from _linted(name, document)


def _mappings(admin: Admin) -> dict[str, Any]:
    listed = admin.find(f"{FEDERATION}/mappings") or {"mappings": []}
    return {each["id"]: each for each in listed["mappings"]}


def _linted(name: str, document: dict[str, Any]) -> Iterator[Finding]:
    check = f"rules of {name}"
    kept = {key: document[key] for key in ("rules", "schema_version") if key in document}
    try:
        found = lint(parse_rules(kept))
    except StandardError as error:
        yield warning(check, f"cannot be read: {error.reason}", "mend them: openstack mapping set --rules FILE " + name)
        return
    for each in found[:SHOWN]:
        yield warning(check, f"{each.where}: {each.reason}", "mend them: openstack mapping set --rules FILE " + name)
    if len(found) > SHOWN:
        yield warning(check, f"and {len(found) - SHOWN} more", "mend those first")
    if not found:
        yield ok(check, "every pattern is whole")
