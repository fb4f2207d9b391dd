"""Proves what the page on reading and writing files says."""

import copy
import io
import os
import pickle
import random
import re
import sys
import tempfile
import types
import warnings
import zipfile
from collections import OrderedDict
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from proven.testing import after, shown


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
    return [size for name, size in inside.items() if name.startswith("data/")]


def printed_while(action: Any) -> str:
    """Return what an action prints."""
    with redirect_stdout(io.StringIO()) as output:
        action()
    return output.getvalue()


def numbers_in(text: str) -> list[float]:
    """Return the numbers behind the colons of some lines."""
    return [float(found) for found in re.findall(r": ([\d.]+)$", text, re.M)]


# The problem at the top


def test_kept_weights_were_the_last_ones() -> None:
    """`best = net.state_dict()` in a training loop holds the weights of the last step in the end.

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
    for dtype in (torch.int64, torch.float16, torch.bool):
        x = torch.arange(4).to(dtype)
        loaded = roundtrip(x)
        assert torch.equal(loaded, x)
        assert loaded.dtype == dtype


def test_loaded_tensor_is_a_new_one() -> None:
    """Loading makes a new tensor: writing to it does not touch the one that was saved.

    读回来的是新张量：改它，不影响当初保存的那个。
    """
    state = after("saving_and_loading.tensor")
    assert state.x2.tolist() == [100, 1, 2, 3]
    assert state.x.tolist() == [0, 1, 2, 3]
    assert state.x2.data_ptr() != state.x.data_ptr()


def test_list_of_tensors_comes_back_in_order() -> None:
    """A list of tensors comes back as a list, in its order and each with its own dtype.

    存进去的是张量列表，读回来仍是列表，次序和各自的数据类型都不变。
    """
    assert shown("saving_and_loading.list").output == (
        "tensor([0, 1, 2, 3]) torch.int64\ntensor([0., 0., 0., 0.]) torch.float32\n"
    )
    loaded = roundtrip([torch.arange(4), torch.zeros(4)])
    assert type(loaded) is list
    assert [value.dtype for value in loaded] == [torch.int64, torch.float32]


def test_dict_of_tensors_keeps_its_keys() -> None:
    """A dict of tensors comes back with its keys, in their order.

    存进去的是张量字典，读回来键和次序都不变。
    """
    state = after("saving_and_loading.dict")
    assert list(state.mydict) == ["x", "y"]
    assert torch.equal(state.mydict["x"], state.x)
    assert list(roundtrip({"y": state.y, "x": state.x})) == ["y", "x"]


def test_path_is_not_part_of_the_file() -> None:
    """The string given to `torch.save` is only a path: a renamed file is found under its new path only.

    传给 `torch.save` 的字符串只是路径：文件改了名，只能用新路径来读。
    """
    lines = shown("saving_and_loading.dict").output.splitlines()
    assert lines[:2] == ["keys: ['x', 'y']", "keys: ['x', 'y']"]
    missing = shown("saving_and_loading.dict").errors[0].text
    assert missing == "FileNotFoundError: [Errno 2] No such file or directory: 'mydict.pt'"
    assert roundtrip({"x": 1}) == {"x": 1}  # a file object has no name at all


def test_suffix_of_a_file_means_nothing() -> None:
    """The suffix is only a habit: `.pt`, `.pth`, another one or none make no difference to loading.

    后缀只是习惯：`.pt`、`.pth`、换成别的，或者不写，读取都一样。
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in ("x.pt", "x.pth", "mlp.params", "x-file"):
            torch.save(torch.arange(4), Path(folder, name))
            assert zipfile.is_zipfile(Path(folder, name))
            assert torch.load(Path(folder, name)).tolist() == [0, 1, 2, 3]


def test_relative_path_lands_in_the_working_directory() -> None:
    """With a relative path `torch.save` writes to the current working directory.

    路径若是相对路径，`torch.save` 就写到当前工作目录。
    """
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        torch.save(1, "x.pt")
        assert os.listdir(folder) == ["x.pt"]


def test_save_overwrites_without_asking() -> None:
    """`torch.save` replaces a file that is there already, without an error or a warning.

    路径上已经有文件时，`torch.save` 直接覆盖，不报错，也不警告。
    """
    lines = shown("saving_and_loading.dict").output.splitlines()
    assert lines[2] == "x.pt now holds: tensor([0., 0., 0., 0.])"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.pt")
        torch.save(torch.arange(4), path)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
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
    assert storages(saved(torch.zeros(10_000)[:3])) == [40_000]


def test_loaded_view_keeps_its_whole_storage() -> None:
    """A slice that was loaded from a file still holds all the memory of the tensor it was cut from.

    切片读回来以后，仍然占着原张量的整个存储区。
    """
    output = shown("saving_and_loading.view-trap").output
    assert "tensor([0., 0., 0.])" in output
    assert output.endswith("bytes in memory: 4000000\n")
    loaded = roundtrip(torch.zeros(10_000)[:3])
    assert loaded.shape == (3,)
    assert loaded.untyped_storage().nbytes() == 40_000


def test_clone_saves_only_what_it_shows() -> None:
    """`clone()` copies only what a slice shows, and only that is then saved.

    `clone()` 只复制切片看得见的部分，存下的也就只有这些。
    """
    output = shown("saving_and_loading.view-trap").output
    assert int(re.findall(r"clone: +([\d,]+) kB", output)[0]) < 10
    assert storages(saved(torch.zeros(10_000)[:3].clone())) == [12]


