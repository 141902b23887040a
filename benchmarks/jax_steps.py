"""A meta-step in JAX: `jit` of `grad` of `vmap` over tasks, as its own MAML tutorial has it, with
the Adam that comes along. Imported only where JAX is installed.

JAX is held to one thread, like all others. Tasks arrive as torch's tensors. JAX gets
them as NumPy arrays of the same memory, which costs microseconds.
"""

from __future__ import annotations

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import jax
import jax.numpy as jnp
import torch
from jax import lax
from jax.example_libraries import optimizers

from benchmarks.problems import Problem
from maml_edu.foundation.types import Theta
from maml_edu.models.norm import BatchNorm
from maml_edu.tasks import TaskBatch


def mlp(parameters, x):
    for i in range(0, len(parameters) - 2, 2):
        x = jax.nn.relu(x @ parameters[i].T + parameters[i + 1])
    return x @ parameters[-2].T + parameters[-1]


def conv4(parameters, x):
    kernels, norms, (weight, bias) = parameters[:4], parameters[4:-2], parameters[-2:]
    for i, kernel in enumerate(kernels):
        x = lax.conv_general_dilated(x, kernel, (2, 2), ((1, 1), (1, 1)))
        mean, variance = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
        scale, shift = (p[:, None, None] for p in norms[2 * i : 2 * i + 2])
        x = jax.nn.relu((x - mean) * lax.rsqrt(variance + BatchNorm.epsilon) * scale + shift)
    return x.mean((2, 3)) @ weight.T + bias


def mse(outputs, y):
    return ((outputs - y) ** 2).mean()


def cross_entropy(outputs, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(outputs), y[:, None], 1).mean()


NETWORKS = {"sine": (mlp, mse), "omniglot": (conv4, cross_entropy)}


def jax_step(problem: Problem, theta: Theta, meta_lr: float):
    """`step(batch)`, as in `benchmarks.contenders`."""
    net, loss_of = NETWORKS[problem.name]
    learner = problem.learner
    start, update, parameters_of = optimizers.adam(meta_lr)

    def loss_at(parameters, x, y):
        return loss_of(net(parameters, x), y)

    def task_loss(theta, support_x, support_y, query_x, query_y):
        adapted = theta
        for _ in range(learner.inner_steps):
            grads = jax.grad(loss_at)(adapted, support_x, support_y)
            if learner.first_order:
                grads = lax.stop_gradient(grads)
            adapted = [p - learner.inner_lr * g for p, g in zip(adapted, grads, strict=True)]
        return loss_at(adapted, query_x, query_y)

    def meta_loss(theta, *batch):
        return jax.vmap(task_loss, in_axes=(None, 0, 0, 0, 0))(theta, *batch).mean()

    @jax.jit
    def meta_step(i, state, *batch):
        loss, grads = jax.value_and_grad(meta_loss)(parameters_of(state), *batch)
        return loss, update(i, grads, state)

    state, count = start([jnp.asarray(p.numpy()) for p in theta.values()]), 0

    def step(batch: TaskBatch) -> torch.Tensor:
        nonlocal state, count
        loss, state = meta_step(count, state, *(part.numpy() for part in batch[:4]))
        jax.block_until_ready(state)
        count += 1
        return torch.tensor(loss.item())

    return step
