"""Recorded task events as a picture: a row per task, its waits and its runs as bars over one scale of seconds."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

STYLES = {"queued": "yellow", "delayed": "cyan", "running": "green", "failed": "red"}
GLYPHS = {"queued": "░", "delayed": "┄", "running": "█", "failed": "▓"}
ASCII = {"queued": ".", "delayed": "-", "running": "#", "failed": "x"}  # for a terminal without UTF-8
LEGEND = {"queued": "in the queue", "delayed": "waits for its time", "running": "runs", "failed": "fails or retries"}
OUTCOMES = {"task-rejected": "rejected", "task-revoked": "revoked", "task-unknown": "unknown task"}
MOST_ROWS = 40


@dataclass
class Row:
    """One task: `spans` are (what, from, to) in seconds since the first event."""

    name: str
    queue: str
    worker: str = ""
    state: str = "queued"
    spans: list[tuple[str, float, float]] = field(default_factory=list)


def rows(events: Iterable[dict]) -> list[Row]:
    """One Row per task id, in the order of sending. `events` are Celery's task events, by time."""
    by_task: dict[str, list[dict]] = {}
    for event in events:
        by_task.setdefault(event["uuid"], []).append(event)
    stories = [story for story in by_task.values() if any(e["type"] == "task-sent" for e in story)]
    if not stories:
        return []
    start = min(story[0]["timestamp"] for story in stories)
    end = max(story[-1]["timestamp"] for story in stories)
    return [_row(story, start, end) for story in stories]


def _row(story: list[dict], start: float, end: float) -> Row:
    sent = next(e for e in story if e["type"] == "task-sent")
    row = Row(name=called(sent), queue=sent["queue"])
    retries = 0
    doing, since = "delayed" if sent["eta"] else "queued", sent["timestamp"]

    def until(event: dict, what: str) -> None:
        nonlocal doing, since
        if doing:  # not after its end: a hard time limit is told twice, and a swallowed retry runs again
            row.spans.append((doing, since - start, event["timestamp"] - start))
        doing, since = what, event["timestamp"]

    for event in story:
        match event["type"]:
            case "task-started":
                until(event, "running")
                row.state, row.worker = "running", event["hostname"].partition("@")[0]
            case "task-succeeded":
                until(event, "")
                row.state = "succeeded"
            case "task-failed":
                if doing == "running":
                    doing = "failed"
                until(event, "")
                row.state = "failed"
            case "task-retried":
                retries += 1
                doing = "failed" if doing == "running" else doing
                until(event, "delayed")
                row.state = "waits to retry"
            case "task-rejected" | "task-revoked" | "task-unknown" as kind:
                until(event, "")
                row.state = OUTCOMES[kind]
    if doing:
        row.spans.append((doing, since - start, end - start))
    if retries and row.state in ("succeeded", "failed"):
        row.state += f", run {retries + 1}"
    return row


def called(sent: dict) -> str:
    """A task as its call: add(2, 3). The lesson's own module is left out, and so are ids in Celery's own tasks."""
    if sent["name"].startswith("celery."):
        return str(sent["name"])
    name = re.sub(r"^(lesson\d\d\.tasks|exercise)\.", "", sent["name"])
    named = re.sub(r"'(\w+)': ", r"\1=", sent["kwargs"][1:-1])
    arguments = [sent["args"][1:-1].rstrip(","), named]  # these came as repr()s: "(2, 3)", "{'x': 2}"
    return f"{name}({', '.join(filter(None, arguments))})"


