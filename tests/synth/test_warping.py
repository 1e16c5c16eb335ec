from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facespot.synth import warping

NO_FOLDS = np.zeros((0, 0), np.float32)
HEIGHT, WIDTH = 24, 30


def mesh(step=5):
    """Vertices (n, 2) of a grid that covers the picture and more, and its triangles."""
    x, y = np.meshgrid(np.arange(-10, WIDTH + 11, step), np.arange(-10, HEIGHT + 11, step))
    number = np.arange(x.size).reshape(x.shape)
    a, b, c, d = (part.ravel() for part in (number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]))
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    return np.stack([x.ravel(), y.ravel()], 1).astype(np.float64), triangles


def draw(picture, source, moved, triangles):
    n = len(source)
    _, triangle, weights = warping.cover(
        (moved + 0.5) * 2 - 0.5, np.zeros(n), triangles, np.ones(len(triangles), bool), (2 * HEIGHT, 2 * WIDTH)
    )
    return warping.paint(
        picture, picture, 1, source, np.zeros((n, 1), np.float32), triangles, triangle, weights,
        np.zeros((n, 3), np.float32), len(triangles), NO_FOLDS, np.zeros((0, 3, 2), np.float32), len(triangles),
    )  # fmt: skip


@settings(deadline=None)  # the first example waits for the compiler
@given(seed=st.integers(0, 2**32 - 1), step=st.integers(3, 9))
def test_a_mesh_at_rest_copies_the_picture(seed, step):
    picture = np.random.default_rng(seed).random((HEIGHT, WIDTH, 3)).astype(np.float32)
    vertices, triangles = mesh(step)
    np.testing.assert_allclose(draw(picture, vertices, vertices, triangles), picture, atol=2e-5)


@settings(deadline=None)  # the first example waits for the compiler
@given(shift=st.tuples(st.floats(-4, 4), st.floats(-4, 4)))
def test_what_is_drawn_moves_by_the_displacement(shift):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    picture = np.stack([0.5 + x / 100, 0.5 + y / 100, (0.3 + 0.01 * x) ** 2], axis=-1)
    vertices, triangles = mesh()
    drawn = draw(picture, vertices, vertices + shift, triangles)
    inner = (slice(6, -6), slice(6, -6))
    # Keys' cubic is exact for quadratics, so nothing but the shift may show.
    np.testing.assert_allclose(drawn[inner][..., 0], (picture[..., 0] - shift[0] / 100)[inner], atol=2e-5)
    np.testing.assert_allclose(drawn[inner][..., 1], (picture[..., 1] - shift[1] / 100)[inner], atol=2e-5)
    np.testing.assert_allclose(drawn[inner][..., 2], ((0.3 + 0.01 * (x - shift[0])) ** 2)[inner], atol=2e-5)


