# %% plain raises="TypeError, AttributeError"
import torch
from torch import nn


class Plain:  # no nn.Module | 没有 nn.Module
    def __init__(self):
        self.weight = nn.Parameter(torch.ones(2, 4))

    def forward(self, X):
        return X @ self.weight.T


net = Plain()
X = torch.ones(3, 4)
print("output:", tuple(net.forward(X).shape))
net(X)
net.parameters()

# %% registry
KINDS = "_parameters", "_buffers", "_modules"


class Registry:
    def __init__(self):
        vars(self).update({kind: {} for kind in KINDS})
        self.training, self._hooks = True, []

    def register_buffer(self, name, tensor):
        self._buffers[name] = tensor

    def __setattr__(self, name, value):
        home = vars(self)  # plain attributes | 普通属性
        if isinstance(value, nn.Parameter):
            home = self._parameters
        elif isinstance(value, Registry):
            home = self._modules
        elif name in home.get("_buffers", ()):
            home = self._buffers
        home[name] = value

    def __getattr__(self, name):
        for kind in KINDS:
            if name in vars(self).get(kind, ()):
                return vars(self)[kind][name]
        raise AttributeError(f"no attribute {name!r}")


# %% sorted fold="output"
net = Registry()
net.weight = nn.Parameter(torch.ones(2, 4))
net.part = Registry()
net.parts = [Registry(), Registry()]
net.table = torch.ones(3)
net.register_buffer("mean", torch.zeros(4))
net.mean = torch.ones(4)  # a new value | 换一个新值

for kind in KINDS:
    print(f"{kind:11}", list(vars(net)[kind]))
own = [name for name in vars(net) if name[0] != "_"]
print(f"{'plain':11}", own)
print("found all the same:", net.mean)


# %% tree
class Tree(Registry):
    def named(self, *kinds, at=""):
        for kind in kinds:
            for name, value in vars(self)[kind].items():
                yield at + name, value
        for name, part in self._modules.items():
            yield from part.named(*kinds, at=f"{at}{name}.")

    def named_parameters(self):
        names = {}
        for name, parameter in self.named("_parameters"):
            names.setdefault(parameter, name)
        return [(name, p) for p, name in names.items()]

    def parameters(self):
        return [p for _, p in self.named_parameters()]

    def state_dict(self):
        tensors = self.named("_parameters", "_buffers")
        return {name: t.detach() for name, t in tensors}

    def load_state_dict(self, state):
        own = self.state_dict()
        missing = sorted(own.keys() - state.keys())
        unexpected = sorted(state.keys() - own.keys())
        if missing or unexpected:
            raise RuntimeError(f"{missing=}, {unexpected=}")
        for name, tensor in own.items():
            tensor.copy_(state[name])


# %% walk fold="output"
net = Tree()
net.a, net.b = Tree(), Tree()
net.a.weight = nn.Parameter(torch.zeros(2))
net.b.weight = net.a.weight  # tied | 绑定
net.b.register_buffer("mean", torch.zeros(2))
net.again = net.b  # tied, too | 这也是绑定

print("parameters:", [n for n, _ in net.named_parameters()])
print("state dict:", list(net.state_dict()))


# %% module
class Module(Tree):
    def register_forward_hook(self, hook):
        self._hooks.append(hook)

    def __call__(self, *args, **kwargs):
        output = self.forward(*args, **kwargs)
        for hook in self._hooks:
            hook(self, args, output)
        return output

    def train(self, mode=True):
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self

    def eval(self):
        return self.train(False)

    def to(self, *args):
        for _, t in self.named("_parameters", "_buffers"):
            t.data = t.data.to(*args)
        return self


# %% net
def build(Base, seed=0):
    class Linear(Base):
        def __init__(self, inputs, outputs):
            super().__init__()
            weight = torch.randn(outputs, inputs)
            self.weight = nn.Parameter(weight / inputs**0.5)
            self.bias = nn.Parameter(torch.zeros(outputs))

        def forward(self, X):
            return X @ self.weight.T + self.bias

    class Net(Base):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.zeros(4))
            self.first = Linear(4, 8)
            self.middle = Linear(8, 8)
            self.again = self.middle  # tied | 绑定
            self.out = Linear(8, 2)

        def forward(self, X):
            if self.training:
                new = X.detach().mean(0)  # no graph | 不带计算图
                self.mean = self.mean.lerp(new, 0.1)
            H = torch.relu(self.first(X - self.mean))
            H = self.again(torch.relu(self.middle(H)))
            return self.out(H)

    torch.manual_seed(seed)
    return Net()