def test_shared_memory_survives_in_one_file() -> None:
    """Tensors that share memory when they are saved in one file share it again when loaded.

    存进同一个文件时共用内存的张量，读回来仍然共用。
    """
    state = after("saving_and_loading.shared-refs")
    assert state.loaded["row"].data_ptr() == state.loaded["table"].data_ptr()
    state.loaded["row"][0] = 5
    assert state.loaded["table"][0].tolist() == [5, 7, 7]


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
    table = torch.zeros(2, 3)
    loaded, row = roundtrip(table), roundtrip(table[0])
    loaded += 7
    assert not row.any()


def test_tied_parameters_are_stored_once() -> None:
    """Tied parameters are written to a file once, and share memory again when they are loaded.

    绑定的参数在文件里只存一份，读回来仍然共用内存。
    """
    tie = nn.Linear(64, 64)
    tied, untied = nn.Sequential(tie, tie), nn.Sequential(tie, nn.Linear(64, 64))
    sizes = [len(saved(net.state_dict()).getvalue()) for net in (tied, untied)]
    assert sizes[0] < 0.6 * sizes[1]
    loaded = roundtrip(tied.state_dict())
    assert loaded["0.weight"].data_ptr() == loaded["1.weight"].data_ptr()


# 5.5.2 Model parameters


def test_file_of_a_state_dict_holds_no_code() -> None:
    """The file of a state dict holds plain tensors by name, and neither the class nor its code.

    状态字典存成的文件里，是按名字排好的普通张量；没有类，也没有代码。
    """
    assert shown("saving_and_loading.round-trip").output.splitlines()[:4] == [
        "hidden.weight (256, 20)",
        "hidden.bias (256,)",
        "out.weight (10, 256)",
        "out.bias (10,)",
    ]
    file = saved(after("saving_and_loading.round-trip").net.state_dict())
    assert b"MLP" not in file.getvalue()
    assert b"forward" not in file.getvalue()
    assert all(type(value) is torch.Tensor for value in torch.load(file).values())


def test_loaded_model_computes_the_same() -> None:
    """A new model computes something else; once it has loaded the state dict, the very same.

    新造的模型算出来的不一样；加载了状态字典以后，逐位一致。
    """
    assert shown("saving_and_loading.round-trip").output.endswith(
        "before loading: False\n<All keys matched successfully>\nafter loading: True\n"
    )
    state = after("saving_and_loading.round-trip")
    fresh = state.MLP()
    assert not torch.equal(fresh(state.X), state.net(state.X))
    fresh.load_state_dict(roundtrip(state.net.state_dict()))
    assert torch.equal(fresh(state.X), state.net(state.X))


def test_load_state_dict_writes_into_existing_parameters() -> None:
    """`load_state_dict` writes into the existing parameters: an optimiser goes on holding these objects.

    `load_state_dict` 把数值写进现有的参数：对象还是原来那些，优化器手里的也还是它们。
    """
    state = after("saving_and_loading.round-trip")
    fresh = state.MLP()
    optimizer = torch.optim.SGD(fresh.parameters(), lr=0.1)
    weight = fresh.hidden.weight
    fresh.load_state_dict(state.net.state_dict())
    assert fresh.hidden.weight is weight is optimizer.param_groups[0]["params"][0]
    assert torch.equal(weight, state.net.hidden.weight)
    assert weight.data_ptr() != state.net.hidden.weight.data_ptr()


def test_load_state_dict_wants_no_path() -> None:
    """`load_state_dict` refuses a path: `Expected state_dict to be dict-like, got <class 'str'>`.

    `load_state_dict` 不接受路径：`Expected state_dict to be dict-like, got <class 'str'>`。
    """
    error = shown("saving_and_loading.wrong-things").errors[0].text
    assert error == "TypeError: Expected state_dict to be dict-like, got <class 'str'>."
    with pytest.raises(TypeError, match=r"^Expected state_dict to be dict-like, got <class 'str'>"):
        nn.Linear(2, 2).load_state_dict("mlp.pt")  # type: ignore[arg-type]


def test_torch_equal_gives_one_answer() -> None:
    """`torch.equal` answers with one bool, where `==` gives one for each number.

    `torch.equal` 只给一个布尔值，`==` 则给每个数都比出一个。
    """
    state = after("saving_and_loading.round-trip")
    compared = state.clone(state.X) == state.net(state.X)
    assert compared.numel() == 20
    assert compared.all()
    assert torch.equal(state.clone(state.X), state.net(state.X)) is True


def test_saved_file_is_a_zip_archive() -> None:
    """What `torch.save` writes is a zip archive that any program for zip files can open.

    `torch.save` 写出的是普通的 zip 压缩包，用任何解压工具都能打开。
    """
    file = saved(after("saving_and_loading.round-trip").net.state_dict())
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
    assert storages(saved({"a": x, "same": x, "part": x[5:]})) == [400]
    assert storages(saved({"a": x, "copy": x.clone()})) == [400, 400]


def test_entries_hold_the_raw_bytes() -> None:
    """An entry such as `data/0` is exactly the bytes of a tensor as they lie in memory.

    `data/0` 这样的一项，就是张量在内存里的原始字节，一个不多，一个不少。
    """
    net = after("saving_and_loading.zip-entries").net
    numbers = entry(saved(net.state_dict()), "data/0")
    assert len(numbers) == 4 * 256 * 20
    assert numbers == net.hidden.weight.detach().numpy().tobytes()


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

    read = {
        name: Reader(io.BytesIO(entry(saved(net.state_dict()), "data.pkl"))).load()
        for name, net in (("mlp", state.net), ("tied", state.tied))
    }
    assert read["mlp"]["hidden.weight"] == ("data/0", (256, 20))
    assert read["mlp"]["out.bias"] == ("data/3", (10,))
    assert read["tied"]["0.weight"] == read["tied"]["2.weight"] == ("data/0", (256, 256))


