# %% setup
import math

import torch
from torch import nn
from torch.nn import functional as F


# Prints the error of a call that fails | 调用出错时，打印报错信息
def attempt(action):
    try:
        action()
    except (AttributeError, RuntimeError, TypeError) as error:
        print(f"{type(error).__name__}: {error}")


# %% one-kind
def block(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU())


torch.manual_seed(0)
layer = nn.Linear(20, 64)
group = block(20, 64)
model = nn.Sequential(block(20, 64), block(64, 32), nn.Linear(32, 10))
for part in (layer, group, model):
    kind = type(part).__name__
    print(f"{kind:10} is a Module:", isinstance(part, nn.Module))


# %% picture fold=true
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

GAP, TITLE, LEAF = 0.12, 0.4, 0.7  # inches | 英寸


# A rounded frame, tinted if the module has a weight | 圆角框，自带权重的加底色
def frame(ax, module, x, y, width, height):
    shape = ((x, y), width, height, "round,pad=0,rounding_size=0.09")
    if hasattr(module, "weight"):
        tint = FancyBboxPatch(*shape, fc="C0", ec="none", alpha=0.2)
        ax.add_patch(tint)
    ax.add_patch(FancyBboxPatch(*shape, fc="none", ec="black"))


# Draws a module and all inside it; returns the height | 画出模块及其内部，返回高度
def nest(ax, name, module, x, y, width):
    children = list(module.named_children())
    label = f"{name}: {type(module).__name__}"
    style = {"va": "center", "size": 14, "color": "black"}
    if not children:
        if hasattr(module, "weight"):
            label += f"\n{tuple(module.weight.shape)}"
        ax.text(x + width / 2, y + LEAF / 2, label, ha="center", **style)
        frame(ax, module, x, y, width, LEAF)
        return LEAF

    ax.text(x + GAP, y + TITLE / 2, label, **style)
    bottom = y + TITLE
    if any(list(child.children()) for _, child in children):
        # blocks inside: one below the other | 里面还有块：上下排列
        inner = width - 2 * GAP
        for key, child in children:
            bottom += nest(ax, key, child, x + GAP, bottom, inner) + GAP
    else:
        # only layers inside: side by side | 里面全是层：左右排列
        step = (width - GAP) / len(children)
        for i, (key, child) in enumerate(children):
            nest(ax, key, child, x + GAP + i * step, bottom, step - GAP)
        bottom += LEAF + GAP
    frame(ax, module, x, y, width, bottom - y)
    return bottom - y


def draw(name, module):
    figure = plt.figure()
    ax = figure.add_axes((0, 0, 1, 1))
    height = nest(ax, name, module, 0.02, 0.02, 6.36) + 0.04
    figure.set_size_inches(6.4, height)
    ax.set(xlim=(0, 6.4), ylim=(height, 0))
    ax.axis("off")


draw("model", model)

# %% sequential-by-hand
torch.manual_seed(0)
X = torch.rand(2, 20)  # 2 examples, 20 features each | 2 个样本，各 20 个特征

output = X
for name, part in model.named_children():
    output = part(output)
    print(name, type(part).__name__, tuple(output.shape))
print("same as model(X):", torch.equal(output, model(X)))
print("names:", list(model._modules))
print("position -1:", model[-1])


# %% mlp
class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 256)
        self.out = nn.Linear(256, 10)

    def forward(self, X):
        return self.out(F.relu(self.hidden(X)))


torch.manual_seed(0)
net = MLP()
print("input:", tuple(X.shape))
print("after hidden:", tuple(net.hidden(X).shape))
print("output:", tuple(net(X).shape))
print("children:", [name for name, _ in net.named_children()])

# %% gradients
net(X).sum().backward()
print("hidden.weight.grad:", tuple(net.hidden.weight.grad.shape))
print("X.grad:", X.grad)

x = X.clone().requires_grad_()
net(x).sum().backward()
print("x.grad:", tuple(x.grad.shape))
print("net has a backward method:", hasattr(net, "backward"))

# %% parameters
for name, parameter in net.named_parameters():
    print(f"{name:14} {tuple(parameter.shape)}")

torch.manual_seed(0)
first, second = MLP(), MLP()
torch.manual_seed(0)
again = MLP()
print("first == second:", torch.equal(first.out.weight, second.out.weight))
print("first == again:", torch.equal(first.out.weight, again.out.weight))

# %% call-not-forward
calls = []
hook = net.register_forward_hook(lambda module, args, output: calls.append(1))
called = net(X)
print("hook runs after net(X):", len(calls))
direct = net.forward(X)
print("hook runs after net.forward(X):", len(calls))
print("same numbers:", torch.equal(called, direct))
hook.remove()


# %% forgot-super raises="AttributeError"
class Scale(nn.Module):
    def __init__(self):
        self.factor = 2

    def forward(self, X):
        return self.factor * X


class NoSuper(nn.Module):
    def __init__(self):
        self.hidden = nn.Linear(20, 256)


attempt(lambda: Scale()(X))  # no layer: fails late | 没有层：到调用时才失败
NoSuper()


# %% common-errors
class NoForward(nn.Module):
    pass


attempt(lambda: MLP(X))
attempt(lambda: MLP(params=[]))
attempt(lambda: NoForward()(X))
attempt(lambda: net(torch.ones(2, 4)))


# %% my-sequential
class MySequential(nn.Module):
    def __init__(self, *blocks):
        super().__init__()
        for position, block in enumerate(blocks):
            self.add_module(str(position), block)

    def forward(self, X):
        for block in self._modules.values():
            X = block(X)
        return X


