import ast
import copy
import inspect
import math
import re
import types
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from snippets.engine.scripts import read_section
from snippets.engine.testing import after
from snippets.engine.testing import shown as shown_afresh

SECTION = read_section(Path(__file__).parents[1] / "snippets" / "blocks.py")
shown = cache(shown_afresh)  # what a snippet shows is frozen: one run serves all tests


def _names(pairs: Any) -> list[str]:
    return [name for name, _ in pairs]


# 5.1


def test_layer_group_and_model_are_one_kind_of_object() -> None:
    """A layer, a group of layers and a model are all instances of nn.Module."""
    state = after("blocks.one-kind")
    assert all(isinstance(part, nn.Module) for part in (state.layer, state.group, state.model))
    assert type(state.group) is type(state.model) is nn.Sequential
    assert inspect.isclass(nn.Sequential)
    assert issubclass(nn.Sequential, nn.Module)


def test_one_kind_prints_true_three_times() -> None:
    """The snippet finds that each of the three parts is a Module."""
    lines = shown("blocks.one-kind").output.splitlines()
    assert [line.split()[0] for line in lines] == ["Linear", "Sequential", "Sequential"]
    assert all(line.endswith("is a Module: True") for line in lines)


def test_resnet_152_counts_its_weighted_layers() -> None:
    """One convolution, four groups of blocks of three, and one linear layer make 152 layers."""
    groups = [
        nn.Sequential(*(nn.Sequential(*(nn.Conv2d(2, 2, 1) for _ in range(3))) for _ in range(n)))
        for n in (3, 8, 36, 3)
    ]
    skeleton = nn.Sequential(nn.Conv2d(3, 2, 7), *groups, nn.Linear(2, 1000))
    weighted = [module for module in skeleton.modules() if hasattr(module, "weight")]
    assert len(weighted) == 1 + 3 * (3 + 8 + 36 + 3) + 1 == 152


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


def test_weight_shape_reads_outputs_then_inputs() -> None:
    """The weight of Linear(20, 64) has the shape (64, 20)."""
    assert after("blocks.one-kind").layer.weight.shape == (64, 20)


def test_sequential_hands_each_output_to_the_next_part() -> None:
    """Calling the parts of a Sequential in order gives the output of the Sequential."""
    state = after("blocks.sequential-by-hand")
    model, X = state.model, state.X
    assert torch.equal(model(X), model[2](model[1](model[0](X))))
    assert "same as model(X): True" in shown("blocks.sequential-by-hand").output


def test_sequential_maps_names_to_modules() -> None:
    """A Sequential keeps its parts under the names '0', '1', '2' and finds them by position."""
    model = after("blocks.sequential-by-hand").model
    assert list(model._modules) == ["0", "1", "2"]
    assert model[-1] is model[2] is model._modules["2"]
    assert "names: ['0', '1', '2']" in shown("blocks.sequential-by-hand").output


# 5.1.1


def test_section_defines_its_own_input() -> None:
    """X is defined in the section, with the 20 features that its models take."""
    state = after("blocks.mlp")
    assert state.X.shape == (2, 20)
    assert state.net.hidden.in_features == 20


def test_snippets_cannot_do_without_the_imports() -> None:
    """Without the imports the first class statement ends in a NameError."""
    with pytest.raises(NameError, match="'nn' is not defined"):
        exec("class MLP(nn.Module): pass", {})


def test_input_is_an_argument_of_forward() -> None:
    """The input is a parameter of forward, and not of the constructor."""
    MLP = after("blocks.mlp").MLP
    assert list(inspect.signature(MLP.forward).parameters) == ["self", "X"]
    assert list(inspect.signature(MLP.__init__).parameters) == ["self"]


def test_output_shape_may_differ_from_the_input_shape() -> None:
    """MLP takes (2, 20) to (2, 256) in its hidden layer and to (2, 10) at its end."""
    state = after("blocks.mlp")
    assert state.net.hidden(state.X).shape == (2, 256)
    assert state.net(state.X).shape == (2, 10)
    output = shown("blocks.mlp").output
    assert "after hidden: (2, 256)" in output
    assert "output: (2, 10)" in output


def test_mlp_is_linear_then_relu_then_linear() -> None:
    """MLP applies its hidden layer, cuts off what is negative, and applies its last layer."""
    state = after("blocks.mlp")
    hidden = state.net.hidden(state.X)
    assert torch.equal(state.net(state.X), state.net.out(hidden.clamp(min=0)))
    assert hidden.min() < 0


