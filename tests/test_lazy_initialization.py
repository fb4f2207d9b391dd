"""Proves what the page on lazy initialisation says."""

import copy
import io
import itertools
import math
import pickle
import warnings
from typing import Any, cast
from unittest import mock

import pytest
import torch
from torch import nn

from proven.testing import after, over, shown
from tests.families import (
    Initialiser,
    Layer,
    activations,
    devices,
    float_dtypes,
    initialisers,
    layers,
    lazy_layers,
    optimizers,
    seeds,
)
from tests.solutions import silent

X = torch.ones(2, 20)


def is_lazy(p: torch.Tensor) -> bool:
    """Whether a parameter has no shape yet."""
    return isinstance(p, nn.UninitializedParameter)


def messages(name: str) -> list[str]:
    """The errors that a snippet shows."""
    return [error.text for error in shown(name).errors]


def with_a_width_to_decide() -> list[Layer]:
    """The lazy classes that take the width of their output."""
    return [layer for layer in lazy_layers() if "Norm" not in layer.cls.__name__]


def test_a_wrong_in_features_fails_in_the_first_call() -> None:
    """A wrong `in_features` after a `Flatten` is noticed only when the model is called, by the
    linear layer. The first shape in the message, 2x256, is that of its input: 16 channels of
    4 × 4 are left.

    `Flatten` 之后的 `in_features` 写错了，要到调用模型时才由线性层发现。报错信息里的第一个形状
    2x256 就是它的输入：剩下的是 16 个 4 × 4 的通道。
    """
    snippet = shown("lazy_initialization.by-hand")
    message = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x256 and 400x10)"
    assert [error.text for error in snippet.errors] == [message]
    assert snippet.errors[0].line == 15
    state = after("lazy_initialization.by-hand")
    assert state.net[:-2](state.images).shape == (2, 16, 4, 4)
    assert state.net[:-1](state.images).shape == (2, 16 * 4 * 4)


def test_lazy_layers_take_their_width_from_the_first_batch() -> None:
    """A lazy convolution takes the number of its input channels from the first batch, and a lazy
    linear layer after a `Flatten` the number of values for each image.

    延后初始化的卷积层从第一批数据得知输入通道数；接在 `Flatten` 后面的延后初始化的线性层，
    则从中得知每张图像有多少个数。
    """
    lines = shown("lazy_initialization.lazy-conv").output.splitlines()
    assert lines[:3] == ["image: (1, 28, 28)", "  in_channels: 1", "  in_features: 256"]
    assert lines[3:] == ["image: (3, 32, 32)", "  in_channels: 3", "  in_features: 400"]
    conv_net = after("lazy_initialization.lazy-conv").conv_net
    shapes = {(1, 28, 28): (4, 4), (3, 32, 32): (5, 5), (2, 28, 36): (4, 6), (4, 16, 64): (1, 13)}
    for shape in over(shapes, "shapes of images | 种图像形状"):
        net = conv_net()
        assert net(torch.ones(4, *shape)).shape == (4, 10)
        assert net[0].weight.shape == (6, shape[0], 5, 5)
        assert net[3].weight.shape == (16, 6, 5, 5)
        height, width = shapes[shape]
        assert net[-1].weight.shape == (10, 16 * height * width)


def test_there_are_thirteen_lazy_classes() -> None:
    """`torch.nn` has 13 lazy classes (2.13): linear, and in one to three dimensions convolution,
    transposed convolution, batch norm and instance norm.

    `torch.nn` 里有 13 个延后初始化的类（2.13）：线性层，以及一维到三维的卷积、转置卷积、
    批量规范化和实例规范化。
    """
    found = [name for name in dir(nn) if name.startswith("Lazy")]
    kinds = ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm")
    assert sorted(found) == sorted(
        ["LazyLinear", *(f"Lazy{kind}{n}d" for kind in kinds for n in (1, 2, 3))]
    )
    for name in over(found, "lazy classes | 个延后初始化的类"):
        assert issubclass(getattr(nn, name), nn.modules.lazy.LazyModuleMixin)


def test_lazy_layers_give_no_warning() -> None:
    """Building and calling a lazy layer gives no warning (2.13), although the documentation of lazy modules
    still calls them experimental.

    构造和调用延后初始化的层都不会发出警告（2.13），尽管这类模块的文档里仍写着 experimental。
    """
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            module = layer.make()
            assert type(module) is layer.cls
            layer.call(module)
        assert type(module) is not layer.cls
        assert not caught
    documentation = nn.modules.lazy.LazyModuleMixin.__doc__ or ""
    assert "experimental" in documentation
    assert "API is likely to change" in documentation


def test_in_features_starts_as_a_placeholder() -> None:
    """Before its first call a lazy linear layer says `in_features=0`, whatever it will become.

    第一次调用之前，延后初始化的线性层显示 `in_features=0`，与将来的宽度无关。
    """
    line = "  (0): LazyLinear(in_features=0, out_features=256, bias=True)"
    assert line in shown("lazy_initialization.before").output.splitlines()
    lazy_net = after("lazy_initialization.before").lazy_net
    for width in over((1, 2, 20, 21, 300), "widths | 种宽度"):
        net = lazy_net()
        assert (net[0].in_features, net[2].in_features) == (0, 0)
        net(torch.ones(2, width))
        assert (net[0].in_features, net[2].in_features) == (width, 256)


def test_lazy_parameters_are_registered_at_once() -> None:
    """A lazy layer registers its parameters when it is built: each is an `UninitializedParameter`,
    under its final name.

    延后初始化的层在构造时就注册参数：它们都是 `UninitializedParameter`，名字以后也不再变。
    """
    net = after("lazy_initialization.before").net
    names = ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [name for name, _ in net.named_parameters()] == list(net.state_dict()) == names
    lines = shown("lazy_initialization.before").output.splitlines()
    assert "<UninitializedParameter>" in lines
    assert str(names) in lines
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        named = [name for name, p in module.named_parameters() if is_lazy(p)]
        assert named == ["weight", "bias"]
        saved = list(module.state_dict())
        layer.call(module)
        assert [name for name, _ in module.named_parameters()] == named
        assert list(module.state_dict()) == saved


def test_only_in_features_is_inferred() -> None:
    """Building a lazy linear layer or convolution without the width of its output raises a `TypeError`;
    `nn.LazyLinear` infers `in_features` in its first call.

    延后初始化的线性层和卷积层，不给输出宽度就报 `TypeError`；`nn.LazyLinear` 在第一次调用时推断
    `in_features`。
    """
    error = messages("lazy_initialization.what-fails")[-1]
    assert error.startswith("TypeError: LazyLinear.__init__() missing 1 required")
    assert error.endswith("'out_features'")
    for layer in over(with_a_width_to_decide(), "lazy classes | 个延后初始化的类"):
        with pytest.raises(TypeError, match=r"missing .* required .*'out_(features|channels)'"):
            layer.cls()
    linear = nn.LazyLinear(3)
    linear(torch.ones(2, 7))
    assert (linear.in_features, linear.out_features) == (7, 3)


def test_shape_before_the_first_call_is_an_error() -> None:
    """Asking an uninitialised parameter for its `shape` raises a `RuntimeError` whose message says what to
    do.

    访问未初始化的参数的 `shape`，会得到 `RuntimeError`，报错信息里写明了该怎么办。
    """
    error = messages("lazy_initialization.before")[0]
    assert error.startswith("RuntimeError: Can't access the shape of an uninitialized parameter")
    assert "Call `forward` to initialize the parameters" in error
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        for p in layer.make().parameters():
            with pytest.raises(RuntimeError, match="Can't access the shape"):
                p.shape


def test_uninitialised_parameters_refuse_computation() -> None:
    """Arithmetic with an uninitialised parameter raises a `ValueError`, `share_memory` a
    `RuntimeError`, and an initialiser of `nn.init` one of the two (2.13).

    用未初始化的参数做运算会报 `ValueError`，`share_memory` 报 `RuntimeError`，
    `nn.init` 里的初始化函数报这两种之一（2.13）。
    """
    errors = messages("lazy_initialization.what-fails")
    assert errors[0].startswith("ValueError: Attempted to use an uninitialized parameter in")
    assert errors[2].startswith("RuntimeError: Can't share memory on an uninitialized parameter")
    weight = nn.LazyLinear(3).weight
    for init in over(initialisers(), "initialisers of nn.init | 个 nn.init 的初始化函数"):
        with pytest.raises((ValueError, RuntimeError), match="uninitialized parameter"):
            init(weight)
        assert is_lazy(weight)
    names = ("abs", "clone", "exp", "flatten", "isnan", "mean", "norm", "numel", "sort", "sum")
    for name in over(names, "functions of torch | 个 torch 的函数"):
        with pytest.raises(ValueError, match="uninitialized parameter"):
            getattr(torch, name)(weight)
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        with pytest.raises(ValueError, match="uninitialized parameter"):
            module.weight + 1
        with pytest.raises(RuntimeError, match="Can't share memory"):
            module.share_memory()


def test_data_of_a_lazy_parameter_holds_nothing() -> None:
    """`.data` of an uninitialised parameter is an empty tensor: filling it, adding a number to it or putting
    another tensor of its dtype and device in its place raises no error, and after the first call the
    parameter has its default values.

    未初始化的参数，`.data` 是空张量：往里填数、加一个数，或者换上另一个类型和设备相同的张量，都不报错，
    第一次调用之后，参数仍是默认值。
    """
    told = "elements: 0\nall ones: False\n"
    assert shown("lazy_initialization.lazy-data").output == told
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        torch.manual_seed(0)
        plain = layer.make()
        layer.call(plain)
        torch.manual_seed(0)
        module = layer.make()
        assert module.weight.data.numel() == 0
        module.weight.data.fill_(5)
        module.weight.data[:] += 1
        for write in ("copy_", "add_"):  # values of another shape are noticed
            with pytest.raises(RuntimeError):
                getattr(module.weight.data, write)(plain.weight.detach())
        module.weight.data = torch.full_like(plain.weight, 5)
        assert is_lazy(module.weight)
        layer.call(module)
        assert torch.equal(module.weight, plain.weight)


def test_lazy_parameters_know_their_dtype() -> None:
    """An uninitialised parameter already has its dtype, and `to` changes it before there is any
    shape.

    未初始化的参数已经有数据类型，还没有形状时就能用 `to` 改掉。
    """
    assert "dtype: torch.float32" in shown("lazy_initialization.what-fails").output
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        net = after("lazy_initialization.what-fails").net.to(dtype)
        assert all(is_lazy(p) and p.dtype == dtype for p in net.parameters())
        assert nn.LazyLinear(3, dtype=dtype).weight.dtype == dtype


def test_calling_forward_skips_the_lazy_hook() -> None:
    """A lazy layer infers its width in a hook: calling the layer runs it, calling its `forward`
    does not, and fails.

    延后初始化的层靠钩子推断宽度：调用这一层时钩子会运行；直接调用它的 `forward`，
    钩子不运行，于是报错。
    """
    error = messages("lazy_initialization.what-fails")[1]
    assert error.startswith("ValueError: Attempted to use an uninitialized parameter in <built-in")
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        with pytest.raises(ValueError, match=r"uninitialized parameter|num_features"):
            module.forward(*layer.inputs())
        assert is_lazy(module.weight)
        without: Any = layer.make()
        without._initialize_hook.remove()
        with pytest.raises(ValueError, match=r"uninitialized parameter|num_features"):
            layer.call(without)
        layer.call(module)
        assert not is_lazy(module.weight)


