"""Proves what the page on a module of one's own says."""

import copy
import functools
import inspect
import io
import pickle
import random
import re
from collections.abc import Iterator
from typing import Any, cast
from unittest import mock

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from proven.testing import after, over, section, shown
from tests.families import Layer, float_dtypes, layers, lazy_layers, optimizers, seeds
from tests.solutions import silent

KINDS = ["_parameters", "_buffers", "_modules"]


def both(name: str = "net") -> tuple[Any, tuple[Any, Any]]:
    """The names after a snippet, and the two base classes."""
    state = after(f"own_module.{name}")
    return state, (state.Module, nn.Module)


def names(net: Any) -> list[str]:
    """The names of the parameters, in order."""
    return [name for name, _ in net.named_parameters()]


def with_a_weight() -> list[Layer]:
    """The layer classes that have a parameter of their own under the name `weight`."""
    return [layer for layer in layers() if layer.make()._parameters.get("weight") is not None]


def walk(net: Any) -> Iterator[Any]:
    """A module and the modules in it, one after the other; a shared module comes again."""
    yield net
    for part in net._modules.values():
        yield from walk(part)


def registries(net: Any) -> list[list[str]]:
    """What a module has registered: names of parameters, buffers and modules."""
    return [list(vars(net)[kind]) for kind in KINDS]


def test_a_plain_class_has_no_parameters_and_no_call() -> None:
    """An object of a plain class with a `forward` computes, but cannot be called and has no
    `parameters`.

    普通的类只要写了 `forward` 就能计算，但它的对象不能调用，也没有 `parameters`。
    """
    call, parameters = shown("own_module.plain").errors
    assert call.text == "TypeError: 'Plain' object is not callable"
    assert parameters.text == "AttributeError: 'Plain' object has no attribute 'parameters'"
    assert shown("own_module.plain").output == "output: (3, 2)\n"


def test_our_module_has_65_lines() -> None:
    """Our class and the two it is built from have 65 lines of code, none over 60 columns.

    我们的类连同它继承的两个类，一共 65 行代码，每行不超过 60 列。
    """
    state = after("own_module.module")
    assert state.Module.__mro__[1:] == (state.Tree, state.Registry, object)
    lines = ['KINDS = "_parameters", "_buffers", "_modules"']
    for part in (state.Registry, state.Tree, state.Module):
        lines.append(f"class {part.__name__}:")
        methods = [value for value in vars(part).values() if inspect.isfunction(value)]
        for method in methods:
            lines += [line for line in inspect.getsource(method).splitlines() if line.strip()]
    assert len(lines) == 65
    assert max(len(line.split("  #")[0]) for line in lines) <= 60


