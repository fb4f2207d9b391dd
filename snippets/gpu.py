# %% setup
import itertools
import os
import statistics
import subprocess
import threading
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import torch
from torch import nn


def attempt(action):
    try:
        print(action())
    except (AssertionError, RuntimeError) as error:
        # the first sentence is enough | 第一句就够了
        message = str(error).splitlines()[0].partition(". ")[0]
        print(f"{type(error).__name__}: {message}")


# %% machine
print("PyTorch built with CUDA:", torch.version.cuda)
print("usable here and now:", torch.cuda.is_available())

# %% report needs="cuda:1"
for i in range(torch.cuda.device_count()):
    card = torch.cuda.get_device_properties(i)
    print(f"cuda:{i}", card.name, f"{card.total_memory / 2**30:.0f} GiB")
print("PyTorch built with CUDA:", torch.version.cuda)

# %% nvidia-smi needs="cuda:1"
fields = "--query-gpu=name,driver_version,memory.total"
answer = subprocess.run(
    ["nvidia-smi", fields, "--format=csv"],
    capture_output=True,
    text=True,
    check=True,
)
print(answer.stdout, end="")

# %% device-names fold="output"
for name in "cpu", "cuda", "cuda:1":
    device = torch.device(name)
    print(repr(device), "| type:", device.type, "| index:", device.index)

number = 1
print(torch.device("cuda", number) == torch.device(f"cuda:{number}"))

# %% only-a-name
print(torch.device("cuda:99"))
attempt(lambda: torch.ones(1, device="cuda:99"))

# %% cuda-is-not-cuda-0 fold="output"
print("equal:", torch.device("cuda") == torch.device("cuda:0"))
print("index:", torch.device("cuda").index, torch.device("cuda:0").index)
print("type:", torch.device("cuda").type, torch.device("cuda:0").type)

# %% current-device needs="cuda:1"
t = torch.ones(1, device="cuda")  # no number given | 没写编号
print("tensor:", t.device)
print("current device:", torch.cuda.current_device())
print("equals 'cuda':", t.device == torch.device("cuda"))
print("is on a GPU:", t.device.type == "cuda", t.is_cuda)

# %% current-device-moves needs="cuda:2"
with torch.cuda.device(1):
    print("inside:", torch.ones(1, device="cuda").device)
print("outside:", torch.ones(1, device="cuda").device)

# %% cpu-has-no-number
second_cpu = torch.device("cpu", 1)
print("name:", second_cpu)
print("tensor:", torch.ones(1, device=second_cpu).device)

# %% count
print("CUDA devices:", torch.cuda.device_count())


# %% try-gpu
def try_gpu(i=0):
    # this GPU if it exists, otherwise the CPU | 有这块 GPU 就用它，否则用 CPU
    if 0 <= i < torch.cuda.device_count():
        return torch.device("cuda", i)
    return torch.device("cpu")


def try_all_gpus():
    # never empty | 至少有一项
    count = torch.cuda.device_count()
    return [try_gpu(i) for i in range(max(count, 1))]


print(try_gpu(), try_gpu(10), try_gpu(-1))
print(try_all_gpus())


# %% negative-index raises="RuntimeError" fold="output"
def hopeful_gpu(i=0):
    # only the upper end is checked | 只检查了上限
    enough = i < torch.cuda.device_count()
    return torch.device(f"cuda:{i}" if enough else "cpu")


print(hopeful_gpu(-1))

# %% accelerator
accelerator = torch.accelerator.current_accelerator(check_available=True)
print("device:", accelerator or torch.device("cpu"))
print("accelerators:", torch.accelerator.device_count())

# %% tensor-device fold="output"
x = torch.tensor([1, 2, 3])
print(x.device)
print("its class:", type(x.device))
print("default:", torch.get_default_device())

# %% create-on-device
torch.manual_seed(0)
X = torch.ones(2, 3, device=try_gpu())
Y = torch.rand(2, 3, device=try_gpu(1))
print("X:", X.device)
print("Y:", Y.device)

