"""Five seconds of the demo video, spotted with and without a recognizer, on one cache for all tests of the room."""

from dataclasses import replace
from pathlib import Path

import pytest

from facespot.pipeline import ReadSettings, RunSettings, spot


@pytest.fixture(scope="session")
def demo():
    return Path(__file__).parents[2] / "examples" / "demo.mp4"


@pytest.fixture(scope="session")
def read():
    return ReadSettings(end_s=5.0)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return RunSettings(cache=tmp_path_factory.mktemp("cache"), workers=1)


@pytest.fixture(scope="session")
def recognizer(random_mean_checkpoint):
    from facespot.methods.mean.method import MeanMethod

    return MeanMethod.load([random_mean_checkpoint], {})


@pytest.fixture(scope="session")
def spotted(demo, read, run):
    return spot(demo, method="strain", read=read, run=run)


@pytest.fixture(scope="session")
def named(demo, read, run, recognizer):
    return spot(demo, method="strain", read=read, run=run, recognize=recognizer)


@pytest.fixture(scope="session")
def bare():
    """Gives the expressions of a track without their emotions."""
    return lambda track: [replace(one, emotion=None, emotion_probability=None) for one in track.expressions]
