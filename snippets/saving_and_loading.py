# %% setup
import os
import pickle
import zipfile
from collections import defaultdict
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

# %% dict fold="output"
torch.save({"x": x, "y": y}, "mydict.pt")

mydict = torch.load("mydict.pt")
print("keys:", list(mydict))
os.rename("mydict.pt", "elsewhere.pt")  # only the path changes | 只是换了路径
print("keys:", list(torch.load("elsewhere.pt")))
torch.save(y, "x.pt")  # overwrites without asking | 直接覆盖，不会询问
print("x.pt now holds:", torch.load("x.pt"))
print("files:", sorted(os.listdir()))


# %% view-trap fold="output"
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

# %% shared-refs fold="output"
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


# %% zip-entries fold="output"
# Names and bytes of what is in the file | 文件里各项的名字和字节数
def entries(path):
    with zipfile.ZipFile(path) as archive:
        found = archive.infolist()
    return {i.filename.partition("/")[2]: i.file_size for i in found}


torch.manual_seed(0)
shared = nn.Linear(256, 256)
tied = nn.Sequential(shared, nn.ReLU(), shared)
torch.save(tied.state_dict(), "tied.pt")

for path in ("mlp.pt", "tied.pt"):
    stored = [name for name in entries(path) if name.startswith("data/")]
    print(path, "names:", len(torch.load(path)), "storages:", len(stored))

# %% zip-picture fold="code"
import matplotlib.pyplot as plt


# An entry, and the tensors whose bytes it holds | 条目，以及字节在其中的张量
def describe(archive, entry, state):
    data = archive.read(entry)
    same = [k for k, v in state.items() if v.numpy().tobytes() == data]
    return " ".join([entry.partition("/")[2], *same])


ratios = {"height_ratios": (10, 8)}
fig, axes = plt.subplots(2, sharex=True, figsize=(4, 6.4), **ratios)
for ax, path in zip(axes, ("mlp.pt", "tied.pt"), strict=True):
    state = torch.load(path)
    with zipfile.ZipFile(path) as archive:
        labels = [describe(archive, n, state) for n in archive.namelist()]
    colors = ["C0" if " " in text else "C2" for text in labels]
    colors[labels.index("data.pkl")] = "C1"
    sizes = entries(path).values()
    bars = ax.barh(labels, sizes, height=0.7, color=colors)
    ax.bar_label(bars, [f"{n:,}" for n in sizes], padding=3, size=12)
    ax.invert_yaxis()
    ax.set_title(f"{path}: {os.path.getsize(path):,}", size=13)
    ax.set(xscale="log", xlim=(0.7, 4e7))
    ax.tick_params(labelsize=12)
    ax.spines[["top", "right"]].set_visible(False)
ax.set_xticks([1, 1000, 1_000_000], ["1", "1,000", "1,000,000"])
ax.minorticks_off()


# %% contents fold="output"
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


# %% other-names raises="RuntimeError" fold="output"
class RenamedMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 256)
        self.output = nn.Linear(256, 10)

    def forward(self, X):
        return self.output(F.relu(self.hidden(X)))


renamed = RenamedMLP()
renamed.load_state_dict(torch.load("mlp.pt"))

# %% not-strict fold="output"
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

# %% eval-matters fold="output"
torch.manual_seed(0)
first = nn.Sequential(nn.Linear(20, 50), nn.Dropout())
second = nn.Sequential(nn.Linear(20, 50), nn.Dropout())
second.load_state_dict(first.state_dict())
second.eval()
print("training:", first.training, second.training)
print("same output:", torch.equal(first(X), second(X)))
first.eval()
print("both in eval mode:", torch.equal(first(X), second(X)))

# %% live fold="output"
state = net.state_dict()
snapshot = {name: value.clone() for name, value in net.state_dict().items()}
with torch.no_grad():
    net.out.bias.fill_(7)
print("state dict:", state["out.bias"][:3].tolist())
print("snapshot:  ", torch.equal(snapshot["out.bias"], clone.out.bias))
net.load_state_dict(snapshot)
print("restored:  ", torch.equal(net(X), clone(X)))

# %% whole-model raises="UnpicklingError" fold="output"
torch.save(net, "whole.pt")
torch.load("whole.pt")


# %% what-it-would-run fold="output"
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


# %% resume fold="output"
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


# %% trimmed
def trimmed(tensors):
    users = defaultdict(list)
    for name, tensor in tensors.items():
        users[tensor.untyped_storage().data_ptr()].append(name)

    result = dict(tensors)
    for names in users.values():
        whole = tensors[names[0]].untyped_storage().nbytes()
        if sum(tensors[name].nbytes for name in names) < whole:
            result |= {name: tensors[name].clone() for name in names}
    return result


table = torch.zeros(2, 3)
mixed = {"head": big[:3], "tail": big[-3:], "table": table, "row": table[0]}
torch.save(trimmed(mixed), "trimmed.pt")
loaded = torch.load("trimmed.pt")
assert list(loaded) == list(mixed)
assert all(torch.equal(loaded[name], mixed[name]) for name in mixed)
assert os.path.getsize("trimmed.pt") < 4000
loaded["table"] += 7
assert loaded["row"].tolist() == [7, 7, 7]
print("checked: 2 slices cut, 1 row still shared")


