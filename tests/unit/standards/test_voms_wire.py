"""The VOMS protocol, byte by byte: what real clients send, what they must get, and what nobody may make us do."""

import base64
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.standards.errors import StandardError
from hansa.standards.voms import Fqan, VomsError
from hansa.standards.voms.wire import (
    AcReply,
    AcRequest,
    Dialect,
    ErrorReply,
    ListReply,
    Notice,
    Refusal,
    Warn,
    command,
    dialect_of,
    legacy,
    parse_wanted,
    rest,
)
from hansa.standards.voms.wire.encoding import decode_base64, encode_base64

VO = Fqan("/fedcloud.egi.eu")
ADMIN = Fqan("/fedcloud.egi.eu", "VO-Admin")
AC = b"\x30\x82\x03\xe8" + bytes(range(250)) * 4

CPP_REST = (
    b"GET /generate-ac?fqans=/fedcloud.egi.eu&lifetime=43200 HTTP/1.0\nUser-Agent: voms APIs 2.0\n"
    b"Accept: */*\nHost: localhost:15002\n\n"
)
JAVA_REST = (
    b"GET /generate-ac?fqans=/fedcloud.egi.eu&lifetime=43200 HTTP/1.1\r\nUser-Agent: Java/17.0.15\r\n"
    b"Host: localhost:15002\r\nConnection: keep-alive\r\n\r\n"
)
CPP_LEGACY = (
    b'<?xml version="1.0" encoding="US-ASCII"?><voms><command>G/fedcloud.egi.eu</command>'
    b"<base64>1</base64><version>4</version><lifetime>43200</lifetime></voms>"
)
JAVA_LEGACY = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="no"?><voms><command>G/fedcloud.egi.eu</command>'
    b"<lifetime>43200</lifetime></voms>"
)


@pytest.mark.parametrize("data", [CPP_REST, b"0" + CPP_REST, JAVA_REST])
def test_rest_requests_of_real_clients(data: bytes) -> None:
    assert rest.parse_http_request(data) == AcRequest(fqans=(VO,), lifetime=43200)


@pytest.mark.parametrize("data", [CPP_LEGACY, b"0" + CPP_LEGACY, JAVA_LEGACY, CPP_LEGACY + b"\0"])
def test_legacy_requests_of_real_clients(data: bytes) -> None:
    assert legacy.parse_request(data) == AcRequest(fqans=(VO,), lifetime=43200)


def test_legacy_request_for_several_names() -> None:
    data = (
        b'<?xml version="1.0"?><voms><base64>1</base64><version>4</version><command>B/fedcloud.egi.eu:VO-Admin</command>'
        b"<command>G/fedcloud.egi.eu/admins</command><lifetime>43200</lifetime></voms>"
    )
    request = legacy.parse_request(data)
    assert request is not None
    assert request.fqans == (ADMIN, Fqan("/fedcloud.egi.eu/admins"))


@pytest.mark.parametrize("cut", [0, 1, 10, 50])
def test_an_incomplete_request_is_waited_for(cut: int) -> None:
    assert rest.parse_http_request(CPP_REST[:cut]) is None
    assert legacy.parse_request(CPP_LEGACY[:cut]) is None


@pytest.mark.parametrize(
    ("data", "dialect"),
    [
        (b"", None),
        (b"0", None),
        (b"0G", Dialect.REST),
        (b"G", Dialect.REST),
        (b"<", Dialect.LEGACY),
        (b"0<", Dialect.LEGACY),
    ],
)
def test_the_first_bytes_tell_the_dialect(data: bytes, dialect: Dialect | None) -> None:
    assert dialect_of(data) is dialect


