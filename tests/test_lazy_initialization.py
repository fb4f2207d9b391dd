"""Proves what the page on lazy initialisation says."""

import copy
import io
import pickle
import warnings
from functools import cache

import pytest
import torch
from torch import nn

from snippets.engine.testing import after
from snippets.engine.testing import shown as shown_afresh

shown = cache(shown_afresh)  # what a snippet shows is frozen: one run serves all tests

X = torch.ones(2, 20)


def test_parameters_have_names_but_no_values_before_the_first_call() -> None:
    """A lazy layer is registered at once, with parameters that have names and no values."""
    state = after("lazy_initialization.before")
    lines = shown("lazy_initialization.before").output.splitlines()
    assert all(isinstance(p, nn.UninitializedParameter) for p in state.net.parameters())
    assert list(state.net.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [type(m) for m in state.net] == [nn.LazyLinear, nn.ReLU, nn.LazyLinear]
    assert "weight: <UninitializedParameter>" in lines
    assert "  (0): LazyLinear(in_features=0, out_features=256, bias=True)" in lines
    assert "names: ['0.weight', '0.bias', '2.weight', '2.bias']" in lines


def test_lazy_linear_is_a_linear() -> None:
    """`nn.LazyLinear` is a subclass of `nn.Linear`: `isinstance` matches, `type(m) is` does not."""
    layer = after("lazy_initialization.before").net[0]
    assert isinstance(layer, nn.Linear)
    assert type(layer) is not nn.Linear


def test_out_features_must_be_given() -> None:
    """Only the number of inputs is inferred; leaving out the number of outputs is a TypeError."""
    output = shown("lazy_initialization.before").output
    assert "LazyLinear(): TypeError" in output
    assert "'out_features'" in output
    layer = nn.LazyLinear(3)
    layer(torch.ones(2, 7))
    assert (layer.in_features, layer.out_features) == (7, 3)


def test_building_draws_no_random_numbers() -> None:
    """Building a lazy layer leaves the random number generator as it was."""
    torch.manual_seed(0)
    before = torch.get_rng_state()
    after("lazy_initialization.before").lazy_net()
    assert torch.equal(before, torch.get_rng_state())


def test_lazy_layers_do_not_warn() -> None:
    """Building and materialising lazy layers gives no warning, though torch's text says experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.LazyLinear(3)(X)
    assert "experimental" in (nn.modules.lazy.LazyModuleMixin.__doc__ or "")


def test_thirteen_lazy_classes() -> None:
    """There are 13 lazy classes: linear, and convolutions and norms of one to three dimensions."""
    found = [name for name in dir(nn) if name.startswith("Lazy")]
    kinds = ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm")
    assert sorted(found) == sorted(
        ["LazyLinear", *(f"Lazy{kind}{n}d" for kind in kinds for n in (1, 2, 3))]
    )


def test_shape_before_the_first_call_is_an_error() -> None:
    """Asking for the shape of an uninitialised parameter raises a RuntimeError that names the remedy."""
    snippet = shown("lazy_initialization.no-shape-yet")
    assert snippet.state == "raised"
    assert snippet.error is not None
    assert snippet.error.startswith(
        "RuntimeError: Can't access the shape of an uninitialized parameter"
    )
    assert "Call `forward` to initialize the parameters" in snippet.error


def test_what_an_uninitialised_parameter_refuses_and_answers() -> None:
    """Counting, initialising, computing and sharing fail; dtype answers; size() gives a placeholder."""
    rows = dict(
        line.split(": ", 1) for line in shown("lazy_initialization.what-fails").output.splitlines()
    )
    for action in ("numel", "init", "sum", "forward"):
        assert rows[action] == "ValueError: Attempted to use an uninitialized parameter"
    assert rows["share_memory"].startswith("RuntimeError: Can't share memory on an uninitialized")
    assert rows["dtype"] == "torch.float32"
    assert rows["size"] == "torch.Size([0])"


def test_forward_of_a_lazy_layer_skips_the_materialising_hook() -> None:
    """The hook that materialises runs in `__call__`: calling `forward` of the layer passes it by."""
    net = after("lazy_initialization.what-fails").net
    assert isinstance(net[0].weight, nn.UninitializedParameter)
    with pytest.raises(ValueError, match="uninitialized parameter"):
        net[0].forward(X)
    net[0](X)
    assert net[0].weight.shape == (256, 20)


def test_counting_all_parameters_before_the_first_call_is_an_error() -> None:
    """Summing `numel()` over a lazy model fails until the dry run."""
    net = after("lazy_initialization.before").net
    with pytest.raises(ValueError, match="uninitialized parameter"):
        sum(p.numel() for p in net.parameters())


def test_dry_run_turns_lazy_layers_into_linear_ones() -> None:
    """The first call fills in the widths, and the layers become plain `nn.Linear`."""
    state = after("lazy_initialization.dry-run")
    assert [type(m) for m in state.net] == [nn.Linear, nn.ReLU, nn.Linear]
    assert [tuple(p.shape) for p in state.net.parameters()] == [(256, 20), (256,), (10, 256), (10,)]
    assert (state.net[0].in_features, state.net[2].in_features) == (20, 256)
    output = shown("lazy_initialization.dry-run").output
    assert "(0): Linear(in_features=20, out_features=256, bias=True)" in output
    assert "still lazy: False" in output
    assert "parameters: 7946" in output


def test_dry_run_keeps_the_parameter_objects() -> None:
    """A parameter taken before the first call is the same object afterwards, with another class."""
    state = after("lazy_initialization.dry-run")
    assert state.weight is state.net[0].weight
    assert type(state.weight) is nn.Parameter
    output = shown("lazy_initialization.dry-run").output
    assert "same object: True" in output
    assert "its class: Parameter" in output
    net = state.lazy_net()
    held = list(net.parameters())
    net(X)
    assert all(p is q for p, q in zip(held, net.parameters(), strict=True))


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


def test_initialiser_by_lazy_type_matches_nothing_after_the_dry_run() -> None:
    """After the first call no module is a `LazyLinear` any more, so a test for that type skips all."""
    net = after("lazy_initialization.dry-run").net
    assert not any(isinstance(m, nn.LazyLinear) for m in net.modules())


def test_second_width_is_refused() -> None:
    """The first call fixes the width: another one fails as with any `nn.Linear`."""
    error = shown("lazy_initialization.second-width").error
    assert error == "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x21 and 20x256)"
    net = after("lazy_initialization.second-width").net
    assert net(torch.ones(7, 20)).shape == (7, 10)


def test_initialiser_by_type_skips_lazy_layers_silently() -> None:
    """`type(m) is nn.Linear` is false of a lazy layer: no error, and the weights are the default ones."""
    state = after("lazy_initialization.init-by-type")
    assert shown("lazy_initialization.init-by-type").output == "all ones: False\nall ones: True\n"
    net = state.lazy_net()
    net.apply(state.init_by_type)
    assert all(isinstance(p, nn.UninitializedParameter) for p in net.parameters())
    net(X)
    assert net[0].weight.std() > 0


def test_initialiser_by_isinstance_fails_early_and_works_after() -> None:
    """`isinstance` matches the lazy layer, so that the mistake is an error and not a silence."""
    state = after("lazy_initialization.init-by-isinstance")
    lines = shown("lazy_initialization.init-by-isinstance").output.splitlines()
    assert lines == [
        "before: ValueError: Attempted to use an uninitialized parameter",
        "all ones: True",
    ]
    assert (state.late[2].weight == 1).all()


def test_all_lazy_net_draws_the_same_numbers() -> None:
    """With one seed an all-lazy net gets the numbers of the eager one."""
    state = after("lazy_initialization.same-draws")
    assert torch.equal(state.eager, state.drawn(state.lazy_net))
    assert "all lazy: True" in shown("lazy_initialization.same-draws").output


def test_mixing_lazy_and_eager_layers_draws_other_numbers() -> None:
    """An eager layer draws when it is built, a lazy one at the first call: mixed, the order changes."""
    state = after("lazy_initialization.same-draws")
    mixed = state.drawn(state.mixed_net)
    assert mixed.shape == state.eager.shape
    assert not torch.equal(state.eager, mixed)
    # the eager layer of the mixed net got the first numbers of the seed
    torch.manual_seed(0)
    assert torch.equal(nn.Linear(256, 10).weight.flatten(), mixed[256 * 21 : 256 * 21 + 2560])
    assert "mixed: False" in shown("lazy_initialization.same-draws").output


def test_random_dry_run_batch_shifts_the_draws() -> None:
    """A batch drawn between the seed and the first call takes numbers that the weights would get."""
    state = after("lazy_initialization.same-draws")
    assert not torch.equal(state.eager, state.drawn(state.lazy_net, torch.rand))
    assert "random batch: False" in shown("lazy_initialization.same-draws").output


def test_optimiser_built_before_the_dry_run_works() -> None:
    """Adam and SGD may be built first: they hold the very objects that the first call fills."""
    state = after("lazy_initialization.optimizer-first")
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


def test_adagrad_cannot_be_built_before_the_dry_run() -> None:
    """Adagrad allocates its state in the constructor, and so fails on uninitialised parameters."""
    output = shown("lazy_initialization.optimizer-first").output
    assert "Adagrad: ValueError: Attempted to use an uninitialized parameter" in output
    net = after("lazy_initialization.dry-run").net
    assert torch.optim.Adagrad(net.parameters()).state[net[0].weight]["sum"].shape == (256, 20)


def test_load_state_dict_materialises() -> None:
    """Loading gives the parameters their shapes and values; the class changes at the first call."""
    lines = shown("lazy_initialization.load-materialises").output.splitlines()
    assert lines[0] == "<All keys matched successfully>"
    assert lines[1:4] == ["shape: (256, 20)", "class: LazyLinear 0", "class: Linear 20"]
    assert lines[4] == "same output: True"


def test_first_call_after_loading_keeps_the_loaded_values() -> None:
    """The dry run does not initialise again what was loaded, and refuses a batch of another width."""
    state = after("lazy_initialization.load-materialises")
    net = state.lazy_net()
    net.load_state_dict(state.net.state_dict())
    with pytest.raises(AssertionError, match="in_features inferred from input: 21"):
        net(torch.ones(2, 21))
    net(X)
    assert torch.equal(net[0].weight, state.net[0].weight)


def test_uninitialised_state_cannot_be_loaded_into_a_materialised_net() -> None:
    """The other way round fails, with the message about the shape."""
    output = shown("lazy_initialization.load-materialises").output
    assert "reverse: RuntimeError: Can't access the shape of an uninitialized parameter" in output


def test_file_of_an_uninitialised_state_dict_is_refused() -> None:
    """Saving before the first call succeeds, and the default `torch.load` refuses the file."""
    file = io.BytesIO()
    torch.save(after("lazy_initialization.before").net.state_dict(), file)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="UninitializedParameter"):
        torch.load(file)


def test_dry_run_in_training_mode_leaves_traces() -> None:
    """A dry run in training mode counts as a batch for batch norm; in evaluation mode it does not."""
    state = after("lazy_initialization.dry-run-traces")
    assert state.training[1].running_mean.any()
    assert not state.evaluating[1].running_mean.any()
    lines = shown("lazy_initialization.dry-run-traces").output.splitlines()
    assert lines[:2] == ["batches counted: 1", "batches counted: 0"]
    assert lines[2].startswith(
        "one row in training: ValueError: Expected more than 1 value per channel"
    )


def test_safe_order_keeps_dtype_statistics_and_initialiser() -> None:
    """Move, dry run, initialise, optimiser: each step finds what it needs."""
    state = after("lazy_initialization.in-order")
    assert all(p.dtype == torch.float64 for p in state.net.parameters())
    assert state.net.training
    assert not state.net[1].running_mean.any()
    assert 0.005 < state.net[0].weight.std() < 0.015
    assert not state.net[0].bias.any()
    held = state.optimizer.param_groups[0]["params"]
    assert all(p is q for p, q in zip(held, state.net.parameters(), strict=True))
    lines = shown("lazy_initialization.in-order").output.splitlines()
    assert lines == ["weight: (256, 20) torch.float64", "batches counted: 0", "parameters: 8458"]


def test_dry_run_under_no_grad_leaves_the_parameters_trainable() -> None:
    """`torch.no_grad()` around the dry run does not freeze what it materialises."""
    net = after("lazy_initialization.before").net
    with torch.no_grad():
        net(X)
    assert all(p.requires_grad for p in net.parameters())


def test_cast_before_the_dry_run_is_kept() -> None:
    """`double()` before the first call decides the dtype in which the weights come into being."""
    net = copy.deepcopy(after("lazy_initialization.before").net).double()
    net(X.double())
    assert net[0].weight.dtype == torch.float64


# Exercises


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


def test_materialise_draws_what_any_constant_batch_draws() -> None:
    """A dry run on zeros uses up no random numbers: the weights are those of the eager model."""
    state = after("lazy_initialization.materialise")
    torch.manual_seed(3)
    net = state.materialise(state.lazy_net(), 1, 20)
    torch.manual_seed(3)
    eager = state.eager_net()
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), eager.parameters(), strict=True))


def test_reached_names_what_an_initialiser_writes() -> None:
    """The solution names what is overwritten, even with equal values, and changes nothing itself."""
    state = after("lazy_initialization.reached")
    assert shown("lazy_initialization.reached").output.startswith("checked: ")
    net = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.LazyLinear(4))
    nn.init.zeros_(net[0].bias)
    before = copy.deepcopy(net[:2].state_dict())

    def zero_biases(m: nn.Module) -> None:
        if type(m) in (nn.Linear, nn.BatchNorm1d):
            nn.init.zeros_(m.bias)

    assert state.reached(net, zero_biases) == ["0.bias", "1.bias"]
    assert state.reached(net, lambda m: None) == []
    assert all(torch.equal(net[:2].state_dict()[name], before[name]) for name in before)
    with pytest.raises(ValueError, match="uninitialized parameter"):
        state.reached(net, state.init_normal)
    net(torch.ones(2, 3))
    assert state.reached(net, zero_biases) == ["0.bias", "1.bias", "2.bias"]


def test_reached_does_not_see_a_mere_multiplication() -> None:
    """NaN times anything is NaN: an initialiser that only scales goes unnoticed, as the page says."""
    state = after("lazy_initialization.reached")

    @torch.no_grad()
    def double(m: nn.Module) -> None:
        if isinstance(m, nn.Linear):
            m.weight *= 2

    assert state.reached(nn.Linear(3, 2), double) == []


def test_naive_lazy_layer_breaks_three_things() -> None:
    """Optimiser, loading and casting work for `nn.LazyLinear` and fail for the naive layer."""
    state = after("lazy_initialization.naive-lazy")
    assert shown("lazy_initialization.naive-lazy").output == "checked: trains, loads, casts\n"
    for trial in (state.trains, state.loads, state.casts):
        assert (trial(nn.LazyLinear), trial(state.NaiveLazyLinear)) == (True, False)
    # each for the reason that the page gives
    net = state.build(state.NaiveLazyLinear)
    assert [name for name, _ in net.named_parameters()] == ["2.weight", "2.bias"]
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"0.weight", "0.bias"'):
        net.load_state_dict(state.eager_net().state_dict())
    with pytest.raises(RuntimeError, match="dtype"):
        net.double()(torch.ones(3, 7, dtype=torch.float64))
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.SGD(state.NaiveLazyLinear(3).parameters())
    layer = state.NaiveLazyLinear(3)
    assert layer(torch.ones(2, 5, 7)).shape == (2, 5, 3)  # other than that, it works
    assert layer.weight.shape == (3, 7)


def test_freezing_early_is_refused_by_lazy_linear_and_ignored_by_the_naive_layer() -> None:
    """`requires_grad_(False)` before the first call is an error, or has no effect without a word."""
    state = after("lazy_initialization.naive-lazy")
    with pytest.raises(ValueError, match="uninitialized parameter"):
        state.build(nn.LazyLinear).requires_grad_(False)
    naive = state.build(state.NaiveLazyLinear).requires_grad_(False)
    naive(X)
    assert naive[0].weight.requires_grad
    assert not naive[2].weight.requires_grad
