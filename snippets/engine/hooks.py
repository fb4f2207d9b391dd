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
from functools import partial
from html import unescape
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import jieba
from filelock import FileLock, Timeout
from jinja2 import Environment
from markdown.extensions.toc import nest_toc_tokens
from mkdocs.commands import build as build_module
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import get_toc
from mkdocs.utils import CountHandler, DuplicateFilter, get_relative_url
from mkdocs.utils.templates import TemplateContext
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from snippets.engine import build, llms, offline
from snippets.engine.cards import card
from snippets.engine.errors import Problem, SnippetError
from snippets.engine.fences import highlight
from snippets.engine.fork import Fork, can_fork
from snippets.engine.notebooks import (
    ARCHIVE,
    CHAPTER,
    Web,
    colab_link,
    file_stem,
    nav_pages,
    notebook,
    notebook_text,
    section_pages,
    write_archive,
    write_notebooks,
)
from snippets.engine.page_script import page_script
from snippets.engine.pages import LANGUAGES
from snippets.engine.policy import with_policy
from snippets.engine.runner import log
from snippets.engine.search import complete, read_names, shrink
from snippets.engine.words import ran_on, word

MAIN, OTHER = LANGUAGES
CHAPTER_PAGE = f"{CHAPTER}.ipynb"
SEARCH = "material/search"  # the plugin that Material calls `search`

# What is undone at the end of a build, however it ends: the progress bar, the half-built site.
_cleanup = contextlib.ExitStack()
_ahead: tuple[MkDocsConfig, Fork[str]] | None = None  # the English half, in a process of its own
_site: Path | None = None
_chapters = tempfile.TemporaryDirectory()  # as long as this process: mkdocs-jupyter's memory
_serving = False
_chapters_written: dict[
    str, tuple[Web, str]
] = {}  # the chapter's notebook in each language, and how
_published: object = None  # what the site that `serve` shows was made of, its prose apart


def on_startup(command: str, dirty: bool) -> None:
    """Make `-q` hide warnings without forgiving them: MkDocs would not count them any more.

    Args:
        command: `build`, `serve` or another command of MkDocs.
        dirty: Not used.
    """
    global _serving
    _serving = command == "serve"
    jieba.setLogLevel(logging.WARNING)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `on_shutdown` is called
    logger = logging.getLogger("mkdocs")
    if logger.level > logging.WARNING:
        for handler in logger.handlers:
            handler.setLevel(max(handler.level, logger.level))
        logger.setLevel(logging.WARNING)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Begin to run the snippets, and turn MkDocs towards a folder of its own.

    Args:
        config: The configuration of one language.

    Returns:
        The same, changed.

    Raises:
        PluginError: Only the English half is being built, or another build writes to the same folder.
        SnippetError: A script or a page is wrong.
    """
    global _ahead, _site
    if not config.repo_url:
        config.edit_uri = None  # links to edit a page need a repository
    if config.theme["language"] == OTHER:
        if _site is None:
            raise PluginError(
                "Build both languages with mkdocs.yml; mkdocs.en.yml is a part of it."
            )
        _add_chapter(config)
        return config
    _cleanup.close()
    _ahead = None
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
    path = Path(tempfile.gettempdir()) / f"proven-notes-{name}.lock"
    try:
        _cleanup.enter_context(FileLock(path, timeout=0))
        _cleanup.callback(_remove, path)  # while it is still held: who waits looks again
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
    _add_chapter(config)
    return config


def _remove(lock: Path) -> None:
    with contextlib.suppress(OSError):  # Windows removes no file that is open
        lock.unlink()


def _add_chapter(config: MkDocsConfig) -> None:
    """Put the page of the chapter's notebook after the sections.

    Here, and not in `mkdocs.yml`, since Zensical could not find the page.
    """
    if config.nav and "mkdocs-jupyter" in config.plugins:
        # what does not change between builds of `serve` is not set again: it takes seconds
        language = config.theme["language"]
        config.plugins["mkdocs-jupyter"].config["cache_dir"] = str(Path(_chapters.name) / language)
        last = section_pages(build.current(), config.nav)[-1]
        title = word(language, "chapter")
        config.nav.insert(config.nav.index(last) + 1, {title: CHAPTER_PAGE})


@event_priority(100)  # before mkdocs-jupyter looks for notebooks
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Read what the search will know, and announce the chapter's notebook, which is written later.

    Args:
        files: The files of one language.
        config: The configuration of one language.

    Returns:
        The same, with the notebook.

    Raises:
        SnippetError: A name is given to a heading that no page has.
    """
    language = config.theme["language"]
    config.extra["names"] = read_names(
        build.current().project / "docs", language, build.current().pages[language]
    )
    for path in build.current().by_need(language):
        # in the order in which sections end: none waits for the last of them while others can be set
        if file := files.get_file_from_path(path):
            files.remove(file)
            files.append(file)
    if language == MAIN:
        # no page could be set before the first section has ended: torch is being imported
        for snippet in build.current().snippets.values():
            for spoken in LANGUAGES:
                highlight(snippet, spoken)
    if "mkdocs-jupyter" in config.plugins:
        folder = _cleanup.enter_context(tempfile.TemporaryDirectory())
        # not File.generated: mkdocs-jupyter finds a notebook by the folder that it lies in
        files.append(File(CHAPTER_PAGE, folder, config.site_dir, config.use_directory_urls))
    return files


