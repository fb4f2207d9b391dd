import collections
import copy
import inspect
import io
import itertools
import math
import sys
import zipfile

import pytest
import torch
from torch import nn

from snippets.engine.testing import after, shown


def saved(state: object) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return file


# Access


def test_the_section_prints_nothing_before_its_first_example() -> None:
    """The setup cell only imports and defines; it shows no output."""
    assert shown("parameters.setup").output == ""


def test_sequential_is_indexed_like_a_list() -> None:
    """Negative indices and slices work, and a slice holds the same modules."""
    net = after("parameters.by-index").net
    assert len(net) == 3
    assert net[-1] is net[2]
    assert type(net[:2]) is nn.Sequential
    assert net[:2][0] is net[0]
    output = shown("parameters.by-index").output
    assert "output: (2, 1)" in output
    assert "net[-1] is net[2]: True" in output
    assert "with the same modules: True" in output


def test_a_state_dict_maps_names_to_tensors() -> None:
    """A state dict is an OrderedDict, not a list; iterating over it gives the names."""
    state = after("parameters.state-dict").state
    assert type(state) is collections.OrderedDict
    assert not isinstance(state, list)
    assert list(state) == ["weight", "bias"]
    assert "list: False  dict: True" in shown("parameters.state-dict").output


def test_the_weight_of_the_last_layer_has_shape_one_by_eight() -> None:
    """A linear weight is (out_features, in_features), and a layer computes X @ weight.T + bias."""
    net = after("parameters.state-dict").net
    assert net[2].weight.shape == (1, 8)
    inputs = torch.rand(5, 8)
    assert torch.allclose(net[2](inputs), inputs @ net[2].weight.T + net[2].bias)
    assert "weight (1, 8) Tensor\nbias (1,) Tensor" in shown("parameters.state-dict").output


def test_state_dict_entries_are_detached_and_share_memory() -> None:
    """An entry of a state dict is a plain tensor on the memory of the parameter."""
    net = after("parameters.state-dict").net
    entry = net[2].state_dict()["weight"]
    assert type(entry) is torch.Tensor
    assert not entry.requires_grad
    assert entry.data_ptr() == net[2].weight.data_ptr()


def test_ordered_dict_prints_a_list_of_pairs_up_to_python_3_11() -> None:
    """OrderedDict prints as a list of pairs up to Python 3.11 and with braces from 3.12 on."""
    braces = sys.version_info >= (3, 12)
    expected = "OrderedDict({'a': 1})" if braces else "OrderedDict([('a', 1)])"
    assert repr(collections.OrderedDict(a=1)) == expected


def test_relu_has_no_bias() -> None:
    """An index counts every module: net[1] is the ReLU, which has no bias."""
    net = after("parameters.by-index").net
    assert type(net[1]) is nn.ReLU
    assert list(net[1].parameters()) == []
    error = shown("parameters.relu-has-no-bias").error
    assert error == "AttributeError: 'ReLU' object has no attribute 'bias'"


def test_a_bias_is_a_registered_tensor() -> None:
    """A bias is an nn.Parameter, which is a tensor that requires a gradient."""
    bias = after("parameters.parameter-object").bias
    assert type(bias) is nn.Parameter
    assert isinstance(bias, torch.Tensor)
    assert bias.requires_grad
    output = shown("parameters.parameter-object").output
    assert output.startswith("<class 'torch.nn.parameter.Parameter'>\n")


def test_detach_gives_a_plain_tensor_on_the_same_memory() -> None:
    """detach() gives a plain tensor without gradient that shares memory with the parameter."""
    state = after("parameters.parameter-object")
    assert type(state.value) is torch.Tensor
    assert not state.value.requires_grad
    assert state.value.data_ptr() == state.bias.data_ptr() == state.bias.data.data_ptr()


def test_data_is_an_attribute_not_a_method() -> None:
    """Calling .data() fails, since .data is already a tensor."""
    error = shown("parameters.parameter-object").error
    assert error == "TypeError: 'Tensor' object is not callable"


def test_the_gradient_is_none_before_backward_and_after_zero_grad() -> None:
    """There is no gradient before backward, a tensor after it, and none again after zero_grad."""
    outcome = shown("parameters.gradient")
    assert outcome.output.splitlines() == [
        "no backward yet: None",
        "after backward: (1, 8)",
        "after zero_grad: None",
    ]
    assert after("parameters.gradient").weight.grad is None


