import hashlib
import os
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from facespot.errors import VideoError
from facespot.video import open_video, select

CODECS = {
    "b_frames.mp4": ("libx264", "yuv420p", {"bf": "3"}),
    "b_pyramid.mp4": ("libx264", "yuv420p", {"bf": "7", "x264-params": "b-pyramid=normal:open-gop=1"}),
    "b_frames.mov": ("libx264", "yuv420p", {"bf": "3"}),
    "b_frames.mkv": ("libx264", "yuv420p", {"bf": "3"}),
    "b_frames.avi": ("libx264", "yuv420p", {"bf": "3"}),
    "b_frames.ts": ("libx264", "yuv420p", {"bf": "2"}),
    "plain.h264": ("libx264", "yuv420p", {"bf": "2"}),
    "hevc.mp4": ("libx265", "yuv420p", {}),
    "mpeg4.avi": ("mpeg4", "yuv420p", {}),
    "mpeg4_b.avi": ("mpeg4", "yuv420p", {"bf": "2"}),
    "vp8.webm": ("libvpx", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "16", "b": "300k"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "5"}),
    "mjpeg.avi": ("mjpeg", "yuvj420p", {}),
    "ffv1_gray.mkv": ("ffv1", "gray", {}),
    "ffv1_10bit.mkv": ("ffv1", "yuv420p10le", {}),
    "ffv1_rgb.mkv": ("ffv1", "bgr0", {}),
    "x264_10bit.mp4": ("libx264", "yuv420p10le", {}),
    "x264_gray.mp4": ("libx264", "gray", {}),
    "huffyuv.avi": ("huffyuv", "rgb24", {}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
    "raw.avi": ("rawvideo", "yuv420p", {}),
    "alpha.webm": ("libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "cpu-used": "5"}),
}


@pytest.mark.parametrize("name", CODECS)
def test_every_frame_is_found_and_read_in_order(name, tmp_path, encode, read_number):
    codec, pixel_format, options = CODECS[name]
    path = encode(tmp_path / name, codec, pixel_format=pixel_format, options=options)
    with av.open(str(path)) as container:
        decoded = sum(1 for _ in container.decode(video=0))
    video = open_video(path)
    assert video.timebase.n_frames == decoded == 40
    assert video.promised_frames is None
    assert (video.width, video.height) == (160, 64)
    assert video.timebase.timestamps_s is None
    assert video.timebase.fps == 30.0
    frames = list(video.read(np.arange(40)))
    assert [frame.index for frame in frames] == list(range(40))
    assert [read_number(frame.gray()) for frame in frames] == list(range(40))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 30 for i in range(40)])
    assert read_number(frames[21].rgb()[..., 1]) == 21
    for image in (frames[0].gray(), frames[0].rgb()):
        assert image.dtype == np.uint8
        assert image.flags.c_contiguous


@pytest.mark.parametrize("name", CODECS)
def test_any_start_gives_the_same_frames(name, tmp_path, encode, read_number):
    codec, pixel_format, options = CODECS[name]
    video = open_video(encode(tmp_path / name, codec, pixel_format=pixel_format, options=options))
    for start in (1, 11, 12, 13, 25, 36, 39):
        frames = np.arange(start, 40, 3)
        assert [read_number(frame.gray()) for frame in video.read(frames)] == frames.tolist()


@pytest.mark.parametrize(
    "name", ["b_frames.mp4", "b_pyramid.mp4", "b_frames.mov", "b_frames.mkv", "hevc.mp4", "vp9.webm", "mpeg4.avi"]
)
def test_a_late_frame_is_reached_by_seeking(name, tmp_path, encode, monkeypatch):
    codec, pixel_format, options = CODECS[name]
    video = open_video(
        encode(
            tmp_path / name, codec, pixel_format=pixel_format, options={**options, "sc_threshold": "0"}, n_frames=200
        )
    )
    from facespot.video import file

    decoded = []
    decode = file.decode

    def counting(*arguments, **keywords):
        for picture in decode(*arguments, **keywords):
            decoded.append(picture.pts)
            yield picture

    monkeypatch.setattr(file, "decode", counting)
    assert [frame.index for frame in video.read(np.array([190]))] == [190]
    assert len(decoded) < 40


