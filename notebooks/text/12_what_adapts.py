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
# # 12 · What adapts?
#
# **You will be able to**
# - freeze any part of a network while it adapts, and be sure that it is frozen;
# - say for your own MAML whether the body or the head learns the task, with a paired measurement;
# - compare a layer's features before and after with linear CKA, and say what CKA does not see;
# - say under which conditions "feature reuse" (Raghu et al. 2020) and "representation change" (Oh et al. 2021)
#   each came out here.
#
# About 50 minutes, of which the machine computes for one and a half.

# %%
import json
import warnings
from pathlib import Path

import torch
from IPython.display import clear_output
from matplotlib.figure import Figure
from torch.func import grad
from torch.nn.functional import batch_norm, conv2d, cross_entropy

import maml_edu
from maml_edu import exercises
from maml_edu.evaluate import Estimate, accuracy, query_values
from maml_edu.learners import ANIL, MAML
from maml_edu.models import conv4
from maml_edu.outer import Training, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import OmniglotTasks
from maml_edu.tasks.data import StandInWarning
from maml_edu.views import plots, traces
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)

# %% [markdown]
# ## Body and head
#
# A network adapts to five new characters in one step. Which part of it learns them? The **head** is the last
# linear layer, which turns features into five logits. The **body** is all below it: four convolutions and their
# batch-norms, which make the features.

# %%
warnings.simplefilter("ignore", StandInWarning)  # the first line says the same
tasks = OmniglotTasks("train", way=5)
print(tasks.source)
real = tasks.drawings.omniglot
net = conv4(5, channels=32)
for name, shape in net.shapes().items():
    print(f"{name:>15}: {shape}")

# %% [markdown]
# **Predict, and write it down:** after training with MAML, freeze one of the two. What is left of the accuracy,
# which is about .9 when both move? (Guessing gives .2.) Set your two numbers here; you will meet them again.

# %%
my_guess = {"head only": 0.8, "body only": 0.3}  # what is right when only this part moves

# %% [markdown]
# ## Train it
#
# MAML as in the paper: one inner step, and one rate of 0.4 for everything. Small enough for half a minute:
# 32 filters in place of 64, and 800 steps of 4 tasks.

# %%
learner = MAML(net, cross_entropy, inner_lr=0.4)
training = Training(steps=800, meta_batch=4, shots=1, queries=5, meta_lr=5e-3)
*_, last = meta_train(learner, tasks, training, every=100, progress=True)
clear_output(wait=True)  # the progress bar has served
mine = last.theta
print(f"meta-loss {last.meta_loss:.2f} after {last.step} steps; guessing costs 1.61")

# %% [markdown]
# ## Freeze it
#
# To freeze a part in the inner loop, give it no rate: when `inner_lr` is a mapping, parameters that it does not
# name stay where they are. Here is a colleague's way to freeze the head, and what it finds on 80 new tasks.

# %%
new = OmniglotTasks("test", way=5, rotations=True)
batch = new.sample(80, shots=1, queries=5, generator=torch.Generator().manual_seed(12))


def right(inner_lr, theta, net=net):  # the accuracy on each task, after three steps
    one = MAML(net, cross_entropy, inner_lr=inner_lr)
    how = {"inner_steps": 3, "metric": accuracy, "chunk_size": 10}
    return query_values(one, theta, batch, **how)[:, -1]


# %%
def colleagues_freeze(theta, part, inner_lr):
    rates = dict.fromkeys(theta, inner_lr)
    rates[part] = 0.0
    return rates


for part in ("nothing", "head", "layers"):
    print(f"{part} frozen: {right(colleagues_freeze(mine, part, 0.4), mine).mean():.4f}")


# %% [markdown]
# Three times the same figure, to the last digit: "neither part matters", says the colleague. Do not believe it. A
# freeze that changes *nothing at all* has probably frozen nothing.
#
# ### Exercise 12.1: a freeze that freezes nothing
#
# Find the bug, and write the freeze that works. `theta` maps names such as `"layers.1.weight"` or `"head.bias"`
# to tensors; `part` is a first part of names, such as `"head"` or `"layers.1"`. Return the rates, by name: what
# belongs to the part rests, all else moves at `inner_lr`.
#
# <details><summary>Hint</summary>Print the keys of the colleague's <code>rates</code>. Which parameter is called
# <code>"head"</code>?</details>
# <details><summary>A second hint</summary><code>"layers.10.weight"</code> begins with <code>"layers.1"</code>, and
# is another layer.</details>

