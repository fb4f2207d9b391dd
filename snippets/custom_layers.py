# %% setup fold="code"
import copy

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn import functional as F


def train(net, steps=200):
    torch.manual_seed(1)  # the same data | 数据相同
    X = torch.randn(64, 8)
    y = X[:, :1].abs()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    losses = []
    for _ in range(steps):
        loss = F.mse_loss(net(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% problem
class DataLinear(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        W = torch.randn(in_units, units)
        scale = (2 / in_units) ** 0.5
        self.weight = nn.Parameter(scale * W)
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, X):
        return F.relu(X @ self.weight.data + self.bias.data)


torch.manual_seed(0)
net = nn.Sequential(DataLinear(8, 16), nn.Linear(16, 1))
start = copy.deepcopy(net.state_dict())
losses = train(net)  # 200 steps | 200 步
print(f"loss: {losses[0]:.3f} -> {losses[-1]:.3f}")
for name, p in net.named_parameters():
    print(name, "changed:", not p.equal(start[name]))


# %% centred-layer
class CenteredLayer(nn.Module):
    def forward(self, X):
        return X - X.mean()


layer = CenteredLayer()
print(layer(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])))
print("parameters:", list(layer.parameters()))
print("state_dict keys:", list(layer.state_dict()))

# %% what-it-centres fold="output"
X = torch.tensor([[0.0, 10.0], [2.0, 20.0], [4.0, 30.0]])
print("row 0 in the batch:", layer(X)[0].tolist())
print("row 0 on its own:  ", layer(X[:1])[0].tolist())

# %% centred-net fold="output"
net = nn.Sequential(nn.Linear(8, 128), CenteredLayer())

torch.manual_seed(0)
means = [net(torch.rand(4, 8)).mean() for _ in range(100)]
zeros = sum(mean.item() == 0 for mean in means)
print("exactly 0:", zeros, "of 100")
print("near 0:", all(abs(mean) < 1e-6 for mean in means))
print("parameters:", list(net.state_dict()))

# %% standardised
Y = layer(X)
print("mean of each column:", Y.mean(dim=0).tolist())
print("same spread:", torch.allclose(Y.std(), X.std()))

Z = (X - X.mean(dim=0)) / X.std(dim=0)
print("columns of Z:", Z.T.tolist())

# %% keepdim raises="RuntimeError"
square = torch.tensor([[0.0, 10.0], [2.0, 20.0]])
wrong = square - square.mean(dim=1)
right = square - square.mean(dim=1, keepdim=True)
print("without keepdim:", wrong.tolist())
print("with keepdim:   ", right.tolist())
X - X.mean(dim=1)

# %% integer-input raises="RuntimeError"
counts = torch.tensor([1, 2, 3, 4, 5])
print(counts.dtype, torch.tensor([1.0, 2, 3]).dtype)
print(layer(counts.float()))
layer(counts)


# %% my-linear
class MyLinear(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        W = torch.randn(in_units, units)
        scale = (2 / in_units) ** 0.5
        self.weight = nn.Parameter(scale * W)
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, X):
        return F.relu(X @ self.weight + self.bias)


torch.manual_seed(0)
linear = MyLinear(5, 3)
for name, p in linear.named_parameters():
    print(name, tuple(p.shape), p.requires_grad)

# %% in-sequential
print("alone:", tuple(linear(torch.rand(2, 5)).shape))

net = nn.Sequential(MyLinear(64, 8), MyLinear(8, 1))
print("in a net:", tuple(net(torch.rand(2, 64)).shape))
print([name for name, _ in net.named_parameters()])

# %% against-linear raises="RuntimeError"
builtin = nn.Linear(5, 3)
print("MyLinear: ", tuple(linear.weight.shape))
print("nn.Linear:", tuple(builtin.weight.shape))

turned = {"weight": linear.weight.T, "bias": linear.bias}
builtin.load_state_dict(turned)
X = torch.rand(2, 5)
expected = F.relu(builtin(X))
print("same result:", torch.allclose(linear(X), expected))

