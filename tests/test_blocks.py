import ast
import contextlib
import inspect
import io
import math
import re
import types
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from proven.scripts import Snippet
from proven.testing import after, section, shown, shown_afresh


def cells() -> tuple[Snippet, ...]:
    """All snippets of the section; a build, which imports this file for its claims, needs them not."""
    return section("blocks").snippets


def _names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


# 5.1


def test_layer_group_and_model_are_modules() -> None:
    """A layer, a group of layers and a whole model are all instances of `nn.Module`.

    一个层、一组层、整个模型，都是 `nn.Module` 的实例。
    """
    state = after("blocks.one-kind")
    assert all(isinstance(part, nn.Module) for part in (state.layer, state.group, state.model))
    assert type(state.group) is type(state.model) is nn.Sequential

    class Own(nn.Module):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return X

    assert isinstance(Own(), nn.Module)
    assert all(inspect.isclass(kind) for kind in (Own, nn.Sequential))
    assert issubclass(nn.Sequential, nn.Module)


def test_one_kind_prints_true_three_times() -> None:
    """The snippet finds that each of the three parts is a Module."""
    lines = shown("blocks.one-kind").output.splitlines()
    assert [line.split()[0] for line in lines] == ["Linear", "Sequential", "Sequential"]
    assert all(line.endswith("True") for line in lines)


def test_resnet_152_counts_weighted_layers() -> None:
    """One convolution, 3 + 8 + 36 + 3 blocks of three convolutions and one fully connected layer
    make 152 layers with a weight: the number in the name of ResNet-152.

    一个卷积，3 + 8 + 36 + 3 个块、每块三个卷积，再加一个全连接层，正好 152 个带权重的层，
    这就是 ResNet-152 名字里的数。
    """
    groups = [
        nn.Sequential(*(nn.Sequential(*(nn.Conv2d(2, 2, 1) for _ in range(3))) for _ in range(n)))
        for n in (3, 8, 36, 3)
    ]
    skeleton = nn.Sequential(nn.Conv2d(3, 2, 7), *groups, nn.Linear(2, 1000))
    weighted = [module for module in skeleton.modules() if hasattr(module, "weight")]
    assert len(weighted) == 1 + 3 * (3 + 8 + 36 + 3) + 1 == 152


def test_named_children_gives_one_level() -> None:
    """`named_children()` gives the names and the modules one level below, and nothing deeper.

    `named_children()` 只给出下一级的各个模块和它们的名字，更深的不给。
    """
    model = after("blocks.picture").model
    assert _names(model.named_children()) == ["0", "1", "2"]
    assert _names(model[0].named_children()) == ["0", "1"]
    assert _names(model[2].named_children()) == []
    assert len(list(model.modules())) == 8


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
    state = after("blocks.one-kind")
    assert state.layer.weight.shape == (state.layer.out_features, state.layer.in_features)
    assert state.layer.weight.shape == (64, 20)


def test_forward_decides_the_order_of_computation() -> None:
    """The order in which parts are registered says nothing about the order in which they compute:
    `forward` decides that.

    注册的先后不等于计算的先后，先算哪个由 `forward` 决定。
    """

    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(3, 2)
            self.first = nn.Linear(20, 3)

        def forward(self, X: torch.Tensor) -> Any:
            return self.last(self.first(X))

    net = Backwards()
    ran: list[str] = []
    for name, part in net.named_children():
        part.register_forward_hook(lambda *_, name=name: ran.append(name))
    assert net(after("blocks.sequential-by-hand").X).shape == (2, 2)
    assert _names(net.named_children()) == ["last", "first"]
    assert ran == ["first", "last"]


def test_sequential_hands_each_output_on() -> None:
    """`nn.Sequential` calls its parts in order and hands the output of each to the next.

    `nn.Sequential` 按顺序调用各部分，前一个的输出就是后一个的输入。
    """
    state = after("blocks.sequential-by-hand")
    model, X = state.model, state.X
    assert torch.equal(model(X), model[2](model[1](model[0](X))))
    assert "same numbers: True" in shown("blocks.sequential-by-hand").output


def test_sequential_maps_names_to_modules() -> None:
    """`nn.Sequential` keeps its parts in an ordered mapping from the names `'0'`, `'1'`, `'2'` to
    modules; access by position leads to the same objects.

    `nn.Sequential` 把各部分存成有序映射，名字是 `'0'`、`'1'`、`'2'`；按位置取到的也是这些对象。
    """
    model = after("blocks.sequential-by-hand").model
    assert list(model._modules) == ["0", "1", "2"]
    assert model[-1] is model[2] is model._modules["2"]
    output = shown("blocks.sequential-by-hand").output
    assert "names: ['0', '1', '2']" in output
    assert f"position -1: {model[2]}" in output


# 5.1.1


def test_section_defines_its_own_input() -> None:
    """X is defined in the section, with the 20 features that its models take."""
    state = after("blocks.mlp")
    assert state.X.shape == (2, 20)
    assert state.net.hidden.in_features == 20


def test_the_input_is_an_argument_of_forward() -> None:
    """The input of a block is an argument of its `forward`; the constructor never sees it.

    块的输入是 `forward` 的参数，构造函数见不到它。
    """
    MLP = after("blocks.mlp").MLP
    assert list(inspect.signature(MLP.forward).parameters) == ["self", "X"]
    assert list(inspect.signature(MLP.__init__).parameters) == ["self"]


def test_output_shape_may_differ_from_the_input() -> None:
    """The output of a block may have another shape than its input: 20 features become 256, then 10.

    块的输出形状可以和输入不同：20 个特征变成 256 个，再变成 10 个。
    """
    state = after("blocks.mlp")
    assert state.net.hidden(state.X).shape == (2, 256)
    assert state.net(state.X).shape == (2, 10)
    assert shown("blocks.mlp").output.startswith("input: (2, 20)\noutput: (2, 10)\n")
    assert shown("blocks.children").output.startswith("after hidden: (2, 256)\n")


def test_linear_changes_only_the_last_dimension() -> None:
    """A linear layer changes the last dimension of its input, and keeps all those before it.

    线性层只改变输入的最后一维，前面各维原样保留。
    """
    net = after("blocks.mlp").net
    for shape in ((), (2,), (5, 3, 2)):
        assert net.hidden(torch.ones(*shape, 20)).shape == (*shape, 256)


def test_autograd_derives_the_backward_pass() -> None:
    """A block with nothing but a `forward` has gradients: autograd derives them from the
    operations that ran, and they are those of the chain rule.

    块里只写了 `forward`，也有梯度：autograd 根据执行过的运算推出来，与链式法则手算的相同。
    """
    state = after("blocks.mlp")
    net, X = state.net, state.X
    net(X).sum().backward()
    active = (net.hidden(X) > 0).float()
    assert active.any()
    assert not active.all()
    assert torch.allclose(net.hidden.bias.grad, (active * net.out.weight.sum(0)).sum(0))
    assert net.out.bias.grad.eq(len(X)).all()


def test_mlp_is_linear_then_relu_then_linear() -> None:
    """MLP applies its hidden layer, cuts off what is negative, and applies its last layer."""
    state = after("blocks.mlp")
    hidden = state.net.hidden(state.X)
    assert torch.equal(state.net(state.X), state.net.out(hidden.clamp(min=0)))
    assert hidden.min() < 0


def test_functional_relu_is_no_child() -> None:
    """`F.relu` computes what `nn.ReLU()` does, and has nothing to store; only the module is listed
    among the children.

    `F.relu` 与 `nn.ReLU()` 算法相同，都没有要保存的东西；只有后者会列为子模块。
    """
    state = after("blocks.mlp")
    centred = state.X - 0.5
    assert torch.equal(F.relu(centred), nn.ReLU()(centred))
    assert _names(state.net.named_children()) == ["hidden", "out"]
    assert "children: ['hidden', 'out']" in shown("blocks.children").output
    assert _names(nn.Sequential(nn.ReLU()).named_children()) == ["0"]
    assert not nn.ReLU().state_dict()