# %% tags=["exercise"]
def my_freeze(theta, part, inner_lr):
    # your lines: return a dict, name -> rate
    ...


exercises.check_freeze(my_freeze)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def freeze(theta, part, inner_lr):
    return {name: inner_lr for name in theta if not name.startswith(f"{part}.")}


### END SOLUTION
assert exercises.check_freeze(freeze)


# %% [markdown]
# Now for good. `split` gives the body and the head a rate each; a part whose rate is 0 is not named, so it rests.

# %%
def split(theta, body, head):
    rates = {name: head if name.startswith("head.") else body for name in theta}
    return {name: rate for name, rate in rates.items() if rate}


parts = {"all": (0.4, 0.4), "head only": (0, 0.4), "body only": (0.4, 0)}
of_mine = {part: right(split(mine, *rates), mine) for part, rates in parts.items()}
for part, values in of_mine.items():
    print(f"{part:>9}: {Estimate.of(values)}   your guess: {my_guess.get(part, '-')}")

# %% jupyter={"source_hidden": true}
if real:  # made-up letters are another matter
    assert of_mine["body only"].mean() > of_mine["head only"].mean() + 0.03


# %% [markdown]
# The *body* learns the task: freeze the head, and next to nothing is lost. Freeze the body, and the head alone does
# clearly worse. If you predicted the opposite, you are in good company, and you will meet it below.
#
# ### Exercise 12.2: pair the comparison
#
# How much does a freeze cost? Both variants saw the *same* 80 tasks. Given the accuracies of both, (tasks,), return
# what the freeze costs on average, and the half-width of its 95% interval, $1.96\,s/\sqrt n$. Of what is $s$ the
# standard deviation?
#
# <details><summary>Hint</summary>A task with two look-alike characters is hard for both variants. What you
# want to know is not how much tasks differ, but how much the two differ on one task.</details>

# %% tags=["exercise"]
def my_cost(all_move, frozen):
    # your lines: return (mean, half_width)
    ...


exercises.check_paired_cost(my_cost)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def cost(all_move, frozen):
    lost = all_move - frozen
    return lost.mean(), 1.96 * lost.std() / len(lost) ** 0.5


### END SOLUTION
assert exercises.check_paired_cost(cost)
for part in ("head only", "body only"):
    print(f"{part} costs {' ± '.join(f'{v:.3f}' for v in cost(of_mine['all'], of_mine[part]))}")

# %% [markdown]
# ## Two networks with a past
#
# Yours trained for half a minute. Here are two that trained for longer, both with 64 filters:
# - **MAML alone**: nothing but MAML with the uniform rate of 0.4, as yours. (It is a state of
#   `python -m benchmarks.maml_from_scratch`, on its way to the end.)
# - **ANIL, then MAML**: ANIL trained its body, and ANIL's inner steps never move it. MAML went on for 80
#   steps only, with rates that began 10,000 times smaller for the body than for the head.

# %%
runs = Path(maml_edu.__file__).parents[1] / "results" / "runs"
maml_alone = runs / "maml-conv4-5way-1shot-seed0" / "best"
anil_body = "omniglot-anil-maml-conv4-5way-1shot"


def parameters_of(name):  # without what else theta holds: learned rates
    made = checkpoint.load(name)
    return made.learner.parameters(made.theta)


thetas = {"yours": mine, "MAML alone": parameters_of(maml_alone)}
thetas["ANIL, then MAML"] = parameters_of(anil_body)
wide = conv4(5)
nets = {"yours": net, "MAML alone": wide, "ANIL, then MAML": wide}

# %% [markdown]
# Move what you like. Both rates are on log scales; **rest** sets the rate of what you choose to 0, of one layer or of
# a whole part. Scrub the inner steps: on the left, how far each layer goes; on the right, how many answers are right.
# *Predict* first: for which network does "the body rests" hurt? "The head rests"? Is there a rate of the head at which
# MAML alone reads well *without* its body?

