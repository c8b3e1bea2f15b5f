"""Colors that can be read, whatever color the branding has (WCAG 2.2, success criterion 1.4.3)."""

READABLE = 4.5
"""The contrast that text needs with what is behind it."""

BLACK = "#000000"
WHITE = "#ffffff"

_STEPS = 20
_STRAIGHT = 0.04045  # up to here sRGB is a straight line

_RGB = tuple[int, int, int]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colors, from 1 to 21."""
    darker, lighter = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(color: str) -> str:
    """Black or white, whichever is read more easily on ``color``.

    One of them always has a contrast of 4.58 or more: √21, where both have the same.
    """
    return max(WHITE, BLACK, key=lambda text: contrast(text, color))


def readable(color: str, background: str) -> str:
    """``color``, made darker or lighter until it can be read on ``background``."""
    towards = _rgb(text_on(background))
    for step in range(_STEPS):
        mixed = _mixed(_rgb(color), towards, step / _STEPS)
        if contrast(mixed, background) >= READABLE:
            return mixed
    return text_on(background)


def _mixed(color: _RGB, towards: _RGB, share: float) -> str:
    pairs = zip(color, towards, strict=True)
    return "#" + "".join(f"{round(one + (other - one) * share):02x}" for one, other in pairs)


def _rgb(color: str) -> _RGB:
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def _luminance(color: _RGB) -> float:
    red, green, blue = (_linear(part / 255) for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= _STRAIGHT else ((part + 0.055) / 1.055) ** 2.4
