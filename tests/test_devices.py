"""Tests of what 5.6 shows besides `gpu.py`: cells that need no GPU, and the checks of the exercises."""

import itertools
import time
import types
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode  # private: in tests only, never on a page

from proven.testing import after, over, shown
from tests.families import all_dtypes, devices, float_dtypes, layers

CPU = torch.device("cpu")


def lines(name: str) -> list[str]:
    """The lines that a snippet prints."""
    return shown(name).output.splitlines()


# What forward makes, and what a module holds


def test_a_tensor_made_in_forward_does_not_move() -> None:
    """A tensor that `forward` makes with `torch.randn`, `rand`, `ones`, `zeros` or `empty` without `device=` is on the CPU, unless another default is set, even after the network has moved; adding it to a tensor on another device raises an error.

    `forward` 里用 `torch.randn`、`rand`、`ones`、`zeros` 或 `empty` 创建的张量，不写 `device=` 就在 CPU 上（除非改了默认设备），网络移走之后也一样；再与别的设备上的张量相加，就会报错。
    """
    outcome = shown("devices.born-on-the-cpu")
    assert outcome.output == "on the CPU: (2, 3)\n"
    assert outcome.error == "RuntimeError: Tensor on device cpu is not on the expected device meta!"
    state = after("devices.born-on-the-cpu")
    assert {p.device.type for p in state.noisy.parameters()} == {state.rows.device.type} == {"meta"}
    made = (torch.randn, torch.rand, torch.ones, torch.zeros, torch.empty)
    for create in over(made, "functions that create tensors | 个创建张量的函数"):
        error = pytest.raises(RuntimeError, match="on device cpu is not on the expected device")
        with mock.patch("torch.randn", create), error:  # which forward calls
            state.noisy(state.rows)
        with mock.patch("torch.randn", create), torch.device("meta"):
            assert state.noisy(state.rows).device.type == "meta"


def test_a_tensor_made_like_another_is_where_that_one_is() -> None:
    """`randn_like(X)` and `torch.arange(3, device=X.device)` create a tensor on the device of `X`, so a network that uses them runs wherever it is moved.

    `randn_like(X)` 和 `torch.arange(3, device=X.device)` 都在 `X` 所在的设备上创建张量，这样写的网络移到哪里都能运行。
    """
    assert lines("devices.right-place") == ["cpu", "meta"]
    ways: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "randn_like": torch.randn_like,
        "rand_like": torch.rand_like,
        "zeros_like": torch.zeros_like,
        "ones_like": torch.ones_like,
        "empty_like": torch.empty_like,
        "new_zeros": lambda X: X.new_zeros(3),
        "new_ones": lambda X: X.new_ones(3),
        "arange": lambda X: torch.arange(3, device=X.device),
        "randn": lambda X: torch.randn(3, device=X.device),
        "tensor": lambda X: torch.tensor([1.0], device=X.device),
    }
    for way in over(ways, "ways to create | 种创建的写法"):
        for place in devices():
            assert ways[way](torch.ones(2, 3, device=place)).device == place
        with FakeTensorMode():
            for name in ("cuda:0", "cuda:1", "xpu:0"):
                assert str(ways[way](torch.ones(2, 3, device=name)).device) == name


def test_layers_and_buffers_move_attributes_and_lists_do_not() -> None:
    """`Module.to` moves the parameters of a layer and a buffer; a tensor in a plain attribute and one in a list stay on the CPU.

    `Module.to` 会移动层的参数和缓冲区；普通属性里的张量、列表里的张量都留在 CPU 上。
    """
    assert lines("devices.left-behind") == [
        "layer: meta",
        "buffer: meta",
        "plain attribute: cpu",
        "list: cpu",
    ]
    Scaled = after("devices.left-behind").Scaled
    assert isinstance(Scaled().shifts[0], nn.Parameter)
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        scaled = Scaled().to(dtype)
        assert (scaled.linear.weight.dtype, scaled.mean.dtype) == (dtype, dtype)
        assert (scaled.scale.dtype, scaled.shifts[0].dtype) == (torch.float32, torch.float32)


# Names, and what cannot be done


def test_old_type_names_tell_dtype_and_device() -> None:
    """`type()` of a tensor is a name that tells dtype and device: `torch.FloatTensor` is float32 on the CPU, `torch.cuda.FloatTensor` float32 on a GPU. Tried on fake tensors, which have a device but no data.

    张量的 `type()` 是一个名字，说明数据类型和设备：`torch.FloatTensor` 是 CPU 上的 float32，`torch.cuda.FloatTensor` 是 GPU 上的 float32。这是用假张量（fake tensor）试的，它们有设备，没有数据。
    """
    names = {torch.float32: "Float", torch.float64: "Double", torch.float16: "Half"}
    names |= {torch.int64: "Long", torch.int32: "Int", torch.bool: "Bool"}
    with FakeTensorMode():
        for dtype in over(names, "dtypes | 种数据类型"):
            here = torch.ones(2, dtype=dtype)
            there = torch.ones(2, dtype=dtype, device="cuda:0")
            assert here.type() == f"torch.{names[dtype]}Tensor"
            assert there.type() == f"torch.cuda.{names[dtype]}Tensor"


