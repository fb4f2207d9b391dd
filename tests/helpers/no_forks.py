"""Devices of a machine that has none, and on which no process may be forked."""


def watch() -> None:
    """Nothing can change how many there are."""


def count() -> int:
    """There is none."""
    return 0


def describe() -> tuple[tuple[str, ...], dict[str, str]]:
    """No names and no versions."""
    return (), {}


def may_fork() -> bool:
    """Every test runs in the process of its caller."""
    return False
