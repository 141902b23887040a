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
# # 13 · The traps
#
# **You will be able to**
# - break MAML in each of the ways in which people break it, most of them without an error or a
#   warning;
# - name, for each trap, the *number* that gives it away;
# - write the tests that you would run on a stranger's code before you believe its figures.
#
# About 50 minutes, of which networks train for one.

# %%
import math
import warnings
import weakref
from dataclasses import replace
from functools import cache

import torch
from IPython.display import HTML
from torch.func import grad, vmap
from torch.nn.functional import cross_entropy, mse_loss

from maml_edu import exercises
from maml_edu.evaluate import Estimate, Evaluation, accuracy, evaluate, query_values
from maml_edu.learners import MAML, Joint
from maml_edu.models import conv4, dense4, mlp
from maml_edu.outer import Training, meta_train
from maml_edu.runs import checkpoint
from maml_edu.tasks import OmniglotTasks, SinusoidTasks, TaskBatch
from maml_edu.tasks.data import StandInWarning
from maml_edu.views import traces
from maml_edu.views.widgets import Choice, Slider, Toggle, explore

torch.set_num_threads(1)

# %% [markdown]
# ## How a trap is tested
#
# Each trap below is a **switch** in a few lines of code, and a number that it moves. One run
# proves little, so each number is measured under three seeds, switch off and switch on. The
# claim counts only if *every* interval with the trap lies beyond *all* intervals without it.
# `lab` checks that, and keeps a ledger for the end.

# %%
ledger = {}


def lab(name, measure, moves):  # measure(seed, trap) -> Estimate
    sound, trapped = ([measure(seed, on) for seed in range(3)] for on in (False, True))
    for label, three in (("sound", sound), ("trap", trapped)):
        print(f"{label:>6}:  {'    '.join(map(str, three))}")
    low, high = (sound, trapped) if moves == "up" else (trapped, sound)
    highest = max(e.mean + e.half_width for e in low)
    assert highest < min(e.mean - e.half_width for e in high), "not told apart"
    ledger[name] = moves, sound, trapped


# %% [markdown]
# ## The outer loop, on sine waves
#
# First the traps in *training*. The task is lesson 04's, only smaller: 1,000 meta-steps, waves
# of three points. `trained(kind, seed)` trains each kind once, when it is first asked for;
# `errors` measures it on 2,000 new waves of five points, after so many inner steps.

# %%
tasks, net = SinusoidTasks(), mlp(1, 40, 40, 1)
kinds = {"MAML": (MAML(net, inner_lr=0.01), {})}  # name: (learner, other settings)


@cache
def trained(kind, seed):
    learner, other = kinds[kind]
    settings = {"steps": 1000, "shots": 3, "meta_lr": 1e-2, "seed": seed, **other}
    *_, last = meta_train(learner, tasks, Training(**settings))
    return last


# %%
@cache
def errors(kind, seed):
    look = Evaluation(inner_steps=1, n_tasks=2000, queries=50, seed=100 + seed)
    return evaluate(kinds[kind][0], trained(kind, seed).theta, tasks, look)


before, after = errors("MAML", 0)
print(f"MAML, seed 0: error {before} before adapting, {after} after one step")


# %% [markdown]
# ### 1. "`create_graph` makes no difference"
#
# Without it the code runs, the loss falls, and you have first-order MAML (lesson 05), perhaps
# unawares. Many copied implementations are so. Here is the loss of one task by hand, with the
# switch:

# %%
def task_loss(theta, task, inner_steps=1, create_graph=True):
    state = theta
    for _ in range(inner_steps):
        loss = mse_loss(net(state, task.support_x), task.support_y)
        grads = torch.autograd.grad(loss, list(state.values()), create_graph=create_graph)
        pairs = zip(state.items(), grads, strict=True)
        state = {name: p - 0.01 * g for (name, p), g in pairs}
    return mse_loss(net(state, task.query_x), task.query_y)


# %% [markdown]
# What gives it away: a gradient $g$ *promises* that along its own direction the loss climbs at
# the rate $|g|$. Take a tiny step each way and measure the climb. A true gradient keeps its
# promise in full, a share of 1.

# %%
def share_kept(theta, task, create_graph):
    loss = task_loss(theta, task, create_graph=create_graph)
    g = torch.autograd.grad(loss, list(theta.values()))
    length = torch.cat([part.flatten() for part in g]).norm()
    pairs = list(zip(theta.items(), g, strict=True))
    ahead, behind = ({n: p + s * d / length for (n, p), d in pairs} for s in (1e-6, -1e-6))
    return ((task_loss(ahead, task) - task_loss(behind, task)) / 2e-6 / length).detach()


