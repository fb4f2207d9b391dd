import ast
import inspect
import io
import re
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode  # private: in tests only, never on a page

from snippets.engine.scripts import Snippet, read_section
from snippets.engine.testing import SNIPPETS, after, shown

SECTION = read_section(SNIPPETS / "gpu.py")
CUDA = torch.cuda.device_count()
CPU = torch.device("cpu")
CPU_BUILD = torch.version.cuda is None and torch.version.hip is None


def lines(name: str) -> list[str]:
    """The lines that a snippet prints."""
    return shown(name).output.splitlines()


def values(name: str) -> dict[str, str]:
    """What a snippet prints behind its labels."""
    return dict(line.split(": ", 1) for line in lines(name))


def roundtrip(value: object, **options: Any) -> Any:
    """Save to memory and load again."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, **options)


# What this machine has


def test_attempt_prints_the_result_or_the_first_sentence_of_the_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The helper prints a result, or the type of an error and its first sentence."""
    attempt = after("gpu.setup").attempt
    attempt(lambda: 6 * 7)

    def fail() -> None:
        raise RuntimeError("What is wrong. What to do.\nMore.")

    attempt(fail)
    assert capsys.readouterr().out == "42\nRuntimeError: What is wrong\n"
    with pytest.raises(KeyError):
        attempt(lambda: {"key": 1}["missing"])


def test_the_machine_is_reported() -> None:
    """torch.version.cuda is None in a CPU build; a CPU build never sees a usable device."""
    printed = values("gpu.machine")
    assert printed["PyTorch built with CUDA"] == str(torch.version.cuda)
    assert printed["usable here and now"] == str(CUDA > 0)
    assert torch.version.cuda is None or torch.version.cuda[0].isdigit()
    assert torch.version.cuda or torch.version.hip or not torch.cuda.is_available()


@pytest.mark.parametrize(
    "snippet", [s for s in SECTION.snippets if s.devices], ids=lambda s: s.name
)
def test_hardware_is_never_pretended(snippet: Snippet) -> None:
    """A snippet that needs a GPU is skipped, with no output at all, where there is none."""
    if snippet.devices <= CUDA:
        pytest.skip("this machine has the hardware")
    outcome = shown(snippet.name)
    assert (outcome.state, outcome.output, outcome.error, outcome.figures) == (
        "skipped",
        "",
        None,
        (),
    )
    assert outcome.had == CUDA


def test_two_snippets_need_two_gpus_and_most_need_none() -> None:
    """Two snippets of the section need two GPUs; most run on a CPU."""
    needs = [snippet.devices for snippet in SECTION.snippets]
    assert needs.count(2) == 2
    assert needs.count(0) > len(needs) / 2


def test_the_card_is_asked_for_without_the_list_of_processes() -> None:
    """nvidia-smi is asked for three fields in CSV, so no process of the machine is shown."""
    source = next(s.source for s in SECTION.snippets if s.name == "gpu.nvidia-smi")
    words = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    assert {"--query-gpu=name,driver_version,memory.total", "--format=csv"} <= set(words)


# 5.6.1


def test_a_device_is_a_type_and_an_optional_index() -> None:
    """The names cpu and cuda have no index, cuda:1 has index 1; its two spellings are equal."""
    assert lines("gpu.device-names") == [
        "device(type='cpu') | type: cpu | index: None",
        "device(type='cuda') | type: cuda | index: None",
        "device(type='cuda', index=1) | type: cuda | index: 1",
        "True",
    ]
    assert str(torch.device(f"cuda:{3}")) == "cuda:3"


def test_a_device_name_is_not_checked_against_the_hardware() -> None:
    """torch.device('cuda:99') is made everywhere; a tensor on it is an error everywhere."""
    name, error = lines("gpu.only-a-name")
    assert name == "cuda:99"
    assert error.split(":")[0] in {"AssertionError", "RuntimeError", "AcceleratorError"}
    if CPU_BUILD:
        assert error == "AssertionError: Torch not compiled with CUDA enabled"
    absent = torch.device("cuda", CUDA)
    with pytest.raises((RuntimeError, AssertionError)):
        torch.ones(1, device=absent)


def test_there_is_no_device_type_gpu() -> None:
    """PyTorch's type is cuda: gpu is no device, and torch has no function gpu()."""
    assert not hasattr(torch, "gpu")
    with pytest.raises(RuntimeError, match="device type at start of device string: gpu"):
        torch.device("gpu")


def test_cuda_and_cuda_0_are_not_equal() -> None:
    """torch.device('cuda') has no index, so it differs from torch.device('cuda:0')."""
    assert lines("gpu.cuda-is-not-cuda-0") == ["equal: False", "index: None 0", "type: cuda cuda"]
    assert torch.device("cuda") != torch.device("cuda:0")


def test_a_cpu_index_selects_nothing() -> None:
    """torch.device('cpu', 1) can be written; the tensor made with it is on plain cpu."""
    state = after("gpu.cpu-has-no-number")
    assert state.second_cpu.index == 1
    assert torch.ones(1, device=state.second_cpu).device == CPU
    assert lines("gpu.cpu-has-no-number") == ["name: cpu:1", "tensor: cpu"]


def test_counting_devices_never_fails() -> None:
    """device_count() is 0 without CUDA, and no error."""
    assert values("gpu.count")["CUDA devices"] == str(CUDA)
    assert CUDA >= 0
    assert torch.cuda.is_available() or CUDA == 0


def test_try_gpu_falls_back_to_the_cpu_at_both_ends() -> None:
    """try_gpu gives a GPU that exists, and the CPU for a number too high or negative."""
    try_gpu = after("gpu.try-gpu").try_gpu
    assert try_gpu(10**6) == CPU
    assert try_gpu(-1) == try_gpu(-(10**6)) == CPU
    assert try_gpu(CUDA) == CPU
    assert [try_gpu(i) for i in range(CUDA)] == [torch.device("cuda", i) for i in range(CUDA)]
    assert try_gpu() == (torch.device("cuda:0") if CUDA else CPU)