@pytest.mark.parametrize(
    ("query", "request_"),
    [
        ("", AcRequest()),
        ("fqans=/fedcloud.egi.eu/Role=VO-Admin", AcRequest(fqans=(ADMIN,))),
        ("fqans=%2Ffedcloud.egi.eu%2FRole%3DVO-Admin", AcRequest(fqans=(ADMIN,))),
        ("fqans=fedcloud.egi.eu:VO-Admin", AcRequest(fqans=(ADMIN,))),
        ("fqans=all", AcRequest(everything=True)),
        ("lifetime=0", AcRequest()),
        ("lifetime=-1", AcRequest()),
        ("lifetime=soon", AcRequest()),
        ("lifetime=9223372036854775808", AcRequest(lifetime=922337203685477580)),
        ("targets=localhost,", AcRequest(targets=("localhost",))),
        ("order=/fedcloud.egi.eu/Role=VO-Admin", AcRequest(order=(ADMIN,))),
        ("colour=red", AcRequest(unknown_parameters=True)),
    ],
)
def test_query_parameters(query: str, request_: AcRequest) -> None:
    assert rest.parse_query(query) == request_


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/", "voms.request.path"),
        ("/generate-ac/x", "voms.request.path"),
        ("/generate-ac?fqans=Role=VO-Admin", "voms.fqan.syntax"),
        ("/generate-ac?fqans=/vo/%00", "voms.fqan.syntax"),
        ("/generate-ac?fqans=/vo/%ff", "voms.request.syntax"),
        ("/generate-ac?fqans=/vo/<x>", "voms.fqan.syntax"),
        ("/generate-ac?fqans=" + "/a," * 1001, "voms.request.too_large"),
        ("/generate-ac?fqans=" + "a" * 70_000, "voms.request.too_large"),
        ("/generate-ac?targets=%C3%A9", "voms.request.syntax"),
        ("/generate-ac?targets=a%26lifetime=1", "voms.request.syntax"),
    ],
)
def test_bad_targets_are_refused(target: str, code: str) -> None:
    with pytest.raises(VomsError) as refused:
        rest.parse_target(target)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "data", [b"POST /generate-ac HTTP/1.1\r\n\r\n", b"00GET /generate-ac HTTP/1.1\r\n\r\n", b"\r\n\r\n"]
)
def test_other_http_requests_are_refused(data: bytes) -> None:
    with pytest.raises(VomsError, match="generate-ac"):
        rest.parse_http_request(data)


def test_an_endless_request_is_refused() -> None:
    with pytest.raises(VomsError):
        rest.parse_http_request(b"0" * 70_000)
    with pytest.raises(VomsError):
        legacy.parse_request(b"<" + b"0" * 70_000)


ENTITY = (
    b'<?xml version="1.0"?><!DOCTYPE voms [<!ENTITY x SYSTEM "file:///etc/passwd">]><voms><command>&x;</command></voms>'
)


@pytest.mark.parametrize(
    "data",
    [
        ENTITY,
        b"<!DOCTYPE voms><voms><command>G/vo</command></voms>",
        b"<voms></voms>",
        b"<other><command>G/vo</command></other></voms>",
        b"<other><voms>x</voms></other>",
        b"<voms><command>G/vo</command></voms><voms></voms>",
        b"<voms>" + b"<a>" * 50 + b"</a>" * 50 + b"</voms>",
        b"<voms>" + b"<a/>" * 6000 + b"</voms>",
        b'<?xml version="1.0" encoding="x-unknown"?><voms><command>G/vo</command></voms>',
        b"not xml</voms>",
    ],
    ids=[
        "entity",
        "doctype",
        "no command",
        "unbalanced",
        "wrong root",
        "two roots",
        "deep",
        "wide",
        "encoding",
        "text",
    ],
)
def test_bad_legacy_requests_are_refused(data: bytes) -> None:
    with pytest.raises(VomsError) as refused:
        legacy.parse_request(data)
    assert refused.value.code == "voms.request.syntax"


def test_rest_reply_is_what_the_cpp_server_sends() -> None:
    text = base64.b64encode(AC).decode()
    lines = "".join(text[i : i + 64] + "\n" for i in range(0, len(text), 64))
    reply = rest.render_reply(AcReply(AC))
    assert reply == rest.HttpReply(200, f'<?xml version="1.0" encoding="UTF-8"?><voms><ac>{lines}</ac></voms>'.encode())
    assert rest.render_http(reply).startswith(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: "
    )
    assert b"\r\nConnection: close\r\n\r\n<?xml" in rest.render_http(reply)


