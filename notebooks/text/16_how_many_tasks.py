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
# # 16 · How many tasks?
#
# **You will be able to**
# - say how accuracy on new characters grows with the number of characters you train on, and measure it fairly;
# - tell a network that has learned to learn from one that has memorised its training tasks, by two numbers;
# - build the second kind on purpose, find the line of code that causes it, and try three cures.
#
# About 40 minutes, of which networks train for about half of one.

# %%
import json
import warnings
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import clear_output
from torch.nn.functional import cross_entropy

import maml_edu
from maml_edu import exercises
from maml_edu.evaluate import Estimate, Evaluation, accuracy, evaluate
from maml_edu.learners import MAML
from maml_edu.models import conv4, mlp
from maml_edu.outer import Training, meta_train
from maml_edu.tasks import FiniteTasks, OmniglotTasks, SinusoidTasks
from maml_edu.tasks.data import StandInWarning
from maml_edu.views import plots, scenes, traces
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)

# %% [markdown]
# ## Commit to a number
#
# Omniglot has 1,100 training characters. Say you had to pay for each. *How many does MAML need* until it is
# within 5 points of what it reaches with all 1,100, on characters it has never seen? Write your guess down
# here; it will be compared with trainings on 10, 25, 60 and so on up to all of them.

# %%
my_guess = 500  # characters: put your own number here, before you read on

# %% [markdown]
# ## Waves first
#
# On sine waves an answer takes seconds. `FiniteTasks(waves, n)` keeps `n` waves and comes back to the same
# ones for ever, each time with new points on them. So the *tasks* are few; the *samples* are not.

# %%
waves, learner = SinusoidTasks(), MAML(mlp(1, 40, 40, 1), inner_lr=0.01)
training = Training(steps=800, shots=5, queries=10, meta_lr=5e-3)
kept = {n: FiniteTasks(waves, n, seed=3) for n in (1, 2, 5, 10, 50, 1000)}
theta = {}
for n, few in kept.items():
    *_, last = meta_train(learner, few, training, every=training.steps)
    theta[n] = last.theta

# %% [markdown]
# Six trainings, from one wave to a thousand. *Predict:* with a single wave to train on, what is the error on
# that wave **before** any inner step? And on a new wave, after one?

# %%
look = Evaluation(n_tasks=500, queries=50, inner_steps=1)
home = {n: evaluate(learner, theta[n], kept[n], look) for n in kept}
new = {n: evaluate(learner, theta[n], waves, look) for n in kept}
print("waves   at home: before, after a step    new waves: after a step")
for n in kept:
    before, after = home[n]
    print(f"{n:5} {before.mean:16.3f} {after.mean:10.3f} {new[n][1]!s:>26}")


# %% [markdown]
# One wave: theta *is* that wave. It needs no support set, and has learned nothing about learning. With many
# waves no theta can be all of them, so the error before adapting is high at home too, and the step has to do
# the work. Move the number of waves, and scrub the inner step on a wave of the training set and on a new one.

# %%
def one_wave(n, known, which):
    source = kept[n] if known else waves
    task = source.sample(1, shots=5, queries=50, generator=torch.Generator().manual_seed(which))
    name = f"MAML, {n} training waves"
    return replace(traces.adaptation(learner, theta[n], task.task(0), tasks=waves), learner=name)


explore(
    one_wave,
    n=Choice("training waves", list(kept), value=1),
    known=Choice("show", {"a wave of the training set": True, "a new wave": False}),
    which=Slider("which", 0, 50),
)

# %% jupyter={"source_hidden": true}
assert home[1][0].mean < 0.1 * home[1000][0].mean  # one wave is known without its points
assert home[1][1].mean < 0.1 * new[1][1].mean  # and says nothing of others
assert new[1000][1].mean + new[1000][1].half_width < new[1][1].mean - new[1][1].half_width

# %% [markdown]
# That was one seed. `results/how_many_tasks.json` has it for several, trained longer, and everything that
# follows. Each dot is one training, with other waves and another start.

