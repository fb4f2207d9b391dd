"""Compiles the tests of a section so that a claim tells which of its assertions ran.

A claim proves something only if an assertion ran that could have failed, and that looks at the section
or at a library. The second is judged by names: what is imported from beyond Python's own library, what
`after` and `shown` give, and whatever is computed from such.
"""

import ast
import contextlib
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

LEDGER = "__ledger__"  # the name of the ledger in the namespace of the tests
LIBRARY = "*"  # what is imported comes from this
# what is imported from here tells nothing of the section or of a library
PLUMBING, OVER = {"pytest", "_pytest", "__future__"}, "proven.testing.over"
LOOPED = "over(…)"  # what comes of a loop over cases comes from this
# of Python's own library: what copies or runs things
COPYING = {"copy", "importlib", "pickle", "runpy", "subprocess"}
RUNNING = {"exec", "eval", "compile", "__import__"}  # builtins that run other code
LITERAL = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.unaryop, ast.Load)
DECIDING = (ast.For, ast.While, ast.If, ast.Try, ast.With, ast.Match)
NAMING = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping)
MISSPELT = (NameError, UnboundLocalError, AttributeError)  # what a slip of the pen raises
# what is true whatever it holds, as all is that can be called
ALWAYS_TRUE = (types.ModuleType, types.CoroutineType, Iterator, list, tuple, dict, set, frozenset)
# where the left side stands to the right one if a comparison holds
ORDER = {ast.Eq: "=", ast.NotEq: "<>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
TURNED = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
}
NEVER_NONE = (ast.Compare, ast.UnaryOp, ast.BinOp)
SAME_AGAIN = {"len", "type", "str", "repr", "abs", "bool", "isinstance"}  # when called again