def test_variable_frame_rate_keeps_the_true_times(tmp_path, encode, read_number):
    pts_ms = np.cumsum([0, 40, 40, 20, 20, 100, 33, 33, 7, 400, 40, 40]).tolist()
    for name in ("vfr.mp4", "vfr.mkv", "vfr.mov"):
        path = encode(tmp_path / name, n_frames=12, pts=pts_ms, options={"bf": "2"})
        video = open_video(path)
        assert video.timebase.timestamps_s is not None
        assert video.timebase.timestamps_s == pytest.approx(np.array(pts_ms) / 1000, abs=2e-4)
        assert video.timebase.fps == pytest.approx(11 / (pts_ms[-1] / 1000))
        assert [read_number(frame.gray()) for frame in video.read(np.array([3, 9, 11]))] == [3, 9, 11]
        assert [frame.time_s for frame in video.read(np.array([9]))] == pytest.approx([pts_ms[9] / 1000], abs=2e-4)


def test_a_dropped_frame_is_seen(tmp_path, encode):
    pts_ms = [40 * i for i in range(60) if i != 30]
    video = open_video(encode(tmp_path / "dropped.mp4", n_frames=59, pts=pts_ms))
    assert video.timebase.timestamps_s is not None
    assert video.timebase.seconds(30) == pytest.approx(1.24)


def test_first_frame_is_time_zero(tmp_path, encode):
    pts_ms = [5000 + 40 * i for i in range(20)]
    for name in ("late.mkv", "late.mp4", "late.ts"):
        video = open_video(encode(tmp_path / name, n_frames=20, pts=pts_ms, options={"bf": "2"}))
        assert (video.timebase.n_frames, video.timebase.seconds(0)) == (20, 0.0)
        assert video.timebase.duration_s == pytest.approx(0.8, abs=1e-3)


def test_frame_rate_replaces_the_files_own_times(tmp_path, encode):
    path = encode(tmp_path / "vfr.mp4", n_frames=4, pts=[0, 10, 200, 1000])
    timebase = open_video(path, frame_rate=50).timebase
    assert (timebase.fps, timebase.n_frames, timebase.timestamps_s) == (50, 4, None)


def test_edit_list_hides_frames(tmp_path, encode, read_number):
    path = encode(tmp_path / "edited.mp4", options={"bf": "2"})
    content = bytearray(path.read_bytes())
    at = content.find(b"elst")
    version, entries, _, media_time = struct.unpack(">IIIi", content[at + 4 : at + 20])
    assert (version, entries) == (0, 1)
    content[at + 16 : at + 20] = struct.pack(">i", media_time + 5 * 512)
    path.write_bytes(content)
    with av.open(str(path)) as container:
        decoded = sum(1 for _ in container.decode(video=0))
    video = open_video(path)
    assert video.timebase.n_frames == decoded == 35
    assert [read_number(frame.gray()) for frame in video.read(np.arange(35))] == list(range(5, 40))
    assert [read_number(frame.gray()) for frame in video.read(np.array([20]))] == [25]


