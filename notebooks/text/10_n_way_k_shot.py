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
# # 10 · N-way K-shot
#
# **You will be able to**
# - build a task out of pictures yourself: which characters, which drawings, which labels;
# - split a data set by class, and say why a split by drawing is none;
# - find the three leaks that make few-shot results look better than they are.
#
# And you will know how good *you* are at it. About 45 minutes.

# %%
from dataclasses import replace

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from maml_edu import exercises
from maml_edu.evaluate import Estimate
from maml_edu.runs import checkpoint
from maml_edu.tasks import OmniglotTasks
from maml_edu.views import traces
from maml_edu.views.scenes import Gallery, ImageGrid
from maml_edu.views.widgets import Player, Quiz, Slider, Toggle, explore

torch.set_num_threads(1)

# %% [markdown]
# ## From waves to letters
#
# From here on a task asks "which of these characters is it?". The data is **Omniglot** (Lake et al. 2015): 1623
# characters of 50 alphabets, each drawn once by 20 people. It is fetched once and kept. Where that cannot be done, letters
# of a font in made-up hands stand in; all works on them too, but no figure from them is Omniglot's. **You have:**

# %%
tasks = OmniglotTasks("train", way=5)
print(tasks.source)

# %% [markdown]
# All drawings together are one tensor: (characters, drawings, height, width), one byte a pixel, 255 for ink. Here is a
# page of it, an alphabet, each letter in the hand of the first person who drew it:

# %%
images, alphabets = tasks.drawings.images, tasks.drawings.alphabets
print(f"{len(set(alphabets))} alphabets; images: {tuple(images.shape)}, {images.dtype}")


def page(title, drawings, columns):
    numbers = tuple(str(i + 1) for i in range(len(drawings)))
    part = ImageGrid("", drawings.numpy() / 255, numbers, columns=columns)
    return Player(Gallery(title, (part,), f"{title}: {len(drawings)} drawings."))


greek = [i for i, alphabet in enumerate(alphabets) if alphabet == "Greek"]
page("Greek letters", images[greek, 0], columns=12)

# %% [markdown]
# And here is one character, as all twenty drew it. Look at how much varies: size, place, slant, the number
# and the shape of strokes. A learner that has seen *one* of these is asked to know the other nineteen.

# %%
page("One character, twenty hands", images[greek[2]], columns=10)

# %% [markdown]
# ## One task, by hand
#
# An **N-way K-shot** task, or episode: draw N characters, and of each K drawings for the support set, and some others for
# the query set. (That is lesson 01's *way* and *shot*. The recipe is Vinyals et al. 2016, section 4.1.) It begins with
# indices alone. First, which characters?

# %%
way, shots, queries = 5, 1, 3
generator = torch.Generator().manual_seed(7)
order = torch.randperm(len(tasks.characters), generator=generator)
characters = tasks.characters[order[:way]]  # its place in this list is its label
print(characters.tolist())

# %% [markdown]
# Then, which drawings of each? Draw `shots + queries` different ones, and cut: so none can be on both sides.

# %%
drawn = torch.rand(way, 20, generator=generator).argsort(1)[:, : shots + queries]
x = images[characters[:, None], drawn]  # (way, shots + queries, 28, 28)
support_x, query_x = x[:, :shots].flatten(0, 1), x[:, shots:].flatten(0, 1)
support_y = torch.arange(way).repeat_interleave(shots)
query_y = torch.arange(way).repeat_interleave(queries)


# %% [markdown]
# The labels are 0 to 4, *in this task*. Label 2 is no character, any more than "the third from the left" is a person. In
# the next task it will be another one. Both sets, with their labels:

# %%
def gallery(title, support, query, way):
    def part(name, x, y):  # row by row, so that each column is a character
        by_label = y.argsort(stable=True).view(way, -1).T.flatten()
        captions = [str(label) for label in y[by_label].tolist()]
        return ImageGrid(name, x[by_label].numpy(), tuple(captions), columns=way)

    parts = part("support", *support), part("query", *query)
    return Gallery(title, parts, f"{title}: {way} characters, support above query.")


shown = (support_x / 255, support_y), (query_x / 255, query_y)
Player(gallery("A 5-way 1-shot task", *shown, way))

