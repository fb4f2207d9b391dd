# %% equal-outputs
import torch
from torch import nn


def block():
    return nn.Sequential(
        nn.Linear(16, 32),
        nn.ReLU(),
        nn.Linear(32, 16),
        nn.ReLU(),
    )


torch.manual_seed(0)
blocks = nn.Sequential()
for i in range(4):
    blocks.add_module(f"block{i}", block())
deep = nn.Sequential(blocks, nn.Linear(16, 1))

X = torch.rand(2, 16)
print("rows equal:", torch.equal(X[0], X[1]))
for output in deep(X):
    print(f"output: {output.item():.4f}")

# %% by-index fold="output" raises="AttributeError"
print(deep[0][3])  # the last block | 最后一块

for name, tensor in deep[1].state_dict().items():
    print(name, tuple(tensor.shape))

deep[0][3][1].bias

# %% washed-out
torch.manual_seed(0)
hidden = torch.rand(64, 16)  # 64 different rows | 64 行各不相同
print(f"input   {hidden.std(dim=0).mean():.0e}")
for name, part in deep[0].named_children():
    hidden = part(hidden)
    print(f"{name}  {hidden.std(dim=0).mean():.0e}")

# %% named-parameters fold="output"
names = [name for name, param in deep.named_parameters()]
print(len(names), "names:", names[0], "...", *names[-3:])

bias = deep.get_parameter("1.bias")
print("type:", type(bias).__name__)
print("the object itself:", bias is deep[1].bias)

print("new:", bias.grad)
deep(X).sum().backward()
print("after backward:", bias.grad)
deep.zero_grad()
print("after zero_grad:", bias.grad)

# %% slices
net = nn.Sequential(
    nn.Linear(4, 8),
    nn.ReLU(),
    nn.Linear(8, 1),
)
print("net[-1] is net[2]:", net[-1] is net[2])
print("net[:2]:", type(net[:2]).__name__, len(net[:2]))
print("same modules:", net[:2][0] is net[0])

longer = nn.Sequential(nn.Flatten(), *net)
print("keys:  ", *net.state_dict())
print("longer:", *longer.state_dict())

# %% parameter-object raises="TypeError, RuntimeError"
bias = net[2].bias
print(type(bias))
print("a Tensor too:", isinstance(bias, torch.Tensor))
print("requires_grad:", bias.requires_grad)

value = bias.detach()
print("value:", type(value).__name__, value.requires_grad)
print("same memory:", value.data_ptr() == bias.data_ptr())

bias.data()
bias.numpy()

# %% backward-errors raises="RuntimeError, RuntimeError, RuntimeError"
Y = net(torch.rand(2, 4))
print("numbers in Y:", Y.numel())
Y.backward()

value.sum().backward()  # value is detached | value 已脱离计算图

loss = Y.square().mean()
loss.backward()
loss.backward()

# %% step-by-hand raises="TypeError"
used = nn.Parameter(torch.ones(2))
unused = nn.Parameter(torch.ones(2))
used.sum().backward()
with torch.no_grad():
    for p in (used, unused):
        p -= 0.1 * p.grad
print(f"used: {used[0]:.1f}, unused: {unused[0]:.1f}")

# %% star
pairs = net[0].named_parameters()
print("returns a", type(pairs).__name__)

layer = [(name, tuple(p.shape)) for name, p in pairs]
print("one layer:", *layer)  # two arguments | 两个实参
print("first pair:", *layer[0])
print("its own:", list(net.parameters(recurse=False)))

# %% by-name fold="output" raises="KeyError"
entry = net.state_dict()["2.bias"]
snapshot = entry.clone()
nn.init.constant_(net[2].bias, 5)

print("entry:", entry.item())
print("snapshot is 5:", snapshot.item() == 5)
net.state_dict()[0]

# %% parameter-groups
named = net.named_parameters()
rest = [p for name, p in named if not name.startswith("2.")]
groups = [
    {"params": net[2].parameters(), "lr": 0.01},
    {"params": rest},
]
optimizer = torch.optim.SGD(groups, lr=0.1)
for group in optimizer.param_groups:
    shapes = [tuple(p.shape) for p in group["params"]]
    print(group["lr"], shapes)

# %% names-of-blocks raises="KeyError"
odd = nn.Sequential()
odd.add_module("block 1", nn.Linear(4, 8))
print("keys:", list(odd.state_dict()))
print("by name:", getattr(odd, "block 1") is odd[0])

odd.add_module("block.2", nn.Linear(8, 4))


