# %% setup
import math

import torch
from torch import nn
from torch.nn import functional as F


# Prints the error of a call that fails | 调用出错时，打印报错信息
def attempt(action):
    try:
        action()
    except (AttributeError, NameError, RuntimeError, TypeError) as error:
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


# %% picture fold="code"
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

# %% gradients fold="output"
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

# %% call-not-forward fold="output"
calls = []
hook = net.register_forward_hook(lambda module, args, output: calls.append(1))
called = net(X)
print("hook runs after net(X):", len(calls))
direct = net.forward(X)
print("hook runs after net.forward(X):", len(calls))
print("same numbers:", torch.equal(called, direct))
hook.remove()

# %% missing-names fold="output"
fresh = {}  # the names of a new program | 新程序里的名字
exec("from torch.nn import functional as F", fresh)
attempt(lambda: exec("class MLP(nn.Module): pass", fresh))

exec("from torch import nn", fresh)
attempt(lambda: exec("class MLP(nn.Module): pass", fresh))
attempt(lambda: exec("MLP()(X)", fresh))


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


# %% common-errors fold="output"
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


# %% registry fold="output"
class Listed(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.blocks = container([nn.Linear(20, 8), nn.Linear(8, 2)])


torch.manual_seed(0)
pair = MySequential(nn.Linear(20, 8), nn.Linear(8, 2))
print("MySequential:", len(list(pair.parameters())), "parameters")
for container in (list, nn.ModuleList):
    found = list(Listed(container).parameters())
    print(f"{container.__name__}: {len(found)} parameters")

# %% registry-order fold="output"
chain = MySequential(nn.Tanh(), nn.ReLU())
chain.add_module("2", nn.GELU())
chain.add_module("0", nn.Sigmoid())  # the name is taken | 名字已经有了
print("_modules is a", type(chain._modules).__name__)
for name, part in chain._modules.items():
    print(name, type(part).__name__)


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


# %% twice fold="output"
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


# %% three-ways fold="output"
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


# %% lost-on-reload fold="output"
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


# %% halving fold="output"
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


# %% residual
class Residual(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.block = block
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, X):
        return X + self.scale * self.block(X)


torch.manual_seed(0)
net = Residual(nn.Sequential(block(20, 64), nn.Linear(64, 20)))
start = [parameter.detach().clone() for parameter in net.parameters()]
target = X.flip(-1)
assert torch.equal(net(X), X)

before = F.mse_loss(net(X), target).item()
for _ in range(100):
    net.zero_grad()
    F.mse_loss(net(X), target).backward()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter -= parameter.grad
after = F.mse_loss(net(X), target).item()
assert after < before / 10
for old, new in zip(start, net.parameters(), strict=True):
    assert not torch.equal(old, new)
print("checked:", len(start), "parameters have moved")


# %% parallel
class Parallel(nn.Module):
    def __init__(self, left, right):
        super().__init__()
        self.left = left
        self.right = right

    def forward(self, X):
        return torch.cat((self.left(X), self.right(X)), dim=-1)


torch.manual_seed(0)
both = Parallel(block(20, 8), nn.Linear(20, 4))
output = both(X)
assert output.shape == (2, 12)
assert torch.equal(output[:, :8], both.left(X))
assert torch.equal(output[:, 8:], both.right(X))
assert len(list(both.parameters())) == 4
assert both(torch.rand(3, 2, 20)).shape == (3, 2, 12)
assert nn.Sequential(both, nn.Linear(12, 10))(X).shape == (2, 10)
print("checked:", tuple(output.shape))


# %% shapes
def shapes(module, *inputs):
    rows, hooks = [], []

    def watch(name, part):
        def note(part, args, output):
            rows.append((name, tuple(output.shape)))

        hooks.append(part.register_forward_hook(note))

    for name, part in module.named_modules():
        watch(name, part)
    try:
        module(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return rows


rows = shapes(chimera, X)
for name, shape in rows:
    print(f"{name:9} {shape}")
assert len(rows) == 12
assert rows[-1] == ("", ())
assert [name for name, _ in rows].count("2.linear") == 2
attempt(lambda: shapes(chimera, torch.ones(2, 4)))
left = [len(part._forward_hooks) for part in chimera.modules()]
assert sum(left) == 0
print("checked: hooks left:", sum(left))


# %% list-like
class ListSequential(MySequential):
    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __getitem__(self, index):
        chosen = list(self)[index]
        return type(self)(*chosen) if isinstance(index, slice) else chosen


torch.manual_seed(0)
square, relu, last = nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 4)
parts = [square, relu, square, last]
mine, theirs = ListSequential(*parts), nn.Sequential(*parts)
assert len(mine) == 4
assert list(mine) == parts
assert mine[2] is mine[0] is square
assert mine[-1] is last
for cut in (slice(2), slice(1, None), slice(-3, 3), slice(None, None, 2)):
    assert type(mine[cut]) is ListSequential
    assert list(mine[cut]) == parts[cut]
    assert torch.equal(mine[cut](X), theirs[cut](X))
print("names in mine[1:]:  ", list(mine[1:]._modules))
print("names in theirs[1:]:", list(theirs[1:]._modules))
print("checked:", len(mine), "parts")


# %% skeleton
def repeat(n, make):
    return nn.Sequential(*(make() for _ in range(n)))


def unit():
    return Residual(repeat(3, lambda: block(16, 16)))


torch.manual_seed(0)
groups = [repeat(n, unit) for n in (3, 8, 36, 3)]
skeleton = nn.Sequential(nn.Linear(20, 16), *groups, nn.Linear(16, 10))

layers = [part for part in skeleton.modules() if isinstance(part, nn.Linear)]
assert len(layers) == 152
assert len(list(skeleton.parameters())) == 2 * 152 + 50
assert torch.equal(skeleton(X), skeleton[-1](skeleton[0](X)))
print("checked:", len(layers), "layers")


# %% audit
def audit(module):
    kinds = {name: "parameter" for name, _ in module.named_parameters()}
    kinds |= {name: "buffer" for name, _ in module.named_buffers()}
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            if isinstance(value, torch.Tensor):
                kinds[f"{path}.{name}".removeprefix(".")] = "plain"
    return kinds


found = audit(ThreeWays())
assert found == {"plain": "plain", "buffer": "buffer", "frozen": "parameter"}
assert audit(Listed(list)) == {}

nested = nn.Sequential(PlainHiddenMLP(), FixedHiddenMLP())
found = audit(nested)
for name, kind in found.items():
    print(f"{name:15} {kind}")
assert len(found) == 6
kept = [name for name, kind in found.items() if kind != "plain"]
assert set(kept) == set(nested.state_dict())
print("checked:", len(found), "tensors,", len(kept), "kept")


# %% closed-form
def halve_at_once(x):
    total = x.abs().sum().item()
    if not math.isfinite(total):
        raise ValueError(f"the sum is {total}")
    # total = mantissa * 2**exponent, 0.5 <= mantissa < 1
    mantissa, exponent = math.frexp(total)
    steps = max(0, exponent - 1 if mantissa == 0.5 else exponent)
    return x * 2.0**-steps, steps


torch.manual_seed(0)
above = math.nextafter(1024, math.inf)  # the next float64 | 下一个 float64
wide = torch.tensor([above], dtype=torch.float64)
starts = [torch.tensor([s]) for s in (0.0, 0.5, 1.0, 3.0, 1024.0, 3e38)]
for start in (*starts, wide, 1000 * torch.randn(2, 20)):
    a, b = (start.clone().requires_grad_() for _ in range(2))
    (y, steps), (z, same) = halve(a), halve_at_once(b)
    y.sum().backward()
    z.sum().backward()
    assert torch.equal(y, z)
    assert torch.equal(a.grad, b.grad)
    assert steps == same
for bad in (math.inf, math.nan):
    try:
        halve_at_once(torch.tensor([bad, 1.0]))
    except ValueError as error:
        print(f"ValueError: {error}")
    else:
        raise AssertionError(f"{bad} was not refused")
assert math.ceil(math.log2(above)) == 10
print("checked: from", above, "in", halve_at_once(wide)[1], "steps")
