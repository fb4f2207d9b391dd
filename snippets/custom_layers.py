# %% setup
import copy

import torch
from torch import nn
from torch.nn import functional as F


# %% centred-layer
class CenteredLayer(nn.Module):
    # nothing to register, so no __init__ | 没有东西要注册，不必写 __init__
    def forward(self, X):
        return X - X.mean()


layer = CenteredLayer()
print(layer(torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])).tolist())
print("parameters:", list(layer.parameters()))
print("state_dict keys:", list(layer.state_dict()))

# %% centred-net fold="output"
net = nn.Sequential(nn.Linear(8, 128), CenteredLayer())

torch.manual_seed(0)
means = [net(torch.rand(4, 8)).mean().item() for _ in range(100)]
print("always exactly 0:", all(mean == 0 for mean in means))
print("always within 1e-6 of 0:", all(abs(mean) < 1e-6 for mean in means))
print("parameters:", [name for name, _ in net.named_parameters()])

# %% four-features fold="output" raises="RuntimeError"
earlier = nn.Linear(4, 8)
X = torch.rand(4, 8)
print("weight:", tuple(earlier.weight.shape))
print("X @ weight:", tuple((X @ earlier.weight).shape))
earlier(X)

# %% what-it-centres fold="output"
X = torch.tensor([[0.0, 10.0], [2.0, 20.0], [4.0, 30.0]])
Y = layer(X)
print("mean of all:", Y.mean().item())
print("mean of each column:", Y.mean(dim=0).tolist())
print("same spread:", torch.allclose(Y.std(), X.std()))
print("row 0 in the batch:", Y[0].tolist())
print("row 0 on its own:", layer(X[:1])[0].tolist())

Z = (X - X.mean(dim=0)) / X.std(dim=0)  # standardised columns | 按列标准化
print("columns of Z:", Z.T.tolist())

# %% integer-input raises="RuntimeError"
counts = torch.tensor([1, 2, 3, 4, 5])
print(counts.dtype)
print(layer(counts.float()).tolist())
layer(counts)


