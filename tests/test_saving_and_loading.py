"""Proves what the page on reading and writing files says."""

import argparse
import ast
import collections
import contextlib
import copy
import dataclasses
import datetime
import decimal
import faulthandler
import importlib.util
import io
import itertools
import json
import math
import os
import pickle
import pydoc
import random
import re
import runpy
import signal
import sys
import tempfile
import threading
import types
import warnings
import zipfile
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlparse

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from proven.testing import after, over, shown
from tests.families import (
    Layer,
    all_dtypes,
    containers,
    cut_files,
    float_dtypes,
    layers,
    lazy_layers,
    optimizers,
    seeds,
)
from tests.solutions import silent


def saved(value: Any) -> io.BytesIO:
    """Save a value to a file in memory."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return file


def roundtrip(value: Any, **options: Any) -> Any:
    """Save a value to memory and load it again."""
    return torch.load(saved(value), **options)


def entry(file: io.BytesIO, name: str) -> bytes:
    """Return what is in an entry of the archive, such as `data/0`."""
    with zipfile.ZipFile(file) as archive:
        (found,) = (path for path in archive.namelist() if path.partition("/")[2] == name)
        return archive.read(found)


def storages(file: io.BytesIO) -> list[int]:
    """Return how many bytes each storage takes in the file."""
    with zipfile.ZipFile(file) as archive:
        inside = {i.filename.partition("/")[2]: i.file_size for i in archive.infolist()}
    file.seek(0)
    return [size for name, size in inside.items() if name.startswith("data/")]


def bits(tensor: torch.Tensor) -> torch.Tensor:
    """The bits of float32 numbers: `torch.equal` alone takes 0.0 and -0.0 for the same."""
    return tensor.detach().view(torch.int32)


def printed_while(action: Any) -> str:
    """Return what an action prints."""
    with redirect_stdout(io.StringIO()) as output:
        action()
    return output.getvalue()


@contextmanager
def chdir_anew() -> Iterator[str]:
    """Work in a new folder, and give its path."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        yield folder


@contextmanager
def program(**names: Any) -> Iterator[None]:
    """As where the running script defines these names."""
    module = types.ModuleType("__main__")
    vars(module).update(names)
    with mock.patch.dict(sys.modules, {"__main__": module}):
        yield


MODELS = "models_of_a_script"  # a name that no installed module has


def train(net: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 1) -> None:
    """Train a network of four inputs for some steps, on the same data each time."""
    for _ in range(steps):
        optimizer.zero_grad()
        (net(torch.linspace(-1, 2, 8).reshape(2, 4)) - 1).square().mean().backward()
        optimizer.step()


def tensors_in(output: Any) -> list[torch.Tensor]:
    """The tensors with gradients among what a layer returns: one, or some in tuples."""
    if isinstance(output, torch.Tensor):
        return [output]
    return [tensor for part in output or () for tensor in tensors_in(part)]


def same_entries(one: Any, other: Any) -> bool:
    """Whether two state dicts have the same names and the same numbers."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def mapped_from(address: int) -> str:
    """On Linux, the file that is mapped to an address of this process."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        start, end = (int(number, 16) for number in line.split()[0].split("-"))
        if start <= address < end:
            return line.split()[-1]
    return ""


def without_safetensors() -> Any:
    """As where the package is not installed."""
    return mock.patch.dict(sys.modules, {"safetensors": None, "safetensors.torch": None})


class Calls:
    """What a file is written from that calls a function when it is loaded."""

    def __init__(self, function: Any, *given: Any) -> None:
        self.call = function, given

    def __reduce__(self) -> Any:
        return self.call


class Breaks:
    """What cannot be saved."""

    def __reduce__(self) -> Any:
        raise RuntimeError("broken off")


def trainable() -> list[Layer]:
    """Layer classes of `torch.nn` that have parameters, but for the large transformers."""
    return [layer for layer in layers() if layer.cls.__name__ in WITH_PARAMETERS.split()]


WITH_PARAMETERS = (
    "Linear Bilinear Embedding EmbeddingBag PReLU Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d "
    "ConvTranspose3d BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm GroupNorm LayerNorm RMSNorm "
    "RNN LSTM GRU RNNCell LSTMCell GRUCell MultiheadAttention"
)
LAYERS = "layer classes of torch.nn | 种 torch.nn 的层"
TRAINABLE = "layer classes of torch.nn with parameters | 种带参数的 torch.nn 层"
DTYPES = "dtypes | 种 dtype"
OPTIMISERS = "optimisers of torch.optim | 种 torch.optim 的优化器"
FUNCTIONS = "functions | 个函数"
SLICES: tuple[Any, ...] = (
    0,
    -1,
    np.s_[:3],
    np.s_[97:],
    np.s_[::10],
    np.s_[:, 0],
    np.s_[:, ::2],
    np.s_[5:7, 3:9],
)
PLAIN: dict[str, Any] = {
    "tensor": torch.arange(4.0),
    "int": 5,
    "float": 0.5,
    "complex": 2j,
    "bool": True,
    "None": None,
    "str": "five",
    "list": [1, [torch.ones(2)]],
    "tuple": (1, ("a",)),
    "dict": {"x": torch.ones(2), 3: {}},
    "set": {2},
    "OrderedDict": OrderedDict(a=1),
    "dtype": torch.float32,
    "device": torch.device("cpu"),
    "Size": torch.Size((2, 3)),
}
CALLS: list[tuple[Any, ...]] = [
    (len, "abc"),
    (max, 1, 2),
    (sum, (1, 2)),
    (chr, 65),
    (os.getcwd,),
    (os.path.join, "a", "b"),
    (math.sqrt, 4),
    (re.escape, "."),
]
DEVICES = ("cuda:98", "cuda:99", "mps", "xpu:3", "hpu", "npu:0")


def numbers_in(text: str) -> list[float]:
    """Return the numbers behind the colons of some lines."""
    return [float(found) for found in re.findall(r": ([\d.]+)$", text, re.M)]


def test_classes_with_parameters_have_some() -> None:
    """Each class of that family has parameters, and none but the transformers is left out."""
    having = [layer for layer in layers() if any(True for _ in layer.make().parameters())]
    names = {layer.cls.__name__ for layer in having}
    assert names - {*WITH_PARAMETERS.split()} == {n for n in names if n.startswith("Transformer")}
    assert names >= {*WITH_PARAMETERS.split()}


# The problem at the top


def test_kept_weights_were_the_last_ones() -> None:
    """`best = net.state_dict()` in a training loop ends up holding the weights of the last step.

    在训练循环里写 `best = net.state_dict()`，到最后它装的是最后一步的权重。
    """
    lowest, saved_loss = numbers_in(shown("saving_and_loading.kept-best").output)
    assert saved_loss > 1.2 * lowest
    state = after("saving_and_loading.kept-best")
    torch.manual_seed(0)
    last = state.MLP()
    optimizer = torch.optim.Adam(last.parameters(), lr=0.01)
    for _ in range(100):
        state.train_step(last, optimizer)
    assert all(torch.equal(state.best[name], now) for name, now in last.state_dict().items())


def test_opening_keeps_its_best_before_the_end() -> None:
    """The lowest loss comes well before the last step, so that what is lost matters."""
    state = after("saving_and_loading.setup")
    torch.manual_seed(0)
    net = state.MLP()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(100):
        state.train_step(net, optimizer)
        losses.append(state.unseen_loss(net))
    assert losses.index(min(losses)) < 90
    assert losses[-1] > 1.2 * min(losses)


# 5.5.1 Tensors


def test_loading_keeps_values_and_dtype() -> None:
    """A tensor comes back from a file with the same values and the same dtype.

    张量从文件读回来，数值和数据类型都不变。
    """
    assert shown("saving_and_loading.tensor").output == (
        "tensor([0, 1, 2, 3]) torch.int64\nequal: True\nsaved from: tensor([0, 1, 2, 3])\n"
    )
    for dtype in over(all_dtypes(), DTYPES):
        x = torch.arange(4).to(dtype)
        loaded = roundtrip(x)
        assert torch.equal(loaded.view(torch.uint8), x.view(torch.uint8))
        assert loaded.dtype == dtype


def test_loaded_tensor_is_a_new_one() -> None:
    """Loading makes a new tensor: writing to it does not touch the one that was saved.

    读回来的是新张量：改它，不影响当初保存的那个。
    """
    state = after("saving_and_loading.tensor")
    assert state.x2.tolist() == [100, 1, 2, 3]
    assert state.x.tolist() == [0, 1, 2, 3]
    assert state.x2.data_ptr() != state.x.data_ptr()


def test_what_is_saved_is_read_back() -> None:
    """`torch.save` writes an object, and `torch.load` reads an equal one back: tensors, numbers, strings, lists, dicts.

    `torch.save` 写进去的对象，`torch.load` 读回来与它相等：张量、数字、字符串、列表、字典都行。
    """
    x = torch.arange(4.0)
    values = [x, 5, 0.5, "five", [x, 5], {"x": x, "n": 5}, [[x], {"deep": {"er": [x, "s"]}}]]
    for value in over(values, "objects | 个对象"):
        loaded = roundtrip(value)
        assert type(loaded) is type(value)
        assert repr(loaded) == repr(value)


def test_list_of_tensors_comes_back_in_order() -> None:
    """A list of tensors comes back as a list, in its order and each with its own dtype.

    存进去的是张量列表，读回来仍是列表，次序和各自的数据类型都不变。
    """
    assert shown("saving_and_loading.list").output == (
        "tensor([0, 1, 2, 3]) torch.int64\ntensor([0., 0., 0., 0.]) torch.float32\n"
    )
    dtypes = all_dtypes()
    for seed in over(seeds(8), "shuffled lists | 个打乱次序的列表"):
        order = torch.randperm(len(dtypes), generator=torch.Generator().manual_seed(seed)).tolist()
        loaded = roundtrip([torch.full((1,), i).to(dtypes[i]) for i in order])
        assert type(loaded) is list
        assert [value.dtype for value in loaded] == [dtypes[i] for i in order]


def test_dict_of_tensors_keeps_its_keys() -> None:
    """A dict of tensors comes back with its keys, in their order.

    存进去的是张量字典，读回来键和次序都不变。
    """
    state = after("saving_and_loading.dict")
    assert list(state.mydict) == ["x", "y"]
    assert torch.equal(state.mydict["x"], state.x)
    for keys in over(itertools.permutations(("x", "y", 3, "")), "orders of the keys | 种键的次序"):
        assert list(roundtrip({key: state.x for key in keys})) == list(keys)


def test_a_renamed_file_has_its_new_path_only() -> None:
    """The string given to `torch.save` is a path: a renamed file is found under its new path only, though
    the folder inside the archive keeps the old name.

    传给 `torch.save` 的字符串是路径：文件改了名，只能用新路径来读，不过压缩包里的目录仍叫原来的名字。
    """
    lines = shown("saving_and_loading.dict").output.splitlines()
    assert lines[:2] == ["keys: ['x', 'y']", "keys: ['x', 'y']"]
    missing = shown("saving_and_loading.dict").errors[0].text
    assert missing == "FileNotFoundError: [Errno 2] No such file or directory: 'mydict.pt'"
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        os.mkdir("runs")
        new_paths = ("other.pt", "x.pth", "x", "runs/x.pt", "模型.pt")
        for new in over(new_paths, "new paths | 个新路径"):
            torch.save({"x": 1}, "x.pt")
            os.rename("x.pt", new)
            assert torch.load(new) == {"x": 1}
            with zipfile.ZipFile(new) as archive:
                assert all(name.startswith("x/") for name in archive.namelist())
            with pytest.raises(FileNotFoundError):
                torch.load("x.pt")


def test_suffix_of_a_file_means_nothing() -> None:
    """The suffix is only a habit: `.pt`, `.pth`, another one or none make no difference to loading, except
    `.safetensors`.

    后缀只是习惯：`.pt`、`.pth`、换成别的，或者不写，读取都一样，只有 `.safetensors` 除外。
    """
    with tempfile.TemporaryDirectory() as folder:
        names = ("x.pt", "x.pth", "x.ckpt", "x.bin", "x.zip", "x.txt", "mlp.params", "x-file")
        for name in over(names, "names of files | 个文件名"):
            torch.save(torch.arange(4), Path(folder, name))
            assert zipfile.is_zipfile(Path(folder, name))
            assert torch.load(Path(folder, name)).tolist() == [0, 1, 2, 3]
        torch.save(torch.arange(4), Path(folder, "x.safetensors"))
        with (
            without_safetensors(),
            pytest.raises(RuntimeError, match="safetensors is not installed"),
        ):
            torch.load(Path(folder, "x.safetensors"))


