import ast
import collections
import contextlib
import copy
import inspect
import io
import itertools
import math
import re
import statistics
import sys
import warnings
import zipfile
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from proven.testing import after, over, shown
from tests.families import (
    Layer,
    activations,
    containers,
    devices,
    float_dtypes,
    initialisers,
    layers,
    lazy_layers,
    optimizers,
    seeds,
)
from tests.solutions import silent

WRITES = ("fill_", "add_", "sub_", "mul_", "copy_")


def saved(state: object) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return file


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


def in_place(tensor: torch.Tensor, name: str) -> None:
    getattr(tensor, name)(torch.tensor(3.0))


def tied_at(positions: int) -> nn.Sequential:
    layer = nn.Linear(3, 3)
    return nn.Sequential(*[layer] * positions, nn.Linear(3, 1))


def with_weight_and_bias() -> list[Layer]:
    """The layer classes that hold parameters of these two names themselves."""
    picked = []
    for layer in layers():
        takes = set(inspect.signature(layer.cls).parameters)
        if takes & {"bias", "affine", "elementwise_affine"} and "d_model" not in takes:
            own = {name for name, _ in layer.make().named_parameters(recurse=False)}
            picked += [layer] if own == {"weight", "bias"} else []
    return picked


# Access


def test_sequential_slices_hold_the_same_modules() -> None:
    """`nn.Sequential` takes indices, negative ones too, and slices; a slice is a new `Sequential` around the same modules.

    `nn.Sequential` 支持下标、负下标和切片；切片是一个新的 `Sequential`，里面还是原来那几个模块。
    """
    net = after("parameters.slices").net
    assert len(net) == 3
    for part in over([slice(2), slice(1, None), slice(-2, -1), slice(3)], "slices | 种切片"):
        assert type(net[part]) is nn.Sequential
        assert net[part] is not net
        assert list(net[part]) == list(net)[part]
    for i in range(-3, 3):
        assert net[i] is list(net)[i]
    output = shown("parameters.slices").output
    assert output.startswith("net[-1] is net[2]: True\nnet[:2]: Sequential 2\nsame modules: True\n")


def test_state_dict_maps_names_to_tensors() -> None:
    """For each layer of `torch.nn`, a state dict is an `OrderedDict` from names to tensors, not a list; iterating over it gives the names.

    对 `torch.nn` 里的每一种层，状态字典都是从名字到张量的 `OrderedDict`，不是列表；遍历它得到的是名字。
    """
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        found = layer.make().state_dict()
        assert type(found) is collections.OrderedDict
        for name in found:
            assert isinstance(name, str)
            assert isinstance(found[name], torch.Tensor)
    state = after("parameters.by-index").deep[1].state_dict()
    assert not isinstance(state, list)
    assert list(state) == ["weight", "bias"]
    assert "weight (1, 16)\nbias (1,)\n" in shown("parameters.by-index").output


def test_linear_weight_is_out_by_in() -> None:
    """`nn.Linear` stores its weight as `(out_features, in_features)` and computes `X @ weight.T + bias`.

    `nn.Linear` 的权重按 `(out_features, in_features)` 存放，算的是 `X @ weight.T + bias`。
    """
    assert after("parameters.by-index").deep[1].weight.shape == (1, 16)
    for inputs, outputs in over([(16, 1), (1, 16), (4, 4), (3, 50)], "sizes | 种大小"):
        layer, X = nn.Linear(inputs, outputs), torch.rand(5, inputs)
        assert layer.weight.shape == (layer.out_features, layer.in_features) == (outputs, inputs)
        assert torch.allclose(layer(X), X @ layer.weight.T + layer.bias, atol=1e-6)
    assert "weight (1, 16)\n" in shown("parameters.by-index").output


def test_relu_has_no_bias() -> None:
    """`nn.ReLU()` takes up a position in a `Sequential` and has no parameters: reading its `bias` raises an
    `AttributeError`.

    `nn.ReLU()` 在 `Sequential` 里占一个位置，但没有参数：读它的 `bias` 会报 `AttributeError`。
    """
    block = after("parameters.by-index").deep[0][3]
    assert type(block[1]) is nn.ReLU
    assert list(block[1].parameters()) == []
    assert type(block[2].bias) is nn.Parameter
    error = shown("parameters.by-index").error
    assert error == "AttributeError: 'ReLU' object has no attribute 'bias'"


def test_bias_is_a_parameter_and_a_tensor() -> None:
    """The bias of a linear layer, and of other layers with a weight and a bias, is an `nn.Parameter`: a tensor that requires a gradient and is registered in its module.

    线性层的偏置，以及其他有权重和偏置的层的偏置，是 `nn.Parameter`：一个需要梯度、并且在模块里注册过的张量。
    """
    for layer in over(with_weight_and_bias(), "layer classes with a bias | 种带偏置的层"):
        module = layer.make()
        assert type(module.bias) is nn.Parameter
        assert isinstance(module.bias, torch.Tensor)
        assert module.bias.requires_grad
        assert any(param is module.bias for param in module.parameters())
    state = after("parameters.parameter-object")
    assert any(param is state.bias for param in state.net[2].parameters())
    told = shown("parameters.parameter-object").output.splitlines()
    assert told[1:3] == ["a Tensor too: True", "requires_grad: True"]
    assert "type: Parameter\n" in shown("parameters.named-parameters").output


def test_a_parameter_of_integers_needs_requires_grad_false() -> None:
    """`nn.Parameter` of integers is refused, `Only Tensors of floating point and complex dtype can require gradients`, unless `requires_grad=False`.

    用整数建 `nn.Parameter` 会报 `Only Tensors of floating point and complex dtype can require gradients`，除非写 `requires_grad=False`。
    """
    kinds = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool)
    for dtype in over(kinds, "dtypes | 种数据类型"):
        whole = torch.ones(2, dtype=dtype)
        with pytest.raises(RuntimeError, match="Only Tensors of floating point and complex dtype"):
            nn.Parameter(whole)
        assert nn.Parameter(whole, requires_grad=False).dtype == dtype


def test_parameter_prints_its_full_type_name() -> None:
    """The type of a parameter prints as `<class 'torch.nn.parameter.Parameter'>`.

    参数的类型打印出来是 `<class 'torch.nn.parameter.Parameter'>`。
    """
    expected = "<class 'torch.nn.parameter.Parameter'>"
    assert repr(type(small()[2].bias)) == expected
    assert shown("parameters.parameter-object").output.splitlines()[0] == expected


def test_detach_shares_memory_with_the_parameter() -> None:
    """`detach()` gives a plain tensor that needs no gradient and shares the memory of the parameter.

    `detach()` 得到一个不需要梯度的普通张量，它和参数共用内存。
    """
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        bias = nn.Linear(2, 3, dtype=dtype).bias
        value = bias.detach()
        assert type(value) is torch.Tensor
        assert not value.requires_grad
        assert value.data_ptr() == bias.data_ptr()
    told = shown("parameters.parameter-object").output.splitlines()
    assert told[-2:] == ["value: Tensor False", "same memory: True"]


def test_data_is_not_callable() -> None:
    """`.data` is an attribute that gives a tensor, so `.data()` stops with `'Tensor' object is not callable`.

    `.data` 是属性，读它就得到张量，所以 `.data()` 会报 `'Tensor' object is not callable`。
    """
    assert type(after("parameters.parameter-object").bias.data) is torch.Tensor
    error = shown("parameters.parameter-object").errors[0].text
    assert error == "TypeError: 'Tensor' object is not callable"


def test_no_gradient_before_the_first_backward() -> None:
    """`grad` is `None` before the first backward pass; after it, a parameter that took part has a tensor of its own shape there.

    第一次反向传播之前 `grad` 是 `None`；之后，参与过计算的参数，`grad` 是与自己形状相同的张量。
    """
    lines = shown("parameters.named-parameters").output.splitlines()
    assert lines[-3:-1] == ["new: None", "after backward: tensor([2.])"]
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        assert all(param.grad is None for param in module.parameters())
        layer.call(module).sum().backward()
        for param in module.parameters():
            assert param.grad is not None
            assert param.grad.shape == param.shape


def test_only_leaves_keep_their_gradient() -> None:
    """After a `backward()` without `inputs`, a parameter has its gradient in `grad`; a tensor that was computed has `None` there, with a warning, unless `retain_grad()` was called on it before.

    不写 `inputs` 的 `backward()` 之后，参数的梯度在 `grad` 里；算出来的张量，`grad` 是 `None`，并有警告，除非事先对它调用过 `retain_grad()`。
    """
    for layer in over(activations(), "activations | 种激活函数"):
        first, last = nn.Linear(4, 8), nn.Linear(8, 1)
        hidden, kept = layer.make()(first(torch.rand(2, 4))), first(torch.rand(2, 4))
        kept.retain_grad()
        (last(hidden).sum() + last(kept).sum()).backward()
        assert first.weight.grad is not None
        with pytest.warns(UserWarning, match="not a leaf Tensor"):
            assert hidden.grad is None
        assert kept.grad is not None
        assert kept.grad.shape == kept.shape
        named = first(torch.rand(2, 4))
        before = first.weight.grad.clone()
        named.sum().backward(inputs=[named])
        assert first.weight.grad.equal(before)
        with warnings.catch_warnings(action="ignore"):
            assert named.grad is not None


def test_zero_grad_drops_the_gradients() -> None:
    """`zero_grad()` of a module and of an optimiser sets gradients to `None` by default; `set_to_none=False` fills them with zeros.

    模块和优化器的 `zero_grad()` 默认把梯度设成 `None`；传 `set_to_none=False` 才是填 0。
    """
    assert shown("parameters.named-parameters").output.endswith("after zero_grad: None\n")
    net = small()
    for cls in over(optimizers(), "optimisers | 种优化器"):
        optimizer = cls(net.parameters())
        for zero_grad in (net.zero_grad, optimizer.zero_grad):
            net(torch.rand(2, 4)).sum().backward()
            zero_grad(set_to_none=False)
            for param in net.parameters():
                assert param.grad is not None
                assert param.grad.shape == param.shape
                assert not param.grad.any()
            zero_grad()
            assert all(param.grad is None for param in net.parameters())


def test_only_none_compares_to_a_plain_bool() -> None:
    """`tensor == None` is plainly `False`, while `==` between tensors compares element by element.

    `tensor == None` 得到普通的 `False`，而张量之间的 `==` 是逐元素比较。
    """
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        ones = torch.ones(2, dtype=dtype)
        assert (ones == None) is False  # noqa: E711
        assert (ones == torch.tensor([1, 2], dtype=dtype)).tolist() == [True, False]


def test_write_through_detach_is_noticed() -> None:
    """A write through `detach()` or through `.data` reaches the parameter; autograd notices only the one through `detach()`: a backward pass that needs the old value fails.

    通过 `detach()` 或 `.data` 写入，都会改到参数本身；autograd 只发现得了通过 `detach()` 的那种：反向传播要用旧值时就会报错。
    """
    for name in over(WRITES, "in-place methods | 种原地方法"):
        layer = nn.Linear(2, 1)
        nn.init.ones_(layer.weight)
        x = torch.ones(1, 2, requires_grad=True)
        y = layer(x)
        in_place(layer.weight.detach(), name)
        assert not (layer.weight == 1).any()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()
        nn.init.ones_(layer.weight)
        y = layer(x)
        in_place(layer.weight.data, name)
        assert not (layer.weight == 1).any()
        y.backward()


def test_numpy_wants_a_detached_tensor() -> None:
    """`numpy()` of a tensor that requires a gradient is refused, `Can't call numpy() on Tensor that requires grad`; `detach().numpy()` works, and so does `numpy()` under `no_grad()`.

    对需要梯度的张量调用 `numpy()` 会被拒绝：`Can't call numpy() on Tensor that requires grad`；先 `detach()` 就可以，写在 `no_grad()` 里也可以。
    """
    error = shown("parameters.parameter-object").errors[1].text
    assert error.startswith("RuntimeError: Can't call numpy() on Tensor that requires grad.")
    for dtype in over((torch.float16, torch.float32, torch.float64), "dtypes | 种数据类型"):
        bias = nn.Linear(2, 3, dtype=dtype).bias
        with pytest.raises(RuntimeError, match="numpy\\(\\) on Tensor that requires grad"):
            bias.numpy()
        assert bias.detach().numpy().tolist() == bias.tolist()
        with torch.no_grad():
            assert bias.numpy().tolist() == bias.tolist()


def test_numpy_has_no_bfloat16() -> None:
    """NumPy has no `bfloat16`: `numpy()` of such a tensor is refused, `Got unsupported ScalarType BFloat16`, and works after `float()`.

    NumPy 没有 `bfloat16`：对这种张量调用 `numpy()` 会报 `Got unsupported ScalarType BFloat16`，先 `float()` 就可以。
    """
    value = nn.Linear(2, 3, dtype=torch.bfloat16).bias.detach()
    with pytest.raises(TypeError, match="Got unsupported ScalarType BFloat16"):
        value.numpy()
    assert value.float().numpy().tolist() == value.tolist()


def test_backward_starts_from_one_number() -> None:
    """`backward()` without an argument needs a tensor of one number: `grad can be implicitly created only for scalar outputs`.

    不带实参的 `backward()` 要求张量里只有一个数，否则报 `grad can be implicitly created only for scalar outputs`。
    """
    message = "RuntimeError: grad can be implicitly created only for scalar outputs"
    assert shown("parameters.backward-errors").errors[0].text == message
    assert shown("parameters.backward-errors").output == "numbers in Y: 2\n"
    net = small()
    for rows in over([(2,), (3, 2), (1, 5), (4, 1, 1)], "shapes | 种形状"):
        with pytest.raises(RuntimeError, match="implicitly created only for scalar outputs"):
            net(torch.rand(*rows, 4)).backward()
        net(torch.rand(*rows, 4)).sum().backward()
        net(torch.rand(*rows, 4)).mean().backward()
        assert net[2].bias.grad is not None


def test_backward_needs_a_path_to_a_parameter() -> None:
    """`backward()` from a tensor that was detached, read through `.data`, newly computed under `no_grad()`, by `argmax` or by a comparison, or made by `torch.tensor(…)`, or with all parameters frozen and an input that needs no gradient, stops with `element 0 of tensors does not require grad and does not have a grad_fn`.

    张量如果是 `detach()`、`.data`、`argmax`、比较或 `torch.tensor(…)` 得到的，或者在 `no_grad()` 里新算出来的，又或者参数全部冻结、输入也不要梯度，`backward()` 就会报 `element 0 of tensors does not require grad and does not have a grad_fn`。
    """
    message = "element 0 of tensors does not require grad and does not have a grad_fn"
    assert shown("parameters.backward-errors").errors[1].text == f"RuntimeError: {message}"
    X = torch.rand(2, 4)
    ways = {
        "detach": lambda: small()(X).detach(),
        "data": lambda: small()(X).data,
        "no_grad": lambda: torch.no_grad()(small())(X),
        "frozen": lambda: small().requires_grad_(False)(X),
        "argmax": lambda: small()(X).argmax(dim=1).float(),
        "comparison": lambda: (small()(X) > 0).float(),
        "tensor": lambda: torch.tensor([small()(X).sum().item()]),
    }
    for way in over(ways, "ways to lose the path | 种断开的方式"):
        with pytest.raises(RuntimeError, match=message):
            ways[way]().sum().backward()
    frozen = small().requires_grad_(False)
    frozen(X.clone().requires_grad_()).sum().backward()
    frozen[2].requires_grad_(True)
    frozen(X).sum().backward()


def test_a_second_backward_needs_another_forward() -> None:
    """The first `backward()` frees what the forward pass saved, so a second one that needs it stops with `Trying to backward through the graph a second time`; after another forward pass, or with `retain_graph=True` in the first, it works. Where nothing was saved, as for an addition, a second one works as it is.

    第一次 `backward()` 会释放前向传播存下的中间结果，第二次若还要用到，就报 `Trying to backward through the graph a second time`；重新做一次前向传播，或者第一次就写 `retain_graph=True`，便可以。运算若什么也没有存，例如加法，直接就能再做一次反向传播。
    """
    param = nn.Parameter(torch.ones(2))
    total = (param + 1).sum()
    total.backward()
    total.backward()
    assert param.grad is not None
    assert param.grad.tolist() == [2, 2]
    message = "Trying to backward through the graph a second time"
    told = shown("parameters.backward-errors").errors[2].text
    assert told.startswith(f"RuntimeError: {message}")
    X = torch.rand(2, 4)
    for layer in over(activations(), "activations | 种激活函数"):
        net = nn.Sequential(nn.Linear(4, 8), layer.make(), nn.Linear(8, 1))
        for _ in range(2):
            loss = net(X).square().mean()
            loss.backward()
        with pytest.raises(RuntimeError, match=message):
            loss.backward()
        loss = net(X).square().mean()
        loss.backward(retain_graph=True)
        loss.backward()


def test_named_parameters_generates_pairs() -> None:
    """`named_parameters()`, which every module has, returns a generator of pairs `(name, parameter)`.

    `named_parameters()` 是每个模块都有的方法，它返回生成器，逐个给出 `(名字, 参数)`。
    """
    for member in over([*layers(), *containers()], "classes of torch.nn | 种 torch.nn 的类"):
        pairs = member.make().named_parameters()
        assert inspect.isgenerator(pairs)
        for name, param in pairs:
            assert isinstance(name, str)
            assert isinstance(param, nn.Parameter)
    net = after("parameters.star").net
    assert next(net.named_parameters()) == ("0.weight", net[0].weight)
    assert shown("parameters.star").output.startswith("returns a generator\n")


def test_linear_layer_names_weight_and_bias() -> None:
    """A linear layer with a bias holds two parameters, `weight` and `bias`, and its state dict has the same two names; with `bias=False` only `weight` is left.

    带偏置的线性层有两个参数，`weight` 和 `bias`；它的状态字典里也是这两个名字。写了 `bias=False`，就只剩 `weight`。
    """
    for bias, names in over(
        ((True, ["weight", "bias"]), (False, ["weight"])), "values of bias= | 种 bias= 的值"
    ):
        layer = nn.Linear(4, 8, bias=bias)
        assert [name for name, _ in layer.named_parameters()] == list(layer.state_dict()) == names
    state = after("parameters.star")
    assert state.layer == [("weight", (8, 4)), ("bias", (8,))]
    told = shown("parameters.star").output.splitlines()
    assert told[1] == "one layer: ('weight', (8, 4)) ('bias', (8,))"
    assert list(state.net[0].state_dict()) == ["weight", "bias"]


def test_names_begin_with_the_position() -> None:
    """A parameter's name begins with the positions or names on the path to its layer; a layer without parameters gives no name.

    参数名以通往这一层的路径（各级的位置或名字）开头；没有参数的层不产生名字。
    """
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        net = nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU(), layer.make()))
        assert [name for name, _ in net.named_parameters()] == ["1.1.weight", "1.1.bias"]
    deep = after("parameters.named-parameters").deep
    names = [name for name, _ in deep.named_parameters()]
    assert names[0] == "0.block0.0.weight"
    assert names[-2:] == ["1.weight", "1.bias"]
    told = "18 names: 0.block0.0.weight ... 0.block3.2.bias 1.weight 1.bias\n"
    assert shown("parameters.named-parameters").output.startswith(told)


def test_named_parameters_gives_the_parameters_themselves() -> None:
    """`named_parameters()` gives the parameters themselves, not their values: writing to one changes the model.

    `named_parameters()` 给出的是参数本身，不是数值：往里面写，模型就跟着变。
    """
    deep = after("parameters.named-parameters").deep
    for name, param in over(deep.named_parameters(), "parameters of a network | 个参数"):
        assert param is deep.get_parameter(name)
        nn.init.constant_(param, 3)
    assert deep[1].bias.item() == 3
    assert (deep[0][3][2].weight == 3).all()


def test_star_unpacks_any_iterable() -> None:
    """`*` passes the items of any iterable, be it list, tuple or generator, as separate arguments.

    `*` 把任何可迭代对象（列表、元组、生成器）的元素拆成一个个实参。
    """

    def count(*arguments: object) -> int:
        return len(arguments)

    def generator(items: Any) -> Any:
        yield from items

    kinds = [list, tuple, set, dict.fromkeys, iter, generator, enumerate, "".join]
    for kind in over(kinds, "kinds of iterables | 种可迭代对象"):
        assert count(*kind("abc")) == 3
    assert count(*small().named_parameters()) == 4


def test_index_binds_tighter_than_star() -> None:
    """In `*pairs[0]` the index comes first: the first pair is unpacked, and the other pairs never appear.

    `*pairs[0]` 先算下标：拆开的只是第一对，其余的根本不出现。
    """
    pairs = [(name, tuple(param.shape)) for name, param in nn.Linear(4, 8).named_parameters()]
    file = io.StringIO()
    print("Init", *pairs[0], file=file)
    assert file.getvalue() == "Init weight (8, 4)\n"
    assert "\nfirst pair: weight (8, 4)\n" in shown("parameters.star").output


def test_inserting_a_module_shifts_later_keys() -> None:
    """A module inserted into a `Sequential` whose names are the positions shifts the index and the keys of every module behind it, so a state dict from before no longer fits. With names of one's own, the keys stay.

    `Sequential` 里的名字就是位置时，插进一个模块，后面每个模块的下标和键都会变，以前的状态字典也就对不上了；自己起的名字则不变。
    """
    for place in over(range(3), "positions | 个位置"):
        net = small()
        behind, before = list(net)[place:], net.state_dict()
        net.insert(place, nn.Flatten())
        with pytest.raises(RuntimeError, match="Missing key"):
            net.load_state_dict(before)
        assert list(net)[place + 1 :] == behind
        keys = [f"{i + (i >= place)}.{name}" for i in (0, 2) for name in ("weight", "bias")]
        assert list(net.state_dict()) == keys
    named = {"first": nn.Linear(4, 8), "last": nn.Linear(8, 1)}
    short, longer = (
        nn.Sequential(collections.OrderedDict(parts))
        for parts in (named, {"front": nn.Flatten(), **named})
    )
    longer.load_state_dict(short.state_dict())
    assert shown("parameters.slices").output.splitlines()[-2:] == [
        "keys:   0.weight 0.bias 2.weight 2.bias",
        "longer: 1.weight 1.bias 3.weight 3.bias",
    ]


