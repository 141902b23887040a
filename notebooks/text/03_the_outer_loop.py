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
# # 03 · The outer loop
#
# *About 60 minutes.* **After this lesson you can**
#
# - state what MAML minimises, and show that pre-training minimises something else;
# - derive its gradient for one inner step and for many, and say what `create_graph` does;
# - write the outer loop by hand, and fast with `vmap`, and prove that both are right.
#
# The inner loop of lesson 02 takes $\theta$ to the adapted $\theta'_i$ on the support set of task
# $i$. The **outer loop** moves $\theta$ itself. It minimises the *query* loss, *after* adapting,
# averaged over tasks:
#
# $$\min_\theta\ \frac1n \sum_i L_i^{\text{query}}(\theta'_i)\,,\qquad
# \theta'_i = \theta - \alpha\,\nabla L_i^{\text{support}}(\theta)\,.$$
#
# Look for $\theta'_i$ in it. An objective without adapted parameters is not MAML's.

# %%
import itertools
import time
from dataclasses import replace

import numpy
import torch
from matplotlib.figure import Figure
from torch.func import grad, jvp, vjp, vmap
from torch.nn.functional import mse_loss

from maml_edu import exercises
from maml_edu.evaluate import Evaluation, evaluate
from maml_edu.inner import adapt
from maml_edu.learners import MAML
from maml_edu.outer import Training, meta_gradient, meta_loss, meta_step, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import TaskBatch
from maml_edu.views import plots, traces
from maml_edu.views.widgets import Player, Slider, explore

torch.set_num_threads(1)
numpy.set_printoptions(precision=3, suppress=True)


# %% [markdown]
# ## A toy that you can see through
#
# Take the smallest network there is, one linear layer with two weights, and two tasks. Task $i$
# asks for the weights $c_i$. Its loss is a bowl,
# $\tfrac12(\theta - c_i)^\top A_i\,(\theta - c_i)$ with $A_i = x_i^\top x_i$: steep in one
# direction (curvature 9) and shallow in the other (1).

# %%
def linear(theta, x):
    return x @ theta["w"]


def half_squares(outputs, y):
    return 0.5 * ((outputs - y) ** 2).sum()


def tensor(rows):
    return torch.tensor(rows, dtype=torch.float64)


c = tensor([[-1, 1], [1, -1]])
x = tensor([[[3, 0], [0, 1]], [[1, 0], [0, 3]]])
query_x = tensor([[1, 1], [1, -1]]) / 2**0.5 @ x  # other points, the same bowl
y, query_y = ((points @ c[:, :, None])[..., 0] for points in (x, query_x))
toy, A = TaskBatch(x, y, query_x, query_y), x.mT @ x
print("the two bowls:", *A.numpy())

# %% [markdown]
# On a bowl, one inner step multiplies the distance to $c_i$ by $P_i = I - \alpha A_i$. So MAML's
# loss is a bowl again, with $P_i A_i P_i$ in the place of $A_i$. **Pre-training**, that is
# minimising the mean loss *at* $\theta$, has no $P_i$. Compute both minimisers:

# %%
alpha = 0.1
P = torch.eye(2, dtype=torch.float64) - alpha * A


def lowest(bowls):  # where the mean of (θ - c)ᵀ bowl (θ - c) is least
    return torch.linalg.solve(bowls.mean(0), (bowls @ c[:, :, None]).mean(0)[:, 0])


pretrained, maml = lowest(A), lowest(P @ A @ P)
print("pre-training ends at", pretrained.numpy(), "and MAML at", maml.numpy())


# %% [markdown]
# Two different answers to "a good start". Pre-training heeds the steep directions, where being
# wrong costs most *now*. MAML leaves those to the inner step, which mends them anyway, and heeds
# the shallow ones, where a step gets nowhere. Compare the losses before and after adapting:

# %%
def mean_bowl(bowls, theta):
    d = theta - c
    return 0.5 * (d[:, None] @ bowls @ d[:, :, None]).mean()


