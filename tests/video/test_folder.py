import hashlib
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from facespot.errors import VideoError
from facespot.video import open_video


@pytest.fixture
def folder(tmp_path, numbered):
    where = tmp_path / "s15_0101"
    where.mkdir()
    for index, number in enumerate([1, 2, 3, 9, 10, 11, 100]):
        ending = ["jpg", "png", "bmp", "JPEG"][index % 4]
        cv2.imwrite(str(where / f"img{number}.{ending}"), numbered(index))
    (where / "notes.txt").write_text("not an image")
    (where / "._img1.jpg").write_bytes(b"\0\5\26\7")
    (where / "Thumbs.db").touch()
    return where


def test_images_come_in_natural_order(folder, read_number):
    video = open_video(folder, frame_rate=30)
    assert (video.name, video.width, video.height) == ("s15_0101", 160, 64)
    assert (video.timebase.fps, video.timebase.n_frames, video.promised_frames) == (30, 7, None)
    frames = list(video.read(np.array([0, 2, 3, 4, 6])))
    assert [frame.index for frame in frames] == [0, 2, 3, 4, 6]
    assert [read_number(frame.gray()) for frame in frames] == [0, 2, 3, 4, 6]
    assert [read_number(frame.rgb()[..., 2]) for frame in frames] == [0, 2, 3, 4, 6]
    assert frames[2].time_s == pytest.approx(0.1)
    assert frames[0].gray() is frames[0].gray()


def test_a_folder_needs_a_frame_rate(folder):
    with pytest.raises(VideoError, match="frame folders carry no frame rate; pass --frame-rate, for example"):
        open_video(folder)
    for rate in (0.0, -3.0, float("nan")):
        with pytest.raises(VideoError, match="impossible"):
            open_video(folder, frame_rate=rate)


def test_digest_holds_names_contents_and_order(folder):
    first = open_video(folder, frame_rate=30).digest()
    assert first == open_video(folder, frame_rate=25).digest()
    (folder / "notes.txt").unlink()
    assert open_video(folder, frame_rate=30).digest() == first
    (folder / "img2.png").rename(folder / "img5.png")
    renamed = open_video(folder, frame_rate=30).digest()
    (folder / "img5.png").write_bytes((folder / "img1.jpg").read_bytes())
    assert len({first, renamed, open_video(folder, frame_rate=30).digest()}) == 3
    assert len(first) == len(hashlib.sha256().hexdigest())


def test_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(VideoError, match="holds no images"):
        open_video(tmp_path, frame_rate=30)


def test_unreadable_folder_and_image(folder, monkeypatch):
    video = open_video(folder, frame_rate=30)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "iterdir", refuse)
        with pytest.raises(VideoError, match="permission denied"):
            open_video(folder, frame_rate=30)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(VideoError, match=r"img1\.jpg: it cannot be read \(permission denied\)"):
        list(video.read(np.array([0])))


def test_another_size_is_named(folder, numbered):
    cv2.imwrite(str(folder / "img10.jpg"), numbered(0, 200, 100))
    (folder / "img10.png").unlink(missing_ok=True)
    video = open_video(folder, frame_rate=30)
    with pytest.raises(VideoError, match=r"img10\.jpg: the image has 200x100 pixels, those before it 160x64"):
        for frame in video.read(np.arange(video.timebase.n_frames)):
            frame.gray()


@pytest.mark.parametrize("ending", ["jpg", "png", "bmp"])
@pytest.mark.parametrize("kept", [0, 20, 0.5, 0.98])
def test_cut_image_is_named(ending, kept, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 160, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / f"a.{ending}"), noise)
    content = (tmp_path / f"a.{ending}").read_bytes()
    length = kept if isinstance(kept, int) else int(kept * len(content))
    (tmp_path / f"b.{ending}").write_bytes(content[:length])
    frame = next(iter(open_video(tmp_path, frame_rate=30).read(np.array([1]))))
    for image in (frame.gray, frame.rgb):
        with pytest.raises(VideoError, match=rf"b\.{ending}: the image is damaged"):
            image()
    (tmp_path / f"a.{ending}").unlink()
    with pytest.raises(VideoError, match=rf"b\.{ending}: the image is damaged"):
        open_video(tmp_path, frame_rate=30)


