"""The same sources give the same site, byte for byte, wherever and whenever it is built; no claim holds by luck."""

import io
import json
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.helpers.projects import PROJECT, contents, copy_chapter, mkdocs
from tests.helpers.site import OFFLINE

EPOCH, DATE = "1000000000", b'"2001-09-09T01:46:40Z"'  # the same
# All that may differ between two builds: docs-dev/design.md says so, under "A build".
REPORT, STATED = "build.json", re.compile(rb'^ "(date|commit)": (.*),$', re.MULTILINE)

# Added to the copy of the engine: what a claim draws without a seed is something else there.
SEEDED = """

_attempt = Prover._attempt


def _from_other_seeds(self, claim, tests=None):
    for name, seed in {"random": "seed", "torch": "manual_seed", "numpy": "random.seed"}.items():
        if module := sys.modules.get(name):
            operator.attrgetter(seed)(module)(20261128)
    return _attempt(self, claim, tests)


Prover._attempt = _from_other_seeds
"""


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The site from a copy of the sources and of the engine, somewhere else and at another time."""
    folder = copy_chapter(tmp_path_factory.mktemp("again") / "deeper" / "a second copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "proven", folder / "proven", ignore=ignored)
    prove = folder / "proven" / "prove.py"
    prove.write_text(f"import operator\n{prove.read_text('utf-8')}{SEEDED}", encoding="utf-8")
    home = tmp_path_factory.mktemp("somebody")
    style = home / ".config" / "matplotlib" / "matplotlibrc"
    style.parent.mkdir(parents=True)
    style.write_text("lines.linewidth: 9\naxes.facecolor: red\n")
    own = {
        "COLUMNS": "40",
        "HOME": str(home),
        "LANG": "zh_CN.UTF-8",
        "LC_ALL": "C.UTF-8",
        "LOGNAME": "somebody",
        "MPLBACKEND": "pdf",
        "OMP_NUM_THREADS": "3",
        "PYTHONHASHSEED": "1",
        "SOURCE_DATE_EPOCH": EPOCH,
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),
        "TZ": "Pacific/Honolulu",
        "USER": "somebody",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        patch.delenv("XDG_CACHE_HOME", raising=False)
        done = mkdocs(folder, "build", engine=folder)
    assert done.returncode == 0, done.stdout
    return contents(folder / "site")


def unstated(report: bytes) -> bytes:
    """The report of a build without its date and its commit."""
    text, count = STATED.subn(b"", report)
    assert count == 2
    return text


def entries(archive: bytes) -> list[tuple[object, ...]]:
    """All that the zip file is made from, without what may differ."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return [
            (
                entry.filename,
                entry.date_time,
                entry.external_attr,
                entry.create_system,
                entry.compress_type,
                unstated(file.read(entry))
                if entry.filename.endswith(f"/{REPORT}")
                else file.read(entry),
            )
            for entry in file.infolist()
        ]


def cells(notebooks: dict[str, bytes]) -> dict[str, str]:
    """What each cell of the notebooks shows, by the file and its name."""
    return {
        f"{name}: {cell['id']}": json.dumps(cell["outputs"])
        for name, content in notebooks.items()
        if name.endswith(".ipynb")
        for cell in json.loads(content)["cells"]
        if cell["cell_type"] == "code"
    }


def test_every_cell_shows_the_same_whoever_builds(site: Path, again: dict[str, bytes]) -> None:
    first, second = cells(contents(site)), cells(again)
    assert len(first) > 100
    assert [name for name in first if first[name] != second.get(name)] == []


def test_two_builds_differ_in_the_stated_date_and_commit_and_in_no_other_byte(
    site: Path, again: dict[str, bytes]
) -> None:
    first = contents(site)
    assert first.keys() == again.keys()
    assert len(first) > 100
    assert {name for name in first if first[name] != again[name]} == {REPORT, OFFLINE}
    assert unstated(first[REPORT]) == unstated(again[REPORT])
    assert entries(first[OFFLINE]) == entries(again[OFFLINE])


def test_the_date_of_the_source_sets_the_stated_date(again: dict[str, bytes]) -> None:
    assert dict(STATED.findall(again[REPORT])) == {b"date": DATE, b"commit": b"null"}
