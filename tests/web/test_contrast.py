"""The colours of both themes: what is read and what is operated stands out enough (WCAG 2.2 AA)."""

import re

import pytest

from caesar_web.core import ROOT

STYLE = (ROOT / "static" / "style.css").read_text("utf-8")
THEMES = ("light", "dark")
MOST_BYTES = 30_000

TEXT = 4.5
SHAPE = 3.0  # borders of controls, focus rings and marks

BLACK = "#000000"  # what is written on gold
GROUNDS = ("page", "surface", "raised")
PAIRS = [
    *((text, on, TEXT) for text in ("text", "quiet", "link") for on in GROUNDS),
    *((text, on, TEXT) for text in ("good", "warn", "bad") for on in GROUNDS),
    ("on-bar", "bar", TEXT),
    (BLACK, "gold", TEXT),
    *((shape, on, SHAPE) for shape in ("control", "focus", "text") for on in GROUNDS),
    *((bar, "surface", SHAPE) for bar in ("good", "bad")),
    ("gold", "bar", SHAPE),
    ("brand", "bar", SHAPE),
]


def _themes() -> dict[str, dict[str, str]]:
    """The colours of each theme by their roles."""
    pairs = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", STYLE)
    return {
        theme: {name: colours[at] for name, *colours in pairs} for at, theme in enumerate(THEMES)
    }


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_right() -> None:
    assert _contrast("#ffffff", BLACK) == pytest.approx(21)
    assert _contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("colour", "on", "least"), PAIRS)
def test_enough_contrast(theme: str, colour: str, on: str, least: float) -> None:
    tokens = _themes()[theme]
    assert _contrast(tokens.get(colour, colour), tokens[on]) >= least


def test_both_themes_give_every_colour() -> None:
    light, dark = (set(_themes()[theme]) for theme in THEMES)
    assert light == dark
    assert {name for pair in PAIRS for name in pair[:2]} - {BLACK} <= light


def test_what_uses_colours_names_their_roles() -> None:
    rules = re.sub(r":root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", rules)) == {BLACK}
    assert set(re.findall(r"var\(--([a-z-]+)\)", rules)) <= set(_themes()["light"])


def test_the_stylesheet_is_small() -> None:
    assert len(STYLE.encode()) < MOST_BYTES
