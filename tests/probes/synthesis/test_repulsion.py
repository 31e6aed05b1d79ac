from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from probes.agent import ProbeError
from probes.states import Plane, StateLayout, to_states
from probes.synthesis.repulsion import Others

LAYOUT = StateLayout((Plane("semantic", "class", 3),), stack=1, height=1, width=4)
CPU = torch.device("cpu")
ALL = slice(0, 3)


def one_hot() -> Tensor:
    """Three states of four pixels; the first two alike, the third differs from them in 3 pixels."""
    stored = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 2, 1]], dtype=torch.uint8)
    return to_states(stored.view(3, *LAYOUT.stored_shape), LAYOUT)


def watched(price: float = 2.0, goal: float = 0.5) -> Others:
    others = Others(3, LAYOUT, price, goal, CPU)
    others.charge(one_hot(), ALL)
    others.end_step()
    return others


def test_the_disagreement_is_the_mean_over_the_other_chains() -> None:
    # 1 with 2: 0; 1 and 2 with 3: 3/4
    assert watched().disagreement(one_hot(), ALL).tolist() == pytest.approx([0.375, 0.375, 0.75])


def test_states_of_half_precision_disagree_as_much() -> None:
    rough = watched().disagreement(one_hot().to(torch.bfloat16), ALL)
    assert rough.dtype == torch.float32
    assert rough.tolist() == pytest.approx([0.375, 0.375, 0.75])


def test_soft_classes_disagree_by_their_probability() -> None:
    states = one_hot()
    states[0] = 1 / 3
    # with state 2: 2/3 of each pixel; with state 3: likewise
    assert watched().disagreement(states, ALL)[0].item() == pytest.approx(2 / 3)


def test_the_price_is_paid_in_part_below_the_goal_and_not_at_all_above_it() -> None:
    assert watched().charge(one_hot(), ALL).tolist() == pytest.approx([2.0 * 0.25, 2.0 * 0.25, 0.0])


def test_nothing_is_paid_before_there_is_anything_to_compare_with() -> None:
    assert Others(3, LAYOUT, 2.0, 0.5, CPU).charge(one_hot(), ALL).tolist() == [0.0, 0.0, 0.0]


def test_the_price_falls_where_a_chain_leaves_the_class_of_the_others() -> None:
    states = one_hot().requires_grad_()
    watched().charge(states, ALL).sum().backward()  # type: ignore[no-untyped-call]
    assert states.grad is not None
    # more of class 0 in a pixel where state 2 has it (and state 3 too, in the first pixel) costs
    # price / goal / pixels / others for each of them
    assert states.grad[0, 0, 0, 0].tolist() == pytest.approx([1.0, 0.5, 0.5, 0.5])
    assert states.grad[0, 0, 1, 0].tolist() == pytest.approx([0.0, 0.5, 0.0, 0.5])
    assert not states.grad[2].any()


def test_batches_of_chains_are_charged_alike() -> None:
    others = watched()
    parts = [others.charge(one_hot()[part], part) for part in (slice(0, 2), slice(2, 3))]
    assert torch.equal(torch.cat(parts), watched().charge(one_hot(), ALL))


def test_threads_may_charge_different_chains_at_once() -> None:
    others, parts = watched(), [slice(0, 1), slice(1, 2), slice(2, 3)]
    for _ in range(2 * Others.EVERY + 1):
        with ThreadPoolExecutor(3) as pool:
            costs = list(pool.map(lambda part: others.charge(one_hot()[part], part), parts))
        others.end_step()
    assert torch.equal(torch.cat(costs), watched().charge(one_hot(), ALL))


def test_new_pictures_count_from_the_next_counting_on() -> None:
    others = watched()
    moved = one_hot()
    moved[1] = moved[2]
    for _ in range(Others.EVERY):  # steps 1 to EVERY; the last is due
        assert others.disagreement(one_hot(), ALL)[0].item() == pytest.approx(0.375)
        others.charge(moved, ALL)
        others.end_step()
    assert others.disagreement(one_hot(), ALL)[0].item() == pytest.approx(0.75)


def test_states_without_classes_are_refused() -> None:
    with pytest.raises(ProbeError, match="set diversity to 0"):
        Others(2, StateLayout((Plane("gray", "level"),), 1, 2, 2), 1.0, 0.5, CPU)
