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
# # 02 · The inner loop
#
# *About 30 minutes.* **After this lesson you can**
#
# - write the inner loop of MAML from memory, so that it can itself be differentiated;
# - read a support loss against a query loss, and say what each of them proves;
# - work out how large `inner_lr` may be, and see what happens beyond.
#
# The **inner loop** is what happens *inside* one task: a few steps of gradient descent on
# its support set, starting from the shared parameters $\theta$. Where it ends we call the
# **adapted** parameters, $\theta'$. With the inner learning rate $\alpha$ (`inner_lr`), one step is
#
# $$\theta' = \theta - \alpha\,\nabla L^{\text{support}}(\theta).$$
#
# You know this formula: it is plain gradient descent. What is new is how it has to be
# written.

# %%
import inspect
from dataclasses import replace

import torch
from matplotlib.figure import Figure
from torch.func import grad, vmap
from torch.nn.functional import mse_loss

from maml_edu import exercises
from maml_edu.evaluate import Estimate, Evaluation, evaluate
from maml_edu.inner import adapt
from maml_edu.runs import checkpoint
from maml_edu.views import plots, traces
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)  # the network is tiny: one thread is fastest
trained = checkpoint.load("sine-maml")
model, tasks, theta = trained.learner.model, trained.tasks, trained.theta
fresh = model.init(generator=torch.Generator().manual_seed(0))

# %% [markdown]
# ## Parameters in, parameters out
#
# You have two sets of parameters for one network: `theta`, meta-trained on many sine waves (it
# comes with the course), and `fresh`, just initialised. Each is a plain dict, and the model is a
# **pure function** of it: it holds no numbers of its own.

# %%
task = tasks.sample(1, shots=5, queries=100, generator=torch.Generator().manual_seed(4)).task(0)
print({name: tuple(p.shape) for name, p in theta.items()})
print("five predictions:", model(theta, task.support_x)[:, 0])


# %% [markdown]
# Why not an `nn.Module` and an optimiser? Because `optimizer.step()` overwrites the parameters.
# You will need $\theta$ again for the next task, and lesson 03 will differentiate $\theta'$
# with respect to $\theta$. An overwritten number has no derivative. So each step makes a *new*
# dict:

# %%
def loss_fn(theta, x, y):
    return mse_loss(model(theta, x), y)


def inner_step(theta, x, y, inner_lr):
    loss = loss_fn(theta, x, y)
    grads = torch.autograd.grad(loss, list(theta.values()), create_graph=True)
    pairs = zip(theta.items(), grads, strict=True)
    return {name: p - inner_lr * g for (name, p), g in pairs}


# %% [markdown]
# That is the whole step. `create_graph=True` keeps the gradient itself differentiable; lesson 03
# lives on that. Autograd also wants to be told what it will differentiate by, so you mark
# copies of the parameters with `requires_grad_()`. One step should lower the support loss, leave
# $\theta$ as it was, and give a $\theta'$ that remembers where it came from.

# %%
start = {n: p.clone().requires_grad_() for n, p in theta.items()}
adapted = inner_step(start, *task.support, inner_lr=0.002)
before, after = (loss_fn(t, *task.support).item() for t in (start, adapted))
print(f"support loss {before:.3f} → {after:.3f}")
assert after < before
assert all(torch.equal(start[n], theta[n]) and adapted[n].requires_grad for n in theta)

# %% [markdown]
# `torch.func.grad` says the same more briefly. It takes a function and returns its gradient
# function, with respect to the first argument, in the same shape: here, a dict. Nothing needs
# `requires_grad_()`, and it combines with `vmap`, which you will want soon.

# %%
by_func = grad(loss_fn)(theta, *task.support)
by_autograd = torch.autograd.grad(loss_fn(start, *task.support), list(start.values()))
assert all(torch.allclose(a, b) for a, b in zip(by_func.values(), by_autograd, strict=True))


