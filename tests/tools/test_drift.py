"""The weekly comparison with a newer torch: what it says, and the one issue that it keeps."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.drift import TITLE, compare, issue

OLD: dict[str, Any] = {
    "torch": "2.13.0",
    "snippets": {"blocks.mlp": "shape (2, 10)\n", "blocks.gone": "x\n", "gpu.same": "y\n"},
    "tests": {"t::holds": None, "t::breaks": None, "t::was_broken": "old"},
}


def test_nothing_changed() -> None:
    text = compare(OLD, {**OLD, "torch": "2.14.0"})
    assert "Everything holds" in text
    assert "###" not in text


def test_old_and_new_behaviour_stand_side_by_side() -> None:
    new = {
        "torch": "2.14.0",
        "snippets": {"blocks.mlp": "shape (2, 11)\n", "gpu.same": "y\n"},
        "tests": {"t::holds": None, "t::breaks": "assert 1 == 2", "t::was_broken": "old"},
    }
    text = compare(OLD, new)
    assert "torch 2.14.0, against 2.13.0" in text
    assert "`t::breaks`" in text
    assert "assert 1 == 2" in text
    assert "-shape (2, 10)" in text
    assert "+shape (2, 11)" in text
    assert "`blocks.gone`" in text
    assert "gpu.same" not in text
    assert "t::holds" not in text
    assert "t::was_broken" not in text


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
