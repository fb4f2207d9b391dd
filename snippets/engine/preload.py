"""What every section needs, imported once: by the fork server, or by a process without one."""

# ruff: noqa: E402, F401  # to be imported, in this order, is all that most of them are here for

import gc
import os
import tempfile

gc.disable()  # to look for garbage among what is imported takes a sixth of the time, and there is none
os.environ["MPLBACKEND"] = "agg"  # a figure is saved, never opened in a window

import matplotlib
import matplotlib.pyplot
import pytest  # claims are tests
import torch

# the next import makes a folder for the files of torch.compile: each section has one of its own
os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.gettempdir()
import torch._dynamo  # the first optimiser of a process imports it: a second

del os.environ["TORCHINDUCTOR_CACHE_DIR"]
gc.enable()
matplotlib.rcdefaults()  # not what the matplotlibrc of this machine says

# before any cell can replace it: how many devices there are decides what a page says
device_count = torch.cuda.device_count
