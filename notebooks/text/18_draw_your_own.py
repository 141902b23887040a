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
# # 18 · Draw your own
#
# **You will be able to**
# - bring a drawing of your own into the form that a trained network knows, and say by numbers why each step matters;
# - give a classifier that was trained for five ways any number of ways;
# - few-shot-train on your own drawings, scrub the inner steps, and see what meta-training added.
#
# About 30 minutes, and as long as you like to draw.

# %%
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch.nn.functional import cross_entropy, interpolate, max_pool2d, pad

from maml_edu import exercises
from maml_edu.evaluate import Estimate, accuracy, query_values
from maml_edu.learners import MAML
from maml_edu.learners.heads import resize_head
from maml_edu.models import conv4
from maml_edu.runs import checkpoint
from maml_edu.tasks import OmniglotTasks
from maml_edu.tasks.data import StandInWarning
from maml_edu.views import plots, traces
from maml_edu.views.drawing import Drawing, DrawingSet, files, strokes
from maml_edu.views.widgets import Draw

torch.set_num_threads(1)

# %% [markdown]
# ## A network is at home in its data
#
# We take lesson 11's good reader (its body was trained by ANIL), and the characters that it was never trained on. Queries will come one by one, as
# you draw them. So batch-norm takes its statistics from the support set alone: the **support-only** protocol.

# %%
warnings.simplefilter("ignore", StandInWarning)  # the line below says the same
test = {way: OmniglotTasks("test", way) for way in (2, 3, 4, 5)}
print(test[5].source)
full = checkpoint.load("omniglot-anil-maml-conv4-5way-1shot")
learner = replace(full.learner, protocol="support-only")

# %% [markdown]
# What if a drawing is not quite like those it knows? Leave the support set alone, and change the queries a little: move
# them aside, draw them with a thicker pen, make them smaller. *Predict:* which of these does it mind most?

# %%
batch = test[5].sample(40, shots=1, queries=5, generator=torch.Generator().manual_seed(1))
x = batch.query_x  # (tasks, queries, 1, 28, 28)
half = interpolate(x.flatten(0, 1), scale_factor=0.5, mode="area")
changed = {
    "as they are": x,
    "6 pixels down and right": x.roll((6, 6), (-2, -1)),
    "a thicker pen": max_pool2d(x.flatten(0, 1), 3, 1, 1).view_as(x),
    "half as large": pad(half, (7, 7, 7, 7)).view_as(x),
}

# %%
how = {"inner_steps": 3, "metric": accuracy, "chunk_size": 10}
right = {}
for name, x in changed.items():
    one = batch._replace(query_x=x)
    right[name] = query_values(learner, full.theta, one, **how)[:, 3]
    print(f"{name:>24}: {Estimate.of(right[name])}")
for name in list(changed)[1:]:
    lost = Estimate.of(right["as they are"] - right[name])
    assert lost.mean > lost.half_width > 0


# %% [markdown]
# A child reads all of these. The network has only ever seen one pen and one habit of filling a page. So before your
# drawing goes in, it must get *Omniglot's* pen, place and size. We do not guess them: they are measured.
#
# ## From a pen to pixels
#
# Omniglot was drawn online, stroke by stroke, on a page of 105 by 105 pixels. Your drawing will be a list of strokes, each a list of points
# on such a page. The ink: every pixel whose middle is within half a pen's width of the way between two points.

# %% [markdown]
# ### Exercise 18.1: what a pen inks
#
# The pen went straight from `a` to `b`, both (2,). Say of each of `points`, (n, 2), whether it is within `width` / 2 of
# that way. A dot has `a` equal to `b`.
#
# <details><summary>Hint</summary>Which share of the way from a to b is nearest to a point p? It is
# (p − a)·(b − a) / |b − a|², kept between 0 and 1. For a dot that is 0 / 0: <code>clamp_min</code> helps.</details>

# %% tags=["exercise"]
def my_ink(points, a, b, width):
    # your lines: return a bool tensor, (n,)
    ...


exercises.check_ink(my_ink)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def ink(points, a, b, width):
    along = b - a
    share = (points - a) @ along / (along @ along).clamp_min(1e-12)
    nearest = a + share.clamp(0, 1)[:, None] * along
    return (points - nearest).norm(dim=1) <= width / 2


### END SOLUTION
assert exercises.check_ink(ink)

# %% [markdown]
# A spiral, inked by your rule, pixel by pixel; `strokes.rasterise` does the same, quicker. The pen is 5 pixels wide: the median
# over Omniglot's 19,280 background drawings, and nine in ten of them lie between 5.0 and 5.7 (`python -m benchmarks.draw
# measure`).

# %%
turn = torch.linspace(0, 12, 60, dtype=torch.float64)
spiral = 52 + 3 * turn[:, None] * torch.stack([turn.cos(), turn.sin()], 1)
middles = torch.cartesian_prod(*[torch.arange(105.0, dtype=torch.float64) + 0.5] * 2).flip(1)
by_hand = torch.zeros(105 * 105, dtype=torch.bool)
for a, b in zip(spiral[:-1], spiral[1:], strict=True):
    by_hand |= ink(middles, a, b, strokes.WIDTH)
