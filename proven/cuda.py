"""CUDA devices as torch sees them: how many there are, and whether this process has asked for one.

CUDA does not survive a fork. torch marks the child of a process that has asked for a device, also
where there is none: there the child raises "Cannot re-initialize CUDA in forked subprocess".
"""

import functools
import subprocess
from collections.abc import Callable
from typing import Any

import torch

_asked = False
_count = torch.cuda.device_count  # before a cell can replace it


def watch() -> None:
    """Note from now on when this process asks torch for CUDA; all of torch's ways pass one of these."""
    for name in ("_cuda_getDeviceCount", "_cuda_init"):
        if function := getattr(torch._C, name, None):
            setattr(torch._C, name, _noted(function))


def _noted(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def asks(*arguments: Any) -> Any:
        global _asked
        _asked = True
        return function(*arguments)

    return asks


def count() -> int:
    """How many CUDA devices there are."""
    return _count()


def describe() -> tuple[tuple[str, ...], dict[str, str]]:
    """The names of the devices, and the versions of CUDA and of the driver, so far as there are any."""
    versions = {"CUDA": torch.version.cuda} if torch.version.cuda else {}
    if count() and (driver := _driver()):
        versions["driver"] = driver
    return tuple(torch.cuda.get_device_name(number) for number in range(count())), versions


def may_fork() -> bool:
    """Whether a child of this process could do all that it can itself.

    Where there is any accelerator, backward() starts threads for it, which no child has.
    """
    return not _asked and not torch.accelerator.is_available()


def _driver() -> str | None:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None  # ROCm, for one, has no such program
    return answer.stdout.split("\n")[0].strip() or None
