"""Which of the overlapping pairs become matches, one-to-one.

Input are the pairs that are allowed (`overlapping_pairs`), output the positions of the chosen ones. The pairs form a
graph that falls into many small connected components; each is solved on its own, which gives the same number of matches
and the same total IoU as one assignment over all intervals, in a time that grows with the number of pairs.
"""

from __future__ import annotations

import numpy as np

from facespot.metrics.overlaps import Pairs
from facespot.values import IntArray

# A component with more cells than this is solved without writing out its matrix.
LARGEST_MATRIX = 250_000


def assign_greedily(pairs: Pairs) -> IntArray:
    """Predictions in their order, each looking only at the true interval with which its IoU is largest.

    If that one is taken, the prediction stays without a match, even where it overlaps another one enough. Of two equal
    overlaps the earlier true interval counts.
    """
    order = np.lexsort((pairs.truth, -pairs.iou, pairs.predicted))
    best = order[_first_of_runs(pairs.predicted[order])]
    _, first_claim = np.unique(pairs.truth[best], return_index=True)
    return np.sort(best[first_claim])


def assign_optimally(pairs: Pairs) -> IntArray:
    """The largest number of matches and, among those, the largest total IoU."""
    if len(pairs) == 0:
        return np.empty(0, dtype=np.int64)
    _, truth = np.unique(pairs.truth, return_inverse=True)
    _, predicted = np.unique(pairs.predicted, return_inverse=True)
    component, n_truth, n_predicted = _components(truth, predicted)
    star = (n_truth == 1) | (n_predicted == 1)
    order = np.lexsort((-pairs.iou, component))
    best = order[_first_of_runs(component[order])]
    chosen = [best[star[component[best]]]]
    tangled = np.flatnonzero(~star[component])
    tangled = tangled[np.argsort(component[tangled], kind="stable")]
    borders = np.flatnonzero(np.diff(component[tangled])) + 1
    for group in np.split(tangled, borders):
        if len(group):
            chosen.append(group[_solve(truth[group], predicted[group], pairs.iou[group])])
    return np.sort(np.concatenate(chosen))


def _first_of_runs(values: IntArray) -> IntArray:
    """Position of the first one of each run of equal values."""
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1]))) if len(values) else values


def _components(truth: IntArray, predicted: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Component of each pair, and how many true and predicted intervals each component has."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_truth, n_predicted = int(truth.max()) + 1, int(predicted.max()) + 1
    nodes = n_truth + n_predicted
    graph = coo_array((np.ones(len(truth), dtype=np.int8), (truth, n_truth + predicted)), shape=(nodes, nodes))
    n_components, labels = connected_components(graph, directed=False)
    labels = labels.astype(np.int64)
    true_count = np.bincount(labels[:n_truth], minlength=n_components)
    predicted_count = np.bincount(labels[n_truth:], minlength=n_components)
    return labels[truth], true_count, predicted_count


def _solve(truth: IntArray, predicted: IntArray, iou: np.ndarray) -> IntArray:
    """Positions of the chosen pairs of one component."""
    rows, row = np.unique(truth, return_inverse=True)
    columns, column = np.unique(predicted, return_inverse=True)
    # All IoUs together weigh less than one match, so that the number of matches decides first.
    gain = 1.0 + iou / (min(len(rows), len(columns)) + 1)
    if len(rows) * len(columns) > LARGEST_MATRIX:
        return _solve_sparse(row, column, gain)
    from scipy.optimize import linear_sum_assignment

    gains, pair_at = np.zeros((len(rows), len(columns))), np.full((len(rows), len(columns)), -1)
    gains[row, column], pair_at[row, column] = gain, np.arange(len(iou))
    pairs: IntArray = pair_at[linear_sum_assignment(gains, maximize=True)]
    return pairs[pairs >= 0]


def _solve_sparse(row: IntArray, column: IntArray, gain: np.ndarray) -> IntArray:
    """The same without a matrix: each true interval may also take a column of its own, which means no match."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    n_rows, n_columns = int(row.max()) + 1, int(column.max()) + 1
    everyone = np.arange(n_rows)
    costs = coo_array(
        (
            np.concatenate((3.0 - gain, np.full(n_rows, 3.0))),
            (np.concatenate((row, everyone)), np.concatenate((column, n_columns + everyone))),
        ),
        shape=(n_rows, n_columns + n_rows),
    ).tocsr()
    rows, columns = min_weight_full_bipartite_matching(costs)
    partner = np.empty(n_rows, dtype=np.int64)
    partner[rows] = columns
    return np.flatnonzero(partner[row] == column)
