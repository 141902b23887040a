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
# # 30 · Bring your own
#
# **You will be able to**
# - meta-train your own PyTorch module on your own pictures, arrays or tables, and measure it on new classes;
# - save it, load it a week later, adapt it to a new task, and take a plain `nn.Module` away;
# - say, before you train, which layers, splits and single queries would give you wrong numbers, and why.
#
# About 45 minutes, of which the machine works for one.

# %%
import csv
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import nn
from torch.func import grad
from torch.nn.functional import cross_entropy

from maml_edu import exercises
from maml_edu.evaluate import Evaluation, accuracy, evaluate
from maml_edu.learners import MAML
from maml_edu.models import Model
from maml_edu.outer import Training, meta_train

# %%
from maml_edu.runs.fit import Validation, fit
from maml_edu.runs.learner_files import load_learner
from maml_edu.tasks import Classes, Curves
from maml_edu.tasks.data import read_pictures
from maml_edu.views import plots, traces
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)
here = Path(tempfile.mkdtemp())  # everything in this lesson is written there

# %% [markdown]
# ## A folder of pictures
#
# If you have pictures in folders, one folder a class, put their path in place of `here / "letters"` below. Here is a
# folder made for you: letters of the fonts that come with matplotlib, a folder a letter, some PNG, some JPEG, of several
# sizes, and not equally many of each.

# %% jupyter={"source_hidden": true}
FONTS = sorted(Path(matplotlib.get_data_path(), "fonts", "ttf").glob("*.ttf"))
FONTS = [f for f in FONTS if f.name.startswith(("DejaVuS", "STIXGeneral")) and "Disp" not in f.name]


def write_letter(letter, font, file, height):
    side = height + 14
    page = Image.new("L", (side, side + 4), "white")
    drawn = ImageFont.truetype(str(font), height)
    ImageDraw.Draw(page).text((side / 2, side / 2), letter, "black", drawn, "mm")
    file.parent.mkdir(parents=True, exist_ok=True)
    page.save(file)


# %%
def write_letters(folder, letters):
    for i, letter in enumerate(letters):
        for j, font in enumerate(FONTS[: 10 + i % 5]):
            name = f"{letter}/{j}.{('png', 'jpg', 'bmp')[j % 3]}"
            write_letter(letter, font, folder / name, height=24 + 3 * (j % 5))


write_letters(here / "letters", "АБГДЖЗИЙЛПФЦЧШЩЪЫЬЭЮЯABCDEFGHIJKLMNOPQRSTUVWXYZ")
print("\n".join(str(f.relative_to(here)) for f in sorted(here.rglob("*.*"))[:4]), "...")


# %% [markdown]
# And here is a network as you would write it. It has PyTorch's own batch-norm, dropout, and a last layer called `fc`.
# Nothing in it knows of this course.

# %%
class Mine(nn.Module):
    def __init__(self, way=5):
        super().__init__()
        sizes = [(1, 16), (16, 16), (16, 16)]
        convolutions = [nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in sizes]
        norms = [nn.BatchNorm2d(16) for _ in sizes]
        blocks = [nn.Sequential(*pair, nn.ReLU()) for pair in zip(convolutions, norms, strict=True)]
        self.body = nn.Sequential(*blocks, nn.Flatten(), nn.Dropout(0.1))
        self.fc = nn.Linear(16 * 3 * 3, way)

    def forward(self, x):
        return self.fc(self.body(x))


# %% [markdown]
# ## Fifteen lines
#
# Before you run them, write down a guess: five letters that the network has never seen, one picture of each to adapt to,
# three inner steps. How many of ten new pictures will it name rightly? (By chance two.)

# %%
data = Classes.from_folder(here / "letters", size=20, invert=True)
train, validation, test = (data.tasks(part, way=5) for part in ("train", "validation", "test"))

learner = MAML(Model(Mine), cross_entropy, inner_lr=0.3)
training = Training(300, meta_batch=8, shots=1, queries=3, meta_lr=3e-3)
how = Evaluation(100, shots=1, queries=5, inner_steps=3, metric=accuracy)

fitted = fit(learner, train, training, Validation(validation, how), out=here / "run")
by_step = evaluate(learner, fitted.theta, test, how)
print(f"before adapting {by_step[0]}, after three steps {by_step[-1]}")

# %% [markdown]
# Does meta-training deserve the credit? The same network from fresh, adapted in the same way on the same tasks:

# %%
fresh = learner.init(generator=torch.Generator().manual_seed(0))
fresh_by_step = evaluate(learner, fresh, test, how)
print(f"without meta-training {fresh_by_step[-1]}")

# %% jupyter={"source_hidden": true}
low = by_step[-1].mean - by_step[-1].half_width
assert low > fresh_by_step[-1].mean + fresh_by_step[-1].half_width
assert abs(by_step[0].mean - 0.2) < 0.05

# %% [markdown]
# What happened in those lines? `Classes` scaled every picture to one size, counted, and dealt the *classes* out: a letter
# is in one part only. Look at it.

# %%
print(data, {part: len(names) for part, names in data.groups.split.items()})
print("pictures of each class:", sorted({len(rows) for rows in data.groups.rows.values()}))


def look(shots, protocol, number):
    seeded = torch.Generator().manual_seed(number)
    task = test.sample(1, shots=shots, queries=5, generator=seeded).task(0)
    names = [test.names[i] for i in task.info["class"]]
    asked = replace(learner, protocol=protocol)
    return traces.classification(asked, fitted.theta, task, names=names, name="yours")


# %% [markdown]
# Move the controls, then the step. Find a task in which one picture of each is not enough, and give it more.

# %%
explore(
    look,
    shots=Slider("pictures of each", 1, 5, value=1),
    protocol=Choice("batch-norm", ["transductive", "support-only"]),
    number=Slider("which task", 0, 50, value=3),
)

# %% [markdown]
# `fit` wrote a line of `history.csv` at each look at the validation tasks, and kept the best learner. The curve is on disk,
# for any program that reads tables:

# %%
with open(here / "run" / "history.csv", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
steps, heights = zip(*((int(r["step"]), float(r["validation"])) for r in rows), strict=True)
figure, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
ax.errorbar(steps, heights, yerr=[float(r["half_width"]) for r in rows], marker="o", capsize=3)
ax.set(xlabel="meta-steps", ylabel="validation accuracy", ylim=(0, 1))
shown = "; ".join(f"{s}: {h:.2f}" for s, h in zip(steps, heights, strict=True))
plots.show(figure, f"Validation accuracy by meta-steps. {shown}.")

# %% [markdown]
# ## A week later
#
# The session is gone. You have the file and your class. New pictures come in, Greek capitals this time, one of each
# labelled. Load, adapt, predict:

# %%
write_letters(here / "greek", "ΓΔΘΛΞ")
learner, theta = load_learner(here / "run" / "learner", Model(Mine))
files = sorted((here / "greek").glob("*/0.png"))
support = read_pictures(files, size=20, invert=True), torch.arange(5)
adapted = learner.adapt(theta, support, inner_steps=3)[-1]

# %% [markdown]
# `adapted` is a theta for these five letters. Now the pictures that nobody has labelled:

# %%
alone = replace(learner, protocol="support-only")
unlabelled = sorted((here / "greek").glob("*/[3-8].*"))
answers = alone.predict(adapted, read_pictures(unlabelled, size=20, invert=True), support[0])
named = [files[i].parent.name for i in answers.argmax(1)]
right = np.mean([name == file.parent.name for name, file in zip(named, unlabelled, strict=True)])
print(f"{right:.0%} of {len(unlabelled)} new pictures named rightly")

# %% jupyter={"source_hidden": true}
assert learner.inner_lr == 0.3
assert right > 0.4

# %% [markdown]
# Why `support-only`? Your batch-norm takes its statistics from a batch. From which? In the *transductive* protocol it is
# the batch of queries, as in the MAML paper. Ask for the first picture twice, alone and beside the others. Under which
# protocol will its probabilities differ?

# %%
pages = read_pictures(unlabelled, size=20, invert=True)
moved = {}
for protocol in ("transductive", "support-only"):
    asked = replace(learner, protocol=protocol)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        alone_p = asked.predict(adapted, pages[:1], support[0]).softmax(1)[0]
    beside_p = asked.predict(adapted, pages, support[0]).softmax(1)[0]
    moved[protocol] = (alone_p - beside_p).abs().max().item()
    print(f"{protocol}: a probability moves by {moved[protocol]:.3f}", *(w.message for w in said))

# %% jupyter={"source_hidden": true}
assert moved["support-only"] < 1e-4
assert moved["transductive"] > 1e-4

# %% [markdown]
# A transductive answer depends on its company, and the package warns you when there is none. Whether that costs accuracy
# depends on the data. So say which protocol you used whenever you report a number.
#
# ## Take it away
#
# `model.module` gives a plain `nn.Module` in `eval()`, with the adapted numbers in it. Its batch-norm's running averages
# are those of the support set, so it answers as `support-only` does. It loads into your class, strictly:

# %%
plain = learner.model.module(adapted, support[0])
hers = Mine()
hers.load_state_dict(plain.state_dict(), strict=True)
difference = (hers.eval()(pages) - answers).abs().max().item()
print(f"the largest difference to the learner's own answers: {difference:.1e}")

# %% jupyter={"source_hidden": true}
assert difference < 1e-4

# %% [markdown]
# ## A table
#
# Now no pictures: a CSV file, as a laboratory would write it. Each spring was pulled to some position and let go, and its
# position measured at some times. Every spring is a task.

# %%
draws = np.random.default_rng(0)
lines = ["spring,t,position"]
for i in range(60):
    stiff, damped, n = draws.uniform(1, 3), draws.uniform(0.1, 0.6), draws.integers(20, 40)
    begin = draws.uniform(-2, 2)
    for t in draws.uniform(0, 4, n):
        position = begin * np.exp(-damped * t) * np.cos(stiff * t) + draws.normal(0, 0.03)
        lines.append(f"spring {i},{t:.3f},{position:.3f}")
(here / "springs.csv").write_text("\n".join(lines), encoding="utf-8")

# %%
springs = Curves.from_table(here / "springs.csv", x=["t"], y=["position"], task="spring")
torch.manual_seed(0)  # a module itself starts at its own numbers
net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
bends = MAML(Model(net), inner_lr=0.05, inner_steps=2)
training = Training(800, meta_batch=10, shots=5, queries=10, meta_lr=5e-3)
how_far = Evaluation(400, shots=5, queries=10, inner_steps=5)
watched = Validation(springs.tasks("validation"), how_far, every=200)
found = fit(bends, springs.tasks("train"), training, watched)
errors = evaluate(bends, found.theta, springs.tasks("test"), how_far)
print(f"squared error of new springs: before {errors[0]}, after five points {errors[-1]}")

# %% [markdown]
# One of the new springs. theta's curve is the start for all of them; the other has seen five of its points.

# %%
name = springs.groups.of("test")[0]
x, y = springs.samples(name)
five = bends.adapt(found.theta, (x[:5], y[:5]), inner_steps=5)[-1]
times = torch.linspace(0, 4, 100)[:, None]
figure, ax = plt.subplots(figsize=(5, 2.8), layout="constrained")
ax.plot(x[5:], y[5:], ".", color="0.6", label="measured, unseen")
ax.plot(times, bends.predict(found.theta, times), "--", label="theta")
ax.plot(times, bends.predict(five, times), label="adapted to five")
ax.plot(x[:5], y[:5], "o", label="the five")
ax.set(xlabel="t", ylabel="position")
ax.legend(frameon=False, ncols=2)
plots.show(figure, f"{name}: its measurements, theta's curve, and the curve adapted to five.")


# %% [markdown]
# Arrays work in the same way: `Classes(x, labels)` and `Curves(x, y, task)`. And anything with a method
# `sample(n_tasks, *, shots, queries, generator, device)` that returns a `TaskBatch` is a task source.
#
# The classes are dealt out by name, at random. That is right only where names are all there is to know. Pictures of one
# dog from the left and from the right are two folders and one dog.
#
# ### Exercise 30.1: a split without a leak
#
# Classes are named `kind/view`. Return a dict with the names of `"train"`, `"validation"` and `"test"`, so that no kind
# is in two of them, none is empty, and at least half of the classes are left to train on. `Classes(..., split=...)` takes it.
#
# <details><summary>Hint</summary>Deal out the kinds, then look up each name's kind. What is <code>"a/b".split("/")[0]</code>?</details>

# %% tags=["exercise"]
def my_split(names):
    # your lines: return {"train": [...], "validation": [...], "test": [...]}
    ...


exercises.check_split_by_kind(my_split)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def split_by_kind(names):
    kinds = sorted({name.split("/")[0] for name in names})
    first, second = int(0.6 * len(kinds)), int(0.8 * len(kinds))
    parts = {"train": kinds[:first], "validation": kinds[first:second], "test": kinds[second:]}
    return {part: [n for n in names if n.split("/")[0] in its] for part, its in parts.items()}


### END SOLUTION
assert exercises.check_split_by_kind(split_by_kind)


# %% [markdown]
# ## Your own layers
#
# Which of these modules can be meta-trained as they are? Say yes or no to each before you run the cell. A `lambda` is not
# needed: a class, a function that builds a module, or a module itself will do. (A module itself starts at its own numbers:
# that is how a pre-trained backbone comes in.)

# %%
class Reads(nn.Module):
    def __init__(self, attend):
        super().__init__()
        attention = nn.TransformerEncoderLayer(20, 2, 32, batch_first=True)
        self.reader = attention if attend else nn.LSTM(20, 20, batch_first=True)
        self.attend, self.fc = attend, nn.Linear(20, 5)

    def forward(self, x):
        rows = self.reader(x[:, 0])
        return self.fc((rows if self.attend else rows[0]).mean(1))


# %% [markdown]
# Now a module that keeps an average of its own:

# %%
class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(400))
        self.fc = nn.Linear(400, 5)

    def forward(self, x):
        x = x.flatten(1)
        self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        return self.fc(x - self.mean)


