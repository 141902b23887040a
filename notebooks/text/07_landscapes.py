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
# # 07 · Landscapes
#
# **You will be able to**
# - draw the loss of a real network over a plane through its parameters, and say what the picture leaves out;
# - measure in which directions the loss is steep at $\theta$, and say what that has to do with `inner_lr`;
# - freeze layers to see which ones must adapt, and which are merely *used again*;
# - compare a layer's features before and after adapting, with linear CKA.
#
# About 60 minutes, of which the machine computes for half of one.

# %%
import warnings
from dataclasses import replace
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch.func import grad, hessian, jvp, vmap
from torch.nn.functional import batch_norm, conv2d

import maml_edu
from maml_edu import exercises
from maml_edu.evaluate import Estimate, accuracy, query_values
from maml_edu.learners import ANIL
from maml_edu.outer import Training, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import OmniglotTasks, SinusoidTasks
from maml_edu.tasks.data import StandInWarning
from maml_edu.views import plots
from maml_edu.views.traces import landscape, main_plane, random_plane, unflat
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)

# %% [markdown]
# ## Four ways from one theta
#
# You know what adapting does to the function and to the losses. Now watch the parameters themselves. We
# load the meta-trained $\theta$ that comes with the course, and draw four sine tasks of ten support points.

# %%
maml, joint = checkpoint.load("sine-maml"), checkpoint.load("sine-joint")
learner, net = maml.learner, maml.learner.model
draw = torch.Generator().manual_seed(6)
four = SinusoidTasks().sample(4, shots=10, queries=50, generator=draw)


# %% [markdown]
# All of $\theta$, laid end to end, is one point in a space of many dimensions. Adapting takes it along a
# path of eleven points, $\theta$ first.

# %%
def flat(theta):
    return torch.cat([p.flatten() for p in theta.values()])


def path_of(theta, task):
    states = learner.adapt(theta, task.support, inner_steps=10)
    return torch.stack([flat(state) for state in states])


theta = maml.theta
paths = torch.stack([path_of(theta, four.task(i)) for i in range(4)])
print(tuple(paths.shape), "tasks, steps, parameters")

# %% [markdown]
# ## A plane to look at them
#
# You can draw two dimensions. Which two? **Principal components**: those that hold most of the motion. Take
# the distances from $\theta$ as rows of a matrix; its singular value decomposition gives directions at right
# angles, the most travelled first. (Textbooks subtract the mean. We subtract $\theta$, so that the plane
# goes through it.)

# %%
moved = (paths - flat(theta)).flatten(0, 1)
_, lengths, directions = torch.linalg.svd(moved, full_matrices=False)
shares = lengths**2 / (lengths**2).sum()
print("share of the motion:", ", ".join(f"{s:.1%}" for s in shares[:5]))
assert shares[:2].sum() > 0.9

# %% [markdown]
# Forty steps through more than a thousand dimensions, and two directions hold nearly all of it. `main_plane`
# does the same. (Up to the sign of a direction, which is arbitrary.) Is that so surprising? Each path goes
# mostly one way, so four of them need four directions at the most. Ask fifty tasks:

# %%
plane = main_plane(theta, paths)
shadows = moved @ directions[:2].T
mine, theirs = shadows.abs(), plane.coordinates(paths).flatten(0, 1).abs()
assert torch.allclose(mine, theirs, atol=1e-4)
assert abs(plane.explained_fraction(paths) - shares[:2].sum()) < 1e-4

# %%
many = SinusoidTasks().sample(50, shots=10, queries=10, generator=torch.Generator().manual_seed(4))
of_fifty = torch.stack([path_of(theta, many.task(i)) for i in range(50)])
_, lengths, _ = torch.linalg.svd((of_fifty - flat(theta)).flatten(0, 1), full_matrices=False)
print(f"two directions hold {(lengths[:2] ** 2).sum() / (lengths**2).sum():.0%} for fifty tasks")
assert (lengths[:2] ** 2).sum() / (lengths**2).sum() > 0.75


# %% [markdown]
# ## The landscape
#
# The plane is paved with networks: each of its points is a full set of parameters, so it has a loss on any
# task. Ask a grid of them, first one by one, then all side by side with `vmap`.