def test_zero_grad_can_fill_with_zeros_instead() -> None:
    """zero_grad drops gradients by default and fills them with zeros if set_to_none is False."""
    assert inspect.signature(nn.Module.zero_grad).parameters["set_to_none"].default is True
    state = after("parameters.gradient")
    state.net(state.X).sum().backward()
    assert state.weight.grad.any()
    state.net.zero_grad(set_to_none=False)
    assert state.weight.grad.shape == (1, 8)
    assert not state.weight.grad.any()


def test_equality_with_none_is_a_bool_but_equality_of_tensors_is_element_wise() -> None:
    """A tensor == None is plainly False, while == between tensors compares each element."""
    ones = torch.ones(2)
    assert (ones == None) is False  # noqa: E711
    assert (ones == ones).tolist() == [True, True]


def test_names_and_shapes_of_one_layer() -> None:
    """A linear layer names its weight and its bias."""
    assert after("parameters.named-parameters").layer == [("weight", (8, 4)), ("bias", (8,))]
    assert (
        "one layer: ('weight', (8, 4)) ('bias', (8,))"
        in shown("parameters.named-parameters").output
    )


def test_names_in_a_whole_net_carry_the_position() -> None:
    """In a whole network each name begins with the position of its layer."""
    output = shown("parameters.named-parameters").output
    assert "whole net: 0.weight 0.bias 2.weight 2.bias\n" in output


def test_named_parameters_is_a_generator_of_pairs() -> None:
    """named_parameters() of any module returns a generator of (name, parameter) pairs."""
    net = after("parameters.named-parameters").net
    for module in net:
        assert inspect.isgenerator(module.named_parameters())
    assert inspect.isgenerator(net.named_parameters())
    assert len(next(net.named_parameters())) == 2


def test_named_parameters_gives_the_parameters_themselves() -> None:
    """A pair holds the parameter itself: writing to it changes the model."""
    state = after("parameters.named-parameters")
    assert state.found["2.bias"] is state.net[2].bias
    nn.init.constant_(state.found["2.bias"], 3)
    assert state.net[2].bias.item() == 3


def test_star_unpacks_after_the_index() -> None:
    """In *pairs[0] the index comes first, so the second pair is never shown."""
    assert "first pair: weight (8, 4)\n" in shown("parameters.named-parameters").output


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_star_unpacks_any_iterable(kind: type) -> None:
    """* passes the items of any iterable as separate arguments."""

    def count(*arguments: int) -> int:
        return len(arguments)

    assert count(*kind([1, 2, 3])) == 3


def test_a_state_dict_is_live_and_a_clone_is_not() -> None:
    """A state dict entry follows the parameter; a clone keeps the old value."""
    state = after("parameters.by-name")
    assert state.entry.item() == 5
    assert state.snapshot.item() != 5
    assert shown("parameters.by-name").output == (
        "entry: 5.0\nsnapshot is 5: False\nsame object: True\n"
    )


def test_data_of_a_state_dict_entry_adds_nothing() -> None:
    """The .data of a state dict entry is the same detached memory."""
    entry = after("parameters.by-name").entry
    assert entry.data.data_ptr() == entry.data_ptr()
    assert not entry.requires_grad


def test_get_parameter_finds_the_parameter_itself() -> None:
    """get_parameter returns the parameter of that name, not a copy of its value."""
    net = after("parameters.by-name").net
    assert net.get_parameter("2.bias") is net[2].bias
    assert torch.equal(net.state_dict()["2.bias"], net[2].bias)


def test_rgnet_answers_two_inputs_almost_alike() -> None:
    """With default weights rgnet gives nearly the same output for two different inputs."""
    state = after("parameters.rgnet")
    first, second = state.rgnet(state.X)
    assert not torch.allclose(state.X[0], state.X[1], atol=0.1)
    assert 0 < (first - second).abs() < 1e-3
    assert state.rgnet(state.X).shape == (2, 1)


def test_with_seed_0_the_two_outputs_of_rgnet_are_equal() -> None:
    """With seed 0 the ReLUs clip all that distinguishes the two rows."""
    state = after("parameters.rgnet")
    torch.manual_seed(0)
    net = nn.Sequential(state.block2(), nn.Linear(4, 1))
    first, second = net(state.X)
    assert torch.equal(first, second)