# %% tensors-on-the-gpu needs="cuda:1"
print(X)
print(X.cpu())

# %% asking-for-cuda fold="output"
attempt(lambda: torch.ones(1, device="cuda").device)
attempt(lambda: torch.ones(1).cuda().device)
attempt(lambda: torch.ones(1).cuda(1).device)
attempt(lambda: nn.Linear(3, 1).to("cuda").weight.device)

# %% mismatch raises="RuntimeError" fold="output"
here = torch.ones(2, 3)
elsewhere = torch.ones(2, 3, device="meta")
print(here.device, elsewhere.device)
print(here + elsewhere)

# %% gpu-mismatch needs="cuda:1" raises="RuntimeError"
on_gpu = torch.ones(2, 3, device="cuda")
print("0-dim CPU tensor:", (on_gpu + torch.tensor(1.0)).device)
print(on_gpu + torch.ones(2, 3))

# %% scalars-mix fold="output"
print("number:", (elsewhere + 1).device)
print("0-dim tensor:", (elsewhere + torch.tensor(1.0)).device)
attempt(lambda: elsewhere + torch.tensor([1.0]))
attempt(lambda: here + torch.tensor(1.0, device="meta"))

# %% copy-between
Z = X.to(try_gpu(1))
print("X:", X.device)
print("Z:", Z.device)
print("Y + Z:", (Y + Z).device)

# %% second-gpu needs="cuda:2"
copied = X.cuda(1)
print("X:", X.device, "| copy:", copied.device)
print("Y + copy:", (Y + copied).device)
print("copied again:", copied.cuda(1) is not copied)

# %% moving-needs-assignment fold="output"
x.to("meta")
print("x:", x.device)

moved = x.to("meta")
print("moved:", moved.device)

# %% to-returns-self fold="output"
print("same device:", x.to("cpu") is x, x.cpu() is x)
print("other dtype:", x.to(torch.float64) is x)
print("copy=True:", x.to("cpu", copy=True) is x)
print("'cpu:0':", x.to("cpu:0") is x, x.to("cpu:0").device)

# %% gpu-to-returns-self needs="cuda:1"
print(on_gpu.cuda() is on_gpu, on_gpu.cuda(0) is on_gpu)
print(on_gpu.to("cuda:0") is on_gpu, on_gpu.to("cuda") is on_gpu)

# %% numpy-wants-the-cpu raises="TypeError"
print(x.numpy())
print(moved.numpy())

# %% network
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 1))
net = net.to(try_gpu())
print("weight:", net[0].weight.device)
print("output:", net(X).device, tuple(net(X).shape))

# %% module-in-place fold="output"
layer = nn.Linear(3, 1)
print("same module:", layer.to("meta") is layer)
print("weight:", layer.weight.device)
print("output:", layer(elsewhere).device, tuple(layer(elsewhere).shape))

# %% input-must-follow raises="RuntimeError"
print(layer(here))

# %% network-on-the-gpu needs="cuda:1"
torch.manual_seed(0)
gpu_net = nn.Linear(3, 1)
gpu_optimiser = torch.optim.SGD(gpu_net.parameters(), lr=0.1)
gpu_weight = gpu_net.weight
print("same module:", gpu_net.to("cuda") is gpu_net)
print("same parameter:", gpu_net.weight is gpu_weight, gpu_weight.device)

gpu_output = gpu_net(torch.ones(2, 3, device="cuda"))
print("output:", gpu_output.device)
gpu_start = gpu_weight.detach().clone()
gpu_output.square().mean().backward()
gpu_optimiser.step()
print("updated:", not torch.equal(gpu_weight, gpu_start))

# %% gpu-input-must-follow needs="cuda:1" raises="RuntimeError"
print(gpu_net(torch.ones(2, 3)))

# %% nothing-to-move fold="output"
attempt(lambda: nn.ReLU().to("cuda"))
attempt(lambda: nn.Linear(3, 1).to("cuda"))


