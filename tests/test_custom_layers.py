import math
import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from snippets.engine.testing import after, shown


def test_centring_subtracts_the_mean() -> None:
    """The numbers 1 to 5 come out of CenteredLayer as -2 to 2."""
    layer = after("custom_layers.centred-layer").layer
    assert layer(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])).tolist() == [-2, -1, 0, 1, 2]
    assert "[-2.0, -1.0, 0.0, 1.0, 2.0]" in shown("custom_layers.centred-layer").output


def test_a_layer_can_be_a_forward_and_nothing_else() -> None:
    """A layer without parameters needs no __init__ and has an empty state_dict."""
    layer = after("custom_layers.centred-layer").layer
    assert isinstance(layer, nn.Module)
    assert "__init__" not in vars(type(layer))
    assert list(layer.parameters()) == []
    assert layer.state_dict() == {}


def test_centring_needs_no_backward() -> None:
    """Autograd derives the backward pass from forward: y[0] depends on every element of x."""
    layer = after("custom_layers.centred-layer").layer
    x = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0], requires_grad=True)
    layer(x)[0].backward()
    assert torch.allclose(x.grad, torch.tensor([0.8, -0.2, -0.2, -0.2, -0.2]))
    assert "backward" not in vars(type(layer))


def test_the_mean_in_a_net_is_zero_up_to_rounding() -> None:
    """After CenteredLayer the mean is within 1e-6 of zero, but not always exactly zero."""
    state = after("custom_layers.centred-net")
    assert state.net(torch.rand(4, 8)).shape == (4, 128)
    assert any(mean != 0 for mean in state.means)
    assert all(abs(mean) < 1e-6 for mean in state.means)
    centred = state.net(torch.rand(4, 8)).mean()
    assert torch.isclose(centred, torch.zeros(()), atol=1e-6)


def test_centring_adds_no_parameters_to_a_net() -> None:
    """In a net with CenteredLayer only the linear layer has parameters."""
    net = after("custom_layers.centred-net").net
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias"]


def test_a_net_for_four_features_refuses_eight() -> None:
    """A net whose first layer takes 4 features refuses an input of shape (4, 8)."""
    with pytest.raises(RuntimeError, match=r"cannot be multiplied \(4x8 and 4x8\)"):
        nn.Sequential(nn.Linear(4, 8), nn.ReLU())(torch.rand(4, 8))


def test_centring_uses_one_mean_for_all_elements() -> None:
    """CenteredLayer centres the whole tensor: the columns are not centred, the spread stays."""
    state = after("custom_layers.what-it-centres")
    assert state.Y.mean() == 0
    assert state.Y.mean(dim=0).tolist() == [-9, 9]
    X = torch.rand(64, 3) * torch.tensor([1.0, 2.0, 3.0])
    Y = state.layer(X)
    assert Y.mean().abs() < 1e-6
    assert (Y.mean(dim=0).abs() > 0.1).any()
    assert torch.allclose(Y.std(), X.std())
    assert (Y.std() - 1).abs() > 0.1


def test_centring_mixes_the_rows_of_a_batch() -> None:
    """A row's output depends on the other rows of its batch."""
    state = after("custom_layers.what-it-centres")
    assert state.Y[0].tolist() == [-11, -1]
    assert state.layer(state.X[:1])[0].tolist() == [-5, 5]
    assert state.layer.eval()(state.X)[0].tolist() == [-11, -1]


def test_dim_centres_columns_or_rows() -> None:
    """mean(dim=0) centres every column, mean(dim=1, keepdim=True) every row."""
    X = torch.tensor([[0.0, 10.0], [2.0, 20.0], [4.0, 30.0]])
    assert (X - X.mean(dim=0)).mean(dim=0).tolist() == [0, 0]
    assert (X - X.mean(dim=1, keepdim=True)).mean(dim=1).tolist() == [0, 0, 0]


def test_standardising_treats_each_column_alone() -> None:
    """Standardised columns have mean 0 and standard deviation 1, each by itself."""
    Z = after("custom_layers.what-it-centres").Z
    assert Z.mean(dim=0).tolist() == [0, 0]
    assert Z.std(dim=0).tolist() == [1, 1]


