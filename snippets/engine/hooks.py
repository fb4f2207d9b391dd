"""What MkDocs needs besides its configuration: both languages from one command, all or nothing.

A build goes into a folder of its own beside `site_dir` and takes its place only when everything,
the English half included, has succeeded. Zensical knows no hooks: nothing here may change what a
page says about PyTorch.
"""

import contextlib
import hashlib
import logging
import re
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import jieba
from filelock import FileLock, Timeout
from jinja2 import Environment
from mkdocs.commands import build as build_module
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import CountHandler, DuplicateFilter
from mkdocs.utils.templates import TemplateContext
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from snippets.engine import build
from snippets.engine.errors import Problem, SnippetError
from snippets.engine.pages import LANGUAGES
from snippets.engine.runner import log
from snippets.engine.search import complete, read_names, shrink
from snippets.engine.words import ran_on

MAIN, OTHER = LANGUAGES
SEARCH = "material/search"  # the plugin that Material calls `search`

# What is undone at the end of a build, however it ends: the progress bar, the half-built site.
_cleanup = contextlib.ExitStack()
_site: Path | None = None


def on_startup(command: str, dirty: bool) -> None:
    """Make `-q` hide warnings without forgiving them: MkDocs would not count them any more."""
    jieba.setLogLevel(logging.WARNING)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `on_shutdown` is called
    logger = logging.getLogger("mkdocs")
    if logger.level > logging.WARNING:
        for handler in logger.handlers:
            handler.setLevel(max(handler.level, logger.level))
        logger.setLevel(logging.WARNING)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Begin to run the snippets, and turn MkDocs towards a folder of its own."""
    global _site
    if not config.repo_url:
        config.edit_uri = None  # links to edit a page need a repository
    if config.theme["language"] == OTHER:
        if _site is None:
            raise PluginError(
                "Build both languages with mkdocs.yml; mkdocs.en.yml is a part of it."
            )
        return config
    _cleanup.close()
    for once in build_module.log.filters:
        if isinstance(once, DuplicateFilter):
            once.msgs.clear()  # `serve` would say each error once only, and be silent the next time
    quiet = not log.isEnabledFor(logging.INFO)
    bar = tqdm(desc="snippets", unit="", delay=3, leave=False, disable=True if quiet else None)
    _cleanup.callback(bar.close)
    if not bar.disable:
        _cleanup.enter_context(logging_redirect_tqdm([logging.getLogger("mkdocs")]))
    assert config.config_file_path
    _site = Path(config.site_dir).resolve()
    name = hashlib.sha256(str(_site).encode()).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir()) / f"proven-notes-{name}.lock", timeout=0)
    try:
        _cleanup.enter_context(lock)
    except Timeout:
        raise PluginError(f"Another build is writing to {_site.name}/: wait for it.") from None
    current = build.begin(Path(config.config_file_path).parent, bar.update)
    bar.total = len(current.snippets)
    previous = _site.with_name(f"{_site.name}.old")
    if previous.exists() and not _site.exists():
        previous.rename(_site)  # a build was killed between the two steps of `_publish`
    staging = _site.with_name(f"{_site.name}.new")
    shutil.rmtree(staging, ignore_errors=True)
    _cleanup.callback(shutil.rmtree, staging, ignore_errors=True)
    config.site_dir = str(staging)
    return config


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Hold the rendered page against what the check of the pages read in its Markdown."""
    if page.present_anchor_ids is not None:  # MkDocs knows the ids of headings, not those of fences
        page.present_anchor_ids.update(re.findall(r'\bid="([^"]+)"', html))
    known = build.current().pages[config.theme["language"]].get(page.file.src_uri)
    visible = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
    shown = re.findall(r'<div class="snippet"[^>]* data-snippet="([^"]*)"', visible)
    code = len(re.findall(r'class="language-py[\w-]* highlight"', visible))
    marks = re.findall(r'<span class="claim" data-claim="([^"]*)"', visible)
    place = f"docs/{config.theme['language']}/{page.file.src_uri}:1"
    if known is None or shown != [fence.snippet for fence in known.fences]:
        what = "the page does not show the snippets that its fences name"
        advice = "let each fence stand at the start of a line, or of a box, and close it alike"
        raise SnippetError(Problem(what, advice, (place,)))
    if marks != [mark.claim for mark in known.marks]:
        what = "the page does not show the marks of claims that stand in its Markdown"
        advice = "let a mark follow the full stop of a sentence, outside of comments and code"
        raise SnippetError(Problem(what, advice, (place,)))
    if code != len(shown):
        what = "the page shows Python that is run by nothing"
        raise SnippetError(Problem(what, "move the code into a section script", (place,)))
    return html


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    """Tell the templates where the snippets ran; by now all pages have been read."""
    build.current().wait()
    language = config.theme["language"]
    rendered = {file.src_uri for file in files.documentation_pages() if file.page}
    if hidden := sorted(build.current().pages[language].keys() - rendered):
        places = tuple(f"docs/{language}/{path}:1" for path in hidden)
        raise SnippetError(Problem("the site leaves pages out", "publish or remove them", places))
    config.extra["ran_on"] = ran_on(language, build.current().machine)
    config.extra["names"] = read_names(
        build.current().project / "docs", language, build.current().pages[language]
    )
    return env