def test_try_gpu_picks_the_gpus_of_a_larger_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two GPUs, try_gpu(1) is the second, try_gpu(2) the CPU, and all are two."""
    state = after("gpu.try-gpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [str(state.try_gpu(i)) for i in (-1, 0, 1, 2)] == ["cpu", "cuda:0", "cuda:1", "cpu"]
    assert state.try_all_gpus() == [torch.device("cuda:0"), torch.device("cuda:1")]


def test_try_all_gpus_is_never_empty() -> None:
    """try_all_gpus lists every GPU, or the CPU alone."""
    devices = after("gpu.try-gpu").try_all_gpus()
    assert len(devices) == max(1, CUDA)
    assert {device.type for device in devices} == {"cuda" if CUDA else "cpu"}


def test_checking_only_the_upper_end_lets_negative_numbers_through() -> None:
    """With i < device_count() alone, -1 makes the invalid name cuda:-1 on every machine."""
    outcome = shown("gpu.negative-index")
    assert outcome.error == "RuntimeError: Invalid device string: 'cuda:-1'"
    hopeful_gpu = _defined("gpu.negative-index", "hopeful_gpu")
    assert hopeful_gpu(CUDA) == CPU


def test_the_accelerator_is_found_or_the_cpu_taken() -> None:
    """torch.accelerator names the device there is; mps and xpu are device types like cuda."""
    printed = values("gpu.accelerator")
    assert printed["accelerators"] == str(torch.accelerator.device_count())
    if torch.accelerator.is_available():
        assert printed["device"] == str(torch.accelerator.current_accelerator())
    else:
        assert printed == {"device": "cpu", "accelerators": "0"}
    assert [torch.device(name).type for name in ("mps", "xpu")] == ["mps", "xpu"]


# 5.6.2


def test_every_tensor_has_a_device_and_it_is_the_cpu_by_default() -> None:
    """A tensor made without device= is on the CPU."""
    state = after("gpu.tensor-device")
    assert isinstance(state.x.device, torch.device)
    assert state.x.device == CPU
    assert lines("gpu.tensor-device") == ["cpu", "default: cpu"]


def test_tensors_are_created_on_the_device_that_is_asked_for() -> None:
    """device= places the new tensor, and the helpers make the same code run anywhere."""
    state = after("gpu.create-on-device")
    assert state.X.device == state.try_gpu()
    assert state.Y.device == state.try_gpu(1)
    assert state.X.shape == state.Y.shape == (2, 3)
    assert torch.ones(2, device="meta").device.type == "meta"
    printed = values("gpu.create-on-device")
    assert printed == {"X": str(state.try_gpu()), "Y": str(state.try_gpu(1))}


def test_asking_for_cuda_outright() -> None:
    """A CPU build answers with its two errors; a machine with GPUs with their devices."""
    answers = lines("gpu.asking-for-cuda")
    if CUDA:
        assert answers[0] == answers[1] == answers[3] == "cuda:0"
        assert (answers[2] == "cuda:1") == (CUDA > 1)
    elif CPU_BUILD:
        not_compiled = "AssertionError: Torch not compiled with CUDA enabled"
        none_there = "RuntimeError: Cannot access accelerator device when none is available."
        assert answers == [not_compiled, not_compiled, none_there, not_compiled]


@pytest.mark.skipif(CUDA > 1, reason="this machine has a second GPU")
def test_the_second_gpu_of_the_notes_is_an_error_without_one() -> None:
    """X.cuda(1) raises a RuntimeError on a machine with fewer than two GPUs."""
    with pytest.raises(RuntimeError):
        after("gpu.create-on-device").X.cuda(1)


def test_operands_on_two_devices_are_an_error() -> None:
    """A CPU tensor plus a meta tensor of the same shape raises a RuntimeError, and copies nothing."""
    outcome = shown("gpu.mismatch")
    assert outcome.output == "cpu meta\n"
    assert outcome.error == "RuntimeError: Tensor on device meta is not on the expected device cpu!"


def test_a_meta_tensor_has_a_shape_and_no_data() -> None:
    """Tensors on meta have shape and dtype; their data cannot be read."""
    elsewhere = _defined("gpu.mismatch", "elsewhere")
    assert elsewhere.shape == (2, 3)
    assert elsewhere.dtype == torch.float32
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
        elsewhere.cpu()


def test_numbers_and_scalar_cpu_tensors_mix_with_any_device() -> None:
    """A number or a 0-dim CPU tensor may be added to a tensor elsewhere; [1.0] may not."""
    number, scalar, vector, reverse = lines("gpu.scalars-mix")
    assert number == "number: meta"
    assert scalar == "0-dim tensor: meta"
    assert vector == "RuntimeError: Tensor on device cpu is not on the expected device meta!"
    assert reverse == "RuntimeError: Tensor on device meta is not on the expected device cpu!"
    assert torch.tensor(1.0).dim() == 0
    assert torch.tensor([1.0]).dim() == 1


def test_meta_is_a_stand_in_only() -> None:
    """Addition and nn.Linear check meta operands; the product @ with a CPU tensor does not."""
    here, elsewhere = torch.ones(2, 3), torch.ones(2, 3, device="meta")
    for checked in (
        lambda: here + elsewhere,
        lambda: nn.Linear(3, 1)(elsewhere),
        lambda: nn.Linear(3, 1, device="meta")(here),
    ):
        with pytest.raises(RuntimeError, match="is not on the expected device"):
            checked()
    assert (here @ elsewhere.T).shape == (2, 2)


def test_an_explicit_copy_brings_the_operands_together() -> None:
    """X.to(try_gpu(1)) lies where Y does, so Y + Z works on every machine; X stays."""
    state = after("gpu.copy-between")
    assert state.Z.device == state.Y.device == (state.Y + state.Z).device
    assert state.X.device == state.try_gpu()
    assert torch.equal((state.Y + state.Z).cpu(), state.Y.cpu() + 1)
    assert values("gpu.copy-between") == {
        "X": str(state.try_gpu()),
        "Z": str(state.try_gpu(1)),
        "Y + Z": str(state.try_gpu(1)),
    }


def test_tensor_to_leaves_the_tensor_where_it_is() -> None:
    """x.to(device) without an assignment changes nothing."""
    state = after("gpu.moving-needs-assignment")
    assert state.x.device == CPU
    assert state.moved.device.type == "meta"
    assert lines("gpu.moving-needs-assignment") == ["x: cpu", "moved: meta"]


def test_to_returns_self_only_if_nothing_changes() -> None:
    """Same device and dtype and no copy=True: the same object. cpu:0 is another name than cpu."""
    assert lines("gpu.to-returns-self") == [
        "same device: True True",
        "other dtype: False",
        "copy=True: False",
        "'cpu:0': False cpu",
    ]
    x = after("gpu.tensor-device").x
    assert x.to(x.device) is x
    assert x.to(x.dtype) is x
    assert torch.device("cpu:0") != torch.device("cpu")


def test_numpy_wants_main_memory() -> None:
    """numpy() of a tensor that is not on the CPU is a TypeError that names Tensor.cpu()."""
    outcome = shown("gpu.numpy-wants-the-cpu")
    assert outcome.output == "[1 2 3]\n"
    assert outcome.error is not None
    assert outcome.error.startswith("TypeError: can't convert meta device type tensor to numpy.")
    assert "Use Tensor.cpu()" in outcome.error


# 5.6.3


def test_a_network_and_its_output_are_where_it_was_moved() -> None:
    """net.to(device) moves the parameters; with input there, the output is there."""
    state = after("gpu.network")
    assert {p.device for p in state.net.parameters()} == {state.try_gpu()}
    assert state.net(state.X).device == state.net[0].weight.device
    assert state.net[0].weight.device == state.net[0].weight.data.device
    assert values("gpu.network")["output"].endswith("(2, 1)")


def test_module_to_works_in_place() -> None:
    """Module.to moves the parameters of the module itself and returns it."""
    assert lines("gpu.module-in-place") == [
        "same module: True",
        "weight: meta",
        "output: meta (2, 1)",
    ]
    layer = nn.Linear(3, 1)
    assert layer.to("meta") is layer
    assert {p.device.type for p in layer.parameters()} == {"meta"}


def test_the_input_has_to_follow_the_network() -> None:
    """A network on one device raises a RuntimeError for input on another."""
    outcome = shown("gpu.input-must-follow")
    assert outcome.error == "RuntimeError: Tensor on device meta is not on the expected device cpu!"


def test_a_module_without_tensors_moves_anywhere() -> None:
    """nn.ReLU().to('cuda') passes without any GPU: there is nothing to move."""
    relu, linear = lines("gpu.nothing-to-move")
    assert relu == "ReLU()"
    assert list(nn.ReLU().state_dict()) == []
    assert linear.startswith("Linear(") == (CUDA > 0)
    assert nn.ReLU().to("cuda:99") is not None


@pytest.mark.parametrize("registered", [False, True])
def test_a_move_takes_registered_tensors_along(registered: bool) -> None:
    """to() takes buffers to the device and the dtype; a plain tensor attribute stays behind."""
    FixedHiddenMLP = after("gpu.fixed-hidden-mlp").FixedHiddenMLP
    moved, cast = (FixedHiddenMLP(registered).to(target) for target in ("meta", torch.float64))
    assert moved.linear.weight.device.type == "meta"
    assert (moved.rand_weight.device.type == "meta") == registered
    assert cast.linear.weight.dtype == torch.float64
    assert (cast.rand_weight.dtype == torch.float64) == registered
    assert ("rand_weight" in cast.state_dict()) == registered
    assert [name for name, _ in cast.named_parameters()] == ["linear.weight", "linear.bias"]


def test_the_stray_constant_is_shown() -> None:
    """The page prints where the constant ends up, for an attribute and for a buffer."""
    assert [line.strip() for line in lines("gpu.stray-constant")] == [
        "registered: False",
        "devices: meta cpu",
        "dtypes: torch.float64 torch.float32",
        "registered: True",
        "devices: meta meta",
        "dtypes: torch.float64 torch.float64",
    ]


def test_the_stray_constant_breaks_the_forward_pass() -> None:
    """After a change of dtype the network with the plain attribute raises, the other one runs."""
    outcome = shown("gpu.stray-constant-fails")
    assert outcome.output == "buffer: torch.float64\n"
    assert outcome.error is not None
    assert outcome.error.startswith("RuntimeError: expected m1 and m2 to have the same dtype")


def test_an_optimiser_survives_a_change_of_dtype() -> None:
    """Module.to keeps the Parameter objects, so an optimiser built before goes on updating them."""
    assert lines("gpu.optimiser-survives") == [
        "same parameter: True torch.float64",
        "updated: True",
    ]
    state = after("gpu.optimiser-survives")
    held = state.optimiser.param_groups[0]["params"]
    assert all(a is b for a, b in zip(held, state.model.parameters(), strict=True))
    assert not torch.equal(state.model.weight, state.start)


def test_meta_replaces_the_parameters() -> None:
    """A move to meta makes new Parameter objects; the optimiser keeps the old ones."""
    same, where = lines("gpu.meta-replaces")
    assert same == "same parameter: False"
    assert where == "model: meta | optimiser: cpu"
    state = after("gpu.meta-replaces")
    assert state.held is state.weight


def test_the_state_of_an_optimiser_stays_behind() -> None:
    """Adam's two averages appear in the first step and do not follow model.to()."""
    outcome = shown("gpu.optimiser-state-stays")
    assert outcome.output == "torch.float32\n"
    assert outcome.error is not None
    assert outcome.error.startswith("RuntimeError: expected dtype float")
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters())
    assert not optimiser.state
    model(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    kept = optimiser.state[model.weight]
    assert {name for name, value in kept.items() if value.shape == model.weight.shape} == {
        "exp_avg",
        "exp_avg_sq",
    }


def test_moving_first_avoids_all_of_it() -> None:
    """An optimiser built after the move steps twice without trouble."""
    model = nn.Linear(3, 1).to(torch.float64)
    optimiser = torch.optim.Adam(model.parameters())
    for _ in range(2):
        optimiser.zero_grad()
        model(torch.ones(2, 3, dtype=torch.float64)).sum().backward()
        optimiser.step()
    assert optimiser.state[model.weight]["exp_avg"].dtype == torch.float64


def test_map_location_decides_where_a_file_goes() -> None:
    """map_location='cpu' reads on every machine; 'cuda' needs a CUDA device."""
    cpu, cuda = lines("gpu.map-location")
    assert cpu == "cpu"
    if CUDA:
        assert cuda == "cuda:0"
    else:
        message = "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False"
        assert cuda == f"RuntimeError: {message}"
    loaded = roundtrip({"w": torch.ones(2)}, map_location="meta")
    assert loaded["w"].device.type == "meta"


@pytest.mark.skipif(CUDA > 0, reason="this machine has a GPU")
def test_a_file_from_a_gpu_needs_map_location_on_a_cpu() -> None:
    """A file whose tensors were on cuda:0 is refused without CUDA, and opens with map_location."""
    written, forged = io.BytesIO(), io.BytesIO()
    torch.save({"w": torch.arange(3.0)}, written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(forged, "w") as target:
        for item in source.infolist():
            data = source.read(item)
            if item.filename.endswith("data.pkl"):  # where the pickle says cpu, let it say cuda:0
                cpu, cuda = (b"X" + len(s).to_bytes(4, "little") + s for s in (b"cpu", b"cuda:0"))
                assert data.count(cpu) == 1
                data = data.replace(cpu, cuda)
            target.writestr(item, data)
    forged.seek(0)
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        torch.load(forged)
    forged.seek(0)
    assert torch.load(forged, map_location="cpu")["w"].tolist() == [0, 1, 2]


# Timing


def test_a_queue_returns_before_the_work_is_done() -> None:
    """Handing work to a queue returns at once; only waiting for it makes sure that it is done."""
    assert lines("gpu.queue-model") == [
        "call returned, work done: False",
        "after waiting, work done: True",
    ]


def test_the_stopwatch_needs_no_gpu() -> None:
    """wait() does nothing without an accelerator, and seconds() times CPU work."""
    state = after("gpu.stopwatch")
    assert state.wait() is None
    assert state.slow > state.fast > 0
    assert lines("gpu.stopwatch") == ["384 x 384 takes longer than 16 x 16: True"]


@pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has an accelerator")
def test_synchronising_without_an_accelerator_is_an_error() -> None:
    """torch.accelerator.synchronize() raises where there is nothing to wait for."""
    # a build with CUDA asks for the driver first
    with pytest.raises(RuntimeError, match=r"none is available|no NVIDIA driver"):
        torch.accelerator.synchronize()


def test_the_stopwatch_drops_the_first_round_and_waits_before_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Six rounds, the first not counted; waiting is part of the time only if synchronised."""
    state = after("gpu.stopwatch")
    clock = 0.0
    queue: list[float] = []

    def launch(work: Iterator[float]) -> None:
        nonlocal clock
        clock += 1.0  # what a launch takes
        queue.append(next(work))

    def synchronise() -> None:
        nonlocal clock
        clock += sum(queue)
        queue.clear()

    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "synchronize", synchronise)
    monkeypatch.setattr(state.time, "perf_counter", lambda: clock)
    costs = [1000.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    work = iter(costs)
    assert state.seconds(launch, work) == 1.0 + 30.0
    assert next(work, None) is None
    assert state.seconds(launch, iter(costs), synchronised=False) == 1.0
    assert queue == []


# Two GPUs on a machine without any: fake tensors know their device and hold no data


def test_two_fake_gpus_refuse_to_mix() -> None:
    """Tensors on cuda:0 and cuda:1, or on cuda:0 and cpu, raise the error one searches for."""
    text = (
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and "
    )
    with FakeTensorMode():
        first, second = (torch.ones(2, 3, device=f"cuda:{i}") for i in range(2))
        with pytest.raises(RuntimeError, match=f"{text}cuda:1!"):
            first + second
        with pytest.raises(RuntimeError, match=f"{text}cpu!"):
            first + torch.ones(2, 3)
        with pytest.raises(RuntimeError, match="same device"):
            first @ second.T


def test_a_fake_copy_to_the_second_gpu() -> None:
    """A copy lies on cuda:1, the original stays on cuda:0, and the sum is where both operands are."""
    with FakeTensorMode():
        X, Y = torch.ones(2, 3, device="cuda:0"), torch.rand(2, 3, device="cuda:1")
        Z = X.to("cuda:1")
        assert (str(X.device), str(Z.device)) == ("cuda:0", "cuda:1")
        assert str((Y + Z).device) == "cuda:1"
        assert Z.to("cuda:1") is Z
        assert Z.to("cuda:0") is not Z


def test_fake_gpus_accept_scalars_from_the_cpu_only() -> None:
    """A 0-dim CPU tensor mixes with a GPU tensor; [1.0], and a scalar from the GPU, do not."""
    with FakeTensorMode():
        on_gpu = torch.ones(2, 3, device="cuda:1")
        assert str((on_gpu + 1).device) == str((on_gpu + torch.tensor(1.0)).device) == "cuda:1"
        with pytest.raises(RuntimeError, match="same device"):
            on_gpu + torch.tensor([1.0])
        with pytest.raises(RuntimeError, match="same device"):
            torch.ones(2, 3) + torch.tensor(1.0, device="cuda:1")


# The exercises

EXERCISES = (
    "pick-gpu",
    "same-place",
    "to-device",
    "sum-device",
    "devices-of",
    "adopt",
    "follow",
    "bench",
    "log-on-the-device",
)


def test_every_solution_checks_itself_without_a_gpu() -> None:
    """Each solution runs everywhere, holds assertions, and ends by printing that it checked."""
    by_name = {snippet.name: snippet for snippet in SECTION.snippets}
    for name in EXERCISES:
        snippet = by_name[f"gpu.{name}"]
        assert snippet.devices == 0
        assert "assert " in snippet.source
        last = ast.parse(snippet.source).body[-1]
        assert ast.unparse(last).startswith("print('checked:")
    assert lines("gpu.pick-gpu") == ["of 3: cuda:0 cuda:2 cuda:2 cuda:0", "checked: pick_gpu"]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_pick_gpu_counts_as_a_list_does(count: int) -> None:
    """For every number, pick_gpu gives what a list of that many GPUs gives, else the CPU."""
    pick_gpu = after("gpu.pick-gpu").pick_gpu
    gpus = [torch.device("cuda", i) for i in range(count)]
    with mock.patch("torch.cuda.device_count", return_value=count):
        for i in range(-8, 8):
            assert pick_gpu(i) == (gpus[i] if -count <= i < count else CPU)


def test_same_place_asks_a_tensor() -> None:
    """Every number of the CPU is one place; a device is compared by where a tensor lands."""
    state = after("gpu.same-place")
    assert state.same_place("cpu:1", "cpu:7")
    assert not state.same_place(torch.device("meta"), "cpu:0")
    assert state.place("cpu:3") == CPU
    assert state.same_place(state.try_gpu(), str(torch.ones(1, device=state.try_gpu()).device))
    if not CUDA:
        with pytest.raises((AssertionError, RuntimeError)):
            state.same_place("cuda", "cuda:0")
    with FakeTensorMode():
        assert state.same_place("cuda:1", torch.device("cuda", 1))
        assert not state.same_place("cuda:0", "cuda:1")


class Sample(NamedTuple):
    image: torch.Tensor
    label: list[Any]


def test_to_device_keeps_the_structure() -> None:
    """Only tensors move; containers keep their types, and nothing is changed in place."""
    to_device = after("gpu.to-device").to_device
    note = object()
    batch = (Sample(torch.ones(2), [torch.zeros(3), "cat"]), {"deep": ({1: torch.ones(1)},)}, note)
    moved = to_device(batch, "meta")
    assert type(moved) is tuple
    assert type(moved[0]) is Sample
    assert moved[0].image.device.type == moved[0].label[0].device.type == "meta"
    assert moved[0].label[1] == "cat"
    assert moved[1]["deep"][0][1].device.type == "meta"
    assert moved[2] is note
    assert batch[0].image.device == batch[1]["deep"][0][1].device == CPU
    assert to_device(batch, CPU)[0].image is batch[0].image
    assert to_device([], "meta") == []
    assert to_device(torch.ones(()), "meta").device.type == "meta"


def test_the_device_of_a_sum_is_foretold() -> None:
    """sum_device agrees with PyTorch for other shapes, and on fake GPUs."""
    sum_device = after("gpu.sum-device").sum_device

    def really(a: torch.Tensor, b: torch.Tensor) -> torch.device | None:
        try:
            return (a + b).device
        except RuntimeError:
            return None

    shapes: list[tuple[int, ...]] = [(), (1,), (2, 1), (1, 1, 1)]
    here, meta = ([torch.ones(s, device=d) for s in shapes] for d in ("cpu", "meta"))
    answers = [(sum_device(a, b), really(a, b)) for a in here + meta for b in here + meta]
    assert all(said == done for said, done in answers)
    assert {str(said) for said, _ in answers} == {"cpu", "meta", "None"}
    with FakeTensorMode():
        fake = [torch.ones(s, device=d) for s in ((), (2,)) for d in ("cpu", "cuda:0", "cuda:1")]
        assert all(sum_device(a, b) == really(a, b) for a in fake for b in fake)


def test_devices_of_finds_every_tensor_once() -> None:
    """Parameters, buffers (persistent or not) and attributes, each with its full name and kind."""
    state = after("gpu.devices-of")
    assert len(state.table) == 8

    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))
            self.register_buffer("cache", torch.ones(2), persistent=False)
            self.stray = torch.ones(2, device="meta")
            self.number = 3.0
            self.inner = nn.Sequential(OrderedDict(last=nn.Linear(2, 1, bias=False)))

    net = Holder()
    assert state.devices_of(net) == {
        "weight": ("parameter", "cpu"),
        "cache": ("buffer", "cpu"),
        "stray": ("attribute", "meta"),
        "inner.last.weight": ("parameter", "cpu"),
    }
    moved = state.devices_of(nn.Sequential(net).to("meta"))
    assert set(moved) == {f"0.{name}" for name in state.devices_of(net)}
    assert {device for _, device in moved.values()} == {"meta"}
    assert state.devices_of(nn.ReLU()) == {}


def test_the_table_shows_the_one_tensor_that_stayed() -> None:
    """The picture has a cell for each of the eight tensors: seven in one colour, one in another."""
    (figure,) = shown("gpu.device-table").figures
    assert figure == shown("gpu.device-table").figures[0]
    for text in ("parameter", "buffer", "attribute", "1.rand_weight", "0.num_batches_tracked"):
        assert f">{text}</text>" in figure
    assert figure.count(">meta</text>") == 7
    assert figure.count(">cpu</text>") == 1


def test_adopt_registers_strays_at_any_depth() -> None:
    """Every plain tensor becomes a buffer with its values; what was registered stays as it was."""
    state = after("gpu.adopt")
    torch.manual_seed(1)
    net = nn.Sequential(nn.Sequential(state.FixedHiddenMLP(registered=False)), nn.BatchNorm1d(3))
    net[0].mask = torch.arange(4)
    parameters, buffers = list(net.parameters()), list(net.buffers())
    constant = net[0][0].rand_weight
    assert state.adopt(net) is net
    assert net[0][0].rand_weight is constant
    assert {"0.mask", "0.0.rand_weight"} <= set(net.state_dict())
    assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
    assert len(list(net.buffers())) == len(buffers) + 2
    assert state.adopt(net) is net  # a second time changes nothing
    kinds = {kind for kind, _ in state.devices_of(net).values()}
    assert kinds == {"parameter", "buffer"}
    with pytest.raises(KeyError, match="attribute 'mask' already exists"):
        module = nn.Module()
        module.mask = torch.ones(1)
        module.register_buffer("mask", torch.ones(1))


@pytest.mark.parametrize("options", [{"lr": 0.1, "momentum": 0.9}, {"lr": 0.1}])
def test_an_optimiser_can_follow_its_parameters(options: dict[str, float]) -> None:
    """Loading its own state casts the state of SGD with momentum as well, and keeps the values."""
    follow = after("gpu.follow").follow
    torch.manual_seed(1)
    model = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(model.parameters(), **options)
    model(torch.ones(2, 3)).sum().backward()
    optimiser.step()
    before = [s["momentum_buffer"].clone() for s in optimiser.state.values() if s]
    model.to(torch.float64)
    follow(optimiser)
    buffers = [
        s["momentum_buffer"]
        for s in optimiser.state.values()
        if s.get("momentum_buffer") is not None
    ]
    if "momentum" in options:
        assert [b.dtype for b in buffers] == [torch.float64] * 2
        assert all(torch.equal(a.double(), b) for a, b in zip(before, buffers, strict=True))
    held = optimiser.param_groups[0]["params"]
    assert all(a is b for a, b in zip(held, model.parameters(), strict=True))
    assert optimiser.param_groups[0]["lr"] == 0.1
    model(torch.ones(2, 3, dtype=torch.float64)).sum().backward()
    optimiser.step()


def test_bench_waits_before_each_reading_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a simulated queue, bench gives the time of the work, without the warm-up."""
    state = after("gpu.bench")
    clock, queued, cost = 0.0, 0.0, iter([1000.0, 10.0, 20.0, 30.0])

    def action(data: str) -> None:
        nonlocal clock, queued
        assert data == "data for cpu"
        clock += 1.0
        queued += next(cost)

    def wait() -> None:
        nonlocal clock, queued
        clock, queued = clock + queued, 0.0

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(state.time, "perf_counter", lambda: clock)
    times = state.bench("data for {}".format, action, rounds=3, wait=wait)
    assert times == {"cpu": (3 * 1.0 + 60.0) / 3}


def test_bench_names_every_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with GPUs bench measures the CPU and the first GPU, in this order."""
    state = after("gpu.bench")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    made: list[str] = []
    times = state.bench(lambda device: made.append(str(device)), id, wait=lambda: None)
    assert made == ["cpu", "cuda:0"]
    assert list(times) == ["cpu", "cuda"]


def test_a_log_on_the_device_reads_nothing() -> None:
    """Recording detached tensors calls item() never; recording numbers does so in each step."""
    state = after("gpu.log-on-the-device")
    assert lines("gpu.log-on-the-device")[:2] == [
        "each step, calls of item(): 30",
        "on the device, calls of item(): 0",
    ]
    assert len(state.log) == len(state.read) == 30
    assert state.log[-1] < state.log[0]
    assert state.calls_of_item(lambda loss: (loss.item(), loss.item())) == 60
    graphs: list[torch.Tensor] = []
    state.fit(graphs.append, steps=2)
    assert all(loss.grad_fn is not None for loss in graphs)
    assert all(loss.grad_fn is None for loss in state.kept)
    assert "item" not in vars(torch.Tensor)


# The hardware snippets, rehearsed: the CPU in the place of the GPU


@pytest.mark.parametrize(
    "name", ["launch-returns-early", "item-waits", "matmul-times", "transfer", "gpu-checkpoint"]
)
def test_hardware_snippets_hold_together(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With small sizes and the CPU as device, the snippets for a GPU run from end to end."""
    if CUDA:
        pytest.skip("this machine runs the real ones")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    before = torch.get_num_threads()
    state = after("gpu.stopwatch")
    capsys.readouterr()
    needed = {
        "item-waits": ["launch-returns-early"],
        "transfer": ["launch-returns-early", "item-waits"],
    }
    if name == "gpu-checkpoint":
        vars(state)["gpu_net"] = nn.Linear(3, 1)
    for part in [*needed.get(name, []), name]:
        _rehearse(f"gpu.{part}", state)
    torch.set_num_threads(before)
    printed = capsys.readouterr().out
    if name == "matmul-times":
        assert state.sizes == [8, 16, 32]
        assert len(state.cpu) == len(state.gpu) == len(state.naive) == 3
        labels = [line.get_label() for line in state.axes.get_lines()]
        assert [label.split(",")[0] for label in labels] == ["CPU", "GPU + synchronize()", "GPU"]
        assert [line.get_color() for line in state.axes.get_lines()] == ["C0", "C1", "C2"]
        import matplotlib.pyplot as plt

        plt.close("all")
    elif name == "gpu-checkpoint":
        assert printed == "as written: cpu\nmap_location='cpu': cpu\n"
    else:
        assert printed.count(" ms") >= 2


def _rehearse(name: str, state: types.ModuleType) -> None:
    source = next(snippet.source for snippet in SECTION.snippets if snippet.name == name)
    source = source.replace('"cuda"', '"cpu"').replace("range(6, 14)", "range(3, 6)")
    source = re.sub(r"\b4096\b", "16", re.sub(r"\b8192\b", "32", source))
    assert "cuda" not in source.replace("torch.cuda.synchronize", "")
    exec(compile(source, name, "exec"), vars(state))


def _defined(name: str, variable: str) -> Any:
    """A variable of a snippet, also where the snippet ends with its declared error."""
    return getattr(after(name), variable)


def test_the_calls_to_torch_cuda_exist() -> None:
    """What the hardware snippets call in torch.cuda and torch.accelerator is there, with those names."""
    for path in _attributes("torch.cuda.") | _attributes("torch.accelerator."):
        found: object = torch
        for part in path.split(".")[1:]:
            found = getattr(found, part)
        assert callable(found) or isinstance(found, types.ModuleType), path
    assert "check_available" in inspect.signature(torch.accelerator.current_accelerator).parameters


def _attributes(prefix: str) -> set[str]:
    names = set()
    for snippet in SECTION.snippets:
        for node in ast.walk(ast.parse(snippet.source)):
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith(prefix):
                names.add(ast.unparse(node))
    return names


# With one GPU


@pytest.mark.gpu(1)
def test_the_report_of_the_cards() -> None:
    """Each device has a name and its memory; torch.version.cuda is the version PyTorch was built with."""
    printed = lines("gpu.report")
    assert len(printed) == CUDA + 1
    for i in range(CUDA):
        assert printed[i].startswith(f"cuda:{i} {torch.cuda.get_device_name(i)} ")
        assert printed[i].endswith(" GiB")
    assert torch.version.cuda
    assert printed[-1] == f"PyTorch built with CUDA: {torch.version.cuda}"


@pytest.mark.gpu(1)
def test_nvidia_smi_prints_a_heading_and_the_cards() -> None:
    """The trimmed output has a line of headings and one for each card of the machine."""
    heading, *cards = lines("gpu.nvidia-smi")
    assert heading.startswith("name, driver_version, memory.total")
    assert len(cards) >= 1
    assert all(card.count(", ") == 2 and card.endswith("MiB") for card in cards)


@pytest.mark.gpu(1)
def test_cuda_is_the_current_device() -> None:
    """A tensor asked for on cuda carries the index of the current device, so it never equals cuda."""
    t = after("gpu.current-device").t
    assert t.device == torch.device("cuda", torch.cuda.current_device())
    assert t.device != torch.device("cuda")
    assert t.device.type == "cuda"
    assert lines("gpu.current-device") == [
        "tensor: cuda:0",
        "current device: 0",
        "equals 'cuda': False",
        "is on a GPU: True True",
    ]


@pytest.mark.gpu(1)
def test_a_tensor_on_the_gpu_tells_so() -> None:
    """X is on cuda:0 and its repr says so; its copy on the CPU has no such suffix."""
    X = after("gpu.create-on-device").X
    assert str(X.device) == "cuda:0"
    assert "device='cuda:0'" in repr(X)
    output = shown("gpu.tensors-on-the-gpu").output
    assert output.count("device='cuda:0'") == 1
    assert output.count("tensor(") == 2


@pytest.mark.gpu(1)
def test_with_one_gpu_the_second_falls_back() -> None:
    """With one GPU, Y is on the CPU and .cuda(1) raises a RuntimeError."""
    state = after("gpu.create-on-device")
    if CUDA > 1:
        assert str(state.Y.device) == "cuda:1"
        return
    assert state.Y.device == CPU
    with pytest.raises(RuntimeError):
        torch.ones(1).cuda(1)
    assert "Error: " in lines("gpu.asking-for-cuda")[2]


@pytest.mark.gpu(1)
def test_cpu_and_gpu_do_not_mix() -> None:
    """GPU plus CPU tensor raises; GPU plus a 0-dim CPU tensor is on the GPU."""
    outcome = shown("gpu.gpu-mismatch")
    assert outcome.output == "0-dim CPU tensor: cuda:0\n"
    assert outcome.error is not None
    assert outcome.error.startswith("RuntimeError: Expected all tensors to be on the same device")
    g = torch.ones(2, device="cuda")
    assert (g + torch.tensor(1.0)).is_cuda
    with pytest.raises(RuntimeError, match="same device"):
        g + torch.tensor([1.0])
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(2) + torch.tensor(1.0, device="cuda")


@pytest.mark.gpu(1)
def test_a_gpu_tensor_is_returned_if_it_is_there_already() -> None:
    """cuda(), cuda(0), to('cuda:0') and to('cuda') all return the tensor itself."""
    assert shown("gpu.gpu-to-returns-self").output.split() == ["True"] * 4
    Z = torch.ones(2, device="cuda")
    assert Z.to("cuda", torch.float64) is not Z
    assert Z.to("cuda", copy=True) is not Z


@pytest.mark.gpu(1)
def test_numpy_refuses_a_gpu_tensor() -> None:
    """numpy() of a GPU tensor is a TypeError that names Tensor.cpu()."""
    with pytest.raises(TypeError, match=r"Use Tensor\.cpu\(\)"):
        torch.ones(2, device="cuda").numpy()


@pytest.mark.gpu(1)
def test_moving_a_network_to_the_gpu_keeps_its_parameters() -> None:
    """Module.to('cuda') keeps the Parameter objects, and an optimiser built before updates them."""
    state = after("gpu.network-on-the-gpu")
    assert state.gpu_net.weight is state.gpu_weight
    assert state.gpu_weight.is_cuda
    assert state.gpu_output.is_cuda
    assert not torch.equal(state.gpu_weight, state.gpu_start)
    assert lines("gpu.network-on-the-gpu") == [
        "same module: True",
        "same parameter: True cuda:0",
        "output: cuda:0",
        "updated: True",
    ]


@pytest.mark.gpu(1)
def test_the_state_of_an_optimiser_stays_on_the_cpu() -> None:
    """Adam's averages, made on the CPU, are still there after the model has moved to the GPU."""
    model = nn.Linear(3, 1)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3)).square().mean().backward()
    optimiser.step()
    model.to("cuda")
    assert model.weight.is_cuda
    assert optimiser.state[model.weight]["exp_avg"].device == CPU


