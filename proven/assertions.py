"""Compiles the tests of a section so that a claim tells which of its assertions ran.

A claim proves something only if an assertion ran that could have failed, and that looks at the section
or at a library. The second is judged by names: what is imported from beyond Python's own library, what
`after` and `shown` give, and whatever is computed from such.
"""

import ast
import contextlib
import functools
import re
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

LEDGER = "__ledger__"  # the name of the ledger in the namespace of the tests
LIBRARY = "*"  # what is imported comes from this
# what is imported from here tells nothing of the section or of a library
PLUMBING, CASES = {"pytest", "_pytest", "__future__"}, "over"
OVER = f"proven.testing.{CASES}"
# of Python's own library: what copies or runs things
COPYING = {"copy", "importlib", "pickle", "runpy", "subprocess"}
RUNNING = {"exec", "eval", "compile", "__import__"}  # builtins that run other code
LITERAL = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.unaryop, ast.Load)
DECIDING = (ast.For, ast.While, ast.If, ast.Try, ast.With, ast.Match)
NAMING = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping)
HOLDS_FOR_A_LENGTH = {(ast.GtE, "0"), (ast.GtE, "-1"), (ast.Gt, "-1"), (ast.NotEq, "-1")}
CALLED = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial)
ALWAYS_TRUE = (*CALLED, types.ModuleType, type, types.CoroutineType, Iterator)


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
        elif not idle and not isinstance(value, ALWAYS_TRUE):
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
            if getattr(function, "__name__", "") == "raises":
                expected = arguments[0] if arguments else named.get("expected_exception", Exception)
                if issubclass(NameError, expected) and re.search(named.get("match") or "", ""):
                    return function(*arguments, **named)  # a name that is misspelt raises one, too
            try:
                made = function(*arguments, **named)
            except BaseException:
                self.failed.append(line)
                raise
            if hasattr(made, "__exit__"):
                return self._checking(made, line, *about)
            # what asserts returns nothing; what returns an answer may have asserted nothing
            if made is None or not getattr(function, "__name__", "").startswith("assert"):
                self._held(*about)
            return made

        return checks

    @contextlib.contextmanager
    def _checking(self, context: Any, line: int, *about: bool) -> Iterator[Any]:
        """Note the end of a context such as that of `pytest.raises`."""
        before = len(self.failed)
        try:
            with context as made:
                yield made
        except BaseException:
            self.failed.append(line)
            raise
        del self.failed[before:]  # what failed inside was to fail, and did
        error = getattr(made, "value", None)
        if not isinstance(getattr(error, "obj", None), types.ModuleType):  # whose name is misspelt
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


def compile_tests(text: str, path: str) -> types.CodeType:
    """Compile the tests as they were read, whatever stands in the file or in the cache by now."""
    tree = ast.parse(text, path)
    scopes = [_Scope(statement) for statement in tree.body]
    shared = _grounded([scope.seen_from_outside() for scope in scopes], {LIBRARY})
    helpers = {name for scope in scopes if scope.asserts for name in scope.rows[0].bound}
    for scope in scopes:
        if isinstance(scope.statement, ast.FunctionDef):
            scope.note(_grounded(scope.rows[1:], shared), helpers)
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

    def note(self, grounded: set[str], helpers: set[str]) -> None:
        """Let the assertions tell the ledger that they ran."""

        def about(node: ast.AST) -> tuple[bool, ...]:
            names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            return tuple(not names.isdisjoint(known) for known in (grounded | RUNNING, of_cases))

        of_cases = _grounded(self.rows[1:], {CASES})
        for row in self.asserts:
            for part in ast.walk(row.test):
                if isinstance(part, ast.Call) and getattr(part.func, "id", "") in ("all", "any"):
                    part.func = _ledger("looking", part.func)
            if not _is_vacuous(row.test):
                row.test = _ledger("asserted", row.test, row.lineno, *about(row.test))
        for call, part in self.calls:
            given = about(ast.Tuple(call.args))
            if _checks(call) and not _is_vacuous(call):
                call.func = _ledger("check", call.func, call.lineno, *about(part))
            elif getattr(call.func, "id", "") in helpers and given[0]:
                call.func = _ledger("helped", call.func, *given)

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


def _is_vacuous(test: ast.expr) -> bool:
    """Whether an assertion of this cannot fail."""
    match test:
        case ast.Tuple(elts=[_, *_]) | ast.List(elts=[_, *_]) | ast.Set() | ast.Dict(keys=[_, *_]):
            return True
        case ast.Lambda() | ast.GeneratorExp():
            return True
        case ast.JoinedStr(values=parts) if any(isinstance(p, ast.Constant) for p in parts):
            return True
        case ast.NamedExpr(value=inner):
            return _is_vacuous(inner)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(_is_vacuous, values))
        case ast.BoolOp(values=values):
            return all(map(_is_vacuous, values))
        case ast.Compare(
            left=ast.Call(func=ast.Name(id="len")), ops=[sign], comparators=[other]
        ) if (type(sign), ast.unparse(other)) in HOLDS_FOR_A_LENGTH:
            return True
        case (
            ast.Compare(
                left=one, ops=[ast.Eq() | ast.Is() | ast.LtE() | ast.GtE()], comparators=[other]
            )
            | ast.Call(args=[one, other])
        ):
            kinds = set(map(type, ast.walk(one)))
            if ast.dump(one) == ast.dump(other) and ast.Call not in kinds and ast.Name in kinds:
                return True
    if any(isinstance(part, ast.Attribute) and part.attr == "ANY" for part in ast.walk(test)):
        return True  # that of `mock` equals everything
    return not any(isinstance(part, ast.Name) for part in ast.walk(test))


def _checks(call: ast.Call) -> bool:
    """Whether a call is an assertion: that of pytest for errors and warnings, or a library's own."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    return name in ("raises", "warns", "deprecated_call") or name.startswith("assert")


def _ledger(method: str, value: ast.expr, *more: int) -> ast.Call:
    """Hand a value to a method of the ledger."""
    function = ast.Attribute(ast.Name(LEDGER, ast.Load()), method, ast.Load())
    call = ast.Call(function, [value, *map(ast.Constant, more)], [])
    return ast.fix_missing_locations(ast.copy_location(call, value))