def test_functional_relu_is_no_child() -> None:
    """F.relu computes what nn.ReLU does, and only the module would be listed as a child."""
    state = after("blocks.mlp")
    centred = state.X - 0.5
    assert torch.equal(F.relu(centred), nn.ReLU()(centred))
    assert _names(state.net.named_children()) == ["hidden", "out"]
    assert _names(nn.Sequential(nn.ReLU()).named_children()) == ["0"]
    assert not nn.ReLU().state_dict()


def test_input_gets_a_gradient_only_on_request() -> None:
    """After backward the parameters have gradients; the input only if it requires one."""
    state = after("blocks.gradients")
    assert state.X.grad is None
    assert state.X.requires_grad is False
    assert all(parameter.grad is not None for parameter in state.net.parameters())
    assert state.x.grad.shape == state.X.shape
    output = shown("blocks.gradients").output
    assert "\nX.grad: None\n" in output
    assert "x.grad: (2, 20)" in output


def test_block_has_no_backward_method() -> None:
    """Neither MLP nor nn.Module defines a method called backward."""
    state = after("blocks.gradients")
    assert not hasattr(state.net, "backward")
    assert hasattr(state.net(state.X), "backward")
    assert "net has a backward method: False" in shown("blocks.gradients").output


def test_assigned_layers_are_registered_under_their_names() -> None:
    """Assigning layers to attributes is enough for their parameters to be found, with names."""
    net = after("blocks.parameters").net
    shapes = {name: tuple(parameter.shape) for name, parameter in net.named_parameters()}
    assert shapes == {
        "hidden.weight": (256, 20),
        "hidden.bias": (256,),
        "out.weight": (10, 256),
        "out.bias": (10,),
    }
    assert all(parameter.requires_grad for parameter in net.parameters())
    listed = shown("blocks.parameters").output.splitlines()
    assert [line.split()[0] for line in listed[:4]] == list(shapes)


def test_parameters_are_initialised_at_construction() -> None:
    """A new block has numbers already, and two of them differ in numbers and in outputs."""
    state = after("blocks.parameters")
    assert all(parameter.std() > 0 for parameter in state.first.parameters())
    assert not torch.equal(state.first(state.X), state.second(state.X))
    assert "first == second: False" in shown("blocks.parameters").output


def test_same_seed_gives_the_same_block() -> None:
    """Under the same seed two blocks are born equal, output included."""
    state = after("blocks.parameters")
    assert torch.equal(state.first(state.X), state.again(state.X))
    assert "first == again: True" in shown("blocks.parameters").output


def test_hooks_run_only_when_the_object_is_called() -> None:
    """A forward hook runs for net(X) and not for net.forward(X), which gives the same numbers."""
    state = after("blocks.call-not-forward")
    assert state.calls == [1]
    assert torch.equal(state.called, state.direct)
    lines = shown("blocks.call-not-forward").output.splitlines()
    assert [line[-1] for line in lines[:2]] == ["1", "1"]


def test_call_leads_to_forward_each_time_and_never_to_init() -> None:
    """Calling the object runs forward at each call, and the constructor only once."""
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
    assert "__call__" in vars(nn.Module)
    assert "__call__" not in vars(state.MLP)


def test_missing_super_call_is_refused_at_the_first_layer() -> None:
    """Assigning a layer before super().__init__() raises an AttributeError."""
    result = shown("blocks.forgot-super")
    assert result.error == ("AttributeError: cannot assign module before Module.__init__() call")
    assert result.state == "raised"


def test_missing_super_call_without_layers_fails_when_called() -> None:
    """A class without layers and without the call of super fails late, over _backward_hooks."""
    output = shown("blocks.forgot-super").output
    assert output == "AttributeError: 'Scale' object has no attribute '_backward_hooks'\n"
    after("blocks.forgot-super").Scale()


def test_super_call_creates_the_registries() -> None:
    """nn.Module.__init__ creates the registries for parameters, buffers and sub-modules."""
    state = after("blocks.forgot-super")
    registries = {"_parameters", "_buffers", "_modules"}
    assert registries <= set(vars(nn.Module()))
    assert not registries & set(vars(state.Scale()))


def test_common_errors_read_as_shown() -> None:
    """Input or params in the constructor, no forward, and a wrong width: four known errors."""
    lines = shown("blocks.common-errors").output.splitlines()
    assert lines == [
        "TypeError: MLP.__init__() takes 1 positional argument but 2 were given",
        "TypeError: MLP.__init__() got an unexpected keyword argument 'params'",
        'NotImplementedError: Module [NoForward] is missing the required "forward" function',
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x4 and 20x256)",
    ]


def test_module_takes_neither_input_nor_params() -> None:
    """nn.Module itself accepts no input and no argument called params."""
    X = after("blocks.mlp").X
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        nn.Module(X)
    with pytest.raises(TypeError, match="unexpected keyword argument 'params'"):
        nn.Module(params=1)


