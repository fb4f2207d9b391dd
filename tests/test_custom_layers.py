import collections
import copy
import itertools
import math
import operator
import re
import textwrap
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from proven.testing import after, over, shown
from tests.families import activations, all_dtypes, float_dtypes, layers, optimizers, seeds
from tests.solutions import silent

SEEDS = "seeds | 个随机种子"
SHAPES = "shapes | 种形状"
INPUTS = "numbers of inputs | 种输入个数"
ROWS = "row lengths | 种行长"
NETWORKS = "random networks | 个随机网络"
LAYERS = "layer classes of torch.nn | 种 torch.nn 的层"
WITH_PARAMETERS = "layer classes with parameters | 种带参数的层"
OPTIMISERS = "optimisers | 种优化器"

# what a check raises at a wrong solution
ERRORS = (AssertionError, AttributeError, RuntimeError, TypeError, IndexError)


def integer_dtypes() -> list[torch.dtype]:
    """The dtypes of integers, and `bool`."""
    return [d for d in all_dtypes() if not d.is_floating_point and not d.is_complex]


def layer_with(body: str) -> type[nn.Module]:
    """A class of layers whose `forward` has this body."""
    names: dict[str, Any] = {"torch": torch}
    exec(f"def forward(self, X):\n    {body}\n", names)
    return type("Layer", (nn.Module,), {"forward": names["forward"]})


def test_a_layer_is_any_function_of_its_input() -> None:
    """A layer that computes `X - X.mean()` turns 1 to 5 into −2 to 2.

    算 `X - X.mean()` 的层，把 1 到 5 变成 −2 到 2。
    """
    layer = after("custom_layers.centred-layer").layer
    assert layer(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])).tolist() == [-2, -1, 0, 1, 2]
    told = shown("custom_layers.centred-layer").output.splitlines()
    assert told == ["tensor([-2., -1.,  0.,  1.,  2.])", "parameters: []", "state_dict keys: []"]


def test_a_layer_can_be_a_forward_and_nothing_else() -> None:
    """A class with only a `forward` is a layer: without an `__init__` of its own it has no
    parameters, and its `state_dict()` is empty.

    只有 `forward` 的类就是一个层：不写 `__init__` 也能用，它没有参数，`state_dict()` 是空的。
    """
    shown_class = type(after("custom_layers.centred-layer").layer)
    bodies = ("X", "X - X.mean()", "X.relu()", "X @ X.T", "torch.fft.rfft(X)", "X.sum(dim=0)")
    written = [layer_with(f"return {body}") for body in bodies]
    forwards = "classes with a forward | 个只有 forward 的类"
    for _, layer_class in over(enumerate([shown_class, *written]), forwards):
        assert "__init__" not in vars(layer_class)
        layer = layer_class()
        assert isinstance(layer, nn.Module)
        assert isinstance(layer(torch.ones(2, 3)), torch.Tensor)
        assert list(layer.parameters()) == []
        assert layer.state_dict() == {}


def test_a_layer_needs_no_backward() -> None:
    """A layer needs no `backward`: autograd derives it from `forward`, and no layer class of
    `torch.nn` has one either. Where every output uses the mean, the gradient of one output reaches
    every input.

    层不用写 `backward`，autograd 会从 `forward` 推出来，`torch.nn` 里的层也都没有它。每个输出都用到均值，所以一个输出的梯度会传到所有输入。
    """
    layer = after("custom_layers.centred-layer").layer
    x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], requires_grad=True)
    layer(x)[0].backward()
    assert torch.allclose(x.grad, torch.tensor([0.8, -0.2, -0.2, -0.2, -0.2]))
    assert not hasattr(layer, "backward")
    for member in over(layers(), LAYERS):
        assert not hasattr(member.cls, "backward")


def test_float_tensor_takes_a_number_for_a_length() -> None:
    """`torch.FloatTensor(3)` is three uninitialised numbers; `torch.tensor(3.0)` is the number 3.

    `torch.FloatTensor(3)` 是三个未初始化的数，`torch.tensor(3.0)` 才是 3 这个数。
    """
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)  # fills what is uninitialised with NaN
    try:
        legacy = torch.FloatTensor(3)
    finally:
        torch.use_deterministic_algorithms(before)
    assert legacy.shape == (3,)
    assert legacy.isnan().all()
    assert torch.tensor(3.0).shape == ()
    assert torch.tensor(3.0) == 3


def test_a_decimal_point_makes_float32() -> None:
    """`torch.tensor` takes the dtype from the values: integers give `int64`, a single decimal point
    gives `float32`, unless another default dtype was set.

    `torch.tensor` 按数值决定数据类型：全是整数就是 `int64`，有一个小数点就是 `float32`（没有另设默认类型时）。
    """
    assert torch.tensor([1, 2, 3]).dtype == torch.int64
    lists = [[1.0, 2, 3], [1, 2.0, 3], [1, 2, 3.0], [1.0], [0, 0, 0, 0, 0.0], [2**40, 1.0]]
    for numbers in over(lists, "lists with one decimal point | 个有一个小数点的列表"):
        assert torch.tensor(numbers).dtype == torch.float32
    assert torch.FloatTensor([1, 2]).dtype == torch.float32


def test_a_layer_without_parameters_adds_none_to_a_net() -> None:
    """A layer without parameters adds none to a network, but takes up a number: the numbers in the names of
    the layers after it count it.

    不带参数的层不会给网络添参数，却占一个序号：排在后面的层，参数名里的数字把它也算在内。
    """
    net = after("custom_layers.centred-net").net
    names = [name for name, _ in net.named_parameters()]
    assert names == ["0.weight", "0.bias"]
    assert f"parameters: {names}\n" in shown("custom_layers.centred-net").output
    bare = [layer for layer in layers() if not list(layer.make().parameters())]
    for layer in over(bare, "layer classes without parameters | 种不带参数的层"):
        behind = nn.Sequential(nn.Linear(8, 1), layer.make(), nn.Linear(8, 1))
        assert [name for name, _ in behind.named_parameters()] == [
            "0.weight",
            "0.bias",
            "2.weight",
            "2.bias",
        ]


def test_a_mean_is_zero_up_to_rounding() -> None:
    """Numbers minus their mean have the mean 0 up to rounding: in `float32`, for numbers around 1, it
    is within 1e-6 of 0, but not always exactly 0.

    减去均值之后，剩下的数的均值只在舍入误差之内等于 0：在 `float32` 里，数值在 1 左右时，与 0 相差不到 1e-6，却不总是正好等于 0。
    """
    state = after("custom_layers.centred-net")
    told = shown("custom_layers.centred-net").output.splitlines()
    zeros = sum(mean.tolist() == 0 for mean in state.means)
    assert told[:2] == [f"exactly 0: {zeros} of 100", "near 0: True"]
    assert zeros < len(state.means) == 100
    found = []
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        centred = state.net(torch.rand(4, 8))
        assert centred.shape == (4, 128)
        found.append(centred.mean())
        assert torch.isclose(found[-1], torch.zeros(()), atol=1e-6)
    assert any(mean != 0 for mean in found)


def test_only_atol_counts_against_zero() -> None:
    """The tolerance of `torch.isclose(a, b)` is `atol` plus `rtol` times `b`, so that against 0 only
    `atol` counts: 1e-7 differs from 0, however large `rtol` is, until `atol` is raised above its
    default of 1e-8.

    `torch.isclose(a, b)` 的容差是 `atol` 加上 `rtol` 乘以 `b`，所以和 0 比较时只有 `atol` 起作用：`rtol` 再大，1e-7 也判作与 0 不同，除非把 `atol` 从默认的 1e-8 调大。
    """
    small, zero = torch.tensor(1e-7), torch.tensor(0.0)
    for rtol in over((0, 1e-5, 1e-2, 1, 1e6, 1e30), "values of rtol | 个 rtol 的值"):
        assert not torch.isclose(small, zero, rtol=rtol)
        assert torch.isclose(small, zero, rtol=rtol, atol=1e-6)
    assert torch.isclose(torch.tensor(0.9e-8), zero)
    assert not torch.isclose(torch.tensor(1.1e-8), zero)
    assert torch.isclose(zero, small, rtol=1)  # the other way round rtol counts
    assert torch.isclose(torch.tensor(100.5), torch.tensor(100.0), rtol=0.01, atol=0)


def test_the_message_shows_the_transposed_weight() -> None:
    """`nn.Linear` multiplies by its weight transposed, and its error message shows it so: a weight of shape
    `(3, 5)` appears as `5x3`, and the two inner numbers are the features that came and those that the layer
    takes.

    `nn.Linear` 乘的是转置后的权重，报错信息里写的也是转置后的形状：`(3, 5)` 的权重写作 `5x3`；中间的两个数，是送来的特征数和这个层要的特征数。
    """
    error = shown("custom_layers.shape-and-dtype").errors[0].text
    assert error == "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and 5x3)"
    sizes = [(7, 2, 5, 3), (2, 3, 5, 3), (1, 4, 6, 1), (9, 8, 1, 2), (4, 10, 20, 30)]
    for n, came, takes, gives in over(sizes, "sizes | 种大小"):
        layer = nn.Linear(takes, gives)
        assert layer.weight.shape == (gives, takes)
        X = torch.rand(n, takes)
        assert torch.allclose(layer(X), X @ layer.weight.T + layer.bias, atol=1e-6)
        with pytest.raises(RuntimeError, match=rf"\({n}x{came} and {takes}x{gives}\)"):
            layer(torch.rand(n, came))


def test_a_layer_refuses_another_dtype() -> None:
    """A linear layer with `float32` weights refuses an input of another dtype, such as `float64` or integers
    (outside of `torch.autocast`): `mat1 and mat2 must have the same dtype` from `nn.Linear`,
    `expected m1 and m2 to have the same dtype` from `@`. After `float()`, it takes a `float64` input.

    权重是 `float32` 的线性层不接受其他类型的输入，`float64` 和整数都不行（不在 `torch.autocast` 里时）：`nn.Linear` 报 `mat1 and mat2 must have the same dtype`，`@` 报 `expected m1 and m2 to have the same dtype`；`float64` 用 `float()` 转换之后就行。
    """
    texts = [error.text for error in shown("custom_layers.shape-and-dtype").errors]
    assert texts[1:] == [
        "RuntimeError: mat1 and mat2 must have the same dtype, but got Double and Float",
        "RuntimeError: expected m1 and m2 to have the same dtype, but got: double != float",
    ]
    state = after("custom_layers.shape-and-dtype")
    for dtype in over((d for d in all_dtypes() if d != torch.float32), "dtypes | 种 dtype"):
        X = torch.ones(2, 5).to(dtype)
        with pytest.raises(RuntimeError, match="mat1 and mat2 must have the same dtype"):
            state.builtin(X)
        with pytest.raises(RuntimeError, match="expected m1 and m2 to have the same dtype"):
            state.linear(X)
    X = torch.rand(2, 5, dtype=torch.float64)
    for layer in (state.builtin, state.linear):
        assert layer(X.float()).shape == (2, 3)


def test_a_mean_without_dim_is_one_number() -> None:
    """`X.mean()` without `dim` is one number for the whole tensor; subtracting it generally leaves
    columns whose mean is not 0.

    `X.mean()` 不写 `dim`，整个张量只得一个数；减去它，各列的均值一般不是 0。
    """
    state = after("custom_layers.standardised")
    assert state.X.mean() == 11
    assert state.X[:1].mean() == 5
    assert state.Y.mean() == 0
    assert state.Y.mean(dim=0).tolist() == [-9, 9]
    told = shown("custom_layers.standardised").output.splitlines()
    assert told[0] == "mean of each column: [-9.0, 9.0]"
    for shape in over([(64, 3), (2, 5), (9, 2), (4, 4)], SHAPES):
        assert torch.rand(shape).mean().shape == ()
        Y = state.layer(torch.rand(shape) + torch.arange(shape[1]))
        assert Y.mean().abs() < 1e-5
        assert (Y.mean(dim=0).abs() > 0.1).any()


def test_centring_keeps_the_spread() -> None:
    """Subtracting the mean of all elements leaves the standard deviation as it was, up to rounding, and
    columns with different means off centre: centring is not standardising.

    减去所有元素的均值，标准差不变（允许舍入误差），均值不同的各列也没有居中，所以中心化不是标准化。
    """
    state = after("custom_layers.standardised")
    assert state.Y.mean(dim=0).tolist() == [-9, 9]
    assert torch.allclose(state.Y.std(), state.X.std())
    assert "same spread: True\n" in shown("custom_layers.standardised").output
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        X = torch.rand(64, 3) * torch.tensor([1.0, 2.0, 3.0])
        assert torch.allclose(state.layer(X).std(), X.std())
        assert (state.layer(X).std() - 1).abs() > 0.1
        assert (state.layer(X).mean(dim=0)[[0, 2]].abs() > 0.1).all()


def test_standardising_treats_each_column_alone() -> None:
    """`(X - X.mean(dim=0)) / X.std(dim=0)` gives every column whose values are not all equal mean 0 and
    standard deviation 1, up to rounding, and what it makes of a column does not depend on the others.

    `(X - X.mean(dim=0)) / X.std(dim=0)` 让每一列的均值都是 0，标准差都是 1（允许舍入误差），一列的结果与其他各列无关；前提是一列的数不全相等。
    """
    Z = after("custom_layers.standardised").Z
    assert Z.mean(dim=0).tolist() == [0, 0]
    assert Z.std(dim=0).tolist() == [1, 1]
    told = shown("custom_layers.standardised").output
    assert "columns of Z: [[-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]\n" in told
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        X = torch.randn(50, 3) * torch.tensor([1.0, 20.0, 0.1]) + 1
        Z = (X - X.mean(dim=0)) / X.std(dim=0)
        assert torch.allclose(Z.mean(dim=0), torch.zeros(3), atol=1e-4)
        assert torch.allclose(Z.std(dim=0), torch.ones(3), atol=1e-4)
        column = X[:, 1:2]
        assert torch.allclose((column - column.mean(dim=0)) / column.std(dim=0), Z[:, 1:2])


def test_centring_mixes_the_rows_of_a_batch() -> None:
    """A layer that subtracts the mean of the whole batch can give a row another result when other
    rows share its batch.

    层若减去整批数据的均值，同一行换到不同的批里，结果就可能不同。
    """
    state = after("custom_layers.what-it-centres")
    assert state.layer(state.X)[0].tolist() == [-11, -1]
    assert state.layer(state.X[:1])[0].tolist() == [-5, 5]
    told = shown("custom_layers.what-it-centres").output
    assert told == "row 0 in the batch: [-11.0, -1.0]\nrow 0 on its own:   [-5.0, 5.0]\n"
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net, X = nn.Sequential(nn.Linear(5, 4), state.layer, nn.Linear(4, 2)), torch.randn(6, 5)
        assert not torch.allclose(net(X)[0], net(X[:1])[0])
        scores = nn.Sequential(net[0], state.layer, nn.Softmax(dim=1))  # undoes it again
        assert torch.allclose(scores(X)[0], scores(X[:1])[0], atol=1e-6)


def test_eval_changes_only_layers_that_ask() -> None:
    """`eval()` only sets `training` to `False`: a `forward` that does not look at it computes what it did
    before, as do the activations of `torch.nn`, all but `RReLU`.

    `eval()` 只是把 `training` 设为 `False`；`forward` 不看它，算出来的就和原来一样，`torch.nn` 的激活函数除 `RReLU` 外都是如此。
    """
    state = after("custom_layers.what-it-centres")
    layer = type(state.layer)()
    assert layer.training
    before = layer(state.X)
    assert not layer.eval().training
    assert torch.equal(layer(state.X), before)
    blind = (member for member in activations() if member.cls is not nn.RReLU)
    for member in over(blind, "activations of torch.nn | 种 torch.nn 的激活函数"):
        activation = member.make()
        before = member.call(activation)
        assert not activation.eval().training
        assert torch.equal(member.call(activation), before)


