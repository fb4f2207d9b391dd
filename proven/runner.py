"""Runs sections, each in a process of its own and several at a time, and collects the results."""

import contextlib
import hashlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from typing import Any

from proven import guard
from proven.cells import Fault, Outcome, check_outcome
from proven.claims import Claim, unanswered
from proven.data import Messages, from_data
from proven.fork import can_fork, children_of, told_to_end
from proven.problems import Problem, ProjectError
from proven.scripts import Section, Snippet
from proven.settings import Settings
from proven.worker import Finished, Job, run_section

# a child of MkDocs' logger, so that -v and -q apply
log = logging.getLogger("mkdocs.plugins.proven")

# Forking after libraries have been imported is safe on Linux; elsewhere each section starts afresh.
START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
TIME_LIMIT = 120.0  # seconds for the cells of one section; each of its claims may take half of it
GRACE = 10.0  # seconds that a claim may take longer before the process of its section is ended
START_LIMIT = 300.0  # seconds until then: a cold disk can take its time with torch


@dataclass(frozen=True)
class Result(Finished):
    """What one section did; it, its claims and the keys of its questions are as they were read."""

    section: Section
    claims: tuple[Claim, ...]
    keys: dict[str, str]
    outcomes: dict[str, Outcome]  # by the full name of the snippet, in order
    seconds: float  # from the start of its process
    started: float  # in seconds since 1970

    def is_current(
        self, section: Section, claims: tuple[Claim, ...], keys: Mapping[str, str]
    ) -> bool:
        """Tell whether a run of the section as it is now would be the same run again."""
        return (self.section, self.claims, self.keys) == (section, claims, keys) and all(
            path.is_file()
            and path.stat().st_mtime < self.started  # not edited while the section ran
            and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
            for path, sha256 in self.modules
        )


def warm_up(settings: Settings, start_method: str = START_METHOD) -> None:
    """Start the fork server, which imports the modules under `ahead`; do nothing where sections are spawned."""
    if start_method != "forkserver":
        return
    from multiprocessing import forkserver

    ahead = (f"proven.ahead.{name.replace('.', '/')}" for name in settings.ahead)
    names = ["proven.ahead", *ahead, "proven.worker", "proven.huge_pages"]
    multiprocessing.get_context("forkserver").set_forkserver_preload(names)
    if getattr(forkserver._forkserver, "_forkserver_pid", None):
        return
    try:
        with guard.named_variables():
            forkserver.ensure_running()
    except OSError as error:
        what = f"the process that starts sections cannot begin in {tempfile.gettempdir()}: {error}"
        advice = "name a short path in which you may write: TMPDIR=/tmp"
        raise ProjectError(Problem(what, advice, ("TMPDIR",))) from None


def run(
    settings: Settings,
    sections: Iterable[Section],
    claims: Collection[Claim] = (),
    *,
    keys: Mapping[str, str] | None = None,
    recorded: Mapping[str, Outcome] | None = None,
    last: str | None = None,
    meanwhile: Callable[[], object] = lambda: None,
    cancelled: threading.Event | None = None,
    start_method: str = START_METHOD,
    time_limit: float = TIME_LIMIT,
) -> dict[str, Result]:
    """Run sections, each once, from its first cell to its last, and prove their claims."""
    warm_up(settings, start_method)
    context, runs = multiprocessing.get_context(start_method), []
    for section in sections:
        of_section = tuple(claim for claim in claims if claim.section == section.name)
        names = [snippet.name for snippet in section.snippets]
        its_keys = {name: key for name, key in (keys or {}).items() if name in names}
        its_recorded = {name: told for name, told in (recorded or {}).items() if name in names}
        job = Job(settings, section, of_section, last, its_keys, its_recorded, time_limit / 2)
        runs.append(_Run(job, context, time_limit))
    runs.sort(key=lambda run: run.job.section.name not in settings.first)
    pool = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="section")
    try:
        futures: list[Future[Result]] = [pool.submit(run.result) for run in runs]
        meanwhile()
        results: dict[str, Result] = {}
        problems: list[Problem] = []
        for future in futures:
            while not future.done():
                wait([future], 0.05)
                if told_to_end or (cancelled and cancelled.is_set()):
                    raise ProjectError(Problem("the run was ended", "run it again"))
            try:
                result = future.result()
                results[result.section.name] = result
            except ProjectError as error:
                problems += error.problems
    finally:
        for run in runs:
            run.end()
        pool.shutdown(wait=True, cancel_futures=True)
    if problems:
        raise ProjectError(*problems)
    return results