def on_page_context(
    context: TemplateContext, page: Page, config: MkDocsConfig, nav: Navigation
) -> TemplateContext:
    """Let the language switch lead to the same page, and the search know what it teaches."""
    here = config.theme["language"]
    other = "../" if here == OTHER else f"{OTHER}/"  # from the root of this language's pages
    url = "" if page.is_homepage else page.url
    for language in config.extra.get("languages", []):
        language["link"] = ("" if language["lang"] == here else other) + url
    if search := config.plugins.get(SEARCH):
        known = build.current().pages[here][page.file.src_uri]
        complete(search.search_index.entries, known, page.url, config.extra["names"])
    return context


@event_priority(-100)
def on_post_build(config: MkDocsConfig) -> None:
    """Build the English half into the same folder, and put the whole in its place."""
    if SEARCH in config.plugins:
        shrink(Path(config.site_dir) / "search" / "search_index.json")
    if config.theme["language"] == OTHER:
        return
    assert config.config_file_path
    other = load_config(
        str(Path(config.config_file_path).with_name(f"mkdocs.{OTHER}.yml")),
        site_dir=str(Path(config.site_dir) / OTHER),
        site_url=config.site_url and f"{config.site_url.rstrip('/')}/{OTHER}/",
        strict=config.strict,
        use_directory_urls=config.use_directory_urls,
    )
    other.plugins.on_startup(command="build", dirty=False)
    build_module.build(other)
    for handler in logging.getLogger("mkdocs").handlers:
        if config.strict and isinstance(handler, CountHandler) and handler.get_counts():
            raise Abort("The site was not built: there were warnings, and the build is strict.")
    build.current().write_report(Path(config.site_dir) / "build.json")
    _publish(Path(config.site_dir))
    config.site_dir = str(_site)
    _cleanup.close()


def _publish(staging: Path) -> None:
    """Put a finished site in the place of the one before."""
    assert _site
    previous = _site.with_name(f"{_site.name}.old")
    shutil.rmtree(previous, ignore_errors=True)
    if _site.exists():
        _site.rename(previous)
    staging.rename(_site)
    shutil.rmtree(previous, ignore_errors=True)


def on_build_error(error: Exception) -> None:
    """End what still runs, and leave the site as it was."""
    _stop()


def on_shutdown() -> None:
    """The same when MkDocs ends, as it also does after Ctrl-C."""
    _stop()


def _stop() -> None:
    global _site
    build.end()
    _cleanup.close()
    _site = None


def on_serve(
    server: LiveReloadServer, config: MkDocsConfig, builder: Callable[..., None]
) -> LiveReloadServer:
    """Keep serving the last good site after an error; MkDocs by itself answers nothing any more."""
    rebuild = server.builder

    def rebuild_or_keep() -> None:
        try:
            rebuild()
        except Exception as error:  # an Abort is one; the SystemExit of a SIGTERM is not
            if not isinstance(error, Abort):
                traceback.print_exc()
            log.error(
                "The last good site stays up. Correct the error and save: it will be built again."
            )

    server.builder = rebuild_or_keep
    return server
