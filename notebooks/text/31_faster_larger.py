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
# # 31 · Faster, larger
#
# **You will be able to**
# - say when a loop over tasks is good enough, and from how many tasks on `vmap` pays, from your own measurement;
# - say what a meta-step costs in tasks and in inner steps, in time and in memory;
# - trade time for memory, by running each inner step again on the way back;
# - train with several workers, and show that they do what one does.
#
# About 30 minutes, of which the machine works for one.

# %%
import json
import time
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.func import grad, vjp
from torch.utils.flop_counter import FlopCounterMode

import maml_edu
from maml_edu import exercises
from maml_edu.learners import MAML
from maml_edu.models import mlp
from maml_edu.outer import meta_gradient
from maml_edu.tasks import SinusoidTasks, TaskBatch
from maml_edu.views import plots

torch.set_num_threads(1)

# %% [markdown]
# ## A loop, and vmap
#
# One network, one algorithm, sine waves: as in lesson 04. The plainest meta-gradient is a Python loop over the tasks of
# a batch. It is also the one you can trust, so it comes first, and all that is faster has to agree with it.

# %%
model = mlp(1, 40, 40, 1)
theta = model.init(generator=torch.Generator().manual_seed(0))
learner = MAML(model, inner_lr=0.01)


def waves(n_tasks, shots=10):
    draw = torch.Generator().manual_seed(12)
    return SinusoidTasks().sample(n_tasks, shots=shots, queries=10, generator=draw)


# %%
def by_loop(batch):
    def mean_loss(theta):
        tasks = [batch.task(i) for i in range(len(batch.query_y))]
        return sum(learner.task_loss(theta, task) for task in tasks) / len(tasks)

    return grad(mean_loss)(theta)


def by_vmap(batch):
    return meta_gradient(learner, theta, batch)[0]


# %% [markdown]
# `meta_gradient` is the package's: `grad` of a `vmap` over tasks. `vmap` writes each operation once for all tasks: 25
# small matrix products become one batched product. The arithmetic is the same, so the gradient has to be.

# %%
slow, fast = by_loop(waves(25)), by_vmap(waves(25))
for name in theta:
    torch.testing.assert_close(fast[name], slow[name], rtol=1e-4, atol=1e-6)


# %% [markdown]
# Now the clock, for 1 to 64 tasks. It counts the processor's time, not the wall's, so other programs on your
# machine disturb it less; and of five runs the fastest counts, for what disturbs a run only adds to it.

# %%
def milliseconds(fn, *arguments):
    fn(*arguments)  # the first run is slower: caches are cold
    taken = []
    for _ in range(5):
        began = time.process_time()
        fn(*arguments)
        taken.append(1000 * (time.process_time() - began))
    return min(taken)


# %%
counts = (1, 2, 4, 8, 16, 32, 64)
loop = [milliseconds(by_loop, waves(n)) for n in counts]
side_by_side = [milliseconds(by_vmap, waves(n)) for n in counts]

# %% [markdown]
# Both axes double at each tick, so a straight line of slope 1 means: twice the tasks, twice the time.

# %%
figure, ax = plt.subplots(figsize=(5, 3.2), layout="constrained")
ax.loglog(counts, loop, "o-", base=2, label="loop")
ax.loglog(counts, side_by_side, "s--", base=2, label="vmap")
ax.set(xlabel="tasks in the meta-batch", ylabel="milliseconds a meta-gradient")
ax.legend(frameon=False)
measured = list(zip(counts, loop, side_by_side, strict=True))
says = "; ".join(f"{n}: {a:.0f}, {b:.0f}" for n, a, b in measured)
plots.show(figure, f"Milliseconds by tasks, loop and vmap. {says}.")

# %% [markdown]
# The loop's line climbs so. `vmap`'s is nearly flat, for what takes time here
# is not arithmetic but PyTorch's bookkeeping, and `vmap` pays for that once. Where do they cross on your machine?

