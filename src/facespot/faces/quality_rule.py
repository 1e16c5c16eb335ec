"""Whether a video is good enough for micro-expressions: limits on what `quality` measures, and a frame rate."""

from __future__ import annotations

from dataclasses import dataclass

from facespot.faces.quality import VideoQuality
from facespot.video.selection import SAME_RATE

LEAST_FPS = 25.0
"""Micro-expressions are not looked for below this rate: of one of 0.2 s, five frames are left."""


FASTEST_FROZEN_FPS = 40.0
"""Above this rate successive frames hardly differ even where nothing is lost, so that what is frozen says nothing."""


@dataclass(frozen=True)
class QualityRule:
    """Limits of a video in which micro-expressions can be trusted.

    Each lies between conditions that benchmarks/video_quality.py tells apart on rendered videos coded anew. On videos
    of people whom the weights of regiontcn have not seen, the rule finds nothing where micro F1 was .79 (320 pixels,
    CRF 16 to 20), .74 (192 pixels) and .73 (noise of 3 levels), and finds fault with nearly all videos where it was
    .62 (CRF 28), .33 (192 pixels, noise, grey, CRF 28) and .23 (CRF 35). Noise of 6 levels and blur were not measured
    so.

    Parameters
    ----------
    face_size_pixels : float
        Least distance between the outer eye corners in pixels: a little below what was measured at 192 pixels (48 to
        63), where micro F1 did not fall by more than its interval.
    noise : float
        Most noise in grey levels; the smaller one of that within and that between frames counts, because texture
        raises the one and motion the other. Between added noise of 3 and of 6 levels, after H.264 at CRF 18.
    detail : float
        Least strength of the finest detail, see `VideoQuality.detail`; between pictures as they were and enlarged
        1.7 times.
    frozen : float
        Largest share of the face that does not change from frame to frame; above all at CRF 18, below all at CRF 35.
    """

    face_size_pixels: float = 45.0
    noise: float = 3.0
    detail: float = 0.25
    frozen: float = 0.25


MICRO_RULE = QualityRule()


def too_slow_for_micro(fps: float) -> bool:
    """Whether a frame rate is too low for micro-expressions: below 25, less the 1 % within which rates are the same.

    >>> too_slow_for_micro(24.97), too_slow_for_micro(24.0), too_slow_for_micro(23.976)
    (False, True, True)
    """
    return fps < LEAST_FPS * (1 - SAME_RATE)


def quality_findings(quality: VideoQuality, rule: QualityRule = MICRO_RULE) -> tuple[str, ...]:
    """Say what the video lacks for micro-expressions, one sentence each; none where it is good enough.

    >>> quality_findings(VideoQuality(41.2, 30.0, 1.0, 0.8, 0.35, 0.02, 0.0))
    ('the face is 41 pixels between the outer eye corners; micro-expressions need 45',)
    """
    found = []
    if quality.face_size_pixels < rule.face_size_pixels:
        found.append(
            f"the face is {quality.face_size_pixels:.0f} pixels between the outer eye corners; "
            f"micro-expressions need {rule.face_size_pixels:g}"
        )
    if quality.noise is not None and quality.motion_noise is not None:
        noise = min(quality.noise, quality.motion_noise)
        if noise > rule.noise:
            found.append(f"the noise is {noise:.1f} grey levels; micro-expressions allow {rule.noise:g}")
    if quality.detail is not None and quality.detail < rule.detail:
        found.append(
            f"the picture of the face is blurred or enlarged: its fine detail is {quality.detail:.3f}; "
            f"micro-expressions need {rule.detail:g}"
        )
    slow = quality.fps <= FASTEST_FROZEN_FPS
    if slow and quality.frozen is not None and quality.frozen > rule.frozen:
        found.append(
            f"{100 * quality.frozen:.0f} % of the face does not change from frame to frame (strong "
            f"compression); micro-expressions allow {100 * rule.frozen:g} %"
        )
    new = quality.fps * (1 - (quality.repeated or 0.0))
    if too_slow_for_micro(new):
        repeating = f", {100 * quality.repeated:.0f} % of them like the one before" if quality.repeated else ""
        found.append(
            f"there are {quality.fps:.4g} frames per second{repeating}; micro-expressions need {LEAST_FPS:g} new ones"
        )
    return tuple(found)
