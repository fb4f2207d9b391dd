"""Proves what the page on lazy initialisation says."""

import copy
import io
import pickle
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from proven.testing import after, over, shown

X = torch.ones(2, 20)


def is_lazy(p: torch.Tensor) -> bool:
    """Whether a parameter has no shape yet."""
    return isinstance(p, nn.UninitializedParameter)


def messages(name: str) -> list[str]:
    """The errors that a snippet shows."""
    return [error.text for error in shown(name).errors]


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
    net = after("lazy_initialization.lazy-conv").conv_net()
    assert net(torch.ones(4, 2, 28, 36)).shape == (4, 10)
    assert net[0].weight.shape == (6, 2, 5, 5)
    assert net[3].weight.shape == (16, 6, 5, 5)
    assert net[-1].weight.shape == (10, 16 * 4 * 6)


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
    mixin = nn.modules.lazy.LazyModuleMixin
    assert all(issubclass(getattr(nn, name), mixin) for name in found)


def test_lazy_layers_give_no_warning() -> None:
    """Building and calling a lazy layer gives no warning (2.13), although its documentation still
    says experimental.

    构造和调用延后初始化的层都不会发出警告（2.13），尽管文档里仍写着 experimental。
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = nn.LazyLinear(3)
        assert type(layer) is nn.LazyLinear
        assert is_lazy(layer.weight)
        layer(torch.ones(2, 5))
    assert type(layer) is nn.Linear
    assert layer.weight.shape == (3, 5)
    assert not caught
    documentation = nn.modules.lazy.LazyModuleMixin.__doc__ or ""
    assert "experimental" in documentation
    assert "API is likely to change" in documentation


def test_in_features_starts_as_a_placeholder() -> None:
    """Before its first call a lazy linear layer says `in_features=0`, whatever it will become.

    第一次调用之前，延后初始化的线性层一律显示 `in_features=0`，与将来的宽度无关。
    """
    net = after("lazy_initialization.before").net
    assert (net[0].in_features, net[2].in_features) == (0, 0)
    line = "  (0): LazyLinear(in_features=0, out_features=256, bias=True)"
    assert line in shown("lazy_initialization.before").output.splitlines()
    net(X)
    assert (net[0].in_features, net[2].in_features) == (20, 256)


def test_lazy_parameters_are_registered_at_once() -> None:
    """A lazy layer registers its parameters when it is built: each is an `UninitializedParameter`,
    under its final name.

    延后初始化的层在构造时就注册参数：每个都是 `UninitializedParameter`，名字以后也不再变。
    """
    net = after("lazy_initialization.before").net
    names = ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [name for name, _ in net.named_parameters()] == list(net.state_dict()) == names
    assert all(type(p) is nn.UninitializedParameter for p in net.parameters())
    lines = shown("lazy_initialization.before").output.splitlines()
    assert "<UninitializedParameter>" in lines
    assert str(names) in lines
    net(X)
    assert list(net.state_dict()) == names


def test_only_in_features_is_inferred() -> None:
    """`nn.LazyLinear` infers `in_features` in its first call; without `out_features` it is a
    `TypeError`.

    `nn.LazyLinear` 在第一次调用时推断 `in_features`；不给 `out_features`，则是 `TypeError`。
    """
    error = messages("lazy_initialization.what-fails")[-1]
    assert error.startswith("TypeError: LazyLinear.__init__() missing 1 required")
    assert error.endswith("'out_features'")
    layer = nn.LazyLinear(3)
    layer(torch.ones(2, 7))
    assert (layer.in_features, layer.out_features) == (7, 3)


def test_shape_before_the_first_call_is_an_error() -> None:
    """Asking an uninitialised parameter for its shape is a `RuntimeError` whose message says what
    to do.

    向未初始化的参数要形状，会得到 `RuntimeError`，报错信息里写明了该怎么办。
    """
    error = messages("lazy_initialization.before")[0]
    assert error.startswith("RuntimeError: Can't access the shape of an uninitialized parameter")
    assert "Call `forward` to initialize the parameters" in error


def test_uninitialised_parameters_refuse_computation() -> None:
    """`numel`, the initialisers of `nn.init` and arithmetic raise a `ValueError` on an
    uninitialised parameter, `share_memory` a `RuntimeError`.

    对未初始化的参数，`numel`、`nn.init` 里的初始化函数和各种运算都报 `ValueError`，
    `share_memory` 报 `RuntimeError`。
    """
    errors = messages("lazy_initialization.what-fails")
    assert errors[0].startswith("ValueError: Attempted to use an uninitialized parameter in")
    assert errors[2].startswith("RuntimeError: Can't share memory on an uninitialized parameter")
    layer = nn.LazyLinear(3)
    for action in (nn.init.zeros_, torch.numel, torch.abs, torch.clone):
        with pytest.raises(ValueError, match="uninitialized parameter"):
            action(layer.weight)


def test_lazy_parameters_know_their_dtype() -> None:
    """An uninitialised parameter already has its dtype, and `double()` changes it before there is
    any shape.

    未初始化的参数已经有数据类型，还没有形状时就能用 `double()` 改掉。
    """
    net = after("lazy_initialization.what-fails").net
    assert "dtype: torch.float32" in shown("lazy_initialization.what-fails").output
    net.double()
    assert all(is_lazy(p) for p in net.parameters())
    assert {p.dtype for p in net.parameters()} == {torch.float64}


def test_calling_forward_skips_the_lazy_hook() -> None:
    """A lazy layer infers its width in a hook: calling the layer runs it, calling its `forward`
    does not, and fails.

    延后初始化的层靠钩子推断宽度：调用这一层时钩子会运行；直接调用它的 `forward`，
    钩子不运行，于是报错。
    """
    net = after("lazy_initialization.what-fails").net
    with pytest.raises(ValueError, match="uninitialized parameter"):
        net[0].forward(X)
    assert is_lazy(net[0].weight)
    net[0](X)
    assert net[0].weight.shape == (256, 20)
    error = messages("lazy_initialization.what-fails")[1]
    assert error.startswith("ValueError: Attempted to use an uninitialized parameter in <built-in")


def test_size_gives_a_placeholder() -> None:
    """An uninitialised parameter answers `size()` with `torch.Size([0])`, while `shape` raises
    (2.13).

    未初始化的参数，`size()` 返回 `torch.Size([0])`，`shape` 却报错（2.13）。
    """
    weight = after("lazy_initialization.what-fails").weight
    assert weight.size() == (0,)
    with pytest.raises(RuntimeError, match="Can't access the shape"):
        weight.shape
    assert "size: torch.Size([0])" in shown("lazy_initialization.what-fails").output


def test_only_the_last_dimension_decides() -> None:
    """The last dimension of the first input decides the width of a lazy linear layer; neither the
    values nor the other dimensions matter.

    第一次输入的最后一维定下延后初始化的线性层的宽度，与数值和其他各维都无关。
    """
    drawn = []
    for batch in (torch.zeros(20), torch.ones(2, 20), torch.full((5, 3, 20), torch.nan)):
        torch.manual_seed(0)
        layer = nn.LazyLinear(256)
        layer(batch)
        assert layer.weight.shape == (256, 20)
        drawn.append(layer.weight)
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])
    layer = nn.LazyLinear(256)
    layer(torch.ones(2, 20, 7))
    assert layer.weight.shape == (256, 7)


def test_widths_follow_from_layer_to_layer() -> None:
    """In a model, each lazy layer takes its width from the output of the layer before.

    在模型里，每个延后初始化的层都以前一层的输出宽度为准。
    """
    state = after("lazy_initialization.dry-run")
    shapes = [tuple(p.shape) for p in state.net.parameters()]
    assert shapes == [(256, 20), (256,), (10, 256), (10,)]
    net = nn.Sequential(nn.LazyConv2d(6, 5), nn.Flatten(), nn.LazyLinear(10))
    net(torch.ones(1, 3, 28, 28))
    assert net[2].in_features == 6 * 24 * 24


def test_the_first_call_leaves_nothing_lazy() -> None:
    """The first call turns every `nn.LazyLinear` into a plain `nn.Linear`, and its parameters into
    plain `Parameter`s.

    第一次调用之后，`nn.LazyLinear` 都变成普通的 `nn.Linear`，它们的参数都变成普通的 `Parameter`。
    """
    net = after("lazy_initialization.dry-run").net
    assert [type(m) for m in net] == [nn.Linear, nn.ReLU, nn.Linear]
    assert {type(p) for p in net.parameters()} == {nn.Parameter}
    output = shown("lazy_initialization.dry-run").output
    assert "(0): Linear(in_features=20, out_features=256, bias=True)" in output
    assert "Lazy" not in output
    assert "its class: Parameter" in output


def test_lazy_parameters_are_filled_in_place() -> None:
    """A parameter taken out of a lazy model before its first call is the same object afterwards.

    第一次调用之前从模型里取出的参数，调用之后仍是同一个对象。
    """
    state = after("lazy_initialization.dry-run")
    assert state.weight is state.net[0].weight
    assert "same object: True" in shown("lazy_initialization.dry-run").output
    net = state.lazy_net()
    held = list(net.parameters())
    net(X)
    assert all(p is q for p, q in zip(held, net.parameters(), strict=True))


def test_counting_lazy_parameters_is_an_error() -> None:
    """Summing `numel()` over a lazy model raises a `ValueError` before its first call, and works
    afterwards.

    对延后初始化的模型累加 `numel()`，第一次调用之前报 `ValueError`，之后才数得出来。
    """
    state = after("lazy_initialization.dry-run")
    net = state.lazy_net()
    error = messages("lazy_initialization.before")[1]
    assert error.startswith("ValueError: Attempted to use an uninitialized parameter in <method")
    assert "with a dummy batch" in error
    net(X)
    assert sum(p.numel() for p in net.parameters()) == 20 * 256 + 256 + 256 * 10 + 10
    assert shown("lazy_initialization.dry-run").output.endswith("\n7946\n")


def test_the_first_call_fixes_the_width() -> None:
    """After the first call another width is refused as by any `nn.Linear`, while the size of the
    batch stays free.

    第一次调用之后，换一个宽度就和普通的 `nn.Linear` 一样报错，一批有多少行则不限。
    """
    error = shown("lazy_initialization.second-width").error
    assert error == "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x21 and 20x256)"
    assert shown("lazy_initialization.second-width").output == "(7, 10)\n"
    net = after("lazy_initialization.second-width").net
    assert net(torch.ones(7, 20)).shape == (7, 10)


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
    nn.Linear` does not.

    `nn.LazyLinear` 是 `nn.Linear` 的子类：`isinstance(m, nn.Linear)` 成立，
    `type(m) is nn.Linear` 不成立。
    """
    layer = after("lazy_initialization.init-by-type").lazy_net()[0]
    assert isinstance(layer, nn.Linear)
    assert type(layer) is not nn.Linear


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
    net = state.lazy_net()
    net.apply(state.init_by_type)
    assert all(is_lazy(p) for p in net.parameters())
    torch.manual_seed(0)
    net(X)
    torch.manual_seed(0)
    assert torch.equal(net[0].weight, nn.Linear(20, 256).weight)