# %% same fold="output"
mine, theirs = build(Module), build(nn.Module)
X = torch.randn(16, 4)
nets = mine, theirs
outputs = [net(X) for net in nets]
for output in outputs:
    output.square().sum().backward()

names = [list(dict(net.named_parameters())) for net in nets]
keys = [list(net.state_dict()) for net in nets]
grads = [[p.grad for p in net.parameters()] for net in nets]
equal = map(torch.equal, *grads)
print("same names, same order:", names[0] == names[1])
print("same keys, same order:", keys[0] == keys[1])
print("same outputs:", torch.equal(*outputs))
print("same gradients:", all(equal))

# %% file
optimizer = torch.optim.Adam(mine.parameters())
for _ in range(20):
    optimizer.zero_grad()
    mine(X).square().sum().backward()
    optimizer.step()
torch.save(mine.state_dict(), "mine.pt")
print(theirs.load_state_dict(torch.load("mine.pt")))
mine.eval()
theirs.eval()
print("same outputs:", torch.equal(mine(X), theirs(X)))

other = build(nn.Module, seed=1).eval()
torch.save(other.state_dict(), "other.pt")
mine.load_state_dict(torch.load("other.pt"))
print("and back:", torch.equal(mine(X), other(X)))

# %% lines fold="code"
import ast
import inspect
import textwrap

import matplotlib.pyplot as plt


# Lines of code, without comments and docstrings | 代码行数，不计注释和文档字符串
def count(function):
    source = textwrap.dedent(inspect.getsource(function))
    tree = ast.parse(source).body[0]
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    return len(ast.unparse(tree).splitlines())


# The real class shares some jobs out | 官方的类把一些工作分给了几个方法
HELPERS = {
    "named_parameters": ["_named_members", "named_modules"],
    "state_dict": ["_save_to_state_dict"],
    "load_state_dict": ["_load_from_state_dict"],
    "__call__": ["_wrapped_call_impl", "_call_impl"],
    "to": ["_apply"],
}
METHODS = [
    *["__init__", "register_buffer", "__setattr__"],
    *["__getattr__", "named_parameters", "state_dict"],
    *["load_state_dict", "register_forward_hook"],
    *["__call__", "train", "to"],
]
OURS = {"named_parameters": ["named"]}


def lines(kind, name, helpers):
    names = [*helpers.get(name, [])]
    if kind is Module or name != "__call__":
        names.append(name)
    return sum(count(getattr(kind, each)) for each in names)


ours = [lines(Module, name, OURS) for name in METHODS]
real = [lines(nn.Module, name, HELPERS) for name in METHODS]
fig, ax = plt.subplots(figsize=(4.8, 5.6))
pairs = zip(ours, real, strict=True)
for place, (few, many) in enumerate(pairs):
    ax.barh(place - 0.2, few, 0.38, color="C1")
    ax.barh(place + 0.2, many, 0.38, color="C0")
    for y, n in ((place - 0.2, few), (place + 0.2, many)):
        ax.text(n + 3, y, n, va="center", size=13)
ax.set_yticks(range(len(METHODS)), METHODS, size=13)
names = ["Module", "nn.Module"]
style = {"fontsize": 13, "frameon": False}
place = {"loc": "lower right", "bbox_to_anchor": (1, 0.98)}
ax.legend(names, ncols=2, **style, **place)
ax.invert_yaxis()
ax.set_xlim(0, 1.18 * max(real))
ax.set_xticks([])
ax.spines[["top", "right", "bottom"]].set_visible(False)
fig.tight_layout()


# %% own-errors raises="AttributeError, AttributeError, RuntimeError, TypeError, RuntimeError"
class NoSuper(Module):
    def __init__(self):
        self.weight = nn.Parameter(torch.zeros(2))


class NoForward(Module):
    pass


NoSuper()
NoForward()(X)
Module().load_state_dict({"weight": X})
nn.Sequential(Module())
build(Module).to("meta")


# %% endless raises="RecursionError"
class Endless(Module):
    def __getattr__(self, name):
        if name in self._buffers:
            return self._buffers[name]
        raise AttributeError(name)


