import collections
import copy
import inspect
import io
import itertools
import math
import re
import sys
import zipfile
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from proven.testing import after, shown


def saved(state: object) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return file


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


# Access


def test_sequential_slices_hold_the_same_modules() -> None:
    """`nn.Sequential` takes indices, negative ones too, and slices; a slice is a new `Sequential` around the same modules.

    `nn.Sequential` 支持下标、负下标和切片；切片是一个新的 `Sequential`，里面还是原来那几个模块。
    """
    net = after("parameters.slices").net
    assert len(net) == 3
    assert net[-1] is net[2]
    assert type(net[:2]) is nn.Sequential
    assert net[:2] is not net
    assert list(net[:2]) == [net[0], net[1]]
    output = shown("parameters.slices").output
    assert output.startswith("net[-1] is net[2]: True\nnet[:2]: Sequential 2\nsame modules: True\n")


def test_state_dict_maps_names_to_tensors() -> None:
    """A state dict is an `OrderedDict` from names to tensors and no list; iterating over it gives the names.

    状态字典是从名字到张量的 `OrderedDict`，不是列表；遍历它得到的是名字。
    """
    state = after("parameters.by-index").deep[1].state_dict()
    assert type(state) is collections.OrderedDict
    assert not isinstance(state, list)
    assert list(state) == ["weight", "bias"]
    assert all(isinstance(tensor, torch.Tensor) for tensor in state.values())
    assert "weight (1, 16)\nbias (1,)\n" in shown("parameters.by-index").output


def test_linear_weight_is_out_by_in() -> None:
    """`nn.Linear` stores its weight as `(out_features, in_features)` and computes `X @ weight.T + bias`.

    `nn.Linear` 的权重按 `(out_features, in_features)` 存放，算的是 `X @ weight.T + bias`。
    """
    layer = after("parameters.by-index").deep[1]
    assert layer.weight.shape == (layer.out_features, layer.in_features) == (1, 16)
    inputs = torch.rand(5, 16)
    assert torch.allclose(layer(inputs), inputs @ layer.weight.T + layer.bias)
    assert "weight (1, 16)\n" in shown("parameters.by-index").output


def test_relu_has_no_bias() -> None:
    """`nn.ReLU()` takes a position in a `Sequential` and has no parameters: its `bias` is an `AttributeError`.

    `nn.ReLU()` 在 `Sequential` 里占一个位置，但没有参数：读它的 `bias` 会报 `AttributeError`。
    """
    block = after("parameters.by-index").deep[0][3]
    assert type(block[1]) is nn.ReLU
    assert list(block[1].parameters()) == []
    assert type(block[2].bias) is nn.Parameter
    error = shown("parameters.by-index").error
    assert error == "AttributeError: 'ReLU' object has no attribute 'bias'"


def test_bias_is_a_parameter_and_a_tensor() -> None:
    """The bias of a linear layer is an `nn.Parameter`: a tensor that requires a gradient and is registered in its module.

    线性层的偏置是 `nn.Parameter`：一个要求计算梯度、并且在模块里注册过的张量。
    """
    state = after("parameters.parameter-object")
    assert type(state.bias) is nn.Parameter
    assert isinstance(state.bias, torch.Tensor)
    assert state.bias.requires_grad
    assert any(param is state.bias for param in state.net[2].parameters())


def test_parameter_prints_its_full_type_name() -> None:
    """The type of a parameter prints as `<class 'torch.nn.parameter.Parameter'>`.

    参数的类型打印出来是 `<class 'torch.nn.parameter.Parameter'>`。
    """
    expected = "<class 'torch.nn.parameter.Parameter'>"
    assert repr(type(small()[2].bias)) == expected
    assert shown("parameters.parameter-object").output.splitlines()[0] == expected


def test_detach_shares_memory_with_the_parameter() -> None:
    """`detach()` gives a plain tensor that needs no gradient and lies on the memory of the parameter.

    `detach()` 得到一个不要求梯度的普通张量，它和参数共用内存。
    """
    state = after("parameters.parameter-object")
    assert type(state.value) is torch.Tensor
    assert not state.value.requires_grad
    assert state.value.data_ptr() == state.bias.data_ptr()
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
    """`grad` is `None` before the first backward pass, and a tensor of the parameter's shape after it.

    第一次反向传播之前 `grad` 是 `None`，之后才是与参数形状相同的张量。
    """
    lines = shown("parameters.named-parameters").output.splitlines()
    assert lines[-3:-1] == ["new: None", "after backward: tensor([2.])"]
    net = small()
    assert all(param.grad is None for param in net.parameters())
    net(torch.rand(2, 4)).sum().backward()
    shapes = [None if param.grad is None else param.grad.shape for param in net.parameters()]
    assert shapes == [param.shape for param in net.parameters()]


def test_zero_grad_drops_the_gradients() -> None:
    """`zero_grad()` sets gradients to `None` by default; `set_to_none=False` fills them with zeros.

    `zero_grad()` 默认把梯度设成 `None`；传 `set_to_none=False` 才是填 0。
    """
    assert shown("parameters.named-parameters").output.endswith("after zero_grad: None\n")
    net = small()
    net(torch.rand(2, 4)).sum().backward()
    net.zero_grad(set_to_none=False)
    for param in net.parameters():
        assert param.grad is not None
        assert param.grad.shape == param.shape
        assert not param.grad.any()
    net.zero_grad()
    assert all(param.grad is None for param in net.parameters())


def test_only_none_compares_to_a_plain_bool() -> None:
    """`tensor == None` is plainly `False`, while `==` between tensors compares element by element.

    `tensor == None` 得到普通的 `False`，而张量之间的 `==` 是逐元素比较。
    """
    ones = torch.ones(2)
    assert (ones == None) is False  # noqa: E711
    assert (ones == torch.tensor([1.0, 2.0])).tolist() == [True, False]


def test_write_through_detach_is_noticed() -> None:
    """A write through `detach()` reaches the parameter, and autograd notices it: a backward pass that needs the old value fails.

    通过 `detach()` 写入会改到参数本身，而且 autograd 会发现：反向传播要用旧值时就会报错。
    """
    layer = nn.Linear(2, 1)
    x = torch.ones(1, 2, requires_grad=True)
    y = layer(x)
    layer.weight.detach().fill_(100)
    assert (layer.weight == 100).all()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_numpy_wants_a_detached_tensor() -> None:
    """`numpy()` of a tensor that requires a gradient is refused, `Can't call numpy() on Tensor that requires grad`; `detach().numpy()` works.

    对要求梯度的张量调用 `numpy()` 会被拒绝：`Can't call numpy() on Tensor that requires grad`；先 `detach()` 就可以。
    """
    error = shown("parameters.parameter-object").errors[1].text
    assert error.startswith("RuntimeError: Can't call numpy() on Tensor that requires grad.")
    bias = after("parameters.parameter-object").bias
    assert bias.detach().numpy().tolist() == bias.tolist()


def test_backward_starts_from_one_number() -> None:
    """`backward()` without an argument needs a tensor of one number: `grad can be implicitly created only for scalar outputs`.

    不带实参的 `backward()` 要求张量里只有一个数，否则报 `grad can be implicitly created only for scalar outputs`。
    """
    message = "RuntimeError: grad can be implicitly created only for scalar outputs"
    assert shown("parameters.backward-errors").errors[0].text == message
    net = small()
    net(torch.rand(2, 4)).sum().backward()
    net(torch.rand(2, 4)).mean().backward()
    assert net[2].bias.grad is not None


