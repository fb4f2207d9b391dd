import ast
import collections
import contextlib
import copy
import inspect
import io
import itertools
import math
import re
import types
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from proven.scripts import Snippet
from proven.testing import after, over, section, shown, shown_afresh
from tests.families import (
    Member,
    activations,
    all_dtypes,
    float_dtypes,
    layers,
    lazy_layers,
    optimizers,
    seeds,
)
from tests.solutions import silent

LAYERS = "layer classes of torch.nn | 种 torch.nn 的层"
ACTIVATIONS = "activations of torch.nn | 种 torch.nn 的激活函数"
OPTIMIZERS = "optimizers of torch.optim | 种 torch.optim 的优化器"
CLASSES = "classes whose constructor takes no argument | 个构造函数不带参数的类"
SEEDS = "seeds | 个随机种子"
DTYPES = "dtypes | 种 dtype"
FLOATS = "floating-point dtypes | 种浮点 dtype"
SIZES = "sizes of a linear layer | 种线性层的大小"
_SIZES = ((20, 256), (256, 10), (64, 64), (7, 3), (3, 1000), (1000, 3), (1, 8), (8, 1))


def _made(layer: Member) -> Any:
    """A layer of this class; that of a transformer warns that it is not the fastest."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return layer.make()


def cells() -> tuple[Snippet, ...]:
    """All snippets of the section; a build, which imports this file for its claims, needs them not."""
    return section("blocks").snippets


def _names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


# 5.1


def test_layer_group_and_model_are_modules() -> None:
    """A layer, a group of layers and a whole model are instances of `nn.Module`, and so is an object of each
    layer class of `torch.nn`.

    一个层、一组层、整个模型，都是 `nn.Module` 的实例；`torch.nn` 的各种层也是。
    """
    state = after("blocks.one-kind")
    assert all(isinstance(part, nn.Module) for part in (state.layer, state.group, state.model))
    assert type(state.group) is type(state.model) is nn.Sequential
    for layer in over(layers(), LAYERS):
        assert isinstance(_made(layer), nn.Module)


def test_one_kind_prints_true_three_times() -> None:
    """The snippet finds that each of the three parts is a Module."""
    lines = shown("blocks.one-kind").output.splitlines()
    assert [line.split()[0] for line in lines] == ["Linear", "Sequential", "Sequential"]
    assert all(line.endswith("True") for line in lines)


def test_resnet_152_counts_weighted_layers() -> None:
    """Groups of 3, 8, 36 and 3 blocks with three convolutions each, one convolution before them and one fully
    connected layer after them make 152 layers, not counting the convolutions of four shortcuts.

    四组块分别有 3、8、36、3 个，每块三个卷积，前面再加一个卷积，后面再加一个全连接层，一共 152 层，四条捷径上的卷积不算在内。
    """

    def bottleneck(first: bool) -> nn.Module:
        kernels = (1, 3, 1)
        path = [part for k in kernels for part in (nn.Conv2d(2, 2, k), nn.BatchNorm2d(2))]
        shortcut = [nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)] if first else []
        return nn.ModuleDict({"path": nn.Sequential(*path), "shortcut": nn.Sequential(*shortcut)})

    groups = [nn.Sequential(*(bottleneck(i == 0) for i in range(n))) for n in (3, 8, 36, 3)]
    net = nn.Sequential(nn.Conv2d(3, 2, 7), nn.BatchNorm2d(2), *groups, nn.Linear(2, 1000))
    counted = [
        name
        for name, part in net.named_modules()
        if isinstance(part, nn.Conv2d | nn.Linear) and "shortcut" not in name
    ]
    convolutions = [part for part in net.modules() if isinstance(part, nn.Conv2d)]
    assert len(counted) == 1 + 3 * (3 + 8 + 36 + 3) + 1 == 152
    assert len(convolutions) == 151 + 4


def test_named_children_gives_one_level() -> None:
    """`named_children()` gives the names and the modules one level below, each module once, and nothing
    deeper.

    `named_children()` 只给出下一级的各个模块和它们的名字，每个模块一次，更深的不给。
    """
    twice = nn.Linear(2, 2)
    assert _names(nn.Sequential(twice, nn.ReLU(), twice).named_children()) == ["0", "1"]
    model = after("blocks.picture").model
    assert _names(model.named_children()) == ["0", "1", "2"]
    assert _names(model[0].named_children()) == ["0", "1"]
    assert _names(model[2].named_children()) == []
    assert len(list(model.modules())) == 8
    for layer in over(layers(), LAYERS):
        module = _made(layer)
        below = [(name, part) for name, part in module.named_modules() if name and "." not in name]
        assert list(module.named_children()) == below


def _texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_picture_has_a_box_for_each_module() -> None:
    """The picture labels every module of the model, and each weight with its shape."""
    [svg] = shown("blocks.picture").figures
    texts = _texts(svg)
    assert texts.count("0: Sequential") == texts.count("1: Sequential") == 1
    assert texts.count("model: Sequential") == 1
    assert texts.count("1: ReLU") == texts.count("0: Linear") == 2
    assert texts.count("2: Linear") == 1
    assert [text for text in texts if text.startswith("(")] == ["(64, 20)", "(32, 64)", "(10, 32)"]


def test_picture_has_one_frame_per_module_and_one_tint_per_weight() -> None:
    """Each module has a frame, and each module with a weight is tinted."""
    state = after("blocks.picture")
    ax = state.plt.figure().add_axes((0, 0, 1, 1))
    state.nest(ax, "model", state.model, 0, 0, 6)
    modules = list(state.model.modules())
    weighted = [module for module in modules if hasattr(module, "weight")]
    frames = [patch for patch in ax.patches if patch.get_edgecolor()[3] == 1]
    assert len(frames) == len(modules) == 8
    assert len(ax.patches) - len(frames) == len(weighted) == 3
    state.plt.close("all")


def test_picture_draws_layers_without_a_weight() -> None:
    """A layer whose weight is None has a frame without a tint and no shape; one whose weight has no shape yet
    has a tint.
    """
    state = after("blocks.picture")
    plain = [
        *(nn.LayerNorm(4, elementwise_affine=False), nn.BatchNorm1d(4, affine=False)),
        *(nn.CrossEntropyLoss(), nn.ReLU()),
    ]
    for module, tints in (
        *((each, 0) for each in plain),
        (nn.LazyLinear(4), 1),
        (nn.Linear(2, 4), 1),
    ):
        ax = state.plt.figure().add_axes((0, 0, 1, 1))
        state.nest(ax, "model", nn.Sequential(module), 0, 0, 6)
        assert len(ax.patches) == 2 + tints
        shapes = [text for text in ax.texts if "\n" in text.get_text()]
        assert len(shapes) == (type(module) is nn.Linear)
    for layer in (*layers(), *lazy_layers()):
        module = _made(layer)
        state.draw("model", nn.Sequential(module, nn.Sequential(module)))
        state.plt.close("all")
    state.plt.close("all")


def test_picture_keeps_every_box_inside_its_parent() -> None:
    """The frames of the children lie within the frame of the model, without touching it."""
    state = after("blocks.picture")
    ax = state.plt.figure().add_axes((0, 0, 1, 1))
    height = state.nest(ax, "model", state.model, 0, 0, 6)
    boxes = [patch.get_bbox() for patch in ax.patches]
    outer = [box for box in boxes if box.width == 6]
    assert len(outer) == 1
    assert outer[0].height == pytest.approx(height)
    for box in boxes:
        if box is not outer[0]:
            assert box.x0 > 0
            assert box.x1 < 6
            assert 0 < box.y0 < box.y1 < height
    state.plt.close("all")


def test_weight_shape_is_outputs_by_inputs() -> None:
    """The weight of a linear layer has the shape (outputs, inputs).

    线性层的权重，形状是（输出，输入）。
    """
    layer = after("blocks.one-kind").layer
    assert layer.weight.shape == (64, 20)
    for inputs, outputs in over(_SIZES, SIZES):
        assert nn.Linear(inputs, outputs).weight.shape == (outputs, inputs)


def test_forward_decides_the_order_of_computation() -> None:
    """The order in which parts are registered says nothing about the order in which they compute:
    `forward` decides that.

    注册的先后不等于计算的先后，先算哪个由 `forward` 决定。
    """

    class Three(nn.Module):
        a: Any
        b: Any
        c: Any

        def __init__(self, order: Any) -> None:
            super().__init__()
            for name in order:
                setattr(self, name, nn.Linear(20, 20))

        def forward(self, X: torch.Tensor) -> Any:
            return self.c(self.b(self.a(X)))

    X = after("blocks.sequential-by-hand").X
    for order in over(itertools.permutations("abc"), "orders of registration | 种注册顺序"):
        net: Any = Three(order)
        ran: list[str] = []
        for name, part in net.named_children():
            part.register_forward_hook(lambda *_, name=name, ran=ran: ran.append(name))
        net(X)
        assert _names(net.named_children()) == list(order)
        assert ran == ["a", "b", "c"]


def test_sequential_hands_each_output_on() -> None:
    """`nn.Sequential` calls its parts in order and hands the output of each to the next.

    `nn.Sequential` 按顺序调用各部分，前一个的输出就是后一个的输入。
    """
    state = after("blocks.sequential-by-hand")
    model, X = state.model, state.X
    assert torch.equal(model(X), model[2](model[1](model[0](X))))
    assert shown("blocks.sequential-by-hand").output.splitlines()[:4] == [
        "0 Sequential (2, 64)",
        "1 Sequential (2, 32)",
        "2 Linear (2, 10)",
        "same numbers: True",
    ]
    for layer in over(activations(), ACTIVATIONS):
        net = nn.Sequential(nn.Linear(20, 8), layer.make(), nn.Linear(8, 3)).eval()
        assert torch.equal(net(X), net[2](net[1](net[0](X))))


def test_sequential_maps_names_to_modules() -> None:
    """`nn.Sequential` keeps its parts in an ordered mapping from the names `'0'`, `'1'`, `'2'` to
    modules; access by position leads to the same objects.

    `nn.Sequential` 把各部分存成有序映射，名字是 `'0'`、`'1'`、`'2'`；按位置取到的也是这些对象。
    """
    model = after("blocks.sequential-by-hand").model
    assert model[-1] is model[2] is model._modules["2"]
    output = shown("blocks.sequential-by-hand").output
    assert "names: ['0', '1', '2']" in output
    assert f"position -1: {model[2]}" in output
    for n in over(range(1, 13), "lengths | 种长度"):
        parts = [nn.ReLU() for _ in range(n)]
        net = nn.Sequential(*parts)
        assert list(net._modules.items()) == [(str(i), part) for i, part in enumerate(parts)]
        assert all(net[i] is net[i - n] is parts[i] for i in range(n))


def test_sequential_hands_on_one_value() -> None:
    """`nn.Sequential` takes one input; called with two, it fails:
    `takes 2 positional arguments but 3 were given`.

    `nn.Sequential` 只收一个输入；给两个就报错：`takes 2 positional arguments but 3 were given`。
    """
    for layer in over(activations(), ACTIVATIONS):
        net = nn.Sequential(layer.make())
        with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
            net(torch.ones(2), torch.ones(2))


# 5.1.1


def test_section_defines_its_own_input() -> None:
    """X is defined in the section, with the 20 features that its models take."""
    state = after("blocks.mlp")
    assert state.X.shape == (2, 20)
    assert state.net.hidden.in_features == 20


def test_the_input_is_an_argument_of_forward() -> None:
    """The input of `MLP` is an argument of its `forward`; its constructor takes none.

    `MLP` 的输入是 `forward` 的实参，构造函数不收实参。
    """
    MLP = after("blocks.mlp").MLP
    assert list(inspect.signature(MLP.forward).parameters) == ["self", "X"]
    assert list(inspect.signature(MLP.__init__).parameters) == ["self"]
    assert MLP()(torch.rand(2, 20)).shape == (2, 10)


def test_output_shape_may_differ_from_the_input() -> None:
    """The output of a block may differ in shape from its input: 20 features become 256, then 10.

    块的输出形状可以和输入不同：20 个特征变成 256 个，再变成 10 个。
    """
    state = after("blocks.children")
    assert state.net.hidden(state.X).shape == (2, 256)
    assert state.net(state.X).shape == (2, 10)
    assert shown("blocks.mlp").output.startswith("input: (2, 20)\noutput: (2, 10)\n")
    assert shown("blocks.children").output.startswith("after hidden: (2, 256)\n")


def test_linear_changes_only_the_last_dimension() -> None:
    """A linear layer changes the last dimension of its input, and keeps all those before it.

    线性层只改变输入的最后一维，前面各维原样保留。
    """
    net = after("blocks.mlp").net
    shapes = ((), (1,), (2,), (5, 3, 2), (1, 1, 1), (0,), (4, 0, 2))
    for shape in over(shapes, "shapes in front of the last dimension | 种前面各维的形状"):
        assert net.hidden(torch.ones(*shape, 20)).shape == (*shape, 256)


def test_autograd_derives_the_backward_pass() -> None:
    """A block with nothing but a `forward` has gradients: autograd derives them from the
    operations that ran, and they are those of the chain rule.

    块里只写了 `forward`，也有梯度：autograd 根据执行过的运算推出梯度，与按链式法则手算的相同。
    """
    state = after("blocks.mlp")
    X = state.X
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net = state.MLP()
        net(X).sum().backward()
        active = (net.hidden(X) > 0).float()
        assert active.any()
        assert not active.all()
        wanted = (active * net.out.weight.sum(0)).sum(0)
        assert torch.allclose(net.hidden.bias.grad, wanted, atol=1e-6)
        assert net.out.bias.grad.eq(len(X)).all()


def test_mlp_is_linear_then_relu_then_linear() -> None:
    """MLP applies its hidden layer, cuts off what is negative, and applies its last layer."""
    state = after("blocks.mlp")
    hidden = state.net.hidden(state.X)
    assert torch.equal(state.net(state.X), state.net.out(hidden.clamp(min=0)))
    assert hidden.min() < 0


def test_functional_relu_is_no_child() -> None:
    """`F.relu` computes what `nn.ReLU()` does, and neither has anything to store; only the module is
    listed among the children.

    `F.relu` 与 `nn.ReLU()` 算出的数相同，都没有要保存的东西；只有后者会列为子模块。
    """
    state = after("blocks.children")
    centred = state.X - 0.5
    assert torch.equal(F.relu(centred), nn.ReLU()(centred))
    assert _names(state.net.named_children()) == ["hidden", "out"]
    assert "children: ['hidden', 'out']" in shown("blocks.children").output
    for layer in over(activations(), ACTIVATIONS):
        module = layer.make()
        assert _names(nn.Sequential(module).named_children()) == ["0"]
        assert not module.state_dict()


def test_input_gets_no_gradient() -> None:
    """After `backward()` the parameters have gradients and an ordinary input has none.

    `backward()` 之后，参数有梯度，普通的输入没有。
    """
    state = after("blocks.gradients")
    assert state.X.grad is None
    assert all(parameter.grad is not None for parameter in state.net.parameters())
    assert shown("blocks.gradients").output == "net.hidden.weight: True\nX: False\n"
    for layer in over(activations(), ACTIVATIONS):
        X, net = torch.rand(2, 20), nn.Sequential(nn.Linear(20, 3), layer.make(), nn.Linear(3, 1))
        net(X).sum().backward()
        assert X.grad is None
        assert all(parameter.grad is not None for parameter in net.parameters())


def test_parameters_require_gradients_by_default() -> None:
    """By default, parameters are created with `requires_grad=True`; a tensor from `torch.rand` is not.

    参数默认一创建就是 `requires_grad=True`，`torch.rand` 得到的张量则不是。
    """
    state = after("blocks.gradients")
    assert nn.Parameter(torch.rand(2)).requires_grad is True
    assert torch.rand(2).requires_grad is False
    assert state.X.requires_grad is False
    for layer in over(layers(), LAYERS):
        assert all(parameter.requires_grad for parameter in _made(layer).parameters())


def test_input_gets_a_gradient_on_request() -> None:
    """An input on which `requires_grad_()` was called gets a gradient of its own shape.

    对输入调用过 `requires_grad_()`，它就有梯度，形状与自身相同。
    """
    state = after("blocks.input-gradient")
    assert state.x.grad.shape == state.X.shape
    assert state.x.grad.any()
    assert state.x.grad.unique().numel() > 1  # by way of the network: of its own sum it were 1
    assert not state.X.requires_grad  # only its copy was asked to
    assert "x.grad: (2, 20)" in shown("blocks.input-gradient").output


def test_blocks_have_no_backward_method() -> None:
    """`nn.Module` has no method named `backward`; the output tensor has one.

    `nn.Module` 没有 `backward` 方法，输出张量才有。
    """
    state = after("blocks.input-gradient")
    assert not hasattr(state.net, "backward")
    assert hasattr(state.net(state.X), "backward")
    assert "net.backward exists: False" in shown("blocks.input-gradient").output
    for layer in over(layers(), LAYERS):
        assert not hasattr(_made(layer), "backward")


def test_assigned_layers_are_registered() -> None:
    """Assigning a layer to an attribute of the object is enough for `parameters()` to give its parameters; a
    layer that is an attribute of the class is passed over.

    把层赋给对象的属性，`parameters()` 就能给出它的参数；赋给类的属性则不行。
    """

    class Shared(nn.Module):
        layer = nn.Linear(2, 2)

    assert list(Shared().parameters()) == []
    net = after("blocks.parameters").net
    found = list(net.parameters())
    wanted = [net.hidden.weight, net.hidden.bias, net.out.weight, net.out.bias]
    assert all(a is b for a, b in zip(found, wanted, strict=True))
    for layer in over([*layers(), *lazy_layers()], LAYERS):
        net.extra = _made(layer)
        added = {id(parameter) for parameter in net.parameters()} - set(map(id, wanted))
        assert added == {id(parameter) for parameter in net.extra.parameters()}


def test_parameter_names_follow_the_attributes() -> None:
    """A layer is registered under the name of its attribute, and the names of its parameters begin with it,
    as in `hidden.weight`.

    层按属性名注册，参数名就由属性名连成，例如 `hidden.weight`。
    """
    net = after("blocks.parameters").net
    shapes = {name: tuple(parameter.shape) for name, parameter in net.named_parameters()}
    assert shapes == {
        "hidden.weight": (256, 20),
        "hidden.bias": (256,),
        "out.weight": (10, 256),
        "out.bias": (10,),
    }
    listed = shown("blocks.mlp").output.splitlines()
    assert listed[2:] == [f"{name:14} {shape}" for name, shape in shapes.items()]
    for layer in over([*layers(), *lazy_layers()], LAYERS):
        net = nn.Module()
        net.part = part = _made(layer)
        assert dict(net.named_children()) == {"part": part}
        inner = _names(part.named_parameters())
        assert _names(net.named_parameters()) == [f"part.{name}" for name in inner]


def test_layers_initialise_themselves() -> None:
    """`nn.Linear` sets its parameters when it is constructed: it draws small random numbers.

    `nn.Linear` 在构造时就设好参数：抽取小的随机数。
    """
    for inputs, outputs in over(_SIZES, SIZES):
        layer = nn.Linear(inputs, outputs)
        assert len(set(layer.weight.flatten().tolist())) > inputs * outputs / 2
        for parameter in layer.parameters():
            assert parameter.abs().max() <= 1 / math.sqrt(inputs)


def test_the_seed_decides_the_parameters() -> None:
    """Two instances of `MLP` differ in parameters and outputs, unless the same seed was set before
    each of them was built.

    `MLP` 的两个实例，参数和输出都不同；每次构造之前都设了同一个种子，才会相同。
    """
    state = after("blocks.parameters")
    output = shown("blocks.parameters").output
    assert output == "first and second are equal: False\nfirst and again are equal: True\n"
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        first, second = state.MLP(), state.MLP()
        torch.manual_seed(seed)
        again = state.MLP()
        for other, same in ((second, False), (again, True)):
            pairs = zip(first.parameters(), other.parameters(), strict=True)
            assert all(torch.equal(p, q) is same for p, q in pairs)
            assert torch.equal(first(state.X), other(state.X)) is same


def test_call_passes_the_input_to_forward() -> None:
    """`nn.Module` defines `__call__`, which hands its arguments to `forward` and returns what
    `forward` returns.

    `nn.Module` 定义了 `__call__`，由它把实参交给 `forward`，再返回 `forward` 的结果。
    """
    X = after("blocks.mlp").X
    assert "__call__" in vars(nn.Module)
    for layer in over(layers(), LAYERS):
        assert layer.cls.__call__ is nn.Module.__call__
        module = _made(layer)
        module.forward = lambda *args, **kwargs: (args, kwargs)
        args, kwargs = module(X, 2, scale=3)
        assert args[0] is X
        assert args[1:] == (2,)
        assert kwargs == {"scale": 3}


def test_forward_runs_at_each_call() -> None:
    """`__init__` runs once, when the object is built; `forward` runs at each call.

    `__init__` 只在构造时执行一次，`forward` 每次调用都执行。
    """
    state = after("blocks.mlp")
    runs: list[str] = []

    class Counted(state.MLP):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            runs.append("init")

        def forward(self, X: torch.Tensor) -> Any:
            runs.append("forward")
            return super().forward(X)

    for calls in over(range(6), "numbers of calls | 种调用次数"):
        runs.clear()
        net = Counted()
        for _ in range(calls):
            net(state.X)
        assert runs == ["init"] + ["forward"] * calls


def test_hooks_run_only_in_calls() -> None:
    """A forward hook runs for `net(X)` and not for `net.forward(X)`. Both give the same numbers, unless a hook
    changes them.

    前向钩子在 `net(X)` 时运行，在 `net.forward(X)` 时不运行。两者算出的数相同，除非钩子改动了它们。
    """
    state = after("blocks.call-not-forward")
    assert state.calls == [1]
    assert torch.equal(state.called, state.direct)
    assert shown("blocks.call-not-forward").output.splitlines() == [
        "hook runs after net(X): 1",
        "hook runs after net.forward(X): 1",
        "same numbers: True",
    ]
    for layer in over(activations(), ACTIVATIONS):
        module = layer.make().eval()
        calls: list[int] = []
        module.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        called = layer.call(module)
        assert calls == [1]
        direct = module.forward(*layer.inputs())
        assert torch.equal(direct, called)
        assert calls == [1]
        module.register_forward_hook(lambda _, args, output: output + 1)
        assert torch.equal(layer.call(module), direct + 1)
        assert torch.equal(module.forward(*layer.inputs()), direct)


def test_a_forward_hook_runs_once_a_call() -> None:
    """A forward hook runs once for each call of its module that raises no error, and not for
    `net.forward(X)`.

    每调用一次模块，只要没有报错，它的前向钩子就运行一次；`net.forward(X)` 时不运行。
    """
    state = after("blocks.mlp")
    for n in over(range(6), "numbers of calls | 种调用次数"):
        net = state.MLP()
        calls: list[int] = []
        net.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        for _ in range(n):
            net(state.X)
            net.forward(state.X)
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            net(torch.ones(2, 4))
        assert len(calls) == n


def test_attention_does_not_call_its_out_proj() -> None:
    """`nn.MultiheadAttention` uses the parameters of its part `out_proj` but does not call it: a hook on
    `out_proj` does not run.

    `nn.MultiheadAttention` 直接取用子模块 `out_proj` 的权重，并不调用它：`out_proj` 上的钩子不会运行。
    """
    for training in over((True, False), "modes | 种模式"):
        net: Any = nn.MultiheadAttention(4, 2).train(training)
        calls: list[str] = []
        net.register_forward_hook(lambda *_, calls=calls: calls.append("attention"))
        net.out_proj.register_forward_hook(lambda *_, calls=calls: calls.append("out_proj"))
        X = torch.rand(5, 2, 4)
        before, _ = net(X, X, X)
        assert calls == ["attention"]
        with torch.no_grad():
            net.out_proj.bias += 1
        assert torch.allclose(net(X, X, X)[0], before + 1, atol=1e-6)
        with torch.no_grad():
            net.out_proj.weight.zero_()
            net.out_proj.bias.fill_(3)
        assert (net(X, X, X)[0] == 3).all()


def test_importing_f_does_not_bind_nn() -> None:
    """With `from torch.nn import functional as F` alone, `class MLP(nn.Module)` stops with
    `name 'nn' is not defined`; the call `MLP()(X)` needs an `X` as well.

    只有 `from torch.nn import functional as F` 一句，`class MLP(nn.Module)` 就会报错：
    `name 'nn' is not defined`；执行 `MLP()(X)` 还得先有 `X`。
    """
    fresh: dict[str, Any] = {}
    exec("from torch.nn import functional as F", fresh)
    lines = ("class MLP(nn.Module): pass", "net = nn.Sequential()", "X = nn.Linear(20, 10)")
    for line in over(lines, "lines that use nn | 行用到 nn 的代码"):
        with pytest.raises(NameError, match="name 'nn' is not defined"):
            exec(line, fresh)
    exec("from torch import nn\nclass MLP(nn.Module): pass", fresh)
    with pytest.raises(NameError, match="name 'X' is not defined"):
        exec("MLP()(X)", fresh)


def test_super_init_creates_the_registries() -> None:
    """`nn.Module.__init__` creates the registries of parameters, buffers and sub-modules; an object
    whose own `__init__` does not call it is a module all the same, and has none of them.

    参数、缓冲区和子模块的注册表由 `nn.Module.__init__` 建立；类自己写的 `__init__` 不调用它，对象照样是模块，
    注册表却一个也没有。
    """
    state = after("blocks.forgot-super")
    registries = {"_parameters", "_buffers", "_modules"}
    assert registries <= set(vars(nn.Module()))
    assert not registries & set(vars(state.Scale()))
    for layer in over(layers(), LAYERS):
        bare = layer.cls.__new__(layer.cls)
        assert isinstance(bare, nn.Module)
        assert not registries & set(vars(bare))
        nn.Module.__init__(bare)
        assert all(vars(bare)[name] == {} for name in registries)


def test_a_class_in_front_has_to_pass_the_call_on() -> None:
    """If the `__init__` of a class that stands before `nn.Module` does not call `super().__init__()`, there are
    no registries, although the model calls it: `cannot assign module before Module.__init__() call`.

    排在 `nn.Module` 前面的类，如果自己的 `__init__` 不调用 `super().__init__()`，那么模型调用了也没有注册表：
    `cannot assign module before Module.__init__() call`。
    """

    class Mixin:
        passes = False

        def __init__(self) -> None:
            if self.passes:
                super().__init__()

    class Passing(Mixin):
        passes = True

    for layer in over(layers(), LAYERS):
        for front in (Mixin, Passing):

            class Net(front, nn.Module):  # type: ignore[misc, valid-type]
                def __init__(self, part: Any) -> None:
                    super().__init__()
                    self.part = part

            part = _made(layer)
            if front is Passing:
                assert dict(Net(part).named_children()) == {"part": part}
            else:
                message = r"cannot assign module before Module.__init__\(\) call"
                with pytest.raises(AttributeError, match=message):
                    Net(part)


def test_an_attribute_of_the_class_hides_a_layer() -> None:
    """If the class has an attribute of the name, a layer that is assigned is registered, and reading gives the
    attribute of the class; a parameter, or a buffer by `register_buffer`, is refused: `attribute 'hidden' already
    exists`.

    类已有同名的属性时，赋上去的层会注册，读到的却是类的属性；参数和用 `register_buffer` 注册的缓冲区则被拒绝：
    `attribute 'hidden' already exists`。
    """

    class Net(nn.Module):
        hidden: Any = None

    for layer in over(layers(), LAYERS):
        net, part = Net(), _made(layer)
        net.hidden = part
        assert dict(net.named_children()) == {"hidden": part}
        assert net.hidden is None
    with pytest.raises(KeyError, match="attribute 'hidden' already exists"):
        Net().hidden = nn.Parameter(torch.ones(2))
    with pytest.raises(KeyError, match="attribute 'hidden' already exists"):
        Net().register_buffer("hidden", torch.ones(2))


def test_first_layer_needs_super_init() -> None:
    """A layer assigned before `super().__init__()` is refused: `cannot assign module before
    Module.__init__() call`.

    没有调用 `super().__init__()` 就给属性赋一个层，会被拒绝：
    `cannot assign module before Module.__init__() call`。
    """
    text = "cannot assign module before Module.__init__() call"
    first, _ = shown("blocks.forgot-super").errors
    assert first.text == f"AttributeError: {text}"
    NoSuper = after("blocks.forgot-super").NoSuper
    for layer in over(layers(), LAYERS):
        with pytest.raises(AttributeError, match=re.escape(text)):
            NoSuper.__new__(NoSuper).hidden = _made(layer)


def test_first_parameter_needs_super_init() -> None:
    """A parameter assigned before `super().__init__()` is refused like a layer: `cannot assign parameters
    before Module.__init__() call`.

    没有调用 `super().__init__()` 就给属性赋一个参数，也和赋层一样会被拒绝：
    `cannot assign parameters before Module.__init__() call`。
    """
    text = "cannot assign parameters before Module.__init__() call"
    *_, last = shown("blocks.more-errors").errors
    assert last.text == f"AttributeError: {text}"
    [layer, _] = shown("blocks.forgot-super").errors
    assert last.text == layer.text.replace("module", "parameters")
    for dtype in over(float_dtypes(), FLOATS):
        with pytest.raises(AttributeError, match=re.escape(text)):
            nn.Module.__new__(nn.Module).scale = nn.Parameter(torch.ones(20, dtype=dtype))


def test_forgotten_super_without_layers_fails_late() -> None:
    """Without `super().__init__()` a block that assigns only ordinary values, such as the number in `Scale`,
    can be built, and fails when it is called: `object has no attribute '_backward_hooks'`. `print`, `to` and
    `eval` miss `_modules` instead, and `parameters` misses `_parameters`.

    漏了 `super().__init__()`，只赋普通值的块（例如赋一个数的 `Scale`）照样能构造，调用时才报错：
    `object has no attribute '_backward_hooks'`。`print`、`to`、`eval` 报缺的是 `_modules`，`parameters`
    报缺的是 `_parameters`。
    """
    state, result = after("blocks.forgot-super"), shown("blocks.forgot-super")
    late = result.errors[1].text
    assert late == "AttributeError: 'Scale' object has no attribute '_backward_hooks'"
    assert result.output == "built: ['Scale']\n"
    assert [vars(part) for part in state.built] == [{"factor": 2}]
    values = (2, 0.5, "mean", None, True, (1, 2), [1, 2], {"a": 1}, torch.ones(2), torch.relu)
    for value in over(values, "ordinary values | 个普通的值"):
        scale = state.Scale()
        scale.factor = value
        with pytest.raises(AttributeError, match="no attribute '_backward_hooks'") as caught:
            scale(state.X)
        assert "super" not in str(caught.value)
        uses: tuple[tuple[str, Any], ...] = (
            *(("_modules", use) for use in (print, lambda net: net.to("cpu"), nn.Module.eval)),
            ("_parameters", lambda net: list(net.parameters())),
        )
        for missing, use in uses:
            with pytest.raises(AttributeError, match=f"no attribute '{missing}'"):
                use(scale)


def _argumentless(state: Any) -> list[Any]:
    """Classes of the section whose constructor takes no argument, and `nn.Module`."""
    names = ("MLP", "FixedHiddenMLP", "NestMLP", "Shifted", "ThreeWays", "Broken", "Repaired")
    return [nn.Module, *(getattr(state, name) for name in names)]


def test_constructors_refuse_the_input() -> None:
    """A constructor that takes no argument, such as that of `MLP` or of `nn.Module` itself, refuses an input:
    `takes 1 positional argument but 2 were given`.

    把输入交给不收实参的构造函数（例如 `MLP` 和 `nn.Module` 的），会被拒绝：
    `takes 1 positional argument but 2 were given`。
    """
    [first, *_] = shown("blocks.common-errors").errors
    text = "takes 1 positional argument but 2 were given"
    assert first.text == f"TypeError: MLP.__init__() {text}"
    state = after("blocks.repaired")
    for kind in over(_argumentless(state), CLASSES):
        with pytest.raises(TypeError, match=text):
            kind(state.X)


def test_constructors_refuse_undeclared_arguments() -> None:
    """An argument that the `__init__` of `MLP` does not declare is refused: `got an unexpected keyword
    argument 'hidden'`.

    `MLP` 的 `__init__` 没有声明的实参会被拒绝：`got an unexpected keyword argument 'hidden'`。
    """
    [_, second, *_] = shown("blocks.common-errors").errors
    text = "got an unexpected keyword argument 'hidden'"
    assert second.text == f"TypeError: MLP.__init__() {text}"
    for kind in over(_argumentless(after("blocks.repaired")), CLASSES):
        with pytest.raises(TypeError, match=text):
            kind(hidden=512)


def test_modules_take_no_params_argument() -> None:
    """No argument `params` comes with `super().__init__()`: neither a block that declares none nor
    `nn.Module` itself accepts it.

    `super().__init__()` 不会带来 `params` 参数：没有声明它的块不收，`nn.Module` 自己也不收。
    """
    for kind in over(_argumentless(after("blocks.repaired")), CLASSES):
        with pytest.raises(TypeError, match="got an unexpected keyword argument 'params'"):
            kind(params=1)


def test_missing_forward_is_named_in_the_call() -> None:
    """A block without `forward`, or with a misspelt one, can be built; the call says that it is
    `missing the required "forward" function`.

    没写 `forward` 或写错名字的块能构造出来，调用时才报 `missing the required "forward" function`。
    """
    [_, _, third, _] = shown("blocks.common-errors").errors
    text = 'is missing the required "forward" function'
    assert third.text == f"NotImplementedError: Module [NoForward] {text}"
    names = ("forwards", "Forward", "foward", "_forward", "call", "__forward__")
    for name in over(names, "misspelt names | 种拼错的名字"):
        net = type("Misspelt", (nn.Module,), {name: lambda self, X: X})()
        with pytest.raises(NotImplementedError, match=text):
            net(torch.ones(1))


def test_wrong_width_names_both_shapes() -> None:
    """An input of the wrong width is refused with the shapes of the input and of the transposed weight:
    `mat1 and mat2 shapes cannot be multiplied (2x4 and 20x256)`.

    输入宽度不对，报错信息会给出输入和转置后的权重两个形状：
    `mat1 and mat2 shapes cannot be multiplied (2x4 and 20x256)`。
    """
    *_, last = shown("blocks.common-errors").errors
    text = "mat1 and mat2 shapes cannot be multiplied"
    assert last.text == f"RuntimeError: {text} (2x4 and 20x256)"
    net = after("blocks.common-errors").MLP()
    assert net.hidden.weight.T.shape == (20, 256)
    for width in over((1, 2, 4, 19, 21, 40, 256), "wrong widths | 种不对的宽度"):
        with pytest.raises(RuntimeError, match=re.escape(f"{text} (2x{width} and 20x256)")):
            net(torch.rand(2, width))


def test_a_call_without_input_names_forward() -> None:
    """A call without an input fails with a message that names `forward`: `MLP.forward() missing 1
    required positional argument: 'X'`.

    调用时没有给输入，报错信息里说的是 `forward`：
    `MLP.forward() missing 1 required positional argument: 'X'`。
    """
    [first, *_] = shown("blocks.more-errors").errors
    assert first.text == "TypeError: MLP.forward() missing 1 required positional argument: 'X'"


def test_relu_of_a_tensor_is_a_module() -> None:
    """`nn.ReLU(X)` is a module whose option `inplace` is `X`; the next layer refuses it: `argument
    'input' (position 1) must be Tensor, not ReLU`. `F.relu(X)` and `nn.ReLU()(X)` apply ReLU.

    `nn.ReLU(X)` 是一个模块，它的选项 `inplace` 成了 `X`；下一层会拒绝它：
    `argument 'input' (position 1) must be Tensor, not ReLU`。`F.relu(X)` 和 `nn.ReLU()(X)` 才是做 ReLU。
    """
    [_, second, *_] = shown("blocks.more-errors").errors
    text = "argument 'input' (position 1) must be Tensor, not ReLU"
    assert second.text == f"TypeError: linear(): {text}"
    X: torch.Tensor = after("blocks.more-errors").X - 0.5
    made: Any = nn.ReLU(X)  # type: ignore[arg-type]
    assert isinstance(made, nn.Module)
    assert made.inplace is X
    assert torch.equal(F.relu(X), X.clamp(min=0))
    assert torch.equal(nn.ReLU()(X), X.clamp(min=0))


def test_integer_inputs_are_refused() -> None:
    """An `nn.Linear` with `float32` weights refuses integers:
    `mat1 and mat2 must have the same dtype, but got Long and Float`. With `X.float()` it works.

    权重是 `float32` 的 `nn.Linear` 不收整数：`mat1 and mat2 must have the same dtype, but got Long and Float`；
    写成 `X.float()` 就能算。
    """
    [_, _, third, *_] = shown("blocks.more-errors").errors
    text = "mat1 and mat2 must have the same dtype, but got"
    assert third.text == f"RuntimeError: {text} Long and Float"
    net = after("blocks.more-errors").net
    assert net.hidden.weight.dtype == torch.float32
    integers = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
    for dtype in over(integers, "integer dtypes | 种整数 dtype"):
        X = torch.ones(2, 20, dtype=dtype)
        with pytest.raises(RuntimeError, match=rf"{text} \w+ and Float"):
            net.hidden(X)
        assert net(X.float()).shape == (2, 10)


def test_unknown_attributes_are_named() -> None:
    """When a module does not have an attribute, the message names the attribute and the class:
    `'MLP' object has no attribute 'hiden'`. Python asks `nn.Module` for it, which looks in its registries.

    模块没有的属性，报错信息会说出它的名字和所属的类：`'MLP' object has no attribute 'hiden'`。
    对象里找不到，Python 就去问 `nn.Module`，由它查注册表。
    """
    [*_, fourth, _] = shown("blocks.more-errors").errors
    assert fourth.text == "AttributeError: 'MLP' object has no attribute 'hiden'"
    net = after("blocks.more-errors").net
    assert "hidden" not in vars(net)
    assert nn.Module.__getattr__(net, "hidden") is net._modules["hidden"] is net.hidden
    for layer in over(layers(), LAYERS):
        text = f"'{layer.cls.__name__}' object has no attribute 'hiden'"
        with pytest.raises(AttributeError, match=text):
            _ = _made(layer).hiden


def _told(number: int) -> str:
    return shown("blocks.still-more-errors").errors[number - 1].text


def test_forward_without_self_counts_the_object() -> None:
    """If `forward` is defined without `self`, the call hands over the object as well, and the message counts it:
    `forward() takes 1 positional argument but 2 were given`, and so on for more arguments.

    定义 `forward` 时漏了 `self`，调用时对象自己也会传进去，报错信息把它也数上了：
    `forward() takes 1 positional argument but 2 were given`；参数更多时依此类推。
    """
    text = "NoSelf.forward() takes 1 positional argument but 2 were given"
    assert _told(1) == f"TypeError: {text}"
    for given in over(range(2, 6), "numbers of arguments | 种实参个数"):
        names = [f"X{number}" for number in range(given)]
        forward = eval(f"lambda {', '.join(names)}: None")
        cls = type("NoSelf", (nn.Module,), {"forward": forward})
        text = f"takes {given} positional arguments but {given + 1} were given"
        with pytest.raises(TypeError, match=text):
            cls()(*names)


def test_an_output_does_not_replace_a_layer() -> None:
    """A module refuses a tensor under the name of a registered layer, and takes another module or `None`:
    `cannot assign 'torch.FloatTensor' as child module 'out'`.

    名字若已注册给某个层，模块不接受张量，报 `cannot assign 'torch.FloatTensor' as child module 'out'`；
    另一个模块或 `None` 则可以。
    """
    assert _told(2) == (
        "TypeError: cannot assign 'torch.FloatTensor' as child module 'out' "
        "(torch.nn.Module or None expected)"
    )
    for layer in over(layers(), LAYERS):
        net = nn.Module()
        net.out = made = _made(layer)
        with pytest.raises(TypeError, match=r"cannot assign .* as child module 'out'"):
            net.out = torch.ones(1)
        assert net.out is made
        for other in (nn.ReLU(), None):
            net.out = other
            assert net.out is other


def test_a_chain_hands_on_the_tuple_of_an_lstm() -> None:
    """`nn.LSTM`, `nn.GRU` and `nn.RNN` return a tuple, and `nn.Sequential` hands it to the next part as one
    argument, which a linear layer refuses: `argument 'input' (position 1) must be Tensor, not tuple`.

    `nn.LSTM`、`nn.GRU`、`nn.RNN` 返回元组，`nn.Sequential` 把它当成一个实参传给下一个部分，线性层不接受：
    `argument 'input' (position 1) must be Tensor, not tuple`。
    """
    text = "linear(): argument 'input' (position 1) must be Tensor, not tuple"
    assert _told(3) == f"TypeError: {text}"
    X = torch.rand(2, 20)
    for kind in over((nn.LSTM, nn.GRU, nn.RNN), "classes | 个类"):
        rnn, linear, seen = kind(20, 8), nn.Linear(8, 4), list[Any]()
        linear.register_forward_pre_hook(lambda part, args, seen=seen: seen.append(args))
        with pytest.raises(TypeError, match=r"must be Tensor, not tuple"):
            nn.Sequential(rnn, linear)(X)
        ((handed,),) = seen
        assert type(handed) is tuple
        assert len(handed) == 2
        assert linear(rnn(X)[0]).shape == (2, 4)


def test_a_width_is_no_float() -> None:
    """`nn.Linear` refuses a float as a width, also a whole one such as `20 / 2`; the message names `float`.

    `nn.Linear` 的宽度不接受浮点数，`20 / 2` 这样的整数值也不行，报错信息里有 `float`。
    """
    assert re.match(r"TypeError: empty\(\): argument 'size' .*got float", _told(4), re.DOTALL)
    for widths in over([(10.0, 4), (4, 10.0), (2.5, 2)], "pairs of widths | 对宽度"):
        with pytest.raises(TypeError, match=r"got float|found element of type float"):
            nn.Linear(*widths)  # type: ignore[arg-type]
    assert type(20 / 2) is float
    assert nn.Linear(20 // 2, 4).in_features == 10


def test_an_optimiser_wants_tensors() -> None:
    """An optimiser goes through what it is given; of an `nn.Sequential` it gets the parts, and refuses them:
    `optimizer can only optimize Tensors, but one of the params is` and the name of a class.

    优化器会遍历交给它的东西；给的若是 `nn.Sequential`，遍历到的就是各个部分，于是报错：
    `optimizer can only optimize Tensors, but one of the params is`，后面是类名。
    """
    text = "TypeError: optimizer can only optimize Tensors, but one of the params is "
    assert _told(5) == f"{text}__main__.MLP"
    chain = nn.Sequential(nn.Linear(2, 2))
    for cls in over(optimizers(), OPTIMIZERS):
        with pytest.raises(
            TypeError, match=r"one of the params is torch\.nn\.modules\.linear\.Linear"
        ):
            cls(chain, lr=0.1)
        cls(chain.parameters(), lr=0.1)


def _wrong(number: int) -> str:
    return shown("blocks.wrong-kinds").errors[number - 1].text


def test_a_forward_without_return_hands_on_none() -> None:
    """A `forward` without `return` gives back `None`, and an `nn.Sequential` hands it to the next part, where
    a linear layer, among others, says: `argument 'input' (position 1) must be Tensor, not NoneType`.

    `forward` 里没有 `return`，返回的就是 `None`，`nn.Sequential` 把它传给下一个部分；下一个部分若是线性层（还有别的一些层），报的是：
    `argument 'input' (position 1) must be Tensor, not NoneType`。
    """
    text = "argument 'input' (position 1) must be Tensor, not NoneType"
    assert _wrong(1) == f"TypeError: linear(): {text}"
    X, nothing = torch.rand(2, 20), after("blocks.wrong-kinds").NoReturn()
    assert nothing(X) is None
    parts = (nn.Linear(20, 4), nn.ReLU(), nn.Sigmoid(), nn.LayerNorm(20), nn.Dropout())
    for part in over(parts, LAYERS):
        with pytest.raises(TypeError, match=re.escape(text)):
            nn.Sequential(nothing, part)(X)


def test_linear_layers_refuse_arrays() -> None:
    """A linear layer refuses an array of NumPy, `argument 'input' (position 1) must be Tensor, not numpy.ndarray`;
    `torch.tensor(array, dtype=torch.float32)` is taken.

    线性层不接受 NumPy 数组，报 `argument 'input' (position 1) must be Tensor, not numpy.ndarray`；
    `torch.tensor(array, dtype=torch.float32)` 则可以。
    """
    text = "argument 'input' (position 1) must be Tensor, not numpy.ndarray"
    assert _wrong(2) == f"TypeError: linear(): {text}"
    layer = nn.Linear(20, 4)
    names = ("float16", "float32", "float64", "uint8", "int32", "int64", "bool")
    for name in over(names, "dtypes of NumPy | 种 NumPy 的 dtype"):
        array = torch.ones(2, 20).numpy().astype(name)
        with pytest.raises(TypeError, match=re.escape(text)):
            layer(array)
        assert layer(torch.tensor(array, dtype=torch.float32)).shape == (2, 4)


def test_an_optimiser_cannot_go_through_a_method() -> None:
    """`net.parameters` without parentheses is a method, and an optimiser refuses it: `'method' object is not
    iterable`.

    `net.parameters` 后面没有括号，就是一个方法，优化器不接受：`'method' object is not iterable`。
    """
    text = "'method' object is not iterable"
    assert _wrong(3) == f"TypeError: {text}"
    net = nn.Linear(2, 2)
    for cls in over(optimizers(), OPTIMIZERS):
        with pytest.raises(TypeError, match=text):
            cls(net.parameters, lr=0.1)
        cls(net.parameters(), lr=0.1)


def test_a_class_has_no_parameters_to_hand_out() -> None:
    """`parameters()` is called on an object; on the class, Python misses the object:
    `Module.parameters() missing 1 required positional argument: 'self'`.

    `parameters()` 要对对象调用；对类调用，Python 就缺了这个对象：
    `Module.parameters() missing 1 required positional argument: 'self'`。
    """
    text = "Module.parameters() missing 1 required positional argument: 'self'"
    assert _wrong(4) == f"TypeError: {text}"
    for layer in over(layers(), LAYERS):
        with pytest.raises(TypeError, match=re.escape(text)):
            layer.cls.parameters()
        list(_made(layer).parameters())


def test_losses_take_no_tensors_when_built() -> None:
    """A loss such as `nn.MSELoss` takes options when it is built; tensors in their place end in
    `Boolean value of Tensor with more than one value is ambiguous`. The object that is built takes the tensors.

    `nn.MSELoss` 这样的损失函数，构造时传的是选项；传了张量，就报 `Boolean value of Tensor with more than one value
    is ambiguous`。张量要交给构造出来的对象。
    """
    text = "Boolean value of Tensor with more than one value is ambiguous"
    assert _wrong(5) == f"RuntimeError: {text}"
    X: Any = torch.rand(4, 3)
    kinds = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.CrossEntropyLoss, nn.BCELoss)
    for cls in over((*kinds, nn.BCEWithLogitsLoss), "losses of torch.nn | 种 torch.nn 的损失函数"):
        with pytest.raises(RuntimeError, match=text):
            cls(X, X)
        assert cls()(X, X.softmax(1)).shape == ()


def test_bare_expressions_show_nothing_in_scripts() -> None:
    """In a script, a line that is only `net(X)` shows nothing; at a prompt, Python shows its value.

    脚本里单独一行 `net(X)` 什么也不显示；在交互环境里，Python 会显示它的值。
    """
    names = {"net": nn.Linear(20, 10), "X": torch.rand(2, 20)}
    lines = ("net(X)", "X", "X.shape", "list(net.parameters())", "net.state_dict()", "1 + 1")
    for line in over(lines, "lines | 行代码"):
        for text, mode, shows in (
            (line, "exec", False),
            (f"print({line})", "exec", True),
            (line, "single", True),
        ):
            written = io.StringIO()
            with contextlib.redirect_stdout(written):
                exec(compile(text, "script", mode), dict(names))
            assert bool(written.getvalue()) is shows


# 5.1.2


def test_my_sequential_does_what_sequential_does() -> None:
    """A container that registers its parts as `'0'`, `'1'`, … and calls them in order gives the
    outputs and the `state_dict()` keys of `nn.Sequential`.

    容器按 `'0'`、`'1'`……注册各部分并依次调用，输出和 `state_dict()` 的键就与 `nn.Sequential` 相同。
    """
    state = after("blocks.my-sequential")
    keys = "keys: 0.weight 0.bias 2.weight 2.bias\n"
    assert shown("blocks.my-sequential").output == f"same output: True\n{keys}"
    for layer in over(activations(), ACTIVATIONS):
        theirs = nn.Sequential(nn.Linear(20, 8), layer.make(), nn.Linear(8, 3)).eval()
        mine = state.MySequential(*theirs).eval()
        assert torch.equal(mine(state.X), theirs(state.X))
        assert list(mine.state_dict()) == list(theirs.state_dict())


def test_containers_share_their_layers() -> None:
    """Two containers built from the same layers hold the same objects, not copies: a weight changed
    in one is changed in the other.

    同样的层放进两个容器，两边是同一批对象，不是副本：一边的权重改了，另一边也就改了。
    """
    state = after("blocks.my-sequential")
    before = state.mine(state.X)
    nn.init.zeros_(state.theirs[2].weight)
    assert not torch.equal(state.mine(state.X), before)
    assert torch.equal(state.mine(state.X), state.theirs(state.X))
    for layer in over(layers(), LAYERS):
        part = _made(layer)
        [mine], [theirs] = state.MySequential(part).children(), nn.Sequential(part)
        assert mine is theirs is part


def test_registered_parts_make_no_list() -> None:
    """Registering its parts does not turn a module into a list: it cannot be indexed or iterated over, and
    has no `len`.

    注册了各部分，模块也不会因此变成列表：不能取下标，没有 `len`，不能迭代。
    """
    errors = [error.text for error in shown("blocks.not-a-list").errors]
    assert errors == [
        "TypeError: 'MySequential' object is not subscriptable",
        "TypeError: object of type 'MySequential' has no len()",
        "TypeError: 'MySequential' object is not iterable",
        "AttributeError: 'MySequential' object has no attribute 'append'",
    ]
    state = after("blocks.not-a-list")
    parts = (nn.TransformerEncoderLayer(4, 2, 8), nn.LSTM(4, 3), state.MLP(), state.mine)
    for net in over(parts, "classes that are no list | 种不是列表的类"):
        for ask in (len, iter, lambda part: part[0]):
            with pytest.raises(TypeError, match=r"no len\(\)|not iterable|not subscriptable"):
                ask(net)


def test_sequential_is_like_a_list() -> None:
    """`nn.Sequential` can be indexed and iterated over, has a `len`, and has `append`, `extend`, `insert` and
    `pop`.

    `nn.Sequential` 可以取下标、求 `len`、迭代，还有 `append`、`extend`、`insert` 和 `pop`。
    """
    state = after("blocks.not-a-list")
    assert not hasattr(state.mine, "append")
    last = "the last is Linear(in_features=256, out_features=10, bias=True)"
    assert shown("blocks.not-a-list").output == f"3 parts, {last}\n"
    for n in over(range(1, 8), "lengths | 种长度"):
        parts: list[nn.Module] = [nn.ReLU() for _ in range(n)]
        net = nn.Sequential(*parts)
        more = [nn.Tanh(), nn.GELU(), nn.CELU(), nn.SELU()]
        for kept in (net, parts):
            kept.append(more[0])
            kept.insert(n // 2, more[1])
            kept.extend(more[2:])
        assert net.pop(n) is parts.pop(n)
        assert len(net) == len(parts) == n + 3
        assert list(net) == parts
        assert all(net[i] is parts[i] for i in range(-len(parts), len(parts)))


def test_append_may_replace_a_part_of_a_slice() -> None:
    """`append` of an `nn.Sequential` takes the length as the name: on a slice that does not start at 0, a part that
    has this name is replaced, without an error. With `net[1:]` it is the last part. A new `nn.Sequential` of the
    parts of the slice keeps them all.

    `nn.Sequential` 的 `append` 用长度作名字：切片如果不从 0 开始，已有这个名字的部分就会被换掉，也不报错；`net[1:]`
    换掉的是最后一个。用切片里的各部分新建一个 `nn.Sequential`，就一个也不少。
    """
    cases = [(n, start) for n in range(2, 8) for start in range(n)]
    for n, start in over(cases, "slices | 种切片"):
        net, new = nn.Sequential(*(nn.Linear(2, 2) for _ in range(n))), nn.Tanh()
        part, fresh = net[start:], nn.Sequential(*net[start:])
        names, kept = list(part._modules), list(part)
        part.append(new)
        taken = str(n - start) in names
        assert taken == (0 < start <= n / 2)
        if taken:
            kept[names.index(str(n - start))] = new
        assert list(part) == kept + [new] * (not taken)
        if start == 1:
            assert list(part) == [*net[1:-1], new]
        assert list(fresh.append(new)) == [*net[start:], new]


def test_modules_are_visited_in_the_order_they_came() -> None:
    """`nn.Sequential` and `MySequential` register their parts in the order in which they come, and compute in
    this order.

    `nn.Sequential` 和 `MySequential` 按给出的先后注册各部分，也按这个先后来算。
    """
    state = after("blocks.my-sequential")
    X = state.X - 0.5
    three = (nn.Tanh(), nn.ReLU(), nn.GELU())
    for kind in (nn.Sequential, state.MySequential):
        for a, b, c in over(
            itertools.permutations(three), "orders of three parts | 种三个部分的顺序"
        ):
            chain = kind(a, b, c)
            assert list(chain._modules.items()) == [("0", a), ("1", b), ("2", c)]
            assert torch.equal(chain(X), c(b(a(X))))
    assert not torch.equal(F.gelu(F.relu(torch.tanh(X))), torch.tanh(F.relu(F.gelu(X))))


def test_lists_hide_their_layers() -> None:
    """No walk looks into a plain list: `parameters()` and `state_dict()` give nothing of the layers
    in it, `to()` and `apply()` pass over them.

    注册表的遍历不会翻看普通列表：里面的层，`parameters()` 和 `state_dict()` 里没有，`to()` 和 `apply()` 碰不到。
    """
    assert "list: 0 parameters" in shown("blocks.registry").output
    for layer in over(layers(), LAYERS):
        hidden: Any = nn.Module()
        seen: list[nn.Module] = []
        hidden.blocks = [_made(layer)]
        assert list(hidden.parameters()) == []
        assert hidden.state_dict() == {}
        hidden.to(torch.float64)
        assert all(p.dtype == torch.float32 for p in hidden.blocks[0].parameters())
        hidden.apply(seen.append)
        assert seen == [hidden]


def test_module_list_registers_its_items() -> None:
    """`nn.ModuleList` registers its items: their parameters are found.

    `nn.ModuleList` 会注册它的成员，成员的参数都找得到。
    """
    blocks = after("blocks.registry").Listed(nn.ModuleList).blocks
    assert _names(blocks.named_parameters()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert "ModuleList: 4 parameters" in shown("blocks.registry").output
    for layer in over(layers(), LAYERS):
        part = _made(layer)
        held = nn.ModuleList([part])
        held.append(nn.Linear(2, 1))
        own = [f"0.{name}" for name in _names(part.named_parameters())]
        assert _names(held.named_parameters()) == [*own, "1.weight", "1.bias"]


def test_module_lists_have_no_forward() -> None:
    """An `nn.ModuleList` or `nn.ModuleDict` cannot be called: it is
    `missing the required "forward" function`. Calling its items in a loop works.

    `nn.ModuleList` 和 `nn.ModuleDict` 不能调用：`missing the required "forward" function`；用循环逐个调用成员就能算。
    """
    state, result = after("blocks.call-a-list"), shown("blocks.call-a-list")
    text = 'is missing the required "forward" function'
    assert result.error == f"NotImplementedError: Module [ModuleList] {text}"
    assert result.output == "in a loop: (2, 2)\n"
    assert not any("forward" in vars(kind) for kind in (nn.ModuleList, nn.ModuleDict))
    for layer in over(activations(), ACTIVATIONS):
        for held in (nn.ModuleList([layer.make()]), nn.ModuleDict({"a": layer.make()})):
            with pytest.raises(NotImplementedError, match=text):
                held(state.X)
        chain = nn.Sequential(*(kept := nn.ModuleList([nn.Linear(20, 3), layer.make().eval()])))
        assert torch.equal(kept[1](kept[0](state.X)), chain(state.X))


def test_keys_of_a_module_dict_become_names() -> None:
    """In an `nn.ModuleDict`, the key of a layer comes before the names of its parameters; asking for the key
    gives the very layer that was put in.

    放进 `nn.ModuleDict` 的层，参数名前面带着它的键；按键取出的，就是放进去的那个层。
    """
    net, lines = after("blocks.layers-by-name").two_heads, shown("blocks.layers-by-name").output
    names = ["digit.weight", "digit.bias", "parity.weight", "parity.bias"]
    assert lines == f"digit: (2, 10)\nparity: (2, 2)\n{' '.join(names)}\n"
    assert _names(net.named_parameters()) == [
        "body.weight",
        "body.bias",
        *(f"heads.{name}" for name in names),
    ]
    for layer in over(layers(), LAYERS):
        part = _made(layer)
        held = nn.ModuleDict({"first": nn.Linear(2, 1), "a key": part})
        own = [f"a key.{name}" for name in _names(part.named_parameters())]
        assert _names(held.named_parameters()) == ["first.weight", "first.bias", *own]
        assert held["a key"] is part


def test_a_key_of_a_module_dict_must_fit_into_a_name() -> None:
    """An `nn.ModuleDict` refuses a key that is not a string (`TypeError`), and one that is empty, has a dot
    or is the name of one of its own attributes, such as `keys` or `type` (`KeyError`). A key already in use
    may be used again.

    键如果不是字符串，`nn.ModuleDict` 会拒绝（`TypeError`）；
    为空、带点，或与它自己的属性同名，例如 `keys`、`type`，也会拒绝（`KeyError`）。已有的键可以再用。
    """
    attributes = dir(nn.ModuleDict())
    assert {"keys", "type"} <= set(attributes)
    wrong: list[Any] = [1, None, ("a",), "", "a.b", ".", *attributes]
    for key in over(wrong, "keys | 种键"):
        held = nn.ModuleDict({"a": nn.Linear(1, 1)})
        with pytest.raises(KeyError if isinstance(key, str) else TypeError):
            held[key] = nn.Linear(1, 1)
        assert list(held) == ["a"]
    for key in ("0", "a b", "a-b", "一", "def"):
        held = nn.ModuleDict({key: nn.Linear(1, 1)})
        held[key] = new = nn.ReLU()
        assert list(held.items()) == [(key, new)]


def test_registration_keeps_the_order() -> None:
    """Sub-modules are kept in the order in which their names were registered; a module added under a name
    already in use takes the place of the old one, and one added after its name was deleted comes last.

    子模块按名字注册的先后排列；用已有的名字再添加一个，就在原位替换；名字先删掉再添加，就排到最后。
    """
    chain = after("blocks.registry-order").chain
    lines = shown("blocks.registry-order").output.splitlines()
    assert lines[:3] == ["0 Sigmoid", "1 ReLU", "2 GELU"]
    X = torch.linspace(-1, 1, 5)
    assert torch.equal(chain(X), F.gelu(F.relu(torch.sigmoid(X))))
    assert not torch.equal(chain(X), torch.sigmoid(F.gelu(F.relu(X))))
    for order in over(itertools.permutations("abcd"), "orders of four names | 种四个名字的顺序"):
        net = nn.Module()
        for name in order:
            net.add_module(name, nn.ReLU())
        for name in order:
            net.add_module(name, new := nn.Tanh())
            assert list(net._modules) == list(order)
            assert net._modules[name] is new
        delattr(net, order[0])
        net.add_module(order[0], nn.ReLU())
        assert list(net._modules) == [*order[1:], order[0]]


def test_module_registry_is_a_plain_dict() -> None:
    """`_modules`, the registry of sub-modules, is a plain `dict`, not an `OrderedDict`.

    子模块的注册表 `_modules` 是普通的 `dict`，不是 `OrderedDict`。
    """
    chain = after("blocks.registry-order").chain
    assert type(chain._modules) is dict
    assert shown("blocks.registry-order").output.endswith("_modules is a dict\n")
    for layer in over(layers(), LAYERS):
        assert type(_made(layer)._modules) is dict


def test_optimisers_refuse_an_empty_parameter_list() -> None:
    """A model whose layers are all in a list is refused by `torch.optim.SGD` and by the other optimisers:
    `optimizer got an empty parameter list`.

    模型的层全放在列表里，`torch.optim.SGD` 会拒绝它，别的优化器也一样：`optimizer got an empty parameter list`。
    """
    hidden = after("blocks.registry").Listed(list)
    text = "optimizer got an empty parameter list"
    assert shown("blocks.registry").error == f"ValueError: {text}"
    for optimizer in over(optimizers(), OPTIMIZERS):
        with pytest.raises(ValueError, match=text):
            optimizer(hidden.parameters(), lr=0.1)  # type: ignore[call-arg]


def test_layers_in_a_list_stay_untrained() -> None:
    """If only some layers of a model are in a list, nothing complains: the others are trained, and
    those in the list keep their first values.

    只有一部分层放在列表里，就什么错也不报：别的层在训练，列表里的层一直是最初的值。
    """
    state = after("blocks.registry")
    for optimizer in over(optimizers(), OPTIMIZERS):
        net = state.Listed(list)
        net.out = nn.Linear(2, 1)
        all_layers = (*net.blocks, net.out)
        start = [layer.bias.detach().clone() for layer in all_layers]
        steps: Any = optimizer(net.parameters(), lr=0.1)  # type: ignore[call-arg]
        net.out(net.blocks[1](net.blocks[0](state.X))).sum().backward()
        assert all(layer.bias.grad.any() for layer in all_layers)
        steps.step()
        pairs = zip(start, all_layers, strict=True)
        assert [torch.equal(old, layer.bias) for old, layer in pairs] == [True, True, False]


def test_unchecked_functions_fail_late() -> None:
    """A function written into `_modules` runs; `parameters()` fails later: `'function' object has no
    attribute 'named_modules'`. `to()` and `state_dict()` fail too, each with a message of its own.

    直接写进 `_modules` 的函数照样能跑，等到 `parameters()` 才出错：
    `'function' object has no attribute 'named_modules'`；`to()` 和 `state_dict()` 也会出错，各有各的报错信息。
    """
    state = after("blocks.unchecked")
    late = "'function' object has no attribute"
    assert shown("blocks.unchecked").output == "output: (2, 4)\n"
    assert shown("blocks.unchecked").errors[0].text == f"AttributeError: {late} 'named_modules'"
    failures: tuple[tuple[Any, str], ...] = (
        (lambda net: list(net.parameters()), "named_modules"),
        (lambda net: net.to("cpu"), "_apply"),
        (lambda net: net.state_dict(), "state_dict"),
    )
    functions: tuple[Any, ...] = (
        F.relu,
        F.silu,
        F.hardtanh,
        F.elu,
        F.selu,
        F.softsign,
        F.tanhshrink,
    )
    for function in over(functions, "functions of nn.functional | 个 nn.functional 的函数"):
        odd = state.Unchecked(state.last, function)
        assert torch.equal(odd(state.X), function(state.last(state.X)))
        for ask, missing in failures:
            with pytest.raises(AttributeError, match=f"{late} '{missing}'") as caught:
                ask(odd)
            assert function.__name__ not in str(caught.value)


def test_add_module_refuses_functions() -> None:
    """`add_module` and `nn.Sequential` refuse a function, and other things that are not modules, at once:
    `torch.nn.functional.relu is not a Module subclass`. The one exception is `None`.

    函数和别的不是模块的东西，`add_module` 和 `nn.Sequential` 当场就拒绝：
    `torch.nn.functional.relu is not a Module subclass`；只有 `None` 会收下。
    """
    text = "torch.nn.functional.relu is not a Module subclass"
    refused = [error.text for error in shown("blocks.unchecked").errors[1:]]
    assert refused == [f"TypeError: {text}"] * 2
    things = (F.relu, torch.tanh, nn.ReLU, 2, "relu", [nn.ReLU()], torch.ones(2))
    for thing in over(things, "things that are no module | 种不是模块的东西"):
        adders: tuple[Any, ...] = (nn.Sequential, lambda it: nn.Module().add_module("part", it))
        for add in adders:
            with pytest.raises(TypeError, match="is not a Module subclass"):
                add(thing)
    assert nn.Sequential(None)._modules == {"0": None}  # type: ignore[arg-type]


def test_children_skips_repetitions() -> None:
    """`children()` gives a module once, however many times it is registered, so a loop over it leaves out
    the second use.

    一个模块不管注册几次，`children()` 都只给出一次，用它来循环就会漏掉第二次。
    """
    state = after("blocks.twice")
    once = F.relu(state.square(state.X))
    assert not torch.equal(state.square(once), once)
    assert shown("blocks.twice").output.splitlines()[2] == "ByChildren   calls: 1"
    for times in over(range(1, 9), "numbers of registrations | 种注册次数"):
        net = state.ByChildren(*[state.square, relu := nn.ReLU()] * times)
        assert list(net.children()) == [state.square, relu]
        assert torch.equal(net(state.X), once)


def test_module_registry_keeps_repetitions() -> None:
    """`_modules` keeps a module under each of its names, so a loop over the values calls it once for each.

    模块用几个名字注册过，`_modules` 里就有它几次；遍历 `_modules` 的值来调用，每一次都调用得到。
    """
    state = after("blocks.twice")
    lines = shown("blocks.twice").output.splitlines()
    assert [line.split()[2] for line in lines[:2]] == ["2", "2"]
    calls: list[int] = []
    relu = nn.ReLU()
    relu.register_forward_hook(lambda *_: calls.append(1))
    for times in over(range(1, 9), "numbers of registrations | 种注册次数"):
        for container in (nn.Sequential, state.MySequential):
            calls.clear()
            net = container(*[relu] * times)
            assert list(net._modules.values()) == [relu] * times
            net(state.X)
            assert len(calls) == times


# 5.1.3


def test_buffers_are_no_parameters() -> None:
    """A buffer is registered with the module: it is in `named_buffers()` and `state_dict()`, but not among
    the parameters.

    缓冲区由模块注册，在 `named_buffers()` 和 `state_dict()` 里，但不在参数之列。
    """
    net = after("blocks.fixed-hidden").net
    assert dict(net.named_buffers())["rand_weight"] is net.rand_weight
    assert not isinstance(net.rand_weight, nn.Parameter)
    for dtype in over(all_dtypes(), DTYPES):
        net.register_buffer("rand_weight", torch.ones(2).to(dtype))
        assert _names(net.named_buffers()) == ["rand_weight"]
        assert net.state_dict()["rand_weight"].dtype == dtype
        assert _names(net.named_parameters()) == ["linear.weight", "linear.bias"]


def test_a_buffer_may_stay_out_of_the_state_dict() -> None:
    """A buffer registered with `persistent=False` is not in the `state_dict()`, and follows `to()` like any
    other.

    用 `persistent=False` 注册的缓冲区不在 `state_dict()` 里，但和别的缓冲区一样跟着 `to()` 移动。
    """
    for dtype in over(all_dtypes(), DTYPES):
        module = nn.Module()
        module.register_buffer("mean", torch.ones(2).to(dtype))
        module.register_buffer("cache", torch.ones(2).to(dtype), persistent=False)
        assert list(module.state_dict()) == ["mean"]
        assert module.to("meta").cache.is_meta


def test_layer_used_twice_is_registered_once() -> None:
    """A layer that `forward` calls twice is registered once: both calls share one weight and one
    bias. The same holds for any number of calls.

    `forward` 里用了两次的层只注册一次，两次用的是同一个权重和同一个偏置；用多少次都一样。
    """
    state = after("blocks.fixed-hidden")
    assert _names(state.net.named_parameters()) == ["linear.weight", "linear.bias"]
    calls: list[int] = []
    state.net.linear.register_forward_hook(lambda *_: calls.append(1))
    state.net(state.X)
    assert len(calls) == 2
    assert shown("blocks.fixed-hidden").output.startswith("2 parameters\n")

    class Again(nn.Module):
        def __init__(self, times: int) -> None:
            super().__init__()
            self.times = times
            self.linear = nn.Linear(20, 20)

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            for _ in range(self.times):
                X = self.linear(X)
            return X

    for times in over(range(1, 9), "numbers of uses | 种使用次数"):
        again: Any = Again(times)
        again(state.X).sum().backward()
        assert _names(again.named_parameters()) == ["linear.weight", "linear.bias"]
        assert all(parameter.grad.any() for parameter in again.parameters())


def test_gradients_flow_through_a_constant() -> None:
    """A constant gets no gradient of its own, and yet gradients flow through it to the layer before it.

    常量自己没有梯度，但梯度会穿过它，传到前面的层。
    """
    state = after("blocks.fixed-hidden")
    output = shown("blocks.fixed-hidden").output
    assert "gradient of rand_weight: None\ngradient of linear.weight: True\n" in output
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net = state.FixedHiddenMLP()
        gradients: list[torch.Tensor] = []

        def catch(module: nn.Module, args: Any, output: Any, got: Any = gradients) -> None:
            output.register_hook(got.append)

        net.linear.register_forward_hook(catch)
        net(state.X).backward()
        assert net.rand_weight.grad is None
        assert net.rand_weight.requires_grad is False
        assert len(gradients) == 2
        assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_constants_are_not_trained() -> None:
    """A constant does not change in training: it is not among the `parameters()` given to the optimiser, and
    an optimiser skips a tensor without a gradient.

    训练时常量不变：交给优化器的 `parameters()` 里没有它，而且没有梯度的张量，优化器会跳过。
    """
    state = after("blocks.fixed-hidden")
    others = [torch.optim.SparseAdam, torch.optim.Muon, torch.optim.LBFGS]
    for kind in others:  # only LBFGS writes to it
        alone, there = (nn.Parameter(torch.ones(2, 2)) for _ in range(2))
        there.grad = torch.ones(2, 2)
        if kind is torch.optim.SparseAdam:
            there.grad = there.grad.to_sparse()
        version = alone._version
        kind([alone, there]).step(
            *([lambda there=there: there.sum()] if kind is torch.optim.LBFGS else [])
        )
        assert (there != 1).all()
        assert (alone == 1).all()
        assert (alone._version == version) == (kind is not torch.optim.LBFGS)
    lbfgs = torch.optim.LBFGS([alone, there], max_iter=1)  # what it adds is 0 times its step
    for slope in (2.0, 1.0, torch.nan):
        there.grad.fill_(slope)
        lbfgs.step(lambda: there.sum())
        assert bool(alone.isnan().all()) == math.isnan(slope)
    for optimizer in over(optimizers(), OPTIMIZERS):
        net = state.FixedHiddenMLP()
        net(state.X).backward()
        constant, bias = net.rand_weight.clone(), net.linear.bias.detach().clone()
        optimizer(net.parameters(), lr=0.1).step()  # type: ignore[call-arg]
        assert torch.equal(net.rand_weight, constant)
        assert not torch.equal(net.linear.bias, bias)
        optimizer([net.rand_weight], lr=0.1).step()  # type: ignore[call-arg]
        assert torch.equal(net.rand_weight, constant)
    torch.optim.SGD([net.rand_weight], lr=0.1, weight_decay=1).step()
    assert torch.equal(net.rand_weight, constant)


def _table() -> dict[str, dict[str, bool]]:
    """What the snippet says of the three constants."""
    head, *lines = (line.split() for line in shown("blocks.three-ways").output.splitlines())
    rows = {row: map("True".__eq__, answers) for row, *answers in lines}
    return {
        name: dict(zip(rows, told, strict=True))
        for name, told in zip(head, zip(*rows.values(), strict=True), strict=True)
    }


def test_table_of_constants_has_three_columns() -> None:
    """The table answers four questions about each of the three constants, and is no wider than a phone."""
    assert max(map(len, shown("blocks.three-ways").output.splitlines())) < 38
    assert list(_table()) == ["plain", "buffer", "frozen"]
    assert list(_table()["plain"]) == ["state_dict()", "parameters()", "double()", "to()"]


def test_plain_tensors_are_unknown_to_the_module() -> None:
    """A tensor in a plain attribute is unknown to the module: it is not in `parameters()`, `buffers()` or
    `state_dict()`, and neither `double()` nor `to()` changes it.

    普通属性里的张量不归模块管：`parameters()`、`buffers()`、`state_dict()` 里都没有它，
    `double()` 和 `to()` 也改不到它。
    """
    state = after("blocks.three-ways")
    assert not any(_table()["plain"].values())
    for dtype in over(all_dtypes(), DTYPES):
        module = state.ThreeWays()
        module.plain = torch.ones(2).to(dtype)
        assert _names(module.named_parameters()) == ["frozen"]
        assert _names(module.named_buffers()) == ["buffer"]
        assert set(module.state_dict()) == {"frozen", "buffer"}
        assert module.double().plain.dtype == dtype
        assert module.to("meta").plain.device.type == "cpu"


def test_frozen_parameters_are_handed_out() -> None:
    """A parameter with `requires_grad=False` is saved and moved with its module, and is handed to
    optimisers as well, since `parameters()` gives it.

    `requires_grad=False` 的参数会随模块保存和移动，但也在 `parameters()` 里，会被交给优化器。
    """
    module = after("blocks.three-ways").ThreeWays()
    assert all(_table()["frozen"].values())
    for optimizer in over(optimizers(), OPTIMIZERS):
        steps: Any = optimizer(module.parameters(), lr=0.1)  # type: ignore[call-arg]
        [handed] = steps.param_groups[0]["params"]
        assert handed is module.frozen


def test_requires_grad_thaws_frozen_parameters() -> None:
    """`requires_grad_(True)` on a module unfreezes its frozen parameters, which an optimiser then changes, and
    leaves buffers alone.

    对模块调用 `requires_grad_(True)`，冻结的参数就解冻了，优化器会改动它；缓冲区不受影响。
    """
    module = after("blocks.three-ways").ThreeWays()
    assert module.frozen.requires_grad is False
    module.requires_grad_(True)
    assert module.frozen.requires_grad is True
    assert module.buffer.requires_grad is False
    module = after("blocks.three-ways").ThreeWays()
    sgd = torch.optim.SGD(module.parameters(), lr=0.1)  # which gets it while it is frozen
    before = module.frozen.detach().clone()
    for thawed in (False, True):
        (module.requires_grad_(thawed).frozen.sum() * torch.ones((), requires_grad=True)).backward()
        sgd.step()
        assert torch.equal(module.frozen, before) != thawed
    for layer in over(layers(), LAYERS):
        net = _made(layer).requires_grad_(False).requires_grad_(True)
        assert all(parameter.requires_grad for parameter in net.parameters())
        assert not any(buffer.requires_grad for buffer in net.buffers())


def test_buffers_are_saved_and_moved() -> None:
    """A buffer is in the `state_dict()`, follows `to()`, and `double()` too if it holds floating-point
    numbers, and is not handed to optimisers.

    缓冲区在 `state_dict()` 里，会跟着 `to()` 移动，存的是浮点数时也跟着 `double()` 转换，但不会交给优化器。
    """
    state = after("blocks.three-ways")
    row = _table()["buffer"]
    assert row.pop("parameters()") is False
    assert all(row.values())
    for dtype in over(all_dtypes(), DTYPES):
        module = state.ThreeWays()
        module.buffer = torch.ones(2).to(dtype)
        assert module.state_dict()["buffer"].data_ptr() == module.buffer.data_ptr()
        assert "buffer" not in _names(module.named_parameters())
        wanted = torch.float64 if dtype.is_floating_point else dtype
        assert module.double().buffer.dtype == wanted
        assert module.to("meta").buffer.device.type == "meta"


def test_meta_keeps_shapes_without_data() -> None:
    """A tensor on the device `meta` has a shape but no data.

    `meta` 设备上的张量有形状，没有数据。
    """
    moved = after("blocks.three-ways").moved
    assert moved.buffer.shape == (2,)
    assert (moved.buffer @ torch.ones(2, 7, device="meta")).shape == (7,)
    for dtype in over(all_dtypes(), DTYPES):
        tensor = torch.ones(2, 7).to(dtype).to("meta")
        assert tensor.shape == (2, 7)
        with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
            tensor.tolist()


def test_plain_constants_are_lost_on_reload() -> None:
    """With a constant in a plain attribute, `load_state_dict` reports `<All keys matched
    successfully>`, and yet the other object keeps the constant of its constructor and computes
    something else.

    常量放在普通属性里，`load_state_dict` 报告 `<All keys matched successfully>`，
    另一个对象用的却还是自己构造时的常量，算出另一个结果。
    """
    state = after("blocks.another-model")
    assert shown("blocks.another-model").output.splitlines() == [
        "<All keys matched successfully>",
        "same output: False",
    ]
    assert torch.equal(state.trained.mean, state.X.mean(dim=0))
    assert not state.loaded.mean.any()
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net, clone = state.Shifted(), state.Shifted()
        X = torch.rand(2, 20)
        net.mean = X.mean(dim=0)
        answer = clone.load_state_dict(net.state_dict())
        assert str(answer) == "<All keys matched successfully>"
        assert set(net.state_dict()) == {"linear.weight", "linear.bias"}
        assert torch.equal(net.linear.weight, clone.linear.weight)
        assert net.mean.all()
        assert not clone.mean.any()
        assert not torch.equal(net(X), clone(X))
        clone.mean = net.mean
        assert torch.equal(net(X), clone(X))


def test_buffers_survive_a_reload() -> None:
    """A buffer is saved and loaded with the weights: a copy with the loaded state computes exactly
    what the original computes.

    缓冲区和权重一起保存、一起读回，读回之后的副本与原来的模型算得完全一样。
    """
    state = after("blocks.fixed-hidden")
    assert shown("blocks.fixed-hidden").output.endswith("same output: True\n")
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net, clone = state.FixedHiddenMLP(), state.FixedHiddenMLP()
        assert not torch.equal(net.rand_weight, clone.rand_weight)
        clone.load_state_dict(net.state_dict())
        assert torch.equal(net.rand_weight, clone.rand_weight)
        assert torch.equal(net(state.X), clone(state.X))


def test_plain_constants_break_a_change_of_dtype() -> None:
    """`double()` leaves a tensor in a plain attribute behind. Subtracting one dtype from the other works; a
    matrix product fails: `expected m1 and m2 to have the same dtype, but got: double != float`. A buffer
    follows. With `half()` and `bfloat16()` it is the same, except that the difference is `float32`, which the
    next layer refuses.

    `double()` 改不到普通属性里的张量。两种数据类型相减没有问题，做矩阵乘法就报错：
    `expected m1 and m2 to have the same dtype, but got: double != float`；缓冲区会跟着变。
    `half()` 和 `bfloat16()` 也是如此，只是相减之后又成了 `float32`，后面的层不收。
    """
    state, result = after("blocks.fixed-hidden"), shown("blocks.left-behind")
    text = "expected m1 and m2 to have the same dtype, but got:"
    assert result.errors[0].text == f"RuntimeError: {text} double != float"
    assert result.output == "weight: torch.float64\nmean: torch.float32\n"
    others = [dtype for dtype in float_dtypes() if dtype != torch.float32]
    for dtype in over(others, FLOATS):
        net, X = state.Shifted().to(dtype), state.X.to(dtype)
        assert net.linear.weight.dtype == dtype
        assert net.mean.dtype == torch.float32
        assert (X - net.mean).shape == (X + net.mean).shape == X.shape
        if dtype == torch.float64:
            assert net(X).dtype == dtype
        else:
            assert (X - net.mean).dtype == torch.float32
            with pytest.raises(RuntimeError, match="must have the same dtype, but got Float and"):
                net(X)
        with pytest.raises(RuntimeError, match=rf"{text} \S+ != float"):
            state.PlainWeight().to(dtype)(X)
        assert state.FixedHiddenMLP().to(dtype)(X).dtype == dtype


def test_register_buffer_refuses_an_attribute() -> None:
    """`register_buffer` refuses a name that is already a plain attribute: `attribute 'mean' already exists`.
    Called in place of the assignment, it works. Assigning an `nn.Buffer` over a plain attribute is refused as
    well.

    名字已是普通属性，`register_buffer` 会拒绝：`attribute 'mean' already exists`；用它代替赋值就没有问题。
    把 `nn.Buffer` 赋给已有的普通属性，同样会被拒绝。
    """
    assert shown("blocks.left-behind").error == "KeyError: \"attribute 'mean' already exists\""
    module = nn.Module()
    module.register_buffer("mean", torch.zeros(20))
    assert set(module.state_dict()) == {"mean"}
    for value in over((torch.zeros(20), None, 0, 1.5, "mean", [0]), "attributes | 种属性"):
        plain: Any = nn.Module()
        plain.mean = value
        with pytest.raises(KeyError, match="attribute 'mean' already exists"):
            plain.register_buffer("mean", torch.zeros(20))
        with pytest.raises(KeyError, match="attribute 'mean' already exists"):
            plain.mean = nn.Buffer(torch.zeros(20))
    module.register_buffer("mean", torch.ones(2))  # the name of a buffer is taken over
    assert module.mean.tolist() == [1, 1]


def test_nn_buffer_registers_by_assignment() -> None:
    """A tensor wrapped in `nn.Buffer` is registered as a buffer when it is assigned to an attribute; with
    `persistent=False` it is not in the `state_dict()`.

    用 `nn.Buffer` 标明的张量，赋给属性就注册成缓冲区；写了 `persistent=False` 的不在 `state_dict()` 里。
    """
    for dtype in over(all_dtypes(), DTYPES):
        module: Any = nn.Module()
        module.mean = nn.Buffer(torch.ones(2).to(dtype))
        module.cache = nn.Buffer(torch.ones(2).to(dtype), persistent=False)
        assert _names(module.named_buffers()) == ["mean", "cache"]
        assert list(module.state_dict()) == ["mean"]
        assert list(module.parameters()) == []
        assert module.to("meta").mean.is_meta


def test_halving_ends_at_one_or_below() -> None:
    """The loop halves while the absolute values sum to more than 1, so the number of rounds depends on the
    input.

    循环在绝对值之和大于 1 时减半，走几轮由输入决定。
    """
    state = after("blocks.fixed-hidden")
    counts, cancelled = set(), 0
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net = state.FixedHiddenMLP()
        X = torch.randn(2, 20) * 3**seed
        Y = net.linear(F.relu(net.linear(X) @ net.rand_weight + 1))
        halvings = 0
        while Y.abs().sum() > 1:
            cancelled += bool(Y.sum().abs() <= 1)
            Y, halvings = Y / 2, halvings + 1
        counts.add(halvings)
        assert torch.equal(net(X), Y.sum())
        assert net(X).abs() <= 1
    assert len(counts) > 5
    assert cancelled > 5  # a loop over the absolute value of the sum would have ended earlier


def test_control_flow_is_differentiable() -> None:
    """A `while` loop in `forward` whose length depends on the data does not stop autograd: the gradients of
    the layer before it are finite, not all zero, and those of the rounds that ran.

    `forward` 里的 `while` 循环几次由数据决定，autograd 照样能求导：循环前面的梯度都是有限的，不全为零，对应的正是走过的那几轮。
    """
    state = after("blocks.fixed-hidden")
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net, X = state.FixedHiddenMLP(), state.X * 2**seed
        Y = net.linear(F.relu(net.linear(X) @ net.rand_weight + 1))
        (first,) = torch.autograd.grad(Y.sum(), [net.linear.weight])
        rounds, value = 0, Y.detach()
        while value.abs().sum() > 1:
            value, rounds = value / 2, rounds + 1
        net(X).backward()
        assert torch.allclose(net.linear.weight.grad * 2**rounds, first, rtol=1e-4)
        assert all(torch.isfinite(parameter.grad).all() for parameter in net.parameters())
        assert any(parameter.grad.any() for parameter in net.parameters())


def test_gradients_belong_to_the_steps_that_ran() -> None:
    """Autograd records the rounds of a loop that ran: after `k` halvings the gradient is 1 / 2**k; starting
    from 3, two halvings give 0.25.

    autograd 记下实际走过的每一轮循环：减半 `k` 次，梯度就是 1 / 2**k；从 3 开始减半两次，梯度是 0.25。
    """
    state = after("blocks.halving")
    output = shown("blocks.halving").output
    for start, steps in ((0.5, 0), (3.0, 2), (1000.0, 10)):
        line = f"{start:6}: {steps:4} steps to {start / 2**steps:.3f}, gradient {0.5**steps:.4f}"
        assert line in output.splitlines()
    for start in over((0.5, 1.0, 1.5, 3.0, -5.0, 64.0, 1000.0, 1e6), "starting values | 个起点"):
        x = torch.tensor(start, requires_grad=True)
        y, ran = state.halve(x)
        y.backward()
        assert ran == max(0, math.ceil(math.log2(abs(start))))
        assert y.item() == start / 2**ran
        assert x.grad is not None
        assert x.grad.item() == 0.5**ran


def test_infinity_never_shrinks() -> None:
    """Half of infinity is infinity: a loop that waits for it to shrink ends only at a limit.

    无穷大的一半还是无穷大，等它变小的循环只能靠上限停下。
    """
    state = after("blocks.halving")
    assert "   inf: 1000 steps to inf" in shown("blocks.halving").output
    for dtype in over(float_dtypes(), FLOATS):
        infinity = torch.tensor(math.inf, dtype=dtype)
        for start in (infinity, -infinity):
            assert torch.equal(start / 2, start)
            y, steps = state.halve(start, limit=100)
            assert steps == 100
            assert y.isinf()
        assert state.halve(torch.tensor([1.0, math.inf], dtype=dtype), limit=100)[1] == 100


def test_nan_leaves_the_loop_at_once() -> None:
    """`nan > 1` is false, so NaN leaves a loop with this condition without a single round.

    `nan > 1` 为假，所以以此为条件的循环，遇到 NaN 一轮也不走。
    """
    state = after("blocks.halving")
    assert "   nan:    0 steps to nan" in shown("blocks.halving").output
    for dtype in over(float_dtypes(), FLOATS):
        nan = torch.tensor(math.nan, dtype=dtype)
        assert not nan > 1
        assert state.halve(nan)[1] == 0
        assert state.halve(torch.tensor([3.0, math.nan, math.inf], dtype=dtype))[1] == 0


def test_finite_inputs_can_overflow_in_a_layer() -> None:
    """A layer can turn finite inputs into infinity, as with 20 weights of 1 and inputs of 1e38;
    `torch.isfinite` detects it.

    输入都是有限的数，过一层也可能变成无穷大，例如 20 个权重全为 1、输入为 1e38；`torch.isfinite` 能查出来。
    """
    for inputs in over((5, 20, 64, 256), "widths | 种宽度"):
        layer = nn.Linear(inputs, 3)
        nn.init.ones_(layer.weight)
        X = torch.full((2, inputs), 1e38)
        assert torch.isfinite(X).all()
        assert layer(X).isinf().all()
        assert not torch.isfinite(layer(X)).any()


def test_the_block_hangs_on_infinity_and_ends_on_nan() -> None:
    """In `FixedHiddenMLP` with weights of 1, inputs of 1e38 have become infinity when they reach the loop,
    which then never ends. With the default weights, infinite inputs have become NaN by then, and the loop
    ends at once.

    `FixedHiddenMLP` 的权重全为 1 时，1e38 的输入到循环处已是无穷大，循环再也停不下来；
    用默认的权重，无穷大的输入到那里已是 NaN，循环立刻结束。
    """
    state = after("blocks.halving")

    def before_the_loop(net: Any, X: torch.Tensor) -> Any:
        return net.linear(F.relu(net.linear(X) @ net.rand_weight + 1))

    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net, X = state.FixedHiddenMLP(), torch.full((2, 20), math.inf)
        assert before_the_loop(net, X).isnan().all()
        assert net(X).isnan()
        nn.init.ones_(net.linear.weight)
        Y = before_the_loop(net, torch.full((2, 20), 1e38))
        assert Y.isinf().all()
        assert state.halve(Y, limit=50)[1] == 50


def test_linear_backward_needs_no_output() -> None:
    """The output of a linear layer may be overwritten in place, and the gradients are still right: the
    backward pass needs the input for the gradient of the weight and the weight for that of the input, and
    fails if what it needs was overwritten.

    线性层的输出可以原地改写，得到的梯度仍是对的：求权重的梯度要用输入，求输入的梯度要用权重；
    要用到的张量被改写过，`backward()` 就拒绝执行。
    """
    assert shown("blocks.in-place").output == "after linear: (20, 20)\n"
    state = after("blocks.in-place")
    assert torch.allclose(state.linear.weight.grad, state.X.sum(0).expand(20, 20) / 2)
    for inputs, outputs in over(_SIZES, SIZES):
        linear: Any = nn.Linear(inputs, outputs)
        X = torch.rand(2, inputs, requires_grad=True)
        (linear(X) / 2).sum().backward()
        expected = linear.weight.grad
        linear.zero_grad()
        Y = linear(X)
        Y /= 2
        Y.sum().backward()
        assert linear.weight.grad is not expected
        assert torch.equal(linear.weight.grad, expected)
        for needed, other in ((linear.weight, X), (X, linear.weight)):
            Y = linear(X)
            with torch.no_grad():
                needed /= 2
            with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                Y.sum().backward()
            other.requires_grad_(False)  # nobody asks for the gradient that needs it
            Y = linear(X)
            with torch.no_grad():
                needed /= 2
            Y.sum().backward()
            other.requires_grad_(True)


def test_relu_sigmoid_and_tanh_need_their_output() -> None:
    """Of the element-wise activations of `torch.nn` without parameters, ReLU, Sigmoid and Tanh refuse
    `backward()` if their output was overwritten by `X /= 2`; the others do not, and their gradients are
    right. Some of the others, such as ELU and SELU, do refuse when built with `inplace=True`.

    `torch.nn` 里逐元素计算、没有参数的激活函数中，ReLU、Sigmoid 和 Tanh 的输出被 `X /= 2` 改写之后，`backward()` 会拒绝执行；
    其余的不会，得到的梯度也是对的。不过其中有几种（例如 ELU 和 SELU），写了 `inplace=True` 也会拒绝。
    """
    for kind in (nn.ELU, nn.SELU):
        Y = kind(inplace=True)(nn.Linear(20, 20)(torch.rand(2, 20)))
        Y /= 2
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            Y.sum().backward()
    refused = []
    for layer in over(activations(), ACTIVATIONS):
        activation, linear = layer.make().eval(), nn.Linear(20, 20)
        X = torch.rand(2, 20)
        (activation(linear(X)) / 2).sum().backward()
        expected, linear.bias.grad = linear.bias.grad, None
        Y = activation(linear(X))
        Y /= 2
        try:
            Y.sum().backward()
            assert torch.equal(linear.bias.grad, expected)
        except RuntimeError as error:
            assert "modified by an inplace operation" in str(error)  # noqa: PT017
            refused.append(layer.cls.__name__)
    assert refused == ["ReLU", "Sigmoid", "Tanh"]


def test_sigmoid_backward_needs_its_output() -> None:
    """`sigmoid` computes its gradient from its own output; if that was overwritten in place, `backward()`
    fails: `modified by an inplace operation`.

    `sigmoid` 求梯度要用自己的输出；输出被原地改写过，`backward()` 就拒绝执行：
    `modified by an inplace operation`。
    """
    text = (
        "one of the variables needed for gradient computation has been modified"
        " by an inplace operation"
    )
    result = shown("blocks.in-place")
    assert result.error is not None
    assert result.error.startswith(f"RuntimeError: {text}")
    Y = nn.Linear(3, 3)(torch.ones(1, 3)).sigmoid()
    Y /= 2
    with pytest.raises(RuntimeError, match=text):
        Y.sum().backward()


def test_dividing_out_of_place_is_safe() -> None:
    """`X = X / 2` makes a new tensor and leaves the old one to autograd, so `backward()` works even after
    `sigmoid` and the other activations.

    `X = X / 2` 得到新张量，旧的留给 autograd，所以在 `sigmoid` 和别的激活函数之后也能反向传播。
    """
    for layer in over(activations(), ACTIVATIONS):
        linear: Any = nn.Linear(20, 20)
        Y = layer.make()(linear(torch.rand(2, 20)))
        old, before = Y, Y.detach().clone()
        Y = Y / 2
        Y.sum().backward()
        assert Y is not old
        assert torch.equal(old, before)
        assert linear.weight.grad is not None


def test_in_place_division_stands_only_where_it_is_discussed() -> None:
    """No cell but the one about it divides in place."""
    dividing = [snippet.name for snippet in cells() if "/=" in snippet.source]
    assert dividing == ["blocks.in-place"]


def test_nested_blocks_hand_out_all_parameters() -> None:
    """Blocks nest, and the outermost hands out the parameters of the layers at every depth.

    块可以套块，最外面的块会给出里面每一级、每个层的参数。
    """
    state = after("blocks.chimera")
    assert state.chimera(state.X).shape == ()
    assert state.NestMLP()(state.X).shape == (2, 16)
    linears = [part for part in state.chimera.modules() if isinstance(part, nn.Linear)]
    assert len(linears) == 5
    found = {id(parameter) for parameter in state.chimera.parameters()}
    assert found == {id(p) for layer in linears for p in (layer.weight, layer.bias)}
    assert len(found) == 10
    assert shown("blocks.chimera").output == "output: ()\nparameters: 10\n"
    net: Any = state.chimera
    for depth in over(range(1, 21), "depths | 种深度"):
        net = nn.Sequential(net, nn.Linear(1, 1))
        assert len(list(net.parameters())) == 10 + 2 * depth


def test_buffers_are_no_modules() -> None:
    """A buffer is not a module: `named_modules()` and `named_children()` leave it out.

    缓冲区不是模块，`named_modules()` 和 `named_children()` 里都没有它。
    """
    last = after("blocks.chimera").chimera[2]
    assert _names(last.named_buffers()) == ["rand_weight"]
    assert _names(last.named_children()) == ["linear"]
    assert _names(last.named_modules()) == ["", "linear"]
    holders = [layer for layer in layers() if list(_made(layer).buffers())]
    for layer in over(holders, "layer classes with buffers | 种带缓冲区的层"):
        module = layer.make()
        assert not set(_names(module.named_buffers())) & set(_names(module.named_modules()))


def test_linear_layers_refuse_a_scalar() -> None:
    """A linear layer refuses the scalar that `FixedHiddenMLP` returns: `both arguments to linear need to be at
    least 1D, but they are 0D and 2D`.

    线性层不收 `FixedHiddenMLP` 返回的标量：`both arguments to linear need to be at least 1D, but they are 0D and 2D`。
    """
    text = "both arguments to linear need to be at least 1D, but they are 0D and 2D"
    result = shown("blocks.scalar-inside")
    assert result.error == f"RuntimeError: {text}"
    assert result.output == "of the first part: ()\n"
    scalar = after("blocks.scalar-inside").FixedHiddenMLP()(torch.rand(2, 20))
    for inputs, outputs in over(_SIZES, SIZES):
        with pytest.raises(RuntimeError, match=text):
            nn.Linear(inputs, outputs)(scalar)


def test_broken_makes_three_mistakes() -> None:
    """`Broken` loses its mean on a reload, hands out no parameters, and after `double()` refuses `float64` inputs.

    `Broken` 重新加载会丢掉均值，一个参数也给不出，`double()` 之后还是不收 `float64` 的输入。
    """
    state = after("blocks.check-repaired")
    for seed in over(seeds(5), SEEDS):
        torch.manual_seed(seed)
        net, clone = state.Broken(), state.Broken()
        assert list(net.parameters()) == []
        clone.load_state_dict(net.state_dict())
        assert not torch.equal(net.mean, clone.mean)
        before = net(state.X)
        net.double()
        assert torch.equal(net(state.X), before)  # as if nothing had happened
        with pytest.raises(RuntimeError, match="must have the same dtype"):
            net(state.X.double())


def test_picture_of_chimera_shows_modules_and_no_buffer() -> None:
    """The drawn tree has each module once: a layer used twice too, and no rand_weight."""
    [svg] = shown("blocks.chimera").figures
    texts = _texts(svg)
    for label in ("chimera: Sequential", "0: NestMLP", "net: Sequential", "2: FixedHiddenMLP"):
        assert texts.count(label) == 1
    assert texts.count("linear: Linear") == 2
    assert texts.count("(20, 20)") == 1
    assert "rand_weight" not in svg
    chimera = after("blocks.chimera").chimera
    labels = [text for text in texts if not text.startswith("(")]
    assert len(labels) == len(list(chimera.modules()))


# Exercises

EXERCISES = {
    "repaired": "4 parameters, nothing is lost",
    "parallel": "joined to (2, 12)",
    "audit": "6 tensors",
    "residual": "5 parameters have moved",
    "list-like": "4 parts",
    "skeleton": "152 layers",
    "shapes": "12 rows, no hook is left",
}


@pytest.mark.parametrize("name", EXERCISES)
def test_solution_ends_with_a_check_that_holds(name: str) -> None:
    """Each solution ends with a call of the check, which its reader has seen before, and which asserts."""
    found = [cell for cell in cells() if cell.name in (f"blocks.check-{name}", f"blocks.{name}")]
    check, solution = found
    assert check.name == f"blocks.check-{name}"
    *_, last = ast.parse(solution.source).body
    assert ast.unparse(last).startswith("check_")
    assert f"def {ast.unparse(last).partition('(')[0]}(" in check.source
    assert "assert " in check.source
    assert shown(f"blocks.{name}").output.splitlines()[-1] == f"checked: {EXERCISES[name]}"


def test_two_registrations_mend_three_mistakes() -> None:
    """With the mean as a buffer and the layers in an `nn.ModuleList`, the model comes back from a reload with
    its mean, hands out four parameters, and after `double()` takes `float64` inputs.

    均值注册成缓冲区，层放进 `nn.ModuleList`：重新加载后均值还在，能给出四个参数，`double()` 之后收 `float64` 的输入。
    """
    state = after("blocks.repaired")
    for seed in over(seeds(5), SEEDS):
        torch.manual_seed(seed)
        net, clone = state.Repaired(), state.Repaired()
        assert len(list(net.parameters())) == 4
        clone.load_state_dict(net.state_dict())
        assert torch.equal(net.mean, clone.mean)
        assert torch.equal(net(state.X), clone(state.X))
        net.double()
        assert net(state.X.double()).dtype == torch.float64


def test_check_of_repaired_refuses_half_a_repair() -> None:
    """A list, a plain mean, a mean that is a parameter, one that is not saved, and other numbers fail."""
    state = after("blocks.repaired")

    class PlainMean(state.Repaired):  # type: ignore[misc, name-defined]
        mean: Any

        def __init__(self) -> None:
            super().__init__()
            del self.mean
            self.mean = torch.rand(20)

    class Trained(state.Repaired):  # type: ignore[misc, name-defined]
        mean: Any

        def __init__(self) -> None:
            super().__init__()
            del self.mean
            self.mean = nn.Parameter(torch.rand(20))

    class Unsaved(state.Repaired):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            del self.mean
            self.register_buffer("mean", torch.rand(20), persistent=False)

    class Other(state.Repaired):  # type: ignore[misc, name-defined]
        def forward(self, X: torch.Tensor) -> Any:
            return super().forward(X + self.mean)

    class Constant(state.Repaired):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            del self.mean
            self.register_buffer("mean", torch.full((20,), 0.5), persistent=False)

    class OfZeros(state.Repaired):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.mean = torch.zeros(20)

    with pytest.raises(AssertionError, match="draws its mean"):
        state.check_repaired(OfZeros)
    for wrong in (state.Broken, PlainMean, Trained, Unsaved, Other, Constant):
        with pytest.raises(AssertionError):
            state.check_repaired(wrong)

    class LayersFirst(state.Repaired):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.mean = torch.rand(20)

    state.check_repaired(LayersFirst)


def test_residual_is_the_identity_for_any_shape() -> None:
    """A new Residual gives back inputs of any shape, whatever finite numbers its block computes."""
    Residual = after("blocks.residual").Residual
    for width in (1, 7):
        net = Residual(nn.Sequential(nn.Linear(width, 5), nn.Tanh(), nn.Linear(5, width)))
        X = torch.randn(4, 3, width)
        assert torch.equal(net(X), X)


def test_zero_factor_wakes_its_block() -> None:
    """In `X + scale * block(X)` with `scale` at 0, only `scale` has a gradient other than zero; once it has
    moved, every parameter of the block has one.

    `X + scale * block(X)` 里 `scale` 为 0 时，只有它的梯度不为零；它一动，块里每个参数都有了非零的梯度。
    """
    state = after("blocks.residual")
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net = state.Residual(nn.Sequential(state.block(20, 64), nn.Linear(64, 20)))
        net(state.X).square().sum().backward()
        assert net.scale.grad.abs() > 0
        assert all(not parameter.grad.any() for parameter in net.block.parameters())
        with torch.no_grad():
            net.scale -= 0.01 * net.scale.grad
        assert torch.equal(net(state.X), state.X + net.scale * net.block(state.X))
        net(state.X).square().sum().backward()
        assert all(parameter.grad.any() for parameter in net.parameters())


def test_all_zero_blocks_train_only_the_last_bias() -> None:
    """In the block of the exercise, with all parameters set to zero and its input added to its output,
    only the last bias has a gradient other than zero.

    练习里的块，参数全设为 0，再把输入加到输出上，就只有最后一个偏置的梯度不为零。
    """
    state = after("blocks.residual")
    inner: Any = nn.Sequential(state.block(20, 64), nn.Linear(64, 20))
    for parameter in inner.parameters():
        nn.init.zeros_(parameter)
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        X = torch.randn(2, 20)
        inner.zero_grad()
        output = X + inner(X)
        assert torch.equal(output, X)
        output.square().sum().backward()
        alive = [name for name, parameter in inner.named_parameters() if parameter.grad.any()]
        assert alive == ["1.bias"]


def test_check_of_residual_refuses_a_plain_sum_and_a_constant_factor() -> None:
    """X + block(X) is no identity at first, a factor that stays zero and a block of zeros never learn; zeros in
    the last layer do not help a block without parameters, and a factor of one width fits no other block.
    """
    state: Any = after("blocks.residual")

    class Sum(state.Residual):  # type: ignore[misc]
        def forward(self, X: torch.Tensor) -> Any:
            return X + self.block(X)

    class Deaf(state.Residual):  # type: ignore[misc]
        def forward(self, X: torch.Tensor) -> Any:
            return X + 0 * self.scale * self.block(X)

    class Zeros(state.Residual):  # type: ignore[misc]
        def __init__(self, block: nn.Module) -> None:
            super().__init__(block)
            for parameter in block.parameters():
                nn.init.zeros_(parameter)

        def forward(self, X: torch.Tensor) -> Any:
            return X + self.block(X)

    class NoneAdded(state.Residual):  # type: ignore[misc]
        def __init__(self, block: nn.Module) -> None:
            super().__init__(block)
            del self.scale
            for parameter in [*block.parameters()][-2:]:
                nn.init.zeros_(parameter)

        def forward(self, X: torch.Tensor) -> Any:
            return X + self.block(X)

    for wrong in (Sum, Deaf, Zeros, NoneAdded):
        with pytest.raises(AssertionError):
            state.check_residual(wrong)

    class Twenty(state.Residual):  # type: ignore[misc]
        def __init__(self, block: nn.Module, shape: tuple[int, ...] = (1, 20)) -> None:
            super().__init__(block)
            self.scale = nn.Parameter(torch.zeros(shape))

    with pytest.raises(RuntimeError, match="must match the size"):
        state.check_residual(Twenty)
    state.check_residual(lambda block: Twenty(block, (1,)))


def test_parallel_joins_the_features_of_any_number_of_dimensions() -> None:
    """`Parallel` joins the outputs along the last dimension, whatever the number of dimensions, and can
    itself be nested.

    `Parallel` 沿最后一维拼接输出，输入有几维都行；它自己也可以嵌套。
    """
    state = after("blocks.parallel")
    inner = state.Parallel(nn.Linear(5, 1), nn.Linear(5, 2))
    outer = state.Parallel(inner, nn.Identity())
    for shape in over(((5,), (2, 5), (3, 2, 5), (2, 3, 4, 5)), "shapes | 种形状"):
        X = torch.randn(shape)
        output = outer(X)
        assert output.shape == (*shape[:-1], 8)
        assert torch.equal(output[..., :3], inner(X))
        assert torch.equal(output[..., 3:], X)
    assert _names(outer.named_parameters())[0] == "left.left.weight"


def test_cat_along_dimension_one_needs_matrices() -> None:
    """`torch.cat` along dimension 1 joins the features of matrices; inputs with three dimensions have their
    features in another dimension. Along dimension 1, outputs of different widths are refused,
    `Sizes of tensors must match except in dimension 1`, and those of equal widths are joined there.

    `torch.cat` 取 `dim=1`，拼的是矩阵的特征维；三维的输入，特征不在这一维。两边宽度不同就报错：
    `Sizes of tensors must match except in dimension 1`；宽度相同则会在这一维拼起来。
    """
    state = after("blocks.parallel")
    both = state.Parallel(state.block(20, 8), nn.Linear(20, 4))
    X = torch.rand(3, 2, 20)
    flat = torch.cat((both.left(state.X), both.right(state.X)), dim=1)
    assert torch.equal(flat, both(state.X))
    with pytest.raises(RuntimeError, match="Sizes of tensors must match except in dimension 1"):
        torch.cat((both.left(X), both.right(X)), dim=1)
    assert torch.cat((both.left(X), both.left(X)), dim=1).shape == (3, 4, 8)


def test_check_of_parallel_refuses_other_joins() -> None:
    """Joining along dimension 1, the other order and blocks in a list fail the check."""
    state = after("blocks.parallel")

    class Rows(state.Parallel):  # type: ignore[misc, name-defined]
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return torch.cat((self.left(X), self.right(X)), dim=1)

    class Swapped(state.Parallel):  # type: ignore[misc, name-defined]
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return torch.cat((self.right(X), self.left(X)), dim=-1)

    class Hidden(nn.Module):
        def __init__(self, *parts: nn.Module) -> None:
            super().__init__()
            self.parts = list(parts)

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return torch.cat([part(X) for part in self.parts], dim=-1)

    class Twelve(state.Parallel):  # type: ignore[misc, name-defined]
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            output = torch.zeros(*X.shape[:-1], 12)
            output[..., :8], output[..., 8:] = self.left(X), self.right(X)
            return output

    for wrong in (Rows, Swapped, Hidden, Twelve):
        with pytest.raises((AssertionError, RuntimeError)):
            state.check_parallel(wrong)


def test_shapes_lists_every_call_in_order() -> None:
    """The rows of shapes are the calls: parts before their container, repeated ones twice."""
    state = after("blocks.shapes")
    rows = state.shapes(state.chimera, state.X)
    assert len(rows) == 12
    assert rows[-1] == ("", ())
    lines = shown("blocks.shapes").output.splitlines()[:12]
    assert lines == [f"{name:9} {tuple(shape)}" for name, shape in rows]
    assert state.shapes(state.model, torch.ones(5, 20)) == [
        ("0.0", (5, 64)),
        ("0.1", (5, 64)),
        ("0", (5, 64)),
        ("1.0", (5, 32)),
        ("1.1", (5, 32)),
        ("1", (5, 32)),
        ("2", (5, 10)),
        ("", (5, 10)),
    ]
    assert state.shapes(state.MLP(), state.X) == [
        ("hidden", (2, 256)),
        ("out", (2, 10)),
        ("", (2, 10)),
    ]


def test_forward_hooks_run_when_calls_end() -> None:
    """A forward hook runs when its call ends: the hooks of a block's parts run before that of the block
    itself.

    前向钩子在调用结束时运行：块里各部分的钩子，先于块自己的钩子。
    """
    state = after("blocks.shapes")
    for net in over((state.MLP(), state.NestMLP(), state.model), "models | 个模型"):
        ran: list[str] = []
        for name, part in net.named_modules():
            part.register_forward_hook(lambda *_, name=name, ran=ran: ran.append(name))
        net(state.X)
        assert set(ran) == set(_names(net.named_modules()))
        for i, name in enumerate(ran):
            assert all(name == "" or later != name.rpartition(".")[0] for later in ran[:i])
        assert ran[-1] == ""
    assert ran == ["0.0", "0.1", "0", "1.0", "1.1", "1", "2", ""]


def test_shapes_leaves_no_hook_and_no_foreign_hook_out() -> None:
    """The function `shapes` removes its own hooks, even after an error, and leaves those of others alone.

    函数 `shapes` 会摘掉自己挂的钩子，出错之后也一样；别人的钩子不动。
    """
    state = after("blocks.shapes")
    for n in over(range(4), "numbers of hooks of others | 种别人的钩子数"):
        net = state.MLP()
        calls: list[int] = []
        for _ in range(n):
            net.out.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        assert len(state.shapes(net, state.X)) == 3
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            state.shapes(net, torch.ones(2, 4))
        assert [len(part._forward_hooks) for part in net.modules()] == [0, 0, n]
        net(state.X)
        assert len(calls) == 2 * n
    rows = state.shapes(state.chimera, state.X)
    state.chimera(state.X)
    assert len(rows) == 12


def test_check_of_shapes_refuses_hooks_that_stay() -> None:
    """Hooks that stay after an error, a swallowed error and names of the loop fail the check, as do a hook for
    all modules and a pre-hook that stay; a hook for all modules that is removed passes.
    """
    state = after("blocks.shapes")

    def stay(module: nn.Module, X: torch.Tensor) -> Any:
        rows: list[Any] = []

        def watch(name: str) -> Any:
            return lambda part, args, output: rows.append((name, tuple(output.shape)))

        hooks = [part.register_forward_hook(watch(name)) for name, part in module.named_modules()]
        module(X)
        for hook in hooks:
            hook.remove()
        return rows

    def swallow(module: nn.Module, X: torch.Tensor) -> Any:
        try:
            return state.shapes(module, X)
        except RuntimeError:
            return []

    def last(module: nn.Module, X: torch.Tensor) -> Any:
        return [("", shape) for _, shape in state.shapes(module, X)]

    handles = list[Any]()

    def everywhere(module: nn.Module, X: torch.Tensor) -> Any:
        names, rows = {part: name for name, part in module.named_modules()}, []

        def note(part: nn.Module, args: Any, output: torch.Tensor) -> None:
            if part in names:
                rows.append((names[part], tuple(output.shape)))

        handles.append(nn.modules.module.register_module_forward_hook(note))
        module(X)
        return rows

    def before(module: nn.Module, X: torch.Tensor) -> Any:
        handles.append(module.register_forward_pre_hook(lambda *_: None))
        return state.shapes(module, X)

    def clean(wrong: Any) -> Any:
        def right(module: nn.Module, X: torch.Tensor) -> Any:
            try:
                return wrong(module, X)
            finally:
                handles.pop().remove()

        return right

    for wrong in (everywhere, before):
        state.check_shapes(clean(wrong))
        with pytest.raises(AssertionError, match="a hook is left"):
            state.check_shapes(wrong)
        while handles:
            handles.pop().remove()

    def sweep(module: nn.Module, X: torch.Tensor) -> Any:
        try:
            return state.shapes(module, X)
        finally:
            for part in module.modules():
                part._forward_hooks.clear()

    with pytest.raises(AssertionError, match="or one is gone"):
        state.check_shapes(sweep)
    for wrong in (swallow, last, stay):
        with pytest.raises(AssertionError):
            state.check_shapes(wrong)


def test_hooks_in_a_loop_see_the_last_name() -> None:
    """Hooks written in a loop over names look the name up when they run, and all see the last one.

    写在循环体里的钩子，运行时才去查循环变量，看到的都是最后那个名字。
    """
    state = after("blocks.shapes")
    for net in over((state.MLP(), state.NestMLP(), state.model), "models | 个模型"):
        rows: list[str] = []
        for name, part in net.named_modules():
            part.register_forward_hook(lambda *_, rows=rows: rows.append(name))  # noqa: B023
        net(state.X)
        names = _names(net.named_modules())
        assert rows == [names[-1]] * len(names)


def test_list_sequential_does_what_a_list_does() -> None:
    """Length, iteration, indices and slices of `ListSequential` are those of the list of parts.

    `ListSequential` 的长度、迭代、下标和切片，与各部分组成的列表一致。
    """
    state = after("blocks.list-like")
    relu = nn.ReLU()
    parts = [relu, nn.Linear(20, 20), relu, relu, nn.Tanh()]
    net = state.ListSequential(*parts)
    assert len(net) == 5
    assert list(net) == parts
    assert all(net[i] is parts[i] for i in range(-5, 5))
    for i in (-6, 5):
        with pytest.raises(IndexError):
            net[i]
    ends = (None, -9, -2, 0, 1, 3, 9)
    cuts = [slice(a, b, step) for a in ends for b in ends for step in (None, 2, -1)]
    for cut in over(cuts, "slices | 种切片"):
        assert type(net[cut]) is state.ListSequential
        assert list(net[cut]) == parts[cut]
    assert torch.equal(net[1:3][:1](state.X), parts[1](state.X))


def test_slices_share_their_modules() -> None:
    """A slice holds the same parameters as the whole: a change in one is a change in both."""
    mine = after("blocks.list-like").mine
    with torch.no_grad():
        mine[2:][0].weight.fill_(7)
    assert mine[-1].weight.eq(7).all()


def test_sequential_slices_keep_their_names() -> None:
    """A slice of an `nn.Sequential` keeps the names of its parts: `state_dict()` of `net[2:]` begins
    with `2.weight`.

    `nn.Sequential` 的切片沿用原来的名字：`net[2:]` 的 `state_dict()` 从 `2.weight` 开始。
    """
    state = after("blocks.list-like")
    assert shown("blocks.list-like").output.splitlines()[:2] == [
        "names in mine[1:]:   ['0', '1']",
        "names in theirs[1:]: ['1', '2']",
    ]
    assert list(state.theirs) == list(state.mine) == state.parts
    assert set(state.mine[2:].state_dict()) == {"0.weight", "0.bias"}
    assert set(state.theirs[2:].state_dict()) == {"2.weight", "2.bias"}
    long = nn.Sequential(*(nn.Linear(1, 1) for _ in range(6)))
    for start in over(range(6), "slices | 种切片"):
        kept = list(long[start:].state_dict())
        assert kept == list(long.state_dict())[2 * start :]


def test_check_of_list_sequential_refuses_children() -> None:
    """A `ListSequential` written with `children()` loses a repeated part: its length is 3, and it fails the
    check of the exercise, as does one whose slices are lists.

    用 `children()` 写的 `ListSequential` 会丢掉重复的部分：长度只有 3，通不过练习的检验；切片是列表的写法也通不过。
    """
    state: Any = after("blocks.list-like")

    class ByChildren(state.ListSequential):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(list(self.children()))

        def __iter__(self) -> Any:
            return self.children()

    class ListSlices(state.ListSequential):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> Any:
            return list(self)[index]

    class Turning(state.ListSequential):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> Any:
            if isinstance(index, slice):
                return super().__getitem__(index)
            return list(self)[index % len(self)]

    class Twice(state.ListSequential):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> Any:
            if isinstance(index, slice):
                return super().__getitem__(index)
            return list(self)[index + len(self) if index < 0 else index]

    class BothEnds(state.ListSequential):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> Any:
            if isinstance(index, slice):
                start = index.start if index.start >= 0 else index.start + len(self)
                return super().__getitem__(slice(start, index.stop, index.step))
            return super().__getitem__(index)

    class ByRange(state.ListSequential):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> Any:
            if isinstance(index, slice):
                places = range(*index.indices(len(self)))
                return ByRange(*(self[i] for i in places))
            return super().__getitem__(index)

    class Keys(state.ListSequential):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> Any:
            if isinstance(index, slice):
                return super().__getitem__(index)
            return self._modules[str(index + len(self) if index < 0 else index)]

    class Theirs(nn.Sequential):
        pass

    with pytest.raises(AssertionError, match="KeyError'>, not IndexError"):
        state.check_list_sequential(Keys)
    with pytest.raises(AssertionError, match="derive it from MySequential"):
        state.check_list_sequential(Theirs)
    with pytest.raises(TypeError, match="NoneType"):
        state.check_list_sequential(BothEnds)
    state.check_list_sequential(ByRange)
    square = state.square
    assert len(ByChildren(square, nn.ReLU(), square, nn.Linear(20, 4))) == 3
    for wrong in over((ByChildren, ListSlices, Turning, Twice), "wrong answers | 种错误的答案"):
        with pytest.raises(AssertionError):
            state.check_list_sequential(wrong)


def test_repeat_builds_blocks_of_their_own() -> None:
    """The function `repeat` calls its factory once per block, in order, and no two blocks share a parameter.

    函数 `repeat` 每要一个块就按顺序调用一次工厂函数，各块的参数互不共享。
    """
    state = after("blocks.skeleton")
    for n in over(range(8), "numbers of blocks | 种块数"):
        widths = iter(range(1, n + 1))
        chain = state.repeat(n, lambda widths=widths: nn.Linear(3, next(widths)))
        assert type(chain) is nn.Sequential
        assert [part.out_features for part in chain] == list(range(1, n + 1))
        assert len({id(parameter) for parameter in chain.parameters()}) == 2 * n
        assert next(widths, None) is None


def test_repeated_objects_are_one_block() -> None:
    """`[make()] * n` is the same block `n` times: an `nn.Sequential` made of it works, but has the parameters
    of a single block.

    `[make()] * n` 是同一个块出现 `n` 次：放进 `nn.Sequential` 照样能算，参数却只有一个块那么多。
    """
    state = after("blocks.skeleton")

    def once(n: int, make: Any) -> Any:
        return nn.Sequential(*[make()] * n)

    def make() -> Any:
        return state.block(16, 16)

    for n in over((1, 2, 3, 8, 36), "numbers of blocks | 种块数"):
        chain = once(n, make)
        assert len(chain) == n
        assert len(list(chain.parameters())) == 2
        assert chain(torch.rand(2, 16)).shape == (2, 16)
        assert len(list(state.repeat(n, make).parameters())) == 2 * n

    def copied(n: int, make: Any) -> Any:
        first = make()
        return nn.Sequential(*(copy.deepcopy(first) for _ in range(n)))

    for wrong in (once, copied):
        with pytest.raises(AssertionError):
            state.check_repeat(wrong)


def _skeleton(state: Any, wrap: Any) -> Any:
    """The skeleton of ResNet-152, as the check of the exercise builds it."""

    def unit() -> Any:
        return wrap(state.repeat(3, lambda: state.block(16, 16)))

    groups = [state.repeat(n, unit) for n in (3, 8, 36, 3)]
    return nn.Sequential(nn.Linear(20, 16), *groups, nn.Linear(16, 10))


def test_skeleton_has_the_shape_of_resnet_152() -> None:
    """The skeleton has four groups of 3, 8, 36 and 3 blocks between two layers, and 354 parameters."""
    state = after("blocks.skeleton")
    skeleton = _skeleton(state, state.Residual)
    entrance, *groups, _ = skeleton
    assert [len(group) for group in groups] == [3, 8, 36, 3]
    assert sum(isinstance(part, nn.Linear) for part in skeleton.modules()) == 152
    assert len(list(skeleton.parameters())) == 354
    skeleton(state.X).sum().backward()
    assert entrance.weight.grad.any()
    assert shown("blocks.skeleton").output == "checked: 152 layers\n"


def test_deep_chains_lose_the_signal() -> None:
    """In a chain of 152 linear layers with ReLUs and the default initialisation, the signal is lost: two
    inputs get the same output, and the gradient of the first layer's weight is zero.

    152 个线性层带着 ReLU 直接相连，用默认的初始化，信号传不过去：两个样本的输出一模一样，第一层权重的梯度为零。
    """
    state = after("blocks.skeleton")
    for seed in over(seeds(5), SEEDS):
        torch.manual_seed(seed)
        net = _skeleton(state, lambda inner: inner)
        assert sum(isinstance(part, nn.Linear) for part in net.modules()) == 152
        output = net(state.X)
        output.sum().backward()
        assert torch.equal(output[0], output[1])
        assert not net[0].weight.grad.any()
        assert not net[0].bias.grad.any()


def test_audit_finds_every_kind_at_every_depth() -> None:
    """The audit names parameters, buffers and plain tensors of nested modules, and no missing bias."""
    audit = after("blocks.audit").audit
    inner: Any = nn.Sequential(nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3))
    inner.scale = torch.ones(3)
    inner[0].note = "no tensor"
    net = nn.ModuleDict({"a": inner, "b": nn.ReLU()})
    assert audit(net) == {
        "a.0.weight": "parameter",
        "a.1.weight": "parameter",
        "a.1.bias": "parameter",
        "a.1.running_mean": "buffer",
        "a.1.running_var": "buffer",
        "a.1.num_batches_tracked": "buffer",
        "a.scale": "plain",
    }
    assert audit(nn.ReLU()) == {}


def test_audit_lists_each_tensor_once() -> None:
    """A plain tensor that two parts share has one entry; a registered one has that of its registry only."""
    audit = after("blocks.audit").audit
    net: Any = nn.Sequential(nn.BatchNorm1d(3, affine=False), nn.ReLU())
    net[0].mean = net[1].mean = torch.ones(3)
    net.again = net[0].running_mean
    net.register_parameter("scale", nn.Parameter(torch.ones(3)))
    net[1].register_buffer("scale", net.scale)
    assert audit(net) == {
        "scale": "parameter",
        "0.running_mean": "buffer",
        "0.running_var": "buffer",
        "0.num_batches_tracked": "buffer",
        "0.mean": "plain",
    }


def test_registered_tensors_are_not_in_vars() -> None:
    """A tensor in a plain attribute is in `vars(module)`; parameters and buffers are not, since the module
    keeps them in its registries.

    普通属性里的张量在 `vars(module)` 里；参数和缓冲区不在，模块把它们收在注册表中。
    """
    module = after("blocks.audit").ThreeWays()
    assert isinstance(vars(module)["plain"], torch.Tensor)
    assert vars(module)["_buffers"]["buffer"] is module.buffer
    assert vars(module)["_parameters"]["frozen"] is module.frozen
    for layer in over(layers(), LAYERS):
        for part in _made(layer).modules():
            assert not {*part._parameters, *part._buffers} & set(vars(part))


def test_walks_go_through_all_levels() -> None:
    """`named_parameters()`, `named_buffers()` and `named_modules()` go through all levels, and name what they
    find by its whole path; something that is in two places is given once, under its first name.

    `named_parameters()`、`named_buffers()` 和 `named_modules()` 会走遍所有层级，名字就是整条路径；
    同一个东西放在两处，也只给出一次，用第一个名字。
    """
    net: Any = nn.Sequential(nn.BatchNorm1d(2))
    for depth in over(range(1, 13), "depths | 种深度"):
        path = ".".join(["0"] * depth)
        assert _names(net.named_parameters()) == [f"{path}.weight", f"{path}.bias"]
        assert f"{path}.running_mean" in _names(net.named_buffers())
        assert _names(net.named_modules()) == [
            path[: 2 * i + 1] if i >= 0 else "" for i in range(-1, depth)
        ]
        twice = nn.Sequential(net, net)
        for walk in ("named_parameters", "named_buffers"):
            names = _names(getattr(twice, walk)())
            assert names == [f"0.{name}" for name in _names(getattr(net, walk)())]
        assert "1" not in _names(twice.named_modules())
        net = nn.Sequential(net)


def test_an_audit_does_not_look_into_lists() -> None:
    """The audit of a module with two layers in a Python list finds the mean, which is outside the list, and
    nothing of the layers. A tuple, a set and a dictionary hide them as well.

    模块有两个层放在列表里，盘点只找得到列表外面的均值，层里的张量一个也找不到；放在元组、集合、字典里也一样。
    """
    state = after("blocks.audit")
    assert state.audit(state.Broken()) == {"mean": "plain"}
    assert set(state.audit(state.Listed(nn.ModuleList)).values()) == {"parameter"}
    assert shown("blocks.audit").output.startswith("of Broken: {'mean': 'plain'}\n")
    for kind in over((list, tuple, set, dict.fromkeys), "kinds of collections | 种容器"):
        assert state.audit(state.Listed(kind)) == {}


def test_check_of_audit_refuses_half_an_audit() -> None:
    """An audit without the plain tensors, without the full names, or of one level only fails, as does one that
    leaves out what is not saved, calls a buffer of a part a parameter, or lists a tensor twice.
    """
    state = after("blocks.audit")

    def registered(module: nn.Module) -> Any:
        return {k: v for k, v in state.audit(module).items() if v != "plain"}

    def short(module: nn.Module) -> Any:
        return {k.rpartition(".")[2]: v for k, v in state.audit(module).items()}

    def one_level(module: nn.Module) -> Any:
        return {k: v for k, v in state.audit(module).items() if "." not in k}

    def plain(module: nn.Module) -> Any:
        return {k: v for k, v in state.audit(module).items() if v == "plain"}

    def saved(module: nn.Module) -> Any:
        kinds = {k: "buffer" if k in module._buffers else "parameter" for k in module.state_dict()}
        return kinds | plain(module)

    def saved_by_kind(module: nn.Module) -> Any:
        kept = module.state_dict()
        return {k: v for k, v in state.audit(module).items() if k in kept} | plain(module)

    def of_kind(module: nn.Module) -> Any:
        buffers = dict.fromkeys(_names(module.named_buffers()), "parameter")
        return state.audit(module) | buffers | dict.fromkeys(module._buffers, "buffer")

    def twice(module: nn.Module) -> Any:
        found = dict(state.audit(module))
        for path, part in module.named_modules():
            for name, value in vars(part).items():
                if isinstance(value, torch.Tensor):
                    found[f"{path}.{name}".removeprefix(".")] = "plain"
        return found

    def last_name(module: nn.Module) -> Any:
        names = dict[int, tuple[str, str]]()
        for path, part in module.named_modules():
            registries = (vars(part), part._buffers, part._parameters)
            for kind, registry in zip(("plain", "buffer", "parameter"), registries, strict=True):
                for name, value in registry.items():
                    known = names.get(id(value), ("", "plain"))[1]
                    if isinstance(value, torch.Tensor) and (kind != "plain" or known == "plain"):
                        names[id(value)] = f"{path}.{name}".removeprefix("."), kind
        return dict(names.values())

    def equal_ones(module: nn.Module) -> Any:
        found, seen = dict[str, str](), list[torch.Tensor]()
        full = state.audit(module)
        for name in full:
            path, _, last = name.rpartition(".")
            value = getattr(module.get_submodule(path), last)
            if full[name] != "plain" or not any(torch.equal(value, other) for other in seen):
                found[name] = full[name]
                seen.append(value)
        return found

    with pytest.raises(AssertionError, match="equal, but two tensors"):
        state.check_audit(equal_ones)
    with pytest.raises(AssertionError, match=r"^.?\{\('plain', 'plain'\)\}"):
        state.check_audit(registered)
    state.check_audit(last_name)
    for wrong in (registered, short, one_level, saved, saved_by_kind, of_kind, twice):
        with pytest.raises(AssertionError):
            state.check_audit(wrong)


# Summary


def test_a_model_is_a_tree_of_modules() -> None:
    """A model is a tree of `nn.Module`s: `named_children()` gives one level, and `named_modules()` the module
    itself and all levels below it.

    模型是由 `nn.Module` 组成的树：`named_children()` 给出下一级，`named_modules()` 给出模块自身和下面的所有层级。
    """

    def walk(name: str, module: nn.Module) -> list[tuple[str, nn.Module]]:
        below = [
            pair
            for key, child in module.named_children()
            for pair in walk(f"{name}.{key}".removeprefix("."), child)
        ]
        return [(name, module), *below]

    chimera = after("blocks.chimera").chimera
    found = list(chimera.named_modules())
    assert found == walk("", chimera)
    assert len(found) > len(list(chimera.named_children())) == 3
    for layer in over(layers(), LAYERS):
        module = _made(layer)
        assert list(module.named_modules()) == walk("", module)
        assert all(isinstance(part, nn.Module) for part in module.modules())


def test_super_init_comes_before_all_registration() -> None:
    """Without `super().__init__()`, a layer or a parameter cannot be assigned and a buffer cannot be
    registered; after it, all three can.

    没有调用 `super().__init__()`，就不能给属性赋层、赋参数，也不能注册缓冲区；调用之后都可以。
    """

    class Part(nn.Module):
        def __init__(self, first: bool, kind: str) -> None:
            if first:
                super().__init__()
            if kind == "layer":
                self.layer = nn.Linear(2, 2)
            elif kind == "parameter":
                self.weight = nn.Parameter(torch.ones(2))
            else:
                self.register_buffer("mean", torch.ones(2))

    for kind in over(("layer", "parameter", "buffer"), "kinds of parts | 种成员"):
        with pytest.raises(AttributeError, match=r"before Module\.__init__\(\) call"):
            Part(False, kind)
        assert Part(True, kind).state_dict()


def test_hooks_before_and_after_run_only_in_calls() -> None:
    """`net(X)` runs the hooks of `net` before and after `forward`; `net.forward(X)` runs neither.

    `net(X)` 会运行 `net` 的钩子，`forward` 之前和之后的都会；`net.forward(X)` 两种都不运行。
    """
    for layer in over(activations(), ACTIVATIONS):
        net = layer.make()
        ran: list[str] = []
        net.register_forward_pre_hook(lambda *_, ran=ran: ran.append("before"))
        net.register_forward_hook(lambda *_, ran=ran: ran.append("after"))
        net.forward(*layer.inputs())
        assert ran == []
        layer.call(net)
        assert ran == ["before", "after"]


def test_module_list_and_module_dict_register() -> None:
    """Layers in an `nn.ModuleList` or `nn.ModuleDict` are registered; in a list or a dict they are hidden
    from `parameters()`, `state_dict()` and `to()`.

    放进 `nn.ModuleList` 或 `nn.ModuleDict` 的层会注册；放进列表或字典，
    `parameters()`、`state_dict()`、`to()` 就找不到它们。
    """
    holders: tuple[tuple[Any, bool], ...] = (
        (lambda part: nn.ModuleList([part]), True),
        (lambda part: nn.ModuleDict({"a": part}), True),
        (lambda part: [part], False),
        (lambda part: {"a": part}, False),
    )
    for layer in over(layers(), LAYERS):
        for hold, registers in holders:
            net, part = nn.Module(), _made(layer)
            net.parts = hold(part)
            count = len(list(part.parameters())) if registers else 0
            assert len(list(net.parameters())) == count
            assert len(net.state_dict()) == (len(part.state_dict()) if registers else 0)
            net.to(torch.float64)
            wanted = torch.float64 if registers else torch.float32
            assert all(parameter.dtype == wanted for parameter in part.parameters())


def test_a_loop_out_of_place_has_its_gradient() -> None:
    """A loop that ran `X = X / 2` three times divides the gradient by 2**3. Written as `X /= 2` on the output
    of `sigmoid`, the same loop makes `backward()` fail.

    循环执行了三次 `X = X / 2`，梯度就除以 2**3；对 `sigmoid` 的输出写成 `X /= 2`，同样的循环会让 `backward()` 报错。
    """
    for size, rounds in over(((3, 1), (4, 1), (6, 2), (12, 3), (100, 6)), "lengths | 种长度"):
        start = torch.full((size,), 0.0, requires_grad=True)
        X: Any = start.sigmoid()
        while X.sum() > 1:
            X = X / 2
        X.sum().backward()
        assert X.sum().item() == size / 2 / 2**rounds
        assert torch.equal(start.grad, torch.full((size,), 0.25 / 2**rounds))  # type: ignore[arg-type]
        X = start.sigmoid()
        while X.sum() > 1:
            X /= 2
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            X.sum().backward()


# The whole section


def test_no_cell_ends_in_a_bare_expression() -> None:
    """What a reader should see is printed: every expression statement is a call."""
    for snippet in cells():
        for statement in ast.parse(snippet.source).body:
            if isinstance(statement, ast.Expr):
                assert isinstance(statement.value, ast.Call), snippet.name


def test_every_cell_shows_something() -> None:
    """Each cell prints, draws, raises or is the check of an exercise."""
    shows = re.compile(r"^ *(print|draw|check_\w+)\(", re.MULTILINE)
    assert all(shows.search(snippet.source) or snippet.raises for snippet in cells())


def test_outputs_do_not_depend_on_the_seed_before() -> None:
    """Two runs of the section print and draw the same, whatever was drawn before them."""
    torch.manual_seed(1)
    first = shown_afresh("blocks.shapes")
    torch.manual_seed(2)
    second = shown_afresh("blocks.shapes")
    assert (first.output, first.figures) == (second.output, second.figures)


def test_models_of_the_section_are_reproducible() -> None:
    """Models of two runs hold the same numbers, since the cells set the seed themselves."""

    def run(seed: int) -> types.ModuleType:
        torch.manual_seed(seed)
        return after("blocks.shapes")

    a, b = run(1), run(2)
    assert torch.equal(a.X, b.X)
    for name in ("model", "first", "trained", "square", "linear", "chimera"):
        pairs = zip(getattr(a, name).parameters(), getattr(b, name).parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs), name


def test_the_fixes_for_blocks_work() -> None:
    """Each fix that the index of errors gives for 5.1 was tried: code written that way runs.

    报错索引里 5.1 的改法都试过：照着写的代码都能运行。
    """
    state, X = after("blocks.list-like"), torch.rand(2, 20)

    class Layered(nn.Module):
        def __init__(self, width: int = 8) -> None:
            super().__init__()
            self.hidden = nn.Linear(20, width)
            self.factor = 2
            self.scale = nn.Parameter(torch.ones(width))

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return F.relu(self.factor * self.hidden(X)) * self.scale

    class Listed(nn.Sequential):
        pass

    net: Any = Layered()
    parts = [nn.Linear(20, 8), nn.Linear(8, 2)]

    def super_init_first() -> bool:
        class Mixin:
            def __init__(self) -> None:
                self.tag = "it does not go on to the next class"

            def forward(self, X: torch.Tensor) -> torch.Tensor:
                return X

        class Wrong(Mixin, nn.Module):
            def __init__(self, part: Any) -> None:
                super().__init__()
                self.part = part

        class Both(Mixin, nn.Module):
            def __init__(self, part: Any) -> None:
                nn.Module.__init__(self)
                Mixin.__init__(self)
                self.part = part

        class Going(Mixin):
            def __init__(self) -> None:
                super().__init__()
                super(Mixin, self).__init__()  # what is added to the mixin

        class Added(Going, nn.Module):
            def __init__(self, part: Any) -> None:
                super().__init__()
                self.part = part

        for part, text, names in (
            (nn.Linear(1, 1), "assign module before", ["part.weight", "part.bias"]),
            (nn.Parameter(X), "assign parameters before", ["part"]),
            (2, "no attribute '_backward_hooks'", []),
        ):
            with pytest.raises(AttributeError, match=text):
                Wrong(part)(X)
            for both in (Both(part), Added(part)):
                assert both(X) is X
                assert both.tag.startswith("it")
                assert [*dict(both.named_parameters())] == names
        return len(list(Layered().parameters())) == 3 and bool((Layered()(X) >= 0).all())

    def build_first_then_call() -> bool:
        return bool(Layered()(X).shape == (2, 8))

    def two_underscores_on_both_sides() -> bool:
        class Misspelt(nn.Module):
            def _init_(self, width: int) -> None:
                super().__init__()

        class Handing(nn.Module):
            def __init__(self, *given: Any, **named: Any) -> None:
                super().__init__(*given, **named)

        for cls, given in ((Misspelt, 20), (Handing, 20), (Handing, nn.Module)):
            with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
                cls(given)
        for cls in (Misspelt, Handing):
            with pytest.raises(TypeError, match="unexpected keyword argument 'width'"):
                cls(width=20)
        return Layered(20).hidden.out_features == Layered(width=20).hidden.out_features == 20

    def parameters_anew() -> bool:
        used = net.parameters()
        list(used)
        with pytest.raises(ValueError, match="empty parameter list"):
            torch.optim.SGD(used, lr=0.1)
        with pytest.raises(TypeError, match="object is not iterable"):
            torch.optim.SGD(net, lr=0.1)
        a, b = parts
        with pytest.raises(TypeError, match=r"one of the params is Module\.parameters"):
            torch.optim.SGD([a.parameters(), b.parameters()], lr=0.1)
        joined = torch.optim.SGD([*a.parameters(), *b.parameters()], lr=0.1)
        assert len(joined.param_groups[0]["params"]) == 4
        return bool(torch.optim.SGD(net.parameters(), lr=0.1).param_groups[0]["params"])

    def unpack_the_list() -> bool:
        with pytest.raises(TypeError, match="list is not a Module subclass"):
            nn.Sequential(parts)
        with pytest.raises(TypeError, match="list is not a Module subclass"):
            nn.ModuleList([parts])
        with pytest.raises(TypeError, match="dict is not a Module subclass"):
            nn.ModuleList([dict(enumerate(parts))])
        named = {"a": parts[0], "b": parts[1]}
        with pytest.raises(TypeError, match="dict is not a Module subclass"):
            nn.Sequential(named)
        assert nn.Sequential(collections.OrderedDict(named))(X).shape == (2, 2)
        for inner in (nn.ModuleList(parts), nn.ModuleDict(named)):
            assert len(list(nn.ModuleList([inner]).parameters())) == 4
        with pytest.raises(TypeError, match=r"activation\.ReLU is not a Module subclass"):
            nn.Sequential(parts[0], nn.ReLU)
        return len(nn.Sequential(*parts)) == len(nn.Sequential(parts[0], nn.ReLU())) == 2

    def unfreeze_something() -> bool:
        body = nn.Sequential(*copy.deepcopy(parts)).requires_grad_(False)
        with pytest.raises(ValueError, match="empty parameter list"):
            torch.optim.SGD([p for p in body.parameters() if p.requires_grad], lr=0.1)
        body[-1] = nn.Linear(8, 3)
        optimizer = torch.optim.SGD([p for p in body.parameters() if p.requires_grad], lr=0.1)
        return len(optimizer.param_groups[0]["params"]) == 2

    def flatten_or_unsqueeze() -> bool:
        pictures, numbers = torch.rand(2, 1, 28, 28), torch.rand(2)
        for wrong, width in ((pictures, 784), (numbers, 1)):
            with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
                nn.Linear(width, 10)(wrong)
        flat = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))(pictures)
        return flat.shape == nn.Linear(1, 10)(numbers.unsqueeze(1)).shape == (2, 10)

    def two_underscores_self_and_one_super() -> bool:
        class Misspelt(nn.Module):
            def _init_(self) -> None:
                super().__init__()
                self.hidden = nn.Linear(1, 1)

        class NoSelf(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                hidden = nn.Linear(1, 1)
                assert hidden.in_features == 1

        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.hidden = nn.Linear(1, 1)
                super().__init__()

        for cls in (Misspelt, NoSelf, Twice):
            with pytest.raises(AttributeError, match="no attribute 'hidden'"):
                _ = cls().hidden
            assert not list(cls().named_children())
        return "hidden" in dict(Layered().named_children())

    def no_more_than_forward_declares() -> bool:
        class Empty(nn.Module):
            def forward(self) -> int:
                return 1

        with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
            Empty()(X)
        with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
            nn.Sequential(*parts)(X, X)
        return bool(Empty()() == 1 and nn.Sequential(*parts)(X).shape == (2, 2))

    def unpack_the_batch() -> bool:
        data = torch.utils.data.TensorDataset(X, torch.rand(2, 1))
        for batch in torch.utils.data.DataLoader(data, 2):
            with pytest.raises(TypeError, match="must be Tensor, not list"):
                parts[0](batch)
            inputs, _ = batch
            assert parts[0](inputs).shape == (2, 8)
        with_comma = (X / 2,)
        with pytest.raises(TypeError, match="must be Tensor, not tuple"):
            parts[0](with_comma)
        return parts[0](X / 2).shape == (2, 8)

    def divide_integers_or_call_int() -> bool:
        with pytest.raises(TypeError, match="got float"):
            nn.Linear(20.0 // 2, 4)  # type: ignore[arg-type]
        return nn.Linear(20 // 2, 4).in_features == nn.Linear(int(20 / 2), 4).in_features == 10

    def delete_the_parameter_first() -> bool:
        layer = nn.Linear(2, 2)
        with pytest.raises(KeyError, match="attribute 'weight' already exists"):
            layer.register_buffer("weight", torch.eye(2))
        del layer.weight
        layer.register_buffer("weight", torch.eye(2))
        return layer(torch.ones(2)).shape == (2,) and [*dict(layer.named_buffers())] == ["weight"]

    def leave_out_inplace() -> bool:
        linear = nn.Linear(20, 4)
        for part in (nn.ReLU(inplace=True), nn.ReLU()):
            loss = nn.Sequential(linear, nn.Sigmoid(), part)(X).sum()
            if part.inplace:
                with pytest.raises(RuntimeError, match="modified by an inplace operation"):
                    loss.backward()
            else:
                loss.backward()
        return linear.weight.grad is not None

    def one_row_of_one_number() -> bool:
        x, layer = torch.tensor(3.0), nn.Linear(1, 4)
        with pytest.raises(RuntimeError, match="0D and 2D"):
            layer(x)
        return layer(x.reshape(1, 1)).shape == (1, 4)

    def return_the_result() -> bool:
        class Silent(nn.Module):
            def forward(self, X: torch.Tensor) -> None:
                F.relu(X)

        class Returns(nn.Module):
            def forward(self, X: torch.Tensor) -> torch.Tensor:
                return F.relu(X)

        with pytest.raises(TypeError, match="must be Tensor, not NoneType"):
            nn.Sequential(Silent(), parts[0])(X)
        return nn.Sequential(Returns(), parts[0])(X).shape == (2, 8)

    def tensor_of_an_array() -> bool:
        array = X.double().numpy()
        with pytest.raises(TypeError, match=r"must be Tensor, not numpy\.ndarray"):
            parts[0](array)
        return torch.equal(parts[0](torch.tensor(array, dtype=torch.float32)), parts[0](X))

    def call_the_method_of_an_object() -> bool:
        for wrong in (lambda: net.parameters, Layered.parameters):
            with pytest.raises(TypeError, match=r"not iterable|missing 1 required"):
                torch.optim.SGD(wrong(), lr=0.1)
        return len(torch.optim.SGD(net.parameters(), lr=0.1).param_groups[0]["params"]) == 3

    def build_the_loss_and_say_any_or_all() -> bool:
        text = "Boolean value of Tensor with more than one value is ambiguous"
        wrong: Any = (lambda: nn.MSELoss(X, X), lambda: 1 if X > 0 else 0)
        for call in wrong:
            with pytest.raises(RuntimeError, match=text):
                call()
        value = 1 if (X >= 0).any() and (X >= 0).all() else 0
        return nn.MSELoss()(X, X + 1).isclose(torch.tensor(1.0)) and bool(value)

    def another_name_than_a_method() -> bool:
        module = nn.Linear(1, 1)
        with pytest.raises(KeyError, match="attribute 'half' already exists"):
            module.register_buffer("half", X)
        module.register_buffer("half_of_it", X)
        return "half_of_it" in module.state_dict()

    def a_block_around_a_part_of_two_arguments() -> bool:
        class Twice(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.pair = nn.Bilinear(20, 20, 4)

            def forward(self, X: torch.Tensor) -> torch.Tensor:
                return self.pair(X, X)

        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            nn.Sequential(nn.Bilinear(20, 20, 4))(X)
        return nn.Sequential(Twice())(X).shape == (2, 4)

    def lstm_in_a_block_of_its_own() -> bool:
        class Own(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.rnn, self.out = nn.LSTM(20, 8), nn.Linear(8, 4)

            def forward(self, X: torch.Tensor) -> torch.Tensor:
                H, _ = self.rnn(X)
                return self.out(H)

        optimizer = torch.optim.SGD(nn.Sequential(Own()).parameters(), lr=0.1)
        assert len(optimizer.param_groups[0]["params"]) == 6
        return nn.Sequential(Own())(X).shape == (2, 4) and type(20 // 2) is int

    def declare_the_argument() -> bool:
        return bool(Layered(width=5)(X).shape == (2, 5))

    def equal_inner_numbers() -> bool:
        X = torch.rand(2, 4)
        return nn.Linear(4, 256)(X).shape == nn.Linear(20, 256)(X.repeat(1, 5)).shape

    def functional_or_built_relu() -> bool:
        return torch.equal(F.relu(X - 0.5), nn.ReLU()(X - 0.5))

    def float_of_integers() -> bool:
        integers = torch.ones(2, 20, dtype=torch.int64)
        for dtype in (torch.float32, torch.float64):
            layer = nn.Linear(20, 8, dtype=dtype)
            with pytest.raises(RuntimeError, match="must have the same dtype, but got Long"):
                layer(integers)
            assert layer(integers.to(layer.weight.dtype)).shape == (2, 8)
        return True

    def names_of_the_children() -> bool:
        return _names(net.named_children()) == ["hidden"]

    def module_list_in_place_of_a_list() -> bool:
        optimizer = torch.optim.SGD(nn.ModuleList(parts).parameters(), lr=0.1)
        return len(optimizer.param_groups[0]["params"]) == 4

    def loop_or_sequential() -> bool:
        result = X
        for part in nn.ModuleList(parts):
            result = part(result)
        return torch.equal(result, nn.Sequential(*parts)(X))

    def derive_from_sequential() -> bool:
        listed = Listed(*parts)
        return listed[0] is parts[0] and len(listed) == 2 and len(listed.append(nn.Tanh())) == 3

    def write_the_methods() -> bool:
        mine = state.ListSequential(*parts)
        return mine[1] is parts[1] and len(mine) == 2

    def count_the_children() -> bool:
        mine = state.MySequential(*parts)
        return len(list(mine.children())) == 2

    def add_module() -> bool:
        mine = state.MySequential(parts[0])
        mine.add_module("1", parts[1])
        with pytest.raises(TypeError, match=r"functional\.relu is not a Module subclass"):
            mine.add_module("2", F.relu)
        mine.add_module("2", nn.ReLU())
        return bool(mine(X).shape == (2, 2) and mine(X).min() >= 0)

    def module_in_place_of_a_function() -> bool:
        return bool(nn.Sequential(parts[0], nn.ReLU())(X).min() >= 0)

    def register_it() -> bool:
        for register in (nn.Module.register_buffer, nn.Module.register_parameter):
            module = nn.Linear(20, 20)
            buffer = register is nn.Module.register_buffer
            register(module, "mean", torch.zeros(20) if buffer else nn.Parameter(torch.zeros(20)))
            module = module.double()
            if (module(X.double()) - module.mean).dtype != torch.float64:
                return False
        return True

    def divide_out_of_place() -> bool:
        Y = parts[0](X).sigmoid()
        Y = Y / 2
        Y.sum().backward()
        return parts[0].weight.grad is not None

    def keep_the_features() -> bool:
        return nn.Sequential(nn.Linear(20, 20), nn.Linear(20, 4))(X).shape == (2, 4)

    fixes = (
        *(super_init_first, build_first_then_call, declare_the_argument, equal_inner_numbers),
        *(functional_or_built_relu, float_of_integers, names_of_the_children),
        *(module_list_in_place_of_a_list, loop_or_sequential, derive_from_sequential),
        *(write_the_methods, count_the_children, add_module, module_in_place_of_a_function),
        *(register_it, divide_out_of_place, keep_the_features, two_underscores_on_both_sides),
        *(parameters_anew, unpack_the_list, another_name_than_a_method),
        *(a_block_around_a_part_of_two_arguments, lstm_in_a_block_of_its_own),
        *(unfreeze_something, flatten_or_unsqueeze, two_underscores_self_and_one_super),
        *(no_more_than_forward_declares, unpack_the_batch, divide_integers_or_call_int),
        *(delete_the_parameter_first, leave_out_inplace, one_row_of_one_number),
        *(return_the_result, tensor_of_an_array, call_the_method_of_an_object),
        build_the_loss_and_say_any_or_all,
    )
    for works in over(fixes, "fixes | 种改法"):
        assert works()


def test_only_the_buffer_keeps_its_value_and_follows() -> None:
    """Of a plain attribute, a buffer and a frozen parameter, only the buffer keeps its value through a reload, a change of dtype, a step of training and a step after `requires_grad_(True)`, and takes on the new dtype.

    常量放在普通属性、缓冲区或冻结的参数里，各试四件事：重新加载、转换数据类型、训练一步、先调用 `requires_grad_(True)` 再训练一步。只有缓冲区的值四次都不变，转换后也是新的数据类型。
    """
    head, *rows = shown("blocks.try-places").output.splitlines()
    assert head == "place | then | value | dtype"
    found = [tuple(row.split(" | ")) for row in rows]
    assert len(found) == 12
    lost = [row for row in found if row[2] != "5"]
    assert lost == [
        ("attribute", "reload", "0", "torch.float32"),
        ("frozen", "thaw", "4.9", "torch.float32"),  # a step of 0.1 times a weight of 1
    ]
    converted = [row[:2] for row in found if row[3] == "torch.float64"]
    assert converted == [("buffer", "double"), ("frozen", "double")]
    keeps = {
        place
        for place in ("attribute", "buffer", "frozen")
        if all(value == "5" for where, _, value, _ in found if where == place)
        and (place, "double", "5", "torch.float64") in found
    }
    assert keeps == {"buffer"}


def test_a_layer_made_in_forward_is_another_at_each_call() -> None:
    """A layer that `forward` constructs is a new one at each call: its random weights are new, and
    `parameters()` gives none of them.

    在 `forward` 里创建的层，每次调用都是另一个：随机权重是新抽的，`parameters()` 一个也不给。
    """
    assert shown("blocks.layer-in-forward").output == "parameters: 0\nsame output: False\n"
    state = after("blocks.layer-in-forward")
    for seed in over(seeds(10), SEEDS):
        torch.manual_seed(seed)
        first, second = (state.anew(state.X) for _ in range(2))
        assert not torch.equal(first, second)
        first.sum().backward()
        assert list(state.anew.parameters()) == []


def test_a_layer_assigned_in_forward_is_replaced() -> None:
    """A layer that `forward` assigns to an attribute is registered, and replaced at the next call: an
    optimiser that was built in between still holds the old one, and never changes the new one.

    在 `forward` 里赋给属性的层会被注册，下一次调用又被换掉：两次调用之间建立的优化器仍然拿着旧的，
    新的它从不改动。
    """

    class Assigned(nn.Module):
        layer: nn.Linear

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            self.layer = nn.Linear(20, 2)
            return torch.as_tensor(self.layer(X))

    for cls in over(optimizers(), OPTIMIZERS):
        net, X = Assigned(), torch.rand(3, 20)
        net(X)
        old = net.layer
        optimizer = cls(net.parameters())
        net(X).sum().backward()
        new, values = net.layer, net.layer.weight.detach().clone()
        optimizer.step()
        assert new is not old
        assert optimizer.param_groups[0]["params"][0] is old.weight
        assert torch.equal(new.weight, values)


def test_a_part_is_replaced_under_its_name() -> None:
    """A module assigned to the name of a part takes its place in the registry, and the order stays the same.

    把新模块赋给已有部分的属性名，它就在注册表里取代原来的部分，次序不变。
    """
    printed = shown("blocks.replace-a-part").output.splitlines()
    assert printed[0] == "output: (2, 3)"
    assert printed[1] == "names: ['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']"
    assert printed[2] == "features: (2, 256)"
    assert printed[3] == "names: ['hidden.weight', 'hidden.bias']"
    state = after("blocks.replace-a-part")
    for layer in over(layers(), LAYERS):
        net, new = state.MLP(), _made(layer)
        net.hidden = new
        assert _names(net.named_children()) == ["hidden", "out"]
        assert net.hidden is new
        assert [*net.parameters()] == [*new.parameters(), *net.out.parameters()]


def test_an_optimiser_keeps_a_replaced_part() -> None:
    """An optimiser built before a part was replaced holds the parameters of the old part, and never
    changes those of the new one.

    优化器若在替换之前建立，手里就还是旧部分的参数，新部分的参数它从不改动。
    """
    state = after("blocks.replace-a-part")
    for cls in over(optimizers(), OPTIMIZERS):
        net = state.MLP()
        old = [*net.out.parameters()]
        optimizer = cls(net.parameters())
        net.out = nn.Linear(256, 3)
        before = [p.detach().clone() for p in net.out.parameters()]
        net(state.X).square().sum().backward()
        optimizer.step()
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        assert {id(p) for p in old} <= held
        assert all(map(torch.equal, net.out.parameters(), before))


def test_identity_returns_what_it_gets() -> None:
    """`nn.Identity()` returns the very tensor that it gets, and has no parameters.

    `nn.Identity()` 返回的就是它收到的那个张量，没有参数。
    """
    for dtype in over(float_dtypes(), FLOATS):
        X = torch.ones(2, 3, dtype=dtype)
        assert nn.Identity()(X) is X
    assert list(nn.Identity().parameters()) == []
    state, got = after("blocks.mlp"), list[torch.Tensor]()
    net = state.MLP()
    net.out.register_forward_pre_hook(lambda part, args: got.append(args[0]))
    net(torch.ones(2, 20))
    net.out = nn.Identity()
    assert torch.equal(net(torch.ones(2, 20)), got[0])


def test_each_check_that_a_solution_calls_says_so() -> None:
    assert silent("blocks") == []
