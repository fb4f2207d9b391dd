"""Prepares a process for importing the modules under `ahead` of proven.toml: whoever imports them imports this first."""

import functools
import gc
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


if "multiprocessing.forkserver" in sys.modules and sys.argv[:1] == ["-c"]:
    signal.signal(signal.SIGINT, functools.partial(_end, os.getpid()))
