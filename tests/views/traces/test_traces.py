"""Traces hold what the network really does."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu.evaluate import accuracy
from maml_edu.learners import MAML, Joint
from maml_edu.models import PROTOCOLS, conv4, mlp
from maml_edu.outer import Training, meta_train
from maml_edu.tasks import SinusoidTasks, TaskBatch
from maml_edu.views import traces

TASKS = SinusoidTasks()
MODEL = mlp(1, 8, 1)
THETA = MODEL.init(generator=torch.Generator().manual_seed(0))
TASK = TASKS.sample(1, shots=5, queries=20, generator=torch.Generator().manual_seed(1)).task(0)


def test_adaptation_is_the_learners_own():
    learner = MAML(MODEL, inner_lr=0.02)
    trace = traces.adaptation(learner, THETA, TASK, tasks=TASKS, inner_steps=4, points=31)
    states = learner.adapt(THETA, TASK.support, inner_steps=4)
    grid = torch.linspace(-5, 5, 31)[:, None]
    for step, state in enumerate(states):
        np.testing.assert_allclose(
            trace.curves[step], learner.predict(state, grid)[:, 0], rtol=1e-5
        )
        assert trace.support_loss[step] == pytest.approx(
            learner.loss_at(state, *TASK.support).item()
        )
        assert trace.query_loss[step] == pytest.approx(learner.loss_at(state, *TASK.query).item())
    assert trace.inner_steps == 4
    assert trace.learner == "MAML"
    assert trace.rate == "inner_lr 0.02"
    np.testing.assert_allclose(trace.true_curve, TASKS.truth(TASK, grid[:, 0]), rtol=1e-5)


def test_path_is_an_isometric_view_of_the_parameters():
    trace = traces.adaptation(MAML(MODEL, inner_lr=0.02), THETA, TASK, inner_steps=2)
    states = MAML(MODEL, inner_lr=0.02).adapt(THETA, TASK.support, inner_steps=2)
    flat = torch.stack([torch.cat([p.flatten() for p in s.values()]) for s in states]).double()
    # Two steps span a plane, so nothing is lost: distances are the parameters' own.
    np.testing.assert_allclose(
        np.linalg.norm(trace.path, axis=1), (flat - flat[0]).norm(dim=1), rtol=1e-4
    )
    assert trace.explained_fraction == pytest.approx(1.0)
    assert (trace.path[0] == 0).all()


def test_zero_steps_and_divergence_are_kept():
    still = traces.adaptation(MAML(MODEL), THETA, TASK, inner_steps=0)
    assert still.path.shape == (1, 2)
    assert still.curves.shape[0] == 1
    wild = traces.adaptation(MAML(MODEL, inner_lr=1e3), THETA, TASK, inner_steps=10)
    assert np.isfinite(wild.path[0]).all()
    assert np.isnan(wild.path[-1]).all()
    assert not np.isfinite(wild.query_loss[-1])


def test_a_revealed_task_is_drawn_with_its_features():
    tasks = SinusoidTasks(reveal_task=True)
    learner = Joint(mlp(3, 8, 1))
    theta = learner.model.init(generator=torch.Generator())
    task = tasks.sample(1, shots=3, queries=3, generator=torch.Generator()).task(0)
    trace = traces.adaptation(learner, theta, task, tasks=tasks, inner_steps=1)
    assert trace.support_x.shape == (3,)
    assert np.isfinite(trace.curves).all()


def test_comparison_names_its_learners():
    both = {"MAML": (MAML(MODEL), THETA), "joint": (Joint(MODEL), THETA)}
    assert [t.learner for t in traces.comparison(both, TASK).traces] == ["MAML", "joint"]


def test_plane_is_the_objective_on_a_grid():
    def tilted(theta):
        return theta[0] + 10 * theta[1]

    theta = torch.zeros(2)
    trace = traces.plane(
        tilted, theta, arrows={"up": torch.ones(2)}, x_range=(0, 1), y_range=(2, 4), resolution=5,
        title="a slope",
    )  # fmt: skip
    expected = trace.axis_x[None, :] + 10 * trace.axis_y[:, None]
    np.testing.assert_allclose(trace.height, expected)
    assert trace.title == "a slope"
    assert (trace.arrows["up"] == 1).all()


def test_training_leaves_out_the_start():
    states = meta_train(MAML(MODEL), TASKS, Training(steps=4, meta_batch=2), every=2)
    trace = traces.training("MAML", states)
    assert trace.steps.tolist() == [2, 4]
    assert np.isfinite(trace.meta_loss).all()
    assert traces.training("MAML", []).steps.size == 0


def drawn_task(way=3, shots=2, queries=4):
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(way * (shots + queries), 1, 28, 28, generator=generator)
    labels = torch.arange(way)
    cut = way * shots
    return TaskBatch(
        images[:cut], labels.repeat_interleave(shots), images[cut:],
        labels.repeat_interleave(queries),
    )  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_classification_is_the_learners_own(protocol):
    learner = MAML(conv4(3, channels=4), cross_entropy, inner_lr=0.4, protocol=protocol)
    theta, task = learner.init(generator=torch.Generator().manual_seed(0)), drawn_task()
    trace = traces.classification(learner, theta, task, inner_steps=2)
    states = learner.adapt(theta, task.support, inner_steps=2)
    for step, state in enumerate(states):
        outputs = learner.predict(state, task.query_x, task.support_x)
        np.testing.assert_allclose(trace.probabilities[step], outputs.softmax(-1), rtol=1e-5)
        assert trace.query_loss[step] == pytest.approx(cross_entropy(outputs, task.query_y).item())
        assert trace.accuracy[step] == pytest.approx(accuracy(outputs, task.query_y).item())
        assert trace.right[step].mean() == pytest.approx(trace.accuracy[step])
        loss = learner.loss_at(state, *task.support).item()
        assert trace.support_loss[step] == pytest.approx(loss)
    np.testing.assert_allclose(trace.support_images, task.support_x[:, 0])
    assert trace.names == ("A", "B", "C")
    assert (trace.way, trace.inner_steps, trace.protocol) == (3, 2, protocol)
    assert trace.rate == "inner_lr 0.4"


def test_classes_may_be_named_and_rates_learned():
    learner = MAML(conv4(3, channels=2), cross_entropy, learned_rates=True)
    theta = learner.init(generator=torch.Generator().manual_seed(0))
    trace = traces.classification(learner, theta, drawn_task(), names=["cat", "dog", "eel", "x"])
    assert trace.names == ("cat", "dog", "eel")
    assert trace.rate == "learned inner_lr"
    with pytest.raises(ValueError, match="names has 2 entries; .* 3"):
        traces.classification(learner, theta, drawn_task(), names=["cat", "dog"])


def test_labels_are_called_as_columns_of_a_sheet():
    assert [traces.label_name(i) for i in (0, 25, 26, 51, 52, 701, 702)] == [
        "A", "Z", "AA", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip
