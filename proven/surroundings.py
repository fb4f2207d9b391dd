"""What the cells of a section share with each other and with the engine, and have to leave as it is.

A function of a library that a cell replaces changes what later cells show, and a reader who runs one of
those cannot see why. Looked at are the builtins, the engine, which modules are imported and what those hold
that the section imports, the variables of the environment, a few settings of Python, and what `proven.toml`
lists under `same`.
"""

import ast
import builtins
import decimal
import functools
import gc
import locale
import operator
import os
import re
import signal
import sys
import threading
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from proven.problems import Problem, ProjectError
from proven.scripts import Section
from proven.settings import FILE, Settings

# without that of children, which torch sets when it first has some
SIGNALS = [number for number in signal.Signals if number.name != "SIGCHLD"]
# without the flags, which every calculation sets
DECIMAL = operator.attrgetter("prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps")
# what runs between the lines of later cells, decides what they find and write, or tells of their errors
SAME: dict[str, Callable[[], object]] = {
    "sys.gettrace()": sys.gettrace,
    "sys.getprofile()": sys.getprofile,
    "sys.getrecursionlimit()": sys.getrecursionlimit,
    "sys.get_int_max_str_digits()": sys.get_int_max_str_digits,
    # without what lies inside of installed packages: setuptools adds a folder of its own
    "sys.path": lambda: [path for path in sys.path if f"-packages{os.sep}" not in str(path)],
    "sys.unraisablehook": lambda: sys.unraisablehook,
    "threading.excepthook": lambda: threading.excepthook,
    "gc.callbacks": lambda: gc.callbacks,
    "gc.isenabled()": gc.isenabled,
    "gc.get_threshold()": gc.get_threshold,
    "what a signal does": lambda: [signal.getsignal(number) for number in SIGNALS],
    "locale.setlocale()": lambda: locale.setlocale(locale.LC_ALL),
    "decimal.getcontext()": lambda: DECIMAL(decimal.getcontext()),
    "os.umask()": lambda: (mask := os.umask(0), os.umask(mask))[0],  # to read it is to set it
}
# of which a fresh Python tells nothing; and no words of a message, no name of a module
QUIET, ANY = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning), "\0"
CALLED = (types.FunctionType, types.BuiltinFunctionType, type)

_values: list[tuple[str, Callable[[], object], str]] = []
_spaces: list[tuple[str, Mapping[str, Any], list[str], Callable[[Any], Any], Any]] = []


def remember(settings: Settings, section: Section) -> None:
    """Remember how things are, before the first cell of the section runs.

    Few things are looked at: to look at one is to write to its page of memory, and every page that is
    written to makes the forks of this process slower.
    """
    _values.clear()
    _spaces.clear()
    named: dict[str, Any] = {"builtins": builtins}
    named |= {name: module for name, module in sys.modules.items() if name.startswith("proven.")}
    asked, modules = dict(SAME), dict(sys.modules)
    for text in settings.same:
        value = _value_of(text, modules)
        if isinstance(value, types.ModuleType | type):
            named[text] = value
        else:
            asked[text] = functools.partial(_value_of, text, modules)
    imported = {name: modules[name] for name in _imported(section) if name in modules}
    for name, thing in (imported | named).items():
        called = (
            key
            for key, value in vars(thing).items()
            # by type(): a deprecated name may warn when it is asked for its class
            if issubclass(type(value), CALLED)
            # of what is only imported, names with _ are its own: catch_warnings binds one anew
            and (name in named or not key.startswith("_"))
        )
        _keep(name, vars(thing), [*called, "__version__"])
    _keep("os.environ", os.environ, os.environ)
    # without those inside of packages, which are ten times as many; `__main__` is the section
    whole = [module for module in sys.modules if "." not in module and module != "__main__"]
    _keep("sys.modules", sys.modules, whole)
    _values.extend((name, ask, repr(ask())) for name, ask in asked.items())


def _imported(section: Section) -> Iterator[str]:
    """The modules that the section imports, by whichever statement."""
    for snippet in section.snippets:
        for node in ast.walk(ast.parse(snippet.source)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from (node.module or "", *(f"{node.module}.{one.name}" for one in node.names))


def _keep(name: str, space: Mapping[str, Any], names: Iterable[str]) -> None:
    if keys := [key for key in names if key in space]:
        look = operator.itemgetter(*keys, keys[0])  # twice: so that there are two
        _spaces.append((name, space, keys, look, look(space)))


def changed() -> str | None:
    """Name one thing that is not as it was, if there is one."""
    for name, ask, value in _values:
        if _differs(_described, value, ask):
            return name
    for name, space, keys, look, held in _spaces:
        if not _differs(look, held, space):  # by identity first
            continue
        for key, old in zip(keys, held, strict=False):
            new = space.get(key)
            # torch wraps the step of an optimiser when the first one is made
            by_itself = getattr(new, "__wrapped__", None) is old and _of_library(new)
            if new is not old and not by_itself and _differs(space.get, old, key):
                return f"{name}.{key}".removeprefix("builtins.")
    # libraries that are imported add filters for messages, modules and classes of their own
    for _, message, category, module, _ in warnings.filters:
        named = any(
            isinstance(which, re.Pattern) and not which.match(ANY) for which in (message, module)
        )
        if not named and category.__module__ == "builtins" and category not in QUIET:
            return "the filter of warnings"
    return None


def _described(ask: Callable[[], object]) -> str:
    return repr(ask())


def _differs(ask: Callable[[Any], object], value: object, about: Any) -> bool:
    """Whether an answer is another value, or is none: what a cell has put there may raise."""
    try:
        return bool(ask(about) != value)
    except Exception:
        return True


def _of_library(function: Any) -> bool:
    its = getattr(function, "__globals__", {}).get("__name__", "")
    return its in sys.modules and its != "__main__"


def _value_of(text: str, modules: dict[str, types.ModuleType]) -> Any:
    try:
        return eval(text, modules)
    except (Exception, SystemExit) as error:
        what = f"same names {text!r}, which has no value: {type(error).__name__}: {error}"
        advice = "name a module or a class that is imported, or another expression of them"
        raise ProjectError(Problem(what, advice, (f"{FILE}:1",))) from None
