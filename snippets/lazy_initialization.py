# %% by-hand raises="RuntimeError"
import torch
from torch import nn

net = nn.Sequential(
    nn.Conv2d(1, 6, kernel_size=5),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(6, 16, kernel_size=5),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 5 * 5, 10),
)
images = torch.ones(2, 1, 28, 28)
net(images)


# %% lazy-conv
def conv_net():
    return nn.Sequential(
        nn.LazyConv2d(6, kernel_size=5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.LazyConv2d(16, kernel_size=5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.LazyLinear(10),
    )


for shape in [(1, 28, 28), (3, 32, 32)]:
    net = conv_net()
    net(torch.ones(2, *shape))
    print("image:", shape)
    print("  in_channels:", net[0].in_channels)
    print("  in_features:", net[-1].in_features)


# %% before raises="RuntimeError, ValueError"
def lazy_net():
    return nn.Sequential(
        nn.LazyLinear(256),
        nn.ReLU(),
        nn.LazyLinear(10),
    )


net = lazy_net()
print(net)
print([name for name, p in net.named_parameters()])
print(net[0].weight)
print(net[0].weight.shape)
print(sum(p.numel() for p in net.parameters()))

# %% what-fails fold="output" raises="ValueError, ValueError, RuntimeError, ValueError, TypeError"
X = torch.ones(2, 20)
weight = net[0].weight
print("dtype:", weight.dtype)
weight.sum()
net[0].forward(X)
net.share_memory()
net.requires_grad_(False)
print("size:", weight.size())
nn.LazyLinear()

# %% lazy-data
marked = lazy_net()
print("elements:", marked[0].weight.data.numel())
marked[0].weight.data.fill_(1)  # no error | 不报错
marked(X)
print("all ones:", bool((marked[0].weight == 1).all()))

# %% before-after fold="code"
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch


# Class, and shape or ? of each parameter | 类名、参数的形状或 ?
def look(net):
    boxes = []
    for layer in net:
        lines = [type(layer).__name__]
        for name, p in layer.named_parameters():
            lazy = isinstance(p, nn.UninitializedParameter)
            shape = "?" if lazy else tuple(p.shape)
            lines.append(f"{name} {shape}")
        boxes.append("\n".join(lines))
    return boxes


def draw_box(ax, x, top, height, **style):
    round_box = "round,pad=0,rounding_size=0.09"
    shape = (x, top), 2.2, height, round_box
    ax.add_patch(FancyBboxPatch(*shape, **style))


def draw_column(ax, x, title, boxes):
    style = {"ha": "center", "va": "center", "size": 13}
    style["color"] = "black"
    code = {**style, "family": "monospace"}
    ax.text(x + 1.1, 0.15, title, **code)
    top = 0.4
    for text in boxes:
        height = 0.15 + 0.25 * len(text.splitlines())
        if text.count("\n"):
            tint = "C1" if "?" in text else "C0"
            fill = {"fc": tint, "ec": "none", "alpha": 0.25}
            draw_box(ax, x, top, height, **fill)
        line = "--" if "?" in text else "-"
        edge = {"fc": "none", "ec": "black", "ls": line}
        draw_box(ax, x, top, height, **edge)
        middle = x + 1.1, top + height / 2
        ax.text(*middle, text, linespacing=1.3, **style)
        top += height + 0.15
    return top


drawn_net = lazy_net()
lazy_boxes = look(drawn_net)
drawn_net(X)
plain_boxes = look(drawn_net)

figure = plt.figure()
ax = figure.add_axes((0, 0, 1, 1))
draw_column(ax, 0.05, "lazy_net()", lazy_boxes)
bottom = draw_column(ax, 2.75, "net(X)", plain_boxes)
arrow = {"arrowstyle": "->", "color": "black"}
ax.annotate("", (2.7, 0.15), (2.3, 0.15), arrowprops=arrow)
figure.set_size_inches(5, bottom)
ax.set(xlim=(0, 5), ylim=(bottom, 0))
ax.axis("off")

# %% dry-run fold="output"
X = torch.ones(2, 20)
weight = net[0].weight  # before the call | 调用之前取出
net(X)
print("same object:", weight is net[0].weight)
print("its class:", type(weight).__name__)
print(net)
print(sum(p.numel() for p in net.parameters()))

# %% second-width fold="output" raises="RuntimeError"
print(tuple(net(torch.ones(7, 20)).shape))
print(tuple(net(torch.ones(2, 21)).shape))

# %% forgotten-flatten
unflat = conv_net()
del unflat[-2]  # the Flatten | Flatten 层
out = unflat(images)
print("in_features:", unflat[-1].in_features)
print(tuple(out.shape))


# %% init-by-type fold="output"
@torch.no_grad()
def init_by_type(m):
    if type(m) is nn.Linear:
        m.weight.fill_(1)


early = lazy_net()
early.apply(init_by_type)
early(X)  # the dry run | 试运行
print("all ones:", bool((early[0].weight == 1).all()))


# %% init-by-isinstance raises="ValueError"
@torch.no_grad()
def init_constant(m):
    if isinstance(m, nn.Linear):
        m.weight.fill_(1)


late = lazy_net()
late.apply(init_constant)  # too early | 太早

late(X)
late.apply(init_constant)
print("all ones:", bool((late[0].weight == 1).all()))


# %% dry-run-traces fold="output" raises="ValueError"
def with_norm():
    return nn.Sequential(
        nn.LazyLinear(256),
        nn.LazyBatchNorm1d(),
        nn.ReLU(),
        nn.LazyLinear(10),
    )


training = with_norm()
training(X)
norm = training[1]
print("batches:", norm.num_batches_tracked.item())
print("mean moved:", bool(norm.running_mean.any()))

with_norm()(torch.ones(1, 20))  # a single row | 只有一行


# %% in-order
def init_normal(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, mean=0, std=0.01)
        nn.init.zeros_(m.bias)


torch.manual_seed(0)
# 1. Device and dtype | 1. 设备与数据类型
net = with_norm().to(torch.float64)
# 2. Dry run | 2. 试运行
net.eval()
with torch.no_grad():
    net(torch.ones(1, 20, dtype=torch.float64))
net.train()
# 3. Your initialiser | 3. 自己的初始化函数
net.apply(init_normal)
# 4. Optimiser | 4. 优化器
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

print(tuple(net[0].weight.shape), net[0].weight.dtype)
print("batches:", net[1].num_batches_tracked.item())
print(sum(p.numel() for p in net.parameters()))


# %% same-draws fold="output"
def eager_net():
    return nn.Sequential(
        nn.Linear(20, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def mixed_net():
    return nn.Sequential(
        nn.LazyLinear(256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def drawn(build, batch=torch.ones):
    torch.manual_seed(0)
    model = build()
    model(batch(2, 20))
    weights = [p.flatten() for p in model.parameters()]
    return torch.cat(weights)


eager = drawn(eager_net)
print("all lazy:", torch.equal(eager, drawn(lazy_net)))
print("mixed:", torch.equal(eager, drawn(mixed_net)))
random = drawn(lazy_net, torch.rand)
print("random batch:", torch.equal(eager, random))

# %% optimizer-first fold="output"
torch.manual_seed(0)
net = lazy_net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
net(X).sum().backward()
before = net[0].weight.detach().clone()
optimizer.step()
moved = not torch.equal(before, net[0].weight)
print("weight moved:", moved)

first = optimizer.param_groups[0]["params"][0]
print("same object:", first is net[0].weight)
try:
    torch.optim.Adagrad(lazy_net().parameters())
except ValueError as error:
    # without the memory address in it | 略去其中的内存地址
    print("Adagrad:", str(error).partition(" in <")[0])


# %% load-materialises fold="output"
def show(layer):
    print(type(layer).__name__, layer.in_features)


fresh = lazy_net()
print(fresh.load_state_dict(net.state_dict()))
print("shape:", tuple(fresh[0].weight.shape))
show(fresh[0])
fresh(X)
show(fresh[0])
print("same output:", torch.equal(fresh(X), net(X)))

# %% load-refused raises="RuntimeError, AssertionError, UnpicklingError"
import io

net.load_state_dict(lazy_net().state_dict())

fresh = lazy_net()
fresh.load_state_dict(net.state_dict())
fresh(torch.ones(2, 21))

file = io.BytesIO()
torch.save(lazy_net().state_dict(), file)
file.seek(0)
torch.load(file)

# %% copies
import copy

original = lazy_net()
twin = copy.deepcopy(original)
original(X)
twin(X)
a, b = original[0].weight, twin[0].weight
print("copied before:", torch.equal(a, b))

b = copy.deepcopy(original)[0].weight
print("copied after:", torch.equal(a, b))
try:
    copy.deepcopy(with_norm())
except ValueError as error:
    print(str(error).partition(" in <")[0])


# %% check-any-size
def check_any_size(any_size_net):
    torch.manual_seed(0)
    net = any_size_net()
    net(torch.ones(2, 1, 28, 28))
    names = list(net.state_dict())
    before = list(net.parameters())
    for size in ((16, 16), (16, 40), (33, 28), (64, 64)):
        shape = net(torch.ones(2, 1, *size)).shape
        assert shape == (2, 10), f"{size}: {tuple(shape)}"
    after = list(net.parameters())
    pairs = zip(before, after, strict=True)
    same = all(p is q for p, q in pairs)
    assert same, "a later call made new parameters"
    kept = names == list(net.state_dict())
    assert kept, "a later call changed the state dict"
    assert len(names) == 6, "two convolutions, one linear"
    convs = [p.shape for p in before if p.dim() == 4]
    wanted = [(6, 1, 5, 5), (16, 6, 5, 5)]
    assert sorted(convs) == wanted, "other convolutions"
    images = torch.ones(2, 1, 64, 64)
    before = net(images)
    images[0, :, -9:, -9:] = 5  # in one corner | 只改一角
    pairs = zip(before, net(images), strict=True)
    moved = [not a.allclose(b) for a, b in pairs]
    assert moved == [True, False], f"rows moved: {moved}"
    print("checked: images of four sizes, two not square")


# %% any-size
def any_size_net():
    return nn.Sequential(
        nn.LazyConv2d(6, kernel_size=5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.LazyConv2d(16, kernel_size=5),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.LazyLinear(10),
    )


check_any_size(any_size_net)
pooled = any_size_net()
pooled(torch.ones(2, 1, 28, 28))
print("in_features:", pooled[-1].in_features)


# %% check-many-widths
def check_many_widths(ManyWidths):
    net = ManyWidths([20, 21])
    names = [name for name, p in net.named_parameters()]
    assert len(names) > 2, f"only {names} are registered"
    rows = torch.ones(2, 21)
    before = net(rows).detach()

    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    out = net(torch.ones(2, 20))
    assert out.shape == (2, 10), tuple(out.shape)
    out.square().sum().backward()
    idle = [p for p in net.parameters() if p.grad is None]
    assert idle, "each width has its own layer"
    optimizer.step()
    moved = not torch.equal(net(rows), before)
    assert moved, "the last layer must be shared"
    later = [name for name, p in net.named_parameters()]
    assert later == names, "a call made new parameters"
    sizes = [p.numel() for p in net.parameters()]
    for width in (20, 21):
        assert width * 256 in sizes, "not 256 outputs"
    three = ManyWidths([3, 5, 7])
    for width in (3, 5, 7):
        out = three(torch.ones(2, width))
        assert out.shape == (2, 10), f"[3, 5, 7]: {width}"
    try:
        net(torch.ones(2, 30))
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        print("checked; width 30 gives", told)
    else:
        raise AssertionError("width 30 was not declared")


# %% many-widths
class ManyWidths(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.first = nn.ModuleDict()
        for width in widths:
            self.first[str(width)] = nn.Linear(width, 256)
        self.last = nn.Linear(256, 10)

    def forward(self, X):
        first = self.first[str(X.shape[-1])]
        return self.last(torch.relu(first(X)))


check_many_widths(ManyWidths)


# %% check-materialise
def check_materialise(materialise):
    inner = with_norm().double()
    inner[1].eval()  # a mode of its own | 单独设了模式
    net = nn.Sequential(inner)
    assert materialise(net, 1, 20) is net, "return net"
    assert inner[0].in_features == 20, "still lazy"
    dtype = inner[0].weight.dtype
    assert dtype == torch.float64, f"another dtype: {dtype}"
    modes = [m.training for m in net.modules()]
    wanted = [True, True, True, False, True, True]
    assert modes == wanted, f"modes changed: {modes}"

    net = materialise(with_norm(), 2, 20)
    counted = net[1].num_batches_tracked.item()
    assert counted == 0, f"batch norm counted {counted}"

    net = nn.Sequential(nn.Linear(20, 4), nn.Dropout())
    net[1].eval()
    before = torch.get_rng_state()
    try:
        materialise(net, 1, 21)  # too wide | 宽度不符
    except RuntimeError:
        modes = [m.training for m in net.modules()]
        assert modes == [True, True, False], "after an error"
    else:
        raise AssertionError("the error must reach the caller")
    same = before.equal(torch.get_rng_state())
    assert same, "zeros draw no random numbers"
    norm = nn.BatchNorm1d(20)
    norm(torch.rand(8, 20))  # statistics to keep | 要保住的统计量
    kept = norm.running_mean.clone()
    net = nn.Sequential(norm, nn.Linear(20, 4), nn.Dropout())
    before = torch.get_rng_state()
    materialise(net, 1, 20)
    same = before.equal(torch.get_rng_state())
    assert same, "the dropout has drawn: evaluation mode?"
    assert kept.equal(norm.running_mean), "statistics moved"
    on_meta = nn.Sequential(nn.LazyLinear(4, device="meta"))
    materialise(on_meta, 1, 20)
    print("checked: width, dtype, modes, statistics")


# %% materialise
def materialise(net, *shape):
    modes = {m: m.training for m in net.modules()}
    # already has a dtype and a device | 已有数据类型和设备
    first = next(net.parameters())
    like = {"dtype": first.dtype, "device": first.device}
    net.eval()
    try:
        with torch.no_grad():
            net(torch.zeros(shape, **like))
    finally:
        for module, training in modes.items():
            module.training = training
    return net


check_materialise(materialise)


# %% check-reached
def check_reached(reached):
    net = lazy_net()
    found = sorted(reached(net, init_by_type))
    assert found == [], f"still lazy: {found}"
    net(X)
    nn.init.zeros_(net[0].bias)
    kept = [p.detach().clone() for p in net.parameters()]
    weights = ["0.weight", "2.weight"]
    found = sorted(reached(net, init_by_type))
    assert found == weights, f"init_by_type: {found}"
    found = sorted(reached(net, init_normal))
    assert len(found) == 4, f"init_normal: {found}"
    pairs = zip(kept, net.parameters(), strict=True)
    same = all(torch.equal(p, q) for p, q in pairs)
    assert same, "net itself has changed"

    def first_row(m):  # writes a part | 只写一部分
        if isinstance(m, nn.Linear):
            nn.init.zeros_(m.weight[0])

    found = sorted(reached(net, first_row))
    assert found == weights, f"first_row: {found}"
    mixed = nn.Sequential(nn.Linear(20, 4), nn.LazyLinear(2))
    old = mixed[0].weight.detach().clone()
    found = list(reached(mixed, init_by_type))
    assert found == ["0.weight"], f"one layer lazy: {found}"
    same = old.equal(mixed[0].weight)
    assert same, "net itself has changed"
    print("checked: 0, 2 and 4 parameters")


# %% reached
def is_lazy(p):
    return isinstance(p, nn.UninitializedParameter)


def reached(net, init):
    # the original stays as it is | 原模型不动
    probe = copy.deepcopy(net)
    with torch.no_grad():
        for p in probe.parameters():
            if not is_lazy(p):
                p.fill_(torch.nan)
    probe.apply(init)
    names = []
    for name, p in probe.named_parameters():
        if not is_lazy(p) and not p.isnan().all():
            names.append(name)
    return names


check_reached(reached)


# %% check-naive-lazy
def build(kind):
    return nn.Sequential(
        kind(256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def check_naive_lazy(NaiveLazyLinear, trials):
    net = build(NaiveLazyLinear)
    out = net(X)
    assert out.shape == (2, 10), "it should work at first"
    assert out.equal(net(X)), "it keeps its weights"
    assert len(set(trials)) >= 3, "three things break"
    for trial in trials:
        name = trial.__name__
        good = trial(nn.LazyLinear)
        told = f"{name}(nn.LazyLinear) gave {good!r}"
        assert good is True, f"{told}, not True"
        bad = trial(NaiveLazyLinear)
        told = f"{name} does not break it: {bad!r}"
        assert bad is False, f"{told}, not False"
    names = [trial.__name__ for trial in trials]
    print("checked:", ", ".join(names))


# %% naive-lazy
from torch.nn import functional as F


class NaiveLazyLinear(nn.Module):
    def __init__(self, out_features):
        super().__init__()
        self.out_features = out_features
        self.weight = self.bias = None

    def forward(self, X):
        if self.weight is None:
            width = X.shape[-1]
            plain = nn.Linear(width, self.out_features)
            self.weight = plain.weight
            self.bias = plain.bias
        return F.linear(X, self.weight, self.bias)


def trains(kind):
    net = build(kind)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(X).sum().backward()
    before = net[0].weight.detach().clone()
    optimizer.step()
    return not torch.equal(net[0].weight, before)


def loads(kind):
    saved = eager_net().state_dict()
    try:
        build(kind).load_state_dict(saved)
    except RuntimeError:  # Unexpected key(s) | 意外的键
        return False
    return True


def casts(kind):
    net = build(kind).to(torch.float64)
    try:
        net(X.to(torch.float64))
    except RuntimeError:  # two dtypes | 类型不一致
        return False
    return True


check_naive_lazy(NaiveLazyLinear, [trains, loads, casts])
