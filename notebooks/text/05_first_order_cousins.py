# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% jupyter={"source_hidden": true} tags=["colab"]
# Nothing to do here, unless you are in Google Colab: then this installs the course.
import sys

if "google.colab" in sys.modules:
    # !git clone -q --depth 1 -b v0.1.0 https://github.com/maml-edu/maml_edu course
    # %pip install -q -e course
    sys.path.insert(0, "/content/course")

# %% [markdown]
# # 05 · First-order cousins
#
# *About 60 minutes, of which the machine computes for one.* **After this lesson you can**
#
# - say of FOMAML, Reptile, ANIL, Meta-SGD, MAML++ and iMAML what each drops or adds;
# - write each one's meta-gradient in a few lines, and show that it is the package's;
# - measure what is lost (an angle, and the error after training) and what is saved (time, memory).
#
# MAML's meta-gradient for one task, after $k$ inner steps to $\theta_k$, is
# $J^\top g$: the query gradient $g = \nabla L^{\text{query}}(\theta_k)$, and before it the Jacobian
# $J = (I - \alpha H_{k-1}) \cdots (I - \alpha H_0)$ of the way there. (Each factor is symmetric, but for $k > 1$
# they do not commute, so the transpose matters.) $J$ is what costs time and memory. So people asked:
# can one do without, or make better use of it?
#
# | learner | steps along the mean over tasks of | drops | adds |
# |---|---|---|---|
# | MAML | $J^\top g$ | | |
# | FOMAML | $g$ | $J$ | |
# | Reptile | $\theta - \theta_k$, adapted to *all* points | $J$, and the query set | |
# | ANIL | $J^\top g$, where inner steps move the head only | the body's inner steps | |
# | Meta-SGD | $J\,g$, and the gradient for $\alpha$ | | a learned rate for each weight |
# | MAML++ | $\sum_j v_j\,J_j^\top g_j$, and the gradient for $\alpha$ | $J$, at first | a loss after each step, learned rates |
# | iMAML | $(I + H/\lambda)^{-1} g$ | the way: only its end counts | a pull back to $\theta$ |
# | joint training | $\nabla L(\theta)$ | the inner loop | |

# %%
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from IPython.display import HTML
from torch.func import grad, vmap
from torch.nn.functional import mse_loss, normalize
from torch.utils._pytree import tree_map

# %%
from maml_edu import exercises
from maml_edu.evaluate import Estimate, evaluate, query_values
from maml_edu.inner import adapt
from maml_edu.learners import (
    ANIL,
    FOMAML,
    IMAML,
    MAML,
    GradientLearner,
    Joint,
    MAMLPlusPlus,
    MetaSGD,
    Reptile,
)
from maml_edu.outer import Training, meta_gradient, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import SinusoidTasks, TaskBatch
from maml_edu.views import plots, traces
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)

# %% [markdown]
# ## Each one by hand
#
# The sine network of lessons 02 to 04 and 25 waves, in double precision, so that "equal" is meant
# strictly. All gradients are taken at the meta-trained $\theta$, with three inner steps.

# %%
trained = checkpoint.load("sine-maml")
net, tasks, alpha, k = trained.learner.model, SinusoidTasks(), 0.01, 3
theta = {n: p.double() for n, p in trained.theta.items()}
seeded = torch.Generator().manual_seed(5)
drawn = tasks.sample(25, shots=5, queries=10, generator=seeded)
batch = TaskBatch(*(part.double() for part in drawn[:4]))


# %%
def net_loss(theta, x, y):
    return mse_loss(net(theta, x), y)


# %% [markdown]
# Two helpers: the mean over the 25 tasks of a gradient that is written for one; and the comparison with
# what the package's `meta_gradient` says of a learner.

# %%
def mean_over_tasks(gradient):  # gradient(theta, task) -> name -> tensor
    each = vmap(gradient, in_dims=(None, 0))(theta, batch)
    return {n: g.mean(0) for n, g in each.items()}


def same(by_hand, learner, at=theta):
    package, _ = meta_gradient(learner, at, batch)
    return all(torch.allclose(g, package[n], rtol=1e-4) for n, g in by_hand.items())


# %% [markdown]
# First MAML itself, from lesson 03: differentiate the query loss *through* `adapt`.

# %%
def maml_loss(theta, task):
    states = adapt(net_loss, theta, *task.support, inner_lr=alpha, inner_steps=k)
    return net_loss(states[-1], *task.query)


maml = MAML(net, inner_lr=alpha, inner_steps=k)
assert same(mean_over_tasks(grad(maml_loss)), maml)


