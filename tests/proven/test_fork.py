"""A fork beside this process, which answers, dies or is ended."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from proven.fork import Fork, children_of, end_orderly
from tests.helpers.projects import PROJECT

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")


def test_a_fork_answers_with_what_the_function_returns_and_changes_nothing_here() -> None:
    numbers = [1, 2]

    def function() -> tuple[int, list[int]]:
        numbers.append(3)
        return os.getpid(), numbers

    answer = Fork(function).answer()
    assert answer
    assert answer[0] != os.getpid()
    assert answer[1] == [1, 2, 3]
    assert numbers == [1, 2]


@pytest.mark.parametrize("status", [0, 3])
def test_a_fork_that_dies_has_no_answer(status: int) -> None:
    def function() -> str:
        os._exit(status)

    assert Fork(function).answer() is None


def test_a_fork_can_be_ended_and_ended_again() -> None:
    begin, before = time.monotonic(), _children()
    fork = Fork(lambda: time.sleep(60))
    fork.end()
    fork.end()
    assert time.monotonic() - begin < 30
    assert before == _children()


def _children() -> str:
    """The children of this process: other tests may have started a fork server."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return file.read()


def test_a_fork_ends_with_the_process_that_made_it() -> None:
    code = """
import time
from proven.fork import Fork, end_orderly

def child():
    import os
    print(os.getpid(), flush=True)
    time.sleep(60)

Fork(child)
time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 20
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(child)


def _runs(process: int) -> bool:
    """Whether a process runs: one that has ended may wait to be asked how."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_handler_of_signals_waits_for_no_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may interrupt the very code that holds the lock, which then is never released."""
    called: list[str] = []
    monkeypatch.setattr("proven.fork.told_to_end", [])
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        for number in before:
            signal.signal(number, signal.SIG_DFL)
        end_orderly()
        handler = signal.getsignal(signal.SIGTERM)
        assert callable(handler)
        sys.setprofile(lambda frame, event, what: called.append(f"{event} {what}"))
        try:
            with pytest.raises(SystemExit) as exit:
                handler(signal.SIGTERM, None)
        finally:
            sys.setprofile(None)
    finally:
        for number, old in before.items():
            signal.signal(number, old)
    assert exit.value.code == 128 + signal.SIGTERM
    assert any("exit" in name for name in called)
    assert [name for name in called if "lock" in name.lower() or "acquire" in name] == []


def test_children_are_found_while_threads_end_and_none_of_a_process_that_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    ends = threading.Event()

    def short() -> None:
        while not ends.is_set():
            threads = [threading.Thread(target=time.sleep, args=(0.0001,)) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    thread = threading.Thread(target=short)
    thread.start()
    try:
        assert all(child.pid in children_of("self") for _ in range(300))
    finally:
        ends.set()
        thread.join()
        child.communicate(b"\n")
    assert children_of(child.pid) == []
