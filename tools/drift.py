"""Compares the chapter under two versions of torch: `make drift TORCH=release`, `nightly` or `2.14.1`.

`look` runs every snippet and every test of the sections with the torch of its own environment, builds
the site with it, and writes what happened as JSON. `compare` turns two such files into Markdown: what
changed, with the old and the new behaviour, and what to do. `issue` puts the Markdown files into one
issue of the repository.
"""

import difflib
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
TITLE = "Drift: the chapter under newer versions of torch"
SHOWN = 12  # lines of a failure; pytest shows the rest


def look(path: Path) -> None:
    """Run all snippets and all tests of the sections, build the site, and write what happened as JSON."""
    from proven.problems import ProjectError
    from proven.project import read_project
    from proven.runner import run
    from proven.settings import read_settings

    project = read_project(read_settings(PROJECT))
    shown: dict[str, str] = {}
    versions: dict[str, str] = {}
    for name, section in project.sections.items():
        try:
            result = run(project.settings, [section])[name]
        except ProjectError as error:
            shown[name] = str(error)
            continue
        versions = result.machine.versions
        for outcome in result.outcomes.values():
            if outcome.state != "skipped":
                shown[outcome.name] = outcome.output + "".join(e.text for e in outcome.errors)

    claims: dict[str, dict[str, Any]] = {
        claim.name: {
            "place": claim.place,
            "says": claim.words["en"],
            "marks": [mark.place for mark in project.marks.get(claim.name, [])],
        }
        for claim in project.claims.values()
    }
    data = {
        "torch": versions.get("torch", "?"),
        "cuda": versions.get("CUDA"),
        "snippets": shown,
        "tests": _test(path.with_suffix(".xml")),
        "site": _build(),
        "claims": claims,
    }
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def _test(report: Path) -> dict[str, str | None]:
    """Run the tests of the sections; for each, None or why it failed."""
    modules = [str(path) for path in sorted((PROJECT / "tests").glob("test_*.py"))]
    command = [sys.executable, "-m", "pytest", "-n", "auto", f"--junitxml={report}", *modules]
    subprocess.run(command, cwd=PROJECT, check=False)
    tests: dict[str, str | None] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        failure = case.find("failure") if case.find("failure") is not None else case.find("error")
        name = f"{case.get('classname')}::{case.get('name')}"
        tests[name] = None if failure is None else str(failure.get("message"))
    return tests


def _build() -> str | None:
    """Build the site as a reader would; None, or why it cannot be built."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", f"{folder}/site"],
            cwd=PROJECT,
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},  # Material's notice is no drift
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    if not done.returncode:
        return None
    lines = [line for line in done.stdout.splitlines() if not line.startswith("INFO ")]
    return "\n".join(lines).strip() or f"exit status {done.returncode}"


def compare(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Say in Markdown what changed between two looks, that with the torch which the site pins and another one.

    It names the claims and tests that hold no longer, the site that cannot be built, and the snippets that show
    something else; for each, what to do.
    """
    lines = [f"## torch {new['torch']}, against {old['torch']}", ""]
    built = [
        f"built with CUDA {one['cuda']}" if one["cuda"] else "built without CUDA"
        for one in (new, old)
    ]
    if built[0].split()[1] != built[1].split()[1]:
        lines += [
            f"The first is {built[0]}, the second {built[1]}: some of what follows may come from that.",
            "",
        ]
    broken = {
        name: message
        for name, message in new["tests"].items()
        if message is not None and old["tests"].get(name) is None
    }
    changed = [
        name
        for name in {**old["snippets"], **new["snippets"]}
        if old["snippets"].get(name) != new["snippets"].get(name)
    ]
    unbuilt = new["site"] is not None and old["site"] is None
    if not broken and not changed and not unbuilt:
        text = "Everything holds, the site is built, and every snippet shows the same."
        return "\n".join([*lines, text, ""])
    if broken:
        lines += ["### Statements that hold no longer", ""]
        for name, message in broken.items():
            claim = new["claims"].get(name.split("::")[1].removeprefix("test_"))
            lines += _advice(name, claim, new["torch"])
            lines += _block(message.splitlines()[:SHOWN])
    if unbuilt:
        what = f"`mkdocs build --strict` fails under torch {new['torch']}, and not under {old['torch']}:"
        lines += ["### The site that cannot be built", "", f"- {what}", ""]
        lines += _block(new["site"].splitlines())
    if changed:
        lines += ["### Snippets that show something else", ""]
        for name in changed:
            diff = difflib.unified_diff(
                old["snippets"].get(name, "").splitlines(),
                new["snippets"].get(name, "").splitlines(),
                old["torch"],
                new["torch"],
                lineterm="",
            )
            lines += [f"- `{name}`: read the text around it again, in both languages", ""]
            lines += _block(diff)
    return "\n".join(lines)


def _advice(test: str, claim: dict[str, Any] | None, version: str) -> list[str]:
    """What holds no longer, in a sentence, and what a maintainer does about it."""
    if claim is None:
        return [f"- `{test}` fails under torch {version}; it is no claim, so mend the test", ""]
    marks = ", ".join(claim["marks"]) or "no page"
    what = f"`{test}` does not hold under torch {version}: {claim['says']}"
    widen = (
        f"Word it so that it holds under both versions, at {claim['place']} and in the sentences"
    )
    return [f"- {what}", "", f"  {widen} at {marks}.", ""]


def _block(lines: Iterable[str]) -> list[str]:
    """Lines as code, inside of an item of a list."""
    return [*(f"      {line}" for line in lines), ""]


def issue(folder: Path) -> None:
    """Open the one issue on drift, or bring it up to date, with GitHub's own command line, of all reports in a folder."""
    body = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("drift.*.md")))
    gh = ["gh", "issue"]
    search = [*gh, "list", "--state", "open", "--json", "number,title"]
    search += ["--search", f'"{TITLE}" in:title']
    found = json.loads(subprocess.run(search, check=True, capture_output=True, text=True).stdout)
    number = next((str(row["number"]) for row in found if row["title"] == TITLE), None)
    if number:
        command = [*gh, "edit", number, "--body-file", "-"]
    elif "###" in body:
        command = [*gh, "create", "--title", TITLE, "--body-file", "-"]
    else:
        print("Nothing changed, and there is no open issue.")
        return
    subprocess.run(command, check=True, input=body, text=True)


def main(command: str, *paths: str) -> None:
    """Run `look FILE`, `compare OLD NEW REPORT` or `issue FOLDER`."""
    if command == "look":
        look(Path(paths[0]))
    elif command == "compare":
        old, new = (json.loads(Path(path).read_text(encoding="utf-8")) for path in paths[:2])
        text = compare(old, new)
        Path(paths[2]).write_text(text, encoding="utf-8")
        print(text)
    else:
        issue(Path(paths[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