# %% init-normal
def init_normal(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, mean=0, std=0.01)
        if m.bias is not None:
            nn.init.zeros_(m.bias)


def init_kaiming(m):
    if isinstance(m, nn.Linear):
        nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
        if m.bias is not None:
            nn.init.zeros_(m.bias)


for init in (init_normal, init_kaiming):
    torch.manual_seed(0)
    deep.apply(init)
    first, second = deep(X).flatten().tolist()
    print(f"{init.__name__:13}{first:.4f} {second:.4f}")

# %% depth-plot fold="code"
import matplotlib.pyplot as plt


# Spread of 256 outputs after each layer | 每层之后 256 个输出的差异
@torch.no_grad()
def spreads(init, depth=20, width=64, seed=0):
    torch.manual_seed(seed)
    hidden = torch.randn(256, width).double()
    result = []
    for _ in range(depth):
        layer = nn.Linear(width, width).double()
        hidden = layer.apply(init)(hidden).relu()
        result.append(hidden.std(dim=0).mean().item())
    return result


# The median of 21 networks | 21 个网络的中位数
def medians(init):
    runs = [spreads(init, seed=seed) for seed in range(21)]
    return [sorted(layer)[10] for layer in zip(*runs, strict=True)]


curves = {
    "kaiming": medians(init_kaiming),
    "default": medians(lambda m: None),
    "normal 0.01": medians(init_normal),
}

fig, ax = plt.subplots(figsize=(4.4, 3.4), layout="tight")
ax.set(xlim=(0, 21), ylim=(1e-10, 10))
places = [(14.5, 2), (14.5, 1e-5), (8, 1e-9)]
colors = ["C2", "C1", "C0"]
styles = zip(curves.items(), places, colors, strict=True)
for (name, curve), place, color in styles:
    ax.semilogy(range(1, 21), curve, ".-", color=color)
    ax.text(*place, name, size=14, va="center")

powers = [0, -2, -4, -6, -8, -10]
labels = [f"1e{power}" for power in powers]
ax.set_yticks([10.0**power for power in powers], labels)
ax.set_xticks([1, 5, 10, 15, 20])
ax.tick_params(labelsize=13)
ax.minorticks_off()
ax.set_xlabel("depth", size=14)
ax.set_ylabel("std", size=14)
ax.spines[["top", "right"]].set_visible(False)


# %% symmetry fold="output"
def init_constant(m):
    if isinstance(m, nn.Linear):
        nn.init.constant_(m.weight, 1)
        if m.bias is not None:
            nn.init.zeros_(m.bias)


def train(net, steps=50):
    torch.manual_seed(0)
    X = torch.randn(16, 4)
    Y = X.abs().sum(dim=1, keepdim=True)
    for _ in range(steps):
        net.zero_grad()
        loss = (net(X) - Y).square().mean()
        loss.backward()
        with torch.no_grad():
            for param in net.parameters():
                param -= 0.03 * param.grad
    units = net[0].weight.unique(dim=0)
    print(f"units: {len(units)}, loss: {loss:.2f}")


train(net.apply(init_constant))  # all weights 1 | 权重全为 1
drawn = nn.Sequential(
    nn.Linear(4, 8),
    nn.ReLU(),
    nn.Linear(8, 1),
)
train(drawn)  # default weights | 默认权重

# %% edit-in-place fold="output" raises="RuntimeError, RuntimeError"
layer = nn.Linear(2, 1).apply(init_constant)
x = torch.ones(1, 2, requires_grad=True)

layer.weight += 1  # refused | 会被拒绝

y = layer(x)
layer.weight.data.fill_(100)
y.backward()
print("through .data:", x.grad.tolist())

y = layer(x)
with torch.no_grad():
    layer.weight.fill_(1)
y.backward()

# %% keep-positive
from torch.nn.utils import parametrize


class Positive(nn.Module):
    def forward(self, raw):
        return nn.functional.softplus(raw)


torch.manual_seed(0)
positive = nn.Linear(2, 1)
part = Positive()
parametrize.register_parametrization(positive, "weight", part)
print("keys:", *positive.state_dict())

sgd = torch.optim.SGD(positive.parameters(), lr=1)
for _ in range(20):  # push the weight down | 把权重往下压
    sgd.zero_grad()
    positive(torch.ones(1, 2)).sum().backward()
    sgd.step()
print(f"largest weight: {positive.weight.max():.3f}")

nn.init.ones_(positive.weight)
print(f"after ones_:    {positive.weight.max():.3f}")


