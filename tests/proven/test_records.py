"""Recorded runs, with made-up devices: a machine that has them, one that has fewer, one with none."""

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from snippets.engine.errors import SnippetError
from snippets.engine.records import read_records, record, write_record
from snippets.engine.runner import Result, Runner
from snippets.engine.scripts import read_section
from tests.conftest import mkdocs_here
from tests.engine.projects import Project, page

SCRIPT = """# %% setup
import json, torch
from pathlib import Path
from snippets.engine import preload

# the number of devices that this machine pretends to have
count = json.loads(Path({count!r}).read_text())
preload.device_count = lambda: count
torch.cuda.get_device_name = lambda number: "Made-up GPU 80GB"
# %% anywhere
print("on any machine")
# %% one needs="cuda:1"
print("one device,", count, "there")
# %% refused needs="cuda:1" raises="RuntimeError"
raise RuntimeError("two devices <b>")
# %% figure needs="cuda:1"
import matplotlib.pyplot as plt
plt.plot([1, 2])
# %% two needs="cuda:2"
print("two devices")
"""
NAMES = ["setup", "anywhere", "one", "refused", "figure", "two"]


class Hardware:
    """A project on a machine whose number of devices can be changed."""

    def __init__(self, folder: Path) -> None:
        self.count = folder / "count.json"
        text = page(*(f"part.{name}" for name in NAMES))
        text = text.replace("```snippet\npart.figure", '```snippet alt="a line"\npart.figure')
        self.project = Project(
            folder / "project",
            script=SCRIPT.format(count=str(self.count)),
            pages=dict.fromkeys(("zh", "en"), text),
        )
        self.folder = self.project.write()
        self.records = self.folder / "snippets" / "records"

    def run(self, count: int) -> Result:
        """Run the section on a machine with that many devices."""
        self.count.write_text(str(count))
        runner = Runner({"part": read_section(self.project.section_path)})
        try:
            return runner.result("part")
        finally:
            runner.close()

    def keep(self, count: int) -> Path:
        """Record the section on a machine with that many devices."""
        return write_record(self.records, record(self.run(count), "2026-11-23", "0123456789abcdef"))

    def build(self, count: int) -> str:
        """Build the site on a machine with that many devices, and return what the build said."""
        self.count.write_text(str(count))
        done = mkdocs_here(self.folder, "build")
        assert done.returncode == 0, done.stdout
        return done.stdout

    def shown(self, name: str, language: str = "en") -> tuple[str, str]:
        """The state of a snippet on the page, and the text of its result."""
        folder = self.folder / "site" / ("" if language == "zh" else language)
        soup = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
        element = soup.select_one(f'[data-snippet="part.{name}"]')
        assert element
        result = element.select_one(".snippet-result")
        return str(element["data-state"]), result.get_text() if result else ""


@pytest.fixture
def hardware(tmp_path: Path) -> Hardware:
    return Hardware(tmp_path)


def test_a_record_keeps_what_needed_a_device_and_can_be_read_back(hardware: Hardware) -> None:
    path = hardware.keep(1)
    assert path.name == "part.made-up-gpu-80gb-x1.json"
    (read,) = read_records(hardware.records)
    assert list(read.outcomes) == ["part.one", "part.refused", "part.figure"]
    assert read.outcomes["part.one"].output == "one device, 1 there\n"
    assert read.outcomes["part.refused"].error == "RuntimeError: two devices <b>"
    assert read.outcomes["part.figure"].figures[0].startswith("<?xml")
    assert read.machine.devices == ("Made-up GPU 80GB",)


def test_a_record_reads_as_a_diff(hardware: Hardware) -> None:
    data = json.loads(hardware.keep(2).read_text(encoding="utf-8"))
    assert data["outcomes"][0]["output"] == ["one device, 2 there", ""]
    assert hardware.keep(2).read_text(encoding="utf-8").count("\n") > 20