def test_no_layer_stays_a_lazy_linear() -> None:
    """After the first call no layer is a `nn.LazyLinear` any more, so looking for that class finds
    nothing.

    第一次调用之后，再没有哪一层是 `nn.LazyLinear`，按这个类去找，一个也找不到。
    """
    state = after("lazy_initialization.init-by-type")
    assert not any(isinstance(m, nn.LazyLinear) for m in state.early.modules())
    assert sum(type(m) is nn.LazyLinear for m in state.lazy_net().modules()) == 2


def test_isinstance_fails_early_and_works_later() -> None:
    """An initialiser that asks with `isinstance` raises a `ValueError` on a lazy layer, and sets it
    after the first call.

    用 `isinstance` 挑层的初始化函数，遇到还没调用过的延后初始化层会报 `ValueError`；
    第一次调用之后就能正常设定。
    """
    state = after("lazy_initialization.init-by-isinstance")
    (error,) = messages("lazy_initialization.init-by-isinstance")
    assert error.startswith("ValueError: Attempted to use an uninitialized parameter in <method")
    assert shown("lazy_initialization.init-by-isinstance").output == "all ones: True\n"
    with pytest.raises(ValueError, match="uninitialized parameter"):
        state.lazy_net().apply(lambda m: isinstance(m, nn.Linear) and nn.init.ones_(m.weight))
    assert (state.late[2].weight == 1).all()


