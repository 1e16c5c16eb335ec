"""All settings of regiontcn, each with what it does; the figures behind the defaults are in the documentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from facespot.errors import SettingsError
from facespot.methods.settings import check_between
from facespot.values import Kind

Rule: TypeAlias = Literal["absolute", "paper"]
Sensitivity: TypeAlias = Literal["low", "normal", "high"]
SENSITIVITIES: tuple[Sensitivity, ...] = ("low", "normal", "high")


@dataclass(frozen=True)
class RegiontcnConfig:
    """Settings of input, network, training and decoding.

    Parameters
    ----------
    flow : str
        Optical flow engine, see `facespot.features.flow.ENGINES`.
    smoothing_s : float
        Standard deviation in seconds of the Gaussian by which the alignment is smoothed over time.
    landmarks_every : int
        Landmarks are detected in every so many-th row.
    channels : int
        Width of all layers.
    dropout : float
        Share of the activations of a block that training leaves out.
    window_rows : int
        Rows of a training window whose predictions are learned; it also holds the context on both sides.
    epochs, batch_size : int
        Of the training; batches are windows.
    samples_per_epoch : int
        Windows in an epoch, drawn anew for each; a corpus with fewer gives each of them several times, always cut out
        elsewhere. 0 for as many as the corpus holds.
    learning_rate, weight_decay : float
        Of AdamW.
    learning_rate_decay : float
        Factor of the learning rate after each epoch.
    averaging : float
        Share of the average of the weights that a step leaves in place; the average is what is kept.
    clip_norm : float
        Largest norm of the gradient of a step; 0 for no limit.
    validation_share : float
        Share of the training subjects that is held back to calibrate the scores and choose the thresholds.
    type_weight, iou_weight, map_weight, emotion_weight, action_unit_weight : float
        Weights of the five losses.
    micro_weight : float
        Weight of the rows of micro-expressions in the loss of the type.
    gamma : float
        Power of the focal loss of the type; 0 is the plain cross-entropy.
    slowest, fastest : float
        Training windows are played at a speed drawn from this range, even on a logarithmic scale.
    gain : float
        Standard deviation of the logarithm of the factor by which the motion of a training window is multiplied.
    noise : float
        Most noise that is added to half of the training windows, as a share of the deviation of usual motion.
    macro_a_minute, micro_a_minute : float
        Expressions a minute for which the scores are calibrated. Training videos that hold more of them than usual
        would make every proposal too probable. Defaults: SAMM Long Videos (He et al. 2020, arXiv 1912.11985).
    region_dropout : float
        Share of the training windows in which one region does not move at all.
    onset_jitter_rows, offset_jitter_rows : float
        Standard deviation of the coder's errors that are added to the annotated onsets and offsets, in rows.
    rule : {"absolute", "paper"}
        Whether the threshold is a probability, the same for every video, or lies between the mean and the maximum of
        the video's own scores, as SOFTNet has it.
    sensitivity : {"low", "normal", "high"}
        Which of the checkpoint's thresholds counts: the best by F0.5, F1 or F2 on the held-back subjects. For
        "absolute".
    macro_threshold, micro_threshold : float or None
        Smallest probability of an expression of the type; None for that of the checkpoint. For "absolute".
    p : float
        Threshold between the mean (0) and the maximum (1) of the video. For "paper".
    overlap : float
        Of two intervals with a larger intersection over union, whatever their types, the one with the lower score goes.
    boundary_search : float
        How far around each end of an interval the maps of onset and offset are searched, as a share of its length; 0
        leaves the ends where the row that proposed the interval has them.
    least_score : float
        Rows with a lower score, before it is calibrated, propose nothing.
    uncertain_below : float
        An emotion with a lower probability is named "uncertain".
    action_unit_threshold : float
        Action units with at least this probability are named.
    """

    flow: str = "dis-fine"
    smoothing_s: float = 0.067
    landmarks_every: int = 3
    channels: int = 96
    dropout: float = 0.1
    window_rows: int = 256
    epochs: int = 24
    batch_size: int = 16
    samples_per_epoch: int = 800
    learning_rate: float = 2e-3
    learning_rate_decay: float = 0.85
    weight_decay: float = 0.02
    averaging: float = 0.99
    clip_norm: float = 5.0
    validation_share: float = 0.2
    type_weight: float = 3.0
    iou_weight: float = 1.0
    map_weight: float = 0.15
    emotion_weight: float = 0.3
    action_unit_weight: float = 0.1
    micro_weight: float = 1.0
    gamma: float = 1.0
    slowest: float = 0.8
    fastest: float = 1.25
    gain: float = 0.15
    noise: float = 0.3
    region_dropout: float = 0.2
    macro_a_minute: float = 4.0
    micro_a_minute: float = 1.9
    onset_jitter_rows: float = 0.4
    offset_jitter_rows: float = 0.6
    rule: Rule = "absolute"
    sensitivity: Sensitivity = "normal"
    macro_threshold: float | None = None
    micro_threshold: float | None = None
    p: float = 0.55
    overlap: float = 0.2
    boundary_search: float = 0.15
    least_score: float = 0.05
    uncertain_below: float = 0.4
    action_unit_threshold: float = 0.5

    def __post_init__(self) -> None:
        check_between("smoothing_s", self.smoothing_s, 0.0, 10.0, "seconds")
        check_between("landmarks_every", self.landmarks_every, 1, 10_000, "rows")
        check_between("channels", self.channels, 1, 4096)
        check_between("dropout", self.dropout, 0.0, 0.99)
        check_between("window_rows", self.window_rows, 8, 100_000, "rows")
        check_between("epochs", self.epochs, 1, 100_000)
        check_between("batch_size", self.batch_size, 1, 65536, "windows")
        check_between("samples_per_epoch", self.samples_per_epoch, 0, 10**9)
        check_between("learning_rate", self.learning_rate, 1e-9, 10.0)
        check_between("learning_rate_decay", self.learning_rate_decay, 0.01, 1.0)
        check_between("weight_decay", self.weight_decay, 0.0, 10.0)
        check_between("averaging", self.averaging, 0.0, 0.99999)
        check_between("clip_norm", self.clip_norm, 0.0, 1e9)
        check_between("validation_share", self.validation_share, 0.01, 0.9)
        for part in ("type", "iou", "map", "emotion", "action_unit", "micro"):
            check_between(f"{part}_weight", getattr(self, f"{part}_weight"), 0.0, 1000.0)
        check_between("gamma", self.gamma, 0.0, 10.0)
        check_between("slowest", self.slowest, 0.1, 1.0)
        check_between("fastest", self.fastest, 1.0, 10.0)
        check_between("gain", self.gain, 0.0, 2.0)
        check_between("noise", self.noise, 0.0, 10.0)
        check_between("onset_jitter_rows", self.onset_jitter_rows, 0.0, 30.0, "rows")
        check_between("offset_jitter_rows", self.offset_jitter_rows, 0.0, 30.0, "rows")
        for name in ("region_dropout", "p", "overlap", "uncertain_below", "action_unit_threshold"):
            check_between(name, getattr(self, name), 0.0, 1.0)
        check_between("boundary_search", self.boundary_search, 0.0, 1.0)
        check_between("least_score", self.least_score, 0.001, 0.999)
        for name in ("macro_a_minute", "micro_a_minute"):
            check_between(name, getattr(self, name), 0.001, 1000.0, "expressions a minute")
        for name in ("macro_threshold", "micro_threshold"):
            if getattr(self, name) is not None:
                check_between(name, getattr(self, name), 0.0, 1.0)
        if self.sensitivity != "normal" and self.rule == "paper":
            what = 'the rule "paper" knows no sensitivity'
            raise SettingsError("setting 'sensitivity'", what, "set p instead, or rule=absolute")

    def threshold(self, kind: Kind) -> float | None:
        """What the user wants the probability of a type to reach; None where that is left to the checkpoint."""
        return self.macro_threshold if kind == "macro" else self.micro_threshold
