"""The other answers to an exercise: good ones, and common mistakes.

lessonNN/answers/right/NAME.py    another good answer; its docstring says what it does differently
lessonNN/answers/wrong/NAME.py    a common mistake; its docstring begins with `check_…:`, the check that catches it

Such a file is a replacement: it holds the statements that differ from solution.py, and no others. `compose` makes the
whole answer:

1. A def, a class or an assignment replaces the statement of solution.py that binds the same name.
   A call such as app.conf.update(…) replaces the call of the same function.
2. An import goes below the imports of solution.py. None of those is removed.
3. Everything else is new. It goes directly above the replacement that follows it, or to the end of the file.
   A new name must be used somewhere: one that isn't used is nearly always a misspelled one.

A comment belongs to the statement below it. NAME.Procfile, if there is one, replaces the exercise's Procfile. A file
that binds `app` is a whole answer instead: without an `app` no worker could start.
"""

import ast
import re
import symtable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from classroom.catalog import COURSE, Lesson
from classroom.refusal import Refusal


class Misfit(Refusal):
    """An answer that can't be composed. The message names the line, what is wrong with it, and what to do."""


@dataclass(frozen=True)
class Answer:
    """A file below answers/."""

    file: Path

    @property
    def name(self) -> str:
        """What a learner types to see it."""
        return self.file.stem

    @property
    def check(self) -> str:
        """The check that catches the mistake; "" for a good answer."""
        return docstring(self.file).partition(":")[0] if self.file.parent.name == "wrong" else ""

    @property
    def sentence(self) -> str:
        """What is wrong with it, or what it does differently."""
        return " ".join(docstring(self.file).removeprefix(f"{self.check}:").split())


def right(lesson: Lesson) -> list[Answer]:
    """List the other good answers to an exercise or incident, by name."""
    return [Answer(file) for file in sorted(lesson.folder.glob("answers/right/*.py"))]


def wrong(lesson: Lesson) -> list[Answer]:
    """List the common mistakes in an exercise or incident, by name."""
    return [Answer(file) for file in sorted(lesson.folder.glob("answers/wrong/*.py"))]


def find(lessons: list[Lesson], name: str) -> tuple[Lesson, Answer]:
    """Return the first answer of that name, with its exercise or incident; refuses a name that none has."""
    known = [(lesson, answer) for lesson in lessons for answer in right(lesson) + wrong(lesson)]
    for lesson, answer in known:
        if answer.name == name:
            return lesson, answer
    names = ", ".join(answer.name for _, answer in known)
    raise Refusal(f"Lesson {lessons[0].number} has no answer called {name!r}. It has: {names}")


def why(lesson: Lesson) -> str:
    """Return what makes the solution a good one, in two sentences: its docstring below the title."""
    return " ".join(docstring(lesson.folder / "solution.py").partition("\n")[2].split())


def docstring(file: Path) -> str:
    """Return a Python file's docstring, or ""."""
    return ast.get_docstring(ast.parse(file.read_text())) or ""


def code(file: Path) -> str:
    """Return a Python file's source below its docstring."""
    source = Source(file)
    return "\n".join(strip(source.lines[source.begin :]))


def difference(lesson: Lesson, answer: Answer) -> str:
    """Return, as a unified diff, how an answer differs from the solution, and its Procfile from the exercise's."""
    solution, procfile = lesson.folder / "solution.py", answer.file.with_suffix(".Procfile")
    whole = composed(lesson, answer.file) or answer.file.read_text()
    changes = [(solution.name, solution.read_text(), answer.file.name, whole)]
    if procfile.exists():
        changes.append(("Procfile", lesson.exercise_procfile, procfile.name, procfile.read_text()))
    return "".join(
        line
        for before, ours, after, theirs in changes
        for line in unified_diff(ours.splitlines(True), theirs.splitlines(True), before, after)
    )


def is_whole(file: Path) -> bool:
    """Whether a file is a whole answer: it binds `app`, or Python can't parse it, which the judge will explain."""
    try:
        symbols = symtable.symtable(file.read_text(), str(file), "exec").get_symbols()
    except (SyntaxError, ValueError, RecursionError):
        return True
    return any(symbol.get_name() == "app" and (symbol.is_assigned() or symbol.is_imported()) for symbol in symbols)


def composed(lesson: Lesson, file: Path) -> str | None:
    """Return the whole answer that a replacement makes; None if `file` is whole, or the author has no solution yet."""
    solution = lesson.folder / "solution.py"
    return compose(solution, file) if solution.exists() and not is_whole(file) else None


def compose(solution: Path, answer: Path) -> str:
    """Return the source of the solution with what the answer replaces, by the rules at the top of this file.

    Raises Misfit if a statement of the answer has no place there.
    """
    ours, theirs = Source(solution), Source(answer)
    lines = ours.lines.copy()
    for first, end, block in sorted(edits(ours, theirs), reverse=True):
        lines[first:end] = block
    whole = "\n".join(lines) + "\n"
    for statement in theirs.statements:
        for name in sorted(statement.names - ours.names):
            if not statement.is_import and not statement.is_used(name, whole):
                why = f"binds {name}, which {solution.name} doesn't have and nothing uses"
                known = ", ".join(sorted(ours.names - {"app"}))
                raise theirs.misfit(statement.node, why, f"Use it, or replace one of these: {known}.")
    return whole