# %%
few = new.sample(8, shots=1, queries=5, generator=torch.Generator().manual_seed(7))
layers = {f"layer {i + 1}": [f"layers.{i}.weight"] for i in range(4)} | {"head": ["head.weight"]}
resting = {"nothing": "-", "the body": ("layers", "norms"), "the head": "head"}
resting |= {f"layer {i + 1}": (f"layers.{i}", f"norms.{i}") for i in range(4)}


def watch(who, body, head, rests):
    rates = split(thetas[who], body, head)
    rates = {name: rate for name, rate in rates.items() if not name.startswith(rests)}
    one = MAML(nets[who], cross_entropy, inner_lr=rates)
    return traces.movement(one, thetas[who], few, layers, chunk_size=4, name=who)


explore(
    watch,
    who=Choice("network", list(thetas)),
    body=Slider("rate of the body", 0.001, 10.0, value=0.4, log=True, step=0.1),
    head=Slider("rate of the head", 0.001, 100.0, value=0.4, log=True, step=0.1),
    rests=Choice("what rests", resting),
)

# %% [markdown]
# Now with numbers and intervals, at the uniform rate of 0.4 for all three.

# %%
found = {}
for who, theta in list(thetas.items())[1:]:
    for part, rates in parts.items():
        found[who, part] = right(split(theta, *rates), theta, nets[who])
        print(f"{who:>15}, {part:>9}: {Estimate.of(found[who, part])}")

# %% jupyter={"source_hidden": true}
if real:
    all_of, head, body = (found["MAML alone", part] for part in parts)
    assert Estimate.of(all_of - body).mean < 0.03
    lost = Estimate.of(all_of - head)
    assert lost.mean - lost.half_width > 0.05
    all_of, head, body = (found["ANIL, then MAML", part] for part in parts)
    assert abs(Estimate.of(all_of - head).mean) < 0.02
    assert body.mean() < 0.3


# %% [markdown]
# A clean contradiction! MAML alone reads with its body; ANIL's network reads with its head, and with its head frozen
# it only guesses, *at the very rate at which MAML's body learns everything*. So it is not a law of the architecture.
#
# ## Why one body cannot move
#
# Write down the gradient of the support loss with respect to a feature vector. It is $W^\top(p - y)$: each row of the
# head's weight $W$, times how wrong its logit is. The body hears of its mistakes only **through the head**. And
# $\sum_c (p_c - y_c) = 0$. So if all rows of $W$ are alike, the body hears nothing. How much do they differ?

# %%
def rows_apart(theta):
    W = theta["head.weight"]
    return (W - W.mean(0)).norm()


def pull(theta, net):  # how long the body's gradient is, on one task's support set
    slopes = grad(MAML(net, cross_entropy).loss_at)(theta, *few.task(0).support)
    return torch.cat([g.flatten() for n, g in slopes.items() if not n.startswith("head.")]).norm()


for who, theta in thetas.items():
    apart, pulled = rows_apart(theta), pull(theta, nets[who])
    print(f"{who:>15}: rows apart {apart:.3f}, pull on the body {pulled:.4f}")

# %% [markdown]
# MAML keeps a head with five different rows: fixed targets, and one step of the body turns the features towards them.
# The head of ANIL's network starts with five rows that are nearly alike, and short: it is there to be overwritten, in one
# large step. Is that why its body cannot learn? Test it: take MAML's own network, and make its rows alike.

# %%
alike = dict(thetas["MAML alone"])
alike["head.weight"] = alike["head.weight"].mean(0, keepdim=True).expand(5, -1).clone()
print(f"pull on the body: {pull(alike, wide):.1e}")
deaf = right(split(alike, 0.4, 0), alike, wide)
print(f"body only, rows alike: {Estimate.of(deaf)}")
assert abs(deaf.mean() - 0.2) < 0.05

# %% [markdown]
# From nearly everything to a guess, and no weight of the body was touched. Now the other way round: leave ANIL's body
# as it is, which nobody ever trained to move, and lend it MAML's head. *Predict:* does the body learn now?

# %%
lent = dict(thetas["ANIL, then MAML"])
lent |= {name: p for name, p in thetas["MAML alone"].items() if name.startswith("head.")}
hears = right(split(lent, 0.4, 0), lent, wide)
print(f"ANIL's body only, MAML's head: {Estimate.of(hears)}")
if real:
    assert hears.mean() > 0.4