# %%
file = Path(maml_edu.__file__).parents[1] / "results" / "how_many_tasks.json"
record = json.loads(file.read_text("utf-8"))


def rows(learner="maml", family="omniglot", **wanted):
    usual = {"labels": "dealt", "tasks": None, "hands": 20}
    wanted = {"learner": learner, "family": family, **usual, **wanted}
    return [row for row in record["rows"] if all(row[k] == v for k, v in wanted.items())]


spent = sum(row["cpu_seconds"] for row in record["rows"]) / 60
print(f"{len(record['rows'])} trainings, {spent:.0f} minutes of one core: {record['command']}")
print(record["data"], "|", record["network"], "|", record["training"])


# %%
def dots(ax, some, where, step, marker, label):
    x, y = zip(*[(row["characters"], row[where][step]["mean"]) for row in some], strict=True)
    ax.plot(x, y, marker, mfc="none", label=label)


figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
some = rows(family="sine")
dots(ax, some, "home", 0, "ks", "at home, before adapting")
dots(ax, some, "home", 1, "C0^", "at home, after one step")
dots(ax, some, "unseen", 1, "C1o", "new waves, after one step")
ax.set(xscale="log", yscale="log", xlabel="training waves", ylabel="MSE")
ax.legend(frameon=False, fontsize=8)
plots.show(figure, "Errors against training waves: at home they rise, on new waves they fall.")


# %% [markdown]
# ## Characters
#
# The same question on Omniglot. In the record, MAML (uniform rate 0.4, one inner step, three at test) was
# trained on 10 to 1,100 characters: always 500 steps of four 5-way 1-shot tasks. Only the number of
# characters differs, and which ones: each seed has its own. The network has 16 channels, a quarter of the
# paper's, so that a training takes a quarter of a minute; and all characters stand upright, so that a character
# is a class. Then each theta was asked about the *same* 300 tasks of characters that nobody trained on.
#
# ### Exercise 16.1: how many are enough
#
# `sizes`, (sizes,), ascends; `accuracy`, (sizes, seeds), says what each training reached. Return the smallest
# size from which on **every** mean over the seeds is at most `margin` below the mean at the largest size.
#
# <details><summary>Hint</summary>A small size may come near by luck, and the next one fall behind again. So look
# for the last size that is too far below: the answer is the one after it.</details>
#
# <details><summary>Another hint</summary><code>(mean &lt; mean[-1] - margin).nonzero()</code> gives the places of
# all that are too far below. It may be empty.</details>

# %% tags=["exercise"]
def my_enough(sizes, accuracy, margin):
    # your lines: return one of the sizes
    ...


exercises.check_enough(my_enough)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def enough(sizes, accuracy, margin):
    mean = accuracy.mean(1)
    too_low = (mean < mean[-1] - margin).nonzero().flatten()
    return sizes[int(too_low[-1]) + 1 if len(too_low) else 0]


### END SOLUTION
assert exercises.check_enough(enough)


# %% [markdown]
# Now your guess. `grid` collects the record's accuracies into an array; the last inner step is the one that
# counts.

# %%
def grid(where, **wanted):  # -> sizes (sizes,), accuracy (sizes, seeds, inner steps + 1)
    some = {(row["characters"], row["seed"]): row[where] for row in rows(**wanted)}
    sizes, seeds = (sorted({key[i] for key in some}) for i in (0, 1))
    missing = [{"mean": np.nan}] * len(next(iter(some.values())))
    found = [[some.get((n, seed), missing) for seed in seeds] for n in sizes]
    return np.array(sizes), np.array([[[e["mean"] for e in f] for f in of] for of in found])


# %%
sizes, unseen = grid("unseen")
reached = unseen[:, np.isfinite(unseen).all((0, 2)), -1]  # seeds that have all sizes
for n, of_seeds in zip(sizes, reached, strict=True):
    print(f"{n:5} characters: unseen ones {of_seeds.mean():.3f} right; seeds {of_seeds.round(3)}")
