"""Bring a Keystone to what is wanted: look, and make what is missing. Doing it twice changes nothing."""

import shlex
from dataclasses import dataclass
from typing import Any, Literal

from hansa.base.errors import NotFound
from hansa.site.openstack.wrapper.admin import Admin
from hansa.site.openstack.wrapper.mapping import Wanted

Json = dict[str, Any]
FEDERATION = "/OS-FEDERATION"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is missing or other than wanted; `kind` and `name` as `openstack` says them."""

    action: Literal["create", "update", "grant"]
    kind: str
    name: str
    detail: str = ""


class Applying:
    """`dry`: only look."""

    def __init__(self, admin: Admin, wanted: Wanted, *, dry: bool) -> None:
        self._admin = admin
        self._wanted = wanted
        self._dry = dry
        self.changes: list[Change] = []

    def run(self) -> list[Change]:
        """In an order in which each step finds what it needs. Raises NotFound for a domain that is not there."""
        domain = self._admin.named("domains", self._wanted.domain)
        if domain is None:
            raise NotFound(f"Keystone has no domain {self._wanted.domain}; name one with --domain.")
        own = str(domain["id"])
        roles = {name: self._ensured("roles", "role", name, {}) for name in self._wanted.roles}
        projects = {
            name: self._ensured("projects", "project", name, {"domain_id": own}) for name in self._wanted.projects
        }
        for grant in self._wanted.grants:
            group = self._ensured("groups", "group", grant.group, {"domain_id": own})
            for role in grant.roles:
                detail = f"{role} on {grant.project}"
                self._granted(group, projects[grant.project], roles[role], grant.group, detail)
        self._mapping()
        self._provider(own)
        self._protocol()
        return self.changes

    def _ensured(self, kind: str, word: str, name: str, where: dict[str, str]) -> str | None:
        """Its identifier; None if it is missing and we only look."""
        if found := self._admin.named(kind, name, **where):
            return str(found["id"])
        self.changes.append(Change("create", word, name))
        if self._dry:
            return None
        return str(self._admin.make("POST", f"/{kind}", {word: {"name": name, **where}})[word]["id"])

    def _granted(self, group: str | None, project: str | None, role: str | None, name: str, detail: str) -> None:
        path = f"/projects/{project}/groups/{group}/roles/{role}"
        if None not in (group, project, role) and self._admin.has(path):
            return
        self.changes.append(Change("grant", "group", name, detail))
        if not self._dry:
            self._admin.make("PUT", path)

    def _mapping(self) -> None:
        path = f"{FEDERATION}/mappings/{self._wanted.mapping}"
        found = self._admin.find(path)
        rules = self._wanted.rules
        if found is not None and found["mapping"]["rules"] == rules:
            return
        detail = _difference(found["mapping"]["rules"] if found else [], rules)
        self._put(path, "mapping", self._wanted.mapping, {"rules": rules}, detail, exists=found is not None)

    def _provider(self, domain: str) -> None:
        name = self._wanted.provider
        path = f"{FEDERATION}/identity_providers/{name}"
        found = self._admin.find(path)
        if found is None:
            body = {"enabled": True, "remote_ids": [name], "domain_id": domain}
            return self._put(path, "identity_provider", name, body, f"remote id {name}", exists=False)
        present = found["identity_provider"]
        remote_ids = present.get("remote_ids") or []
        if present["enabled"] and name in remote_ids:
            return None
        body = {"enabled": True, "remote_ids": [*remote_ids, *({name} - set(remote_ids))]}
        return self._put(path, "identity_provider", name, body, f"enabled, remote id {name}", exists=True)

    def _protocol(self) -> None:
        wanted = self._wanted
        path = f"{FEDERATION}/identity_providers/{wanted.provider}/protocols/{wanted.protocol}"
        found = self._admin.find(path) if not self._is_new("identity_provider") or not self._dry else None
        if found is not None and found["protocol"]["mapping_id"] == wanted.mapping:
            return
        body = {"mapping_id": wanted.mapping}
        self._put(path, "protocol", wanted.protocol, body, f"mapping {wanted.mapping}", exists=found is not None)

    def _is_new(self, kind: str) -> bool:
        return any(change.kind == kind and change.action == "create" for change in self.changes)

    def _put(self, path: str, kind: str, name: str, body: Json, detail: str, *, exists: bool) -> None:
        self.changes.append(Change("update" if exists else "create", kind, name, detail))
        if not self._dry:
            self._admin.make("PATCH" if exists else "PUT", path, {kind: body})


def _difference(present: list[Json], rules: list[Json]) -> str:
    gone = sum(rule not in rules for rule in present)
    new = sum(rule not in present for rule in rules)
    return f"{new} new rules, {gone} gone, {len(rules)} in all"


def commands(wanted: Wanted, rules_file: str) -> list[str]:
    """The same for a shell, with OpenStack's own client. `rules_file` must hold the rules."""
    domain, said = wanted.domain, []
    said += [["role", "create", "--or-show", name] for name in wanted.roles]
    said += [["project", "create", "--or-show", "--domain", domain, name] for name in wanted.projects]
    for grant in wanted.grants:
        said.append(["group", "create", "--or-show", "--domain", domain, grant.group])
        where = [
            "--group",
            grant.group,
            "--group-domain",
            domain,
            "--project",
            grant.project,
            "--project-domain",
            domain,
        ]
        said += [["role", "add", *where, role] for role in grant.roles]
    protocol = ["--identity-provider", wanted.provider, "--mapping", wanted.mapping, wanted.protocol]
    said += [
        ["mapping", "create", "--rules", rules_file, wanted.mapping],
        ["identity", "provider", "create", "--remote-id", wanted.provider, "--domain", domain, wanted.provider],
        ["federation", "protocol", "create", *protocol],
    ]
    return [shlex.join(["openstack", *words]) for words in said]
