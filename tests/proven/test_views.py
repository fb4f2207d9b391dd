"""What a snippet and a claim show: this build's output, a record's, or why there is none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proven.cells import Raised
from proven.files import page_files, page_meta
from proven.pages import Page
from proven.records import make_record, write_record
from proven.views import Piece, Site, View
from proven.worker import Machine
from tests.helpers.projects import Project, page
from tests.helpers.sites import CPU, FIGURE, GPU, GPUS, made_up

SCRIPT = """# %% one fold="code"
x = 1  # one | 一
# %% two raises="ValueError"
raise ValueError("no")
# %% three needs="cuda:1" fold="output"
print("one device")
# %% four needs="cuda:2"
print("two devices")
"""
TESTS = '''import pytest


def test_holds() -> None:
    """It holds.

    成立。
    """


@pytest.mark.gpu(1)
def test_on_one() -> None:
    """On one.

    一块。
    """
'''
DONE: dict[str, dict[str, Any]] = {
    "part.one": {"output": "1\n", "figures": (FIGURE,)},
    "part.two": {"errors": (Raised("ValueError: no", 1, 0),)},
}


def printed(view: View) -> str:
    """What a view says that the snippet printed."""
    return "".join(piece.text for piece in view.pieces if not piece.error)


@pytest.fixture
def marked(project: Project) -> Project:
    """A project with snippets that need devices, and a claim that does."""
    project.settings = {"devices": {"cuda": "cards"}, "packages": ["numpy"]}
    project.script, project.tests = SCRIPT, TESTS
    text = page(*(f"part.{name}" for name in ("one", "two", "three", "four")))
    text = text.replace("```snippet", '```snippet alt="a line that rises from left to right"', 1)
    text += "\nHolds.`#!claim holds` On one.`#!claim on_one`\n"
    project.pages = dict.fromkeys(("zh", "en"), text)
    return project


def meta_of(site: Site, page: Page) -> dict[str, Any]:
    """What the templates know of a page."""
    return page_meta(site, page, page_files(site, page))


def record(site: Site) -> Path:
    """Write what a site shows as a record."""
    folder = site.project.settings.project / "snippets" / "records"
    return write_record(folder, make_record(site.results["part"], "2026-11-23", "0123456789abcdef"))


def test_a_view_has_what_ran_in_the_words_of_its_language(marked: Project) -> None:
    site = made_up(marked, DONE)
    one, two = site.view("part.one", "zh"), site.view("part.two", "en")
    assert (one.source, one.state, one.pieces) == (
        "x = 1  # 一",
        "ran",
        (Piece("1\n", "输出"),),
    )
    assert (one.fold, one.runs[0].figures, one.skipped) == ("code", (FIGURE,), "")
    assert site.view("part.one", "en").source == "x = 1  # one"
    assert two.state == "raised"
    assert two.pieces == (Piece("ValueError: no", "Error · line 1", "ValueError", 1),)
    assert site.view("part.two", "zh").pieces[0].label == "报错 · 第 1 行"


@pytest.mark.parametrize(
    ("machine", "three", "four"),
    [
        (
            CPU,
            "This code needs one CUDA GPU, and this build had no CUDA device.",
            "This code needs 2 CUDA GPUs, and this build had no CUDA device.",
        ),
        (GPU, "", "This code needs 2 CUDA GPUs, and this build had only 1."),
        (GPUS, "", ""),
    ],
)
def test_what_lacks_devices_is_skipped(
    marked: Project, machine: Machine, three: str, four: str
) -> None:
    site = made_up(marked, {}, machine)
    for name, told in (("three", three), ("four", four)):
        view = site.view(f"part.{name}", "en")
        assert (view.state, view.skipped) == ("skipped" if told else "ran", told)
        assert (view.kind, view.count) == ("cuda", "cards.count()")
        assert [run.label for run in view.runs] == ([] if told else [""])


def runs_of(view: View) -> list[tuple[str, str]]:
    """The label of each run, and what it printed."""
    return [
        (run.label, "".join(p.text for p in run.pieces if not p.error).strip()) for run in view.runs
    ]


THERE = "2 × Made-up GPU 80GB, recorded 2026-11-23"


def test_a_record_stands_in_for_what_did_not_run(marked: Project) -> None:
    record(made_up(marked, {"part.four": {"output": "theirs\n"}}, GPUS))
    here = made_up(marked, {}, GPU)
    four = here.view("part.four", "en")
    assert (four.state, runs_of(four)) == ("recorded", [(THERE, "theirs")])
    assert four.skipped.endswith("this build had only 1.")
    assert printed(four) == "theirs\n"


def test_a_record_stands_beside_what_ran_where_more_devices_make_a_difference(
    marked: Project,
) -> None:
    done = {"part.one": {"output": "1\n"}, "part.three": {"output": "theirs\n"}}
    record(made_up(marked, done, GPUS))
    here = made_up(marked, done | {"part.three": {"output": "ours\n"}}, GPU)
    three = here.view("part.three", "en")
    ours = ("1 × Made-up GPU 80GB, this build", "ours")
    assert (three.state, runs_of(three)) == ("ran", [(THERE, "theirs"), ours])
    assert printed(three) == "ours\n"  # what a test, or the index of errors, is held against
    assert runs_of(here.view("part.one", "en")) == [("", "1")]  # the same there
    labels = [label for label, _ in runs_of(made_up(marked).view("part.one", "zh"))]
    assert labels == ["2 × Made-up GPU 80GB，2026-11-23 录制", "CPU，本次构建"]
    as_many = made_up(marked, done | {"part.three": {"output": "ours\n"}}, GPUS)
    assert runs_of(as_many.view("part.three", "en")) == [("", "ours")]


def test_a_question_is_answered_by_what_ran_here(marked: Project) -> None:
    marked.script = marked.script.replace('fold="code"', 'fold="output"')
    box = '!!! question "Predict"\n    Which?\n\n    ```options\n    output.strip()\n    a\n    b\n    ```\n\n'
    for language, text in marked.pages.items():
        marked.pages[language] = text.replace("```snippet alt", f"{box}```snippet alt", 1)
    record(made_up(marked, {"part.one": {"output": "a\n"}}, GPU))
    view = made_up(marked, {"part.one": {"output": "b\n"}}).view("part.one", "en")
    assert [text for _, text in runs_of(view)] == ["b", "a"]
    assert view.fold == "output"


def test_an_output_is_folded_where_a_question_asks_for_it_only(marked: Project) -> None:
    assert marked.script.count('fold="output"') == 1
    assert made_up(marked).view("part.three", "en").fold is None


def test_where_recorded_outputs_come_from_is_told_once_for_a_page(marked: Project) -> None:
    site = made_up(marked)
    page = site.page("en", "index.md")
    assert site.recorded([page]) == []
    assert "recorded" not in meta_of(site, page)
    record(made_up(marked, {"part.one": {"output": "theirs\n"}}, GPUS))
    site = made_up(marked)
    told = (
        f"Outputs with the label “{THERE}” were recorded on another machine with "
        "driver 610, numpy 2.4.0, CUDA 13.0, at commit 0123456789."
    )
    assert site.recorded([page, page]) == [told]
    meta = meta_of(site, page)
    assert (meta["recorded"], meta["has_tabs"]) == ([told], True)
    assert (
        "标有“2 × Made-up GPU 80GB，2026-11-23 录制”的输出"
        in (site.recorded([site.page("zh", "index.md")])[0])
    )


def test_the_record_with_more_devices_is_preferred(marked: Project) -> None:
    for machine, output in ((GPU, "one"), (GPUS, "two")):
        record(made_up(marked, {"part.three": {"output": output}}, machine))
    assert printed(made_up(marked).view("part.three", "en")) == "two"


def test_a_claim_is_proven_here_or_recorded_or_skipped_or_pending(marked: Project) -> None:
    def states(site: Site) -> list[str]:
        return [site.claim(name, "en").state for name in ("holds", "on_one")]

    assert states(made_up(marked)) == ["proven", "skipped"]
    assert states(made_up(marked, {}, GPU)) == ["proven", "proven"]
    assert states(made_up(marked, proofs={})) == ["pending", "pending"]
    record(made_up(marked, {}, GPU))
    assert states(made_up(marked)) == ["proven", "recorded"]
    view = made_up(marked).claim("on_one", "zh")
    assert (view.words, view.title) == ("一块。", "已在别处证明")
    assert "1 × Made-up GPU 80GB，numpy 2.4.0" in view.told
    # the test is another one now: what it proved once, it need not prove any more
    marked.tests = marked.tests.replace("    一块。\n", "    一块\n")
    assert states(made_up(marked)) == ["proven", "skipped"]
    assert made_up(marked).claim("on_one", "en").title == "Not proven this time"


@pytest.mark.parametrize(
    ("repository", "url"),
    [
        ("https://example.org/r/", "https://example.org/r/blob/main/tests/test_part.py#L4"),
        ("", None),
    ],
)
def test_a_claim_links_to_its_test_where_the_repository_is_known(
    marked: Project, repository: str, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPO_URL", repository)
    assert made_up(marked).claim("holds", "en").url == url


def test_the_sections_of_a_site_are_the_pages_with_snippets_in_its_order(marked: Project) -> None:
    marked.write()
    for language in ("zh", "en"):
        marked.file(f"docs/{language}/about.md", "# About {#about}\n")
    site = made_up(marked, order=("claims.md", "index.md", "about.md"))
    assert [page.path for page in site.sections("en")] == ["index.md"]
    assert replace(site, order=("about.md",)).sections("en") == []
    for language in ("zh", "en"):  # a page may decline
        text = (marked.folder / "docs" / language / "index.md").read_text("utf-8")
        marked.pages[language] = f"---\nnotebook: false\n---\n\n{text}"
    site = made_up(marked, order=("index.md",))
    assert site.sections("zh") == site.sections("en") == []
    declining = site.page("en", "index.md")
    assert declining.shown
    assert {"script", "notebook_links"}.isdisjoint(meta_of(site, declining))
    assert not any(name.endswith(".py") for name in page_files(site, declining))
    assert site.machine is CPU


def test_a_proven_claim_tells_how_far_its_test_went(marked: Project) -> None:
    site = made_up(marked)
    assert site.claim("holds", "en").reach == "Shown on one example."
    result = replace(
        site.results["part"], reach={"holds": (("seeds | 个随机种子", 60), ("x | 个 x", 2))}
    )
    site = replace(site, results={"part": result})
    assert site.claim("holds", "en").reach == "Tried on 60 seeds, 2 x."
    assert site.claim("holds", "zh").reach == "试过 60 个随机种子，2 个 x。"
    assert site.claim("on_one", "en").reach == ""  # not proven by this build
