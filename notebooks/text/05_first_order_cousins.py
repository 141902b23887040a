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
# *About 60 minutes, of which the machine computes for half of one.* **After this lesson you can**
#
# - write FOMAML and Reptile, and say what each leaves out of MAML's gradient;
# - measure what that saves (time, memory) and what it costs (an angle, an error after training);
# - compare two learners fairly: the same waves, several seeds, one difference for each.
#
# MAML's meta-gradient for one task, after $k$ inner steps to $\theta_k$, is
# $J^\top g$: the query gradient $g = \nabla L^{\text{query}}(\theta_k)$, and before it the Jacobian
# $J = (I - \alpha H_{k-1}) \cdots (I - \alpha H_0)$ of the way there. Each factor is symmetric, but for
# $k > 1$ the factors do not commute, so the transpose turns their order round. $J$ is what costs time and
# memory. This lesson is about learners that do without it.

# %% jupyter={"source_hidden": true}
import json
import math
import time
from itertools import permutations
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch.func import grad, vjp, vmap
from torch.nn.functional import mse_loss, normalize

import maml_edu

# %%
from maml_edu import exercises
from maml_edu.evaluate import Estimate, query_values
from maml_edu.inner import adapt
from maml_edu.learners import FOMAML, IMAML, MAML, Joint, Reptile
from maml_edu.outer import Training, meta_gradient, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import SinusoidTasks, TaskBatch
from maml_edu.views import plots, scenes, traces
from maml_edu.views.scenes.style import ROLES
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)


# %% [markdown]
# ## FOMAML: leave $J$ out
#
# First-order MAML steps along $g$ alone (Finn et al. 2017, section 5.2). You met it in lesson 03, as the bug
# of a missing `create_graph`, and saw its angle to the true gradient there: about ten degrees at a fresh
# $\theta$, half a right angle and more at a trained one. Here it is meant, because it is cheap.
#
# ### Exercise 05.1: find the bug
#
# A colleague wants FOMAML with a plain optimiser, without any dicts of gradients. Her code runs. Without
# inner steps it is even right. But what it returns is neither FOMAML's gradient nor MAML's.

# %%
def hers(loss_fn, theta, support, query, inner_lr, inner_steps):
    state = {n: p.detach().clone().requires_grad_() for n, p in theta.items()}
    descent = torch.optim.SGD(state.values(), lr=inner_lr)
    for _ in range(inner_steps):
        loss_fn(state, *support).backward()
        descent.step()
    loss_fn(state, *query).backward()
    return {n: p.grad for n, p in state.items()}


exercises.check_first_order(hers)


# %% [markdown]
# Write it as it should be: her way or yours. Return the gradient, a dict: name -> tensor.
#
# <details><summary>Hint</summary>What does <code>backward()</code> do to a <code>.grad</code> in which
# there is something already?</details>
#
# <details><summary>A second hint</summary>Two kinds of gradients meet where they should not: those of one
# inner step and the next, and that of the last inner step and the query loss.</details>

# %% tags=["exercise"]
def my_fomaml(loss_fn, theta, support, query, inner_lr, inner_steps):
    # your lines: return the gradient, a dict: name -> tensor
    ...


exercises.check_first_order(my_fomaml)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def fomaml(loss_fn, theta, support, query, inner_lr, inner_steps):
    # The bug: backward() adds to .grad, and nobody set it to zero. With dicts nothing can add up.
    for _ in range(inner_steps):
        slope = grad(loss_fn)(theta, *support)
        theta = {n: p - inner_lr * slope[n] for n, p in theta.items()}
    return grad(loss_fn)(theta, *query)


### END SOLUTION
assert exercises.check_first_order(fomaml)