# %%
cheaper = [n for n, a, b in measured if b < a]
print(f"vmap is the faster one from {min(cheaper)} task(s) on,")
print(f"and at {counts[-1]} tasks {loop[-1] / side_by_side[-1]:.0f} times as fast")

# %%
assert loop[-1] > 3 * side_by_side[-1]
assert loop[-1] > 8 * loop[0]  # 64 times the work
assert side_by_side[-1] < 16 * side_by_side[1]  # 32 times the work


# %% [markdown]
# With large networks it is the other way round: arithmetic counts, and all tasks' activations at once no longer fit
# into the processor's caches. Then `vmap` a few tasks at a time: `meta_gradient(..., chunk_size=4)`.
#
# ## What it costs
#
# Count before you measure. `FlopCounterMode` counts the products that a meta-gradient really runs.

# %%
def flops(n_tasks, k):
    with FlopCounterMode(display=False) as counter:
        meta_gradient(replace(learner, inner_steps=k), theta, waves(n_tasks))
    return counter.get_total_flops()


def exponent(sizes, costs):
    return np.polyfit(np.log(sizes), np.log(costs), 1)[0]


# %%
steps = (2, 4, 8, 16)
by_tasks, by_steps = [flops(n, 1) for n in counts], [flops(4, k) for k in steps]
print(f"operations ~ tasks^{exponent(counts, by_tasks):.2f}, k^{exponent(steps, by_steps):.2f}")

# %% [markdown]
# Linear in tasks, exactly; and in the inner steps $k$ a little below, for the query's one pass does not grow with them. No
# term is quadratic: the product of $k$ Jacobians is never formed, each is passed by one vector. Time agrees:

# %%
learners = [replace(learner, inner_steps=k) for k in steps]
per_k = [milliseconds(meta_gradient, each, theta, waves(4)) for each in learners]
print(f"time ~ tasks^{exponent(counts, loop):.2f} (loop), k^{exponent(steps, per_k):.2f}")

# %%
assert abs(exponent(counts, by_tasks) - 1) < 0.01
assert 0.8 < exponent(steps, by_steps) < 1.02
assert per_k[-1] < 8 * per_k[1]  # 4 times the steps: k would make it 4, k squared 16

# %% [markdown]
# ## Bookkeeping, paid once
#
# `vmap` and the nested `grad`s end in the same list of operations each time. So write the list down once (*capture* it), and run that;
# `meta_train` does (see `maml_edu/foundation/capture.py`). PyTorch's compiler can take the list and fuse what stands side by side in it
# (`Training(compile=True)`, or `train ... --compile`), but it needs a C++ compiler and takes half a minute to begin: nothing for a
# cell. What is on record, for 25 tasks:

# %%
results = Path(maml_edu.__file__).parents[1] / "results" / "bench_sine.json"
record = json.loads(results.read_text("utf-8"))
for setting, rows in record["speed"].items():
    speeds = {name: row["meta_steps_per_s"] for name, row in rows.items()}
    print(f"{setting}: " + ", ".join(f"{name} {speed:.0f}/s" for name, speed in speeds.items()))
    ranks = ("maml_edu, compiled", "jax", "maml_edu", "maml_edu, eager", "loop", "higher")
    assert sorted(ranks, key=speeds.get, reverse=True) == list(ranks)

# %% [markdown]
# (`jax` compiles too; `higher` is a library for inner loops. All rows come from one run: `make bench`.)
#
# ## Memory
#
# In lesson 03 you saw the graph grow with every inner step. That is what ends most attempts at many steps. The
# tide's highest mark can be read off: look at each operation that PyTorch runs, note what its result weighs, and
# strike out what has been let go.

# %%
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Tide(TorchDispatchMode):
    highest, alive = 0, {}

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            memory = tensor.untyped_storage()
            self.alive[StorageWeakRef(memory)] = memory.nbytes()
        self.alive = {m: size for m, size in self.alive.items() if not m.expired()}
        self.highest = max(self.highest, sum(self.alive.values()))
        return result


# %%
def peak_megabytes(k, **how):
    with Tide() as tide:
        meta_gradient(replace(learner, inner_steps=k, **how), theta, many_points)
    return tide.highest / 1e6


