"""Small projects that the tests of the engine make up, break and build."""

import contextlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import PROJECT

CONFIG = """
site_name: Made up
docs_dir: docs/{language}
strict: true
theme: {{name: material, language: {language}, font: false}}
plugins: []
hooks: [{hooks}]
markdown_extensions:
  - attr_list
  - pymdownx.details
  - pymdownx.highlight: {{pygments_lang_class: true}}
  - pymdownx.inlinehilite:
      custom_inline:
        - name: claim
          class: claim
          format: !!python/name:snippets.engine.fences.{language}_mark
  - pymdownx.superfences:
      custom_fences:
        - name: snippet
          class: snippet
          validator: !!python/name:snippets.engine.fences.validate
          format: !!python/name:snippets.engine.fences.{language}
        - name: claims
          class: claims
          format: !!python/name:snippets.engine.fences.{language}_claims
"""
CLAIMS = "# Claims {#claims}\n\n```claims\npart\n```\n"


def page(*names: str, title: str = "# Title {#title}") -> str:
    """Write a page that shows the named snippets.

    Args:
        names: Their full names.
        title: The heading, as Markdown.

    Returns:
        The Markdown.
    """
    return "\n\n".join([title, *(f"```snippet\n{name}\n```" for name in names)]) + "\n"


def processes(mark: str) -> list[str]:
    """The processes that have something in their command, environment or working directory.

    Args:
        mark: What is looked for, such as the path of a folder.

    Returns:
        Their commands, without those that have ended and were not asked how; none where there is
        no `/proc`.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            told = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if mark.encode() in told + os.fsencode(os.readlink(folder / "cwd")):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{folder.name}: {command}")
    return found


@dataclass
class Project:
    """A project with one section, `part`, which both languages show on their home page.

    Where there are tests, each language has a page of claims, too.

    Attributes:
        folder: Where it is written.
        script: The script of the section.
        pages: The home page of each language, where it is not the plain one.
        tests: The tests of the section.
    """

    folder: Path
    script: str = '# %% one\nprint("hello")\n'
    pages: dict[str, str] = field(default_factory=dict)
    tests: str = ""

    def write(self) -> Path:
        """Write the project to disk; pages that are not given show all cells in order.

        Returns:
            The folder of the project.
        """
        engine = self.folder / "snippets" / "engine"
        if not engine.exists():
            shutil.copytree(
                PROJECT / "snippets" / "engine",
                engine,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
            (engine.parent / "__init__.py").touch()
        (engine.parent / "part.py").write_text(self.script, encoding="utf-8")
        if self.tests:
            (self.folder / "tests").mkdir(exist_ok=True)
            (self.folder / "tests" / "test_part.py").write_text(self.tests, encoding="utf-8")
        names = [
            f"part.{line.split()[2]}"
            for line in self.script.splitlines()
            if line.startswith("# %% ")
        ]
        for language in ("zh", "en"):
            folder = self.folder / "docs" / language
            folder.mkdir(parents=True, exist_ok=True)
            text = self.pages.get(language, page(*names))
            (folder / "index.md").write_text(text, encoding="utf-8")
            if self.tests:
                (folder / "claims.md").write_text(CLAIMS, encoding="utf-8")
            name = "mkdocs.yml" if language == "zh" else f"mkdocs.{language}.yml"
            hooks = engine / "hooks.py"
            (self.folder / name).write_text(
                CONFIG.format(language=language, hooks=hooks), encoding="utf-8"
            )
        return self.folder

    @property
    def section_path(self) -> Path:
        """The path of the one script."""
        return self.folder / "snippets" / "part.py"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder.

    Args:
        folder: The folder.

    Returns:
        What is in the files, by their paths.
    """
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
