"""`python -m benchmarks.visibility`: coverage of ranges, false alarms and power, as Markdown tables."""

from __future__ import annotations

import argparse

from benchmarks.visibility import alarms, coverage

# Question / (question + wording + re-run) of a mention, measured on 792 public answers (ChatGPT, Google AI Mode).
MEASURED_ICC = {"ChatGPT": 0.40, "Google AI Mode": 0.47}


def main() -> None:
    """Print the tables of docs/methods/visibility.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=4000, help="simulated panels per design")
    parser.add_argument("--worlds", type=int, default=400, help="simulated weeks per number of runs")
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    for engine, icc in MEASURED_ICC.items():
        print(f"\n90 % ranges, components of {engine} (question {icc}), {told.draws} panels each\n")
        print("| prompts | runs | mean | category, ours | panel, ours | category, pooled Wilson |")
        print("|---|---|---|---|---|---|")
        for row in coverage.rows(icc, told.draws, told.seed):
            print(
                f"| {row['prompts']} | {row['runs']} | {row['mean']:.2f} | {row['category']:.3f} | {row['panel']:.3f}"
                f" | {row['pooled']:.3f} |",
                flush=True,
            )
    icc = MEASURED_ICC["ChatGPT"]
    print(f"\nVerdicts of a week, four engines, 50 questions, base of four weeks, {told.worlds} worlds\n")
    rules = "ours | pooled | more than 5 points"
    print(f"| runs a week | false alarm in a week: {rules} | +10 points found: {rules} |")
    print("|---|---|---|---|---|---|---|")
    for row in alarms.rows(icc, told.worlds, told.seed):
        shares = " | ".join(
            f"{row[f'{kind}_{rule}']:.3f}" for kind in ("any", "found") for rule in ("ours", "pooled", "five")
        )
        print(f"| {row['runs']:.0f} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
