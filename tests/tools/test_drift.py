"""The weekly comparison with a newer torch: what it says, and the one issue that it keeps."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.projects import Project, page
from tools import drift
from tools.drift import TITLE, compare, issue, look

OLD: dict[str, Any] = {
    "torch": "2.13.0",
    "cuda": None,
    "site": None,
    "claims": {
        "breaks": {
            "place": "tests/test_t.py:7",
            "says": "One is two.",
            "marks": ["docs/zh/t.md:3", "docs/en/t.md:3"],
        }
    },
    "snippets": {"blocks.mlp": "shape (2, 10)\n", "blocks.gone": "x\n", "gpu.same": "y\n"},
    "tests": {
        "t::test_holds": None,
        "t::test_breaks": None,
        "t::test_was_broken": "old",
        "t::test_helper[1]": None,
    },
}


def test_nothing_changed() -> None:
    text = compare(OLD, {**OLD, "torch": "2.14.0"})
    assert "Everything holds" in text
    assert "###" not in text


def test_old_and_new_behaviour_stand_side_by_side() -> None:
    new = {
        **OLD,
        "torch": "2.14.0",
        "snippets": {"blocks.mlp": "shape (2, 11)\n", "gpu.same": "y\n"},
        "tests": {**OLD["tests"], "t::test_breaks": "assert 1 == 2"},
    }
    text = compare(OLD, new)
    assert "torch 2.14.0, against 2.13.0" in text
    assert "assert 1 == 2" in text
    assert "-shape (2, 10)" in text
    assert "+shape (2, 11)" in text
    assert "`blocks.gone`" in text
    assert "gpu.same" not in text
    assert "test_holds" not in text
    assert "test_was_broken" not in text
    assert "cannot be built" not in text
    assert "CUDA" not in text


def test_what_broke_is_told_with_what_to_do() -> None:
    tests = {**OLD["tests"], "t::test_breaks": "assert 1 == 2", "t::test_helper[1]": "KeyError: 1"}
    text = compare(OLD, {**OLD, "torch": "2.14.0", "tests": tests})
    assert "- `t::test_breaks` does not hold under torch 2.14.0: One is two." in text
    assert (
        "holds under both versions, at tests/test_t.py:7 and in the sentences at docs/zh/t.md:3, docs/en/t.md:3."
        in text
    )
    assert (
        "- `t::test_helper[1]` fails under torch 2.14.0; it is no claim, so mend the test" in text
    )


def test_a_site_that_cannot_be_built_is_drift_too() -> None:
    text = compare(OLD, {**OLD, "torch": "2.14.0", "site": "ERROR - a claim does not hold\n  at t"})
    assert "`mkdocs build --strict` fails under torch 2.14.0, and not under 2.13.0" in text
    assert "      ERROR - a claim does not hold\n        at t" in text
    assert "Everything holds" not in text
    assert "###" in text  # which opens the issue


def test_builds_of_another_kind_are_named() -> None:
    text = compare(OLD, {**OLD, "torch": "2.14.0", "cuda": "13.0"})
    assert "The first is built with CUDA 13.0, the second built without CUDA" in text
    assert "Everything holds" in text


@pytest.mark.parametrize(
    ("there", "body", "done"),
    [
        ([], "## torch\n\n### Statements\n", ["list", "create"]),
        ([{"number": 7, "title": TITLE}], "## torch\n\n### Statements\n", ["list", "edit 7"]),
        ([{"number": 7, "title": TITLE}], "## torch\n\nEverything holds\n", ["list", "edit 7"]),
        ([{"number": 8, "title": f"Re: {TITLE}"}], "## torch\n\nEverything holds\n", ["list"]),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="the made-up gh is a shell script")
def test_there_is_one_issue(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: list[dict[str, object]],
    body: str,
    done: list[str],
) -> None:
    log = tmp_path / "log"
    gh = tmp_path / "gh"
    gh.write_text(
        f'#!/bin/sh\necho "$2 $3" >> {log}\n'
        f"if [ $2 = list ]; then echo '{json.dumps(there)}'; else cat >> {log}.body; fi\n"
    )
    gh.chmod(gh.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "drift.release.md").write_text(body)
    issue(tmp_path)
    said = [line.split(" --")[0].strip() for line in log.read_text().splitlines()]
    assert said == done
    if len(done) > 1:
        assert Path(f"{log}.body").read_text() == body


def test_a_look_tells_what_snippets_tests_and_the_build_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = (
        'from proven.testing import shown\n\n\ndef test_sum() -> None:\n    """Sums are sums.\n\n    和就是和。\n    """\n'
        '    lines = shown("part.one").output.count("\\n")\n    assert lines + 1 == {}\n'
    )
    project = Project(tmp_path / "project", tests=test.format(2))
    for language, sentence in (("zh", "一。"), ("en", "One.")):
        project.pages[language] = page("part.one") + f"\n{sentence}`#!claim sum`\n"
    folder = project.write()
    monkeypatch.setattr(drift, "PROJECT", folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    looks = []
    for number in (2, 3):
        (folder / "tests" / "test_part.py").write_text(test.format(number), encoding="utf-8")
        look(tmp_path / "look.json")
        looks.append(json.loads((tmp_path / "look.json").read_text("utf-8")))
    holds, broken = looks
    assert holds["torch"]
    assert holds["snippets"] == broken["snippets"] == {"part.one": "hello\n"}
    assert (holds["tests"], holds["site"]) == ({"tests.test_part::test_sum": None}, None)
    assert "assert (1 + 1) == 3" in broken["tests"]["tests.test_part::test_sum"]
    assert "a claim does not hold: Sums are sums." in broken["site"]
    text = compare(holds, broken)
    assert (
        "tests/test_part.py:4 and in the sentences at docs/zh/index.md:7, docs/en/index.md:7."
        in text
    )