def test_dim_centres_columns_or_rows() -> None:
    """Subtracting `X.mean(dim=0)` centres every column of a matrix, up to rounding, but the result
    for a row depends on the other rows; subtracting `X.mean(dim=1, keepdim=True)` centres every row.

    减去 `X.mean(dim=0)`，矩阵的每一列都居中（允许舍入误差），但一行的结果取决于其他各行；减去 `X.mean(dim=1, keepdim=True)`，每一行都居中。
    """
    X = after("custom_layers.what-it-centres").X
    assert (X - X.mean(dim=0)).mean(dim=0).tolist() == [0, 0]
    assert (X - X.mean(dim=0))[0].tolist() == [-2, -10]
    assert (X[:1] - X[:1].mean(dim=0))[0].tolist() == [0, 0]
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        X = torch.randn(6, 5)
        columns, rows = X - X.mean(dim=0), X - X.mean(dim=1, keepdim=True)
        assert torch.allclose(columns.mean(dim=0), torch.zeros(5), atol=1e-6)
        assert torch.allclose(rows.mean(dim=1), torch.zeros(6), atol=1e-6)
        assert not torch.allclose((X[:3] - X[:3].mean(dim=0))[0], columns[0])


def test_a_mean_per_row_keeps_the_rows_apart() -> None:
    """Where each row gets a mean of its own, with `X.mean(dim=1, keepdim=True)` or
    `X.mean(dim=-1, keepdim=True)`, the result for a row does not depend on the rest of the batch.

    用 `X.mean(dim=1, keepdim=True)` 或 `X.mean(dim=-1, keepdim=True)` 为每一行算一个均值，一行的结果就与同一批里的其他行无关。
    """
    for shape in over([(6, 5), (2, 2), (1, 7), (9, 1), (3, 200), (40, 3)], SHAPES):
        X = torch.randn(shape)
        for dim in (1, -1):
            assert X.mean(dim=dim, keepdim=True).shape == (shape[0], 1)
            whole = X - X.mean(dim=dim, keepdim=True)
            for i in range(shape[0]):
                row, pair = X[i : i + 1], X[[i, 0]]
                alone = row - row.mean(dim=dim, keepdim=True)
                assert torch.allclose(alone, whole[i : i + 1], atol=1e-6)
                two = pair - pair.mean(dim=dim, keepdim=True)
                assert torch.allclose(two, whole[[i, 0]], atol=1e-6)


def test_a_square_input_hides_a_missing_keepdim() -> None:
    """Without `keepdim=True`, `X - X.mean(dim=1)` raises an error for three rows and two columns; with
    as many rows as columns, two or more, it subtracts the mean of row j from column j and raises
    nothing.

    不写 `keepdim=True`，三行两列时 `X - X.mean(dim=1)` 会报错；行数和列数相等（至少是 2）时，第 j 列减去的是第 j 行的均值，而且不报错。
    """
    result = shown("custom_layers.keepdim")
    assert result.error == (
        "RuntimeError: The size of tensor a (2) must match the size of tensor b (3) "
        "at non-singleton dimension 1"
    )
    assert result.output == (
        "without keepdim: [[-5.0, -1.0], [-3.0, 9.0]]\nwith keepdim:    [[-5.0, 5.0], [-9.0, 9.0]]\n"
    )
    for n in over(range(2, 9), "numbers of rows and columns | 种行列数"):
        X = torch.randn(n, n)
        wrong = X - X.mean(dim=1)
        for i in range(n):
            for j in range(n):
                assert torch.allclose(wrong[i, j], X[i, j] - X[j].mean())


def test_a_single_column_hides_a_missing_keepdim() -> None:
    """Without `keepdim=True`, `X - X.mean(dim=1)` turns n rows with a single column into n rows and n
    columns, and raises nothing.

    不写 `keepdim=True`，`X` 是 n 行一列时，`X - X.mean(dim=1)` 得到 n 行 n 列，而且不报错。
    """
    for n in over(range(1, 9), "numbers of rows | 种行数"):
        X = torch.randn(n, 1)
        assert (X - X.mean(dim=1)).shape == (n, n)
        assert (X - X.mean(dim=1, keepdim=True)).shape == (n, 1)


def test_integers_have_no_mean() -> None:
    """`mean()` of an integer tensor raises `RuntimeError: mean(): could not infer output dtype`, and so does
    that of a `bool` tensor; after `float()` it works.

    对整数张量求 `mean()` 会报 `RuntimeError: mean(): could not infer output dtype`，`bool` 也一样；先用 `float()` 转换就行。
    """
    result = shown("custom_layers.integer-input")
    assert result.state == "raised"
    assert result.error is not None
    assert result.error.startswith("RuntimeError: mean(): could not infer output dtype")
    assert result.error.endswith("Got: Long")
    told = result.output.splitlines()
    assert told == ["torch.int64 torch.float32", "tensor([-2., -1.,  0.,  1.,  2.])"]
    for dtype in over(integer_dtypes(), "dtypes of integers | 种整数 dtype"):
        counts = torch.tensor([1, 0, 1]).to(dtype)
        with pytest.raises(RuntimeError, match="could not infer output dtype"):
            counts.mean()
        assert counts.float().mean() == pytest.approx(2 / 3)


def test_float32_holds_integers_up_to_two_to_24() -> None:
    """`float32` holds each whole number up to 2^24 exactly and rounds 2^24 + 1; a number in `float64` has 53 binary
    digits, enough for each whole number up to 2^53, and 2^53 + 1 is rounded.

    2^24 以内的整数，`float32` 都能准确存下，2^24 + 1 就要舍入；`float64` 的数有 53 位二进制数字，2^53 以内的整数都够用，2^53 + 1 就要舍入。
    """
    assert torch.finfo(torch.float64).eps == 2.0**-52  # the step after 1.0, the 53rd digit
    small = torch.arange(2**24 + 1)
    for sign in over((1, -1), "signs | 种符号"):
        assert torch.equal((sign * small).float().long(), sign * small)
        for power, dtype in ((24, torch.float32), (53, torch.float64)):
            number = torch.tensor(sign * (2**power + 1))
            assert number.to(dtype).long() != number
            assert (number - sign).to(dtype).long() == number - sign
        for power in range(24, 53):
            inside = sign * (torch.arange(2**power - 1000, 2**power + 1000))
            assert torch.equal(inside.double().long(), inside)
            assert not torch.equal(inside.float().long(), inside)


def test_f_linear_multiplies_by_the_transpose() -> None:
    """`F.linear` takes a weight of shape `(out, in)`, as `nn.Linear` stores it, and multiplies by its
    transpose.

    `F.linear` 要的权重形状是 `(out, in)`，与 `nn.Linear` 存的一样，乘的是它的转置。
    """
    for n, m in over([(5, 3), (2, 7), (1, 4), (6, 1), (30, 20)], "sizes of the layer | 种层的大小"):
        layer, X = nn.Linear(n, m), torch.randn(4, n)
        assert layer.weight.shape == (m, n)
        Y = F.linear(X, layer.weight, layer.bias)
        assert torch.equal(Y, layer(X))
        assert torch.allclose(Y, X @ layer.weight.T + layer.bias, atol=1e-5)


def test_print_shows_what_extra_repr_returns() -> None:
    """`nn.Linear` overrides `extra_repr`, and what it returns, the sizes, stands in the brackets; `MyLinear` does
    not, and its brackets are empty. A class derived from it that does shows what it returns.

    `nn.Linear` 重写了 `extra_repr`，打印时括号里就是它返回的大小；`MyLinear` 没有重写，括号是空的。由它派生、重写了这个方法的类，显示的就是返回的文字。
    """
    MyLinear = after("custom_layers.my-linear").MyLinear

    class Told(MyLinear):
        def extra_repr(self) -> str:
            return f"{len(self.weight)} in"

    assert "extra_repr" in vars(nn.Linear)
    assert "extra_repr" not in vars(MyLinear)
    for n, m in over([(5, 3), (2, 7), (1, 4), (6, 1), (30, 20)], "sizes of the layer | 种层的大小"):
        assert repr(MyLinear(n, m)) == "MyLinear()"
        assert repr(Told(n, m)) == f"Told({n} in)"
        plain = nn.Linear(n, m)
        assert repr(plain) == f"Linear({plain.extra_repr()})"
        assert f"in_features={n}, out_features={m}" in plain.extra_repr()


def test_assigning_a_parameter_registers_it() -> None:
    """An `nn.Parameter` is a tensor that requires a gradient by default; assigned to an attribute
    of a module, it is registered under the name of the attribute.

    `nn.Parameter` 是张量，默认需要梯度；赋给模块的属性，就以属性名注册。
    """
    linear = after("custom_layers.my-linear").linear
    assert [name for name, _ in linear.named_parameters()] == ["weight", "bias"]
    assert shown("custom_layers.my-linear").output == "weight (5, 3) True\nbias (3,) True\n"
    dtypes = [d for d in all_dtypes() if d.is_floating_point or d.is_complex]
    for dtype in over(dtypes, "dtypes | 种 dtype"):
        module, gain = nn.Module(), nn.Parameter(torch.ones(2).to(dtype))
        assert isinstance(gain, torch.Tensor)
        assert gain.requires_grad
        module.gain = gain
        assert dict(module.named_parameters()) == {"gain": gain}
        assert dict(module.named_parameters())["gain"] is gain


def test_my_linear_and_data_linear_differ_in_forward_only() -> None:
    """From the same seed, `DataLinear` registers the same parameters as `MyLinear`, under the same
    names and with the same numbers; only `forward` differs.

    随机种子相同，`DataLinear` 注册的参数和 `MyLinear` 的名字相同，数值也相同；不同的只有 `forward`。
    """
    state = after("custom_layers.data-blocks-gradient")
    for seed in over(seeds(), SEEDS):
        drawn = []
        for layer_class in (state.DataLinear, state.MyLinear):
            torch.manual_seed(seed)
            drawn.append(layer_class(6, 4).state_dict())
        assert list(drawn[0]) == list(drawn[1]) == ["weight", "bias"]
        assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])
    own = [set(vars(state.DataLinear)), set(vars(state.MyLinear))]
    assert own[0] == own[1]
    codes = [c.__init__.__code__.co_code for c in (state.DataLinear, state.MyLinear)]
    assert codes[0] == codes[1]
    read = "data" in state.DataLinear.forward.__code__.co_names
    assert read
    assert "data" not in state.MyLinear.forward.__code__.co_names


def test_names_state_dict_and_optimiser_read_the_registry() -> None:
    """Once registered, a parameter is found by `named_parameters()`, by `state_dict()` and, through
    `parameters()`, by the optimiser, which holds the very same objects.

    参数注册之后，`named_parameters()`、`state_dict()` 都找得到它；优化器通过 `parameters()` 拿到的，也正是这些对象。
    """
    linear = after("custom_layers.my-linear").linear
    assert [name for name, _ in linear.named_parameters()] == ["weight", "bias"]
    assert list(linear.state_dict()) == ["weight", "bias"]
    for kind in over(optimizers(), OPTIMISERS):
        held = kind(linear.parameters()).param_groups[0]["params"]
        assert all(a is b for a, b in zip(held, [linear.weight, linear.bias], strict=True))


def test_my_linear_starts_at_the_scale_of_its_inputs() -> None:
    """`MyLinear` draws its weights with the standard deviation √(2/n), where n is the number of
    inputs, and its biases are 0.

    `MyLinear` 的权重随机抽取，标准差是 √(2/n)，n 是输入个数；偏置是 0。
    """
    MyLinear = after("custom_layers.my-linear").MyLinear
    torch.manual_seed(0)
    for n in over((2, 8, 32, 128, 512), INPUTS):
        layer = MyLinear(n, 20_000 // n)
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / n), rel=0.05)
        assert layer.weight.mean().item() == pytest.approx(0, abs=0.05)
        assert not layer.bias.any()


def test_a_custom_layer_works_alone_and_in_sequential() -> None:
    """A custom layer works alone and inside `nn.Sequential`, where its parameters are named by
    position, as those of built-in layers are.

    自定义层可以单独用，也可以放进 `nn.Sequential`；在里面，参数名以序号开头，和内置层一样。
    """
    state = after("custom_layers.in-sequential")
    built_in = nn.Sequential(nn.Linear(64, 8), nn.Linear(8, 1))
    names = [name for name, _ in state.net.named_parameters()]
    assert names == [name for name, _ in built_in.named_parameters()]
    assert names == ["0.weight", "0.bias", "1.weight", "1.bias"]
    told = shown("custom_layers.in-sequential").output.splitlines()
    assert told == ["alone: (2, 3)", "in a net: (2, 1)", str(names)]
    for before in over([(), (1,), (2,), (3, 2), (0,)], "shapes of a batch | 种批的形状"):
        assert state.linear(torch.rand(*before, 5)).shape == (*before, 3)
        assert state.net(torch.rand(*before, 64)).shape == (*before, 1)


def test_copying_a_weight_may_need_a_transpose() -> None:
    """`nn.Linear` stores its weight as `(out, in)`: a weight stored as `(in, out)` has to be transposed
    before it goes there. Without that, `load_state_dict` refuses it where `in` and `out` differ:
    `size mismatch for weight`.

    `nn.Linear` 的权重按 `(out, in)` 存放；按 `(in, out)` 存放的权重要转置才能放进去。不转置，`in` 和 `out` 又不相等，`load_state_dict` 会报 `size mismatch for weight`。
    """
    result = shown("custom_layers.against-linear")
    assert result.output.splitlines() == [
        "MyLinear:  (5, 3)",
        "nn.Linear: (3, 5)",
        "same result: True",
    ]
    assert result.error is not None
    assert "size mismatch for weight: copying a param with shape torch.Size([5, 3])" in result.error
    state = after("custom_layers.against-linear")
    assert torch.equal(state.builtin.weight, state.linear.weight.T)
    for n, m in over([(5, 3), (2, 7), (1, 4), (6, 1), (30, 20)], "sizes of the layer | 种层的大小"):
        mine, builtin = state.MyLinear(n, m), nn.Linear(n, m)
        assert mine.weight.shape == (n, m)
        assert builtin.weight.shape == (m, n)
        with pytest.raises(RuntimeError, match="size mismatch for weight"):
            builtin.load_state_dict(mine.state_dict())
        builtin.load_state_dict({"weight": mine.weight.T, "bias": mine.bias})
        X = torch.randn(4, n)
        assert torch.allclose(F.relu(builtin(X)), mine(X), atol=1e-5)


def test_a_square_weight_hides_a_missing_transpose() -> None:
    """Where a layer has as many outputs as inputs, two or more, a random weight that is copied
    without the transpose it needs raises nothing and gives other outputs.

    输入和输出个数相同（至少是 2）时，复制随机权重忘了转置也不报错，只是输出不对。
    """
    MyLinear = after("custom_layers.against-linear").MyLinear
    torch.manual_seed(0)
    for n in over((2, 3, 4, 8, 16, 64), INPUTS):
        mine, builtin, X = MyLinear(n, n), nn.Linear(n, n), torch.randn(64, n)
        with torch.no_grad():
            builtin.load_state_dict(mine.state_dict())
            assert not torch.allclose(F.relu(builtin(X)), mine(X), atol=1e-3)
            builtin.weight.copy_(mine.weight.T)
            assert torch.allclose(F.relu(builtin(X)), mine(X), atol=1e-5)


def test_nn_linear_applies_no_activation() -> None:
    """`nn.Linear` applies no activation: a layer that ends with a ReLU gives `F.relu` of what
    `nn.Linear` gives with the same weight and bias.

    `nn.Linear` 不带激活函数；权重和偏置相同时，末尾带 ReLU 的层，输出等于对 `nn.Linear` 的输出做 `F.relu`。
    """
    state = after("custom_layers.against-linear")
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        X = torch.randn(64, 5)
        assert torch.allclose(state.linear(X), F.relu(state.builtin(X)), atol=1e-6)
        assert (state.builtin(X) < 0).any()
        assert (state.linear(X) >= 0).all()