# %% [markdown]
# ### Where it costs nothing, and where it does
#
# Theory names three places where $J$ is the identity, and FOMAML *is* MAML: without an inner step; as
# $\alpha \to 0$; and where the loss is linear in $\theta$, so that $H = 0$. (A linear *model* is not
# enough: its squared error is a bowl.) Look for the first two below. It is lesson 03's toy: two tasks,
# each a bowl, steep in one direction and shallow in the other. All arrows point downhill and are drawn
# equally long.
#
# *Predict:* as $k$ grows, which one turns away from MAML, FOMAML or Reptile? (Reptile comes next; it goes
# towards where the inner steps end.)

# %% jupyter={"source_hidden": true}
# The toy: its two tasks, and the angle between two arrows.
c = torch.tensor([[-1, 1], [1, -1]], dtype=torch.float64)
x = torch.tensor([[[3, 0], [0, 1]], [[1, 0], [0, 3]]], dtype=torch.float64)
query_x = torch.tensor([[1, 1], [1, -1]], dtype=torch.float64) / 2**0.5 @ x
toy = TaskBatch(x, (x @ c[:, :, None])[..., 0], query_x, (query_x @ c[:, :, None])[..., 0])


def linear(theta, x):
    return x @ theta["w"]


def toy_arrow(learner, w):
    return -meta_gradient(learner, {"w": w}, toy)[0]["w"]


def degrees(a, b):  # nan where one of them has no direction
    lengths = a.norm() * b.norm()
    cosine = (a @ b / lengths).clamp(-1, 1)
    return torch.rad2deg(torch.arccos(cosine)).item() if lengths > 0 else math.nan


# %% jupyter={"source_hidden": true}
def look(inner_steps, inner_lr, w1, w2):
    w, how = torch.tensor([w1, w2], dtype=torch.float64), (mse_loss, inner_lr, inner_steps)
    exact = MAML(linear, *how)
    arrows = {"MAML": toy_arrow(exact, w)}
    for name, of in (("FOMAML", FOMAML), ("Reptile", Reptile), ("joint", Joint)):
        arrow = toy_arrow(of(linear, *how), w)
        off = degrees(arrows["MAML"], arrow)
        arrows[f"{name}, {off:.0f}° off" if off == off else f"{name}, no direction"] = arrow
    return traces.plane(
        lambda w: vmap(lambda task: exact.task_loss({"w": w}, task))(toy).mean(),
        w,
        arrows={name: normalize(arrow, dim=0) for name, arrow in arrows.items()},
        x_range=(-2, 2),
        y_range=(-2, 2),
        resolution=41,
        title="MAML's objective, and which way each would go down",
    )


# %% [markdown]
# Start with $k = 0$ and with $\alpha = 0$, then let one of them grow:

# %%
explore(
    look,
    inner_steps=Slider("inner steps (k)", 0, 8, value=2),
    inner_lr=Slider("inner_lr (α)", 0.0, 0.3, step=0.005, value=0.05),
    w1=Slider("θ, first weight", -2.0, 2.0, step=0.1, value=-0.5),
    w2=Slider("θ, second weight", -2.0, 2.0, step=0.1, value=0.5),
)

# %% [markdown]
# On a bowl this has a closed form. With $P = I - \alpha A$ and $d = \theta - c$, MAML goes along $P^k A P^k d$,
# FOMAML along $A P^k d$, and Reptile along $(I - P^k)\,d$, the sum of all steps' gradients. Read off a
# curiosity: $P$ and $A$ commute, so where all points of a task share one bowl, FOMAML with $2k$ steps *is*
# MAML with $k$. Measure it:

# %%
w = torch.tensor([-0.5, 0.5], dtype=torch.float64)
for k in (1, 2, 3):
    ours = toy_arrow(MAML(linear, mse_loss, 0.1, k), w)
    theirs = toy_arrow(FOMAML(linear, mse_loss, 0.1, 2 * k), w)
    print(f"MAML, {k} steps, and FOMAML, {2 * k} steps: {degrees(ours, theirs):.4f}° apart")
    assert torch.allclose(ours, theirs)


