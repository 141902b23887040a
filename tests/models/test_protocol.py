"""Whose statistics batch-norm uses: each protocol does what its name says."""

from __future__ import annotations

import pytest
import torch

from maml_edu.models import PROTOCOLS, conv4, dense4, mlp, predict
from tests.models.test_omniglot_models import seeded

MODELS = {"conv4": conv4(5, channels=8), "dense4": dense4(5, hidden=(16, 8))}
SUPPORT = torch.rand(5, 1, 28, 28, generator=seeded(1))
QUERIES = torch.rand(10, 1, 28, 28, generator=seeded(2)).square()


@pytest.fixture(params=MODELS)
def answer(request):
    model = MODELS[request.param]
    theta = model.init(generator=seeded())
    return lambda x, protocol, support=SUPPORT: predict(model, theta, x, support, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_does_an_answer_depend_on_the_other_queries(answer, protocol):
    together, fewer = answer(QUERIES, protocol), answer(QUERIES[:4], protocol)
    same = torch.allclose(together[:4], fewer, atol=1e-5)
    assert same == (protocol != "transductive")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_does_an_answer_depend_on_the_support_set(answer, protocol):
    """With theta as it is: what adapting does to theta is another matter."""
    same = torch.allclose(answer(QUERIES, protocol), answer(QUERIES, protocol, SUPPORT**3))
    assert same == (protocol == "transductive")


def test_one_by_one_is_a_batch_of_the_support_set_and_one_query(answer):
    expected = [answer(torch.cat([SUPPORT, q[None]]), "transductive")[-1] for q in QUERIES]
    torch.testing.assert_close(answer(QUERIES, "one-by-one"), torch.stack(expected))


def test_support_only_gives_support_samples_the_answers_they_have_among_themselves(answer):
    expected = answer(SUPPORT, "transductive")
    torch.testing.assert_close(answer(SUPPORT, "support-only"), expected)


def test_a_model_without_batch_norm_answers_the_same_under_each():
    model = mlp(3, 8, 2)
    theta, x = model.init(generator=seeded()), torch.rand(4, 3, generator=seeded())
    for protocol in PROTOCOLS:
        assert torch.equal(predict(model, theta, x, x.square(), protocol), model(theta, x))


def test_what_is_wrong_is_named(answer):
    with pytest.raises(
        ValueError,
        match="protocol is 'inductive'; it must be one of transductive, support-only, one-by-one",
    ):
        answer(QUERIES, "inductive")
    with pytest.raises(ValueError, match="protocol is 'support-only'; it needs support_x"):
        answer(QUERIES, "support-only", None)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_plain_function_is_a_model_without_batch_norm(protocol):
    """As lessons 03 and 05 have them: theta and x to outputs."""
    theta, x, support_x = {"w": torch.ones(2)}, torch.ones(3, 2), torch.zeros(1, 2)

    def linear(theta, x):
        return x @ theta["w"]

    assert torch.equal(predict(linear, theta, x, support_x, protocol), torch.full((3,), 2.0))
