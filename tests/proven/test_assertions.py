"""A claim proves something only if an assertion ran that could fail, about the section or a library."""

import subprocess
import sys
import types
from typing import Any

import pytest

from proven import testing
from proven.assertions import LEDGER, Ledger, compile_tests
from tests.helpers.projects import PROJECT

HEAD = """import contextlib, math, random, time
from unittest import mock
import pytest
import torch
from proven.testing import after, over, shown

LIMIT = 3
TABLE = {"one": torch.ones(1)}


def sums_to(x, total):
    assert x.sum() == total


def grows(x):
    return x + torch.ones(1)


def test_it():
"""


def ran(body: str, ledger: Ledger | None = None) -> Ledger:
    """Run a test with this body; return what its assertions did."""
    text = HEAD + "".join(f"    {line}\n" for line in body.split("\n"))
    module: Any = types.ModuleType("tests.test_made_up")
    exec(compile_tests(text, "tests/test_made_up.py"), vars(module))
    module.after = module.shown = lambda name: types.SimpleNamespace(x=1, output="1\n")
    ledger = ledger or Ledger()
    setattr(module, LEDGER, ledger)
    module.test_it()
    return ledger


@pytest.mark.parametrize(
    "body",
    [
        'assert after("part.one").x == 1',
        'state = after("part.one")\nassert state.x == 1',
        'assert "1" in shown("part.one").output',
        "assert torch.ones(2).sum() == 2",
        'assert TABLE["one"] == 1',
        "x = torch.ones(1)\nx = x + 1\nassert x == 2",
        "assert grows(1) == 2",
        "for x in over([torch.ones(1)], 'x | x'):\n    assert x == 1",
        "with torch.no_grad() as nothing:\n    assert nothing is None",
        "try:\n    torch.ones(2) @ torch.ones(3)\nexcept RuntimeError as error:\n    told = str(error)\nassert 'size' in told",
        "count = 0\nfor p in torch.nn.Linear(1, 1).parameters():\n    count += 1\nassert count == 2",
        "found = False\nif torch.ones(1):\n    found = True\nassert found",
        "match torch.ones(2).tolist():\n    case [first, *rest]:\n        pass\nassert first == 1\nassert rest == [1]",
        "count = 0\ndef note(*_):\n    nonlocal count\n    count += 1\n"
        "net = torch.nn.ReLU()\nnet.register_forward_hook(note)\nnet(torch.ones(1))\nassert count == 1",
        "with contextlib.suppress(RuntimeError):\n    done = torch.ones(1)\nassert done == 1",
        "assert [int(x) for x in torch.ones(2)] == [1, 1]",
        "assert (x := torch.ones(1)) == 1 and x > 0",
        "seen = []\ntorch.ones(1, requires_grad=True).register_hook(seen.append)\nassert seen == []",
        "def hook(x):\n    seen.append(x)\nseen = []\nx = torch.ones(1, requires_grad=True)\n"
        "x.register_hook(hook)\nx.backward()\nassert len(seen) == 1",
        "with pytest.raises(RuntimeError):\n    torch.ones(2) @ torch.ones(3)",
        "with pytest.raises(Exception, match='1D tensors'):\n    torch.ones(1, 1).dot(torch.ones(1))",
        "pytest.raises(RuntimeError, torch.dot, torch.ones(2), torch.ones(3))",
        "torch.testing.assert_close(torch.ones(1), torch.ones(1))",
        "sums_to(torch.ones(3), 3)",
        "x = torch.tensor(float('nan'))\nassert x != x",
        "with pytest.raises(AssertionError):\n    sums_to(torch.ones(3), 4)\nassert TABLE",
        "state = {}\nexec('x = 1', state)\nassert state['x'] == 1",
        "with mock.patch.object(torch, 'add') as add:\n    torch.add(1, 2)\nadd.assert_called_once()",
        "assert torch.nn.Linear(1, 1)",
        "x = torch.tensor(float('nan'))\nassert not torch.equal(x, x)",
        "assert f'{torch.ones(1).item()}'",
        "with pytest.raises((TypeError, RuntimeError)):\n    torch.ones(2) @ torch.ones(3)",
        "with pytest.raises(NameError, match='lost'):\n    exec('lost')",
        "import unittest\nunittest.TestCase().assertEqual(torch.ones(1).item(), 1)",
        "assert all(x == 1 for x in torch.ones(2))",
        "assert all([])\nassert all(torch.ones(1))",
        "all = torch.all\nassert all(torch.ones(0))",
        "assert any(torch.ones(1)) and not any(torch.zeros(1))",
        "assert len(torch.ones(3)) >= 1",
        "assert 0 < len(torch.ones(3)) and len(torch.ones(3)) != 0",
    ],
)
def test_an_assertion_about_the_section_or_a_library_counts(body: str) -> None:
    ledger = ran(body)
    assert ledger.counted
    assert not ledger.failed


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "assert True",
        "assert not False",
        "assert 1 + 1 == 2",
        "assert 'text'",
        "assert (torch.ones(1) == 2, 'never')",
        "assert [torch.zeros(1)]",
        "x = torch.ones(1)\nassert x == x",
        "x = torch.ones(1)\nassert x.dtype is x.dtype",
        "assert torch is torch",
        "x = torch.zeros(1)\nassert x == 1 or True",
        "assert lambda: torch.zeros(1)",
        "assert torch",
        "assert torch.nn.Linear",
        "assert torch.add",
        "assert grows",
        "assert (x for x in torch.zeros(1))",
        "return\nassert torch.ones(1) == 1",
        "if LIMIT > 3:\n    assert torch.ones(1) == 1",
        "for x in torch.ones(0):\n    assert x == 1",
        "def never():\n    assert torch.ones(1) == 1",
        "x = 1\ntorch.ones(x)\nassert x == 1",
        "assert LIMIT == 3",
        "assert random.random() < 2",
        "assert time.time() > 0",
        "for seed in over(range(3), 'seeds | 种子'):\n    random.seed(seed)\n    assert random.random() < 2",
        "assert math.sqrt(4) == 2",
        "names = []\nnames.append('x')\nassert names == ['x']",
        "def assert_nothing():\n    pass\nassert_nothing()",
        "with pytest.raises(ValueError):\n    raise ValueError",
        "with pytest.raises(Exception):\n    torch.no_such_name",
        "with pytest.raises(BaseException, match=''):\n    torch.no_such_name",
        "with pytest.raises((ValueError, Exception)):\n    torch.no_such_name",
        "with pytest.raises(expected_exception=Exception):\n    torch.no_such_name",
        "with pytest.raises(Exception, match='.*'):\n    torch.no_such_name",
        "with pytest.raises(NameError):\n    torch.add(lost)",
        "assert torch.ones(1).numpy().any",
        "assert torch.nn.Linear(1, 1).forward",
        "import functools\nassert functools.partial(torch.zeros, 1)",
        "assert map(torch.zeros, [1])",
        "assert filter(None, torch.zeros(1))",
        "zeros = (x for x in torch.zeros(1))\nassert zeros",
        "assert f'{torch.ones(1)} is five'",
        "x = torch.ones(1)\ntorch.testing.assert_close(x, x)",
        "def assert_same(a, b):\n    return torch.equal(a, b)\nassert_same(torch.zeros(2), torch.ones(2))",
        "with pytest.raises(AttributeError):\n    torch.no_such_name",
        "state = torch.nn.Linear(1, 1)\nassert torch.equal(state.weight, state.weight)",
        "with contextlib.suppress(AttributeError):\n    shown('part.one').no_such.thing\n    assert shown('x')",
        "assert all(x == 1 for x in torch.ones(0))",
        "assert all([]) and torch.ones(1)",
        "assert not any(x == 2 for x in torch.ones(0))",
        "assert all(all(row == 1) for row in torch.ones(0, 2))",
        "assert len(list(torch.ones(3))) >= 0",
        "assert len(torch.ones(3)) > -1 and len('x') >= 0",
        "assert torch.ones(1) == mock.ANY",
        "assert [mock.ANY] == [torch.ones(1)]",
    ],
)
def test_what_cannot_fail_or_looks_at_nothing_does_not_count(body: str) -> None:
    assert not ran(body).counted


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("try:\n    assert torch.ones(1) == 2\nexcept AssertionError:\n    pass", 2),
        ("with contextlib.suppress(AssertionError):\n    assert torch.ones(1) == 2", 2),
        ("try:\n    sums_to(torch.ones(1), 2)\nexcept Exception:\n    pass", -10),
        (
            "try:\n    torch.testing.assert_close(torch.ones(1), torch.zeros(1))\nexcept Exception: pass",
            2,
        ),
        (
            "try:\n    with pytest.raises(TypeError):\n        pass\nexcept BaseException:\n    pass",
            2,
        ),
        (
            "try:\n    with pytest.raises(TypeError):\n        1 / 0\nexcept BaseException:\n    pass",
            2,
        ),
        ("try:\n    assert torch.ones(1) == 2\nfinally:\n    return", 2),
        (
            "import unittest\ntry:\n    unittest.TestCase().assertTrue(torch.zeros(1))\nexcept Exception: pass",
            3,
        ),
    ],
)
def test_a_failure_that_is_caught_is_noted_with_its_line(body: str, line: int) -> None:
    ledger = ran(body + "\nassert torch.ones(1) == 1")
    first = HEAD.count("\n")
    at = HEAD[: HEAD.index("assert x.sum()")].count("\n") + 1 if line < 0 else first + line
    assert ledger.failed[0] == at


