"""Known truth against the evidence model: `python -m benchmarks.triangulation [--replicates 30] [--seed 1]`."""

from __future__ import annotations

import argparse
import time

from scipy.stats import chisquare

from models.triangulation.calibration import rank_uniformity
from models.triangulation.priors import EvidencePriors
from models.triangulation.scores import Score, alarms, score
from models.triangulation.worlds import WORLDS, WorldSpec

# One choice of the model taken back at a time; docs/decisions/0036-evidence-model.md quotes these rows.
ABLATIONS: dict[str, EvidencePriors] = {
    "as it is": EvidencePriors(),
    "no useless share": EvidencePriors(useless_odds_least=1e-6, demand_useless_odds_least=1e-6, useless_odds_most=1e-4),
    "no error in money": EvidencePriors(mmm_money_error=0.0, demand_money_error=0.0, demand_money_mean=0.0),
    "demand adds nothing": EvidencePriors(demand_money_error=EvidencePriors().mmm_money_error, demand_money_mean=0.0),
    "claims in log form only": EvidencePriors(additive_claim=0.0),
    "claims in additive form only": EvidencePriors(additive_claim=1.0),
    "no silent claims": EvidencePriors(silent_claim=1e-3),
    "no botched tests": EvidencePriors(botched=1e-4),
    "no wrong units": EvidencePriors(wrong_unit=1e-6),
}
ABLATION_WORLDS = ("base", "strong demand", "many useless", "botched test", "test in percent", "log claims")
HEAD = "world              | RMSE  | MMM   | newest test | platform | coverage | untested RMSE / cov. | useless cov."


def main() -> None:
    """Print every table that the method's page and its decision record quote."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=30, help="simulated companies per world, 8 channels each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ablations", action="store_true", help="one choice taken back at a time, and nothing else")
    options = parser.parse_args()
    print(f"replicates {options.replicates}, seed {options.seed}; RMSE of log iROAS, coverage of the 90 % range")
    if options.ablations:
        for name, priors in ABLATIONS.items():
            each = [
                score(WORLDS[world], replicates=options.replicates, seed=options.seed, priors=priors)
                for world in ABLATION_WORLDS
            ]
            cells = [f"{s.rmse['triangulated']:.3f}/{s.coverage:.2f}" for s in each]
            print(f"{name:<36}| {' | '.join(cells)}", flush=True)
        return
    print(HEAD + " | s per fit")
    least, moved = float("inf"), 0.0
    for name, spec in WORLDS.items():
        scores, seconds = _timed(spec, options.replicates, options.seed)
        print(f"{_line(name, scores)} | {seconds:.2f}", flush=True)
        least, moved = min(least, scores.ess), max(moved, scores.moved)
    print(f"least effective draws {least:.0f}, most fits moved by Gibbs steps {moved:.0%}")
    for name in ("base", "strong demand", "botched test"):
        false, power = alarms(WORLDS[name], replicates=options.replicates, seed=options.seed)
        power_text = f", tests off by 5 standard errors found {power:.1%}" if power == power else ""
        print(f"conflict test, {name}: false alarms {false:.1%}{power_text}")
    counts = rank_uniformity(replicates=10 * options.replicates, tests=4, seed=options.seed)
    p = chisquare(counts).pvalue
    print(f"ranks of the truth over {int(counts.sum())} prior worlds {counts.astype(int).tolist()}, p {p:.3f}")


def _timed(spec: WorldSpec, replicates: int, seed: int) -> tuple[Score, float]:
    begun = time.process_time()
    return score(spec, replicates=replicates, seed=seed), (time.process_time() - begun) / replicates


def _line(name: str, scores: Score) -> str:
    rmse = scores.rmse
    return (
        f"{name:<18} | {rmse['triangulated']:.3f} | {rmse['mmm']:.3f} | {rmse['newest test']:.3f} | "
        f"{rmse['platform']:.3f} | {scores.coverage:.3f} | {scores.untested_rmse:.3f} / "
        f"{scores.untested_coverage:.3f} | {scores.useless_coverage:.2f}"
    )


if __name__ == "__main__":
    main()
