"""Videos in any of the codecs that cameras and recorders use, written with one thread and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

from facespot.errors import MissingDependencyError
from facespot.synth.writing import unfinished
from facespot.values import ByteImage

_ENCODERS: Mapping[str, str] = MappingProxyType(
    {
        "h264": "libx264",
        "hevc": "libx265",
        "mpeg4": "mpeg4",
        "mpeg2video": "mpeg2video",
        "vp8": "libvpx",
        "mjpeg": "mjpeg",
    }
)


def ending(codec: str) -> str:
    """Ending of a file in which a codec is kept: mp4 holds all but VP8.

    >>> ending("hevc"), ending("vp8")
    ('.mp4', '.webm')
    """
    return ".webm" if codec == "vp8" else ".mp4"


def quantiser(crf: int) -> int:
    """Quantiser of the MPEG family, 2 (best) to 31, whose step is that of H.264 at this constant rate factor.

    The step of H.264 is ``0.625 * 2**(QP / 6)`` (it doubles every 6 of QP, from 0.625), that of MPEG-4 twice the
    quantiser.

    >>> quantiser(18), quantiser(28), quantiser(34)
    (3, 8, 16)
    """
    return max(2, min(31, int(0.625 * 2 ** (crf / 6) / 2 + 0.5)))


def encoder_options(codec: str, crf: int) -> dict[str, str]:
    """Options of the encoder.

    H.264 and HEVC take the constant rate factor itself, MPEG-4, MPEG-2 and Motion JPEG `quantiser`, VP8 the factor as
    its quantiser index (0 to 63). Nothing depends on the clock or on threads.
    """
    match codec:
        case "h264":
            # The macroblock tree of the x264 inside PyAV reads memory that nobody wrote (seen with MALLOC_PERTURB_).
            return {"crf": str(crf), "preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}
        case "hevc":
            alone = "pools=none:frame-threads=1:log-level=error:info=0"
            return {"crf": str(crf), "preset": "ultrafast", "x265-params": alone}
        case "vp8":
            return {"qmin": str(crf), "qmax": str(crf), "b": "2M", "deadline": "good", "cpu-used": "5"}
        case _:
            # Frame rates beyond the table of MPEG-2 are outside its standard, though every decoder reads them.
            loose = {"strict": "-2"} if codec == "mpeg2video" else {}
            return {"qmin": str(quantiser(crf)), "qmax": str(quantiser(crf)), **loose}


class CodedVideo:
    """A file of one codec; it appears when the block ends without an error.

    Parameters
    ----------
    path : Path
        With the `ending` of the codec.
    size : (int, int)
        Width and height in pixels, even.
    rate : Fraction
        Frames per second.
    codec : str
        One of `facespot.synth.qualities.CODECS`.
    crf : int
        Constant rate factor; see `encoder_options`.

    Raises
    ------
    MissingDependencyError
        If this PyAV cannot encode it.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate: Fraction, codec: str, crf: int) -> None:
        import av

        self._path, self._part, self._av = path, unfinished(path), av
        self._rate, self._count = rate, 0
        self._format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        kind = "webm" if codec == "vp8" else "mp4"
        self._container: Any = av.open(str(self._part), "w", format=kind, options={"fflags": "+bitexact"})
        try:
            stream: Any = self._container.add_stream(_ENCODERS[codec], rate=rate, options=encoder_options(codec, crf))
        except av.codec.codec.UnknownCodecError as error:
            self._container.close()
            self._part.unlink(missing_ok=True)
            raise MissingDependencyError(
                codec, f"this PyAV has no encoder {_ENCODERS[codec]}", "install another build of av"
            ) from error
        stream.width, stream.height = size
        stream.pix_fmt, stream.thread_count = self._format, 1
        self._stream = stream

    def __enter__(self) -> CodedVideo:
        return self

    def write(self, image: ByteImage) -> None:
        """Add a frame, (h, w, 3) RGB or (h, w) grey, uint8."""
        pixels = "gray" if image.ndim == 2 else "rgb24"
        self.write_picture(self._av.VideoFrame.from_ndarray(image, format=pixels))

    def write_picture(self, picture: Any) -> None:
        """Add a frame of PyAV."""
        picture = picture.reformat(format=self._format, threads=1)
        picture.pts, picture.time_base, picture.pict_type = self._count, 1 / self._rate, 0
        self._count += 1
        self._container.mux(self._stream.encode(picture))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode())
            self._container.close()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)
