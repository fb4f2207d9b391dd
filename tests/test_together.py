"""Proves what the page that puts everything together says."""

import copy
import io
import itertools
import os
import pickle
import random
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler

from proven.testing import after, over, section, shown
from tests.families import Layer, all_dtypes, cut_files, float_dtypes, layers
from tests.solutions import silent

PARAMETRIC = "layer classes with parameters | 种有参数的层"
START = "fork" if sys.platform == "linux" else None  # how workers start: quickly where that is safe


def lines(name: str) -> list[str]:
    """The lines that a snippet prints."""
    return shown(name).output.splitlines()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary working directory for the files that a test writes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def page() -> Any:
    """What the whole page defines, for tests that change nothing of it: claims look at a state of their own."""
    return after("together.epochs")


@contextmanager
def temporary_file() -> Iterator[Path]:
    """The path of a file that a claim may write; what a check of the page writes lies beside it."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        yield Path(folder, "file.pt")


def bits(tensor: torch.Tensor) -> torch.Tensor:
    """The bits of float32 numbers: `torch.equal` alone takes 0.0 and -0.0 for the same."""
    return tensor.detach().view(torch.int32)


def layers_with_parameters() -> list[Layer]:
    """The layer classes that have parameters."""
    return [layer for layer in layers() if list(layer.make().parameters())]


def trained(state: Any, steps: int, seed: int = 0) -> Any:
    """A run after so many steps."""
    run = state.Run(seed)
    while run.step < steps:
        run.update()
    return run


def test_the_section_runs_on_any_machine(page: Any) -> None:
    """No snippet of the section needs a GPU, and everything lies on the chosen device."""
    assert {snippet.devices for snippet in section("together").snippets} == {0}
    assert page.device == page.try_gpu()
    net = page.whole.net
    tensors = [page.X, page.y, page.whole.losses, *net.parameters(), *net.buffers()]
    assert {tensor.device for tensor in tensors} == {page.device}


def test_the_task_is_1797_small_pictures_of_digits(page: Any) -> None:
    """One channel of 8 x 8 pixels between 0 and 1, all ten digits, split without overlap."""
    assert (page.X.shape, page.X_test.shape) == ((1297, 1, 8, 8), (500, 1, 8, 8))
    assert (page.X.dtype, page.y.dtype) == (torch.float32, torch.int64)
    assert (page.X.min(), page.X.max()) == (0, 1)
    assert torch.equal(page.y.unique().cpu(), torch.arange(10))
    assert torch.equal(page.order.sort().values, torch.arange(1797))
    assert torch.equal(page.y_test.cpu(), torch.tensor(page.digits.target)[page.held_out])
    first = torch.tensor(page.digits.images[page.train[0]], dtype=torch.float32)
    assert torch.equal(16 * page.X[0, 0].cpu(), first)
    assert lines("together.setup")[-1] == "held out: (500, 1, 8, 8)"


def test_numbers_drawn_on_the_cpu_survive_the_move() -> None:
    """Numbers drawn on the CPU depend on its seed alone, and moving them to a device changes none
    of them.

    在 CPU 上抽取的数只取决于 CPU 的种子，移到别的设备上，一个也不会变。
    """
    state = after("together.setup")
    torch.manual_seed(0)
    assert torch.equal(torch.randperm(len(state.images)), state.order)
    torch.manual_seed(0)
    torch.rand(3, device="meta")  # of another device: it draws nothing from the CPU's generator
    assert torch.equal(torch.randperm(len(state.images)), state.order)
    assert torch.equal(state.X.cpu(), state.images[state.train])
    assert state.X.device == state.y.device == state.device


def test_weights_alone_resume_another_run() -> None:
    """A model whose weights alone were saved has its old loss after loading, without an error; one step of a
    new Adam may then raise the loss at once.

    模型只保存了权重，加载后损失和原来一样，也不报错；但新建的 Adam 走一步，损失就可能立刻变大。
    """
    told = dict(line.split(":") for line in lines("together.weights-only"))
    assert list(told) == ["saved", "loaded", "one step later"]
    saved, loaded, later = map(float, told.values())
    assert saved == loaded
    assert later > 5 * saved
    state = after("together.weights-only")
    assert abs(state.mean_loss(state.net) - later) < 1e-4
    torch.manual_seed(0)
    net = state.perceptron()
    adam = torch.optim.Adam(net.parameters(), lr=0.02)
    state.fit(net, adam, steps=200)
    before = state.mean_loss(net)
    assert abs(before - saved) < 1e-4  # it is the run of the page
    alike, new = adam.param_groups[0], state.adam.param_groups[0]
    assert {**alike, "params": []} == {**new, "params": []}
    assert {int(kept["step"]) for kept in state.adam.state.values()} == {1}
    state.fit(net, adam, steps=1)  # the one that kept its Adam
    assert state.mean_loss(net) < 2 * before


def test_a_layer_may_update_its_own_buffer() -> None:
    """A layer may update its own buffer in the forward pass: in training mode, with `self.training`
    true, and not in evaluation mode.

    层可以在前向传播里更新自己的缓冲区：`self.training` 在训练模式下为真，这时更新；
    评估模式下不更新。
    """
    layer = after("together.blocks").CenteredLayer(4)
    batch = torch.full((8, 4), 10.0)
    assert torch.allclose(layer(batch), batch - 1)  # 0.9 * 0 + 0.1 * 10
    for _ in range(200):
        layer(batch)
    assert torch.allclose(layer.mean, batch[0], atol=1e-3)
    layer.eval()
    kept = layer.mean.clone()
    assert torch.allclose(layer(torch.zeros(1, 4)), -kept)
    assert torch.equal(layer.mean, kept)


def test_a_running_mean_is_saved_and_moved_not_trained() -> None:
    """A running mean in a buffer is saved and converted with its layer, but is not a parameter, and the
    backward pass gives it no gradient.

    存在缓冲区里的滑动均值会随层一起保存、转换，但它不是参数，反向传播也不给它梯度。
    """
    layer = after("together.blocks").CenteredLayer(2)
    x = torch.ones(3, 2, requires_grad=True)
    for _ in range(2):
        layer(x).sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.full((3, 2), 2.0))  # the gradient passes the layer by
    assert layer.mean.grad is None
    assert not layer.mean.requires_grad
    assert list(layer.parameters()) == []
    assert list(layer.state_dict()) == ["mean"]
    assert layer.double().mean.dtype == torch.float64
    assert layer.to("meta").mean.device.type == "meta"


def test_a_buffer_that_keeps_its_graph_fails_in_the_next_step() -> None:
    """A layer behind another one with parameters that updates its buffer from the batch without `detach()`,
    in place or not, lets the `backward()` of the next step fail: `Trying to backward through the graph a
    second time`. With `detach()` it works, and so it does without where the input needs no gradient.

    前面有带参数的层时，用一批数据更新缓冲区却不写 `detach()`，不论是否原地修改，下一步的 `backward()` 都会报错：
    `Trying to backward through the graph a second time`。写了 `detach()` 就没事；输入不需要梯度时，不写也没事。
    """

    def centre(place: bool, detached: bool) -> nn.Module:
        class Centre(nn.Module):
            mean: torch.Tensor

            def __init__(self) -> None:
                super().__init__()
                self.register_buffer("mean", torch.zeros(()))

            def forward(self, *inputs: Any) -> torch.Tensor:
                [X] = inputs
                new = (X.detach() if detached else X).mean()
                if place:
                    self.mean.lerp_(new, 0.1)
                else:
                    self.mean = self.mean.lerp(new, 0.1)
                return X - self.mean

        return Centre()

    def two_steps(net: nn.Module, *inputs: torch.Tensor) -> None:
        for _ in range(2):
            net(*inputs).square().sum().backward()

    torch.manual_seed(0)
    X = torch.rand(4, 1, 8, 8)
    two_steps(nn.Sequential(nn.Conv2d(1, 1, 1), after("together.blocks").CenteredLayer(1, 8, 8)), X)
    before = (nn.Linear(8, 8), nn.Conv2d(1, 2, 3), nn.Conv2d(1, 1, 1), nn.PReLU())
    behind = (nn.Linear(8, 8), nn.PReLU())
    for place in (True, False):
        for layer in over(before, "layers with parameters | 种带参数的层"):
            two_steps(nn.Sequential(layer, centre(place, detached=True)), X)
            with pytest.raises(RuntimeError, match="backward through the graph a second time"):
                two_steps(nn.Sequential(layer, centre(place, detached=False)), X)
        for layer in behind:
            two_steps(nn.Sequential(centre(place, detached=False), layer), X)


def test_dropout_draws_in_training_only() -> None:
    """Dropout draws random numbers in training mode and sets a part of its input to zero, so two calls
    differ; in evaluation mode it draws none, and they agree.

    dropout 在训练模式下要抽随机数，把一部分输入置零，两次调用结果不同；评估模式下不抽，结果相同。
    """
    torch.manual_seed(0)
    block = after("together.blocks").Residual(4)
    X = torch.randn(16, 4, 8, 8)
    before = torch.get_rng_state()
    assert block(X).shape == X.shape
    assert not torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(block(X), block(X))
    whole = block.conv(X).relu()
    dropped = (block(X) == X)[whole > 0].float().mean()  # to which it adds 0
    assert 0.05 < dropped < 0.2
    block.eval()
    before = torch.get_rng_state()
    assert torch.equal(block(X), X + block.conv(X).relu())
    assert torch.equal(block(X), block(X))
    assert torch.equal(torch.get_rng_state(), before)


def test_apply_reaches_a_layer_inside_a_block() -> None:
    """`apply` also reaches the layers inside a block of your own.

    `apply` 也会走到自定义块里面的层。
    """
    state = after("together.model")
    inside = state.Residual(16)
    assert inside.conv.bias.any()
    old = inside.conv.weight.detach().clone()
    assert inside.apply(state.my_init) is inside
    assert not inside.conv.bias.any()
    assert not torch.equal(inside.conv.weight, old)
    layers = [m for m in state.build().modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == 3
    for layer in layers:
        assert not layer.bias.any()
        fan_in = layer.weight[0].numel()
        assert 0.7 < layer.weight.std() * (fan_in / 2) ** 0.5 < 1.3


def test_a_lazy_layer_after_flatten_takes_what_arrives() -> None:
    """A lazy linear layer after `nn.Flatten` takes its number of inputs from the first batch, here
    16·4·4 = 256, and is an `nn.Linear` from then on.

    `nn.Flatten` 后面的延后初始化的线性层，输入宽度由第一批数据决定，这里是 16·4·4 = 256，
    此后它就是普通的 `nn.Linear`。
    """
    state = after("together.model")
    assert lines("together.model")[-1] == (
        "last layer: Linear(in_features=256, out_features=10, bias=True)"
    )
    assert type(state.net[5]) is nn.Linear
    assert state.net[:5](state.X[:2]).shape == (2, 256)
    assert 16 * 4 * 4 == 256
    for side in over(range(8, 29, 4), "sizes of pictures | 种图像大小"):
        wider = nn.Sequential(*state.build()[1:5], nn.LazyLinear(10)).to(state.device)
        wider(torch.zeros(1, 1, side, side, device=state.device))
        assert wider[4].in_features == 16 * (side // 2) ** 2


def test_a_dry_run_in_evaluation_mode_moves_no_running_mean() -> None:
    """A dry run in evaluation mode leaves the running mean of the model of 5.7 at zero; in training mode it
    would move it.

    试运行放在评估模式下做，这里的滑动均值仍为零；若在训练模式下做，它就变了。
    """
    state = after("together.model")
    net = state.build()
    assert not net[0].mean.any()
    assert net.training
    assert all(m.training for m in net.modules())
    net(state.X[:1])
    assert net[0].mean.any()


def test_a_convolution_takes_its_own_dtype_and_number_of_channels() -> None:
    """Outside `torch.autocast`, which does not convert float64 either, `nn.Conv2d` refuses an input of
    another dtype than its weights; it also refuses one with another number of channels than it was built for.

    输入的数据类型与权重不同，`nn.Conv2d` 会报错，`torch.autocast` 里除外，不过它不转换 float64；
    通道数与创建时给的不同，也会报错。
    """
    errors = [error.text for error in shown("together.image-errors").errors]
    assert errors[0].startswith("RuntimeError: Input type (double)")
    assert errors[0].endswith("should be the same")
    assert "to have 1 channels, but got 1797 channels instead" in errors[1]
    conv = nn.Conv2d(1, 16, 3)
    assert conv(torch.zeros(5, 1, 8, 8)).shape == (5, 16, 6, 6)
    kinds = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
    for theirs, own in itertools.permutations(kinds, 2):
        with pytest.raises(RuntimeError, match="should be the same"):
            nn.Conv2d(1, 2, 3).to(own)(torch.zeros(5, 1, 8, 8, dtype=theirs))
    with torch.autocast("cpu"):
        assert conv(torch.zeros(5, 1, 8, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16
        with pytest.raises(RuntimeError, match="should be the same"):
            conv(torch.zeros(5, 1, 8, 8, dtype=torch.float64))
    with pytest.raises(RuntimeError, match="but got 5 channels instead"):
        conv(torch.zeros(5, 8, 8))


def test_a_convolution_without_bias_says_it_otherwise() -> None:
    """A convolution with `bias=False` and float32 weights refuses a float64 input by
    `expected scalar type Double but found Float`: the input is Double, the weights are Float.

    `bias=False`、权重是 float32 的卷积层拒绝 float64 输入时，报错是
    `expected scalar type Double but found Float`：输入是 Double，权重是 Float。
    """
    text = "expected scalar type Double but found Float"
    assert shown("together.more-image-errors").errors[0].text == f"RuntimeError: {text}"
    for axes, kind in enumerate(over((nn.Conv1d, nn.Conv2d, nn.Conv3d), "classes | 个类"), 1):
        X = torch.rand(2, 1, *axes * [8], dtype=torch.float64)
        with pytest.raises(RuntimeError, match=text):
            kind(1, 16, 3, bias=False)(X)
        with pytest.raises(RuntimeError, match=r"Input type \(double\) and bias type \(float\)"):
            kind(1, 16, 3)(X)
        assert kind(1, 16, 3, bias=False)(X.float()).dtype == torch.float32


def test_class_numbers_are_long_or_byte() -> None:
    """Where the scores have rows, `F.cross_entropy` takes one-dimensional labels that are int64 or uint8 and
    refuses them in another dtype: `expected target dtype to be Long or Byte, but got Float`; with both `weight`
    and `label_smoothing` it refuses uint8, too.

    得分是二维时，`F.cross_entropy` 接受 int64 或 uint8 的一维标签，别的数据类型不收：
    `expected target dtype to be Long or Byte, but got Float`；`weight` 和 `label_smoothing` 一起用时，uint8 也不收。
    """
    text = "expected target dtype to be Long or Byte, but got"
    assert shown("together.more-image-errors").errors[1].text == f"RuntimeError: {text} Float"
    for dtype in over(all_dtypes(), "dtypes | 种 dtype"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that complex32 is experimental
            labels = torch.zeros(3).to(dtype)
        both: dict[str, Any] = {"weight": torch.ones(2), "label_smoothing": 0.1}
        if dtype in (torch.int64, torch.uint8):
            assert F.cross_entropy(torch.zeros(3, 2), labels) > 0
            for name, value in both.items():
                one: dict[str, Any] = {name: value}
                assert F.cross_entropy(torch.zeros(3, 2), labels, **one) > 0
            if dtype == torch.int64:
                assert F.cross_entropy(torch.zeros(3, 2), labels, **both) > 0
            else:
                with pytest.raises(RuntimeError, match="Expected dtype int32/int64 for index"):
                    F.cross_entropy(torch.zeros(3, 2), labels, **both)
        else:
            with pytest.raises(RuntimeError, match=text):
                F.cross_entropy(torch.zeros(3, 2), labels)


def test_class_numbers_are_one_per_row_and_below_the_number_of_scores() -> None:
    """For class numbers, `F.cross_entropy` wants a tensor with one number per row of scores, each
    from 0 to the number of scores minus one, unless it is the `ignore_index`.

    目标是类别编号时，`F.cross_entropy` 要的是每行得分对应一个编号，从 0 到得分的个数减一，`ignore_index` 除外。
    """
    errors = [error.text for error in shown("together.image-errors").errors]
    assert errors[2].startswith("IndexError: Target 9 is out of bounds")
    assert errors[3] == (
        "RuntimeError: 0D or 1D target tensor expected, multi-target not supported"
    )
    assert shown("together.more-image-errors").errors[2].text == (
        "ValueError: Expected input batch_size (1797) to match target batch_size (3)."
    )
    for count in over(range(2, 12), "numbers of scores | 种得分个数"):
        scores, labels = torch.zeros(3, count), torch.tensor([0, count - 1, 1])
        assert F.cross_entropy(scores, labels) > 0
        with pytest.raises(IndexError, match=f"Target {count} is out of bounds"):
            F.cross_entropy(scores, labels + 1)
        with pytest.raises(IndexError, match="Target -1 is out of bounds"):
            F.cross_entropy(scores, labels - 1)
        with pytest.raises(RuntimeError, match="multi-target not supported"):
            F.cross_entropy(scores, labels.unsqueeze(1))
        with pytest.raises(ValueError, match="to match target batch_size"):
            F.cross_entropy(scores, labels[:2])
        ignored = labels.clone()
        ignored[0] = 255
        assert F.cross_entropy(scores, ignored, ignore_index=255) > 0


def test_a_softmax_before_cross_entropy_keeps_the_loss_up() -> None:
    """For class numbers, `F.cross_entropy` on probabilities of n classes is at least log(e + n − 1) − 1, which
    is 1.46 for ten classes, even if the right class has the probability 1; on scores it gets as close to 0 as
    one likes.

    目标是类别编号时，拿 n 个类别的概率算 `F.cross_entropy`，就算正确类别的概率是 1，结果也不小于 log(e + n − 1) − 1，
    十个类别是 1.46；拿得分来算，则可以任意接近 0。
    """
    assert f"{np.log(np.e + 9) - 1:.2f}" == "1.46"
    torch.manual_seed(0)
    for count in over(range(2, 30), "numbers of classes | 种类别数"):
        labels = torch.arange(count)
        floor = np.log(np.e + count - 1) - 1
        scores = 100 * torch.eye(count, dtype=torch.float64)
        assert F.cross_entropy(scores, labels) < 1e-6
        assert F.cross_entropy(scores.softmax(1), labels).item() == pytest.approx(floor)
        for _ in range(20):
            scores = 10 * torch.randn(count, count, dtype=torch.float64)
            assert F.cross_entropy(scores.softmax(1), labels) > floor


def test_a_column_minus_a_vector_is_a_table() -> None:
    """A tensor of shape `(n, 1)` minus one of shape `(n,)` has the shape `(n, n)`, without an error; minus
    `y.unsqueeze(1)` it has the shape `(n, 1)`.

    形状是 `(n, 1)` 的张量减去形状是 `(n,)` 的，得到的形状是 `(n, n)`，不报错；减去 `y.unsqueeze(1)`，得到的是 `(n, 1)`。
    """
    for n in over(range(2, 20), "numbers of rows | 种行数"):
        outputs, y = torch.rand(n, 1), torch.rand(n)
        assert (outputs - y).shape == (n, n)
        assert (outputs - y.unsqueeze(1)).shape == (n, 1)


def test_a_shared_block_counts_once_and_is_saved_twice() -> None:
    """A block at two positions of a `Sequential` gives its parameters once, but its keys appear twice in the
    state dict.

    同一个块放在 `Sequential` 的两个位置，参数只算一份，状态字典里的键却有两份。
    """
    state = after("together.model")
    net = state.build()
    assert net[2] is net[3]
    assert lines("together.model")[:2] == ["numbers: 5050", "keys of the state dict: 9"]
    assert 160 + 2320 + 2570 == 5050
    sizes = [sum(p.numel() for p in net[i].parameters()) for i in (1, 2, 5)]
    assert sizes == [160, 2320, 2570]
    assert len(net.state_dict()) == 1 + 4 * 2
    saved = net.state_dict()
    assert saved["3.conv.weight"].data_ptr() == saved["2.conv.weight"].data_ptr()
    net[3] = state.Residual(16)
    assert sum(p.numel() for p in net.parameters()) == 5050 + 2320


def test_training_changes_more_than_the_weights() -> None:
    """Besides the weights, a training step may change buffers, the state of the optimiser, the number of the
    step, the losses so far, and the state of the random number generator, which decides order and dropout.

    除了权重，一步训练还可能改动缓冲区、优化器的状态、步数、已经记下的损失和随机数生成器的状态，次序和 dropout 由它决定。
    """
    state = after("together.run")
    run = state.Run(seed=0)
    parts: tuple[Any, ...] = (
        lambda: [p.detach().clone() for p in run.net.parameters()],
        lambda: [b.clone() for b in run.net.buffers()],
        lambda: [s["exp_avg"].clone() for s in run.optimizer.state.values()],
        lambda: [torch.get_rng_state()],
        lambda: [torch.tensor(run.step)],
        lambda: [run.losses.nan_to_num(-1.0)],
    )
    run.update()  # before its first step Adam has no averages
    before = [part() for part in parts]
    run.update()
    for old, part in zip(before, parts, strict=True):
        now = part()
        assert len(now) == len(old) > 0
        assert not any(torch.equal(a, b) for a, b in zip(old, now, strict=True))
    generators, drawn = torch.get_rng_state(), list[tuple[torch.Tensor, torch.Tensor]]()
    for again in (True, False, False):
        if again or len(drawn) == 1:
            torch.set_rng_state(generators)
        drawn.append((run.rows(), nn.functional.dropout(torch.ones(99))))
    assert all(map(torch.equal, drawn[0], drawn[1]))
    assert not any(map(torch.equal, drawn[1], drawn[2]))


def test_recording_a_loss_reads_no_value() -> None:
    """Writing a detached loss into a tensor on the same device does not read its value; `item()` does.

    把脱离计算图的损失写进同一设备上的张量，不必读出它的数值；`item()` 则要读。
    """
    whole = after("together.run").whole
    assert not whole.losses.requires_grad
    assert whole.losses.device == next(whole.net.parameters()).device
    losses = torch.full((3,), torch.nan, device="meta")  # a device without values
    loss = torch.ones(4, device="meta", requires_grad=True).mean()
    losses[1] = loss.detach()
    assert not losses.requires_grad
    with pytest.raises(RuntimeError, match=r"item\(\) cannot be called on meta tensors"):
        loss.item()


def test_the_model_reads_held_out_digits() -> None:
    """After its 100 steps, the model of 5.7 reads more than nine in ten of the digits that it was not trained
    on.

    训练 100 步之后，本页的模型能认对九成以上没有训练过的数字。
    """
    (line,) = lines("together.run")
    assert 0.9 < float(line.removeprefix("held-out accuracy: ")) <= 1
    state = after("together.run")
    net = state.whole.net.eval()
    with torch.no_grad():
        right = sum(
            int(net(x[None]).argmax()) == int(y)
            for x, y in zip(state.X_test, state.y_test, strict=True)
        )
    assert right / 500 > 0.9
    assert abs(state.accuracy(net) - right / 500) < 0.005
    assert state.accuracy(state.build()) < 0.5
    assert not set(state.train.tolist()) & set(state.held_out.tolist())


def test_the_run_learns_and_moves_every_part(page: Any) -> None:
    """The loss falls to less than a fifth, every parameter moves, the mean is close to the data's."""
    losses = page.whole.losses
    assert not losses.isnan().any()
    assert not losses.requires_grad
    assert losses[-10:].mean() < losses[:10].mean() / 5
    fresh = page.Run(0)
    pairs = zip(fresh.net.parameters(), page.whole.net.parameters(), strict=True)
    assert all(not torch.equal(a, b) for a, b in pairs)
    assert (page.whole.net[0].mean - page.X.mean(dim=0)).abs().max() < 0.1
    assert torch.isnan(fresh.losses).all()


