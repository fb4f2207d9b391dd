"""Removes what the make targets made: `make clean`. It needs no package, since `.venv` may be broken.

Of a site it removes the files that a build put there and that nobody has changed since; a hidden file,
the mark of the build, lists them with their hashes.
"""

import hashlib
import json
import os
import shutil
import sys
import tomllib
from pathlib import Path

MADE = (
    ".venv",
    "node_modules",
    "build",
    ".cache",
    ".hypothesis",
    ".pytest_cache",
    ".ruff_cache",
    ".mypy_cache",
)
SITES = ("site", "site.new", "site.old")
MARKER = ".proven.json"  # as proven/publish.py writes it, which needs packages


def clean(project: Path) -> list[str]:
    """Remove it; return the paths of what stays, since no build of this project made it."""
    for name in MADE:
        path = project / name
        if path.is_symlink():
            path.unlink()
        else:
            shutil.rmtree(path, ignore_errors=True)
    name = tomllib.loads((project / "proven.toml").read_text(encoding="utf-8"))["name"]
    stays = []
    for site in (project / name for name in SITES):
        if site.is_dir():
            _clean_site(site, name)
        if site.is_dir() and any(site.iterdir()):
            stays += [path.relative_to(project).as_posix() for path in sorted(site.iterdir())]
    return stays


def _clean_site(site: Path, project: str) -> None:
    try:
        mark = json.loads((site / MARKER).read_bytes())
        if mark["project"] != project:
            return
        files = dict(mark["files"] or {})
    except (OSError, ValueError, KeyError, TypeError):
        return
    if mark["files"] is None and not site.is_symlink():  # a build that was killed
        shutil.rmtree(site)
        return
    for name, sha256 in files.items():
        path = site / name
        known = path.is_file() and not path.is_symlink()
        if known and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            path.unlink()
    for folder, _, _ in os.walk(site, topdown=False):
        if not os.listdir(folder):
            os.rmdir(folder)
    if [path.name for path in site.iterdir()] == [MARKER]:
        (site / MARKER).unlink()
        if not site.is_symlink():
            site.rmdir()


def main() -> int:
    """Clean the project; the exit status is 1 if something stays."""
    project = Path(__file__).resolve().parents[1]
    stays = clean(project)
    for name in stays:
        print(f"{name} stays: no build of this project made it, or it was changed since", end=". ")
        print("Move it, or remove it by hand if nothing in it is needed.")
    return 1 if stays else 0


if __name__ == "__main__":
    sys.exit(main())
