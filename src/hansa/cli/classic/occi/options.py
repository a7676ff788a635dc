"""The options of `occi`, as its users and scripts write them: short and long, abbreviated, `--name value` or `--name=value`."""

import argparse
import base64
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from hansa.client.occi import MEDIA_TYPES
from hansa.standards.occi import Value

INTERFACE_VERSION = "4.3.10"
"""The version of the original whose command line this is."""

_DEFAULT_MEDIA = "text/plain,text/occi"
_ACTIONS = ("list", "describe", "create", "delete", "trigger", "link", "unlink", "update")
_AUTH = ("x509", "token", "basic", "digest", "none")
_FORMATS = ("json", "plain", "json_pretty", "json_extended", "json_extended_pretty")
_LEVELS = ("debug", "error", "fatal", "info", "unknown", "warn")
_CONTEXT = ("public_key", "user_data")
_PAIR = re.compile(r"([^\s=,]+)=(.+)", re.DOTALL)
_CAST = re.compile(r"(num|bool|float)\((.*)\)")


class Exit(Exception):
    """The program ends here: `text` goes to stdout."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


@dataclass(slots=True)
class Options:
    """What the command line said, checked."""

    endpoint: str = "http://localhost:3000"
    auth: str = "none"
    timeout: int | None = None
    username: str = "anonymous"
    password: str | None = field(default=None, repr=False)
    ca_path: Path = field(
        default_factory=lambda: Path(_environment("X509_CERT_DIR", "/etc/grid-security/certificates"))
    )
    ca_file: Path | None = None
    skip_ca_check: bool = False
    filter: str | None = None
    user_cred: Path = field(default_factory=lambda: Path.home() / ".globus" / "usercred.pem")
    voms: bool = False
    token: str | None = field(default=None, repr=False)
    media_type: str = _DEFAULT_MEDIA
    resource: str | None = None
    attribute: list[str] = field(default_factory=list)
    context: list[str] = field(default_factory=list)
    action: str | None = None
    mixin: list[str] = field(default_factory=list)
    link: list[str] = field(default_factory=list)
    trigger_action: str | None = None
    log_to: str = "stderr"
    output_format: str = "plain"
    log_level: str = "error"
    wait_for_active: int = 0
    dump_model: bool = False
    debug: bool = False
    attributes: dict[str, Value] = field(default_factory=dict)
    contexts: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def wire_type(self) -> str:
        """The rendering we speak: the first of the list that we know."""
        return next((m for m in self.media_type.split(",") if m in MEDIA_TYPES), MEDIA_TYPES[0])


@dataclass(frozen=True, slots=True)
class _Option:
    short: str
    long: str
    argument: str | None
    help: str


def _environment(name: str, default: str) -> str:
    return os.environ.get(name) or default


def _table() -> tuple[_Option, ...]:
    known = Options()
    return (
        _Option("e", "endpoint", "URI", f'OCCI server URI, defaults to "{known.endpoint}"'),
        _Option("n", "auth", "METHOD", f'Authentication method, only: [{"|".join(_AUTH)}], defaults to "none"'),
        _Option("k", "timeout", "SEC", "Default timeout for all HTTP connections, in seconds"),
        _Option("u", "username", "USER", 'Username for basic or digest authentication, defaults to "anonymous"'),
        _Option("p", "password", "PASSWORD", "Password for basic, digest and x509 authentication"),
        _Option("c", "ca-path", "PATH", f'Path to CA certificates directory, defaults to "{known.ca_path}"'),
        _Option("f", "ca-file", "PATH", "Path to CA certificates in a file"),
        _Option("s", "skip-ca-check", None, "Skip server certificate verification [NOT recommended]"),
        _Option(
            "F",
            "filter",
            "CATEGORY",
            "Category type identifier to filter categories from model, must be used together with the -m option",
        ),
        _Option("x", "user-cred", "FILE", f'Path to user\'s x509 credentials, defaults to "{known.user_cred}"'),
        _Option("X", "voms", None, "Using VOMS credentials; modifies behavior of the X509 authN module"),
        _Option("q", "token", "TOKEN", "A pre-generated token to be used for authentication purposes"),
        _Option(
            "y",
            "media-type",
            "MEDIA_TYPE",
            "Media type for client <-> server communication, only: "
            f'[application/occi+json|{_DEFAULT_MEDIA}|text/plain|text/occi], defaults to "{_DEFAULT_MEDIA}"',
        ),
        _Option("r", "resource", "RESOURCE", "Term, identifier or URI of a resource to be queried, required"),
        _Option(
            "t",
            "attribute",
            "ATTR",
            "An \"attribute='value'\" pair, mandatory attrs for creating new resource instances: [occi.core.title]",
        ),
        _Option(
            "T",
            "context",
            "CTX_VAR",
            f"A \"context_variable='value'\" pair for new 'compute' resource instances, only: [{', '.join(_CONTEXT)}]",
        ),
        _Option("a", "action", "ACTION", f"Action to be performed, only: [{'|'.join(_ACTIONS)}], required"),
        _Option("M", "mixin", "IDENTIFIER", "Identifier of a mixin, formatted as SCHEME#TERM or SHORT_SCHEME#TERM"),
        _Option(
            "j",
            "link",
            "URI",
            "URI of an instance to be linked with the given resource, applicable only for actions 'link' and 'create'",
        ),
        _Option(
            "g", "trigger-action", "ACTION", "Action to be triggered on the resource, formatted as SCHEME#TERM or TERM"
        ),
        _Option("l", "log-to", "OUTPUT", "Log to the specified device, only: [stdout|stderr], defaults to 'stderr'"),
        _Option("o", "output-format", "FORMAT", f'Output format, only: [{"|".join(_FORMATS)}], defaults to "plain"'),
        _Option("b", "log-level", "LEVEL", f"Set the specified logging level, only: [{'|'.join(_LEVELS)}]"),
        _Option(
            "w",
            "wait-for-active",
            "TIMEOUT",
            "Wait for TIMEOUT seconds for the created resource to become 'active', defaults to 0 (disabled)",
        ),
        _Option("z", "examples", None, "Show usage examples"),
        _Option("m", "dump-model", None, "Contact the endpoint and dump its model"),
        _Option("d", "debug", None, "Enable debugging messages"),
        _Option("h", "help", None, "Show this message"),
        _Option("v", "version", None, "Show version"),
    )


def usage() -> str:
    lines = ["Usage: occi [OPTIONS]", "", "Options:"]
    for option in _table():
        flags = f"-{option.short}, --{option.long}" + (f" {option.argument}" if option.argument else "")
        lines.append(f"    {flags:<32} {option.help}")
    return "\n".join(lines) + "\n"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Exit(f"{message.capitalize()}\n{usage()}", 1)


_REPEATED = ("attribute", "context", "mixin", "link")
_CHOICES = {
    "auth": _AUTH,
    "action": _ACTIONS,
    "log-to": ("stdout", "stderr"),
    "output-format": _FORMATS,
    "log-level": _LEVELS,
    "media-type": (*MEDIA_TYPES, _DEFAULT_MEDIA),
}
_TYPES = {"timeout": int, "wait-for-active": int, "ca-path": Path, "ca-file": Path, "user-cred": Path}


def parse(arguments: Sequence[str]) -> Options:
    """Read and check; raises Exit for help, version, examples and every mistake, with the original's words."""
    parser = _Parser(prog="occi", add_help=False)
    for option in _table():
        flags = (f"-{option.short}", f"--{option.long}")
        if option.argument is None:
            parser.add_argument(*flags, action="store_true", default=argparse.SUPPRESS)
        elif option.long in _REPEATED:
            parser.add_argument(*flags, action="append", default=argparse.SUPPRESS)
        else:
            kind, choices = _TYPES.get(option.long, str), _CHOICES.get(option.long)
            parser.add_argument(*flags, type=kind, choices=choices, default=argparse.SUPPRESS)
    given = vars(parser.parse_args(arguments))
    _show_and_leave(given)
    options = Options(**given)
    _check_files(options, given)
    _check(options)
    for pair in _pairs(options.attribute):
        name, value = _split(pair, "Attribute must always contain ATTR=VALUE pairs!")
        options.attributes[name] = _cast(value)
    for pair in options.context:
        name, value = _split(pair, "Context variables must always contain ATTR=VALUE pairs!")
        options.contexts[name] = _context(name, value)
    options.mixin = [part for text in options.mixin for part in text.split(",")]
    options.link = [part for text in options.link for part in text.split(",")]
    if options.action == "create" and not options.attributes.get("occi.core.title"):
        raise _missing(["occi.core.title"])
    return options


