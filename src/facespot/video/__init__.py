"""Videos: a file or a folder of images comes in, timed frames go out, one after the other.

In: a video file that FFmpeg reads (mp4, mov, avi, mkv, webm, ...) or a folder of jpg, jpeg, png or bmp images.

Out: a `Video` with its size, its `Timebase` (true frame times, found without decoding) and its digest; `select` picks
frames by time and rate, and `Video.read` streams exactly those, so memory does not grow with the length of the video.
A `Frame` gives full-range luma and RGB, upright.

Whatever is wrong with the input is one `VideoError` line. FFmpeg and OpenCV are loaded when a video is opened, not
before.
"""

from facespot.video.find import find_videos
from facespot.video.frames import Frame, Video
from facespot.video.opening import open_video
from facespot.video.selection import Selection, select

__all__ = ["Frame", "Selection", "Video", "find_videos", "open_video", "select"]
