# %% setup
import copy
import io
import re

import torch
from torch import nn
from torch.nn import functional as F


# Prints the error of a call that fails | 调用出错时，打印报错信息
def attempt(action):
    try:
        action()
    except (AttributeError, ValueError) as error:
        print(f"{type(error).__name__}: {error}")


# %% by-index
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
X = torch.rand(2, 4)

print("output:", tuple(net(X).shape))
for i, module in enumerate(net):
    print(i, module)
print("net[-1] is net[2]:", net[-1] is net[2])
print("net[:2] is a", type(net[:2]).__name__, "of", len(net[:2]))
print("with the same modules:", net[:2][0] is net[0])

# %% state-dict fold="output"
state = net[2].state_dict()

print("list:", isinstance(state, list), " dict:", isinstance(state, dict))
print("iterating gives:", *state)
for name, tensor in state.items():
    print(name, tuple(tensor.shape), type(tensor).__name__)

# %% relu-has-no-bias raises="AttributeError" fold="output"
print(net[1].bias)

# %% parameter-object raises="TypeError" fold="output"
bias = net[2].bias
print(type(bias))
print("a Tensor too:", isinstance(bias, torch.Tensor))
print("requires_grad:", bias.requires_grad)

value = bias.detach()
print("detached:", type(value).__name__, value.requires_grad)
print("same memory:", value.data_ptr() == bias.data_ptr())
print(bias.data())

# %% gradient fold="output"
weight = net[2].weight
print("no backward yet:", weight.grad)

net(X).sum().backward()
print("after backward:", tuple(weight.grad.shape))

net.zero_grad()
print("after zero_grad:", weight.grad)

# %% named-parameters fold="output"
layer = [(name, tuple(p.shape)) for name, p in net[0].named_parameters()]
print("one layer:", *layer)  # two arguments | 两个实参
print("first pair:", *layer[0])

pairs = net.named_parameters()
print("returns a", type(pairs).__name__)
print("whole net:", *(name for name, param in pairs))

found = dict(net.named_parameters())
print("the object itself:", found["2.bias"] is net[2].bias)

# %% by-name fold="output"
entry = net.state_dict()["2.bias"]
snapshot = entry.clone()
nn.init.constant_(net[2].bias, 5)

print("entry:", entry.item())
print("snapshot is 5:", snapshot.item() == 5)
print("same object:", net.get_parameter("2.bias") is net[2].bias)


# %% rgnet fold="output"
def block1():
    return nn.Sequential(
        nn.Linear(4, 8),
        nn.ReLU(),
        nn.Linear(8, 4),
        nn.ReLU(),
    )


def block2():
    stack = nn.Sequential()
    for i in range(4):
        stack.add_module(f"block {i}", block1())
    return stack


torch.manual_seed(2)
rgnet = nn.Sequential(block2(), nn.Linear(4, 1))
print(rgnet(X).detach())

# %% tree
print(rgnet)
print("parameters:", len(list(rgnet.parameters())))
print("numbers:", sum(p.numel() for p in rgnet.parameters()))
print("its own:", list(rgnet.parameters(recurse=False)))

# %% nested-index raises="KeyError"
bias = rgnet[0][1][0].bias
print("shape:", tuple(bias.shape))
print("by key:", rgnet.get_parameter("0.block 1.0.bias") is bias)
print("by name:", getattr(rgnet[0], "block 1") is rgnet[0][1])

rgnet[0].add_module("block.4", block1())

# %% washed-out
torch.manual_seed(0)
hidden = torch.rand(64, 4)  # 64 different rows | 64 行各不相同
print(f"input    {hidden.std(dim=0).mean():.0e}")
for name, block in rgnet[0].named_children():
    hidden = block(hidden)
    print(f"{name}  {hidden.std(dim=0).mean():.0e}")

# %% defaults fold="output"
torch.manual_seed(0)
for inputs, outputs in [(4, 4096), (64, 64), (64, 4096), (1024, 64)]:
    weight = nn.Linear(inputs, outputs).weight
    ratio = weight.abs().max().item() * inputs**0.5
    print(f"Linear({inputs}, {outputs}): max |w| * sqrt(in) = {ratio:.2f}")

print(f"Embedding: std = {nn.Embedding(1000, 100).weight.std():.2f}")
norm = nn.LayerNorm(3)
print("LayerNorm:", norm.weight.tolist(), norm.bias.tolist())
print("PReLU:", nn.PReLU().weight.item())


# %% init-normal
def init_normal(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, mean=0, std=0.01)
        if m.bias is not None:
            nn.init.zeros_(m.bias)


torch.manual_seed(0)
net.apply(init_normal)
print(net[0].weight[0].detach())
print(net[0].bias.detach())

# %% apply-order fold="output"
mixed = nn.Sequential(
    nn.Linear(4, 8),
    nn.MultiheadAttention(8, 2),
    nn.LazyLinear(1),
)


def visit(m):
    exact, wide = type(m) is nn.Linear, isinstance(m, nn.Linear)
    print(f"{type(m).__name__:32}{exact!s:6}{wide}")


print(f"{'':32}{'is':6}isinstance")
print("returns itself:", mixed.apply(visit) is mixed)


# %% init-constant
def init_constant(m):
    if isinstance(m, nn.Linear):
        nn.init.constant_(m.weight, 1)
        if m.bias is not None:
            nn.init.zeros_(m.bias)


net.apply(init_constant)
print(net[0].weight[0].tolist(), net[0].bias[0].item())


# %% symmetry fold="output"
def train(net, steps=50):
    torch.manual_seed(0)
    X = torch.randn(16, 4)
    Y = X.abs().sum(dim=1, keepdim=True)
    for _ in range(steps):
        net.zero_grad()
        loss = F.mse_loss(net(X), Y)
        loss.backward()
        with torch.no_grad():
            for param in net.parameters():
                param -= 0.03 * param.grad
    units = net[0].weight.unique(dim=0)
    print(f"different units: {len(units)} of 8, loss: {loss.item():.2f}")


train(copy.deepcopy(net))  # all weights 1 | 权重全为 1
train(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)))


# %% spread-by-depth fold="output"
def init_kaiming(m):
    if isinstance(m, nn.Linear):
        nn.init.kaiming_normal_(m.weight)
        nn.init.zeros_(m.bias)


@torch.no_grad()
def spreads(init, depth=20, width=64):
    torch.manual_seed(0)
    hidden = torch.randn(256, width).double()
    result = []
    for _ in range(depth):
        layer = nn.Linear(width, width).double()
        hidden = F.relu(layer.apply(init)(hidden))
        result.append(hidden.std(dim=0).mean().item())
    return result


curves = {
    "constant 1": spreads(init_constant),
    "kaiming": spreads(init_kaiming),
    "default": spreads(lambda m: None),
    "normal 0.01": spreads(init_normal),
}
for name, curve in curves.items():
    print(f"{name:12}{curve[0]:8.0e} ...{curve[-1]:8.0e}")

# %% depth-plot fold="code"
import matplotlib.pyplot as plt

fig, ax = plt.subplots(figsize=(4.8, 3.4))
colors = ["C1", "C2", "C0", "black"]
for (name, curve), color in zip(curves.items(), colors, strict=True):
    ax.semilogy(range(1, 21), curve, ".-", color=color)
    ax.text(20.6, curve[-1], name, color="black", size=12, va="center")

powers = [f"1e{power}" for power in (-20, -10, 0, 10, 20, 30)]
ax.set_yticks([float(power) for power in powers], powers, size=12)
ax.set_xticks([1, 5, 10, 15, 20], [1, 5, 10, 15, 20], size=12)
ax.minorticks_off()
ax.set_xlabel("depth", size=12)
ax.set_ylabel("std", size=12)
ax.spines[["top", "right"]].set_visible(False)


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
print("net[2]:", net[2].weight.tolist(), "bias:", net[2].bias.item())

# %% init-errors
unbiased = nn.Linear(4, 8, bias=False)
print("bias:", unbiased.bias)
attempt(lambda: nn.init.zeros_(unbiased.bias))
attempt(lambda: nn.init.xavier_uniform_(net[0].bias))


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

# %% law-histogram
import matplotlib.pyplot as plt

torch.manual_seed(0)
large = nn.Linear(400, 250).apply(my_init)  # 100,000 weights | 10 万个权重
w = large.weight.detach().flatten()
fig, ax = plt.subplots(figsize=(6.4, 2.6))
ax.hist(w[w != 0].numpy(), bins=range(-10, 11), color="C0")
ax.bar(0, int((w == 0).sum()), width=0.2, color="C1")

