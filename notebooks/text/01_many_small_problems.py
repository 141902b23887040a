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
# # 01 · Many small problems
#
# **You will be able to**
# - say what a *task*, its *support* and *query* set, *shot* and *way* are, and read the shapes of a batch of tasks;
# - derive what one network learns when it is trained on all tasks at once: their mean;
# - say, with a measurement, why "pre-train, then fine-tune" is not what you saw in lesson 00.
#
# About 30 minutes.

# %%
import json
import math
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch.nn.functional import mse_loss

import maml_edu
from maml_edu import exercises
from maml_edu.evaluate import Evaluation, evaluate
from maml_edu.learners import Joint
from maml_edu.models import mlp
from maml_edu.outer import Training, meta_loss, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import SinusoidTasks
from maml_edu.views import plots, traces
from maml_edu.views.scenes.style import ROLES
from maml_edu.views.widgets import Choice, Player, Slider, explore

torch.set_num_threads(1)

# %% [markdown]
# ## A task is a small problem
#
# Machine learning usually means one problem with many examples. Here it is the other way round: many problems, with few
# examples each. One such problem is a **task**. Ours are the paper's sine waves,
# $y = A \sin(x - \varphi)$: each task has its own amplitude $A$, uniform on $[0.1, 5]$, and phase
# $\varphi$, uniform on $[0, \pi]$.

# %%
tasks = SinusoidTasks()
generator = torch.Generator().manual_seed(0)
batch = tasks.sample(4, shots=5, queries=20, generator=generator)
for name in ("support_x", "support_y", "query_x", "query_y"):
    print(f"{name}: {tuple(getattr(batch, name).shape)}")

# %% [markdown]
# A task comes in two parts. The **support** set is what a learner is given to learn from: here 5 points, so these are
# 5-**shot** tasks. The **query** set holds other points of the same wave: on these it is judged, after it
# has learnt. The shapes are (tasks, points, features).
#
# Both belong to *one* task. They are not the training and the test set of your learner: those will
# be sets of **tasks**. So to train on the query sets of training tasks is not cheating; it is how one
# trains for *learning well*, as opposed to fitting well.

# %%
figure = Figure(figsize=(9, 2.5), layout="constrained")
x = torch.linspace(-5, 5, 161)
for i, ax in enumerate(figure.subplots(1, 4, sharey=True)):
    task = batch.task(i)
    ax.plot(x, tasks.truth(task, x), color="0.7")
    ax.plot(*task.query, "d", color=ROLES["query"].colour, mfc="none", ms=5, label="query")
    ax.plot(*task.support, "o", color=ROLES["support"].colour, ms=7, label="support")
    ax.set_title("A = {amplitude:.1f}, φ = {phase:.1f}".format(**task.info), fontsize=10)
ax.legend(fontsize=8, loc="lower right")
plots.show(figure, "Four different sine waves, each with 5 support and 20 query points.")

# %% [markdown]
# All points of a task, support and query, lie on one and the same wave; from task to task the wave changes. That is the
# whole definition, as an assert:

# %%
amplitude, phase = (batch.info[name][:, None, None] for name in ("amplitude", "phase"))
assert torch.allclose(batch.support_y, amplitude * torch.sin(batch.support_x - phase))
assert torch.allclose(batch.query_y, amplitude * torch.sin(batch.query_x - phase))


# %% [markdown]
# One word is left: **way**, the number of classes in a task that asks "which of these?". A wave has no
# classes, so it waits for the lessons on pictures. "5-way 1-shot" will mean: five classes, one example of each.
#
# ### Exercise 01.1: make a task
#
# Write `sample_task(amplitude, phase, shots, queries, generator)`: draw `x` uniformly from $[-5, 5]$ and return
# `(support_x, support_y), (query_x, query_y)` of **one** task, each tensor of shape (points, 1).
#
# <details><summary>Hint</summary>
#
# `torch.rand(n, 1, generator=generator)` is uniform on $[0, 1)$. Draw all `shots + queries` points first, and
# split them then: so no point can be in both sets.
#
# </details>

