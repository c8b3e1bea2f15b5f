"""QR codes of links, where segno is installed."""

import io
from importlib.util import find_spec

NEEDED = "a QR code needs segno: pip install '.[server,qr]'"


def can_draw() -> bool:
    """True where ``drawn`` and ``svg`` can be had."""
    return find_spec("segno") is not None


def drawn(link: str) -> str:
    """The code of ``link`` for a terminal, in blocks that any has."""
    import segno

    text = io.StringIO()
    segno.make_qr(link).terminal(text, compact=True)
    return text.getvalue()


def svg(link: str) -> str:
    """The code of ``link`` as an ``<svg>`` for a page to have in it; black on white, by day and by
    night, as cameras want it."""
    import segno

    return segno.make_qr(link).svg_inline(
        scale=4, dark="#000", light="#fff", title=f"QR code of {link}"
    )
