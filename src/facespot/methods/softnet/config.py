"""The settings of SOFTNet, with their sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from facespot.features.maps import Reading, RoiLayout
from facespot.methods import peaks
from facespot.methods.settings import check_between
from facespot.training.augmentation import Noise
from facespot.training.pseudo_labels import PseudoLabel

NetworkName: TypeAlias = Literal["softnet", "mobilenet_v2", "resnet18", "resnet50", "vgg16"]
Augmentation: TypeAlias = Literal["micro", "both", "none"]


@dataclass(frozen=True)
class SoftnetConfig(peaks.PeakConfig):
    """Settings of SOFTNet: those of `PeakConfig`, p being 0.55 (paper section 3.1), the network's input, the training.

    Parameters
    ----------
    reading : {"code", "paper"}
        Whether u and v lose their sign, see `facespot.features.maps`.
    roi_layout : {"joined", "split"}
        How brows and mouth fill the image, see `facespot.features.maps`.
    network : {"softnet", "mobilenet_v2", "resnet18", "resnet50", "vgg16"}
        SOFTNet or one of the backbones of the paper's Table 3.
    pseudo_label : {"unit_step", "linear", "step"}
        Target of a row from the IoU of its window (training; section 2.3, supplement eqs. 6 to 8).
    onset_counted : bool
        Whether the onset frame belongs to the true interval (paper), or not (code) (training).
    negative_share : float
        Share of the rows without expression that is trained on: 1 of every 2 (training; section 2.3).
    augmentation : {"micro", "both", "none"}
        For which type every positive row is also mirrored, blurred and given noise (training; section 2.3).
    noise : {"code", "paper"}
        Variance 0.01 and clipped to 0..1, or N(0, 1) as printed (training).
    learning_rate : float
        Of stochastic gradient descent without momentum (training; section 2.3).
    batch_size : int
        Rows per step (training; authors' program).
    epochs : int
        Passes over the rows; with `patience` at most so many (training; section 2.3).
    samples_per_epoch : int
        At most so many rows in an epoch, drawn anew for each; 0 for all (training; ours, for the large backbones).
    patience : int
        Stop after so many epochs without a lower loss on `validation_share` of the training subjects and keep the best
        epoch; 0 never stops and holds nobody back (training; ours).
    validation_share : float
        Share of the training subjects held back where `patience` is not 0 (training; ours).
    """

    p: float = 0.55
    reading: Reading = "code"
    roi_layout: RoiLayout = "joined"
    network: NetworkName = "softnet"
    pseudo_label: PseudoLabel = "unit_step"
    onset_counted: bool = True
    negative_share: float = 0.5
    augmentation: Augmentation = "micro"
    noise: Noise = "code"
    learning_rate: float = 5e-4
    batch_size: int = 12
    epochs: int = 10
    samples_per_epoch: int = 0
    patience: int = 0
    validation_share: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        check_between("negative_share", self.negative_share, 0.0, 1.0)
        check_between("learning_rate", self.learning_rate, 1e-9, 10.0)
        check_between("batch_size", self.batch_size, 1, 65536, "rows")
        check_between("epochs", self.epochs, 1, 100_000)
        check_between("samples_per_epoch", self.samples_per_epoch, 0, 10**9)
        check_between("patience", self.patience, 0, 100_000, "epochs")
        check_between("validation_share", self.validation_share, 0.01, 0.9)
