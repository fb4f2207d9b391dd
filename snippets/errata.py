# %% setup fold="code"
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

# %% names raises="NameError, NameError, RuntimeError"
fresh = {}  # the names of a new program | 新程序里的名字
exec("from torch.nn import functional as F", fresh)
exec("class Block(nn.Module): pass", fresh)
exec("print(X.shape)", fresh)
nn.Linear(20, 256)(torch.rand(2, 4))


# %% constructor raises="TypeError, TypeError, AttributeError, TypeError"
class Block(nn.Module):
    def __init__(self):
        super().__init__()


class NoSuper(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(20, 256)


Block(params=[])
nn.Module(params=[])
NoSuper()
Block(torch.rand(2, 20))

# %% registry raises="AttributeError, TypeError"
pair = nn.Sequential(nn.Linear(20, 4), nn.ReLU())
kind = type(pair._modules).__name__
print("_modules:", kind, list(pair._modules))
pair._modules["1"] = F.relu  # a function | 一个函数
print("output:", pair(torch.rand(2, 20)).shape)
list(pair.parameters())
nn.Sequential(nn.Linear(20, 4), F.relu)


# %% constant raises="RuntimeError"
class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        # a plain attribute | 普通属性
        self.mix = torch.rand(3, 3)
        self.linear = nn.Linear(3, 3)

    def forward(self, X):
        return self.linear(X) @ self.mix


torch.manual_seed(0)
X = torch.rand(2, 3)
net, copy = Mixer(), Mixer()
print("keys:", list(net.state_dict()))
print("loading:", copy.load_state_dict(net.state_dict()))
print("same output:", torch.equal(net(X), copy(X)))
net.double()(X.double())

# %% parameters raises="AttributeError, TypeError"
net = nn.Sequential(
    nn.Linear(4, 8),
    nn.ReLU(),
    nn.Linear(8, 1),
)
state = net[2].state_dict()
print("state dict:", type(state).__name__, list(state))
print("weight:", tuple(state["weight"].shape))
net[1].bias
net[2].bias.data()
found = dict(net.named_parameters())
same = found["2.bias"] is net[2].bias
print("the parameter itself:", same)

# %% default-values
torch.manual_seed(0)
for outputs in (10, 10_000):
    weight = nn.Linear(64, outputs).weight
    most = weight.abs().max()
    print(f"Linear(64, {outputs}): at most {most:.3f}")
embedding = nn.Embedding(1000, 100)
print(f"Embedding: std {embedding.weight.std():.2f}")
print("LayerNorm:", nn.LayerNorm(3).weight.tolist())


# %% hidden-write raises="RuntimeError, RuntimeError"
# The gradient of x should be [1, 1] | x 的梯度应为 [1, 1]
def late(write):
    layer = nn.Linear(2, 1)
    nn.init.ones_(layer.weight)
    x = torch.ones(2, requires_grad=True)
    y = layer(x)
    # between forward and backward | 前向和反向之间
    write(layer.weight)
    y.backward()
    print("gradient:", x.grad.tolist())


late(lambda weight: weight.data.fill_(100))
late(torch.no_grad()(lambda weight: weight.fill_(100)))
late(lambda weight: weight.fill_(100))

# %% one-write
shared = nn.Linear(8, 8)
net = nn.Sequential(shared, nn.ReLU(), shared)
runs, writes = [], []
shared.register_forward_hook(lambda *args: runs.append(1))
weight = shared.weight
weight.register_post_accumulate_grad_hook(writes.append)
net(torch.rand(2, 8)).sum().backward()
print("runs:", len(runs), " writes to .grad:", len(writes))

# %% lazy raises="RuntimeError, RuntimeError"
layer = nn.LazyLinear(256)
print(type(layer).__name__, type(layer.weight).__name__)
layer.weight.shape
layer(torch.rand(2, 20))
print(type(layer).__name__, tuple(layer.weight.shape))
layer(torch.rand(2, 21))

# %% too-early raises="NameError, RuntimeError"
exec("net(0)", {})  # a new program | 新程序
# left from 5.2 | 5.2 留下的
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
net(torch.rand(4, 8))


# %% deaf-layer raises="RuntimeError"
class Deaf(nn.Linear):
    def forward(self, X):
        return F.linear(X, self.weight.data, self.bias.data)


X = torch.rand(2, 5)
Deaf(5, 3)(X).sum().backward()

net = nn.Sequential(Deaf(5, 3), nn.Linear(3, 1))
net(X).sum().backward()
for name, parameter in net.named_parameters():
    found = parameter.grad is not None
    print(name, "has a gradient:", found)


# %% files raises="UnpicklingError, RuntimeError"
class Head(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.add_module(name, nn.Linear(2, 1))


torch.save({"x": torch.arange(4)}, "alias")
Path("alias").rename("other")
print("read from other:", torch.load("other"))

torch.save(nn.Linear(2, 1), "model.pt")
torch.load("model.pt")
saved = Head("output").state_dict()
Head("out").load_state_dict(saved)

# %% devices raises="RuntimeError, RuntimeError"
x = torch.ones(2)
print("device of x:", x.device)
cuda, cuda_0 = torch.device("cuda"), torch.device("cuda:0")
print("cuda == cuda:0:", cuda == cuda_0)
torch.device("cuda:-1")
x + torch.ones(2, device="meta")
