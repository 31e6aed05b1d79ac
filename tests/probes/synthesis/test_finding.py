from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from probes.states import to_states, to_stored
from probes.synthesis.chains import chain_seeds, start_chains
from probes.synthesis.finding import Curve, Finding, conclude
from probes.synthesis.landscape import Landscape
from probes.synthesis.manifold import CouldBe
from probes.synthesis.search_config import SearchConfig
from probes.synthesis.targets import Target
from tests.probes.linear_models import LATENT, LAYOUT, LinearAgent, LinearModel

MODEL, AGENT = LinearModel(), LinearAgent()
TARGET = Target("V+", "V+", "", 2.0, 1.0, lambda output, _: output.value)
ROWS = np.array([[0.0, 4.0], [1.0, 3.0]], np.float32)
CURVE = Curve(ROWS, 10 * ROWS, 100 * ROWS, ROWS, ROWS)


def test_a_curve_is_summed_up_step_by_step() -> None:
    first, last = CURVE.summary()
    assert first == {
        "step": 0,
        "objective": 2.0,
        "objective_quantiles": [0.0, 1.0, 2.0, 3.0, 4.0],
        "kl": 20.0,
        "alpha": 200.0,
    }
    assert last["objective_quantiles"] == [1.0, 1.5, 2.0, 2.5, 3.0]


def test_what_is_reported_is_what_the_agent_says_of_the_stored_states() -> None:
    weights = torch.full((LATENT,), 0.5)
    landscape = Landscape(MODEL, AGENT, TARGET, weights, None, 2, False, False, None)
    chains = start_chains(chain_seeds(3, 0), torch.full((LATENT,), 0.5), torch.device("cpu"), from_prior=True)
    finding = conclude(landscape, chains, SearchConfig(draws=2, round_trips=0), CURVE, "steps", {"seed": 0})
    mu = chains.mu.detach().numpy()
    assert finding.z.shape == (6, LATENT)
    assert np.abs(finding.z.reshape(3, 2, LATENT) - mu[:, None]).std() == pytest.approx(0.3, abs=0.05)
    states = to_states(torch.from_numpy(finding.stored), LAYOUT)
    value = AGENT.judge(finding.stored).value
    assert finding.value == pytest.approx(value.numpy(), rel=1e-5)
    assert finding.objective == pytest.approx(TARGET(AGENT(states), states).detach().numpy(), rel=1e-5)
    soft = MODEL.decode(torch.from_numpy(finding.z))
    assert finding.objective_soft == pytest.approx(AGENT(soft).value.detach().numpy() / 2, rel=1e-4)
    assert finding.objective_mean == pytest.approx(
        AGENT.judge(finding.stored_mean).value.numpy() / 2, rel=1e-5
    )
    # sigma is 1/2 everywhere
    assert finding.kl == pytest.approx(
        0.5 * (mu**2).sum(1) + LATENT / 2 * (0.25 - 1 + 2 * np.log(2)), rel=1e-4
    )
    assert finding.radius == pytest.approx(0.5 * ((mu**2).sum(1) + 0.25 * LATENT), rel=1e-4)
    assert finding.found().kl.tolist() == np.repeat(finding.kl, 2).tolist()
    assert finding.seeds.tolist() == list(chain_seeds(3, 0))


def test_a_draw_goes_through_the_model_as_it_would_be_stored_before_it_is_kept() -> None:
    landscape = Landscape(MODEL, AGENT, TARGET, torch.full((LATENT,), 0.5), None, 2, False, False, None)

    def end(round_trips: int) -> Finding:
        noise = torch.full((LATENT,), 0.5)
        chains = start_chains(chain_seeds(3, 0), noise, torch.device("cpu"), from_prior=True)
        return conclude(landscape, chains, SearchConfig(round_trips=round_trips), CURVE, "steps", {})

    before, once, twice = (end(count) for count in (0, 1, 2))
    for earlier, later in ((before, once), (once, twice)):
        encoded = MODEL.encode(to_states(torch.from_numpy(earlier.stored), LAYOUT)).mu
        assert later.z == pytest.approx(encoded.numpy(), abs=1e-5)
    assert not np.allclose(before.z, once.z, atol=0.1)


def test_what_could_not_be_is_drawn_again_and_the_first_is_kept_if_nothing_could_be() -> None:
    landscape = Landscape(MODEL, AGENT, TARGET, torch.full((LATENT,), 0.5), None, 2, False, False, None)

    def drawn(tries: int, could_be: CouldBe | None) -> NDArray[np.float32]:
        noise = torch.full((LATENT,), 0.5)
        chains = start_chains(chain_seeds(8, 0), noise, torch.device("cpu"), from_prior=True)
        config = SearchConfig(draws=2, tries=tries)
        return conclude(landscape, chains, config, CURVE, "steps", {}, could_be).z

    def is_bright(stored: NDArray[np.uint8]) -> NDArray[np.bool_]:
        levels = stored.reshape(len(stored), -1)
        return np.asarray(levels[:, 0] > np.median(first[:, 0]))

    first_z = drawn(1, None)
    first = to_stored(MODEL.decode(torch.from_numpy(first_z)), LAYOUT).numpy().reshape(len(first_z), -1)
    expected = first_z.copy()
    for tries in (2, 3, 4):
        again = drawn(tries, is_bright)
        was_dark = ~is_bright(to_stored(MODEL.decode(torch.from_numpy(expected)), LAYOUT).numpy())
        changed = (again != expected).any(axis=1)
        assert not changed[~was_dark].any()
        made = is_bright(to_stored(MODEL.decode(torch.from_numpy(again)), LAYOUT).numpy())
        assert (made[changed]).all()
        expected = again
    assert (expected != first_z).any()
    assert np.array_equal(drawn(4, lambda stored: np.zeros(len(stored), np.bool_)), first_z)
