"""Proves what the page on a module of one's own says."""

import copy
import inspect
import pickle
import random
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from proven.testing import after, section, shown

KINDS = ["_parameters", "_buffers", "_modules"]


def both(name: str = "net") -> tuple[Any, tuple[Any, Any]]:
    """The names after a snippet, and the two base classes."""
    state = after(f"own_module.{name}")
    return state, (state.Module, nn.Module)


def names(net: Any) -> list[str]:
    """The names of the parameters, in order."""
    return [name for name, _ in net.named_parameters()]


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
    """Our `__setattr__` registers a `Parameter` or a module under the name it is assigned to, and
    neither a list of modules nor a plain tensor.

    我们的 `__setattr__` 会把 `Parameter` 和模块注册在所赋的名字下；装着模块的列表和普通张量都不注册。
    """
    state, _ = both()
    net = state.Module()
    net.weight, net.part = nn.Parameter(torch.zeros(2)), state.Module()
    net.parts, net.table = [state.Module()], torch.zeros(2)
    assert registries(net) == [["weight"], [], ["part"]]
    assert {"parts", "table"} <= set(vars(net))
    assert not {"weight", "part"} & set(vars(net))


def test_our_buffers_go_by_name() -> None:
    """In our class only `register_buffer` makes a tensor a buffer; a new tensor assigned to that
    name is a buffer as well.

    在我们的类里，只有 `register_buffer` 能让张量成为缓冲区；之后给这个名字赋的新张量也是缓冲区。
    """
    state, _ = both()
    net = state.Module()
    net.mean = torch.zeros(2)
    assert registries(net) == [[], [], []]
    net = state.Module()
    net.register_buffer("mean", torch.zeros(2))
    new = torch.ones(2)
    net.mean = new
    assert vars(net)["_buffers"]["mean"] is new
    assert net.state_dict()["mean"].tolist() == [1, 1]
    assert "mean" not in vars(net)


def test_getattr_is_the_last_resort() -> None:
    """Python calls `__getattr__` only for a name that the usual look-up does not find.

    只有按通常的办法找不到某个名字，Python 才会调用 `__getattr__`。
    """

    class Watched:
        kind = 1

        def __init__(self) -> None:
            self.asked: list[str] = []
            self.own = 2

        def __getattr__(self, name: str) -> int:
            self.asked.append(name)
            return 3

    watched = Watched()
    assert (watched.kind, watched.own, watched.missing) == (1, 2, 3)
    assert watched.asked == ["missing"]


def test_both_classes_sort_alike() -> None:
    """`nn.Module` sorts a parameter, a module, a list of modules, a tensor and a buffer with a new
    value into the same places as our class.

    参数、模块、模块的列表、张量和换了新值的缓冲区，`nn.Module` 归类的结果和我们的类相同。
    """
    found = []
    for base in both()[1]:
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


def test_our_state_dict_is_live() -> None:
    """The tensors in our state dict share memory with the model: a change of one is a change of the
    other.

    我们的状态字典里的张量与模型共用内存，一边变，另一边也变。
    """
    state, _ = both()
    net = state.build(state.Module)
    saved = net.state_dict()
    with torch.no_grad():
        net.out.bias.fill_(7)
    assert saved["out.bias"].tolist() == [7, 7]
    assert saved["out.bias"].data_ptr() == net.out.bias.data_ptr()
    assert not saved["out.bias"].requires_grad


def test_loading_writes_through_the_live_dict() -> None:
    """Our `load_state_dict` compares the keys, then writes values into the memory of the model; its
    parameters stay the same objects.

    我们的 `load_state_dict` 先核对键，再把数值写进模型的内存；参数还是原来的对象。
    """
    state, _ = both()
    net, other = state.build(state.Module), state.build(state.Module, seed=1)
    objects = net.parameters()
    addresses = [parameter.data_ptr() for parameter in objects]
    net.load_state_dict(other.state_dict())
    assert all(a is b for a, b in zip(net.parameters(), objects, strict=True))
    assert [parameter.data_ptr() for parameter in net.parameters()] == addresses
    for name, tensor in other.state_dict().items():
        assert torch.equal(net.state_dict()[name], tensor)
    assert all(parameter.requires_grad for parameter in objects)


