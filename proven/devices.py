"""Asks the modules that `proven.toml` names under `[devices]` what this machine has.

Such a module has four functions: `watch()`, called before any section runs; `count()`;
`describe()`, the names of the devices and the versions behind them; `may_fork()`.
"""

import importlib
import operator
from types import ModuleType

from proven.fork import can_fork
from proven.settings import Settings

FUNCTIONS = operator.attrgetter("watch", "count", "describe", "may_fork")


def watch(settings: Settings) -> None:
    """Call `watch()` of each module, before any section runs."""
    for module in _modules(settings):
        module.watch()


def count(settings: Settings, kind: str = "") -> int:
    """How many devices of a kind there are; of all kinds together if none is named."""
    return sum(module.count() for module in _modules(settings, kind))


def describe(settings: Settings) -> tuple[tuple[str, ...], dict[str, str]]:
    """The names of all devices, and the versions of what drives them."""
    told = [module.describe() for module in _modules(settings)]
    names = tuple(name for names, _ in told for name in names)
    return names, {name: version for _, versions in told for name, version in versions.items()}


def may_fork(settings: Settings) -> bool:
    """Whether a fork of this process is safe, and could do all that this process can."""
    return can_fork() and all(module.may_fork() for module in _modules(settings))


def _modules(settings: Settings, kind: str = "") -> list[ModuleType]:
    chosen = [device for name, device in settings.devices.items() if kind in ("", name)]
    return [importlib.import_module(device["module"]) for device in chosen]
