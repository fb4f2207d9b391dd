"""The families are complete, and each member does what its family says."""

import inspect
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from proven import testing
from proven.assertions import Ledger
from tests import families
from tests.families import LEFT_OUT, Initialiser, Layer, Member

LAYERS = [*families.layers(), *families.lazy_layers(), *families.losses()]
ALL: dict[str, list[Any]] = {
    "nn": [*LAYERS, *families.containers()],
    "optim": [cls.__name__ for cls in families.optimizers()],
    "init": families.initialisers(),
    "activations": families.activations(),
    "dtypes": [str(dtype).removeprefix("torch.") for dtype in families.all_dtypes()],
}


def exported(module: Any, base: type) -> list[str]:
    """The subclasses of a class that a module gives, by name."""
    return [n for n, c in vars(module).items() if inspect.isclass(c) and issubclass(c, base)]


def exports() -> dict[str, list[str]]:
    """What the torch that is installed has, for each part of LEFT_OUT."""
    functions = [n for n, f in vars(nn.init).items() if inspect.isfunction(f) and n[0] != "_"]
    own = [getattr(nn, name) for name in exported(nn, nn.Module)]
    return {
        "nn": exported(nn, nn.Module),
        "optim": exported(torch.optim, torch.optim.Optimizer),
        "init": functions,
        "activations": [c.__name__ for c in own if c.__module__ == "torch.nn.modules.activation"],
        "dtypes": [
            str(d).removeprefix("torch.")
            for d in vars(torch).values()
            if isinstance(d, torch.dtype)
        ],
    }


@pytest.mark.parametrize("part", ALL)
def test_each_export_is_in_one_family_or_left_out_with_a_reason(part: str) -> None:
    has = [str(member) for member in ALL[part]]
    has += [key.removeprefix(f"{part}.") for key in LEFT_OUT if key.startswith(f"{part}.")]
    there = set(exports()[part])
    assert sorted(there - {*has}) == [], f"torch has more: add to tests/families.py ({part})"
    assert sorted({*has} - there) == [], (
        f"torch has no longer: remove from tests/families.py ({part})"
    )
    assert len(has) == len({*has})


def test_each_reason_is_of_a_family() -> None:
    assert {key.split(".")[0] for key in LEFT_OUT} == {*ALL}
    assert all(LEFT_OUT.values())


def test_importing_constructs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("constructed at import")

    for owner, name in ((nn.Module, "__init__"), (torch, "tensor"), (torch, "randn")):
        monkeypatch.setattr(owner, name, refuse)
    assert runpy.run_path(families.__file__)["layers"]()


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_each_layer_is_called_on_its_input(layer: Layer) -> None:
    before = torch.get_rng_state()
    first, second = layer.inputs(), layer.inputs()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(*map(torch.as_tensor, pair)) for pair in zip(first, second, strict=True))
    module = layer.make()
    assert type(module) is layer.cls or layer in families.lazy_layers()
    made = layer.call(module)
    tensors = made if isinstance(made, tuple) else (made,)
    flat = [t for part in tensors for t in (part if isinstance(part, tuple) else (part,))]
    assert all(tensor.isfinite().all() for tensor in flat)
    assert type(module) is getattr(nn, layer.cls.__name__.removeprefix("Lazy"))


@pytest.mark.parametrize("loss", families.losses(), ids=str)
def test_each_loss_has_something_to_lower(loss: Layer) -> None:
    value = loss.call(loss.make())
    value = getattr(value, "loss", value)
    assert value.shape == ()
    assert value != 0


@pytest.mark.parametrize("layer", families.lazy_layers(), ids=str)
def test_lazy_layers_are_lazy(layer: Layer) -> None:
    assert layer.make().has_uninitialized_params()


@pytest.mark.parametrize("container", families.containers(), ids=str)
def test_each_container_holds_two(container: Member) -> None:
    assert len(container.make()) == 2


def by_itself(layer: Layer) -> bool:
    """Whether a layer without parameters gives each element the value that it gives it alone."""
    module, x = layer.make().eval(), torch.linspace(-3, 3, 16).reshape(1, 4, 2, 2)
    made = module(x)
    alone = [module(value.reshape(1, 1, 1, 1)).item() for value in x.flatten()]
    return made.shape == x.shape and torch.allclose(made.flatten(), torch.tensor(alone), atol=1e-6)


