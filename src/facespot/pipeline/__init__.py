"""The stages in order, once, for one video: a path goes in, a `Result` comes out.

video -> faces -> features -> scores -> intervals -> emotions. The video is read twice, first for the faces, then for
the motion, so that the face which persists is known before any motion is measured; both passes stream.

`spot` (in `spotting`) takes all stages, `recognize` (in `recognition`) gets its intervals from elsewhere. Both are made
of the same parts: what the caller sets (`settings`), whether the video is long enough (`lengths`), face and features
(`stages`), names for emotions (`emotions`), and what goes into the result beside the expressions: `notes`, `pictures`
and `provenance`.
"""

from facespot.pipeline.emotions import ready_recognizer, with_classes
from facespot.pipeline.pictures import apex_pictures
from facespot.pipeline.provenance import GIVEN
from facespot.pipeline.recognition import recognize
from facespot.pipeline.settings import ReadSettings, RunSettings
from facespot.pipeline.spotting import spot
from facespot.pipeline.stages import Prepared, measure, measure_pairs, prepare

__all__ = [
    "GIVEN",
    "Prepared",
    "ReadSettings",
    "RunSettings",
    "apex_pictures",
    "measure",
    "measure_pairs",
    "prepare",
    "ready_recognizer",
    "recognize",
    "spot",
    "with_classes",
]
