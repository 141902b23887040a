"""What a meta-gradient costs, in time and in memory, by tasks and by inner steps.

    python -m benchmarks --only costs          (a minute; writes results/bench_costs.json)

Memory is the most that the tensors made on the way hold at any one time. A cost that grows as
tasks^p or k^p has its p fitted; linear is 1.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.problems import Problem, omniglot, sine
from benchmarks.race import bar, cpu_seconds, exponent
from maml_edu.foundation.capture import captured
from maml_edu.learners import MAML
from maml_edu.outer import in_chunks, meta_gradient

STEPS = (1, 2, 5, 10)
COUNTED = {"k": (4, 8, 16, 32), "tasks": (32, 64, 128, 256)}  # where the work outweighs the start
CHUNKS = (1, 4, 12, None)  # 12 is what training takes


def run(rounds: int) -> dict[str, Any]:
    memory, bars = by_steps()
    tasks = by_tasks()
    exponents, more = cost_exponents(rounds)
    return {
        "peak_megabytes_by_k": memory,
        "peak_megabytes_by_tasks": tasks,
        "exponents": exponents,
        "bars": bars + more,
    }


def megabytes(problem: Problem, learner: MAML, chunk_size: int | None = None) -> float:
    """The peak of one meta-gradient."""
    generator = torch.Generator().manual_seed(0)
    theta = learner.init(generator=generator)
    batch = problem.draw(generator)
    with Tide() as tide:
        meta_gradient(learner, theta, batch, chunk_size=chunk_size)
    return tide.highest / 1e6


class Tide(TorchDispatchMode):
    """Notes what each operation's result weighs, and strikes out what has been let go."""

    def __init__(self):
        super().__init__()
        self.highest, self.alive = 0, {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                memory = tensor.untyped_storage()
                self.alive[StorageWeakRef(memory)] = memory.nbytes()
        self.alive = {memory: size for memory, size in self.alive.items() if not memory.expired()}
        self.highest = max(self.highest, sum(self.alive.values()))
        return result


def by_steps() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Conv4, 4 tasks of 5-way 1-shot: with the graph of all steps, and with checkpointing."""
    print("\nConv4, 4 tasks, MB at the most: k, graph of all steps, steps run again")
    rows = {}
    for k in STEPS:
        problem = omniglot(k, n_tasks=4)
        whole, again = (
            megabytes(problem, replace(problem.learner, checkpointing=c)) for c in (False, True)
        )
        rows[k] = {"whole_graph": round(whole, 1), "checkpointing": round(again, 1)}
        print(f"  {k:>3}{whole:>10.1f}{again:>10.1f}", flush=True)
    last = rows[STEPS[-1]]
    share = last["checkpointing"] / last["whole_graph"]
    return rows, [bar("share of memory with checkpointing, k = 10", share, 0.4, at_most=True)]


def by_tasks() -> dict[str, dict[str, float]]:
    """Conv4, k = 1: memory by tasks, for some sizes of chunk."""
    heading = "".join(f"{c or 'all':>10}" for c in CHUNKS)
    print(f"\nConv4, k = 1, MB at the most, by tasks and chunk\n     {heading}")
    rows: dict[str, dict[str, float]] = {}
    for n_tasks in (4, 16, 32):
        problem = omniglot(n_tasks=n_tasks)
        found = [megabytes(problem, problem.learner, chunk) for chunk in CHUNKS]
        names = [str(chunk or "all") for chunk in CHUNKS]
        rows[str(n_tasks)] = {n: round(m, 1) for n, m in zip(names, found, strict=True)}
        print(f"  {n_tasks:>3}" + "".join(f"{m:>10.1f}" for m in found), flush=True)
    return rows


def cost_exponents(rounds: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Of the time of a captured meta-gradient on sine waves, and on Omniglot by tasks."""
    omniglots = (8, 16, 32, 64)
    cases = {
        "sine, k": {k: replace(sine(k), sizes=_sizes(4)) for k in COUNTED["k"]},
        "sine, tasks": {n: replace(sine(1), sizes=_sizes(n)) for n in COUNTED["tasks"]},
        "Conv4, tasks": {n: replace(omniglot(n_tasks=n), chunk_size=8) for n in omniglots},
    }
    found, bars = {}, []
    print("\nHow time grows")
    for what, problems in cases.items():
        seconds = times(list(problems.values()), rounds)
        power = exponent(list(problems), seconds)
        per = {str(n): round(1000 * s, 3) for n, s in zip(problems, seconds, strict=True)}
        found[what] = {"exponent": round(power, 3), "milliseconds": per}
        bars.append(bar(f"exponent of time, {what}", power, 1.1, at_most=True))
    return found, bars


def _sizes(n_tasks: int) -> dict[str, int]:
    return {"n_tasks": n_tasks, "shots": 10, "queries": 10}


def times(problems: list[Problem], rounds: int) -> list[float]:
    """Seconds of a meta-gradient of each, in turns."""
    calls = []
    for problem in problems:
        generator = torch.Generator().manual_seed(0)
        theta, batch = problem.learner.init(generator=generator), problem.draw(generator)
        learner = problem.learner
        gradient = captured(lambda t, b, learner=learner: meta_gradient(learner, t, b))
        gradient = in_chunks(gradient, problem.chunk_size)
        gradient(theta, batch)
        n = max(1, int(0.05 / cpu_seconds(gradient, theta, batch)))
        calls.append((n, gradient, theta, batch))
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(min(rounds, 5)):
        for mine, (n, gradient, theta, batch) in zip(taken, calls, strict=True):
            repeat = lambda: [gradient(theta, batch) for _ in range(n)]  # noqa: B023, E731
            mine.append(cpu_seconds(repeat) / n)
    return [median(mine) for mine in taken]
