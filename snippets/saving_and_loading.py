# %% setup fold="code"
import copy
import os

import torch
from torch import nn
from torch.nn import functional as F


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 256)
        self.out = nn.Linear(256, 10)

    def forward(self, X):
        return self.out(F.relu(self.hidden(X)))


# Rows to train on, and rows to judge by | 训练用的行，和评判用的行
torch.manual_seed(0)
rule = torch.randn(20, 10)
inputs, unseen = torch.randn(2, 64, 20)
targets = inputs @ rule + 3 * torch.randn(64, 10)
unseen_targets = unseen @ rule


def train_step(net, optimizer):
    optimizer.zero_grad()
    F.mse_loss(net(inputs), targets).backward()
    optimizer.step()


@torch.no_grad()
def unseen_loss(net):
    net.eval()  # if it has dropout | 模型里也许有 dropout
    loss = F.mse_loss(net(unseen), unseen_targets).item()
    net.train()
    return loss


# %% kept-best
torch.manual_seed(0)
net = MLP()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
lowest = float("inf")
for _ in range(100):
    train_step(net, optimizer)
    if unseen_loss(net) < lowest:
        lowest = unseen_loss(net)
        best = net.state_dict()
torch.save(best, "best.pt")

net.load_state_dict(torch.load("best.pt"))
print(f"lowest loss on unseen rows: {lowest:.1f}")
print(f"loss with the saved file: {unseen_loss(net):.1f}")


# %% view-trap fold="output"
def kilobytes(path):
    return f"{os.path.getsize(path) / 1000:,.0f} kB"


big = torch.zeros(1_000_000)
torch.save({"rows": big[:3], "step": 5}, "view.pt")
torch.save({"rows": big[:3].clone(), "step": 5}, "clone.pt")

loaded = torch.load("view.pt")
print(loaded)
print("view: ", kilobytes("view.pt"))
print("clone:", kilobytes("clone.pt"))
rows = loaded["rows"]
print("bytes in memory:", rows.untyped_storage().nbytes())

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

# %% dict raises="FileNotFoundError, RuntimeError"
torch.save({"x": x, "y": y}, "mydict.pt")
mydict = torch.load("mydict.pt")
print("keys:", list(mydict))

os.rename("mydict.pt", "other.pt")
print("keys:", list(torch.load("other.pt")))
torch.load("mydict.pt")

torch.save(y, "x.pt")  # overwrites, unasked | 直接覆盖，不会询问
print("x.pt now holds:", torch.load("x.pt"))
torch.save(y, "runs/y.pt")

# %% shared-refs fold="output"
table = torch.zeros(2, 3)
values = {"table": table, "same": table, "row": table[0]}
torch.save(values, "together.pt")
torch.save(table[0], "alone.pt")

loaded = torch.load("together.pt")
alone = torch.load("alone.pt")
loaded["table"] += 7
print("same object:", loaded["table"] is loaded["same"])
print("row, one file:", loaded["row"].tolist())
print("row, two files:", alone.tolist())

# %% round-trip
torch.save(net.state_dict(), "mlp.pt")
for name, value in torch.load("mlp.pt").items():
    print(name, tuple(value.shape))

X = torch.randn(2, 20)
clone = MLP()
print("before loading:", torch.equal(clone(X), net(X)))
print(clone.load_state_dict(torch.load("mlp.pt")))
print("after loading:", torch.equal(clone(X), net(X)))

# %% zip-entries fold="output"
import zipfile


# Names and bytes of what is in the file | 文件里各项的名字和字节数
def entries(path):
    sizes = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename.partition("/")[2]
            sizes[name] = entry.file_size
    return sizes


shared = nn.Linear(256, 256)
tied = nn.Sequential(shared, nn.ReLU(), shared)
torch.save(tied.state_dict(), "tied.pt")

for path in ("mlp.pt", "tied.pt"):
    print(path, "names:", len(torch.load(path)), end=", ")
    blocks = [k for k in entries(path) if k[:5] == "data/"]
    print("blocks:", len(blocks))