needed = int(enough(torch.from_numpy(sizes), torch.from_numpy(reached), 0.05))
print(f"within 5 points from {needed} on; you said {my_guess}, {my_guess / needed:.2g} times that")

# %% [markdown]
# How well does each network do on the characters it **was** trained on? *Predict* for 10, and for 1,100. Then move
# the number of characters (the picture shows the nearest one that was trained), change the learner, and scrub the
# inner steps. The distance between the two curves is the *gap*: what was learned about these characters only.
# Where the gap is small, more characters cannot help much; there the network and the length of its training set
# the limit.

# %%
names = {"home": "training characters", "unseen": "unseen characters"}


def sweep(characters, title, parts=names, **wanted):
    grids = {name: grid(where, **wanted) for where, name in parts.items()}
    sizes = next(iter(grids.values()))[0]
    shown = int(np.abs(np.log(sizes / characters)).argmin())  # the nearest that was trained
    found = {name: accuracy for name, (_, accuracy) in grids.items()}
    return scenes.SweepTrace(title, "training characters", sizes, found, way=5, shown=shown)


def watch(characters, learner):
    return sweep(characters, learner[0], learner=learner[1])


# %%
how_many = Slider("training characters", 10.0, 1100.0, value=60.0, log=True, fmt=".0f")
window = explore(
    watch,
    characters=how_many,
    learner=Choice("who learns", {"MAML": ("MAML", "maml"), "ProtoNet": ("ProtoNet", "protonet")}),
)
window.step = 3
window


# %% [markdown]
# Who needs fewer, MAML or its rival of lesson 14? Both were asked the same 300 unseen tasks. So take the
# difference task by task, then its mean and interval, for each seed by itself. *Predict:* the same winner at
# every size?

# %%
def right(row):  # of each task, the share of its 25 queries
    return np.array(row["right"].split(), float) / 25


def key(row):
    return row["characters"], row["seed"]


def beside_maml(others):  # the difference on the same tasks, the same characters, the same seed
    maml = {key(row): right(row) for row in rows()}
    for row in sorted((row for row in others if key(row) in maml), key=key):
        gain = torch.from_numpy(right(row) - maml[key(row)])
        print("{:5} characters, seed {}: ".format(*key(row)), Estimate.of(gain))


beside_maml(rows("protonet"))

# %% [markdown]
# With the fewest characters MAML is ahead, with all of them ProtoNet, under each seed. A comparison at one size
# would have named a winner.
#
# ## Train one yourself
#
# The record's own settings, on a number that you choose (5 to 1,100): a quarter of a minute on a quiet core. *First*
# write down what you expect on unseen characters.

# %%
my_characters, my_expectation = 60, 0.7  # yours

# %%
warnings.simplefilter("ignore", StandInWarning)  # the next line says the same
everyone, test = OmniglotTasks(rotations=False), OmniglotTasks("test")
print(everyone.source)
real, most = everyone.drawings.omniglot, len(everyone.characters)
settings = Training(**record["training"], meta_lr=rows()[0]["meta_lr"], seed=11)
how = Evaluation(n_tasks=100, shots=1, queries=5, inner_steps=3, metric=accuracy, chunk_size=10)
classifier = MAML(conv4(5, channels=16), cross_entropy, inner_lr=record["inner_lr"])


def trained_on(tasks):
    *_, last = meta_train(classifier, tasks, settings, every=100, progress=True)
    clear_output(wait=True)  # the progress bar has served
    return last.theta


# %% [markdown]
# `n_characters` keeps so many of the split's characters; `subset` says which.

# %%
mine = OmniglotTasks(rotations=False, n_characters=min(my_characters, most), subset=11)
my_theta = trained_on(mine)
for name, tasks in (("training", mine), ("unseen", test)):
    shares = evaluate(classifier, my_theta, tasks, how)
    print(f"{name:>8} characters, by inner step: " + ", ".join(f"{s.mean:.2f}" for s in shares))
print(f"you expected {my_expectation:.2f}; the interval is ± {shares[-1].half_width:.2f}")

