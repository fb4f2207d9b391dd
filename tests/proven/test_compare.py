"""What `make compare` counts: it must not disturb the builds that it watches."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compare import WATCH
from tests.engine.projects import Project
from tests.engine.test_claims import HEAD, THREE, marked


@pytest.mark.skipif(sys.platform != "linux", reason="make compare runs on Linux only")
def test_a_build_may_fork_while_its_processes_are_counted(project: Project, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    project.tests = HEAD + THREE
    log = tmp_path / "starts.log"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build"],
        cwd=marked(project, "three_numbers"),
        env={
            **os.environ,
            "COMPARE_LOG": str(log),
            "PYTHONPATH": os.pathsep.join([str(tmp_path), str(project.folder)]),
        },
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    assert {"start", "fork"} == set(log.read_text().split())