# %% fixed-hidden-mlp
class FixedHiddenMLP(nn.Module):
    def __init__(self, registered=True):
        super().__init__()
        constant = torch.rand(20, 20)
        if registered:
            self.register_buffer("rand_weight", constant)
        else:
            self.rand_weight = constant  # not registered | 没有注册
        self.linear = nn.Linear(20, 20)

    def forward(self, X):
        X = self.linear(X)
        X = torch.relu(X @ self.rand_weight + 1)
        return self.linear(X).sum()


# %% stray-constant fold="output"
torch.manual_seed(0)
for registered in False, True:
    print("registered:", registered)
    mlp = FixedHiddenMLP(registered).to("meta")
    print("  devices:", mlp.linear.weight.device, mlp.rand_weight.device)
    mlp = FixedHiddenMLP(registered).to(torch.float64)
    print("  dtypes:", mlp.linear.weight.dtype, mlp.rand_weight.dtype)

# %% stray-constant-fails raises="RuntimeError"
batch = torch.rand(2, 20, dtype=torch.float64)
print("buffer:", FixedHiddenMLP().to(torch.float64)(batch).dtype)
FixedHiddenMLP(registered=False).to(torch.float64)(batch)

# %% gpu-stray-constant needs="cuda:1" raises="RuntimeError"
buffered = FixedHiddenMLP().to("cuda")
stray = FixedHiddenMLP(registered=False).to("cuda")
print("buffer:", buffered.rand_weight.device)
print("attribute:", stray.rand_weight.device)

gpu_batch = torch.rand(2, 20, device="cuda")
print("output:", buffered(gpu_batch).device)
stray(gpu_batch)

# %% optimiser-survives fold="output"
torch.manual_seed(0)
model = nn.Linear(3, 1)
optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
weight = model.weight

model.to(torch.float64)
print("same parameter:", model.weight is weight, weight.dtype)

start = weight.detach().clone()
model(torch.ones(2, 3, dtype=torch.float64)).sum().backward()
optimiser.step()
print("updated:", not torch.equal(model.weight, start))

# %% meta-replaces
model.to("meta")
held = optimiser.param_groups[0]["params"][0]
print("same parameter:", model.weight is weight)
print("model:", model.weight.device, "| optimiser:", held.device)

# %% optimiser-state-stays raises="RuntimeError"
torch.manual_seed(0)
model = nn.Linear(3, 1)
optimiser = torch.optim.Adam(model.parameters())
model(torch.ones(2, 3)).sum().backward()
optimiser.step()  # now Adam's averages are float32 | Adam 的滑动平均此时是 float32

model.to(torch.float64)
print(optimiser.state[model.weight]["exp_avg"].dtype)
optimiser.zero_grad()
model(torch.ones(2, 3, dtype=torch.float64)).sum().backward()
optimiser.step()

# %% map-location
torch.save(net.state_dict(), "net.params")


def where_loaded(place):
    state = torch.load("net.params", map_location=place)
    return state["0.weight"].device


attempt(lambda: where_loaded("cpu"))
attempt(lambda: where_loaded("cuda"))

# %% gpu-checkpoint needs="cuda:1"
torch.save(gpu_net.state_dict(), "gpu.params")
state = torch.load("gpu.params")
print("as written:", state["weight"].device)
state = torch.load("gpu.params", map_location="cpu")
print("map_location='cpu':", state["weight"].device)

# %% queue-model
gate = threading.Event()
with ThreadPoolExecutor(max_workers=1) as queue:
    work = queue.submit(gate.wait)  # launch | 提交
    print("call returned, work done:", work.done())
    gate.set()  # let the work finish | 让它做完
    work.result()  # wait for it | 等它做完
    print("after waiting, work done:", work.done())

# %% launch-returns-early needs="cuda:1"
big = torch.randn(8192, 8192, device="cuda")
product = big @ big  # warm-up | 预热
torch.cuda.synchronize()

begin = time.perf_counter()
for _ in range(20):
    torch.matmul(big, big, out=product)
