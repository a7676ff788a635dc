"""Messages in the user's language: English in the source, translations in `hansa/locale/<language>/LC_MESSAGES/hansa.mo`.

The language is what gettext always used: the first of LANGUAGE, LC_ALL, LC_MESSAGES, LANG that is set. The catalogue is
read at the first message, so that a module may import `_` for nothing. Only words for people go through here: codes, log
events and wire text stay as they are.
"""

import gettext
from functools import cache
from pathlib import Path

DOMAIN = "hansa"
LOCALE = Path(__file__).parents[1] / "locale"


@cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, fallback=True)


def _(message: str) -> str:
    """`message` in the user's language, or as it is. Fill in after translating: `_("No such VO: {vo}").format(vo=vo)`."""
    return _catalogue().gettext(message)


def ngettext(one: str, many: str, n: int) -> str:
    """The form for `n` things: `ngettext("{n} machine", "{n} machines", n).format(n=n)`."""
    return _catalogue().ngettext(one, many, n)


def speak_for_libraries() -> None:
    """Let libraries that call plain `gettext.gettext` (click) find their words in our catalogue. For programs, at their start."""
    gettext.bindtextdomain(DOMAIN, str(LOCALE))
    gettext.textdomain(DOMAIN)
