"""All mutants of one exercise: its solution with one change, in what the learner has to write."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from classroom import answers
from classroom.catalog import Lesson
from tests.mutants.operators import HELPERS, NOBODYS_MISTAKE, WRONG, Operator, harmless, strings

LEAST = 20  # mutants of an exercise


@dataclass(frozen=True)
class Mutant:
    """A changed solution. `name` says what was changed, `before` and `after` show the line."""

    name: str
    before: str
    after: str
    text: str
    number: int = 1  # of those that would be called the same

    @property
    def id(self) -> str:
        """What the list of equivalents knows it by."""
        again = f"  #{self.number}" if self.number > 1 else ""
        return f"{self.name}: {self.before} -> {self.after}{again}"


def rebuilt(node: ast.AST, old: ast.AST, new: ast.AST | list[ast.stmt]) -> ast.AST:
    """A copy of the tree with `new` in place of `old`."""
    fields: dict[str, object] = {}
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            items: list[object] = []
            for item in value:
                if item is old:
                    items += new if isinstance(new, list) else [new]
                else:
                    items.append(rebuilt(item, old, new) if isinstance(item, ast.AST) else item)
            fields[name] = items
        elif value is old:
            fields[name] = new
        else:
            fields[name] = rebuilt(value, old, new) if isinstance(value, ast.AST) else value
    return type(node)(**fields)


def learners(solution: ast.Module, blank: ast.Module) -> list[ast.AST]:
    """The nodes that the learner has to write: those in top-level statements that the blank has otherwise or not.

    Statements and keywords that the blank has as well are left out. An incident's blank is an answer that is nearly
    right, so there all functions count.
    """
    given = {ast.dump(node) for node in ast.walk(blank) if isinstance(node, ast.stmt | ast.keyword)}
    found: list[ast.AST] = []

    def gather(node: ast.AST) -> None:
        if isinstance(node, ast.stmt | ast.keyword) and ast.dump(node) in given:
            return
        if isinstance(node, ast.keyword) and node.arg in NOBODYS_MISTAKE:
            return
        found.append(node)
        for child in ast.iter_child_nodes(node):
            gather(child)

    for top in solution.body:
        if isinstance(top, ast.Import | ast.ImportFrom) or isinstance(getattr(top, "value", None), ast.Constant):
            continue
        if blank.body or isinstance(top, ast.FunctionDef):
            gather(top)
    annotations = {
        id(inner)
        for node in found
        for part in (getattr(node, "returns", None), getattr(node, "annotation", None))
        if part is not None
        for inner in ast.walk(part)
    }
    return [node for node in found if id(node) not in annotations]


def mutants(lesson: Lesson, operators: tuple[Operator, ...] = WRONG) -> Iterator[Mutant]:
    """Every change of the solution that an operator makes, each text once; where they are few, of right answers too."""
    blank = ast.parse((lesson.folder / "exercise.py").read_text())
    incident = (lesson.folder / "symptom.py").exists()
    solution = ast.parse((lesson.folder / "solution.py").read_text())
    sources = [ast.unparse(solution)]
    sources += [
        ast.unparse(ast.parse(answers.composed(lesson, one.file) or one.file.read_text()))
        for one in answers.right(lesson)
    ]
    known, found = {*sources, ast.unparse(blank)}, 0
    called: Counter[str] = Counter()
    for source in sources:
        if found < LEAST:
            for one in mutants_of(ast.parse(source), ast.Module([], []) if incident else blank, operators, known):
                found += 1
                called[one.id] += 1
                yield replace(one, number=called[one.id])


def mutants_of(
    solution: ast.Module, blank: ast.Module, operators: tuple[Operator, ...], known: set[str]
) -> Iterator[Mutant]:
    """Every change of one answer; the texts are added to `known`."""
    constants = [n.value for n in ast.walk(solution) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    if operators is WRONG:
        operators = (*WRONG, strings(list(dict.fromkeys(constants))))
    for node in learners(solution, blank):
        for operator in operators:
            for label, new in operator(node):
                tree = rebuilt(solution, node, new)
                text = ast.unparse(ast.fix_missing_locations(tree))
                if text not in known:
                    known.add(text)
                    yield Mutant(label, *shown(node, new, solution, text), with_helpers(text))


def shown(node: ast.AST, new: ast.AST | list[ast.stmt], solution: ast.AST, text: str) -> tuple[str, str]:
    """A node and what takes its place, or the first lines in which the whole texts differ if they are long."""
    if isinstance(new, ast.AST) and isinstance(node, ast.expr | ast.keyword):
        before, after = ast.unparse(node), ast.unparse(new)
        if len(before) < 100:
            return before, after
    old, changed = ast.unparse(solution).splitlines(), text.splitlines()
    place = next(n for n in range(max(len(old), len(changed)) + 1) if old[n : n + 1] != changed[n : n + 1])
    return " ".join(old[place : place + 1]).strip(), " ".join(changed[place : place + 1]).strip()


def with_helpers(text: str) -> str:
    """The text, with the helpers below its docstring if it uses one."""
    if "_mutant_" not in text:
        return text
    tree = ast.parse(text)
    place = 1 if ast.get_docstring(tree) is not None else 0
    return ast.unparse(ast.Module(tree.body[:place] + ast.parse(HELPERS).body + tree.body[place:], []))


def others(lesson: Lesson) -> Iterator[Mutant]:
    """Changes that leave the meaning as it is."""
    return mutants(lesson, (harmless,))