def test_our_hooks_run_in_calls_only() -> None:
    """Calling an object of our class runs `forward` and then its hooks; calling `forward` itself
    runs no hook.

    调用我们这个类的对象，会先执行 `forward`，再运行钩子；直接调用 `forward` 不运行钩子。
    """
    state, _ = both()
    ran = []

    class Part(state.Module):  # type: ignore[misc]
        def forward(self, X: int, scale: int = 1) -> int:
            ran.append("forward")
            return X * scale

    part = Part()
    part.register_forward_hook(lambda *seen: ran.append(seen))
    assert part(2, scale=3) == 6
    assert ran == ["forward", (part, (2,), 6)]
    assert part.forward(2) == 2
    assert ran == ["forward", (part, (2,), 6), "forward"]


def test_our_modes_reach_parts_and_are_not_saved() -> None:
    """Our `train` and `eval` set the mode of a module and of all modules registered in it, at any
    depth; the mode is in no state dict.

    我们的 `train` 和 `eval` 会设定模块自身以及其中各级注册模块的模式；状态字典里没有模式。
    """
    state, _ = both()
    outer = state.Module()
    outer.net = state.build(state.Module)
    parts = [outer, outer.net, outer.net.first, outer.net.middle, outer.net.out]
    assert all(part.training for part in parts)
    assert outer.eval() is outer
    assert not any(part.training for part in parts)
    assert outer.train() is outer
    assert all(part.training for part in parts)
    assert not [key for key in outer.state_dict() if "training" in key]


def test_our_to_keeps_the_parameters() -> None:
    """Our `to` gives parameters new contents and keeps the objects, so that an optimizer built
    before it still trains the model.

    我们的 `to` 给参数换上新内容，对象不变，所以之前建好的优化器仍能训练这个模型。
    """
    state, _ = both()
    net = state.build(state.Module)
    objects = net.parameters()
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    assert net.to(torch.float64) is net
    assert all(a is b for a, b in zip(net.parameters(), objects, strict=True))
    before = net.out.bias.detach().clone()
    net(torch.ones(3, 4, dtype=torch.float64)).sum().backward()
    optimizer.step()
    assert net.out.bias.dtype == torch.float64
    assert not torch.equal(net.out.bias, before)


def test_our_to_leaves_plain_tensors_behind() -> None:
    """Our `to` converts parameters and buffers, and no tensor that is a plain attribute.

    我们的 `to` 转换参数和缓冲区，不转换普通属性里的张量。
    """
    state, _ = both()
    net = state.build(state.Module)
    net.table = torch.zeros(2)
    net.to(torch.float64)
    assert (net.mean.dtype, net.out.bias.dtype) == (torch.float64, torch.float64)
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
    real = nn.Linear.__new__(nn.Linear)
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
    wrong = {name: tensor + 1 for name, tensor in start.items()}
    wrong["final.bias"] = wrong.pop("out.bias")
    with pytest.raises(RuntimeError, match=r"missing=\['out.bias'\], unexpected=\['final.bias'\]"):
        net.load_state_dict(wrong)
    assert all(torch.equal(net.state_dict()[name], start[name]) for name in start)


def test_sequential_takes_only_real_modules() -> None:
    """`nn.Sequential` refuses an object of our class: it `is not a Module subclass`.

    `nn.Sequential` 不接受我们这个类的对象，报 `is not a Module subclass`。
    """
    assert error_of_ours(4) == "TypeError: __main__.Module is not a Module subclass"
    assert len(nn.Sequential(nn.Module())) == 1