many_points = waves(4, shots=100)
plain = {k: peak_megabytes(k) for k in (1, 2, 5, 10)}
print(", ".join(f"{size:.1f} MB at k = {k}" for k, size in plain.items()))
assert plain[10] > 1.5 * plain[5] > 2 * plain[2]


# %% [markdown]
# But look at lesson 03's way back once more: $v \leftarrow v\, J_i$, from the last step to the first, where $J_i$ is the
# Jacobian of step $i$ *at the state where it began*. The states are all that it needs. Everything else can be
# found again by running the step once more, when the way back arrives at it.
#
# ### Exercise 31.1: the walk back
#
# `step` maps a state to the next, `states` are all of them, `slope` is a loss's gradient at the last. Return its gradient
# at the first.
#
# <details><summary>Hint</summary><code>_, pull = vjp(step, state)</code> runs the step again at <code>state</code>;
# <code>(v,) = pull(v)</code> passes a vector back through it.</details>

# %% tags=["exercise"]
def my_walk_back(step, states, slope):
    # your lines: return the gradient at states[0]
    ...


exercises.check_walk_back(my_walk_back)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def walk_back(step, states, slope):
    for state in reversed(states[:-1]):
        _, pull = vjp(step, state)
        (slope,) = pull(slope)
    return slope


### END SOLUTION
assert exercises.check_walk_back(walk_back)

# %% [markdown]
# This is **gradient checkpointing** (Chen et al. 2016, arXiv 1604.06174). The package has it as `checkpointing=True`, with
# your walk as the derivative of each step (`maml_edu/foundation/checkpointing.py`), so that it works within `vmap` and `grad`:

# %%
sparing = {k: peak_megabytes(k, checkpointing=True) for k in plain}
figure, ax = plt.subplots(figsize=(5, 3), layout="constrained")
ax.plot(plain.keys(), plain.values(), "o-", label="graph of all steps")
ax.plot(sparing.keys(), sparing.values(), "s--", label="steps run again")
ax.set(xlabel="inner steps k", ylabel="peak memory, MB", ylim=(0, None))
ax.legend(frameon=False)
says = ", ".join(f"{plain[k]:.1f} and {sparing[k]:.1f} at {k}" for k in plain)
plots.show(figure, f"Peak megabytes by inner steps, with the graph and without: {says}.")

# %% [markdown]
# What grows still are the states, one copy of the parameters a step. The price is time: each step
# runs twice. And the gradient?

# %%
ten = replace(learner, inner_steps=10)
exact, again = (replace(ten, checkpointing=c) for c in (False, True))
whole, _ = meta_gradient(exact, theta, many_points)
same, _ = meta_gradient(again, theta, many_points)
for name in theta:
    torch.testing.assert_close(same[name], whole[name], rtol=1e-4, atol=1e-6)

# %%
assert sparing[10] < 0.4 * plain[10]
print(f"{sparing[10] / plain[10]:.0%} of the memory at k = 10, and the same gradient")


# %% [markdown]
# ## Several workers
#
# Tasks are independent, so workers can share them: each draws the same meta-batch, differentiates *its* part, and sends
# its gradient to the others. Then all make the same step, each on its own copy of theta.
#
# ### Exercise 31.2: one gradient out of many
#
# `gradients` has each worker's, the *mean* over its own tasks, name -> tensor; `shares` says how many tasks those were. Return
# the mean over all tasks.
#
# <details><summary>Hint</summary>25 tasks on two workers are 13 and 12. Each task has to count the same.</details>

# %% tags=["exercise"]
def my_workers_mean(gradients, shares):
    # your lines: return a dict, name -> tensor
    ...


exercises.check_workers_mean(my_workers_mean)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def workers_mean(gradients, shares):
    pairs = list(zip(gradients, shares, strict=True))
    return {n: sum(s * g[n] for g, s in pairs) / sum(shares) for n in gradients[0]}


### END SOLUTION
assert exercises.check_workers_mean(workers_mean)

