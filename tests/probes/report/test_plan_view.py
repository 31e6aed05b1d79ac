from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.collections import QuadMesh
from matplotlib.patches import Rectangle

from probes.report.plan_view import Panel, Plan, draw_plans, save_plans

PLAN = Plan((5.0, 10.0), (-1.5, 0.0, 1.5), 4.5, 1.8, (-2.0, 5.0), 9.0)
VALUES = np.array([[0.0, 0.8, 0.1], [0.0, -0.2, 0.0]])


def panels(count: int) -> list[Panel]:
    return [Panel(f"agent {n}", VALUES / (n + 1), VALUES > 0.5) for n in range(count)]


def test_a_map_shows_its_values_with_the_left_on_the_left_and_the_car_below() -> None:
    figure = draw_plans(PLAN, panels(1), "change", "more")
    axes = figure.axes[0]
    mesh = next(one for one in axes.get_children() if isinstance(one, QuadMesh))
    np.testing.assert_array_equal(np.asarray(mesh.get_array()).reshape(2, 3), VALUES)
    assert axes.get_xlim() == (2.25, -2.25)
    assert axes.get_ylim() == (-5.5, 12.5)
    car = next(one for one in axes.patches if isinstance(one, Rectangle))
    assert (car.get_xy(), car.get_width(), car.get_height()) == ((-0.9, -4.5), 1.8, 4.5)
    dots = axes.lines[0]
    np.testing.assert_array_equal(dots.get_xydata(), [[0.0, 5.0]])


def test_all_maps_have_one_scale_that_is_white_at_no_change() -> None:
    figure = draw_plans(PLAN, panels(6), "change", "more")
    meshes = [one for axes in figure.axes for one in axes.get_children() if isinstance(one, QuadMesh)]
    scaled = [mesh for mesh in meshes if np.size(np.asarray(mesh.get_array())) == VALUES.size]
    assert len(scaled) == 6
    assert {mesh.get_clim() for mesh in scaled} == {(-0.8, 0.8)}
    assert min(scaled[0].get_cmap()(0.5)[:3]) > 0.98
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [f"agent {n}" for n in range(6)]


def test_noise_does_not_fill_the_scale() -> None:
    figure = draw_plans(PLAN, [Panel("still", VALUES / 1000, VALUES > 1)], "change", "more")
    mesh = next(one for one in figure.axes[0].get_children() if isinstance(one, QuadMesh))
    assert mesh.get_clim() == (-0.1, 0.1)


def test_the_same_map_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.png", "two.png"):
        save_plans(draw_plans(PLAN, panels(1), "change", "more"), tmp_path / name)
    one, two = ((tmp_path / name).read_bytes() for name in ("one.png", "two.png"))
    assert one == two
    assert one.startswith(b"\x89PNG")