# %%
for name, at in (("pre-training", pretrained), ("MAML", maml)):
    before, after = mean_bowl(A, at), mean_bowl(P @ A @ P, at)
    print(f"{name:>12}: loss {before:5.2f} at θ, {after:5.2f} after adapting")
assert mean_bowl(A, pretrained) < mean_bowl(A, maml) / 5
assert mean_bowl(P @ A @ P, maml) < mean_bowl(P @ A @ P, pretrained) / 5

# %% [markdown]
# Each wins at its own game, and the game you want to win is the second. The picture shows MAML's
# objective. (The hollow square is a $\theta$ that you will start from later.) Pre-training's
# answer lies high up the slope, so "minimise the mean loss at $\theta$" is not a simplified MAML.
# It is a different method.

# %%
minima = {"pre-training's minimum": pretrained, "MAML's minimum": maml}
square = {"x_range": (-2, 2), "y_range": (-2, 2), "resolution": 41}
picture = traces.plane(
    lambda w: mean_bowl(P @ A @ P, w),
    tensor([-1.5, 0.5]),
    arrows={},
    points=minima,
    title="MAML's objective, after one inner step",
    **square,
)
plots.picture(picture)


# %% [markdown]
# ## The gradient through a step
#
# To go down this objective you need its gradient, the **meta-gradient**. $\theta$ enters through
# $\theta'_i$, so the chain rule puts the Jacobian of the inner step in front. With $H_i$, the
# Hessian of the support loss at $\theta$,
#
# $$\nabla_\theta\, L_i^{\text{query}}(\theta'_i) =
# \underbrace{(I - \alpha H_i)}_{\text{how } \theta'_i \text{ moves with } \theta}
# \;\nabla L_i^{\text{query}}(\theta'_i)\,.$$
#
# With $k$ steps there is one such factor a step, each at the state where that step
# was taken:
#
# $$(I - \alpha H_i(\theta_0))\,(I - \alpha H_i(\theta_1)) \cdots (I - \alpha H_i(\theta_{k-1}))
# \;\nabla L_i^{\text{query}}(\theta_k)\,.$$
#
# Nobody builds these matrices. Autograd multiplies them, if you let it: that is what
# `create_graph` is for. Here is one task's loss, by hand, with a switch:

# %%
def task_loss(loss_fn, theta, task, inner_lr, inner_steps, create_graph=True):
    state = theta
    for _ in range(inner_steps):
        loss = loss_fn(state, *task.support)
        at = list(state.values())
        grads = torch.autograd.grad(loss, at, create_graph=create_graph)
        pairs = zip(state.items(), grads, strict=True)
        state = {name: p - inner_lr * g for (name, p), g in pairs}
    return loss_fn(state, *task.query)


# %% [markdown]
# The mean over tasks is a plain Python loop, and its gradient one more call. These three
# functions are MAML's outer loss in full.

# %%
def loop_loss(loss_fn, theta, batch, **how):
    tasks = [batch.task(i) for i in range(len(batch.support_x))]
    losses = [task_loss(loss_fn, theta, task, **how) for task in tasks]
    return torch.stack(losses).mean()


# %%
def loop_gradient(loss_fn, theta, batch, **how):
    theta = {n: p.clone().requires_grad_() for n, p in theta.items()}
    loss = loop_loss(loss_fn, theta, batch, **how)
    grads = torch.autograd.grad(loss, list(theta.values()))
    return dict(zip(theta, grads, strict=True))


# %% [markdown]
# To judge it, you need something that knows nothing of autograd: **finite differences**. Move
# each weight a little both ways, and measure how the loss changes. And a number for how far two
# gradients differ: the angle between them.

# %% jupyter={"source_hidden": true}
def differences(objective, w, small=1e-5):
    moves = small * torch.eye(len(w), dtype=w.dtype)
    changes = [objective(w + move) - objective(w - move) for move in moves]
    return torch.stack(changes) / (2 * small)


def degrees_between(a, b):
    cosine = (a @ b) / (a.norm() * b.norm())
    return torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))).item()


# %% [markdown]
# Now the experiment: the meta-gradient with and without `create_graph`, beside finite
# differences and beside the closed form for bowls, the mean of $P_i^k A_i P_i^k\,(\theta - c_i)$.

