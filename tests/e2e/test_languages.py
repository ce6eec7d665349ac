"""The page in Ukrainian, and the words of both languages beside each other."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Row, Visitors
from tests.e2e.visitor import CONFIRMED, NAME, Visitor

type Words = dict[str, str | dict[str, str]]
FORMS = {"en": {"one", "other"}, "uk": {"one", "few", "many", "other"}}
# What is not translated: names, codes, addresses, and figures of the seat map.
SAME_EVERYWHERE = re.compile(r"Leleka|LL \d+|Boeing|Airbus|\b[A-Z]{3}\b|[\w.]+@[\w.]+|#?[A-Z]{3}-[A-Z]{3}-\d+")
_SHOWN = """() => {
  const shown = [];
  const isForeign = (one) => one.closest("[lang]") !== document.documentElement;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: parent, textContent: words } = texts.currentNode;
    if (parent.checkVisibility() && !isForeign(parent)) shown.push(words.trim());
  }
  const named = document.querySelectorAll("[aria-label], [title], [placeholder]");
  for (const one of named) shown.push(...["aria-label", "title", "placeholder"].map((name) => one.getAttribute(name)));
  return [...new Set(shown)].filter((words) => words);
}"""


def test_both_languages_have_the_same_words(olena: Visitor) -> None:
    """The same keys, the same values to fill in, every plural form; and all that the modules ask for is there."""
    olena.open()
    expect(olena.heading("Find a flight")).to_be_visible()
    words = {language: _words(olena, language) for language in FORMS}
    assert words["en"].keys() == words["uk"].keys()
    for language, forms in FORMS.items():
        for key, value in words[language].items():
            if isinstance(value, dict):
                assert value.keys() <= forms, (language, key)
                assert value.keys() >= forms - {"other"}, (language, key)
    for key in words["en"]:
        assert _values(words["en"][key]) == _values(words["uk"][key]), key


@pytest.mark.screenshots
def test_a_booking_can_be_made_in_ukrainian(visitor: Visitors, row: Row) -> None:
    """The whole way in the language of the browser, with nothing left in English; a change of the language in the
    middle keeps what was typed and held."""
    olena = visitor(locale="uk-UA")
    olena.open()
    olena.speak(_dictionary(olena))
    expect(olena.page.locator("html")).to_have_attribute("lang", "uk")
    expect(olena.heading("Find a flight")).to_be_visible()
    assert _english_left(olena) == []
    olena.open_seats(row.flight_id)
    olena.choose_seat(row["A"])
    olena.fill_in(bags=0)
    assert _english_left(olena) == []
    for language in ("English", "Українська"):
        olena.page.get_by_role("button", name=language).click()
        expect(olena.page.locator("html")).to_have_attribute("lang", {"English": "en"}.get(language, "uk"))
    expect(olena.field("Full name")).to_have_value(NAME)
    ref = olena.hold(row["A"])
    olena.picture("ukrainian")
    assert _english_left(olena, ref) == []
    olena.pay()
    expect(olena.status).to_have_text(olena.say(CONFIRMED))
    assert _english_left(olena, ref) == []
    olena.open("/bookings")
    expect(olena.heading("My bookings")).to_be_visible()
    assert _english_left(olena, ref) == []
    olena.page.reload()
    expect(olena.heading("My bookings")).to_be_visible()


def _words(visitor: Visitor, language: str) -> Words:
    """Those of a language, read as the page reads them."""
    folder = str(visitor.page.locator("script[type=module]").get_attribute("src")).rpartition("/")[0]
    script = "(url) => import(new URL(url, document.baseURI)).then((module) => module.default)"
    found: Words = visitor.page.evaluate(script, f"{folder}/words.{language}.js")
    return found


def _dictionary(visitor: Visitor) -> dict[str, str]:
    english, ukrainian = _words(visitor, "en"), _words(visitor, "uk")
    return {words: str(ukrainian[key]) for key, words in english.items() if isinstance(words, str)}


def _values(words: str | dict[str, str]) -> set[str]:
    """What is filled in; a plural form may leave one out, such as the number one."""
    forms: Any = words.values() if isinstance(words, dict) else [words]
    return {value for form in forms for value in re.findall(r"\{(\w+)\}", form)}


def _english_left(visitor: Visitor, ref: str = "—") -> list[str]:
    shown: list[str] = visitor.page.evaluate(_SHOWN)
    without_names = {words: SAME_EVERYWHERE.sub("", words.replace(ref, "")) for words in shown}
    return [words for words, rest in without_names.items() if re.search(r"[A-Za-z]{3}", rest)]