# %% [markdown]
# `tasks.sample` does the same for many tasks at once. It says in `info` what it drew, so you can do it again by
# hand, and must find the very same pictures. (A *rotation*, in quarter turns, is explained below.)

# %%
batch = tasks.sample(500, shots=1, queries=3, generator=generator)
task = batch.task(0)
for label in range(5):
    character, turns = task.info["character"][label], task.info["rotation"][label]
    own = images[character, task.info["drawing"][label]] / 255
    own = own.rot90(int(turns), (-2, -1))
    assert torch.equal(own[:1], task.support_x[task.support_y == label, 0])
    assert torch.equal(own[1:], task.query_x[task.query_y == label, 0])

# %% [markdown]
# What a sound task promises, over all 500: **no character twice** in a task, **no drawing shared** by support and query, and
# **labels dealt anew**: a character that comes often
# has had several.

# %%
character, drawing = batch.info["character"], batch.info["drawing"]
assert (character.sort(1).values.diff(dim=1) > 0).all()
assert (drawing.sort(2).values.diff(dim=2) > 0).all()
often = character.flatten().mode().values
print("labels of one character:", (character == often).nonzero()[:, 1].tolist())
assert len(set((character == often).nonzero()[:, 1].tolist())) > 1


# %% [markdown]
# ### Exercise 10.1: draw a task
#
# Write it as one function. `images` is (all characters, drawings, height, width); `characters` are the indices you may
# use. Return `(support_x, support_y), (query_x, query_y)` with x of shape (way · shots or queries, height, width).
#
# <details><summary>Hint</summary>
#
# You have all the lines above. Which of them draw something, and do they draw it with `generator`? Does anything depend on
# there being 20 drawings?
#
# </details>

# %% tags=["exercise"]
def draw_episode(images, characters, way, shots, queries, generator):
    # your lines: return (support_x, support_y), (query_x, query_y)
    ...


exercises.check_draw_episode(draw_episode)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def draw_episode_solution(images, characters, way, shots, queries, generator):
    order = torch.randperm(len(characters), generator=generator)
    chosen = characters[order[:way]]
    of_each = torch.rand(way, images.shape[1], generator=generator).argsort(1)
    x = images[chosen[:, None], of_each[:, : shots + queries]]
    y = torch.arange(way)[:, None].expand(way, shots + queries)
    cuts = slice(None, shots), slice(shots, None)
    return tuple((x[:, cut].flatten(0, 1), y[:, cut].flatten()) for cut in cuts)


### END SOLUTION
assert exercises.check_draw_episode(draw_episode_solution)


# %% [markdown]
# ## Move it
#
# Way, shots, and whether characters are turned; `episode` deals a new one. Each column is one character, support above
# query. Before you look at the queries' labels: with 20 ways and 1 shot, could you tell? Which pairs would you mix up?

# %%
def episode(way, shots, rotations, episode):
    source = OmniglotTasks("train", way, rotations=rotations)
    seeded = torch.Generator().manual_seed(episode)
    one = source.sample(1, shots=shots, queries=2, generator=seeded).task(0)
    sets = (one.support_x[:, 0], one.support_y), (one.query_x[:, 0], one.query_y)
    return gallery(f"A {way}-way {shots}-shot task", *sets, way)


explore(
    episode,
    way=Slider("way", 2, 20, value=5),
    shots=Slider("shots", 1, 10, value=2),
    rotations=Toggle("rotations"),
    episode=Slider("episode", 1, 50, value=1),
)

# %% [markdown]
# ## Split by class
#
# A learner is judged on characters that it has *never* met. So the split deals out characters, each with all its
# drawings: to meta-training, to validation (for choosing settings), and to testing. The paper turned every
# meta-training character by 90, 180 and 270 degrees and counted each as one more class. Turned or not, it stays on its side.
#
# (Support and query are another matter. A training task has both, and meta-training learns from both. What is held
# out is not the query set, it is *characters*.)

# %%
splits = {name: OmniglotTasks(name) for name in ("train", "validation", "test")}
for name, split in splits.items():
    print(f"{name:>10}: {len(split.characters)} characters, {split.n_classes} classes")