def test_printing_a_network_shows_its_tree() -> None:
    """The printed network names every block and every layer in it."""
    output = shown("parameters.tree").output
    assert output.startswith("Sequential(\n  (0): Sequential(\n    (block 0): Sequential(")
    assert output.count("Linear(") == 9
    assert output.count("ReLU()") == 8
    assert all(f"(block {i}): Sequential(" in output for i in range(4))


def test_parameters_walk_the_tree_unless_told_not_to() -> None:
    """The 18 parameters of rgnet hold 309 numbers, and none is registered at the top."""
    net = after("parameters.rgnet").rgnet
    assert len(list(net.named_parameters())) == len(net.state_dict()) == 18
    assert sum(parameter.numel() for parameter in net.parameters()) == 309
    assert list(net.named_parameters(recurse=False)) == []
    assert "parameters: 18\nnumbers: 309\nits own: []" in shown("parameters.tree").output


def test_indices_follow_the_nesting() -> None:
    """rgnet[0][1][0] is the first layer of the second sub-block of the first block."""
    net = after("parameters.rgnet").rgnet
    layer = net[0][1][0]
    assert layer.bias.shape == (8,)
    assert layer.bias is net.get_parameter("0.block 1.0.bias")
    assert shown("parameters.nested-index").output == ("shape: (8,)\nby key: True\nby name: True\n")


def test_a_block_name_with_a_space_needs_getattr() -> None:
    """A space in a block name goes into the keys and forbids attribute syntax."""
    net = after("parameters.rgnet").rgnet
    assert "0.block 1.0.bias" in net.state_dict()
    assert getattr(net[0], "block 1") is net[0][1]
    with pytest.raises(SyntaxError):
        compile("rgnet[0].block 1", "key", "eval")
    net[0].add_module("block4", nn.ReLU())
    assert net[0].block4 is net[0][4]


def test_a_block_name_with_a_dot_is_refused() -> None:
    """add_module refuses a name with a dot, and adds nothing."""
    error = shown("parameters.nested-index").error
    assert error is not None
    assert error.startswith("KeyError: ")
    assert 'contain "."' in error
    assert len(after("parameters.nested-index").rgnet[0]) == 4


def test_each_default_block_wipes_out_most_of_the_difference() -> None:
    """Each block of rgnet leaves less than a fifth of the spread between inputs."""
    lines = shown("parameters.washed-out").output.splitlines()
    spreads = [float(line.split()[-1]) for line in lines]
    assert len(spreads) == 5
    assert all(late < early / 5 for early, late in itertools.pairwise(spreads))
    net = after("parameters.washed-out").rgnet
    assert net(torch.rand(64, 4)).std() < 1e-3


# Initialisation


def test_the_default_range_of_a_linear_weight_depends_on_the_inputs_only() -> None:
    """The largest default weight of a linear layer reaches 1/sqrt(in_features), whatever its outputs."""
    lines = shown("parameters.defaults").output.splitlines()
    linear = [line for line in lines if line.startswith("Linear")]
    assert len(linear) == 4
    assert all(line.endswith("= 1.00") for line in linear)
    torch.manual_seed(0)
    layer = nn.Linear(64, 2000)
    for tensor in (layer.weight, layer.bias):
        assert tensor.abs().max() <= 1 / 8 < tensor.abs().max() * 1.02
    assert math.isclose(layer.weight.var().item(), 1 / (3 * 64), rel_tol=0.02)
    assert layer.bias.shape == (2000,)


def test_a_convolution_follows_the_same_rule_with_its_own_fan_in() -> None:
    """A convolution draws from the same range, with channels times kernel size as fan-in."""
    torch.manual_seed(0)
    weight = nn.Conv2d(3, 64, kernel_size=5).weight
    bound = 1 / math.sqrt(3 * 5 * 5)
    assert weight.abs().max() <= bound < weight.abs().max() * 1.01


def test_other_layers_start_from_other_laws() -> None:
    """An embedding starts standard normal, LayerNorm with ones and zeros, PReLU with 0.25."""
    assert "Embedding: std = 1.00" in shown("parameters.defaults").output
    for norm in (nn.LayerNorm(3), nn.BatchNorm1d(3)):
        assert norm.weight.tolist() == [1, 1, 1]
        assert norm.bias.tolist() == [0, 0, 0]
    assert nn.PReLU().weight.item() == 0.25
    kinds = (nn.Linear, nn.Conv2d, nn.Embedding, nn.LayerNorm, nn.BatchNorm1d, nn.PReLU)
    assert all("reset_parameters" in dir(kind) for kind in kinds)


