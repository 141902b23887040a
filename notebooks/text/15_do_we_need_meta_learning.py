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
# # 15 · Do we need meta-learning?
#
# **You will be able to**
# - set up the baseline that every few-shot paper must beat: pre-train a classifier, then give it a new head;
# - choose rates on validation tasks, and find the bug of a report that did not;
# - compare two learners on the same tasks, in pairs;
# - say when *not* to use MAML, with numbers of your own.
#
# About 50 minutes, of which networks train and are measured for one.

# %%
import time
import warnings

import numpy as np
import torch
from IPython.display import HTML, clear_output
from matplotlib.figure import Figure
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, max_pool2d

from maml_edu import exercises
from maml_edu.evaluate import Estimate, accuracy, query_values
from maml_edu.learners import MAML, Pretrain, ProtoNet
from maml_edu.models import conv4
from maml_edu.outer import Training, meta_train
from maml_edu.tasks import OmniglotTasks
from maml_edu.tasks.data import StandInWarning
from maml_edu.views import plots
from maml_edu.views.scenes import BudgetTrace
from maml_edu.views.widgets import Choice, explore

torch.set_num_threads(1)

# %% [markdown]
# ## Bet first
#
# Five drawings of each of five new characters: whose are the others? Four answers compete.
#
# - **pixels**: no learning. A query has the label of the drawing that shares most of its ink.
# - **pretrain**: an ordinary classifier of all known characters. For a new task it gets a new head.
# - **protonet**: features trained so that a class lies around its mean (lesson 14).
# - **maml**: a start trained so that gradient steps go far (lesson 11).
#
# Those that train have ten seconds or so each. Put the names into your order, best first. We come back to it.

# %%
my_bet = ["pretrain", "maml", "protonet", "pixels"]  # your order here

# %% [markdown]
# ## Three distances from home
#
# Every fifth alphabet is put aside: nobody trains on its characters. So there are new characters of *known* alphabets, at
# **home**, and characters of **unseen** alphabets. Further away come drawings that have been changed; you will see them below.

# %%
warnings.simplefilter("ignore", StandInWarning)  # the line below says the same
all_alphabets = sorted({name.split("/")[0] for name in OmniglotTasks("test").drawings.names})
put_aside = set(all_alphabets[2::5])


def of_alphabets(split, unseen, **how):
    tasks = OmniglotTasks(split, **how)
    alphabet = [name.split("/")[0] for name in tasks.drawings.names]
    kept = [i for i in tasks.characters.tolist() if (alphabet[i] in put_aside) == unseen]
    tasks.characters = torch.tensor(kept)
    return tasks


# %%
home, unseen = of_alphabets("test", False), of_alphabets("test", True)
print(home.source)
for name, tasks in (("home", home), ("unseen", unseen)):
    print(f"{name}: {len(tasks.characters)} characters to test on")


# %% [markdown]
# ## Nearest neighbour
#
# ### Exercise 15.1: the nearest neighbour
#
# Given vectors of the queries, (queries, features), and of the support set, (drawings, features), with its `labels`,
# return for each query the label of the nearest support drawing.
#
# <details><summary>Hint</summary>What is wanted first: a table of distances, (queries, drawings).</details>
# <details><summary>A further hint</summary><code>torch.cdist(query, support)</code> is that table, and
# <code>argmin</code> along the drawings says which one is nearest. Its <em>label</em> is asked for.</details>

# %% tags=["exercise"]
def my_neighbour(query, support, labels):
    # your lines: return labels, (queries,)
    ...


exercises.check_nearest_neighbour(my_neighbour)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def neighbour(query, support, labels):
    return labels[torch.cdist(query, support).argmin(1)]


### END SOLUTION
assert exercises.check_nearest_neighbour(neighbour)

# %% [markdown]
# With pixels for features, this needs no training at all. On 50 tasks at home:

# %%
draw = torch.Generator().manual_seed(15)
at_home = home.sample(50, shots=5, queries=3, generator=draw)


def by_neighbour(features, batch):
    tasks = [batch.task(i) for i in range(len(batch.query_y))]
    answers = [neighbour(features(t.query_x), features(t.support_x), t.support_y) for t in tasks]
    return (torch.stack(answers) == batch.query_y).float().mean(1)  # (tasks,)


found = {("pixels", "home"): by_neighbour(lambda x: x.flatten(1), at_home)}
print("pixels:", Estimate.of(found["pixels", "home"]))