def test_a_last_relu_often_leaves_only_zeros() -> None:
    """If the two-layer network of the example, with weights scaled by √(2/n), ends with a ReLU on a single
    unit, its output for two random rows is all zeros for about two in five of the random initialisations:
    those in which both numbers before that ReLU are 0 or less.

    例子里的两层网络，权重按 √(2/n) 缩放，末尾是单个单元加 ReLU：随机初始化的网络约有五分之二对两行随机输入只输出 0，也就是 ReLU 之前的两个数都不大于 0 的那些。
    """
    told = shown("custom_layers.final-relu").output
    found = re.search(r"^MyLinear: (\d+) of 300$", told, re.MULTILINE)
    assert found is not None
    assert 0.31 < int(found[1]) / 300 < 0.49
    MyLinear = after("custom_layers.final-relu").MyLinear
    torch.manual_seed(0)
    nets = (nn.Sequential(MyLinear(64, 8), MyLinear(8, 1)) for _ in range(300))
    assert int(found[1]) == sum(not net(torch.rand(2, 64)).any() for net in nets)
    zeros = 0
    with torch.no_grad():
        for seed in over(seeds(1000), NETWORKS):
            torch.manual_seed(seed)
            hidden, last = MyLinear(64, 8), MyLinear(8, 1)
            H = hidden(torch.rand(2, 64))
            silent = not last(H).any()
            assert silent == bool((H @ last.weight <= 0).all())
            zeros += silent
    assert 0.35 < zeros / 1000 < 0.45


def test_two_rows_usually_agree_in_sign() -> None:
    """In the network of the example, about half of the numbers before the last ReLU, which has a single unit,
    are negative, and two rows of a batch usually have the same sign.

    例子里的网络，末尾只有一个单元，ReLU 之前的数约有一半是负数，同一批的两行又多半同号。
    """
    MyLinear = after("custom_layers.final-relu").MyLinear
    agree = negative = 0
    with torch.no_grad():
        for seed in over(seeds(100), NETWORKS):
            torch.manual_seed(seed)
            hidden, last = MyLinear(64, 8), MyLinear(8, 1)
            signs = (hidden(torch.rand(2, 64)) @ last.weight).sign()
            agree += bool(signs[0] == signs[1])
            negative += int((signs < 0).sum())
    assert agree > 60
    assert 0.38 < negative / 200 < 0.62


def test_the_scale_is_not_what_leaves_zeros() -> None:
    """With weights and biases from plain `torch.randn`, about two in five networks of the example return only
    zeros; with scaled weights, about as many do. Without the ReLU at the end, almost none do: with the
    scaled weights, only those whose hidden units are all 0 for both rows.

    例子里的网络，权重和偏置直接用 `torch.randn` 生成，大约五个里有两个输出全是 0，缩放过的也差不多。去掉末尾的 ReLU，这样的网络就几乎没有了：权重缩放过时，只剩隐藏单元对两行全是 0 的那些。
    """
    told = shown("custom_layers.final-relu").output
    found = re.fullmatch(
        r"MyLinear: (\d+) of 300\ntorch.randn: (\d+) of 300\nno ReLU: (\d+) of 300\n", told
    )
    assert found is not None
    scaled, plain = int(found[1]), int(found[2])
    for count in (scaled, plain):
        assert 0.31 < count / 300 < 0.49
    assert int(found[3]) <= 5
    state = after("custom_layers.final-relu")
    assert state.only_zeros(randn=True, last_relu=False) <= 5
    torch.manual_seed(0)
    silent = []
    with torch.no_grad():
        for _ in over(seeds(1000), NETWORKS):
            hidden, last = state.MyLinear(64, 8), state.MyLinear(8, 1)
            H = hidden(torch.rand(2, 64))
            silent.append(not (H @ last.weight).any())
            assert silent[-1] == (not H.any())
    assert 0 < sum(silent) < 20


def test_only_zeros_give_no_gradient() -> None:
    """Where a last ReLU gives only zeros, every parameter gets the gradient 0 from a loss computed from the
    output, whatever the target: that batch teaches the network nothing. With `F.softplus` in the place of that ReLU,
    every output is above 0, and the last layer gets a gradient that is not 0.

    末尾的 ReLU 若只输出 0，损失由输出算出，那么不论目标是什么，传给所有参数的梯度都是 0：网络从这批数据里什么也学不到。把这个 ReLU 换成 `F.softplus`，每个输出都大于 0，最后一层得到的梯度也不是 0。
    """
    MyLinear = after("custom_layers.final-relu").MyLinear
    silent = []
    for seed in range(40):
        torch.manual_seed(seed)
        net, X = nn.Sequential(MyLinear(64, 8), MyLinear(8, 1)), torch.rand(2, 64)
        if not net(X).any():
            silent.append((seed, net, X))
    families = "networks that return only zeros | 个只输出 0 的网络"
    for _, net, X in over(silent, families):
        for target in (1.0, -1.0, 100.0):
            for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss):
                loss(net(X), torch.full((2, 1), target)).backward()
        assert not any(p.grad.any() for p in net.parameters())
        for target in (1.0, -1.0, 100.0):
            for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss):
                net.zero_grad()
                Y = F.softplus(net[0](X) @ net[1].weight + net[1].bias)
                assert (Y > 0).all()
                loss(Y, torch.full((2, 1), target)).backward()
                assert net[1].bias.grad.any()


def test_a_sum_grows_with_the_root_of_n() -> None:
    """A sum of n independent random terms with mean 0 and the same spread grows with √n: a sum over n
    ones, weighted by plain `torch.randn`, has the standard deviation √n.

    n 个独立、均值为 0、离散程度相同的随机项之和，大小随 √n 增长：用 `torch.randn` 当权重对 n 个 1 求和，标准差就是 √n。
    """
    torch.manual_seed(0)
    for n in over((2, 10, 50, 200, 1000), INPUTS):
        sums = torch.ones(n) @ torch.randn(n, 1000)
        assert sums.std().item() == pytest.approx(math.sqrt(n), rel=0.1)


def test_two_makes_up_for_relu() -> None:
    """ReLU halves the mean square of a sum with weights from `torch.randn`, which is distributed
    symmetrically about 0; the 2 in their standard deviation √(2/n) makes up for it.

    权重取自 `torch.randn` 时，加权和的分布关于 0 对称，ReLU 让均方值减半；权重的标准差取 √(2/n)，里面的 2 正好补回来。
    """
    MyLinear = after("custom_layers.my-linear").MyLinear
    torch.manual_seed(0)
    for n in over((32, 64, 128, 256), INPUTS):
        layer, X = MyLinear(n, 1000), torch.rand(16, n)
        with torch.no_grad():
            before = X.square().mean().item()
            sums = X @ layer.weight
            assert sums.square().mean().item() == pytest.approx(2 * before, rel=0.2)
            halved = F.relu(sums).square().mean().item()
            assert halved == pytest.approx(sums.square().mean().item() / 2, rel=0.2)
            assert layer(X).square().mean().item() == pytest.approx(before, rel=0.2)


def test_factors_multiply_from_layer_to_layer() -> None:
    """A positive factor passes through ReLU unchanged: multiply the weights of ten ReLU layers
    without bias by 8, and the output grows by exactly 8 to the power of 10.

    正的倍数原样穿过 ReLU：十个没有偏置的 ReLU 层，权重都乘 8，输出正好变成 8 的 10 次方倍。
    """
    state = after("custom_layers.initial-scale")
    assert state.unscaled.any()
    assert state.factor == 8**10
    assert torch.equal(state.unscaled, state.scaled * 8**10)
    assert shown("custom_layers.initial-scale").output.splitlines() == [
        f"{state.scaled.mean():.1f} -> {state.unscaled.mean():.1e}",
        f"factor: {8**10}",
        "in each: True",
        "same zeros: True",
    ]
    assert 0.01 < state.scaled.mean() < 10
    with torch.no_grad():
        grown = [state.deep[:depth](state.X) for depth in range(1, 11)]
        for layer in state.layers:
            layer.weight.div_(8)
        for depth in over(range(1, 11), "depths | 种深度"):
            assert torch.equal(grown[depth - 1], state.deep[:depth](state.X) * 8**depth)


def test_the_scale_moves_no_zero() -> None:
    """Multiplying all weights by a power of 2 makes the outputs of ten ReLU layers without bias larger
    or smaller; which of them are 0 does not change, as long as the numbers stay in the range of
    `float32`.

    把权重都乘上 2 的幂，没有偏置的十个 ReLU 层，输出随之变大或变小；只要数值不超出 `float32` 的范围，哪些是 0 就不变。
    """
    state = after("custom_layers.initial-scale")
    assert (state.scaled == 0).any()
    assert torch.equal(state.unscaled == 0, state.scaled == 0)
    for factor in over((1 / 64, 1 / 8, 1 / 2, 2, 4, 16), "powers of 2 | 个 2 的幂"):
        with torch.no_grad():
            for layer in state.layers:
                layer.weight.mul_(factor)
            assert torch.equal(state.deep(state.X) == 0, state.scaled == 0)
            for layer in state.layers:
                layer.weight.div_(factor)


def test_too_wide_weights_end_in_nan() -> None:
    """Sixty ReLU layers of 128 units with plain `torch.randn` weights raise no error: first `inf` appears,
    and in the end the output is all `nan`; with the standard deviation √(2/n) the output is finite.

    六十个 128 单元的 ReLU 层，权重直接用 `torch.randn`，不报任何错：先出现 `inf`，最后的输出全是 `nan`；标准差取 √(2/n)，输出就都是有限的数。
    """
    MyLinear = after("custom_layers.initial-scale").MyLinear
    assert (torch.tensor(math.inf) - torch.tensor(math.inf)).isnan()
    for seed in over(seeds(4), SEEDS):
        torch.manual_seed(seed)
        net = nn.Sequential(*[MyLinear(128, 128) for _ in range(60)])
        X = torch.rand(8, 128)
        with torch.no_grad():
            assert net(X).isfinite().all()
            for layer in net:
                layer.weight.mul_(8)
            outputs = [X]
            for layer in net:
                outputs.append(layer(outputs[-1]))
            first = next(Y for Y in outputs if not Y.isfinite().all())
            assert first.isinf().any()
            assert not first.isnan().any()
            assert outputs[-1].isnan().all()


def test_an_optimiser_wants_leaves() -> None:
    """A leaf is a tensor without a `grad_fn`: a new `nn.Parameter`, a tensor computed under `torch.no_grad()`,
    or what `detach_()` has cut off. An optimiser refuses any other, such as one that a recorded operation has made
    or changed in place, unless it retains its gradient: `ValueError: can't optimize a non-leaf Tensor`.

    叶子张量就是没有 `grad_fn` 的张量：新建的 `nn.Parameter`、在 `torch.no_grad()` 下算出来的、用 `detach_()` 切断过的都是。其他张量优化器不接受（用 `retain_grad()` 留住了梯度的除外），例如由 autograd 记录过的运算产生的，或者被这样的运算原地改过的，报 `ValueError: can't optimize a non-leaf Tensor`。
    """
    result = shown("custom_layers.scale-outside")
    assert result.error == "ValueError: can't optimize a non-leaf Tensor"
    assert result.output == "parameters: []\n"
    state = after("custom_layers.scale-outside")
    assert not state.module.weight.is_leaf
    assert state.linear.weight.is_leaf
    weight = state.linear.weight
    with torch.no_grad():
        computed = weight * 0.1
    collected = nn.Parameter(torch.zeros_like(weight), requires_grad=False)
    assert collected.is_leaf
    collected += weight
    leaves = (weight, computed, (weight * 0.1).detach_(), (weight * 0.1).detach())
    others = (state.module.weight, collected, weight * 0.1, weight[0])
    assert all(one.is_leaf and one.grad_fn is None for one in leaves)
    assert not any(one.is_leaf or one.grad_fn is None for one in others)
    kept = weight * 0.1
    kept.retain_grad()
    assert not kept.is_leaf
    for kind in over(optimizers(), OPTIMISERS):
        for one in others:
            with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
                kind([one])
        for one in (*leaves, kept):
            kind([one])


def test_an_optimiser_wants_an_iterable() -> None:
    """An optimiser takes an iterable of parameters: a single one raises `TypeError: params argument
    given to the optimizer should be an iterable of Tensors or dicts`, and in a list it is accepted.

    优化器要的是由参数组成的可迭代对象：只给一个参数会报 `TypeError: params argument given to the optimizer should be an iterable of Tensors or dicts`，放进列表就行。
    """
    text = "params argument given to the optimizer should be an iterable of Tensors or dicts"
    error = shown("custom_layers.optimiser-wants-a-list").error
    assert error is not None
    assert error.startswith(f"TypeError: {text}")
    linear = after("custom_layers.optimiser-wants-a-list").linear
    for kind in over(optimizers(), OPTIMISERS):
        with pytest.raises(TypeError, match=text):
            kind(linear.weight)
        assert kind([linear.weight]).param_groups[0]["params"][0] is linear.weight
        assert len(kind(linear.parameters()).param_groups[0]["params"]) == 2


def test_a_parameter_is_not_an_integer() -> None:
    """Making an `nn.Parameter` of integers raises
    `RuntimeError: Only Tensors of floating point and complex dtype can require gradients`, and
    `requires_grad_()` on them `only Tensors of floating point dtype can require gradients`; after `float()` both
    work, and a buffer may hold the integers as they are.

    用整数创建 `nn.Parameter`，会报 `RuntimeError: Only Tensors of floating point and complex dtype can require gradients`；
    对整数调用 `requires_grad_()`，报的是 `only Tensors of floating point dtype can require gradients`。
    先用 `float()` 转换就行，缓冲区则可以直接存整数。
    """
    text = "Only Tensors of floating point and complex dtype can require gradients"
    other = "only Tensors of floating point dtype can require gradients"
    errors = [error.text for error in shown("custom_layers.integer-parameter").errors]
    assert errors == [f"RuntimeError: {text}", f"RuntimeError: {other}"]
    for dtype in over(integer_dtypes(), "dtypes of integers | 种整数 dtype"):
        whole = torch.tensor([1, 2, 3]).to(dtype)
        with pytest.raises(RuntimeError, match=text):
            nn.Parameter(whole)
        with pytest.raises(RuntimeError, match=other):
            whole.requires_grad_()
        assert nn.Parameter(whole.float()).requires_grad
        assert whole.float().requires_grad_().requires_grad
        module = nn.Module()
        module.register_buffer("counts", whole)
        assert module.state_dict()["counts"].dtype == dtype


def test_initialisers_read_the_fan_in_from_dimension_one() -> None:
    """By default the Kaiming functions of `nn.init` read the fan-in from dimension 1 of a matrix, as
    if it were `(out, in)`: for a weight `(512, 32)` that means 32.

    `nn.init` 里的 Kaiming 系列函数默认把矩阵当作 `(out, in)`，从 `dim=1` 读取扇入；权重是 `(512, 32)`，读到的就是 32。
    """
    told = shown("custom_layers.fan-in-of-a-transpose").output.split()
    assert told[::2] == ["wanted:", "default:", "fan_out:"]
    wanted, default, right = map(float, told[1::2])
    assert wanted == pytest.approx(math.sqrt(2 / 512), abs=0.001)
    assert right == pytest.approx(wanted, rel=0.05)
    assert default == pytest.approx(math.sqrt(2 / 32), rel=0.05)
    torch.manual_seed(0)
    for shape in over([(512, 32), (32, 512), (64, 256), (100, 100), (4096, 4)], SHAPES):
        for initialise in (nn.init.kaiming_normal_, nn.init.kaiming_uniform_):
            std = initialise(torch.empty(shape)).std().item()
            assert std == pytest.approx(math.sqrt(2 / shape[1]), rel=0.05)


def test_fan_out_reads_the_other_dimension() -> None:
    """`mode="fan_out"` makes the Kaiming initialisers read dimension 0 of a matrix: the right one
    for a weight stored as `(in, out)`.

    设了 `mode="fan_out"`，Kaiming 系列函数就读矩阵的 `dim=0`；权重按 `(in, out)` 存放时，正该这样。
    """
    state = after("custom_layers.fan-in-of-a-transpose")
    assert state.weight.shape == (512, 32)
    assert state.weight.std().item() == pytest.approx(math.sqrt(2 / 512), rel=0.05)
    torch.manual_seed(0)
    for shape in over([(512, 32), (32, 512), (64, 256), (100, 100), (4, 4096)], SHAPES):
        for initialise in (nn.init.kaiming_normal_, nn.init.kaiming_uniform_):
            std = initialise(torch.empty(shape), mode="fan_out").std().item()
            assert std == pytest.approx(math.sqrt(2 / shape[0]), rel=0.05)


