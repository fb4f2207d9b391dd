"""Puts a finished site in the place of the one before, all or nothing."""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from proven.problems import Problem, ProjectError


@contextlib.contextmanager
def staging(site: Path) -> Iterator[Path]:
    """Give a build a folder of its own beside the site, and let no other build write there.

    The folder is removed at the end, unless it was published.
    """
    name = hashlib.sha256(str(site).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"proven-notes-{name}.lock"
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        what = f"another build is writing to {site.name}/"
        raise ProjectError(Problem(what, "wait for it")) from None
    folder, previous = site.with_name(f"{site.name}.new"), _previous(site)
    try:
        if previous.exists() and not site.exists():
            previous.rename(site)  # a build was killed between the two steps of `publish`
        shutil.rmtree(folder, ignore_errors=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            path.unlink()  # while it is still held: who waits looks again
        lock.release()


def publish(folder: Path, site: Path) -> None:
    """Put a finished folder in the place of the site."""
    previous = _previous(site)
    shutil.rmtree(previous, ignore_errors=True)
    if site.exists():
        site.rename(previous)
    folder.rename(site)
    shutil.rmtree(previous, ignore_errors=True)


def replace_files(folder: Path, site: Path) -> None:
    """Bring a site that is being served up to date, file by file."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        replace_file(path, site / path.relative_to(folder))
    for path in sorted(path for path in site.rglob("*") if path.is_file()):
        if not (folder / path.relative_to(site)).exists():
            path.unlink()


def replace_file(path: Path, target: Path) -> None:
    """Put a file in the place of another, unless they are the same: nobody reads half of it."""
    content = path.read_bytes()
    if not target.is_file() or target.read_bytes() != content:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(content)
        part.replace(target)


def _previous(site: Path) -> Path:
    return site.with_name(f"{site.name}.old")
