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
# # 14 · Learning a metric instead
#
# **You will be able to**
# - write Prototypical and Matching Networks by hand, each in a few lines, and check them;
# - show that "nearest prototype" is a linear classifier, and what ProtoMAML makes of that;
# - find the very same prototypes in one inner step of MAML;
# - say which questions a table of one training each can answer, and which not.
#
# About 45 minutes, of which networks train and are measured for one.

# %%
import time
import warnings
from dataclasses import replace

import torch
from IPython.display import HTML, clear_output
from torch.nn.functional import cross_entropy, normalize, one_hot
from torch.utils.flop_counter import FlopCounterMode

from maml_edu import exercises
from maml_edu.evaluate import Estimate, accuracy, query_values
from maml_edu.learners import MAML, MatchingNet, ProtoMAML, ProtoNet
from maml_edu.models import conv4
from maml_edu.outer import Training, meta_train
from maml_edu.tasks import OmniglotTasks
from maml_edu.tasks.data import StandInWarning
from maml_edu.views import traces
from maml_edu.views.widgets import Choice, Slider, explore

torch.set_num_threads(1)

# %% [markdown]
# ## No inner loop at all
#
# MAML learns a starting point from which gradient steps go far. There is another answer to the same tasks: learn
# *features* in which drawings of one character lie close together. A new task then needs no gradient: look at
# the support set, and see what lies near. The tasks are those of lesson 11, the network is half as wide.

# %%
warnings.simplefilter("ignore", StandInWarning)  # the line below says the same
test = {way: OmniglotTasks("test", way) for way in (5, 10, 20)}
print(test[5].source)

# %%
net = conv4(None, channels=32)  # None: no head, the features come out
theta = net.init(generator=torch.Generator().manual_seed(0))
draw = torch.Generator().manual_seed(10)
task = test[5].sample(1, shots=3, queries=4, generator=draw).task(0)
print(tuple(task.support_x.shape), "->", tuple(net(theta, task.support_x).shape))


# %% [markdown]
# ## Prototypes
#
# Snell, Swersky & Zemel (2017, arXiv 1703.05175) sum up a class by one point, its **prototype**: the mean of its
# support drawings' features, $\mu_c = \frac{1}{K}\sum_{i:\,y_i=c} f_\theta(x_i)$. That is all the adapting there is.
#
# ### Exercise 14.1: prototypes
#
# `features` is (drawings, features), `labels` says which row is of which class. Return (way, features).
#
# <details><summary>Hint</summary>Rows may come in any order, and classes may have different numbers of them.
# <code>features[labels == c]</code> are those of class c.</details>

# %% tags=["exercise"]
def my_prototypes(features, labels, way):
    # your lines: return a tensor, (way, features)
    ...


exercises.check_prototypes(my_prototypes)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def prototypes_of(features, labels, way):
    return torch.stack([features[labels == c].mean(0) for c in range(way)])


### END SOLUTION
assert exercises.check_prototypes(prototypes_of)


# %% [markdown]
# A query is given to classes by its squared distances to their prototypes,
#
# $$p(y = c \mid x) \propto \exp\bigl(-\lVert f_\theta(x) - \mu_c\rVert^2\bigr),$$
#
# a softmax over *minus* distances. So these are its logits, and `cross_entropy` can train theta through them.

# %% [markdown]
# ### Exercise 14.2: the nearest prototype
#
# Return the logits, (queries, way), of `features`, (queries, features), given the prototypes. (A number that is the same
# for all classes of a query may be added; softmax does not see it.)
#
# <details><summary>Hint</summary>Which sign makes the nearest prototype the likeliest? Squared means without
# the root. <code>features[:, None] - prototypes</code> is (queries, way, features).</details>

# %% tags=["exercise"]
def my_nearest(features, prototypes):
    # your lines: return a tensor, (queries, way)
    ...


exercises.check_nearest(my_nearest)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def nearest(features, prototypes):
    return -(features[:, None] - prototypes).square().sum(2)


### END SOLUTION
assert exercises.check_nearest(nearest)

# %% [markdown]
# Two functions of one line: the whole algorithm. The package's `ProtoNet` does the same. (It also learns a factor on
# the distances, `log_scale`, since batch-norm fixes how large features are. It starts at 0, a factor of 1.)

# %%
protonet = ProtoNet(net, way=5)
fresh = {**theta, "log_scale": torch.tensor(0.0)}
adapted = protonet.adapt(fresh, task.support)[-1]
prototypes = prototypes_of(net(theta, task.support_x), task.support_y, 5)
assert torch.allclose(adapted["prototypes"], prototypes, atol=1e-5)