for x, part in [(-7.5, w <= -5), (0, w == 0), (7.5, w >= 5)]:
    share = f"{part.float().mean():.3f}"
    top = part.sum() if x == 0 else part.sum() / 5
    ax.text(x, top + 2000, share, ha="center", color="black")
    print(f"around {x}: {share}")
ax.set(xlabel="w", xticks=range(-10, 11, 5), ylim=(0, 58_000))

# %% negative-zero
torch.manual_seed(0)
drawn = torch.empty(4).uniform_(-10, 10)
print("drawn: ", drawn)
print("times: ", drawn * (drawn.abs() >= 5))
print("where: ", torch.where(drawn.abs() >= 5, drawn, 0))
print("filled:", drawn.masked_fill(drawn.abs() < 5, 0))

# %% edit-in-place raises="RuntimeError"
net.apply(init_constant)
with torch.no_grad():
    net[0].weight += 1
    net[0].weight[0, 0] = 42
print(net[0].weight[:2].tolist())

net[0].weight += 1


# %% data-hides-the-write raises="RuntimeError" fold="output"
def input_gradient(write):
    layer = nn.Linear(2, 1).apply(init_constant)
    x = torch.ones(1, 2, requires_grad=True)
    y = layer(x)
    write(layer.weight)  # too late: y is already computed | 来不及了：y 已经算完
    y.backward()
    return x.grad.tolist()


def through_data(weight):
    weight.data.fill_(100)


@torch.no_grad()
def under_no_grad(weight):
    weight.fill_(100)


print("untouched:", input_gradient(lambda weight: None))
print("data:", input_gradient(through_data))
print("no_grad:", input_gradient(under_no_grad))

# %% shared
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
other = nn.Sequential(shared, nn.Tanh())

with torch.no_grad():
    net[2].weight[0, 0] = 100
print("net[2] is net[4]:", net[2] is net[4])
print("seen in net[4]:", net[4].weight[0, 0].item())
print("seen in other:", other[0].weight[0, 0].item())

# %% tie-or-copy
twin = copy.deepcopy(shared)
print("twin equal:", torch.equal(twin.weight, shared.weight))
print("twin same:", twin.weight is shared.weight)

borrower = nn.Linear(8, 8)
borrower.weight = shared.weight
print("borrowed weight:", borrower.weight is shared.weight)
print("borrowed bias:", borrower.bias is shared.bias)

moved = copy.deepcopy(nn.Sequential(shared, borrower)).to("meta")
print("borrowed, moved:", moved[0].weight is moved[1].weight)
moved = copy.deepcopy(net).to("meta")
print("shared, moved:", moved[2].weight is moved[4].weight)

# %% tie-count fold="output"
print("modules:", len(net))
print("parameters:", len(list(net.parameters())))
print("numbers:", sum(p.numel() for p in net.parameters()))
print("keys:", *net.state_dict())
print("named:", *(name for name, _ in net.named_modules() if name))

file = io.BytesIO()
torch.save(net.state_dict(), file)
file.seek(0)
loaded = torch.load(file)
a, b = loaded["2.weight"], loaded["4.weight"]
print("one storage after loading:", a.data_ptr() == b.data_ptr())

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
    style = {"ha": "center", "va": "center", "size": 13, "color": "black"}
    ax.text((left + right) / 2, y, label, **style)


# Right: each parameter once | 右边：每个参数一个框
rows = {}
for row, (name, param) in enumerate(net.named_parameters()):
    rows[param] = row + 0.5
    color = "C1" if any(param is p for p in shared.parameters()) else "black"
    box(2.7, 4.75, rows[param], f"{name} {tuple(param.shape)}", color)

# Left: every position; a line per use | 左边：每个位置；每用一次画一条线
for i, module in enumerate(net):
    color = "C1" if module is shared else "black"
    box(0.05, 1.5, i, f"{i}: {type(module).__name__}", color)
    for param in module.parameters():
        ax.plot([1.5, 2.7], [i, rows[param]], color=color)

for x, title in [(0.775, "net"), (3.725, "net.parameters()")]:
    ax.text(x, -0.55, title, ha="center", size=13, color="black")

# %% tie-gradient
untied = copy.deepcopy(net)
untied[4] = copy.deepcopy(untied[2])

torch.manual_seed(0)
X = torch.rand(16, 4)
net(X).sum().backward()
untied(X).sum().backward()

first, second = untied[2].weight.grad, untied[4].weight.grad
print("both uses count:", bool(first.any() and second.any()))
total = first + second
print("sum of both:", torch.allclose(shared.weight.grad, total))

