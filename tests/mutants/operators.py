"""What learners get wrong, as changes of a syntax tree: each operator yields a word and what takes a node's place.

An operator is a function of a node. It yields pairs of a label and a replacement: an expression, or a list of
statements. It must not change the node itself. Names that begin with `_mutant_` are defined in HELPERS.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any

Changes = Iterator[tuple[str, ast.expr | list[ast.stmt]]]
Operator = Callable[[Any], Changes]

SENDS = ("delay", "apply_async", "send_task")
CANVAS = ("chain", "chord", "group")
BUILTIN = (
    "len",
    "str",
    "repr",
    "list",
    "zip",
    "enumerate",
    "round",
    "sum",
    "sorted",
    "task",
    "insert",
    "dict",
    "update",
)
NOBODYS_MISTAKE = ("timeout", "interval", "strict")  # how long one looks for a result that comes

HELPERS = '''
def _mutant_waited(receipt):
    """Wait for a result before anything else is done."""
    from contextlib import suppress
    from celery.result import allow_join_result
    with allow_join_result(), suppress(Exception):
        receipt.get(timeout=5, interval=0.02)
    return receipt

def _mutant_slept(seconds):
    from time import sleep
    sleep(seconds)
    return 0

def _mutant_naive(seconds):
    from datetime import datetime, timedelta
    return datetime.now() + timedelta(seconds=seconds)

def _mutant_aware(seconds):
    from datetime import datetime, timedelta, timezone
    return datetime.now(timezone.utc) + timedelta(seconds=seconds)

def _mutant_message():
    from celery import current_task
    return current_task.request.id

_mutant_kept = {}

def _mutant_remembered(function, *args, **kwargs):
    """Called once for each of its arguments, and remembered."""
    key = (getattr(function, "__name__", ""), repr(args), repr(kwargs))
    if key not in _mutant_kept:
        _mutant_kept[key] = function(*args, **kwargs)
    return _mutant_kept[key]

def _mutant_first(function):
    """What was returned first is returned always."""
    from functools import wraps
    @wraps(function)
    def once(*args, **kwargs):
        if function.__name__ not in _mutant_kept:
            _mutant_kept[function.__name__] = function(*args, **kwargs)
        return _mutant_kept[function.__name__]
    return once
'''


def expression(source: str, **parts: ast.expr) -> ast.expr:
    """An expression written as Python, in which the names of `parts` stand for nodes."""
    tree = ast.parse(source, mode="eval").body

    class Filled(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return copy.deepcopy(parts[node.id]) if node.id in parts else node

    filled = Filled().visit(tree)
    assert isinstance(filled, ast.expr)
    return filled


def changed(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    other = copy.deepcopy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def method(node: ast.AST) -> str:
    """The name after the dot of a call such as task.delay(); "" for anything else."""
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""


def starts_canvas(node: ast.AST) -> bool:
    """chord(header)(body), chain(…)(): sent by calling what was built."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Call) and ast.unparse(node.func.func) in CANVAS


def keyword(node: Any) -> Changes:
    """A keyword left out."""
    if isinstance(node, ast.Call):
        for place, one in enumerate(node.keywords):
            if one.arg and one.arg not in NOBODYS_MISTAKE:
                rest = node.keywords[:place] + node.keywords[place + 1 :]
                yield f"without {one.arg}=", changed(node, keywords=rest)


def entry(node: Any) -> Changes:
    """An entry of a dictionary or a list left out."""
    if isinstance(node, ast.Dict):
        for place in range(len(node.keys)):
            keys, values = list(node.keys), list(node.values)
            del keys[place], values[place]
            yield "without an entry", ast.Dict(keys, values)
    elif isinstance(node, ast.List | ast.Tuple) and isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        for place in range(len(node.elts)):
            yield "without an element", changed(node, elts=node.elts[:place] + node.elts[place + 1 :])
        yield "the other way round", changed(node, elts=node.elts[::-1])


