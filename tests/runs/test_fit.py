"""`fit` and learner files: a reader's training, its history, early stopping, and a week later."""

from __future__ import annotations

import csv
import math
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from maml_edu.evaluate import Evaluation, evaluate
from maml_edu.foundation.files import FileError
from maml_edu.learners import LEARNERS, MAML, MetaSGD
from maml_edu.models import Model, mlp
from maml_edu.outer import Training, meta_train
from maml_edu.runs.checkpoint import SHIPPED
from maml_edu.runs.fit import Validation, fit
from maml_edu.runs.learner_files import load_learner, save_learner
from maml_edu.tasks import SinusoidTasks

WAVES = SinusoidTasks()
HOW = Evaluation(20, 5, 10, 1)


def make() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))


def learner(**options) -> MAML:
    return MAML(Model(make), **options)


def short(steps=6, **options) -> Training:
    return Training(steps, meta_batch=4, shots=5, queries=5, capture=False, **options)


def test_the_best_is_kept_and_the_history_written(tmp_path):
    fitted = fit(
        learner(), WAVES, short(meta_lr=1e-2), Validation(WAVES, HOW, every=2), out=tmp_path
    )
    assert [row["step"] for row in fitted.history] == [0, 2, 4, 6]
    best = min(fitted.history, key=lambda row: row["validation"])
    assert fitted.step == best["step"]
    again = evaluate(learner(), fitted.theta, WAVES, HOW)[-1]
    assert again.mean == pytest.approx(best["validation"])
    with open(tmp_path / "history.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [0, 2, 4, 6]
    assert rows[0]["meta_loss"] == ""
    assert float(rows[2]["validation"]) == pytest.approx(fitted.history[2]["validation"])
    _, theta = load_learner(tmp_path / "learner", Model(make))
    assert all(torch.equal(p, theta[name]) for name, p in fitted.theta.items())
    with pytest.raises(ValueError, match="holds a trained learner already"):
        fit(learner(), WAVES, short(), out=tmp_path)


def test_patience_stops_and_without_it_all_steps_run():
    ever_worse = short(20, meta_lr=5.0, schedule="constant", warmup=0.0, optimiser="sgd", clip=1.0)
    stopped = fit(learner(), WAVES, ever_worse, Validation(WAVES, HOW, every=2, patience=3))
    waited = len(stopped.history) - 1 - stopped.step // 2
    assert waited == 3
    assert len(stopped.history) < 11
    whole = fit(learner(), WAVES, ever_worse, Validation(WAVES, HOW, every=2))
    assert len(whole.history) == 11
    plain = fit(learner(), WAVES, short())
    assert plain.step == 6


def test_the_highest_accuracy_or_what_is_said():
    def minus(outputs, y):
        return -mse_loss(outputs, y)

    with pytest.raises(ValueError, match='best is None; say which .* "lowest", "highest"'):
        Validation(WAVES, Evaluation(metric=minus))
    how = Evaluation(20, 5, 10, 1, metric=minus)
    high = fit(learner(), WAVES, short(), Validation(WAVES, how, best="highest", every=2))
    low = fit(learner(), WAVES, short(), Validation(WAVES, HOW, every=2))
    assert high.step == low.step
    for wrong, says in {"best": "best is 'good'", "every": "every is 'good'"}.items():
        with pytest.raises(ValueError, match=says):
            Validation(WAVES, HOW, **{wrong: "good"})
    with pytest.raises(ValueError, match="patience is 0"):
        Validation(WAVES, HOW, patience=0)


def test_it_starts_at_a_trained_modules_parameters():
    module = make()
    fitted = fit(learner(), WAVES, short(0), start=dict(module.named_parameters()))
    assert torch.equal(fitted.theta["0.weight"], module[0].weight)
    assert not fitted.theta["0.weight"].requires_grad
    with pytest.raises(ValueError, match=r"start has nothing for 0\.weight"):
        fit(learner(), WAVES, short(0), start={"other": torch.ones(1)})


# --- files


@pytest.mark.parametrize("kind", [k for k in LEARNERS.values() if k.name != "pretrain"])
def test_every_learner_comes_back_with_its_options(tmp_path, kind):
    model = mlp(2, 4) if kind.headless else mlp(2, 4, 3)
    given = {"way": 3} if kind.headless else {"inner_lr": 0.25, "inner_steps": 3}
    saved = kind(model, cross_entropy, protocol="support-only", **given)
    theta = saved.init(generator=torch.Generator().manual_seed(1))
    path = save_learner(tmp_path / "folder" / "mine", saved, theta)
    back, again = load_learner(path, mlp(2, 4) if kind.headless else mlp(2, 4, 3))
    assert type(back) is kind
    assert back.loss is cross_entropy
    assert back.protocol == "support-only"
    assert all(getattr(back, name) == value for name, value in given.items())
    assert list(again) == list(back.shapes())
    assert all(torch.equal(p, again[name]) for name, p in theta.items())


def test_a_week_later_in_another_process(tmp_path):
    """Random frozen layers and buffers come back too, though her class draws them anew."""
    code = """
import torch
from torch import nn
from maml_edu.learners import MAML
from maml_edu.models import Model
from maml_edu.runs.learner_files import load_learner, save_learner

class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.random = nn.Linear(1, 8).requires_grad_(False)
        self.register_buffer("shift", torch.randn(8))
        self.fc = nn.Linear(8, 1)
    def forward(self, x):
        return self.fc((self.random(x) + self.shift).tanh())

x = torch.linspace(-1, 1, 5)[:, None]
torch.manual_seed(SEED)
if SEED == 1:
    learner = MAML(Model(Mine()), inner_lr=0.3)
    theta = learner.init()
    save_learner("mine", learner, theta)
else:
    learner, theta = load_learner("mine", Model(Mine()))
adapted = learner.adapt(theta, (x, x * x), inner_steps=3)[-1]
print(learner.inner_lr, learner.predict(adapted, x).flatten().tolist())
print(learner.model.module(adapted)(x).flatten().tolist())
"""
    said = [
        subprocess.run(
            [sys.executable, "-c", code.replace("SEED", seed)],
            cwd=tmp_path, capture_output=True, text=True, check=True,
        ).stdout
        for seed in "12"
    ]  # fmt: skip
    assert said[0] == said[1]
    assert said[0].startswith("0.3 [")


class Mine(MAML):
    """A learner of the reader's own."""


def own_loss(outputs, y):
    return (outputs - y).abs().mean()


def test_own_learners_and_losses_are_given_again(tmp_path):
    mine = Mine(Model(make), own_loss, inner_lr={"0.weight": 0.1, "2.bias": torch.tensor(0.5)})
    path = save_learner(tmp_path / "mine", mine, mine.init())
    with pytest.raises(ValueError, match="trained with a loss called own_loss; give that loss"):
        load_learner(path, Model(make))
    back, _ = load_learner(path, Model(make), loss=own_loss, kind=Mine)
    assert type(back) is Mine
    assert back.inner_lr == {"0.weight": pytest.approx(0.1), "2.bias": 0.5}


class Unnamed(MAML):
    name = ""


def test_what_does_not_fit_is_named(tmp_path):
    saved = learner()
    theta = saved.init()
    path = save_learner(tmp_path / "one", saved, theta)
    with pytest.raises(FileError, match="holds another model's tensors"):
        load_learner(path, mlp(1, 16, 16, 1))
    with pytest.raises(FileError, match=r"0\.weight has the shape \(16, 1\) instead of \(8, 1\)"):
        load_learner(path, mlp(1, 8, 1))
    with pytest.raises(ValueError, match=r"kind is MetaSGD; .* holds a maml"):
        load_learner(path, Model(make), kind=MetaSGD)
    hidden = Unnamed(Model(make))
    path = save_learner(tmp_path / "two", hidden, theta)
    with pytest.raises(ValueError, match="holds a Unnamed, not of this package; give its kind"):
        load_learner(path, Model(make))
    with pytest.raises(FileError, match="does not exist"):
        load_learner(tmp_path / "none", Model(make))
    with pytest.raises(FileError, match="is not a learner's file"):
        load_learner(SHIPPED / "sine-maml", Model(make))
    with pytest.raises(FileError, match="lacks 2.bias"):
        save_learner(tmp_path / "four", saved, {n: p for n, p in theta.items() if n != "2.bias"})
    by_entry = learner(inner_lr={"0.weight": torch.ones(16, 1)})
    with pytest.raises(
        ValueError, match=r"inner_lr\['0.weight'\] is a Tensor; a file holds numbers"
    ):
        save_learner(tmp_path / "five", by_entry, theta)


def test_constants_of_another_network_are_named(tmp_path):
    def with_buffer(size):
        module = make()
        module.register_buffer("extra", torch.zeros(size))
        return Model(module)

    saved = MAML(with_buffer(2))
    path = save_learner(tmp_path / "one", saved, saved.init())
    with pytest.raises(FileError, match=r"torch.float32 \(2,\) for the constant extra, .* \(3,\)"):
        load_learner(path, with_buffer(3))
    with pytest.raises(FileError, match="for the constant extra, and this model nothing"):
        load_learner(path, Model(make))


def test_a_train_state_is_read_by_torch_load_as_data(tmp_path):
    *_, state = meta_train(learner(), WAVES, short(2), every=2)
    torch.save(state, tmp_path / "state.pt")
    back = torch.load(tmp_path / "state.pt")
    assert back.step == 2
    assert torch.equal(back.theta["0.weight"], state.theta["0.weight"])
    assert not math.isnan(back.meta_loss)
