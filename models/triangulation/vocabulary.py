"""The closed lists of the evidence table: kinds of sensors, designs of tests, grades."""

from __future__ import annotations

from typing import Literal

Kind = Literal["mmm", "experiment", "attribution", "platform", "self_reported"]
Design = Literal["rct", "quasi", "platform_lift"]
Grade = Literal["A", "B", "C", "D"]

ATTRIBUTION_KINDS = ("attribution", "platform", "self_reported")
SELF_REPORT = "self_reported"
