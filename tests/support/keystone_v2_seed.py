"""Runs in the environment of OpenStack's programs: the `keystone` commands of a guide of 2014, by the library under that command.

`python keystone_v2_seed.py URL CAFILE` with an administrator's token in `OS_SERVICE_TOKEN` tells what came of them, as JSON.
"""

import json
import logging
import os
import sys
import warnings

warnings.simplefilter("ignore")  # v2.0 is deprecated, as the library says at every call

from keystoneclient import exceptions  # noqa: E402
from keystoneclient.v2_0.client import Client  # noqa: E402

logging.disable(logging.CRITICAL)
URL, CAFILE = sys.argv[1:]
HOST = "http://fccont.example.org"


def new(manager, *args, **kwargs):
    """What a `…-create` makes, or what is there already under that name."""
    try:
        return manager.create(*args, **kwargs)
    except exceptions.Conflict:
        return next(each for each in manager.list() if each.name == (args[0] if args else kwargs["name"]))


def token_get(name, password, tenant=None):
    client = Client(username=name, password=password, tenant_name=tenant, auth_url=URL, cacert=CAFILE)
    return client.auth_ref


def main():
    admin = Client(token=os.environ["OS_SERVICE_TOKEN"], endpoint=URL, cacert=CAFILE)
    tenants = {
        name: new(admin.tenants, name, description=text)
        for name, text in (("admin", "Admin Tenant"), ("service", "Service Tenant"), ("fedcloud", "FedCloud Tenant"))
    }
    users = {name: new(admin.users, name, name, f"{name}@example.org") for name in ("admin", "sangwan", "glance")}
    roles = {name: new(admin.roles, name) for name in ("admin", "_member_")}
    for user, tenant, role in (
        ("admin", "admin", "admin"),
        ("sangwan", "fedcloud", "_member_"),
        ("admin", "fedcloud", "admin"),
        ("glance", "service", "admin"),
    ):
        admin.roles.add_user_role(users[user], roles[role], tenants[tenant])
    service = admin.services.create("nova", "occi", "Nova OCCI Service")
    address = f"{HOST}:8787/"
    admin.endpoints.create("RegionOne", service.id, address, address, address)
    glance = admin.services.create("glance", "image", "Glance Image Service")
    admin.endpoints.create("RegionOne", glance.id, *[f"{HOST}:9292"] * 3)
    scoped = token_get("sangwan", "sangwan", "fedcloud")
    told = {
        "tenants": sorted(each.name for each in admin.tenants.list()),
        "roles": {
            f"{user} in {tenant}": sorted(
                each.name for each in admin.roles.roles_for_user(users[user], tenants[tenant])
            )
            for user, tenant in (("admin", "admin"), ("sangwan", "fedcloud"))
        },
        "services": sorted(f"{each.name} {each.type}" for each in admin.services.list()),
        "unscoped": token_get("sangwan", "sangwan").scoped,
        "scoped": scoped.tenant_name,
        "addresses": sorted(scoped.service_catalog.get_urls(service_type="image")),
        "own tenants": [each.name for each in Client(**unscoped_of_sangwan()).tenants.list()],
    }
    try:
        token_get("sangwan", "wrong")
    except exceptions.Unauthorized as error:
        told["wrong password"] = error.http_status
    admin.users.update_password(users["sangwan"], "another")
    token_get("sangwan", "another", "fedcloud")
    admin.roles.remove_user_role(users["sangwan"], roles["_member_"], tenants["fedcloud"])
    admin.users.update_enabled(users["glance"], False)
    told["enabled"] = admin.users.get(users["glance"]).enabled
    for each in (*admin.endpoints.list(),):
        if each.service_id in (service.id, glance.id):
            admin.endpoints.delete(each.id)
    admin.services.delete(service.id)
    admin.services.delete(glance.id)
    admin.users.delete(users["sangwan"])
    admin.tenants.delete(tenants["service"])
    told["after"] = sorted(f"{each.name} {each.type}" for each in admin.services.list())
    print(json.dumps(told))


def unscoped_of_sangwan():
    return {"username": "sangwan", "password": "sangwan", "auth_url": URL, "cacert": CAFILE}


main()