# %% [markdown]
# ## Pre-training
#
# Now an ordinary network: one batch, one cross-entropy over *all* training characters, no tasks, no inner loop. `Pretrain`
# is that. A batch is 120 drawings of 60 characters; `log(characters)` is the loss of a guess.

# %%
seconds, trained = {}, {}


def train(name, learner, tasks, **how):
    begin, training = time.process_time(), Training(shots=1, **how)
    *_, last = meta_train(learner, tasks, training, every=50, progress=True)
    clear_output(wait=True)  # the progress bar has served
    trained[name], seconds[name] = last.theta, time.process_time() - begin
    print(f"{name}: {seconds[name]:.0f} seconds of one core, loss {last.meta_loss:.2f} in the end")


# %%
ordinary = of_alphabets("train", False, way=60, rotations=False)
classifier = Pretrain(conv4(60, channels=32), cross_entropy)
train("pretrain", classifier, ordinary, steps=300, meta_batch=1, queries=1, meta_lr=2e-2)
print(f"a guess: {np.log(len(ordinary.characters)):.2f}")

# %% [markdown]
# It is still poor at naming the characters that it trains on: there are hundreds of them, 20 drawings each. Never mind. Take
# the head off, and ask the *features* for the nearest neighbour, on characters that it has not met:

# %%
body = conv4(None, channels=32)
features = {n: trained["pretrain"][n] for n in body.shapes()}
found["neighbour on features", "home"] = by_neighbour(lambda x: body(features, x), at_home)
for name in ("pixels", "neighbour on features"):
    print(f"{name}: {Estimate.of(found[name, 'home'])}")

# %% [markdown]
# ## A new head
#
# Or train a head on the 25 support drawings, from zeros, by gradient steps, which may also move the body. That is
# **fine-tuning**, and its rates must be chosen. Candidates: three rates of the head. For each, the accuracy after 0 to 10 steps,
# on *validation* tasks:

# %%
start = {**features, "head.weight": torch.zeros(5, 32), "head.bias": torch.zeros(5)}


def tuned(head_lr):
    return Pretrain(conv4(5, channels=32), cross_entropy, inner_lr=0.003, head_lr=head_lr)


def right(learner, theta, batch, inner_steps):
    how = {"inner_steps": inner_steps, "metric": accuracy, "chunk_size": 10}
    return query_values(learner, theta, batch, **how)  # (tasks, inner_steps + 1)


# %%
head_lrs = (0.1, 0.3, 1.0)
validation = of_alphabets("validation", False)
valid = validation.sample(30, shots=5, queries=3, generator=draw)
begun = {**trained["pretrain"], **start}
on_validation = torch.stack([right(tuned(r), begun, valid, 10).mean(0) for r in head_lrs])
on_test = torch.stack([right(tuned(r), begun, at_home, 10).mean(0) for r in head_lrs])
for rate, row in zip(head_lrs, on_validation.tolist(), strict=True):
    print(f"head_lr {rate:>4}: {'  '.join(f'{value:.2f}' for value in row)}")


# %% [markdown]
# ### Exercise 15.2: find the bug: what was chosen, and on what?
#
# A colleague reports 100 ways to tune and the best of their accuracies. Her function gets two tables, (candidates, inner steps + 1),
# on validation and on test tasks. It returns the candidate, the inner step, and the accuracy to report. Mend it.
#
# <details><summary>Hint</summary>Suppose that all candidates only guess. What would her report say?</details>
# <details><summary>A further hint</summary>The best of many test figures is the luckiest. Choose by one table, and report from
# the other, at the same place.</details>

# %% tags=["exercise"]
def my_choice(validation, test):
    candidate, step = divmod(int(test.argmax()), test.shape[1])  # mend me
    return candidate, step, test.max()


exercises.check_choice(my_choice)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def choice(validation, test):
    candidate, step = divmod(int(validation.argmax()), validation.shape[1])
    return candidate, step, test[candidate, step]


### END SOLUTION
assert exercises.check_choice(choice)

# %% [markdown]
# How much does the bug flatter? Let 100 learners guess between five labels on the same few test tasks, where each is worth .2:

# %%
guesses = torch.rand(2, 100, 20, 15, generator=draw) < 0.2  # two tables, learners, tasks, queries
table = guesses.float().mean((2, 3))[..., None]
honest = choice(*table)[2].item()
print(f"chosen on test: {table[1].max():.3f}; chosen on validation: {honest:.3f}; truth: 0.200")
assert table[1].max() > 0.22

# %% [markdown]
# So for our classifier, chosen on validation and reported on test:

# %%
candidate, best_step, reported = choice(on_validation, on_test)
print(f"head_lr {head_lrs[candidate]}, {best_step} steps: {reported:.3f} at home")
finetuned = tuned(head_lrs[candidate])

# %% [markdown]
# ## The two that meta-learn
#
# ProtoNet and MAML, with the same network, the same characters, and about as much time.

# %%
episodes = of_alphabets("train", False)
protonet = ProtoNet(body, way=5)
train("protonet", protonet, episodes, steps=300, meta_batch=4, queries=5, meta_lr=5e-3)

# %%
maml = MAML(conv4(5, channels=32), cross_entropy, inner_lr=0.4)
train("maml", maml, episodes, steps=220, meta_batch=4, queries=5, meta_lr=5e-3)
print("; ".join(f"{name} {taken:.0f} s" for name, taken in seconds.items()))


# %% [markdown]
# ## Away
#
# And three worlds that nobody has trained on, made of the test drawings at home: as their **negative**, drawn with a **thick** pen, and
# **tilted** by 45 degrees. (It is a changed world, not another data set.)

# %%
def tilted(x):
    half = 0.5**0.5
    turn = torch.tensor([[half, -half, 0.0], [half, half, 0.0]]).expand(len(x), 2, 3)
    return grid_sample(x, affine_grid(turn, list(x.shape), False), align_corners=False)


changes = {"negative": lambda x: 1 - x, "thick": lambda x: max_pool2d(x, 3, 1, 1), "tilted": tilted}


def changed(batch, change):
    images = {"support_x": batch.support_x, "query_x": batch.query_x}
    made = {name: change(x.flatten(0, 1)).view_as(x) for name, x in images.items()}
    return batch._replace(**made)


# %%
worlds = {"home": at_home, "unseen": unseen.sample(50, shots=5, queries=3, generator=draw)}
worlds |= {name: changed(at_home, change) for name, change in changes.items()}
figure = Figure(figsize=(8, 1.9), layout="constrained")
for ax, (name, batch) in zip(figure.subplots(1, 5), worlds.items(), strict=True):
    ax.imshow(batch.support_x[0, 0, 0], cmap="gray_r", vmin=0, vmax=1)
    ax.set_title(name)
    ax.set(xticks=[], yticks=[])
plots.show(figure, "One drawing of each world; the last three change the one at home.")

# %% [markdown]
# *Predict:* which answer loses most in each world? Which can recover, and why? Then measure.

# %%
for world, batch in worlds.items():
    found["pixels", world] = by_neighbour(lambda x: x.flatten(1), batch)
    found["neighbour on features", world] = by_neighbour(lambda x: body(features, x), batch)
    found["pretrain", world] = right(finetuned, begun, batch, best_step)[:, -1]
    found["protonet", world] = right(protonet, trained["protonet"], batch, 1)[:, -1]
    found["maml", world] = right(maml, trained["maml"], batch, 3)[:, -1]


# %%
def html_table(caption, heads, rows):
    top = "".join(f'<th scope="col">{text}</th>' for text in heads)
    cells = [(name, "</td><td>".join(rest)) for name, *rest in rows]
    lines = [f'<tr><th scope="row">{name}</th><td>{rest}</td></tr>' for name, rest in cells]
    return HTML(f"""<table><caption>{caption}</caption><thead><tr>{top}</tr></thead>
<tbody>{"".join(lines)}</tbody></table>""")


def percent(values):
    share = Estimate.of(100 * values)
    return f"{share.mean:.1f} ± {share.half_width:.1f}"


names = ["pixels", "neighbour on features", "pretrain", "protonet", "maml"]
lines = [[name, *(percent(found[name, world]) for world in worlds)] for name in names]
html_table("5-way 5-shot, one training each, 50 tasks: %", ["answer", *worlds], lines)

# %% [markdown]
# Look at two things. A column's best may be another than home's best. And the nearest neighbour on pre-trained features costs no
# tuning at all: is it ahead of the new head? Now your bet, against the first column:

# %%
measured = sorted(my_bet, key=lambda name: -found[name, "home"].mean())
print("your bet:", ", ".join(my_bet))
print("measured:", ", ".join(measured))
assert set(my_bet) == {"pixels", "pretrain", "protonet", "maml"}


# %% [markdown]
# ## Is that difference certain?
#
# Two intervals that overlap do not say that two learners are alike. Some tasks are hard for both. On the *same* tasks that
# part cancels.
#
# ### Exercise 15.3: a comparison, paired by task
#
# `one` and `other` are two learners' accuracies on the same tasks, (tasks,). Return the mean of one minus other, and the half-width of
# its 95% interval.
#
# <details><summary>Hint</summary>Subtract first. Then it is lesson 11's interval, of one list of numbers.</details>
# <details><summary>A further hint</summary>1.96 times the standard deviation of the differences, over the root of their
# number.</details>

