"""What the fork server holds lies in huge pages, where the kernel has them: a fork copies less."""

import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="there is no fork server")
def test_what_the_fork_server_holds_lies_in_huge_pages() -> None:
    code = """
import ctypes, mmap, re, sys
libc = ctypes.CDLL(None)
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
held = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
held.write(bytes(8 << 20))
aligned = -(-ctypes.addressof(ctypes.c_char.from_buffer(held)) // (2 << 20)) * (2 << 20)
def huge():
    return int(re.search(r"AnonHugePages: +(\\d+)", open("/proc/self/smaps_rollup").read())[1])
if libc.madvise(aligned, 2 << 20, 25):
    sys.exit("this kernel has no such thing")
before = huge()
import proven.huge_pages
print(huge() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True)
    if "no such thing" in done.stderr:
        pytest.skip(done.stderr)
    assert int(done.stdout) >= 4096, done.stderr  # in KB: two whole ones at least were left
