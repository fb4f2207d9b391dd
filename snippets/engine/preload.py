"""What every section needs, imported once: by the fork server, or by a process without one."""

import os

os.environ["MPLBACKEND"] = "agg"  # a figure is saved, never opened in a window

import matplotlib
import matplotlib.pyplot
import pytest  # noqa: F401  # claims are tests
import torch
import torch._dynamo  # noqa: F401  # the first optimiser of a process imports it: a second

matplotlib.rcdefaults()  # not what the matplotlibrc of this machine says