def test_relative_path_lands_in_the_working_directory() -> None:
    """With a relative path `torch.save` writes to the current working directory, and `torch.load` reads
    from there, wherever the script is.

    路径若是相对路径，`torch.save` 就写到当前工作目录，`torch.load` 也从那里读，与脚本在哪里无关。
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as scripts:
        script = Path(scripts, "script.py")
        script.write_text("import torch\ntorch.save(1, 'x.pt')\nfound = torch.load('x.pt')\n")
        with chdir(folder):
            assert runpy.run_path(str(script))["found"] == 1
        assert os.listdir(folder) == ["x.pt"]
        assert os.listdir(scripts) == ["script.py"]


def test_save_overwrites_without_asking() -> None:
    """`torch.save` replaces a file that is there already, without an error or a warning.

    路径上已经有文件时，`torch.save` 直接覆盖，不报错，也不警告。
    """
    lines = shown("saving_and_loading.dict").output.splitlines()
    assert lines[2] == "x.pt now holds: tensor([0., 0., 0., 0.])"
    before = [saved(torch.arange(4)).getvalue(), saved(nn.Linear(2, 2)).getvalue(), b"a text", b""]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        path = Path(folder, "x.pt")
        for old in over(before, "files that were there before | 种原有的文件"):
            path.write_bytes(old)
            torch.save(1, path)
            assert torch.load(path) == 1
    assert not warned


def test_save_makes_no_folder() -> None:
    """`torch.save` does not make the folder it should write to: `Parent directory ... does not exist`.

    `torch.save` 不会新建目录，目录不存在就报错：`Parent directory ... does not exist`。
    """
    error = shown("saving_and_loading.dict").errors[1].text
    assert error == "RuntimeError: Parent directory runs does not exist."
    with tempfile.TemporaryDirectory() as folder:
        with pytest.raises(RuntimeError, match=r"Parent directory .*runs.* does not exist"):
            torch.save(torch.arange(4), Path(folder, "runs", "x.pt"))
        assert os.listdir(folder) == []


def test_section_leaves_nothing_in_the_working_directory() -> None:
    """The snippets write to a temporary directory; nothing stays behind."""
    before = sorted(os.listdir())
    after("saving_and_loading.dict")
    assert sorted(os.listdir()) == before


def test_view_saves_its_whole_storage() -> None:
    """Saving a slice saves all the memory of the tensor that it was cut from.

    保存切片，写进文件的是原张量的整个存储区。
    """
    output = shown("saving_and_loading.view-trap").output
    assert int(re.findall(r"view: +([\d,]+) kB", output)[0].replace(",", "")) >= 4000
    for part in over(SLICES, "slices | 种切片"):
        assert storages(saved(torch.zeros(100, 100)[part])) == [40_000]


def test_loaded_view_keeps_its_whole_storage() -> None:
    """A slice that was loaded from a file still holds all the memory of the tensor it was cut from.

    切片读回来以后，仍然占着原张量的整个存储区。
    """
    output = shown("saving_and_loading.view-trap").output
    assert output.startswith("{'rows': tensor([0., 0., 0.]), 'step': 5}\n")
    assert output.endswith("bytes in memory: 4000000\n")
    table = torch.arange(10_000.0).reshape(100, 100)
    for part in over(SLICES, "slices | 种切片"):
        loaded = roundtrip(table[part])
        assert torch.equal(loaded, table[part])
        assert loaded.untyped_storage().nbytes() == 40_000


def test_clone_saves_only_what_it_shows() -> None:
    """`clone()` copies only what a slice shows, and only that is then saved.

    `clone()` 只复制切片用到的那些数，存下的也就只有这些。
    """
    output = shown("saving_and_loading.view-trap").output
    assert int(re.findall(r"clone: +([\d,]+) kB", output)[0]) < 10
    for part in over(SLICES, "slices | 种切片"):
        view = torch.zeros(100, 100)[part]
        assert storages(saved(view.clone())) == [4 * view.numel()]


def test_shared_memory_survives_in_one_file() -> None:
    """Tensors of one dtype that share memory in one storage when they are saved in one file share it again when
    loaded. If their dtypes differ, they cannot be saved together. Two storages that lie over one array of NumPy
    come back apart, and so do tensors on `meta`, which have no memory.

    数据类型相同的张量，存进同一个文件时共用一个存储区的内存，读回来仍然共用；数据类型不同，就不能存在一起。
    同一个 NumPy 数组上的两个存储区，读回来就分开了；`meta` 上的张量没有内存，读回来也是分开的。
    """
    state = after("saving_and_loading.shared-refs")
    assert state.loaded["row"].data_ptr() == state.loaded["table"].data_ptr()
    state.loaded["row"][0] = 5
    assert state.loaded["table"][0].tolist() == [5, 7, 7]
    for part in over(SLICES, "slices | 种切片"):
        table = torch.zeros(100, 100)
        loaded = roundtrip([table, table[part]])
        loaded[0] += 7
        assert loaded[1].eq(7).all()
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        saved([table, table.view(torch.int32)])
    array = np.zeros(3)
    two = [torch.from_numpy(array), torch.from_numpy(array)]
    assert two[0].data_ptr() == two[1].data_ptr()
    first, second = roundtrip(two)
    first += 7
    assert not second.any()
    empty = torch.ones(2, 3, device="meta")
    of_one, of_two = (
        {t.untyped_storage()._cdata for t in (a, b)}
        for a, b in ((empty, empty[0]), roundtrip([empty, empty[0]]))
    )
    assert (len(of_one), len(of_two)) == (1, 2)


def test_one_tensor_under_two_keys_stays_one() -> None:
    """One tensor saved under two keys of a dict comes back as one object, not as two equal ones.

    同一个张量在字典里占两个键，读回来仍是同一个对象，不是两个相等的张量。
    """
    state = after("saving_and_loading.shared-refs")
    assert state.loaded["table"] is state.loaded["same"]
    assert "same object: True" in shown("saving_and_loading.shared-refs").output


def test_two_files_share_nothing() -> None:
    """Tensors that shared memory but were saved in two files share nothing when loaded.

    原本共用内存的张量分存两个文件，读回来就互不相干。
    """
    assert shown("saving_and_loading.shared-refs").output.endswith(
        "row, one file: [7.0, 7.0, 7.0]\nrow, two files: [0.0, 0.0, 0.0]\n"
    )
    table = torch.zeros(100, 100)
    for part in over(SLICES, "slices | 种切片"):
        loaded, row = roundtrip(table), roundtrip(table[part])
        loaded += 7
        assert not row.any()


def test_tied_parameters_are_stored_once() -> None:
    """Tied parameters are written to a file once, and share memory again when they are loaded.

    绑定的参数在文件里只存一份，读回来仍然共用内存。
    """
    for layer in over(trainable(), TRAINABLE):
        tie = layer.make()
        state, once = nn.Sequential(tie, tie).state_dict(), tie.state_dict()
        assert len(state) == 2 * len(once)
        file = saved(state)
        assert storages(file) == storages(saved(once))
        loaded = torch.load(file)
        assert all(
            loaded[f"0.{name}"].data_ptr() == loaded[f"1.{name}"].data_ptr() for name in once
        )


# 5.5.2 Model parameters


def test_file_of_a_state_dict_holds_no_code() -> None:
    """The file of a state dict holds plain tensors by name, and neither the class nor its code.

    状态字典存成的文件里，是一个个带名字的普通张量；没有类，也没有代码。
    """
    assert shown("saving_and_loading.round-trip").output.splitlines()[:4] == [
        "hidden.weight (256, 20)",
        "hidden.bias (256,)",
        "out.weight (10, 256)",
        "out.bias (10,)",
    ]
    file = saved(after("saving_and_loading.round-trip").net.state_dict())
    assert b"MLP" not in file.getvalue()
    for layer in over(trainable(), TRAINABLE):
        state = layer.make().state_dict()
        names = entry(saved(state), "data.pkl")
        assert layer.cls.__name__.encode() not in names
        assert b"forward" not in names
        assert all(type(value) is torch.Tensor for value in roundtrip(state).values())


def test_loaded_model_computes_the_same() -> None:
    """A new model computes something else; once it has loaded the state dict, it computes exactly the same.

    新创建的模型，输出与原来的不同；加载了状态字典以后，逐位一致。
    """
    assert shown("saving_and_loading.round-trip").output.endswith(
        "before loading: False\n<All keys matched successfully>\nafter loading: True\n"
    )
    state = after("saving_and_loading.round-trip")
    for seed in over(seeds(8), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        fresh = state.MLP()
        assert not torch.equal(fresh(state.X), state.net(state.X))
        fresh.load_state_dict(roundtrip(state.net.state_dict()))
        assert torch.equal(bits(fresh(state.X)), bits(state.net(state.X)))


def test_load_state_dict_writes_into_existing_parameters() -> None:
    """`load_state_dict` writes into the existing parameters: an optimiser goes on holding these objects.

    `load_state_dict` 把数值写进现有的参数：对象还是原来那些，优化器手里的也还是它们。
    """
    for layer in over(trainable(), TRAINABLE):
        fresh, other = layer.make(), layer.make()
        optimizer = torch.optim.SGD(fresh.parameters(), lr=0.1)
        for parameter in other.parameters():
            nn.init.uniform_(parameter)
        fresh.load_state_dict(other.state_dict())
        held = optimizer.param_groups[0]["params"]
        for now, kept, source in zip(fresh.parameters(), held, other.parameters(), strict=True):
            assert now is kept
            assert torch.equal(kept, source)
            assert kept.data_ptr() != source.data_ptr()


def test_load_state_dict_wants_no_path() -> None:
    """`load_state_dict` refuses a path: `Expected state_dict to be dict-like, got <class 'str'>`.

    `load_state_dict` 不接受路径：`Expected state_dict to be dict-like, got <class 'str'>`。
    """
    error = shown("saving_and_loading.wrong-things").errors[0].text
    assert error == "TypeError: Expected state_dict to be dict-like, got <class 'str'>."
    with pytest.raises(TypeError, match=r"^Expected state_dict to be dict-like, got <class 'str'>"):
        nn.Linear(2, 2).load_state_dict("mlp.pt")  # type: ignore[arg-type]


def test_the_report_is_no_model() -> None:
    """`load_state_dict` fills a model in place and returns a report, which has no `eval` and cannot be called:
    `'_IncompatibleKeys' object has no attribute 'eval'`, `'_IncompatibleKeys' object is not callable`.

    `load_state_dict` 原地填好模型，返回的是一份报告，没有 `eval`，也不能调用：
    `'_IncompatibleKeys' object has no attribute 'eval'`、`'_IncompatibleKeys' object is not callable`。
    """
    first, second, *_ = shown("saving_and_loading.wrong-hands").errors
    assert first.text == "AttributeError: '_IncompatibleKeys' object has no attribute 'eval'"
    assert second.text == "TypeError: '_IncompatibleKeys' object is not callable"
    for layer in over(trainable(), TRAINABLE):
        net, source = layer.make(), layer.make()
        parameters = list(net.parameters())
        told = net.load_state_dict(source.state_dict())
        assert not isinstance(told, nn.Module)
        pairs = zip(net.parameters(), source.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs)
        assert all(p is q for p, q in zip(net.parameters(), parameters, strict=True))


def test_a_wrapper_has_the_layers_one_level_down() -> None:
    """`nn.DataParallel` keeps the model in its attribute `module`, and has none of the attributes of its layers:
    `'DataParallel' object has no attribute 'out'`.

    `nn.DataParallel` 把模型放在属性 `module` 里，自己没有以各层命名的属性：`'DataParallel' object has no attribute 'out'`。
    """
    third = shown("saving_and_loading.wrong-hands").errors[2]
    assert third.text == "AttributeError: 'DataParallel' object has no attribute 'out'"
    for layer in over(trainable(), TRAINABLE):
        net = nn.ModuleDict({"out": layer.make()})
        wrapper = nn.DataParallel(net)
        assert wrapper.module is net
        with pytest.raises(AttributeError, match="'DataParallel' object has no attribute 'out'"):
            _ = wrapper.out
        assert wrapper.module.out is net["out"]


def test_a_kept_output_prevents_a_deep_copy() -> None:
    """`copy.deepcopy` refuses a module that keeps a tensor with a graph in an attribute: `Only Tensors created
    explicitly by the user (graph leaves) support the deepcopy protocol`. It takes one that keeps `detach()` of it.

    模块的属性里若留着连着计算图的张量，`copy.deepcopy` 会拒绝：`Only Tensors created explicitly by the user
    (graph leaves) support the deepcopy protocol`；留的若是它的 `detach()`，就可以。
    """
    fourth = shown("saving_and_loading.wrong-hands").errors[3]
    told = (
        "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol"
    )
    assert fourth.text.startswith(f"RuntimeError: {told}")
    for layer in over(trainable(), TRAINABLE):
        net = layer.make()
        output = sum(p.sum() for p in net.parameters())
        assert isinstance(output, torch.Tensor)
        net.seen = output
        with pytest.raises(RuntimeError, match="support the deepcopy protocol"):
            copy.deepcopy(net)
        net.seen = output.detach()
        assert torch.equal(copy.deepcopy(net).seen, output)


def test_torch_equal_gives_one_answer() -> None:
    """`torch.equal` answers with one bool, where `==` gives one for each number.

    `torch.equal` 只给一个布尔值，`==` 则逐个比较，每个数各给一个。
    """
    state = after("saving_and_loading.round-trip")
    assert (state.clone(state.X) == state.net(state.X)).numel() == 20
    for shape in over([(2, 10), (1,), (), (3, 4, 5), (0, 2)], "shapes | 种形状"):
        x = torch.rand(shape)
        compared = x == x.clone()
        assert compared.shape == shape
        assert compared.all()
        assert torch.equal(x, x.clone()) is True
        assert torch.equal(x, x + 1) is not bool(x.numel())


def test_saved_file_is_a_zip_archive() -> None:
    """What `torch.save` writes is a zip archive, which Python's `zipfile` opens and finds whole.

    `torch.save` 写出的是普通的 zip 压缩包，Python 的 `zipfile` 能打开，检查也无损坏。
    """
    for value in over(PLAIN.values(), "saved objects | 种存下的对象"):
        file = saved(value)
        assert zipfile.is_zipfile(file)
        with zipfile.ZipFile(file) as archive:
            assert archive.testzip() is None
            assert not any(entry.compress_type for entry in archive.infolist())


def test_file_has_one_entry_per_storage() -> None:
    """A file has one entry of numbers for each storage, however many names lead to it.

    文件里的数值按存储区存放，每个存储区一项，不管有多少个名字用到它。
    """
    assert shown("saving_and_loading.zip-entries").output == (
        "mlp.pt names: 4, blocks: 4\ntied.pt names: 4, blocks: 2\n"
    )
    x = torch.zeros(100)
    for count in over(range(1, 9), "numbers of names | 种名字个数"):
        names = {str(i): x[i:] for i in range(count)}
        assert storages(saved(names)) == [400]
        assert storages(saved({name: x.clone() for name in names})) == [400] * count


def test_entries_hold_the_raw_bytes() -> None:
    """An entry such as `data/0` is exactly the bytes of a tensor as they lie in memory.

    `data/0` 这样的一项，就是张量在内存里的原始字节，一个不多，一个不少。
    """
    net = after("saving_and_loading.zip-entries").net
    numbers = entry(saved(net.state_dict()), "data/0")
    assert len(numbers) == 4 * 256 * 20
    assert numbers == net.hidden.weight.detach().numpy().tobytes()
    for dtype in over(all_dtypes(), DTYPES):
        x = torch.arange(4).to(dtype)
        assert entry(saved(x), "data/0") == bytes(x.view(torch.uint8).tolist())


def test_names_and_shapes_lie_in_data_pkl() -> None:
    """`data.pkl` gives each name its shape and the entry in which its numbers are.

    `data.pkl` 记着每个名字的形状，以及它的数值在哪一项里。
    """
    state = after("saving_and_loading.zip-entries")

    class Reader(pickle.Unpickler):
        def persistent_load(self, storage: Any) -> Any:
            return f"data/{storage[2]}"

        def find_class(self, module: str, name: str) -> Any:
            if name == "_rebuild_tensor_v2":
                return lambda storage, offset, size, *_: (storage, tuple(size))
            return super().find_class(module, name)

    def read(state_dict: Any) -> Any:
        return Reader(io.BytesIO(entry(saved(state_dict), "data.pkl"))).load()

    tied = read(state.tied.state_dict())
    assert tied["0.weight"] == tied["2.weight"] == ("data/0", (256, 256))
    for layer in over(trainable(), TRAINABLE):
        tensors = layer.make().state_dict()
        places = [(f"data/{i}", tuple(value.shape)) for i, value in enumerate(tensors.values())]
        assert list(read(tensors).items()) == list(zip(tensors, places, strict=True))


def test_bookkeeping_does_not_grow_with_the_numbers() -> None:
    """What a file holds besides the numbers grows with the number of its tensors, and hardly with their size.

    文件里除数值以外的部分，随张量的个数增加，与张量的大小几乎无关。
    """

    def rest(net: nn.Module) -> int:
        file = saved(net.state_dict())
        return len(file.getvalue()) - sum(storages(file))

    one = rest(nn.Linear(1, 1))
    for width in over((2, 3, 10, 31, 100, 300, 1000), "widths | 种宽度"):
        assert abs(rest(nn.Linear(width, width)) - one) < 200
    assert rest(nn.Sequential(*[nn.Linear(2, 2)] * 9)) > one + 500


def test_picture_gives_each_entry_its_tensors_and_bytes() -> None:
    """The picture shows both files, with the tensors of each storage and its bytes."""
    (svg,) = shown("saving_and_loading.zip-picture").figures
    for text in ("data.pkl", "data/0 hidden.weight", "data/1 0.bias 2.bias"):
        assert f">{text}<" in svg
    for size in ("20,480", "1,024", "10,240", "262,144"):
        assert f">{size}<" in svg
    state = after("saving_and_loading.zip-picture")
    assert [text for text in state.labels if " " in text] == [
        "data/0 0.weight 2.weight",
        "data/1 0.bias 2.bias",
    ]


def test_state_dict_holds_parameters_and_persistent_buffers() -> None:
    """A state dict holds parameters and persistent buffers; other buffers and plain attributes only if the class adds them.

    状态字典里有参数和持久缓冲区；其他缓冲区和普通属性都没有，除非类自己加进去。
    """
    state = after("saving_and_loading.contents")
    assert list(state.original.state_dict()) == ["weight", "mean"]
    rows = shown("saving_and_loading.contents").output.splitlines()
    table = {row.split()[0]: re.findall("True|False", row) for row in rows[1:]}
    assert table == {
        "weight": ["True", "True"],
        "mean": ["True", "True"],
        "cache": ["False", "False"],
        "constant": ["False", "False"],
        "training": ["False", "False"],
    }
    for layer in over(layers(), LAYERS):
        net = layer.make()
        net.register_buffer("cache", torch.ones(1), persistent=False)
        net.constant = torch.ones(1)
        registered = {*dict(net.named_parameters()), *dict(net.named_buffers())}
        assert set(net.state_dict()) == registered - {"cache"}
    adding = type("Adding", (nn.Linear,), {"get_extra_state": lambda self: self.out_features})
    assert adding(2, 3).state_dict()["_extra_state"] == 3


def test_running_statistics_are_saved() -> None:
    """The running statistics of a batch norm are persistent buffers: they are saved and loaded.

    批量规范化的累计统计量是持久缓冲区，会随状态字典保存和加载。
    """
    norms = [layer for layer in layers() if layer.cls.__name__.startswith("BatchNorm")]
    for layer in over(norms, "batch norms | 种批量规范化"):
        norm, restored = layer.make(), layer.make()
        layer.call(norm)
        kept = {"running_mean", "running_var", "num_batches_tracked"}
        assert {name for name, _ in norm.named_buffers()} == kept
        assert not torch.equal(restored.running_mean, norm.running_mean)
        restored.load_state_dict(roundtrip(norm.state_dict()))
        for name in kept:
            assert torch.equal(getattr(restored, name), getattr(norm, name))


def test_keys_of_a_part_that_is_none_are_passed_over() -> None:
    """If a sub-module was replaced by `None`, `load_state_dict` passes over its keys, and says
    `<All keys matched successfully>`. The keys of a sub-module that was deleted are unexpected, and so are those for
    an attribute that is `None` and never was a module, and for a parameter that is `None`, such as a missing bias.

    子模块若被换成了 `None`，`load_state_dict` 会跳过它的键，照样说 `<All keys matched successfully>`。若是把子模块删掉，它的键就是多出来的；属性是 `None`、从来不曾是模块，或者参数是 `None`（例如不带偏置的层），对应的键也是多出来的。
    """
    for layer in over(trainable(), TRAINABLE):
        nets = [nn.Module() for _ in range(4)]
        assigned, registered, deleted, never = nets
        for net in nets:
            net.body = nn.Linear(2, 2)
            if net is not never:
                net.head = layer.make()
        state = assigned.state_dict()
        assigned.head = None
        registered.register_module("head", None)
        for net in (assigned, registered):
            assert str(net.load_state_dict(state)) == "<All keys matched successfully>"
        del deleted.head
        never.head = None
        for net in (deleted, never):
            with pytest.raises(RuntimeError, match="Unexpected key"):
                net.load_state_dict(state)
    replaced = nn.Linear(2, 2)
    replaced.bias = None
    for linear in (replaced, nn.Linear(2, 2, bias=False)):
        with pytest.raises(RuntimeError, match=r"Unexpected key.*bias"):
            linear.load_state_dict(nn.Linear(2, 2).state_dict())


def test_matched_keys_do_not_mean_equal_modules() -> None:
    """`<All keys matched successfully>` says that no key was found missing or unexpected, even where plain
    attributes differ.

    `<All keys matched successfully>` 只说没有查出缺的键和多的键，普通属性仍可能不同。
    """
    state = after("saving_and_loading.contents")
    report = state.restored.load_state_dict(state.original.state_dict())
    assert str(report) == "<All keys matched successfully>"
    assert not torch.equal(state.restored.constant, state.original.constant)
    assert "constant" not in state.saved
    pairs: list[tuple[nn.Module, nn.Module]] = [
        (nn.Conv1d(4, 4, 3), nn.Conv1d(4, 4, 3, stride=2)),
        (nn.Conv1d(4, 4, 3), nn.Conv1d(4, 4, 3, padding=1)),
        (nn.LeakyReLU(0.01), nn.LeakyReLU(0.5)),
        (nn.ReLU(), nn.Tanh()),
        (nn.LayerNorm(8), nn.LayerNorm(8, eps=1)),
        (nn.BatchNorm1d(4).eval(), nn.BatchNorm1d(4, eps=1).eval()),
    ]
    x = torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(0))
    for one, other in over(pairs, "pairs of modules | 对模块"):
        assert str(other.load_state_dict(one.state_dict())) == "<All keys matched successfully>"
        assert not torch.equal(one(x), other(x))


def test_renamed_attribute_cannot_read_old_files() -> None:
    """The attribute names are the keys: rename a layer, and it is missing in every older file.

    属性名就是键：给一个层改名，以前存的文件里就找不到它了。
    """
    (shown_error,) = shown("saving_and_loading.other-names").errors
    error = shown_error.text
    assert error.startswith("RuntimeError: Error(s) in loading state_dict for RenamedMLP:")
    assert 'Missing key(s) in state_dict: "output.weight", "output.bias"' in error
    assert 'Unexpected key(s) in state_dict: "out.weight", "out.bias"' in error
    for layer in over(trainable(), TRAINABLE):
        old, new = (nn.Sequential(OrderedDict({name: layer.make()})) for name in ("out", "output"))
        for one, other in ((old, new), (new, old)):
            with pytest.raises(RuntimeError) as raised:
                other.load_state_dict(roundtrip(one.state_dict()))
            missing, unexpected = str(raised.value).split("Unexpected key(s)")
            assert all(f'"{name}"' in missing for name, _ in other.named_parameters())
            assert all(f'"{name}"' in unexpected for name in one.state_dict())


def test_not_strict_leaves_unmatched_layers_random() -> None:
    """With `strict=False` the layers whose names match are loaded; the rest stay as they were.

    加上 `strict=False`，名字对得上的层加载进去，其余的层原样不动。
    """
    assert "same output: False" in shown("saving_and_loading.other-names").output
    state = after("saving_and_loading.other-names")
    for seed in over(seeds(8), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        other = state.RenamedMLP()
        fresh = other.output.weight.clone()
        other.load_state_dict(state.clone.state_dict(), strict=False)
        assert torch.equal(other.hidden.weight, state.clone.hidden.weight)
        assert torch.equal(other.output.weight, fresh)


def test_not_strict_reports_what_did_not_match() -> None:
    """With `strict=False` the names that do not match are listed in the return value, without a warning.

    加上 `strict=False`，对不上的名字只列在返回值里，并不警告。
    """
    lines = shown("saving_and_loading.other-names").output.splitlines()
    assert lines[0] == "missing: ['output.weight', 'output.bias']"
    assert lines[1] == "unexpected: ['out.weight', 'out.bias']"
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for layer in over(trainable(), TRAINABLE):
            net = layer.make()
            report = net.load_state_dict({"old": torch.ones(1)}, strict=False)
            assert {name for name, _ in net.named_parameters()} <= set(report.missing_keys)
            assert report.unexpected_keys == ["old"]
    assert not warned


def test_renamed_keys_fit_a_renamed_layer() -> None:
    """Rename the keys of a state dict as the layers were renamed, and it is loaded in full.

    层改了名，把状态字典的键也照样改名，就能完整加载。
    """
    lines = shown("saving_and_loading.other-names").output.splitlines()
    assert lines[3:] == ["<All keys matched successfully>", "same output: True"]


def test_not_strict_does_not_forgive_shapes() -> None:
    """`strict=False` forgives names only: a weight of another shape still raises `size mismatch`, except that
    a single number may come as a vector of one, and that a lazy layer takes the shape of the file.

    `strict=False` 只容忍名字对不上：权重的形状不同，照样报 `size mismatch`；只有一个数时，则可以是长度为 1 的向量；延后初始化的层则照文件里的形状。
    """
    (error,) = shown("saving_and_loading.shapes-stay-strict").errors
    assert error.text.startswith("RuntimeError: Error(s) in loading state_dict for MLP:")
    assert "size mismatch for out.weight" in error.text
    assert "torch.Size([10, 256])" in error.text
    assert "torch.Size([12, 256])" in error.text
    pairs: list[tuple[nn.Module, nn.Module]] = [
        (nn.Linear(4, 3), nn.Linear(4, 5)),
        (nn.Linear(4, 3), nn.Linear(6, 3)),
        (nn.Linear(4, 1), nn.Linear(4, 2)),
        (nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 5)),
        (nn.Conv2d(3, 8, 3), nn.Conv2d(1, 8, 3)),
        (nn.Embedding(10, 4), nn.Embedding(12, 4)),
        (nn.BatchNorm1d(3), nn.BatchNorm1d(4)),
        (nn.LayerNorm(3), nn.LayerNorm(4)),
        (nn.LSTM(4, 3), nn.LSTM(4, 5)),
        (nn.MultiheadAttention(4, 2), nn.MultiheadAttention(8, 2)),
    ]
    for old, new in over(pairs, "pairs of sizes | 对不同的大小"):
        with pytest.raises(RuntimeError, match="size mismatch for "):
            new.load_state_dict(old.state_dict(), strict=False)
    lazy = nn.LazyLinear(5)
    lazy.load_state_dict(nn.Linear(7, 3).state_dict())
    assert lazy(torch.ones(2, 7)).shape == (2, 3)
    # layers of other sizes, whose weights have one shape
    nn.Conv2d(4, 8, 3, groups=2).load_state_dict(nn.Conv2d(2, 8, 3).state_dict())
    net = nn.Module()
    net.scale = nn.Parameter(torch.ones(()))
    net.load_state_dict({"scale": torch.tensor([3.0])})
    assert net.scale == 3
    with pytest.raises(RuntimeError, match="size mismatch for scale"):
        net.load_state_dict({"scale": torch.ones(2)}, strict=False)


def test_failed_load_leaves_the_model_half_written() -> None:
    """When `load_state_dict` raises, the tensors that fit have already been written, and stay that way.

    `load_state_dict` 报错时，对得上的张量已经写进模型，不会撤销。
    """
    assert "hidden loaded: True" in shown("saving_and_loading.shapes-stay-strict").output
    state = after("saving_and_loading.shapes-stay-strict")
    assert torch.equal(state.wide.hidden.weight, state.clone.hidden.weight)
    assert state.wide.out.weight.shape == (12, 256)
    for width in over((1, 3, 8, 12, 100), "widths of the last layer | 种末层宽度"):
        for strict in (True, False):
            old = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2))
            new = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, width))
            before = copy.deepcopy(new.state_dict())
            with pytest.raises(RuntimeError, match=r"size mismatch for 1\.weight"):
                new.load_state_dict(old.state_dict(), strict=strict)
            assert torch.equal(new[0].weight, old[0].weight)
            assert torch.equal(new[0].bias, old[0].bias)
            assert torch.equal(new[1].weight, before["1.weight"])


def test_mode_matters_only_to_some_layers() -> None:
    """Linear layers, convolutions, layer norm and ReLU compute the same in either mode; dropout, batch norm
    and RReLU, with their default arguments, do not.

    线性层、卷积、层规范化和 ReLU 在两种模式下算的一样；dropout、批量规范化和 RReLU 用默认实参时不一样。
    """
    state = after("saving_and_loading.round-trip")
    assert state.net.training
    assert torch.equal(state.net(state.X), state.clone.eval()(state.X))
    same = {"Linear", "LayerNorm", "ReLU"}
    same |= {f"Conv{kind}{n}d" for kind in ("", "Transpose") for n in (1, 2, 3)}
    other = {"RReLU", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"}
    other |= {"FeatureAlphaDropout", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d"}
    named = [layer for layer in layers() if layer.cls.__name__ in same | other]
    assert {layer.cls.__name__ for layer in named} == same | other
    torch.manual_seed(0)
    for layer in over(named, LAYERS):
        net = layer.make()
        equal = torch.equal(layer.call(net.train()), layer.call(net.eval()))
        assert equal == (layer.cls.__name__ in same)
    x = torch.randn(8, 4)
    others = (nn.Dropout(0), nn.BatchNorm1d(4, track_running_stats=False), nn.RReLU(0.2, 0.2))
    for module in others:  # with other arguments than the default ones
        assert torch.equal(module.train()(x), module.eval()(x))


def test_dropout_models_agree_only_in_eval_mode() -> None:
    """Two models with dropout and equal weights agree when both are in evaluation mode; where one is in training mode they do not, unless both draw the same numbers, after the same seed.

    带 dropout 的两个模型，权重相同，都切到评估模式，输出就一致；有一个在训练模式就不一致，除非两边抽到的随机数一样，也就是先设了同一个种子。
    """
    assert shown("saving_and_loading.eval-matters").output == (
        "training: True False\nsame output: False\nboth in eval: True\n"
    )
    state = after("saving_and_loading.eval-matters")
    first, second, x = state.first, state.second, state.X
    assert torch.equal(first[0].weight, second[0].weight)
    for seed in over(seeds(8), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        for modes in itertools.product((True, False), repeat=2):
            outputs = first.train(modes[0])(x), second.train(modes[1])(x)
            assert torch.equal(*outputs) is not any(modes)
        drawn = []
        for net in (first, second):
            torch.manual_seed(seed)
            drawn.append(net.train()(x))
        assert torch.equal(*drawn)


def test_eval_covers_all_modules_and_returns_itself() -> None:
    """`eval()` switches off `training` in a module and in every submodule, and returns the module.

    `eval()` 把模块及其每个子模块的 `training` 关掉，并返回这个模块本身。
    """
    inside: list[Any] = [*layers(), *containers()]
    for member in over(inside, "classes of torch.nn | 种 torch.nn 的类"):
        net = nn.Sequential(nn.Sequential(member.make(), nn.Dropout()))
        assert all(module.training for module in net.modules())
        assert net.eval() is net
        assert not any(module.training for module in net.modules())
    net.aside = [nn.Dropout()]  # type: ignore[assignment]
    assert net.eval().aside[0].training  # a plain list holds no submodules


def test_eval_leaves_autograd_on() -> None:
    """In evaluation mode autograd goes on recording: the output of a layer with parameters requires a gradient. Under
    `torch.no_grad()` and `torch.inference_mode()` it requires none, and dropout in training mode draws there as before.

    评估模式下，autograd 照样记录：带参数的层，输出仍然要求梯度。在 `torch.no_grad()` 和 `torch.inference_mode()` 里，
    输出不要求梯度，可是训练模式下的 dropout 照样抽随机数。
    """
    for layer in over(trainable(), TRAINABLE):
        net = layer.make().eval()
        assert any(value.requires_grad for value in tensors_in(layer.call(net)))
        for switch in (torch.no_grad, torch.inference_mode):
            with switch():
                found = tensors_in(layer.call(net))
            assert found
            assert not any(value.requires_grad for value in found)
    for switch in (torch.no_grad, torch.inference_mode):
        with switch():
            outputs = [nn.Dropout()(torch.ones(100)) for _ in range(2)]
            assert not torch.equal(*outputs)
            assert set(outputs[0].tolist()) == {0, 2}
            assert nn.Dropout().eval()(torch.ones(100)).eq(1).all()


def test_unseen_loss_is_that_of_evaluation_and_leaves_the_mode_as_it_was() -> None:
    """The function at the top computes in evaluation mode and without autograd, and goes back to training."""
    state = after("saving_and_loading.setup")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Dropout(), state.MLP())
    one, other = state.unseen_loss(net), state.unseen_loss(net)
    assert one == other == state.unseen_loss(net[1])
    assert net.training
    assert net[0].training
    with torch.no_grad():
        net.eval()
        assert one == state.F.mse_loss(net(state.unseen), state.unseen_targets).item()


def test_inference_tensors_stay_out_of_autograd() -> None:
    """What was computed under `torch.inference_mode()` cannot be multiplied by a parameter where autograd records:
    `Inference tensors cannot be saved for backward`. What was computed under `torch.no_grad()` can.

    在 `torch.inference_mode()` 里算出的结果，在 autograd 记录的地方不能与参数相乘，会报
    `Inference tensors cannot be saved for backward`；在 `torch.no_grad()` 里算出的可以。
    """
    for layer in over(trainable(), TRAINABLE):
        net = layer.make().eval()
        with torch.inference_mode():
            inferred = tensors_in(layer.call(net))
        with torch.no_grad():
            plain = tensors_in(layer.call(net))
        for one, other in zip(inferred, plain, strict=True):
            factor = nn.Parameter(torch.ones(()))
            with pytest.raises(RuntimeError, match=r"^Inference tensors cannot be saved for"):
                one * factor
            (other * factor).sum().backward()
            assert torch.equal(factor.grad, other.sum())  # type: ignore[arg-type]


def test_mode_is_not_in_the_file() -> None:
    """The mode is not in a state dict: a model that loads one stays in the mode that it was in.

    状态字典里没有模式：模型加载之后，原来是什么模式，还是什么模式。
    """
    state = after("saving_and_loading.contents")
    assert not state.original.training
    assert state.restored.training
    for layer in over(layers(), LAYERS):
        saved_, other = layer.make().eval(), layer.make()
        assert not {name for name in saved_.state_dict() if "training" in name}
        other.load_state_dict(saved_.state_dict())
        assert other.training
    whole = roundtrip(nn.Dropout().eval(), weights_only=False)
    assert not whole.training  # a pickled model has its mode


def test_load_state_dict_keeps_the_dtype_of_the_model() -> None:
    """`load_state_dict` converts the numbers to the dtype of the model, which stays as it was.

    `load_state_dict` 会把数值转换成模型的数据类型，模型的数据类型不变。
    """
    assert shown("saving_and_loading.taken-over").output.splitlines() == [
        "assign: False torch.float32 frozen: False",
        "assign: True torch.float16 frozen: False",
    ]
    pairs = itertools.product(float_dtypes(), repeat=2)
    for theirs, own in over(pairs, "pairs of dtypes | 对 dtype"):
        source, net = nn.Linear(3, 2).to(theirs), nn.Linear(3, 2).to(own)
        net.load_state_dict(roundtrip(source.state_dict()))
        assert net.weight.dtype == own
        assert torch.equal(net.weight, source.weight.to(own))


def test_frozen_is_not_in_a_state_dict() -> None:
    """A state dict does not tell which parameters are frozen: in the model that loads it, they stay frozen or
    not, as they were. Only one that was asked for with `keep_vars=True` tells.

    状态字典不记哪些参数被冻结：加载之后，模型原来冻结的仍冻结，没冻结的仍不冻结。只有调用时写了 `keep_vars=True`，才会记。
    """
    assert shown("saving_and_loading.taken-over").output.count("frozen: False") == 2
    assert not after("saving_and_loading.taken-over").half.weight.requires_grad
    for layer in over(trainable(), TRAINABLE):
        frozen, free = layer.make().requires_grad_(False), layer.make()
        free.load_state_dict(roundtrip(frozen.state_dict()))
        assert all(parameter.requires_grad for parameter in free.parameters())
        frozen.load_state_dict(roundtrip(free.state_dict()))
        assert not any(parameter.requires_grad for parameter in frozen.parameters())
        kept = roundtrip(free.state_dict(keep_vars=True))
        assert all(kept[name].requires_grad for name, _ in free.named_parameters())
        assert not any(value.requires_grad for value in roundtrip(free.state_dict()).values())


def test_assign_puts_the_loaded_tensors_in_place() -> None:
    """With `assign=True`, new parameters replace the old ones, with the dtype and the memory of the tensors in the dict, which training then changes; an optimiser that was built before still holds the old parameters.

    加上 `assign=True`，旧参数会被换成新的，数据类型和内存都是字典里那些张量的，训练时字典也跟着变；先前创建的优化器手里仍是旧参数。
    """
    assert "assign: True torch.float16" in shown("saving_and_loading.taken-over").output
    for dtype in over(float_dtypes(), DTYPES):
        net = nn.Linear(3, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        net.load_state_dict(nn.Linear(3, 2).to(dtype).state_dict(), assign=True)
        assert net.weight.dtype == dtype
        assert net.weight is not optimizer.param_groups[0]["params"][0]
    for kind in over(optimizers(), OPTIMISERS):
        net, state = nn.Linear(4, 3), roundtrip(nn.Linear(4, 3).state_dict())
        net.load_state_dict(state, assign=True)
        before = copy.deepcopy(state)
        train(net, kind(net.parameters(), lr=0.1))
        for name, parameter in net.named_parameters():
            assert parameter.data_ptr() == state[name].data_ptr()
            assert torch.equal(state[name], parameter)
            assert not torch.equal(state[name], before[name])


def test_assign_unties_a_shared_weight() -> None:
    """With `assign=True` a weight that two layers share becomes two parameters, and the report is
    `<All keys matched successfully>`. If it was tied in the file, both lie in the same memory, and a step of Adam
    moves the numbers twice. One layer at two places stays one.

    加上 `assign=True`，两个层共用的权重会变成两个参数，返回的仍是 `<All keys matched successfully>`。
    文件里若是绑定的，这两个参数用的是同一块内存，Adam 一步会把那些数移动两次。同一个层用在两处，则仍是一个。
    """

    def tied() -> Any:
        net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
        net[1].weight = net[0].weight
        return net

    def moved(assign: bool, tie_again: bool = False) -> tuple[int, torch.Tensor, torch.Tensor]:
        torch.manual_seed(0)
        file = saved(tied().state_dict())
        net = tied()
        report = net.load_state_dict(torch.load(file), assign=assign)
        assert str(report) == "<All keys matched successfully>"
        if tie_again:
            net[1].weight = net[0].weight
        assert net[0].weight.data_ptr() == net[1].weight.data_ptr()
        before = net[0].weight.detach().clone()
        train(net, torch.optim.Adam(net.parameters(), lr=0.01))
        signs = sum(parameter.grad.sign() for parameter in net.parameters())
        return len(list(net.parameters())), net[0].weight.detach() - before, signs

    # Adam's first step moves a number by the learning rate, against the sign of its gradient
    one, two, again = moved(False), moved(True), moved(True, tie_again=True)
    assert (one[0], two[0], again[0]) == (1, 2, 1)
    for _, step, signs in (one, two, again):
        assert torch.allclose(step, -0.01 * signs, atol=1e-5)
    assert two[2].abs().max() == 2
    assert one[2].abs().max() == 1
    assert torch.equal(one[1], again[1])
    for layer in over(trainable(), TRAINABLE):
        net = nn.ModuleList([layer.make(), layer.make()])
        for name, parameter in [*net[0].named_parameters()]:
            owner, _, last = name.rpartition(".")
            setattr(net[1].get_submodule(owner), last, parameter)
        count = len(list(net[0].parameters()))
        assert len(list(net.parameters())) == count
        net.load_state_dict(roundtrip(net.state_dict()))
        assert len(list(net.parameters())) == count
        net.load_state_dict(roundtrip(net.state_dict()), assign=True)
        assert len(list(net.parameters())) == 2 * count
        place = layer.make()
        places = nn.ModuleList([place, place])
        places.load_state_dict(roundtrip(places.state_dict()), assign=True)
        assert len(list(places.parameters())) == count


def test_extra_state_is_one_more_entry() -> None:
    """What `get_extra_state` returns is one more entry of the state dict, which loading hands to
    `set_extra_state`.

    `get_extra_state` 的返回值作为单独一项放进状态字典，加载时交给 `set_extra_state`。
    """

    class Counter(nn.Module):
        seen: Any = None

        def get_extra_state(self) -> Any:
            return self.seen

        def set_extra_state(self, state: Any) -> None:
            self.seen = state

    for kind in over(PLAIN, "kinds of value | 种值"):
        old, new = Counter(), Counter()
        old.seen = PLAIN[kind]
        assert list(old.state_dict()) == ["_extra_state"]
        new.load_state_dict(roundtrip(old.state_dict()))
        assert repr(new.seen) == repr(old.seen)


def test_state_dict_is_live() -> None:
    """The entries of a state dict share memory with the parameters, and a step of training changes both. That ends when the parameters get other memory, as by a change of dtype: the dict keeps the old numbers.

    状态字典里的张量与参数共用内存，训练一步，两边一起变。参数换了内存，例如换了数据类型，就不再如此：字典里还是旧的数值。
    """
    lowest, itself, _, deep = numbers_in(shown("saving_and_loading.live").output)
    assert itself > 1.2 * lowest == 1.2 * deep
    # the training of the opening
    assert numbers_in(shown("saving_and_loading.kept-best").output) == [lowest, itself]
    for kind in over(optimizers(), OPTIMISERS):
        net = nn.Linear(4, 3)
        live, before = net.state_dict(), copy.deepcopy(net.state_dict())
        train(net, kind(net.parameters(), lr=0.1))
        for name, parameter in net.named_parameters():
            assert live[name].data_ptr() == parameter.data_ptr()
            assert torch.equal(live[name], parameter)
            assert not torch.equal(live[name], before[name])
    net.double()
    old = copy.deepcopy(live)
    with torch.no_grad():
        net.weight.fill_(7)
    assert torch.equal(live["weight"], old["weight"])


def test_file_is_a_snapshot() -> None:
    """A file is a snapshot: what happens to a tensor after it was saved does not reach the file.

    文件是快照：保存之后张量再怎么变，都影响不到文件。
    """
    for kind in over(optimizers(), OPTIMISERS):
        net = nn.Linear(4, 3)
        file, before = saved(net.state_dict()), copy.deepcopy(net.state_dict())
        train(net, kind(net.parameters(), lr=0.1))
        assert not torch.equal(net.weight, before["weight"])
        assert all(torch.equal(value, before[name]) for name, value in torch.load(file).items())


def test_clones_of_the_entries_are_a_snapshot() -> None:
    """Clones of the entries of a state dict keep the old values, and restore them when loaded.

    把状态字典里的张量逐个 `clone()`，旧值就留住了，随时能加载回来。
    """
    x = torch.ones(2, 4)
    for kind in over(optimizers(), OPTIMISERS):
        net = nn.Linear(4, 3)
        old = net(x)
        snapshot = {name: value.clone() for name, value in net.state_dict().items()}
        train(net, kind(net.parameters(), lr=0.1))
        assert not torch.equal(net(x), old)
        net.load_state_dict(snapshot)
        assert torch.equal(net(x), old)


def test_copy_of_a_state_dict_is_live_too() -> None:
    """`copy()` of a state dict copies the dict and not the tensors; `copy.deepcopy` copies both.

    对状态字典调用 `copy()`，复制的是字典，不是张量；`copy.deepcopy` 才连张量一起复制。
    """
    _, itself, copied, deepest = numbers_in(shown("saving_and_loading.live").output)
    assert copied == itself > deepest
    for layer in over(trainable(), TRAINABLE):
        state = layer.make().state_dict()
        shallow, deep = state.copy(), copy.deepcopy(state)
        assert shallow is not state
        for name, value in state.items():
            assert shallow[name].data_ptr() == value.data_ptr() != deep[name].data_ptr()
            assert torch.equal(deep[name], value)


# What torch.load refuses


def test_two_more_ways_let_a_file_run_code() -> None:
    """`torch.load` calls what a file asks for if it gets a `pickle_module`, or if the environment variable
    `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` is `1`, though `weights_only` is not given; without both it refuses.

    没写 `weights_only`，但传了 `pickle_module`，或者环境变量 `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` 是 `1`，`torch.load`
    就会执行文件要求的调用；两样都没有，它会拒绝。
    """
    forced = mock.patch.dict(os.environ, {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"})

    def printed(**options: Any) -> str:
        with redirect_stdout(io.StringIO()) as output, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the variable is warned of
            torch.load(saved(Calls(print, "ran")), **options)
        return output.getvalue()

    assert printed(pickle_module=pickle) == "ran\n"
    with forced:
        assert printed() == "ran\n"
        assert printed(weights_only=None) == "ran\n"
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        printed()


def test_whole_model_is_refused_by_default() -> None:
    """By default, `torch.load` refuses a pickled model: `UnpicklingError: Weights only load failed`.

    `torch.load` 默认拒绝整个存下的模型：`UnpicklingError`，`Weights only load failed`。
    """
    error = shown("saving_and_loading.whole-model").error
    assert error is not None
    assert "UnpicklingError: Weights only load failed" in error
    assert "In PyTorch 2.6, we changed the default value of the `weights_only` argument" in error
    for layer in over(trainable(), TRAINABLE):
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
            roundtrip(layer.make())


def test_plain_values_load_by_default() -> None:
    """Plain tensors, numbers, strings, lists, tuples, dicts, dtypes and devices pass the default loader;
    others, such as a `defaultdict`, a named tuple or an integer of more than 255 bytes, do not.

    普通的张量、数字、字符串、列表、元组、字典、数据类型和设备，默认都能加载；
    别的则不一定，例如 `defaultdict`、具名元组和超过 255 字节的整数就不能。
    """
    for kind in over(PLAIN, "kinds of value | 种值"):
        value = PLAIN[kind]
        loaded = roundtrip(value)
        assert type(loaded) is type(value)
        assert repr(loaded) == repr(value)
    largest = 256**254  # in 255 bytes, as it has a sign
    assert roundtrip(largest) == largest
    for refused in (defaultdict(int), urlparse("a"), 256 * largest):
        with pytest.raises(pickle.UnpicklingError):
            roundtrip(refused)


def test_refusal_suggests_the_unsafe_way_first() -> None:
    """The refusal suggests `weights_only=False` first, and warns of arbitrary code execution.

    拒绝时的报错信息先建议 `weights_only=False`，并警告它可能执行任意代码。
    """
    error = shown("saving_and_loading.whole-model").error
    assert error is not None
    remedies = ("with `weights_only` set to `False`", "arbitrary code execution", "safe_globals")
    assert sorted(remedies, key=error.index) == list(remedies)
    for layer in over(trainable(), TRAINABLE):
        with pytest.raises(pickle.UnpicklingError) as raised:
            roundtrip(layer.make())
        assert sorted(remedies[:2], key=str(raised.value).index) == list(remedies[:2])


def test_named_classes_can_be_let_through() -> None:
    """Inside `safe_globals` the default loader permits the listed classes as well, and no others. When the block
    ends, they are struck off, also where they were permitted before.

    在 `safe_globals` 的代码块里，默认的加载方式额外放行列出的类，没列出的照样拒绝。代码块一结束，它们就从名单上划掉，先前放行过的也一样。
    """
    state = after("saving_and_loading.whole-model")
    with mock.patch.dict(sys.modules, {"__main__": state}):
        file = saved(state.net)
        with safe_globals([state.MLP, nn.Linear]):
            assert torch.equal(torch.load(file)(state.X), state.net(state.X))
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError, match="MLP"):
            torch.load(file)
        for listed in over([[], [state.MLP], [nn.Linear], [nn.Conv2d]], "lists | 份清单"):
            file.seek(0)
            with safe_globals(listed), pytest.raises(pickle.UnpicklingError, match=r"MLP|Linear"):
                torch.load(file)
        with safe_globals([state.MLP, nn.Linear]):
            with safe_globals([nn.Linear]):
                file.seek(0)
                torch.load(file)
            file.seek(0)
            with pytest.raises(pickle.UnpicklingError, match="Linear"):
                torch.load(file)


def test_unsafe_load_calls_what_the_file_names() -> None:
    """With `weights_only=False` a file calls a function of its choice while it is being loaded.

    用 `weights_only=False` 加载时，文件点名哪个函数，就会调用哪个。
    """
    lines = shown("saving_and_loading.what-it-would-run").output.splitlines()
    assert lines[3:] == ["this line came out of the file", "what was loaded: None"]
    trap = after("saving_and_loading.what-it-would-run").Trap()
    printed = printed_while(lambda: roundtrip(trap, weights_only=False))
    assert printed == "this line came out of the file\n"
    for function, *given in over(CALLS, "functions | 个函数"):
        called = roundtrip(Calls(function, *given), weights_only=False)
        assert called == function(*given)


def test_wanted_imports_are_listed_without_running() -> None:
    """`get_unsafe_globals_in_checkpoint` lists what a file in the default format wants to import, and runs
    none of it; it does not read files in the old format or with a newer pickle protocol.

    `get_unsafe_globals_in_checkpoint` 列出默认格式的文件想导入什么，而不执行其中任何一样；
    旧格式的文件，以及用较新的 pickle 协议写的文件，它读不了。
    """
    lines = shown("saving_and_loading.what-it-would-run").output.splitlines()
    assert lines[1] == "whole.pt wants: ['__main__.MLP', 'torch.nn.modules.linear.Linear']"
    assert lines[2] == "trap.pt wants: ['builtins.print']"
    with chdir_anew() as folder:
        for function, *given in over([*CALLS, (print, "ran"), (os.mkdir, "ran")], FUNCTIONS):
            file = saved(Calls(function, *given))
            with redirect_stdout(io.StringIO()) as output:
                found = get_unsafe_globals_in_checkpoint(file)
            assert found == [f"{function.__module__}.{function.__name__}"]
            assert output.getvalue() == ""
        assert os.listdir(folder) == []
    for options, error in (
        ({"_use_new_zipfile_serialization": False}, ValueError),
        ({"pickle_protocol": 4}, pickle.UnpicklingError),
    ):
        file = io.BytesIO()
        torch.save(Calls(len, "abc"), file, **options)  # type: ignore[arg-type]
        file.seek(0)
        with pytest.raises(error):
            get_unsafe_globals_in_checkpoint(file)


def test_state_dict_wants_no_imports() -> None:
    """The file of a state dict of layers of `torch.nn` wants to import nothing that the default loader
    forbids, except for lazy layers not yet initialised.

    `torch.nn` 的层的状态字典存成的文件，不要求导入默认许可以外的任何东西；还没有形状的延后初始化的层除外。
    """
    lines = shown("saving_and_loading.what-it-would-run").output.splitlines()
    assert lines[0] == "mlp.pt wants: []"
    for layer in over(layers(), LAYERS):
        assert get_unsafe_globals_in_checkpoint(saved(layer.make().state_dict())) == []
    for lazy in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        assert get_unsafe_globals_in_checkpoint(saved(lazy.make().state_dict())) != []


def test_default_loader_calls_nothing() -> None:
    """The default loader refuses the trap of the page before anything in it runs."""
    trap = after("saving_and_loading.what-it-would-run").Trap()

    def load() -> None:
        with pytest.raises(pickle.UnpicklingError, match="GLOBAL print was not an allowed global"):
            roundtrip(trap)

    assert printed_while(load) == ""


def test_whole_model_holds_only_the_name_of_its_class() -> None:
    """A pickled model holds the name of its class, not its code: without that class it cannot be loaded.

    整个存下的模型，文件里只有类的名字，没有代码；没有同名的类，就读不回来。
    """
    state = after("saving_and_loading.whole-model")
    with mock.patch.dict(sys.modules, {"__main__": state}):
        file = saved(state.net)
        assert type(torch.load(file, weights_only=False)) is state.MLP
    assert b"MLP" in file.getvalue()
    assert b"def forward" not in file.getvalue()
    file.seek(0)
    elsewhere = mock.patch.dict(sys.modules, {"__main__": types.ModuleType("__main__")})
    with elsewhere, pytest.raises(AttributeError, match="Can't get attribute 'MLP' on <module"):
        torch.load(file, weights_only=False)
    for layer in over(trainable(), TRAINABLE):
        names = entry(saved(layer.make()), "data.pkl")
        assert layer.cls.__module__.encode() in names
        assert b"def " not in names


# Errors when loading


def test_a_loaded_state_dict_is_no_model() -> None:
    """Loading a state dict gives an `OrderedDict`, not a model: it has no `eval`.

    加载状态字典，得到的是 `OrderedDict`，不是模型，也就没有 `eval`。
    """
    error = shown("saving_and_loading.wrong-things").errors[1].text
    assert error == "AttributeError: 'collections.OrderedDict' object has no attribute 'eval'"
    for layer in over(trainable(), TRAINABLE):
        loaded = roundtrip(layer.make().state_dict())
        assert type(loaded) is OrderedDict
        assert not hasattr(loaded, "eval")
        assert not callable(loaded)


def test_a_whole_checkpoint_is_no_state_dict() -> None:
    """When a checkpoint is loaded in place of the state dict in it, its own keys are unexpected, and all keys
    of the model are missing.

    把整个检查点当作状态字典来加载：它的键都是 unexpected，模型的键全部 missing。
    """
    error = shown("saving_and_loading.wrong-things").errors[2].text
    missing = '"hidden.weight", "hidden.bias", "out.weight", "out.bias"'
    assert f"Missing key(s) in state_dict: {missing}" in error
    assert 'Unexpected key(s) in state_dict: "net", "step"' in error
    state = after("saving_and_loading.wrong-things")
    assert str(state.clone.load_state_dict(state.everything["net"])).startswith("<All keys matched")
    for layer in over(trainable(), TRAINABLE):
        net = layer.make()
        everything = {"net": net.state_dict(), "step": 5}
        with pytest.raises(RuntimeError) as raised:
            net.load_state_dict(everything)
        assert 'Unexpected key(s) in state_dict: "net", "step"' in str(raised.value)
        assert all(f'"{name}"' in str(raised.value) for name, _ in net.named_parameters())
        assert str(net.load_state_dict(everything["net"])) == "<All keys matched successfully>"  # type: ignore[arg-type]


def test_data_parallel_puts_a_prefix_before_each_name() -> None:
    """`nn.DataParallel` keeps the model as `module`, so each name in its state dict begins with `module.`. Of
    `DistributedDataParallel` the source says so; it was not run.

    `nn.DataParallel` 把模型放在属性 `module` 里，状态字典里的每个名字都以 `module.` 开头。`DistributedDataParallel`
    的源码也是这样写的，没有运行。
    """
    (error,) = shown("saving_and_loading.prefix").errors
    assert 'Missing key(s) in state_dict: "hidden.weight", "hidden.bias"' in error.text
    assert 'Unexpected key(s) in state_dict: "module.hidden.weight", "module.hidden' in error.text
    assert shown("saving_and_loading.prefix").output == "<All keys matched successfully>\n"
    for layer in over(trainable(), TRAINABLE):
        net = layer.make()
        wrapper = nn.DataParallel(net)
        assert wrapper.module is net
        names = list(net.state_dict())
        assert list(wrapper.state_dict()) == [f"module.{name}" for name in names]
        assert list(wrapper.module.state_dict()) == names
    source = Path(nn.__file__).with_name("parallel") / "distributed.py"  # read, and not run
    assert "self.module = module" in source.read_text(encoding="utf-8")


def test_pytorch_can_take_the_prefix_off() -> None:
    """`consume_prefix_in_state_dict_if_present` takes a prefix off the names of a state dict, in place.

    `consume_prefix_in_state_dict_if_present` 就地去掉状态字典里名字的前缀。
    """
    for layer in over(trainable(), TRAINABLE):
        net = layer.make()
        state = nn.DataParallel(net).state_dict()
        consume_prefix_in_state_dict_if_present(state, "module.")
        assert list(state) == list(net.state_dict())
        assert str(layer.make().load_state_dict(state)) == "<All keys matched successfully>"


def test_a_class_of_a_script_belongs_to_main() -> None:
    """A class that a script defines belongs to the module `__main__`, which is another module in another script. A
    pickled model of it does not load there, `Can't get attribute 'MLP' on <module '__main__'`, unless that script
    defines the class, too, or imports it by name.

    脚本里定义的类属于模块 `__main__`，换一个脚本，`__main__` 就是另一个模块：整个存下的模型在那里读不了，
    报错是 `Can't get attribute 'MLP' on <module '__main__'`，除非那个脚本也定义了这个类，或者按名字导入了它。
    """
    text = "Can't get attribute 'MLP' on <module '__main__'"
    (error,) = shown("saving_and_loading.class-missing").errors
    assert error.text.startswith(f"AttributeError: {text}")
    define = "from torch import nn\nclass MLP(nn.{}):\n    pass\n"
    imports = f"import sys\nsys.path.insert(0, '')\nfrom {MODELS} import MLP\n"
    load = "import torch\nnet = torch.load('net.pt', weights_only=False)\n"
    for layer in over(trainable(), TRAINABLE):
        own = define.format(layer.cls.__name__)
        with (
            chdir_anew(),
            mock.patch.dict(sys.modules),
            mock.patch.object(sys, "path", [*sys.path]),
        ):
            Path(f"{MODELS}.py").write_text(own)
            Path("script.py").write_text(f"{own}import torch\n")
            names = runpy.run_path("script.py", run_name="__main__")
            assert names["MLP"].__module__ == "__main__"
            net = layer.make()
            net.__class__ = names["MLP"]
            with program(MLP=names["MLP"]):
                torch.save(net, "net.pt")
            Path("script.py").write_text(load)
            with pytest.raises(AttributeError, match=re.escape(text)):
                runpy.run_path("script.py", run_name="__main__")
            for first in (own, imports):
                Path("script.py").write_text(first + load)
                found = runpy.run_path("script.py", run_name="__main__")
                assert type(found["net"]) is found["MLP"]


def test_optimiser_state_wants_as_many_parameters() -> None:
    """An optimiser loads the state of one with as many groups and as many parameters in each, and matches
    them by order; other shapes, or another kind of optimiser, may be noticed only in the next step, or in the
    middle of loading, or never: an `Adam` that loads the state of an `AdamW` goes on as one, and state for parameters
    of the same shapes in another order is used for the wrong ones.

    优化器只能加载组数相同、每组参数个数也相同的状态，并按次序对应；形状或优化器的种类不同，可能要到下一步更新才发现，
    也可能加载到一半才发现，还可能始终不报错：`Adam` 加载了 `AdamW` 的状态，就照 `AdamW` 的算法继续更新；形状相同、次序不同的参数，状态会用到别的参数上。
    """
    first, second = (error.text for error in shown("saving_and_loading.other-optimizer").errors)
    assert first == (
        "ValueError: loaded state dict contains a parameter group "
        "that doesn't match the size of optimizer's group"
    )
    assert second == "ValueError: loaded state dict has a different number of parameter groups"
    net = nn.Linear(2, 2)
    net(torch.ones(1, 2)).sum().backward()
    old, new = (torch.optim.Adam([net.weight, net.bias]) for _ in range(2))
    old.step()
    new.load_state_dict(old.state_dict())
    turned = torch.optim.Adam([net.bias, net.weight])
    turned.load_state_dict(old.state_dict())
    kept = old.state[net.weight]["exp_avg"]
    assert torch.equal(new.state[net.weight]["exp_avg"], kept)
    assert torch.equal(turned.state[net.bias]["exp_avg"], kept)
    wide = nn.Linear(3, 4)
    wide(torch.ones(1, 3)).sum().backward()
    others: list[tuple[nn.Module, torch.optim.Optimizer, type[Exception]]] = [
        (wide, torch.optim.Adam(wide.parameters()), RuntimeError),
        (net, torch.optim.Adadelta(net.parameters()), KeyError),
    ]
    for module, optimiser, error_type in others:
        optimiser.load_state_dict(old.state_dict())
        with pytest.raises(error_type):
            optimiser.step()
        assert len(list(module.parameters())) == 2
    momentum = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    momentum.step()
    with pytest.raises(KeyError):
        new.load_state_dict(momentum.state_dict())
    assert "betas" not in new.param_groups[0]

    source = nn.Linear(4, 4)
    decoupled = torch.optim.AdamW(source.parameters(), lr=0.1, weight_decay=0.5)
    train(source, decoupled)
    twin, plain = copy.deepcopy(source), copy.deepcopy(source)
    rates = {"lr": 0.1, "weight_decay": 0.5}
    adam, coupled = (torch.optim.Adam(one.parameters(), **rates) for one in (twin, plain))
    adam.load_state_dict(copy.deepcopy(decoupled.state_dict()))
    own = {"param_groups": coupled.state_dict()["param_groups"]}
    coupled.load_state_dict(copy.deepcopy(decoupled.state_dict()) | own)
    assert adam.param_groups[0]["decoupled_weight_decay"] is True
    for linear, optimiser in ((source, decoupled), (twin, adam), (plain, coupled)):
        train(linear, optimiser, steps=5)
    assert torch.equal(twin.weight, source.weight)
    assert not torch.allclose(plain.weight, source.weight, atol=1e-2)

    first, second = (nn.Parameter(torch.full((3,), value)) for value in (1.0, 2.0))
    (first.sum() + 5 * second.sum()).backward()
    in_order, turned = torch.optim.Adam([first, second]), torch.optim.Adam([second, first])
    in_order.step()
    turned.load_state_dict(in_order.state_dict())
    for one, other in ((first, second), (second, first)):
        average = in_order.state[other]["exp_avg"]
        assert torch.equal(turned.state[one]["exp_avg"], average)
        assert not torch.equal(average, in_order.state[one]["exp_avg"])
    turned.step()

    for kind in over(optimizers(), OPTIMISERS):
        whole, part = (kind(parameters, lr=0.1) for parameters in (net.parameters(), [net.bias]))
        with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
            part.load_state_dict(whole.state_dict())
        with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
            whole.load_state_dict(part.state_dict())
        groups = kind([{"params": [net.weight]}, {"params": [net.bias]}], lr=0.1)
        with pytest.raises(ValueError, match="has a different number of parameter groups"):
            groups.load_state_dict(whole.state_dict())


def test_an_exported_program_needs_no_class() -> None:
    """`torch.export.save` writes what `forward` computes for an example, with the weights; `torch.export.load` gives
    it back where the class is gone. A branch that the example did not take is not in it, and another shape of the
    input is an error unless its dimension was named in `dynamic_shapes`.

    `torch.export.save` 写下 `forward` 对示例输入所做的计算，连同权重；类不在了，`torch.export.load` 照样读得回来。示例没走到的分支不在里面；
    输入换个形状就报错，除非那一维写进了 `dynamic_shapes`。
    """

    class Gone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 3)
            self.doubled = False

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return torch.sin(self.layer(X)) * 2 if self.doubled else self.layer(X)

    net, x = Gone(), torch.randn(2, 4)
    fixed = io.BytesIO()
    torch.export.save(torch.export.export(net, (x,)), fixed)
    rows = {0: torch.export.Dim("rows")}
    free = io.BytesIO()
    torch.export.save(torch.export.export(net, (x,), dynamic_shapes=(rows,)), free)
    with zipfile.ZipFile(free) as archive:
        inside = [archive.read(name) for name in archive.namelist()]
    assert any(b"aten.linear" in part for part in inside)
    assert not any(b"aten.sin" in part for part in inside)
    expected = net(x)
    with pytest.raises((AttributeError, pickle.PicklingError), match="local object"):
        saved(net)  # no file can name a class of a function
    loaded = []
    for file in (fixed, free):
        file.seek(0)
        loaded.append(torch.export.load(file).module())
    assert all(torch.equal(one(x), expected) for one in loaded)
    more = torch.randn(7, 4)
    assert torch.allclose(loaded[1](more), net(more))
    with pytest.raises(AssertionError, match=r"Guard failed.* == 2"):
        loaded[0](more)


def test_an_exported_file_can_run_code() -> None:
    """`torch.export.load` calls a function that the file names: here the saved example was put in place of one that
    calls `print`.

    文件点名哪个函数，`torch.export.load` 就会调用哪个：这里把文件里存的示例换成了一个调用 `print` 的。
    """
    file, trap = io.BytesIO(), io.BytesIO()
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.ones(1, 2),)), file)
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(trap, "w") as changed:
        names = archive.namelist()
        assert [name for name in names if "sample_inputs" in name]
        for name in names:
            armed = "sample_inputs" in name
            content = saved(Calls(print, "ran")).getvalue() if armed else archive.read(name)
            changed.writestr(name, content)

    def load(given: io.BytesIO) -> str:
        given.seek(0)
        with contextlib.suppress(Exception), redirect_stdout(io.StringIO()) as output:
            torch.export.load(given)
        return output.getvalue()

    assert load(trap) == "ran\n"
    assert load(file) == ""


def test_a_pickled_model_needs_its_module() -> None:
    """A pickled model whose module is missing does not load, even with `weights_only=False`:
    `No module named 'models'`.

    整个存下的模型，类所在的模块没有了，写 `weights_only=False` 也读不了：`No module named 'models'`。
    """
    (error,) = shown("saving_and_loading.class-gone").errors
    assert error.text == "ModuleNotFoundError: No module named 'models'"
    state = after("saving_and_loading.class-gone")
    with mock.patch.dict(sys.modules, {"models": state.models}):
        file = saved(state.models.Net(2, 2))
        assert type(torch.load(file, weights_only=False)) is state.models.Net
    for layer in over(trainable(), TRAINABLE):
        module: Any = types.ModuleType("models")
        module.Net = type("Net", (layer.cls,), {"__module__": "models"})
        net = layer.make()
        net.__class__ = module.Net
        with mock.patch.dict(sys.modules, {"models": module}):
            file = saved(net)
        assert b"def " not in entry(file, "data.pkl")
        file.seek(0)
        with pytest.raises(ModuleNotFoundError, match="No module named 'models'"):
            torch.load(file, weights_only=False)


def test_a_pickled_model_needs_its_class() -> None:
    """A pickled model whose class is missing in its module does not load: `Can't get attribute 'Net'`, with
    the name and the file of the module.

    整个存下的模型，模块里没有了它的类，就读不了：`Can't get attribute 'Net'`，后面是模块的名字和文件。
    """
    models = after("saving_and_loading.class-gone").models
    with mock.patch.dict(sys.modules, {"models": models}):
        file = saved(models.Net(2, 2))
    with chdir_anew():
        path = Path("models.py").absolute()
        path.write_text("")
        spec = importlib.util.spec_from_file_location("models", path)
        assert spec is not None
        empty = mock.patch.dict(sys.modules, {"models": importlib.util.module_from_spec(spec)})
        with empty, pytest.raises(AttributeError) as raised:
            torch.load(file, weights_only=False)
    assert str(raised.value) == f"Can't get attribute 'Net' on <module 'models' from {str(path)!r}>"


def test_numpy_scalars_are_refused() -> None:
    """The `np.mean` of integers is an `np.float64`, which is an instance of `float`, but of a NumPy class;
    the default loader refuses it, as it does other NumPy scalars. After `float` or `item()` it loads.

    整数的 `np.mean` 是 `np.float64`，它也是 `float` 的实例，类却是 NumPy 的；它和别的 NumPy 标量一样，默认的加载方式会拒绝；
    用 `float` 或 `item()` 转换之后就能读。
    """
    (error,) = shown("saving_and_loading.numpy-scalar").errors
    assert "Weights only load failed" in error.text
    assert re.search(r"Unsupported global: GLOBAL numpy\.\w+\.multiarray\.scalar", error.text)
    assert shown("saving_and_loading.numpy-scalar").output == "{'accuracy': 0.75}\n"
    mean = np.mean([1, 0, 1, 1])
    assert isinstance(mean, float)
    assert type(mean) is np.float64
    assert roundtrip([float(mean), mean.item()]) == [0.75, 0.75]
    others = (np.float32(0.75), np.int64(3), np.bool_(True))
    assert not any(isinstance(number, float | int) for number in others)
    for number in (mean, *others):
        with pytest.raises(pickle.UnpicklingError):
            roundtrip([number])
        assert roundtrip([number.item()]) == [number]


def test_a_truncated_file_is_no_archive() -> None:
    """A small file that was cut off, with 50 bytes or more left, raises `PytorchStreamReader failed reading zip archive`.

    小文件被截断，只要还剩 50 个字节以上，读取时就报 `PytorchStreamReader failed reading zip archive`。
    """
    error = shown("saving_and_loading.broken-files").errors[0].text
    assert error.startswith("RuntimeError: PytorchStreamReader failed reading zip archive")
    with chdir_anew():
        torch.save(torch.arange(4), "x.pt")
        whole = Path("x.pt").read_bytes()
        for length in over(range(50, len(whole), 50), "lengths | 种长度"):
            Path("cut.pt").write_bytes(whole[:length])
            with pytest.raises(RuntimeError, match=r"^PytorchStreamReader failed reading zip arch"):
                torch.load("cut.pt")


def test_a_cut_file_fails_in_several_ways() -> None:
    """A larger file that is cut off does not load either; the error may be an `OSError`.

    大一些的文件被截断，同样读不了，报的错可能是 `OSError`。
    """
    net = after("saving_and_loading.round-trip").net
    kinds = set()
    with chdir_anew():
        for cut in over(cut_files(saved(net.state_dict()).getvalue()), "lengths | 种长度"):
            Path("cut.pt").write_bytes(cut.data)
            errors = (RuntimeError, OSError, EOFError, pickle.UnpicklingError)
            with pytest.raises(errors) as raised:
                torch.load("cut.pt")
            kinds.add(raised.type)
            if raised.type is OSError:
                assert str(raised.value) == "[Errno 22] Invalid argument"
    assert kinds == set(errors)


def test_an_empty_file_ends_in_eof_error() -> None:
    """Loading an empty file raises an `EOFError` with no text, and so does a file in the old format of which
    two bytes are left.

    读取空文件会报 `EOFError`，后面没有文字；旧格式的文件只剩两个字节，也是这样。
    """
    assert shown("saving_and_loading.broken-files").errors[1].text.strip(": ") == "EOFError"
    with pytest.raises(EOFError, match=r"^$"):
        torch.load(io.BytesIO())
    old = io.BytesIO()
    torch.save(1, old, _use_new_zipfile_serialization=False)
    with pytest.raises(EOFError, match=r"^$"):
        torch.load(io.BytesIO(old.getvalue()[:2]))


def test_a_web_page_is_no_checkpoint() -> None:
    """A web page in place of the weights is refused with `Unsupported operand 60`, the byte of `<`.

    拿网页当权重来读，会报 `Unsupported operand 60`，60 就是字节 `<`。
    """
    error = shown("saving_and_loading.broken-files").errors[2].text
    assert "Weights only load failed" in error
    assert "Unsupported operand 60" in error
    assert ord("<") == 60


def test_operand_118_is_a_git_lfs_pointer() -> None:
    """A Git LFS pointer, which begins with `version`, is refused with `Unsupported operand 118`.

    Git LFS 的指针文件以 `version` 开头，读取时报 `Unsupported operand 118`。
    """
    pointer = io.BytesIO(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(pickle.UnpicklingError, match="Unsupported operand 118"):
        torch.load(pointer)
    assert ord("v") == 118


# safetensors


def test_a_safetensors_file_is_json_and_numbers() -> None:
    """A safetensors file is a length in eight bytes, a JSON text with dtype, shape and place of each
    tensor, and the numbers: it can be read without unpickling anything. The reader that torch has for such
    files reads the file of this page.

    safetensors 文件由三部分组成：占八个字节的长度，写着各张量的数据类型、形状和位置的 JSON，以及数值；读它用不着 pickle。
    torch 自带的读取函数也能读本页写的文件。
    """
    told = "dtype F32\nshape [10]\ndata_offsets [31744, 31784]\nsame: True\n"
    assert shown("saving_and_loading.safetensors").output == told
    state = after("saving_and_loading.safetensors")
    assert state.path == "mlp.safetensors"
    assert torch.equal(state.state["out.bias"], state.clone.out.bias)  # of the file
    assert isinstance(state.numbers, bytearray)  # as read, not as written
    assert state.found == state.described == json.loads(state.text)
    # torch has a reader of its own for such files
    path = Path(torch.__file__).parent / "distributed" / "checkpoint" / "_hf_utils.py"
    spec = importlib.util.spec_from_file_location("hf_utils", path)
    assert spec
    assert spec.loader
    reader: Any = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, hf_utils=reader):
        spec.loader.exec_module(reader)
    told = reader._get_safetensors_file_metadata(io.BytesIO(bytes(state.whole)))
    assert told == (state.described, 8 + len(state.text))
    assert len(state.whole) == 8 + len(state.text) + 31784
    for name in over(state.described, "tensors of the file | 个文件里的张量"):
        start, end = state.described[name]["data_offsets"]
        part = torch.frombuffer(state.numbers[start:end], dtype=torch.float32)
        assert torch.equal(part.reshape(state.described[name]["shape"]), state.state[name])


def test_optimiser_state_is_nested() -> None:
    """The state dict of an optimiser is not a dict of tensors by name: it holds dicts and lists, with numbers
    in them.

    优化器的状态字典不是从名字到张量的字典：里面有字典和列表，其中还有数。
    """
    for kind in over(optimizers(), OPTIMISERS):
        net = nn.Linear(4, 3)
        optimizer = kind(net.parameters(), lr=0.1)
        train(net, optimizer)
        state = optimizer.state_dict()
        assert not any(isinstance(value, torch.Tensor) for value in state.values())
        assert (type(state["state"]), type(state["param_groups"])) == (dict, list)
        assert state["param_groups"][0]["lr"] == 0.1


def test_torch_load_leaves_safetensors_to_the_package() -> None:
    """`torch.load` leaves a path that ends in `.safetensors` to the package safetensors (2.13): if it is not
    installed, a `RuntimeError` asks you to install it.

    路径以 `.safetensors` 结尾，`torch.load` 就交给 safetensors 包去读（2.13）；没有安装，会报 `RuntimeError` 请你安装。
    """
    package, part = types.ModuleType("safetensors"), types.ModuleType("safetensors.torch")
    package.torch = part  # type: ignore[attr-defined]
    part.load_file = lambda path, device: {"read": path}  # type: ignore[attr-defined]
    with chdir_anew():
        for name in over(("x.safetensors", "a.b.safetensors"), "names of files | 个文件名"):
            Path(name).write_bytes(b"")
            message = "safetensors is not installed. Please install safetensors"
            with without_safetensors(), pytest.raises(RuntimeError, match=message):
                torch.load(name)
            stand_ins = {"safetensors": package, "safetensors.torch": part}
            with mock.patch.dict(sys.modules, stand_ins):
                assert torch.load(name) == {"read": name}


# Files from another device


def test_tensor_returns_to_its_device() -> None:
    """A tensor is saved with the name of its device, and `torch.load` asks for that device to put it back there.

    保存张量时会记下它所在设备的名字，`torch.load` 要把它放回的就是那里。
    """
    assert roundtrip(torch.ones(2)).device == torch.device("cpu")
    assert roundtrip(torch.ones(2, device="meta")).is_meta
    with mock.patch("torch.serialization.location_tag", return_value="cuda:99"):
        assert b"cuda:99" in saved(torch.ones(2)).getvalue()
    for tag in over(DEVICES, "devices that are not here | 种这里没有的设备"):
        with mock.patch("torch.serialization.location_tag", return_value=tag):
            file = saved(torch.ones(2))
        asked: list[str] = []

        def restore(storage: Any, tag: str, asked: list[str] = asked) -> Any:
            asked.append(tag)
            return storage

        with mock.patch("torch.serialization.default_restore_location", restore):
            torch.load(file)
        assert asked == [tag]


def test_file_of_a_missing_gpu_does_not_load() -> None:
    """Loading a file from a GPU that is missing here raises an error:
    `Attempting to deserialize object on ...`.

    文件来自这台机器上没有的 GPU，读取就报错：`Attempting to deserialize object on ...`。
    """
    (error,) = shown("saving_and_loading.map-location").errors
    with mock.patch("torch.serialization.location_tag", return_value="cuda:99"):
        file = saved(torch.ones(2))
    with pytest.raises(RuntimeError, match=r"^Attempting to deserialize object on (a )?CUDA dev"):
        torch.load(file)
    assert error.text.startswith("RuntimeError: Attempting to deserialize object on ")
    if not torch.cuda.is_available():
        message = "Attempting to deserialize object on a CUDA device but torch.cuda.is_available()"
        assert f"{message} is False" in error.text
    # as on a machine with two cards: the file's one is named
    file.seek(0)
    with (
        mock.patch("torch.cuda.is_available", return_value=True),
        mock.patch("torch.cuda.device_count", return_value=2),
        pytest.raises(
            RuntimeError, match=r"on CUDA device 99 but torch.cuda.device_count\(\) is 2"
        ),
    ):
        torch.load(file)


def test_map_location_cpu_opens_any_file() -> None:
    """With `map_location="cpu"` a file opens anywhere, whatever device it was written on.

    用 `map_location="cpu"`，不管文件是在什么设备上写的，哪里都能打开。
    """
    assert shown("saving_and_loading.map-location").output == "tensor([1., 1.])\n"
    for tag in over(DEVICES, "devices that are not here | 种这里没有的设备"):
        with mock.patch("torch.serialization.location_tag", return_value=tag):
            file = saved(torch.ones(2))
        assert tag.encode() in file.getvalue()
        loaded = torch.load(file, map_location="cpu")
        assert loaded.device == torch.device("cpu")
        assert loaded.tolist() == [1, 1]


def test_map_location_meta_reads_shapes_only() -> None:
    """With `map_location="meta"` names, shapes and dtypes are loaded, and none of the numbers.

    用 `map_location="meta"`，读到的只有名字、形状和数据类型，没有数值。
    """
    assert "hidden.bias meta (256,)" in shown("saving_and_loading.meta").output
    state = after("saving_and_loading.meta")
    assert list(state.shapes) == list(state.net.state_dict())

    class Counted(io.BytesIO):
        count = 0

        def read(self, *args: Any) -> bytes:
            found = super().read(*args)
            self.count += len(found)
            return found

        def readinto(self, buffer: Any) -> int:
            count = super().readinto(buffer)
            self.count += count
            return count

    for dtype in over(all_dtypes(), DTYPES):
        x = torch.zeros(200, 100).to(dtype)
        file = Counted(saved({"x": x}).getvalue())
        found = torch.load(file, map_location="meta")["x"]
        assert (found.is_meta, found.shape, found.dtype) == (True, x.shape, dtype)
        assert file.count < 10_000 < x.nbytes  # of the file, so much was read
        file.seek(0)
        torch.load(file)
        assert file.count > x.nbytes


def test_mapped_numbers_fill_a_model_from_meta() -> None:
    """With `mmap=True`, the tensors that `torch.load` returns lie in the mapped file (looked up on Linux). A model on
    `meta` that loads them with `assign=True` uses this memory and computes the same; a buffer that is not saved stays
    on `meta`. Writing to such a tensor does not change the file.

    加上 `mmap=True`，`torch.load` 返回的张量就在映射的文件里（在 Linux 上查过）。`meta` 上的模型用 `assign=True` 加载，
    用的就是这块内存，算出的结果相同；不保存的缓冲区仍在 `meta` 上。改写这样的张量，文件不变。
    """
    told = "<All keys matched successfully>\nsame output: True\n"
    assert shown("saving_and_loading.mapped").output == told
    with chdir_anew():
        for layer in over(trainable(), TRAINABLE):
            old = layer.make().eval()
            torch.save(old.state_dict(), "old.pt")
            new = copy.deepcopy(old).to("meta")
            new.register_buffer("cache", torch.ones(1, device="meta"), persistent=False)
            mapped = torch.load("old.pt", mmap=True)
            new.load_state_dict(mapped, assign=True)
            assert new.cache.is_meta
            for name, value in new.state_dict().items():
                assert value.data_ptr() == mapped[name].data_ptr()
                if sys.platform == "linux":
                    assert mapped_from(value.data_ptr()).endswith("old.pt")
            pairs = zip(tensors_in(layer.call(new)), tensors_in(layer.call(old)), strict=True)
            assert all(torch.equal(*pair) for pair in pairs)
            for value in mapped.values():
                value.fill_(0)
            assert same_entries(torch.load("old.pt"), old.state_dict())
            del new, mapped, value, pairs  # Windows removes no mapped file


def test_overwriting_a_mapped_file_ends_the_program() -> None:
    """`torch.save` cuts off what was in the file. On Linux, a program that then reads a number of a tensor that was
    mapped from there with `mmap=True` ends by the signal `SIGBUS`. If the new file was put in place by `os.replace`,
    the tensor keeps its numbers.

    `torch.save` 会截掉文件里原来的内容。在 Linux 上，程序这时若去读用 `mmap=True` 映射来的张量，就被信号 `SIGBUS` 终止。
    新文件若是用 `os.replace` 换上去的，张量的数值不变。
    """
    with chdir_anew():

        def end(save: Callable[[], None]) -> int:
            """How a process ends that maps the file, saves, and reads the last number."""
            torch.save(torch.ones(1_000_000), "x.pt")
            if (child := os.fork()) == 0:
                try:
                    faulthandler.disable()
                    mapped = torch.load("x.pt", mmap=True)
                    save()
                    os._exit(int(mapped[-1].item()) + 1)
                finally:
                    os._exit(9)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        def aside() -> None:
            torch.save(1, "x.tmp")
            os.replace("x.tmp", "x.pt")

        torch.save(torch.ones(1_000_000), "x.pt")
        torch.save(1, "x.pt")
        assert os.path.getsize("x.pt") < 10_000
        if sys.platform == "linux":
            assert end(lambda: torch.save(1, "x.pt")) == -signal.SIGBUS
            assert end(aside) == 2
            assert torch.load("x.pt") == 1


# A checkpoint to resume from


def test_optimiser_has_a_state_dict_of_its_own() -> None:
    """An optimiser has a state dict of its own, with `state` and `param_groups`; none of it is in that of the
    model.

    优化器有自己的状态字典，分 `state` 和 `param_groups` 两项；模型的状态字典里没有这些。
    """
    state = after("saving_and_loading.checkpoint")
    assert set(state.checkpoint["net"]) == set(dict(state.net.named_parameters()))
    assert set(state.checkpoint["optimizer"]["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
    assert state.checkpoint["optimizer"]["param_groups"][0]["lr"] == 0.01
    for kind in over(optimizers(), OPTIMISERS):
        net = nn.Linear(2, 2)
        assert list(kind(net.parameters(), lr=0.1).state_dict()) == ["state", "param_groups"]


def test_a_scheduler_has_a_state_dict_too() -> None:
    """A learning-rate scheduler has a state dict that the default loader reads; restored together with its optimiser, it goes on as if it had never stopped.

    学习率调度器有自己的状态字典，默认的加载方式就能读；和优化器一起恢复，接着跑下去，与没中断过一样。
    """
    schedules: dict[str, tuple[Any, ...]] = {
        "StepLR": (2,),
        "MultiStepLR": ([2, 4],),
        "ConstantLR": (),
        "LinearLR": (),
        "ExponentialLR": (0.9,),
        "PolynomialLR": (),
        "CosineAnnealingLR": (9,),
        "CosineAnnealingWarmRestarts": (3,),
        "OneCycleLR": (0.1, 20),
        "CyclicLR": (0.01, 0.1, 3),
    }

    def build(name: str) -> tuple[torch.optim.Optimizer, Any]:
        optimizer = torch.optim.SGD([torch.ones(1)], lr=0.1, momentum=0.9)
        return optimizer, getattr(torch.optim.lr_scheduler, name)(optimizer, *schedules[name])

    def rates(optimizer: torch.optim.Optimizer, scheduler: Any, steps: int) -> list[float]:
        found = []
        for _ in range(steps):
            optimizer.step()
            scheduler.step()
            found.append(optimizer.param_groups[0]["lr"])
        return found

    for name in over(schedules, "learning-rate schedulers | 种学习率调度器"):
        old, new = build(name), build(name)
        rates(*old, steps=3)
        for part, its_new in zip(old, new, strict=True):
            its_new.load_state_dict(roundtrip(part.state_dict()))
        assert rates(*old, steps=5) == rates(*new, steps=5)


def test_checkpoint_is_a_dict_the_default_loader_reads() -> None:
    """A dict of the state dicts of model and optimiser and a step count passes the default loader.

    把模型和优化器的状态字典、步数放进一个字典，默认的加载方式就能读。
    """
    checkpoint = after("saving_and_loading.checkpoint").checkpoint
    assert list(checkpoint) == ["net", "optimizer", "step"]
    loaded = roundtrip(checkpoint)
    assert loaded["step"] == 5
    assert loaded["optimizer"]["param_groups"] == checkpoint["optimizer"]["param_groups"]
    assert all(torch.equal(loaded["net"][name], value) for name, value in checkpoint["net"].items())


def test_objects_are_refused_and_their_parts_load() -> None:
    """An object of a class that is not permitted, such as a dataclass, an `argparse.Namespace` or a path, is
    saved and then refused by the default loader; the numbers, strings, lists and dicts that it consists of
    are loaded.

    不在许可之列的类，例如数据类、`argparse.Namespace`、路径，它们的对象能存下，却会被默认的加载方式拒绝；组成它们的数字、字符串、列表和字典则能加载。
    """
    told = (
        "epoch: 3\nConfig(width=256, rate=0.01)\n{0: '<pad>', 1: 'cat'}\n"
        "through JSON: {'0': '<pad>', '1': 'cat'}\n"
    )
    assert shown("saving_and_loading.other-things").output == told
    state = after("saving_and_loading.other-things")
    written, read = state.net.state_dict(), state.run["net"]
    assert all(torch.equal(read[name], value) for name, value in written.items())
    assert read["out.bias"].data_ptr() != written["out.bias"].data_ptr()
    pairs: list[tuple[Any, Any]] = [
        (state.config, state.asdict(state.config)),
        (argparse.Namespace(lr=0.1, steps=[1, 2]), {"lr": 0.1, "steps": [1, 2]}),
        (Path("runs/x.pt"), "runs/x.pt"),
        (np.arange(3.0), [0.0, 1.0, 2.0]),
        (datetime.date(2026, 11, 28), "2026-11-28"),
        (decimal.Decimal("0.1"), "0.1"),
    ]
    assert vars(pairs[1][0]) == pairs[1][1]
    assert str(pairs[2][0]) == pairs[2][1]
    with mock.patch.dict(sys.modules, {"__main__": state}):
        for whole, parts in over(pairs, "objects and their parts | 个对象与组成它的数据"):
            file = saved({"value": whole})
            with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
                torch.load(file)
            assert roundtrip({"value": parts}) == {"value": parts}


def test_parts_may_need_taking_apart_too() -> None:
    """What `asdict` and `vars` give is loaded only if its values are: a path among them is refused, and its `str` is
    not. `asdict` makes a dict of a dataclass within a dataclass, too, and the outer class does not build it again.

    `asdict` 和 `vars` 拆出来的东西，里面的值都能加载才能加载：里面有路径就会被拒绝，换成它的 `str` 就可以。
    数据类里套着数据类，`asdict` 也把里面那个变成字典，外面的类不会把它重建出来。
    """

    @dataclasses.dataclass
    class Inner:
        rate: float

    @dataclasses.dataclass
    class Outer:
        inner: Inner
        path: str | Path

    whole = Outer(Inner(0.1), "runs/x.pt")
    parts = roundtrip(dataclasses.asdict(whole))
    assert parts == {"inner": {"rate": 0.1}, "path": "runs/x.pt"}
    assert Outer(**parts).inner == {"rate": 0.1}
    assert Outer(**parts) != whole
    assert Outer(**parts | {"inner": Inner(**parts["inner"])}) == whole
    path = Path("runs/x.pt")
    given = argparse.ArgumentParser()
    given.add_argument("--path", type=Path)
    holders = [
        dataclasses.asdict(Outer(Inner(0.1), path)),
        vars(given.parse_args(["--path", "runs/x.pt"])),
    ]
    for parts in over(holders, "dicts with a path | 个带路径的字典"):
        assert isinstance(parts["path"], Path)
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
            roundtrip(parts)
        assert roundtrip(parts | {"path": str(path)})["path"] == str(path)


def test_json_turns_keys_into_strings() -> None:
    """JSON turns keys that are numbers, booleans or `None` into strings, and takes no tuples as keys;
    `torch.save` keeps them as they are.

    字典的键若是数、布尔值或 `None`，JSON 会把它们变成字符串，元组则不收；`torch.save` 让它们保持原样。
    """
    for key in over((0, 7, -1, 0.5, True, None), "keys | 个键"):
        (turned,) = json.loads(json.dumps({key: "word"}))
        assert type(turned) is str
        (kept,) = roundtrip({key: "word"})
        assert type(kept) is type(key)
        assert kept == key
    with pytest.raises(TypeError, match="keys must be str"):
        json.dumps({(1, 2): "word"})
    assert roundtrip({(1, 2): "word"}) == {(1, 2): "word"}


def test_a_stop_costs_half_an_interval() -> None:
    """If a run that saves every n steps is as likely to stop after one step as after another, it loses
    (n − 1) / 2 steps on average.

    每 n 步保存一次的训练，若停在哪一步的可能性都一样，平均丢掉 (n − 1) / 2 步。
    """
    for every in over((1, 2, 5, 20, 50, 1000), "intervals | 种间隔"):
        lost = []
        for stop in range(every, 11 * every):
            kept = max(step for step in range(stop - every, stop + 1) if step % every == 0)
            lost.append(stop - kept)
        assert sum(lost) / len(lost) == (every - 1) / 2


def test_the_best_interval_is_youngs() -> None:
    """Where a save takes `save` seconds and a run stops every `gap` seconds on average, least time is lost by
    saving every √(2 · save · gap) seconds, if a save is short against that; half or twice as long loses a
    quarter more. This was also tried by simulation.

    存一次要 `save` 秒，训练平均每 `gap` 秒停一次，那么每隔 √(2 · save · gap) 秒保存一次，损失的时间最少，条件是存一次的时间远小于这个间隔；间隔减半或加倍，多损失四分之一。也用模拟试过。
    """
    lines = shown("saving_and_loading.how-often").output.splitlines()
    shares = {}
    for line in lines[:-1]:
        minutes, share = line.split(" minutes: ")
        shares[int(minutes)] = float(share.removesuffix("%"))
    assert list(shares) == [1, 5, 15, 60, 240]
    assert min(shares.values()) == shares[15]
    for minutes, share in shares.items():
        lost = 5 / (60 * minutes) + minutes / 2 / (24 * 60)
        assert share == pytest.approx(100 * lost, abs=0.06)
    assert lines[-1] == "least: 15 minutes"
    state = after("saving_and_loading.how-often")
    smallest = state.lost(state.least)
    for factor in (0.5, 2):
        assert state.lost(factor * state.least) == pytest.approx(1.25 * smallest)
    assert all(state.lost(f * state.least) > smallest for f in (0.1, 0.9, 1.1, 10))

    def simulated(save: float, gap: float, every: float) -> float:
        """The share of time that is not kept work, over a thousand stops at random moments."""
        draw = random.Random(0)
        times = [draw.expovariate(1 / gap) for _ in range(1000)]
        kept = sum(time // (every + save) * every for time in times)
        return 1 - kept / sum(times)

    settings = [(5, 86400), (1, 3600), (60, 86400 * 7), (2, 20000)]
    for save, gap in over(settings, "times of a save and a run | 组保存时间与停机间隔"):
        best = math.sqrt(2 * save * gap)
        found = simulated(save, gap, best)
        assert found == pytest.approx(save / best + best / 2 / gap, rel=0.1)
        for factor in (0.5, 2):
            assert simulated(save, gap, factor * best) == pytest.approx(1.25 * found, rel=0.06)
        for factor in (1 / 5, 5):
            assert simulated(save, gap, factor * best) > 1.5 * found


def test_broken_save_ruins_the_file_at_its_path() -> None:
    """A save that breaks off, in pickling or in writing, ruins the file at its path: it can no longer be
    loaded.

    保存中断，不论断在序列化时还是写入时，路径上原来的文件就毁了，再也读不出来。
    """
    checkpoint = {"net": nn.Linear(64, 64).state_dict(), "step": 5}
    with chdir_anew():
        for late in over((True, False), "places of an error in the dict | 种出错的位置"):
            torch.save(checkpoint, "checkpoint.pt")
            broken = {**checkpoint, "late": Breaks()} if late else {"early": Breaks(), **checkpoint}
            with pytest.raises(RuntimeError, match="broken off"):
                torch.save(broken, "checkpoint.pt")
            with pytest.raises(RuntimeError, match=r"^PytorchStreamReader failed"):
                torch.load("checkpoint.pt")
        whole = saved(checkpoint).getvalue()
        for cut in over(cut_files(whole), "lengths of what was written | 种已写出的长度"):
            Path("checkpoint.pt").write_bytes(cut.data)
            with pytest.raises((RuntimeError, OSError, EOFError, pickle.UnpicklingError)):
                torch.load("checkpoint.pt")


def test_replace_puts_the_new_file_in_place() -> None:
    """`os.replace` puts the complete new file in place of the old one; a program that is reading the old one can
    still read it to the end, and one that reads again and again always finds a complete file.

    `os.replace` 把写完的新文件换到旧文件的位置上；正在读旧文件的程序，仍能把旧内容读完，反复读取的程序每次读到的都是完整的文件。
    """
    with chdir_anew() as folder:
        torch.save({"step": 0}, "checkpoint.pt")
        for step in over(range(1, 9), "replacements | 次替换"):
            with open("checkpoint.pt", "rb") as old:
                torch.save({"step": step}, "checkpoint.tmp")
                assert torch.load("checkpoint.pt") == {"step": step - 1}
                os.replace("checkpoint.tmp", "checkpoint.pt")
                assert torch.load("checkpoint.pt") == {"step": step}
                assert torch.load(old) == {"step": step - 1}
            assert os.listdir(folder) == ["checkpoint.pt"]
        path, done, failed = os.path.abspath("checkpoint.pt"), threading.Event(), list[str]()

        def read() -> None:
            while not done.is_set():
                try:
                    torch.load(path)
                except Exception as error:
                    failed.append(repr(error))

        reader = threading.Thread(target=read)
        reader.start()
        for step in range(100):
            torch.save({"step": step}, "checkpoint.tmp")
            os.replace("checkpoint.tmp", path)
        done.set()
        reader.join()
        assert failed == []


def test_resumed_run_equals_the_uninterrupted_one() -> None:
    """Resumed with the optimiser's state, training in float32 ends as if it had never stopped, to the last bit; with a new Adam, it ends with another model.

    恢复优化器的状态，float32 的训练结果与没中断过的逐位一致；换成新的 Adam，就不同。
    """
    assert shown("saving_and_loading.checkpoint").output == "with optimizer: True\nwithout: False\n"
    state = after("saving_and_loading.checkpoint")
    torch.manual_seed(0)
    net = state.MLP()
    optimizer: Any = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(5):
        state.train_step(net, optimizer)
    with chdir_anew():
        checkpoint = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": 5}
        torch.save(checkpoint, "checkpoint.pt")
        resumed = state.resume(True)
    assert resumed is not state.net
    for _ in range(5):
        state.train_step(net, optimizer)
    assert torch.equal(bits(state.Y), bits(net(state.X)))
    for here, there in zip(resumed.parameters(), net.parameters(), strict=True):
        assert torch.equal(bits(here), bits(there))
    for kind in over(optimizers(), OPTIMISERS):
        torch.manual_seed(0)
        net = nn.Linear(4, 3)
        optimizer = kind(net.parameters(), lr=0.01)
        train(net, optimizer, steps=2)
        file = saved({"net": net.state_dict(), "optimizer": optimizer.state_dict()})
        train(net, optimizer, steps=2)
        loaded, again = torch.load(file), nn.Linear(4, 3)
        again.load_state_dict(loaded["net"])
        resumed = kind(again.parameters(), lr=0.01)
        resumed.load_state_dict(loaded["optimizer"])
        train(again, resumed, steps=2)
        assert torch.equal(bits(again.weight), bits(net.weight))


def test_new_adam_remembers_no_gradients() -> None:
    """Adam keeps moving averages of the gradients of each parameter and of their squares; a new one starts with none.

    Adam 为每个参数保存梯度的滑动平均和梯度平方的滑动平均，新创建的 Adam 里什么也没有。
    """
    state = after("saving_and_loading.checkpoint")
    kept = state.optimizer.state_dict()["state"]
    assert len(kept) == 4
    assert kept[0]["exp_avg"].shape == state.net.hidden.weight.shape
    assert kept[0]["exp_avg"].any()
    assert torch.optim.Adam(state.net.parameters()).state_dict()["state"] == {}
    for betas in over([(0.9, 0.999), (0.5, 0.75)], "weights of the old averages | 组旧平均的权重"):
        parameter, first, second = nn.Parameter(torch.zeros(3)), torch.zeros(3), torch.zeros(3)
        adam = torch.optim.Adam([parameter], betas=betas)
        for seed in range(4):
            gradient = torch.randn(3, generator=torch.Generator().manual_seed(seed))
            parameter.grad = gradient.clone()
            adam.step()
            first = betas[0] * first + (1 - betas[0]) * gradient
            second = betas[1] * second + (1 - betas[1]) * gradient**2
            assert torch.allclose(adam.state[parameter]["exp_avg"], first)
            assert torch.allclose(adam.state[parameter]["exp_avg_sq"], second)


def test_generator_state_is_a_tensor_to_save() -> None:
    """`torch.get_rng_state()` is a tensor: saved, loaded and set again, it gives the same draws. What a `torch.Generator` of your own draws, such as that of a loader, does not depend on it; its `get_state()` is a tensor, too, and `set_state` makes it go on from there.

    `torch.get_rng_state()` 就是个张量：保存、读回、再设回去，抽出的数就一样。自己的 `torch.Generator`（例如给 `DataLoader` 的）抽什么数与它无关；它的 `get_state()` 也是个张量，用 `set_state` 设回去，就从那里接着抽。
    """
    for seed in over(seeds(), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        state = roundtrip(torch.get_rng_state())
        assert type(state) is torch.Tensor
        drawn = torch.rand(3)
        assert not torch.equal(torch.rand(3), drawn)
        torch.set_rng_state(state)
        assert torch.equal(torch.rand(3), drawn)
        own = torch.Generator().manual_seed(seed)
        loader: Any = torch.utils.data.DataLoader(range(100), 10, shuffle=True, generator=own)
        before, kept = torch.get_rng_state(), roundtrip(own.get_state())
        assert type(kept) is torch.Tensor
        order = [rows.tolist() for rows in loader]
        torch.set_rng_state(before)
        assert [rows.tolist() for rows in loader] != order
        own.set_state(kept)
        assert [rows.tolist() for rows in loader] == order


# Summary


def test_a_checkpoint_put_in_place_is_whole() -> None:
    """Where a checkpoint is saved aside and put in place by `os.replace`, a failed save leaves the old one
    intact.

    检查点先存到别的路径，再用 `os.replace` 换上去：保存失败时，旧的那份仍然完好。
    """

    class Breaks:
        def __reduce__(self) -> Any:
            raise RuntimeError("broken off")

    net = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(net.parameters())

    def save(step: Any) -> None:
        value = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
        torch.save(value, "checkpoint.tmp")
        os.replace("checkpoint.tmp", "checkpoint.pt")

    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for step in (5, 6):
            save(step)
        with pytest.raises(RuntimeError, match="broken off"):
            save(Breaks())
        assert torch.load("checkpoint.pt")["step"] == 6


# Exercises


def test_load_state_dict_copies_the_numbers() -> None:
    """`load_state_dict` copies the numbers: training on leaves the loaded dict as it was.

    `load_state_dict` 复制的是数值：之后接着训练，加载用的字典不变。
    """
    for kind in over(optimizers(), OPTIMISERS):
        net = nn.Linear(4, 3)
        state = copy.deepcopy(net.state_dict())
        before = state["weight"].tolist()
        net.load_state_dict(state)
        train(net, kind(net.parameters(), lr=0.1))
        assert net.weight.tolist() != before
        assert state["weight"].tolist() == before


def test_entries_that_fit_load_with_gaps() -> None:
    """Entries whose names and shapes fit load with `strict=False`, without an error, even where another entry is missing.

    名字和形状都对得上的几项，用 `strict=False` 加载不会报错，缺了别的项也行。
    """
    for layer in over(trainable(), TRAINABLE):
        source = layer.make().state_dict()
        for value in source.values():
            value.fill_(3)
        for left_out in [*source][:2]:
            net = layer.make()
            net.load_state_dict({n: v for n, v in source.items() if n != left_out}, strict=False)
            now = net.state_dict()
            assert all(now[name].eq(3).all() for name in source if name != left_out)


def test_check_of_keeping_the_best_rejects_what_is_live() -> None:
    """The check takes the solution, and no state dict, shallow copy, parameters only or last one."""
    state = after("saving_and_loading.keep-best")
    assert shown("saving_and_loading.keep-best").output == "checked: the best of four, twice\n"

    class Live(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.lowest, self.state = float(loss), net.state_dict()

    class Shallow(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.lowest, self.state = float(loss), net.state_dict().copy()

    class ParametersOnly(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.lowest = float(loss)
                self.state = copy.deepcopy(dict(net.named_parameters()))

        def restore(self, net: nn.Module) -> None:
            net.load_state_dict(self.state, strict=False)

    class Last(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            self.state = copy.deepcopy(net.state_dict())

    class Previous(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.state = copy.deepcopy(net.state_dict())
            self.lowest = float(loss)

    class SameTensor(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.lowest, self.state = loss, copy.deepcopy(net.state_dict())

    class Assigning(state.Best):
        def restore(self, net: nn.Module) -> None:
            net.load_state_dict(self.state, assign=True)

    class Falsy(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if not getattr(self, "best", None) or loss < self.best:
                self.best, self.state = float(loss), copy.deepcopy(net.state_dict())

    class AllBuffers(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.lowest = float(loss)
                tensors = dict(net.named_parameters()) | dict(net.named_buffers())
                self.state = {name: value.clone() for name, value in tensors.items()}

    class TensorsOnly(state.Best):
        def see(self, net: nn.Module, loss: torch.Tensor) -> None:
            super().see(net, loss.item())

    class NumbersOnly(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            assert isinstance(loss, float)
            super().see(net, loss)

    state.check_keep_best(state.Best)
    wrong_ones = Live, Shallow, ParametersOnly, Last, Assigning, Previous, SameTensor, Falsy
    for wrong in wrong_ones:
        with pytest.raises(AssertionError):
            state.check_keep_best(wrong)
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"cache"'):
        state.check_keep_best(AllBuffers)
    for wrong in (TensorsOnly, NumbersOnly):
        with pytest.raises((AssertionError, AttributeError)):
            state.check_keep_best(wrong)


def test_checks_reject_plausible_wrong_solutions() -> None:
    """The checks of the exercises can fail, each on a mistake that somebody would make."""
    state = after("saving_and_loading.trimmed")

    def loads_all(saved: Any, net: nn.Module) -> Any:
        net.load_state_dict({k: v for k, v in saved.items() if "out." not in k}, strict=False)
        return {"loaded": list(saved), "resized": [], "missing": [], "unexpected": []}

    def half_written(saved: Any, net: nn.Module) -> Any:
        report = state.transplant(saved, net)
        nn.init.zeros_(net.out.bias)  # type: ignore[union-attr, arg-type]
        return report

    def transplants_if(fits: Callable[..., bool]) -> Callable[..., Any]:
        def transplant(saved: Any, net: nn.Module) -> Any:
            own = net.state_dict()
            report: dict[str, list[str]] = {"loaded": [], "resized": []}
            report["missing"] = [name for name in own if name not in saved]
            report["unexpected"] = [name for name in saved if name not in own]
            for name in saved.keys() & own.keys():
                kind = "loaded" if fits(saved[name], own[name]) else "resized"
                report[kind].append(name)
            return report

        return transplant

    def copies(value: torch.Tensor, into: torch.Tensor) -> bool:
        try:
            into.copy_(value)
        except RuntimeError:
            return False
        return True

    def as_many(value: torch.Tensor, into: torch.Tensor) -> bool:
        if fits := value.numel() == into.numel():
            into.copy_(value.view_as(into))
        return fits

    def same_shape(value: torch.Tensor, into: torch.Tensor) -> bool:
        return value.shape == into.shape and copies(value, into)

    def forgets_the_generator(path: str, net: Any, optimizer: Any) -> None:
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, path)

    def saves_the_averages_only(path: str, net: Any, optimizer: Any) -> None:
        state.save_run(path, net, optimizer)
        run = torch.load(path)
        fresh = torch.optim.Adam(net.parameters(), lr=0.01).state_dict()
        torch.save(
            run | {"optimizer": run["optimizer"] | {"param_groups": fresh["param_groups"]}}, path
        )

    def loads_without_generator(path: str, net: Any, optimizer: Any, forget: Any = None) -> None:
        run = torch.load(path)
        net.load_state_dict(run["net"])
        optimizer.load_state_dict(run["optimizer"])

    def straight_to_the_path(value: Any, path: str) -> None:
        file = io.BytesIO()
        torch.save(value, file)
        Path(path).write_bytes(file.getvalue())

    def leaves_a_file(value: Any, path: str) -> None:
        torch.save(value, f"{path}.tmp")
        os.replace(f"{path}.tmp", path)

    def moves_the_old_file_away(value: Any, path: str) -> None:
        if os.path.exists(path):
            os.replace(path, f"{path}.old")
        try:
            torch.save(value, path)
            os.remove(f"{path}.old") if os.path.exists(f"{path}.old") else None
        except BaseException:
            os.replace(f"{path}.old", path)
            raise

    def in_another_folder(value: Any, path: str) -> None:
        with tempfile.TemporaryDirectory() as elsewhere:
            torch.save(value, f"{elsewhere}/new.pt")
            os.replace(f"{elsewhere}/new.pt", path)

    def written(value: Any, temporary: str) -> str:
        file = io.BytesIO()
        torch.save(value, file)  # what fails leaves no file
        Path(temporary).write_bytes(file.getvalue())
        return temporary

    def in_the_current_folder(value: Any, path: str) -> None:
        os.replace(written(value, f"{os.path.basename(path)}.tmp"), path)

    def removes_first(value: Any, path: str) -> None:
        temporary = written(value, f"{path}.tmp")
        if os.path.exists(path):
            os.remove(path)
        os.replace(temporary, path)

    def by_keyword(value: Any, path: str) -> None:
        os.replace(src=written(value, f"{path}.tmp"), dst=path)

    def by_path(value: Any, path: str) -> None:
        target = Path(path).resolve()
        Path(written(value, f"{target}.tmp")).replace(target)

    def forgets_ctrl_c(value: Any, path: str) -> None:
        try:
            torch.save(value, f"{path}.tmp")
            os.replace(f"{path}.tmp", path)
        except Exception:
            os.remove(f"{path}.tmp")
            raise

    def clears_up_after_anything(value: Any, path: str) -> None:
        try:
            torch.save(value, f"{path}.tmp")
            os.replace(f"{path}.tmp", path)
        except BaseException:
            os.remove(f"{path}.tmp")
            raise

    def parameters_only(saved: Any, net: nn.Module) -> Any:
        own = dict(net.named_parameters())
        report: dict[str, list[str]] = {"missing": [name for name in own if name not in saved]}
        report["unexpected"] = [name for name in saved if name not in own]
        both = [name for name in saved if name in own]
        report["loaded"] = [name for name in both if same_shape(saved[name], own[name].data)]
        report["resized"] = [name for name in both if name not in report["loaded"]]
        return report

    def shares(saved: Any, net: nn.Module) -> Any:
        report = state.transplant(saved, net)
        for name, parameter in net.named_parameters():
            if name in report["loaded"]:
                parameter.data = saved[name]
        return report

    def assigns(saved: Any, net: nn.Module) -> Any:
        report = state.transplant(saved, net)
        fits = {name: saved[name].clone() for name in report["loaded"]}
        net.load_state_dict(fits, strict=False, assign=True)
        return report

    def empties_what_it_gets(saved: Any, net: nn.Module) -> Any:
        report = state.transplant(saved, net)
        for name in report["unexpected"]:
            del saved[name]
        return report

    def all_is_other(path: str) -> dict[str, int]:
        parts = state.explain(path)
        size = sum(parts.values())
        return {"numbers": parts["numbers"], "names": 0, "other": size - parts["numbers"], "zip": 0}

    def exchanged(path: str) -> dict[str, int]:
        parts = state.explain(path)
        return parts | {"names": parts["zip"], "zip": parts["names"]}

    def four_bytes_each(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        kept = state.trimmed(tensors)
        return kept | {"small": tensors["small"]}  # 4 bytes for each of 400 are more than 900

    def extremes_only(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return state.trimmed(tensors) | {name: tensors[name] for name in ("wide", "small")}

    def changes_what_it_gets(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        tensors.update(state.trimmed(tensors))
        return tensors

    def only_refused(payload: Any, **options: Any) -> list[str]:
        found = state.traces(payload, **options)
        return ["refused"] if "refused" in found else found

    def refused_first(payload: Any, **options: Any) -> list[str]:
        return sorted(state.traces(payload, **options), key=lambda word: word != "refused")

    class Stateless(state.Restores):
        def __init__(self) -> None:
            pass

    Stateless.__module__, Stateless.__qualname__ = "__main__", "Stateless"
    state.Stateless = Stateless  # type: ignore[attr-defined]

    class Appends(state.Calls):
        def __reduce__(self) -> Any:
            return state.ran.append, ("call",)

    def in_another_order(saved: Any, net: nn.Module) -> Any:
        return {kind: names[::-1] for kind, names in state.transplant(saved, net).items()}

    def whole_storages_too(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        kept = state.trimmed(tensors)
        return {n: t.clone() if n in ("left", "right") else t for n, t in kept.items()}

    right = {"MLP": 31784, "tied": 263168, "norm": 56}
    folder = tempfile.TemporaryDirectory()
    with folder, chdir(folder.name), mock.patch.dict(sys.modules, {"__main__": state}):
        state.check_size_explained(state.explain, right)
        for wrong in ({"tied": 2 * 263168}, {"norm": 48}, {"MLP": 31744}):
            with pytest.raises(AssertionError):
                state.check_size_explained(state.explain, right | wrong)
        for explains in (all_is_other, exchanged):
            with pytest.raises(AssertionError):
                state.check_size_explained(explains, right)
        with pytest.raises(AssertionError, match=r"^Stateless: \[\], not one trace"):
            state.check_runs_nothing(state.traces, state.Calls, Stateless)
        with pytest.raises(AssertionError, match=r"^Appends: \[\], not one trace"):
            state.check_runs_nothing(state.traces, Appends, state.Restores)
        with pytest.raises(AssertionError, match=r"^the rate is 0\.01, not 0\.02"):
            state.check_exact_resume(saves_the_averages_only, state.load_run)
        for check, solutions in [
            (state.check_transplant, [(loads_all,), (half_written,)]),
            (state.check_transplant, [(transplants_if(copies),), (transplants_if(as_many),)]),
            (state.check_exact_resume, [(forgets_the_generator, loads_without_generator)]),
            (state.check_atomic_save, [(torch.save,), (straight_to_the_path,), (leaves_a_file,)]),
            (state.check_atomic_save, [(moves_the_old_file_away,), (in_another_folder,)]),
            (state.check_atomic_save, [(in_the_current_folder,), (removes_first,)]),
            (state.check_atomic_save, [(forgets_ctrl_c,)]),
            (state.check_transplant, [(parameters_only,), (shares,), (assigns,)]),
            (state.check_transplant, [(empties_what_it_gets,)]),
            (state.check_trimmed, [(whole_storages_too,), (four_bytes_each,)]),
            (state.check_trimmed, [(extremes_only,), (changes_what_it_gets,)]),
            (state.check_runs_nothing, [(only_refused, state.Calls, state.Restores)]),
            (state.check_runs_nothing, [(refused_first, state.Calls, state.Restores)]),
            (state.check_runs_nothing, [(state.traces, int, state.Restores)]),
            (state.check_trimmed, [(dict,), (lambda t: {k: v.clone() for k, v in t.items()},)]),
        ]:
            for solution in solutions:
                with pytest.raises((AssertionError, pickle.UnpicklingError)):
                    check(*solution)
        state.check_transplant(in_another_order)
        state.check_transplant(transplants_if(same_shape))
        for right_one in (by_keyword, by_path, clears_up_after_anything):
            state.check_atomic_save(right_one)


def test_storage_address_tells_who_shares() -> None:
    """Views of one tensor have the same `untyped_storage().data_ptr()`; a clone has another.

    同一张量的各个视图，`untyped_storage().data_ptr()` 相同；`clone()` 出来的则不同。
    """
    big = after("saving_and_loading.view-trap").big
    assert big[:3].data_ptr() != big[-3:].data_ptr()
    table = torch.zeros(100, 100)
    whole = table.untyped_storage().data_ptr()
    for part in over(SLICES, "slices | 种切片"):
        assert table[part].untyped_storage().data_ptr() == whole
        assert table[part].clone().untyped_storage().data_ptr() != whole


def test_cloning_separates_what_was_shared() -> None:
    """A `clone()` of a slice has a storage of its own: it no longer shares memory with the tensor.

    切片的 `clone()` 有自己的存储区，不再与原张量共用内存。
    """
    for part in over(SLICES, "slices | 种切片"):
        table = torch.zeros(100, 100)
        kept, cloned = roundtrip([table[part], table[part].clone(), table])[:2]
        assert kept.untyped_storage().nbytes() == table.nbytes
        assert cloned.untyped_storage().nbytes() == cloned.nbytes < table.nbytes


def test_batch_norm_counts_batches_in_an_int64() -> None:
    """Besides its four vectors, a batch norm has a buffer that counts the batches, one int64.

    批量规范化除了四个向量，还有一个缓冲区用来数批次，是一个 int64。
    """
    assert "norm has 56 bytes" in shown("saving_and_loading.size-explained").output
    for kind in over((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), "classes | 个类"):
        state = kind(3).state_dict()
        vectors = [value for value in state.values() if value.shape == (3,)]
        assert (len(state), len(vectors)) == (5, 4)
        assert state["num_batches_tracked"].dtype == torch.int64
        assert state["num_batches_tracked"].numel() == 1
        norm, axes = kind(3), int(kind.__name__[-2])
        for count in range(1, 5):
            norm(torch.rand(5, 3, *[2] * axes))
            assert norm.num_batches_tracked == count
        norm.eval()(torch.rand(5, 3, *[2] * axes))
        assert norm.num_batches_tracked == 4


def test_storages_add_up_to_the_numbers_in_the_file() -> None:
    """The bytes of numbers in a file are those of the storages of its tensors, each counted once.

    文件里的数值占多少字节，等于各个存储区的字节数之和，每个只算一次。
    """
    state = after("saving_and_loading.size-explained")
    assert state.storage_bytes(state.tied.state_dict()) == 4 * (256 * 256 + 256)
    for layer in over(trainable(), TRAINABLE):
        net = layer.make()
        tensors = nn.Sequential(net, net).state_dict()
        assert sum(storages(saved(tensors))) == state.storage_bytes(tensors)


def test_building_a_layer_draws_numbers() -> None:
    """Building a layer with random weights draws them, and so moves the generator on: restore its state afterwards.

    创建带随机权重的层要抽随机数，随机数生成器的状态就变了，所以要在创建之后才恢复它。
    """
    random_weights = (
        "Linear Bilinear Embedding Conv1d Conv2d Conv3d RNN LSTM GRU MultiheadAttention"
    )
    drawing = [layer for layer in layers() if layer.cls.__name__ in random_weights.split()]
    for layer in over(drawing, LAYERS):
        before = torch.get_rng_state()
        nn.Dropout()
        assert torch.equal(torch.get_rng_state(), before)
        layer.make()
        assert not torch.equal(torch.get_rng_state(), before)


def test_numpy_and_python_have_their_own_generators() -> None:
    """NumPy and Python's `random` draw from generators of their own, which `torch.manual_seed` does not
    touch.

    NumPy 和 Python 的 `random` 各有自己的生成器，`torch.manual_seed` 管不到它们。
    """
    python, numpy = random.getstate(), repr(np.random.get_state())
    torch.manual_seed(1)
    torch.rand(3)
    assert random.getstate() == python
    assert repr(np.random.get_state()) == numpy
    before = torch.get_rng_state()
    random.random()
    np.random.rand()
    assert torch.equal(torch.get_rng_state(), before)


def test_states_of_other_generators_can_be_saved() -> None:
    """What `random.getstate()` returns passes the default loader and sets the generator back. What
    `np.random.get_state()` returns does not, since it holds an array; with `torch.from_numpy` of that array, it does.

    `random.getstate()` 返回的东西，默认的加载方式就能读，设回去就接着抽。`np.random.get_state()` 返回的里面有数组，读取时会被拒绝；
    把数组换成 `torch.from_numpy` 的结果，就能读。
    """
    kept = random.getstate(), np.random.get_state()
    try:
        for seed in over(seeds(8), "seeds | 个随机种子"):
            random.seed(seed)
            state = roundtrip(random.getstate())
            drawn = [random.random() for _ in range(5)]
            random.setstate(state)
            assert [random.random() for _ in range(5)] == drawn
            np.random.seed(seed)
            name, keys, *rest = np.random.get_state()
            with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
                roundtrip([name, keys, *rest])
            name, saved_keys, *rest = roundtrip([name, torch.from_numpy(keys), *rest])
            numbers = np.random.rand(5).tolist()
            np.random.set_state((name, saved_keys.numpy(), *rest))
            assert np.random.rand(5).tolist() == numbers
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])


def test_nadam_in_float64_does_not_resume_exactly() -> None:
    """An `NAdam` for float64 parameters keeps one number, `mu_product`, in float32; loading its state makes it a
    float64, and the resumed training ends with slightly other weights. With float32 parameters it ends with the same,
    and so does `Adam` with either.

    参数是 float64 时，`NAdam` 存着的 `mu_product` 却是 float32；加载状态时它变成 float64，接着训练，最后的权重略有不同。
    参数是 float32 时，结果逐位一致；换成 `Adam`，两种数据类型都逐位一致。
    """

    def resumed(kind: Any, dtype: torch.dtype) -> bool:
        def build() -> tuple[nn.Linear, torch.optim.Optimizer]:
            torch.manual_seed(0)
            net = nn.Linear(4, 3).to(dtype)
            return net, kind(net.parameters(), lr=0.01)

        def go_on(net: nn.Linear, optimizer: torch.optim.Optimizer) -> torch.Tensor:
            for _ in range(5):
                optimizer.zero_grad()
                (net(torch.ones(2, 4, dtype=dtype)) - 1).square().mean().backward()
                optimizer.step()
            return net.weight.detach().clone()

        old, new = build(), build()
        go_on(*old)
        for one, other in zip(old, new, strict=True):
            other.load_state_dict(roundtrip(one.state_dict()))
        if kind is torch.optim.NAdam:
            found = [
                optimizer.state_dict()["state"][0]["mu_product"] for _, optimizer in (old, new)
            ]
            assert [number.dtype for number in found] == [torch.float32, dtype]
        one, other = go_on(*old), go_on(*new)
        assert torch.allclose(one, other)
        return torch.equal(one, other)

    assert not resumed(torch.optim.NAdam, torch.float64)
    assert resumed(torch.optim.NAdam, torch.float32)
    assert resumed(torch.optim.Adam, torch.float64)
    assert resumed(torch.optim.Adam, torch.float32)


@pytest.mark.gpu(1)
def test_gpu_draws_from_a_generator_of_its_own() -> None:
    """The GPU has a generator of its own: drawing there leaves that of the CPU where it was.

    GPU 有自己的随机数生成器：在 GPU 上抽数，CPU 的生成器不动。
    """
    cpu, gpu = torch.get_rng_state(), torch.cuda.get_rng_state()
    torch.rand(3, device="cuda")
    assert torch.equal(torch.get_rng_state(), cpu)
    assert not torch.equal(torch.cuda.get_rng_state(), gpu)


def test_noisy_training_resumes_only_from_all_three() -> None:
    """Where training draws numbers, it resumes exactly only with model, optimiser and generator.

    训练要抽随机数时，模型、优化器、生成器三样的状态都恢复，才能分毫不差地接着跑。
    """
    assert shown("saving_and_loading.exact-resume").output.startswith("checked: ")
    state = after("saving_and_loading.exact-resume")
    with chdir_anew():
        for seed in over(seeds(3), "seeds | 个随机种子"):
            torch.manual_seed(seed)
            run = state.start()
            for _ in range(3):  # odd, and in another seed than the page
                state.epoch(*run)
            state.save_run("run.pt", *run)
            uninterrupted = state.two_epochs(*run)
            equal = {}
            for forget in (None, "optimizer", "rng"):
                torch.manual_seed(77)
                again = state.start()
                state.load_run("run.pt", *again, forget=forget)
                equal[forget] = torch.equal(state.two_epochs(*again), uninterrupted)
            assert equal == {None: True, "optimizer": False, "rng": False}
            assert set(torch.load("run.pt")) == {"net", "optimizer", "rng"}


def test_default_loader_refuses_before_it_calls() -> None:
    """The default loader checks a name before it calls anything by it: what it refuses has not been called,
    though what is permitted and comes before it has.

    默认的加载方式先检查名字，再按名字调用：它拒绝的都没有调用过，排在前面、得到许可的则已经执行。
    """
    state = after("saving_and_loading.runs-nothing")
    in_the_section = mock.patch.dict(sys.modules, {"__main__": state})
    with chdir_anew() as folder, in_the_section:
        for payload, word in [(state.Calls(), "call"), (state.Restores(), "restore")]:
            assert state.traces(payload, weights_only=False) == [word]
            assert state.traces(payload) == ["refused"]
        assert state.traces([1, "harmless"]) == []
        with safe_globals([state.Restores]):
            assert state.traces([state.Restores(), state.Calls()]) == ["restore", "refused"]
        armed: list[tuple[Any, ...]] = [
            (print, "ran"),
            (os.mkdir, "ran"),
            (exec, "import os; os.mkdir('ran')"),
            (state.leave_trace, "ran"),
        ]
        for function, *given in over(armed, FUNCTIONS):
            with redirect_stdout(io.StringIO()) as output:
                assert state.traces(Calls(function, *given)) == ["refused"]
            assert output.getvalue() == ""
        assert os.listdir(folder) == ["payload.pt"]


def test_an_object_without_a_state_is_not_restored() -> None:
    """`__setstate__` is not called for an object without attributes, and is called for one that has some. The method
    `append` of a list is saved with a copy of the list: loading appends to the copy.

    对象没有属性，`__setstate__` 就不会被调用；有属性，就会。列表的 `append` 方法会连同列表的副本一起存下：加载时加进去的是副本。
    """
    state = after("saving_and_loading.runs-nothing")

    class Empty(state.Restores):
        def __init__(self) -> None:
            pass

    with chdir_anew(), program(Empty=Empty, **vars(state)):
        Empty.__qualname__, Empty.__module__ = "Empty", "__main__"
        assert vars(state.Restores())
        assert state.traces(state.Restores(), weights_only=False) == ["restore"]
        assert not vars(Empty())
        assert state.traces(Empty(), weights_only=False) == []
        assert state.traces(Calls(state.ran.append, "call"), weights_only=False) == []
        assert state.traces(Calls(state.leave_trace, "call"), weights_only=False) == ["call"]


def test_trimmed_takes_the_cheaper_way_for_each_storage() -> None:
    """The solution clones what shows little of its storage, and leaves the rest shared."""
    state = after("saving_and_loading.trimmed")
    assert shown("saving_and_loading.trimmed").output.startswith("checked: ")
    base, other = torch.arange(12.0).reshape(3, 4), torch.arange(1000)
    value = {"t": base.t(), "last": other[-2:], "base": base, "wide": torch.ones(1).expand(500)}
    result = state.trimmed(value)
    assert list(result) == list(value)
    assert all(torch.equal(result[name], value[name]) for name in value)
    assert all(result[name] is value[name] for name in ("t", "base", "wide"))
    assert result["last"].untyped_storage().nbytes() == 16
    assert value["last"].untyped_storage().nbytes() == 8000  # the original is as it was
    assert result["last"].dtype == torch.int64
    assert state.trimmed({}) == {}


def test_two_halves_that_show_all_of_a_storage_are_left_shared() -> None:
    """Where the tensors together show a whole storage, cloning would save nothing."""
    trimmed = after("saving_and_loading.trimmed").trimmed
    x = torch.arange(10)
    halves = {"a": x[:5], "b": x[5:]}
    assert trimmed(halves)["a"] is halves["a"]
    assert trimmed({"a": x[:5]})["a"] is not halves["a"]


def test_atomic_save_keeps_the_old_file_when_anything_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether pickling, the disk or the swap fails: the old file is whole, and no other is left."""
    state = after("saving_and_loading.atomic-save")
    *failed, checked = shown("saving_and_loading.atomic-save").output.splitlines()
    assert failed == ["raised: RuntimeError", "raised: KeyboardInterrupt"]
    assert checked == "checked: step 2 is still there, nothing else"
    path = tmp_path / "kept.pt"
    state.save_atomically({"x": torch.arange(1000)}, path)
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error):
            state.save_atomically([torch.zeros(1000), state.Breaks(error)], path)
    for call in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, mock.Mock(side_effect=OSError("no space left")))
            with pytest.raises(OSError, match="no space left"):
                state.save_atomically({"x": 0}, path)
    assert torch.equal(torch.load(path)["x"], torch.arange(1000))
    assert os.listdir(tmp_path) == ["kept.pt"]
    state.save_atomically({"x": 1}, path)
    assert torch.load(path) == {"x": 1}


