"""`make clean` removes what the make targets made, and nothing that is somebody's own."""

from pathlib import Path

import pytest

from proven.publish import MARKER
from tests.helpers.projects import PROJECT, contents, publish_by_hand
from tools import clean as cleaning
from tools.clean import clean


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a built site and what set-up makes."""
    (tmp_path / "proven.toml").write_text('name = "made-up"\nlanguages = ["en"]\n')
    (tmp_path / "kept.py").touch()
    for name in cleaning.MADE:
        (tmp_path / name / "inside").mkdir(parents=True)
    publish_by_hand(tmp_path / "site", **{"index.html": "home", "en": "page"})
    return tmp_path


def test_all_that_was_made_goes_and_nothing_else(folder: Path) -> None:
    assert clean(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == ["kept.py", "proven.toml"]


def test_files_of_others_in_a_site_stay_and_are_named(folder: Path) -> None:
    (folder / "site" / "CNAME").write_text("example.org")
    (folder / "site" / "index.html").write_text("changed by hand")
    assert clean(folder) == [f"site/{MARKER}", "site/CNAME", "site/index.html"]
    assert contents(folder / "site") == {"CNAME": b"example.org", "index.html": b"changed by hand"}
    (folder / "site" / "CNAME").unlink()
    (folder / "site" / "index.html").unlink()
    assert clean(folder) == []


@pytest.mark.parametrize(
    "mark", [None, "", "{}", "[]", '{"project": "other", "files": {"mine.txt": ""}}', "{"]
)
def test_a_folder_that_no_build_of_this_project_made_stays(folder: Path, mark: str | None) -> None:
    for name in ("site", "site.new", "site.old"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "mine.txt").touch()
        (folder / name / MARKER).unlink(missing_ok=True)
        if mark is not None:
            (folder / name / MARKER).write_text(mark)
    stays = clean(folder)
    assert {"site/mine.txt", "site.new/mine.txt", "site.old/mine.txt"} <= set(stays)
    assert (folder / "site" / "mine.txt").exists()


def test_what_a_link_leads_to_stays(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "theirs.txt").touch()
    (folder / ".venv" / "inside").rmdir()
    (folder / ".venv").rmdir()
    (folder / ".venv").symlink_to(elsewhere)
    (folder / "site" / "link").symlink_to(elsewhere)
    assert clean(folder) == [f"site/{MARKER}", "site/link"]
    assert (elsewhere / "theirs.txt").exists()
    assert not (folder / ".venv").is_symlink()


def test_a_build_that_was_killed_leaves_nothing_that_stays(folder: Path) -> None:
    (folder / "site.new").mkdir()
    (folder / "site.new" / MARKER).write_text('{"project": "made-up", "files": null}')
    (folder / "site.new" / "half.html").touch()
    assert clean(folder) == []
    assert not (folder / "site.new").exists()


def test_the_names_are_those_of_the_project() -> None:
    ignored = (PROJECT / ".gitignore").read_text("utf-8")
    assert not [name for name in (*cleaning.MADE, *cleaning.SITES) if name not in ignored]