def test_name_leads_to_its_value() -> None:
    """The state dict and `get_parameter` both lead from a name such as `2.bias` to the value of that parameter.

    由 `2.bias` 这样的名字，状态字典和 `get_parameter` 都能找到这个参数的值。
    """
    state = after("parameters.by-name")
    deep, net = state.deep, state.net
    for name, param in over(deep.named_parameters(), "parameters of a network | 个参数"):
        assert torch.equal(deep.state_dict()[name], param)
        assert torch.equal(deep.get_parameter(name), param)
    assert torch.equal(net.state_dict()["2.bias"], net[2].bias)


def test_parameter_edits_show_in_the_state_dict() -> None:
    """A state dict taken earlier shows what is later written into a parameter in place, until the parameter gets other memory, as with `net.double()`; a copy, by `clone()` or `copy.deepcopy`, keeps the old value.

    先取出的状态字典会跟着参数后来的原地修改而变；副本（`clone()` 或 `copy.deepcopy`）留得住当时的值。参数一旦换了内存，例如在 `net.double()` 之后，它就不再跟着变。
    """
    state = after("parameters.by-name")
    assert state.entry.item() == 5
    assert state.snapshot.item() != 5
    assert shown("parameters.by-name").output.startswith("entry: 5.0\nsnapshot is 5: False\n")
    for name in over(WRITES, "in-place methods | 种原地方法"):
        net = small()
        taken = net.state_dict()
        copies = [{key: value.clone() for key, value in taken.items()}, copy.deepcopy(taken)]
        old = net[2].bias.item()
        with torch.no_grad():
            in_place(net[2].bias, name)
        assert taken["2.bias"].item() == net[2].bias.item() != old
        assert [kept["2.bias"].item() for kept in copies] == [old, old]
        net.double()
        nn.init.constant_(net[2].bias, 7)
        assert taken["2.bias"].item() != 7


def test_state_dict_tensors_are_detached_and_shared() -> None:
    """The tensors of a state dict, unless it was asked for with `keep_vars=True`, are plain and need no gradient, and share memory with the parameters; a further `.data` gives the same numbers, and hides a write from autograd.

    状态字典里（没有写 `keep_vars=True` 时）是不需要梯度的普通张量，并且与参数共用内存；再取一次 `.data`，数值不变，通过它写入却会瞒过 autograd。
    """
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        state = module.state_dict()
        for name, param in module.named_parameters():
            entry = state[name]
            assert type(entry) is torch.Tensor
            assert not entry.requires_grad
            assert entry.data_ptr() == entry.data.data_ptr() == param.data_ptr()
    layer_, x = nn.Linear(2, 1), torch.ones(1, 2, requires_grad=True)
    assert layer_.state_dict(keep_vars=True)["weight"] is layer_.weight
    entry = layer_.state_dict()["weight"]
    y = layer_(x)
    entry.fill_(7)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
    y = layer_(x)
    entry.data.fill_(8)
    y.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[8, 8]]  # should be 7


def test_get_parameter_returns_the_parameter_itself() -> None:
    """`get_parameter` returns the parameter of that name itself, with its gradient.

    `get_parameter` 按名字给出参数本身，连同它的梯度。
    """
    state = after("parameters.named-parameters")
    state.deep(state.X).sum().backward()
    for name, param in over(state.deep.named_parameters(), "parameters of a network | 个参数"):
        found = state.deep.get_parameter(name)
        assert found is param
        assert found.grad is not None
    assert state.deep.get_parameter("1.bias").grad.item() == 2  # two rows
    assert "the object itself: True\n" in shown("parameters.named-parameters").output


def test_state_dict_has_no_positions() -> None:
    """A state dict cannot be indexed by position: `state_dict()[0]` raises `KeyError: 0`.

    状态字典不能按位置取：`state_dict()[0]` 会报 `KeyError: 0`。
    """
    assert shown("parameters.by-name").error == "KeyError: 0"
    state: Any = small().state_dict()
    for position in over((0, 1, -1, 3), "positions | 个位置"):
        with pytest.raises(KeyError) as caught:
            state[position]
        assert caught.value.args == (position,)


def test_ordered_dict_prints_braces_since_python_312() -> None:
    """An `OrderedDict` prints as a list of pairs up to Python 3.11, and with braces from 3.12 on.

    `OrderedDict` 在 Python 3.11 及以前打印成元组的列表，从 3.12 起打印成花括号。
    """
    braces = sys.version_info >= (3, 12)
    expected = "OrderedDict({'a': 1})" if braces else "OrderedDict([('a', 1)])"
    assert repr(collections.OrderedDict(a=1)) == expected
    opening = "OrderedDict({" if braces else "OrderedDict([("
    assert repr(small().state_dict()).startswith(opening)


def test_sequentials_nest_into_one_tree() -> None:
    """A `Sequential` may hold others: four blocks of two linear layers, with names from `add_module`, and one more layer give 18 parameters in one network.

    `Sequential` 里可以再放 `Sequential`：四个两层的块用 `add_module` 起名，再加一个线性层，合成一个有 18 个参数的网络。
    """
    state = after("parameters.equal-outputs")
    assert state.deep(state.X).shape == (2, 1)
    assert [type(block) for block in state.deep[0]] == [nn.Sequential] * 4
    names = [name for name, _ in state.deep[0].named_children()]
    assert names == ["block0", "block1", "block2", "block3"]
    assert len(list(state.deep.parameters())) == 18
    assert sum(isinstance(module, nn.Linear) for module in state.deep.modules()) == 9


def test_printed_network_shows_its_tree() -> None:
    """A printed network shows its tree, with positions or names, indented as they are nested. An `nn.ModuleList` puts neighbours that print alike on one line.

    打印网络，可以看到它的树形结构，标着位置或名字，并按嵌套关系缩进。`nn.ModuleList` 会把打印出来相同的相邻几项并成一行。
    """
    deep = after("parameters.by-index").deep
    output = repr(deep)
    assert output.startswith("Sequential(\n  (0): Sequential(\n    (block0): Sequential(")
    assert output.count("Linear(") == 9
    assert output.count("ReLU()") == 8
    assert all(f"\n    (block{i}): Sequential(\n      (0): " in output for i in range(4))
    assert shown("parameters.by-index").output.startswith(f"{deep[0][3]!r}\n")
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        module = layer.make()
        net = nn.Sequential(nn.Sequential(collections.OrderedDict(part=module)))
        assert f"(0): Sequential(\n    (part): {type(module).__name__}(" in repr(net)
    listed = repr(nn.ModuleList([nn.Tanh(), nn.ReLU(), nn.ReLU()]))
    assert listed == "ModuleList(\n  (0): Tanh()\n  (1-2): 2 x ReLU()\n)"


def test_walking_the_tree_is_built_in() -> None:
    """`parameters()`, `named_parameters()`, `state_dict()` and `apply()` reach every level of a nested network by themselves.

    `parameters()`、`named_parameters()`、`state_dict()`、`apply()` 自己就会走遍嵌套网络的每一级。
    """
    for depth in over(range(1, 9), "depths of nesting | 种嵌套深度"):
        inner = nn.Linear(2, 2)
        net: nn.Module = inner
        for _ in range(depth):
            net = nn.Sequential(net)
        names = ["0." * depth + name for name in ("weight", "bias")]
        assert [param is inner.weight for param in net.parameters()] == [True, False]
        assert [name for name, _ in net.named_parameters()] == list(net.state_dict()) == names
        visited: list[nn.Module] = []
        net.apply(visited.append)
        assert visited[0] is inner
        assert len(visited) == depth + 1
    deep = after("parameters.named-parameters").deep
    assert len(list(deep.parameters())) == len(deep.state_dict()) == 18


def test_recurse_false_skips_the_children() -> None:
    """With `recurse=False` a module gives only the parameters that it registered itself, and a `Sequential` has none.

    加上 `recurse=False`，只给出模块自己注册的参数，而 `Sequential` 自己一个也没有。
    """
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        assert [name for name, _ in module.named_parameters(recurse=False)] == ["weight", "bias"]
        assert list(nn.Sequential(module).parameters(recurse=False)) == []
    net = after("parameters.star").net
    assert list(net.named_parameters(recurse=False)) == []
    assert len(list(net[2].parameters(recurse=False))) == 2
    assert shown("parameters.star").output.endswith("its own: []\n")


def test_indices_follow_the_nesting() -> None:
    """Indices follow the nesting: `deep[0][3][1]` is the second module of the fourth block of the first module.

    下标顺着嵌套走：`deep[0][3][1]` 是第一个模块里第四块的第二个模块。
    """
    deep = after("parameters.by-index").deep
    assert len(deep[0]) == 4
    assert deep[0][3] is deep[0].block3 is deep[0][-1]
    assert type(deep[0][3][1]) is nn.ReLU
    assert deep[0][1][0].bias is deep.get_parameter("0.block1.0.bias")


def test_space_in_a_name_needs_getattr() -> None:
    """A module name may hold a space, which becomes part of the keys; as an attribute, the module is reached with `getattr`, since the name written after a dot is not valid Python.

    模块名里可以有空格；空格会进到键里，要当属性取模块，得用 `getattr`：直接写在点号后面，不是合法的 Python。
    """
    for name in over(("block 1", "block 1 2", "the last block"), "names | 个名字"):
        odd = nn.Sequential()
        odd.add_module(name, nn.Linear(4, 8))
        assert list(odd.state_dict()) == [f"{name}.weight", f"{name}.bias"]
        assert getattr(odd, name) is odd[0]
        with pytest.raises(SyntaxError):
            compile(f"odd.{name}", "key", "eval")
    odd = after("parameters.names-of-blocks").odd
    odd.add_module("block4", nn.ReLU())
    assert odd.block4 is odd[1]
    assert shown("parameters.names-of-blocks").output == (
        "keys: ['block 1.weight', 'block 1.bias']\nby name: True\n"
    )


def test_dot_in_a_name_is_refused() -> None:
    """`add_module` refuses a name with a dot, `module name can't contain "."`, and adds nothing.

    名字里带点号，`add_module` 会拒绝：`module name can't contain "."`，什么也不添加。
    """
    error = shown("parameters.names-of-blocks").error
    assert error is not None
    assert error.startswith("KeyError: ")
    odd = after("parameters.names-of-blocks").odd
    for name in over(("block.2", ".", "a.b.c", ".a", "a."), "names with a dot | 个带点的名字"):
        with pytest.raises(KeyError, match=r'contain "\."'):
            odd.add_module(name, nn.ReLU())
        assert len(odd) == 1


def test_setattr_lets_a_dot_through() -> None:
    """`setattr` takes a name with a dot, and `get_parameter` and `get_submodule` then do not find what is in it.

    `setattr` 不拒绝带点的名字，但之后 `get_parameter` 和 `get_submodule` 就找不到里面的东西。
    """
    for name in over(("block.2", "a.b.c", "a."), "names with a dot | 个带点的名字"):
        odd = nn.Sequential()
        setattr(odd, name, nn.Linear(2, 2))
        assert list(odd.state_dict()) == [f"{name}.weight", f"{name}.bias"]
        with pytest.raises(AttributeError):
            odd.get_parameter(f"{name}.weight")
        with pytest.raises(AttributeError):
            odd.get_submodule(name)


