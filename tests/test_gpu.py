import ast
import ctypes
import inspect
import io
import itertools
import operator
import re
import sys
import types
import warnings
import weakref
import zipfile
from collections import OrderedDict, deque, namedtuple
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
import torch
from torch import nn
from torch._subclasses import FakeTensorMode  # private: in tests only, never on a page
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.benchmark import Timer

from proven.cells import Outcome
from proven.scripts import Snippet
from proven.testing import after, over, section, shown
from tests.families import Layer, all_dtypes, devices, float_dtypes, layers, losses, optimizers

CUDA = torch.cuda.device_count()
CPU = torch.device("cpu")
cuda: Any = torch.cuda  # half of it has no types
CPU_BUILD = torch.version.cuda is None and torch.version.hip is None
NOT_COMPILED = "AssertionError: Torch not compiled with CUDA enabled"
NO_DRIVER = "RuntimeError: Found no NVIDIA driver on your system"
# what a driver without a card leads to, and a driver that is older than the CUDA of the build
NO_CARD = "RuntimeError: No CUDA GPUs are available"
NONE_THERE = "Cannot access accelerator device when none is available"
OLD_DRIVER = "RuntimeError: The NVIDIA driver on your system is too old"
# what a torch.device can be made of, but for old names that give a warning
DEVICE_TYPES = (
    *("cpu", "cuda", "ipu", "xpu", "hip", "ve", "fpga", "maia"),
    *("xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone"),
)
OPERATIONS = (
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.mod, operator.pow),
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
    *(torch.maximum, torch.minimum, torch.atan2, torch.hypot),
)
FACTORIES: dict[str, tuple[Any, ...]] = {
    **{name: (2,) for name in ("ones", "zeros", "empty", "rand", "randn", "eye", "randperm")},
    "full": ((2,), 1.0),
    "arange": (3,),
    "linspace": (0, 1, 3),
    "logspace": (0, 1, 3),
    "tensor": ([1],),
    "as_tensor": ([1],),
    "asarray": ([1],),
    "scalar_tensor": (1.0,),
    "randint": (3, (2,)),
    "normal": (0.0, 1.0, (2,)),
    "empty_strided": ((2,), (1,)),
    "tril_indices": (2, 2),
    "triu_indices": (2, 2),
    "hann_window": (3,),
    "hamming_window": (3,),
    "bartlett_window": (3,),
    "blackman_window": (3,),
    "kaiser_window": (3,),
}
LAYERS = "layer classes of torch.nn | 种 torch.nn 的层"
PARAMETRIC = "layer classes with parameters | 种有参数的层"
ADDED = (torch.bool, torch.int64, torch.float16, torch.float32, torch.float64, torch.complex64)


def layers_with_parameters() -> list[Layer]:
    """The layer classes that have parameters."""
    return [layer for layer in layers() if list(layer.make().parameters())]


def cells() -> tuple[Snippet, ...]:
    """All snippets of the section; a build, which imports this file for its claims, needs them not."""
    return section("gpu").snippets


def missing(error: str) -> bool:
    """Whether an error is what this build of PyTorch says where it can use no GPU."""
    if CPU_BUILD:
        return error == NOT_COMPILED
    if torch.version.hip:
        return error.startswith("RuntimeError: ")
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return error == NO_DRIVER
    return error == NO_CARD or error.startswith(OLD_DRIVER)


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


def test_every_tensor_is_on_one_device() -> None:
    """Every tensor has exactly one `device`, an object of class `torch.device`; the attribute cannot be assigned to. A view is on the same device as its tensor.

    每个张量有且只有一个 `device`，它是 `torch.device` 类的对象，这个属性不能赋值；视图与原张量在同一个设备上。
    """
    pairs = itertools.product(all_dtypes(), devices())
    for dtype, place in over(pairs, "pairs of a dtype and a device | 组数据类型与设备"):
        tensor = torch.empty(2, 3, dtype=dtype, device=place)
        assert type(tensor.device) is torch.device
        assert tensor.view(-1).device == tensor.device == place
        with pytest.raises(AttributeError, match="not writable"):
            tensor.device = CPU


def test_tensors_have_no_context() -> None:
    """A tensor says where it is in its attribute `device`; it has no `context`, which is MXNet's word for it.

    张量在哪里，看属性 `device`；没有 `context` 这个属性，那是 MXNet 的叫法。
    """
    x = torch.ones(1)
    assert isinstance(x.device, torch.device)
    assert not [name for name in dir(x) if "context" in name.lower()]


def test_a_build_without_cuda_uses_no_nvidia_gpu() -> None:
    """Where `torch.version.cuda` is `None`, PyTorch was built without CUDA and can use no NVIDIA GPU, whatever cards and drivers there are; where it is a version and no GPU is usable, PyTorch has found no card that it can use: there is none, for example, or no driver that is new enough.

    如果 `torch.version.cuda` 是 `None`，这个 PyTorch 就是不带 CUDA 编译的，无论有什么显卡和驱动，NVIDIA 的 GPU 都用不上；如果是版本号而 GPU 用不上，那就是没有能用的显卡，比如看不到显卡，或者驱动不够新。
    """
    printed = values("gpu.machine")
    assert printed["PyTorch built with CUDA"] == str(torch.version.cuda)
    assert printed["usable here and now"] == str(CUDA > 0)
    assert hasattr(torch._C, "_cuda_getDeviceCount") != CPU_BUILD
    assert not (CPU_BUILD and torch.cuda.is_available())
    if not CUDA:
        with pytest.raises((AssertionError, RuntimeError)) as error:
            torch.cuda.init()
        assert missing(f"{error.typename}: {error.value}".partition(". ")[0])


def test_torch_version_cuda_is_the_build_version() -> None:
    """`torch.version.cuda` is the version of CUDA with which PyTorch was compiled, and `None` if it was compiled without.

    `torch.version.cuda` 是编译 PyTorch 时所用的 CUDA 版本，不带 CUDA 编译的则是 `None`。
    """
    compiled = getattr(torch._C, "_cuda_getCompiledVersion", int)()  # 12080 is 12.8, and 0 is none
    told, usable = lines("gpu.machine")
    assert usable == f"usable here and now: {torch.cuda.is_available()}"
    built = told.removeprefix("PyTorch built with CUDA: ")
    if torch.version.cuda:
        assert built.startswith(f"{compiled // 1000}.{compiled % 1000 // 10}")
    else:
        assert built == "None"
        assert compiled == 0 or torch.version.hip


def test_the_second_gpu_must_exist() -> None:
    """`.cuda(1)`, `.to("cuda:1")` and `device="cuda:1"` give a tensor on the second GPU, and raise an error where there is no second one.

    `.cuda(1)`、`.to("cuda:1")`、`device="cuda:1"` 得到第二块 GPU 上的张量；没有第二块 GPU，就会报错。
    """
    X = after("gpu.create-on-device").X
    ways: dict[str, Callable[[], Any]] = {
        "cuda": lambda: X.cuda(1),
        "to": lambda: X.to("cuda:1"),
        "device": lambda: torch.ones(1, device="cuda:1"),
        "module": lambda: nn.Linear(3, 1).to("cuda:1").weight,
    }
    for way in over(ways, "ways to name the second GPU | 种点名第二块 GPU 的写法"):
        if CUDA > 1:
            assert str(ways[way]().device) == "cuda:1"
        else:
            with pytest.raises((RuntimeError, AssertionError)):
                ways[way]()


def test_hardware_is_never_pretended() -> None:
    """A snippet that needs a GPU is skipped, with no output at all, where there is none."""
    wanting = [snippet.name for snippet in cells() if snippet.devices > CUDA]
    if not wanting:
        pytest.skip("this machine has the hardware")
    for name in wanting:
        outcome = shown(name)
        assert outcome == Outcome(name, "skipped", had=CUDA), name


def test_two_snippets_need_two_gpus_and_most_need_none() -> None:
    """Two snippets of the section need two GPUs; most run on a CPU."""
    needs = [snippet.devices for snippet in cells()]
    assert needs.count(2) == 2
    assert needs.count(0) > len(needs) / 2


def test_the_card_is_asked_for_without_the_list_of_processes() -> None:
    """nvidia-smi is asked for three fields in CSV, so no process of the machine is shown."""
    source = next(s.source for s in cells() if s.name == "gpu.nvidia-smi")
    words = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    assert {"--query-gpu=name,driver_version,memory.total", "--format=csv"} <= set(words)


# 5.6.1


def test_a_device_is_a_type_and_an_index() -> None:
    """A `torch.device` has a `type` and an `index`, which is `None` if no number was given.

    `torch.device` 由 `type` 和 `index` 组成，没写编号时 `index` 是 `None`。
    """
    assert lines("gpu.device-names")[:3] == [
        "device(type='cpu') | type: cpu | index: None",
        "device(type='cuda') | type: cuda | index: None",
        "device(type='cuda', index=1) | type: cuda | index: 1",
    ]


def test_the_index_is_an_argument_or_in_the_string() -> None:
    """`torch.device("cuda", 1)` and `torch.device("cuda:1")` are equal: the number is the second argument or part of the string.

    `torch.device("cuda", 1)` 与 `torch.device("cuda:1")` 相等，编号可以作第二个实参，也可以写在字符串里。
    """
    assert lines("gpu.device-names")[3] == "True"
    for i in over(range(128), "numbers | 个编号"):
        assert torch.device("cuda", i) == torch.device(f"cuda:{i}")
        assert str(torch.device("cuda", i)) == f"cuda:{i}"


def test_a_device_is_only_a_name() -> None:
    """Making a `torch.device` from a name does not check the hardware: `torch.device("cuda:99")` works on a machine without such a card, and only creating a tensor on it raises an error.

    用名字创建 `torch.device` 不检查硬件：机器上没有这块卡，`torch.device("cuda:99")` 也成立，在它上面创建张量才会报错。
    """
    name, error = lines("gpu.only-a-name")
    assert name == "cuda:99"
    assert error.split(":")[0] in {"AssertionError", "RuntimeError", "AcceleratorError"}
    names = [f"{kind}{number}" for kind in DEVICE_TYPES for number in ("", ":0", ":99")]
    for name in over(names, "device names | 个设备名"):
        assert str(torch.device(name)) == name
    absent = torch.device("cuda", CUDA)
    with pytest.raises((RuntimeError, AssertionError)):
        torch.ones(1, device=absent)


def test_a_bare_number_asks_for_an_accelerator() -> None:
    """`torch.device(0)` is number 0 of the accelerator; a PyTorch built for no accelerator raises `Cannot access accelerator device when none is available`.

    `torch.device(0)` 是加速器的 0 号设备；不支持任何加速器的 PyTorch 会报错 `Cannot access accelerator device when none is available`。
    """
    for number in over(range(4), "numbers | 个编号"):
        kind = torch.accelerator.current_accelerator()
        if kind:
            assert torch.device(number) == torch.device(kind.type, number)
        else:
            with pytest.raises(RuntimeError, match=NONE_THERE):
                torch.device(number)


def test_the_error_names_what_is_missing() -> None:
    """Creating a tensor on a missing GPU raises an error: a PyTorch built without CUDA says `Torch not compiled with CUDA enabled`, one built with CUDA that finds no driver says `Found no NVIDIA driver on your system`, and where there are cards, the message is about the device.

    在不存在的 GPU 上创建张量会报错：不带 CUDA 的 PyTorch 说 `Torch not compiled with CUDA enabled`，带 CUDA 的 PyTorch 找不到驱动就说 `Found no NVIDIA driver on your system`，有显卡时则说设备不对。
    """
    errors = [lines("gpu.only-a-name")[1]]
    for number in over(range(CUDA, CUDA + 8), "numbers of missing cards | 个对不上显卡的编号"):
        with pytest.raises((RuntimeError, AssertionError)) as raised:
            torch.ones(1, device=f"cuda:{number}")
        errors.append(f"{raised.typename}: {raised.value}".splitlines()[0].partition(". ")[0])
    for error in errors:
        if CUDA:
            assert "device" in error
            assert "not compiled" not in error
        else:
            assert missing(error)