def test_lazy_norms_are_no_subclasses() -> None:
    """Lazy batch norms and instance norms are not subclasses of the ordinary ones: before the first
    call `isinstance` is false, after it it is true.

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
    """With one seed, a lazy layer behind a dropout gets other weights than the ordinary layer if the
    dry run is done in training mode, and the same in evaluation mode.

    种子相同时，排在 dropout 后面的延后初始化的层，若在训练模式下试运行，权重与普通层的不同；
    在评估模式下则相同。
    """

    def weight(train: bool) -> torch.Tensor:
        torch.manual_seed(0)
        net = nn.Sequential(nn.LazyLinear(4), nn.Dropout(), nn.LazyLinear(2)).train(train)
        net(X)
        drawn: torch.Tensor = net[2].weight
        return drawn

    torch.manual_seed(0)
    ordinary = nn.Sequential(nn.Linear(20, 4), nn.Dropout(), nn.Linear(4, 2))[2].weight
    assert not torch.equal(weight(True), ordinary)
    assert torch.equal(weight(False), ordinary)


def test_lazy_layers_draw_in_their_first_call() -> None:
    """Building a lazy layer draws no random numbers; its first call does.

    构造延后初始化的层不抽随机数，第一次调用时才抽。
    """
    state = after("lazy_initialization.same-draws")
    torch.manual_seed(0)
    before = torch.get_rng_state()
    net = state.lazy_net()
    assert torch.equal(before, torch.get_rng_state())
    net(X)
    assert not torch.equal(before, torch.get_rng_state())


def test_all_lazy_layers_draw_like_ordinary_ones() -> None:
    """With one seed, a model whose layers are all lazy gets exactly the weights of the ordinary
    model (2.13), if it calls its layers in the order in which the other builds them.

    种子相同时，各层全部延后初始化的模型与普通模型的权重完全一样（2.13），
    前提是它调用各层的次序与后者构造各层的次序相同。
    """
    state = after("lazy_initialization.same-draws")
    assert "all lazy: True" in shown("lazy_initialization.same-draws").output
    assert torch.equal(state.eager, state.drawn(state.lazy_net))
    # the first to be called draws first, wherever it was built
    torch.manual_seed(0)
    built_first, called_first = nn.LazyLinear(4), nn.LazyLinear(4)
    called_first(X)
    built_first(X)
    torch.manual_seed(0)
    assert torch.equal(called_first.weight, nn.Linear(20, 4).weight)


def test_mixing_lazy_layers_changes_the_draws() -> None:
    """If lazy and ordinary layers are mixed, the ordinary ones draw first, when they are built: one
    seed gives other weights than in the ordinary model.

    延后初始化的层与普通层混用时，普通层在构造时先抽：种子相同，权重却与普通模型的不同。
    """
    state = after("lazy_initialization.same-draws")
    assert "mixed: False" in shown("lazy_initialization.same-draws").output
    mixed = state.drawn(state.mixed_net)
    assert mixed.shape == state.eager.shape
    assert not torch.equal(state.eager, mixed)
    # the ordinary layer of the mixed model got the first numbers of the seed
    torch.manual_seed(0)
    assert torch.equal(nn.Linear(256, 10).weight.flatten(), mixed[256 * 21 : 256 * 21 + 2560])


def test_a_random_dry_run_batch_shifts_the_draws() -> None:
    """A random batch for the first call uses up numbers that the weights would have got;
    `torch.ones` uses up none.

    第一次调用若用随机数据，会先用掉本该给权重的数；`torch.ones` 一个也不用。
    """
    state = after("lazy_initialization.same-draws")
    assert "random batch: False" in shown("lazy_initialization.same-draws").output
    assert not torch.equal(state.eager, state.drawn(state.lazy_net, torch.rand))
    before = torch.get_rng_state()
    torch.ones(2, 20)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(2, 20)
    assert not torch.equal(before, torch.get_rng_state())


def test_adam_and_sgd_accept_lazy_parameters() -> None:
    """Adam and SGD may be built before the first call (2.13): they hold the very parameters that it
    fills, and update them.

    Adam 和 SGD 可以在第一次调用之前建好（2.13）：第一次调用填好的，
    正是它们手里的那些参数，照常更新。
    """
    state = after("lazy_initialization.optimizer-first")
    assert state.optimizer.param_groups[0]["params"][0] is state.net[0].weight
    output = shown("lazy_initialization.optimizer-first").output
    assert "same object: True" in output
    assert "weight moved: True" in output
    for kind in (torch.optim.SGD, torch.optim.Adam):
        net = state.lazy_net()
        optimizer = kind(net.parameters(), lr=0.1)
        net(X).sum().backward()
        before = net[2].bias.detach().clone()
        optimizer.step()
        assert optimizer.param_groups[0]["params"][3] is net[2].bias
        assert not torch.equal(before, net[2].bias)


def test_adagrad_needs_the_shapes_at_once() -> None:
    """Adagrad cannot be built before the first call (2.13): it allocates its state in the
    constructor, in the shapes of the parameters.

    Adagrad 不能在第一次调用之前建（2.13）：它构造时就按参数的形状分配状态。
    """
    line = "Adagrad: Attempted to use an uninitialized parameter"
    assert line in shown("lazy_initialization.optimizer-first").output.splitlines()
    state = after("lazy_initialization.optimizer-first")
    with pytest.raises(ValueError, match="uninitialized parameter"):
        torch.optim.Adagrad(state.lazy_net().parameters())
    net = state.net
    assert torch.optim.Adagrad(net.parameters()).state[net[0].weight]["sum"].shape == (256, 20)


def test_loading_supplies_the_shapes() -> None:
    """Loading a state dict into a lazy model that was never called gives its parameters their
    shapes and values.

    延后初始化的模型从未调用过，也能加载状态字典：参数的形状和数值一并填好。
    """
    state = after("lazy_initialization.load-materialises")
    lines = shown("lazy_initialization.load-materialises").output.splitlines()
    assert lines[:2] == ["<All keys matched successfully>", "shape: (256, 20)"]
    assert lines[4] == "same output: True"
    net = state.lazy_net()
    net.load_state_dict(state.net.state_dict())
    assert not any(is_lazy(p) for p in net.parameters())
    assert torch.equal(net[2].weight, state.net[2].weight)


def test_the_first_call_keeps_loaded_values() -> None:
    """A loaded lazy layer keeps its class and `in_features=0` until its first call, which leaves
    the loaded values alone.

    加载之后，层的类和 `in_features=0` 要到第一次调用才变，而那次调用不改动加载的数值。
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