# %%
def loss_at(point, task):  # point: two coordinates
    return learner.loss_at(plane.point(point), *task.support)


ticks = torch.linspace(-0.5, 0.5, 15)
grid = torch.cartesian_prod(ticks, ticks)
slow = torch.stack([loss_at(point, four.task(0)) for point in grid])
fast = vmap(lambda point: loss_at(point, four.task(0)))(grid)
assert torch.allclose(slow, fast, rtol=1e-3)
print(f"{len(grid)} networks, losses from {fast.min():.2f} to {fast.max():.2f}")

# %% [markdown]
# Contours of those losses, and the four paths over them. Each task sees **its own landscape**; the paths are
# the same in all. *Predict:* does a path end in its own task's valley? In the others'? Then scrub the inner
# steps, and change the task. Go on to the query loss, which no step ever looked at; to other thetas; to
# other rates.

# %%
thetas = {"meta-trained": theta, "jointly trained": joint.theta}
thetas["fresh"] = net.init(generator=torch.Generator().manual_seed(0))
planes = {}
for who, start in thetas.items():
    main = main_plane(start, torch.stack([path_of(start, four.task(i)) for i in range(4)]))
    by_chance = random_plane(start, main.side, generator=draw)
    planes[who] = {"main directions": main, "random directions": by_chance}


# %%
def look(who, task, on, which, inner_lr):
    one = replace(learner, inner_lr=inner_lr)
    options = {"task": task, "on": on, "name": who}
    return landscape(one, thetas[who], four, planes[who][which], **options)


explore(
    look,
    who=Choice("theta", list(thetas)),
    task=Choice("whose landscape", {f"task {i + 1}": i for i in range(4)}),
    on=Choice("loss", ["support", "query"]),
    which=Choice("plane", ["main directions", "random directions"]),
    inner_lr=Slider("inner_lr", 0.001, 0.3, value=0.01, log=True),
)

# %% [markdown]
# The meta-trained $\theta$ lies where several valleys meet, and the first steps go nearly all the way down.
# Around the other two the plane holds no deep valleys: read the caption, and see how far the lines are apart.
# In numbers, the lowest point of each landscape in the plane, as a share of the loss at theta:

# %%
for who in thetas:
    maps = [look(who, i, "support", "main directions", 0.01) for i in range(4)]
    depths = [m.height.min() / m.support_loss[0] for m in maps]
    print(f"{who:>15}:", ", ".join(f"{depth:4.0%}" for depth in depths))
    assert (max(depths) < 0.2) if who == "meta-trained" else (max(depths) > 0.5)

# %% [markdown]
# Is this more than four lucky tasks? Adapt to fifty, and measure **each adapted network on every task's**
# query set.

# %%
fifty = SinusoidTasks().sample(50, shots=10, queries=50, generator=draw)
with torch.no_grad():
    adapted = vmap(lambda *s: learner.adapt(theta, s, inner_steps=10)[-1])(*fifty.support)
    on_all = vmap(lambda state: vmap(lambda x, y: learner.loss_at(state, x, y))(*fifty.query))
    loss = on_all(adapted)  # (adapted to, measured on)
    at_theta = vmap(lambda x, y: learner.loss_at(theta, x, y))(*fifty.query)

# %%
own = loss.diagonal()
others = (loss.sum(0) - own) / 49
for name, row in (("own task", own), ("at theta", at_theta), ("adapted to others", others)):
    print(f"{name:>18}: {Estimate.of(row)}")
assert (own < at_theta).float().mean() > 0.95
assert others.mean() > 1.3 * at_theta.mean()

# %% [markdown]
# Adapted parameters lie lower than $\theta$ on their own landscape, and on others' they lie higher: what
# helps here harms there. So $\theta$ is a compromise, and it is the *distance* to each valley that was
# trained, not its own height.
#
# ## What the picture leaves out
#
# A drawn path is a shadow. In the plane of main directions little is lost; in a random plane nearly all
# is. *Predict:* of a step in any direction, how much lies within two random directions out of $n$?