def constant(node: Any) -> Changes:
    """Off by one, off by half, the other truth."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            yield "the opposite", ast.Constant(not value)
        elif isinstance(value, int):
            yield "one more", ast.Constant(value + 1)
            if value:
                yield "one less", ast.Constant(value - 1)
        if isinstance(value, int | float) and not isinstance(value, bool) and value not in (0, 1):
            yield "twice as much", ast.Constant(value * 2)
            yield "half as much", ast.Constant(value // 2 if isinstance(value, int) else value / 2)
        if isinstance(value, str) and value.count("/") == 1 and value.partition("/")[0].istitle():
            yield "UTC", ast.Constant("UTC")
            yield "an offset, not a zone", ast.Constant("Etc/GMT+5")


def strings(known: list[str]) -> Operator:
    """Another name of the same kind, of those in the answer; a pattern that fits nothing, or one name only."""

    def operator(node: Any) -> Changes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if "*" in node.value:
                yield "no pattern", ast.Constant(node.value.replace("*", "").rstrip("_."))
                yield "any", ast.Constant("*")
                yield "without its module", ast.Constant(node.value.rpartition(".")[2])
            for other in known:
                if other != node.value and kind(other) and kind(other) == kind(node.value):
                    yield "another name", ast.Constant(other)

    def kind(text: str) -> str:
        return text[: max(text.rfind("-"), text.rfind("."), 0)] if " " not in text else ""

    return operator


def arithmetic(node: Any) -> Changes:
    """Another operator, a comparison off by one, a condition turned round or always true."""
    others = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
    compares = {ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.LtE: ast.Lt, ast.GtE: ast.Gt}
    if isinstance(node, ast.BinOp) and type(node.op) in others:
        yield "another operator", changed(node, op=others[type(node.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in compares:
        yield "off by one", changed(node, ops=[compares[type(node.ops[0])]()])
    if isinstance(node, ast.If | ast.While):
        yield "the opposite", [changed(node, test=ast.UnaryOp(ast.Not(), node.test))]
    if isinstance(node, ast.If):
        yield "always", [*node.body]
        yield "never", node.orelse or [ast.Pass()]
    if isinstance(node, ast.While):
        yield "once", [ast.If(node.test, node.body, [])]
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            yield "half of the condition", value
    if isinstance(node, ast.IfExp):
        yield "always", node.body
        yield "never", node.orelse


def statement(node: Any) -> Changes:
    """A statement left out, or done twice."""
    if isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Raise | ast.Delete):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        yield "left out", [ast.Pass()]
        if isinstance(node, ast.Expr):
            yield "twice", [node, node]
    if isinstance(node, ast.Return) and node.value:
        yield "no return", [ast.Expr(node.value)]


def blocks(node: Any) -> Changes:
    """Two neighbours swapped: the block with them takes the place of the node."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and isinstance(node, ast.stmt):
        for place in range(len(body) - 1):
            first, second = body[place : place + 2]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                continue  # the docstring
            if isinstance(second, ast.Return) and not isinstance(first, ast.Expr):
                continue  # it would use what isn't there yet
            swapped = [*body[:place], second, first, *body[place + 2 :]]
            yield f"after {ast.unparse(second).splitlines()[0]}", [changed(node, body=swapped)]


def sequence(node: Any) -> Changes:
    """First or last lost, reversed, sorted."""
    iterated = node.iter if isinstance(node, ast.For | ast.comprehension) else None
    if iterated is None:
        return
    for label, source in (
        ("without the first", "list(them)[1:]"),
        ("without the last", "list(them)[:-1]"),
        ("the last one first", "list(them)[::-1]"),
        ("sorted", "sorted(them, key=repr)"),
        ("each one once", "list(dict.fromkeys(them))"),
    ):
        if label == "each one once" and not isinstance(iterated, ast.Name):
            continue
        other = changed(node, iter=expression(source, them=iterated))
        yield label, ([other] if isinstance(other, ast.stmt) else other)


def exceptions(node: Any) -> Changes:
    """An `except` that takes too much, or nothing, or swallows; a try without it."""
    if isinstance(node, ast.Try):
        yield "without try", [*node.body, *node.orelse, *node.finalbody]
        for place, handler in enumerate(node.handlers):

            def handled(place: int = place, handler: ast.ExceptHandler = handler, **fields: object) -> list[ast.stmt]:
                handlers = list(node.handlers)
                handlers[place] = changed(handler, **fields)
                return [changed(node, handlers=handlers)]

            yield "except Exception", handled(type=ast.Name("Exception"))
            yield "except BufferError", handled(type=ast.Name("BufferError"))
            yield "swallowed", handled(body=[ast.Pass()])
            yield "raised again", handled(body=[ast.Raise()])
    if isinstance(node, ast.keyword) and node.arg == "autoretry_for":
        yield "autoretry for all", changed(node, value=expression("(Exception,)"))
        yield "autoretry for another", changed(node, value=expression("(BufferError,)"))


def sending(node: Any) -> Changes:
    """Called here, sent twice, not sent, waited for at once, waited for here, told as local time."""
    if method(node) in SENDS or starts_canvas(node):
        yield "sent twice", expression("[it, it][-1]", it=node)
        yield "waited for at once", expression("_mutant_waited(it)", it=node)
        yield "not sent", expression("app.AsyncResult('never sent')")
    if method(node) == "delay":
        yield "called here", changed(node, func=node.func.value)
        yield "run() here", changed(node, func=ast.Attribute(node.func.value, "run", ast.Load()))
        args = ast.Tuple(list(node.args), ast.Load())
        yield "applied here", expression("task.apply(args)", task=node.func.value, args=args)
    if method(node) == "apply_async":
        yield "applied here", changed(node, func=ast.Attribute(node.func.value, "apply", ast.Load()))
    if starts_canvas(node):
        built = changed(node.func, args=[*node.func.args, *node.args])
        yield "applied here", expression("it.apply()", it=built)
        yield "not called", node.func
    for one in node.keywords if isinstance(node, ast.Call) else ():
        if one.arg == "countdown":
            rest = [other for other in node.keywords if other is not one]
            slept = ast.keyword("countdown", expression("_mutant_slept(them)", them=one.value))
            yield "slept instead", changed(node, keywords=[*rest, slept])
            eta = ast.keyword("eta", expression("_mutant_naive(them)", them=one.value))
            yield "local time", changed(node, keywords=[*rest, eta])