page = strokes.rasterise([spiral.tolist()])
assert torch.equal(by_hand.view(105, 105), torch.from_numpy(page))


# %% [markdown]
# ## As large, and where
#
# Nobody centred Omniglot's drawings, so centring yours would be wrong as well. The middle of the ink's box lies between 37 and
# 65 pixels from the left in 98% of them, and 37.5 to 64 from the top; its longer side has 32 to 95. What lies within
# stays as it is; what does not is moved, or scaled, to the nearest value that does.

# %% [markdown]
# ### Exercise 18.2: put it where drawings are
#
# Move `points`, (n, 2), as little as possible, so that the middle of their box lies between `least` and `most`, (2,) each,
# in x and in y.
#
# <details><summary>Hint</summary>The box goes from the least x and y to the greatest: <code>amin</code>,
# <code>amax</code>. Where is its middle, where would <code>clamp</code> put it, and what is the
# difference?</details>

# %% tags=["exercise"]
def my_placed(points, least, most):
    # your lines: return the moved points, (n, 2)
    ...


exercises.check_placed(my_placed)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def placed(points, least, most):
    middle = (points.amin(0) + points.amax(0)) / 2
    return points + (middle.clamp(least, most) - middle)


### END SOLUTION
assert exercises.check_placed(placed)

# %% [markdown]
# Here is the whole way of a small drawing in a corner: `strokes.place`, then `strokes.rasterise`, then from 105 to 28 pixels by the
# function that decoded Omniglot itself. `traces.image_of` does all three, and is all that stands between the pad below
# and the network.

# %%
z = [(8.0, 8.0), (20.0, 8.0), (8.0, 20.0), (20.0, 20.0)]
[there] = strokes.place([z])
low, high = there[:, 0].min(), there[:, 0].max()
assert (low + high) / 2 == 37  # the middle of its box
assert high - low + strokes.WIDTH == 32  # its longer side
parts = {"as drawn": strokes.rasterise([z]), "placed": strokes.rasterise([there])}
parts["as the network sees it"] = traces.image_of(Drawing("strokes", (tuple(z),))) / 255
figure, axes = plt.subplots(1, 3, figsize=(6.6, 2.5))
for ax, (name, picture) in zip(axes, parts.items(), strict=True):
    ax.imshow(picture, cmap="gray_r")
    ax.set(title=name, xticks=[], yticks=[])
said = (
    "A small z in the upper left corner; twice as large and nearer the middle; in 28 x 28 pixels."
)
plots.show(figure, said)

# %% [markdown]
# ## Any number of ways
#
# The model's head has five rows, one a class. You may want two. But labels were dealt anew in each task, so no row can have
# learned anything of its own: rows should differ by chance alone. They do:

# %%
rows = full.theta["head.weight"]  # (5, features)
common = rows.mean(0)
spread = (rows - common).norm(dim=1).mean() / common.norm()
print(f"the rows differ from their mean by {100 * spread:.1f}% of its length")
assert spread < 0.1


# %% [markdown]
# ### Exercise 18.3: a head for any number of ways
#
# Given a trained head, `weight` (5, features) and `bias` (5,), return the `(weight, bias)` of a head of `way` rows, so that
# before the first inner step every class is equally likely. Which row should a class have? Is anything lost?
#
# <details><summary>Hint</summary>All classes need the same row, and <code>way</code> = 7 asks for more rows than there
# are. What does softmax make of a number that is added to every logit?</details>

# %% tags=["exercise"]
def my_head(weight, bias, way):
    # your lines: return (weight, bias), (way, features) and (way,)
    ...


exercises.check_head_for(my_head)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
# Any row w will do, if all classes share it: zeros, the mean, one of the five. It adds the
# same number w·v to every logit, which softmax ignores. Nor does it pull on the features v:
# the loss has the gradient sum_c (p_c - y_c) w = (1 - 1) w = 0 there. So no step changes.
def head_for(weight, bias, way):
    return weight.mean(0).expand(way, -1), bias.mean().expand(way)


### END SOLUTION
assert exercises.check_head_for(head_for)

# %% [markdown]
# `resize_head` in the package takes the mean too. By the solution's argument a head of zeros adapts in the same way; the next
# cell tries both. How good is the result at numbers of ways that it was never trained for? (And at 5 it should lose nothing.)