@event_priority(100)
def on_pre_page(page: Page, config: MkDocsConfig, files: Files) -> Page:
    """Write the chapter's notebook just before mkdocs-jupyter reads it: all other pages are set.

    Args:
        page: Any page.
        config: The configuration of one language.
        files: All files of its language.

    Returns:
        The same page.

    Raises:
        SnippetError: A snippet failed.
    """
    if page.file.src_uri != CHAPTER_PAGE:
        return page

    def elsewhere(path: str) -> str:
        file = files.get_file_from_path(path)
        assert file
        return file.url_relative_to(page.file)

    language, current = config.theme["language"], build.current()
    current.wait()
    _go_ahead(config)
    if not _prose_only():
        web = Web(current, language, elsewhere)
        made = notebook(current, language, section_pages(current, config.nav), web)
        _chapters_written[language] = web, notebook_text(made)
    assert page.file.abs_src_path
    Path(page.file.abs_src_path).write_text(_chapters_written[language][1], encoding="utf-8")
    return page


def _made_of() -> object:
    """What the downloads of the current build show, their prose apart."""
    current = build.current()
    pages = current.pages[MAIN]
    return current.results(), {path: [f.snippet for f in pages[path].fences] for path in pages}


def _prose_only() -> bool:
    """Whether `serve` builds again for the sake of prose.

    What readers download, and the page that mkdocs-jupyter makes, take longer than all the rest:
    nobody who edits a paragraph waits for them.
    """
    return _serving and _made_of() == _published


