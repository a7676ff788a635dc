"""`/v2.0` for administrators (OS-KSADM), as the old `keystone` client asks: tenants, users, roles, services, endpoints.

All of it is of the default domain, and everything is done by the rules of v3. What v2.0 did with a token in the address is not
here: an address stands in logs.
"""

from starlette.routing import Route

from hansa.site.openstack.identity.desk import Desk
from hansa.site.openstack.identity.resources.v2 import roles, services, tenants, users


def routes(desk: Desk) -> list[Route]:
    return [route for each in (tenants, users, roles, services) for route in each.routes(desk)]