def test_input_gets_no_gradient() -> None:
    """After `backward()` the parameters have gradients and an ordinary input has none.

    `backward()` 之后，参数有梯度，普通的输入没有。
    """
    state = after("blocks.gradients")
    assert state.X.grad is None
    assert all(parameter.grad is not None for parameter in state.net.parameters())
    assert shown("blocks.gradients").output == "net.hidden.weight: True\nX: False\n"


def test_parameters_require_gradients_by_default() -> None:
    """Parameters are created with `requires_grad=True`; a tensor from `torch.rand` is not.

    参数一创建就是 `requires_grad=True`，`torch.rand` 得到的张量则不是。
    """
    state = after("blocks.gradients")
    assert all(parameter.requires_grad for parameter in state.net.parameters())
    assert nn.Parameter(torch.rand(2)).requires_grad is True
    assert torch.rand(2).requires_grad is False
    assert state.X.requires_grad is False


def test_input_gets_a_gradient_on_request() -> None:
    """An input on which `requires_grad_()` was called gets a gradient of its own shape.

    对输入调用过 `requires_grad_()`，它就有梯度，形状与自身相同。
    """
    state = after("blocks.input-gradient")
    assert state.x.grad.shape == state.X.shape
    assert state.x.grad.any()
    assert "x.grad: (2, 20)" in shown("blocks.input-gradient").output


def test_blocks_have_no_backward_method() -> None:
    """`nn.Module` has no method named `backward`; the output tensor has one.

    `nn.Module` 没有 `backward` 方法，输出张量才有。
    """
    state = after("blocks.input-gradient")
    assert not hasattr(state.net, "backward")
    assert hasattr(state.net(state.X), "backward")
    assert "net.backward exists: False" in shown("blocks.input-gradient").output


def test_assigned_layers_are_registered() -> None:
    """Assigning a layer to an attribute is enough for `parameters()` to give its weight and bias.

    把层赋给属性，`parameters()` 就能给出它的权重和偏置。
    """
    net = after("blocks.parameters").net
    found = list(net.parameters())
    wanted = [net.hidden.weight, net.hidden.bias, net.out.weight, net.out.bias]
    assert all(a is b for a, b in zip(found, wanted, strict=True))
    net.extra = nn.Linear(10, 3)
    assert len(list(net.parameters())) == 6


