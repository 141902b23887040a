"""What a learner waits for: evaluation, episodes, traces, the import and the first picture.

python -m benchmarks --only lessons        (a minute; writes results/bench_lessons.json)
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

from benchmarks.problems import drawings
from benchmarks.race import bar, cpu_seconds
from maml_edu.evaluate import Evaluation, accuracy, evaluate
from maml_edu.runs import checkpoint
from maml_edu.tasks import OmniglotTasks
from maml_edu.views import traces

FIRST_PICTURE = """
import torch
from maml_edu.runs import checkpoint
from maml_edu.views import plots, traces
start = checkpoint.load("sine-maml")
task = start.tasks.sample(1, shots=5, queries=50).task(0)
plots.picture(traces.adaptation(start.learner, start.theta, task, tasks=start.tasks))
"""
ALONE = {  # in a Python of their own: seconds of its processor time
    "import torch": "import torch",
    "import maml_edu": "import maml_edu",
    "import maml_edu.tasks.data": "from maml_edu.tasks.data import load_drawings",
    "the drawings": "from maml_edu.tasks.data import load_drawings\nload_drawings(progress=False)",
    "first picture": FIRST_PICTURE,
}


def run(rounds: int) -> dict[str, Any]:
    tasks = OmniglotTasks("train", 5, source=drawings())
    waves, characters = (
        checkpoint.load("sine-maml"),
        checkpoint.load("omniglot-anil-maml-conv4-5way-1shot"),
    )
    wave = waves.tasks.sample(1, shots=5, queries=50).task(0)
    game = tasks.sample(1, shots=1, queries=3).task(0)
    generator = torch.Generator().manual_seed(0)
    on_waves = Evaluation(n_tasks=1000)
    on_characters = Evaluation(50, 1, 15, inner_steps=3, metric=accuracy, chunk_size=5)
    cases: dict[str, tuple[str, float, Callable]] = {
        "evaluation, sine, 10 steps": (
            "tasks/s",
            on_waves.n_tasks,
            lambda: evaluate(waves.learner, waves.theta, waves.tasks, on_waves),
        ),
        "evaluation, Conv4, 3 steps": (
            "tasks/s",
            on_characters.n_tasks,
            lambda: evaluate(characters.learner, characters.theta, tasks, on_characters),
        ),
        "32 episodes, 5-way, 15 queries": (
            "ms",
            1,
            lambda: tasks.sample(32, shots=1, queries=15, generator=generator),
        ),
        "32 episodes, 5-way, paper's batch": (
            "ms",
            1,
            lambda: tasks.sample(32, shots=1, queries=1, generator=generator),
        ),
        "trace, sine, 10 steps": (
            "ms",
            1,
            lambda: traces.adaptation(waves.learner, waves.theta, wave, tasks=waves.tasks),
        ),
        "trace, Conv4, 3 steps": (
            "ms",
            1,
            lambda: traces.classification(characters.learner, characters.theta, game),
        ),
    }
    print("\nWhat one waits for")
    rows = {}
    for what, (unit, count, fn) in cases.items():
        fn()
        found = median(cpu_seconds(fn) for _ in range(min(rounds, 5)))
        value = count / found if unit == "tasks/s" else 1000 * found
        rows[what] = {"value": round(value, 2), "unit": unit}
    for what, source in ALONE.items():
        rows[what] = {"value": round(_seconds_alone(source), 2), "unit": "s"}
    for what, row in rows.items():
        print(f"  {what:<36}{row['value']:>10,.2f} {row['unit']}", flush=True)
    sampled = rows["32 episodes, 5-way, paper's batch"]["value"]
    loaded = rows["the drawings"]["value"] - rows["import maml_edu.tasks.data"]["value"]
    bars = [
        bar("ms for a batch of 32 tasks", sampled, 5, at_most=True),
        bar("s to import maml_edu", rows["import maml_edu"]["value"], 0.2, at_most=True),
        bar("s to load the drawings", loaded, 0.3, at_most=True),
    ]
    return {"rows": rows, "bars": bars}


def _seconds_alone(source: str) -> float:
    """The median of three: of the processor's time, as other programs are waited for."""
    found = []
    timed = f"import time\n{source}\nprint(time.process_time())"
    for _ in range(3):
        ended = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True)
        if ended.returncode:
            raise RuntimeError(f"{source!r} failed: {ended.stderr[-500:]}")
        found.append(float(ended.stdout.split()[-1]))
    return median(found)
