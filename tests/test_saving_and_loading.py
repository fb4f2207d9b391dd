"""Proves what the page on reading and writing files says."""

import io
import os
import pickle
import re
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from torch import nn

from snippets.engine.testing import after
from snippets.engine.testing import shown as shown_afresh

shown = cache(shown_afresh)  # what a snippet shows is frozen: one run serves all tests


def roundtrip(value: Any, **options: Any) -> Any:
    """Save a value to memory and load it again."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, **options)


def test_tensor_survives_with_its_dtype() -> None:
    """A tensor comes back with its values and its dtype."""
    state = after("saving_and_loading.tensor")
    assert state.x2.dtype == state.x.dtype == torch.int64
    assert shown("saving_and_loading.tensor").output == (
        "tensor([0, 1, 2, 3]) torch.int64\nequal: True\nsaved from: tensor([0, 1, 2, 3])\n"
    )


def test_loaded_tensor_is_a_copy() -> None:
    """What was loaded shares no memory with what was saved."""
    state = after("saving_and_loading.tensor")
    assert state.x2.tolist() == [100, 1, 2, 3]
    assert state.x.tolist() == [0, 1, 2, 3]


def test_file_is_a_zip_archive(tmp_path: Path) -> None:
    """`torch.save` writes a zip archive, whatever the suffix of the file."""
    torch.save(torch.arange(4), tmp_path / "x-file")
    assert zipfile.is_zipfile(tmp_path / "x-file")


def test_list_of_tensors_survives() -> None:
    """A list of tensors comes back in its order, each with its own dtype."""
    state = after("saving_and_loading.list")
    assert isinstance(roundtrip([state.x, state.y]), list)
    assert state.x2.tolist() == [0, 1, 2, 3]
    assert (state.x2.dtype, state.y2.dtype) == (torch.int64, torch.float32)
    assert not state.y2.any()
    assert shown("saving_and_loading.list").output == (
        "tensor([0, 1, 2, 3]) torch.int64\ntensor([0., 0., 0., 0.]) torch.float32\n"
    )


def test_dict_of_tensors_survives_under_any_path() -> None:
    """A dict comes back with its keys; its file may be renamed, for the string is only a path."""
    state = after("saving_and_loading.dict")
    assert list(state.mydict) == ["x", "y"]
    assert torch.equal(state.mydict["x"], state.x)
    lines = shown("saving_and_loading.dict").output.splitlines()
    assert lines[:2] == ["keys: ['x', 'y']", "keys: ['x', 'y']"]
    assert "mydict.pt" not in lines[3]
    assert roundtrip({"x": 1}) == {"x": 1}  # a file object has no name at all


def test_save_overwrites_without_asking() -> None:
    """Saving to an existing path replaces the file, without a question or a warning."""
    lines = shown("saving_and_loading.dict").output.splitlines()
    assert lines[2] == "x.pt now holds: tensor([0., 0., 0., 0.])"
    assert lines[3] == "files: ['elsewhere.pt', 'x.pt', 'xy.pt']"


def test_section_leaves_nothing_in_the_working_directory() -> None:
    """The snippets write to a temporary directory; nothing stays behind."""
    before = sorted(os.listdir())
    after("saving_and_loading.dict")
    assert sorted(os.listdir()) == before


def test_view_saves_its_whole_storage() -> None:
    """A slice of three numbers takes a file of 4 MB, and 4 MB again when loaded; its clone does not."""
    state = after("saving_and_loading.view-trap")
    sizes = dict(
        re.findall(r"(view|clone): +([\d,]+) kB", shown("saving_and_loading.view-trap").output)
    )
    assert int(sizes["view"].replace(",", "")) >= 4000
    assert int(sizes["clone"].replace(",", "")) < 10
    assert state.view.shape == (3,)
    assert state.view.untyped_storage().nbytes() == 4_000_000


def test_sharing_survives_within_one_file() -> None:
    """What shares memory when saved together shares it when loaded; two files share nothing."""
    state = after("saving_and_loading.shared-refs")
    assert state.loaded["table"] is state.loaded["same"]
    assert state.loaded["row"].data_ptr() == state.loaded["table"].data_ptr()
    assert shown("saving_and_loading.shared-refs").output == (
        "same object: True\nrow, one file: [7.0, 7.0, 7.0]\nrow, two files: [0.0, 0.0, 0.0]\n"
    )


def test_tied_parameters_are_stored_once() -> None:
    """Two names of one parameter share one entry of the file, and share memory when loaded."""
    tie = nn.Linear(64, 64)
    tied, untied = nn.Sequential(tie, tie), nn.Sequential(tie, nn.Linear(64, 64))
    sizes = []
    for net in (tied, untied):
        file = io.BytesIO()
        torch.save(net.state_dict(), file)
        sizes.append(len(file.getvalue()))
    assert sizes[0] < 0.6 * sizes[1]
    loaded = roundtrip(tied.state_dict())
    assert loaded["0.weight"].data_ptr() == loaded["1.weight"].data_ptr()


def test_file_of_a_model_holds_names_and_values() -> None:
    """The file of a state dict holds the named parameters, and no code."""
    assert shown("saving_and_loading.mlp").output.splitlines() == [
        "hidden.weight (256, 20)",
        "hidden.bias (256,)",
        "out.weight (10, 256)",
        "out.bias (10,)",
    ]
    state = after("saving_and_loading.mlp")
    assert all(type(value) is torch.Tensor for value in roundtrip(state.net.state_dict()).values())


def test_loaded_model_computes_the_same() -> None:
    """A fresh model gives other outputs before loading and the very same ones after it."""
    assert shown("saving_and_loading.round-trip").output == (
        "before loading: False\n<All keys matched successfully>\nafter loading: True\n"
    )
    state = after("saving_and_loading.round-trip")
    assert state.clone(state.X).shape == (2, 10)
    assert state.clone.hidden.weight is not state.net.hidden.weight


def test_tied_model_has_four_names_and_two_storages() -> None:
    """The file of a tied model has one entry of numbers per storage, not one per name."""
    assert shown("saving_and_loading.zip-entries").output == (
        "mlp.pt names: 4 storages: 4\ntied.pt names: 4 storages: 2\n"
    )


def test_entries_hold_the_raw_numbers_and_the_names(tmp_path: Path) -> None:
    """`data/0` is the bytes of the first tensor, and `data.pkl` has the names."""
    state = after("saving_and_loading.zip-entries")
    path = tmp_path / "model.pt"
    torch.save(state.net.state_dict(), path)
    sizes = state.entries(path)
    assert sizes["data/0"] == 4 * 256 * 20
    with zipfile.ZipFile(path) as archive:
        names = archive.read("model/data.pkl")
        numbers = archive.read("model/data/0")
        assert sizes == {i.filename.removeprefix("model/"): i.file_size for i in archive.infolist()}
    assert all(name.encode() in names for name in state.net.state_dict())
    assert numbers == state.net.hidden.weight.detach().numpy().tobytes()
    assert sum(size for name, size in sizes.items() if not name.startswith("data")) < 1000


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
    """Parameters and buffers are saved; non-persistent buffers, attributes and the mode are not."""
    state = after("saving_and_loading.contents")
    assert list(state.original.state_dict()) == ["weight", "mean"]
    rows = shown("saving_and_loading.contents").output.splitlines()
    assert rows[0] == "<All keys matched successfully>"
    table = {row.split()[0]: re.findall("True|False", row) for row in rows[1:]}
    assert table == {
        "weight": ["True", "True"],
        "mean": ["True", "True"],
        "cache": ["False", "False"],
        "constant": ["False", "False"],
        "training": ["False", "False"],
    }


def test_batch_norm_statistics_are_saved_and_dropout_has_nothing_to_save() -> None:
    """The running statistics of batch norm are buffers; a dropout layer has an empty state dict."""
    assert {"running_mean", "running_var"} <= set(nn.BatchNorm1d(3).state_dict())
    assert nn.Dropout().state_dict() == {}


def test_renamed_attribute_cannot_read_the_file() -> None:
    """The names of the attributes are the format of the file: a renamed layer is missing."""
    error = shown("saving_and_loading.other-names").error
    assert error is not None
    assert error.startswith("RuntimeError: Error(s) in loading state_dict for RenamedMLP:")
    assert 'Missing key(s) in state_dict: "output.weight", "output.bias"' in error
    assert 'Unexpected key(s) in state_dict: "out.weight", "out.bias"' in error


def test_not_strict_leaves_the_unnamed_layer_as_it_was() -> None:
    """`strict=False` loads what has a name in common and reports the rest; the output differs."""
    lines = shown("saving_and_loading.not-strict").output.splitlines()
    assert lines[0] == "missing: ['output.weight', 'output.bias']"
    assert lines[1] == "unexpected: ['out.weight', 'out.bias']"
    assert lines[2] == "same output: False"
    state = after("saving_and_loading.not-strict")
    other = state.RenamedMLP()
    fresh = other.output.weight.clone()
    other.load_state_dict(state.net.state_dict(), strict=False)
    assert torch.equal(other.hidden.weight, state.net.hidden.weight)
    assert torch.equal(other.output.weight, fresh)


def test_renaming_the_keys_repairs_it() -> None:
    """With its keys renamed the same file is loaded in full."""
    lines = shown("saving_and_loading.not-strict").output.splitlines()
    assert lines[3:] == ["<All keys matched successfully>", "same output: True"]


def test_not_strict_does_not_forgive_shapes() -> None:
    """A parameter of another shape is an error with `strict=False` as well."""
    output = shown("saving_and_loading.shapes-stay-strict").output
    assert output.startswith("RuntimeError: Error(s) in loading state_dict for MLP:")
    assert "size mismatch for out.weight" in output
    assert "torch.Size([10, 256])" in output
    assert "torch.Size([12, 256])" in output


def test_failed_load_leaves_the_model_half_written() -> None:
    """`load_state_dict` copies what fits before it raises, and does not undo it."""
    state = after("saving_and_loading.shapes-stay-strict")
    assert "hidden loaded: True" in shown("saving_and_loading.shapes-stay-strict").output
    assert torch.equal(state.wide.hidden.weight, state.net.hidden.weight)
    assert state.wide.out.weight.shape == (12, 256)


def test_train_and_eval_mode_change_the_output() -> None:
    """Models with equal weights differ where one still drops; in eval mode both agree."""
    assert shown("saving_and_loading.eval-matters").output == (
        "training: True False\nsame output: False\nboth in eval mode: True\n"
    )
    state = after("saving_and_loading.eval-matters")
    assert state.second.eval() is state.second
    assert not state.second.training
    assert torch.equal(state.first[0].weight, state.second[0].weight)


def test_notes_model_agrees_in_either_mode() -> None:
    """Without dropout or batch norm the mode changes nothing: that is why the notes saw no difference."""
    state = after("saving_and_loading.round-trip")
    assert state.net.training
    assert torch.equal(state.net(state.X), state.clone.eval()(state.X))


def test_whole_model_is_refused_by_default() -> None:
    """A pickled model names its class, and `torch.load` refuses to import it by default."""
    error = shown("saving_and_loading.whole-model").error
    assert error is not None
    assert "UnpicklingError: Weights only load failed" in error
    assert "In PyTorch 2.6, we changed the default value of the `weights_only` argument" in error
    assert "arbitrary code execution" in error
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        roundtrip(nn.Linear(2, 2))


def test_whole_model_holds_the_name_of_its_class_and_no_code() -> None:
    """A pickled model cannot be loaded, not even unsafely, where its class has gone or was renamed."""
    state = after("saving_and_loading.whole-model")
    file = io.BytesIO()
    with mock.patch.dict(sys.modules, {"__main__": state}):
        torch.save(state.net, file)
        assert b"MLP" in file.getvalue()
        assert b"def forward" not in file.getvalue()
        file.seek(0)
        assert type(torch.load(file, weights_only=False)) is state.MLP
        del state.MLP
        file.seek(0)
        with pytest.raises(AttributeError, match="MLP"):
            torch.load(file, weights_only=False)


def test_plain_values_beside_tensors_load_by_default() -> None:
    """Numbers, strings, None, tuples, sets, dtypes and devices pass the default loader."""
    value = {
        "a": 1,
        "b": 0.5,
        "c": "s",
        "d": None,
        "e": (1, {2}),
        "f": torch.float32,
        "g": torch.device("cpu"),
    }
    assert roundtrip(value) == value


def test_file_says_what_it_wants_to_import_without_running_it() -> None:
    """The list of imports is empty for a state dict and names `print` for the trap."""
    lines = shown("saving_and_loading.what-it-would-run").output.splitlines()
    assert lines[0] == "mlp.pt wants: []"
    assert lines[1] == "whole.pt wants: ['__main__.MLP', 'torch.nn.modules.linear.Linear']"
    assert lines[2] == "trap.pt wants: ['builtins.print']"


def test_unsafe_loading_calls_what_the_file_names() -> None:
    """With `weights_only=False` the file calls a function of its choice while it is being loaded."""
    lines = shown("saving_and_loading.what-it-would-run").output.splitlines()
    assert lines[3:] == ["this line came out of the file", "what was loaded: None"]


def test_default_loader_calls_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """The default loader refuses the trap before anything in it runs."""
    trap = after("saving_and_loading.what-it-would-run").Trap()
    capfd.readouterr()
    with pytest.raises(pickle.UnpicklingError, match="GLOBAL print was not an allowed global"):
        roundtrip(trap)
    assert capfd.readouterr().out == ""


def test_state_dict_is_live_and_a_clone_is_not() -> None:
    """A state dict shares the memory of the model; only a copy remembers the past."""
    state = after("saving_and_loading.live")
    assert shown("saving_and_loading.live").output == (
        "state dict: [7.0, 7.0, 7.0]\nsnapshot:   True\nrestored:   True\n"
    )
    assert state.state["out.bias"].data_ptr() == state.net.out.bias.data_ptr()
    assert state.snapshot["out.bias"].data_ptr() != state.net.out.bias.data_ptr()
    assert not state.state["out.bias"].requires_grad


def test_gpu_file_needs_map_location_where_there_is_no_such_gpu(tmp_path: Path) -> None:
    """A file of a missing CUDA device is an error, and opens with `map_location`."""
    output = shown("saving_and_loading.map-location").output
    assert output.startswith("RuntimeError: Attempting to deserialize object on ")
    assert "on the CPU: tensor([1., 1.])" in output
    with mock.patch("torch.serialization.location_tag", return_value="cuda:99"):
        torch.save(torch.ones(2), tmp_path / "x.pt")
    with pytest.raises(RuntimeError, match=r"Attempting to deserialize object on (a )?CUDA device"):
        torch.load(tmp_path / "x.pt")
    if not torch.cuda.is_available():
        assert "torch.cuda.is_available() is False" in output
    assert torch.load(tmp_path / "x.pt", map_location="cpu").device == torch.device("cpu")


def test_map_location_meta_reads_shapes_only() -> None:
    """With `map_location="meta"` names and shapes come without the numbers."""
    state = after("saving_and_loading.map-location")
    assert all(value.is_meta for value in state.shapes.values())
    assert [tuple(value.shape) for value in state.shapes.values()] == [
        (256, 20),
        (256,),
        (10, 256),
        (10,),
    ]
    assert "hidden.bias meta (256,)" in shown("saving_and_loading.map-location").output


def test_checkpoint_holds_model_optimiser_and_step() -> None:
    """A checkpoint is an ordinary dict: model, optimiser and step; the default loader takes it."""
    state = after("saving_and_loading.checkpoint")
    assert list(state.checkpoint) == ["net", "optimizer", "step"]
    assert shown("saving_and_loading.checkpoint").output == "optimizer: ['state', 'param_groups']\n"
    loaded = roundtrip(state.checkpoint)
    assert loaded["step"] == 5
    assert loaded["optimizer"]["param_groups"][0]["lr"] == 0.01
    assert set(loaded["optimizer"]["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}


def test_resumed_training_is_the_uninterrupted_one() -> None:
    """With the optimiser's state the resumed run is bit-equal to the uninterrupted; without, it is not."""
    assert shown("saving_and_loading.resume").output == "with optimizer: True\nwithout: False\n"