# %% one-write fold="output"
writes, order = [], []
hook = shared.weight.register_post_accumulate_grad_hook(writes.append)

net.zero_grad()
hidden = X
for i, module in enumerate(net):
    hidden = module(hidden)
    hidden.register_hook(lambda grad, i=i: order.append(i))
hidden.sum().backward()
print("backward visits:", *order)
print("writes to .grad:", len(writes))

once = shared.weight.grad.clone()
net(X).sum().backward()  # no zero_grad in between | 中间没有清零
print("then doubled:", torch.allclose(shared.weight.grad, 2 * once))
hook.remove()


# %% gradient-report
def report(model):
    kinds = {}
    for name, param in model.named_parameters():
        if param.grad is None:
            kinds[name] = "none"
        else:
            kinds[name] = "ok" if param.grad.any() else "zero"
    return kinds


torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
model.append(nn.Linear(1, 1))
nn.init.constant_(model[0].bias, -10)  # no unit is ever active | 单元全都不激活
model[:3](torch.rand(16, 4)).sum().backward()  # position 3 is left out | 没用位置 3

kinds = report(model)
for name, kind in kinds.items():
    print(name, kind)
assert [name for name in kinds if kinds[name] == "ok"] == ["2.bias"]
assert kinds["0.weight"] == kinds["0.bias"] == kinds["2.weight"] == "zero"
assert kinds["3.weight"] == kinds["3.bias"] == "none"
print("checked: none, zero and ok are told apart")


# %% freeze-by-name
def freeze(model, block):
    count = 0
    for name, param in model.named_parameters():
        if name.startswith(f"{block}."):  # with the dot | 连点一起比较
            param.requires_grad_(False)
            param.grad = None  # or the optimiser still uses it | 否则优化器还会用它
            count += param.numel()
    return count


