"""Claims of the real chapter, reversed on purpose: the build fails and names the sentence.

Reversed are the tests themselves, what a section does, and what PyTorch does.
"""

import ast
import copy
import functools
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from proven.build import run_sections
from proven.problems import ProjectError
from proven.project import Project, read_project
from proven.prove import Prover
from proven.settings import read_settings
from tests.helpers.projects import PROJECT, copy_chapter

NO_FORKS = {"none": {"module": "tests.helpers.no_forks", "count": "0"}}

# in each section, a claim whose test is turned round: its last `assert` says the opposite
TESTS = {
    "blocks": "input_gets_no_gradient",
    "parameters": "gradients_accumulate_across_backward_calls",
    "lazy_initialization": "lazy_layers_give_no_warning",
    "custom_layers": "centring_keeps_the_spread",
    "saving_and_loading": "state_dict_is_live",
    "gpu": "tensors_are_created_on_the_cpu",
    "together": "names_of_one_object_are_a_tie",
    "own_module": "both_classes_sort_alike",
}

# in some sections, a piece of the script that is changed, and a claim that does not hold then
SNIPPETS = {
    "blocks": (
        "        while X.abs().sum() > 1:\n            X = X / 2\n        return X.sum()",
        "        while X.abs().sum() > 2:\n            X = X / 2\n        return X.sum()",
        "halving_ends_at_one_or_below",
    ),
    "parameters": (
        "other = nn.Sequential(shared, nn.Tanh())",
        "other = nn.Sequential(nn.Linear(8, 8), nn.Tanh())",
        "two_models_can_share_a_layer",
    ),
    "custom_layers": (
        "        return X - X.mean()\n",
        "        return X - X.mean(dim=-1, keepdim=True)\n",
        "centring_mixes_the_rows_of_a_batch",
    ),
    "saving_and_loading": (
        'self.register_buffer("cache", x, persistent=False)',
        'self.register_buffer("cache", x)',
        "state_dict_holds_parameters_and_persistent_buffers",
    ),
    "gpu": (
        '            self.register_buffer("rand_weight", constant)',
        '            self.register_buffer("rand_weight", constant, persistent=False)',
        "a_buffer_on_any_device_is_saved",
    ),
    "together": (
        "self.mean.lerp_(X.detach().mean(dim=0), 0.1)",
        "X.detach().mean(dim=0)",
        "a_layer_may_update_its_own_buffer",
    ),
}


def turned_round(text: str, name: str) -> str:
    """The source of tests in which the last `assert` of one says the opposite."""
    [test] = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name == f"test_{name}"
    ]
    last = [node for node in ast.walk(test) if isinstance(node, ast.Assert)][-1]
    lines = text.split("\n")
    indent = " " * last.col_offset
    lines[last.lineno - 1 : last.end_lineno] = [f"{indent}assert not ({ast.unparse(last.test)})"]
    return "\n".join(lines)


def test_claims_whose_tests_or_sections_are_reversed_are_named_with_their_sentences(
    tmp_path: Path,
) -> None:
    copy_chapter(tmp_path)
    for section, name in TESTS.items():
        path = tmp_path / "tests" / f"test_{section}.py"
        path.write_text(turned_round(path.read_text("utf-8"), name), encoding="utf-8")
    for section, (piece, other, _) in SNIPPETS.items():
        path = tmp_path / "snippets" / f"{section}.py"
        text = path.read_text("utf-8")
        assert text.count(piece) == 1
        path.write_text(text.replace(piece, other), encoding="utf-8")

    names = {*TESTS.values(), *(name for _, _, name in SNIPPETS.values())}
    project = read_project(read_settings(tmp_path))
    chosen = {name: claim for name, claim in project.claims.items() if name in names}
    assert chosen.keys() == names
    sections = {name: section for name, section in project.sections.items() if name in TESTS}
    with pytest.raises(ProjectError) as caught:
        run_sections(replace(project, claims=chosen, sections=sections))
    found = {problem.claim: problem for problem in caught.value.problems}
    assert found.keys() == names, [problem.what for problem in caught.value.problems]
    for problem in found.values():
        assert "a claim does not hold" in problem.what
        assert problem.sentence
        languages = [place.split("/")[1] for place in problem.places if place.startswith("docs/")]
        assert {"zh", "en"} <= set(languages)
    for name in TESTS.values():
        assert "AssertionError" in found[name].what


def forgiving_add_module(module: nn.Module, name: str, part: object) -> None:
    module._modules[name] = part  # type: ignore[assignment]


def repeating_children(module: nn.Module) -> object:
    return module._modules.items()


def always_dropping(X: torch.Tensor, p: float, training: bool, inplace: bool) -> torch.Tensor:
    return X * (torch.rand_like(X) > p)


def moved_copy(module: Any, *arguments: Any) -> Any:
    return copy.deepcopy(module)._apply(lambda tensor: tensor.to(*arguments))


def detached_state(module: nn.Module, to: dict[str, object], prefix: str, keep: bool) -> None:
    for name, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is not None:
            to[prefix + name] = tensor.detach().clone()


def unsafe_load(file: object, **options: object) -> object:
    return safe_load(file, **{"weights_only": False, **options})  # type: ignore[arg-type]


safe_load = torch.load

# what PyTorch is made to do, and a claim that does not hold then
PYTORCH: list[tuple[str, object, str, object]] = [
    ("add_module_refuses_functions", nn.Module, "add_module", forgiving_add_module),
    ("children_skips_repetitions", nn.Module, "named_children", repeating_children),
    (
        "module_refuses_a_computed_weight",
        nn.Module,
        "__setattr__",
        object.__setattr__,
    ),
    (
        "the_first_call_leaves_nothing_lazy",
        nn.LazyLinear,
        "cls_to_become",
        None,
    ),
    (
        "there_are_thirteen_lazy_classes",
        nn,
        "LazyLinearOnceMore",
        nn.LazyLinear,
    ),
    (
        "assigning_a_parameter_registers_it",
        nn.Module,
        "register_parameter",
        lambda *_: None,
    ),
    ("whole_model_is_refused_by_default", torch, "load", unsafe_load),
    ("state_dict_is_live", nn.Module, "_save_to_state_dict", detached_state),
    ("module_to_works_in_place", nn.Module, "to", moved_copy),
    (
        "counting_gpus_never_fails",
        torch.cuda,
        "is_available",
        lambda: not torch.cuda.device_count(),
    ),
    ("dropout_draws_in_training_only", F, "dropout", always_dropping),
]


@functools.cache
def real() -> Project:
    return read_project(read_settings(PROJECT))


@pytest.mark.parametrize(("name", "place", "attribute", "other"), PYTORCH)
def test_a_claim_about_pytorch_fails_when_pytorch_does_something_else(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    place: object,
    attribute: str,
    other: object,
) -> None:
    found = real()
    settings = replace(
        found.settings, devices=NO_FORKS
    )  # in this process, where PyTorch is patched
    claim = found.claims[name]
    section = found.sections[claim.section]

    unchanged, changed = (
        Prover(settings, section, (claim,), types.ModuleType("__main__")) for _ in range(2)
    )
    assert unchanged.finish() == {name: "proven"}
    monkeypatch.setattr(place, attribute, other, raising=False)
    with pytest.raises(ProjectError) as error:
        changed.finish()
    monkeypatch.undo()
    [problem] = error.value.problems
    assert problem.claim == name
    assert claim.words["en"] in problem.what
