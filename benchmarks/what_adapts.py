"""What adapts, body or head? One network on Omniglot, trained from scratch by each, five seeds.

    python -m benchmarks.what_adapts              (20 minutes of one core; writes results/)
    python -m benchmarks.what_adapts --seeds 3    (the first three; a later run adds the others)

Raghu et al. (2020, arXiv 1909.09157) hold that MAML reuses its body's features and adapts the head;
Oh et al. (2021, arXiv 2008.08882) train with a head that rests. Here all learners have the same
network, start, tasks, steps and step size of the outer loop, and differ in who may move in the
inner step, and how fast. Where the rate is not given by a paper, it is the one of RATES that is
best on 100 validation tasks after CHOICE_STEPS steps from a seed of its own.
Each is then tested on the same new tasks with all, the head alone, or the body alone moving.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn.functional import batch_norm, conv2d, cross_entropy

from maml_edu.evaluate import Estimate, accuracy, query_values
from maml_edu.foundation.files import write_whole
from maml_edu.foundation.types import Theta
from maml_edu.learners import ANIL, MAML, Learner
from maml_edu.models import conv4
from maml_edu.outer import Training, meta_train
from maml_edu.runs.measure import hardware, versions
from maml_edu.tasks import OmniglotTasks, TaskBatch
from maml_edu.tasks.data import load_drawings

RESULT = Path(__file__).parent.parent / "results" / "what_adapts.json"
WAY, CHANNELS, INNER_STEPS = 5, 32, 3
TRAINING = Training(steps=800, meta_batch=4, shots=1, queries=5, meta_lr=5e-3)
CHOICE_STEPS, CHOICE_SEED = 250, 100
TESTED, TEST_SEED = 300, 2027
COMPARED = 50  # tasks whose features are compared before and after
PARTS = {
    "all": lambda name: True,
    "head only": lambda name: name.startswith("head."),
    "body only": lambda name: not name.startswith("head."),
}


def by_part(body: float, head: float) -> dict[str, float]:
    """A rate for each parameter; those of a part whose rate is 0 are not named, and rest."""
    rates = {n: head if PARTS["head only"](n) else body for n in conv4(WAY).shapes()}
    return {name: rate for name, rate in rates.items() if rate}


def maml(rates: Any, **options: Any) -> MAML:
    return MAML(conv4(WAY, channels=CHANNELS), cross_entropy, inner_lr=rates, **options)


MAKE: dict[str, Callable[[float], Learner]] = {
    "MAML": maml,
    "ANIL": lambda rate: ANIL(conv4(WAY, channels=CHANNELS), cross_entropy, inner_lr=rate),
    "BOIL": lambda rate: maml(by_part(rate, 0)),
    "MAML, learned rates": lambda rate: maml(rate, learned_rates=True),
    "MAML, fast head": lambda rate: maml(by_part(0.4, rate)),
}
RATES = {  # of MAML, the paper's for 5 ways (Finn et al. 2017, appendix A.1)
    "MAML": (0.4,),
    "ANIL": (0.4, 4.0, 40.0),
    "BOIL": (0.1, 0.4, 1.6),
    "MAML, learned rates": (0.4,),
    "MAML, fast head": (4.0, 40.0),
}


def only(learner: Learner, theta: Theta, part: str) -> tuple[MAML, Theta]:
    """MAML from the same parameters with the learner's rates, of this part alone."""
    parameters, rates = learner.params_and_rates(theta, INNER_STEPS)
    by_step = rates if isinstance(rates, list) else [rates] * INNER_STEPS
    by_step = [r if isinstance(r, dict) else dict.fromkeys(parameters, r) for r in by_step]
    kept = [{n: rate for n, rate in step.items() if PARTS[part](n)} for step in by_step]
    return MAML(learner.model, cross_entropy, inner_lr=kept), parameters


def right(learner: Learner, theta: Theta, batch: TaskBatch) -> Tensor:
    """The accuracy on each task by inner step, (tasks, steps + 1)."""
    how = {"inner_steps": INNER_STEPS, "metric": accuracy, "chunk_size": 10}
    return query_values(learner, theta, batch, **how)


def features(theta: Theta, x: Tensor) -> list[Tensor]:
    """What each of conv4's layers puts out for a batch of pictures, and last the logits."""
    kept = []
    for i in range(4):
        x = conv2d(x, theta[f"layers.{i}.weight"], stride=2, padding=1)
        gain, shift = (theta[f"norms.{i}.{name}"] for name in ("weight", "bias"))
        x = batch_norm(x, None, None, gain, shift, True, eps=0.001).relu()
        kept.append(x)
    return [*kept, x.mean((2, 3)) @ theta["head.weight"].T + theta["head.bias"]]


def cka(x: Tensor, y: Tensor) -> Tensor:
    """Linear CKA (Kornblith et al. 2019, arXiv 1905.00414), by the samples' similarities."""
    x, y = (z.flatten(1) - z.flatten(1).mean(0) for z in (x, y))
    xx, yy = x @ x.T, y @ y.T
    return (xx * yy).sum() / (xx.norm() * yy.norm())


@torch.no_grad()
def changes(learner: Learner, theta: Theta, batch: TaskBatch) -> dict[str, list[float]]:
    """By layer, the mean over tasks: how far its weights move, as a fraction of their norm, and
    the CKA of what it puts out for the queries before and after."""
    names = [*(f"layers.{i}.weight" for i in range(4)), "head.weight"]

    def one(task: TaskBatch) -> tuple[Tensor, Tensor]:
        states = learner.adapt(theta, task.support, inner_steps=INNER_STEPS)
        first, last = (learner.parameters(states[at]) for at in (0, -1))
        moved = [(last[n] - first[n]).norm() / first[n].norm() for n in names]
        both = [features(state, task.query_x) for state in (first, last)]
        return torch.stack(moved), torch.stack([cka(*pair) for pair in zip(*both, strict=True)])

    found = vmap(one, chunk_size=10)(batch)
    return {
        name: [round(v, 4) for v in values.nanmean(0).tolist()]
        for name, values in zip(("moved", "cka"), found, strict=True)
    }