def test_the_checkpoint_holds_all_that_changes() -> None:
    """The checkpoint of 5.7 holds model, optimiser, losses, step and generators, and the default loader reads
    it.

    本页的检查点里有模型、优化器、损失、步数和生成器的状态，默认的加载方式就能读。
    """
    state = after("together.checkpoint")
    run = trained(state, 3)
    with temporary_file() as path:
        state.save(run, path)
        saved = torch.load(path, map_location="cpu")
        assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert set(saved) == {"net", "optimizer", "losses", "step", "rng", "gpu_rng"}
    assert saved["step"] == 3
    assert len(saved["gpu_rng"]) == torch.cuda.device_count()
    assert saved["losses"].isnan().sum() == state.STEPS - 3
    assert torch.equal(saved["rng"], torch.get_rng_state())
    assert saved["net"].keys() == run.net.state_dict().keys()

    def torn(value: Any, file: Any) -> None:
        Path(file).write_bytes(b"torn")
        raise OSError

    with temporary_file() as path:
        state.save(run, path)
        before = path.read_bytes()
        with mock.patch.object(torch, "save", torn), pytest.raises(OSError):
            state.save(run, path)
        assert path.read_bytes() == before


def test_a_gpu_checkpoint_opens_on_the_cpu_whole() -> None:
    """A checkpoint from a GPU that is missing here opens with `map_location="cpu"`, model, optimiser and all.

    保存检查点的那块 GPU 不在了，用 `map_location="cpu"` 照样能打开，模型、优化器等一样不少。
    """
    state = after("together.checkpoint")
    run = trained(state, 2)
    with temporary_file() as path:
        with pytest.MonkeyPatch.context() as patch:
            # the file is to say that everything lies on a GPU which no machine has
            patch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:99")
            state.save(run, path)
        with pytest.raises(RuntimeError, match="Attempting to deserialize object on"):
            torch.load(path)
        saved = torch.load(path, map_location="cpu")
    averages = [entry["exp_avg"] for entry in saved["optimizer"]["state"].values()]
    assert len(averages) == 6
    tensors = [*saved["net"].values(), *averages, saved["losses"], saved["rng"]]
    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    weight = run.net.state_dict()["1.weight"]
    assert torch.equal(saved["net"]["1.weight"], weight.cpu())


