"""Begins a chapter: copies `skeleton/` under a name, and lists the new page where pages are listed."""

import re

from proven.problems import Problem, ProjectError
from proven.scripts import NAME, names_section
from proven.settings import Settings, whose_module

ROW = re.compile(r"^\| \[.*\]\((?P<page>[\w-]+)\.md\) \|.*\n", re.MULTILINE)


def begin_chapter(settings: Settings, name: str) -> tuple[list[str], list[str]]:
    """Make a new chapter that builds and passes: a script, its tests, and a page in both languages.

    The page follows the last section of the home page: there, in the navigation and on the pages of
    claims and of errors. Nothing is written unless all of it can be.
    """
    project, section = settings.project, name.replace("-", "_")
    fits = NAME.fullmatch(name) and names_section(section) and len(name) <= 40
    if not fits or whose_module(settings, section):
        what = f"{name!r} is no name for a chapter"
        advice = "up to 40 letters, lower-case words joined by hyphens, no word or module of Python: make chapter name=attention-basics"
        raise ProjectError(Problem(what, advice))
    words = {
        "new-chapter": name,
        "new_chapter": section,
        "New chapter": name.replace("-", " ").capitalize(),
    }
    new: dict[str, str] = {}
    skeleton = project / "skeleton"
    for path in sorted(path for path in skeleton.rglob("*.*") if path.suffix in (".md", ".py")):
        target, text = path.relative_to(skeleton).as_posix(), path.read_text(encoding="utf-8")
        for old, word in words.items():
            target, text = target.replace(old, word), text.replace(old, word)
        new[target] = text
    taken = [path for path in (*new, f"snippets/{section}") if (project / path).exists()]
    if taken or name in settings.languages:  # the site has a folder of that name for a language
        what = f"the name {name!r} is taken"
        raise ProjectError(Problem(what, "choose another", tuple(taken)))
    changed = _listed(settings, new, name, section)
    for place, text in (new | changed).items():
        (project / place).write_text(text, encoding="utf-8", newline="\n")
    return list(new), list(changed)


def _listed(settings: Settings, new: dict[str, str], name: str, section: str) -> dict[str, str]:
    """The texts of the files that list the pages, with the new page in them."""
    project, changed, last = settings.project, dict[str, str](), ""
    for language in settings.languages:
        page = new.get(f"docs/{language}/{name}.md", "")
        title = re.search(r"^# (.*) \{", page, re.MULTILINE)
        description = re.search(r"^description: (.*)", page, re.MULTILINE)
        if not title or not description:
            what = "the file from which the page of a chapter is begun is missing, or has no title or no description"
            place = f"skeleton/docs/{language}/new-chapter.md:1"
            raise ProjectError(Problem(what, "add it, or begin by hand", (place,)))
        home = f"docs/{language}/index.md"
        text = (project / home).read_text(encoding="utf-8")
        rows = list(ROW.finditer(text))
        if not rows:
            what, advice = "the home page has no table of sections", "| [title](page.md) | … |"
            raise ProjectError(Problem(what, advice, (f"{home}:1",)))
        last, end = rows[-1]["page"], rows[-1].end()
        row = f"| [{title[1]}]({name}.md) | {description[1]} |\n"
        changed[home] = text[:end] + row + text[end:]
        claims = f"docs/{language}/claims.md"
        text = (project / claims).read_text(encoding="utf-8").rstrip("\n")
        heading = f"## [{title[1]}]({name}.md) {{#{name}}}"
        changed[claims] = f"{text}\n\n{heading}\n\n```claims\n{section}\n```\n"
        errors = project / f"docs/{language}/errors.md"
        if errors.is_file():
            text = errors.read_text(encoding="utf-8").rstrip("\n")
            entry = project / f"skeleton/errors.{language}.txt"
            told = entry.read_text(encoding="utf-8").replace("new_chapter", section)
            changed[f"docs/{language}/errors.md"] = f"{text}\n\n{heading}\n\n{told}"
    text = (project / "mkdocs.yml").read_text(encoding="utf-8")
    line = re.search(rf"^( *- ){last}\.md\n", text, re.MULTILINE)
    if not line:
        what = f"the navigation has no line `- {last}.md`, which the new page would follow"
        advice = "let it name the sections as the home page does"
        raise ProjectError(Problem(what, advice, ("mkdocs.yml:1",)))
    changed["mkdocs.yml"] = f"{text[: line.end()]}{line[1]}{name}.md\n{text[line.end() :]}"
    return changed
