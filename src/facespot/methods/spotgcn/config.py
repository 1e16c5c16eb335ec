"""All settings of SpoT-GCN, with their sources; "code" is what the authors' first released program does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from facespot.errors import SettingsError
from facespot.methods.settings import check_between
from facespot.values import Kind

Motion: TypeAlias = Literal["windows", "adjacent"]
Network: TypeAlias = Literal["spotgcn", "stgcn", "cnn"]
Reading: TypeAlias = Literal["code", "paper"]


@dataclass(frozen=True)
class SpotgcnConfig:
    """Settings of features, network, training and decoding.

    Parameters
    ----------
    window : int
        w: frames of a sliding window, which is the network's receptive field; odd (section III-A; Table II).
    motion : {"windows", "adjacent"}
        Flow from a window's first frame to each later one (+SLO of Table I), or between adjacent frames (its baseline).
    network : {"spotgcn", "stgcn", "cnn"}
        The whole network; without the graph pooling FLGP; one-dimensional convolutions over the flattened regions
        (Table I, from its last rows to its first).
    adjacency : {"code", "paper"}
        What a graph layer multiplies by: the symmetric normalised Laplacian (code), or the adjacency matrix (eq. 2).
    flow : str
        Optical flow engine, see `facespot.features.flow.ENGINES` (section III-A: Farneback).
    landmarks_every : int
        Landmarks are detected in every so many-th frame, and carried by the motion of the nose in between; 1 is the
        paper, which detects in the first frame of each window.
    reach : int
        Later frames to which the flow of each frame is stored; 0 for those that the window needs. With a larger one,
        runs with several windows share their features. Ours.
    macro_mean_s, micro_mean_s : float
        k: mean length of an expression in seconds (section III-D). CAS(ME)2: 59 and 16 frames at 30 fps (code).
    macro_least_s, micro_least_s : float
        j: least length of an expression in seconds (section III-D). CAS(ME)2: 16 and 5 frames at 30 fps (code).
    apex_threshold : float
        Smallest probability of a possible apex (section III-D; code: .5).
    search : float
        Onset and offset are searched up to this times k/2 from the apex; 1 is the paper. Ours.
    consistent : bool
        Keep an interval only if P(onset) > P(offset) at its onset and the other way round at its offset (code).
    overlap : float
        Largest IoU of two intervals of a type that are both kept (section III-D; code: .5).
    most_per_video : int
        Keep at most so many intervals of each type and video; 0 for all (code: 5).
    epochs, batch_size : int
        Section III-E.
    samples_per_epoch : int
        At most so many frames in an epoch, drawn anew for each; 0 for all. Ours.
    learning_rate, weight_decay : float
        Of AdamW with betas .5 and .9 (section III-E; weight decay: code).
    learning_rate_decay : float
        Factor of the learning rate after each epoch (code).
    patience : int
        Stop after so many epochs without a lower loss on held-back training subjects, and keep the best; 0 never. Ours.
    validation_share : float
        Share of the training subjects that is held back where `patience` is not 0. Ours.
    contrastive_weight : float
        lambda of eq. 6; 0 leaves the supervised contrastive loss out (Table III: .05).
    temperature : float
        tau of eq. 5 (section III-E).
    normalised : bool
        Whether z has length 1 in eq. 5, as in the source of that loss (Khosla et al., 2020).
    apex_weight, boundary_weight, action_weight : float
        Weights of the losses of apex, onset and offset, and expression frames (code).
    macro_weight : float
        Factor of the losses of macro-expressions (code: .5 for CAS(ME)2, .7 for SAMM-LV).
    apex_alpha, boundary_alpha, action_alpha : float
        alpha of eq. 4, the weight of what is there against what is not (code).
    gamma : float
        gamma of eq. 4 (code, for apex and expression frames; for onset and offset: ours).
    label_smoothing : float
        Of the targets of apex and expression frames (code).
    apex_sigma : float
        Standard deviation in frames of the target around an apex (code).
    macro_widening, micro_widening : int
        Frames by which onset, apex and offset are widened to both sides (code).
    """

    window: int = 17
    motion: Motion = "windows"
    network: Network = "spotgcn"
    adjacency: Reading = "code"
    flow: str = "farneback"
    landmarks_every: int = 1
    reach: int = 0
    macro_mean_s: float = 59 / 30
    micro_mean_s: float = 16 / 30
    macro_least_s: float = 16 / 30
    micro_least_s: float = 5 / 30
    apex_threshold: float = 0.5
    search: float = 1.0
    consistent: bool = True
    overlap: float = 0.5
    most_per_video: int = 0
    epochs: int = 100
    batch_size: int = 512
    samples_per_epoch: int = 0
    learning_rate: float = 0.01
    weight_decay: float = 0.1
    learning_rate_decay: float = 0.96
    patience: int = 0
    validation_share: float = 0.2
    contrastive_weight: float = 0.05
    temperature: float = 0.5
    normalised: bool = True
    apex_weight: float = 1.8
    boundary_weight: float = 1.0
    action_weight: float = 0.1
    macro_weight: float = 0.5
    apex_alpha: float = 0.9
    boundary_alpha: float = 0.9
    action_alpha: float = 0.8
    gamma: float = 1.0
    label_smoothing: float = 0.16
    apex_sigma: float = 4.0
    macro_widening: int = 3
    micro_widening: int = 1

    def __post_init__(self) -> None:
        check_between("window", self.window, 3, 101, "frames")
        if self.window % 2 == 0:
            remedy = "give an odd number: the scored frame is in the middle"
            raise SettingsError("setting 'window'", f"{self.window} is even", remedy)
        check_between("landmarks_every", self.landmarks_every, 1, 10_000, "frames")
        if self.reach and self.reach < self.window - 1:
            remedy = f"give 0 or at least {self.window - 1}"
            raise SettingsError("setting 'reach'", f"{self.reach} is less than the window needs", remedy)
        check_between("reach", self.reach, 0, 100, "frames")
        for name in ("macro_mean_s", "micro_mean_s", "macro_least_s", "micro_least_s"):
            check_between(name, getattr(self, name), 0.001, 60.0, "seconds")
        for name in ("apex_threshold", "overlap", "apex_alpha", "boundary_alpha", "action_alpha"):
            check_between(name, getattr(self, name), 0.0, 1.0)
        check_between("search", self.search, 0.1, 100.0)
        check_between("most_per_video", self.most_per_video, 0, 10**6)
        check_between("epochs", self.epochs, 1, 100_000)
        check_between("batch_size", self.batch_size, 2, 65536, "frames")
        check_between("samples_per_epoch", self.samples_per_epoch, 0, 10**9)
        check_between("learning_rate", self.learning_rate, 1e-9, 10.0)
        check_between("weight_decay", self.weight_decay, 0.0, 10.0)
        check_between("learning_rate_decay", self.learning_rate_decay, 0.01, 1.0)
        check_between("patience", self.patience, 0, 100_000, "epochs")
        check_between("validation_share", self.validation_share, 0.01, 0.9)
        check_between("temperature", self.temperature, 0.001, 1000.0)
        for name in ("contrastive_weight", "apex_weight", "boundary_weight", "action_weight", "macro_weight"):
            check_between(name, getattr(self, name), 0.0, 1000.0)
        check_between("gamma", self.gamma, 0.0, 100.0)
        check_between("label_smoothing", self.label_smoothing, 0.0, 0.99)
        check_between("apex_sigma", self.apex_sigma, 0.01, 1000.0, "frames")
        check_between("macro_widening", self.macro_widening, 0, 100, "frames")
        check_between("micro_widening", self.micro_widening, 0, 100, "frames")

    def mean_s(self, kind: Kind) -> float:
        """Mean length of an expression of a type in seconds: k."""
        return self.macro_mean_s if kind == "macro" else self.micro_mean_s

    def least_s(self, kind: Kind) -> float:
        """Least length of an expression of a type in seconds: j."""
        return self.macro_least_s if kind == "macro" else self.micro_least_s

    def widening(self, kind: Kind) -> int:
        """Frames by which onset, apex and offset of a type are widened."""
        return self.macro_widening if kind == "macro" else self.micro_widening