def promise(seed, trap):
    draw = torch.Generator().manual_seed(seed)
    theta = net.init(generator=draw, dtype=torch.float64)
    theta = {name: p.requires_grad_() for name, p in theta.items()}
    batch = TaskBatch(*(part.double() for part in tasks.sample(100, generator=draw)[:4]))
    shares = [share_kept(theta, batch.task(i), not trap) for i in range(100)]
    return Estimate.of(torch.stack(shares))


lab("create_graph forgotten: share of the promised slope", promise, "down")


# %% [markdown]
# *Moral: measure a gradient against finite differences once, before you train with it.*
#
# ### 2. "Memory grows with the inner steps: a leak"
#
# It is the graph that you have just learned to keep: the way back passes every step. Count the
# bytes that autograd holds for each further step, and then cut the graph (the row "trap"): if
# that stops the growth, it was no leak.

# %%
def kilobytes(task, inner_steps, create_graph):  # that autograd still holds
    theta = {name: p.requires_grad_() for name, p in net.init().items()}
    kept = []

    def put_aside(tensor):
        kept.append(weakref.ref(tensor))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(put_aside, lambda tensor: tensor):
        loss = task_loss(theta, task, inner_steps, create_graph)
    assert loss.requires_grad  # so its graph lives as long as it does
    return sum(held().nbytes for held in kept if held() is not None) / 1000


# %%
def growth(seed, trap):  # kilobytes for each further inner step
    batch = tasks.sample(3, generator=torch.Generator().manual_seed(seed))
    sizes = [[kilobytes(batch.task(i), k, not trap) for k in (1, 2, 8)] for i in range(3)]
    one, two, eight = torch.tensor(sizes).T
    assert torch.allclose(eight - two, 6 * (two - one))  # the same for every step
    return Estimate.of(two - one)


lab("memory, graph cut: kB for each inner step", growth, "down")

# %% [markdown]
# *Moral: it grows in a straight line, by the same amount each step. Growth over **meta**-steps
# would be a leak.*
#
# ### 3. "Summing the losses at theta is the same"
#
# Many tutorials draw MAML as pre-training on all tasks. But $\sum_i L_i(\theta)$ has no adapted
# parameters in it; it is **joint** training (lesson 01). The number: query error after one
# inner step.

# %%
kinds["joint"] = Joint(net, inner_lr=0.01), {}


def after_a_step(trap_kind):
    return lambda seed, trap: errors(trap_kind if trap else "MAML", seed)[1]


lab("losses summed at theta: error after a step", after_a_step("joint"), "up")


# %% [markdown]
# *Moral: look for the adapted parameters in the objective. If there are none, it is not MAML.*
#
# ### 4. "A good theta predicts well"
#
# Someone plots MAML's theta before adapting, sees a low curve that fits no wave at all, and
# thinks that training has failed. *Predict, then run:* how do MAML and joint training compare
# **before** any step? (The switch: judge by theta itself.)

# %%
def by_theta(seed, trap):
    return errors("MAML", seed)[0 if trap else 1]


lab("judged at theta: MAML's error", by_theta, "up")

# %%
for seed in range(3):
    both = zip(errors("MAML", seed), errors("joint", seed), strict=True)
    at_theta, after = (maml.mean / joint.mean for maml, joint in both)
    print(f"MAML's error is {at_theta:.2f} times joint training's, then {after:.2f} times")
    assert at_theta > 0.98
    assert after < 0.6


# %% [markdown]
# At theta it is no better than joint training, and about the best that anything can be there:
# nobody knows yet which wave it is. All that MAML has learned shows after the step.
#
# *Moral: never choose a theta by its own loss.*
#
# ### 5. "The query set is a test set, so training on it is cheating"
#
# So a careful person computes the outer loss on the support set, again. (The query set is a
# training task's *label*. What is held out is whole tasks.) The switch is one word:

# %%
class SupportAgain(MAML):
    def task_loss(self, theta, task):
        adapted = self.adapt(theta, task.support)[-1]
        return self.loss_at(adapted, *task.support)  # should be: task.query


kinds["support again"] = SupportAgain(net, inner_lr=0.01), {}
lab("support used as query: error after a step", after_a_step("support again"), "up")

