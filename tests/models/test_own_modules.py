"""A reader's own modules: each works as she wrote it, or one sentence says why it cannot."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.func import grad, vmap
from torch.nn.functional import cross_entropy

from maml_edu.evaluate import Evaluation, accuracy, evaluate, query_values
from maml_edu.learners import ANIL, LEARNERS, MAML
from maml_edu.models import PROTOCOLS, Model, conv4, dense4, predict
from maml_edu.models.norm import BatchNorm
from maml_edu.models.skeleton import training
from maml_edu.outer import Training, meta_gradient, meta_loss, meta_train
from maml_edu.tasks import Classes, TaskBatch

SIDE, WAY = 8, 3


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def conv(*middle: nn.Module) -> nn.Module:
    ends = nn.Flatten(), nn.Linear(4 * 16, WAY)
    return nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1, bias=False), *middle, nn.ReLU(), *ends)


class Reads(nn.Module):
    """Reads a picture row by row."""

    def __init__(self, kind: type[nn.RNNBase]):
        super().__init__()
        self.reader, self.fc = kind(SIDE, 6, batch_first=True), nn.Linear(6, WAY)

    def forward(self, x):
        return self.fc(self.reader(x[:, 0])[0][:, -1])


class Attends(nn.Module):
    def __init__(self, dropout: float = 0.0):
        super().__init__()
        layer = nn.TransformerEncoderLayer(SIDE, 2, 8, dropout=dropout, batch_first=True)
        self.encoder, self.fc = nn.TransformerEncoder(layer, 1), nn.Linear(SIDE, WAY)

    def forward(self, x):
        return self.fc(self.encoder(x[:, 0]).mean(1))


class OwnAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(SIDE, WAY)

    def forward(self, x):
        rows = x[:, 0]
        return self.fc(nn.functional.scaled_dot_product_attention(rows, rows, rows).mean(1))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(64, 64), nn.Linear(64, 64)
        self.two.weight = self.one.weight
        self.fc = nn.Linear(64, WAY)

    def forward(self, x):
        return self.fc(self.two(self.one(x.flatten(1)).tanh()).tanh())


class Shifted(nn.Module):
    """With a buffer and a plain tensor, which never change."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.full((64,), 0.25))
        self.scale = torch.tensor(3.0)
        self.fc = nn.Linear(64, WAY)

    def forward(self, x):
        return self.fc((x.flatten(1) - self.mean) * self.scale)


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.what, self.how_much = nn.Linear(64, 8), nn.Linear(8, WAY), nn.Linear(8, 1)

    def forward(self, x):
        features = self.body(x.flatten(1)).relu()
        return {"what": self.what(features), "how much": self.how_much(features)}


def frozen() -> nn.Module:
    module = conv(nn.GroupNorm(2, 4))
    module[0].requires_grad_(False)
    module[1].weight.requires_grad_(False)
    return module


NETS = {
    "batch-norm": lambda: conv(nn.BatchNorm2d(4)),
    "batch-norm without averages": lambda: conv(nn.BatchNorm2d(4, track_running_stats=False)),
    "batch-norm without weights": lambda: conv(nn.BatchNorm2d(4, affine=False)),
    "batch-norm of this package": lambda: conv(BatchNorm(4)),
    "dropout": lambda: conv(nn.Dropout(0.3)),
    "frozen": frozen,
    "lstm": lambda: Reads(nn.LSTM),
    "gru": lambda: Reads(nn.GRU),
    "transformer": Attends,
    "transformer with dropout": lambda: Attends(0.2),
    "attention": OwnAttention,
    "tied": Tied,
    "constants": Shifted,
    "in place": lambda: conv(nn.ReLU(inplace=True)),
    "group norm": lambda: conv(nn.GroupNorm(2, 4)),
    "weight norm": lambda: nn.Sequential(
        nn.Flatten(), nn.utils.parametrizations.weight_norm(nn.Linear(64, WAY))
    ),
}
NORMED = [name for name in NETS if name.startswith("batch-norm")]


@pytest.fixture(scope="module")
def data() -> Classes:
    faint = torch.rand(30, 1, 1, SIDE, SIDE, generator=seeded(1))
    noise = torch.rand(30, 8, 1, SIDE, SIDE, generator=seeded(2))
    x = (0.8 * faint + 0.2 * noise).flatten(0, 1)
    return Classes(x, torch.arange(30).repeat_interleave(8))