def test_parameter_names_follow_the_attributes() -> None:
    """A layer is registered under the name of its attribute, and its parameters are named after
    it: `hidden.weight`.

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
    assert [line.split()[0] for line in listed[2:]] == list(shapes)
    assert _names(nn.Sequential(net).named_parameters())[0] == "0.hidden.weight"


def test_layers_initialise_themselves() -> None:
    """`nn.Linear` sets its parameters when it is constructed: it draws small random numbers.

    `nn.Linear` 在构造时就设好参数：抽取小的随机数。
    """
    first = after("blocks.parameters").first
    for layer, inputs in ((first.hidden, 20), (first.out, 256)):
        for parameter in layer.parameters():
            assert parameter.std() > 0
            assert parameter.abs().max() <= 1 / math.sqrt(inputs)


def test_the_seed_decides_the_parameters() -> None:
    """Two instances of `MLP` differ in parameters and outputs, unless the same seed was set before
    each of them was built.

    `MLP` 的两个实例，参数和输出都不同；每次构造之前都设了同一个种子，才会相同。
    """
    state = after("blocks.parameters")
    assert not torch.equal(state.first.hidden.weight, state.second.hidden.weight)
    assert not torch.equal(state.first(state.X), state.second(state.X))
    assert torch.equal(state.first.hidden.weight, state.again.hidden.weight)
    assert torch.equal(state.first(state.X), state.again(state.X))
    output = shown("blocks.parameters").output
    assert output == "first and second are equal: False\nfirst and again are equal: True\n"


def test_call_passes_the_input_to_forward() -> None:
    """`nn.Module` defines `__call__`, which hands its arguments to `forward` and returns what
    `forward` returns.

    `nn.Module` 定义了 `__call__`，由它把参数交给 `forward`，再返回 `forward` 的结果。
    """
    state = after("blocks.mlp")
    assert "__call__" in vars(nn.Module)
    assert "__call__" not in vars(state.MLP)

    class Echo(nn.Module):
        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return args, kwargs

    args, kwargs = Echo()(state.X, 2, scale=3)
    assert args[0] is state.X
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

    net = Counted()
    net(state.X)
    net(state.X)
    assert runs == ["init", "forward", "forward"]


def test_hooks_run_only_in_calls() -> None:
    """A forward hook runs for `net(X)` and not for `net.forward(X)`, though both give the same
    numbers.

    前向钩子在 `net(X)` 时运行，在 `net.forward(X)` 时不运行，尽管两者算出的数相同。
    """
    state = after("blocks.call-not-forward")
    assert state.calls == [1]
    assert torch.equal(state.called, state.direct)
    lines = shown("blocks.call-not-forward").output.splitlines()
    assert [line[-1] for line in lines[:2]] == ["1", "1"]
    assert lines[2:] == ["same numbers: True"]


def test_importing_f_does_not_bind_nn() -> None:
    """With `from torch.nn import functional as F` alone, `class MLP(nn.Module)` stops with
    `name 'nn' is not defined`; the call `MLP()(X)` needs an `X` as well.

    只有 `from torch.nn import functional as F` 一句，`class MLP(nn.Module)` 就会报错：
    `name 'nn' is not defined`；执行 `MLP()(X)` 还得先有 `X`。
    """
    fresh: dict[str, Any] = {}
    exec("from torch.nn import functional as F", fresh)
    with pytest.raises(NameError, match="name 'nn' is not defined"):
        exec("class MLP(nn.Module): pass", fresh)
    exec("from torch import nn\nclass MLP(nn.Module): pass", fresh)
    with pytest.raises(NameError, match="name 'X' is not defined"):
        exec("MLP()(X)", fresh)


def test_super_init_creates_the_registries() -> None:
    """`nn.Module.__init__` creates the registries of parameters, buffers and sub-modules; a class
    that does not call it inherits, and has none of them.

    参数、缓冲区和子模块的注册表由 `nn.Module.__init__` 建立；不调用它，继承照样成立，
    注册表却一个也没有。
    """
    state = after("blocks.forgot-super")
    registries = {"_parameters", "_buffers", "_modules"}
    assert registries <= set(vars(nn.Module()))
    scale = state.Scale()
    assert isinstance(scale, nn.Module)
    assert not registries & set(vars(scale))


def test_first_layer_needs_super_init() -> None:
    """A layer assigned before `super().__init__()` is refused: `cannot assign module before
    Module.__init__() call`.

    没有调用 `super().__init__()` 就给属性赋一个层，会被拒绝：
    `cannot assign module before Module.__init__() call`。
    """
    text = "cannot assign module before Module.__init__() call"
    first, _ = shown("blocks.forgot-super").errors
    assert first.text == f"AttributeError: {text}"
    with pytest.raises(AttributeError, match=re.escape(text)):
        after("blocks.forgot-super").NoSuper()


def test_first_parameter_needs_super_init() -> None:
    """A parameter assigned before `super().__init__()` is refused like a layer: `cannot assign parameters
    before Module.__init__() call`.

    没有调用 `super().__init__()` 就给属性赋一个参数，也和赋层一样会被拒绝：
    `cannot assign parameters before Module.__init__() call`。
    """
    *_, last = shown("blocks.more-errors").errors
    assert last.text == "AttributeError: cannot assign parameters before Module.__init__() call"
    [layer, _] = shown("blocks.forgot-super").errors
    assert last.text == layer.text.replace("module", "parameters")


def test_forgotten_super_without_layers_fails_late() -> None:
    """Without `super().__init__()` the block `Scale`, which assigns a number only, can be built, and
    fails when it is called: `object has no attribute '_backward_hooks'`.

    漏了 `super().__init__()`，只赋一个数的块 `Scale` 照样能构造，调用时才报错：
    `object has no attribute '_backward_hooks'`。
    """
    state, result = after("blocks.forgot-super"), shown("blocks.forgot-super")
    late = result.errors[1].text
    assert late == "AttributeError: 'Scale' object has no attribute '_backward_hooks'"
    assert "super" not in late
    assert result.output == "built: Scale\n"
    with pytest.raises(AttributeError, match="_backward_hooks"):
        state.Scale()(state.X)


def test_constructors_refuse_the_input() -> None:
    """An input given to the constructor of `MLP`, or of `nn.Module` itself, is refused: `takes 1
    positional argument but 2 were given`.

    把输入交给 `MLP` 的构造函数，或 `nn.Module` 自己的构造函数，都会被拒绝：
    `takes 1 positional argument but 2 were given`。
    """
    [first, *_] = shown("blocks.common-errors").errors
    text = "takes 1 positional argument but 2 were given"
    assert first.text == f"TypeError: MLP.__init__() {text}"
    with pytest.raises(TypeError, match=text):
        nn.Module(torch.rand(2, 20))


def test_constructors_refuse_undeclared_arguments() -> None:
    """An argument that the `__init__` of `MLP` does not declare is refused: `got an unexpected keyword
    argument 'hidden'`.

    `MLP` 的 `__init__` 没有声明的实参会被拒绝：`got an unexpected keyword argument 'hidden'`。
    """
    [_, second, *_] = shown("blocks.common-errors").errors
    text = "got an unexpected keyword argument 'hidden'"
    assert second.text == f"TypeError: MLP.__init__() {text}"
    with pytest.raises(TypeError, match=text):
        after("blocks.mlp").MLP(hidden=512)


def test_modules_take_no_params_argument() -> None:
    """No argument `params` comes with `super().__init__()`: neither a block that declares none nor
    `nn.Module` itself accepts it.

    `super().__init__()` 不会带来 `params` 参数：没有声明它的块不收，`nn.Module` 自己也不收。
    """
    for kind in (after("blocks.mlp").MLP, nn.Module):
        with pytest.raises(TypeError, match="got an unexpected keyword argument 'params'"):
            kind(params=1)


def test_missing_forward_is_named_in_the_call() -> None:
    """A block without `forward`, or with a misspelt one, can be built; the call says that it is
    `missing the required "forward" function`.

    没写 `forward` 或写错名字的块能构造出来，调用时才报 `missing the required "forward" function`。
    """

    class Misspelt(nn.Module):
        def forwards(self, X: torch.Tensor) -> torch.Tensor:
            return X

    [_, _, third, _] = shown("blocks.common-errors").errors
    text = 'is missing the required "forward" function'
    assert third.text == f"NotImplementedError: Module [NoForward] {text}"
    net = Misspelt()
    with pytest.raises(NotImplementedError, match=text):
        net(torch.ones(1))


def test_wrong_width_names_both_shapes() -> None:
    """An input of the wrong width is refused with the shapes of input and transposed weight: `mat1
    and mat2 shapes cannot be multiplied (2x4 and 20x256)`.

    输入宽度不对，报错信息会给出输入和转置后的权重两个形状：
    `mat1 and mat2 shapes cannot be multiplied (2x4 and 20x256)`。
    """
    *_, last = shown("blocks.common-errors").errors
    text = "mat1 and mat2 shapes cannot be multiplied (2x4 and 20x256)"
    assert last.text == f"RuntimeError: {text}"
    net = after("blocks.common-errors").MLP()
    assert net.hidden.weight.T.shape == (20, 256)
    with pytest.raises(RuntimeError, match=re.escape(text)):
        net(torch.rand(2, 4))


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
    X = after("blocks.mlp").X - 0.5
    made: Any = nn.ReLU(X)  # type: ignore[arg-type]
    assert isinstance(made, nn.Module)
    assert made.inplace is X
    assert torch.equal(F.relu(X), X.clamp(min=0))
    assert torch.equal(nn.ReLU()(X), X.clamp(min=0))


def test_integer_inputs_are_refused() -> None:
    """An `nn.Linear` with `float32` weights refuses integers: `mat1 and mat2 must have the same dtype,
    but got Long and Float`. After `X.float()` it computes.

    权重是 `float32` 的 `nn.Linear` 不收整数：`mat1 and mat2 must have the same dtype, but got Long and Float`；
    写成 `X.float()` 就能算。
    """
    [_, _, third, *_] = shown("blocks.more-errors").errors
    text = "mat1 and mat2 must have the same dtype, but got Long and Float"
    assert third.text == f"RuntimeError: {text}"
    net, X = after("blocks.mlp").net, torch.ones(2, 20, dtype=torch.int64)
    assert net.hidden.weight.dtype == torch.float32
    with pytest.raises(RuntimeError, match=text):
        net.hidden(X)
    assert net(X.float()).shape == (2, 10)


def test_unknown_attributes_are_named() -> None:
    """An attribute that a module does not have is named, with the class: `'MLP' object has no attribute
    'hiden'`. Python asks `nn.Module` for it, which looks into its registries.

    模块没有的属性，报错信息会说出它的名字和所属的类：`'MLP' object has no attribute 'hiden'`。
    Python 会向 `nn.Module` 查问，由它去翻注册表。
    """
    [*_, fourth, _] = shown("blocks.more-errors").errors
    assert fourth.text == "AttributeError: 'MLP' object has no attribute 'hiden'"
    net = after("blocks.mlp").net
    assert "hidden" not in vars(net)
    assert nn.Module.__getattr__(net, "hidden") is net._modules["hidden"] is net.hidden


def test_bare_expressions_show_nothing_in_scripts() -> None:
    """In a script a line that is only `net(X)` shows nothing; only a notebook shows such a value.

    脚本里单独一行 `net(X)` 什么也不显示，只有 notebook 会显示它的值。
    """
    names = {"net": nn.Linear(20, 10), "X": torch.rand(2, 20)}
    for line, shows in (("net(X)", False), ("print(net(X))", True)):
        written = io.StringIO()
        with contextlib.redirect_stdout(written):
            exec(line, dict(names))
        assert bool(written.getvalue()) is shows


# 5.1.2


def test_my_sequential_does_what_sequential_does() -> None:
    """A container that registers its parts as `'0'`, `'1'`, … and calls them in order gives the
    outputs and the `state_dict()` keys of `nn.Sequential`.

    按 `'0'`、`'1'`……注册各部分并依次调用，输出和 `state_dict()` 的键就与 `nn.Sequential` 相同。
    """
    state = after("blocks.my-sequential")
    assert torch.equal(state.mine(state.X), state.theirs(state.X))
    assert list(state.mine.state_dict()) == list(state.theirs.state_dict())
    keys = "keys: ['0.weight', '0.bias', '2.weight', '2.bias']\n"
    assert shown("blocks.my-sequential").output == f"same output: True\n{keys}"


def test_containers_share_their_layers() -> None:
    """Two containers built from the same layers hold the same objects, not copies: a weight changed
    in one is changed in the other.

    同样的层放进两个容器，两边是同一批对象，不是副本：一边的权重改了，另一边也就改了。
    """
    state = after("blocks.my-sequential")
    assert all(a is b for a, b in zip(state.mine.children(), state.theirs, strict=True))
    before = state.mine(state.X)
    nn.init.zeros_(state.theirs[2].weight)
    assert not torch.equal(state.mine(state.X), before)
    assert torch.equal(state.mine(state.X), state.theirs(state.X))


def test_registered_parts_make_no_list() -> None:
    """Registering its parts does not make a module a list: it has no index, no `len` and no
    iteration.

    注册了各部分，模块也不会因此变成列表：不能取下标，没有 `len`，不能迭代。
    """
    errors = [error.text for error in shown("blocks.not-a-list").errors]
    assert errors == [
        "TypeError: 'MySequential' object is not subscriptable",
        "TypeError: object of type 'MySequential' has no len()",
        "TypeError: 'MySequential' object is not iterable",
        "AttributeError: 'MySequential' object has no attribute 'append'",
    ]
    with pytest.raises(TypeError, match="not iterable"):
        iter(after("blocks.my-sequential").mine)


def test_sequential_is_like_a_list() -> None:
    """`nn.Sequential` has index, `len` and iteration, and `append`, `extend`, `insert` and `pop`.

    `nn.Sequential` 可以取下标、求 `len`、迭代，还有 `append`、`extend`、`insert` 和 `pop`。
    """
    state = after("blocks.my-sequential")
    net, relu = state.theirs, nn.ReLU()
    assert len(net) == len(list(net)) == 3
    net.append(relu)
    net.insert(0, nn.Tanh())
    net.extend([nn.GELU()])
    kinds = [type(part).__name__ for part in net]
    assert kinds == ["Tanh", "Linear", "ReLU", "Linear", "ReLU", "GELU"]
    assert net.pop(4) is relu
    assert len(net) == 5
    assert not hasattr(state.mine, "append")
    last = "the last is Linear(in_features=256, out_features=10, bias=True)"
    assert shown("blocks.not-a-list").output == f"3 parts, {last}\n"


def test_modules_are_visited_in_the_order_they_came() -> None:
    """The names follow the order in which the modules were registered, and so does forward."""
    state = after("blocks.my-sequential")
    chain = state.MySequential(nn.Tanh(), nn.ReLU(), nn.GELU())
    assert list(chain._modules) == ["0", "1", "2"]
    assert [type(module) for module in chain.children()] == [nn.Tanh, nn.ReLU, nn.GELU]
    X = state.X - 0.5
    assert torch.equal(chain(X), F.gelu(F.relu(torch.tanh(X))))
    assert not torch.equal(chain(X), torch.tanh(F.relu(F.gelu(X))))


def test_lists_hide_their_layers() -> None:
    """No walk looks into a plain list: `parameters()` and `state_dict()` give nothing of the layers
    in it, `to()` and `apply()` pass over them.

    注册表的遍历不会翻看普通列表：里面的层，`parameters()` 和 `state_dict()` 里没有，`to()` 和 `apply()` 碰不到。
    """
    hidden = after("blocks.registry").Listed(list)
    seen: list[nn.Module] = []
    assert list(hidden.parameters()) == []
    assert hidden.state_dict() == {}
    assert hidden.to(torch.float64).blocks[0].weight.dtype == torch.float32
    hidden.apply(seen.append)
    assert seen == [hidden]
    assert "list: 0 parameters" in shown("blocks.registry").output


def test_module_list_registers_its_items() -> None:
    """`nn.ModuleList` registers its items: their parameters are found.

    `nn.ModuleList` 会注册它的成员，成员的参数都找得到。
    """
    blocks = after("blocks.registry").Listed(nn.ModuleList).blocks
    assert _names(blocks.named_parameters()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert blocks[-1] is list(blocks)[1]
    blocks.append(nn.Linear(2, 1))
    assert len(list(blocks.parameters())) == 6
    assert "ModuleList: 4 parameters" in shown("blocks.registry").output


def test_registration_keeps_the_order() -> None:
    """Sub-modules are kept in the order in which their names were first registered; a module that
    is added under a known name takes the place of the old one.

    子模块按名字第一次注册的先后排列；用已有的名字再添加一个，就在原位替换。
    """
    chain = after("blocks.registry-order").chain
    lines = shown("blocks.registry-order").output.splitlines()
    assert lines[:3] == ["0 Sigmoid", "1 ReLU", "2 GELU"]
    X = torch.linspace(-1, 1, 5)
    assert torch.equal(chain(X), F.gelu(F.relu(torch.sigmoid(X))))
    assert not torch.equal(chain(X), torch.sigmoid(F.gelu(F.relu(X))))


def test_module_registry_is_a_plain_dict() -> None:
    """`_modules`, the registry of sub-modules, is a plain `dict` and no `OrderedDict`.

    子模块的注册表 `_modules` 是普通的 `dict`，不是 `OrderedDict`。
    """
    chain = after("blocks.registry-order").chain
    assert type(chain._modules) is type(nn.Sequential()._modules) is dict
    assert shown("blocks.registry-order").output.endswith("_modules is a dict\n")


def test_optimisers_refuse_an_empty_parameter_list() -> None:
    """`torch.optim.SGD` refuses a model whose layers are all in a list: `optimizer got an empty
    parameter list`.

    模型的层全放在列表里，`torch.optim.SGD` 会拒绝它：`optimizer got an empty parameter list`。
    """
    hidden = after("blocks.registry").Listed(list)
    text = "optimizer got an empty parameter list"
    assert shown("blocks.registry").error == f"ValueError: {text}"
    with pytest.raises(ValueError, match=text):
        torch.optim.SGD(hidden.parameters(), lr=0.1)


def test_layers_in_a_list_stay_untrained() -> None:
    """If only some layers of a model are in a list, nothing complains: the others are trained, and
    those in the list keep their first values.

    只有一部分层放在列表里，就什么错也不报：别的层在训练，列表里的层一直是最初的值。
    """
    state = after("blocks.registry")
    net = state.Listed(list)
    net.out = nn.Linear(2, 1)
    start = [layer.bias.detach().clone() for layer in (*net.blocks, net.out)]
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    net.out(net.blocks[1](net.blocks[0](state.X))).sum().backward()
    assert all(layer.bias.grad.any() for layer in (*net.blocks, net.out))
    optimiser.step()
    moved = [
        not torch.equal(old, layer.bias)
        for old, layer in zip(start, (*net.blocks, net.out), strict=True)
    ]
    assert moved == [False, False, True]


def test_unchecked_functions_fail_late() -> None:
    """A function written into `_modules` runs; `parameters()`, `to()` and `state_dict()` fail
    later: `'function' object has no attribute 'named_modules'`.

    直接写进 `_modules` 的函数照样能跑，等到 `parameters()`、`to()`、`state_dict()` 才出错：
    `'function' object has no attribute 'named_modules'`。
    """
    state = after("blocks.unchecked")
    assert state.odd(state.X).shape == (2, 4)
    late = "'function' object has no attribute 'named_modules'"
    with pytest.raises(AttributeError, match=late):
        list(state.odd.parameters())
    with pytest.raises(AttributeError):
        state.odd.to("cpu")
    with pytest.raises(AttributeError):
        state.odd.state_dict()
    assert shown("blocks.unchecked").output == "output: (2, 4)\n"
    assert shown("blocks.unchecked").errors[0].text == f"AttributeError: {late}"


def test_add_module_refuses_functions() -> None:
    """`add_module` and `nn.Sequential` refuse a function at once: `torch.nn.functional.relu is not
    a Module subclass`.

    `add_module` 和 `nn.Sequential` 当场就拒绝函数：`torch.nn.functional.relu is not a Module subclass`。
    """
    text = "torch.nn.functional.relu is not a Module subclass"
    with pytest.raises(TypeError, match=text):
        nn.Module().add_module("relu", F.relu)  # type: ignore[arg-type]
    refused = [error.text for error in shown("blocks.unchecked").errors[1:]]
    assert refused == [f"TypeError: {text}"] * 2


def test_children_skips_repetitions() -> None:
    """`children()` gives a module that is registered twice only once, so a loop over it leaves out
    the second use.

    注册了两次的模块，`children()` 只给出一次，用它来循环就会漏掉第二次。
    """
    state = after("blocks.twice")
    parts = (state.square, nn.ReLU(), state.square)
    once = F.relu(state.square(state.X))
    assert len(list(state.ByChildren(*parts).children())) == 2
    assert torch.equal(state.ByChildren(*parts)(state.X), once)
    assert not torch.equal(state.square(once), once)
    assert shown("blocks.twice").output.splitlines()[2] == "ByChildren   calls: 1"


def test_module_registry_keeps_repetitions() -> None:
    """`_modules` keeps a module under each name that it was given, so a loop over its values calls
    it each time.

    模块有几个名字，`_modules` 里就有它几次，遍历它的值，每一次都会调用到。
    """
    state = after("blocks.twice")
    parts = (state.square, nn.ReLU(), state.square)
    once = F.relu(state.square(state.X))
    for container in (nn.Sequential, state.MySequential):
        net = container(*parts)
        assert list(net._modules) == ["0", "1", "2"]
        assert net._modules["0"] is net._modules["2"]
        assert torch.equal(net(state.X), state.square(once))
    lines = shown("blocks.twice").output.splitlines()
    assert [line.split()[2] for line in lines[:2]] == ["2", "2"]


# 5.1.3


def test_buffers_are_no_parameters() -> None:
    """A buffer is registered with the module, in its `named_buffers()` and its `state_dict()`, and
    is not among its parameters.

    缓冲区由模块注册，在 `named_buffers()` 和 `state_dict()` 里，但不在参数之列。
    """
    net = after("blocks.fixed-hidden").net
    assert dict(net.named_buffers())["rand_weight"] is net.rand_weight
    assert "rand_weight" in net.state_dict()
    assert "rand_weight" not in _names(net.named_parameters())
    assert not isinstance(net.rand_weight, nn.Parameter)


def test_layer_used_twice_is_registered_once() -> None:
    """A layer that `forward` calls twice is registered once: both calls share one weight and one
    bias.

    `forward` 里用了两次的层只注册一次，两次用的是同一个权重和同一个偏置。
    """
    state = after("blocks.fixed-hidden")
    assert _names(state.net.named_parameters()) == ["linear.weight", "linear.bias"]
    calls: list[int] = []
    state.net.linear.register_forward_hook(lambda *_: calls.append(1))
    state.net(state.X)
    assert len(calls) == 2
    assert shown("blocks.fixed-hidden").output.startswith("2 parameters\n")


def test_gradients_flow_through_a_constant() -> None:
    """A constant gets no gradient of its own, and yet gradients flow through it to the layer in
    front.

    常量自己没有梯度，但梯度会穿过它，传到前面的层。
    """
    state = after("blocks.fixed-hidden")
    net = state.net
    assert net.rand_weight.grad is None
    assert net.rand_weight.requires_grad is False
    first: list[torch.Tensor] = []

    def catch(module: nn.Module, args: Any, output: torch.Tensor) -> None:
        output.register_hook(first.append)  # type: ignore[no-untyped-call]

    net.linear.register_forward_hook(catch)
    net(state.X).backward()
    assert len(first) == 2
    assert all(gradient.abs().sum() > 0 for gradient in first)
    output = shown("blocks.fixed-hidden").output
    assert "gradient of rand_weight: None\ngradient of linear.weight: True\n" in output


def test_constants_are_not_trained() -> None:
    """A constant stays as it is in training: it is not among the `parameters()` for the optimiser,
    and an optimiser passes over a tensor without a gradient.

    训练时常量不变：交给优化器的 `parameters()` 里没有它，而且没有梯度的张量，优化器会跳过。
    """
    state = after("blocks.fixed-hidden")
    net = state.net
    constant, bias = net.rand_weight.clone(), net.linear.bias.detach().clone()
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    assert torch.equal(net.rand_weight, constant)
    assert not torch.equal(net.linear.bias, bias)
    torch.optim.SGD([net.rand_weight], lr=0.1, weight_decay=1).step()
    assert torch.equal(net.rand_weight, constant)


def _table() -> dict[str, dict[str, bool]]:
    """What the snippet says of the three constants."""
    head, *lines = (line.split() for line in shown("blocks.three-ways").output.splitlines())
    return {name: dict(zip(head, map("True".__eq__, row), strict=True)) for name, *row in lines}


def test_table_of_constants_has_three_rows() -> None:
    """The table answers four questions about each of the three constants."""
    assert list(_table()) == ["plain", "buffer", "frozen"]
    assert list(_table()["plain"]) == ["state_dict()", "parameters()", "double()", "to()"]


def test_plain_tensors_are_unknown_to_the_module() -> None:
    """A tensor in a plain attribute is no part of the module: it is not in `parameters()`,
    `buffers()` or `state_dict()`, and neither `double()` nor `to()` changes it.

    普通属性里的张量不归模块管：`parameters()`、`buffers()`、`state_dict()` 里都没有它，
    `double()` 和 `to()` 也改不到它。
    """
    module = after("blocks.three-ways").ThreeWays()
    assert _names(module.named_parameters()) == ["frozen"]
    assert _names(module.named_buffers()) == ["buffer"]
    assert set(module.state_dict()) == {"frozen", "buffer"}
    assert module.double().plain.dtype == torch.float32
    assert module.to("meta").plain.device.type == "cpu"
    assert not any(_table()["plain"].values())


def test_frozen_parameters_are_handed_out() -> None:
    """A parameter with `requires_grad=False` is saved and moved with its module, and is handed to
    optimisers as well, since `parameters()` gives it.

    `requires_grad=False` 的参数会随模块保存和移动，但也在 `parameters()` 里，会被交给优化器。
    """
    module = after("blocks.three-ways").ThreeWays()
    [handed] = torch.optim.SGD(module.parameters(), lr=0.1).param_groups[0]["params"]
    assert handed is module.frozen
    assert all(_table()["frozen"].values())


def test_requires_grad_thaws_frozen_parameters() -> None:
    """`requires_grad_(True)` on a module unfreezes its frozen parameters, and leaves buffers alone.

    对模块调用 `requires_grad_(True)`，冻结的参数就解冻了，缓冲区不受影响。
    """
    module = after("blocks.three-ways").ThreeWays()
    assert module.frozen.requires_grad is False
    module.requires_grad_(True)
    assert module.frozen.requires_grad is True
    assert module.buffer.requires_grad is False


def test_buffers_are_saved_and_moved() -> None:
    """A buffer is in the `state_dict()`, follows `double()` and `to()`, and is not given to
    optimisers.

    缓冲区在 `state_dict()` 里，会跟着 `double()` 和 `to()` 变，但不会交给优化器。
    """
    module = after("blocks.three-ways").ThreeWays()
    assert torch.equal(module.state_dict()["buffer"], module.buffer)
    assert module.double().buffer.dtype == torch.float64
    assert module.to("meta").buffer.device.type == "meta"
    row = _table()["buffer"]
    assert row.pop("parameters()") is False
    assert all(row.values())


def test_meta_keeps_shapes_without_data() -> None:
    """A tensor on the device `meta` has a shape and no data.

    `meta` 设备上的张量只有形状，没有数据。
    """
    moved = after("blocks.three-ways").moved
    assert moved.buffer.shape == (2,)
    assert (moved.buffer @ torch.ones(2, 7, device="meta")).shape == (7,)
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor; no data!"):
        moved.buffer.tolist()


def test_plain_constants_are_lost_on_reload() -> None:
    """With a constant in a plain attribute, `load_state_dict` reports `<All keys matched
    successfully>`, and yet the other object keeps the constant of its constructor and computes
    something else.

    常量放在普通属性里，`load_state_dict` 报告 `<All keys matched successfully>`，
    另一个对象用的却还是自己构造时的常量，算出另一个结果。
    """
    state = after("blocks.another-model")
    net, clone = state.trained, state.Shifted()
    answer = clone.load_state_dict(net.state_dict())
    assert str(answer) == "<All keys matched successfully>"
    assert set(net.state_dict()) == {"linear.weight", "linear.bias"}
    assert torch.equal(net.linear.weight, clone.linear.weight)
    assert net.mean.all()
    assert not clone.mean.any()
    assert not torch.equal(net(state.X), clone(state.X))
    clone.mean = net.mean
    assert torch.equal(net(state.X), clone(state.X))
    assert shown("blocks.another-model").output.splitlines() == [
        "<All keys matched successfully>",
        "same output: False",
    ]


def test_buffers_survive_a_reload() -> None:
    """A buffer is saved and loaded with the weights: a copy with the loaded state computes exactly
    what the original computes.

    缓冲区和权重一起保存、一起读回，读回之后的副本与原来的模型算得完全一样。
    """
    state = after("blocks.fixed-hidden")
    net, clone = state.FixedHiddenMLP(), state.FixedHiddenMLP()
    assert not torch.equal(net.rand_weight, clone.rand_weight)
    clone.load_state_dict(net.state_dict())
    assert torch.equal(net.rand_weight, clone.rand_weight)
    assert torch.equal(net(state.X), clone(state.X))
    assert shown("blocks.fixed-hidden").output.endswith("same output: True\n")


def test_plain_constants_break_a_change_of_dtype() -> None:
    """`double()` leaves a tensor in a plain attribute behind. A difference of the two dtypes goes through;
    a matrix product fails: `expected m1 and m2 to have the same dtype, but got: double != float`. A
    buffer follows.

    `double()` 改不到普通属性里的张量。两种数据类型相减没有问题，做矩阵乘法就报错：
    `expected m1 and m2 to have the same dtype, but got: double != float`；缓冲区会跟着变。
    """
    state, result = after("blocks.left-behind"), shown("blocks.left-behind")
    text = "expected m1 and m2 to have the same dtype, but got: double != float"
    assert result.errors[0].text == f"RuntimeError: {text}"
    assert result.output == "weight: torch.float64\nmean: torch.float32\n"
    assert state.net.mean.dtype == torch.float32
    assert state.net(state.X.double()).dtype == torch.float64
    with pytest.raises(RuntimeError, match=text):
        state.PlainWeight().double()(state.X.double())
    block = after("blocks.fixed-hidden").FixedHiddenMLP().double()
    assert block(state.X.double()).dtype == torch.float64


def test_register_buffer_refuses_an_attribute() -> None:
    """`register_buffer` refuses the name of a plain attribute: `attribute 'mean' already exists`. In place
    of the assignment it works.

    名字已是普通属性，`register_buffer` 会拒绝：`attribute 'mean' already exists`；用它代替赋值就没有问题。
    """
    assert shown("blocks.left-behind").error == "KeyError: \"attribute 'mean' already exists\""
    module = nn.Module()
    module.register_buffer("mean", torch.zeros(20))
    assert set(module.state_dict()) == {"mean"}
    module = nn.Module()
    module.mean = torch.zeros(20)
    with pytest.raises(KeyError, match="attribute 'mean' already exists"):
        module.register_buffer("mean", torch.zeros(20))


def test_halving_ends_at_one_or_below() -> None:
    """A loop that halves while the absolute values sum to more than 1 leaves a result between -1
    and 1.

    绝对值之和大于 1 就减半的循环，结束时的结果在 -1 和 1 之间。
    """
    state = after("blocks.fixed-hidden")
    results = [state.FixedHiddenMLP()(torch.randn(2, 20) * 50) for _ in range(20)]
    assert all(result.abs() <= 1 for result in results)
    nn.init.ones_(state.net.linear.weight)  # then all terms are positive, and none cancel
    assert 0.5 < state.net(state.X * 50) <= 1


def test_control_flow_is_differentiable() -> None:
    """A `while` loop in `forward` whose length depends on the data does not stop autograd: the
    gradients in front of it are finite and not all zero.

    `forward` 里的 `while` 循环几次由数据决定，autograd 照样能求导：循环前面的梯度都是有限的，也不全为零。
    """
    state = after("blocks.fixed-hidden")
    net = state.net
    net.zero_grad()
    net(state.X * 100).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in net.parameters())
    assert net.linear.weight.grad.any()


def test_gradients_belong_to_the_steps_that_ran() -> None:
    """Autograd records the rounds of a loop that ran: after `k` halvings the gradient is 1 / 2**k,
    two halvings from 3 give 0.25.

    autograd 记下实际走过的每一轮循环：减半 `k` 次，梯度就是 1 / 2**k；从 3 开始减半两次，梯度是 0.25。
    """
    state = after("blocks.halving")
    output = shown("blocks.halving").output
    for start, steps in ((0.5, 0), (3.0, 2), (1000.0, 10)):
        x = torch.tensor(start, requires_grad=True)
        y, ran = state.halve(x)
        y.backward()
        assert ran == steps
        assert y.item() == start / 2**steps
        assert x.grad is not None
        assert x.grad.item() == 0.5**steps
        shown_so = f"{start:6}: {steps:4} steps to {y.item():.3f}, gradient {x.grad.item():.4f}"
        assert shown_so in output.splitlines()


def test_infinity_never_shrinks() -> None:
    """Half of infinity is infinity: a loop that waits for it to shrink ends only at a limit.

    无穷大的一半还是无穷大，等它变小的循环只能靠上限停下。
    """
    state = after("blocks.halving")
    assert (torch.tensor(math.inf) / 2).isinf()
    y, steps = state.halve(torch.tensor(math.inf), limit=5000)
    assert steps == 5000
    assert y.isinf()
    assert "   inf: 1000 steps to inf" in shown("blocks.halving").output


def test_nan_leaves_the_loop_at_once() -> None:
    """`nan > 1` is false, so NaN leaves a loop with this condition without a single round.

    `nan > 1` 为假，所以以此为条件的循环，遇到 NaN 一轮也不走。
    """
    state = after("blocks.halving")
    nan = torch.tensor(math.nan)
    assert not nan > 1
    assert state.halve(nan)[1] == 0
    assert "   nan:    0 steps to nan" in shown("blocks.halving").output


def test_finite_inputs_can_overflow_in_a_layer() -> None:
    """A layer can turn finite inputs into infinity, as with weights of 1 and inputs of 1e38;
    `torch.isfinite` tells.

    输入都是有限的数，过一层也可能变成无穷大，例如权重全为 1、输入为 1e38；`torch.isfinite` 能查出来。
    """
    net = after("blocks.fixed-hidden").net
    nn.init.ones_(net.linear.weight)
    X = torch.full((2, 20), 1e38)
    assert torch.isfinite(X).all()
    assert net.linear(X).isinf().all()
    assert not torch.isfinite(net.linear(X)).any()


def test_linear_backward_needs_no_output() -> None:
    """The output of a linear layer may be overwritten in place: its backward pass needs the input
    and the weight, and the gradients are right.

    线性层的输出可以原地改写：求梯度只用输入和权重，得到的梯度仍是对的。
    """
    assert shown("blocks.in-place").output == "after linear: (20, 20)\n"
    linear: Any = nn.Linear(20, 20)
    X = torch.rand(2, 20)
    (linear(X) / 2).sum().backward()
    expected = linear.weight.grad
    linear.zero_grad()
    Y = linear(X)
    Y /= 2
    Y.sum().backward()
    assert linear.weight.grad is not expected
    assert torch.equal(linear.weight.grad, expected)


def test_sigmoid_backward_needs_its_output() -> None:
    """`sigmoid` computes its gradient from its own output; if that was overwritten in place,
    `backward()` refuses: `modified by an inplace operation`.

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
    """`X = X / 2` makes a new tensor and leaves the old one to autograd, so `backward()` works also
    after `sigmoid`, `tanh`, `exp` and `softmax`.

    `X = X / 2` 得到新张量，旧的留给 autograd，所以在 `sigmoid`、`tanh`、`exp`、`softmax` 之后也能反向传播。
    """
    for function in (torch.sigmoid, torch.tanh, torch.exp, nn.Softmax(dim=-1)):
        layer = nn.Linear(20, 20)
        Y = function(layer(torch.rand(2, 20)))
        old = Y
        Y = Y / 2
        Y.square().sum().backward()
        assert torch.equal(Y * 2, old)
        assert layer.weight.grad is not None
        assert layer.weight.grad.any()