launched = time.perf_counter() - begin
torch.cuda.synchronize()
finished = time.perf_counter() - begin
print(f"20 launched: {launched * 1e3:9.3f} ms")
print(f"20 finished: {finished * 1e3:9.3f} ms")


# %% stopwatch
def wait():
    # a CPU has finished when it returns | CPU 返回时就已经算完
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()


def seconds(action, *args, synchronised=True, rounds=6):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        action(*args)
        if synchronised:
            wait()
        times.append(time.perf_counter() - start)
        wait()  # leave no work for the next round | 不把计算留给下一轮
    return statistics.median(times[1:])  # the first is the warm-up | 第一轮是预热


small, large = torch.ones(16, 16), torch.ones(384, 384)
slow = seconds(torch.matmul, large, large)
fast = seconds(torch.matmul, small, small)
print("384 x 384 takes longer than 16 x 16:", slow > fast)


# %% item-waits needs="cuda:1"
def launch():
    return torch.matmul(big, big, out=product)


def launch_and_read():
    return launch()[0, 0].item()


def show_ms(label, duration):
    print(f"{label:14}{duration * 1e3:9.3f} ms")


show_ms("launch", seconds(launch, synchronised=False))
show_ms("item()", seconds(launch_and_read, synchronised=False))
show_ms("synchronize()", seconds(launch))

# %% matmul-times needs="cuda:1"
torch.set_num_threads(min(16, os.cpu_count() or 1))
sizes = [2**k for k in range(6, 14)]
cpu, gpu, naive = [], [], []
for n in sizes:
    A = torch.randn(n, n)
    rounds = 6 if n <= 2048 else 2  # the CPU is slow here | CPU 算得慢
    cpu.append(seconds(torch.matmul, A, A, synchronised=False, rounds=rounds))
    B = A.to("cuda")
    gpu.append(seconds(torch.matmul, B, B))
    naive.append(seconds(torch.matmul, B, B, synchronised=False))

# %% matmul-curves needs="cuda:1" fold="output"
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6.4, 4))
threads = f"CPU, num_threads={torch.get_num_threads()}"
axes.plot(sizes, cpu, "o-", color="C0", label=threads)
axes.plot(sizes, gpu, "o-", color="C1", label="GPU + synchronize()")
axes.plot(sizes, naive, "o--", color="C2", label="GPU")
axes.set_xscale("log", base=2)
axes.set_yscale("log")
axes.set_xticks(sizes, [str(n) for n in sizes])
axes.set_xlabel("n")
axes.set_ylabel("s")
axes.legend()

# %% transfer needs="cuda:1"
images = torch.randn(4096, 4096)  # 64 MiB
gpu_images = images.to("cuda")


def row_by_row():
    return [row.to("cuda") for row in images]


show_ms("to the GPU", seconds(images.to, "cuda"))
show_ms("row by row", seconds(row_by_row))
show_ms("to the CPU", seconds(gpu_images.cpu))
show_ms("product", seconds(torch.matmul, gpu_images, gpu_images))


# %% pick-gpu
def pick_gpu(i=0):
    numbers = range(torch.cuda.device_count())
    try:
        return torch.device("cuda", numbers[i])
    except IndexError:
        return torch.device("cpu")


# names need no hardware | 只是名字，不需要硬件
with mock.patch("torch.cuda.device_count", return_value=3):
    print("of 3:", *(pick_gpu(i) for i in (0, 2, -1, -3)))
    assert pick_gpu(3) == pick_gpu(-4) == torch.device("cpu")
with mock.patch("torch.cuda.device_count", return_value=0):
    assert pick_gpu(0) == pick_gpu(-1) == torch.device("cpu")
print("checked: pick_gpu")


# %% same-place
def same_place(a, b):
    return place(a) == place(b)


def place(name):
    # no elements, but a device | 没有元素，但有设备
    return torch.empty(0, device=name).device


assert same_place("cpu", "cpu:0")
assert same_place("cpu", torch.device("cpu", 3))
assert same_place("meta:0", torch.device("meta"))
assert not same_place("cpu", "meta")
if torch.cuda.is_available():
    current = torch.cuda.current_device()
    assert same_place("cuda", f"cuda:{current}")