@dataclass
class _Run:
    """One section in its process."""

    job: Job
    context: Any
    time_limit: float
    running: tuple[BaseProcess, socket.socket] | None = None
    ended: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def result(self) -> Result:
        """Run the section, and wait for its end."""
        try:
            return self._run()
        except ProjectError:
            raise
        except Exception as error:  # the fork server was killed, the machine has no more files …
            what = f"its process could not be run: {type(error).__name__}: {error}"
            raise self._problem(None, what, "build again") from error

    def end(self) -> None:
        """End the process, if it runs, and let it not start any more."""
        with self.lock:
            self.ended = True
            if self.running:
                _tell(*self.running)

    def _run(self) -> Result:
        begin, started = time.perf_counter(), time.time()
        section = self.job.section
        folder = tempfile.mkdtemp(prefix="snippets-")
        ours, theirs = socket.socketpair()
        arguments = (self.job, folder, theirs)
        process = self.context.Process(target=run_section, args=arguments, name=section.name)
        try:
            with self.lock:
                if self.ended:
                    raise ProjectError(Problem("the run was ended", "run it again"))
                # the fork server has its variables; to change those of this process disturbs its threads
                is_spawned = self.context.get_start_method() == "spawn"
                with guard.named_variables() if is_spawned else contextlib.nullcontext():
                    process.start()
                self.running = process, ours
            theirs.close()
            outcomes, done = self._listen(process, ours, folder)
        finally:
            with self.lock:
                self.running = None
            if process.pid is not None:
                _tell(process, ours)
                process.join(10)
                process.kill()
                process.join()
            ours.close()
            guard.remove(folder)
        seconds = time.perf_counter() - begin
        states = [outcome.state for outcome in outcomes.values()]
        counts = [f"{states.count(s)} {s}" for s in ("ran", "raised", "skipped") if s in states]
        told = ", ".join([*counts, f"{len(done.proofs)} claims"])
        log.info("Section %-20s %5.1f s  %s", section.name, seconds, told)
        return Result(
            **vars(done),
            section=section,
            claims=self.job.claims,
            keys=self.job.keys,
            outcomes=outcomes,
            seconds=seconds,
            started=started,
        )

    def _listen(
        self, process: BaseProcess, pipe: socket.socket, folder: str
    ) -> tuple[dict[str, Outcome], Finished]:
        """Receive the messages of the process, up to the last one."""
        outcomes: dict[str, Outcome] = {}
        running: Snippet | None = None
        left = list(self.job.section.snippets)
        claims = {claim.name: claim for claim in self.job.claims}
        proving: Claim | None = None
        messages, limit = Messages(pipe), START_LIMIT
        deadline, spare = time.monotonic() + limit, self.time_limit
        try:
            while True:
                try:
                    kind, value = messages.next(min(deadline, time.monotonic() + 1))
                except TimeoutError:
                    if time.monotonic() >= deadline:
                        raise
                    size = guard.size_of(folder) + guard.shared_by(process.pid or 0)
                    if size > guard.SUM_LIMIT:
                        what = f"it has files and shared memory of more than {guard.SUM_LIMIT / 2**30:g} GiB"
                        raise self._problem(running, what, "use less") from None
                    continue
                if kind in ("cell", "end"):
                    if running is None or proving:  # cells have what is left of their time
                        limit = self.time_limit
                        deadline = time.monotonic() + spare
                    running, proving = left.pop(0) if kind == "cell" else running, None
                elif kind == "claim" and running and value in claims:
                    spare = spare if proving else deadline - time.monotonic()
                    limit, proving = self.job.claim_limit, claims[value]
                    # a fork is ended by the process that made it
                    deadline = time.monotonic() + limit + GRACE
                elif kind == "outcome" and running:
                    outcome = check_outcome(from_data(Outcome, value))
                    outcomes[running.name] = replace(outcome, name=running.name)
                elif kind == "problems" and value:
                    raise ProjectError(*from_data(tuple[Problem, ...], value))
                elif kind == "finished":
                    done: Finished = from_data(Finished, value)
                    names = [snippet.name for snippet in self.job.section.snippets]
                    ends = names.index(self.job.last) + 1 if self.job.last else None
                    proofs = {claim.name for claim in self.job.claims}
                    if list(outcomes) != names[:ends] or done.proofs.keys() != proofs:
                        raise ValueError("that it was done, before it was")
                    return outcomes, done
                else:
                    raise ValueError("what is no message")
        except TimeoutError:
            if proving:
                what = f"the test of a claim was still running after {limit:g} s"
                raise ProjectError(unanswered(proving, what)) from None
            if running:
                what = f"it was still running after {limit:g} s, the limit of a section"
                what += _said(process)
                advice = "look for a loop without end, or do less"
            else:
                what = f"no cell had begun after {limit:g} s: the imports took too long"
                advice = "build again; if it stays so, import less in proven.toml"
            raise self._problem(running, what, advice) from None
        except (EOFError, ConnectionError):
            process.join(5)
            what = f"its process died ({_death(process)})"
            if proving:
                raise ProjectError(unanswered(proving, what)) from None
            advice = "run it by itself to see why"
            if "SIGSEGV" in what:
                advice += ": calls inside of too many calls end so"
            raise self._problem(running, what, advice) from None
        except (ValueError, IndexError, Fault) as error:
            what = f"its process sent something else than a section does: {error}"
            advice = "let the section leave the engine alone"
            raise self._problem(running, what, advice) from None

    def _problem(self, running: Snippet | None, what: str, advice: str) -> ProjectError:
        line = (running or self.job.section.snippets[0]).line
        name = running.name if running else None
        return ProjectError(Problem(what, advice, (f"{self.job.section.place}:{line}",), name))


def _death(process: BaseProcess) -> str:
    code = process.exitcode
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit status {code}"


def _said(process: BaseProcess) -> str:
    """The last that a section wrote, which may tell why it does not end; on Linux."""
    texts = []
    for number in children_of(process.pid or 0):
        for descriptor in (1, 2):
            with contextlib.suppress(OSError), open(f"/proc/{number}/fd/{descriptor}", "rb") as f:
                f.seek(max(0, os.fstat(f.fileno()).st_size - 1000))
                texts.append(f.read(1000).decode(errors="replace").strip())
    text = "\n".join(filter(None, texts))
    return f"\nThe last that it wrote:\n{text}" if text else ""


def _tell(process: BaseProcess, pipe: socket.socket) -> None:
    """Let a section's process end with all that comes from it."""
    with contextlib.suppress(OSError):
        pipe.shutdown(socket.SHUT_RDWR)
    if not can_fork() and process.pid is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, AttributeError):
            process.kill()