# %% [markdown]
# It does, though not as well as a body that was trained to. So whether a body *can* adapt is written in its head; how
# well it does is a matter of training. (Oh et al. put it so: features must move quickly to the head's vectors.)
#
# ## Which layer moves most?
#
# *Predict* an order for MAML alone, from the first convolution to the head. Then measure it.
#
# ### Exercise 12.3: how far a layer moves
#
# `before` and `after` map names to tensors, and `names` says which of them make up the layer. Return how far they moved
# *together*, as a fraction of their norm before.
#
# <details><summary>Hint</summary>A layer's tensors laid end to end are one vector. You want the length of a difference
# over a length, and not the mean of several such ratios.</details>

# %% tags=["exercise"]
def my_moved(before, after, names):
    # your lines: return a scalar
    ...


exercises.check_moved(my_moved)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def moved(before, after, names):
    first, last = (torch.cat([t[n].flatten() for n in names]) for t in (before, after))
    return (last - first).norm() / first.norm()


### END SOLUTION
assert exercises.check_moved(moved)


# %% [markdown]
# Three steps at the uniform rate, the mean over eight tasks:

# %%
def states_of(who, task):
    one = MAML(nets[who], cross_entropy, inner_lr=0.4)
    states = one.adapt(thetas[who], task.support, inner_steps=3)
    return states[0], states[-1]


for who in thetas:
    far = [[moved(*states_of(who, few.task(i)), n) for n in layers.values()] for i in range(8)]
    means = torch.tensor(far).mean(0)
    shown = ", ".join(f"{name} {v:.1%}" for name, v in zip(layers, means, strict=True))
    print(f"{who:>15}: {shown}")


# %% [markdown]
# In MAML's networks the *last* convolution goes furthest of the four, as its pull comes straight from the head. Far is
# not the same as important, though. Go back to the player and let layer 4 rest, then layer 1.
#
# ## Do the features change?
#
# Weights may move without changing what a layer *says*, so compare its outputs. Features of one layer at the same $n$
# pictures, before and after, are two matrices $X$ and $Y$, (n, features). Kornblith et al. (2019, arXiv 1905.00414)
# propose **linear CKA**. With each feature centred over the samples,
#
# $$\text{CKA}(X, Y) = \frac{\lVert Y^\top X\rVert^2}{\lVert X^\top X\rVert\ \lVert Y^\top Y\rVert}\,,$$
#
# where $\lVert\cdot\rVert$ is the root of the sum of all squared entries. It is 1 for the same features.
#
# ### Exercise 12.4: linear CKA
#
# Write it. `x` is (samples, p), `y` (samples, q), and p and q may differ.
#
# <details><summary>Hint</summary>Centre over the samples, which is dim 0. <code>m.norm()</code> of a matrix
# is the norm meant here.</details>

# %% tags=["exercise"]
def my_cka(x, y):
    # your lines: return a scalar
    ...


exercises.check_cka(my_cka)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def cka(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())


### END SOLUTION
assert exercises.check_cka(cka)

# %% [markdown]
# What does it not see? *Predict* each line: is CKA 1, or less? The next layer could undo any of these four.

# %%
draw = torch.Generator().manual_seed(0)
x, mix = torch.randn(60, 10, generator=draw), torch.randn(10, 10, generator=draw)
changed = {
    "three times as large": 3 * x,
    "turned": x @ torch.linalg.qr(mix).Q,
    "one feature ten times as large": x * torch.tensor([10.0] + [1.0] * 9),
    "mixed by an invertible matrix": x @ mix,
}
for what, y in changed.items():
    print(f"{what:>31}: {cka(x, y):.3f}")

# %% jupyter={"source_hidden": true}
scaled, turned, stretched, mixed = (cka(x, y) for y in changed.values())
assert min(scaled, turned) > 0.999
assert max(stretched, mixed) < 0.9


# %% [markdown]
# Linear CKA ignores a rotation, and one scale for all features. It does mind a stretch of a single one, or an arbitrary
# invertible map, although the next layer could undo those as well.
#
# Now the layers' outputs: `conv4`'s forward pass by hand, as in lesson 11, but it keeps what it passes. The second
# function is the same CKA by way of (samples, samples), for a convolution has thousands of features.

