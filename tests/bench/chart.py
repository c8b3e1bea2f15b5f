"""Figures as a picture: horizontal bars, readable on a light page and on a dark one."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from tests.bench.figures import Series

WIDTH, LABEL, NUMBER, ROW, TOP = 760, 300, 70, 34, 44
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 15px }
  .ours { fill: #1a7f37 } .other { fill: #8c959f }
  .l0 { fill: #8c959f } .l1 { fill: #54aeff } .l2 { fill: #d4a72c } .l3 { fill: #a475f9 }
  .l4 { fill: #1a7f37 } .l5 { fill: #fa4549 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .ours { fill: #3fb950 } .other { fill: #6e7681 }
  }
"""


def bars(title: str, series: Sequence[Series], *, ours: str) -> str:
    """An SVG document with a bar for each series. Names that begin with ``ours`` stand out."""
    longest = max(each.median for each in series)
    return _document(
        title, [_bar(number, each, longest, ours) for number, each in enumerate(series)]
    )


def stacked(title: str, columns: Mapping[str, Mapping[str, float]], *, form: str) -> str:
    """An SVG document with a bar for each column, made of its parts, and the parts' names.

    A part that costs nothing, or less, is not drawn.
    """
    longest = max(sum(parts.values()) for parts in columns.values())
    rows = [
        _stack(number, name, parts, longest, form)
        for number, (name, parts) in enumerate(columns.items())
    ]
    names = next(iter(columns.values()))
    return _document(title, [*rows, *_legend(len(rows), list(names))])


def _document(title: str, rows: Sequence[str]) -> str:
    height = TOP + ROW * len(rows) + 10
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


def _stack(number: int, name: str, parts: Mapping[str, float], longest: float, form: str) -> str:
    top, middle, left = TOP + ROW * number, TOP + ROW * number + 17, float(LABEL)
    drawn = [f'<text x="{LABEL - 10}" y="{middle}" text-anchor="end">{escape(name)}</text>']
    for kind, cost in enumerate(parts.values()):
        width = (WIDTH - LABEL - NUMBER) * max(cost, 0) / longest
        drawn.append(
            f'<rect class="l{kind}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="24"/>'
        )
        left += width
    total = form.format(sum(parts.values()))
    return "".join([*drawn, f'<text x="{left + 8:.1f}" y="{middle}">{total}</text>'])


def _legend(number: int, names: Sequence[str]) -> list[str]:
    return [
        f'<rect class="l{kind}" x="{LABEL}" y="{TOP + ROW * (number + kind) + 5}" width="14"'
        f' height="14"/><text x="{LABEL + 22}" y="{TOP + ROW * (number + kind) + 17}">'
        f"{escape(name)}</text>"
        for kind, name in enumerate(names)
    ]


def _bar(number: int, series: Series, longest: float, ours: str) -> str:
    top, middle = TOP + ROW * number, TOP + ROW * number + 17
    width = (WIDTH - LABEL - NUMBER) * series.median / longest
    kind = "ours" if series.name.startswith(ours) else "other"
    return (
        f'<text x="{LABEL - 10}" y="{middle}" text-anchor="end">{escape(series.name)}</text>'
        f'<rect class="{kind}" x="{LABEL}" y="{top}" width="{width:.1f}" height="24" rx="3"/>'
        f'<text x="{LABEL + width + 8:.1f}" y="{middle}">{series.median:,.0f}</text>'
    )
