# %% born-on-the-cpu raises="RuntimeError"
import torch
from torch import nn


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, X):
        noise = torch.randn(X.shape)
        return self.linear(X) + noise


noisy, rows = Noisy(), torch.ones(2, 3)
print("on the CPU:", tuple(noisy(rows).shape))

noisy, rows = noisy.to("meta"), rows.to("meta")
print(noisy(rows))

# %% choose
from unittest import mock


def try_gpu(i=0):
    # this GPU, or the CPU if it is missing | 没有这块 GPU 就用 CPU
    count = torch.cuda.device_count()
    if torch.cuda.is_available() and 0 <= i < count:
        return torch.device("cuda", i)
    return torch.device("cpu")


def pretend(count):
    both = {"device_count": count, "is_available": count > 0}
    answers = {k: mock.Mock(return_value=v) for k, v in both.items()}
    return mock.patch.multiple("torch.cuda", **answers)


print("asked for:", 0, 1, -1)
for count in 0, 1, 2:
    with pretend(count):
        found = [str(try_gpu(i)) for i in (0, 1, -1)]
    print(f"if there are {count}:", *found)

# %% out-of-meta raises="NotImplementedError, NotImplementedError"
torch.ones(3, device="meta").cpu()
nn.Linear(3, 1, device="meta").to("cpu")

# %% misnamed raises="RuntimeError, AttributeError, AttributeError"
torch.device("gpu")
nn.Linear(3, 1).device
rows.device = "cpu"


# %% left-behind fold="output"
class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.register_buffer("mean", torch.zeros(3))
        self.scale = torch.full((3,), 0.5)
        self.shifts = [nn.Parameter(torch.zeros(3))]

    def forward(self, X):
        X = self.linear(X - self.mean) * self.scale
        return X + self.shifts[0]


scaled = Scaled().to("meta")
print("layer:", scaled.linear.weight.device)
print("buffer:", scaled.mean.device)
print("plain attribute:", scaled.scale.device)
print("list:", scaled.shifts[0].device)


