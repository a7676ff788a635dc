"""Messages in the user's language: English in the source, translations in `hansa/locale/<language>/LC_MESSAGES/hansa.mo`.

The language is what gettext always used: the first of LANGUAGE, LC_ALL, LC_MESSAGES, LANG that is set. The catalogue is
read at the first message, so that a module may import `_` for nothing. Only words for people go through here: codes, log
events and wire text stay as they are.
"""

import gettext
from collections.abc import Callable
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


def language() -> str:
    """Of the user at this terminal: what `_` speaks."""
    return _catalogue().info().get("language", "en").partition("_")[0]


def ngettext(one: str, many: str, n: int) -> str:
    """The form for `n` things: `ngettext("{n} machine", "{n} machines", n).format(n=n)`."""
    return _catalogue().ngettext(one, many, n)


Translate = Callable[[str], str]
"""As `_`, for one language. Name a parameter `_: Translate`, and the messages in it are found by the catalogue."""


@cache
def languages() -> tuple[str, ...]:
    """What we can write to people in."""
    return ("en", *sorted(path.parents[1].name for path in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))


def best_language(wanted: str) -> str:
    """Of an Accept-Language header or a language tag (RFC 9110 §12.5.4, RFC 5646) the first that we have; English if none.

    Preferences are taken in their order as written; weights are not looked at.
    """
    for part in wanted[:200].split(","):
        primary = part.partition(";")[0].strip().lower().partition("-")[0].partition("_")[0]
        if primary in languages():
            return primary
    return "en"


@cache
def translator(language: str) -> Translate:
    """For a reader other than the one at this terminal, such as a mail's; English where there is no such catalogue."""
    return gettext.translation(DOMAIN, LOCALE, [language] if language in languages() else [], fallback=True).gettext


def speak_for_libraries() -> None:
    """Let libraries that call plain `gettext.gettext` (click) find their words in our catalogue. For programs, at their start."""
    gettext.bindtextdomain(DOMAIN, str(LOCALE))
    gettext.textdomain(DOMAIN)
