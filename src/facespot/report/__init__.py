"""A result in, pictures out."""

from facespot.report.timeline import write_timeline

__all__ = ["write_timeline"]