def test_in_place_division_stands_only_where_it_is_discussed() -> None:
    """No cell but the one about it divides in place."""
    dividing = [snippet.name for snippet in cells() if "/=" in snippet.source]
    assert dividing == ["blocks.in-place"]


def test_nested_blocks_hand_out_all_parameters() -> None:
    """Blocks nest, and the outermost hands out the parameters of every layer at every depth.

    块可以套块，最外面的块会给出里面每一级、每个层的参数。
    """
    state = after("blocks.chimera")
    assert state.chimera(state.X).shape == ()
    assert state.NestMLP()(state.X).shape == (2, 16)
    layers = [part for part in state.chimera.modules() if isinstance(part, nn.Linear)]
    assert len(layers) == 5
    found = {id(parameter) for parameter in state.chimera.parameters()}
    assert found == {id(p) for layer in layers for p in (layer.weight, layer.bias)}
    assert len(found) == 10
    assert shown("blocks.chimera").output == "output: ()\nparameters: 10\n"


def test_buffers_are_no_modules() -> None:
    """A buffer is no module: `named_modules()` and `named_children()` leave it out.

    缓冲区不是模块，`named_modules()` 和 `named_children()` 里都没有它。
    """
    last = after("blocks.chimera").chimera[2]
    assert _names(last.named_buffers()) == ["rand_weight"]
    assert _names(last.named_children()) == ["linear"]
    assert _names(last.named_modules()) == ["", "linear"]


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