# %% [markdown]
# ## Characters, or tasks?
#
# Of 150 characters one can make $150 \cdot 149 \cdot 148 \cdot 147 \cdot 146$ tasks with labels, 70 thousand
# million. Does meta-learning need these, or the characters? The record has trainings on the *same* 150
# characters of which only 30, 150 or 1,000 tasks were ever made. *Predict:* is 30 tasks as good as all?

# %%
for n_tasks in (30, 150, 1000, None):
    some = [row for row in rows(tasks=n_tasks) if row["characters"] == 150]
    for where, step in (("home", 0), ("home", 3), ("unseen", 3)):
        found = [round(row[where][step]["mean"], 2) for row in some]
        print(f"{n_tasks or 'all':>5} tasks: {where:>6} after {step} steps {found}")

# %% [markdown]
# Look at the lines "home after 0 steps". With 30 tasks, each of the 150 characters comes in about one of them: its
# label is the same whenever it comes. What can theta learn then, without any support set?
#
# And drawings? Each character has twenty, by twenty hands. Six drawings of all 1,100 characters, or twenty of 330,
# are the same number, 6,600. *Which would you buy?*

# %%
for n, hands in ((1100, 6), (330, 20)):
    some = [row["unseen"][-1]["mean"] for row in rows(hands=hands) if row["characters"] == n]
    print(f"{n:5} characters, {hands:2} drawings of each: unseen {np.round(some, 3)}, one a seed")


# %% [markdown]
# ## Labels that stay
#
# Yin et al. (2020, [arXiv 1912.03820](https://arxiv.org/abs/1912.03820)) call tasks **mutually exclusive** if
# no single function solves them all. Characters under labels that are dealt anew are so: today's 0 is
# tomorrow's 3. Here is somebody's sampler. It runs, and a support set and a query set made from it are sound.
#
# ```python
# def their_sampler(characters, way, generator):
#     chosen = torch.randperm(len(characters), generator=generator)[:way]
#     return characters[chosen.sort().values]     # the character of label 0, of label 1, ...
# ```
#
# ### Exercise 16.2: find the bug
#
# Write it as it should be: `way` different characters, in the order of their labels, so that a label says
# nothing about its character.
#
# <details><summary>Hint</summary>Of ten characters, which labels can the first one in the list ever have?</details>

# %% tags=["exercise"]
def my_sampler(characters, way, generator):
    # your lines: return `way` of the characters
    ...


exercises.check_mended_sampler(my_sampler)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def mended_sampler(characters, way, generator):
    return characters[torch.randperm(len(characters), generator=generator)[:way]]


### END SOLUTION
assert exercises.check_mended_sampler(mended_sampler)


# %% [markdown]
# How bad is such a leak? There is a number for it that needs no network: how often can one guess a
# character's label from *other* tasks alone? It is what theta could know without any support set.
#
# ### Exercise 16.3: what a label gives away
#
# `known` and `new` are tasks, (tasks, way) characters in the order of their labels. Guess each label in `new`: the
# one which that character had most often in `known` (of several, the lowest; 0 if it never came). Return the share
# of right guesses.
#
# <details><summary>Hint</summary>Count into a table of (n_characters, way); <code>argmax</code> takes the first of
# equal ones. And why two sets of tasks, not one?</details>

# %% tags=["exercise"]
def my_guessable(known, new, n_characters, way):
    # your lines: return a share, 0 to 1
    ...


exercises.check_guessable(my_guessable)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def guessable(known, new, n_characters, way):
    often = torch.zeros(n_characters, way)
    for label in range(way):
        often[:, label] = known[:, label].bincount(minlength=n_characters)
    guess = often.argmax(1)[new]
    return (guess == torch.arange(way)).double().mean()


### END SOLUTION
assert exercises.check_guessable(guessable)

# %% [markdown]
# Three sources of the same 60 characters: labels dealt anew, characters in order, and `fixed_labels=True`,
# where a character has the same label in every task of its life. *Predict* all three.

# %%
n = min(60, most)
sources = {
    name: OmniglotTasks(rotations=False, n_characters=n, subset=11, fixed_labels=fixed)
    for name, fixed in (("dealt anew", False), ("fixed", True))
}