def test_cuda_does_not_equal_cuda_0() -> None:
    """`torch.device("cuda")` has no index, so it is not equal to `torch.device("cuda:0")`: two devices are equal if both type and index are.

    `torch.device("cuda")` 没有编号，所以与 `torch.device("cuda:0")` 不相等：类型和编号都相等，两个设备才相等。
    """
    assert lines("gpu.cuda-is-not-cuda-0") == ["equal: False", "index: None 0", "type: cuda cuda"]
    for kind in over(DEVICE_TYPES, "device types | 种设备类型"):
        assert torch.device(kind) == torch.device(kind) != torch.device(kind, 0)
        assert torch.device(kind, 0) == torch.device(f"{kind}:0") != torch.device(kind, 1)
        assert [torch.device(other) == torch.device(kind) for other in DEVICE_TYPES].count(
            True
        ) == 1


def test_type_and_is_cuda_tell_a_gpu_tensor() -> None:
    """`device.type` is `"cuda"` and `is_cuda` is true for a tensor on any CUDA device, and for no other tensor.

    张量在任何一个 CUDA 设备上，`device.type` 都是 `"cuda"`，`is_cuda` 都为真；在别处则都不是。
    """
    names = ["cpu", "meta", "xpu:0", "mps:0", *(f"cuda:{i}" for i in range(8))]
    with FakeTensorMode():  # a stand-in where there is no GPU
        for name in over(names, "devices | 个设备"):
            tensor = torch.ones(1, device=name)
            assert (tensor.device.type == "cuda") == tensor.is_cuda == name.startswith("cuda")
            assert tensor.device != torch.device("cuda")
    for i in range(CUDA):
        assert torch.ones(1, device=f"cuda:{i}").is_cuda
    assert not torch.ones(1).is_cuda


def test_a_cpu_number_selects_nothing() -> None:
    """`torch.device("cpu", 1)` can be written, but a tensor made with it is on plain `cpu`; as a `map_location` it is an error.

    `torch.device("cpu", 1)` 可以写，但用它创建的张量还是在 `cpu` 上；写进 `map_location` 则会报错。
    """
    second_cpu = after("gpu.cpu-has-no-number").second_cpu
    assert second_cpu.index == 1
    assert lines("gpu.cpu-has-no-number") == ["name: cpu:1", "tensor: cpu"]
    for number in over(range(128), "numbers | 个编号"):
        assert torch.ones(1, device=torch.device("cpu", number)).device == CPU
        assert torch.ones(1).to(torch.device("cpu", number)).device == CPU
        for name in (f"cpu:{number}", torch.device("cpu", number)):
            with pytest.raises(RuntimeError, match="don't know how to restore data location"):
                roundtrip(torch.ones(1), map_location=name)


def test_counting_gpus_never_fails() -> None:
    """On a machine without a CUDA device, `torch.cuda.device_count()` returns 0 and raises no error.

    机器上没有 CUDA 设备时，`torch.cuda.device_count()` 返回 0，不会报错。
    """
    assert values("gpu.count")["CUDA devices"] == str(torch.cuda.device_count())
    assert (torch.cuda.device_count() > 0) == torch.cuda.is_available()


def test_try_all_gpus_is_never_empty() -> None:
    """`try_all_gpus()` lists every GPU, and without any GPU the CPU alone.

    `try_all_gpus()` 列出所有 GPU；一块也没有时，列表里只有 CPU。
    """
    try_all_gpus = after("gpu.try-gpu").try_all_gpus
    assert len(try_all_gpus()) == max(1, CUDA)
    assert lines("gpu.try-gpu")[1] == str(try_all_gpus())
    for count in over(range(9), "numbers of GPUs | 种 GPU 的数目"):
        with mock.patch("torch.cuda.device_count", return_value=count):
            assert try_all_gpus() == ([torch.device("cuda", i) for i in range(count)] or [CPU])


def test_a_negative_number_names_no_device() -> None:
    """A negative number names no device: a helper that checks only `i < device_count()` raises `Invalid device string: 'cuda:-1'` for −1, however many GPUs there are.

    负数不是设备编号：只检查 `i < device_count()` 的函数传入 −1，不管有几块 GPU，都报错 `Invalid device string: 'cuda:-1'`。
    """
    assert shown("gpu.negative-index").error == "RuntimeError: Invalid device string: 'cuda:-1'"
    hopeful_gpu = after("gpu.negative-index").hopeful_gpu
    assert hopeful_gpu(CUDA) == CPU
    for count in over(range(9), "numbers of GPUs | 种 GPU 的数目"):
        with mock.patch("torch.cuda.device_count", return_value=count):
            for number in (-1, -2, -99):
                with pytest.raises(RuntimeError, match=f"Invalid device string: 'cuda:{number}'"):
                    hopeful_gpu(number)


def test_there_is_no_device_type_gpu() -> None:
    """There is no device type `gpu`, nor a function `torch.gpu()`: `torch.device("gpu")` raises an error that lists the types, `cuda` among them.

    没有叫 `gpu` 的设备类型，也没有 `torch.gpu()`；`torch.device("gpu")` 会报错，并列出有哪些类型，其中有 `cuda`。
    """
    assert not hasattr(torch, "gpu")
    tried = ("gpu", "GPU", "gpu:0", "nvidia", "CUDA", "CPU")
    for name in over(tried, "names that are no device type | 个不是设备类型的名字"):
        kind = name.partition(":")[0]
        with pytest.raises(RuntimeError, match=rf"one of cpu, cuda, .* device string: {kind}"):
            torch.device(name)


def test_other_accelerators_have_their_own_type() -> None:
    """Besides `cuda`, there are other device types, such as `mps` for Apple's chips and `xpu` for Intel's
    GPUs.

    除了 `cuda`，还有别的设备类型，比如苹果芯片的 `mps`、英特尔 GPU 的 `xpu`。
    """
    assert "Apple" in (torch.mps.__doc__ or "")
    assert "Intel" in (torch.xpu.__doc__ or "")
    for kind in over(DEVICE_TYPES, "device types | 种设备类型"):
        assert torch.device(kind).type == kind
        assert (torch.device(kind) == torch.device("cuda")) == (kind == "cuda")


def test_torch_accelerator_finds_what_is_there() -> None:
    """`torch.accelerator` counts the accelerators and names their type, of whichever kind, in a device without a number; where there is none, it gives 0 and `None` without an error.

    不管是哪一种加速器，`torch.accelerator` 都能数出个数、给出类型，给出的设备不带编号；一个也没有时得到 0 和 `None`，不报错。
    """
    printed = values("gpu.accelerator")
    found = torch.accelerator.current_accelerator(check_available=True)
    assert printed["accelerators"] == str(torch.accelerator.device_count())
    assert (found is not None) == (torch.accelerator.device_count() > 0)
    assert printed["device"] == str(found or CPU)
    assert CUDA == 0 or printed == {"device": "cuda", "accelerators": str(CUDA)}
    kinds = ("cuda", "mps", "xpu", "mtia", "privateuseone")
    for kind in over(kinds, "kinds of accelerators | 种加速器"):
        for there in (True, False):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(torch._C, "_accelerator_getAccelerator", lambda: torch.device(kind))  # noqa: B023
                patch.setattr("torch.accelerator.is_available", lambda: there)  # noqa: B023
                device = torch.accelerator.current_accelerator(check_available=True) or CPU
            assert device == torch.device(kind if there else "cpu")
            assert device.index is None
            assert device != torch.device(kind, 0)


# 5.6.2


def test_tensors_are_created_on_the_cpu() -> None:
    """Without `device=`, functions such as `torch.randn` create tensors on the CPU, unless the program has set another default device; a tensor made from another one is on the device of that one.

    `torch.randn` 这样的函数不写 `device=`，就在 CPU 上创建张量，除非程序另设了默认设备；由别的张量得到的，则跟着那个张量。
    """
    assert after("gpu.tensor-device").x.device == CPU
    assert lines("gpu.tensor-device") == [
        "cpu",
        "its class: <class 'torch.device'>",
        "default: cpu",
    ]
    for name in over(FACTORIES, "functions that create tensors | 个创建张量的函数"):
        assert getattr(torch, name)(*FACTORIES[name]).device == CPU
    elsewhere = torch.ones(2, device="meta")
    for create in (torch.ones_like, torch.randn_like, torch.as_tensor, torch.asarray):
        assert create(elsewhere).is_meta


def test_the_default_device_can_be_changed() -> None:
    """`torch.set_default_device("meta")` makes functions such as `torch.ones` create tensors on `meta` without `device=`, and so does `with torch.device("meta")` inside its block; `None` sets the CPU again. Both hold for the thread that runs them, and not for another one.

    执行 `torch.set_default_device("meta")` 之后，`torch.ones` 这样的函数不写 `device=` 也创建在 `meta` 上；写在 `with torch.device("meta")` 里面也是如此。设成 `None` 就恢复为 CPU。两者都只管执行它的线程，别的线程不受影响。
    """
    names = [name for name in FACTORIES if name != "normal"]  # does not ask, in this version
    for name in over(names, "functions that create tensors | 个创建张量的函数"):
        create = getattr(torch, name)
        elsewhere = ThreadPoolExecutor(max_workers=1)
        with torch.device("meta"):
            assert create(*FACTORIES[name]).is_meta
            assert elsewhere.submit(create, *FACTORIES[name]).result().device == CPU
        torch.set_default_device("meta")
        try:
            assert create(*FACTORIES[name]).is_meta
            assert elsewhere.submit(create, *FACTORIES[name]).result().device == CPU
        finally:
            elsewhere.shutdown()
            torch.set_default_device(None)
        assert create(*FACTORIES[name]).device == CPU


def test_device_creates_a_tensor_elsewhere() -> None:
    """Functions such as `torch.ones` and `torch.tensor` take `device=` and create the new tensor there.

    `torch.ones`、`torch.tensor` 这样的函数接受 `device=`，新张量就创建在指定的设备上。
    """
    state = after("gpu.create-on-device")
    assert (state.X.device, state.Y.device) == (state.try_gpu(), state.try_gpu(1))
    assert values("gpu.create-on-device") == {"X": str(state.X.device), "Y": str(state.Y.device)}
    for name in over(FACTORIES, "functions that create tensors | 个创建张量的函数"):
        assert getattr(torch, name)(*FACTORIES[name], device="meta").is_meta


def test_asking_for_cuda_does_not_fall_back() -> None:
    """`device="cuda"`, `.cuda()`, `.cuda(1)` and `Module.to("cuda")` of a module with tensors give what they name or raise an error; none falls back to the CPU.

    `device="cuda"`、`.cuda()`、`.cuda(1)`、`Module.to("cuda")`（模块里有张量时）要么得到点名的设备，要么报错，都不会退回 CPU。
    """
    answers = lines("gpu.asking-for-cuda")
    asked = ["cuda:0", "cuda:0", "cuda:1", "cuda:0"]
    there = [CUDA > 0, CUDA > 0, CUDA > 1, CUDA > 0]
    for answer, device, exists in zip(answers, asked, there, strict=True):
        if exists:
            assert answer == device
        else:
            assert answer.partition(": ")[0].endswith("Error")
    ways: dict[str, Callable[[], Any]] = {
        'ones(device="cuda")': lambda: torch.ones(1, device="cuda"),
        'tensor(device="cuda:0")': lambda: torch.tensor([1], device="cuda:0"),
        ".cuda()": lambda: torch.ones(1).cuda(),
        ".cuda(0)": lambda: torch.ones(1).cuda(0),
        '.to("cuda")': lambda: torch.ones(1).to("cuda"),
        "new_ones": lambda: torch.ones(1).new_ones(1, device="cuda"),
        "ones_like": lambda: torch.ones_like(torch.ones(1), device="cuda"),
        'Linear(device="cuda")': lambda: nn.Linear(3, 1, device="cuda").weight,
        "Module.cuda": lambda: nn.Linear(3, 1).cuda().weight,
        "Module.to": lambda: nn.Linear(3, 1).to("cuda").weight,
    }
    for way in over(ways, "ways to ask for cuda | 种点名 cuda 的写法"):
        if CUDA:
            assert ways[way]().is_cuda
        else:
            with pytest.raises((RuntimeError, AssertionError)):
                ways[way]()