def test_a_loaded_width_is_binding() -> None:
    """Once values are loaded, the first call of a lazy layer refuses a batch of another width, with
    an `AssertionError`.

    加载过数值之后，第一次调用时数据的宽度若不相符，会报 `AssertionError`。
    """
    state = after("lazy_initialization.load-materialises")
    net = state.lazy_net()
    net.load_state_dict(state.net.state_dict())
    error = messages("lazy_initialization.load-refused")[1]
    assert error.startswith("AssertionError: The in_features inferred from input: 21 is not equal")
    with pytest.raises(AssertionError, match="The in_features inferred from input: 21"):
        net(torch.ones(2, 21))


def test_an_uninitialised_state_is_refused() -> None:
    """The state dict of a model that was never called cannot be loaded into one that was: a
    `RuntimeError` about the missing shape.

    从未调用过的模型，其状态字典不能加载进调用过的模型：报 `RuntimeError`，说的是没有形状。
    """
    error = messages("lazy_initialization.load-refused")[0]
    assert error.startswith("RuntimeError: Can't access the shape of an uninitialized parameter")
    state = after("lazy_initialization.load-materialises")
    with pytest.raises(RuntimeError, match="shape of an uninitialized parameter"):
        state.net.load_state_dict(state.lazy_net().state_dict())