# %% [markdown]
# And one that looks at its input and decides. With them, a frozen block, and a layer that is all frozen:

# %%
class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(400, 5)

    def forward(self, x):
        x = x.flatten(1)
        return self.fc(x) if x.mean() > 0.5 else self.fc(1 - x)


frozen = Mine()
frozen.body[0].requires_grad_(False)
modules = {"an LSTM": Reads(False), "attention": Reads(True), "a frozen block": frozen}
modules |= {"an average of its own": Counts(), "an if": Branches(), "all frozen": nn.Linear(2, 2)}
modules["all frozen"].requires_grad_(False)

# %% [markdown]
# Your answers first. Then:

# %%
short = Training(2, meta_batch=2, shots=1, queries=2, capture=False)
outcome = {}
for name, module in modules.items():
    try:
        *_, last = meta_train(MAML(Model(module), cross_entropy), train, short)
        outcome[name] = f"trains {len(last.theta)} tensors"
    except ValueError as error:
        outcome[name] = f"cannot: {error}"
    print(f"{name}: {outcome[name]}\n")

# %% jupyter={"source_hidden": true}
can = [name for name, said in outcome.items() if said.startswith("trains")]
assert errors[-1].mean + errors[-1].half_width < errors[0].mean - errors[0].half_width
assert can == ["an LSTM", "attention", "a frozen block"], outcome

# %% [markdown]
# Each refusal has a reason that you know. The module with its own average changes while it runs: adapting to one task
# would change what the next one sees. The one with an `if` cannot run on several tasks at once; do what the sentence says,
# and it trains, one task after the other:

# %%
slowly = replace(short, chunk_size=1)
*_, last = meta_train(MAML(Model(Branches), cross_entropy), train, slowly)
print(f"meta-loss after {last.step} steps: {last.meta_loss:.2f}")

# %% [markdown]
# And frozen means frozen, in both loops: a frozen layer is no part of theta. Look for it.

# %%
model = Model(frozen)
print("trained:", *model.shapes())
print("constant:", *model.constants)
assert not set(model.shapes()) & set(model.constants)

# %% [markdown]
# ## How the outer loop trains
#
# `Training` chooses the optimiser. Each of these is a flag of the command line too (`--optimiser sgd --momentum 0.9`).
# Predict the order of the three on the springs, then run them.

# %%
outer_loops = {
    "Adam": {"meta_lr": 5e-3},
    "SGD": {"optimiser": "sgd", "meta_lr": 5e-2},
    "SGD, momentum, clipped": {"optimiser": "sgd", "meta_lr": 5e-2, "momentum": 0.9, "clip": 1.0},
}
reached = {}
for name, options in outer_loops.items():
    training = Training(200, meta_batch=10, shots=5, queries=10, weight_decay=1e-4, **options)
    made = fit(bends, springs.tasks("train"), training)
    reached[name] = evaluate(bends, made.theta, springs.tasks("validation"), how_far)[-1]
    print(f"{name}: {reached[name]}")


# %% [markdown]
# One seed and one step size each: this ranks nothing. It shows that you can choose, on validation tasks. And when to stop?
# `Validation(..., patience=3)` ends a training after three looks without a better one. You write the rule:
#
# ### Exercise 30.2: when to stop
#
# `errors` are those of the validation tasks at each look. Return the look at which to stop (the first whose best error is
# `patience` looks old, else the last) and the look whose theta you would keep. Count from 0.
#
# <details><summary>Hint</summary>Remember the best look so far. How old is it now?</details>