def signatures(node: Any) -> Changes:
    """.s() for .si() and back; a link lost; an error callback lost or called after success."""
    if method(node) in ("s", "si"):
        other = "si" if node.func.attr == "s" else "s"
        yield f".{other}()", changed(node, func=ast.Attribute(node.func.value, other, ast.Load()))
    if method(node) == "on_error":
        yield "without on_error", node.func.value
        yield "link for on_error", changed(node, func=ast.Attribute(node.func.value, "link", ast.Load()))
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "chain":
        for place in range(len(node.args)):
            yield "without a link", changed(node, args=node.args[:place] + node.args[place + 1 :])
        yield "a group", changed(node, func=expression("__import__('celery').group"))
    if isinstance(node, ast.Call) and len(node.args) == 2 and not starts_canvas(node):
        yield "arguments swapped", changed(node, args=node.args[::-1])


def state(node: Any) -> Changes:
    """State that is kept in the module: from call to call, or the first answer kept forever."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List | ast.Dict | ast.Call):
        fresh = ast.unparse(node.value)
        if fresh in ("[]", "{}", "set()", "dict()", "list()"):
            kept = expression(f"_mutant_kept.setdefault({ast.unparse(node)!r}, {fresh})")
            yield "kept from call to call", [changed(node, value=kept)]
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
        decorators = [*node.decorator_list, ast.Name("_mutant_first")]
        yield "the first answer forever", [changed(node, decorator_list=decorators)]


def memory(node: Any) -> Changes:
    """A call that isn't made again."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name | ast.Attribute) or not node.args:
        return
    name = ast.unparse(node.func)
    spared = (*SENDS, *CANVAS, *BUILTIN, "s", "si", "get", "retry")
    if name.split(".")[-1] not in spared and not name[0].isupper():
        yield "remembered", changed(node, func=ast.Name("_mutant_remembered"), args=[node.func, *node.args])


def keys(node: Any) -> Changes:
    """A key that isn't the order's: the message's id, another value, always the same."""

    def others(value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
        yield "the message's id", expression("_mutant_message()")
        yield "always the same", ast.Constant("key")
        yield "each time another", expression("__import__('celery').uuid()")

    if isinstance(node, ast.Call):
        for place, one in enumerate(node.keywords):
            if isinstance(one.value, ast.Name) and one.arg in ("key", "number", "id", "name"):
                for label, value in others(one.value):
                    given = [*node.keywords[:place], ast.keyword(one.arg, value), *node.keywords[place + 1 :]]
                    yield label, changed(node, keywords=given)
    if isinstance(node, ast.FormattedValue):
        for label, value in others(node.value):
            yield label, changed(node, value=value)


def databases(node: Any) -> Changes:
    """The transaction split: each of its statements is kept at once."""
    if method(node) == "begin":
        engine = expression("engine.execution_options(isolation_level='AUTOCOMMIT')", engine=node.func.value)
        yield "kept at once", changed(node, func=ast.Attribute(engine, "begin", ast.Load()))
    if method(node) == "timestamp":
        yield "local time", expression("it.replace(tzinfo=None).timestamp()", it=node.func.value)


def harmless(node: Any) -> Changes:
    """Another way to say the same: no check may fail because of it."""
    if method(node) == "delay":
        args = ast.Tuple(list(node.args), ast.Load())
        yield "apply_async", expression("task.apply_async(args)", task=node.func.value, args=args)
        if isinstance(node.func.value, ast.Name | ast.Attribute):  # a task, and not a signature itself
            yield "a signature", changed(expression("task.s().delay()", task=node.func.value), args=list(node.args))
    for one in node.keywords if isinstance(node, ast.Call) else ():
        if one.arg == "countdown" and method(node) != "retry":
            rest = [other for other in node.keywords if other is not one]
            eta = ast.keyword("eta", expression("_mutant_aware(them)", them=one.value))
            yield "an aware eta", changed(node, keywords=[*rest, eta])
    if isinstance(node, ast.FunctionDef):
        said = [*node.body[:1], ast.Expr(expression("print('at work')")), *node.body[1:]]
        yield "prints", [changed(node, body=said if ast.get_docstring(node) else [said[1], said[0], *said[2:]])]


WRONG: tuple[Operator, ...] = (
    keyword,
    entry,
    constant,
    arithmetic,
    statement,
    blocks,
    sequence,
    exceptions,
    sending,
    signatures,
    state,
    memory,
    keys,
    databases,
)