# %%
expected = 2 / paths.shape[-1]
by_chance = [random_plane(theta, 1.0, generator=draw).explained_fraction(paths) for _ in range(200)]
print(f"main directions: {plane.explained_fraction(paths):.1%} of the motion")
print(f"random planes: {sum(by_chance) / 200:.3%} on average; 2 / n = {expected:.3%}")
assert expected / 2 < sum(by_chance) / 200 < expected * 2

# %% [markdown]
# That is why the paths seemed to stand still there, though the losses beside them fell. A random slice shows
# the shape of *a* landscape, hardly ever the way through it. And even in the best plane, the contour under
# a path's end is the loss of its shadow, not its own:

# %%
for i in range(4):
    task, end = four.task(i), paths[i, -1]
    real = learner.loss_at(unflat(end, theta), *task.support)
    shadow = loss_at(plane.coordinates(end), task)
    print(f"task {i + 1}: support loss {real:.3f}, its shadow's {shadow:.3f}")
    assert real < shadow


# %% [markdown]
# The few per cent of motion outside the plane fit what the plane cannot.
#
# ### Exercise 07.1: another plane
#
# A plane may also go through three points: $\theta$ and two tasks' adapted parameters, $a$ and $b$. Given
# these and another point $c$, all as flat vectors, return the two coordinates of $c$'s shadow. The first
# direction points from $\theta$ to $a$; the second is at a right angle to it, on $b$'s side; both have
# length 1.
#
# <details><summary>Hint</summary>Gram and Schmidt: take from <code>b - theta</code> its part along the first
# direction, then bring what is left to length 1. From where do you measure <code>c</code>?</details>

# %% tags=["exercise"]
def my_plane_point(theta, a, b, c):
    # your lines: return a tensor of two numbers
    ...


exercises.check_plane_point(my_plane_point)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def plane_point(theta, a, b, c):
    first = (a - theta) / (a - theta).norm()
    second = (b - theta) - ((b - theta) @ first) * first
    second = second / second.norm()
    return torch.stack([(c - theta) @ first, (c - theta) @ second])


### END SOLUTION
assert exercises.check_plane_point(plane_point)


# %% [markdown]
# ## How steep is it at theta?
#
# In lesson 02 you found the largest curvature at the meta-trained $\theta$: about $2/\alpha$ for its rate
# $\alpha = 0.01$. And the other directions? The curvatures are the eigenvalues of the **Hessian** of the
# support loss, and this network is so small that you can afford all of it:

# %%
def support_loss(x, y):
    return lambda w: ((net(unflat(w, theta), x) - y) ** 2).mean()


of_task = support_loss(*four.task(0).support)
spectra = {}
for who, start in thetas.items():
    H = hessian(of_task)(flat(start))
    spectra[who] = torch.linalg.eigvalsh(H).flip(0)
    print(f"{who:>15}:", " ".join(f"{e:6.1f}" for e in spectra[who][:8]))

# %% [markdown]
# On a bowl, one step at $\alpha$ goes the share $\alpha\lambda$ of the way to the bottom, in a direction of
# curvature $\lambda$. In how many directions does it get at least half-way?

# %%
for who, spectrum in spectra.items():
    ways = ", ".join(f"{0.01 * e:.0%}" for e in spectrum[:5])
    print(f"{who:>15}: one step goes {ways} of the way")
half = {who: int((0.01 * s > 0.5).sum()) for who, s in spectra.items()}
assert half["meta-trained"] >= 3
assert half["jointly trained"] == half["fresh"] == 0
assert spectra["fresh"][-1] < -0.5 * spectra["fresh"][1]

# %% [markdown]
# This is how one step can be enough: **meta-training has made the landscape steep** in several directions.
# (In the steepest it goes too far, nearly as far beyond the bottom as it came from. The fresh network has
# many equal curvatures after its first; they come from its errors, and as large negative ones go with them.)
#
# ## Without the Hessian
#
# For Conv4 the Hessian would have over $10^{10}$ entries. Lesson 02 multiplied by $H$ without building it. Here
# is a shorter way: $Hv$ is the derivative of the gradient as $w$ moves along $v$. That is one `jvp`:

# %%
w, v = flat(theta), torch.randn(len(flat(theta)), generator=draw)
_, product = jvp(grad(of_task), (w,), (v,))
H = hessian(of_task)(w)
print(f"{H.numel():,} entries against two vectors of {len(w):,}")
assert torch.allclose(product, H @ v, rtol=1e-3, atol=1e-2)


# %% [markdown]
# Power iteration, as in lesson 02, in four lines. It ends with $v^\top H v$, which keeps the eigenvalue's
# sign.

# %%
def largest(product, v, iterations):  # product: v -> H v
    for _ in range(iterations):
        v = v / v.norm()
        last, v = v, product(v)
    return last @ v


assert torch.isclose(largest(H.mv, v, 40), spectra["meta-trained"][0], rtol=0.02)


# %% [markdown]
# With it, the mean over fifty tasks. Now the question that one checkpoint cannot answer: is it chance that
# $2/\lambda_{\max}$ was so close to $\alpha$? *Predict* what comes out for other rates; then train one theta
# for each, for a few seconds.

# %%
def steepest(theta):
    def one_task(x, y, w):
        slope = grad(support_loss(x, y))
        return largest(lambda v: jvp(slope, (w,), (v,))[1], v, 40)

    return Estimate.of(vmap(one_task, (0, 0, None))(*fifty.support, flat(theta)))


# %%
how = Training(steps=1500, meta_lr=3e-3)
fresh_rate = 2 / steepest(thetas["fresh"]).mean
print(f"fresh: 2 / λ = {fresh_rate:.4f}")
for inner_lr in (0.003, 0.01):
    *_, last = meta_train(replace(learner, inner_lr=inner_lr), SinusoidTasks(), how)
    rate = 2 / steepest(last.theta).mean
    print(f"trained with inner_lr {inner_lr}: 2 / λ = {rate:.4f}")
    assert 0.5 < rate / inner_lr < 2.5
    assert not 0.5 < fresh_rate / inner_lr < 2.5  # so it is training that brought it there
far = look("meta-trained", 0, "support", "main directions", 0.1)
assert all(abs(path[-1]).max() > 1 or (path != path).any() for path in far.paths.values())


# %% [markdown]
# **The curvature follows the rate.** Much steeper, and a step would throw the network out; much less steep,
# and one step would not arrive. Nobody told it so but the meta-gradient. It also means that a learned theta
# is tuned to its inner rate: ten times that rate, in the player above, throws every task out of the picture.
#
# ### Exercise 07.2: the lowest curvature
#
# Power iteration finds the eigenvalue that is largest *in size*. Find the **lowest** one, the most negative
# if there is any: some direction may curve downwards. `product(v)` gives $Hv$; you may call
# `largest(product, v, iterations)` from above.
#
# <details><summary>Hint</summary>Add a number to all eigenvalues, so that the lowest becomes the largest in
# size: <code>lambda v: product(v) - shift * v</code> has the eigenvalues minus <code>shift</code>. How large
# must the shift be? And do not forget to undo it.</details>

# %% tags=["exercise"]
def my_lowest(product, v, iterations):
    # your lines: return a scalar
    ...


exercises.check_lowest_curvature(my_lowest)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def lowest(product, v, iterations):
    shift = largest(product, v, iterations).abs()  # then no eigenvalue is above 0
    return largest(lambda v: product(v) - shift * v, v, iterations) + shift


### END SOLUTION
assert exercises.check_lowest_curvature(lowest)
assert torch.isclose(lowest(H.mv, v, 400), spectra["meta-trained"][-1], rtol=0.1)


# %% [markdown]
# ## Which layers move?
#
# Raghu et al. (2020, arXiv 1909.09157) asked of MAML: *rapid learning or feature reuse?* Does the inner loop
# change what the layers compute, or is it all in place, and only the head learns to read it? First, how far
# each parameter tensor moves, relative to its own size, in the mean over tasks:

# %%
def how_far(learner, start, batch, steps):
    def one(support):
        states = learner.adapt(start, support, inner_steps=steps)
        first, last = states[0], states[-1]
        return {n: (last[n] - p).norm() / p.norm() for n, p in first.items()}

    with torch.no_grad():
        distances = vmap(one, chunk_size=10)(batch.support)
    return {name: d.mean().item() for name, d in distances.items()}


