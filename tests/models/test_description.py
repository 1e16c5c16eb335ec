import json

import pytest

from facespot.errors import WeightsError
from facespot.models.description import SCHEMA, parse_description


@pytest.fixture
def content():
    origin = dict.fromkeys(
        ("corpus", "held_out_subject", "licence", "source_file", "source_sha256", "seed", "facespot_version")
    )
    return {
        "schema": SCHEMA,
        "method": "softnet",
        "kind": None,
        "config": {"roi_layout": "joined"},
        "fitted": {},
        "origin": origin,
        "network_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
    }


def refused(content):
    encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(WeightsError) as caught:
        parse_description(encoded, "folder/method.json")
    message = str(caught.value)
    assert message.startswith("folder/method.json: ")
    assert "\n" not in message
    return message


def test_bytes_come_back_and_end_with_a_line(content):
    description = parse_description(json.dumps(content).encode(), "method.json")
    written = description.to_bytes()
    assert json.loads(written) == content
    assert written.endswith(b"}\n")
    assert parse_description(written, "method.json") == description


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema": NaN}',
        b'{"schema": Infinity}',
        b'{"schema": 1e999}',
    ],
)
def test_what_is_not_json_is_refused(broken):
    assert "not readable JSON" in refused(broken)


def test_json_that_is_no_object_is_refused():
    assert "no JSON object" in refused([1, 2])


@pytest.mark.parametrize("schema", [None, "facespot.checkpoint/2", 1])
def test_another_schema_is_refused(content, schema):
    assert "schema" in refused({**content, "schema": schema})


def test_a_missing_key_is_named(content):
    for name in content:
        rest = {key: value for key, value in content.items() if key != name}
        assert name in refused(rest)


def test_a_missing_key_of_the_origin_is_named(content):
    del content["origin"]["seed"]
    assert "lacks the key 'origin.seed'" in refused(content)


def test_an_unknown_key_is_named(content):
    assert "unknown key 'colour'" in refused({**content, "colour": "red"})
    content["origin"]["colour"] = "red"
    assert "unknown key 'origin.colour'" in refused(content)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("method", ""),
        ("method", 3),
        ("method", None),
        ("kind", "nano"),
        ("kind", ["macro"]),
        ("config", []),
        ("config", None),
        ("fitted", "x"),
        ("origin", [1]),
        ("network_sha256", "A" * 64),
        ("network_sha256", "a" * 63),
        ("network_sha256", None),
        ("weights_sha256", "g" * 64),
        ("weights_sha256", 7),
    ],
)
def test_a_wrong_value_is_named(content, name, value):
    assert f"'{name}' must be" in refused({**content, name: value})


@pytest.mark.parametrize("value", [[1], {"a": 1}])
def test_a_setting_is_a_plain_value(content, value):
    assert "'config.roi_layout' must be" in refused({**content, "config": {"roi_layout": value}})


@pytest.mark.parametrize(("name", "value"), [("seed", True), ("seed", "3"), ("corpus", 2), ("licence", ["MIT"])])
def test_a_wrong_origin_is_named(content, name, value):
    content["origin"][name] = value
    assert f"'origin.{name}' must be" in refused(content)


def test_a_long_wrong_value_is_shortened(content):
    assert len(refused({**content, "method": ["x"] * 1000})) < 250
