"""Runs sections, each in a process of its own and several at a time, and collects the results."""

import contextlib
import hashlib
import importlib.util
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from snippets.engine.cells import Outcome
from snippets.engine.claims import Claim, Proof
from snippets.engine.errors import Problem, SnippetError
from snippets.engine.scripts import Section, Snippet
from snippets.engine.worker import End, Machine, work

log = logging.getLogger("mkdocs.plugins.snippets")  # under MkDocs' own, so that -v and -q apply

# Forking after torch has been imported is safe on Linux; elsewhere each section starts afresh.
START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
TIME_LIMIT = 120.0  # seconds for one section, once its first cell has begun
START_LIMIT = 300.0  # seconds until then: a cold disk can take its time with torch


@dataclass(frozen=True)
class Result:
    """What one section did.

    Attributes:
        section: The section as it was read.
        claims: Its claims as they were read.
        outcomes: What each snippet did, by full name, in order.
        proofs: What became of each claim, by name, in order.
        machine: Where it ran.
        modules: The files of the project that it imported, each with its hash.
        seconds: How long it took, from the start of its process.
        started: When it started, in seconds since 1970.
    """

    section: Section
    claims: tuple[Claim, ...]
    outcomes: dict[str, Outcome]
    proofs: dict[str, Proof]
    machine: Machine
    modules: tuple[tuple[Path, str], ...]
    seconds: float
    started: float

    def is_current(self, section: Section, claims: tuple[Claim, ...]) -> bool:
        """Tell whether a run of the section as it is now would be the same run again.

        Args:
            section: The section as it is now.
            claims: Its claims as they are now.

        Returns:
            Whether neither they nor the modules that it imported have changed.
        """
        return (self.section, self.claims) == (section, claims) and all(
            path.is_file()
            and path.stat().st_mtime < self.started  # not edited while the section ran
            and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
            for path, sha256 in self.modules
        )


def warm_up(start_method: str = START_METHOD) -> None:
    """Start the fork server, which imports torch meanwhile; does nothing where there is none.

    Args:
        start_method: How processes start, as `multiprocessing` names it.

    Raises:
        SnippetError: torch is not installed.
    """
    if importlib.util.find_spec("torch") is None:
        raise SnippetError(
            Problem("torch is not installed", "pip install -r requirements.txt, or use make")
        )
    if start_method == "forkserver":
        from multiprocessing import forkserver

        imported = [f"snippets.engine.{name}" for name in ("preload", "worker", "huge_pages")]
        multiprocessing.get_context("forkserver").set_forkserver_preload(imported)
        forkserver.ensure_running()