def test_kaiming_keeps_apart_what_the_defaults_merge() -> None:
    """Eight wide default layers merge all outputs; kaiming_normal_ keeps them apart."""

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


def test_initialisers_work_in_place_and_without_gradient() -> None:
    """nn.init functions overwrite the very tensor and record nothing for autograd."""
    ready = {"normal_", "zeros_", "constant_", "xavier_uniform_", "kaiming_normal_", "orthogonal_"}
    assert ready <= set(dir(nn.init))
    weight = nn.Linear(2, 2).weight
    assert nn.init.constant_(weight, 1) is weight
    assert weight.is_leaf
    assert weight.grad_fn is None


def test_init_normal_draws_small_weights_and_zero_biases() -> None:
    """init_normal draws weights with mean 0 and standard deviation 0.01 and clears the biases."""
    state = after("parameters.init-normal")
    assert not state.net[0].bias.any()
    assert not state.net[2].bias.any()
    assert 0 < state.net[0].weight.abs().max() < 0.06
    torch.manual_seed(0)
    outer, inner = nn.Linear(400, 400), nn.Linear(400, 5)
    nn.Sequential(outer, nn.Sequential(inner)).apply(state.init_normal)
    assert abs(outer.weight.std().item() - 0.01) < 2e-4
    assert abs(outer.weight.mean().item()) < 2e-4
    assert not inner.bias.any()


def test_normal_draws_and_does_not_standardise() -> None:
    """normal_ ignores what the tensor held before."""
    torch.manual_seed(0)
    first = nn.init.normal_(torch.full((3,), 7.0), 0, 0.01)
    torch.manual_seed(0)
    assert torch.equal(first, nn.init.normal_(torch.zeros(3), 0, 0.01))


def test_init_normal_and_init_constant_accept_a_layer_without_bias() -> None:
    """The initialisers check for a missing bias."""
    state = after("parameters.init-constant")
    for initialise in (state.init_normal, state.init_constant):
        assert nn.Linear(2, 2, bias=False).apply(initialise).bias is None


def test_apply_visits_children_first_and_returns_the_module() -> None:
    """A function goes to every module, children before parents, and apply returns the module."""
    lines = shown("parameters.apply-order").output.splitlines()
    names = [line.split()[0] for line in lines[1:-1]]
    assert names == [
        "Linear",
        "NonDynamicallyQuantizableLinear",
        "MultiheadAttention",
        "LazyLinear",
        "Sequential",
    ]
    assert lines[-1] == "returns itself: True"
    visited: list[nn.Module] = []
    net = after("parameters.rgnet").rgnet
    assert net.apply(visited.append) is net
    assert visited[-1] is net
    assert len(visited) == 23


def test_comparing_types_skips_subclasses_that_isinstance_finds() -> None:
    """type(m) is nn.Linear misses attention's output projection and a lazy layer."""
    lines = shown("parameters.apply-order").output.splitlines()[1:-1]
    answers = {line.split()[0]: line.split()[1:] for line in lines}
    assert answers["Linear"] == ["True", "True"]
    assert answers["NonDynamicallyQuantizableLinear"] == ["False", "True"]
    assert answers["LazyLinear"] == ["False", "True"]
    assert answers["MultiheadAttention"] == ["False", "False"]


def test_a_lazy_layer_can_be_initialised_after_its_first_call() -> None:
    """A lazy layer refuses an initialiser until the first call has given it a shape."""
    init_normal = after("parameters.init-normal").init_normal
    lazy = nn.LazyLinear(3)
    with pytest.raises(ValueError, match="uninitialized parameter"):
        lazy.apply(init_normal)
    lazy(torch.ones(1, 2))
    lazy.apply(init_normal)
    assert lazy.weight.abs().max() < 0.06


def test_init_constant_fills_weights_with_one() -> None:
    """init_constant sets every linear weight to 1 and every bias to 0."""
    net = after("parameters.init-constant").net
    for layer in (net[0], net[2]):
        assert (layer.weight == 1).all()
        assert not layer.bias.any()
    assert shown("parameters.init-constant").output == "[1.0, 1.0, 1.0, 1.0] 0.0\n"