def test_bookkeeping_does_not_grow_with_the_numbers() -> None:
    """What a file holds besides the numbers depends on how many tensors there are, not how large.

    文件里除数值以外的部分，随张量的个数增加，与张量的大小无关。
    """
    rest = []
    for net in (nn.Linear(10, 10), nn.Linear(300, 300), nn.Sequential(*[nn.Linear(2, 2)] * 9)):
        file = saved(net.state_dict())
        rest.append(len(file.getvalue()) - sum(storages(file)))
    assert abs(rest[1] - rest[0]) < 200
    assert rest[2] > rest[1] + 500


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
    """A state dict holds parameters and persistent buffers; no other buffers or plain attributes.

    状态字典里只有参数和持久缓冲区，没有其他缓冲区，也没有普通属性。
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


def test_running_statistics_are_saved() -> None:
    """The running statistics of a batch norm are persistent buffers: they are saved and loaded.

    批量规范化的滑动统计量是持久缓冲区，会随状态字典保存和加载。
    """
    norm, restored = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    norm(torch.arange(6.0).reshape(2, 3))
    mean = dict(norm.named_buffers())["running_mean"]
    assert mean.all()
    assert not dict(restored.named_buffers())["running_mean"].any()
    restored.load_state_dict(roundtrip(norm.state_dict()))
    assert torch.equal(dict(restored.named_buffers())["running_mean"], mean)


def test_matched_keys_do_not_mean_equal_modules() -> None:
    """`<All keys matched successfully>` says that the names fit, even where plain attributes differ.

    `<All keys matched successfully>` 只说名字全都对得上，普通属性仍可能不同。
    """
    state = after("saving_and_loading.contents")
    report = state.restored.load_state_dict(state.original.state_dict())
    assert str(report) == "<All keys matched successfully>"
    assert not torch.equal(state.restored.constant, state.original.constant)
    assert "constant" not in state.saved


def test_renamed_attribute_cannot_read_old_files() -> None:
    """The attribute names are the keys: rename a layer, and it is missing in every older file.

    属性名就是键：给一个层改名，以前存的文件里就找不到它了。
    """
    (shown_error,) = shown("saving_and_loading.other-names").errors
    error = shown_error.text
    assert error.startswith("RuntimeError: Error(s) in loading state_dict for RenamedMLP:")
    assert 'Missing key(s) in state_dict: "output.weight", "output.bias"' in error
    assert 'Unexpected key(s) in state_dict: "out.weight", "out.bias"' in error


def test_not_strict_leaves_unmatched_layers_random() -> None:
    """With `strict=False` the layers whose names match are loaded; the rest stay as they were.

    加上 `strict=False`，名字对得上的层加载进去，其余的层原样不动。
    """
    assert "same output: False" in shown("saving_and_loading.other-names").output
    state = after("saving_and_loading.other-names")
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
        report = nn.Linear(2, 2).load_state_dict({"old": torch.ones(1)}, strict=False)
    assert not warned
    assert report == (["weight", "bias"], ["old"])


def test_renamed_keys_fit_a_renamed_layer() -> None:
    """Rename the keys of a state dict as the layers were renamed, and it is loaded in full.

    层改了名，把状态字典的键也照样改名，就能完整加载。
    """
    lines = shown("saving_and_loading.other-names").output.splitlines()
    assert lines[3:] == ["<All keys matched successfully>", "same output: True"]


def test_not_strict_does_not_forgive_shapes() -> None:
    """`strict=False` forgives names only: a tensor of another shape is a `size mismatch` all the same.

    `strict=False` 只放过名字：形状不同，照样报 `size mismatch`。
    """
    (error,) = shown("saving_and_loading.shapes-stay-strict").errors
    assert error.text.startswith("RuntimeError: Error(s) in loading state_dict for MLP:")
    assert "size mismatch for out.weight" in error.text
    assert "torch.Size([10, 256])" in error.text
    assert "torch.Size([12, 256])" in error.text


def test_failed_load_leaves_the_model_half_written() -> None:
    """When `load_state_dict` raises, the tensors that fit have been written, and stay so.

    `load_state_dict` 报错时，对得上的张量已经写进模型，不会撤销。
    """
    assert "hidden loaded: True" in shown("saving_and_loading.shapes-stay-strict").output
    state = after("saving_and_loading.shapes-stay-strict")
    assert torch.equal(state.wide.hidden.weight, state.clone.hidden.weight)
    assert state.wide.out.weight.shape == (12, 256)


def test_mode_matters_only_to_some_layers() -> None:
    """Without layers such as dropout or batch norm, a model computes the same in either mode.

    没有 dropout、批量规范化之类的层，训练模式和评估模式算出来的一样。
    """
    state = after("saving_and_loading.round-trip")
    assert state.net.training
    assert torch.equal(state.net(state.X), state.clone.eval()(state.X))
    for layer in (nn.Dropout(), nn.BatchNorm1d(20)):
        assert not torch.equal(layer.train()(state.X), layer.eval()(state.X))


def test_dropout_models_agree_only_in_eval_mode() -> None:
    """Two models with dropout and equal weights agree only when both are in evaluation mode.

    带 dropout 的两个模型，权重相同，也要都切到评估模式，输出才一致。
    """
    assert shown("saving_and_loading.eval-matters").output == (
        "training: True False\nsame output: False\nboth in eval: True\n"
    )
    state = after("saving_and_loading.eval-matters")
    assert torch.equal(state.first[0].weight, state.second[0].weight)
    assert torch.equal(state.first(state.X), state.second(state.X))
    assert not torch.equal(state.first.train()(state.X), state.second(state.X))


def test_eval_covers_all_modules_and_returns_itself() -> None:
    """`eval()` switches off `training` in a module and in all below it, and returns the module.

    `eval()` 把模块及其下所有模块的 `training` 关掉，并返回这个模块本身。
    """
    second = after("saving_and_loading.eval-matters").second.train()
    assert all(module.training for module in second.modules())
    assert second.eval() is second
    assert not any(module.training for module in second.modules())


def test_mode_is_not_in_the_file() -> None:
    """The mode is not in a state dict: a model that loads one stays in the mode that it was in.

    状态字典里没有模式：模型加载之后，原来是什么模式，还是什么模式。
    """
    state = after("saving_and_loading.contents")
    assert not state.original.training
    assert state.restored.training
    assert nn.Dropout().eval().state_dict() == {}


def test_state_dict_is_live() -> None:
    """The entries of a state dict share memory with the parameters, and change along with them.

    状态字典里的张量与参数共用内存，参数一变，它们跟着变。
    """
    lowest, itself, _, deep = numbers_in(shown("saving_and_loading.live").output)
    assert itself > 1.2 * lowest == 1.2 * deep
    state = after("saving_and_loading.live")
    live = state.net.state_dict()
    assert live["out.bias"].data_ptr() == state.net.out.bias.data_ptr()
    state.train_step(state.net, state.optimizer)
    assert torch.equal(live["out.bias"], state.net.out.bias)
    assert not torch.equal(live["out.bias"], state.kept["deepcopy"]["out.bias"])


def test_file_is_a_snapshot() -> None:
    """A file is a snapshot: what happens to a tensor after it was saved does not reach the file.

    文件是快照：保存之后张量再怎么变，都影响不到文件。
    """
    x = torch.zeros(2)
    file = saved(x)
    x += 1
    assert not torch.load(file).any()


def test_clones_of_the_entries_are_a_snapshot() -> None:
    """Clones of the entries of a state dict keep the old values, and restore them when loaded.

    把状态字典里的张量逐个 `clone()`，旧值就留住了，随时能加载回来。
    """
    state = after("saving_and_loading.live")
    net = state.net
    old = net(state.X)
    snapshot = {name: value.clone() for name, value in net.state_dict().items()}
    state.train_step(net, state.optimizer)
    assert not torch.equal(net(state.X), old)
    net.load_state_dict(snapshot)
    assert torch.equal(net(state.X), old)


def test_copy_of_a_state_dict_is_live_too() -> None:
    """`copy()` of a state dict copies the dict and not the tensors; `copy.deepcopy` copies both.

    对状态字典调用 `copy()`，复制的是字典，不是张量；`copy.deepcopy` 才连张量一起复制。
    """
    _, itself, copied, deepest = numbers_in(shown("saving_and_loading.live").output)
    assert copied == itself > deepest
    net = nn.Linear(2, 2)
    shallow, deep = net.state_dict().copy(), copy.deepcopy(net.state_dict())
    old = net.bias.tolist()
    with torch.no_grad():
        net.bias.fill_(7)
    assert shallow["bias"].tolist() == [7, 7]
    assert deep["bias"].tolist() == old


# What torch.load refuses


def test_whole_model_is_refused_by_default() -> None:
    """`torch.load` refuses a pickled model: `UnpicklingError`, `Weights only load failed`.

    `torch.load` 默认拒绝整个存下的模型：`UnpicklingError`，`Weights only load failed`。
    """
    error = shown("saving_and_loading.whole-model").error
    assert error is not None
    assert "UnpicklingError: Weights only load failed" in error
    assert "In PyTorch 2.6, we changed the default value of the `weights_only` argument" in error
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        roundtrip(nn.Linear(2, 2))


def test_plain_values_load_by_default() -> None:
    """Tensors, numbers, strings, lists, tuples, dicts, dtypes and devices pass the default loader.

    张量、数字、字符串、列表、元组、字典、数据类型和设备，默认都能加载。
    """
    value = {
        "a": 1,
        "b": 0.5,
        "c": "s",
        "d": [None, True],
        "e": (1, {2}),
        "f": torch.float32,
        "g": torch.device("cpu"),
    }
    assert roundtrip(value) == value
    assert roundtrip({"x": torch.ones(2)})["x"].tolist() == [1, 1]


def test_refusal_suggests_the_unsafe_way_first() -> None:
    """The refusal suggests `weights_only=False` first, and warns of arbitrary code execution.

    拒绝时的报错信息先建议 `weights_only=False`，并警告它可能执行任意代码。
    """
    error = shown("saving_and_loading.whole-model").error
    assert error is not None
    remedies = ("with `weights_only` set to `False`", "arbitrary code execution", "safe_globals")
    assert sorted(remedies, key=error.index) == list(remedies)


def test_named_classes_can_be_let_through() -> None:
    """Inside `safe_globals` the default loader permits the listed classes as well, and no others.

    在 `safe_globals` 的代码块里，默认的加载方式额外放行列出的类，没列出的照样拒绝。
    """
    state = after("saving_and_loading.whole-model")
    with mock.patch.dict(sys.modules, {"__main__": state}):
        file = saved(state.net)
        with safe_globals([state.MLP, nn.Linear]):
            assert torch.equal(torch.load(file)(state.X), state.net(state.X))
        file.seek(0)
        with safe_globals([state.MLP]), pytest.raises(pickle.UnpicklingError, match="Linear"):
            torch.load(file)
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError, match="MLP"):
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


def test_wanted_imports_are_listed_without_running() -> None:
    """`get_unsafe_globals_in_checkpoint` lists what a file wants to import, and runs none of it.

    `get_unsafe_globals_in_checkpoint` 列出文件想导入什么，而不执行其中任何一样。
    """
    lines = shown("saving_and_loading.what-it-would-run").output.splitlines()
    assert lines[1] == "whole.pt wants: ['__main__.MLP', 'torch.nn.modules.linear.Linear']"
    assert lines[2] == "trap.pt wants: ['builtins.print']"
    file = saved(after("saving_and_loading.what-it-would-run").Trap())
    assert printed_while(lambda: get_unsafe_globals_in_checkpoint(file)) == ""


def test_state_dict_wants_no_imports() -> None:
    """The file of a state dict wants to import nothing beyond what the default loader permits.

    状态字典存成的文件，不要求导入默认许可以外的任何东西。
    """
    lines = shown("saving_and_loading.what-it-would-run").output.splitlines()
    assert lines[0] == "mlp.pt wants: []"
    norm = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    assert get_unsafe_globals_in_checkpoint(saved(norm.state_dict())) == []


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


# Errors when loading


def test_a_loaded_state_dict_is_no_model() -> None:
    """Loading a state dict gives an `OrderedDict`, not a model: it has no `eval`.

    加载状态字典，得到的是 `OrderedDict`，不是模型，也就没有 `eval`。
    """
    error = shown("saving_and_loading.wrong-things").errors[1].text
    assert error == "AttributeError: 'collections.OrderedDict' object has no attribute 'eval'"
    assert type(roundtrip(nn.Linear(2, 2).state_dict())) is OrderedDict


def test_a_whole_checkpoint_is_no_state_dict() -> None:
    """A checkpoint given in place of the state dict in it: its keys are unexpected, all others missing.

    把整个检查点当作状态字典来加载：它的键都是 unexpected，模型的键全部 missing。
    """
    error = shown("saving_and_loading.wrong-things").errors[2].text
    missing = '"hidden.weight", "hidden.bias", "out.weight", "out.bias"'
    assert f"Missing key(s) in state_dict: {missing}" in error
    assert 'Unexpected key(s) in state_dict: "net", "step"' in error
    state = after("saving_and_loading.wrong-things")
    assert str(state.clone.load_state_dict(state.everything["net"])).startswith("<All keys matched")


def test_data_parallel_puts_a_prefix_before_each_name() -> None:
    """`nn.DataParallel` keeps the model as `module`, so each name in its state dict begins with `module.`.

    `nn.DataParallel` 把模型放在属性 `module` 里，状态字典里的每个名字都以 `module.` 开头。
    """
    (error,) = shown("saving_and_loading.prefix").errors
    assert 'Missing key(s) in state_dict: "hidden.weight", "hidden.bias"' in error.text
    assert 'Unexpected key(s) in state_dict: "module.hidden.weight", "module.hidden' in error.text
    assert shown("saving_and_loading.prefix").output == "<All keys matched successfully>\n"
    net = nn.Linear(2, 2)
    wrapper = nn.DataParallel(net)
    assert list(wrapper.state_dict()) == ["module.weight", "module.bias"]
    assert wrapper.module is net
    assert list(wrapper.module.state_dict()) == ["weight", "bias"]


def test_pytorch_can_take_the_prefix_off() -> None:
    """`consume_prefix_in_state_dict_if_present` takes a prefix off the names of a state dict, in place.

    `consume_prefix_in_state_dict_if_present` 就地去掉状态字典里名字的前缀。
    """
    net = nn.Linear(2, 2)
    state = nn.DataParallel(net).state_dict()
    consume_prefix_in_state_dict_if_present(state, "module.")
    assert list(state) == ["weight", "bias"]
    assert str(nn.Linear(2, 2).load_state_dict(state)) == "<All keys matched successfully>"


def test_optimiser_state_wants_as_many_parameters() -> None:
    """An optimiser loads the state of one with as many parameters in each group, and takes them by order.

    优化器只能加载每组参数个数都相同的状态，并按次序对应。
    """
    (error,) = shown("saving_and_loading.other-optimizer").errors
    assert error.text == (
        "ValueError: loaded state dict contains a parameter group "
        "that doesn't match the size of optimizer's group"
    )
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


def test_a_pickled_model_needs_its_module() -> None:
    """A pickled model whose module is missing does not load, not even unsafely: `No module named 'models'`.

    整个存下的模型，类所在的模块没有了，不安全的加载也读不了：`No module named 'models'`。
    """
    (error,) = shown("saving_and_loading.class-gone").errors
    assert error.text == "ModuleNotFoundError: No module named 'models'"
    state = after("saving_and_loading.class-gone")
    with mock.patch.dict(sys.modules, {"models": state.models}):
        file = saved(state.models.Net(2, 2))
        assert type(torch.load(file, weights_only=False)) is state.models.Net


def test_a_pickled_model_needs_its_class() -> None:
    """A pickled model whose class is missing in its module does not load: `Can't get attribute 'Net'`.

    整个存下的模型，模块里没有了它的类，就读不了：`Can't get attribute 'Net'`。
    """
    models = after("saving_and_loading.class-gone").models
    with mock.patch.dict(sys.modules, {"models": models}):
        file = saved(models.Net(2, 2))
    empty = mock.patch.dict(sys.modules, {"models": types.ModuleType("models")})
    with empty, pytest.raises(AttributeError) as raised:
        torch.load(file, weights_only=False)
    assert str(raised.value) == "Can't get attribute 'Net' on <module 'models'>"


def test_numpy_scalars_are_refused() -> None:
    """`np.mean` gives a NumPy scalar, which the default loader refuses; `float` or `item()` mend it.

    `np.mean` 返回 NumPy 标量，默认的加载方式会拒绝；用 `float` 或 `item()` 转换之后就能读。
    """
    (error,) = shown("saving_and_loading.numpy-scalar").errors
    assert "Weights only load failed" in error.text
    assert re.search(r"Unsupported global: GLOBAL numpy\.\w+\.multiarray\.scalar", error.text)
    assert shown("saving_and_loading.numpy-scalar").output == "{'accuracy': 0.75}\n"
    mean = np.mean([1, 0, 1, 1])
    assert roundtrip([float(mean), mean.item()]) == [0.75, 0.75]
    with pytest.raises(pickle.UnpicklingError):
        roundtrip([mean])


def test_a_truncated_file_is_no_archive() -> None:
    """Of a file that is cut off after its beginning: `PytorchStreamReader failed reading zip archive`.

    文件只剩开头，读取时报错：`PytorchStreamReader failed reading zip archive`。
    """
    error = shown("saving_and_loading.broken-files").errors[0].text
    assert error.startswith("RuntimeError: PytorchStreamReader failed reading zip archive")
    whole = saved(torch.arange(1000)).getvalue()
    with pytest.raises(RuntimeError, match=r"^PytorchStreamReader failed"):
        torch.load(io.BytesIO(whole[:100]))
    for length in (len(whole) // 3, len(whole) // 2, len(whole) - 10):
        with pytest.raises((RuntimeError, OSError, ValueError)):
            torch.load(io.BytesIO(whole[:length]))


def test_an_empty_file_ends_in_eof_error() -> None:
    """Loading an empty file is an `EOFError`, with no text.

    读取空文件会报 `EOFError`，后面没有文字。
    """
    assert shown("saving_and_loading.broken-files").errors[1].text.strip(": ") == "EOFError"
    with pytest.raises(EOFError, match=r"^$"):
        torch.load(io.BytesIO())


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


# Files from another device


def test_tensor_returns_to_its_device() -> None:
    """A tensor is saved with the name of its device, and `torch.load` puts it back there.

    保存张量时会记下它所在设备的名字，`torch.load` 把它放回那里。
    """
    assert roundtrip(torch.ones(2)).device == torch.device("cpu")
    assert roundtrip(torch.ones(2, device="meta")).is_meta
    with mock.patch("torch.serialization.location_tag", return_value="cuda:99"):
        assert b"cuda:99" in saved(torch.ones(2)).getvalue()


def test_file_of_a_missing_gpu_does_not_load() -> None:
    """A file from a GPU that is missing here is an error: `Attempting to deserialize object on ...`.

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
    for tag in ("cuda:99", "mps", "xpu:3"):
        with mock.patch("torch.serialization.location_tag", return_value=tag):
            file = saved(torch.ones(2))
        assert torch.load(file, map_location="cpu").device == torch.device("cpu")