def trained(data, net, steps=4, learner=MAML, **options):
    its = learner(Model(net), cross_entropy, inner_lr=0.3)
    how = {"meta_batch": 3, "shots": 2, "queries": 3, "meta_lr": 1e-2, "capture": False, **options}
    states = meta_train(its, data.tasks("train", WAY), Training(steps, **how), every=2)
    return its, list(states)


@pytest.fixture(scope="module", params=NETS)
def each(request, data):
    """A network, meta-trained for a moment, and a task for it."""
    net = NETS[request.param]
    learner, states = trained(data, net)
    tasks = data.tasks("test", WAY)
    task = tasks.sample(1, shots=2, queries=4, generator=seeded(3)).task(0)
    return request.param, net, learner, states, task


def test_it_trains_and_is_measured(each, data):
    _, _, learner, states, _ = each
    first, last = states[0].theta, states[-1].theta
    assert all(p.isfinite().all() for p in last.values())
    assert any(not torch.equal(first[name], last[name]) for name in first)
    how = Evaluation(4, 2, 3, 2, accuracy)
    together = evaluate(learner, last, data.tasks("test", WAY), how)
    alone = evaluate(
        learner, last, data.tasks("test", WAY), Evaluation(4, 2, 3, 2, accuracy, chunk_size=1)
    )
    assert [e.mean for e in together] == pytest.approx([e.mean for e in alone], abs=0.1)


def test_side_by_side_equals_a_plain_loop_over_tasks_by_autograd(each, data):
    """The meta-gradient, against PyTorch's own module, loops and `torch.autograd`."""
    name, net, learner, states, _ = each
    if "dropout" in name:
        pytest.skip("dropout draws other units for each task")
    batch = data.tasks("train", WAY).sample(3, shots=2, queries=3, generator=seeded(4))
    batch = batch._replace(support_x=batch.support_x.double(), query_x=batch.query_x.double())
    theta = {n: p.double() for n, p in states[-1].theta.items()}
    exact = learner.model.with_constants(
        {n: c.double() for n, c in learner.model.constants.items()}
    )
    learner = replace(learner, model=exact, inner_steps=2)
    grads, loss = meta_gradient(learner, theta, batch)
    module = NETS[name]().double().train()
    leaves = {n: p.clone().requires_grad_() for n, p in theta.items()}
    put_constants(module, learner.model)

    def run(state, x):
        given = {**dict(module.named_buffers()), **learner.model.constants, **state}
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            return torch.func.functional_call(module, given, (x,))

    total = 0.0
    for i in range(3):
        task, state = batch.task(i), leaves
        for _ in range(2):
            inner = cross_entropy(run(state, task.support_x), task.support_y)
            slopes = torch.autograd.grad(inner, list(state.values()), create_graph=True)
            state = {n: p - 0.3 * g for (n, p), g in zip(state.items(), slopes, strict=True)}
        total = total + cross_entropy(run(state, task.query_x), task.query_y) / 3
    torch.testing.assert_close(loss, total.detach(), rtol=1e-9, atol=1e-11)
    expected = torch.autograd.grad(total, list(leaves.values()))
    for g, wanted in zip(grads.values(), expected, strict=True):
        torch.testing.assert_close(g, wanted, rtol=1e-7, atol=1e-9)


def put_constants(module, model):
    """Plain tensors are attributes of the module, not buffers; they are the same in each."""
    for name in list(model.constants):
        if name not in dict(module.named_buffers()) | dict(module.named_parameters()):
            assert torch.equal(getattr(module, name), model.constants[name])
            delattr(module, name)
            module.register_buffer(name, model.constants[name])


def test_each_protocol_does_what_it_says(each):
    name, _, learner, states, task = each
    theta, answers = states[-1].theta, {}
    for protocol in PROTOCOLS:
        answers[protocol] = predict(learner.model, theta, task.query_x, task.support_x, protocol)
        fewer = predict(learner.model, theta, task.query_x[:5], task.support_x, protocol)
        alone = torch.allclose(answers[protocol][:5], fewer, atol=1e-4)
        assert alone == (protocol != "transductive" or name not in NORMED)
    same = torch.allclose(answers["support-only"], answers["transductive"], atol=1e-4)
    assert same == (name not in NORMED)
    one = torch.cat([task.support_x, task.query_x[:1]])
    expected = predict(learner.model, theta, one)[-1]
    torch.testing.assert_close(answers["one-by-one"][0], expected, rtol=1e-4, atol=1e-4)


