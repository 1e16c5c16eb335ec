from pathlib import Path

import pytest

from facespot.errors import VideoError
from facespot.video import find_videos


def make(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(root, *paths):
    return [str(path.relative_to(root)) for path in find_videos(paths)]


def test_files_are_kept_whatever_they_are(tmp_path):
    make(tmp_path, "a.mp4", "b.xyz")
    missing = tmp_path / "missing.mp4"
    assert find_videos([tmp_path / "b.xyz", str(tmp_path / "a.mp4"), missing, tmp_path / "a.mp4"]) == [
        tmp_path / "b.xyz",
        tmp_path / "a.mp4",
        missing,
    ]


def test_frame_folder_is_one_video(tmp_path):
    make(tmp_path, "img1.jpg", "notes.txt", "deeper/img1.jpg", "deeper/img2.jpg")
    assert find_videos([tmp_path]) == [tmp_path]


def test_folder_of_videos_and_frame_folders(tmp_path):
    make(
        tmp_path,
        "v10.MP4",
        "v2.avi",
        "cover.jpg",
        ".v3.mp4",
        "s1/01/img1.png",
        "s1/01/img2.png",
        "s1/02/img1.bmp",
        "s1/02/img2.bmp",
        "results/timeline.png",
        "notes/a.txt",
        ".hidden/b.mp4",
    )
    assert found(tmp_path, tmp_path) == ["s1/01", "s1/02", "v2.avi", "v10.MP4"]


def test_folder_without_video(tmp_path):
    make(tmp_path, "notes.txt", "deeper/table.csv")
    with pytest.raises(VideoError, match="holds no video"):
        find_videos([tmp_path])


def test_a_link_back_does_not_go_round(tmp_path):
    make(tmp_path, "a/b.mp4")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    assert found(tmp_path, tmp_path) == ["a/b.mp4"]


def test_unreadable_folder_is_kept(tmp_path, monkeypatch):
    make(tmp_path, "a/b.mp4", "c/d.mp4")
    inside = Path.iterdir

    def refuse(path):
        if path.name == "a":
            raise PermissionError(13, "Permission denied")
        return inside(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert found(tmp_path, tmp_path) == ["a", "c/d.mp4"]
