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
# # 17 · The Omniglot challenge
#
# **You will be able to**
# - take the test that the authors of Omniglot gave to people, and give it to your networks;
# - say why a network that is right in 98 of 100 few-shot tasks can fail this one;
# - find out what a network has seen before, and put an interval on an error whose trials are not independent.
#
# You have met all the methods: this lesson is about measuring. About 45 minutes.

# %%
import json
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import HTML

import maml_edu
from maml_edu import exercises
from maml_edu.evaluate import Estimate
from maml_edu.runs import checkpoint
from maml_edu.tasks import AlphabetTasks, OmniglotTasks
from maml_edu.tasks.augment import Hand, warp
from maml_edu.tasks.challenge import lake_tasks
from maml_edu.tasks.data import load_drawings
from maml_edu.views import plots, traces
from maml_edu.views.scenes import Gallery, ImageGrid
from maml_edu.views.widgets import Choice, Player, Quiz, Slider, explore

torch.set_num_threads(1)
generator = torch.Generator().manual_seed(17)

# %% [markdown]
# ## The test
#
# Lake, Salakhutdinov & Tenenbaum (2015, *Science* 350) made Omniglot for one question: can a machine learn a new
# character from one drawing, as people do? Their test has three rules that the tasks of lessons 10 to 16 do not have:
#
# 1. All 20 characters of a task are of **one alphabet**.
# 2. One person drew the 20 drawings of the support set; **another person** drew the 20 queries.
# 3. Thirty *background* alphabets are for learning. The alphabets of the test are **never trained on**, in any way.
#
# The test is 20 such tasks, which they call *runs*: 400 questions. Which 20? Their repository has the drawings; we
# looked for each of them among Omniglot's, and the course keeps the list. So you get the very questions that people got
# in 2015.

# %%
drawings = load_drawings()
test = AlphabetTasks("test", way=20, source=drawings)
if drawings.omniglot:
    runs = lake_tasks(drawings)
else:  # alphabets are scripts, and the runs are drawn by the same rules
    runs = test.sample(20, generator=torch.Generator().manual_seed(0))
print(f"{drawings.source}\n{len(runs.query_y)} runs of {runs.query_y.shape[1]} questions")


# %% [markdown]
# Here is one run. Above is the support set, with the numbers 1 to 20. Below are the queries, in the same order. Look at
# the two hands: size, slant, how the strokes end.

# %%
def part(title, images, captions):
    return ImageGrid(title, images[:, 0].numpy(), tuple(map(str, captions)), columns=10)


def gallery(title, *parts):
    return Player(Gallery(title, parts, f"{title}: " + "; ".join(p.title for p in parts)))


numbers = range(1, 21)
gallery(
    "One run",
    part("one person's drawing of each character", runs.support_x[6], numbers),
    part("another person's", runs.query_x[6], numbers),
)

# %% [markdown]
# ## You first
#
# One question from each of the 20 runs, in two rounds of ten. Which of the 20 candidates is the same character as the
# query? Do not hurry. People who were paid for it erred in 4.5% of their answers.

# %%
asked = traces.quiz(runs, generator=generator)
quiz = Quiz(asked)
quiz

# %% [markdown]
# Run this when you have played. The interval is Wilson's. After 20 answers it is wide: even without a mistake your
# error may be anywhere up to 16%.

# %%
score = quiz.score
low, high = score.interval
print(f"{score}\nyour error: {1 - high:.0%} to {1 - low:.0%}; people's, in the paper: 4.5%")

# %% [markdown]
# ## Your networks next
#
# *Predict, before you run on.* Three contestants answer all 400 questions:
#
# - **pixels**: the support drawing with the smallest squared distance;
# - **lesson 11's 20-way network**, which does well in *its own* 20-way 1-shot tasks (below);
# - **the challenge network**: a prototypical network (lesson 14) that saw background alphabets only.
#
# Write down three errors. By chance it is 95%.

# %%
my_prediction = {"pixels": None, "lesson 11": None, "challenge": None}  # percent; your numbers
NAMES = {
    "lesson 11": "omniglot-anil-maml-conv4-20way-1shot",
    "challenge": "challenge-protonet-grid4-60way-1shot",
}