def _show_and_leave(given: dict[str, object]) -> None:
    from hansa import __version__  # with the rest of the package: only when asked
    from hansa.cli.classic.occi.examples import EXAMPLES

    if given.pop("help", False):
        raise Exit(usage(), 0)
    if given.pop("version", False):
        more = f"Hansa: {__version__}\n" if given.get("debug") else ""
        raise Exit(f"{INTERFACE_VERSION}\n{more}", 0)
    if given.pop("examples", False):
        raise Exit(EXAMPLES.format(endpoint=given.get("endpoint", "http://localhost:3000/")), 0)


def _check_files(options: Options, given: dict[str, object]) -> None:
    if "ca_path" in given and not options.ca_path.is_dir():
        raise Exit(f"Path specified in --ca-path is not a directory!\n{usage()}", 1)
    for name in ("ca_file", "user_cred"):
        path = given.get(name)
        if isinstance(path, Path) and not path.is_file():
            raise Exit(f"File specified in --{name.replace('_', '-')} is not a file!\n{usage()}", 1)


def _check(options: Options) -> None:
    if options.timeout is not None and options.timeout < 1:
        raise Exit(f"Timeout has to be a number larger than 0!\n{usage()}", 1)
    if options.filter and not options.dump_model:
        raise Exit(f"You cannot use '--filter' without '--dump-model'!\n{usage()}", 1)
    if options.voms and options.auth != "x509":
        raise Exit(f"You cannot use '--voms' without '--auth x509'!\n{usage()}", 1)
    if options.dump_model:
        return
    wanted: list[tuple[str, object]] = []
    match options.action:
        case "trigger":
            wanted.append(("trigger_action", options.trigger_action))
        case "create":
            if options.resource == "compute" and not options.mixin:
                wanted.append(("links", options.link))
            wanted.append(("attributes", options.attribute))
        case "link":
            wanted.append(("links", options.link))
    wanted += [("resource", options.resource), ("action", options.action)]
    if options.action == "update":
        wanted.append(("mixins", options.mixin))
    if missing := [name for name, value in wanted if not value]:
        raise _missing(missing)