# %% atomic-save
def save_atomically(value, path):
    temporary = f"{path}.tmp"  # same folder as the target | 与目标同一目录
    try:
        with open(temporary, "wb") as file:
            torch.save(value, file)
            file.flush()
            os.fsync(file.fileno())  # to the disk now | 立刻写到磁盘上
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


class Breaks:
    def __reduce__(self):
        raise RuntimeError("broken off")


save_atomically({"step": 1}, "atomic.pt")
save_atomically({"step": 2}, "atomic.pt")
attempt(lambda: save_atomically({"step": 3, "bad": Breaks()}, "atomic.pt"))
assert torch.load("atomic.pt") == {"step": 2}
assert not os.path.exists("atomic.pt.tmp")
print("checked: step 2 is still there, and nothing else")


# %% size-explained
def explain(path):
    sizes = entries(path)
    numbers = sum(n for name, n in sizes.items() if name.startswith("data/"))
    names = sizes["data.pkl"]
    return {
        "numbers": numbers,
        "names": names,
        "other": sum(sizes.values()) - numbers - names,
        "zip": os.path.getsize(path) - sum(sizes.values()),
    }


def storage_bytes(state):
    storages = [value.untyped_storage() for value in state.values()]
    return sum({s.data_ptr(): s.nbytes() for s in storages}.values())


norm = nn.BatchNorm1d(3)
expected = {"MLP": 31_784, "tied": 263_168, "norm": 56}
for name, model in {"MLP": net, "tied": tied, "norm": norm}.items():
    torch.save(model.state_dict(), "model.pt")
    found = explain("model.pt")
    assert sum(found.values()) == os.path.getsize("model.pt")
    assert found["numbers"] == storage_bytes(model.state_dict())
    assert found["numbers"] == expected[name]
    print("checked:", name, f"{found['numbers']:,} bytes of numbers")


# %% transplant
def transplant(saved, net):
    own = net.state_dict()
    fits = {
        name: value
        for name, value in saved.items()
        if name in own and value.shape == own[name].shape
    }
    net.load_state_dict(fits, strict=False)
    return {
        "loaded": list(fits),
        "resized": [n for n in saved if n in own and n not in fits],
        "missing": [n for n in own if n not in saved],
        "unexpected": [n for n in saved if n not in own],
    }


target = RenamedMLP()  # hidden and output | 有 hidden 和 output
target.out = nn.Linear(256, 12)
before = target.out.weight.detach().clone()
saved = net.state_dict() | {"step": torch.tensor(5)}
report = transplant(saved, target)
assert report == {
    "loaded": ["hidden.weight", "hidden.bias"],
    "resized": ["out.weight", "out.bias"],
    "missing": ["output.weight", "output.bias"],
    "unexpected": ["step"],
}
assert torch.equal(target.hidden.weight, net.hidden.weight)
assert torch.equal(target.out.weight, before)
print("checked:", {kind: len(names) for kind, names in report.items()})


# %% noisy-training
def start():
    layers = nn.Linear(20, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, 10)
    net = nn.Sequential(*layers)
    return net, torch.optim.Adam(net.parameters(), lr=0.01)


def epoch(net, optimizer):
    for rows in torch.randperm(64).split(16):  # shuffled | 打乱顺序
        optimizer.zero_grad()
        F.mse_loss(net(inputs[rows]), targets[rows]).backward()
        optimizer.step()


# %% exact-resume
def save_run(path, net, optimizer):
    run = {
        "net": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rng": torch.get_rng_state(),
    }
    torch.save(run, path)


def load_run(path, net, optimizer, forget=None):
    run = torch.load(path)
    net.load_state_dict(run["net"])
    if forget != "optimizer":
        optimizer.load_state_dict(run["optimizer"])
    if forget != "rng":
        torch.set_rng_state(run["rng"])


def final_weights(net, optimizer):
    for _ in range(2):
        epoch(net, optimizer)
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def resumed(forget):
    torch.manual_seed(999)  # as in a new process | 就当是新进程
    parts = start()
    load_run("run.pt", *parts, forget)
    return final_weights(*parts)


torch.manual_seed(0)
parts = start()
final_weights(*parts)
save_run("run.pt", *parts)
uninterrupted = final_weights(*parts)
assert torch.equal(uninterrupted, resumed(forget=None))
assert not torch.equal(uninterrupted, resumed(forget="optimizer"))
assert not torch.equal(uninterrupted, resumed(forget="rng"))
print("checked: bit-equal only with optimizer and rng")

# %% runs-nothing
ran = []


def leave_trace(word):
    ran.append(word)


class Calls:  # the file calls a function | 文件里调用函数
    def __reduce__(self):
        return leave_trace, ("call",)


class Restores:  # a method runs when it is rebuilt | 重建时执行方法
    def __init__(self):
        self.value = 1

    def __setstate__(self, state):
        leave_trace("restore")


def traces(payload, **options):
    torch.save({"weight": torch.ones(2), "late": payload}, "payload.pt")
    ran.clear()
    try:
        torch.load("payload.pt", **options)
    except pickle.UnpicklingError:
        ran.append("refused")
    return list(ran)


for payload, word in [(Calls(), "call"), (Restores(), "restore")]:
    assert traces(payload, weights_only=False) == [word]  # control | 对照
    assert traces(payload) == ["refused"]
print("checked: 2 armed files refused, nothing ran")
