# %% setup
import os

import torch
from torch import nn
from torch.nn import functional as F


def try_gpu(i=0):
    if 0 <= i < torch.cuda.device_count():
        return torch.device("cuda", i)
    return torch.device("cpu")


device = try_gpu()

# the task: 256 examples, 4 features around 1 | 任务：256 个样本，4 个特征，都在 1 附近
torch.manual_seed(0)
X = 1 + torch.randn(256, 4)
y = (X[:, :1] - 1) * (X[:, 1:2] - 1)
X, y = X.to(device), y.to(device)


# %% blocks
class CenteredLayer(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))

    def forward(self, X):
        if self.training:  # follows the batches | 跟着各批数据走
            self.mean.lerp_(X.detach().mean(dim=0), 0.1)
        return X - self.mean


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.dropout = nn.Dropout(0.1)

    def forward(self, X):
        return X + self.dropout(F.relu(self.linear(X)))


# %% model fold="output"
def my_init(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, std=0.1)
        nn.init.zeros_(m.bias)


def build():
    shared = Residual(32)
    net = nn.Sequential(
        CenteredLayer(4),
        nn.Linear(4, 32),
        shared,
        shared,
        nn.Linear(32, 1),
    )
    return net.apply(my_init).to(device)


net = build()
print("parameters:", *(name for name, _ in net.named_parameters()))
print("numbers:", sum(p.numel() for p in net.parameters()))
print("keys of the state dict:", len(net.state_dict()))
print("output:", tuple(net(X).shape), net(X).device == device)

# %% run
STEPS = 100


class Run:
    def __init__(self, seed):
        torch.manual_seed(seed)
        self.net = build()
        parameters = self.net.parameters()  # already moved | 已经移动好了
        self.optimizer = torch.optim.Adam(parameters, lr=0.02)
        self.losses = torch.full((STEPS,), torch.nan, device=device)
        self.step = 0

    def update(self):
        rows = torch.randperm(len(X))[:128].to(device)
        loss = F.mse_loss(self.net(X[rows]), y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.losses[self.step] = loss.detach()  # no .item() | 不用 .item()
        self.step += 1


whole = Run(seed=0)
while whole.step < STEPS:
    whole.update()
first, last = whole.losses[:10].mean(), whole.losses[-10:].mean()
print("loss fell to less than a fifth:", bool(last < first / 5))


# %% checkpoint
def save(run, path):
    checkpoint = {
        "net": run.net.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "losses": run.losses,
        "step": run.step,
        "rng": torch.get_rng_state(),
        "gpu_rng": torch.cuda.get_rng_state_all(),  # [] without | 没有则为 []
    }
    torch.save(checkpoint, f"{path}.tmp")
    os.replace(f"{path}.tmp", path)


def resume(path, forget=()):
    saved = torch.load(path, map_location="cpu")
    run = Run(seed=1)  # other weights, until they are loaded | 权重不同，等着被覆盖
    run.net.load_state_dict(saved["net"])
    if "optimizer" not in forget:
        run.optimizer.load_state_dict(saved["optimizer"])
    run.losses.copy_(saved["losses"])
    run.step = saved["step"]
    if "rng" not in forget:  # last: building draws, too | 最后恢复：建模型也要抽数
        torch.set_rng_state(saved["rng"])
        torch.cuda.set_rng_state_all(saved["gpu_rng"])
    return run


# %% power-cut raises="PowerCut"
class PowerCut(Exception):
    pass


def train(run, cut=None):
    while run.step < STEPS:
        run.update()
        if run.step % 20 == 0:
            save(run, f"step-{run.step}.pt")
        if run.step == cut:
            raise PowerCut(f"after step {cut} of {STEPS}")


killed = Run(seed=0)
train(killed, cut=75)


# %% resume fold="output"
def same(a, b):
    there, here = a.net.state_dict(), b.net.state_dict()
    return all(torch.equal(there[name], here[name]) for name in there)


print("files:", *sorted(os.listdir()))
resumed = resume("step-60.pt")
seam = resumed.step
print("seam:", seam)

train(resumed)
print("same losses:", torch.equal(resumed.losses, whole.losses))
print("same parameters and buffer:", same(resumed, whole))

# %% forgotten fold="output"
forgotten = {}
for part in "optimizer", "rng":
    run = resume("step-60.pt", forget=[part])
    train(run)
    forgotten[part] = run.losses
    differs = (run.losses != whole.losses).nonzero()
    print(f"without {part}: differs from step", differs[0].item() + 1)

# %% curves fold="code"
import matplotlib.pyplot as plt

steps = torch.arange(1, STEPS + 1)
lines = {
    "whole": (whole.losses, 0, {"color": "black", "lw": 6, "alpha": 0.25}),
    "killed": (killed.losses, 0, {"color": "C2", "lw": 3}),
    "resumed": (resumed.losses, seam, {"color": "C0", "lw": 1.5}),
    'forget=["optimizer"]': (
        forgotten["optimizer"],
        seam,
        {"color": "C1", "ls": "--"},
    ),
}
with plt.rc_context({"font.size": 13}):
    figure, axes = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    for label, (losses, start, style) in lines.items():
        axes.plot(steps[start:], losses.cpu()[start:], label=label, **style)
    axes.axvline(seam + 0.5, color="black", ls=":")
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.set_xticks(range(0, STEPS + 1, 20))
    figure.legend(loc="outside upper center", ncol=2, frameon=False)


# %% ties
def ties(net):
    names = {}
    for name, p in net.named_parameters(remove_duplicate=False):
        names.setdefault(id(p), []).append(name)
    return [group for group in names.values() if len(group) > 1]


tied, untied = build(), build()
untied[3] = Residual(32).to(device)
saved = torch.load("step-60.pt", map_location="cpu")
for net in tied, untied:
    print("ties:", ties(net))
    print(net.load_state_dict(saved["net"]))  # no complaint | 都不报错
    net.eval()
assert ties(tied) == [
    ["2.linear.weight", "3.linear.weight"],
    ["2.linear.bias", "3.linear.bias"],
]
assert ties(untied) == []
assert torch.equal(tied(X), untied(X))  # equal for now | 眼下还相等

optimizer = torch.optim.Adam(untied.parameters())
refused = False
try:
    optimizer.load_state_dict(saved["optimizer"])
except ValueError as error:
    refused = True
    print("ValueError:", error)
assert refused
print("checked: only the ties and the optimizer tell them apart")


# %% latest
def latest(paths):
    steps = {}
    for path in paths:
        try:
            steps[path] = torch.load(path, map_location="cpu")["step"]
        except (OSError, EOFError, RuntimeError):
            continue  # missing, empty or cut off | 没有、空的或不完整
    return max(steps, key=steps.get)


with open("step-60.pt", "rb") as file:
    data = file.read()
for name, content in ("torn.pt", data[: len(data) // 2]), ("empty.pt", b""):
    with open(name, "wb") as file:
        file.write(content)

found = latest(["torn.pt", "step-20.pt", "step-40.pt", "empty.pt", "none.pt"])
assert found == "step-40.pt"
run = resume(found)
train(run)
assert torch.equal(run.losses, whole.losses)
print("checked: resumed from", found)
