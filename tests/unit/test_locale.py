"""Every message has its translation, with the same placeholders, in the words of the glossary."""

import ast
import gettext
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from tests.support.messages import LOCALE, SOURCE, TEMPLATE, rendered, template, translations

UPDATE = "run: python -m tests.support.messages"
LANGUAGES = {path.parts[-3]: catalog for path, catalog in translations()}
VERBATIM = re.compile(
    r"--[a-z]+|\$[A-Z_0-9]+|\bhansa (?:config|flavor|image|proxy|site|vm|vo) [a-z]+|~?/[a-z]+/[a-z0-9_./]*[a-z]"
)
NO_WORDS = re.compile(r"\{[^}]*\}|\[\[\w+\]\]|“[^”]*”|\S*/\S+|\b\w+(?:-\w+)+|" + VERBATIM.pattern)
AMBIGUOUS_PARTICLE = re.compile(
    r"\((?:를|을|가|이|는|은|과|와|으|로)\)"
)  # "을(를)": the sentence is to be shaped without it


def texts(message: Message) -> tuple[list[str], list[str]]:
    """Source and translation, each with its plural forms."""
    source, target = message.id, message.string or ""
    return [source] if isinstance(source, str) else list(source), [target] if isinstance(target, str) else list(target)


def messages(catalog: Catalog) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def placeholders(text: str) -> set[tuple[str, str | None, str | None]]:
    fields = {(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(text) if name is not None}
    return fields | {(name, None, None) for name in re.findall(r"%\((\w+)\)s", text)}


def terms(text: str, glossary: Iterable[str]) -> Iterator[str]:
    """The terms in `text`, longest first: "certificate authority" leaves no "certificate" behind."""
    words = NO_WORDS.sub(" ", text).lower()
    for term in sorted(glossary, key=len, reverse=True):
        pattern = rf"\b{term[:-1]}(?:ies|y)\b" if term.endswith("y") else rf"\b{term}(?:s|es|ed)?\b"
        if re.search(pattern, words):
            words = re.sub(pattern, " ", words)
            yield term


def test_the_template_is_what_the_source_says() -> None:
    assert TEMPLATE.read_bytes() == rendered(template()), UPDATE


def test_every_message_in_the_source_is_extracted() -> None:
    """An f-string around `_(...)` would hide it from the extractor, one inside it can never be found in a catalogue."""
    known = {form for message in messages(template()) for form in texts(message)[0]}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "ngettext"):
                first = node.args[0]
                assert not isinstance(first, ast.JoinedStr | ast.BinOp), f"{path}:{node.lineno}"
                if isinstance(first, ast.Constant):
                    assert first.value in known, f"{path}:{node.lineno}: {UPDATE}, or take it out of its f-string"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_translation_is_complete_and_current(language: str) -> None:
    catalog = LANGUAGES[language]
    assert {message.id for message in messages(catalog)} == {message.id for message in messages(template())}, UPDATE
    assert [message.id for message in messages(catalog) if not message.string or message.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_program_reads_is_what_translators_wrote(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES/hansa.mo").open("rb") as file:
        read = gettext.GNUTranslations(file)
    for message in messages(LANGUAGES[language]):
        source, target = texts(message)
        said = read.gettext(source[0]) if len(source) == 1 else read.ngettext(source[0], source[1], 1)
        assert said == target[0], UPDATE


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_options_and_edges_are_kept(language: str) -> None:
    for message in messages(LANGUAGES[language]):
        source, target = texts(message)
        for text in target:
            assert placeholders(text) == placeholders(source[-1]), message.id
            assert sorted(VERBATIM.findall(text)) == sorted(VERBATIM.findall(source[-1])), message.id
            assert (text[0] == " ", text[-1] == " ") == (source[-1][0] == " ", source[-1][-1] == " "), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_terms_are_the_glossarys(language: str) -> None:
    glossary: dict[str, str] = tomllib.loads((LOCALE / language / "glossary.toml").read_text())
    assert len(set(glossary.values())) == len(glossary), "two English terms have the same translation"
    for message in messages(LANGUAGES[language]):
        source, target = texts(message)
        for term in terms(source[-1], glossary):
            assert all(glossary[term] in text for text in target), (message.id, term)


def test_korean_has_no_particle_in_parentheses() -> None:
    for message in messages(LANGUAGES["ko"]):
        assert not AMBIGUOUS_PARTICLE.search(" ".join(texts(message)[1])), message.id


def test_a_korean_reads_korean_and_columns_stay_straight() -> None:
    environ = {
        **os.environ,
        "LANGUAGE": "",
        "LC_ALL": "ko_KR.UTF-8",
        "PYTHONPATH": str(SOURCE.parent),
        "PYTHONUTF8": "1",
    }
    command = [sys.executable, "-m", "hansa.cli.main", "vm", "-h"]
    said = subprocess.run(command, env=environ, capture_output=True, check=True).stdout.decode()
    assert "사용법:" in said
    assert "새 가상 머신을 시작합니다." in said
    assert "Show this message" not in said


def test_the_files_are_where_the_program_looks() -> None:
    assert Path(gettext.find("hansa", str(LOCALE), ["ko"]) or "") == LOCALE / "ko/LC_MESSAGES/hansa.mo"