def _keep_downloads(site: Path) -> None:
    """Take over what readers download from the site that `serve` shows."""
    assert _site
    log.info(
        "Only prose has changed: the downloads and the page of the chapter stay as they were, "
        "until a snippet changes or you start again."
    )
    for pattern in ("**/notebooks/*", "*.zip", "**/llms*.txt", "**/index.html.md"):
        for path in _site.glob(pattern):
            target = site / path.relative_to(_site)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Hold the rendered page against what the check of the pages read in its Markdown.

    Args:
        html: What Markdown made of the page.
        page: The page.
        config: The configuration of one language.
        files: All files of its language.

    Returns:
        The HTML.

    Raises:
        SnippetError: Snippets, marks or code on the page are not those that its Markdown names.
    """
    if page.file.src_uri == CHAPTER_PAGE:
        return _set_chapter(html, page, config.theme["language"])
    if page.present_anchor_ids is not None:  # MkDocs knows the ids of headings, not those of fences
        page.present_anchor_ids.update(re.findall(r'\bid="([^"]+)"', html))
    language, path = config.theme["language"], page.file.src_uri
    known = build.current().pages[language].get(path)
    visible = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
    shown = re.findall(r'<div class="snippet"[^>]* data-snippet="([^"]*)"', visible)
    code = re.findall(r'class="(?:language-[\w-]+ )?highlight">(.*?)</code>', visible, re.DOTALL)
    marks = re.findall(r'<span class="claim" data-claim="([^"]*)"', visible)
    assert page.file.abs_src_path
    lines = Path(page.file.abs_src_path).read_text(encoding="utf-8").split("\n")

    place = f"docs/{language}/{path}"
    fences = [(fence.snippet, fence.place) for fence in known.fences] if known else []
    wrong = _difference(fences, shown)
    if known is None or wrong:
        what = "the page does not show the snippets that its fences name"
        advice = "let each fence stand at the start of a line, or of a box, and close it alike"
        where = (wrong[1] if wrong else "") or f"{place}:{_line_of(lines, shown)}"
        raise SnippetError(Problem(what, advice, (where,)))
    if wrong := _difference([(mark.claim, mark.place) for mark in known.marks], marks):
        what = "the page does not show the marks of claims that stand in its Markdown"
        advice = "let a mark follow the full stop of a sentence, outside of comments and code"
        where = wrong[1] or f"{place}:{_line_of(lines, [wrong[0]])}"
        raise SnippetError(Problem(what, advice, (where,)))
    if len(code) != len(shown) + sum(block.kind in ("sh", "text") for block in known.blocks):
        ours = {build.current().snippets[name].source.split("\n")[0] for name in shown}
        first = [unescape(re.sub("<.*?>", "", part)).strip().split("\n")[0] for part in code]
        where = f"{place}:{_line_of(lines, [line for line in first if line not in ours])}"
        what = "the page shows code that is run by nothing"
        raise SnippetError(Problem(what, "move it into a section script", (where,)))
    return html


def _difference(named: list[tuple[str, str]], found: list[str]) -> tuple[str, str] | None:
    """The first name that a page does not show, with its place, or shows without having it."""
    for one, other in zip_longest(named, found):
        if not one or one[0] != other:
            return one or (other, "")
    return None


def _line_of(lines: list[str], pieces: list[str]) -> int:
    """The first line in which one of the pieces stands; 1 if there is none."""
    return next((n for n, line in enumerate(lines, 1) if any(p and p in line for p in pieces)), 1)


def _set_chapter(html: str, page: Page, language: str) -> str:
    """Take the cells from what mkdocs-jupyter made of the chapter's notebook, and no more.

    Left out are 600 KB of style sheets for one theme, and scripts from other hosts. The code is
    given the classes of all other code, and with them its colours and its button to copy.
    """
    html = html[html.index('<div class="jupyter-wrapper">') : html.rindex("<style>")]
    for twice in (
        r'<div class="zeroclipboard-container">.*?</clipboard-copy>\s*</div>',
        r'<div class="clipboard-copy-txt"[^>]*>.*?</div>',
    ):
        html = re.sub(twice, "", html, flags=re.DOTALL)
    html = _chapters_written[language][0].set_code(html)
    html = re.sub(
        r'<div class="highlight-ipynb[^"]*">\s*<pre>(.*?)</pre>\s*</div>',
        r'<div class="language-python highlight"><pre><code>\1</code></pre></div>',
        html,
        flags=re.DOTALL,
    )
    html = html.replace('<div class="jp-Cell-inputWrapper" tabindex="0">', "<div>")
    headings: list[Any] = [
        {"level": int(level), "id": name, "name": re.sub("<.*?>", "", text)}
        for level, name, text in re.findall(r'<h([1-3]) id="([^"]+)">(.*?)</h\1>', html)
    ]
    page.toc = get_toc(nest_toc_tokens(headings))
    page.edit_url = None  # no file in the repository is its source
    page.meta["description"] = word(language, "chapter-description")
    page.meta["search"] = {"exclude": True}  # every page is in the index already
    return html


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    """Tell the templates where the snippets ran; by now all pages have been read.

    Args:
        env: What the templates see.
        config: The configuration of one language.
        files: All files of its language.

    Returns:
        The same, with our functions.

    Raises:
        SnippetError: A snippet failed, or a page is not part of the site.
    """
    build.current().wait()
    _go_ahead(config)
    language = config.theme["language"]
    rendered = {file.src_uri for file in files.documentation_pages() if file.page}
    if hidden := sorted(build.current().pages[language].keys() - rendered):
        places = tuple(f"docs/{language}/{path}:1" for path in hidden)
        raise SnippetError(Problem("the site leaves pages out", "publish or remove them", places))
    env.globals["word"] = partial(word, language)
    config.extra["ran_on"] = ran_on(language, build.current().machine)
    if not _prose_only():
        sections = section_pages(build.current(), config.nav)
        write_notebooks(build.current(), language, sections, Path(config.site_dir) / "notebooks")
    _draw_cards(config, files)
    return env


def _draw_cards(config: MkDocsConfig, files: Files) -> None:
    """Give each page the card that previews of its link show."""
    folder = Path(config.site_dir) / "assets" / "cards"
    folder.mkdir(parents=True, exist_ok=True)
    for file in files.documentation_pages():
        page = file.page
        assert page
        title = str(page.meta.get("title") or page.title)
        description = page.meta.get("description") or config.site_description or ""
        place = f"docs/{config.theme['language']}/{file.src_uri}:1"
        name = f"{file.src_uri.rpartition('.')[0].replace('/', '-')}.png"
        drawn = card(title, str(description), config.site_name, place)
        (folder / name).write_bytes(drawn)
        page.meta["card"] = f"assets/cards/{name}"


def on_page_context(
    context: TemplateContext, page: Page, config: MkDocsConfig, nav: Navigation
) -> TemplateContext:
    """Let the language switch lead to the same page, put the code of the page beside it, and let
    the search know what it teaches.

    Args:
        context: What the template of the page sees.
        page: The page.
        config: The configuration of one language.
        nav: The navigation of its language.

    Returns:
        The same context.
    """
    here = config.theme["language"]
    other = "../" if here == OTHER else f"{OTHER}/"  # from the root of this language's pages
    url = "" if page.is_homepage else page.url
    for language in config.extra.get("languages", []):
        language["link"] = ("" if language["lang"] == here else other) + url
        if config.site_url:  # what search engines read has to be a whole address
            language["address"] = urljoin(config.site_url, language["link"])
    page.meta["notebook_links"] = _notebook_links(page, here)
    known = build.current().pages[here].get(page.file.src_uri)
    if known and known.fences:
        page.meta["script"] = f"{Path(page.file.src_uri).stem}.py"
        snippets = [build.current().snippets[fence.snippet] for fence in known.fences]
        path = Path(page.file.abs_dest_path).with_name(page.meta["script"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            page_script(str(page.title), snippets, here), encoding="utf-8", newline="\n"
        )
    if known and (search := config.plugins.get(SEARCH)):
        complete(search.search_index.entries, known, page.url, config.extra["names"])
    return context


def _notebook_links(page: Page, language: str) -> list[tuple[str, str, str | None]]:
    """The class, the words and the address of each link to the notebook of a page."""
    path = page.file.src_uri
    known = build.current().pages[language].get(path)
    if path != CHAPTER_PAGE and not (known and known.fences):
        return []
    name = f"{CHAPTER if path == CHAPTER_PAGE else file_stem(path)}.{language}.ipynb"
    links = [("download", f"notebooks/{name}"), ("colab", colab_link(name))]
    if path == CHAPTER_PAGE:
        root = "" if language == MAIN else "../"
        links.append(("download-all", f"{root}notebooks/{ARCHIVE}"))
    return [(key, word(language, key), url) for key, url in links if url]


@event_priority(-100)
def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Link each heading to itself in the other language, and write the policy into the page.

    Here, and not in the page's content: the search index takes that word for word.

    Args:
        output: The whole page.
        page: The page.
        config: The configuration of one language.

    Returns:
        The page as it is written.
    """
    here = config.theme["language"]
    for twin in config.extra.get("languages", []):
        if twin["lang"] != here:
            url = f"{get_relative_url('.', page.url)}/{twin['link']}"
            link = (
                f'<a class="headerlink" href="{url}#\\1" hreflang="{twin["lang"]}" '
                f'lang="{twin["lang"]}">{twin["name"]}</a>'
            )
            output = re.sub(
                r'<a class="headerlink" href="#([^"]+)"[^>]*>[^<]*</a>', rf"\g<0>{link}", output
            )
    # `serve` adds a script of its own after this, which reloads the page.
    return output if _serving else with_policy(output)