def test_data_refuses_the_meta_device() -> None:
    """Assigning a tensor on `meta` to the `.data` of one on the CPU raises `incompatible tensor type`;
    `nn.Module.to` makes new parameters in that case.

    把 `meta` 上的张量赋给 CPU 张量的 `.data`，会报 `incompatible tensor type`；这时 `nn.Module.to` 会新建参数。
    """
    assert error_of_ours(5).endswith("have incompatible tensor type.")
    weight = nn.Parameter(torch.zeros(2))
    with pytest.raises(RuntimeError, match="incompatible tensor type"):
        weight.data = weight.data.to("meta")
    layer = nn.Linear(2, 2)
    before = layer.weight
    assert layer.to("meta").weight is not before


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
    """A `__getattr__` that asks for a missing attribute of the same object calls itself until Python
    raises a `RecursionError`.

    `__getattr__` 里如果访问同一个对象缺少的属性，就会不断调用自己，直到 Python 报 `RecursionError`。
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


def test_both_classes_compute_the_same_bits() -> None:
    """The model built on our class and the one built on `nn.Module`, from one seed, agree bit for bit
    in output, buffer and gradients after a call and a backward pass.

    同一个种子，基于我们的类和基于 `nn.Module` 的模型，在一次调用和反向传播之后，输出、缓冲区和梯度逐位一致。
    """
    assert shown("own_module.same").output.count("True") == 4
    state = after("own_module.same")
    assert torch.equal(*state.outputs)
    assert state.mine.mean.any()
    assert torch.equal(state.mine.mean, state.theirs.mean)
    for ours, real in zip(state.mine.parameters(), state.theirs.parameters(), strict=True):
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
    for seed in range(50):
        ours, real = (grow(base, random.Random(seed)) for base in bases)
        assert names(ours) == names(real)
        state, other = ours.state_dict(), real.state_dict()
        assert list(state) == list(other)
        assert all(torch.equal(state[name], other[name]) for name in state)
        ties += len(names(ours)) < len([*ours.named("_parameters")])
    assert ties >= 5


def test_files_go_both_ways() -> None:
    """A state dict that one of the two classes has written to a file is loaded by the other, and the
    outputs are equal then.

    两个类中任何一个写进文件的状态字典，另一个都能加载，之后输出相等。
    """
    assert shown("own_module.file").output.splitlines() == [
        "<All keys matched successfully>",
        "same outputs: True",
        "and back: True",
    ]
    state, bases = both()
    X = torch.ones(2, 4)
    with tempfile.TemporaryDirectory() as folder:
        for writer, reader in (bases, bases[::-1]):
            source, target = state.build(writer, seed=1).eval(), state.build(reader).eval()
            assert not torch.equal(source(X), target(X))
            torch.save(source.state_dict(), Path(folder, "file.pt"))
            target.load_state_dict(torch.load(Path(folder, "file.pt")))
            assert torch.equal(source(X), target(X))


def test_both_classes_call_hooks_alike() -> None:
    """In our class and in `nn.Module`, a forward hook runs once for `net(X)`, with the same arguments,
    and not for `net.forward(X)`.

    在我们的类和 `nn.Module` 里，前向钩子都是 `net(X)` 运行一次，收到的实参相同；`net.forward(X)` 不运行它。
    """
    state, bases = both()
    X = torch.ones(2, 4)
    seen = []
    for base in bases:
        net, calls = state.build(base), []
        net.middle.register_forward_hook(lambda *got, calls=calls: calls.append(got))
        net.eval()(X)  # the layer stands at two positions
        assert len(calls) == 2
        net.middle.forward(calls[0][1][0])
        assert len(calls) == 2
        assert calls[0][0] is net.middle
        seen.append([(args[0].tolist(), output.tolist()) for _, args, output in calls])
    assert seen[0] == seen[1]


def test_both_classes_switch_alike() -> None:
    """`eval` of our class and of `nn.Module` reaches the same modules of one tree, and none that is
    only in a list.

    对同样的树，我们的类和 `nn.Module` 的 `eval` 作用到同样的模块；只放在列表里的模块都够不着。
    """
    state, bases = both()
    modes = []
    for base in bases:
        outer = base()
        outer.net, outer.parts = state.build(base), [base()]
        outer.eval()
        parts = [outer, outer.net, outer.net.first, outer.net.again, outer.net.out, outer.parts[0]]
        modes.append([part.training for part in parts])
    assert modes[0] == modes[1] == [False, False, False, False, False, True]


def test_both_classes_convert_alike() -> None:
    """`to(torch.float64)` of our class and of `nn.Module` converts all parameters and buffers, keeps
    the parameter objects and the ties, and leaves a plain tensor as it was.

    我们的类和 `nn.Module` 的 `to(torch.float64)` 都会转换全部参数和缓冲区，保留参数对象和绑定，不动普通张量。
    """
    state, bases = both()
    for base in bases:
        net = state.build(base)
        net.table = torch.zeros(2)
        objects = list(net.parameters())
        net.to(torch.float64)
        assert {tensor.dtype for tensor in net.state_dict().values()} == {torch.float64}
        assert all(a is b for a, b in zip(net.parameters(), objects, strict=True))
        assert net.again is net.middle
        assert net.table.dtype == torch.float32


def test_four_methods_are_long() -> None:
    """Counted with their helpers, `load_state_dict`, `__call__`, `to` and `__setattr__` of
    `nn.Module` are its four longest of the eleven methods, each over six times as long as ours;
    `train` is at most two lines longer.

    连同辅助方法一起数，十一个方法里 `nn.Module` 最长的四个是 `load_state_dict`、`__call__`、`to` 和 `__setattr__`，每个都超过我们的六倍；`train` 最多只长两行。
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
    state, _ = both()
    net = state.build(state.Module)
    net.out.bias = torch.ones(2)
    net(torch.ones(3, 4)).sum().backward()
    assert dict(net.named_parameters())["out.bias"].grad is None
    assert dict(net.named_parameters())["out.weight"].grad is not None


