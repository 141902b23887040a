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
# # 06 · Learned rates
#
# *About 50 minutes, of which the machine computes for half of one.* **After this lesson you can**
#
# - derive the gradient for an inner rate, and write Meta-SGD's objective;
# - say what MAML++ adds to MAML: learned rates, a loss after each step, first order at first;
# - take a method apart into its pieces, and say which of them pays.
#
# Lesson 05 left things out of MAML. This one adds some. MAML's inner step has *one* rate for all 1,761 weights, and a
# person chose it. Is 0.01 a good choice, and should all weights have the same?

# %% jupyter={"source_hidden": true}
import json
import math
from pathlib import Path
from statistics import median

import torch
from matplotlib.figure import Figure
from torch.func import grad

import maml_edu

# %%
from maml_edu import exercises
from maml_edu.evaluate import query_values
from maml_edu.learners import MAML, GradientLearner, MAMLPlusPlus, MetaSGD
from maml_edu.outer import Training, meta_gradient, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import SinusoidTasks
from maml_edu.views import plots, scenes, traces
from maml_edu.views.scenes.style import ROLES
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)

# %% [markdown]
# ## Three rates by hand
#
# Here is lesson 02's meta-trained network with a rate for each of its three layers. The title gives the mean error
# over 200 waves, after two inner steps. *Predict:* if only one layer may move, which should it be? Then turn
# the rates down one by one (0.0001 is nearly nothing), and find a setting that beats 0.01 everywhere.

# %%
trained, tasks = checkpoint.load("sine-maml"), SinusoidTasks()
net = trained.learner.model
waves = tasks.sample(200, shots=5, queries=50, generator=torch.Generator().manual_seed(3))


# %%
def by_hand(first, middle, last, task):
    rates = {n: {"0": first, "2": middle, "4": last}[n[0]] for n in net.shapes()}
    learner = GradientLearner(net, inner_lr=rates)
    error = query_values(learner, trained.theta, waves, inner_steps=2)[:, 2].mean()
    title = f"mean error of 200 waves {error:.3f}"
    return traces.adaptation(learner, trained.theta, waves.task(task), tasks=tasks, name=title)


# %% [markdown]
# The network is adapted anew at each move:

# %%
explore(
    by_hand,
    first=Slider("rate of the first layer", 1e-4, 0.1, value=0.01, log=True),
    middle=Slider("rate of the middle layer", 1e-4, 0.1, value=0.01, log=True),
    last=Slider("rate of the last layer", 1e-4, 0.1, value=0.01, log=True),
    task=Slider("wave", 0, 199, value=4),
)


# %% [markdown]
# You have just climbed down the query loss by hand, over three numbers. Gradient descent does that better, and the outer
# loop is there already. So let it learn the rates, together with $\theta$:
#
# $$\min_{\theta,\,\alpha}\ \frac1n \sum_i L_i^{\text{query}}\big(\theta - \alpha \odot
# \nabla L_i^{\text{support}}(\theta)\big).$$
#
# **Meta-SGD** (Li et al. 2017, arXiv 1707.09835) gives *each weight* a rate of its own; $\odot$ multiplies entry by entry.
#
# ### Exercise 06.1: the gradient for a rate
#
# Derive the gradient of one task's query loss for $\alpha$, after one inner step, and write it down without
# differentiating through the step: two gradients and a product are enough. `rates` has a tensor for each of theta's, of
# its shape. In words: when does a longer step help?
#
# <details><summary>Hint</summary>The adapted weight is θ − α s, with s the support gradient. By how much does it move
# when α does?</details>
#
# <details><summary>A second hint</summary>The chain rule: how the loss moves with the adapted weight, times how
# that moves with α. Where is the first of the two taken?</details>

# %% tags=["exercise"]
def my_rate_gradient(loss_fn, theta, rates, support, query):
    # your lines: return the gradient for the rates, a dict: name -> tensor
    ...