# %% tags=["exercise"]
def my_comparison(one, other):
    # your lines: return the mean and the half-width
    ...


exercises.check_paired(my_comparison)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def paired(one, other):
    gain = one - other
    return gain.mean(), 1.96 * gain.std() / len(gain) ** 0.5


### END SOLUTION
assert exercises.check_paired(paired)

# %% [markdown]
# ProtoNet less MAML, world by world, paired and as if the tasks had been different ones:

# %%
for world in worlds:
    one, other = found["protonet", world], found["maml", world]
    mean, half = paired(one, other)
    apart = 1.96 * (one.var() / len(one) + other.var() / len(other)).sqrt()
    print(f"{world:9} {mean:+.3f} ± {half:.3f} paired, ± {apart:.3f} unpaired")

# %% [markdown]
# These intervals are over *tasks*. Each learner was trained once. Another seed moves every row a little, and only several
# seeds say how much. So a lesson's minute decides nothing between learners. For that there is a record.
#
# ## The whole family, by one rule
#
# `python -m benchmarks.family` trains every learner of the course **from scratch**, with the same network (Conv4, 32 channels) and the same core-seconds.
# What a learner saves on a step it spends on more of them. Three candidates each are tried on validation; the best one, after its
# best number of inner steps, is tested on 500 tasks, the same for all.

# %%
import json
from pathlib import Path

import maml_edu

file = Path(maml_edu.__file__).parents[1] / "results" / "family.json"
record = json.loads(file.read_text("utf-8"))
rows = [row for row in record["rows"] if "by_inner_step" in row]  # without those that diverged
settings = list(dict.fromkeys(row["setting"] for row in rows))
for setting in settings:
    its = [row for row in rows if row["setting"] == setting]
    n = {what: len({row[what] for row in its}) for what in ("learner", "seed", "budget")}
    print(f"{setting}: {n['learner']} learners, {n['budget']} budgets, {n['seed']} seeds")

# %% [markdown]
# Who leads after four core-seconds, and does the order change with more? Write down your top three, then **scrub the budget**. Dots are
# seeds, the line is their mean; "from" is the learner's own accuracy before adapting.

# %%
my_top_three = ["maml", "protonet", "pretrain"]  # yours


def of(row, step):
    scale = 1 if row["setting"] == "sines" else 100
    return scale * row["by_inner_step"][step]["mean"]


def by_budget(setting, learner, budgets, step=None):
    its = [r for r in rows if (r["setting"], r["learner"]) == (setting, learner)]
    seeds = sorted({row["seed"] for row in its})
    made = np.full((len(seeds), len(budgets)), np.nan)
    for row in its:
        value = of(row, row["inner_steps"] if step is None else step)
        made[seeds.index(row["seed"]), budgets.index(row["budget"])] = value
    return made


# %%
GROUPS = {
    "a gradient in the inner loop": ("maml", "maml++", "meta-sgd", "fomaml", "anil", "imaml"),
    "and others": ("protonet", "matching", "protomaml", "reptile", "pretrain", "joint"),
}


def family(setting):
    its = [row for row in rows if row["setting"] == setting]
    there, budgets = {r["learner"] for r in its}, sorted({r["budget"] for r in its})
    panels = {
        title: {name: by_budget(setting, name, budgets) for name in group if name in there}
        for title, group in GROUPS.items()
    }
    starts = {name: by_budget(setting, name, budgets, step=0) for name in there}
    measure = "mean squared error" if setting == "sines" else "accuracy (%)"
    filled = {title: group for title, group in panels.items() if group}
    return BudgetTrace(setting, np.array(budgets), filled, starts, measure)


explore(family, setting=Choice("tasks", settings))

# %% [markdown]
# Now the longest budget in numbers. **Gain** is paired by task: how much better than its own start, before any inner step. A learner
# whose gain is not above zero has not adapted, or its rates are wrong: then this would not be a comparison.

# %%
first = "5-way 1-shot" if "5-way 1-shot" in settings else settings[0]
longest = max(row["budget"] for row in rows if row["setting"] == first)
last_rows = [r for r in rows if (r["setting"], r["budget"]) == (first, longest)]
last_rows.sort(key=lambda row: -of(row, row["inner_steps"]))