def test_centring_refuses_integers() -> None:
    """mean() of an int64 tensor raises a RuntimeError; float() before it is the cure."""
    result = shown("custom_layers.integer-input")
    assert result.state == "raised"
    assert result.error.startswith("RuntimeError: mean(): could not infer output dtype")
    assert result.error.endswith("Got: Long")
    assert result.output.splitlines() == ["torch.int64", "[-2.0, -1.0, 0.0, 1.0, 2.0]"]


def test_float_tensor_takes_a_number_for_a_length() -> None:
    """torch.FloatTensor(3) is three uninitialised numbers; torch.tensor(3.) is the number 3."""
    assert torch.FloatTensor(3).shape == (3,)
    assert torch.tensor(3.0).shape == ()
    assert torch.tensor([1.0, 2.0]).dtype == torch.float32
    assert torch.FloatTensor([1, 2]).dtype == torch.float32


def test_parameter_registers_the_tensor() -> None:
    """Assigning an nn.Parameter registers it: it gets a name and a place in the state_dict."""
    linear = after("custom_layers.my-linear").linear
    assert [name for name, _ in linear.named_parameters()] == ["weight", "bias"]
    assert list(linear.state_dict()) == ["weight", "bias"]
    assert all(type(p) is nn.Parameter and p.requires_grad for p in linear.parameters())
    assert isinstance(linear.weight, torch.Tensor)
    assert linear.weight.shape == (5, 3)
    assert linear.bias.shape == (3,)


def test_my_linear_starts_at_the_scale_of_its_inputs() -> None:
    """MyLinear draws weights of standard deviation sqrt(2 / in_units) and zero biases."""
    MyLinear = after("custom_layers.my-linear").MyLinear
    layer = MyLinear(512, 256)
    assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / 512), rel=0.05)
    assert not layer.bias.any()


def test_my_linear_learns() -> None:
    """backward() gives both parameters of MyLinear a gradient."""
    MyLinear = after("custom_layers.my-linear").MyLinear
    layer = MyLinear(5, 3)
    layer(torch.rand(2, 5)).sum().backward()
    assert layer.weight.grad.shape == (5, 3)
    assert layer.bias.grad.shape == (3,)


def test_my_linear_works_alone_and_in_sequential() -> None:
    """MyLinear maps (2, 5) to (2, 3) alone, and (2, 64) to (2, 1) as two layers of a Sequential."""
    state = after("custom_layers.in-sequential")
    assert state.linear(torch.rand(2, 5)).shape == (2, 3)
    assert state.net(torch.rand(2, 64)).shape == (2, 1)
    names = [name for name, _ in state.net.named_parameters()]
    assert names == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_my_linear_is_nn_linear_transposed_with_relu() -> None:
    """MyLinear's weight is (in, out), nn.Linear's is (out, in), and MyLinear applies a ReLU."""
    state = after("custom_layers.against-linear")
    assert state.linear.weight.shape == (5, 3)
    assert state.builtin.weight.shape == (3, 5)
    X = torch.randn(64, 5)
    assert torch.allclose(state.linear(X), F.relu(state.builtin(X)), atol=1e-6)
    assert not torch.allclose(state.linear(X), state.builtin(X), atol=1e-6)
    assert (state.linear(X) >= 0).all()


def test_the_last_relu_often_leaves_only_zeros() -> None:
    """With a ReLU after its single output, the net gives only zeros for about 2 seeds in 5."""
    output = shown("custom_layers.final-relu").output
    match = re.fullmatch(r"only zeros: (\d+) of 100 seeds\n", output)
    assert 0.25 < int(match[1]) / 100 < 0.55


