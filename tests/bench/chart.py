"""Figures as a picture: horizontal bars, readable on a light page and on a dark one."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.bench.figures import Series

WIDTH, LABEL, NUMBER, ROW, TOP = 760, 300, 70, 34, 44
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .ours { fill: #1a7f37 } .other { fill: #8c959f }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .ours { fill: #3fb950 } .other { fill: #6e7681 }
  }
"""


def bars(title: str, series: Sequence[Series], *, ours: str) -> str:
    """An SVG document with a bar for each series. Names that begin with ``ours`` stand out."""
    height = TOP + ROW * len(series) + 10
    longest = max(each.median for each in series)
    rows = [_bar(number, each, longest, ours) for number, each in enumerate(series)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text class="title" x="10" y="25">{escape(title)}</text>',
            *rows,
            "</svg>\n",
        ]
    )


def _bar(number: int, series: Series, longest: float, ours: str) -> str:
    top, middle = TOP + ROW * number, TOP + ROW * number + 17
    width = (WIDTH - LABEL - NUMBER) * series.median / longest
    kind = "ours" if series.name.startswith(ours) else "other"
    return (
        f'<text x="{LABEL - 10}" y="{middle}" text-anchor="end">{escape(series.name)}</text>'
        f'<rect class="{kind}" x="{LABEL}" y="{top}" width="{width:.1f}" height="24" rx="3"/>'
        f'<text x="{LABEL + width + 8:.1f}" y="{middle}">{series.median:,.0f}</text>'
    )
