"""Proves what the page on New chapter says."""

import pytest
import torch

from proven.testing import after, shown


def test_new_chapter_keeps_the_rows() -> None:
    """A linear layer turns every row of its input into one row of its output.

    线性层把输入的每一行变成输出的一行。
    """
    state = after("new_chapter.first-output")
    one_by_one = [state.net(row) for row in state.X]
    assert torch.allclose(state.net(state.X), torch.stack(one_by_one))
    assert shown("new_chapter.first-output").output == "output: (4, 2)\n"


def test_new_chapter_refuses_another_width() -> None:
    """A linear layer refuses rows of another width.

    每行的宽度不对，线性层就报错。
    """
    assert "(4x5 and 3x2)" in shown("new_chapter.too-wide").error


def test_new_chapter_counts_weight_and_bias() -> None:
    """A linear layer has a weight for each pair of an input and an output, and a bias for each
    output.

    线性层的每一对输入和输出有一个权重，每个输出有一个偏置。
    """
    net = after("new_chapter.how-many").net
    assert {name: tuple(p.shape) for name, p in net.named_parameters()} == {
        "weight": (2, 3),
        "bias": (2,),
    }


def test_the_picture_is_drawn() -> None:
    """One figure; without a second paragraph a test is no claim, and no page marks it."""
    assert len(shown("new_chapter.curve").figures) == 1


def test_the_solutions_check_themselves() -> None:
    """Each solution ends with the check that stands before it."""
    for name in ("count", "width"):
        assert shown(f"new_chapter.{name}").output == "checked\n"


def test_the_checks_refuse_what_is_wrong() -> None:
    """A check that passes anything checks nothing."""
    state = after("new_chapter.width")
    for check, wrong in (
        (state.check_count, lambda module: 8),
        (state.check_width, lambda layer: layer.weight.shape[0]),
    ):
        with pytest.raises(AssertionError):
            check(wrong)
