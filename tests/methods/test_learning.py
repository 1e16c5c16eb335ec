"""What all fittings share: seeds that do not meet, who is held back, what names a training and what is told of it."""

import hashlib
import json

import numpy as np

from facespot.methods.learning import (
    ROWS_STREAM,
    SUBJECTS_STREAM,
    WEIGHTS_STREAM,
    derived_seed,
    features_identity,
    settings_but,
    trained_settings,
    training_digest,
)
from facespot.methods.softnet.config import SoftnetConfig
from facespot.values import Features, FeatureSpec, Timebase


def test_seeds_of_different_streams_and_seeds_do_not_meet():
    streams = (WEIGHTS_STREAM, ROWS_STREAM, SUBJECTS_STREAM)
    seeds = {derived_seed(seed, stream) for seed in range(20) for stream in streams}
    assert len(seeds) == 60
    assert derived_seed(3, WEIGHTS_STREAM) == int(np.random.default_rng([3, 0]).integers(2**63))


def test_a_training_has_the_digest_of_its_parts():
    parts = ["micro", {"b": 1, "a": [2.5, None]}, [["ann", (1, 2)]]]
    text = '["micro", {"a": [2.5, null], "b": 1}, [["ann", [1, 2]]]]'
    assert json.loads(text) == json.loads(json.dumps(parts))
    assert training_digest(*parts) == hashlib.sha256(text.encode()).hexdigest()


def test_features_are_told_apart_by_video_kind_and_rows():
    def identity(source="abc", version=1, n=4):
        spec = FeatureSpec("strain", version)
        values = np.zeros((n, 2), np.float32)
        return features_identity(
            Features("ann", Timebase(30.0, 9), spec, values, np.arange(n), np.ones(n, bool), 30.0, source)
        )

    assert identity() == ["abc", FeatureSpec("strain", 1).digest(), 4]
    assert len({json.dumps(one) for one in (identity(), identity("b"), identity(version=2), identity(n=5))}) == 4


def test_a_checkpoint_is_told_what_its_input_needs_and_what_differs():
    config = SoftnetConfig(epochs=2, p=0.3)
    assert trained_settings(config, always=("reading",), never=("p",)) == {"reading": "code", "epochs": 2}
    assert trained_settings(config, always=(), never=()) == {"epochs": 2, "p": 0.3}
    rest = settings_but(config, ("p", "epochs"))
    assert not {"p", "epochs"} & set(rest)
    assert rest["reading"] == "code"
