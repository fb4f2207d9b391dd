"""A finished site takes the place of the one before, all or nothing, and no other file is lost."""

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proven import publish as module
from proven.problems import ProjectError
from proven.publish import MARKER, place_of, publish, put_file, replace_files, staging
from tests.helpers.projects import PROJECT, Project, contents, mkdocs_here, publish_by_hand, started

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own ways")


def put(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """All that lies in a folder, with links as what they say and folders that are empty."""
    found = {}
    for path in folder.rglob("*"):
        if path.name == MARKER:
            continue
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = os.fsencode(os.readlink(path))
        elif path.is_file():
            found[name] = path.read_bytes()
        elif not any(path.iterdir()):
            found[name] = b"an empty folder"
    return found


@pytest.fixture(params=["exchange", "rename"])
def swap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways in which a site takes the place of another: few systems can exchange them."""
    if request.param == "rename":
        monkeypatch.setattr(module, "_exchange", lambda *_: False)
    elif sys.platform != "linux":
        pytest.skip("this system cannot exchange two folders")
    return str(request.param)


@pytest.mark.usefixtures("swap")
def test_what_is_published_stands_in_the_place_of_the_site(tmp_path: Path) -> None:
    site = publish_by_hand(tmp_path / "site", old="old", both="old")
    with staging(site, "made-up") as folder:
        put(folder, both="new", new="new")
        assert contents(site) == {"old": b"old", "both": b"old"}
        publish(folder, site)
    assert contents(site) == {"both": b"new", "new": b"new"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_what_is_not_published_leaves_the_site_and_nothing_else(tmp_path: Path) -> None:
    site = publish_by_hand(tmp_path / "site", old="old")
    with pytest.raises(KeyboardInterrupt), staging(site, "made-up") as folder:
        put(folder, new="new")
        raise KeyboardInterrupt
    assert contents(site) == {"old": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


# --- files that no build made


@pytest.mark.usefixtures("swap")
def test_what_no_build_made_stays_in_the_site(tmp_path: Path) -> None:
    """As in a work tree of the branch that a host publishes, however deep a file lies."""
    site = publish_by_hand(tmp_path / "site", index="old", gone="old")
    put(site, CNAME="example.org", **{".nojekyll": "", ".htaccess": "Deny"})
    put(site / ".git" / "refs", HEAD="main")
    (site / ".git" / "objects").mkdir()  # without this, git does not know its own folder
    put(site / "assets" / "mine", picture="mine")
    put(tmp_path / "elsewhere", file="mine")
    (site / "linked").symlink_to(tmp_path / "elsewhere")
    with staging(site, "made-up") as folder:
        put(folder, index="new")
        put(folder / "assets", style="new")
        publish(folder, site)
    assert files(site) == {
        "index": b"new",
        "assets/style": b"new",
        "assets/mine/picture": b"mine",
        "CNAME": b"example.org",
        ".nojekyll": b"",
        ".htaccess": b"Deny",
        ".git/refs/HEAD": b"main",
        ".git/objects": b"an empty folder",
        "linked": os.fsencode(tmp_path / "elsewhere"),
    }
    assert contents(tmp_path / "elsewhere") == {"file": b"mine"}


@pytest.mark.usefixtures("swap")
def test_hidden_files_stay_where_a_site_is_built_for_the_first_time(tmp_path: Path) -> None:
    """As in a folder that git has just made for the branch that a host publishes."""
    site = put(tmp_path / "site", **{".htaccess": "Deny"})
    put(site / ".git", HEAD="main")
    for text in ("first", "second"):
        with staging(site, "made-up") as folder:
            put(folder, index=text)
            publish(folder, site)
        theirs = {".htaccess": b"Deny", ".git/HEAD": b"main"}
        assert files(site) == {"index": text.encode(), **theirs}
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


@linux
def test_hidden_files_return_after_a_kill_between_the_last_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = put(tmp_path / "site", **{".htaccess": "Deny"})
    with monkeypatch.context() as patch, staging(site, "made-up") as folder:
        patch.setattr(module, "_put_away", lambda *_: None)
        put(folder, index="new")
        publish(folder, site)
    with staging(site, "made-up"):
        pass
    assert files(site) == {"index": b"new", ".htaccess": b"Deny"}


def a_folder_of_files(site: Path) -> str:
    put(site, mine="mine")
    return "not the site of an earlier build"


def a_file(site: Path) -> str:
    site.write_text("mine")
    return "the place of a file"


def a_site_of_another_project(site: Path) -> str:
    publish_by_hand(site, "other")
    return "made by a build of 'other'"


def a_broken_mark(site: Path) -> str:
    publish_by_hand(site)
    (site / MARKER).write_text("[]")
    return "not the site of an earlier build"


def a_page_changed_by_hand(site: Path) -> str:
    publish_by_hand(site)
    put(site, **{"good.html": "mine"})
    return "changed since a build made it"


def a_folder_beside_it(word: str) -> Callable[[Path], str]:
    def plant(site: Path) -> str:
        put(site.with_name(f"{site.name}.{word}"), mine="mine")
        return f"site.{word}, and what is there was not made by one"

    return plant


def a_hidden_file_beside_it(site: Path) -> str:
    put(site.with_name("site.old"), **{".mine": "mine"})
    return "what is there was not made by one"


def a_file_whose_name_begins_like_a_mark(site: Path) -> str:
    put(site.with_name("site.new"), **{f"{MARKER}.mine": "mine"})
    return "what is there was not made by one"


def a_link_beside_it(site: Path) -> str:
    put(site.with_name("elsewhere"), mine="mine")
    site.with_name("site.new").symlink_to(site.with_name("elsewhere"))
    return "what is there was not made by one"


@pytest.mark.parametrize(
    "plant",
    [
        a_folder_of_files,
        a_file,
        a_site_of_another_project,
        a_broken_mark,
        a_page_changed_by_hand,
        a_folder_beside_it("old"),
        a_folder_beside_it("new"),
        a_hidden_file_beside_it,
        a_file_whose_name_begins_like_a_mark,
        a_link_beside_it,
    ],
)
def test_a_folder_that_a_build_of_this_project_did_not_make_is_refused_at_once(
    tmp_path: Path, plant: Callable[[Path], str]
) -> None:
    what, before = plant(tmp_path / "site"), files(tmp_path)
    with (
        pytest.raises(ProjectError, match=what) as caught,
        staging(tmp_path / "site", "made-up"),
    ):
        pytest.fail("it began")
    [problem] = caught.value.problems
    assert problem.places[0].startswith(str(tmp_path / "site"))
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("tests", "a build reads what lies in tests/"),
        ("snippets/records", "a build reads what lies in snippets/"),
        ("docs/en/absent", "a build reads what lies in docs/"),
        ("linked", "a build reads what lies in docs/"),
        ("other", "not the site of an earlier build"),
    ],
)
def test_a_build_into_a_folder_of_files_or_one_that_is_read_is_refused_before_anything_runs(
    project: Project, folder: str, why: str
) -> None:
    project.tests = "def test_sum() -> None:\n    assert 1 + 1 == 2\n"
    project.file("other/.mine/mine", "mine")
    project.file("other/mine.html", "mine")
    (project.folder / "linked").symlink_to("docs/theme")
    before = contents(project.write().parent)
    done = mkdocs_here(project.folder, "build", "-d", folder)
    assert done.returncode != 0
    assert why in done.stdout
    assert "Section part" not in done.stdout
    assert contents(project.folder.parent) == before


def test_a_link_stays_and_what_it_leads_to_is_replaced(project: Project) -> None:
    there = publish_by_hand(project.folder.parent / "there")
    (project.write() / "site").symlink_to(there)
    done = mkdocs_here(project.folder, "build")
    assert done.returncode == 0, done.stdout
    assert (project.folder / "site").is_symlink()
    assert (there / "index.html").is_file()
    assert not (there / "good.html").exists()


def test_a_link_in_the_place_of_a_folder_of_the_site_is_not_followed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    with staging(site, "made-up") as folder:
        put(folder / "assets", style="old")
        publish(folder, site)
    (site / "assets" / "style").rename(tmp_path / "style")
    (site / "assets").rmdir()
    (site / "assets").symlink_to(put(tmp_path / "mine", style="old"))
    with pytest.raises(ProjectError, match="makes assets"), staging(site, "made-up") as folder:
        put(folder / "assets", style="new")
        publish(folder, site)
    assert contents(tmp_path / "mine") == {"style": b"old"}


@pytest.mark.parametrize("mine", ["CNAME", "page", "page/index.html", "page/mine"])
def test_a_file_that_a_build_would_overwrite_is_named_and_the_site_stays(
    tmp_path: Path, mine: str
) -> None:
    site = publish_by_hand(tmp_path / "site")
    put((site / mine).parent, **{Path(mine).name: "mine"})
    with staging(site, "made-up") as folder:
        if mine == "page/mine":
            put(folder, page="a file, where there is a folder")
        else:
            put(folder, CNAME="example.org")
            put(folder / "page", **{"index.html": "new"})
        with pytest.raises(ProjectError, match=f"makes {mine.removesuffix('/mine')},"):
            publish(folder, site)
    assert files(site) == {"good.html": b"the last good site", mine: b"mine"}


def test_notebooks_are_written_like_a_site(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proven.cli import main

    folder = put(project.write() / "notes", mine="mine")
    monkeypatch.chdir(project.folder)
    assert main(["notebooks", "notes"]) == 1
    assert main(["notebooks", "docs/notes"]) == 1
    assert not (project.folder / "docs/notes").exists()
    assert contents(folder) == {"mine": b"mine"}
    site = publish_by_hand(project.folder / "site")
    assert main(["notebooks", "site"]) == 1
    assert contents(site) == {"good.html": b"the last good site"}
    for _ in "12":
        assert main(["notebooks", "other"]) == 0
    assert sorted(contents(project.folder / "other")) == ["index.en.ipynb", "index.zh.ipynb"]


# --- where no site can be replaced


@linux
def test_a_mounted_site_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = put(tmp_path / "a b" / "网站")
    mounts = put(
        tmp_path, mounts=f"36 35 98:0 / {site.parent.parent}/a\\040b/网站 rw - ext4 /dev/x\n"
    )
    monkeypatch.setattr(module, "MOUNTS", mounts / "mounts")
    for folder in (site, site.parent):
        with pytest.raises(ProjectError, match="a mounted folder"), staging(folder, "made-up"):
            pytest.fail("it began")


@linux
@pytest.mark.parametrize(
    "place", ["/proc/self/site", "/proc/self/a/site", "/proc/site", "/dev/null/site", "/"]
)
def test_a_place_where_nothing_can_be_made_is_named(place: str) -> None:
    with pytest.raises(ProjectError) as caught, staging(Path(place), "made-up"):
        pytest.fail("it began")
    assert "another build" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="another user is a fork")
@pytest.mark.parametrize("closed", [".", "site", "site/page"])
def test_a_folder_without_the_right_to_write_is_found_before_anything_runs(
    tmp_path: Path, closed: str
) -> None:
    site = tmp_path / "work" / "site"
    with staging(site, "made-up") as folder:
        put(folder / "page", index="old")
        publish(folder, site)
    before = contents(tmp_path)
    closed_folder = tmp_path / "work" / closed
    closed_folder.chmod(0o555)
    if not (process := os.fork()):  # root may write anywhere
        try:
            for folder in (tmp_path, *tmp_path.parents[:3]):
                folder.chmod(0o755) if os.getuid() == 0 else None
            if os.getuid() == 0:
                for path in (tmp_path / "work", *(tmp_path / "work").rglob("*")):
                    os.chown(path, 65534, 65534)
                os.setuid(65534)
            with staging(site, "made-up"):
                os._exit(1)
        except ProjectError as error:
            os._exit(0 if "not possible" in str(error) else 2)
        finally:
            os._exit(3)
    assert os.waitpid(process, 0)[1] == 0
    closed_folder.chmod(0o755)
    assert contents(tmp_path) == before


def test_a_site_that_cannot_be_renamed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, rename = publish_by_hand(tmp_path / "site"), Path.rename
    monkeypatch.setattr(module, "_exchange", lambda *_: False)
    for fails in (site.name, "site.new"):

        def refuses(self: Path, target: Path, fails: str = fails) -> Path:
            if self.name == fails:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            return rename(self, target)

        with staging(site, "made-up") as folder:
            put(folder, new="new")
            with monkeypatch.context() as patch:
                patch.setattr(Path, "rename", refuses)
                with pytest.raises(ProjectError, match="could not be replaced"):
                    publish(folder, site)
        assert contents(site) == {"good.html": b"the last good site"}
        assert [path.name for path in tmp_path.iterdir()] == ["site"]


# --- builds that are killed, and two at once


@pytest.mark.parametrize("left", [None, {"left": "left"}])
def test_a_folder_that_a_killed_build_left_is_not_published(
    tmp_path: Path, left: dict[str, str] | None
) -> None:
    site = tmp_path / "site"
    put(tmp_path / "site.new")  # it may be killed before the folder has its mark
    if left:
        put(tmp_path / "site.new", **left)
        module._mark(tmp_path / "site.new", "made-up", None)
    with staging(site, "made-up") as folder:
        put(folder, new="new")
        publish(folder, site)
    assert contents(site) == {"new": b"new"}


def test_what_a_killed_build_left_and_cannot_be_removed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "site.new", stale="stale")
    module._mark(tmp_path / "site.new", "made-up", None)

    def refuses(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr("proven.publish.shutil.rmtree", refuses)
        with pytest.raises(ProjectError, match=r"site\.new"), staging(tmp_path / "site", "made-up"):
            pytest.fail("it began")


@pytest.mark.parametrize("word", ["old", "new"])
def test_a_build_that_was_killed_between_its_last_steps_is_repaired(
    project: Project, word: str
) -> None:
    project.script = "# %% one\n1 / 0\n"
    folder = project.write()
    publish_by_hand(folder / "site").rename(folder / f"site.{word}")
    assert mkdocs_here(folder, "build").returncode != 0
    assert contents(folder / "site") == {"good.html": b"the last good site"}
    assert not (folder / f"site.{word}").exists()


LOOP = """
import sys
from pathlib import Path
from proven.publish import publish, staging
site, number = Path(sys.argv[1]), 0
while True:
    number += 1
    with staging(site, "made-up") as folder:
        for name in "abcdefgh":
            (folder / name).mkdir()
            (folder / name / "index.html").write_text(str(number))
        publish(folder, site)
    print(number, flush=True)
"""


@linux
def test_a_build_that_is_killed_at_any_moment_leaves_one_whole_site_and_all_other_files(
    tmp_path: Path,
) -> None:
    site, seed = publish_by_hand(tmp_path / "site"), int(time.time())
    print(f"seed {seed}")
    moments = random.Random(seed)
    put(site, CNAME="mine")
    put(site / ".git", HEAD="mine")
    for _ in range(25):
        process = subprocess.Popen(
            [sys.executable, "-c", LOOP, str(site)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout
        assert process.stdout.readline().strip().isdigit()
        time.sleep(moments.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = {path.read_text() for path in site.glob("?/index.html")}
        assert len(found) == 1
        assert len(list(site.glob("?/index.html"))) == 8
        with pytest.raises(KeyboardInterrupt), staging(site, "made-up"):
            raise KeyboardInterrupt  # the next build repairs first, whatever becomes of it
        assert (site / "CNAME").read_text() == (site / ".git" / "HEAD").read_text() == "mine"
        assert {path.name for path in tmp_path.iterdir()} == {"site"}


def test_two_builds_do_not_write_to_one_site_at_once(project: Project) -> None:
    folder = project.write()
    with staging(folder / "site", "made-up"):
        done = mkdocs_here(folder, "build")
        assert done.returncode != 0
        assert "nother build is writing to site/" in done.stdout
        with staging(folder / "other", "made-up"):  # while another site may be written
            pass
    with staging(folder / "site", "made-up"):  # and this one, once it is free
        pass
    site = folder / "site"
    with (
        staging(site, "made-up"),
        pytest.raises(ProjectError, match="wait for it"),
        staging(site, "made-up"),
    ):
        pytest.fail("it began")


@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_what_has_the_name_of_the_lock_and_is_none_stays(tmp_path: Path, kind: str) -> None:
    lock, other = tmp_path / ".site.lock", put(tmp_path, precious="precious") / "precious"
    if kind == "file":
        other.rename(lock)
    elif kind == "link":
        lock.symlink_to(other)
    else:
        lock.mkdir()
    before = files(tmp_path)
    told = r"needs the name \.site\.lock, and what is there was not made by one"
    with pytest.raises(ProjectError, match=told), staging(tmp_path / "site", "made-up"):
        pytest.fail("it began")
    assert files(tmp_path) == before


def test_a_name_that_no_folder_can_have_is_told(project: Project) -> None:
    with pytest.raises(ProjectError, match="no folder can be called so: embedded null"):
        place_of(project.read_settings(), "a\0b")


def test_a_lock_that_a_killed_build_left_is_taken(tmp_path: Path) -> None:
    put(tmp_path, **{".site.lock": ""})
    with staging(tmp_path / "site", "made-up"):
        assert (tmp_path / ".site.lock").exists()
    assert not (tmp_path / ".site.lock").exists()


def test_the_lock_lies_beside_the_site_whatever_the_folder_for_temporary_files(
    project: Project, tmp_path: Path
) -> None:
    folder = project.write()
    with staging(folder / "site", "made-up"):
        process = started(folder, "build", temporary=put(tmp_path / "temporary"))
        assert "nother build is writing to site/" in process.communicate()[0]
    assert process.returncode != 0


# --- a site that is served


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
            put_file((tmp_path / "page").read_bytes(), site / "page")
    finally:
        done.set()
        reader.join()
    assert seen <= texts
    assert [path.name for path in site.iterdir()] == ["page"]
