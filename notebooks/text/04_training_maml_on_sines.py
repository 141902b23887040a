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
# # 04 · Training MAML on sines
#
# **You will be able to**
# - meta-train MAML to the paper's quality, live, and say what each setting is for;
# - read its curves honestly: many tasks, and how sure you can be of their mean;
# - set MAML beside its rivals on one task, and in the paper's own table;
# - save what has been learned (and know what that is).
#
# About 40 minutes, of which the network trains for half of one.

# %%
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from IPython.display import HTML, clear_output
from torch.func import vmap

import maml_edu
from maml_edu import exercises
from maml_edu.evaluate import Evaluation, evaluate, query_values
from maml_edu.learners import MAML
from maml_edu.models import mlp
from maml_edu.outer import Training, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import SinusoidTasks
from maml_edu.views import plots, scenes, traces
from maml_edu.views.widgets import Player, Slider, explore

torch.set_num_threads(1)  # tiny networks: more threads only wait for each other

# %% [markdown]
# ## The recipe
#
# In lessons 02 and 03 you wrote both loops. What is left is to run the outer one some thousand times.
#
# | setting | what it is for |
# |---|---|
# | `meta_batch=25` | One wave's meta-gradient mostly says what would help *that* wave. The mean over 25 is less noisy; over more, less noisy still, and slower. |
# | `shots=5, queries=10` | Each task: adapt to 5 points, be judged on 10 others. |
# | `inner_steps=1` | The paper trains through a single inner step, and tests with up to ten. |
# | Adam | It divides each parameter's step by the usual size of its own gradient, so one `meta_lr` suits all layers. |
# | a falling rate | Long steps first, then ever shorter ones along a half cosine: at the end the noise of 25 waves averages out. A short rise before it spares theta Adam's first, barely informed steps. |

# %%
tasks = SinusoidTasks()
learner = MAML(mlp(1, 40, 40, 1), inner_lr=0.01, inner_steps=1)
training = Training(steps=15_000, meta_batch=25, shots=5, queries=10, meta_lr=1e-2)


# %% [markdown]
# ### Exercise 04.1: the schedule
#
# `step` meta-steps of `steps` are done. Return the rate of the next one (without the short rise at the
# start): `meta_lr` at the very first, half of it half-way, and down to 0 along *half* a period of
# the cosine.
#
# <details><summary>Hint</summary>The cosine falls from 1 to −1 while its angle goes from 0 to π. Lift it
# by 1 and halve it, and it falls from 1 to 0.</details>

# %% tags=["exercise"]
def my_meta_rate(step, steps, meta_lr):
    # your lines: return the rate, a number
    ...


exercises.check_meta_rate(my_meta_rate)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def meta_rate(step, steps, meta_lr):
    return meta_lr * 0.5 * (1 + math.cos(math.pi * step / steps))


### END SOLUTION
assert exercises.check_meta_rate(meta_rate)
package = Training(steps=1000, meta_lr=0.01)
assert meta_rate(700, 1000, 0.01) == package.step_size(700)


# %% [markdown]
# ### Exercise 04.2: one meta-step
#
# Move `theta` by one step of `optimiser`, downhill on the **mean** over the batch of
# `learner.task_loss(theta, task)`, and return that mean as it was before the step. `theta`'s tensors are
# the ones that the optimiser was made with. The check takes three steps with the same optimiser.
#
# <details><summary>Hint</summary><code>vmap(learner.task_loss, in_dims=(None, 0))(theta, batch)</code> gives
# one loss per task. Then the three lines of every PyTorch loop you have written.</details>

# %% tags=["exercise"]
def my_meta_step(learner, theta, optimiser, batch):
    # your lines: return the mean loss before the step
    ...


exercises.check_meta_step(my_meta_step)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def one_meta_step(learner, theta, optimiser, batch):
    loss = vmap(learner.task_loss, in_dims=(None, 0))(theta, batch).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.detach()


### END SOLUTION
assert exercises.check_meta_step(one_meta_step)


