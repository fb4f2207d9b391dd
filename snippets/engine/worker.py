"""What runs inside the process of a section: its cells, and a report of each to the parent."""

import hashlib
import multiprocessing
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import traceback
import types
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from snippets.engine import guard
from snippets.engine.cells import Outcome, run_cells
from snippets.engine.claims import Claim, Proof, Prover
from snippets.engine.errors import Problem, SnippetError
from snippets.engine.scripts import Section


@dataclass(frozen=True)
class Machine:
    """Where a section ran.

    Attributes:
        torch: The version of torch.
        cuda: The version of CUDA that torch was built with, or None for a CPU build of torch.
        python: The version of Python.
        platform: The operating system and the processor, such as `Linux x86_64`.
        devices: The names of the CUDA devices.
        driver: The version of their driver, where `nvidia-smi` tells it.
    """

    torch: str
    cuda: str | None
    python: str
    platform: str
    devices: tuple[str, ...]
    driver: str | None = None


@dataclass(frozen=True)
class End:
    """The last message of a section that ran to its end.

    Attributes:
        machine: Where it ran.
        proofs: What became of its claims.
        modules: The files of the project that it imported, each with its hash.
    """

    machine: Machine
    proofs: list[Proof]
    modules: tuple[tuple[Path, str], ...]


def work(
    section: Section, claims: tuple[Claim, ...], last: str | None, folder: str, pipe: Connection
) -> None:
    """Run a section in this process, which is its own, and send what happens through the pipe.

    Sent are, for each cell, the snippet before it runs and its outcome afterwards, then an `End`,
    or the problems that ended it.

    Args:
        section: The section.
        claims: What tests prove about it, besides.
        last: The snippet after which to stop; None for the whole section.
        folder: A fresh directory, the only one to write in.
        pipe: The connection to the parent.
    """
    if hasattr(os, "setsid"):
        os.setsid()  # so that the parent can end this process with its children
    threading.Thread(target=_die_with_parent, args=(pipe, folder), daemon=True).start()
    multiprocessing.set_start_method(None, force=True)  # what cells see is Python's own default
    module = types.ModuleType("__main__")  # kept until the end: what its objects print is not ours
    config = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    config.pop("tempdir", None)  # it is the parent's
    sys.path.insert(0, str(section.path.parent.parent))
    try:
        guard.restrict(folder, section.path)
        prover = Prover(section, claims, module)
        for message in run_cells(section, module, last):
            pipe.send(message)
            if isinstance(message, Outcome):
                prover.snippet_ran(message)
        proofs = prover.finish()
        pipe.send(End(_machine(), proofs, _modules(section.path.parent.parent)))
    except SnippetError as error:
        pipe.send(error.problems)
    except BrokenPipeError:
        pass
    except BaseException as error:
        what = f"the engine itself failed: {''.join(traceback.format_exception(error))}"
        pipe.send((Problem(what, "this is a bug of the engine", (f"{section.place}:1",)),))
    # threads and children that a cell left behind do not keep the process alive
    os._exit(0)


def _die_with_parent(pipe: Connection, folder: str) -> None:
    """End this process and its children when the parent is gone: it never sends anything."""
    try:
        pipe.recv()
    except (EOFError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


def _machine() -> Machine:
    import torch

    from snippets.engine import preload

    count = preload.device_count()
    return Machine(
        torch=str(torch.__version__),  # whoever unpickles torch's own kind of text imports torch
        cuda=torch.version.cuda,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        devices=tuple(torch.cuda.get_device_name(number) for number in range(count)),
        driver=_driver() if count else None,
    )


def _driver() -> str | None:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None  # ROCm, for one, has no such program
    return answer.stdout.split("\n")[0].strip() or None


def _modules(project: Path) -> tuple[tuple[Path, str], ...]:
    """The project's own files among the imported modules, the engine apart."""
    engine = Path(__file__).parent
    names = {str(getattr(module, "__file__", None)) for module in list(sys.modules.values())}
    files = [
        Path(name)
        for name in names
        if name.startswith(f"{project}{os.sep}") and f"{os.sep}site-packages{os.sep}" not in name
    ]
    return tuple(
        (file, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted(files)
        if not file.is_relative_to(engine)
        and not any(part.startswith(".") for part in file.relative_to(project).parts)
        and file.is_file()
    )