class Timeline:
    """The picture of `events`, as wide as where it is printed; a rich renderable."""

    def __init__(self, events: Iterable[dict]) -> None:
        self.rows = rows(events)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        glyphs = ASCII if options.ascii_only else GLYPHS
        if not self.rows:
            yield Text("timeline: no task was sent", style="dim")
            return
        yield self._legend(glyphs)
        yield self._table(options.max_width, glyphs, options.ascii_only)
        if len(self.rows) > MOST_ROWS:
            yield Text(f"and {len(self.rows) - MOST_ROWS} more", style="dim")

    def _legend(self, glyphs: dict[str, str]) -> Text:
        seen = {what for row in self.rows[:MOST_ROWS] for what, _, _ in row.spans}
        legend = Text("timeline", style="bold", end="\n")
        for what, meaning in LEGEND.items():
            if what in seen:
                legend.append("  ").append(glyphs[what] * 2, style=f"not bold {STYLES[what]}")
                legend.append(f" {meaning}", style="not bold dim")
        return legend

    def _table(self, width: int, glyphs: dict[str, str], ascii_only: bool) -> Table:
        shown = self.rows[:MOST_ROWS]
        heads = ["state", "queue", "worker"]
        columns = [[getattr(row, head) for row in shown] for head in heads]
        taken = sum(max(len(text) for text in [head, *column]) + 2 for head, column in zip(heads, columns, strict=True))
        names = [_cut(row.name, max(width - taken - 24, 16), ascii_only) for row in shown]  # 24: what a bar should have
        bar = max(min(width - taken - max(map(len, names)) - 2, 70), 12)
        end = max(stop for row in shown for _, _, stop in row.spans)
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
        table.add_column("task", no_wrap=True)
        table.add_column(_scale(end, bar), no_wrap=True, width=bar)
        for head in heads:
            table.add_column(head, no_wrap=True)
        for name, row, state, queue, worker in zip(names, shown, *columns, strict=True):
            style = "red" if state.startswith(("failed", "unknown", "rejected")) else ""
            table.add_row(name, _bar(row, end, bar, glyphs), Text(state, style=style), queue, worker)
        return table


def _cut(text: str, most: int, ascii_only: bool) -> str:
    if len(text) <= most:
        return text
    end = (".." if ascii_only else "…") + (")" if text.endswith(")") else "")
    return text[: most - len(end)] + end


def _scale(end: float, width: int) -> str:
    """Round numbers of seconds, each over its moment; the first one says the unit."""
    step = next(
        step for size in range(-3, 6) for step in (10**size, 2 * 10**size, 5 * 10**size) if end / step * 7 < width
    )
    scale = "0 s"
    for tick in range(1, int(end / step) + 1):
        label = f"{tick * step:g}"
        start = min(int(tick * step / end * width), width - len(label))
        if len(scale) < start:
            scale = scale.ljust(start) + label
    return scale


def _bar(row: Row, end: float, width: int, glyphs: dict[str, str]) -> Text:
    """The spans painted onto `width` cells; runs come last, so that a short one is never covered by a wait."""
    cells = [" "] * width
    paint = {glyph: STYLES[what] for what, glyph in glyphs.items()}
    for what, start, stop in sorted(row.spans, key=lambda span: span[0] in ("running", "failed")):
        first = min(int(start / max(end, 0.001) * width), width - 1)
        last = min(max(int(stop / max(end, 0.001) * width), first + 1), width)
        cells[first:last] = glyphs[what] * (last - first)
    bar = Text()
    for run in _runs(cells):
        bar.append(run, style=paint.get(run[0], ""))
    return bar


def _runs(cells: list[str]) -> Iterator[str]:
    """Neighbouring equal cells together."""
    yield from (match[0] for match in re.finditer(r"(.)\1*", "".join(cells)))


# rich's own SVG frame without its title bar and buttons, and without its web font: nothing is fetched.
SVG = """<svg class="rich-terminal" viewBox="0 0 {width} HEIGHT" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; \
font-size: {char_height}px; line-height: {line_height}px; white-space: pre; }}
{styles}
</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" rx="8" fill="#1b1d23"/>
<g transform="translate({terminal_x}, 4)">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def svg(timeline: Timeline, width: int = 100) -> str:
    """The picture as an SVG document, `width` characters wide."""
    with open("/dev/null", "w") as nowhere:
        console = Console(record=True, width=width, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(timeline)
    lines = console.export_text(clear=False).count("\n")
    frame = SVG.replace("HEIGHT", f"{lines * 24.4 + 16:.0f}")  # 24.4: rich's line height in an SVG
    return console.export_svg(title="", code_format=frame, unique_id="timeline")
