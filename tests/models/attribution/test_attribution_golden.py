"""The public set of 10,000 paths against closed-form figures of an independent implementation."""

from __future__ import annotations

import polars as pl
import pytest

from models.attribution import (
    choose_order,
    heuristics,
    markov,
    markov_rows,
    path_warnings,
    shapley,
    shapley_rows,
    transitions,
    unique_linear,
)

pytestmark = pytest.mark.acceptance

# Conversions by rule; removal effect, conversions, value of the order-1 chain with and without nulls; Shapley
# conversions and value of the markov game; unique_linear; totals of markov and shapley rows.
COLUMNS = (
    "first_touch",
    "last_touch",
    "linear",
    "position_based",
    "removal",
    "conversions",
    "value",
    "removal_nonull",
    "conversions_nonull",
    "value_nonull",
    "shapley",
    "shapley_value",
    "unique_linear",
    "markov_rows",
    "shapley_rows",
)
# fmt: off
# ruff: noqa: E501 - one row per channel reads better than fifteen lines
GOLDEN = {
    "alpha": (6308, 8447, 7574.718594, 7444.823759, 0.558399490, 5344.947682, 18799.170626, 0.561718844, 5260.069561, 18520.623338, 6752.817919, 23363.202614, 7627.944048, 8338.966493, 6752.810111),
    "beta": (2831, 989, 2083.500145, 1969.766179, 0.264038536, 2527.352167, 9687.809216, 0.276093577, 2585.406272, 9900.690922, 2079.957535, 8055.021370, 1982.739286, 1772.972523, 2079.945678),
    "delta": (1, 5, 1.725000, 2.586667, 0.000481996, 4.613618, 13.918384, 0.000454780, 4.258673, 12.498409, 3.047138, 8.601630, 2.292857, 2.241633, 3.047114),
    "epsilon": (99, 531, 272.170438, 301.050233, 0.062638582, 599.570650, 2348.653825, 0.064589500, 604.831524, 2365.173892, 407.423432, 1621.971171, 374.677381, 303.315272, 407.420378),
    "eta": (3164, 4167, 3539.951157, 3618.796149, 0.349026332, 3340.847402, 12991.736667, 0.357505384, 3347.765891, 13004.754934, 3534.236028, 13973.303120, 3613.655952, 3581.228005, 3534.223852),
    "gamma": (165, 92, 121.041639, 125.240911, 0.017879974, 171.145443, 719.236746, 0.018797903, 176.028054, 735.597224, 138.113373, 623.347556, 138.185714, 122.154973, 138.112607),
    "iota": (4606, 3355, 3857.096221, 3944.948166, 0.405835004, 3884.614702, 14978.437288, 0.416397551, 3899.246228, 15024.446504, 3851.428111, 15100.897174, 3505.044048, 3311.429928, 3851.409360),
    "kappa": (74, 230, 137.964078, 147.459557, 0.028663387, 274.363256, 1136.092538, 0.029543363, 276.651119, 1142.322519, 187.908110, 804.597897, 159.057143, 140.305736, 187.906713),
    "lambda": (902, 1207, 1035.257572, 1046.903901, 0.134022123, 1282.847223, 5142.720297, 0.138343558, 1295.482152, 5182.872608, 1111.847880, 4588.631823, 987.782143, 1063.301004, 1111.842690),
    "mi": (2, 2, 2.222222, 2.057143, 0.000179946, 1.722425, 5.444509, 0.000202149, 1.892970, 6.126115, 1.925743, 5.716544, 2.666667, 2.836880, 2.000000),
    "theta": (1606, 653, 1022.801394, 1092.744472, 0.206010463, 1971.912880, 7511.048475, 0.207047905, 1938.846090, 7390.014881, 1501.359121, 5818.549072, 1190.963095, 961.099495, 1501.347547),
    "zeta": (27, 107, 136.551540, 88.622864, 0.039810518, 381.062553, 1468.703015, 0.042130648, 394.521465, 1517.850241, 214.935609, 839.131616, 199.991667, 185.148058, 214.933949),
}
# fmt: on
PRINTED = 6e-7  # the figures above are rounded to six decimals


@pytest.fixture(scope="module")
def paths(shared_data):
    return pl.read_csv(shared_data("attribution/paths.csv"))


def column(name):
    place = COLUMNS.index(name)
    return {channel: row[place] for channel, row in GOLDEN.items()}


def by_channel(frame, name):
    return dict(frame.select("channel", name).iter_rows())


@pytest.mark.parametrize("model", ["first_touch", "last_touch", "linear", "position_based", "unique_linear"])
def test_position_rules_match_to_the_printed_digit(paths, model):
    found = heuristics(paths).filter(model=model)
    assert by_channel(found, "conversions") == pytest.approx(column(model), abs=PRINTED)


def test_position_rules_match_the_published_file(paths, shared_data):
    expected = pl.read_csv(shared_data("attribution/expected_heuristic_models.csv")).sort("channel_name")
    ours = heuristics(paths)
    for model, theirs in (("first_touch", "first_touch"), ("last_touch", "last_touch"), ("linear", "linear_touch")):
        found = ours.filter(model=model).sort("channel")
        for measure in ("conversions", "value"):
            assert found[measure].to_list() == pytest.approx(expected[f"{theirs}_{measure}"].to_list(), abs=1e-8)