# %%
for seed in range(3):
    seeming, sound = (trained(k, seed).meta_loss for k in ("support again", "MAML"))
    print(f"meta-loss while training: {seeming:.2f}; MAML's: {sound:.2f}")
    assert seeming < 0.7 * sound

# %% [markdown]
# Look at both numbers (these are means over the whole training): it *seems* twice as good. It
# was asked to fit points that it had, not to say what lies between.
#
# *Moral: where the meta-loss lies far below the error on new tasks, ask what the outer loss is
# taken on.*
#
# ### 6. "One task a meta-step will do"
#
# One task's meta-gradient says what would help *that* task. Same number of meta-steps, same
# rate, one wave each where there were 25:

# %%
kinds["one task"] = kinds["MAML"][0], {"meta_batch": 1}
lab("one task a meta-step: error after a step", after_a_step("one task"), "up")


# %% [markdown]
# (It also saw a 25th of the waves. How much do more meta-steps mend? Try it at the end.)
#
# ### 7. "Save the adapted weights"
#
# They have theta's names and shapes, so saving the wrong ones raises no error; nor does a loop
# that overwrites `theta` with them. Adapt to one wave in ten steps, start on *another* wave
# from there, and take one step. In 1,000 pairs of waves:

# %%
def from_saved(seed, trap):
    learner, theta = kinds["MAML"][0], trained("MAML", seed).theta
    draw = torch.Generator().manual_seed(200 + seed)
    old, new = (tasks.sample(1000, shots=5, queries=50, generator=draw) for _ in range(2))

    def one_pair(old, new):
        start = learner.adapt(theta, old.support, inner_steps=10)[-1] if trap else theta
        return learner.loss_at(learner.adapt(start, new.support)[-1], *new.query)

    return Estimate.of(vmap(one_pair)(old, new))


lab("adapted weights saved: error after a step", from_saved, "up")

# %% [markdown]
# And the *mean* of many adapted weights, "what they have in common"? Average over 1,000 waves,
# and evaluate:

# %%
maml = kinds["MAML"][0]
for seed in range(3):
    theta = trained("MAML", seed).theta
    some = tasks.sample(1000, shots=5, generator=torch.Generator().manual_seed(seed))
    adapted = vmap(lambda t, at=theta: maml.adapt(at, t.support)[-1])(some)
    mean = {name: p.mean(0) for name, p in adapted.items()}
    look = Evaluation(inner_steps=1, n_tasks=2000, queries=50, seed=100 + seed)
    averaged, own = evaluate(maml, mean, tasks, look)[1], errors("MAML", seed)[1]
    print(f"from the mean of adapted weights {averaged}, from theta {own}")
    assert averaged.mean > own.mean - own.half_width  # nothing is gained

# %% [markdown]
# Nothing gained. With one inner step, that mean is $\theta - \alpha\,\overline{\nabla
# L_i(\theta)}$: exactly one step of *joint* training, which after trap 3 you would not want.
# (Reptile, in lesson 05, does go towards such a mean, but after *several* steps, where it means
# something else.)
#
# *Moral: save theta. Adapted weights are made anew for each task and thrown away.*
#
# ### Move it
#
# MAML and a trapped one on the same wave, same points. Scrub the inner steps. Then look for a
# wave on which the trap does *not* show: a picture of one task proves nothing.

# %%
kinds["create_graph forgotten"] = replace(kinds["MAML"][0], first_order=True), {}
names = [name for name in kinds if name != "MAML"]
contestants = {name: (kinds[name][0], trained(name, 0).theta) for name in kinds}
other = tasks.sample(1, amplitude=4.0, phase=2.5, generator=torch.Generator().manual_seed(1))
saved = maml.adapt(contestants["MAML"][1], other.task(0).support, inner_steps=10)[-1]
contestants["another wave's weights"] = maml, saved


# %%
def side_by_side(trap, amplitude, phase, points):
    draw = torch.Generator().manual_seed(points)
    wave = {"amplitude": amplitude, "phase": phase, "generator": draw}
    task = tasks.sample(1, shots=5, queries=50, **wave).task(0)
    both = {name: contestants[name] for name in ("MAML", trap)}
    return traces.comparison(both, task, tasks=tasks)


window = explore(
    side_by_side,
    trap=Choice("MAML beside", [*names, "another wave's weights"]),
    amplitude=Slider("amplitude", 0.1, 5.0, value=3.0),
    phase=Slider("phase", 0.0, math.pi, value=1.0),
    points=Slider("which points", 0, 50, value=3),
)
window.step = 1
window