# %% [markdown]
# ## Train, and watch
#
# `meta_train` is that step in a loop, with the schedule. It yields its state every `every` steps, so we
# can look on: below, one fixed wave with five points, and what the network makes of it after **one**
# inner step. Run both cells, and watch the blue curve find the wave while the grey one, theta, stays
# nowhere near it.

# %%
def wave(amplitude, phase, shots=5, seed=0, source=tasks):
    points = torch.Generator().manual_seed(seed)
    fixed = {"amplitude": amplitude, "phase": phase, "generator": points}
    return source.sample(1, shots=shots, queries=50, **fixed).task(0)


def adapting(theta, task):
    return traces.adaptation(learner, theta, task, tasks=tasks)


untrained = learner.model.init(generator=torch.Generator().manual_seed(0))
window = Player(adapting(untrained, wave(4, 1)), step=1)
window

# %%
states, began = [], time.perf_counter()
for state in meta_train(learner, tasks, training, every=250, progress=True):
    states.append(state)
    window.show(adapting(state.theta, wave(4, 1)))

clear_output(wait=True)  # the progress bar has served
at, seconds = {s.step: s.theta for s in states}, time.perf_counter() - began
print(f"{training.steps:,} meta-steps in {seconds:.0f} seconds")


# %% [markdown]
# That was the paper's experiment, which took it 70,000 meta-steps. (It is quick because `meta_train`
# works out the list of tensor operations of one meta-gradient once, *captures* it, and runs that list at each step;
# `Training(capture=False)` gives the same numbers more slowly.)
#
# All 61 states are kept. Move **meta-steps done** back and forth, on any wave: how much of the way is
# covered by the first thousand? Does it ever get worse for your wave while training goes on?

# %%
def trained_for(meta_steps, amplitude, phase):
    return adapting(at[meta_steps], wave(amplitude, phase))


training_length = explore(
    trained_for,
    meta_steps=Slider("meta-steps done", 0, training.steps, step=250),
    amplitude=Slider("amplitude", 0.1, 5.0, value=4.0),
    phase=Slider("phase", 0.0, math.pi, value=1.0),
)
training_length.step = 1
training_length

# %% [markdown]
# ## The learning curve
#
# One wave is an anecdote, so let us measure: for every third state, the query error on 1,000
# **validation** waves, from 5 points each, after 1, 5 and 10 inner steps. (Neither are these waves
# trained on, nor will they be those of the table at the end.)

# %%
seen = states[::3]
look = Evaluation(n_tasks=1000, queries=30, seed=1)
checks = [evaluate(learner, s.theta, tasks, look) for s in seen]


def curve(k):
    means = [(check[k].mean, check[k].half_width) for check in checks]
    steps = torch.tensor([state.step for state in seen])
    return (steps.numpy(), *torch.tensor(means).T.numpy())


run = traces.training("MAML", states)
plots.picture(replace(run, checks={k: curve(k) for k in (1, 5, 10)}))


# %% [markdown]
# Four things to know before you read such a picture:
#
# - The **meta-loss** is no training loss in the usual sense. It is a *query* loss, after one inner step,
#   on waves that never come twice. So it lies on the check after one step.
# - Each point of it is a mean over 250 meta-steps. A single one, over 25 waves, jumps wildly.
# - The shaded strips say how far a check can be trusted. We come to them soon.
# - theta is trained for **one** step, and asked here for ten. Where five points crowd at a place that
#   theta can move fast, a step may be too long: the error grows from step to step, as at the far end of
#   the `inner_lr` slider in lesson 02. A single such wave spoils the mean of a thousand. If a curve of
#   yours shoots up, this is why.
#
# So which state shall we keep? Not simply the last one: the one with the lowest error after ten steps.
# That choice uses the validation waves up. Their error is no honest figure any more.

# %%
def after_ten_steps(index):
    error = checks[index][10].mean
    return error if math.isfinite(error) else math.inf


kept = min(range(len(seen)), key=after_ten_steps)
theta, check = seen[kept].theta, checks[kept]
print(f"kept: theta after {seen[kept].step:,} meta-steps")

