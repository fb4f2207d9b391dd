# %% setup
import torch
from torch import nn


# Prints a result, or the first sentence of the error | 打印结果，或报错信息的第一句
def attempt(label, action):
    try:
        print(f"{label}: {action()}")
    except (RuntimeError, TypeError, ValueError) as error:
        # cut off memory addresses too | 内存地址也一并略去
        reason = str(error).partition(" in <")[0].partition(". ")[0]
        print(f"{label}: {type(error).__name__}: {reason}")


# %% before
def lazy_net():
    return nn.Sequential(nn.LazyLinear(256), nn.ReLU(), nn.LazyLinear(10))


net = lazy_net()
print(net)
print("weight:", net[0].weight)
print("names:", [name for name, _ in net.named_parameters()])
attempt("LazyLinear()", lambda: nn.LazyLinear())

# %% no-shape-yet raises="RuntimeError"
print(net[0].weight.shape)

# %% what-fails
weight = net[0].weight
attempt("numel", lambda: weight.numel())
attempt("init", lambda: nn.init.normal_(weight))
attempt("sum", lambda: weight.sum())
attempt("share_memory", lambda: net.share_memory())
attempt("forward", lambda: net[0].forward(torch.ones(2, 20)))
attempt("dtype", lambda: weight.dtype)
attempt("size", lambda: weight.size())

# %% dry-run
X = torch.ones(2, 20)
weight = net[0].weight  # taken before the first call | 第一次调用之前取出
print("output:", tuple(net(X).shape))
print(net)
print("still lazy:", isinstance(net[0], nn.LazyLinear))
print("same object:", weight is net[0].weight)
print("its class:", type(weight).__name__)
print("parameters:", sum(p.numel() for p in net.parameters()))

# %% second-width raises="RuntimeError"
net(torch.ones(2, 21))


# %% init-by-type
def init_by_type(m):
    if type(m) is nn.Linear:
        nn.init.constant_(m.weight, 1)


early = lazy_net()
early.apply(init_by_type)  # before the dry run | 试运行之前
early(X)
print("all ones:", bool((early[0].weight == 1).all()))
early.apply(init_by_type)  # after the dry run | 试运行之后
print("all ones:", bool((early[0].weight == 1).all()))


# %% init-by-isinstance
def init_constant(m):
    if isinstance(m, nn.Linear):
        nn.init.constant_(m.weight, 1)


late = lazy_net()
attempt("before", lambda: late.apply(init_constant))
late(X)
late.apply(init_constant)
print("all ones:", bool((late[0].weight == 1).all()))


# %% same-draws
def eager_net():
    return nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 10))


def mixed_net():
    return nn.Sequential(nn.LazyLinear(256), nn.ReLU(), nn.Linear(256, 10))


def drawn(build, batch=torch.ones):
    torch.manual_seed(0)
    model = build()
    model(batch(2, 20))
    return torch.cat([p.flatten() for p in model.parameters()])


eager = drawn(eager_net)
print("all lazy:", torch.equal(eager, drawn(lazy_net)))
print("mixed:", torch.equal(eager, drawn(mixed_net)))
print("random batch:", torch.equal(eager, drawn(lazy_net, torch.rand)))

# %% optimizer-first
torch.manual_seed(0)
net = lazy_net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
net(X).sum().backward()
before = net[0].weight.detach().clone()
optimizer.step()

first = optimizer.param_groups[0]["params"][0]
print("same object:", first is net[0].weight)
print("weight moved:", not torch.equal(before, net[0].weight))
attempt("Adagrad", lambda: torch.optim.Adagrad(lazy_net().parameters()))

# %% load-materialises
fresh = lazy_net()
print(fresh.load_state_dict(net.state_dict()))
print("shape:", tuple(fresh[0].weight.shape))
print("class:", type(fresh[0]).__name__, fresh[0].in_features)
fresh(X)
print("class:", type(fresh[0]).__name__, fresh[0].in_features)
print("same output:", torch.equal(fresh(X), net(X)))
attempt("reverse", lambda: net.load_state_dict(lazy_net().state_dict()))


# %% dry-run-traces
def with_norm():
    return nn.Sequential(
        nn.LazyLinear(256),
        nn.LazyBatchNorm1d(),
        nn.ReLU(),
        nn.LazyLinear(10),
    )


training, evaluating = with_norm(), with_norm().eval()
for net in (training, evaluating):
    net(X)
    print("batches counted:", net[1].num_batches_tracked.item())
attempt("one row in training", lambda: with_norm()(torch.ones(1, 20)))


# %% in-order
def init_normal(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight, mean=0, std=0.01)
        nn.init.zeros_(m.bias)


torch.manual_seed(0)
net = with_norm().to(torch.float64)  # 1. device and dtype | 1. 设备与数据类型
net.eval()
with torch.no_grad():
    net(torch.ones(1, 20, dtype=torch.float64))  # 2. dry run | 2. 试运行
net.train()
net.apply(init_normal)  # 3. initialise | 3. 初始化
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)  # 4. optimiser | 4. 优化器

print("weight:", tuple(net[0].weight.shape), net[0].weight.dtype)
print("batches counted:", net[1].num_batches_tracked.item())
print("parameters:", sum(p.numel() for p in net.parameters()))