@pytest.mark.gpu(1)
def test_a_network_on_the_gpu_wants_its_input_there() -> None:
    """A network on the GPU gives its output there, and raises for a batch on the CPU."""
    error = shown("gpu.gpu-input-must-follow").error
    assert error is not None
    assert "same device" in error
    gpu_net = after("gpu.network-on-the-gpu").gpu_net
    assert gpu_net(torch.ones(2, 3, device="cuda")).is_cuda


@pytest.mark.gpu(1)
def test_the_stray_constant_stays_on_the_cpu() -> None:
    """The buffer moves to the GPU, the attribute does not, and its network raises."""
    outcome = shown("gpu.gpu-stray-constant")
    assert outcome.output.splitlines() == ["buffer: cuda:0", "attribute: cpu", "output: cuda:0"]
    assert outcome.error is not None
    assert "same device" in outcome.error


@pytest.mark.gpu(1)
def test_a_gpu_checkpoint_goes_where_map_location_says() -> None:
    """A file written on the GPU loads onto the GPU by default, and on the CPU with map_location."""
    assert lines("gpu.gpu-checkpoint") == ["as written: cuda:0", "map_location='cpu': cpu"]
    loaded = roundtrip(nn.Linear(2, 2).cuda().state_dict(), map_location="cpu")
    assert loaded["weight"].device == CPU