def test_an_uninitialised_file_is_refused() -> None:
    """`torch.save` accepts the state dict of a lazy model that was never called; it is `torch.load`
    that refuses the file, with an `UnpicklingError`.

    从未调用过的模型，`torch.save` 照样存下状态字典；到了 `torch.load` 才被拒绝，
    报 `UnpicklingError`。
    """
    file = io.BytesIO()
    torch.save(after("lazy_initialization.load-materialises").lazy_net().state_dict(), file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed") as caught:
        torch.load(file)
    assert "UninitializedParameter" in str(caught.value)
    shows = messages("lazy_initialization.load-refused")[2]
    assert "UnpicklingError: Weights only load failed" in shows


def test_a_dry_run_in_training_mode_leaves_traces() -> None:
    """In training mode batch norm counts a dry run as a batch and moves its statistics, and refuses
    a single row.

    训练模式下，批量规范化会把试运行也算作一批，统计量随之变动；只有一行时则报错。
    """
    state = after("lazy_initialization.dry-run-traces")
    assert state.training[1].num_batches_tracked == 1
    assert state.training[1].running_mean.any()
    assert shown("lazy_initialization.dry-run-traces").output == "batches: 1\nmean moved: True\n"
    (error,) = messages("lazy_initialization.dry-run-traces")
    assert error.startswith("ValueError: Expected more than 1 value per channel when training")
    assert state.with_norm().training


def test_a_dry_run_in_evaluation_mode_leaves_none() -> None:
    """In evaluation mode a dry run leaves the statistics of batch norm as they were, and a single
    row is enough.

    评估模式下，试运行不改动批量规范化的统计量，只有一行也行。
    """
    state = after("lazy_initialization.dry-run-traces")
    net = state.with_norm().eval()
    net(torch.ones(1, 20))
    assert net[0].weight.shape == (256, 20)
    assert net[1].num_batches_tracked == 0
    assert not net[1].running_mean.any()
    assert (net[1].running_var == 1).all()


def test_a_safe_order_finds_what_each_step_needs() -> None:
    """In the order device and dtype, dry run, initialiser, optimiser, each step finds what it
    needs: the dtype is kept, batch norm has counted nothing, and the optimiser holds the parameters.

    按“设备与数据类型、试运行、初始化函数、优化器”的顺序，每一步要用的都已就绪：
    数据类型保持不变，批量规范化一批也没有计，优化器拿到的就是模型的参数。
    """
    state = after("lazy_initialization.in-order")
    assert all(p.dtype == torch.float64 for p in state.net.parameters())
    assert state.net.training
    assert not state.net[1].running_mean.any()
    assert 0.005 < state.net[0].weight.std() < 0.015
    assert not state.net[0].bias.any()
    held = state.optimizer.param_groups[0]["params"]
    assert all(p is q for p, q in zip(held, state.net.parameters(), strict=True))
    lines = shown("lazy_initialization.in-order").output.splitlines()
    assert lines == ["(256, 20) torch.float64", "batches: 0", "8458"]


def test_a_dry_run_keeps_dtype_and_device() -> None:
    """The first call creates the parameters of a lazy layer in the dtype and on the device that
    were set before.

    延后初始化的参数在第一次调用时生成，数据类型和设备都按事先的设定。
    """
    net = after("lazy_initialization.in-order").lazy_net().double()
    net(X.double())
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    layer = nn.LazyLinear(3, dtype=torch.bfloat16, device="meta")
    layer(torch.ones(2, 20, dtype=torch.bfloat16, device="meta"))
    assert layer.weight.shape == (3, 20)
    assert (layer.weight.dtype, layer.weight.device.type) == (torch.bfloat16, "meta")


def test_moving_to_meta_breaks_lazy_layers() -> None:
    """Moving a lazy layer to the device `meta` replaces its parameters by empty ones that are not
    lazy, and the first call fails (2.13).

    把延后初始化的层移到 `meta` 设备，参数会被换成空的普通参数，第一次调用便会报错（2.13）。
    """
    layer = after("lazy_initialization.in-order").lazy_net()[0].to("meta")
    assert not is_lazy(layer.weight)
    assert layer.weight.shape == (0,)
    with pytest.raises(AssertionError, match="in_features inferred from input: 20"):
        layer(X.to("meta"))


def test_a_dry_run_without_gradients_freezes_nothing() -> None:
    """Parameters that came into being under `torch.no_grad()` still require a gradient.

    在 `torch.no_grad()` 下生成的参数，以后照样要梯度。
    """
    net = after("lazy_initialization.in-order").lazy_net()
    with torch.no_grad():
        net(X)
    assert all(p.requires_grad for p in net.parameters())
    net(X).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_optimisers_accept_a_model_after_its_dry_run() -> None:
    """After the dry run every optimiser of `torch.optim` that accepts the ordinary model accepts
    the lazy one.

    试运行之后，`torch.optim` 里凡是普通模型能用的优化器，延后初始化的模型也都能用。
    """
    state = after("lazy_initialization.in-order")
    found = [kind for kind in vars(torch.optim).values() if isinstance(kind, type)]
    kinds: set[Any] = {kind for kind in found if issubclass(kind, torch.optim.Optimizer)}
    kinds.discard(torch.optim.Optimizer)
    assert kinds > {torch.optim.SGD, torch.optim.Adam, torch.optim.Adagrad}

    def accepted(net: nn.Module) -> set[Any]:
        good = set()
        for kind in kinds:
            try:
                kind(net.parameters(), lr=0.1)
            except ValueError:  # Muon takes no biases
                continue
            good.add(kind)
        return good

    lazy = state.lazy_net()
    lazy(X)
    eager = accepted(nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 10)))
    assert accepted(lazy) == eager
    names = sorted(kind.__name__ for kind in kinds)
    for name in over(names, "optimisers of torch.optim | 种 torch.optim 的优化器"):
        kind = getattr(torch.optim, name)
        assert (kind in eager) == (kind in accepted(lazy))
    assert torch.optim.Adagrad in eager


