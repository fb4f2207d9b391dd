"""CUDA devices as torch sees them: how many there are, and whether this process has asked for one.

CUDA does not survive a fork. torch marks the child of a process that has asked for a device, also
where there is none: there the child raises "Cannot re-initialize CUDA in forked subprocess".
"""

import functools
import subprocess
import warnings
from collections.abc import Callable
from typing import Any

import torch

from proven.fork import Fork, can_fork

# What asks for CUDA calls one of these; they note it. A torch without CUDA has none of them.
COUNT = "_cuda_getDeviceCount"
NOTING = (COUNT, "_cuda_init", "_cuda_getArchFlags")

_asked = False
_count: int | None = None


def watch() -> None:
    """Note from now on when this process asks torch for CUDA.

    The number of devices is asked for in a child first: where it is 0, asking for it again gets this
    answer and leaves no mark on the process.
    """
    for name in NOTING:
        if function := getattr(torch._C, name, None):
            setattr(torch._C, name, _noted(name, function))


def _noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def asks(*arguments: Any) -> Any:
        global _asked
        if name == COUNT and _count == 0:
            return 0
        _asked = True
        return function(*arguments)

    return asks


def count() -> int:
    """How many CUDA devices there are: the same number, whatever a cell has replaced."""
    global _count
    ask: Callable[[], int] | None = getattr(torch._C, COUNT, None)
    if _count is None and ask is None:
        _count = 0
    elif _count is None and ask:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a driver that is too old: pages quote the error
            answer = Fork(ask).answer() if can_fork() else None
            _count = ask() if answer is None else answer
            if not _count:  # the first gradient counts once more, and would warn in a snippet
                torch.autograd.backward(torch.ones(1, requires_grad=True))
    return _count or 0


def describe() -> tuple[tuple[str, ...], dict[str, str]]:
    """The names of the devices, and the versions of CUDA and of the driver, so far as there are any."""
    versions = {"CUDA": torch.version.cuda} if torch.version.cuda else {}
    if count() and (driver := _driver()):
        versions["driver"] = driver
    return tuple(torch.cuda.get_device_name(number) for number in range(count())), versions


def may_fork() -> bool:
    """Whether a fork of this process could do all that this process can.

    Where there is any accelerator, backward() starts threads for it, and a fork has no threads.
    """
    built_for = torch.accelerator.current_accelerator()
    if built_for is not None and built_for.type != "cuda":
        return not torch.accelerator.is_available()
    return not _asked and count() == 0


def _driver() -> str | None:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None  # there is no nvidia-smi beside ROCm
    return answer.stdout.split("\n")[0].strip() or None
