"""What a result says it was made of."""


def test_the_provenance_says_who_named_and_with_what(spotted, named):
    assert "recognizer" not in spotted.provenance
    made = named.provenance["recognizer"]
    assert (named.provenance["method"], made["name"]) == ("strain", "mean")
    assert made["settings"]["case"] == "onset_to_apex"
    assert len(made["weights"][0]["sha256"]) == 64
    assert made["features"]["micro"]["kind"] == "mean"
    assert "Liong" in made["citation"]