# %% right-place
class Steady(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.register_buffer("scale", torch.full((3,), 0.5))

    def forward(self, X):
        noise = torch.randn_like(X)
        steps = torch.arange(3, device=X.device)
        return self.linear(X) * self.scale + noise + steps


for place in "cpu", "meta":
    steady = Steady().to(place)
    print(steady(torch.ones(2, 3, device=place)).device)


# %% check-pick-gpu
def check_pick_gpu(pick_gpu):
    for count, asked in (3, range(-5, 5)), (0, (0, -1)):
        gpus = [f"cuda:{n}" for n in range(count)]
        for i in asked:
            there = -count <= i < count
            right = torch.device(gpus[i] if there else "cpu")
            with pretend(count):
                found = pick_gpu(i)
            told = f"{i} of {count}: {found!r}, not {right!r}"
            assert found == right, told
    print("checked: pick_gpu")


# %% check-to-device
from collections import namedtuple


def check_to_device(to_device):
    Pair = namedtuple("Pair", "X y")
    pair = Pair(torch.ones(2, 3), torch.zeros(2))
    batch = {"pair": pair, "sizes": [torch.tensor(2), 7]}
    batch["name"] = "train"
    batch["deep"] = (({"mask": torch.ones(1)},),)

    sent = to_device(batch, "meta")
    for key, part in batch.items():
        same = type(sent[key]) is type(part)
        assert same, f"{key} has another type"
    moved = *sent["pair"], sent["sizes"][0]
    moved += (sent["deep"][0][0]["mask"],)
    for tensor in moved:
        assert tensor.is_meta, "a tensor has not moved"
    assert list(sent) == list(batch), "other keys"
    assert sent["sizes"][1] == 7, "a number has changed"
    assert sent["name"] == "train", "a string has changed"

    assert pair.X.device.type == "cpu", "batch changed"
    assert batch["pair"] is pair, "batch changed"
    size = batch["sizes"][0]
    assert size.device.type == "cpu", "batch changed"
    kept = to_device(batch, "cpu")["pair"].X
    assert kept is pair.X, "a tensor was copied needlessly"
    print("checked: to_device")


# %% check-devices-of
def check_devices_of(devices_of):
    class Deep(Scaled):
        unit = torch.ones(1)  # of the class | 类属性

    net = nn.Sequential(nn.BatchNorm1d(3), nn.Sequential(Deep()))
    x = torch.zeros(1)
    net[0].register_buffer("cache", x, persistent=False)
    net.to("meta")
    net.offset = x  # at the top | 在最外层
    kinds = {
        "0.weight": "parameter",
        "0.bias": "parameter",
        "0.running_mean": "buffer",
        "0.running_var": "buffer",
        "0.num_batches_tracked": "buffer",
        "0.cache": "buffer",
        "1.0.linear.weight": "parameter",
        "1.0.linear.bias": "parameter",
        "1.0.mean": "buffer",
        "1.0.scale": "attribute",
        "offset": "attribute",
    }
    found = devices_of(net)
    wrong = kinds.keys() ^ found.keys()
    assert not wrong, f"too few or too many: {wrong}"
    for name, kind in kinds.items():
        place = "cpu" if kind == "attribute" else "meta"
        told = f"{name}: {found[name]!r}, not {(kind, place)}"
        assert found[name] == (kind, place), told
    assert "bias" in devices_of(nn.Linear(1, 1)), "a dot"
    print("checked: devices_of")


# %% check-adopt
def check_adopt(adopt):
    scaled = Scaled()
    scaled.shifts = [0.0]  # no tensor in the list now | 列表里不再放张量
    net = nn.Sequential(nn.Sequential(scaled))
    net.sizes = torch.tensor([2, 3])  # at the top | 在最外层
    X = torch.ones(2, 3)
    before = net(X)
    assert adopt(net) is net, "it has to return the network"
    assert torch.equal(net(X), before), "another output"
    for name in "0.0.scale", "sizes":
        assert name in net.state_dict(), f"{name}: not saved"
    trained = len(list(net.parameters()))
    assert trained == 2, f"{trained} parameters, not 2"
    net.to("meta")
    assert scaled.scale.is_meta, "scale has not moved"
    print("checked: adopt")


# %% check-bench
import time


def check_bench(bench):
    events = []
    times = bench(
        make=lambda device: events.append("make"),
        action=lambda data: events.append("run"),
        wait=lambda: events.append("wait"),
    )
    names = ["cpu", "cuda"][: 1 + torch.cuda.is_available()]
    assert list(times) == names, f"devices: {list(times)}"
    each = ["make", "run", "wait", *["run"] * 5, "wait"]
    assert events == each * len(names), f"order: {events}"

    runs, queue = [], []  # like a GPU's queue | 像 GPU 的队列

    def launch(data):  # the first run is slow | 第一次慢
        queue.append(0.01 if runs else 0.5)
        runs.append(data)

    def drain():
        time.sleep(sum(queue))
        queue.clear()

    def make(device):
        runs.clear()

    found = bench(make, launch, rounds=10, wait=drain)["cpu"]
    assert len(runs) == 11, f"{len(runs)} runs, not 1 + 10"
    told = f"{found:.3f} s per run, not about 0.010"
    assert 0.009 < found < 0.04, told
    print("checked: bench")


# %% check-split
def check_split(Split):
    torch.manual_seed(0)
    first, second = nn.Linear(3, 4), nn.Linear(4, 1)
    X = torch.randn(2, 3)
    expected = second(first(X))
    one = Split(first, second, "cpu", "cpu")
    assert torch.equal(one(X), expected), "another output"
    one(X).sum().backward()
    grad = first.weight.grad
    assert grad is not None, "no gradient in first"

    for here, there in ("cpu", "meta"), ("meta", "meta"):
        halves = nn.Linear(3, 4), nn.Linear(4, 1)
        two = Split(*halves, here, there)
        found = [half.weight.device.type for half in halves]
        assert found == [here, there], f"halves: {found}"
        names = len(two.state_dict())
        assert names == 4, f"{names} of 4 are registered"
        found = two(torch.ones(2, 3)).device.type
        assert found == there, f"the output is on {found}"

    halves = nn.Flatten(), nn.Linear(3, 1)  # no weights | 没有参数
    Split(*halves, "cpu", "cpu")(torch.ones(2, 3))
    print("checked: Split")


# %% split
class Split(nn.Module):
    def __init__(self, first, second, here, there):
        super().__init__()
        self.first = first.to(here)
        self.second = second.to(there)
        self.here, self.there = here, there

    def forward(self, X):
        X = self.first(X.to(self.here))
        return self.second(X.to(self.there))


check_split(Split)

# %% split-on-two-gpus needs="cuda:2"
halves = nn.Linear(3, 4), nn.Linear(4, 1)
split = Split(*halves, "cuda:0", "cuda:1")
print("output:", split(torch.ones(2, 3)).device)


# %% check-same-place
def check_same_place(same_place):
    for a, b in ("cpu", "cpu:0"), ("cpu:3", "cpu"):
        assert same_place(a, b), f"{a}, {b}: one place"
    zero = torch.device("meta:0")
    assert same_place(zero, "meta"), "meta:0 is meta"
    assert not same_place("cpu", "meta"), "cpu is not meta"
    if torch.cuda.is_available():
        current = f"cuda:{torch.cuda.current_device()}"
        assert same_place("cuda", current), "it is current"
    try:
        one = same_place("cuda:0", "cuda:1")
    except (AssertionError, RuntimeError):
        one = False  # not there | 没有这样的卡
    assert not one, "these are two GPUs"
    print("checked: same_place")


# %% check-log
def check_log(record, log):
    log.clear()
    torch.manual_seed(0)
    net, X, losses = nn.Linear(3, 1), torch.ones(2, 3), []
    with mock.patch.object(torch.Tensor, "item") as item:
        for step in range(30):
            loss = (net(X) - step).square().mean()
            record(loss)
            losses.append(loss.detach().clone())
    assert not item.called, "item() was called"
    assert len(log) == 30, f"{len(log)} entries, not 30"
    for i, entry in enumerate(log):
        assert isinstance(entry, torch.Tensor), "no tensor"
        assert not entry.requires_grad, "it keeps the graph"
        assert entry.equal(losses[i]), "another value"
    try:
        record(torch.ones((), device="meta"))  # unreadable | 读不出来
        there = log.pop().is_meta
    except (NotImplementedError, RuntimeError):
        there = False
    assert there, "it was read, or moved"
    print("checked: log")


# %% check-follow
def check_follow(follow):
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    averages = {}
    for p in model.parameters():
        for name in ("exp_avg", "exp_avg_sq"):
            average = optimizer.state[p][name].double()
            averages[p, name] = average.clone()

    model.to(torch.float64)
    follow(optimizer)
    for (p, name), average in averages.items():
        found = optimizer.state[p][name]
        assert found.dtype == torch.float64, f"{found.dtype}"
        assert torch.equal(found, average), "values"
    kind = optimizer.state[model.weight]["step"].dtype
    assert kind == torch.float32, f"step is now {kind}"
    optimizer.zero_grad()
    model(torch.ones(2, 3).double()).sum().backward()
    optimizer.step()
    steps = int(optimizer.state[model.weight]["step"])
    assert steps == 2, f"steps counted: {steps}"

    # averages left behind on the CPU | 滑动平均留在 CPU 上
    model = nn.Linear(3, 1, device="meta")
    groups = [{"params": [p]} for p in model.parameters()]
    optimizer = torch.optim.Adam(groups)
    for p in model.parameters():
        left = torch.zeros(p.shape, dtype=torch.float16)
        names = dict.fromkeys(("exp_avg", "exp_avg_sq"), left)
        optimizer.state[p] = {"step": torch.tensor(1.0), **names}
    follow(optimizer)
    for p in model.parameters():
        found = optimizer.state[p]["exp_avg"]
        assert found.is_meta, f"left on {found.device}"
        assert found.dtype == p.dtype, f"{found.dtype}"
    print("checked: follow")


# %% check-sum-device
import itertools


def check_sum_device(sum_device):
    for there in torch.device("meta"), try_gpu():
        places = "cpu", "cpu", there, there
        shapes = (), 1, (), 1
        ones = map(torch.ones, shapes)
        tensors = list(map(torch.Tensor.to, ones, places))
        for a, b in itertools.product(tensors, repeat=2):
            try:
                right = (a + b).device
            except RuntimeError:
                right = None
            found = sum_device(a, b)
            told = f"{a.dim()}-dim on {a.device}, "
            told += f"{b.dim()}-dim on {b.device}: "
            told += f"{found!r}, not {right!r}"
            assert found == right, told
    print("checked: sum_device")