copy = Endless.__new__(Endless)  # without __init__ | 不经过 __init__
copy.anything


# %% property raises="AttributeError"
class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    @property
    def width(self):
        return self.layer.out_feature  # misspelt | 拼错了


Wide().width

# %% guards raises="TypeError, KeyError, KeyError"
mine, theirs = build(Module), build(nn.Module)
mine.out.bias = torch.ones(2)  # not a Parameter | 不是 Parameter
trained = dict(mine.named_parameters())["out.bias"]
print("used by forward:", mine.out.bias.tolist())
print("given to an optimizer:", trained.tolist())

theirs.out.bias = torch.ones(2)
theirs.add_module("a.b", nn.ReLU())
theirs.add_module("forward", nn.ReLU())

# %% removed raises="AttributeError"
del theirs.out
theirs.again = None  # a place kept free | 留着空位
print("theirs:", list(dict(theirs.named_children())))
del mine.out


# %% more-hooks
def before(part, args):
    return args[0] * 10


def after(part, args, output):
    return output + 1


def backward(part, grad_input, grad_output):
    return (grad_input[0] * 5,)


layer = nn.Identity()
layer.register_forward_pre_hook(before)
layer.register_forward_hook(after)
layer.register_full_backward_hook(backward)
x = torch.ones((), requires_grad=True)
y = layer(x)
y.backward()
print("output:", y.item(), " gradient:", x.grad.item())

# %% more-files raises="RuntimeError"
norm = nn.BatchNorm1d(2)
cache = torch.ones(2)
norm.register_buffer("cache", cache, persistent=False)
print("keys:", list(norm.state_dict()))
print("beside them:", norm.state_dict()._metadata)

mine, theirs = build(Module), build(nn.Module)
short = {**theirs.state_dict(), "out.bias": torch.ones(1)}
mine.load_state_dict(short)  # one number for two | 两个位置，一个数
print("ours:", mine.out.bias.tolist())
theirs.load_state_dict(short)

# %% more-moves
for net in build(Module), build(nn.Module):
    net(X).sum().backward()
    net.to(torch.float64)
    print(net.out.bias.dtype, net.out.bias.grad.dtype)
print(nn.Sequential(nn.Linear(4, 8), nn.ReLU()))


# %% check-named-modules
def check_named_modules(Base):
    net = build(Base)
    names = [name for name, _ in net.named_modules()]
    assert names[0] == "", "the module itself comes first"
    assert names[1:] == ["first", "middle", "out"], names

    outer = Base()
    outer.net, outer.twin = net, net.out
    found = dict(outer.named_modules())
    assert found.get("net.out") is net.out, list(found)
    assert "twin" not in found, "each module once"
    above = Base()
    above.outer = outer
    assert "outer.net.out" in dict(above.named_modules())
    print("checked:", Base.__name__)


# %% named-modules
class Named(Module):
    def named_modules(self, at="", seen=None):
        seen = set() if seen is None else seen
        if self not in seen:
            seen.add(self)
            yield at, self
            for name, part in self._modules.items():
                inner = f"{at}.{name}" if at else name
                yield from part.named_modules(inner, seen)


check_named_modules(nn.Module)
check_named_modules(Named)


# %% check-persistent
def check_persistent(Base):
    net = Base()
    net.part = Base()
    part, zeros = net.part, torch.zeros(2)
    part.register_buffer("kept", zeros)
    part.register_buffer("cache", zeros, persistent=False)
    part.cache = torch.ones(2)
    assert list(net.state_dict()) == ["part.kept"], "saved"
    net.load_state_dict({"part.kept": torch.ones(2)})
    assert part.kept.tolist() == [1, 1], "not loaded"
    net.to(torch.float64)
    assert part.cache.dtype == torch.float64, "left behind"
    net.register_buffer("cache", zeros)
    kept = list(net.state_dict())
    assert kept == ["cache", "part.kept"], kept
    part.register_buffer("cache", zeros)  # anew | 重新注册
    assert "part.cache" in net.state_dict(), "still unsaved"
    part.register_buffer("cache", zeros, persistent=False)
    assert "part.cache" not in net.state_dict(), "still saved"
    print("checked:", Base.__name__)


