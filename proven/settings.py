"""Reads `proven.toml`: what is different from site to site, in one place."""

import os
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.machinery import PathFinder
from pathlib import Path

from proven.data import from_data
from proven.problems import Problem, ProjectError, decode

FILE = "proven.toml"
NAME = re.compile(r"\w[\w.-]{0,59}")
COUNTED = ("words", "characters", "snippets", "questions")  # of the core of a section


@dataclass(frozen=True)
class Settings:
    """What a project says of itself."""

    project: Path  # its folder; all other paths are relative to it
    name: str  # of its archives, and of the folder that they unpack to
    languages: tuple[str, ...]  # their codes; the first one's pages are at the root of the site
    # the order of the languages in comments (`# English | 中文`) and in docstrings, if it is another
    written: tuple[str, ...] = ()
    # modules that most sections import: imported once, before any section starts
    ahead: tuple[str, ...] = ()
    # sections that take longest: started before the others, so that none is alone at the end
    first: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()  # whose versions the site tells
    # for each kind of device that a cell may need, the `module` that counts them, and the expression
    # that does so (`count`) in what readers run
    devices: dict[str, dict[str, str]] = field(default_factory=dict)
    # phrases of the engine, by language, that are other than its own or missing there
    words: dict[str, dict[str, str]] = field(default_factory=dict)
    # how much the core of a section may ask of its reader, of each of COUNTED; `characters` in the place
    # of `words` where a language is written in Han characters
    core: dict[str, int] = field(default_factory=dict)
    # what no cell may change for the cells after it: modules and classes, whose functions stay, and
    # other expressions, whose value stays
    same: tuple[str, ...] = ()
    sections: str = "snippets"  # the folder of the section scripts
    tests: str = "tests"
    docs: str = "docs"  # the folder that holds a folder of pages for each language

    @property
    def main(self) -> str:
        """The language at the root of the site."""
        return self.languages[0]

    def root(self, language: str) -> str:
        """The address of a language's home page, from the root of the site: empty, or `en/`."""
        return "" if language == self.main else f"{language}/"


def read_settings(project: Path) -> Settings:
    """Read the settings of a project."""
    _working_directory()
    project = project.resolve()  # as Python names the files that a section reads
    if not __debug__:
        what = "Python leaves assertions out (-O or PYTHONOPTIMIZE), and every proof is one"
        raise ProjectError(Problem(what, "run it without", (f"{FILE}:1",)))
    here, ours = project / "proven", Path(__file__).parent
    if (here / Path(__file__).name).is_file() and not here.samefile(ours):
        what = f"the project has an engine of its own, and this one is in {ours}"
        advice = "run it in its folder as python -m mkdocs …, or install it into this environment"
        raise ProjectError(Problem(what, advice, ("proven/",)))
    path = project / FILE
    if not path.is_file():
        what = f"there is no {FILE} in this folder: it says which languages the site has"
        raise ProjectError(Problem(what, "go to the folder of the project", (f"{FILE}:1",)))
    try:
        table = tomllib.loads(decode(path.read_bytes(), FILE))
        if "project" in table:
            raise ValueError("project is the folder of the file, and nothing to be set")
        made: Settings = from_data(Settings, {**table, "project": str(project)}, "the file")
        made = replace(made, written=made.written or made.languages)
        if not made.languages or len(set(made.languages)) < len(made.languages):
            raise ValueError("languages = [...] names no language, or one twice")
        if sorted(made.written) != sorted(made.languages):
            raise ValueError("written = [...] names other languages than languages = [...]")
        if names := [n for n in (made.name, *made.languages) if not NAME.fullmatch(n)]:
            raise ValueError(f"{names[0]!r} is no name of files: up to 60 letters, digits, hyphens")
        folders = [Path(folder) for folder in (made.sections, made.tests, made.docs)]
        if any(folder.is_absolute() or ".." in folder.parts for folder in folders):
            raise ValueError("sections, tests and docs are folders inside of the project")
        for key in {"sections", "tests", "docs"} & table.keys():
            usual = Settings.__dataclass_fields__[key].default  # which need not be there
            if table[key] != usual and not os.path.isdir(project / table[key]):
                raise ValueError(f"{key} names a folder that there is not: {table[key][:60]!r}")
        if any(name not in COUNTED or count < 0 for name, count in made.core.items()):
            raise ValueError(f"core has a number for each of {', '.join(COUNTED)}, and no other")
        if any(device.keys() != {"module", "count"} for device in made.devices.values()):
            raise ValueError("a kind of devices has a module and a count, and nothing else")
    except (ValueError, RecursionError) as error:
        advice = "proven/settings.py lists what can stand there"
        raise ProjectError(Problem(str(error), advice, (f"{FILE}:1",))) from None
    if shadows := list(_shadows(made)):
        raise ProjectError(*shadows)
    return made


def _shadows(settings: Settings) -> Iterator[Problem]:
    """Find modules that somebody would import in the place of others of the same name."""
    folders = [settings.project / name for name in (".", settings.sections, settings.tests)]
    for path in (path for folder in folders for path in sorted(folder.glob("*.py"))):
        if whose := whose_module(settings, path.stem):
            what = f"the file has the name of the module {path.stem} {whose}, and would be imported for it"
            place = path.relative_to(settings.project).as_posix()
            yield Problem(what, "rename it", (f"{place}:1",))


def whose_module(settings: Settings, name: str) -> str:
    """Where a module of this name is that is none of the project; empty if there is none."""
    if name in sys.stdlib_module_names:
        return "of Python"
    ours = [settings.project / part for part in (".", settings.sections, settings.tests)]
    found = PathFinder.find_spec(
        name, [path for path in sys.path if Path(path).resolve() not in ours]
    )
    return f"in {found.origin}" if found else ""


def find_project() -> Path:
    """The folder of the project that the working directory lies in."""
    here = _working_directory()
    return next((folder for folder in (here, *here.parents) if (folder / FILE).is_file()), here)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        what = "the folder in which this was started is gone"
        advice = "go to one that there is, such as the folder of the project"
        raise ProjectError(Problem(what, advice)) from None