@settings(deadline=None)  # the first example waits for the compiler
@given(
    turn=st.floats(-0.3, 0.3), stretch=st.floats(0.7, 1.4), shift=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    first_shift=st.floats(-2, 2),
)  # fmt: skip
def test_flow_is_the_way_of_every_pixel(turn, stretch, shift, first_shift):
    vertices, triangles = mesh()
    cosine, sine = stretch * np.cos(turn), stretch * np.sin(turn)
    affine = np.array([[cosine, -sine], [sine, cosine]])
    first = vertices + np.array([first_shift, 0.0])
    second = vertices @ affine.T + shift
    two_sided = np.ones(len(triangles), bool)
    _, triangle, weights = warping.cover(first, np.zeros(len(first)), triangles, two_sided, (HEIGHT, WIDTH))
    nearest, _, _ = warping.cover(second, np.zeros(len(first)), triangles, two_sided, (HEIGHT, WIDTH))
    flow, known = warping.motion(first, second, np.zeros((len(first), 1)), triangles, triangle, weights, nearest)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    pixel = np.stack([x, y], axis=-1)
    expected = (pixel - np.array([first_shift, 0.0])) @ affine.T + shift - pixel
    np.testing.assert_allclose(flow, expected, atol=2e-4)
    there = pixel + expected
    well_inside = np.all((there > 0.6) & (there < (WIDTH - 1.6, HEIGHT - 1.6)), axis=-1)
    assert known[well_inside].all()
    assert not known[np.any((there < -1) | (there > (WIDTH, HEIGHT)), axis=-1)].any()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_nearest_triangle_that_faces_the_viewer_counts(seed):
    rng = np.random.default_rng(seed)
    xy, depth = rng.uniform(-5, 25, (18, 2)), rng.uniform(0, 5, 18)
    triangles = np.arange(18, dtype=np.int32).reshape(6, 3)
    two_sided = rng.random(6) < 0.3
    nearest, triangle, _ = warping.cover(xy, depth, triangles, two_sided, (20, 20))
    expected, best = np.full((20, 20), -1), np.full((20, 20), -np.inf)
    y, x = np.mgrid[0:20, 0:20]
    for t, (a, b, c) in enumerate(triangles):
        system = np.array([[*xy[a], 1], [*xy[b], 1], [*xy[c], 1]]).T
        if np.linalg.det(system) >= 0 and not two_sided[t]:
            continue
        share = np.linalg.solve(system, np.stack([x.ravel(), y.ravel(), np.ones(400)])).reshape(3, 20, 20)
        z = np.tensordot(depth[[a, b, c]], share, 1)
        wins = (share > 0).all(axis=0) & (z > best)
        expected[wins], best[wins] = t, z[wins]
    np.testing.assert_array_equal(triangle, expected)
    np.testing.assert_allclose(nearest[expected >= 0], best[expected >= 0], atol=1e-4)


def test_a_nearer_surface_hides_the_flow_of_the_one_below():
    vertices = np.array([[-1.0, -1.0], [-1.0, 40.0], [40.0, 40.0], [40.0, -1.0]] * 2)
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], np.int32)
    first, second = vertices.copy(), vertices.copy()
    first[4:] += (100.0, 0.0)  # the upper sheet comes in from the right
    second[4:] += (15.0, 0.0)
    depth = np.repeat([0.0, 10.0], 4)
    two_sided = np.zeros(4, bool)
    _, triangle, weights = warping.cover(first, depth, triangles, two_sided, (HEIGHT, WIDTH))
    nearest, _, _ = warping.cover(second, depth, triangles, two_sided, (HEIGHT, WIDTH))
    flow, known = warping.motion(first, second, depth[:, None], triangles, triangle, weights, nearest)
    assert not flow.any()
    assert known[:, :14].all()
    assert not known[:, 14:].any()


def test_edges_of_surfaces_are_mixed_of_sub_pixels():
    picture = np.ones((HEIGHT, WIDTH, 3), np.float32)
    vertices, triangles = mesh()
    card = np.array([[-5.0, -5.0], [-5.0, 40.0], [10.25, 40.0], [10.25, -5.0]])
    moved = np.concatenate([vertices, card])
    n = len(vertices)
    every = np.concatenate([triangles, [[n, n + 1, n + 2], [n, n + 2, n + 3]]]).astype(np.int32)
    depth = np.concatenate([np.zeros(n), np.ones(4)])
    _, triangle, weights = warping.cover(
        (moved + 0.5) * 2 - 0.5, depth, every, np.ones(len(every), bool), (2 * HEIGHT, 2 * WIDTH)
    )
    drawn = warping.paint(
        picture, picture, 1, moved, np.zeros((n + 4, 1), np.float32), every, triangle, weights,
        np.zeros((n + 4, 3), np.float32), len(triangles), NO_FOLDS, np.zeros((0, 3, 2), np.float32), len(triangles),
    )  # fmt: skip
    np.testing.assert_allclose(drawn[5, :10], 0.0, atol=1e-6)
    np.testing.assert_allclose(drawn[5, 11:], 1.0, atol=1e-6)
    # The card ends at 10.25: both sub-pixels of column 10, at 9.75 and 10.25, lie on it or on its edge.
    assert 0.0 <= drawn[5, 10, 0] <= 0.5
