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
# # 00 · Start here
#
# **You will be able to**
# - watch a network learn a new task from five points, step by step, and say what is special about it;
# - say against what such a feat must be measured;
# - find your way: cells, players, exercises, and what the other lessons hold.
#
# About ten minutes. You need Python, and to have trained a network in PyTorch once.
#
# **Click the grey cell below and press Shift+Enter.** It runs, and the next one is selected.

# %%
import torch

from maml_edu.runs import checkpoint
from maml_edu.views import traces
from maml_edu.views.widgets import Player

torch.set_num_threads(1)  # these networks are tiny: more threads only wait for each other
start = checkpoint.load("sine-maml")

# %% [markdown]
# `start` is a small network: 40 units, 40 units, ReLU. We draw a sine wave that it has never seen, show
# it **five points**, all on the left (the filled circles), and let it take ten steps of gradient
# descent. Run the cell, then press ▶ or move the slider: **inner step** is how many steps it has taken.

# %%
wave = torch.Generator().manual_seed(154)
task = start.tasks.sample(1, shots=5, queries=50, generator=wave).task(0)
meta_trained = traces.adaptation(start.learner, start.theta, task, tasks=start.tasks)
Player(meta_trained)

# %% [markdown]
# One step, and it has the wave: even its right half, of which it was shown nothing at all.
#
# Is that hard? Here is the same network with fresh random weights. **Same five points, same step size,
# same ten steps.** One slider moves both. Compare where each of them is at step 1, and at step 10.

# %%
fresh = start.learner.model.init(generator=torch.Generator().manual_seed(1))
both = {
    "meta-trained": (start.learner, start.theta),
    "untrained": (start.learner, fresh),
}
side_by_side = traces.comparison(both, task, tasks=start.tasks)
Player(side_by_side)

# %% [markdown]
# ## What just happened
#
# 1. Before you came, the first network had **practised on hundreds of thousands of other waves**.
# 2. In each practice round it got a few points of a wave, took **one** gradient step, and was then judged
#    on *other* points of that wave: so it was never trained to know a wave, but to be **quick to learn** one.
# 3. All that it keeps from this is **where it starts**: one set of weights, the same for every wave.
# 4. What you watched is plain gradient descent from that start: the same update that the untrained
#    network made, which you have written many times yourself.
#
# That is MAML, *model-agnostic meta-learning*
# ([Finn, Abbeel & Levine 2017](https://arxiv.org/abs/1703.03400)): learn a starting point from which a
# few steps of learning go far.

# %% [markdown]
# ## One wave is an anecdote
#
# Throughout this course, **what the text claims, a cell asserts**: if it were false here, on your
# machine, you would see an error. (An assert that passes vouches for a number, not for its
# cause.) The claim about this one wave, measured on fifty points that neither network was given:

# %%
trained, untrained = (trace.query_loss for trace in side_by_side.traces)
assert trained[1] < trained[0] / 4  # one step takes off more than three quarters
assert trained[1] < untrained.min() / 4  # the untrained one, at its best of all ten

# %% [markdown]
# Perhaps we were lucky with this wave, though. So we draw 600 new ones, give five points of each, and take
# the mean squared error on other points of the same wave. An error comes with its **95% interval**,
# as it would differ a little on another 600.

# %%
from maml_edu.evaluate import Evaluation, evaluate

practised = evaluate(start.learner, start.theta, start.tasks, Evaluation(inner_steps=1))
unpractised = evaluate(start.learner, fresh, start.tasks, Evaluation(inner_steps=10))
print(f"meta-trained, before: {practised[0]}   after 1 step:   {practised[1]}")
print(f"untrained,    before: {unpractised[0]}   after 10 steps: {unpractised[10]}")

# %% [markdown]
# The intervals are far apart, so it was not luck. Look at the first column too: before any step, the
# meta-trained network is *not* good, as it cannot know which wave is coming. What it has is not an
# answer, but a good place to learn from.

# %%
least = min(error.mean - error.half_width for error in unpractised)
assert practised[1].mean + practised[1].half_width < least / 3
assert practised[0].mean > 3 * practised[1].mean

# %% [markdown]
# ## How these lessons work
#
# - **Run every cell in order** (Shift+Enter), and change anything: the numbers come from real networks that run
#   as you look. *Kernel → Restart Kernel and Run All Cells* puts things right again.
# - **Players** can be moved from the keyboard: Tab to the slider, then ← and →, Home and End; ▶ plays. Some
#   players have further sliders (step size, number of points), which run the network anew.
# - **Exercises** ask you to write a few lines. Replace the `...` and run the cell. The line under it is the
#   verdict: ○ not written yet, ✗ with the mistake you made, ✓ right. It looks at what your function
#   *does*, so write it your way.
# - A **hint** opens with a click. So does the **solution**, where your copy has one: the folded cell below the
#   exercise. Click the blue bar at its left (or ⋯) when you have tried.
#
# Two exercises to try it on.

# %% [markdown]
# ### Exercise 00.1: how many steps to halve the error?
#
# Write `first_below_half(losses)`: `losses[k]` is the loss after `k` inner steps (so `losses[0]` is before
# any). Return the first `k` whose loss is below half of `losses[0]`, and `len(losses)` where there is none.
# Before you run it: what do you expect for the two networks above?
#
# <details><summary>Hint</summary>
#
# `enumerate(losses)` gives you `k` and the loss together. A loss may rise before it falls.
#
# </details>

