"""The exact distance to a linear boundary, against a general solver."""

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from gatekit.attack import margin


def test_without_a_box_it_is_the_textbook():
    random = np.random.default_rng(0)
    normal, gap = random.normal(size=(20, 6)), random.uniform(0.1, 3, 20)
    wide = np.full((20, 6), np.inf)
    l2 = margin.plane_distance(gap, normal, -wide, wide, "l2")
    linf = margin.plane_distance(gap, normal, -wide, wide, "linf")
    assert l2 == pytest.approx(gap / np.linalg.norm(normal, axis=1), rel=1e-12)
    assert linf == pytest.approx(gap / np.abs(normal).sum(axis=1), rel=1e-12)


@pytest.mark.parametrize("seed", range(15))
def test_within_a_box_it_is_what_a_solver_finds(seed):
    random = np.random.default_rng(seed)
    normal, gap = random.normal(size=5), random.uniform(0.1, 2.5)
    down, up = -random.uniform(0, 1, 5), random.uniform(0, 1, 5)
    down[0] = up[0] = 0.0
    args = (np.array([gap]), normal[None], down[None], up[None])
    found = {norm: float(margin.plane_distance(*args, norm)[0]) for norm in ("l2", "linf")}
    # Linf by linear programming: the least r with -r <= z <= r
    a = np.vstack(
        [np.r_[-normal, 0], *[np.r_[s * np.eye(5)[i], -1] for i in range(5) for s in (1, -1)]]
    )
    b = np.r_[-gap, np.zeros(10)]
    box = [*zip(down, up, strict=True), (0, None)]
    solved = linprog(np.r_[np.zeros(5), 1], A_ub=a, b_ub=b, bounds=box)
    if not solved.success:
        assert found == {"l2": np.inf, "linf": np.inf}
        return
    assert found["linf"] == pytest.approx(solved.fun, abs=1e-9)
    holds = {"type": "ineq", "fun": lambda z: normal @ z - gap}
    start = solved.x[:5]
    least = minimize(lambda z: z @ z, start, bounds=box[:5], constraints=holds, tol=1e-12)
    assert found["l2"] == pytest.approx(np.sqrt(least.fun), rel=1e-4)


def test_of_several_labels_the_nearest_counts():
    weights = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    scores = np.array([[1.0, 0.0, 0.0]])  # label 1 is 1 away, label 2 a half
    wide = np.full((1, 2), np.inf)
    assert margin.label_distance(scores, weights, -wide, wide, "l2") == pytest.approx([0.5])
    assert margin.label_distance(
        scores, weights, -wide, np.array([[9, 0.0]]), "l2"
    ) == pytest.approx([1.0])