def test_atomic_save_reaches_the_disk_before_the_swap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are flushed to the disk first, and the file is complete when it is swapped in."""
    state = after("saving_and_loading.atomic-save")
    order: list[str] = []
    replace, fsync = os.replace, os.fsync

    def note_fsync(descriptor: int) -> None:
        order.append("fsync")
        fsync(descriptor)

    def note_replace(source: str, target: Path) -> None:
        order.append("replace")
        assert torch.load(source) == {"x": 1}
        assert Path(source).parent == Path(target).parent
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    state.save_atomically({"x": 1}, tmp_path / "x.pt")
    assert order == ["fsync", "replace"]


def test_an_atomic_save_replaces_links_and_permissions() -> None:
    """The solution replaces a symbolic link and leaves the file that it points to as it was; the new file has default
    permissions (tried where files have an owner's mode); a file `path.tmp` that was there before is gone, also after a
    save that failed.

    参考答案会换掉符号链接本身，链接指向的文件不变；新文件用的是默认权限（在文件带权限位的系统上试过）；原来就有的 `path.tmp`
    没有了，保存失败时也一样。
    """
    state = after("saving_and_loading.atomic-save")
    with chdir_anew():
        torch.save(1, "real.pt")
        os.symlink("real.pt", "link.pt")
        state.save_atomically(2, "link.pt")
        assert not os.path.islink("link.pt")
        assert (torch.load("link.pt"), torch.load("real.pt")) == (2, 1)
        Path("new.pt").touch()
        default = os.stat("new.pt").st_mode
        if os.name == "posix":
            os.chmod("real.pt", 0o600)
            assert os.stat("real.pt").st_mode != default
        state.save_atomically(3, "real.pt")
        assert os.stat("real.pt").st_mode == default
        for value in (4, Breaks()):
            Path("real.pt.tmp").write_text("of somebody else")
            with contextlib.suppress(RuntimeError):
                state.save_atomically(value, "real.pt")
            assert not os.path.exists("real.pt.tmp")
        assert torch.load("real.pt") == 4


def test_size_of_a_file_is_explained_to_the_byte(tmp_path: Path) -> None:
    """Numbers, names, other entries and zip add up; the numbers are the storages, each once."""
    state = after("saving_and_loading.size-explained")
    assert shown("saving_and_loading.size-explained").output.splitlines() == [
        "checked: MLP has 31,784 bytes",
        "checked: tied has 263,168 bytes",
        "checked: norm has 56 bytes",
    ]
    path = tmp_path / "x.pt"
    x = torch.zeros(100, dtype=torch.float64)
    for value, expected in [
        ({"slice": x[:3]}, 800),
        ({"a": x, "b": x, "c": x[5:]}, 800),
        ({"a": x, "b": x.clone()}, 1600),
        (nn.Linear(7, 5).half().state_dict(), 2 * 40),
    ]:
        torch.save(value, path)
        parts = state.explain(path)
        assert sum(parts.values()) == path.stat().st_size
        assert parts["numbers"] == state.storage_bytes(value) == expected
        assert all(part > 0 for part in parts.values())


def test_transplant_loads_what_fits_and_reports_the_rest() -> None:
    """The solution loads by name and shape; every name of either side is in exactly one list."""
    state = after("saving_and_loading.transplant")
    assert shown("saving_and_loading.transplant").output.startswith("checked: ")
    source = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    target = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 5), nn.Linear(5, 1))
    source.state_dict()["1.running_mean"].fill_(7)
    before = {name: value.clone() for name, value in target.state_dict().items()}
    old = source.state_dict() | {"old.bias": torch.ones(1)}
    report = state.transplant(old, target)
    assert report["resized"] == ["2.weight", "2.bias"]
    assert report["missing"] == ["3.weight", "3.bias"]
    assert report["unexpected"] == ["old.bias"]
    names = [name for kind in report.values() for name in kind]
    assert sorted(names) == sorted({*old, *before})
    now = target.state_dict()
    assert all(torch.equal(now[name], old[name]) for name in report["loaded"])
    assert "1.running_mean" in report["loaded"]  # buffers too
    rest = report["resized"] + report["missing"]
    assert all(torch.equal(now[name], before[name]) for name in rest)


def test_transplant_between_equal_models_loads_all_and_between_strangers_nothing() -> None:
    """Same architecture: everything is loaded. Nothing in common: nothing is, and nothing raises."""
    state = after("saving_and_loading.transplant")
    twin = state.MLP()
    report = state.transplant(state.net.state_dict(), twin)
    assert (report["resized"], report["missing"], report["unexpected"]) == ([], [], [])
    assert torch.equal(twin(state.X), state.net(state.X))
    assert state.transplant(state.net.state_dict(), nn.Linear(2, 2))["loaded"] == []


def test_noisy_training_depends_on_the_random_numbers() -> None:
    """The training of the exercise draws: the same start with another seed ends elsewhere."""
    state = after("saving_and_loading.noisy-training")
    ends = []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        net, optimizer = state.start()
        torch.manual_seed(seed)
        state.epoch(net, optimizer)
        ends.append(net[0].weight.detach().clone())
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_armed_file_makes_no_folder_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that would make a folder does so in the unsafe loader, and not in the default one."""
    state = after("saving_and_loading.runs-nothing")
    assert shown("saving_and_loading.runs-nothing").output.startswith("checked: ")
    monkeypatch.chdir(tmp_path)

    class Builds:
        def __init__(self) -> None:
            self.folder = "made-by-the-file"

        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (self.folder,)

    assert state.traces(Builds()) == ["refused"]
    assert not Path("made-by-the-file").exists()
    state.traces(Builds(), weights_only=False)
    assert Path("made-by-the-file").is_dir()


def test_the_fixes_for_files_work() -> None:
    """Each fix that the index of errors gives for 5.5 was tried: code written that way runs.

    报错索引里 5.5 的改法都试过：照着写的代码都能运行。
    """
    state = after("saving_and_loading.other-names")
    net, MLP, Renamed, X = state.net, state.MLP, state.RenamedMLP, state.X

    def look_where_you_are() -> bool:
        whole = os.path.join(os.getcwd(), "mlp.pt")
        return "mlp.pt" in os.listdir() and torch.load(whole).keys() == net.state_dict().keys()

    def make_the_folder() -> bool:
        os.makedirs("runs", exist_ok=True)
        torch.save(X, "runs/y.pt")
        return torch.equal(torch.load("runs/y.pt"), X)

    def the_folder_of_the_user() -> bool:
        with mock.patch.dict(os.environ, HOME=os.getcwd(), USERPROFILE=os.getcwd()):
            with pytest.raises(RuntimeError, match="Parent directory ~ does not exist"):
                torch.save(X, "~/home.pt")
            torch.save(X, os.path.expanduser("~/home.pt"))
        return torch.equal(torch.load("home.pt"), X)

    def rename_the_keys() -> bool:
        found, renamed = torch.load("mlp.pt"), Renamed()
        for end in ("weight", "bias"):
            found[f"output.{end}"] = found.pop(f"out.{end}")
        renamed.load_state_dict(found)
        return torch.equal(renamed(X), net(X))

    def sizes_of_the_file_or_leave_out() -> bool:
        found, wide = torch.load("mlp.pt"), MLP()
        wide.out = nn.Linear(256, 12)
        for end in ("weight", "bias"):
            del found[f"out.{end}"]
        wide.load_state_dict(found, strict=False)
        return torch.equal(wide.hidden.weight, net.hidden.weight)

    def load_then_build_then_fill() -> bool:
        other = MLP()
        other.load_state_dict(torch.load("mlp.pt"))
        return torch.equal(other.eval()(X), net(X))

    def load_the_part() -> bool:
        other, checkpoint = MLP(), {"net": net.state_dict(), "step": 5}
        other.load_state_dict(checkpoint["net"])
        return torch.equal(other(X), net(X))

    def take_the_prefix_off_or_save_inside() -> bool:
        wrapper, other = nn.DataParallel(net), MLP()
        found = {
            name.removeprefix("module."): value for name, value in wrapper.state_dict().items()
        }
        other.load_state_dict(found)
        return torch.equal(other(X), net(X)) and list(wrapper.module.state_dict()) == list(found)

    def same_parameters_or_a_new_one() -> bool:
        inner = MLP()
        inner(X).sum().backward()
        one, two, new = (torch.optim.Adam(inner.parameters()) for _ in range(3))
        one.step()
        two.load_state_dict(one.state_dict())
        weight = inner.out.weight
        same = torch.equal(two.state[weight]["exp_avg"], one.state[weight]["exp_avg"])
        two.step()
        new.step()
        return same

    def load_into_the_model_inside() -> bool:
        wrapper = nn.DataParallel(MLP())
        with pytest.raises(RuntimeError, match=r'Missing key\(s\) in state_dict: "module\.'):
            wrapper.load_state_dict(net.state_dict())
        wrapper.module.load_state_dict(net.state_dict())
        return torch.equal(wrapper.module(X), net(X))

    def compute_in_forward() -> bool:
        class Scaled(nn.Linear):
            def __init__(self, early: bool) -> None:
                super().__init__(20, 2)
                if early:
                    self.scaled = self.weight * 2

            def forward(self, X: torch.Tensor) -> torch.Tensor:
                return X @ (self.weight * 2).T

        with pytest.raises(RuntimeError, match="support the deepcopy protocol"):
            copy.deepcopy(Scaled(early=True))
        late = Scaled(early=False)
        return torch.equal(copy.deepcopy(late)(X), late(X))

    def same_groups_or_a_new_one() -> bool:
        one = MLP()
        one(X).sum().backward()

        def grouped() -> torch.optim.Adam:
            rates = {one.hidden: 0.1, one.out: 0.01}
            return torch.optim.Adam(
                [{"params": part.parameters(), "lr": lr} for part, lr in rates.items()]
            )

        first, second, single = grouped(), grouped(), torch.optim.Adam(one.parameters())
        first.step()
        with pytest.raises(ValueError, match="a different number of parameter groups"):
            single.load_state_dict(first.state_dict())
        second.load_state_dict(first.state_dict())
        weight = one.out.weight
        same = torch.equal(first.state[weight]["exp_avg"], second.state[weight]["exp_avg"])
        second.step()
        single.step()
        return same

    def define_or_import_the_class() -> bool:
        own = "import torch\nclass MLP(torch.nn.Linear):\n    pass\n"
        load = "import torch\nnet = torch.load('net.pt', weights_only=False)\n"
        kept = load + "torch.save(net.state_dict(), 'state.pt')\n"
        imports = f"import sys\nsys.path.insert(0, '')\nfrom {MODELS} import MLP\n"
        Path(f"{MODELS}.py").write_text(own)

        def run(code: str) -> None:
            Path("script.py").write_text(code)
            with mock.patch.dict(sys.modules), mock.patch.object(sys, "path", [*sys.path]):
                runpy.run_path("script.py", run_name="__main__")

        run(own + "torch.save(MLP(20, 2), 'net.pt')\n")
        with pytest.raises(AttributeError, match="Can't get attribute 'MLP' on <module '__main__'"):
            run(load)
        for first in (own, imports):
            Path("state.pt").unlink(missing_ok=True)
            run(first + kept)
            assert list(torch.load("state.pt")) == ["weight", "bias"]
        return True

    def save_the_state_dict() -> bool:
        return list(roundtrip(net.state_dict())) == list(net.state_dict())

    def name_the_classes_of_a_trusted_file() -> bool:
        file = saved(nn.Sequential(nn.Linear(2, 1), nn.ReLU()))
        named: list[Any] = []
        while True:  # each message names one class
            file.seek(0)
            try:
                with safe_globals(named):
                    found = torch.load(file)
            except pickle.UnpicklingError as error:
                (name,) = re.findall(r"GLOBAL (\S+) was not", str(error))
                named_now = pydoc.locate(name)
                assert named_now not in named
                named.append(named_now)
            else:
                return isinstance(found, nn.Sequential) and len(named) > 1

    def load_what_no_list_allows() -> bool:
        module: Any = nn.Identity()
        module.history = collections.defaultdict(list, loss=[1.0])
        file = saved(module)
        with (
            safe_globals([nn.Identity, collections.defaultdict, list]),
            pytest.raises(pickle.UnpicklingError, match="Can only SETITEM for dict"),
        ):
            torch.load(file)
        file.seek(0)
        return bool(torch.load(file, weights_only=False).history["loss"] == [1.0])

    def module_under_its_old_name() -> bool:
        models: Any = types.ModuleType("models")
        models.Net = type("Net", (nn.Linear,), {"__module__": "models"})
        with mock.patch.dict(sys.modules, models=models):
            found = torch.load(saved(models.Net(20, 2)), weights_only=False)
        return list(roundtrip(found.state_dict())) == ["weight", "bias"]

    def float_of_the_number() -> bool:
        return bool(roundtrip({"accuracy": float(np.mean([1, 0, 1, 1]))})["accuracy"] == 0.75)

    def map_to_the_cpu_then_move() -> bool:
        with mock.patch("torch.serialization.location_tag", return_value="cuda:99"):
            file = saved(net.state_dict())
        other = MLP()
        other.load_state_dict(torch.load(file, map_location="cpu"))
        return all(p.is_meta for p in other.to("meta").parameters())

    def write_aside_then_replace() -> bool:
        torch.save(X, "new.pt")
        os.replace("new.pt", "last.pt")
        return torch.equal(torch.load("last.pt"), X) and os.path.getsize("last.pt") > 0

    def look_at_the_first_line() -> bool:
        Path("page.pt").write_text("<html>404: not found</html>")
        for options in ({}, {"weights_only": False}):
            with pytest.raises(pickle.UnpicklingError):
                torch.load("page.pt", **options)
        return Path("page.pt").read_text().startswith("<html>")

    def go_on_with_the_model() -> bool:
        fresh = MLP()
        fresh.load_state_dict(torch.load("mlp.pt"))
        fresh.seen = fresh(X).detach()
        copied = copy.deepcopy(nn.DataParallel(fresh).module)
        return torch.equal(copied.out.weight, net.out.weight) and not copied.eval().training

    def back_to_the_start() -> bool:
        file = io.BytesIO()
        torch.save(X, file)
        with pytest.raises(EOFError):
            torch.load(file)
        file.seek(0)
        return torch.equal(torch.load(file), X)

    def load_the_rest_of_what_no_list_allows() -> bool:
        loaded = []
        for rows in [1], [1, 2]:
            file = saved(collections.deque(rows))
            told = (
                r"Can only (append to|extend) lists"  # which, depends on the length and on PyTorch
            )
            refused = pytest.raises(pickle.UnpicklingError, match=told)
            with safe_globals([collections.deque]), refused:
                torch.load(file)
            file.seek(0)
            loaded.append(list(torch.load(file, weights_only=False)))
        return loaded == [[1], [1, 2]]

    def state_dict_of_a_model_or_method() -> bool:
        for wrong in (net, net.state_dict):
            with pytest.raises(TypeError, match=r"Expected state_dict to be dict-like"):
                MLP().load_state_dict(wrong)
        MLP().load_state_dict(net.state_dict())
        return True

    fixes = (
        *(back_to_the_start, load_the_rest_of_what_no_list_allows, state_dict_of_a_model_or_method),
        *(go_on_with_the_model, the_folder_of_the_user, load_into_the_model_inside),
        *(compute_in_forward, same_groups_or_a_new_one, define_or_import_the_class),
        *(look_where_you_are, make_the_folder, rename_the_keys, sizes_of_the_file_or_leave_out),
        *(load_then_build_then_fill, load_the_part, take_the_prefix_off_or_save_inside),
        *(same_parameters_or_a_new_one, save_the_state_dict),
        *(name_the_classes_of_a_trusted_file, load_what_no_list_allows),
        *(module_under_its_old_name, float_of_the_number),
        *(map_to_the_cpu_then_move, write_aside_then_replace, look_at_the_first_line),
    )
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        torch.save(net.state_dict(), "mlp.pt")
        for works in over(fixes, "fixes | 种改法"):
            assert works()


def test_compile_puts_a_prefix_before_each_name() -> None:
    """`torch.compile(net)` returns a wrapper that keeps the model in its attribute `_orig_mod`, as its source
    says (which was read and not run, since importing it takes seconds), so each name in its state dict begins
    with `_orig_mod.`; taking the prefix off makes the names fit again.

    `torch.compile(net)` 返回一层包装，源码里写着它把模型放在属性 `_orig_mod` 里（只读了源码，没有运行，因为导入它要好几秒），
    所以状态字典里的每个名字都以 `_orig_mod.` 开头；去掉这个前缀，名字就对得上了。
    """
    source = Path(torch.__file__).parent / "_dynamo" / "eval_frame.py"
    (wrapper,) = (
        node
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name == "OptimizedModule"
    )
    (init,) = (
        node
        for node in wrapper.body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    assert "self._orig_mod = mod" in map(ast.unparse, init.body)
    for layer in over(trainable(), TRAINABLE):
        net, outer = layer.make(), nn.Module()
        outer._orig_mod = net
        state = outer.state_dict()
        assert list(state) == [f"_orig_mod.{name}" for name in net.state_dict()]
        consume_prefix_in_state_dict_if_present(state, "_orig_mod.")
        assert str(layer.make().load_state_dict(state)) == "<All keys matched successfully>"


def test_the_model_inside_has_no_prefix() -> None:
    """The state dict of `net` has no prefix, also after `torch.compile(net)`, whose own has `_orig_mod.`; nor has it
    after `net.compile()`, which returns nothing and leaves the class as it is.

    `net` 自己的状态字典没有前缀，调用过 `torch.compile(net)` 也一样，有 `_orig_mod.` 的是它返回的那个；`net.compile()` 之后也没有，它什么也不返回，类也没变。
    """
    for layer in over(trainable(), TRAINABLE):
        net = layer.make()
        names = list(net.state_dict())
        wrapper = torch.compile(net)
        assert isinstance(wrapper, nn.Module)
        assert list(wrapper.state_dict()) == [f"_orig_mod.{name}" for name in names]
        assert list(net.state_dict()) == names
        net.compile()
        assert type(net) is layer.cls
        assert list(net.state_dict()) == names


def test_each_check_that_a_solution_calls_says_so() -> None:
    assert silent("saving_and_loading") == []
