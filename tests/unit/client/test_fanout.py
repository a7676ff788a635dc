"""Asking many sites: a dead or slow one never takes the others with it."""

import threading

import pytest

from hansa.base.errors import NotFound
from hansa.client.errors import Timeout
from hansa.client.fanout import ask_all
from hansa.client.profile import Site

SITES = [Site(name, f"https://{name}/") for name in ("a", "b", "c")]


def test_answers_and_failures_come_in_the_order_of_the_sites() -> None:
    def ask(site: Site) -> str:
        if site.name == "b":
            raise NotFound("nothing here")
        return site.name.upper()

    gathered = ask_all(SITES, ask)
    assert [answer.value for answer in gathered.answers] == ["A", "C"]
    assert [(failure.site.name, failure.error.code) for failure in gathered.failures] == [("b", "not_found")]


def test_a_site_that_never_answers_is_a_failure_after_the_deadline() -> None:
    never = threading.Event()

    def ask(site: Site) -> str:
        if site.name == "c":
            never.wait()
        return site.name

    gathered = ask_all(SITES, ask, deadline=0.2)
    never.set()
    assert [answer.value for answer in gathered.answers] == ["a", "b"]
    assert isinstance(gathered.failures[0].error, Timeout)


def test_slow_sites_are_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hansa.client.fanout.SLOW_AFTER", 0.05)
    heard: list[list[str]] = []
    go = threading.Event()

    def ask(site: Site) -> str:
        if site.name != "a":
            go.wait(10)
        return site.name

    def on_slow(sites: object) -> None:
        assert isinstance(sites, list)
        heard.append([site.name for site in sites])
        go.set()

    gathered = ask_all(SITES, ask, on_slow=on_slow)
    assert heard == [["b", "c"]]
    assert len(gathered.answers) == 3


def test_a_programming_error_is_not_a_site_failure() -> None:
    def ask(site: Site) -> str:
        raise KeyError(site.name)

    with pytest.raises(KeyError):
        ask_all(SITES, ask)


def test_no_sites_give_an_empty_result() -> None:
    gathered = ask_all([], lambda site: site)
    assert gathered.answers == ()
    assert gathered.failures == ()