class Runner:
    """Runs the sections of one build in the background.

    Args:
        sections: The sections to run.
        claims: What else to prove, by section.
        last: The full name of the snippet after which its section stops; None for whole sections.
        known: Results of an earlier build; those that are still current are used again.
        progress: Called after each snippet, in the thread of its section.
        start_method: How processes start, as `multiprocessing` names it.
        time_limit: Seconds that a section may take.
    """

    def __init__(
        self,
        sections: dict[str, Section],
        claims: dict[str, tuple[Claim, ...]] | None = None,
        *,
        last: str | None = None,
        known: dict[str, Result] | None = None,
        progress: Callable[[], object] = lambda: None,
        start_method: str = START_METHOD,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        self._claims = claims or {}
        self._last = last
        self._progress = progress
        self._context: Any = multiprocessing.get_context(start_method)
        self._time_limit = time_limit
        self._processes: set[BaseProcess] = set()
        self._lock = threading.Lock()
        self._closed = False
        warm_up(start_method)
        self._pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="section")
        self._futures: dict[str, Future[Result]] = {}
        for name, section in sections.items():
            claimed = self._claims.get(name, ())
            if known and name in known and known[name].is_current(section, claimed):
                self._futures[name] = Future()
                self._futures[name].set_result(known[name])
            else:
                self._futures[name] = self._pool.submit(self._run, section)

    def result(self, name: str) -> Result:
        """Wait for a section.

        Args:
            name: The name of the section.

        Returns:
            What it did.

        Raises:
            SnippetError: A snippet of it ended otherwise than declared.
        """
        return self._futures[name].result()

    def results(self) -> dict[str, Result]:
        """Wait for all sections and return those that went well, by name.

        Returns:
            The results by section.
        """
        wait(self._futures.values())
        return {
            name: future.result()
            for name, future in self._futures.items()
            if not future.cancelled() and not future.exception()
        }

    def problems(self) -> list[Problem]:
        """Wait for all sections and return what went wrong in any of them.

        Returns:
            The problems; none if all went well.
        """
        return [
            problem
            for future in self._futures.values()
            if not future.cancelled() and isinstance(error := future.exception(), SnippetError)
            for problem in error.problems
        ]

    def close(self) -> None:
        """End whatever still runs. Can be called at any time, and again."""
        with self._lock:
            self._closed = True
            for process in list(self._processes):
                _kill(process)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, section: Section) -> Result:
        try:
            return self._run_in_process(section)
        except SnippetError:
            raise
        except Exception as error:  # the fork server was killed, the machine has no more files …
            what = f"its process could not be run: {type(error).__name__}: {error}"
            raise SnippetError(Problem(what, "build again", (f"{section.place}:1",))) from error

    def _run_in_process(self, section: Section) -> Result:
        begin, started = time.perf_counter(), time.time()
        claims = self._claims.get(section.name, ())
        folder = tempfile.mkdtemp(prefix="snippets-")
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=work, args=(section, claims, self._last, folder, theirs), name=section.name
        )
        try:
            with self._lock:
                if self._closed:
                    raise SnippetError(Problem("the build was ended", "run it again"))
                process.start()
                self._processes.add(process)
            theirs.close()
            outcomes, end = self._listen(section, process, ours)
        finally:
            if process.pid is not None:
                _kill(process)
                process.join()
                self._processes.discard(process)
            ours.close()
            shutil.rmtree(folder, ignore_errors=True)
        seconds = time.perf_counter() - begin
        states = [outcome.state for outcome in outcomes.values()]
        counts = ", ".join(
            f"{states.count(state)} {state}"
            for state in ("ran", "raised", "skipped")
            if state in states
        )
        proofs = {proof.claim: proof for proof in end.proofs}
        log.info("Section %-20s %5.1f s  %s, %d claims", section.name, seconds, counts, len(proofs))
        return Result(section, claims, outcomes, proofs, end.machine, end.modules, seconds, started)

    def _listen(
        self, section: Section, process: BaseProcess, pipe: Connection
    ) -> tuple[dict[str, Outcome], End]:
        """Take the messages of a section's process until the last one."""
        outcomes: dict[str, Outcome] = {}
        running: Snippet | None = None
        deadline = time.monotonic() + START_LIMIT
        while True:
            left = deadline - time.monotonic()
            try:
                if left <= 0 or not pipe.poll(left):
                    what = (
                        f"it was still running after {self._time_limit:g} s, the limit of a section"
                    )
                    raise _ended(section, running, what, "look for a loop without end, or do less")
                message = pipe.recv()
            except (EOFError, ConnectionResetError):
                process.join(5)
                raise _ended(
                    section,
                    running,
                    f"its process died ({_death(process)})",
                    "run it by itself to see why",
                ) from None
            if isinstance(message, Snippet):
                if running is None:
                    deadline = time.monotonic() + self._time_limit
                running = message
            elif isinstance(message, Outcome):
                outcomes[message.name] = message
                self._progress()
            elif isinstance(message, End):
                return outcomes, message
            else:
                raise SnippetError(*message)


def _ended(section: Section, running: Snippet | None, what: str, advice: str) -> SnippetError:
    line = running.line if running else section.snippets[0].line
    return SnippetError(
        Problem(what, advice, (f"{section.place}:{line}",), running.name if running else None)
    )


def _death(process: BaseProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit status {code}"


def _kill(process: BaseProcess) -> None:
    """End a section's process, and the children in its session."""
    if process.pid is None:
        return
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, AttributeError):
        process.kill()