# %% zip-picture fold="code"
import matplotlib.pyplot as plt


# An entry, and the tensors whose bytes it holds | 条目，以及字节在其中的张量
def describe(archive, entry, state):
    words = [entry.partition("/")[2]]
    for name, value in state.items():
        if value.numpy().tobytes() == archive.read(entry):
            words.append(name)
    return " ".join(words)


ratios = {"height_ratios": (10, 8)}
fig, axes = plt.subplots(2, sharex=True, **ratios)
fig.set_size_inches(2.8, 6.4)
paths = ("mlp.pt", "tied.pt")
for ax, path in zip(axes, paths, strict=True):
    state = torch.load(path)
    with zipfile.ZipFile(path) as archive:
        labels = []
        for entry in archive.namelist():
            labels.append(describe(archive, entry, state))
    colors = ["C0" if " " in t else "C2" for t in labels]
    colors[labels.index("data.pkl")] = "C1"
    sizes = entries(path).values()
    bars = ax.barh(labels, sizes, height=0.7, color=colors)
    texts = [f"{n:,}" for n in sizes]
    ax.bar_label(bars, texts, padding=3, size=13)
    ax.invert_yaxis()
    total = f"{path}: {os.path.getsize(path):,}"
    ax.set_title(total, size=14)
    ax.set(xscale="log", xlim=(0.7, 4e7))
    ax.tick_params(labelsize=13)
    ax.spines[["top", "right"]].set_visible(False)
ax.set_xticks([1, 1e3, 1e6], ["1", "1,000", "1,000,000"])
ax.minorticks_off()

# %% live fold="output"
torch.manual_seed(0)
net = MLP()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
lowest, kept = float("inf"), {}
for _ in range(100):
    train_step(net, optimizer)
    if unseen_loss(net) < lowest:
        lowest = unseen_loss(net)
        kept["itself"] = net.state_dict()
        kept["copy"] = net.state_dict().copy()
        kept["deepcopy"] = copy.deepcopy(net.state_dict())

print(f"lowest: {lowest:.1f}")
for how, best in kept.items():
    net.load_state_dict(best)
    print(f"{how}: {unseen_loss(net):.1f}")


# %% contents fold="output"
class Inventory(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(2))
        self.register_buffer("mean", torch.rand(2))
        x = torch.rand(2)
        self.register_buffer("cache", x, persistent=False)
        self.constant = torch.rand(2)


original, restored = Inventory().eval(), Inventory()
saved = original.state_dict()
print(restored.load_state_dict(saved))
for name in (*saved, "cache", "constant", "training"):
    there = torch.as_tensor(getattr(original, name))
    here = torch.as_tensor(getattr(restored, name))
    print(f"{name:8} saved: {name in saved!s:5}", end=" ")
    print("same:", torch.equal(there, here))

# %% eval-matters fold="output"
torch.manual_seed(0)
first = nn.Sequential(nn.Linear(20, 50), nn.Dropout())
second = nn.Sequential(nn.Linear(20, 50), nn.Dropout())
second.load_state_dict(first.state_dict())
second.eval()
print("training:", first.training, second.training)
print("same output:", torch.equal(first(X), second(X)))
first.eval()
print("both in eval:", torch.equal(first(X), second(X)))


# %% taken-over fold="output"
half = nn.Linear(2, 1).half()
half.weight.requires_grad = False

for assign in (False, True):
    fresh = nn.Linear(2, 1)
    fresh.load_state_dict(half.state_dict(), assign=assign)
    print("assign:", assign, fresh.weight.dtype, end=" ")
    print("frozen:", not fresh.weight.requires_grad)


# %% other-names raises="RuntimeError" fold="output"
class RenamedMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 256)
        self.output = nn.Linear(256, 10)  # was out | 原来叫 out

    def forward(self, X):
        return self.output(F.relu(self.hidden(X)))


renamed = RenamedMLP()
state = torch.load("mlp.pt")
renamed.load_state_dict(state)

