"""`python -m benchmarks.mmm`: the engine against a peer on equal models, and what large fits cost; writes the page.

BLAS runs on one thread (set OMP_NUM_THREADS=1, as `make bench-mmm` does); figures are CPU-seconds, children included.
Rows are kept in .bench/ as they are measured, so that an interrupted run goes on; `--afresh` forgets them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.mmm.page import machine, peer_section, scale_section, write
from benchmarks.mmm.peer_cases import Case, twenty_regions, two_channels, world
from benchmarks.mmm.peer_compare import APART, Row, Side, apart_from_itself, compared
from benchmarks.mmm.peer_environment import PINS, PeerNotInstalled, Rival
from benchmarks.mmm.peer_fit import SETTINGS, ours
from benchmarks.mmm.scale import SIZES, Measured, measured

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = ROOT.parent / "shared" / "data" / "mmm"
KEPT = ROOT / ".bench" / "rows"


def main() -> int:
    """Exit 0 unless a fit failed a gate, or a void row is ours to answer for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mmm", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="simulated worlds beside the public data")
    parser.add_argument("--only", choices=("peer", "scale"), help="one half; the page is then not written")
    parser.add_argument(
        "--no-regions", action="store_true", help="leave out the peer's regional panel, its longest row"
    )
    parser.add_argument("--no-large", action="store_true", help="leave out the fits of fifty regions")
    parser.add_argument("--afresh", action="store_true", help="forget the rows of earlier runs")
    asked = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    for old in KEPT.glob("*.json") if asked.afresh else ():
        old.unlink()
    rows: list[Row] = []
    doubts: dict[str, float] = {}
    void = ""
    if asked.only != "scale":
        try:
            rows, doubts = _peer(asked.seeds, regions=not asked.no_regions)
        except PeerNotInstalled as error:
            void = f"## Against PyMC-Marketing with nutpie\n\nNot measured: {error}"
            sys.stderr.write(f"{error}\n")
    chosen = [] if asked.only == "peer" else [s for s in SIZES if s.geos < 50 or not asked.no_large]
    sizes = [Measured(**_kept(f"fit {size.name}", lambda size=size: asdict(measured(size)))) for size in chosen]  # type: ignore[misc]
    command = " ".join(["python -m benchmarks.mmm", *(word for word in sys.argv[1:] if word != "--afresh")])
    peer = [peer_section(rows, doubts)] if rows else [void] if void else []
    parts = [machine(command), *peer, *([scale_section(sizes)] if sizes else [])]
    sys.stdout.write("\n\n".join(parts) + "\n")
    if not asked.only and not void:  # the page keeps the figures of the last whole run
        write(parts)
    return 0 if all(apart <= APART for apart in doubts.values()) and all(s.converged for s in sizes) else 1


def _peer(seeds: int, *, regions: bool) -> tuple[list[Row], dict[str, float]]:
    cases: list[Case] = []
    if PUBLIC.is_dir():
        cases.append(two_channels(PUBLIC))
    else:
        sys.stderr.write(f"{PUBLIC} is absent: the public data sets are left out\n")
    cases += [world(seed) for seed in range(seeds)]
    if PUBLIC.is_dir() and regions:
        cases.append(twenty_regions(PUBLIC))
    rows, doubts = [], {}
    with tempfile.TemporaryDirectory() as folder, Rival(Path(folder), first=cases[0]) as rival:
        ours(cases[0], seed=0)  # compiles or loads the kernel, as starting the rival does for the peer
        for seed, case in enumerate(cases):
            found = _kept(f"peer {case.name}", lambda case=case, seed=seed: asdict(_row(case, seed, rival)))  # type: ignore[misc]
            sides = {name: Side(**found[name]) for name in ("before", "rival", "after")}
            rows.append(Row(found["case"], sides["before"], sides["rival"], sides["after"], found["apart"]))
            sys.stderr.write(f"{case.name}: {rows[-1].sampling:.0f}x, with compile {rows[-1].whole:.0f}x\n")
            if rows[-1].void:
                kept = _kept(f"referee {case.name}", lambda case=case: {"apart": apart_from_itself(case)})  # type: ignore[misc]
                doubts[case.name] = kept["apart"]
    return rows, doubts


def _row(case: Case, seed: int, rival: Rival) -> Row:
    before = ours(case, seed=2 * seed + 1)
    return compared(case.name, before, rival.fit(case, seed=seed + 1), ours(case, seed=2 * seed + 2))


def _kept(name: str, measure: Callable[[], dict]) -> dict:
    """What an earlier run measured under the same versions and settings, else measured now."""
    where = KEPT / (name.replace(" ", "_").replace(",", "") + ".json")
    under: Sequence[str] = [*PINS, SETTINGS.model_dump_json()]
    if where.exists() and (old := json.loads(where.read_text()))["under"] == list(under):
        return dict(old["found"])
    found = measure()
    where.write_text(json.dumps({"under": under, "found": found}))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
