"""What MEAN sees of each pair of frames: 42x42 images of u, v and strain in 0..1 (MEAN section 3.1).

As SOFTNet's images (`facespot.features.maps`), but nothing is done against head motion and blinking: no mean of the
nose is subtracted, the eyes are not masked, and u and v keep their sign. The paper gives the strain as derivatives and
says of the scaling only that it follows SOFTNet; ``reading`` names what is followed where the authors' program does
otherwise:

- ``"code"``: each channel is scaled over the whole 128x128 crop before the regions are cut, and strain is taken from
  backward differences, a missing edge counting as 0;
- ``"paper"``: each channel of the finished 42x42 image is scaled, as in SOFTNet, and strain is taken from central
  differences, the nearest to the derivatives of eq. 3.
"""

from __future__ import annotations

import numpy as np

from facespot.features.maps import Reading, RoiLayout, region_images, scale_min_max
from facespot.features.regions import Regions
from facespot.features.strain import Differences, optical_strain
from facespot.values import FloatArray


def mean_images(
    flow: FloatArray, regions: Regions, *, reading: Reading = "code", roi_layout: RoiLayout = "joined"
) -> FloatArray:
    """42x42 images of u, v and strain, scaled to 0..1; a channel without any motion is 0.

    With the code's reading a region spans 0 to 1 only where it holds the crop's extremes: a face that moves as a whole
    against a still background keeps its offset.

    Parameters
    ----------
    flow : (n, 128, 128, 2) float32 array
        u, v in pixels.
    regions : Regions
        Parts of the face in the crop.
    reading : {"code", "paper"}
        See the module's text.
    roi_layout : {"joined", "split"}
        How brows and mouth fill the image, see `facespot.features.maps`: joined in the authors' program, split in the
        paper.

    Returns
    -------
    (n, 42, 42, 3) float32 array
    """
    differences: Differences = "backward" if reading == "code" else "central"
    maps = np.concatenate([flow, optical_strain(flow, differences=differences)[..., np.newaxis]], axis=-1)
    if reading == "code":
        return region_images(scale_min_max(maps), regions, roi_layout=roi_layout)
    return scale_min_max(region_images(maps, regions, roi_layout=roi_layout))
