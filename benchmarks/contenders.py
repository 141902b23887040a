"""One meta-step of MAML in several ways that give the same gradient.

Each maker takes (problem, theta, example) and returns `step(batch)`, which does one step of Adam on
its own copy of theta and returns the meta-loss before it. Peers are written as their own
documentation advises; `installed` says which of them there are.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from benchmarks.problems import Problem
from maml_edu.foundation.capture import NoCompiler, capture, captured
from maml_edu.foundation.types import Theta
from maml_edu.outer import in_chunks, meta_gradient, meta_step
from maml_edu.tasks import TaskBatch

Step = Callable[[TaskBatch], Tensor]
META_LR = 1e-3


def adam(parameters) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, lr=META_LR, fused=True)


def leaves(theta: Theta) -> Theta:
    return {name: p.clone().requires_grad_() for name, p in theta.items()}


def filled(problem: Problem, theta: Theta) -> nn.Module:
    """The problem's module with theta's numbers."""
    module = problem.module()
    with torch.no_grad():
        for parameter, p in zip(module.parameters(), theta.values(), strict=True):
            parameter.copy_(p)
    return module


def ours(
    problem: Problem,
    theta: Theta,
    example: TaskBatch,
    capture: bool = True,
    compile: bool = False,
) -> Step:
    """`maml_edu` as it trains: the operations of a chunk of tasks, captured once and replayed."""
    theta = leaves(theta)
    optimiser = adam(theta.values())
    learner = problem.learner if capture else problem.eager or problem.learner
    gradient = partial(meta_gradient, learner)
    gradient = in_chunks(captured(gradient, compile) if capture else gradient, problem.chunk_size)
    return lambda batch: meta_step(gradient, optimiser, theta, batch)


def loop(problem: Problem, theta: Theta, example: TaskBatch) -> Step:
    """Plain PyTorch: a Python loop over tasks, `autograd.grad(create_graph=True)` in each."""
    theta, learner = list(leaves(theta).values()), problem.learner
    optimiser = adam(theta)
    forward, loss_of = problem.forward, problem.loss

    def step(batch: TaskBatch) -> Tensor:
        losses = []
        for i in range(len(batch.query_y)):
            adapted = theta
            for _ in range(learner.inner_steps):
                loss = loss_of(forward(adapted, batch.support_x[i]), batch.support_y[i])
                grads = torch.autograd.grad(loss, adapted, create_graph=not learner.first_order)
                adapted = [p - learner.inner_lr * g for p, g in zip(adapted, grads, strict=True)]
            losses.append(loss_of(forward(adapted, batch.query_x[i]), batch.query_y[i]))
        meta_loss = torch.stack(losses).mean()
        optimiser.zero_grad()
        meta_loss.backward()
        optimiser.step()
        return meta_loss.detach()

    return step


def with_higher(problem: Problem, theta: Theta, example: TaskBatch) -> Step:
    """`higher` as its MAML example has it: one `innerloop_ctx` and one backward pass a task; for
    the first order, gradients are detached in its `grad_callback`."""
    import higher

    net, learner, loss_of = filled(problem, theta), problem.learner, problem.loss
    optimiser = adam(net.parameters())
    inner = torch.optim.SGD(net.parameters(), lr=learner.inner_lr)
    detach = (lambda grads: [g.detach() for g in grads]) if learner.first_order else None

    def step(batch: TaskBatch) -> Tensor:
        optimiser.zero_grad()
        total, n_tasks = 0.0, len(batch.query_y)
        for i in range(n_tasks):
            with higher.innerloop_ctx(net, inner, copy_initial_weights=False) as (fnet, diffopt):
                for _ in range(learner.inner_steps):
                    loss = loss_of(fnet(batch.support_x[i]), batch.support_y[i])
                    diffopt.step(loss, grad_callback=detach)
                loss = loss_of(fnet(batch.query_x[i]), batch.query_y[i]) / n_tasks
                total = total + loss.detach()
                loss.backward()
        optimiser.step()
        return total

    return step


def with_torchopt(problem: Problem, theta: Theta, example: TaskBatch) -> Step:
    """TorchOpt as its few-shot example has it: `MetaSGD` on the network, whose state is put back
    after each task, and one backward pass for all. It has no first order."""
    import torchopt

    net, learner, loss_of = filled(problem, theta), problem.learner, problem.loss
    optimiser = adam(net.parameters())
    inner = torchopt.MetaSGD(net, lr=learner.inner_lr)

    def step(batch: TaskBatch) -> Tensor:
        optimiser.zero_grad()
        losses = []
        start = [torchopt.extract_state_dict(part, by="reference") for part in (net, inner)]
        for i in range(len(batch.query_y)):
            for _ in range(learner.inner_steps):
                inner.step(loss_of(net(batch.support_x[i]), batch.support_y[i]))
            losses.append(loss_of(net(batch.query_x[i]), batch.query_y[i]))
            for part, state in zip((net, inner), start, strict=True):
                torchopt.recover_state_dict(part, state)
        meta_loss = torch.stack(losses).mean()
        meta_loss.backward()
        optimiser.step()
        return meta_loss.detach()

    return step


def with_jax(problem: Problem, theta: Theta, example: TaskBatch) -> Step:
    from benchmarks.jax_steps import jax_step

    return jax_step(problem, theta, META_LR)


MAKERS = {
    "maml_edu": ours,
    "maml_edu, compiled": partial(ours, compile=True),
    "maml_edu, eager": partial(ours, capture=False),
    "loop": loop,
    "higher": with_higher,
    "torchopt": with_torchopt,
    "jax": with_jax,
}
PEERS = ("higher", "torchopt", "jax")


@cache
def compiles() -> bool:
    """Whether PyTorch finds a C++ compiler."""
    try:
        capture(torch.sin, torch.ones(1), compile=True)
    except NoCompiler:
        return False
    return True


def missing() -> list[str]:
    """The peers that are not installed."""
    return [name for name in PEERS if find_spec(name) is None]


def installed(first_order: bool = False) -> dict[str, Callable]:
    """The makers that can run here."""
    away = {*missing(), *(("torchopt",) if first_order else ())}
    away |= set() if compiles() else {"maml_edu, compiled"}
    return {name: make for name, make in MAKERS.items() if name not in away}