# %%
sine_moves = how_far(learner, theta, fifty, 10)
for name, distance in sine_moves.items():
    print(f"{name:>8}: {distance:6.2%} {'#' * round(300 * distance)}")
assert max(sine_moves, key=sine_moves.get) == "0.weight"


# %% [markdown]
# The first layer, furthest from the output, moves most. But far is not the same as important. The test is
# to **freeze**: forbid some parameters to move, and see what it costs. You know the tool from lesson 02: when
# `inner_lr` is a mapping, parameters that it does not name stay where they are.

# %%
def only(learner, theta, moves, steps):
    """The learner with all but some of its parameters frozen; moves: name -> yes or no."""
    parameters, rates = learner.params_and_rates(theta, steps)
    if not isinstance(rates, list):
        rates = [dict.fromkeys(parameters, rates)] * steps
    kept = [{n: rate for n, rate in step.items() if moves(n)} for step in rates]
    return replace(learner, inner_lr=kept, head_lr=None, learned_rates=False), parameters


# %%
parts = {
    "nothing": lambda name: False,
    "all": lambda name: True,
    "head only": lambda name: name.startswith("4."),
    "body only": lambda name: not name.startswith("4."),
    "first layer only": lambda name: name.startswith("0."),
}

# %% [markdown]
# The query loss after ten steps, on 300 tasks. *Predict:* which rows will be near "all", which near
# "nothing"?

# %%
tasks, sine = SinusoidTasks().sample(300, shots=10, queries=50, generator=draw), {}
for part, moves in parts.items():
    frozen = only(learner, theta, moves, 10)
    sine[part] = Estimate.of(query_values(*frozen, tasks, inner_steps=10)[:, -1])
    print(f"{part:>16}: query loss {sine[part]}")
assert sine["head only"].mean > 5 * sine["all"].mean
assert sine["first layer only"].mean < 2 * sine["all"].mean

# %% [markdown]
# Not what the question expected! With the body frozen little is learned; with all *but the first layer*
# frozen, little is lost. The first layer places the kinks of the ReLUs along $x$, and to
# shift and stretch a wave you shift and stretch those. On sine waves this theta learns by **changing its
# features**.
#
# ## The same question, on characters
#
# Now lesson 11's kind of task. (New here? Five characters, one drawing of each, tell them apart; come back
# after 10 and 11 for the rest.) The first line says which data this runs on; without Omniglot it is a
# stand-in, and no figure is then Omniglot's.

# %%
warnings.simplefilter("ignore", StandInWarning)  # the first line says the same
test = OmniglotTasks("test", way=5)
print(test.source)
conv = checkpoint.load("omniglot-anil-maml-conv4-5way-1shot")
dense = checkpoint.load("omniglot-protonet-maml-dense4-5way-1shot")
runs = Path(maml_edu.__file__).parents[1] / "results" / "runs"
alone = checkpoint.load(runs / "maml-conv4-5way-1shot-seed0" / "best")
models = {"Conv4, ANIL's body": conv, "Conv4, MAML alone": alone, "four dense layers": dense}
new = torch.Generator().manual_seed(60)
characters = test.sample(100, shots=1, queries=5, generator=new)

# %% [markdown]
# Three networks. The first Conv4 is lesson 11's full model, and mind how it was made: its body was trained by
# ANIL, whose inner steps move the head alone; when MAML went on from there, the body's inner rates began 10,000
# times smaller than the head's. The second Conv4 was trained by MAML alone, with one rate of 0.4 for all that it
# has. (It is a state of `python -m benchmarks.maml_from_scratch` on the way to its end.) The third has four dense
# layers and learned rates. *Predict* for each: freeze the body, then the head, then neither.

# %%
parts = {
    "all": lambda name: True,
    "head only": lambda name: name.startswith("head."),
    "body only": lambda name: not name.startswith("head."),
}
how = {"inner_steps": 3, "metric": accuracy, "chunk_size": 5}
right = {}
for model, found in models.items():
    for part, moves in parts.items():
        frozen = only(found.learner, found.theta, moves, 3)
        right[model, part] = query_values(*frozen, characters, **how)[:, -1]
        print(f"{model:>17}, {part}: {Estimate.of(right[model, part])}")