exercises.check_rate_gradient(my_rate_gradient)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def rate_gradient(loss_fn, theta, rates, support, query):
    # A longer step helps where support and query gradient agree in sign.
    s = grad(loss_fn)(theta, *support)
    adapted = {n: p - rates[n] * s[n] for n, p in theta.items()}
    g = grad(loss_fn)(adapted, *query)
    return {n: -s[n] * g[n] for n in theta}


### END SOLUTION
assert exercises.check_rate_gradient(rate_gradient)

# %% [markdown]
# The package's `MetaSGD` holds $\theta$ and $\alpha$ in one dict, and lets autograd find the same:

# %%
meta_sgd = MetaSGD(net, inner_lr=0.01)
start = meta_sgd.init() | trained.theta  # its rates, our weights
package, _ = meta_gradient(meta_sgd, start, waves)
rates = {n: start[f"inner_lr.{n}"] for n in net.shapes()}
for layer in ("0.weight", "2.weight", "4.weight"):
    by_weight = package[f"inner_lr.{layer}"]
    wish = "longer" if by_weight.sum() < 0 else "shorter"
    print(f"{layer}: mean {by_weight.mean():+.4f}, so on the whole it wants {wish} steps")

# %% jupyter={"source_hidden": true}
ours = [
    rate_gradient(meta_sgd.loss_at, trained.theta, rates, task.support, task.query)
    for task in map(waves.task, range(200))
]
for n in rates:
    mean = torch.stack([each[n] for each in ours]).mean(0)
    assert torch.allclose(mean, package[f"inner_lr.{n}"], rtol=1e-3, atol=1e-3)

# %% [markdown]
# ## One for each layer and step
#
# Antoniou et al. (2019, arXiv 1810.09502) find a rate for each weight too many, and learn one for each *layer and inner
# step*: with three layers of weights and biases and two steps, twelve numbers. It is the first piece of their **MAML++**.
# The package holds these rates as logarithms, so that they stay positive and change in proportion to themselves;
# `rates_lr` is Adam's step size for them. Train MAML with and without, two inner steps, on the same waves:

# %%
plain = MAML(net, inner_steps=2)
learned = MAML(net, inner_steps=2, learned_rates=True)
settings = Training(steps=1000, shots=5, queries=10, meta_lr=5e-3, rates_lr=0.03)
ends = {}
for name, learner in (("one rate, 0.01", plain), ("learned rates", learned)):
    *_, last = meta_train(learner, tasks, settings)
    ends[name] = learner, last.theta
    error = query_values(learner, last.theta, waves, inner_steps=2).mean(0)
    before, one, two = error
    print(f"{name:>14}: error {before:.2f} before, {one:.2f} and {two:.2f} after each step")

# %%
for name, rate in ends["learned rates"][1].items():
    if name.startswith("log_inner_lr"):
        first, second = rate.exp().tolist()
        of = name.removeprefix("log_inner_lr.")
        print(f"{of:>8}: {first:.4f} in step 1, {second:.4f} in step 2")

# %% [markdown]
# Compare with what you found by hand. That was one seed; whether it is the rule, we shall see on the ladder.
#
# ## A loss after each step
#
# The second piece of MAML++: the query loss counts after *every* inner step, with weights $v_j$:
#
# $$\sum_{j=1}^k v_j\, L^{\text{query}}(\theta_j), \qquad \sum_j v_j = 1.$$
#
# Otherwise, they say, the loss after the last step sees $\theta$ through a product of $k$ Jacobians, and some
# meta-gradients are wild. `python -m benchmarks.per_step` trained MAML with $k = 5$ both ways, from the same starts, with long steps of
# Adam. *Predict:* from how many starts does the training with the last loss alone go wrong?

# %%
results = Path(maml_edu.__file__).parents[1] / "results"
per_step = json.loads((results / "per_step.json").read_text("utf-8"))["rows"]
seeds = sorted({row["seed"] for row in per_step})


def of_seed(seed):  # the loss after the last step alone, then after each
    both = sorted((r for r in per_step if r["seed"] == seed), key=lambda r: r["per_step_losses"])
    return [[check["mean"] for check in row["checks"]] for row in both]


