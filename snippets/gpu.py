# %% setup
import os
import statistics
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

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

# %% device-names
for name in "cpu", "cuda", "cuda:1":
    device = torch.device(name)
    print(repr(device), "| type:", device.type, "| index:", device.index)

number = 1
print(torch.device("cuda", number) == torch.device(f"cuda:{number}"))

# %% only-a-name
print(torch.device("cuda:99"))
attempt(lambda: torch.ones(1, device="cuda:99"))

# %% cuda-is-not-cuda-0
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


# %% negative-index raises="RuntimeError"
def hopeful_gpu(i=0):
    # only the upper end is checked | 只检查了上限
    enough = i < torch.cuda.device_count()
    return torch.device(f"cuda:{i}" if enough else "cpu")


print(hopeful_gpu(-1))

# %% accelerator
accelerator = torch.accelerator.current_accelerator(check_available=True)
print("device:", accelerator or torch.device("cpu"))
print("accelerators:", torch.accelerator.device_count())

# %% tensor-device
x = torch.tensor([1, 2, 3])
print(x.device)
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

# %% asking-for-cuda
attempt(lambda: torch.ones(1, device="cuda").device)
attempt(lambda: torch.ones(1).cuda().device)
attempt(lambda: torch.ones(1).cuda(1).device)
attempt(lambda: nn.Linear(3, 1).to("cuda").weight.device)

# %% mismatch raises="RuntimeError"
here = torch.ones(2, 3)
elsewhere = torch.ones(2, 3, device="meta")
print(here.device, elsewhere.device)
print(here + elsewhere)

# %% gpu-mismatch needs="cuda:1" raises="RuntimeError"
on_gpu = torch.ones(2, 3, device="cuda")
print("0-dim CPU tensor:", (on_gpu + torch.tensor(1.0)).device)
print(on_gpu + torch.ones(2, 3))

# %% scalars-mix
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

# %% moving-needs-assignment
x.to("meta")
print("x:", x.device)

moved = x.to("meta")
print("moved:", moved.device)

# %% to-returns-self
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

# %% module-in-place
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

# %% nothing-to-move
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


# %% stray-constant
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

# %% optimiser-survives
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

# %% matmul-times needs="cuda:1" fold=true
import matplotlib.pyplot as plt

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