# %% [markdown]
# ### Exercise 05.1: FOMAML
#
# First-order MAML leaves out $J$. Write its gradient for one task, with `torch.func.grad`; `support` and
# `query` are pairs `(x, y)`. You met it in lesson 03 as the bug of a missing `create_graph`. Here it is
# meant.
#
# <details><summary>Hint</summary>Walk down the support loss. Then one gradient: of which loss, and with
# respect to <em>which</em> parameters?</details>

# %% tags=["exercise"]
def my_fomaml(loss_fn, theta, support, query, inner_lr, inner_steps):
    # your lines: return the gradient, a dict: name -> tensor
    ...


exercises.check_first_order(my_fomaml)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def fomaml(loss_fn, theta, support, query, inner_lr, inner_steps):
    for _ in range(inner_steps):
        slope = grad(loss_fn)(theta, *support)
        theta = {n: p - inner_lr * slope[n] for n, p in theta.items()}
    return grad(loss_fn)(theta, *query)


### END SOLUTION
assert exercises.check_first_order(fomaml)

# %% [markdown]
# It is the package's `FOMAML`, and it is not MAML:

# %%
by_hand = mean_over_tasks(
    lambda theta, task: fomaml(net_loss, theta, task.support, task.query, alpha, k)
)
assert same(by_hand, FOMAML(net, inner_lr=alpha, inner_steps=k))
assert not same(by_hand, maml)


# %% [markdown]
# ### Exercise 05.2: Reptile
#
# Reptile (Nichol et al. 2018, arXiv 1803.02999) has no query set at all. Train on each task for a few
# steps, and move $\theta$ *towards* where they end: $\theta + \beta\,\overline{(\theta_k - \theta)}$, with
# the mean over tasks. Write that outer step. `tasks` is a list of `(x, y)`; you may call `adapt`.
#
# <details><summary>Hint</summary><code>adapt(...)[-1]</code> for each task, always from the same theta. Then
# one new dict. Mind the sign: there is no gradient to go down here.</details>

