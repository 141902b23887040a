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
# - teach a network a new task with five points, and say what is special about how it learns;
# - say against what such a feat must be measured;
# - find your way: cells, players, exercises, and what the other lessons hold.
#
# About fifteen minutes. You need Python, and to have trained a network in PyTorch once.
#
# **Click the grey cell below and press Shift+Enter.** It runs, and a picture comes up under it.

# %%
import torch

from maml_edu.runs import checkpoint
from maml_edu.views import traces
from maml_edu.views.widgets import ByHand

torch.set_num_threads(1)  # these networks are tiny: more threads only wait for each other
start = checkpoint.load("sine-maml")
fresh = start.learner.model.init(generator=torch.Generator().manual_seed(1))
networks = {"meta-trained": (start.learner, start.theta), "fresh": (start.learner, fresh)}
by_hand = ByHand(lambda p: traces.by_hand(networks, p, tasks=start.tasks), wave=(3.5, 1.0))
by_hand

# %% [markdown]
# **Click five times on the dashed wave, all in its left half.** Then drag a point, and watch the lines
# follow. You can also draw a wave of your own, in one stroke from left to right: five points of it are taken.
#
# Now play with it. Each question takes seconds:
#
# - With five points on the left, who knows the right half of the wave?
# - Move the slider from inner step 0 to 10: how far does each line come in one step? In ten?
# - Press **New wave** a few times. Your points stay where they are, on other waves.
#
# A double click (or a long press) removes a point. From the keyboard: Tab to a point; the arrows move it, Enter
# adds another, Delete removes it.

# %% [markdown]
# ## Who learns here?
#
# **Meta-trained** and **fresh** are the same network: 40 units, 40 units, ReLU. Both take the same steps of
# gradient descent on the squared error at your points, with the same step size. Only their weights before the
# first step differ: the fresh one starts from random weights, as networks do, and the meta-trained one from
# weights that came with the course.
#
# The **best wave** is no network: it is told that the answer is a sine wave of this width (6.28 from crest to
# crest), and takes the one with the least squared error at your points, which is what *could* be known from them.
#
# So all the difference is in where the two networks start. How did one of them get there?
#
# 1. It had **practised on hundreds of thousands of other waves**.
# 2. In each practice round it got a few points of a wave, took **one** gradient step, and was then judged
#    on *other* points of that wave. Nobody trained it to know a wave; it was trained to be **quick to learn** one.
# 3. All that it keeps from this is **where it starts**: one set of weights, the same for every wave.
#
# That is MAML, *model-agnostic meta-learning*
# ([Finn, Abbeel & Levine 2017](https://arxiv.org/abs/1703.03400)): learn a starting point from which a
# few steps of learning go far.

# %% [markdown]
# Your browser took these steps by itself. The points have come back to Python too, and here the course's package
# takes the same steps at the same points: its errors are those of the table above.

# %%
print(by_hand.describe())

# %% [markdown]
# ## Predict: how many points does it need?
#
# The best wave needs **two** points (unless they lie exactly half a wave apart), as a wave of this width is
# settled by two numbers: how high it is, and how far it is shifted. And the meta-trained network? *How many
# points until, after one step, its error on the whole wave falls below 1, on average over many waves?* Look at a
# few waves above: **Clear**, then **Add point** again and again. Write down your guess:

# %%
my_guess = 0  # put your number here

# %% [markdown]
# Now we measure: 600 new waves for each number of points, and the mean squared error on other
# points of the same wave, after one step. An error comes with its **95% interval**, as it would differ a
# little on another 600.

# %%
from maml_edu.evaluate import Evaluation, evaluate

by_points = {}
for n in range(1, 7):
    measured = evaluate(start.learner, start.theta, start.tasks, Evaluation(shots=n, inner_steps=1))
    by_points[n] = measured[1]
    print(f"{n} points: {by_points[n]}" + "   <- your guess" * (n == my_guess))

# %% jupyter={"source_hidden": true}
# Check: what the next paragraph says of one, two and three points
assert by_points[2].mean - by_points[2].half_width > 1
assert by_points[3].mean + by_points[3].half_width < 1
assert all(by_points[n + 1].mean < by_points[n].mean for n in range(1, 6))

# %% [markdown]
# Three points bring it below 1. Two settle the best wave, and then it errs by nothing: it was *told* that it looks
# for a sine. Nobody told the network. What it has of the form of waves, it has from practice.
#
# ## One wave is an anecdote
#
# Is the fresh network merely slow? Give both five points of 600 waves, and the fresh one all ten steps:

# %%
practised = evaluate(start.learner, start.theta, start.tasks, Evaluation(inner_steps=10))
unpractised = evaluate(start.learner, fresh, start.tasks, Evaluation(inner_steps=10))
print(f"meta-trained, before: {practised[0]}   after 1 step:   {practised[1]}")
print(f"fresh,        before: {unpractised[0]}   after 10 steps: {unpractised[10]}")

# %% [markdown]
# The intervals are far apart, so it was not luck. Look at the first column too: before any step, the
# meta-trained network is *not* good, as it cannot know which wave is coming. What it has is not an
# answer, but a good place to learn from.
#
# Throughout this course, what the text says of a figure is checked by an `assert`, often in a folded cell like
# the next one. If it were false here, on your machine, you would see an error. (An assert vouches for a number,
# not for its cause.)

# %% jupyter={"source_hidden": true}
# Check: the error after one step, beside the fresh network's best and beside its own start
least = min(error.mean - error.half_width for error in unpractised)
assert practised[1].mean + practised[1].half_width < least / 3
assert practised[0].mean > 3 * practised[1].mean

# %% [markdown]
# ## How these lessons work
#
# - **Run every cell in order** (Shift+Enter), and change anything: the numbers come from real networks that run
#   as you look. *Kernel → Restart Kernel and Run All Cells* puts things right again.
# - **Players** are pictures with a slider, as above. They can be moved from the keyboard: Tab to the slider,
#   then ← and →, Home and End; ▶ plays. Some have further sliders, which run the network anew.
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
# Before you run it: what do you expect for the two networks above, with five points and ten steps?
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


assert first_below_half_solution([error.mean for error in practised]) == 1
assert first_below_half_solution([error.mean for error in unpractised]) == 11  # not in ten steps
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


waves = start.tasks.sample(600, queries=100, generator=torch.Generator().manual_seed(2))
both = zip(waves.support_y, waves.query_y, strict=True)
lazy = sum(know_nothing_solution(*one) for one in both) / 600
print(f"know nothing: {lazy:.2f}   meta-trained, one step: {practised[1]}")
assert practised[1].mean + practised[1].half_width < lazy / 4
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
# | 05 | [First-order cousins](05_first_order_cousins.ipynb) | write FOMAML and Reptile, say what each leaves out of MAML's gradient, and measure what it saves and costs, seed by seed |
# | 06 | [Learned rates](06_learned_rates.ipynb) | derive the gradient for an inner rate, and take MAML++ apart to see which of its pieces pays |
# | 07 | [Landscapes](07_landscapes.ipynb) | read the loss landscapes of a real network, and say which layer does the walking |
# | 10 | [N-way K-shot](10_n_way_k_shot.ipynb) | build tasks out of handwritten characters, and find the leaks that flatter results |
# | 11 | [MAML on Omniglot](11_maml_on_omniglot.ipynb) | train a network that learns a character from one drawing, and measure it as the paper does |
# | 12 | [What adapts?](12_what_adapts.ipynb) | find out whether body or head learns a task, and what decides it |
# | 13 | [The traps](13_the_traps.ipynb) | break MAML in each of the usual ways, and know the number that gives it away |
# | 14 | [Learning a metric instead](14_learning_a_metric_instead.ipynb) | do without an inner loop, and say when that is the better choice |
# | 15 | [Do we need meta-learning?](15_do_we_need_meta_learning.ipynb) | compare pre-training, nearest neighbours, ProtoNet and MAML at home and away, and say when not to use MAML |
# | 16 | [How many tasks?](16_how_many_tasks.ipynb) | see accuracy grow with the number of training characters, and tell memorising from learning |
# | 17 | [The Omniglot challenge](17_the_omniglot_challenge.ipynb) | take the test that people took in 2015, give it to your networks, and find out what a test measures |
# | 18 | [Draw your own](18_draw_your_own.ipynb) | have a network learn characters that you draw |
# | 30 | [Bring your own](30_bring_your_own.ipynb) | meta-train, measure, save, adapt and export with your own pictures, tables and modules |
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
# - A meta-trained network learns a new wave from five points in one step; the same network with fresh weights
#   does not in ten.
# - What it learnt beforehand is a starting point, not an answer: before the first step it is no good.
# - One task proves little: we measure on hundreds, with an interval, beside a learner that knows nothing and one
#   that is told the form of the answer.
#
# **What to try.** Go back to the first picture. Draw something that is *not* such a wave: a straight line, a step,
# a wave twice as fast. Who fails, and does the meta-trained network still beat the fresh one? Put two points close
# to an edge: what do ten steps do that one does not?
#
# Next: [01 · Many small problems](01_many_small_problems.ipynb)