# %% [markdown]
# ### Exercise 13.1: the diagnosis
#
# Somebody hands you `their_loss(theta, support, query)`, which you can call and differentiate
# but not read. Tell what it computes, with one inner step of `inner_lr` and `loss_fn(theta, x,
# y)`: return `"sound"`, `"at theta"` (trap 3), `"support again"` (trap 5), or `"first-order"`
# (trap 1).
#
# <details><summary>Hint</summary>Three of the four differ in their <em>value</em>: compute each
# candidate yourself, and compare. The fourth has the sound one's value, and only
# <code>grad(their_loss)(theta, support, query)</code> tells. That gives a dict.</details>

# %% tags=["exercise"]
def my_diagnosis(their_loss, loss_fn, theta, support, query, inner_lr):
    # your lines: return one of the four strings
    ...


exercises.check_diagnosis(my_diagnosis)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def diagnosis(their_loss, loss_fn, theta, support, query, inner_lr):
    def sound(theta, support, query):
        grads = grad(loss_fn)(theta, *support)
        return loss_fn({n: theta[n] - inner_lr * grads[n] for n in theta}, *query)

    value = their_loss(theta, support, query)
    if torch.isclose(value, loss_fn(theta, *query)):
        return "at theta"
    if torch.isclose(value, sound(theta, support, support)):
        return "support again"
    theirs, true = (grad(loss)(theta, support, query) for loss in (their_loss, sound))
    same = all(torch.allclose(theirs[n], true[n]) for n in theta)
    return "sound" if same else "first-order"


### END SOLUTION
assert exercises.check_diagnosis(diagnosis)


# %% [markdown]
# ### Exercise 13.2: mend the outer loop
#
# This loop runs, and its loss falls. There are **four** mistakes in it. `batch` is a list of
# pairs (support, query), each an `(x, y)`; write it as it should be, a step of plain gradient
# descent on the mean over tasks:
#
# ```python
# def their_step(loss_fn, theta, batch, inner_lr, meta_lr):
#     total = 0.0
#     for support, query in batch:
#         grads = torch.autograd.grad(loss_fn(theta, *support), list(theta.values()))
#         pairs = zip(theta.items(), grads)
#         theta = {name: p - inner_lr * g for (name, p), g in pairs}
#         total = total + loss_fn(theta, *support)
#     grads = torch.autograd.grad(total, list(theta.values()))
#     return {name: p - meta_lr * g for (name, p), g in zip(theta.items(), grads)}
# ```
#
# <details><summary>Hint</summary>Which tensors does the second wave start from? Which does the
# last line differentiate by, and move? Which points judge? Which graph was kept? What grows
# with the number of tasks?</details>

# %% tags=["exercise"]
def my_step(loss_fn, theta, batch, inner_lr, meta_lr):
    # your lines: return the new theta, a dict (the tensors of theta require grad)
    ...


exercises.check_mended_step(my_step)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def mended_step(loss_fn, theta, batch, inner_lr, meta_lr):
    def mean_loss(theta):
        total = 0.0
        for support, query in batch:
            grads = grad(loss_fn)(theta, *support)
            adapted = {name: p - inner_lr * grads[name] for name, p in theta.items()}
            total = total + loss_fn(adapted, *query)
        return total / len(batch)

    grads = grad(mean_loss)(theta)
    return {name: p - meta_lr * grads[name] for name, p in theta.items()}


### END SOLUTION
assert exercises.check_mended_step(mended_step)

# %% [markdown]
# ## The evaluation, on drawings
#
# A network can be trained well and *measured* wrongly. The full 5-way 1-shot model of lesson 11
# serves, on test characters. The first line says which data it runs on; on the stand-in its
# figures are lower, and none is Omniglot's.

# %%
warnings.simplefilter("ignore", StandInWarning)  # the first line says the same
test = OmniglotTasks("test", way=5)
print(test.source)
full = checkpoint.load("omniglot-anil-maml-conv4-5way-1shot")
transductive = replace(full.learner, protocol="transductive")


def by_step(learner, theta, seed, on_support=False, n_tasks=60):
    draw = torch.Generator().manual_seed(seed)
    batch = test.sample(n_tasks, shots=1, queries=5, generator=draw)
    if on_support:
        batch = batch._replace(query_x=batch.support_x, query_y=batch.support_y)
    how = {"inner_steps": 3, "metric": accuracy, "chunk_size": 10}
    return query_values(learner, theta, batch, **how)  # (tasks, steps + 1)


