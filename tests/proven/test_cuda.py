"""CUDA as torch sees it, with a torch that answers as one would that was built for it."""

import importlib.util
import subprocess
from types import ModuleType
from typing import Any

import pytest
import torch

from proven import cuda


def fresh() -> ModuleType:
    """The module as a new process would import it: no process has asked for CUDA yet."""
    specification = importlib.util.spec_from_file_location("fresh_cuda", cuda.__file__)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch that was built for CUDA, on a machine without a GPU."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    for name in ("_cuda_getDeviceCount", "_cuda_init"):
        monkeypatch.setattr(torch._C, name, lambda *given: ("answer", *given), raising=False)


@pytest.mark.usefixtures("without_gpu")
@pytest.mark.parametrize("name", ["_cuda_getDeviceCount", "_cuda_init"])
def test_a_process_that_has_asked_for_cuda_may_not_fork(name: str) -> None:
    module = fresh()
    module.watch()
    assert module.may_fork()
    assert getattr(torch._C, name)(1) == ("answer", 1)  # what torch answers is passed on
    assert not module.may_fork()


def test_a_torch_without_cuda_has_nothing_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    for name in ("_cuda_getDeviceCount", "_cuda_init"):
        monkeypatch.delattr(torch._C, name, raising=False)
    module = fresh()
    module.watch()
    assert module.may_fork()
    assert not hasattr(torch._C, "_cuda_init")


@pytest.mark.usefixtures("without_gpu")
def test_a_process_with_an_accelerator_may_not_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    module = fresh()
    assert module.may_fork()
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    assert not module.may_fork()


def test_the_number_of_devices_is_that_before_a_cell_could_change_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    module = fresh()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 5)
    assert module.count() == 2


@pytest.mark.parametrize(
    ("devices", "answer", "versions"),
    [
        (2, "580.1\n580.1\n", {"CUDA": "13.0", "driver": "580.1"}),
        (2, None, {"CUDA": "13.0"}),  # ROCm, for one, has no nvidia-smi
        (0, "580.1\n", {"CUDA": "13.0"}),
    ],
)
def test_devices_are_described_with_what_drives_them(
    monkeypatch: pytest.MonkeyPatch, devices: int, answer: str | None, versions: dict[str, str]
) -> None:
    def ask(*_: Any, **__: Any) -> "subprocess.CompletedProcess[str]":
        if answer is None:
            raise FileNotFoundError("nvidia-smi")
        return subprocess.CompletedProcess([], 0, answer)

    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(subprocess, "run", ask)
    names = tuple(f"GPU {number}" for number in range(devices))
    assert fresh().describe() == (names, versions)


def test_a_torch_without_cuda_names_no_version_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert fresh().describe() == ((), {})