def test_map_location_meta_reads_shapes_only() -> None:
    """With `map_location="meta"` names, shapes and dtypes are loaded, and none of the numbers.

    用 `map_location="meta"`，读到的只有名字、形状和数据类型，没有数值。
    """
    assert "hidden.bias meta (256,)" in shown("saving_and_loading.meta").output
    shapes = after("saving_and_loading.meta").shapes
    assert all(value.is_meta and value.dtype == torch.float32 for value in shapes.values())
    assert [tuple(value.shape) for value in shapes.values()] == [
        (256, 20),
        (256,),
        (10, 256),
        (10,),
    ]


# A checkpoint to resume from


def test_optimiser_has_a_state_dict_of_its_own() -> None:
    """An optimiser has a state dict of its own, with `state` and `param_groups`; the model has none of it.

    优化器有自己的状态字典，分 `state` 和 `param_groups` 两项；模型的状态字典里没有这些。
    """
    state = after("saving_and_loading.checkpoint")
    assert set(state.checkpoint["net"]) == set(dict(state.net.named_parameters()))
    assert list(state.checkpoint["optimizer"]) == ["state", "param_groups"]
    assert set(state.checkpoint["optimizer"]["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
    assert state.checkpoint["optimizer"]["param_groups"][0]["lr"] == 0.01


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


def test_broken_save_ruins_the_file_at_its_path() -> None:
    """A save that breaks off ruins the file at its path, which loads no more: `PytorchStreamReader failed`.

    保存到一半中断，路径上原来的文件就毁了，再读就报错：`PytorchStreamReader failed`。
    """

    class Breaks:
        def __reduce__(self) -> Any:
            raise RuntimeError("broken off")

    with tempfile.TemporaryDirectory() as folder:
        kept, aside = Path(folder, "checkpoint.pt"), Path(folder, "checkpoint.tmp")
        torch.save({"step": 5}, kept)
        with pytest.raises(RuntimeError, match="broken off"):
            torch.save({"step": 6, "net": Breaks()}, aside)
        assert torch.load(kept) == {"step": 5}
        with pytest.raises(RuntimeError, match="broken off"):
            torch.save({"step": 6, "net": Breaks()}, kept)
        with pytest.raises(RuntimeError, match=r"^PytorchStreamReader failed"):
            torch.load(kept)


def test_resumed_run_equals_the_uninterrupted_one() -> None:
    """Resumed with the optimiser's state, training ends as if never stopped; with a new Adam, elsewhere.

    恢复优化器的状态，训练的结果与没中断过的逐位一致；换成新的 Adam，就不同。
    """
    assert shown("saving_and_loading.checkpoint").output == "with optimizer: True\nwithout: False\n"


def test_new_adam_remembers_no_gradients() -> None:
    """Adam keeps running averages of the gradients of each parameter; a new one starts with none.

    Adam 为每个参数保存梯度的滑动平均，新造的 Adam 里什么也没有。
    """
    state = after("saving_and_loading.checkpoint")
    kept = state.optimizer.state_dict()["state"]
    assert len(kept) == 4
    assert kept[0]["exp_avg"].shape == state.net.hidden.weight.shape
    assert kept[0]["exp_avg"].any()
    assert torch.optim.Adam(state.net.parameters()).state_dict()["state"] == {}


def test_generator_state_is_a_tensor_to_save() -> None:
    """`torch.get_rng_state()` is a tensor: saved, loaded and set again, it gives the same draws.

    `torch.get_rng_state()` 就是个张量：保存、读回、再设上，抽出的数就一样。
    """
    torch.manual_seed(0)
    state = roundtrip(torch.get_rng_state())
    assert type(state) is torch.Tensor
    drawn = torch.rand(3)
    assert not torch.equal(torch.rand(3), drawn)
    torch.set_rng_state(state)
    assert torch.equal(torch.rand(3), drawn)


# Summary


def test_a_clone_of_a_slice_makes_a_small_file() -> None:
    """The file of a slice holds the whole tensor; the file of its clone holds the slice only.

    保存切片，文件里是整个张量；保存切片的 `clone()`，文件里只有切片。
    """
    x = torch.zeros(100_000)
    view, clone = (len(saved(value).getvalue()) for value in (x[:3], x[:3].clone()))
    assert view > x.nbytes
    assert clone < 4000


def test_a_loaded_model_is_in_training_mode() -> None:
    """A new model that loads the state dict of one in evaluation mode stays in training mode.

    新模型加载处于评估模式的模型的状态字典之后，仍在训练模式。
    """
    old, new = (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)) for _ in range(2))
    new.load_state_dict(roundtrip(old.eval().state_dict()))
    registered = {*dict(old.named_parameters()), *dict(old.named_buffers())}
    assert set(old.state_dict()) == registered
    assert new.training
    assert new[1].training


