# %% setup
import textwrap
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


# Prints the error of a call that fails | 调用出错时，打印报错信息
def attempt(action):
    try:
        action()
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        print(textwrap.shorten(message, 200, placeholder=" …"))


# %% names
fresh = {}  # the names of a new program | 新程序里的名字
exec("from torch.nn import functional as F", fresh)
attempt(lambda: exec("class Block(nn.Module): pass", fresh))
attempt(lambda: exec("print(X.shape)", fresh))
attempt(lambda: nn.Linear(20, 256)(torch.rand(2, 4)))


# %% constructor
class Block(nn.Module):
    def __init__(self):
        super().__init__()


class NoSuper(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(20, 256)


attempt(lambda: Block(params=[]))
attempt(lambda: nn.Module(params=[]))
attempt(NoSuper)
attempt(lambda: Block(torch.rand(2, 20)))

# %% registry
pair = nn.Sequential(nn.Linear(20, 4), nn.ReLU())
print("_modules:", type(pair._modules).__name__, list(pair._modules))
pair._modules["1"] = F.relu  # a function, unchecked | 函数，没有检查
print("output:", tuple(pair(torch.rand(2, 20)).shape))
attempt(lambda: list(pair.parameters()))
attempt(lambda: nn.Sequential(nn.Linear(20, 4), F.relu))


# %% constant
class Mixer(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = torch.rand(3, 3)  # a plain attribute | 普通属性
        self.linear = nn.Linear(3, 3)

    def forward(self, X):
        return self.linear(X) @ self.mix


torch.manual_seed(0)
X = torch.rand(2, 3)
net, copy = Mixer(), Mixer()
print("keys:", list(net.state_dict()))
print("loading:", copy.load_state_dict(net.state_dict()))
print("same output:", torch.equal(net(X), copy(X)))
attempt(lambda: net.double()(X.double()))

# %% parameters
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
state = net[2].state_dict()
print("state dict:", type(state).__name__, list(state))
print("weight:", tuple(state["weight"].shape))
attempt(lambda: net[1].bias)
attempt(lambda: net[2].bias.data())
found = dict(net.named_parameters())
print("the parameter itself:", found["2.bias"] is net[2].bias)

# %% default-values
torch.manual_seed(0)
for outputs in (10, 10_000):
    weight = nn.Linear(64, outputs).weight
    print(f"Linear(64, {outputs}): at most {weight.abs().max():.3f}")
print(f"Embedding: std {nn.Embedding(1000, 100).weight.std():.2f}")
print("LayerNorm:", nn.LayerNorm(3).weight.tolist())


# %% hidden-write
# The gradient of x should be [1, 1] | x 的梯度应为 [1, 1]
def late(write):
    layer = nn.Linear(2, 1)
    nn.init.ones_(layer.weight)
    x = torch.ones(2, requires_grad=True)
    y = layer(x)
    write(layer.weight)  # between forward and backward | 前向和反向之间
    y.backward()
    print("gradient:", x.grad.tolist())


attempt(lambda: late(lambda weight: weight.data.fill_(100)))
attempt(lambda: late(torch.no_grad()(lambda weight: weight.fill_(100))))
attempt(lambda: late(lambda weight: weight.fill_(100)))

# %% one-write
shared = nn.Linear(8, 8)
net = nn.Sequential(shared, nn.ReLU(), shared)
runs, writes = [], []
shared.register_forward_hook(lambda *args: runs.append(1))
shared.weight.register_post_accumulate_grad_hook(writes.append)
net(torch.rand(2, 8)).sum().backward()
print("runs:", len(runs), " writes to .grad:", len(writes))

# %% lazy
layer = nn.LazyLinear(256)
print(type(layer).__name__, type(layer.weight).__name__)
attempt(lambda: layer.weight.shape)
layer(torch.rand(2, 20))
print(type(layer).__name__, tuple(layer.weight.shape))
attempt(lambda: layer(torch.rand(2, 21)))

# %% too-early raises="RuntimeError"
attempt(lambda: exec("net(0)", {}))  # a new program | 新程序
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU())  # left from 5.2 | 5.2 留下的
net(torch.rand(4, 8))


# %% deaf-layer
class Deaf(nn.Linear):
    def forward(self, X):
        return F.linear(X, self.weight.data, self.bias.data)


X = torch.rand(2, 5)
attempt(lambda: Deaf(5, 3)(X).sum().backward())

net = nn.Sequential(Deaf(5, 3), nn.Linear(3, 1))
net(X).sum().backward()
for name, parameter in net.named_parameters():
    print(name, "has a gradient:", parameter.grad is not None)


# %% files
class Head(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.add_module(name, nn.Linear(2, 1))


torch.save({"x": torch.arange(4)}, "alias")
Path("alias").rename("other")
print("read from other:", torch.load("other"))

torch.save(nn.Linear(2, 1), "model.pt")
attempt(lambda: torch.load("model.pt"))
saved = Head("output").state_dict()
attempt(lambda: Head("out").load_state_dict(saved))

# %% devices
x = torch.ones(2)
print("device of x:", x.device)
print("cuda == cuda:0:", torch.device("cuda") == torch.device("cuda:0"))
attempt(lambda: torch.device("cuda:-1"))
attempt(lambda: x.cuda(torch.cuda.device_count() + 1))  # one too many | 超出数量
attempt(lambda: x + torch.ones(2, device="meta"))