def drawn(source, n_tasks=2000):
    tasks = source.sample(n_tasks, queries=1, generator=torch.Generator().manual_seed(5))
    return tasks.info["character"].chunk(2)


both = {name: drawn(source) for name, source in sources.items()}
both["in order"] = [half.sort(1).values for half in both["dealt anew"]]
many = len(everyone.drawings.names)
leaks = {name: guessable(*halves, many, 5).item() for name, halves in both.items()}
print({name: round(share, 2) for name, share in leaks.items()})

# %% jupyter={"source_hidden": true}
assert abs(leaks["dealt anew"] - 0.2) < 0.05
assert 0.3 < leaks["in order"] < 0.9
assert leaks["fixed"] == 1

# %% [markdown]
# ## A network that does not look at its support set
#
# Train on the fixed ones, with the same settings as before. Then ask it about tasks of three kinds: its own; the **same
# characters** under labels dealt anew; unseen characters. *Predict* for each: before any inner step, and after three?

# %%
fixed_theta = trained_on(sources["fixed"])
kinds = {"its own tasks": sources["fixed"], "labels dealt anew": sources["dealt anew"]}
kinds["unseen"] = test
found = {name: evaluate(classifier, fixed_theta, tasks, how) for name, tasks in kinds.items()}
for name, shares in found.items():
    print(f"{name:>17}, by inner step: " + ", ".join(f"{share.mean:.2f}" for share in shares))

# %% jupyter={"source_hidden": true}
own, dealt_anew = (found[name][-1] for name in ("its own tasks", "labels dealt anew"))
assert own.mean - own.half_width > dealt_anew.mean + dealt_anew.half_width


# %% [markdown]
# Nothing crashed. But there are two signs of memorising: it is right on its own tasks **before** it has seen a
# support set, and it gets **worse on its own characters** when their labels are dealt anew. Here is the record: all
# sizes, all seeds. Look for both signs, at each size. Is the first always there when the second is?

# %%
def by_labels(labels, characters, learner="maml"):
    parts = names if labels == "dealt" else {**names, "home dealt": "training, labels dealt anew"}
    words = "dealt anew" if labels == "dealt" else "fixed"
    return sweep(characters, f"Trained with labels {words}", parts, labels=labels, learner=learner)


explore(
    by_labels,
    labels=Choice("labels in training", {"dealt anew": "dealt", "fixed": "fixed"}, value="fixed"),
    characters=how_many,
)

# %% [markdown]
# At 60 characters, look at the three seeds before adapting: in one of them theta knows nearly every label, in another
# none, and needs one step on *any* task of its own to know them. On unseen characters both do badly. So inner step 0
# above chance proves memorising; at chance it proves nothing. The second sign is the safer one.
#
# Learning by heart takes repetition. In 500 steps of four tasks, each of 10 characters comes 1,000 times, each of
# 1,100 about nine times. (That this is why is our guess; a longer training on 1,100 would test it.)
#
# What do fixed labels cost on unseen characters? Same seeds, same starts, same characters, same test tasks; so
# again task by task.

# %%
beside_maml(rows(labels="fixed"))

# %% jupyter={"source_hidden": true}
if record["data"] == "Omniglot":
    before = [r["home"][0]["mean"] for r in rows(labels="fixed") if r["characters"] == 60]
    assert min(before) < 0.3 < 0.8 < max(before)
    maml = {key(row): right(row) for row in rows()}
    all_of_them = [row for row in rows(labels="fixed") if row["characters"] == 1100]
    gains = [Estimate.of(torch.from_numpy(right(r) - maml[key(r)])) for r in all_of_them]
    assert all(abs(gain.mean) > gain.half_width for gain in gains)
    assert min(gain.mean for gain in gains) < 0 < max(gain.mean for gain in gains)