# %% clamp-in-forward
class Clamping(nn.Linear):
    def forward(self, X):
        self.weight.data.clamp_(min=0)  # not like this | 不要这样
        return super().forward(X)


clamping = Clamping(2, 1)
nn.init.constant_(clamping.weight, 0.5)
sgd = torch.optim.SGD(clamping.parameters(), lr=1)
clamping(torch.ones(1, 2)).sum().backward()
sgd.step()
print("after the step:", clamping.weight.tolist())

with torch.no_grad():
    clamping.eval()(torch.ones(1, 2))
print("after an evaluation:", clamping.weight.tolist())

# %% defaults fold="output"
torch.manual_seed(0)
sizes = [(4, 4096), (64, 64), (64, 4096), (1024, 64)]
for inputs, outputs in sizes:
    weight = nn.Linear(inputs, outputs).weight
    largest = weight.abs().max().item()
    ratio = largest * inputs**0.5
    name = f"Linear({inputs}, {outputs})"
    print(f"{name:17} {largest:.3f} {ratio:.2f}")

embedding = nn.Embedding(1000, 100)
print(f"Embedding: std = {embedding.weight.std():.2f}")
norm = nn.LayerNorm(3)
print("LayerNorm:", norm.weight.tolist())
print("PReLU:", nn.PReLU().weight.item())

# %% apply-order fold="output"
mixed = nn.Sequential(
    nn.Linear(4, 8),
    nn.MultiheadAttention(8, 2),
    nn.LazyLinear(1),
)


def visit(m):
    exact = type(m) is nn.Linear
    wide = isinstance(m, nn.Linear)
    print(f"{type(m).__name__:32}{exact!s:6}{wide}")


print(f"{'':32}{'is':6}isinstance")
print("returns itself:", mixed.apply(visit) is mixed)

# %% spread-by-depth fold="output"
curves["constant 1"] = spreads(init_constant)
for name, curve in curves.items():
    print(f"{name:12}{curve[0]:8.0e} ...{curve[-1]:8.0e}")


# %% sigma-and-depth
def init_sigma(sigma):
    def init(m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=sigma)
            nn.init.zeros_(m.bias)

    return init


print("sigma | depth | spread")
for sigma in (0.01, 0.05, 0.1, 0.18, 0.25, 0.5):
    curve = spreads(init_sigma(sigma))
    for depth in (1, 2, 4, 6, 8, 10, 15, 20):
        print(sigma, depth, f"{curve[depth - 1]:.1e}", sep=" | ")


# %% init-per-layer fold="output"
def init_xavier(m):
    if isinstance(m, nn.Linear):
        nn.init.xavier_uniform_(m.weight)


def init_42(m):
    if isinstance(m, nn.Linear):
        nn.init.constant_(m.weight, 42)


torch.manual_seed(0)
nn.init.constant_(net[2].bias, 5)
net[0].apply(init_xavier)
net[2].apply(init_42)
print(f"net[0]: max |w| = {net[0].weight.abs().max():.2f}")
print("net[2]:", net[2].weight.tolist())
print("bias:", net[2].bias.item())

# %% init-errors raises="AttributeError, ValueError"
unbiased = nn.Linear(4, 8, bias=False)
print("bias:", unbiased.bias)
nn.init.zeros_(unbiased.bias)
nn.init.xavier_uniform_(net[0].bias)


# %% my-init
def my_init(m):
    if isinstance(m, nn.Linear):
        nn.init.uniform_(m.weight, -10, 10)
        with torch.no_grad():
            m.weight.masked_fill_(m.weight.abs() < 5, 0)
        if m.bias is not None:
            nn.init.zeros_(m.bias)


torch.manual_seed(0)
net.apply(my_init)
print(net[0].weight[:2].detach())

# %% law-histogram fold="code"
import matplotlib.pyplot as plt

torch.manual_seed(0)
# 100,000 weights | 10 万个权重
large = nn.Linear(400, 250).apply(my_init)
w = large.weight.detach().flatten()

fig, ax = plt.subplots(figsize=(4.2, 3), layout="tight")
counts = torch.histc(w[w != 0], bins=20, min=-10, max=10)
ax.bar(torch.arange(-9.5, 10), counts / len(w), width=1)
ax.bar(0, (w == 0).float().mean(), width=1, color="C1")

style = {"ha": "center", "color": "black", "size": 14}
parts = [(-7.5, w <= -5), (0, w == 0), (7.5, w >= 5)]
for x, part in parts:
    share = f"{part.float().mean():.3f}"
    ax.text(x, 0.52 if x == 0 else 0.07, share, **style)
    print(f"around {x}: {share}")