# %%
lost = {m: Estimate.of(right[m, "all"] - right[m, "head only"]) for m in models}
for model, cost in lost.items():
    print(f"{model}: freezing the body costs {cost}, task by task")
reused, learned, third = models
assert right[reused, "head only"].mean() > 0.8 * right[reused, "all"].mean()
assert right[reused, "body only"].mean() < 0.5
assert right[learned, "body only"].mean() > 0.95 * right[learned, "all"].mean()
assert lost[learned].mean - lost[learned].half_width > 0.05
assert lost[third].mean > max(lost[third].half_width, lost[reused].mean)

# %% [markdown]
# With ANIL's body, Conv4 does as well when the body is frozen: **feature reuse**, which is what Raghu et al.
# report for MAML. But here it had to come out so: the body's rates are next to nothing. The network that MAML
# trained alone says the opposite. Freeze its *head* and nothing is lost; freeze its body, and a fifth of the
# answers go wrong. Oh et al. (2021, arXiv 2008.08882) argue for that side: it should be the body that adapts.
# (Measured here on one training seed, so take the direction, not the digits.) The dense network, whose learned
# rates were free to settle it, lies between. It is not a law of MAML which of the two you get: the rates, the
# architecture and the training decide, so measure.
#
# If only the head must adapt, why differentiate through the rest? That is **ANIL**, "almost no inner loop":
# MAML whose `inner_lr` names the head alone, so that no inner step goes back through the body.

# %%
rates = {name: 0.01 for name in theta if name.startswith("4.")}
anil = ANIL(net, inner_lr=0.01, inner_steps=10)
frozen = replace(learner, inner_lr=rates, inner_steps=10)
ends = [one.adapt(theta, four.task(0).support)[-1] for one in (anil, frozen)]
assert all(torch.equal(ends[0][name], ends[1][name]) for name in theta)
assert torch.equal(ends[0]["2.weight"], theta["2.weight"])


# %% [markdown]
# ## Do the features change?
#
# Moving weights need not change what a layer *says*, so compare the outputs. Features of one layer at the
# same $n$ pictures, before and after, are two matrices $X$ and $Y$, (n, features). The measure below does not
# mind if all features are scaled by one number, or turned by a rotation. (The next layer could undo *any*
# invertible map; a measure that minded none of them would call most layers alike.) Kornblith et al.
# (2019, arXiv 1905.00414) propose **linear CKA**. With each feature centred over the samples,
#
# $$\text{CKA}(X, Y) = \frac{\lVert Y^\top X\rVert^2}{\lVert X^\top X\rVert\ \lVert Y^\top Y\rVert}\,,$$
#
# where $\lVert\cdot\rVert$ is the root of the sum of all squared entries. It is 1 for the same features,
# however turned, and near 0 for unrelated ones, when samples are many.
#
# ### Exercise 07.3: linear CKA
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
# A convolution on 14 by 14 places gives over ten thousand features, and $X^\top X$ their square. There is a
# cheaper way round: $\lVert Y^\top X\rVert^2 = \sum_{ij} (XX^\top)_{ij}\,(YY^\top)_{ij}$, with matrices of
# samples by samples only. The same number:

# %%
def cka_of_samples(x, y):
    x, y = (z.flatten(1) - z.flatten(1).mean(0) for z in (x, y))
    xx, yy = x @ x.T, y @ y.T
    return (xx * yy).sum() / (xx.norm() * yy.norm())


x, y = torch.randn(25, 40, generator=new), torch.randn(25, 30, generator=new)
assert torch.isclose(cka(x, y), cka_of_samples(x, y), rtol=1e-3)


# %% [markdown]
# Now the layers' outputs. This is `conv4`'s forward pass once more, by hand as in lesson 11, but it keeps what
# it passes; the last entry is the logits.

# %%
def features(theta, x):
    kept = []
    for i in range(4):
        x = conv2d(x, theta[f"layers.{i}.weight"], stride=2, padding=1)
        norm = (theta[f"norms.{i}.{name}"] for name in ("weight", "bias"))
        x = batch_norm(x, None, None, *norm, True, eps=0.001).relu()
        kept.append(x)
    return [*kept, x.mean((2, 3)) @ theta["head.weight"].T + theta["head.bias"]]


