"""Lesson 09: cost per item against items per task as a plot, in the terminal and as a picture.

Both scales are logarithmic: each step to the right is ten times as many items, each step up ten times the cost.
"""

from math import log10

from rich.console import Console
from rich.table import Table

LEAST, MOST = 0.01, 100.0  # ms per item, the ends of the scale
FLOOR = 0.05  # ms: an item takes 0.1 ms, and two processes share the work


def height(cost: float) -> float:
    """Where `cost` lies between LEAST (0.0) and MOST (1.0)."""
    return min(max(log10(cost / LEAST) / log10(MOST / LEAST), 0.0), 1.0)


def draw(costs: dict[int, float], predicted: int, console: Console) -> None:
    dot = "o" if console.options.ascii_only else "●"
    table = Table("items per task", "0.01      0.1       1         10     100", "ms per item", box=None, pad_edge=False)
    for size, cost in costs.items():
        dots = "." * round(height(cost) * 40) + dot
        table.add_row(f"{size:14}", dots, f"{cost:.3f}" + "  your prediction" * (size == predicted))
    console.print("", table, sep="\n")


PICTURE = """<svg viewBox="0 0 640 330" xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13">
<rect width="640" height="330" rx="8" fill="#1b1d23"/>
<g fill="#aeb4c0" stroke="none">
<text x="16" y="24" fill="#fff">ms per item, against items per task; an item is 0.1 ms of work, for 2 processes</text>
{labels}
</g>
<line x1="60" x2="620" y1="{floor:.0f}" y2="{floor:.0f}" stroke="#7bd88f" stroke-dasharray="5 4"/>
<text x="66" y="{under:.0f}" fill="#7bd88f">the work alone: 0.05</text>
<polyline points="{points}" fill="none" stroke="#5c6370"/>
{dots}
</svg>
"""


def svg(costs: dict[int, float], predicted: int) -> str:
    def x(size: int) -> float:
        return 80 + log10(size) * 125

    def y(cost: float) -> float:
        return 290 - height(cost) * 240

    ticks = {"0.01": 0.01, "0.1": 0.1, "1": 1, "10": 10, "100": 100}
    labels = [f'<text x="50" y="{y(cost) + 4:.0f}" text-anchor="end">{label}</text>' for label, cost in ticks.items()]
    labels += [f'<text x="{x(size):.0f}" y="318" text-anchor="middle">{size}</text>' for size in costs]
    dots = []
    for size, cost in costs.items():
        color = "#ffd866" if size == predicted else "#fff"
        label = f"≈ {cost:.3f}" + ", the prediction" * (size == predicted)
        dots.append(f'<circle cx="{x(size):.0f}" cy="{y(cost):.0f}" r="5" fill="{color}"/>')
        anchor, aside = ("start", 9) if x(size) < 460 else ("end", -4)  # beside the line, and inside the picture
        place = f'x="{x(size) + aside:.0f}" y="{y(cost) - 11:.0f}" text-anchor="{anchor}"'
        dots.append(f'<text {place} fill="{color}">{label}</text>')
    points = " ".join(f"{x(size):.0f},{y(cost):.0f}" for size, cost in costs.items())
    return PICTURE.format(
        labels="\n".join(labels), floor=y(FLOOR), under=y(FLOOR) + 18, points=points, dots="\n".join(dots)
    )
