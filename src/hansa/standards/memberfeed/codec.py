"""The JSON of pages and entries. There is one encoding of each: sorted members, no white space; others are refused."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

import orjson

from hansa.standards.errors import StandardError
from hansa.standards.memberfeed.errors import FeedError
from hansa.standards.memberfeed.model import Certificate, Entry, Gone, Kind, Login, MemberState, Page, Told
from hansa.standards.x509 import Name

MAX_PAGE = 768 * 1024
"""Bytes: a page fits into what servers take as a request's body (1 MiB)."""
MAX_ENTRY = 256 * 1024
MAX_MEMBERS = 1000
"""Entries of a page."""
MAX_VOS = 1000
MAX_CREDENTIALS = 100
MAX_GROUPS = 1000
MAX_NAME, MAX_MAIL, MAX_REASON = 200, 254, 1000
MAX_DN, MAX_URL, MAX_SUBJECT = 2048, 2048, 255
FORMAT = 1

_VO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LINEAGE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_GROUP = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._-]{0,62}){1,12}")
_ROLE = re.compile(r"(/[A-Za-z0-9][A-Za-z0-9._-]{0,62}){1,12}/Role=[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PAGE = {"format", "kind", "lineage", "vos", "previous", "sequence", "head", "more", "state", "members"}
_ENTRY = {"vo", "uid", "name", "mail", "state", "reason", "until", "x509", "oidc", "groups", "roles"}
_GONE = {"vo", "uid", "gone"}
_X509 = {"subject", "issuer", "subject_slash", "issuer_slash", "usable"}
_OIDC = {"iss", "sub", "usable"}

T = TypeVar("T")
Json = Mapping[str, Any]


def render_entry(entry: Entry | Gone) -> bytes:
    if isinstance(entry, Gone):
        return canonical({"vo": entry.vo, "uid": entry.uid, "gone": True})
    return canonical(
        {
            "vo": entry.vo,
            "uid": entry.uid,
            "name": entry.name,
            "mail": entry.mail,
            "state": entry.state.value,
            "reason": entry.reason,
            "until": entry.until and entry.until.isoformat(),
            "x509": [_certificate_json(each) for each in entry.certificates],
            "oidc": [{"iss": each.issuer, "sub": each.subject, "usable": each.usable} for each in entry.logins],
            "groups": entry.groups,
            "roles": entry.roles,
        }
    )


def render_page(page: Page, texts: Sequence[bytes] | None = None) -> bytes:
    """`texts`: canonical entries to stand in it, instead of those of `page.told`."""
    head = {
        "format": FORMAT,
        "kind": page.kind.value,
        "lineage": page.lineage,
        "vos": page.vos,
        "previous": page.previous,
        "sequence": page.sequence,
        "head": page.head,
        "more": page.more,
        "state": None if page.state is None else f"{page.state:064x}",
    }
    parts = [b'"%s":%s' % (key.encode(), canonical(value)) for key, value in head.items()]
    parts.append(b'"members":[%s]' % b",".join([each.text for each in page.told] if texts is None else texts))
    return b"{%s}" % b",".join(sorted(parts))


def parse_page(text: bytes) -> Page:
    """Raises FeedError."""
    document = _load(text, MAX_PAGE)
    _keys(document, _PAGE, "the page")
    if document["format"] != FORMAT or isinstance(document["format"], bool):
        raise FeedError("memberfeed.version", f"the page has a format other than {FORMAT}; a newer Hansa reads it")
    vos = tuple(_each(document["vos"], lambda vo: _text(vo, _VO), MAX_VOS, "vos"))
    if list(vos) != sorted(set(vos)):
        raise _wrong("vos are not sorted, or one stands there twice")
    members = _list(document["members"], MAX_MEMBERS, "members")
    page = Page(
        kind=_choice(Kind, document["kind"]),
        lineage=_text(document["lineage"], _LINEAGE),
        vos=vos,
        previous=_number(document["previous"]),
        sequence=_number(document["sequence"]),
        head=_number(document["head"]),
        more=_flag(document["more"]),
        state=None if document["state"] is None else int(_text(document["state"], _DIGEST), 16),
        told=tuple(_told(member) for member in members),
    )
    _check_whole(page)
    return page


def parse_entry(text: bytes) -> Entry | Gone:
    """One entry by itself. Raises FeedError."""
    return _entry(_load(text, MAX_ENTRY))


def canonical(value: object) -> bytes:
    """RFC 8785 for what stands in pages: strings, whole numbers, flags, lists and objects with ASCII names."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _check_whole(page: Page) -> None:
    if not page.previous <= page.sequence <= page.head:
        raise _wrong("its sequences do not go up")
    if page.more == (page.state is not None):
        raise _wrong("the digest of the state stands in the last page, and only there")
    if page.more and page.sequence == page.previous:
        raise _wrong("it leads nowhere")
    allowed = set(page.vos)
    named = [(each.entry.vo, each.entry.uid) for each in page.told]
    if len(set(named)) != len(named):
        raise _wrong("one member stands there twice")
    if any(vo not in allowed for vo, _uid in named):
        raise FeedError("memberfeed.foreign_vo", "the page tells of a VO that it does not name")


def _load(text: bytes, limit: int) -> Json:
    if len(text) > limit:
        raise FeedError("memberfeed.too_large", f"it has more than {limit} bytes")
    try:
        document = orjson.loads(text)
    except ValueError as error:
        raise _wrong("it is not JSON") from error
    if not isinstance(document, dict) or canonical(document) != text:
        raise _wrong("it is not a JSON object in canonical form")
    return document


def _told(member: Any) -> Told:
    if not isinstance(member, dict):
        raise _wrong("a member is not an object")
    text = canonical(member)
    if len(text) > MAX_ENTRY:
        raise FeedError("memberfeed.too_large", f"a member has more than {MAX_ENTRY} bytes")
    return Told(_entry(member), text)


def _entry(member: Json) -> Entry | Gone:
    if "gone" in member:
        _keys(member, _GONE, "a member who has gone")
        if member["gone"] is not True:
            raise _wrong("gone is not true")
        return Gone(_text(member["vo"], _VO), _text(member["uid"], _UID))
    _keys(member, _ENTRY, "a member")
    vo = _text(member["vo"], _VO)
    return Entry(
        vo=vo,
        uid=_text(member["uid"], _UID),
        name=_words(member["name"], MAX_NAME),
        mail=_words(member["mail"], MAX_MAIL),
        state=_choice(MemberState, member["state"]),
        reason=_words(member["reason"], MAX_REASON),
        until=_time(member["until"]),
        certificates=tuple(_each(member["x509"], _certificate, MAX_CREDENTIALS, "x509")),
        logins=tuple(_each(member["oidc"], _login, MAX_CREDENTIALS, "oidc")),
        groups=tuple(_each(member["groups"], lambda each: _within(vo, _text(each, _GROUP)), MAX_GROUPS, "groups")),
        roles=tuple(_each(member["roles"], lambda each: _within(vo, _text(each, _ROLE)), MAX_GROUPS, "roles")),
    )


def _certificate_json(held: Certificate) -> Json:
    return {
        "subject": held.subject,
        "issuer": held.issuer,
        "subject_slash": slash_of(held.subject),
        "issuer_slash": slash_of(held.issuer),
        "usable": held.usable,
    }


def _certificate(held: Any) -> Certificate:
    _keys(held, _X509, "a certificate")
    subject, issuer = _words(held["subject"], MAX_DN), _words(held["issuer"], MAX_DN)
    if (held["subject_slash"], held["issuer_slash"]) != (slash_of(subject), slash_of(issuer)):
        raise _wrong("the two forms of a name differ")
    return Certificate(subject, issuer, _flag(held["usable"]))


def _login(held: Any) -> Login:
    _keys(held, _OIDC, "a log-in")
    return Login(
        _words(held["iss"], MAX_URL, least=1), _words(held["sub"], MAX_SUBJECT, least=1), _flag(held["usable"])
    )


@lru_cache(8192)
def slash_of(name: str) -> str:
    """The one-line form of a name in that of RFC 4514; FeedError unless `Name.rfc4514` writes it exactly so."""
    try:
        parsed = Name.parse_rfc4514(name)
    except StandardError as error:
        raise _wrong("a name is not in the form of RFC 4514") from error
    if not parsed.rdns or parsed.rfc4514() != name:
        raise _wrong("a name is not in the one form that is compared")
    return parsed.slash()


def _within(vo: str, path: str) -> str:
    if path.split("/", 2)[1] != vo:
        raise FeedError("memberfeed.foreign_vo", "a group or role lies in another VO")
    return path


def _keys(value: Any, keys: set[str], what: str) -> None:
    if not isinstance(value, dict) or value.keys() != keys:
        raise _wrong(f"{what} does not have exactly the members it should")


def _list(value: Any, limit: int, what: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise _wrong(f"{what} is not a list")
    if len(value) > limit:
        raise FeedError("memberfeed.too_large", f"{what} has more than {limit} items")
    return value


def _each(value: Any, read: Callable[[Any], T], limit: int, what: str) -> Sequence[T]:
    return [read(item) for item in _list(value, limit, what)]


def _text(value: Any, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise _wrong("a name, identifier or digest has the wrong form")
    return value


def _words(value: Any, limit: int, *, least: int = 0) -> str:
    if not isinstance(value, str) or not least <= len(value) <= limit or _CONTROL.search(value):
        raise _wrong(f"a text is no string, longer than {limit} characters, empty or holds control characters")
    return value


def clean(text: str, limit: int) -> str:
    """`text` as `_words` takes it: control characters become blanks, what is too long is cut."""
    return _CONTROL.sub(" ", text.encode("utf-8", "replace").decode())[:limit].strip()


def _number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise _wrong("a sequence is not a whole number")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong("a flag is neither true nor false")
    return value


C = TypeVar("C", Kind, MemberState)


def _choice(kind: type[C], value: Any) -> C:
    try:
        return kind(value)
    except ValueError as error:
        raise _wrong(f"a {kind.__name__.lower()} is unknown") from error


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _wrong("a time is not RFC 3339") from error
    if read.utcoffset() != timedelta() or read.isoformat() != value:
        raise _wrong("a time is not in UTC, or not in the one form")
    return read


def _wrong(why: str) -> FeedError:
    return FeedError("memberfeed.syntax", f"the document cannot be used: {why}")