def edits(ours: "Source", theirs: "Source") -> list[tuple[int, int, list[str]]]:
    """Return what `theirs` changes in `ours`: the indexes of the first line and after the last, and the new lines."""
    blocks: dict[Statement, list[str]] = {}  # what replaces a statement
    imports: list[str] = []
    new: list[str] = []  # what goes above the next replacement
    for statement in theirs.statements:
        place = ours.place(statement, theirs)
        if place in blocks:
            again = " and ".join(sorted(place.names))
            raise theirs.misfit(statement.node, f"replaces {again} a second time", "Keep one of the two.")
        if place:
            margin = ["", ""] if new and ours.lines[place.first - 1] else []
            blocks[place], new = margin + strip(new + statement.lines), []
        elif statement.is_import:
            if getattr(statement.node, "module", "") == "__future__":
                raise theirs.misfit(statement.node, "must be at the top of a file", "Write a whole answer instead.")
            imports += strip(statement.lines)
        else:
            new += statement.lines
    end = len(ours.lines)
    return [
        (end, end, ["", "", *strip(new)] if new else []),
        *((place.first, place.end, block) for place, block in blocks.items()),
        (ours.imported, ours.imported, imports),
    ]


@dataclass(frozen=True, eq=False)
class Statement:
    """A top-level statement of a file."""

    node: ast.stmt
    first: int  # the index of its first line, or of the comment directly above it
    end: int  # the index after its last line
    lines: list[str]  # all lines since the statement before it

    @property
    def is_import(self) -> bool:
        """Whether it is an import."""
        return isinstance(self.node, ast.Import | ast.ImportFrom)

    @property
    def names(self) -> set[str]:
        """What it binds, such as "app.conf.task_routes"; for a call, what it calls: "app.conf.update()"."""
        match self.node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                return {name}
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                return {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.Assign(targets=targets):
                return {ast.unparse(part) for target in targets for part in getattr(target, "elts", [target])}
            case ast.AnnAssign(target=target):
                return {ast.unparse(target)}
            case ast.Expr(value=ast.Call(func=function)):
                return {f"{ast.unparse(function)}()"}
        return set()

    def is_used(self, name: str, whole: str) -> bool:
        """Whether `name` is in `whole`, the file that this statement is part of, also outside of the statement."""
        if any(ast.unparse(one).endswith(".connect") for one in getattr(self.node, "decorator_list", [])):
            return True  # a signal calls it
        word = re.compile(rf"\b{re.escape(name)}\b")
        return not name.isidentifier() or len(word.findall(whole)) > len(word.findall("\n".join(self.lines)))


class Source:
    """A Python file as lines and top-level statements; its docstring is none of them."""

    def __init__(self, file: Path) -> None:
        self.file = file
        text = file.read_text()
        self.lines = text.rstrip("\n").split("\n")  # as ast counts them; splitlines() also breaks at form feeds
        body = ast.parse(text).body
        described = body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        self.begin = body.pop(0).end_lineno or 0 if described else 0  # the index after the docstring
        self.statements: list[Statement] = []
        done = self.begin
        for node in body:
            first = min(one.lineno for one in (node, *getattr(node, "decorator_list", []))) - 1
            if first < done:
                raise self.misfit(node, "holds more than one statement", "Give each a line of its own.")
            while first > done and self.lines[first - 1].startswith("#"):
                first -= 1
            end = node.end_lineno or 0
            self.statements.append(Statement(node, first, end, self.lines[done:end]))
            done = end
        self.imported = max((one.end for one in self.statements if one.is_import), default=self.begin)

    @property
    def names(self) -> set[str]:
        """What its statements bind, imports aside."""
        return {name for one in self.statements if not one.is_import for name in one.names}

    def place(self, statement: Statement, answer: "Source") -> Statement | None:
        """Return the statement of this file that one of `answer` replaces; None if that is new."""
        found = [one for one in self.statements if not one.is_import and one.names & statement.names]
        if len(found) > 1:
            where = " and ".join(str(one.node.lineno) for one in found)
            raise answer.misfit(
                statement.node,
                f"replaces several statements of {self.file.name} (lines {where})",
                "Write one for each.",
            )
        for one in found:
            if missing := sorted(one.names - statement.names):
                raise answer.misfit(
                    statement.node,
                    f"replaces a statement of {self.file.name} that also binds {', '.join(missing)}",
                    "Bind that too.",
                )
            return one
        return None

    def misfit(self, node: ast.stmt, why: str, advice: str) -> Misfit:
        """Return the error for a statement of this file."""
        file = self.file.relative_to(COURSE) if self.file.is_relative_to(COURSE) else self.file
        return Misfit(f"{file}, line {node.lineno}, {why}. {advice}")


def strip(lines: list[str]) -> list[str]:
    """Return the lines without the blank ones at both ends."""
    return "\n".join(lines).strip("\n").split("\n")
