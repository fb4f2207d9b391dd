"""Proves what the page that puts everything together says."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from snippets.engine.scripts import read_section
from snippets.engine.testing import SNIPPETS, after, shown


def lines(name: str) -> list[str]:
    """The lines that a snippet prints."""
    return shown(name).output.splitlines()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary working directory for the files that a test writes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(state: Any, steps: int, seed: int = 0) -> Any:
    """A run after so many steps."""
    run = state.Run(seed)
    while run.step < steps:
        run.update()
    return run


def test_the_section_runs_on_any_machine() -> None:
    """No snippet of the section needs a GPU, and everything lies on the chosen device."""
    assert {snippet.devices for snippet in read_section(SNIPPETS / "together.py").snippets} == {0}
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


def test_the_layer_remembers_the_mean_in_training_only() -> None:
    """In training the buffer follows the batches; evaluation subtracts it and leaves it alone."""
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
    assert list(layer.parameters()) == []
    assert list(layer.state_dict()) == ["mean"]


def test_the_layer_lets_gradients_through() -> None:
    """An input that wants a gradient gets it, and the buffer stays out of the graph."""
    layer = after("together.blocks").CenteredLayer(2)
    x = torch.ones(3, 2, requires_grad=True)
    for _ in range(2):
        layer(x).sum().backward()
    assert torch.equal(x.grad, torch.full((3, 2), 2.0))
    assert not layer.mean.requires_grad


def test_the_block_draws_in_training_only() -> None:
    """Residual keeps the shape; its dropout makes two calls differ, in evaluation they agree."""
    torch.manual_seed(0)
    block = after("together.blocks").Residual(32)
    X = torch.randn(16, 32)
    assert block(X).shape == X.shape
    assert not torch.equal(block(X), block(X))
    block.eval()
    assert torch.equal(block(X), block(X))


def test_the_model_is_tied_and_initialised() -> None:
    """One block at two positions: 1249 numbers instead of 2305, nine keys, biases zero."""
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
    net[3] = state.Residual(32)
    assert sum(p.numel() for p in net.parameters()) == 1249 + 1056
    for layer in state.build().modules():
        if isinstance(layer, nn.Linear):
            assert not layer.bias.any()
            assert 0.05 < layer.weight.std() < 0.2


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


def test_the_state_of_a_generator_stays_on_the_cpu() -> None:
    """set_rng_state takes a CPU tensor only."""
    with pytest.raises((TypeError, RuntimeError)):
        torch.set_rng_state(torch.get_rng_state().to("meta"))


def test_a_power_cut_loses_what_came_after_the_checkpoint() -> None:
    """The run dies after step 75 with its own error; files exist for steps 20, 40 and 60."""
    outcome = shown("together.power-cut")
    assert outcome.state == "raised"
    assert outcome.error == "PowerCut: after step 75 of 100"
    state = after("together.power-cut")
    assert state.killed.step == 75
    assert torch.equal(state.killed.losses[:75], state.whole.losses[:75])
    assert state.killed.losses[75:].isnan().all()


def test_the_resumed_run_is_the_whole_run() -> None:
    """After the resume all losses, parameters and the buffer equal those of the whole run."""
    assert lines("together.resume") == [
        "files: step-20.pt step-40.pt step-60.pt",
        "seam: 60",
        "same losses: True",
        "same parameters and buffer: True",
    ]
    state = after("together.resume")
    assert state.resumed is not state.whole
    assert state.resumed.step == 100
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


def test_a_forgotten_part_shows_at_its_step() -> None:
    """Without the optimiser the losses differ from step 62, without the generators from 61."""
    assert lines("together.forgotten") == [
        "without optimizer: differs from step 62",
        "without rng: differs from step 61",
    ]


def test_a_forgotten_buffer_shows_at_once(here: Path) -> None:
    """With the mean back at zero, the first loss after the resume already differs."""
    state = after("together.checkpoint")
    whole = trained(state, 10)
    state.save(trained(state, 5), "five.pt")
    run = state.resume("five.pt")
    run.net[0].mean.zero_()
    run.update()
    assert run.losses[5] != whole.losses[5]


def test_building_moves_the_generators_on(here: Path) -> None:
    """Restoring the generators before the model is built gives another continuation."""
    state = after("together.checkpoint")
    state.save(trained(state, 5), "five.pt")
    saved = torch.load("five.pt", map_location="cpu")
    torch.set_rng_state(saved["rng"])
    state.build()
    assert not torch.equal(torch.get_rng_state(), saved["rng"])
    state.resume("five.pt")
    assert torch.equal(torch.get_rng_state(), saved["rng"])


def test_a_new_adam_jumps(here: Path) -> None:
    """Its first update moves almost every weight by the learning rate; the whole run's is smaller."""
    state = after("together.checkpoint")
    state.save(trained(state, 60), "sixty.pt")
    moved = {}
    for forget in ((), ("optimizer",)):
        run = state.resume("sixty.pt", forget)
        before = torch.cat([p.detach().flatten().clone() for p in run.net.parameters()])
        run.update()
        now = torch.cat([p.detach().flatten() for p in run.net.parameters()])
        moved[forget] = (now - before).abs()
    full = moved[("optimizer",)]
    assert ((full - 0.02).abs() < 0.001).float().mean() > 0.9
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


def test_only_the_optimiser_notices_a_lost_tie() -> None:
    """Keys and shapes agree, and both load; six parameters do not fit eight."""
    printed = lines("together.ties")
    assert printed.count("<All keys matched successfully>") == 2
    assert sum(line.startswith("ValueError: ") for line in printed) == 1


def test_a_lost_tie_drifts_apart() -> None:
    """The outputs agree at first; after one step the two blocks differ, and so do the outputs."""
    state = after("together.ties")
    tied, untied = state.tied, state.untied
    assert (len(list(tied.parameters())), len(list(untied.parameters()))) == (6, 8)
    assert len(state.saved["optimizer"]["state"]) == 6
    assert torch.equal(tied(state.X), untied(state.X))
    for net in (tied, untied):
        net.zero_grad()
        (net(state.X) - state.y).square().mean().backward()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter -= 0.1 * parameter.grad
    assert not torch.equal(untied[2].linear.weight, untied[3].linear.weight)
    assert not torch.equal(tied(state.X), untied(state.X))


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


def test_a_refused_file_is_not_skipped(here: Path) -> None:
    """What the loader refuses for its contents is an error of latest() too."""
    state = after("together.latest")
    torch.save({"step": nn.Linear(1, 1)}, "whole-model.pt")
    with pytest.raises(Exception, match="Weights only load failed"):
        state.latest(["whole-model.pt"])
