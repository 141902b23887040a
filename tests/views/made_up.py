"""Traces that look like real ones, made without torch: what the drawing is tested on."""

from __future__ import annotations

import numpy as np

from maml_edu.views.scenes import (
    AdaptationTrace,
    BudgetTrace,
    ByHandTrace,
    ClassificationTrace,
    ComparisonTrace,
    CurvesTrace,
    DenseNetwork,
    DrawingsTrace,
    EmbeddingTrace,
    Gallery,
    ImageGrid,
    LandscapeTrace,
    MovementTrace,
    PlaneTrace,
    SweepTrace,
    TrainingTrace,
)


def adaptation(
    steps: int = 10,
    shots: int = 5,
    factor: float = 0.6,
    learner: str = "MAML",
    constant: bool = False,
) -> AdaptationTrace:
    """A function whose distance from the task's is multiplied by `factor` at each step."""
    rng = np.random.default_rng(shots)
    grid = np.linspace(-5, 5, 120)
    support, query = rng.uniform(-5, 5, shots), rng.uniform(-5, 5, 40)
    with np.errstate(over="ignore", invalid="ignore"):
        left = (1.0 if constant else np.float64(factor)) ** np.arange(steps + 1)
        wrong = -1.5 * np.sin(grid + 1)[None] * left[:, None]
        curves = 3 * np.sin(grid)[None] + wrong * np.cos(0.3 * grid)
        loss = 2.0 * left**2
        path = np.stack([left, np.sin(left)], axis=1)
    task = 3 * np.sin(grid), support, 3 * np.sin(support), query, 3 * np.sin(query)
    losses = loss, 1.3 * loss + 0.02
    return AdaptationTrace(learner, "inner_lr 0.01", grid, curves, *task, *losses, path, 0.97)


def diverged(steps: int = 10, factor: float = 1e60) -> AdaptationTrace:
    """One that overflows to infinity and then to NaN."""
    return adaptation(steps, factor=-factor)


def comparison() -> ComparisonTrace:
    """Three learners, of which one stops early and one diverges."""
    return ComparisonTrace((
        adaptation(), adaptation(4, factor=0.9, learner="joint"), diverged_as("random"),
    ))  # fmt: skip


def diverged_as(learner: str) -> AdaptationTrace:
    return adaptation(factor=-3.0, learner=learner)


def by_hand(points: int = 5, steps: int = 4) -> ByHandTrace:
    """Two networks, of which one learns the wave of these points; without points none does."""
    grid, x = np.linspace(-5, 5, 120), np.linspace(-4, 3, points)
    left = 0.5 ** np.arange(steps + 1) if points else np.ones(steps + 1)
    loss = np.stack([4 * left**2, 4 * left]) if points else np.full((2, steps + 1), np.nan)
    wave = 3 * np.sin(grid) * (1.0 if points > 1 else np.nan)
    curves = np.stack([3 * np.sin(grid) * (1 - left[:, None]), 0.1 * grid * left[:, None]])
    layers = (np.ones((2, 1)), np.zeros(2), np.ones((1, 2)), np.zeros(1))
    networks = tuple(DenseNetwork(n, layers, np.full((steps, 4), 0.1)) for n in ("this", "that"))
    known = np.where(np.abs(grid) < 4, 3 * np.sin(grid), np.nan)
    return ByHandTrace(
        networks, np.stack([x, 3 * np.sin(x)], 1), grid, curves, loss,
        wave, 0.0 if points > 1 else np.nan, (0.1, 5.0), (0.0, 3.14), known,
    )  # fmt: skip


def plane(paths: bool = True) -> PlaneTrace:
    """A tilted bowl with three gradients, two of which coincide."""
    x, y = np.linspace(-2, 2, 41), np.linspace(-1, 3, 51)
    height = (x[None] - 0.5) ** 2 + 2 * (y[:, None] - 1) ** 2 + x[None] * y[:, None]
    theta, gradient = np.array([-1.0, 2.0]), np.array([-1.0, 3.0])
    arrows = {"true meta-gradient": gradient, "finite differences": gradient * 1.001,
              "first order": np.array([-2.0, 1.0])}  # fmt: skip
    way = theta - 0.1 * np.arange(6)[:, None] * gradient
    return PlaneTrace(x, y, height, theta, arrows, {"descent": way} if paths else {},
                      {"minimum": np.array([0.0, 1.0])})  # fmt: skip


