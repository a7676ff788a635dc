"""`occi`: from arguments to exit code, with the original's one-line errors."""

import getpass
import os
import ssl
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime

from hansa.base.errors import HansaError
from hansa.cli.classic.occi import render
from hansa.cli.classic.occi.actions import Refused, Session, perform
from hansa.cli.classic.occi.options import Exit, Options, parse
from hansa.client.errors import BadReply, CredentialRefused, ServerUntrusted, Timeout
from hansa.client.files import read_private
from hansa.client.http import tls_context
from hansa.client.keystone import Password
from hansa.client.occi import Occi
from hansa.standards.errors import StandardError

_DEFAULT_TIMEOUT = 120.0


def main(arguments: Sequence[str]) -> int:
    """Run `occi ARGUMENTS`; 0 or 1, as the original."""
    try:
        options = parse(arguments)
    except Exit as leave:
        sys.stdout.write(leave.text)
        return leave.code
    log = _Log(options)
    try:
        sys.stdout.write(_run(options, log))
    except (Refused, HansaError, StandardError, OSError) as error:
        log.write("fatal", _message(error, options))
        if options.debug:
            traceback.print_exception(error)
        return 1
    return 0


def _run(options: Options, log: "_Log") -> str:
    log.write("info", f'Establishing a connection to "{options.endpoint}" ...')
    with Occi(
        options.endpoint,
        tls=_tls(options),
        timeout=options.timeout or _DEFAULT_TIMEOUT,
        media_type=options.wire_type,
        login=_login(options),
        token=options.token if options.auth == "token" else None,
        project=os.environ.get("ROCCI_CLIENT_KEYSTONE_TENANT"),
    ) as site:
        categories = site.model()
        log.write("debug", f"The site offers {len(categories)} categories")
        if not options.dump_model:
            log.write("info", f'Executing action "{options.action}" on "{options.resource}" ...')
            return perform(Session(site, categories, options))
        if options.filter:
            categories = tuple(category for category in categories if category.id == options.filter)
        return render.model(categories, options.output_format)


def _tls(options: Options) -> ssl.SSLContext | None:
    if not options.endpoint.lower().startswith("https:"):
        return None
    proxy = options.user_cred if options.auth == "x509" else None
    if proxy is not None:
        read_private(proxy)  # refuses a key that others may read
    return tls_context(
        certificates=None if options.ca_file else options.ca_path,
        ca_file=options.ca_file,
        proxy=proxy,
        password=None if options.voms else lambda: _password(options),
        verify=not options.skip_ca_check,
    )


def _login(options: Options) -> Password | None:
    if options.auth not in {"basic", "digest"}:
        return None
    return Password(options.username, _password(options))


def _password(options: Options) -> str:
    return options.password if options.password is not None else getpass.getpass("Enter a password: ")


def _message(error: Exception, options: Options) -> str:
    match error:
        case ServerUntrusted() | CredentialRefused():
            return (
                "An SSL error occurred! Please, make sure your credentials are valid and recognized by the endpoint! "
                f"Message: {error.message}"
            )
        case Timeout():
            return f'Connection to "{options.endpoint}" timed out!'
        case BadReply() | HansaError():
            return f"An error occurred! Message: {error.message}"
    return f"An error occurred! Message: {error}"


class _Log:
    """Lines as the original's logger writes them, from the chosen level up."""

    LEVELS = ("debug", "info", "warn", "error", "fatal", "unknown")

    def __init__(self, options: Options) -> None:
        self._least = self.LEVELS.index("debug" if options.debug else options.log_level)
        self._stream = sys.stdout if options.log_to == "stdout" else sys.stderr

    def write(self, level: str, message: str) -> None:
        if self.LEVELS.index(level) < self._least:
            return
        stamp = datetime.now().astimezone().strftime("%Y-%m-%dT%H:%M:%S.%f")
        self._stream.write(f"{level[0].upper()}, [{stamp} #{os.getpid()}] {level.upper():>5} -- : {message}\n")
