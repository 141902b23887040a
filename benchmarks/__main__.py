"""`make bench`: speed and memory, beside other ways; some ten minutes on two quiet cores.

    python -m benchmarks                       all parts
    python -m benchmarks --only sine,costs     some of them

Each part prints its tables and the bars that it is held to, and writes results/bench_PART.json,
with the machine. Peers (higher, torchopt, JAX) take part where they are installed. Contenders run
in one process on one thread, in turns; the ratios within a run are what can be compared.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import time
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.contenders import PEERS, missing
from maml_edu.runs.measure import hardware, versions

PARTS = {  # seconds on a quiet machine
    "sine": 150,
    "conv4": 360,
    "costs": 40,
    "lessons": 40,
    "workers": 60,
    "browser": 120,  # last: where there is no Chromium, it ends with an error
}
RESULTS = Path(__file__).parent.parent / "results"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", default=",".join(PARTS), metavar="PARTS", help="such as sine,workers"
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender, at most")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder for the figures")
    args = parser.parse_args(argv)
    chosen = args.only.split(",")
    if unknown := set(chosen) - {*PARTS}:
        parser.error(f"--only has {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if args.rounds < 1:
        parser.error(f"--rounds is {args.rounds}; it must be 1 or more")
    torch.set_num_threads(1)
    print(f"About {sum(PARTS[part] for part in chosen) / 60:.0f} minutes on a quiet machine.")
    if absent := missing():
        print(f"Left out: {', '.join(absent)} (pip install '.[bench]' has them).")
    bars = []
    for part in chosen:
        began, load = time.perf_counter(), os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        found = importlib.import_module(f"benchmarks.bench_{part}").run(args.rounds)
        figures = {
            "command": f"python -m benchmarks --only {part} --rounds {args.rounds}",
            **found,
            "seconds": round(time.perf_counter() - began, 1),
            "load_before": None if load is None else round(load, 1),
            "versions": versions() | {name: version(name) for name in PEERS if name not in absent},
            "hardware": hardware(),
        }
        (args.out / f"bench_{part}.json").write_text(json.dumps(figures, indent=1) + "\n")
        bars += found["bars"]
    met = sum(bar["met"] for bar in bars)
    print(f"\n{met} of {len(bars)} bars met. Not met:" if met < len(bars) else "\nAll bars met.")
    for bar in bars:
        if not bar["met"]:
            wanted = next(f"{s} {bar[s]:g}" for s in ("at least", "at most") if s in bar)
            print(f"  {bar['what']}: {bar['value']:.2f}, {wanted}")


if __name__ == "__main__":
    main()