report = renamed.load_state_dict(state, strict=False)
print("missing:", report.missing_keys)
print("unexpected:", report.unexpected_keys)
print("same output:", torch.equal(renamed(X), clone(X)))

state["output.weight"] = state.pop("out.weight")
state["output.bias"] = state.pop("out.bias")
print(renamed.load_state_dict(state))
print("same output:", torch.equal(renamed(X), clone(X)))

# %% shapes-stay-strict raises="RuntimeError"
wide = MLP()
wide.out = nn.Linear(256, 12)
state = torch.load("mlp.pt")
wide.load_state_dict(state, strict=False)

fits = torch.equal(wide.hidden.weight, clone.hidden.weight)
print("hidden loaded:", fits)

# %% wrong-things raises="TypeError, AttributeError, RuntimeError"
clone.load_state_dict("mlp.pt")

torch.load("mlp.pt").eval()

everything = {"net": net.state_dict(), "step": 5}
clone.load_state_dict(everything)

# %% wrong-hands raises="AttributeError, TypeError, AttributeError, RuntimeError"
loaded = MLP().load_state_dict(torch.load("mlp.pt"))
loaded.eval()
loaded(X)

nn.DataParallel(MLP()).out

keeper = MLP()
keeper.seen = keeper(X)
copy.deepcopy(keeper)

# %% prefix raises="RuntimeError"
state = nn.DataParallel(MLP()).state_dict()
MLP().load_state_dict(state)

for name in list(state):
    state[name.removeprefix("module.")] = state.pop(name)
print(MLP().load_state_dict(state))

# %% other-optimizer raises="ValueError, ValueError"
whole = torch.optim.Adam(net.parameters())
last = torch.optim.Adam(net.out.parameters())
last.load_state_dict(whole.state_dict())

layer_by_layer = [
    {"params": net.hidden.parameters()},
    {"params": net.out.parameters(), "lr": 0.01},
]
grouped = torch.optim.Adam(layer_by_layer)
grouped.load_state_dict(whole.state_dict())

# %% whole-model raises="UnpicklingError"
torch.save(net, "whole.pt")
torch.load("whole.pt")


# %% what-it-would-run fold="output"
from torch import serialization


class Trap:
    def __reduce__(self):
        return print, ("this line came out of the file",)


torch.save(Trap(), "trap.pt")
for path in ("mlp.pt", "whole.pt", "trap.pt"):
    # runs nothing of it | 什么都不执行
    wanted = serialization.get_unsafe_globals_in_checkpoint
    print(path, "wants:", sorted(wanted(path)))

result = torch.load("trap.pt", weights_only=False)
print("what was loaded:", result)

# %% class-gone raises="ModuleNotFoundError"
import sys
import types

models = types.ModuleType("models")  # for models.py | 代替 models.py
parts = {"__module__": "models"}
models.Net = type("Net", (nn.Linear,), parts)

sys.modules["models"] = models
torch.save(models.Net(20, 2), "net.pt")
del sys.modules["models"]  # in another program | 换了一个程序
torch.load("net.pt", weights_only=False)

# %% class-missing raises="AttributeError"
here = sys.modules["__main__"]
elsewhere = types.ModuleType("__main__")  # has no MLP | 没有 MLP
sys.modules["__main__"] = elsewhere
torch.load("whole.pt", weights_only=False)

sys.modules["__main__"] = here

# %% numpy-scalar raises="UnpicklingError"
import numpy as np

accuracy = np.mean([1, 0, 1, 1])
torch.save({"accuracy": accuracy}, "result.pt")
torch.load("result.pt")

torch.save({"accuracy": float(accuracy)}, "result.pt")
print(torch.load("result.pt"))

# %% safetensors
import json

# A length, JSON, numbers | 长度、JSON、数值
state = torch.load("mlp.pt")
described, numbers = {}, b""
for name, value in state.items():
    start = len(numbers)
    numbers += value.numpy().tobytes()
    end = len(numbers)
    described[name] = {
        "dtype": "F32",
        "shape": list(value.shape),
        "data_offsets": [start, end],
    }