# %% [markdown]
# Lesson 11's network does well at home, by its own record (transductive, test characters):

# %%
at_home = checkpoint.load(NAMES["lesson 11"]).metadata["figures"]["by_inner_step"][-1]
print(f"lesson 11, its own 20-way 1-shot tasks: {at_home['mean']:.1%} right")

# %% [markdown]
# All networks answer under the **support-only** protocol (lesson 11): batch-norm takes its statistics from the support
# set, so each query is answered by itself, as people had to.

# %%
contestants = {}
for name, file in NAMES.items():
    made = checkpoint.load(file)
    way = {"way": 20} if hasattr(made.learner, "way") else {}
    contestants[name] = replace(made.learner, protocol="support-only", **way), made.theta


# %%
@torch.no_grad()
def logits_of(name, task):  # (queries, way)
    if name == "pixels":
        return -torch.cdist(task.query_x.flatten(1), task.support_x.flatten(1))
    learner, theta = contestants[name]
    if hasattr(learner, "way"):
        learner = replace(learner, way=len(task.support_y))
    adapted = learner.adapt(theta, task.support, inner_steps=3)[-1]
    return learner.predict(adapted, task.query_x, task.support_x)


def mistakes(name, batch):  # (tasks, queries), 1 where wrong
    tasks = [batch.task(i) for i in range(len(batch.query_y))]
    answers = torch.stack([logits_of(name, task).argmax(1) for task in tasks])
    return (answers != batch.query_y).float()


# %% [markdown]
# The answers:

# %%
wrong = {name: mistakes(name, runs) for name in ("pixels", *contestants)}
for name, each in wrong.items():
    said = f"you said {my_prediction[name]}"
    print(f"{name:>10}: {each.sum():.0f} of {each.numel()} wrong, {each.mean():.1%}; {said}")
assert all(wrong[name].mean() < wrong["pixels"].mean() for name in contestants)


# %% [markdown]
# ## How sure is that?
#
# 400 answers look like many. The usual interval for a share (lesson 10) takes them for 400 *independent* ones. They are
# not: a run shares its two drawers and its alphabet, and the two runs of an alphabet have the same 20 characters. Count
# the mistakes by alphabet:

# %%
def alphabet_of(batch):  # (tasks,), the alphabet of each run
    first = batch.info["character"][:, 0].tolist()
    return [drawings.alphabets[i] for i in first]


names = alphabet_of(runs)
group = torch.tensor([sorted(set(names)).index(name) for name in names])
for i, name in enumerate(sorted(set(names))):
    here = {who: wrong[who][group == i] for who in contestants}
    counts = (f"{who} {each.sum():2.0f} of {each.numel()}" for who, each in here.items())
    print(f"{name:>32}: " + ", ".join(counts))


# %% [markdown]
# Hard alphabets are hard for both. So the sample is not 400 answers but ten alphabets: take the mean error in each, and
# the interval of *their* mean. With so few, 1.96 is too short; Student's $t$ with 9 degrees of freedom is 2.26.
#
# ### Exercise 17.1: an interval for runs
#
# `wrong` is (runs, trials), 1 where an answer is wrong; `alphabet` (runs,) numbers the alphabet of each run. Return the
# error, and half of its interval: `t` standard errors of the mean over alphabets.
#
# <details><summary>Hint</summary>One number an alphabet: <code>wrong[alphabet == a].mean()</code>. The standard error of the mean of n
# numbers is their <code>std()</code> over the root of n.</details>

# %% tags=["exercise"]
def my_interval(wrong, alphabet, t):
    # your lines: return two numbers, the error and half of its interval
    ...


exercises.check_interval_by_alphabet(my_interval)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def interval(wrong, alphabet, t):
    means = torch.stack([wrong[alphabet == a].mean() for a in alphabet.unique()])
    return wrong.mean().item(), (t * means.std() / len(means) ** 0.5).item()


### END SOLUTION
assert exercises.check_interval_by_alphabet(interval)