# %% my-linear
class MyLinear(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        scale = (2 / in_units) ** 0.5
        self.weight = nn.Parameter(scale * torch.randn(in_units, units))
        self.bias = nn.Parameter(torch.zeros(units))

    def forward(self, X):
        return F.relu(X @ self.weight + self.bias)


torch.manual_seed(0)
linear = MyLinear(5, 3)
for name, parameter in linear.named_parameters():
    print(name, tuple(parameter.shape), type(parameter).__name__)
print("a Tensor too:", isinstance(linear.weight, torch.Tensor))
print("requires_grad:", linear.weight.requires_grad)

# %% in-sequential
print("alone:", tuple(linear(torch.rand(2, 5)).shape))

net = nn.Sequential(MyLinear(64, 8), MyLinear(8, 1))
print("in a net:", tuple(net(torch.rand(2, 64)).shape))
print([name for name, _ in net.named_parameters()])

# %% against-linear
builtin = nn.Linear(5, 3)
print("MyLinear: ", tuple(linear.weight.shape))
print("nn.Linear:", tuple(builtin.weight.shape))

with torch.no_grad():
    builtin.weight.copy_(linear.weight.T)
    builtin.bias.copy_(linear.bias)
X = torch.rand(2, 5)
expected = F.relu(builtin(X))
print("same as F.relu(nn.Linear):", torch.allclose(linear(X), expected))


# %% final-relu fold="output"
def only_zeros(seed):
    torch.manual_seed(seed)
    net = nn.Sequential(MyLinear(64, 8), MyLinear(8, 1))
    return not net(torch.rand(2, 64)).any()


print("only zeros:", sum(map(only_zeros, range(100))), "of 100 seeds")

# %% initial-scale fold="output"
torch.manual_seed(0)
deep = nn.Sequential(*[MyLinear(128, 128) for _ in range(10)])
X = torch.rand(32, 128)
with torch.no_grad():
    scaled = deep(X)
    for block in deep:
        # (2 / 128) ** 0.5 is 1 / 8: undo it | (2 / 128) ** 0.5 是 1/8：撤销它
        block.weight.mul_(8)
    unscaled = deep(X)

print(f"mean output: {scaled.mean():.1f} and {unscaled.mean():.1e}")
print("exactly 8 ** 10 times:", torch.equal(unscaled, scaled * 8**10))
print("same zeros:", torch.equal(unscaled == 0, scaled == 0))

# %% fan-in-of-a-transpose
torch.manual_seed(0)
weight = torch.empty(512, 32)  # (in, out), as in MyLinear | (in, out)，与 MyLinear 相同
print(f"wanted: {(2 / 512) ** 0.5:.3f}")
print(f"default: {nn.init.kaiming_normal_(weight).std():.3f}")
print(f"fan_out: {nn.init.kaiming_normal_(weight, mode='fan_out').std():.3f}")


# %% plain-tensor fold="output" raises="ValueError"
class PlainLinear(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        self.weight = torch.randn(in_units, units, requires_grad=True)

    def forward(self, X):
        return F.relu(X @ self.weight)


plain = PlainLinear(5, 3)
plain(torch.rand(2, 5)).sum().backward()
print("gradient:", tuple(plain.weight.grad.shape))
print("parameters:", list(plain.parameters()))
print("state_dict keys:", list(plain.state_dict()))
torch.optim.SGD(plain.parameters(), lr=0.1)

# %% tensor-over-parameter raises="TypeError"
parameter = linear.weight
with torch.no_grad():
    linear.weight.fill_(0.5)  # new values, same object | 值变了，对象没变
print("same object:", linear.weight is parameter)

linear.weight = torch.full((5, 3), 0.5)


# %% data-blocks-gradient fold="output" raises="RuntimeError"
class DataLinear(MyLinear):
    def forward(self, X):
        return F.relu(X @ self.weight.data + self.bias.data)


deaf = DataLinear(5, 3)
X = torch.rand(2, 5)
out = deaf(X)
print("parameters:", [name for name, _ in deaf.named_parameters()])
print("same values:", torch.equal(out, MyLinear.forward(deaf, X)))
print("requires_grad:", out.requires_grad, "grad_fn:", out.grad_fn)
out.sum().backward()

# %% data-in-a-net fold="output"
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 32), DataLinear(32, 8), nn.Linear(8, 1))
params = dict(net.named_parameters())
before = {name: p.detach().clone() for name, p in params.items()}
optimizer = torch.optim.SGD(params.values(), lr=0.1)

net(torch.rand(2, 64)).sum().backward()
optimizer.step()

print("no gradient:", [n for n, p in params.items() if p.grad is None])
print("unchanged:", [n for n, p in params.items() if p.equal(before[n])])