def test_the_scale_is_not_what_leaves_zeros() -> None:
    """Plain randn leaves only zeros about as often; without the last ReLU neither does."""
    MyLinear = after("custom_layers.my-linear").MyLinear
    zeros = {"scaled": 0, "randn": 0}
    for seed in range(100):
        torch.manual_seed(seed)
        net = nn.Sequential(MyLinear(64, 8), MyLinear(8, 1))
        X = torch.rand(2, 64)
        for scale in zeros:
            if scale == "randn":
                for parameter in net.parameters():
                    nn.init.normal_(parameter)
            last = net[0](X) @ net[1].weight + net[1].bias
            assert last.any()
            zeros[scale] += not net(X).any()
    assert all(0.25 < count / 100 < 0.55 for count in zeros.values())


def test_two_rows_usually_agree_in_sign() -> None:
    """Before the last ReLU half of the signs are negative, and two rows mostly agree."""
    MyLinear = after("custom_layers.my-linear").MyLinear
    agree = negative = 0
    for seed in range(100):
        torch.manual_seed(seed)
        net = nn.Sequential(MyLinear(64, 8), MyLinear(8, 1))
        signs = (net[0](torch.rand(2, 64)) @ net[1].weight).sign()
        agree += bool(signs[0] == signs[1])
        negative += int((signs < 0).sum())
    assert agree > 65
    assert 0.35 < negative / 200 < 0.65


def test_too_wide_weights_explode_with_depth() -> None:
    """Ten layers of 128 with plain randn weights give exactly 8 ** 10 times the output."""
    state = after("custom_layers.initial-scale")
    assert torch.equal(state.unscaled, state.scaled * 8**10)
    assert torch.equal(state.unscaled == 0, state.scaled == 0)
    assert 0.01 < state.scaled.mean() < 10


def test_initialisers_read_the_fan_in_from_dimension_one() -> None:
    """kaiming_normal_ takes a weight for (out, in); mode='fan_out' is right for (in, out)."""
    state = after("custom_layers.fan-in-of-a-transpose")
    weight = torch.empty(512, 32)
    default = nn.init.kaiming_normal_(weight).std().item()
    assert default == pytest.approx(math.sqrt(2 / 32), rel=0.05)
    fan_out = nn.init.kaiming_normal_(weight, mode="fan_out").std().item()
    assert fan_out == pytest.approx(math.sqrt(2 / 512), rel=0.05)
    assert state.weight.std().item() == pytest.approx(fan_out, rel=0.05)


def test_a_plain_tensor_is_not_a_parameter() -> None:
    """A tensor with requires_grad=True gets a gradient, but the module does not know it."""
    state = after("custom_layers.plain-tensor")
    assert state.plain.weight.requires_grad
    assert state.plain.weight.grad.shape == (5, 3)
    assert list(state.plain.parameters()) == []
    assert state.plain.state_dict() == {}


def test_an_optimiser_refuses_a_module_without_parameters() -> None:
    """SGD over no parameters raises a ValueError."""
    result = shown("custom_layers.plain-tensor")
    assert result.error == "ValueError: optimizer got an empty parameter list"


def test_a_plain_tensor_is_silent_in_a_net() -> None:
    """Beside other layers, a plain tensor is left out of the step without an error."""
    PlainLinear = after("custom_layers.plain-tensor").PlainLinear
    torch.manual_seed(0)
    net = nn.Sequential(PlainLinear(5, 3), nn.Linear(3, 1))
    before = net[0].weight.detach().clone()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.rand(2, 5)).sum().backward()
    optimizer.step()
    assert [name for name, _ in net.named_parameters()] == ["1.weight", "1.bias"]
    assert net[0].weight.grad.any()
    assert torch.equal(net[0].weight, before)


def test_a_scaled_parameter_is_a_plain_tensor() -> None:
    """Arithmetic on an nn.Parameter gives a tensor that no module registers."""
    layer = nn.Module()
    layer.weight = nn.Parameter(torch.randn(5, 3)) * 0.1
    assert type(layer.weight) is torch.Tensor
    assert list(layer.parameters()) == []