# %% [markdown]
# Now the figures with their intervals, beside people's and the published ones. **Measured here**: by the cells above,
# just now. **Reported**: by the papers named (Lake et al. 2019, arXiv 1902.03477, is their review after three years).
# Those models differ in what they were given: BPL saw strokes, some networks warped or turned drawings as ours did.

# %%
file = Path(maml_edu.__file__).parents[1] / "results" / "challenge.json"
record = json.loads(file.read_text("utf-8"))
t = {10: 2.26}.get(len(group.unique()), 3.18)  # ten alphabets; on the stand-in there are four
rows = {f"{name} (measured here)": interval(wrong[name], group, t) for name in wrong}
if drawings.omniglot:  # what others report is of Omniglot
    for row in record["reported"]:
        rows[f"{row['name']} (reported: {row['source']})"] = row["error"], None


# %%
def html_row(name):
    error, half = rows[name]
    figure = f"{100 * error:.1f}" + (f" ± {100 * half:.1f}" if half is not None else "")
    return f'<tr><th scope="row">{name}</th><td>{figure}</td></tr>'


HTML(f"""<table><caption>Error in % of 400 trials, ± half of the 95% interval over alphabets
</caption><thead><tr><th scope="col">who</th><th scope="col">error</th></tr></thead>
<tbody>{"".join(map(html_row, sorted(rows, key=lambda name: rows[name][0])))}</tbody></table>""")

# %% [markdown]
# The interval over alphabets is what a *new* set of ten alphabets might have given. Compare two contestants on the same
# runs by their difference, alphabet by alphabet: what both find hard then drops out.

# %%
gain, half = interval(wrong["lesson 11"] - wrong["challenge"], group, t)
print(f"lesson 11's network errs more often than the challenge network by {gain:.1%} ± {half:.1%}")


# %% [markdown]
# ## Are these runs typical?
#
# The authors chose the 20 characters of each run and its two drawers. *Predict:* is a run easier or harder if we draw
# those at random? Two changes, one at a time, in the same alphabets: first other drawers for the same characters, then
# other characters as well.

# %%
def redrawn(batch, generator):  # the same characters, two other drawers a run
    drawer = torch.rand(len(batch.query_y), 1, 20, generator=generator).topk(2).indices
    x = drawings.images[batch.info["character"][..., None], drawer] / 255  # (runs, way, 2, 28, 28)
    return batch._replace(support_x=x[:, :, :1], query_x=x[:, :, 1:])


def same_alphabets(n):  # at random, but of the alphabets of the runs
    batch = test.sample(n, generator=generator)
    keep = torch.tensor([name in names for name in alphabet_of(batch)])
    return batch._replace(
        support_x=batch.support_x[keep], query_x=batch.query_x[keep],
        support_y=batch.support_y[keep], query_y=batch.query_y[keep], info={},
    )  # fmt: skip


# %%
draws = [mistakes("challenge", redrawn(runs, generator)).mean() for _ in range(10)]
at_random = mistakes("challenge", same_alphabets(300)).mean()
print(f"the runs themselves {wrong['challenge'].mean():.1%}")
print(f"other drawers, ten times: from {min(draws):.1%} to {max(draws):.1%}")
print(f"other characters, too: {at_random:.1%}")
if drawings.omniglot:
    assert wrong["challenge"].mean() < min(sum(draws) / len(draws), at_random)


# %% [markdown]
# On Omniglot the runs themselves come out as the easiest. So 4.5% is people's error on *these* runs, and only errors on
# these compare with it. A paper that draws runs of its own, "20-way within an alphabet", reports on another test.
#
# ## Who has seen what?
#
# One contestant had an unfair start. OmniglotTasks, which lesson 11's network was trained on, splits *characters* at
# random, whatever their alphabet, as the MAML paper does. So it was trained on characters of the evaluation alphabets,
# and some of the 200 characters of this test are among those.
#
# ### Exercise 17.2: find the leak
#
# Given the characters that a network was trained on, those that it is tested on, and the names of all
# ("Greek/character07"), return two shares: of the tested characters that were trained on; and of the tested ones whose
# *alphabet* was (any character of it).