print("checked: same_place")


# %% to-device
def to_device(batch, device):
    if isinstance(batch, torch.Tensor):
        return batch.to(device)
    if isinstance(batch, dict):
        return {k: to_device(v, device) for k, v in batch.items()}
    if isinstance(batch, list | tuple):
        items = [to_device(item, device) for item in batch]
        # a named tuple wants its fields one by one | 具名元组要逐个给出字段
        named = hasattr(batch, "_fields")
        return type(batch)(*items) if named else type(batch)(items)
    return batch


Pair = namedtuple("Pair", "X y")
nested = {
    "pair": Pair(torch.ones(2, 3), torch.zeros(2)),
    "sizes": [torch.tensor(2), 7],
    "name": "train",
}
sent = to_device(nested, "meta")
tensors = [*sent["pair"], sent["sizes"][0]]
assert {t.device.type for t in tensors} == {"meta"}
assert type(sent["pair"]) is Pair
assert sent["sizes"][1] == 7
assert sent["name"] == "train"
assert nested["pair"].X.device.type == "cpu"
assert to_device(nested, "cpu")["pair"].X is nested["pair"].X
print("checked: to_device")


# %% sum-device
def sum_device(a, b):
    if a.device == b.device:
        return a.device
    for scalar, other in (a, b), (b, a):
        if scalar.dim() == 0 and scalar.device.type == "cpu":
            return other.device
    return None


def as_pytorch_has_it(a, b):
    try:
        return (a + b).device
    except RuntimeError:
        return None


for there in torch.device("meta"), try_gpu():
    places = "cpu", there
    operands = [torch.ones(s, device=d) for s in ((), 3) for d in places]
    for a, b in itertools.product(operands, repeat=2):
        assert sum_device(a, b) == as_pytorch_has_it(a, b)
print("checked: all 16 pairs")


# %% devices-of
def devices_of(net):
    found = {}
    for path, module in net.named_modules():
        own = {
            "parameter": module.named_parameters(recurse=False),
            "buffer": module.named_buffers(recurse=False),
            "attribute": vars(module).items(),
        }
        for kind, tensors in own.items():
            for name, value in tensors:
                if isinstance(value, torch.Tensor):
                    full = f"{path}.{name}".lstrip(".")
                    found[full] = kind, value.device.type
    return found


torch.manual_seed(0)
mixed = nn.Sequential(
    nn.BatchNorm1d(20),
    FixedHiddenMLP(registered=False),
).to("meta")

table = devices_of(mixed)
stayed = {n: row for n, row in table.items() if row[1] != "meta"}
assert stayed == {"1.rand_weight": ("attribute", "cpu")}
assert set(mixed.state_dict()) == set(table) - set(stayed)
print("checked:", len(table), "tensors, left behind:", *stayed)

# %% device-table fold="code"
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

KINDS = ["parameter", "buffer", "attribute"]
COLOURS = {"meta": "C0", "cpu": "C1"}
LEFT, WIDTH, ROW = 2.45, 1.3, 0.36  # inches | 英寸

figure = plt.figure(figsize=(6.4, ROW * (len(table) + 1) + 0.1))
axes = figure.add_axes((0, 0, 1, 1))
style = {"va": "center", "size": 14, "color": "black"}
for column, kind in enumerate(KINDS):
    axes.text(LEFT + (column + 0.5) * WIDTH, ROW / 2, kind, ha="center", **style)
for row, (name, (kind, device)) in enumerate(table.items(), 1):
    y = row * ROW
    axes.plot([0.05, LEFT + 3 * WIDTH], [y, y], color="black", lw=0.5)
    axes.text(LEFT - 0.12, y + ROW / 2, name, ha="right", **style)
    x = LEFT + KINDS.index(kind) * WIDTH
    cell = (x + 0.06, y + 0.04), WIDTH - 0.12, ROW - 0.08
    colour = COLOURS[device]
    axes.add_patch(Rectangle(*cell, fc=colour, ec="none", alpha=0.25))
    axes.add_patch(Rectangle(*cell, fc="none", ec=colour))
    axes.text(x + WIDTH / 2, y + ROW / 2, device, ha="center", **style)