def test_backward_needs_a_path_to_a_parameter() -> None:
    """`backward()` from a detached tensor, or with all parameters frozen, stops with `element 0 of tensors does not require grad and does not have a grad_fn`.

    从脱离了计算图的张量开始 `backward()`，或者参数全部冻结，都会报 `element 0 of tensors does not require grad and does not have a grad_fn`。
    """
    message = "element 0 of tensors does not require grad and does not have a grad_fn"
    assert shown("parameters.backward-errors").errors[1].text == f"RuntimeError: {message}"
    frozen = small().requires_grad_(False)
    with pytest.raises(RuntimeError, match=message):
        frozen(torch.rand(2, 4)).sum().backward()
    frozen[2].requires_grad_(True)
    frozen(torch.rand(2, 4)).sum().backward()


def test_a_second_backward_needs_another_forward() -> None:
    """The first `backward()` frees what it needed, so a second one stops with `Trying to backward through the graph a second time`; after another forward pass it works.

    第一次 `backward()` 会释放中间结果，再来一次就报 `Trying to backward through the graph a second time`；重新做一次前向传播就可以。
    """
    message = "RuntimeError: Trying to backward through the graph a second time"
    assert shown("parameters.backward-errors").errors[2].text.startswith(message)
    net, inputs = small(), torch.rand(2, 4)
    for _ in range(2):
        net(inputs).square().mean().backward()
    assert net[2].bias.grad is not None


def test_named_parameters_generates_pairs() -> None:
    """`named_parameters()` of a single layer and of a whole network returns a generator of pairs `(name, parameter)`.

    无论单独一层还是整个网络，`named_parameters()` 都返回生成器，逐个给出 `(名字, 参数)`。
    """
    net = after("parameters.star").net
    for module in (net, *net):
        assert inspect.isgenerator(module.named_parameters())
    name, param = next(net.named_parameters())
    assert name == "0.weight"
    assert param is net[0].weight
    assert shown("parameters.star").output.startswith("returns a generator\n")


def test_linear_layer_names_weight_and_bias() -> None:
    """A linear layer holds two parameters, `weight` and `bias`, and its state dict has the same two names.

    线性层有两个参数，`weight` 和 `bias`；它的状态字典里也是这两个名字。
    """
    state = after("parameters.star")
    assert state.layer == [("weight", (8, 4)), ("bias", (8,))]
    assert list(state.net[0].state_dict()) == ["weight", "bias"]


def test_names_begin_with_the_position() -> None:
    """A parameter's name begins with the positions or names on the path to its layer; a layer without parameters gives no name.

    参数名以通往这一层的路径（各级的位置或名字）开头；没有参数的层不产生名字。
    """
    deep = after("parameters.named-parameters").deep
    names = [name for name, _ in deep.named_parameters()]
    assert names[0] == "0.block0.0.weight"
    assert names[-2:] == ["1.weight", "1.bias"]
    assert [name for name, _ in small().named_parameters()] == [
        "0.weight",
        "0.bias",
        "2.weight",
        "2.bias",
    ]
    told = "18 names: 0.block0.0.weight ... 0.block3.2.bias 1.weight 1.bias\n"
    assert shown("parameters.named-parameters").output.startswith(told)


def test_named_parameters_gives_the_parameters_themselves() -> None:
    """`named_parameters()` gives the parameters themselves, not their values: writing to one changes the model.

    `named_parameters()` 给出的是参数本身，不是数值：往里面写，模型就跟着变。
    """
    deep = after("parameters.named-parameters").deep
    found = dict(deep.named_parameters())
    assert found["1.bias"] is deep[1].bias
    nn.init.constant_(found["1.bias"], 3)
    assert deep[1].bias.item() == 3


def test_star_unpacks_any_iterable() -> None:
    """`*` passes the items of any iterable, be it list, tuple or generator, as separate arguments.

    `*` 把任何可迭代对象（列表、元组、生成器）的元素拆成一个个实参。
    """

    def count(*arguments: object) -> int:
        return len(arguments)

    names = ["weight", "bias", "scale"]
    for items in (names, tuple(names), (name for name in names)):
        assert count(*items) == 3
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
    """A module inserted in front of a `Sequential` moves the index and the keys of every module behind it, so a state dict from before no longer fits.

    在 `Sequential` 前面插进一个模块，后面每个模块的下标和键都会变，以前的状态字典也就对不上了。
    """
    net = after("parameters.slices").net
    last, before = net[2], net.state_dict()
    net.insert(0, nn.Flatten())
    with pytest.raises(RuntimeError, match="Missing key"):
        net.load_state_dict(before)
    assert net[3] is last
    assert list(net.state_dict()) == ["1.weight", "1.bias", "3.weight", "3.bias"]
    told = "longer: 1.weight 1.bias 3.weight 3.bias\n"
    assert shown("parameters.slices").output.endswith(told)


def test_name_leads_to_its_value() -> None:
    """The state dict and `get_parameter` both lead from a name such as `2.bias` to the value of that parameter.

    由 `2.bias` 这样的名字，状态字典和 `get_parameter` 都能找到这个参数的值。
    """
    net = after("parameters.by-name").net
    for name, param in net.named_parameters():
        assert torch.equal(net.state_dict()[name], param)
        assert torch.equal(net.get_parameter(name), param)
    assert torch.equal(net.state_dict()["2.bias"], net[2].bias)


def test_parameter_edits_show_in_the_state_dict() -> None:
    """A state dict taken earlier shows what is later written to a parameter; only a `clone()` keeps the old value.

    先取出的状态字典会跟着参数后来的修改而变；只有 `clone()` 留得住当时的值。
    """
    state = after("parameters.by-name")
    assert state.entry.item() == 5
    assert state.snapshot.item() != 5
    assert shown("parameters.by-name").output.startswith("entry: 5.0\nsnapshot is 5: False\n")
    nn.init.constant_(state.net[2].bias, 6)
    assert state.entry.item() == 6


def test_state_dict_tensors_are_detached_and_shared() -> None:
    """The tensors of a state dict are plain and need no gradient, so `.data` adds nothing, and share memory with the parameters.

    状态字典里是不要求梯度的普通张量（再写 `.data` 是多余的），并且与参数共用内存。
    """
    net = after("parameters.by-name").net
    for name, entry in net.state_dict().items():
        assert type(entry) is torch.Tensor
        assert not entry.requires_grad
        pointers = {entry.data_ptr(), entry.data.data_ptr(), net.get_parameter(name).data_ptr()}
        assert len(pointers) == 1


def test_get_parameter_returns_the_parameter_itself() -> None:
    """`get_parameter` returns the parameter of that name itself, with its gradient.

    `get_parameter` 按名字给出参数本身，连同它的梯度。
    """
    state = after("parameters.named-parameters")
    state.deep(state.X).sum().backward()
    found = state.deep.get_parameter("1.bias")
    assert found is state.deep[1].bias
    assert found.grad.item() == 2  # two rows
    assert "the object itself: True\n" in shown("parameters.named-parameters").output


def test_state_dict_has_no_positions() -> None:
    """A state dict cannot be indexed by position: `state_dict()[0]` raises `KeyError: 0`.

    状态字典不能按位置取：`state_dict()[0]` 会报 `KeyError: 0`。
    """
    assert shown("parameters.by-name").error == "KeyError: 0"
    state: Any = small().state_dict()
    with pytest.raises(KeyError) as caught:
        state[0]
    assert caught.value.args == (0,)


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
    """A `Sequential` may hold others: four blocks of two linear layers and one more layer give 18 parameters in one network.

    `Sequential` 里可以再放 `Sequential`：四个两层的块加一个线性层，合成一个有 18 个参数的网络。
    """
    state = after("parameters.equal-outputs")
    assert state.deep(state.X).shape == (2, 1)
    assert [type(block) for block in state.deep[0]] == [nn.Sequential] * 4
    assert len(list(state.deep.parameters())) == 18
    assert sum(isinstance(module, nn.Linear) for module in state.deep.modules()) == 9


