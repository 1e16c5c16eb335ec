"""From flow to what the methods read: motion maps, their 42x42 region images, the sum of the strain.

SOFTNet sections 2.1 and 2.2. Paper and authors' program differ; ``reading`` names which is followed:

- ``"code"``: after the head motion is subtracted, the absolute value of u and v is taken (not of the strain);
- ``"paper"``: u and v keep their sign.

``roi_layout`` names how the regions fill the 42x42 image:

- ``"joined"`` (code): one rectangle over both brows, 42 wide and 21 high, above the mouth, 42 wide and 21 high;
- ``"split"`` (paper): the two brow regions side by side, 21x21 each, above the mouth.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

from facespot.features.regions import CROP_SIZE, Rectangle, Regions
from facespot.features.strain import optical_strain
from facespot.values import FloatArray

Reading: TypeAlias = Literal["code", "paper"]
RoiLayout: TypeAlias = Literal["joined", "split"]
IMAGE_SIZE = 42
HALF = IMAGE_SIZE // 2


def motion_maps(flow: FloatArray, regions: Regions, *, reading: Reading = "code") -> FloatArray:
    """Horizontal flow, vertical flow and strain without the head's motion and without the eyes.

    Parameters
    ----------
    flow : (n, 128, 128, 2) float32 array
        u, v in pixels.
    regions : Regions
        Parts of the face in the crop.
    reading : {"code", "paper"}
        See the module's text.

    Returns
    -------
    (n, 128, 128, 3) float32 array
        u, v in pixels and the magnitude of the strain, its mean over the nose subtracted like theirs.
    """
    maps = np.concatenate([flow, optical_strain(flow)[..., np.newaxis]], axis=-1)
    rows, columns = regions.nose.slices
    maps -= maps[:, rows, columns].mean(axis=(1, 2), keepdims=True)
    if reading == "code":
        np.abs(maps[..., :2], out=maps[..., :2])
    maps[:, regions.eyes] = 0.0
    return maps


def region_images(maps: FloatArray, regions: Regions, *, roi_layout: RoiLayout = "joined") -> FloatArray:
    """The brows and the mouth of each map, pieced together into one 42x42 image (SOFTNet figure 2).

    Parameters
    ----------
    maps : (n, 128, 128, 3) float32 array
        Motion maps.

    Returns
    -------
    (n, 42, 42, 3) float32 array
    """
    import cv2

    images = np.empty((len(maps), IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.float32)
    for image, single in zip(images, maps, strict=True):
        for source, target in _pieces(regions, roi_layout):
            width, height = target.right - target.left, target.bottom - target.top
            image[target.slices] = cv2.resize(single[source.slices], (width, height), interpolation=cv2.INTER_LINEAR)
    return images


def spread_over_face(heat: FloatArray, regions: Regions, *, roi_layout: RoiLayout = "joined") -> FloatArray:
    """Values of a 42x42 image back on the face: the inverse of `region_images`.

    Parameters
    ----------
    heat : (42, 42) float32 array
        Values of 0 and more.
    regions : Regions
        Parts of the face in the crop.
    roi_layout : {"joined", "split"}
        That of the image.

    Returns
    -------
    (128, 128) float32 array
        0 outside the regions; the larger value where two of them overlap.
    """
    import cv2

    face = np.zeros((CROP_SIZE, CROP_SIZE), dtype=np.float32)
    for source, target in _pieces(regions, roi_layout):
        width, height = source.right - source.left, source.bottom - source.top
        piece = cv2.resize(heat[target.slices], (width, height), interpolation=cv2.INTER_LINEAR)
        np.maximum(face[source.slices], piece, out=face[source.slices])
    return face


def _pieces(regions: Regions, roi_layout: RoiLayout) -> list[tuple[Rectangle, Rectangle]]:
    """Rectangles on the crop, each with its place in the 42x42 image."""
    mouth = (regions.mouth, Rectangle(HALF, IMAGE_SIZE, 0, IMAGE_SIZE))
    if roi_layout == "joined":
        brows = regions.left_brow.union(regions.right_brow)
        return [(brows, Rectangle(0, HALF, 0, IMAGE_SIZE)), mouth]
    return [
        (regions.left_brow, Rectangle(0, HALF, 0, HALF)),
        (regions.right_brow, Rectangle(0, HALF, HALF, IMAGE_SIZE)),
        mouth,
    ]


def scale_min_max(images: FloatArray) -> FloatArray:
    """Each channel of each image brought to 0..1 by its own minimum and maximum; a constant channel becomes 0.

    Parameters
    ----------
    images : (n, h, w, c) float32 array

    Returns
    -------
    (n, h, w, c) float32 array
    """
    low = images.min(axis=(1, 2), keepdims=True)
    extent = images.max(axis=(1, 2), keepdims=True) - low
    scaled: FloatArray = (images - low) / np.where(extent > 0, extent, 1.0).astype(np.float32)
    return scaled


def softnet_images(
    flow: FloatArray, regions: Regions, *, reading: Reading = "code", roi_layout: RoiLayout = "joined"
) -> FloatArray:
    """What SOFTNet sees of each pair of frames: 42x42 images of u, v and strain, each in 0..1.

    Returns
    -------
    (n, 42, 42, 3) float32 array
    """
    return scale_min_max(region_images(motion_maps(flow, regions, reading=reading), regions, roi_layout=roi_layout))


def strain_sums(flow: FloatArray, regions: Regions) -> FloatArray:
    """Sum of the strain over the face without head motion and eyes: SOFTNet's baseline without the network.

    Returns
    -------
    (n,) float32 array
        Dimensionless; 0 without motion.
    """
    strain = optical_strain(flow)
    rows, columns = regions.nose.slices
    strain = strain - strain[:, rows, columns].mean(axis=(1, 2), keepdims=True)
    sums: FloatArray = strain[:, ~regions.eyes].sum(axis=1, dtype=np.float64).astype(np.float32)
    return sums