# %% [markdown]
# ## Reptile: go where training ends
#
# Reptile (Nichol et al. 2018, arXiv 1803.02999) has no query set at all. Train on each task for a few
# steps, and move $\theta$ *towards* where they end: $\theta + \beta\,\overline{(\theta_k - \theta)}$, with
# the mean over tasks.
#
# ### Exercise 05.2: Reptile
#
# Write that outer step. `tasks` is a list of `(x, y)`; you may call `adapt`.
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
# To hand it to Adam like the others, the package reads $\theta - \theta_k$ as a gradient, and takes support
# and query points together. *Predict:* with **one** inner step, what is left of Reptile? Here it is on 25
# waves, at the meta-trained $\theta$ of lesson 02:

# %%
trained, tasks = checkpoint.load("sine-maml"), SinusoidTasks()
net = trained.learner.model
theta = {n: p.double() for n, p in trained.theta.items()}
drawn = tasks.sample(25, shots=5, queries=10, generator=torch.Generator().manual_seed(5))
batch = TaskBatch(*(part.double() for part in drawn[:4]))


# %%
def flat(gradient):
    return torch.cat([gradient[n].flatten() for n in net.shapes()])


def arrow(learner):
    return flat(meta_gradient(learner, theta, batch)[0])


for k in (1, 2, 5):
    off = degrees(arrow(Reptile(net, inner_steps=k)), arrow(Joint(net)))
    print(f"{k} inner steps: {off:.1f}° from joint training")


# %% [markdown]
# With one step Reptile *is* joint training, which cannot learn to adapt (lesson 01). So whatever Reptile knows of
# adapting sits in its later steps. What is in them?
#
# ### Why it learns: minibatches that agree
#
# Its authors answer with a Taylor series. Cut a task's points into $k$ **minibatches**; each inner step sees one of
# them. With $g_i$ and $H_i$ for gradient and Hessian of minibatch $i$ at $\theta$, all three meta-gradients are made of
# two means over the minibatches, up to terms in $\alpha^2$ (their section 5.1):
#
# $$\underbrace{G = \overline{g_i}}_{\text{"AvgGrad": joint training's}} \qquad
# \underbrace{D = \overline{H_i\,g_j} = \tfrac12 \nabla\, \overline{g_i \cdot g_j},\; i \ne j}_{\text{"AvgGradInner": the way to more agreement}}$$
#
# | | goes down |
# |---|---|
# | MAML, $k - 1$ inner steps, the last minibatch is its query | $G - 2(k-1)\,\alpha\, D$ |
# | FOMAML, the same | $G - \phantom{2}(k-1)\,\alpha\, D$ |
# | Reptile, all $k$, divided by $\alpha$ | $k\,G - \tfrac12 k(k-1)\,\alpha\, D$ |
#
# To go *down* $-D$ is to go along $D$: to make the gradients of a task's minibatches agree, so that a step for some points
# helps the others. That is what all three have beyond joint training; only the share of it differs. Is it true? Walk
# it, one step on each minibatch:

# %%
def walk(model_loss, theta, sets, inner_lr):
    for x, y in sets:
        theta = adapt(model_loss, theta, x, y, inner_lr=inner_lr, inner_steps=1)[-1]
    return theta


def three(model_loss, theta, sets, inner_lr):
    *inner, last = sets
    end = walk(model_loss, theta, inner, inner_lr)
    maml = grad(lambda t: model_loss(walk(model_loss, t, inner, inner_lr), *last))(theta)
    fomaml = grad(model_loss)(end, *last)
    end = walk(model_loss, theta, sets, inner_lr)
    return maml, fomaml, {n: (p - end[n]) / inner_lr for n, p in theta.items()}


# %% [markdown]
# The formulas hold for the mean over the orders in which minibatches may come, so take all $k!$ of them. Then
# measure: how many times $\alpha D$ is missing from $G$ (from $k\,G$, for Reptile)? (Folded: the two means, and the
# networks. One is yours, with ReLU; one has $\tanh$ in its place, which is smooth.)