@pytest.mark.gpu(1)
def test_a_launch_returns_before_the_work_is_done() -> None:
    """Launching twenty large products takes less than half of the time until they are done."""
    state = after("gpu.launch-returns-early")
    assert state.launched < state.finished / 2


@pytest.mark.gpu(1)
@pytest.mark.parametrize("read", [torch.Tensor.item, torch.Tensor.cpu, repr])
def test_reading_a_value_waits_for_it(read: Callable[[torch.Tensor], object]) -> None:
    """item(), cpu() and printing wait until the value has been computed."""
    state = after("gpu.item-waits")
    launch = state.seconds(state.launch, synchronised=False)
    waited = state.seconds(lambda: read(state.launch()[0, 0]), synchronised=False)
    assert launch < waited / 2
    assert waited > state.seconds(state.launch) / 2


@pytest.mark.gpu(1)
def test_only_the_synchronised_curve_shows_the_work() -> None:
    """For the largest product the launch is a small part; the gain over the CPU grows with n."""
    state = after("gpu.matmul-times")
    assert state.naive[-1] < state.gpu[-1] / 10
    assert state.naive[-1] < 10 * state.naive[0]
    assert state.gpu[-1] > 10 * state.gpu[0]
    assert state.naive[0] > state.gpu[0] / 10
    assert state.cpu[0] / state.gpu[0] < state.cpu[-1] / state.gpu[-1]
    outcome = shown("gpu.matmul-times")
    assert len(outcome.figures) == 1