def test_each_default_block_removes_most_differences() -> None:
    """Each of the four blocks of the example (two linear layers, 16 to 32 to 16, with a ReLU after each, default weights) removes more than four fifths of the difference between inputs; with 20 other seeds each removes more than half.

    例子里的四块（两个线性层，16 到 32 再到 16，各接 ReLU，默认权重），每一块都抹掉各个输入之间五分之四以上的差异；另换 20 个随机种子，每块也抹掉一半以上。
    """
    lines = shown("parameters.washed-out").output.splitlines()
    assert [line.split()[0] for line in lines] == ["input", "block0", "block1", "block2", "block3"]
    spreads = [float(line.split()[-1]) for line in lines]
    assert spreads[0] == pytest.approx(math.sqrt(1 / 12), rel=0.2)  # of numbers between 0 and 1
    assert all(late < early / 5 for early, late in itertools.pairwise(spreads))
    block = after("parameters.washed-out").block
    for seed in over(range(1, 21), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        hidden = [torch.rand(64, 16)]
        for _ in range(4):
            hidden.append(block()(hidden[-1]))
        spreads = [part.std(dim=0).mean().item() for part in hidden]
        assert all(late < early / 2 for early, late in itertools.pairwise(spreads))


def test_default_depth_makes_outputs_alike() -> None:
    """For inputs between 0 and 1, the outputs of nine linear layers of width 16 and 32 with ReLU between them and default weights differ by less than 0.01: what is left comes from the biases.

    九个宽 16 和 32 的线性层中间隔着 ReLU，权重取默认值，输入取 0 到 1 之间的数，各个输出相差不到 0.01：剩下的数值来自偏置。
    """
    state = after("parameters.washed-out")
    first, second = state.deep(state.X)
    assert not torch.allclose(state.X[0], state.X[1], atol=0.1)
    assert (first - second).abs() < 1e-4
    assert shown("parameters.equal-outputs").output == (
        "rows equal: False\noutput: 0.0639\noutput: 0.0639\n"
    )
    for seed in over(seeds(20), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        blocks = [state.block() for _ in range(4)]
        net = nn.Sequential(*blocks, nn.Linear(16, 1))
        X = torch.rand(256, 16)
        corners = X.round()  # zeros and ones
        output = net(torch.cat([X, corners, torch.zeros(1, 16), torch.ones(1, 16)]))
        assert output.max() - output.min() < 0.01
        for name, param in net.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(param)
        assert net(X).abs().max() < 0.01


def test_relus_can_make_outputs_exactly_equal() -> None:
    """Where ReLUs cut off all that distinguishes two inputs, a network gives exactly the same output for both: some narrow networks do, and others do not.

    ReLU 把两个输入的差别全部截掉时，网络给出的两个输出完全相等：很窄的网络有的如此，有的并非如此。
    """

    def narrow() -> list[nn.Module]:
        return [nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU()]

    inputs = torch.rand(2, 4, generator=torch.Generator().manual_seed(0))
    equal = 0
    for seed in over(seeds(12), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        net = nn.Sequential(*(layer for _ in range(4) for layer in narrow()))
        rows = inputs
        for layer in net:
            before, rows = rows, layer(rows)
            if torch.equal(*rows) and not torch.equal(*before):
                assert isinstance(layer, nn.ReLU)
        head = nn.Linear(4, 1)
        first, second = head(rows)
        assert torch.equal(first, second) >= torch.equal(*rows)
        equal += torch.equal(*rows)
    assert 0 < equal < 12


# Initialisation


def test_linear_default_range_depends_on_inputs_only() -> None:
    """`nn.Linear` draws its weight and bias uniformly within `±1/sqrt(in_features)`; the number of outputs plays no part.

    `nn.Linear` 的权重和偏置在 `±1/sqrt(in_features)` 之间均匀抽取，与输出个数无关。
    """
    lines = shown("parameters.defaults").output.splitlines()
    linear = [line.split(")") for line in lines if line.startswith("Linear")]
    shapes = ["Linear(4, 4096", "Linear(64, 64", "Linear(64, 4096", "Linear(1024, 64"]
    assert [name for name, _ in linear] == shapes
    for name, told in linear:
        largest, ratio = told.split()
        inputs = int(name.removeprefix("Linear(").split(",")[0])
        assert math.isclose(float(largest), inputs**-0.5, abs_tol=0.001)
        assert ratio == "1.00"
    torch.manual_seed(0)
    sizes = [(64, 2000), (64, 4000), (16, 2000), (400, 1000)]
    for inputs, outputs in over(sizes, "sizes | 种大小"):
        layer, bound = nn.Linear(inputs, outputs), inputs**-0.5
        for tensor in (layer.weight, layer.bias):
            assert 0.99 * bound < tensor.abs().max() <= bound * 1.000001
            assert abs(tensor.mean()) < 0.1 * bound
            drawn = tensor.detach().flatten().sort().values
            even = torch.linspace(-bound, bound, len(drawn))
            assert (drawn - even).abs().max() < 0.1 * bound
        assert math.isclose(layer.weight.var().item(), 1 / (3 * inputs), rel_tol=0.03)


def test_convolution_default_range_depends_on_fan_in() -> None:
    """Convolutions without groups draw their weight and bias within `±1/sqrt(fan_in)`, where the fan-in is input channels times kernel area, or output channels times kernel area in transposed ones; with groups, only the channels of one group count.

    不分组的卷积层，权重和偏置取自 `±1/sqrt(fan_in)`，扇入是输入通道数乘卷积核面积，转置卷积则是输出通道数乘卷积核面积；分组时，只算一组的通道数。
    """
    torch.manual_seed(0)
    plain = [nn.Conv1d, nn.Conv2d, nn.Conv3d]
    kinds = [*plain, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d]
    sizes = [(4, 64, 5, 1), (4, 256, 5, 1), (16, 64, 3, 1), (16, 64, 3, 4)]
    cases = itertools.product(kinds, sizes)
    for kind, (channels, outputs, size, groups) in over(cases, "convolutions | 种卷积层"):
        layer = kind(channels, outputs, size, groups=groups)
        weight = layer.weight
        counted = channels if kind in plain else outputs
        fan_in = counted // groups * weight[0, 0].numel()
        bound = 1 / math.sqrt(fan_in)
        assert 0.99 * bound < weight.abs().max() <= bound * 1.000001
        assert 0.9 * bound < layer.bias.abs().max() <= bound * 1.000001


def test_layer_classes_have_their_own_reset_parameters() -> None:
    """The layers of `torch.nn` with parameters set their default values in `reset_parameters`, and calling it sets the values anew; `nn.MultiheadAttention` and the `Transformer` classes have no such method.

    `torch.nn` 里有参数的层，在 `reset_parameters` 里设定默认值，调用它就重新设一遍；`nn.MultiheadAttention` 和各个 `Transformer` 类没有这个方法。
    """
    lacking = []
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        module = layer.make()
        params = list(module.parameters())
        if not params:
            continue
        if not hasattr(module, "reset_parameters"):
            lacking.append(layer.cls.__name__)
            continue
        for param in params:
            nn.init.constant_(param, 7)
        torch.manual_seed(5)
        fresh = [param.detach().clone() for param in layer.make().parameters()]
        torch.manual_seed(5)
        module.reset_parameters()
        assert not any((param == 7).any() for param in params)
        assert all(map(torch.equal, fresh, params))
    assert lacking.pop(lacking.index("MultiheadAttention"))
    assert lacking
    assert all(name.startswith("Transformer") for name in lacking)
    kinds = (nn.Linear, nn.Conv2d, nn.Embedding, nn.LayerNorm, nn.BatchNorm1d, nn.PReLU)
    assert len({kind.reset_parameters for kind in kinds}) == len(kinds)


def test_the_default_weight_is_a_kaiming_for_another_slope() -> None:
    """`nn.Linear` draws the same weight as `kaiming_uniform_` with `a=math.sqrt(5)`, which is the formula for a leaky ReLU of slope √5, and whose bound is `1/sqrt(in_features)`; the default of that function, for ReLU, gives a bound √6 times as large.

    `nn.Linear` 抽取的权重，和 `kaiming_uniform_` 加上 `a=math.sqrt(5)` 得到的一样，这是斜率为 √5 的 leaky ReLU 的公式，界为 `1/sqrt(in_features)`；那个函数的默认值对应 ReLU，界是它的 √6 倍。
    """
    assert math.isclose(nn.init.calculate_gain("leaky_relu", math.sqrt(5)), math.sqrt(1 / 3))
    sizes = [(64, 2000), (2000, 64), (16, 4000), (1, 3000)]
    for inputs, outputs in over(sizes, "sizes | 种大小"):
        drawn = []
        for slope in (None, math.sqrt(5), 0):
            torch.manual_seed(3)
            layer = nn.Linear(inputs, outputs)
            if slope is not None:
                torch.manual_seed(3)
                nn.init.kaiming_uniform_(layer.weight, a=slope)
            drawn.append(layer.weight)
        assert torch.equal(drawn[0], drawn[1])
        assert torch.allclose(drawn[2], drawn[0] * math.sqrt(6), rtol=1e-4)
        assert 0.99 < drawn[1].abs().max() * math.sqrt(inputs) < 1.000001


def test_other_layers_start_from_other_values() -> None:
    """An embedding starts from a standard normal distribution, `LayerNorm` and `BatchNorm1d` from ones and zeros, `PReLU` from 0.25.

    嵌入层从标准正态分布开始，`LayerNorm` 和 `BatchNorm1d` 从 1 和 0 开始，`PReLU` 从 0.25 开始。
    """
    torch.manual_seed(0)
    embedding = nn.Embedding(500, 100).weight
    assert abs(embedding.std() - 1) < 0.02
    assert abs(embedding.mean()) < 0.02
    assert embedding.abs().max() > 3
    for norm in (nn.LayerNorm(3), nn.BatchNorm1d(3)):
        assert norm.weight.tolist() == [1, 1, 1]
        assert norm.bias.tolist() == [0, 0, 0]
    assert nn.PReLU().weight.item() == 0.25
    told = shown("parameters.defaults").output.splitlines()[-3:]
    assert told == ["Embedding: std = 1.00", "LayerNorm: [1.0, 1.0, 1.0]", "PReLU: 0.25"]


def test_default_linear_keeps_a_third_of_mean_square() -> None:
    """On average, the default weights of a linear layer pass on a third of the mean square of their input, and ReLU removes more. A single narrow layer may pass on far more or less.

    平均来说，线性层的默认权重只把输入均方值的三分之一传下去，ReLU 还要再削掉一部分。单独一个很窄的层，可能多得多，也可能少得多。
    """
    for seed in over(seeds(10), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        inputs = torch.randn(200, 200)
        output = F.linear(inputs, nn.Linear(200, 200).weight)
        share = (output.square().mean() / inputs.square().mean()).item()
        assert math.isclose(share, 1 / 3, rel_tol=0.05)
        assert F.relu(output).square().mean() < 0.6 * output.square().mean()
    torch.manual_seed(0)
    for width in (1, 2, 4):
        inputs = torch.randn(100, width)
        outputs = [F.linear(inputs, nn.Linear(width, width).weight) for _ in range(3000)]
        shares = torch.stack(outputs).square().mean(dim=(1, 2)) / inputs.square().mean()
        assert math.isclose(shares.mean().item(), 1 / 3, rel_tol=0.05)
        assert shares.min() < 0.2 < 0.5 < shares.max()


def test_the_variance_gives_the_third() -> None:
    """A uniform distribution on `±b` has variance `b²/3`, so a sum of `n` products with weights drawn uniformly within `±1/sqrt(n)` has a third of the mean square of the input.

    `±b` 之间的均匀分布，方差是 `b²/3`；所以把 `n` 个输入各乘一个在 `±1/sqrt(n)` 之间均匀抽取的权重再求和，均方值是输入的三分之一。
    """
    torch.manual_seed(0)
    for n in over((4, 25, 100, 400), "numbers of inputs | 种输入个数"):
        bound = n**-0.5
        weight = torch.empty(40_000 // n, n).uniform_(-bound, bound)
        assert math.isclose(weight.var().item(), bound**2 / 3, rel_tol=0.03)
        inputs = torch.randn(400, n)
        mean_square = (inputs @ weight.T).square().mean() / inputs.square().mean()
        assert math.isclose(mean_square.item(), 1 / 3, rel_tol=0.05)


def test_kaiming_keeps_outputs_apart() -> None:
    """Eight layers of 128 units with default weights and ReLU bring all outputs together; with `kaiming_normal_` they stay apart.

    八个 128 单元的层，各接 ReLU，用默认权重，所有输出趋于一致；改用 `kaiming_normal_`，差异就能保住。
    """

    def kaiming(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.kaiming_normal_(m.weight)
            nn.init.zeros_(m.bias)

    for seed in over(seeds(5), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        parts = [module for _ in range(8) for module in (nn.Linear(128, 128), nn.ReLU())]
        net = nn.Sequential(*parts, nn.Linear(128, 1))
        inputs = torch.rand(64, 128)
        assert net(inputs).std() < 1e-3
        net.apply(kaiming)
        assert net(inputs).std() > 0.05
    _, told = shown("parameters.init-normal").output.splitlines()
    name, *outputs = told.split()
    assert name == "init_kaiming"
    first, second = (float(output) for output in outputs)
    assert abs(first - second) > 0.05


def test_initialisers_overwrite_in_place_without_gradient() -> None:
    """Functions of `nn.init` whose names end in `_` overwrite the tensor itself and record nothing for autograd.

    `nn.init` 里名字以 `_` 结尾的函数原地改写张量本身，而且不让 autograd 记录。
    """
    for init in over(initialisers(), "functions of nn.init | 个 nn.init 的函数"):
        assert init.function.__name__.endswith("_")
        weight = nn.Parameter(torch.full(init.shape, 7.0))
        version = weight._version
        assert init(weight) is weight
        assert not (weight == 7).all()
        assert weight.is_leaf
        assert weight.requires_grad
        assert weight._version > version  # written, not replaced


def test_apply_initialises_nested_layers() -> None:
    """`apply` calls a function on every module, so one small function sets all linear layers, however deeply nested.

    `apply` 对每一个模块调用同一个函数，所以一个小函数就能设好所有线性层，嵌套多深都一样。
    """
    init_normal = after("parameters.init-normal").init_normal
    torch.manual_seed(0)
    for depth in over(range(8), "depths of nesting | 种嵌套深度"):
        outer, inner = nn.Linear(300, 300), nn.Linear(300, 5)
        net: nn.Module = inner
        for _ in range(depth):
            net = nn.Sequential(nn.ReLU(), net)
        net = nn.Sequential(outer, net)
        called: list[nn.Module] = []
        net.apply(called.append)
        assert set(called) == set(net.modules())
        net.apply(init_normal)
        assert abs(outer.weight.std().item() - 0.01) < 3e-4
        assert abs(outer.weight.mean().item()) < 3e-4
        assert 0 < inner.weight.abs().max() < 0.06
        assert not outer.bias.any()
        assert not inner.bias.any()


def test_normal_ignores_the_old_values() -> None:
    """`normal_` draws new values from a normal distribution; it does not standardise those that were there.

    `normal_` 从正态分布里重新抽样，不是把原来的数标准化。
    """
    torch.manual_seed(0)
    first = nn.init.normal_(torch.zeros(400, 400), 0, 0.01)
    assert abs(first.std().item() - 0.01) < 2e-4
    assert abs(first.mean().item()) < 2e-4
    for old in over((7.0, -1e9, math.inf, math.nan), "old values | 种原来的值"):
        torch.manual_seed(0)
        assert torch.equal(first, nn.init.normal_(torch.full((400, 400), old), 0, 0.01))


def test_subclasses_fail_the_exact_type_test() -> None:
    """`type(m) is nn.Linear` is false for the projection inside `MultiheadAttention` and for `LazyLinear`; `isinstance` is true for both.

    对 `MultiheadAttention` 里的投影层和 `LazyLinear`，`type(m) is nn.Linear` 不成立，`isinstance` 成立。
    """
    heading, *lines, _ = shown("parameters.apply-order").output.splitlines()
    assert heading.split() == ["is", "isinstance"]
    answers = {line.split()[0]: line.split()[1:] for line in lines}
    assert answers["Linear"] == ["True", "True"]
    assert answers["LazyLinear"] == ["False", "True"]
    assert answers["MultiheadAttention"] == ["False", "False"]
    projection = nn.MultiheadAttention(8, 2).out_proj
    assert answers[type(projection).__name__] == ["False", "True"]


def test_apply_visits_children_first() -> None:
    """`apply` visits every module, children before their parent and the module itself last, and returns that module.

    `apply` 走过每一个模块，先子后父，最后是模块自己；返回的就是这个模块。
    """
    nested = [after("parameters.apply-order").deep, nn.Transformer(4, 2, 1, 1, 4), tied_at(2)]
    classes = "modules | 个模块"
    for module in over([*nested, *(member.make() for member in containers())], classes):
        visited: list[nn.Module] = []
        assert module.apply(visited.append) is module
        assert visited[-1] is module
        assert set(visited) == set(module.modules())
        for parent in visited:
            assert all(visited.index(m) < visited.index(parent) for m in parent.children())
    assert shown("parameters.apply-order").output.endswith("returns itself: True\n")


def test_apply_visits_a_module_in_two_blocks_twice() -> None:
    """`apply` visits a module once for each block that holds it, and twice in one block only once; a loop over `modules()` meets it once. So a function that halves a weight leaves a quarter of it in two blocks.

    一个模块放在几个块里，`apply` 就走到几次，同一个块里放两次则只走一次；遍历 `modules()` 只遇到一次。所以放在两个块里，把权重减半的函数会让它只剩四分之一。
    """

    def half(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            with torch.no_grad():
                m.weight.mul_(0.5)

    for blocks in over((1, 2, 3), "numbers of blocks | 种块数"):
        layer = nn.Linear(2, 2)
        nn.init.ones_(layer.weight)
        net = nn.Sequential(*(nn.Sequential(layer, nn.ReLU(), layer) for _ in range(blocks)))
        net.apply(half)
        assert (layer.weight == 0.5**blocks).all()
        nn.init.ones_(layer.weight)
        for m in net.modules():
            half(m)
        assert (layer.weight == 0.5).all()


def test_constant_fills_the_whole_tensor() -> None:
    """`nn.init.constant_` sets every element of a tensor to the same number.

    `nn.init.constant_` 把张量的每个元素都设成同一个数。
    """
    shapes = [(), (3,), (8, 4), (2, 3, 4), (2, 1, 3, 3)]
    for shape, dtype in over(itertools.product(shapes, float_dtypes()), "tensors | 种张量"):
        tensor = torch.zeros(shape, dtype=dtype)
        assert (nn.init.constant_(tensor, 42) == 42).all()
    net = small().apply(after("parameters.init-per-layer").init_constant)
    for layer in (net[0], net[2]):
        assert (layer.weight == 1).all()
        assert not layer.bias.any()
    assert "net[2]: [[42.0, 42.0" in shown("parameters.init-per-layer").output


def test_type_test_leaves_subclasses_uninitialised() -> None:
    """An initialiser that tests `type(m) == nn.Linear` leaves layers of a subclass as they were, without an error; `isinstance` reaches them.

    初始化函数若用 `type(m) == nn.Linear` 判断，子类的层就原封不动，也不报错；用 `isinstance` 才管得到。
    """

    class Scaled(nn.Linear):
        pass

    def by_type(m: nn.Module) -> None:
        if type(m) == nn.Linear:  # noqa: E721
            nn.init.constant_(m.weight, 1)

    init_constant = after("parameters.symmetry").init_constant
    projection = type(nn.MultiheadAttention(8, 2).out_proj)
    cases = [Scaled, projection, type("Mine", (Scaled,), {})]
    for cls in over(cases, "subclasses of nn.Linear | 个 nn.Linear 的子类"):
        net = nn.Sequential(cls(8, 8))
        before = net[0].weight.clone()
        net.apply(by_type)
        assert torch.equal(net[0].weight, before)
        net.apply(init_constant)
        assert (net[0].weight == 1).all()


def test_lazy_layer_initialises_after_its_first_call() -> None:
    """A lazy layer has no shape before its first call: functions of `nn.init` raise an error, `normal_` with `Attempted to use an uninitialized parameter`, while `.data.fill_(1)` silently does nothing. `.data.copy_` of a matrix is refused.

    延后初始化的层在第一次调用之前没有形状：`nn.init` 的函数会报错，例如 `normal_` 报 `Attempted to use an uninitialized parameter`；`.data.fill_(1)` 则不报错，也不起作用；用 `.data.copy_` 写入一个矩阵会报错。
    """
    init_normal = after("parameters.init-normal").init_normal
    lazy = nn.LazyLinear(3)
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        lazy.apply(init_normal)
    lazy(torch.ones(1, 2))
    lazy.apply(init_normal)
    assert lazy.weight.shape == (3, 2)
    assert lazy.weight.abs().max() < 0.06
    for layer in over(lazy_layers(), "lazy classes of torch.nn | 种延后初始化的层"):
        open_ = [p for p in layer.make().parameters() if nn.parameter.is_lazy(p)]
        for param in open_:
            for init in initialisers():
                with pytest.raises((ValueError, RuntimeError), match=r"[Uu]ninitialized param"):
                    init(param)
            param.data.fill_(1)
            assert param.data.numel() == 0
            with pytest.raises(RuntimeError, match="must match"):
                param.data.copy_(torch.ones(3, 2))


def test_equal_units_stay_equal_in_training() -> None:
    """Hidden units that start with equal biases and equal incoming and outgoing weights receive gradients that are equal up to rounding, and stay alike in a short training, whatever the element-wise activation, unless something tells them apart, such as dropout, or `nn.GLU`, which uses one half of them as gates. In a thousand steps, a difference of the last bit can grow until the units are different.

    偏置、输入和输出两头的权重起点都相同的隐藏单元，不计舍入误差，得到的梯度相同，短时间的训练中分不开，换哪种逐元素的激活函数都一样，除非有别的东西把它们区分开，例如 dropout，或者把其中一半当作门的 `nn.GLU`。一千步之后，最后一位上的差别就可能大到让各个单元互不相同。
    """
    assert shown("parameters.symmetry").output.startswith("units: 1,")
    state = after("parameters.symmetry")
    net = copy.deepcopy(state.net)
    state.train(net, steps=20)
    assert net[0].weight[0].std() > 0  # they did move

    one = nn.Sequential(nn.Linear(4, 1), nn.ReLU(), nn.Linear(1, 1))  # computes the same
    with torch.no_grad():
        one[0].weight.copy_(state.net[0].weight[:1])
        one[0].bias.copy_(state.net[0].bias[:1])
        one[2].weight.copy_(state.net[2].weight.sum(1, keepdim=True))
        one[2].bias.copy_(state.net[2].bias)
    rows = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(one(rows), state.net(rows), atol=1e-5)

    def grown(
        activation: nn.Module,
        steps: int = 5,
        width: int = 8,
        lr: float = 0.01,
        nudged: bool = False,
    ) -> nn.Linear:
        hidden = nn.Linear(4, 8)
        model = nn.Sequential(hidden, activation, nn.Linear(width, 1)).apply(state.init_constant)
        with torch.no_grad():
            if nudged:  # by the difference that rounding may make
                hidden.weight[0, 0] = torch.nextafter(hidden.weight[0, 0], torch.tensor(2.0))
        X = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
        for _ in range(steps):
            model.zero_grad()
            (model(X) - X.abs().sum(dim=1, keepdim=True)).square().mean().backward()
            with torch.no_grad():
                for param in model.parameters():
                    param -= lr * param.grad
        return hidden

    fixed = [layer for layer in activations() if layer.cls is not nn.RReLU]
    for layer in over(fixed, "activations | 种激活函数"):
        hidden = grown(layer.make())
        assert hidden.weight.grad is not None
        for tensor in (hidden.weight, hidden.bias, hidden.weight.grad):
            assert torch.equal(tensor, tensor[0].expand_as(tensor))
    large = nn.Sequential(nn.Linear(100, 300), nn.ReLU(), nn.Linear(300, 1))
    for m in (large[0], large[2]):
        nn.init.constant_(m.weight, 0.1)
        nn.init.zeros_(m.bias)
    X = torch.randn(128, 100, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(large.parameters(), lr=1e-3)
    for _ in range(20):
        optimizer.zero_grad()
        (large(X) - X.abs().sum(dim=1, keepdim=True)).square().mean().backward()
        optimizer.step()
    assert large[0].weight[0].std() > 0  # they did move
    assert (large[0].weight - large[0].weight[0]).abs().max() < 1e-6
    rounded = [grown(nn.Tanh(), steps, lr=0.03, nudged=True).weight for steps in (50, 1000)]
    early, late = ((weight - weight[1]).abs().max() for weight in rounded)
    assert early < 1e-5
    assert late > 0.01
    apart = grown(nn.Dropout(0.5)).weight
    assert not torch.equal(apart, apart[0].expand_as(apart))
    values, gates = grown(nn.GLU(), width=4).weight.chunk(2)
    assert torch.equal(values, values[0].expand_as(values))
    assert not torch.equal(values, gates)


def test_random_weights_break_the_symmetry() -> None:
    """Units that start from random weights end up different from each other, and on the data of the example the network reaches a lower loss.

    从随机权重开始，各个单元互不相同；用例子里的数据，网络的损失也比各单元起点相同时更低。
    """
    lines = shown("parameters.symmetry").output.splitlines()
    assert lines[1].startswith("units: 8,")
    constant, default = (float(line.split()[-1]) for line in lines)
    assert default < constant / 2
    state = after("parameters.symmetry")
    assert [p.shape for p in state.drawn.parameters()] == [p.shape for p in state.net.parameters()]
    torch.manual_seed(0)
    X = torch.randn(16, 4)
    Y = X.abs().sum(dim=1, keepdim=True)
    for seed in over(seeds(4), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        net = small()
        state.train(net)
        assert (net(X) - Y).square().mean() < constant
        assert len(net[0].weight.unique(dim=0)) == 8


def test_weights_of_one_multiply_by_the_width() -> None:
    """With all weights 1 and no bias, each layer after the first multiplies the differences between inputs by its width.

    权重全为 1、偏置为 0 时，从第二层起，每层都把各个输入之间的差异放大，倍数就是层的宽度。
    """
    state = after("parameters.spread-by-depth")
    assert len(state.curves["constant 1"]) == 20
    for width in over((64, 2, 16, 50, 100), "widths | 种宽度"):
        curve = state.spreads(state.init_constant, depth=5, width=width)
        for early, late in itertools.pairwise(curve):
            assert math.isclose(late / early, width, rel_tol=1e-12)
    for early, late in itertools.pairwise(state.curves["constant 1"]):
        assert math.isclose(late / early, 64, rel_tol=1e-12)


def spread_of(init: Any, seed: int, width: int = 64) -> list[float]:
    torch.manual_seed(seed)
    hidden = torch.randn(128, width, dtype=torch.float64)
    result = []
    with torch.no_grad():
        for _ in range(20):
            layer = nn.Linear(width, width, dtype=torch.float64)
            hidden = layer.apply(init)(hidden).relu()
            result.append(hidden.std(dim=0).mean().item())
    return result


def test_fixed_small_sigma_loses_more_than_defaults() -> None:
    """In layers of width 64 with ReLU, default weights keep on average about 40% of the differences per layer, and those with standard deviation 0.01 about 5%.

    宽度 64、带 ReLU 的层，默认权重平均每层留下约 40% 的差异，标准差 0.01 的权重只留下约 5%。
    """
    state = after("parameters.spread-by-depth")
    curves = state.curves

    def factor(curve: list[float]) -> float:
        return float((curve[-1] / curve[0]) ** (1 / 19))

    ends = {}
    for line in shown("parameters.spread-by-depth").output.splitlines():
        first, last = line.split("...")
        name, start = first.rsplit(maxsplit=1)
        ends[name] = float(start), float(last)
    assert list(ends) == ["kaiming", "default", "normal 0.01", "constant 1"]
    for name, (start, end) in ends.items():  # to one digit
        assert math.isclose(start, curves[name][0], rel_tol=0.4)
        assert math.isclose(end, curves[name][-1], rel_tol=0.4)
    assert 0.35 < factor(curves["default"]) < 0.45
    assert 0.045 < factor(curves["normal 0.01"]) < 0.06
    for name, low, high in (("default", 0.2, 0.55), ("normal 0.01", 0.04, 0.07)):
        pairs = itertools.pairwise(curves[name])
        assert all(low < late / early < high for early, late in pairs)
    for seed in over(seeds(5), "seeds | 个随机种子"):
        assert 0.35 < factor(spread_of(lambda m: None, seed)) < 0.45
        assert 0.045 < factor(spread_of(state.init_normal, seed)) < 0.06


def test_kaiming_scale_follows_from_the_fan_in() -> None:
    """By default, `kaiming_normal_` draws with standard deviation `sqrt(2 / fan_in)`; `nonlinearity="relu"` gives the same numbers.

    `kaiming_normal_` 默认按标准差 `sqrt(2 / fan_in)` 抽样；写明 `nonlinearity="relu"`，得到的数相同。
    """
    sizes = [(200, 500), (500, 200), (100, 100), (1000, 100)]
    for inputs, outputs in over(sizes, "sizes | 种大小"):
        torch.manual_seed(2)
        weight = nn.init.kaiming_normal_(torch.empty(outputs, inputs))
        assert math.isclose(weight.std().item(), math.sqrt(2 / inputs), rel_tol=0.03)
        torch.manual_seed(2)
        again = nn.init.kaiming_normal_(torch.empty(outputs, inputs), nonlinearity="relu")
        assert torch.equal(again, weight)


def test_relu_makes_inputs_more_alike() -> None:
    """With `kaiming_normal_`, the median of the networks in the picture (20 layers of width 64 with ReLU) has between a fifth and three tenths of the spread after its first layer, and so has the median of 100 others. In networks of width 512 the mean square stays between half and one and a half of that after the first layer, while the cosine between two inputs rises from a third to over 0.9 on average; without ReLU it stays near 0.

    用 `kaiming_normal_`，图里的网络（20 层，宽度 64，带 ReLU）过了 20 层，差异的中位数是第一层之后的五分之一到十分之三；另外 100 个网络也是如此。宽度为 512 时，均方值一直是第一层之后的一半到一倍半，两个输入的余弦则平均从三分之一升到 0.9 以上；没有 ReLU，余弦一直接近 0。
    """
    state = after("parameters.spread-by-depth")
    curve = state.curves["kaiming"]
    assert len(curve) == 20
    assert 1 / 5 < curve[-1] / curve[0] < 3 / 10
    ratios = []
    for seed in over(range(21, 121), "seeds | 个随机种子"):
        curve = spread_of(state.init_kaiming, seed)
        ratios.append(curve[-1] / curve[0])
    assert 1 / 5 < sorted(ratios)[50] < 3 / 10

    def cosine(rows: torch.Tensor) -> float:
        unit = F.normalize(rows)
        return float(((unit @ unit.T).sum() - len(rows)) / (len(rows) * (len(rows) - 1)))

    for seed in seeds(5):
        torch.manual_seed(seed)
        plain = rows = torch.randn(64, 512)
        squares, cosines = [], []
        for _ in range(20):
            weight = torch.randn(512, 512) / 512**0.5
            plain, rows = plain @ weight.T, (rows @ (2**0.5 * weight).T).relu()
            squares.append(rows.square().mean().item())
            cosines.append(cosine(rows))
            assert abs(cosine(plain)) < 0.1
        assert all(0.5 < square / squares[0] < 1.5 for square in squares)
        assert 0.28 < cosines[0] < 0.38
        assert 0.75 < cosines[9] < cosines[19]
        assert cosines[19] > 0.9


def test_constant_biases_do_no_harm() -> None:
    """Biases that all start at the same number do not keep units equal: random weights already tell them
    apart.

    偏置全从同一个数开始，单元也不会因此相同：随机的权重已经把它们区分开。
    """
    state = after("parameters.symmetry")
    for value in over((0, 1, -1, 0.01), "numbers | 个数"):
        net = small().apply(state.init_normal)
        nn.init.constant_(net[0].bias, value)
        state.train(net, steps=5)
        assert len(net[0].weight.unique(dim=0)) == 8


def test_each_part_takes_its_own_initialiser() -> None:
    """`apply` on a part of a model initialises that part and leaves the others alone.

    对模型的一部分调用 `apply`，只初始化这一部分，别的部分不动。
    """
    state = after("parameters.init-per-layer")
    net = state.net
    assert (net[2].weight == 42).all()
    assert 0 < net[0].weight.abs().max() < 1
    assert net[0].weight.unique().numel() == 32
    for part in over(dict(state.deep.named_modules()), "parts of a network | 个部分"):
        deep = copy.deepcopy(state.deep)
        inside = {id(m) for m in deep.get_submodule(part).modules()}
        deep.get_submodule(part).apply(state.init_42)
        for m in deep.modules():
            if isinstance(m, nn.Linear):
                assert (m.weight == 42).all() == (id(m) in inside)


def test_initialising_weights_leaves_the_bias() -> None:
    """An initialiser that sets only the weights leaves the biases as they were.

    初始化函数若只设权重，偏置保持原值。
    """
    net = after("parameters.init-per-layer").net
    assert net[2].bias.item() == 5
    before = after("parameters.spread-by-depth").net[0].bias
    assert before.any()
    assert torch.equal(net[0].bias, before)
    assert shown("parameters.init-per-layer").output.endswith("\nbias: 5.0\n")
    for init in over(initialisers(), "functions of nn.init | 个 nn.init 的函数"):
        layer = nn.Linear(4, 4)
        layer.weight = nn.Parameter(torch.full(init.shape, 7.0))
        bias = layer.bias.clone()
        layer.apply(lambda m, init=init: init(m.weight))
        assert not (layer.weight == 7).all()
        assert torch.equal(layer.bias, bias)


def test_xavier_range_uses_both_widths() -> None:
    """`xavier_uniform_` draws within `±sqrt(6 / (fan_in + fan_out))`, so it depends on inputs and outputs
    alike.

    `xavier_uniform_` 取自 `±sqrt(6 / (fan_in + fan_out))`，输入、输出两个维度都算在内。
    """
    net = after("parameters.init-per-layer").net
    assert net[0].weight.abs().max() <= math.sqrt(6 / (4 + 8))
    told = shown("parameters.init-per-layer").output.splitlines()[0]
    assert told == f"net[0]: max |w| = {net[0].weight.abs().max():.2f}"
    torch.manual_seed(0)
    sizes = [(100, 50), (100, 500), (500, 100), (300, 300)]
    for inputs, outputs in over(sizes, "sizes | 种大小"):
        largest = nn.init.xavier_uniform_(torch.empty(outputs, inputs)).abs().max().item()
        bound = math.sqrt(6 / (inputs + outputs))
        assert 0.99 * bound < largest <= bound * 1.000001


def test_bias_false_leaves_none_behind() -> None:
    """With `bias=False` the attribute `bias` of a linear layer, and of other layers with a weight and a bias, is `None`, and `zeros_` on it stops with `'NoneType' object has no attribute 'zero_'`.

    线性层和其他有权重和偏置的层，写了 `bias=False`，`bias` 属性就是 `None`，对它用 `zeros_` 会报 `'NoneType' object has no attribute 'zero_'`。
    """
    state = after("parameters.init-errors")
    assert state.unbiased.bias is None
    assert shown("parameters.init-errors").output == "bias: None\n"
    message = "'NoneType' object has no attribute 'zero_'"
    assert shown("parameters.init-errors").errors[0].text == f"AttributeError: {message}"
    for initialise in (state.init_normal, state.init_constant):
        assert state.unbiased.apply(initialise).bias is None
    takes = [m for m in with_weight_and_bias() if "bias" in inspect.signature(m.cls).parameters]
    for layer in over(takes, "layer classes that take bias= | 种可以写 bias= 的层"):
        module = layer.make(bias=False)
        assert module.bias is None
        with pytest.raises(AttributeError, match=message):
            nn.init.zeros_(module.bias)


def test_xavier_and_kaiming_refuse_a_bias() -> None:
    """Xavier and Kaiming refuse a tensor with one dimension, such as the bias of a linear layer: `Fan in and fan out can not be computed for tensor with fewer than 2 dimensions`.

    Xavier 和 Kaiming 不接受一维的张量，例如线性层的偏置：`Fan in and fan out can not be computed for tensor with fewer than 2 dimensions`。
    """
    message = "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
    assert shown("parameters.init-errors").errors[1].text == f"ValueError: {message}"
    named = [i for i in initialisers() if i.function.__name__.startswith(("xavier", "kaiming"))]
    assert len(named) == 4
    for init in over(named, "functions of nn.init | 个 nn.init 的函数"):
        for layer in (nn.Linear(3, 4), nn.Conv2d(3, 4, 2), nn.LayerNorm(4)):
            with pytest.raises(ValueError, match=message):
                init(layer.bias)


def test_cutting_the_middle_gives_three_parts() -> None:
    """When draws from `U(-10, 10)` below 5 in absolute value are set to 0, half of the numbers are zeros, and a quarter lies on each outer interval.

    从 `U(-10, 10)` 抽样，把绝对值小于 5 的置 0，就有一半是 0，外侧两段各占四分之一。
    """
    state = after("parameters.law-histogram")
    assert len(state.w) == 100_000

    def share(part: torch.Tensor) -> float:
        return part.float().mean().item()

    for seed in over(seeds(5), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        w = nn.Linear(400, 250).apply(state.my_init).weight.detach().flatten()
        assert abs(share(w == 0) - 0.5) < 0.01
        assert abs(share(w >= 5) - 0.25) < 0.01
        assert abs(share(w <= -5) - 0.25) < 0.01
        assert not ((w != 0) & (w.abs() < 5)).any()
        assert w.abs().max() <= 10
        outer = w[w >= 5]
        assert abs(outer.mean() - 7.5) < 0.05
        assert abs(outer.var() - 25 / 12) < 0.05


def test_masked_product_equals_the_filled_weight() -> None:
    """Multiplying a weight by the mask `weight.abs() >= 5` gives values equal to filling with zero, and leaves the bias alone.

    让权重乘以掩码 `weight.abs() >= 5`，得到的值与填 0 相等，偏置不受影响。
    """
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        layer = nn.Linear(50, 50, dtype=dtype)
        bias = layer.bias.clone()
        nn.init.uniform_(layer.weight, -10, 10)
        filled = layer.weight.detach().masked_fill(layer.weight.abs() < 5, 0)
        with torch.no_grad():
            layer.weight *= layer.weight.abs() >= 5
        assert torch.equal(layer.weight, filled)
        assert torch.equal(layer.bias, bias)


def test_negative_times_zero_is_negative_zero() -> None:
    """A negative number times 0 is `-0.0`: it equals 0, but prints with a minus sign.

    负数乘 0 得到 `-0.0`：它等于 0，打印出来却带负号。
    """
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        product = torch.tensor([-3.0], dtype=dtype) * torch.tensor([False])
        assert product.item() == 0
        assert torch.signbit(product).all()
        assert str(product).startswith("tensor([-0.]")
    times = shown("parameters.negative-zero").output.splitlines()[1]
    assert "-0.0000" in times


def test_where_and_masked_fill_give_clean_zeros() -> None:
    """`torch.where` and `masked_fill` put in a zero without a sign.

    `torch.where` 和 `masked_fill` 填进去的 0 不带负号。
    """
    drawn = after("parameters.negative-zero").drawn
    told = shown("parameters.negative-zero").output.splitlines()
    labels = [line.partition("tensor")[0] for line in told]
    assert labels == ["drawn:  ", "times:  ", "where:  ", "filled: "]
    before, times, where, filled = (
        torch.tensor(ast.literal_eval(line.split("tensor")[1].strip("()"))) for line in told
    )
    assert torch.allclose(before, drawn, atol=1e-4)
    assert torch.equal(times, torch.where(before.abs() >= 5, before, 0))
    assert torch.equal(times, where)
    assert torch.equal(times, filled)
    assert (times == 0).any()
    assert not torch.signbit(torch.stack([where, filled])[:, times == 0]).any()
    product = drawn * (drawn.abs() >= 5)
    zero = product == 0
    assert torch.signbit(product[zero]).any()
    for clean in (torch.where(drawn.abs() >= 5, drawn, 0), drawn.masked_fill(drawn.abs() < 5, 0)):
        assert torch.equal(clean, product)
        assert not torch.signbit(clean[zero]).any()


# Editing


def test_no_grad_allows_edits_in_place() -> None:
    """Under `torch.no_grad()` a parameter can be edited in place, and stays the same parameter.

    在 `torch.no_grad()` 里可以原地修改参数，改完还是同一个参数。
    """
    layer = after("parameters.edit-in-place").layer
    weight = layer.weight
    assert (weight == 1).all()  # the last write is under no_grad
    for name in over(WRITES, "in-place methods | 种原地方法"):
        nn.init.ones_(weight)
        with torch.no_grad():
            in_place(layer.weight, name)
        assert layer.weight is weight
        assert isinstance(weight, nn.Parameter)
        assert weight.requires_grad
        assert not (weight == 1).any()


def test_recorded_edit_of_a_parameter_is_refused() -> None:
    """Without `no_grad()` an in-place edit of a parameter is refused, `a leaf Variable that requires grad is being used in an in-place operation`, and changes nothing. Editing only a part, `weight[0, 0] = 5`, writes to `a view of a leaf Variable` and is refused likewise; editing a frozen parameter is not.

    不在 `no_grad()` 里原地修改参数会被拒绝（冻结的除外），报 `a leaf Variable that requires grad is being used in an in-place operation`，值不变。只改一部分（`weight[0, 0] = 5`）也会被拒绝，报的是 `a view of a leaf Variable`。
    """
    error = shown("parameters.edit-in-place").errors[0].text
    message = "a leaf Variable that requires grad is being used in an in-place operation."
    assert error == f"RuntimeError: {message}"
    layer = nn.Linear(2, 1)
    before = layer.weight.detach().clone()
    assert layer.weight.is_leaf
    assert layer.weight.grad_fn is None
    assert not layer.weight.T.is_leaf
    assert layer.weight.T.grad_fn is not None
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        layer.weight[0, 0] = 5
    assert torch.equal(layer.weight, before)
    for name in over(WRITES, "in-place methods | 种原地方法"):
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
            in_place(layer.weight, name)
        assert torch.equal(layer.weight, before)
        frozen = nn.Linear(2, 1).requires_grad_(False)
        in_place(frozen.weight, name)


def test_no_grad_write_raises_the_version() -> None:
    """An in-place method that writes to a parameter raises its version number under `no_grad()`, too; a write through `.data`
    or a NumPy view does not, nor does the step of SGD, Adam, AdamW or Adagrad with `fused=True`.

    在 `no_grad()` 里用原地方法往参数里写，版本号照样增加；通过 `.data` 或 NumPy 视图写入不增加，`fused=True` 的
    SGD、Adam、AdamW、Adagrad 更新时也不增加。
    """
    weight = nn.Linear(2, 2).weight
    for kind in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.Adagrad):
        for fused in (True, False):
            weight.grad = torch.ones_like(weight)
            version, old = weight._version, weight.detach().clone()
            kind([weight], lr=0.1, fused=fused).step()
            assert not torch.equal(weight, old)
            assert (weight._version > version) == (not fused)
    version = weight._version
    with torch.no_grad():
        weight.numpy()[:] = 5
    assert (weight == 5).all()
    assert weight._version == version
    for name in over(WRITES, "in-place methods | 种原地方法"):
        version = weight._version
        in_place(weight.data, name)
        assert weight._version == version
        with torch.no_grad():
            in_place(weight, name)
        assert weight._version == version + 1


def test_backward_notices_a_write_under_no_grad() -> None:
    """If a weight that `backward()` needs is overwritten under `no_grad()` after the forward pass, `backward()` fails: `modified by an inplace operation`. What it does not need may be overwritten, such as a bias, or the weight of a first layer if the input needs no gradient; the gradients are still right. Under `torch.utils.checkpoint`, or with hooks for what is saved, such as `save_on_cpu`, no error is raised, and the gradient is wrong.

    前向传播之后，如果在 `no_grad()` 里改写了 `backward()` 要用到的权重，`backward()` 会报 `modified by an inplace operation`。它用不到的可以改写，例如偏置，或者第一层的权重（输入不要梯度时），梯度仍是对的。用了 `torch.utils.checkpoint`，或 `save_on_cpu` 这类作用于所存张量的钩子，则不报错，梯度是错的。
    """
    _, late = shown("parameters.edit-in-place").errors
    assert late.text.startswith(
        "RuntimeError: one of the variables needed for gradient computation "
        "has been modified by an inplace operation"
    )
    for name in over(WRITES, "in-place methods | 种原地方法"):
        layer = nn.Linear(2, 2)
        y = layer(torch.ones(1, 2, requires_grad=True)).sum()
        with torch.no_grad():
            in_place(layer.weight, name)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.backward()
        x = torch.rand(3, 2)
        y = layer(x).sum()
        with torch.no_grad():
            in_place(layer.weight, name)
            in_place(layer.bias, name)
        y.backward()
        assert layer.weight.grad is not None
        assert torch.allclose(layer.weight.grad, x.sum(dim=0).expand(2, 2))
        for reentrant in (True, False, None):
            layer, x = nn.Linear(2, 2), torch.ones(1, 2, requires_grad=True)
            right = layer.weight.detach().sum(dim=0)
            if reentrant is None:
                with torch.autograd.graph.save_on_cpu():
                    y = layer(x).sum()
            else:
                y = checkpoint(layer, x, use_reentrant=reentrant).sum()
            with torch.no_grad():
                in_place(layer.weight, name)
            y.backward()
            assert x.grad is not None
            assert torch.equal(x.grad[0], layer.weight.sum(dim=0))
            assert not torch.allclose(x.grad[0], right)


def test_data_write_makes_a_wrong_gradient() -> None:
    """If a weight that `backward()` needs is overwritten through `.data` after the forward pass, the gradient comes out wrong without any message.

    前向传播之后通过 `.data` 改写 `backward()` 要用到的权重，算出来的梯度是错的，没有任何提示。
    """
    output = shown("parameters.edit-in-place").output
    assert output == "through .data: [[100.0, 100.0]]\n"
    for name in over(WRITES, "in-place methods | 种原地方法"):
        layer = nn.Linear(2, 2)
        x = torch.ones(1, 2, requires_grad=True)
        y = layer(x).sum()
        right = layer.weight.detach().sum(dim=0)
        in_place(layer.weight.data, name)
        y.backward()
        assert x.grad is not None
        assert torch.equal(x.grad[0], layer.weight.sum(dim=0))
        assert not torch.allclose(x.grad[0], right)


# Tying


def test_one_module_stands_at_two_positions() -> None:
    """A module put at two positions is one object there: nothing is copied, and a change at one position shows at the other.

    放在两个位置上的模块是同一个对象：没有复制，改了一处，另一处跟着变。
    """
    net = after("parameters.shared").net
    assert net[2] is net[4]
    assert shown("parameters.shared").output.startswith(
        "seen in net[4]: 100.0\nnet[2] is net[4]: True\n"
    )
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        tied = nn.Sequential(module, nn.ReLU(), module)
        assert tied[0].weight is tied[2].weight
        nn.init.constant_(tied[0].weight, 7)
        assert (tied[2].weight == 7).all()


def test_two_models_can_share_a_layer() -> None:
    """Two models can hold the same layer, and a change made through one shows in the other.

    两个模型可以装着同一层，通过其中一个作的修改，另一个也看得到。
    """
    state = after("parameters.tie-or-copy")
    assert state.other[0].weight is state.net[2].weight
    nn.init.constant_(state.other[0].bias, 3)
    assert (state.net[2].bias == 3).all()
    assert shown("parameters.tie-or-copy").output.startswith("seen in other: 100.0\n")


def test_equal_weights_may_be_two_objects() -> None:
    """Equal values do not prove that two layers share a weight: a deep copy is equal too, but another object. Two layers may be two objects and hold one weight, so compare the weights. The notes' check, which changes a number between two comparisons, does tell them apart.

    值相等证明不了两层共享权重：深拷贝的值也相等，却是另一个对象。两个层不是同一个对象，权重却可以是同一个，所以要比较的是权重。原笔记的做法是在两次比较之间改一个数，这倒分得出来。
    """
    state = after("parameters.tie-or-copy")
    told = shown("parameters.tie-or-copy").output.splitlines()
    assert told[1:3] == ["twin equal: True", "twin same: False"]
    assert state.net[2].weight is state.net[4].weight
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        twin = copy.deepcopy(module)
        assert torch.equal(twin.weight, module.weight)
        assert twin.weight is not module.weight
        twin.weight = module.weight
        assert twin.weight is module.weight
        assert twin is not module
    first = state.shared
    for tied in (True, False):
        second = first if tied else copy.deepcopy(first)
        assert (first.weight.data[0] == second.weight.data[0]).all()
        first.weight.data[0, 0] += 1
        assert (first.weight.data[0] == second.weight.data[0]).all() == tied


def test_meta_device_keeps_only_shapes() -> None:
    """A tensor on the `meta` device has a shape and a dtype but no numbers: `tolist()` and `cpu()` stop with `Cannot copy out of meta tensor; no data!`, and `item()` fails too.

    `meta` 设备上的张量有形状和数据类型，没有数值：`tolist()` 和 `cpu()` 报 `Cannot copy out of meta tensor; no data!`，`item()` 也报错。
    """
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        weight = nn.Linear(4, 8, dtype=dtype).to("meta").weight
        assert weight.is_meta
        assert weight.shape == (8, 4)
        assert weight.dtype is dtype
        for read in (weight.tolist, weight.cpu):
            with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
                read()
        with pytest.raises(RuntimeError, match="cannot be called on meta tensors"):
            weight[0, 0].item()
    error = shown("parameters.tie-or-copy").errors[1].text
    assert error == "NotImplementedError: Cannot copy out of meta tensor; no data!"


def test_deep_copied_layer_is_independent() -> None:
    """A deep copy of a layer has equal values, and a later change of one does not reach the other.

    层的深拷贝值相等，此后改其中一个，另一个不受影响。
    """
    state = after("parameters.tie-or-copy")
    assert torch.equal(state.twin.bias, state.shared.bias)
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        twin = copy.deepcopy(module)
        assert torch.equal(twin.weight, module.weight)
        nn.init.constant_(twin.weight, 7)
        assert not (module.weight == 7).any()


def test_borrowed_weight_leaves_the_bias_separate() -> None:
    """Assigning one layer's weight to another ties that weight only; each layer keeps its own bias.

    把一层的权重赋给另一层，绑定的只有这个权重，偏置仍然各有一份。
    """
    state = after("parameters.tie-or-copy")
    assert state.borrower.weight is state.shared.weight
    assert state.borrower.bias is not state.shared.bias
    told = shown("parameters.tie-or-copy").output.splitlines()
    assert told[3:5] == ["borrowed weight: True", "borrowed bias: False"]
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        lender, borrower = layer.make(), layer.make()
        borrower.weight = lender.weight
        assert borrower.weight is lender.weight
        assert borrower.bias is not lender.bias
        nn.init.constant_(lender.weight, 2)
        nn.init.constant_(lender.bias, 2)
        assert (borrower.weight == 2).all()
        assert not (borrower.bias == 2).any()


def test_sharing_through_data_is_no_tie() -> None:
    """`two.weight.data = one.weight.data` shares the memory only: there are two parameters, each with a gradient of its own, and a change of dtype separates them.

    `two.weight.data = one.weight.data` 只让两边共用内存：参数还是两个，梯度各算各的，换一次数据类型就分开了。
    """
    state = after("parameters.tie-by-data")
    assert shown("parameters.tie-by-data").output == (
        "same memory: True\nparameters: 4\nnow: False\n"
    )
    assert state.one.weight is not state.two.weight
    for dtype in over((torch.float16, torch.bfloat16, torch.float64), "dtypes | 种数据类型"):
        one, two = nn.Linear(2, 2), nn.Linear(2, 2)
        two.weight.data = one.weight.data
        nn.init.constant_(one.weight, 3)
        assert (two.weight == 3).all()
        two(one(torch.ones(1, 2))).sum().backward()
        assert one.weight.grad is not two.weight.grad
        assert not torch.equal(one.weight.grad, two.weight.grad)
        nn.Sequential(one, two).to(dtype)
        nn.init.constant_(one.weight, 4)
        assert (two.weight == 3).all()


def test_moving_to_meta_unties_a_borrowed_weight() -> None:
    """Moving a network to the `meta` device unties a weight that two of its modules hold; so does `load_state_dict` with `assign=True`, without an error, and by default it does not.

    把网络移到 `meta` 设备，两个模块共有的权重就不再绑定；`load_state_dict` 写了 `assign=True` 也会这样，而且不报错，默认则不会。
    """
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        pair = nn.Sequential(layer.make(), layer.make())
        pair[1].weight = pair[0].weight
        assert len(list(pair.parameters())) == 3
        state = copy.deepcopy(pair.state_dict())
        pair.load_state_dict(state)
        assert pair[0].weight is pair[1].weight
        fresh = copy.deepcopy(pair)
        assert fresh[0].weight is fresh[1].weight
        fresh.load_state_dict(state, assign=True)
        assert fresh[0].weight is not fresh[1].weight
        assert len(list(fresh.parameters())) == 4
        pair.to("meta")
        assert pair[0].weight is not pair[1].weight
        assert len(list(pair.parameters())) == 4
    assert "still tied: False\n" in shown("parameters.tie-or-copy").output


def test_changing_dtype_keeps_a_borrowed_weight() -> None:
    """By default, changing the dtype of a network keeps the tie of a weight that two of its modules hold; under `torch.__future__.set_overwrite_module_params_on_conversion(True)` it does not.

    改变网络的数据类型，默认情况下，两个模块共有的权重仍然绑定；设了 `torch.__future__.set_overwrite_module_params_on_conversion(True)` 则不然。
    """
    state = after("parameters.tie-or-copy")
    for dtype in over((torch.float16, torch.bfloat16, torch.float64), "dtypes | 种数据类型"):
        pair = copy.deepcopy(nn.Sequential(state.shared, state.borrower))
        assert pair[0].weight is pair[1].weight
        pair.to(dtype)
        assert pair[0].weight is pair[1].weight
        assert pair[0].weight.dtype == dtype
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        pair.float()
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(False)
    assert pair[0].weight is not pair[1].weight


def test_shared_module_stays_one_when_moved() -> None:
    """One module at two positions is still one module after a move, even to the `meta` device, and after a change of dtype.

    放在两个位置的同一个模块，移到别的设备（包括 `meta`）或换了数据类型，都还是一个模块。
    """
    assert shown("parameters.tie-or-copy").output.endswith("still one: True\n")
    net = copy.deepcopy(after("parameters.tie-or-copy").net)
    targets = [*float_dtypes(), *devices()]
    for target in over(targets, "dtypes and devices | 种数据类型和设备"):
        net.to(target)
        assert net[2] is net[4]
        assert len(list(net.parameters())) == 6


def test_parameters_counts_a_shared_one_once() -> None:
    """`parameters()` yields a parameter that is at several positions only once.

    同一个参数出现在几个位置，`parameters()` 都只给出一次。
    """
    for positions in over(range(2, 8), "numbers of positions | 种位置个数"):
        tied = tied_at(positions)
        params = list(tied.parameters())
        assert len(params) == 4
        assert sum(param is tied[0].weight for param in params) == 1
    net = after("parameters.tie-count").net
    assert len(list(net.parameters())) == 6
    assert sum(param.numel() for param in net.parameters()) == 121
    assert sum(p.numel() for m in net for p in m.parameters()) == 193
    assert "parameters: 6\n" in shown("parameters.shared").output
    assert shown("parameters.tie-count").output.startswith("modules: 7\nnumbers: 121\n")


def test_frozen_parameters_are_counted_too() -> None:
    """`parameters()` yields frozen parameters too; ask each for `requires_grad` to count only those that are trained.

    `parameters()` 也给出冻结的参数；只想数参与训练的，就看每个参数的 `requires_grad`。
    """
    for frozen in over(range(5), "numbers of frozen layers | 种冻结层数"):
        net = nn.Sequential(*(nn.Linear(3, 3) for _ in range(4)))
        net[:frozen].requires_grad_(False)
        assert sum(p.numel() for p in net.parameters()) == 48
        trained = sum(p.numel() for p in net.parameters() if p.requires_grad)
        assert trained == 48 - 12 * frozen


def test_optimiser_gets_a_shared_parameter_once() -> None:
    """An optimiser that is given `parameters()` holds a shared weight once and moves it by one step.

    把 `parameters()` 交给优化器，共享的权重只出现一次，每一步也只更新一次。
    """
    for cls in over(optimizers(), "optimisers | 种优化器"):
        torch.manual_seed(0)
        tied = tied_at(3)
        optimizer = cls(tied.parameters())
        held = optimizer.param_groups[0]["params"]
        assert sum(param is tied[0].weight for param in held) == 1
        alone = nn.Parameter(tied[0].weight.detach().clone())
        tied(torch.rand(3, 3)).sum().backward()
        alone.grad = tied[0].weight.grad.clone()
        before = alone.detach().clone()
        optimizer.step()
        cls([alone]).step()
        assert torch.allclose(tied[0].weight, alone)
        assert not torch.equal(alone, before)


def test_state_dict_lists_every_path() -> None:
    """`state_dict()` has a key for every path to a shared parameter, and the entries share their memory.

    `state_dict()` 为通向共享参数的每条路径各列一个键，这些键下的张量共用内存。
    """
    for positions in over(range(2, 8), "numbers of positions | 种位置个数"):
        state = tied_at(positions).state_dict()
        assert len(state) == 2 * positions + 2
        assert len({state[f"{i}.weight"].data_ptr() for i in range(positions)}) == 1
    state = after("parameters.tie-count").net.state_dict()
    assert len(state) == 8
    assert {"2.weight", "2.bias", "4.weight", "4.bias"} <= set(state)
    assert shown("parameters.shared").output.endswith(f"\nkeys: {' '.join(state)}\n")


def test_named_modules_skips_the_second_position() -> None:
    """`named_modules()` names a module that is at several positions only once, unless `remove_duplicate=False`.

    放在几个位置的模块，`named_modules()` 只列一次；加上 `remove_duplicate=False` 才逐个列出。
    """
    for positions in over(range(2, 8), "numbers of positions | 种位置个数"):
        tied = tied_at(positions)
        last = str(positions)
        assert list(dict(tied.named_modules())) == ["", "0", last]
        every = dict(tied.named_modules(remove_duplicate=False))
        assert list(every) == ["", *map(str, range(positions + 1))]
        assert every["1"] is tied[0]
    assert "named:  0 1 2 3 5 6\n" in shown("parameters.tie-count").output


def test_tied_network_saves_each_storage_once() -> None:
    """A saved state dict holds the storage of a shared parameter once, and the loaded tensors share it again.

    保存状态字典时，共享参数的存储区只写一次；读回来的张量仍然共用它。
    """
    for positions in over(range(2, 6), "numbers of positions | 种位置个数"):
        file = saved(tied_at(positions).state_dict())
        assert sum("/data/" in name for name in zipfile.ZipFile(file).namelist()) == 4
        file.seek(0)
        loaded = torch.load(file)
        assert loaded["0.weight"].data_ptr() == loaded[f"{positions - 1}.weight"].data_ptr()
    assert shown("parameters.tie-count").output.endswith("\none storage again: True\n")


def test_copying_a_network_keeps_its_ties() -> None:
    """A deep copy of a network with a shared layer has the same ties, and none to the original.

    对有共享层的网络做深拷贝，副本里的绑定关系不变，和原网络则毫不相干。
    """
    for positions in over(range(2, 8), "numbers of positions | 种位置个数"):
        tied = tied_at(positions)
        copied = copy.deepcopy(tied)
        assert all(copied[i] is copied[0] for i in range(positions))
        memory = [{p.data_ptr() for p in net.parameters()} for net in (tied, copied)]
        assert memory[0].isdisjoint(memory[1])


def test_shared_gradient_is_the_sum_over_uses() -> None:
    """The gradient of a shared parameter is the sum of the gradients that its separate copies would get.

    共享参数的梯度，等于解开绑定后各处得到的梯度之和。
    """
    state = after("parameters.tie-gradient")
    assert torch.allclose(state.net[2].weight.grad, state.first + state.second)
    assert state.first.any()
    assert state.second.any()
    assert not torch.allclose(state.first, state.second)
    norms = f"{state.first.norm():.0f} {state.second.norm():.0f}"
    assert shown("parameters.tie-gradient").output == f"norms: {norms}\nsum of both: True\n"
    X = torch.rand(5, 3)
    for positions in over(range(2, 8), "numbers of positions | 种位置个数"):
        tied = tied_at(positions)
        apart = nn.Sequential(*(copy.deepcopy(module) for module in tied))
        tied(X).sum().backward()
        apart(X).sum().backward()
        uses = [apart.get_parameter(f"{i}.weight").grad for i in range(positions)]
        assert torch.allclose(tied[0].weight.grad, torch.stack(uses).sum(dim=0), atol=1e-5)


def test_backward_visits_positions_in_reverse() -> None:
    """The backward pass through a `Sequential` goes from the last position to the first, so it meets position 4 before position 2.

    `Sequential` 的反向传播从最后一个位置走到第一个，所以先经过位置 4，再经过位置 2。
    """
    assert after("parameters.one-write").order == [6, 5, 4, 3, 2, 1, 0]
    told = shown("parameters.one-write").output
    assert told.startswith("backward visits: 6 5 4 3 2 1 0\n")
    for length in over(range(1, 8), "lengths | 种长度"):
        visited: list[int] = []
        hidden = torch.rand(2, 3)
        for i in range(length):
            hidden = nn.Linear(3, 3)(hidden)
            hidden.register_hook(lambda _, i=i, visited=visited: visited.append(i))
        hidden.sum().backward()
        assert visited == list(range(length))[::-1]


def test_shared_gradient_is_written_once() -> None:
    """A shared layer runs several times in the forward pass, but one `backward()` writes its `.grad` once: autograd adds the contributions first. Re-entrant checkpointing, which runs a `backward()` of its own, writes again.

    共享层在前向传播里运行几次，一次 `backward()` 却只写一次 `.grad`：autograd 先把几份贡献加好。可重入的激活检查点（activation checkpointing）会自己另做一次 `backward()`，又写一次。
    """
    assert "\nwrites to .grad: 1\n" in shown("parameters.one-write").output
    assert len(after("parameters.one-write").writes) == 1  # the hook is removed

    def writes(net: Any, param: nn.Parameter) -> int:
        found: list[torch.Tensor] = []
        hook = param.register_post_accumulate_grad_hook(found.append)
        net(torch.rand(2, 3, requires_grad=True)).sum().backward()
        hook.remove()
        return len(found)

    for positions in over(range(2, 8), "numbers of positions | 种位置个数"):
        tied = tied_at(positions)
        calls: list[str] = []
        tied[0].register_forward_hook(lambda *_, calls=calls: calls.append("forward"))
        assert writes(tied, tied[0].weight) == 1
        assert calls == ["forward"] * positions
    layer = nn.Linear(3, 3)

    def checkpointed(X: torch.Tensor) -> Any:
        return checkpoint(layer, layer(X), use_reentrant=True)

    assert writes(checkpointed, layer.weight) == 2


def test_gradients_accumulate_across_backward_calls() -> None:
    """Each `backward()` adds to `.grad`, until `zero_grad()` is called.

    每次 `backward()` 都把梯度加到 `.grad` 上，直到调用 `zero_grad()`。
    """
    assert "then doubled: True\n" in shown("parameters.one-write").output
    state = after("parameters.one-write")
    assert state.once.any()
    for calls in over(range(1, 6), "numbers of calls | 种调用次数"):
        state.net.zero_grad()
        for _ in range(calls):
            state.net(state.X).sum().backward()
        assert torch.allclose(state.shared.weight.grad, calls * state.once)


# Exercises


def test_unused_parameter_gets_none_not_zeros() -> None:
    """After `backward()`, `grad` is `None` for a parameter that took no part, and zeros for one that was cut off by a ReLU.

    `backward()` 之后，没有参与计算的参数 `grad` 是 `None`，被 ReLU 截断的参数 `grad` 全是 0。
    """
    model = small().append(nn.Linear(1, 1))
    nn.init.constant_(model[0].bias, -10)
    model[:3](torch.rand(16, 4)).sum().backward()
    assert model[3].weight.grad is None
    assert model[3].bias.grad is None
    for param in (model[0].weight, model[0].bias, model[2].weight):
        assert param.grad is not None
        assert not param.grad.any()
    assert model[2].bias.grad.any()
    zeros = ["0.weight zero", "0.bias zero", "2.weight zero"]
    told = shown("parameters.gradient-report").output.splitlines()
    assert told[:-1] == [*zeros, "2.bias ok", "3.weight none", "3.bias none"]


def test_separate_copies_part_in_training() -> None:
    """In training, a layer at two positions has one value and one gradient at every step; two equal layers get different gradients and differ after the first update.

    训练时，放在两个位置的同一层每一步都只有一个数值、一个梯度；两个相等但分开的层得到不同的梯度，更新一次之后就不一样了。
    """
    watch = after("parameters.watch-shared").watch
    torch.manual_seed(1)
    layer = nn.Linear(6, 6)
    tied = nn.Sequential(layer, nn.Tanh(), layer, nn.Linear(6, 1))
    untied = copy.deepcopy(tied)
    untied[2] = copy.deepcopy(untied[0])
    inputs, targets = torch.randn(20, 6), torch.randn(20, 1)
    for step in watch(tied, inputs, targets, steps=5):
        for (value, grad), (again, other) in [(step["0.weight"], step["2.weight"])]:
            assert torch.equal(value, again)
            assert torch.equal(grad, other)
    first, second, *_ = watch(untied, inputs, targets, steps=5)
    assert torch.equal(first["0.weight"][0], first["2.weight"][0])
    assert not torch.allclose(first["0.weight"][1], first["2.weight"][1])
    assert not torch.allclose(second["0.weight"][0], second["2.weight"][0])


def test_the_watch_takes_steps_of_sgd_and_its_check_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """watch() takes steps of SGD, of any model without buffers; its check prints gaps and norms."""
    watch = after("parameters.watch-shared").watch
    assert list(watch(nn.Linear(6, 1), torch.randn(3, 6), torch.randn(3, 1))[0]) == [
        "weight",
        "bias",
    ]
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Linear(6, 1))
    inputs, targets = torch.randn(20, 6), torch.randn(20, 1)
    capsys.readouterr()
    for options, steps, lr in (({}, 20, 0.01), ({"steps": 3, "lr": 0.5}, 3, 0.5)):
        log = watch(net, inputs, targets, **options)
        assert len(log) == steps
        for early, late in itertools.pairwise(log):
            for name, (value, grad) in early.items():
                assert torch.allclose(late[name][0], value - lr * grad, atol=1e-6)
        assert capsys.readouterr().out == ""
    told = shown("parameters.watch-shared").output.splitlines()
    gaps = [float(line.split()[-1].strip(",")) for line in told if line.startswith("step")]
    assert gaps[:3] == [0, 0, 0]
    assert gaps[3] > 0
    tied = [line.split(": ")[1].split(", ") for line in told[1:4:2]]
    assert [first == second for first, second in tied] == [True, True]


def test_frozen_parameter_still_takes_an_old_gradient() -> None:
    """An optimiser applies a gradient left over from before `requires_grad_(False)`, unless `grad` is set to `None`.

    `requires_grad_(False)` 之前留下的梯度，优化器照样会用，除非把 `grad` 设成 `None`。
    """
    for cls in over(optimizers(), "optimisers | 种优化器"):
        layer = nn.Linear(2, 1)
        optimizer = cls(layer.parameters())
        layer(torch.ones(1, 2)).sum().backward()
        layer.requires_grad_(False)
        layer.bias.grad = None
        weight, bias = layer.weight.clone(), layer.bias.clone()
        optimizer.step()
        assert not torch.equal(layer.weight, weight)
        assert torch.equal(layer.bias, bias)


def test_freezing_does_not_stop_batch_norm_and_dropout() -> None:
    """In training mode, a frozen batch norm goes on updating its running statistics and a frozen dropout goes on dropping; in evaluation mode neither does. `train()` of the whole model puts the frozen part back into training mode.

    训练模式下，冻结的批量规范化照样更新统计量，冻结的 dropout 照样丢弃；评估模式下都不会。对整个模型调用 `train()`，冻结的部分也回到训练模式。
    """
    for p in over((0.2, 0.5, 0.8), "rates of dropout | 种丢弃概率"):
        torch.manual_seed(0)
        part = nn.Sequential(nn.Linear(4, 50), nn.BatchNorm1d(50), nn.Dropout(p))
        model, X = nn.Sequential(part, nn.Linear(50, 1)), torch.rand(8, 4)
        part.requires_grad_(False)
        for mode in (part.train, part.eval, model.train):
            mode()
            kept = part[1].running_mean.clone()
            dropped = (part(X) == 0).any()
            assert dropped == (mode != part.eval)
            assert kept.equal(part[1].running_mean) == (mode == part.eval)


def test_get_submodule_finds_a_part_at_any_level() -> None:
    """`get_submodule` returns the very module that `named_modules()` lists under a name, at any level; an unknown name is an error.

    `get_submodule` 返回的就是 `named_modules()` 以这个名字列出的那个模块，在哪一级都行；没有的名字会报错。
    """
    deep = after("parameters.freeze-by-name").deep
    found = dict(deep.named_modules())
    assert max(name.count(".") for name in found) == 2
    for name in over(found, "names | 个名字"):
        assert deep.get_submodule(name) is found[name]
    for name in ("0.block", "block0", "0.block0.9"):
        with pytest.raises(AttributeError, match="has no attribute"):
            deep.get_submodule(name)


def test_a_prefix_without_its_dot_freezes_more() -> None:
    """The prefix `body` matches the names of `body2` too; `body.` does not.

    前缀 `body` 也与 `body2` 里的名字相符，`body.` 则不然。
    """
    model = nn.Sequential(collections.OrderedDict(body=nn.Linear(2, 2), body2=nn.Linear(2, 2)))
    names = [name for name, _ in model.named_parameters()]
    assert [name for name in names if name.startswith("body")] == names
    both = [name for name in names if name.startswith("body.")]
    assert both == ["body.weight", "body.bias"]
    for block in over(("body", "body2"), "blocks | 个块"):
        frozen = copy.deepcopy(model)
        for name, param in frozen.named_parameters():
            if name.startswith(f"{block}."):
                param.requires_grad_(False)
        assert frozen.get_parameter(f"{block}.weight").requires_grad is False
        assert sum(param.requires_grad for param in frozen.parameters()) == 2


def test_rules_by_type_or_weight_miss_a_norm() -> None:
    """A rule for `nn.Linear` leaves a `LayerNorm` as it was, without an error. A rule for every `weight` overwrites its ones, or, with Kaiming, stops there: `Fan in and fan out can not be computed for tensor with fewer than 2 dimensions`.

    针对 `nn.Linear` 的规则不会改动 `LayerNorm`，也不报错。覆盖所有 `weight` 的规则会把它的 1 改掉；用 Kaiming 则会停在那里，报 `Fan in and fan out can not be computed for tensor with fewer than 2 dimensions`。
    """
    init_kaiming = after("parameters.init-normal").init_kaiming
    norms = [nn.LayerNorm(4), nn.BatchNorm1d(4), nn.GroupNorm(2, 4), nn.RMSNorm(4)]
    for norm in over(norms, "normalisation layers | 种规范化层"):
        model = nn.Sequential(nn.Linear(4, 4), norm, nn.Linear(4, 1))
        ones = torch.ones(4)
        model.apply(init_kaiming)
        assert torch.equal(norm.weight, ones)
        weights = [param for name, param in model.named_parameters() if name.endswith("weight")]
        before = model[2].weight.clone()
        with pytest.raises(ValueError, match="fewer than 2 dimensions"):
            for param in weights:
                nn.init.kaiming_normal_(param)
        assert torch.equal(model[2].weight, before)  # it stopped halfway
        for param in weights:
            nn.init.normal_(param)
        assert not torch.equal(norm.weight, ones)


def test_lstm_default_range_depends_on_hidden_size() -> None:
    """`nn.LSTM` draws all its weights within `±1/sqrt(hidden_size)`, even those that multiply the input.

    `nn.LSTM` 的所有权重都取自 `±1/sqrt(hidden_size)`，与输入相乘的也不例外。
    """
    torch.manual_seed(3)
    sizes = [(40, 12), (7, 50), (100, 20), (20, 100)]
    for inputs, hidden in over(sizes, "sizes | 种大小"):
        bound = 1 / math.sqrt(hidden)
        for param in nn.LSTM(inputs, hidden).parameters():
            assert 0.9 * bound < param.abs().max() <= bound * 1.000001
    state = after("parameters.default-law")
    assert state.lstm == {"input_size": 1, "hidden_size": 1.4}


def test_doubling_a_size_shows_the_fan_in() -> None:
    """Doubling the input channels of a convolution divides its largest default value by 1.4, doubling its kernel size divides it by 2, and the output channels play no part: the bound is `1/sqrt(c * k**2)`.

    卷积层的输入通道数加倍，默认值里最大的数缩小到 1/1.4；卷积核大小加倍，缩小到 1/2；输出通道数不起作用：界是 `1/sqrt(c * k**2)`。
    """
    state = after("parameters.default-law")
    told = shown("parameters.default-law").output.splitlines()[:-1]
    found = {name.strip(): float(factor) for name, _, factor in (s.partition("/") for s in told)}
    assert found == {**state.conv, **state.lstm}
    assert state.conv == {"in_channels": 1.4, "out_channels": 1, "kernel_size": 2}
    torch.manual_seed(0)
    for sizes in over([(3, 64, 7), (64, 8, 3), (1, 64, 16), (8, 32, 5)], "sizes | 种大小"):
        assert 0.98 < state.largest(nn.Conv2d(*sizes)) / state.conv_bound(*sizes) < 1.000001


def test_kaiming_scale_keeps_the_mean_square() -> None:
    """Weights with standard deviation σ multiply the mean square of n inputs by about nσ², and ReLU halves it: with `sqrt(2 / in_features)` it is roughly kept.

    权重的标准差取 σ，n 个输入的均方值大约变为 nσ² 倍，ReLU 再减去一半：取 `sqrt(2 / in_features)` 就大致不变。
    """
    for seed in over(seeds(10), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        hidden = torch.randn(200, 300).relu()
        layer = nn.Linear(300, 600)
        nn.init.normal_(layer.weight, std=math.sqrt(2 / 300))
        nn.init.zeros_(layer.bias)
        after_relu = layer(hidden).relu().square().mean().item()
        assert math.isclose(after_relu, hidden.square().mean().item(), rel_tol=0.15)
        for width, sigma in ((300, math.sqrt(2 / 300)), (100, 0.2)):
            X, wider = torch.randn(200, width).relu(), nn.Linear(width, 600, bias=False)
            nn.init.normal_(wider.weight, std=sigma)
            before, out = X.square().mean().item(), wider(X)
            spread = out.square().mean().item()
            assert math.isclose(spread, width * sigma**2 * before, rel_tol=0.1)
            assert math.isclose(out.relu().square().mean().item(), spread / 2, rel_tol=0.15)


def test_remove_duplicate_false_gives_every_name() -> None:
    """`named_parameters(remove_duplicate=False)` gives a shared parameter once for each of its names.

    `named_parameters(remove_duplicate=False)` 按名字逐个给出共享的参数，有几个名字就出现几次。
    """
    net = after("parameters.table-without-ties").net
    every = list(net.named_parameters(remove_duplicate=False))
    assert len(every) == 8
    assert [name for name, param in every if param is net[2].weight] == ["2.weight", "4.weight"]
    assert "2.weight = 4.weight (8, 8)" in shown("parameters.table-without-ties").output
    for positions in over(range(2, 8), "numbers of positions | 种位置个数"):
        tied = tied_at(positions)
        pairs = list(tied.named_parameters(remove_duplicate=False))
        found = [name for name, param in pairs if param is tied[0].weight]
        assert found == [f"{i}.weight" for i in range(positions)]


def test_tensors_hash_by_identity() -> None:
    """As keys of a dictionary, tensors are told apart by identity: two equal tensors are two keys, the same tensor is one.

    张量作字典的键时，看是不是同一个对象：值相等的两个张量是两个键，同一个张量是一个键。
    """
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        ones = torch.ones(2, dtype=dtype)
        assert len({ones: "a", torch.ones(2, dtype=dtype): "b"}) == 2
        assert len({ones: "a", ones[:]: "b"}) == 2  # the same memory, another object
        again = ones
        assert len({ones: "a", again: "b"}) == 1


def test_watching_needs_every_name_and_a_clone() -> None:
    """`named_parameters()` leaves out the second name of a shared parameter, and what `detach()` gives changes with the model unless it is cloned.

    `named_parameters()` 会漏掉共享参数的第二个名字；`detach()` 得到的数值会跟着模型变，除非 `clone()`。
    """
    for cls in over(optimizers(), "optimisers | 种优化器"):
        tied = tied_at(2)
        names = [name for name, _ in tied.named_parameters()]
        assert [name for name in tied.state_dict() if name not in names] == ["1.weight", "1.bias"]
        live, kept = tied[0].weight.detach(), tied[0].weight.detach().clone()
        tied(torch.rand(2, 3)).sum().backward()
        cls(tied.parameters()).step()
        assert torch.equal(live, tied[0].weight)
        assert not torch.equal(kept, tied[0].weight)


def test_finite_differences_contain_both_uses() -> None:
    """Finite differences of a weight at two positions equal its gradient, which contains both uses.

    放在两处的权重，用差分算出来的导数等于它的梯度，两处用法都算在内。
    """
    differences = after("parameters.finite-differences").differences
    for seed in over(seeds(3), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        tied = nn.Linear(3, 3).double()
        net = nn.Sequential(tied, nn.Tanh(), tied)
        inputs = torch.rand(4, 3).double()
        net(inputs).sum().backward()
        before = tied.weight.detach().clone()
        numeric = differences(net, tied.weight, inputs)
        assert torch.equal(tied.weight, before)
        assert tied.weight.grad is not None
        assert torch.allclose(numeric, tied.weight.grad, atol=1e-7)
        first, second = copy.deepcopy(tied), copy.deepcopy(tied)
        untied = nn.Sequential(first, nn.Tanh(), second)
        untied.zero_grad()
        untied(inputs).sum().backward()
        for use in (first, second):
            assert use.weight.grad is not None
            assert not torch.allclose(numeric, use.weight.grad, atol=1e-2)


def test_gradient_checks_need_float64() -> None:
    """Finite differences with steps of 1e-6 agree with the gradient in `float64`; in `float32`, rounding alone makes an error of more than a thousandth of its largest entry, in the check and with 20 seeds.

    步长 1e-6 的差分在 `float64` 下与梯度吻合；在 `float32` 下，单是舍入造成的误差就超过最大元素的千分之一，检验里是这样，另取 20 个随机种子也是。
    """
    state = after("parameters.finite-differences")
    gaps: list[tuple[torch.dtype, float]] = []

    def measured(model: nn.Module, weight: torch.Tensor, inputs: torch.Tensor) -> Any:
        found = state.differences(model, weight, inputs)
        if weight.grad is not None:
            gap = (found - weight.grad).abs().max() / weight.grad.abs().max()
            gaps.append((weight.dtype, gap.item()))
        return found

    with contextlib.redirect_stdout(io.StringIO()):
        state.check_differences(measured)
    for seed in over(seeds(20), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        layer = nn.Linear(8, 8)
        net = nn.Sequential(nn.Linear(4, 8), layer, nn.ReLU(), layer, nn.Linear(8, 1))
        X = torch.rand(16, 4)
        for dtype in (torch.float64, torch.float32):
            model = copy.deepcopy(net).to(dtype)
            model(X.to(dtype)).sum().backward()
            measured(model, model[1].weight, X.to(dtype))
    assert len(gaps) == 42
    for dtype, gap in gaps:
        assert gap < 1e-6 if dtype == torch.float64 else gap > 1e-3
    told = shown("parameters.finite-differences").output.splitlines()
    assert told[:2] == ["float64 below 1e-6: True", "float32 below 1e-6: False"]


def test_module_refuses_a_computed_weight() -> None:
    """A module refuses a computed tensor as its weight:
    `cannot assign 'torch.FloatTensor' as parameter 'weight'`.

    模块不接受算出来的张量作权重：`cannot assign 'torch.FloatTensor' as parameter 'weight'`。
    """
    encoder, decoder = nn.Linear(4, 4), nn.Linear(4, 4)
    message = "cannot assign 'torch.FloatTensor' as parameter 'weight'"
    results = {
        "T": encoder.weight.T,
        "clone": encoder.weight.clone(),
        "times": encoder.weight * 2,
        "slice": encoder.weight[:],
        "detach": encoder.weight.detach(),
    }
    for result in over(results, "operations | 种运算"):
        with pytest.raises(TypeError, match=message):
            decoder.weight = results[result]
    for same in (encoder.weight.float(), encoder.weight.to("cpu"), encoder.weight.contiguous()):
        decoder.weight = same
        assert decoder.weight is encoder.weight
    assert shown("parameters.tie-or-copy").errors[0].text.startswith(f"TypeError: {message}")


def test_gradient_flows_back_through_a_transposition() -> None:
    """If a decoder uses the encoder's weight transposed in the forward pass, the gradient of that one parameter contains both uses.

    解码器在前向传播里使用编码器权重的转置，这一个参数的梯度就包含两处用法。
    """
    auto = after("parameters.transposed-tie").TiedAutoencoder(4, 2).double()
    inputs = torch.rand(3, 4, dtype=torch.float64)
    rest = {name: p.detach() for name, p in auto.named_parameters()}
    assert sorted(rest) == ["bias", "encoder.bias", "encoder.weight"]

    def output(weight: torch.Tensor) -> torch.Tensor:
        values = {**rest, "encoder.weight": weight}
        result: torch.Tensor = torch.func.functional_call(auto, values, (inputs,))
        return result

    weight = auto.encoder.weight.detach().requires_grad_()
    assert torch.autograd.gradcheck(output, (weight,))


# Summary


def test_an_index_counts_what_has_no_parameters() -> None:
    """An index into a `Sequential` counts every module; `named_parameters()` names only those that have parameters, and gives the parameters themselves.

    `Sequential` 的下标把没有参数的模块也数在内；`named_parameters()` 只列出有参数的，给出的是参数本身。
    """
    for layer in over(activations(), "activations | 种激活函数"):
        net = nn.Sequential(nn.Linear(4, 8), layer.make(), nn.Linear(8, 1))
        assert [type(net[i]) for i in range(3)] == [nn.Linear, layer.cls, nn.Linear]
        named = dict(net.named_parameters())
        assert {name.split(".")[0] for name in named} == {"0", "2"}
        assert named["2.weight"] is net[2].weight


def test_grad_is_none_before_and_after() -> None:
    """`grad` is `None` before the first `backward()` and, by default, after `zero_grad()`, and a tensor in between.

    第一次 `backward()` 之前，`grad` 是 `None`；`zero_grad()` 之后默认也是；两者之间是张量。
    """
    for layer in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        assert [param.grad for param in module.parameters()] == [None, None]
        layer.call(module).sum().backward()
        assert all(param.grad is not None for param in module.parameters())
        module.zero_grad(set_to_none=False)
        assert all(param.grad is not None for param in module.parameters())
        module.zero_grad()
        assert [param.grad for param in module.parameters()] == [None, None]


def test_apply_with_isinstance_finds_subclasses() -> None:
    """`apply` calls a function on every module, and `isinstance(m, nn.Linear)` inside it finds layers of subclasses, too.

    `apply` 对每个模块调用函数；函数里写 `isinstance(m, nn.Linear)`，子类的层也能找到。
    """

    class Scaled(nn.Linear):
        pass

    projection = type(nn.MultiheadAttention(8, 2).out_proj)
    cases = [Scaled, projection, type("Mine", (Scaled,), {})]
    for cls in over(cases, "subclasses of nn.Linear | 个 nn.Linear 的子类"):
        net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(cls(2, 2), nn.ReLU()))
        found: list[nn.Module] = []
        called: list[nn.Module] = []
        net.apply(lambda m, found=found: found.append(m) if isinstance(m, nn.Linear) else None)
        net.apply(called.append)
        assert found == [net[0], net[1][0]]
        assert set(called) == set(net.modules())


def test_defaults_fade_where_kaiming_carries() -> None:
    """After twenty linear layers with ReLU, 32 to 96 units wide, default weights have left less than a millionth of the differences between inputs, and `kaiming_normal_` more than a fiftieth. With 4 units, even that can lose them all.

    经过二十个带 ReLU 的线性层，宽 32 到 96，默认权重只留下各个输入之间不到百万分之一的差异，`kaiming_normal_` 留下五十分之一以上；宽度只有 4 时，它也可能一点不剩。
    """
    state = after("parameters.spread-by-depth")
    cases = itertools.product((32, 64, 96), seeds(3))
    for width, seed in over(cases, "widths and seeds | 组宽度和随机种子"):
        assert spread_of(lambda m: None, seed, width)[-1] < 1e-6
        assert spread_of(state.init_kaiming, seed, width)[-1] > 1 / 50
    assert min(spread_of(state.init_kaiming, seed, 4)[-1] for seed in seeds(10)) == 0


def test_is_tells_a_tie_from_a_copy() -> None:
    """A module in two places is counted once by `parameters()` and listed twice by `state_dict()`; `is` holds for it, and not for a copy, though that is equal.

    放在两处的模块，`parameters()` 只算一次，`state_dict()` 里出现两次；对它 `is` 成立，对相等的副本不成立。
    """
    for cls in over(with_weight_and_bias(), "layer classes with a weight | 种带权重的层"):
        layer = cls.make()
        tied = nn.Sequential(layer, nn.ReLU(), layer)
        copied = nn.Sequential(layer, nn.ReLU(), copy.deepcopy(layer))
        assert [len(list(net.parameters())) for net in (tied, copied)] == [2, 4]
        both = [[name for name in net.state_dict() if "weight" in name] for net in (tied, copied)]
        assert both == [["0.weight", "2.weight"]] * 2
        assert torch.equal(copied[0].weight, copied[2].weight)
        assert tied[0] is tied[2]
        assert copied[0] is not copied[2]
        assert tied[0].weight is tied[2].weight
        assert copied[0].weight is not copied[2].weight


# What the snippets show besides


def test_init_normal_draws_small_weights_and_zero_biases() -> None:
    """init_normal draws weights with mean 0 and standard deviation 0.01, init_kaiming as Kaiming does; both clear the biases."""
    state = after("parameters.init-normal")
    layer = nn.Linear(400, 400).apply(state.init_kaiming)
    assert math.isclose(layer.weight.std().item(), math.sqrt(2 / 400), rel_tol=0.03)
    assert not layer.bias.any()
    assert nn.Linear(4, 4, bias=False).apply(state.init_kaiming).bias is None
    sigma = nn.Linear(400, 400).apply(after("parameters.sigma-and-depth").init_sigma(0.3))
    assert math.isclose(sigma.weight.std().item(), 0.3, rel_tol=0.03)
    assert not sigma.bias.any()
    assert shown("parameters.init-normal").output.startswith("init_normal  0.0000 0.0000\n")
    torch.manual_seed(0)
    outer, inner = nn.Linear(400, 400), nn.Linear(400, 5)
    nn.Sequential(outer, nn.Sequential(inner)).apply(state.init_normal)
    assert abs(outer.weight.std().item() - 0.01) < 2e-4
    assert abs(outer.weight.mean().item()) < 2e-4
    assert not inner.bias.any()


def test_my_init_clears_the_bias_and_leaves_no_negative_zero() -> None:
    """my_init sets biases to 0, and its zeros carry no sign."""
    state = after("parameters.my-init")
    for layer in (state.net[0], state.net[2]):
        assert not layer.bias.any()
        assert not torch.signbit(layer.weight[layer.weight == 0]).any()
    assert (state.net[0].weight == 0).any()
    assert shown("parameters.my-init").output == f"{state.net[0].weight[:2].detach()}\n"
    assert "-0.0000" not in shown("parameters.my-init").output
    assert nn.Linear(2, 2, bias=False).apply(state.my_init).bias is None


def test_the_histogram_is_drawn() -> None:
    """The section draws one figure, with the measured shares."""
    outcome = shown("parameters.law-histogram")
    assert len(outcome.figures) == 1
    assert "<svg" in outcome.figures[0]
    labels = [line.split(":")[0] for line in outcome.output.splitlines()]
    assert labels == ["around -7.5", "around 0", "around 7.5"]


def test_the_depth_plot_shows_medians_of_21_networks() -> None:
    """Each curve has the median of 21 networks after each layer; that of Kaiming falls from 0.8 to 0.2."""
    state = after("parameters.depth-plot")
    rules = {"kaiming": state.init_kaiming, "default": lambda m: None}
    for name, init in rules.items():
        runs = [state.spreads(init, seed=seed) for seed in range(21)]
        assert runs[0] == state.spreads(init) != runs[1]
        assert state.curves[name] == [statistics.median(layer) for layer in zip(*runs, strict=True)]
    assert [round(state.curves["kaiming"][i], 1) for i in (0, -1)] == [0.8, 0.2]


def test_the_depth_plot_names_every_curve() -> None:
    """The plot of the spread against depth is one figure with a label for each initialiser."""
    (figure,) = shown("parameters.depth-plot").figures
    for label in ("kaiming", "default", "normal 0.01", "depth", "std", "1e-10", "1e0"):
        assert f">{label}</text>" in figure


def test_the_picture_has_a_box_per_parameter_and_a_line_per_key() -> None:
    """The picture of the tied net has a box for each of its 7 positions and 6 parameters, and 8 lines, one for each key; the 4 of the shared layer are in colour.

    这张图里，7 个位置、6 个参数各有一个框，8 条线各对应一个键；共享层的 4 条线是彩色的。
    """
    state = after("parameters.tie-picture")
    positions = list(state.net)
    assert list(state.rows) == list(state.net.parameters())
    labels = [text.get_text() for text in state.ax.texts]
    for i, module in enumerate(positions):
        assert f"{i}: {type(module).__name__}" in labels
    for name, parameter in over(state.net.named_parameters(), "parameters | 个参数"):
        assert f"{name} {tuple(parameter.shape)}" in labels
    assert len(labels) == 7 + 6 + 2
    lines = [(*line.get_ydata(), line.get_color()) for line in state.ax.lines]
    assert len(lines) == len(state.net.state_dict()) == 8
    boxes = [pytest.approx(box.get_center()) for box in state.ax.patches]
    middles = [text.get_position() for text in state.ax.texts[:-2]]
    assert boxes == middles
    assert len(set(middles)) == 7 + 6
    weight = state.rows[state.shared.weight]
    assert {start for start, end, _ in lines if end == weight} == {2, 4}
    assert {start for start, _, color in lines if color == "C1"} == {2, 4}
    assert {start for start, _, color in lines if color == "black"} == {0, 6}
    assert len(shown("parameters.tie-picture").figures) == 1


def test_the_report_tells_no_gradient_from_a_gradient_of_zeros() -> None:
    """report() tells a parameter that took no part from one whose gradient is zero."""
    state = after("parameters.gradient-report")
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    assert set(state.report(model).values()) == {"none"}
    (model(torch.rand(5, 3)).sum() * 0).backward()
    assert set(state.report(model).values()) == {"zero"}
    model(torch.rand(5, 3)).sum().backward()
    assert set(state.report(model).values()) == {"ok"}
    model.zero_grad()
    assert list(state.report(model)) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert set(state.report(model).values()) == {"none"}


def test_a_frozen_block_stays_and_the_rest_moves() -> None:
    """freeze() stops exactly the named block, at any level, even under momentum."""
    state = after("parameters.freeze-by-name")
    torch.manual_seed(3)
    model = nn.Sequential()
    for i in (1, 10):
        model.add_module(f"block {i}", nn.Sequential(nn.Linear(4, 4), nn.Tanh()))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    before = copy.deepcopy(model.state_dict())
    assert state.freeze(model, "block 1") == 20
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.rand(8, 4)).sum().backward()
        optimizer.step()
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert moved == {"block 10.0.weight", "block 10.0.bias"}
    assert state.freeze(model, "block 10.0") == 20
    assert not any(parameter.requires_grad for parameter in model.parameters())
    with pytest.raises(AttributeError, match="has no attribute"):
        state.freeze(model, "block")
    told = shown("parameters.freeze-by-name").output.splitlines()[0]
    assert told == "frozen: 40  moved: body2.weight body2.bias head.weight head.bias"


def test_the_defaults_of_conv_and_lstm_follow_the_law_that_was_found() -> None:
    """Conv2d draws within 1/sqrt(in * k * k), LSTM within 1/sqrt(hidden), for other sizes too."""
    state = after("parameters.default-law")
    torch.manual_seed(3)
    assert 0.98 < state.largest(nn.Conv2d(5, 32, 5)) / state.conv_bound(5, 32, 5) < 1.000001
    assert 0.98 < state.largest(nn.LSTM(40, 12)) / state.lstm_bound(40, 12) < 1.000001
    linear = state.effects(nn.Linear, {"in_features": 64, "out_features": 64})
    assert linear == {"in_features": 1.4, "out_features": 1}


def test_the_checks_refuse_likely_mistakes() -> None:
    """Each check refuses solutions that fall into the trap which its exercise is about."""
    state = after("parameters.finite-differences")

    def no_zeros(model: nn.Module) -> dict[str, str]:
        ok = {name: p.grad is not None and p.grad.any() for name, p in model.named_parameters()}
        return {name: "ok" if good else "none" for name, good in ok.items()}

    def without_relu(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=m.in_features**-0.5)
            nn.init.zeros_(m.bias)

    def one_width(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=(2 / 64) ** 0.5)
            nn.init.zeros_(m.bias)

    def every_path(model: nn.Module) -> int:
        pairs = list(model.named_parameters(remove_duplicate=False))
        for name, param in pairs:
            print(name, tuple(param.shape), param.numel())
        return sum(param.numel() for _, param in pairs)

    def live(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> list[Any]:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        log = []
        for _ in range(20):
            optimizer.zero_grad()
            (model(inputs) - targets).square().mean().backward()
            names = model.state_dict()
            pairs = {name: model.get_parameter(name) for name in names}
            log.append({name: (p.detach(), p.grad) for name, p in pairs.items()})
            optimizer.step()
        return log

    def no_dot(model: nn.Module, block: str) -> int:
        frozen = [p for name, p in model.named_parameters() if name.startswith(block)]
        for param in frozen:
            param.requires_grad_(False)
            param.grad = None
        return sum(param.numel() for param in frozen)

    def old_gradient(model: nn.Module, block: str) -> int:
        for param in model.get_submodule(block).parameters():
            param.requires_grad_(False)
        return sum(param.numel() for param in model.get_submodule(block).parameters())

    def zeroed_gradient(model: nn.Module, block: str) -> int:
        part = model.get_submodule(block)
        for param in part.parameters():
            param.requires_grad_(False)
            assert param.grad is not None
            param.grad.zero_()
        return sum(param.numel() for param in part.parameters())

    def without_children(model: nn.Module, block: str) -> int:
        for param in getattr(model, block).parameters(recurse=False):
            param.requires_grad_(False)
            param.grad = None
        return sum(param.numel() for param in getattr(model, block).parameters())

    def at_once(model: nn.Module, rules: list[Any]) -> None:
        for name, param in model.named_parameters():
            fitting = [init for rule, init in rules if re.fullmatch(rule, name)]
            if not fitting:
                raise ValueError(name)
            fitting[0](param)

    def in_part(model: nn.Module, rules: list[Any]) -> None:
        state.init_by_name(model, [(f".*(?:{rule}).*", init) for rule, init in rules])

    class Detached(state.TiedAutoencoder):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            hidden = torch.tanh(self.encoder(X))
            return hidden @ self.encoder.weight.detach() + self.bias

    class Kept(state.TiedAutoencoder):
        def __init__(self, inputs: int, hidden: int) -> None:
            super().__init__(inputs, hidden)
            self.kept = self.encoder.weight.detach().clone()

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return torch.tanh(self.encoder(X)) @ self.kept.to(X.dtype) + self.bias

    def sums(model: nn.Module) -> dict[str, str]:
        kinds = state.report(model)
        ok = {name: p.grad is not None and p.grad.sum() for name, p in model.named_parameters()}
        return {n: "zero" if kind == "ok" and not ok[n] else kind for n, kind in kinds.items()}

    def of_the_outputs(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=(2 / m.out_features) ** 0.5)
            if m.bias is not None:
                nn.init.zeros_(m.bias)

    def adam(model: nn.Module, *given: Any, **named: Any) -> Any:
        with mock.patch("torch.optim.SGD", torch.optim.Adam):
            return state.watch(model, *given, **named)

    def beginnings(model: nn.Module, rules: list[Any]) -> None:
        state.init_by_name(model, [(f"(?:{rule}).*", init) for rule, init in rules])

    class Linear(state.TiedAutoencoder):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return self.encoder(X) @ self.encoder.weight + self.bias

    def default_bias(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=(2 / m.in_features) ** 0.5)

    def drawn_bias(m: nn.Module) -> None:
        default_bias(m)
        if isinstance(m, nn.Linear) and m.bias is not None:
            nn.init.normal_(m.bias, std=0.1)

    def exact_type(m: nn.Module) -> None:
        if type(m) is nn.Linear:
            state.init_scaled(m)

    def table_of(model: nn.Module, key: Any, *columns: Any) -> int:
        groups: dict[Any, list[Any]] = {}
        for name, param in model.named_parameters(remove_duplicate=False):
            groups.setdefault(key(param), [param]).append(name)
        for param, *names in groups.values():
            print(*names, *(column(param) for column in columns))
        return sum(param.numel() for param, *_ in groups.values())

    def by_memory(model: nn.Module) -> int:
        return table_of(model, torch.Tensor.data_ptr, torch.Tensor.size, torch.Tensor.numel)

    def names_only(model: nn.Module) -> int:
        return table_of(model, id)

    def no_count(model: nn.Module) -> int:
        return table_of(model, id, torch.Tensor.size)

    def no_shape(model: nn.Module) -> int:
        return table_of(model, id, torch.Tensor.numel)

    @torch.no_grad()
    def one_sided(model: Any, weight: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        result, eps = torch.zeros_like(weight), 1e-6
        before = model(inputs).sum()
        for place in itertools.product(*map(range, weight.shape)):
            old = weight[place].clone()
            weight[place] = old + eps
            result[place] = (model(inputs).sum() - before) / eps
            weight[place] = old
        return result

    class OwnDecoder(nn.Module):
        def __init__(self, inputs: int, hidden: int) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.Linear(inputs, hidden), nn.Linear(hidden, inputs)

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            hidden: torch.Tensor = self.encoder(X).tanh()
            return hidden @ self.encoder.weight + self.decoder.bias

    for check, *solution in [
        (state.check_freeze, zeroed_gradient),
        (state.check_freeze, without_children),
        (state.check_scaled, default_bias),
        (state.check_scaled, drawn_bias),
        (state.check_scaled, exact_type),
        (state.check_table, by_memory),
        (state.check_table, names_only),
        (state.check_table, no_count),
        (state.check_table, no_shape),
        (state.check_differences, one_sided),
        (state.check_autoencoder, OwnDecoder),
        (state.check_report, sums),
        (state.check_scaled, of_the_outputs),
        (state.check_watch, adam),
        (state.check_init_by_name, beginnings),
        (state.check_autoencoder, Linear),
        (state.check_report, no_zeros),
        (state.check_scaled, without_relu),
        (state.check_scaled, one_width),
        (state.check_table, every_path),
        (state.check_watch, live),
        (state.check_freeze, no_dot),
        (state.check_freeze, old_gradient),
        (state.check_init_by_name, at_once),
        (state.check_init_by_name, in_part),
        (state.check_bounds, lambda _, out, size: (out * size**2) ** -0.5, state.lstm_bound),
        (state.check_bounds, state.conv_bound, lambda inputs, _: inputs**-0.5),
        (state.check_autoencoder, Detached),
        (state.check_autoencoder, Kept),
        (state.check_differences, lambda _, weight, __: weight.grad / 2),
    ]:
        with pytest.raises((AssertionError, RuntimeError)):
            check(*solution)


def test_the_checks_accept_other_right_attempts() -> None:
    """Each check accepts what does the same as the solution in another way."""
    state = after("parameters.finite-differences")

    def by_submodule(model: nn.Module, block: str) -> int:
        part = model.get_submodule(block)
        part.requires_grad_(False).zero_grad()
        return sum(param.numel() for param in part.parameters())

    def without_lookup(model: nn.Module) -> int:
        names: dict[int, list[str]] = {}
        for name, param in model.named_parameters(remove_duplicate=False):
            names.setdefault(id(param), []).append(name)
        for param in model.parameters():
            sizes = "x".join(map(str, param.shape))
            print(f"{param.numel():6} {sizes}: {', '.join(names[id(param)])}")
        return sum(param.numel() for param in model.parameters())

    def by_hand(m: nn.Module) -> None:
        if not isinstance(m, nn.Linear):
            return
        nn.init.normal_(m.weight, 0, math.sqrt(2 / m.in_features))
        if m.bias is not None:
            nn.init.zeros_(m.bias)

    @torch.no_grad()
    def flattened(model: Any, weight: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        entries, slopes = weight.view(-1), []
        for i, old in enumerate(entries.tolist()):
            sums = []
            for value in (old - 1e-6, old + 1e-6):
                entries[i] = value
                sums.append(model(inputs).sum())
            entries[i] = old
            slopes.append((sums[1] - sums[0]) / 2e-6)
        return torch.stack(slopes).view_as(weight)

    @torch.no_grad()
    def in_double(model: Any, weight: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        name = next(name for name, param in model.named_parameters() if param is weight)
        twin = copy.deepcopy(model).double()
        wide = twin.get_parameter(name)
        return flattened(twin, wide, inputs.double()).to(weight.dtype)

    def by_prefix(model: nn.Module, block: str) -> int:
        frozen = [p for name, p in model.named_parameters() if name.startswith(f"{block}.")]
        for param in frozen:
            param.requires_grad_(False)
            param.grad = None
        return sum(param.numel() for param in frozen)

    class RowOfBiases(state.TiedAutoencoder):
        def __init__(self, inputs: int, hidden: int) -> None:
            super().__init__(inputs, hidden)
            self.bias = nn.Parameter(torch.zeros(1, inputs))

    class Functional(state.TiedAutoencoder):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return F.linear(self.encoder(X).tanh(), self.encoder.weight.T, self.bias)

    for check, solution in [
        (state.check_freeze, by_submodule),
        (state.check_freeze, by_prefix),
        (state.check_differences, in_double),
        (state.check_table, without_lookup),
        (state.check_scaled, by_hand),
        (state.check_differences, flattened),
        (state.check_autoencoder, RowOfBiases),
        (state.check_autoencoder, Functional),
    ]:
        check(solution)


def test_the_checks_say_what_is_wrong() -> None:
    """Each check refuses these attempts for the reason that it gives, and uses no name that readers may have taken."""
    state = after("parameters.finite-differences")

    def with_tolerance(model: nn.Module) -> dict[str, str]:
        kinds = state.report(model)
        for name, param in model.named_parameters():
            if param.grad is not None and torch.allclose(param.grad, torch.zeros(())):
                kinds[name] = "zero"
        return dict(kinds)

    def with_heading(model: nn.Module) -> Any:
        print("names, shape, numbers")
        return state.table(model)

    def watch(change: str) -> Any:
        def watching(model: Any, inputs: torch.Tensor, targets: torch.Tensor) -> list[Any]:
            optimizer, log = torch.optim.SGD(model.parameters(), lr=0.01), []
            for _ in range(20):
                optimizer.zero_grad(set_to_none=change != "one gradient")
                error = (model(inputs) - targets).square()
                (error.sum() if change == "sum" else error.mean()).backward()
                if change == "late":
                    optimizer.step()
                step = {}
                for name in model.state_dict():
                    param = model.get_parameter(name)
                    kept = param.grad if change == "one gradient" else param.grad.clone()
                    step[name] = param.detach().clone(), kept
                log.append(step)
                if change != "late":
                    optimizer.step()
            return log

        return watching

    def top_level(model: nn.Module, block: str) -> int:
        frozen = [p for name, p in model.named_parameters() if name.split(".")[0] == block]
        for param in frozen:
            param.requires_grad_(False)
            param.grad = None
        return sum(param.numel() for param in frozen)

    def all_gradients(model: nn.Module, block: str) -> int:
        model.zero_grad()
        return int(state.freeze(model, block))

    def reversed_rules(model: nn.Module, rules: list[Any]) -> None:
        named = dict(model.named_parameters())
        for name in named:
            if not any(re.fullmatch(rule, name) for rule, _ in rules):
                raise ValueError(name)
        for rule, init in reversed(rules):
            for name, param in named.items():
                if re.fullmatch(rule, name):
                    init(param)

    @torch.no_grad()
    def no_copy(model: Any, weight: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        result = torch.zeros_like(weight)
        for place in itertools.product(*map(range, weight.shape)):
            old = weight[place]
            weight[place] = old + 1e-6
            high = model(inputs).sum()
            weight[place] = old - 1e-6
            result[place] = (high - model(inputs).sum()) / 2e-6
            weight[place] = old
        return result

    def large_steps(*given: Any) -> Any:
        return state.differences(*given, eps=1e-4)

    class Data(state.TiedAutoencoder):  # type: ignore[misc, name-defined]
        def forward(self, X: torch.Tensor) -> Any:
            hidden = torch.tanh(self.encoder(X))
            return hidden @ self.encoder.weight.data + self.bias

    class Row(state.TiedAutoencoder):  # type: ignore[misc, name-defined]
        def forward(self, X: torch.Tensor) -> Any:
            return super().forward(X)[0]

    wider = state.conv_bound, lambda *sizes: max(sizes) ** -0.5
    for message, check, *attempt in [
        ("a small gradient is not 0", state.check_report, with_tolerance),
        ("6 objects, 7 lines", state.check_table, with_heading),
        ("the mean squared error", state.check_watch, watch("sum")),
        ("logged before the update", state.check_watch, watch("late")),
        ("cloned", state.check_watch, watch("one gradient")),
        ("72 numbers, not 0", state.check_freeze, top_level),
        ("a gradient is gone", state.check_freeze, all_gradients),
        ("an earlier rule fits", state.check_init_by_name, reversed_rules),
        ("LSTM", state.check_bounds, *wider),
        ("old value copied", state.check_differences, no_copy),
        ("steps of 1e-6 to both sides", state.check_differences, large_steps),
        ("a use is missing", state.check_autoencoder, Data),
        (r"output \(8,\)", state.check_autoencoder, Row),
    ]:
        with pytest.raises(AssertionError, match=message):
            check(*attempt)
    state.check_watch(watch("nothing"))
    for check in (state.check_table, state.check_differences):
        assert {"net", "X"}.isdisjoint(check.__code__.co_names)


def test_the_first_rule_that_fits_a_whole_name_decides() -> None:
    """init_by_name takes the first rule that matches the full name, and handles a tied net."""
    state = after("parameters.init-by-pattern")
    first, second = nn.Linear(2, 3), nn.Linear(3, 1)
    model = nn.Sequential(first, second)
    rules = [(r"0\.weight", nn.init.ones_), (r".*weight", nn.init.zeros_)]
    with pytest.raises(ValueError, match=r"no rule for 0\.bias"):
        state.init_by_name(model, rules)
    state.init_by_name(model, [*rules, (r"\d\.bias", nn.init.ones_)])
    assert (first.weight == 1).all()
    assert not second.weight.any()
    assert (second.bias == 1).all()
    state.init_by_name(state.net, [(".*", nn.init.zeros_)])
    assert not any(parameter.any() for parameter in state.net.parameters())


def test_a_name_without_a_rule_leaves_the_model_as_it_was() -> None:
    """init_by_name writes nothing if a name has no rule, also if that name is the last."""
    state = after("parameters.init-by-pattern")
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = copy.deepcopy(model.state_dict())
    rules = [(r"0\..*|1\.weight", nn.init.zeros_), (r"bias", nn.init.zeros_)]
    with pytest.raises(ValueError, match=r"no rule for 1\.bias"):
        state.init_by_name(model, rules)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert shown("parameters.init-by-pattern").output.startswith("ValueError: no rule for 1.weight")


def test_a_scale_from_the_fan_in_survives_twenty_layers() -> None:
    """init_scaled draws with sqrt(2 / in_features), and keeps the spread at other widths too."""
    state = after("parameters.scale-for-depth")
    torch.manual_seed(1)
    for inputs in (50, 800):
        layer = nn.Linear(inputs, 300).apply(state.init_scaled)
        assert math.isclose(layer.weight.std().item(), math.sqrt(2 / inputs), rel_tol=0.03)
        assert not layer.bias.any()
    told = shown("parameters.scale-for-depth").output.splitlines()[:-1]
    for width, line in zip((64, 128), told, strict=True):
        last = state.spreads(state.init_scaled, width=width)[-1]
        assert line == f"width {width}, layer 20: {last:.1e}"
    assert 0.05 < state.spreads(state.init_scaled, width=96)[-1] < 1
    assert state.spreads(state.init_normal, width=96)[-1] < 1e-15


def test_the_table_counts_every_object_once(capsys: pytest.CaptureFixture[str]) -> None:
    """table() lists each parameter object once with all its names, however it is tied."""
    state = after("parameters.table-without-ties")
    capsys.readouterr()
    assert state.table(state.deep) == 4305
    assert len(capsys.readouterr().out.splitlines()) == 18
    first, second = nn.Linear(8, 8), nn.Linear(8, 8)
    second.weight = first.weight
    assert state.table(nn.Sequential(first, second)) == 64 + 8 + 8
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("(")[0].strip() for line in lines] == [
        "0.weight = 1.weight",
        "0.bias",
        "1.bias",
    ]
    output = shown("parameters.table-without-ties").output
    assert len(output.splitlines()) == 6 + 1
    assert "2.weight = 4.weight (8, 8)" in output


def test_the_decoder_is_the_encoder_transposed() -> None:
    """The tied autoencoder decodes with the encoder's weight transposed, before and after a step."""
    state = after("parameters.transposed-tie")
    auto = state.TiedAutoencoder(5, 2)
    assert {name: tuple(p.shape) for name, p in auto.named_parameters()} == {
        "bias": (5,),
        "encoder.weight": (2, 5),
        "encoder.bias": (2,),
    }
    told = shown("parameters.transposed-tie").output.splitlines()[0]
    assert told == "parameters: bias encoder.weight encoder.bias"
    inputs = torch.rand(7, 5)
    optimizer = torch.optim.SGD(auto.parameters(), lr=0.1)
    for _ in range(2):
        hidden = torch.tanh(inputs @ auto.encoder.weight.T + auto.encoder.bias)
        assert torch.allclose(auto(inputs), hidden @ auto.encoder.weight + auto.bias, atol=1e-6)
        optimizer.zero_grad()
        (auto(inputs) - inputs).square().mean().backward()
        optimizer.step()


def test_every_solution_passes_its_own_check() -> None:
    """All solutions run through to the last one, whose final line says what was checked."""
    last = shown("parameters.finite-differences")
    assert last.state == "ran"
    assert last.output.splitlines()[-1] == "checked: the gradient counts both uses"


def test_a_step_by_hand_needs_a_gradient() -> None:
    """A parameter that took no part in the loss has the gradient `None`, and a step written by hand stops at it:
    `unsupported operand type(s) for *: 'float' and 'NoneType'`. An optimiser skips it.

    算损失时没有用到的参数，梯度是 `None`，自己写的更新到这里就停下：
    `unsupported operand type(s) for *: 'float' and 'NoneType'`。优化器会跳过它。
    """
    result = shown("parameters.step-by-hand")
    text = "unsupported operand type(s) for *: 'float' and 'NoneType'"
    assert result.error == f"TypeError: {text}"
    assert result.output == "used: 0.9, unused: 1.0\n"
    for cls in over(optimizers(), "optimisers | 种优化器"):
        used, unused = (nn.Parameter(torch.ones(2, 2)) for _ in range(2))
        optimizer = cls([used, unused], lr=0.1)
        used.sum().backward()
        assert unused.grad is None
        with pytest.raises(TypeError, match=re.escape(text)):
            _ = 0.1 * unused.grad  # type: ignore[operator]
        optimizer.step()
        assert unused.tolist() == [[1, 1], [1, 1]]


def test_the_fixes_for_parameters_work() -> None:
    """Each fix that the index of errors gives for 5.2 was tried: code written that way runs.

    报错索引里 5.2 的改法都试过：照着写的代码都能运行。
    """
    net = small()
    x = torch.ones(1, 4, requires_grad=True)

    def detach_to_read() -> bool:
        value = net[2].bias.detach()
        w = torch.ones(2, 3, requires_grad=True)
        w.sum().backward()
        grad: Any = w.grad
        for attribute in (grad, w.T):
            with pytest.raises(TypeError, match="'Tensor' object is not callable"):
                attribute()
        assert grad.shape == w.T.T.shape
        losses = [net(x).mean() for _ in range(2)]
        with pytest.raises(RuntimeError, match="Can't call numpy"):
            np.array(losses)
        collected = []
        for loss in losses:
            collected.append(loss.item())
        assert np.array(collected).shape == (2,)
        return torch.equal(value, net[2].bias) and value.numpy().shape == (1,)

    def look_up_by_name() -> bool:
        return net.get_parameter("2.bias") is net[2].bias

    def mean_or_sum_before_backward() -> bool:
        net.zero_grad()
        net(x).mean().backward()
        net(x).sum().backward()
        return net[0].weight.grad is not None

    def keep_the_path_to_the_parameters() -> bool:
        net.zero_grad()
        trained = [param.requires_grad for param in net.parameters()]
        net(x.detach()).mean().backward()
        return all(trained) and net[0].weight.grad is not None

    def new_loss_for_each_backward() -> bool:
        for _ in range(2):
            net(x).mean().backward()
        cell, state = nn.RNNCell(4, 3), torch.zeros(1, 3)
        for _ in range(2):
            state = cell(x, state.detach())
            state.sum().backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            cell(x, state).sum().backward()
        return True

    def ask_the_state_dict_by_name() -> bool:
        state = net.state_dict()
        return torch.equal(state["0.weight"], net[0].weight) and next(iter(state)) == "0.weight"

    def identifier_as_a_name() -> bool:
        net = nn.Sequential()
        net.add_module("block_2", nn.Linear(2, 1))
        return net.block_2 is net[0]

    def edit_under_no_grad() -> bool:
        with torch.no_grad():
            net[0].weight += 1
        return net[0].weight.requires_grad

    def edit_before_or_after() -> bool:
        for _ in range(2):
            edit_under_no_grad()
            net(x).mean().backward()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        first, second = net(x).mean(), net(x).sum()
        first.backward()
        optimizer.step()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            second.backward()
        first, second = net(x).mean(), net(x).sum()
        first.backward()
        second.backward()
        optimizer.step()
        return True

    def first_ask_for_the_class() -> bool:
        def to_zero(m: Any) -> None:
            nn.init.zeros_(m.bias)

        def of_linear_layers(m: Any) -> None:
            if isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)

        with pytest.raises(AttributeError, match="'ReLU' object has no attribute 'bias'"):
            small().apply(to_zero)
        return not small().apply(of_linear_layers)[0].bias.any()

    def zero_grad_skips_what_has_none() -> bool:
        net = small()
        net[0].requires_grad_(False)
        net(x).mean().backward()
        with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'zero_'"):
            for param in net.parameters():
                param.grad.zero_()
        net.zero_grad(set_to_none=False)
        assert not net[2].weight.grad.any()
        net.zero_grad()
        return all(param.grad is None for param in net.parameters())

    def step_where_there_is_a_gradient() -> bool:
        net, count = small(), 0
        with pytest.raises(TypeError, match="unsupported operand type"), torch.no_grad():
            for p in net.parameters():
                p -= 0.1 * p.grad
        net[0].requires_grad_(False)
        net(x).mean().backward()
        with torch.no_grad():
            for p in net.parameters():
                if p.grad is not None:
                    p -= 0.1 * p.grad
                    count += 1
        net = small()
        net(x).mean().backward()
        with torch.no_grad():
            for p in net.parameters():
                p -= 0.1 * p.grad
        return count == 2

    def ask_whether_there_is_a_bias() -> bool:
        layer = nn.Linear(4, 8, bias=False)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        return layer.bias is None

    def zeros_for_the_bias() -> bool:
        nn.init.xavier_uniform_(net[0].weight)
        nn.init.kaiming_uniform_(net[0].weight)
        norm = nn.LayerNorm(3).weight
        return norm.dim() == 1 and bool((norm == 1).all()) and not nn.init.zeros_(net[0].bias).any()

    def assign_the_parameter_itself() -> bool:
        one, two = nn.Linear(8, 8), nn.Linear(8, 8)
        two.weight = one.weight
        return two.weight is one.weight

    def copy_values_in() -> bool:
        one, two = nn.Linear(8, 8), nn.Linear(8, 8)
        with torch.no_grad():
            two.weight.copy_(one.weight.T)
        return torch.equal(two.weight, one.weight.T) and two.weight is not one.weight

    def build_on_a_real_device() -> bool:
        return len(nn.Linear(2, 1, device="cpu").weight.tolist()) == 1

    def to_empty_and_load() -> bool:
        layer = nn.Linear(2, 1, device="meta").to_empty(device="cpu")
        layer.load_state_dict({"weight": torch.ones(1, 2), "bias": torch.ones(1)})
        return layer.weight.tolist() == [[1, 1]]

    def another_name_for_the_result() -> bool:
        loss = nn.MSELoss()
        for _ in range(2):
            value = loss(x, torch.zeros(1, 4))
        overwritten = value
        with pytest.raises(TypeError, match="'Tensor' object is not callable"):
            overwritten(x, x)
        return value == 1

    def subtract_in_place_without_recording() -> bool:
        w = torch.ones(2, requires_grad=True)
        with pytest.raises(AttributeError, match="'NoneType' object has no attribute 'zero_'"):
            w.grad.zero_()  # type: ignore[union-attr]
        for _ in range(2):
            w.sum().backward()
            with torch.no_grad():
                w -= 0.1 * w.grad  # type: ignore[operator]
            w.grad.zero_()  # type: ignore[union-attr]
        other = w - 0.1
        assert other.requires_grad
        return w.is_leaf and not other.is_leaf and torch.allclose(w, torch.full((2,), 0.8))

    def collect_without_requiring_a_gradient() -> bool:
        weight, out = net[2].bias, torch.zeros(2)
        out[0] = 2 * weight[0]
        with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
            torch.zeros(2, requires_grad=True)[0] = 2 * weight[0]
        (gradient,) = torch.autograd.grad(out.sum(), weight)
        return gradient.tolist() == [2]

    fixes = (
        *(another_name_for_the_result, subtract_in_place_without_recording),
        *(first_ask_for_the_class, zero_grad_skips_what_has_none),
        step_where_there_is_a_gradient,
        collect_without_requiring_a_gradient,
        *(detach_to_read, look_up_by_name, mean_or_sum_before_backward),
        *(keep_the_path_to_the_parameters, new_loss_for_each_backward),
        *(ask_the_state_dict_by_name, identifier_as_a_name, edit_under_no_grad),
        *(edit_before_or_after, ask_whether_there_is_a_bias, zeros_for_the_bias),
        *(assign_the_parameter_itself, copy_values_in, build_on_a_real_device, to_empty_and_load),
    )
    for works in over(fixes, "fixes | 种改法"):
        assert works()


def test_a_name_ending_in_an_underscore_changes_the_tensor_itself() -> None:
    """Functions of a tensor whose names end in `_`, and `X /= 2`, return the tensor itself: nothing new is
    made. Those tried take no argument, one or two numbers, or a matrix.

    张量的名字以 `_` 结尾的函数，以及 `X /= 2`，返回的就是这个张量，没有另造一个。
    试的是不带实参、带一两个数或一个矩阵的那些。
    """
    given: tuple[tuple[Any, ...], ...] = ((), (0.5,), (torch.full((2, 2), 0.5),), (0, 1))

    def returned(name: str) -> Any:
        for arguments in given:
            X = torch.full((2, 2), 0.5)
            with contextlib.suppress(TypeError, RuntimeError):
                return getattr(X, name)(*arguments) is X
        return None

    names = [name for name in dir(torch.Tensor) if re.fullmatch(r"[a-z]\w*[a-z\d]_", name)]
    taken = [name for name in names if returned(name) is not None]
    assert {"fill_", "add_", "mul_", "zero_", "relu_", "normal_"} <= set(taken)
    for name in over(taken, "functions of a tensor | 个张量的函数"):
        assert returned(name)
    X = same = torch.ones(2)
    X /= 2
    assert X is same
    assert same.tolist() == [0.5, 0.5]


def test_near_kaimings_sigma_the_spread_survives() -> None:
    """Through twenty layers of width 64, a normal distribution with σ = 0.18 keeps more than a tenth of the first layer's spread; 0.1 and less leave under a ten-thousandth, and 0.25 and more raise it over fiftyfold; the same holds for 10 other seeds.

    经过二十个宽度为 64 的层，取 σ = 0.18 的正态分布，差异仍有第一层之后的十分之一以上；取 0.1 和更小的，只剩不足万分之一；取 0.25 和更大的，放大到五十倍以上；另换 10 个随机种子也是如此。
    """
    state = after("parameters.sigma-and-depth")
    assert abs(math.sqrt(2 / 64) - 0.18) < 0.005
    heading, *rows = shown("parameters.sigma-and-depth").output.splitlines()
    assert heading == "sigma | depth | spread"
    table: dict[str, dict[int, float]] = {}
    for row in rows:
        told, depth, spread = row.split(" | ")
        table.setdefault(told, {})[int(depth)] = float(spread)
    assert list(table) == ["0.01", "0.05", "0.1", "0.18", "0.25", "0.5"]
    for told, spreads in table.items():
        curve = state.spreads(state.init_sigma(float(told)))
        assert min(spreads) == 1
        assert max(spreads) == len(curve) == 20
        assert all(math.isclose(curve[i - 1], spreads[i], rel_tol=0.06) for i in spreads)

    def ratios(sigma: float) -> list[float]:
        init = state.init_sigma(sigma)
        curves = [state.spreads(init), *(spread_of(init, seed) for seed in range(1, 11))]
        return [float(curve[-1] / curve[0]) for curve in curves]

    assert min(ratios(0.18)) > 1 / 10
    for sigma in over((0.1, 0.05, 0.01), "smaller values of σ | 个更小的 σ"):
        assert max(ratios(sigma)) < 1e-4
    for sigma in over((0.25, 0.5), "larger values of σ | 个更大的 σ"):
        assert min(ratios(sigma)) > 50
    # without biases each of the 19 layers after the first multiplies by σ: the ratio is a power of it
    half, whole = ratios(0.05)[0], ratios(0.1)[0]
    assert math.isclose(half, whole * 0.5**19, rel_tol=1e-6)


def test_ties_change_the_parameters_and_not_the_keys() -> None:
    """A layer used several times in a row has two parameters if it is one object, and two for each use if they are copies; the state dict has two keys for each use in both cases.

    一层连着用几次：是同一个对象，就只有两个参数；是副本，每用一次就有两个。两种情形下，状态字典都是每用一次有两个键。
    """
    heading, *rows = shown("parameters.tie-or-not").output.splitlines()
    assert heading == "tied | uses | parameters | keys | gradient"
    found = [tuple(cell.strip() for cell in row.split("|")) for row in rows]
    assert [row[:2] for row in found] == [*itertools.product(("yes", "no"), "12345")]
    norms = [float(row[-1]) for row in found]
    assert norms[0] == norms[5]
    assert all(one > other for one, other in zip(norms[1:5], norms[6:], strict=True))
    for tied, uses, parameters, keys, _ in over(found, "rows | 行"):
        assert int(keys) == 2 * int(uses)
        assert int(parameters) == (2 if tied == "yes" else 2 * int(uses))


def test_a_wrapped_transpose_is_no_tie() -> None:
    """`two.weight = nn.Parameter(one.weight.T)` shares the memory and makes a second parameter with a
    gradient of its own: SGD moves the shared numbers by both gradients; a deep copy and a change of dtype
    separate the two, loading a state dict does not.

    `two.weight = nn.Parameter(one.weight.T)` 共用内存，却是第二个参数，梯度自己另算：
    SGD 把两份梯度都加到共用的数值上；深拷贝和换数据类型会把两边分开，加载状态字典则不会。
    """
    shown_ = shown("parameters.tie-by-wrapping").output
    assert shown_ == "same memory: True\nin a copy: False\n"
    assert after("parameters.tie-by-wrapping").one.weight.dtype == torch.float32, "new layers"

    def pair(tie: bool = True) -> Any:
        net: Any = nn.Sequential(nn.Linear(4, 3, bias=False), nn.Linear(3, 4, bias=False))
        if tie:
            net[1].weight = nn.Parameter(net[0].weight.T)
        return net

    def shares(net: Any) -> bool:
        return bool(net[0].weight.data_ptr() == net[1].weight.data_ptr())

    for seed in over(seeds(10), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        net = pair()
        first, second = net[0].weight, net[1].weight
        assert shares(net)
        assert first is not second
        net(torch.rand(5, 4)).square().sum().backward()
        assert not torch.equal(first.grad, second.grad.T)
        expected = first.detach() - 0.1 * (first.grad + second.grad.T)
        torch.optim.SGD(net.parameters(), lr=0.1).step()
        assert torch.allclose(first, expected, atol=1e-6)
        assert torch.equal(second, first.T)
        net.load_state_dict(pair(tie=False).state_dict())
        assert shares(net)
        assert not shares(copy.deepcopy(net))
        assert not shares(net.double())


def test_each_group_has_options_of_its_own() -> None:
    """The optimisers of `torch.optim`, except `LBFGS`, take groups of parameters: each group has the options
    that it sets, and the others from the call; its numbers move by its own learning rate.

    `torch.optim` 的优化器可以接收几组参数，只有 `LBFGS` 拒绝：每组写明的选项归自己用，
    没写的用创建优化器时给的；各组的参数按自己的学习率更新。
    """
    assert shown("parameters.parameter-groups").output == (
        "0.01 [(1, 8), (1,)]\n0.1 [(8, 4), (8,)]\n"
    )
    for cls in over(optimizers(), "optimisers | 种优化器"):
        one, two = nn.Linear(4, 3), nn.Linear(4, 3)
        groups = [{"params": one.parameters(), "lr": 1e-4}, {"params": two.parameters()}]
        optimizer = cls(groups, lr=0.125)
        assert [float(group["lr"]) for group in optimizer.param_groups] == [1e-4, 0.125]
        before = [layer.weight.detach().clone() for layer in (one, two)]
        (one(torch.rand(2, 4)) + two(torch.rand(2, 4))).square().sum().backward()
        optimizer.step()
        moves = [
            (layer.weight - old).abs().max() for layer, old in zip((one, two), before, strict=True)
        ]
        assert 0 < moves[0] < moves[1] / 20
        if "weight_decay" in inspect.signature(cls).parameters:
            groups = [{"params": one.parameters(), "weight_decay": 0.25}, groups[1]]
            decays = [group["weight_decay"] for group in cls(groups, lr=0.125).param_groups]
            assert decays[0] == 0.25 != decays[1]
    for cls in vars(torch.optim).values():
        if not inspect.isclass(cls) or cls is torch.optim.Optimizer:
            continue
        if not issubclass(cls, torch.optim.Optimizer):
            continue
        groups = [{"params": [nn.Parameter(torch.ones(2, 2))]} for _ in range(2)]
        if cls is torch.optim.LBFGS:
            with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
                cls(groups)
        else:
            assert len(cls(groups, lr=0.1).param_groups) == 2


def test_what_is_in_no_group_is_not_trained() -> None:
    """A parameter that is in none of an optimiser's groups keeps its values, without an error.

    没有收进优化器任何一组的参数，数值不变，也不报错。
    """
    for cls in over(optimizers(), "optimisers | 种优化器"):
        net = small()
        optimizer = cls([{"params": net[2].parameters()}])
        before = net[0].weight.detach().clone()
        net(torch.rand(5, 4)).square().sum().backward()
        optimizer.step()
        assert net[0].weight.grad is not None
        assert torch.equal(net[0].weight, before)


def test_softplus_and_its_slope_are_positive() -> None:
    """`softplus(x)` is `log(1 + exp(x))`; it and its gradient are positive until rounding makes them 0, in `float32` from about -103 down: at -102 they are positive, at -104 both are 0; in between it may depend on the size of the tensor.

    `softplus(x)` 就是 `log(1 + exp(x))`，它和它的梯度都是正的，直到舍入成 0；在 `float32` 里，大约从 −103 往下就是 0：到 −102 还是正的，到 −104 就都是 0，两者之间可能因张量大小而异。
    """
    numbers = [-102.0, -50.0, -10.0, -1.0, 0.0, 1.0, 10.0, 50.0]
    for number in over(numbers, "numbers | 个数"):
        x = torch.tensor(number, requires_grad=True)
        y = F.softplus(x)
        y.backward()
        assert x.grad is not None
        assert y > 0
        assert x.grad > 0
        assert math.isclose(y.item(), math.log1p(math.exp(number)), rel_tol=1e-4, abs_tol=1e-42)
    for size in (1, 7, 64, 1000):
        for number in (-102.0, -104.0):
            x = torch.full((size,), number, requires_grad=True)
            y = F.softplus(x)
            y.sum().backward()
            assert x.grad is not None
            assert [(y > 0).all(), (x.grad > 0).all()] == [number == -102.0] * 2
            assert [y.any(), x.grad.any()] == [number == -102.0] * 2


def test_a_parametrised_weight_stays_positive() -> None:
    """An optimiser gets the parameter behind a parametrised weight, `parametrizations.weight.original`, which is also what the state dict holds; with `softplus` the weight is positive after each step, unless a step is so large that rounding makes it 0.

    优化器拿到的是参数化的权重背后的参数 `parametrizations.weight.original`，状态字典里存的也是它；用 `softplus` 时，每更新一步，权重都是正的，除非步子大到让它舍入成 0。
    """
    told = shown("parameters.keep-positive").output.splitlines()
    assert told[0] == "keys: bias parametrizations.weight.original"
    label, largest = told[1].split(": ")
    assert label == "largest weight"
    assert 0 < float(largest) < 0.1
    state = after("parameters.keep-positive")
    assert largest == f"{state.positive.weight.max():.3f}"
    assert state.positive.parametrizations.weight.original.max() < 0
    for cls in over(optimizers(), "optimisers | 种优化器"):
        layer = nn.Linear(4, 3)
        state.parametrize.register_parametrization(layer, "weight", state.Positive())
        names = ["bias", "parametrizations.weight.original"]
        assert [name for name, _ in layer.named_parameters()] == list(layer.state_dict()) == names
        behind = layer.get_parameter(names[1])
        optimizer = cls(layer.parameters(), lr=0.5)  # type: ignore[call-arg]
        assert any(param is behind for param in optimizer.param_groups[0]["params"])
        before = behind.detach().clone()
        for _ in range(20):
            optimizer.zero_grad()
            layer(torch.ones(2, 4)).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            assert (layer.weight > 0).all()
        assert (behind < before).all()
    layer = nn.Linear(4, 3)
    state.parametrize.register_parametrization(layer, "weight", state.Positive())
    layer(torch.ones(2, 4)).sum().backward()  # type: ignore[no-untyped-call]
    torch.optim.SGD(layer.parameters(), lr=1e4).step()
    assert not layer.weight.any()


def test_a_write_to_a_parametrised_weight_is_lost() -> None:
    """A weight that `softplus` computes from a parameter is computed anew at each access, except inside `parametrize.cached()`: what functions of `nn.init`, `reset_parameters` or a write under `no_grad()` put into it in place is gone at the next access, without an error. `is` fails between two accesses; the parameter behind it is one object.

    由 `softplus` 从参数算出来的权重，每次读取都重新计算（`parametrize.cached()` 之内除外）：用 `nn.init` 的函数、`reset_parameters` 或在 `no_grad()` 里原地写进去的，下次读取就没有了，也不报错。两次读到的不是同一个对象；背后的参数则是同一个。
    """
    _, weight, again = shown("parameters.keep-positive").output.splitlines()
    assert again.startswith("after ones_: ")
    assert weight.split()[-1] == again.split()[-1]
    state = after("parameters.keep-positive")
    for init in over(initialisers(), "functions of nn.init | 个 nn.init 的函数"):
        layer = nn.Module()
        layer.weight = nn.Parameter(torch.full(init.shape, 7.0))
        state.parametrize.register_parametrization(layer, "weight", state.Positive())
        before = layer.weight.clone()
        init(layer.weight)
        assert torch.equal(layer.weight, before)
    for name in WRITES:
        with torch.no_grad():
            in_place(layer.weight, name)
        assert torch.equal(layer.weight, before)
    linear = nn.Linear(3, 2)
    state.parametrize.register_parametrization(linear, "weight", state.Positive())
    before = linear.weight.clone()
    linear.reset_parameters()
    assert torch.equal(linear.weight, before)
    net = nn.Sequential(linear, linear)
    assert net[0].weight is not net[1].weight
    hidden = [part.parametrizations.weight.original for part in net]
    assert hidden[0] is hidden[1]
    assert layer.weight is not layer.weight
    with state.parametrize.cached():
        assert layer.weight is layer.weight


def test_right_inverse_sets_a_parametrised_weight() -> None:
    """With a method `right_inverse`, an assignment to a parametrised weight, also by `+=`, sets the parameter behind it; without one, it is refused: `does not implement right_inverse`. When the parametrization is registered, the method gets the weight that is there; of a negative one, this one makes NaN.

    有 `right_inverse` 方法，给参数化的权重赋值（用 `+=` 也算），就会设定它背后的参数；没有则会拒绝：`does not implement right_inverse`。注册参数化时，这个方法会收到现有的权重；权重是负的，这里就得到 NaN。
    """
    state = after("parameters.keep-positive")

    class Both(state.Positive):  # type: ignore[misc, name-defined]
        def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
            return weight + torch.log(-torch.expm1(-weight))

    with pytest.raises(RuntimeError, match="does not implement right_inverse"):
        state.positive.weight = torch.ones(1, 2)
    with pytest.raises(RuntimeError, match="does not implement right_inverse"):
        state.positive.weight += 1
    layer = nn.Linear(3, 2)
    nn.init.constant_(layer.weight, -1)
    state.parametrize.register_parametrization(layer, "weight", Both())
    assert layer.weight.isnan().all()
    layer = nn.Linear(3, 2)
    nn.init.ones_(layer.weight)
    state.parametrize.register_parametrization(layer, "weight", Both())
    assert torch.allclose(layer.weight, torch.ones(2, 3))
    for number in over((1e-3, 0.1, 1.0, 5.0, 50.0), "positive numbers | 个正数"):
        layer.weight = torch.full((2, 3), number)
        assert torch.allclose(layer.weight, torch.full((2, 3), number), rtol=1e-4)
        assert set(layer.state_dict()) == {"bias", "parametrizations.weight.original"}
        with torch.no_grad():
            layer.weight += 1
        assert torch.allclose(layer.weight, torch.full((2, 3), number + 1), rtol=1e-4)


def test_clamping_in_forward_comes_late() -> None:
    """A weight that `forward` clamps through `.data` can be negative after a step, in the state dict too, until the next call; that call changes the model, under `no_grad()` as well.

    在 `forward` 里通过 `.data` 截断的权重，更新之后可能是负的，状态字典里也是，直到下一次调用；那次调用会改写模型，在 `no_grad()` 里也一样。
    """
    assert shown("parameters.clamp-in-forward").output == (
        "after the step: [[-0.5, -0.5]]\nafter an evaluation: [[0.0, 0.0]]\n"
    )
    state = after("parameters.clamp-in-forward")
    assert not state.clamping.training
    Clamping = state.Clamping
    for cls in over(optimizers(), "optimisers | 种优化器"):
        layer = Clamping(2, 1)
        nn.init.zeros_(layer.weight)
        optimizer = cls(layer.parameters())
        layer(torch.ones(1, 2)).sum().backward()
        optimizer.step()
        assert (layer.state_dict()["weight"] < 0).all()
        with torch.no_grad():
            layer.eval()(torch.ones(1, 2))
        assert (layer.weight == 0).all()


def test_clamping_after_the_step_is_in_time() -> None:
    """A weight that is clamped under `no_grad()` after each step is never negative between steps; it may be exactly 0.

    每次更新之后在 `no_grad()` 里截断的权重，两步之间不会是负的，可能恰好是 0。
    """
    for cls in over(optimizers(), "optimisers | 种优化器"):
        layer = nn.Linear(2, 1)
        nn.init.zeros_(layer.weight)
        optimizer = cls(layer.parameters())
        for _ in range(5):
            optimizer.zero_grad()
            layer(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            with torch.no_grad():
                layer.weight.clamp_(min=0)
            assert (layer.state_dict()["weight"] == 0).all()


def test_a_clamped_weight_gets_no_gradient() -> None:
    """With `weight.clamp(min=0)` in the forward pass, a negative weight has a gradient of 0, and plain SGD, without momentum or weight decay, leaves it where it is.

    前向传播里写 `weight.clamp(min=0)`，负的权重梯度为 0，不带动量和权重衰减的 SGD 不会再改动它。
    """
    for start in over((-1e-6, -0.1, -1.0, -100.0), "negative weights | 个负的权重"):
        weight = nn.Parameter(torch.tensor([start, 1.0]))
        optimizer = torch.optim.SGD([weight], lr=1)
        for _ in range(5):
            optimizer.zero_grad()
            (-weight.clamp(min=0)).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        assert weight.tolist() == [torch.tensor(start).item(), 6.0]
        assert weight.grad is not None
        assert weight.grad.tolist() == [0, -1]


def test_the_positive_weight_took_steps_of_its_own_gradient() -> None:
    """The last step went down by the gradient of this step alone, at a learning rate of 1."""
    positive = after("parameters.keep-positive").positive
    behind = positive.parametrizations.weight.original
    before = behind + behind.grad
    assert torch.allclose(behind.grad, before.sigmoid(), atol=1e-6)  # the slope of softplus
    assert positive.bias.grad.tolist() == [1]


def test_training_is_fifty_steps_of_gradient_descent(capsys: pytest.CaptureFixture[str]) -> None:
    """train() does what SGD does in 50 steps, and prints the units and the loss."""
    state = after("parameters.symmetry")
    net = small()
    twin = copy.deepcopy(net)
    capsys.readouterr()
    state.train(net)
    torch.manual_seed(0)
    X = torch.randn(16, 4)
    Y = X.abs().sum(dim=1, keepdim=True)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.03)
    for _ in range(50):
        optimizer.zero_grad()
        loss = (twin(X) - Y).square().mean()
        loss.backward()
        optimizer.step()
    for mine, theirs in zip(net.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-4)
    assert capsys.readouterr().out == f"units: 8, loss: {loss:.2f}\n"


def test_each_check_that_a_solution_calls_says_so() -> None:
    assert silent("parameters") == []