start, _ = conv.learner.params_and_rates(conv.theta, 3)
x = characters.query_x[0]
assert torch.allclose(features(start, x)[-1], conv.learner.model(start, x), atol=1e-3)

# %% [markdown]
# Compare before with after three inner steps, on each task's queries. A similarity says little alone (with few
# samples and many features, CKA runs high), so set two others beside it: with a *fresh* network, which was
# never trained, and with $\theta$ itself on the same pictures in *another order*, which is mere chance.

# %%
fresh = conv.learner.model.init(generator=new)


def before_and_after(made, task):
    states = made.learner.adapt(made.theta, task.support, inner_steps=3)
    return [features(state, task.query_x) for state in (states[0], states[-1])]


def compared(task):
    before, after = before_and_after(conv, task)
    order = torch.randperm(len(task.query_x), generator=new)
    shuffled = [layer[order] for layer in before]
    pairs = [(before, other) for other in (after, features(fresh, task.query_x), shuffled)]
    pairs.append(before_and_after(alone, task))
    return [[cka_of_samples(*pair) for pair in zip(*two, strict=True)] for two in pairs]


# %%
more = test.sample(30, shots=1, queries=15, generator=new)
with torch.no_grad():
    alike = torch.tensor([compared(more.task(i)) for i in range(30)]).mean(0)
names = ("ANIL's body, adapted", "a fresh network", "another order", "MAML alone, adapted")
found = {n: ", ".join(f"{v:.2f}" for v in row) for n, row in zip(names, alike, strict=True)}

# %% [markdown]
# Layer by layer, and last the head:

# %%
layers = ["layer 1", "layer 2", "layer 3", "layer 4", "head"]
figure = Figure(figsize=(6.4, 3.2), layout="constrained")
axes = figure.add_subplot(ylim=(0, 1.05), ylabel="linear CKA with theta")
looks = zip(names, alike, ("o-", "s--", "^:", "D-."), strict=True)
for name, row, look_of in looks:
    axes.plot(layers, row.numpy(), look_of, label=name)
axes.legend(frameon=False, fontsize=8)
plots.show(figure, f"Linear CKA with theta's features, layers 1 to 4 and head: {found}.")

# %%
after, untrained, chance, alone_after = alike
print("MAML alone:", ", ".join(f"{layer:.2f}" for layer in alone_after))
assert after[:4].min() > after[4] + 0.2
assert alone_after[3] < after[3] - 0.03
assert (after[1:4] > untrained[1:4]).all()
assert (after[:4] > chance[:4] + 0.3).all()

# %% [markdown]
# ANIL's body says after adapting what it said before; the head, which had to change, did. In the network of
# MAML alone the body's last layer changes what it says; not by much, as CKA counts. Yet freezing showed that its
# answers hang on that change: a high CKA does not mean that nothing of importance happened. And mind the first
# layer: even a network that was *never trained* is much like $\theta$ there. Strokes in, strokes out. Without
# the second curve you might have taken that for something learned.

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("07")

# %% [markdown]
# ## Recap
#
# - A plane through $\theta$ shows a slice. The main directions of the paths hold nearly all of the motion,
#   random ones nearly none of it; say the share.
# - Adapted parameters lie low on their own task's landscape and high on others'.
# - Meta-training shapes the curvature at $\theta$ until one step of its inner rate gets as far as it can.
# - Freeze, then measure. Sines need the first layer to adapt. On characters it depends on the training: only
#   the head where ANIL made the body, the body itself where MAML did all of it.
# - CKA compares what layers say, whatever basis they say it in; give it something to compare with.
#
# ## What to try
#
# - Train with `first_order=True`, which leaves the Hessian out of the meta-gradient. Does the curvature still
#   follow the rate?
# - Which single layer, frozen, costs the dense network most?
# - Leave out the inner loop altogether: give each query the label of the support drawing whose layer-4
#   features lie nearest. How much is lost? (This is where lesson 14 begins.)
#
# **Next, [lesson 10](10_n_way_k_shot.ipynb):** building N-way K-shot tasks.
