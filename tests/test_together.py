"""Proves what the page that puts everything together says."""

import copy
import pickle
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from proven.testing import after, section, shown


def lines(name: str) -> list[str]:
    """The lines that a snippet prints."""
    return shown(name).output.splitlines()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary working directory for the files that a test writes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def temporary_file() -> Iterator[Path]:
    """The path of a file that a claim may write."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "file.pt")


def trained(state: Any, steps: int, seed: int = 0) -> Any:
    """A run after so many steps."""
    run = state.Run(seed)
    while run.step < steps:
        run.update()
    return run


def test_the_section_runs_on_any_machine() -> None:
    """No snippet of the section needs a GPU, and everything lies on the chosen device."""
    assert {snippet.devices for snippet in section("together").snippets} == {0}
    state = after("together.run")
    assert state.device == state.try_gpu()
    net = state.whole.net
    tensors = [state.X, state.y, state.whole.losses, *net.parameters(), *net.buffers()]
    assert {tensor.device for tensor in tensors} == {state.device}


def test_the_task_is_the_product_of_two_centred_features() -> None:
    """Four features around 1; the target is the product of the first two, less their mean."""
    state = after("together.setup")
    assert (state.X.shape, state.y.shape) == ((256, 4), (256, 1))
    assert (state.X.mean(dim=0) - 1).abs().max() < 0.2
    first, second, *_ = (state.X - 1).T
    assert torch.allclose(state.y[:, 0], first * second)


def test_numbers_drawn_on_the_cpu_survive_the_move() -> None:
    """Numbers drawn on the CPU depend on its seed alone, and moving them to a device changes none
    of them.

    在 CPU 上抽取的数只取决于 CPU 的种子，移到别的设备上，一个也不会变。
    """
    state = after("together.setup")
    torch.manual_seed(0)
    assert torch.equal(1 + torch.randn(256, 4), state.X.cpu())
    assert state.X.device == state.y.device == state.device


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
    """A running mean in a buffer is saved and converted with its layer, but is no parameter, and
    backward gives it no gradient.

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


def test_dropout_draws_in_training_only() -> None:
    """Dropout draws random numbers in training mode, so two calls differ; in evaluation mode it
    draws none, and they agree.

    dropout 在训练模式下要抽随机数，两次调用结果不同；评估模式下不抽，结果相同。
    """
    torch.manual_seed(0)
    block = after("together.blocks").Residual(32)
    X = torch.randn(16, 32)
    before = torch.get_rng_state()
    assert block(X).shape == X.shape
    assert not torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(block(X), block(X))
    block.eval()
    before = torch.get_rng_state()
    assert torch.equal(block(X), block(X))
    assert torch.equal(torch.get_rng_state(), before)


def test_apply_reaches_a_layer_inside_a_block() -> None:
    """`apply` also takes a function to the layers inside a block of your own.

    `apply` 也会走到自定义块里面的层。
    """
    state = after("together.model")
    inside = state.Residual(32)
    assert inside.linear.bias.any()
    assert inside.apply(state.my_init) is inside
    assert not inside.linear.bias.any()
    layers = [m for m in state.build().modules() if isinstance(m, nn.Linear)]
    assert len(layers) == 3
    for layer in layers:
        assert not layer.bias.any()
        assert 0.05 < layer.weight.std() < 0.2


def test_a_shared_block_counts_once_and_is_saved_twice() -> None:
    """A block at two positions of a `Sequential` gives its parameters once, but its keys stand
    twice in the state dict.

    同一个块放在 `Sequential` 的两个位置，参数只算一份，状态字典里的键却有两份。
    """
    state = after("together.model")
    net = state.build()
    assert net[2] is net[3]
    assert lines("together.model") == [
        "parameters: 1.weight 1.bias 2.linear.weight 2.linear.bias 4.weight 4.bias",
        "numbers: 1249",
        "keys of the state dict: 9",
        "output: (256, 1) True",
    ]
    assert 160 + 1056 + 33 == 1249
    saved = net.state_dict()
    assert saved["3.linear.weight"].data_ptr() == saved["2.linear.weight"].data_ptr()
    net[3] = state.Residual(32)
    assert sum(p.numel() for p in net.parameters()) == 1249 + 1056