def test_cuda_1_has_an_error_of_its_own() -> None:
    """In a PyTorch built without CUDA, and for no other accelerator, `.cuda()` raises `Torch not compiled with CUDA enabled`, but `.cuda(1)` raises `Cannot access accelerator device when none is available`; one built with CUDA that finds no driver raises `Found no NVIDIA driver on your system` for both.

    不带 CUDA、也不带别的加速器的 PyTorch 里，`.cuda()` 报的是 `Torch not compiled with CUDA enabled`，`.cuda(1)` 报的却是 `Cannot access accelerator device when none is available`；带 CUDA 的 PyTorch 找不到驱动，两者报的都是 `Found no NVIDIA driver on your system`。
    """
    *answers, shown_for_1, module = lines("gpu.asking-for-cuda")
    if CUDA:
        assert not any("not compiled" in answer for answer in (*answers, shown_for_1, module))
        return
    assert all(missing(answer) for answer in (*answers, module))
    for number in over(range(8), "numbers | 个编号"):
        with pytest.raises((RuntimeError, AssertionError)) as error:
            torch.ones(1).cuda(number)
        numbered = f"{error.typename}: {error.value}".splitlines()[0].partition(". ")[0]
        assert number != 1 or numbered == shown_for_1
        if not CPU_BUILD:
            assert numbered == module
        elif torch.accelerator.current_accelerator() is None:
            assert numbered == f"RuntimeError: {NONE_THERE}."
        else:  # the number is taken for one of the other accelerator's devices
            assert numbered.startswith("RuntimeError: ")
            assert NONE_THERE not in numbered


def test_meta_tensors_have_no_data() -> None:
    """A tensor on `meta` has a shape and a dtype but no data: copying it to the CPU raises `Cannot copy out of meta tensor; no data!`.

    `meta` 上的张量有形状、有数据类型，但没有数据，复制到 CPU 会报错 `Cannot copy out of meta tensor; no data!`。
    """
    assert after("gpu.mismatch").elsewhere.shape == (2, 3)
    for dtype in over(all_dtypes(), "dtypes | 种数据类型"):
        elsewhere = torch.ones(2, 3).to(dtype).to("meta")
        assert (elsewhere.shape, elsewhere.dtype) == ((2, 3), dtype)
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
            elsewhere.cpu()


def test_operands_on_two_devices_are_refused() -> None:
    """`a + b`, with the two tensors on different devices, raises a `RuntimeError`, and so do `-`, `*`, `/`, `**` and the comparisons: PyTorch does not copy one of them on its own.

    两个张量在不同的设备上，`a + b` 会抛出 `RuntimeError`，`-`、`*`、`/`、`**` 和比较也一样：PyTorch 不会自作主张复制其中一个。
    """
    assert shown("gpu.mismatch").output == "cpu meta\n"
    state = after("gpu.mismatch")
    assert state.here.shape == state.elsewhere.shape  # the devices are all that differs
    for operation in over(OPERATIONS, "operations | 种运算"):
        for a, b in ((state.here, state.elsewhere), (state.elsewhere, state.here)):
            with pytest.raises(RuntimeError, match="is not on the expected device"):
                operation(a, b)
        assert operation(state.here, state.here.to("cpu")).device == CPU
        with FakeTensorMode():
            on_cpu, on_gpu = torch.ones(2, 3), torch.ones(2, 3, device="cuda:0")
            with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
                operation(on_cpu, on_gpu)


def test_the_error_names_both_devices() -> None:
    """When tensors on two devices are added, the error names both devices: the operands were found, and
    refused.

    两个张量不在同一个设备上，相加的报错信息把两个设备都写了出来：张量都找到了，是运算拒绝执行。
    """
    error = shown("gpu.mismatch").error
    assert error == "RuntimeError: Tensor on device meta is not on the expected device cpu!"
    pairs = itertools.permutations(("cpu", "cuda:0", "cuda:1", "xpu:0"), 2)
    with FakeTensorMode():
        for a, b in over(pairs, "pairs of devices | 对设备"):
            with pytest.raises(RuntimeError, match=f"found at least two devices, {a} and {b}!"):
                torch.ones(2, 3, device=a) + torch.ones(2, 3, device=b)


def test_scalars_from_the_cpu_mix_with_any_device() -> None:
    """A Python number or a CPU tensor without dimensions may be added to a tensor on any device; the result is on that device.

    Python 的数字和零维的 CPU 张量，可以与任何设备上的张量相加，结果在后者所在的设备上。
    """
    assert lines("gpu.scalars-mix")[:2] == ["number: meta", "0-dim tensor: meta"]
    names = ("cpu", "meta", "cuda:0", "cuda:1", "xpu:0", "mps:0", "hpu:0")
    with FakeTensorMode():
        for name in over(names, "devices | 个设备"):
            X = torch.ones(2, 3, device=name)
            scalars: list[Any] = [1, 1.5, True, *(torch.ones((), dtype=dtype) for dtype in ADDED)]
            for value in scalars:
                assert str((X + value).device) == str((value + X).device) == name
    for place in devices():
        assert (torch.ones(2, device=place) + torch.tensor(1.0)).device == place


def test_one_dimension_is_too_many_to_mix() -> None:
    """A CPU tensor of one element mixes with other devices only if it has no dimensions: `torch.tensor([1.0])` is refused.

    只有一个元素的 CPU 张量，也要是零维的才能与其他设备混用：`torch.tensor([1.0])` 会被拒绝。
    """
    refused = "RuntimeError: Tensor on device cpu is not on the expected device meta!"
    assert lines("gpu.scalars-mix")[2] == refused
    elsewhere = torch.ones(2, 3, device="meta")
    assert (elsewhere + torch.tensor(1.0)).is_meta
    for dimensions in over(range(1, 6), "numbers of dimensions | 种维数"):
        one = torch.ones([1] * dimensions)
        assert one.numel() == 1
        with pytest.raises(RuntimeError, match="not on the expected device"):
            elsewhere + one


def test_a_scalar_from_elsewhere_does_not_mix() -> None:
    """A tensor without dimensions on another device cannot be added to a CPU tensor that has dimensions.

    别的设备上的零维张量，不能与有维度的 CPU 张量相加。
    """
    refused = "RuntimeError: Tensor on device meta is not on the expected device cpu!"
    assert lines("gpu.scalars-mix")[3] == refused
    for shape in over([(1,), (3,), (2, 3), (1, 1), (4, 2, 3)], "shapes | 种形状"):
        with pytest.raises(RuntimeError, match="not on the expected device"):
            torch.tensor(1.0, device="meta") + torch.ones(shape)
        with FakeTensorMode(), pytest.raises(RuntimeError, match="same device"):
            torch.ones(shape) + torch.tensor(1.0, device="cuda:0")


def test_sums_and_linear_layers_check_meta() -> None:
    """`a + b`, and `nn.Linear` with a bias and contiguous input, refuse a mixture of CPU and `meta` tensors.

    CPU 张量与 `meta` 张量混在一起，`a + b` 会拒绝，带偏置的 `nn.Linear`（输入连续时）也会。
    """
    for shape in over([(3,), (2, 3), (4, 2, 3), (0, 3)], "shapes | 种形状"):
        here, elsewhere = torch.ones(shape), torch.ones(shape, device="meta")
        for operation, X in (
            (here.add, elsewhere),
            (elsewhere.add, here),
            (nn.Linear(3, 1), elsewhere),
            (nn.Linear(3, 1, device="meta"), here),
        ):
            with pytest.raises(RuntimeError, match="is not on the expected device"):
                operation(X)


def test_a_product_of_cpu_and_meta_is_accepted() -> None:
    """In this version of PyTorch, `@` between a CPU and a `meta` matrix raises nothing, although one of them has no data; the result is on the device of the left one. `+=` raises nothing either, nor does `nn.Linear` with `bias=False`.

    在这一版 PyTorch 里，CPU 矩阵与 `meta` 矩阵做 `@` 不报错，虽然其中一个根本没有数据，结果在左边那个的设备上；`+=` 和 `bias=False` 的 `nn.Linear` 也不报错。
    """
    for n, k, m in over([(2, 3, 2), (1, 1, 1), (4, 2, 3), (8, 8, 8)], "sizes | 种大小"):
        here, elsewhere = torch.ones(n, k), torch.ones(k, m, device="meta")
        product, other = here @ elsewhere, elsewhere.T @ here.T
        assert (product.shape, product.device) == ((n, m), CPU)
        assert (other.shape, other.is_meta) == ((m, n), True)
        here += torch.ones(n, k, device="meta")
        assert here.device == CPU
        assert nn.Linear(k, m, bias=False)(elsewhere.new_ones(n, k)).is_meta
        assert nn.Linear(k, m, bias=False, device="meta")(here).device == CPU


def test_copying_to_try_gpu_runs_anywhere() -> None:
    """`X.to(try_gpu(1))` is on the second GPU where there is one, and on the CPU everywhere else.

    有第二块 GPU 时，`X.to(try_gpu(1))` 就在那里，否则在 CPU 上。
    """
    assert values("gpu.copy-between")["Z"] == ("cuda:1" if CUDA > 1 else "cpu")
    try_gpu = after("gpu.try-gpu").try_gpu
    with FakeTensorMode():
        for count in over(range(9), "numbers of GPUs | 种 GPU 的数目"):
            with mock.patch("torch.cuda.device_count", return_value=count):
                Z = torch.ones(2, 3, device=try_gpu()).to(try_gpu(1))
                assert str(Z.device) == ("cuda:1" if count > 1 else "cpu")


def test_a_copy_leaves_the_original_in_place() -> None:
    """Copying a tensor to another device leaves the original where it was; the copy can be used with the tensors there.

    把张量复制到另一个设备，原张量留在原处；副本可以与那里的张量一起运算。
    """
    state = after("gpu.copy-between")
    assert state.X.device == state.try_gpu()
    assert state.Z.device == state.Y.device == (state.Y + state.Z).device
    assert torch.equal((state.Y + state.Z).cpu(), state.Y.cpu() + state.X.cpu())
    told = {"X": state.X.device, "Z": state.Z.device, "Y + Z": state.Z.device}
    assert values("gpu.copy-between") == {name: str(device) for name, device in told.items()}
    pairs = itertools.permutations(("cpu", "cuda:0", "cuda:1", "xpu:0"), 2)
    with FakeTensorMode():
        for a, b in over(pairs, "pairs of devices | 对设备"):
            X, Y = torch.ones(2, 3, device=a), torch.ones(2, 3, device=b)
            there = X.to(b)
            assert (str(X.device), str(there.device), str((there + Y).device)) == (a, b, b)


def test_tensor_to_does_not_move_the_tensor() -> None:
    """`Tensor.to` returns a tensor and leaves the old one on its device and with its dtype: without an assignment it has no effect.

    `Tensor.to` 返回指定设备上的张量，原来的那个不动，数据类型也不变：不赋值就没有效果。
    """
    state = after("gpu.moving-needs-assignment")
    assert state.moved.device.type == "meta"
    assert lines("gpu.moving-needs-assignment") == ["x: cpu", "moved: meta"]
    targets = [torch.device("meta"), *all_dtypes()]
    for target in over(targets, "devices and dtypes | 种设备和数据类型"):
        state.x.to(target)
        assert (state.x.device, state.x.dtype) == (CPU, torch.int64)
        assert state.x.tolist() == [1, 2, 3]