text = json.dumps(described).encode()
size = len(text).to_bytes(8, "little")
path = "mlp.safetensors"
with open(path, "wb") as file:
    file.write(size + text + numbers)

# Read again | 再读回来
with open(path, "rb") as file:
    whole = bytearray(file.read())
size = int.from_bytes(whole[:8], "little")
found = json.loads(whole[8 : 8 + size])
numbers = whole[8 + size :]
for key, value in found["out.bias"].items():
    print(key, value)
start, end = found["out.bias"]["data_offsets"]
part, F32 = numbers[start:end], torch.float32
bias = torch.frombuffer(part, dtype=F32)
print("same:", bias.equal(state["out.bias"]))

# %% map-location raises="RuntimeError"
from unittest import mock

# Marks a tensor as one from GPU 99 | 给张量标上第 99 块显卡
tag = "torch.serialization.location_tag"
with mock.patch(tag, return_value="cuda:99"):
    torch.save(torch.ones(2), "from-gpu.pt")
torch.load("from-gpu.pt")

print(torch.load("from-gpu.pt", map_location="cpu"))

# %% meta
shapes = torch.load("mlp.pt", map_location="meta")
for name, value in shapes.items():
    print(name, value.device, tuple(value.shape))

# %% mapped
with torch.device("meta"):
    large = MLP()
mapped = torch.load("mlp.pt", mmap=True)
print(large.load_state_dict(mapped, assign=True))
print("same output:", torch.equal(large(X), clone(X)))
del large, mapped  # lets go of the file | 释放文件

# %% broken-files raises="RuntimeError, EOFError, UnpicklingError"
torch.save(torch.arange(4), "broken.pt")
os.truncate("broken.pt", 100)  # the first bytes | 只留开头
torch.load("broken.pt")

os.truncate("broken.pt", 0)  # an empty file | 空文件
torch.load("broken.pt")

with open("broken.pt", "w") as file:
    file.write("<html>404: not found</html>")
torch.load("broken.pt")

# %% checkpoint fold="output"
torch.manual_seed(0)
net = MLP()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(5):
    train_step(net, optimizer)
checkpoint = {
    "net": net.state_dict(),
    "optimizer": optimizer.state_dict(),
    "step": 5,
}
torch.save(checkpoint, "checkpoint.tmp")
os.replace("checkpoint.tmp", "checkpoint.pt")  # in one step | 一步换上


def resume(with_optimizer):
    saved = torch.load("checkpoint.pt")
    net = MLP()
    net.load_state_dict(saved["net"])
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    if with_optimizer:
        optimizer.load_state_dict(saved["optimizer"])
    for _ in range(saved["step"], 10):
        train_step(net, optimizer)
    return net


for _ in range(5):  # without a break | 不中断，接着训练
    train_step(net, optimizer)
Y = net(X)
print("with optimizer:", torch.equal(Y, resume(True)(X)))
print("without:", torch.equal(Y, resume(False)(X)))

# %% other-things
from dataclasses import asdict, dataclass


@dataclass
class Config:
    width: int
    rate: float


config = Config(width=256, rate=0.01)
words = {0: "<pad>", 1: "cat"}
run = {
    "net": net.state_dict(),
    "epoch": 3,
    "config": asdict(config),
    "words": words,
}
torch.save(run, "run.pt")

run = torch.load("run.pt")
print("epoch:", run["epoch"])
print(Config(**run["config"]))
print(run["words"])
back = json.loads(json.dumps(words))
print("through JSON:", back)

# %% how-often
c = 5  # seconds of a save | 存一次的秒数
t = 24 * 60 * 60  # of a run | 训练持续的秒数


def lost(every):  # as a share | 占多少
    return c / every + every / 2 / t


for minutes in (1, 5, 15, 60, 240):
    share = lost(60 * minutes)
    print(f"{minutes:3} minutes: {share:.1%}")
least = (2 * c * t) ** 0.5
print(f"least: {least / 60:.0f} minutes")


