"""What runs inside the process of a section: its cells, and a report of each to the parent."""

import contextlib
import functools
import gc
import hashlib
import importlib
import importlib.metadata
import multiprocessing
import os
import platform
import select
import signal
import socket
import sys
import threading
import time
import types
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from proven import devices, guard, surroundings
from proven.cells import Outcome, run_cells
from proven.claims import Claim
from proven.data import send
from proven.fork import Fork, adopt_orphans, can_fork, end_descendants, end_with, silence
from proven.problems import Problem, ProjectError, unforeseen
from proven.prove import Prover
from proven.scripts import Section
from proven.settings import Settings
from proven.testing import Reach


@dataclass(frozen=True)
class Machine:
    """Where a section ran."""

    versions: dict[str, str]  # of packages that the project names, and of what drives devices
    python: str
    platform: str  # the operating system and the processor, such as `Linux x86_64`
    devices: tuple[str, ...]


@dataclass(frozen=True)
class Finished:
    """The last message of a section that ran to its end, all but its cells."""

    machine: Machine
    proofs: dict[str, str]  # `proven` or `skipped`, by the name of the claim
    reach: dict[str, Reach]  # of the claims that were tried on cases
    modules: tuple[tuple[Path, str], ...]  # files of the project that were used, and their hashes
    answers: dict[str, str]  # of questions of which something is known, by the name of the snippet


@dataclass(frozen=True)
class Job:
    """What the process of a section is to do."""

    settings: Settings
    section: Section
    claims: tuple[Claim, ...]
    last: str | None  # the snippet after which to stop
    keys: dict[str, str]  # the expressions that decide questions, by the name of the snippet
    recorded: dict[str, Outcome]  # of snippets with a question, for where they do not run
    claim_limit: float  # seconds


def run_section(job: Job, folder: str, pipe: socket.socket) -> None:
    """Run a section in this process, which is its own, and send what happens through the pipe.

    It may write in the folder, which is fresh, and nowhere else. Sent are, for each cell, its name
    before it runs and its outcome afterwards, the name of each claim before its test runs, `end` after
    the last, then `Finished`, or the problems that ended it.
    """
    guard.forget_environment()
    silence()  # what it writes beside its cells would reach a terminal, and the log of CI, as it is
    if hasattr(time, "tzset"):
        time.tzset()
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C is for the parent, which can end this process with its children
    if can_fork():
        guard.own_shared_memory(folder, str(job.settings.project), *sys.path)
        _go_on_in_child(pipe, folder)
    else:
        threading.Thread(target=_die_with_parent, args=(pipe, folder), daemon=True).start()
    # cells see Python's own default, not the method of the engine
    multiprocessing.set_start_method(None, force=True)
    # the parent's folder: multiprocessing in a cell makes one of its own
    multiprocessing.current_process()._config.pop("tempdir", None)  # type: ignore[attr-defined]
    settings, section, module = job.settings, job.section, types.ModuleType("__main__")
    sys.path.insert(0, str(settings.project))
    try:
        prepare(settings)
        # asked before a cell runs; in a child where there are devices, so that cells are the first to use them
        ask = functools.partial(_machine, settings)
        has_devices = devices.count(settings) > 0 and can_fork()
        machine = (Fork(ask).answer() if has_devices else None) or ask()
        kernel = devices.may_fork(settings)  # there is no device whose driver it would hinder
        guard.restrict(folder, section.path, settings.project, kernel)
        surroundings.remember(settings, section)
        begins = functools.partial(send, pipe, "claim")
        asked = job.claim_limit, begins, job.keys, job.recorded
        prover = Prover(settings, section, job.claims, module, *asked)
        for message in run_cells(settings, section, module, job.last):
            if not isinstance(message, Outcome):
                send(pipe, "cell", message.name)
                continue
            if thing := surroundings.changed():
                what = f"it changed {thing}, which later cells and the engine use as well"
                advice = "put it back in the same cell, or do without"
                place = f"{section.place}:{section.find(message.name).line}"
                raise ProjectError(Problem(what, advice, (place,), message.name))
            send(pipe, "outcome", message)
            prover.prove_after(message)
            if message.name == (job.last or section.snippets[-1].name):
                proofs = prover.finish()
                send(pipe, "end", "")  # what it has left to its end has the time of cells
        known = {section.path, *(settings.project / claim.file for claim in job.claims)}
        more = prover.files | guard.read
        files = _own_files(settings, more - set(map(str, known)))  # those are compared anyway
        done = Finished(machine, proofs, prover.reach, files, prover.answers)
        send(pipe, "finished", done)
    except ProjectError as error:
        send(pipe, "problems", error.problems)
    except BrokenPipeError:
        pass
    except BaseException as error:
        problem = unforeseen(error, f"{section.place}:1")
        send(pipe, "problems", [replace(problem, what=f"the engine itself failed: {problem.what}")])
    # threads and children that a cell left behind do not keep the process alive
    os._exit(0)