# %% [markdown]
# ### 8. "At test time, just predict"
#
# That is how any other network is deployed: `model(x)`. Here the switch forgets the inner loop:

# %%
full_by_step = [by_step(transductive, full.theta, seed) for seed in range(3)]


def adapted_or_not(seed, trap):
    return Estimate.of(full_by_step[seed][:, 0 if trap else 3])


lab("no adapting at test: accuracy", adapted_or_not, "down")

# %% [markdown]
# *Moral: where a figure is at chance level, ask whether anybody adapted.*
#
# ### 9. "Accuracy: 100%", on the support set
#
# Training accuracy was always worth a look; here it says nothing at all. Take a network that
# was **never trained**, adapt it to five drawings, and ask it about those five (trap) or about
# others:

# %%
novice = MAML(conv4(5), cross_entropy, inner_lr=0.4)


def untrained(seed, trap):
    theta = novice.init(generator=torch.Generator().manual_seed(seed))
    found = by_step(novice, theta, seed, on_support=trap, n_tasks=30)
    return Estimate.of(found[:, 3])


lab("measured on the support set: accuracy", untrained, "up")


# %% [markdown]
# *Moral: always ask on which drawings, of which characters.*
#
# ### 10. "Labels are labels"
#
# In an unshuffled task, the label follows a character's place in the list. Then part of the
# answer is in theta, before any support set is seen (lesson 10). Let somebody with few
# characters, ours for validation, train a small dense network on tasks with labels dealt or
# **in order**:

# %%
class Few(OmniglotTasks):
    def __init__(self, split, in_order):
        super().__init__(split, way=5)
        self.in_order = in_order

    def sample(self, n_tasks, **options):
        batch = super().sample(n_tasks, **options)
        if not self.in_order:
            return batch
        rank = batch.info["character"].argsort(1).argsort(1)  # by place in the list
        support_y, query_y = (rank.gather(1, y) for y in (batch.support_y, batch.query_y))
        return batch._replace(support_y=support_y, query_y=query_y)


# %%
dense = MAML(dense4(5, hidden=(64, 64)), cross_entropy, inner_lr=0.1)


@cache
def trained_by_few(seed, in_order):
    source = Few("validation", in_order)
    settings = {"steps": 150, "meta_batch": 16, "shots": 1, "queries": 3, "meta_lr": 5e-3}
    *_, last = meta_train(dense, source, Training(**settings, seed=seed))
    return last.theta


def by_few(seed, in_order, judged_on):  # accuracy before adapting, and after one step
    theta, source = trained_by_few(seed, in_order), Few(judged_on, in_order)
    look = Evaluation(shots=1, queries=5, inner_steps=1, metric=accuracy, seed=seed, batch_size=200)
    return evaluate(dense, theta, source, look)


# %% [markdown]
# Before any inner step, and before any look at a support set:

# %%
def before_any_step(seed, trap):
    return by_few(seed, trap, "validation")[0]


lab("labels in order: accuracy before adapting", before_any_step, "up")


# %% [markdown]
# (That was on the characters that it was trained with. On new ones the effect is smaller, but
# there, as you measured in lesson 10: letters of one alphabet stand together in the list.)
#
# *Moral: plot step 0. In 5-way MAML's is 20%; 30% there is a leak, and no talent.* (Unless the learner has looked at the support set
# by then: ProtoMAML of lesson 14 makes its head from it, and starts well above chance.)
#
# ### 11. "It was tested on tasks that it had never seen"
#
# The tasks were new: other characters together, other labels. The characters were not, for
# classes crossed the split. The switch judges the soundly labelled network on tasks of the
# characters it was trained with:

# %%
def crossing(seed, trap):
    return by_few(seed, False, "validation" if trap else "test")[1]


lab("classes cross the split: accuracy after a step", crossing, "up")


# %% [markdown]
# *Moral: split by class, and say so.*
#
# ### 12. "Batch-norm in training mode does no harm at test"
#
# Then a query's answer depends on the queries beside it. In lesson 11 they were balanced: five
# characters, equally often. Now the very same queries, but **one class at a time**, as happens
# when they lie sorted on disk and are evaluated in mini-batches:

# %%
class OneClassAtATime(type(full.learner)):
    def predict(self, state, x, support_x=None):  # queries stand in the order of labels
        one = super().predict
        return torch.cat([one(state, batch, support_x) for batch in x.chunk(5)])


