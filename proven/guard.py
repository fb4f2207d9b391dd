"""What the process of a section may not do: use up the memory, write elsewhere, reach the network.

Python calls an audit hook before it opens a file or a connection. Ours refuses what a section may not
do, names the line of the script, and remembers the refusal, since a cell may catch the error. Python
does not see files of a C++ library, or child processes: on Linux, the kernel refuses those with
Landlock. All this finds mistakes; it does not stop code that wants to get out.
"""

import contextlib
import ctypes
import os
import re
import shutil
import struct
import sys
import tempfile
import threading
import traceback
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proven.fork import adopt_orphans, children_of
from proven.problems import words_of

FILE_LIMIT = 2**28  # bytes of any file that a section writes, its output included
SUM_LIMIT = 2**30  # bytes of all these and of shared memory together, as the runner sees at times
MEMORY_LIMIT = 2**32  # bytes of each of its processes, on Linux
DEPTH_LIMIT = 3_000  # calls inside of calls: the stack has room for as many, whatever is called
SHARED = "/dev/shm"

# for each event: the argument that is a path, the one that is the folder it is relative to, and
# whether a link is followed
Path_ = tuple[int, int | None, bool]
WRITES: dict[str, tuple[Path_, ...]] = {
    "os.rename": ((0, 2, False), (1, 3, False)),
    "os.link": ((1, 3, False),),
    "os.symlink": ((1, 2, False),),
    "os.remove": ((0, 1, False),),
    "os.rmdir": ((0, 1, False),),
    "os.mkdir": ((0, 2, False),),
    "os.truncate": ((0, None, True),),
    "os.chmod": ((0, 2, True),),
    "os.chown": ((0, 3, True),),
    "os.utime": ((0, 3, True),),
    "os.setxattr": ((0, None, True),),
    "os.removexattr": ((0, None, True),),
    "sqlite3.connect": ((0, None, True),),
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
CONNECTIONS = {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}

# What a section knows of the environment: no token of the machine that builds can get onto a page.
VARIABLES = words_of("""
    HOME LD_LIBRARY_PATH PATH PYTHONPATH PYTHONUTF8 SYSTEMROOT TEMP TMP TMPDIR USERPROFILE
    VIRTUAL_ENV WINDIR XDG_CACHE_HOME
""")
PREFIXES = ("CUDA_", "MKL_", "NVIDIA_", "OMP_")
# What is the same for every section on every machine: sets have one order, figures one style, and no
# output tells of the reader's country, terminal or name.
FIXED = {
    "COLUMNS": "80",
    "LINES": "24",
    "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8",
    "LOGNAME": "reader",
    "USER": "reader",
    "MATPLOTLIBRC": os.devnull,
    "MPLBACKEND": "agg",  # figures are saved, never opened in a window
    "PYTHONHASHSEED": "0",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",  # torch.compile leaves no process behind
    "TZ": "UTC",
}
ENGINE = Path(__file__).parents[1]

CAPABILITIES = (0x20080522, 0)  # version 3, of this process

_refused: list[tuple[str, int | None]] = []
read: set[str] = set()  # the files of the project that were read
_limits: set[str] = set()  # which limits the kernel of this machine enforces


class Refused(PermissionError):
    """Something that a section may not do."""


def pop_first_refusal() -> tuple[str, int | None] | None:
    """The first refusal since the last call, also if a cell caught the error."""
    first = _refused[0] if _refused else None
    _refused.clear()
    return first


def reason(text: str) -> str | None:
    """Say which limit is behind an error, where its own words do not."""
    starved = ("MemoryError", "allocate memory", "Unable to allocate", "bad_alloc")
    if "memory" in _limits and any(words in text for words in starved):
        return f"a section may use {MEMORY_LIMIT / 2**30:g} GiB of memory, the limit in proven/guard.py"
    denied = ("permission denied", "to a (local) address")
    if "files" in _limits and any(words in text.lower() for words in denied):
        return "a section may write only to its temporary directory, and use no network"
    if "File too large" in text:
        return f"a section may write files of {FILE_LIMIT / 2**20:g} MiB each, the limit in proven/guard.py"
    if "No space left on device" in text:
        return f"the disk with {tempfile.gettempdir()} is full: make room, or set TMPDIR"
    return None


def forget_environment() -> None:
    """Leave nothing in the environment of this process but the variables that are named above."""
    for name in list(os.environ):
        if name.upper() not in VARIABLES and not name.startswith(PREFIXES):
            del os.environ[name]
    os.environ.update(FIXED)


_changing = threading.Lock()


@contextlib.contextmanager
def named_variables() -> Iterator[None]:
    """Let a process that starts meanwhile have only these variables, and this engine."""
    with _changing:
        before = dict(os.environ)
        forget_environment()
        if not ENGINE.name.endswith("-packages"):  # else an editable install may find another one
            found = [str(ENGINE), *filter(None, [before.get("PYTHONPATH")])]
            os.environ["PYTHONPATH"] = os.pathsep.join(found)
        try:
            yield
        finally:
            for name in os.environ.keys() - before.keys():
                del os.environ[name]
            os.environ.update(before)


def remove(folder: str) -> None:
    """Remove a folder of a section, also what it made unreadable, and folders in folders however deep."""
    left = [folder]
    for above in left:  # each folder is moved to the top: no path is too long, and no call too deep
        with contextlib.suppress(OSError):
            for entry in list(os.scandir(above)):
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, 0o700)
                    left.append(os.path.join(folder, uuid.uuid4().hex))
                    os.rename(entry.path, left[-1])
    shutil.rmtree(folder, ignore_errors=True)