# %%
def features(theta, x):
    kept = []
    for i in range(4):
        x = conv2d(x, theta[f"layers.{i}.weight"], stride=2, padding=1)
        norm = (theta[f"norms.{i}.{name}"] for name in ("weight", "bias"))
        x = batch_norm(x, None, None, *norm, True, eps=0.001).relu()
        kept.append(x)
    return [*kept, x.mean((2, 3)) @ theta["head.weight"].T + theta["head.bias"]]


def by_samples(x, y):
    x, y = (z.flatten(1) - z.flatten(1).mean(0) for z in (x, y))
    xx, yy = x @ x.T, y @ y.T
    return (xx * yy).sum() / (xx.norm() * yy.norm())


# %% jupyter={"source_hidden": true}
# Both are what they should be.
pictures = few.query_x[0]
assert torch.allclose(features(mine, pictures)[-1], net(mine, pictures), atol=1e-3)
assert torch.isclose(by_samples(x, x @ mix), cka(x, x @ mix), rtol=1e-3)

# %% [markdown]
# A similarity says little alone: with few samples and many features, CKA runs high. So a fourth curve shows what *no*
# relation looks like: MAML alone against itself with the pictures in another order.

# %%
more = new.sample(15, shots=1, queries=15, generator=torch.Generator().manual_seed(9))
order = torch.randperm(75, generator=draw)


@torch.no_grad()
def likeness(who, task, order=slice(None)):
    before, after = (features(state, task.query_x) for state in states_of(who, task))
    return [by_samples(a[order], b) for a, b in zip(before, after, strict=True)]


curves = {who: [likeness(who, more.task(i)) for i in range(15)] for who in thetas}
curves["another order"] = [likeness("MAML alone", more.task(i), order) for i in range(15)]
curves = {who: torch.tensor(rows).mean(0) for who, rows in curves.items()}

# %% [markdown]
# *Predict* where the curves part, then look.

# %%
figure = Figure(figsize=(6.4, 3.2), layout="constrained")
axes = figure.add_subplot(ylim=(0, 1.05), ylabel="CKA, before and after adapting")
for (who, curve), look in zip(curves.items(), ("v-", "o-", "s--", "^:"), strict=True):
    axes.plot(list(layers), curve.numpy(), look, label=who)
axes.legend(frameon=False, fontsize=8)
said = "; ".join(f"{w}: {', '.join(f'{v:.2f}' for v in c)}" for w, c in curves.items())
plots.show(figure, f"Linear CKA before and after adapting, layers 1 to 4 and head. {said}.")

# %% jupyter={"source_hidden": true}
if real:
    assert (curves["ANIL, then MAML"][:4] > 0.99).all()
    assert curves["MAML alone"][3] < curves["MAML alone"][:3].min()
    assert curves["MAML alone"][3] < curves["ANIL, then MAML"][3] - 0.03

# %% [markdown]
# ANIL's body says after adapting exactly what it said before: its features are **reused**. MAML's last convolution says
# something new. Not by much, as CKA counts, yet freezing showed that most answers hang on it: a CKA near 1 does not
# mean that nothing important happened. That is worth remembering when a paper shows you only the CKA.
#
# ## Who is right?
#
# *Reported:* Raghu et al. (2020, arXiv 1909.09157, "Rapid Learning or Feature Reuse?") froze and compared layers of
# MAML-trained networks, and found feature reuse to be "the dominant factor". Their **ANIL** drops the inner loop for all
# but the head, and matches MAML on their benchmarks. Oh et al. (2021, arXiv 2008.08882) answer with **BOIL**: drop it for
# the *head* instead. They report gains over MAML, most of all when the test comes from another domain.
#
# In this course, each is one line. (ANIL is a name for the second.)

# %%
boil = MAML(net, cross_entropy, inner_lr=split(net.shapes(), body=0.4, head=0))
anil = MAML(net, cross_entropy, inner_lr=split(net.shapes(), body=0, head=0.4))
same = ANIL(net, cross_entropy, inner_lr=0.4)
ends = [one.adapt(mine, few.task(0).support)[-1] for one in (anil, same)]
assert all(torch.equal(ends[0][name], ends[1][name]) for name in mine)
print("BOIL moves", len(boil.inner_lr), "tensors, ANIL", len(anil.inner_lr))