# 5.1.2


def test_my_sequential_does_what_sequential_does() -> None:
    """On the same layers MySequential gives the same output and the same keys."""
    state = after("blocks.my-sequential")
    assert torch.equal(state.mine(state.X), state.theirs(state.X))
    assert list(state.mine.state_dict()) == list(state.theirs.state_dict())
    assert "same output: True\nsame keys: True\n" in shown("blocks.my-sequential").output


def test_my_sequential_holds_the_very_same_layers() -> None:
    """Both containers hold the same objects, not copies."""
    state = after("blocks.my-sequential")
    assert all(a is b for a, b in zip(state.mine.children(), state.theirs, strict=True))


def test_modules_are_visited_in_the_order_they_came() -> None:
    """The names follow the order in which the modules were registered, and so does forward."""
    state = after("blocks.my-sequential")
    chain = state.MySequential(nn.Tanh(), nn.ReLU(), nn.GELU())
    assert list(chain._modules) == ["0", "1", "2"]
    assert [type(module) for module in chain.children()] == [nn.Tanh, nn.ReLU, nn.GELU]
    X = state.X - 0.5
    assert torch.equal(chain(X), F.gelu(F.relu(torch.tanh(X))))
    assert not torch.equal(chain(X), torch.tanh(F.relu(F.gelu(X))))


def test_my_sequential_is_no_list() -> None:
    """MySequential has no index, no length and no iteration."""
    mine = after("blocks.my-sequential").mine
    output = shown("blocks.my-sequential").output
    assert "TypeError: 'MySequential' object is not subscriptable" in output
    assert "TypeError: object of type 'MySequential' has no len()" in output
    with pytest.raises(TypeError, match="not iterable"):
        iter(mine)


def test_sequential_is_like_a_list() -> None:
    """The real Sequential has index, length, iteration, append, extend, insert and pop."""
    state = after("blocks.my-sequential")
    net, relu = copy.deepcopy(state.theirs), nn.ReLU()
    assert len(net) == len(list(net)) == 3
    net.append(relu)
    net.insert(0, nn.Tanh())
    net.extend([nn.GELU()])
    kinds = [type(part).__name__ for part in net]
    assert kinds == ["Tanh", "Linear", "ReLU", "Linear", "ReLU", "GELU"]
    assert net.pop(4) is relu
    assert len(net) == 5
    assert not hasattr(state.mine, "append")


def test_layers_in_a_plain_list_are_not_found() -> None:
    """A plain list of layers yields no parameters; ModuleList and the registry yield all four."""
    output = shown("blocks.registry").output
    assert "MySequential: 4 parameters" in output
    assert "\nlist: 0 parameters" in output
    assert "ModuleList: 4 parameters" in output


def test_no_walk_looks_into_a_plain_list() -> None:
    """state_dict, double and apply pass over a plain list, and an optimiser gets nothing."""
    state = after("blocks.registry")
    hidden = state.Listed(list)
    seen: list[nn.Module] = []
    assert hidden.state_dict() == {}
    assert hidden.double().blocks[0].weight.dtype == torch.float32
    hidden.apply(seen.append)
    assert seen == [hidden]
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.SGD(hidden.parameters(), lr=0.1)


def test_registry_of_modules_is_a_dict() -> None:
    """_modules is a plain dict, which keeps the order of insertion."""
    pair = after("blocks.registry").pair
    assert type(pair._modules) is dict
    assert "_modules is a dict\n" in shown("blocks.registry").output


def test_direct_write_lets_a_function_in() -> None:
    """A function written into _modules runs, and parameters() fails later."""
    state = after("blocks.unchecked")
    assert state.odd(state.X).shape == (2, 4)
    late = "'function' object has no attribute 'named_modules'"
    with pytest.raises(AttributeError, match=late):
        list(state.odd.parameters())
    with pytest.raises(AttributeError):
        state.odd.to("cpu")
    with pytest.raises(AttributeError):
        state.odd.state_dict()
    lines = shown("blocks.unchecked").output.splitlines()
    assert lines[:2] == ["output: (2, 4)", f"AttributeError: {late}"]


def test_add_module_refuses_a_function() -> None:
    """MySequential with add_module, and nn.Sequential, refuse a function at once."""
    lines = shown("blocks.unchecked").output.splitlines()
    assert lines[2:] == ["TypeError: torch.nn.functional.relu is not a Module subclass"] * 2