# %% check-keep-best
def check_keep_best(Best):
    best, layer = Best(), nn.BatchNorm1d(2)
    cache = torch.ones(2)  # is not saved | 不会保存
    layer.register_buffer("cache", cache, persistent=False)
    total = torch.zeros(())  # one for all | 始终是它
    for loss in (3.0, 0.0, 2.0, 1.5):
        layer(torch.rand(4, 2))
        nn.init.constant_(layer.weight, loss)
        total.fill_(loss)
        # one of them as a float | 其中一个用浮点数
        best.see(layer, loss if loss == 2.0 else total)
        if loss == 0.0:
            expected = str(layer.state_dict())
    for _ in range(2):  # it can be done again | 可以多次恢复
        for value in layer.state_dict().values():
            value.fill_(9)
        best.restore(layer)
        found = str(layer.state_dict())
        assert found == expected, "these are other weights"
    print("checked: the best of four, twice")


# %% keep-best
class Best:
    def __init__(self):
        self.lowest = float("inf")

    def see(self, net, loss):
        loss = float(loss)
        if loss < self.lowest:
            self.lowest = loss
            self.state = copy.deepcopy(net.state_dict())

    def restore(self, net):
        net.load_state_dict(self.state)


check_keep_best(Best)


# %% check-transplant
def check_transplant(transplant):
    net, target = MLP(), RenamedMLP()
    target.out = nn.Linear(256, 12)
    for part in (net, target):
        part.register_buffer("mean", torch.rand(2))
    old = copy.deepcopy(target.state_dict())
    saved = net.state_dict() | {"step": torch.tensor(5)}
    # near (12, 256) and (12,) | 与之相近的形状
    saved["out.weight"] = torch.ones(1, 256)
    saved["out.bias"] = torch.ones(3, 4)
    kept, held = copy.deepcopy(saved), target.hidden.weight
    report = transplant(saved, target)
    assert list(saved) == list(kept), "saved has changed"
    assert target.hidden.weight is held, "a new parameter"
    kinds = {kind: set(names) for kind, names in report.items()}
    assert kinds == {
        "loaded": {"hidden.weight", "hidden.bias", "mean"},
        "resized": {"out.weight", "out.bias"},
        "missing": {"output.weight", "output.bias"},
        "unexpected": {"step"},
    }, f"another report: {report}"
    new = target.state_dict()
    for name in new:
        source = kept if name in report["loaded"] else old
        fits = torch.equal(new[name], source[name])
        assert fits, f"{name} has wrong values"
    for name in report["loaded"]:
        its = saved[name].data_ptr()
        assert new[name].data_ptr() != its, f"{name} is shared"
    print("checked: 3 loaded, all others as they were")


# %% transplant
def transplant(saved, net):
    own = net.state_dict()
    fits = {
        name: value
        for name, value in saved.items()
        if name in own and value.shape == own[name].shape
    }
    net.load_state_dict(fits, strict=False)
    both = [name for name in saved if name in own]
    return {
        "loaded": list(fits),
        "resized": [n for n in both if n not in fits],
        "missing": [n for n in own if n not in saved],
        "unexpected": [n for n in saved if n not in own],
    }


check_transplant(transplant)


# %% noisy-training
def start():
    net = nn.Sequential(
        nn.Linear(20, 32),
        nn.ReLU(),
        nn.Dropout(),
        nn.Linear(32, 10),
    )
    return net, torch.optim.Adam(net.parameters(), lr=0.01)


def epoch(net, optimizer):
    for rows in torch.randperm(64).split(16):  # shuffled | 打乱顺序
        optimizer.zero_grad()
        loss = F.mse_loss(net(inputs[rows]), targets[rows])
        loss.backward()
        optimizer.step()


# %% check-exact-resume
def two_epochs(net, optimizer):
    for _ in range(2):
        epoch(net, optimizer)
    return nn.utils.parameters_to_vector(net.parameters())


