"""What the cells of a section share with each other and with the engine, and have to leave as it is.

A function of a library that a cell replaces changes what later cells show, and a reader who runs one of
those cannot see why. Looked at are the builtins, the engine, and what `proven.toml` lists under `same`.
"""

import builtins
import operator
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

from proven.problems import Problem, ProjectError
from proven.settings import FILE, Settings

# what runs between the lines of later cells
SAME = ("sys.gettrace()", "sys.getprofile()", "sys.getrecursionlimit()", "gc.callbacks")
CALLED = (types.FunctionType, types.BuiltinFunctionType, type)

Look = Callable[[Any], tuple[Any, ...]]
_spaces: list[tuple[str, Any, list[str], Look, tuple[Any, ...]]] = []
_same: list[tuple[str, str]] = []


def remember(settings: Settings) -> None:
    """Remember how things are, before the first cell runs.

    Few things are looked at: to look at one is to write to its page of memory, and every page that is
    written to makes the forks of this process slower.
    """
    engine = {name: module for name, module in sys.modules.items() if name.startswith("proven.")}
    named = [(text, _of(text)) for text in (*SAME, *settings.same)]
    _spaces.clear()
    _same.clear()
    for name, thing in [("builtins", builtins), *engine.items(), *named]:
        if isinstance(thing, types.ModuleType | type):
            keys = [
                key
                for key, value in vars(thing).items()
                # by type(): a deprecated name may warn when it is asked for its class
                if issubclass(type(value), CALLED) or key == "__version__"
            ]
            if keys:
                look: Look = operator.itemgetter(*keys, keys[0])  # twice: so that there are two
                _spaces.append((name, thing, keys, look, look(vars(thing))))
        else:
            _same.append((name, repr(thing)))


def changed() -> str | None:
    """Name one thing that is not as it was, if there is one."""
    for text, value in _same:
        if repr(_of(text)) != value:
            return text
    for name, space, keys, look, held in _spaces:
        now = vars(space)
        try:
            if look(now) == held:  # compared by identity first
                continue
        except KeyError:
            pass
        for key, old in zip(keys, held, strict=False):
            new = now.get(key)
            # torch wraps the step of an optimiser when the first one is made
            by_itself = getattr(new, "__wrapped__", None) is old and _of_library(new)
            if new is not old and not by_itself:
                return f"{name}.{key}".removeprefix("builtins.")
    return _silenced()


def _of_library(function: Any) -> bool:
    its = getattr(function, "__globals__", {}).get("__name__", "")
    return its in sys.modules and its != "__main__"


def _of(text: str) -> Any:
    try:
        return eval(text, dict(sys.modules))
    except Exception as error:
        what = f"same names {text!r}, which has no value: {type(error).__name__}: {error}"
        advice = "name a module or a class that is imported, or another expression of them"
        raise ProjectError(Problem(what, advice, (f"{FILE}:1",))) from None


def _silenced() -> str | None:
    """Whether warnings of every kind are treated otherwise; libraries that are imported add filters of their own."""
    for _, message, category, module, _ in warnings.filters:
        if message is None and module is None and issubclass(UserWarning, category):
            return "the filter of warnings"
    return None