def apart(head: Tensor) -> float:
    """How far the rows of the head differ from their mean, as a fraction of its norm. Where they do
    not differ, the body's inner gradient is zero: the loss pulls it by sum of (p - y) times row."""
    return ((head - head.mean(0)).norm() / head.norm()).item()


def numbers(values: Tensor) -> dict[str, float]:
    found = Estimate.of(values)
    return {"mean": round(found.mean, 5), "half_width": round(found.half_width, 5)}


def trained(learner: Learner, training: Training, drawings: Any) -> tuple[Theta, float]:
    """theta, and how many minutes of one core it took."""
    tasks = OmniglotTasks("train", way=WAY, source=drawings)
    begin = time.process_time()
    *_, last = meta_train(learner, tasks, training, every=training.steps)
    return last.theta, (time.process_time() - begin) / 60


def test_tasks(drawings: Any) -> TaskBatch:
    tasks = OmniglotTasks("test", way=WAY, rotations=True, source=drawings)
    generator = torch.Generator().manual_seed(TEST_SEED)
    return tasks.sample(TESTED, shots=1, queries=5, generator=generator)


def chosen(name: str, drawings: Any) -> list[dict[str, float]]:
    """Each of the learner's rates, with its accuracy on validation tasks after one step."""
    validation = OmniglotTasks("validation", way=WAY, rotations=True, source=drawings)
    generator = torch.Generator().manual_seed(CHOICE_SEED)
    batch = validation.sample(100, shots=1, queries=5, generator=generator)
    training, tried = replace(TRAINING, steps=CHOICE_STEPS, seed=CHOICE_SEED), []
    for rate in RATES[name]:
        learner = MAKE[name](rate)
        theta, minutes = trained(learner, training, drawings)
        found = numbers(right(learner, theta, batch)[:, 1])
        tried.append({"rate": rate, **found, "core_minutes": round(minutes, 3)})
    return tried


def row(name: str, rate: float, seed: int, drawings: Any) -> dict[str, Any]:
    learner = MAKE[name](rate)
    theta, minutes = trained(learner, replace(TRAINING, seed=seed), drawings)
    batch = test_tasks(drawings)
    tested = {part: right(*only(learner, theta, part), batch) for part in PARTS}
    found: dict[str, Any] = {"learner": name, "rate": rate, "seed": seed}
    found["core_minutes"] = round(minutes, 3)
    found["right"] = {p: [numbers(step) for step in v.unbind(1)] for p, v in tested.items()}
    found["lost"] = {p: numbers((tested["all"] - v)[:, -1]) for p, v in tested.items()}
    if learned := learner.param_groups(theta).get("rates_lr"):
        found["rates"] = {n.split(".", 1)[1]: round(theta[n].exp().item(), 4) for n in learned}
    found["head_apart"] = round(apart(theta["head.weight"]), 4)
    few = OmniglotTasks("test", way=WAY, rotations=True, source=drawings)
    generator = torch.Generator().manual_seed(TEST_SEED)
    compared = few.sample(COMPARED, shots=1, queries=15, generator=generator)
    return found | changes(learner, theta, compared)


def rows_missing(record: dict[str, Any], seeds: int) -> Iterator[tuple[str, int]]:
    known = {(r["learner"], r["seed"]) for r in record["rows"]}
    wanted = ((name, seed) for seed in range(seeds) for name in MAKE)
    return (one for one in wanted if one not in known)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", default="auto", help="where the drawings are")
    parser.add_argument("--out", type=Path, default=RESULT)
    args = parser.parse_args()
    torch.set_num_threads(1)
    drawings = load_drawings(args.data)
    if not drawings.omniglot:
        parser.error(f"these are not Omniglot's drawings: {drawings.source}")
    known = json.loads(args.out.read_text()) if args.out.exists() else {}
    setup = {"way": WAY, "channels": CHANNELS, "inner_steps_trained": 1}
    setup |= {"inner_steps_tested": INNER_STEPS, "tested_on": TESTED, "compared_on": COMPARED}
    setup |= {"training": {n: getattr(TRAINING, n) for n in ("steps", "meta_batch", "meta_lr")}}
    setup |= {"shots": 1, "queries": 5, "rotations": True, "protocol": "transductive"}
    setup |= {"data": drawings.source, "test_seed": TEST_SEED}
    setup |= {"choice": {"steps": CHOICE_STEPS, "seed": CHOICE_SEED, "tasks": 100}}
    record = {"command": "python -m benchmarks.what_adapts", "setup": setup}
    record |= {"versions": versions(), "hardware": hardware()}
    record |= {"choice": known.get("choice", {}), "rows": known.get("rows", [])}

    def keep() -> None:
        write_whole(args.out, (json.dumps(record, indent=1) + "\n").encode())

    for name in MAKE:
        if name not in record["choice"] and len(RATES[name]) > 1:
            record["choice"][name] = chosen(name, drawings)
            print(name, record["choice"][name], flush=True)
            keep()
    for name, seed in rows_missing(record, args.seeds):
        tried = record["choice"].get(name) or [{"rate": RATES[name][0], "mean": 1.0}]
        rate = max(tried, key=lambda one: one["mean"])["rate"]
        record["rows"].append(found := row(name, rate, seed, drawings))
        print(name, seed, {p: v[-1]["mean"] for p, v in found["right"].items()}, flush=True)
        keep()


if __name__ == "__main__":
    main()
