"""Proves what the home page says."""

import warnings

import torch
from torch import nn

from proven.testing import after, section, shown


def ends(line: str) -> tuple[float, float]:
    """The first and the last loss of a line that the picture's snippet prints."""
    first, last = line.partition(": ")[2].split(" -> ")
    return float(first), float(last)


def test_the_home_page_needs_no_gpu_and_little_room() -> None:
    snippets = section("home").snippets
    assert {snippet.devices for snippet in snippets} == {0}
    lines = [line for snippet in snippets for line in snippet.source.splitlines()]
    assert max(map(len, lines)) <= 60


def test_a_list_keeps_its_layers_from_the_optimizer() -> None:
    """A layer assigned to an attribute is registered, and one in a plain list is not.

    直接赋给属性的层会被注册，放在普通列表里的不会。
    """
    net = after("home.two-hidden").Net()
    assert [name for name, _ in net.named_parameters()] == ["last.weight", "last.bias"]
    assert [p for layer in net.hidden for p in layer.parameters()] != []
    assert shown("home.two-hidden").output == "2\n"


def test_the_network_is_what_its_code_says() -> None:
    """Two hidden layers with a ReLU after each, and one output."""
    net, X = after("home.two-hidden").Net(), torch.randn(5, 8)
    first, second = net.hidden
    hidden = second(first(X).clamp(min=0)).clamp(min=0)
    assert torch.equal(net(X), net.last(hidden))
    assert net(X).shape == (5, 1)
    assert (hidden == 0).any()


def test_a_module_list_hands_over_all_six() -> None:
    """With the hidden layers in an `nn.ModuleList`, all six parameters are registered.

    隐藏层放进 `nn.ModuleList`，六个参数全部注册。
    """
    net = after("home.repaired").Repaired()
    layers = [*net.hidden, net.last]
    assert all(isinstance(layer, nn.Linear) for layer in layers)
    wanted = {id(p) for layer in layers for p in layer.parameters()}
    assert {id(p) for p in net.parameters()} == wanted
    assert len(wanted) == 6
    assert shown("home.repaired").output == "6\n"


def test_the_loss_falls_with_layers_in_a_list() -> None:
    """The loss falls to less than half although the layers in the list keep their first values.

    列表里的层一直停在初值，损失却也降到了一半以下。
    """
    first, last = ends(shown("home.two-curves").output.splitlines()[0])
    assert 0 < last < first / 2
    state = after("home.two-curves")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(state.losses(state.Net()))
    net = state.Net()
    before = [p.clone() for layer in net.hidden for p in layer.parameters()]
    last_before = net.last.weight.clone()
    list(state.losses(net, steps=3))
    kept = [p for layer in net.hidden for p in layer.parameters()]
    assert all(map(torch.equal, before, kept))
    assert not torch.equal(last_before, net.last.weight)


def test_with_all_layers_the_loss_ends_far_lower() -> None:
    """From the same start, the network with all layers registered ends at less than a tenth of the loss of
    the one with layers in a list.

    从同样的初值出发，层全都注册的网络，最后的损失不到层放在列表里的那个网络的十分之一。
    """
    listed, repaired = map(ends, shown("home.two-curves").output.splitlines())
    assert listed[0] == repaired[0]
    assert repaired[1] < listed[1] / 10