@pytest.mark.parametrize("layer", families.activations(), ids=str)
def test_activations_act_element_by_element(layer: Layer) -> None:
    assert not [*layer.make().parameters()]
    assert by_itself(layer)


def test_softmax_does_not_act_element_by_element() -> None:
    others = {"Softmax", "Softmax2d", "Softmin", "LogSoftmax"}
    assert not any(by_itself(layer) for layer in families.layers() if str(layer) in others)


@pytest.mark.parametrize("initialiser", families.initialisers(), ids=str)
def test_each_initialiser_sets_every_number(initialiser: Initialiser) -> None:
    tensor = torch.full(initialiser.shape, torch.nan)
    assert initialiser(tensor) is tensor
    assert tensor.isfinite().all()


@pytest.mark.parametrize("cls", families.optimizers(), ids=lambda cls: cls.__name__)
def test_each_optimizer_moves_a_matrix_and_a_vector(cls: Any) -> None:
    layer = nn.Linear(4, 3)
    before = [parameter.detach().clone() for parameter in layer.parameters()]
    optimizer = cls(layer.parameters())
    layer(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    now = layer.parameters()
    assert all((old != new).all() for old, new in zip(before, now, strict=True))


@pytest.mark.parametrize("name", [key[6:] for key in LEFT_OUT if key.startswith("optim.")])
def test_optimizers_that_are_left_out_cannot_do_that(name: str) -> None:
    layer = nn.Linear(4, 3)
    layer(torch.ones(2, 4)).sum().backward()
    with pytest.raises((RuntimeError, TypeError, ValueError, NotImplementedError)):
        getattr(torch.optim, name)(layer.parameters()).step()


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("name", [key[7:] for key in LEFT_OUT if key.startswith("dtypes.")])
def test_dtypes_that_are_left_out_are_not_made_from_numbers(name: str) -> None:
    with pytest.raises((RuntimeError, TypeError, NotImplementedError)):
        torch.tensor([1, 1], dtype=getattr(torch, name)).to(torch.complex64)


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("dtype", families.all_dtypes(), ids=str)
def test_tensors_of_each_dtype_can_be_made(dtype: torch.dtype) -> None:
    assert torch.tensor([1, 1], dtype=dtype).to(torch.complex64).tolist() == [1, 1]


@pytest.mark.parametrize("dtype", families.float_dtypes(), ids=str)
def test_layers_compute_in_each_float_dtype(dtype: torch.dtype) -> None:
    assert nn.Linear(4, 3, dtype=dtype)(torch.ones(2, 4, dtype=dtype)).dtype == dtype


def test_devices_are_those_of_the_machine_and_meta() -> None:
    found = families.devices()
    assert [torch.ones(1, device=device).device for device in found] == found
    assert [found[0].type, found[-1].type] == ["cpu", "meta"]
    assert len(found) == 2 + torch.accelerator.device_count()


def test_files_are_cut_at_the_lengths_that_matter(tmp_path: Path) -> None:
    whole = bytes(range(256)) * 400
    cuts = families.cut_files(whole)
    lengths = [cut.length for cut in cuts]
    assert lengths == sorted({*lengths})
    assert {0, 1, 2, 3, 4095, 4096, 4097, 10240, 51200, 92160, len(whole) - 1} <= {*lengths}
    assert all(cut.data == whole[: cut.length] for cut in cuts)
    (tmp_path / "file").write_bytes(whole)
    assert families.cut_files(tmp_path / "file") == cuts
    assert [cut.length for cut in families.cut_files(b"ab")] == [0, 1]
    assert families.cut_files(b"") == []


def test_members_are_counted_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    every: list[tuple[str, Any]] = [
        ("layers", families.layers()),
        ("lazy", families.lazy_layers()),
        ("containers", families.containers()),
        ("losses", families.losses()),
        ("initialisers", families.initialisers()),
        ("optimizers", families.optimizers()),
        ("dtypes", families.all_dtypes()),
        ("seeds", families.seeds(30)),
        ("devices", families.devices()),
        ("cuts", families.cut_files(bytes(100_000))),
    ]
    monkeypatch.setattr(testing, "ledger", Ledger())
    for words, members in every:
        assert [*testing.over(members, words)] == [*members]
    cases = testing.ledger.cases
    assert [len(names) for names in cases.values()] == [len(members) for _, members in every]
    assert {"Linear", "Conv2d"} < cases["layers"]
    assert max(map(len, cases["cuts"])) < 30
