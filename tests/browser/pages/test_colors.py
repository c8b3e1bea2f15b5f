"""WCAG 2.2, success criterion 1.4.3: a contrast of 4.5, whatever the brand's color is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.browser.pages import colors
from issuer.browser.pages.rendering import CARD, CARD_IN_THE_DARK
from issuer.registry.branding import Branding
from tests.browser.pages.builders import a_login_view, a_page

COLORS = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000000", "#ffffff", 21.0), ("#767676", "#ffffff", 4.54), ("#777777", "#ffffff", 4.48)],
)
def test_contrast_is_what_others_measure(one, other, ratio):
    """WebAIM's contrast checker gives these."""
    assert round(colors.contrast(one, other), 2) == ratio == round(colors.contrast(other, one), 2)


@given(COLORS)
def test_text_can_be_read_on_any_color(color):
    assert colors.contrast(colors.text_on(color), color) >= colors.READABLE


@given(COLORS, COLORS)
def test_any_color_becomes_one_that_can_be_read(color, background):
    assert colors.contrast(colors.readable(color, background), background) >= colors.READABLE


def test_a_color_that_can_be_read_stays():
    assert colors.readable("#2f55c8", CARD) == "#2f55c8"


def test_what_the_style_sheet_says_itself_can_be_read():
    style = a_page(a_login_view(), Branding(color="#ffd400")).text("style")[0]
    day, night = style.split("@media (prefers-color-scheme: dark)")
    assert "--brand:#ffd400;--on-brand:#000000" in day
    for scheme, card in ((day, CARD), (night, CARD_IN_THE_DARK)):
        named = dict(re.findall(r"--(\w[\w-]*): (#[0-9a-f]{6});", scheme))
        assert named["card"] == card
        for text, behind in (
            ("text", "card"), ("text", "page"), ("soft", "card"), ("soft", "page"),
            ("soft", "well"), ("text", "well"), ("bad", "bad-well"),
        ):  # fmt: skip
            assert colors.contrast(named[text], named[behind]) >= colors.READABLE
        assert colors.contrast(named["edge"], named["card"]) >= 3  # criterion 1.4.11