# %% [markdown]
# *Measured here:* `python -m benchmarks.what_adapts` repeats your training for each learner and several seeds, with
# everything alike but who may move in the inner step, and how fast. (5-way 1-shot, 32 filters, 800 steps of 4 tasks.
# Rates that no paper gives are chosen on validation tasks, with a seed of their own.) Each is tested on the same 300
# tasks. *Predict:* which learner reads best? In how many seeds does the body alone beat the head alone?

# %%
record = json.loads((runs.parent / "what_adapts.json").read_text("utf-8"))
by_learner = {}
for row in record["rows"]:
    by_learner.setdefault(row["learner"], []).append(row)
for name, rows in by_learner.items():
    ends = [{part: row["right"][part][-1]["mean"] for part in parts} for row in rows]
    body = sum(end["body only"] > end["head only"] for end in ends)
    reads = sum(end["all"] for end in ends) / len(ends)
    told = f"{name} (rate {rows[0]['rate']:g}): {reads:.3f} right"
    print(f"{told}; body ahead of head in {body} of {len(ends)} seeds")

# %% [markdown]
# One dot a seed. The dotted line is guessing.

# %%
figure = Figure(figsize=(7.2, 3.4), layout="constrained")
axes = figure.add_subplot(ylabel="accuracy", ylim=(0, 1.02))
places = {name: x for x, name in enumerate(by_learner)}
looks = {"all": ("o", "#0072b2"), "body only": ("^", "#d55e00"), "head only": ("s", "#7a4f00")}
for i, (part, (marker, colour)) in enumerate(looks.items()):
    across = [places[row["learner"]] + 0.22 * (i - 1) for row in record["rows"]]
    up = [row["right"][part][-1]["mean"] for row in record["rows"]]
    axes.plot(across, up, marker, color=colour, label=part, alpha=0.7)
axes.set_xticks(range(len(places)), [name.replace(", ", ",\n") for name in places])
axes.axhline(0.2, color="#767676", ls=":")
axes.legend(frameon=False, fontsize=8, title="who moves")
plots.show(figure, "Accuracy of five learners by what may move in the inner steps, one dot a seed.")

# %% jupyter={"source_hidden": true}
# What the next paragraph says of each seed in the record, held to.
for row in record["rows"]:
    lost = {part: row["lost"][part] for part in ("head only", "body only")}
    if row["learner"] in ("MAML", "MAML, learned rates"):
        assert lost["head only"]["mean"] - lost["head only"]["half_width"] > 0.05
        assert lost["body only"]["mean"] < 0.03
    if row["learner"] == "MAML, fast head":
        assert lost["body only"]["mean"] - lost["body only"]["half_width"] > 0.05
        assert lost["head only"]["mean"] < 0.05

# %% [markdown]
# ANIL with its body alone, and BOIL with its head alone, can only guess: that is how they are made, and no finding. The
# findings are MAML's, which was free to use either part. With *one rate for all*, or with rates that it learns from
# there, the **body** learns the task, as Oh et al. would have it. Give the head alone **ten times the rate**, and train
# anew: now the **head** learns it, as Raghu et al. report, and freezing the *head* is what hurts. Nothing else differs
# between the two: same network, same tasks, same steps. (Do not rank ANIL by this picture: its steps cost less, and the
# comparison is at equal steps, not at equal time.)
#
# So "rapid learning or feature reuse?" has no answer without its conditions, and one of them, tested here, is the ratio
# of two rates. Others nobody has tested here: the length of the training, more shots, photographs in place of characters.

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("12")

# %% [markdown]
# ## Recap
#
# - Freeze by name, then check that something changed. A freeze without any effect is a bug until proven otherwise.
# - MAML with one rate for all learns a new character with its *body*; with a faster head, with its head.
# - The body is taught through the head: with rows alike it hears nothing, whatever its rate; lend it a head, and it does.
# - CKA ignores rotations and one scale. A CKA near 1 does not mean that nothing important changed.
# - Pair the comparison, and draw the seeds.
#
# ## What to try
#
# - Add `lent` to `thetas` (and to `nets`), and look at it in the player. At which rate of the body does it read best?
# - Set `my_guess` for 5 shots, and load `maml-conv4-5way-5shot-seed0`.
# - Leave out the inner loop altogether: give each query the label of the support drawing whose layer-4 features lie
#   nearest. For whose body is that enough? (This is where lesson 14 begins.)
#
# **Next, [lesson 13](13_the_traps.ipynb):** the traps, each broken on purpose.
