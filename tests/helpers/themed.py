"""A small site in the real theme, which knows its address and its repository."""

import os
import re
import shutil
from pathlib import Path
from unittest import mock

from proven.cells import Outcome
from proven.records import Record, folder_of, write_record
from proven.scripts import read_sections
from proven.worker import Machine
from tests.helpers.projects import CUDA, PROJECT, Project, mkdocs

ADDRESS = "https://somebody.github.io/notes/"
PAGES = ["", "claims/", "notebooks/"]
TESTS = '''import pytest

from proven.testing import shown


def test_it_prints_hello() -> None:
    """The cell prints `hello`, and not <b>hello</b>.

    这段代码打印 `hello`，而不是 <b>hello</b>。
    """
    assert shown("part.one").output == "hello\\n"


@pytest.mark.gpu(8)
def test_eight_devices_agree() -> None:
    """All devices agree.

    所有设备一致。
    """
'''
PAGE = """---
title: A small page
---

# Title {#title}

```snippet
part.one
```

```snippet
part.two
```

```snippet
part.three
```

```snippet
part.four
```

A sentence long enough to need a second line on a phone, and then a third one, is proven by its
test.`#!claim it_prints_hello` Another one is not.`#!claim eight_devices_agree`

## Second heading {#second}

A paragraph after it.
"""
NOTEBOOKS = "# Notebooks {#notebooks}\n\n```downloads\n```\n"


def build_themed(folder: Path) -> str:
    """Build the site, with a skipped snippet, two marks and two recorded outputs, in the folder `site` of a folder.

    Args:
        folder: The folder of the project.

    Returns:
        What went wrong, or nothing.
    """
    script = (
        '# %% one\nprint("hello")\n# %% two needs="cuda:8"\nprint(8)\n'
        '# %% three\nprint("cpu")\n# %% four\nprint("one\\ntwo")\n'
    )
    texts = dict.fromkeys(("zh", "en"), PAGE)
    project = Project(folder, script, texts, TESTS, settings={"devices": CUDA})
    settings = project.read_settings()
    recorded = {
        "part.one": "hello\n",
        "part.three": "cuda:0\n",
        "part.four": "cuda:0\ntwo\nthree\n",
    }
    write_record(
        folder_of(settings),
        Record(
            "part",
            {"snippets/part.py": read_sections(settings)[0]["part"].sha256},
            Machine({"torch": "2.0"}, "3.13.0", "Linux x86_64", ("Made-up GPU",)),
            "2026-11-23",
            "0123456789",
            {name: Outcome(name, "ran", output) for name, output in recorded.items()},
            {},
        ),
    )
    for language in ("zh", "en"):
        project.file(f"docs/{language}/notebooks.md", NOTEBOOKS)
    for table in ("questions", "search"):
        project.file(f"docs/{table}.toml", "")
    for name in ("mkdocs.yml", "mkdocs.en.yml"):
        text = (PROJECT / name).read_text(encoding="utf-8")
        project.file(name, re.sub(r"\nnav:(\n  .*)+", "", text))
    shutil.copytree(PROJECT / "docs" / "theme", folder / "docs" / "theme")
    place = {"SITE_URL": ADDRESS.rstrip("/"), "REPO_URL": "https://github.com/somebody/notes"}
    with mock.patch.dict(os.environ, place):
        done = mkdocs(folder, "build")
    return done.stdout if done.returncode else ""