def prepare(settings: Settings) -> None:
    """Import the modules under `ahead`, unless the fork server has done so, and undo what the imports needed."""
    importlib.import_module("proven.ahead")
    of_devices = [device["module"] for device in settings.devices.values()]
    for name in (*settings.ahead, *of_devices):
        try:
            module = importlib.import_module(name)
            if name in of_devices:
                devices.FUNCTIONS(module)
        except (Exception, SystemExit) as error:
            what = f"{name!r} cannot be used: {type(error).__name__}: {error}"
            advice = "correct it, or install it: pip install -r requirements.txt, or use make"
            raise ProjectError(Problem(what, advice, ("proven.toml:1",))) from None
    gc.enable()
    os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)
    if matplotlib := sys.modules.get("matplotlib"):
        matplotlib.rcdefaults()  # whatever the matplotlibrc of this machine says
    devices.watch(settings)


def _go_on_in_child(pipe: socket.socket, folder: str) -> None:
    """Go on in a child of this process, which stays, and ends all that comes from the child with it."""
    adopt_orphans()
    parent = os.getpid()
    child = os.fork()
    if not child:
        end_with(parent)
        os.setsid()
        # shared memory that a cell leaves is removed when this process ends, and not when the build does
        tracker: Any = resource_tracker._resource_tracker
        tracker._fd = tracker._pid = None
        return
    # nothing comes on the pipe: it ends when nobody listens any more
    ended: list[Any] = [os.pidfd_open(child), pipe]
    select.select(ended, [], [])
    listens = not select.select([pipe], [], [], 0)[0]
    if not listens:
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    end_descendants()
    if not listens:
        guard.remove(folder)
    if status < 0:
        guard.limit("CORE", 0)
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(max(status, 0))


def _die_with_parent(pipe: socket.socket, folder: str) -> None:
    """End this process and its children when the parent is gone: the pipe, on which nothing comes, then ends."""
    with contextlib.suppress(OSError):
        pipe.recv(1)
    guard.remove(folder)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _machine(settings: Settings) -> Machine:
    names, versions = devices.describe(settings)
    packages = {}
    for name in settings.packages:
        # a module may tell more than the metadata of its wheel, such as +cpu
        version = getattr(sys.modules.get(name), "__version__", None)
        try:
            packages[name] = str(version or importlib.metadata.version(name))
        except (importlib.metadata.PackageNotFoundError, ValueError):
            what = f"packages names {name!r}, and no package of this name is installed"
            problem = Problem(what, "correct the name, or install it", ("proven.toml:1",))
            raise ProjectError(problem) from None
    system = f"{platform.system()} {platform.machine()}"
    return Machine(packages | versions, platform.python_version(), system, names)


def _own_files(settings: Settings, more: set[str]) -> tuple[tuple[Path, str], ...]:
    """The project's own files among the imported modules and others, the engine apart."""
    engine = Path(__file__).parent
    names = {str(getattr(module, "__file__", None)) for module in list(sys.modules.values())}
    files = [
        Path(name)
        for name in names | more
        if name.startswith(f"{settings.project}{os.sep}")
        and f"{os.sep}site-packages{os.sep}" not in name
    ]
    return tuple(
        (file, hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted(files)
        if not file.is_relative_to(engine)
        and not any(part.startswith(".") for part in file.relative_to(settings.project).parts)
        and file.is_file()
    )