# %% two-losses
def losses(layer_class, steps=200):
    torch.manual_seed(0)  # same start, same data | 起点相同，数据也相同
    net = nn.Sequential(layer_class(8, 16), nn.Linear(16, 1))
    X = torch.randn(64, 8)
    y = X[:, :1].abs()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    history = []
    for _ in range(steps):
        loss = F.mse_loss(net(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    return history


# %% loss-curves fold="output"
import matplotlib.pyplot as plt

curves = {cls.__name__: losses(cls) for cls in (DataLinear, MyLinear)}
fig, ax = plt.subplots(figsize=(5.5, 2.8))
for name, history in curves.items():
    print(f"{name}: {history[0]:.3f} -> {history[-1]:.3f}")
    ax.plot(history, label=name)
ax.set(xlabel="step", ylabel="loss", yscale="log")
ax.legend(frameon=False)


# %% row-norm
class RowNorm(nn.Module):
    def __init__(self, eps=1e-5):
        super().__init__()
        self.eps = eps  # a setting, not a state | 是设置，不是状态

    def forward(self, X):
        centred = X - X.mean(dim=-1, keepdim=True)
        variance = centred.square().mean(dim=-1, keepdim=True)
        return centred / (variance + self.eps).sqrt()


norm = RowNorm()
torch.manual_seed(0)
for shape in [(4, 8), (2, 3, 5)]:
    X = 3 * torch.randn(shape) + 10
    torch.testing.assert_close(norm(X), F.layer_norm(X, shape[-1:]))
    torch.testing.assert_close(norm(X)[:1], norm(X[:1]))
assert not norm(torch.full((1, 8), 7.0)).any()
print("checked: equal to F.layer_norm, and each row by itself")


# %% scaler
class Scaler(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.register_buffer("mean", torch.zeros(d))
        self.register_buffer("std", torch.ones(d))

    @torch.no_grad()
    def fit(self, X):
        std = X.std(dim=0)
        self.mean.copy_(X.mean(dim=0))
        self.std.copy_(std.masked_fill(std == 0, 1))
        return self

    def forward(self, X):
        return (X - self.mean) / self.std


torch.manual_seed(0)
train = torch.randn(100, 3) * torch.tensor([1.0, 20.0, 0.0]) + 5
scaler = Scaler(3).fit(train)
Z = scaler(train)
torch.testing.assert_close(Z.mean(dim=0), torch.zeros(3), atol=1e-5, rtol=0)
torch.testing.assert_close(Z.std(dim=0), torch.tensor([1.0, 1.0, 0.0]))
assert torch.equal(scaler(train[:1]), Z[:1])

loaded = Scaler(3)
loaded.load_state_dict(scaler.state_dict())
assert torch.equal(loaded(train), Z)
assert not list(scaler.parameters())
assert scaler.double()(train.double()).dtype == torch.float64
print("checked: fitted, saved, moved; buffers:", *scaler.state_dict())


# %% gradients-agree
def gradients_agree(layer, X):
    twin = copy.deepcopy(layer).double()
    names = [name for name, _ in twin.named_parameters()]

    def output(X, *values):
        tensors = dict(zip(names, values, strict=True))
        return torch.func.functional_call(twin, tensors, X)

    inputs = [X.detach().double().requires_grad_(), *twin.parameters()]
    return torch.autograd.gradcheck(output, inputs, raise_exception=False)


class HalfLinear(MyLinear):
    def forward(self, X):
        H = X @ self.weight + self.bias
        return H * torch.sigmoid(H.detach())


torch.manual_seed(0)
X = torch.randn(8, 5)
half = HalfLinear(5, 3)
half(X).sum().backward()
assert all(p.grad is not None for p in half.parameters())  # but wrong | 但不对
assert not gradients_agree(half, X)
assert not gradients_agree(DataLinear(5, 3), X)
assert gradients_agree(MyLinear(5, 3), X)
print("checked: passes MyLinear, rejects DataLinear and HalfLinear")


# %% quadratic
class Quadratic(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        weight = torch.randn(in_units, in_units, units) / in_units
        self.weight = nn.Parameter(weight)

    def forward(self, X):
        return torch.einsum("ri,ijk,rj->rk", X, self.weight, X)


by_hand = Quadratic(2, 1)
with torch.no_grad():
    by_hand.weight[..., 0] = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
assert by_hand(torch.tensor([[1.0, 10.0]])).tolist() == [[451.0]]

torch.manual_seed(0)
quadratic = Quadratic(3, 2)
X = torch.randn(4, 3)
Y = quadratic(X)
Y.square().sum().backward()
W, grad = quadratic.weight, quadratic.weight.grad
torch.testing.assert_close(grad, grad.transpose(0, 1))
with torch.no_grad():
    W.copy_((W + W.transpose(0, 1)) / 2)
torch.testing.assert_close(quadratic(X), Y)
print("checked: only the symmetric part counts; the gradient is symmetric")
