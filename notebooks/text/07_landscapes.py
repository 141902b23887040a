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
# - freeze a layer, and see what its moving was good for.
#
# About 35 minutes, of which the machine computes for less than half of one.

# %%
from dataclasses import replace

import torch
from torch.func import grad, hessian, jvp, vmap

from maml_edu import exercises
from maml_edu.evaluate import Estimate, query_values
from maml_edu.outer import Training, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import SinusoidTasks
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
# Two directions hold nearly all of the motion. But do not be too impressed: each path goes mostly one way, and
# four ways span four directions at the most, however many parameters there are. *Predict:* what is left for
# two directions when **fifty** tasks adapt?

# %%
many = SinusoidTasks().sample(50, shots=10, queries=10, generator=torch.Generator().manual_seed(4))
of_fifty = torch.stack([path_of(theta, many.task(i)) for i in range(50)])
_, lengths, _ = torch.linalg.svd((of_fifty - flat(theta)).flatten(0, 1), full_matrices=False)
held = (lengths**2).cumsum(0) / (lengths**2).sum()
print(", ".join(f"{n} directions hold {held[n - 1]:.0%}" for n in (1, 2, 3, 5)))
assert held[1] > 0.75

# %% [markdown]
# That is the interesting figure: fifty tasks could have gone fifty ways, and they share two. A sine task has just
# two numbers of its own, amplitude and phase; the data of the tasks, not the size of the network, may set how many
# directions it takes. (That is a guess. To test it, add a third number: a frequency.)
#
# `main_plane` finds the same two directions for you.

# %%
plane = main_plane(theta, paths)
print(f"{plane.name}: {plane.explained_fraction(paths):.1%} of the motion")

# %% jupyter={"source_hidden": true}
# The same plane, up to the sign of its directions.
shadows = (moved @ directions[:2].T).abs()
assert torch.allclose(shadows, plane.coordinates(paths).flatten(0, 1).abs(), atol=1e-4)
assert abs(plane.explained_fraction(paths) - shares[:2].sum()) < 1e-4


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
# That is why the paths seem to stand still there, though the losses beside them fall. A random slice shows
# the shape of *a* landscape, hardly ever the way through it.
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

# %% jupyter={"source_hidden": true}
# What the next paragraph says, held to.
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
# ## Who must move?
#
# You have seen how far one step goes. Which layer does the walking? The test is to **freeze**: forbid some
# parameters to move, and see what it costs. You know the tool from lesson 02: when `inner_lr` is a mapping,
# parameters that it does not name stay where they are. *Predict* before you run it: which rows will be near
# "all", which near "nothing"?

# %%
layers = {"nothing": "-", "all": "", "first layer only": "0.", "head only": "4."}
waves, lost = SinusoidTasks().sample(300, shots=10, queries=50, generator=draw), {}
for part, prefix in layers.items():
    rates = {name: 0.01 for name in theta if name.startswith(prefix)}
    frozen = replace(learner, inner_lr=rates)
    lost[part] = Estimate.of(query_values(frozen, theta, waves, inner_steps=10)[:, -1])
    print(f"{part:>16} moves: query loss {lost[part]}")

# %% jupyter={"source_hidden": true}
assert lost["head only"].mean > 5 * lost["all"].mean
assert lost["first layer only"].mean < 2 * lost["all"].mean

# %% [markdown]
# With only the head free, little is learned; with only the *first layer* free, nearly all of it. This theta learns
# a wave by **changing its features**. (One theta, 300 waves. Our guess at why: the first layer places the kinks of
# the ReLUs along $x$, and you shift a wave by shifting those.) Lesson 12 asks the same of networks that read
# characters, where two papers disagree about the answer.

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
# - Freeze, then measure: on sine waves the first layer must adapt, and the head need not.
#
# ## What to try
#
# - Train with `first_order=True`, which leaves the Hessian out of the meta-gradient. Does the curvature still
#   follow the rate?
# - Let two layers move, the first and the head. Is anything left to gain?
# - The shadow of a path's end is not the end: compare `plane.point(plane.coordinates(end))` with the adapted
#   parameters, by their support loss. Which is lower, and why?
#
# **Next, [lesson 10](10_n_way_k_shot.ipynb):** building N-way K-shot tasks.
