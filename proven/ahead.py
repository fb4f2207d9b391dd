"""What has to be in place before the modules that sections share are imported: the fork server begins with it."""

import gc
import os
import tempfile

gc.disable()  # to look for garbage among what is imported takes a sixth of the time; a section looks again
os.environ["MPLBACKEND"] = "agg"  # a figure is saved, never opened in a window
# torch._dynamo makes a folder for the files of torch.compile; each section has one of its own
os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.gettempdir()