# %% tags=["exercise"]
from maml_edu import exercises


def first_below_half(losses):
    # your lines: return the number of the step
    ...


exercises.check_first_below_half(first_below_half)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def first_below_half_solution(losses):
    for k, loss in enumerate(losses):
        if loss < losses[0] / 2:
            return k
    return len(losses)


assert first_below_half_solution(trained) == 1
assert first_below_half_solution(untrained) == 11  # never, in ten steps
### END SOLUTION
assert exercises.check_first_below_half(first_below_half_solution)


# %% [markdown]
# ### Exercise 00.2: the error of knowing nothing
#
# A small error means little until you know what costs nothing. The laziest learner answers with the same
# number everywhere: the constant that fits the five points it was given best. Write
# `know_nothing(support_y, query_y)`, the mean squared error that this constant has on the *other* points.
# (`support_y`: the values it was given; `query_y`: those it is judged on.)
#
# <details><summary>Hint</summary>
#
# Which constant $c$ makes $\sum_i (y_i - c)^2$ smallest? Set the derivative to zero. And which of the two
# arguments may the learner look at when it chooses $c$?
#
# </details>

# %% tags=["exercise"]
def know_nothing(support_y, query_y):
    # your lines: return the mean squared error
    ...


exercises.check_know_nothing(know_nothing)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def know_nothing_solution(support_y, query_y):
    constant = support_y.mean()
    return ((query_y - constant) ** 2).mean()


lazy = know_nothing_solution(task.support_y, task.query_y)
print(f"know nothing: {lazy:.2f}   meta-trained, one step: {trained[1]:.2f}")
assert trained[1] < lazy / 4
### END SOLUTION
assert exercises.check_know_nothing(know_nothing_solution)

# %% [markdown]
# ## What you run on
#
# This table says which Python, packages, device and data your figures come from, and how the network of this
# lesson was trained and how good it was then, from the metadata stored beside it. If something were amiss, the line
# below the table would say what to do.

# %%
from maml_edu.runs import environment

report = environment.report(start)
assert report, report.verdict
report

# %% [markdown]
# Its training is no secret: lesson 04 repeats it in front of you. And you have just measured the same network
# on waves of your own, so the two figures must agree: the intervals of your error after one
# step and of the recorded one overlap.

# %%
recorded = start.metadata["figures"]["by_inner_step"][1]
distance = abs(practised[1].mean - recorded["mean"])
assert distance <= practised[1].half_width + recorded["half_width"]

# %% [markdown]
# ## The lessons
#
# | | lesson | you will be able to |
# |---|---|---|
# | 00 | Start here | you are here |
# | 01 | [Many small problems](01_many_small_problems.ipynb) | say what a *task*, *support*, *query* and *shot* are, and why "pre-train, then fine-tune" does not do what you saw |
# | 02 | [The inner loop](02_the_inner_loop.ipynb) | write the steps you scrubbed through; see the step size make or break them |
# | 03 | [The outer loop](03_the_outer_loop.ipynb) | derive the gradient that finds the starting point, through the steps |
# | 04 | [Training MAML on sines](04_training_maml_on_sines.ipynb) | train this lesson's network yourself, and measure it beside the paper's |
# | 05 | [First-order cousins](05_first_order_cousins.ipynb) | say what FOMAML, Reptile, ANIL, Meta-SGD and MAML++ drop or add, and measure what it costs |
# | 07 | [Landscapes](07_landscapes.ipynb) | see the landscapes that a network adapts in, and which of its features are used again |
# | 10 | [N-way K-shot](10_n_way_k_shot.ipynb) | build tasks out of handwritten characters, and find the leaks that flatter results |
# | 11 | [MAML on Omniglot](11_maml_on_omniglot.ipynb) | train a network that learns a character from one drawing, and measure it as the paper does |
# | 13 | [The traps](13_the_traps.ipynb) | break MAML in each of the usual ways, and know the number that gives it away |
# | 14 | [Learning a metric instead](14_learning_a_metric_instead.ipynb) | do without an inner loop, and say when that is the better choice |
# | 18 | [Draw your own](18_draw_your_own.ipynb) | have a network learn characters that you draw |
# | 31 | [Faster, larger](31_faster_larger.ipynb) | say what MAML costs, spend less, and train with several workers |
#
# Words that we owe you: **task**, **support**, **query** and **shot** (lesson 01), **adapt** and **inner loop** (02),
# **theta**, the starting point, and **outer loop** (03).

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("00")

# %% [markdown]
# ## Recap
#
# - A meta-trained network learns a new wave from five points in one step; the same network untrained does not
#   in ten.
# - What it learnt beforehand is a starting point, not an answer: before the first step it is no good.
# - One task proves little: we measure on hundreds, with an interval, and beside a learner that knows nothing.
#
# **What to try.** Change the seed `154` and run the first two players again: is there a wave that it gets
# wrong? Give it `shots=2`: what does it make up for the rest, and do more steps help?
#
# Next: [01 · Many small problems](01_many_small_problems.ipynb)
