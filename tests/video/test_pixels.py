"""Luma and colours against the values that were drawn, and against FFmpeg's own conversions."""

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facespot.video import open_video
from facespot.video.pixels import Orientation

LEVELS = np.array([0, 16, 40, 90, 128, 180, 235, 255], dtype=np.uint8)


def gray_ramp(_index):
    return np.repeat(np.tile(LEVELS.repeat(20), (64, 1))[..., None], 3, axis=2)


def coloured(_index):
    picture = np.zeros((64, 160, 3), np.uint8)
    for number, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (30, 160, 90)]):
        picture[:, number * 32 : (number + 1) * 32] = colour
    return picture


def centres(image, fields):
    step = image.shape[1] // fields
    return image[image.shape[0] // 2, step // 2 :: step][:fields].astype(int)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format", "options"),
    [
        ("a.mp4", "libx264", "yuv420p", {"crf": "1"}),
        ("a.mkv", "ffv1", "yuv444p", {}),
        ("a.mkv", "ffv1", "yuv420p10le", {}),
        ("a.mkv", "ffv1", "yuv422p12le", {}),
        ("a.mkv", "ffv1", "yuv444p16le", {}),
        ("a.mkv", "ffv1", "gray", {}),
        ("a.mkv", "ffv1", "gray10le", {}),
        ("a.mkv", "ffv1", "gray16le", {}),
        ("a.mkv", "ffv1", "yuva420p", {}),
        ("a.mkv", "ffv1", "bgra", {}),
        ("a.mkv", "ffv1", "gbrp10le", {}),
        ("a.mp4", "libx264", "yuv420p10le", {"crf": "1"}),
        ("a.mp4", "libx264", "gray", {"crf": "1"}),
        ("a.avi", "mjpeg", "yuvj420p", {"qscale": "1"}),
        ("a.avi", "rawvideo", "yuv420p", {}),
        ("a.avi", "rawvideo", "bgr24", {}),
        ("a.mov", "png", "rgb24", {}),
    ],
)
def test_gray_is_full_range_luma_in_every_format(name, codec, pixel_format, options, tmp_path, encode):
    path = encode(tmp_path / name, codec, pixel_format=pixel_format, n_frames=2, pictures=gray_ramp, options=options)
    frame = next(iter(open_video(path).read(np.array([1]))))
    assert centres(frame.gray(), 8) == pytest.approx(LEVELS.astype(int), abs=3)
    for channel in range(3):
        assert centres(frame.rgb()[..., channel], 8) == pytest.approx(LEVELS.astype(int), abs=3)


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.mkv", "ffv1", "yuv444p"),
        ("b.mkv", "ffv1", "bgr0"),
        ("c.avi", "mjpeg", "yuvj444p"),
        ("d.mkv", "ffv1", "yuva444p"),
    ],
)
def test_colours(name, codec, pixel_format, tmp_path, encode):
    path = encode(tmp_path / name, codec, pixel_format=pixel_format, n_frames=1, pictures=coloured)
    frame = next(iter(open_video(path).read(np.array([0]))))
    drawn = centres(coloured(0), 5)
    assert np.abs(centres(frame.rgb(), 5) - drawn).max() <= 6
    luma = drawn @ np.array([0.299, 0.587, 0.114])
    assert np.abs(centres(frame.gray(), 5) - luma).max() <= 3


def test_stated_full_range_is_not_stretched(tmp_path):
    for stated, expected in ((av.video.reformatter.ColorRange.JPEG, 100), (av.video.reformatter.ColorRange.MPEG, 98)):
        path = tmp_path / f"range{int(stated)}.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=30)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.color_range = stated
            picture = av.VideoFrame(64, 48, "yuv420p")
            for plane, value in zip(picture.planes, (100, 128, 128), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.color_range = stated
            picture.pts = 0
            container.mux(stream.encode(picture))
            container.mux(stream.encode())
        frame = next(iter(open_video(path).read(np.array([0]))))
        assert np.unique(frame.gray()).tolist() == [expected]
        assert np.abs(frame.rgb().astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [(101, 67), (99, 64), (160, 63), (37, 33)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "bgr0", "gray"])
def test_odd_sizes(size, pixel_format, tmp_path, encode, numbered):
    path = encode(tmp_path / "odd.mkv", "ffv1", size=size, pixel_format=pixel_format, n_frames=3)
    video = open_video(path)
    assert (video.width, video.height) == size
    for frame in video.read(np.arange(3)):
        assert frame.gray().shape == (size[1], size[0])
        assert frame.rgb().shape == (size[1], size[0], 3)
        assert np.abs(frame.gray().astype(int) - numbered(frame.index, *size)[..., 0]).max() <= 2


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_undone(degrees, tmp_path, encode, numbered):
    upright = numbered(0b0011010110, 120, 200)
    # What the camera stored; the metadata say by how much to turn it counterclockwise.
    stored = np.rot90(upright, -degrees // 90).copy()
    height, width = stored.shape[:2]
    path = encode(tmp_path / "phone.mp4", size=(width, height), n_frames=2, pictures=lambda _: stored, rotation=degrees)
    video = open_video(path)
    assert (video.width, video.height) == (120, 200)
    frame = next(iter(video.read(np.array([1]))))
    for image, drawn in ((frame.gray(), upright[..., 0]), (frame.rgb(), upright)):
        assert image.shape == drawn.shape
        assert image.flags.c_contiguous
        assert np.abs(image.astype(int) - drawn).mean() < 3


@given(st.booleans(), st.booleans(), st.booleans(), st.integers(1, 5), st.integers(1, 5))
def test_orientation_only_moves_pixels(transpose, mirror_x, mirror_y, height, width):
    image = np.arange(height * width, dtype=np.uint8).reshape(height, width)
    turned = Orientation(transpose, mirror_x, mirror_y).apply(image)
    assert turned.shape == ((width, height) if transpose else (height, width))
    for y in range(height):
        for x in range(width):
            u, v = (y, x) if transpose else (x, y)
            u = turned.shape[1] - 1 - u if mirror_x else u
            v = turned.shape[0] - 1 - v if mirror_y else v
            assert turned[v, u] == image[y, x]