if tasks.drawings.omniglot:
    assert [len(split.characters) for split in splits.values()] == [1100, 100, 423]

# %% [markdown]
# Claims about a split are checked on what comes out of it. 2000 tasks from either side, the test characters turned as
# well: does any character, in any rotation, come on both?

# %%
turned = OmniglotTasks("test", rotations=True)
seen = [
    set(source.sample(2000, generator=generator).info["character"].flatten().tolist())
    for source in (tasks, splits["validation"], turned)
]
print("characters seen:", [len(some) for some in seen])
assert sum(map(len, seen)) == len(set.union(*seen))  # none is in two of them
assert sum(map(len, seen)) > 0.99 * len(images)  # and nearly all have been seen


# %% [markdown]
# ### Exercise 10.2: split by class
#
# You are given a heap of images, and know for each whose drawing it is, `character`, and how it is turned, `rotation`. Write
# `split_by_class(character, rotation, n_test, generator)`: one bool an image, True for all images of `n_test`
# characters drawn at random. Characters need not be numbered 0, 1, 2, …
#
# <details><summary>Hint</summary>
#
# `character.unique()` is the list to draw from; `torch.isin` says which images belong to those drawn. What do you need
# `rotation` for?
#
# </details>

# %% tags=["exercise"]
def split_by_class(character, rotation, n_test, generator):
    # your lines: return a tensor of bools, one an image
    ...


exercises.check_split_by_class(split_by_class)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def split_by_class_solution(character, rotation, n_test, generator):
    known = character.unique()
    order = torch.randperm(len(known), generator=generator)
    return torch.isin(character, known[order[:n_test]])  # rotation is not needed


### END SOLUTION
assert exercises.check_split_by_class(split_by_class_solution)


# %% [markdown]
# ## How hard is it?
#
# The simplest learner of all compares pixels: a query gets the label of the **nearest support drawing**. It learns nothing
# beforehand. On 600 test tasks, with 95% intervals:

# %%
def nearest(batch):
    distance = torch.cdist(batch.query_x.flatten(2), batch.support_x.flatten(2))
    return batch.support_y.gather(1, distance.argmin(2))


def score(guesses, labels):
    return Estimate.of((guesses == labels).float().mean(1))


pixels_at = {}
for way in (5, 20):
    some = OmniglotTasks("test", way).sample(600, queries=1, generator=generator)
    pixels = pixels_at[way] = score(nearest(some), some.query_y)
    print(f"{way:>2}-way 1-shot, nearest in pixels: {pixels}, by chance {1 / way:.3f}")
    assert 1 / way < pixels.mean - pixels.half_width < pixels.mean < 0.6


# %% [markdown]
# ## And you?
#
# One drawing of each of five test characters, and one query. The other contestant is a network that was meta-trained on
# Omniglot's training characters: its features by ANIL, then all of it by MAML (lesson 11 shows how). It gets the very
# same questions and sees what you see: the support set, and one query. (On the stand-in it is away from home: these hands are new to it.)

# %%
def questions(way, n=30):
    maml = checkpoint.load(f"omniglot-anil-maml-conv4-{way}way-1shot")
    learner = replace(maml.learner, protocol="one-by-one")  # no other queries
    some = OmniglotTasks("test", way).sample(n, queries=1, generator=generator)

    def guess(task):
        adapted = learner.adapt(maml.theta, task.support, inner_steps=3)[-1]
        return learner.predict(adapted, task.query_x, task.support_x).argmax(-1)

    guesses = torch.stack([guess(some.task(i)) for i in range(n)])
    asked = traces.quiz(some, guesses, model="the network", generator=generator)
    return asked, score(guesses, some.query_y)


# %%
asked, measured = questions(way=5)
five = Quiz(asked)
five

# %% [markdown]
# Ten answers say little about you: mind the interval. (It is Wilson's, which keeps some width even at 10 of 10.) Now out
# of twenty candidates. Chance falls from 1 in 5 to 1 in 20; how much do you lose?

# %%
asked_20, measured_20 = questions(way=20)
twenty = Quiz(asked_20)
twenty

# %% [markdown]
# Run this when you have played. Below your score stands the network's accuracy on *all* queries of these tasks, one of each
# character. It beats the pixels by far:

# %%
print(f" 5-way: {five.score}\n20-way: {twenty.score}")
print(f"the network, all queries: 5-way {measured}, 20-way {measured_20}")
for way, estimate in {5: measured, 20: measured_20}.items():
    assert estimate.mean - estimate.half_width > pixels_at[way].mean

# %% [markdown]
# ## Three leaks
#
# A **leak** tells the learner what it could not know about a new task. No line fails, nothing warns; the accuracy is just
# better than it should be.
#
# ### The labels were not dealt
#
# Many write `sorted(chosen)`, or walk through the list of classes, and count labels up. Then a character from the head of the
# list mostly has label 0, one from its end label 4. How much does that tell? Let a table remember which label each character
# mostly had, and look at no picture and no support set:

# %%
n = len(tasks.characters)


def by_table(dealt_anew):
    chosen = torch.rand(10_000, n, generator=generator).topk(5).indices
    place = chosen if dealt_anew else chosen.sort(1).values  # (tasks, label)
    past, new = place[:8000], place[8000:]
    had = torch.stack([past[:, label].bincount(minlength=n) for label in range(5)], 1)
    return score(had.argmax(1)[new], torch.arange(5))


sound, leaking = by_table(dealt_anew=True), by_table(dealt_anew=False)
print(f"labels dealt anew {sound}, labels in order {leaking}")
assert abs(sound.mean - 0.2) < 0.03
assert leaking.mean > 0.4

# %% [markdown]
# Chance is 0.2, and with labels in order about half are right. That was on characters that the table had met. Does it also
# leak to **new** ones? Train a network on the query alone, without support set, without adapting:

# %%
upright = OmniglotTasks("train", 5, rotations=False)


def label_in_order(batch):
    rank = batch.info["character"].argsort(1).argsort(1)
    return rank.gather(1, batch.query_y)


torch.manual_seed(0)
layers = nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 5)
guesser = nn.Sequential(nn.Flatten(2), *layers)
adam = torch.optim.Adam(guesser.parameters(), 1e-3)
for _ in range(500):
    some = upright.sample(100, queries=1, generator=generator)
    outputs = guesser(some.query_x[:, :, 0])
    cross_entropy(outputs.flatten(0, 1), label_in_order(some).flatten()).backward()
    adam.step()
    adam.zero_grad()

# %% [markdown]
# It cannot know a new character. But letters of one alphabet stand side by side in the list, and share a style. That
# is enough:

# %%
some = OmniglotTasks("test", 5).sample(2000, queries=1, generator=generator)
guesses = guesser(some.query_x[:, :, 0]).argmax(2)
before_any_look = score(guesses, label_in_order(some))
print(f"new characters, labels in order: {before_any_look}")
print(f"new characters, labels dealt anew: {score(guesses, some.query_y)}")
assert before_any_look.mean - before_any_look.half_width > 0.22
assert abs(score(guesses, some.query_y).mean - 0.2) < 0.02

# %% [markdown]
# An accuracy **before adapting** that is above chance is the mark of this leak: look for it in your own curves at step 0.
#
# ### The split went through the drawings
#
# Someone has few characters, ours for validation, and keeps five *drawings* of each for testing. All test drawings are new; no
# test character is. Train an ordinary classifier on the other fifteen. Then compare a query with a support drawing by what
# the classifier takes them for:

# %%
known = splits["validation"].characters
layers = nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, len(known))
classifier = nn.Sequential(nn.Flatten(1), *layers)
adam = torch.optim.Adam(classifier.parameters(), 2e-3)
for _ in range(400):
    which = torch.randint(len(known), (128,), generator=generator)
    drawn = torch.randint(15, (128,), generator=generator)
    outputs = classifier(images[known[which], drawn] / 255)
    cross_entropy(outputs, which).backward()
    adam.step()
    adam.zero_grad()


# %%
def by_look(characters, n_tasks=600):
    five = torch.rand(n_tasks, len(characters), generator=generator).topk(5).indices
    drawn = 15 + torch.rand(n_tasks, 5, 5, generator=generator).topk(2).indices
    x = images[characters[five][..., None], drawn] / 255
    with torch.no_grad():
        taken_for = classifier(x.flatten(0, 2)).softmax(1).view(n_tasks, 5, 2, -1)
    alike = taken_for[:, :, 1] @ taken_for[:, :, 0].mT  # (tasks, query, support)
    return score(alike.argmax(2), torch.arange(5))