# %% jupyter={"source_hidden": true}
fresh = {n: p.double() for n, p in net.init(generator=torch.Generator().manual_seed(0)).items()}


def smooth(theta, x):
    for layer in (0, 2):
        x = torch.tanh(x @ theta[f"{layer}.weight"].T + theta[f"{layer}.bias"])
    return x @ theta["4.weight"].T + theta["4.bias"]


# %% jupyter={"source_hidden": true}
def two_means(model_loss, theta, sets):
    slopes, products = [grad(model_loss)(theta, *one) for one in sets], []
    for i, one in enumerate(sets):
        _, pull = vjp(lambda t, one=one: grad(model_loss)(t, *one), theta)
        products += [flat(pull(slope)[0]) for j, slope in enumerate(slopes) if j != i]
    return sum(map(flat, slopes)) / len(slopes), sum(products) / len(products)


# %% [markdown]
# (And the measurement.)

# %% jupyter={"source_hidden": true}
def coefficients(network, theta, k, rates, waves=6):
    """How many times alpha D each lacks of its share of G, at each rate: (rates, 3)."""

    def loss(theta, x, y):
        return mse_loss(network(theta, x), y)

    def at_rate(rate):
        def one(x, y):
            return torch.stack(
                [flat(g) for g in three(loss, theta, list(zip(x, y, strict=True)), rate)]
            )

        return vmap(one)(*in_all_orders).mean(0)

    points = tasks.sample(waves, shots=5 * k, queries=1, generator=torch.Generator().manual_seed(1))
    sets = [part.double().reshape(waves, k, 5, 1) for part in points[:2]]  # k minibatches of five
    orders = torch.tensor(list(permutations(range(k))))
    in_all_orders = [part[:, orders].flatten(0, 1) for part in sets]
    means = vmap(lambda x, y: two_means(loss, theta, list(zip(x, y, strict=True))))(*sets)
    G, D = (part.mean(0) for part in means)
    lacking = torch.tensor([1.0, 1.0, k]).double()[:, None] * G - torch.stack(
        [*map(at_rate, rates)]
    )
    return lacking @ D / (torch.tensor(rates).double()[:, None] * (D @ D))


# %% [markdown]
# (Folded, too: the picture of it.)

# %% jupyter={"source_hidden": true}
def expansion(k, network, highest):
    rates = [highest * 10 ** (-part / 2) for part in range(5, -1, -1)]
    model, at = networks[network]
    measured, names = coefficients(model, at, k, rates), ("MAML", "FOMAML", "Reptile")
    told = dict(zip(names, (2 * (k - 1), k - 1, k * (k - 1) / 2), strict=True))
    x = torch.tensor(rates).numpy()
    return scenes.CurvesTrace(
        f"k = {k}: how many times α D is missing, measured and expected",
        "inner_lr (α)",
        "times",
        {n: (x, measured[:, i].numpy()) for i, n in enumerate(names)},
        {n: (x, 0 * x + level) for n, level in told.items()},
        log_x=True,
        y_range=(-1.0, 8.0),
    )


# %%
networks = {
    "tanh, fresh": (smooth, fresh),
    "ReLU, fresh": (net, fresh),
    "tanh, with the trained weights": (smooth, theta),
    "ReLU, meta-trained": (net, theta),
}

# %% [markdown]
# *Predict* from the table where the three curves end at the left, for $k = 2, 3, 4$. Then move $k$ and the largest
# $\alpha$, and last the network.

# %%
explore(
    expansion,
    k=Slider("minibatches (k)", 2, 4, value=3),
    highest=Slider("largest inner_lr (α)", 1e-3, 3e-2, value=1e-2, log=True),
    network=Choice("network", list(networks), value="tanh, fresh"),
)