# %% [markdown]
# ## The loop
#
# Now repeat the step, each time from where the last one ended, and keep *all* states, from
# $\theta$ itself to $\theta'$. With $k$ steps that makes $k + 1$. This loop is half of MAML:

# %%
def inner_loop(theta, x, y, inner_lr, inner_steps):
    states = [theta]
    for _ in range(inner_steps):
        states.append(inner_step(states[-1], x, y, inner_lr))
    return states


# %% [markdown]
# The course's package has this loop as `maml_edu.inner.adapt`, and every learner, plot and
# table from here on goes through it. It must not be a black box to you, so here is its source.
# Its `for` loop is yours, so both must pass through the same states. It adds `first_order`, which
# lesson 03 takes up, `checkpointing` (lesson 31), and rates that may differ by parameter or step.

# %%
print(inspect.getsource(adapt))
for steps in (0, 1, 5):
    mine = inner_loop(start, *task.support, inner_lr=0.005, inner_steps=steps)
    theirs = adapt(loss_fn, theta, *task.support, inner_lr=0.005, inner_steps=steps)
    assert len(mine) == len(theirs) == steps + 1
    for a, b in zip(mine, theirs, strict=True):
        assert all(torch.allclose(a[n], b[n], rtol=1e-5, atol=1e-6) for n in theta)
print("the hand-written loop and adapt agree at every state")


# %% [markdown]
# ### Exercise 02.1: one step, by heart
#
# Scroll the step out of sight and write it again, this time from the model alone:
# `model(theta, x)` gives the outputs, and the loss is their *mean* squared error. Return a new
# dict, through which a gradient can still flow back to `theta`. (The check brings its own
# network.)
#
# <details><summary>Hint</summary>
# Three lines: the loss, its gradients with <code>torch.autograd.grad(...,
# create_graph=True)</code>, and a dict comprehension over <code>theta.items()</code>. With
# <code>torch.func.grad</code> you need the loss as a function of theta.
# </details>

# %% tags=["exercise"]
def my_inner_step(model, theta, x, y, inner_lr):
    # your step: return a new dict, name -> tensor
    ...


exercises.check_inner_step(my_inner_step)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def solution(model, theta, x, y, inner_lr):
    grads = grad(lambda t: ((model(t, x) - y) ** 2).mean())(theta)
    return {name: p - inner_lr * grads[name] for name, p in theta.items()}


### END SOLUTION
assert exercises.check_inner_step(solution)


# %% [markdown]
# ### Exercise 02.2: find the bug
#
# Somebody wrote the loop below. It runs, the support loss falls, and the first step is even
# right. Yet it is not gradient descent. Find out why, then write the repaired
# loop underneath.
#
# ```python
# def broken_loop(loss_fn, theta, x, y, inner_lr, inner_steps):
#     states = [theta]
#     for step in range(inner_steps):
#         grads = torch.func.grad(loss_fn)(theta, x, y)
#         states.append({n: p - inner_lr * grads[n] for n, p in states[-1].items()})
#     return states
# ```
#
# <details><summary>Hint</summary>
# In which parameters is the gradient taken at the third step? And in which should it be?
# </details>

# %% tags=["exercise"]
def repaired_loop(loss_fn, theta, x, y, inner_lr, inner_steps):
    # your loop: return all inner_steps + 1 states
    ...


exercises.check_inner_loop(repaired_loop)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def solution(loss_fn, theta, x, y, inner_lr, inner_steps):
    states = [theta]
    for _ in range(inner_steps):
        # The bug: the gradient was taken at theta each time, so every step was the same.
        grads = grad(loss_fn)(states[-1], x, y)
        states.append({n: p - inner_lr * grads[n] for n, p in states[-1].items()})
    return states


### END SOLUTION
assert exercises.check_inner_loop(solution)

# %% [markdown]
# ## Support loss against query loss
#
# The inner loop sees only the support set, so a falling support loss proves only that gradient
# descent works. Whether the *wave* was learned shows on the query points, which it never sees.
# Both losses, for 200 tasks side by side (`vmap` runs a one-task function on
# many tasks at once):