# %% tags=["exercise"]
def my_leaks(trained_on, tested_on, names):
    # your lines: return two numbers from 0 to 1
    ...


exercises.check_leaks(my_leaks)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def leaks(trained_on, tested_on, names):
    alphabet = [name.split("/")[0] for name in names]
    known = {alphabet[i] for i in trained_on.tolist()}
    seen = torch.isin(tested_on, trained_on).double().mean().item()
    return seen, sum(alphabet[i] in known for i in tested_on.tolist()) / len(tested_on)


### END SOLUTION
assert exercises.check_leaks(leaks)

# %% [markdown]
# What had each network seen? (The networks were trained on Omniglot. On the stand-in this counts what such splits do
# there.)

# %%
tested = runs.info["character"].unique()
learned = {
    "lesson 11": OmniglotTasks("train", source=drawings).characters,
    "challenge": AlphabetTasks("train", source=drawings).characters,
}
for name, trained_on in learned.items():
    seen, known = leaks(trained_on, tested, drawings.names)
    print(f"{name:>10}: trained on {seen:.0%} of the characters; knew the alphabet of {known:.0%}")
assert leaks(learned["challenge"], tested, drawings.names) == (0, 0)

# %% [markdown]
# So lesson 11's error above is *flattered*: it had been trained on most of the characters that it is asked about.
# Here are its mistakes on those, and on the others:

# %%
seen = torch.isin(runs.info["character"], learned["lesson 11"])  # (runs, queries)
for what, which in {"trained on": seen, "new to it": ~seen}.items():
    print(f"lesson 11, {what}: {wrong['lesson 11'][which].mean():.1%} of {which.sum()} wrong")
    print(f"challenge, the same:  {wrong['challenge'][which].mean():.1%}")


# %% [markdown]
# The second leak is quieter. The support set and the queries must come from *different* people. If one person drew
# both, style would help to find the answer. Every character was drawn once by each drawer, so in Omniglot it would even
# be the same drawing.
#
# ### Exercise 17.3: a run of the challenge
#
# Draw a run: an alphabet, at random among those with at least `way` characters; `way` of its characters; and two
# different drawers, 0 to 19. `alphabets[i]` is the alphabet of character `i`. Return the characters, the support set's
# drawer and the queries' drawer.
#
# <details><summary>Hint</summary><code>torch.randperm(n, generator=generator)</code> puts n things in random order; its first k are k
# different ones. <code>collections.Counter(alphabets)</code> counts.</details>

# %% tags=["exercise"]
def my_run(alphabets, way, generator):
    # your lines: return characters (way,), support_drawer, query_drawer
    ...


exercises.check_draw_run(my_run)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def draw_run(alphabets, way, generator):
    enough = sorted({name for name in alphabets if alphabets.count(name) >= way})
    name = enough[torch.randint(len(enough), (), generator=generator)]
    own = torch.tensor([i for i, alphabet in enumerate(alphabets) if alphabet == name])
    chosen = own[torch.randperm(len(own), generator=generator)[:way]]
    support, query = torch.randperm(20, generator=generator)[:2].tolist()
    return chosen, support, query


### END SOLUTION
assert exercises.check_draw_run(draw_run)


# %% [markdown]
# ## Which mistakes?
#
# Below are mistakes of the challenge network: the query, the drawing that it took it for, and the right one. *Which of
# them would you have made, too?*

# %%
def confusions(name):  # (run, query, answer) of each mistake
    for i in range(len(runs.query_y)):
        for q, answer in enumerate(logits_of(name, runs.task(i)).argmax(1).tolist()):
            if answer != q:  # queries are in the order of their labels
                yield i, q, answer


