"""Checks the typography of the Chinese text with AutoCorrect: pages, README and CONTRIBUTING, comments, claims."""

import re
import sys
from pathlib import Path

from autocorrect_py import lint_for

PROJECT = Path(__file__).parents[1]
HAN = re.compile(r"[\u4e00-\u9fff]")


def _in_both(pattern: str) -> list[Path]:
    """The files of the project and of its skeleton."""
    return [path for root in (PROJECT, PROJECT / "skeleton") for path in sorted(root.glob(pattern))]


def findings() -> list[str]:
    """List what AutoCorrect would change, a line each, as `file:line: old → new`."""
    pages = [*PROJECT.glob("*.zh.md"), *_in_both("docs/zh/**/*.md")]
    texts = {path: path.read_text(encoding="utf-8") for path in pages}
    for path in _in_both("snippets/*.py"):
        # as Markdown with the line numbers of the script: the Chinese half of each comment
        lines = path.read_text(encoding="utf-8").splitlines()
        halves = (re.search(r"# .* \| (.*)", line) for line in lines)
        texts[path] = "\n\n".join(half[1] if half else "" for half in halves)
    for path in _in_both("tests/test_*.py"):
        # the same of the docstrings of claims: every line with Chinese in it
        lines = path.read_text(encoding="utf-8").splitlines()
        texts[path] = "\n\n".join(line.strip() if HAN.search(line) else "" for line in lines)
    found = []
    for path, text in texts.items():
        for result in lint_for(text, "markdown").lines:
            line = result.line if path.suffix == ".md" else (result.line + 1) // 2
            found.append(f"{path.relative_to(PROJECT)}:{line}: {result.old} → {result.new}")
    return found


if __name__ == "__main__":
    print("\n".join(findings()), end="\n" if findings() else "")
    sys.exit(bool(findings()))
