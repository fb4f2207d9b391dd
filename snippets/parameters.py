# %% setup
import copy
import io

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

# %% state-dict
state = net[2].state_dict()

print("list:", isinstance(state, list), " dict:", isinstance(state, dict))
print("iterating gives:", *state)
for name, tensor in state.items():
    print(name, tuple(tensor.shape), type(tensor).__name__)

# %% relu-has-no-bias raises="AttributeError"
print(net[1].bias)

# %% parameter-object raises="TypeError"
bias = net[2].bias
print(type(bias))
print("a Tensor too:", isinstance(bias, torch.Tensor))
print("requires_grad:", bias.requires_grad)

value = bias.detach()
print("detached:", type(value).__name__, value.requires_grad)
print("same memory:", value.data_ptr() == bias.data_ptr())
print(bias.data())  # .data is an attribute | .data 是属性

# %% gradient
weight = net[2].weight
print("no backward yet:", weight.grad)

net(X).sum().backward()
print("after backward:", tuple(weight.grad.shape))

net.zero_grad()
print("after zero_grad:", weight.grad)

# %% named-parameters
layer = [(name, tuple(p.shape)) for name, p in net[0].named_parameters()]
print("one layer:", *layer)  # two arguments | 两个实参
print("first pair:", *layer[0])  # [0] applies before * | 先 [0] 后 *

pairs = net.named_parameters()
print("returns a", type(pairs).__name__)
print("whole net:", *(name for name, param in pairs))

found = dict(net.named_parameters())
print("the object itself:", found["2.bias"] is net[2].bias)

# %% by-name
entry = net.state_dict()["2.bias"]
snapshot = entry.clone()
nn.init.constant_(net[2].bias, 5)

print("entry:", entry.item())
print("snapshot is 5:", snapshot.item() == 5)
print("same object:", net.get_parameter("2.bias") is net[2].bias)


# %% rgnet
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

# %% defaults
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

# %% apply-order
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


# %% symmetry
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


# %% init-per-layer
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


# %% data-hides-the-write raises="RuntimeError"
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

# %% tie-count
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

# %% one-write
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
