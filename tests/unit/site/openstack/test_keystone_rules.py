"""The rule table of the Keystone face: who may do what, and who only nearly."""

import pytest

from hansa.site.openstack.identity.rules import RULES, Bearer

ADMINS = frozenset({"admin", "manager", "member", "reader"})
SITE_ADMIN = Bearer("root", "default", ADMINS, project_id="admin", project_domain_id="default")
SYSTEM_ADMIN = Bearer("root", "default", ADMINS, is_system=True)
SYSTEM_READER = Bearer("auditor", "default", frozenset({"reader"}), is_system=True)
DOMAIN_ADMIN = Bearer("boss", "d1", ADMINS, domain_id="d1")
DOMAIN_MANAGER = Bearer("boss", "d1", ADMINS - {"admin"}, domain_id="d1")
DOMAIN_READER = Bearer("clerk", "d1", frozenset({"reader"}), domain_id="d1")
MEMBER = Bearer("alice", "d1", frozenset({"member", "reader"}), project_id="p1", project_domain_id="d1")
UNSCOPED = Bearer("alice", "d1")
CHANGES = ("create", "update", "delete", "add", "remove", "revoke")


def may(bearer: Bearer, rule: str, **target: str | None) -> bool:
    return RULES[f"identity:{rule}"](bearer, target)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_an_administrator_may_whatever_is_not_the_owners_alone(rule: str) -> None:
    owners_alone = {"identity:create_application_credential", "identity:create_trust"}
    for bearer in (SITE_ADMIN, SYSTEM_ADMIN):
        assert RULES[rule](bearer, {"user_id": "alice"}) == (rule not in owners_alone)


@pytest.mark.parametrize("rule", sorted(name for name in RULES if name.partition(":")[2].startswith(CHANGES)))
def test_who_only_reads_changes_nothing(rule: str) -> None:
    target = {"domain_id": "d1", "actor_domain_id": "d1", "user_id": "x", "trustor_user_id": "x", "role_name": "member"}
    for bearer in (SYSTEM_READER, DOMAIN_READER, MEMBER, UNSCOPED):
        assert not RULES[rule](bearer, target)


@pytest.mark.parametrize("bearer", [DOMAIN_ADMIN, DOMAIN_MANAGER])
def test_a_domains_administrator_keeps_to_the_domain(bearer: Bearer) -> None:
    for rule in ("create_user", "update_user", "delete_user", "create_project", "delete_group", "list_users"):
        assert may(bearer, rule, domain_id="d1")
        assert not may(bearer, rule, domain_id="d2")
        assert not may(bearer, rule, domain_id=None)
        assert not may(bearer, rule)
    for rule in ("create_domain", "delete_domain", "create_role", "create_service", "create_system_grant_for_user"):
        assert not may(bearer, rule, domain_id="d1")


def test_both_ends_of_a_membership_must_be_in_the_domain() -> None:
    assert may(DOMAIN_MANAGER, "add_user_to_group", domain_id="d1", actor_domain_id="d1")
    for ends in ({"domain_id": "d1", "actor_domain_id": "d2"}, {"domain_id": "d2", "actor_domain_id": "d1"}):
        assert not may(DOMAIN_MANAGER, "add_user_to_group", **ends)


@pytest.mark.parametrize(
    ("bearer", "role", "role_domain", "allowed"),
    [
        (DOMAIN_MANAGER, "member", None, True),
        (DOMAIN_MANAGER, "manager", None, True),
        (DOMAIN_MANAGER, "admin", None, False),
        (DOMAIN_MANAGER, "operator", None, False),
        (DOMAIN_MANAGER, "member", "d2", False),
        (DOMAIN_ADMIN, "admin", None, True),
        (DOMAIN_ADMIN, "own", "d1", True),
        (DOMAIN_ADMIN, "foreign", "d2", False),
    ],
)
def test_a_domains_manager_gives_no_more_than_its_own_rank(
    bearer: Bearer, role: str, role_domain: str | None, allowed: bool
) -> None:
    target = {"domain_id": "d1", "actor_domain_id": "d1", "role_name": role, "role_domain_id": role_domain}
    assert may(bearer, "create_grant", **target) is allowed
    assert not may(bearer, "create_grant", **(target | {"domain_id": "d2"}))
    assert not may(bearer, "revoke_grant", **(target | {"actor_domain_id": "d2"}))


def test_everybody_sees_themselves_and_where_they_are() -> None:
    assert may(UNSCOPED, "get_user", user_id="alice")
    assert not may(UNSCOPED, "get_user", user_id="bob", domain_id="d1")
    assert may(MEMBER, "get_project", project_id="p1")
    assert not may(MEMBER, "get_project", project_id="p2", domain_id="d1")
    assert may(MEMBER, "get_domain", domain_id="d1")
    assert not may(MEMBER, "get_domain", domain_id="d2")
    assert not may(UNSCOPED, "get_domain")


def test_services_look_at_tokens_and_do_not_end_them() -> None:
    nova = Bearer("nova", "default", frozenset({"service"}), project_id="service", project_domain_id="default")
    assert may(nova, "validate_token", user_id="alice")
    assert not may(nova, "revoke_token", user_id="alice")
