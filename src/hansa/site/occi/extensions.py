"""Categories of our own: what the standards have no word for.

Schemes begin with `http://schemas.hansa.org/`, attribute names with `org.hansa.`.
"""

from hansa.standards.occi import Attribute, Mixin
from hansa.standards.occi.infrastructure import NETWORKINTERFACE

FORWARDS = "org.hansa.networkinterface.forwards"

FORWARDING = Mixin(
    "forwarding",
    "http://schemas.hansa.org/occi/infrastructure/networkinterface#",
    "Ports of the guest that are reachable from outside",
    applies=(NETWORKINTERFACE.id,),
    attributes=(
        Attribute(
            FORWARDS,
            mutable=False,
            description="Pairs GUEST:PORT separated by blanks: the guest's TCP port and where it is reached",
        ),
    ),
    location="/mixin/forwarding/",
)
