"""All files of the site that are no pages: which there are, their names, what is in them."""

import hashlib
import io
import json
import re
import zipfile
from typing import Any

import pytest

from proven.files import listed, make_files, page_files, page_meta, zipped
from proven.records import make_record, write_record
from proven.views import Site
from tests.helpers.projects import Project, page
from tests.helpers.sites import GPU, made_up

SCRIPT = '# %% one\nprint("1")\n# %% two needs="madeup:1"\nx = 2\n'
TESTS = 'def test_holds() -> None:\n    """It holds.\n\n    成立。\n    """\n'


@pytest.fixture
def whole(project: Project) -> Project:
    """A project with a page in a folder, a claim, and a snippet that needs a device."""
    project.pretend(0)
    project.settings["packages"] = ["numpy"]
    project.script, project.tests = SCRIPT, TESTS
    project.pages = dict.fromkeys(("zh", "en"), "# Home {#home}\n\nSo.`#!claim holds`\n")
    for language in ("zh", "en"):
        project.file(f"docs/{language}/deep/part.md", page("part.one", "part.two"))
    return project


def meta_of(site: Site, path: str) -> dict[str, Any]:
    """What the templates know of an English page."""
    page = site.page("en", path)
    return page_meta(site, page, page_files(site, page))


def test_a_site_has_these_files(whole: Project) -> None:
    files = make_files(made_up(whole))
    both = [
        "assets/cards/claims.png",
        "assets/cards/deep-part.png",
        "assets/cards/index.png",
        "claims/index.html.md",
        "claims/test_part.txt",
        "deep/part/index.html.md",
        "deep/part/part.py",
        "index.html.md",
        "llms-full.txt",
        "marks.js",
    ]
    once = ["build.json", "llms.txt", "notebooks/made-up-notebooks.zip"]
    notebooks = ["notebooks/deep-part.zh.ipynb", "en/notebooks/deep-part.en.ipynb"]
    assert sorted(files) == sorted([*both, *(f"en/{name}" for name in both), *once, *notebooks])
    assert files["en/deep/part/part.py"].startswith(b"# Title\n")
    archive = zipfile.ZipFile(io.BytesIO(files["notebooks/made-up-notebooks.zip"]))
    assert archive.namelist() == ["made-up/deep-part.en.ipynb", "made-up/deep-part.zh.ipynb"]
    assert archive.read("made-up/deep-part.en.ipynb") == files[notebooks[1]]


def test_what_the_marks_of_a_page_tell_is_a_script_that_holds_text(whole: Project) -> None:
    whole.tests = TESTS.replace("It holds.", "`It` holds ' </script><b onclick=x> \\\\.")
    files = make_files(made_up(whole))
    begins, _, text = files["en/marks.js"].decode().partition(" = ")
    assert begins == "var provenMarks"
    told = "This build ran its test with numpy 2.4.0 on a CPU (no CUDA device)."
    assert json.loads(text) == {
        "holds": [
            "Proven",
            "`It` holds ' </script><b onclick=x> \\.",
            f"Shown on one example. {told}",
            "Test test_holds",
        ]
    }
    assert text.count("\n") == 1


def test_a_page_asks_for_what_its_marks_tell_now(whole: Project) -> None:
    def asked(states: dict[str, str]) -> str:
        site = made_up(whole, proofs=states)
        return str(meta_of(site, "index.md")["marks"])

    assert asked({"holds": "proven"}) == asked({"holds": "proven"}) != asked({})


def test_what_marks_tell_is_made_once_and_asked_for_as_it_was_made(whole: Project) -> None:
    site = made_up(whole)
    meta = page_meta(site, site.page("en", "index.md"), {"en/marks.js": b"made"})
    assert meta["marks"] == f"marks.js?{hashlib.sha256(b'made').hexdigest()[:8]}"


def test_a_page_that_the_navigation_leaves_out_has_its_files_too(whole: Project) -> None:
    files = make_files(made_up(whole, order=["claims.md"]))
    of_pages = {
        "assets/cards/deep-part.png",
        "assets/cards/index.png",
        "deep/part/part.py",
        "marks.js",
    }
    assert of_pages | {f"en/{name}" for name in of_pages} <= files.keys()