figure = Figure(figsize=(9, 3), layout="constrained")
for i, ax in enumerate(figure.subplots(1, 2, sharey=True)):
    for seed in seeds:
        ax.plot(range(0, 20 * len(of_seed(seed)[i]), 20), of_seed(seed)[i], linewidth=1)
    ax.set(title=("loss after the last step", "loss after each step")[i], xlabel="meta-steps")
figure.axes[0].set(yscale="log", ylabel="error after five inner steps")
says = (
    f"Error after five inner steps while training, for {len(seeds)} seeds, without and with losses"
)
plots.show(figure, f"{says} after each step.")

# %%
ended = [[curve[-1] for curve in of_seed(seed)] for seed in seeds]
for name, errors in zip(("the last", "each"), zip(*ended, strict=True), strict=True):
    each = " ".join(f"{error:.2f}" for error in errors)
    print(f"loss after {name} step: median {median(errors):.2f}; {each}")
print(
    "each step ends lower for", sum(each < last for last, each in ended), "of", len(seeds), "seeds"
)


# %% [markdown]
# Without losses after each step one of the ten is lost for good, and two more end well above where they end with them. Of the
# other seven, some end lower and some higher, and the medians are nearly the same. So here these losses guard
# against bad luck; they do not lower the usual error. (The first record of this course had the seeds 0, 1 and 2 alone. Losses
# after each step won on all three, and the lesson said that they make the end "no matter of luck". That was luck, too.)
#
# In the end only the last loss is wanted: it is what the network is used for. So MAML++ lets the weights
# *move* there during the training.
#
# ### Exercise 06.2: the weights of MAML++
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
annealed = MAMLPlusPlus(net, inner_steps=3)
for done in (0, 0.4, 1):  # annealing ends at this share of the training:
    now = annealed.at_progress(done * annealed.annealing)
    assert math.isclose(step_weights(done, 3)[-1], now.last_weight)

# %% [markdown]
# The third piece saves time: **first order at first**. The first 30% of the training leave $J$ out, as FOMAML does.
# (Their paper has two more pieces, which are about batch-norm and about the outer loop's cosine; the latter
# all learners of this course have.)
#
# ## The ladder
#
# The paper puts its pieces on top of each other and reports the sum. Which of them pays? `python -m
# benchmarks.sine_family` built this ladder on sines, with two inner steps, five seeds, and the same waves for all:
#
# | rung | adds |
# |---|---|
# | 0 | MAML, one rate of 0.01 |
# | 1 | the best single rate of six, chosen with another seed on other waves |
# | 2 | instead: a rate for each layer and step, learned |
# | 3 | a loss after each step |
# | 4 | weights that move to the last step |
# | 5 | first order at first: MAML++ |
#
# Which rung lowers the error most? And does any raise it? Write your guess down before you climb.

# %%
my_rung = ...  # 1 to 5

# %% jupyter={"source_hidden": true}
RUNGS = {
    "MAML, 2 steps": "MAML, one rate of 0.01",
    "+ the best single rate": "the best single rate",
    "+ a rate for each layer and step": "a rate for each layer and step",
    "+ a loss after each step": "a loss after each step",
    "+ weights that move to the last": "weights that move to the last step",
    "+ first order at first": "first order at first",
}
family = json.loads((results / "sine_family.json").read_text("utf-8"))["rows"]
rows = {(r["contender"], r["steps"], r["seed"]): r for r in family if "gaps" in r}
lengths = sorted({steps for name, steps, _ in rows if name in RUNGS})
at_seed = {
    steps: sorted({s for n, t, s in rows if t == steps and n == [*RUNGS][-1]}) for steps in lengths
}


# %% [markdown]
# (Folded: the record, and the picture.)

# %% jupyter={"source_hidden": true}
def error_of(name, steps, seed, step):
    found = rows[name, steps, seed]["by_inner_step"][step]
    return math.nan if found is None else found[0]