builtin.load_state_dict(linear.state_dict())

# %% shape-and-dtype raises="RuntimeError, RuntimeError, RuntimeError"
builtin(torch.rand(2, 3))
builtin(torch.rand(2, 5).double())
linear(torch.rand(2, 5).double())


# %% final-relu fold="output"
def only_zeros(randn=False, last_relu=True):
    torch.manual_seed(0)
    count = 0
    for _ in range(300):
        hidden, last = MyLinear(64, 8), MyLinear(8, 1)
        net = nn.Sequential(hidden, last)
        if randn:  # weights and biases | 权重和偏置
            for p in net.parameters():
                nn.init.normal_(p)
        X = torch.rand(2, 64)
        Y = net(X)
        if not last_relu:
            Y = hidden(X) @ last.weight + last.bias
        count += not Y.any()
    return count


print("MyLinear:", only_zeros(), "of 300")
print("torch.randn:", only_zeros(randn=True), "of 300")
print("no ReLU:", only_zeros(last_relu=False), "of 300")

# %% initial-scale fold="output"
torch.manual_seed(0)
layers = [MyLinear(128, 128) for _ in range(10)]
deep = nn.Sequential(*layers)
X = torch.rand(32, 128)
with torch.no_grad():
    scaled = deep(X)
    for block in layers:
        block.weight.mul_(8)  # undo the 1 / 8 | 撤销 1/8
    unscaled = deep(X)

print(f"{scaled.mean():.1f} -> {unscaled.mean():.1e}")
factor = int(unscaled.sum() / scaled.sum())
print("factor:", factor)
print("in each:", torch.equal(unscaled, factor * scaled))
same = torch.equal(unscaled == 0, scaled == 0)
print("same zeros:", same)

# %% fan-in-of-a-transpose
torch.manual_seed(0)
weight = torch.empty(512, 32)  # (in, out)
print(f"wanted:  {(2 / 512) ** 0.5:.3f}")
nn.init.kaiming_normal_(weight)
print(f"default: {weight.std():.3f}")
nn.init.kaiming_normal_(weight, mode="fan_out")
print(f"fan_out: {weight.std():.3f}")