def _missing(names: Sequence[str]) -> Exit:
    return Exit(f"Missing required arguments: {', '.join(names)}\n{usage()}", 1)


def _pairs(texts: Sequence[str]) -> list[str]:
    """One option may hold several pairs with commas between; a comma inside a value stays."""
    found: list[str] = []
    for text in texts:
        parts = text.split(",")
        whole = all(re.fullmatch(r"[A-Za-z0-9_.-]+=.+", part, re.DOTALL) for part in parts)
        found += parts if whole else [text]
    return found


def _split(pair: str, complaint: str) -> tuple[str, str]:
    match = _PAIR.fullmatch(pair)
    if match is None:
        raise Exit(f"{complaint}\n{usage()}", 1)
    return match[1], match[2]


def _cast(text: str) -> Value:
    """`num(2)`, `float(0.5)` and `bool(true)` make typed values; anything else is text."""
    match = _CAST.fullmatch(text)
    if match is None:
        return text
    kind, inner = match.groups()
    try:
        if kind == "bool":
            return {"true": True, "false": False}[inner]
        return int(inner) if kind == "num" else float(inner)
    except (ValueError, KeyError):
        raise Exit(f'Failed to cast attribute value "{text}"!\n{usage()}', 1) from None


def _context(name: str, value: str) -> str:
    if name not in _CONTEXT:
        raise Exit(f'Only {", ".join(_CONTEXT)} context variables are supported! "{name}"\n{usage()}', 1)
    data = value.encode(sys.getfilesystemencoding(), "surrogateescape")
    if value.startswith("file://"):
        path = Path(value.removeprefix("file://"))
        if not path.is_file():
            raise Exit(f'File does not exist! "{path}"\n{usage()}', 1)
        data = path.read_bytes()
    if name == "user_data":
        return base64.b64encode(data).decode()
    return data.decode("utf-8", "replace").strip()