EXERCISES = ("repaired", "parallel", "audit", "residual", "list-like", "skeleton", "shapes")


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
    assert shown(f"blocks.{name}").output.splitlines()[-1].startswith("checked: ")


def test_two_registrations_mend_three_mistakes() -> None:
    """`Broken` loses its mean on a reload, hands out no parameter and fails after `double()`. With the
    mean as a buffer and the layers in an `nn.ModuleList`, none of this is left.

    `Broken` 重新加载会丢掉均值，一个参数也给不出，`double()` 之后就报错；
    均值注册成缓冲区，层放进 `nn.ModuleList`，这些毛病就都没有了。
    """
    state = after("blocks.repaired")
    for kind, mended in ((state.Broken, False), (state.Repaired, True)):
        net, clone = kind(), kind()
        assert len(list(net.parameters())) == (4 if mended else 0)
        clone.load_state_dict(net.state_dict())
        assert torch.equal(net.mean, clone.mean) is mended
        assert torch.equal(net(state.X), clone(state.X)) is mended
        net.double()
        if mended:
            assert net(state.X.double()).dtype == torch.float64
        else:
            with pytest.raises(RuntimeError, match="must have the same dtype"):
                net(state.X.double())


def test_check_of_repaired_refuses_half_a_repair() -> None:
    """A list, a plain mean, a mean that is a parameter, one that is not saved, and other numbers fail."""
    state = after("blocks.repaired")

    class PlainMean(state.Repaired):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            del self.mean
            self.mean = torch.rand(20)

    class Trained(state.Repaired):  # type: ignore[misc, name-defined]
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

    for wrong in (state.Broken, PlainMean, Trained, Unsaved, Other):
        with pytest.raises(AssertionError):
            state.check_repaired(wrong)