# %% [markdown]
# With $\tanh$ all three go to their coefficients as $\alpha \to 0$. With ReLU they come near, and then stay
# beside them however small $\alpha$ gets. A Taylor series asks for a smooth function, and ReLU has kinks: a
# step across one changes the gradient by a jump, the chance of that is proportional to $\alpha$, and so it
# adds a term of the very order that is measured. At the meta-trained $\theta$ and lesson 04's $\alpha = 0.01$
# even the smooth network is far from its series. So the expansion says what the cousins have in common,
# not how much MAML gains at the $\alpha$ that it is used with.
#
# One more thing follows from it: give every step *all* points, and $D$ is $\tfrac12\nabla |G|^2$ instead. That
# favours a small gradient, and no agreement between different points. Minibatches are no matter of speed here; they are
# the mechanism. The package's learner takes `Reptile(net, minibatch=5)`; you will see what it makes of that.
#
# ## iMAML: only the end counts
#
# **iMAML** (Rajeswaran et al. 2019, arXiv 1909.04630) asks another question: not "what after $k$ steps?" but
# "what at the *minimum* of $L^{\text{support}}(\phi) + \tfrac\lambda2 |\phi - \theta|^2$?" There an
# equation, $\nabla L(\phi) + \lambda(\phi - \theta) = 0$, says how $\phi$ moves with $\theta$, however it was
# reached: the gradient is $(I + H/\lambda)^{-1} g$, and no graph of the steps is kept. On the toy's bowls the answer
# is known exactly:

# %%
A, d = x.mT @ x, (w - c)[:, :, None]
pull = torch.linalg.inv(torch.eye(2).double() + A / 2)  # λ = 2
exact = (pull @ A @ (pull @ d)).mean(0)[:, 0]  # φ - c = pull @ d
for inner_steps in (2, 5, 20, 200):
    found = toy_arrow(IMAML(linear, inner_lr=0.1, inner_steps=inner_steps, strength=2.0), w)
    print(f"{inner_steps:3} inner steps: {degrees(-exact, found):.2f}° off")


# %% [markdown]
# It is exact once the inner loop has converged, and only then. It also needs $I + H/\lambda$ to be positive; where a
# network's support loss curves downwards, $\lambda$ must exceed its steepest downward curvature.
#
# ## What is saved
#
# **Memory.** To differentiate through the steps, autograd must keep the graph of all of them. A first-order learner lets go
# of each step's graph as soon as it has its gradient. Count what is kept at the worst moment, for one task
# of five points:

# %%
def most_kept(inner_steps, second_order):
    kept, state = [0], {n: p.clone().requires_grad_() for n, p in theta.items()}

    def put_aside(tensor):
        kept[-1] += tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(put_aside, lambda tensor: tensor):
        for _ in range(inner_steps):
            loss, at = (
                mse_loss(net(state, batch.support_x[0]), batch.support_y[0]),
                [*state.values()],
            )
            slope = torch.autograd.grad(loss, at, create_graph=second_order)
            kept += [] if second_order else [0]  # the graph of this step is gone
            state = {n: p - 0.01 * s for (n, p), s in zip(state.items(), slope, strict=True)}
        mse_loss(net(state, batch.query_x[0]), batch.query_y[0])
    return max(kept) / 1000


for name, second_order in (("MAML", True), ("FOMAML", False)):
    sizes = ", ".join(f"{most_kept(n, second_order):.0f} kB" for n in (1, 2, 4, 8))
    print(f"{name:>6}: {sizes} at 1, 2, 4, 8 inner steps")

# %% [markdown]
# **Time**, for one meta-gradient of 25 tasks. Other programs run on your machine too. They can make a turn
# slower, never quicker: so take turns, count processor time alone, and keep each one's quickest.

# %%
racers = {
    (of.__name__, n): of(net, inner_lr=0.01, inner_steps=n)
    for of in (MAML, FOMAML, Reptile)
    for n in (1, 4, 8)
}
took = {key: [] for key in racers}
for _ in range(6):
    for key, racer in racers.items():
        began = time.process_time()
        meta_gradient(racer, theta, batch)
        took[key].append(time.process_time() - began)

