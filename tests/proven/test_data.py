"""What comes from elsewhere is data of the types that are declared, within limits of size and time."""

import os
import socket
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from proven.cells import Fault, Outcome, Raised, check_outcome
from proven.data import MESSAGE_LIMIT, Messages, from_data, send
from proven.problems import Problem
from proven.worker import Finished, Machine
from tests.helpers.projects import Project, refused, run_part

OUTCOME = Outcome("part.one", "raised", "a\n", (Raised("E: \ud800", 1, 2),), ("<svg/>",), 0.5)
MACHINE = Machine({"torch": "2"}, "3.13", "Linux", ("GPU",))
FINISHED = Finished(MACHINE, {"a": "proven"}, {"a": (("x", 2),)}, ((Path("m.py"), "0"),), {})


@pytest.mark.parametrize("value", [OUTCOME, FINISHED, Problem("what", "do", ("a:1",))])
def test_what_is_sent_arrives(value: Any) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(theirs, "it", value)
        send(theirs, "cell", "part.two")
        messages = Messages(ours)
        kind, data = messages.next(time.monotonic() + 5)
        assert (kind, from_data(type(value), data)) == ("it", value)
        assert messages.next(time.monotonic() + 5) == ("cell", "part.two")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seconds": "1"}, "it.seconds cannot be"),
        ({"seconds": float("nan")}, "it.seconds cannot be"),
        ({"seconds": True}, "it.seconds cannot be true"),
        ({"state": "shown"}, "it.state cannot be"),
        ({"state": ["ran"]}, "it.state cannot be"),
        ({"output": None}, "it.output cannot be null"),
        ({"figures": "abc"}, "it.figures cannot be"),
        ({"errors": [{"text": "E", "line": 1.5, "after": 0}]}, r"it.errors\[0\].line cannot be"),
        ({"errors": [{"text": "E", "line": 1}]}, r"it.errors\[0\] lacks a field"),
        ({"more": 1}, "one too many: .*more"),
    ],
)
def test_data_of_another_type_are_refused_with_their_place(
    change: dict[str, Any], what: str
) -> None:
    with pytest.raises(ValueError, match=what):
        from_data(Outcome, {**asdict(OUTCOME), "errors": [], "figures": [], **change})


@pytest.mark.parametrize("sent", [b"", b"{", b'{"cell": "part.one"}', b"x" * 1000])
def test_half_a_message_is_waited_for_until_the_deadline(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            Messages(ours).next(begin + 0.2)
        assert time.monotonic() - begin < 2


@pytest.mark.parametrize("sent", [b"\n", b"{}\n", b"[1]\n", b'{"a": 1, "b": 2}\n', b"\xff\n"])
def test_what_is_no_message_is_refused(sent: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)
        with pytest.raises(ValueError, match=r"."):
            Messages(ours).next(time.monotonic() + 5)


def test_a_message_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MESSAGE_LIMIT > 10_000_000  # enough for the figures of a cell
    monkeypatch.setattr("proven.data.MESSAGE_LIMIT", 1000)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"x" * 5000)
        with pytest.raises(ValueError, match="more than 1,000 bytes"):
            Messages(ours).next(time.monotonic() + 5)


def by(**values: Any) -> Outcome:
    return Outcome(**{"name": "part.one", "state": "ran", **values})


PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><text>{}</text></svg>'


@pytest.mark.parametrize(
    ("outcome", "what"),
    [
        (by(output="x" * 100_001), "more than a page shows"),
        (by(output="at 0x7f0011223344"), "a memory address"),
        (by(output="\x1b[2J"), "control characters"),
        (by(state="raised", errors=(Raised("E: \u202e", 1, 0),)), "control characters"),
        (by(state="raised"), "of no such run"),
        (by(errors=(Raised("E", 1, 0),)), "of no such run"),
        (by(state="skipped", output="x"), "of no such run"),
        (by(state="raised", errors=(Raised("E", 0, 0),)), "of no such run"),
        (by(state="raised", errors=(Raised("E", 1, 9),)), "of no such run"),
        (by(figures=("<svg onload='x'/>",)), "its figure holds"),
        (by(figures=("x" * 2_000_001,)), "more than 2,000,000 characters"),
        (
            by(figures=(PICTURE.format("&lt;object at 0x7f0011223344&gt;"),)),
            "its figure .* address",
        ),
        (by(figures=(PICTURE.format("a &#x202e; b"),)), "its figure contains control characters"),
    ],
)
def test_an_outcome_is_held_to_the_rules_of_pages_whoever_says_so(
    outcome: Outcome, what: str
) -> None:
    with pytest.raises(Fault, match=what):
        check_outcome(outcome)


# what gets at the engine's own socket
PIPE = """# %% one
import gc, socket
pipe = [s for s in gc.get_objects() if type(s) is socket.socket and s.fileno() > 2][-1]
pipe.sendall({sent!r})
{then}
"""
LONG = b'{"outcome": {'


@pytest.mark.parametrize(
    ("sent", "then", "what"),
    [
        (LONG, "while True: pass", "still running after 4 s"),
        (b"\x80\x04cos\nsystem\n.\n", "", "sent something else than a section does"),
        (b'{"finished": {}}\n', "", "sent something else than a section does"),
        (b'{"problems": []}\n', "", "sent something else than a section does"),
        (b'{"problems": [7]}\n', "", "sent something else than a section does"),
        (b'{"cell": "part.none"}\n', "", "sent something else than a section does"),
        (
            b'{"outcome": {"name": "x", "state": "ran", "figures": ["<svg><script/></svg>"]}}\n',
            "",
            "sent something else than a section does: its figure holds no SVG",
        ),
    ],
)
def test_what_a_cell_sends_in_the_name_of_the_engine_is_data(
    project: Project, sent: bytes, then: str, what: str
) -> None:
    assert what in refused(project, PIPE.format(sent=sent, then=then), time_limit=4)


def test_pickles_are_read_from_no_section(tmp_path: Path) -> None:
    """Only a fork of the engine or of a section itself hands over its answer so."""
    engine = Path(from_data.__code__.co_filename).parent
    reading = {p.name for p in engine.glob("*.py") if "pickle.load" in p.read_text("utf-8")}
    assert reading == {"fork.py"}


def test_a_section_sees_named_variables_only(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET", "secret")
    script = (
        "# %% one\nimport os\nprint(sorted(v for v in os.environ if v.endswith(('TOKEN', 'SECRET'))))"
        "\nprint('HOME' in os.environ, 'PATH' in os.environ)\n"
        "import subprocess, sys\ncode = \"import os; print('GITHUB_TOKEN' in os.environ)\"\n"
        "print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout)\n"
    )
    for method in ("forkserver", "spawn"):
        done = run_part(project, script, start_method=method)
        assert done.outcomes["part.one"].output == "[]\nTrue True\nFalse\n\n"
    assert os.environ["GITHUB_TOKEN"] == os.environ["AWS_SECRET"] == "secret"