def test_size_gives_a_placeholder() -> None:
    """An uninitialised parameter answers `size()` with `torch.Size([0])`, while `shape` raises
    (2.13).

    未初始化的参数，`size()` 返回 `torch.Size([0])`，`shape` 却报错（2.13）。
    """
    assert "size: torch.Size([0])" in shown("lazy_initialization.what-fails").output
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        for p in layer.make().parameters():
            assert p.size() == (0,)
            with pytest.raises(RuntimeError, match="Can't access the shape"):
                p.shape


def test_only_the_last_dimension_decides() -> None:
    """The last dimension of the first input decides the width of a lazy linear layer; neither the
    values nor the other dimensions matter.

    第一次输入的最后一维定下延后初始化的线性层的宽度，与数值和其他各维无关。
    """
    shapes = ((20,), (1, 20), (2, 20), (0, 20), (5, 3, 20), (20, 7), (2, 20, 7), (2, 3, 4, 1))
    for shape in over(shapes, "shapes | 种形状"):
        drawn = []
        for value in (0.0, 1.0, -3.5, math.inf, math.nan):
            torch.manual_seed(0)
            layer = nn.LazyLinear(256)
            layer(torch.full(shape, value))
            assert layer.weight.shape == (256, shape[-1])
            drawn.append(layer.weight)
        assert all(torch.equal(drawn[0], weight) for weight in drawn)


def test_a_forgotten_flatten_raises_no_error() -> None:
    """Without the `Flatten`, a lazy linear layer after a convolution takes the width of the image
    for the width of its input, and raises no error.

    少了 `Flatten`，卷积后面的延后初始化的线性层就把图像的宽当成自己的输入宽度，不报错。
    """
    told = "in_features: 4\n(2, 16, 4, 10)\n"
    assert shown("lazy_initialization.forgotten-flatten").output == told
    for size in over((16, 28, 32, 64), "sizes of images | 种图像大小"):
        images = torch.ones(2, 3, size, size + 4)
        net = nn.Sequential(nn.LazyConv2d(6, 5), nn.LazyLinear(10))
        assert net(images).shape == (2, 6, size - 4, 10)
        assert net[1].in_features == size
        flat = nn.Sequential(nn.LazyConv2d(6, 5), nn.Flatten(), nn.LazyLinear(10))
        assert flat(images).shape == (2, 10)


def test_widths_follow_from_layer_to_layer() -> None:
    """In an `nn.Sequential` of lazy layers and activations, each lazy layer takes its width from
    the output of the layer before.

    在由延后初始化的层和激活函数组成的 `nn.Sequential` 里，延后初始化的层都以前一层的输出宽度为准。
    """
    state = after("lazy_initialization.dry-run")
    shapes = [tuple(p.shape) for p in state.net.parameters()]
    assert shapes == [(256, 20), (256,), (10, 256), (10,)]
    for layer in over(activations(), "activations | 种激活函数"):
        net = nn.Sequential(nn.LazyLinear(7), layer.make(), nn.LazyLinear(5), nn.LazyLinear(2))
        net(X)
        assert [net[i].in_features for i in (0, 2, 3)] == [20, 7, 5]
    net = nn.Sequential(nn.LazyConv2d(6, 5), nn.Flatten(), nn.LazyLinear(10))
    net(torch.ones(1, 3, 28, 28))
    assert net[2].in_features == 6 * 24 * 24


def test_the_first_call_leaves_nothing_lazy() -> None:
    """The first call turns a lazy layer into a plain one, such as `nn.LazyLinear` into `nn.Linear`,
    and its parameters into plain `Parameter`s.

    第一次调用把延后初始化的层变成普通的层，例如 `nn.LazyLinear` 变成 `nn.Linear`；
    参数都变成普通的 `Parameter`。
    """
    net = after("lazy_initialization.dry-run").net
    assert [type(m) for m in net] == [nn.Linear, nn.ReLU, nn.Linear]
    output = shown("lazy_initialization.dry-run").output
    assert "(0): Linear(in_features=20, out_features=256, bias=True)" in output
    assert "Lazy" not in output
    assert "its class: Parameter" in output
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        layer.call(module)
        assert type(module) is getattr(nn, layer.cls.__name__.removeprefix("Lazy"))
        assert {type(p) for p in module.parameters()} == {nn.Parameter}
        assert not module._forward_pre_hooks


def test_lazy_parameters_are_filled_in_place() -> None:
    """A parameter taken out of a lazy layer before its first call is still the same object afterwards.

    第一次调用之前从延后初始化的层里取出的参数，调用之后仍是同一个对象。
    """
    state = after("lazy_initialization.dry-run")
    assert state.weight is state.net[0].weight
    assert "same object: True" in shown("lazy_initialization.dry-run").output
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        held = list(module.parameters())
        layer.call(module)
        assert all(p is q for p, q in zip(held, module.parameters(), strict=True))


def test_counting_lazy_parameters_is_an_error() -> None:
    """Summing `numel()` over a lazy layer raises a `ValueError` before its first call, and works
    afterwards.

    对延后初始化的层累加 `numel()`，第一次调用之前报 `ValueError`，之后才数得出来。
    """
    error = messages("lazy_initialization.before")[1]
    assert error.startswith(
        "ValueError: Attempted to use an uninitialized parameter in <method 'numel'"
    )
    assert "with a dummy batch" in error
    assert shown("lazy_initialization.dry-run").output.endswith("\n7946\n")
    assert 20 * 256 + 256 + 256 * 10 + 10 == 7946
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        with pytest.raises(ValueError, match="uninitialized parameter"):
            sum(p.numel() for p in module.parameters())
        layer.call(module)
        assert sum(p.numel() for p in module.parameters()) > 0


def test_the_first_call_fixes_the_width() -> None:
    """After the first call of a lazy linear layer another width is refused as by any `nn.Linear`,
    while the size of the batch stays free.

    延后初始化的线性层第一次调用之后，换一个宽度就和普通的 `nn.Linear` 一样报错，
    一批有多少行则不限。
    """
    error = shown("lazy_initialization.second-width").error
    assert error == "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x21 and 20x256)"
    assert shown("lazy_initialization.second-width").output == "(7, 10)\n"
    net = after("lazy_initialization.second-width").net
    for rows in over((0, 1, 7, 64), "sizes of the batch | 种批量大小"):
        assert net(torch.ones(rows, 20)).shape == (rows, 10)
    for width in over((1, 10, 19, 21, 40, 256), "other widths | 种其他宽度"):
        for layer in (net, nn.Linear(20, 256)):
            with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
                layer(torch.ones(2, width))


def test_picture_shows_both_moments() -> None:
    """The picture has a `?` for each lazy parameter on the left, and its shape on the right."""
    state = after("lazy_initialization.before-after")
    lazy = ["LazyLinear\nweight ?\nbias ?", "ReLU", "LazyLinear\nweight ?\nbias ?"]
    assert state.lazy_boxes == state.look(state.lazy_net()) == lazy
    plain = ["Linear\nweight (256, 20)\nbias (256,)", "ReLU"]
    assert state.plain_boxes == [*plain, "Linear\nweight (10, 256)\nbias (10,)"]
    (svg,) = shown("lazy_initialization.before-after").figures
    for text in ("lazy_net()", "net(X)", "LazyLinear", "weight ?", "weight (10, 256)"):
        assert text in svg


def test_lazy_linear_is_a_subclass_of_linear() -> None:
    """`nn.LazyLinear` is a subclass of `nn.Linear`: `isinstance(m, nn.Linear)` holds, `type(m) is
    nn.Linear` does not. Lazy convolutions are subclasses of the ordinary ones, too.

    `nn.LazyLinear` 是 `nn.Linear` 的子类：`isinstance(m, nn.Linear)` 成立，
    `type(m) is nn.Linear` 不成立。延后初始化的卷积同样是普通卷积的子类。
    """
    layer = after("lazy_initialization.init-by-type").lazy_net()[0]
    assert isinstance(layer, nn.Linear)
    assert type(layer) is not nn.Linear
    for kind in over(with_a_width_to_decide(), "lazy classes | 个延后初始化的类"):
        plain = getattr(nn, kind.cls.__name__.removeprefix("Lazy"))
        module = kind.make()
        assert isinstance(module, plain)
        assert type(module) is not plain


def test_comparing_types_skips_lazy_layers_silently() -> None:
    """An initialiser that asks for `type(m) is nn.Linear` skips a lazy layer without a word, and
    the first call fills in the default values.

    靠 `type(m) is nn.Linear` 挑层的初始化函数会跳过延后初始化的层，不报错；
    第一次调用时填入的是默认值。
    """
    state = after("lazy_initialization.init-by-type")
    assert shown("lazy_initialization.init-by-type").output == "all ones: False\n"
    state.early.apply(state.init_by_type)
    assert (state.early[0].weight == 1).all()  # the function itself is right
    for seed in over(seeds(), "seeds | 个随机种子"):
        net = state.lazy_net()
        net.apply(state.init_by_type)
        assert all(is_lazy(p) for p in net.parameters())
        torch.manual_seed(seed)
        net(X)
        torch.manual_seed(seed)
        assert torch.equal(net[0].weight, nn.Linear(20, 256).weight)


def test_no_layer_stays_a_lazy_linear() -> None:
    """After its first call a layer no longer has the lazy class, so looking for that class finds nothing.

    第一次调用之后，层不再属于延后初始化的类，按这个类去找，一个也找不到。
    """
    state = after("lazy_initialization.init-by-type")
    assert not any(isinstance(m, nn.LazyLinear) for m in state.early.modules())
    assert sum(type(m) is nn.LazyLinear for m in state.lazy_net().modules()) == 2
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        assert isinstance(module, layer.cls)
        layer.call(module)
        assert not isinstance(module, layer.cls)


def test_isinstance_fails_early_and_works_later() -> None:
    """An initialiser that picks every `nn.Linear` by `isinstance`, and then calls a function of `nn.init` or
    the weight's `fill_`, stops with an error at a lazy linear layer that was never called; after the first
    call it sets the weight.

    初始化函数若用 `isinstance` 挑出 `nn.Linear`，再调用 `nn.init` 的函数或权重的 `fill_`，
    遇到还没调用过的延后初始化的线性层会报错；第一次调用之后就能设定。
    """
    state = after("lazy_initialization.init-by-isinstance")
    (error,) = messages("lazy_initialization.init-by-isinstance")
    assert error.startswith("ValueError: Attempted to use an uninitialized parameter in <method")
    assert shown("lazy_initialization.init-by-isinstance").output == "all ones: True\n"
    assert (state.late[2].weight == 1).all()
    fits = [init for init in initialisers() if len(init.shape) == 2]
    for init in over(fits, "initialisers of nn.init | 个 nn.init 的初始化函数"):
        net = state.lazy_net()

        def set_weight(m: nn.Module, init: Initialiser = init) -> None:
            if isinstance(m, nn.Linear):
                init(m.weight)

        with pytest.raises((ValueError, RuntimeError), match="uninitialized parameter"):
            net.apply(set_weight)
        net(X)
        before = [net[i].weight.detach().clone() for i in (0, 2)]
        net.apply(set_weight)
        assert not any(
            torch.equal(net[i].weight, old) for i, old in zip((0, 2), before, strict=True)
        )


