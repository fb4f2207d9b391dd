"""Reads `proven.toml`: what is different from site to site, in one place."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proven.problems import Problem, ProjectError, decode

FILE = "proven.toml"


@dataclass(frozen=True)
class Settings:
    """What a project says of itself.

    Attributes:
        project: Its folder; all other paths are relative to it.
        name: The name of its archives and of the folder that they unpack to.
        languages: The codes of its languages; the first one's pages are at the root of the site.
        written: The order of the languages in comments (`# English | 中文`) and in docstrings.
        ahead: Modules that most sections import: imported once, before any section starts.
        first: Sections that take longest: started before the others, so that none is alone at the end.
        packages: The packages whose versions the site tells.
        devices: For each kind of device that a cell may need, the `module` that counts them, and the
            expression that does so (`count`) in what readers run.
        words: Phrases of the engine, by language, that are other than its own or missing there.
        core: How much the core of a section may ask of its reader: `words` (of languages that are
            not written in Han characters), `characters`, `snippets`, `questions`.
        same: What no cell may change for the cells after it: modules and classes, whose functions stay,
            and other expressions, whose value stays.
        sections: The folder of the section scripts.
        tests: The folder of their tests.
        docs: The folder that holds a folder of pages for each language.
    """

    project: Path
    name: str
    languages: tuple[str, ...]
    written: tuple[str, ...]
    ahead: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    devices: dict[str, dict[str, str]] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    core: dict[str, int] = field(default_factory=dict)
    same: tuple[str, ...] = ()
    sections: str = "snippets"
    tests: str = "tests"
    docs: str = "docs"

    @property
    def main(self) -> str:
        """The language at the root of the site."""
        return self.languages[0]

    def root(self, language: str) -> str:
        """The address of a language's home page, from the root of the site: empty, or `en/`."""
        return "" if language == self.main else f"{language}/"


def read_settings(project: Path) -> Settings:
    """Read the settings of a project."""
    if not __debug__:
        what = "Python leaves assertions out (-O or PYTHONOPTIMIZE), and every proof is one"
        raise ProjectError(Problem(what, "run it without", (f"{FILE}:1",)))
    path = project / FILE
    if not path.is_file():
        what = f"there is no {FILE} in this folder: it says which languages the site has"
        raise ProjectError(Problem(what, "go to the folder of the project", (f"{FILE}:1",)))
    lists = ("languages", "written", "ahead", "first", "packages", "same")
    try:
        table = tomllib.loads(decode(path.read_bytes(), FILE))
        if wrong := [key for key in lists if not isinstance(table.get(key, []), list)]:
            raise ValueError(f"{wrong[0]} = … is no list")
        values: dict[str, Any] = {
            key: tuple(value) if key in lists else value for key, value in table.items()
        }
        if not values.get("languages"):
            raise ValueError("languages = [...] names no language")
        values.setdefault("written", values["languages"])
        if sorted(values["written"]) != sorted(values["languages"]):
            raise ValueError("written = [...] names other languages than languages = [...]")
        return Settings(project, **values)
    except (ValueError, TypeError) as error:
        advice = "proven/settings.py lists what can stand there"
        raise ProjectError(Problem(str(error), advice, (f"{FILE}:1",))) from None


def find_project() -> Path:
    """The folder of the project that the working directory lies in."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / FILE).is_file()), here)
