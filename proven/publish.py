"""Puts a finished site in the place of the one before, all or nothing, and destroys nothing else.

A folder that a build made is marked: a hidden file says of which project it is, and which files were
put there, each with its hash. Only these are ever replaced or removed.
"""

import contextlib
import ctypes
import hashlib
import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from proven.problems import Problem, ProjectError
from proven.settings import Settings

MARKER = ".proven.json"
MOUNTS = Path("/proc/self/mountinfo")  # on Linux: also folders that are mounted from the same disk


def place_of(settings: Settings, folder: str | Path) -> Path:
    """Where a site goes, without links: not where the project is read, as the next build would read it."""
    try:
        site = Path(os.path.realpath(folder))
    except ValueError as error:
        what = f"no folder can be called so: {error}"
        raise _refused(what, "name another folder", Path(folder)) from None
    for name in (settings.sections, settings.tests, settings.docs):
        read = (settings.project / name).resolve()
        if site.is_relative_to(read) and read != settings.project:
            what = f"a build reads what lies in {name}/, and the next one would read this site"
            raise _refused(what, "name another folder", site)
    return site


@contextlib.contextmanager
def staging(site: Path, project: str) -> Iterator[Path]:
    """Give a build a folder of its own beside the site, and let no other build write there.

    The site is a path without links; there need not be anything. What is there is refused if no build of this
    project made it, or if it cannot be replaced. The folder is removed at the end, unless it was published.
    """
    with contextlib.ExitStack() as at_end:
        try:
            site.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(site.with_name(f".{site.name}.lock"), timeout=0)
            if _holds(Path(lock.lock_file)):
                raise _taken(Path(lock.lock_file))
            lock.acquire()
            at_end.callback(_release, lock)
            folder = _prepare(site, project)
        except Timeout:
            what, advice = f"another build is writing to {site.name}/", "wait for it"
            if not os.path.lexists(lock.lock_file):  # in /proc nobody may, and no error says so
                what = f"no file can be made in {site.parent}"
                advice = "name a folder in which you may write: -d …"
            raise _refused(what, advice, site) from None
        except (OSError, ValueError) as error:
            what = f"a site is made beside the last one, and here this is not possible: {error}"
            advice = "name a folder in which you may write: -d …"
            raise _refused(what, advice, site) from None
        try:
            yield folder
        finally:
            with contextlib.suppress(OSError, ProjectError):  # the next build tells
                _put_away(folder, site)


def _release(lock: FileLock) -> None:
    with contextlib.suppress(OSError):  # Windows removes no file that is open
        if not _holds(Path(lock.lock_file)):
            Path(lock.lock_file).unlink()  # while it is still held: who waits looks again
    lock.release()


def _holds(path: Path) -> bool:
    """Whether there is something else than an empty file, such as a lock is."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return found.st_size > 0 or not stat.S_ISREG(found.st_mode)


def publish(folder: Path, site: Path) -> None:
    """Put a finished folder in the place of the site, whose other files stay."""
    project = _made(folder)["project"]
    _mark(folder, project, _hashes(folder))
    for name in _foreign(site, folder, _files(site) or {}):
        if os.path.lexists(folder / name) or any(p.is_file() for p in (folder / name).parents):
            what = f"the build makes {name}, and the file of this name was not made by a build"
            raise _refused(what, "move one of them", site / name)
    try:
        if site.exists() and not _made(site):
            # it has hidden files, such as a new `.git`, and none of a build
            _mark(site, project, {})
        if not site.exists():
            folder.rename(site)
        elif _exchange(folder, site):
            _put_away(folder, site)
        else:
            old = _beside(site, "old")
            site.rename(old)
            try:
                folder.rename(site)
            except BaseException:
                old.rename(site)
                raise
            _put_away(old, site)
    except OSError as error:
        what = f"the site could not be replaced: {error}"
        raise _refused(what, "build into another folder, or remove what is there", site) from None


def replace_files(folder: Path, site: Path) -> None:
    """Bring a site that is being served up to date, file by file."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        put_file(path.read_bytes(), site / path.relative_to(folder))
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        if not (folder / path.relative_to(site)).exists():
            path.unlink()


def put_file(content: bytes, target: Path) -> None:
    """Write a file, unless it is there in the same form: nobody reads half of it."""
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(content)
        part.replace(target)


def _prepare(site: Path, project: str) -> Path:
    """Repair what a killed build left, see that the site can be replaced, and make the folder for the next."""
    for left in (_beside(site, "old"), _beside(site, "new")):
        if not os.path.lexists(left):
            continue
        a_folder = left.is_dir() and not left.is_symlink()
        # a build that was killed at once has only begun to write the mark
        begun = {MARKER, f"{MARKER}.part"}
        others = a_folder and any(path.name not in begun for path in left.iterdir())
        if not a_folder or (_made(left).get("project") != project and others):
            raise _taken(left)
        if _files(left) is not None and not site.exists():
            left.rename(site)
        else:
            _put_away(left, site)
    _check(site, project)
    folder = _beside(site, "new")
    folder.mkdir()
    _mark(folder, project, None)
    return folder


