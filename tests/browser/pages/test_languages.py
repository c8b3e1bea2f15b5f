"""Which language a page speaks, and that all of them say the same things."""

import string

import pytest

from issuer.browser.pages.languages import CATALOGUES, choose, speaker


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("", "en"),
        ("de", "de"),
        ("fr-CA", "fr"),
        ("ES", "es"),
        ("ja", "en"),
        ("ja de", "de"),
        ("de fr", "de"),
        ("fr;q=0.5, de;q=0.9", "de"),
        ("fr; q=0.5, de ; q=0.9", "de"),
        ("fr de;q=0.9, es", "fr"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("*", "en"),
        ("design, frisian", "en"),
        ("de_DE", "de"),
        ("../../de\x00<de>", "de"),
        ("x" * 10_000 + " de", "en"),
        ("de;q=" + "9" * 5000, "de"),
        ("ä☃", "en"),
    ],
)
def test_the_first_language_of_ours_is_chosen(wanted, chosen):
    """ui_locales, Accept-Language, or both; what nobody understands is passed over."""
    assert choose(wanted) == chosen


@pytest.mark.parametrize("language", CATALOGUES)
def test_every_language_says_the_same_things(language):
    english, other = CATALOGUES["en"], CATALOGUES[language]
    assert list(other) == list(english)
    assert all(each.strip() == each and each for each in other.values())
    for key in english:
        assert parts_of(other[key]) == parts_of(english[key]), key


def parts_of(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_what_is_filled_in_is_escaped_and_filled_in_once():
    say = speaker("en")
    assert say("login.lead", client="<b>{0}") == "to continue to &lt;b&gt;{0}"