def test_a_parameter_refuses_a_tensor() -> None:
    """Assigning a tensor over a registered parameter raises a TypeError and changes nothing."""
    result = shown("custom_layers.tensor-over-parameter")
    assert result.error == (
        "TypeError: cannot assign 'torch.FloatTensor' as parameter 'weight' "
        "(torch.nn.Parameter or None expected)"
    )
    assert result.output == "same object: True\n"
    state = after("custom_layers.tensor-over-parameter")
    assert state.linear.weight is state.parameter
    assert (state.linear.weight == 0.5).all()


def test_an_optimiser_keeps_a_replaced_parameter() -> None:
    """A new nn.Parameter takes the name, but an optimiser built before still holds the old one."""
    linear = after("custom_layers.my-linear").linear
    old = linear.weight
    optimizer = torch.optim.SGD(linear.parameters(), lr=0.1)
    linear.weight = nn.Parameter(torch.zeros(5, 3))
    held = optimizer.param_groups[0]["params"]
    assert any(p is old for p in held)
    assert not any(p is linear.weight for p in held)


def test_data_blocks_the_gradient() -> None:
    """A layer that reads .data computes the same values, but backward() on its output raises."""
    result = shown("custom_layers.data-blocks-gradient")
    assert result.error == (
        "RuntimeError: element 0 of tensors does not require grad and does not have a grad_fn"
    )
    assert "parameters: ['weight', 'bias']" in result.output
    assert "same values: True" in result.output
    state = after("custom_layers.data-blocks-gradient")
    assert state.out.grad_fn is None
    assert all(p.requires_grad for p in state.deaf.parameters())


def test_data_is_the_same_memory_outside_the_graph() -> None:
    """.data shares its memory with the parameter and does not require a gradient."""
    weight = after("custom_layers.my-linear").linear.weight
    assert weight.data.data_ptr() == weight.data_ptr()
    assert not weight.data.requires_grad
    assert type(weight.data) is torch.Tensor


@pytest.mark.parametrize("way", ["detach", "no_grad"])
def test_detach_and_no_grad_block_the_gradient_too(way: str) -> None:
    """detach() and no_grad() inside forward cut the gradient as .data does."""
    MyLinear = after("custom_layers.my-linear").MyLinear

    class Detached(MyLinear):
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return F.relu(X @ self.weight.detach() + self.bias.detach())

    class NoGrad(MyLinear):
        @torch.no_grad()
        def forward(self, X: torch.Tensor) -> torch.Tensor:
            return super().forward(X)

    layer = {"detach": Detached, "no_grad": NoGrad}[way](5, 3)
    assert layer(torch.rand(2, 5)).grad_fn is None


def test_data_is_silent_in_a_net() -> None:
    """Among trainable layers only the one that reads .data gets no gradient; nothing raises."""
    state = after("custom_layers.data-in-a-net")
    deaf = {name for name, p in state.net.named_parameters() if p.grad is None}
    assert deaf == {"1.weight", "1.bias"}
    unchanged = {name for name, p in state.params.items() if torch.equal(p, state.before[name])}
    assert unchanged == deaf
    assert shown("custom_layers.data-in-a-net").output == (
        "no gradient: ['1.weight', '1.bias']\nunchanged: ['1.weight', '1.bias']\n"
    )


def test_the_deaf_net_seems_to_learn() -> None:
    """Both losses fall from the same start; that of the .data layer stops ten times as high."""
    curves = after("custom_layers.two-losses").curves
    wrong, right = curves["DataLinear"], curves["MyLinear"]
    assert wrong[0] == right[0]
    assert wrong[-1] < wrong[0] / 3
    assert right[-1] < wrong[-1] / 10


def test_the_deaf_layer_is_a_frozen_layer() -> None:
    """The loss of the .data layer is that of a right layer whose parameters are frozen."""
    state = after("custom_layers.two-losses")

    class Frozen(state.MyLinear):
        def __init__(self, in_units: int, units: int) -> None:
            super().__init__(in_units, units)
            self.requires_grad_(False)

    assert state.losses(Frozen) == pytest.approx(state.curves["DataLinear"])


def test_the_figure_shows_both_losses() -> None:
    """The figure names both layers."""
    (figure,) = shown("custom_layers.loss-curves").figures
    assert figure.count("DataLinear") == figure.count("MyLinear") == 1


