"""From messages to bytes: any script, and no way to smuggle a header in."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa.base.mail import InvalidAddress, Message, check_address
from hansa.base.mail.compose import compose

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HEADERS = ["content-type", "mime-version", "content-transfer-encoding", "from", "to", "subject", "date", "message-id"]
HEADERS += ["auto-submitted", "content-language"]
LINK = "https://federation.example.org/join/confirm?code=abc"


def composed(message: Message) -> bytes:
    return compose(message, sender="hansa@example.org", sender_name="연합", message_id="1@example.org", now=NOW)


def parsed(data: bytes):
    return message_from_bytes(data, policy=policy.default)


def test_a_message_says_what_it_is():
    letter = parsed(composed(Message("alice@example.org", "Welcome", f"Hello\n\n{LINK}\n", name='Alice "A" Example')))
    assert letter["To"] == '"Alice \\"A\\" Example" <alice@example.org>'
    assert letter["From"].addresses[0].display_name == "연합"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"] == "<1@example.org>"
    assert letter["Date"].datetime == NOW
    assert LINK in letter.get_content()


def test_plain_english_is_readable_without_a_mail_program():
    assert LINK.encode() in composed(Message("alice@example.org", "Welcome", LINK))


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=2000))
def test_no_name_subject_or_text_adds_or_breaks_a_header(name, subject, text):
    data = composed(Message("alice@example.org", subject, text, name=name))
    head, _, body = data.partition(b"\r\n\r\n")
    assert [name.lower() for name in re.findall(r"^([A-Za-z-]+):", head.decode("ascii"), re.MULTILINE)] == HEADERS
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", data) is None
    assert body is not None


SMUGGLING = [
    "x\r\nBcc: eve@example.net",
    "=?utf-8?q?x=0D=0ABcc:_eve@example.net?=",
    "x\n\nbody",
    "x\u2028Bcc: eve",
    "\x00",
]


@pytest.mark.parametrize("text", SMUGGLING)
def test_headers_cannot_be_smuggled_in(text):
    letter = parsed(composed(Message("alice@example.org", text, "hello", name=text)))
    assert letter["Bcc"] is None
    assert [each.addr_spec for each in letter["To"].addresses] == ["alice@example.org"]


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=100))
def test_names_of_any_script_arrive_whole(name):
    letter = parsed(composed(Message("alice@example.org", name, name, name=name)))
    assert letter.get_content().rstrip("\n") == name


def test_korean_arrives():
    letter = parsed(
        composed(Message("a@example.org", "가입 신청이 접수되었습니다", "안녕하세요\n", name="김상완", language="ko"))
    )
    assert (letter["Subject"], letter["To"].addresses[0].display_name) == ("가입 신청이 접수되었습니다", "김상완")
    assert letter.get_content() == "안녕하세요\n"
    assert letter["Content-Language"] == "ko"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("alice@example.org", "alice@example.org"),
        (" Alice.B+vo@EXAMPLE.org ", "Alice.B+vo@example.org"),
        ("o'neill@sub.example.co.uk", "o'neill@sub.example.co.uk"),
        ("sangwan@한국.kr", "sangwan@xn--3e0b707e.kr"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_addresses_that_serve(text, address):
    assert check_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "alice", "@example.org", "alice@", "alice@localdomain", "a@b@example.org", "alice@example.org\r\nBcc: x@y.org",
     "alice@example.org,bob@example.org", "Alice <alice@example.org>", '"a b"@example.org', "a..b@example.org", ".a@example.org",
     "alice@[192.0.2.1]", "alice@192.0.2.1", "alice@-x.org", "alice@x_y.org", "a" * 65 + "@example.org", "a@" + "b" * 64 + ".org",
     "a@" + "b." * 130 + "org", "김상완@example.org", "a b@example.org", "alice@exa mple.org", "alice@example..org"],
)  # fmt: skip
def test_addresses_that_do_not_serve(text):
    with pytest.raises(InvalidAddress):
        check_address(text)


@given(st.text(max_size=300))
def test_whatever_is_taken_for_an_address_is_one(text):
    try:
        address = check_address(text)
    except InvalidAddress:
        return
    assert address.isascii()
    assert check_address(address) == address
    assert not set(address) & set(' \r\n\t,;<>()[]"\\:')
