"""Prepares a process for importing the modules under `ahead` of proven.toml: whoever imports them imports this first."""

import gc
import os
import tempfile

# collecting garbage takes a sixth of the time of these imports; the process of a section enables it again
gc.disable()
# importing torch._dynamo makes a folder for the files of torch.compile; `prepare` lets each section choose its own
os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.gettempdir()
