"""The prior of each effect follows units of KPI and spend."""

from __future__ import annotations

import pytest

from models.mmm import (
    ChannelSpec,
    LogNormal,
)


def test_two_priors_for_one_channel_are_refused():
    law = LogNormal.with_median(1.0, 0.5)
    with pytest.raises(ValueError, match="one prior for one effect"):
        ChannelSpec(iroas=law, share=law)
