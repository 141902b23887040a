"""The Omniglot table of the paper (Finn et al. 2017, table 1), ours: each model, each protocol.

    python -m benchmarks.omniglot_table                (some ten minutes; writes results/)
    python -m benchmarks.omniglot_table runs/a runs/b  (runs too: their end, else their best so far)

Every checkpoint that MAML trained last adapts in 3 inner steps to 1,000 tasks of the test
characters, none of which it was trained on, under four protocols:
- "authors' queries" is that of the paper's code: transductive batch-norm, over as many queries a
  class as it has shots, so five drawings in all in a 5-way 1-shot task;
- "transductive" has 15 queries a class (5 above 10 ways), which tell batch-norm more;
- "support-only" batch-norm is what a user gets who asks one query at a time;
- "transductive, upright" has no character turned. (The authors' code turns test characters as it
  does training characters; some are then told apart by which way up they are drawn.)
What is measured already, with these weights, is not measured again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from maml_edu.runs.checkpoint import Checkpoint, load, shipped
from maml_edu.runs.measure import Measurement, hardware, measure, versions
from maml_edu.tasks.data import load_drawings

RESULT = Path(__file__).parent.parent / "results" / "omniglot.json"
PROTOCOLS = {  # of batch-norm, whether characters stay upright, whether there are K queries a class
    "authors' queries": ("transductive", False, True),
    "transductive": ("transductive", False, False),
    "support-only": ("support-only", False, False),
    "transductive, upright": ("transductive", True, False),
}
INNER_STEPS = 3
PAPER = {
    "source": "Finn, Abbeel & Levine 2017, arXiv 1703.03400, table 1; transductive, 95% intervals",
    "conv4": {
        "5-way 1-shot": {"accuracy": 0.987, "half_width": 0.004},
        "5-way 5-shot": {"accuracy": 0.999, "half_width": 0.001},
        "20-way 1-shot": {"accuracy": 0.958, "half_width": 0.003},
        "20-way 5-shot": {"accuracy": 0.989, "half_width": 0.002},
    },
    "dense4": {
        "5-way 1-shot": {"accuracy": 0.897, "half_width": 0.011},
        "5-way 5-shot": {"accuracy": 0.975, "half_width": 0.006},
    },
}


def row(name: str, made: Checkpoint, protocol: str, n_tasks: int, drawings) -> dict[str, Any]:
    batch_norm, upright, _ = PROTOCOLS[protocol]
    same = {**asked(made, protocol, n_tasks), "split": "test"}
    figures = made.metadata["figures"]  # measured when it was trained, with the same call
    if any(figures["protocol"][key] != value for key, value in same.items()):
        how = Measurement(
            n_tasks,
            inner_steps=INNER_STEPS,
            queries=same["queries"],
            protocol=batch_norm,
            upright=upright,
        )
        figures = measure(made.config, made.theta, how, source=drawings)
    last = figures["by_inner_step"][INNER_STEPS]
    training = made.config.training
    return {
        "name": name,
        "model": made.config.model.name,
        "way": made.config.tasks["way"],
        "shot": training.shots,
        "seed": training.seed,
        "protocol": protocol,
        "tasks": n_tasks,
        "accuracy": last["mean"],
        "half_width": last["half_width"],
        "figures": figures,
        "sha256": made.metadata["sha256"],
        "command": made.metadata["command"],
        "started_from": made.metadata.get("started_from"),
        "cpu_seconds": cpu_seconds(made.metadata),
    }


def asked(made: Checkpoint, protocol: str, n_tasks: int) -> dict[str, Any]:
    """How a protocol measures this model, in the words of its figures."""
    batch_norm, upright, as_authors = PROTOCOLS[protocol]
    usual = 15 if made.config.tasks["way"] <= 10 else 5
    queries = made.config.training.shots if as_authors else usual
    how = {"batch_norm": batch_norm, "rotations": not upright, "tasks": n_tasks}
    return {**how, "queries": queries}


def _key(sha256: str, protocol: dict[str, Any]) -> tuple:
    """What a row is known by: which weights, measured how."""
    return sha256, *(protocol[name] for name in ("batch_norm", "rotations", "tasks", "queries"))


def run_of(folder: Path) -> Path:
    """What a run has to show: its end, else the best state on its way there."""
    return folder if (folder / "checkpoint.json").exists() else folder / "best"


def cpu_seconds(metadata: dict[str, Any]) -> float:
    """Of the whole training, with that of the model which it started from."""
    before = metadata.get("started_from")
    return round(metadata["cpu_seconds"] + (cpu_seconds(before) if before else 0), 1)


def shown(found: dict[str, Any]) -> str:
    accuracy = f"{100 * found['accuracy']:.2f} ± {100 * found['half_width']:.2f}%"
    task = f"{found['way']}-way {found['shot']}-shot"
    theirs = found["protocol"] == "authors' queries"
    paper = PAPER[found["model"]].get(task) if theirs else None
    beside = f"paper {100 * paper['accuracy']:.1f}" if paper else ""
    kind = f"{found['model']:7} {task:14} seed {found['seed']}  {found['protocol']:21}"
    return f"{kind} {accuracy}  {beside}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", type=Path, help="folders of runs, for their seeds")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--data", default="auto", help="where the drawings are")
    parser.add_argument("--out", type=Path, default=RESULT, help="where to write the table")
    args = parser.parse_args()
    torch.set_num_threads(1)
    drawings = load_drawings(args.data)
    if not drawings.omniglot:
        parser.error(f"these are not Omniglot's drawings: {drawings.source}")
    before = json.loads(args.out.read_text())["rows"] if args.out.exists() else []
    known = {_key(r["sha256"], r["figures"]["protocol"]): r for r in before}
    named = {name: name for name in shipped() if name.startswith("omniglot-")}
    named |= {run.name: run_of(run) for run in args.runs}
    rows = []
    for name, where in named.items():
        made = load(where)
        if made.config.learner.name != "maml":
            continue
        for protocol in PROTOCOLS:
            how = _key(made.metadata["sha256"], asked(made, protocol, args.tasks))
            found = known.get(how) or row(name, made, protocol, args.tasks, drawings)
            found = {**found, "name": name, "protocol": protocol}
            rows.append(found)
            known[how] = found
            print(shown(found), flush=True)
            about = {"versions": versions(), "hardware": hardware(), "paper": PAPER}
            command = "python -m benchmarks.omniglot_table"
            done = {_key(r["sha256"], r["figures"]["protocol"]) for r in rows}
            rest = [r for key, r in known.items() if key not in done]  # where it is stopped
            text = json.dumps({"command": command, **about, "rows": rows + rest}, indent=1)
            args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