# %% tags=["exercise"]
def my_reptile_step(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    # your lines: return the new theta, a dict: name -> tensor
    ...


exercises.check_reptile_step(my_reptile_step)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def reptile_step(loss_fn, theta, tasks, inner_lr, inner_steps, meta_lr):
    how = {"inner_lr": inner_lr, "inner_steps": inner_steps}
    ends = [adapt(loss_fn, theta, x, y, **how)[-1] for x, y in tasks]
    way = {n: sum(end[n] - p for end in ends) / len(ends) for n, p in theta.items()}
    return {n: p + meta_lr * way[n] for n, p in theta.items()}


### END SOLUTION
assert exercises.check_reptile_step(reptile_step)


# %% [markdown]
# To hand it to Adam like the others, read $\theta - \theta_k$ as a gradient. The package does so, and
# trains on support and query points together. With *one* inner step, what remains of Reptile?

# %%
def all_points(task):
    return torch.cat([task.support_x, task.query_x]), torch.cat([task.support_y, task.query_y])


points = [all_points(batch.task(i)) for i in range(25)]

# %%
for inner_steps in (1, k):
    stepped = reptile_step(net_loss, theta, points, alpha, inner_steps, meta_lr=1.0)
    by_hand = {n: p - stepped[n] for n, p in theta.items()}
    assert same(by_hand, Reptile(net, inner_lr=alpha, inner_steps=inner_steps))

one_step = meta_gradient(Reptile(net, inner_lr=alpha, inner_steps=1), theta, batch)[0]
assert same({n: g / alpha for n, g in one_step.items()}, Joint(net))


# %% [markdown]
# Joint training, nothing else: one step leads down the plain loss at $\theta$. What Reptile knows of
# *adapting* is in the later steps, whose gradients are taken where the earlier ones have led.
#
# **ANIL** (Raghu et al. 2020, arXiv 1909.09157), "almost no inner loop", keeps $J$ but makes it small: inner
# steps move the last layer alone. The outer loop still trains all.

# %%
def anil_loss(theta, task):
    head = {n: theta[n] for n in ("4.weight", "4.bias")}
    for _ in range(k):
        slope = grad(lambda h: net_loss({**theta, **h}, *task.support))(head)
        head = {n: p - alpha * slope[n] for n, p in head.items()}
    return net_loss({**theta, **head}, *task.query)


# %%
by_hand = mean_over_tasks(grad(anil_loss))
assert same(by_hand, ANIL(net, inner_lr=alpha, inner_steps=k))


# %% [markdown]
# **Meta-SGD** (Li et al. 2017, arXiv 1707.09835) drops nothing. Each weight gets an $\alpha$ of its own, and
# the outer loop trains these as well.

# %%
def meta_sgd_loss(theta, rates, task):
    slope = grad(net_loss)(theta, *task.support)
    adapted = {n: p - rates[n] * slope[n] for n, p in theta.items()}
    return net_loss(adapted, *task.query)


# %%
rates = {n: torch.full_like(p, alpha) for n, p in theta.items()}
start = theta | {f"inner_lr.{n}": rate for n, rate in rates.items()}  # as the package names them
by_hand = mean_over_tasks(grad(lambda theta, task: meta_sgd_loss(theta, rates, task)))
assert same(by_hand, MetaSGD(net, inner_lr=alpha), at=start)


# %% [markdown]
# The gradient for the rates is easy to say: $-\,s \odot g$, where $s$ is the support gradient and $\odot$
# multiplies entry by entry. Where the two agree in sign, a longer step helps.

# %%
def for_rates(theta, task):
    s = grad(net_loss)(theta, *task.support)
    g = fomaml(net_loss, theta, task.support, task.query, alpha, 1)
    return {f"inner_lr.{n}": -s[n] * g[n] for n in theta}


assert same(mean_over_tasks(for_rates), MetaSGD(net, inner_lr=alpha), at=start)


# %% [markdown]
# **MAML++** (Antoniou et al. 2019, arXiv 1810.09502) is MAML with a list of repairs. One: the query loss
# counts after *every* inner step, with weights $v_j$, so that the gradient need not come all the way from
# the last step. Others: a learned rate for each layer and step; and first order for the first part of
# the training.

# %%
def plus_plus_loss(theta, task, weights, rate=alpha):
    total = 0.0
    for v in weights:
        slope = grad(net_loss)(theta, *task.support)
        theta = {n: p - rate * slope[n] for n, p in theta.items()}
        total = total + v * net_loss(theta, *task.query)
    return total


# %%
v = torch.tensor([0.2, 0.2, 0.6])
learner = MAMLPlusPlus(net, inner_lr=alpha, inner_steps=k, last_weight=0.6)
start = {n: p.double() for n, p in learner.init().items()} | theta  # its rates, our weights
assert same(mean_over_tasks(grad(lambda t, task: plus_plus_loss(t, task, v))), learner, at=start)


# %% [markdown]
# ### Exercise 05.3: the weights of MAML++
#
# At first all steps weigh the same. While the weights anneal, each step but the last falls in a straight
# line from its equal part $1/k$ to 0, but not below 0.03 of that part; the last has all the rest. `done`
# runs from 0 to 1. Return the `inner_steps` weights.
#
# <details><summary>Hint</summary>Find the weight of one of the others; the last is what is missing to 1.
# Why must they sum to 1? Else the meta-loss would change its size while training.</details>

# %% tags=["exercise"]
def my_step_weights(done, inner_steps):
    # your lines: return a tensor of inner_steps weights
    ...


exercises.check_step_weights(my_step_weights)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def step_weights(done, inner_steps):
    each = max(1 - done, 0.03) / inner_steps
    others = [each] * (inner_steps - 1)
    return torch.tensor([*others, 1 - sum(others)], dtype=torch.float64)


### END SOLUTION
assert exercises.check_step_weights(step_weights)
annealed = MAMLPlusPlus(net, inner_lr=alpha, inner_steps=k)
for done in (0, 0.4, 1):  # annealing ends at this share of the training:
    now = annealed.at_progress(done * annealed.annealing)
    assert math.isclose(step_weights(done, k)[-1], now.last_weight)

# %% [markdown]
# ## Where they must agree, and where not
#
# Theory names three places where dropping $J$ costs nothing. **No inner step**: $J$ is the identity, and
# MAML, FOMAML and ANIL are all the query gradient at $\theta$.

# %%
at_theta = mean_over_tasks(lambda theta, task: grad(net_loss)(theta, *task.query))
for cousin in (MAML, FOMAML, ANIL):
    assert same(at_theta, cousin(net, inner_lr=alpha, inner_steps=0))
    assert not same(at_theta, cousin(net, inner_lr=alpha, inner_steps=1))

# %% [markdown]
# **No curvature**: if the loss is linear in $\theta$, then $H = 0$. A linear *model* alone is not enough:
# its squared error is a bowl. Take the same linear model with two losses:

# %%
w = torch.tensor([-0.5, 0.5], dtype=torch.float64)
x = torch.tensor([[[3, 0], [0, 1]], [[1, 0], [0, 3]]], dtype=torch.float64)
c = torch.tensor([[-1, 1], [1, -1]], dtype=torch.float64)
query_x = torch.tensor([[1, 1], [1, -1]], dtype=torch.float64) / 2**0.5 @ x
y, query_y = ((points @ c[:, :, None])[..., 0] for points in (x, query_x))
toy = TaskBatch(x, y, query_x, query_y)


# %%
def linear(theta, x):
    return x @ theta["w"]


def agreement(*, product):  # does FOMAML equal MAML?
    loss = (lambda out, y: (out * y).mean()) if product else mse_loss
    both = [meta_gradient(of(linear, loss, 0.1, k), {"w": w}, toy)[0] for of in (MAML, FOMAML)]
    return torch.allclose(both[0]["w"], both[1]["w"])


assert agreement(product=True)
assert not agreement(product=False)


# %% [markdown]
# (That toy is lesson 03's: two tasks, each a bowl, steep in one direction and shallow in the other.)
#
# **A vanishing rate**: as $\alpha \to 0$, $J \to I$. How fast, you can see below as an angle. The arrows
# point downhill, and all are drawn equally long: how far to go is `meta_lr`'s business. *Predict:* which one
# is worse off as $k$ grows, FOMAML or Reptile? And for which $k$ and $\alpha$ does joint training point most
# wrongly?

# %%
def degrees(a, b):
    lengths = a.norm() * b.norm()
    cosine = (a @ b / lengths).clamp(-1, 1)
    return torch.rad2deg(torch.arccos(cosine)).item() if lengths > 0 else math.nan


def toy_arrow(learner, w):
    return -meta_gradient(learner, {"w": w}, toy)[0]["w"]


# %% [markdown]
# Where a learner stands still, as Reptile does at $k = 0$ or $\alpha = 0$, it has no direction.

# %%
def look(inner_steps, inner_lr, w1, w2):
    w, how = torch.tensor([w1, w2], dtype=torch.float64), (mse_loss, inner_lr, inner_steps)
    exact = MAML(linear, *how)
    true = toy_arrow(exact, w)
    found = {"FOMAML": toy_arrow(FOMAML(linear, *how), w)}
    found["Reptile"] = toy_arrow(Reptile(linear, *how), w)
    found["joint"] = toy_arrow(Joint(linear, *how), w)
    off = {name: degrees(true, arrow) for name, arrow in found.items()}
    says = {n: f"{n}, {a:.0f}° off" if a == a else f"{n}, no direction" for n, a in off.items()}
    arrows = {"MAML": true} | {says[name]: arrow for name, arrow in found.items()}
    return traces.plane(
        lambda w: vmap(lambda task: exact.task_loss({"w": w}, task))(toy).mean(),
        w,
        arrows={name: normalize(arrow, dim=0) for name, arrow in arrows.items()},
        x_range=(-2, 2),
        y_range=(-2, 2),
        resolution=41,
        title="MAML's objective, and which way each would go down",
    )


# %%
explore(
    look,
    inner_steps=Slider("inner steps (k)", 0, 8, value=2),
    inner_lr=Slider("inner_lr (α)", 0.0, 0.3, step=0.005, value=0.05),
    w1=Slider("θ, first weight", -2.0, 2.0, step=0.1, value=-0.5),
    w2=Slider("θ, second weight", -2.0, 2.0, step=0.1, value=0.5),
)

# %% [markdown]
# What you see has a closed form. With $P = I - \alpha A$ on a bowl, MAML goes along $P^k A P^k d$ with
# $d = \theta - c$, FOMAML along $A P^k d$, and Reptile along $(I - P^k)\,d$, the sum of all steps' gradients.
# So Reptile lies between joint training ($A d$, its first step) and its last steps, which have
# seen what is left after adapting. Assert it:

# %%
A, d, eye = x.mT @ x, (w - c)[:, :, None], torch.eye(2, dtype=torch.float64)
Pk = torch.linalg.matrix_power(eye - 0.1 * A, k)
closed = {MAML: Pk @ A @ Pk @ d, FOMAML: A @ Pk @ d, Reptile: (eye - Pk) @ d}
for cousin, each in closed.items():
    arrow = -toy_arrow(cousin(linear, mse_loss, 0.1, k), w)
    assert torch.allclose(arrow, each.mean(0)[:, 0])

# %% [markdown]
# **iMAML** (Rajeswaran et al. 2019, arXiv 1909.04630) asks another question: not "what after $k$ steps?" but
# "what at the *minimum* of $L^{\text{support}}(\phi) + \tfrac\lambda2 |\phi - \theta|^2$?" There an
# equation, $\nabla L(\phi) + \lambda(\phi - \theta) = 0$, says how $\phi$ moves with $\theta$, however it was
# reached: no graph of the steps is kept. On bowls, with few steps and with many:

# %%
strength = 2.0
pull = torch.linalg.inv(eye + A / strength)
implicit = (pull @ A @ (pull @ d)).mean(0)[:, 0]  # φ - c = pull @ d
for inner_steps in (2, 200):
    imaml = IMAML(linear, inner_lr=0.1, inner_steps=inner_steps, strength=strength)
    arrow = -toy_arrow(imaml, w)
    print(f"{inner_steps} inner steps: {degrees(arrow, implicit):.2f}° off")
    assert torch.allclose(arrow, implicit) == (inner_steps == 200)


# %% [markdown]
# Exact, but only once the inner loop has converged, and only where $I + H/\lambda$ is positive: a bowl. On a
# network whose support loss also curves downwards, $\lambda$ must exceed its steepest downward curvature.
#
# ## The angle on a real network
#
# Now the sine network, against $\alpha$ and against $k$: once at a fresh $\theta$, where training begins,
# and once at the meta-trained one, where it ends.

# %%
def flat(gradient):
    return torch.cat([gradient[n].flatten() for n in net.shapes()])


# %%
def angles(theta, inner_lr, inner_steps):
    def arrow(learner):
        made = learner(net, inner_lr=inner_lr, inner_steps=inner_steps)
        return flat(meta_gradient(made, theta, batch)[0])

    true = arrow(MAML)
    return {of.__name__: degrees(true, arrow(of)) for of in (FOMAML, ANIL, Reptile, Joint)}


# %% [markdown]
# Five rates, five numbers of steps, two thetas, four cousins. *Predict* which cousin comes closest, and at
# which $\theta$ the angles are larger.

# %%
fresh = {n: p.double() for n, p in net.init(generator=seeded).items()}
thetas = {"fresh": fresh, "meta-trained": theta}
lrs, ks = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2), (1, 2, 3, 5, 8)
found = {}
for who, at in thetas.items():
    found[who, "inner_lr (α), at k = 1"] = [angles(at, lr, 1) for lr in lrs]
    found[who, "inner steps (k), at α = 0.003"] = [angles(at, 0.003, n) for n in ks]