def test_the_same_seed_gives_the_same_bits_and_a_run_can_be_resumed(each, data):
    _, net, learner, states, _ = each
    torch.rand(7)  # PyTorch's own generator is somewhere else now
    kept = torch.get_rng_state()
    how = Training(4, meta_batch=3, shots=2, queries=3, meta_lr=1e-2, capture=False)
    again = list(meta_train(learner, data.tasks("train", WAY), how, state=states[1], every=2))
    for name, p in states[-1].theta.items():
        assert torch.equal(p, again[-1].theta[name])
    assert torch.equal(kept, torch.get_rng_state())


def test_it_is_exported_to_the_readers_own_class(each):
    name, net, learner, states, task = each
    adapted = learner.adapt(states[-1].theta, task.support)[-1]
    module = learner.model.module(adapted, task.support_x)
    assert not module.training
    if name == "batch-norm without averages" or name.endswith("package"):
        protocol = "transductive"  # it remembers nothing
    else:
        protocol = "support-only"
    wanted = predict(learner.model, adapted, task.query_x, task.support_x, protocol)
    torch.testing.assert_close(module(task.query_x), wanted, rtol=1e-4, atol=1e-5)
    hers = net()
    hers.load_state_dict(module.state_dict(), strict=True)
    torch.testing.assert_close(hers.eval()(task.query_x), module(task.query_x))


class Rows(nn.Module):
    """Some layers on the rows of a picture, (samples, rows, pixels), or on the picture."""

    def __init__(self, *layers: nn.Module, picture: bool = False):
        super().__init__()
        self.first, self.layers = nn.Linear(SIDE, SIDE), nn.Sequential(*layers)
        self.fc, self.picture = nn.LazyLinear(WAY), picture
        self(torch.zeros(2, 1, SIDE, SIDE))

    def forward(self, x):
        rows = self.first(x)
        return self.fc(self.layers(rows if self.picture else rows[:, 0]).flatten(1))


LAYERS = {
    "layer norm": lambda: Rows(nn.LayerNorm(SIDE)),
    "layer norm without bias": lambda: Rows(nn.LayerNorm(SIDE, bias=False)),
    "layer norm of the picture": lambda: Rows(nn.LayerNorm((SIDE, SIDE)), picture=True),
    "rms norm": lambda: Rows(nn.RMSNorm(SIDE)),
    "instance norm": lambda: Rows(nn.InstanceNorm2d(1, affine=True), picture=True),
    "group norm": lambda: Rows(nn.GroupNorm(2, SIDE)),
    "local response": lambda: Rows(nn.LocalResponseNorm(2)),
    "prelu": lambda: Rows(nn.PReLU(SIDE)),
    "gelu, silu, elu": lambda: Rows(nn.GELU(), nn.SiLU(), nn.ELU(), nn.Softplus()),
    "glu, softmax": lambda: Rows(nn.GLU(), nn.Softmax(-1), nn.LogSoftmax(-1)),
    "conv1d": lambda: Rows(nn.Conv1d(SIDE, 4, 3)),
    "conv2d in groups": lambda: Rows(
        nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, groups=2), picture=True
    ),
    "transposed": lambda: Rows(nn.ConvTranspose2d(1, 2, 3, 2), picture=True),
    "max pool": lambda: Rows(nn.MaxPool2d(2), picture=True),
    "average pool": lambda: Rows(nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(2), picture=True),
    "larger": lambda: Rows(nn.Upsample(scale_factor=2, mode="bilinear"), picture=True),
}


@pytest.mark.parametrize("name", LAYERS)
def test_tasks_side_by_side_have_the_gradients_that_each_has_alone(name):
    """PyTorch's rules for `vmap` are not all right: that of layer-norm was not."""
    learner = MAML(Model(LAYERS[name]), cross_entropy, inner_lr=0.3)
    generator = seeded(1)
    x = torch.rand(2, 3, 6, 1, SIDE, SIDE, generator=generator, dtype=torch.float64)
    y = torch.randint(WAY, (2, 3, 6), generator=generator)
    batch = TaskBatch(x[0], y[0], x[1], y[1])
    theta = {n: p.double() for n, p in learner.init(generator=seeded()).items()}
    together, _ = meta_gradient(learner, theta, batch)
    alone, _ = meta_gradient(learner, theta, batch, chunk_size=1)
    for n, g in together.items():
        torch.testing.assert_close(g, alone[n], rtol=1e-9, atol=1e-11)