def test_printed_network_shows_its_tree() -> None:
    """A printed network shows every block by name and every layer in it, indented as they are nested.

    打印网络会列出每个块的名字和块里的每一层，并按嵌套关系缩进。
    """
    deep = after("parameters.by-index").deep
    output = repr(deep)
    assert output.startswith("Sequential(\n  (0): Sequential(\n    (block0): Sequential(")
    assert output.count("Linear(") == 9
    assert output.count("ReLU()") == 8
    assert all(f"\n    (block{i}): Sequential(\n      (0): " in output for i in range(4))
    assert shown("parameters.by-index").output.startswith(f"{deep[0][3]!r}\n")


def test_walking_the_tree_is_built_in() -> None:
    """`parameters()`, `named_parameters()`, `state_dict()` and `apply()` reach every level of a nested network by themselves.

    `parameters()`、`named_parameters()`、`state_dict()`、`apply()` 自己就会走遍嵌套网络的每一层。
    """
    net = after("parameters.named-parameters").deep
    names = [name for name, _ in net.named_parameters()]
    assert len(list(net.parameters())) == len(names) == 18
    assert "0.block3.2.bias" in names
    assert list(net.state_dict()) == names
    visited: list[nn.Module] = []
    net.apply(visited.append)
    assert visited.count(net[0][3][2]) == 1


def test_recurse_false_skips_the_children() -> None:
    """With `recurse=False` a module gives only the parameters that it registered itself, and a `Sequential` has none.

    加上 `recurse=False`，只给出模块自己注册的参数，而 `Sequential` 自己一个也没有。
    """
    net = after("parameters.star").net
    assert list(net.parameters(recurse=False)) == []
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
    """A module name may hold a space; it enters the keys, and as an attribute only `getattr` reaches the module.

    模块名里可以有空格；空格会进到键里，要当属性取模块，只能用 `getattr`。
    """
    odd = after("parameters.names-of-blocks").odd
    assert list(odd.state_dict()) == ["block 1.weight", "block 1.bias"]
    assert getattr(odd, "block 1") is odd[0]
    with pytest.raises(SyntaxError):
        compile("odd.block 1", "key", "eval")
    odd.add_module("block4", nn.ReLU())
    assert odd.block4 is odd[1]
    assert "by name: True\n" in shown("parameters.names-of-blocks").output


def test_dot_in_a_name_is_refused() -> None:
    """`add_module` refuses a name with a dot, `module name can't contain "."`, and adds nothing.

    名字里带点号，`add_module` 会拒绝：`module name can't contain "."`，什么也不添加。
    """
    error = shown("parameters.names-of-blocks").error
    assert error is not None
    assert error.startswith("KeyError: ")
    assert 'contain "."' in error
    assert len(after("parameters.names-of-blocks").odd) == 1


def test_each_default_block_removes_most_differences() -> None:
    """A block of two linear layers, 16 to 32 to 16, with default weights and a ReLU after each removes more than four fifths of the difference between inputs.

    两个线性层（16 到 32 再到 16）各接 ReLU，权重取默认值，一块就抹掉各个输入之间五分之四以上的差异。
    """
    lines = shown("parameters.washed-out").output.splitlines()
    spreads = [float(line.split()[-1]) for line in lines]
    assert len(spreads) == 5
    assert all(late < early / 5 for early, late in itertools.pairwise(spreads))
    block = after("parameters.washed-out").block
    kept = []
    for seed in range(40):
        torch.manual_seed(seed)
        inputs = torch.rand(64, 16)
        kept.append(block()(inputs).std(dim=0).mean().item() / inputs.std(dim=0).mean().item())
    assert max(kept) < 1 / 5


def test_default_depth_makes_outputs_alike() -> None:
    """With default weights, nine linear layers of width 16 and 32 with ReLU between them answer almost the same to every input, zeros included: what is left comes from the biases.

    九个宽 16 和 32 的线性层中间隔着 ReLU，权重取默认值，无论输入什么，哪怕全是 0，输出都差不多：剩下的数值来自偏置。
    """
    state = after("parameters.washed-out")
    first, second = state.deep(state.X)
    assert not torch.allclose(state.X[0], state.X[1], atol=0.1)
    assert (first - second).abs() < 1e-4
    assert shown("parameters.equal-outputs").output == (
        "rows equal: False\noutput: 0.0639\noutput: 0.0639\n"
    )
    for seed in range(6):
        torch.manual_seed(seed)
        blocks = [state.block() for _ in range(4)]
        net = nn.Sequential(*blocks, nn.Linear(16, 1))
        output = net(torch.rand(64, 16))
        assert output.std() < 0.001
        assert (output - net(torch.zeros(16))).abs().max() < 0.02


def test_relus_can_make_outputs_exactly_equal() -> None:
    """Where ReLUs cut off all that distinguishes two inputs, a network gives exactly the same output for both.

    ReLU 把两个输入的差别全部截掉时，网络给出的两个输出完全相等。
    """

    def narrow() -> list[nn.Module]:
        return [nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU()]

    inputs = torch.rand(2, 4)
    equal = 0
    for seed in range(12):
        torch.manual_seed(seed)
        layers = [layer for _ in range(4) for layer in narrow()]
        first, second = nn.Sequential(*layers, nn.Linear(4, 1))(inputs)
        equal += torch.equal(first, second)
    assert 0 < equal < 12


# Initialisation


def test_linear_default_range_depends_on_inputs_only() -> None:
    """`nn.Linear` draws weight and bias uniformly from `±1/sqrt(in_features)`; the number of outputs plays no part.

    `nn.Linear` 的权重和偏置在 `±1/sqrt(in_features)` 之间均匀抽取，与输出个数无关。
    """
    lines = shown("parameters.defaults").output.splitlines()
    linear = [line for line in lines if line.startswith("Linear")]
    assert len(linear) == 4
    assert all(line.endswith(" 1.00") for line in linear)
    torch.manual_seed(0)
    layer = nn.Linear(64, 2000)
    for tensor in (layer.weight, layer.bias):
        assert tensor.abs().max() <= 1 / 8 < tensor.abs().max() * 1.01
    assert math.isclose(layer.weight.var().item(), 1 / (3 * 64), rel_tol=0.02)


def test_convolution_default_range_depends_on_fan_in() -> None:
    """`nn.Conv2d` draws its weight from `±1/sqrt(fan_in)`, where the fan-in is input channels times kernel area.

    `nn.Conv2d` 的权重取自 `±1/sqrt(fan_in)`，fan-in 是输入通道数乘卷积核面积。
    """
    torch.manual_seed(0)
    for channels, outputs, size in [(3, 64, 5), (3, 256, 5), (16, 64, 3)]:
        weight = nn.Conv2d(channels, outputs, size).weight
        bound = 1 / math.sqrt(channels * size * size)
        assert weight.abs().max() <= bound * 1.000001
        assert weight.abs().max() > bound * 0.99