# %%
figure, axes = plt.subplots(2, 2, figsize=(8.4, 5.6), sharey=True, layout="constrained")
looks = {"FOMAML": "o-", "ANIL": "s--", "Reptile": "D-.", "Joint": "^:"}
for ax, ((who, along), row) in zip(axes.flat, found.items(), strict=True):
    at = lrs if "k = 1" in along else ks
    for name, marker in looks.items():
        ax.plot(at, [angle[name] for angle in row], marker, label=name, markersize=5)
    ax.set(title=f"{who} θ", xlabel=along, xscale="log" if at is lrs else "linear")
    ax.axhline(90, color="grey", linewidth=0.8)
for ax in axes[:, 0]:
    ax.set(ylabel="degrees from MAML's", ylim=(0, 120))
axes[0, 0].legend(frameon=False)
ends = {key: {n: f"{a:.0f}°" for n, a in row[-1].items()} for key, row in found.items()}
says = f"Angles to MAML's; FOMAML's are smallest and grow with α and k. Last ones: {ends}."
plots.show(figure, says)

# %% [markdown]
# In words, and with an assert for each: FOMAML's angle starts near 0 and grows with $\alpha$ and with $k$; it
# is below joint training's everywhere; and at $k = 1$ Reptile *is* joint training.

# %%
for who in thetas:
    by_rate, by_steps = (row for (at, _), row in found.items() if at == who)
    first_order = [angle["FOMAML"] for angle in by_rate]
    assert first_order == sorted(first_order)
    assert first_order[0] < 2
    assert first_order[-1] > 2 * first_order[2]
    assert by_steps[0]["FOMAML"] < by_steps[-1]["FOMAML"]
    assert all(angle["FOMAML"] < angle["Joint"] for angle in by_rate + by_steps)
    assert all(math.isclose(a["Reptile"], a["Joint"], abs_tol=0.01) for a in by_rate)
