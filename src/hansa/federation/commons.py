"""What every room of the federation is given when it is assembled."""

from collections.abc import Callable
from dataclasses import dataclass

from hansa.base.database import Database
from hansa.base.mail import Mailer
from hansa.base.telemetry.audit import AuditLog
from hansa.federation.identity.model import NOBODY, Operators
from hansa.federation.membership.model import Clock
from hansa.federation.membership.service import Membership
from hansa.standards.x509 import ChainPolicy, TrustStore


@dataclass(frozen=True, slots=True)
class Commons:
    """`trust` gives the present snapshot. `url`: root of the web interface, without a slash at the end."""

    database: Database
    registry: Membership
    clock: Clock
    audit: AuditLog
    trust: Callable[[], TrustStore]
    chain_policy: ChainPolicy
    url: str
    mail: Mailer
    operators: Operators = NOBODY