def test_choosing_a_gpu_touches_no_hardware() -> None:
    """`try_gpu` asks `torch.cuda` for nothing but the number of GPUs and whether CUDA can be used: told that there are two, `try_gpu(1)` returns `cuda:1` even on a machine without any.

    `try_gpu` 向 `torch.cuda` 只问两件事，GPU 的数目和 CUDA 能不能用：只要数目报成 2，`try_gpu(1)` 在没有 GPU 的机器上也返回 `cuda:1`。
    """

    def touched(*_: Any, **__: Any) -> None:
        raise AssertionError("something else of torch.cuda was called")

    state = after("devices.choose")
    before = torch.cuda.is_initialized()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in list(vars(torch.cuda).items()):
            if isinstance(value, types.FunctionType):
                patch.setattr(torch.cuda, name, touched)
        for name in [name for name in dir(torch._C) if name.startswith("_cuda_")]:
            patch.setattr(torch._C, name, touched)
        for count in over(range(9), "numbers of GPUs | 种 GPU 的数目"):
            gpus = [torch.device("cuda", i) for i in range(count)]
            with state.pretend(count):
                assert [state.try_gpu(i) for i in range(count)] == gpus
                assert state.try_gpu(-1) == state.try_gpu(count) == CPU
    assert torch.cuda.is_initialized() == before


def test_try_gpu_falls_back_to_the_cpu() -> None:
    """`try_gpu(i)` gives the GPU with this number if `device_count()` says that it exists and `is_available()` that CUDA can be used, and the CPU for every other number.

    `device_count()` 表明有这个编号的 GPU、`is_available()` 又表明 CUDA 能用时，`try_gpu(i)` 就返回它；其余编号一律返回 CPU。
    """
    state = after("devices.choose")
    assert state.try_gpu() == (torch.device("cuda:0") if torch.cuda.is_available() else CPU)
    pairs = itertools.product((0, 1, 2, 8), (*range(-9, 10), 10**6, -(10**6)))
    for count, i in over(pairs, "pairs of GPUs there and number asked for | 组 GPU 数目与编号"):
        with state.pretend(count):
            assert state.try_gpu(i) == (torch.device("cuda", i) if 0 <= i < count else CPU)
            with mock.patch("torch.cuda.is_available", return_value=False):
                assert state.try_gpu(i) == CPU


def test_device_count_may_count_what_cuda_cannot_use() -> None:
    """In a build with CUDA that has not used it yet, `device_count()` gives the number of cards that NVIDIA's driver tells, and `is_available()` asks the CUDA runtime: where the first tells of cards and the second finds none, `device_count()` is not 0, `is_available()` is `False`, and `try_gpu()` of this page gives the CPU. Both answers are pretended.

    带 CUDA 的版本还没用过 CUDA 时，`device_count()` 得到的是 NVIDIA 驱动报出的显卡数，`is_available()` 问的则是 CUDA 运行时：前者报有显卡、后者一块也找不到的话，`device_count()` 不是 0，`is_available()` 是 `False`，本页的 `try_gpu()` 给出 CPU。两个答案都是假装的。
    """
    state = after("devices.choose")
    for count in over(range(1, 9), "numbers of cards that the driver tells | 种驱动报出的显卡数"):
        for found in (0, count):
            with pytest.MonkeyPatch.context() as patch:
                patch.delenv("PYTORCH_NVML_BASED_CUDA_CHECK", raising=False)
                patch.setattr("torch.version.hip", None)
                for name, value in (("_initialized", False), ("_cached_device_count", None)):
                    patch.setattr(torch.cuda, name, value)
                patch.setattr("torch.cuda._is_compiled", lambda: True)
                patch.setattr("torch.cuda._device_count_nvml", lambda: count)  # noqa: B023
                told = lambda: found  # noqa: B023, E731
                patch.setattr(torch._C, "_cuda_getDeviceCount", told, raising=False)
                assert torch.cuda.device_count() == count
                assert torch.cuda.is_available() == (found > 0)
                assert state.try_gpu() == (torch.device("cuda:0") if found else CPU)