def test_cut_jpeg_with_a_whole_thumbnail_is_damaged(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 160, 3), dtype=np.uint8)
    content = cv2.imencode(".jpg", noise)[1].tobytes()
    thumbnail = cv2.imencode(".jpg", noise[:8, :8])[1].tobytes()
    segment = b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    whole = content[:2] + segment + content[2:]
    (tmp_path / "a.jpg").write_bytes(whole)
    (tmp_path / "b.jpg").write_bytes(whole[: len(whole) // 2])
    frames = list(open_video(tmp_path, frame_rate=30).read(np.arange(2)))
    assert frames[0].gray().shape == (64, 160)
    with pytest.raises(VideoError, match=r"b\.jpg"):
        frames[1].gray()


def read_one(path):
    return next(iter(open_video(path, frame_rate=30).read(np.array([0]))))


def test_16_bit_png_is_scaled(tmp_path):
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (8, 1))
    cv2.imwrite(str(tmp_path / "a.png"), ramp)
    frame = read_one(tmp_path)
    assert np.array_equal(frame.gray()[0], np.arange(256))
    assert np.array_equal(frame.rgb()[0], np.repeat(np.arange(256)[:, None], 3, axis=1))


def test_alpha_is_dropped(tmp_path):
    image = np.zeros((4, 6, 4), np.uint8)
    image[..., :3] = (30, 90, 200)
    image[:, 3:, 3] = 255
    cv2.imwrite(str(tmp_path / "a.png"), image)
    frame = read_one(tmp_path)
    assert np.unique(frame.rgb().reshape(-1, 3), axis=0).tolist() == [[200, 90, 30]]
    assert np.unique(frame.gray()).tolist() == [round(0.299 * 200 + 0.587 * 90 + 0.114 * 30)]


def test_palette_png(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    colours = np.array([[255, 0, 0], [0, 0, 255], [10, 200, 30]], np.uint8)
    indices = np.tile(np.arange(3, dtype=np.uint8), (4, 2))
    image = pillow.frombytes("P", (6, 4), indices.tobytes())
    image.putpalette(colours.tobytes())
    image.save(tmp_path / "a.png")
    frame = read_one(tmp_path)
    assert np.array_equal(frame.rgb(), colours[indices])
    luma = colours[indices] @ np.array([0.299, 0.587, 0.114])
    assert np.abs(frame.gray() - luma).max() <= 1


def test_gray_jpeg_and_exif_orientation(tmp_path, numbered):
    pillow = pytest.importorskip("PIL.Image")
    upright = numbered(0b0110010111, 120, 200)[..., 0]
    image = pillow.fromarray(np.rot90(upright).copy())
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif, quality=95)
    video = open_video(tmp_path, frame_rate=30)
    assert (video.width, video.height) == (120, 200)
    frame = read_one(tmp_path)
    for image in (frame.gray(), frame.rgb()):
        assert image.flags.c_contiguous
        assert np.abs(image.reshape(200, 120, -1).astype(int) - upright[..., None]).mean() < 3


def test_current_folder_has_a_name(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert open_video(".", frame_rate=30).name == "s15_0101"


def test_ten_thousand_images_open_at_once(tmp_path, numbered, monkeypatch):
    content = cv2.imencode(".png", numbered(0))[1].tobytes()
    (tmp_path / "0.png").write_bytes(content)
    for number in range(1, 10000):
        os.link(tmp_path / "0.png", tmp_path / f"{number}.png")
    opened = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or read(path))
    assert open_video(tmp_path, frame_rate=200).timebase.n_frames == 10000
    assert opened == ["0.png"]
