"""Zensical as the generator: `python -m proven.generators.zensical site/` in the project's folder.

Zensical runs no plugins: each language is staged in a folder of its own, with all that the templates
have to know in the front matter and in the configuration, and what Zensical makes of it is collected.
"""

import argparse
import functools
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from markdown import Markdown
from markdown.postprocessors import Postprocessor

from proven.build import begin_site
from proven.config import Config, halves_of, read_configs
from proven.fences import Fences
from proven.files import Files, make_files, page_meta, theme_extra
from proven.finish import finish, write_files
from proven.offline import write_offline_copy
from proven.problems import Problem, ProjectError
from proven.publish import publish, staging
from proven.settings import find_project, read_settings
from proven.views import Site

SHOWN = "PROVEN_SHOWN"  # names the file that holds what the fences show
MODULE = "proven.generators.zensical"  # what follows `python -m` has another name inside
SUPERFENCES = "pymdownx.superfences"  # Zensical puts it after ours where it does not find it
KEPT = "kept:"  # before an address that Zensical is to leave alone, like one of another host
DROPPED = ("proven", "mkdocs-jupyter")  # plugins of MkDocs
RELATIVE = re.compile(r'\s(href|src)="(?!\w+:|[/#])')
FRONT_MATTER = re.compile(r"\A---.*?^---[^\n]*\n", re.DOTALL | re.MULTILINE)


def build(project: Path, target: Path) -> None:
    """Build the site of a project, all or nothing.

    Args:
        project: The folder of the project.
        target: The folder of the site.

    Raises:
        ProjectError: All that is wrong.
    """
    settings = read_settings(project)
    configs = read_configs(settings)
    main = configs[settings.main]
    target.parent.mkdir(parents=True, exist_ok=True)
    with staging(target) as folder, tempfile.TemporaryDirectory() as temporary:
        halves = halves_of(settings, configs, main.get("site_url"))
        site = begin_site(settings, halves, main.get("nav"))
        files = make_files(site)
        stages = {language: Path(temporary, language) for language in settings.languages}
        for language, stage in stages.items():
            write_stage(site, language, configs[language], files, stage)
        _render(list(stages.values()))
        for language, stage in stages.items():
            root = folder / settings.root(language)
            shutil.copytree(stage / "site", root, dirs_exist_ok=True)
        for path in folder.rglob("*.html"):
            text = path.read_text(encoding="utf-8").replace(f'="{KEPT}', '="')
            path.write_text(text, encoding="utf-8")
        for language in stages:
            finish(site, language, folder)
        write_files(folder, files)
        write_offline_copy(folder, settings.name)
        publish(folder, target)


def write_stage(site: Site, language: str, config: Config, files: Files, stage: Path) -> None:
    """Write all that Zensical needs for the pages of one language.

    Args:
        site: What they show.
        language: Their language.
        config: Their configuration, as the project has it.
        files: What can be downloaded.
        stage: The folder that is written.
    """
    settings = site.project.settings
    docs = stage / "docs"
    shutil.copytree(settings.project / config.get("docs_dir", "docs"), docs)
    for page in site.project.pages[language].values():
        meta = yaml.safe_dump({**page.meta, **page_meta(site, page)}, allow_unicode=True)
        body = FRONT_MATTER.sub("", page.text)
        (docs / page.path).write_text(f"---\n{meta}---\n{body}", encoding="utf-8")
    text = yaml.dump(_config(site, language, config), allow_unicode=True, sort_keys=False)
    (stage / "mkdocs.yml").write_text(text, encoding="utf-8")
    (stage / "shown").write_bytes(pickle.dumps((site, language, files)))


def _config(site: Site, language: str, config: Config) -> Config:
    """A configuration for the stage: no plugins of ours, but the fences, and no path of the project."""
    theme = dict(config.get("theme") or {})
    if "custom_dir" in theme:
        theme["custom_dir"] = str((site.project.settings.project / theme["custom_dir"]).resolve())
    theme.setdefault("variant", "classic")  # our styles are made for how Material looks
    extensions = _table(config.get("markdown_extensions"))
    made = {
        **config,
        "docs_dir": "docs",
        "site_dir": "site",
        "site_url": site.halves[language].address or None,
        "theme": theme,
        "extra": theme_extra(site, language, config.get("extra") or {}),
        "plugins": {k: v for k, v in _table(config.get("plugins")).items() if k not in DROPPED},
        "markdown_extensions": {SUPERFENCES: {}, **extensions, MODULE: {}},
    }
    made.pop("watch", None)
    if not made.get("repo_url"):  # links to edit a page need a repository
        made.pop("edit_uri", None)
    return made


def _table(entries: Any) -> dict[str, Any]:
    """One table of what may also be a list of names and of tables."""
    if not isinstance(entries, list):
        return dict(entries or {})
    parts = (entry if isinstance(entry, dict) else {entry: {}} for entry in entries)
    return {name: options for part in parts for name, options in part.items()}


def _render(stages: list[Path]) -> None:
    """Let Zensical make the pages of all stages, side by side."""
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", "mkdocs.yml"]
    running = [
        subprocess.Popen(
            command,
            cwd=stage,
            env={**os.environ, SHOWN: str(stage / "shown")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        for stage in stages
    ]
    for process in running:
        told, _ = process.communicate()
        if process.returncode:
            raise ProjectError(Problem(f"Zensical did not build the pages:\n{told}", "correct it"))


class _Kept(Postprocessor):
    """Lets the addresses in HTML stay as they are: Zensical takes them for those of Markdown."""

    def run(self, text: str) -> str:
        stash = self.md.htmlStash.rawHtmlBlocks
        for number, block in enumerate(stash):
            if isinstance(block, str):
                stash[number] = RELATIVE.sub(
                    rf"\g<0>{KEPT}", str(block)
                )  # no Markup, which would escape it
        return text


class _StagedFences(Fences):
    def extendMarkdown(self, md: Markdown) -> None:
        super().extendMarkdown(md)
        before_html_is_put_back = 100
        md.postprocessors.register(_Kept(md), "kept", before_html_is_put_back)


@functools.cache
def _shown(path: str) -> tuple[Site, str, Files]:
    return pickle.loads(Path(path).read_bytes())  # type: ignore[no-any-return]


def makeExtension(**_: Any) -> Fences:
    """Make the extension that the configuration of a stage names; Python-Markdown calls this."""
    return _StagedFences(*_shown(os.environ[SHOWN]))


def main(arguments: list[str] | None = None) -> None:
    """Read the command and build."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}")
    parser.add_argument("target", type=Path, help="the folder of the site")
    try:
        build(find_project(), parser.parse_args(arguments).target.resolve())
    except ProjectError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