def test_deepcopy_keeps_the_weights_of_the_moment() -> None:
    """While training goes on, a state dict changes with the model, and its `copy.deepcopy` does not.

    训练继续时，状态字典跟着模型变，`copy.deepcopy` 出来的那份不变。
    """
    net = nn.Linear(2, 2)
    live, kept = net.state_dict(), copy.deepcopy(net.state_dict())
    before = net.weight.tolist()
    net(torch.ones(1, 2)).sum().backward()
    torch.optim.SGD(net.parameters(), lr=1.0).step()
    assert live["weight"].tolist() == net.weight.tolist() != before
    assert kept["weight"].tolist() == before


def test_strict_false_skips_names_and_not_shapes() -> None:
    """`strict=False` skips names that do not match, and returns them; another shape is still an error.

    `strict=False` 跳过对不上的名字，列在返回值里；形状不同仍然报错。
    """
    net = nn.Linear(2, 2)
    report = net.load_state_dict({"weight": torch.ones(2, 2), "old": torch.ones(1)}, strict=False)
    assert (report.missing_keys, report.unexpected_keys) == (["bias"], ["old"])
    assert net.weight.eq(1).all()
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        net.load_state_dict({"weight": torch.ones(3, 2)}, strict=False)


def test_the_default_load_on_the_cpu_opens_and_refuses() -> None:
    """`torch.load(path, map_location="cpu")` opens a file from a GPU, and refuses one that calls a function.

    `torch.load(path, map_location="cpu")` 能打开 GPU 上写的文件，并拒绝想调用函数的文件。
    """
    with mock.patch("torch.serialization.location_tag", return_value="cuda:99"):
        file = saved({"weight": torch.ones(2)})
    assert torch.load(file, map_location="cpu")["weight"].tolist() == [1, 1]
    trap = after("saving_and_loading.what-it-would-run").Trap()
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        roundtrip({"weight": torch.ones(2), "late": trap}, map_location="cpu")