def test_residual_is_the_identity_for_any_shape() -> None:
    """A new Residual gives back inputs of any shape, whatever the block inside computes."""
    Residual = after("blocks.residual").Residual
    for width in (1, 7):
        net = Residual(nn.Sequential(nn.Linear(width, 5), nn.Tanh(), nn.Linear(5, width)))
        X = torch.randn(4, 3, width)
        assert torch.equal(net(X), X)


def test_zero_factor_wakes_its_block() -> None:
    """In `X + scale * block(X)` with `scale` at 0 only `scale` has a gradient other than zero; once it
    has moved, every parameter of the block has one.

    `X + scale * block(X)` 里 `scale` 为 0 时，只有它的梯度不为零；它一动，块里每个参数都有了非零的梯度。
    """
    state = after("blocks.residual")
    torch.manual_seed(1)
    net = state.Residual(nn.Sequential(nn.Linear(20, 16), nn.Tanh(), nn.Linear(16, 20)))
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
    output = state.X + inner(state.X)
    assert torch.equal(output, state.X)
    output.square().sum().backward()
    alive = [name for name, parameter in inner.named_parameters() if parameter.grad.any()]
    assert alive == ["1.bias"]


def test_check_of_residual_refuses_a_plain_sum_and_a_constant_factor() -> None:
    """X + block(X) is no identity at first, a factor that stays zero and a block of zeros never learn."""
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

    for wrong in (Sum, Deaf, Zeros):
        with pytest.raises(AssertionError):
            state.check_residual(wrong)


