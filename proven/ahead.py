"""Prepares a process for importing the modules under `ahead` of proven.toml: whoever imports them imports this first."""

import contextlib
import functools
import gc
import importlib
import os
import signal
import sys
import tempfile
import types

from proven.fork import have_streams

# before the fork server opens anything
have_streams()
# collecting garbage takes a sixth of the time of these imports; the process of a section enables it again
gc.disable()
# importing torch._dynamo makes a folder for the files of torch.compile; `prepare` lets each section choose its own
os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.gettempdir()


def _end(process: int, *_: int | types.FrameType | None) -> None:
    """End the fork server without a word on Ctrl-C, in the middle of an import, too; a section is interrupted."""
    if os.getpid() == process:
        os._exit(1)
    raise KeyboardInterrupt


class _Imported:
    """Lets `import proven.ahead.os/path` import os.path, whatever that raises: `prepare` does so again, and tells."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name.startswith(f"{__name__}."):
            with contextlib.suppress(BaseException):
                importlib.import_module(name.removeprefix(f"{__name__}.").replace("/", "."))


if "multiprocessing.forkserver" in sys.modules and sys.argv[:1] == ["-c"]:
    __path__ = list[str]()
    sys.meta_path.append(_Imported)  # it finds nothing, the one error that the fork server forgives
    signal.signal(signal.SIGINT, functools.partial(_end, os.getpid()))