def test_a_plain_tensor_gets_a_gradient() -> None:
    """A plain tensor created with `requires_grad=True` gets a gradient, registered or not; one that was
    scaled after it was created keeps none.

    创建时写了 `requires_grad=True` 的普通张量，不管有没有注册，都会得到梯度；之后又缩放过的，则不保留梯度。
    """
    state = after("custom_layers.plain-tensor")
    assert type(state.plain.weight) is torch.Tensor
    assert state.plain.weight.requires_grad
    assert state.plain.weight.grad.shape == (5, 3)
    for dtype in over(float_dtypes(), "dtypes | 种 dtype"):
        layer = state.PlainLinear(5, 3)
        layer.weight = torch.ones(5, 3, dtype=dtype, requires_grad=True)
        layer(torch.ones(2, 5, dtype=dtype)).sum().backward()
        assert (layer.weight.grad == 2).all()
        layer.weight = 0.5 * torch.ones(5, 3, dtype=dtype, requires_grad=True)
        layer(torch.ones(2, 5, dtype=dtype)).sum().backward()
        with pytest.warns(UserWarning, match="of a Tensor that is not a leaf"):
            assert layer.weight.grad is None


def test_a_plain_tensor_is_not_registered() -> None:
    """A plain tensor is not registered when it is assigned to an attribute of a module, not even
    with `requires_grad=True`: neither `parameters()` nor `state_dict()` has it.

    普通张量赋给模块的属性不会注册，设了 `requires_grad=True` 也一样：`parameters()` 和 `state_dict()` 里都没有它。
    """
    plain = after("custom_layers.plain-tensor").plain
    assert list(plain.parameters()) == []
    assert plain.state_dict() == {}
    for dtype in over(all_dtypes(), "dtypes | 种 dtype"):
        module: Any = nn.Module()
        module.weight = torch.ones(2).to(dtype)
        if dtype.is_floating_point or dtype.is_complex:
            module.weight.requires_grad_()
        assert list(module.parameters()) == []
        assert module.state_dict() == {}


def test_an_optimiser_refuses_the_plain_layer() -> None:
    """SGD over the parameters of the plain layer raises a ValueError."""
    result = shown("custom_layers.plain-tensor")
    assert result.error == "ValueError: optimizer got an empty parameter list"
    told = ["gradient: True", "parameters: []", "state_dict keys: []"]
    assert result.output.splitlines() == told


def test_the_plain_layer_computes_what_a_layer_does() -> None:
    """Its output is that of a linear layer without bias, with ReLU behind it."""
    plain = after("custom_layers.plain-tensor").plain
    X = torch.randn(9, 5)
    assert torch.equal(plain(X), F.relu(X @ plain.weight))


