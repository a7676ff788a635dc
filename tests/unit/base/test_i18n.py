"""Messages are English without a catalogue, and placeholders are filled after translating."""

import os
import subprocess
import sys

import pytest

from hansa.base.i18n import best_language, translator


def said(language: str) -> str:
    code = (
        "from hansa.base.i18n import _, ngettext\n"
        "print(_('no such message'), ngettext('{n} thing', '{n} things', 2).format(n=2))"
    )
    environ = {
        key: value for key, value in os.environ.items() if key not in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    }
    environ |= {"LC_MESSAGES": language, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout


def test_unknown_messages_and_languages_stay_english() -> None:
    assert said("C") == said("tlh_QO.UTF-8") == "no such message 2 things\n"


def test_a_reader_elsewhere_is_written_to_in_their_language() -> None:
    assert translator("ko")("Try a failed message again.") != "Try a failed message again."
    assert translator("tlh")("Try a failed message again.") == "Try a failed message again."


@pytest.mark.parametrize(
    ("wanted", "language"),
    [("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("ko_KR", "ko"), ("de, ko", "ko"), ("de", "en"), ("", "en"), ("../ko", "en")],
)
def test_the_first_language_that_we_have_is_taken(wanted: str, language: str) -> None:
    assert best_language(wanted) == language
