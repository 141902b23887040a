"""Labels that do not fit a learner are refused, before they become a nan or a false accuracy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from maml_edu.learners import LEARNERS, MAML
from maml_edu.learners.checks import check_batch, ways
from maml_edu.models import conv4, mlp
from maml_edu.tasks import SinusoidTasks, TaskBatch

CLASSIFIERS = list(LEARNERS)
NEED_EVERY_CLASS = ("protonet", "matching", "protomaml")


def made(name: str, way: int):
    headless = LEARNERS[name].headless
    model = conv4(None if headless else way, channels=4)
    return LEARNERS[name](model, cross_entropy, **({"way": way} if headless else {}))


def drawings(way: int, shots: int = 2) -> TaskBatch:
    y = torch.arange(way).repeat_interleave(shots).expand(3, -1).clone()
    x = torch.rand(3, way * shots, 1, 28, 28)
    return TaskBatch(x, y, x, y.clone())


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_labels_are_checked_against_the_ways(name):
    assert ways(made(name, 5)) == 5
    check_batch(made(name, 5), drawings(5))
    with pytest.raises(ValueError, match="support_y has the label 5; .* 5 classes apart, 0 to 4"):
        check_batch(made(name, 5), drawings(20))
    batch = drawings(5)
    batch.query_y[1, 3] = -1
    with pytest.raises(ValueError, match="query_y has the label -1; .* 5 classes apart, 0 to 4"):
        check_batch(made(name, 5), batch)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_class_without_an_example_is_refused_where_one_is_needed(name):
    learner, batch = made(name, 5), drawings(5)
    batch.support_y[1, batch.support_y[1] == 3] = 2
    if name not in NEED_EVERY_CLASS:
        check_batch(learner, batch)
        return
    with pytest.raises(ValueError, match="support_y of task 1 lacks the label 3; .* 5 classes"):
        check_batch(learner, batch)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_labels_of_another_type_are_refused(name):
    batch = drawings(5)
    with pytest.raises(ValueError, match=r"query_y is of torch\.int32; .* torch\.int64"):
        check_batch(made(name, 5), batch._replace(query_y=batch.query_y.int()))
    with pytest.raises(ValueError, match=r"support_y is of torch\.float32; .* torch\.int64"):
        check_batch(made(name, 5), batch._replace(support_y=batch.support_y.float()))
    with pytest.raises(ValueError, match=r"support_x is a ndarray of float64; it must be a tensor"):
        check_batch(made(name, 5), batch._replace(support_x=np.zeros((3, 10, 1, 28, 28))))


def test_padding_that_cross_entropy_leaves_out_is_allowed():
    batch = drawings(5)
    batch.query_y[:, -2:] = -100
    check_batch(made("maml", 5), batch)


def test_what_is_no_label_is_not_checked():
    waves = SinusoidTasks().sample(2)
    check_batch(MAML(mlp(1, 8, 1)), waves)
    chances = torch.rand(3, 10, 5).softmax(-1)
    check_batch(made("maml", 5), drawings(5)._replace(query_y=chances, support_y=chances))