class Normed(nn.Module):
    """Calls PyTorch's functions itself."""

    def __init__(self):
        super().__init__()
        self.body, self.weight = nn.Linear(64, 6), nn.Parameter(torch.ones(6))
        self.bias, self.fc = nn.Parameter(torch.zeros(6)), nn.Linear(6, WAY)

    def forward(self, x):
        both = self.weight, self.bias
        x = nn.functional.batch_norm(self.body(x.flatten(1)), None, None, *both, True)
        return self.fc(nn.functional.layer_norm(x.sigmoid()[:, None], (6,), *both)[:, 0])


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize(
    "net",
    [
        lambda: conv4(WAY, channels=4),
        lambda: dense4(WAY, features=64, hidden=(8, 8)),
        lambda: Model(NETS["batch-norm"]),
        lambda: Model(Normed),
    ],
)
def test_large_sets_have_the_gradients_of_finite_differences(net, steps):
    """From 32 samples on, batch-norm is PyTorch's own: its rule for `vmap` is wrong with weights
    that each task has adapted, unless they stand apart."""
    learner, h = MAML(net(), cross_entropy, inner_lr=0.3, inner_steps=steps), 1e-8
    generator = seeded(1)
    x = torch.rand(2, 2, 40, 1, SIDE, SIDE, generator=generator, dtype=torch.float64)
    y = torch.randint(WAY, (2, 2, 40), generator=generator)
    batch = TaskBatch(x[0], y[0], x[1], y[1])
    theta = {n: p.double() for n, p in learner.init(generator=seeded()).items()}
    grads, _ = meta_gradient(learner, theta, batch)
    for name, p in theta.items():
        along = torch.randn(p.shape, generator=generator, dtype=torch.float64)
        ends = [meta_loss(learner, {**theta, name: p + s * h * along}, batch) for s in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * h)
        torch.testing.assert_close((grads[name] * along).sum(), slope, rtol=1e-4, atol=1e-6)


# --- batch-norm


def test_batch_norm_of_pytorch_has_the_numbers_of_pytorch():
    layer = nn.BatchNorm2d(4)
    nn.init.normal_(layer.weight)
    x = torch.rand(5, 4, 3, 3, generator=seeded())
    model = Model(nn.Sequential(layer))
    theta = model.init()
    torch.testing.assert_close(model(theta, x), layer.train()(x), rtol=1e-4, atol=1e-5)
    support = torch.rand(6, 4, 3, 3, generator=seeded(1))
    mean, var = support.mean((0, 2, 3)), support.var((0, 2, 3), unbiased=False)
    wanted = nn.functional.batch_norm(x, mean, var, layer.weight, layer.bias, eps=layer.eps)
    torch.testing.assert_close(model(theta, x, support), wanted, rtol=1e-4, atol=1e-5)


def test_batch_norm_in_eval_uses_its_averages_as_constants():
    module = conv(nn.BatchNorm2d(4))
    for _ in range(3):
        module(torch.rand(6, 1, SIDE, SIDE, generator=seeded()) + 1)
    model, x = Model(module.eval()), torch.rand(3, 1, SIDE, SIDE, generator=seeded(1))
    assert not model.has_batch_norm
    with training():
        torch.testing.assert_close(model(model.init(), x), module(x))
    assert torch.equal(model.module(model.init())[1].running_mean, module[1].running_mean)


def test_a_batch_norm_that_cannot_tell_the_support_set_says_so():
    class ByRow(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.fc = nn.BatchNorm1d(SIDE), nn.Linear(SIDE, WAY)

        def forward(self, x):
            rows = self.norm(x.flatten(0, 2))  # (samples * rows, pixels)
            return self.fc(rows.view(len(x), -1, SIDE).mean(1))

    model, x = Model(ByRow), torch.rand(4, 1, SIDE, SIDE)
    assert model(model.init(), x).shape == (4, WAY)
    with pytest.raises(
        ValueError, match="sees 64 rows where the batch has 8 samples.*transductive"
    ):
        predict(model, model.init(), x, x, "support-only")


def test_batch_norm_of_a_single_value_is_refused():
    model = Model(lambda: nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))
    with pytest.raises(ValueError, match="a single value here: give it more samples"):
        model(model.init(), torch.ones(1, 3))
    with pytest.raises(ValueError, match="support_x is missing"):
        model.module(model.init())


def test_a_single_query_under_the_transductive_protocol_is_warned_of():
    model, x = conv4(5, channels=4), torch.rand(5, 1, 28, 28)
    with pytest.warns(UserWarning, match='choose "support-only" for single queries'):
        predict(model, model.init(), x[:1], x)