# %% jupyter={"source_hidden": true}
def bowl_loss(theta, x, y):
    return half_squares(linear(theta, x), y)


def four_ways(w, k):
    how = {"inner_lr": alpha, "inner_steps": k}
    true = loop_gradient(bowl_loss, {"w": w}, toy, **how)["w"]
    cut = loop_gradient(bowl_loss, {"w": w}, toy, **how, create_graph=False)["w"]
    measured = differences(lambda w: loop_loss(bowl_loss, {"w": w.requires_grad_()}, toy, **how), w)
    Pk = torch.linalg.matrix_power(P, k)
    closed = (Pk @ A @ Pk @ (w - c)[:, :, None]).mean(0)[:, 0]
    return true, cut, measured.detach(), closed


# %%
for k in (0, 1, 2, 5):
    true, cut, measured, closed = four_ways(tensor([-0.5, 0.5]), k)
    apart = degrees_between(true, cut)
    print(f"{k} steps: with {true.numpy()}, without {cut.numpy()}, {apart:.0f}° apart")
    assert torch.allclose(true, closed)
    assert torch.allclose(true, measured, rtol=1e-5)


# %% [markdown]
# Without `create_graph` there was no error and no warning. Each inner gradient counted as a
# constant, so all factors $(I - \alpha H)$ dropped out. What remains,
# $\nabla L_i^{\text{query}}(\theta'_i)$, is the **first-order** gradient. The paper tries it as
# an approximation (section 5.2); who forgets `create_graph` uses it unawares. (With many steps the
# two agree again *here*: the steep directions are learned away, and only the shallow ones are left to
# speak. And look at the figures: *without* at two steps is *with* at one. Lesson 05 says why.)
#
# Now move it. The arrows point downhill from $\theta$: the meta-gradient, finite differences
# (always on top of it) and the first-order gradient. The step slider walks both inner loops.
# `MAML` and `meta_loss` are the package's; you will check them against your own soon.

# %%
def look(inner_steps, inner_lr, w1, w2):
    learner, w = MAML(linear, half_squares, inner_lr, inner_steps), tensor([w1, w2])

    def objective(w, first_order=False):
        return meta_loss(replace(learner, first_order=first_order), {"w": w}, toy)

    true, cut = grad(objective)(w), grad(objective)(w, first_order=True)
    arrows = {"meta-gradient": -true, "finite differences": -differences(objective, w)}
    arrows["first-order"] = -cut
    paths = {}
    for i in (0, 1):
        states = learner.adapt({"w": w}, toy.task(i).support)
        paths[f"inner loop, task {i + 1}"] = torch.stack([s["w"] for s in states])
    title = f"MAML's objective. First-order: {degrees_between(true, cut):.0f}° off"
    return traces.plane(objective, w, arrows=arrows, paths=paths, title=title, **square)


# %%
explore(
    look,
    inner_steps=Slider("inner steps (k)", 0, 8, value=1),
    inner_lr=Slider("inner_lr (α)", 0.0, 0.3, step=0.005, value=0.1),
    w1=Slider("θ, first weight", -2.0, 2.0, step=0.1, value=-0.5),
    w2=Slider("θ, second weight", -2.0, 2.0, step=0.1, value=0.5),
)


# %% [markdown]
# At $k = 0$ or $\alpha = 0$ all arrows agree, as they must: there is no inner step to
# differentiate. Elsewhere the first-order arrow leans towards the steep directions, because it
# lacks the factors that say "the inner loop will see to those". Beyond $\alpha = 2/9$ the inner
# loops diverge, as lesson 02 told you, and the objective gets walls.
#
# ### Exercise 03.1: which one is second-order?
#
# Three snippets from three code bases compute "the MAML gradient" of one task. Which one is
# the true gradient? Write its letter; the check then measures all three.
#
# <details><summary>Hint</summary>
# Follow theta backwards from the last line. Where does the way to it break off?
# </details>