ax.set(xticks=range(-10, 11, 5), yticks=[0, 0.25, 0.5])
ax.set(ylim=(0, 0.6))
ax.tick_params(labelsize=13)
ax.set_xlabel("w", size=14)
ax.spines[["top", "right"]].set_visible(False)

# %% negative-zero
torch.manual_seed(0)
drawn = torch.empty(4).uniform_(-10, 10)
print("drawn: ", drawn)
print("times: ", drawn * (drawn.abs() >= 5))
print("where: ", torch.where(drawn.abs() >= 5, drawn, 0))
print("filled:", drawn.masked_fill(drawn.abs() < 5, 0))

# %% shared fold="output"
torch.manual_seed(0)
shared = nn.Linear(8, 8)
net = nn.Sequential(
    nn.Linear(4, 8),
    nn.ReLU(),
    shared,  # position 2 | 位置 2
    nn.ReLU(),
    shared,  # position 4 | 位置 4
    nn.ReLU(),
    nn.Linear(8, 1),
)

with torch.no_grad():
    net[2].weight[0, 0] = 100
print("seen in net[4]:", net[4].weight[0, 0].item())
print("net[2] is net[4]:", net[2] is net[4])
print("parameters:", len(list(net.parameters())))
print("keys:", *net.state_dict())

# %% tie-picture fold="code"
import matplotlib.pyplot as plt

fig = plt.figure(figsize=(4.8, 3.9))
ax = fig.add_axes((0, 0, 1, 1))
ax.set(xlim=(0, 4.8), ylim=(6.45, -0.8))
ax.axis("off")


def box(left, right, y, label, color):
    corner, width = (left, y - 0.3), right - left
    style = {"fc": "none", "ec": color, "lw": 1.5}
    ax.add_patch(plt.Rectangle(corner, width, 0.6, **style))
    style = {"ha": "center", "va": "center", "size": 14}
    middle = (left + right) / 2
    ax.text(middle, y, label, color="black", **style)


# Right: each parameter once | 右边：每个参数一个框
rows = {}
for row, (name, param) in enumerate(net.named_parameters()):
    rows[param] = row + 0.5
    tied = any(param is p for p in shared.parameters())
    label = f"{name} {tuple(param.shape)}"
    color = "C1" if tied else "black"
    box(2.7, 4.75, rows[param], label, color)

# Left: every position; a line per use | 左边：每个位置；每用一次画一条线
for i, module in enumerate(net):
    color = "C1" if module is shared else "black"
    label = f"{i}: {type(module).__name__}"
    box(0.05, 1.5, i, label, color)
    for param in module.parameters():
        ax.plot([1.5, 2.7], [i, rows[param]], color=color)

style = {"ha": "center", "size": 14, "color": "black"}
ax.text(0.775, -0.45, "net", **style)
ax.text(3.725, -0.45, "net.parameters()", **style)

# %% tie-or-copy raises="TypeError, NotImplementedError"
import copy

other = nn.Sequential(shared, nn.Tanh())
print("seen in other:", other[0].weight[0, 0].item())

twin = copy.deepcopy(shared)
print("twin equal:", twin.weight.equal(shared.weight))
print("twin same:", twin.weight is shared.weight)

borrower = nn.Linear(8, 8)
borrower.weight = shared.weight
print("borrowed weight:", borrower.weight is shared.weight)
print("borrowed bias:", borrower.bias is shared.bias)
borrower.weight = shared.weight.T

pair = nn.Sequential(shared, borrower)
moved = copy.deepcopy(pair).to("meta")
print("still tied:", moved[0].weight is moved[1].weight)
moved = copy.deepcopy(net).to("meta")
print("still one:", moved[2] is moved[4])
moved[2].weight.tolist()

# %% tie-by-data
one, two = nn.Linear(2, 2), nn.Linear(2, 2)
two.weight.data = one.weight.data

same = one.weight.data_ptr() == two.weight.data_ptr()
print("same memory:", same)
both = nn.Sequential(one, two)
print("parameters:", len(list(both.parameters())))

both.double()  # another dtype | 换一种数据类型
same = one.weight.data_ptr() == two.weight.data_ptr()
print("now:", same)

# %% tie-by-wrapping
one, two = nn.Linear(2, 3), nn.Linear(3, 2)
two.weight = nn.Parameter(one.weight.T)