def test_loading_puts_values_where_the_parameters_are() -> None:
    """`load_state_dict` leaves a model on its device; that of Adam moves the loaded averages to the
    devices of the parameters.

    `load_state_dict` 不改变模型所在的设备；Adam 的 `load_state_dict` 会把滑动平均移到参数所在的设备。
    """
    state = after("together.checkpoint")
    run = trained(state, 2)
    net = state.build().to("meta")
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    parameters = list(net.parameters())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to meta, values are not copied
        net.load_state_dict(run.net.state_dict())
    optimizer.load_state_dict(run.optimizer.state_dict())
    assert all(p is q for p, q in zip(parameters, net.parameters(), strict=True))
    assert {p.device.type for p in parameters} == {"meta"}
    assert len(parameters) == 6
    assert {optimizer.state[p]["exp_avg"].device.type for p in parameters} == {"meta"}
    assert {optimizer.state[p]["step"].device.type for p in parameters} == {"cpu"}  # it stays
    here = run.optimizer.state.values()
    assert {entry["exp_avg"].device.type for entry in here} == {state.device.type}


def test_generator_states_stay_on_the_cpu() -> None:
    """`map_location` also moves the state of a generator in the file, and `torch.set_rng_state` accepts it
    only on the CPU.

    `map_location` 会把文件里生成器的状态也一并移走，而 `torch.set_rng_state` 只收 CPU 上的。
    """
    state = after("together.generator-elsewhere")
    with temporary_file() as path:
        state.save(state.Run(seed=0), path)
        moved = torch.load(path, map_location="meta")["rng"]
        kept = torch.load(path, map_location="cpu")["rng"]
    assert moved.device.type == "meta"
    with pytest.raises(TypeError, match=r"RNG state must be a torch\.ByteTensor"):
        torch.set_rng_state(moved)
    error = shown("together.generator-elsewhere").error
    assert error == "TypeError: RNG state must be a torch.ByteTensor"
    torch.set_rng_state(kept)
    assert torch.equal(torch.get_rng_state(), kept)


def test_building_a_model_moves_the_generator() -> None:
    """Building a model draws its initial weights and so moves the generator on: restore its state
    after that.

    创建模型要抽初始权重，生成器的状态就变了，所以要在创建之后再恢复它。
    """
    state = after("together.checkpoint")
    with temporary_file() as path:
        state.save(trained(state, 3), path)
        saved = torch.load(path, map_location="cpu")
        torch.set_rng_state(saved["rng"])
        state.build()
        assert not torch.equal(torch.get_rng_state(), saved["rng"])
        state.resume(path)
        assert torch.equal(torch.get_rng_state(), saved["rng"])


def test_every_gpu_has_a_generator_state() -> None:
    """`torch.cuda.get_rng_state_all()` gives one state for each GPU: where there is none, an empty list,
    which can be set again. Told that there are up to eight GPUs, it asks each for its state.

    `torch.cuda.get_rng_state_all()` 为每块 GPU 返回一个状态；一块也没有时返回空列表，
    照样可以设回去。数目报成几块（最多试到八块），它就向每一块各要一个状态。
    """
    states = torch.cuda.get_rng_state_all()
    assert isinstance(states, list)
    assert len(states) == torch.cuda.device_count()
    torch.cuda.set_rng_state_all(states)
    with pytest.MonkeyPatch.context() as patch:  # told of so many, it asks each for its state
        patch.setattr(torch.cuda.random, "get_rng_state", lambda device: torch.tensor([device]))
        for count in over(range(9), "numbers of GPUs | 种 GPU 的数目"):
            patch.setattr(torch.cuda.random, "device_count", lambda count=count: count)
            assert [int(one) for one in torch.cuda.get_rng_state_all()] == list(range(count))
    state = after("together.checkpoint")
    with temporary_file() as path:
        state.save(state.Run(seed=0), path)
        assert len(torch.load(path, map_location="cpu")["gpu_rng"]) == len(states)


def test_a_power_cut_loses_what_came_after_the_checkpoint(page: Any) -> None:
    """The run dies after step 75 with its own error; files exist for steps 20, 40 and 60."""
    outcome = shown("together.power-cut")
    assert outcome.state == "raised"
    assert outcome.error == "PowerCut: after step 75 of 100"
    assert page.killed.step == 75
    assert torch.equal(page.killed.losses[:75], page.whole.losses[:75])
    assert page.killed.losses[75:].isnan().all()


def test_a_resumed_run_equals_the_whole_run_bit_for_bit() -> None:
    """With model, buffers, optimiser and generators restored, a run continues on the same machine, with
    as many threads, bit for bit as if it had never stopped.

    模型、缓冲区、优化器、生成器全都恢复之后，在同一台机器上、以同样的线程数接着训练，结果与从未中断逐位一致。
    """
    assert lines("together.resume")[:2] == ["same losses: True", "same parameters and buffer: True"]
    assert lines("together.resume")[2] == lines("together.run")[0]  # the accuracy
    state = after("together.resume")
    assert state.seam == 60
    assert state.resumed is not state.whole
    assert state.resumed.step == 100
    assert torch.equal(bits(state.resumed.losses), bits(state.whole.losses))
    for a, b in zip(state.resumed.net.parameters(), state.whole.net.parameters(), strict=True):
        assert a is not b
        assert torch.equal(bits(a), bits(b))
    assert torch.equal(bits(state.resumed.net[0].mean), bits(state.whole.net[0].mean))
    for net in (state.resumed.net, state.whole.net):
        net.eval()
    assert torch.equal(state.resumed.net(state.X), state.whole.net(state.X))
    changed = state.Run(0)
    assert not state.same(changed, state.whole)


def test_a_run_can_be_cut_early_and_late() -> None:
    """With another seed, and cut after its first step or after step 17, the run of 5.7 goes on bit for bit as
    well. The losses of the steps done are equal; those of the steps to come are NaN, for which `torch.equal` is `False`.

    换一个随机种子，断在第 1 步或第 17 步之后，本页的训练同样能逐位一致地继续。走完的各步损失相等；还没走的是 NaN，
    对它们 `torch.equal` 得到 `False`。
    """
    state = after("together.checkpoint")
    whole = trained(state, 25, seed=7)
    for cut in 1, 17:
        with temporary_file() as path:
            state.save(trained(state, cut, seed=7), path)
            torch.manual_seed(12345)
            resumed = state.resume(path)
        assert resumed.net[2] is resumed.net[3]
        assert resumed.step == cut
        while resumed.step < 25:
            resumed.update()
        assert torch.equal(bits(resumed.losses[:25]), bits(whole.losses[:25]))
        assert torch.equal(resumed.losses[:25], whole.losses[:25])
        assert not torch.equal(resumed.losses, whole.losses)
        assert resumed.losses[25:].isnan().all()
        assert torch.equal(bits(resumed.net[0].mean), bits(whole.net[0].mean))


def test_generators_restored_last_are_where_they_were() -> None:
    """A generator that is restored after the model was built is in the state that was saved, and
    draws the same numbers again.

    先建模型，再恢复生成器，它就处在保存时的状态，会再抽出同样的数。
    """
    state = after("together.checkpoint")
    run = trained(state, 3)
    with temporary_file() as path:
        state.save(run, path)
        saved, drawn = torch.get_rng_state(), torch.rand(5)
        state.resume(path)
        assert torch.equal(torch.get_rng_state(), saved)
        assert torch.equal(torch.rand(5), drawn)
        state.resume(path, forget=["rng"])
        assert not torch.equal(torch.get_rng_state(), saved)


def test_a_forgotten_part_raises_no_error() -> None:
    """A run whose optimiser or generators were not restored goes on without an error or a warning.

    优化器或生成器没有恢复，训练照样往下走，既不报错，也没有警告。
    """
    state = after("together.checkpoint")
    with temporary_file() as path, warnings.catch_warnings():
        warnings.simplefilter("error")
        state.save(trained(state, 3), path)
        for part in "optimizer", "rng":
            run = state.resume(path, forget=[part])
            while run.step < 6:
                run.update()
            assert not run.losses[:6].isnan().any()


def test_a_forgotten_optimiser_shows_one_step_late() -> None:
    """A run resumed without the state of its optimiser has the right loss in its first step, and
    wrong ones from the second on.

    恢复训练时漏掉优化器的状态，第一步的损失还是对的，从第二步起就不对了。
    """
    assert lines("together.forgotten")[0] == "without optimizer: 62"
    state = after("together.forgotten")
    losses, whole = state.forgotten["optimizer"], state.whole.losses
    assert torch.equal(losses[:61], whole[:61])
    assert losses[61] != whole[61]


