"""What `benchmarks.family` compares: the settings, each learner's candidates, the papers' figures.

A candidate is a set of options to train with. Each learner has three in each setting, all trained
for the same time; the best on validation goes on. Pre-training's and joint training's losses do not
know the inner rates, so each of their candidates is tried with every set of rates in RATES.
"""

from dataclasses import dataclass
from typing import Any

from maml_edu.learners import LEARNERS

Options = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """tasks: a family's name. share: of a budget that a training here has. options: of every
    training. queries: at the test, of each class. most: inner steps that most learners are
    looked at for."""

    tasks: str
    share: float
    options: Options
    queries: int
    most: int

    @property
    def classifies(self) -> bool:
        return self.tasks == "omniglot"


CONV4 = {"way": 5, "queries": 5, "meta_batch": 4, "channels": 32}
SETTINGS = {
    "5-way 1-shot": Setting("omniglot", 1.0, {**CONV4, "shots": 1}, queries=5, most=3),
    "sines": Setting("sine", 0.25, {"shots": 5}, queries=50, most=10),
    "5-way 5-shot": Setting("omniglot", 1.0, {**CONV4, "shots": 5}, queries=5, most=3),
}

WIDE = {"way": 20, "meta_batch": 1}  # as many drawings a step as four tasks of five ways
# An ordinary batch of 120 drawings, of as many characters as fit.
ORDINARY = {"way": 60, "shots": 1, "queries": 1, "meta_batch": 1}
EAGER = {"capture": False}  # to record its many operations for replay takes longer than it saves


def crossed(option: str, values: tuple[float, ...], **others: Any) -> list[Options]:
    return [{option: value, **others} for value in values]


def paired(**options: tuple[float, ...]) -> list[Options]:
    return [
        dict(zip(options, values, strict=True)) for values in zip(*options.values(), strict=True)
    ]


_MAML = paired(inner_lr=(0.4, 0.4, 0.1), meta_lr=(2e-3, 5e-3, 5e-3))
_METRIC = [{"meta_lr": 2e-3}, {"meta_lr": 5e-3}, {"meta_lr": 5e-3, **WIDE}]
ON_DRAWINGS: dict[str, list[Options]] = {
    "maml": _MAML,
    "fomaml": _MAML,
    "anil": crossed("inner_lr", (1.0, 3.0, 10.0), meta_lr=5e-3),
    "meta-sgd": _MAML,
    "maml++": [{**each, "inner_steps": 3, **EAGER} for each in _MAML],
    "reptile": crossed("inner_lr", (0.03, 0.1, 0.3), inner_steps=5, meta_lr=2e-3),
    "imaml": [
        {**each, "inner_steps": 5, "cg_steps": 3, "meta_lr": 5e-3, **EAGER}
        for each in paired(inner_lr=(0.3, 0.3, 0.1), strength=(0.5, 2.0, 2.0))
    ],
    "protomaml": crossed("inner_lr", (0.01, 0.1, 0.4), meta_lr=5e-3),
    "protonet": _METRIC,
    "matching": _METRIC,
    "pretrain": [
        {"meta_lr": 5e-3, **ORDINARY, "rotations": False},
        {"meta_lr": 2e-2, **ORDINARY, "rotations": False},
        {"meta_lr": 1e-2, **ORDINARY},
    ],
}
_SINE = paired(inner_lr=(0.01, 0.01, 0.03), meta_lr=(3e-3, 1e-2, 3e-3))
# iMAML's gradient does not see the way to the minimum, so nothing keeps it from making the support
# loss steeper, until inner_lr * (H + strength) exceeds 2 and the inner loop itself diverges.
_NEAR = {"strength": 50.0, "inner_steps": 16}
ON_SINES: dict[str, list[Options]] = {
    "maml": _SINE,
    "fomaml": _SINE,
    "anil": crossed("inner_lr", (0.01, 0.02, 0.05), meta_lr=3e-3),
    "meta-sgd": _SINE,
    "maml++": [{**each, "inner_steps": 2, "rates_lr": 0.03} for each in _SINE],
    "reptile": crossed("inner_lr", (0.003, 0.01, 0.02), inner_steps=5, meta_lr=3e-3),
    "imaml": [
        {**each, **_NEAR}
        for each in paired(inner_lr=(2.5e-3, 2.5e-3, 5e-3), meta_lr=(1e-3, 3e-3, 1e-3))
    ],
    "joint": crossed("meta_lr", (1e-3, 3e-3, 1e-2)),
}
RATES: dict[tuple[str, str], list[Options]] = {
    ("pretrain", "omniglot"): paired(
        inner_lr=(0.003, 0.003, 0.003, 0.1), head_lr=(0.1, 0.3, 1.0, 1.0)
    ),
    ("joint", "sine"): crossed("inner_lr", (0.001, 0.01, 0.03)),
}


def candidates(learner: str, setting: Setting) -> list[Options]:
    """What a learner may train with; empty where it cannot learn the setting's tasks."""
    return (ON_DRAWINGS if setting.classifies else ON_SINES).get(learner, [])


def most_steps(learner: str, setting: Setting) -> int:
    """How many inner steps are looked at: a head from zeros needs more than a meta-learned one."""
    return 10 if learner == "pretrain" else setting.most


def rates_to_try(learner: str, setting: Setting) -> list[Options]:
    return RATES.get((learner, setting.tasks), [{}])


NAMES = [name for name in LEARNERS if name in ON_DRAWINGS or name in ON_SINES]

PAPERS = {
    "unit": "per cent, on Omniglot, as the authors report it under their own protocols",
    "rows": {
        "maml": {
            "5-way 1-shot": "98.7 ± 0.4",
            "5-way 5-shot": "99.9 ± 0.1",
            "source": "Finn et al. 2017",
            "protocol": "60,000 steps of 32 tasks (1-shot), 64 channels, transductive",
        },
        "fomaml": {
            "5-way 1-shot": "98.3 ± 0.5",
            "5-way 5-shot": "99.2 ± 0.2",
            "source": "Nichol et al. 2018, who ran it",
            "protocol": "transductive",
        },
        "reptile": {
            "5-way 1-shot": "97.68",
            "5-way 5-shot": "99.48",
            "source": "Nichol et al. 2018",
            "protocol": "transductive",
        },
        "meta-sgd": {
            "5-way 1-shot": "99.53",
            "5-way 5-shot": "99.93",
            "source": "Li et al. 2017",
        },
        "maml++": {
            "5-way 1-shot": "99.47",
            "5-way 5-shot": "99.93",
            "source": "Antoniou et al. 2019",
        },
        "protonet": {
            "5-way 1-shot": "98.8",
            "5-way 5-shot": "99.7",
            "source": "Snell et al. 2017",
            "protocol": "trained on 60 ways",
        },
        "matching": {
            "5-way 1-shot": "98.1",
            "5-way 5-shot": "98.9",
            "source": "Vinyals et al. 2016",
        },
    },
}
