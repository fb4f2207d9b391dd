# %% setup
import copy

import torch
from torch import nn
from torch.nn import functional as F


# Prints a result, or the first sentence of the error | 打印结果，或报错信息的第一句
def attempt(label, action):
    try:
        print(f"{label}: {action()}")
    except (RuntimeError, TypeError, ValueError) as error:
        # cut off memory addresses too | 内存地址也一并略去
        reason = str(error).partition(" in <")[0].partition(". ")[0]
        print(f"{label}: {type(error).__name__}: {reason}")


# %% before
def lazy_net():
    return nn.Sequential(nn.LazyLinear(256), nn.ReLU(), nn.LazyLinear(10))


net = lazy_net()
print(net)
print("weight:", net[0].weight)
print("names:", [name for name, _ in net.named_parameters()])
attempt("LazyLinear()", lambda: nn.LazyLinear())

# %% no-shape-yet raises="RuntimeError"
print(net[0].weight.shape)

# %% what-fails fold="output"
weight = net[0].weight
attempt("numel", lambda: weight.numel())
attempt("init", lambda: nn.init.normal_(weight))
attempt("sum", lambda: weight.sum())
attempt("share_memory", lambda: net.share_memory())
attempt("forward", lambda: net[0].forward(torch.ones(2, 20)))
attempt("dtype", lambda: weight.dtype)
attempt("size", lambda: weight.size())

# %% dry-run fold="output"
X = torch.ones(2, 20)
weight = net[0].weight  # taken before the first call | 第一次调用之前取出
print("output:", tuple(net(X).shape))
print(net)
print("still lazy:", isinstance(net[0], nn.LazyLinear))
print("same object:", weight is net[0].weight)
print("its class:", type(weight).__name__)
print("parameters:", sum(p.numel() for p in net.parameters()))

# %% second-width raises="RuntimeError"
net(torch.ones(2, 21))

# %% before-after fold="code"
import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch


# Class, and shape or ? of each parameter | 类名，以及各参数的形状或 ?
def look(net):
    boxes = []
    for layer in net:
        lines = [type(layer).__name__]
        for name, p in layer.named_parameters():
            lazy = isinstance(p, nn.UninitializedParameter)
            lines.append(f"{name} {'?' if lazy else tuple(p.shape)}")
        boxes.append("\n".join(lines))
    return boxes


def draw_column(ax, x, title, boxes):
    style = {"ha": "center", "va": "center", "size": 13, "color": "black"}
    ax.text(x + 1.1, 0.15, title, family="monospace", **style)
    top = 0.4
    for text in boxes:
        height = 0.15 + 0.25 * len(text.splitlines())
        shape = ((x, top), 2.2, height, "round,pad=0,rounding_size=0.09")
        if text.count("\n"):
            tint = "C1" if "?" in text else "C0"
            fill = {"fc": tint, "ec": "none", "alpha": 0.25}
            ax.add_patch(FancyBboxPatch(*shape, **fill))
        line = "--" if "?" in text else "-"
        ax.add_patch(FancyBboxPatch(*shape, fc="none", ec="black", ls=line))
        ax.text(x + 1.1, top + height / 2, text, linespacing=1.3, **style)
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


# %% init-by-type fold="output"
def init_by_type(m):
    if type(m) is nn.Linear:
        nn.init.constant_(m.weight, 1)


early = lazy_net()
early.apply(init_by_type)  # before the dry run | 试运行之前
early(X)
print("all ones:", bool((early[0].weight == 1).all()))
early.apply(init_by_type)  # after the dry run | 试运行之后
print("all ones:", bool((early[0].weight == 1).all()))


# %% init-by-isinstance
def init_constant(m):
    if isinstance(m, nn.Linear):
        nn.init.constant_(m.weight, 1)


late = lazy_net()
attempt("before", lambda: late.apply(init_constant))
late(X)
late.apply(init_constant)
print("all ones:", bool((late[0].weight == 1).all()))


# %% same-draws fold="output"
def eager_net():
    return nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 10))


def mixed_net():
    return nn.Sequential(nn.LazyLinear(256), nn.ReLU(), nn.Linear(256, 10))


def drawn(build, batch=torch.ones):
    torch.manual_seed(0)
    model = build()
    model(batch(2, 20))
    return torch.cat([p.flatten() for p in model.parameters()])


eager = drawn(eager_net)
print("all lazy:", torch.equal(eager, drawn(lazy_net)))
print("mixed:", torch.equal(eager, drawn(mixed_net)))
print("random batch:", torch.equal(eager, drawn(lazy_net, torch.rand)))

# %% optimizer-first fold="output"
torch.manual_seed(0)
net = lazy_net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
net(X).sum().backward()
before = net[0].weight.detach().clone()
optimizer.step()

first = optimizer.param_groups[0]["params"][0]
print("same object:", first is net[0].weight)
print("weight moved:", not torch.equal(before, net[0].weight))
attempt("Adagrad", lambda: torch.optim.Adagrad(lazy_net().parameters()))

# %% load-materialises fold="output"
fresh = lazy_net()
print(fresh.load_state_dict(net.state_dict()))
print("shape:", tuple(fresh[0].weight.shape))
print("class:", type(fresh[0]).__name__, fresh[0].in_features)
fresh(X)
print("class:", type(fresh[0]).__name__, fresh[0].in_features)
print("same output:", torch.equal(fresh(X), net(X)))
attempt("reverse", lambda: net.load_state_dict(lazy_net().state_dict()))


# %% dry-run-traces fold="output"
def with_norm():
    return nn.Sequential(
        nn.LazyLinear(256),
        nn.LazyBatchNorm1d(),
        nn.ReLU(),
        nn.LazyLinear(10),
    )


training, evaluating = with_norm(), with_norm().eval()
for net in (training, evaluating):
    net(X)
    print("batches counted:", net[1].num_batches_tracked.item())
attempt("one row in training", lambda: with_norm()(torch.ones(1, 20)))


# %% in-order
def init_normal(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, mean=0, std=0.01)
        nn.init.zeros_(m.bias)


torch.manual_seed(0)
net = with_norm().to(torch.float64)  # 1. device and dtype | 1. 设备与数据类型
net.eval()
with torch.no_grad():
    net(torch.ones(1, 20, dtype=torch.float64))  # 2. dry run | 2. 试运行
net.train()
net.apply(init_normal)  # 3. initialise | 3. 初始化
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)  # 4. optimiser | 4. 优化器

print("weight:", tuple(net[0].weight.shape), net[0].weight.dtype)
print("batches counted:", net[1].num_batches_tracked.item())
print("parameters:", sum(p.numel() for p in net.parameters()))


# %% materialise
def materialise(net, *shape):
    modes = {module: module.training for module in net.modules()}
    first = next(net.parameters())  # has a dtype and a device | 已有数据类型和设备
    net.eval()
    try:
        with torch.no_grad():
            net(torch.zeros(shape, dtype=first.dtype, device=first.device))
    finally:
        for module, training in modes.items():
            module.training = training
    return net


net = with_norm().double()
net[1].eval()  # a mode of its own | 这一层单独设了模式
materialise(net, 1, 20)
assert net[0].in_features == 20
assert net[0].weight.dtype == torch.float64
assert [m.training for m in net] == [True, False, True, True]
assert net.training
assert net[1].num_batches_tracked == 0
print("checked: width 20, modes and statistics as before")


# %% reached
def is_lazy(p):
    return isinstance(p, nn.UninitializedParameter)


def reached(net, init):
    probe = copy.deepcopy(net)  # the original stays as it is | 原模型不动
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


net = lazy_net()
assert reached(net, init_by_type) == []
net(X)
kept = net[0].weight.detach().clone()
assert reached(net, init_by_type) == ["0.weight", "2.weight"]
assert len(reached(net, init_normal)) == 4
assert torch.equal(net[0].weight, kept)
print("checked: init_by_type reaches 0, then 2 of 4 parameters")


# %% naive-lazy
class NaiveLazyLinear(nn.Module):
    def __init__(self, out_features):
        super().__init__()
        self.out_features = out_features
        self.weight = self.bias = None

    def forward(self, X):
        if self.weight is None:
            plain = nn.Linear(X.shape[-1], self.out_features)
            self.weight, self.bias = plain.weight, plain.bias
        return F.linear(X, self.weight, self.bias)


def build(kind):
    return nn.Sequential(kind(256), nn.ReLU(), nn.Linear(256, 10))


def trains(kind):
    net = build(kind)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(X).sum().backward()
    before = net[0].weight.detach().clone()
    optimizer.step()
    return not torch.equal(net[0].weight, before)


def loads(kind):
    try:
        build(kind).load_state_dict(eager_net().state_dict())
    except RuntimeError:  # Unexpected key(s) | 报错：Unexpected key(s)
        return False
    return True


def casts(kind):
    net = build(kind).to(torch.float64)
    try:
        net(X.to(torch.float64))
    except RuntimeError:  # float32 weights met a float64 batch | 权重仍是 float32
        return False
    return True


for trial in (trains, loads, casts):
    assert trial(nn.LazyLinear)
    assert not trial(NaiveLazyLinear)
assert build(NaiveLazyLinear)(X).shape == (2, 10)
print("checked: trains, loads, casts")