torch.manual_seed(0)
model = nn.Sequential()
model.add_module("body", nn.Linear(4, 8))
model.add_module("act", nn.Tanh())
model.add_module("body2", nn.Linear(8, 8))
model.add_module("head", nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

inputs = torch.rand(16, 4)
model(inputs).sum().backward()  # leaves gradients | 留下了梯度
frozen = freeze(model, "body")
before = {name: p.detach().clone() for name, p in model.named_parameters()}
model(inputs).sum().backward()
optimizer.step()

params = dict(model.named_parameters())
moved = [name for name in params if not params[name].equal(before[name])]
print("frozen:", frozen, " moved:", *moved)
assert frozen == 4 * 8 + 8
assert moved == ["body2.weight", "body2.bias", "head.weight", "head.bias"]
print("checked: all but body moved")


# %% default-law
def bound(layer):
    return max(param.abs().max().item() for param in layer.parameters())


# What doubling each size does to the bound | 各个大小加倍，界怎样变
def effects(kind, sizes):
    result = {}
    for name, size in sizes.items():
        double = kind(**{**sizes, name: 2 * size})
        result[name] = round(bound(kind(**sizes)) / bound(double), 1)
    return result


torch.manual_seed(0)
conv_sizes = {"in_channels": 16, "out_channels": 16, "kernel_size": 4}
conv = effects(nn.Conv2d, conv_sizes)
lstm = effects(nn.LSTM, {"input_size": 32, "hidden_size": 32})
print("Conv2d shrinks by", conv)
print("LSTM   shrinks by", lstm)
assert conv == {"in_channels": 1.4, "out_channels": 1, "kernel_size": 2}
assert lstm == {"input_size": 1, "hidden_size": 1.4}

for inputs, kernel in [(1, 16), (3, 7), (64, 3)]:
    layer = nn.Conv2d(inputs, 64, kernel)
    assert 0.98 < bound(layer) * (inputs * kernel**2) ** 0.5 <= 1.000001
for hidden in (16, 50, 100):
    assert 0.98 < bound(nn.LSTM(7, hidden)) * hidden**0.5 <= 1.000001
print("checked: 1/sqrt(in * k * k) and 1/sqrt(hidden)")


# %% init-by-pattern
def init_by_name(model, rules):
    chosen = []
    for name, param in model.named_parameters():
        fitting = [init for rule, init in rules if re.fullmatch(rule, name)]
        if not fitting:
            raise ValueError(f"no rule for {name}")
        chosen.append((fitting[0], param))
    for init, param in chosen:  # nothing was written until here | 到这里才开始写
        init(param)


torch.manual_seed(0)
model = nn.Sequential(block1(), nn.LayerNorm(4), nn.Linear(4, 1))
rules = [
    (r".*\.bias", nn.init.zeros_),
    (r"0\..*\.weight", nn.init.kaiming_normal_),
    (r"2\.weight", nn.init.xavier_uniform_),
]
before = copy.deepcopy(model.state_dict())
attempt(lambda: init_by_name(model, rules))
assert all(torch.equal(model.state_dict()[k], before[k]) for k in before)

init_by_name(model, [*rules, (r"1\.weight", nn.init.ones_)])
biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
assert len(biases) == 4
assert not any(bias.any() for bias in biases)
assert (model[1].weight == 1).all()
assert not torch.equal(model[0][0].weight, before["0.0.weight"])
assert model[2].weight.abs().max() <= (6 / (4 + 1)) ** 0.5
print("checked: every name has a rule, or nothing is written")


# %% scale-for-depth
def init_scaled(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, std=(2 / m.in_features) ** 0.5)
        nn.init.zeros_(m.bias)


for width in (64, 128):
    fixed = spreads(init_normal, width=width)[-1]
    scaled = spreads(init_scaled, width=width)[-1]
    print(f"width {width}: 0.01 gives {fixed:.0e}, scaled {scaled:.1f}")
    assert fixed < 1e-15
    assert 0.05 < scaled < 1
print("checked: 20 layers, two widths")


# %% table-without-ties
def table(model):
    names = {}
    pairs = model.named_parameters(remove_duplicate=False)
    for name, param in pairs:
        names.setdefault(param, []).append(name)
    for param, group in names.items():
        shape = str(tuple(param.shape))
        print(f"{' = '.join(group):20}{shape:8}{param.numel():4}")
    return sum(param.numel() for param in names)


total = table(net)
print("total:", total)
assert total == 121
every = net.named_parameters(remove_duplicate=False)
assert sum(param.numel() for _, param in every) == 193
print("checked: 121, not 193")


# %% finite-differences
@torch.no_grad()
def differences(model, weight, inputs, eps=1e-6):
    result = torch.zeros_like(weight)
    for place in range(weight.numel()):
        entry = weight.view(-1)[place]  # a view into weight | weight 的视图
        old = entry.clone()
        entry.copy_(old + eps)
        high = model(inputs).sum()
        entry.copy_(old - eps)
        low = model(inputs).sum()
        entry.copy_(old)
        result.view(-1)[place] = (high - low) / (2 * eps)
    return result


# The largest error, as a share of the largest gradient | 最大误差占最大梯度的比例
def gap(dtype):
    model = copy.deepcopy(net).to(dtype)
    model.zero_grad()
    inputs = X.to(dtype)
    model(inputs).sum().backward()
    grad = model[2].weight.grad
    numeric = differences(model, model[2].weight, inputs)
    return ((numeric - grad).abs().max() / grad.abs().max()).item()


exact, rough = gap(torch.float64), gap(torch.float32)
print(f"float64 below 1e-6: {exact < 1e-6}, float32: {rough < 1e-6}")
assert exact < 1e-6 < rough
print("checked: the gradient counts both uses")


# %% transposed-tie
class TiedAutoencoder(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.encoder = nn.Linear(inputs, hidden)
        self.bias = nn.Parameter(torch.zeros(inputs))

    def forward(self, X):
        hidden = torch.tanh(self.encoder(X))
        return F.linear(hidden, self.encoder.weight.T, self.bias)


torch.manual_seed(0)
auto = TiedAutoencoder(8, 3)
X = torch.rand(16, 8)
auto(X).sum().backward()

weight = auto.encoder.weight
hidden = torch.tanh(auto.encoder(X))
one = F.linear(hidden, weight.detach().T).sum()  # decoder constant | 解码器当常量
two = F.linear(hidden.detach(), weight.T).sum()  # encoder constant | 编码器当常量
(first,) = torch.autograd.grad(one, weight)
(second,) = torch.autograd.grad(two, weight)

print("parameters:", *(name for name, _ in auto.named_parameters()))
numbers = sum(param.numel() for param in auto.parameters())
assert auto(X).shape == X.shape
assert numbers == 8 * 3 + 3 + 8
assert first.any()
assert second.any()
assert torch.allclose(weight.grad, first + second)
print("checked:", numbers, "numbers, both uses in the gradient")
