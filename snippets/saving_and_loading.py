# %% setup
import os
from unittest import mock

import torch
from torch import nn
from torch.nn import functional as F
from torch.serialization import get_unsafe_globals_in_checkpoint


# Prints what an action returns or raises | 打印 action 的返回值或抛出的异常
def attempt(action):
    try:
        print(action())
    except RuntimeError as error:
        print(f"{type(error).__name__}: {error}")


# %% tensor
x = torch.arange(4)
torch.save(x, "x.pt")

x2 = torch.load("x.pt")
print(x2, x2.dtype)
print("equal:", torch.equal(x, x2))
x2[0] = 100  # a copy: x stays as it is | 读回的是副本，x 不受影响
print("saved from:", x)

# %% list
y = torch.zeros(4)
torch.save([x, y], "xy.pt")

x2, y2 = torch.load("xy.pt")
print(x2, x2.dtype)
print(y2, y2.dtype)

# %% dict
torch.save({"x": x, "y": y}, "mydict.pt")

mydict = torch.load("mydict.pt")
print("keys:", list(mydict))
os.rename("mydict.pt", "elsewhere.pt")  # only the path changes | 只是换了路径
print("keys:", list(torch.load("elsewhere.pt")))
torch.save(y, "x.pt")  # overwrites without asking | 直接覆盖，不会询问
print("x.pt now holds:", torch.load("x.pt"))
print("files:", sorted(os.listdir()))


# %% view-trap
def kilobytes(path):
    return f"{os.path.getsize(path) / 1000:,.0f} kB"


big = torch.zeros(1_000_000)
torch.save(big[:3], "view.pt")
torch.save(big[:3].clone(), "clone.pt")
print("view: ", kilobytes("view.pt"))
print("clone:", kilobytes("clone.pt"))

view = torch.load("view.pt")
print("shape:", tuple(view.shape))
print("bytes in memory:", view.untyped_storage().nbytes())

# %% shared-refs
table = torch.zeros(2, 3)
torch.save({"table": table, "same": table, "row": table[0]}, "together.pt")
torch.save(table[0], "alone.pt")

loaded = torch.load("together.pt")
alone = torch.load("alone.pt")
loaded["table"] += 7
print("same object:", loaded["table"] is loaded["same"])
print("row, one file:", loaded["row"].tolist())
print("row, two files:", alone.tolist())


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
torch.save(net.state_dict(), "mlp.pt")
for name, value in torch.load("mlp.pt").items():
    print(name, tuple(value.shape))

# %% round-trip
torch.manual_seed(1)
X = torch.randn(2, 20)
clone = MLP()
print("before loading:", torch.equal(clone(X), net(X)))
print(clone.load_state_dict(torch.load("mlp.pt")))
print("after loading:", torch.equal(clone(X), net(X)))


# %% contents
class Inventory(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(2))
        self.register_buffer("mean", torch.rand(2))
        self.register_buffer("cache", torch.rand(2), persistent=False)
        self.constant = torch.rand(2)


torch.manual_seed(0)
original, restored = Inventory().eval(), Inventory()
saved = original.state_dict()
print(restored.load_state_dict(saved))
for name in ("weight", "mean", "cache", "constant", "training"):
    there, here = getattr(original, name), getattr(restored, name)
    same = torch.equal(torch.as_tensor(there), torch.as_tensor(here))
    print(f"{name:8} saved: {name in saved!s:5} same: {same}")


# %% other-names raises="RuntimeError"
class RenamedMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 256)
        self.output = nn.Linear(256, 10)

    def forward(self, X):
        return self.output(F.relu(self.hidden(X)))


renamed = RenamedMLP()
renamed.load_state_dict(torch.load("mlp.pt"))

# %% not-strict
renamed = RenamedMLP()
state = torch.load("mlp.pt")
report = renamed.load_state_dict(state, strict=False)
print("missing:", report.missing_keys)
print("unexpected:", report.unexpected_keys)
print("same output:", torch.equal(renamed(X), net(X)))

state["output.weight"] = state.pop("out.weight")
state["output.bias"] = state.pop("out.bias")
print(renamed.load_state_dict(state))
print("same output:", torch.equal(renamed(X), net(X)))

# %% shapes-stay-strict
wide = MLP()
wide.out = nn.Linear(256, 12)
state = torch.load("mlp.pt")
attempt(lambda: wide.load_state_dict(state, strict=False))
print("hidden loaded:", torch.equal(wide.hidden.weight, net.hidden.weight))

# %% eval-matters
torch.manual_seed(0)
first = nn.Sequential(nn.Linear(20, 50), nn.Dropout())
second = nn.Sequential(nn.Linear(20, 50), nn.Dropout())
second.load_state_dict(first.state_dict())
second.eval()
print("training:", first.training, second.training)
print("same output:", torch.equal(first(X), second(X)))
first.eval()
print("both in eval mode:", torch.equal(first(X), second(X)))

# %% live
state = net.state_dict()
snapshot = {name: value.clone() for name, value in net.state_dict().items()}
with torch.no_grad():
    net.out.bias.fill_(7)
print("state dict:", state["out.bias"][:3].tolist())
print("snapshot:  ", torch.equal(snapshot["out.bias"], clone.out.bias))
net.load_state_dict(snapshot)
print("restored:  ", torch.equal(net(X), clone(X)))

# %% whole-model raises="UnpicklingError"
torch.save(net, "whole.pt")
torch.load("whole.pt")


# %% what-it-would-run
class Trap:
    def __reduce__(self):
        return print, ("this line came out of the file",)


torch.save(Trap(), "trap.pt")
for path in ("mlp.pt", "whole.pt", "trap.pt"):
    wanted = get_unsafe_globals_in_checkpoint(path)  # runs nothing | 什么都不执行
    print(path, "wants:", sorted(wanted))

result = torch.load("trap.pt", weights_only=False)
print("what was loaded:", result)

# %% map-location
# labels a CPU tensor as one from GPU 99 | 给 CPU 张量贴上第 99 块显卡的标签
with mock.patch("torch.serialization.location_tag", return_value="cuda:99"):
    torch.save(torch.ones(2), "from-gpu.pt")
attempt(lambda: torch.load("from-gpu.pt"))

print("on the CPU:", torch.load("from-gpu.pt", map_location="cpu"))
shapes = torch.load("mlp.pt", map_location="meta")
for name, value in shapes.items():
    print(name, value.device, tuple(value.shape))


# %% checkpoint
def train(net, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        F.mse_loss(net(inputs), targets).backward()
        optimizer.step()


torch.manual_seed(0)
inputs, targets = torch.randn(64, 20), torch.randn(64, 10)
net = MLP()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
train(net, optimizer, 5)
checkpoint = {
    "net": net.state_dict(),
    "optimizer": optimizer.state_dict(),
    "step": 5,
}
torch.save(checkpoint, "checkpoint.tmp")
os.replace("checkpoint.tmp", "checkpoint.pt")  # all or nothing | 要么全成，要么不变
print("optimizer:", list(checkpoint["optimizer"]))


# %% resume
def resume(with_optimizer):
    saved = torch.load("checkpoint.pt")
    net = MLP()
    net.load_state_dict(saved["net"])
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    if with_optimizer:
        optimizer.load_state_dict(saved["optimizer"])
    train(net, optimizer, 10 - saved["step"])
    return net


train(net, optimizer, 5)  # the uninterrupted run | 没有中断过的训练
print("with optimizer:", torch.equal(net(X), resume(True)(X)))
print("without:", torch.equal(net(X), resume(False)(X)))