def test_parallel_joins_the_features_of_any_number_of_dimensions() -> None:
    """Parallel joins along the last dimension, and blocks of it nest."""
    state = after("blocks.parallel")
    inner = state.Parallel(nn.Linear(5, 1), nn.Linear(5, 2))
    outer = state.Parallel(inner, nn.Identity())
    for shape in ((5,), (2, 5), (2, 3, 4, 5)):
        X = torch.randn(shape)
        output = outer(X)
        assert output.shape == (*shape[:-1], 8)
        assert torch.equal(output[..., :3], inner(X))
        assert torch.equal(output[..., 3:], X)
    assert _names(outer.named_parameters())[0] == "left.left.weight"


def test_cat_along_dimension_one_needs_matrices() -> None:
    """`torch.cat` along dimension 1 joins the features of matrices; inputs with three dimensions have
    their features in another one: `Sizes of tensors must match except in dimension 1`.

    `torch.cat` 取 `dim=1`，拼的是矩阵的特征维；三维的输入，特征不在这一维，于是报错：
    `Sizes of tensors must match except in dimension 1`。
    """
    state = after("blocks.parallel")
    both = state.Parallel(state.block(20, 8), nn.Linear(20, 4))
    X = torch.rand(3, 2, 20)
    flat = torch.cat((both.left(state.X), both.right(state.X)), dim=1)
    assert torch.equal(flat, both(state.X))
    with pytest.raises(RuntimeError, match="Sizes of tensors must match except in dimension 1"):
        torch.cat((both.left(X), both.right(X)), dim=1)


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

    for wrong in (Rows, Swapped, Hidden):
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
    """A forward hook runs when its call ends: the parts of a block come before the block itself.

    前向钩子在调用结束时运行：块里各部分的钩子，先于块自己的钩子。
    """
    state = after("blocks.shapes")
    net, ran = state.NestMLP(), []
    for name, part in net.named_modules():
        part.register_forward_hook(lambda *_, name=name: ran.append(name))
    net(state.X)
    assert ran == ["net.0", "net.1", "net.2", "net.3", "net", "linear", ""]


def test_shapes_leaves_no_hook_and_no_foreign_hook_out() -> None:
    """The function removes its own hooks, also after an error, and leaves those of others."""
    state = after("blocks.shapes")
    net, calls = state.MLP(), []
    net.out.register_forward_hook(lambda *_: calls.append(1))
    state.shapes(net, state.X)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        state.shapes(net, torch.ones(2, 4))
    assert [len(part._forward_hooks) for part in net.modules()] == [0, 0, 1]
    rows = state.shapes(state.chimera, state.X)
    state.chimera(state.X)
    net(state.X)
    assert (len(calls), len(rows)) == (2, 12)


def test_check_of_shapes_refuses_hooks_that_stay() -> None:
    """Hooks that stay after an error, a swallowed error and names of the loop fail the check."""
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

    for wrong in (swallow, last, stay):
        with pytest.raises(AssertionError):
            state.check_shapes(wrong)


def test_hooks_in_a_loop_see_the_last_name() -> None:
    """Hooks written in a loop over names look the name up when they run, and all see the last one.

    写在循环体里的钩子，运行时才去查循环变量，看到的都是最后那个名字。
    """
    state = after("blocks.shapes")
    net, rows = state.MLP(), []
    for name, part in net.named_modules():
        part.register_forward_hook(lambda *_: rows.append(name))  # noqa: B023
    net(state.X)
    assert rows == ["out"] * 3


def test_list_sequential_does_what_a_list_does() -> None:
    """Length, iteration, indices and slices of ListSequential are those of the list of parts."""
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
    for cut in (slice(a, b, step) for a in ends for b in ends for step in (None, 2, -1)):
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
    assert set(state.mine[2:].state_dict()) == {"0.weight", "0.bias"}
    assert set(state.theirs[2:].state_dict()) == {"2.weight", "2.bias"}


def test_check_of_list_sequential_refuses_children() -> None:
    """A version over children() has the length 3, one whose slice is a list is no container: both fail."""
    state: Any = after("blocks.list-like")

    class ByChildren(state.ListSequential):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(list(self.children()))

        def __iter__(self) -> Any:
            return self.children()

    class ListSlices(state.ListSequential):  # type: ignore[misc]
        def __getitem__(self, index: Any) -> Any:
            return list(self)[index]

    square = state.square
    assert len(ByChildren(square, nn.ReLU(), square)) == 2
    for wrong in (ByChildren, ListSlices):
        with pytest.raises(AssertionError):
            state.check_list_sequential(wrong)