# %% jupyter={"source_hidden": true}
def climb(rung, step, steps):
    below = list(RUNGS)[: rung + 1]
    curves = {
        f"seed {seed}": [error_of(name, steps, seed, step) for name in below]
        for seed in at_seed[steps]
    }
    x = torch.arange(float(rung + 1)).numpy()
    return scenes.CurvesTrace(
        f"Rung {rung}: {RUNGS[below[-1]]}",
        "rung",
        f"query error after inner step {step}",
        {seed: (x, torch.tensor(errors).numpy()) for seed, errors in curves.items()},
        x_range=(-0.2, 5.2),
        y_range=(0.0, 1.4),
        whole_x=True,
        caption=f"A line for each seed, after {steps:,} meta-steps; the same 1,000 new waves.",
    )


# %% [markdown]
# Climb, one rung at a time:

# %%
explore(
    climb,
    rung=Slider("rung", 0, 5, value=0),
    step=Slider("inner step", 1, 10, value=2),
    steps=Choice("meta-steps", {f"{steps:,}": steps for steps in lengths}),
)

# %% [markdown]
# Each rung's gain over the one below, after the two steps that all were trained for, wave by wave, with a figure for each
# seed. (Rung 2 starts from 0.01 again, so its gain is over rung 0.)

# %%
BELOW = {name: name_below for name_below, name in zip(RUNGS, list(RUNGS)[1:], strict=False)}
BELOW["+ a rate for each layer and step"] = "MAML, 2 steps"
gains = {}
for rung, (name, below) in enumerate(BELOW.items(), start=1):
    for steps in lengths:
        found = [rows[name, steps, seed]["gaps"][below][2] for seed in at_seed[steps]]
        gains[rung, steps] = [-gap for gap, _ in found]
        told = ", ".join(f"{-gap:+.2f} ± {half:.2f}" for gap, half in found)
        print(f"rung {rung}, {steps:5,} meta-steps: {told}")
best = max(range(1, 6), key=lambda rung: sum(gains[rung, lengths[0]]))
if my_rung is not ...:
    print(f"you said {my_rung}; at {lengths[0]:,} meta-steps it is rung {best}")

# %% jupyter={"source_hidden": true}
figure = Figure(figsize=(9, 3.2), layout="constrained")
for ax, steps in zip(
    figure.subplots(1, len(lengths), sharey=True, squeeze=False)[0], lengths, strict=True
):
    for rung in range(1, 6):
        dots = gains[rung, steps]
        ax.plot([rung] * len(dots), dots, "o", color=ROLES["adapted"].colour, mfc="none")
    ax.axhline(0, color="grey", linewidth=0.8)
    ax.set(title=f"{steps:,} meta-steps", xlabel="rung", xticks=range(1, 6))
figure.axes[0].set_ylabel("gain after two steps")
plots.show(figure, "Gain of each rung over the rung below, a dot for each seed: " + str(gains))

# %% [markdown]
# On these waves, with two inner steps, for each of the five seeds:
#
# - **Rung 2, learned rates, is the whole gain**: from .27 to .54. It is not that 0.01 was a bad number, for no single
#   rate did as well; it pays that layers may *differ*.
# - **Rung 1** lost for four of the five. The rate 0.005 was best for the one seed that it was chosen with. That is what a choice
#   with one seed is worth.
# - **Rung 3**, a loss after each step, *costs* a little, .02 to .09, and **rung 4** gives .02 to .05 of it back for four
#   of the five.
# - **Rung 5** goes either way, by less than .1. Its aim is to save time.
#
# So MAML++ as a whole is far better than MAML here, *and* all of it is the learned rates. Its authors report gains for each
# piece on images, with five steps; that is their measurement, not ours.

# %% jupyter={"source_hidden": true}
assert min(gains[2, 1000]) > 0.2
assert max(gains[3, 1000]) < 0
assert all(abs(gain) < 0.1 for rung in (3, 4, 5) for gain in gains[rung, 1000])

# %% [markdown]
# ## Which rates were learned?
#
# One network's rates may be an accident. Here are those of all seeds (rung 5 and rung 2), and beside them what Meta-SGD's
# many rates are in the mean of each layer.

# %%
LAYERS = list(net.shapes())
shown = {
    "+ a rate for each layer and step": "rung 2, step 1",
    "+ first order at first": "rung 5, step 1",
    "+ a rate for each weight": "Meta-SGD, mean of its weights",
}

