"""The page in Ukrainian, and the words of both languages beside each other."""

import json
import re

import pytest
from playwright.sync_api import expect

from leleka.paths import PROJECT
from tests.e2e.conftest import Row, Visitors
from tests.e2e.visitor import CONFIRMED, NAME, Visitor

type Words = dict[str, str | dict[str, str]]
PAGE = PROJECT / "functions" / "chalicelib" / "api" / "web"
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
    """The same keys, the same values to fill in, every plural form; and nothing in Ukrainian is English."""
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
    assert [form for value in words["uk"].values() for form in _forms(value) if _is_english(form)] == []


def test_all_words_that_the_page_asks_for_are_there(olena: Visitor) -> None:
    """Those of the modules, and one for each step of the sagas, the engineers' own included."""
    olena.open()
    expect(olena.heading("Find a flight")).to_be_visible()
    keys = _words(olena, "en").keys()
    asked = _asked_for({key.partition(".")[0] for key in keys})
    assert [one for one in asked if not any(re.fullmatch(one, key) for key in keys)] == []
    machines = [json.loads(path.read_text()) for path in (PROJECT / "statemachine").glob("*.asl.json")]
    assert len(machines) == 2
    assert {f"step.{state}" for machine in machines for state in machine["States"]} == {
        key for key in keys if key.startswith("step.")
    }


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


def _asked_for(topics: set[str]) -> set[str]:
    """The keys of words in the modules of the page, as patterns: what is filled in there may be anything."""
    modules = [path.read_text() for path in PAGE.glob("*.js") if not path.name.startswith("words.")]
    texts = {text for module in modules for text in re.findall(r"""["`]([a-z]+\.[^"`\s]+)["`]""", module)}
    filled = {re.sub(r"\$\{[^}]*\}", "\0", text) for text in texts if text.partition(".")[0] in topics}
    return {re.escape(text).replace("\0", "[^ .]+") for text in filled if not text.endswith(".js")}


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
    return {value for form in _forms(words) for value in re.findall(r"\{(\w+)\}", form)}


def _forms(words: str | dict[str, str]) -> list[str]:
    return list(words.values()) if isinstance(words, dict) else [words]


def _english_left(visitor: Visitor, ref: str = "—") -> list[str]:
    shown: list[str] = visitor.page.evaluate(_SHOWN)
    return [words for words in shown if _is_english(words.replace(ref, ""))]


def _is_english(words: str) -> bool:
    return re.search(r"[A-Za-z]{3}", SAME_EVERYWHERE.sub("", re.sub(r"\{\w+\}", "", words))) is not None
