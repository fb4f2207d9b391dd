"""MkDocs as the generator: a plugin that lets `mkdocs build` and `mkdocs serve` show a project.

Everything runs before MkDocs renders a page. The other languages are built in forks beside the main
one where that is safe, and after it where it is not.
"""

import contextlib
import functools
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jinja2 import Environment
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, MkDocsException, PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin, CombinedEvent, event_priority
from mkdocs.structure.files import Files as MkDocsFiles
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import CountHandler
from mkdocs.utils.templates import TemplateContext

from proven.build import begin_site, complete
from proven.config import read_configs
from proven.fences import Fences
from proven.files import Files, make_files, page_meta, theme_extra
from proven.finish import finish, strange_file
from proven.fork import Fork, can_fork, end_orderly, have_streams
from proven.generators.preview import Preview, check_address
from proven.problems import Problem, ProjectError, harmless, unforeseen
from proven.publish import place_of, staging
from proven.runner import warm_up
from proven.search import without_markup
from proven.settings import read_settings
from proven.views import Site

log = logging.getLogger("mkdocs.plugins.proven")


class ProvenPlugin(BasePlugin):  # type: ignore[type-arg,no-untyped-call]
    """One instance for the configurations of all languages: MkDocs keeps it as long as its process."""

    def __init__(self) -> None:
        self.preview: Preview | None = None  # in `mkdocs serve`
        self.site: Site | None = None
        self.files: Files = {}
        self.fences: dict[str, Fences] = {}
        self.forks: list[Fork[str]] = []
        self.place = ""  # the page that is being rendered
        self.cleanup = contextlib.ExitStack()

    def load_config(
        self, options: dict[str, Any], config_file_path: str | None = None
    ) -> tuple[Any, Any]:
        """Begin to import what sections share while MkDocs reads the rest of its configuration."""
        if not self.site:  # not in the fork of another language: the fork server is no child of it
            with contextlib.suppress(Exception):  # it is told when the build begins
                warm_up(read_settings(Path(config_file_path or "").parent))
        return super().load_config(options, config_file_path)

    def on_startup(self, *, command: str, dirty: bool) -> None:
        """Remember whether this is `serve`, and let `-q` hide warnings without forgiving them."""
        self.preview = Preview(self.fences) if command == "serve" else None
        if threading.current_thread() is threading.main_thread():
            have_streams()
            end_orderly()  # so that on_shutdown is called
        logger = logging.getLogger("mkdocs")
        for handler in logger.handlers:
            handler.addFilter(_harmless)
        if logger.level > logging.WARNING:  # MkDocs would not count warnings any more
            for handler in logger.handlers:
                handler.setLevel(max(handler.level, logger.level))
            logger.setLevel(logging.WARNING)

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Read, check and run the project, once for all languages, before a page is rendered."""
        file, language = Path(config.config_file_path or ""), str(config.theme.get("language"))
        settings, name = read_settings(file.parent), file.name
        of_file = name.removeprefix("mkdocs.").removesuffix(".yml")
        if language != (of_file if of_file in settings.languages else settings.main):
            what = f"the language of its theme is {language}, and its pages have another one"
            raise ProjectError(Problem(what, "let theme: language: be that of the file", (name,)))
        docs = settings.project / settings.docs / language
        if Path(config.docs_dir).resolve() != docs.resolve():
            what = f"docs_dir is another folder than that of the pages, {settings.docs}/{language}"
            raise ProjectError(Problem(what, "let docs_dir name that one", (name,)))
        if not config.use_directory_urls:
            what = "the site has an address with a folder for each page, and this build is to have none"
            advice = "leave out --no-directory-urls and use_directory_urls: false"
            raise ProjectError(Problem(what, advice, ("mkdocs.yml",)))
        if not config.repo_url:
            config.edit_uri = None  # links to edit a page need a repository
        if language == settings.main:
            self.on_shutdown()
            if self.preview and not self.preview.site:
                check_address(*config.dev_addr)
            self.target = place_of(settings, config.site_dir)
            self.folder = self.cleanup.enter_context(staging(self.target, settings.name))
            self.site = begin_site(
                settings,
                {**read_configs(settings), language: config},
                known=self.preview.results if self.preview else None,
                preview=self.preview is not None,
            )
            self.files = make_files(self.site)
            config.site_dir = str(self.folder)
        if not self.site:
            raise PluginError(f"Build all languages with mkdocs.yml; {name} is a part of it.")
        fences: Any = Fences(self.site, language, self.files)
        self.fences[language] = fences
        config.markdown_extensions = [*config.markdown_extensions, fences]
        config.extra.update(theme_extra(self.site, language, config.extra))
        return config

    def on_files(self, files: MkDocsFiles, config: MkDocsConfig) -> MkDocsFiles:
        """Begin to build the other languages, now that MkDocs has cleared the folder."""
        assert self.site
        project, language = self.site.project, str(config.theme["language"])
        settings = project.settings
        known = project.pages[language].keys() | project.beside[language].keys()
        for file in files:
            published = file.inclusion.is_included()  # type: ignore[no-untyped-call]
            if published and file.src_dir == config.docs_dir and file.src_uri not in known:
                raise ProjectError(strange_file(f"{settings.docs}/{language}/{file.src_uri}"))
        if language == settings.main and not self.preview and can_fork():
            for other in settings.languages[1:]:
                build_it = functools.partial(self._build_other, config, other)
                self.forks.append(Fork(functools.partial(self._in_fork, build_it)))
                self.cleanup.callback(self.forks[-1].end)
        return files

    def on_nav(self, nav: Navigation, **_: Any) -> Navigation:
        """Keep the navigation: `serve` needs it to render a page again."""
        self.nav = nav
        return nav

    def on_page_markdown(self, markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
        """Tell the templates what the engine knows of the page, and let MkDocs render what was read."""
        self.place = _place(page)
        # of `serve`, which renders a page again, they know a newer project than the last whole build
        fences = self.fences[str(config.theme["language"])]
        known = fences.site.project.pages[fences.language].get(page.file.src_uri)
        if not known:
            return markdown
        page.meta.update(page_meta(fences.site, known, fences.files))
        return known.body

    def on_env(self, env: Environment, config: MkDocsConfig, files: MkDocsFiles) -> Environment:
        """Keep what it takes to render a page again."""
        if self.preview:
            language = str(config.theme["language"])
            self.preview.rendered[language] = config, files, self.nav, env
        return env

    @event_priority(100)
    def _before_search(self, /, context: TemplateContext, page: Page, **_: Any) -> TemplateContext:
        self.place = _place(page)
        self.content, page.content = page.content, without_markup(page.content or "")
        return context

    @event_priority(-100)
    def _after_search(self, /, context: TemplateContext, page: Page, **_: Any) -> TemplateContext:
        page.content = self.content
        return context

    on_page_context = CombinedEvent(_before_search, _after_search)

    @event_priority(-100)  # after the index of the search has been written
    def on_post_build(self, config: MkDocsConfig) -> None:
        """Finish the pages; with the main language the other ones too, and put all in its place."""
        assert self.site
        self.place = ""
        settings, language = self.site.project.settings, str(config.theme["language"])
        finish(self.site, language, self.folder, policy=not self.preview)
        if language != settings.main:
            return
        if not self.forks:
            for other in settings.languages[1:]:
                self._build_other(config, other)
        for fork in self.forks:
            if (failure := fork.answer()) != "":
                raise Abort(
                    failure or "The process that builds another language died: build again."
                )
        for handler in logging.getLogger("mkdocs").handlers:
            if config.strict and isinstance(handler, CountHandler) and handler.get_counts():
                raise Abort("The site was not built: there were warnings, and the build is strict.")
        complete(self.site, self.files, self.folder, self.target)
        if self.preview:
            self.preview.begin(self.site, self.folder, self.target)
        else:
            self.cleanup.close()
        config.site_dir = str(self.target)

    def on_build_error(self, error: Exception) -> None:
        """End what still runs, leave the site as it was, and tell why; what MkDocs raises, it tells."""
        self.on_shutdown()
        if isinstance(error, MkDocsException):
            return
        if not isinstance(error, ProjectError):
            error = ProjectError(unforeseen(error, self.place))
        if self.preview and self.preview.site:  # which tells readers of a page, too
            raise error from None
        log.error("%s", error)
        raise Abort("The site was not built.") from None

    def on_shutdown(self) -> None:
        """End what still runs when MkDocs ends, also after Ctrl-C."""
        self.forks = []
        if self.preview:
            self.preview.stop()
        self.cleanup.close()

    def on_serve(self, server: LiveReloadServer, **_: Any) -> LiveReloadServer:
        """Show an edit at once, and keep serving the last good site after an error."""
        assert self.preview
        self.preview.serve(server)
        return server

    def _build_other(self, config: MkDocsConfig, language: str) -> None:
        """Build another language: MkDocs lets plugins have one configuration at a time."""
        assert self.site
        other = Path(config.config_file_path or "").with_name(f"mkdocs.{language}.yml")
        address = self.site.halves[language].address
        folder = str(self.folder / language)
        build(load_config(str(other), site_dir=folder, site_url=address, strict=config.strict))

    def _in_fork(self, build_it: Callable[[], None]) -> str:
        """Build a language in a fork; return why it was not built, or nothing."""
        # the folder of the site is the parent's to remove: what would do that is kept, and never called
        self.inherited = self.cleanup.pop_all()
        try:
            build_it()
        except Abort as error:  # the problem itself has been told
            return str(error)
        except Exception as error:
            log.error("%s", unforeseen(error))
            return "A language was not built."
        return ""


def _harmless(record: logging.LogRecord) -> bool:
    """Let what MkDocs tells of a page, in words of the page, command no terminal and no CI."""
    record.msg, record.args = harmless(record.getMessage()), ()
    return True


def _place(page: Page) -> str:
    folder = Path(page.file.src_dir or "")
    return f"{folder.parent.name}/{folder.name}/{page.file.src_uri}:1"