@event_priority(-100)
def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """Do the same for the pages that are templates of the theme: 404.html.

    Args:
        output_content: What the template gave.
        template_name: Its file.
        config: The configuration of one language.

    Returns:
        The file as it is written.
    """
    html = template_name.endswith(".html")
    return with_policy(output_content) if html and not _serving else output_content


@event_priority(-100)
def on_post_build(config: MkDocsConfig) -> None:
    """Build the English half into the same folder, and put the whole in its place.

    Args:
        config: The configuration of one language.

    Raises:
        Abort: There were warnings.
        SnippetError: A snippet failed.
    """
    global _published
    if SEARCH in config.plugins:
        shrink(Path(config.site_dir) / "search" / "search_index.json")
    if config.theme["language"] == OTHER:
        return
    current, keep = build.current(), _prose_only()
    other = _ahead[0] if _ahead else _other(config)
    texts = {} if keep else llms.texts(current, nav_pages(current, config.nav), [config, other])
    if not _ahead:
        build_module.build(other)
    elif (failure := _ahead[1].answer()) != "":
        raise Abort(failure or "The process that builds the English half died: build again.")
    for handler in logging.getLogger("mkdocs").handlers:
        if config.strict and isinstance(handler, CountHandler) and handler.get_counts():
            raise Abort("The site was not built: there were warnings, and the build is strict.")
    site = Path(config.site_dir)
    # MkDocs packs it with the date; hosts that want it packed do so themselves
    (site / "sitemap.xml.gz").unlink(missing_ok=True)
    current.write_report(site / "build.json")
    if keep:
        _keep_downloads(site)
    else:
        written = [*site.glob("notebooks/*.ipynb"), *site.glob(f"{OTHER}/notebooks/*.ipynb")]
        write_archive(written, site / "notebooks" / ARCHIVE)
        for path, text in texts.items():
            (site / path).write_text(text, encoding="utf-8", newline="\n")
        offline.write(site)
    _publish(site)
    _published = _made_of()
    config.site_dir = str(_site)
    _cleanup.close()


