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
LEGEND = {"queued": "in the queue", "delayed": "waits for its time", "running": "runs", "failed": "runs and fails"}
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
    """A task as its call: add(2, 3). The module is left out where it is only the lesson's own."""
    name = re.sub(r"^(lesson\d\d\.\w+|exercise)\.", "", sent["name"])
    arguments = [sent["args"][1:-1].rstrip(","), sent["kwargs"][1:-1]]  # repr()s: "(2, 3)", "{'x': 2}"
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
        yield Text("")
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
        columns = [
            [_cut(row.name, 24, ascii_only) for row in shown],
            [row.state for row in shown],
            [row.queue for row in shown],
            [row.worker for row in shown],
        ]
        heads = ["task", "state", "queue", "worker"]
        taken = sum(max(len(text) for text in [head, *column]) + 2 for head, column in zip(heads, columns, strict=True))
        bar = max(min(width - taken, 70), 12)
        end = max(stop for row in shown for _, _, stop in row.spans)
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
        table.add_column(heads[0], no_wrap=True)
        table.add_column(_scale(end, bar), no_wrap=True, width=bar)
        for head in heads[1:]:
            table.add_column(head, no_wrap=True)
        for name, row, state, queue, worker in zip(columns[0], shown, *columns[1:], strict=True):
            style = "red" if state.startswith(("failed", "unknown", "rejected")) else ""
            table.add_row(name, _bar(row, end, bar, glyphs), Text(state, style=style), queue, worker)
        return table


def _cut(text: str, most: int, ascii_only: bool) -> str:
    return text if len(text) <= most else text[: most - 2] + (".." if ascii_only else "…)")


def _scale(end: float, width: int) -> str:
    """0 at the left and the last second at the right, with its unit."""
    last = f"{end:.2f} s" if end < 1 else f"{end:.1f} s"
    return "0" + last.rjust(width - 1)


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
SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; \
font-size: {char_height}px; line-height: {line_height}px; white-space: pre; }}
{styles}
</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" rx="8" fill="#1b1d23"/>
<g transform="translate({terminal_x}, {terminal_y})">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def svg(timeline: Timeline, width: int = 100) -> str:
    """The picture as an SVG document, `width` characters wide."""
    with open("/dev/null", "w") as nowhere:
        console = Console(record=True, width=width, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(timeline)
    return console.export_svg(title="", code_format=SVG, unique_id="timeline")