def test_rest_warnings_come_with_status_200() -> None:
    reply = rest.render_reply(AcReply(AC, (Warn.shortened("localhost", 15012, 43200),)))
    assert reply.status == 200
    assert reply.body.endswith(
        b"</ac><warning>localhost:15012: "
        b"The validity of this VOMS AC in your proxy is shortened to 43200 seconds!</warning></voms>"
    )


@pytest.mark.parametrize(
    ("error", "status", "content"),
    [
        (
            ErrorReply.not_a_member("fedcloud.egi.eu"),
            403,
            b"<code>NoSuchUser</code><message>fedcloud.egi.eu: User unknown to this VO.</message>",
        ),
        (
            ErrorReply.suspended("AUP acceptance expired"),
            403,
            (
                b"<code>SuspendedUser</code>"
                b"<message>User is currently suspended!\nSuspension reason: AUP acceptance expired</message>"
            ),
        ),
        (
            ErrorReply.unsatisfiable("fedcloud.egi.eu", command(Fqan("/fedcloud.egi.eu", "Nope"))),
            400,
            b"<code>BadRequest</code><message>fedcloud.egi.eu: Unable to satisfy B/fedcloud.egi.eu:Nope request!</message>",
        ),
    ],
    ids=["not a member", "suspended", "bad request"],
)
def test_rest_errors_are_those_of_the_real_server(error: ErrorReply, status: int, content: bytes) -> None:
    prologue = b'<?xml version="1.0" encoding="UTF-8"?>'
    body = prologue + b"<voms><error>" + content + b"</error></voms>"
    assert rest.render_reply(error) == rest.HttpReply(status, body)


def test_legacy_errors_carry_a_certificate_that_is_none() -> None:
    assert legacy.render_reply(ErrorReply.not_a_member("fedcloud.egi.eu")) == (
        b'<?xml version="1.0" encoding = "US-ASCII"?><vomsans><version>3</version><error><item><number>1001</number>'
        b"<message>fedcloud.egi.eu: User unknown to this VO.</message></item></error><ac>QQ==\n</ac></vomsans>"
    )


def test_legacy_list_of_names_is_that_of_the_real_server() -> None:
    names = (VO, ADMIN, Fqan("/fedcloud.egi.eu/admins"))
    assert legacy.render_reply(ListReply(names)) == (
        b'<?xml version="1.0" encoding = "US-ASCII"?><vomsans><version>3</version><bitstr>'
        b"L2ZlZGNsb3VkLmVnaS5ldS9Sb2xlPU5VTEwvQ2FwYWJpbGl0eT1OVUxMCi9mZWRj\n"
        b"bG91ZC5lZ2kuZXUvUm9sZT1WTy1BZG1pbi9DYXBhYmlsaXR5PU5VTEwKL2ZlZGNs\n"
        b"b3VkLmVnaS5ldS9hZG1pbnMvUm9sZT1OVUxML0NhcGFiaWxpdHk9TlVMTAo=\n</bitstr></vomsans>"
    )


@pytest.mark.parametrize("codec", [rest, legacy])
def test_markup_in_a_text_stays_text(codec: ModuleType) -> None:
    data = codec.render_reply(ErrorReply(Refusal.SUSPENDED_USER, "</message><ac>&\x00 회원"))
    body = getattr(data, "body", data)
    assert codec.parse_reply(body) == ErrorReply(Refusal.SUSPENDED_USER, "</message><ac>& 회원")
    assert b"<ac>&" not in body


REPLIES = [
    AcReply(AC),
    AcReply(AC, (Warn.shortened("h", 1, 2), Warn.unknown_parameters(), Warn.order_not_kept(), Warn.subset())),
    ErrorReply.not_a_member("vo"),
    ErrorReply.suspended("reason"),
    ErrorReply.unsatisfiable("vo", "G/vo/x"),
    ErrorReply.internal("vo"),
]


@pytest.mark.parametrize("reply", REPLIES)
def test_replies_round_trip(reply: AcReply | ErrorReply) -> None:
    assert rest.parse_reply(rest.render_reply(reply).body) == reply
    assert legacy.parse_reply(legacy.render_reply(reply)) == reply