def test_stream_that_begins_amid_a_group_of_pictures(tmp_path, encode, read_number):
    path = encode(tmp_path / "whole.ts", options={"bf": "0", "sc_threshold": "0"})
    with av.open(str(path)) as source, av.open(str(tmp_path / "cut.mkv"), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if number >= 5 and packet.size:
                packet.stream = copy
                target.mux(packet)
    video = open_video(tmp_path / "cut.mkv")
    assert [read_number(frame.gray()) for frame in video.read(np.arange(video.timebase.n_frames))] == list(
        range(12, 40)
    )


def test_sound_that_begins_later_in_the_file(tmp_path, encode, read_number):
    path = encode(tmp_path / "silent.ts", options={"bf": "0"})
    content = bytearray(path.read_bytes())
    with av.open(str(tmp_path / "sound.ts"), "w") as target, av.open(str(path)) as source:
        copy = target.add_stream_from_template(source.streams.video[0])
        stream = target.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        target.mux([packet for _ in range(20) for packet in stream.encode(frame)])
        for packet in source.demux(video=0):
            if packet.size:
                packet.pts, packet.dts = packet.pts + 120000, packet.dts + 120000
                packet.stream = copy
                target.mux(packet)
    path.write_bytes(content + (tmp_path / "sound.ts").read_bytes())
    video = open_video(path)
    numbers = [read_number(frame.gray()) for frame in video.read(np.arange(video.timebase.n_frames))]
    assert numbers == [*range(40), *range(40)]


def test_reading_that_breaks_off_is_not_the_end(tmp_path, encode, monkeypatch):
    path = encode(tmp_path / "a.mp4", options={"bf": "0"})
    from facespot.video import packets

    demux = packets.demux

    def breaks_off(*arguments):
        for number, packet in enumerate(demux(*arguments)):
            if number == 25:
                raise av.error.InvalidDataError(1, "Invalid data")
            yield packet

    monkeypatch.setattr(packets, "demux", breaks_off)
    video = open_video(path)
    assert (video.promised_frames, video.timebase.n_frames) == (40, 25)
    with pytest.raises(VideoError, match="promises 40 frames, only 25"):
        select(video)


def test_cover_picture_is_not_the_video(tmp_path, encode, read_number):
    path = encode(tmp_path / "plain.mp4", n_frames=6)
    cover = encode(tmp_path / "cover.mjpeg", "mjpeg", n_frames=1, pixel_format="yuvj420p")
    covered = tmp_path / "covered.mp4"
    with av.open(str(path)) as source, av.open(str(cover)) as art, av.open(str(covered), "w") as target:
        picture = target.add_stream_from_template(art.streams.video[0])
        picture.disposition = av.stream.Disposition.attached_pic
        copy = target.add_stream_from_template(source.streams.video[0])
        for stream, container in ((picture, art), (copy, source)):
            for packet in container.demux(video=0):
                if packet.size:
                    packet.pts = packet.pts or 0
                    packet.stream = stream
                    target.mux(packet)
    video = open_video(covered)
    assert [read_number(frame.gray()) for frame in video.read(np.arange(video.timebase.n_frames))] == list(range(6))


def test_colon_and_percent_in_a_name(tmp_path, encode):
    path = encode(tmp_path / "http:%03d.mp4", n_frames=3)
    assert open_video(path).timebase.n_frames == 3


def test_digest_is_that_of_the_content(tmp_path, encode):
    path = encode(tmp_path / "a.mp4", n_frames=3)
    video = open_video(path)
    assert video.digest() == hashlib.sha256(path.read_bytes()).hexdigest()
    assert video.name == "a"


@pytest.mark.parametrize("frames", [[3, 2], [1, 1], [-1], [40], [[1, 2]]])
def test_impossible_frames_are_refused(frames, tmp_path, encode):
    video = open_video(encode(tmp_path / "a.mp4"))
    with pytest.raises(ValueError, match="frames"):
        video.read(np.array(frames))


def open_descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_files_are_closed(tmp_path, encode):
    path = encode(tmp_path / "a.mp4")
    before = open_descriptors()
    video = open_video(path)
    assert list(video.read(np.array([], dtype=np.int64))) == []
    stream = video.read(np.arange(40))
    next(stream)
    assert open_descriptors() == before + 1
    stream.close()
    assert open_descriptors() == before
    (tmp_path / "text.mp4").write_text("no video\n" * 100)
    with pytest.raises(VideoError):
        open_video(tmp_path / "text.mp4")
    assert open_descriptors() == before


def sound(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 44100
        for _ in range(20):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_bad_files_are_one_clear_line(tmp_path):
    cases = {
        "missing.mp4": "does not exist",
        "empty.mp4": "empty",
        "text.mp4": "cannot read this as a video",
        "prose.mkv": "cannot read this as a video",
        "sound.mp4": "only sound",
        "socket": "neither a file nor a folder",
    }
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video\n" * 50)
    (tmp_path / "prose.mkv").write_text("#EXTM3U\nhttp://example.org/a.ts\n")
    sound(tmp_path / "sound.mp4")
    os.mkfifo(tmp_path / "socket")
    for name, words in cases.items():
        with pytest.raises(VideoError, match=words) as raised:
            open_video(tmp_path / name)
        assert "\n" not in str(raised.value)
        assert str(raised.value).startswith(str(tmp_path / name))


def test_text_with_a_text_ending_is_no_video(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a video\n" * 50)
    with pytest.raises(VideoError, match="video"):
        open_video(path)


def test_video_without_frames(tmp_path):
    for name in ("none.avi", "none.mkv", "none.mp4"):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            container.start_encoding()
        with pytest.raises(VideoError):
            open_video(tmp_path / name)


def test_unreadable_file(tmp_path, encode, monkeypatch):
    path = encode(tmp_path / "a.mp4", n_frames=3)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    video = open_video(path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        with pytest.raises(VideoError, match="permission denied"):
            open_video(path)
        with pytest.raises(VideoError, match="permission denied"):
            video.digest()
    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(VideoError, match="permission denied"):
        open_video(path)
    with pytest.raises(VideoError, match=r"(?i)permission denied"):
        next(video.read(np.array([0])))


def noisy(index):
    return np.random.default_rng(index).integers(0, 256, (64, 160, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "codec", "options", "container_options"),
    [
        ("cut.mp4", "libx264", {"bf": "3"}, {"movflags": "faststart"}),
        ("cut.mov", "libx264", {"bf": "0"}, {"movflags": "faststart"}),
        ("cut.mkv", "libx264", {"bf": "3"}, {}),
        ("cut.webm", "libvpx", {"b": "500k"}, {}),
        ("cut.avi", "mpeg4", {}, {}),
    ],
)
def test_truncated_file_is_read_as_far_as_it_goes(name, codec, options, container_options, tmp_path, encode):
    path = encode(
        tmp_path / name, codec, n_frames=90, options=options, container_options=container_options, pictures=noisy
    )
    whole = [frame.gray() for frame in open_video(path).read(np.arange(90))]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    video = open_video(path)
    readable = video.timebase.n_frames
    assert 30 < readable < 60
    assert video.promised_frames == 90
    with pytest.raises(VideoError, match=f"promises 90 frames, only {readable} can be read.*--end 1.[0-9]") as raised:
        select(video)
    with pytest.raises(VideoError, match="truncated"):
        select(video, end_s=2.9)
    end_s = float(str(raised.value).rpartition(" ")[2])
    assert readable / 30 - 0.1 < end_s <= readable / 30
    selection = select(video, end_s=end_s)
    for frame in video.read(selection.frames):
        assert np.array_equal(frame.gray(), whole[frame.index])
    rest = list(video.read(np.arange(readable)))
    assert np.array_equal(rest[-1].gray(), whole[readable - 1])


def test_file_that_lost_only_what_follows_its_frames_is_whole(tmp_path, encode):
    path = encode(tmp_path / "a.mkv")
    path.write_bytes(path.read_bytes()[:-3])
    video = open_video(path)
    assert (video.promised_frames, video.timebase.n_frames) == (None, 40)


def test_truncated_before_its_index(tmp_path, encode):
    path = encode(tmp_path / "a.mp4", pictures=noisy)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(VideoError, match="no index"):
        open_video(path)


@pytest.mark.parametrize("size", [10, 100, 700, 1200])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.webm"])
def test_any_beginning_of_a_file_is_handled(name, size, tmp_path, encode):
    codec = "libvpx" if name.endswith("webm") else "libx264"
    path = encode(tmp_path / name, codec, container_options={"movflags": "faststart"} if name == "a.mp4" else {})
    path.write_bytes(path.read_bytes()[:size])
    words = "truncated" if size >= 100 else "truncated|cannot read"
    # A webm cluster may hold the first frames by then; they can be spotted.
    with pytest.raises(VideoError, match=words):
        select(open_video(path))


def test_damaged_frame_is_named_and_not_skipped(tmp_path, encode):
    for name, codec, options in [
        ("a.mp4", "libx264", {"bf": "2"}),
        ("a.mkv", "ffv1", {}),
        ("a.webm", "libvpx-vp9", {}),
    ]:
        path = encode(tmp_path / name, codec, pictures=noisy, options=options)
        with av.open(str(path)) as container:
            packet = next(packet for packet in container.demux(video=0) if packet.is_keyframe and packet.dts > 0)
            data = bytes(packet)
        content = path.read_bytes()
        at = content.find(data)
        assert at > 0
        path.write_bytes(content[: at + 6] + bytes(len(data) - 6) + content[at + len(data) :])
        video = open_video(path)
        assert video.timebase.n_frames == 40
        with pytest.raises(VideoError, match=r"frame \d+ \(at .* s\) is damaged.*--end") as raised:
            list(video.read(np.arange(40)))
        named = int(str(raised.value).split("frame ")[1].split()[0])
        assert [frame.index for frame in video.read(np.arange(named))] == list(range(named))
        assert len(select(video, end_s=float(str(raised.value).rpartition(" ")[2])).frames) == named


def test_change_of_size_is_named(tmp_path, encode):
    small = encode(tmp_path / "small.h264", n_frames=5)
    large = encode(tmp_path / "large.h264", n_frames=5, size=(192, 96))
    path = tmp_path / "both.h264"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    video = open_video(path)
    with pytest.raises(VideoError, match="frame 5 has 192x96 pixels, the first one 160x64"):
        list(video.read(np.arange(10)))


def test_file_cut_after_opening(tmp_path, encode):
    path = encode(tmp_path / "a.mp4", pictures=noisy, container_options={"movflags": "faststart"})
    video = open_video(path)
    path.write_bytes(path.read_bytes()[:20000])
    with pytest.raises(VideoError, match="frame"):
        list(video.read(np.arange(40)))
    path.unlink()
    with pytest.raises(VideoError, match="frame 0"):
        list(video.read(np.arange(40)))
