"""Who may ask what of Keystone: one table, after the default policies of Keystone 30.

Roles count with the scope of the token that shows them. `admin` on a project or on the system administers the site, as in
Keystone; `admin` or `manager` on a domain administers what is in that domain, and nothing else (Keystone lets a domain's admin
reach into others). A role that the site's policy gives to members of a VO is for the cloud alone and counts for nothing here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hansa.cloud.model import ADMIN as ADMIN_ROLE

MANAGER = "manager"
MEMBER = "member"
READER = "reader"
SERVICE = "service"
MANAGED = frozenset({MANAGER, MEMBER, READER})
"""The roles that a domain's manager may give and take."""

Target = Mapping[str, str | None]
"""What the rule is about, by name: `user_id` (the owner), `domain_id` (of the thing), `project_id`, and for grants
`actor_domain_id`, `role_domain_id` and `role_name`. A missing name matches nobody."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who asks, as the token shown says. `roles` are names, in the one scope that is set; none of a VO's (see above)."""

    user_id: str
    user_domain_id: str
    roles: frozenset[str] = frozenset()
    project_id: str | None = None
    project_domain_id: str | None = None
    domain_id: str | None = None
    is_system: bool = False


Rule = Callable[[Bearer, Target], bool]


def anyone(_bearer: Bearer, _target: Target) -> bool:
    return True


def admin(bearer: Bearer, _target: Target) -> bool:
    return ADMIN_ROLE in bearer.roles and (bearer.is_system or bearer.project_id is not None)


def system_reader(bearer: Bearer, _target: Target) -> bool:
    return bearer.is_system and READER in bearer.roles


def service(bearer: Bearer, _target: Target) -> bool:
    return SERVICE in bearer.roles


def in_project(bearer: Bearer, target: Target) -> bool:
    return bearer.project_id is not None and bearer.project_id == target.get("project_id")


def own_domain(bearer: Bearer, target: Target) -> bool:
    wanted = target.get("domain_id")
    return wanted is not None and wanted in (bearer.domain_id, bearer.project_domain_id)


def owner(name: str) -> Rule:
    """The target's member of that name is the bearer's user."""

    def rule(bearer: Bearer, target: Target) -> bool:
        return target.get(name) == bearer.user_id

    return rule


def in_domain(role: str, *names: str) -> Rule:
    """That role, or admin, on the domain which each of those members of the target names."""

    def rule(bearer: Bearer, target: Target) -> bool:
        if bearer.domain_id is None or bearer.roles.isdisjoint({role, ADMIN_ROLE}):
            return False
        return all(target.get(name) == bearer.domain_id for name in names)

    return rule


def any_of(*rules: Rule) -> Rule:
    def rule(bearer: Bearer, target: Target) -> bool:
        return any(each(bearer, target) for each in rules)

    return rule


def all_of(*rules: Rule) -> Rule:
    def rule(bearer: Bearer, target: Target) -> bool:
        return all(each(bearer, target) for each in rules)

    return rule


def _role_is_managed(_bearer: Bearer, target: Target) -> bool:
    return target.get("role_name") in MANAGED and target.get("role_domain_id") is None


def _role_is_ours(bearer: Bearer, target: Target) -> bool:
    return target.get("role_domain_id") in (None, bearer.domain_id)


def _domain_admin(bearer: Bearer, _target: Target) -> bool:
    return ADMIN_ROLE in bearer.roles


def _table(*parts: tuple[Rule, str]) -> Mapping[str, Rule]:
    return {f"identity:{name}": rule for rule, names in parts for name in names.split()}


_READ = any_of(admin, system_reader)
_READ_IN_DOMAIN = any_of(_READ, in_domain(READER, "domain_id"))
_READ_IN_DOMAINS = any_of(_READ, in_domain(READER, "domain_id", "actor_domain_id"))
_KEEP_IN_DOMAIN = any_of(admin, in_domain(MANAGER, "domain_id"))
_KEEP_IN_DOMAINS = any_of(admin, in_domain(MANAGER, "domain_id", "actor_domain_id"))
_OWNER = owner("user_id")
_TRUST = any_of(_READ, owner("trustor_user_id"), owner("trustee_user_id"))