def test_lazy_norms_are_no_subclasses() -> None:
    """Lazy batch norms and instance norms are not subclasses of the ordinary ones: before the first call
    `isinstance` is false, afterwards it is true.

    延后初始化的批量规范化和实例规范化不是相应普通类的子类：第一次调用之前 `isinstance` 不成立，
    之后才成立。
    """
    names = [f"{kind}Norm{n}d" for kind in ("Batch", "Instance") for n in (1, 2, 3)]
    for name in over(names, "classes of norms | 个规范化类"):
        layer = getattr(nn, f"Lazy{name}")()
        assert not isinstance(layer, getattr(nn, name))
        layer(torch.ones(2, 3, *[4] * int(name[-2])))
        assert isinstance(layer, getattr(nn, name))
    net = after("lazy_initialization.dry-run-traces").with_norm()
    seen = []
    net.apply(lambda m: seen.append(isinstance(m, nn.BatchNorm1d)))
    assert not any(seen)
    net.eval()(X)
    net.apply(lambda m: seen.append(isinstance(m, nn.BatchNorm1d)))
    assert sum(seen) == 1


def test_dropout_draws_in_a_dry_run_in_training_mode() -> None:
    """With one seed, a lazy linear layer behind `nn.Dropout()` gets other weights than the ordinary layer if
    the dry run is done in training mode, and the same ones in evaluation mode.

    种子相同时，排在 `nn.Dropout()` 后面的延后初始化的线性层，若在训练模式下试运行，权重与普通层的不同；
    在评估模式下则相同。
    """

    def weight(train: bool) -> torch.Tensor:
        torch.manual_seed(seed)
        net: Any = nn.Sequential(nn.LazyLinear(4), nn.Dropout(), nn.LazyLinear(2)).train(train)
        net(X)
        drawn: torch.Tensor = net[2].weight
        return drawn

    for seed in over(seeds(), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        eager: Any = nn.Sequential(nn.Linear(20, 4), nn.Dropout(), nn.Linear(4, 2))
        ordinary = eager[2].weight
        assert not torch.equal(weight(True), ordinary)
        assert torch.equal(weight(False), ordinary)


def test_lazy_instance_norms_have_other_defaults() -> None:
    """A lazy instance norm draws no random numbers. By default it has a weight and running statistics after
    its first call, whereas the ordinary one has neither (2.13).

    延后初始化的实例规范化不抽随机数，默认在第一次调用之后有权重和统计量；普通的实例规范化默认两样都没有（2.13）。
    """
    norms = [layer for layer in lazy_layers() if "InstanceNorm" in layer.cls.__name__]
    for layer in over(norms, "lazy instance norms | 个延后初始化的实例规范化"):
        before = torch.get_rng_state()
        module = layer.make()
        layer.call(module)
        assert torch.equal(before, torch.get_rng_state())
        plain = type(module)(4)
        assert list(plain.state_dict()) == []
        assert {"weight", "running_mean"} < set(module.state_dict())


def test_lazy_layers_draw_in_their_first_call() -> None:
    """Building a lazy layer draws no random numbers; in the first call a linear layer or a
    convolution does.

    构造延后初始化的层不抽随机数；线性层和卷积要到第一次调用时才抽。
    """
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        torch.manual_seed(0)
        before = torch.get_rng_state()
        module = layer.make()
        assert torch.equal(before, torch.get_rng_state())
        layer.call(module)
        norm = "Norm" in layer.cls.__name__  # begins with ones and zeros
        assert torch.equal(before, torch.get_rng_state()) == norm


def test_all_lazy_layers_draw_like_ordinary_ones() -> None:
    """With one seed, this model with all linear layers lazy gets exactly the weights of the ordinary
    one (2.13). A lazy layer draws when it is called, wherever it was built.

    种子相同时，这个模型的线性层全部延后初始化，权重与普通模型的完全一样（2.13）。
    延后初始化的层何时调用就何时抽，与构造的次序无关。
    """
    state = after("lazy_initialization.same-draws")
    assert "all lazy: True" in shown("lazy_initialization.same-draws").output
    assert torch.equal(state.eager, state.drawn(state.lazy_net))
    for seed in over(seeds(), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        eager = state.eager_net()
        torch.manual_seed(seed)
        lazy = state.lazy_net()
        lazy(X)
        pairs = zip(eager.parameters(), lazy.parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs)
        # the first to be called draws first, wherever it was built
        torch.manual_seed(seed)
        built_first, called_first = nn.LazyLinear(4), nn.LazyLinear(4)
        called_first(X)
        built_first(X)
        torch.manual_seed(seed)
        assert torch.equal(called_first.weight, nn.Linear(20, 4).weight)
        assert torch.equal(built_first.weight, nn.Linear(20, 4).weight)


def test_a_lazy_model_in_another_dtype_draws_other_numbers() -> None:
    """With one seed, a lazy linear layer or convolution that is converted to `float64` before its first call
    draws other numbers than the ordinary one that is built and then converted (2.13); in `float16` and
    `bfloat16` fewer than 1% of the weights differ, and after a conversion that follows the first call none do.

    种子相同时，延后初始化的线性层或卷积若在第一次调用之前换成 `float64`，抽到的数与构造之后才转换的普通层不同（2.13）；
    换成 `float16` 和 `bfloat16`，不同的权重不到 1%；先调用、后转换，则完全相同。
    """
    halves = (torch.float16, torch.bfloat16)
    cases = itertools.product(with_a_width_to_decide(), (*halves, torch.float64))
    for layer, dtype in over(cases, "lazy classes and dtypes | 种延后初始化的类与数据类型的组合"):
        (batch,) = layer.inputs()
        more = layer.args[1:]  # without the width of the output
        torch.manual_seed(0)
        early = layer.cls(400, *more).to(dtype)
        early(batch.to(dtype))
        torch.manual_seed(0)
        late = layer.cls(400, *more)
        late(batch)
        late.to(dtype)
        torch.manual_seed(0)
        ordinary = getattr(nn, layer.cls.__name__.removeprefix("Lazy"))(4, 400, *more).to(dtype)
        assert early.weight.dtype == late.weight.dtype == ordinary.weight.dtype == dtype
        assert torch.equal(late.weight, ordinary.weight)
        assert torch.equal(late.bias, ordinary.bias)
        share = (early.weight != ordinary.weight).double().mean()
        assert share < 0.01 if dtype in halves else share > 0.99
    state = after("lazy_initialization.same-draws")
    for seed in over(seeds(), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        eager = state.eager_net().double()
        torch.manual_seed(seed)
        lazy = state.lazy_net().double()
        lazy(X.double())
        torch.manual_seed(seed)
        first = nn.Linear(20, 256, dtype=torch.float64)
        assert torch.equal(lazy[0].weight, first.weight)
        assert torch.equal(lazy[0].bias, first.bias)
        assert not any(
            torch.isin(p, q).any()
            for p, q in zip(eager.parameters(), lazy.parameters(), strict=True)
        )


def test_mixing_lazy_layers_changes_the_draws() -> None:
    """If a lazy layer comes before an ordinary one, the ordinary one draws first, when it is built: with the
    same seed, the weights are not those of the ordinary model.

    延后初始化的层排在普通层前面时，普通层在构造时先抽：种子相同，权重却与普通模型的不同。
    """
    state = after("lazy_initialization.same-draws")
    assert "mixed: False" in shown("lazy_initialization.same-draws").output
    assert state.drawn(state.mixed_net).shape == state.eager.shape
    for seed in over(seeds(), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        mixed = state.mixed_net()
        mixed(X)
        torch.manual_seed(seed)
        eager = state.eager_net()
        assert not torch.equal(eager[0].weight, mixed[0].weight)
        assert not torch.equal(eager[2].weight, mixed[2].weight)
        # the ordinary layer of the mixed model got the first numbers of the seed
        torch.manual_seed(seed)
        assert torch.equal(nn.Linear(256, 10).weight, mixed[2].weight)


def test_a_random_dry_run_batch_shifts_the_draws() -> None:
    """A random batch for the first call uses up numbers that the weights would have got;
    `torch.ones` and `torch.zeros` use up none.

    第一次调用若用随机数据，会先用掉本该给权重的数；`torch.ones` 和 `torch.zeros` 一个也不用。
    """
    state = after("lazy_initialization.same-draws")
    assert "random batch: False" in shown("lazy_initialization.same-draws").output
    assert not torch.equal(state.eager, state.drawn(state.lazy_net, torch.rand))

    def weight(batch: Any) -> torch.Tensor:
        torch.manual_seed(seed)
        net = state.lazy_net()
        net(batch(2, 20))
        drawn: torch.Tensor = net[0].weight
        return drawn

    for seed in over(seeds(), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        ordinary = nn.Linear(20, 256).weight
        assert torch.equal(weight(torch.ones), ordinary)
        assert torch.equal(weight(torch.zeros), ordinary)
        assert not torch.equal(weight(torch.rand), ordinary)
        assert not torch.equal(weight(torch.randn), ordinary)


def test_adam_and_sgd_accept_lazy_parameters() -> None:
    """Adam, SGD and ten more optimisers of `torch.optim` may be built before the first call (2.13):
    they hold the very parameters that it fills, and update them.

    Adam、SGD 和 `torch.optim` 里另外十种优化器，都可以在第一次调用之前建好（2.13）：
    第一次调用填好的，正是它们手里的那些参数，它们也照常更新这些参数。
    """
    state = after("lazy_initialization.optimizer-first")
    assert state.optimizer.param_groups[0]["params"][0] is state.net[0].weight
    output = shown("lazy_initialization.optimizer-first").output
    assert "same object: True" in output
    assert "weight moved: True" in output
    steps = (state.net[0].weight - state.before).abs()
    assert steps.max().item() == pytest.approx(0.1, rel=1e-3)  # the rate, as in Adam's first step
    kinds = [kind for kind in optimizers() if kind is not torch.optim.Adagrad]
    kinds.append(torch.optim.LBFGS)
    assert {torch.optim.Adam, torch.optim.SGD} < set(kinds)
    assert len(kinds) == 2 + 10
    for kind in over(kinds, "optimisers of torch.optim | 种 torch.optim 的优化器"):
        torch.manual_seed(0)
        net = state.lazy_net()
        optimizer = cast(Any, kind)(net.parameters())

        def loss(net: Any = net, optimizer: Any = optimizer) -> torch.Tensor:
            optimizer.zero_grad()
            value: torch.Tensor = net(X).sum()
            value.backward()
            return value

        loss()
        before = [p.detach().clone() for p in net.parameters()]
        optimizer.step(loss)  # LBFGS asks for the loss itself
        for p, q, old in zip(
            optimizer.param_groups[0]["params"], net.parameters(), before, strict=True
        ):
            assert p is q
            assert not torch.equal(q, old)


def test_adagrad_needs_the_shapes_at_once() -> None:
    """Adagrad cannot be built before the first call (2.13): it allocates its state in the
    constructor, in the shapes of the parameters. Nor can Muon, which takes matrices only and finds a
    placeholder of shape `[0]`; after the call it takes a weight of `nn.LazyLinear`, and still no bias.

    Adagrad 不能在第一次调用之前建（2.13）：它构造时就按参数的形状分配状态。Muon 也不能，它只收矩阵，
    这时看到的却是形状为 `[0]` 的占位；调用之后，它收 `nn.LazyLinear` 的权重，仍不收偏置。
    """
    line = "Adagrad: Attempted to use an uninitialized parameter"
    assert line in shown("lazy_initialization.optimizer-first").output.splitlines()
    net = after("lazy_initialization.optimizer-first").net
    assert torch.optim.Adagrad(net.parameters()).state[net[0].weight]["sum"].shape == (256, 20)
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        with pytest.raises(ValueError, match="uninitialized parameter"):
            torch.optim.Adagrad(module.parameters())
        layer.call(module)
        assert torch.optim.Adagrad(module.parameters()).state
    linear, biased = nn.LazyLinear(3, bias=False), nn.LazyLinear(3)
    for module in (linear, biased):
        with pytest.raises(ValueError, match=r"Muon only supports 2D parameters.*Size\(\[0\]\)"):
            torch.optim.Muon(module.parameters())
        module(X)
    assert torch.optim.Muon(linear.parameters()).param_groups[0]["params"] == [linear.weight]
    with pytest.raises(ValueError, match=r"Muon only supports 2D parameters.*Size\(\[3\]\)"):
        torch.optim.Muon(biased.parameters())


def test_a_loaded_lazy_instance_norm_refuses_its_call() -> None:
    """After a state dict was loaded into it, a lazy instance norm with a weight that was never called refuses its
    first call, also with an input of the right width: it still has `num_features` 0. Without a weight it is only
    warned of (2.13).

    延后初始化的实例规范化若有权重，没调用过就加载状态字典，之后第一次调用会报错，宽度对也不行：它的 `num_features` 仍是 0。
    没有权重的只会警告（2.13）。
    """
    kinds = {
        nn.LazyInstanceNorm1d: torch.rand(2, 3, 4),
        nn.LazyInstanceNorm2d: torch.rand(2, 3, 4, 4),
        nn.LazyInstanceNorm3d: torch.rand(2, 3, 4, 4, 4),
    }
    for kind in over(kinds, "classes | 个类"):
        called, fresh = (kind(affine=True) for _ in range(2))
        called(kinds[kind])
        fresh.load_state_dict(called.state_dict())
        assert torch.equal(fresh.weight, called.weight)
        with pytest.raises(ValueError, match=r"to match num_features \(0\), but got: 3"):
            fresh(kinds[kind])
        assert fresh.num_features == 0
        called, fresh = (kind(affine=False) for _ in range(2))
        called(kinds[kind])
        fresh.load_state_dict(called.state_dict())
        with pytest.warns(UserWarning, match="num_features"):
            fresh(kinds[kind])


def test_loading_supplies_the_shapes() -> None:
    """Loading a state dict into a lazy layer that was never called gives its parameters their
    shapes and values.

    延后初始化的层从未调用过，也能加载状态字典：参数的形状和数值一并填好。
    """
    lines = shown("lazy_initialization.load-materialises").output.splitlines()
    assert lines[:2] == ["<All keys matched successfully>", "shape: (256, 20)"]
    assert lines[4] == "same output: True"
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        called, fresh = layer.make(), layer.make()
        layer.call(called)
        fresh.load_state_dict(called.state_dict())
        assert not any(is_lazy(p) for p in fresh.parameters())
        pairs = zip(fresh.parameters(), called.parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs)


def test_loading_overrules_the_width_of_the_output() -> None:
    """A lazy linear layer or convolution that was never called accepts a state dict with another width of the output
    than the one that it was built with, and computes with that; `nn.Linear(3, 4)` refuses a weight with 7 outputs.

    从未调用过的延后初始化的线性层或卷积，构造时写明的输出宽度与状态字典不同，也会收下，并按收下的宽度计算；
    `nn.Linear(3, 4)` 则拒绝 7 个输出的权重。
    """
    with pytest.raises(RuntimeError, match="size mismatch"):
        nn.Linear(3, 4).load_state_dict(nn.Linear(3, 7).state_dict())
    four = nn.LazyLinear(4)
    told = four.load_state_dict(nn.Linear(3, 7).state_dict())
    assert str(told) == "<All keys matched successfully>"
    assert four(torch.ones(2, 3)).shape == (2, 7)
    for layer in over(with_a_width_to_decide(), "lazy classes | 个延后初始化的类"):
        width, *rest = layer.args
        other, fresh = layer.cls(width + 3, *rest), layer.make()
        shape = layer.call(other).shape
        fresh.load_state_dict(other.state_dict())
        assert layer.call(fresh).shape == shape != layer.call(layer.make()).shape


def test_the_first_call_keeps_loaded_values() -> None:
    """A loaded lazy layer keeps its class until its first call, and `nn.LazyLinear` its `in_features=0` too;
    that call leaves the loaded parameters of linear layers, convolutions and batch norms alone.

    延后初始化的层加载数值之后，类要到第一次调用才变，`nn.LazyLinear` 的 `in_features=0` 也一样；
    线性层、卷积和批量规范化的那次调用不改动加载的参数。
    """
    state = after("lazy_initialization.load-materialises")
    lines = shown("lazy_initialization.load-materialises").output.splitlines()
    assert lines[2:4] == ["LazyLinear 0", "Linear 20"]
    net = state.lazy_net()
    net.load_state_dict(state.net.state_dict())
    assert (type(net[0]), net[0].in_features) == (nn.LazyLinear, 0)
    net(X)
    assert (type(net[0]), net[0].in_features) == (nn.Linear, 20)
    assert torch.equal(net[0].weight, state.net[0].weight)
    # after loading, instance norms check a number of features that nothing has inferred (2.13)
    kinds = [layer for layer in lazy_layers() if "Instance" not in layer.cls.__name__]
    for layer in over(kinds, "lazy classes | 个延后初始化的类"):
        called, fresh = layer.make(), layer.make()
        layer.call(called)
        with torch.no_grad():
            called.weight.add_(0.5)
        fresh.load_state_dict(called.state_dict())
        assert type(fresh) is layer.cls
        layer.call(fresh)
        assert type(fresh) is type(called)
        pairs = zip(fresh.parameters(), called.parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs)


def test_a_loaded_lazy_convolution_keeps_its_zero() -> None:
    """After a state dict was loaded into it, a lazy convolution still has `in_channels` 0, and a lazy batch norm
    `num_features` 0, also after the first call, although its parameters have the right shapes (2.13).

    加载状态字典之后，延后初始化的卷积的 `in_channels`、批量规范化的 `num_features` 在第一次调用之后也仍是 0，
    而参数的形状是对的（2.13）。
    """
    kinds = [layer for layer in lazy_layers() if "Conv" in layer.cls.__name__]
    kinds += [layer for layer in lazy_layers() if "BatchNorm" in layer.cls.__name__]
    for layer in over(kinds, "lazy classes | 个延后初始化的类"):
        width = "in_channels" if "Conv" in layer.cls.__name__ else "num_features"
        called, fresh = layer.make(), layer.make()
        layer.call(called)
        assert getattr(called, width) == 4
        fresh.load_state_dict(called.state_dict())
        assert getattr(fresh, width) == 0
        layer.call(fresh)
        assert type(fresh) is type(called)
        assert getattr(fresh, width) == 0
        assert fresh.weight.shape == called.weight.shape


def test_a_loaded_width_is_binding() -> None:
    """Once values are loaded, the first call of a lazy layer refuses a batch of another width:
    `nn.LazyLinear` with an `AssertionError`, a convolution or batch norm with a `RuntimeError`.

    加载过数值之后，延后初始化的层第一次调用时，数据的宽度若不相符就报错：
    `nn.LazyLinear` 报 `AssertionError`，卷积和批量规范化报 `RuntimeError`。
    """
    state = after("lazy_initialization.load-refused")
    error = messages("lazy_initialization.load-refused")[1]
    assert error.startswith("AssertionError: The in_features inferred from input: 21 is not equal")
    for width in over((1, 10, 19, 21, 40, 256), "other widths | 种其他宽度"):
        net = state.lazy_net()
        net.load_state_dict(state.net.state_dict())
        with pytest.raises(AssertionError, match=f"The in_features inferred from input: {width} "):
            net(torch.ones(2, width))
    kinds = [layer for layer in lazy_layers() if "Instance" not in layer.cls.__name__]
    for layer in over(kinds, "lazy classes | 个延后初始化的类"):
        called, fresh = layer.make(), layer.make()
        layer.call(called)
        fresh.load_state_dict(called.state_dict())
        twice_as_wide = [torch.cat([batch, batch], dim=1) for batch in layer.inputs()]
        linear = layer.cls is nn.LazyLinear
        with pytest.raises(AssertionError if linear else RuntimeError):
            fresh(*twice_as_wide)


def test_an_uninitialised_state_is_refused() -> None:
    """The state dict of a model that was never called cannot be loaded into one that was: this raises a
    `RuntimeError` about the missing shape. A model that was never called accepts it: its lazy layers stay as they
    were, and an ordinary layer takes the values of the other model.

    从未调用过的模型，其状态字典不能加载进调用过的模型：报 `RuntimeError`，说的是没有形状。
    也没调用过的模型则会收下：其中延后初始化的层仍和原来一样，普通的层换上另一个模型的数值。
    """
    error = messages("lazy_initialization.load-refused")[0]
    assert error.startswith("RuntimeError: Can't access the shape of an uninitialized parameter")
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        called = layer.make()
        layer.call(called)
        with pytest.raises(RuntimeError, match="shape of an uninitialized parameter"):
            called.load_state_dict(layer.make().state_dict())
        lazy, other = (nn.Sequential(layer.make(), nn.Linear(3, 2)) for _ in range(2))
        held = list(lazy.parameters())
        assert not torch.equal(lazy[1].weight, other[1].weight)
        lazy.load_state_dict(other.state_dict())
        assert all(p is q for p, q in zip(lazy.parameters(), held, strict=True))
        assert all(is_lazy(p) for p in lazy[0].parameters())
        assert type(lazy[0]) is layer.cls
        assert torch.equal(lazy[1].weight, other[1].weight)
        assert torch.equal(lazy[1].bias, other[1].bias)
        with pytest.raises(RuntimeError, match="shape of an uninitialized parameter"):
            nn.Sequential(called, nn.Linear(3, 2)).load_state_dict(other.state_dict())


def test_an_uninitialised_file_is_refused() -> None:
    """`torch.save` accepts the state dict of a lazy layer that was never called; it is `torch.load`
    that refuses the file by default, with an `UnpicklingError`.

    从未调用过的层，`torch.save` 照样存下状态字典；到了 `torch.load` 才按默认设置拒绝，
    报 `UnpicklingError`。
    """
    shows = messages("lazy_initialization.load-refused")[2]
    assert "UnpicklingError: Weights only load failed" in shows
    assert "Uninitialized" in shows  # it is the file of this state dict that is refused
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        file = io.BytesIO()
        torch.save(layer.make().state_dict(), file)
        file.seek(0)
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed") as caught:
            torch.load(file)
        assert "Uninitialized" in str(caught.value)


def test_a_dry_run_in_training_mode_leaves_traces() -> None:
    """In training mode batch norm counts a dry run as a batch and moves its mean, whatever the number of
    rows; this model refuses a single row.

    训练模式下，批量规范化把试运行也算作一批，均值随之变动，与行数无关；只有一行时，这个模型报错。
    """
    state = after("lazy_initialization.dry-run-traces")
    assert shown("lazy_initialization.dry-run-traces").output == "batches: 1\nmean moved: True\n"
    (error,) = messages("lazy_initialization.dry-run-traces")
    assert error.startswith("ValueError: Expected more than 1 value per channel when training")
    for rows in over((2, 3, 10, 64), "sizes of the batch | 种批量大小"):
        net = state.with_norm()
        assert net.training
        net(torch.ones(rows, 20))
        assert net[1].num_batches_tracked == 1
        assert net[1].running_mean.any()
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        state.with_norm()(torch.ones(1, 20))


def test_a_dry_run_in_evaluation_mode_leaves_none() -> None:
    """In evaluation mode a dry run leaves the statistics of a new batch norm as they were, and a
    single row is enough.

    评估模式下，试运行不改动新建的批量规范化的统计量，只有一行也行。
    """
    state = after("lazy_initialization.dry-run-traces")
    for rows in over((1, 2, 3, 10, 64), "sizes of the batch | 种批量大小"):
        net = state.with_norm().eval()
        net(torch.ones(rows, 20))
        assert net[0].weight.shape == (256, 20)
        assert net[1].num_batches_tracked == 0
        assert not net[1].running_mean.any()
        assert (net[1].running_var == 1).all()


def test_a_safe_order_finds_what_each_step_needs() -> None:
    """In the order “device and dtype, dry run, initialiser, optimiser”, each step finds what it needs: the
    dtype is kept, batch norm has counted nothing, and the optimiser holds the parameters.

    按“设备与数据类型、试运行、初始化函数、优化器”的顺序，每一步要用的都已就绪：
    数据类型保持不变，批量规范化一批也没有计，优化器拿到的就是模型的参数。
    """
    state = after("lazy_initialization.in-order")
    assert state.net.training
    held = state.optimizer.param_groups[0]["params"]
    assert all(p is q for p, q in zip(held, state.net.parameters(), strict=True))
    lines = shown("lazy_initialization.in-order").output.splitlines()
    assert lines == ["(256, 20) torch.float64", "batches: 0", "8458"]
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        torch.manual_seed(0)
        net = state.with_norm().to(dtype).eval()
        with torch.no_grad():
            net(torch.ones(1, 20, dtype=dtype))
        net.train().apply(state.init_normal)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        assert {p.dtype for p in net.parameters()} == {dtype}
        assert not net[1].running_mean.any()
        assert 0.005 < net[0].weight.std() < 0.015
        assert net[0].weight.mean().abs() < 0.005
        assert not net[0].bias.any()
        held = optimizer.param_groups[0]["params"]
        assert all(p is q for p, q in zip(held, net.parameters(), strict=True))


def test_a_dry_run_keeps_dtype_and_device() -> None:
    """The first call creates the parameters of a lazy layer in the dtype and on the device that
    were set before, by `to`, `half()` or `double()`; `bfloat16()` and `type()` raise a `ValueError`
    before that call (2.13).

    延后初始化的参数在第一次调用时生成，数据类型和设备都按事先用 `to`、`half()` 或 `double()` 所作的设定；
    在此之前调用 `bfloat16()` 和 `type()` 会报 `ValueError`（2.13）。
    """
    net = after("lazy_initialization.in-order").lazy_net().double()
    net(X.double())
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    cases = [(d, layer, t) for d in devices() for layer in lazy_layers() for t in float_dtypes()]
    words = "devices, lazy classes and dtypes | 种设备、延后初始化的类与数据类型的组合"
    for device, layer, dtype in over(cases, words):
        module = layer.make(dtype=dtype, device=device)
        module(*(batch.to(device, dtype) for batch in layer.inputs()))
        for p in module.parameters():
            assert not is_lazy(p)
            assert (p.dtype, p.device.type) == (dtype, device.type)
        if device.type != "meta":
            moved = layer.make().to(device, dtype)
            moved(*(batch.to(device, dtype) for batch in layer.inputs()))
            found = {(p.dtype, p.device.type) for p in moved.parameters()}
            assert found == {(dtype, device.type)}
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        with pytest.raises(ValueError, match="uninitialized parameter"):
            layer.make().bfloat16()
        for dtype in float_dtypes():
            with pytest.raises(ValueError, match="uninitialized parameter"):
                layer.make().type(dtype)
        for converted, dtype in (
            (layer.make().to(torch.bfloat16), torch.bfloat16),
            (layer.make().half(), torch.float16),
            (layer.make().double(), torch.float64),
        ):
            converted(*(batch.to(dtype) for batch in layer.inputs()))
            assert {p.dtype for p in converted.parameters()} == {dtype}


def test_moving_to_meta_breaks_lazy_layers() -> None:
    """Moving a lazy layer to the device `meta` replaces its parameters with empty ones that are not lazy, and
    the first call fails: with an `AssertionError` in a linear layer, an `IndexError` in a convolution (2.13).

    把延后初始化的层移到 `meta` 设备，参数会被换成空的普通参数，第一次调用便会报错：
    线性层报 `AssertionError`，卷积报 `IndexError`（2.13）。
    """
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make().to("meta")
        assert not is_lazy(module.weight)
        assert module.weight.shape == (0,)
        conv = "Conv" in layer.cls.__name__
        with pytest.raises(IndexError if conv else AssertionError):
            module(*(batch.to("meta") for batch in layer.inputs()))
    linear = after("lazy_initialization.in-order").lazy_net()[0].to("meta")
    with pytest.raises(AssertionError, match="in_features inferred from input: 20"):
        linear(X.to("meta"))


def test_a_dry_run_without_gradients_freezes_nothing() -> None:
    """Parameters that were created under `torch.no_grad()` still require a gradient.

    在 `torch.no_grad()` 下生成的参数，以后照样要梯度。
    """
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        with torch.no_grad():
            layer.call(module)
        assert all(p.requires_grad for p in module.parameters())
        layer.call(module).sum().backward()
        assert all(p.grad is not None for p in module.parameters())


def test_a_layer_for_training_only_stays_lazy() -> None:
    """A lazy layer that `forward` calls in training mode only is still lazy after a dry run in evaluation mode, and
    not after one in training mode.

    延后初始化的层，如果 `forward` 只在训练模式下才调用它，评估模式下的试运行之后仍未初始化；试运行用训练模式，它才会初始化。
    """

    class Auxiliary(nn.Module):
        def __init__(self, part: nn.Module) -> None:
            super().__init__()
            self.body, self.part = nn.LazyLinear(8), part

        def forward(self, X: torch.Tensor, *inputs: torch.Tensor) -> torch.Tensor:
            if self.training:
                self.part(*inputs)
            out: torch.Tensor = self.body(X)
            return out

    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        for training in (False, True):
            net = Auxiliary(layer.make()).train(training)
            with torch.no_grad():
                net(X, *layer.inputs())
            assert type(net.body) is nn.Linear
            assert (type(net.part) is layer.cls) is not training
            assert any(is_lazy(p) for p in net.parameters()) is not training


def test_a_dry_run_in_inference_mode_is_not_trained() -> None:
    """After a dry run under `torch.inference_mode()`, a backward pass raises an error that names inference
    tensors, such as `Inference tensors cannot be saved for backward`; in a linear layer by itself it raises none,
    but the weight gets no gradient, only the bias does.

    在 `torch.inference_mode()` 里试运行之后，反向传播会报错说到 inference tensor，例如
    `Inference tensors cannot be saved for backward`；单独一个线性层不报错，但权重得不到梯度，只有偏置有。
    """
    silent = []
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        with torch.inference_mode():
            layer.call(module)
        if not list(module.parameters()):
            continue
        told = ""
        try:
            layer.call(module).sum().backward()
        except RuntimeError as error:
            told = str(error)
        if not told:
            silent.append(layer.cls)
            assert next(module.parameters()).grad is None
            assert [p.is_inference() for p in module.parameters()] == [True] * 2
            # the bias alone learns
            assert layer.cls is not nn.LazyLinear or module.bias.grad is not None
        else:
            assert "nference tensor" in told
    assert nn.LazyLinear in silent
    deep = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(1))
    with torch.inference_mode():
        deep(X)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        deep(X).sum().backward()


def test_optimisers_accept_a_model_after_its_dry_run() -> None:
    """After the dry run every optimiser of `torch.optim` that accepts the ordinary model accepts
    the lazy one.

    试运行之后，`torch.optim` 里凡是普通模型能用的优化器，延后初始化的模型都能用。
    """
    state = after("lazy_initialization.in-order")
    found = [kind for kind in vars(torch.optim).values() if isinstance(kind, type)]
    kinds: set[Any] = {kind for kind in found if issubclass(kind, torch.optim.Optimizer)}
    kinds.discard(torch.optim.Optimizer)
    accepted = []
    for kind in sorted(kinds, key=lambda kind: kind.__name__):
        try:
            layers = nn.Linear(20, 256), nn.BatchNorm1d(256), nn.ReLU(), nn.Linear(256, 10)
            kind(nn.Sequential(*layers).parameters())
        except ValueError:  # Muon takes no biases
            continue
        accepted.append(kind)
    assert {torch.optim.SGD, torch.optim.Adam, torch.optim.Adagrad} < set(accepted)
    for kind in over(accepted, "optimisers of torch.optim | 种 torch.optim 的优化器"):
        lazy = state.with_norm()
        lazy(X)
        optimizer = kind(lazy.parameters())
        held = optimizer.param_groups[0]["params"]
        assert all(p is q for p, q in zip(held, lazy.parameters(), strict=True))


# Summary


def test_a_lazy_linear_needs_no_in_features() -> None:
    """`nn.LazyLinear(10)` needs no `in_features`; the first batch supplies it, also after a
    `Flatten`.

    `nn.LazyLinear(10)` 不用写 `in_features`，第一批数据会补上，接在 `Flatten` 后面也一样。
    """
    for shape in over(((20,), (1,), (3, 4, 5), (16, 4, 4), (7, 2)), "shapes | 种形状"):
        layer = nn.LazyLinear(10)
        layer(torch.ones(2, *shape))
        assert (layer.in_features, layer.out_features) == (shape[-1], 10)
        net = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
        net(torch.ones(2, *shape))
        assert net[1].weight.shape == (10, math.prod(shape))


def test_lazy_parameters_have_names_and_no_shape() -> None:
    """A new lazy layer, built with its defaults, has parameters with names; asking for their `shape` raises a
    `RuntimeError`.

    新建的延后初始化的层，在默认设置下已有参数，名字也定了；访问它们的 `shape` 会报 `RuntimeError`。
    """
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        assert [name for name, _ in module.named_parameters()] == ["weight", "bias"]
        for p in module.parameters():
            with pytest.raises(RuntimeError, match="Can't access the shape"):
                p.shape


def test_a_dry_run_under_eval_and_no_grad_counts_nothing() -> None:
    """A dry run under `net.eval()` and `torch.no_grad()` gives the parameters their shapes, and batch norm
    counts no batch. In training mode it does, even under `torch.no_grad()`.

    在 `net.eval()` 和 `torch.no_grad()` 之下试运行，参数有了形状，批量规范化一批也没有计。
    在训练模式下，就算用了 `torch.no_grad()` 也会计。
    """
    with_norm = after("lazy_initialization.dry-run-traces").with_norm
    for rows in over((1, 2, 3, 10, 64), "sizes of the batch | 种批量大小"):
        net = with_norm().eval()
        with torch.no_grad():
            out = net(torch.ones(rows, 20))
        assert not out.requires_grad
        assert net[0].weight.shape == (256, 20)
        assert net[1].num_batches_tracked == 0
        training = with_norm()
        with torch.no_grad():
            training(torch.ones(rows + 1, 20))
        assert training[1].num_batches_tracked == 1


# Exercises


def test_checks_reject_plausible_wrong_solutions() -> None:
    """What an exercise asks for is what its check looks at."""
    state: Any = after("lazy_initialization.naive-lazy")

    def resized() -> nn.Module:  # lets the width stay that of one size
        return state.conv_net()

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        state.check_any_size(resized)

    class Square(nn.Module):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return nn.functional.avg_pool2d(X, X.shape[-1])

    def squares_only() -> nn.Module:
        net = state.any_size_net()
        for name, part in net.named_children():
            if "Adaptive" in type(part).__name__:
                setattr(net, name, Square())
        return net

    assert squares_only()(torch.ones(2, 1, 28, 28)).shape == (2, 10)
    with pytest.raises(RuntimeError):
        state.check_any_size(squares_only)

    def upsampled(kernel: int) -> nn.Module:
        net = nn.Sequential(nn.Upsample((28, 28)), *state.conv_net())
        net[1] = nn.LazyConv2d(6, kernel)
        net[4] = nn.LazyConv2d(16, kernel)
        return net

    with pytest.raises(AssertionError, match="other convolutions"):
        state.check_any_size(lambda: upsampled(1))
    state.check_any_size(lambda: upsampled(5))

    class Before(nn.Module):  # does something to the images before the model sees them
        def __init__(self, change: Any) -> None:
            super().__init__()
            self.net, self.change = state.any_size_net(), change

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.net(self.change(X))
            return out

    for change in (
        lambda X: X[..., :16, :16],  # looks at one corner
        lambda X: X.mean(dim=0, keepdim=True).expand(X.shape),  # mixes the images
    ):
        with pytest.raises(AssertionError, match="rows moved"):
            state.check_any_size(lambda change=change: Before(change))
    state.check_any_size(lambda: Before(nn.Identity()))

    def pooled_after_flatten() -> nn.Module:  # each bin holds the pixels of one channel
        net = state.any_size_net()
        net[5], net[6] = nn.Flatten(), nn.AdaptiveAvgPool1d(16)
        return net

    state.check_any_size(pooled_after_flatten)

    class Unbiased(state.ManyWidths):
        def __init__(self, widths: list[int]) -> None:
            super().__init__(widths)
            for width in widths:
                self.first[str(width)] = nn.Linear(width, 256, bias=False)

    state.check_many_widths(Unbiased)

    class Late(state.ManyWidths):  # makes a first layer when it sees a width
        def __init__(self, widths: list[int]) -> None:
            super().__init__(widths[:1])

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            width = X.shape[-1]
            if str(width) not in self.first:
                self.first[str(width)] = nn.Linear(width, 256)
            return super().forward(X)

    class Apart(nn.Module):  # shares nothing
        def __init__(self, widths: list[int]) -> None:
            super().__init__()
            layers = {str(width): nn.Linear(width, 10) for width in widths}
            self.nets = nn.ModuleDict(layers)

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return self.nets[str(X.shape[-1])](X)

    class Padded(nn.Module):  # one first layer for all
        def __init__(self, widths: list[int]) -> None:
            super().__init__()
            self.widths = widths
            self.net = nn.Sequential(nn.Linear(max(widths), 256), nn.ReLU(), nn.Linear(256, 10))

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return self.net(nn.functional.pad(X, (0, max(self.widths) - X.shape[-1])))

    class Narrow(state.ManyWidths):  # 3 outputs instead of 256
        def __init__(self, widths: list[int]) -> None:
            super().__init__(widths)
            for width in widths:
                self.first[str(width)] = nn.Linear(width, 3)
            self.last = nn.Linear(3, 10)

    class AsTensors(nn.Module):  # parameters instead of layers
        def __init__(self, widths: list[int]) -> None:
            super().__init__()
            weights = {str(width): torch.rand(width, 256) for width in widths}
            self.first, self.last = nn.ParameterDict(weights), nn.Linear(256, 10)

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.last(torch.relu(X @ self.first[str(X.shape[-1])]))
            return out

    state.check_many_widths(AsTensors)

    class Normalised(state.ManyWidths):  # the sum of the outputs is constant
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = super().forward(X).softmax(dim=-1)
            return out

    state.check_many_widths(Normalised)

    class InADict(state.ManyWidths):  # a plain dict registers nothing
        def __init__(self, widths: list[int]) -> None:
            super().__init__([])
            del self.first
            self.first = {str(width): nn.Linear(width, 256) for width in widths}

    class Two(nn.Module):  # the two widths of the task, whatever is declared
        def __init__(self, widths: list[int]) -> None:
            super().__init__()
            self.narrow, self.wide = nn.Linear(20, 256), nn.Linear(21, 256)
            self.last = nn.Linear(256, 10)

        def forward(self, X: torch.Tensor) -> torch.Tensor:
            first = self.narrow if X.shape[1] == 20 else self.wide
            out: torch.Tensor = self.last(torch.relu(first(X)))
            return out

    with pytest.raises(RuntimeError, match="2x3 and"):
        state.check_many_widths(Two)

    wrong = (
        (Narrow, "not 256 outputs"),
        (Late, "made new"),
        (InADict, r"only \['last.weight', 'last.bias'\] are registered"),
        (Apart, "must be shared"),
        (Padded, "its own layer"),
    )
    for kind, reason in wrong:
        with pytest.raises(AssertionError, match=reason):
            state.check_many_widths(kind)

    def plainly(net: Any, *shape: int) -> Any:
        net(torch.zeros(shape, dtype=next(net.parameters()).dtype))
        return net

    def all_training(net: Any, *shape: int) -> Any:
        net.eval()
        plainly(net, *shape)
        return net.train()

    def without_finally(net: Any, *shape: int) -> Any:
        modes = [m.training for m in net.modules()]
        net.eval()
        plainly(net, *shape)
        for module, mode in zip(net.modules(), modes, strict=True):
            module.training = mode
        return net

    def swallowing(net: Any, *shape: int) -> Any:
        try:
            return state.materialise(net, *shape)
        except RuntimeError:
            return net

    def on_the_cpu(net: Any, *shape: int) -> Any:
        given = torch.zeros(shape, dtype=next(net.parameters()).dtype)
        with mock.patch("torch.zeros", return_value=given):
            return state.materialise(net, *shape)

    def restoring(net: Any, parts: list[Any], batch: torch.Tensor) -> Any:
        modes = [m.training for m in parts]
        net.eval()
        try:
            net(batch)
        finally:
            for module, mode in zip(parts, modes, strict=True):
                module.train(mode)
        return net

    def zeros_for(net: Any, *shape: int) -> torch.Tensor:
        first = next(net.parameters())
        return torch.zeros(shape, dtype=first.dtype, device=first.device)

    def children_only(net: Any, *shape: int) -> Any:
        return restoring(net, [net, *net.children()], zeros_for(net, *shape))

    def on_random_numbers(net: Any, *shape: int) -> Any:
        first = next(net.parameters())
        batch = torch.rand(shape, dtype=first.dtype, device=first.device)
        return restoring(net, list(net.modules()), batch)

    def outside_in(net: Any, *shape: int) -> Any:  # a parent's mode is set before its children's
        return restoring(net, list(net.modules()), zeros_for(net, *shape))

    def norms(net: Any) -> list[Any]:
        return [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]

    def resetting(net: Any, rows: int, *shape: int) -> Any:  # without `eval()`
        with torch.no_grad():
            net(zeros_for(net, 2, *shape))
        for norm in norms(net):
            norm.reset_running_stats()
        return net

    def norms_only(net: Any, *shape: int) -> Any:
        training = [m for m in norms(net) if m.training]
        for norm in training:
            norm.eval()
        try:
            with torch.no_grad():
                net(zeros_for(net, *shape))
        finally:
            for norm in training:
                norm.train()
        return net

    def keeping(net: Any, rows: int, *shape: int) -> Any:  # draws all the same
        kept = copy.deepcopy([norm.state_dict() for norm in norms(net) if not is_lazy(norm.weight)])
        resetting(net, rows, *shape)
        for norm, state_dict in zip(norms(net), kept, strict=False):
            norm.load_state_dict(state_dict)
        return net

    state.check_materialise(outside_in)
    for wrong_materialise in (resetting, norms_only, keeping):
        with pytest.raises(AssertionError, match="the dropout has drawn"):
            state.check_materialise(wrong_materialise)

    def without_drawing(net: Any, *shape: int) -> Any:
        with torch.random.fork_rng(devices=[]):
            return resetting(net, *shape)

    with pytest.raises(AssertionError, match="statistics moved"):
        state.check_materialise(without_drawing)
    for wrong_materialise in (
        *(plainly, all_training, without_finally, swallowing, on_the_cpu),
        *(children_only, on_random_numbers),
    ):
        with pytest.raises((AssertionError, RuntimeError)):
            state.check_materialise(wrong_materialise)

    def compared(net: Any, init: Any) -> list[str]:
        probe = copy.deepcopy(net)
        probe.apply(init)
        pairs = zip(net.named_parameters(), probe.parameters(), strict=True)
        return [name for (name, p), q in pairs if not is_lazy(p) and not torch.equal(p, q)]

    def on_the_original(net: Any, init: Any) -> list[str]:
        before = copy.deepcopy(net)
        net.apply(init)
        pairs = zip(net.named_parameters(), before.parameters(), strict=True)
        return [name for (name, p), q in pairs if not is_lazy(p) and not torch.equal(p, q)]

    def every_name(net: Any, init: Any) -> list[str]:
        return [name for name, _ in net.named_parameters()]

    def filled(net: Any) -> Any:
        with torch.no_grad():
            for p in net.parameters():
                if not is_lazy(p):
                    p.fill_(math.nan)
        return net

    def whole_only(net: Any, init: Any) -> list[str]:
        named = filled(copy.deepcopy(net)).apply(init).named_parameters()
        return [name for name, p in named if not is_lazy(p) and not p.isnan().any()]

    def in_place(net: Any, init: Any) -> list[str]:
        if any(is_lazy(p) for p in net.parameters()):
            return []
        kept = copy.deepcopy(net.state_dict())
        named = filled(net).apply(init).named_parameters()
        found = [name for name, p in named if not p.isnan().all()]
        net.load_state_dict(kept)
        return found

    def left_full(net: Any, init: Any) -> list[str]:  # where a layer is lazy
        if not any(is_lazy(p) for p in net.parameters()):
            return in_place(net, init)
        named = filled(net).apply(init).named_parameters()
        return [name for name, p in named if not is_lazy(p) and not p.isnan().all()]

    def versions(net: Any, init: Any) -> list[str]:
        probe = copy.deepcopy(net)
        before = [p._version for p in probe.parameters()]
        pairs = zip(probe.apply(init).named_parameters(), before, strict=True)
        return [name for (name, p), version in pairs if p._version != version]

    state.check_reached(versions)
    reasons = ((whole_only, "first_row"), (in_place, "one layer lazy"), (left_full, "itself"))
    for wrong_reached, reason in reasons:
        with pytest.raises(AssertionError, match=reason):
            state.check_reached(wrong_reached)
    for wrong_reached in (compared, on_the_original, every_name):
        with pytest.raises(AssertionError):
            state.check_reached(wrong_reached)
    for collection in (set, tuple, frozenset, iter):
        state.check_reached(lambda net, init, kind=collection: kind(state.reached(net, init)))

    def shapes(kind: Any) -> bool:
        return state.build(kind)(X).shape == (2, 10)

    trials = [state.trains, state.loads, shapes]
    with pytest.raises(AssertionError, match="shapes does not break"):
        state.check_naive_lazy(state.NaiveLazyLinear, trials)
    with pytest.raises(AssertionError, match="does not break"):
        state.check_naive_lazy(nn.LazyLinear, [state.trains, state.loads, state.casts])

    def as_a_tensor(kind: Any) -> Any:
        return torch.tensor(state.trains(kind))

    trials = [as_a_tensor, state.loads, state.casts]
    told = r"as_a_tensor\(nn.LazyLinear\) gave tensor\(True\), not True"
    with pytest.raises(AssertionError, match=told):
        state.check_naive_lazy(state.NaiveLazyLinear, trials)

    class Forgets(state.NaiveLazyLinear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            self.weight = None
            return super().forward(X)

    for kind, tried in (Forgets, trials), (state.NaiveLazyLinear, [state.casts] * 3):
        with pytest.raises(AssertionError, match=r"keeps its weights|three things"):
            state.check_naive_lazy(kind, tried)


def test_global_pooling_makes_the_width_independent_of_the_image() -> None:
    """With `nn.AdaptiveAvgPool2d(1)` before the `Flatten`, the linear layer gets one number for
    each channel, whatever the size of the image.

    在 `Flatten` 之前加上 `nn.AdaptiveAvgPool2d(1)`，不论图像多大，线性层拿到的都是每个通道一个数。
    """
    assert shown("lazy_initialization.any-size").output.splitlines()[1] == "in_features: 16"
    state = after("lazy_initialization.any-size")
    other = state.conv_net()
    other(torch.ones(2, 1, 28, 28))
    assert repr(state.pooled[:5]) == repr(other[:5])  # the same up to the pooling
    net = state.any_size_net()
    for size in over((40, 16, 17, 28, 33, 99), "sizes of images | 种图像大小"):
        assert net(torch.ones(1, 3, size, size + 5)).shape == (1, 10)
        assert net[:-1](torch.ones(1, 3, size, size)).shape == (1, 16)
    assert net[-1].in_features == 16


def test_convolutions_take_images_of_other_sizes() -> None:
    """A convolution takes images of several sizes; the shape of its weight depends on the channels
    and the kernel.

    卷积层接受大小不同的图像；它的权重的形状由通道数和卷积核决定。
    """
    layer = nn.LazyConv2d(16, kernel_size=5)
    for size in over((28, 16, 5, 33, 64), "sizes of images | 种图像大小"):
        assert layer(torch.ones(1, 6, size, size)).shape == (1, 16, size - 4, size - 4)
        assert layer.weight.shape == (16, 6, 5, 5)
    for channels, out, kernel in ((6, 16, 5), (3, 16, 5), (6, 4, 5), (6, 16, 3)):
        other = nn.LazyConv2d(out, kernel)
        other(torch.ones(1, channels, 9, 12))
        assert other.weight.shape == (out, channels, kernel, kernel)


def test_a_first_image_size_excludes_others() -> None:
    """After a first call on images of 28 × 28 pixels, `conv_net()` refuses images of 32 × 32.

    第一次调用用了 28 × 28 的图像之后，`conv_net()` 不收 32 × 32 的图像。
    """
    net = after("lazy_initialization.lazy-conv").conv_net()
    net(torch.ones(2, 1, 28, 28))
    # up to 31 × 31, pooling rounds down to the same width
    assert net(torch.ones(2, 1, 31, 31)).shape == (2, 10)
    for size in over((32, 16, 20, 27, 33, 64), "sizes of images | 种图像大小"):
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            net(torch.ones(2, 1, size, size))


def test_a_first_layer_per_width_leaves_the_rest_shared() -> None:
    """With a first layer for each width and one last layer, a step on rows of one width changes the output
    for another, and leaves the first layer of that other width alone.

    每种宽度各有一个第一层、最后一层共用时，用一种宽度的数据训练一步，另一种宽度的输出也会变，
    而它的第一层不变。
    """
    told = "checked; width 30 gives KeyError: '30'\n"
    assert shown("lazy_initialization.many-widths").output == told
    kind = after("lazy_initialization.many-widths").ManyWidths
    for trained, other in over(itertools.permutations((20, 21, 30), 2), "pairs of widths | 对宽度"):
        torch.manual_seed(0)
        net = kind([20, 21, 30])
        rows = torch.ones(2, other)
        before, kept = net(rows).detach(), copy.deepcopy(net.first[str(other)].state_dict())
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        net(torch.ones(2, trained)).sum().backward()
        optimizer.step()
        assert not torch.equal(net(rows), before)
        first = net.first[str(other)].state_dict()
        assert all(torch.equal(p, kept[name]) for name, p in first.items())


def test_materialise_leaves_modes_and_statistics_alone() -> None:
    """The solution fills in the widths of any model; modes and batch norm stay as they were."""
    state = after("lazy_initialization.materialise")
    assert shown("lazy_initialization.materialise").output.startswith("checked: ")
    net = nn.Sequential(
        nn.LazyConv2d(6, 5), nn.BatchNorm2d(6), nn.Flatten(), nn.LazyLinear(10), nn.Dropout()
    )
    net[1](torch.randn(4, 6, 3, 3))  # statistics that have already moved
    statistics = copy.deepcopy(net[1].state_dict())
    net[4].eval()
    assert state.materialise(net, 1, 3, 28, 28) is net
    assert net[0].in_channels == 3
    assert net[3].in_features == 6 * 24 * 24
    assert [m.training for m in net] == [True, True, True, True, False]
    assert all(torch.equal(net[1].state_dict()[name], statistics[name]) for name in statistics)
    assert all(p.requires_grad and p.grad is None for p in net.parameters())
    assert not state.materialise(state.lazy_net().eval(), 1, 20).training


def test_materialise_restores_the_modes_after_an_error() -> None:
    """`materialise`, the solution of the exercise, restores the mode of each module after a dry run that
    fails.

    试运行报错时，练习的答案 `materialise` 会复原每个模块的模式。
    """
    state = after("lazy_initialization.materialise")
    for width in over((1, 19, 21, 256), "widths that do not fit | 种不符的宽度"):
        net = nn.Sequential(nn.Linear(20, 4), nn.LazyBatchNorm1d(), nn.LazyLinear(3))
        net[1].eval()
        with pytest.raises(RuntimeError, match="cannot be multiplied"):
            state.materialise(net, 1, width)
        assert net.training
        assert [m.training for m in net] == [True, False, True]


def test_zeros_leave_the_random_numbers_to_the_weights() -> None:
    """A dry run on zeros uses up no random numbers: `lazy_net()` gets the weights of `eager_net()`
    with the same seed.

    用全零的数据做试运行，不用掉随机数：种子相同时，`lazy_net()` 的权重与 `eager_net()` 的一样。
    """
    state = after("lazy_initialization.materialise")
    for seed in over(seeds(), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        net = state.materialise(state.lazy_net(), 1, 20)
        torch.manual_seed(seed)
        eager = state.eager_net()
        pairs = zip(net.parameters(), eager.parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs)


def test_train_overrides_the_mode_of_every_layer() -> None:
    """`net.train()` puts every layer in training mode, even one that had been put in evaluation mode on its
    own.

    `net.train()` 会让每一层都进入训练模式，单独设成评估模式的也不例外。
    """
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        net: Any = nn.Sequential(nn.Linear(2, 2), nn.Sequential(layer.make()))
        net[1][0].eval()
        assert [m.training for m in (net, net[0], net[1], net[1][0])] == [True, True, True, False]
        net.train()
        assert all(m.training for m in net.modules())


def test_reached_names_what_an_initialiser_writes() -> None:
    """The solution names what is overwritten, even with equal values, and changes nothing itself."""
    state = after("lazy_initialization.reached")
    assert shown("lazy_initialization.reached").output.startswith("checked: ")
    net: Any = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.LazyLinear(4))
    nn.init.zeros_(net[0].bias)
    before = copy.deepcopy(net[:2].state_dict())

    def zero_biases(m: Any) -> None:
        if type(m) in (nn.Linear, nn.BatchNorm1d):
            nn.init.zeros_(m.bias)

    assert state.reached(net, zero_biases) == ["0.bias", "1.bias"]
    assert state.reached(net, lambda m: None) == []
    assert all(torch.equal(net[:2].state_dict()[name], before[name]) for name in before)
    with pytest.raises(ValueError, match="uninitialized parameter"):
        state.reached(net, state.init_normal)
    net(torch.ones(2, 3))
    assert state.reached(net, zero_biases) == ["0.bias", "1.bias", "2.bias"]


def test_an_initialiser_leaves_no_nan() -> None:
    """A parameter of NaN has no NaN left after an initialiser of `nn.init` has set it, so a parameter that is
    still all NaN has not been set.

    填成 NaN 的参数，经 `nn.init` 的初始化函数设定之后不再有 NaN；仍然全是 NaN 的，就是没设定过的。
    """
    state = after("lazy_initialization.reached")
    for init in over(initialisers(), "initialisers of nn.init | 个 nn.init 的初始化函数"):
        weight = torch.full(init.shape, math.nan)
        init(weight)
        assert not weight.isnan().any()
        layer = nn.Conv1d(6, 8, 3) if len(init.shape) == 3 else nn.Linear(6, 8)
        assert state.reached(layer, lambda m, init=init: init(m.weight)) == ["weight"]


def test_a_lazy_model_can_be_copied() -> None:
    """A deep copy of `nn.LazyLinear` or a lazy convolution that was never called is lazy too, with
    parameters of its own; a lazy batch norm or instance norm cannot be copied (2.13), unless it was
    made with `track_running_stats=False`.

    从未调用过的 `nn.LazyLinear` 和延后初始化的卷积可以深拷贝，得到的也还没有初始化，参数是自己的；
    延后初始化的批量规范化和实例规范化则不能拷贝（2.13），设了 `track_running_stats=False` 的除外。
    """
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        if "Norm" in layer.cls.__name__:
            with pytest.raises(ValueError, match="uninitialized parameter"):
                copy.deepcopy(module)
            without_statistics = copy.deepcopy(layer.make(track_running_stats=False))
            assert all(is_lazy(p) for p in without_statistics.parameters())
            continue
        probe = copy.deepcopy(module)
        assert all(is_lazy(p) for p in probe.parameters())
        layer.call(probe)
        assert not any(is_lazy(p) for p in probe.parameters())
        assert all(is_lazy(p) for p in module.parameters())


def test_a_lazy_copy_draws_weights_of_its_own() -> None:
    """A lazy linear layer or convolution and a deep copy of it, made before the first call, draw
    different weights in their first calls; a copy made afterwards has the same weights.

    延后初始化的线性层或卷积，和第一次调用之前做的深拷贝，各自在第一次调用时抽权重，抽到的不同；
    调用之后再拷贝，权重相同。
    """
    told = "copied before: False\ncopied after: True\nAttempted to use an uninitialized parameter\n"
    assert shown("lazy_initialization.copies").output == told
    state = after("lazy_initialization.copies")
    assert state.b is not state.a
    for layer in over(with_a_width_to_decide(), "lazy classes | 个延后初始化的类"):
        torch.manual_seed(0)
        module = layer.make()
        early = copy.deepcopy(module)
        layer.call(module)
        layer.call(early)
        assert not torch.equal(module.weight, early.weight)
        assert torch.equal(module.weight, copy.deepcopy(module).weight)


def test_distributed_training_refuses_a_lazy_model() -> None:
    """`DistributedDataParallel` refuses a lazy layer that was never called, with a `RuntimeError` that asks
    for a forward pass first. After that pass, this check lets it through.

    `DistributedDataParallel` 不接受从未调用过的延后初始化的层：报 `RuntimeError`，要求先做一次前向传播。
    做过之后就能通过这项检查。
    """
    # Importing what compiles takes seconds, and a group needs processes: stand-ins for both. The
    # constructor checks the parameters first, and then asks the group, which does not answer.
    no_compiler = mock.patch.dict(torch.__dict__, {"_dynamo": mock.MagicMock()})
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        with no_compiler, pytest.raises(RuntimeError, match="Run a dummy forward pass"):
            nn.parallel.DistributedDataParallel(module, process_group=mock.Mock())
        layer.call(module)
        with no_compiler, pytest.raises(TypeError, match="incompatible function arguments"):
            nn.parallel.DistributedDataParallel(module, process_group=mock.Mock())


def test_scaling_leaves_nan_as_it_is() -> None:
    """An initialiser that scales or clamps the values that are there, adds noise to them or copies them from
    another parameter leaves NaN as it is, so marking weights with NaN does not reveal it.

    从现有数值算出新值的初始化函数，若只是缩放、截断、加噪声，或从另一个参数复制，就不会改变 NaN，
    所以用 NaN 作记号发现不了它。
    """
    state = after("lazy_initialization.reached")
    assert state.reached(nn.Linear(3, 2), state.init_constant) == ["weight"]
    clamp = nn.Linear(3, 2)
    assert state.reached(clamp, lambda m: m.weight.data.clamp_(0, 1)) == []
    for factor in over((0, 0.5, 1, -2, 1e30, math.inf), "factors | 个倍数"):

        @torch.no_grad()
        def scale(m: nn.Module, factor: float = factor) -> None:
            if isinstance(m, nn.Linear):
                m.weight.mul_(factor)
                m.bias.mul_(factor)

        assert state.reached(nn.Linear(3, 2), scale) == []
    for spread in over((1e-3, 0.1, 1.0, 1e6), "spreads of the noise | 种噪声幅度"):

        @torch.no_grad()
        def add_noise(m: Any, spread: float = spread) -> None:
            m.weight.add_(torch.randn_like(m.weight), alpha=spread)

        assert state.reached(nn.Linear(3, 2), add_noise) == []

    @torch.no_grad()
    def copy_weight(m: Any) -> None:
        if isinstance(m, nn.Sequential):
            m[1].weight.copy_(m[0].weight)

    pair: Any = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    assert state.reached(pair, copy_weight) == []
    copy_weight(pair)
    assert torch.equal(pair[0].weight, pair[1].weight)


def test_late_parameters_escape_the_optimiser() -> None:
    """Parameters that a layer makes only in its first `forward` are unknown to an optimiser built
    before, and are not trained, without an error.

    到第一次 `forward` 才创建的参数，先建好的优化器并不知道它们，既不训练它们，也不报错。
    """
    state = after("lazy_initialization.naive-lazy")
    assert shown("lazy_initialization.naive-lazy").output == "checked: trains, loads, casts\n"
    assert state.trains(nn.LazyLinear)
    assert not state.trains(state.NaiveLazyLinear)
    layer = state.NaiveLazyLinear(3)
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.SGD(layer.parameters())
    assert layer(torch.ones(2, 5, 7)).shape == (2, 5, 3)  # other than that, it works
    assert layer.weight.shape == (3, 7)
    for kind in over(optimizers(), "optimisers of torch.optim | 种 torch.optim 的优化器"):
        torch.manual_seed(0)
        net = state.build(state.NaiveLazyLinear)
        assert [name for name, _ in net.named_parameters()] == ["2.weight", "2.bias"]
        optimizer = cast(Any, kind)(net.parameters())
        net(X).sum().backward()
        before = [p.detach().clone() for p in net.parameters()]
        optimizer.step()
        moved = [not torch.equal(p, q) for p, q in zip(net.parameters(), before, strict=True)]
        assert moved == [False, False, True, True]


def test_late_parameters_cannot_be_loaded() -> None:
    """A state dict cannot be loaded into a layer that makes its parameters only in its first
    `forward`: the keys are unexpected.

    到第一次 `forward` 才创建参数的层加载不了状态字典，那些键会报 Unexpected key。
    """
    state = after("lazy_initialization.naive-lazy")
    assert state.loads(nn.LazyLinear)
    assert not state.loads(state.NaiveLazyLinear)
    net = state.build(state.NaiveLazyLinear)
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"0.weight", "0.bias"'):
        net.load_state_dict(state.eager_net().state_dict())


def test_late_parameters_miss_the_cast() -> None:
    """`to` a dtype cannot convert parameters that are made only later: they are float32, and a batch
    of that dtype fails.

    `to` 转不了后来才创建的参数：它们仍是 float32，遇到另一种类型的数据就报错。
    """
    state = after("lazy_initialization.naive-lazy")
    assert state.casts(nn.LazyLinear)
    assert not state.casts(state.NaiveLazyLinear)
    others = [dtype for dtype in float_dtypes() if dtype != torch.float32]
    for dtype in over(others, "dtypes | 种数据类型"):
        with pytest.raises(RuntimeError, match="dtype"):
            state.build(state.NaiveLazyLinear).to(dtype)(torch.ones(3, 7, dtype=dtype))


def test_freezing_too_early_is_an_error() -> None:
    """Calling `requires_grad_(False)` on a lazy layer before its first call raises a `ValueError`. Setting
    `requires_grad = False` for each parameter raises none, and the parameters stay frozen afterwards.

    第一次调用之前，对延后初始化的层用 `requires_grad_(False)` 会报 `ValueError`。
    给每个参数设 `requires_grad = False` 则不报错，调用之后参数仍是冻结的。
    """
    error = messages("lazy_initialization.what-fails")[3]
    assert error.startswith("ValueError: Attempted to use an uninitialized parameter in <method")
    assert "requires_grad_" in error
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        with pytest.raises(ValueError, match="uninitialized parameter"):
            module.requires_grad_(False)
        for p in module.parameters():
            p.requires_grad = False
        layer.call(module)
        assert not any(p.requires_grad for p in module.parameters())
        layer.call(thawed := layer.make())
        assert all(p.requires_grad for p in thawed.parameters())
        assert not any(p.requires_grad for p in thawed.requires_grad_(False).parameters())


def test_late_parameters_escape_freezing() -> None:
    """`requires_grad_(False)` before the first call raises a `ValueError` in a lazy model; it silently misses
    parameters that are made only later.

    第一次调用之前就用 `requires_grad_(False)` 冻结，延后初始化的模型会报 `ValueError`；
    若是后来才创建的参数，则不起作用，也不报错。
    """
    state = after("lazy_initialization.naive-lazy")
    with pytest.raises(ValueError, match="uninitialized parameter"):
        state.build(nn.LazyLinear).requires_grad_(False)
    naive = state.build(state.NaiveLazyLinear).requires_grad_(False)
    naive(X)
    assert naive[0].weight.requires_grad
    assert not naive[2].weight.requires_grad


def test_the_fixes_for_lazy_layers_work() -> None:
    """Each fix that the index of errors gives for 5.3 was tried: code written that way runs.

    报错索引里 5.3 的改法都试过：照着写的代码都能运行。
    """
    state = after("lazy_initialization.many-widths")

    def lazy_net(norm: bool = False) -> Any:
        return state.with_norm() if norm else state.lazy_net()

    def leave_the_width_open() -> bool:
        return bool(state.conv_net()(torch.ones(2, 1, 28, 28)).shape == (2, 10))

    def flatten_in_front() -> bool:
        pictures = torch.ones(2, 1, 28, 28)
        with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
            nn.Linear(784, 10)(pictures)
        lazy = nn.LazyLinear(10)
        assert lazy(pictures).shape == (2, 1, 28, 10)
        assert lazy.in_features == 28
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))(pictures).shape == (2, 10)

    def call_once_then_ask() -> bool:
        net = lazy_net()
        net(torch.ones(1, 20))
        count = sum(p.numel() for p in net.parameters())
        return net[0].weight.shape == (256, 20) and count == 7946 and bool(net[0].weight.sum())

    def call_the_object() -> bool:
        return bool(lazy_net()(X).shape == (2, 10))

    def dry_run_then_share() -> bool:
        net = lazy_net()
        net(X)
        return net.share_memory()[0].weight.is_shared()

    def dry_run_then_freeze() -> bool:
        net = lazy_net()
        net(X)
        return not any(p.requires_grad for p in net.requires_grad_(False).parameters())

    def name_the_outputs() -> bool:
        return nn.LazyLinear(10).out_features == 10

    def one_width_or_a_layer_for_each() -> bool:
        net, wide = lazy_net(), torch.ones(2, 21)
        net(X)
        assert net(wide[:, :20]).shape == (2, 10)
        each = state.ManyWidths([20, 21])
        return bool(each(X).shape == each(wide).shape == (2, 10))

    def dry_run_then_initialise() -> bool:
        net = lazy_net()
        net(X)
        net.apply(state.init_constant)
        return bool((net[0].weight == 1).all())

    def evaluation_mode_for_one_row() -> bool:
        for mode in (True, False):
            norm = nn.BatchNorm1d(20, track_running_stats=False).train(mode)
            with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
                norm(X[:1])
        trained = lazy_net(norm=True)
        trained(X)
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            trained(X[:1])
        assert trained.eval()(X[:1]).shape == (1, 10)
        return bool(lazy_net(norm=True).eval()(X[:1]).shape == (1, 10))

    def drop_the_last_batch() -> bool:
        data = torch.utils.data.DataLoader(list(torch.ones(5, 20)), 2, drop_last=True)
        net = lazy_net(norm=True)
        return [len(net(batch)) for batch in data] == [2, 2]

    def dry_run_then_save() -> bool:
        net, file = lazy_net(), io.BytesIO()
        net(X)
        torch.save(net.state_dict(), file)
        file.seek(0)
        fresh = lazy_net()
        fresh.load_state_dict(torch.load(file))
        return torch.equal(fresh(X), net(X))

    def call_what_is_to_be_filled() -> bool:
        class Idle(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.used, self.idle = nn.LazyLinear(2), nn.LazyLinear(2)

            def forward(self, X: torch.Tensor) -> torch.Tensor:
                return self.used(X)

        net = Idle()
        net(X)
        return [is_lazy(part.weight) for part in net.children()] == [False, True]

    fixes = (
        *(call_what_is_to_be_filled, flatten_in_front),
        *(leave_the_width_open, call_once_then_ask, call_the_object, dry_run_then_share),
        *(dry_run_then_freeze, name_the_outputs, one_width_or_a_layer_for_each),
        *(dry_run_then_initialise, evaluation_mode_for_one_row, drop_the_last_batch),
        dry_run_then_save,
    )
    for works in over(fixes, "fixes | 种改法"):
        assert works()


def test_each_check_that_a_solution_calls_says_so() -> None:
    assert silent("lazy_initialization") == []