def test_equal_units_stay_equal_during_training() -> None:
    """Units that start equal are still equal after training; randomly started ones are not."""
    lines = shown("parameters.symmetry").output.splitlines()
    assert lines[0].startswith("different units: 1 of 8")
    assert lines[1].startswith("different units: 8 of 8")
    constant, default = (float(line.split()[-1]) for line in lines)
    assert default < constant / 2


def test_constant_weights_do_move_but_together() -> None:
    """Training changes constant weights, yet every unit has exactly the same ones."""
    state = after("parameters.symmetry")
    net = copy.deepcopy(state.net)
    state.train(net, steps=20)
    weight = net[0].weight.detach()
    assert (weight - weight[0]).abs().max() == 0
    assert weight[0].std() > 0


def test_constant_biases_do_not_keep_units_equal() -> None:
    """Zero biases are harmless: random weights already tell the units apart."""
    state = after("parameters.symmetry")
    net = copy.deepcopy(state.net).apply(state.init_normal)
    state.train(net, steps=5)
    assert len(net[0].weight.unique(dim=0)) == 8


def test_each_layer_can_have_its_own_initialiser() -> None:
    """Calling apply on a part of the model leaves the other parts alone."""
    net = after("parameters.init-per-layer").net
    bound = math.sqrt(6 / (4 + 8))
    assert bound * 0.7 < net[0].weight.abs().max() <= bound
    assert (net[2].weight == 42).all()


def test_an_initialiser_that_names_only_weights_leaves_the_bias() -> None:
    """init_xavier and init_42 leave the biases as they were."""
    net = after("parameters.init-per-layer").net
    assert net[2].bias.item() == 5
    assert not net[0].bias.any()
    assert "bias: 5.0" in shown("parameters.init-per-layer").output


def test_a_missing_bias_is_none_and_breaks_zeros() -> None:
    """With bias=False the bias is None, and zeros_ fails on it."""
    output = shown("parameters.init-errors").output
    assert output.startswith("bias: None\n")
    assert "AttributeError: 'NoneType' object has no attribute 'zero_'" in output


def test_a_bias_has_no_fan_out() -> None:
    """Xavier and Kaiming refuse a tensor with fewer than two dimensions."""
    message = "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
    assert f"ValueError: {message}" in shown("parameters.init-errors").output
    with pytest.raises(ValueError, match=message):
        nn.init.kaiming_normal_(torch.empty(4))


def test_my_init_keeps_to_its_law() -> None:
    """my_init gives 0 to half of the weights and U(5,10), U(-10,-5) to a quarter each."""
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


def test_multiplying_by_a_mask_leaves_negative_zeros() -> None:
    """A negative number times 0 is -0.0, equal to 0 but printed with a sign."""
    lines = shown("parameters.negative-zero").output.splitlines()
    times, where, filled = lines[1:]
    assert "-0.0000" in times
    assert "-0.0000" not in where + filled
    drawn = after("parameters.negative-zero").drawn
    product = drawn * (drawn.abs() >= 5)
    zero = product == 0
    assert zero.any()
    assert torch.signbit(product[zero]).any()
    for clean in (torch.where(drawn.abs() >= 5, drawn, 0), drawn.masked_fill(drawn.abs() < 5, 0)):
        assert torch.equal(clean, product)
        assert not torch.signbit(clean[zero]).any()


# Depth


def test_constant_weights_multiply_the_spread_by_the_width() -> None:
    """With all weights 1, each layer after the first multiplies the spread by its width."""
    state = after("parameters.spread-by-depth")
    for curve, width in [
        (state.curves["constant 1"], 64),
        (state.spreads(state.init_constant, depth=5, width=16), 16),
    ]:
        for early, late in itertools.pairwise(curve):
            assert math.isclose(late / early, width, rel_tol=1e-6)


def test_the_spread_shrinks_by_an_initialiser_s_own_factor() -> None:
    """Per layer of width 64, the defaults keep about 40% of the spread and init_normal about 5%."""
    curves = after("parameters.spread-by-depth").curves
    assert list(curves) == ["constant 1", "kaiming", "default", "normal 0.01"]
    assert all(len(curve) == 20 for curve in curves.values())

    def factor(name: str) -> float:
        return float((curves[name][-1] / curves[name][0]) ** (1 / 19))

    assert 0.35 < factor("default") < 0.45
    assert 0.045 < factor("normal 0.01") < 0.06
    kaiming = curves["kaiming"]
    assert kaiming[-1] > kaiming[0] / 4
    assert all(0.25 < value < 1 for value in kaiming)