def test_children_skips_a_repeated_module() -> None:
    """Iterating over children() calls a module that stands twice only once."""
    lines = shown("blocks.twice").output.splitlines()
    assert [line.split() for line in lines] == [
        ["Sequential", "calls:", "2"],
        ["MySequential", "calls:", "2"],
        ["ByChildren", "calls:", "1"],
    ]


def test_children_leaves_out_the_second_use_from_the_output() -> None:
    """ByChildren gives relu(s(x)) where the other containers give s(relu(s(x)))."""
    state = after("blocks.twice")
    parts = (state.square, nn.ReLU(), state.square)
    once = F.relu(state.square(state.X))
    for container in (nn.Sequential, state.MySequential):
        assert torch.equal(container(*parts)(state.X), state.square(once))
    assert torch.equal(state.ByChildren(*parts)(state.X), once)


# 5.1.3


def test_layer_called_twice_is_registered_once() -> None:
    """FixedHiddenMLP calls its layer twice and has one weight and one bias."""
    state = after("blocks.fixed-hidden")
    assert _names(state.net.named_parameters()) == ["linear.weight", "linear.bias"]
    calls: list[int] = []
    state.net.linear.register_forward_hook(lambda *_: calls.append(1))
    state.net(state.X)
    assert len(calls) == 2
    assert "['linear.weight', 'linear.bias']" in shown("blocks.fixed-hidden").output


def test_gradient_flows_through_the_constant_and_not_to_it() -> None:
    """The constant gets no gradient, and the layer in front of it gets one through it."""
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
    assert "gradient of rand_weight: None\ngradient through it: True" in output


def test_rand_requires_no_gradient_by_default() -> None:
    """requires_grad=False is the default of torch.rand."""
    assert after("blocks.setup").torch.rand(1).requires_grad is False


def test_constant_is_not_trained() -> None:
    """A step along the gradients of parameters() changes the layer and leaves the constant."""
    state = after("blocks.fixed-hidden")
    net = state.net
    constant, bias = net.rand_weight.clone(), net.linear.bias.detach().clone()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= 0.1 * parameter.grad
    assert torch.equal(net.rand_weight, constant)
    assert not torch.equal(net.linear.bias, bias)


def test_a_buffer_is_the_constant_one_wants() -> None:
    """A plain attribute is not known, a frozen parameter is handed out, a buffer is just kept."""
    lines = shown("blocks.three-ways").output.splitlines()[1:]
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows == {
        "plain": ["False", "False", "False", "False"],
        "buffer": ["False", "True", "True", "True"],
        "frozen": ["True", "True", "True", "True"],
    }


def test_the_rows_of_the_table_are_those_of_the_module() -> None:
    """The three constants are found, or not, where the table says."""
    module = after("blocks.three-ways").ThreeWays()
    assert _names(module.named_parameters()) == ["frozen"]
    assert _names(module.named_buffers()) == ["buffer"]
    assert set(module.state_dict()) == {"frozen", "buffer"}
    module.double()
    assert module.plain.dtype == torch.float32
    assert module.buffer.dtype == module.frozen.dtype == torch.float64


def test_requires_grad_thaws_a_frozen_parameter_and_no_buffer() -> None:
    """requires_grad_(True) on a module makes its frozen parameter trainable; a buffer stays."""
    module = after("blocks.three-ways").ThreeWays()
    assert module.frozen.requires_grad is False
    module.requires_grad_(True)
    assert module.frozen.requires_grad is True
    assert module.buffer.requires_grad is False


def test_plain_constant_is_lost_on_reload() -> None:
    """All keys match and the copy computes something else; with a buffer it computes the same."""
    lines = shown("blocks.lost-on-reload").output.splitlines()
    assert lines[:4] == [
        "PlainHiddenMLP: <All keys matched successfully>",
        "  same output: False",
        "FixedHiddenMLP: <All keys matched successfully>",
        "  same output: True",
    ]


def test_the_copy_keeps_a_constant_of_its_own() -> None:
    """After loading, the layers of the copy agree and only its plain constant differs."""
    state = after("blocks.lost-on-reload")
    net, clone = state.PlainHiddenMLP(), state.PlainHiddenMLP()
    clone.load_state_dict(net.state_dict())
    assert set(net.state_dict()) == {"linear.weight", "linear.bias"}
    assert torch.equal(net.linear.weight, clone.linear.weight)
    assert not torch.equal(net.rand_weight, clone.rand_weight)
    clone.rand_weight = net.rand_weight
    assert torch.equal(net(state.X), clone(state.X))