# --- frozen, dropout, constants


@pytest.mark.parametrize(
    "kind", ["maml", "fomaml", "reptile", "meta-sgd", "imaml", "anil", "maml++"]
)
def test_frozen_layers_stay_in_both_loops(data, kind):
    torch.manual_seed(3)
    module = frozen()
    before = copy.deepcopy(module.state_dict())
    learner = LEARNERS[kind](Model(module), cross_entropy, inner_lr=0.1, inner_steps=2)
    states = meta_train(
        learner,
        data.tasks("train", WAY),
        Training(3, meta_batch=2, shots=1, queries=2, capture=False),
        every=3,
    )
    last = list(states)[-1].theta
    task = data.tasks("test", WAY).sample(1, shots=1, queries=2, generator=seeded()).task(0)
    adapted = learner.adapt(last, task.support)[-1]
    after = learner.model.module(adapted).state_dict()
    still = {name for name in before if torch.equal(before[name], after[name])}
    assert {"0.weight", "1.weight"} <= still
    assert "4.weight" not in still


def test_a_frozen_head_is_none_and_nothing_to_train_is_refused():
    module = conv()
    module[-1].requires_grad_(False)
    with pytest.raises(ValueError, match="needs one: a linear layer at its end"):
        ANIL(Model(module), cross_entropy)
    with pytest.raises(ValueError, match="no parameters to train: none, or all are frozen"):
        Model(conv().requires_grad_(False))


def test_dropout_is_on_in_training_only_and_drops_others_in_each_task(data):
    model = Model(lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 50), nn.Dropout(0.5)))
    theta, x = model.init(generator=seeded()), torch.ones(2, 1, SIDE, SIDE)
    assert torch.equal(model(theta, x), model(theta, x))
    with training():
        assert (model(theta, x) == 0).float().mean() == pytest.approx(0.5, abs=0.2)
        tasks = vmap(lambda x: model(theta, x), randomness="different")(torch.stack([x] * 3))
        assert not torch.equal(tasks[0] == 0, tasks[1] == 0)
        assert not torch.equal(tasks[0][0] == 0, tasks[0][1] == 0)
    assert torch.equal(model(theta, x), model(theta, x))
    off, _ = trained(data, conv(nn.Dropout(0.5)).eval())
    batch = data.tasks("train", WAY).sample(2, shots=1, queries=2, generator=seeded())
    theta = off.init(generator=seeded())
    assert torch.equal(meta_loss(off, theta, batch), meta_loss(off, theta, batch))


@pytest.mark.parametrize("name", ["batch-norm", "frozen", "lstm", "constants"])
def test_captured_and_eager_agree_and_a_captured_run_resumes(data, name):
    how = {"steps": 4, "meta_lr": 1e-3}
    _, eager = trained(data, NETS[name], **how)
    learner, captured = trained(data, NETS[name], **how, capture=True)
    more = Training(4, meta_batch=3, shots=2, queries=3, meta_lr=1e-3)
    again = list(meta_train(learner, data.tasks("train", WAY), more, state=captured[1]))
    for n, p in captured[-1].theta.items():
        torch.testing.assert_close(p, eager[-1].theta[n], rtol=1e-3, atol=1e-4)
        assert torch.equal(p, again[-1].theta[n])


def test_a_captured_run_with_dropout_resumes_with_the_same_bits(data):
    how = Training(4, meta_batch=2, shots=1, queries=2)
    learner, _ = trained(data, lambda: conv(nn.Dropout(0.5)), steps=0)
    states = list(meta_train(learner, data.tasks("train", WAY), how, every=2))
    again = list(meta_train(learner, data.tasks("train", WAY), how, state=states[1], every=2))
    assert all(torch.equal(p, again[-1].theta[n]) for n, p in states[-1].theta.items())


def test_a_captured_step_drops_other_units_each_time(data):
    learner, _ = trained(data, lambda: conv(nn.Dropout(0.5)), steps=0)
    start = learner.init(generator=seeded())
    how = {"meta_batch": 2, "shots": 1, "queries": 2, "meta_lr": 1e-9, "warmup": 0.0}
    tasks = data.tasks("train", WAY)

    class Same:
        def sample(self, n, **_):
            return tasks.sample(n, shots=1, queries=2, generator=seeded())

    losses = [s.meta_loss for s in meta_train(learner, Same(), Training(4, **how), every=1)][1:]
    assert len({round(loss, 4) for loss in losses}) == 4, losses
    assert start.keys() == learner.shapes().keys()


