import ast
import copy
import inspect
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
    first = shown_afresh("blocks.chimera")
    torch.manual_seed(2)
    second = shown_afresh("blocks.chimera")
    assert (first.output, first.figures) == (second.output, second.figures)


def test_models_of_the_section_are_reproducible() -> None:
    """Models of two runs hold the same numbers, since the cells set the seed themselves."""

    def run(seed: int) -> types.ModuleType:
        torch.manual_seed(seed)
        return after("blocks.chimera")

    a, b = run(1), run(2)
    assert torch.equal(a.X, b.X)
    for name in ("model", "first", "theirs", "pair", "square", "linear", "chimera"):
        pairs = zip(getattr(a, name).parameters(), getattr(b, name).parameters(), strict=True)
        assert all(torch.equal(p, q) for p, q in pairs), name