# %% tags=["exercise"]
def sample_task(amplitude, phase, shots, queries, generator):
    # your lines: return (support_x, support_y), (query_x, query_y)
    ...


exercises.check_sample_task(sample_task)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def sample_task_solution(amplitude, phase, shots, queries, generator):
    x = -5 + 10 * torch.rand(shots + queries, 1, generator=generator)
    y = amplitude * torch.sin(x - phase)
    return (x[:shots], y[:shots]), (x[shots:], y[shots:])


### END SOLUTION
assert exercises.check_sample_task(sample_task_solution)

# %% [markdown]
# ## The obvious idea: one network for all
#
# You have a thousand waves. Why not train one network on all their points, as you always do? Its objective, over the
# weights $\theta$, is the mean loss over tasks $\mathcal T$ and their points:
#
# $$\min_\theta \; \mathbb E_{\mathcal T}\, \mathbb E_{(x, y) \in \mathcal T} \big(f_\theta(x) - y\big)^2$$
#
# The learner `Joint` has this objective. To see that it is nothing but the mean squared error of all points
# in one heap:

# %%
model = mlp(1, 40, 40, 1)
joint = Joint(model, inner_lr=0.01)
fresh = model.init(generator=torch.Generator().manual_seed(1))
all_x = torch.cat([batch.support_x, batch.query_x], dim=1)
all_y = torch.cat([batch.support_y, batch.query_y], dim=1)
assert torch.isclose(meta_loss(joint, fresh, batch), mse_loss(model(fresh, all_x), all_y))

# %% [markdown]
# Now train it: 3,000 steps of Adam, each on 25 new waves. That takes a few seconds. **While it runs, guess:** a
# network that sees 75,000 different waves, and must answer to each `x` with one number: what will its curve look like?

# %%
run = meta_train(joint, tasks, Training(steps=3000, meta_batch=25, meta_lr=3e-3, seed=0))
state = list(run)[-1]  # it yields a state every 100 steps
joint_theta = state.theta
print(f"mean squared error over its last 100 steps: {state.meta_loss:.2f}")

# %% [markdown]
# Here is its curve, over forty of the waves that it was trained to fit. One training may be an accident, so here are
# four more beside it, from other starts and on other waves:

# %%
thetas = [joint_theta]
for seed in range(1, 5):
    other = Training(steps=3000, meta_batch=25, meta_lr=3e-3, seed=seed)
    *_, last = meta_train(joint, tasks, other)
    thetas.append(last.theta)

# %%
many = tasks.sample(20_000, shots=1, queries=1, generator=generator)
A, phi = many.info["amplitude"][:, None], many.info["phase"][:, None]
waves = A * torch.sin(x - phi)  # (tasks, points)
curves = [model(theta, x[:, None])[:, 0].detach() for theta in thetas]

figure = Figure(figsize=(7, 3.2), layout="constrained")
ax = figure.subplots()
ax.plot(x, waves[:40].T, color="0.8", linewidth=0.8)
for i, curve in enumerate(curves):
    label = "joint networks, five seeds" if i == 0 else None
    ax.plot(x, curve, color=ROLES["adapted"].colour, linewidth=1.5, label=label)
ax.set(xlabel="x", ylabel="y")
ax.legend(loc="lower right")
plots.show(
    figure, "Five joint networks: one and the same flat wave through the middle of forty others."
)


# %% [markdown]
# It fits hardly any of them, and all five have become the same curve. They did what they were asked to: find the *one*
# curve with the smallest mean error over all waves.
#
# ## What it must become
#
# At each $x$, a number $c = f(x)$ is judged against the $y$ of all waves there. The derivative of
# $\mathbb E\big[(c - y)^2 \mid x\big]$ with respect to $c$ is $2\,(c - \mathbb E[y \mid x])$, so the best $c$ is the
# **conditional mean** $\mathbb E[y \mid x]$. (In exercise 00.2 it was the mean, too.) Amplitude and phase are
# independent, so
#
# $$\mathbb E[y \mid x] = \mathbb E[A]\;\mathbb E_\varphi[\sin(x - \varphi)]
#   = 2.55 \cdot \frac1\pi \int_0^\pi \sin(x - \varphi)\, d\varphi
#   = 2.55 \cdot \frac{\cos(x - \pi) - \cos x}{\pi} = -2.55 \cdot \frac 2\pi \cos x .$$
#
# Is the formula right? And are the networks there? Nobody told them the formula, nor $\pi$. Distances are root mean
# squares over $x$:

# %%
def rms(curve):
    return curve.pow(2).mean().sqrt().item()


mean_wave = -2.55 * 2 / math.pi * torch.cos(x)
print(f"size of the formula's wave: {rms(mean_wave):.3f}")
print(f"distance of the mean of 20,000 waves from it: {rms(waves.mean(0) - mean_wave):.3f}")
far = [rms(curve - mean_wave) for curve in curves]
print("distance of the joint networks from it:", ", ".join(f"{distance:.3f}" for distance in far))
assert rms(waves.mean(0) - mean_wave) < 0.05
assert max(far) < 0.1 * rms(mean_wave)


# %% [markdown]
# ### Exercise 01.2: other waves, another mean
#
# Write `conditional_mean(x, amplitude, phase)` for any ranges, given as pairs `(low, high)`: the exact
# $\mathbb E[y \mid x]$ of $y = A \sin(x - \varphi)$, with $A$ and $\varphi$ uniform on them. Before you do: is it the
# wave that has the mean amplitude and the mean phase?
#
# <details><summary>Hint</summary>
#
# $\frac{d}{d\varphi} \cos(x - \varphi) = \sin(x - \varphi)$. A mean over $[a, b]$ is the integral divided by $b - a$.
#
# </details>

# %% tags=["exercise"]
def conditional_mean(x, amplitude, phase):
    # your lines: return a tensor like x
    ...


exercises.check_conditional_mean(conditional_mean)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def conditional_mean_solution(x, amplitude, phase):
    low, high = phase
    mean_sine = (torch.cos(x - high) - torch.cos(x - low)) / (high - low)
    return sum(amplitude) / 2 * mean_sine


ours = conditional_mean_solution(x, amplitude=(0.1, 5.0), phase=(0.0, math.pi))
assert torch.allclose(ours, mean_wave, atol=1e-5)
### END SOLUTION
assert exercises.check_conditional_mean(conditional_mean_solution)


# %% [markdown]
# ### Exercise 01.3: the floor
#
# Would a larger network do better? Write `floor(y)` for waves `y` of shape (tasks, points), all at the same
# points `x`: the smallest mean squared error that **any** function of `x`, the same for all tasks, can have on
# them. Then compare it with what the joint network reached above.
#
# <details><summary>Hint</summary>
#
# You know the best answer at each point. What is the mean squared error of that answer?
#
# </details>

# %% tags=["exercise"]
def floor(y):
    # your lines: return one number
    ...


exercises.check_floor(floor)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def floor_solution(y):
    best = y.mean(0)  # at each point, over the tasks
    return ((y - best) ** 2).mean()


print(f"no function of x alone gets below {floor_solution(waves):.2f}")
assert abs(state.meta_loss - floor_solution(waves)) < 0.25  # training ended at the floor
### END SOLUTION
assert exercises.check_floor(floor_solution)

# %% [markdown]
# ## But then we fine-tune it!
#
# Of course: nobody expects a pre-trained network to know the new wave. One **fine-tunes** it on the new wave's points. So
# give three networks the same five points and the same ten gradient steps: the joint one, a fresh one, and lesson 00's.
# All have the same layers. Only where they *start* differs.

# %%
maml = checkpoint.load("sine-maml")
starts = {
    "meta-trained": (maml.learner, maml.theta),
    "joint": (joint, joint_theta),
    "fresh": (joint, fresh),
}
new_wave = torch.Generator().manual_seed(388)
task = tasks.sample(1, shots=5, queries=50, generator=new_wave).task(0)
Player(traces.comparison(starts, task, tasks=tasks))

# %% [markdown]
# Look at step 0: "joint" and "meta-trained" begin with almost the same curve. At step 1 the one has jumped onto
# the wave, the other has only leant towards it. That was one wave. On 600 new ones, with 95% intervals:

