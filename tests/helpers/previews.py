"""`mkdocs serve` without its network and its waiting: a save is a call, and what it wrote is told."""

import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.livereload import LiveReloadServer


class _Server(LiveReloadServer):
    """Says what it watches."""

    watched: list[Path]

    def watch(self, path: str, func: None = None, *, recursive: bool = True) -> None:
        self.watched.append(Path(path))


class Preview(logging.Handler):
    """A site that is being served: `folder` holds it, and `said` is what was logged since a save."""

    def __init__(self, folder: Path, server: _Server) -> None:
        super().__init__(logging.INFO)
        self.folder, self.said, self.server = folder, "", server

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is logged."""
        self.said += f"{record.getMessage()}\n"

    def save(self) -> set[str]:
        """Let the server see that files were saved; return the files of the site that it changed."""
        self.said, before = "", self._times()
        self._touched = self.server.watched[0].stat().st_mtime_ns
        self.server.builder()
        after = self._times()
        return {path for path, _ in before.items() ^ after.items()}

    def read(self, path: str) -> str:
        """The text of a file of the site."""
        return (self.folder / path).read_text(encoding="utf-8")

    def page(self, content: bytes) -> bytes:
        """A page as a browser gets it."""
        injected = self.server._inject_js_into_html(content, 0)  # type: ignore[no-untyped-call]
        return bytes(injected)

    def until_proven(self) -> None:
        """Wait until the server is to show the pages anew, since claims have been proven."""
        file = self.server.watched[0]
        self.until(lambda: file.stat().st_mtime_ns != self._touched)

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + 60
        while not true():
            assert time.monotonic() < deadline, self.said
            time.sleep(0.01)

    def _times(self) -> dict[str, int]:
        return {
            path.relative_to(self.folder).as_posix(): path.stat().st_mtime_ns
            for path in self.folder.rglob("*")
            if path.is_file()
        }


@contextmanager
def serving(project: Path) -> Iterator[Preview]:
    """Build a project as `mkdocs serve` does when it starts, and end it as Ctrl-C does."""
    folder = Path(tempfile.mkdtemp(prefix="served-"))

    def read() -> MkDocsConfig:
        return load_config(
            str(project / "mkdocs.yml"), site_dir=str(folder), dev_addr="127.0.0.1:0"
        )

    def builder(config: MkDocsConfig | None = None) -> None:
        build(config or read(), serve_url="http://127.0.0.1:8000/")

    config = read()
    config.plugins.on_startup(command="serve", dirty=False)
    _Server.watched = []
    server = _Server(builder, "127.0.0.1", 8000, root=str(folder))
    preview, logger = Preview(folder, server), logging.getLogger("mkdocs")
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(preview)
    try:
        builder(config)
        config.plugins.on_serve(server, config=config, builder=builder)
        yield preview
    finally:
        logger.removeHandler(preview)
        logger.setLevel(level)
        config.plugins.on_shutdown()
        server.server_close()
        shutil.rmtree(folder)