@dataclass
class Ledger:
    """What the assertions of one test did."""

    seen: int = 0  # how many ran that could fail
    counted: int = 0  # how many of these look at the section or at a library
    failed: list[int] = field(default_factory=list)  # their lines, also of errors that were caught
    idle: bool = False  # the next one asks something of all members of nothing
    # by what they are: all cases so far, the one that is being tried, and those that were looked at
    cases: dict[str, set[str]] = field(default_factory=dict)
    trying: dict[str, str] = field(default_factory=dict)
    tried: dict[str, set[str]] = field(default_factory=dict)

    def _held(self, counts: bool, sums_up: bool) -> None:
        """Count an assertion that held, and the cases that it looks at: the last one, or what came of all."""
        self.seen += 1
        self.counted += counts
        for words, names in self.cases.items() if counts else ():
            if words in self.trying:
                self.tried[words].add(self.trying[words])
            elif sums_up:
                self.tried[words] |= names

    def asserted(self, value: object, line: int, *about: bool) -> object:
        """Note the value of an `assert`, and return it."""
        idle, self.idle = self.idle, False
        if not value:
            self.failed.append(line)
        elif not idle and not callable(value) and not isinstance(value, ALWAYS_TRUE):
            self._held(*about)
        return value

    def looking(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Note whether `all` or `any`, those of Python, had anything to look at."""

        def looks(values: Iterable[Any]) -> bool:
            self.idle = True
            return bool(function(self._looked(value) for value in values))

        return looks if function in (all, any) else function

    def _looked(self, value: Any) -> Any:
        self.idle = False
        return value

    def check(self, function: Callable[..., Any], line: int, *about: bool) -> Callable[..., Any]:
        """Note what comes of a call such as `pytest.raises(…)` or `torch.testing.assert_close(…)`."""

        def checks(*arguments: Any, **named: Any) -> Any:
            try:
                made = function(*arguments, **named)
            except BaseException:
                self.failed.append(line)
                raise
            if hasattr(made, "__exit__"):
                return self._checking(made, named.get("match"), line, *about)
            # what asserts returns nothing; what returns an answer may have asserted nothing
            answers = made is not None and getattr(function, "__name__", "").startswith("assert")
            if not answers and _was_meant(made, named.get("match")):
                self._held(*about)
            return made

        return checks

    @contextlib.contextmanager
    def _checking(self, context: Any, match: Any, line: int, *about: bool) -> Iterator[Any]:
        """Note the end of a context such as that of `pytest.raises`."""
        before = len(self.failed)
        try:
            with context as made:
                yield made
        except BaseException:
            self.failed.append(line)
            raise
        self.idle = False  # what was asked inside is over
        del self.failed[before:]  # what failed inside was to fail, and did
        if _was_meant(made, match):
            self._held(*about)

    def helped(self, function: Callable[..., Any], *about: bool) -> Callable[..., Any]:
        """Count the assertions of a helper as one that looks at what the helper is given."""

        def helps(*arguments: Any, **named: Any) -> Any:
            before = self.seen
            made = function(*arguments, **named)
            if self.seen > before:
                self._held(*about)
            return made

        return helps


def _was_meant(caught: Any, match: Any) -> bool:
    """Whether what `raises` caught cannot be a slip: that a name is missing is what `match` says."""
    error = getattr(caught, "value", None)
    name = getattr(error, "name", None)
    if type(error) not in MISSPELT:  # not one of a kind of its own, such as FrozenInstanceError
        return True
    return name in str(match) if name else not re.search(match or "", "")


def compile_tests(text: str, path: str) -> types.CodeType:
    """Compile the tests as they were read, whatever stands in the file or in the cache by now."""
    tree = ast.parse(text, path)
    scopes = [_Scope(statement) for statement in tree.body]
    shared = _grounded([scope.seen_from_outside() for scope in scopes], {LIBRARY})
    functions = [part for part in ast.walk(tree) if isinstance(part, ast.FunctionDef)]
    methods = {f for part in ast.walk(tree) if isinstance(part, ast.ClassDef) for f in part.body}
    asserting = (("." * (f in methods) + f.name, any(map(_checks, ast.walk(f)))) for f in functions)
    its_own = dict(sorted(asserting))  # of two with one name, the one that asserts is the last
    for scope in scopes:
        if isinstance(scope.statement, ast.FunctionDef | ast.ClassDef):
            scope.note(_grounded(scope.rows[1:], shared), its_own)
    # optimize=0: assertions run, whatever Python was started with
    code = compile(tree, path, "exec", dont_inherit=True, optimize=0)
    assert isinstance(code, types.CodeType)
    return code


@dataclass
class _Row:
    """The names that a statement, without the statements inside of it, binds and uses."""

    bound: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    fixed: bool = False  # it binds what nothing can change: a literal, or something imported


def _grounded(rows: list[_Row], known: set[str]) -> set[str]:
    """The names that come from the section or from a library, as those that are known do."""
    changeable = {name for row in rows if not row.fixed for name in row.bound}
    found, before = set(known), 0
    while before != len(found):
        before = len(found)
        for row in rows:
            if not row.used.isdisjoint(found):  # what is handed to a library may be changed by it
                found |= row.bound | (row.used & changeable)
    return found


class _Scope:
    """A statement of the module, with all that is inside of it."""

    def __init__(self, statement: ast.stmt) -> None:
        self.statement = statement
        self.rows: list[_Row] = []
        self.arguments: set[str] = set()
        self.cases: set[str] = set()  # the names that cases have while they are tried
        self.asserts: list[ast.Assert] = []
        self.calls: list[tuple[ast.Call, ast.AST]] = []  # with what each is about
        self._statement(statement)

    def seen_from_outside(self) -> _Row:
        """What the statement does with names of the module."""
        bound, used = ({n for row in self.rows for n in getattr(row, a)} for a in ("bound", "used"))
        if isinstance(self.statement, ast.FunctionDef | ast.ClassDef):
            first = self.rows[0]
            return _Row(first.bound, first.used | (used - bound - self.arguments))
        return _Row(bound, used, all(row.fixed for row in self.rows))

    def note(self, grounded: set[str], its_own: dict[str, bool]) -> None:
        """Let the assertions, and the file's own functions that assert, tell the ledger that they ran."""

        def about(*nodes: ast.AST) -> tuple[bool, ...]:
            parts = [part for node in nodes for part in ast.walk(node)]
            names = {part.id for part in parts if isinstance(part, ast.Name)}
            sums_up = any(map(_is_looped, parts)) or not names.isdisjoint(of_cases)
            return not names.isdisjoint(grounded | RUNNING), sums_up

        of_cases = _grounded(self.rows[1:], {LOOPED}) - self.cases
        for row in self.asserts:
            if not _can_fail(row.test):
                continue
            for part in ast.walk(row.test):
                if isinstance(part, ast.Call) and getattr(part.func, "id", "") in ("all", "any"):
                    part.func = _ledger("looking", part.func)
            row.test = _ledger("asserted", row.test, row.lineno, *about(row.test))
        for call, part in self.calls:
            given = about(*call.args, *call.keywords)
            name = "." * isinstance(call.func, ast.Attribute) + _name_of(call)
            if name in its_own:
                if its_own[name] and given[0]:
                    call.func = _ledger("helped", call.func, *given)
            elif _checks(call) and _can_fail(call):
                call.func = _ledger("check", call.func, call.lineno, *about(part))

    def _statement(self, statement: ast.stmt) -> None:
        row = _Row()
        self.rows.append(row)
        match statement:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                module = getattr(statement, "module", None)
                for name in names:
                    if not _tells_nothing(f"{module}.{name.name}" if module else name.name):
                        row.used.add(LIBRARY)
                    row.bound.add(name.asname or name.name.split(".")[0])
                row.fixed = True
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                row.bound.add(name)
            case ast.Assert():
                self.asserts.append(statement)
            case ast.Assign(value=value):
                row.fixed = all(isinstance(part, LITERAL) for part in ast.walk(value))
        first = len(self.rows)
        self._inside(statement, row, statement)
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for inner in self.rows[first:]:
                row.used |= inner.used
            if isinstance(statement, ast.FunctionDef):  # who is handed it gives it its arguments
                its = {part.arg for part in ast.walk(statement.args) if isinstance(part, ast.arg)}
                self.rows.append(_Row(its, {statement.name}))
            changed = (p for p in ast.walk(statement) if isinstance(p, ast.Global | ast.Nonlocal))
            self.rows += [_Row(set(part.names), {statement.name}) for part in changed]
        elif isinstance(statement, DECIDING):  # what is bound inside depends on what it looks at
            inside = self.rows[first:]
            if isinstance(statement, ast.Try | ast.With):
                row.used |= {name for inner in inside for name in inner.used}
            self.rows.append(_Row({name for inner in inside for name in inner.bound}, row.used))

    def _inside(self, node: ast.AST, row: _Row, about: ast.AST) -> None:
        if isinstance(node, ast.For | ast.comprehension) and _is_looped(node):
            row.used.add(LOOPED)
            self.cases |= {p.id for p in ast.walk(node.target) if isinstance(p, ast.Name)}
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child)
                continue
            if isinstance(child, ast.Name):
                (row.used if isinstance(child.ctx, ast.Load) else row.bound).add(child.id)
                if child.id in RUNNING:
                    row.used.add(LIBRARY)
            elif isinstance(child, NAMING):
                row.bound.add(getattr(child, "name", None) or getattr(child, "rest", None) or "")
            elif isinstance(child, ast.arg):
                self.arguments.add(child.arg)
            elif isinstance(child, ast.Call):
                # what `with pytest.raises(…):` is about is what it holds
                self.calls.append((child, about if isinstance(node, ast.withitem) else child))
            self._inside(child, row, about)