@pytest.mark.parametrize(("path", "survives"), [("checkpoint.pt", False), ("checkpoint.tmp", True)])
def test_failed_save_destroys_the_file_it_writes_to(
    tmp_path: Path, path: str, survives: bool
) -> None:
    """A save that fails half-way ruins the file under its path; one written aside leaves it whole."""
    kept = tmp_path / "checkpoint.pt"
    torch.save({"step": 5}, kept)
    unpicklable: Callable[[], int] = lambda: 0  # noqa: E731
    with pytest.raises(
        (AttributeError, pickle.PicklingError), match=r"pickle|Can't get local object"
    ):
        torch.save({"step": 6, "net": unpicklable}, tmp_path / path)
    if survives:
        assert torch.load(kept) == {"step": 5}
    else:
        with pytest.raises(RuntimeError, match="PytorchStreamReader failed"):
            torch.load(kept)


def test_random_state_can_be_saved_too() -> None:
    """The generator's state is a tensor: saved and restored, it gives the same draws again."""
    torch.manual_seed(0)
    saved = roundtrip(torch.get_rng_state())
    drawn = torch.rand(3)
    torch.set_rng_state(saved)
    assert torch.equal(torch.rand(3), drawn)


def test_file_is_a_snapshot_of_the_tensor(tmp_path: Path) -> None:
    """A file is a snapshot: what happens to the tensor afterwards does not reach it."""
    x = torch.zeros(2)
    torch.save(x, tmp_path / "x.pt")
    x += 1
    assert not torch.load(tmp_path / "x.pt").any()