# %%
for way in (2, 3, 5):
    some = test[way].sample(40, shots=1, queries=5, generator=torch.Generator().manual_seed(1))
    resized, start = resize_head(learner, full.theta, conv4(way))
    zeros = {name: torch.zeros_like(start[name]) for name in ("head.weight", "head.bias")}
    by_step = query_values(resized, start, some, **how)
    from_zeros = query_values(resized, {**start, **zeros}, some, **how)
    assert (from_zeros - by_step)[:, 3].abs().mean() < 0.01  # rounding may move a close call
    print(f"{way}-way: {Estimate.of(by_step[:, 3])}, guessing {1 / way:.2f}")
    assert by_step[:, 3].mean() > 0.5 + 0.5 / way
same = Estimate.of(by_step[:, 3] - right["as they are"])
assert abs(same.mean) <= 0.02

# %% [markdown]
# ## The rival
#
# Beside it we set a network that was **not meta-trained**: the same layers, fresh weights, the same inner steps. It has the
# paper's rate of 0.4, near the best for it: the learned rates, made for other features, serve it worse.

# %%
net = conv4(5)
plain = MAML(net, cross_entropy, inner_lr=0.4, protocol="support-only")
fresh = net.init(generator=torch.Generator().manual_seed(0))
untrained = query_values(plain, fresh, batch, **how)[:, 3]
learned = {name: p for name, p in full.theta.items() if "inner_lr" in name}
with_learned = query_values(learner, {**fresh, **learned}, batch, **how)[:, 3]
print(f"fresh weights: {Estimate.of(untrained)}, at learned rates {Estimate.of(with_learned)}")
assert untrained.mean() > with_learned.mean()
gain = Estimate.of(right["as they are"] - untrained)
assert gain.mean - gain.half_width > 0.2

# %% [markdown]
# ## Draw
#
# A prepared task to begin with, from characters that the model never met, and a palette of more of them by other
# hands.

# %%
task = test[5].sample(1, shots=1, queries=4, generator=torch.Generator().manual_seed(0)).task(0)


def as_drawing(x):
    return Drawing.of_grey((255 * x[0]).round().to(torch.uint8).numpy())


support, queries = ([as_drawing(one) for one in x] for x in (task.support_x, task.query_x))
start = DrawingSet(tuple((one,) for one in support), queries[0])
palette = {f"character {1 + i // 4}, hand {1 + i % 4}": one for i, one in enumerate(queries)}


# %% [markdown]
# Now it is your turn. Choose a place (A, B, …, query) and **draw in it**, with mouse, finger or pen; or go to the palette with
# Tab, walk it with the arrows, and take a drawing with Enter. After each stroke both networks adapt to what is there.
# Scrub the inner steps below.

# %%
def compute(drawings):
    model = conv4(drawings.way)
    pair = {"meta-trained": (learner, full.theta), "fresh weights": (plain, fresh)}
    return traces.drawings({name: resize_head(*one, model) for name, one in pair.items()}, drawings)


pad_for_you = Draw(compute, start, palette)
pad_for_you

# %% [markdown]
# Things to find out:
# - Step 0: the meta-trained network says nothing, each class is equally likely. What does one step do, and what do the next two?
# - Draw five signs of your own, and a query that is *none* of them. It has to name one. How sure is it?
# - Two signs that differ in one stroke. More shots: does it help, and which of the two networks?
# - The support loss of both falls. Which of them *understood*?
#
# The prepared task in numbers:

# %%
trace = compute(start)
print(pad_for_you.describe())
assert abs(trace.probabilities[0, 0] - 1 / 5).max() < 1e-3  # cannot know yet
fell = trace.support_loss[:, 3] < trace.support_loss[:, 0]
assert fell.all()  # both fit what they were shown
assert trace.names[trace.answers[0, 3]] == "A"

# %% [markdown]
# ## Keep it
#
# **Save** puts your drawings into a small JSON file, **Load** brings them back; from Python it is `files`. What is read
# is checked, and one sentence says what is wrong.

# %%
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "my_drawings.json"
    files.save(file, pad_for_you.drawings)
    assert files.load(file) == pad_for_you.drawings
    print(f"{file.stat().st_size:,} bytes")
    file.write_text(file.read_text().replace('"query"', '"qwery"'))
    try:
        files.load(file)
    except ValueError as error:
        print(str(error).replace(folder, "…"))

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("18")

# %% [markdown]
# ## Recap
#
# - A network is at home in its data: pen, size and place are part of what it learned. Measure them, and bring new input there.
# - Meta-trained rows of a head are alike, so any row serves any number of ways, if all classes share it: softmax ignores it.
# - A lone query needs a batch-norm that does not look at queries: support-only.
# - Both networks fit the support set; only the meta-trained one takes something from it that holds for the query.
#
# ## What to try
#
# - Change the support set along with the queries in the first table. What is worse: to be unusual, or to be unlike?
# - Turn the pad's compute into ProtoMAML or a prototypical network (lesson 14): how sure are they?
# - Adapt for ten steps: `traces.drawings(..., inner_steps=10)`.
# - A *thinner* pen, in the first table: `-max_pool2d(-x, …)`. And both, support and queries, in negative?
#
# **Next:** [faster, larger](31_faster_larger.ipynb).