def check_exact_resume(save_run, load_run):
    def resumed(forget):
        torch.manual_seed(999)  # as in a new process | 就当是新进程
        parts = start()
        load_run("run.pt", *parts, forget)
        for name, value in parts[0].state_dict().items():
            assert value.equal(saved[name]), f"{name} differs"
        if forget != "rng":
            same = torch.get_rng_state().equal(rng)
            assert same, "the generator is not as it was"
        if forget != "optimizer":
            found = parts[1].state_dict()
            assert found["state"], "the optimiser has no state"
            lr = found["param_groups"][0]["lr"]
            assert lr == 0.02, f"the rate is {lr}, not 0.02"
        return two_epochs(*parts)

    torch.manual_seed(0)
    parts = start()
    two_epochs(*parts)
    parts[1].param_groups[0]["lr"] = 0.02  # changed | 改过
    save_run("run.pt", *parts)
    saved = copy.deepcopy(parts[0].state_dict())
    rng = torch.get_rng_state()
    expected = two_epochs(*parts)
    same = torch.equal(expected, resumed(None))
    assert same, "resumed, it ends elsewhere"
    for part in ("optimizer", "rng"):
        same = torch.equal(expected, resumed(part))
        assert not same, f"{part} was restored all the same"
    print("checked: bit-equal only with optimizer and rng")


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


check_exact_resume(save_run, load_run)


# %% check-size-explained
def storage_bytes(state):
    found = {}
    for value in state.values():
        storage = value.untyped_storage()
        found[storage.data_ptr()] = storage.nbytes()
    return sum(found.values())


def check_size_explained(explain, on_paper):
    models = {
        "MLP": MLP(),
        "tied": tied,
        "norm": nn.BatchNorm1d(3),
    }
    for name, model in models.items():
        state = model.state_dict()
        torch.save(state, "model.pt")
        parts = explain("model.pt")
        size = os.path.getsize("model.pt")
        count, inside = storage_bytes(state), entries("model.pt")
        right = {
            "numbers": count,
            "names": inside["data.pkl"],
            "zip": size - sum(inside.values()),
        }
        right["other"] = size - sum(right.values())
        assert parts == right, f"{name}: {parts}, not {right}"
        assert on_paper[name] == count, f"paper on {name}"
        print(f"checked: {name} has {count:,} bytes")


# %% size-explained
def explain(path):
    sizes = entries(path)
    blocks = [name for name in sizes if name[:5] == "data/"]
    numbers = sum(sizes[name] for name in blocks)
    names = sizes["data.pkl"]
    inside = sum(sizes.values())
    return {
        "numbers": numbers,
        "names": names,
        "other": inside - numbers - names,
        "zip": os.path.getsize(path) - inside,
    }


on_paper = {
    "MLP": 4 * (256 * 20 + 256 + 10 * 256 + 10),
    "tied": 4 * (256 * 256 + 256),
    "norm": 4 * 4 * 3 + 8,
}
check_size_explained(explain, on_paper)


# %% check-atomic-save
class Breaks:
    def __init__(self, error):
        self.error = error

    def __reduce__(self):
        raise self.error


def check_atomic_save(save_atomically):
    os.makedirs("safe", exist_ok=True)
    path, swaps = "safe/atomic.pt", []
    replace, full = os.replace, os.path.realpath

    def swap(src, dst):
        kept = os.path.exists(path)
        swaps.append((full(src), full(dst), kept))
        replace(src, dst)

    save_atomically({"step": 1}, path)
    with mock.patch("os.replace", swap):
        save_atomically({"step": 2}, path)
    assert swaps, "os.replace was not called"
    written, put, kept = swaps[-1]
    assert put == full(path), "moved away"
    beside = os.path.dirname(written) == full("safe")
    assert beside, "written elsewhere"
    assert kept, "the old file was removed first"
    files = sorted(os.listdir("safe"))
    # an error, and Ctrl-C | 出错，以及按 Ctrl-C
    for error in (RuntimeError, KeyboardInterrupt):
        try:
            save_atomically([Breaks(error)], path)
        except error:
            print("raised:", error.__name__)
        else:
            raise AssertionError("the caller was not told")
        kept = torch.load(path)
        assert kept == {"step": 2}, "the old file is gone"
        left = sorted(os.listdir("safe"))
        assert left == files, f"{error.__name__}: a file was left"
    print("checked: step 2 is still there, nothing else")


