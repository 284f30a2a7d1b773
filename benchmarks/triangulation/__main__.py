"""Known truth against the evidence model: `python -m benchmarks.triangulation [--replicates 30] [--seed 1]`."""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

from scipy.stats import chisquare

from models.triangulation.scores import alarms, rank_uniformity, score
from models.triangulation.worlds import SHIFTED, WORLDS


def main() -> None:
    """Print every table that the method's page quotes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=30, help="simulated companies per world, 8 channels each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"replicates {options.replicates}, seed {options.seed}; RMSE of log iROAS, coverage of the 90 % range")
    print("world           | RMSE  | MMM   | newest test | platform | coverage | untested RMSE / cov. | s per fit")
    worlds = {**WORLDS, **{f"shifted, {n} tests": replace(SHIFTED, tested=n) for n in (0, 2, 4, 8)}}
    health = []
    for name, spec in worlds.items():
        begun = time.perf_counter()
        scores = score(spec, replicates=options.replicates, seed=options.seed)
        seconds = (time.perf_counter() - begun) / options.replicates
        rmse = scores.rmse
        print(
            f"{name:<18}| {rmse['triangulated']:.3f} | {rmse['mmm']:.3f} | {rmse['newest test']:.3f} | "
            f"{rmse['platform']:.3f} | {scores.coverage:.3f} | {scores.untested_rmse:.3f} / "
            f"{scores.untested_coverage:.3f} | {seconds:.2f}",
            flush=True,
        )
        health.append(scores)
    print(
        f"worst R-hat {max(h.r_hat for h in health):.4f}, least bulk ESS {min(h.ess for h in health):.0f}, "
        f"divergent draws {sum(h.diverging for h in health) / len(health):.5%}"
    )
    for name in ("base", "bad MMM", "botched test"):
        false, power = alarms(WORLDS[name], replicates=options.replicates, seed=options.seed)
        power_text = f", tests off by 4 standard errors found {power:.1%}" if power == power else ""
        print(f"conflict test, {name}: false alarms {false:.1%}{power_text}")
    counts = rank_uniformity(replicates=10 * options.replicates, channels=5, tests=4, seed=options.seed)
    p = chisquare(counts).pvalue
    print(f"ranks of the truth over {int(counts.sum())} prior worlds {counts.astype(int).tolist()}, p {p:.3f}")


if __name__ == "__main__":
    main()