# %% tags=["exercise"]
def a_snippet(loss_fn, theta, support, query, inner_lr):
    theta = {n: p.clone().requires_grad_() for n, p in theta.items()}
    grads = torch.autograd.grad(loss_fn(theta, *support), list(theta.values()))
    adapted = {n: theta[n] - inner_lr * g for n, g in zip(theta, grads, strict=True)}
    grads = torch.autograd.grad(loss_fn(adapted, *query), list(theta.values()))
    return dict(zip(theta, grads, strict=True))


def b_snippet(loss_fn, theta, support, query, inner_lr):
    grads = grad(loss_fn)(theta, *support)
    adapted = {n: theta[n] - inner_lr * grads[n] for n in theta}
    return grad(loss_fn)(adapted, *query)


def c_snippet(loss_fn, theta, support, query, inner_lr):
    def after_a_step(t):
        grads = grad(loss_fn)(t, *support)
        return loss_fn({n: t[n] - inner_lr * grads[n] for n in t}, *query)

    return grad(after_a_step)(theta)


answer = ...  # "a", "b" or "c"
exercises.check_second_order(answer, a=a_snippet, b=b_snippet, c=c_snippet)

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
# a: no create_graph. b: differentiated at the adapted parameters, not with respect to theta.
answer = "c"
### END SOLUTION
assert exercises.check_second_order(answer, a=a_snippet, b=b_snippet, c=c_snippet)


# %% [markdown]
# ### Exercise 03.2: the product of Jacobians
#
# In real tasks, support and query are different samples, so their bowls differ: $A_s, c_s$ and
# $A_q, c_q$. Write the meta-gradient of one such task after $k$ inner steps, with matrices and
# without autograd.
#
# <details><summary>Hint</summary>
# First theta' = c_s + (I - inner_lr A_s)<sup>k</sup> (theta - c_s), then the query gradient
# there, then the k factors in front. <code>torch.linalg.matrix_power</code> helps.
# </details>

# %% tags=["exercise"]
def my_meta_gradient(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps):
    # your formula: return the gradient, a vector as long as theta
    ...


exercises.check_jacobian_product(my_meta_gradient)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def solution(theta, A_s, c_s, A_q, c_q, inner_lr, inner_steps):
    one_step = torch.eye(len(theta), dtype=theta.dtype) - inner_lr * A_s
    all_steps = torch.linalg.matrix_power(one_step, inner_steps)
    adapted = c_s + all_steps @ (theta - c_s)
    return all_steps @ A_q @ (adapted - c_q)


### END SOLUTION
assert exercises.check_jacobian_product(solution)

# %% [markdown]
# ## Downhill
#
# The rest is ordinary: an optimiser walks down the meta-gradient, at a rate $\beta$ (`meta_lr`).
# Run this outer loop on the toy in three versions: without an inner step (pre-training), with
# the graph cut (first-order), and MAML.

# %%
versions = {
    "pre-training": {"inner_lr": alpha, "inner_steps": 0},
    "first-order": {"inner_lr": alpha, "inner_steps": 1, "create_graph": False},
    "MAML": {"inner_lr": alpha, "inner_steps": 1},
}
paths = {}
for name, how in versions.items():
    theta = {"w": tensor([-1.5, 0.5])}
    adam = torch.optim.Adam(theta.values(), lr=0.05)
    paths[name] = [theta["w"].clone()]
    for _ in range(150):
        theta["w"].grad = loop_gradient(bowl_loss, theta, toy, **how)["w"]
        adam.step()
        paths[name].append(theta["w"].clone())
    print(f"{name:>12} ends at {paths[name][-1].numpy()}")

# %% [markdown]
# One loop, three answers, and none of the three raised an error. Scrub through the outer steps:
# first-order MAML settles halfway between pre-training and MAML. How much that costs depends on
# the tasks; lesson 05 measures it on several.

# %%
walked = {name: torch.stack(path).numpy() for name, path in paths.items()}
Player(replace(picture, paths=walked, points={}))

# %% [markdown]
# ## Now on a real network
#
# Nothing changes but `loss_fn`. Take the meta-trained sine network of lesson 02, 25 tasks, and
# two inner steps. In double precision, so that "equal" can be meant strictly.

