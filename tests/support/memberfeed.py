"""Members, pages and keys of a feed, for tests."""

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hansa.standards.jwt import Key, KeySet
from hansa.standards.memberfeed import Certificate, Entry, Gone, Kind, Login, MemberState, Page, Told, render_entry
from hansa.standards.x509 import Name

LINEAGE = "lineage-of-the-tests"
CA = Name.of(("DC", "org"), ("CN", "Test CA")).rfc4514()


def uid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def entry(number: int = 1, vo: str = "demo", **fields: object) -> Entry:
    subject = Name.of(("DC", "org"), ("CN", f"Member {number}")).rfc4514()
    known: dict[str, object] = {
        "vo": vo,
        "uid": uid(number),
        "name": f"Member {number}",
        "mail": f"member{number}@example.org",
        "state": MemberState.ACTIVE,
        "certificates": (Certificate(subject, CA),),
        "logins": (Login("https://op.example.org", uid(number)),),
        "groups": (f"/{vo}",),
    }
    return Entry(**known | fields)  # type: ignore[arg-type]  # the table above has Entry's own fields


def told(what: Entry | Gone) -> Told:
    return Told(what, render_entry(what))


def page(*entries: Entry | Gone, **fields: object) -> Page:
    every = tuple(told(each) for each in entries)
    known: dict[str, object] = {
        "kind": Kind.CHANGES,
        "lineage": LINEAGE,
        "vos": tuple(sorted({each.vo for each in entries})),
        "previous": 0,
        "sequence": len(every),
        "head": len(every),
        "more": False,
        "state": 0,
        "told": every,
    }
    return Page(**known | fields)  # type: ignore[arg-type]


def private_key_pem() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def feed_key() -> Key:
    return Key.from_pem(private_key_pem())


def key_set(*keys: Key) -> KeySet:
    return KeySet(tuple(each.public() for each in keys))
