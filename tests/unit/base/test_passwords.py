"""Passwords: what is kept of them, and what a check gives away."""

import asyncio

from hansa.base import passwords
from hansa.base.errors import TooManyRequests
from hansa.base.passwords import PASSWORD_MAX, check_password, hash_password


async def test_the_password_is_told_from_others():
    hashed = hash_password("비밀번호".encode())
    assert await check_password(hashed, "비밀번호".encode())
    assert not await check_password(hashed, b"wrong")


def test_the_hash_is_argon2id_with_a_salt_of_its_own():
    first, second = hash_password(b"secret"), hash_password(b"secret")
    assert first != second
    assert first.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_nobody_has_no_password_not_even_the_one_that_is_compared():
    assert not await check_password(None, b"the password of nobody")


async def test_a_hash_of_another_kind_matches_nothing():
    assert not await check_password("$scrypt$ln=15,r=8,p=1$AAAA$BBBB", b"secret")


async def test_a_password_beyond_the_bound_is_not_even_hashed():
    assert not await check_password(hash_password(b"x"), b"x" * (PASSWORD_MAX + 1))


async def test_who_comes_when_too_many_wait_is_sent_away(monkeypatch):
    monkeypatch.setattr(passwords, "WAITING", 2)
    hashed = hash_password(b"x")
    answers = await asyncio.gather(*(check_password(hashed, b"x") for _ in range(4)), return_exceptions=True)
    assert answers[:2] == [True, True]
    assert all(isinstance(each, TooManyRequests) for each in answers[2:])
    assert await check_password(hashed, b"x")
