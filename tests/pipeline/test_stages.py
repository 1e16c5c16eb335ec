"""Measuring: one pass over the video, whoever asks for features."""

from facespot.pipeline import ReadSettings, RunSettings, spot


def test_all_features_are_measured_in_one_pass(demo, tmp_path, recognizer):
    done = []
    run = RunSettings(cache=tmp_path, workers=1, on_progress=lambda stage, *counts: done.append((stage, counts)))
    spot(demo, method="strain", read=ReadSettings(end_s=2.0), run=run, recognize=recognizer)
    assert [counts[0] for stage, counts in done if stage == "motion"] == list(range(1, 61))
