"""The networks of the course, and the registry of those that a config can name.

`conv4` and `dense4` are Omniglot's of Finn, Abbeel & Levine (2017, section 5.2). Layers before
batch-norm have no bias, which batch-norm would subtract again. Weights start as in the authors'
code (Glorot's uniform for convolutions, a small normal for dense layers), because before batch-norm
the size of a weight sets how far a gradient step turns it. Heads start as PyTorch's do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from maml_edu.foundation.checks import InputError, at_least, choice, integer, layer_sizes
from maml_edu.foundation.options import Option, Options
from maml_edu.models.functional import Model
from maml_edu.models.norm import BatchNorm

PRECISIONS = ("float32", "bfloat16")


def mlp(*sizes: int) -> Model:
    """Fully connected layers with ReLU between them: (samples, sizes[0]) -> (samples, sizes[-1]).

    `mlp(1, 40, 40, 1)` is the sine network of Finn et al. (2017, section 5.1). Raises InputError.
    """
    if len(sizes) < 2:
        raise InputError(f"sizes is {sizes}; give at least an input and an output size")
    at_least(1, **{f"sizes[{i}]": size for i, size in enumerate(sizes)})

    def build() -> nn.Module:
        layers: list[nn.Module] = []
        for fan_in, fan_out in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    return Model(build)


class _Blocks(nn.Module):
    """Layers, each followed by batch-norm and ReLU; then the mean over pixels; then a head."""

    def __init__(self, layers: Sequence[nn.Module], widths: Sequence[int], way: int | None):
        super().__init__()
        if way is not None:
            at_least(2, way=way)
        self.layers = nn.ModuleList(layers)
        self.norms = nn.ModuleList(BatchNorm(width) for width in widths)
        self.head = nn.Identity() if way is None else nn.Linear(widths[-1], way)

    def forward(self, x: Tensor) -> Tensor:
        self._check(x)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x)).relu()
        x = x.float() if x.dtype == torch.bfloat16 else x
        return self.head(x.flatten(2).mean(2) if x.dim() > 2 else x)

    def _check(self, x: Tensor) -> None:
        """Say which option fits another number of channels, or of features."""
        if isinstance(first := self.layers[0], nn.Conv2d):
            wanted, fits = first.in_channels, x.dim() == 4 and x.shape[1] == first.in_channels
            shape, option = f"(samples, {wanted}, height, width)", "conv4(..., in_channels=...)"
        else:
            wanted, fits = first[1].in_features, x[0].numel() == first[1].in_features
            shape, option = (
                f"(samples, ...) with {wanted} numbers each",
                "dense4(..., features=...)",
            )
        if not fits:
            raise InputError(f"x has the shape {tuple(x.shape)}; it must be {shape}: see {option}")


class _BFloat16Conv2d(nn.Conv2d):
    """A convolution in bfloat16, with weights in float32."""

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x.bfloat16(), self.weight.bfloat16(), None)


def conv4(
    way: int | None, *, channels: int = 64, in_channels: int = 1, precision: str = "float32"
) -> Model:
    """Four 3x3 convolutions of stride 2 (28 pixels a side become 14, 7, 4, 2), and a linear head.

    (samples, in_channels, height, width) -> (samples, way) logits. As in the authors' code, the
    head sees each channel's mean over the last 2x2 pixels.

    way: the number of classes, 2 or more; or None for no head, so that the outputs are those means,
        (samples, channels) features. channels: of each convolution. Default: 64.
    precision: "float32" (the default), or "bfloat16" where no inner step moves the convolutions
        (ANIL, prototypical networks): they and batch-norm then take less than half the time. theta
        stays in float32.
    Raises InputError.
    """
    choice(PRECISIONS)("precision", precision)
    at_least(1, channels=channels, in_channels=in_channels)

    def build() -> nn.Module:
        fan_in = [in_channels] + [channels] * 3
        layer = _BFloat16Conv2d if precision == "bfloat16" else nn.Conv2d
        convolutions = [layer(n, channels, 3, stride=2, padding=1, bias=False) for n in fan_in]
        for convolution in convolutions:
            nn.init.xavier_uniform_(convolution.weight)
        return _Blocks(convolutions, [channels] * 4, way)

    return Model(build)


def dense4(
    way: int | None, *, features: int = 28 * 28, hidden: Sequence[int] = (256, 128, 64, 64)
) -> Model:
    """The paper's network without convolutions: four dense layers, and a linear head.

    (samples, …) with `features` numbers a sample -> (samples, way) logits, or (samples, hidden[-1])
    features if way is None. hidden: the sizes of the layers. Raises InputError.
    """
    widths = tuple(hidden)
    if not widths:
        raise InputError("hidden is empty; give the size of at least one hidden layer")
    at_least(1, features=features, **{f"hidden[{i}]": width for i, width in enumerate(widths)})

    def build() -> nn.Module:
        layers = []
        for fan_in, fan_out in zip((features, *widths), widths, strict=False):
            dense = nn.Linear(fan_in, fan_out, bias=False)
            nn.init.trunc_normal_(dense.weight, std=0.01, a=-0.02, b=0.02)
            layers.append(nn.Sequential(nn.Flatten(), dense))
        return _Blocks(layers, widths, way)

    return Model(build)


@dataclass(frozen=True)
class Network:
    """build: (inputs, outputs, **options) -> a Model; outputs None: without a head."""

    build: Callable[..., Model]
    options: Options


def _hidden(*sizes: int) -> Option:
    return Option(sizes, layer_sizes, "units of each hidden layer")


NETWORKS = {
    "mlp": Network(
        lambda inputs, outputs, hidden: mlp(inputs, *hidden, outputs), {"hidden": _hidden(40, 40)}
    ),
    "conv4": Network(
        lambda inputs, outputs, **options: conv4(outputs, **options),
        {
            "channels": Option(64, integer(1, 4096), "channels of each convolution"),
            "precision": Option(
                "float32", choice(PRECISIONS),
                "of training; bfloat16 is faster, where no inner step moves the convolutions",
            ),
        },
    ),
    "dense4": Network(
        lambda inputs, outputs, hidden: dense4(outputs, features=inputs, hidden=hidden),
        {"hidden": _hidden(256, 128, 64, 64)},
    ),
}  # fmt: skip