# %%
errors = {
    name: evaluate(learner, theta, tasks, Evaluation(inner_steps=10))
    for name, (learner, theta) in starts.items()
}
print("inner steps            0                1                5")
for name, error in errors.items():
    print(f"{name:>12}", *(f"{error[step]!s:>16}" for step in (0, 1, 5)))


# %% [markdown]
# What could be known? **Everything.** $A \sin(x - \varphi) = a \sin x + b \cos x$ has two unknowns, the points have no
# noise, and two would do. A learner that is *told* this form, and fits $a$ and $b$ to the five points by least squares:

# %%
def told_the_form(support_x, support_y, x):
    def form(x):
        return torch.cat([x.sin(), x.cos()], -1).double()

    return form(x) @ torch.linalg.lstsq(form(support_x), support_y.double()).solution


fresh_waves = tasks.sample(600, shots=5, queries=100, generator=torch.Generator().manual_seed(1))
known = told_the_form(*fresh_waves.support, fresh_waves.query_x) - fresh_waves.query_y
print(f"error of least squares on 600 waves: mean {known.square().mean():.0e}")
assert known.square().mean() < 1e-9

# %% [markdown]
# So no wave is beyond five points. Every error above is the learner's own, and the question is how much of the form a
# learner has picked up from other waves. Now the claim, with seeds: the five joint networks above; beside them, from
# `results/sine.json`, full runs of MAML and of joint training, the latter at the best of six step sizes (`python -m
# benchmarks.sine_table`, on 10,000 waves). For MAML **one** step; for the others whichever of their steps is best.

# %%
results = Path(maml_edu.__file__).parents[1] / "results" / "sine.json"
rows = json.loads(results.read_text("utf-8"))["rows"]


def recorded(name):  # of each seed: the error before adapting, and after 1, 5 and 10 steps
    runs = [row["by_inner_step"] for row in rows if row["learner"] == name]
    return [[run[step]["mean"] for step in ("0", "1", "5", "10")] for run in runs]


here = [evaluate(joint, theta, tasks, Evaluation(inner_steps=10)) for theta in thetas]
bests = {
    "MAML, one step": [run[1] for run in recorded("maml")],
    "joint, tuned, at its best": [min(run) for run in recorded("joint, tuned")],
    "joint, these five, at their best": [min(error.mean for error in run) for run in here],
    "fresh, tuned, at its best": [min(run) for run in recorded("random init, tuned")],
    "least squares": [known.square().mean().item()],
}

# %%
figure = Figure(figsize=(7, 2.6), layout="constrained")
ax = figure.subplots()
for place, dots in enumerate(reversed(bests.values())):
    ax.plot(dots, [place] * len(dots), "o", color=ROLES["adapted"].colour, mfc="none")
ax.set_yticks(range(len(bests)), reversed(bests))
ax.set(xlabel="mean squared error on new waves, a dot for each seed", xlim=(-0.1, None))
told = "; ".join(f"{name}: {min(dots):.2f} to {max(dots):.2f}" for name, dots in bests.items())
plots.show(figure, f"Errors on new waves, by seeds. {told}.")

# %% [markdown]
# **One step of MAML's network leaves less than half of the error that joint training's leaves at its best**, for every
# seed of either. Fine-tuning does help a joint network. It stays bad nevertheless.

# %% jupyter={"source_hidden": true}
one_step, *others, _ = bests.values()
assert 2 * max(one_step) < min(map(min, others))
assert max(map(max, others[:2])) < min(others[2])  # joint training is better than nothing


# %% [markdown]
# ### "Then its step size is wrong"
#
# A good objection: 0.01 is what the *other* network practised with. The record's were tuned, but on ten steps. So let your
# own have the best of five step sizes and of twenty steps, chosen with hindsight on these very tasks. (Where a run
# diverges, the mean is no number, and is left out.)

# %%
def at_its_best(inner_lr):
    learner = Joint(model, inner_lr=inner_lr)
    after = evaluate(learner, joint_theta, tasks, Evaluation(inner_steps=20))
    return min((e for e in after if math.isfinite(e.mean)), key=lambda e: e.mean)


