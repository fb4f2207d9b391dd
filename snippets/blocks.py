# %% another-model
import torch
from torch import nn


class Shifted(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = torch.zeros(20)
        self.linear = nn.Linear(20, 10)

    def forward(self, X):
        return self.linear(X - self.mean)


torch.manual_seed(0)
X = torch.rand(2, 20)  # 2 examples | 2 个样本
trained, loaded = Shifted(), Shifted()
trained.mean = X.mean(dim=0)

state = trained.state_dict()
print(loaded.load_state_dict(state))
same = torch.equal(trained(X), loaded(X))
print("same output:", same)


# %% one-kind
def block(inputs, outputs):
    layer = nn.Linear(inputs, outputs)
    return nn.Sequential(layer, nn.ReLU())


torch.manual_seed(0)
layer = nn.Linear(20, 64)
group = block(20, 64)
model = nn.Sequential(
    block(20, 64),
    block(64, 32),
    nn.Linear(32, 10),
)
for part in (layer, group, model):
    kind = type(part).__name__
    print(f"{kind:10}", isinstance(part, nn.Module))


# %% picture fold="code"
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

GAP, TITLE, LEAF = 0.1, 0.36, 0.6  # inches | 英寸


# A frame, tinted if it has a weight | 画框，有权重的加底色
def frame(ax, module, x, y, width, height):
    round_box = "round,pad=0,rounding_size=0.09"
    shape = ((x, y), width, height, round_box)
    if getattr(module, "weight", None) is not None:
        tint = {"fc": "C0", "ec": "none", "alpha": 0.2}
        ax.add_patch(FancyBboxPatch(*shape, **tint))
    ax.add_patch(FancyBboxPatch(*shape, fc="none"))


# Draws a module and all inside it | 画出模块及其内部
def nest(ax, name, module, x, y, width):
    children = list(module.named_children())
    label = f"{name}: {type(module).__name__}"
    style = {"va": "center", "size": 13}
    if not children:
        weight = getattr(module, "weight", None)
        lazy = nn.parameter.is_lazy(weight)
        if weight is not None and not lazy:
            label += f"\n{tuple(weight.shape)}"
        middle = (x + width / 2, y + LEAF / 2)
        ax.text(*middle, label, ha="center", **style)
        frame(ax, module, x, y, width, LEAF)
        return LEAF

    ax.text(x + GAP, y + TITLE / 2, label, **style)
    bottom = y + TITLE
    if any(list(part.children()) for _, part in children):
        # blocks inside: stacked | 里面还有块：上下排列
        left, inner = x + GAP, width - 2 * GAP
        for key, part in children:
            here = (left, bottom, inner)
            bottom += nest(ax, key, part, *here) + GAP
    else:
        # only layers: side by side | 里面全是层：左右排列
        step = (width - GAP) / len(children)
        for i, (key, part) in enumerate(children):
            left = x + GAP + i * step
            nest(ax, key, part, left, bottom, step - GAP)
        bottom += LEAF + GAP
    frame(ax, module, x, y, width, bottom - y)
    return bottom - y


def draw(name, module):
    figure = plt.figure()
    ax = figure.add_axes((0, 0, 1, 1))
    height = nest(ax, name, module, 0.02, 0.02, 4.76) + 0.04
    figure.set_size_inches(4.8, height)
    ax.set(xlim=(0, 4.8), ylim=(height, 0))
    ax.axis("off")


draw("model", model)

# %% sequential-by-hand
output = X
for name, part in model.named_children():
    output = part(output)
    print(name, type(part).__name__, tuple(output.shape))
print("same numbers:", torch.equal(output, model(X)))
print("names:", list(model._modules))
print("position -1:", model[-1])

# %% mlp
from torch.nn import functional as F


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
print("output:", tuple(net(X).shape))
for name, parameter in net.named_parameters():
    print(f"{name:14}", tuple(parameter.shape))

# %% children
print("after hidden:", tuple(net.hidden(X).shape))
names = [name for name, _ in net.named_children()]
print("children:", names)

# %% gradients fold="output"
net(X).sum().backward()
weight = net.hidden.weight
print("net.hidden.weight:", weight.grad is not None)
print("X:", X.grad is not None)

# %% input-gradient
x = X.clone().requires_grad_()
net(x).sum().backward()
print("x.grad:", tuple(x.grad.shape))
print("net.backward exists:", hasattr(net, "backward"))

# %% parameters
torch.manual_seed(0)
first, second = MLP(), MLP()
torch.manual_seed(0)
again = MLP()


def same(one, other):
    return torch.equal(one.out.weight, other.out.weight)


print("first and second are equal:", same(first, second))
print("first and again are equal:", same(first, again))

# %% call-not-forward
calls = []
hook = net.register_forward_hook(lambda *_: calls.append(1))
called = net(X)
print("hook runs after net(X):", len(calls))
direct = net.forward(X)
print("hook runs after net.forward(X):", len(calls))
print("same numbers:", torch.equal(called, direct))
hook.remove()


# %% forgot-super fold="output" raises="AttributeError, AttributeError"
class NoSuper(nn.Module):
    def __init__(self):
        self.hidden = nn.Linear(20, 256)


class Scale(nn.Module):
    def __init__(self):
        self.factor = 2

    def forward(self, X):
        return self.factor * X


built = []
built.append(NoSuper())
built.append(Scale())
print("built:", [type(part).__name__ for part in built])
built[-1](X)


# %% common-errors fold="output" raises="TypeError, TypeError, NotImplementedError, RuntimeError"
class NoForward(nn.Module):
    pass


MLP(X)
MLP(hidden=512)
NoForward()(X)
MLP()(torch.ones(2, 4))

# %% more-errors raises="TypeError, TypeError, RuntimeError, AttributeError, AttributeError"
net()
net.out(nn.ReLU(net.hidden(X)))
net(torch.ones(2, 20, dtype=torch.int64))
print(net.hiden)


class NoSuperEither(nn.Module):
    def __init__(self):
        self.scale = nn.Parameter(torch.ones(20))


NoSuperEither()


# %% still-more-errors raises="TypeError, TypeError, TypeError, TypeError, TypeError"
class NoSelf(nn.Module):
    def forward(X):
        return X


class Overwrites(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(20, 10)

    def forward(self, X):
        self.out = self.out(X)
        return self.out


NoSelf()(X)
Overwrites()(X)
nn.Sequential(nn.LSTM(20, 8), nn.Linear(8, 4))(X)
nn.Linear(20 / 2, 4)
torch.optim.SGD(nn.Sequential(net), lr=0.1)


# %% wrong-kinds raises="TypeError, TypeError, TypeError, TypeError, RuntimeError"
class NoReturn(nn.Module):
    def forward(self, X):
        F.relu(X)


nn.Sequential(NoReturn(), nn.Linear(20, 4))(X)
net(X.numpy())
torch.optim.SGD(net.parameters, lr=0.1)
torch.optim.SGD(MLP.parameters(), lr=0.1)
nn.MSELoss(X, X)


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
theirs = nn.Sequential(
    nn.Linear(20, 256),
    nn.ReLU(),
    nn.Linear(256, 10),
)
mine = MySequential(*theirs)  # the same objects | 同样的对象
print("same output:", torch.equal(mine(X), theirs(X)))
print("keys:", *mine.state_dict())


# %% registry fold="output" raises="ValueError"
class Listed(nn.Module):
    def __init__(self, kind):
        super().__init__()
        layers = [nn.Linear(20, 8), nn.Linear(8, 2)]
        self.blocks = kind(layers)


torch.manual_seed(0)
for kind in (nn.ModuleList, list):
    found = list(Listed(kind).parameters())
    print(f"{kind.__name__}: {len(found)} parameters")

torch.optim.SGD(Listed(list).parameters(), lr=0.1)

# %% call-a-list raises="NotImplementedError"
held = nn.ModuleList([nn.Linear(20, 8), nn.Linear(8, 2)])
result = X
for part in held:
    result = part(result)
print("in a loop:", tuple(result.shape))
held(X)


# %% layers-by-name
class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(20, 8)
        digit, parity = nn.Linear(8, 10), nn.Linear(8, 2)
        heads = {"digit": digit, "parity": parity}
        self.heads = nn.ModuleDict(heads)

    def forward(self, X, task):
        return self.heads[task](F.relu(self.body(X)))


two_heads = TwoHeads()
for task in two_heads.heads:
    print(f"{task}:", tuple(two_heads(X, task).shape))
print(*(n for n, _ in two_heads.heads.named_parameters()))


# %% layer-in-forward
class MadeAnew(nn.Module):
    def forward(self, X):
        # a new layer at each call | 每次调用都另造一层
        return nn.Linear(20, 2)(X)


anew = MadeAnew()
print("parameters:", len(list(anew.parameters())))
print("same output:", torch.equal(anew(X), anew(X)))

# %% replace-a-part
tuned = MLP()
tuned.out = nn.Linear(256, 3)  # 3 in place of 10 | 10 改成 3
print("output:", tuple(tuned(X).shape))
print("names:", list(tuned.state_dict()))

tuned.out = nn.Identity()
print("features:", tuple(tuned(X).shape))
print("names:", list(tuned.state_dict()))

# %% not-a-list raises="TypeError, TypeError, TypeError, AttributeError"
print(len(theirs), "parts, the last is", theirs[-1])
print(mine[0])
print(len(mine))
print(list(mine))
mine.append(nn.Tanh())

# %% registry-order fold="output"
chain = MySequential(nn.Tanh(), nn.ReLU())
chain.add_module("2", nn.GELU())
chain.add_module("0", nn.Sigmoid())  # again | 名字已经有了
for name, part in chain._modules.items():
    print(name, type(part).__name__)
print("_modules is a", type(chain._modules).__name__)


# %% unchecked raises="AttributeError, TypeError, TypeError"
class Unchecked(MySequential):
    def __init__(self, *blocks):
        super().__init__()
        for position, block in enumerate(blocks):
            self._modules[str(position)] = block


torch.manual_seed(0)
last = nn.Linear(20, 4)
odd = Unchecked(last, F.relu)  # a function | 函数
print("output:", tuple(odd(X).shape))
list(odd.parameters())

MySequential(last, F.relu)
nn.Sequential(last, F.relu)


# %% twice fold="output"
class ByChildren(MySequential):
    def forward(self, X):
        for block in self.children():
            X = block(X)
        return X


torch.manual_seed(0)
square = nn.Linear(20, 20)
calls = []
square.register_forward_hook(lambda *_: calls.append(1))
for kind in (nn.Sequential, MySequential, ByChildren):
    calls.clear()
    kind(square, nn.ReLU(), square)(X)
    print(f"{kind.__name__:12} calls: {len(calls)}")


# %% three-ways fold="output"
class ThreeWays(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = torch.rand(2)
        self.register_buffer("buffer", torch.rand(2))
        self.frozen = nn.Parameter(
            torch.rand(2),
            requires_grad=False,
        )


torch.manual_seed(0)
saved = ThreeWays().state_dict()
handed_out = dict(ThreeWays().named_parameters())
cast, moved = ThreeWays().double(), ThreeWays().to("meta")
kinds = ("plain", "buffer", "frozen")
dtypes = [getattr(cast, kind).dtype for kind in kinds]
rows = {
    "state_dict()": [kind in saved for kind in kinds],
    "parameters()": [kind in handed_out for kind in kinds],
    "double()": [dtype == torch.float64 for dtype in dtypes],
    "to()": [getattr(moved, kind).is_meta for kind in kinds],
}
print(f"{'':12}", *[f"{kind:>6}" for kind in kinds])
for row, answers in rows.items():
    print(f"{row:12}", *[f"{answer!s:>6}" for answer in answers])

# %% left-behind raises="RuntimeError, KeyError"
net = Shifted()
net.double()
print("weight:", net.linear.weight.dtype)
print("mean:", net.mean.dtype)


class PlainWeight(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.rand(20, 10)

    def forward(self, X):
        return X @ self.weight


PlainWeight().double()(X.double())
net.register_buffer("mean", torch.zeros(20))


# %% try-places
class Keeper(nn.Module):
    def __init__(self, place, value=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        value = torch.tensor([value])
        if place == "buffer":
            self.register_buffer("c", value)
        elif place == "frozen":
            self.c = nn.Parameter(value, requires_grad=False)
        else:
            self.c = value


def reload(keeper, place):
    fresh = Keeper(place)
    fresh.load_state_dict(keeper.state_dict())
    return fresh


def double(keeper, place):
    return keeper.double()


def train(keeper, place):
    sgd = torch.optim.SGD(keeper.parameters(), lr=0.1)
    (keeper.weight * keeper.c).sum().backward()
    sgd.step()
    return keeper


def thaw(keeper, place):
    return train(keeper.requires_grad_(True), place)


print("place | then | value | dtype")
for place in ("attribute", "buffer", "frozen"):
    for then in (reload, double, train, thaw):
        c = then(Keeper(place, 5.0), place).c
        cells = (place, then.__name__, f"{c.item():g}", c.dtype)
        print(*cells, sep=" | ")


# %% fixed-hidden fold="output"
class FixedHiddenMLP(nn.Module):
    def __init__(self):
        super().__init__()
        constant = torch.rand(20, 20)
        self.register_buffer("rand_weight", constant)
        self.linear = nn.Linear(20, 20)

    def forward(self, X):
        X = F.relu(self.linear(X) @ self.rand_weight + 1)
        X = self.linear(X)  # the same layer | 还是这一层
        while X.abs().sum() > 1:
            X = X / 2
        return X.sum()


torch.manual_seed(0)
net, copy = FixedHiddenMLP(), FixedHiddenMLP()
net(X).backward()
print(len(list(net.parameters())), "parameters")
print("gradient of rand_weight:", net.rand_weight.grad)
passed = net.linear.weight.grad.any().item()
print("gradient of linear.weight:", passed)

copy.load_state_dict(net.state_dict())
print("same output:", torch.equal(net(X), copy(X)))

# %% halving fold="output"
import math


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
    y, gradient = y.item(), x.grad.item()
    print(f"{start:6}: {steps:4} steps to {y:.3f},", end="")
    print(f" gradient {gradient:.4f}")

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
chimera = nn.Sequential(
    NestMLP(),
    nn.Linear(16, 20),
    FixedHiddenMLP(),
)
print("output:", tuple(chimera(X).shape))
print("parameters:", len(list(chimera.parameters())))
draw("chimera", chimera)

# %% scalar-inside raises="RuntimeError"
early = nn.Sequential(FixedHiddenMLP(), nn.Linear(20, 4))
print("of the first part:", tuple(early[0](X).shape))
early(X)


# %% check-repaired
class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = torch.rand(20)
        self.layers = [nn.Linear(20, 20), nn.Linear(20, 10)]

    def forward(self, X):
        X = X - self.mean
        for layer in self.layers:
            X = layer(X)
        return X


def check_repaired(Repaired):
    torch.manual_seed(0)
    net, copy = Repaired(), Repaired()
    by_hand = net.layers[1](net.layers[0](X - net.mean))
    assert torch.equal(net(X), by_hand), "other numbers"
    drawn = len(net.mean.unique()) > 1
    assert drawn, "Broken draws its mean: torch.rand(20)"
    count = len(list(net.parameters()))
    assert count == 4, f"{count} parameters, not 4"
    with torch.no_grad():
        net.mean.add_(1)
    copy.load_state_dict(net.state_dict())
    assert torch.equal(net(X), copy(X)), "lost on reload"
    net.double()(X.double())
    print("checked:", count, "parameters, nothing is lost")


# %% repaired
class Repaired(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.rand(20))
        layers = [nn.Linear(20, 20), nn.Linear(20, 10)]
        self.layers = nn.ModuleList(layers)

    def forward(self, X):
        X = X - self.mean
        for layer in self.layers:
            X = layer(X)
        return X


check_repaired(Repaired)


# %% check-parallel
def check_parallel(Parallel):
    left, right = block(20, 8), nn.Linear(20, 4)
    both = Parallel(left, right)
    output = both(X)
    assert output.shape == (2, 12), tuple(output.shape)
    assert torch.equal(output[:, :8], left(X)), "left"
    assert torch.equal(output[:, 8:], right(X)), "right"
    count = len(list(both.parameters()))
    assert count == 4, f"{count} parameters, not 4"
    shape = both(torch.rand(3, 2, 20)).shape
    assert shape == (3, 2, 12), tuple(shape)
    pair = Parallel(nn.Linear(20, 3), nn.Identity())
    assert pair(X).shape == (2, 23), "other widths"
    print("checked: joined to", tuple(output.shape))


# %% parallel
class Parallel(nn.Module):
    def __init__(self, left, right):
        super().__init__()
        self.left = left
        self.right = right

    def forward(self, X):
        outputs = (self.left(X), self.right(X))
        return torch.cat(outputs, dim=-1)


check_parallel(Parallel)


# %% check-residual
def check_residual(Residual):
    torch.manual_seed(0)
    inner = nn.Sequential(block(20, 64), nn.Linear(64, 20))
    net, target = Residual(inner), X.flip(-1)
    assert torch.equal(net(X), X), "not the identity"

    start = [p.detach().clone() for p in net.parameters()]
    optimizer = torch.optim.SGD(net.parameters(), lr=1)
    losses = []
    for _ in range(100):
        optimizer.zero_grad()
        loss = F.mse_loss(net(X), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 10, "it does not learn"
    pairs = zip(start, net.parameters(), strict=True)
    for old, new in pairs:
        assert not torch.equal(old, new), "one stands still"
    net, x = Residual(nn.Tanh()), X[:, :16]
    assert torch.equal(net(x), x), "not with nn.Tanh()"
    print("checked:", len(start), "parameters have moved")


# %% residual
class Residual(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.block = block
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, X):
        return X + self.scale * self.block(X)


check_residual(Residual)


# %% check-list-like
def check_list_sequential(ListSequential):
    derived = issubclass(ListSequential, MySequential)
    assert derived, "derive it from MySequential"
    square, relu = nn.Linear(20, 20), nn.ReLU()
    parts = [square, relu, square, nn.Linear(20, 4)]
    theirs = nn.Sequential(*parts)
    mine = ListSequential(*parts)
    assert len(mine) == 4, f"length {len(mine)}, not 4"
    assert list(mine) == parts, "iteration"
    assert mine[2] is mine[0] is square, "mine[2]"
    assert mine[-1] is parts[-1], "mine[-1]"
    cases = ((0, 2), (1, None), (-3, 3), (None, 4, 2))
    for ends in cases:
        cut = slice(*ends)
        part = mine[cut]
        assert type(part) is ListSequential, type(part)
        assert list(part) == parts[cut], f"{cut}: {part}"
        assert torch.equal(part(X), theirs[cut](X)), cut
    for index in (4, -5):
        error = None
        try:
            mine[index]
        except LookupError as raised:
            error = type(raised)
        told = f"mine[{index}]: {error}, not IndexError"
        assert error is IndexError, told
    print("checked:", len(mine), "parts")


# %% list-like
class ListSequential(MySequential):
    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __getitem__(self, index):
        chosen = list(self)[index]
        if isinstance(index, slice):
            return type(self)(*chosen)
        return chosen


parts = [nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 4)]
theirs = nn.Sequential(*parts)
mine = ListSequential(*parts)
print("names in mine[1:]:  ", list(mine[1:]._modules))
print("names in theirs[1:]:", list(theirs[1:]._modules))
check_list_sequential(ListSequential)


# %% check-skeleton
def check_repeat(repeat):
    def unit():
        return Residual(repeat(3, lambda: block(16, 16)))

    torch.manual_seed(0)
    groups = [repeat(n, unit) for n in (3, 8, 36, 3)]
    entrance, out = nn.Linear(20, 16), nn.Linear(16, 10)
    skeleton = nn.Sequential(entrance, *groups, out)

    kinds = [type(part) for part in skeleton.modules()]
    layers = kinds.count(nn.Linear)
    assert layers == 152, f"{layers} layers, not 152"
    count = len(list(skeleton.parameters()))
    assert count == 2 * 152 + 50, f"{count} parameters"
    same = torch.equal(skeleton(X), out(entrance(X)))
    assert same, "in a new skeleton, only two layers count"
    one, two = repeat(2, lambda: nn.Linear(1, 1))
    assert not one.weight.equal(two.weight), "make: once"
    print("checked:", layers, "layers")


# %% skeleton
def repeat(n, make):
    return nn.Sequential(*(make() for _ in range(n)))


check_repeat(repeat)


# %% check-audit
def check_audit(audit):
    kinds = {"plain": "plain", "buffer": "buffer"}
    kinds["frozen"] = "parameter"

    def compare(found, kinds):  # what differs | 不同之处
        assert found == kinds, found.items() ^ kinds.items()

    compare(audit(ThreeWays()), kinds)

    shifted, fixed = Shifted(), FixedHiddenMLP()
    weight = fixed.rand_weight
    fixed.register_buffer(
        "rand_weight",
        weight,
        persistent=False,
    )
    net = nn.Sequential(shifted, fixed)
    kinds = {"0.mean": "plain"}
    kinds["1.rand_weight"] = "buffer"
    for name, _ in net.named_parameters():
        kinds[name] = "parameter"
    found = audit(net)
    compare(found, kinds)
    twins = audit(nn.Sequential(Shifted(), Shifted()))
    assert "1.mean" in twins, "equal, but two tensors"

    # more names, no more tensors | 名字多了，张量没多
    fixed.mean, fixed.copy = shifted.mean, weight
    shifted.twin = fixed.linear
    again = audit(net)
    assert "1.copy" not in again, "it is registered"
    once = sorted(kinds.values())
    assert sorted(again.values()) == once, "listed twice"
    print("checked:", len(found), "tensors")


# %% audit
def audit(module):
    kinds, seen = {}, set()

    def note(name, value, kind):
        tensor = isinstance(value, torch.Tensor)
        if tensor and id(value) not in seen:
            seen.add(id(value))
            kinds[name] = kind

    for name, value in module.named_parameters():
        note(name, value, "parameter")
    for name, value in module.named_buffers():
        note(name, value, "buffer")
    for path, part in module.named_modules():
        for name, value in vars(part).items():
            full = f"{path}.{name}".removeprefix(".")
            note(full, value, "plain")
    return kinds


print("of Broken:", audit(Broken()))
check_audit(audit)


# %% check-shapes
def check_shapes(shapes):
    def hooks():  # of modules, and global | 各模块的和全局的
        found = []
        owners = (*chimera.modules(), nn.modules.module)
        for owner in owners:
            for name, value in vars(owner).items():
                if name.endswith("_hooks"):
                    found.append(dict(value))
        return found

    own = chimera[1].register_forward_hook(lambda *_: None)
    before = hooks()
    rows = shapes(chimera, X)
    assert len(rows) == 12, f"{len(rows)} rows, not 12"
    assert rows[-1] == ("", ()), rows[-1]
    names = [name for name, _ in rows]
    assert names.count("2.linear") == 2, names

    try:
        shapes(chimera, torch.ones(2, 4))
    except RuntimeError:
        pass
    else:
        raise AssertionError("the error was swallowed")
    after = hooks()
    own.remove()
    assert after == before, "a hook is left, or one is gone"
    print("checked:", len(rows), "rows, no hook is left")


# %% shapes
def shapes(module, *inputs):
    rows, hooks = [], []

    def watch(name, part):
        def note(part, args, output):
            rows.append((name, tuple(output.shape)))

        hooks.append(part.register_forward_hook(note))

    try:
        for name, part in module.named_modules():
            watch(name, part)
        module(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return rows


for name, shape in shapes(chimera, X):
    print(f"{name:9} {shape}")
check_shapes(shapes)