def _other(config: MkDocsConfig) -> MkDocsConfig:
    """The configuration of the English half, which goes into the same folder."""
    assert config.config_file_path
    other = load_config(
        str(Path(config.config_file_path).with_name(f"mkdocs.{OTHER}.yml")),
        site_dir=str(Path(config.site_dir) / OTHER),
        site_url=config.site_url and f"{config.site_url.rstrip('/')}/{OTHER}/",
        strict=config.strict,
        use_directory_urls=config.use_directory_urls,
    )
    other.plugins.on_startup(command="serve" if _serving else "build", dirty=False)
    return other


def _go_ahead(config: MkDocsConfig) -> None:
    """Build the English half beside the rest of the Chinese one, now that all sections have run.

    Not in `serve`: what this process remembers of each page makes the next build of it short.
    """
    global _ahead
    if _ahead or _serving or config.theme["language"] != MAIN or not can_fork():
        return
    other = _other(config)
    parents: list[contextlib.ExitStack] = []  # kept: what it holds would be removed with it

    def built() -> str:
        parents.append(_cleanup.pop_all())  # what is made from here on is undone here
        try:
            build_module.build(other)
        except Abort as error:  # the problem itself has been told
            return str(error)
        except Exception:
            log.error(traceback.format_exc())
            return "The English half was not built."
        finally:
            _cleanup.close()
        return ""

    fork = Fork(built)
    _cleanup.callback(fork.end)
    _ahead = other, fork


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
    """End what still runs, and leave the site as it was.

    Args:
        error: What ended the build.
    """
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
    """Keep serving the last good site after an error; MkDocs by itself answers nothing any more.

    Args:
        server: The server of `mkdocs serve`.
        config: The configuration of one language.
        builder: What builds the site.

    Returns:
        The same server.
    """
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