for n in (1, 4, 8):
    shares = (f"{of} {min(took[of, n]) / min(took['MAML', n]):.2f}" for of, m in racers if m == n)
    print(f"{n} inner steps, as a share of MAML's time:", ", ".join(shares))

# %% [markdown]
# With one inner step there is little to save. With eight, a first-order gradient takes little more than half of the
# time, and its memory has not grown. That is the offer.
#
# ## The price
#
# Train MAML and FOMAML, from the same starts, on the same waves, for 1,000 meta-steps, a fifteenth of lesson
# 04's. Twice, with two seeds. And Reptile and joint training once, to look at later. *Predict:* by how much will
# FOMAML's error after one inner step be larger?

# %%
family = {
    "MAML": MAML(net),
    "FOMAML": FOMAML(net),
    "Reptile": Reptile(net, minibatch=5),
    "joint": Joint(net),
}


def train(name, seed):
    how = Training(steps=1000, shots=5, queries=10, meta_lr=5e-3, seed=seed)
    *_, last = meta_train(family[name], tasks, how)
    return last.theta


# %%
ends = {(name, seed): train(name, seed) for name in ("MAML", "FOMAML") for seed in (0, 1)}
ends |= {(name, 0): train(name, 0) for name in ("Reptile", "joint")}

# %% [markdown]
# Their errors on 600 new waves, the same for all:

# %%
waves = tasks.sample(600, shots=5, queries=100, generator=torch.Generator().manual_seed(9))
errors = {
    key: query_values(family[key[0]], at, waves, inner_steps=10)[:, 1] for key, at in ends.items()
}
for (name, seed), error in errors.items():
    print(f"{name:>8}, seed {seed}: error after one step {Estimate.of(error)}")


# %% [markdown]
# ### Exercise 05.3: pair the comparison
#
# The intervals above overlap, or nearly. But all learners met the *same* waves, and a wave that is hard for one is
# hard for the other. Subtract wave by wave, and what they share drops out. Given `errors` and `reference`, each (seeds,
# waves), return the mean difference of each seed and the half-width of its 95% interval, (seeds,) each.
#
# <details><summary>Hint</summary>A difference per wave first. Then it is exercise 04.3 again, once for each
# seed.</details>

# %% tags=["exercise"]
def my_paired_gap(errors, reference):
    # your lines: return gap, half_width
    ...


exercises.check_paired_gap(my_paired_gap)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def paired_gap(errors, reference):
    gap = errors - reference
    return gap.mean(1), 1.96 * gap.std(1) / math.sqrt(gap.shape[1])


### END SOLUTION
assert exercises.check_paired_gap(paired_gap)

# %% [markdown]
# With your function (or the solution's), FOMAML against MAML on each of the two seeds, and what an unpaired interval
# would be:

# %%
both = [torch.stack([errors[name, seed] for seed in (0, 1)]) for name in ("FOMAML", "MAML")]
apart = [1.96 * (a.var() / 600 + b.var() / 600).sqrt() for a, b in zip(*both, strict=True)]
for seed, (gap, half, wide) in enumerate(zip(*paired_gap(*both), apart, strict=True)):
    print(f"seed {seed}: FOMAML minus MAML {gap:.3f} ± {half:.3f} (unpaired ± {wide:.3f})")

# %% [markdown]
# Two seeds, two answers, and they lie further apart than either interval is wide. The interval says how sure you can
# be about *these two networks*. A claim about *methods* needs several trainings. `python -m benchmarks.sine_family` has
# trained each five times, and measured it on the same 1,000 waves. Where a method has a rate to choose, it was
# chosen among six on other waves, with a seed that is not shown.

# %%
file = Path(maml_edu.__file__).parents[1] / "results" / "sine_family.json"
rows = [row for row in json.loads(file.read_text("utf-8"))["rows"] if "gaps" in row]
lengths = sorted({row["steps"] for row in rows})


# %%
def by_seed(name, steps):
    found = [row for row in rows if (row["contender"], row["steps"]) == (name, steps)]
    return sorted(found, key=lambda row: row["seed"])