def test_a_forgotten_assignment_fails_later() -> None:
    """`x.to(device)` without an assignment neither raises nor warns; the error comes when `x` meets a network on that device.

    只写 `x.to(device)` 而不赋值，不报错也不警告；等到 `x` 遇上那个设备上的网络才出错。
    """
    layer = nn.Linear(3, 1, device="meta")
    x = torch.ones(2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x.to("meta")
    error = "Tensor on device meta is not on the expected device cpu!"
    with pytest.raises(RuntimeError, match=error):
        layer(x)
    x = x.to("meta")
    assert layer(x).shape == (2, 1)


def test_to_returns_itself_if_nothing_changes() -> None:
    """Given a device and a dtype, `to` returns the very same tensor if it has both already and `copy=True` is not given; otherwise it returns a new one.

    传给 `to` 的设备和数据类型，如果张量本来就是，又没有写 `copy=True`，返回的就是同一个张量，否则是新的。
    """
    assert lines("gpu.to-returns-self")[:3] == [
        "same device: True True",
        "other dtype: False",
        "copy=True: False",
    ]
    for dtype in over(all_dtypes(), "dtypes | 种数据类型"):
        x = torch.empty(2, 3, dtype=dtype)
        assert x.to("cpu") is x.cpu() is x.to(dtype) is x.to("cpu", dtype) is x
        assert x.to("cpu", copy=True) is not x
        assert x.to("meta") is not x
        assert not [other for other in all_dtypes() if other != dtype and x.to(other) is x]


def test_sameness_is_printed_as_true() -> None:
    """`is` tells whether two names mean one object, and Python prints the answer as `True`, with a capital letter.

    `is` 判断两个名字是不是同一个对象，Python 打印出来是首字母大写的 `True`。
    """
    x = torch.ones(1)
    assert str(x.to("cpu") is x) == "True"
    assert "True" in lines("gpu.to-returns-self")[0]


def test_cpu_0_costs_a_copy_onto_cpu() -> None:
    """`x.to("cpu:0")` copies a tensor on the CPU, since `cpu:0` and `cpu` are different names; the copy is on plain `cpu`.

    `cpu:0` 与 `cpu` 是不同的名字，所以 CPU 上的张量执行 `x.to("cpu:0")` 会复制一份，而副本还是在 `cpu` 上。
    """
    assert torch.device("cpu:0") != torch.device("cpu")
    assert lines("gpu.to-returns-self")[3] == "'cpu:0': False cpu"
    x = torch.ones(3)
    for number in over(range(128), "numbers | 个编号"):
        copied = x.to(f"cpu:{number}")
        assert copied.data_ptr() != x.data_ptr()
        assert copied.device == x.device


def test_numpy_takes_only_cpu_tensors() -> None:
    """`numpy()` of a tensor that is not on the CPU raises a `TypeError` whose text advises `Tensor.cpu()`; that works for a GPU, while a `meta` tensor has no data to copy.

    张量不在 CPU 上，`numpy()` 就抛出 `TypeError`，报错信息建议先用 `Tensor.cpu()`；在 GPU 上这样做就行，而 `meta` 张量没有数据可复制。
    """
    outcome = shown("gpu.numpy-wants-the-cpu")
    assert outcome.output == "[1 2 3]\n"
    assert outcome.error is not None
    assert outcome.error.startswith("TypeError: can't convert meta device type tensor to numpy.")
    assert "Use Tensor.cpu()" in outcome.error
    for dtype in over(all_dtypes(), "dtypes | 种数据类型"):
        elsewhere = torch.empty(2, dtype=dtype, device="meta")
        with pytest.raises(TypeError, match=r"Use Tensor\.cpu\(\)"):
            elsewhere.numpy()
        with pytest.raises(NotImplementedError, match="no data!"):
            elsewhere.cpu()
    for i in range(CUDA):
        assert torch.ones(2, device=f"cuda:{i}").cpu().numpy().tolist() == [1, 1]


# 5.6.3


def test_parameters_follow_their_network() -> None:
    """`net.to(device)` moves every parameter of a network; with input on that device, the output of a linear network is there as well.

    `net.to(device)` 移动网络的全部参数；输入也在那个设备上，线性网络的输出就也在那里。
    """
    state = after("gpu.network")
    assert {p.device for p in state.net.parameters()} == {state.try_gpu()}
    assert state.net(state.X).device == state.net[0].weight.device
    assert lines("gpu.network") == [
        f"weight: {state.net[0].weight.device}",
        f"output: {state.X.device} (2, 1)",
    ]
    for layer in over(layers_with_parameters(), PARAMETRIC):
        net = nn.Sequential(layer.make()).to("meta")
        assert {p.device.type for p in net.parameters()} == {"meta"}


def test_a_parameter_has_a_device_itself() -> None:
    """A parameter has a `device` like any tensor: `weight.device` and `weight.data.device` are equal.

    参数和别的张量一样有 `device`，`weight.device` 与 `weight.data.device` 相等。
    """
    weight = after("gpu.network").net[0].weight
    assert values("gpu.network")["weight"] == str(weight.device)
    for layer in over(layers_with_parameters(), PARAMETRIC):
        for place in devices():
            for parameter in layer.make().to(place).parameters():
                assert parameter.device == parameter.data.device == place


def test_a_module_has_no_device() -> None:
    """`nn.Module` has no attribute `device`, and neither have the layers of `torch.nn`; the tensors of a module may be on several devices.

    `nn.Module` 没有 `device` 属性，`torch.nn` 的层也没有；模块的张量可以分在几个设备上。
    """
    linear = after("gpu.network").net[0]
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'device'"):
        linear.device
    assert not hasattr(nn.Module(), "device")
    for layer in over(layers(), LAYERS):
        assert not hasattr(layer.make(), "device")
    split = nn.Sequential(nn.Linear(3, 1), nn.Linear(1, 1, device="meta"))
    assert {p.device.type for p in split.parameters()} == {"cpu", "meta"}


def test_module_to_works_in_place() -> None:
    """`Module.to` moves the module's own parameters and returns the module itself, so no assignment is needed.

    `Module.to` 原地移动模块的参数，返回的就是模块自己，不需要赋值。
    """
    assert lines("gpu.module-in-place") == [
        "same module: True",
        "weight: meta",
        "output: meta (2, 1)",
    ]
    for layer in over(layers(), LAYERS):
        module = layer.make()
        assert module.to("meta") is module
        assert {t.device.type for t in module.state_dict().values()} <= {"meta"}


def test_the_input_must_be_with_the_network() -> None:
    """A network does not fetch its input: it runs if the batch is on its device, and raises a `RuntimeError` if it is not. On `meta`, convolutions, embeddings and linear layers without a bias do not check that in this version.

    网络不会自己去取输入：数据在同一个设备上就能运行，不在就抛出 `RuntimeError`。在 `meta` 上，这一版的卷积层、嵌入层和不带偏置的线性层不检查。
    """
    error = shown("gpu.input-must-follow").error
    assert error == "RuntimeError: Tensor on device meta is not on the expected device cpu!"
    state = after("gpu.input-must-follow")
    assert state.layer(state.elsewhere).device.type == "meta"
    unchecked = ("Conv", "Embedding", "Transformer")  # the last are made of the others, and slow
    checked = [x for x in layers_with_parameters() if not x.cls.__name__.startswith(unchecked)]
    with torch.no_grad():
        for layer in over(checked, PARAMETRIC):
            with pytest.raises(RuntimeError, match="device"):
                layer.call(layer.make().to("meta"))
            layer.call(layer.make())


def test_a_module_without_tensors_moves_anywhere() -> None:
    """`nn.ReLU().to("cuda")` raises nothing on a machine without a GPU, since a module without parameters or buffers has nothing to move.

    在没有 GPU 的机器上，`nn.ReLU().to("cuda")` 也不报错：没有参数和缓冲区的模块，没有什么可移动。
    """
    relu, linear = lines("gpu.nothing-to-move")
    assert relu == "ReLU()"
    assert linear.startswith("Linear(") == (CUDA > 0)
    assert linear.partition(":")[0].endswith("Error") == (CUDA == 0)
    empty = [x for x in layers() if not {*x.make().parameters(), *x.make().buffers()}]
    for layer in over(empty, "layer classes without tensors | 种没有张量的层"):
        module = layer.make()
        assert list(module.state_dict()) == []
        assert module.to("cuda:99") is module


def test_a_loss_moves_only_its_weight() -> None:
    """A loss such as `nn.MSELoss` holds no tensors; a `weight` or `pos_weight` that was given to a loss is a buffer: `to` moves it, and if it has dimensions and is on another device than the input, the loss raises an error.

    `nn.MSELoss` 这样的损失里没有张量；别的损失若给了 `weight` 或 `pos_weight`，它就是缓冲区，`to` 会移动它；它若不是零维的，和输入不在同一个设备上就会报错。
    """
    with_layers = ("AdaptiveLogSoftmaxWithLoss", "LinearCrossEntropyLoss")
    simple = [loss for loss in losses() if loss.cls.__name__ not in with_layers]
    for loss in over(simple, "losses of torch.nn | 种 torch.nn 的损失"):
        module = loss.make()
        assert not [*module.parameters(), *module.buffers()]
        if "weight" in inspect.signature(loss.cls).parameters:
            weighted: Any = loss.make(weight=torch.ones(3))
            assert [name for name, _ in weighted.named_buffers()] == ["weight"]
            assert weighted.to("meta").weight.is_meta
    positive = nn.BCEWithLogitsLoss(pos_weight=torch.ones(3)).to("meta")
    assert [(name, t.is_meta) for name, t in positive.named_buffers()] == [("pos_weight", True)]
    x, target = torch.ones(2, 3, device="meta"), torch.zeros(2, dtype=torch.int64, device="meta")
    assert nn.CrossEntropyLoss(weight=torch.ones(3)).to("meta")(x, target).is_meta
    assert nn.BCEWithLogitsLoss(pos_weight=torch.tensor(2.0))(x, x).is_meta
    with pytest.raises(RuntimeError, match="not on the expected device"):
        nn.BCEWithLogitsLoss(pos_weight=torch.ones(3))(x, x)
    with pytest.raises(RuntimeError, match="not on the expected device"):
        nn.BCELoss(weight=torch.ones(3))(x, x)


def test_only_registered_tensors_move() -> None:
    """`Module.to` moves parameters and buffers to the device, and converts them to the dtype unless they are integers; a tensor in a plain attribute stays as it is.

    `Module.to` 只处理参数和缓冲区：换设备时全都移过去，换数据类型时整数的不变；普通属性里的张量原样不动。
    """
    assert [line.strip() for line in lines("gpu.stray-constant")] == [
        "registered: False",
        "devices: meta cpu",
        "dtypes: torch.float64 torch.float32",
        "registered: True",
        "devices: meta meta",
        "dtypes: torch.float64 torch.float64",
    ]
    for layer in over(layers(), LAYERS):
        for target in (torch.device("meta"), torch.float64):
            module = layer.make()
            module.stray = torch.ones(2)
            module.register_buffer("kept", torch.ones(2))
            module.to(target)
            assert (module.stray.device, module.stray.dtype) == (CPU, torch.float32)
            moved = [t for t in module.state_dict().values() if t.is_floating_point()]
            assert moved
            for tensor in moved:
                assert tensor.is_meta or tensor.dtype == torch.float64


def test_tensors_in_a_list_stay_behind() -> None:
    """`Module.to` does not look into lists, dicts and other Python containers: tensors that are only in them keep their device and their dtype, even if they are `nn.Parameter`s.

    `Module.to` 不会翻看列表、字典等 Python 的容器：只放在里面的张量，设备和数据类型都不变，哪怕是 `nn.Parameter`。
    """
    Pair = namedtuple("Pair", "a b")
    kinds: dict[str, Callable[[list[torch.Tensor]], Any]] = {
        "list": list,
        "tuple": tuple,
        "dict": lambda pair: dict(enumerate(pair)),
        "set": set,
        "frozenset": frozenset,
        "deque": deque,
        "named tuple": lambda pair: Pair(*pair),
        "nested": lambda pair: [{"pair": tuple(pair)}],
    }
    for kind in over(kinds, "kinds of containers | 种容器"):
        for target in (torch.device("meta"), torch.float64):
            pair = [torch.ones(2), nn.Parameter(torch.ones(2))]
            layer: Any = nn.Linear(2, 1)
            layer.held = kinds[kind](pair)
            layer.to(target)
            assert layer.weight.is_meta or layer.weight.dtype == torch.float64
            for tensor in pair:
                assert (tensor.device, tensor.dtype) == (CPU, torch.float32)


def test_a_stray_constant_fails_after_a_cast() -> None:
    """After `to(torch.float64)`, a network that multiplies by a tensor in a plain attribute raises `expected m1 and m2 to have the same dtype`; with a buffer it runs.

    执行 `to(torch.float64)` 之后，与普通属性里的张量相乘的网络会报错 `expected m1 and m2 to have the same dtype`；换成缓冲区就能运行。
    """
    outcome = shown("gpu.stray-constant-fails")
    assert outcome.output == "buffer: torch.float64\n"
    assert outcome.error is not None
    assert outcome.error.startswith("RuntimeError: expected m1 and m2 to have the same dtype")


@pytest.mark.parametrize("registered", [True, False])
def test_the_network_with_a_constant_computes_what_it_says(registered: bool) -> None:
    """It multiplies by the constant, adds 1 before the ReLU, and adds up what its layer makes of that."""
    torch.manual_seed(0)
    net = after("gpu.fixed-hidden-mlp").FixedHiddenMLP(registered)
    X = torch.randn(2, 20)
    hidden = torch.relu(net.linear(X) @ net.rand_weight + 1)
    assert torch.allclose(net(X), net.linear(hidden).sum(), atol=1e-4)
    assert 0 <= net.rand_weight.min() < net.rand_weight.max() < 1


def test_a_buffer_on_any_device_is_saved() -> None:
    """A buffer is in the `state_dict` of its module, whatever device it is on, unless it was registered with `persistent=False`; a tensor in a plain attribute is not.

    缓冲区不论在哪个设备上，都在模块的 `state_dict` 里，除非注册时写了 `persistent=False`；普通属性里的张量则不在。
    """
    FixedHiddenMLP = after("gpu.fixed-hidden-mlp").FixedHiddenMLP
    for place in devices():
        saved = FixedHiddenMLP().to(place).state_dict()
        assert saved["rand_weight"].device == place
        assert "rand_weight" not in FixedHiddenMLP(registered=False).to(place).state_dict()
    names = ("cpu", "meta", "cuda:0", "cuda:1", "xpu:0", "mps:0")
    with FakeTensorMode():
        for name in over(names, "devices | 个设备"):
            module: Any = nn.Module()
            module.register_buffer("kept", torch.ones(2, device=name))
            module.register_buffer("cache", torch.ones(2, device=name), persistent=False)
            module.stray = torch.ones(2, device=name)
            saved = module.state_dict()
            assert {key: str(saved[key].device) for key in saved} == {"kept": name}


def test_a_cast_keeps_the_parameter_objects() -> None:
    """`Module.to` with another dtype keeps the `Parameter` objects, so an optimiser built before goes on updating them.

    `Module.to` 换数据类型时，`Parameter` 还是原来的对象，所以之前建好的优化器照样更新它们。
    """
    assert lines("gpu.optimiser-survives") == [
        "same parameter: True torch.float64",
        "updated: True",
    ]
    state = after("gpu.optimiser-survives")
    held = state.optimiser.param_groups[0]["params"]
    assert all(a is b for a, b in zip(held, state.model.parameters(), strict=True))
    assert not torch.equal(state.model.weight, state.start)
    assert torch.allclose(state.weight, state.start - 0.1 * state.weight.grad)
    for layer in over(layers_with_parameters(), PARAMETRIC):
        module = layer.make()
        before = list(module.parameters())
        for dtype in float_dtypes():
            module.to(dtype)
            assert {p.dtype for p in module.parameters()} == {dtype}
            assert all(a is b for a, b in zip(before, module.parameters(), strict=True))


def test_a_move_to_meta_replaces_the_parameters() -> None:
    """A move to `meta` gives the module new `Parameter` objects, and an optimiser built before keeps the old ones.

    移到 `meta` 时，模块的 `Parameter` 会换成新对象，之前建好的优化器手里还是旧的。
    """
    same, where = lines("gpu.meta-replaces")
    assert same == "same parameter: False"
    assert where == "model: meta | optimiser: cpu"
    state = after("gpu.meta-replaces")
    assert state.held is state.weight
    for layer in over(layers_with_parameters(), PARAMETRIC):
        module = layer.make()
        held = torch.optim.SGD(module.parameters()).param_groups[0]["params"]
        moved = list(module.to("meta").parameters())
        assert {p.device.type for p in held} == {"cpu"}
        assert not {id(p) for p in held} & {id(p) for p in moved}


def test_adam_makes_its_averages_in_the_first_step() -> None:
    """`torch.optim.Adam` has no state before its first step; the first step that updates a parameter makes two averages for it, `exp_avg` and `exp_avg_sq`.

    `torch.optim.Adam` 走第一步之前没有状态；第一次更新某个参数时，给它创建两个滑动平均：`exp_avg` 和 `exp_avg_sq`。
    """
    for layer in over(layers_with_parameters(), PARAMETRIC):
        parameters = list(layer.make().parameters())
        skipped = nn.Parameter(torch.ones(1))  # it gets no gradient
        optimiser = torch.optim.Adam([*parameters, skipped])
        assert not optimiser.state
        for parameter in parameters:
            parameter.grad = torch.ones_like(parameter)
        optimiser.step()
        for parameter in parameters:
            kept = optimiser.state[parameter]
            assert set(kept) - {"step"} == {"exp_avg", "exp_avg_sq"}
            assert kept["exp_avg"].shape == kept["exp_avg_sq"].shape == parameter.shape
        assert not optimiser.state[skipped]


def test_the_state_of_an_optimiser_does_not_move() -> None:
    """After `model.to(torch.float64)`, what an optimiser has stored is still float32; with Adam, the next step raises a `RuntimeError`.

    执行 `model.to(torch.float64)` 之后，优化器存下的东西还是 float32；如果是 Adam，再走一步就抛出 `RuntimeError`。
    """
    outcome = shown("gpu.optimiser-state-stays")
    assert outcome.output == "torch.float32\n"
    assert outcome.error is not None
    assert outcome.error.startswith("RuntimeError: expected dtype float")
    for cls in over(optimizers(), "optimisers | 种优化器"):
        model = nn.Linear(3, 1)
        optimiser = _one_step(cls, model)
        stored = _stored(optimiser.state[model.weight])
        model.to(torch.float64)
        assert stored
        assert {tensor.dtype for tensor in stored} == {torch.float32}
        assert _stored(optimiser.state[model.weight]) == stored  # the very same tensors


def _one_step(cls: type[torch.optim.Optimizer], model: nn.Module) -> torch.optim.Optimizer:
    """Build an optimiser that stores something, and take a step."""
    more = {"momentum": 0.9} if cls is torch.optim.SGD else {}
    optimiser: torch.optim.Optimizer = cls(model.parameters(), **{"lr": 0.01, **more})  # type: ignore[arg-type]
    dtype = next(model.parameters()).dtype
    model(torch.ones(2, 3, dtype=dtype)).sum().backward()
    optimiser.step()
    return optimiser


def _stored(state: dict[str, Any]) -> list[torch.Tensor]:
    """The tensors that an optimiser stores for a parameter, but for single numbers."""
    return [value for value in state.values() if isinstance(value, torch.Tensor) and value.dim()]


def test_moving_before_the_optimiser_is_safe() -> None:
    """An optimiser that is built after the move holds the new parameters, and what it stores, apart from single numbers such as `step`, has their dtype and device.

    移动之后再建优化器，它手里就是移动后的参数；存下的东西，除了 `step` 这样的单个数字，数据类型和设备也与参数一致。
    """
    for cls in over(optimizers(), "optimisers | 种优化器"):
        model = nn.Linear(3, 1).to(torch.float64)
        optimiser = _one_step(cls, model)
        assert {(t.dtype, t.device) for t in _stored(optimiser.state[model.weight])} == {
            (torch.float64, CPU)
        }
        model(torch.ones(2, 3, dtype=torch.float64)).sum().backward()
        optimiser.step()
        moved = nn.Linear(3, 1).to("meta")
        held = cls(moved.parameters(), lr=0.01).param_groups[0]["params"]  # type: ignore[call-arg]
        assert all(a is b for a, b in zip(held, moved.parameters(), strict=True))


def test_a_file_records_the_device_of_a_tensor() -> None:
    """A file written by `torch.save` records the device of each tensor.

    `torch.save` 写的文件记着每个张量所在的设备。
    """
    for dtype in over(all_dtypes(), "dtypes | 种数据类型"):
        for place in [place for place in devices() if place.type != "meta"]:
            file = io.BytesIO()
            torch.save([torch.empty(2, dtype=dtype, device=place)], file)
            assert _pickle(file).count(_pickled(str(place))) == 1
            assert _pickled("cuda:7") not in _pickle(file)


def test_map_location_decides_where_tensors_go() -> None:
    """`torch.load` puts the tensors of a file on the device that `map_location` names, wherever they were when they were saved; only those on `meta`, which have no data, stay there.

    不论保存时在哪里，`torch.load` 都把文件里的张量放到 `map_location` 指定的设备上；只有 `meta` 上的张量没有数据，读回来还在 `meta` 上。
    """
    assert lines("gpu.map-location")[0] == "cpu"
    saved = {"w": torch.ones(2)}
    assert roundtrip(saved)["w"].device == CPU
    for place in devices():
        assert roundtrip(saved, map_location=place)["w"].device == place
    assert roundtrip(torch.ones(2, device="meta"), map_location="cpu").is_meta
    names = ("cpu", "cuda:0", "cuda:1", "cuda:99", "xpu:0", "mps:0")
    for name in over(names, "devices on which a file was written | 个写文件时所在的设备"):
        for place in devices():
            file = _as_if_written_on(name, saved)
            assert torch.load(file, map_location=place)["w"].device == place


def test_map_location_cuda_needs_cuda() -> None:
    """`map_location="cuda"` loads a file onto the current GPU, and raises an error on a machine without CUDA.

    `map_location="cuda"` 把文件读到当前 GPU 上；机器上没有 CUDA 就报错。
    """
    answer = lines("gpu.map-location")[1]
    missing = (
        "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False"
    )
    assert answer == ("cuda:0" if CUDA else f"RuntimeError: {missing}")


def test_a_gpu_file_asks_for_a_gpu() -> None:
    """A file whose tensors were on `cuda:0` is read back onto `cuda:0`; without CUDA, `torch.load` raises `Attempting to deserialize object on a CUDA device`.

    张量在 `cuda:0` 上时存的文件，读回来还在 `cuda:0`；没有 CUDA，`torch.load` 就报错 `Attempting to deserialize object on a CUDA device`。
    """
    for dtype in over(all_dtypes(), "dtypes | 种数据类型"):
        file = _as_if_written_on("cuda:0", {"w": torch.arange(2).to(dtype)})
        if CUDA:
            assert str(torch.load(file)["w"].device) == "cuda:0"
        else:
            with pytest.raises(RuntimeError, match="to deserialize object on a CUDA device"):
                torch.load(file)
        file.seek(0)
        assert torch.load(file, map_location="cpu")["w"].device == CPU


def _as_if_written_on(device: str, value: object) -> io.BytesIO:
    """Save CPU tensors, and where the pickle says cpu, let it say another device."""
    written, forged = io.BytesIO(), io.BytesIO()
    torch.save(value, written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(forged, "w") as target:
        for item in source.infolist():
            data = source.read(item)
            if item.filename.endswith("data.pkl"):
                assert data.count(_pickled("cpu")) == 1
                data = data.replace(_pickled("cpu"), _pickled(device))
            target.writestr(item, data)
    forged.seek(0)
    return forged


def _pickle(file: io.BytesIO) -> bytes:
    """What a file written by torch.save says about its tensors."""
    with zipfile.ZipFile(file) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("data.pkl")]
        return archive.read(name)


def _pickled(text: str) -> bytes:
    return b"X" + len(text).to_bytes(4, "little") + text.encode()


# Timing


def test_a_queue_returns_before_the_work_is_done() -> None:
    """Handing work to a queue returns at once; only waiting for it makes sure that it is done."""
    assert lines("gpu.queue-model") == [
        "call returned, work done: False",
        "after waiting, work done: True",
    ]


def test_cpu_work_is_done_when_the_call_returns() -> None:
    """On the CPU, the work is done when the call returns: the numbers of a matrix product are in memory at once, even when they are read past PyTorch, which then has no chance to wait for them.

    在 CPU 上，调用返回时已经算完：矩阵乘法的结果这时就在内存里。这里绕过 PyTorch 直接读这块内存，PyTorch 没有机会先等一等。
    """
    for n in over([1, 16, 64, 384], "sizes | 种大小"):
        X, product = torch.ones(n, n), torch.zeros(n, n)
        memory = (ctypes.c_float * (n * n)).from_address(product.data_ptr())
        torch.matmul(X, X, out=product)
        last = memory[n * n - 1]
        assert last == n
        assert set(memory) == {n}
    assert lines("gpu.stopwatch") == ["384 x 384 takes longer than 16 x 16: True"]


class Operations(TorchDispatchMode):
    """The names of the operations that run in its block."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


def test_a_condition_on_a_tensor_reads_its_value() -> None:
    """`if` and `while` with a tensor as the condition run `_local_scalar_dense` each time, the operation by which `.item()` reads a value.

    `if` 和 `while` 拿张量作条件，每判断一次就执行一次 `_local_scalar_dense`，`.item()` 取数值用的就是这个操作。
    """
    read = "_local_scalar_dense.default"

    def with_if(x: torch.Tensor) -> None:
        if x.sum() > 1:
            x.add_(1)

    def with_while(x: torch.Tensor) -> None:
        while x.sum() > 1:
            x.div_(8)

    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        found = []
        ways = (torch.Tensor.item, with_if, with_while, torch.Tensor.clone)
        for way in ways:
            with Operations() as seen:
                way(torch.full((1,), 4.0).to(dtype))
            found.append(seen.names.count(read))
        assert found == [1, 1, 2, 0]


def test_the_timer_of_torch_waits_and_warms_up() -> None:
    """`torch.utils.benchmark.Timer` waits with `torch.accelerator.synchronize()` before each reading of the clock, where there is an accelerator, and runs the statement before it measures. The accelerator is pretended.

    有加速器时，`torch.utils.benchmark.Timer` 每次读时间之前都用 `torch.accelerator.synchronize()` 等待；正式计时之前，它先把语句运行几次。加速器是假装的。
    """
    for number in over((1, 2, 5, 300), "numbers of runs | 种次数"):
        for there in (True, False):
            events: list[str] = []
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("torch.accelerator.is_available", lambda: there)  # noqa: B023
                patch.setattr("torch.accelerator.synchronize", lambda: events.append("wait"))  # noqa: B023
                patch.setattr("timeit.default_timer", lambda: events.append("clock") or 0.0)  # noqa: B023
                Timer("run()", globals={"run": lambda: events.append("run")}).timeit(number)  # noqa: B023
            reading = ["wait", "clock"] if there else ["clock"]
            rounds = [*reading, *["run"] * number, *reading]
            assert events[-len(rounds) :] == rounds
            assert events[: -len(rounds)].count("run") >= 2


def test_synchronize_needs_an_accelerator() -> None:
    """`torch.accelerator.synchronize()` raises a `RuntimeError` on a machine without any accelerator.

    机器上没有加速器，`torch.accelerator.synchronize()` 就抛出 `RuntimeError`。
    """
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()
    else:
        with pytest.raises(RuntimeError) as error:
            torch.accelerator.synchronize()
        said = f"RuntimeError: {error.value}".partition(". ")[0]
        # a build for no accelerator says so, a build with CUDA looks for the driver first
        assert said == f"RuntimeError: {NONE_THERE}." if CPU_BUILD else missing(said)
    assert callable(torch.cuda.synchronize)
    after("gpu.stopwatch").wait()  # which asks first


def test_the_stopwatch_drops_the_first_round_and_waits_before_it_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Six rounds, the first not counted; waiting is part of the time only if synchronised."""
    state = after("gpu.stopwatch")
    assert [state.large.shape, state.small.shape] == [(384, 384), (16, 16)]
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
    by_name = {snippet.name: snippet for snippet in cells()}
    for name in EXERCISES:
        snippet = by_name[f"gpu.{name}"]
        assert snippet.devices == 0
        assert "assert " in snippet.source
        last = ast.parse(snippet.source).body[-1]
        assert ast.unparse(last).startswith("print('checked:")
        assert lines(f"gpu.{name}")[-1].startswith("checked: ")
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


def test_a_range_counts_from_the_end() -> None:
    """`range(n)[i]` counts from the end for a negative `i`, and raises an `IndexError` below −n and from n on.

    `i` 为负数时，`range(n)[i]` 从末尾往回数；`i` 小于 −n，或者不小于 n，就抛出 `IndexError`。
    """
    for n in over(range(9), "lengths | 种长度"):
        numbers = range(n)
        assert [numbers[i] for i in range(-n, n)] == [*range(n), *range(n)]
        for i in (-n - 2, -n - 1, n, n + 1):
            with pytest.raises(IndexError):
                numbers[i]


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
    linear = ["1.linear.weight", "1.linear.bias"]
    affine, counted = (
        ["0.weight", "0.bias"],
        [f"0.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")],
    )
    assert list(state.table) == [*affine, *counted, "1.rand_weight", *linear], "module by module"
    told = "checked: 8 tensors, left behind: 1.rand_weight\n"
    assert shown("gpu.devices-of").output == told

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
    assert {value.dtype for value in state.orphan.state_dict().values()} == {torch.float64}
    torch.manual_seed(1)
    net = nn.Sequential(nn.Sequential(state.FixedHiddenMLP(registered=False)), nn.BatchNorm1d(3))
    inner: Any = net[0]
    inner.mask = torch.arange(4)
    parameters, buffers = list(net.parameters()), list(net.buffers())
    constant = inner[0].rand_weight
    assert state.adopt(net) is net
    assert inner[0].rand_weight is constant
    assert {"0.mask", "0.0.rand_weight"} <= set(net.state_dict())
    assert all(a is b for a, b in zip(net.parameters(), parameters, strict=True))
    assert len(list(net.buffers())) == len(buffers) + 2
    assert state.adopt(net) is net  # a second time changes nothing
    kinds = {kind for kind, _ in state.devices_of(net).values()}
    assert kinds == {"parameter", "buffer"}


