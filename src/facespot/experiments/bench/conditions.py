"""Which corpora a bench is made of, how each is made, and what is measured on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from facespot.errors import SettingsError
from facespot.experiments.bench.targets import TARGETS, Target
from facespot.synth.presets import PRESETS
from facespot.synth.qualities import QUALITIES, Quality

QUALITY, FRAME_RATE, CALM = "quality", "frame rate", "calm"


@dataclass(frozen=True)
class Rendered:
    """A corpus that ``facespot synth make`` makes.

    Parameters
    ----------
    preset : str
        Key of `facespot.synth.presets.PRESETS`.
    changes : mapping
        Fields of the preset that differ.
    """

    preset: str
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rerecorded:
    """A corpus that ``facespot synth degrade`` makes of another one.

    Parameters
    ----------
    source : str
        Folder of the other corpus.
    quality : str
        Key of `facespot.synth.qualities.QUALITIES`.
    fps : float, optional
        Frames per second, where the quality does not say.
    """

    source: str
    quality: str
    fps: float | None = None


Recipe: TypeAlias = Rendered | Rerecorded


@dataclass(frozen=True)
class Condition:
    """One line of the tables.

    Parameters
    ----------
    name : str
        As on the command line.
    title : str
        As in the tables.
    group : str
        The table it belongs to.
    corpus : str
        Folder of its corpus.
    """

    name: str
    title: str
    group: str
    corpus: str


@dataclass(frozen=True)
class Bench:
    """A named bench.

    Parameters
    ----------
    name : str
    corpora : mapping from folder to Rendered or Rerecorded
    conditions : tuple of Condition
    people : str
        The condition within which skin tones, face shapes and head motion are compared.
    targets : tuple of Target
    """

    name: str
    corpora: Mapping[str, Recipe]
    conditions: tuple[Condition, ...]
    people: str
    targets: tuple[Target, ...] = ()

    def chosen(self, names: tuple[str, ...]) -> tuple[Condition, ...]:
        """Conditions by name, in the order of the bench; all of them where none is named.

        Raises
        ------
        SettingsError
            If there is none of a name.
        """
        known = [one.name for one in self.conditions]
        for name in names:
            if name not in known:
                raise SettingsError(
                    "--conditions", f"{self.name} has none named {name!r}", f"choose from {', '.join(known)}"
                )
        return tuple(one for one in self.conditions if not names or one.name in names)

    def corpora_of(self, conditions: tuple[Condition, ...]) -> tuple[str, ...]:
        """Folders of the corpora that some conditions need, each after the one it is made of."""
        folders: list[str] = []
        for one in conditions:
            recipe = self.corpora[one.corpus]
            sources = [recipe.source] if isinstance(recipe, Rerecorded) else []
            folders += [name for name in (*sources, one.corpus) if name not in folders]
        return tuple(folders)


_FACTORS = (
    "192px", "256px", "noise3", "noise6", "crf28", "crf35", "grey", "dropped5", "gamma0.6", "mpeg4", "twice",
)  # fmt: skip


def title_of(quality: str) -> str:
    """What a quality changes, in words.

    >>> title_of("degraded"), title_of("twice")
    ('192 pixels, noise of 3 levels, grey, CRF 28', 'coded twice, CRF 25, then CRF 28')
    """
    one, plain = QUALITIES[quality], Quality()
    coding = f"CRF {one.crf}" if one.codec == plain.codec else f"{one.codec} about as fine as CRF {one.crf}"
    words = {
        "short_side": f"{one.short_side} pixels",
        "noise": f"noise of {one.noise:g} levels",
        "grey": "grey",
        "gamma": f"gamma {one.gamma:g}",
        "brightness": f"{one.brightness:+g} levels",
        "dropped": f"{100 * one.dropped:g} % of the frames dropped",
        "first_crf": f"coded twice, CRF {one.first_crf}",
        "fps": f"{one.fps} frames per second",
    }
    said = [text for name, text in words.items() if getattr(one, name) != getattr(plain, name)]
    if (one.codec, one.crf) != (plain.codec, plain.crf):
        said.append(f"then {coding}" if one.first_crf is not None else coding)
    return ", ".join(said) or "coded anew"


def _picture(preset: str) -> str:
    """Sizes and coding of a preset in words."""
    one = PRESETS[preset]
    sizes = " or ".join(str(min(size)) for size in one.sizes)
    return f"{sizes} pixels, CRF " + " to ".join(str(crf) for crf in dict.fromkeys(one.crf))


def _rate(fps: int) -> dict[str, Any]:
    """What makes one short video of each subject at a frame rate."""
    return {"videos": 1, "seconds": 12.0, "frame_rates": {float(fps): 1.0}}


_HELDOUT = Bench(
    "heldout-v1",
    {
        "held30": Rendered("heldout-v1"),
        **{f"held30-{name}": Rerecorded("held30", name) for name in ("degraded", *_FACTORS)},
        "held60": Rendered("heldout-v1", _rate(60)),
        "held200": Rendered("heldout-v1", _rate(200)),
        "held200-25fps": Rerecorded("held200", "clean", fps=25.0),
        "held200-100fps": Rerecorded("held200", "clean", fps=100.0),
        "calm": Rendered("calm-v1"),
        "calm-degraded": Rerecorded("calm", "degraded"),
    },
    (
        Condition("clean", f"clean: {_picture('heldout-v1')}", QUALITY, "held30"),
        Condition("degraded", f"degraded: {title_of('degraded')}", QUALITY, "held30-degraded"),
        *(Condition(name, title_of(name), QUALITY, f"held30-{name}") for name in _FACTORS),
        Condition("fps25", "25 frames per second", FRAME_RATE, "held200-25fps"),
        Condition("fps30", "30 frames per second", FRAME_RATE, "held30"),
        Condition("fps60", "60 frames per second", FRAME_RATE, "held60"),
        Condition("fps100", "100 frames per second", FRAME_RATE, "held200-100fps"),
        Condition("fps200", "200 frames per second", FRAME_RATE, "held200"),
        Condition("calm", "no expression, clean", CALM, "calm"),
        Condition("calm-degraded", "no expression, degraded", CALM, "calm-degraded"),
    ),
    people="clean",
    targets=TARGETS,
)

_TINY = Bench(
    "tiny-bench",
    {"tiny": Rendered("tiny"), "tiny-degraded": Rerecorded("tiny", "degraded")},
    (
        Condition("clean", f"clean: {_picture('tiny')}", QUALITY, "tiny"),
        Condition("degraded", f"degraded: {title_of('degraded')}", QUALITY, "tiny-degraded"),
    ),
    people="clean",
)

BENCHES: Mapping[str, Bench] = MappingProxyType({one.name: one for one in (_HELDOUT, _TINY)})


def find_bench(name: str) -> Bench:
    """The bench of a name.

    Raises
    ------
    SettingsError
        If there is none.
    """
    if name not in BENCHES:
        raise SettingsError("--preset", f"there is no bench {name!r}", f"choose one of {', '.join(BENCHES)}")
    return BENCHES[name]