end, begin = (found[who, "inner_lr (α), at k = 1"][-1] for who in ("meta-trained", "fresh"))
assert end["FOMAML"] > 2 * begin["FOMAML"]


# %% [markdown]
# (Reptile's and joint training's do not go quite to 0, for they see the support points too.) At the
# fresh $\theta$ FOMAML is a fair guide. At the trained one it is far off: MAML has made the landscape so
# steep that $J$ matters (lesson 07 measures that), and the mean gradient, which is nearly zero there, is a
# small rest of large parts. An angle at MAML's $\theta$ does not tell how well FOMAML finds its own. So,
# before we judge, the costs, and then the training.
#
# ## What is saved
#
# **Memory.** Lesson 03 added up what autograd puts aside. Now count what is *alive* at the worst moment, for
# FOMAML lets go of each step's graph as soon as it has its gradient.

# %%
class Kept:
    alive = most = 0

    def __init__(self, tensor):
        self.tensor = tensor
        Kept.alive += tensor.nbytes
        Kept.most = max(Kept.most, Kept.alive)

    def __del__(self):
        Kept.alive -= self.tensor.nbytes


# %%
def most_kept(k, *, second_order, moving=tuple(theta)):
    Kept.alive, Kept.most, task = 0, 0, batch.task(0)
    start = {n: p.clone().requires_grad_() for n, p in theta.items()}
    with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
        state = start
        for _ in range(k):
            at, loss = [state[n] for n in moving], net_loss(state, *task.support)
            slope = torch.autograd.grad(loss, at, create_graph=second_order)
            moved = zip(moving, at, slope, strict=True)
            state = state | {n: p - alpha * s for n, p, s in moved}
        outer = start if second_order else state  # FOMAML differentiates where it has arrived
        torch.autograd.grad(net_loss(state, *task.query), list(outer.values()))
    return Kept.most / 1000