def told_gaps(name, other, step):
    for steps in lengths:
        gaps = [row["gaps"][other][step] for row in by_seed(name, steps)]
        print(f"{steps:,} meta-steps:", ", ".join(f"{gap:+.2f} ± {half:.2f}" for gap, half in gaps))


# %% [markdown]
# FOMAML's gaps to MAML after one inner step, a seed each:

# %%
told_gaps("FOMAML", "MAML", step=1)

# %% [markdown]
# Now the other cousins, and any inner step. Each curve is one seed; above 0, MAML is better. *Before you choose Reptile:* which of its two kinds will be nearer to
# MAML?

# %%
against = {
    "FOMAML": "MAML",
    "FOMAML, twice as long": "MAML",
    "FOMAML, tuned": "MAML, tuned",
    "Reptile, minibatches, tuned": "MAML, tuned",
    "Reptile, all points, tuned": "MAML, tuned",
    "ANIL, tuned": "MAML, tuned",
    "joint, tuned": "MAML, tuned",
}


# %% jupyter={"source_hidden": true}
def gaps(name, steps):
    curves, x = {}, torch.arange(1.0, 11).numpy()
    for row in by_seed(name, steps):
        found = [math.nan if gap is None else gap[0] for gap in row["gaps"][against[name]][1:]]
        curves[f"seed {row['seed']}"] = x, torch.tensor(found).numpy()
    return scenes.CurvesTrace(
        f"{name}, minus {against[name]}",
        "inner step",
        "difference of the query errors",
        curves,
        {"MAML": (x, 0 * x)},
        y_range=(-0.4, 1.6),
        whole_x=True,
        caption=f"Each after {steps:,} meta-steps, on the same 1,000 new waves.",
    )


# %% [markdown]
# Move the learner:

# %%
explore(
    gaps,
    name=Choice("learner", list(against), value="FOMAML"),
    steps=Choice("meta-steps", {f"{steps:,}": steps for steps in lengths}),
)

# %% [markdown]
# And all errors after five inner steps, a dot for each seed:

# %%
names = ["MAML, tuned", *[name for name in against if name.endswith("tuned")]]
figure = Figure(figsize=(9, 3.4), layout="constrained")
for ax, steps in zip(
    figure.subplots(1, len(lengths), sharey=True, squeeze=False)[0], lengths, strict=True
):
    for place, name in enumerate(names):
        found = [row["by_inner_step"][5][0] for row in by_seed(name, steps)]
        ax.plot([place] * len(found), found, "o", color=ROLES["adapted"].colour, mfc="none")
    ax.set_xticks(
        range(len(names)), [n.removesuffix(", tuned") for n in names], rotation=25, ha="right"
    )
    ax.set(title=f"{steps:,} meta-steps", ylim=(0, None))
figure.axes[0].set_ylabel("error after 5 inner steps")
says = "Error after five inner steps, a dot for each of five seeds, of " + ", ".join(names)
plots.show(figure, says)

# %% [markdown]
# What the record says, of each of its five seeds at 1,000 meta-steps:
#
# - **FOMAML** errs more than MAML after the same number of meta-steps. How much more is a matter of the seed: from .13 to
#   .49 after one step, each known to ± .05 or better. "A small price" would be a story about two of the seeds.
# - **FOMAML, twice as long**, is level with MAML or ahead of it after one step, and ahead after five. Its training then takes
#   not much more time than MAML's:

# %%
for name in ("MAML", "FOMAML", "FOMAML, twice as long"):
    spent = ", ".join(f"{row['cpu_seconds']:.1f}" for row in by_seed(name, 1000))
    print(f"{name:>22}: {spent} seconds of one core, by seeds")

