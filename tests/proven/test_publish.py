"""A finished site takes the place of the one before, all or nothing."""

import threading
from pathlib import Path

import pytest

from proven.problems import ProjectError
from proven.publish import publish, replace_file, replace_files, staging
from tests.helpers.projects import Project, contents, mkdocs_here


def put(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_what_is_published_stands_in_the_place_of_the_site(tmp_path: Path) -> None:
    site = put(tmp_path / "site", old="old", both="old")
    with staging(site) as folder:
        put(folder, both="new", new="new")
        assert contents(site) == {"old": b"old", "both": b"old"}
        publish(folder, site)
    assert contents(site) == {"both": b"new", "new": b"new"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_what_is_not_published_leaves_the_site_and_nothing_else(tmp_path: Path) -> None:
    site = put(tmp_path / "site", old="old")
    with pytest.raises(KeyboardInterrupt), staging(site) as folder:
        put(folder, new="new")
        raise KeyboardInterrupt
    assert contents(site) == {"old": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_folder_that_a_killed_build_left_is_not_published(tmp_path: Path) -> None:
    site = tmp_path / "site"
    put(tmp_path / "site.new", left="left")
    with staging(site) as folder:
        put(folder, new="new")
        publish(folder, site)
    assert contents(site) == {"new": b"new"}


def test_a_build_that_was_killed_between_its_last_steps_is_repaired(project: Project) -> None:
    project.script = "# %% one\n1 / 0\n"
    folder = project.write()
    put(folder / "site.old", good="the last good site")
    assert mkdocs_here(folder, "build").returncode != 0
    assert contents(folder / "site") == {"good": b"the last good site"}
    assert not (folder / "site.old").exists()


def test_two_builds_do_not_write_to_one_site_at_once(project: Project) -> None:
    folder = project.write()
    with staging(folder / "site"):
        done = mkdocs_here(folder, "build")
        assert done.returncode != 0
        assert "nother build is writing to site/" in done.stdout
        with staging(folder / "other"):  # while another site may be written
            pass
    with staging(folder / "site"):  # and this one, once it is free
        pass
    site = folder / "site"
    with staging(site), pytest.raises(ProjectError, match="wait for it"), staging(site):
        pass


def test_a_served_site_gets_and_loses_files_one_by_one(tmp_path: Path) -> None:
    site = put(tmp_path / "site", same="same", changed="old", gone="gone")
    times = (site / "same").stat().st_mtime_ns
    replace_files(put(tmp_path / "new", same="same", changed="new", more="more"), site)
    assert contents(site) == {"same": b"same", "changed": b"new", "more": b"more"}
    assert (site / "same").stat().st_mtime_ns == times


def test_a_reader_sees_the_old_file_or_the_new_one_and_never_half(tmp_path: Path) -> None:
    texts = {letter * 3_000_000 for letter in "ab"}
    site, done, seen = put(tmp_path / "site", page="a" * 3_000_000), threading.Event(), set[str]()

    def read() -> None:
        while not done.is_set():
            seen.add((site / "page").read_text(encoding="utf-8"))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for letter in "bababababa":
            put(tmp_path, page=letter * 3_000_000)
            replace_file(tmp_path / "page", site / "page")
    finally:
        done.set()
        reader.join()
    assert seen <= texts
    assert [path.name for path in site.iterdir()] == ["page"]