RULES: Mapping[str, Rule] = _table(
    (anyone, "get_auth_catalog get_auth_projects get_auth_domains get_auth_system get_region list_regions"),
    (anyone, "list_projects_for_user list_domains_for_user"),
    (any_of(_READ, own_domain), "get_domain"),
    (_READ_IN_DOMAIN, "list_domains"),
    (admin, "create_domain update_domain delete_domain"),
    (any_of(_READ_IN_DOMAIN, in_project), "get_project list_project_tags get_project_tag"),
    (_READ_IN_DOMAIN, "list_projects list_users list_groups get_group list_users_in_group"),
    (_READ_IN_DOMAIN, "list_role_assignments list_role_assignments_for_tree"),
    (_KEEP_IN_DOMAIN, "create_project update_project delete_project"),
    (_KEEP_IN_DOMAIN, "update_project_tags create_project_tag delete_project_tags delete_project_tag"),
    (any_of(_READ_IN_DOMAIN, _OWNER), "get_user list_user_projects list_groups_for_user"),
    (_KEEP_IN_DOMAIN, "create_user update_user delete_user create_group update_group delete_group"),
    (_READ_IN_DOMAINS, "check_user_in_group"),
    (_KEEP_IN_DOMAINS, "add_user_to_group remove_user_from_group"),
    (any_of(_READ, all_of(in_domain(MANAGER), _role_is_managed)), "get_role"),
    (any_of(_READ, in_domain(MANAGER)), "list_roles"),
    (_READ, "get_domain_role list_domain_roles"),
    (admin, "create_role update_role delete_role create_domain_role update_domain_role delete_domain_role"),
    (_READ, "get_implied_role list_implied_roles check_implied_role list_role_inference_rules"),
    (admin, "create_implied_role delete_implied_role"),
    (_READ_IN_DOMAINS, "list_grants"),
    (any_of(_READ, all_of(_READ_IN_DOMAINS, _role_is_ours)), "check_grant"),
    (
        any_of(
            admin,
            all_of(_KEEP_IN_DOMAINS, _role_is_ours, _domain_admin),
            all_of(_KEEP_IN_DOMAINS, _role_is_managed),
        ),
        "create_grant revoke_grant",
    ),
    (_READ, "list_system_grants_for_user check_system_grant_for_user"),
    (_READ, "list_system_grants_for_group check_system_grant_for_group"),
    (admin, "create_system_grant_for_user revoke_system_grant_for_user"),
    (admin, "create_system_grant_for_group revoke_system_grant_for_group"),
    (any_of(_READ, _OWNER), "check_token"),
    (any_of(_READ, service, _OWNER), "validate_token"),
    (any_of(admin, _OWNER), "revoke_token"),
    (_READ, "get_service list_services get_endpoint list_endpoints"),
    (admin, "create_service update_service delete_service create_endpoint update_endpoint delete_endpoint"),
    (admin, "create_region update_region delete_region"),
    (_READ, "list_endpoint_groups get_endpoint_group list_endpoints_associated_with_endpoint_group"),
    (_READ, "list_endpoints_for_project list_endpoint_groups_for_project check_endpoint_in_project"),
    (_READ, "list_projects_for_endpoint list_projects_associated_with_endpoint_group get_endpoint_group_in_project"),
    (admin, "create_endpoint_group update_endpoint_group delete_endpoint_group"),
    (admin, "add_endpoint_to_project remove_endpoint_from_project"),
    (admin, "add_endpoint_group_to_project remove_endpoint_group_from_project"),
    (any_of(_READ, _OWNER), "get_application_credential list_application_credentials"),
    (_OWNER, "create_application_credential"),
    (any_of(admin, _OWNER), "delete_application_credential"),
    (any_of(_READ, _OWNER), "get_access_rule list_access_rules"),
    (any_of(admin, _OWNER), "delete_access_rule"),
    (owner("trustor_user_id"), "create_trust"),
    (_READ, "list_trusts"),
    (any_of(_READ, owner("trustor_user_id")), "list_trusts_for_trustor"),
    (any_of(_READ, owner("trustee_user_id")), "list_trusts_for_trustee"),
    (_TRUST, "get_trust list_roles_for_trust get_role_for_trust"),
    (any_of(admin, owner("trustor_user_id")), "delete_trust"),
    (any_of(_READ, _OWNER), "get_credential list_credentials ec2_get_credential ec2_list_credentials"),
    (any_of(admin, _OWNER), "create_credential update_credential delete_credential"),
    (any_of(admin, _OWNER), "ec2_create_credential ec2_delete_credential"),
    (_READ, "list_identity_providers get_identity_provider get_mapping list_mappings get_protocol list_protocols"),
    (admin, "create_identity_provider update_identity_provider delete_identity_provider"),
    (admin, "create_mapping update_mapping delete_mapping create_protocol update_protocol delete_protocol"),
    (_READ, "list_service_providers get_service_provider"),
    (admin, "create_service_provider update_service_provider delete_service_provider"),
    (_READ, "get_policy list_policies"),
    (admin, "create_policy update_policy delete_policy"),
    (anyone, "get_limit_model get_limit list_limits get_registered_limit list_registered_limits"),
    (admin, "create_limits update_limit delete_limit"),
    (admin, "create_registered_limits update_registered_limit delete_registered_limit"),
)