in_turns = OneClassAtATime(**vars(transductive))


# %%
def batched(seed, trap):
    by = by_step(in_turns, full.theta, seed) if trap else full_by_step[seed]
    return Estimate.of(by[:, 3])


lab("batch-norm, one class at a time: accuracy", batched, "down")

# %% [markdown]
# Same theta, same drawings, same questions: only the company changed. Batch-norm subtracts the
# batch's mean, which is what its queries have in common. In a batch of one class, that *is* the
# class. Do the two protocols that look at no other query care? On a dozen tasks:

# %%
for protocol in ("transductive", "support-only", "one-by-one"):
    together, alone = (
        by_step(replace(one, protocol=protocol), full.theta, seed=0, n_tasks=12)[:, 3]
        for one in (full.learner, in_turns)
    )
    print(f"{protocol:>13}: mixed {Estimate.of(together)}, one class {Estimate.of(alone)}")
    if protocol != "transductive":
        assert (together - alone).abs().mean() < 0.01  # rounding may tip an answer


# %% [markdown]
# *Moral: a figure without its batch-norm protocol, and the make-up of its query batches, is no
# figure.*
#
# ### Move it
#
# Test characters, full model. Switch **one class at a time** on and off under each protocol,
# and scrub. With it on, how do the transductive answers within one column differ, and from what
# can the network still tell them apart?

# %%
def watch(protocol, alone, number):
    draw = torch.Generator().manual_seed(number)
    task = test.sample(1, shots=1, queries=3, generator=draw).task(0)
    one = replace(in_turns if alone else full.learner, protocol=protocol)
    name = "one class at a time" if alone else "mixed queries"
    return traces.classification(one, full.theta, task, name=name)


window = explore(
    watch,
    protocol=Choice("batch-norm", ["transductive", "support-only", "one-by-one"]),
    alone=Toggle("one class at a time", value=True),
    number=Slider("which task", 0, 100, value=8),
)
window.step = 3
window


# %% [markdown]
# ### Exercise 13.3: does it look sideways?
#
# Given `answer(x)`, a black box from queries (queries, features) to logits (queries, way), and
# some `x`: return True if the logits of a query may depend on which *other* queries are asked
# along with it, else False.
#
# <details><summary>Hint</summary>Ask each query alone, and compare. Why would shuffling the
# queries tell nothing? And why compare logits, not the labels that win?</details>

# %% tags=["exercise"]
def my_test(answer, x):
    # your lines: return True or False
    ...


exercises.check_looks_sideways(my_test)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def looks_sideways(answer, x):
    together = answer(x)
    alone = torch.cat([answer(one[None]) for one in x])
    return not torch.allclose(together, alone)


### END SOLUTION
assert exercises.check_looks_sideways(looks_sideways)


# %% [markdown]
# ## The ledger
#
# All switches, three seeds each. Read a row as: *this number moves so, if that was done*. Keep
# it beside you when you review code.

# %%
def html_row(name, moves, sound, trapped):
    cells = [" &nbsp; ".join(f"{e.mean:.2f}" for e in three) for three in (sound, trapped)]
    columns = "".join(f"<td>{cell}</td>" for cell in (*cells, moves))
    return f'<tr><th scope="row">{name}</th>{columns}</tr>'


heads = ("trap: number", "sound, three seeds", "trapped, three seeds", "moves")
head = "".join(f'<th scope="col">{text}</th>' for text in heads)
HTML(f"""<table><caption>What gives each trap away</caption><thead><tr>{head}</tr></thead>
<tbody>{"".join(html_row(name, *row) for name, row in ledger.items())}</tbody></table>""")

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("13")

# %% [markdown]
# ## Recap
#
# - None of these raised an error. Only a number tells, and only beside one that you know to be
#   sound.
# - Training: check the gradient by finite differences; look for adapted parameters in the
#   objective; judge by queries, of new tasks, after adapting.
# - Evaluation: before anything has looked at the support set, accuracy must be at chance; new *classes* must judge, the batch-norm protocol must
#   be named.
# - Save theta.
#
# ## What to try
#
# - Combine two traps: labels in order *and* classes across the split. How good can a learner
#   look that learns nothing from its support set?
# - Train trap 6 for 25 times as many meta-steps at a smaller `meta_lr`. How much comes back?
# - Take an implementation from the net and run your diagnosis of exercise 13.1 on it.
#
# **Next, [lesson 14](14_learning_a_metric_instead.ipynb):** learning without an inner gradient:
# a metric instead.