def test_forgotten_generators_show_at_once() -> None:
    """A run resumed without the states of the generators has a wrong loss from its first step on.

    恢复训练时漏掉生成器的状态，从第一步起损失就不对。
    """
    assert lines("together.forgotten")[1] == "without rng: 61"
    state = after("together.forgotten")
    losses, whole = state.forgotten["rng"], state.whole.losses
    assert torch.equal(losses[:60], whole[:60])
    assert losses[60] != whole[60]


def test_a_forgotten_buffer_shows_at_once() -> None:
    """A run resumed with a buffer back at its initial value has a wrong loss from its first step
    on.

    恢复训练时若让缓冲区回到初始值，从第一步起损失就不对。
    """
    state = after("together.checkpoint")
    run = trained(state, 5)
    with temporary_file() as path:
        state.save(run, path)
        losses = []
        for forget in (False, True):
            resumed = state.resume(path)
            if forget:
                resumed.net[0].mean.zero_()
            resumed.update()
            losses.append(resumed.losses[5])
    assert losses[0] != losses[1]


def test_a_new_adam_first_steps_by_the_learning_rate() -> None:
    """In the first step of a new Adam, a parameter moves by the learning rate times g / (g + eps), where g is
    the size of its gradient and `eps` is 1e-8: almost by the learning rate, whether the gradient is large or
    small, as long as it is far above `eps`.

    新建的 Adam 走第一步时，参数移动的距离是学习率乘以 g / (g + eps)，g 是梯度的绝对值，`eps` 是 1e-8：
    不论梯度大小，只要远大于 `eps`，就几乎是整整一个学习率。
    """
    state = after("together.forgotten")
    for power in over(range(-6, 7), "sizes of gradients | 种梯度大小"):
        p = nn.Parameter(torch.ones(4))
        p.grad = torch.tensor([1.0, -1.0, 2.0, 0.0]) * 10.0**power
        torch.optim.Adam([p], lr=0.02).step()
        assert torch.allclose(1 - p, torch.tensor([0.02, -0.02, 0.02, 0.0]), rtol=0.02)
    for size in (1e-4, 1e-7, 1e-8, 1e-9, 1e-12):
        p = nn.Parameter(torch.zeros(1))
        p.grad = torch.tensor([size])
        torch.optim.Adam([p], lr=0.02).step()
        assert -p.item() == pytest.approx(0.02 * size / (size + 1e-8), rel=1e-3)

    moved = {}
    with temporary_file() as path:
        state.save(state.killed, path)
        for forget in ((), ("optimizer",)):
            run = state.resume(path, forget=forget)
            before = torch.cat([p.detach().flatten() for p in run.net.parameters()])
            run.update()
            now = torch.cat([p.detach().flatten() for p in run.net.parameters()])
            moved[forget] = (now - before).abs()
    assert ((moved["optimizer",] - 0.03).abs() < 0.0015).float().mean() > 0.9
    assert moved[()].median() < 0.01


def test_the_picture_shows_the_seam(page: Any) -> None:
    """Resumed equals whole, bit for bit; the run with a new Adam jumps after the seam."""
    assert (page.seam, page.STEPS) == (60, 100)
    whole, dashed = page.whole.losses, page.forgotten["optimizer"]
    assert torch.equal(page.resumed.losses, whole)
    assert dashed[60:70].mean() > 2 * whole[60:70].mean()


def test_the_picture_names_its_lines() -> None:
    """One figure, whose lines carry the names of the runs."""
    (figure,) = shown("together.curves").figures
    for text in ("whole", "killed", "resumed", "without optimizer", "step", "loss"):
        assert f">{text}</text>" in figure


def test_ties_are_found_by_identity(page: Any) -> None:
    """ties() groups the names of one parameter; equal values alone are no tie."""
    assert page.ties(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))) == []
    first, second, third = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = third.weight = first.weight
    assert page.ties(nn.Sequential(first, second, third)) == [["0.weight", "1.weight", "2.weight"]]
    twin = nn.Linear(3, 3)
    twin.load_state_dict(first.state_dict())
    assert page.ties(nn.Sequential(first, twin)) == []


def test_names_of_one_object_are_a_tie() -> None:
    """Names that give one object in `named_parameters(remove_duplicate=False)` are tied; equal values alone
    do not make a tie.

    `named_parameters(remove_duplicate=False)` 里，指向同一个对象的名字才是绑定的，
    只是数值相等还不算。
    """
    state = after("together.ties")
    every = dict(state.tied.named_parameters(remove_duplicate=False))
    assert every["2.conv.weight"] is every["3.conv.weight"]
    assert (len(every), len(dict(state.tied.named_parameters()))) == (8, 6)
    assert len(state.ties(state.tied)) == 2
    untied = dict(state.untied.named_parameters(remove_duplicate=False))
    assert torch.equal(untied["2.conv.weight"], untied["3.conv.weight"])
    assert untied["2.conv.weight"] is not untied["3.conv.weight"]
    assert state.ties(state.untied) == []


def test_a_lost_tie_loads_without_complaint() -> None:
    """The state dict of a tied model loads into one without the tie: keys and shapes are the same,
    and so are the outputs at first.

    参数绑定的模型，其状态字典也能加载进没有绑定的模型：键和形状都一样，起初连输出也相等。
    """
    assert lines("together.lost-tie") == ["<All keys matched successfully>"] * 2 + [
        "same outputs: True"
    ]
    state = after("together.lost-tie")
    shapes = [[(k, v.shape) for k, v in n.state_dict().items()] for n in (state.tied, state.untied)]
    assert shapes[0] == shapes[1]
    assert state.untied[2].conv.weight is not state.untied[3].conv.weight
    assert torch.equal(state.tied(state.X), state.untied(state.X))
    other = state.build().eval()
    assert not torch.equal(state.tied(state.X), other(state.X))


def test_blocks_without_their_tie_drift_apart() -> None:
    """Two blocks with equal values but no tie get different gradients, and differ after one step.

    两个块数值相同却没有绑定，得到的梯度不同，走一步就不一样了。
    """
    state = after("together.lost-tie")
    tied, untied = state.tied, state.untied
    assert torch.equal(untied[2].conv.weight, untied[3].conv.weight)
    for net in (tied, untied):
        net.zero_grad()
        F.cross_entropy(net(state.X), state.y).backward()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter -= 0.1 * parameter.grad
    assert not torch.equal(untied[2].conv.weight, untied[3].conv.weight)
    assert not torch.equal(tied(state.X), untied(state.X))


def test_the_optimiser_notices_a_lost_tie() -> None:
    """The state of an optimiser counts parameters: saved for a tied model, it is refused for one
    without the tie, with a `ValueError`.

    优化器的状态按参数个数来记：为绑定的模型保存的状态，不能给没有绑定的模型用，会报 `ValueError`。
    """
    error = shown("together.lost-tie").error
    assert error is not None
    text = "ValueError: loaded state dict contains a parameter group that doesn't match the size"
    assert error.startswith(text)
    state = after("together.lost-tie")
    assert (len(list(state.tied.parameters())), len(list(state.untied.parameters()))) == (6, 8)
    assert len(state.saved["optimizer"]["state"]) == 6
    torch.optim.Adam(state.tied.parameters()).load_state_dict(copy.copy(state.saved["optimizer"]))