def test_layer_classes_have_their_own_reset_parameters() -> None:
    """Each class of layer has its own rule in its `reset_parameters`, and calling it draws the values anew.

    每个层的类都把自己的规则写在 `reset_parameters` 里，调用它就重新取一遍值。
    """
    kinds = (nn.Linear, nn.Conv2d, nn.Embedding, nn.LayerNorm, nn.BatchNorm1d, nn.PReLU)
    assert len({kind.reset_parameters for kind in kinds}) >= 5
    layer, norm = nn.Linear(4, 8), nn.LayerNorm(3)
    before = layer.weight.clone()
    nn.init.zeros_(norm.weight)
    layer.reset_parameters()
    norm.reset_parameters()
    assert not torch.equal(layer.weight, before)
    assert layer.weight.abs().max() <= 1 / 2
    assert norm.weight.tolist() == [1, 1, 1]


def test_other_layers_start_from_other_values() -> None:
    """An embedding starts standard normal, `LayerNorm` and `BatchNorm1d` with ones and zeros, `PReLU` with 0.25.

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
    assert "Embedding: std = 1.00" in shown("parameters.defaults").output


def test_default_linear_keeps_a_third_of_mean_square() -> None:
    """The default weights of a linear layer pass on about a third of the mean square of their input, and ReLU removes more.

    线性层的默认权重只把输入均方值的大约三分之一传下去，ReLU 还要再削掉一部分。
    """
    torch.manual_seed(0)
    inputs = torch.randn(200, 400)
    output = F.linear(inputs, nn.Linear(400, 400).weight)
    share = (output.square().mean() / inputs.square().mean()).item()
    assert math.isclose(share, 1 / 3, rel_tol=0.05)
    assert F.relu(output).square().mean() < 0.6 * output.square().mean()


def test_kaiming_keeps_outputs_apart() -> None:
    """Eight wide layers with default weights and ReLU bring all outputs together; with `kaiming_normal_` they stay apart.

    八个很宽的层配 ReLU，默认权重会让所有输出趋于一致；改用 `kaiming_normal_`，差异就能保住。
    """

    def kaiming(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            nn.init.kaiming_normal_(m.weight)
            nn.init.zeros_(m.bias)

    torch.manual_seed(0)
    layers = [module for _ in range(8) for module in (nn.Linear(128, 128), nn.ReLU())]
    net = nn.Sequential(*layers, nn.Linear(128, 1))
    inputs = torch.rand(64, 128)
    assert net(inputs).std() < 1e-3
    net.apply(kaiming)
    assert net(inputs).std() > 0.05
    _, told = shown("parameters.init-normal").output.splitlines()
    first, second = (float(number) for number in told.split()[1:])
    assert abs(first - second) > 0.05


def test_initialisers_overwrite_in_place_without_gradient() -> None:
    """Functions of `nn.init` whose names end in `_` overwrite the tensor itself and record nothing for autograd.

    `nn.init` 里名字以 `_` 结尾的函数原地改写张量本身，而且不让 autograd 记录。
    """
    for name in ("normal_", "uniform_", "zeros_", "xavier_uniform_", "kaiming_normal_"):
        weight = nn.Linear(2, 2).weight
        before = weight.detach().clone()
        assert getattr(nn.init, name)(weight) is weight
        assert not torch.equal(weight, before)
        assert weight.is_leaf
        assert weight.requires_grad
    assert nn.init.constant_(weight, 1) is weight
    assert nn.init.orthogonal_(weight) is weight


def test_apply_initialises_nested_layers() -> None:
    """`apply` calls a function on every module, so one small function sets all linear layers, however deeply nested.

    `apply` 对每一个模块调用同一个函数，所以一个小函数就能设好所有线性层，嵌套多深都一样。
    """
    init_normal = after("parameters.init-normal").init_normal
    torch.manual_seed(0)
    outer, inner = nn.Linear(300, 300), nn.Linear(300, 5)
    nn.Sequential(outer, nn.Sequential(nn.ReLU(), nn.Sequential(inner))).apply(init_normal)
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
    first = nn.init.normal_(torch.full((400, 400), 7.0), 0, 0.01)
    torch.manual_seed(0)
    assert torch.equal(first, nn.init.normal_(torch.zeros(400, 400), 0, 0.01))
    assert abs(first.std().item() - 0.01) < 2e-4
    assert abs(first.mean().item()) < 2e-4


def test_subclasses_fail_the_exact_type_test() -> None:
    """`type(m) is nn.Linear` is false for the projection inside `MultiheadAttention` and for `LazyLinear`; `isinstance` is true for both.

    对 `MultiheadAttention` 里的投影层和 `LazyLinear`，`type(m) is nn.Linear` 不成立，`isinstance` 成立。
    """
    lines = shown("parameters.apply-order").output.splitlines()[1:-1]
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
    state = after("parameters.apply-order")
    visited: list[nn.Module] = []
    assert state.deep.apply(visited.append) is state.deep
    assert visited[-1] is state.deep
    assert len(visited) == len(set(visited)) == 23
    for parent in visited:
        assert all(visited.index(m) < visited.index(parent) for m in parent.children())
    assert shown("parameters.apply-order").output.endswith("returns itself: True\n")


def test_constant_fills_the_whole_tensor() -> None:
    """`nn.init.constant_` sets every element of a tensor to the same number.

    `nn.init.constant_` 把张量的每个元素都设成同一个数。
    """
    net = small().apply(after("parameters.symmetry").init_constant)
    for layer in (net[0], net[2]):
        assert (layer.weight == 1).all()
        assert not layer.bias.any()
    assert "net[2]: [[42.0, 42.0" in shown("parameters.init-per-layer").output


def test_type_test_leaves_subclasses_uninitialised() -> None:
    """An initialiser that tests `type(m) == nn.Linear` leaves layers of a subclass as they were, without an error; `isinstance` reaches them.

    用 `type(m) == nn.Linear` 判断，子类的层会原封不动，也不报错；用 `isinstance` 就能管到。
    """

    def by_type(m: nn.Module) -> None:
        if type(m) == nn.Linear:  # noqa: E721
            nn.init.constant_(m.weight, 1)

    init_constant = after("parameters.symmetry").init_constant
    attention = nn.MultiheadAttention(8, 2)
    before = attention.out_proj.weight.clone()
    attention.apply(by_type)
    assert torch.equal(attention.out_proj.weight, before)
    attention.apply(init_constant)
    assert (attention.out_proj.weight == 1).all()


def test_lazy_layer_initialises_after_its_first_call() -> None:
    """A lazy layer refuses an initialiser with `Attempted to use an uninitialized parameter` until its first call gives it a shape.

    延后初始化的层在第一次调用、有了形状之前不能作初始化，会报 `Attempted to use an uninitialized parameter`。
    """
    init_normal = after("parameters.init-normal").init_normal
    lazy = nn.LazyLinear(3)
    with pytest.raises(ValueError, match="Attempted to use an uninitialized parameter"):
        lazy.apply(init_normal)
    lazy(torch.ones(1, 2))
    lazy.apply(init_normal)
    assert lazy.weight.shape == (3, 2)
    assert lazy.weight.abs().max() < 0.06


def test_equal_units_stay_equal_in_training() -> None:
    """Hidden units that start with equal weights receive equal gradients and stay equal however long they are trained.

    起点权重相同的隐藏单元得到相同的梯度，训练多久都分不开。
    """
    assert shown("parameters.symmetry").output.startswith("units: 1,")
    state = after("parameters.symmetry")
    net = copy.deepcopy(state.net)
    state.train(net, steps=20)
    weight, grad = net[0].weight.detach(), net[0].weight.grad
    assert (weight - weight[0]).abs().max() == 0
    assert (grad - grad[0]).abs().max() == 0
    assert weight[0].std() > 0  # they did move


def test_random_weights_break_the_symmetry() -> None:
    """Units that start from random weights become different ones, and on the same data the network reaches a lower loss.

    从随机权重开始，各个单元互不相同；同样的数据，网络的损失更低。
    """
    lines = shown("parameters.symmetry").output.splitlines()
    assert lines[1].startswith("units: 8,")
    constant, default = (float(line.split()[-1]) for line in lines)
    assert default < constant / 2


def test_weights_of_one_multiply_by_the_width() -> None:
    """With all weights 1 and no bias, each layer after the first multiplies the differences between inputs by its width.

    权重全为 1、偏置为 0 时，从第二层起，每层把各个输入之间的差异放大到宽度倍。
    """
    state = after("parameters.spread-by-depth")
    for curve, width in [
        (state.curves["constant 1"], 64),
        (state.spreads(state.init_constant, depth=5, width=16), 16),
    ]:
        for early, late in itertools.pairwise(curve):
            assert math.isclose(late / early, width, rel_tol=1e-6)


def test_fixed_small_sigma_loses_more_than_defaults() -> None:
    """In layers of width 64 with ReLU, default weights keep about 40% of the differences per layer, and those with standard deviation 0.01 about 5%.

    宽度 64、带 ReLU 的层，默认权重每层留下约 40% 的差异，标准差 0.01 的权重只留下约 5%。
    """
    curves = after("parameters.spread-by-depth").curves

    def factor(name: str) -> float:
        return float((curves[name][-1] / curves[name][0]) ** (1 / 19))

    assert 0.35 < factor("default") < 0.45
    assert 0.045 < factor("normal 0.01") < 0.06


def test_kaiming_scale_follows_from_the_fan_in() -> None:
    """`kaiming_normal_` draws with standard deviation `sqrt(2 / fan_in)`, by default.

    `kaiming_normal_` 默认按标准差 `sqrt(2 / fan_in)` 抽样。
    """
    torch.manual_seed(1)
    for inputs, outputs in [(200, 500), (500, 200)]:
        weight = nn.init.kaiming_normal_(torch.empty(outputs, inputs))
        assert math.isclose(weight.std().item(), math.sqrt(2 / inputs), rel_tol=0.02)


def test_kaiming_carries_through_twenty_layers() -> None:
    """With `kaiming_normal_`, more than a quarter of the first layer's differences is left after twenty layers of width 64 with ReLU.

    用 `kaiming_normal_`，宽度 64、带 ReLU 的网络过了二十层，还剩第一层差异的四分之一以上。
    """
    curve = after("parameters.spread-by-depth").curves["kaiming"]
    assert len(curve) == 20
    assert curve[-1] > curve[0] / 4
    assert all(0.25 < value < 1 for value in curve)


def test_constant_biases_do_no_harm() -> None:
    """Biases that all start at zero keep no units equal: random weights already tell them apart.

    偏置全从 0 开始，单元也不会相同：随机的权重已经把它们区分开。
    """
    state = after("parameters.symmetry")
    net = copy.deepcopy(state.net).apply(state.init_normal)
    assert not net[0].bias.any()
    state.train(net, steps=5)
    assert len(net[0].weight.unique(dim=0)) == 8


def test_each_part_takes_its_own_initialiser() -> None:
    """`apply` on a part of a model initialises that part and leaves the others alone.

    对模型的一部分调用 `apply`，只初始化这一部分，别的部分不动。
    """
    net = after("parameters.init-per-layer").net
    assert (net[2].weight == 42).all()
    assert not (net[0].weight == 42).any()
    assert 0 < net[0].weight.abs().max() < 1
    assert net[0].weight.unique().numel() == 32


def test_initialising_weights_leaves_the_bias() -> None:
    """An initialiser that sets only the weights leaves the biases as they were.

    只设权重的初始化函数，偏置保持原值。
    """
    net = after("parameters.init-per-layer").net
    assert net[2].bias.item() == 5
    before = after("parameters.spread-by-depth").net[0].bias
    assert before.any()
    assert torch.equal(net[0].bias, before)
    assert "bias: 5.0" in shown("parameters.init-per-layer").output


def test_xavier_range_uses_both_widths() -> None:
    """`xavier_uniform_` draws from `±sqrt(6 / (fan_in + fan_out))`, so it depends on inputs and outputs alike.

    `xavier_uniform_` 取自 `±sqrt(6 / (fan_in + fan_out))`，输入、输出两个维度都算在内。
    """
    net = after("parameters.init-per-layer").net
    assert net[0].weight.abs().max() <= math.sqrt(6 / (4 + 8))
    torch.manual_seed(0)
    for inputs, outputs in [(100, 50), (100, 500), (500, 100)]:
        largest = nn.init.xavier_uniform_(torch.empty(outputs, inputs)).abs().max().item()
        bound = math.sqrt(6 / (inputs + outputs))
        assert 0.99 * bound < largest <= bound * 1.000001


def test_bias_false_leaves_none_behind() -> None:
    """With `bias=False` the attribute `bias` is `None`, and `zeros_` on it stops with `'NoneType' object has no attribute 'zero_'`.

    `bias=False` 时 `bias` 属性是 `None`，对它用 `zeros_` 会报 `'NoneType' object has no attribute 'zero_'`。
    """
    state = after("parameters.init-errors")
    assert state.unbiased.bias is None
    message = "AttributeError: 'NoneType' object has no attribute 'zero_'"
    assert shown("parameters.init-errors").errors[0].text == message
    for initialise in (state.init_normal, state.init_constant):
        assert state.unbiased.apply(initialise).bias is None


def test_xavier_and_kaiming_refuse_a_bias() -> None:
    """Xavier and Kaiming refuse a bias: `Fan in and fan out can not be computed for tensor with fewer than 2 dimensions`.

    Xavier 和 Kaiming 不接受偏置：`Fan in and fan out can not be computed for tensor with fewer than 2 dimensions`。
    """
    message = "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
    assert shown("parameters.init-errors").errors[1].text == f"ValueError: {message}"
    for initialise in (nn.init.xavier_normal_, nn.init.kaiming_normal_, nn.init.kaiming_uniform_):
        with pytest.raises(ValueError, match=message):
            initialise(torch.empty(4))


def test_cutting_the_middle_gives_three_parts() -> None:
    """Draws from `U(-10, 10)` with those below 5 in absolute value set to 0 give half zeros and a quarter on each outer interval.

    从 `U(-10, 10)` 抽样，把绝对值小于 5 的置 0，就有一半是 0，外侧两段各占四分之一。
    """
    w = after("parameters.law-histogram").w
    assert len(w) == 100_000

    def share(part: torch.Tensor) -> float:
        return part.float().mean().item()

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
    layer = nn.Linear(50, 50)
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
    product = torch.tensor([-3.0]) * torch.tensor([False])
    assert product.item() == 0
    assert torch.signbit(product).all()
    assert str(product) == "tensor([-0.])"
    times = shown("parameters.negative-zero").output.splitlines()[1]
    assert "-0.0000" in times


def test_where_and_masked_fill_give_clean_zeros() -> None:
    """`torch.where` and `masked_fill` put in a zero without a sign.

    `torch.where` 和 `masked_fill` 填进去的 0 不带负号。
    """
    *_, where, filled = shown("parameters.negative-zero").output.splitlines()
    assert "-0.0000" not in where + filled
    drawn = after("parameters.negative-zero").drawn
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
    with torch.no_grad():
        layer.weight += 1
    assert layer.weight is weight
    assert isinstance(weight, nn.Parameter)
    assert weight.requires_grad
    assert (weight == 2).all()


def test_recorded_edit_of_a_parameter_is_refused() -> None:
    """Without `no_grad()` an in-place edit is refused, `a leaf Variable that requires grad is being used in an in-place operation`, and changes nothing.

    不在 `no_grad()` 里原地修改参数会被拒绝，报 `a leaf Variable that requires grad is being used in an in-place operation`，值不变。
    """
    error = shown("parameters.edit-in-place").errors[0].text
    message = "a leaf Variable that requires grad is being used in an in-place operation."
    assert error == f"RuntimeError: {message}"
    layer = nn.Linear(2, 1)
    before = layer.weight.detach().clone()
    assert layer.weight.is_leaf
    assert not layer.weight.T.is_leaf
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        layer.weight += 1
    assert torch.equal(layer.weight, before)


def test_no_grad_write_raises_the_version() -> None:
    """A write under `no_grad()` raises the version number that autograd keeps of a tensor; a write through `.data` does not.

    autograd 给张量记着版本号：在 `no_grad()` 里写入，版本号增加；通过 `.data` 写入，版本号不变。
    """
    weight = nn.Linear(2, 2).weight
    version = weight._version
    weight.data.fill_(100)
    assert weight._version == version
    with torch.no_grad():
        weight.fill_(100)
    assert weight._version == version + 1


def test_backward_notices_a_write_under_no_grad() -> None:
    """If a weight is overwritten under `no_grad()` after the forward pass, `backward()` stops: `modified by an inplace operation`.

    前向传播之后在 `no_grad()` 里改写权重，`backward()` 会停下来，报 `modified by an inplace operation`。
    """
    _, late = shown("parameters.edit-in-place").errors
    assert late.text.startswith(
        "RuntimeError: one of the variables needed for gradient computation "
        "has been modified by an inplace operation"
    )


def test_data_write_makes_a_wrong_gradient() -> None:
    """If a weight is overwritten through `.data` after the forward pass, the gradient comes out wrong without any message.

    前向传播之后通过 `.data` 改写权重，算出来的梯度是错的，没有任何提示。
    """
    output = shown("parameters.edit-in-place").output
    assert output == "through .data: [[100.0, 100.0]]\n"
    layer = nn.Linear(2, 2)
    x = torch.ones(1, 2, requires_grad=True)
    y = layer(x).sum()
    layer.weight.data[:] = 100.0
    y.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[200, 200]]


# Tying


def test_one_module_stands_at_two_positions() -> None:
    """A module put at two positions is one object there: nothing is copied, and a change at one position shows at the other.

    放在两个位置上的模块是同一个对象：没有复制，改了一处，另一处跟着变。
    """
    net = after("parameters.shared").net
    assert net[2] is net[4]
    assert net[2].weight is net[4].weight
    nn.init.constant_(net[2].weight, 7)
    assert (net[4].weight == 7).all()
    assert shown("parameters.shared").output.startswith(
        "seen in net[4]: 100.0\nnet[2] is net[4]: True\n"
    )


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
    """Equal values do not prove that two layers share a weight: a deep copy is equal too, and another object.

    值相等证明不了两层共享权重：深拷贝的值也相等，却是另一个对象。
    """
    state = after("parameters.tie-or-copy")
    assert torch.equal(state.twin.weight, state.shared.weight)
    assert (state.twin.weight[0] == state.shared.weight[0]).all()
    assert state.twin.weight is not state.shared.weight
    assert state.net[2].weight is state.net[4].weight


def test_meta_device_keeps_only_shapes() -> None:
    """A tensor on the `meta` device has a shape and a dtype but no numbers: reading them stops with `Cannot copy out of meta tensor; no data!`.

    `meta` 设备上的张量有形状和数据类型，没有数值，读取时报 `Cannot copy out of meta tensor; no data!`。
    """
    weight = nn.Linear(4, 8).to("meta").weight
    assert weight.is_meta
    assert weight.shape == (8, 4)
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
        weight.tolist()
    error = shown("parameters.tie-or-copy").errors[1].text
    assert error == "NotImplementedError: Cannot copy out of meta tensor; no data!"


def test_deep_copied_layer_is_independent() -> None:
    """A deep copy of a layer has equal values, and a later change of one does not reach the other.

    层的深拷贝值相等，此后改其中一个，另一个不受影响。
    """
    state = after("parameters.tie-or-copy")
    assert torch.equal(state.twin.bias, state.shared.bias)
    nn.init.zeros_(state.twin.weight)
    assert state.shared.weight.any()


def test_borrowed_weight_leaves_the_bias_separate() -> None:
    """Assigning one layer's weight to another ties that weight only; each layer keeps its own bias.

    把一层的权重赋给另一层，绑定的只有这个权重，偏置仍然各有一份。
    """
    state = after("parameters.tie-or-copy")
    assert state.borrower.weight is state.shared.weight
    assert state.borrower.bias is not state.shared.bias
    nn.init.constant_(state.shared.weight, 2)
    assert (state.borrower.weight == 2).all()


def test_moving_to_meta_unties_a_borrowed_weight() -> None:
    """Moving a network to the `meta` device unties a weight that two of its modules hold.

    把网络移到 `meta` 设备，两个模块共有的权重就不再绑定。
    """
    pair = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    pair[1].weight = pair[0].weight
    assert len(list(pair.parameters())) == 3
    pair.to("meta")
    assert pair[0].weight is not pair[1].weight
    assert len(list(pair.parameters())) == 4
    assert "still tied: False\n" in shown("parameters.tie-or-copy").output


def test_changing_dtype_keeps_a_borrowed_weight() -> None:
    """Changing the dtype of a network keeps a weight tied that two of its modules hold.

    改变网络的数据类型，两个模块共有的权重仍然绑定。
    """
    state = after("parameters.tie-or-copy")
    pair = copy.deepcopy(nn.Sequential(state.shared, state.borrower))
    assert pair[0].weight is pair[1].weight
    pair.double()
    assert pair[0].weight is pair[1].weight
    assert pair[0].weight.dtype == torch.float64


def test_shared_module_stays_one_when_moved() -> None:
    """One module at two positions is still one module after a move, to the `meta` device too, and after a change of dtype.

    放在两个位置的同一个模块，移到别的设备（包括 `meta`）或换了数据类型，都还是一个模块。
    """
    assert shown("parameters.tie-or-copy").output.endswith("still one: True\n")
    net = copy.deepcopy(after("parameters.tie-or-copy").net)
    for change in (net.double, net.half, lambda: net.to("meta")):
        change()
        assert net[2] is net[4]
        assert len(list(net.parameters())) == 6


def test_parameters_counts_a_shared_one_once() -> None:
    """`parameters()` yields a parameter that stands at two positions only once.

    同一个参数出现在两个位置，`parameters()` 也只给出一次。
    """
    net = after("parameters.tie-count").net
    assert len(list(net.parameters())) == 6
    assert sum(param is net[2].weight for param in net.parameters()) == 1
    assert sum(param.numel() for param in net.parameters()) == 121
    assert sum(p.numel() for m in net for p in m.parameters()) == 193
    assert "parameters: 6\n" in shown("parameters.shared").output
    assert shown("parameters.tie-count").output.startswith("modules: 7\nnumbers: 121\n")


def test_optimiser_gets_a_shared_parameter_once() -> None:
    """An optimiser that is given `parameters()` holds a shared weight once and moves it by one step.

    把 `parameters()` 交给优化器，共享的权重只出现一次，每一步也只更新一次。
    """
    net = after("parameters.tie-count").net
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    held = optimizer.param_groups[0]["params"]
    assert sum(param is net[2].weight for param in held) == 1
    net(torch.rand(3, 4)).sum().backward()
    before, grad = net[2].weight.detach().clone(), net[2].weight.grad
    optimizer.step()
    assert torch.allclose(net[2].weight, before - 0.1 * grad)


def test_state_dict_lists_every_path() -> None:
    """`state_dict()` has a key for every path to a shared parameter, and the entries lie on the same memory.

    `state_dict()` 为通向共享参数的每条路径各列一个键，这些键下的张量共用内存。
    """
    net = after("parameters.tie-count").net
    state = net.state_dict()
    assert len(state) == 8
    assert {"2.weight", "2.bias", "4.weight", "4.bias"} <= set(state)
    assert state["2.weight"].data_ptr() == state["4.weight"].data_ptr()


def test_named_modules_skips_the_second_position() -> None:
    """`named_modules()` names a module that stands at two positions only once, unless `remove_duplicate=False`.

    放在两个位置的模块，`named_modules()` 只列一次；加上 `remove_duplicate=False` 才列两次。
    """
    net = after("parameters.tie-count").net
    assert "4" not in dict(net.named_modules())
    assert dict(net.named_modules(remove_duplicate=False))["4"] is net[2]
    assert "named:  0 1 2 3 5 6\n" in shown("parameters.tie-count").output


def test_tied_network_saves_each_storage_once() -> None:
    """A saved state dict holds the storage of a shared parameter once, and the loaded tensors share it again.

    保存状态字典时，共享参数的存储只写一次；读回来的张量仍然共用它。
    """
    net = after("parameters.tie-count").net
    untied = copy.deepcopy(net)
    untied[4] = copy.deepcopy(untied[2])
    storages = [
        sum("/data/" in name for name in zipfile.ZipFile(saved(model.state_dict())).namelist())
        for model in (net, untied)
    ]
    assert storages == [6, 8]
    assert "one storage again: True" in shown("parameters.tie-count").output


def test_copying_a_network_keeps_its_ties() -> None:
    """A deep copy of a network with a shared layer is tied in the same way, and to nothing of the original.

    对有共享层的网络做深拷贝，副本里的绑定关系不变，和原网络则毫不相干。
    """
    net = after("parameters.tie-count").net
    copied = copy.deepcopy(net)
    assert copied[2] is copied[4]
    assert copied[2] is not net[2]


def test_shared_gradient_is_the_sum_over_uses() -> None:
    """The gradient of a shared parameter is the sum of the gradients that its separate copies would get.

    共享参数的梯度，等于解开绑定后各处得到的梯度之和。
    """
    state = after("parameters.tie-gradient")
    assert torch.allclose(state.net[2].weight.grad, state.first + state.second)
    assert state.first.any()
    assert state.second.any()
    assert not torch.allclose(state.first, state.second)
    assert "sum of both: True" in shown("parameters.tie-gradient").output


def test_backward_visits_positions_in_reverse() -> None:
    """The backward pass through a `Sequential` goes from the last position to the first, so it meets position 4 before position 2.

    `Sequential` 的反向传播从最后一个位置走到第一个，所以先经过位置 4，再经过位置 2。
    """
    assert after("parameters.one-write").order == [6, 5, 4, 3, 2, 1, 0]


def test_shared_gradient_is_written_once() -> None:
    """A shared layer runs twice in the forward pass, but its `.grad` is written once: autograd adds the contributions first.

    共享层在前向传播里运行两次，`.grad` 却只写一次：autograd 先把两份贡献加好。
    """
    assert "writes to .grad: 1\n" in shown("parameters.one-write").output
    state = after("parameters.one-write")
    state.net.zero_grad()
    calls: list[str] = []
    state.shared.register_forward_hook(lambda *_: calls.append("forward"))
    state.shared.weight.register_hook(lambda _: calls.append("gradient"))
    state.net(state.X).sum().backward()
    assert calls == ["forward", "forward", "gradient"]


def test_gradients_accumulate_across_backward_calls() -> None:
    """Each `backward()` adds to `.grad`, until `zero_grad()` is called.

    每次 `backward()` 都把梯度加到 `.grad` 上，直到调用 `zero_grad()`。
    """
    assert "then doubled: True\n" in shown("parameters.one-write").output
    state = after("parameters.one-write")
    assert state.once.any()
    assert torch.allclose(state.shared.weight.grad, 2 * state.once)
    state.net.zero_grad()
    state.net(state.X).sum().backward()
    assert torch.allclose(state.shared.weight.grad, state.once)


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
    told = shown("parameters.gradient-report").output.splitlines()
    assert told[-3:-1] == ["3.weight none", "3.bias none"]


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


def test_frozen_parameter_still_takes_an_old_gradient() -> None:
    """An optimiser applies a gradient left over from before `requires_grad_(False)`, unless `grad` is set to `None`.

    `requires_grad_(False)` 之前留下的梯度，优化器照样会用，除非把 `grad` 设成 `None`。
    """
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 2)).sum().backward()
    layer.requires_grad_(False)
    layer.bias.grad = None
    weight, bias = layer.weight.clone(), layer.bias.clone()
    optimizer.step()
    assert not torch.equal(layer.weight, weight)
    assert torch.equal(layer.bias, bias)


def test_lstm_default_range_depends_on_hidden_size() -> None:
    """`nn.LSTM` draws all its weights from `±1/sqrt(hidden_size)`, those that multiply the input too.

    `nn.LSTM` 的所有权重都取自 `±1/sqrt(hidden_size)`，连乘在输入上的也不例外。
    """
    torch.manual_seed(3)
    for inputs, hidden in [(40, 12), (7, 50)]:
        bound = 1 / math.sqrt(hidden)
        for param in nn.LSTM(inputs, hidden).parameters():
            assert 0.9 * bound < param.abs().max() <= bound * 1.000001
    state = after("parameters.default-law")
    assert state.lstm == {"input_size": 1, "hidden_size": 1.4}
    assert state.conv == {"in_channels": 1.4, "out_channels": 1, "kernel_size": 2}


def test_kaiming_scale_keeps_the_mean_square() -> None:
    """Weights with standard deviation `sqrt(2 / in_features)`, followed by ReLU, keep the mean square of what they get.

    标准差取 `sqrt(2 / in_features)` 的权重，后面接 ReLU，均方值大致不变。
    """
    torch.manual_seed(0)
    hidden = torch.randn(500, 300).relu()
    layer = nn.Linear(300, 600)
    nn.init.normal_(layer.weight, std=math.sqrt(2 / 300))
    nn.init.zeros_(layer.bias)
    after_relu = layer(hidden).relu().square().mean().item()
    assert math.isclose(after_relu, hidden.square().mean().item(), rel_tol=0.1)


def test_remove_duplicate_false_gives_every_name() -> None:
    """`named_parameters(remove_duplicate=False)` gives a shared parameter once for each of its names.

    `named_parameters(remove_duplicate=False)` 按名字逐个给出共享的参数，有几个名字就出现几次。
    """
    net = after("parameters.table-without-ties").net
    every = list(net.named_parameters(remove_duplicate=False))
    assert len(every) == 8
    assert [name for name, param in every if param is net[2].weight] == ["2.weight", "4.weight"]
    assert "2.weight = 4.weight (8, 8)" in shown("parameters.table-without-ties").output


def test_tensors_hash_by_identity() -> None:
    """As keys of a dictionary, tensors are told apart by identity: equal ones are two keys, the same one is one.

    张量作字典的键时，看是不是同一个对象：值相等的两个张量是两个键，同一个张量是一个键。
    """
    ones = torch.ones(2)
    assert len({ones: "a", torch.ones(2): "b"}) == 2
    assert len({ones: "a", ones[:]: "b"}) == 2  # the same memory, another object
    again = ones
    assert len({ones: "a", again: "b"}) == 1


def test_finite_differences_contain_both_uses() -> None:
    """Finite differences of a weight at two positions equal its gradient, which contains both uses.

    放在两处的权重，用差分算出来的导数等于它的梯度，两处用法都算在内。
    """
    differences = after("parameters.finite-differences").differences
    torch.manual_seed(5)
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
    """Finite differences with steps of 1e-6 agree with the gradient in `float64`; in `float32` rounding drowns them.

    步长 1e-6 的差分在 `float64` 下与梯度吻合，在 `float32` 下被舍入误差淹没。
    """
    state = after("parameters.finite-differences")

    def error(dtype: torch.dtype) -> float:
        model = copy.deepcopy(state.net).to(dtype)
        model.zero_grad()
        inputs = state.X.to(dtype)
        model(inputs).sum().backward()
        weight = model[2].weight
        found = state.differences(model, weight, inputs)
        return float((found - weight.grad).abs().max() / weight.grad.abs().max())

    assert error(torch.float64) < 1e-7
    assert error(torch.float32) > 1e-2
    told = shown("parameters.finite-differences").output.splitlines()
    assert told[:2] == ["float64 below 1e-6: True", "float32 below 1e-6: False"]


def test_module_refuses_a_computed_weight() -> None:
    """A module refuses a computed tensor as weight: `cannot assign 'torch.FloatTensor' as parameter 'weight'`.

    模块不接受算出来的张量作权重：`cannot assign 'torch.FloatTensor' as parameter 'weight'`。
    """
    encoder, decoder = nn.Linear(4, 2), nn.Linear(2, 4)
    message = "cannot assign 'torch.FloatTensor' as parameter 'weight'"
    with pytest.raises(TypeError, match=message):
        decoder.weight = encoder.weight.T
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

    `Sequential` 的下标数的是所有模块；`named_parameters()` 只列出有参数的，给出的是参数本身。
    """
    net = small()
    assert [type(net[i]) for i in range(3)] == [nn.Linear, nn.ReLU, nn.Linear]
    named = dict(net.named_parameters())
    assert {name.split(".")[0] for name in named} == {"0", "2"}
    assert named["2.weight"] is net[2].weight