def test_kaiming_draws_with_a_scale_from_the_fan_in() -> None:
    """kaiming_normal_ draws with standard deviation sqrt(2 / in_features) and zero biases."""
    init_kaiming = after("parameters.spread-by-depth").init_kaiming
    torch.manual_seed(1)
    layer = nn.Linear(200, 500).apply(init_kaiming)
    assert math.isclose(layer.weight.std().item(), math.sqrt(2 / 200), rel_tol=0.02)
    assert not layer.bias.any()


def test_the_depth_plot_names_every_curve() -> None:
    """The plot of the spread against depth is one figure with a label for each initialiser."""
    (figure,) = shown("parameters.depth-plot").figures
    for label in ("constant 1", "kaiming", "default", "normal 0.01", "depth", "std", "1e-20"):
        assert f">{label}</text>" in figure


# Editing


def test_a_parameter_is_edited_in_place_under_no_grad() -> None:
    """Under no_grad a parameter is edited in place and stays the same parameter."""
    assert shown("parameters.edit-in-place").output == (
        "[[42.0, 2.0, 2.0, 2.0], [2.0, 2.0, 2.0, 2.0]]\n"
    )
    net = after("parameters.edit-in-place").net
    weight = net[0].weight
    with torch.no_grad():
        net[0].weight += 1
    assert net[0].weight is weight
    assert isinstance(weight, nn.Parameter)
    assert weight[0, 0] == 43


def test_an_edit_that_autograd_would_record_is_refused() -> None:
    """Outside no_grad an in-place write to a parameter is refused and changes nothing."""
    error = shown("parameters.edit-in-place").error
    message = "a leaf Variable that requires grad is being used in an in-place operation."
    assert error == f"RuntimeError: {message}"
    assert after("parameters.edit-in-place").net[0].weight[0, 0] == 42


def test_a_write_through_data_makes_the_gradient_wrong_without_a_word() -> None:
    """After a write through .data the backward pass uses the new value: a wrong gradient."""
    output = shown("parameters.data-hides-the-write").output
    assert output == "untouched: [[1.0, 1.0]]\ndata: [[100.0, 100.0]]\n"


def test_a_write_under_no_grad_is_noticed_in_the_backward_pass() -> None:
    """After a write under no_grad the backward pass stops with an error."""
    error = shown("parameters.data-hides-the-write").error
    assert error is not None
    assert error.startswith(
        "RuntimeError: one of the variables needed for gradient computation "
        "has been modified by an inplace operation"
    )


def test_only_a_visible_write_raises_the_version() -> None:
    """A write under no_grad raises a tensor's version number, a write through .data does not."""
    state = after("parameters.data-hides-the-write")
    weight = nn.Linear(2, 2).weight
    version = weight._version
    state.through_data(weight)
    assert weight._version == version
    state.under_no_grad(weight)
    assert weight._version == version + 1


# Tying


def test_one_module_stands_at_two_positions() -> None:
    """Positions 2 and 4 hold one object, so a change at one is seen at the other."""
    net = after("parameters.shared").net
    assert net[2] is net[4]
    assert net[2].weight is net[4].weight
    nn.init.constant_(net[2].weight, 7)
    assert (net[4].weight == 7).all()
    assert shown("parameters.shared").output == (
        "net[2] is net[4]: True\nseen in net[4]: 100.0\nseen in other: 100.0\n"
    )


def test_two_models_can_share_a_layer() -> None:
    """A layer placed in two models is the same layer in both."""
    state = after("parameters.shared")
    assert state.other[0].weight is state.net[2].weight


def test_equality_does_not_prove_sharing() -> None:
    """A deep copy is equal to the original but is not the original."""
    state = after("parameters.tie-or-copy")
    assert torch.equal(state.twin.weight, state.shared.weight)
    assert (state.twin.weight[0] == state.shared.weight[0]).all()
    assert state.twin.weight is not state.shared.weight
    nn.init.zeros_(state.twin.weight)
    assert state.shared.weight.any()


