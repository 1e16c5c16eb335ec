"""All settings of FESNet, with their sources; "methods" where the paper is silent and the choice is ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from facespot.errors import SettingsError
from facespot.methods.settings import check_between

Normalisation: TypeAlias = Literal["fixed", "clip"]
LsdmForm: TypeAlias = Literal["stable", "printed"]
ClassWeights: TypeAlias = Literal["inverse", "root", "none"]
Supervision: TypeAlias = Literal["all", "final"]


@dataclass(frozen=True)
class FesnetConfig:
    """Settings of input, network, training and decoding.

    Parameters
    ----------
    rows_per_second : float
        Videos above this rate are sampled down to it (section 3.2: SAMM to 60 fps).
    smoothing_s : float
        Standard deviation in seconds of the Gaussian by which the alignment is smoothed over time. Ours: of 0 to 0.4 s
        the one that leaves least motion from frame to frame in most frames (rendered faces, exact points).
    landmarks_every : int
        Landmarks for the alignment are detected in every so many-th frame. Ours; the paper detects in each.
    clip_frames : int
        Frames of a clip (section 3.2).
    clip_stride : int
        Frames from one clip to the next where a video is scored; the logits of overlapping clips are averaged. Ours.
    normalisation : {"fixed", "clip"}
        How pixels are scaled: by constants, or by mean and deviation of the clip's colours. Ours.
    first_channels, middle_channels, channels : int
        Widths of the convolution and the residual blocks of the LSDM (section 3.3 gives none).
    depth, heads : int
        Of the multi-head attention (section 3.3).
    embedding : int
        Numbers that describe x'' of a frame to the classifier and to the MTAM. Ours.
    temporal_channels, refinement_channels : int
        Widths of the MTAM (section 3.4 gives none).
    use_mtam : bool
        Without it the spatial proposals are the result (Table 3).
    gamma : float
        Weight of the smooth loss (eq. 4, Table 4).
    lsdm_weight : float
        Weight of the LSDM loss; 0 leaves it out (eq. 5 has 1; Table 3).
    lsdm_form : {"stable", "printed"}
        -1 / log(e + d), or -1 / log d as printed (eq. 3) with a guard where that is singular.
    class_weights : {"inverse", "root", "none"}
        Weight of each class in the cross-entropy: one over its share of the training frames (eq. 4), the square root of
        that, or 1.
    supervision : {"all", "final"}
        Whether the cross-entropy sees the spatial proposals, the temporal proposals and the result of each refinement
        block, or the final result alone. The paper writes the latter, and shows spatial proposals that must have been
        trained.
    mirrored : bool
        Whether half of the training clips, drawn anew each time, are mirrored. Ours.
    start_from : str
        Folder of a checkpoint whose weights the training starts from; empty for random ones. Ours.
    training_stride : int
        Frames from one training clip to the next. Ours; 32 are clips that do not overlap.
    lsdm_epochs : int
        Epochs in which the LSDM alone learns from its spatial proposals, before the whole network learns. Ours: of
        neighbouring frames, all alike, it learns slowly.
    lsdm_frames, lsdm_batch_size : int
        In these epochs, frames of each clip, its first one and others drawn anew each time, and clips in a batch. Ours.
    epochs, batch_size : int
        Of the whole network; batches are clips. Ours.
    samples_per_epoch : int
        At most so many clips in an epoch of the whole network, drawn anew for each; 0 for all. Ours.
    learning_rate, weight_decay : float
        Of Adam. Ours.
    learning_rate_decay : float
        Factor of the learning rate after each epoch; both parts of the training begin with the whole. Ours.
    patience : int
        Stop after so many epochs without a lower loss on held-back training subjects, and keep the best; 0 never. Ours.
    validation_share : float
        Share of the training subjects that is held back where `patience` is not 0. Ours.
    least_s : float
        Runs of a class that are shorter, in seconds, are no expression; 3 frames at 30 fps. Ours.
    close_s : float
        Gaps up to this length in seconds between runs of the same class are closed; 2 frames at 30 fps. Ours.
    peak_threshold : float
        Smallest probability that an expression's apex must reach; 0 keeps every run, as the paper does. Ours.
    """

    rows_per_second: float = 60.0
    smoothing_s: float = 1 / 30
    landmarks_every: int = 1
    clip_frames: int = 32
    clip_stride: int = 16
    normalisation: Normalisation = "clip"
    first_channels: int = 8
    middle_channels: int = 16
    channels: int = 32
    depth: int = 4
    heads: int = 8
    embedding: int = 64
    temporal_channels: int = 64
    refinement_channels: int = 32
    use_mtam: bool = True
    gamma: float = 0.15
    lsdm_weight: float = 1.0
    lsdm_form: LsdmForm = "stable"
    class_weights: ClassWeights = "inverse"
    supervision: Supervision = "all"
    mirrored: bool = True
    start_from: str = ""
    training_stride: int = 8
    lsdm_epochs: int = 2
    lsdm_frames: int = 8
    lsdm_batch_size: int = 16
    epochs: int = 2
    batch_size: int = 8
    samples_per_epoch: int = 500
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    learning_rate_decay: float = 0.4
    patience: int = 0
    validation_share: float = 0.2
    least_s: float = 0.1
    close_s: float = 2 / 30
    peak_threshold: float = 0.0

    def __post_init__(self) -> None:
        check_between("rows_per_second", self.rows_per_second, 10.0, 1000.0, "frames per second")
        check_between("smoothing_s", self.smoothing_s, 0.0, 10.0, "seconds")
        check_between("landmarks_every", self.landmarks_every, 1, 10_000, "frames")
        check_between("clip_frames", self.clip_frames, 2, 1000, "frames")
        check_between("clip_stride", self.clip_stride, 1, self.clip_frames, "frames")
        check_between("training_stride", self.training_stride, 1, 10_000, "frames")
        for name in ("first_channels", "middle_channels", "channels", "embedding", "temporal_channels"):
            check_between(name, getattr(self, name), 1, 1024)
        check_between("refinement_channels", self.refinement_channels, 1, 1024)
        check_between("depth", self.depth, 1, 32)
        check_between("heads", self.heads, 1, 64)
        if self.channels % self.heads:
            what = f"{self.heads} does not divide the {self.channels} channels"
            raise SettingsError("setting 'heads'", what, f"give a divisor of {self.channels}")
        check_between("gamma", self.gamma, 0.0, 1000.0)
        check_between("lsdm_weight", self.lsdm_weight, 0.0, 1000.0)
        check_between("lsdm_epochs", self.lsdm_epochs, 0, 100_000)
        check_between("lsdm_frames", self.lsdm_frames, 2, 1000, "frames")
        check_between("lsdm_batch_size", self.lsdm_batch_size, 1, 65536, "clips")
        check_between("epochs", self.epochs, 1, 100_000)
        check_between("batch_size", self.batch_size, 1, 65536, "clips")
        check_between("samples_per_epoch", self.samples_per_epoch, 0, 10**9)
        check_between("learning_rate", self.learning_rate, 1e-9, 10.0)
        check_between("weight_decay", self.weight_decay, 0.0, 10.0)
        check_between("learning_rate_decay", self.learning_rate_decay, 0.01, 1.0)
        check_between("patience", self.patience, 0, 100_000, "epochs")
        check_between("validation_share", self.validation_share, 0.01, 0.9)
        check_between("least_s", self.least_s, 0.0, 60.0, "seconds")
        check_between("close_s", self.close_s, 0.0, 60.0, "seconds")
        check_between("peak_threshold", self.peak_threshold, 0.0, 1.0)