# %%
batch = tasks.sample(200, shots=5, queries=100, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def both_losses(theta, inner_lr, inner_steps):
    def at_the_end(task):
        states = adapt(loss_fn, theta, *task.support, inner_lr=inner_lr, inner_steps=inner_steps)
        ends = loss_fn(states[-1], *task.support), loss_fn(states[-1], *task.query)
        return torch.stack(ends)

    return [Estimate.of(column) for column in vmap(at_the_end)(batch).unbind(1)]


# %% [markdown]
# Give both parameter sets 300 steps, enough to fit five points with a network of 1,761 numbers,
# and each an `inner_lr` that suits it (the last part of the lesson shows why they differ). Each
# figure is a mean over tasks with its 95% confidence interval.

# %%
found = {}
for name, t, inner_lr in (("fresh", fresh, 0.02), ("meta-trained", theta, 0.004)):
    for steps in (0, 300):
        support, query = found[name, steps] = both_losses(t, inner_lr, steps)
        print(f"{name:>12} after {steps:3} steps: support {support}, query {query}")

# %%
(fresh_support, fresh_query), (support, query) = found["fresh", 300], found["meta-trained", 300]
assert max(fresh_support.mean, support.mean) < 0.3  # both fit their support sets
assert fresh_query.mean > found["fresh", 0][1].mean  # fresh: the query loss rose
assert query.mean + query.half_width < fresh_query.mean / 4

# %% [markdown]
# Both fit their five points. But the fresh network's query loss *rose* as its support loss
# fell: it passes through the points and is wrong between them. That is
# **overfitting**. From the meta-trained $\theta$, the same five points and the same algorithm
# find the wave. What matters is where you start.
#
# ## Before adapting, theta need not be good
#
# Nobody asks $\theta$ itself to predict well: no single function fits all waves. What counts is
# the query loss *after* a few steps, on tasks it has never met. (`evaluate` takes 600 of them.)

# %%
slower = replace(trained.learner, inner_lr=0.005)
five_steps = Evaluation(inner_steps=5, shots=5)
bad = evaluate(slower, fresh, tasks, five_steps)
good = evaluate(slower, theta, tasks, five_steps)
for steps in (0, 1, 5):
    print(f"{steps} steps: fresh {bad[steps]}, meta-trained {good[steps]}")
assert good[0].mean > 2  # theta alone is poor ...
assert good[1].mean + good[1].half_width < good[0].mean / 2  # ... and one step mends it
assert good[5].mean + good[5].half_width < bad[5].mean - bad[5].half_width

# %% [markdown]
# So a poor prediction before the first step is no sign of failure, and to use $\theta$ without
# adapting is to throw away what it was trained for.
#
# Now move it yourself. Drag the *inner step*: function, losses and parameters
# move together. Then try fewer shots, noise on the support points, the fresh network,
# and an `inner_lr` so large that adapting breaks.

# %%
gen = torch.Generator().manual_seed(7)
wave = tasks.sample(1, shots=20, queries=60, generator=gen).task(0)
wobble = torch.randn(wave.support_y.shape, generator=gen)


def watch(inner_lr, shots, noise, theta):
    noisy = wave.support_y + noise * wobble
    seen = wave._replace(support_x=wave.support_x[:shots], support_y=noisy[:shots])
    learner = replace(trained.learner, inner_lr=inner_lr)
    return traces.adaptation(learner, theta, seen, tasks=tasks)


explore(
    watch,
    inner_lr=Slider("inner_lr (α)", 1e-4, 1.0, value=0.005, log=True),
    shots=Slider("shots", 1, 20, value=5),
    noise=Slider("noise on y", 0.0, 1.0),
    theta=Choice("start from", {"meta-trained": theta, "fresh": fresh}),
)


# %% [markdown]
# ## How large may `inner_lr` be?
#
# On a bowl, there is an exact answer. Along a direction of curvature $\lambda$ the loss is
# $\tfrac12\lambda z^2$, its gradient is $\lambda z$, and so a step multiplies $z$ by
# $1 - \alpha\lambda$. That shrinks $z$ only while
#
# $$|1 - \alpha\lambda| < 1, \quad\text{that is}\quad \alpha < \frac{2}{\lambda_{\max}}.$$

# %%
def bowl(theta, x, y):  # curvatures 1 and 10: the bound is 2 / 10
    z = theta["z"]
    return 0.5 * (1.0 * z[0] ** 2 + 10.0 * z[1] ** 2)


# %%
for inner_lr in (0.19, 0.21):
    states = adapt(bowl, {"z": torch.ones(2)}, None, None, inner_lr=inner_lr, inner_steps=100)
    print(f"α = {inner_lr}: the loss goes from 5.5 to {bowl(states[-1], None, None):.3g}")
    assert (bowl(states[-1], None, None) < 5.5) == (inner_lr < 2 / 10)


# %% [markdown]
# A network's loss is no bowl, but near $\theta$ it looks like one, and its curvatures are the
# eigenvalues of the **Hessian** $H$, the matrix of second derivatives. To find the largest,
# multiply a vector by $H$ again and again: it turns into the most curved direction (*power
# iteration*). And $Hv$ is the gradient of $\nabla L \cdot v$, so $H$ itself is never built.

# %%
def hessian_times(v, theta, x, y):
    def slope_along_v(t):
        slope = grad(loss_fn)(t, x, y)
        return sum((slope[n] * v[n]).sum() for n in v)

    return grad(slope_along_v)(theta)


def largest_curvature(theta, x, y, rounds=60):
    v = {n: torch.ones_like(p) for n, p in theta.items()}
    for _ in range(rounds):
        v = hessian_times(v, theta, x, y)
        length = sum((d**2).sum() for d in v.values()).sqrt()
        v = {n: d / length for n, d in v.items()}
    return length  # how much longer H makes a unit vector that points its way


# %% [markdown]
# For 60 tasks, measure $\lambda_{\max}$ at both starts. The paper says that MAML seeks
# parameters to which the loss is *sensitive*: small changes of them improve it much (Finn et
# al. 2017, section 2.2). That is a statement about slopes. Are these places more curved, too?
# *Predict*, then measure.

# %%
few = [part[:60] for part in batch.support]
curved = {}
for name, t in (("fresh", fresh), ("meta-trained", theta)):
    curved[name] = vmap(largest_curvature, in_dims=(None, 0, 0))(t, *few)
    bound = (2 / curved[name]).median()
    print(f"{name:>12}: λ = {Estimate.of(curved[name])}, 2/λ about {bound:.4f}")
assert curved["meta-trained"].median() > 2 * curved["fresh"].median()
assert bound / 3 < trained.learner.inner_lr < 3 * bound

# %% [markdown]
# Look at the second bound: this $\theta$ was meta-trained with one step at $\alpha = 0.01$, which
# is about as large. Meta-training has bent the loss until one step goes as far as a step can.
# That is also why this lesson used smaller rates for many steps.
#
# Now test the bound. Let each task adapt for 20 steps at $\alpha = f \cdot 2/\lambda_{\max}$,
# for factors $f$ from a quarter to 12. Count the tasks whose support loss ever rises, and those
# where it blows up, to over a hundred times its start.

# %%
factors = [0.25, 0.5, 1.0, 1.5, 2, 3, 4, 6, 8, 12]


@torch.no_grad()
def support_losses(x, y, inner_lr):
    states = adapt(loss_fn, theta, x, y, inner_lr=inner_lr, inner_steps=20)
    return torch.stack([loss_fn(state, x, y) for state in states])


rises, blows_up = [], []
for f in factors:
    run = vmap(support_losses)(*few, f * 2 / curved["meta-trained"])
    rises.append((~(run[:, 1:] <= run[:, :-1])).any(1).float().mean().item())
    blows_up.append((~(run <= 100 * run[:, :1])).any(1).float().mean().item())
assert max(rises[0], *blows_up[:2]) <= 0.05  # a quarter and a half are safe
assert rises[factors.index(2)] > 0.5  # twice the bound: most tasks bounce
assert blows_up[-1] > 0.9  # twelve times: nearly all are lost

# %% [markdown]
# At the bound, the loss begins to bounce. But it blows up only at a few times the bound, because
# it is no bowl: thrown out of a steep valley, the network often lands in a flatter one (the
# "catapult" of Lewkowycz et al. 2020, arXiv 2003.02218). So $2/\lambda_{\max}$ is where trouble
# *starts*.

# %%
figure = Figure(figsize=(6.4, 3), layout="constrained")
ax = figure.subplots()
ax.semilogx(factors, rises, "--s", label="support loss rises at some step")
ax.semilogx(factors, blows_up, "-o", label="support loss blows up")
ax.set_xticks(factors, [f"{f:g}" for f in factors], minor=False)
ax.minorticks_off()
ax.axvline(1, color="0.4", linestyle=":")
ax.set(xlabel="inner_lr, in units of 2 / λ", ylabel="share of 60 tasks")
ax.legend()
shares = zip(factors, rises, blows_up, strict=True)
told = [f"{f:g}: {a:.0%} and {b:.0%}" for f, a, b in shares]
plots.show(figure, "Tasks that bounce and that blow up, by factor: " + ", ".join(told))

# %% [markdown]
# ## What is kept
#
# And then? The adapted parameters are **thrown away**. The next task starts at the same
# $\theta$. They are neither saved nor averaged into $\theta$: the only thing that MAML trains
# and ships is $\theta$. What $\theta'$ leaves behind is a *gradient*, and that is
# lesson 03.

# %%
kept = {n: p.clone() for n, p in theta.items()}
ends = [slower.adapt(theta, batch.task(i).support)[-1] for i in range(20)]
assert all(torch.equal(theta[n], kept[n]) for n in theta)
assert all(not torch.equal(ends[0][n], end[n]) for end in ends[1:] for n in theta)


# %% [markdown]
# ### Exercise 02.3: a rate for each parameter
#
# $\alpha$ need not be one number. Write a step in which each parameter has its own: `rates` maps
# some names to a rate, and the parameters that it does not name are **frozen**: they stay as
# they are, and are still in the result. With only the last layer in `rates`, you have the inner
# loop of ANIL (lesson 12).
#
# <details><summary>Hint</summary>
# <code>rates.get(name, 0.0)</code> is 0 for a parameter without a rate, and a step of rate 0 is
# no step.
# </details>

# %% tags=["exercise"]
def my_rates_step(loss_fn, theta, x, y, rates):
    # your step: return a new dict with every name of theta
    ...


exercises.check_rates_step(my_rates_step)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def solution(loss_fn, theta, x, y, rates):
    grads = grad(loss_fn)(theta, x, y)
    return {n: p - rates.get(n, 0.0) * grads[n] for n, p in theta.items()}


### END SOLUTION
assert exercises.check_rates_step(solution)

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("02")

# %% [markdown]
# ## Recap
#
# - The inner loop is gradient descent on one task's support set, written without overwriting:
#   a dict in, a new dict out, so that $\theta'$ stays a differentiable function of $\theta$.
# - The support loss shows that adapting works; the query loss shows whether it taught anything.
# - $\theta$ need not predict well. It is where a few steps go far, and the only thing kept.
# - Trouble starts at $\alpha = 2/\lambda_{\max}$, and meta-training makes $\lambda_{\max}$ larger.
#
# **What to try.** In the player: the largest `inner_lr` at which the support loss still falls at
# every step, for both starts. One shot: what does the meta-trained network make of a single
# point? Noise 1 with 5 shots, then with 20.
#
# Next: [03 · The outer loop](03_the_outer_loop.ipynb), where $\theta$ is found.