def test_handing_over_a_weight_ties_that_weight_only() -> None:
    """Assigning a weight to another layer ties the weight and leaves the bias separate."""
    state = after("parameters.tie-or-copy")
    assert state.borrower.weight is state.shared.weight
    assert state.borrower.bias is not state.shared.bias


def test_moving_to_meta_unties_a_borrowed_weight_but_not_a_shared_module() -> None:
    """Moving to meta unties a weight held by two modules; a module at two positions stays one."""
    output = shown("parameters.tie-or-copy").output
    assert "borrowed, moved: False\nshared, moved: True" in output


def test_a_change_of_dtype_keeps_a_borrowed_weight_tied() -> None:
    """A change of dtype keeps both kinds of tie."""
    state = after("parameters.tie-or-copy")
    pair = copy.deepcopy(nn.Sequential(state.shared, state.borrower))
    assert pair[0].weight is pair[1].weight
    pair.double()
    assert pair[0].weight is pair[1].weight
    assert pair[0].weight.dtype == torch.float64


def test_a_shared_layer_is_counted_once_and_listed_twice() -> None:
    """Seven modules hold 6 parameters with 121 numbers, and the state dict has 8 keys."""
    net = after("parameters.shared").net
    assert len(net) == 7
    assert len(list(net.parameters())) == 6
    assert len(net.state_dict()) == 8
    assert sum(parameter.numel() for parameter in net.parameters()) == 121
    every = list(net.named_parameters(remove_duplicate=False))
    assert len(every) == 8
    assert sum(parameter.numel() for _, parameter in every) == 193
    output = shown("parameters.tie-count").output
    assert output.startswith("modules: 7\nparameters: 6\nnumbers: 121\nkeys: 0.weight 0.bias ")
    assert "4.weight 4.bias" in output


def test_named_modules_hides_the_second_place_unless_asked() -> None:
    """named_modules skips position 4; remove_duplicate=False brings it back."""
    net = after("parameters.shared").net
    assert "4" not in dict(net.named_modules())
    assert dict(net.named_modules(remove_duplicate=False))["4"] is net[2]
    assert "named: 0 1 2 3 5 6\n" in shown("parameters.tie-count").output


def test_parameters_gives_a_shared_weight_once() -> None:
    """Whoever goes through parameters() meets the shared weight once."""
    net = after("parameters.shared").net
    assert sum(parameter is net[2].weight for parameter in net.parameters()) == 1


def test_saving_and_copying_keep_the_tie() -> None:
    """A saved file holds the shared storage once, and a deep copy is tied like the original."""
    net = after("parameters.shared").net
    untied = copy.deepcopy(net)
    assert untied[2] is untied[4]
    untied[4] = copy.deepcopy(untied[2])
    storages = [
        sum("/data/" in name for name in zipfile.ZipFile(saved(model.state_dict())).namelist())
        for model in (net, untied)
    ]
    assert storages == [6, 8]
    assert "one storage after loading: True" in shown("parameters.tie-count").output


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


def test_the_gradient_of_a_shared_layer_is_the_sum_over_its_uses() -> None:
    """The gradient of the shared weight equals the sum of those of two untied copies."""
    state = after("parameters.tie-gradient")
    assert torch.allclose(state.net[2].weight.grad, state.first + state.second)
    assert state.first.any()
    assert state.second.any()
    assert not torch.allclose(state.first, state.second)
    assert "sum of both: True" in shown("parameters.tie-gradient").output


def test_backward_visits_position_4_before_position_2_and_writes_once() -> None:
    """The backward pass goes from 6 to 0, and writes the shared gradient a single time."""
    state = after("parameters.one-write")
    assert state.order == [6, 5, 4, 3, 2, 1, 0]
    output = shown("parameters.one-write").output
    assert "backward visits: 6 5 4 3 2 1 0\nwrites to .grad: 1\n" in output


def test_a_shared_module_is_called_twice_but_its_gradient_arrives_once() -> None:
    """Two forward calls of the shared layer lead to one gradient for its weight."""
    state = after("parameters.one-write")
    state.net.zero_grad()
    calls: list[str] = []
    state.shared.register_forward_hook(lambda *_: calls.append("forward"))
    state.shared.weight.register_hook(lambda _: calls.append("gradient"))
    state.net(state.X).sum().backward()
    assert calls == ["forward", "forward", "gradient"]