# %% [markdown]
# Up to 60 characters, much, under every seed. And at 1,100? Each seed's interval leaves 0 out, yet not on the same
# side! An interval over *tasks* says how sure we are about **this** theta. Another training gives another theta,
# and only more seeds tell how much that matters.
#
#
# ## Three cures
#
# **Deal the labels anew.** It costs nothing, where labels are ours to deal. Given tasks with fixed labels, this is
# the function:
#
# ### Exercise 16.4: deal the labels anew
#
# `support_y` and `query_y`, (tasks, samples), hold labels 0 to `way` - 1. Return both with the labels of each task
# renamed: a permutation of its own for each task, the same one in both sets.
#
# <details><summary>Hint</summary>A row of random numbers, sorted, gives a random permutation: one row a task. Then
# every label is looked up in its task's row: <code>gather</code>.</details>

# %% tags=["exercise"]
def my_deal(support_y, query_y, way, generator):
    # your lines: return support_y, query_y under new labels
    ...


exercises.check_deal_anew(my_deal)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def deal_anew(support_y, query_y, way, generator):
    new = torch.rand(len(support_y), way, generator=generator).argsort(1)
    return new.gather(1, support_y), new.gather(1, query_y)


### END SOLUTION
assert exercises.check_deal_anew(deal_anew)


# %% [markdown]
# **A head that cannot prefer a class.** Theta can only know a label if the rows of its head differ. Let the
# inner steps start from *one* row for all classes, the mean (as Ye & Chao do, 2022, [arXiv
# 2106.16245](https://arxiv.org/abs/2106.16245), for another reason). Then nothing is known before the first step:

# %%
class OneRow(MAML):
    def start(self, parameters, support):
        head = {n: p for n, p in parameters.items() if n.startswith("head.")}
        return parameters | {n: p.mean(0, keepdim=True).expand_as(p) for n, p in head.items()}


one_row = OneRow(conv4(5, channels=16), cross_entropy, inner_lr=record["inner_lr"])
shares = evaluate(one_row, fixed_theta, sources["fixed"], how)
print("the network above, its rows made one, on its own tasks:", *(f"{s.mean:.2f}" for s in shares))


# %% [markdown]
# **A learner without rows.** ProtoNet's classes are means of support drawings, so there is nothing in theta that
# could be a label's. *Which of the three cures works?* Here they are, trained from scratch: accuracy on unseen
# characters after one inner step, as in training, each seed by itself. (The outer loop's step size was chosen for each
# learner on validation characters; the inner rate, 0.4, was not.)

# %%
def line(name, **wanted):
    sizes, unseen = grid("unseen", **wanted)
    after = [of[np.isfinite(of)].round(2) for of in unseen[:, :, 1]]
    shown = [f"{n}: {of}" for n, of in zip(sizes, after, strict=True) if n in (10, 60, 1100)]
    print(f"{name:>27}  " + "  ".join(shown))


line("MAML, labels dealt anew")
line("MAML, fixed", labels="fixed")
line("MAML from one row, fixed", learner="one-row maml", labels="fixed")
line("ProtoNet, labels dealt anew", learner="protonet")
line("ProtoNet, fixed", learner="protonet", labels="fixed")

# %% jupyter={"source_hidden": true}
some = [row for row in record["rows"] if row["hands"] == 20 and not row["tasks"] and "right" in row]
of = {(row["learner"], row["labels"], *key(row)): right(row).mean() for row in some}
for seed in range(3) if record["data"] == "Omniglot" else ():
    for n in (10, 60):
        assert of["one-row maml", "fixed", n, seed] < of["maml", "dealt", n, seed] - 0.05
    lost = of["protonet", "dealt", 60, seed] - of["protonet", "fixed", 60, seed]
    assert 0 < lost < 0.05