# %% [markdown]
# Now in earnest: `torchrun` starts two processes, on this machine, of the very command that trains on one. They
# meet, and share each meta-batch of 25 as 13 and 12. (Most of its time they spend loading PyTorch.)

# %%
import shlex
import subprocess
import tempfile

folder = Path(tempfile.mkdtemp())
torchrun = "-m torch.distributed.run --standalone --nproc-per-node=2"
train = "-m maml_edu train sine --steps 40 --no-capture --device cpu --out"
command = [sys.executable, *shlex.split(f"{torchrun} {train}"), folder / "two"]

# %%
done = subprocess.run(command, capture_output=True, text=True)
print(done.stdout)
assert done.returncode == 0, done.stderr

# %% [markdown]
# And the same training by one worker, here. Additions in another order differ in the last digits, and 40 steps of Adam
# pass that on; nothing else may differ.

# %%
from maml_edu.runs import checkpoint
from maml_edu.runs.config import TrainConfig
from maml_edu.runs.run import Run

one = Run(TrainConfig.make("sine", steps=40, capture=False), folder / "one").train()
two = checkpoint.load(folder / "two")
for name in one.theta:
    torch.testing.assert_close(two.theta[name], one.theta[name], rtol=1e-3, atol=1e-5)

# %%
print("meta-loss:", one.metadata["meta_loss"], "and", two.metadata["meta_loss"])
assert two.metadata["hardware"]["workers"] == 2
moved = one.theta["2.weight"] - theta["2.weight"]  # both began at seed 0's theta
assert moved.abs().max() > 0.01  # so it is training that they agree on

# %% [markdown]
# How much faster? A step with $w$ workers takes $T(w) = T_1 / w + c$: the work divided, plus a message as long as theta.
# For sine waves $c$ is of the size of $T_1$, and little is gained. What counts is the computing that is done for
# each number sent: a convolution uses each of its weights at every place of every image, so there it pays. A killed worker costs little: with `--max-restarts`, all begin again from the last saved state.

# %%
message = sum(p.numel() for p in theta.values()) + 1  # and the loss
print(f"each step sends {message:,} numbers, {4 * message / 1000:.0f} kB")
assert message == 1762


# %% [markdown]
# ## A GPU, if there is one
#
# A GPU does very many operations at a time, but takes some microseconds to begin each. Our network is far too
# small to fill it, unless very many tasks are taken together:

# %%
def on_gpu(batch):
    result = meta_gradient(learner, there, batch)[0]
    torch.cuda.synchronize()  # it is asked for at once, and done later
    return result


if not torch.cuda.is_available():
    print("PyTorch sees no GPU here, so there is nothing to compare.")
else:
    there = {name: p.cuda() for name, p in theta.items()}
    for n in (16, 256, 4096):
        batch = waves(n)
        sent = TaskBatch(*(part.cuda() for part in batch[:4]))
        gpu, cpu = milliseconds(on_gpu, sent), milliseconds(by_vmap, batch)
        there_too, here = on_gpu(sent)["0.bias"].cpu(), by_vmap(batch)["0.bias"]
        torch.testing.assert_close(there_too, here, rtol=1e-3, atol=1e-5)
        print(f"{n} tasks: {gpu:.1f} ms on the GPU, {cpu:.1f} ms on the CPU")

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("31")

# %% [markdown]
# ## Recap
#
# - `vmap` pays PyTorch's bookkeeping once for all tasks; for small networks that is nearly everything.
# - A meta-gradient costs time linear in tasks and in inner steps; memory too, unless steps are run again on the way back.
# - Workers share tasks; the mean of their gradients, weighted by their shares, is the gradient of one.
#
# ## What to try
#
# - Where do loop and `vmap` cross for `mlp(1, 400, 400, 1)`? And with `chunk_size`?
# - Measure the time of checkpointing against $k$. Does it double?
# - In a terminal: `torchrun --nproc-per-node=2 --max-restarts=3 -m maml_edu train sine`, and kill one of the two with
#   `kill -9` while it runs.