def size_of(folder: str) -> int:
    """How much room the files in a folder take, in bytes."""
    size, left = 0, [folder]
    for above in left:  # os.walk calls itself for each folder in another one
        with contextlib.suppress(OSError):  # removed meanwhile
            for entry in list(os.scandir(above)):
                if entry.is_dir(follow_symlinks=False):
                    left.append(entry.path)
                else:
                    size += entry.stat(follow_symlinks=False).st_size
    return size


def own_shared_memory(*needed: str) -> bool:
    """Give this process a `/dev/shm` that is gone with all it starts; none where a path is needed, or the kernel refuses."""
    if any(path.startswith(f"{SHARED}/") for path in needed):
        return False
    kernel, ids = ctypes.CDLL(None), (os.getuid(), os.getgid())
    if kernel.unshare(0x20000) != 0:  # CLONE_NEWNS, which root may
        # others with CLONE_NEWUSER, unless Ubuntu takes away again all that comes with it
        refused = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
        if (refused.exists() and "1" in refused.read_text()) or kernel.unshare(0x10020000) != 0:
            return False
        Path("/proc/self/setgroups").write_text("deny")
        for kind, number in zip("ug", ids, strict=True):
            Path(f"/proc/self/{kind}id_map").write_text(f"{number} {number} 1")
    kernel.mount(None, b"/", None, 0x44000, None)  # MS_REC, MS_PRIVATE: only we see the next one
    done: int = kernel.mount(b"shm", SHARED.encode(), b"tmpfs", 6, b"mode=1777")
    if ids[0]:  # as before, it may do nothing that others may not
        kernel.capset(struct.pack("=Ii", *CAPABILITIES), bytes(24))
    return done == 0


def shared_by(process: int) -> int:
    """How much memory a process and all that comes from it share, in bytes; on Linux."""
    size, left, own = 0, [process], f"/proc/{process}/root{SHARED}"
    for number in left:
        folder = Path(f"/proc/{number}")
        with contextlib.suppress(OSError):  # it has ended
            left += children_of(number)
            found = re.search(r"Pss_Shmem: +(\d+) kB", (folder / "smaps_rollup").read_text())
            size += int(found[1]) * 1024 if found else 0
    with contextlib.suppress(OSError):  # a file there may be in nobody's memory
        if os.stat(own).st_dev != os.stat(SHARED).st_dev:
            size = max(size, size_of(own))
    return size


def children() -> set[int]:
    """The children of this process that nobody waited for, with the orphans of such children."""
    from multiprocessing.forkserver import _forkserver
    from multiprocessing.resource_tracker import _resource_tracker

    tracker: int = getattr(_resource_tracker, "_pid", 0)
    server: int = getattr(_forkserver, "_forkserver_pid", 0)
    return set(children_of("self")) - {tracker, server}


def restrict(folder: str, script: Path, project: Path, kernel: bool) -> None:
    """Let this process and its children, for as long as they live, write in the folder only.

    `work` inside of it becomes the working directory, `tmp` the one for temporary files. The kernel
    helps where it may: the driver of a GPU maps memory and makes files of its own, which its limits
    would not allow. It does not restrict threads that run already; those are the engine's own.
    """
    folder = os.path.realpath(folder)
    for name in ("work", "tmp"):
        os.mkdir(os.path.join(folder, name))
    os.chdir(os.path.join(folder, "work"))
    tempfile.tempdir = os.path.join(folder, "tmp")
    # matplotlib, unless it was imported ahead, writes a list of fonts where it is imported
    names = ("TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR")
    os.environ.update(dict.fromkeys(names, tempfile.tempdir))
    sys.dont_write_bytecode = True
    limit("FSIZE", FILE_LIMIT)
    if sys.platform == "linux":
        adopt_orphans()
    if sys.platform == "linux" and kernel:
        if limit("DATA", MEMORY_LIMIT):
            _limits.add("memory")
        if _landlock(folder):
            _limits.add("files")
    _audit(folder, script, project)


