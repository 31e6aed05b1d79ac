from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from probes.states import Plane, StateLayout, to_states, to_stored
from probes.synthesis.diversity import pairwise_disagreement
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


LEVELS = StateLayout((Plane("colour", "level", 3),), stack=2, height=1, width=2)


def levels() -> Tensor:
    """Three states of twelve numbers: black, black with one channel at 255, all at 51."""
    stored = torch.zeros(3, *LEVELS.stored_shape, dtype=torch.uint8)
    stored[1, 1, 2, 0, 1] = 255
    stored[2] = 51
    return to_states(stored, LEVELS)


def watched_levels(price: float = 2.0, goal: float = 0.16) -> Others:
    others = Others(3, LEVELS, price, goal, CPU)
    others.charge(levels(), ALL)
    others.end_step()
    return others


def test_levels_disagree_by_the_mean_squared_difference_from_the_other_chains() -> None:
    # 1 with 2: 1/12; 1 with 3: 1/25; 2 with 3: (11/25 + 16/25) / 12
    pairs = {(0, 1): 1 / 12, (0, 2): 1 / 25, (1, 2): (11 / 25 + 16 / 25) / 12}
    expected = [
        (pairs[0, 1] + pairs[0, 2]) / 2,
        (pairs[0, 1] + pairs[1, 2]) / 2,
        (pairs[0, 2] + pairs[1, 2]) / 2,
    ]
    assert watched_levels().disagreement(levels(), ALL).tolist() == pytest.approx(expected)
    stored = to_stored(levels(), LEVELS).numpy()
    matrix = pairwise_disagreement(stored, LEVELS)
    assert (matrix.sum(1) / 2).tolist() == pytest.approx(expected)


def test_the_price_of_equal_levels_falls_with_the_root_of_the_disagreement() -> None:
    found = watched_levels().charge(levels(), ALL)
    shares = watched_levels().disagreement(levels(), ALL) / 0.16
    assert float(shares.max()) < 1
    assert found.tolist() == pytest.approx((2.0 * (1 - shares.sqrt())).tolist())
    assert not watched_levels(goal=0.01).charge(levels(), ALL).any()


def test_a_chain_is_pushed_from_the_mean_level_of_the_others() -> None:
    states = levels().requires_grad_()
    watched_levels().charge(states, ALL).sum().backward()  # type: ignore[no-untyped-call]
    assert states.grad is not None
    # descending, the first chain gets darker than (0 + 51) / 2, the third brighter than 0
    assert float(states.grad[0, 0, 0, 0, 0]) > 0
    assert float(states.grad[2, 0, 0, 0, 0]) < 0


def test_chains_that_are_all_the_same_have_a_finite_price_and_gradient() -> None:
    same = levels()[:1].repeat(3, 1, 1, 1, 1).requires_grad_()
    others = Others(3, LEVELS, 2.0, 0.5, CPU)
    others.charge(same, ALL)
    others.end_step()
    cost = others.charge(same, ALL)
    assert cost.tolist() == pytest.approx([2.0] * 3, abs=0.01)
    cost.sum().backward()  # type: ignore[no-untyped-call]
    assert same.grad is not None
    assert bool(torch.isfinite(same.grad).all())


def test_batches_of_levels_are_charged_alike() -> None:
    others = watched_levels()
    parts = [others.charge(levels()[part], part) for part in (slice(0, 2), slice(2, 3))]
    assert torch.equal(torch.cat(parts), watched_levels().charge(levels(), ALL))