# %% tags=["exercise"]
def when_to_stop(errors, patience):
    # your lines: return look_to_stop_at, look_to_keep
    ...


exercises.check_when_to_stop(when_to_stop)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def stop_by_patience(errors, patience):
    best = 0
    for look, error in enumerate(errors):
        if error < errors[best]:
            best = look
        if look - best == patience:
            break
    return look, best


### END SOLUTION
assert exercises.check_when_to_stop(stop_by_patience)


# %% [markdown]
# ## An inner loop of your own
#
# There is no option for momentum in the *inner* loop. Its velocity would be a second state beside theta, which every learner
# would have to carry, for one or two steps. But an inner loop is a function, and a learner is a class with a method `adapt`.
#
# ### Exercise 30.3: momentum in the inner loop
#
# Return the adapted theta: in each step `velocity = momentum * velocity + gradient`, then `theta - inner_lr * velocity`.
# The check differentiates through it, so change nothing in place.
#
# <details><summary>Hint</summary><code>grad(loss_fn)(theta, *support)</code> is a dict with theta's names. The velocity begins at 0.</details>

# %% tags=["exercise"]
def my_momentum(loss_fn, theta, support, inner_lr, inner_steps, momentum):
    # your lines: return the adapted theta
    ...


exercises.check_momentum(my_momentum)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def with_momentum(loss_fn, theta, support, inner_lr, inner_steps, momentum):
    velocity = dict.fromkeys(theta, 0.0)
    for _ in range(inner_steps):
        grads = grad(loss_fn)(theta, *support)
        velocity = {name: momentum * velocity[name] + g for name, g in grads.items()}
        theta = {name: p - inner_lr * velocity[name] for name, p in theta.items()}
    return theta


### END SOLUTION
assert exercises.check_momentum(with_momentum)


# %% [markdown]
# With it, a learner of your own. (If the exercise is open, a supplied line takes its place.) Everything else, `fit`,
# `evaluate`, saving, works with it as with the package's.

# %% jupyter={"source_hidden": true}
def supplied(loss_fn, theta, support, inner_lr, inner_steps, momentum):
    velocity = dict.fromkeys(theta, 0.0)
    for _ in range(inner_steps):
        grads = grad(loss_fn)(theta, *support)
        velocity = {name: momentum * velocity[name] + g for name, g in grads.items()}
        theta = {name: p - inner_lr * velocity[name] for name, p in theta.items()}
    return theta


inner_loop = my_momentum if exercises.check_momentum(my_momentum) else supplied


# %%
@dataclass(frozen=True)
class MomentumMAML(MAML):
    momentum: float = 0.5

    def adapt(self, theta, support, *, inner_steps=None, first_order=False):
        steps = self.inner_steps if inner_steps is None else inner_steps
        how = self.inner_lr, self.momentum
        return [
            inner_loop(self.loss_at, theta, support, how[0], n, how[1]) for n in range(steps + 1)
        ]


# %% [markdown]
# Its file knows its options; its class, like your network, is code and is given again.

# %%
heavy = MomentumMAML(Model(net), inner_lr=0.05, inner_steps=2)
training = Training(200, meta_batch=10, shots=5, queries=10, meta_lr=5e-3)
made = fit(heavy, springs.tasks("train"), training, out=here / "heavy")
back, theta = load_learner(here / "heavy" / "learner", Model(net), kind=MomentumMAML)
print(evaluate(back, theta, springs.tasks("test"), how_far)[-1], "with momentum", back.momentum)

# %% [markdown]
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("30")

# %% [markdown]
# ## Recap
#
# - Your data: `Classes` (folders, arrays, tables with a label), `Curves` (tables and arrays of regressions), or anything
#   with `sample`. Classes are split, not pictures; what belongs together must be dealt out together.
# - Your module: `Model(net)`. Batch-norm honours the protocol, dropout is on in training only, frozen stays frozen, and
#   what a pure function cannot do is refused with its reason.
# - `fit` keeps the best by validation, with its curve on disk; `load_learner`, `adapt`, `predict`; `model.module` for
#   a plain `nn.Module`.
#
# ## What to try
#
# - Your own pictures: `Classes.from_folder(path, size=64, channels=3)` and a first layer for three channels.
# - More shots, `Training(shots=5)`, or another learner: `from maml_edu.learners import ANIL, Reptile`.
# - Start from a trained backbone: `fit(..., start=dict(trained.named_parameters()))`.