same = one.weight.data_ptr() == two.weight.data_ptr()
print("same memory:", same)
twin = copy.deepcopy(nn.Sequential(one, two))
same = twin[0].weight.data_ptr() == twin[1].weight.data_ptr()
print("in a copy:", same)

# %% tie-count
import io

print("modules:", len(net))
print("numbers:", sum(p.numel() for p in net.parameters()))
print("named:", *dict(net.named_modules()))

file = io.BytesIO()
torch.save(net.state_dict(), file)
file.seek(0)
loaded = torch.load(file)
a, b = loaded["2.weight"], loaded["4.weight"]
print("one storage again:", a.data_ptr() == b.data_ptr())

# %% tie-gradient
untied = copy.deepcopy(net)
untied[4] = copy.deepcopy(untied[2])

torch.manual_seed(0)
X = torch.rand(16, 4)
net(X).sum().backward()
untied(X).sum().backward()

first, second = untied[2].weight.grad, untied[4].weight.grad
print("norms:", f"{first.norm():.0f} {second.norm():.0f}")
summed = torch.allclose(shared.weight.grad, first + second)
print("sum of both:", summed)

# %% tie-or-not
print("tied | uses | parameters | keys | gradient")
for tied in ("yes", "no"):
    for uses in (1, 2, 3, 4, 5):
        torch.manual_seed(0)
        first = nn.Linear(4, 4)
        parts = [first]
        for _ in range(uses - 1):
            same = tied == "yes"
            parts.append(first if same else copy.deepcopy(first))
        chain = nn.Sequential(*parts)
        chain(X).sum().backward()
        counts = len([*chain.parameters()]), len(chain.state_dict())
        norm = f"{first.weight.grad.norm():.1f}"
        print(tied, uses, *counts, norm, sep=" | ")

# %% one-write fold="output"
writes, order = [], []
hook = shared.weight.register_post_accumulate_grad_hook(
    writes.append,
)

net.zero_grad()
hidden = X
for i, module in enumerate(net):
    hidden = module(hidden)
    hidden.register_hook(lambda grad, i=i: order.append(i))
hidden.sum().backward()
print("backward visits:", *order)
print("writes to .grad:", len(writes))
hook.remove()

once = shared.weight.grad.clone()
net(X).sum().backward()  # no zero_grad in between | 中间没有清零
twice = shared.weight.grad
print("then doubled:", torch.allclose(twice, 2 * once))


# %% check-report
def check_report(report):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(4, 8),
        nn.ReLU(),
        nn.Linear(8, 3),
        nn.Linear(3, 1),
    )
    kinds = set(report(model).values())
    assert kinds == {"none"}, "no backward yet"

    nn.init.constant_(model[0].bias, -10)
    inputs = torch.rand(16, 4)
    out = model[:3](inputs)  # without model[3] | 不含 model[3]
    (out[:, 0] - out[:, 1]).sum().backward()
    kinds = report(model)
    for name, kind in kinds.items():
        print(name, kind)
    ok = [name for name in kinds if kinds[name] == "ok"]
    assert ok == ["2.bias"], f"ok is 2.bias, not {ok}"
    zero = list(kinds.values()).count("zero")
    assert zero == 3, f"3 gradients are zeros, not {zero}"
    model[2].bias.grad.mul_(1e-12)
    assert report(model) == kinds, "a small gradient is not 0"
    print("checked: none, zero and ok are told apart")


# %% gradient-report
def report(model):
    kinds = {}
    for name, param in model.named_parameters():
        if param.grad is None:
            kinds[name] = "none"
        elif param.grad.any():
            kinds[name] = "ok"
        else:
            kinds[name] = "zero"
    return kinds


check_report(report)


# %% check-scaled
def check_scaled(init_scaled):
    for width in (64, 128):
        last = spreads(init_scaled, width=width)[-1]
        print(f"width {width}, layer 20: {last:.1e}")
        assert 0.05 < last < 1, "lost, or grown too large"
    layer = nn.Linear(50, 200)
    init_scaled(layer)
    assert abs(layer.weight.std() - 0.2) < 0.02, "fan-in is 50"
    assert not layer.bias.any(), "the bias is not 0"

    class Special(nn.Linear):  # a subclass | 子类
        pass

    layer = Special(50, 200, bias=False)
    init_scaled(layer)
    assert layer.weight.std() > 0.1, "subclass skipped"
    print("checked: 20 layers, two widths")


# %% scale-for-depth
def init_scaled(m):
    if isinstance(m, nn.Linear):
        std = (2 / m.in_features) ** 0.5
        nn.init.normal_(m.weight, std=std)
        if m.bias is not None:
            nn.init.zeros_(m.bias)