def limit(name: str, size: int) -> bool:
    """Set a limit of this process and its children; tell whether there are such limits."""
    try:
        import resource
    except ImportError:  # Windows, where only the time limit ends a section
        return False
    kind = getattr(resource, f"RLIMIT_{name}")
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
    return True


def _landlock(folder: str) -> bool:
    """Let the kernel refuse writing elsewhere, and TCP; tell whether it does."""
    kernel = ctypes.CDLL(None, use_errno=True)
    version = kernel.syscall(444, None, 0, 1)
    if version < 2:  # no Landlock, or one under which no file can be moved to another folder
        return False
    # the rights by bit: write, remove_dir … make_sym, refer, truncate (from version 3); for TCP bind and connect (from 4)
    files = sum(1 << bit for bit in (1, *range(4, 15 if version >= 3 else 14)))
    rules = kernel.syscall(444, struct.pack("=QQ", files, 3 if version >= 4 else 0), 16, 0)
    if rules < 0:
        return False
    # /dev has shared memory and /dev/null, /proc the names of threads
    for path in (folder, "/dev", "/proc"):
        place = os.open(path, os.O_PATH)
        added: int = kernel.syscall(445, rules, 1, struct.pack("=Qi", files, place), 0)
        os.close(place)
        if added != 0:
            os.close(rules)
            return False
    kernel.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, which Landlock requires
    done: int = kernel.syscall(446, rules, 0)
    os.close(rules)
    # Landlock hides other processes and their variables, but not from who may look into every process:
    # root gives up CAP_SYS_PTRACE, CAP_SYS_ADMIN and CAP_PERFMON
    header, held = struct.pack("=Ii", *CAPABILITIES), ctypes.create_string_buffer(24)
    if done == 0 and kernel.capget(header, held) == 0:
        low, high = 1 << 19 | 1 << 21, 1 << 38 - 32
        masks = [~low & 0xFFFFFFFF] * 3 + [~high & 0xFFFFFFFF] * 3
        left = (one & mask for one, mask in zip(struct.unpack("=6I", held.raw), masks, strict=True))
        kernel.capset(header, struct.pack("=6I", *left))
    return done == 0


def _audit(folder: str, script: Path, project: Path) -> None:
    home = os.path.expanduser("~")

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            if arguments[2] & WRITING:
                check(arguments[0], None, True)
            elif isinstance(arguments[0], str | bytes) and len(read) < 10_000:
                real = os.path.realpath(os.fsdecode(arguments[0]))
                if real.startswith(f"{project}{os.sep}") and "__pycache__" not in real:
                    read.add(real)
        elif event in WRITES:
            for path, base, follow in WRITES[event]:
                check(arguments[path], None if base is None else arguments[base], follow)
        elif event in CONNECTIONS:
            if arguments[0].family.name.startswith("AF_INET"):
                refuse(f"use no network, and this one wanted {arguments[1]}")
        elif event in LOOKUPS:
            refuse(f"use no network, and this one wanted {arguments[0]}")

    def check(path: Any, base: int | None, follow: bool) -> None:
        if isinstance(path, int) or path is None:
            return  # a descriptor: its file was checked when it was opened
        path = os.fsdecode(path)
        if path in (os.devnull, ":memory:"):
            return
        if base is not None and base >= 0 and not os.path.isabs(path):
            if sys.platform != "linux":
                return  # other systems do not tell which folder a descriptor is
            path = os.path.join(os.readlink(f"/proc/self/fd/{base}"), path)
        above, name = os.path.split(os.path.abspath(path))
        path = os.path.realpath(path) if follow else os.path.join(os.path.realpath(above), name)
        # the second is standard output, which was opened as /dev/stdout
        inside = path == folder or path.startswith((folder + os.sep, "/memfd:"))
        if inside or (path.startswith("/dev/") and not path.startswith(f"{SHARED}/")):
            return
        for start, short in ((str(project), ""), (home, "~/")):
            if path.startswith(start + os.sep):
                path = short + path[len(start) + 1 :]
                break
        refuse(f"write only to its temporary directory, and this one wanted to change {path}")

    def refuse(what: str) -> None:
        frames = traceback.walk_stack(sys._getframe())
        line = next((n for f, n in frames if f.f_code.co_filename == str(script)), None)
        _refused.append((f"a section may {what}", line))
        raise Refused(_refused[-1][0])

    set_limit = sys.setrecursionlimit

    def limit_recursion(depth: int) -> None:
        if depth > DEPTH_LIMIT:
            refuse(f"call functions {DEPTH_LIMIT:,} deep, and this one wanted {depth:,}")
        set_limit(depth)

    sys.setrecursionlimit = limit_recursion
    sys.addaudithook(watch)