def test_grad_is_none_before_and_after() -> None:
    """`grad` is `None` before the first `backward()` and after `zero_grad()`, and a tensor in between.

    第一次 `backward()` 之前和 `zero_grad()` 之后，`grad` 都是 `None`；两者之间是张量。
    """
    net = small()
    seen = [net[2].bias.grad]
    net(torch.rand(2, 4)).sum().backward()
    assert net[2].bias.grad is not None
    net.zero_grad()
    seen.append(net[2].bias.grad)
    assert seen == [None, None]


def test_apply_with_isinstance_finds_subclasses() -> None:
    """`apply` calls a function on every module, and `isinstance(m, nn.Linear)` inside it finds layers of subclasses, too.

    `apply` 对每个模块调用函数；函数里写 `isinstance(m, nn.Linear)`，子类的层也能找到。
    """

    class Scaled(nn.Linear):
        pass

    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(Scaled(2, 2), nn.ReLU()))
    found: list[nn.Module] = []
    net.apply(lambda m: found.append(m) if isinstance(m, nn.Linear) else None)
    assert found == [net[0], net[1][0]]


def test_defaults_fade_where_kaiming_carries() -> None:
    """After twenty linear layers with ReLU, default weights have left less than a millionth of the differences between inputs; `kaiming_normal_` more than a tenth.

    经过二十个带 ReLU 的线性层，默认权重只留下各个输入之间不到百万分之一的差异，`kaiming_normal_` 留下十分之一以上。
    """
    state = after("parameters.spread-by-depth")
    for width in (64, 128):
        default = state.spreads(lambda m: None, width=width)[-1]
        kaiming = state.spreads(state.init_kaiming, width=width)[-1]
        assert default < 1e-6
        assert kaiming > 0.1