# %%
trained = checkpoint.load("sine-maml")
model, tasks = trained.learner.model, trained.tasks
theta = {name: p.double() for name, p in trained.theta.items()}
drawn = tasks.sample(25, generator=torch.Generator().manual_seed(3))
batch = TaskBatch(*(part.double() for part in drawn[:4]))


def net_loss(theta, x, y):
    return mse_loss(model(theta, x), y)


how = {"inner_lr": 0.01, "inner_steps": 2}
by_loop = loop_gradient(net_loss, theta, batch, **how)
print({name: f"{part.norm():.3f}" for name, part in by_loop.items()})


# %% [markdown]
# The loop is right, and slow: 25 tiny tasks, one after the other. `vmap` takes a function of
# *one* task and runs it on all of them side by side, by giving every operation inside one more
# axis. You write the simple thing and get the batched one:

# %%
def one_task(task):
    return net_loss(theta, *task.query)


one_by_one = torch.stack([one_task(batch.task(i)) for i in range(25)])
print(one_by_one[:4], vmap(one_task)(batch)[:4], sep="\n")
assert torch.allclose(one_by_one, vmap(one_task)(batch))


# %% [markdown]
# The package's `meta_gradient` is that: `vmap` over the tasks of `MAML.task_loss`, which is
# `adapt`, then the query loss. Is it your loop's gradient? And how much sooner is it there?

# %% jupyter={"source_hidden": true}
def seconds(run, *arguments):
    times = [time.perf_counter()]
    for _ in range(10):
        run(*arguments)
        times.append(time.perf_counter())
    return min(end - start for start, end in itertools.pairwise(times))


# %%
learner = MAML(model, **how)
by_vmap, loss = meta_gradient(learner, theta, batch)
assert all(torch.allclose(by_vmap[n], by_loop[n]) for n in theta)
slow = seconds(lambda: loop_gradient(net_loss, theta, batch, **how))
fast = seconds(meta_gradient, learner, theta, batch)
print(f"equal, and vmap is {slow / fast:.0f} times as fast")

# %% [markdown]
# Two programs may share a mistake, so measure as well. With 1,761 parameters, move along one
# random direction $d$: the loss must change at the rate $\nabla \cdot d$.

# %%
gen = torch.Generator().manual_seed(0)
for _ in range(3):
    d = {n: torch.randn(p.shape, generator=gen).double() for n, p in theta.items()}
    ahead, behind = ({n: theta[n] + s * d[n] for n in d} for s in (1e-7, -1e-7))
    change = meta_loss(learner, ahead, batch) - meta_loss(learner, behind, batch)
    measured = (change / 2e-7).item()
    slope = sum((by_vmap[n] * d[n]).sum() for n in d).item()
    print(f"measured {measured:+.5f}, gradient {slope:+.5f}")
    assert abs(measured - slope) < 1e-3 * abs(slope)


# %% [markdown]
# And where is the product of Jacobians? You can walk it back yourself. Start with the
# query gradient at $\theta'$ and multiply by one factor a step, last step first:
# $v \leftarrow v - \alpha H v$, with the Hessian product of lesson 02.

# %%
def walk_back(theta, task):
    states = adapt(net_loss, theta, *task.support, **how)
    v = grad(net_loss)(states[-1], *task.query)
    for state in reversed(states[:-1]):

        def slope_along_v(t, v=v):
            slope = grad(net_loss)(t, *task.support)
            return sum((slope[n] * v[n]).sum() for n in v)

        Hv = grad(slope_along_v)(state)
        v = {n: v[n] - how["inner_lr"] * Hv[n] for n in v}
    return v


by_product = vmap(walk_back, in_dims=(None, 0))(theta, batch)
largest = max((by_product[n].mean(0) - by_loop[n]).abs().max() for n in theta)
print(f"largest difference from your loop's gradient: {largest:.0e}")
assert largest < 1e-10

# %% [markdown]
# Your loop, `vmap`, measurement and formula all agree. The last piece is the outer step. With
# Adam, in your hand and in the package's `meta_step`:

# %%
mine, theirs = ({n: p.clone() for n, p in theta.items()} for _ in range(2))
my_adam = torch.optim.Adam(mine.values(), lr=1e-3)
for n, p in mine.items():
    p.grad = by_loop[n]
my_adam.step()

their_adam = torch.optim.Adam(theirs.values(), lr=1e-3)
meta_step(lambda t, b: meta_gradient(learner, t, b), their_adam, theirs, batch)
for n in theta:
    moved, their_move = (mine[n] - theta[n]).norm(), (theirs[n] - theta[n]).norm()
    print(f"{n:>8}: moved {moved:.4f}, theirs {their_move:.4f}")
    assert torch.allclose(mine[n], theirs[n], rtol=1e-6)


# %% [markdown]
# ### Exercise 03.3: MAML's loss, by heart
#
# Write the loss of one task after *one* inner step, from memory. `support` and `query` are
# pairs `(x, y)`. It has to be differentiable with respect to `theta`, all the way.
#
# <details><summary>Hint</summary>
# One gradient on the support set, one new dict, one loss on the query set. With
# <code>torch.func.grad</code> there is no graph to forget.
# </details>

# %% tags=["exercise"]
def my_task_loss(loss_fn, theta, support, query, inner_lr):
    # your loss: return a scalar tensor
    ...


exercises.check_task_loss(my_task_loss)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def solution(loss_fn, theta, support, query, inner_lr):
    grads = grad(loss_fn)(theta, *support)
    adapted = {n: p - inner_lr * grads[n] for n, p in theta.items()}
    return loss_fn(adapted, *query)


### END SOLUTION
assert exercises.check_task_loss(solution)


# %% [markdown]
# ### Exercise 03.4: one outer step
#
# Write a step of plain gradient descent on the *mean* of `task_loss(theta, task)` over a list of
# tasks. Before you run it: by what factor would the step change if you took the sum over 25
# tasks? And how would *Adam's* first step change?
#
# <details><summary>Hint</summary>
# <code>torch.func.grad</code> of a function of theta that loops over the tasks. The sum makes the
# gradient 25 times as long. Adam divides by the gradient's own size, so its first step would
# hardly change.
# </details>

# %% tags=["exercise"]
def my_outer_step(task_loss, theta, tasks, meta_lr):
    # your step: return a new dict, name -> tensor
    ...


exercises.check_outer_step(my_outer_step)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def solution(task_loss, theta, tasks, meta_lr):
    def mean_loss(theta):
        return sum(task_loss(theta, task) for task in tasks) / len(tasks)

    grads = grad(mean_loss)(theta)
    return {n: p - meta_lr * grads[n] for n, p in theta.items()}


### END SOLUTION
assert exercises.check_outer_step(solution)


# %% [markdown]
# ## Three things that people stumble over
#
# **Memory grows with the inner steps.** That is no leak. The way back passes every state, so
# `create_graph` keeps each step's tensors until the outer gradient is done. Count what
# autograd puts aside for one task:

# %%
def kilobytes_kept(inner_steps):
    sizes = []
    start = {n: p.clone().requires_grad_() for n, p in theta.items()}

    def put_aside(t):
        sizes.append(t.nbytes)
        return t

    with torch.autograd.graph.saved_tensors_hooks(put_aside, lambda t: t):
        task_loss(net_loss, start, batch.task(0), 0.01, inner_steps)
    return sum(sizes) / 1000


kept = {k: kilobytes_kept(k) for k in (0, 1, 2, 4, 8)}
print(", ".join(f"{k} steps: {size:.0f} kB" for k, size in kept.items()))
per_step = kept[1] - kept[0]
assert abs(kept[8] - kept[0] - 8 * per_step) < 0.05 * kept[8]  # as much for every step


# %% [markdown]
# **The query set is not a test set.** In the outer loop, a whole task is *one* training example,
# and its query set is that example's label: training on it is not cheating. The test set is
# made of *tasks* that training never saw. But the query set must not be the support set again.
# Try it with five seeds, each from the same start and on the same waves:

