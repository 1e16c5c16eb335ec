"""Frames and faces in, `Features` out: what moved on the face between frames, one row per frame.

Optical flow (`flow`, `tvl1`, `opencv_flow`), its strain (`strain`), the parts of the face that are read (`regions`),
the images and sums made of them (`maps`, `mean_maps`), the motion of regions through windows of frames (`region_flow`)
and over distances in time (`region_motion`), face crops without the motion of the head (`aligned_faces`), the table of
them all (`kinds`), one streaming pass over a video (`extract`), single pairs of frames (`pairs`) and the cache on disk
(`cache`).
"""

from facespot.features.cache import FeatureCache
from facespot.features.extract import StoredFeatures, extract
from facespot.features.kinds import feature_spec

__all__ = ["FeatureCache", "StoredFeatures", "extract", "feature_spec"]