# Exercises


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
    assert shown("saving_and_loading.atomic-save").output.startswith("RuntimeError: broken off\n")
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
        "checked: MLP 31,784 bytes of numbers",
        "checked: tied 263,168 bytes of numbers",
        "checked: norm 56 bytes of numbers",
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


def test_all_but_the_numbers_hardly_grows_with_the_model(tmp_path: Path) -> None:
    """Names and bookkeeping depend on how many tensors there are, not on how large they are."""
    explain = after("saving_and_loading.size-explained").explain
    rest = []
    for width in (10, 1000):
        torch.save(nn.Linear(width, width).state_dict(), tmp_path / "x.pt")
        parts = explain(tmp_path / "x.pt")
        rest.append(sum(parts.values()) - parts["numbers"])
    assert abs(rest[1] - rest[0]) < 200


def test_transplant_loads_what_fits_and_reports_the_rest() -> None:
    """The solution loads by name and shape; every name of either side is in exactly one list."""
    state = after("saving_and_loading.transplant")
    assert shown("saving_and_loading.transplant").output.startswith("checked: ")
    source = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    target = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 5), nn.Linear(5, 1))
    source[1].running_mean.fill_(7)
    before = {name: value.clone() for name, value in target.state_dict().items()}
    saved = source.state_dict() | {"old.bias": torch.ones(1)}
    report = state.transplant(saved, target)
    assert report["resized"] == ["2.weight", "2.bias"]
    assert report["missing"] == ["3.weight", "3.bias"]
    assert report["unexpected"] == ["old.bias"]
    names = [name for kind in report.values() for name in kind]
    assert sorted(names) == sorted({*saved, *before})
    now = target.state_dict()
    assert all(torch.equal(now[name], saved[name]) for name in report["loaded"])
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


