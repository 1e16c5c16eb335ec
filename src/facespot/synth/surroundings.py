"""Carries values that are known on the face smoothly over to what surrounds it, where they die away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facespot.values import BoolArray

Field = NDArray[np.float64]


def extension(known: BoolArray, reach: float) -> Callable[[Field], Field]:
    """Prepare the smooth continuation of values from some nodes of a grid to the others.

    The values satisfy the screened Laplace equation ``u_xx + u_yy = u / reach**2`` on the free nodes, so that they
    neither overshoot nor leave a seam, and are zero on the border of the grid.

    Parameters
    ----------
    known : (h, w) bool array
        Nodes whose values are given.
    reach : float
        Distance, in nodes, over which a value falls to about a third.

    Returns
    -------
    callable
        Takes (h, w, c) float64 arrays, of which the known nodes count, and returns them with all nodes filled.

    >>> fill = extension(np.eye(5, dtype=bool), 3.0)
    >>> bool(np.all(fill(np.full((5, 5, 1), 2.0)) <= 2.0))
    True
    """
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import splu

    height, width = known.shape
    inner = np.zeros_like(known)
    inner[1:-1, 1:-1] = True
    free = inner & ~known
    number = np.full((height, width), -1, dtype=np.int64)
    number[free] = np.arange(int(free.sum()))
    rows, columns = np.nonzero(free)
    here = number[rows, columns]
    row_of, column_of, value = [here], [here], [np.full(len(here), 4.0 + reach**-2.0)]
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        there = number[rows + down, columns + right]
        inside = there >= 0
        row_of.append(here[inside])
        column_of.append(there[inside])
        value.append(np.full(int(inside.sum()), -1.0))
    entries = (np.concatenate(value), (np.concatenate(row_of), np.concatenate(column_of)))
    solver = splu(csc_matrix(entries, shape=(len(here), len(here)))) if len(here) else None

    def fill(values: Field) -> Field:
        filled = np.where((known & inner)[..., None], values, 0.0)
        if solver is not None:
            around = np.zeros((len(here), values.shape[2]))
            for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                around += filled[rows + down, columns + right]
            filled[rows, columns] = solver.solve(around)
        return np.asarray(filled)

    return fill