def test_row_norm_is_layer_norm_without_parameters() -> None:
    """RowNorm agrees with F.layer_norm for any leading shape, and a row does not see the others."""
    norm = after("custom_layers.row-norm").norm
    assert list(norm.parameters()) == []
    assert norm.state_dict() == {}
    for shape in [(7,), (1, 2), (6, 3, 4, 9)]:
        X = torch.rand(shape) * 100
        assert torch.allclose(norm(X), F.layer_norm(X, shape[-1:]), atol=1e-5)
        assert torch.allclose(norm(X), nn.LayerNorm(shape[-1])(X), atol=1e-5)
    X = torch.randn(5, 6)
    changed = X.clone()
    changed[1:] += torch.randn(4, 6)
    assert torch.equal(norm(X)[0], norm(changed)[0])


def test_layer_norm_divides_by_d() -> None:
    """With std(), which divides by d - 1, rows of 4 come out smaller by sqrt(3 / 4)."""
    X = torch.randn(5, 4)
    by_std = (X - X.mean(dim=-1, keepdim=True)) / X.std(dim=-1, keepdim=True)
    expected = F.layer_norm(X, (4,), eps=0)
    assert not torch.allclose(by_std, expected, atol=1e-3)
    assert torch.allclose(by_std, expected * math.sqrt(3 / 4), atol=1e-5)


def test_eps_saves_a_row_without_spread() -> None:
    """A row of equal numbers gives zeros with eps, and NaN without."""
    RowNorm = after("custom_layers.row-norm").RowNorm
    X = torch.full((2, 4), 3.0)
    assert not RowNorm()(X).any()
    assert RowNorm(eps=0.0)(X).isnan().all()


def test_a_fitted_scaler_goes_on_with_what_it_stored() -> None:
    """New rows are scaled by the columns seen in fit, one by one, whatever else is in the batch."""
    Scaler = after("custom_layers.scaler").Scaler
    train = torch.randn(50, 4) * 3 - 2
    scaler = Scaler(4).fit(train)
    new = torch.randn(6, 4)
    expected = (new - train.mean(dim=0)) / train.std(dim=0)
    assert torch.allclose(scaler(new), expected, atol=1e-6)
    assert torch.equal(scaler(new[2:3]), scaler(new)[2:3])
    assert torch.equal(Scaler(4)(new), new)


def test_a_scaler_is_saved_and_converted_and_not_trained() -> None:
    """Mean and std are buffers: in the state_dict, converted by to(), not among the parameters."""
    Scaler = after("custom_layers.scaler").Scaler
    X = (torch.randn(20, 2) * 5).requires_grad_()
    scaler = Scaler(2).fit(X)
    assert list(scaler.state_dict()) == ["mean", "std"]
    assert list(scaler.parameters()) == []
    assert not scaler.mean.requires_grad
    assert not scaler.std.requires_grad
    assert scaler.to("meta").mean.device.type == "meta"
    double = Scaler(2).double()
    assert double.fit(X.detach()).mean.dtype == torch.float64
    copied = Scaler(2)
    copied.load_state_dict(double.state_dict())
    assert torch.allclose(copied(X).double(), double(X.double()), atol=1e-5)


def test_a_constant_column_becomes_zero() -> None:
    """A column of equal values has std 0: divided by it there is nothing finite, by 1 there is 0."""
    Scaler = after("custom_layers.scaler").Scaler
    columns = torch.tensor([0.1, 0.3, 0.7, 1.1, 123.456]).repeat(100, 1)
    assert not columns.std(dim=0).any()
    assert not ((columns - columns.mean(dim=0)) / columns.std(dim=0)).isfinite().any()
    scaler = Scaler(5).fit(columns)
    assert scaler(columns).abs().max() < 1e-3
    assert scaler(columns + 1)[0].tolist() == pytest.approx([1] * 5, abs=1e-3)


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
    for wrong in (NoBias, NoInput, state.DataLinear, state.HalfLinear):
        assert not agree(wrong(4, 2), X)
    assert agree(nn.Sequential(MyLinear(4, 5), nn.Tanh(), nn.Linear(5, 1)), X)
    assert not agree(nn.Sequential(nn.Linear(4, 5), state.DataLinear(5, 8)), X)