def test_exact_resume_needs_all_three_parts(tmp_path: Path) -> None:
    """Model, optimiser and generator make the resumed run bit-equal, at any point; no two do."""
    state = after("saving_and_loading.exact-resume")
    assert shown("saving_and_loading.exact-resume").output.startswith("checked: ")
    path = tmp_path / "run.pt"
    torch.manual_seed(5)
    run = state.start()
    for _ in range(3):  # odd, and in another seed than the page
        state.epoch(*run)
    state.save_run(path, *run)
    uninterrupted = state.final_weights(*run)
    equal = {}
    for forget in (None, "optimizer", "rng"):
        torch.manual_seed(77)
        again = state.start()
        state.load_run(path, *again, forget=forget)
        equal[forget] = torch.equal(state.final_weights(*again), uninterrupted)
    assert equal == {None: True, "optimizer": False, "rng": False}
    assert set(torch.load(path)) == {"net", "optimizer", "rng"}  # the default loader takes it


def test_armed_files_run_nothing_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each trap goes off in the unsafe loader, and is refused before it goes off in the default one."""
    state = after("saving_and_loading.runs-nothing")
    assert shown("saving_and_loading.runs-nothing").output.startswith("checked: ")
    monkeypatch.chdir(tmp_path)

    class Builds:
        def __init__(self) -> None:
            self.folder = "made-by-the-file"

        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (self.folder,)

    with mock.patch.dict(sys.modules, {"__main__": state}):
        for payload, word in [(state.Calls(), "call"), (state.Restores(), "restore")]:
            assert state.traces(payload, weights_only=False) == [word]
            assert state.traces(payload) == ["refused"]
        assert state.traces(Builds()) == ["refused"]
        assert not Path("made-by-the-file").exists()
        state.traces(Builds(), weights_only=False)
        assert Path("made-by-the-file").is_dir()
        assert state.traces([1, "harmless"]) == []