def test_latest_skips_what_cannot_be_loaded(here: Path, page: Any) -> None:
    """The highest step counts, not the order or the name; broken files are passed over."""
    for name, step in (("b.pt", 3), ("a.pt", 12), ("c.pt", 7)):
        torch.save({"step": step}, name)
    assert page.latest(["b.pt", "a.pt", "c.pt"]) == "a.pt"
    data = Path("a.pt").read_bytes()
    for length in (0, len(data) // 4, len(data) // 2, len(data) - 1):
        Path("a.pt").write_bytes(data[:length])
        assert page.latest(["a.pt", "b.pt", "c.pt", "none.pt"]) == "c.pt"
    with pytest.raises(FileNotFoundError):
        torch.load("none.pt")
    Path("empty.pt").touch()
    with pytest.raises(EOFError):
        torch.load("empty.pt")
    Path("half.pt").write_bytes(data[: len(data) // 2])
    with pytest.raises(RuntimeError):
        torch.load("half.pt")


def test_unreadable_files_raise_three_errors() -> None:
    """`torch.load` raises a `FileNotFoundError` for a missing file, an `EOFError` for an empty one,
    and for one that is cut off, with four bytes or more left, a `RuntimeError` or, at some lengths, an
    `OSError`.

    `torch.load` 遇到不存在的文件报 `FileNotFoundError`，空文件报 `EOFError`，
    不完整但至少还有四个字节的文件报 `RuntimeError`，断在某些长度上则是 `OSError`。
    """
    errors = [error.text for error in shown("together.useless-files").errors]
    assert errors[0] == "FileNotFoundError: [Errno 2] No such file or directory: 'none.pt'"
    assert errors[1].startswith("EOFError")
    assert errors[2].startswith("RuntimeError: PytorchStreamReader failed reading zip archive")
    with temporary_file() as path:
        with pytest.raises(FileNotFoundError):
            torch.load(path)
        path.touch()
        with pytest.raises(EOFError):
            torch.load(path)
        torch.save({"step": 12, "weight": torch.ones(100)}, path)
        data = path.read_bytes()
        for length in (len(data) // 4, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:length])
            with pytest.raises(RuntimeError):
                torch.load(path)
        changed = bytearray(data)  # in the middle of a number
        changed[data.find(torch.ones(4).numpy().tobytes()) + 2] ^= 0x10
        path.write_bytes(changed)
        assert not torch.equal(torch.load(path)["weight"], torch.ones(100))
        whole, found = cut_files(after("together.useless-files").data), set()
        cuts = [cut for cut in whole if cut.length > 3]
        for cut in over(cuts, "lengths at which a file was cut | 种截断的长度"):
            path.write_bytes(cut.data)
            with pytest.raises((RuntimeError, OSError)) as caught:
                torch.load(path)
            found.add(caught.type)
    assert found == {RuntimeError, OSError}


def test_three_bytes_are_refused_as_a_pickle() -> None:
    """A file of which only one, two or three bytes are left raises an `UnpicklingError`.

    文件只剩下开头一、二或三个字节，报的是 `UnpicklingError`。
    """
    with temporary_file() as path:
        torch.save({"step": 12, "weight": torch.ones(100)}, path)
        data = path.read_bytes()
        for length in over((1, 2, 3), "lengths at which a file was cut | 种截断的长度"):
            path.write_bytes(data[:length])
            with pytest.raises(pickle.UnpicklingError):
                torch.load(path)


def test_a_refused_file_raises_another_error() -> None:
    """A whole file that holds more than the default loader allows raises an `UnpicklingError`, which is
    neither an `OSError` nor an `EOFError` nor a `RuntimeError`.

    文件完好，内容却超出默认加载方式的许可，报的是 `UnpicklingError`，
    它不属于 `OSError`、`EOFError`，也不属于 `RuntimeError`。
    """
    state = after("together.latest")
    with temporary_file() as path:
        torch.save({"step": nn.Linear(1, 1)}, path)
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed") as caught:
            state.latest([path])
    assert not isinstance(caught.value, OSError | EOFError | RuntimeError)


def test_evaluating_in_evaluation_mode_leaves_no_trace() -> None:
    """Measuring the accuracy in evaluation mode and without gradients changes no number of the model of 5.7
    and draws none; only the mode has to be put back.

    在评估模式下测准确率，并且不记录梯度，这个模型里的数就一个也不变，也不抽随机数；
    只有模式要自己改回去。
    """
    state = after("together.peek")
    net = state.build()
    before, drawn = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    state.accuracy(net)
    assert not net.training
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None for p in net.parameters())
    net.train()(state.X_test)
    assert not torch.equal(torch.get_rng_state(), drawn)
    assert not torch.equal(net[0].mean, before["0.mean"])


def test_the_check_of_a_look_refuses_what_leaves_a_trace(page: Any) -> None:
    """Refused: leaving the model in evaluation mode, measuring in training mode, or a copy in it, always training."""

    def in_training(net: Any) -> float:
        hits = net(page.X_test).argmax(dim=1) == page.y_test
        return hits.float().mean().item()

    def always(net: Any) -> float:
        share = page.accuracy(net)
        net.train()
        return share

    def copy_in_training(net: Any) -> float:
        with torch.random.fork_rng():
            return in_training(copy.deepcopy(net))

    def copy_counted(net: Any) -> float:
        hits = copy.deepcopy(net).eval()(page.X_test).argmax(dim=1) == page.y_test
        return hits.sum().item() / len(hits)

    page.check_peek(page.peek)
    page.check_peek(copy_counted)
    for wrong in (page.accuracy, in_training, always, copy_in_training):
        with pytest.raises(AssertionError):
            page.check_peek(wrong)


def test_a_schedule_has_a_state_of_its_own() -> None:
    """A scheduler such as `CosineAnnealingLR` has a state dict of its own; a run resumed without it
    counts from 0 again, without an error, from the learning rate that the optimiser has loaded.

    `CosineAnnealingLR` 这样的调度器有自己的状态字典；恢复训练时漏掉它，就又从 0 数起，
    也不报错，学习率则从优化器读回的值开始。
    """
    state = after("together.scheduled")

    class Forgetful(state.Scheduled):  # type: ignore[misc]
        def __init__(self, seed: int) -> None:
            super().__init__(seed)
            del self.parts["schedule"]

    class TooEarly(state.Scheduled):  # type: ignore[misc]
        def update(self) -> None:
            self.schedule.step()
            state.Run.update(self)

    run = state.Scheduled(0)
    while run.step < 10:
        run.update()
    assert run.schedule.state_dict()["last_epoch"] == 10
    with temporary_file() as path:
        state.save(run, path)
        assert state.resume(path, kind=state.Scheduled).schedule.last_epoch == 10
        forgetful = state.resume(path, kind=Forgetful)
        rate = run.optimizer.param_groups[0]["lr"]
        assert rate < run.schedule.base_lrs[0]
        assert forgetful.optimizer.param_groups[0]["lr"] == rate
    assert forgetful.schedule.last_epoch == 0
    with temporary_file():
        for wrong in (Forgetful, TooEarly, state.Run):
            with pytest.raises(AssertionError):
                state.check_scheduled(wrong)


def test_the_check_of_the_latest_refuses_the_newest_name_and_the_last_of_the_list(
    here: Path, page: Any
) -> None:
    """Refused: the last path that opens, the highest name, and the youngest file."""
    run = page.Run(seed=0)
    while run.step < 80:
        run.update()
        if run.step % 20 == 0:
            page.save(run, f"step-{run.step}.pt")
    for name, length in (("torn.pt", 1000), ("half.pt", len(page.data) // 2), ("empty.pt", 0)):
        Path(name).write_bytes(page.data[:length])
    page.check_latest(page.latest)

    def opens(path: str) -> bool:
        try:
            torch.load(path)
        except (OSError, EOFError, RuntimeError):
            return False
        return True

    for wrong in (
        lambda paths: [path for path in paths if opens(path)][-1],
        lambda paths: max(path for path in paths if opens(path)),
        lambda paths: max((path for path in paths if opens(path)), key=os.path.getmtime),
    ):
        with pytest.raises(AssertionError):
            page.check_latest(wrong)

    def without_a_look_at_the_type(paths: list[str]) -> str:
        steps = {}
        for path in filter(opens, paths):
            saved = torch.load(path)
            if "step" in saved:
                steps[path] = saved["step"]
        return max(steps, key=lambda path: steps[path])

    def dicts(paths: list[str]) -> str:
        found = {path: torch.load(path) for path in paths if opens(path)}
        steps = {path: run.get("step", -1) for path, run in found.items() if isinstance(run, dict)}
        return max(steps, key=lambda path: steps[path])

    def zips(paths: list[str]) -> str:
        return dicts([path for path in paths if zipfile.is_zipfile(path)])

    def above_0(paths: list[str]) -> str | None:
        best, found = 0, None
        for path in filter(opens, paths):
            saved = torch.load(path)
            if isinstance(saved, dict) and saved.get("step", 0) > best:
                best, found = saved["step"], path
        return found

    page.check_latest(dicts)
    with pytest.raises(AssertionError, match=r"page\.pt: it told nothing"):
        page.check_latest(zips)
    with pytest.raises(AssertionError, match="it chose None"):
        page.check_latest(above_0)
    with pytest.raises(
        (RuntimeError, TypeError), match=r"__contains__|not iterable|not a container"
    ):
        page.check_latest(without_a_look_at_the_type)
    with pytest.raises(RuntimeError):
        page.check_latest(lambda paths: max(paths, key=lambda path: torch.load(path)["step"]))


def test_the_check_of_ties_refuses_equal_values_and_single_names(page: Any) -> None:
    """Refused: groups of equal values, and names that `named_parameters` lists by itself."""

    def equal(net: Any) -> list[list[str]]:
        groups: list[list[tuple[str, Any]]] = []
        for name, p in net.named_parameters(remove_duplicate=False):
            for group in groups:
                if p.shape == group[0][1].shape and torch.equal(p, group[0][1]):
                    group.append((name, p))
                    break
            else:
                groups.append([(name, p)])
        return [[name for name, _ in group] for group in groups if len(group) > 1]

    def grouped(names: Any) -> list[list[str]]:
        groups: dict[int, list[str]] = {}
        for name, key in names:
            groups.setdefault(key, []).append(name)
        return [group for group in groups.values() if len(group) > 1]

    def by_address(net: Any) -> list[list[str]]:
        return grouped((name, value.data_ptr()) for name, value in net.state_dict().items())

    def parameters_by_address(net: Any) -> list[list[str]]:
        pairs = net.named_parameters(remove_duplicate=False)
        return grouped((name, p.data_ptr()) for name, p in pairs)

    def buffers_too(net: Any) -> list[list[str]]:
        pairs = net.state_dict(keep_vars=True).items()
        return grouped((name, id(value)) for name, value in pairs)

    def trained(net: Any) -> list[list[str]]:
        pairs = net.state_dict(keep_vars=True).items()
        return grouped((name, id(p)) for name, p in pairs if isinstance(p, nn.Parameter))

    def registered(net: Any) -> list[list[str]]:
        modules = net.named_modules(remove_duplicate=False)
        return grouped((f"{at}.{n}", id(p)) for at, m in modules for n, p in m._parameters.items())

    def pairs(net: Any) -> list[tuple[str, str]]:
        return [pair for group in page.ties(net) for pair in itertools.combinations(group, 2)]

    with pytest.raises(AssertionError, match=r"no ties: .*bias"):
        page.check_ties(registered)
    with pytest.raises(AssertionError, match="not one group of three"):
        page.check_ties(pairs)
    page.check_ties(trained)
    for wrong in (equal, lambda net: [], by_address, parameters_by_address, buffers_too):
        with pytest.raises(AssertionError):
            page.check_ties(wrong)
    page.check_ties(lambda net: [tuple(reversed(group)) for group in page.ties(net)])


def test_the_rest_of_an_epoch_belongs_to_the_run() -> None:
    """A run that goes through the data in epochs, draws each order from the global generator when the epoch begins
    and is cut within one goes on bit for bit only if the rest of its order was saved. A run that draws the order from
    a generator seeded with the number of the epoch goes on without that.

    按轮次使用数据的训练，若每一轮开始时用全局生成器抽次序，又断在一轮中间，剩下的次序也要保存，才能逐位一致地继续。
    拿轮数作种子新建生成器来抽次序的，不保存也能继续。
    """
    state = after("together.epochs")

    class Forgetful(state.Epochs):  # type: ignore[misc]
        def __init__(self, seed: int) -> None:
            super().__init__(seed)
            del self.parts["order"]

    class OneOrder(state.Order):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = self.rows

        def next(self) -> Any:
            if len(self.rows) == 0:
                self.rows = self.first
            return super().next()

    class Repeating(state.Epochs):  # type: ignore[misc]
        def __init__(self, seed: int) -> None:
            super().__init__(seed)
            self.order = self.parts["order"] = OneOrder()

    class Uneven(state.Epochs):  # type: ignore[misc]
        def rows(self) -> Any:
            if not getattr(self, "left", None):
                self.left = list(torch.randperm(len(state.X)).chunk(11))
            return self.left.pop()

    class Derived(state.Run):  # type: ignore[misc]
        def rows(self) -> Any:
            epoch, batch = divmod(self.step, 11)
            own = torch.Generator().manual_seed(epoch)
            return torch.randperm(len(state.X), generator=own)[128 * batch :][:128]

    class Kept(state.Run):  # type: ignore[misc]
        def __init__(self, seed: int, saved: bool = True) -> None:
            super().__init__(seed)
            self.order = state.Order()
            if saved:
                self.parts["order"] = self.order

        def rows(self) -> Any:
            batch = self.step % 11
            if batch == 0:
                self.order.rows = torch.randperm(len(state.X))
            return self.order.rows[128 * batch :][:128]

    with temporary_file():
        state.check_epochs(Derived)
        state.check_epochs(Kept)
        for wrong in (Forgetful, Repeating, Uneven, lambda seed: Kept(seed, saved=False)):
            with pytest.raises(AssertionError, match=r"resumed at 5|the same order again|sizes"):
                state.check_epochs(wrong)
        with pytest.raises(AssertionError, match=r"sizes .*, not ten of 128 and 17"):
            state.check_epochs(state.Run)


def test_anything_with_a_state_can_be_a_part_of_a_run() -> None:
    """`save` and `resume` of 5.7 use only the `state_dict` and `load_state_dict` of a part: it may be a
    module, an optimiser, a scheduler or an object of a class of your own, if the default loader reads its
    state.

    本页的 `save` 和 `resume` 只用到每个部分的 `state_dict` 和 `load_state_dict`：
    模块、优化器、调度器、自己写的类都行，只要状态能用默认的加载方式读取。
    """
    state = after("together.epochs")

    class Both(state.Epochs, state.Scheduled):  # type: ignore[misc]
        pass

    run = Both(0)
    assert set(run.parts) == {"net", "optimizer", "schedule", "order"}
    while run.step < 3:
        run.update()
    with temporary_file() as path:
        state.save(run, path)
        losses = []
        for other in run, state.resume(path, kind=Both):
            torch.set_rng_state(torch.load(path)["rng"])
            assert other.schedule.last_epoch == other.step == 3
            while other.step < 6:
                other.update()
            losses.append(other.losses[:6])
        part = mock.Mock(spec=["state_dict", "load_state_dict"])
        run.parts, kind = {"part": part}, mock.Mock(return_value=run)
        part.state_dict.return_value = {"n": 3}
        state.save(run, path)
        state.resume(path, kind=kind)
        part.load_state_dict.assert_called_once_with({"n": 3})
        part.state_dict.return_value = {"n": np.float64(3)}
        state.save(run, path)
        with pytest.raises(pickle.UnpicklingError):
            state.resume(path, kind=kind)
    assert torch.equal(*losses)


def test_the_fixes_for_training_work() -> None:
    """Each fix that the index of errors gives for 5.7 was tried: code written that way runs.

    报错索引里 5.7 的改法都试过：照着写的代码都能运行。
    """
    raw = torch.rand(2, 8, 8, dtype=torch.float64)

    def dtype_of_the_weights() -> bool:
        for conv in (nn.Conv2d(1, 16, 3), nn.Conv2d(1, 16, 3).double()):
            for X in (raw.unsqueeze(1), raw.unsqueeze(1).float()):
                if X.dtype != conv.weight.dtype:
                    with pytest.raises(RuntimeError, match="should be the same"):
                        conv(X)
                assert conv(X.to(conv.weight.dtype)).dtype == conv.weight.dtype
        tensor = torch.tensor(raw.numpy(), dtype=torch.float32).unsqueeze(1)
        conv = nn.Conv2d(1, 16, 3)
        return torch.equal(conv(raw.unsqueeze(1).to(conv.weight.dtype)), conv(tensor))

    def dtype_of_the_weights_without_bias() -> bool:
        conv, X = nn.Conv2d(1, 16, 3, bias=False), raw.unsqueeze(1)
        with pytest.raises(RuntimeError, match="expected scalar type Double but found Float"):
            conv(X)
        return conv(X.to(conv.weight.dtype)).shape == (2, 16, 6, 6)

    def as_many_channels_as_the_message_says() -> bool:
        X = torch.rand(2, 3, 8, 8)
        with pytest.raises(RuntimeError, match="to have 1 channels, but got 3 channels") as told:
            nn.Conv2d(1, 16, 3)(X)
        got = int(str(told.value).partition("but got ")[2].split()[0])
        return nn.Conv2d(got, 16, 3)(X).shape == (2, 16, 6, 6)

    def add_the_channels() -> bool:
        return nn.Conv2d(1, 16, 3)(raw.float().unsqueeze(1)).shape == (2, 16, 6, 6)

    def channels_before_the_rows() -> bool:
        rows = torch.rand(2, 8, 8, 1)
        with pytest.raises(RuntimeError, match="to have 1 channels, but got 8 channels"):
            nn.Conv2d(1, 16, 3)(rows)
        return nn.Conv2d(1, 16, 3)(rows.permute(0, 3, 1, 2)).shape == (2, 16, 6, 6)

    def as_many_outputs_as_classes() -> bool:
        scores = nn.Linear(4, 10)(torch.ones(2, 4))
        return bool(F.cross_entropy(scores, torch.tensor([0, 9])) > 0)

    def one_axis_for_the_classes() -> bool:
        labels = torch.tensor([[0], [9]])
        return bool(F.cross_entropy(torch.zeros(2, 10), labels.squeeze(1)) > 0)

    def numbers_in_place_of_one_hot() -> bool:
        numbers = torch.tensor([0, 2, 1])
        labels, scores = F.one_hot(numbers), torch.randn(3, 10)
        for wrong in (labels, labels.float()):
            with pytest.raises(RuntimeError, match="0D or 1D target tensor expected"):
                F.cross_entropy(scores, wrong)
        right = F.cross_entropy(scores, numbers)
        return torch.equal(F.cross_entropy(scores, labels.argmax(1)), right)

    def long_class_numbers_or_a_loss_for_values() -> bool:
        net, X, labels = nn.Linear(4, 10), torch.rand(3, 4), torch.tensor([0.0, 9.0, 1.0])
        with pytest.raises(RuntimeError, match="expected target dtype to be Long or Byte"):
            F.cross_entropy(net(X), labels)
        assert F.cross_entropy(net(X), labels.long()) > 0
        net, values = nn.Linear(4, 1), torch.tensor([0.5, 2.5, -1.0])
        with pytest.raises(RuntimeError, match="expected target dtype to be Long or Byte"):
            F.cross_entropy(net(X), values)
        loss = F.mse_loss(net(X).squeeze(1), values)
        return torch.allclose(loss, (net(X)[:, 0] - values).square().mean())

    def cut_alike_or_keep_the_rows() -> bool:
        net, X, labels = nn.Linear(4, 10), torch.rand(5, 4), torch.tensor([0, 9, 1, 2, 3])
        told = "to match target batch_size"
        with pytest.raises(ValueError, match=told):
            F.cross_entropy(net(X), labels[:3])
        assert F.cross_entropy(net(X[:3]), labels[:3]) > 0
        pictures, wide = torch.rand(5, 3, 8, 8), nn.Linear(64, 10)
        with pytest.raises(ValueError, match=told):
            F.cross_entropy(wide(pictures.view(-1, 64)), labels)
        flat = pictures.flatten(1)
        return bool(F.cross_entropy(nn.Linear(flat.shape[1], 10)(flat), labels) > 0)

    def load_to_the_cpu() -> bool:
        file = io.BytesIO()
        net = nn.Linear(2, 1)
        adam, before = torch.optim.Adam(net.parameters()), torch.get_rng_state()
        net(torch.ones(2)).sum().backward()
        adam.step()
        torch.save({"rng": before, "adam": adam.state_dict()}, file)
        file.seek(0)
        found = torch.load(file, map_location="cpu")
        torch.set_rng_state(found["rng"])
        moved = torch.optim.Adam(nn.Linear(2, 1, device="meta").parameters())
        moved.load_state_dict(found["adam"])
        on_meta = all(state["exp_avg"].is_meta for state in moved.state.values())
        return on_meta and torch.equal(torch.get_rng_state(), before)

    def the_same_ties() -> bool:
        def build(tied: bool, frozen: bool) -> tuple[nn.Sequential, torch.optim.Adam]:
            one, two, last = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)
            net = nn.Sequential(one, one if tied else two, last.requires_grad_(not frozen))
            return net, torch.optim.Adam(p for p in net.parameters() if p.requires_grad)

        net, saved = build(True, True)
        net(torch.ones(1, 2)).sum().backward()
        saved.step()
        for other in ((False, True), (True, False)):
            with pytest.raises(ValueError, match="doesn't match the size"):
                build(*other)[1].load_state_dict(saved.state_dict())
        again, loaded = build(True, True)
        loaded.load_state_dict(saved.state_dict())
        averages = (loaded.state[again[0].weight], saved.state[net[0].weight])
        return torch.equal(*(state["exp_avg"] for state in averages))

    def write_aside_then_replace() -> bool:
        with temporary_file() as path:
            torch.save({"step": 1}, path)
            torch.save({"step": 2}, "aside.pt")
            Path("aside.pt").replace(path)
            return bool(torch.load(path)["step"] == 2)

    def load_an_older_checkpoint() -> bool:
        with temporary_file() as path:
            torch.save({"step": 1}, path)
            whole = path.read_bytes()
            for useless in (b"", whole[: len(whole) // 2]):
                Path("newer.pt").write_bytes(useless)
                with pytest.raises((EOFError, RuntimeError)):
                    torch.load("newer.pt")
            Path("newer.pt").write_bytes(whole)  # copied again
            assert torch.load("newer.pt")["step"] == 1
            return bool(torch.load(path)["step"] == 1)

    fixes = (
        load_an_older_checkpoint,
        *(dtype_of_the_weights_without_bias, as_many_channels_as_the_message_says),
        *(numbers_in_place_of_one_hot, long_class_numbers_or_a_loss_for_values),
        cut_alike_or_keep_the_rows,
        *(dtype_of_the_weights, add_the_channels, as_many_outputs_as_classes),
        channels_before_the_rows,
        *(one_axis_for_the_classes, load_to_the_cpu, the_same_ties, write_aside_then_replace),
    )
    for works in over(fixes, "fixes | 种改法"):
        assert works()


def test_numpy_makes_doubles_of_decimals() -> None:
    """NumPy makes `float64` of decimal numbers unless told otherwise, and `torch.from_numpy` and
    `torch.tensor` keep that.

    不另外指定的话，NumPy 给小数用的是 `float64`，`torch.from_numpy` 和 `torch.tensor` 照样保留。
    """
    made = (np.zeros(2), np.ones(2), np.array([0.5]), np.linspace(0, 1, 3), np.arange(0, 1, 0.5))
    for array in over([*made, np.random.rand(2)], "arrays | 个数组"):
        for tensor in (torch.from_numpy(array), torch.tensor(array)):
            assert tensor.dtype == torch.float64
    assert torch.from_numpy(np.zeros(2, dtype=np.float32)).dtype == torch.float32


def test_a_data_loader_draws_its_order_when_a_pass_begins() -> None:
    """A `DataLoader` with `shuffle=True` draws an order from the global generator when a pass begins: from
    the same state of the generator the order is the same, whatever is drawn during the pass.

    `shuffle=True` 的 `DataLoader` 在每一遍开始时用全局生成器抽取次序：
    生成器状态相同，次序就相同，这一遍当中再抽什么数都不影响。
    """
    shown_ = shown("together.data-loader").output
    assert shown_ == "a new order for each pass: True\nthe same one again: True\n"
    state = after("together.data-loader")
    for each in state.first, state.second:
        assert [len(rows) for rows in each] == [4, 4]
        assert [str(row) for row in sorted(itertools.chain(*each))] == list("01234567")
    for seed in over(range(10), "seeds | 个随机种子"):
        torch.manual_seed(seed)
        loader = DataLoader(range(100), batch_size=7, shuffle=True)
        before = torch.get_rng_state()
        first = [rows.tolist() for rows in loader]
        assert [rows.tolist() for rows in loader] != first
        torch.set_rng_state(before)
        again = []
        for rows in loader:
            again.append(rows.tolist())
            torch.rand(3)
        assert again == first


def test_a_pass_leaves_the_generator_alone() -> None:
    """While a `DataLoader` that shuffles gives its batches, it draws nothing more from the global
    generator, whose state is the same after each batch and after the pass. From one that was passed as `generator`
    it draws again at the end of the pass: with the last batch or, where that is full, after it.

    会打乱次序的 `DataLoader` 逐批给出数据时，不再从全局生成器抽数，每一批之后、一遍结束之后，状态都一样。
    用 `generator` 传进去的，一遍的末尾还要再抽：在取最后一批时；最后一批若是满的，则在它之后。
    """
    for size in over((1, 4, 7, 100), "batch sizes | 种批次大小"):
        torch.manual_seed(0)
        states = []
        for _ in DataLoader(range(100), batch_size=size, shuffle=True):
            states.append(torch.get_rng_state())
        states.append(torch.get_rng_state())
        assert all(torch.equal(state, states[0]) for state in states)
        own, states = torch.Generator(), []
        for _ in DataLoader(range(200), batch_size=size, shuffle=True, generator=own):
            states.append(own.get_state())
        assert all(torch.equal(state, states[0]) for state in states[:-1])
        assert not torch.equal(own.get_state(), states[0])
        assert torch.equal(own.get_state(), states[-1]) == (200 % size != 0)


def test_every_pass_of_a_loader_draws_a_seed() -> None:
    """A `DataLoader` draws from the global generator when a pass begins, whether or not it shuffles, with or
    without workers, if these are not persistent; one that was given a `generator` draws from that one instead.
    A sampler that was passed in uses its own generator or, without one, the global one.

    不论打不打乱次序、有没有（不是常驻的）工作进程，`DataLoader` 在每一遍开始时都会从全局生成器抽数；
    给了它 `generator`，就改从那一个抽。传给它的采样器不算：采样器用自己的生成器，没有就用全局的。
    """
    ways = [(shuffle, workers) for shuffle in (False, True) for workers in (0, 1)]
    for shuffle, workers in over(ways, "kinds of loaders | 种写法"):
        for own in (None, torch.Generator()):
            loader = DataLoader(
                range(4),
                shuffle=shuffle,
                generator=own,
                num_workers=workers,
                collate_fn=list,
                multiprocessing_context=START if workers else None,
            )
            before = torch.get_rng_state()
            its = own.get_state() if own else before
            list(loader)
            assert torch.equal(torch.get_rng_state(), before) == bool(own)
            if own:
                assert not torch.equal(own.get_state(), its)
    rows = range(4)
    for sampler in (RandomSampler, SubsetRandomSampler):
        for own in (None, torch.Generator()):
            before = torch.get_rng_state()
            draws = sampler(rows, generator=own)
            list(DataLoader(rows, sampler=draws, generator=torch.Generator()))
            assert torch.equal(torch.get_rng_state(), before) == bool(own)


class Draws(torch.utils.data.Dataset[list[Any]]):
    """What a worker draws for each row, from the generators of PyTorch, NumPy and Python."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, row: int) -> list[Any]:
        return [row, torch.initial_seed(), float(torch.rand(1)), np.random.rand(), random.random()]


class Unseeded(torch.utils.data.Dataset[float]):
    """Numbers from a generator of NumPy that takes its seed from the system."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, row: int) -> float:
        return np.random.default_rng().random()


def passes(workers: int, seed: int, **more: Any) -> tuple[list[Any], list[Any], list[Any]]:
    """A pass, the one after it, and one with the generator as it was before the first."""
    torch.manual_seed(seed)
    before = torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a machine with fewer cores
        loader = DataLoader(
            Draws(),
            batch_size=2,
            shuffle=True,
            num_workers=workers,
            collate_fn=list,
            multiprocessing_context=START,
            **more,
        )
        first, second = list(loader), list(loader)
        torch.set_rng_state(before)
        return first, second, list(loader)


def test_workers_are_seeded_when_a_pass_begins() -> None:
    """With `num_workers`, a `DataLoader` draws a seed from the global generator when a pass begins, and in
    each worker the generators of PyTorch, `np.random.rand` and `random` start from this seed and the number
    of the worker: from the same state, the same number of workers draws the same numbers.
    `np.random.default_rng()` does not start from it.

    用了 `num_workers`，`DataLoader` 在每一遍开始时用全局生成器抽一个种子，各个工作进程里 PyTorch、
    `np.random.rand` 和 `random` 的生成器都从它和进程编号出发：状态相同、进程个数相同，抽到的数就相同。
    `np.random.default_rng()` 则不然。
    """
    for workers in over((1, 2, 3), "numbers of workers | 种工作进程数"):
        first, second, again = passes(workers, seed=workers)
        assert first == again
        drawn = [[row[2:] for batch in whole for row in batch] for whole in (first, second)]
        assert not [a for a, b in zip(*drawn, strict=True) if set(a) & set(b)]
        seeds = sorted({row[1] for batch in first for row in batch})
        assert seeds == list(range(seeds[0], seeds[0] + workers))
    loader = DataLoader(Unseeded(), num_workers=1, multiprocessing_context=START)
    drawn = []
    for _ in range(2):
        torch.manual_seed(0)
        drawn.append([float(number) for number in loader])
    assert not set(drawn[0]) & set(drawn[1])


def test_persistent_workers_are_seeded_once() -> None:
    """With `persistent_workers=True` the workers are seeded before the first pass only, and go on drawing:
    from the same state of the global generator a later pass draws other numbers. A new loader draws that
    seed, too, so that its next order is not the one that the old loader takes.

    加上 `persistent_workers=True`，工作进程只在第一遍之前设一次种子，以后接着往下抽：全局生成器的状态相同，
    后面的一遍抽到的数也不同。新建的 `DataLoader` 要再抽一次这个种子，接下来的次序就与原来那个的不同。
    """
    for workers in over((1, 2), "numbers of workers | 种工作进程数"):
        found = passes(workers, seed=0, persistent_workers=True)
        seeds = [{row[1] for batch in whole for row in batch} for whole in found]
        assert seeds[0] == seeds[1] == seeds[2]
        drawn = [{row[2] for batch in whole for row in batch} for whole in found]
        assert not drawn[0] & drawn[2]
        for persistent in (False, True):
            old, new = (
                DataLoader(
                    range(20),
                    shuffle=True,
                    num_workers=workers,
                    persistent_workers=persistent,
                    collate_fn=list,
                    multiprocessing_context=START,
                )
                for _ in range(2)
            )
            torch.manual_seed(0)
            list(old)
            state = torch.get_rng_state()
            second = list(old)
            torch.set_rng_state(state)
            assert (list(new) == second) != persistent


def test_a_loader_pins_only_for_an_accelerator() -> None:
    """A `DataLoader` with `pin_memory=True` pins its batches where there is an accelerator; without one
    it gives a warning and pins nothing, and `Tensor.pin_memory()` is an error.

    有加速器时，写了 `pin_memory=True` 的 `DataLoader` 把每一批放进锁页内存；没有加速器，它给出一条警告，
    不会锁页，而直接调用 `Tensor.pin_memory()` 会报错。
    """
    for size in over((1, 2, 3, 4), "batch sizes | 种批次大小"):
        loader = DataLoader(torch.ones(4, 2), batch_size=size, pin_memory=True)
        if torch.accelerator.is_available():
            assert all(batch.is_pinned() for batch in loader)
            continue
        with pytest.warns(UserWarning, match="no accelerator is found"):
            assert not any(batch.is_pinned() for batch in loader)
        with pytest.raises(RuntimeError):
            torch.ones(size).pin_memory()
    expected = "pinned, if there is a GPU: True\nsame values: True\n"
    assert shown("together.background-copies").output == expected
    assert len(after("together.background-copies").batch) == 1297 - 2 * 500  # the last of three


def test_non_blocking_changes_nothing_on_the_cpu() -> None:
    """On the CPU, `to` with `non_blocking=True` gives the same as without it: the tensor itself, or a copy
    with the same values.

    在 CPU 上，`to` 加不加 `non_blocking=True` 结果都一样：要么是张量自己，要么是数值相同的副本。
    """
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        x = torch.rand(1000).to(dtype)
        assert x.to("cpu", non_blocking=True) is x
        assert torch.equal(x.to("cpu", non_blocking=True, copy=True), x)
        for other in float_dtypes():
            assert torch.equal(x.to(other, non_blocking=True), x.to(other))


# What memory is for


def test_out_of_memory_is_a_runtime_error() -> None:
    """`torch.OutOfMemoryError`, also named `torch.cuda.OutOfMemoryError`, is a subclass of `RuntimeError`.

    `torch.OutOfMemoryError` 是 `RuntimeError` 的子类，`torch.cuda.OutOfMemoryError` 是它的另一个名字。
    """
    assert issubclass(torch.OutOfMemoryError, RuntimeError)
    assert "out of memory" in (torch.OutOfMemoryError.__doc__ or "")
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError


def stepped(layer: Layer, cls: Any) -> tuple[list[nn.Parameter], torch.optim.Optimizer]:
    """The parameters of a new layer and an optimiser that has taken a step for them."""
    parameters = list(layer.make().parameters())
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer = cls(parameters, lr=0.01)
    optimizer.step()
    return parameters, optimizer


def test_adam_keeps_twice_the_weights() -> None:
    """A gradient takes as many bytes as its weight, and the two averages that Adam keeps of it take twice as
    many.

    梯度与权重同样大，Adam 存的两个滑动平均合起来是它的两倍。
    """
    weights, gradients, adam, *_ = lines("together.memory")
    assert weights.split()[-2:] == gradients.split()[-2:] == ["20.2", "kB"]
    assert adam == "Adam: 40.4 kB"
    for layer in over(layers_with_parameters(), PARAMETRIC):
        parameters, optimizer = stepped(layer, torch.optim.Adam)
        for p in parameters:
            assert p.grad is not None
            kept = optimizer.state[p]
            assert kept["exp_avg"].nbytes + kept["exp_avg_sq"].nbytes == 2 * p.nbytes
            assert p.grad.nbytes == p.nbytes


def test_plain_sgd_stores_nothing() -> None:
    """`torch.optim.SGD` without momentum stores no tensor for a parameter.

    不带动量的 `torch.optim.SGD` 不为参数存任何张量。
    """
    for layer in over(layers_with_parameters(), PARAMETRIC):
        parameters, optimizer = stepped(layer, torch.optim.SGD)
        for p in parameters:
            assert not [v for v in optimizer.state[p].values() if isinstance(v, torch.Tensor)]


def saved_bytes(net: Callable[..., Any], *inputs: Any) -> int:
    """How many bytes of memory the forward pass saves for the backward pass."""
    kept: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.detach())
        return kept[-1]

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        net(*inputs)
    return sum({(s := t.untyped_storage()).data_ptr(): s.nbytes() for t in kept}.values())


def test_what_is_saved_for_backward_grows_with_the_batch() -> None:
    """What the forward pass of the model of 5.7 saves for the backward pass grows by the same number of bytes
    with each row of the batch, in training and in evaluation mode.

    这个模型的前向传播为反向传播存下的东西，批次每多一行就多出同样多的字节，训练模式和评估模式都是如此。
    """
    state = after("together.memory")
    printed = dict(line.split(": ") for line in lines("together.memory"))
    net = state.Run(0).net
    for mode in (True, False):
        net.train(mode)
        for rows in over((8, 16, 32, 64, 128), "batch sizes | 种批次大小"):
            once, twice, thrice = (saved_bytes(net, state.X[: k * rows]) for k in (1, 2, 3))
            assert thrice - twice == twice - once > 0
    net.train()
    for rows in (64, 128):
        found = f"{saved_bytes(net, state.X[:rows]) / 1000:.1f} kB"
        assert printed[f"saved for backward, {rows} rows"] == found
    assert saved_bytes(net, state.X[:64]) > 4 * sum(p.nbytes for p in net.parameters())


def test_no_grad_saves_nothing_for_backward() -> None:
    """Under `torch.no_grad()` a forward pass saves nothing for the backward pass.

    在 `torch.no_grad()` 里，前向传播不为反向传播存任何东西。
    """
    assert lines("together.memory")[-1] == "with no_grad, 128 rows: 0.0 kB"
    with torch.no_grad():
        for layer in over(layers_with_parameters(), PARAMETRIC):
            assert saved_bytes(layer.make(), *layer.inputs()) == 0
    assert saved_bytes(nn.Linear(4, 3), torch.ones(2, 4)) > 0


def test_gradients_of_small_batches_add_up() -> None:
    """The gradients of several equal parts of a batch, each loss divided by their number, add up to that
    of the batch, up to rounding, if the loss is the mean over its rows; with batch norm or dropout they do not,
    nor where `weight` counts rows otherwise or `ignore_index` leaves them out.

    把一批分成相等的几份，每份的损失除以份数，只要损失是各行的平均，几次的梯度加起来就等于整批的梯度，只差舍入误差；
    有批量规范化或 dropout 则不然，用 `weight` 给各行不同的权重、用 `ignore_index` 略去几行时也不然。
    """

    def apart(
        net: nn.Module, parts: int, **options: Any
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        gradients = []
        for count in (1, parts):
            net.zero_grad()
            for rows, classes in zip(X.chunk(count), y.chunk(count), strict=True):
                (F.cross_entropy(net(rows), classes, **options) / count).backward()
            gradients.append([p.grad for p in net.parameters()])
        return [(a, b) for a, b in zip(*gradients, strict=True) if a is not None and b is not None]

    torch.manual_seed(0)
    X, y = torch.randn(48, 4, dtype=torch.float64), torch.randint(3, (48,))
    for parts in over((2, 3, 4, 8, 48), "numbers of parts | 种份数"):
        net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).double()
        assert all(torch.allclose(a, b) for a, b in apart(net, parts))
        assert not all(torch.allclose(a, b) for a, b in apart(net, parts, reduction="sum"))
    assert not all(torch.allclose(a, b) for a, b in apart(net, 4, ignore_index=1))
    weight = torch.tensor([1.0, 5.0, 9.0], dtype=torch.float64)
    assert not all(torch.allclose(a, b) for a, b in apart(net, 4, weight=weight))
    for layer in (nn.BatchNorm1d(8), nn.Dropout()):
        net = nn.Sequential(nn.Linear(4, 8), layer, nn.Linear(8, 3)).double()
        assert not all(torch.allclose(a, b) for a, b in apart(net, 4))


def test_checkpointing_saves_the_input_and_computes_again() -> None:
    """`checkpoint(block, X, use_reentrant=False)` saves no more than the input of the block, calls the block a
    second time in the backward pass, and gives the same output and the same gradients, bit for bit on the CPU.

    `checkpoint(block, X, use_reentrant=False)` 存下的不超过这个块的输入，反向传播时再调用一次这个块，
    输出和梯度都相同，在 CPU 上逐位相同。
    """
    torch.manual_seed(0)
    for depth in over(range(1, 6), "depths of a block | 种块的深度"):
        layers = [nn.Sequential(nn.Linear(64, 64), nn.ReLU()) for _ in range(depth)]
        block, runs = nn.Sequential(*layers), list[bool]()
        block.register_forward_pre_hook(lambda *_: runs.append(True))  # noqa: B023
        X = torch.randn(128, 64, requires_grad=True)

        def checkpointed(rows: torch.Tensor) -> torch.Tensor:
            return checkpoint(block, rows, use_reentrant=False)  # noqa: B023

        outputs, gradients = [], []
        for way in (block, checkpointed):
            runs.clear()
            output = way(X)
            assert len(runs) == 1
            gradients.append(torch.autograd.grad(output.sum(), [X, *block.parameters()]))
            outputs.append(output)
            assert len(runs) == (1 if way is block else 2)
        assert torch.equal(*outputs)
        assert all(map(torch.equal, *gradients))
        assert saved_bytes(checkpointed, X) <= X.nbytes < saved_bytes(block, X)


# Sixteen bits


def test_autocast_computes_in_16_bits() -> None:
    """Under `torch.autocast`, here on the CPU with bfloat16, linear layers and convolutions give bfloat16,
    while their weights stay float32.

    在 `torch.autocast` 里（这里是 CPU，bfloat16），线性层和卷积层的输出是 bfloat16，权重仍是 float32。
    """
    names = ("Linear", "Conv1d", "Conv2d", "Conv3d")
    names += ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
    for layer in over([x for x in layers() if x.cls.__name__ in names], "layer classes | 种层"):
        module = layer.make()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert layer.call(module).dtype == torch.bfloat16
        assert {p.dtype for p in module.parameters()} == {torch.float32}


def test_a_scaler_skips_steps_with_infinite_gradients() -> None:
    """A `GradScaler` multiplies the loss by its scale; where a gradient is infinite or NaN, it skips the step
    of the optimiser and halves the scale, and where all are finite, the step is the same as without it.

    `GradScaler` 把损失乘上倍数；梯度里有无穷大或 NaN，就跳过优化器的这一步，并把倍数减半；都是有限的数，
    走的就是不用它时的那一步。
    """
    values = (float("inf"), float("-inf"), float("nan"), 1.0, 0.25, -3.0)
    for value in over(values, "values in a gradient | 种梯度里的值"):
        weight = nn.Parameter(torch.ones(3))
        sgd = torch.optim.SGD([weight], lr=0.5)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        loss = (weight * torch.tensor([1.0, value, 2.0])).sum()
        scaled = scaler.scale(loss)
        assert torch.equal(scaled, 1024 * loss) or loss.isnan()
        scaled.backward()
        scaler.step(sgd)
        scaler.update()
        finite = abs(value) < float("inf")
        assert scaler.get_scale() == (1024 if finite else 512)
        expected = [0.5, 1 - 0.5 * value, 0.0] if finite else [1.0, 1.0, 1.0]
        assert weight.tolist() == expected
    # on the page: of eight steps five were skipped, and three went by the rate times the factor
    moved = after("together.mixed-precision").weight
    assert moved.tolist() == [pytest.approx([1 - 3 * 0.01 * 8] * 3)]


def test_gradients_are_scaled_until_unscale() -> None:
    """After `backward()` of a scaled loss the gradients are multiplied by the scale; after
    `scaler.unscale_(optimizer)` they are those of the loss, and `scaler.step` takes them as they are, clipped ones
    as well.

    放大过的损失调用 `backward()` 之后，梯度也放大了同样的倍数；`scaler.unscale_(optimizer)` 之后，才是损失本来的梯度，
    `scaler.step` 就照它走，裁剪过的也照走。
    """
    for power in over(range(1, 16), "scales | 种倍数"):
        weight = nn.Parameter(torch.ones(2))
        sgd = torch.optim.SGD([weight], lr=1.0)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**power)
        scaler.scale((weight * torch.tensor([3.0, 4.0])).sum()).backward()
        assert weight.grad is not None
        assert weight.grad.tolist() == [3 * 2.0**power, 4 * 2.0**power]
        scaler.unscale_(sgd)
        assert weight.grad.tolist() == [3, 4]
        nn.utils.clip_grad_norm_([weight], 1.0)
        scaler.step(sgd)
        assert weight.tolist() == pytest.approx([1 - 0.6, 1 - 0.8], abs=1e-5)


def test_a_grad_scaler_has_to_be_saved() -> None:
    """The state dict of a `GradScaler` holds the scale that it has arrived at; a new one begins at 65536,
    and skips steps until the gradients are finite, without an error; one that has loaded the state does not.

    `GradScaler` 的状态字典里有它已经找到的倍数；新建的从 65536 开始，梯度里有无穷大就一步步跳过，不报错；
    加载了状态的则不会。
    """
    assert lines("together.mixed-precision") == [
        "skip skip skip skip step step",
        "scale: 4096.0",
        "a new one: skip",
        "with the old state: step",
    ]
    for power in over(range(1, 9), "factors of a loss | 种损失的系数"):
        weight = nn.Parameter(torch.ones(1))
        sgd = torch.optim.SGD([weight], lr=0.01)

        def step(scaler: torch.amp.GradScaler, weight: Any = weight, sgd: Any = sgd) -> bool:
            before = weight.detach().clone()
            sgd.zero_grad()
            scaler.scale((weight.half() * 2.0**power).float().sum()).backward()  # noqa: B023
            scaler.step(sgd)
            scaler.update()
            return not weight.equal(before)

        old = torch.amp.GradScaler("cpu")
        assert old.get_scale() == 65536
        assert [step(old) for _ in range(power + 3)] == [False] * (power + 1) + [True] * 2
        assert old.state_dict()["scale"] == 2.0 ** (15 - power)
        new = torch.amp.GradScaler("cpu")
        assert not step(new)
        new.load_state_dict(old.state_dict())
        assert step(new)


def test_bfloat16_has_the_range_of_float32() -> None:
    """The largest number of bfloat16 is within one per cent of that of float32, and the smallest normal
    number is the same; float16 ends at 65504.

    bfloat16 最大的数与 float32 的相差不到百分之一，最小的正规数相同；float16 最大到 65504。
    """
    half, brain, full = map(torch.finfo, (torch.float16, torch.bfloat16, torch.float32))
    assert 0.99 < brain.max / full.max <= 1
    assert brain.smallest_normal == full.smallest_normal
    assert half.max == 65504


# Rounding


def test_a_sum_of_floats_depends_on_the_order() -> None:
    """The sum of floating-point numbers can depend on the order in which they are added: in float32,
    1e8 − 1e8 + 1 is 1, and 1e8 + 1 − 1e8 is 0.

    浮点数相加，次序不同，和也可能不同：在 float32 里，1e8 − 1e8 + 1 等于 1，1e8 + 1 − 1e8 等于 0。
    """
    first, second, *sums = lines("together.another-order")
    assert (first, second) == ("1e8 - 1e8 + 1 = 1.0", "1e8 + 1 - 1e8 = 0.0")
    told = [line.split(": ") for line in sums]
    assert [name for name, _ in told] == ["one by one", "sum()", "sum(), float64"]
    assert len({number.strip() for _, number in told}) == 3
    assert len(after("together.another-order").numbers) == 10_000
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        one = torch.ones((), dtype=dtype)
        large = one / torch.finfo(dtype).eps * 4
        assert large - large + one == 1
        assert large + one - large == 0


def test_assert_close_leaves_room_for_rounding() -> None:
    """`torch.testing.assert_close` accepts numbers that differ in the last bit, and refuses those that
    differ by a tenth; what it allows depends on the dtype, and is more for float16 than for float32. It refuses
    tensors of two devices, such as the CPU and `meta`, and of two dtypes.

    `torch.testing.assert_close` 放过末位不同的数，拒绝相差十分之一的数；允许的误差取决于数据类型，
    float16 的比 float32 的大。设备不同（如 CPU 和 `meta`）或数据类型不同的张量，它不收。
    """
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        numbers = torch.linspace(1, 2, 50).to(dtype)
        near = torch.nextafter(numbers.double(), 2 * numbers.double()).to(dtype)
        near = near + torch.finfo(dtype).eps
        assert not torch.equal(numbers, near)
        torch.testing.assert_close(numbers, near)
        with pytest.raises(AssertionError):
            torch.testing.assert_close(numbers, numbers * 1.1)
        with pytest.raises(AssertionError, match="for attribute 'dtype' do not match"):
            torch.testing.assert_close(numbers, numbers.to(torch.int64))
        with pytest.raises(AssertionError, match="for attribute 'device' do not match"):
            torch.testing.assert_close(numbers, numbers.to("meta"))
    a, b = torch.ones(1), torch.ones(1) + 2e-4
    torch.testing.assert_close(a.half(), b.half())
    with pytest.raises(AssertionError):
        torch.testing.assert_close(a, b)


def test_tf32_is_allowed_in_convolutions() -> None:
    """Unless a program sets them, `torch.backends.cudnn.allow_tf32` is `True`, the precision of convolutions,
    `torch.backends.cudnn.conv.fp32_precision`, is `tf32`, and `torch.backends.cuda.matmul.allow_tf32` is `False`. Once the
    precision of convolutions is `ieee`, reading `torch.backends.cudnn.allow_tf32` is an error. What a card computes
    then is not tried here.

    程序不去改的话，`torch.backends.cudnn.allow_tf32` 是 `True`，卷积的精度
    `torch.backends.cudnn.conv.fp32_precision` 是 `tf32`，`torch.backends.cuda.matmul.allow_tf32` 是 `False`。把卷积的精度设成
    `ieee` 之后，再读 `torch.backends.cudnn.allow_tf32` 就会报错。显卡这时怎样计算，这里没有试。
    """
    conv: Any = torch.backends.cudnn.conv
    assert torch.backends.cudnn.allow_tf32 is True
    assert torch.backends.cuda.matmul.allow_tf32 is False
    assert conv.fp32_precision == "tf32"
    conv.fp32_precision = "ieee"
    try:
        assert conv.fp32_precision == "ieee"
        with pytest.raises(RuntimeError, match="mix of the legacy and new APIs"):
            assert torch.backends.cudnn.allow_tf32 is not None
    finally:
        conv.fp32_precision = "tf32"
    assert torch.backends.cudnn.allow_tf32 is True


def test_each_check_that_a_solution_calls_says_so() -> None:
    assert silent("together") == []