def test_gradients_agree_sees_no_further_than_its_input() -> None:
    """Where ReLU gives nothing but zeros, the layer that reads .data passes too."""
    state = after("custom_layers.gradients-agree")
    deaf = state.DataLinear(4, 2)
    with torch.no_grad():
        deaf.bias.fill_(-1000)
    assert state.gradients_agree(deaf, torch.randn(3, 4))
    with torch.no_grad():
        deaf.bias.fill_(1000)
    assert not state.gradients_agree(deaf, torch.randn(3, 4))


def test_finite_differences_drown_in_float32() -> None:
    """In float32 gradcheck warns and rejects even a layer that is right."""
    layer, X = nn.Linear(5, 3), torch.randn(8, 5, requires_grad=True)
    with pytest.warns(UserWarning, match="not a double precision"):
        assert not torch.autograd.gradcheck(layer, X, raise_exception=False)
    assert torch.autograd.gradcheck(layer.double(), X.detach().double().requires_grad_())


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


def test_half_a_gradient_is_a_gradient() -> None:
    """HalfLinear has a gradient at every parameter, but not the one of the undetached function."""
    half = after("custom_layers.gradients-agree").HalfLinear(4, 2)
    X = torch.randn(3, 4)
    half(X).sum().backward()
    assert all(p.grad is not None for p in half.parameters())
    found = half.weight.grad.clone()
    half.zero_grad()
    F.silu(X @ half.weight + half.bias).sum().backward()
    assert not torch.allclose(found, half.weight.grad, atol=1e-3)


def test_quadratic_is_the_sum_of_the_formula() -> None:
    """Quadratic gives the double sum over i and j, for each row and each unit."""
    state = after("custom_layers.quadratic")
    assert state.Y.shape == (4, 2)
    layer = state.Quadratic(3, 2)
    assert [tuple(p.shape) for p in layer.parameters()] == [(3, 3, 2)]
    X = torch.randn(2, 3)
    W = layer.weight
    with torch.no_grad():
        Y = layer(X)
        for r in range(2):
            for k in range(2):
                terms = [X[r, i] * W[i, j, k] * X[r, j] for i in range(3) for j in range(3)]
                assert torch.isclose(Y[r, k], sum(terms), atol=1e-5)
        assert torch.allclose(layer(2 * X), 4 * Y, atol=1e-5)


def test_only_the_symmetric_part_counts_and_learns() -> None:
    """An antisymmetric part changes no output, and SGD leaves it where it was."""
    Quadratic = after("custom_layers.quadratic").Quadratic
    torch.manual_seed(3)
    layer = Quadratic(4, 3)
    X, y = torch.randn(8, 4), torch.randn(8, 3)
    with torch.no_grad():
        A = torch.randn(4, 4, 3)
        expected = layer(X)
        layer.weight.add_(A - A.transpose(0, 1))
        assert torch.allclose(layer(X), expected, atol=1e-4)

    def antisymmetric() -> torch.Tensor:
        W = layer.weight.detach()
        return (W - W.transpose(0, 1)) / 2

    before, start = antisymmetric(), layer.weight.detach().clone()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.01)
    for _ in range(20):
        optimizer.zero_grad()
        F.mse_loss(layer(X), y).backward()
        optimizer.step()
    assert torch.allclose(antisymmetric(), before, atol=1e-5)
    assert (layer.weight - start).abs().max() > 1e-3


def test_quadratic_outputs_start_in_range() -> None:
    """Dividing by the number of inputs keeps the outputs near 1; plain randn gives 64 times that."""
    torch.manual_seed(0)
    layer = after("custom_layers.quadratic").Quadratic(64, 32)
    with torch.no_grad():
        assert 0.7 < layer(torch.randn(100, 64)).std() < 1.4
