"""Proves that the snippets of the errata make the mistakes that the page speaks of.

What PyTorch does instead is proven by the claims of the sections, which the page marks.
"""

import pytest
import torch
from torch import nn

from proven.testing import after, section, shown


def lines(name: str) -> list[str]:
    """The lines that a snippet prints."""
    return shown(name).output.splitlines()


def messages(name: str) -> list[str]:
    """The errors that a snippet shows."""
    return [error.text for error in shown(name).errors]


def test_every_mistake_can_be_made_without_a_gpu() -> None:
    """No snippet of the errata needs a GPU, and all but the first print something."""
    setup, *others = section("errata").snippets
    assert {snippet.devices for snippet in (setup, *others)} == {0}
    assert shown(setup.name).output == ""
    assert all(shown(snippet.name).output or messages(snippet.name) for snippet in others)


def test_names_that_nobody_bound_are_missing() -> None:
    """Without `nn` no class can be made, without X nothing called; an X from elsewhere is too narrow."""
    first, second, third = messages("errata.names")
    assert first == "NameError: name 'nn' is not defined"
    assert second == "NameError: name 'X' is not defined"
    assert third.startswith("RuntimeError: ")
    assert third.endswith("cannot be multiplied (2x4 and 20x256)")
    fresh = after("errata.names").fresh
    assert "F" in fresh  # which the notes do bind
    assert "nn" not in fresh


def test_constructors_take_neither_params_nor_input() -> None:
    """Constructors refuse `params` and the input; a layer needs `super().__init__()` before it."""
    own, base, unready, given = messages("errata.constructor")
    for line in (own, base):
        assert line.startswith("TypeError: ")
        assert line.endswith("unexpected keyword argument 'params'")
    assert base.split(": ", 1)[1].startswith("Module.")
    assert unready == "AttributeError: cannot assign module before Module.__init__() call"
    assert given.endswith("takes 1 positional argument but 2 were given")


def test_the_registry_is_a_dict_that_takes_anything() -> None:
    """`_modules` is a dict; a function written into it runs, and fails only when it is walked."""
    registry, output = lines("errata.registry")
    late, refused = messages("errata.registry")
    assert registry == "_modules: dict ['0', '1']"
    assert output == "output: torch.Size([2, 4])"
    assert late == "AttributeError: 'function' object has no attribute 'named_modules'"
    assert refused == "TypeError: torch.nn.functional.relu is not a Module subclass"


def test_the_plain_constant_is_lost_twice() -> None:
    """The constant is no key, the copy computes something else, and a cast leaves it behind."""
    keys, loading, same = lines("errata.constant")
    (cast,) = messages("errata.constant")
    assert keys == "keys: ['linear.weight', 'linear.bias']"
    assert loading == "loading: <All keys matched successfully>"
    assert same == "same output: False"
    assert cast.endswith("same dtype, but got: double != float")
    state = after("errata.constant")
    assert not torch.equal(state.net.mix, state.copy.mix)
    assert torch.equal(state.net.linear.weight.float(), state.copy.linear.weight)


def test_parameters_are_objects_in_a_mapping() -> None:
    """A state dict is a mapping, the weight (1, 8), ReLU without bias, `.data` no method."""
    kind, shape, itself = lines("errata.parameters")
    relu, data = messages("errata.parameters")
    assert kind == "state dict: OrderedDict ['weight', 'bias']"
    assert shape == "weight: (1, 8)"
    assert relu == "AttributeError: 'ReLU' object has no attribute 'bias'"
    assert data == "TypeError: 'Tensor' object is not callable"
    assert itself == "the parameter itself: True"


def test_the_default_range_ignores_the_outputs() -> None:
    """The bound is 1/8 for 64 inputs and any number of outputs; other layers start otherwise."""
    few, many, embedding, norm = lines("errata.default-values")
    assert few == "Linear(64, 10): at most 0.125"
    assert many == "Linear(64, 10000): at most 0.125"
    assert embedding == "Embedding: std 1.00"
    assert norm == "LayerNorm: [1.0, 1.0, 1.0]"