check_scaled(init_scaled)

# %% check-table
import contextlib


def check_table(table):
    def run(model):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            total = table(model)
        return total, text.getvalue().splitlines()

    layer, relu = nn.Linear(8, 8), nn.ReLU()
    ends = nn.Linear(4, 8), nn.Linear(8, 1)
    tied = nn.Sequential(ends[0], relu, layer, relu, layer, ends[1])
    total, lines = run(tied)
    print(*lines, sep="\n")
    both = [line for line in lines if "2.weight" in line]
    assert len(lines) == 6, f"6 objects, {len(lines)} lines"
    assert len(both) == 1, "one line for 2.weight"
    assert "4.weight" in both[0], "the same object"
    assert both[0].count("8") >= 2, "its shape is 8, 8"
    assert "64" in both[0], "it has 64 numbers"
    assert total == 121, f"121 numbers, not {total}"

    pair = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    pair[1].weight.data = pair[0].weight.data
    total, lines = run(pair)
    assert total == 144, f"by .data: 144, not {total}"
    pair[1].weight = pair[0].weight
    total, lines = run(pair)
    assert total == 80, f"borrowed: 80, not {total}"
    print("checked: 121, not 193")


# %% table-without-ties
def table(model):
    names = {}
    pairs = model.named_parameters(remove_duplicate=False)
    for name, param in pairs:
        names.setdefault(param, []).append(name)
    for param, group in names.items():
        shape = str(tuple(param.shape))
        label = " = ".join(group)
        print(f"{label:20}{shape:8}{param.numel():4}")
    return sum(param.numel() for param in names)


check_table(table)


# %% check-watch
def check_watch(watch):
    torch.manual_seed(0)
    layer = nn.Linear(8, 8)
    tied = nn.Sequential(
        layer,
        nn.Tanh(),
        layer,
        nn.Linear(8, 1),
    )
    untied = copy.deepcopy(tied)
    untied[2] = copy.deepcopy(untied[0])
    inputs = torch.randn(32, 8)
    targets = inputs.abs().sum(dim=1, keepdim=True)

    log = watch(tied, inputs, targets)
    apart = watch(untied, inputs, targets)
    assert len(log) == 20, "one entry for each step"
    names = list(tied.state_dict())
    assert list(log[0]) == names, "both names, too"
    pairs = [pair for step in log for pair in step.values()]
    finite = all(v.isfinite().all() for pair in pairs for v in pair)
    assert finite, "nan or inf: is it the mean squared error?"
    for run in log, apart:
        for i in (0, 19):
            a, b = run[i]["0.weight"], run[i]["2.weight"]
            gap = (a[0] - b[0]).abs().max()
            print(f"step {i}: the weights differ by {gap:.2f},")
            norms = f"{a[1].norm():.2f}, {b[1].norm():.2f}"
            print(f"  norms of the gradients: {norms}")
    for step in log:
        value, grad = step["0.weight"]
        again, other = step["2.weight"]
        assert value.equal(again), "one object, one value"
        assert grad.equal(other), "one object, one gradient"
    start = log[0]["0.weight"][0]
    assert not start.equal(layer.weight), "clone the values"

    (old, grad), (new, _) = (s["0.weight"] for s in log[:2])
    step = torch.allclose(new, old - 0.01 * grad)
    assert step, "SGD, 0.01? logged before the update, cloned?"

    uses = apart[0]["0.weight"][1] + apart[0]["2.weight"][1]
    summed = torch.allclose(log[0]["0.weight"][1], uses)
    assert summed, "the gradient is the sum over both uses"
    state = {name: log[1][name][0] for name in names}
    tied.load_state_dict(state)  # back to step 1 | 回到第 1 步
    tied.zero_grad()
    (tied(inputs) - targets).square().mean().backward()
    grad = log[1]["0.weight"][1]
    fresh = torch.allclose(layer.weight.grad, grad)
    assert fresh, "zero_grad before each step?"
    print("checked: one weight, the sum of two gradients")


# %% watch-shared
def watch(model, inputs, targets, steps=20, lr=0.01):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    log = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(inputs) - targets).square().mean()
        loss.backward()
        step = {}
        for name in model.state_dict():
            param = model.get_parameter(name)
            value, grad = param.detach(), param.grad
            step[name] = value.clone(), grad.clone()
        log.append(step)
        optimizer.step()
    return log


check_watch(watch)