def test_try_gpu_gives_what_is_there() -> None:
    """With no GPU, one or two, `try_gpu(i)` gives the GPU of that number where there is one, and the CPU everywhere else, for −1 too."""
    assert lines("devices.choose") == [
        "asked for: 0 1 -1",
        "if there are 0: cpu cpu cpu",
        "if there are 1: cuda:0 cpu cpu",
        "if there are 2: cuda:0 cuda:1 cpu",
    ]
    assert after("devices.choose").try_gpu(10**6) == CPU


def test_one_name_for_the_device_runs_anywhere() -> None:
    """A program that takes its device from `try_gpu()` and names no other runs with and without a GPU, and computes on that device.

    程序用 `try_gpu()` 选好设备，别处不再写设备名，有没有 GPU 就都能运行，计算也就在选好的设备上。
    """
    state = after("devices.choose")
    try_gpu, pretend = state.try_gpu, state.pretend
    for count in over(range(5), "numbers of GPUs | 种 GPU 的数目"):
        with pretend(count), FakeTensorMode():
            device = try_gpu()
            weight = torch.ones(3, 1, device=device)
            X = torch.ones(2, 3).to(device)
            assert str((X @ weight).device) == ("cuda:0" if count else "cpu")


def test_the_device_of_a_tensor_is_read_only() -> None:
    """Assigning to `x.device` raises an `AttributeError`: the attribute can only be read.

    给 `x.device` 赋值会抛出 `AttributeError`：这个属性只能读。
    """
    *_, read_only = shown("devices.misnamed").errors
    assert read_only.text.startswith("AttributeError: attribute 'device' of ")
    assert read_only.text.endswith(" is not writable")
    for dtype in over(all_dtypes(), "dtypes | 种数据类型"):
        tensor = torch.empty(2, dtype=dtype)
        with pytest.raises(AttributeError, match="is not writable"):
            tensor.device = CPU
        assert tensor.device == CPU


def test_wrong_names_say_what_is_wrong() -> None:
    """The error of a wrong device type lists the types, that of a module names its class."""
    wrong_type, no_device, _ = shown("devices.misnamed").errors
    assert wrong_type.text.startswith("RuntimeError: Expected one of cpu, cuda, ")
    assert wrong_type.text.endswith(" device string: gpu")
    assert no_device.text == "AttributeError: 'Linear' object has no attribute 'device'"


def test_to_empty_leads_out_of_meta() -> None:
    """`Module.to("cpu")` from `meta` raises `Cannot copy out of meta tensor; no data!`; `to_empty(device="cpu")` gives the module memory with arbitrary values; `load_state_dict` fills the parameters and the persistent buffers. A parameter that two modules share becomes two, in `to_empty`.

    从 `meta` 执行 `Module.to("cpu")` 会报错 `Cannot copy out of meta tensor; no data!`；`to_empty(device="cpu")` 给模块分配内存，里面的数值是任意的，再用 `load_state_dict` 填上参数和持久缓冲区。两个模块共用的参数，经过 `to_empty` 会变成两个。
    """
    tensor, module = shown("devices.out-of-meta").errors
    assert tensor.text == "NotImplementedError: Cannot copy out of meta tensor; no data!"
    assert module.text.startswith(f"{tensor.text} Please use torch.nn.Module.to_empty()")
    with_parameters = [layer for layer in layers() if list(layer.make().parameters())]
    for layer in over(with_parameters, "layer classes with parameters | 种有参数的层"):
        filled, empty = layer.make(), layer.make().to("meta")
        with pytest.raises(NotImplementedError, match="no data!"):
            empty.to("cpu")
        empty.to_empty(device="cpu")
        assert {t.device for t in empty.state_dict().values()} == {CPU}
        empty.load_state_dict(filled.state_dict())
        for a, b in zip(empty.state_dict().values(), filled.state_dict().values(), strict=True):
            assert torch.equal(a, b)
        with torch.device("meta"):
            first, second = layer.make(), layer.make()
        for path, p in first.named_parameters():
            owner, _, name = path.rpartition(".")
            setattr(second.get_submodule(owner), name, p)
        tied = nn.Sequential(first, second)
        shared = len(list(first.parameters()))
        assert len(list(tied.parameters())) == shared
        assert len(list(tied.to_empty(device="cpu").parameters())) == 2 * shared


# What the summary says in one line


def test_networks_move_in_place_and_tensors_by_assignment() -> None:
    """`net.to(device)` moves a network; a tensor is moved by `x = x.to(device)`, with the assignment.

    `net.to(device)` 就移动了网络；张量要赋值才算移动：`x = x.to(device)`。
    """
    net, x = nn.Linear(3, 1), torch.ones(2, 3)
    for place in over(["meta", "cpu:0", "meta:0"], "device names | 个设备名"):
        net = nn.Linear(3, 1).to("cpu")
        net.to(place)
        x = torch.ones(2, 3)
        x.to(place)
        assert x.device == CPU
        x = x.to(place)
        assert net(x).device == net.weight.device == x.device == torch.empty(0, device=place).device