# %%
figure = Figure(figsize=(9.6, 3.2), layout="constrained")
for ax, (name, title) in zip(figure.subplots(1, 3), shown.items(), strict=True):
    for seed in at_seed[lengths[0]]:
        rates = rows[name, lengths[0], seed]["rates"]
        ax.plot(range(6), [rates[layer][0] for layer in LAYERS], "o-", linewidth=0.8, mfc="none")
    ax.axhline(0.01, color="grey", linestyle=":")
    ax.set_xticks(range(6), LAYERS, rotation=60)
    ax.set(title=title, yscale="linear" if "SGD" in title else "log")
figure.axes[0].set_ylabel("learned rate")
plots.show(figure, "Learned rates by layer, a line for each seed; all began at 0.01 (dotted).")

# %% [markdown]
# The twelve rates agree from seed to seed, and with what you found by hand: the **first** layer's weights are to move, about
# twice as far as we let them; in the first step, the rates of the layers above fall to a tenth and less. So a network
# can learn to adapt to a sine at its input. That is the opposite of ANIL, which moves the last layer alone. Meta-SGD's many
# rates stay near 0.01 in the mean of most layers: it found another way, so the first layer is *a* place to adapt in, and
# not the only one. Where networks for *images* adapt is lesson 12's question.
#
# ## Beyond the steps that were trained
#
# Now Meta-SGD, which is not on the ladder: a rate for *each weight*, in place of rung 2's twelve. (These rates are no
# logarithms, and `rates_lr` matters: of five, 0.0002 was chosen on validation. With 0.005, as `meta_lr`, some seeds ended
# worse than without adapting.) The error of each seed, after the two steps of training and beyond:

# %%
for name in ("+ a rate for each layer and step", "+ a rate for each weight"):
    for step in (2, 5, 8, 10):
        found = [error_of(name, lengths[-1], seed, step) for seed in at_seed[lengths[-1]]]
        told = " ".join(f"{error:.2f}" if error < 100 else "runs away" for error in found)
        print(f"{name}, after {step:2} steps: {told}")


# %% [markdown]
# After two steps 1,761 rates beat twelve, for every seed. Beyond the steps that they were trained for, they promise nothing:
# sooner or later some of them overshoot, and the error runs away. The twelve positive ones hold out for ten steps.
#
# ### Exercise 06.3: choose a rate
#
# Rung 1 had to choose, and chose badly. Here is the situation: some rates, several seeds each, errors on validation waves and on test
# waves, (rates, seeds, waves) both; `nan` where a training diverged. Return the rate that you would use, and the error that
# you would report for it.
#
# <details><summary>Hint</summary>Two of three mistakes are about which waves to look at, and when. The third:
# what does <code>torch.argmin</code> do with a nan?</details>

# %% tags=["exercise"]
def my_choice(rates, validation, test):
    # your lines: return the rate, and its error
    ...


exercises.check_chosen_rate(my_choice)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def choice(rates, validation, test):
    means = validation.mean((1, 2)).nan_to_num(math.inf)  # one diverged training is reason enough
    best = int(means.argmin())
    return rates[best], float(test[best].mean())


### END SOLUTION
assert exercises.check_chosen_rate(choice)

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("06")

# %% [markdown]
# ## Recap
#
# - A rate is a parameter like any other: its gradient is $-\,s \odot g$.
# - On sines, with two steps, learned rates are all of MAML++'s gain. A rate for each layer learns to move the first; a rate for
#   each weight does better still, and other things.
# - Rates are learned for the steps that were trained. Beyond these, look before you trust them.
# - A method with several pieces is judged piece by piece: one change at a time, the same waves, several seeds.
#
# ## What to try
#
# - Start the learned rates at 0.001 or at 0.05. Do they come to the same place?
# - MAML with `inner_steps=5` and learned rates: what do the rates of the fifth step become?
# - `ANIL` moves the last layer alone. What would you say about it now, on sines? (Lessons 07 and 12 take that up.)
#
# **Next, [lesson 07](07_landscapes.ipynb):** what changes in a network when it adapts?
