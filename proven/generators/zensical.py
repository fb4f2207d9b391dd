"""Zensical as the generator: `python -m proven.generators.zensical site` in the project's folder.

Zensical runs no plugins: each language is staged in a folder of its own, with all that the templates
have to know in the front matter and in the configuration, and what Zensical makes of it is collected.
"""

import ast
import functools
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from markdown import Markdown
from markdown.postprocessors import Postprocessor

from proven.build import begin_site, complete
from proven.config import Config, read_configs
from proven.fences import Fences
from proven.files import Files, make_files, page_meta, theme_extra
from proven.finish import finish
from proven.problems import Problem, ProjectError
from proven.publish import place_of, put_file, staging
from proven.settings import find_project, read_settings
from proven.views import Site

MODULE = "proven.generators.zensical"  # run as a program, the module is called __main__
SUPERFENCES = "pymdownx.superfences"  # where it is missing, Zensical puts it after ours
DROPPED = ("proven", "mkdocs-jupyter")  # plugins of MkDocs
SHOWN = "PROVEN_SHOWN"  # the variable that names the file with all that the fences show
KEPT = "kept:"  # before an address in our HTML: Zensical leaves it alone, like one of another host
RELATIVE = re.compile(r'\s(href|src)="(?!\w+:|[/#])')


def build(project: Path, target: Path) -> None:
    """Build the site of a project into a folder, all or nothing."""
    settings = read_settings(project)
    configs = read_configs(settings)
    target = place_of(settings, target)
    with staging(target, settings.name) as folder, tempfile.TemporaryDirectory() as temporary:
        site = begin_site(settings, configs)
        files = make_files(site)
        stages = {language: Path(temporary, language) for language in settings.languages}
        for language, stage in stages.items():
            write_stage(site, language, configs[language], files, stage)
        with ThreadPoolExecutor() as pool:  # side by side
            list(pool.map(_render, stages.values()))
        for language, stage in stages.items():
            root = folder / settings.root(language)
            shutil.copytree(stage / "site", root, dirs_exist_ok=True)
        collect(folder)
        for language in stages:
            finish(site, language, folder, styles=_styles(folder / settings.root(language)))
        complete(site, files, folder, target)


def write_stage(site: Site, language: str, config: Config, files: Files, stage: Path) -> None:
    """Write all that Zensical needs for the pages of one language, with the configuration of the project."""
    docs = stage / "docs"
    for name, place in site.project.beside[language].items():
        put_file((site.project.settings.project / place).read_bytes(), docs / name)
    for page in site.project.pages[language].values():
        meta = yaml.safe_dump({**page.meta, **page_meta(site, page, files)}, allow_unicode=True)
        put_file(f"---\n{meta}---\n{page.body}".encode(), docs / page.path)
    text = yaml.dump(_staged(site, language, config), sort_keys=False, allow_unicode=True)
    (stage / "mkdocs.yml").write_text(text, encoding="utf-8")
    (stage / "shown").write_bytes(pickle.dumps((site, language, files)))


def _staged(site: Site, language: str, config: Config) -> Config:
    """The configuration of a stage."""
    theme = {"variant": "classic", **(config.get("theme") or {})}  # our styles are for Material
    if "custom_dir" in theme:
        theme["custom_dir"] = str((site.project.settings.project / theme["custom_dir"]).resolve())
    extra = config.get("extra") or {}
    plugins = _table(config.get("plugins")).items()
    made = {
        **config,
        "docs_dir": "docs",
        "site_dir": "site",
        "site_url": site.halves[language].address or None,
        "theme": theme,
        "extra": {**extra, **theme_extra(site, language, extra)},
        "plugins": {name: options for name, options in plugins if name not in DROPPED},
        "markdown_extensions": {
            SUPERFENCES: {},
            **_table(config.get("markdown_extensions")),
            MODULE: {},
        },
        "watch": [],
    }
    if not config.get("repo_url"):  # links to edit a page need a repository
        made.pop("edit_uri", None)
    return made


def _table(entries: Any) -> dict[str, Any]:
    """One table of what may also be a list of names and of tables."""
    if not isinstance(entries, list):
        return dict(entries or {})
    parts = (entry if isinstance(entry, dict) else {entry: {}} for entry in entries)
    return {name: options for part in parts for name, options in part.items()}


def _render(stage: Path) -> None:
    """Let Zensical make the pages of a stage."""
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict", "-f", "mkdocs.yml"]
    env, out = {**os.environ, SHOWN: str(stage / "shown")}, subprocess.PIPE
    done = subprocess.run(
        command, cwd=stage, env=env, stdout=out, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    if done.returncode:
        what = f"Zensical did not build the pages:\n{done.stdout}"
        raise ProjectError(Problem(what, "correct it"))


def collect(folder: Path) -> None:
    """Take back what the stages needed."""
    for path in folder.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f'="{KEPT}', '="'), encoding="utf-8")


def _styles(root: Path) -> list[str]:
    """The style sheet that Zensical's script gives its search; the policy has to name it."""
    [bundle] = root.glob("assets/javascripts/bundle.*.js")
    script = bundle.read_text(encoding="utf-8")
    if name := re.search(r'"style",\{\},(\w+)\.toString\(\)', script):
        found = re.findall(rf"\b{name[1]}='((?:[^'\\]|\\.)+)'", script)
        return [ast.literal_eval(f"'{text}'") for text in found]
    return []


class _StagedFences(Fences, Postprocessor):
    """Lets the addresses in HTML stay as they are: Zensical takes them for those of Markdown."""

    def extendMarkdown(self, md: Markdown) -> None:
        super().extendMarkdown(md)
        self.md, before_html_is_put_back = md, 100
        md.postprocessors.register(self, "kept", before_html_is_put_back)

    def run(self, text: str) -> str:
        stash = self.md.htmlStash.rawHtmlBlocks
        for number, block in enumerate(stash):
            if isinstance(block, str):  # Markup would escape what is put in
                stash[number] = RELATIVE.sub(rf"\g<0>{KEPT}", str(block))
        return text


@functools.cache
def _shown(path: str) -> tuple[Site, str, Files]:
    return pickle.loads(Path(path).read_bytes())  # type: ignore[no-any-return]


def makeExtension(**_: Any) -> Fences:
    """Make the extension that the configuration of a stage names; Python-Markdown calls this."""
    return _StagedFences(*_shown(os.environ[SHOWN]))


if __name__ == "__main__":
    try:
        build(find_project(), Path(sys.argv[1]))
    except ProjectError as error:
        sys.exit(str(error))