def test_the_real_class_guards_registered_names() -> None:
    """`nn.Module` refuses a plain tensor under the name of a parameter: `cannot assign
    'torch.FloatTensor' as parameter 'bias'`.

    把普通张量赋给参数的名字，`nn.Module` 会拒绝：`cannot assign 'torch.FloatTensor' as parameter 'bias'`。
    """
    error = shown("own_module.guards").errors[0].text
    assert error.startswith("TypeError: cannot assign 'torch.FloatTensor' as parameter 'bias'")
    layer = nn.Linear(2, 2)
    before = layer.bias
    with pytest.raises(TypeError):
        layer.bias = torch.ones(2)
    assert layer.bias is before


def test_add_module_checks_the_name() -> None:
    """`add_module` and `register_module` of `nn.Module` refuse a name with a dot, and one that the
    object has already for something else.

    `nn.Module` 的 `add_module` 和 `register_module` 都不接受带点的名字，也不接受对象已经用于别处的名字。
    """
    _, dotted, taken = (error.text for error in shown("own_module.guards").errors)
    assert dotted.startswith("KeyError: ")
    assert "module name can" in dotted
    assert 'contain "."' in dotted
    assert "attribute 'forward' already exists" in taken
    for register in (nn.Module.add_module, nn.Module.register_module):
        for name in ("a.b", "forward"):
            with pytest.raises(KeyError):
                register(nn.Module(), name, nn.ReLU())


def test_the_real_class_can_delete_a_part() -> None:
    """`del` removes a part of an `nn.Module`, and `None` under its name leaves a registered place
    that holds nothing; our class refuses `del` with an `AttributeError`.

    `del` 能删掉 `nn.Module` 的成员，给它的名字赋 `None` 则留下一个注册过的空位；我们的类遇到 `del` 会报 `AttributeError`。
    """
    removed = shown("own_module.removed")
    assert removed.output == "theirs: ['first', 'middle']\n"
    assert removed.error.startswith("AttributeError: ")
    state = after("own_module.removed")
    assert list(state.theirs._modules) == ["first", "middle", "again"]
    assert state.theirs._modules["again"] is None
    assert state.theirs.again is None


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
    net = state.build(state.Module).eval()
    X = torch.ones(2, 4)
    before = net(X)
    ran = []
    net.register_forward_hook(lambda part, args, output: ran.append(1) or output + 1)
    assert torch.equal(net(X), before)
    assert ran == [1]