@pytest.mark.parametrize("options", [{"lr": 0.1, "momentum": 0.9}, {"lr": 0.1}])
def test_an_optimiser_can_follow_its_parameters(options: dict[str, Any]) -> None:
    """Loading its own state casts the state of SGD with momentum as well, and keeps the values."""
    assert shown("gpu.follow").output == "checked: steps taken: 2\n"
    state = after("gpu.follow")
    once = torch.full_like(
        state.model.weight, 2
    )  # two rows of ones, since the gradient was set to zero
    assert torch.equal(state.model.weight.grad, once)
    follow = state.follow
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
    assert len(state.log) == len(state.read) == 30
    assert state.log[-1] < state.log[0]
    assert state.calls_of_item(lambda loss: (loss.item(), loss.item())) == 60
    torch.manual_seed(0)
    net, X = nn.Linear(3, 1), torch.randn(32, 3)
    for seen in state.log:  # the network learns to give back the first feature
        loss = (net(X) - X[:, :1]).square().mean()
        assert seen.item() == pytest.approx(loss.item(), rel=1e-4)
        gradients = torch.autograd.grad(loss, [net.weight, net.bias])
        with torch.no_grad():
            for parameter, gradient in zip(net.parameters(), gradients, strict=True):
                parameter -= 0.1 * gradient
    graphs: list[torch.Tensor] = []
    state.fit(graphs.append, steps=2)
    assert all(loss.grad_fn is not None for loss in graphs)
    assert all(loss.grad_fn is None for loss in state.kept)
    assert "item" not in vars(torch.Tensor)