axes.set(xlim=(0, 6.4), ylim=(ROW * (len(table) + 1) + 0.1, 0))
axes.axis("off")


# %% adopt
def adopt(net):
    for module in net.modules():
        for name, value in list(vars(module).items()):
            if isinstance(value, torch.Tensor):
                delattr(module, name)  # or the name is taken | 否则名字已被占用
                module.register_buffer(name, value)
    return net


torch.manual_seed(0)
orphan = FixedHiddenMLP(registered=False)
batch = torch.rand(2, 20)
expected = orphan(batch)

assert adopt(orphan) is orphan
assert torch.equal(orphan(batch), expected)
assert "rand_weight" in orphan.state_dict()
assert orphan.double()(batch.double()).dtype == torch.float64
rows = devices_of(orphan.to("meta")).values()
assert {device for kind, device in rows} == {"meta"}
print("checked: adopt")


# %% follow
def follow(optimiser):
    optimiser.load_state_dict(optimiser.state_dict())


torch.manual_seed(0)
model = nn.Linear(3, 1)
optimiser = torch.optim.Adam(model.parameters())
model(torch.ones(2, 3)).sum().backward()
optimiser.step()
average = optimiser.state[model.weight]["exp_avg"].clone()

model.to(torch.float64)
follow(optimiser)
followed = optimiser.state[model.weight]["exp_avg"]
assert followed.dtype == torch.float64
assert torch.equal(followed, average.double())

optimiser.zero_grad()
model(torch.ones(2, 3, dtype=torch.float64)).sum().backward()
optimiser.step()
print("checked: steps taken:", int(optimiser.state[model.weight]["step"]))


# %% bench
def bench(make, action, rounds=5, wait=wait):
    times = {}
    for device in dict.fromkeys([torch.device("cpu"), try_gpu()]):
        data = make(device)
        action(data)  # warm-up | 预热
        wait()
        start = time.perf_counter()
        for _ in range(rounds):
            action(data)
        wait()
        duration = time.perf_counter() - start
        times[device.type] = duration / rounds
    return times


events = []
times = bench(
    make=lambda device: events.append("make"),
    action=lambda data: events.append("run"),
    wait=lambda: events.append("wait"),
)
each = ["make", "run", "wait", *["run"] * 5, "wait"]
assert events == each * len(times)
assert list(times) == ["cpu", "cuda"][: 1 + torch.cuda.is_available()]


def square(X):
    return X @ X


slow = bench(lambda device: torch.ones(384, 384, device=device), square)
fast = bench(lambda device: torch.ones(16, 16, device=device), square)
assert slow["cpu"] > fast["cpu"]
print("checked: bench, with one warm-up and two waits per device")


# %% log-on-the-device
def fit(record, steps=30):
    torch.manual_seed(0)
    device = try_gpu()
    net = nn.Linear(3, 1).to(device)
    X = torch.randn(32, 3).to(device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        loss = (net(X) - X[:, :1]).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        record(loss)


def calls_of_item(record):
    item, calls = torch.Tensor.item, []

    def counted(tensor):
        calls.append(tensor)
        return item(tensor)

    with mock.patch.object(torch.Tensor, "item", counted):
        fit(record)
    return len(calls)


read, kept = [], []
calls = calls_of_item(lambda loss: read.append(loss.item()))
print("each step, calls of item():", calls)
calls = calls_of_item(lambda loss: kept.append(loss.detach()))
print("on the device, calls of item():", calls)
log = torch.stack(kept).cpu()  # one copy at the end | 最后只复制一次

assert torch.allclose(log, torch.tensor(read))
assert kept[0].device == place(try_gpu())
assert not any(loss.requires_grad for loss in kept)
print("checked: the same", len(log), "losses")