# %% plain-tensor fold="output" raises="ValueError"
class PlainLinear(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        W = torch.randn(in_units, units, requires_grad=True)
        self.weight = W

    def forward(self, X):
        return F.relu(X @ self.weight)


plain = PlainLinear(5, 3)
plain(torch.rand(2, 5)).sum().backward()
print("gradient:", plain.weight.grad is not None)
print("parameters:", list(plain.parameters()))
print("state_dict keys:", list(plain.state_dict()))
torch.optim.SGD(plain.parameters(), lr=0.1)

# %% scale-outside raises="ValueError"
module = nn.Module()
module.weight = nn.Parameter(torch.randn(5, 3)) * 0.1
module.listed = [nn.Parameter(torch.randn(5, 3))]
print("parameters:", list(module.parameters()))
torch.optim.SGD([module.weight], lr=0.1)

# %% optimiser-wants-a-list raises="TypeError"
torch.optim.SGD(linear.weight, lr=0.1)

# %% integer-parameter raises="RuntimeError, RuntimeError"
nn.Parameter(torch.tensor([1, 2, 3]))
torch.tensor([1, 2, 3]).requires_grad_()

# %% tensor-over-parameter raises="TypeError"
weight = linear.weight
with torch.no_grad():
    linear.weight.fill_(0.5)  # new values | 换了值
print("same object:", linear.weight is weight)

linear.weight = torch.full((5, 3), 0.5)

# %% data-blocks-gradient fold="output" raises="RuntimeError"
deaf, right = DataLinear(5, 3), MyLinear(5, 3)
right.load_state_dict(deaf.state_dict())
X = torch.rand(2, 5)
out = deaf(X)
print("parameters:", list(deaf.state_dict()))
print("same numbers:", torch.equal(out, right(X)))
out.sum().backward()

# %% data-in-a-net fold="output"
first, last = nn.Linear(64, 32), nn.Linear(8, 1)
net = nn.Sequential(first, DataLinear(32, 8), last)
net(torch.rand(2, 64)).sum().backward()

named = net.named_parameters()
missing = [name for name, p in named if p.grad is None]
print("no gradient:", missing)

# %% loss-curves fold="code"
curves = {}
for kind in (DataLinear, MyLinear):
    torch.manual_seed(0)  # the same start | 起点相同
    net = nn.Sequential(kind(8, 16), nn.Linear(16, 1))
    curves[kind.__name__] = train(net)

plt.rcParams["font.size"] = 12
fig, ax = plt.subplots(figsize=(4.4, 3.2))
for name, history in curves.items():
    print(f"{name}: {history[0]:.3f} -> {history[-1]:.3f}")
    ax.plot(history, label=name, linewidth=2)
ax.set(xlabel="step", ylabel="loss", yscale="log")
ax.yaxis.set_major_formatter("{x:g}")
ax.legend(frameon=False)


# %% check-row-norm
def check_row_norm(RowNorm):
    norm = RowNorm()
    assert not list(norm.parameters()), "no parameters"
    torch.manual_seed(0)
    for shape in [(4, 8), (4, 4), (2, 3, 5)]:
        for spread in (3, 1e-3):  # eps counts | eps 起作用
            X = spread * (torch.randn(shape) + 1)
            Y = norm(X)
            expected = F.layer_norm(X, shape[-1:])
            case = f"shape {shape}, spread {spread}"
            assert Y.shape == shape, case
            assert Y.allclose(expected, atol=1e-5), case
            alone = Y[:1].allclose(norm(X[:1]), atol=1e-5)
            assert alone, f"{case}: the first row alone"
    far = 30 + torch.randn(4, 8)
    Y = norm(far)
    close = Y.allclose(F.layer_norm(far, (8,)), atol=1e-5)
    assert close, "numbers far from 0"
    equal = norm(torch.full((1, 8), 7.0))
    assert not equal.any(), "a row of equal numbers"
    X, grads = torch.randn(4, 8, requires_grad=True), []
    for Y in (norm(X), F.layer_norm(X, (8,))):
        assert Y.requires_grad, "the gradient is cut"
        grads += torch.autograd.grad(Y[:, 0].sum(), X)
    same = torch.allclose(*grads, atol=1e-5)
    assert same, "another gradient"
    print("checked: equal to F.layer_norm")


# %% row-norm
class RowNorm(nn.Module):
    def __init__(self, eps=1e-5):
        super().__init__()
        self.eps = eps  # a setting, not a state | 是设置，不是状态

    def forward(self, X):
        X = X - X.mean(dim=-1, keepdim=True)
        variance = X.square().mean(dim=-1, keepdim=True)
        return X / (variance + self.eps).sqrt()


check_row_norm(RowNorm)


# %% check-fourier
def check_fourier(FourierHalf):
    layer = FourierHalf()
    assert not list(layer.parameters()), "no parameters"
    torch.manual_seed(0)
    for shape in [(8,), (4, 6), (2, 3, 5), (3, 1)]:
        d = shape[-1]
        t = torch.arange(d, dtype=torch.float64)
        k = torch.arange(d // 2)
        angle = 2 * torch.pi * t[:, None] * k / d
        waves = torch.exp(-1j * angle)
        X = torch.randn(shape, dtype=torch.float64)
        expected = X.to(waves.dtype) @ waves
        for dtype in (torch.float32, torch.float64):
            Y = layer(X.to(dtype).requires_grad_())
            right = expected.to(dtype.to_complex())
            case = f"shape {shape}, {dtype}"
            assert Y.shape == right.shape, case
            assert Y.dtype == right.dtype, case
            torch.testing.assert_close(Y, right, msg=case)
            kept = d == 1 or Y.requires_grad
            assert kept, "the gradient is cut off"
    print("checked: the first d // 2 coefficients")


def check_lost(FourierHalf, row):
    assert row.shape == (8,), f"shape: {tuple(row.shape)}"
    assert row.any(), "all 0"
    left = FourierHalf()(row / row.abs().max())
    assert left.abs().max() < 1e-6, f"left: {left.abs()}"
    print("checked: the row becomes 0")


# %% fourier
class FourierHalf(nn.Module):
    def forward(self, X):
        d = X.shape[-1]
        return torch.fft.rfft(X)[..., : d // 2]


check_fourier(FourierHalf)
alternating = torch.tensor([1.0, -1.0]).repeat(4)
check_lost(FourierHalf, alternating)

# %% fourier-into-linear raises="RuntimeError"
half = FourierHalf()(torch.randn(4, 8))
print(half.dtype, tuple(half.shape))
flat = torch.view_as_real(half).flatten(start_dim=1)
print(tuple(nn.Linear(8, 3)(flat).shape))
nn.Linear(4, 3)(half)


# %% check-scaler
def check_scaler(Scaler):
    close = torch.testing.assert_close
    torch.manual_seed(0)
    spread = torch.tensor([1.0, 20.0, 1e-6])
    train = torch.randn(100, 3) * spread
    scaler = Scaler(3)
    scaler.fit(train)
    Z = scaler(train)
    close(Z.mean(dim=0), torch.zeros(3), atol=1e-4, rtol=0)
    close(Z.std(dim=0), torch.ones(3), atol=1e-4, rtol=0)
    close(scaler(train[:1]), Z[:1])

    for value in (0.1, 123.4, 1.7e9):  # equal values | 全都相等
        for shape in [(100, 1), (3, 1), (100, 2)]:
            X = torch.full(shape, value)
            constant = Scaler(shape[1])
            constant.fit(X)
            assert constant(X).abs().max() < 1e-4, "not 0"

    fine = Scaler(1).double()
    X = torch.full((3, 1), 0.1, dtype=torch.float64)
    fine.fit(X)
    assert fine(X).abs().max() < 1e-4, "float64: not 0"
    far = Scaler(1)
    X = 1e6 + 0.5 * torch.randn(1000, 1)
    far.fit(X)
    wide = 0.9 < far(X).std() < 1.1
    assert wide, "far from 0, but not equal"

    loaded = Scaler(3)
    loaded.load_state_dict(scaler.state_dict())
    assert torch.equal(loaded(train), Z), "not saved"
    assert not list(scaler.parameters()), "trained"

    scaler.double()
    scaler.fit(train.requires_grad_())  # float32
    for buffer in scaler.buffers():
        if buffer.is_floating_point():
            kept = buffer.dtype == torch.float64
            assert kept, "fit: a buffer has a new dtype"
        assert not buffer.requires_grad, "in the graph"
    Z = scaler(train.double())
    assert Z.dtype == torch.float64, "another dtype"
    assert Z.requires_grad, "the gradient is cut off"
    print("checked: fitted, saved, converted, not trained")


# %% scaler
class Scaler(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("std", torch.ones(d))

    @torch.no_grad()
    def fit(self, X):
        constant = (X == X[0]).all(dim=0)
        mean = torch.where(constant, X[0], X.mean(dim=0))
        std = X.std(dim=0).masked_fill(constant, 1)
        self.mean.copy_(mean)
        self.std.copy_(std)

    def forward(self, X):
        return (X - self.mean) / self.std


check_scaler(Scaler)


# %% check-quadratic
def check_quadratic(Quadratic):
    layer = Quadratic(2, 1)
    count = len(list(layer.parameters()))
    assert count == 1, f"{count} parameters, not 1"
    assert layer.weight.shape == (2, 2, 1), "weight: another shape"
    with torch.no_grad():
        W = torch.tensor([[1.0, 2.0], [3.0, -4.0]])
        layer.weight[..., 0] = W
    Y = layer(torch.tensor([[1.0, 10.0]]))
    # 1 + 2 * 10 + 3 * 10 - 4 * 100
    assert Y.tolist() == [[-349]], f"{Y.tolist()}, not -349"

    torch.manual_seed(0)
    layer, X = Quadratic(3, 2), torch.randn(4, 3)
    W, same = layer.weight, []
    assert W.shape == (3, 3, 2), f"weight: {tuple(W.shape)}"
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        same.append(Quadratic(3, 2).weight.equal(W))
    assert same == [True, True, False], "drawn at random?"
    Y, whole = layer(X.requires_grad_()), 0
    assert Y.shape == (4, 2), f"output: {tuple(Y.shape)}"
    for r in range(4):
        for k in range(2):
            total = 0
            for i in range(3):
                for j in range(3):
                    total += X[r, i] * W[i, j, k] * X[r, j]
            torch.testing.assert_close(Y[r, k], total)
            whole += total
    Y.sum().backward()
    assert W.grad is not None, "the weight gets no gradient"
    assert X.grad is not None, "X gets no gradient"
    grads = torch.autograd.grad(whole, (X, W))
    torch.testing.assert_close((X.grad, W.grad), grads)
    print("checked: equal to the double sum")


# %% quadratic
class Quadratic(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        W = torch.randn(in_units, in_units, units)
        self.weight = nn.Parameter(W / in_units)

    def forward(self, X):
        W = self.weight
        return torch.einsum("ri,ijk,rj->rk", X, W, X)


check_quadratic(Quadratic)

torch.manual_seed(0)
quadratic, X = Quadratic(3, 2), torch.randn(4, 3)
Y = quadratic(X)
Y.square().sum().backward()
W = quadratic.weight
torch.testing.assert_close(W.grad, W.grad.transpose(0, 1))
with torch.no_grad():
    W.copy_((W + W.transpose(0, 1)) / 2)
torch.testing.assert_close(quadratic(X), Y)
print("same output, symmetric gradient")


# %% check-gradients-agree
class HalfLinear(MyLinear):
    def forward(self, X):
        H = X @ self.weight + self.bias
        return H * torch.sigmoid(H.detach())


class NoInput(MyLinear):
    def forward(self, X):
        return super().forward(X.detach())


class NoBias(MyLinear):
    def forward(self, X):
        return F.relu(X @ self.weight + self.bias.detach())


class CutSoftmax(MyLinear):
    def forward(self, X):  # each row sums to 1 | 每行之和为 1
        H = X @ self.weight.detach() + self.bias.detach()
        return H.softmax(dim=-1)


def check_gradients_agree(gradients_agree):
    torch.manual_seed(0)
    X, norm = torch.randn(8, 5), nn.BatchNorm1d(5)
    for layer in (MyLinear(5, 3), norm.eval()):
        before = copy.deepcopy(layer.state_dict())
        assert gradients_agree(layer, X), layer
        for name, value in layer.state_dict().items():
            old = before[name]
            assert value.dtype == old.dtype, "converted"
            assert torch.equal(value, old), "changed"
        for p in layer.parameters():
            assert p.grad is None, "has a gradient"
    wide = MyLinear(5, 3).double()
    assert gradients_agree(wide, X.double()), "float64"
    assert wide.weight.dtype == torch.float64, "converted"
    kinds = (DataLinear, HalfLinear, NoInput, NoBias)
    for wrong in (*kinds, CutSoftmax):
        assert not gradients_agree(wrong(5, 3), X), wrong
    print("checked: three layers pass, five are rejected")


# %% gradients-agree
def gradients_agree(layer, X):
    twin = copy.deepcopy(layer).double()
    names = [name for name, _ in twin.named_parameters()]

    def output(X, *values):
        tensors = dict(zip(names, values, strict=True))
        return torch.func.functional_call(twin, tensors, X)

    # X may be a view | X 可能是视图
    X = X.detach().double().clone()
    inputs = [X.requires_grad_(), *twin.parameters()]
    check = torch.autograd.gradcheck
    return check(output, inputs, raise_exception=False)


check_gradients_agree(gradients_agree)
