"""Devices are counted by the modules that the settings name, whatever their kind."""

import importlib
import sys

import pytest

from proven import devices
from proven.settings import Settings
from tests.helpers.projects import MACHINE, Project


@pytest.fixture
def settings(project: Project, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A project with two kinds of devices, whose modules can be imported here."""
    project.settings = {"devices": {"small": "small_machine", "large": "large_machine"}}
    for name, count in (("small_machine", 2), ("large_machine", 3)):
        project.file(f"{name}.py", MACHINE.replace("machine.txt", f"{name}.txt"))
        project.file(f"{name}.txt", f"{count} True")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(project.folder)
    return project.read_settings()


def test_each_kind_is_counted_by_its_own_module(settings: Settings) -> None:
    assert devices.count(settings, "small") == 2
    assert devices.count(settings, "large") == 3
    assert devices.count(settings) == 5
    assert devices.describe(settings) == (("Made-up GPU",) * 5, {})


def test_every_module_is_told_to_watch(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    large_machine = importlib.import_module("large_machine")
    small_machine = importlib.import_module("small_machine")

    told: list[str] = []
    monkeypatch.setattr(small_machine, "watch", lambda: told.append("small"))
    monkeypatch.setattr(large_machine, "watch", lambda: told.append("large"))
    devices.watch(settings)
    assert told == ["small", "large"]


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")
def test_a_process_may_fork_only_if_no_module_forbids_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    large_machine = importlib.import_module("large_machine")

    assert devices.may_fork(settings)
    monkeypatch.setattr(large_machine, "may_fork", lambda: False)
    assert not devices.may_fork(settings)


def test_a_project_without_devices_has_none(project: Project) -> None:
    settings = project.read_settings()
    assert devices.count(settings) == 0
    assert devices.describe(settings) == ((), {})
    assert devices.may_fork(settings) == (sys.platform == "linux")