# %% [markdown]
# One, two, four and eight inner steps on one task of five support points:

# %%
kinds = {"MAML": {"second_order": True}, "FOMAML": {"second_order": False}}
kinds["ANIL"] = {"second_order": True, "moving": ("4.weight", "4.bias")}
memory = {name: [most_kept(n, **kind) for n in (1, 2, 4, 8)] for name, kind in kinds.items()}
for name, kilobytes in memory.items():
    print(f"{name:>6}:", ", ".join(f"{kb:.0f} kB" for kb in kilobytes), "at 1, 2, 4, 8 steps")

# %%
assert memory["MAML"][3] > 3 * memory["MAML"][1]  # a graph for every step
assert memory["FOMAML"][3] < 1.1 * memory["FOMAML"][0]  # one at a time
assert memory["ANIL"][3] < 0.7 * memory["MAML"][3]

# %% [markdown]
# (ANIL would need still less if it computed the body's features once, not at every step: they do not move.)
#
# **Time**, for one meta-gradient of 25 tasks. Other programs run on your machine too. They can make a turn
# slower, never quicker: so take turns, count processor time alone, and keep each one's quickest.

# %%
racers = {
    (of.__name__, n): of(net, inner_lr=alpha, inner_steps=n)
    for of in (MAML, FOMAML, Reptile, ANIL)
    for n in (1, 4, 8)
}
took = {key: [] for key in racers}
for _ in range(6):
    for key, racer in racers.items():
        began = time.process_time()
        meta_gradient(racer, theta, batch)
        took[key].append(time.process_time() - began)

# %%
seconds = {key: min(times) for key, times in took.items()}
for n in (1, 4, 8):
    ratios = (f"{of} {seconds[of, n] / seconds['MAML', n]:.2f}" for of, m in racers if m == n)
    print(f"{n} inner steps, as a share of MAML's time:", ", ".join(ratios))
assert seconds["FOMAML", 8] < seconds["MAML", 8]
assert seconds["MAML", 8] > seconds["MAML", 1]

# %% [markdown]
# With several inner steps, a first-order gradient takes about half of the time, and memory that does not grow.
# That is the offer.
#
# ## The price
#
# Train each from the same start, on the same waves, for the same small number of meta-steps, a fifteenth
# of lesson 04's. (iMAML's are long; it comes in below.) *Predict* the order.

# %%
family = {
    "joint": Joint(net, inner_lr=0.01, inner_steps=0),
    "MAML": MAML(net, inner_lr=0.01, inner_steps=1),
    "FOMAML": FOMAML(net, inner_lr=0.01, inner_steps=1),
    "Reptile": Reptile(net, inner_lr=0.01, inner_steps=5),
    "ANIL": ANIL(net, inner_lr=0.01, inner_steps=1),
    "Meta-SGD": MetaSGD(net, inner_lr=0.01, inner_steps=1),
    "MAML++": MAMLPlusPlus(net, inner_lr=0.01, inner_steps=2),
}

# %%
settings = Training(steps=1000, shots=5, queries=10, meta_lr=5e-3)
ends = {}
for name, learner in family.items():
    rates_lr = 0.03 if name == "MAML++" else None  # its rates are few, and bear longer steps
    *_, last = meta_train(learner, tasks, replace(settings, rates_lr=rates_lr))
    ends[name] = last.theta
print("trained:", ", ".join(ends))


# %% [markdown]
# Now all on the same 600 fresh waves: 5 points each, one to ten inner steps, 95% intervals.

# %%
def said(error):  # some run away, beyond the steps that they were trained for
    return str(error) if error.mean + error.half_width < 10 else "runs away"


def html_row(name, errors):
    cells = [family[name].inner_steps, *(said(errors[n]) for n in (1, 2, 5, 10))]
    columns = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{name}</th>{columns}</tr>'


# %%
errors = {name: evaluate(family[name], theta, tasks) for name, theta in ends.items()}
heads = ["learner", "steps trained", *(f"after {n}" for n in (1, 2, 5, 10))]
HTML(f"""<table><caption>Query error (mean squared) on 600 waves by inner step, mean ± half
of the 95% interval; {settings.steps:,} meta-steps, one seed</caption>
<thead><tr>{"".join(f'<th scope="col">{head}</th>' for head in heads)}</tr></thead>
<tbody>{"".join(html_row(name, row) for name, row in errors.items())}</tbody></table>""")