# Summary


def test_a_lazy_linear_needs_no_in_features() -> None:
    """`nn.LazyLinear(10)` needs no `in_features`; the first batch supplies it, also after a
    `Flatten`.

    `nn.LazyLinear(10)` 不用写 `in_features`，第一批数据会补上，接在 `Flatten` 后面也一样。
    """
    layer = nn.LazyLinear(10)
    layer(X)
    assert (layer.in_features, layer.out_features) == (20, 10)
    net = nn.Sequential(nn.Flatten(), nn.LazyLinear(10))
    net(torch.ones(2, 3, 4, 5))
    assert net[1].weight.shape == (10, 60)


def test_lazy_parameters_have_names_and_no_shape() -> None:
    """Before its first call a lazy linear layer has parameters with names; asking them for a shape
    is a `RuntimeError`.

    第一次调用之前，延后初始化的线性层已有参数，名字也定了；访问它们的形状会报 `RuntimeError`。
    """
    layer = nn.LazyLinear(10)
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]
    for p in layer.parameters():
        with pytest.raises(RuntimeError, match="Can't access the shape"):
            p.shape


def test_the_first_call_makes_an_ordinary_layer_of_fixed_width() -> None:
    """The first call turns a `nn.LazyLinear` into a plain `nn.Linear`, whose width is fixed.

    第一次调用把 `nn.LazyLinear` 变成普通的 `nn.Linear`，宽度从此固定。
    """
    layer = nn.LazyLinear(10)
    layer(X)
    assert type(layer) is nn.Linear
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        layer(torch.ones(2, 21))


