"""A build that is killed at any moment leaves the last good site, and no process."""

import random
import signal
import subprocess
import time

import pytest

from tests.faults.chapter import PAGE, Chapter

SEED = random.SystemRandom().randrange(2**32)
SIGNALS = ("SIGINT", "SIGTERM", "SIGKILL")
WORDS = "Words of the next site."


@pytest.mark.parametrize("number", range(10))
def test_a_build_that_is_killed_leaves_the_good_site_and_no_process(
    good: Chapter, section: Chapter, number: int
) -> None:
    name = SIGNALS[number % len(SIGNALS)]
    moment = random.Random(f"{SEED} {number}").uniform(0, good.seconds)
    print(f"seed {SEED}: {name} after {moment:.2f} s of {good.seconds:.2f} s")  # shown if it fails
    for language in ("zh", "en"):
        page = f"docs/{language}/{PAGE}"
        section.write(page, f"{section.read(page)}\n{WORDS}\n")
    before = section.site()
    process = section.start()
    time.sleep(moment)
    process.send_signal(signal.Signals[name])
    try:
        output, _ = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert not section.running()
    after = section.site()
    if after != before:  # it was too late: the next site stands, and is complete
        print(output)
        assert "Documentation built" in output
        assert after.keys() == before.keys()
        for folder in ("", "en/"):
            text = after[f"{folder}{PAGE.removesuffix('.md')}/index.html"].decode()
            assert WORDS in text
