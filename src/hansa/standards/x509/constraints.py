"""Name constraints of authorities (RFC 5280 §4.2.1.10): evaluated for directory and DNS names, refused for the rest."""

from collections.abc import Iterable, Sequence

from cryptography import x509

from hansa.standards.x509.errors import X509Code, X509Error
from hansa.standards.x509.facts import Facts
from hansa.standards.x509.name import Name

_EMAIL = "1.2.840.113549.1.9.1"


def check_name_constraints(authority: Facts, below: Sequence[Facts]) -> None:
    """Refuse if a certificate of `below` has a name that `authority` may not vouch for, or one that cannot be compared."""
    constraints = authority.name_constraints
    if constraints is None:
        return
    for facts in below:
        names = _names(facts)
        if not _allowed(names, constraints):
            raise X509Error(
                X509Code.CA_NAME_CONSTRAINTS,
                f"The authority {authority.subject} is limited to certain names, and {facts.subject} is not among them",
            )


def _names(facts: Facts) -> list[x509.GeneralName]:
    mails = [x509.RFC822Name("unevaluated") for rdn in facts.subject.rdns for a in rdn if a.oid == _EMAIL]
    return [x509.DirectoryName(facts.certificate.subject), *facts.alternative_names, *mails]


def _allowed(names: Iterable[x509.GeneralName], constraints: x509.NameConstraints) -> bool:
    for name in names:
        permitted = [base for base in constraints.permitted_subtrees or () if type(base) is type(name)]
        excluded = [base for base in constraints.excluded_subtrees or () if type(base) is type(name)]
        if permitted and not any(_within(name, base) for base in permitted):
            return False
        if any(_within(name, base, unknown=True) for base in excluded):
            return False
    return True


def _within(name: x509.GeneralName, base: x509.GeneralName, *, unknown: bool = False) -> bool:
    """Whether `name` lies in the subtree `base`; `unknown` for kinds of names that are not evaluated here."""
    if isinstance(name, x509.DirectoryName) and isinstance(base, x509.DirectoryName):
        return Name.from_x509(name.value).is_within(Name.from_x509(base.value))
    if isinstance(name, x509.DNSName) and isinstance(base, x509.DNSName):
        host, domain = name.value.lower(), base.value.lower().lstrip(".")
        return not domain or host == domain or host.endswith("." + domain)
    return unknown