def test_isinstance_after_the_dry_run_reaches_every_layer() -> None:
    """After the dry run an initialiser with `isinstance(m, nn.Linear)` sets both linear layers of
    the model; before it, one with `type(m) is nn.Linear` silently skips both.

    试运行之后，用 `isinstance(m, nn.Linear)` 的初始化函数改到了模型的两个线性层；试运行之前，
    用 `type(m) is nn.Linear` 的初始化函数把两个都悄悄跳过。
    """
    state = after("lazy_initialization.init-by-isinstance")
    net = state.lazy_net()
    net.apply(state.init_by_type)
    net(X)
    assert not any((net[i].weight == 1).any() for i in (0, 2))
    net.apply(state.init_constant)
    assert all((net[i].weight == 1).all() for i in (0, 2))


def test_a_dry_run_under_eval_and_no_grad_counts_nothing() -> None:
    """A dry run under `net.eval()` and `torch.no_grad()` gives the parameters their shapes, and
    batch norm counts no batch.

    在 `net.eval()` 和 `torch.no_grad()` 之下试运行，参数有了形状，批量规范化一批也没有计。
    """
    net = after("lazy_initialization.dry-run-traces").with_norm().eval()
    with torch.no_grad():
        out = net(torch.ones(1, 20))
    assert not out.requires_grad
    assert net[0].weight.shape == (256, 20)
    assert net[1].num_batches_tracked == 0


# Exercises


def test_checks_reject_plausible_wrong_solutions() -> None:
    """What an exercise asks for is what its check looks at."""
    state: Any = after("lazy_initialization.naive-lazy")

    def resized() -> nn.Module:  # lets the width stay that of one size
        return state.conv_net()

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        state.check_any_size(resized)

    class Late(state.ManyWidths):  # makes a first layer when it sees a width
        def __init__(self, widths: list[int]) -> None:
            super().__init__([])

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

    wrong = (
        (Late, "made new"),
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

    for wrong_materialise in (plainly, all_training, without_finally, swallowing):
        with pytest.raises(AssertionError):
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

    for wrong_reached in (compared, on_the_original):
        with pytest.raises(AssertionError):
            state.check_reached(wrong_reached)

    def shapes(kind: Any) -> bool:
        return state.build(kind)(X).shape == (2, 10)

    trials = [state.trains, state.loads, shapes]
    with pytest.raises(AssertionError, match="shapes does not break"):
        state.check_naive_lazy(state.NaiveLazyLinear, trials)
    with pytest.raises(AssertionError, match="does not break"):
        state.check_naive_lazy(nn.LazyLinear, [state.trains, state.loads, state.casts])


def test_global_pooling_makes_the_width_independent_of_the_image() -> None:
    """With `nn.AdaptiveAvgPool2d(1)` before the `Flatten`, the linear layer gets one number for
    each channel, whatever the size of the image.

    在 `Flatten` 之前加上 `nn.AdaptiveAvgPool2d(1)`，不论图像多大，线性层拿到的都是每个通道一个数。
    """
    assert shown("lazy_initialization.any-size").output.splitlines()[1] == "in_features: 16"
    state = after("lazy_initialization.any-size")
    net = state.any_size_net()
    for size in (40, 16, 99):
        assert net(torch.ones(1, 3, size, size + 5)).shape == (1, 10)
        assert net[:-1](torch.ones(1, 3, size, size)).shape == (1, 16)
    assert net[-1].in_features == 16


def test_a_first_layer_per_width_leaves_the_rest_shared() -> None:
    """With a first layer for each width and one last layer, a step on rows of one width changes the
    output for the other, and leaves the first layer of the other alone.

    每种宽度各有一个第一层、最后一层共用时，用一种宽度的数据训练一步，另一种宽度的输出也会变，
    而它的第一层不变。
    """
    told = "checked; width 30 gives KeyError: '30'\n"
    assert shown("lazy_initialization.many-widths").output == told
    net = after("lazy_initialization.many-widths").ManyWidths([20, 21])
    rows = torch.ones(2, 21)
    before, kept = net(rows).detach(), copy.deepcopy(net.first["21"].state_dict())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.ones(2, 20)).sum().backward()
    optimizer.step()
    assert not torch.equal(net(rows), before)
    assert all(torch.equal(p, kept[name]) for name, p in net.first["21"].state_dict().items())


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
    """A dry run of a shape that does not fit raises, and the modes are as before."""
    state = after("lazy_initialization.materialise")
    net = nn.Sequential(nn.Linear(20, 4), nn.LazyBatchNorm1d(), nn.LazyLinear(3))
    net[1].eval()
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        state.materialise(net, 1, 21)
    assert net.training
    assert [m.training for m in net] == [True, False, True]


