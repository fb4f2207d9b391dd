"""Runs a function in a fork of this process: it sees the whole state of this process, and cannot change it."""

import contextlib
import ctypes
import os
import pickle
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Fork(Generic[Answer]):
    """A process that runs a function, pickles its answer, and ends at the latest with this one."""

    def __init__(self, function: Callable[[], Answer]) -> None:
        parent = os.getpid()
        reading, writing = os.pipe()
        self._process: int | None = os.fork()
        if not self._process:
            try:
                os.close(reading)
                end_with(parent)
                if torch := sys.modules.get("torch"):
                    torch.set_num_threads(1)  # a fork has none of the threads of its parent
                with os.fdopen(writing, "wb") as pipe:
                    pickle.dump(function(), pipe)
            finally:
                os._exit(0)
        os.close(writing)
        self._pipe = os.fdopen(reading, "rb")

    def answer(self, limit: float | None = None) -> Answer | None:
        """Wait for what the function returns; None where the process died before.

        Where it takes more seconds than the limit, the process is ended, and a TimeoutError raised.
        """
        if not select.select([self._pipe], [], [], limit)[0]:
            self.end()
            raise TimeoutError
        with self._pipe as pipe:
            try:  # up to the end of the answer: what the function has started may keep the pipe open
                answer: Answer = pickle.load(pipe)
            except EOFError:
                return None
            finally:
                self._wait()
        return answer

    def end(self) -> None:
        """End the process, if it still runs."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            self._wait()
            self._pipe.close()

    def _wait(self) -> None:
        if self._process:
            os.waitpid(self._process, 0)
            self._process = None


def silence(*descriptors: int) -> None:
    """Lead what this process writes to nothing: to these descriptors, or to both, output and errors."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors or (1, 2):
        os.dup2(nothing, descriptor)


def have_streams() -> None:
    """Let what this process writes go nowhere where its streams are closed: else a file takes their places."""
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(number, True)
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))


def end_with(parent: int) -> None:
    """Let the kernel kill this process when its parent ends; Linux only."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


def children_of(process: int | str) -> list[int]:
    """The children of a process, of all its threads; of those that end meanwhile none. Linux only."""
    found = list[int]()
    with contextlib.suppress(OSError):  # the process has ended
        for thread in os.listdir(f"/proc/{process}/task"):
            with contextlib.suppress(OSError):  # the thread has
                text = Path(f"/proc/{process}/task/{thread}/children").read_text()
                found += map(int, text.split())
    return found


def adopt_orphans() -> None:
    """Let what the children of this process leave behind become its children; Linux only."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def end_descendants(grace: float = 0.3, limit: float = 5.0) -> None:
    """End whatever comes from this process, which adopts orphans: also what has a session of its own.

    For some seconds of grace each may end by itself, such as the one that removes shared memory.
    """
    begin = time.monotonic()
    while time.monotonic() < begin + limit:
        try:
            process, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not process and time.monotonic() > begin + grace:
            for number in children_of("self"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
        if not process:
            time.sleep(0.005)


def end_orderly() -> None:
    """Let this process end as after Ctrl-C, with all that it has begun, when it is told to end otherwise."""
    for name in ("SIGTERM", "SIGHUP", "SIGQUIT"):
        number = getattr(signal, name, None)  # Windows has not all of them
        if number and signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, _end)


# The signals that told this process to end: a library may lose the exit that a handler raises, so that what
# waits looks here, too. No Event: its lock may be held by the very code that the signal interrupts.
told_to_end: list[int] = []


def _end(number: int, frame: object) -> None:
    told_to_end.append(number)
    sys.exit(128 + number)


def can_fork() -> bool:
    """Whether a process can be forked safely: elsewhere than on Linux, libraries forbid it."""
    return sys.platform == "linux"