def test_late_writes_are_errors_only_under_no_grad() -> None:
    """If a weight is overwritten between the forward and the backward pass, `backward()` fails where that was done under `no_grad()`, and gives a wrong gradient where it was done through `.data`.

    在前向传播和反向传播之间改写权重：在 `no_grad()` 里改，`backward()` 会报错；通过 `.data` 改，得到的梯度是错的。
    """
    layer = nn.Linear(3, 1)
    nn.init.ones_(layer.weight)
    x = torch.ones(1, 3, requires_grad=True)
    y = layer(x)
    with torch.no_grad():
        layer.weight.fill_(7)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()
    y = layer(x)
    layer.weight.data.fill_(8)
    y.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[8, 8, 8]]  # should be 7


def test_is_tells_a_tie_from_a_copy() -> None:
    """A module in two places is counted once by `parameters()` and listed twice by `state_dict()`; `is` holds for it, and not for a copy, though that is equal.

    放在两处的模块，`parameters()` 只算一次，`state_dict()` 里出现两次；对它 `is` 成立，对相等的副本不成立。
    """
    layer = nn.Linear(3, 3)
    tied = nn.Sequential(layer, nn.ReLU(), layer)
    copied = nn.Sequential(layer, nn.ReLU(), copy.deepcopy(layer))
    assert [len(list(net.parameters())) for net in (tied, copied)] == [2, 4]
    assert len(tied.state_dict()) == len(copied.state_dict()) == 4
    assert torch.equal(copied[0].weight, copied[2].weight)
    assert tied[0] is tied[2]
    assert copied[0] is not copied[2]