# %%
by_hand = nearest(net(theta, task.query_x), prototypes).softmax(1)
package = protonet.predict(adapted, task.query_x).softmax(1)
assert torch.allclose(by_hand, package, atol=1e-5)


# %% [markdown]
# ## Training it
#
# The outer loop is the one you know, with this loss. Without a head, nothing ties theta to a number of ways: so train on
# **20-way** tasks, harder than those of the test, as the paper does (with 60 ways). A *diet* of 24,000 drawings is set for everyone
# in this lesson: 200 meta-steps of 120 drawings, which is one 20-way task or four 5-way ones.

# %%
def train(learner, way):
    diet = Training(steps=200, meta_batch=20 // way, shots=1, queries=5, meta_lr=5e-3)
    begin, tasks = time.process_time(), OmniglotTasks("train", way)
    *_, last = meta_train(learner, tasks, diet, every=50, progress=True)
    clear_output(wait=True)  # the progress bar has served
    return last.theta, time.process_time() - begin


proto_theta, proto_seconds = train(ProtoNet(net, way=20), way=20)
print(f"{proto_seconds:.0f} seconds of one core")


# %% [markdown]
# Does it tell characters apart that it never met? The same theta, on 5-way and on 20-way tasks, before and after
# training; 80 tasks each. Only the argument `way` changes.

# %%
def right(learner, theta, batch, inner_steps=1):
    how = {"inner_steps": inner_steps, "metric": accuracy, "chunk_size": 10}
    return query_values(learner, theta, batch, **how)  # (tasks, inner_steps + 1)


# %%
for way in (5, 20):
    batch = test[way].sample(80, shots=1, queries=3, generator=draw)
    learner = replace(protonet, way=way)
    shares = [Estimate.of(right(learner, t, batch)[:, 1]) for t in (fresh, proto_theta)]
    print(f"{way:>2}-way: untrained {shares[0]}, trained {shares[1]}")
    assert shares[1].mean - shares[0].mean > 0.1

# %% [markdown]
# ## See it
#
# The features of one task, 32 numbers each, in the plane that holds most of their variation. **Scrub the shots**: with each
# drawing more, a prototype moves less. Then compare: what does an untrained network's plane look like, and
# why does it still do better than guessing? With 6 ways, who is mistaken for whom?

# %%
embeddings = {"trained": proto_theta, "untrained": fresh}


def look(who, way, number):
    seeded = torch.Generator().manual_seed(number)
    one = OmniglotTasks("test", way).sample(1, shots=10, queries=8, generator=seeded)
    learner = replace(protonet, way=way)
    return traces.embedding(learner, embeddings[who], one.task(0), name=f"ProtoNet, {who}")


# %%
window = explore(
    look,
    who=Choice("which embedding", list(embeddings)),
    way=Slider("way", 2, 6, value=5),
    number=Slider("which task", 0, 100, value=3),
)
window.step = 1
window

# %% [markdown]
# A prototype is a mean, so its error shrinks like that of any mean: most of the gain comes with the first few shots. On 80
# tasks:

# %%
batch = test[5].sample(80, shots=10, queries=5, generator=draw)
by_shots = {}
for shots in (1, 2, 5, 10):
    first = torch.cat([torch.arange(10 * c, 10 * c + shots) for c in range(5)])
    part = batch._replace(support_x=batch.support_x[:, first], support_y=batch.support_y[:, first])
    by_shots[shots] = right(protonet, proto_theta, part)[:, 1]
    print(f"{shots:>2} of each class: {Estimate.of(by_shots[shots])}")
assert Estimate.of(by_shots[2] - by_shots[1]).mean > 0.02
assert Estimate.of(by_shots[5] - by_shots[1]).mean > 0.05

# %% [markdown]
# ## A distance is a linear classifier
#
# Write the square out, $-\lVert f - \mu_c\rVert^2 = 2\mu_c\cdot f - \lVert\mu_c\rVert^2 - \lVert f\rVert^2$. The last term is the same
# for all classes, and softmax does not see it. What is left is a linear head, $w_c\cdot f + b_c$, with
#
# $$w_c = 2\mu_c, \qquad b_c = -\lVert\mu_c\rVert^2.$$
#
# So a prototypical network is the usual classifier, whose head is not trained but *computed*.

# %%
features = net(theta, task.query_x)
head = {"head.weight": 2 * prototypes, "head.bias": -prototypes.square().sum(1)}
logits = features @ head["head.weight"].T + head["head.bias"]
assert torch.allclose(logits.softmax(1), by_hand, atol=1e-5)
with_root = (-nearest(features, prototypes)).sqrt().neg().softmax(1)
assert not torch.allclose(with_root, by_hand, atol=1e-2)  # the square is needed

# %% [markdown]
# **ProtoMAML** (Triantafillou et al. 2020, arXiv 1903.03096) takes that head as the place where a task's inner loop
# *begins*, and then makes MAML's gradient steps, on head and body. Its theta has no head. Before the first step
# it is a prototypical network, and the outer gradient flows through the prototypes too.

# %%
with_head = conv4(5, channels=32)
protomaml = ProtoMAML(with_head, cross_entropy, inner_lr=0.1)
states = protomaml.adapt(theta, task.support, inner_steps=1)
for name, p in head.items():
    assert torch.allclose(states[0][name], p, atol=1e-5)

# %%
start = protomaml.predict(states[0], task.query_x).softmax(1)
assert torch.allclose(start, by_hand, atol=1e-5)
print("theta:", ", ".join(sorted({n.split(".")[0] for n in protomaml.shapes()})))
print("adapted:", ", ".join(sorted({n.split(".")[0] for n in states[1]})))

# %% [markdown]
# ## And MAML computes prototypes
#
# The bridge has another end. Let MAML's head be **all zeros**. Then all classes are equally likely, no gradient reaches
# the body, and one inner step changes the head alone. With $N$ ways and as many shots of each class, the logits
# after it are
#
# $$\frac{\alpha}{N}\; f \cdot (\mu_c - \bar\mu),$$
#
# where $\bar\mu$ is the mean of the prototypes: a query is weighed by **centred prototypes**. (The gradient at a row of the
# head is $\frac1N(\bar\mu - \mu_c)$: work it out.)

# %%
alpha = 0.4
zero_head = {"head.weight": torch.zeros(5, 32), "head.bias": torch.zeros(5)}
maml = MAML(with_head, cross_entropy, inner_lr=alpha)
one_step = maml.adapt({**theta, **zero_head}, task.support)[1]
assert all(torch.equal(one_step[name], p) for name, p in theta.items())

# %%
centred = prototypes - prototypes.mean(0)
expected = alpha / 5 * features @ centred.T
assert torch.allclose(maml.predict(one_step, task.query_x), expected, atol=1e-5)


# %% [markdown]
# So the families are closer than they look. Both turn support features into a head; the prototypical network in one
# stroke, MAML by steps that can go on, and that can also move the features. Whether MAML's body or
# its head uses that freedom depends on how it was trained (lesson 12). Below we take both families away from home.
#
# ## Attention
#
# **Matching Networks** (Vinyals et al. 2016, arXiv 1606.04080) keep every support drawing instead of their mean. A query
# *attends* to each, and adds up their labels (equation 1):
#
# $$p(y \mid x) = \sum_i a(x, x_i)\, y_i, \qquad
# a(x, x_i) = \operatorname{softmax}_i\bigl(s\,\cos(f(x), f(x_i))\bigr).$$
#
# The factor $s$ is ours: cosines lie within -1 and 1, and alone make a blunt softmax.

# %% [markdown]
# ### Exercise 14.3: attention
#
# `query` and `support` are features; `labels` are those of the support set. Return each query's probabilities,
# (queries, way).
#
# <details><summary>Hint</summary>A cosine is the dot product of vectors of length 1:
# <code>normalize(x, dim=1)</code>. Attention is (queries, support): along which axis must it add up to 1?
# <code>one_hot(labels, way)</code> holds the $y_i$.</details>

# %% tags=["exercise"]
def my_attention(query, support, labels, way, scale):
    # your lines: return a tensor, (queries, way)
    ...


exercises.check_attention(my_attention)


# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution (open me when you have tried)
### BEGIN SOLUTION
def attention(query, support, labels, way, scale):
    cosines = normalize(query, dim=1) @ normalize(support, dim=1).T
    weights = (scale * cosines).softmax(1)
    return weights @ one_hot(labels, way).to(weights.dtype)


### END SOLUTION
assert exercises.check_attention(attention)

# %% [markdown]
# The package's `MatchingNet` gives the logarithms, as logits for `cross_entropy`. In the paper an LSTM can also let the features
# see the whole support set (*full context embeddings*); we do without.

# %%
matching = MatchingNet(net, way=5)
blank = matching.init(generator=torch.Generator().manual_seed(0))
logs = matching.predict(matching.adapt(blank, task.support)[-1], task.query_x)
pair = net(blank, task.query_x), net(blank, task.support_x)
mine = attention(*pair, task.support_y, 5, blank["log_scale"].exp())
assert torch.allclose(logs.exp(), mine, atol=1e-5)

# %% [markdown]
# ## Four learners, one diet
#
# Each gets the same network and the same 24,000 drawings. MAML and ProtoMAML have learned rates, as in lesson 11, and
# train on 5-way tasks: MAML's head has five rows, and could answer nothing else. Are 20 ways a metric's unfair advantage?
# A second prototypical network trains on 5 ways, like MAML.

# %%
maml = MAML(with_head, cross_entropy, inner_lr=0.4, learned_rates=True)
protomaml = ProtoMAML(with_head, cross_entropy, inner_lr=0.1, learned_rates=True)
students = {"MatchingNet": (matching, 20), "MAML": (maml, 5), "ProtoMAML": (protomaml, 5)}
students = {"ProtoNet, 5 ways": (protonet, 5)} | students
trained, seconds = {"ProtoNet": (protonet, proto_theta)}, {"ProtoNet": proto_seconds}
for name, (learner, way) in students.items():
    student = learner if "MAML" in name else replace(learner, way=way)
    theta_of_it, seconds[name] = train(student, way)
    trained[name] = learner, theta_of_it
print(", ".join(f"{name} {taken:.0f} s" for name, taken in seconds.items()))


# %% [markdown]
# An outer gradient through an inner step takes its time. So on equal drawings, MAML had *more* seconds than a prototypical
# network.
#
# Two kinds of task are away from home. **White on black** is every drawing as its negative: nobody has trained on such.
# **Two characters a class** gives one label to two characters that have nothing in common: where is the mean of
# an A and a B? *Predict, before you run it:* who is best in each column, who is worst?

# %%
class Changed:
    def __init__(self, tasks, change):
        self.tasks, self.change = tasks, change

    def sample(self, n_tasks, **how):
        return self.change(self.tasks.sample(n_tasks, **how))


# %%
def negative(batch):
    return batch._replace(support_x=1 - batch.support_x, query_x=1 - batch.query_x)


def in_pairs(batch):
    return batch._replace(support_y=batch.support_y // 2, query_y=batch.query_y // 2)


# %% [markdown]
# All columns are test characters, transductive batch-norm (lesson 11), 100 tasks; the same tasks for every learner, so
# that we may compare them task by task. Learners with an inner loop take three steps.

# %%
columns = {
    "5-way 1-shot": (test[5], 1),
    "5-way 5-shot": (test[5], 5),
    "white on black, 5-shot": (Changed(test[5], negative), 5),
    "two characters a class, 5-shot": (Changed(test[10], in_pairs), 5),
}

# %%
found = {}
for column, (source, shots) in columns.items():
    batch = source.sample(100, shots=shots, queries=3, generator=draw)
    for name, (learner, its_theta) in trained.items():
        found[name, column] = right(learner, its_theta, batch, 3 if "MAML" in name else 1)

# %% [markdown]
# Then **20 ways**, on 40 tasks. A metric only counts further. So does ProtoMAML, whose theta has no head: its prototypes make
# one of any size. MAML's head has five rows, and no more.

# %%
metrics = ("ProtoNet", "ProtoNet, 5 ways", "MatchingNet")
wider = {name: replace(trained[name][0], way=20) for name in metrics}
wider["ProtoMAML"] = replace(protomaml, model=conv4(20, channels=32))
batch = test[20].sample(40, shots=1, queries=3, generator=draw)
for name, learner in wider.items():
    steps = 3 if name == "ProtoMAML" else 1
    found[name, "20-way 1-shot"] = right(learner, trained[name][1], batch, steps)


# %% [markdown]
# And the cost of **adapting** to five drawings, in multiply-adds, counted as in lesson 11. A step takes one pass there and
# about two back; a prototype takes one there.

# %%
def cost(learner, theta, steps):
    support = batch.task(0).support_x[:5], torch.arange(5)
    with FlopCounterMode(display=False) as counter:
        learner.adapt(theta, support, inner_steps=steps)
    return counter.get_total_flops() / 2


work = {name: cost(*its, steps=3) for name, its in trained.items()}
assert 7 < work["MAML"] / work["ProtoNet"] < 10


# %% [markdown]
# The table:

# %%
def cell(name, column):
    if (name, column) not in found:
        return "cannot"
    share = Estimate.of(100 * found[name, column][:, -1])
    return f"{share.mean:.1f} ± {share.half_width:.1f}"


# %%
def html_row(name):
    cells = [cell(name, column) for column in names]
    cells += [f"{work[name] / 1e6:.0f}", f"{seconds[name]:.0f}"]
    return f'<tr><th scope="row">{name}</th><td>{"</td><td>".join(cells)}</td></tr>'


names = [*columns, "20-way 1-shot"]
heads = ["learner", *names, "millions to adapt", "seconds to train"]
top = "".join(f'<th scope="col">{text}</th>' for text in heads)
HTML(f"""<table><caption>Query accuracy in %, ± half of the 95% interval over tasks
</caption><thead><tr>{top}</tr></thead>
<tbody>{"".join(map(html_row, trained))}</tbody></table>""")


# %% [markdown]
# What is certain in it? Differences on the same tasks, with their intervals. (They are over tasks. Each learner was
# trained once, and another seed would move every row a little.)

# %%
def surely_better(one, other, column):
    gain = Estimate.of(found[one, column][:, -1] - found[other, column][:, -1])
    print(f"{column}: {one} is ahead of {other} by {gain}")
    return gain.mean > gain.half_width


# %%
assert surely_better("ProtoNet", "MAML", "5-way 1-shot")
assert surely_better("ProtoNet, 5 ways", "MAML", "5-way 1-shot")
assert surely_better("MatchingNet", "MAML", "5-way 1-shot")
assert surely_better("MAML", "ProtoNet", "white on black, 5-shot")
assert surely_better("MatchingNet", "ProtoNet", "two characters a class, 5-shot")
assert surely_better("MAML", "ProtoNet", "two characters a class, 5-shot")

# %% [markdown]
# What these trainings show:
#
# - **At home the metrics lead**, on the same drawings and in less time, and at equal ways too. (Our guess at the cause: their head is right
#   from the first meta-step, and MAML has to learn how to make one. Nothing here tests it.)
# - **White on black, MAML leads.** An inner loop can *change* features that never saw white ink; a prototype has to take them as they are.
# - **With two characters a class, attention leads the mean.** The mean lies between the two; attention keeps each drawing.
#
# Is ProtoMAML ahead of the prototypical network on white on black? We do not claim it: they come from two trainings, and part of
# their difference is chance. What *adapting* gives is seen within one learner, before each inner step and after the last:

# %%
for name in ("MAML", "ProtoMAML"):
    by_step = found[name, "white on black, 5-shot"]  # (tasks, 4)
    print(f"{name}: {', '.join(str(Estimate.of(step)) for step in by_step.unbind(1))}")
    gain = Estimate.of(by_step[:, 3] - by_step[:, 0])
    assert gain.mean > gain.half_width

# %% [markdown]
# ProtoMAML begins at prototypes, its own, and moves on; MAML begins at a guess, and passes them.
#
# ## Which one, then?
#
# | you have | take |
# |---|---|
# | classes, few shots, tasks like those trained on; many ways, or ways that change | a prototypical network |
# | classes of several kinds of thing, or with single odd members | a matching network |
# | classes, but new tasks unlike the old, and some shots | a learner with an inner loop: MAML here; ProtoMAML we have not told apart from it |
# | regression, control: no classes at all (lessons 01 to 07) | MAML: there is nothing to take the mean of |
# | a device that can look but not train | a metric: adapting is one pass, no gradient |
#
# Which of them is better with *more* time, over several seeds and with rates chosen on validation, is the next lesson's question.
#
# Which exercises of this lesson have you solved? (Run it again whenever you like; the solutions' own lines
# do not count.)

# %%
exercises.progress("14")

# %% [markdown]
# ## Recap
#
# - A prototype is the mean of a class's features; nearest prototype is the linear head $2\mu_c$, $-\lVert\mu_c\rVert^2$.
# - ProtoMAML starts its inner loop at that head. One step of MAML from a head of zeros weighs by centred prototypes.
# - Matching Networks keep every support drawing, and add up labels by attention.
# - In these short trainings a metric leads at home, and gradient steps pay where features are not as trained.
#
# ## What to try
#
# - Train everybody under another seed (`Training(seed=1)`). Which of the differences above stay?
# - Distance without the square (change `nearest`): what does the meta-loss do?
# - Give MAML ten inner steps on white on black. Where does it stop gaining?
#
# **Next:** [do we need meta-learning?](15_do_we_need_meta_learning.ipynb)