def show_mistakes(who, found, most=10):
    found = found[:: max(1, len(found) // most)][:most]
    asked, support = runs.query_x, runs.support_x
    triples = [(asked[i, q], support[i, a], support[i, q]) for i, q, a in found]
    columns = [torch.stack(drawn) for drawn in zip(*triples, strict=True)]
    titles = "the query", f"what {who} took it for", "the right one"
    captions = range(1, len(found) + 1)
    parts = [part(title, x, captions) for title, x in zip(titles, columns, strict=True)]
    return gallery(f"Mistakes of {who}", *parts)


show_mistakes("the challenge network", list(confusions("challenge")))

# %% [markdown]
# And those of the pixels. They ask where ink lies on ink, and answer accordingly:

# %%
show_mistakes("the pixels", list(confusions("pixels")))

# %% [markdown]
# And yours? (Nothing is shown if you made none, or have not played.)

# %%
truth = asked.answer.tolist()
yours = [(i, truth[i], a) for i, a in enumerate(quiz.answers) if a != truth[i]]
show_mistakes("you", yours) if yours else "no mistakes of yours to show"

# %% [markdown]
# ## Why other tasks hide this
#
# The tasks of lessons 10 to 16 mix characters of many alphabets, and each drawing is by anybody. *Predict:* what is the
# error of the **same** challenge network on 20-way 1-shot tasks like those, of the very same test alphabets?

# %%
mixed = AlphabetTasks("test", way=20, mixed=True, source=drawings)
errors = {}
for kind, source in {"within an alphabet": test, "mixed": mixed}.items():
    batch = source.sample(40, generator=torch.Generator().manual_seed(1))
    errors[kind] = {who: Estimate.of(100 * mistakes(who, batch).mean(1)) for who in contestants}
    told = (f"{who} {e.mean:.1f} ± {e.half_width:.1f}%" for who, e in errors[kind].items())
    print(f"{kind:>20}: " + ", ".join(told))
for who in contestants:
    within, across = (errors[kind][who] for kind in errors)
    assert within.mean - within.half_width > across.mean

# %% [markdown]
# The networks and the number of candidates are the same. On mixed tasks (of Omniglot) the two can hardly be told apart;
# within an alphabet their errors are two to four times as large, and now they differ. Our guess: characters
# of different alphabets differ in dots, loops, wedges, which every network sees; within an alphabet the candidates share
# those. Choose the tasks before you believe the accuracy.
#
# How does it grow with the number of candidates? Here are both kinds of task for 2 to 20 ways:

# %%
ways = np.array([2, 3, 5, 8, 12, 16, 20])
curves = {"within an alphabet": [], "mixed": []}
for kind, points in curves.items():
    for way in ways.tolist():
        source = AlphabetTasks("test", way, mixed=kind == "mixed", source=drawings)
        batch = source.sample(1000 // way, generator=torch.Generator().manual_seed(way))
        found = Estimate.of(100 * mistakes("challenge", batch).mean(1))
        points.append((found.mean, found.half_width))
assert curves["within an alphabet"][-1][0] > curves["mixed"][-1][0] > curves["mixed"][0][0]

# %%
figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for kind, style in (("within an alphabet", "o-"), ("mixed", "s--")):
    mean, half = np.array(curves[kind]).T
    ax.errorbar(ways, mean, half, fmt=style, capsize=3, label=kind)
ax.set(xlabel="candidates (ways)", ylabel="error in %", xticks=ways, ylim=(0, None))
ax.legend()
plots.show(figure, "Error grows with the ways, faster within an alphabet than in mixed tasks.")


# %% [markdown]
# ### Move it
#
# Look at single tasks. Choose the ways and the kind of task; the last slider takes another one. Under each query stands
# its number, and if the network was wrong, what it said. When do mistakes begin?

# %%
def look(way, kind, number):
    source = AlphabetTasks("test", way, mixed=kind == "mixed", source=drawings)
    task = source.sample(1, generator=torch.Generator().manual_seed(number)).task(0)
    answers = logits_of("challenge", task).argmax(1).tolist()
    under = [f"{q + 1}" if a == q else f"{q + 1}: said {a + 1}" for q, a in enumerate(answers)]
    n_wrong = sum(a != q for q, a in enumerate(answers))
    parts = part("support", task.support_x, range(1, way + 1)), part("queries", task.query_x, under)
    said = f"{n_wrong} of {way} wrong"
    return Gallery(said, parts, f"A {way}-way task, {kind}: {said}.")


explore(
    look,
    way=Slider("ways", 2, 20, value=20),
    kind=Choice("characters", ["of one alphabet", "mixed"]),
    number=Slider("which task", 0, 100, value=3),
)

# %% [markdown]
# ## Looking more than once
#
# One drawing is little to go on. But we know some changes that leave a character what it is: a small turn, slant,
# stretch or shift. So warp each drawing several times, and take the **mean of the features**. No label and no other
# query is used, so this is honest. It costs time only. *Predict:* does the error fall, and by how much, with 8 views?

# %%
hand = Hand(turn=0.12, slant=0.1, stretch=0.08, shift=1.0, bend=0.0)


@torch.no_grad()
def logits_by_views(task, views):
    learner, theta = contestants["challenge"]
    drawn, n = torch.cat([task.support_x, task.query_x])[:, 0], len(task.support_x)
    hands = [torch.Generator().manual_seed(view) for view in range(1, views)]
    shown = [x[:, None] for x in (drawn, *(warp(drawn, one, hand) for one in hands))]
    support = torch.stack([learner.model(theta, x[:n]) for x in shown]).mean(0)
    query = torch.stack([learner.model(theta, x[n:], x[:n]) for x in shown]).mean(0)
    return learner.compare(query, {**theta, **learner.remember(support, task.support_y)})


by_views, tasks = {}, [runs.task(i) for i in range(len(runs.query_y))]
for views in (1, 2, 4, 8):
    answers = torch.stack([logits_by_views(task, views).argmax(1) for task in tasks])
    by_views[views] = (answers != runs.query_y).float()
    print(f"{views} views: {by_views[views].mean():.1%}")
assert torch.equal(by_views[1], wrong["challenge"])

# %% [markdown]
# Is the last better than the first, or is that chance? Paired, over alphabets:

# %%
gain, half = interval(by_views[1] - by_views[8], group, t)
print(f"8 views err less often by {gain:.1%} ± {half:.1%}")


# %% [markdown]
# What you may *not* do: choose the number of views, or of training steps, by this test. The test would have taught you
# something, and its error would be flattered again. Four background alphabets are for that
# (`AlphabetTasks("validation")`).
#
# ## The record
#
# What trainings reached, on Lake's runs and on random runs of all twenty evaluation alphabets:
# `python -m benchmarks.challenge` trained and measured these.

# %%
def recorded_row(row):
    both = row["lake"], row["more"]
    cells = [f"{100 * on['error']:.1f} ± {100 * on['half_width']:.1f}" for on in both]
    cells.append(f"{row['cpu_minutes']:.0f}")
    return f'<tr><th scope="row">{row["name"]}</th><td>{"</td><td>".join(cells)}</td></tr>'


heads = "network", "Lake's 20 runs", f"{record['more_runs']} random runs", "core-minutes"
HTML(f"""<table><caption>Error in %, ± half of the 95% interval over alphabets</caption>
<thead><tr>{"".join(f'<th scope="col">{head}</th>' for head in heads)}</tr></thead>
<tbody>{"".join(map(recorded_row, record["rows"]))}</tbody></table>""")

# %% [markdown]
# No network of ours is below people's 4.5% yet. If one is some day, it still does not see what people see. Lake et al. asked for more
# with the same knowledge: draw new examples of the character, say which strokes it has, invent characters for the
# alphabet. BPL does all of these; a network that answers this quiz does none.

# %%
exercises.progress("17")

# %% [markdown]
# ## Recap
#
# - Tasks within an alphabet, by two drawers, on new alphabets are harder than mixed ones, for the same network. Which runs, counts too.
# - Ask what a network has seen: a split by character leaves no alphabet new.
# - Trials that share drawers and characters are not independent. The sample is the alphabets.
# - Compare two contestants on the same runs, by their difference.
#
# ## What to try
#
# - Take the quiz again with mixed tasks: `traces.quiz(mixed.sample(20), generator=generator)`. Is your error smaller, too?
# - Give the challenge network the *transductive* protocol. What does it gain, and is that still the test that people took?
# - `python -m maml_edu train challenge --learner maml`: how far does MAML get in the same minutes?
#
# **Next:** [draw your own characters](18_draw_your_own.ipynb).
