"""How the commands fail: one exit code per kind of trouble, and a text that says what to do next."""

import os
import sys
from enum import IntEnum

import click

from hansa.base.errors import BadRequest, Forbidden, HansaError, NotFound, QuotaExceeded, Unauthenticated
from hansa.base.i18n import _
from hansa.cli.output import printable
from hansa.client.errors import NoSite, Timeout
from hansa.standards.errors import StandardError


class ExitCode(IntEnum):
    """What the shell sees. Scripts rely on these numbers."""

    OK = 0
    ERROR = 1
    USAGE = 2
    AUTH = 3
    NOT_FOUND = 4
    QUOTA = 5
    NO_SITE = 6
    PARTIAL = 7
    TIMEOUT = 8


_EXIT_CODES: tuple[tuple[type[HansaError], ExitCode], ...] = (
    (NoSite, ExitCode.NO_SITE),
    (Timeout, ExitCode.TIMEOUT),
    (QuotaExceeded, ExitCode.QUOTA),
    (Unauthenticated, ExitCode.AUTH),
    (Forbidden, ExitCode.AUTH),
    (NotFound, ExitCode.NOT_FOUND),
    (BadRequest, ExitCode.USAGE),
)


def exit_code(error: HansaError) -> ExitCode:
    """The shell's number for a refusal; the first matching class wins."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.ERROR)


def report(error: BaseException, *, debug: bool) -> ExitCode:
    """Say on stderr what happened, why it is likely, what to do next; give the exit code."""
    if debug:
        _traceback(error)
    match error:
        case click.ClickException():
            error.show()
            return ExitCode.USAGE if isinstance(error, click.UsageError) else ExitCode.ERROR
        case HansaError():
            _say(error.message, cause=error.details.get("cause"), next_step=_next_step(error), code=error.code)
            return exit_code(error)
        case StandardError():
            _say(str(error), code=error.code)
            return ExitCode.ERROR
        case OSError():
            _say(_os_error(error), code="os")
            return ExitCode.ERROR
    _say(
        _("An unexpected error: {error}.").format(error=f"{type(error).__name__}: {error}"),
        cause=_("This is a fault of hansa, not of yours."),
        next_step=_("run it again with “hansa --debug …” and report what it prints"),
        code="internal",
    )
    return ExitCode.ERROR


def _os_error(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _next_step(error: HansaError) -> str | None:
    given = error.details.get("next")
    if given:
        return str(given)
    match error:
        case Unauthenticated():
            return _("make a new proxy: hansa proxy init")
        case NotFound():
            return _("see what there is: hansa vm list, hansa image list, hansa flavor list, hansa site list")
        case QuotaExceeded():
            return _("delete what you no longer need (hansa vm list), choose a smaller flavor or another site")
    return None


def _say(message: str, *, cause: object = None, next_step: str | None = None, code: str) -> None:
    heading = click.style(_("Error:"), fg="red", bold=True)
    lines = [f"{heading} {printable(message)}"]
    if cause:
        lines.append(printable(_("  Likely cause: {cause}").format(cause=cause)))
    if next_step:
        lines.append(printable(_("  Next: {step}").format(step=next_step)))
    lines.append(_("  Code: {code}").format(code=code))
    click.echo("\n".join(lines), err=True, color=False if os.environ.get("NO_COLOR") else None)


def _traceback(error: BaseException) -> None:
    import traceback  # only here: it costs start-up time

    traceback.print_exception(error, file=sys.stderr)
