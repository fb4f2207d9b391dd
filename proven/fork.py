"""Runs a function in a fork of this process: it sees the whole state of this process, and cannot change it."""

import contextlib
import ctypes
import os
import pickle
import signal
import sys
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Fork(Generic[Answer]):
    """A process that runs a function, and ends at the latest with this one. Linux only.

    Args:
        function: What it runs; what this returns is pickled.
    """

    def __init__(self, function: Callable[[], Answer]) -> None:
        parent = os.getpid()
        reading, writing = os.pipe()
        self._process: int | None = os.fork()
        if not self._process:
            try:
                os.close(reading)
                # PR_SET_PDEATHSIG: the kernel kills this process when its parent ends
                ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
                if os.getppid() == parent:
                    with os.fdopen(writing, "wb") as pipe:
                        pickle.dump(function(), pipe)
            finally:
                os._exit(0)
        os.close(writing)
        self._pipe = os.fdopen(reading, "rb")

    def answer(self) -> Answer | None:
        """Wait for the end of the process."""
        with self._pipe as pipe:
            answer = pipe.read()
        self._wait()
        return pickle.loads(answer) if answer else None

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


def can_fork() -> bool:
    """Whether a process can be forked safely: elsewhere than on Linux, libraries forbid it."""
    return sys.platform == "linux"