def test_constants_do_not_depend_on_the_seed_and_a_module_starts_at_its_own_parameters():
    model = Model(lambda: nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2)))
    again = Model(lambda: nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 2)))
    assert torch.equal(model.constants["0.weight"], again.constants["0.weight"])
    module = nn.Linear(2, 3)
    own = Model(module)
    assert all(
        torch.equal(p, own.init(generator=seeded(5))[n]) for n, p in module.named_parameters()
    )
    with torch.no_grad():
        module.weight.zero_()
    assert own.init()["weight"].abs().sum() > 0  # a copy


def test_heads_of_any_name_and_several_outputs(data):
    def loss(outputs, y):
        return cross_entropy(outputs["what"], y) + outputs["how much"].square().mean()

    learner = MAML(Model(Two, head="what"), loss, inner_lr=0.1)
    assert learner.model.head == "what"
    batch = data.tasks("train", WAY).sample(3, shots=1, queries=2, generator=seeded())
    theta = learner.init(generator=seeded())
    assert meta_gradient(learner, theta, batch)[1] > 0
    values = query_values(
        learner, theta, batch, inner_steps=1, metric=lambda out, y: accuracy(out["what"], y)
    )
    assert values.shape == (3, 2)
    for name in ("protonet", "anil"):
        assert name in LEARNERS


# --- what cannot work says why


class Changes(nn.Module):
    def __init__(self, how: str):
        super().__init__()
        self.register_buffer("seen", torch.zeros(64))
        self.fc, self.how = nn.Linear(64, WAY), how

    def forward(self, x):
        x = x.flatten(1)
        if self.how == "in place":
            self.seen += x.mean(0)
        else:
            self.seen = self.seen + x.mean(0)
        return self.fc(x - self.seen)


@pytest.mark.parametrize("how", ["in place", "anew"])
def test_a_module_that_changes_its_buffers_is_refused(data, how):
    with pytest.raises(ValueError, match="changes .* while it runs, which a pure function"):
        trained(data, lambda: Changes(how))
    model = Model(lambda: Changes(how))
    with pytest.raises(ValueError, match="changes .* while it runs, which a pure function"):
        model(model.init(), torch.ones(2, 1, SIDE, SIDE))


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, WAY)

    def forward(self, x):
        x = x.flatten(1)
        return self.fc(x if x.sum() > 1 else -x)


def test_a_module_that_looks_at_numbers_is_told_the_way_out(data):
    with pytest.raises(ValueError, match="side by side .*chunk_size=1, and Training capture=False"):
        trained(data, Branches)
    learner, states = trained(data, Branches, chunk_size=1, capture=False)
    how = Evaluation(4, 1, 2, 1, chunk_size=1)
    assert evaluate(learner, states[-1].theta, data.tasks("test", WAY), how)[-1].mean > 0


def test_a_tensor_that_should_be_a_parameter_is_named():
    class Forgot(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.scale = nn.Linear(2, 2), torch.ones((), requires_grad=True)

    with pytest.raises(ValueError, match=r"Forgot\.scale is a tensor that wants a gradient but"):
        Model(Forgot)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: nn.Sequential(nn.LazyLinear(3)), "has lazy layers"),
        (lambda: "a network", "what build returns is 'a network'"),
        ("a network", "build is 'a network'; it must be an nn.Module, or a function"),
    ],
)
def test_what_is_no_module_is_named(build, says):
    with pytest.raises(ValueError, match=says):
        Model(build)


@pytest.mark.parametrize(
    ("shape", "option"), [((2, 3, 28, 28), "in_channels"), ((2, 28, 28), "in")]
)
def test_conv4_names_its_option_for_colour(shape, option):
    model = conv4(5, channels=4)
    with pytest.raises(
        ValueError, match=rf"x has the shape .*\(samples, 1, height, width\).*{option}"
    ):
        model(model.init(), torch.rand(shape))
    colour = conv4(5, channels=4, in_channels=3)
    assert colour(colour.init(), torch.rand(2, 3, 40, 32)).shape == (2, 5)


def test_third_parties_gradients_flow_to_inputs():
    model = Model(Attends)
    x = torch.rand(2, 1, SIDE, SIDE)
    assert grad(lambda x: model(model.init(), x).sum())(x).abs().sum() > 0