def test_plain_constant_breaks_a_change_of_type() -> None:
    """double() leaves a plain constant behind, and the next call fails; a buffer follows."""
    state = after("blocks.lost-on-reload")
    text = "expected m1 and m2 to have the same dtype, but got: double != float"
    assert shown("blocks.lost-on-reload").output.splitlines()[4] == f"RuntimeError: {text}"
    assert state.FixedHiddenMLP().double()(state.X.double()).dtype == torch.float64


def test_result_of_the_loop_is_at_most_one() -> None:
    """The loop ends with a sum of absolute values of at most 1, so the result lies within ±1."""
    state = after("blocks.fixed-hidden")
    results = [state.FixedHiddenMLP()(torch.randn(2, 20) * 50) for _ in range(20)]
    assert all(result.abs() <= 1 for result in results)
    nn.init.ones_(state.net.linear.weight)  # then all terms are positive, and none cancel
    assert 0.5 < state.net(state.X * 50) <= 1


def test_control_flow_is_differentiable() -> None:
    """Gradients through the data-dependent loop are finite."""
    state = after("blocks.fixed-hidden")
    net = state.FixedHiddenMLP()
    net(state.X * 100).backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in net.parameters())
    assert net.linear.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(("start", "steps"), [(0.5, 0), (3.0, 2), (1000.0, 10)])
def test_gradient_belongs_to_the_steps_that_ran(start: float, steps: int) -> None:
    """After k halvings the value is start / 2**k and the gradient 1 / 2**k."""
    state = after("blocks.halving")
    x = torch.tensor(start, requires_grad=True)
    y, ran = state.halve(x)
    y.backward()
    assert ran == steps
    assert y.item() == start / 2**steps
    assert x.grad is not None
    assert x.grad.item() == 0.5**steps
    assert f"{start:6}: {steps:4} steps" in shown("blocks.halving").output


def test_infinity_ends_only_at_the_limit() -> None:
    """Half of infinity is infinity: the loop runs until its limit, whatever that is."""
    state = after("blocks.halving")
    y, steps = state.halve(torch.tensor(float("inf")), limit=5000)
    assert steps == 5000
    assert y.isinf()
    assert "   inf: 1000 steps, then inf" in shown("blocks.halving").output


def test_nan_leaves_the_loop_at_once() -> None:
    """The comparison nan > 1 is false, so NaN slips through without a single halving."""
    state = after("blocks.halving")
    nan = torch.tensor(float("nan"))
    assert not nan > 1
    assert state.halve(nan)[1] == 0
    assert "   nan:    0 steps, then nan" in shown("blocks.halving").output


def test_finite_inputs_can_make_an_infinity() -> None:
    """With weights of one and inputs of 1e38 a layer gives infinity, which isfinite detects."""
    net = after("blocks.fixed-hidden").net
    nn.init.ones_(net.linear.weight)
    X = torch.full((2, 20), 1e38)
    assert torch.isfinite(X).all()
    assert net.linear(X).isinf().all()
    assert not torch.isfinite(net.linear(X)).any()


def test_in_place_division_is_refused_after_sigmoid() -> None:
    """Overwriting the output of sigmoid makes backward fail; that of a linear layer does not."""
    result = shown("blocks.in-place")
    assert result.output == "after linear: (20, 20)\n"
    assert result.error is not None
    assert result.error.startswith("RuntimeError: one of the variables needed for gradient")
    assert "modified by an inplace operation" in result.error


def test_dividing_out_of_place_is_fine_after_sigmoid() -> None:
    """X = X / 2 keeps the old value, so backward has what it needs."""
    state = after("blocks.sequential-by-hand")
    layer = nn.Linear(20, 20)
    Y = layer(state.X).sigmoid()
    Y = Y / 2
    Y.sum().backward()
    assert layer.weight.grad is not None


def test_in_place_division_stands_only_where_it_is_discussed() -> None:
    """No cell but the one about it divides in place."""
    cells = [snippet.name for snippet in SECTION.snippets if "/=" in snippet.source]
    assert cells == ["blocks.in-place"]


def test_blocks_nest() -> None:
    """The nested chimera takes (2, 20) to a scalar and has ten parameters."""
    state = after("blocks.chimera")
    assert state.chimera(state.X).shape == ()
    assert state.NestMLP()(state.X).shape == (2, 16)
    assert len(list(state.chimera.parameters())) == 10
    assert sum(isinstance(module, nn.Linear) for module in state.chimera.modules()) == 5
    assert shown("blocks.chimera").output == "output: ()\nparameters: 10\n"


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

EXERCISES = ("residual", "parallel", "shapes", "list-like", "skeleton", "audit", "closed-form")