def test_a_logged_value_can_stay_on_its_device() -> None:
    """Losses recorded with `detach()` stay on the device of the network: 30 steps need no call of `item()`.

    用 `detach()` 记下的损失留在网络所在的设备上，30 步一次 `item()` 也不用调用。
    """
    assert lines("gpu.log-on-the-device") == [
        "each step, calls of item(): 30",
        "on the device, calls of item(): 0",
        "checked: the same 30 losses",
    ]


def test_a_loss_keeps_its_graph_alive() -> None:
    """A loss in a list keeps its graph alive, with the intermediate results that it has saved, unless `backward()` has freed these; after `detach()` it keeps neither.

    列表里的损失会让计算图一直留在内存里，连同其中存下的中间结果，除非 `backward()` 已经释放了它们；`detach()` 过的损失两样都不留。
    """

    class Saved:
        def __init__(self, tensor: torch.Tensor) -> None:
            self.tensor = tensor.detach()  # or it would hold the graph that holds it
            alive.add(self)

    alive: weakref.WeakSet[Saved] = weakref.WeakSet()
    net, X = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), torch.ones(2, 3)
    for steps in over([1, 2, 10, 30], "numbers of steps | 种步数"):
        for keep, alive_afterwards in ((torch.Tensor.detach, False), (lambda loss: loss, True)):
            with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
                log = [keep(net(X).square().mean()) for _ in range(steps)]
            assert (len(alive) >= steps) == bool(alive) == alive_afterwards
            assert len(log) == steps
            log.clear()
            assert not alive
        with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
            log = [net(X).square().mean() for _ in range(steps)]
        for loss in log:
            loss.backward()
        assert not alive
        assert all(loss.grad_fn is not None for loss in log)


def test_detach_keeps_the_value_and_drops_the_graph() -> None:
    """`detach()` returns a tensor with the same value and memory that has no `grad_fn` and requires no gradient.

    `detach()` 返回的张量数值相同，共用内存，没有 `grad_fn`，也不需要梯度。
    """
    simple = [x for x in layers_with_parameters() if not x.cls.__name__.startswith("Transformer")]
    for layer in over(simple, PARAMETRIC):
        output = layer.call(layer.make())
        output = output if isinstance(output, torch.Tensor) else output[0]
        loss = output.square().mean()
        kept = loss.detach()
        assert torch.equal(kept, loss)
        assert kept.data_ptr() == loss.data_ptr()
        assert loss.grad_fn is not None
        assert kept.grad_fn is None
        assert not kept.requires_grad