# A network on two devices


def test_a_network_can_be_on_two_devices() -> None:
    """The halves of a network can be on two devices if `forward` copies what goes from one to the other; gradients go back through such a copy.

    网络的两半可以在两个设备上，只要 `forward` 把中间结果从一个复制到另一个；梯度会沿着这次复制传回去。
    """
    Split = after("devices.split").Split
    assert shown("devices.split").output == "checked: Split\n"
    meta = torch.device("meta")  # a stand-in for the last device: there is no way back from it
    pairs = itertools.product(devices(), repeat=2)
    ways = [(here, there) for here, there in pairs if here != meta or there == meta]
    for here, there in over(ways, "pairs of devices | 对设备"):
        first, second = nn.Linear(3, 4), nn.Linear(4, 1)
        split = Split(first, second, here, there)
        assert [p.device for p in split.parameters()] == [here, here, there, there]
        assert split(torch.ones(2, 3)).device == there
    X = torch.ones(2, requires_grad=True)
    copied = X.to(torch.float64).to("cpu", copy=True)
    [gradient] = torch.autograd.grad(copied.sum(), [X])
    assert gradient.tolist() == [1, 1]
    # between two devices the gradient is sent back, too, and meta has none
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta"):
        torch.ones(2, requires_grad=True).to("meta").sum().backward()


def test_what_goes_through_a_split_network_ends_on_the_second_fake_gpu() -> None:
    """With cuda:0 and cuda:1 the input is copied to the first, and what it makes to the second."""
    Split = after("devices.split").Split
    seen: list[str] = []

    class Half(nn.Module):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            seen.append(str(X.device))
            return X + 1

    with FakeTensorMode():
        split = Split(Half(), Half(), "cuda:0", "cuda:1")
        assert str(split(torch.ones(2, 3)).device) == "cuda:1"
    assert seen == ["cuda:0", "cuda:1"]


@pytest.mark.gpu(2)
def test_the_output_of_a_split_network_is_on_the_second_gpu() -> None:
    """On two GPUs, the output of the split network is on the second."""
    assert lines("devices.split-on-two-gpus") == ["output: cuda:1"]


# The checks of the exercises: they take the solutions, and refuse what people write instead


def check(name: str, *arguments: Any) -> None:
    """Run the check that a page shows before the solution."""
    state = after(f"devices.check-{name}")
    getattr(state, f"check_{name.replace('-', '_')}")(*arguments)


