"""Which parts of a spec need PyMC, and which checks refuse them."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from models.mmm import ChannelSpec, LogNormal, Mediator, MMMData, MMMSpec, Treatment, falsify
from models.mmm.fitting.engine_choice import engine_reason, refuse_shortcut, unsupported
from tests.models.mmm.mmm_worlds import frame

LONG, _ = frame(periods=60)
WIDE = LONG.with_columns(
    often=1 + pl.col("price").abs(), cited=pl.col("price").abs() + 1, se=pl.lit(0.2), searches=pl.col("a") * 0.1 + 5
)


def read(**choices):
    return MMMData.from_frame(WIDE, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


@pytest.mark.parametrize(
    ("spec", "choices", "part"),
    [
        pytest.param(MMMSpec(adstock="delayed"), {}, "peaks after a delay", id="delayed"),
        pytest.param(MMMSpec(order="saturation_first"), {}, "saturation before carryover", id="order"),
        pytest.param(MMMSpec(likelihood="student_t"), {}, "Student-t noise", id="noise"),
        pytest.param(MMMSpec(), {"reach": {"a": ("a", "often")}}, "reach with frequency (a)", id="reach"),
        pytest.param(
            MMMSpec(), {"mediators": {"brand": Mediator("searches", ("a",))}}, "mediators (brand)", id="mediator"
        ),
        pytest.param(
            MMMSpec(measurement="latent"),
            {"organic": {"ai": "cited"}, "organic_se": {"ai": "se"}},
            "a measured series treated as unknown",
            id="latent",
        ),
        pytest.param(
            MMMSpec(channels={"b": ChannelSpec(mroas=LogNormal.with_median(1, 0.5))}),
            {},
            "a prior of the marginal return (b)",
            id="mroas",
        ),
        pytest.param(
            MMMSpec(channels={"b": ChannelSpec(coefficient=LogNormal.with_median(0.2, 0.5))}),
            {},
            "the coefficient (b)",
            id="coefficient",
        ),
    ],
)
def test_a_part_outside_the_compiled_density_is_named(spec, choices, part):
    missing = unsupported(spec, read(**choices))
    assert len(missing) == 1
    assert part in missing[0]
    assert engine_reason(missing) == f"not in the compiled density: {missing[0]}"


@pytest.mark.parametrize(
    ("spec", "choices"),
    [
        pytest.param(MMMSpec(), {}, id="default"),
        pytest.param(
            MMMSpec(saturation="michaelis_menten", trend="gp", change_points=(date(2022, 6, 6),)), {}, id="wide"
        ),
        pytest.param(
            MMMSpec(), {"organic": {"ai": "cited"}, "organic_se": {"ai": "se"}, "levels": ["ai"]}, id="measured"
        ),
        pytest.param(
            MMMSpec(), {"events": {"fair": [date(2022, 6, 6)]}, "treatments": [Treatment("price", 0.0)]}, id="events"
        ),
    ],
)
def test_the_common_family_stays_compiled(spec, choices):
    assert unsupported(spec, read(**choices)) == ()


def test_a_shortcut_that_would_judge_another_model_is_refused():
    with pytest.raises(ValueError, match=r"falsify runs on the compiled density, which does not have reach with freq"):
        falsify(read(reach={"a": ("a", "often")}), MMMSpec(), seed=1)
    refuse_shortcut(MMMSpec(likelihood="student_t", engine="pymc"), read(), "falsify")