@pytest.mark.parametrize(
    ("body", "tried"),
    [
        ("for n in over(range(9), 'n'):\n    assert torch.ones(1) == 1", 9),
        ("for n in over(range(9), 'n'):\n    sums_to(torch.ones(1), 1)", 9),
        (
            "for n in over(range(9), 'n'):\n    with pytest.raises(TypeError):\n        torch.ones('x')",
            9,
        ),
        (
            "for n in over(range(9), 'n'):\n    assert torch.ones(1) == 1\n    if n == 3:\n        break",
            4,
        ),
        ("for n in over(range(9), 'n'):\n    if n == 0:\n        assert torch.ones(1) == 1", 1),
        ("for n in over(range(9), 'n'):\n    if n == 0:\n        assert torch.ones(1) == n + 1", 1),
        ("ones = 0\nfor n in over(range(9), 'n'):\n    ones += torch.ones(1)\nassert ones == 9", 9),
        ("ones = [torch.ones(1) for n in over(range(9), 'n')]\nassert len(ones) == 9", 9),
        ("assert all(torch.ones(1) == 1 for n in over(range(9), 'n'))", 9),
        ("for n in over(range(9), 'n'):\n    assert all(torch.ones(n))", 8),
        ("n = list(over(range(9), 'n'))\nassert shown('part.one').x", 0),
        ("for n in over(range(9), 'n'):\n    torch.ones(1)\nassert shown('part.one').x", 0),
    ],
)
def test_a_case_counts_once_an_assertion_looked_at_it(
    monkeypatch: pytest.MonkeyPatch, body: str, tried: int
) -> None:
    monkeypatch.setattr(testing, "ledger", Ledger())
    ran(body, testing.ledger)
    assert len(testing.ledger.tried["n"]) == tried


def test_an_error_keeps_its_line_and_its_words() -> None:
    with pytest.raises(AssertionError, match="why not") as caught:
        ran("\n\nassert torch.ones(1) == 2, 'why not'")
    assert caught.traceback[-1].lineno == HEAD.count("\n") + 2  # counted from 0


def test_assertions_are_compiled_whatever_python_was_started_with() -> None:
    code = (
        "from proven import assertions\n"
        f"space = {{{LEDGER!r}: assertions.Ledger()}}\n"
        "exec(assertions.compile_tests('def f():\\n    assert not f', 'x.py'), space)\n"
        "space['f']()"
    )
    done = subprocess.run(
        [sys.executable, "-O", "-c", code], cwd=PROJECT, text=True, capture_output=True
    )
    assert done.stderr.endswith("AssertionError\n"), done.stderr