def test_zeros_leave_the_random_numbers_to_the_weights() -> None:
    """A dry run on zeros uses up no random numbers: `lazy_net()` gets the weights of `eager_net()`
    with the same seed.

    用全零的数据做试运行，不用掉随机数：种子相同时，`lazy_net()` 的权重与 `eager_net()` 的一样。
    """
    state = after("lazy_initialization.materialise")
    torch.manual_seed(3)
    net = state.materialise(state.lazy_net(), 1, 20)
    torch.manual_seed(3)
    eager = state.eager_net()
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), eager.parameters(), strict=True))


def test_train_overrides_the_mode_of_every_layer() -> None:
    """`net.train()` puts every layer in training mode, even one that had been put in evaluation
    mode by itself.

    `net.train()` 会让每一层都进入训练模式，单独设成评估模式的也不例外。
    """
    net = after("lazy_initialization.materialise").with_norm()
    net[1].eval()
    assert [m.training for m in net] == [True, False, True, True]
    net.train()
    assert [m.training for m in net] == [True, True, True, True]


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


def test_a_lazy_model_can_be_copied() -> None:
    """A deep copy of a lazy model that was never called is lazy too, with parameters of its own.

    从未调用过的模型做深拷贝，得到的模型也还没有初始化，参数是它自己的。
    """
    net = after("lazy_initialization.reached").lazy_net()
    probe = copy.deepcopy(net)
    assert all(is_lazy(p) for p in probe.parameters())
    probe(torch.ones(2, 3))
    assert probe[0].in_features == 3
    assert all(is_lazy(p) for p in net.parameters())


def test_scaling_leaves_nan_as_it_is() -> None:
    """An initialiser that only scales leaves a weight of NaN as it is, so that marking weights with
    NaN does not reveal it.

    只做缩放的初始化函数不会改变 NaN，所以用 NaN 作记号发现不了它。
    """
    state = after("lazy_initialization.reached")

    @torch.no_grad()
    def scale(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            m.weight.mul_(0)
            m.bias.div_(2)

    assert state.reached(nn.Linear(3, 2), scale) == []
    assert state.reached(nn.Linear(3, 2), state.init_constant) == ["weight"]


def test_late_parameters_escape_the_optimiser() -> None:
    """Parameters that a layer makes only in its first `forward` are unknown to an optimiser built
    before, and are not trained, without an error.

    到第一次 `forward` 才创建的参数，先建好的优化器并不知道，既不会训练它们，也不报错。
    """
    state = after("lazy_initialization.naive-lazy")
    assert shown("lazy_initialization.naive-lazy").output == "checked: trains, loads, casts\n"
    assert state.trains(nn.LazyLinear)
    assert not state.trains(state.NaiveLazyLinear)
    net = state.build(state.NaiveLazyLinear)
    assert [name for name, _ in net.named_parameters()] == ["2.weight", "2.bias"]
    layer = state.NaiveLazyLinear(3)
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.SGD(layer.parameters())
    assert layer(torch.ones(2, 5, 7)).shape == (2, 5, 3)  # other than that, it works
    assert layer.weight.shape == (3, 7)


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
    """`to(torch.float64)` cannot convert parameters that are made only later: they are float32, and
    a float64 batch fails.

    `to(torch.float64)` 转不了后来才创建的参数：它们仍是 float32，遇到 float64 的数据就报错。
    """
    state = after("lazy_initialization.naive-lazy")
    assert state.casts(nn.LazyLinear)
    assert not state.casts(state.NaiveLazyLinear)
    with pytest.raises(RuntimeError, match="dtype"):
        state.build(state.NaiveLazyLinear).double()(torch.ones(3, 7, dtype=torch.float64))


def test_freezing_too_early_is_an_error() -> None:
    """`requires_grad_(False)` on a lazy model is a `ValueError` before its first call.

    第一次调用之前，对延后初始化的模型用 `requires_grad_(False)` 会报 `ValueError`。
    """
    error = messages("lazy_initialization.what-fails")[3]
    assert error.startswith("ValueError: Attempted to use an uninitialized parameter in <method")
    assert "requires_grad_" in error
    net = after("lazy_initialization.what-fails").net
    net(X)
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())


def test_late_parameters_escape_freezing() -> None:
    """`requires_grad_(False)` before the first call is a `ValueError` in a lazy model; parameters
    that are made only later it does not reach, without a word.

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