def test_gradients_accumulate_from_one_backward_call_to_the_next() -> None:
    """Without zero_grad a second backward pass doubles the gradient."""
    state = after("parameters.one-write")
    assert torch.allclose(state.shared.weight.grad, 2 * state.once)
    assert state.once.any()
    assert "then doubled: True" in shown("parameters.one-write").output


# Exercises


def test_the_report_tells_no_gradient_from_a_gradient_of_zeros() -> None:
    """report() tells a parameter that took no part from one whose gradient is zero."""
    state = after("parameters.gradient-report")
    assert state.model[2].weight.grad is not None
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


def test_an_optimiser_uses_a_gradient_that_was_left_behind() -> None:
    """requires_grad_(False) alone does not stop a step with a gradient from before."""
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 2)).sum().backward()
    layer.requires_grad_(False)
    before = layer.weight.clone()
    optimizer.step()
    assert not torch.equal(layer.weight, before)


def test_the_defaults_of_conv_and_lstm_follow_the_law_that_was_found() -> None:
    """Conv2d draws within 1/sqrt(in * k * k), LSTM within 1/sqrt(hidden), for other sizes too."""
    state = after("parameters.default-law")
    torch.manual_seed(3)
    assert 0.98 < state.bound(nn.Conv2d(5, 32, 5)) * math.sqrt(5 * 25) < 1.000001
    assert 0.98 < state.bound(nn.LSTM(40, 12)) * math.sqrt(12) < 1.000001
    assert state.effects(nn.Conv2d, state.conv_sizes) == state.conv
    linear = state.effects(nn.Linear, {"in_features": 64, "out_features": 64})
    assert linear == {"in_features": 1.4, "out_features": 1}


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
    assert state.table(state.rgnet) == 309
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
    assert len(output.splitlines()) == 6 + 2
    assert "2.weight = 4.weight (8, 8)" in output


def test_finite_differences_agree_with_the_tied_gradient() -> None:
    """Central differences equal the gradient of another tied net, not that of one use alone."""
    state = after("parameters.finite-differences")
    torch.manual_seed(5)
    tied = nn.Linear(3, 3).double()
    net = nn.Sequential(tied, nn.Tanh(), tied)
    inputs = torch.rand(4, 3).double()
    net(inputs).sum().backward()
    before = tied.weight.detach().clone()
    numeric = state.differences(net, tied.weight, inputs)
    assert torch.equal(tied.weight, before)
    assert tied.weight.grad is not None
    assert torch.allclose(numeric, tied.weight.grad, atol=1e-7)
    uses = [copy.deepcopy(tied), copy.deepcopy(tied)]
    untied = nn.Sequential(uses[0], nn.Tanh(), uses[1])
    untied.zero_grad()
    untied(inputs).sum().backward()
    for use in uses:
        assert use.weight.grad is not None
        assert not torch.allclose(numeric, use.weight.grad, atol=1e-2)


def test_the_check_by_differences_needs_float64() -> None:
    """With steps of 1e-6 the check passes in float64 and fails in float32."""
    state = after("parameters.finite-differences")
    assert state.exact < 1e-7
    assert state.rough > 1e-2


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


def test_both_uses_reach_the_gradient_of_the_transposed_weight() -> None:
    """The gradient of the tied weight equals central differences in float64."""
    auto = after("parameters.transposed-tie").TiedAutoencoder(4, 2).double()
    inputs = torch.rand(3, 4, dtype=torch.float64)
    rest = {name: p.detach() for name, p in auto.named_parameters()}

    def output(weight: torch.Tensor) -> torch.Tensor:
        values = {**rest, "encoder.weight": weight}
        result: torch.Tensor = torch.func.functional_call(auto, values, (inputs,))
        return result

    weight = auto.encoder.weight.detach().requires_grad_()
    assert torch.autograd.gradcheck(output, (weight,))


def test_a_transposed_weight_cannot_be_assigned() -> None:
    """A transposed weight is no parameter, so a layer refuses it."""
    encoder, decoder = nn.Linear(4, 2), nn.Linear(2, 4)
    with pytest.raises(TypeError, match="cannot assign"):
        decoder.weight = encoder.weight.T


def test_every_solution_passes_its_own_check() -> None:
    """All solutions run through to the last one, whose final line says what was checked."""
    last = shown("parameters.transposed-tie")
    assert last.state == "ran"
    assert last.output.splitlines()[-1] == "checked: 35 numbers, both uses in the gradient"
