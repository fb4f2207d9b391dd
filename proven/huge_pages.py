"""Gathers the memory of the fork server into huge pages: most claims are proven in a fork, which copies their list."""

import ctypes
import gc
import re
from pathlib import Path

HUGE = 2 << 20  # bytes of a huge page on x86-64 and, most often, on ARM
COLLAPSE = 25  # MADV_COLLAPSE of Linux 6.1; where the kernel knows no such thing, nothing changes

gc.freeze()  # what is imported stays: a collection in a fork does not touch, and so copy, its pages
madvise = ctypes.CDLL(None).madvise
madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
private = r"^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ 00:00 0 *(?:\[(?:heap|anon:.*)\])?$"
for begin, end in re.findall(private, Path("/proc/self/maps").read_text(), re.MULTILINE):
    for address in range(-(-int(begin, 16) // HUGE) * HUGE, int(end, 16) - HUGE + 1, HUGE):
        madvise(address, HUGE, COLLAPSE)  # refused where most of it is not in use