def _tells_nothing(module: str) -> bool:
    """Whether what is imported tells nothing of the section or of a library."""
    top = module.split(".")[0]
    return module == OVER or top in PLUMBING or (top in sys.stdlib_module_names - COPYING)


def _is_looped(node: ast.AST) -> bool:
    """Whether it is a loop over cases; what lists them first does nothing with each."""
    iterated = getattr(node, "iter", None)
    if isinstance(iterated, ast.Call) and _name_of(iterated) in ("enumerate", "zip"):
        iterated = next((arg for arg in iterated.args if isinstance(arg, ast.Call)), iterated)
    return isinstance(iterated, ast.Call) and _name_of(iterated) == "over"


def _can_fail(test: ast.expr) -> bool:
    """Whether an assertion of this fails for some of the answers to what it asks."""
    named = any(isinstance(part, ast.Name) for part in ast.walk(test))
    worlds = [dict[str, str]()] if named else []
    for _ in range(5000):  # more is asked than anybody reads
        if not worlds:
            break
        world = worlds.pop()
        try:
            if not _holds(test, world):
                return True
        except KeyError as asked:  # it may be answered in any way
            worlds += [{**world, asked.args[0]: sign} for sign in "<>="]
    return False


def _holds(test: ast.expr, world: dict[str, str]) -> bool:
    """Whether an expression is true if all that it asks is answered as it is here."""
    match test:
        case ast.NamedExpr(value=inner) | ast.Call(func=ast.Name(id="bool"), args=[inner]):
            return _holds(inner, world)
        case (
            ast.BoolOp(op=ast.And(), values=values)
            | ast.Call(
                func=ast.Name(id="all"), args=[ast.Tuple(elts=values) | ast.List(elts=values)]
            )
        ):
            return all(_holds(value, world) for value in values)
        case (
            ast.BoolOp(values=values)
            | ast.Call(
                func=ast.Name(id="any"), args=[ast.Tuple(elts=values) | ast.List(elts=values)]
            )
        ):
            return any(_holds(value, world) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return not _holds(inner, world)
        case ast.IfExp(test=asked, body=body, orelse=other):
            return _holds(body if _holds(asked, world) else other, world)
        case ast.Compare(left=left, ops=ops, comparators=others):
            compared = zip(ops, [left, *others], others, strict=False)
            return all(_compared(*each, world) for each in compared)
        case ast.Constant(value=value):
            return bool(value)
        case ast.Lambda() | ast.GeneratorExp() | ast.JoinedStr() | ast.Set():
            return True
        case ast.Tuple(elts=[_, *_]) | ast.List(elts=[_, *_]) | ast.Dict(keys=[_, *_]):
            return True
        case ast.Call(args=[one, other]) if _text(one) == _text(other):
            return True
    return world[_text(test)] != "="


def _compared(op: ast.cmpop, one: ast.expr, other: ast.expr, world: dict[str, str]) -> bool:
    """Whether a comparison holds, by where the two sides stand to each other."""
    one = one.value if isinstance(one, ast.NamedExpr) else one
    a_constant = [not any(isinstance(p, ast.Name) for p in ast.walk(side)) for side in (one, other)]
    if type(op) in TURNED and (a_constant, _text(one)) > (a_constant[::-1], _text(other)):
        op, one, other = TURNED[type(op)](), other, one
    left, right, kind = _text(one), _text(other), type(op).__name__
    holds = ORDER.get(type(op), "<>" if "Not" in kind else "=")
    kind = "" if type(op) in ORDER else kind.replace("Not", "")  # Is and In ask something else
    length = isinstance(one, ast.Call) and _name_of(one) == "len"
    if left == right or _is_any(one) or _is_any(other) or (kind, left) == ("In", "''"):
        return "=" in holds
    if right == "None" and (length or isinstance(one, NEVER_NONE)):
        return ">" in holds
    if length and re.fullmatch(r"-\d+", right):  # none is negative
        return ">" in holds
    stands = world[f"{kind}{left}, {right}"]
    return (">" if length and right == "0" and stands == "<" else stands) in holds


def _is_any(node: ast.expr) -> bool:
    """Whether it is the one of `mock` that equals everything, or a list of it."""
    if isinstance(node, ast.List | ast.Tuple):
        return bool(node.elts) and all(map(_is_any, node.elts))
    return getattr(node, "attr", getattr(node, "id", "")) == "ANY"


def _text(node: ast.expr) -> str:
    """What an expression says; another text if it may have another value where it stands again."""
    node = node.value if isinstance(node, ast.NamedExpr) else node
    known: dict[str, str] = vars(node)
    if "text" not in known:
        calls = (part for part in ast.walk(node) if isinstance(part, ast.Call))
        varies = any(_name_of(call) not in SAME_AGAIN for call in calls)
        known["text"] = ast.unparse(node) + f" at {node.lineno}:{node.col_offset}" * varies
    return known["text"]


def _name_of(call: ast.Call) -> str:
    """The name of what is called, without that of its module or object."""
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def _checks(part: ast.AST) -> bool:
    """Whether it is an assertion: also that of pytest for errors and warnings, or a library's own."""
    if not isinstance(part, ast.Call):
        return isinstance(part, ast.Assert)
    name = _name_of(part)
    return name in ("raises", "warns", "deprecated_call") or name.startswith("assert")


def _ledger(method: str, value: ast.expr, *more: int) -> ast.Call:
    """Hand a value to a method of the ledger."""
    function = ast.Attribute(ast.Name(LEDGER, ast.Load()), method, ast.Load())
    call = ast.Call(function, [value, *map(ast.Constant, more)], [])
    return ast.fix_missing_locations(ast.copy_location(call, value))