# %% [markdown]
# The one-row head is no cure: it knows no labels, and is still far below dealing anew on unseen characters. ProtoNet
# loses little, but it loses too. Why, if nothing can be memorised? Characters with the same fixed label never meet in a task, so
# nothing ever asks the network to tell *them* apart. (That is so by construction; that it explains the loss is our
# guess.) Dealing anew mends both.
#
# What if labels mean something, and cannot be dealt: an angle, a dose? Two papers, neither of which we have tried
# here. Yin et al. charge theta for the information that it holds (*meta-regularisation*). Rajendran, Irpan & Jang
# (2020, [arXiv 2007.05549](https://arxiv.org/abs/2007.05549)) add the same random number to all labels of a task, so
# that only the support set can tell which: dealing anew, for numbers.
#
# ## What the record supports
#
# First, how many characters are enough: within five points of what all of them give, and within two.

# %%
for who in ("maml", "protonet"):
    sizes, unseen = (torch.from_numpy(each) for each in grid("unseen", learner=who))
    five, two = (int(enough(sizes, unseen[:, :, -1].nanmean(1, True), by)) for by in (0.05, 0.02))
    print(f"{who:>8}: within 5 points from {five} characters on, within 2 from {two}")


# %% [markdown]
# Then the gap (training characters minus unseen ones, after adapting), and what theta knew before it saw a
# support set. All seeds, smallest to largest.

# %%
def span(values):
    values = values[np.isfinite(values)]
    return f"{values.min():.2f} to {values.max():.2f}"


for labels in ("dealt", "fixed"):
    sizes, home = grid("home", labels=labels)
    _, unseen = grid("unseen", labels=labels)
    for n, h, u in zip(sizes, home, unseen, strict=True):
        gap, knew = span(h[:, -1] - u[:, -1]), span(h[:, 0])
        print(f"labels {labels}, {n:5} characters: gap {gap}, at home before adapting {knew}")

# %% jupyter={"source_hidden": true}
whole = [row for row in record["rows"] if row["hands"] == 20 and not row["tasks"]]
last = {(row["learner"], row["labels"], *key(row)): row for row in whole}
for seed in range(3) if record["data"] == "Omniglot" else ():
    dealt, fixed, proto = (
        {n: last[who, labels, n, seed] for n in (10, 25, 60, 1100)}
        for who, labels in (("maml", "dealt"), ("maml", "fixed"), ("protonet", "dealt"))
    )
    for of in (dealt, fixed, proto):
        unseen, home = ({n: r[w][-1]["mean"] for n, r in of.items()} for w in ("unseen", "home"))
        assert unseen[1100] > unseen[10] + 0.1
        assert home[10] - unseen[10] > 0.3 > 0.1 > home[1100] - unseen[1100]
    assert right(dealt[10]).mean() > right(proto[10]).mean() + 0.03
    assert right(dealt[1100]).mean() < right(proto[1100]).mean() - 0.02
    assert fixed[10]["home"][0]["mean"] > 0.9
    for n in (10, 25, 60):
        assert fixed[n]["home"][-1]["mean"] - fixed[n]["home dealt"][-1]["mean"] > 0.15
        assert fixed[n]["unseen"][-1]["mean"] < dealt[n]["unseen"][-1]["mean"] - 0.05

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("16")

# %% [markdown]
# ## Recap
#
# - Few characters: the network is right at home and wrong abroad. The **gap** says so, and only unseen characters can
#   show it. Where the gap has closed, more characters bring nothing, and something else sets the limit.
# - Count *tasks* as well as characters: of few tasks the labels can be learned by heart.
# - Two signs of memorising: right at home before any step (proof where it is there, no proof where it is not), and
#   worse at home once labels are dealt anew.
# - Deal labels anew in each task. Of the cures we measured, no other brought all of the accuracy back.
# - Seeds differ by more than an interval over tasks says. One size, or one seed, can name the wrong winner.
# - All of this holds for 16 channels and 500 steps. Larger networks, trained for longer, are for you to measure: the
#   settings are in the record.
#
# ## What to try
#
# - Train on fixed labels of 1,100 characters ten times as long. Does theta come to know them?
# - Train on 60 characters for 100, 500 and 2,000 steps. Does the gap grow with training? (Our guess: yes.)
# - Turn the characters: `rotations=True` makes four classes of each. How many characters is that worth?
#
# **Next, [lesson 18](18_draw_your_own.ipynb):** draw your own characters.