split_by_drawing = by_look(known)
split_by_character = by_look(splits["test"].characters)
print(f"split by drawing {split_by_drawing}, by class {split_by_character}")
gap = split_by_drawing.mean - split_by_character.mean
assert gap > 0.05 + split_by_drawing.half_width + split_by_character.half_width

# %% [markdown]
# The same network, the same kind of question. The first figure says how well it knows what it was taught; only the second
# says how well it can learn.
#
# Rotations are the sly form of it. Shuffle *classes* instead of characters, and where do the brothers of a test class end up?

# %%
classes = torch.cartesian_prod(torch.arange(len(images)), torch.arange(4))
shuffled = classes[torch.randperm(len(classes), generator=generator)]
n_test = len(classes) // 4
of_test, of_train = shuffled[:n_test, 0], shuffled[n_test:, 0]
crossed = torch.isin(of_test, of_train).float().mean()
print(f"{crossed:.0%} of the test classes were trained on in another rotation")
assert crossed > 0.9

# %% [markdown]
# ### The support set was asked again
#
# Draw support and queries independently of each other, and some queries *are* support drawings. Comparing pixels, the learner
# that learns nothing, then looks up the answer. All queries reused, or none:

# %%
some = OmniglotTasks("test", 5).sample(600, queries=1, generator=generator)
again = some._replace(query_x=some.support_x, query_y=some.support_y)
reused = score(nearest(again), again.query_y)
honest = score(nearest(some), some.query_y)
print(f"support reused as query {reused}, other drawings {honest}")
assert reused.mean == 1.0 > honest.mean + honest.half_width


# %% [markdown]
# ### Exercise 10.3: find the leaks
#
# Write the checker that you would run on anybody's tasks. `find_leaks(train, test)` gets two batches as `sample` returns
# them, and returns the set of leaks that it finds, out of:
#
# - `"labels"`: in one of the batches, the characters ascend with the label in *every* task;
# - `"characters"`: some character, whichever way up, is in both batches;
# - `"drawings"`: in one of the batches, a task has a drawing in both support and query set.
#
# <details><summary>Hint</summary>
#
# All is in `info`: `character` (tasks, way) in the order of the labels, `drawing` (tasks, way, shots + queries), whose first
# ones are the support set's. `batch.support_y.shape[1] // way` is the number of shots.
#
# </details>

# %% tags=["exercise"]
def find_leaks(train, test):
    # your lines: return a set of "labels", "characters", "drawings"
    ...


exercises.check_find_leaks(find_leaks)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def find_leaks_solution(train, test):
    leaks = set()
    if torch.isin(train.info["character"], test.info["character"]).any():
        leaks.add("characters")
    for batch in (train, test):
        if (batch.info["character"].diff(dim=1) > 0).all():
            leaks.add("labels")
        shots = batch.support_y.shape[1] // batch.info["character"].shape[1]
        support, query = batch.info["drawing"].tensor_split([shots], dim=2)
        if (support[..., None] == query[:, :, None, :]).any():
            leaks.add("drawings")
    return leaks


### END SOLUTION
assert exercises.check_find_leaks(find_leaks_solution)
assert find_leaks_solution(batch, turned.sample(500)) == set()
assert find_leaks_solution(batch, batch) == {"characters"}

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("10")

# %% [markdown]
# ## Recap
#
# - An N-way K-shot task: N characters at random, K drawings of each to learn from, others to be asked about, labels dealt anew.
# - The split goes by class: a character, with all its drawings and rotations, is on one side.
# - Three leaks, and what gives each away: labels in order (above chance before adapting), a split by drawing (compare with
#   characters that are surely new), support drawings asked again (comparing pixels is perfect).
#
# **What to try.** Do ten questions at 20-way after a night's sleep. Give the pixels 5 shots: how near do they come to
# you? And what would a split by *alphabet* test that ours does not?
#
# Next: [11 · MAML on Omniglot](11_maml_on_omniglot.ipynb), where a network is meta-trained on these tasks.