def test_a_checkpoint_put_in_place_is_whole() -> None:
    """Where a checkpoint is saved aside and put in place by `os.replace`, a failed save leaves the old one.

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
    net = nn.Linear(2, 2)
    state = copy.deepcopy(net.state_dict())
    before = state["bias"].tolist()
    net.load_state_dict(state)
    nn.init.constant_(net.bias, 7)
    assert state["bias"].tolist() == before


def test_check_of_keeping_the_best_rejects_what_is_live() -> None:
    """The check takes the solution, and no state dict, shallow copy, parameters only or last one."""
    state = after("saving_and_loading.keep-best")
    assert shown("saving_and_loading.keep-best").output == "checked: the best of three, twice\n"

    class Live(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.lowest, self.state = loss, net.state_dict()

    class Shallow(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.lowest, self.state = loss, net.state_dict().copy()

    class ParametersOnly(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            if loss < self.lowest:
                self.lowest, self.state = loss, copy.deepcopy(dict(net.named_parameters()))

        def restore(self, net: nn.Module) -> None:
            net.load_state_dict(self.state, strict=False)

    class Last(state.Best):
        def see(self, net: nn.Module, loss: float) -> None:
            self.state = copy.deepcopy(net.state_dict())

    class Assigning(state.Best):
        def restore(self, net: nn.Module) -> None:
            net.load_state_dict(self.state, assign=True)

    state.check_keep_best(state.Best)
    for wrong in (Live, Shallow, ParametersOnly, Last, Assigning):
        with pytest.raises(AssertionError):
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

    def forgets_the_generator(path: str, net: Any, optimizer: Any) -> None:
        torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, path)

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

    right = {"MLP": 31784, "tied": 263168, "norm": 56}
    folder = tempfile.TemporaryDirectory()
    with folder, chdir(folder.name), mock.patch.dict(sys.modules, {"__main__": state}):
        state.check_size_explained(state.explain, right)
        for wrong in ({"tied": 2 * 263168}, {"norm": 48}, {"MLP": 31744}):
            with pytest.raises(AssertionError):
                state.check_size_explained(state.explain, right | wrong)
        for check, solutions in [
            (state.check_transplant, [(loads_all,), (half_written,)]),
            (state.check_exact_resume, [(forgets_the_generator, loads_without_generator)]),
            (state.check_atomic_save, [(torch.save,), (straight_to_the_path,), (leaves_a_file,)]),
            (state.check_runs_nothing, [(state.traces, int, state.Restores)]),
            (state.check_trimmed, [(dict,), (lambda t: {k: v.clone() for k, v in t.items()},)]),
        ]:
            for solution in solutions:
                with pytest.raises((AssertionError, pickle.UnpicklingError)):
                    check(*solution)


def test_storage_address_tells_who_shares() -> None:
    """Views of one tensor have one `untyped_storage().data_ptr()`; a clone has another.

    同一张量的各个视图，`untyped_storage().data_ptr()` 相同；`clone()` 出来的则不同。
    """
    big = after("saving_and_loading.view-trap").big
    views = (big, big[:3], big[-3:], big.reshape(1000, 1000).t())
    assert len({view.untyped_storage().data_ptr() for view in views}) == 1
    assert big[:3].data_ptr() != big[-3:].data_ptr()
    assert big[:3].clone().untyped_storage().data_ptr() != big.untyped_storage().data_ptr()


def test_batch_norm_counts_batches_in_an_int64() -> None:
    """Beside its four vectors, a batch norm has a buffer that counts the batches, one int64.

    批量规范化除了四个向量，还有一个缓冲区用来数批次，是一个 int64。
    """
    assert "norm has 56 bytes" in shown("saving_and_loading.size-explained").output
    state = nn.BatchNorm1d(3).state_dict()
    vectors = [value for value in state.values() if value.shape == (3,)]
    assert (len(state), len(vectors)) == (5, 4)
    assert state["num_batches_tracked"].dtype == torch.int64
    assert state["num_batches_tracked"].numel() == 1


def test_storages_add_up_to_the_numbers_in_the_file() -> None:
    """The bytes of numbers in a file are those of the storages of its tensors, each counted once.

    文件里的数值占多少字节，等于各个存储区的字节数之和，每个只算一次。
    """
    state = after("saving_and_loading.size-explained")
    for net in (state.net, state.tied, nn.BatchNorm1d(3)):
        tensors = net.state_dict()
        assert sum(storages(saved(tensors))) == state.storage_bytes(tensors)
    assert state.storage_bytes(state.tied.state_dict()) == 4 * (256 * 256 + 256)


def test_building_a_layer_draws_numbers() -> None:
    """Building a layer draws its weights, and so moves the generator on: restore its state afterwards.

    造一个层要抽随机数当权重，随机数生成器的状态就变了，所以要在造完之后才恢复。
    """
    before = torch.get_rng_state()
    nn.Dropout()
    assert torch.equal(torch.get_rng_state(), before)
    nn.Linear(2, 2)
    assert not torch.equal(torch.get_rng_state(), before)


def test_numpy_and_python_have_their_own_generators() -> None:
    """NumPy and Python's `random` draw from generators of their own: `torch.manual_seed` is not theirs.

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
    torch.manual_seed(5)
    run = state.start()
    for _ in range(3):  # odd, and in another seed than the page
        state.epoch(*run)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "run.pt")
        state.save_run(path, *run)
        uninterrupted = state.two_epochs(*run)
        equal = {}
        for forget in (None, "optimizer", "rng"):
            torch.manual_seed(77)
            again = state.start()
            state.load_run(path, *again, forget=forget)
            equal[forget] = torch.equal(state.two_epochs(*again), uninterrupted)
        assert equal == {None: True, "optimizer": False, "rng": False}
        assert set(torch.load(path)) == {"net", "optimizer", "rng"}  # the default loader takes it


def test_default_loader_refuses_before_it_calls() -> None:
    """The default loader checks a name before it calls anything by it: a refused file has run nothing.

    默认的加载方式先检查名字，再按名字调用：被拒绝的文件什么都没执行。
    """
    state = after("saving_and_loading.runs-nothing")
    in_the_section = mock.patch.dict(sys.modules, {"__main__": state})
    with tempfile.TemporaryDirectory() as folder, chdir(folder), in_the_section:
        for payload, word in [(state.Calls(), "call"), (state.Restores(), "restore")]:
            assert state.traces(payload, weights_only=False) == [word]
            assert state.traces(payload) == ["refused"]
        assert state.traces([1, "harmless"]) == []


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
    failed, checked = shown("saving_and_loading.atomic-save").output.splitlines()
    assert failed == "raised: broken off"
    assert checked == "checked: step 2 is still there, nothing else"
    path = tmp_path / "kept.pt"
    state.save_atomically({"x": torch.arange(1000)}, path)
    with pytest.raises(RuntimeError, match="broken off"):
        state.save_atomically([torch.zeros(1000), state.Breaks()], path)
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
