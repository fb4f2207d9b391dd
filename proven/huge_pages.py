"""Moves the memory of the fork server into huge pages: a fork copies the table of all pages, and most claims take a fork."""

import ctypes
import gc
import re
from pathlib import Path

HUGE = 2 << 20  # bytes of a huge page on x86-64 and, most often, on ARM
COLLAPSE = 25  # MADV_COLLAPSE, from Linux 6.1 on; older kernels refuse it, and nothing changes

# a collection in a fork leaves the imported objects alone, so that their pages stay shared
gc.freeze()
madvise = ctypes.CDLL(None).madvise
madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
private = r"^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ 00:00 0 *(?:\[(?:heap|anon:.*)\])?$"
for begin, end in re.findall(private, Path("/proc/self/maps").read_text(), re.MULTILINE):
    for address in range(-(-int(begin, 16) // HUGE) * HUGE, int(end, 16) - HUGE + 1, HUGE):
        madvise(address, HUGE, COLLAPSE)  # the kernel refuses a range of which most is unused