by_rate = {rate: at_its_best(rate) for rate in (0.001, 0.003, 0.006, 0.01, 0.02)}
print(*(f"inner_lr {rate:<5}: {best}" for rate, best in by_rate.items()), sep="\n")
assert min(best.mean for best in by_rate.values()) > 2 * max(one_step)

# %% [markdown]
# ## Two objectives
#
# The objectives give the reason. With $L$ a task's loss and $\alpha$ the step size:
#
# $$\text{joint:}\quad \min_\theta\; \mathbb E_{\mathcal T}\; L_{\text{all points}}(\theta)
# \qquad\qquad
# \text{MAML:}\quad \min_\theta\; \mathbb E_{\mathcal T}\; L_{\text{query}}\big(\underbrace{\theta -
# \alpha \nabla L_{\text{support}}(\theta)}_{\text{adapted to } \mathcal T}\big)$$
#
# Joint training judges $\theta$ **as it stands**. No step of adapting occurs in its objective, so nothing in its training
# asks for steps that go far. MAML judges $\theta$ by **where a step from it leads**. To add up the tasks' losses *at
# theta* is therefore not a simple MAML; it is the other objective.

# %% [markdown]
# This has a consequence that surprises most people. *Before* adapting, the meta-trained network is no better than the
# joint one: both sit near the mean wave. The error at theta cannot tell which of the two will learn. **A theta that predicts badly
# is no failure**: it is not meant to predict.

# %%
maml_curve = model(maml.theta, x[:, None])[:, 0].detach()
print(f"distance of its theta from the mean wave: {rms(maml_curve - mean_wave):.2f}")
for name in ("maml", "joint"):
    before = ", ".join(f"{run[0]:.3f}" for run in recorded(name))
    print(f"{name}, error before adapting, by seeds: {before}")

# %% jupyter={"source_hidden": true}
before = [run[0] for name in ("maml", "joint") for run in recorded(name)]
assert max(before) - min(before) < 0.05


# %% [markdown]
# ## Your waves
#
# Choose a wave, how many points of it to show, and who starts. Each move runs the real network. Some things to
# look for: the meta-trained one with 1 or 2 shots; with 20; amplitude 5 at either end of the phase; and
# `draw`, which shows other points of the same wave. A run that flies off says so. (The network practised with one step from
# five points; about fewer points, and more steps, it has promised nothing.)

# %%
def watch(amplitude, phase, shots, draw, start):
    learner, theta = starts[start]
    points = torch.Generator().manual_seed(draw)
    wave = {"amplitude": amplitude, "phase": phase}
    one = tasks.sample(1, shots=shots, queries=50, generator=points, **wave)
    return traces.adaptation(learner, theta, one.task(0), tasks=tasks, name=start)


explore(
    watch,
    amplitude=Slider("amplitude", 0.1, 5.0, step=0.1, value=4.0),
    phase=Slider("phase", 0.0, 3.14, step=0.02, value=0.6),
    shots=Slider("shots", 1, 20, value=5),
    draw=Slider("draw", 1, 20, value=10),
    start=Choice("start from", list(starts), value="joint"),
)

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("01")

# %% [markdown]
# ## Recap
#
# - A **task** is one small problem: a **support** set to learn from (its size is the number of **shots**) and a **query**
#   set, of the same wave, to be judged on.
# - One network trained on all tasks becomes their **conditional mean**, $-2.55 \cdot \frac 2\pi \cos x$ here. No
#   size of network changes that.
# - Fine-tuned on five points it stays bad, at the best of the step sizes we gave it: its objective has **no adapted parameters in it**.
# - Theta need not predict well. It is judged by where its steps lead.
#
# **What to try.** Draw the phase from a full circle, `SinusoidTasks(phase=(0, 2 * math.pi))`: what does the formula say
# that the joint network learns? Train it and see. Then give the joint network 100 steps, or 100 points: when
# does it catch up?
#
# Next: [02 · The inner loop](02_the_inner_loop.ipynb), where you write those steps yourself.
