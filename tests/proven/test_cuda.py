"""CUDA as torch sees it, with a torch that answers as one would that was built for it."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch

from proven import cuda

COUNT, OTHERS = "_cuda_getDeviceCount", ("_cuda_init", "_cuda_getArchFlags")


def fresh() -> ModuleType:
    """The module as a new process would import it: no process has asked for CUDA yet."""
    specification = importlib.util.spec_from_file_location("fresh_cuda", cuda.__file__)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


Torch = Callable[[int], list[str]]


@pytest.fixture
def built_for_cuda(monkeypatch: pytest.MonkeyPatch) -> Torch:
    """A torch that was built for CUDA, on a machine with so many devices; it lists what it is asked."""

    def build(devices: int) -> list[str]:
        asked: list[str] = []
        for name in (COUNT, *OTHERS):

            def answers(name: str = name) -> int:
                asked.append(name)
                return devices

            monkeypatch.setattr(torch._C, name, answers, raising=False)
        return asked

    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: None)
    return build


@pytest.mark.parametrize("name", OTHERS)
def test_a_process_that_has_asked_for_cuda_may_not_fork(built_for_cuda: Torch, name: str) -> None:
    asked = built_for_cuda(0)
    module = fresh()
    module.watch()
    assert module.may_fork()
    assert getattr(torch._C, name)() == 0
    assert asked == [name]  # the question is passed on, and noted
    assert not module.may_fork()


@pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere")
def test_to_count_no_devices_leaves_no_mark_on_the_process(built_for_cuda: Torch) -> None:
    asked = built_for_cuda(0)
    module = fresh()
    module.watch()
    assert module.count() == 0
    assert getattr(torch._C, COUNT)() == 0  # as a snippet would ask
    assert asked == []  # only a child has asked
    assert module.may_fork()


def test_a_process_that_counts_before_the_engine_does_may_not_fork(built_for_cuda: Torch) -> None:
    built_for_cuda(0)
    module = fresh()
    module.watch()
    getattr(torch._C, COUNT)()
    assert not module.may_fork()


def test_where_there_is_a_device_no_process_may_fork(
    built_for_cuda: Torch, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_for_cuda(2)
    module = fresh()
    module.watch()
    assert module.count() == 2
    assert not module.may_fork()
    monkeypatch.setattr(torch._C, COUNT, lambda: 5, raising=False)  # as a cell could
    assert module.count() == 2


@pytest.mark.parametrize("there", [True, False])
def test_a_process_with_another_accelerator_may_not_fork(
    monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device("mps"))
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: there)
    assert fresh().may_fork() is not there


def test_a_torch_without_cuda_has_no_devices_and_nothing_to_watch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: None)
    for name in (COUNT, *OTHERS):
        monkeypatch.delattr(torch._C, name, raising=False)
    module = fresh()
    module.watch()
    assert module.count() == 0
    assert module.may_fork()
    assert not [name for name in (COUNT, *OTHERS) if hasattr(torch._C, name)]


@pytest.mark.parametrize(
    ("devices", "answer", "versions"),
    [
        (2, "580.1\n580.1\n", {"CUDA": "13.0", "driver": "580.1"}),
        (2, None, {"CUDA": "13.0"}),  # ROCm, for one, has no nvidia-smi
        (0, "580.1\n", {"CUDA": "13.0"}),
    ],
)
def test_devices_are_described_with_what_drives_them(
    built_for_cuda: Torch,
    monkeypatch: pytest.MonkeyPatch,
    devices: int,
    answer: str | None,
    versions: dict[str, str],
) -> None:
    def ask(*_: Any, **__: Any) -> "subprocess.CompletedProcess[str]":
        if answer is None:
            raise FileNotFoundError("nvidia-smi")
        return subprocess.CompletedProcess([], 0, answer)

    built_for_cuda(devices)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(subprocess, "run", ask)
    names = tuple(f"GPU {number}" for number in range(devices))
    assert fresh().describe() == (names, versions)


def test_a_torch_without_cuda_names_no_version_of_it(
    built_for_cuda: Torch, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_for_cuda(0)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert fresh().describe() == ((), {})