def test_repeat_builds_blocks_of_their_own() -> None:
    """The function calls its factory once per block, in order, and shares nothing."""
    state = after("blocks.skeleton")
    widths = iter((20, 7, 3, 5))
    chain = state.repeat(4, lambda: nn.LazyLinear(next(widths)))
    assert [part.out_features for part in chain] == [20, 7, 3, 5]
    assert type(chain) is nn.Sequential
    assert len(state.repeat(0, nn.ReLU)) == 0
    twins = state.repeat(2, lambda: nn.Linear(3, 3))
    assert not {*map(id, twins[0].parameters())} & {*map(id, twins[1].parameters())}


def test_repeated_objects_are_one_block() -> None:
    """`[make()] * n` is one block `n` times: an `nn.Sequential` of it computes, and has the parameters of
    a single block.

    `[make()] * n` 是同一个块出现 `n` 次：放进 `nn.Sequential` 照样能算，参数却只有一个块那么多。
    """
    state = after("blocks.skeleton")

    def once(n: int, make: Any) -> Any:
        return nn.Sequential(*[make()] * n)

    def make() -> Any:
        return state.block(16, 16)

    chain = once(36, make)
    assert len(chain) == 36
    assert len(list(chain.parameters())) == 2
    assert chain(torch.rand(2, 16)).shape == (2, 16)
    assert len(list(state.repeat(36, make).parameters())) == 2 * 36
    with pytest.raises(AssertionError):
        state.check_repeat(once)


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
    """In a chain of 152 linear layers with ReLUs and the default initialisation the signal is lost: two
    inputs get the same output, and the first layer a zero gradient.

    152 个线性层带着 ReLU 直接相连，用默认的初始化，信号传不过去：两个样本的输出一模一样，第一层的梯度为零。
    """
    state = after("blocks.skeleton")
    for seed in (0, 1):
        torch.manual_seed(seed)
        net = _skeleton(state, lambda inner: inner)
        assert sum(isinstance(part, nn.Linear) for part in net.modules()) == 152
        output = net(state.X)
        output.sum().backward()
        assert torch.equal(output[0], output[1])
        assert not net[0].weight.grad.any()


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


def test_registered_tensors_are_not_in_vars() -> None:
    """A tensor in a plain attribute stands in `vars(module)`; parameters and buffers do not, since
    the module keeps them in its registries.

    普通属性里的张量在 `vars(module)` 里；参数和缓冲区不在，模块把它们收在注册表中。
    """
    module = after("blocks.audit").ThreeWays()
    assert isinstance(vars(module)["plain"], torch.Tensor)
    assert not {"buffer", "frozen"} & set(vars(module))
    assert vars(module)["_buffers"]["buffer"] is module.buffer
    assert vars(module)["_parameters"]["frozen"] is module.frozen


def test_an_audit_does_not_look_into_lists() -> None:
    """The audit of a module with two layers in a Python list finds the mean beside the list and nothing of
    the layers.

    模块有两个层放在列表里，盘点只找得到列表外面的均值，层里的张量一个也找不到。
    """
    state = after("blocks.audit")
    assert state.audit(state.Broken()) == {"mean": "plain"}
    assert state.audit(state.Listed(list)) == {}
    assert set(state.audit(state.Listed(nn.ModuleList)).values()) == {"parameter"}
    assert shown("blocks.audit").output.startswith("of Broken: {'mean': 'plain'}\n")


def test_check_of_audit_refuses_half_an_audit() -> None:
    """An audit without the plain tensors, without the full names, or of one level only fails."""
    state = after("blocks.audit")

    def registered(module: nn.Module) -> Any:
        return {k: v for k, v in state.audit(module).items() if v != "plain"}

    def short(module: nn.Module) -> Any:
        return {k.rpartition(".")[2]: v for k, v in state.audit(module).items()}

    def one_level(module: nn.Module) -> Any:
        return {k: v for k, v in state.audit(module).items() if "." not in k}

    for wrong in (registered, short, one_level):
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
    assert all(isinstance(part, nn.Module) for _, part in found)


def test_super_init_comes_before_all_registration() -> None:
    """Without `super().__init__()` a layer and a parameter cannot be assigned and a buffer cannot be
    registered; after it all three can.

    没有调用 `super().__init__()`，就不能给属性赋层、赋参数，也不能注册缓冲区；调用之后都可以。
    """

    class Part(nn.Module):
        def __init__(self, first: bool, register: Any) -> None:
            if first:
                super().__init__()
            register(self)

    for register in (
        lambda part: setattr(part, "layer", nn.Linear(2, 2)),
        lambda part: setattr(part, "weight", nn.Parameter(torch.ones(2))),
        lambda part: part.register_buffer("mean", torch.ones(2)),
    ):
        with pytest.raises(AttributeError, match=r"before Module\.__init__\(\) call"):
            Part(False, register)
        assert Part(True, register).state_dict()


def test_hooks_before_and_after_run_only_in_calls() -> None:
    """`net(X)` runs the hooks of `net` before and after `forward`; `net.forward(X)` runs neither.

    `net(X)` 会运行 `net` 的钩子，`forward` 之前和之后的都会；`net.forward(X)` 两种都不运行。
    """
    state = after("blocks.mlp")
    net, ran = state.MLP(), []
    net.register_forward_pre_hook(lambda *_: ran.append("before"))
    net.register_forward_hook(lambda *_: ran.append("after"))
    net.forward(state.X)
    assert ran == []
    net(state.X)
    assert ran == ["before", "after"]


def test_module_list_and_module_dict_register() -> None:
    """Layers in an `nn.ModuleList` or `nn.ModuleDict` are registered; in a list or a dict they are hidden
    from `parameters()`, `state_dict()` and `to()`.

    放进 `nn.ModuleList` 或 `nn.ModuleDict` 的层会注册；放进列表或字典，
    `parameters()`、`state_dict()`、`to()` 就找不到它们。
    """
    for kind, registers in (
        (nn.ModuleList, True),
        (list, False),
        (lambda layers: nn.ModuleDict({"a": layers[0], "b": layers[1]}), True),
        (lambda layers: {"a": layers[0], "b": layers[1]}, False),
    ):
        net = after("blocks.registry").Listed(kind).to(torch.float64)
        assert len(list(net.parameters())) == len(net.state_dict()) == (4 if registers else 0)
        parts = net.blocks
        layer = parts["a"] if isinstance(parts, dict | nn.ModuleDict) else parts[0]
        assert (layer.weight.dtype == torch.float64) is registers


def test_a_buffer_comes_back_and_a_plain_tensor_does_not() -> None:
    """A buffer `mean` is saved, follows `to()`, is not among the `parameters()` and comes back on a reload; in
    a plain attribute it does not come back.

    缓冲区 `mean` 会保存，会跟着 `to()` 移动，不在 `parameters()` 里，重新加载也在；放在普通属性里，重新加载就丢了。
    """

    class Kept(nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.register_buffer("mean", torch.tensor([value]))

    net, clone = Kept(1), Kept(2)
    assert list(net.parameters()) == []
    clone.load_state_dict(net.state_dict())
    assert torch.equal(net.mean, clone.mean)  # type: ignore[arg-type]
    assert net.to("meta").mean.device.type == "meta"  # type: ignore[union-attr]
    state = after("blocks.another-model")
    state.loaded.load_state_dict(state.trained.state_dict())
    assert not torch.equal(state.trained.mean, state.loaded.mean)


def test_a_loop_out_of_place_has_its_gradient() -> None:
    """After a loop that wrote `X = X / 2` three times its gradient is 1 / 2**3. Written `X /= 2` on the output
    of `sigmoid`, the same loop makes `backward()` fail.

    循环执行了三次 `X = X / 2`，梯度就是 1 / 2**3；对 `sigmoid` 的输出写成 `X /= 2`，同样的循环会让 `backward()` 报错。
    """
    start = torch.full((12,), 0.0, requires_grad=True)
    X = start.sigmoid()
    while X.sum() > 1:
        X = X / 2
    X.sum().backward()
    assert X.sum().item() == 6 / 2**3
    assert torch.equal(start.grad, torch.full((12,), 0.25 / 2**3))  # type: ignore[arg-type]
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