def test_a_tensor_carries_the_completed_name() -> None:
    """A tensor carries the completed name of its device: made on `cpu:3`, it is on `cpu`; made on `meta:0`, it is on `meta`; made on `cuda`, it has the number of a GPU, or raises an error where there is none. A tensor without elements shows it, too.

    张量记录的设备名是补全过的：在 `cpu:3` 上创建，它在 `cpu` 上；在 `meta:0` 上创建，它在 `meta` 上；在 `cuda` 上创建，它带着某块 GPU 的编号，没有 GPU 就报错。零个元素的张量也是如此。
    """
    place = after("gpu.same-place").place
    completed = {
        "cpu:3": "cpu",
        "cpu": "cpu",
        "meta:0": "meta",
        "meta": "meta",
        "cuda": "cuda:0",
        "cuda:1": "cuda:1",
        "xpu": "xpu:0",
        "mps": "mps:0",
    }
    for name in over(completed, "device names | 个设备名"):
        real = torch.device(name).type in {"cpu", "meta"}
        with nullcontext() if real else FakeTensorMode():
            assert str(place(name)) == completed[name]
    assert torch.empty(0, device="cpu:3").numel() == 0
    if CUDA:
        assert place("cuda").index == torch.cuda.current_device()
    else:
        with pytest.raises((RuntimeError, AssertionError)):
            place("cuda")


def test_two_scalars_meet_off_the_cpu() -> None:
    """The sum of a CPU tensor and a tensor on another device, both without dimensions, is on the other device, in either order.

    CPU 上的零维张量与别的设备上的零维张量相加，不论谁在前，结果都在那个不是 CPU 的设备上。
    """
    here, elsewhere = torch.tensor(1.0), torch.tensor(1.0, device="meta")
    assert (here + elsewhere).device == (elsewhere + here).device == torch.device("meta")
    names = ("meta", "cuda:0", "cuda:1", "xpu:0", "mps:0")
    with FakeTensorMode():
        for name in over(names, "devices | 个设备"):
            a, b = torch.tensor(1.0), torch.ones((), device=name)
            assert str((a + b).device) == str((b + a).device) == name


def test_recurse_false_reports_only_its_own() -> None:
    """With `recurse=False`, `named_parameters` and `named_buffers` give only what is registered on the module itself, not what its children hold; what is there under two names they give once.

    加上 `recurse=False`，`named_parameters` 和 `named_buffers` 只给出注册在模块自己名下的，不包括子模块的；有两个名字的只给一次。
    """
    net = after("gpu.fixed-hidden-mlp").FixedHiddenMLP()
    assert [name for name, _ in net.named_parameters(recurse=False)] == []
    assert [name for name, _ in net.named_buffers(recurse=False)] == ["rand_weight"]
    assert len(list(net.named_parameters())) == 2
    for layer in over(layers(), LAYERS):
        outer = nn.Sequential(layer.make())
        assert not {*outer.parameters(recurse=False), *outer.buffers(recurse=False)}
        outer.register_parameter("own", nn.Parameter(torch.ones(1)))
        outer.register_buffer("kept", torch.ones(1))
        assert [name for name, _ in outer.named_parameters(recurse=False)] == ["own"]
        assert [name for name, _ in outer.named_buffers(recurse=False)] == ["kept"]
        outer.register_parameter("twin", outer.own)
        outer.register_buffer("copy", outer.kept)
        assert [name for name, _ in outer.named_parameters(recurse=False)] == ["own"]
        assert [name for name, _ in outer.named_buffers(recurse=False)] == ["kept"]
        assert {"own", "twin", "kept", "copy"} <= set(outer.state_dict())


def test_registered_tensors_are_not_plain_attributes() -> None:
    """Parameters and buffers are kept in dicts of the module, so `vars(module)` has no entry for them; for a plain tensor attribute it has one.

    参数和缓冲区放在模块的专门字典里，`vars(module)` 里没有它们的条目；普通属性里的张量则有。
    """
    FixedHiddenMLP = after("gpu.fixed-hidden-mlp").FixedHiddenMLP
    buffered, stray = FixedHiddenMLP(), FixedHiddenMLP(registered=False)
    assert vars(stray)["rand_weight"] is stray.rand_weight
    assert buffered._buffers["rand_weight"] is buffered.rand_weight
    assert buffered.linear._parameters["weight"] is buffered.linear.weight
    for layer in over(layers(), LAYERS):
        module = layer.make()
        assert not [v for v in vars(module).values() if isinstance(v, torch.Tensor)]
        module.plain = torch.ones(1)
        assert [n for n, v in vars(module).items() if isinstance(v, torch.Tensor)] == ["plain"]


def test_register_buffer_refuses_a_name_in_use() -> None:
    """`register_buffer` raises a `KeyError` if the module already has something else of that name: an attribute, a parameter, a sub-module, a method. A buffer of that name is replaced.

    模块里已经有别的东西叫这个名字时，不论是属性、参数、子模块还是方法，`register_buffer` 都会抛出 `KeyError`；同名的缓冲区则会被替换。
    """
    stray = after("gpu.fixed-hidden-mlp").FixedHiddenMLP(registered=False)
    stray.alpha = nn.Parameter(torch.ones(1))
    stray.number = 3
    taken = ("rand_weight", "alpha", "number", "linear", "forward")
    for name in over(taken, "names in use | 个已被占用的名字"):
        with pytest.raises(KeyError, match=f"attribute '{name}' already exists"):
            stray.register_buffer(name, torch.ones(1))
    stray.register_buffer("kept", torch.zeros(1))
    stray.register_buffer("kept", torch.ones(1))
    assert stray.kept.tolist() == [1]


def test_an_optimiser_casts_the_averages_it_loads() -> None:
    """`load_state_dict` of an optimiser converts what it loads, such as the averages of Adam, but not the count `step`, to the dtype and the device of the parameters, and keeps the values; complex ones keep their dtype. So an optimiser can load its own state after a move.

    优化器的 `load_state_dict` 会把读进来的东西（比如 Adam 的滑动平均，但计数 `step` 除外）转成各自参数的数据类型，放到参数所在的设备上，数值不变；参数是复数时，数据类型不转。所以移动模型之后，它可以加载自己的状态。
    """
    for cls in over(optimizers(), "optimisers | 种优化器"):
        model = nn.Linear(3, 1)
        optimiser = _one_step(cls, model)
        before = [tensor.clone() for tensor in _stored(optimiser.state[model.weight])]
        model.to(torch.float64)
        optimiser.load_state_dict(optimiser.state_dict())
        loaded = _stored(optimiser.state[model.weight])
        assert {tensor.dtype for tensor in loaded} == {torch.float64}
        counted = optimiser.state[model.weight].get("step")
        assert not isinstance(counted, torch.Tensor) or counted.dtype == torch.float32
        assert all(torch.equal(a.double(), b) for a, b in zip(before, loaded, strict=True))
        elsewhere = nn.Linear(3, 1, device="meta")
        other = cls(elsewhere.parameters(), lr=0.01)  # type: ignore[call-arg]
        other.load_state_dict(optimiser.state_dict())
        assert all(tensor.is_meta for tensor in _stored(other.state[elsewhere.weight]))
    kept = nn.Linear(3, 1, dtype=torch.complex64)
    adam = torch.optim.Adam(kept.parameters())
    kept(torch.ones(1, 3, dtype=torch.complex64)).abs().sum().backward()
    adam.step()
    kept.to(torch.complex128)
    adam.load_state_dict(adam.state_dict())
    assert adam.state[kept.weight]["exp_avg"].dtype == torch.complex64


# The hardware snippets, rehearsed: the CPU in the place of the GPU


@pytest.mark.parametrize(
    "name", ["launch-returns-early", "item-waits", "matmul-curves", "transfer", "gpu-checkpoint"]
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
        "matmul-curves": ["matmul-times"],
        "transfer": ["launch-returns-early", "item-waits"],
    }
    if name == "gpu-checkpoint":
        vars(state)["gpu_net"] = nn.Linear(3, 1)
    for part in [*needed.get(name, []), name]:
        _rehearse(f"gpu.{part}", state)
    torch.set_num_threads(before)
    printed = capsys.readouterr().out
    if name == "matmul-curves":
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
    source = next(snippet.source for snippet in cells() if snippet.name == name)
    source = source.replace('"cuda"', '"cpu"').replace("range(6, 14)", "range(3, 6)")
    source = re.sub(r"\b4096\b", "16", re.sub(r"\b8192\b", "32", source))
    assert "cuda" not in source.replace("torch.cuda.synchronize", "")
    exec(compile(source, name, "exec"), vars(state))


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
    for snippet in cells():
        for node in ast.walk(ast.parse(snippet.source)):
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith(prefix):
                names.add(ast.unparse(node))
    return names


# With one GPU


@pytest.mark.gpu(1)
def test_the_cards_tell_name_and_memory() -> None:
    """PyTorch counts the CUDA devices and tells the name and the memory of each; `torch.version.cuda` is set.

    PyTorch 能数出 CUDA 设备，并给出每一块的型号和显存；`torch.version.cuda` 也有值。
    """
    printed = lines("gpu.report")
    assert torch.cuda.device_count() == CUDA == len(printed) - 1
    for i in range(CUDA):
        assert torch.cuda.get_device_name(i)
        assert torch.cuda.get_device_properties(i).total_memory > 0
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
def test_copies_between_devices_take_time() -> None:
    """A copy from main memory to a GPU takes time: 64 MiB take longer than 4 bytes.

    从主存复制到 GPU 要花时间：64 MiB 比 4 字节久。
    """
    seconds = after("gpu.stopwatch").seconds
    images = torch.randn(4096, 4096)
    assert seconds(images.to, "cuda", rounds=3) > seconds(images[0, 0].to, "cuda", rounds=3)


@pytest.mark.gpu(1)
def test_cuda_means_the_current_device() -> None:
    """A tensor asked for on `cuda` is on the current device, which is number 0 until the program changes it.

    在 `cuda` 上创建的张量位于当前设备；程序不去改，当前设备就是 0 号。
    """
    t = after("gpu.current-device").t
    assert t.device == torch.device("cuda", torch.cuda.current_device())
    assert lines("gpu.current-device") == [
        "tensor: cuda:0",
        "current device: 0",
        "equals 'cuda': False",
        "is on a GPU: True True",
    ]


@pytest.mark.gpu(1)
def test_a_gpu_tensor_never_equals_cuda() -> None:
    """The device of a tensor on a GPU always has a number, so it is never equal to `torch.device("cuda")`.

    GPU 上的张量，它的设备总是带着编号，所以永远不等于 `torch.device("cuda")`。
    """
    made = [torch.ones(1, device="cuda"), torch.ones(1).cuda(), torch.ones(1).to("cuda:0")]
    for t in [*made, nn.Linear(3, 1).to("cuda").weight]:
        assert t.device != torch.device("cuda")
        assert t.device.type == "cuda"
        assert t.device.index == 0
    assert values("gpu.current-device")["equals 'cuda'"] == "False"


@pytest.mark.gpu(1)
def test_with_one_gpu_only_the_second_falls_back() -> None:
    """With one GPU, `try_gpu()` is `cuda:0` and `try_gpu(1)` the CPU; with two, the second is `cuda:1`.

    只有一块 GPU 时，`try_gpu()` 是 `cuda:0`，`try_gpu(1)` 是 CPU；有两块时，第二个是 `cuda:1`。
    """
    state = after("gpu.create-on-device")
    assert str(state.X.device) == "cuda:0"
    assert str(state.Y.device) == ("cuda:1" if CUDA > 1 else "cpu")


@pytest.mark.gpu(1)
def test_a_printed_gpu_tensor_names_its_device() -> None:
    """A tensor on the first GPU prints `device='cuda:0'`; its copy on the CPU prints no device.

    第一块 GPU 上的张量打印出来带有 `device='cuda:0'`，它在 CPU 上的副本则不带。
    """
    X = after("gpu.create-on-device").X
    assert str(X.device) == "cuda:0"
    assert "device='cuda:0'" in repr(X)
    assert "device" not in repr(X.cpu())
    output = shown("gpu.tensors-on-the-gpu").output
    assert output.count("device='cuda:0'") == 1
    assert output.count("tensor(") == 2