SOLUTIONS = {
    "pick-gpu": "pick_gpu",
    "to-device": "to_device",
    "devices-of": "devices_of",
    "adopt": "adopt",
    "bench": "bench",
    "same-place": "same_place",
    "follow": "follow",
    "sum-device": "sum_device",
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solutions_pass_the_checks(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the page gives as a solution passes the check that it shows before."""
    solution = getattr(after(f"gpu.{name}"), SOLUTIONS[name])
    check(name, solution)
    assert capsys.readouterr().out.endswith(f"checked: {SOLUTIONS[name]}\n")


def test_the_log_of_the_solution_passes_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    """A list of detached losses passes."""
    kept: list[torch.Tensor] = []
    check("log", lambda loss: kept.append(loss.detach()), kept)
    assert capsys.readouterr().out.endswith("checked: log\n")


def only_upper(i: int = 0) -> torch.device:
    there = i < torch.cuda.device_count()
    return torch.device(f"cuda:{i}" if there else "cpu")


def never_negative(i: int = 0) -> torch.device:
    there = 0 <= i < torch.cuda.device_count()
    return torch.device(f"cuda:{i}" if there else "cpu")


def one_level(batch: dict[str, Any], device: Any) -> dict[str, Any]:
    return {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}


def plain_tuples(batch: Any, device: Any) -> Any:
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {k: plain_tuples(v, device) for k, v in batch.items()}
    if isinstance(batch, list | tuple):
        return [plain_tuples(v, device) for v in batch]
    return batch


def named_only(net: nn.Module) -> dict[str, tuple[str, str]]:
    found = {n: ("parameter", p.device.type) for n, p in net.named_parameters()}
    return found | {n: ("buffer", b.device.type) for n, b in net.named_buffers()}


def adopt_as_parameters(net: nn.Module) -> nn.Module:
    for module in net.modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, torch.Tensor):
                delattr(module, name)
                module.register_parameter(name, nn.Parameter(value))
    return net


def adopt_at_the_top(net: nn.Module) -> nn.Module:
    for name, value in list(vars(net).items()):
        if isinstance(value, torch.Tensor):
            delattr(net, name)
            net.register_buffer(name, value)
    return net


def never_waiting(make: Any, action: Any, rounds: int = 5, wait: Any = None) -> dict[str, float]:
    data = make("cpu")
    for _ in range(rounds):
        action(data)
    return {"cpu": 1.0}


def compares_names(a: Any, b: Any) -> bool:
    return torch.device(a) == torch.device(b)


def compares_types(a: Any, b: Any) -> bool:
    return torch.device(a).type == torch.device(b).type or torch.device(a).type == "cpu"


def new_state(optimizer: torch.optim.Optimizer) -> None:
    optimizer.state.clear()


def nothing(optimizer: torch.optim.Optimizer) -> None:
    pass


def first_device(a: torch.Tensor, b: torch.Tensor) -> torch.device:
    return a.device


def strict_devices(a: torch.Tensor, b: torch.Tensor) -> torch.device | None:
    return a.device if a.device == b.device else None


def any_scalar(a: torch.Tensor, b: torch.Tensor) -> torch.device | None:
    if a.device == b.device or b.dim() == 0:
        return a.device
    return b.device if a.dim() == 0 else None


WRONG: list[tuple[str, Callable[..., Any]]] = [
    ("pick-gpu", only_upper),
    ("pick-gpu", never_negative),
    ("to-device", one_level),
    ("to-device", plain_tuples),
    ("devices-of", named_only),
    ("adopt", lambda net: net),
    ("adopt", adopt_as_parameters),
    ("adopt", adopt_at_the_top),
    ("bench", never_waiting),
    ("same-place", compares_names),
    ("same-place", compares_types),
    ("follow", new_state),
    ("follow", nothing),
    ("sum-device", first_device),
    ("sum-device", strict_devices),
    ("sum-device", any_scalar),
]


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_the_checks_refuse_wrong_solutions(name: str, wrong: Callable[..., Any]) -> None:
    """A plausible wrong solution does not pass."""
    with pytest.raises((AssertionError, RuntimeError, KeyError, TypeError, AttributeError)):
        check(name, wrong)


def lists_for_tuples(batch: Any, device: Any) -> Any:
    """Move a nested batch, but turn its tuples without names into lists."""
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: lists_for_tuples(value, device) for key, value in batch.items()}
    if isinstance(batch, list | tuple):
        items = [lists_for_tuples(item, device) for item in batch]
        return type(batch)(*items) if hasattr(batch, "_fields") else items
    return batch


def only_what_is_saved(net: nn.Module) -> dict[str, tuple[str, str]]:
    """Take the buffers from the state dict, which lacks those that are not persistent."""
    places = {name: value.device.type for name, value in net.state_dict().items()}
    parameters = dict(net.named_parameters())
    found = {n: ("parameter" if n in parameters else "buffer", p) for n, p in places.items()}
    for path, module in net.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Tensor):
                found[f"{path}.{name}".lstrip(".")] = "attribute", value.device.type
    return found


def casts_the_count_too(optimizer: torch.optim.Optimizer) -> None:
    """Cast every tensor of the state, the number of steps among them."""
    for parameter, kept in optimizer.state.items():
        kept.update({name: value.to(parameter) for name, value in kept.items()})


def casts_the_averages(optimizer: torch.optim.Optimizer) -> None:
    """Cast what has the shape of its parameter."""
    for parameter, kept in optimizer.state.items():
        for name, value in kept.items():
            kept[name] = value.to(parameter) if value.shape == parameter.shape else value


def same_type(a: Any, b: Any) -> bool:
    """Take all GPUs for one place."""
    return torch.device(a).type == torch.device(b).type


def same_type_and_number(a: Any, b: Any) -> bool:
    """Compare the numbers of GPUs, too."""
    a, b = torch.device(a), torch.device(b)
    return a.type == b.type and (a.type != "cuda" or a.index == b.index)


def test_the_checks_of_devices_refuse_what_is_nearly_right() -> None:
    """Refused: tuples that become lists, the buffers of the state dict, a cast count of steps, all GPUs as one."""
    check("follow", casts_the_averages)
    with pytest.raises(AssertionError, match="deep has another type"):
        check("to-device", lists_for_tuples)
    with pytest.raises(AssertionError, match="too few or too many"):
        check("devices-of", only_what_is_saved)
    with pytest.raises(AssertionError, match="step is now"):
        check("follow", casts_the_count_too)
    with mock.patch("torch.cuda.is_available", return_value=False):
        check("same-place", same_type_and_number)
        for wrong in (same_type, lambda a, b: str(a).split(":")[0] == str(b).split(":")[0]):
            with pytest.raises(AssertionError, match="two GPUs"):
                check("same-place", wrong)


def test_a_log_that_waits_or_keeps_the_graph_is_refused() -> None:
    """Reading each value, converting it, or keeping the graph does not pass."""
    numbers: list[Any] = []
    with pytest.raises(AssertionError, match="item"):
        check("log", lambda loss: numbers.append(loss.item()), numbers)
    floats: list[Any] = []
    with pytest.raises(AssertionError, match="no tensor"):
        check("log", lambda loss: floats.append(float(loss.detach())), floats)
    graphs: list[torch.Tensor] = []
    with pytest.raises(AssertionError, match="keeps the graph"):
        check("log", graphs.append, graphs)
    copies: list[torch.Tensor] = []
    with pytest.raises(AssertionError, match="read, or moved"):
        check("log", lambda loss: copies.append(loss.detach().cpu()), copies)
    check("log", lambda loss: graphs.append(loss.detach()), graphs)  # a second try, the same list
    with pytest.raises(AssertionError, match="0 entries, not 30"):
        check("log", lambda loss: None, graphs)


def test_half_a_solution_is_refused() -> None:
    """Children only, a sum for a mean, and a look at the number of entries do not pass."""
    bench = after("gpu.bench").bench

    def of_the_children(net: nn.Module) -> nn.Module:
        for child in net.children():
            for name, value in list(vars(child).items()):
                if isinstance(value, torch.Tensor):
                    delattr(child, name)
                    child.register_buffer(name, value)
        return net

    def in_all(*arguments: Any, rounds: int = 5, **named: Any) -> dict[str, float]:
        found = bench(*arguments, rounds=rounds, **named)
        return {name: time * rounds for name, time in found.items()}

    def by_number(a: torch.Tensor, b: torch.Tensor) -> torch.device | None:
        if a.device == b.device or b.numel() == 1:
            return a.device
        return b.device if a.numel() == 1 else None

    for name, wrong in ("adopt", of_the_children), ("bench", in_all), ("sum-device", by_number):
        with pytest.raises(AssertionError):
            check(name, wrong)

    def by_what_is_available(i: int = 0) -> torch.device:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return torch.device("cuda", i % count) if -count <= i < count else torch.device("cpu")

    check("pick-gpu", by_what_is_available)


def timed(name: str) -> Callable[..., dict[str, float]]:
    """A bench for the CPU that reads the clock or counts in another way than it should."""

    def bench(make: Any, action: Any, rounds: int = 5, wait: Any = None) -> dict[str, float]:
        data = make("cpu")
        if name == "warm-up counted":
            start = time.perf_counter()
        action(data)
        if name == "clock before the wait":
            start = time.perf_counter()
        wait()
        if name not in ("warm-up counted", "clock before the wait"):
            start = time.perf_counter()
        rounds = 5 if name == "always five" else rounds
        for _ in range(rounds):
            action(data)
        end = time.perf_counter()
        wait()
        if name != "launch only" and name != "clock before the wait":
            end = time.perf_counter()
        return {"cpu": (end - start) / rounds}

    return bench


def test_the_check_of_the_bench_knows_where_the_clock_was_read() -> None:
    """Refused: the clock read before the wait, at the end or both times, the warm-up counted, and always five rounds."""
    with mock.patch("torch.cuda.is_available", return_value=False):
        check("bench", timed("right"))
        for name in ("launch only", "clock before the wait", "warm-up counted"):
            with pytest.raises(AssertionError, match="s per run, not about"):
                check("bench", timed(name))
        with pytest.raises(AssertionError, match=r"6 runs, not 1 \+ 10"):
            check("bench", timed("always five"))


def test_the_checks_refuse_what_forgets_the_top_the_class_or_the_device() -> None:
    """Refused: attributes at one level, without the root or of the class; averages on the old device; asking a half."""
    devices_of = after("gpu.devices-of").devices_of

    def without_the_root(net: nn.Module) -> dict[str, Any]:
        own = {name for name, value in vars(net).items() if isinstance(value, torch.Tensor)}
        return {name: row for name, row in devices_of(net).items() if name not in own}

    def one_level(net: nn.Module) -> dict[str, Any]:
        rows = devices_of(net).items()
        return {n: row for n, row in rows if row[0] != "attribute" or n.count(".") < 2}

    def of_the_class_too(net: nn.Module) -> dict[str, Any]:
        found = devices_of(net)
        for path, module in net.named_modules():
            for name in dir(type(module)):
                if isinstance(getattr(type(module), name), torch.Tensor):
                    found[f"{path}.{name}".lstrip(".")] = "attribute", "cpu"
        return found

    for wrong in (without_the_root, one_level, of_the_class_too):
        with pytest.raises(AssertionError, match="too few or too many"):
            check("devices-of", wrong)
    with pytest.raises(AssertionError, match=r"0\.weight: "):
        check("devices-of", lambda net: {n: list(row) for n, row in devices_of(net).items()})

    def adopt(root: bool, floats: bool) -> Callable[[nn.Module], nn.Module]:
        def adopting(net: nn.Module) -> nn.Module:
            for path, module in net.named_modules():
                for name, value in list(vars(module).items()):
                    wanted = isinstance(value, torch.Tensor) and (root or path)
                    if wanted and (value.is_floating_point() or not floats):
                        delattr(module, name)
                        module.register_buffer(name, value)
            return net

        return adopting

    check("adopt", adopt(root=True, floats=False))
    for choice in ((False, False), (True, True)):
        with pytest.raises(AssertionError, match="sizes: not saved"):
            check("adopt", adopt(*choice))

    def follow(cast: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[..., None]:
        def following(optimizer: torch.optim.Optimizer) -> None:
            for p, kept in optimizer.state.items():
                kept.update({n: cast(v, p) for n, v in kept.items() if n != "step"})

        return following

    def first_group(optimizer: torch.optim.Optimizer) -> None:
        for p in optimizer.param_groups[0]["params"]:
            kept = optimizer.state[p]
            kept.update({n: v.to(p) for n, v in kept.items() if n != "step"})

    check("follow", follow(lambda value, p: value.to(p)))
    wrong_casts = follow(lambda v, p: v.to(p.dtype)), follow(lambda v, p: v.double())
    for wrong_cast in (*wrong_casts, first_group):
        with pytest.raises(AssertionError, match="left on cpu"):
            check("follow", wrong_cast)

    class Asking(after("devices.split").Split):  # type: ignore[misc]
        def forward(self, X: torch.Tensor) -> Any:
            X = self.first(X.to(next(self.first.parameters()).device))
            return self.second(X.to(next(self.second.parameters()).device))

    check("split", after("devices.split").Split)
    with pytest.raises(StopIteration):
        check("split", Asking)

    def in_place(batch: Any, device: Any) -> Any:
        if isinstance(batch, list):
            batch[:] = [in_place(item, device) for item in batch]
            return batch
        if isinstance(batch, dict):
            return {key: in_place(value, device) for key, value in batch.items()}
        if isinstance(batch, tuple):
            items = [in_place(item, device) for item in batch]
            return type(batch)(*items) if hasattr(batch, "_fields") else tuple(items)
        return batch.to(device) if isinstance(batch, torch.Tensor) else batch

    with pytest.raises(AssertionError, match="batch changed"):
        check("to-device", in_place)
    with pytest.raises(AssertionError, match="'cpu', not device"):
        check("pick-gpu", lambda i: "cpu")


class Forgetful(nn.Module):
    """Copies nothing on the way."""

    first: nn.Linear
    second: nn.Linear

    def __init__(self, first: nn.Linear, second: nn.Linear, here: str, there: str) -> None:
        super().__init__()
        self.first, self.second = first.to(here), second.to(there)

    def forward(self, X: torch.Tensor) -> Any:
        return self.second(self.first(X))


class Cut(Forgetful):
    """Copies the values and cuts the graph."""

    def forward(self, X: torch.Tensor) -> Any:
        X = self.first(X.to(self.first.weight.device)).detach()
        return self.second(X.to(self.second.weight.device))


class Unregistered(nn.Module):
    """Keeps the halves in a list."""

    def __init__(self, first: nn.Linear, second: nn.Linear, here: str, there: str) -> None:
        super().__init__()
        self.halves = [(first.to(here), here), (second.to(there), there)]

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        for half, place in self.halves:
            X = half(X.to(place))
        return X


@pytest.mark.parametrize("wrong", [Forgetful, Cut, Unregistered])
def test_a_wrong_split_is_refused(wrong: type[nn.Module]) -> None:
    """Without the copies, without gradients or without registration, the check does not pass."""
    with pytest.raises((AssertionError, RuntimeError)):
        check("split", wrong)


def test_the_fixes_for_devices_work() -> None:
    """Each fix that the index of errors gives for 5.6 was tried, with `meta` as the other device: code
    written that way runs.

    报错索引里 5.6 的改法都试过，另一个设备用 `meta`：照着写的代码都能运行。
    """
    here, there = torch.ones(2, 3), torch.ones(2, 3, device="meta")

    def create_where_the_input_is() -> bool:
        made = (torch.randn_like(there), torch.arange(3, device=there.device))
        return all((there + one).is_meta for one in made)

    def check_both_ends() -> bool:
        with mock.patch("torch.cuda.device_count", return_value=2):
            found = [i for i in range(-3, 5) if 0 <= i < torch.cuda.device_count()]
        return found == [0, 1]

    def a_number_apart_from_the_type() -> bool:
        i = 1
        for wrong in ("cuda:{i}", "cuda:i", "cuda:"):
            with pytest.raises(RuntimeError, match="Invalid device string: 'cuda:"):
                torch.device(wrong)
        return torch.device("cuda", i) == torch.device("cuda:1")

    def move_one_operand() -> bool:
        return (here.to(there.device) + there).is_meta

    def create_where_it_is_needed() -> bool:
        return bool((torch.ones(2, 3, device="cpu") + here == 2).all())

    def to_empty_then_load() -> bool:
        full, net = nn.Linear(3, 1), nn.Linear(3, 1, device="meta").to_empty(device="cpu")
        net.load_state_dict(full.state_dict())
        return torch.equal(net(here), full(here))

    def to_the_cpu_then_to_numpy() -> bool:
        x = torch.ones(3, requires_grad=True)
        return here.cpu().numpy().shape == (2, 3) and x.detach().cpu().numpy().shape == (3,)

    def cuda_or_mps_in_place_of_gpu() -> bool:
        with pytest.raises(RuntimeError, match=r"cuda, .*mps, .*device string: gpu"):
            torch.device("gpu")
        assert "Apple" in (torch.mps.__doc__ or "")
        return [torch.device(name).type for name in ("cuda", "mps")] == ["cuda", "mps"]

    def ask_a_parameter() -> bool:
        return next(nn.Linear(3, 1, device="meta").parameters()).device == there.device

    def assign_what_to_returns() -> bool:
        x = here
        x = x.to("meta")
        return x.is_meta

    def move_each_batch() -> bool:
        net, device = nn.Linear(3, 1).to("meta"), torch.device("meta")
        return all(net(X.to(device)).device == device for X in (here, here))

    def register_the_constant() -> bool:
        net: Any = nn.Module()
        net.register_buffer("rand_weight", torch.rand(3, 3))
        return (there @ net.to("meta").rand_weight).is_meta

    def cast_before_the_optimiser_or_reload_it() -> bool:
        for late in (False, True):
            net = nn.Linear(3, 1) if late else nn.Linear(3, 1).double()
            optimiser = torch.optim.Adam(net.parameters())
            for X in (here, here.double())[not late :]:
                net.to(X.dtype)
                if late and optimiser.state:
                    optimiser.load_state_dict(optimiser.state_dict())
                net.zero_grad()
                net(X).sum().backward()
                optimiser.step()
            if optimiser.state[net.weight]["exp_avg"].dtype != torch.float64:
                return False
        return True

    def compute_anew_what_no_file_holds() -> bool:
        class Masked(nn.Linear):
            def __init__(self, device: str) -> None:
                super().__init__(3, 1, device=device)
                self.plain = torch.ones(3, device=device)
                mask = torch.ones(3, device=device)
                self.register_buffer("mask", mask, persistent=False)

        net = Masked("meta").to_empty(device="cpu")
        told = net.load_state_dict(Masked("cpu").state_dict())
        assert str(told) == "<All keys matched successfully>"
        assert net.plain.is_meta
        assert "mask" not in net.state_dict()
        net.mask, net.plain = torch.ones(3), torch.ones(3)
        return net(here * net.mask * net.plain).shape == (2, 1)

    def tie_anew_what_no_file_holds() -> bool:
        def tied(device: str) -> nn.Sequential:
            one, two = nn.Linear(3, 3, device=device), nn.Linear(3, 3, device=device)
            two.weight = one.weight
            return nn.Sequential(one, two)

        net = tied("meta").to_empty(device="cpu")
        net.load_state_dict(tied("cpu").state_dict())
        assert net[1].weight is not net[0].weight
        net[1].weight = net[0].weight
        return len(list(net.parameters())) == len(list(tied("cpu").parameters()))

    fixes = (
        *(a_number_apart_from_the_type, tie_anew_what_no_file_holds),
        compute_anew_what_no_file_holds,
        *(create_where_the_input_is, check_both_ends, move_one_operand, create_where_it_is_needed),
        *(
            to_empty_then_load,
            to_the_cpu_then_to_numpy,
            cuda_or_mps_in_place_of_gpu,
            ask_a_parameter,
        ),
        *(assign_what_to_returns, move_each_batch, register_the_constant),
        cast_before_the_optimiser_or_reload_it,
    )
    for works in over(fixes, "fixes | 种改法"):
        assert works()