# What the snippets show besides


def test_init_normal_draws_small_weights_and_zero_biases() -> None:
    """init_normal draws weights with mean 0 and standard deviation 0.01 and clears the biases."""
    state = after("parameters.init-normal")
    assert "init_normal  0.0000 0.0000\n" in shown("parameters.init-normal").output
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
    assert "-0.0000" not in shown("parameters.my-init").output
    assert nn.Linear(2, 2, bias=False).apply(state.my_init).bias is None


def test_the_histogram_is_drawn() -> None:
    """The section draws one figure, with the measured shares."""
    outcome = shown("parameters.law-histogram")
    assert len(outcome.figures) == 1
    assert "<svg" in outcome.figures[0]
    labels = [line.split(":")[0] for line in outcome.output.splitlines()]
    assert labels == ["around -7.5", "around 0", "around 7.5"]


def test_the_depth_plot_names_every_curve() -> None:
    """The plot of the spread against depth is one figure with a label for each initialiser."""
    (figure,) = shown("parameters.depth-plot").figures
    for label in ("kaiming", "default", "normal 0.01", "depth", "std", "1e-10", "1e0"):
        assert f">{label}</text>" in figure


def test_the_picture_has_a_box_per_parameter_and_a_line_per_key() -> None:
    """The picture of the tied net has 7 positions, 6 parameters, 8 lines, 4 of them in colour."""
    state = after("parameters.tie-picture")
    positions = list(state.net)
    assert list(state.rows) == list(state.net.parameters())
    labels = [text.get_text() for text in state.ax.texts]
    for i, module in enumerate(positions):
        assert f"{i}: {type(module).__name__}" in labels
    for name, parameter in state.net.named_parameters():
        assert f"{name} {tuple(parameter.shape)}" in labels
    assert len(labels) == 7 + 6 + 2
    lines = [(*line.get_ydata(), line.get_color()) for line in state.ax.lines]
    assert len(lines) == len(state.net.state_dict()) == 8
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
    assert state.freeze(model, "block") == 0


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

    for check, *solution in [
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
