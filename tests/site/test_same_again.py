"""The same commit gives the same site, byte for byte, wherever and whenever it is built."""

import io
import re
import zipfile
from pathlib import Path

from tests.helpers.projects import contents

DATE = b"2001-09-09T01:46:40Z"  # the EPOCH of the first build
# All that may differ between two builds: docs-dev/design.md says so, under "A build".
REPORT, DATED = "build.json", re.compile(rb'(?<=^ "date": ")[\dTZ:-]+(?=",$)', re.MULTILINE)
OFFLINE = "proven-notes-offline.zip"  # holds build.json, and so its date


def undated(report: bytes) -> bytes:
    """The report of a build without its date."""
    text, count = DATED.subn(b"", report)
    assert count == 1
    return text


def entries(archive: bytes) -> list[tuple[object, ...]]:
    """All that the zip file is made from, without the date."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return [
            (
                entry.filename,
                entry.date_time,
                entry.external_attr,
                entry.create_system,
                entry.compress_type,
                undated(file.read(entry))
                if entry.filename.endswith(f"/{REPORT}")
                else file.read(entry),
            )
            for entry in file.infolist()
        ]


def test_two_checkouts_of_one_commit_differ_in_the_stated_date_and_in_no_other_byte(
    twins: tuple[Path, Path],
) -> None:
    one, two = map(contents, twins)
    assert one.keys() == two.keys()
    assert len(one) > 100
    assert {name for name in one if one[name] != two[name]} == {REPORT, OFFLINE}
    assert undated(one[REPORT]) == undated(two[REPORT])
    assert entries(one[OFFLINE]) == entries(two[OFFLINE])
    # the date of the source sets the stated date
    assert DATED.findall(one[REPORT]) == [DATE]
    assert DATED.findall(two[REPORT]) != [DATE]