# %% check-freeze
def check_freeze(freeze):
    torch.manual_seed(0)
    model = nn.Sequential()
    body = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
    model.add_module("body", body)
    model.add_module("body2", nn.Linear(8, 8))
    model.add_module("head", nn.Linear(8, 1))
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=0.1,
        weight_decay=0.1,
    )

    inputs = torch.rand(16, 4)
    model(inputs).sum().backward()  # leaves gradients | 留下了梯度
    frozen = freeze(model, "body")
    before = copy.deepcopy(model.state_dict())
    model(inputs).sum().backward()
    optimizer.step()

    moved = []
    for name, param in model.named_parameters():
        if not param.equal(before[name]):
            moved.append(name)
    print("frozen:", frozen, " moved:", *moved)
    assert frozen == 4 * 8 + 8, f"40 numbers, not {frozen}"
    assert moved == [
        "body2.weight",
        "body2.bias",
        "head.weight",
        "head.bias",
    ], "all but body should move"

    tree = nn.Sequential(model, nn.Linear(1, 1))
    tree(inputs).sum().backward()
    inner = freeze(tree, "0.body2")  # further down | 更深一级
    assert inner == 72, f"0.body2: 72 numbers, not {inner}"
    assert tree[1].weight.grad is not None, "a gradient is gone"
    print("checked: all but body moved")


# %% freeze-by-name
def freeze(model, block):
    part = model.get_submodule(block)
    part.requires_grad_(False)
    part.zero_grad()  # drop the old gradients | 丢掉旧的梯度
    return sum(param.numel() for param in part.parameters())


check_freeze(freeze)


# %% check-init-by-name
def check_init_by_name(init_by_name):
    torch.manual_seed(0)
    head = nn.Linear(16, 1)
    model = nn.Sequential(block(), nn.LayerNorm(16), head)
    rules = [
        (r"1", nn.init.ones_),  # no whole name | 不是完整的名字
        (r".*\.bias", nn.init.zeros_),
        (r"2\.weight", nn.init.xavier_uniform_),
        (r"0\..*\.weight", nn.init.kaiming_normal_),
    ]
    before = copy.deepcopy(model.state_dict())
    message = ""
    try:
        init_by_name(model, rules)
    except ValueError as error:
        message = str(error)
    print("ValueError:", message)
    assert "1.weight" in message, "1.weight has no rule"
    for key, value in model.state_dict().items():
        assert value.equal(before[key]), f"{key} is written"

    def sevens(weight):
        nn.init.constant_(weight, 7)

    more = (r"1\.weight", sevens)

    def late(weight):
        raise AssertionError("an earlier rule fits")

    rest = (r".*", late)  # comes too late | 轮不到它
    init_by_name(model, [*rules, more, rest])
    for name, param in model.named_parameters():
        if name.endswith("bias"):
            assert not param.any(), f"{name} is not 0"
    assert (model[1].weight == 7).all(), "1.weight is not 7"
    wide = model[0][2].weight.abs().max()
    assert wide > 0.5, "0.2.weight: Kaiming"
    assert 0.3 < head.weight.abs().max() < 0.6, "2: Xavier"
    print("checked: a rule for every name, or no change")


# %% init-by-pattern
import re


def init_by_name(model, rules):
    chosen = []
    for name, param in model.named_parameters():
        for rule, init in rules:
            if re.fullmatch(rule, name):
                chosen.append((init, param))
                break
        else:
            raise ValueError(f"no rule for {name}")
    for init, param in chosen:  # only now write | 到这里才开始写
        init(param)


check_init_by_name(init_by_name)


# %% check-bounds
def largest(layer):
    found = [p.abs().max() for p in layer.parameters()]
    return max(found).item()


def check_bounds(conv_bound, lstm_bound):
    torch.manual_seed(0)
    for sizes in [(1, 64, 16), (3, 64, 7), (64, 64, 3)]:
        layer = nn.Conv2d(*sizes)
        ratio = largest(layer) / conv_bound(*sizes)
        assert 0.98 < ratio < 1.00001, f"Conv2d{sizes}"
    for sizes in [(100, 16), (7, 50), (7, 100)]:
        layer = nn.LSTM(*sizes)
        ratio = largest(layer) / lstm_bound(*sizes)
        assert 0.98 < ratio < 1.00001, f"LSTM{sizes}"
    print("checked: three convolutions, three LSTMs")


# %% default-law
# What doubling each size does to the bound | 各个大小加倍，界怎样变
def effects(kind, sizes):
    result = {}
    for name, size in sizes.items():
        double = {**sizes, name: 2 * size}
        one, two = kind(**sizes), kind(**double)
        result[name] = round(largest(one) / largest(two), 1)
    return result


