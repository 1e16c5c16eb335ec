"""Scores in, intervals out. Pure functions on rows.

`peaks` makes intervals of fixed length around the peaks of one score per row (SOFTNet, MEAN); `proposals` searches both
ends of each interval where there are probabilities of onset and offset, and drops what overlaps (SpoT-GCN); `classes`
joins the rows of one class (FESNet).
"""

from facespot.intervals.classes import class_intervals, class_runs
from facespot.intervals.peaks import (
    Ends,
    Peaks,
    Smoothing,
    find_peaks,
    half_mean_length,
    highest_peak,
    peaks_above,
    relative_threshold,
    runs,
    smooth,
    spot_peaks,
)
from facespot.intervals.proposals import Proposals, boundary_range, propose, suppress

__all__ = [
    "Ends",
    "Peaks",
    "Proposals",
    "Smoothing",
    "boundary_range",
    "class_intervals",
    "class_runs",
    "find_peaks",
    "half_mean_length",
    "highest_peak",
    "peaks_above",
    "propose",
    "relative_threshold",
    "runs",
    "smooth",
    "spot_peaks",
    "suppress",
]