# %%
class ReusesSupport(MAML):
    def task_loss(self, theta, task):
        adapted = self.adapt(theta, task.support)[-1]
        return self.loss_at(adapted, *task.support)


found, ends = {}, {}
for seed in range(5):
    for kind in (MAML, ReusesSupport):
        settings = Training(steps=600, shots=5, meta_lr=5e-3, seed=seed)
        *_, last = meta_train(kind(model), tasks, settings)
        error = evaluate(kind(model), last.theta, tasks, Evaluation(inner_steps=1, shots=5))[1]
        found[kind.__name__, seed], ends[kind.__name__, seed] = (last.meta_loss, error), last.theta

# %%
figure = Figure(figsize=(7, 2.6), layout="constrained")
for ax, which in zip(figure.subplots(1, 2, sharey=True), range(2), strict=True):
    for seed in range(5):
        pair = [found[kind, seed][which] for kind in ("MAML", "ReusesSupport")]
        pair = [float(getattr(one, "mean", one)) for one in pair]
        ax.plot(["MAML", "ReusesSupport"], pair, "o-", color="#0072b2", mfc="none", linewidth=0.8)
    ax.set_title(("meta-loss at the end", "error on new tasks, after one step")[which])
figure.axes[0].set(ylim=(0, None), ylabel="mean squared error")
plots.show(figure, "Five seeds: who reuses the support set has the lower meta-loss, and errs more.")

# %% [markdown]
# With every seed it looks better while training, and is worse on new tasks: it was asked to fit
# five points that it is then judged by.

# %% jupyter={"source_hidden": true}
for seed in range(5):
    (loss, error), (flattering, worse) = found["MAML", seed], found["ReusesSupport", seed]
    assert flattering < loss
    assert worse.mean - worse.half_width > error.mean + error.half_width


# %% [markdown]
# **First-order is not the same gradient.** Finn et al. (2017, section 5.2) left the second
# derivatives out, lost hardly any accuracy, and offered an explanation: ReLU networks are locally
# almost linear, so their second derivatives are nearly zero. That can be measured. *Predict:* at
# $\alpha = 0.01$, by how many degrees is the first-order gradient off?
#
# And be careful with "linear": were the network exactly linear in its weights, the *squared error* would
# still be a bowl, with the Hessian $\frac2n F^\top F$, where $F$ holds the derivatives of the outputs (it
# is called Gauss-Newton's). So take three gradients: the first-order one, the true one, and the one with
# that matrix in the place of $H$. If the explanation holds, the third will agree with the first.

# %%
def three_gradients(theta, task):
    slope = grad(net_loss)(theta, *task.support)
    adapted = {n: p - 0.01 * slope[n] for n, p in theta.items()}
    g = grad(net_loss)(adapted, *task.query)
    _, to_weights = vjp(lambda t: model(t, task.support_x), theta)
    _, to_outputs = jvp(lambda t: model(t, task.support_x), (theta,), (g,))
    as_bowl = to_weights(2 * to_outputs / to_outputs.numel())[0]  # F'F g, times 2 / n
    _, times_H = vjp(lambda t: grad(net_loss)(t, *task.support), theta)
    curved = times_H(g)[0]
    return [{n: g[n] - 0.01 * part[n] for n in g} for part in (curved, as_bowl)] + [g]


# %% [markdown]
# One batch of 25 tasks would be an anecdote, and so would one $\theta$. Take twenty batches, at five fresh
# networks, at the five that MAML has trained above, and at the course's own, which was trained for 25 times as long:

# %%
def flat(gradient):
    return torch.cat([part.flatten(1) for part in gradient.values()], 1).mean(0)


def angles(theta):
    theta, found = {n: p.double() for n, p in theta.items()}, []
    for seed in range(20):
        drawn = tasks.sample(25, shots=5, generator=torch.Generator().manual_seed(seed))
        batch = TaskBatch(*(part.double() for part in drawn[:4]))
        each = vmap(three_gradients, in_dims=(None, 0))(theta, batch)
        true, bowl, first = map(flat, each)
        found.append([degrees_between(true, first), degrees_between(bowl, first)])
    return tensor(found)