def test_list_reply_round_trips() -> None:
    assert legacy.parse_reply(legacy.render_reply(ListReply((VO, ADMIN)))) == ListReply((VO, ADMIN))


def test_a_number_in_place_of_the_error_word_is_understood() -> None:
    body = b"<voms><error><code>1004</code><message>AUP expired</message></error></voms>"
    assert rest.parse_reply(body) == ErrorReply(Refusal.SUSPENDED_USER, "AUP expired")


def test_java_tells_warnings_by_words_and_so_do_we() -> None:
    body = b"<voms><ac>QQ==</ac><warning>The validity is shortened</warning></voms>"
    reply = rest.parse_reply(body)
    assert isinstance(reply, AcReply)
    assert reply.warnings[0].notice is Notice.SHORTENED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"<voms></voms>",
        b"<vomsans></vomsans>",
        b"<voms><ac>***</ac></voms>",
        b"<!DOCTYPE voms><voms/>",
        b"<vomsans><error><item><message>x</message></item></error></vomsans>",
    ],
)
def test_bad_replies_are_refused(body: bytes) -> None:
    for codec in (rest, legacy):
        with pytest.raises(VomsError) as refused:
            codec.parse_reply(body)
        assert refused.value.code == "voms.reply.syntax"


def test_a_list_of_names_that_are_none_is_refused() -> None:
    body = f"<vomsans><bitstr>{encode_base64('/vö'.encode())}</bitstr></vomsans>".encode()
    with pytest.raises(VomsError, match="not ASCII"):
        legacy.parse_reply(body)


def test_the_rest_dialect_has_no_list_of_names() -> None:
    with pytest.raises(VomsError, match="no list"):
        rest.render_reply(ListReply((VO,)))


@pytest.mark.parametrize("codec", [rest, legacy])
def test_an_endless_reply_is_refused(codec: ModuleType) -> None:
    with pytest.raises(VomsError) as refused:
        codec.parse_reply(b" " * 1_000_001)
    assert refused.value.code == "voms.reply.too_large"


@pytest.mark.parametrize(
    "text", ["/vo/group", "/vo/group/Role=r", "vo", "vo:r", "/vo/g:r", "/vo/Role=NULL/Capability=NULL"]
)
def test_names_as_people_write_them(text: str) -> None:
    assert parse_wanted(text).vo == "vo"


@given(st.binary(max_size=300))
def test_both_base64_alphabets_are_read(data: bytes) -> None:
    assert decode_base64(encode_base64(data)) == data
    der = b"\x30" + data
    one_line = base64.b64encode(der).decode().rstrip("=").swapcase().replace("+", "[").replace("/", "]")
    assert decode_base64(one_line) == der


requests = st.builds(
    AcRequest,
    fqans=st.lists(st.sampled_from([VO, ADMIN, Fqan("/fedcloud.egi.eu/bio", "vm_operator")]), min_size=1).map(tuple),
    order=st.lists(st.sampled_from([VO, ADMIN])).map(tuple),
    targets=st.lists(st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True)).map(tuple),
    lifetime=st.none() | st.integers(1, 10**9),
)


def test_a_target_cannot_smuggle_parameters() -> None:
    with pytest.raises(VomsError):
        rest.render_target(AcRequest(targets=("host&fqans=all",)))


@given(requests)
def test_requests_round_trip_in_both_dialects(request: AcRequest) -> None:
    assert rest.parse_target(rest.render_target(request)) == request
    assert legacy.parse_request(legacy.render_request(request)) == request


texts = st.text(max_size=500).map(lambda text: f"<voms><command>{text}</command></voms>".encode("utf-8", "ignore"))


@given(st.binary(max_size=2000) | texts)
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    for parse in (rest.parse_http_request, legacy.parse_request, rest.parse_reply, legacy.parse_reply, dialect_of):
        try:
            parse(data)
        except StandardError:
            continue


@given(st.text(max_size=300))
def test_no_query_does_more_than_be_refused(query: str) -> None:
    try:
        rest.parse_query(query)
    except StandardError:
        return