def test_without_a_device_nothing_is_recorded(hardware: Hardware) -> None:
    with pytest.raises(SnippetError, match="sees no CUDA device"):
        hardware.keep(0)
    assert not hardware.records.exists()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_ran_here_is_shown_as_such_and_the_rest_as_skipped(
    hardware: Hardware, count: int
) -> None:
    hardware.build(count)
    assert hardware.shown("anywhere") == ("ran", "Outputon any machine")
    one, two = hardware.shown("one"), hardware.shown("two")
    assert one[0] == ("ran" if count >= 1 else "skipped")
    assert two[0] == ("ran" if count >= 2 else "skipped")
    had = {0: "no CUDA device", 1: "only 1"}
    if count < 1:
        assert one[1] == f"Not run This code needs one CUDA GPU, and this build had {had[0]}."
    if count < 2:
        assert two[1] == f"Not run This code needs 2 CUDA GPUs, and this build had {had[count]}."
    zh = hardware.shown("two", "zh")[1]
    assert ("未运行" in zh) == (count < 2)


@pytest.mark.parametrize("count", [0, 1])
def test_a_record_is_shown_where_the_build_had_too_few_devices(
    hardware: Hardware, count: int
) -> None:
    hardware.keep(2)
    said = hardware.build(count)
    assert "stale" not in said
    state, text = hardware.shown("two")
    assert state == "recorded"
    assert "Not run" in text
    for words in (
        "recorded on another machine on 2026-11-23",
        "2 × Made-up GPU 80GB",
        "commit 0123456789",
        "two devices",
    ):
        assert words in text
    assert "录下" in hardware.shown("two", "zh")[1]

    # what this machine could run is its own, never the record's
    state, text = hardware.shown("one")
    assert (state, "recorded on" in text) == (("ran", False) if count else ("recorded", True))
    assert ("one device, 1 there" in text) == (count == 1)

    rows = json.loads((hardware.folder / "site" / "build.json").read_text())["snippets"]
    two = next(row for row in rows if row["name"] == "part.two")
    assert two["state"] == "skipped"
    assert two["record"] == "snippets/records/part.made-up-gpu-80gb-x2.json"


def test_a_recorded_error_is_text_and_a_recorded_figure_a_picture(hardware: Hardware) -> None:
    hardware.keep(1)
    hardware.build(0)
    html = (hardware.folder / "site" / "en" / "index.html").read_text(encoding="utf-8")
    assert "two devices &lt;b&gt;" in html
    assert "<svg" in html.split('data-snippet="part.figure"')[1]
    assert 'aria-label="a line"' in html


def test_the_record_with_more_devices_is_preferred(hardware: Hardware) -> None:
    hardware.keep(1)
    hardware.keep(2)
    assert [len(r.machine.devices) for r in read_records(hardware.records)] == [2, 1]


def test_a_record_of_another_script_is_named_and_not_shown(hardware: Hardware) -> None:
    hardware.keep(1)
    hardware.project.script += "#"  # one character
    hardware.project.write()
    said = hardware.build(0)
    assert "snippets/records/part.made-up-gpu-80gb-x1.json is stale and not shown" in said
    assert "python -m snippets record part" in said
    assert hardware.shown("one")[0] == "skipped"
    assert "one device" not in hardware.shown("one")[1]


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"machine": {}}'])
def test_a_file_that_is_no_record_fails_the_build(hardware: Hardware, broken: str) -> None:
    path = hardware.keep(1)
    path.write_text(broken)
    done = mkdocs_here(hardware.folder, "build")
    assert done.returncode != 0
    assert "is no record of a run" in done.stdout
    assert "snippets/records/part.made-up-gpu-80gb-x1.json:1" in done.stdout


def test_output_of_a_machine_without_a_device_cannot_pose_as_a_record(hardware: Hardware) -> None:
    path = hardware.keep(1)
    data = json.loads(path.read_text())
    data["machine"]["devices"] = []
    path.write_text(json.dumps(data))
    with pytest.raises(SnippetError, match="it names no device"):
        read_records(hardware.records)
