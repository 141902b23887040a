"""One meta-step on sine waves, in four ways that give the same gradient.

Each maker takes (learner, theta, tasks) and returns `step(batch)`, which does one step of Adam on
its own copy of theta and returns the meta-loss before it.
"""

from __future__ import annotations

from collections.abc import Callable

import higher
import torch
from torch import Tensor, nn
from torch.nn.functional import linear, mse_loss, relu

from maml_edu.inner import Theta
from maml_edu.learners import MAML
from maml_edu.outer import meta_gradient, meta_step
from maml_edu.replay import record
from maml_edu.tasks import TaskBatch

Step = Callable[[TaskBatch], Tensor]
META_LR = 1e-3


def leaves(theta: Theta) -> Theta:
    return {name: p.clone().requires_grad_() for name, p in theta.items()}


def adam(parameters) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=META_LR, fused=True)


def ours_eager(learner: MAML, theta: Theta, example: TaskBatch) -> Step:
    """`maml_edu`, every step worked out anew: vmap of grad."""
    theta = leaves(theta)
    optimiser = adam(theta.values())
    return lambda batch: meta_step(
        lambda t, b: meta_gradient(learner, t, b), optimiser, theta, batch
    )


def ours(learner: MAML, theta: Theta, example: TaskBatch) -> Step:
    """`maml_edu` as it trains: the same operations, recorded once and replayed."""
    theta = leaves(theta)
    optimiser = adam(theta.values())
    frozen = {name: p.detach() for name, p in theta.items()}
    replay = record(lambda t, b: meta_gradient(learner, t, b), frozen, example)
    return lambda batch: meta_step(replay, optimiser, theta, batch)


def loop(learner: MAML, theta: Theta, example: TaskBatch) -> Step:
    """Plain PyTorch: a Python loop over tasks, `autograd.grad(create_graph=True)` in each."""
    theta = leaves(theta)
    optimiser = adam(theta.values())

    def net(parameters: list[Tensor], x: Tensor) -> Tensor:
        for i in range(0, len(parameters) - 2, 2):
            x = relu(linear(x, parameters[i], parameters[i + 1]))
        return linear(x, parameters[-2], parameters[-1])

    def step(batch: TaskBatch) -> Tensor:
        losses = []
        for i in range(len(batch.support_x)):
            adapted = list(theta.values())
            for _ in range(learner.inner_steps):
                loss = mse_loss(net(adapted, batch.support_x[i]), batch.support_y[i])
                grads = torch.autograd.grad(loss, adapted, create_graph=True)
                adapted = [p - learner.inner_lr * g for p, g in zip(adapted, grads, strict=True)]
            losses.append(mse_loss(net(adapted, batch.query_x[i]), batch.query_y[i]))
        meta_loss = torch.stack(losses).mean()
        optimiser.zero_grad()
        meta_loss.backward()
        optimiser.step()
        return meta_loss.detach()

    return step


def with_higher(learner: MAML, theta: Theta, example: TaskBatch) -> Step:
    """`higher` 0.2.1 as its MAML example has it: one `innerloop_ctx` for each task."""
    sizes = [theta["0.weight"].shape[1], *(p.shape[0] for n, p in theta.items() if "bias" in n)]
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    net.load_state_dict(theta)
    optimiser = adam(net.parameters())
    inner = torch.optim.SGD(net.parameters(), lr=learner.inner_lr)

    def step(batch: TaskBatch) -> Tensor:
        optimiser.zero_grad()
        total = 0.0
        n_tasks = len(batch.support_x)
        for i in range(n_tasks):
            with higher.innerloop_ctx(net, inner, copy_initial_weights=False) as (fnet, diffopt):
                for _ in range(learner.inner_steps):
                    diffopt.step(mse_loss(fnet(batch.support_x[i]), batch.support_y[i]))
                loss = mse_loss(fnet(batch.query_x[i]), batch.query_y[i]) / n_tasks
                total = total + loss.detach()
                loss.backward()
        optimiser.step()
        return total

    return step


MAKERS = {"maml_edu": ours, "maml_edu, eager": ours_eager, "loop": loop, "higher": with_higher}