def test_training_changes_more_than_the_weights() -> None:
    """Besides the weights, a training step may change buffers, the state of the optimiser and that
    of the random number generator.

    除了权重，一步训练还可能改动缓冲区、优化器的状态和随机数生成器的状态。
    """
    state = after("together.run")
    run = state.Run(seed=0)
    parts: tuple[Any, ...] = (
        lambda: [p.detach().clone() for p in run.net.parameters()],
        lambda: [b.clone() for b in run.net.buffers()],
        lambda: [s["exp_avg"].clone() for s in run.optimizer.state.values()],
        lambda: [torch.get_rng_state()],
    )
    run.update()  # before its first step Adam has no averages
    before = [part() for part in parts]
    run.update()
    for old, part in zip(before, parts, strict=True):
        now = part()
        assert len(now) == len(old) > 0
        assert not any(torch.equal(a, b) for a, b in zip(old, now, strict=True))


def test_recording_a_loss_reads_no_value() -> None:
    """Writing a detached loss into a tensor on the same device reads no value of it, as `item()`
    does.

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


def test_the_run_learns_and_moves_every_part() -> None:
    """The loss falls to less than a fifth, every parameter moves, the mean is close to 1."""
    assert lines("together.run") == ["loss fell to less than a fifth: True"]
    state = after("together.run")
    assert not state.whole.losses.isnan().any()
    assert not state.whole.losses.requires_grad
    fresh = state.Run(0)
    pairs = zip(fresh.net.parameters(), state.whole.net.parameters(), strict=True)
    assert all(not torch.equal(a, b) for a, b in pairs)
    assert (state.whole.net[0].mean - 1).abs().max() < 0.3
    assert torch.isnan(fresh.losses).all()


def test_the_checkpoint_holds_all_that_changes(here: Path) -> None:
    """Model, optimiser, losses, step and generators are in one file that the default loader reads."""
    state = after("together.checkpoint")
    run = trained(state, 3)
    state.save(run, "a.pt")
    saved = torch.load("a.pt", map_location="cpu")
    assert set(saved) == {"net", "optimizer", "losses", "step", "rng", "gpu_rng"}
    assert saved["step"] == 3
    assert len(saved["gpu_rng"]) == torch.cuda.device_count()
    assert saved["losses"].isnan().sum() == state.STEPS - 3
    assert [path.name for path in here.iterdir()] == ["a.pt"]


def test_a_gpu_checkpoint_opens_on_the_cpu_whole() -> None:
    """A checkpoint saved on a GPU that is not there opens with `map_location="cpu"`, model,
    optimiser and all.

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
    here = run.optimizer.state.values()
    assert {entry["exp_avg"].device.type for entry in here} == {state.device.type}


def test_generator_states_stay_on_the_cpu() -> None:
    """`map_location` also moves the state of a generator in the file, and `torch.set_rng_state`
    takes it from the CPU only.

    `map_location` 会把文件里生成器的状态也一并移走，而 `torch.set_rng_state` 只收 CPU 上的。
    """
    state = after("together.checkpoint")
    with temporary_file() as path:
        state.save(state.Run(seed=0), path)
        moved = torch.load(path, map_location="meta")["rng"]
        kept = torch.load(path, map_location="cpu")["rng"]
    assert moved.device.type == "meta"
    with pytest.raises(TypeError, match=r"RNG state must be a torch\.ByteTensor"):
        torch.set_rng_state(moved)
    torch.set_rng_state(kept)
    assert torch.equal(torch.get_rng_state(), kept)


def test_building_a_model_moves_the_generator() -> None:
    """Building a model draws its initial weights and so moves the generator on: restore its state
    after that.

    造模型要抽初始权重，生成器会被往前推，所以要在造完之后再恢复它的状态。
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
    """`torch.cuda.get_rng_state_all()` gives one state for each GPU: an empty list without any,
    which can be set again.

    `torch.cuda.get_rng_state_all()` 为每块 GPU 返回一个状态；一块也没有时返回空列表，
    照样可以设回去。
    """
    states = torch.cuda.get_rng_state_all()
    assert isinstance(states, list)
    assert len(states) == torch.cuda.device_count()
    torch.cuda.set_rng_state_all(states)
    state = after("together.checkpoint")
    with temporary_file() as path:
        state.save(state.Run(seed=0), path)
        assert len(torch.load(path, map_location="cpu")["gpu_rng"]) == len(states)


def test_a_power_cut_loses_what_came_after_the_checkpoint() -> None:
    """The run dies after step 75 with its own error; files exist for steps 20, 40 and 60."""
    outcome = shown("together.power-cut")
    assert outcome.state == "raised"
    assert outcome.error == "PowerCut: after step 75 of 100"
    state = after("together.power-cut")
    assert state.killed.step == 75
    assert torch.equal(state.killed.losses[:75], state.whole.losses[:75])
    assert state.killed.losses[75:].isnan().all()


def test_a_resumed_run_equals_the_whole_run_bit_for_bit() -> None:
    """With model, buffers, optimiser and generators restored, a run continues on the same machine
    bit for bit as if it had never stopped.

    模型、缓冲区、优化器、生成器全都恢复之后，在同一台机器上接着训练，结果与从未中断逐位一致。
    """
    assert lines("together.resume") == [
        "files: step-20.pt step-40.pt step-60.pt",
        "seam: 60",
        "same losses: True",
        "same parameters and buffer: True",
    ]
    state = after("together.resume")
    assert state.resumed is not state.whole
    assert state.resumed.step == 100
    assert torch.equal(state.resumed.losses, state.whole.losses)
    for a, b in zip(state.resumed.net.parameters(), state.whole.net.parameters(), strict=True):
        assert a is not b
        assert torch.equal(a, b)
    for net in (state.resumed.net, state.whole.net):
        net.eval()
    assert torch.equal(state.resumed.net(state.X), state.whole.net(state.X))
    changed = state.Run(0)
    assert not state.same(changed, state.whole)


@pytest.mark.parametrize("cut", [1, 37])
def test_a_run_can_be_cut_anywhere(here: Path, cut: int) -> None:
    """Other seed, other step: the continuation equals the run without a cut."""
    state = after("together.checkpoint")
    whole = trained(state, 50, seed=7)
    state.save(trained(state, cut, seed=7), "cut.pt")
    torch.manual_seed(12345)
    resumed = state.resume("cut.pt")
    assert resumed.net[2] is resumed.net[3]
    while resumed.step < 50:
        resumed.update()
    assert torch.equal(resumed.losses[:50], whole.losses[:50])
    assert torch.equal(resumed.net[0].mean, whole.net[0].mean)


def test_a_forgotten_optimiser_shows_one_step_late() -> None:
    """A run resumed without the state of its optimiser has the right loss in its first step, and
    wrong ones from the second on.

    恢复训练时漏掉优化器的状态，第一步的损失还是对的，从第二步起就不对了。
    """
    assert lines("together.forgotten")[0] == "without optimizer: differs from step 62"
    state = after("together.forgotten")
    losses, whole = state.forgotten["optimizer"], state.whole.losses
    assert torch.equal(losses[:61], whole[:61])
    assert losses[61] != whole[61]


def test_forgotten_generators_show_at_once() -> None:
    """A run resumed without the states of the generators has a wrong loss from its first step on.

    恢复训练时漏掉生成器的状态，从第一步起损失就不对。
    """
    assert lines("together.forgotten")[1] == "without rng: differs from step 61"
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
    """In the first step of a new Adam, a parameter moves by the learning rate, however small its
    gradient; zero gradients excepted.

    新建的 Adam 走第一步时，梯度再小，参数也会移动整整一个学习率那么远，梯度为零的除外。
    """
    state = after("together.forgotten")
    p = nn.Parameter(torch.ones(4))
    p.grad = torch.tensor([1e-4, -1.0, 100.0, 0.0])
    torch.optim.Adam([p], lr=0.02).step()
    assert torch.allclose(1 - p, torch.tensor([0.02, -0.02, 0.02, 0.0]), atol=1e-5)

    moved = {}
    with temporary_file() as path:
        state.save(state.killed, path)
        for forget in ((), ("optimizer",)):
            run = state.resume(path, forget)
            before = torch.cat([p.detach().flatten() for p in run.net.parameters()])
            run.update()
            now = torch.cat([p.detach().flatten() for p in run.net.parameters()])
            moved[forget] = (now - before).abs()
    assert ((moved["optimizer",] - 0.02).abs() < 0.001).float().mean() > 0.9
    assert moved[()].median() < 0.01


def test_the_picture_shows_the_seam() -> None:
    """Resumed equals whole, bit for bit; the run with a new Adam jumps after the seam."""
    state = after("together.forgotten")
    assert (state.seam, state.STEPS) == (60, 100)
    whole, dashed = state.whole.losses, state.forgotten["optimizer"]
    assert torch.equal(state.resumed.losses, whole)
    assert dashed[60:70].mean() > 2 * whole[60:70].mean()


def test_the_picture_names_its_lines() -> None:
    """One figure, whose lines carry the names of the runs."""
    (figure,) = shown("together.curves").figures
    for text in ("whole", "killed", "resumed", "step", "loss"):
        assert f">{text}</text>" in figure


def test_ties_are_found_by_identity() -> None:
    """ties() groups the names of one parameter; equal values alone are no tie."""
    state = after("together.ties")
    assert state.ties(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))) == []
    first, second, third = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = third.weight = first.weight
    assert state.ties(nn.Sequential(first, second, third)) == [["0.weight", "1.weight", "2.weight"]]
    twin = nn.Linear(3, 3)
    twin.load_state_dict(first.state_dict())
    assert state.ties(nn.Sequential(first, twin)) == []


def test_names_of_one_object_are_a_tie() -> None:
    """Names that give one object in `named_parameters(remove_duplicate=False)` are tied; equal
    values alone are no tie.

    `named_parameters(remove_duplicate=False)` 里，指向同一个对象的名字才是绑定的，
    只是数值相等还不算。
    """
    state = after("together.ties")
    every = dict(state.tied.named_parameters(remove_duplicate=False))
    assert every["2.linear.weight"] is every["3.linear.weight"]
    assert (len(every), len(dict(state.tied.named_parameters()))) == (8, 6)
    assert len(state.ties(state.tied)) == 2
    untied = dict(state.untied.named_parameters(remove_duplicate=False))
    assert torch.equal(untied["2.linear.weight"], untied["3.linear.weight"])
    assert untied["2.linear.weight"] is not untied["3.linear.weight"]
    assert state.ties(state.untied) == []


def test_a_lost_tie_loads_without_complaint() -> None:
    """The state dict of a tied model loads into one without the tie: keys and shapes are the same,
    and so are the outputs at first.

    参数绑定的模型，其状态字典也能加载进没有绑定的模型：键和形状都一样，起初连输出也相等。
    """
    assert lines("together.ties").count("<All keys matched successfully>") == 2
    state = after("together.ties")
    shapes = [[(k, v.shape) for k, v in n.state_dict().items()] for n in (state.tied, state.untied)]
    assert shapes[0] == shapes[1]
    assert state.untied[2].linear.weight is not state.untied[3].linear.weight
    assert torch.equal(state.tied(state.X), state.untied(state.X))


def test_blocks_without_their_tie_drift_apart() -> None:
    """Two blocks with equal values but no tie get different gradients, and differ after one step.

    两个块数值相同却没有绑定，得到的梯度不同，走一步就不一样了。
    """
    state = after("together.ties")
    tied, untied = state.tied, state.untied
    assert torch.equal(untied[2].linear.weight, untied[3].linear.weight)
    for net in (tied, untied):
        net.zero_grad()
        (net(state.X) - state.y).square().mean().backward()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter -= 0.1 * parameter.grad
    assert not torch.equal(untied[2].linear.weight, untied[3].linear.weight)
    assert not torch.equal(tied(state.X), untied(state.X))


def test_the_optimiser_notices_a_lost_tie() -> None:
    """The state of an optimiser counts parameters: saved for a tied model, it is refused for one
    without the tie, with a `ValueError`.

    优化器的状态按参数个数来记：为绑定的模型保存的状态，不能给没有绑定的模型用，会报 `ValueError`。
    """
    (error,) = [line for line in lines("together.ties") if line.startswith("ValueError: ")]
    text = "loaded state dict contains a parameter group that doesn't match the size"
    assert text in error
    state = after("together.ties")
    assert (len(list(state.tied.parameters())), len(list(state.untied.parameters()))) == (6, 8)
    assert len(state.saved["optimizer"]["state"]) == 6
    torch.optim.Adam(state.tied.parameters()).load_state_dict(copy.copy(state.saved["optimizer"]))


def test_latest_skips_what_cannot_be_loaded(here: Path) -> None:
    """The highest step counts, not the order or the name; broken files are passed over."""
    state = after("together.latest")
    for name, step in (("b.pt", 3), ("a.pt", 12), ("c.pt", 7)):
        torch.save({"step": step}, name)
    assert state.latest(["b.pt", "a.pt", "c.pt"]) == "a.pt"
    data = Path("a.pt").read_bytes()
    for length in (0, len(data) // 4, len(data) - 1):
        Path("a.pt").write_bytes(data[:length])
        assert state.latest(["a.pt", "b.pt", "c.pt", "none.pt"]) == "c.pt"
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
    and a `RuntimeError` for one that is cut off.

    `torch.load` 遇到不存在的文件报 `FileNotFoundError`，空文件报 `EOFError`，
    不完整的文件报 `RuntimeError`。
    """
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


def test_a_refused_file_raises_another_error() -> None:
    """A whole file that holds more than the safe loader allows raises an `UnpicklingError`, unlike
    a file that is missing, empty or cut off.

    文件完好、内容却不被安全加载允许时，报的是 `UnpicklingError`，
    与文件不存在、为空、不完整时的异常都不同。
    """
    state = after("together.latest")
    with temporary_file() as path:
        torch.save({"step": nn.Linear(1, 1)}, path)
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed") as caught:
            state.latest([path])
    assert not isinstance(caught.value, OSError | EOFError | RuntimeError)