# %% persistent
class Persistent(Module):
    def __init__(self):
        super().__init__()
        self._passing = {}  # one more registry | 再加一个注册表

    def register_buffer(self, name, value, persistent=True):
        super().register_buffer(name, value)
        self._passing.pop(name, None)
        if not persistent:
            self._passing[name] = True

    def state_dict(self):
        state = super().state_dict()
        for name, _ in self.named("_passing"):
            del state[name]
        return state


check_persistent(nn.Module)
check_persistent(Persistent)


# %% check-hooks
def check_hooks(Base):
    class Sum(Base):
        def forward(self, *numbers):
            return sum(numbers)

    def add(part, args):
        return args[0] + 10

    def ten(part, args):
        return 10 * args[0], args[1]

    def watch(part, args, output):
        seen.append(args[0])

    def once(part, *rest):
        removed.remove()

    part, seen = Sum(), []
    adding = part.register_forward_pre_hook(add)
    removed = part.register_forward_hook(once)
    watching = part.register_forward_hook(watch)
    assert part(-10) == 0, "add replaces the input"
    assert seen == [0], f"watch saw {seen}"
    adding.remove()
    assert part(-10) == -10, "a removed hook still runs"
    again = part.register_forward_hook(watch)
    watching.remove()
    watching.remove()
    part(-10)
    assert seen == [0, -10, -10], f"watch saw {seen}"
    again.remove()
    part(-10)
    assert seen == [0, -10, -10], "a removed hook still runs"

    removed = part.register_forward_pre_hook(once)
    first = part.register_forward_pre_hook(ten)
    part.register_forward_pre_hook(ten)
    told = "run both, each on what the one before made"
    assert part(1, 1) == 101, told
    first.remove()
    first.remove()
    assert part(1, 1) == 11, "one is left"
    print("checked:", Base.__name__)


# %% hooks
from functools import partial


class Handle:
    def __init__(self, part, kind, hook):
        self.part, self.kind = part, kind
        self.own = partial(hook)  # equal to no other | 与别的都不相等
        self.put([*getattr(part, kind), self.own])

    def put(self, hooks):
        # a loop may read the old list | 旧列表可能正在遍历
        setattr(self.part, self.kind, hooks)

    def remove(self):
        hooks = getattr(self.part, self.kind)
        self.put([h for h in hooks if h is not self.own])


class Hooked(Module):
    def __init__(self):
        super().__init__()
        self._pre_hooks = []

    def register_forward_pre_hook(self, hook):
        return Handle(self, "_pre_hooks", hook)

    def register_forward_hook(self, hook):
        return Handle(self, "_hooks", hook)

    def __call__(self, *args):
        for hook in self._pre_hooks:
            new = hook(self, args)
            if new is not None:
                many = isinstance(new, tuple)
                args = new if many else (new,)
        return super().__call__(*args)


check_hooks(nn.Module)
check_hooks(Hooked)


# %% check-ties
def check_ties(Base):
    net = Base()
    net.a, net.b = Base(), Base()
    weight = nn.Parameter(torch.zeros(2))
    weight.requires_grad = False
    net.a.weight = net.b.weight = weight
    mean = torch.zeros(2)
    net.a.register_buffer("mean", mean)
    net.b.register_buffer("mean", mean)
    net.again = net.b
    net.to(torch.float64)
    assert net.a.weight is weight, "another parameter"
    net.to("meta")
    for name, tensor in net.state_dict().items():
        assert tensor.is_meta, name
    assert isinstance(net.a.weight, nn.Parameter)
    assert not net.a.weight.requires_grad, "not frozen"
    assert net.a.weight is net.b.weight, "the tie is lost"
    assert net.a.mean is net.b.mean, "two buffers"
    print("checked:", Base.__name__)


# %% ties raises="AssertionError"
class Tied(Module):
    def to(self, *args, moved=None):
        moved = {} if moved is None else moved
        for kind in "_parameters", "_buffers":
            for name, old in vars(self)[kind].items():
                if old not in moved:
                    moved[old] = carry(old, *args)
                vars(self)[kind][name] = moved[old]
        for part in self._modules.values():
            part.to(*args, moved=moved)
        return self


def carry(old, *args):
    new = old.data.to(*args)
    if new.is_meta == old.is_meta:
        old.data = new
        return old
    if isinstance(old, nn.Parameter):
        return nn.Parameter(new, old.requires_grad)
    return new


check_ties(Tied)
check_ties(nn.Module)