def landscape(growth: float = 0.6, steps: int = 6) -> LandscapeTrace:
    """A bowl around (-1, 0.5), and two tasks that go there and elsewhere; `growth` above 1 leaves
    the picture."""
    x, y = np.linspace(-2, 2, 31), np.linspace(-1.5, 2.5, 31)
    height = 0.1 + (x[None] + 1) ** 2 + 3 * (y[:, None] - 0.5) ** 2
    with np.errstate(over="ignore", invalid="ignore"):
        gone = 1 - np.float64(growth) ** np.arange(steps + 1)[:, None]
        loss = 0.1 + 1.75 * (1 - gone[:, 0]) ** 2
    paths = {"task 1": gone * [-1.0, 0.5], "task 2": gone * [1.5, 1.5]}
    words = "MAML", "inner_lr 0.01", "task 1", "support", "main directions"
    return LandscapeTrace(*words, x, y, height, paths, 0.93, loss, 1.2 * loss)


def training(entries: int = 40) -> TrainingTrace:
    """A meta-loss that falls, checked at inner steps 0, 1 and 5."""
    steps = np.linspace(0, 2000, entries) if entries > 1 else np.zeros(entries)
    checks = {}
    for inner, level in {0: 4.0, 1: 0.7, 5: 0.4}.items():
        at = steps[::8]
        checks[inner] = (at, level + 3 * np.exp(-at / 400), np.full(len(at), 0.15))
    noise = 1 + 0.2 * np.sin(np.arange(entries) * 7.0)
    return TrainingTrace("MAML", steps, (0.6 + 3.5 * np.exp(-steps / 300)) * noise, checks)


def curves(entries: int = 5) -> CurvesTrace:
    """Two measured curves over a logarithmic axis, and what one of them should be."""
    x = np.geomspace(1e-4, 1e-2, entries) if entries else np.zeros(0)
    measured = {"MAML": (x, 2 - 30 * x), "FOMAML": (x, 1 + 10 * x)}
    return CurvesTrace(
        "Coefficients", "inner_lr", "times", measured, {"MAML": (x, 0 * x + 2)}, log_x=True
    )


def budgets(seeds: int = 3, n: int = 3, missing: bool = False) -> BudgetTrace:
    """Two groups of learners that gain with the time they train."""
    at = 4.0 ** np.arange(1, n + 1)
    rng = np.random.default_rng(seeds)

    def reached(level: float) -> np.ndarray:
        values = level + 5 * np.log(at) + rng.normal(size=(seeds, n))
        values[-1, -1] = np.nan if missing else values[-1, -1]
        return values

    panels = {
        "some": {"MAML": reached(60), "ANIL": reached(50)},
        "others": {"ProtoNet": reached(70)},
    }
    return BudgetTrace("5-way 1-shot", at, panels, {"MAML": reached(10)}, "accuracy (%)")


def sweep(seeds: int = 3, shown: int = 1) -> SweepTrace:
    """Accuracies that part where there are few characters; the last seed of one is missing."""
    numbers = np.array([10, 60, 400, 1100])
    wobble = 0.02 * np.arange(seeds)[:, None]
    steps = np.array([0.2, 0.7, 0.75, 0.78])
    home, unseen = (np.linspace(a, b, 4)[:, None, None] * steps for a, b in ((1.2, 1), (0.7, 1)))
    accuracy = {"training characters": home - wobble, "unseen characters": unseen - wobble}
    accuracy["unseen characters"][2, -1] = np.nan
    return SweepTrace("MAML", "training characters", numbers, accuracy, 5, shown)


