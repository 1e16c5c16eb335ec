"""The explanation names the regions that were moved, and its scores are those of whole videos."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason='needs pip install "facespot[train]"')

from facespot.features.region_motion import DISTANCES_S, REGIONS, part
from facespot.methods import new_method
from facespot.methods.regiontcn.explanation import explain
from facespot.methods.regiontcn.windows import WINDOW_ROWS
from facespot.values import KINDS, Expression

REGIONS_IN_ORDER = tuple(REGIONS)
SHOWN = ((60, 80, 110, "macro"), (180, 184, 190, "micro"))
MOVED = {
    "macro": {"left lip corner", "right lip corner", "left cheek", "right cheek"},
    "micro": {"left brow", "right brow", "glabella"},
}


@pytest.fixture(scope="module")
def one(video):
    return video("somebody", SHOWN, gap=range(116, 120))


def highest(method, features, expression):
    """Highest probability of the type in the rows of the expression, from the scores of the whole video."""
    scores = method.score(dict.fromkeys(KINDS, features))
    values = scores.channel(expression.kind)[0][expression.onset : expression.offset + 1]
    return float(np.nanmax(method.calibrations[expression.kind].probability(values)))


@pytest.mark.parametrize("number", [0, 1])
def test_what_moved_is_shown_and_counts(learned, one, number):
    expression, features = one.truth.expressions[number], one.features["micro"]
    found = explain(learned, features, expression)
    moved = MOVED[expression.kind]
    assert found.regions == tuple(REGIONS)
    # As many rows as it has, and half a second on either side.
    assert found.frames.tolist() == list(range(expression.onset - 15, expression.offset + 16))
    at_apex = found.motion[expression.apex - found.frames[0]]
    strongest = {REGIONS_IN_ORDER[place] for place in np.argsort(-at_apex)[: len(moved)]}
    assert strongest == moved
    gaps = np.isin(found.frames, range(116, 120))
    assert np.isnan(found.motion[gaps]).all()
    assert np.isfinite(found.motion[~gaps]).all()
    counting = {REGIONS_IN_ORDER[place] for place in np.argsort(-found.importance)[:2]}
    assert counting <= moved
    assert found.importance.max() > 0.02
    others = [value for name, value in zip(found.regions, found.importance, strict=True) if name not in moved]
    assert max(np.abs(others)) < found.importance.max()


@pytest.mark.parametrize("number", [0, 1])
def test_scores_are_those_of_the_whole_video(learned, one, number):
    expression, features = one.truth.expressions[number], one.features["micro"]
    found = explain(learned, features, expression)
    assert found.score == pytest.approx(highest(learned, features, expression), abs=1e-4)
    for region in (6, 20):
        values = features.values.copy()
        part(values, "motion")[:, region] = 0
        still = highest(learned, replace(features, values=values), expression)
        assert found.importance[region] == pytest.approx(found.score - still, abs=1e-4)


@pytest.mark.parametrize(("rise", "distance_s"), [(1, 2 / 30), (7, 8 / 30), (40, 32 / 30), (90, 64 / 30)])
def test_motion_is_measured_over_the_time_of_the_rise(learned, video, rise, distance_s):
    features = video("somebody", (), n_rows=2 * WINDOW_ROWS).features["micro"]
    expression = Expression(100, 100 + rise, 100 + rise + WINDOW_ROWS, "macro")
    found = explain(learned, features, expression, margin_s=0.0)
    assert found.distance_s == pytest.approx(distance_s)
    flow = part(np.array(features.values), "motion")[expression.onset : expression.offset + 1]
    expected = np.hypot(*np.moveaxis(flow[:, :, DISTANCES_S.index(found.distance_s)], -1, 0))
    np.testing.assert_allclose(found.motion, expected, rtol=1e-6)
    assert found.score == pytest.approx(highest(learned, features, expression), abs=1e-4)


def test_what_cannot_be_explained_is_refused(learned, video):
    features = video("somebody", (), n_rows=60, gap=range(20, 30)).features["micro"]
    with pytest.raises(ValueError, match="no row of the expression has a face"):
        explain(learned, features, Expression(22, None, 27, "micro"))
    with pytest.raises(ValueError, match="no network"):
        explain(new_method("regiontcn"), features, Expression(40, None, 50, "micro"))