def _check(site: Path, project: str) -> None:
    """Refuse a site that cannot be replaced, or that no build of this project made."""
    if not site.exists():
        return
    if not site.is_dir():
        raise _refused("the site would take the place of a file", "name another folder", site)
    paths = [line.split()[4] for line in MOUNTS.read_text().splitlines()] if MOUNTS.exists() else []
    mounts = [re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), path) for path in paths]
    if os.path.ismount(site) or any(Path(mount).is_relative_to(site) for mount in mounts):
        advice = "name a folder inside of it, such as -d site/public"
        raise _refused("a mounted folder can be replaced by none that is complete", advice, site)
    made = _made(site)
    if made.get("project", project) != project:
        what = f"the folder was made by a build of {made['project']!r}, and this is {project!r}"
        raise _refused(what, "name another folder, or remove it if nothing in it is needed", site)
    if not made and any(path.name[0] != "." for path in site.iterdir()):
        what = "the folder holds files, and is not the site of an earlier build: they would be lost"
        raise _refused(what, "name an empty folder, or remove it if nothing in it is needed", site)
    files = _files(site) or {}
    for name in files:
        if (site / name).is_file() and _sha256(site / name) != files[name]:
            advice = "move it elsewhere, or remove it if the change is not needed"
            raise _refused("the file was changed since a build made it", advice, site / name)
    for folder in {site, *((site / name).parent for name in files)}:
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(folder))


def _put_away(folder: Path, site: Path) -> None:
    """Remove a folder that a build made; what else was in it returns to the site."""
    if not folder.exists():
        return
    if (files := _files(folder)) is not None:  # it was a site
        for name in list(_foreign(folder, site, files)):
            if os.path.lexists(site / name):
                raise _refused("the file is in the new site, too", "move it", folder / name)
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).rename(site / name)
    # the mark goes last: what is left is known to be a build's
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        elif entry.name != MARKER:
            os.unlink(entry.path)
    shutil.rmtree(folder)


def _foreign(folder: Path, other: Path, files: dict[str, str], inside: str = "") -> Iterator[str]:
    """What lies in a folder and was put there by no build; a folder as a whole if the other lacks it."""
    if not folder.is_dir():
        return
    for entry in sorted(os.scandir(folder / inside), key=lambda entry: entry.name):
        name = f"{inside}{entry.name}"
        there = (other / name).is_dir() and not (other / name).is_symlink()
        there = there or any(path.startswith(f"{name}/") for path in files)
        if entry.is_dir(follow_symlinks=False) and there:
            yield from _foreign(folder, other, files, f"{name}/")
        elif name != MARKER:
            ours = entry.is_file(follow_symlinks=False) and name in files
            if not ours or _sha256(folder / name) != files[name]:
                yield name


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step, so that there is a site at any moment; on Linux."""
    try:
        exchange = ctypes.CDLL(None).renameat2
    except (AttributeError, TypeError, OSError):
        return False
    paths = (-100, os.fsencode(one), -100, os.fsencode(other))  # AT_FDCWD; 2 is RENAME_EXCHANGE
    return sys.platform == "linux" and not exchange(*paths, 2)


def _mark(folder: Path, project: str, files: dict[str, str] | None) -> None:
    text = json.dumps({"project": project, "files": files}, indent=1, ensure_ascii=False)
    part = folder / f"{MARKER}.part"  # a mark is whole, or it is not there
    part.write_text(text, encoding="utf-8")
    part.replace(folder / MARKER)


def _made(folder: Path) -> dict[str, Any]:
    """What the mark of a folder says; nothing if a build did not make it."""
    try:
        made = json.loads((folder / MARKER).read_bytes())
    except (OSError, ValueError):
        return {}
    known = isinstance(made, dict) and isinstance(made.get("files"), dict | None)
    return made if known and "project" in made else {}


def _files(folder: Path) -> dict[str, str] | None:
    """The files that a build put into a folder, with their hashes; None while it is being made."""
    return _made(folder).get("files")


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MARKER)
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _beside(site: Path, word: str) -> Path:
    return site.with_name(f"{site.name}.{word}")


def _taken(path: Path) -> ProjectError:
    what = f"a build needs the name {path.name}, and what is there was not made by one"
    return _refused(what, "move it", path)


def _refused(what: str, advice: str, path: Path) -> ProjectError:
    return ProjectError(Problem(what, advice, (str(path),)))