# %% atomic-save
def save_atomically(value, path):
    temporary = f"{path}.tmp"  # in the same folder | 与目标同一目录
    try:
        with open(temporary, "wb") as file:
            torch.save(value, file)
            file.flush()
            os.fsync(file.fileno())  # to the disk now | 立刻写到磁盘上
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


check_atomic_save(save_atomically)


# %% check-runs-nothing
import pickle


def stop():
    raise pickle.UnpicklingError("stop")


class Stops:  # ends the loading | 让加载到此为止
    def __reduce__(self):
        return stop, ()


def check_runs_nothing(traces, Calls, Restores):
    for payload in (Calls(), Restores()):
        armed = traces(payload, weights_only=False)
        kind = type(payload).__name__
        assert len(armed) == 1, f"{kind}: {armed}, not one trace"
        # a trace before the refusal | 拒绝之前留下的痕迹
        late = traces([payload, Stops()], weights_only=False)
        right = [*armed, "refused"]
        assert late == right, f"{kind}: {late}, not {right}"
        found = traces(payload)
        assert found == ["refused"], f"not refused: {found}"
    harmless = traces("harmless")
    assert harmless == [], f"refused or old: {harmless}"
    print("checked: 2 armed files refused, nothing ran")


# %% runs-nothing
ran = []


def leave_trace(word):
    ran.append(word)


class Calls:  # the file calls a function | 文件里调用函数
    def __reduce__(self):
        return leave_trace, ("call",)


class Restores:  # runs when it is rebuilt | 重建对象时执行
    def __init__(self):
        self.value = 1

    def __setstate__(self, state):
        leave_trace("restore")


def traces(payload, **options):
    value = {"weight": torch.ones(2), "late": payload}
    torch.save(value, "payload.pt")
    ran.clear()
    try:
        torch.load("payload.pt", **options)
    except pickle.UnpicklingError:
        ran.append("refused")
    return list(ran)


check_runs_nothing(traces, Calls, Restores)


# %% check-trimmed
def check_trimmed(trimmed):
    table, whole = torch.zeros(2, 3), torch.zeros(4)
    wide = torch.rand(10, dtype=torch.float64)
    small = torch.ones(900, dtype=torch.int8)
    mixed = {
        "head": big[:3],
        "table": table,
        "tail": big[-3:],
        "row": table[0],
        "left": whole[:2],
        "right": whole[2:],
        "wide": wide[:6],
        "small": small[:400],
    }
    torch.save(trimmed(mixed), "trimmed.pt")
    kept = mixed["head"].untyped_storage().nbytes()
    assert kept == 4_000_000, "what was given has changed"
    loaded = torch.load("trimmed.pt")
    assert list(loaded) == list(mixed), "other names"
    for name in mixed:
        same = torch.equal(loaded[name], mixed[name])
        assert same, f"{name} has other values"
    parts = {"head": 12, "tail": 12, "wide": 48, "small": 400}
    for name, right in parts.items():
        found = loaded[name].untyped_storage().nbytes()
        assert found == right, f"{name}: {found} bytes, not {right}"
    loaded["table"] += 7
    row = loaded["row"].tolist()
    assert row == [7, 7, 7], "the row is no longer shared"
    base = loaded["left"].untyped_storage().data_ptr()
    there = loaded["right"].untyped_storage().data_ptr()
    assert base == there, "two halves that show all of it"
    print("checked: 4 slices cut, 1 row still shared")


# %% trimmed
from collections import defaultdict


def trimmed(tensors):
    users = defaultdict(list)
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage()
        users[storage.data_ptr()].append(name)

    result = dict(tensors)
    for names in users.values():
        whole = tensors[names[0]].untyped_storage().nbytes()
        seen = sum(tensors[name].nbytes for name in names)
        if seen < whole:
            for name in names:
                result[name] = tensors[name].clone()
    return result


check_trimmed(trimmed)