def test_only_data_hides_the_late_write(capsys: pytest.CaptureFixture[str]) -> None:
    """Through `.data` the gradient is wrong; `no_grad` finds the mistake, and autograd forbids it."""
    assert lines("errata.hidden-write") == ["gradient: [100.0, 100.0]"]
    found, forbidden = messages("errata.hidden-write")
    assert "modified by an inplace operation" in found
    assert "a leaf Variable that requires grad is being used in an in-place operation" in forbidden
    state = after("errata.hidden-write")
    capsys.readouterr()
    state.late(lambda weight: None)
    assert capsys.readouterr().out == "gradient: [1.0, 1.0]\n"


def test_two_runs_make_one_write() -> None:
    """The shared layer runs twice, and its gradient is written once."""
    assert lines("errata.one-write") == ["runs: 2  writes to .grad: 1"]
    state = after("errata.one-write")
    assert state.runs == [1, 1]
    assert [param is state.shared.weight for param in state.writes] == [True]


def test_the_lazy_layer_becomes_an_ordinary_one() -> None:
    """No shape before the first call, an ordinary layer of fixed width after it."""
    before, later = lines("errata.lazy")
    shape, width = messages("errata.lazy")
    assert before == "LazyLinear UninitializedParameter"
    assert shape.startswith("RuntimeError: Can't access the shape of an uninitialized parameter")
    assert later == "Linear (256, 20)"
    assert width.endswith("(2x21 and 20x256)")


def test_the_check_before_the_network_meets_another() -> None:
    """In a new program `net` is not defined; in the order of the notes it is the network of 5.2, which
    takes 4 features, and `torch.rand(4, 8)` is refused.

    在新程序里 `net` 还没有定义；按笔记的顺序运行，它是 5.2 的网络，要 4 个特征，`torch.rand(4, 8)` 会报错。
    """
    missing, other = messages("errata.too-early")
    assert missing == "NameError: name 'net' is not defined"
    assert other == "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x8 and 4x8)"
    assert [error.line for error in shown("errata.too-early").errors] == [1, 4]


def test_the_deaf_layer_learns_nothing() -> None:
    """Alone the layer cannot go backward; in a net only the other layer gets a gradient."""
    (alone,) = messages("errata.deaf-layer")
    found = lines("errata.deaf-layer")
    assert "does not require grad and does not have a grad_fn" in alone
    answers = [line.split(" has a gradient: ") for line in found]
    assert [name for name, answer in answers if answer == "True"] == ["1.weight", "1.bias"]
    assert [name for name, answer in answers if answer == "False"] == ["0.weight", "0.bias"]
    layer = after("errata.deaf-layer").Deaf(5, 3)
    X = torch.rand(2, 5)
    assert torch.equal(layer(X), nn.functional.linear(X, layer.weight, layer.bias))


def test_paths_classes_and_names_decide_about_files() -> None:
    """A renamed file is read, a whole model refused, and the keys of a renamed layer do not match."""
    (read,) = lines("errata.files")
    refused, keys = messages("errata.files")
    assert read == "read from other: {'x': tensor([0, 1, 2, 3])}"
    assert "UnpicklingError: Weights only load failed." in refused
    assert 'Missing key(s) in state_dict: "out.weight", "out.bias"' in keys
    assert 'Unexpected key(s) in state_dict: "output.weight", "output.bias"' in keys


def test_devices_are_names_and_operands_do_not_travel() -> None:
    """A tensor has a device, `cuda` is not `cuda:0`, and two ways to ask too much are errors."""
    assert lines("errata.devices") == ["device of x: cpu", "cuda == cuda:0: False"]
    state = after("errata.devices")
    assert [type(state.cuda), type(state.cuda_0)] == [torch.device, torch.device]
    number, mixed = messages("errata.devices")
    assert number == "RuntimeError: Invalid device string: 'cuda:-1'"
    assert mixed.startswith("RuntimeError: ")
    assert "device" in mixed