def _run_again(name: str, state: types.ModuleType) -> None:
    """Run the check of a solution: all of its cell but the definitions."""
    [cell] = [snippet for snippet in SECTION.snippets if snippet.name == f"blocks.{name}"]
    body = [
        statement
        for statement in ast.parse(cell.source).body
        if not isinstance(statement, ast.ClassDef | ast.FunctionDef)
    ]
    exec(compile(ast.Module(body, []), name, "exec"), vars(state))


@pytest.mark.parametrize("name", EXERCISES)
def test_solution_ends_with_a_check_that_holds(name: str) -> None:
    """Each solution asserts something, and prints that it was checked as its last line."""
    [cell] = [snippet for snippet in SECTION.snippets if snippet.name == f"blocks.{name}"]
    *_, last = ast.parse(cell.source).body
    assert ast.unparse(last).startswith("print('checked:")
    assert "assert " in cell.source
    assert shown(f"blocks.{name}").output.splitlines()[-1].startswith("checked: ")


def test_residual_is_the_identity_for_any_shape() -> None:
    """A new Residual gives back inputs of any shape, whatever the block inside computes."""
    Residual = after("blocks.residual").Residual
    for width in (1, 7):
        net = Residual(nn.Sequential(nn.Linear(width, 5), nn.Tanh(), nn.Linear(5, width)))
        X = torch.randn(4, 3, width)
        assert torch.equal(net(X), X)


def test_residual_wakes_its_block_with_the_second_step() -> None:
    """First only the factor has a gradient that is not zero; once it moved, all have one."""
    state = after("blocks.residual")
    torch.manual_seed(1)
    net = state.Residual(nn.Sequential(nn.Linear(20, 16), nn.Tanh(), nn.Linear(16, 20)))
    net(state.X).square().sum().backward()
    assert net.scale.grad.abs() > 0
    assert all(not parameter.grad.any() for parameter in net.block.parameters())
    with torch.no_grad():
        net.scale -= 0.01 * net.scale.grad
    net(state.X).square().sum().backward()
    assert all(parameter.grad.any() for parameter in net.parameters())


def test_zeros_everywhere_are_an_identity_that_hardly_learns() -> None:
    """With all parameters of the block at zero, only its last bias gets a gradient."""
    state = after("blocks.residual")
    inner = nn.Sequential(state.block(20, 64), nn.Linear(64, 20))
    for parameter in inner.parameters():
        nn.init.zeros_(parameter)
    output = state.X + inner(state.X)
    assert torch.equal(output, state.X)
    output.square().sum().backward()
    alive = [name for name, parameter in inner.named_parameters() if parameter.grad.any()]
    assert alive == ["1.bias"]


def test_check_of_residual_refuses_a_plain_sum_and_a_constant_factor() -> None:
    """X + block(X) is no identity at first, and a factor that stays zero never learns."""
    state = after("blocks.residual")

    class Sum(state.Residual):  # type: ignore[misc, name-defined]
        def forward(self, X: torch.Tensor) -> Any:
            return X + self.block(X)

    class Deaf(state.Residual):  # type: ignore[misc, name-defined]
        def forward(self, X: torch.Tensor) -> Any:
            return X + 0 * self.scale * self.block(X)

    for wrong in (Sum, Deaf):
        state.Residual = wrong
        with pytest.raises(AssertionError):
            _run_again("residual", state)


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


def test_dimension_one_holds_the_features_of_a_matrix_only() -> None:
    """Joining along dimension 1 gives the same for (2, 20), and fails for (3, 2, 20)."""
    state = after("blocks.parallel")
    both, X = state.both, torch.rand(3, 2, 20)
    flat = torch.cat((both.left(state.X), both.right(state.X)), dim=1)
    assert torch.equal(flat, both(state.X))
    with pytest.raises(RuntimeError, match="Sizes of tensors must match except in dimension 1"):
        torch.cat((both.left(X), both.right(X)), dim=1)


def test_shapes_lists_every_call_in_order() -> None:
    """The rows of shapes are the calls: parts before their container, repeated ones twice."""
    state = after("blocks.shapes")
    assert len(state.rows) == 12
    assert state.rows[-1] == ("", ())
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


def test_shapes_leaves_no_hook_and_no_foreign_hook_out() -> None:
    """The function removes its own hooks, also after an error, and leaves those of others."""
    state = after("blocks.shapes")
    net, calls = state.MLP(), []
    net.out.register_forward_hook(lambda *_: calls.append(1))
    state.shapes(net, state.X)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        state.shapes(net, torch.ones(2, 4))
    assert [len(part._forward_hooks) for part in net.modules()] == [0, 0, 1]
    rows = list(state.rows)
    state.chimera(state.X)
    net(state.X)
    assert (len(calls), state.rows) == (2, rows)
    assert "cannot be multiplied (2x4 and 20x64)" in shown("blocks.shapes").output