def conv_bound(in_channels, out_channels, kernel_size):
    return (in_channels * kernel_size**2) ** -0.5


def lstm_bound(input_size, hidden_size):
    return hidden_size**-0.5


torch.manual_seed(0)
sizes = {"in_channels": 16, "out_channels": 16}
sizes["kernel_size"] = 4
conv = effects(nn.Conv2d, sizes)
sizes = {"input_size": 32, "hidden_size": 32}
lstm = effects(nn.LSTM, sizes)
for name, factor in {**conv, **lstm}.items():
    print(f"{name:12} / {factor}")
check_bounds(conv_bound, lstm_bound)


# %% check-autoencoder
def check_autoencoder(TiedAutoencoder):
    torch.manual_seed(0)
    auto = TiedAutoencoder(8, 3).double()
    inputs = torch.rand(16, 8, dtype=torch.float64)
    params = dict(auto.named_parameters())
    print("parameters:", *params)
    shape = tuple(auto(inputs).shape)
    assert shape == (16, 8), f"output {shape}, not (16, 8)"
    sizes = {n: p.numel() for n, p in params.items()}
    found = sorted(sizes.values())
    assert found == [3, 8, 24], f"3, 8, 24, not {found}"
    names = sorted(sizes, key=sizes.get)
    inner, bias, W = [params[name] for name in names]

    def output(weight):
        new = {names[-1]: weight}
        return torch.func.functional_call(auto, new, inputs)

    zeros = output(torch.zeros_like(W))[0]
    assert zeros.equal(bias.flatten()), "an old weight?"
    wanted = torch.tanh(inputs @ W.T + inner) @ W + bias
    assert torch.allclose(auto(inputs), wanted), "where is tanh?"
    # Both uses in the gradient? | 梯度里有没有两处的贡献？
    both = torch.autograd.gradcheck(
        output,
        (W,),
        raise_exception=False,
    )
    assert both, "a use is missing in the gradient"
    print("checked: 35 numbers, both uses in the gradient")


# %% transposed-tie
class TiedAutoencoder(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.encoder = nn.Linear(inputs, hidden)
        self.bias = nn.Parameter(torch.zeros(inputs))

    def forward(self, X):
        hidden = torch.tanh(self.encoder(X))
        return hidden @ self.encoder.weight + self.bias


check_autoencoder(TiedAutoencoder)


# %% check-differences
def check_differences(differences):
    # The largest error, as a share of the largest gradient | 最大误差占最大梯度的比例
    def gap(dtype):
        model = copy.deepcopy(tied).to(dtype)
        inputs = X.to(dtype)
        model(inputs).sum().backward()
        weight = model[1].weight
        before = weight.detach().clone()
        found = differences(model, weight, inputs)
        assert weight.equal(before), "put the weight back"
        error = (found - weight.grad).abs().max()
        return (error / weight.grad.abs().max()).item()

    torch.manual_seed(0)
    X, layer, relu = torch.rand(16, 4), nn.Linear(8, 8), nn.ReLU()
    ends = nn.Linear(4, 8), nn.Linear(8, 1)
    tied = nn.Sequential(ends[0], layer, relu, layer, ends[1])
    exact, rough = gap(torch.float64), gap(torch.float32)
    print("float64 below 1e-6:", exact < 1e-6)
    print("float32 below 1e-6:", rough < 1e-6)
    assert exact < 1e-6, "old value copied? steps of 1e-6?"

    layer = nn.Linear(1, 1, bias=False).double()
    nn.init.ones_(layer.weight)
    power = nn.Sequential(*[layer] * 5)  # weight ** 5
    one = torch.ones(1, 1).double()
    found = differences(power, layer.weight, one)
    assert (found - 5).abs() < 1e-8, "steps of 1e-6 to both sides?"
    print("checked: the gradient counts both uses")


# %% finite-differences
import itertools


@torch.no_grad()
def differences(model, weight, inputs, eps=1e-6):
    result = torch.zeros_like(weight)
    for place in itertools.product(*map(range, weight.shape)):
        entry = weight[place]  # a view into weight | weight 的视图
        old = entry.clone()
        entry.copy_(old + eps)
        high = model(inputs).sum()
        entry.copy_(old - eps)
        low = model(inputs).sum()
        entry.copy_(old)
        result[place] = (high - low) / (2 * eps)
    return result


check_differences(differences)