@pytest.mark.parametrize(("nulls", "file"), [(True, "null"), (False, "nonull")])
def test_removal_effects_equal_the_closed_form(paths, shared_data, nulls, file):
    expected = pl.read_csv(shared_data(f"attribution/exact_markov_order1_{file}.csv")).sort("channel_name")
    found = markov(paths, nulls=nulls).sort("channel")
    exact, printed = "removal_effect_conversions", "exact_removal_effect"
    assert found["channel"].to_list() == expected["channel_name"].to_list()
    assert found[exact].to_list() == pytest.approx(expected[printed].to_list(), abs=1e-9)
    # Conversions are 19,785 times a share: the same relative precision.
    assert found["conversions"].to_list() == pytest.approx(expected["exact_conversions"].to_list(), rel=1e-9)


@pytest.mark.parametrize(("nulls", "suffix"), [(True, ""), (False, "_nonull")])
def test_markov_conversions_and_value_match_to_the_printed_digit(paths, nulls, suffix):
    found = markov(paths, nulls=nulls)
    for measure in ("conversions", "value"):
        assert by_channel(found, measure) == pytest.approx(column(measure + suffix), abs=PRINTED)
    assert by_channel(found, "removal_effect_conversions") == pytest.approx(column("removal" + suffix), abs=1e-9)


@pytest.mark.parametrize(("nulls", "file"), [(True, "null"), (False, "nonull")])
def test_a_simulating_tool_agrees_within_its_own_noise(paths, shared_data, nulls, file):
    simulated = pl.read_csv(shared_data(f"attribution/expected_markov_order1_{file}.csv"))
    both = markov(paths, nulls=nulls).join(simulated, left_on="channel", right_on="channel_name")
    # Default settings of that tool scatter by 0.6-1.7 % on conversions and 1.1-3.3 % on value.
    for ours, theirs, limit in (("conversions", "total_conversions", 0.02), ("value", "total_conversion_value", 0.04)):
        gap = both.select((pl.col(ours) - pl.col(theirs)).abs().sum() / pl.col(theirs).sum()).item()
        assert gap < limit


@pytest.mark.parametrize(("nulls", "file"), [(True, "null"), (False, "nonull")])
def test_transition_probabilities_match_the_published_matrix(paths, shared_data, nulls, file):
    # Channels are numbered by their first appearance among the rows that the variant uses.
    order = pl.read_csv(shared_data(f"attribution/expected_markov_order1_{file}.csv"))["channel_name"].to_list()
    named = {str(i + 1): name for i, name in enumerate(order)}
    expected = pl.read_csv(shared_data(f"attribution/expected_transition_matrix_order1_{file}.csv"))
    theirs = {(named.get(str(a), str(a)), named.get(str(b), str(b))): p for a, b, p in expected.iter_rows() if p > 0}
    ours = {(a, b): p for a, b, p in transitions(paths, nulls=nulls).iter_rows()}
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_shapley_of_the_markov_game(paths):
    found = shapley(paths, seed=1)
    assert by_channel(found, "conversions") == pytest.approx(column("shapley"), abs=PRINTED)
    assert by_channel(found, "value") == pytest.approx(column("shapley_value"), abs=PRINTED)
    assert by_channel(unique_linear(paths), "conversions") == pytest.approx(column("unique_linear"), abs=PRINTED)


def test_sampled_shapley_is_within_its_stated_error(paths):
    exact, sampled = shapley(paths, seed=1), shapley(paths, seed=1, exact_up_to=5)
    gap = (exact["conversions"] - sampled["conversions"]).abs()
    # Twelve channels: four standard errors is a chance of less than one in a thousand.
    assert (gap < 4 * sampled["standard_error_conversions"]).all()
    assert (sampled["standard_error_conversions"] > 0).all()


def test_totals_of_credit_rows(paths):
    assert by_channel(markov_rows(paths), "conversions") == pytest.approx(column("markov_rows"), abs=1e-5)
    assert by_channel(shapley_rows(paths, seed=1), "conversions") == pytest.approx(column("shapley_rows"), abs=1e-5)


def test_a_memory_longer_than_every_path_counts_presence(paths):
    found = by_channel(markov(paths, order=89), "removal_effect_conversions")
    assert found["alpha"] == pytest.approx(0.542633308, abs=1e-9)
    assert found["mi"] == pytest.approx(0.000202174, abs=1e-9)


def test_rare_channels_are_called_thin(paths):
    thin = {w.subject for w in path_warnings(paths) if w.code == "thin_channel"}
    assert thin == {"delta", "mi"}


@pytest.mark.slow
def test_these_paths_support_a_memory_of_more_than_one_channel(paths):
    choice = choose_order(paths, orders=(1, 2), folds=3, seed=1)
    assert choice.order == 2
    assert choice.table["states"].to_list() == [12, 120]