def test_our_registries_come_from_init() -> None:
    """`__init__` of our base class creates the three dicts; where a class leaves out
    `super().__init__()`, assigning its first parameter raises an error.

    三个字典由我们的基类的 `__init__` 创建；子类漏了 `super().__init__()`，给第一个参数赋值时就会报错。
    """
    state, _ = both()
    assert [vars(state.Module())[kind] for kind in KINDS] == [{}, {}, {}]

    class NoSuper(state.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            self.plain = 3
            self.weight = nn.Parameter(torch.zeros(2))

    blank = NoSuper.__new__(NoSuper)
    assert vars(blank) == {}
    with pytest.raises(AttributeError, match="_parameters"):
        blank.__init__()
    assert vars(blank) == {"plain": 3}


def test_our_registration_goes_by_type() -> None:
    """Our `__setattr__` registers a `Parameter` or a module under the name it is assigned to; it does not
    register a list of modules, a plain tensor or other values.

    我们的 `__setattr__` 会把 `Parameter` 和模块注册在所赋的名字下；装着模块的列表、普通张量和其他值都不注册。
    """
    state, _ = both()
    net = state.Module()
    net.weight, net.part = nn.Parameter(torch.zeros(2)), state.Module()
    assert registries(net) == [["weight"], [], ["part"]]
    assert not {"weight", "part"} & set(vars(net))
    others = (
        [state.Module()],
        (state.Module(),),
        {"part": state.Module()},
        torch.zeros(2),
        torch.zeros(2, requires_grad=True),
        None,
        1.5,
        "name",
    )
    for number in over(range(len(others)), "values of other types | 个其他类型的值"):
        value = net.other = others[number]
        assert registries(net) == [["weight"], [], ["part"]]
        assert vars(net)["other"] is value


def test_assignments_call_setattr() -> None:
    """Assigning to an attribute of an object calls `__setattr__` of its class, in whatever form the
    assignment is written.

    给对象的属性赋值，不论写成哪种形式，都会调用它的类的 `__setattr__`。
    """

    class Watched:
        def __setattr__(self, name: str, value: int) -> None:
            told.append(name)
            vars(self)[name] = value

    forms = (
        "self.name = 1",
        "self.name: int = 1",
        "self.name, other = 1, 2",
        "self.name += 1",
        "other = self.name = 1",
        "setattr(self, 'name', 1)",
        "for self.name in [1]: pass",
    )
    for form in over(forms, "forms of assignment | 种赋值的写法"):
        told: list[str] = []
        watched = Watched()
        vars(watched)["name"] = 0
        exec(form, {"self": watched})
        assert vars(watched)["name"] == 1
        assert told == ["name"]


def test_our_buffers_go_by_name() -> None:
    """In our class only `register_buffer` makes a tensor a buffer; a new tensor assigned to that
    name is a buffer as well, and `__getattr__` finds it there.

    在我们的类里，只有 `register_buffer` 能让张量成为缓冲区；之后给这个名字赋的新张量也是缓冲区，由 `__getattr__` 取出来。
    """
    state, _ = both()
    net = state.Module()
    net.mean = torch.zeros(2)
    assert registries(net) == [[], [], []]
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        net = state.Module()
        net.register_buffer("mean", torch.zeros(2))
        new = torch.ones(2, dtype=dtype)
        net.mean = new
        assert vars(net)["_buffers"]["mean"] is new
        assert net.state_dict()["mean"].tolist() == [1, 1]
        assert "mean" not in vars(net)
        assert net.mean is new
        with mock.patch.object(state.Module, "__getattr__", side_effect=AttributeError):
            assert not hasattr(net, "mean")


def test_getattr_is_the_last_resort() -> None:
    """Python calls `__getattr__` only after the usual look-up of a name has failed; a property that raises
    an `AttributeError` fails, too.

    按通常的办法查找某个名字失败之后，Python 才会调用 `__getattr__`；属性（property）抛出 `AttributeError`，也算失败。
    """

    class Base:
        inherited = 1

    class Watched(Base):
        kind = 1

        def __init__(self) -> None:
            self.asked: list[str] = []
            self.own = 2

        def method(self) -> int:
            return 1

        @property
        def computed(self) -> int:
            return 1

        @property
        def failing(self) -> int:
            raise AttributeError

        def __getattr__(self, name: str) -> int:
            self.asked.append(name)
            return 3

    watched = Watched()
    found = ("own", "kind", "inherited", "method", "computed", "__init__", "__class__")
    for name in over(found, "names that are found | 个找得到的名字"):
        getattr(watched, name)
        assert watched.asked == []
    assert watched.missing == 3
    assert watched.failing == 3
    assert watched.asked == ["missing", "failing"]


def test_both_classes_sort_alike() -> None:
    """`nn.Module` sorts a parameter, a module, a list of modules, a tensor and a buffer with a new
    value into the same places as our class.

    参数、模块、模块的列表、张量和换了新值的缓冲区，`nn.Module` 归类的结果和我们的类相同。
    """
    _, bases = both()
    found = []
    for base in bases:
        net = base()
        net.weight = nn.Parameter(torch.ones(2, 4))
        net.part = base()
        net.parts = [base(), base()]
        net.table = torch.ones(3)
        net.register_buffer("mean", torch.zeros(4))
        net.mean = torch.ones(4)
        plain = [name for name in ("weight", "part", "parts", "table", "mean") if name in vars(net)]
        found.append((registries(net), plain, net.mean.tolist()))
    assert found[0] == found[1]
    assert found[0] == ([["weight"], ["mean"], ["part"]], ["parts", "table"], [1, 1, 1, 1])
    assert "plain       ['training', 'parts', 'table']" in shown("own_module.sorted").output
    for seed in over(seeds(), "random trees of modules | 棵随机的模块树"):
        ours, real = (grow(base, random.Random(seed)) for base in bases)
        for mine, theirs in zip(walk(ours), walk(real), strict=True):
            assert registries(mine) == registries(theirs)
            plain = [name for name in vars(mine) if name.startswith("n")]
            assert plain == [name for name in vars(theirs) if name.startswith("n")]


def test_names_join_the_path_with_dots() -> None:
    """`named` gives what a module holds itself before what its parts hold, and joins the names on
    the way with dots.

    `named` 先给出模块自己保存的，再给出子模块保存的，并用点把途中的名字连起来。
    """
    state, _ = both()
    net = state.Module()
    net.part = state.Module()
    net.part.inner = state.Module()
    net.part.inner.weight = nn.Parameter(torch.zeros(1))
    net.part.bias = nn.Parameter(torch.zeros(1))
    net.last = nn.Parameter(torch.zeros(1))
    found = [name for name, _ in net.named("_parameters")]
    assert found == ["last", "part.bias", "part.inner.weight"]
    for seed in over(seeds(), "random trees of modules | 棵随机的模块树"):
        tree = grow(state.Module, random.Random(seed))
        named = list(tree.named("_parameters", "_buffers"))
        for name, tensor in named:
            assert functools.reduce(getattr, name.split("."), tree) is tensor
        own = ["." not in name for name, _ in named]
        assert own == sorted(own, reverse=True)


def test_the_first_name_of_a_tie_counts() -> None:
    """Our `parameters` and `named_parameters` give a tied parameter once, under its first name;
    `state_dict` gives every name, and `to` reaches the tensor all the same.

    对绑定的参数，我们的 `parameters` 和 `named_parameters` 只给一次，用它的第一个名字；`state_dict` 给出每个名字；`to` 也照样能作用到它。
    """
    state = after("own_module.walk")
    assert names(state.net) == ["a.weight"]
    assert len(state.net.parameters()) == 1
    keys = ["a.weight", "b.weight", "b.mean", "again.weight", "again.mean"]
    assert list(state.net.state_dict()) == keys
    state = after("own_module.net")
    net = state.build(state.Module).to(torch.float64)
    assert names(net)[2:4] == ["middle.weight", "middle.bias"]
    assert {tensor.dtype for tensor in net.state_dict().values()} == {torch.float64}
    optimizer = torch.optim.SGD(net.parameters())
    assert len(optimizer.param_groups[0]["params"]) == 6
    for seed in over(seeds(), "random trees of modules | 棵随机的模块树"):
        tree = grow(state.Module, random.Random(seed))
        first: dict[int, str] = {}
        for name, parameter in tree.named("_parameters"):
            first.setdefault(id(parameter), name)
        assert names(tree) == list(first.values())
        assert [id(parameter) for parameter in tree.parameters()] == list(first)


def test_the_walk_passes_a_tie_under_each_name() -> None:
    """The state dict of the tree in the snippet has five keys, since the walk passes `b` under two
    names; `named_parameters` drops what it has seen and gives one parameter.

    例子里那棵树的状态字典有五个键，因为遍历会以两个名字经过 `b`；`named_parameters` 略去见过的，只给出一个参数。
    """
    assert shown("own_module.walk").output.splitlines() == [
        "parameters: ['a.weight']",
        "state dict: ['a.weight', 'b.weight', 'b.mean', 'again.weight', 'again.mean']",
    ]
    net = after("own_module.walk").net
    passed = [name for name, _ in net.named("_modules")]
    assert passed == ["a", "b", "again"]
    assert net.again is net.b


def test_our_state_dict_is_live() -> None:
    """The tensors in our state dict share memory with the model: changing one in place changes the other; a
    new tensor assigned to a buffer is not in the dict.

    我们的状态字典里的张量与模型共用内存，一边原地改动，另一边也变；给缓冲区另赋新张量，字典里则没有它。
    """
    state, _ = both()
    net = state.build(state.Module)
    saved = net.state_dict()
    own = dict(net.named("_parameters", "_buffers"))
    assert list(saved) == list(own)
    for name in over(saved, "tensors of the model | 个模型里的张量"):
        with torch.no_grad():
            own[name].fill_(7)
        assert saved[name].eq(7).all()
        saved[name].fill_(8)
        assert own[name].eq(8).all()
        assert saved[name].data_ptr() == own[name].data_ptr()
        assert not saved[name].requires_grad
    net.mean = torch.full((4,), 9.0)
    assert saved["mean"].eq(8).all()


def test_loading_writes_through_the_live_dict() -> None:
    """Our `load_state_dict` compares the keys, then writes values into the memory of the model; its
    parameters stay the same objects.

    我们的 `load_state_dict` 先核对键，再把数值写进模型的内存；参数还是原来的对象。
    """
    state, _ = both()
    for seed in over(range(1, 21), "seeds | 个随机种子"):
        net, other = state.build(state.Module), state.build(state.Module, seed=seed)
        objects, buffer = net.parameters(), net.mean
        addresses = [parameter.data_ptr() for parameter in objects]
        other(torch.randn(16, 4))
        assert other.mean.any()
        net.load_state_dict(other.state_dict())
        assert net.mean is buffer
        assert all(a is b for a, b in zip(net.parameters(), objects, strict=True))
        assert [parameter.data_ptr() for parameter in net.parameters()] == addresses
        for name, tensor in other.state_dict().items():
            assert torch.equal(net.state_dict()[name], tensor)
        assert all(parameter.requires_grad for parameter in objects)


def test_our_hooks_run_in_calls_only() -> None:
    """Calling an object of our class runs `forward` and then its hooks; calling `forward` itself
    runs none of them.

    调用我们这个类的对象，会先执行 `forward`，再运行钩子；直接调用 `forward` 不运行它的钩子。
    """
    state, _ = both()

    class Part(state.Module):  # type: ignore[misc]
        def forward(self, X: int, scale: int = 1) -> int:
            ran.append("forward")
            return X * scale

    for number in over((0, 1, 2, 5), "numbers of hooks | 种钩子个数"):
        ran: list[Any] = []
        part = Part()
        for place in range(number):
            part.register_forward_hook(
                lambda *seen, place=place, ran=ran: ran.append((place, seen))
            )
        assert part(2, scale=3) == 6
        assert ran == ["forward", *((place, (part, (2,), 6)) for place in range(number))]
        ran.clear()
        assert part.forward(2) == 2
        assert ran == ["forward"]


def test_our_modes_reach_parts_and_are_not_saved() -> None:
    """Our `train` and `eval` set the mode of a module and of all modules registered in it, at any
    depth; the mode is in no state dict.

    我们的 `train` 和 `eval` 会设定模块自身以及其中各级注册模块的模式；状态字典里没有模式。
    """
    state, _ = both()
    net = state.build(state.Module)
    assert net.eval() is net
    assert net.train() is net
    for seed in over(seeds(), "random trees of modules | 棵随机的模块树"):
        tree = grow(state.Module, random.Random(seed))
        assert all(part.training for part in walk(tree))
        tree.eval()
        assert not any(part.training for part in walk(tree))
        tree.train()
        assert all(part.training for part in walk(tree))
        assert not [key for key in tree.state_dict() if "training" in key]


def test_our_to_keeps_the_parameters() -> None:
    """Our `to` gives parameters new contents and keeps the objects, so that an optimiser built before it
    still trains the model.

    我们的 `to` 给参数换上新内容，对象不变，所以之前建好的优化器仍能训练这个模型。
    """
    state, _ = both()
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        net = state.build(state.Module)
        objects = net.parameters()
        optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
        assert net.to(dtype) is net
        assert all(a is b for a, b in zip(net.parameters(), objects, strict=True))
        before = net.out.bias.detach().clone()
        net(torch.ones(3, 4, dtype=dtype)).sum().backward()
        optimizer.step()
        assert net.out.bias.dtype == dtype
        assert not torch.equal(net.out.bias, before)


def test_our_to_leaves_plain_tensors_behind() -> None:
    """Our `to` converts parameters and buffers, and no tensor that is a plain attribute.

    我们的 `to` 转换参数和缓冲区，不转换普通属性里的张量。
    """
    state, _ = both()
    others = [dtype for dtype in float_dtypes() if dtype != torch.float32]
    for dtype in over(others, "dtypes | 种数据类型"):
        net = state.build(state.Module)
        net.table = torch.zeros(2)
        net.to(dtype)
        assert (net.mean.dtype, net.out.bias.dtype) == (dtype, dtype)
        assert net.table.dtype == torch.float32


def error_of_ours(number: int) -> str:
    """The text of an error in the cell of our own errors, counted from 1."""
    return str(shown("own_module.own-errors").errors[number - 1].text)


def test_a_missing_super_leaves_no_registry() -> None:
    """Without `super().__init__()` our class says `no attribute '_parameters'`, and `nn.Module` says
    `cannot assign parameters before Module.__init__() call`.

    漏了 `super().__init__()`，我们的类报 `no attribute '_parameters'`，`nn.Module` 报 `cannot assign parameters before Module.__init__() call`。
    """
    assert error_of_ours(1) == "AttributeError: no attribute '_parameters'"
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        real: Any = layer.cls.__new__(layer.cls)
        with pytest.raises(AttributeError) as caught:
            real.weight = nn.Parameter(torch.zeros(2))
        assert str(caught.value) == "cannot assign parameters before Module.__init__() call"


def test_our_class_misses_forward_in_the_call() -> None:
    """An object of our class without a `forward` can be built; the call raises an error that names
    `forward`.

    没写 `forward` 的子类照样能构造对象；调用时才报错，里面写着 `forward`。
    """
    assert error_of_ours(2) == "AttributeError: no attribute 'forward'"
    assert after("own_module.own-errors").NoForward().training


def test_our_class_names_the_wrong_keys() -> None:
    """Our `load_state_dict` names missing and unexpected keys in one error, before it writes
    anything.

    我们的 `load_state_dict` 在同一条报错里列出缺少的键和多余的键，此前不写入任何东西。
    """
    assert error_of_ours(3) == "RuntimeError: missing=[], unexpected=['weight']"
    state, _ = both()
    net = state.build(state.Module)
    start = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    for key in over(start, "keys, one wrong at a time | 个键，每次错一个"):
        wrong = {name: tensor + 1 for name, tensor in start.items()}
        wrong["final"] = wrong.pop(key)
        with pytest.raises(RuntimeError) as caught:
            net.load_state_dict(wrong)
        assert str(caught.value) == f"missing=['{key}'], unexpected=['final']"
        assert all(torch.equal(net.state_dict()[name], start[name]) for name in start)


def test_sequential_takes_only_real_modules() -> None:
    """`nn.Sequential` refuses an object of our class, `is not a Module subclass`, as it does functions,
    lists, tensors, numbers and strings; it accepts `None`.

    `nn.Sequential` 不接受我们这个类的对象，也不接受函数、列表、张量、数和字符串，报 `is not a Module subclass`；`None` 则接受。
    """
    assert error_of_ours(4) == "TypeError: __main__.Module is not a Module subclass"
    assert len(nn.Sequential(nn.Module())) == 1
    state, _ = both()
    others = (state.Module(), torch.relu, len, [nn.ReLU()], (nn.ReLU(),), torch.zeros(2), 1.5, "a")
    for number in over(range(len(others)), "values that are no nn.Module | 个不是 nn.Module 的值"):
        value = others[number]
        with pytest.raises(TypeError, match="is not a Module subclass"):
            nn.Sequential(nn.ReLU(), value)
    assert len(nn.Sequential(nn.ReLU(), cast(Any, None))) == 2


def test_data_refuses_the_meta_device() -> None:
    """Assigning a tensor on `meta` to the `.data` of one on the CPU raises `incompatible tensor type`;
    `nn.Module.to` makes new parameters in that case.

    把 `meta` 上的张量赋给 CPU 张量的 `.data`，会报 `incompatible tensor type`；这时 `nn.Module.to` 会新建参数。
    """
    assert error_of_ours(5).endswith("have incompatible tensor type.")
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        weight = nn.Parameter(torch.zeros(2, dtype=dtype))
        with pytest.raises(RuntimeError, match="incompatible tensor type"):
            weight.data = weight.data.to("meta")
    for layer in over(with_a_weight(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        before = list(module.parameters())
        module.to("meta")
        moved = zip(before, module.parameters(), strict=True)
        assert all(new is not old for old, new in moved)


def test_copies_are_made_without_init() -> None:
    """`copy.copy` and `pickle.loads` create an object without calling its `__init__`, and look for
    attributes on it while its `__dict__` is still empty.

    `copy.copy` 和 `pickle.loads` 创建对象时不调用 `__init__`，而且在 `__dict__` 还空着的时候就去查它的属性。
    """
    made = Asked()
    for again in (copy.copy, lambda value: pickle.loads(pickle.dumps(value))):
        Asked.made, Asked.empty = 0, []
        again(made)
        assert Asked.made == 0
        assert "__setstate__" in Asked.empty


class Asked:
    """Writes down what it is asked for while it holds nothing."""

    made = 0
    empty: list[str] = []  # noqa: RUF012

    def __init__(self) -> None:
        Asked.made += 1
        self.value = 1

    def __getattr__(self, name: str) -> Any:
        if not vars(self):
            Asked.empty.append(name)
        raise AttributeError(name)


def test_getattr_on_itself_never_ends() -> None:
    """A `__getattr__` that begins by asking for an attribute which the same object does not have calls itself
    until Python raises a `RecursionError`.

    `__getattr__` 一开头就去读同一个对象缺少的属性，便会不断调用自己，直到 Python 报 `RecursionError`。
    """
    error = shown("own_module.endless").error
    assert error.startswith("RecursionError: maximum recursion depth exceeded")
    state = after("own_module.module")
    with pytest.raises(AttributeError):
        state.Module.__new__(state.Module).anything  # ours asks vars(self)


def test_our_module_can_be_copied() -> None:
    """`copy.deepcopy` of a model of our class gives an independent model with the same state and the
    same ties.

    用 `copy.deepcopy` 复制我们这个类的模型，得到的是独立的模型，状态相同，绑定也还在。
    """
    state, _ = both()
    net = state.build(state.Module).eval()
    twin = copy.deepcopy(net)
    X = torch.ones(2, 4)
    assert torch.equal(net(X), twin(X))
    assert twin.again is twin.middle
    assert twin.middle is not net.middle
    with torch.no_grad():
        twin.out.bias.add_(1)
    assert not torch.equal(net(X), twin(X))
    for seed in over(seeds(), "random trees of modules | 棵随机的模块树"):
        tree = grow(state.Module, random.Random(seed))
        again = copy.deepcopy(tree)
        assert names(again) == names(tree)
        here, there = tree.state_dict(), again.state_dict()
        assert list(here) == list(there)
        for name, tensor in here.items():
            assert torch.equal(tensor, there[name])
            assert tensor.data_ptr() != there[name].data_ptr()


def test_both_classes_compute_the_same_bits() -> None:
    """The model built on our class and the one built on `nn.Module`, from one seed, agree bit for bit
    in output, buffer and gradients after a call and a backward pass.

    同一个种子，基于我们的类和基于 `nn.Module` 的模型，在一次调用和反向传播之后，输出、缓冲区和梯度逐位一致。
    """
    assert shown("own_module.same").output.count("True") == 4
    state = after("own_module.same")
    assert torch.equal(*state.outputs)
    for seed in over(seeds(), "seeds | 个随机种子"):
        mine, theirs = (state.build(base, seed) for base in (state.Module, nn.Module))
        X = torch.randn(16, 4)
        outputs = [net(X) for net in (mine, theirs)]
        assert torch.equal(*outputs)
        for output in outputs:
            output.square().sum().backward()
        assert mine.mean.any()
        assert torch.equal(mine.mean, theirs.mean)
        for ours, real in zip(mine.parameters(), theirs.parameters(), strict=True):
            assert ours.grad.any()
            assert torch.equal(ours.grad, real.grad)


def grow(base: Any, dice: random.Random) -> Any:
    """A random tree of modules, with ties and buffers and plain attributes."""
    modules, tensors = [base()], [nn.Parameter(torch.zeros(1))]
    for step in range(dice.randint(5, 25)):
        where, name = dice.choice(modules), f"n{dice.randint(0, 9)}_{dice.randint(0, 9)}"
        known = {*vars(where), *(each for names in registries(where) for each in names)}
        if name in known:
            continue
        kind = dice.randint(0, 5)
        if kind == 0:
            tensors.append(nn.Parameter(torch.full((1,), float(step))))
            setattr(where, name, tensors[-1])
        elif kind == 1:
            setattr(where, name, dice.choice(tensors))  # a tie
        elif kind == 2:
            where.register_buffer(name, torch.full((1,), float(step)))
        elif kind == 3:
            setattr(where, name, torch.zeros(1))
        elif kind == 4:
            new = base()
            setattr(where, name, new)
            modules.append(new)
        else:
            setattr(where, name, modules[-1] if modules[-1] is not where else base())
            if reaches(modules[-1], where):  # no module may contain itself
                del where._modules[name]
    return modules[0]


def reaches(module: Any, target: Any) -> bool:
    """Whether a module contains another one."""
    return module is target or any(reaches(part, target) for part in module._modules.values())


def test_names_and_keys_agree_on_random_trees() -> None:
    """Fifty random trees of modules, with tied parameters, shared modules, buffers and plain tensors,
    have the same names of parameters and the same keys in the same order, whichever of the two
    classes they are built from.

    五十棵随机的模块树，带有绑定的参数、共用的模块、缓冲区和普通张量，不论用两个类中的哪一个来搭，参数名、状态字典的键以及它们的次序都相同。
    """
    _, bases = both()
    ties = 0
    for seed in over(seeds(50), "random trees of modules | 棵随机的模块树"):
        ours, real = (grow(base, random.Random(seed)) for base in bases)
        assert names(ours) == names(real)
        state, other = ours.state_dict(), real.state_dict()
        assert list(state) == list(other)
        assert all(torch.equal(state[name], other[name]) for name in state)
        ties += len(names(ours)) < len([*ours.named("_parameters")])
    assert ties >= 5


def test_files_go_both_ways() -> None:
    """A state dict that one of the two classes has written to a file can be loaded by the other, and then the
    outputs are equal.

    两个类中任何一个写进文件的状态字典，另一个都能加载，之后输出相等。
    """
    assert shown("own_module.file").output.splitlines() == [
        "<All keys matched successfully>",
        "same outputs: True",
        "and back: True",
    ]
    state, bases = both()
    X = torch.ones(2, 4)
    for seed in over(range(1, 11), "seeds | 个随机种子"):
        for writer, reader in (bases, bases[::-1]):
            source, target = state.build(writer, seed).eval(), state.build(reader).eval()
            assert not torch.equal(source(X), target(X))
            file = io.BytesIO()
            torch.save(source.state_dict(), file)
            file.seek(0)
            target.load_state_dict(torch.load(file))
            assert torch.equal(source(X), target(X))


def test_both_classes_call_hooks_alike() -> None:
    """In our class and in `nn.Module`, a forward hook runs once per call, with the same arguments, and does
    not run when `forward` is called directly.

    在我们的类和 `nn.Module` 里，前向钩子都是调用一次运行一次，收到的实参相同；直接调用 `forward` 不运行它。
    """
    state, bases = both()
    for seed in over(seeds(), "seeds | 个随机种子"):
        seen = []
        for base in bases:
            net, calls = state.build(base, seed), []
            X = torch.randn(2, 4)
            net.middle.register_forward_hook(lambda *got, calls=calls: calls.append(got))
            net.eval()(X)  # the layer stands at two positions
            assert len(calls) == 2
            net.middle.forward(calls[0][1][0])
            assert len(calls) == 2
            assert calls[0][0] is net.middle
            own: list[int] = []
            net.register_forward_hook(lambda *_, own=own: own.append(1))
            net(X)
            assert len(own) == 1
            net.forward(X)
            assert len(own) == 1
            del calls[2:]
            seen.append([(args[0].tolist(), output.tolist()) for _, args, output in calls])
        assert seen[0] == seen[1]


def test_both_classes_switch_alike() -> None:
    """`eval` of our class and of `nn.Module` reaches the same modules of one tree, and none that is
    only in a list.

    对同样的树，我们的类和 `nn.Module` 的 `eval` 作用到同样的模块；只放在列表里的模块，两边都作用不到。
    """
    _, bases = both()
    for seed in over(seeds(), "random trees of modules | 棵随机的模块树"):
        modes = []
        for base in bases:
            outer = base()
            outer.net, outer.parts = grow(base, random.Random(seed)), [base()]
            list(walk(outer.net))[-1].eval()
            before = [part.training for part in walk(outer)]
            outer.eval()
            assert outer.parts[0].training
            modes.append((before, [part.training for part in walk(outer)]))
        assert modes[0] == modes[1]
        assert not any(modes[0][1])


def test_both_classes_convert_alike() -> None:
    """`to` a floating-point dtype, of our class and of `nn.Module`, converts the floating-point parameters
    and buffers, keeps the parameter objects and the ties, and leaves a plain tensor as it was; only ours
    converts integer and boolean buffers, too.

    对浮点类型执行 `to`，我们的类和 `nn.Module` 都会转换浮点的参数和缓冲区，保留参数对象和绑定，不动普通张量；整数和布尔的缓冲区只有我们的类会转换。
    """
    state, bases = both()
    others = [dtype for dtype in float_dtypes() if dtype != torch.float32]
    for dtype in over(others, "dtypes | 种数据类型"):
        for base in bases:
            net = state.build(base)
            net.table = torch.zeros(2)
            objects = list(net.parameters())
            net.to(dtype)
            assert {tensor.dtype for tensor in net.state_dict().values()} == {dtype}
            assert all(a is b for a, b in zip(net.parameters(), objects, strict=True))
            assert net.again is net.middle
            assert net.table.dtype == torch.float32
            net.register_buffer("count", torch.tensor(3))
            net.register_buffer("mask", torch.tensor(True))
            net.to(dtype)
            left = base is nn.Module
            assert net.count.dtype == (torch.int64 if left else dtype)
            assert net.mask.dtype == (torch.bool if left else dtype)


def test_four_methods_are_long() -> None:
    """Counted with their helpers, `load_state_dict`, `__call__`, `to` and `__setattr__` are the longest of
    the eleven methods of `nn.Module` compared here, each over six times as long as ours; `train` is at most
    two lines longer.

    连同辅助方法一起数，这里比较的十一个方法里，`nn.Module` 最长的四个是 `load_state_dict`、`__call__`、`to` 和 `__setattr__`，行数都超过我们的六倍；`train` 最多只长两行。
    """
    state = after("own_module.lines")
    real = dict(zip(state.METHODS, state.real, strict=True))
    ours = dict(zip(state.METHODS, state.ours, strict=True))
    longest = sorted(real, key=lambda name: real[name])[-4:]
    assert set(longest) == {"load_state_dict", "__call__", "to", "__setattr__"}
    assert all(real[name] > 6 * ours[name] for name in longest)
    assert 0 <= real["train"] - ours["train"] <= 2
    assert max(ours.values()) <= 11
    assert state.count(nn.Module.eval) == 2  # without comments and docstrings


def test_our_class_lets_a_tensor_hide_a_parameter() -> None:
    """In our class, a plain tensor assigned to the name of a parameter is used by `forward`, while
    `named_parameters` still gives the parameter, which then gets no gradient.

    在我们的类里，把普通张量赋给参数的名字之后，`forward` 用的是这个张量，`named_parameters` 给出的仍是原来的参数，它得不到梯度。
    """
    lines = shown("own_module.guards").output.splitlines()
    assert lines == ["used by forward: [1.0, 1.0]", "given to an optimizer: [0.0, 0.0]"]
    state = after("own_module.guards")
    assert state.trained is dict(state.mine.named_parameters())["out.bias"]
    assert not {state.mine, state.theirs} & set(state.nets)  # new ones
    state, _ = both()
    net = state.build(state.Module).eval()
    optimizer, out = torch.optim.SGD(net.parameters(), lr=1.0), net(torch.ones(3, 4))
    hidden = net.out.bias.detach() + 4
    net.out.bias = hidden
    assert torch.allclose(net(torch.ones(3, 4)), out + 4, atol=1e-6)
    net(torch.ones(3, 4)).sum().backward()
    optimizer.step()
    assert net.out.bias is hidden
    assert torch.equal(hidden, torch.full((2,), 4.0))
    assert dict(net.named_parameters())["out.bias"].grad is None
    assert dict(net.named_parameters())["out.weight"].grad is not None


def test_a_plain_value_hides_what_is_registered_later() -> None:
    """In our class, a parameter, module or buffer registered under a name that is already a plain attribute
    stays hidden behind the old value; `nn.Module` removes the old value, except that its `register_buffer`
    refuses such a name.

    在我们的类里，名字若已是普通属性，之后在它下面注册的参数、模块或缓冲区会被原来的值挡住；`nn.Module` 会去掉原来的值，
    只有 `register_buffer` 不接受这样的名字。
    """
    state, bases = both()
    olds: tuple[Any, ...] = (
        None,
        1.5,
        "name",
        [],
        torch.ones(2),
        torch.ones(2, requires_grad=True),
        F.relu,
    )
    for old in over(olds, "plain values | 个普通的值"):
        for base in bases:
            parts = (nn.Parameter(torch.zeros(2)), base(), state.build(base))
            for new in parts:
                net = base()
                net.x = old
                net.x = new
                kind = "_parameters" if new is parts[0] else "_modules"
                assert vars(net)[kind] == {"x": new}
                assert net.x is (old if base is state.Module else new)
                assert ("x" in vars(net)) == (base is state.Module)
        ours, real = (base() for base in bases)
        ours.x = real.x = old
        ours.register_buffer("x", torch.zeros(2))
        assert list(ours.state_dict()) == ["x"]
        assert ours.x is old
        with pytest.raises(KeyError, match="attribute 'x' already exists"):
            real.register_buffer("x", torch.zeros(2))
        assert real.x is old
        assert real.state_dict() == {}


def test_the_real_class_guards_registered_names() -> None:
    """Under the name of a parameter, `nn.Module` refuses a plain tensor, `cannot assign
    'torch.FloatTensor' as parameter 'bias'`, and other values that are neither a parameter nor `None`.

    在参数的名字上，`nn.Module` 不接受普通张量，报 `cannot assign 'torch.FloatTensor' as parameter 'bias'`；其他既非参数又非 `None` 的值也不接受。
    """
    error = shown("own_module.guards").errors[0].text
    assert error.startswith("TypeError: cannot assign 'torch.FloatTensor' as parameter 'bias'")
    layer = nn.Linear(2, 2)
    before = layer.bias
    values: Any = (torch.ones(2), torch.ones(2, dtype=torch.int64), [1.0], 1.5, "bias", nn.ReLU())
    for value in over(values, "values that are no parameter | 个不是参数的值"):
        with pytest.raises(TypeError, match="cannot assign"):
            layer.bias = value
        assert layer.bias is before
    layer.bias = None
    assert layer.bias is None


def test_add_module_checks_the_name() -> None:
    """`add_module` and `register_module` of `nn.Module` refuse a name with a dot, and one that the object
    already has for something other than a module; a module of that name is replaced.

    `nn.Module` 的 `add_module` 和 `register_module` 都不接受带点的名字，也不接受对象已经用于别处的名字；
    同名的若是模块，就替换它。
    """
    _, dotted, taken = (error.text for error in shown("own_module.guards").errors)
    assert dotted.startswith("KeyError: ")
    assert "module name can" in dotted
    assert 'contain "."' in dotted
    assert "attribute 'forward' already exists" in taken
    bad = ("a.b", ".", "a.", ".b", "forward", "training", "to", "weight", "_modules", "__call__")
    for name in over(bad, "names | 个名字"):
        for register in (nn.Module.add_module, nn.Module.register_module):
            with pytest.raises(KeyError):
                register(nn.Linear(2, 2), name, nn.ReLU())
    for register in (nn.Module.add_module, nn.Module.register_module):
        net, new = nn.Sequential(nn.ReLU()), nn.Tanh()
        register(net, "0", new)
        assert net[0] is new


def test_the_real_class_can_delete_a_part() -> None:
    """`del` removes a part of an `nn.Module`, and assigning `None` to its name leaves a registered place that
    holds nothing; our class has no `__delattr__`, and `del` of what is registered raises an `AttributeError`.

    `del` 能删掉 `nn.Module` 的成员，给它的名字赋 `None` 则留下一个注册过的空位；我们的类没有 `__delattr__`，对注册过的东西执行 `del` 会报 `AttributeError`。
    """
    removed = shown("own_module.removed")
    assert removed.output == "theirs: ['first', 'middle']\n"
    assert removed.error.startswith("AttributeError: ")
    state = after("own_module.removed")
    assert list(state.theirs._modules) == ["first", "middle", "again"]
    assert state.theirs._modules["again"] is None
    assert state.theirs.again is None
    empty: Any = nn.Module()
    empty.p = nn.Parameter(torch.zeros(1))
    empty.register_buffer("b", torch.zeros(1))
    empty.p = empty.b = None
    assert (empty._parameters, empty._buffers) == ({"p": None}, {"b": None})
    assert "__delattr__" in vars(nn.Module)
    values = {"a parameter": nn.Parameter(torch.zeros(2)), "a buffer": torch.zeros(2), "a part": 0}
    for what in over(values, "kinds of members | 类成员"):
        for base in (state.Module, nn.Module):
            net = base()
            if what == "a buffer":
                net.register_buffer("name", values[what])
            else:
                net.name = values[what] if what == "a parameter" else base()
            if base is state.Module:
                with pytest.raises(AttributeError):
                    del net.name
            else:
                del net.name
                assert registries(net) == [[], [], []]


def test_real_hooks_may_replace_what_they_see() -> None:
    """With `nn.Module`, a forward pre-hook may replace the input, a forward hook the output, and a
    full backward hook the gradient of the input.

    在 `nn.Module` 里，前向 pre-hook 可以替换输入，前向钩子可以替换输出，完整的反向钩子可以替换输入的梯度。
    """
    assert shown("own_module.more-hooks").output == "output: 11.0  gradient: 50.0\n"
    layer, x = nn.Identity(), torch.ones((), requires_grad=True)
    layer(x).backward()
    assert (layer(x).item(), x.grad.item()) == (1, 1)


def test_our_hooks_only_watch() -> None:
    """What a hook of our class returns is ignored.

    我们这个类的钩子返回什么，都不起作用。
    """
    state, _ = both()
    X = torch.ones(2, 4)
    for value in over((None, 0, 1.5, "a", True, torch.ones(2)), "returned values | 个返回值"):
        net = state.build(state.Module).eval()
        before = net(X)
        ran: list[int] = []
        net.register_forward_hook(lambda *_, ran=ran, value=value: ran.append(1) or value)
        assert torch.equal(net(X), before)
        assert ran == [1]


def test_saving_and_loading_have_hooks() -> None:
    """`nn.Module` runs registered hooks before and after `state_dict`, and before and after
    `load_state_dict`.

    `nn.Module` 在 `state_dict` 的前后和 `load_state_dict` 的前后，都会运行注册过的钩子。
    """
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        module, ran = layer.make(), []
        for name in (
            "state_dict_pre",
            "state_dict_post",
            "load_state_dict_pre",
            "load_state_dict_post",
        ):
            register = getattr(module, f"register_{name}_hook")
            register(lambda *_, name=name, ran=ran: ran.append(name))
        state = module.state_dict()
        assert ran == ["state_dict_pre", "state_dict_post"]
        module.load_state_dict(state)
        assert ran[2:] == ["load_state_dict_pre", "load_state_dict_post"]


def test_lazy_layers_are_made_of_hooks() -> None:
    """Before its first call, a lazy layer has one forward pre-hook, which gives its parameters a shape;
    afterwards it has none.

    延后初始化的层在第一次调用之前有一个前向 pre-hook，由它给参数定下形状；调用之后就没有了。
    """
    for layer in over(lazy_layers(), "lazy classes | 个延后初始化的类"):
        module = layer.make()
        [hook] = module._forward_pre_hooks.values()
        assert hook.__name__ == "_infer_parameters"
        with pytest.raises(ValueError, match=r"uninitialized parameter|num_features"):
            module.forward(*layer.inputs())  # no call, no hook
        layer.call(module)
        assert module.weight.numel() > 0
        assert not module._forward_pre_hooks


def test_non_persistent_names_are_in_a_set() -> None:
    """`nn.Module` keeps the names of non-persistent buffers in `_non_persistent_buffers_set`, and
    these buffers are not in its state dict.

    `nn.Module` 把非持久缓冲区的名字记在 `_non_persistent_buffers_set` 里，状态字典中没有这些缓冲区。
    """
    keys, _, _ = shown("own_module.more-files").output.splitlines()
    statistics = ["running_mean", "running_var", "num_batches_tracked"]
    assert keys == f"keys: {['weight', 'bias', *statistics]}"
    norm = after("own_module.more-files").norm
    assert norm._non_persistent_buffers_set == {"cache"}
    assert "cache" in dict(norm.named_buffers())
    assert "cache" not in norm.state_dict()
    norm._non_persistent_buffers_set.clear()
    assert "cache" in norm.state_dict()


def test_state_dicts_carry_versions() -> None:
    """The state dict of an `nn.Module` carries a version for each module, and loading hands it to the module:
    batch norm then accepts a file from before version 2, which has no `num_batches_tracked`.

    `nn.Module` 的状态字典给每个模块附上版本号，加载时再交给模块：批量规范化凭它就能接受第 2 版以前、没有 `num_batches_tracked` 的文件。
    """
    assert "\nbeside them: " in shown("own_module.more-files").output
    assert "{'version': 2}" in shown("own_module.more-files").output
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        net = nn.Sequential(layer.make())
        written = net.state_dict()._metadata  # type: ignore[attr-defined]
        assert list(written) == [name for name, _ in net.named_modules()]
        assert all(isinstance(entry["version"], int) for entry in written.values())
    norm = nn.BatchNorm1d(2)
    old: Any = norm.state_dict()
    del old["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        norm.load_state_dict(old)
    old._metadata[""]["version"] = 1
    norm.load_state_dict(old)


def test_our_loading_broadcasts() -> None:
    """Our `load_state_dict` spreads a tensor of one number over a parameter of two; `nn.Module` refuses other
    shapes for that parameter, with a `size mismatch` that names both shapes.

    文件里只有一个数、参数却有两个数时，我们的 `load_state_dict` 会把它填进两个位置；`nn.Module` 不接受这个参数换成别的形状，报 `size mismatch`，两种形状都写在里面。
    """
    assert "ours: [1.0, 1.0]" in shown("own_module.more-files").output
    assert "size mismatch for out.bias" in shown("own_module.more-files").error
    state, _ = both()
    theirs = state.build(nn.Module)
    for shape in over(((1,), (), (3,), (1, 2), (2, 1), (2, 2)), "shapes | 种形状"):
        wrong = {**theirs.state_dict(), "out.bias": torch.ones(shape)}
        with pytest.raises(RuntimeError, match=r"size mismatch for out\.bias") as caught:
            theirs.load_state_dict(wrong)
        assert str(torch.Size(shape)) in str(caught.value)
        assert str(torch.Size((2,))) in str(caught.value)


def test_setstate_adds_missing_registries() -> None:
    """`nn.Module.__setstate__` adds the dicts of hooks that a module pickled by an older version lacks.

    整个 pickle 下来的模块若出自旧版本，缺少的钩子字典由 `nn.Module.__setstate__` 补上。
    """
    layer, X = nn.Linear(2, 2), torch.ones(1, 2)
    kinds = (
        "_forward_pre_hooks",
        "_forward_pre_hooks_with_kwargs",
        "_forward_hooks_with_kwargs",
        "_forward_hooks_always_called",
        "_backward_pre_hooks",
        "_state_dict_hooks",
        "_state_dict_pre_hooks",
        "_load_state_dict_pre_hooks",
        "_load_state_dict_post_hooks",
    )
    for kind in over(kinds, "dicts of hooks | 个钩子字典"):
        old = {name: value for name, value in vars(layer).items() if name != kind}
        assert len(old) == len(vars(layer)) - 1
        again = nn.Linear.__new__(nn.Linear)
        again.__setstate__(old)
        assert getattr(again, kind) == {}
        assert torch.equal(again(X), layer(X))


def test_the_real_class_moves_gradients() -> None:
    """A change of dtype converts the gradients of an `nn.Module` too; those of our class keep their
    dtype.

    改变数据类型时，`nn.Module` 的梯度也会转换；我们这个类的梯度保持原来的类型。
    """
    lines = shown("own_module.more-moves").output.splitlines()
    assert lines[:2] == ["torch.float64 torch.float32", "torch.float64 torch.float64"]
    state, _ = both()
    for dtype in over(float_dtypes(), "dtypes | 种数据类型"):
        for base in (state.Module, nn.Module):
            net = state.build(base)
            net(torch.ones(2, 4)).sum().backward()
            net.to(dtype)
            kept = torch.float32 if base is state.Module else dtype
            assert {p.grad.dtype for p in net.parameters()} == {kept}
            assert {p.dtype for p in net.parameters()} == {dtype}


def test_extra_repr_fills_the_brackets() -> None:
    """When a module without parts is printed, what `extra_repr` returns appears in the brackets.

    打印没有子模块的模块时，括号里的内容就是 `extra_repr` 的返回值。
    """

    class Part(nn.Module):
        def extra_repr(self) -> str:
            return "width=3"

    assert repr(Part()) == "Part(width=3)"
    plain = nn.Linear(4, 8)
    assert f"Linear({plain.extra_repr()})" in shown("own_module.more-moves").output
    leaves = [layer for layer in layers() if not list(layer.make().children())]
    for layer in over(leaves, "layer classes of torch.nn | 种 torch.nn 的层"):
        module = layer.make()
        assert repr(module) == f"{layer.cls.__name__}({module.extra_repr()})"


def test_compile_replaces_the_call_only() -> None:
    """`compile()` of an `nn.Module` sets a compiled function that the call then uses; the object and
    the keys of its state dict stay the same.

    `nn.Module` 的 `compile()` 会设好一个编译过的函数，之后的调用就用它；对象和状态字典的键不变。
    """
    for layer in over(with_a_weight(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        before = {name: value.clone() for name, value in module.state_dict().items()}
        objects = list(module.parameters())
        assert module._compiled_call_impl is None
        module.compile(backend="eager")
        assert callable(module._compiled_call_impl)
        assert list(module.state_dict()) == list(before)
        assert all(map(torch.equal, module.state_dict().values(), before.values()))
        assert all(p is q for p, q in zip(module.parameters(), objects, strict=True))
        module._compiled_call_impl = lambda *args: "compiled"
        assert layer.call(module) == "compiled"


def test_named_modules_agree_with_the_real_ones() -> None:
    """On fifty random trees, `named_modules` in the solution of the exercise gives the same names in the same
    order as that of `nn.Module`.

    在五十棵随机的树上，练习答案里的 `named_modules` 给出的名字和次序都与 `nn.Module` 的相同。
    """
    state = after("own_module.named-modules")
    for seed in over(seeds(50), "random trees of modules | 棵随机的模块树"):
        ours, real = (grow(base, random.Random(seed)) for base in (state.Named, nn.Module))
        assert [name for name, _ in ours.named_modules()] == [n for n, _ in real.named_modules()]


def test_named_gives_the_parts_of_a_module_first() -> None:
    """`named("_modules")` gives all parts of a module before the parts inside them, so the first name of a
    shared module may not be the one that `nn.Module` gives.

    `named("_modules")` 先给出模块的全部直接成员，再给出它们里面的成员，所以共用的模块的第一个名字可能和 `nn.Module` 的不同。
    """
    state = after("own_module.named-modules")
    check = state.check_named_modules
    outer = state.Module()
    outer.net = state.build(state.Module)
    outer.twin = outer.net.out
    found = [name for name, _ in outer.named("_modules")]
    assert found[:3] == ["net", "twin", "net.first"]

    class Wrong(state.Module):  # type: ignore[misc]
        def named_modules(self) -> list[tuple[str, Any]]:
            first: dict[Any, str] = {self: ""}
            for name, part in self.named("_modules"):
                first.setdefault(part, name)
            return [(name, part) for part, name in first.items()]

    with pytest.raises(AssertionError, match=r"net\.first"):
        check(Wrong)


def test_a_fourth_registry_is_walked_too() -> None:
    """A further dict of names is walked by `named` as well, with the same dotted names, so the state dict and
    loading can leave non-persistent buffers out; our class without it fails the check of the exercise.

    再加一个存名字的字典，`named` 也会走遍它，给出同样带点的名字，状态字典和加载便都能略过非持久缓冲区；没有它的类通不过练习的检验。
    """
    state = after("own_module.persistent")
    check = state.check_persistent
    net = state.Persistent()
    net.part = state.Persistent()
    net.part.register_buffer("cache", torch.zeros(1), persistent=False)
    assert [name for name, _ in net.named("_passing")] == ["part.cache"]
    assert net.state_dict() == {}

    class Plain(state.Module):  # type: ignore[misc]
        def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
            if persistent:
                super().register_buffer(name, value)
            else:
                self.__dict__[name] = value  # neither saved nor moved

    for wrong in (Plain, state.Module):
        with pytest.raises((AssertionError, TypeError)):
            check(wrong)


def test_pre_hooks_run_before_the_rest() -> None:
    """In the solution of the exercise, what a pre-hook returns is what `forward` and the forward hooks get; a
    hook that was removed does not run.

    在练习的答案里，pre-hook 的返回值就是 `forward` 和前向钩子收到的实参；摘掉的钩子不再运行。
    """
    state = after("own_module.hooks")
    check = state.check_hooks
    order = []

    class Part(state.Hooked):  # type: ignore[misc]
        def forward(self, a: int, b: int) -> int:
            order.append("forward")
            return a + b

    part = Part()
    part.register_forward_pre_hook(lambda part, args: order.append("look"))  # returns None
    first = part.register_forward_pre_hook(lambda part, args: (args[0], 10))
    part.register_forward_hook(lambda part, args, output: order.append((args, output)))
    assert part(1, 2) == 11
    assert order == ["look", "forward", ((1, 10), 11)]
    first.remove()
    assert part(1, 2) == 3

    class Never(state.Hooked):  # type: ignore[misc]
        def __call__(self, *args: Any) -> Any:
            for hook in self._pre_hooks:
                hook(self, args)
            return state.Module.__call__(self, *args)

    with pytest.raises(AssertionError, match="replaces the input"):
        check(Never)


def test_a_memory_keeps_ties_on_meta() -> None:
    """The solution of the exercise moves tied parameters to `meta` and keeps the ties, even where a module
    has two names; if it did not hand its dict of moved tensors on to the parts, the ties would be lost.

    练习的答案把绑定的参数移到 `meta` 之后，绑定还在，模块有两个名字时也一样；记录移过哪些张量的字典若不传给子模块，绑定就会丢。
    """
    state = after("own_module.ties")
    check = state.check_ties

    class Forgetful(state.Tied):  # type: ignore[misc]
        def to(self, *args: Any, moved: Any = None) -> Any:
            return super().to(*args)

    with pytest.raises(AssertionError, match="the tie is lost"):
        check(Forgetful)

    def groups(net: Any) -> list[list[str]]:
        found: dict[int, list[str]] = {}
        for name, tensor in net.named("_parameters", "_buffers"):
            found.setdefault(id(tensor), []).append(name)
        return list(found.values())

    for seed in over(seeds(), "random trees of modules | 棵随机的模块树"):
        net = grow(state.Tied, random.Random(seed))
        before = groups(net)
        net.to("meta")
        assert all(tensor.is_meta for tensor in net.state_dict().values())
        assert groups(net) == before


def test_the_real_class_loses_ties_on_meta() -> None:
    """Two modules that share one parameter have one each after `nn.Module.to("meta")`, so `nn.Module` fails
    the check of the exercise.

    两个模块共用一个参数，执行 `nn.Module.to("meta")` 之后，就各有一个了，所以 `nn.Module` 通不过练习的检验。
    """
    assert shown("own_module.ties").error == "AssertionError: the tie is lost"
    for layer in over(with_a_weight(), "layer classes with a weight | 种带权重的层"):
        first, second = layer.make(), layer.make()
        second.weight = first.weight
        nn.Sequential(first, second).to("meta")
        assert first.weight is not second.weight


def test_super_init_comes_before_the_first_part() -> None:
    """A subclass of `nn.Module` has no registries, and takes no parameter and no module, before
    `super().__init__()` has run.

    `nn.Module` 的子类在 `super().__init__()` 执行之前没有注册表，参数和模块都赋不进去。
    """
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        net: Any = layer.cls.__new__(layer.cls)
        assert not set(KINDS) & set(vars(net))
        for part in (nn.Parameter(torch.zeros(2)), nn.ReLU()):
            with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
                net.part = part
        nn.Module.__init__(net)
        assert set(KINDS) <= set(vars(net))
        net.part = nn.ReLU()
        assert registries(net) == [[], [], ["part"]]


def test_objects_once_and_names_each() -> None:
    """In `nn.Module` and in our class, `parameters()` gives a tied parameter once, and `state_dict()`
    lists it under each of its names.

    `nn.Module` 和我们的类都一样：`parameters()` 对绑定的参数只给一次，`state_dict()` 则用它的每个名字各列一遍。
    """
    state, bases = both()
    for base in bases:
        net = state.build(base)
        assert len(list(net.parameters())) == 6
        keys = list(net.state_dict())
        assert len(keys) == 9  # the buffer, and four layers with weight and bias
        assert {"middle.weight", "again.weight"} < set(keys)
    for layer in over(with_a_weight(), "layer classes with a weight | 种带权重的层"):
        net = nn.Module()
        net.first = net.second = layer.make()
        assert len(list(net.parameters())) == len(list(net.first.parameters()))
        assert {"first.weight", "second.weight"} <= set(net.state_dict())
        assert len(net.state_dict()) == 2 * len(net.first.state_dict())


def test_loading_keeps_the_objects_of_the_optimizer() -> None:
    """By default `load_state_dict`, of `nn.Module` and of our class, writes into the existing parameters, so
    that an optimiser built before trains the loaded model.

    `nn.Module` 和我们的类的 `load_state_dict` 默认把数值写进现有的参数，所以之前建好的优化器训练的就是加载之后的模型。
    """
    state, bases = both()
    for kind in over(optimizers(), "optimisers of torch.optim | 种 torch.optim 的优化器"):
        for base in bases:
            net, other = state.build(base), state.build(base, seed=1)
            first = net.state_dict()["first.weight"].clone()
            optimizer: Any = kind(net.parameters(), lr=1.0)  # type: ignore[call-arg]
            net.load_state_dict(other.state_dict())
            held = optimizer.param_groups[0]["params"]
            assert all(a is b for a, b in zip(net.parameters(), held, strict=True))
            loaded = net.state_dict()
            assert all(torch.equal(loaded[n], t) for n, t in other.state_dict().items())
            assert not torch.equal(loaded["first.weight"], first)
            net(torch.ones(3, 4)).sum().backward()
            optimizer.step()
            assert not torch.equal(net.out.bias, other.out.bias)


def test_a_call_runs_pre_hooks_forward_hooks() -> None:
    """Calling an `nn.Module` runs its forward pre-hooks, then `forward`, then its forward hooks.

    调用 `nn.Module` 的对象，会依次运行前向 pre-hook、`forward` 和前向钩子。
    """
    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        module, ran = layer.make(), []
        forward = module.forward

        def watched(*args: Any, ran: list[str] = ran, forward: Any = forward) -> Any:
            ran.append("forward")
            return forward(*args)

        module.forward = watched
        module.register_forward_hook(lambda *_, ran=ran: ran.append("hook"))
        module.register_forward_pre_hook(lambda *_, ran=ran: ran.append("pre-hook"))
        layer.call(module)
        assert ran == ["pre-hook", "forward", "hook"]


def test_a_parameter_is_replaced_by_a_parameter() -> None:
    """Under the name of a parameter, `nn.Module` takes a new `nn.Parameter` and registers it, and
    refuses a plain tensor.

    在参数的名字上，`nn.Module` 接受新的 `nn.Parameter` 并注册它，不接受普通张量。
    """
    for layer in over(with_a_weight(), "layer classes with a weight | 种带权重的层"):
        module = layer.make()
        new = nn.Parameter(torch.ones_like(module.weight))
        module.weight = new
        assert dict(module.named_parameters())["weight"] is new
        with pytest.raises(TypeError, match="cannot assign"):
            module.weight = torch.zeros_like(new)
        assert module.weight is new


def test_the_output_of_the_section_names_no_address() -> None:
    cells = section("own_module").snippets
    outputs = [shown(cell.name).output for cell in cells]
    assert not [text for text in outputs if re.search(r"0x[0-9a-f]{6}", text)]


def test_the_fixes_for_modules_work() -> None:
    """Each fix that the index of errors gives for 5.8 was tried: code written that way runs.

    报错索引里 5.8 的改法都试过：照着写的代码都能运行。
    """
    state, X = after("own_module.own-errors"), torch.ones(3, 4)

    def derive_and_call_super() -> bool:
        class Plain(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = nn.Parameter(torch.ones(2, 4))

            def forward(self, X: torch.Tensor) -> torch.Tensor:
                return X @ self.weight.T

        net = nn.Sequential(Plain())
        return net(X).shape == (3, 2) and len(list(net.parameters())) == 1

    def super_init_before_the_first_parameter() -> bool:
        class Own(state.Module):  # type: ignore[name-defined]
            def __init__(self) -> None:
                super().__init__()
                self.weight = nn.Parameter(torch.zeros(2))

            def forward(self, X: torch.Tensor) -> torch.Tensor:
                return X + self.weight

        return Own()(torch.ones(2)).tolist() == [1, 1]

    def rename_a_key() -> bool:
        net = state.build(state.Module)
        found = {f"x.{name}": value for name, value in net.state_dict().items()}
        net.load_state_dict({name[2:]: value for name, value in found.items()})
        return len(found) == len(net.state_dict())

    def make_a_new_parameter() -> bool:
        layer = nn.Linear(2, 2)
        layer.weight = nn.Parameter(layer.weight.to("meta"))
        return layer.weight.is_meta and layer.weight is dict(layer.named_parameters())["weight"]

    def look_into_vars() -> bool:
        class Careful:
            def __getattr__(self, name: str) -> Any:
                if name in vars(self).get("_buffers", {}):
                    return vars(self)["_buffers"][name]
                raise AttributeError(name)

        copy = Careful.__new__(Careful)
        return not hasattr(copy, "anything")

    def assign_a_parameter_or_copy() -> bool:
        layer, tensor = nn.Linear(2, 2), torch.ones(2)
        with torch.no_grad():
            layer.bias.copy_(tensor)
        copied = layer.bias.tolist()
        trained = []
        for early in (True, False):
            optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
            layer.bias = nn.Parameter(tensor.clone())
            if not early:
                optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
            assert copied == layer.bias.tolist() == [1, 1]
            layer(tensor).sum().backward()
            optimizer.step()
            trained.append(layer.bias.tolist() != [1, 1])
        return trained == [False, True]

    def another_name() -> bool:
        net, inner = nn.Module(), nn.Module()
        for name in ("a_b", "forward_part"):
            net.add_module(name, nn.ReLU())
        net.add_module("a", inner)
        inner.add_module("b", nn.ReLU())
        return list(dict(net.named_modules())) == ["", "a_b", "forward_part", "a", "a.b"]

    def delete_from_the_dict() -> bool:
        net = state.build(state.Module)
        del net._modules["out"]
        return not hasattr(net, "out")

    def sizes_of_the_file_or_leave_out() -> bool:
        net = state.build(nn.Module)
        found = dict(net.state_dict())
        net.load_state_dict(found)
        del found["out.bias"]
        return net.load_state_dict(found, strict=False).missing_keys == ["out.bias"]

    def tie_again_after_the_move() -> bool:
        one, two = nn.Linear(2, 2), nn.Linear(2, 2)
        two.weight = one.weight
        net = nn.Sequential(one, two).to("meta")
        assert two.weight is not one.weight
        net.to_empty(device="cpu")
        assert len(list(net.parameters())) == 4
        two.weight = one.weight
        return len(list(net.parameters())) == 3

    fixes = (
        *(derive_and_call_super, super_init_before_the_first_parameter, rename_a_key),
        *(make_a_new_parameter, look_into_vars, assign_a_parameter_or_copy, another_name),
        *(delete_from_the_dict, sizes_of_the_file_or_leave_out, tie_again_after_the_move),
    )
    for works in over(fixes, "fixes | 种改法"):
        assert works()


def test_a_failing_property_names_itself() -> None:
    """If a property of a module raises an `AttributeError`, the message names the property and not what
    is missing, in `nn.Module` and in our class.

    模块的属性（property）里抛出 `AttributeError`，报错写的是这个属性，而不是真正缺少的名字，
    `nn.Module` 和我们的类都如此。
    """
    told = shown("own_module.property").error
    assert told == "AttributeError: 'Wide' object has no attribute 'width'"
    state = after("own_module.property")
    for base in over((nn.Module, state.Module), "base classes | 个基类"):
        for name in over(("gone", "layr", "out_feature"), "missing names | 个缺少的名字"):
            body = {"width": property(lambda self, name=name: getattr(self, name))}
            with pytest.raises(AttributeError, match="width") as caught:
                type("Own", (base,), body)().width
            assert name not in str(caught.value)


def test_a_failing_method_names_what_is_missing() -> None:
    """If a method of a module looks for an attribute that is missing, the message names it, in
    `nn.Module` and in our class.

    模块的方法里要用的属性不存在，报错写的就是它，`nn.Module` 和我们的类都如此。
    """
    state = after("own_module.property")
    for base in over((nn.Module, state.Module), "base classes | 个基类"):
        for name in over(("gone", "layr", "out_feature"), "missing names | 个缺少的名字"):
            body = {"width": lambda self, name=name: getattr(self, name)}
            with pytest.raises(AttributeError, match=name):
                type("Own", (base,), body)().width()


def test_the_checks_refuse_likely_mistakes() -> None:
    """Each check of an exercise refuses solutions that fall into the trap which it is about."""
    state = after("own_module.ties")

    class Nameless(state.Module):  # type: ignore[misc]
        def named_modules(self, at: str = "") -> Iterator[tuple[str, Any]]:
            for name, part in self._modules.items():
                yield at + name, part
                yield from part.named_modules(f"{at}{name}.")

    class Twice(state.Module):  # type: ignore[misc]
        def named_modules(self, at: str = "") -> Iterator[tuple[str, Any]]:
            yield at, self
            for name, part in self._modules.items():
                yield from part.named_modules(f"{at}.{name}" if at else name)

    class Unregistered(state.Module):  # type: ignore[misc]
        def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
            if persistent:
                super().register_buffer(name, value)
            else:
                setattr(self, name, value)

    class AllSaved(state.Module):  # type: ignore[misc]
        def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
            super().register_buffer(name, value)

    class Watching(state.Hooked):  # type: ignore[misc]
        def __call__(self, *args: Any) -> Any:
            for hook in self._pre_hooks:
                hook(self, args)
            return state.Module.__call__(self, *args)

    class Staying(state.Hooked):  # type: ignore[misc]
        def register_forward_pre_hook(self, hook: Any) -> Any:
            self._pre_hooks.append(hook)
            return type("Handle", (), {"remove": lambda self: None})()

    class Thawed(state.Tied):  # type: ignore[misc]
        def to(self, *args: Any, moved: Any = None) -> Any:
            super().to(*args, moved=moved)
            for _, parameter in self.named_parameters():
                parameter.requires_grad = True
            return self

    class Removing(state.Hooked):  # type: ignore[misc]
        def register_forward_pre_hook(self, hook: Any) -> Any:
            self._pre_hooks.append(hook)
            remove = self._pre_hooks.remove
            return type("Handle", (), {"remove": lambda self: remove(hook)})()

    class Nested(state.Hooked):  # type: ignore[misc]
        def __call__(self, *args: Any) -> Any:
            for hook in self._pre_hooks:
                if (new := hook(self, args)) is not None:
                    args = (new,)
            return state.Module.__call__(self, *args)

    names = set[str]()

    class Everywhere(state.Module):  # type: ignore[misc]
        def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
            super().register_buffer(name, value)
            if not persistent:
                names.add(name)

        def state_dict(self) -> Any:
            found = super().state_dict()
            return {k: v for k, v in found.items() if k.split(".")[-1] not in names}

    class Shared(state.Module):  # type: ignore[misc]
        passing: set[str] = set()  # of the class, and so of all objects  # noqa: RUF012

        def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
            super().register_buffer(name, value)
            (self.passing.discard if persistent else self.passing.add)(name)

        def state_dict(self) -> Any:
            found = super().state_dict()
            return {k: v for k, v in found.items() if k.split(".")[-1] not in self.passing}

    class OneWay(state.Persistent):  # type: ignore[misc]
        def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
            super().register_buffer(name, value, persistent or name in self._buffers)

    for wrong, told in ((Shared, "cache"), (OneWay, "still saved")):
        with pytest.raises(AssertionError, match=told):
            state.check_persistent(wrong)

    class Original(state.Hooked):  # type: ignore[misc]
        def __call__(self, *args: Any) -> Any:
            new = args
            for hook in self._pre_hooks:
                if (made := hook(self, args)) is not None:
                    new = made if isinstance(made, tuple) else (made,)
            return state.Module.__call__(self, *new)

    with pytest.raises(AssertionError, match="run both, each on what"):
        state.check_hooks(Original)

    class TwoLevels(state.Named):  # type: ignore[misc]
        def named_modules(self, at: str = "", seen: Any = None) -> Any:
            return ((n, part) for n, part in super().named_modules(at, seen) if n.count(".") < 2)

    class RemovingAfter(state.Hooked):  # type: ignore[misc]
        def register_forward_hook(self, hook: Any) -> Any:
            own = functools.partial(hook)
            self._hooks.append(own)

            def remove(handle: Any) -> None:
                if own in self._hooks:
                    self._hooks.remove(own)

            return type("Handle", (), {"remove": remove})()

    class TiedParameters(state.Module):  # type: ignore[misc]
        def to(self, *args: Any, moved: Any = None) -> Any:
            moved = {} if moved is None else moved
            for name, old in self._parameters.items():
                if old not in moved:
                    moved[old] = state.carry(old, *args)
                self._parameters[name] = moved[old]
            for name, old in self._buffers.items():
                self._buffers[name] = old.to(*args)
            for part in self._modules.values():
                part.to(*args, moved=moved)
            return self

    for check, wrong in (
        (state.check_hooks, RemovingAfter),
        (state.check_ties, TiedParameters),
        (state.check_hooks, Removing),
        (state.check_hooks, Nested),
        (state.check_persistent, Everywhere),
        (state.check_named_modules, TwoLevels),
        (state.check_named_modules, Nameless),
        (state.check_named_modules, Twice),
        (state.check_persistent, Unregistered),
        (state.check_persistent, AllSaved),
        (state.check_hooks, Watching),
        (state.check_hooks, Staying),
        (state.check_ties, state.Module),
        (state.check_ties, Thawed),
    ):
        with pytest.raises((AssertionError, LookupError, RuntimeError, TypeError)):
            check(wrong)


def test_a_method_hides_the_part_of_its_name() -> None:
    """Where the class has a method `head`, a module assigned to `self.head` of an `nn.Module` is
    registered, and the attribute `head` is still the method.

    类里有方法 `head` 时，在 `nn.Module` 里赋给 `self.head` 的模块会被注册，而读取 `head` 得到的仍是那个方法。
    """

    class Hidden(nn.Module):
        def head(self) -> str:
            return "a method"

    for layer in over(layers(), "layer classes of torch.nn | 种 torch.nn 的层"):
        net: Any = Hidden()
        net.head = part = layer.make()
        assert list(net._modules) == ["head"]
        assert net._modules["head"] is part
        assert net.head() == "a method"


def test_the_table_lists_what_was_assigned_where_it_went() -> None:
    state = after("own_module.sorted")
    rows = dict(line.split(maxsplit=1) for line in shown("own_module.sorted").output.splitlines())
    kept = [str(list(names)) for names in (["weight"], ["part"])]
    assert [rows["_parameters"], rows["_modules"]] == kept
    assert rows["_buffers"] == "['mean']"
    assert rows["plain"].endswith("'parts', 'table']")
    assert rows["found"] == f"all the same: {state.net.mean}"
    assert state.net.mean.tolist() == [1.0] * 4


def test_the_network_computes_what_its_lines_say() -> None:
    state = after("own_module.same")
    assert state.X.shape == (16, 4)
    for net, output, grads in zip(state.nets, state.outputs, state.grads, strict=True):
        first, middle, out = net.first, net.middle, net.out
        for layer, inputs in ((first, 4), (middle, 8), (out, 8)):
            assert 0.6 < layer.weight.std().item() * inputs**0.5 < 1.5
            assert layer.bias.count_nonzero() == 0
        mean = 0.1 * state.X.mean(0)
        torch.testing.assert_close(net.mean, mean)
        with torch.no_grad():
            for layer in (first, middle, out):  # the sign of a bias counts only if it is not zero
                layer.bias.fill_(0.3)
        H = torch.relu(nn.functional.linear(state.X - net.mean, first.weight, first.bias))
        H = torch.relu(nn.functional.linear(H, middle.weight, middle.bias))
        H = nn.functional.linear(H, middle.weight, middle.bias)
        expected = nn.functional.linear(H, out.weight, out.bias)
        torch.testing.assert_close(net.eval()(state.X), expected)
        with torch.no_grad():
            for layer in (first, middle, out):
                layer.bias.zero_()
        again = net(state.X)
        torch.testing.assert_close(again, output)
        loss = again.square().sum()
        torch.testing.assert_close(list(torch.autograd.grad(loss, net.parameters())), grads)


def test_the_file_holds_a_trained_network_and_that_of_another_seed() -> None:
    state = after("own_module.file")
    untrained = state.build(state.Module).eval()
    start, end = (net(state.X).square().sum().item() for net in (untrained, state.theirs))
    assert 0 < end < 0.98 * start
    again = state.build(state.Module)
    again(state.X)  # as in the cell before
    optimizer = torch.optim.Adam(again.parameters())
    for _ in range(20):
        optimizer.zero_grad()
        again(state.X).square().sum().backward()
        optimizer.step()
    written = state.theirs.state_dict()
    assert all(torch.equal(written[name], now) for name, now in again.state_dict().items())
    assert not torch.equal(state.other.first.weight, untrained.first.weight)
    assert torch.equal(state.mine.first.weight, state.other.first.weight)


def test_each_check_that_a_solution_calls_says_so() -> None:
    assert silent("own_module") == []


@pytest.mark.parametrize(
    ("exercise", "passed"),
    [
        ("named-modules", ["Module", "Named"]),
        ("persistent", ["Module", "Persistent"]),
        ("hooks", ["Module", "Hooked"]),
        ("ties", ["Tied"]),
    ],
)
def test_a_check_names_what_has_passed_it(exercise: str, passed: list[str]) -> None:
    told = shown(f"own_module.{exercise}").output.splitlines()
    assert told == [f"checked: {name}" for name in passed]