def test_hooks_written_in_the_loop_all_carry_the_last_name() -> None:
    """A hook that reads the variable of the loop finds its last value when it runs."""
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
        mine[3:][0].weight.fill_(7)
    assert mine[-1].weight.eq(7).all()


def test_slices_of_the_real_sequential_keep_their_names() -> None:
    """nn.Sequential keeps the names of the parts in a slice; ours counts from 0 again."""
    state = after("blocks.list-like")
    assert shown("blocks.list-like").output.splitlines()[:2] == [
        "names in mine[1:]:   ['0', '1', '2']",
        "names in theirs[1:]: ['1', '2', '3']",
    ]
    assert set(state.mine[3:].state_dict()) == {"0.weight", "0.bias"}
    assert set(state.theirs[3:].state_dict()) == {"3.weight", "3.bias"}


def test_check_of_list_sequential_refuses_children() -> None:
    """A version over children() has the length 3 and fails the check."""
    state = after("blocks.list-like")

    class ByChildren(state.ListSequential):  # type: ignore[misc, name-defined]
        def __len__(self) -> int:
            return len(list(self.children()))

        def __iter__(self) -> Any:
            return self.children()

    assert len(ByChildren(*state.parts)) == 3
    state.ListSequential = ByChildren
    with pytest.raises(AssertionError):
        _run_again("list-like", state)


def test_repeat_builds_blocks_of_their_own() -> None:
    """The function calls its factory once per block, in order, and shares nothing."""
    state = after("blocks.skeleton")
    widths = iter((20, 7, 3, 5))
    chain = state.repeat(4, lambda: nn.LazyLinear(next(widths)))
    assert [part.out_features for part in chain] == [20, 7, 3, 5]
    assert type(chain) is nn.Sequential
    assert len(state.repeat(0, state.unit)) == 0
    twins = state.repeat(2, state.unit)
    assert not {*map(id, twins[0].parameters())} & {*map(id, twins[1].parameters())}


def test_repeated_object_is_one_block() -> None:
    """[unit()] * 36 has the parameters of one block, and an output of the right shape."""
    state = after("blocks.skeleton")
    chain = nn.Sequential(*[state.unit()] * 36)
    assert len(chain) == 36
    assert len(list(chain.parameters())) == 7
    assert chain(torch.rand(2, 16)).shape == (2, 16)
    assert len(list(state.repeat(36, state.unit).parameters())) == 7 * 36


def test_skeleton_has_the_shape_of_resnet_152() -> None:
    """The skeleton has four groups of 3, 8, 36 and 3 blocks between two layers, and 354 parameters."""
    state = after("blocks.skeleton")
    entrance, *groups, out = state.skeleton
    assert [len(group) for group in groups] == [3, 8, 36, 3]
    assert {type(part) for group in groups for part in group} == {state.Residual}
    assert (entrance.in_features, entrance.out_features) == (20, 16)
    assert (out.in_features, out.out_features) == (16, 10)
    assert sum(isinstance(part, nn.Linear) for part in state.skeleton.modules()) == 152
    assert len(list(state.skeleton.parameters())) == 354
    state.skeleton(state.X).sum().backward()
    assert entrance.weight.grad.any()


@pytest.mark.parametrize("seed", [0, 1])
def test_depth_loses_the_signal_without_the_wrapper(seed: int) -> None:
    """Without Residual both examples get the same output and the entrance a zero gradient."""
    state = after("blocks.skeleton")
    state.Residual = lambda inner: inner
    torch.manual_seed(seed)
    groups = [state.repeat(n, state.unit) for n in (3, 8, 36, 3)]
    net = nn.Sequential(nn.Linear(20, 16), *groups, nn.Linear(16, 10))
    output = net(state.X)
    output.sum().backward()
    assert torch.equal(output[0], output[1])
    assert not net[0].weight.grad.any()


def test_audit_finds_every_kind_at_every_depth() -> None:
    """The audit names parameters, buffers and plain tensors of nested modules, and no missing bias."""
    audit = after("blocks.audit").audit
    inner = nn.Sequential(nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3))
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


def test_audit_sees_no_more_than_the_module_does() -> None:
    """Two tensors in plain attributes are told apart from the four that are registered."""
    state = after("blocks.audit")
    assert state.audit(state.Listed(list)) == {}
    assert set(state.audit(state.Listed(nn.ModuleList)).values()) == {"parameter"}
    lines = shown("blocks.audit").output.splitlines()
    assert dict(line.split() for line in lines[:-1]) == {
        "0.linear.weight": "parameter",
        "0.linear.bias": "parameter",
        "0.rand_weight": "plain",
        "1.linear.weight": "parameter",
        "1.linear.bias": "parameter",
        "1.rand_weight": "buffer",
    }