@pytest.mark.parametrize("address", ["", "https://example.org"])
def test_files_of_a_page_that_begins_a_folder_are_where_it_is(
    project: Project, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SITE_URL", address)
    for language in ("zh", "en"):
        project.file(f"docs/{language}/deep/index.md", "# Deep {#deep}\n\n[T](../index.md)\n")
        project.pages[language] = page("part.one") + "\n[Deep](deep/index.md#deep).\n"
    files = make_files(made_up(project))
    assert {"deep/index.html.md", "en/deep/index.html.md"} <= files.keys()
    assert "[Deep](deep/index.html.md)" in files["index.html.md"].decode()
    assert "[T](../index.html.md)" in files["deep/index.html.md"].decode()
    notebook = files["en/notebooks/index.en.ipynb"].decode()
    link = f"[Deep]({address}/en/deep/#deep)" if address else "Deep"
    assert f"{link}." in notebook


def test_the_tests_that_ran_stand_beside_the_list_of_claims(whole: Project) -> None:
    whole.tests = TESTS.replace("It holds.", "It “holds”.")
    told = make_files(made_up(whole))["claims/test_part.txt"].decode("utf-8-sig")
    assert told == whole.tests


def test_where_no_downloads_are_offered_there_are_only_the_scripts(whole: Project) -> None:
    site = made_up(whole, downloads=False)
    scripts = {"claims/test_part.txt", "deep/part/part.py", "marks.js"}
    assert make_files(site).keys() == scripts | {f"en/{name}" for name in scripts}
    assert meta_of(site, "deep/part.md") == {"script": ["part.py", "Download part.py"]}


@pytest.mark.parametrize("repository", ["", "https://github.com/o/r"])
def test_a_page_knows_its_script_its_card_and_its_notebook(
    whole: Project, repository: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPO_URL", repository)
    site = made_up(whole)
    colab = "https://colab.research.google.com/github/o/r/blob/notebooks/deep-part.en.ipynb"
    links = [["download", "Download notebook", "notebooks/deep-part.en.ipynb"]]
    links += [["colab", "Open in Colab", colab]] if repository else []
    assert meta_of(site, "deep/part.md") == {
        "script": ["part.py", "Download part.py"],
        "card": "assets/cards/deep-part.png",
        "notebook_links": links,
    }
    home = meta_of(site, "index.md")
    assert re.fullmatch(r"marks\.js\?[0-9a-f]{8}", home.pop("marks"))
    assert home == {"card": "assets/cards/index.png"}


def test_downloads_are_listed_with_their_sizes(
    whole: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPO_URL", raising=False)
    site = made_up(whole)
    files = make_files(site)
    note, archive = files["en/notebooks/deep-part.en.ipynb"], "notebooks/made-up-notebooks.zip"
    assert listed(site, "en", files) == [
        ("Title", "deep-part.en.ipynb", len(note), None),
        (
            "Download all notebooks (zip)",
            "../../notebooks/made-up-notebooks.zip",
            len(files[archive]),
            None,
        ),
    ]
    assert listed(site, "zh", files)[-1][1] == "made-up-notebooks.zip"


def test_the_report_says_what_ran_where_and_what_was_proven(
    whole: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    folder = whole.read_settings().project / "snippets" / "records"
    write_record(folder, make_record(made_up(whole, {}, GPU).results["part"], "2026-11-23", None))
    site = made_up(whole)
    report: dict[str, Any] = json.loads(make_files(site)["build.json"])
    told = [(row["name"], row["state"], row.get("reason")) for row in report.pop("snippets")]
    needs = site.view("part.two", "en").skipped
    assert told == [("part.one", "ran", None), ("part.two", "skipped", needs)]
    (claim,) = report.pop("claims")
    assert claim == {
        "section": "part",
        "name": "holds",
        "state": "proven",
        "sha256": site.project.claims["holds"].sha256,
        "reach": [],
    }
    assert report == {
        "date": "1970-01-01T00:00:00Z",
        "commit": None,
        "numpy": "2.4.0",
        "python": "3.13.0",
        "platform": "Linux x86_64",
        "devices": [],
    }


def test_the_same_site_gives_the_same_files(
    whole: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert make_files(made_up(whole)) == make_files(made_up(whole))


def test_an_archive_has_no_date_and_keeps_its_order() -> None:
    data = zipped([("b", b"1"), ("a", b"2")])
    entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    assert [(entry.filename, entry.date_time[0]) for entry in entries] == [("b", 1980), ("a", 1980)]
