# %% setup fold="code"
import os

import torch
from sklearn.datasets import load_digits  # scikit-learn
from torch import nn
from torch.nn import functional as F


def try_gpu(i=0):
    count = torch.cuda.device_count()
    if torch.cuda.is_available() and 0 <= i < count:
        return torch.device("cuda", i)
    return torch.device("cpu")


device = try_gpu()
# cuDNN: algorithms that repeat exactly | cuDNN 只用可重复的算法
torch.backends.cudnn.deterministic = True

digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32)
images = images.unsqueeze(1) / 16  # one channel | 加一个通道
labels = torch.tensor(digits.target, dtype=torch.long)

torch.manual_seed(0)
order = torch.randperm(len(images))
train, held_out = order[:1297], order[1297:]
X, y = images[train].to(device), labels[train].to(device)
X_test = images[held_out].to(device)
y_test = labels[held_out].to(device)


def perceptron():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    ).to(device)


def fit(net, optimizer, steps):
    for _ in range(steps):
        rows = torch.randperm(len(X))[:128].to(device)
        loss = F.cross_entropy(net(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def mean_loss(net):
    with torch.no_grad():
        return F.cross_entropy(net(X), y).item()


print("to learn from:", tuple(X.shape))
print("held out:", tuple(X_test.shape))


# %% weights-only
torch.manual_seed(0)
net = perceptron()
adam = torch.optim.Adam(net.parameters(), lr=0.02)
fit(net, adam, steps=200)
torch.save(net.state_dict(), "weights.pt")
print(f"saved:          {mean_loss(net):.4f}")

# in the morning, a new process | 第二天早上，新的进程
net = perceptron()
net.load_state_dict(torch.load("weights.pt"))
adam = torch.optim.Adam(net.parameters(), lr=0.02)
print(f"loaded:         {mean_loss(net):.4f}")
fit(net, adam, steps=1)
print(f"one step later: {mean_loss(net):.4f}")


# %% blocks
class CenteredLayer(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))

    def forward(self, X):
        if self.training:  # follows the batches | 跟着各批数据走
            self.mean.lerp_(X.detach().mean(dim=0), 0.1)
        return X - self.mean


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.dropout = nn.Dropout(0.1)

    def forward(self, X):
        return X + self.dropout(F.relu(self.conv(X)))


# %% model fold="output"
def my_init(m):
    if isinstance(m, (nn.Conv2d, nn.Linear)):
        nn.init.kaiming_normal_(m.weight)
        nn.init.zeros_(m.bias)


def build():
    shared = Residual(16)
    net = nn.Sequential(
        CenteredLayer(1, 8, 8),
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        shared,
        shared,
        nn.Flatten(),
        nn.LazyLinear(10),
    ).to(device)
    with torch.no_grad():
        net.eval()(X[:1])  # dry run | 试运行
    return net.apply(my_init).train()


net = build()
print("numbers:", sum(p.numel() for p in net.parameters()))
print("keys of the state dict:", len(net.state_dict()))
print("last layer:", net[5])


# %% image-errors raises="RuntimeError, RuntimeError, IndexError, RuntimeError"
raw = torch.tensor(digits.images)  # float64, no channel | 没有通道
conv = nn.Conv2d(1, 16, 3)
scores = torch.zeros(len(labels), 9)  # of 9 classes | 只有 9 类

conv(raw.unsqueeze(1))
conv(raw.float())
F.cross_entropy(scores, labels)
F.cross_entropy(scores, labels.unsqueeze(1))

# %% more-image-errors raises="RuntimeError, RuntimeError, ValueError"
unbiased = nn.Conv2d(1, 16, 3, bias=False)
ten = torch.zeros(len(labels), 10)  # of 10 classes | 10 类

unbiased(raw.unsqueeze(1))
F.cross_entropy(ten, labels.float())
F.cross_entropy(ten, labels[:3])


# %% run
STEPS = 100


class Run:
    def __init__(self, seed):
        torch.manual_seed(seed)
        self.net = build()
        weights = self.net.parameters()  # moved | 已移动
        self.optimizer = torch.optim.Adam(weights, lr=0.03)
        self.parts = {
            "net": self.net,
            "optimizer": self.optimizer,
        }
        losses = torch.full((STEPS,), torch.nan)
        self.losses = losses.to(device)
        self.step = 0

    def rows(self):
        return torch.randperm(len(X))[:256]

    def update(self):
        rows = self.rows().to(device)
        loss = F.cross_entropy(self.net(X[rows]), y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.losses[self.step] = loss.detach()
        self.step += 1


def accuracy(net):
    net.eval()  # and stays so: see peek | 之后也不切回：见 peek
    with torch.no_grad():
        hits = net(X_test).argmax(dim=1) == y_test
    return hits.float().mean().item()


whole = Run(seed=0)
while whole.step < STEPS:
    whole.update()
print(f"held-out accuracy: {accuracy(whole.net):.3f}")


# %% memory
def size(tensors):
    # each memory once | 同一块内存只算一次
    parts = [t.untyped_storage() for t in tensors]
    sizes = {part.data_ptr(): part.nbytes() for part in parts}
    return f"{sum(sizes.values()) / 1000:.1f} kB"


def saved_for_backward(net, rows):
    kept = []

    def pack(tensor):
        kept.append(tensor.detach())
        return kept[-1]

    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(pack, lambda tensor: tensor):
        net(X[:rows])
    return size(kept)


run = Run(seed=0)
run.update()
weights = list(run.net.parameters())
states = run.optimizer.state.values()
averages = [s["exp_avg"] for s in states]
averages += [s["exp_avg_sq"] for s in states]
print("weights:", size(weights))
print("gradients:", size([p.grad for p in weights]))
print("Adam:", size(averages))
for rows in 64, 128:
    kept = saved_for_backward(run.net, rows)
    print(f"saved for backward, {rows} rows:", kept)
with torch.no_grad():
    kept = saved_for_backward(run.net, 128)
print("with no_grad, 128 rows:", kept)


# %% checkpoint
def save(run, path):
    checkpoint = {}
    for name, part in run.parts.items():
        checkpoint[name] = part.state_dict()
    checkpoint["losses"] = run.losses
    checkpoint["step"] = run.step
    checkpoint["rng"] = torch.get_rng_state()
    checkpoint["gpu_rng"] = torch.cuda.get_rng_state_all()
    torch.save(checkpoint, f"{path}.tmp")
    os.replace(f"{path}.tmp", path)


def resume(path, kind=Run, forget=()):
    saved = torch.load(path, map_location="cpu")
    run = kind(seed=1)  # other weights | 权重不同
    for name, part in run.parts.items():
        if name not in forget:
            part.load_state_dict(saved[name])
    run.losses.copy_(saved["losses"])
    run.step = saved["step"]
    if "rng" not in forget:  # last | 放在最后
        torch.set_rng_state(saved["rng"])
        gpus = torch.cuda.device_count()  # or fewer | 可能更少
        torch.cuda.set_rng_state_all(saved["gpu_rng"][:gpus])
    return run


# %% mixed-precision
layer = nn.Linear(3, 1, bias=False)
weight = layer.weight
nn.init.ones_(weight)
sgd = torch.optim.SGD([weight], lr=0.01)
eights = torch.full((1, 3), 8.0)


def half_step(scaler):
    before = weight.detach().clone()
    # only the forward pass | 只包住前向传播
    with torch.autocast("cpu", dtype=torch.float16):
        # float16 ends at 65504 | float16 最大到 65504
        loss = layer(eights).sum()
    sgd.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(sgd)
    scaler.update()
    return "skip" if weight.equal(before) else "step"


scaler = torch.amp.GradScaler("cpu")
print(*(half_step(scaler) for _ in range(6)))
print("scale:", scaler.get_scale())

scaler_2 = torch.amp.GradScaler("cpu")
print("a new one:", half_step(scaler_2))
scaler_2.load_state_dict(scaler.state_dict())
print("with the old state:", half_step(scaler_2))


# %% power-cut raises="PowerCut"
class PowerCut(Exception):
    pass


def go_on(run, cut=None):
    while run.step < STEPS:
        run.update()
        if run.step % 20 == 0:
            save(run, f"step-{run.step}.pt")
        if run.step == cut:
            raise PowerCut(f"after step {cut} of {STEPS}")


killed = Run(seed=0)
go_on(killed, cut=75)


# %% resume fold="output"
def same(a, b):
    a, b = a.net.state_dict(), b.net.state_dict()
    return all(torch.equal(a[name], b[name]) for name in b)


resumed = resume("step-60.pt")
seam = resumed.step
go_on(resumed)

equal = torch.equal(resumed.losses, whole.losses)
print("same losses:", equal)
print("same parameters and buffer:", same(resumed, whole))
print(f"held-out accuracy: {accuracy(resumed.net):.3f}")


# %% generator-elsewhere raises="TypeError"
saved = torch.load("step-60.pt", map_location="meta")
torch.set_rng_state(saved["rng"])

# %% another-order
large = torch.tensor(1e8)
print("1e8 - 1e8 + 1 =", (large - large + 1).item())
print("1e8 + 1 - 1e8 =", (large + 1 - large).item())

torch.manual_seed(0)
numbers = torch.rand(10_000)
total = torch.zeros(())
for number in numbers:
    total += number
print(f"one by one:     {total:.4f}")
print(f"sum():          {numbers.sum():.4f}")
print(f"sum(), float64: {numbers.double().sum():.4f}")
torch.testing.assert_close(total, numbers.sum())

# %% data-loader
from torch.utils.data import DataLoader

loader = DataLoader(range(8), batch_size=4, shuffle=True)
before = torch.get_rng_state()
first = [rows.tolist() for rows in loader]
second = [rows.tolist() for rows in loader]
torch.set_rng_state(before)
again = [rows.tolist() for rows in loader]
print("a new order for each pass:", first != second)
print("the same one again:", first == again)


# %% background-copies
gpu = device.type == "cuda"
loader = DataLoader(X.cpu(), batch_size=500, pin_memory=gpu)
for batch in loader:
    moved = batch.to(device, non_blocking=True)
print("pinned, if there is a GPU:", batch.is_pinned() == gpu)
print("same values:", moved.equal(X[-len(moved) :]))


# %% forgotten fold="output"
forgotten = {}
for part in "optimizer", "rng":
    run = resume("step-60.pt", forget=[part])
    while run.step < STEPS:
        run.update()
    forgotten[part] = run.losses
    differs = (run.losses != whole.losses).nonzero()
    print(f"without {part}:", differs[0].item() + 1)


# %% curves fold="code"
import matplotlib.pyplot as plt

steps = torch.arange(1, STEPS + 1)
lines = {
    "whole": (
        whole.losses,
        0,
        {"color": "black", "lw": 6, "alpha": 0.25},
    ),
    "killed": (killed.losses, 0, {"color": "C2", "lw": 3}),
    "resumed": (
        resumed.losses,
        seam,
        {"color": "C0", "lw": 1.5},
    ),
    "without optimizer": (
        forgotten["optimizer"],
        seam,
        {"color": "C1", "ls": "--"},
    ),
}
with plt.rc_context({"font.size": 14}):
    figure, axes = plt.subplots(figsize=(5, 4.4))
    figure.set_layout_engine("constrained")
    for label, (losses, start, style) in lines.items():
        x, y_axis = steps[start:], losses.cpu()[start:]
        axes.plot(x, y_axis, label=label, **style)
    axes.axvline(seam + 0.5, color="black", ls=":")
    axes.set(xlabel="step", ylabel="loss", ylim=(0, 0.4))
    axes.set_xticks(range(0, STEPS + 1, 20))
    place = "outside upper center"
    figure.legend(loc=place, ncol=2, frameon=False)


# %% lost-tie raises="ValueError"
tied, untied = build(), build()
untied[3] = Residual(16).to(device)
saved = torch.load("step-60.pt", map_location="cpu")
for net in tied, untied:
    print(net.load_state_dict(saved["net"]))
    net.eval()
print("same outputs:", torch.equal(tied(X), untied(X)))

adam = torch.optim.Adam(untied.parameters())
adam.load_state_dict(saved["optimizer"])


# %% check-peek
def check_peek(peek):
    twin, run = build(), Run(seed=0)
    while run.step < 10:
        run.update()
        twin.load_state_dict(run.net.state_dict())
        error = abs(peek(run.net) - accuracy(twin))
        assert error < 1e-6, "another accuracy"
    equal = torch.equal(run.losses[:10], whole.losses[:10])
    assert equal, "looking has changed the run"

    peek(twin)  # in evaluation mode | 处于评估模式
    assert not twin.training, "it was in eval mode"
    print("checked: a look leaves no trace")


# %% peek
def peek(net):
    training = net.training
    share = accuracy(net)
    net.train(training)
    return share


check_peek(peek)


# %% check-scheduled
def check_scheduled(Scheduled):
    straight = Scheduled(seed=0)
    while straight.step < 12:
        straight.update()
    run = Run(seed=0)
    for _ in range(2):
        run.update()
    early = straight.losses[:2].equal(run.losses[:2])
    assert early, "the first step has the first rate"
    rate = straight.optimizer.param_groups[0]["lr"]
    told = f"rate {rate:.5f}, not 0.02895"
    assert abs(rate - 0.02895) < 1e-5, told

    cut = Scheduled(seed=0)
    while cut.step < 6:
        cut.update()
    save(cut, "scheduled.pt")
    resumed = resume("scheduled.pt", kind=Scheduled)
    while resumed.step < 12:
        resumed.update()
    there, here = straight.losses[:12], resumed.losses[:12]
    differs = (there != here).nonzero().flatten() + 1
    told = f"resumed at 6, other losses from {differs[:1].tolist()}"
    assert len(differs) == 0, told
    print("checked: the schedule goes on where it was")


# %% scheduled
class Scheduled(Run):
    def __init__(self, seed):
        super().__init__(seed)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR
        self.schedule = cosine(self.optimizer, T_max=STEPS)
        self.parts["schedule"] = self.schedule

    def update(self):
        super().update()
        self.schedule.step()


check_scheduled(Scheduled)


# %% useless-files raises="FileNotFoundError, EOFError, RuntimeError"
with open("step-60.pt", "rb") as file:
    data = file.read()
for name, length in (
    ("empty.pt", 0),
    ("torn.pt", 1000),
    ("half.pt", len(data) // 2),
):
    with open(name, "wb") as file:
        file.write(data[:length])

torch.load("none.pt")
torch.load("empty.pt")
torch.load("torn.pt")


# %% check-latest
def check_latest(latest):
    useless = ["torn.pt", "half.pt", "empty.pt", "none.pt"]
    for paths in (
        [*useless, "step-20.pt", "step-40.pt"],
        ["step-40.pt", "step-20.pt", *useless],
    ):
        found = latest(paths)
        assert found == "step-40.pt", f"it chose {found}"

    torch.save({"step": 90}, "a.pt")  # not by name | 不看名字
    found = latest(["a.pt", "step-80.pt"])
    assert found == "a.pt", f"it chose {found}"
    torch.save({"step": 30}, "late.pt")  # not by time | 不看时间
    torch.save(torch.ones(3), "tensor.pt")
    torch.save(7, "number.pt")
    others = ["weights.pt", "tensor.pt", "number.pt"]
    found = latest(["late.pt", "step-40.pt", *others])
    assert found == "step-40.pt", f"it chose {found}"

    torch.save({"step": 0}, "first.pt")
    found = latest([*others, "first.pt"])
    assert found == "first.pt", f"it chose {found}"

    torch.save({"step": nn.Linear(1, 1)}, "refused.pt")
    with open("page.pt", "w") as file:
        file.write("<html>a page of errors</html>")
    for path in "refused.pt", "page.pt":
        try:
            latest([path, "step-40.pt"])
        except Exception as error:
            told = type(error).__name__
        else:
            told = "nothing"
        told = f"{path}: it told {told}"
        assert told.endswith("UnpicklingError"), told

    run = resume(latest([*useless, "step-80.pt"]))
    go_on(run)
    assert torch.equal(run.losses, whole.losses)
    print("checked: resumed from the latest that opens")


# %% latest
def latest(paths):
    steps = {}
    for path in paths:
        try:
            saved = torch.load(path, map_location="cpu")
        except (OSError, EOFError, RuntimeError):
            continue
        # a checkpoint | 是检查点
        if isinstance(saved, dict) and "step" in saved:
            steps[path] = saved["step"]
    return max(steps, key=steps.get)


check_latest(latest)


# %% check-ties
def check_ties(ties):
    net = build()
    expected = {
        frozenset(["2.conv.weight", "3.conv.weight"]),
        frozenset(["2.conv.bias", "3.conv.bias"]),
    }
    assert set(map(frozenset, ties(net))) == expected, ties(net)

    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    third = nn.Linear(3, 3)
    second.weight = third.weight = first.weight
    net = nn.Sequential(first, second, third)
    three = {"0.weight", "1.weight", "2.weight"}
    found = list(map(set, ties(net)))
    assert found == [three], f"not one group of three: {found}"

    mean = torch.zeros(3)
    for place in "cpu", "meta":
        with torch.device(place):
            first = nn.Linear(3, 3)
            twin = nn.Linear(3, 3)
        # equal, one buffer | 值相等，共用缓冲区
        twin.load_state_dict(first.state_dict())
        for layer in first, twin:
            layer.register_buffer("mean", mean)
        # both without a bias | 都没有偏置
        bare = [nn.Linear(3, 3, bias=False) for _ in range(2)]
        found = list(ties(nn.Sequential(first, twin, *bare)))
        assert not found, f"no ties: {found}"
    print("checked: all ties, and nothing else")


# %% ties
def ties(net):
    names = {}
    pairs = net.named_parameters(remove_duplicate=False)
    for name, p in pairs:
        names.setdefault(id(p), []).append(name)
    groups = names.values()
    return [group for group in groups if len(group) > 1]


check_ties(ties)


# %% check-epochs
def check_epochs(Epochs):
    run = Epochs(seed=0)
    everything, orders = torch.arange(len(X)), []
    for _ in range(2):
        batches = []
        for _ in range(11):  # as update does | 和 update 一样
            batches.append(run.rows())
            run.step += 1
        sizes = [len(batch) for batch in batches]
        told = f"sizes {sizes}, not ten of 128 and 17"
        assert sizes == [128] * 10 + [17], told
        orders.append(torch.cat(batches))
        seen = orders[-1].sort().values
        assert torch.equal(seen, everything), "not each once"
    assert not torch.equal(*orders), "the same order again"

    straight = Epochs(seed=0)
    while straight.step < 15:
        straight.update()
    cut = Epochs(seed=0)
    while cut.step < 5:  # half of an epoch | 一轮才过一半
        cut.update()
    save(cut, "epochs.pt")
    resumed = resume("epochs.pt", kind=Epochs)
    while resumed.step < 15:
        resumed.update()
    there, here = straight.losses[:15], resumed.losses[:15]
    differs = (there != here).nonzero().flatten() + 1
    told = f"resumed at 5, other losses from {differs[:1].tolist()}"
    assert len(differs) == 0, told
    print("checked: an epoch survives the cut")


# %% epochs
class Order:
    def __init__(self):
        self.rows = torch.randperm(len(X))

    def next(self):
        if len(self.rows) == 0:
            self.rows = torch.randperm(len(X))
        rows, self.rows = self.rows[:128], self.rows[128:]
        return rows

    def state_dict(self):
        return {"rows": self.rows.clone()}

    def load_state_dict(self, saved):
        self.rows = saved["rows"]


class Epochs(Run):
    def __init__(self, seed):
        super().__init__(seed)
        self.order = self.parts["order"] = Order()

    def rows(self):
        return self.order.next()


check_epochs(Epochs)
