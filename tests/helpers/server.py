"""A plain file server, for the tests and for the screenshots."""

import functools
import gzip
import http.server
import io
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


@functools.cache
def _compressed(path: Path, changed: int) -> bytes:
    return gzip.compress(path.read_bytes())


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Sends text compressed, as the servers of real sites do: so what arrives can be weighed."""

    under = "/"

    def translate_path(self, path: str) -> str:
        inner = path.removeprefix(self.under) if path.startswith(self.under) else "not here"
        return super().translate_path(f"/{inner}")

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        path = Path(self.translate_path(self.path))
        if self.path.split("?")[0].endswith("/"):
            path /= "index.html"
        if path.suffix not in {".html", ".css", ".js", ".json", ".svg"} or not path.is_file():
            return super().send_head()
        data = _compressed(path, path.stat().st_mtime_ns)
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        return io.BytesIO(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    # two tabs ask for more files at once than the five that may wait otherwise; who is turned away asks again after
    # one second, then three, seven and fifteen
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        # of a browser that leaves nothing is said: to a test that runs cells, it would be theirs
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served(folder: Path, under: str = "/") -> Iterator[str]:
    """Serve a folder on a free port of this machine.

    Args:
        folder: The folder.
        under: The path that it is served under; nothing is served outside of it.

    Yields:
        The address, with a slash at its end.
    """
    kind = type("Handler", (_Handler,), {"under": under})
    handler = functools.partial(kind, directory=str(folder))
    with _Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{under}"
        finally:
            server.shutdown()