def _bits(x: torch.Tensor) -> torch.Tensor:
    return x.detach().view({2: torch.int16, 4: torch.int32, 8: torch.int64}[x.element_size()])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_formula_is_the_loop_bit_for_bit(dtype: torch.dtype) -> None:
    """halve_at_once agrees with halve in result, gradient and steps, around each power of two."""
    state = after("blocks.closed-form")
    torch.manual_seed(1)
    near = [torch.tensor([2.0**k], dtype=dtype) for k in range(-3, 15)]
    ends = torch.tensor(float("inf"), dtype=dtype)
    starts = [torch.randn(3, 4, dtype=dtype) * 10**k for k in range(-2, 4)]
    for x in [*near, *(x.nextafter(ends) for x in near), *(-x.nextafter(-ends) for x in near)]:
        starts.append(x)
    for start in starts:
        a, b = start.clone().requires_grad_(), start.clone().requires_grad_()
        y, steps = state.halve(a)
        z, same = state.halve_at_once(b)
        y.sum().backward()
        z.sum().backward()
        assert steps == same
        assert torch.equal(_bits(y), _bits(z))
        assert torch.equal(_bits(a.grad), _bits(b.grad))


def test_formula_refuses_what_is_not_finite() -> None:
    """An infinity or a NaN anywhere, and finite numbers with an infinite sum, are refused."""
    state = after("blocks.closed-form")
    nan, inf = float("nan"), float("inf")
    for bad in ([inf], [1.0, -inf], [nan, 1.0], [inf, nan], [2e38, 2e38]):
        with pytest.raises(ValueError, match=r"the sum is (inf|nan)"):
            state.halve_at_once(torch.tensor(bad))
    assert state.halve(torch.tensor([2e38, 2e38]))[1] == 129
    assert "ValueError: the sum is inf\nValueError: the sum is nan\n" in (
        shown("blocks.closed-form").output
    )


def test_logarithm_and_division_go_wrong_where_the_formula_does_not() -> None:
    """log2 rounds to 10 just above 1024, and dividing by 2**128 gives zero in float32."""
    state = after("blocks.closed-form")
    above = math.nextafter(1024, math.inf)
    assert math.ceil(math.log2(above)) == 10
    assert state.halve(torch.tensor([above], dtype=torch.float64))[1] == 11
    big = torch.tensor([3e38])
    assert state.halve_at_once(big)[1] == 128
    assert (big / 2.0**128).item() == 0
    assert state.halve_at_once(big)[0].item() > 0.5


def test_the_loop_rounds_tiny_numbers_at_each_step() -> None:
    """Among numbers too small for all their digits, loop and formula can differ in the last bit."""
    state = after("blocks.closed-form")
    x = torch.tensor([5.0, 11 * 2.0**-149])  # three steps
    y, z = state.halve(x)[0], state.halve_at_once(x)[0]
    assert y[0] == z[0]
    assert _bits(y).tolist()[1] == 2
    assert _bits(z).tolist()[1] == 1


# The whole section


def test_no_cell_ends_in_a_bare_expression() -> None:
    """What a reader should see is printed: every expression statement is a call."""
    for snippet in SECTION.snippets:
        for statement in ast.parse(snippet.source).body:
            if isinstance(statement, ast.Expr):
                assert isinstance(statement.value, ast.Call), snippet.name


def test_every_cell_shows_something() -> None:
    """Each cell after the imports prints, draws or raises."""
    shows = re.compile(r"^ *(print|attempt|draw)\(", re.MULTILINE)
    assert all(shows.search(snippet.source) or snippet.raises for snippet in SECTION.snippets[1:])


def test_outputs_do_not_depend_on_the_seed_before() -> None:
    """Two runs of the section print and draw the same, whatever was drawn before them."""
    torch.manual_seed(1)
    first = shown_afresh("blocks.closed-form")
    torch.manual_seed(2)
    second = shown_afresh("blocks.closed-form")
    assert (first.output, first.figures) == (second.output, second.figures)


def test_models_of_the_section_are_reproducible() -> None:
    """Models of two runs hold the same numbers, since the cells set the seed themselves."""

    def run(seed: int) -> types.ModuleType:
        torch.manual_seed(seed)
        return after("blocks.closed-form")

    a, b = run(1), run(2)
    assert torch.equal(a.X, b.X)
    for name in ("model", "first", "theirs", "pair", "square", "linear", "chimera", "skeleton"):
        pairs = zip(getattr(a, name).parameters(), getattr(b, name).parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs), name