# %% [markdown]
# - **Reptile** differs from itself only in what its inner steps see. With all points it is behind MAML by .78 to 1.39
#   after one step. With minibatches it is behind by .14 to .27, and by less than .1 after the five steps that it is trained
#   for. So here the minibatches do what the expansion says they are for. (Its authors also use Adam inside.)
# - **ANIL**, whose inner steps move the last layer alone, errs more than MAML after one step, by .15 to .70; lesson 12 asks when it
#   does not. **Joint training** errs more by 1.4 and above.
# - A rate that was chosen with one seed is itself a guess. FOMAML's choice was 0.02. After five steps that is better than 0.01
#   for three of the seeds, and worse for two.
#
# All this is about 1,000 meta-steps on sine waves. On images, Finn et al. (2017) and Nichol et al. (2018) report first-order
# learners about level with MAML.

# %% jupyter={"source_hidden": true}
for k in (2, 3, 4):  # the expansion, on the smooth network
    near = coefficients(smooth, fresh, k, [1e-5])[0]
    assert torch.allclose(
        near, torch.tensor([2 * k - 2, k - 1, k * (k - 1) / 2]).double(), atol=0.01
    )
for row in by_seed("FOMAML", 1000):
    assert row["gaps"]["MAML"][1][0] > row["gaps"]["MAML"][1][1]
for row in by_seed("FOMAML, twice as long", 1000):
    assert row["gaps"]["MAML"][1][0] < 0.05
    assert row["gaps"]["MAML"][5][0] < -row["gaps"]["MAML"][5][1]
for row in by_seed("Reptile, minibatches, tuned", 1000):
    for step in (1, 5):
        gap, half_width = row["gaps"]["Reptile, all points, tuned"][step]
        assert gap < -half_width
for row in by_seed("joint, tuned", 1000):
    assert row["gaps"]["MAML, tuned"][1][0] > 1


# %% [markdown]
# ## One wave, two learners
#
# Set each beside MAML, on the same wave and the same points. Find a wave on which FOMAML is ahead, and the number of
# steps at which joint training catches up with anyone.

# %%
def beside_maml(name, task, shots):
    points = torch.Generator().manual_seed(task)
    wave = tasks.sample(1, shots=shots, queries=50, generator=points).task(0)
    shown = {which: (family[which], ends[which, 0]) for which in ("MAML", name)}
    return traces.comparison(shown, wave, tasks=tasks)


explore(
    beside_maml,
    name=Choice("learner", [name for name in family if name != "MAML"], value="FOMAML"),
    task=Slider("task", 0, 50, value=7),
    shots=Slider("shots", 1, 20, value=5),
)

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("05")

# %% [markdown]
# ## Recap
#
# | learner | steps along the mean over tasks of | leaves out |
# |---|---|---|
# | MAML | $J^\top g$ | |
# | FOMAML | $g$ | $J$ |
# | Reptile | $\theta - \theta_k$, trained on *all* points, in minibatches | $J$, and the query set |
# | iMAML | $(I + H/\lambda)^{-1} g$ | the way: only its end counts |
# | joint training | $\nabla L(\theta)$ | the inner loop |
#
# - On a smooth network and for small $\alpha$, MAML, FOMAML and Reptile all go down the joint gradient and *up* the agreement
#   between a task's minibatches: $2(k-1)$, $k-1$ and $\tfrac12 k(k-1)$ parts of it.
# - At the same length FOMAML errs more than MAML, by a little or by a lot, as the seed has it; at twice the length it
#   does not. Reptile lives on its minibatches.
# - Compare learners on the same waves, subtract wave by wave, and show each seed.
#
# ## What to try
#
# - MAML and FOMAML with `inner_steps=5`, same budget. Which is ahead now, seed by seed?
# - Reptile with `minibatch=1`, and with ten inner steps. Where does it stop paying?
# - Train `IMAML(net, inner_lr=0.01, strength=50.0)` for some hundred steps. What does `meta_train` say? (A
#   gradient step converges while $\alpha\,(H + \lambda) < 2$. Lesson 07 will show you what becomes of $H$.)
#
# **Next, [lesson 06](06_learned_rates.ipynb):** not to leave things out of MAML, but to add some.
