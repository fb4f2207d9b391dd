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
        "with pytest.raises(AssertionError):\n    sums_to(torch.ones(3), 4)\nassert len(TABLE) == 1",
        "state = {}\nexec('x = 1', state)\nassert state['x'] == 1",
        "with mock.patch.object(torch, 'add') as add:\n    torch.add(1, 2)\nadd.assert_called_once()",
        "x = torch.tensor(float('nan'))\nassert not torch.equal(x, x)",
        "with pytest.raises((TypeError, RuntimeError)):\n    torch.ones(2) @ torch.ones(3)",
        "with pytest.raises(NameError, match='lost'):\n    exec('lost')",
        "import unittest\nunittest.TestCase().assertEqual(torch.ones(1).item(), 1)",
        "assert all(x == 1 for x in torch.ones(2))",
        "assert all([])\nassert all(torch.ones(1))",
        "all = torch.all\nassert all(torch.ones(0))",
        "assert any(torch.ones(1)) and not any(torch.zeros(1))",
        "assert all([]) or True\nassert torch.ones(1) == 1",
        "with pytest.raises(RuntimeError):\n    assert all(torch.ones(2) @ torch.ones(3) for n in [0])\n"
        "assert torch.ones(1) == 1",
        "def assert_close(a, b):\n    torch.testing.assert_close(a, b)\nassert_close(torch.ones(1), torch.ones(1))",
        "import dataclasses\nframe = dataclasses.make_dataclass('F', ['x'], frozen=True)(torch.ones(1))\n"
        "with pytest.raises(dataclasses.FrozenInstanceError):\n    frame.x = 1",
        "add = mock.Mock()\nadd(torch.ones(1), 3)\nassert add.call_args == mock.call(mock.ANY, 3), torch",
        "assert len(torch.ones(3)) >= 1",
        "assert 0 < len(torch.ones(3)) and len(torch.ones(3)) != 0",
        "x = torch.ones(3)\nassert len(x) - 3 >= 0 and len(x) == LIMIT",
        "x = torch.ones(2)\nassert (x[0] == 1) == (x[1] == 1)",
        "x = torch.ones(2)\nassert x[0] == x[1] and x[0] is not x[1]",
        "x = torch.ones(2)\nassert x[0] == 1 or x[1] == 2 or x.sum() == 3 or len(x) == 4",
        "x = torch.ones(1)\nassert x.grad is None if x.is_leaf else x.grad is not None",
        "assert torch.rand(1) == torch.rand(1) or torch.ones(1) == 1",
        "with pytest.raises(AttributeError, match='no_such_name'):\n    torch.no_such_name",
        "with pytest.raises(AttributeError, match=\"no attribute 'no_weight'\"):\n    torch.nn.Linear(1, 1).no_weight",
        "with pytest.raises(AttributeError, match='before Module'):\n"
        "    torch.nn.Module.__new__(torch.nn.Module).x = torch.nn.Module()",
        "class Its:\n    def sums(self, x, total):\n        assert x.sum() == total\n"
        "Its().sums(torch.ones(3), total=3)",
        "def assert_sum(x):\n    assert x.sum() == 3\nassert_sum(x=torch.ones(3))",
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
        "assert 0 <= len(torch.ones(3))",
        "from unittest.mock import ANY\nassert torch.ones(1) == ANY",
        "assert not any(x == 2 for x in torch.ones(0))",
        "assert all(all(row == 1) for row in torch.ones(0, 2))",
        "assert len(list(torch.ones(3))) >= 0",
        "assert len(torch.ones(3)) > -1 and len('x') >= 0",
        "assert torch.ones(1) == mock.ANY",
        "assert [mock.ANY] == [torch.ones(1)]",
        "assert torch.nn.Linear(1, 1)",
        "assert f'{torch.ones(1).item()}'",
        "x = torch.ones(1)\nassert [y == 9 for y in x]",
        "x = torch.ones(1)\nassert {y: y == 9 for y in x}",
        "x = torch.ones(1)\nassert dict(x=x)",
        "x = torch.ones(1)\nassert bool([x == 9])",
        "never = (torch.ones(1) == 9, 'never')\nassert never",
        "x = torch.ones(1).tolist()\nassert x.__eq__",
        "x = torch.ones(1).tolist()\nassert type(x).__eq__",
        "made = mock.MagicMock()\nmade(torch.ones(1))\nassert made.good",
        "x = torch.ones(1)\nassert x or not x",
        "x = torch.ones(1)\nassert x == 9 or x != 9",
        "x = torch.ones(1)\nassert x == 9 or x < 9 or x > 9",
        "x = torch.ones(1)\nassert True if x else True",
        "x = torch.ones(1)\nassert x is x is x",
        "x = torch.ones(1)\nassert not x is not x",
        "x = torch.ones(1)\nassert len(x) == len(x)",
        "x = torch.ones(1)\nassert type(x) == type(x)",
        "x = torch.ones(1)\nassert len(x) is not None",
        "x = torch.ones(1)\nassert (y := x == 9) is not None",
        "x = torch.ones(1)\nassert any([True, x == 9])",
        "assert '' in shown('part.one').output",
        "with pytest.raises(AttributeError):\n    torch.nn.Linear(1, 1).no_weight",
        "with pytest.raises(AttributeError, match='.'):\n    torch.nn.Linear(1, 1).no_weight",
        "with pytest.raises(Exception, match='is not defined'):\n    torch.add(lost)",
        "with pytest.raises(UnboundLocalError):\n    torch.add(lost)\n    lost = 1",
        "pytest.raises(AttributeError, getattr, torch, 'no_such_name')",
        "def assert_nothing(x):\n    return None\nassert_nothing(torch.ones(1))",
        "class Its:\n    def assert_nothing(self, x):\n        pass\nIts().assert_nothing(torch.ones(1))",
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
        (
            "seen = []\nfor i, n in enumerate(over(range(9), 'n')):\n    seen.append(torch.ones(1) * n)\nassert len(seen) == 9",
            9,
        ),
        ("n = list(over(range(9), 'n'))\nassert shown('part.one').x", 0),
        ("n = list(over(range(9), 'n'))\nassert torch.ones(9)[n[0]] == 1", 0),
        ("assert torch.ones(9)[sorted(over(range(9), 'n'))[0]] == 1", 0),
        ("assert torch.ones(9)[[*over(range(9), 'n')][0]] == 1", 0),
        ("for n in sorted(over(range(9), 'n')):\n    if n < 3: assert torch.ones(9)[n] == 1", 0),
        ("for n in over(range(9), 'n'):\n    pass\nassert torch.ones(9)[n] == 1", 0),
        (
            "ones = []\nfor n in over(range(9), 'n'):\n    ones.append(torch.ones(n))\nassert len(ones) == 9",
            9,
        ),
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
