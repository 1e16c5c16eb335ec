"""The settings of MEAN, with their sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from facespot.features.maps import Reading, RoiLayout
from facespot.intervals import Ends, Smoothing
from facespot.labels import Case
from facespot.methods.settings import check_between
from facespot.training.pseudo_labels import PseudoLabel

IntervalEnd: TypeAlias = Literal["code", "paper"]


@dataclass(frozen=True)
class MeanConfig:
    """Settings of MEAN.

    Parameters
    ----------
    distance_s : float
        k in seconds: time between the two frames of a pair (section 4.3: frames per second times 0.1).
    half_length_s : float
        k' in seconds: half the mean length of a micro-expression, half the length of a spotted interval (section 3.3;
        CAS(ME)2: 6 frames at 30 fps).
    p : float
        Threshold between the mean (0) and the maximum (1) of the video (section 4.3).
    smoothing : {"code", "paper", "gaussian", "exponential"}
        Mean of 2k' scores (code) or of 2k' + 1 (eq. 11), or one of the alternatives of Table 7.
    spread : float
        Rows: sigma of ``"gaussian"``, tau of ``"exponential"`` (Table 7: 1 or 3).
    ends : {"zeros", "dropped"}
        Whether the video is padded with zeros for the smoothing (code), or its first and last k' rows are dropped
        (section 3.4).
    interval_end : {"code", "paper"}
        A spotted interval ends k' rows after its peak, or k' - 1 (section 3.4).
    one_peak : bool
        Short videos that hold one expression each: only the highest peak, no threshold (section 4.3).
    case : {"onset_to_apex", "apex", "onset_to_offset"}
        Which frames of an interval vote for its emotion: cases 1, 2, 3 of section 3.4.
    flow : str
        Optical flow engine, see `facespot.features.flow.ENGINES`.
    reading : {"code", "paper"}
        Scaling and strain, see `facespot.features.mean_maps`.
    roi_layout : {"joined", "split"}
        How brows and mouth fill the image, see `facespot.features.maps`: code, paper.
    transfer : bool
        Whether the recognition head reads the frozen streams of the spotting network (section 3.2), or the two are
        independent networks (Table 9) (training).
    batch_norm, dropout : bool
        Whether the network has these layers: in the code only (training).
    penalty : bool
        Whether the squares of the kernels are added to the loss: in the code only (training).
    pseudo_label : {"unit_step", "linear", "step"}
        Target of a row from the IoU of its window (training; eq. 5).
    onset_counted : bool
        Whether the onset frame belongs to the true interval (paper), or not (code) (training).
    negatives_per_positive : float
        Rows without expression for each row with one that are trained on: 5 (code) or 8 (section 4.3) (training).
    learning_rate : float
        Of Adam (training; section 4.3).
    batch_size : int
        Rows per step (training; authors' program).
    spotting_epochs : int
        Passes over the rows in step one: 10 (code), at most 200 (section 4.3) (training).
    recognition_epochs : int
        Passes over the labelled expressions in step two: 100 (code), at most 800 (section 4.3) (training).
    """

    distance_s: float = 0.1
    half_length_s: float = 0.2
    p: float = 0.55
    smoothing: Smoothing = "code"
    spread: float = 1.0
    ends: Ends = "zeros"
    interval_end: IntervalEnd = "code"
    one_peak: bool = False
    case: Case = "onset_to_apex"
    flow: str = "tvl1"
    reading: Reading = "code"
    roi_layout: RoiLayout = "joined"
    transfer: bool = True
    batch_norm: bool = True
    dropout: bool = True
    penalty: bool = True
    pseudo_label: PseudoLabel = "unit_step"
    onset_counted: bool = True
    negatives_per_positive: float = 5.0
    learning_rate: float = 5e-4
    batch_size: int = 32
    spotting_epochs: int = 10
    recognition_epochs: int = 100

    def __post_init__(self) -> None:
        check_between("distance_s", self.distance_s, 0.01, 10.0, "seconds")
        check_between("half_length_s", self.half_length_s, 0.01, 10.0, "seconds")
        check_between("p", self.p, 0.0, 1.0)
        check_between("spread", self.spread, 0.01, 1000.0, "rows")
        check_between("negatives_per_positive", self.negatives_per_positive, 0.0, 1e6)
        check_between("learning_rate", self.learning_rate, 1e-9, 10.0)
        check_between("batch_size", self.batch_size, 1, 65536, "rows")
        check_between("spotting_epochs", self.spotting_epochs, 1, 100_000)
        check_between("recognition_epochs", self.recognition_epochs, 1, 100_000)