def test_saving_and_loading_have_hooks() -> None:
    """`nn.Module` runs registered hooks before and after `state_dict`, and before and after
    `load_state_dict`.

    `nn.Module` 在 `state_dict` 的前后和 `load_state_dict` 的前后，都会运行注册过的钩子。
    """
    layer, ran = nn.Linear(2, 2), []
    for name in (
        "state_dict_pre",
        "state_dict_post",
        "load_state_dict_pre",
        "load_state_dict_post",
    ):
        getattr(layer, f"register_{name}_hook")(lambda *_, name=name: ran.append(name))
    state = layer.state_dict()
    assert ran == ["state_dict_pre", "state_dict_post"]
    layer.load_state_dict(state)
    assert ran[2:] == ["load_state_dict_pre", "load_state_dict_post"]


def test_lazy_layers_are_made_of_hooks() -> None:
    """A lazy layer has one forward pre-hook before its first call, which gives its parameters a shape,
    and none after it.

    延后初始化的层在第一次调用之前有一个前向 pre-hook，由它给参数定下形状；调用之后就没有了。
    """
    layer = nn.LazyLinear(3)
    [hook] = layer._forward_pre_hooks.values()
    assert hook.__name__ == "_infer_parameters"
    layer(torch.ones(2, 5))
    assert layer.weight.shape == (3, 5)
    assert not layer._forward_pre_hooks
    lazy = nn.LazyLinear(3)
    with pytest.raises(ValueError, match="uninitialized parameter"):
        lazy.forward(torch.ones(2, 5))  # no call, no hook


def test_non_persistent_names_are_in_a_set() -> None:
    """`nn.Module` keeps the names of non-persistent buffers in `_non_persistent_buffers_set`, and
    these buffers are not in its state dict.

    `nn.Module` 把非持久缓冲区的名字记在 `_non_persistent_buffers_set` 里，状态字典中没有这些缓冲区。
    """
    assert "cache" not in shown("own_module.more-files").output
    norm = after("own_module.more-files").norm
    assert norm._non_persistent_buffers_set == {"cache"}
    assert "cache" in dict(norm.named_buffers())
    assert "cache" not in norm.state_dict()
    norm._non_persistent_buffers_set.clear()
    assert "cache" in norm.state_dict()