def classification(
    way: int = 5, shots: int = 1, queries: int = 3, steps: int = 3, growth: float = 3.0
) -> ClassificationTrace:
    """Logits of the right label that grow at each step, and noise on all of them."""
    rng = np.random.default_rng(way)
    support, query = np.repeat(np.arange(way), shots), np.repeat(np.arange(way), queries)
    with np.errstate(over="ignore", invalid="ignore"):
        right = growth * np.arange(steps + 1, dtype=float)[:, None, None] * np.eye(way)[query]
        odds = np.exp(right + rng.normal(size=(len(query), way)))
        chances = odds / odds.sum(-1, keepdims=True)
        loss = -np.log(chances[:, np.arange(len(query)), query]).sum(1) / max(len(query), 1)
    return ClassificationTrace(
        "MAML", "inner_lr 0.4", "transductive", tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:way]),
        drawings(len(support)), support, drawings(len(query)), query, chances, 0.5 * loss, loss,
        (chances.argmax(-1) == query).sum(1) / max(len(query), 1),
    )  # fmt: skip


def drawn(way: int = 3, shots: int = 1, steps: int = 3, growth: float = 1.0) -> DrawingsTrace:
    """Two learners, of which the first cannot say anything before adapting."""
    chances = np.random.default_rng(0).dirichlet(np.ones(way), (2, steps + 1))
    chances[0, 0] = 1 / way
    with np.errstate(over="ignore", invalid="ignore"):
        loss = np.outer([1.6, 1.7], np.float64(growth) ** np.arange(steps + 1.0))
    names, labels = tuple("ABCDE"[:way]), np.repeat(np.arange(way), shots)
    images = drawings(len(labels))
    return DrawingsTrace(("trained", "fresh"), names, images, labels, drawings(1)[0], chances, loss)


def drawings(n: int) -> np.ndarray:
    """Rings of n sizes."""
    y, x = np.mgrid[-1:1:28j, -1:1:28j]
    size = np.linspace(0.3, 0.9, n)[:, None, None]
    return np.exp(-60 * (np.hypot(x, y) - size) ** 2)


def gallery(n: int = 12) -> Gallery:
    """Two parts, of which one has labels."""
    some = ImageGrid("some", drawings(n), tuple("abcdefghijkl"[:n]))
    others = ImageGrid("others", drawings(3), ("one", "two", "three"), labels=(0, 1, 7))
    return Gallery("Rings", (some, others), "Fifteen rings.")


def embedding(way: int = 3, most: int = 4, queries: int = 2) -> EmbeddingTrace:
    """Classes around a circle; support drawings left and right of their middle by turns, so that
    prototypes come to it. All queries are answered with 0 at one shot, and rightly from two on."""
    angle = 2 * np.pi * np.arange(way) / way
    middle = np.stack([np.cos(angle), np.sin(angle)], -1)
    away = np.where(np.arange(most) % 2, -0.3, 0.3)[:, None] * [1.0, 0.0]
    support = np.full((most + 1, way, most, 2), np.nan)
    prototypes = np.full((most + 1, way, 2), np.nan)
    for shots in range(1, most + 1):
        support[shots, :, :shots] = middle[:, None] + away[:shots]
        prototypes[shots] = support[shots, :, :shots].mean(1)
    labels = np.repeat(np.arange(way), queries)
    answers = np.stack([labels] * (most + 1))
    answers[0], answers[1] = -1, 0
    query = np.stack([middle[labels] * 0.9] * (most + 1))
    words = "ProtoNet", "transductive", tuple("ABCDEFGHIJ"[:way])
    places = support, prototypes, query
    return EmbeddingTrace(*words, drawings(way), *places, labels, answers, 0.81)


def movement(steps: int = 3, growth: float = 0.5) -> MovementTrace:
    """A head that walks on, a layer that hardly moves, and one that rests."""
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.abs(1 - np.float64(growth) ** np.arange(steps + 1))
    moved = {"layer 1": 0 * far if growth < 1 else far, "layer 2": 1e-3 * far, "head": 10 * far}
    right = 0.2 + 0.7 * np.minimum(np.arange(steps + 1), 1)
    return MovementTrace("MAML", "inner_lr by layer", 5, 8, moved, right)
