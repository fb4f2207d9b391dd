"""The one error that the engine raises: what is wrong, where, and what to do."""

import difflib
import errno
import logging
import os
import re
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("mkdocs.plugins.proven")

# what a terminal obeys, other ends of lines, what turns the direction of a text or is not seen at all, and
# halves of characters, which UTF-8 cannot encode
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    r"\U000e0000-\U000e007f]"
)


@dataclass(frozen=True)
class Problem:
    """One thing that keeps the site from being built."""

    what: str  # what is wrong, in one sentence or as the text of an error
    advice: str
    places: tuple[str, ...] = ()  # as `file:line`, the script before the pages
    snippet: str | None = None
    claim: str | None = None
    sentence: str | None = None  # of a page
    unfinished: bool = False  # it only keeps the site from being published: `serve` goes on

    def __str__(self) -> str:
        labels = ("snippet", "claim", "sentence", "at", "do")
        texts = (self.snippet, self.claim, self.sentence, ", ".join(self.places), self.advice)
        rows = zip(labels, texts, strict=True)
        first, *rest = self.what.strip().splitlines() or [""]
        told = (f"  {label:<8} {' '.join(text.splitlines())}" for label, text in rows if text)
        return harmless("\n".join([first, *(f"  | {line}" for line in rest), *told]))


def harmless(text: str) -> str:
    """A text that no terminal obeys, nor CI, which obeys lines that begin with ::, spaces before it or not."""
    text = CONTROL.sub(lambda one: ascii(one[0])[1:-1], text)
    return re.sub(r"^(?=\s*(::|##\[))", "| ", text, flags=re.MULTILINE).replace("##[", "# #[")


# what a machine says that is at its limits: of disks, files, processes and memory
AT_LIMITS = {
    getattr(errno, name)
    for name in ("EAGAIN", "EDQUOT", "EFBIG", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC")
    if hasattr(errno, name)
}


class ProjectError(Exception):
    """Ends a build with all its problems, at least one."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("\n\n".join(str(problem) for problem in problems))


def words_of(text: str) -> frozenset[str]:
    """The words of a list that stands in the code as a text."""
    return frozenset(text.split())


def did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    """The advice for a name that there is not: the one that is nearest, if any is near."""
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else otherwise


def decode(data: bytes, place: str) -> str:
    """Decode a file that a person wrote, with any line ends, with or without a byte order mark."""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        what = f"the file is not UTF-8: {error.reason} at byte {error.start}"
        raise ProjectError(Problem(what, "save it as UTF-8", (f"{place}:1",))) from None
    lines = enumerate(text.split("\n"), 1) if CONTROL.search(text) else ()
    if places := tuple(f"{place}:{number}" for number, line in lines if CONTROL.search(line)):
        what = "the file holds control characters, or marks that turn a text's direction"
        raise ProjectError(Problem(what, "remove them, or write them as escapes in code", places))
    return text


def read(path: Path, place: str) -> bytes:
    """Read a file that a person put there, whatever is at its place."""
    try:
        if path.exists() and leads_out(path, place):
            raise OSError("it is a link that leads out of the project")
        if path.exists() and not path.is_file() and not path.is_dir():
            raise OSError("it is no file")  # to read a pipe would wait for its writer
        return path.read_bytes()
    except OSError as error:
        what = f"the file cannot be read: {error.strerror or error}"
        raise ProjectError(Problem(what, "correct or remove it", (f"{place}:1",))) from None


def leads_out(path: Path, place: str) -> bool:
    """Whether a file of the project is a link to something else, whose text must not get onto the site."""
    root = Path(str(path).removesuffix(place))
    return not path.resolve().is_relative_to(root.resolve())


def unforeseen(error: BaseException, *places: str) -> Problem:
    """Tell what nobody foresaw while it did what stands at `places`; `mkdocs -v` shows the traceback, too."""
    log.debug("%s", "".join(traceback.format_exception(error)))
    frames = traceback.extract_tb(error.__traceback__)
    engine = Path(__file__).parent
    ours = [f for f in frames if Path(f.filename).is_relative_to(engine)] or frames
    at = [f"{f.filename.removeprefix(f'{engine.parent}{os.sep}')}:{f.lineno}" for f in ours[-1:]]
    what = "".join(traceback.format_exception_only(error)).strip() or type(error).__name__
    advice = (
        "correct what is named here, if it is wrong; if not, this is a bug of the engine: report it"
    )
    if isinstance(error, OSError) and error.errno in AT_LIMITS:
        advice = "give the build more room: df and ulimit -a tell what this machine allows"
    return Problem(what, advice, (*filter(None, places), *at))