def test_state_dicts_carry_versions() -> None:
    """The state dict of an `nn.Module` carries a version for each module, and loading hands it to the
    module: batch norm then accepts a file of before version 2, which has no `num_batches_tracked`.

    `nn.Module` 的状态字典给每个模块附上版本号，加载时再交给模块：批量归一化凭它就能接受第 2 版以前、没有 `num_batches_tracked` 的文件。
    """
    assert "{'version': 2}" in shown("own_module.more-files").output
    norm = nn.BatchNorm1d(2)
    old = norm.state_dict()
    del old["num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):
        norm.load_state_dict(old)
    old._metadata[""]["version"] = 1
    norm.load_state_dict(old)


def test_our_loading_broadcasts() -> None:
    """Our `load_state_dict` spreads a tensor of one number over a parameter of two; `nn.Module`
    refuses it with a `size mismatch`.

    加载时文件里只有一个数、参数有两个数，我们的 `load_state_dict` 会把它填进两个位置；`nn.Module` 会拒绝，报 `size mismatch`。
    """
    assert "ours: [1.0, 1.0]" in shown("own_module.more-files").output
    assert "size mismatch for out.bias" in shown("own_module.more-files").error


def test_setstate_adds_missing_registries() -> None:
    """`nn.Module.__setstate__` adds dicts of hooks that a pickled module of an older version does not
    have.

    旧版本 pickle 下来的模块没有的钩子字典，`nn.Module.__setstate__` 会补上。
    """
    layer = nn.Linear(2, 2)
    old = {name: value for name, value in vars(layer).items() if "pre_hooks" not in name}
    assert "_forward_pre_hooks" not in old
    again = nn.Linear.__new__(nn.Linear)
    again.__setstate__(old)
    X = torch.ones(1, 2)
    assert torch.equal(again(X), layer(X))
    assert again._forward_pre_hooks == {}


def test_the_real_class_moves_gradients() -> None:
    """A change of dtype converts the gradients of an `nn.Module` too; those of our class keep their
    dtype.

    改变数据类型时，`nn.Module` 的梯度也会转换；我们这个类的梯度保持原来的类型。
    """
    lines = shown("own_module.more-moves").output.splitlines()
    assert lines[:2] == ["torch.float64 torch.float32", "torch.float64 torch.float64"]


def test_extra_repr_fills_the_brackets() -> None:
    """What `extra_repr` returns stands in the brackets when a module is printed.

    打印模块时，括号里的内容就是 `extra_repr` 的返回值。
    """

    class Part(nn.Module):
        def extra_repr(self) -> str:
            return "width=3"

    assert repr(Part()) == "Part(width=3)"
    layer = nn.Linear(4, 8)
    assert f"Linear({layer.extra_repr()})" in shown("own_module.more-moves").output


def test_compile_replaces_the_call_only() -> None:
    """`compile()` of an `nn.Module` sets a compiled function that the call then uses; the object and
    the keys of its state dict stay the same.

    `nn.Module` 的 `compile()` 会设好一个编译过的函数，之后的调用就用它；对象和状态字典的键不变。
    """
    layer = nn.Linear(2, 2)
    keys = list(layer.state_dict())
    assert layer._compiled_call_impl is None
    layer.compile(backend="eager")
    assert callable(layer._compiled_call_impl)
    assert list(layer.state_dict()) == keys
    assert type(layer) is nn.Linear
    layer._compiled_call_impl = lambda X: "compiled"
    assert layer(torch.ones(1, 2)) == "compiled"


def check_of(name: str) -> tuple[Any, Any]:
    """The names after the solution of an exercise, and its check."""
    state = after(f"own_module.{name}")
    return state, getattr(state, f"check_{name.replace('-', '_')}")


def test_named_modules_agree_with_the_real_ones() -> None:
    """On fifty random trees the solution's `named_modules` gives the same names in the same order as
    that of `nn.Module`.

    在五十棵随机的树上，答案里的 `named_modules` 给出的名字和次序都与 `nn.Module` 的相同。
    """
    state, _ = check_of("named-modules")
    for seed in range(50):
        ours, real = (grow(base, random.Random(seed)) for base in (state.Named, nn.Module))
        assert [name for name, _ in ours.named_modules()] == [n for n, _ in real.named_modules()]


def test_named_gives_the_parts_of_a_module_first() -> None:
    """`named("_modules")` gives all parts of a module before the parts inside them, so the first name
    of a shared module can be another one than in `nn.Module`.

    `named("_modules")` 先给出模块的全部直接成员，再给出它们里面的成员，所以共用的模块的第一个名字可能和 `nn.Module` 的不同。
    """
    state, check = check_of("named-modules")
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

    with pytest.raises((AssertionError, KeyError)):
        check(Wrong)


def test_a_fourth_registry_is_walked_too() -> None:
    """A further dict of names is walked by `named` as well, with the same dotted names, which leaves
    non-persistent buffers out of the state dict and of loading; our class without it fails the
    check.

    再加一个存名字的字典，`named` 也会走遍它，给出同样带点的名字，状态字典和加载便都能略过非持久缓冲区；没有它的类通不过检查。
    """
    state, check = check_of("persistent")
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
    """In the solution, what a pre-hook returns is what `forward` and the forward hooks get; a hook that
    was removed does not run.

    在答案里，pre-hook 的返回值就是 `forward` 和前向钩子收到的实参；摘掉的钩子不再运行。
    """
    state, check = check_of("hooks")
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
    """The solution moves tied parameters to `meta` and keeps the ties, also where a module has two
    names; without handing the dict on to the parts it would lose them.

    答案把绑定的参数移到 `meta` 之后，绑定还在，模块有两个名字时也一样；字典若不传给子模块，绑定就会丢。
    """
    state, check = check_of("ties")

    class Forgetful(state.Tied):  # type: ignore[misc]
        def to(self, *args: Any, moved: Any = None) -> Any:
            return super().to(*args)

    net = state.Tied()
    net.a, net.b = state.Tied(), state.Tied()
    net.a.weight = net.b.weight = nn.Parameter(torch.zeros(2))
    net.again = net.b
    net.to("meta")
    assert net.a.weight is net.b.weight is net.again.weight
    assert net.a.weight.is_meta
    with pytest.raises(AssertionError, match="the tie is lost"):
        check(Forgetful)


def test_the_real_class_loses_ties_on_meta() -> None:
    """Two modules that share one parameter have two different ones after `nn.Module.to("meta")`.

    两个模块共用一个参数，执行 `nn.Module.to("meta")` 之后，就各有一个了。
    """
    assert shown("own_module.ties").error == "AssertionError: the tie is lost"
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    nn.Sequential(first, second).to("meta")
    assert first.weight is not second.weight


def test_assignment_registers_parameters_and_modules() -> None:
    """In `nn.Module` and in our class, an `nn.Parameter` or a module that is assigned to an attribute
    is registered; a list of modules or a plain tensor is not.

    在 `nn.Module` 和我们的类里，赋给属性的 `nn.Parameter` 和模块会被注册，装着模块的列表和普通张量不会。
    """
    for base in both()[1]:
        net = base()
        net.weight, net.part = nn.Parameter(torch.zeros(2)), base()
        assert registries(net) == [["weight"], [], ["part"]]
        net.parts, net.table = [base()], torch.zeros(2)
        assert registries(net) == [["weight"], [], ["part"]]


def test_super_init_comes_before_the_first_part() -> None:
    """A subclass of `nn.Module` has no registries, and takes no parameter and no module, before
    `super().__init__()` has run.

    `nn.Module` 的子类在 `super().__init__()` 执行之前没有注册表，参数和模块都赋不进去。
    """
    net = nn.Module.__new__(nn.Module)
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

    在 `nn.Module` 和我们的类里，绑定的参数 `parameters()` 只给一次，`state_dict()` 则用它的每个名字各列一遍。
    """
    state, bases = both()
    for base in bases:
        net = state.build(base)
        assert len(list(net.parameters())) == 6
        keys = list(net.state_dict())
        assert len(keys) == 9  # the buffer, and four layers with weight and bias
        assert {"middle.weight", "again.weight"} < set(keys)


def test_loading_keeps_the_objects_of_the_optimizer() -> None:
    """`load_state_dict`, of `nn.Module` and of our class, writes into the parameters that are there, so
    that an optimizer built before trains the loaded model.

    `nn.Module` 和我们的类的 `load_state_dict` 都把数值写进现有的参数，所以之前建好的优化器训练的就是加载之后的模型。
    """
    state, bases = both()
    for base in bases:
        net, other = state.build(base), state.build(base, seed=1)
        optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
        net.load_state_dict(other.state_dict())
        held = optimizer.param_groups[0]["params"]
        assert all(a is b for a, b in zip(net.parameters(), held, strict=True))
        net(torch.ones(3, 4)).sum().backward()
        optimizer.step()
        assert not torch.equal(net.out.bias, other.out.bias)


def test_a_call_runs_pre_hooks_forward_hooks() -> None:
    """Calling an `nn.Module` runs its forward pre-hooks, then `forward`, then its forward hooks.

    调用 `nn.Module` 的对象，会依次运行前向 pre-hook、`forward` 和前向钩子。
    """
    ran = []

    class Part(nn.Module):
        def forward(self, X: int) -> int:
            ran.append("forward")
            return X

    part = Part()
    part.register_forward_hook(lambda *_: ran.append("hook"))
    part.register_forward_pre_hook(lambda *_: ran.append("pre-hook"))
    part(1)
    assert ran == ["pre-hook", "forward", "hook"]


def test_a_parameter_is_replaced_by_a_parameter() -> None:
    """Under the name of a parameter, `nn.Module` takes a new `nn.Parameter` and registers it, and
    refuses a plain tensor.

    在参数的名字上，`nn.Module` 接受新的 `nn.Parameter` 并注册它，不接受普通张量。
    """
    layer, new = nn.Linear(2, 2), nn.Parameter(torch.ones(2))
    layer.bias = new
    assert dict(layer.named_parameters())["bias"] is new
    with pytest.raises(TypeError, match="cannot assign"):
        layer.bias = torch.zeros(2)
    assert layer.bias is new


def test_the_output_of_the_section_names_no_address() -> None:
    cells = section("own_module").snippets
    outputs = [shown(cell.name).output for cell in cells]
    assert not [text for text in outputs if re.search(r"0x[0-9a-f]{6}", text)]