# %% [markdown]
# The intervals cover the choice of waves, not the seed. When two learners meet the *same* waves, compare
# them wave by wave: most of the spread is the waves', and drops out of the difference.

# %%
waves = tasks.sample(600, shots=5, queries=100, generator=seeded)
after_one = {
    name: query_values(family[name], ends[name], waves, inner_steps=1)[:, 1] for name in family
}
for name in ("FOMAML", "ANIL", "Reptile", "joint"):
    gap = Estimate.of(after_one[name] - after_one["MAML"])
    print(f"{name:>7} minus MAML, after one step: {gap}")
    assert gap.mean > gap.half_width


# %%
def one(name):
    return errors[name][1].mean


assert one("FOMAML") - one("MAML") < (one("joint") - one("MAML")) / 4
assert one("MAML") < one("FOMAML") < one("ANIL") < one("joint")
assert one("MAML") < one("Reptile") < one("joint")
assert errors["joint"][10].mean > 2 * errors["MAML"][10].mean
assert one("Meta-SGD") < 0.75 * one("MAML")
assert errors["MAML++"][2].mean < 0.75 * errors["MAML"][2].mean

# %% [markdown]
# What the table says, and what it does not:
#
# - **FOMAML** gives up a small part of what MAML gains over joint training, although its angle was large where
#   MAML's training ends. (On this seed. Train both with `seed=1` or `3`, and the gap is more than twice as wide.)
#   MAML's authors found the two nearly equal on images.
# - **Reptile** learns to adapt, but at this length it lies well behind. That is a weakened Reptile, though: its
#   authors train long, with Adam *inside*, on minibatches, on which its argument rests.
# - **ANIL** pays a price on sines. Raghu et al. found it as good as MAML on images, where features are reused;
#   waves need the first layer to move (lesson 07). More inner steps help it.
# - **Meta-SGD** and **MAML++** win, at the steps that they were trained for. What they have in common is learned
#   rates. Meta-SGD's are so bold that further steps with them overshoot.
#
# ### The same time, instead of the same steps
#
# A step of FOMAML costs half of one of MAML. So give each the same processor time: `python -m benchmarks.family` has done so,
# with fresh weights, and `results/family.json` has what came out. Whose place changes?

# %%
import maml_edu


def of_record(figure):  # JSON has no nan
    mean, half_width = (math.nan if x is None else x for x in figure.values())
    return Estimate(mean, half_width, n_tasks=600)


file, timed = Path(maml_edu.__file__).parents[1] / "results" / "family.json", {}
for row in json.loads(file.read_text("utf-8"))["rows"]:
    name, done = row["config"]["learner"]["name"], row["config"]["training"]["steps"]
    if row["config"]["tasks"]["name"] == "sine" and done:
        curve = row["figures"][0]["by_inner_step"] if "figures" in row else []
        timed[name] = [of_record(figure) for figure in curve]
        after = ", ".join(said(timed[name][n]) for n in (1, 5, 10)) if curve else row["diverged"]
        print(f"{name:>9}, {done:6,} steps: {after}")

# %% [markdown]
# iMAML, with sixteen steps and a solver in each meta-step, had time for few of them, and short ones: its
# gradient does not see the *way* to the minimum, so nothing keeps it from making the landscape so steep that
# the way itself runs off. And at equal time FOMAML is no longer behind MAML, the other half of its offer:

# %%
for n in (1, 10):
    behind = timed["fomaml"][n].mean - timed["maml"][n].mean
    assert behind < timed["maml"][n].half_width
assert timed["imaml"][10].mean > timed["maml"][10].mean

# %% [markdown]
# ## Why a loss after each step?
#
# With one inner step all was calm. Take five: then the loss after the last one sees $\theta$ through a product
# of five Jacobians, each of them steep, and some meta-gradients are wild. Antoniou et al. say that losses after
# *each* step cure it. `python -m benchmarks.per_step` trained both kinds under three seeds:

# %%
record = json.loads((file.parent / "per_step.json").read_text("utf-8"))
figure, (ax, beside) = plt.subplots(1, 2, figsize=(8.4, 3), sharey=True, layout="constrained")
for row in record["rows"]:
    each, seed = row["per_step_losses"], row["seed"]
    curve = [check["mean"] for check in row["checks"]]
    (beside if each else ax).plot(range(0, 20 * len(curve), 20), curve, label=f"seed {seed}")
    error = of_record(row["by_inner_step"][5])
    print(f"loss after {'each' if each else 'the last'} step, seed {seed}: {error}")