@pytest.mark.gpu(1)
def test_many_small_copies_cost_more_than_one_large_copy() -> None:
    """Copying 4096 rows one by one takes longer than copying them at once."""
    state = after("gpu.transfer")
    once = state.seconds(state.images.to, "cuda")
    assert state.seconds(state.row_by_row) > once
    assert shown("gpu.transfer").output.count(" ms") == 4


# With two GPUs


@pytest.mark.gpu(2)
def test_cuda_follows_the_current_device() -> None:
    """Inside torch.cuda.device(1) plain cuda is cuda:1, outside it is cuda:0 again."""
    assert lines("gpu.current-device-moves") == ["inside: cuda:1", "outside: cuda:0"]
    with torch.cuda.device(1):
        assert torch.ones(1, device="cuda").device.index == 1
    assert torch.ones(1, device="cuda").device.index == 0


@pytest.mark.gpu(2)
def test_a_copy_on_the_second_gpu() -> None:
    """X.cuda(1) is a copy on cuda:1 with the values of X, and X stays on cuda:0."""
    state = after("gpu.second-gpu")
    assert (str(state.X.device), str(state.copied.device)) == ("cuda:0", "cuda:1")
    assert torch.equal(state.X.cpu(), state.copied.cpu())
    assert lines("gpu.second-gpu")[0] == "X: cuda:0 | copy: cuda:1"
    assert state.copied.cuda(1) is state.copied


@pytest.mark.gpu(2)
def test_a_sum_on_the_second_gpu() -> None:
    """The sum of two tensors on cuda:1 is on cuda:1."""
    state = after("gpu.second-gpu")
    assert str((state.Y + state.copied).device) == "cuda:1"


@pytest.mark.gpu(2)
def test_two_gpus_do_not_mix() -> None:
    """Tensors on cuda:0 and cuda:1 cannot be added."""
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(2, device="cuda:0") + torch.ones(2, device="cuda:1")