def test_a_plain_tensor_is_silently_left_out() -> None:
    """Beside layers that have parameters, a weight that is a plain tensor raises no error: it gets a
    gradient, and the optimiser, which was built from `net.parameters()`, leaves it as it is.

    旁边有带参数的层时，权重写成普通张量不会报错：它有梯度，由 `net.parameters()` 创建的优化器却不会更新它。
    """
    PlainLinear = after("custom_layers.plain-tensor").PlainLinear
    torch.manual_seed(0)
    net = nn.Sequential(PlainLinear(5, 3), nn.Linear(3, 1))
    assert [name for name, _ in net.named_parameters()] == ["1.weight", "1.bias"]
    before = net[0].weight.detach().clone()
    for kind in over(optimizers(), OPTIMISERS):
        optimizer = kind(net.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            net(torch.rand(2, 5)).sum().backward()
            optimizer.step()
        assert net[0].weight.grad.any()
        assert torch.equal(net[0].weight, before)


def test_arithmetic_on_a_parameter_gives_a_tensor() -> None:
    """A tensor that arithmetic makes from an `nn.Parameter` is a plain one:
    `self.weight = nn.Parameter(torch.randn(5, 3)) * 0.1` registers nothing.

    由 `nn.Parameter` 算出来的张量是普通张量：`self.weight = nn.Parameter(torch.randn(5, 3)) * 0.1` 什么也没有注册。
    """
    module = after("custom_layers.scale-outside").module
    assert type(module.weight) is torch.Tensor
    assert module.weight.shape == (5, 3)
    assert 0.03 < module.weight.std() < 0.3  # as scaled by 0.1
    operations = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
    operations += [operator.floordiv, operator.mod]
    for operation in over(operations, "operations | 种运算"):
        layer = nn.Module()
        layer.weight = operation(nn.Parameter(torch.randn(5, 3)), 2)
        assert type(layer.weight) is torch.Tensor
        assert list(layer.parameters()) == []
        layer.weight = nn.Parameter(operation(torch.randn(5, 3), 2))
        assert list(layer.parameters()) == [layer.weight]


def test_parameters_in_a_list_are_not_registered() -> None:
    """A module does not look into a list, a tuple or a dict: the `nn.Parameter`s in it are in neither `parameters()` nor `state_dict()`.

    模块不会翻看列表、元组和字典：放在里面的 `nn.Parameter`，`parameters()` 和 `state_dict()` 里都没有。
    """
    module = after("custom_layers.scale-outside").module
    assert [(type(p), p.shape) for p in module.listed] == [(nn.Parameter, (5, 3))]
    first, second = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    held = [[first, second], (first,), {"gain": first}, {first}, [[first], [second]]]
    held += [collections.deque([first]), collections.OrderedDict(gain=first)]
    for container in over(held, "containers | 个容器"):
        layer: Any = nn.Module()
        layer.held = container
        assert list(layer.parameters()) == []
        assert layer.state_dict() == {}
        layer.gain = first
        assert list(layer.state_dict()) == ["gain"]


def test_parameter_list_registers_its_items() -> None:
    """`nn.ParameterList` is a list that registers the parameters in it: the name of each is that of the list and its position.

    `nn.ParameterList` 是会注册其中参数的列表：参数的名字由列表的名字和位置组成。
    """
    for n in over(range(1, 7), "lengths | 种长度"):
        layer: Any = nn.Module()
        layer.weights = nn.ParameterList([nn.Parameter(torch.ones(i + 1)) for i in range(n)])
        names = [f"weights.{i}" for i in range(n)]
        assert [name for name, _ in layer.named_parameters()] == names
        assert list(layer.state_dict()) == names
        assert layer.weights[-1].shape == (n,)
        assert len(layer.weights) == n


def test_the_name_of_a_parameter_refuses_a_tensor() -> None:
    """A plain tensor assigned to the name of a parameter raises
    `TypeError: cannot assign 'torch.FloatTensor' as parameter`, and the parameter stays. The name of a buffer
    does accept a tensor.

    把普通张量赋给已经是参数的名字，会报 `TypeError: cannot assign 'torch.FloatTensor' as parameter`，参数还是原来的；缓冲区的名字则接受。
    """
    result = shown("custom_layers.tensor-over-parameter")
    assert result.error == (
        "TypeError: cannot assign 'torch.FloatTensor' as parameter 'weight' "
        "(torch.nn.Parameter or None expected)"
    )
    state = after("custom_layers.tensor-over-parameter")
    assert state.linear.weight is state.weight
    own = [m for m in layers() if list(m.make().parameters(recurse=False))]
    for member in over(own, "layer classes with parameters of their own | 种自己带参数的层"):
        module = member.make()
        for name, p in list(module.named_parameters(recurse=False)):
            with pytest.raises(TypeError, match=r"cannot assign 'torch\.FloatTensor' as parameter"):
                setattr(module, name, p.detach().clone())
            assert getattr(module, name) is p
    gone: Any = nn.Linear(2, 2)
    del gone.weight
    gone.weight = torch.ones(2, 2)  # what the error prevents
    assert [name for name, _ in gone.named_parameters()] == ["bias"]
    norm = nn.BatchNorm1d(2)
    norm.running_mean = torch.ones(2)
    assert norm.state_dict()["running_mean"].tolist() == [1, 1]


def test_writing_in_place_keeps_the_parameter() -> None:
    """In-place writing keeps the parameter: registered, the same object, requiring a gradient."""
    assert shown("custom_layers.tensor-over-parameter").output == "same object: True\n"
    state = after("custom_layers.tensor-over-parameter")
    assert state.linear.weight is state.weight
    assert (state.linear.weight == 0.5).all()
    assert state.linear.weight.requires_grad
    assert dict(state.linear.named_parameters())["weight"] is state.weight


def test_an_optimiser_keeps_a_replaced_parameter() -> None:
    """A new `nn.Parameter` may take the name of an old one, but an optimiser built before still holds
    the old one, and does not change the new one, if that has memory of its own.

    可以给旧名字换上新的 `nn.Parameter`，此前创建的优化器却还握着旧的那个；新的若有自己的内存，就不会更新。
    """
    MyLinear = after("custom_layers.my-linear").MyLinear
    for kind in over(optimizers(), OPTIMISERS):
        linear = MyLinear(5, 3)
        old = linear.weight
        optimizer = kind(linear.parameters())
        linear.weight = nn.Parameter(torch.ones(5, 3))
        held = optimizer.param_groups[0]["params"]
        assert any(p is old for p in held)
        linear(torch.ones(2, 5)).sum().backward()
        old.grad, before = torch.ones_like(old), old.detach().clone()
        optimizer.step()
        assert linear.weight.grad.any()
        assert (linear.weight == 1).all()
        assert not torch.equal(old, before)
        assert dict(linear.named_parameters())["weight"] is linear.weight


def test_data_is_the_same_memory_outside_the_graph() -> None:
    """`.data` of a parameter is a plain tensor on the same memory, outside the computation graph: it
    requires no gradient.

    参数的 `.data` 是普通张量，用的是同一块内存，但不在计算图里，不需要梯度。
    """
    with_parameters = [m for m in layers() if list(m.make().parameters())]
    for member in over(with_parameters, WITH_PARAMETERS):
        for p in member.make().parameters():
            assert p.data.data_ptr() == p.data_ptr()
            assert not p.data.requires_grad
            assert p.data.grad_fn is None
            assert type(p.data) is torch.Tensor


def test_data_leaves_names_and_numbers_alone() -> None:
    """A `forward` that reads `.data` changes neither the names nor the shapes of the parameters, nor
    any number that the layer computes.

    `forward` 里用 `.data`，参数的名字和形状不变，层算出来的数也一个不变。
    """
    state = after("custom_layers.data-blocks-gradient")
    shapes = {name: tuple(p.shape) for name, p in state.deaf.named_parameters()}
    assert shapes == {"weight": (5, 3), "bias": (3,)}
    assert shapes == {name: tuple(p.shape) for name, p in state.right.named_parameters()}
    assert all(p.requires_grad for p in state.deaf.parameters())
    assert torch.equal(state.out, state.right(state.X))
    told = shown("custom_layers.data-blocks-gradient").output
    assert told == "parameters: ['weight', 'bias']\nsame numbers: True\n"
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        deaf, right = state.DataLinear(5, 3), state.MyLinear(5, 3)
        nn.init.normal_(deaf.bias)
        right.load_state_dict(deaf.state_dict())
        X = torch.randn(4, 5)
        assert torch.equal(deaf(X), right(X))


def test_data_blocks_the_gradient() -> None:
    """The output of a layer that reads all its parameters through `.data` has no `grad_fn` if its
    input requires no gradient; `backward()` then raises `element 0 of tensors does not require grad
    and does not have a grad_fn`.

    一层的参数全都通过 `.data` 来读，只要输入不需要梯度，输出就没有 `grad_fn`，`backward()` 会报 `element 0 of tensors does not require grad and does not have a grad_fn`。
    """
    text = "element 0 of tensors does not require grad and does not have a grad_fn"
    assert shown("custom_layers.data-blocks-gradient").error == f"RuntimeError: {text}"
    state = after("custom_layers.data-blocks-gradient")
    assert not state.X.requires_grad
    assert state.out.grad_fn is None
    for shape in over([(5,), (1, 5), (2, 5), (3, 2, 5), (64, 5)], SHAPES):
        X = torch.randn(shape)
        assert state.deaf(X).grad_fn is None
        assert state.right(X).grad_fn is not None
        with pytest.raises(RuntimeError, match=text):
            state.deaf(X).sum().backward()
        assert state.deaf(X.requires_grad_()).grad_fn is not None


def test_data_is_silent_in_a_net() -> None:
    """In a network with layers that learn, a layer that reads `.data` raises no error and gives no
    warning: its parameters get no gradient, and after 200 steps none of its numbers has changed.

    网络里有能学习的层，用了 `.data` 的层就不会报错，也没有警告：它的参数得不到梯度，训练 200 步，一个数也没有变。
    """
    result = shown("custom_layers.problem")
    assert result.state == "ran"
    assert result.output.splitlines()[1:] == [
        "0.weight changed: False",
        "0.bias changed: False",
        "1.weight changed: True",
        "1.bias changed: True",
    ]
    state = after("custom_layers.data-in-a-net")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in over(seeds(3), SEEDS):
            torch.manual_seed(seed)
            net = nn.Sequential(state.DataLinear(8, 16), nn.Linear(16, 1))
            start = copy.deepcopy(net.state_dict())
            state.train(net)
            assert torch.equal(net[0].weight, start["0.weight"])
            assert torch.equal(net[0].bias, start["0.bias"])
            assert not torch.equal(net[1].weight, start["1.weight"])
            assert net[0].weight.grad is None


def test_the_gradient_passes_through_a_deaf_layer() -> None:
    """`.data` in one layer cuts off only its own parameters: all the other layers get the gradients
    that they would get without it.

    一层里的 `.data` 只切断它自己的参数，其他各层的梯度和不用 `.data` 时完全相同。
    """
    told = shown("custom_layers.data-in-a-net").output
    assert told == "no gradient: ['1.weight', '1.bias']\n"
    state = after("custom_layers.data-in-a-net")
    others = ("0.weight", "0.bias", "2.weight", "2.bias")
    for seed in over(seeds(10), SEEDS):
        torch.manual_seed(seed)
        X, grads = torch.rand(4, 64), []
        right = nn.Sequential(nn.Linear(64, 32), state.MyLinear(32, 8), nn.Linear(8, 1))
        deaf = nn.Sequential(nn.Linear(64, 32), state.DataLinear(32, 8), nn.Linear(8, 1))
        deaf.load_state_dict(right.state_dict())
        for net in (right, deaf):
            net(X).sum().backward()
            grads.append({name: p.grad for name, p in net.named_parameters()})
        assert [name for name in grads[1] if grads[1][name] is None] == ["1.weight", "1.bias"]
        assert grads[0]["1.weight"].any()
        assert grads[0]["0.weight"].any()
        assert all(torch.equal(grads[0][name], grads[1][name]) for name in others)


def test_an_optimiser_skips_a_missing_gradient() -> None:
    """An optimiser of `torch.optim` other than `LBFGS` skips a parameter whose gradient is `None`: it does not
    write to it, and not even weight decay moves it. With a gradient of 0, the weight decay of SGD or AdamW does.
    `LBFGS` writes to it.

    梯度为 `None` 的参数，`torch.optim` 的优化器（`LBFGS` 除外）会跳过，不写入，连权重衰减也不做；梯度为 0 的参数，SGD 和
    AdamW 的权重衰减照样改动它。`LBFGS` 则会写入。
    """
    all_kinds = [*optimizers(), torch.optim.SparseAdam, torch.optim.Muon, torch.optim.LBFGS]
    for kind in over(all_kinds, OPTIMISERS):
        missing, there = (nn.Parameter(torch.ones(2, 2)) for _ in range(2))
        there.grad = torch.ones(2, 2)
        if kind is torch.optim.SparseAdam:
            there.grad = there.grad.to_sparse()
        closure = [lambda p=there: p.sum()] if kind is torch.optim.LBFGS else []
        version = missing._version
        kind([missing, there]).step(*closure)
        assert (missing._version == version) == (kind is not torch.optim.LBFGS)
        assert (missing == 1).all()
        assert (there != 1).all()
    for kind in (torch.optim.SGD, torch.optim.AdamW):
        missing, zero = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
        zero.grad = torch.zeros(2)
        kind([missing, zero], lr=0.1, weight_decay=0.5).step()
        assert (missing == 1).all()
        assert (zero < 1).all()


def test_the_last_layer_brings_the_loss_down() -> None:
    """Where the first of two layers reads `.data`, its parameters get no gradient and stay as they were, the
    last layer changes, and the loss falls in 50 steps of training.

    两层里的第一层用了 `.data`，它的参数得不到梯度，始终不变；最后一层在变，训练 50 步，损失会下降。
    """
    state = after("custom_layers.loss-curves")
    for seed in over(seeds(3), SEEDS):
        torch.manual_seed(seed)
        net = nn.Sequential(state.DataLinear(8, 16), nn.Linear(16, 1))
        start = copy.deepcopy(net.state_dict())
        losses = state.train(net, 50)
        assert losses[-1] < losses[0] / 2
        changed = [name for name, p in net.named_parameters() if not p.equal(start[name])]
        assert changed == ["1.weight", "1.bias"]
        assert net[0].weight.grad is None
        assert net[0].bias.grad is None


def test_a_deaf_layer_does_not_stop_the_loss() -> None:
    """The loss of this network, in which the first layer reads `.data`, falls to less than a fifth of
    where it began.

    这个网络的第一层用了 `.data`，损失照样降到起点的五分之一以下。
    """
    state = after("custom_layers.loss-curves")
    wrong = state.curves["DataLinear"]
    assert wrong[-1] < wrong[0] / 5
    assert wrong == state.losses
    told = shown("custom_layers.problem").output.splitlines()
    assert told[0] == f"loss: {wrong[0]:.3f} -> {wrong[-1]:.3f}"


def test_without_data_the_layer_learns() -> None:
    """Where the first layer computes with `self.weight` and not with `self.weight.data`, both layers
    of this network learn, and from the same start the loss ends more than ten times lower.

    第一层用 `self.weight` 计算，而不用 `self.weight.data`，这个网络的两层就都在学；起点相同，最后的损失不到用 `.data` 时的十分之一。
    """
    state = after("custom_layers.loss-curves")
    wrong, right = state.curves["DataLinear"], state.curves["MyLinear"]
    assert wrong[0] == right[0]
    assert right[-1] < wrong[-1] / 10
    torch.manual_seed(0)
    net = nn.Sequential(state.MyLinear(8, 16), nn.Linear(16, 1))
    start = copy.deepcopy(net.state_dict())
    state.train(net)
    assert not any(torch.equal(p, start[name]) for name, p in net.named_parameters())


def test_a_deaf_layer_is_a_frozen_layer() -> None:
    """A layer that reads `.data` trains exactly like a layer whose parameters are frozen: the losses
    are the same, step by step.

    用了 `.data` 的层和冻结了参数的层，训练起来完全一样：每一步的损失都相同。
    """
    state = after("custom_layers.loss-curves")
    for seed in over(seeds(3), SEEDS):
        losses = []
        for layer_class in (state.DataLinear, state.MyLinear):
            torch.manual_seed(seed)
            net = nn.Sequential(layer_class(8, 16), nn.Linear(16, 1))
            net[0].requires_grad_(layer_class is state.DataLinear)
            losses.append(state.train(net, 40))
        assert losses[0] == losses[1]


def test_the_figure_shows_both_losses() -> None:
    """The figure names both layers."""
    result = shown("custom_layers.loss-curves")
    (figure,) = result.figures
    assert figure.count("DataLinear") == figure.count("MyLinear") == 1
    curves = after("custom_layers.loss-curves").curves
    assert result.output.splitlines() == [
        f"{name}: {losses[0]:.3f} -> {losses[-1]:.3f}" for name, losses in curves.items()
    ]


def test_the_check_of_row_norm_rejects_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """The usual mistakes do not pass: wrong dimension, `std`, no or a misplaced eps, a cut gradient."""
    check = after("custom_layers.row-norm").check_row_norm
    one_mean = "return (X - X.mean()) / (X.var(correction=0) + 1e-5).sqrt()"
    columns = "return (X - X.mean(0)) / (X.var(0, correction=0) + 1e-5).sqrt()"
    two = "X = X - X.mean(1, keepdim=True); return X / (X.square().mean(1, keepdim=True) + 1e-5).sqrt()"
    start = "X = X - X.mean(-1, keepdim=True); "
    spread = "X.square().mean(-1, keepdim=True)"
    wrong = [one_mean, columns, two]
    one_pass = "m = X.mean(-1, keepdim=True); v = X.square().mean(-1, keepdim=True) - m.square(); "
    wrong += [one_pass + "return (X - m) / (v + 1e-5).sqrt()"]
    wrong += [start + "return X / (X.std(-1, keepdim=True) + 1e-5)"]
    wrong += [start + "return X / (X.var(-1, keepdim=True) + 1e-5).sqrt()"]
    wrong += [start + f"return X / {spread}.sqrt()"]
    wrong += [start + f"return X / ({spread}.sqrt() + 1e-5)"]
    wrong += [start + f"return X / ({spread} + 1e-5)"]
    wrong += [start + f"return (X / ({spread} + 1e-5).sqrt()).detach()"]
    wrong += [start + f"return X / ({spread}.detach() + 1e-5).sqrt()"]
    wrong += [f"X = X - X.mean(-1, keepdim=True).detach(); return X / ({spread} + 1e-5).sqrt()"]
    both = "m, v = X.mean(-1, keepdim=True), X.var(-1, keepdim=True, correction=0)"
    wrong += [f"with torch.no_grad(): {both}\n    return (X - m) / (v + 1e-5).sqrt()"]
    for body in wrong:
        with pytest.raises(ERRORS):
            check(layer_with(body))
            pytest.fail(f"passes: {body}")
    with pytest.raises(AssertionError, match=r"shape \(4, 8\), spread 0.001"):
        check(layer_with(start + f"return X / {spread}.sqrt()"))
    assert capsys.readouterr().out == ""
    check(layer_with(start + f"return X / ({spread} + 1e-5).sqrt()"))
    assert capsys.readouterr().out == "checked: equal to F.layer_norm\n"


def test_a_missing_gradient_gives_a_deaf_layer_away() -> None:
    """After the first `backward()`, the parameters whose `grad` is still `None` are those that no gradient
    has reached, perhaps because this batch did not use them; where every layer is used and computes with its
    parameters, as those of `torch.nn` do, there are none.

    第一次 `backward()` 之后 `grad` 仍是 `None` 的，就是梯度没有到达的参数（也可能只是这批数据没有用到它）；如果各层都用到了，又都直接用参数计算，像 `torch.nn` 的层那样，这样的参数就一个也没有。
    """
    state = after("custom_layers.loss-curves")
    missing = {}
    for layer_class in (state.MyLinear, state.DataLinear):
        net = nn.Sequential(layer_class(8, 16), nn.Linear(16, 1))
        net(torch.rand(4, 8)).sum().backward()
        missing[layer_class] = [name for name, p in net.named_parameters() if p.grad is None]
    assert missing == {state.MyLinear: [], state.DataLinear: ["0.weight", "0.bias"]}
    choices = nn.ModuleList([nn.Linear(8, 1), nn.Linear(8, 1)])
    choices[1](torch.rand(4, 8)).sum().backward()
    unused = [name for name, p in choices.named_parameters() if p.grad is None]
    assert unused == ["0.weight", "0.bias"]
    with_parameters = [m for m in layers() if list(m.make().parameters())]
    for member in over(with_parameters, WITH_PARAMETERS):
        module = member.make()
        output = member.call(module)
        while isinstance(output, tuple):  # recurrent layers and attention return more
            output = output[0]
        output.sum().backward()
        assert [name for name, p in module.named_parameters() if p.grad is None] == []


def test_the_check_does_not_see_a_plain_tensor() -> None:
    """A list of the parameters without a gradient does not name a weight that is a plain tensor: it
    can be empty although that weight never learns.

    没有梯度的参数列表里，不会有写成普通张量的权重：列表可以是空的，而那个权重永远得不到更新。
    """
    PlainLinear = after("custom_layers.plain-tensor").PlainLinear
    for kind in over(optimizers(), OPTIMISERS):
        net = nn.Sequential(PlainLinear(5, 3), nn.Linear(3, 1))
        before = net[0].weight.detach().clone()
        optimizer = kind(net.parameters())
        net(torch.rand(2, 5)).sum().backward()
        optimizer.step()
        assert [name for name, p in net.named_parameters() if p.grad is None] == []
        assert torch.equal(net[0].weight, before)


def test_a_penalty_gives_a_deaf_layer_a_gradient() -> None:
    """With an L2 penalty in the loss, the weight and bias of a layer that reads `.data` get the gradient of the
    penalty, so the list of parameters without a gradient is empty; without the penalty it names them.

    损失里有 L2 惩罚项时，用了 `.data` 的层，权重和偏置得到的是惩罚项的梯度，所以没有梯度的参数一个也列不出来；去掉惩罚项，就能列出来。
    """
    DataLinear = after("custom_layers.problem").DataLinear
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        net = nn.Sequential(DataLinear(8, 16), nn.Linear(16, 1))
        X = torch.randn(64, 8)
        missing = []
        for weight_of_the_penalty in (0.0, 1e-4):
            net.zero_grad()
            loss = F.mse_loss(net(X), X[:, :1].abs())
            if weight_of_the_penalty:
                loss = loss + weight_of_the_penalty * sum(
                    p.square().sum() for p in net.parameters()
                )
            loss.backward()
            missing.append([name for name, p in net.named_parameters() if p.grad is None])
        assert missing == [["0.weight", "0.bias"], []]
        assert torch.allclose(net[0].weight.grad, 2e-4 * net[0].weight)


def test_checkpointing_does_not_notice_a_write() -> None:
    """If a layer is called through `torch.utils.checkpoint`, and its weight is overwritten under `no_grad()`
    before the backward pass, nothing is raised, and the gradient of the input is that of the new weight.

    通过 `torch.utils.checkpoint` 调用一个层，反向传播之前在 `no_grad()` 下改写它的权重，不会报错，输入的梯度是按新权重算的。
    """
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        for reentrant in (False, True):
            layer, X = nn.Linear(3, 1), torch.randn(2, 3, requires_grad=True)
            right = layer.weight.detach().expand(2, 3).clone()
            Y = checkpoint(layer, X, use_reentrant=reentrant)
            with torch.no_grad():
                layer.weight.fill_(100)
            Y.sum().backward()
            assert X.grad is not None
            assert (X.grad == 100).all()
            assert not torch.allclose(X.grad, right)


def test_detach_and_no_grad_cut_the_gradient_too() -> None:
    """Inside `forward`, `detach()` or `item()` on a parameter cuts its gradient just as `.data` does;
    with the whole `forward` under `torch.no_grad()`, the layers before it get no gradient either.

    在 `forward` 里对参数用 `detach()` 或 `item()`，会像 `.data` 一样切断它的梯度；整个 `forward` 放在
    `torch.no_grad()` 里，前面各层也得不到梯度。
    """
    MyLinear = after("custom_layers.my-linear").MyLinear

    class Data(MyLinear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return F.relu(X @ self.weight.data + self.bias.data)

    class Detached(MyLinear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return F.relu(X @ self.weight.detach() + self.bias.detach())

    class Item(MyLinear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return X * self.weight[0, 0].item() + self.bias[0].item()

    class NoGrad(MyLinear):
        @torch.no_grad()
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return super().forward(X)

    X = torch.rand(2, 5)
    assert MyLinear(5, 3)(X).grad_fn is not None
    for layer_class in over((Data, Detached, Item, NoGrad), "layers | 个层"):
        assert layer_class(5, 3)(X).grad_fn is None
        net = nn.Sequential(nn.Linear(5, 5), layer_class(5, 5), nn.Linear(5, 1))
        net(X).sum().backward()
        missing = {name[0] for name, p in net.named_parameters() if p.grad is None}
        assert missing == ({"0", "1"} if layer_class is NoGrad else {"1"})


def test_clamping_after_a_step_keeps_a_weight_in_bounds() -> None:
    """`weight.clamp_(min=0)` under `torch.no_grad()` after each step of an optimiser leaves no weight
    below 0, and the optimiser goes on with the same parameter.

    优化器每走一步，就在 `torch.no_grad()` 下做一次 `weight.clamp_(min=0)`，权重便没有小于 0 的；参数还是原来的对象，优化器照常更新。
    """
    MyLinear = after("custom_layers.my-linear").MyLinear
    for kind in over(optimizers(), OPTIMISERS):
        torch.manual_seed(0)
        linear, X = MyLinear(5, 3), torch.rand(16, 5)
        weight, optimizer = linear.weight, kind(linear.parameters())
        seen = []
        for _ in range(10):
            optimizer.zero_grad()
            F.mse_loss(linear(X), 2 * X[:, :3]).backward()
            optimizer.step()
            with torch.no_grad():
                linear.weight.clamp_(min=0)
            assert (linear.weight >= 0).all()
            seen.append(linear.weight.detach().clone())
        assert linear.weight is weight
        assert (seen[0] == 0).any()
        assert not torch.equal(seen[0], seen[-1])


def test_keepdim_keeps_a_dimension_of_one() -> None:
    """With `keepdim=True` the mean over the last dimension keeps that dimension with length 1, so that it can
    be subtracted, whatever the number of dimensions; without it, the mean of a tensor of shape `(2, 3, 5)`
    cannot.

    `keepdim=True` 让最后一维在求均值之后保留为长度 1，所以不论有几维都能直接相减；不写它，形状为 `(2, 3, 5)` 时就减不了。
    """
    shapes = [(5,), (3, 5), (2, 3, 5), (1, 2, 3, 5), (2, 1, 2, 3, 4), (2, 2, 2, 2, 2, 2), (7, 1)]
    for shape in over(shapes, SHAPES):
        X = torch.rand(shape)
        assert X.mean(dim=-1, keepdim=True).shape == (*shape[:-1], 1)
        assert X.mean(dim=-1).shape == shape[:-1]
        centred = X - X.mean(dim=-1, keepdim=True)
        assert centred.shape == shape
        assert torch.allclose(centred.mean(dim=-1), torch.zeros(shape[:-1]), atol=1e-6)
    X = torch.rand(2, 3, 5)
    with pytest.raises(RuntimeError, match="must match"):
        X - X.mean(dim=-1)


def test_std_divides_by_one_less() -> None:
    """`X.std()` divides by d − 1, layer norm by d: rows of d numbers divided by `std` come out smaller
    than those of `F.layer_norm`, by the factor √((d − 1)/d), and fail the check.

    `X.std()` 除以 d − 1，层规范化除以 d：一行 d 个数，用 `std` 去除，结果是 `F.layer_norm` 的 √((d − 1)/d) 倍，通不过检验。
    """
    body = "X = X - X.mean(-1, keepdim=True); return X / (X.std(-1, keepdim=True) + 1e-5)"
    with pytest.raises(AssertionError):
        after("custom_layers.row-norm").check_row_norm(layer_with(body))
    for d in over((2, 3, 4, 8, 20), ROWS):
        X = torch.randn(5, d, dtype=torch.float64)
        by_std = (X - X.mean(dim=-1, keepdim=True)) / X.std(dim=-1, keepdim=True)
        expected = F.layer_norm(X, (d,), eps=0)
        assert not torch.allclose(by_std, expected, atol=1e-3)
        assert torch.allclose(by_std, expected * math.sqrt((d - 1) / d), atol=1e-6)


def test_eps_saves_a_row_without_spread() -> None:
    """A row of equal numbers is normalised to zeros if a small `eps` is added to the variance, and to `nan`
    if not; the rows tried have four numbers. In a row of 768 large numbers the rounding of the mean still shows.

    各数全都相等的一行，方差加上很小的 `eps`，规范化的结果是 0；不加就是 `nan`。这里每行四个数；一行若有 768 个很大的数，
    均值的舍入误差还是看得出来。
    """
    RowNorm = after("custom_layers.row-norm").RowNorm
    for value in over((0.0, 3.0, -1.0, 0.1, 123.4, 1e4), "values | 个数值"):
        X = torch.full((2, 4), value)
        assert not F.layer_norm(X, (4,)).any()
        assert not RowNorm()(X).any()
        assert RowNorm(eps=0.0)(X).isnan().all()
    assert RowNorm()(torch.full((1, 768), 100000.1)).abs().max() > 0.9


def test_row_norm_is_layer_norm_without_parameters() -> None:
    """RowNorm agrees with F.layer_norm for any leading shape."""
    norm = after("custom_layers.row-norm").RowNorm()
    assert list(norm.parameters()) == []
    assert norm.state_dict() == {}
    for shape in [(7,), (1, 2), (6, 3, 4, 9)]:
        X = torch.rand(shape) * 100
        assert torch.allclose(norm(X), F.layer_norm(X, shape[-1:]), atol=1e-4)
        assert torch.allclose(norm(X), nn.LayerNorm(shape[-1])(X), atol=1e-4)


def test_layer_norm_treats_each_row_alone() -> None:
    """`F.layer_norm` over the last dimension treats each row alone: other rows of the batch do not
    change its result. It subtracts the mean and divides by the root of the variance plus 1e-5, as
    `RowNorm` does.

    `F.layer_norm` 作用在最后一维上，每一行各算各的，同一批里别的行不影响它的结果。它减去均值，再除以“方差加 1e-5”的平方根，和 `RowNorm` 一样。
    """
    norm = after("custom_layers.row-norm").RowNorm()
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        X = torch.randn(5, 6)
        changed = X.clone()
        changed[1:] += torch.randn(4, 6)
        result = F.layer_norm(X, (6,))
        assert torch.allclose(result[0], F.layer_norm(changed, (6,))[0], atol=1e-6)
        assert torch.allclose(result[0], F.layer_norm(X[:1], (6,))[0], atol=1e-6)
        assert torch.allclose(norm(X), result, atol=1e-5)
        assert torch.allclose(norm(X)[0], norm(changed)[0], atol=1e-6)


def test_a_fitted_scaler_goes_on_with_what_it_stored() -> None:
    """New rows are scaled by the columns seen in fit, one by one, whatever else is in the batch."""
    Scaler = after("custom_layers.scaler").Scaler
    train = torch.randn(50, 4) * 3 - 2
    scaler = Scaler(4)
    scaler.fit(train)
    new = torch.randn(6, 4)
    expected = (new - train.mean(dim=0)) / train.std(dim=0)
    assert torch.allclose(scaler(new), expected, atol=1e-6)
    assert torch.equal(scaler(new[2:3]), scaler(new)[2:3])
    assert torch.equal(Scaler(4)(new), new)


def test_a_scaler_is_saved_and_converted_and_not_trained() -> None:
    """Mean and std are buffers: in the state_dict, converted, not among the parameters."""
    Scaler = after("custom_layers.scaler").Scaler
    X = torch.randn(20, 2) * 5
    scaler = Scaler(2)
    scaler.fit(X)
    assert list(scaler.state_dict()) == ["mean", "std"]
    assert list(scaler.parameters()) == []
    assert scaler.to("meta").mean.device.type == "meta"
    double = Scaler(2).double()
    double.fit(X)
    assert double.mean.dtype == torch.float64
    copied = Scaler(2)
    copied.load_state_dict(double.state_dict())
    assert torch.allclose(copied(X).double(), double(X.double()), atol=1e-5)


SCALER = {
    "init": "self.register_buffer('mean', torch.zeros(d)); self.register_buffer('std', torch.ones(d))",
    "fit": """
        with torch.no_grad():
            constant = (X == X[0]).all(dim=0)
            self.mean.copy_(torch.where(constant, X[0], X.mean(dim=0)))
            self.std.copy_(X.std(dim=0).masked_fill(constant, 1))
    """,
    "forward": "return (X - self.mean) / self.std",
}


def scaler_with(**parts: str) -> type[nn.Module]:
    """A scaler in which some methods are replaced."""
    bodies = {name: textwrap.dedent(body).strip() for name, body in (SCALER | parts).items()}
    init = textwrap.indent(bodies["init"], "    ")
    fit, forward = (textwrap.indent(bodies[name], "    ") for name in ("fit", "forward"))
    names: dict[str, Any] = {"torch": torch, "nn": nn}
    exec(
        f"def __init__(self, d):\n    nn.Module.__init__(self)\n{init}\n"
        f"def fit(self, X):\n{fit}\n"
        f"def forward(self, X):\n{forward}\n",
        names,
    )
    methods = {name: names[name] for name in ("__init__", "fit", "forward")}
    return type("Scaler", (nn.Module,), methods)


def test_the_check_of_the_scaler_rejects_what_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Plausible scalers that break one requirement do not pass, the one that asks for a std of 0 among them."""
    check = after("custom_layers.scaler").check_scaler
    stored = SCALER["fit"]
    deviation = "X.std(dim=0).masked_fill(constant, 1)"
    middle = "torch.where(constant, X[0], X.mean(dim=0))"
    assert deviation in stored
    assert middle in stored

    def store(other: str) -> str:  # with the mean that rounding gives, as most write it
        return stored.replace(deviation, other).replace(middle, "X.mean(dim=0)")

    wrong = {
        "zero is asked for": {"fit": store("X.std(dim=0).masked_fill(X.std(dim=0) == 0, 1)")},
        "the mean is rounded": {"fit": stored.replace(middle, "X.mean(dim=0)")},
        "divided by 0": {"fit": store("X.std(dim=0)")},
        "eps": {"fit": store("X.std(dim=0) + 1e-8")},
        "larger eps": {"fit": store("X.std(dim=0) + 1e-5")},
        "clamped": {"fit": store("X.std(dim=0).clamp(min=1e-7)")},
        "small means constant": {"fit": store("X.std(dim=0).masked_fill(X.std(dim=0) < 1e-5, 1)")},
        "divided by n": {"fit": store("X.std(dim=0, correction=0).masked_fill(constant, 1)")},
        "one number for all": {
            "fit": "with torch.no_grad(): self.mean.fill_(X.mean()); self.std.fill_(X.std())"
        },
        "statistics of the batch": {"forward": "return (X - X.mean(dim=0)) / self.std"},
        "plain attributes": {
            "init": "self.mean, self.std = torch.zeros(d), torch.ones(d)",
        },
        "parameters": {
            "init": "self.mean = nn.Parameter(torch.zeros(d)); self.std = nn.Parameter(torch.ones(d))",
        },
        "not persistent": {
            "init": SCALER["init"].replace(")); ", "), persistent=False); ")[:-1]
            + ", persistent=False)",
        },
        "new tensors": {
            "fit": """
                constant = (X == X[0]).all(dim=0)
                self.mean = X.mean(dim=0).detach()
                self.std = X.std(dim=0).masked_fill(constant, 1).detach()
            """
        },
        "in the graph": {"fit": stored.replace("with torch.no_grad():", "if True:")},
        "equal values in float64": {
            "fit": """
                with torch.no_grad():
                    mean, std = X.double().mean(dim=0), X.double().std(dim=0)
                    self.mean.copy_(mean)
                    self.std.copy_(std.masked_fill(std == 0, 1))
            """
        },
        "small beside the mean": {
            "fit": """
                with torch.no_grad():
                    mean, std = X.mean(dim=0), X.std(dim=0)
                    small = std <= 1e-6 * mean.abs()
                    self.mean.copy_(torch.where(small, X[0], mean))
                    self.std.copy_(std.masked_fill(small, 1))
            """
        },
        "no gradient": {"forward": "return (X.detach() - self.mean) / self.std"},
    }
    for name, parts in wrong.items():
        with pytest.raises(ERRORS):
            check(scaler_with(**parts))
            pytest.fail(f"passes: {name}")
    assert capsys.readouterr().out == ""
    masked = {
        "init": SCALER["init"]
        + "; self.register_buffer('constant', torch.zeros(d, dtype=torch.bool))",
        "fit": """
            with torch.no_grad():
                self.constant.copy_((X == X[0]).all(dim=0))
                self.mean.copy_(X.mean(dim=0))
                self.std.copy_(X.std(dim=0))
        """,
        "forward": "return ((X - self.mean) / self.std).masked_fill(self.constant, 0)",
    }
    shifted = """
        with torch.no_grad():
            D = X - X[0]
            std = D.std(dim=0)
            self.mean.copy_(X[0] + D.mean(dim=0))
            self.std.copy_(std.masked_fill(std == 0, 1))
    """
    for right in ({}, masked, {"fit": shifted}):
        check(scaler_with(**right))
    assert capsys.readouterr().out == "checked: fitted, saved, converted, not trained\n" * 3


def test_copying_in_place_keeps_dtype_and_device() -> None:
    """`copy_` converts what it copies: the tensor written to keeps its dtype and its device.

    `copy_` 会转换要写入的值，被写入的张量仍是原来的数据类型，也仍在原来的设备上。
    """
    Scaler = after("custom_layers.scaler").Scaler
    X = torch.randn(20, 2)
    assert X.dtype == torch.float32
    for dtype in over(float_dtypes(), "dtypes | 种 dtype"):
        scaler = Scaler(2).to(dtype)
        scaler.fit(X)
        assert scaler.mean.dtype == scaler.std.dtype == dtype
    away = Scaler(2).to("meta")
    away.fit(X)
    assert away.mean.device.type == "meta"


def test_no_grad_keeps_a_buffer_out_of_the_graph() -> None:
    """What is copied into a buffer under `torch.no_grad()` stays out of the graph; without it, a
    buffer joins the graph of an input that requires a gradient.

    在 `torch.no_grad()` 下写进缓冲区的值不进计算图；不用它，输入若需要梯度，缓冲区就会连进计算图。
    """
    Scaler = after("custom_layers.scaler").Scaler
    X = torch.randn(20, 2, requires_grad=True)
    scaler = Scaler(2)
    scaler.fit(X)
    assert not scaler.mean.requires_grad
    assert not scaler.std.requires_grad
    scaler.mean.copy_(X.mean(dim=0))
    assert scaler.mean.requires_grad


def test_equal_values_may_have_a_tiny_std() -> None:
    """In `float32` the standard deviation of equal values can come out as a tiny number instead of
    0. Centred and divided by it, they do not become 0; a comparison of the values themselves finds
    such a column, and with the value as its mean, and divided by 1, it becomes 0.

    在 `float32` 里，相等的数的标准差可能算出一个极小的数，而不是 0。中心化之后除以它，结果并不是 0；直接比较数值本身，才认得出这样的列；拿这个数当均值，再除以 1，得到的就是 0。
    """
    Scaler = after("custom_layers.scaler").Scaler
    far = large = 0
    values, shapes = (
        (0.1, 0.3, 0.7, 1.1, 123.456, 1.7e9, 3e38),
        [(100, 1), (100, 5), (7, 1), (3, 1)],
    )
    columns = list(itertools.product(values, shapes))
    for value, shape in over(columns, "tables of equal values | 个数值全等的表"):
        X = torch.full(shape, value)
        std = X.std(dim=0)
        divided = (X - X.mean(dim=0)) / std
        far += bool((std != 0).any() and (std < 1e-4).all() and (divided.abs() > 0.1).any())
        large += bool(value == 1.7e9 and (X - X.mean(dim=0)).abs().max() > 1)
        scaler = Scaler(shape[1])
        scaler.fit(X)
        assert not scaler(X).any()
        assert value > 1e6 or (scaler(X + 1) - 1).abs().max() < 1e-4
    assert far
    assert large


def test_rfft_leaves_out_the_conjugates() -> None:
    """Of the d Fourier coefficients of a real row, `torch.fft.rfft` computes the first d // 2 + 1;
    the others are their complex conjugates, in reverse order.

    实数行的 d 个傅里叶系数里，`torch.fft.rfft` 只算前 d // 2 + 1 个；其余的是它们的共轭，次序相反。
    """
    for d in over(range(2, 17), ROWS):
        X = torch.randn(3, d, dtype=torch.float64)
        whole, half = torch.fft.fft(X), torch.fft.rfft(X)
        assert half.shape == (3, d // 2 + 1)
        assert torch.allclose(half, whole[:, : d // 2 + 1])
        for k in range(1, d):
            assert torch.allclose(whole[:, k], whole[:, d - k].conj())


def test_the_leading_half_loses_the_alternating_part() -> None:
    """For an even d, the first d // 2 Fourier coefficients of a real row tell everything about it
    except how much of 1, −1, 1, −1, … is in it: that row has only zeros there, up to rounding.

    d 为偶数时，实数行的前 d // 2 个傅里叶系数包含了这一行的一切，只差 1, −1, 1, −1, … 这个分量有多大：只含这个分量的行，这些系数全是 0（允许舍入误差）。
    """
    assert shown("custom_layers.fourier").output.endswith("checked: the row becomes 0\n")
    layer = after("custom_layers.fourier").FourierHalf()
    for d in over(range(2, 17, 2), ROWS):
        alternating = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(d // 2)
        assert layer(alternating).abs().max() < 1e-12
        X = torch.randn(4, d, dtype=torch.float64)
        Y = layer(X)
        assert Y.shape == (4, d // 2)
        last = (X @ alternating)[:, None].to(Y.dtype)
        assert torch.allclose(torch.fft.irfft(torch.cat([Y, last], dim=-1), n=d), X)


def test_a_linear_layer_refuses_complex_input() -> None:
    """An `nn.Linear` of real weights refuses complex input: `mat1 and mat2 must have the same dtype,
    but got ComplexFloat and Float`. `torch.view_as_real` turns every complex number into two real
    ones.

    权重为实数的 `nn.Linear` 不接受复数输入，报 `mat1 and mat2 must have the same dtype, but got ComplexFloat and Float`。`torch.view_as_real` 把每个复数变成两个实数。
    """
    result = shown("custom_layers.fourier-into-linear")
    assert result.error == (
        "RuntimeError: mat1 and mat2 must have the same dtype, but got ComplexFloat and Float"
    )
    assert result.output == "torch.complex64 (4, 4)\n(4, 3)\n"
    linear = nn.Linear(2, 3)
    complexes = [dtype for dtype in all_dtypes() if dtype.is_complex]
    for dtype in over(complexes, "complex dtypes | 种复数 dtype"):
        Y = torch.tensor([1 + 2j, 3 - 4j]).to(dtype)
        assert torch.view_as_real(Y).tolist() == [[1, 2], [3, -4]]
        with pytest.raises(RuntimeError, match="mat1 and mat2 must have the same dtype"):
            linear(Y[None])


def test_the_check_of_the_fourier_layer_rejects_what_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The usual mistakes do not pass: one coefficient too many, another dimension, no phase, a scale."""
    check = after("custom_layers.fourier").check_fourier
    half = "[..., : X.shape[-1] // 2]"
    by_matrix = (
        "d = X.shape[-1]; t = torch.arange(d, dtype={}); "
        "waves = torch.exp(-2j * torch.pi * t.outer(t[: d // 2]) / d); return X.to(waves.dtype) @ waves"
    )
    wrong = [
        "return torch.fft.rfft(X)",
        "return torch.fft.fft(X)",
        "return torch.fft.fft(X)[: X.shape[0] // 2]",
        f"return torch.fft.fftn(X){half}",
        f"return torch.fft.fft(X).abs(){half}",
        f"return torch.fft.fft(X).real{half}",
        f"return torch.fft.fft(X).conj(){half}",
        f"return torch.fft.ifft(X){half}",
        f"return torch.fft.fft(X, norm='ortho'){half}",
        f"return torch.fft.fft(X.detach()){half}",
        "return torch.fft.fft(X)[..., 1 : X.shape[-1] // 2 + 1]",
        "return torch.fft.rfft(X)[..., : max(1, X.shape[-1] // 2)]",
        f"return torch.fft.fft(X.double()){half}",
        f"return torch.fft.fft(X.float()){half}",
        by_matrix.format("torch.float64"),
        by_matrix.format("torch.float32"),
    ]
    for body in wrong:
        with pytest.raises(ERRORS):
            check(layer_with(body))
            pytest.fail(f"passes: {body}")
    assert capsys.readouterr().out == ""
    with pytest.raises(AssertionError, match=r"shape \(2, 3, 5\), torch.float32"):
        check(layer_with("return torch.fft.rfft(X)[..., : (X.shape[-1] + 1) // 2]"))
    right = layer_with(f"return torch.fft.fft(X){half}")
    check_lost, row = after("custom_layers.fourier").check_lost, torch.ones(8)
    attempts = (
        (row, "left: "),  # constant
        (row * torch.tensor([1, 1, -1, -1]).repeat(2), "left: "),
        (1e-9 * row, "left: "),  # small, and not lost
        (0 * row, "all 0"),
        (torch.tensor([1.0, -1.0]), "shape: "),
    )
    for wrong_row, reason in attempts:
        with pytest.raises(AssertionError, match=reason):
            check_lost(right, wrong_row)
    assert capsys.readouterr().out == ""
    for factor in (1, -3.7, 1e6, 1e-6):
        check_lost(right, factor * torch.tensor([1.0, -1.0]).repeat(4))
    assert capsys.readouterr().out == "checked: the row becomes 0\n" * 4
    check(layer_with(f"return torch.fft.fft(X){half}"))
    check(layer_with(by_matrix.format("X.dtype")))
    none = "torch.zeros(*X.shape[:-1], 0, dtype=X.dtype.to_complex())"
    check(layer_with(f"return {none} if X.shape[-1] < 2 else torch.fft.fft(X){half}"))
    assert capsys.readouterr().out == "checked: the first d // 2 coefficients\n" * 3


def test_the_check_of_the_quadratic_layer_rejects_what_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The usual mistakes do not pass: another order of the shape, half of the sum, rows that are mixed, a cut gradient."""
    state = after("custom_layers.quadratic")

    def quadratic(formula: str, shape: str = "i, i, o") -> type[nn.Module]:
        names: dict[str, Any] = {"torch": torch}
        exec(f"def forward(self, X):\n    W = self.weight\n    return {formula}\n", names)

        def init(self: nn.Module, i: int, o: int) -> None:
            nn.Module.__init__(self)
            sizes = {"i": i, "o": o}
            self.weight = nn.Parameter(torch.randn([sizes[s] for s in shape.split(", ")]))

        return type("Quadratic", (nn.Module,), {"__init__": init, "forward": names["forward"]})

    right = "torch.einsum('ri,ijk,rj->rk', X, W, X)"
    formulas = [
        f"{right}.abs()",
        f"{right}.relu()",
        "torch.einsum('ri,iik,ri->rk', X, W, X)",
        "torch.einsum('ri,ijk,sj->rk', X, W, X)",
        "torch.einsum('ri,ijk,rj->rk', X, W.triu(), X)",
        "torch.einsum('ri,ijk,rj->rk', X, W.data, X)",
        "torch.einsum('ri,ijk,rj->kr', X, W, X)",
        "torch.einsum('ri,ijk->rk', X, W)",
        "torch.einsum('ri,ijk,rj->rk', X, W, X.data)",
        "torch.einsum('ri,ijk,rj->rk', X.data, W, X.data)",
        "torch.einsum('ri,ijk,rj->rk', X, (W + W.data) / 2, X)",
    ]
    wrong = {formula: quadratic(formula) for formula in formulas}

    class Biased(state.Quadratic):
        def __init__(self, i: int, o: int) -> None:
            super().__init__(i, o)
            self.bias = nn.Parameter(torch.zeros(o))

    class Ones(state.Quadratic):
        def __init__(self, i: int, o: int) -> None:
            super().__init__(i, o)
            nn.init.ones_(self.weight)

    class Left(state.Quadratic):  # another value each time, but no draw from the generator
        counter = itertools.count()

        def __init__(self, i: int, o: int) -> None:
            super().__init__(i, o)
            nn.init.constant_(self.weight, next(self.counter))

    wrong |= {"a bias": Biased, "the same numbers": Ones, "what was in memory": Left}
    wrong["another shape"] = quadratic("torch.einsum('ri,kij,rj->rk', X, W, X)", "o, i, i")
    for formula, layer_class in wrong.items():
        with pytest.raises(ERRORS):
            state.check_quadratic(layer_class)
            pytest.fail(f"passes: {formula}")
    assert capsys.readouterr().out == ""
    state.check_quadratic(quadratic("((X @ W.movedim(2, 0)) * X).sum(dim=-1).T"))
    assert capsys.readouterr().out == "checked: equal to the double sum\n"


def test_the_check_of_the_gradients_rejects_what_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Checks that look at a part only, or change the layer, do not pass."""
    state = after("custom_layers.gradients-agree")
    gradcheck, call = torch.autograd.gradcheck, torch.func.functional_call

    def with_x_only(layer: nn.Module, X: torch.Tensor) -> bool:
        twin = copy.deepcopy(layer).double()
        return gradcheck(twin, X.detach().double().requires_grad_(), raise_exception=False)

    def without_x(layer: nn.Module, X: torch.Tensor) -> bool:
        twin = copy.deepcopy(layer).double()
        names = [name for name, _ in twin.named_parameters()]

        def output(*values: torch.Tensor) -> torch.Tensor:
            return call(twin, dict(zip(names, values, strict=True)), X.double())

        return gradcheck(output, [*twin.parameters()], raise_exception=False)

    def first_only(layer: nn.Module, X: torch.Tensor) -> bool:
        twin = copy.deepcopy(layer).double()
        name, value = next(twin.named_parameters())
        inputs = [X.detach().double().requires_grad_(), value]
        return gradcheck(lambda X, v: call(twin, {name: v}, X), inputs, raise_exception=False)

    def on_the_layer_itself(layer: nn.Module, X: torch.Tensor) -> bool:
        return state.gradients_agree(layer.double(), X)

    def missing_only(layer: nn.Module, X: torch.Tensor) -> bool:
        twin, X = copy.deepcopy(layer), X.clone().requires_grad_()
        output = twin(X)
        if not output.requires_grad:
            return False
        output.sum().backward()
        return X.grad is not None and all(p.grad is not None for p in twin.parameters())

    def without_buffers(layer: nn.Module, X: torch.Tensor) -> bool:
        named = dict(layer.named_parameters())
        values = [p.detach().double().requires_grad_() for p in named.values()]

        def output(X: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
            return call(layer, dict(zip(named, values, strict=True)), X)

        inputs = [X.detach().double().requires_grad_(), *values]
        return gradcheck(output, inputs, raise_exception=False)

    def with_buffers_converted(layer: nn.Module, X: torch.Tensor) -> bool:
        for buffer in layer.buffers():
            buffer.data = buffer.double()
        return without_buffers(layer, X)

    def converted_and_back(layer: nn.Module, X: torch.Tensor) -> bool:
        names = [name for name, _ in layer.double().named_parameters()]

        def output(X: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
            return call(layer, dict(zip(names, values, strict=True)), X)

        inputs = [X.detach().double().clone().requires_grad_(), *layer.parameters()]
        agree = gradcheck(output, inputs, raise_exception=False)
        layer.float()
        return agree

    def of_the_sum(layer: nn.Module, X: torch.Tensor) -> bool:
        twin = copy.deepcopy(layer).double()
        names = [name for name, _ in twin.named_parameters()]

        def output(X: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
            return call(twin, dict(zip(names, values, strict=True)), X).sum()

        inputs = [X.detach().double().clone().requires_grad_(), *twin.parameters()]
        return gradcheck(output, inputs, raise_exception=False)

    attempts = (
        with_x_only,
        without_x,
        converted_and_back,
        of_the_sum,
        first_only,
        on_the_layer_itself,
        missing_only,
    )
    for wrong in (*attempts, without_buffers, with_buffers_converted):
        with pytest.raises(ERRORS):
            state.check_gradients_agree(wrong)
            pytest.fail(f"passes: {wrong.__name__}")
    assert capsys.readouterr().out == ""
    state.check_gradients_agree(state.gradients_agree)
    assert capsys.readouterr().out == "checked: three layers pass, five are rejected\n"


def test_gradients_agree_only_where_autograd_is_right() -> None:
    """Right layers pass; a layer passes no more if one parameter or the input is cut off."""
    state = after("custom_layers.gradients-agree")
    agree, MyLinear = state.gradients_agree, state.MyLinear

    class NoBias(MyLinear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return X @ self.weight + self.bias.detach()

    class NoInput(MyLinear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return X.detach() @ self.weight + self.bias

    torch.manual_seed(1)
    X = torch.randn(8, 4)
    for right in (MyLinear(4, 2), nn.Linear(4, 2), nn.Linear(4, 2, bias=False)):
        assert agree(right, X)
    half = state.HalfLinear(4, 2)
    H = X @ half.weight + half.bias
    assert torch.equal(half(X), H * torch.sigmoid(H))
    for wrong in (NoBias, NoInput, state.DataLinear, state.HalfLinear):
        assert not agree(wrong(4, 2), X)
    assert agree(nn.Sequential(MyLinear(4, 5), nn.Tanh(), nn.Linear(5, 1)), X)
    assert not agree(nn.Sequential(nn.Linear(4, 5), state.DataLinear(5, 8)), X)
    # what needs no gradient is not looked at
    assert agree(state.DataLinear(4, 2).requires_grad_(False), torch.ones(2, 4))


def test_gradients_agree_leaves_the_layer_alone() -> None:
    """The check works on a copy: dtype, values and gradients of the layer stay."""
    state = after("custom_layers.gradients-agree")
    layer = state.MyLinear(4, 2)
    before = {name: p.detach().clone() for name, p in layer.named_parameters()}
    X = torch.randn(3, 4)
    kept = X.clone()
    state.gradients_agree(layer, X)
    for name, p in layer.named_parameters():
        assert p.dtype == torch.float32
        assert p.grad is None
        assert torch.equal(p, before[name])
    assert torch.equal(X, kept)
    assert not X.requires_grad
    double = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    for given in (double, double[:1].expand(3, 4), torch.randn(4).double().expand(3, 4)):
        kept = given.detach().clone()
        assert state.gradients_agree(layer, given)
        assert torch.equal(given, kept)
    assert double.grad is None


def test_double_on_a_copy_spares_the_original() -> None:
    """`double()` converts a module itself; on `copy.deepcopy(layer)` it leaves the original in
    `float32`, with the same values.

    `double()` 转换的是模块本身；先用 `copy.deepcopy(layer)` 拷贝一份再转换，原来的层仍是 `float32`，数值不变。
    """
    with_parameters = [m for m in layers() if list(m.make().parameters())]
    for member in over(with_parameters, WITH_PARAMETERS):
        layer = member.make()
        before = [p.detach().clone() for p in layer.parameters()]
        twin = copy.deepcopy(layer).double()
        assert all(p.dtype == torch.float64 for p in twin.parameters())
        for p, old in zip(layer.parameters(), before, strict=True):
            assert p.dtype == torch.float32
            assert torch.equal(p, old)
        assert layer.double() is layer
        assert all(p.dtype == torch.float64 for p in layer.parameters())


def test_finite_differences_drown_in_float32() -> None:
    """In `float32`, `gradcheck` warns and rejects even a layer that is right, here `nn.Linear(5, 3)`:
    rounding drowns the differences. In `float64` the same layer passes.

    用 `float32`，`gradcheck` 会发出警告，连正确的层也通不过（这里是 `nn.Linear(5, 3)`）：差分被舍入误差淹没了；换成 `float64`，同一个层就能通过。
    """
    for seed in over(seeds(3), SEEDS):
        torch.manual_seed(seed)
        layer, X = nn.Linear(5, 3), torch.randn(8, 5, requires_grad=True)
        with pytest.warns(UserWarning, match="not a double precision"):
            assert not torch.autograd.gradcheck(layer, X, raise_exception=False)
        assert torch.autograd.gradcheck(layer.double(), X.detach().double().requires_grad_())


def test_functional_call_takes_parameters_as_arguments() -> None:
    """`torch.func.functional_call` computes with the tensors that it is given in place of the
    parameters, sends the gradient to them and leaves the layer as it is.

    `torch.func.functional_call` 用传入的张量代替参数来计算，梯度传到这些张量上，层本身不变。
    """
    layer = after("custom_layers.my-linear").MyLinear(4, 2)
    given = {"weight": torch.ones(4, 2, requires_grad=True), "bias": torch.ones(2)}
    output = torch.func.functional_call(layer, given, torch.ones(3, 4))
    assert (output == 5).all()
    with_parameters = [m for m in layers() if list(m.make().parameters())]
    for member in over(with_parameters, WITH_PARAMETERS):
        layer = member.make().eval()
        before = [p.detach().clone() for p in layer.parameters()]
        given = {n: torch.rand_like(p).requires_grad_() for n, p in layer.named_parameters()}
        output = torch.func.functional_call(layer, given, member.inputs())
        while isinstance(output, tuple):
            output = output[0]
        output.sum().backward()
        assert all(value.grad is not None for value in given.values())
        for p, old in zip(layer.parameters(), before, strict=True):
            assert p.grad is None
            assert torch.equal(p, old)


def test_gradcheck_finds_a_path_that_is_cut() -> None:
    """`gradcheck` rejects a layer that reads `.data`: its output changes with the weight, while
    autograd sees no path to the weight.

    用了 `.data` 的层通不过 `gradcheck`：权重一变输出就变，autograd 却看不到通往权重的路。
    """
    state = after("custom_layers.gradients-agree")
    for seed in over(seeds(3), SEEDS):
        torch.manual_seed(seed)
        X, deaf = torch.randn(8, 5), state.DataLinear(5, 3)
        assert not state.gradients_agree(deaf, X)
        assert state.gradients_agree(state.MyLinear(5, 3), X)
        before = deaf(X)
        with torch.no_grad():
            deaf.weight.mul_(2)
        assert not torch.allclose(deaf(X), before)


def test_a_gradient_can_be_there_and_be_wrong() -> None:
    """`detach()` on one factor of a product drops one of the two terms of the product rule: every
    parameter gets a gradient, and it is wrong, which `gradcheck` notices.

    乘积里的一个因子用了 `detach()`，求导就少一项：每个参数都有梯度，却是错的，要靠 `gradcheck` 才能发现。
    """
    state = after("custom_layers.gradients-agree")
    for seed in over(seeds(3), SEEDS):
        torch.manual_seed(seed)
        half, X = state.HalfLinear(5, 3), torch.randn(8, 5)
        half(X).sum().backward()
        found = {name: p.grad.clone() for name, p in half.named_parameters()}
        assert list(found) == ["weight", "bias"]
        half.zero_grad()
        F.silu(X @ half.weight + half.bias).sum().backward()
        for name, p in half.named_parameters():
            assert not torch.allclose(found[name], p.grad, atol=1e-3)
        assert not state.gradients_agree(half, X)


def test_gradcheck_sees_no_further_than_its_input() -> None:
    """`gradcheck` judges only at the input that it gets: where a ReLU gives nothing but zeros, even
    a layer that reads `.data` passes, and where the input of a ReLU is exactly 0, a correct layer fails.

    `gradcheck` 只对交给它的输入下结论：ReLU 对这批输入若只输出 0，连用了 `.data` 的层也能通过；
    ReLU 的输入若恰好是 0，正确的层也通不过。
    """
    state = after("custom_layers.gradients-agree")
    for seed in over(seeds(3), SEEDS):
        torch.manual_seed(seed)
        deaf, X = state.DataLinear(4, 2), torch.randn(3, 4)
        with torch.no_grad():
            deaf.bias.fill_(-1000)
        assert not deaf(X).any()
        assert state.gradients_agree(deaf, X)
        with torch.no_grad():
            deaf.bias.fill_(1000)
        assert not state.gradients_agree(deaf, X)
        right = nn.Sequential(nn.Linear(4, 2, bias=False), nn.ReLU())
        assert state.gradients_agree(right, X)
        X[1] = 0
        assert not state.gradients_agree(right, X)


def test_gradcheck_skips_what_needs_no_gradient() -> None:
    """`gradcheck` does not look at inputs that require no gradient: a wrong gradient for such an input passes, and
    fails as soon as the input requires one.

    `gradcheck` 不看不需要梯度的输入：这样的输入，梯度错了也能通过；它一旦需要梯度，就通不过。
    """
    gradcheck = torch.autograd.gradcheck

    def deaf(X: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return X @ weight.data

    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        X, weight = torch.randn(8, 5).double().requires_grad_(), torch.randn(5, 3).double()
        assert gradcheck(deaf, (X, weight), raise_exception=False)
        weight.requires_grad_()
        assert not gradcheck(deaf, (X, weight), raise_exception=False)
        assert gradcheck(torch.matmul, (X, weight))


def test_gradcheck_wants_numbers_around_one() -> None:
    """With the step and the tolerances of `gradcheck`, a layer that reads `.data` fails on numbers around 1
    and passes on numbers around 1e-7, and a correct layer passes on numbers around 1 and fails on numbers
    around 1e9.

    `gradcheck` 的步长和容差是固定的：用了 `.data` 的层，数在 1 上下时通不过，在 1e-7 上下时却能通过；正确的层，数在 1 上下时能通过，在 1e9 上下时却通不过。
    """
    agree = after("custom_layers.gradients-agree").gradients_agree

    class Deaf(nn.Linear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return X @ self.weight.data.T + self.bias

    for seed in over(seeds(3), SEEDS):
        torch.manual_seed(seed)
        X, deaf, right = torch.randn(8, 5), Deaf(5, 3), nn.Linear(5, 3)
        assert not agree(deaf, X)
        assert agree(deaf, 1e-7 * X)
        assert agree(right, X)
        assert not agree(right, 1e9 * X)


def test_einsum_sums_over_the_letters_left_out() -> None:
    """The letters of `torch.einsum` are indices: it multiplies elements and sums over every letter
    that the result does not name.

    `torch.einsum` 里的字母就是下标：对应的元素相乘，结果里没有的字母都求和。
    """
    state = after("custom_layers.quadratic")
    assert state.Y.shape == (4, 2)
    assert torch.equal(state.W, state.W.transpose(0, 1))
    layer = state.Quadratic(3, 2)
    assert [tuple(p.shape) for p in layer.parameters()] == [(3, 3, 2)]
    sizes = {"r": 2, "i": 3, "j": 3, "k": 2}
    formulas = ["ri,ijk,rj->rk", "ri,ijk->rjk", "ri,ijk->rk", "ri->r", "ri->", "ri->ir"]
    formulas += ["ri,ri->r", "ij,jk->ik", "ii->i", "ii->"]
    for formula in over(formulas, "formulas | 个式子"):
        inputs, result = formula.split("->")
        tensors = [torch.randn([sizes[a] for a in term]) for term in inputs.split(",")]
        expected = torch.zeros([sizes[a] for a in result])
        letters = sorted(set(inputs) - {","})
        for numbers in itertools.product(*[range(sizes[a]) for a in letters]):
            at = dict(zip(letters, numbers, strict=True))
            factors = [
                t[tuple(at[a] for a in term)]
                for t, term in zip(tensors, inputs.split(","), strict=True)
            ]
            expected[tuple(at[a] for a in result)] += math.prod(factors)
        assert torch.allclose(torch.einsum(formula, *tensors), expected, atol=1e-5)


def test_only_the_symmetric_part_counts() -> None:
    """In a sum over i and j of `W[i, j] * x[i] * x[j]` only the symmetric part of `W` counts: an
    antisymmetric part changes no output, up to rounding.

    在 `W[i, j] * x[i] * x[j]` 对 i、j 求的和里，只有 `W` 的对称部分起作用，反对称部分不改变任何输出（允许舍入误差）。
    """
    Quadratic = after("custom_layers.quadratic").Quadratic
    for seed in over(seeds(), SEEDS):
        torch.manual_seed(seed)
        layer, X = Quadratic(4, 3), torch.randn(8, 4)
        with torch.no_grad():
            A = torch.randn(4, 4, 3)
            expected = layer(X)
            layer.weight.add_(A - A.transpose(0, 1))
            assert torch.allclose(layer(X), expected, atol=1e-4)
            layer.weight.add_(A + A.transpose(0, 1))
            assert not torch.allclose(layer(X), expected, atol=1e-1)


def test_sgd_leaves_a_difference_without_gradient() -> None:
    """Two weights that always get the same gradient keep their difference, up to rounding, through
    every step of SGD without weight decay: in a quadratic layer, `W[i, j]` and `W[j, i]`, if the loss
    is computed from the output.

    两个权重的梯度若总是相等，SGD（不带权重衰减）更新多少步，两者之差都不变（允许舍入误差）；二次层里的 `W[i, j]` 和 `W[j, i]` 就是这样，只要损失由输出算出。
    """
    Quadratic = after("custom_layers.quadratic").Quadratic
    for seed in over(seeds(3), SEEDS):
        torch.manual_seed(seed)
        layer = Quadratic(4, 3)
        X, y = torch.randn(8, 4), torch.randn(8, 3)
        start = layer.weight.detach().clone()
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
        for _ in range(20):
            optimizer.zero_grad()
            F.mse_loss(layer(X), y).backward()
            assert torch.allclose(layer.weight.grad, layer.weight.grad.transpose(0, 1), atol=1e-5)
            optimizer.step()
        W = layer.weight.detach()
        assert torch.allclose(W - W.transpose(0, 1), start - start.transpose(0, 1), atol=1e-4)
        assert (W - start).abs().max() > 1e-3


def test_a_double_sum_grows_with_n() -> None:
    """A double sum over n inputs has n² terms: weights of standard deviation 1/n keep it near the
    size of the inputs, plain `torch.randn` makes it n times as large.

    对 n 个输入的二重求和有 n² 项：权重的标准差取 1/n，和就与输入差不多大；直接用 `torch.randn`，和就是它的 n 倍。
    """
    Quadratic = after("custom_layers.quadratic").Quadratic
    torch.manual_seed(0)
    for n in over((8, 16, 32, 64), INPUTS):
        layer, X = Quadratic(n, 32), torch.randn(100, n)
        with torch.no_grad():
            assert 0.7 < layer(X).std() < 1.4
            layer.weight.normal_()
            assert 0.7 * n < layer(X).std() < 1.4 * n


def test_each_solution_passes_its_check() -> None:
    """A solution gives itself to the check that stands before it, and prints what the check says."""
    said = {
        "row-norm": "checked: equal to F.layer_norm\n",
        "scaler": "checked: fitted, saved, converted, not trained\n",
        "fourier": "checked: the first d // 2 coefficients\nchecked: the row becomes 0\n",
        "quadratic": "checked: equal to the double sum\nsame output, symmetric gradient\n",
        "gradients-agree": "checked: three layers pass, five are rejected\n",
    }
    for name, output in said.items():
        assert shown(f"custom_layers.{name}").output == output


def test_the_gradient_of_the_quadratic_is_that_of_the_squares() -> None:
    state = after("custom_layers.quadratic")
    expected = 2 * torch.einsum("ri,rk,rj->ijk", state.X, state.Y.detach(), state.X)
    torch.testing.assert_close(state.quadratic.weight.grad, expected)


# The summary


def test_a_layer_is_a_class_with_a_forward() -> None:
    """A class that derives from `nn.Module` and has a `forward` is a layer, as the layer classes of
    `torch.nn` are; autograd derives its backward pass.

    继承 `nn.Module`、实现了 `forward` 的类就是层，`torch.nn` 里的层都是这样的类；反向传播由 autograd 推出。
    """
    for member in over(layers(), LAYERS):
        assert issubclass(member.cls, nn.Module)
        assert member.cls.forward is not nn.Module.forward
    layer = layer_with("return X**3")()
    X = torch.tensor([1.0, 2.0], requires_grad=True)
    nn.Sequential(layer, nn.Identity())(X).sum().backward()
    assert X.grad is not None
    assert X.grad.tolist() == [3, 12]


def test_one_line_lists_what_got_no_gradient() -> None:
    """`[n for n, p in net.named_parameters() if p.grad is None]`, after the first `backward()`, lists
    the parameters that got no gradient: here, of the layer that reads `.data`, wherever it stands,
    and of a frozen bias.

    第一次 `backward()` 之后，`[n for n, p in net.named_parameters() if p.grad is None]` 列出没有得到梯度的参数：这里是用了 `.data` 的那一层的参数，不论它排在第几层，以及一个冻结的偏置。
    """
    state = after("custom_layers.data-in-a-net")
    for i in over(range(4), "places of the layer | 个位置"):
        net = nn.Sequential(*[nn.Linear(4, 4) for _ in range(5)])
        net[i] = state.DataLinear(4, 4)
        net[4].bias.requires_grad_(False)
        net(torch.rand(2, 4)).sum().backward()
        missing = [n for n, p in net.named_parameters() if p.grad is None]
        assert missing == [f"{i}.weight", f"{i}.bias", "4.bias"]


def test_root_of_two_over_n_keeps_the_range() -> None:
    """With weights `torch.randn(n, m) * (2 / n) ** 0.5` the numbers stay in range through wide ReLU
    layers without bias: after ten of 256 units their mean square is within a factor of ten of the input's.

    权重取 `torch.randn(n, m) * (2 / n) ** 0.5`，数值经过没有偏置的、较宽的 ReLU 层也不至于失控：过了十个 256 单元的层，均方值与输入的相比不超过十倍，也不低于十分之一。
    """
    for seed in over(seeds(10), SEEDS):
        torch.manual_seed(seed)
        X = torch.randn(32, 256)
        before = X.square().mean()
        for _ in range(10):
            n, m = X.shape[1], 256
            X = F.relu(X @ (torch.randn(n, m) * (2 / n) ** 0.5))
        assert before / 10 < X.square().mean() < before * 10
        narrow = torch.randn(32, 4)
        for _ in range(50):
            narrow = F.relu(narrow @ (torch.randn(4, 4) * (2 / 4) ** 0.5))
        assert narrow.square().mean() < 0.01


def test_the_fixes_for_custom_layers_work() -> None:
    """Each fix that the index of errors gives for 5.4 was tried: code written that way runs.

    报错索引里 5.4 的改法都试过：照着写的代码都能运行。
    """
    X = torch.rand(2, 5)
    state = after("custom_layers.data-blocks-gradient")
    linear = state.MyLinear(5, 3)

    def keep_the_dimension() -> bool:
        return torch.allclose(
            (X - X.mean(dim=1, keepdim=True)).sum(dim=1), torch.zeros(2), atol=1e-6
        )

    def float_of_integers() -> bool:
        return torch.tensor([1, 2]).float().mean() == 1.5

    def transpose_the_weight() -> bool:
        builtin, state = nn.Linear(5, 3), linear.state_dict()
        builtin.load_state_dict({"weight": state["weight"].T, "bias": state["bias"]})
        return torch.allclose(F.relu(builtin(X)), linear(X), atol=1e-6)

    def as_wide_as_the_output() -> bool:
        W = torch.randn(5, 3)
        told = r"The size of tensor a \(\d\) must match the size of tensor b"
        with pytest.raises(RuntimeError, match=told):
            X @ W + torch.zeros(5)
        with pytest.raises(RuntimeError, match=told):
            X + nn.Linear(5, 3)(X)
        widened = X + nn.Linear(5, X.shape[1])(X)
        return torch.equal(X @ W + torch.zeros(3), X @ W) and widened.shape == X.shape

    def as_many_features_as_come() -> bool:
        return nn.Linear(X.shape[-1], 4)(X).shape == (2, 4)

    def flatten_pictures_or_give_each_number_a_row() -> bool:
        told = "mat1 and mat2 shapes cannot be multiplied"
        pictures, numbers, last = torch.rand(4, 1, 8, 8), torch.rand(4), nn.Linear(64, 3)
        for wrong, layer in ((pictures, last), (numbers, nn.Linear(1, 3))):
            with pytest.raises(RuntimeError, match=told):
                layer(wrong)
        flat = nn.Sequential(nn.Flatten(), last)(pictures)
        return flat.shape == nn.Linear(1, 3)(numbers.unsqueeze(1)).shape == (4, 3)

    def dtype_of_the_layer() -> bool:
        for layer in (nn.Linear(5, 3), nn.Linear(5, 3).double()):
            for given in (X, X.double()):
                if given.dtype != layer.weight.dtype:
                    with pytest.raises(RuntimeError, match="must have the same dtype"):
                        layer(given)
                assert layer(given.to(layer.weight.dtype)).dtype == layer.weight.dtype
        return True

    def float_of_doubles() -> bool:
        double = copy.deepcopy(linear).double()
        for layer, given in ((linear, X.double()), (double, X)):
            with pytest.raises(RuntimeError, match="expected m1 and m2 to have the same dtype"):
                layer(given)
        return torch.equal(linear(X.double().float()), double.float()(X))

    def assign_a_parameter() -> bool:
        layer = nn.Module()
        layer.weight = nn.Parameter(torch.randn(5, 3))
        torch.optim.SGD(layer.parameters(), lr=0.1)
        return [*layer.parameters()] == [layer.weight]

    def compute_first_and_wrap_last() -> bool:
        layer = nn.Module()
        layer.weight = nn.Parameter(torch.randn(5, 3) * 0.1)
        torch.optim.SGD([layer.weight], lr=0.1)
        return layer.weight.is_leaf

    def move_convert_and_reshape_inside() -> bool:
        made: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
            lambda t: t.to("meta"),
            lambda t: t.double(),
            lambda t: t.reshape(3, 5),
        )
        for change in made:
            with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
                torch.optim.SGD([change(nn.Parameter(torch.randn(5, 3)))], lr=0.1)
            torch.optim.SGD([nn.Parameter(change(torch.randn(5, 3)))], lr=0.1)
        return True

    def a_list_of_one() -> bool:
        for given in ([linear.weight], linear.parameters()):
            torch.optim.SGD(given, lr=0.1)
        return True

    def float_parameter_or_buffer() -> bool:
        values, layer = torch.tensor([1, 2, 3]), nn.Module()
        layer.register_buffer("values", values)
        return nn.Parameter(values.float()).requires_grad and not layer.values.is_floating_point()

    def float_before_the_gradient() -> bool:
        values = torch.tensor([1, 2])
        with pytest.raises(RuntimeError, match="only Tensors of floating point dtype"):
            values.requires_grad_()
        made = (values.float(), torch.tensor([1.0, 2.0]))
        return all(one.requires_grad_().requires_grad for one in made)

    def copy_values_in() -> bool:
        layer, values = nn.Linear(5, 3), torch.full((3, 5), 0.5)
        with torch.no_grad():
            layer.weight.copy_(values)
        return torch.equal(layer.weight, values) and isinstance(layer.weight, nn.Parameter)

    def compute_with_the_parameter() -> bool:
        linear(X).sum().backward()
        return linear.weight.grad is not None

    def two_real_numbers_for_a_complex_one() -> bool:
        flat = torch.view_as_real(torch.fft.rfft(torch.randn(4, 6))).flatten(start_dim=-2)
        return nn.Linear(2 * 4, 3)(flat).shape == (4, 3)

    fixes = (
        *(keep_the_dimension, float_of_integers, transpose_the_weight, as_many_features_as_come),
        *(float_of_doubles, assign_a_parameter, compute_first_and_wrap_last, a_list_of_one),
        *(float_parameter_or_buffer, copy_values_in, compute_with_the_parameter),
        *(as_wide_as_the_output, flatten_pictures_or_give_each_number_a_row, dtype_of_the_layer),
        *(move_convert_and_reshape_inside, float_before_the_gradient),
        two_real_numbers_for_a_complex_one,
    )
    for works in over(fixes, "fixes | 种改法"):
        assert works()


def test_each_check_that_a_solution_calls_says_so() -> None:
    assert silent("custom_layers") == []