# %%
print(f"before training: {checks[0][1]} after one step, {checks[0][10]} after ten")
print(f"the theta we keep: {check[1]} after one step, {check[10]} after ten")
assert check[1].mean + check[1].half_width < checks[0][1].mean / 3


# %% [markdown]
# ## One task says little
#
# Here is the `theta` that we kept, on 2,000 fresh waves: the query error of each, after one inner step.

# %%
def draw(n_tasks, seed):
    generator = torch.Generator().manual_seed(seed)
    return tasks.sample(n_tasks, shots=5, queries=100, generator=generator)


fresh = draw(2000, seed=2026)
losses = query_values(learner, theta, fresh, inner_steps=10)  # (tasks, inner steps + 1)
one_step = losses[:, 1]

# %%
mean, median = one_step.mean().item(), one_step.median().item()
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.hist(one_step, bins=80, range=(0, 4), color="#0072b2")
ax.axvline(mean, color="#d55e00", label=f"mean {mean:.2f}")
ax.axvline(median, color="black", linestyle=":", label=f"median {median:.2f}")
ax.set(xlabel="query error after one inner step (one wave each)", ylabel="waves")
ax.legend()
plots.show(
    figure,
    "Histogram of 2,000 waves' query errors: most are small, a long tail reaches "
    f"beyond 4; median {median:.2f}, mean {mean:.2f}.",
)

# %% [markdown]
# Most waves do better than the mean: a few bad ones pull it up. So a single wave tells you next to
# nothing, and two means over a handful of waves cannot be compared at all. Who are the bad ones?

# %%
below_mean = (one_step < mean).float().mean().item()
order = one_step.argsort(descending=True)
worst_tenth = (one_step[order[:200]].sum() / one_step.sum()).item()
tall = fresh.info["amplitude"][order[:20]].mean().item()
print(f"{below_mean:.0%} of the waves lie below the mean")
print(f"the worst tenth of them makes {worst_tenth:.0%} of all the error")
print(f"the worst 20 have a mean amplitude of {tall:.1f}, where all have 2.55")
assert below_mean > 0.5

# %% [markdown]
# Here is the worst of all. What is wrong with its five points?

# %%
Player(adapting(theta, fresh.task(int(order[0]))), step=1)


# %% [markdown]
# Tall waves, and points that mislead MAML: they crowd together, or lie by chance near theta's own curve. Is the
# wave lost, then? Not for lesson 01's learner that is told the *form* of all waves: $a \sin x + b \cos x$ has two
# unknowns and no noise, so five points settle it, wherever they lie. *Predict* the error of least squares on these
# twenty worst waves.

# %%
def least_squares(support_x, support_y, x):
    def form(x):
        return torch.cat([x.sin(), x.cos()], -1).double()

    return form(x) @ torch.linalg.lstsq(form(support_x), support_y.double()).solution


# %%
known = least_squares(fresh.support_x, fresh.support_y, fresh.query_x)
lowest = (known - fresh.query_y).square().mean((1, 2))
print(f"the worst 20 waves: MAML {one_step[order[:20]].mean():.1f}")
print(f"least squares {lowest[order[:20]].mean():.0e}, and {lowest.max():.0e} on its worst wave")
assert lowest.max() < 1e-6


# %% [markdown]
# So none of the error is in the tasks: all of it is MAML's, which was never told the form and learned what it
# knows of it from data. That is what 0.6 after one step has to be seen against.
#
# ## How sure is the mean?
#
# Draw other waves, and the mean comes out otherwise. How much? For $n$ waves whose errors have the
# standard deviation $s$, in 95 of 100 draws the true mean lies within
#
# $$\bar L \;\pm\; 1.96\,\frac{s}{\sqrt n}.$$
#
# ### Exercise 04.3: the 95% interval
#
# Given `losses` of shape (tasks, inner steps + 1), return the half-width of the interval at each inner
# step, of shape (inner steps + 1,).
#
# <details><summary>Hint</summary>What was drawn at random, and how many of it are there? The inner steps of
# one wave were not drawn: they belong together.</details>