@pytest.mark.gpu(1)
def test_a_missing_card_is_an_error() -> None:
    """`.cuda(n)` raises a `RuntimeError` if there are GPUs but none with this number.

    机器上有 GPU，但没有编号为 `n` 的那一块，`.cuda(n)` 就抛出 `RuntimeError`。
    """
    with pytest.raises(RuntimeError):
        torch.ones(1).cuda(CUDA)
    assert ("Error: " in lines("gpu.asking-for-cuda")[2]) == (CUDA == 1)


@pytest.mark.gpu(1)
def test_cpu_and_gpu_tensors_do_not_mix() -> None:
    """Adding a CPU tensor to a GPU tensor raises `Expected all tensors to be on the same device`; only a CPU tensor without dimensions is accepted.

    CPU 张量与 GPU 张量相加会报错 `Expected all tensors to be on the same device`，零维的 CPU 张量除外。
    """
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
def test_four_ways_to_cuda_return_itself() -> None:
    """For a tensor on the current GPU, number 0, `cuda()`, `cuda(0)`, `to("cuda:0")` and `to("cuda")` all return the tensor itself.

    张量已经在当前的 0 号 GPU 上时，`cuda()`、`cuda(0)`、`to("cuda:0")`、`to("cuda")` 返回的都是它自己。
    """
    assert shown("gpu.gpu-to-returns-self").output.split() == ["True"] * 4
    Z = torch.ones(2, device="cuda")
    assert Z.cuda() is Z
    assert Z.cuda(0) is Z
    assert Z.to("cuda:0") is Z
    assert Z.to("cuda") is Z
    assert Z.to("cuda", torch.float64) is not Z
    assert Z.to("cuda", copy=True) is not Z


@pytest.mark.gpu(1)
def test_numpy_refuses_a_gpu_tensor() -> None:
    """numpy() of a GPU tensor is a TypeError that names Tensor.cpu()."""
    with pytest.raises(TypeError, match=r"Use Tensor\.cpu\(\)"):
        torch.ones(2, device="cuda").numpy()


@pytest.mark.gpu(1)
def test_a_move_to_the_gpu_keeps_the_parameters() -> None:
    """`Module.to("cuda")` keeps the `Parameter` objects, so an optimiser built before the move updates the right ones.

    `Module.to("cuda")` 不换 `Parameter` 对象，所以移动之前建好的优化器更新的仍是正确的参数。
    """
    assert lines("gpu.network-on-the-gpu") == [
        "same module: True",
        "same parameter: True cuda:0",
        "output: cuda:0",
        "updated: True",
    ]
    state = after("gpu.network-on-the-gpu")
    assert state.gpu_net.weight is state.gpu_weight
    assert state.gpu_weight.is_cuda
    assert state.gpu_output.is_cuda
    assert not torch.equal(state.gpu_weight, state.gpu_start)


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
def test_a_gpu_network_wants_its_input_there() -> None:
    """A network on the GPU gives its output there, and raises a `RuntimeError` for a batch on the CPU.

    GPU 上的网络，输出也在 GPU 上；输入的数据留在 CPU 上，就抛出 `RuntimeError`。
    """
    error = shown("gpu.gpu-input-must-follow").error
    assert error is not None
    assert "same device" in error
    gpu_net = after("gpu.gpu-input-must-follow").gpu_net
    assert gpu_net(torch.ones(2, 3, device="cuda")).is_cuda


@pytest.mark.gpu(1)
def test_a_stray_constant_stays_on_the_cpu() -> None:
    """`Module.to("cuda")` moves a buffer and leaves a tensor in a plain attribute on the CPU; multiplying by it is then a device error.

    `Module.to("cuda")` 会移动缓冲区，普通属性里的张量则留在 CPU 上，拿它去乘就是设备错误。
    """
    outcome = shown("gpu.gpu-stray-constant")
    assert outcome.output.splitlines() == ["buffer: cuda:0", "attribute: cpu", "output: cuda:0"]
    assert outcome.error is not None
    assert "same device" in outcome.error


@pytest.mark.gpu(1)
def test_a_gpu_file_opens_on_the_cpu() -> None:
    """A file written on a GPU is read back onto the GPU by default, and into main memory with `map_location="cpu"`.

    在 GPU 上写的文件，默认读回 GPU；写上 `map_location="cpu"` 就读进主存。
    """
    assert lines("gpu.gpu-checkpoint") == ["as written: cuda:0", "map_location='cpu': cpu"]
    saved = nn.Linear(2, 2).cuda().state_dict()
    assert roundtrip(saved)["weight"].is_cuda
    assert roundtrip(saved, map_location="cpu")["weight"].device == CPU


@pytest.mark.gpu(1)
def test_a_gpu_call_returns_before_it_is_done() -> None:
    """A call that computes on a GPU returns before the work is done: launching twenty large products takes less than half of the time until they are finished.

    在 GPU 上计算的调用，没有算完就返回：提交 20 次大矩阵乘法所用的时间，不到全部算完的一半。
    """
    state = after("gpu.launch-returns-early")
    assert 0 < state.launched < state.finished / 2


@pytest.mark.gpu(1)
def test_synchronize_waits_for_the_queue() -> None:
    """`torch.cuda.synchronize()` returns when all the work in the queue of the GPU is done, and not before.

    `torch.cuda.synchronize()` 要等到 GPU 队列里的计算全部做完才返回。
    """
    done = _launched(after("gpu.launch-returns-early"))
    assert not done.query()
    torch.cuda.synchronize()
    assert done.query()


@pytest.mark.gpu(1)
def test_reading_a_value_waits_for_it() -> None:
    """`.item()`, `.cpu()` and printing a tensor wait until the GPU has computed it.

    `.item()`、`.cpu()` 和打印张量，都会等到 GPU 算出结果。
    """
    state = after("gpu.launch-returns-early")
    for read in (torch.Tensor.item, torch.Tensor.cpu, repr):
        done = _launched(state)
        assert not done.query()
        read(state.product[0, 0])
        assert done.query()


def _launched(state: types.ModuleType) -> Any:
    """Launch twenty large products; the event tells whether they are done."""
    done = cuda.Event()
    for _ in range(20):
        torch.matmul(state.big, state.big, out=state.product)
    done.record()
    return done


@pytest.mark.gpu(1)
def test_item_takes_as_long_as_synchronising() -> None:
    """Measured, item() costs what synchronize() costs, and both cost more than the launch."""
    state = after("gpu.item-waits")
    launch = state.seconds(state.launch, synchronised=False)
    waited = state.seconds(state.launch_and_read, synchronised=False)
    assert launch < waited / 2
    assert waited > state.seconds(state.launch) / 2


def _best(state: types.ModuleType, X: torch.Tensor, synchronised: bool = True) -> Any:
    """The seconds that X @ X takes at its quickest: other processes make it slower, and never quicker."""
    return min(
        state.seconds(torch.matmul, X, X, synchronised=synchronised, rounds=2) for _ in range(10)
    )


@pytest.mark.gpu(1)
def test_a_launch_tells_little_of_the_work() -> None:
    """Without `synchronize()` you measure the launch: for large matrices it takes less than a tenth of the time of the work, and from small to large it grows by less than a tenth as much.

    不调用 `synchronize()`，量到的是下发：矩阵大时不到计算时间的十分之一，从小到大，涨的倍数也不到计算的十分之一。
    """
    state = after("gpu.stopwatch")
    small, large = (torch.randn(n, n, device="cuda") for n in (64, 8192))
    launch, work = _best(state, large, synchronised=False), _best(state, large)
    assert launch < work / 10
    assert launch / _best(state, small, synchronised=False) < work / _best(state, small) / 10


@pytest.mark.gpu(1)
def test_a_gpu_gains_more_on_large_matrices() -> None:
    """The gain of a GPU over one core of the CPU is larger for matrices of 2048 × 2048 than of 64 × 64; for the latter the launch is a good part of the cost.

    和 CPU 的一个核比，GPU 在 2048 × 2048 的矩阵上比在 64 × 64 的矩阵上快得更多；后者的开销里，下发占不小的一部分。
    """
    state = after("gpu.stopwatch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        small, large = torch.randn(64, 64), torch.randn(2048, 2048)
        gains = [_best(state, X) / _best(state, X.cuda()) for X in (small, large)]
    finally:
        torch.set_num_threads(threads)
    assert gains[0] < gains[1]
    assert _best(state, small.cuda(), synchronised=False) > _best(state, small.cuda()) / 10


@pytest.mark.gpu(1)
def test_the_curves_are_drawn() -> None:
    """The measured times become one figure."""
    assert len(shown("gpu.matmul-curves").figures) == 1


@pytest.mark.gpu(1)
def test_many_small_copies_cost_more_than_one() -> None:
    """Copying 4096 rows to a GPU one by one takes longer than copying them at once, since each copy has a fixed cost.

    把 4096 行逐行复制到 GPU，比一次复制慢，因为每次复制都有固定开销。
    """
    state = after("gpu.transfer")
    once = state.seconds(state.images.to, "cuda", rounds=3)
    assert state.seconds(state.row_by_row, rounds=3) > once
    assert lines("gpu.transfer")[0].endswith(" ms")


# With two GPUs


@pytest.mark.gpu(2)
def test_plain_cuda_follows_the_current_device() -> None:
    """Inside `torch.cuda.device(1)`, a tensor asked for on `cuda` is on `cuda:1`; outside, it is on `cuda:0` again.

    在 `torch.cuda.device(1)` 里面，`cuda` 上创建的张量位于 `cuda:1`；出来之后又是 `cuda:0`。
    """
    assert lines("gpu.current-device-moves") == ["inside: cuda:1", "outside: cuda:0"]
    with torch.cuda.device(1):
        assert torch.ones(1, device="cuda").device.index == 1
    assert torch.ones(1, device="cuda").device.index == 0


@pytest.mark.gpu(2)
def test_cuda_1_copies_to_the_second_gpu() -> None:
    """`X.cuda(1)` is a copy with the same values on `cuda:1`, and `X` stays on `cuda:0`.

    `X.cuda(1)` 是 `cuda:1` 上的副本，数值相同，`X` 还在 `cuda:0`。
    """
    state = after("gpu.second-gpu")
    assert (str(state.X.device), str(state.copied.device)) == ("cuda:0", "cuda:1")
    assert torch.equal(state.X.cpu(), state.copied.cpu())
    assert lines("gpu.second-gpu")[0] == "X: cuda:0 | copy: cuda:1"
    assert state.copied.cuda(1) is state.copied


def test_a_sum_is_where_its_operands_are() -> None:
    """The sum of two tensors on one device is on that device, whichever it is. Tried on fake tensors, which have a device but no data.

    两个张量在同一个设备上，和也在那个设备上，不论是哪个设备。这是用假张量（fake tensor）试的，它们有设备，没有数据。
    """
    if CUDA > 1:
        assert lines("gpu.second-gpu")[1] == "Y + copy: cuda:1"
    names = ("cpu", "cuda:0", "cuda:1", "cuda:7", "xpu:0", "mps:0")
    with FakeTensorMode():
        for name in over(names, "devices | 个设备"):
            X, Y = torch.ones(2, 3, device=name), torch.ones(2, 3, device=name)
            assert str((X + Y).device) == name


def test_two_gpus_do_not_mix() -> None:
    """Tensors on `cuda:0` and `cuda:1` cannot be added: `Expected all tensors to be on the same device`. Tried on fake tensors, which have a device but no data.

    `cuda:0` 和 `cuda:1` 上的张量不能相加，报错 `Expected all tensors to be on the same device`。这是用假张量（fake tensor）试的，它们有设备，没有数据。
    """
    if CUDA > 1:
        state = after("gpu.second-gpu")
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            state.X + state.copied
    with FakeTensorMode():
        for i, j in over(itertools.permutations(range(4), 2), "pairs of GPUs | 对 GPU"):
            a, b = torch.ones(2, 3, device=f"cuda:{i}"), torch.ones(2, 3, device=f"cuda:{j}")
            with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
                a + b
