"""Compares the chapter under two versions of torch: `make drift TORCH=release` or `nightly`.

`look` runs every snippet and every test of the sections with the torch of its own environment and
writes what happened as JSON. `compare` turns two such files into Markdown: what changed, with the
old and the new behaviour. `issue` puts the Markdown files into one issue of the repository.
"""

import difflib
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
TITLE = "Drift: the chapter under newer versions of torch"


def look(path: Path) -> None:
    """Run all snippets and all tests of the sections, and write what they did.

    Args:
        path: The JSON file to write.
    """
    from snippets.engine.errors import SnippetError
    from snippets.engine.runner import Runner
    from snippets.engine.scripts import read_sections

    sections = read_sections(PROJECT / "snippets")
    shown: dict[str, str] = {}
    runner = Runner(sections)
    version = "?"
    for name in sections:
        try:
            result = runner.result(name)
        except SnippetError as error:
            shown[name] = str(error)
            continue
        version = result.machine.torch
        for outcome in result.outcomes.values():
            if outcome.state != "skipped":
                shown[outcome.name] = outcome.output + (outcome.error or "")
    runner.close()

    report = path.with_suffix(".xml")
    modules = [str(p) for p in sorted((PROJECT / "tests").glob("test_*.py"))]
    command = [sys.executable, "-m", "pytest", "-n", "auto", f"--junitxml={report}", *modules]
    subprocess.run(command, cwd=PROJECT, check=False)
    tests: dict[str, str | None] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        failure = case.find("failure") if case.find("failure") is not None else case.find("error")
        name = f"{case.get('classname')}::{case.get('name')}"
        tests[name] = None if failure is None else str(failure.get("message"))
    data = {"torch": version, "snippets": shown, "tests": tests}
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8")


def compare(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Say what changed between two looks.

    Args:
        old: What `look` wrote with the torch that the site pins.
        new: What it wrote with the other one.

    Returns:
        Markdown: the tests that hold no longer, and the snippets that show something else.
    """
    lines = [f"## torch {new['torch']}, against {old['torch']}", ""]
    broken = [
        (name, message)
        for name, message in new["tests"].items()
        if message is not None and old["tests"].get(name) is None
    ]
    changed = [
        name
        for name in {**old["snippets"], **new["snippets"]}
        if old["snippets"].get(name) != new["snippets"].get(name)
    ]
    if not broken and not changed:
        return "\n".join([*lines, "Everything holds, and every snippet shows the same.", ""])
    if broken:
        lines += ["### Statements that hold no longer", ""]
        for name, message in broken:
            lines += [
                f"- `{name}`",
                "",
                *(f"      {line}" for line in message.splitlines()[:12]),
                "",
            ]
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
            lines += [f"- `{name}`", "", *(f"      {line}" for line in diff), ""]
    return "\n".join(lines)


def issue(folder: Path) -> None:
    """Open the one issue on drift, or bring it up to date, with GitHub's own command line.

    Args:
        folder: The folder with the Markdown files.
    """
    body = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("drift.*.md")))
    gh = ["gh", "issue"]
    search = [
        *gh,
        "list",
        "--state",
        "open",
        "--search",
        f'"{TITLE}" in:title',
        "--json",
        "number,title",
    ]
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
    """Run one of the three commands.

    Args:
        command: `look`, `compare` or `issue`.
        paths: Its files: one to write; two to compare and one to write; a folder of reports.
    """
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