# %% tags=["exercise"]
def my_half_width(losses):
    # your lines: return one half-width for each inner step
    ...


exercises.check_half_width(my_half_width)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def half_width(losses):
    return 1.96 * losses.std(0) / math.sqrt(len(losses))


### END SOLUTION
assert exercises.check_half_width(half_width)

# %% [markdown]
# Is it true? We can afford to see: split 20,000 fresh waves into groups of $n$, give each group its own
# interval, and count how many hold the mean over all. Four times as many waves should halve the interval,
# and hence 95% of them should still hold.

# %%
crowd = draw(20_000, seed=1)
many = query_values(learner, theta, crowd, inner_steps=1, chunk_size=1000)[:, 1]
width, holds = {}, {}
for n in (10, 40, 160, 640):
    groups = many[: len(many) // n * n].reshape(-1, n).T  # (n, groups)
    halves = 1.96 * groups.std(0) / math.sqrt(n)
    width[n] = halves.mean().item()
    holds[n] = ((groups.mean(0) - many.mean()).abs() <= halves).float().mean().item()
    print(f"n = {n:3}: mean ± {width[n]:.3f}; holds in {holds[n]:.0%} of the groups")

assert 1.7 < width[40] / width[160] < 2.3  # four times the waves, half the width
assert holds[10] < holds[160]

# %% [markdown]
# The width falls as $1/\sqrt n$. But with ten waves the interval promises too much: a long tail is
# easily missed by a small sample, which then looks both better and surer than it is. **Take hundreds of
# tasks, print the interval, and beware of means over few.**
#
# ## The rivals
#
# Four networks, one recipe of ten inner steps at the same `inner_lr`:
#
# - **MAML**: the one that you have just trained.
# - **joint**: one network trained on all waves at once (lesson 01), then fine-tuned.
# - **random**: the network that you started from.
# - **oracle**: told amplitude and phase as two more inputs, so nothing is left to learn from the points.

# %%
joint, oracle = (checkpoint.load(f"sine-{name}") for name in ("joint", "oracle"))
rivals = {  # name: (learner, theta, tasks, inner steps at most)
    "MAML": (learner, theta, tasks, 10),
    "joint": (joint.learner, joint.theta, joint.tasks, 10),
    "random": (learner, at[0], tasks, 10),
    "oracle": (oracle.learner, oracle.theta, oracle.tasks, 0),
}


# %%
def side_by_side(amplitude, phase, shots, seed):
    watched = []
    for name, (rival, start, source, most) in rivals.items():
        task = wave(amplitude, phase, shots, seed, source)  # the same points for all
        options = {"tasks": source, "name": name, "inner_steps": most}
        watched += [traces.adaptation(rival, start, task, **options)]
    return scenes.ComparisonTrace(tuple(watched))


explore(
    side_by_side,
    amplitude=Slider("amplitude", 0.1, 5.0, value=3.0),
    phase=Slider("phase", 0.0, math.pi, value=2.0),
    shots=Slider("shots", 1, 20, value=5),
    seed=Slider("which points", 0, 50, value=0),
)

# %% [markdown]
# Find a wave and points on which joint training wins, if you can. Then count: the whole truth is in the
# means over thousands.
#
# ## The table
#
# The paper's appendix C gives the error on 5 points after 1, 5 and 10 steps. Here it is beside ours:
# measured now, on 2,000 fresh waves; and from `results/sine.json`, which holds full runs of several seeds
# on 10,000 waves (`python -m benchmarks.sine_table`).

# %%
measured = {
    name: evaluate(rival, start, source, Evaluation(inner_steps=most, n_tasks=2000))
    for name, (rival, start, source, most) in rivals.items()
}
results = Path(maml_edu.__file__).parents[1] / "results" / "sine.json"
full_runs = json.loads(results.read_text("utf-8"))["rows"]


def recorded(name):  # inner step -> the error of each seed
    runs = [row["by_inner_step"] for row in full_runs if row["learner"] == name]
    return {int(k): [run[k]["mean"] for run in runs] for k in runs[0]}


def from_to(name):
    errors = [recorded(name)[k] for k in (1, 5, 10)]
    return [f"{min(each):.2f} to {max(each):.2f}" for each in errors]


n_seeds = len(recorded("maml")[1])

# %%
rows = {
    "MAML, the paper": ["0.67", "0.38", "0.35"],
    "MAML, just trained": [measured["MAML"][k] for k in (1, 5, 10)],
    f"MAML, {n_seeds} seeds": from_to("maml"),
    "joint, the paper": ["2.41", "2.23", "2.19"],
    "joint, one seed": [measured["joint"][k] for k in (1, 5, 10)],
    f"joint, {n_seeds} seeds, inner_lr tuned": from_to("joint, tuned"),
    "random": [measured["random"][k] for k in (1, 5, 10)],
    "oracle (it needs no step)": [measured["oracle"][0]] * 3,
    "least squares, told the form": [f"{lowest.mean():.0e}"] * 3,
}


# %% [markdown]
# A table of figures is best a real table, which a screen reader can read cell by cell with its headings.

# %%
def html_row(name, cells):
    columns = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr><th scope="row">{name}</th>{columns}</tr>'


steps = ("1 inner step", "5 inner steps", "10 inner steps")
heads = "".join(f'<th scope="col">{step}</th>' for step in steps)
body = "".join(html_row(name, cells) for name, cells in rows.items())
HTML(f"""<table><caption>Query error (mean squared) on sine waves, from 5 points;
ours: mean over waves ± half of its 95% interval, inner_lr 0.01 if not tuned</caption>
<thead><tr><th scope="col">learner</th>{heads}</tr></thead>
<tbody>{body}</tbody></table>""")

# %% [markdown]
# One dot for each seed says it better:

# %%
paper = {1: 0.67, 5: 0.38, 10: 0.35}
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
for name, marker in (("maml", "o"), ("joint, tuned", "s"), ("random init, tuned", "^")):
    for k, place in zip(paper, range(3), strict=True):
        dots, label = recorded(name)[k], name if k == 1 else None
        ax.plot([place] * n_seeds, dots, marker, color="#0072b2", mfc="none", label=label)
ax.plot(range(3), paper.values(), "k_", markersize=22, label="MAML, the paper")
ax.set_xticks(range(3), [f"after {k} steps" for k in paper])
ax.set(yscale="log", ylabel="query error")
ax.legend(frameon=False, loc="center right")
told = ", ".join(f"{name} {from_to(name)[0]}" for name in ("maml", "joint, tuned"))
plots.show(
    figure, f"Query error by seeds after 1, 5 and 10 steps. After one step: {told}; paper 0.67."
)

# %% [markdown]
# Is the paper's row met? By every seed of the record, at each of the three steps; by yours, as far as 2,000 waves can
# tell (if one of them ran away, your interval is wide, and tells little). And for every seed MAML after a **single** step
# is at less than a third of joint training's error at its best.

# %% jupyter={"source_hidden": true}
assert all(max(recorded("maml")[k]) <= figure for k, figure in paper.items())
joint_best = min(min(dots) for dots in recorded("joint, tuned").values())
assert max(recorded("maml")[1]) < joint_best / 3
assert max(recorded("oracle")[0]) < min(recorded("maml")[1]) / 100


# %% [markdown]
# Conditions, as far as they differ: the paper trained with 10 points a wave, for 70,000 meta-steps; and for
# joint training it tuned the rate of fine-tuning. An interval covers which *waves* were drawn. It does
# not cover the seed: train with another, and theta is another. That is why the seeds have dots.
#
# ### Exercise 04.4: find the leaks
#
# A colleague reports a far lower error for the very same `theta`. The function below has **three** leaks:
# places where it knows what a learner that meets a new task cannot know.

# %%
def their_error(learner, theta, trained_on, fresh):
    def one_task(task):
        states = learner.adapt(theta, task.support, inner_steps=10)
        return torch.stack([learner.loss_at(s, *task.support) for s in states]).min()

    return vmap(one_task)(trained_on)


reported = their_error(learner, theta, draw(2000, seed=0), fresh).mean().item()
print(f"reported: {reported:.2f}, where we found {measured['MAML'][10]}")
assert reported < measured["MAML"][10].mean


# %% [markdown]
# Write it as it should be. `trained_on` and `fresh` are batches of waves; theta was trained on the first.
# Return one error per wave, after 10 inner steps. (Which leak costs most here? And which one costs nothing
# on sine waves, of which there is no end, but everything where tasks are few?)
#
# <details><summary>Hint</summary>Ask of each line: which points were fitted, which judged? Who chose the
# step, knowing what? Which waves has theta seen?</details>

# %% tags=["exercise"]
def my_error(learner, theta, trained_on, fresh):
    # your lines: return one error for each wave
    ...


exercises.check_honest_error(my_error)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def honest_error(learner, theta, trained_on, fresh):
    def one_task(task):
        adapted = learner.adapt(theta, task.support, inner_steps=10)[-1]
        return learner.loss_at(adapted, *task.query)

    return vmap(one_task)(fresh)


### END SOLUTION
assert exercises.check_honest_error(honest_error)
honest = honest_error(learner, theta, None, fresh).median()
assert torch.isclose(honest, losses[:, 10].median(), rtol=1e-3)

# %% [markdown]
# ## What is saved
#
# **theta**, and nothing else. Adapted weights belong to one wave: they are made from theta in a
# millisecond when its points arrive, and thrown away after. They are never averaged back into theta.
# Mistaking one for the other is easy, since both have the same names and shapes. It costs this much:

# %%
adapted = learner.adapt(theta, wave(4, 1).support, inner_steps=10)[-1]
mistaken = evaluate(learner, adapted, tasks, Evaluation(n_tasks=500))
print(f"one step from theta: {measured['MAML'][1]}")
print(f"one step from adapted weights: {mistaken[1]}")
assert mistaken[1].mean > measured["MAML"][1].mean

# %% [markdown]
# A checkpoint is two files: the numbers as safetensors, and a JSON that says how they came to be. Loading
# it reads names and numbers and runs no code, so you may open a stranger's.

# %%
import tempfile
from dataclasses import asdict

from maml_edu.runs.config import TrainConfig
from maml_edu.runs.measure import describe, measure

folder = Path(tempfile.mkdtemp())
config = TrainConfig.make("sine", **asdict(training))
metadata = {
    **describe(config, tasks),
    "command": "lesson 04",
    "seconds": round(seconds, 1),
    "figures": measure(config, theta),
}
checkpoint.save(folder / "my-maml", theta, metadata)

loaded = checkpoint.load(folder / "my-maml")
assert all(torch.equal(loaded.theta[name], p) for name, p in theta.items())
for file in folder.iterdir():
    print(f"{file.name}: {file.stat().st_size:,} bytes")

# %% [markdown]
# A terminal does all of this in one command, `python -m maml_edu train sine --out my-run`. With `--resume`
# it goes on where it was interrupted. Then measure the result: `python -m maml_edu evaluate my-run`.

# %%
# %run -m maml_edu train sine --help

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("04")

# %% [markdown]
# ## Recap
#
# - The outer loop is an ordinary training loop: sample tasks, mean query loss after adapting, Adam, a
#   falling rate. Half a minute gives the paper's numbers on sine waves.
# - Judge on fresh tasks, on query points, at a step fixed beforehand, over hundreds of tasks, with an
#   interval: $\pm 1.96\, s / \sqrt n$.
# - One task is an anecdote: most lie below the mean, and a few bad ones make it.
# - theta is what is learned and saved; adapted weights are made anew for each task.
#
# ## What to try
#
# - Train again with `seed=1` and `seed=2`. Is the spread between seeds wider than the interval? (What does
#   the interval *not* cover?)
# - Train with `shots=10`, as the paper did, and look at the worst wave after ten steps.
# - Give joint training its best `inner_lr`: does it come near?
#
# **Next, [lesson 05](05_first_order_cousins.ipynb):** the cousins of MAML that drop the second derivative, and what that costs.