ax.set(title="loss after the last step", yscale="log", ylabel="error after five steps")
beside.set(title="loss after each step")
ax.legend(frameon=False)
for axes in (ax, beside):
    axes.set(xlabel="meta-steps")
plots.show(figure, "Left, two of three seeds jump up, one for good; right, all three fall.")

# %% [markdown]
# Here it does, though three seeds are few. Without it, seed 2 is lost for good and seed 0 for a while; seed 1 falls
# nearly as well either way, and its two intervals lie apart by a hair. So what losses after each step buy is
# that the end is no matter of luck.

# %%
for seed in range(3):
    last, each = (row for row in record["rows"] if row["seed"] == seed)
    worse, better = (of_record(row["by_inner_step"][5]) for row in (last, each))
    assert worse.mean - worse.half_width > better.mean + better.half_width
    assert last["setback"] > each["setback"]  # the worst later check, over the best before it

# %% [markdown]
# ## What the learned rates look like
#
# They started at 0.01, all of them. Meta-SGD's may turn negative: a weight that steps *uphill* on the support
# loss, because that helps the query loss. MAML++ has one for each layer and step. Which layers do you
# expect to move?

# %%
bold = {n: ends["Meta-SGD"][f"inner_lr.{n}"] for n in net.shapes()}
for name, rate in bold.items():
    print(f"{name:>8}: Meta-SGD mean {rate.mean():+.3f}, {(rate < 0).float().mean():.0%} negative")
steps = {n: ends["MAML++"][f"log_inner_lr.{n}"].exp() for n in net.shapes()}
for name, rate in steps.items():
    print(f"{name:>8}: MAML++ {rate[0]:.4f} in step 1, {rate[1]:.4f} in step 2")

# %%
negative = torch.cat([rate.flatten() < 0 for rate in bold.values()]).float().mean()
assert 0.05 < negative < 0.95
assert not errors["Meta-SGD"][10].mean < 10  # beyond its one step it runs away
assert steps["0.weight"].min() > 5 * max(steps[n].max() for n in ("2.weight", "4.weight"))


# %% [markdown]
# MAML++ was free to choose, and all but switched off the upper layers: it adapts the *first*. That is the
# opposite of ANIL's choice, and says why ANIL lags here.
#
# ## One wave, two learners
#
# Set each beside MAML, on the same wave and the same points. `pace` multiplies all of a learner's own rates,
# given or learned.

# %%
def at_pace(name, pace):
    weights, rates = family[name].params_and_rates(ends[name], 10)
    paced = tree_map(lambda rate: pace * rate, rates)
    return GradientLearner(net, inner_lr=paced), weights


# %%
def beside_maml(name, task, shots, pace):
    points = torch.Generator().manual_seed(task)
    wave = tasks.sample(1, shots=shots, queries=50, generator=points).task(0)
    shown = {which: at_pace(which, pace) for which in ("MAML", name)}
    return traces.comparison(shown, wave, tasks=tasks)


# %% [markdown]
# Choose a learner, and scrub the inner step. Where does Meta-SGD overshoot, and which pace mends it? Does
# more pace help Reptile? On which task is ANIL ahead of MAML?

# %%
explore(
    beside_maml,
    name=Choice("learner", [name for name in family if name != "MAML"], value="FOMAML"),
    task=Slider("task", 0, 50, value=7),
    shots=Slider("shots", 1, 20, value=5),
    pace=Slider("pace (times its inner_lr)", 0.1, 10.0, value=1.0, log=True),
)

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("05")

# %% [markdown]
# ## Recap
#
# - MAML's gradient is $J\,g$. FOMAML drops $J$: exact at $k = 0$, for a loss linear in $\theta$ and as
#   $\alpha \to 0$, otherwise at an angle that grows. Half of the time, constant memory, a small price here.
# - Reptile drops the query set as well; with one step it *is* joint training.
# - ANIL adapts the head alone, so it is as good as features can be reused. iMAML needs only the end of
#   the inner loop, but needs it at a minimum.
# - Meta-SGD and MAML++ add instead: learned rates, and a loss after each step. They are for the steps they
#   were trained with.
#
# ## What to try
#
# - ANIL with `inner_steps=5`: does it catch up, and after how many steps at test?
# - MAML and FOMAML with `inner_steps=5`, same budget. Which is ahead now?
# - Train all with `seed=1`. Which places in the table change? Is Reptile's interval to be trusted?
# - Train `IMAML(net, inner_lr=0.01, strength=50.0)` for some hundred steps. What does `meta_train` say? (A
#   gradient step converges while $\alpha\,(H + \lambda) < 2$. Lesson 07 will show you what becomes of $H$.)
#
# **Next, [lesson 07](07_landscapes.ipynb):** what changes in a network when it adapts?
