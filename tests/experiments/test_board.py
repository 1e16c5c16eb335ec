"""Notes of progress between processes."""

import time

import pytest

from facespot.experiments import board
from facespot.experiments.board import Note, read_notes, watch


def test_the_shares_of_all_tasks_are_summed(tmp_path):
    for number, share in enumerate((0.25, 0.5, 1.0)):
        Note(tmp_path / str(number))(share)
    assert read_notes(tmp_path) == 1.75
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2"]


def test_a_note_is_written_seldom_but_for_the_last(tmp_path):
    note = Note(tmp_path / "0")
    note(0.1)
    note(0.2)
    assert read_notes(tmp_path) == 0.1
    note(1.0)
    assert read_notes(tmp_path) == 1.0


def test_what_is_no_note_counts_nothing(tmp_path):
    Note(tmp_path / "0")(0.5)
    (tmp_path / "1").write_text("half")
    (tmp_path / "2").write_text("[1]")
    (tmp_path / ".3.99").write_text("1.0")
    assert read_notes(tmp_path) == 0.5


def test_progress_that_cannot_be_noted_stops_nothing(tmp_path):
    Note(tmp_path / "nowhere" / "0")(0.5)
    assert list(tmp_path.iterdir()) == []


def test_the_watch_forgets_old_notes_and_reports_new_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(board, "SECONDS_BETWEEN_NOTES", 0.005)
    (tmp_path / "old").write_text("1.0")
    seen = []
    with watch(tmp_path, 2, lambda done, total: seen.append((done, total))):
        Note(tmp_path / "0")(0.5)
        until = time.monotonic() + 10
        while (0.5, 2) not in seen and time.monotonic() < until:
            time.sleep(0.005)
    assert (0.5, 2) in seen
    assert all(one in [(0.0, 2), (0.5, 2)] for one in seen)
    with watch(tmp_path / "made", 1, None):
        assert (tmp_path / "made").is_dir()


def test_an_error_inside_ends_the_watch(tmp_path):
    with pytest.raises(KeyError), watch(tmp_path, 1, lambda done, total: None):
        raise KeyError