torch.manual_seed(0)
theirs = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 10))
mine = MySequential(*theirs)  # the same three objects | 同样的三个对象
print("same output:", torch.equal(mine(X), theirs(X)))
print("same keys:", list(mine.state_dict()) == list(theirs.state_dict()))
print("theirs[0]:", theirs[0], " len:", len(theirs))
attempt(lambda: mine[0])
attempt(lambda: len(mine))


# %% registry
class Listed(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.blocks = container([nn.Linear(20, 8), nn.Linear(8, 2)])


torch.manual_seed(0)
pair = MySequential(nn.Linear(20, 8), nn.Linear(8, 2))
print("_modules is a", type(pair._modules).__name__)
print("MySequential:", len(list(pair.parameters())), "parameters")
for container in (list, nn.ModuleList):
    found = list(Listed(container).parameters())
    print(f"{container.__name__}: {len(found)} parameters")


# %% unchecked
class Unchecked(MySequential):
    def __init__(self, *blocks):
        super().__init__()
        for position, block in enumerate(blocks):
            self._modules[str(position)] = block


torch.manual_seed(0)
odd = Unchecked(nn.Linear(20, 4), F.relu)  # a function, not a module | 函数，不是模块
print("output:", tuple(odd(X).shape))
attempt(lambda: list(odd.parameters()))
attempt(lambda: MySequential(nn.Linear(20, 4), F.relu))
attempt(lambda: nn.Sequential(nn.Linear(20, 4), F.relu))


# %% twice
class ByChildren(MySequential):
    def forward(self, X):
        for block in self.children():
            X = block(X)
        return X


torch.manual_seed(0)
square = nn.Linear(20, 20)
calls = []
square.register_forward_hook(lambda module, args, output: calls.append(1))
for container in (nn.Sequential, MySequential, ByChildren):
    calls.clear()
    container(square, nn.ReLU(), square)(X)
    print(f"{container.__name__:12} calls: {len(calls)}")


# %% fixed-hidden
class FixedHiddenMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("rand_weight", torch.rand(20, 20))
        self.linear = nn.Linear(20, 20)

    def forward(self, X):
        X = F.relu(self.linear(X) @ self.rand_weight + 1)
        X = self.linear(X)  # the same layer again | 同一层再用一次
        while X.abs().sum() > 1:
            X = X / 2
        return X.sum()


torch.manual_seed(0)
net = FixedHiddenMLP()
net(X).backward()
print("parameters:", [name for name, _ in net.named_parameters()])
print("gradient of rand_weight:", net.rand_weight.grad)
print("gradient through it:", net.linear.weight.grad.abs().sum().item() > 0)


# %% three-ways
class ThreeWays(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = torch.rand(2, 2)
        self.register_buffer("buffer", torch.rand(2, 2))
        self.frozen = nn.Parameter(torch.rand(2, 2), requires_grad=False)


torch.manual_seed(0)
saved = ThreeWays().state_dict()
listed = dict(ThreeWays().named_parameters())
cast = ThreeWays().double()
moved = ThreeWays().to("meta")
print("        parameters()  state_dict()  double()  to(device)")
for name in ("plain", "buffer", "frozen"):
    is_cast = getattr(cast, name).dtype == torch.float64
    is_moved = getattr(moved, name).device.type == "meta"
    print(f"{name:6}{name in listed!s:>14}{name in saved!s:>14}", end="")
    print(f"{is_cast!s:>10}{is_moved!s:>12}")


# %% lost-on-reload
class PlainHiddenMLP(FixedHiddenMLP):
    def __init__(self):
        super().__init__()
        del self.rand_weight
        self.rand_weight = torch.rand(20, 20)  # as in the notes | 原笔记的写法


torch.manual_seed(0)
for kind in (PlainHiddenMLP, FixedHiddenMLP):
    net, copy = kind(), kind()
    print(f"{kind.__name__}:", copy.load_state_dict(net.state_dict()))
    print("  same output:", torch.equal(net(X), copy(X)))
attempt(lambda: PlainHiddenMLP().double()(X.double()))


# %% halving
def halve(x, limit=1000):
    steps = 0
    while x.abs().sum() > 1 and steps < limit:
        x = x / 2
        steps += 1
    return x, steps


for start in (0.5, 3.0, 1000.0, math.inf, math.nan):
    x = torch.tensor(start, requires_grad=True)
    y, steps = halve(x)
    y.backward()
    print(f"{start:6}: {steps:4} steps, then {y.item():.3f},", end="")
    print(f" gradient {x.grad.item():.4f}")

# %% in-place raises="RuntimeError"
torch.manual_seed(0)
linear = nn.Linear(20, 20)
Y = linear(X)
Y /= 2
Y.sum().backward()
print("after linear:", tuple(linear.weight.grad.shape))

Y = linear(X).sigmoid()
Y /= 2
Y.sum().backward()


# %% chimera
class NestMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(20, 64),
            nn.ReLU(),
            nn.Linear(64, 32),
            nn.ReLU(),
        )
        self.linear = nn.Linear(32, 16)

    def forward(self, X):
        return self.linear(self.net(X))


torch.manual_seed(0)
chimera = nn.Sequential(NestMLP(), nn.Linear(16, 20), FixedHiddenMLP())
print("output:", tuple(chimera(X).shape))
print("parameters:", len(list(chimera.parameters())))
draw("chimera", chimera)