# %%
starts = [model.init(generator=torch.Generator().manual_seed(seed)) for seed in range(5)]
places = {f"fresh {i}": theta for i, theta in enumerate(starts)}
places |= {f"trained {seed}": ends["MAML", seed] for seed in range(5)}
places["the course's"] = trained.theta

# %% [markdown]
# The middle of the twenty angles, their ends, and in the last column the angle that is left if the loss's bowl is all
# there is:

# %%
off = {name: angles(theta) for name, theta in places.items()}
for name, each in off.items():
    (low, middle, high), bowl = each[:, 0].quantile(tensor([0, 0.5, 1])), each[:, 1].median()
    print(
        f"{name:>12}: median {middle:3.0f}° ({low:.0f}° to {high:.0f}°); bowls alone {bowl:3.0f}°"
    )

# %%
figure = Figure(figsize=(9, 3), layout="constrained")
ax = figure.subplots()
for place, each in enumerate(off.values()):
    ax.plot([place - 0.15] * 20, each[:, 0], "o", color="#0072b2", mfc="none", ms=4)
    ax.plot([place + 0.15] * 20, each[:, 1], "x", color="#d55e00", ms=4)
ax.set_xticks(range(len(off)), off, rotation=30, ha="right")
ax.set(ylabel="degrees from the first-order gradient", ylim=(0, 120))
ax.axhline(90, color="grey", linewidth=0.8)
says = "Angles of twenty batches at eleven places: circles the true gradient, crosses the one "
plots.show(figure, says + "of a network that is linear in its weights. They look alike.")

# %% [markdown]
# At a fresh $\theta$ first order is a fair guide. Training takes that away: at each trained $\theta$ half of the
# batches are off by 30 degrees or more, and single ones by a right angle. And the crosses lie where the circles
# are: a network that *is* linear in its weights would show nearly the same angles. So the second derivatives are not
# near zero here, and most of what they do comes from the squared error, not from the network. For these waves the
# paper's explanation does not hold. (It was given for images, and for part of the effect.)
#
# Does first order then *train* worse? An angle at MAML's $\theta$ does not say: FOMAML walks its own way, to its own
# $\theta$. Lesson 05 trains it. What theory does promise is that both agree as $\alpha \to 0$:

# %% jupyter={"source_hidden": true}
medians = {name: each.median(0).values for name, each in off.items()}
highest = max(median[0] for name, median in medians.items() if name.startswith("fresh"))
for name, (angle, of_bowl) in medians.items():
    assert name.startswith("fresh") or min(angle, of_bowl) > 1.5 * highest

# %%
for inner_lr in (1e-4, 1e-3, 1e-2):
    second = replace(learner, inner_lr=inner_lr, inner_steps=1)
    both = (replace(second, first_order=cut) for cut in (False, True))
    pair = [meta_gradient(one, theta, batch)[0] for one in both]
    degrees = degrees_between(*(torch.cat([p.flatten() for p in g.values()]) for g in pair))
    print(f"α = {inner_lr}: {degrees:.1f}° apart")

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("03")

# %% [markdown]
# ## Recap
#
# - MAML minimises the query loss of the *adapted* parameters. Pre-training minimises the loss at
#   $\theta$: another objective, with another minimum.
# - Its gradient has one factor $(I - \alpha H)$ for each inner step. `create_graph=True` keeps
#   them; without it they vanish silently.
# - Loop, `vmap`, finite differences and closed form agree. When you doubt an implementation,
#   measure it against finite differences.
# - Memory grows with inner steps, the query set is training data, and it is not the support set.
#
# **What to try.** In the toy's sliders: where does MAML's minimum go for $k = 1$ as $\alpha$
# passes 0.2, and why? (Compare $|1 - 9\alpha|$ with $|1 - \alpha|$.) Find a $\theta$ from which
# the first-order arrow points *uphill*: an angle above 90°.
#
# Next: [04 · Training MAML on sines](04_training_maml_on_sines.ipynb), all the way to the
# paper's numbers.