def figures(row):
    at, gain = row["by_inner_step"][row["inner_steps"]], row["gain"]
    both = [f"{100 * one['mean']:.1f} ± {100 * one['half_width']:.1f}" for one in (at, gain)]
    return [row["learner"], str(row["seed"]), f"{row['steps']:,}", str(row["inner_steps"]), *both]


heads = ["learner", "seed", "meta-steps", "inner steps at test", "accuracy", "gain"]
html_table(f"{first}, {longest:g} core-seconds: %", heads, [figures(row) for row in last_rows])

# %% jupyter={"source_hidden": true}
# No learner ends below its own start.
assert all(row["gain"]["mean"] > -row["gain"]["half_width"] for row in last_rows)

# %% [markdown]
# ## What the papers report
#
# Beside ours stand the authors' own figures, each under its own protocol. **A core-minute is not 60,000 iterations.** Where ours lies below, the budget is
# the cause that we can test: does the learner still gain when its time is multiplied? The last column shows it, seed by seed
# over the shortest budget.

# %%
papers = record["papers"]["rows"]
shortest = min(row["budget"] for row in rows if row["setting"] == first)


def beside_paper(row):
    its = papers.get(row["learner"], {})
    same = [r for r in rows if r["setting"] == first and r["budget"] == shortest < longest]
    before = [r for r in same if (r["learner"], r["seed"]) == (row["learner"], row["seed"])]
    more = [f"{of(row, row['inner_steps']) - of(r, r['inner_steps']):+.1f}" for r in before]
    cells = [its.get(first, "–"), its.get("protocol", "–"), its.get("source", "–")]
    return [row["learner"], figures(row)[4], *cells, *(more or ["–"])]


heads = [
    "learner",
    "measured here",
    "reported",
    "protocol",
    "source",
    f"more than at {shortest:g} s",
]
html_table(f"{first}: %", heads, [beside_paper(row) for row in last_rows])

# %% [markdown]
# Two papers asked this lesson's question.
#
# - **Chen et al. (2019, arXiv 1904.04232)** trained baselines with the care that papers give to their own method. *Reported*, 5-way 5-shot,
#   ResNet-18: on mini-ImageNet the pre-trained baseline reaches 74.3 ± .6, ProtoNet 73.7 ± .7. Tested on birds (CUB) instead, the baseline has 65.6 ± .7,
#   ProtoNet 62.0 ± .7, Matching Networks 53.1 ± .7. With a deep network and far from home, pre-training won.
# - **Raghu et al. (2020, arXiv 1909.09157)** froze the body in MAML's inner loop: ANIL. *Reported*, 20-way Omniglot: 96.2 ± .5 and 98.0 ± .3 with 1 and 5 shots.
#   They conclude that features are reused. Lesson 12 shows when that holds, and when the body learns the task.
#
# What we measured differs from Chen et al. in data and scale: hundreds of classes of 20 drawings, a small network, seconds. *Our guess*, which nothing here tests:
# with few drawings a class and little time, a classifier of hundreds of classes learns slowly, while tasks of five ask easier questions.

# %% [markdown]
# ## When not to use MAML
#
# - **You have classes, and new tasks look like the old ones.** Try a prototypical network first: no second derivatives, any number of ways, one pass to adapt.
# - **You have a strong pre-trained network.** Give it a new head first. That is the figure to beat.
# - **You have one task with plenty of data.** Train on it. Meta-learning needs *many* tasks (lesson 16).
# - **You cannot tune.** Compare the rows of the new head's table above: a few times the right rate is costly. ProtoNet has no inner rate.
#
# And when to use it: there are no classes to average (waves, control, ratings: parts 0 and 2); tasks differ in more than a head can mend
# (look at the negative above: who is ahead there, and who at home?); or the start itself is what you are after.
#
# Which exercises of this lesson have you solved?

# %%
exercises.progress("15")

# %% [markdown]
# ## Recap
#
# - The baselines: nearest neighbour, on pixels and on features; a pre-trained body with a new head. Leave none out.
# - Rates and inner steps are chosen on validation tasks. What is chosen on test tasks is luck, reported.
# - Compare on the same tasks, in pairs; and over seeds. An interval over tasks says nothing about another training.
# - The same time for everyone is a fair rule, and only one of several: more time may change the order.
#
# ## What to try
#
# - Give pre-training five times as long (`steps=1500`). Where does the nearest neighbour on its features end?
# - Let the body move while fine-tuning: `inner_lr=0.1` in `tuned`. In which world does that pay?
# - Add rows to the record: `python -m benchmarks.family --learners protonet --seeds 5`.
#
# **Next:** [draw your own characters](18_draw_your_own.ipynb).
