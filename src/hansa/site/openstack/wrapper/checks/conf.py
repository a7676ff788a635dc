"""keystone.conf: the few options that the sign-on by `mapped` needs."""

import configparser
from collections.abc import Iterator
from pathlib import Path

from hansa.site.openstack.wrapper.checks.model import Finding, ok, problem, skipped, warning

REMOTE_ID = "HANSA_IDENTITY_PROVIDER"


def check_conf(path: Path, protocol: str) -> Iterator[Finding]:
    conf = configparser.RawConfigParser(strict=False, default_section=".none", allow_no_value=True)
    try:
        conf.read_string(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        then = "run this on Keystone's host, as a user who may read it, or name it with --keystone-conf"
        yield skipped("keystone.conf", f"{path}: {error.strerror}", then)
        return
    except (configparser.Error, UnicodeDecodeError) as error:
        yield problem("keystone.conf", f"{path}: {error}", "mend it")
        return
    yield from _methods(conf, path)
    yield from _remote_id(conf, path, protocol)
    yield from _prefix(conf, path)


def _methods(conf: configparser.RawConfigParser, path: Path) -> Iterator[Finding]:
    check = "sign-on methods"
    listed = conf.get("auth", "methods", fallback="external,password,token,oauth1,mapped,application_credential")
    methods = {word.strip() for word in listed.split(",")}
    missing = sorted({"mapped", "token"} - methods)
    if missing:
        yield problem(check, f"{path} lacks {', '.join(missing)}", "add them to methods in [auth]")
    else:
        yield ok(check, "mapped and token")
    if "external" in methods:
        yield warning(
            check, "external believes REMOTE_USER", "remove it from methods in [auth] unless a web server sets that"
        )
    if conf.get("auth", "mapped", fallback=None) == "hansa":
        yield ok("token life", "tokens end with the credential")
    else:
        detail = "tokens outlive credentials by as much as [token] expiration"
        yield warning("token life", detail, "set mapped = hansa in [auth], or front.min_life to a token's life")


def _remote_id(conf: configparser.RawConfigParser, path: Path, protocol: str) -> Iterator[Finding]:
    check = "remote id"
    found = conf.get(protocol, "remote_id_attribute", fallback=None)
    found = found or conf.get("federation", "remote_id_attribute", fallback=None)
    if found == REMOTE_ID:
        yield ok(check, REMOTE_ID)
    else:
        detail = (
            f"{path} says {found}" if found else f"{path} names no remote_id_attribute: any request may reach the rules"
        )
        yield problem(check, detail, f"set remote_id_attribute = {REMOTE_ID} in [{protocol}]")


def _prefix(conf: configparser.RawConfigParser, path: Path) -> Iterator[Finding]:
    prefix = conf.get("federation", "assertion_prefix", fallback=None)
    if prefix:
        detail = f"{path} shows rules only variables that begin with {prefix}"
        yield problem("assertion prefix", detail, "remove assertion_prefix from [federation]")
