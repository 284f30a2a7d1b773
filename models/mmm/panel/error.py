"""The error of the media mix model."""

from __future__ import annotations

from models.error import PlumblineError


class MMMError(PlumblineError, ValueError):
    """Data, arguments or a model from which no trustworthy fit can be made; the message names what to change."""
