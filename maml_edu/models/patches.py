"""A convolution as a product of two matrices: on a CPU, the faster way to differentiate it twice.

PyTorch's own convolutions are made for one kernel and many pictures; for these they are faster. In
MAML's inner loop each task has its own kernel and a few pictures. But a convolution is the product
of a matrix of patches by a matrix of weights, and so are its derivatives of both orders; tasks side
by side are a batch of such products. Channels come last here, so that a patch is a few long runs of
memory. It pays where the operations are captured: run one by one from Python, under the nested
`grad`s of `torch.func`, the two functions below cost more than they save.
"""

from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import pad


class PatchConv2d(nn.Conv2d):
    """A convolution that also comes apart, if it is one of conv4's: 3x3, stride 2, padding 1.

    The product of `patches_of(x)` by `matrix()` is the convolution of x, with the channels last.
    """

    def patches_of(self, x: Tensor) -> Tensor:
        """x (samples, height, width, channels) -> the same of half the sides, 9 times channels."""
        return _Patches.apply(x)

    def matrix(self) -> Tensor:
        """(9 * in_channels, out_channels): the weights, ordered as a patch is."""
        return self.weight.permute(0, 2, 3, 1).flatten(1).t()  # quicker to copy than (2, 3, 1, 0)


class _Patches(Function):
    """(…, height, width, channels) -> (…, half the height, half the width, 9 * channels).

    At each second pixel of each second row, the 3x3 pixels around it. Odd sides are halved upwards.
    """

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        *lead, height, width, channels = x.shape
        h, w = (height + 1) // 2, (width + 1) // 2
        x = pad(x, (0, 0, 1, 2 * w - width, 1, 2 * h - height))
        x = x.reshape(-1, *x.shape[-3:])
        sample, row, pixel, one = x.stride()
        patches = x.as_strided(
            (len(x), h, w, 3, 3, channels), (sample, 2 * row, 2 * pixel, row, pixel, one)
        )
        return patches.reshape(*lead, h, w, 9 * channels)

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: Tensor) -> None:
        ctx.sides = inputs[0].shape[-3:-1]

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _Overlap.apply(gradient, *ctx.sides)

    @staticmethod
    def vmap(info, in_dims: tuple, x: Tensor) -> tuple[Tensor, int]:
        return _Patches.apply(x.movedim(in_dims[0], 0)), 0


class _Overlap(Function):
    """The transpose of _Patches: each pixel is the sum of its places in all patches."""

    @staticmethod
    def forward(patches: Tensor, height: int, width: int) -> Tensor:
        *lead, h, w, _ = patches.shape
        taps = patches.reshape(-1, h, w, 3, 3, patches.shape[-1] // 9)
        # Pixels in squares of two by two. The patch of a square also has the square's neighbours.
        x = taps.new_zeros(len(taps), h + 1, 2, w + 1, 2, taps.shape[-1])
        x[:, :h, :, :w] = taps[:, :, :, :2, :2].transpose(2, 3)
        x[:, 1:, 0, :w] += taps[:, :, :, 2, :2]
        x[:, :h, :, 1:, 0] += taps[:, :, :, :2, 2].transpose(2, 3)
        x[:, 1:, 0, 1:, 0] += taps[:, :, :, 2, 2]
        x = x.flatten(3, 4).flatten(1, 2)[:, 1 : height + 1, 1 : width + 1]
        return x.reshape(*lead, height, width, x.shape[-1])

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Patches.apply(gradient), None, None

    @staticmethod
    def vmap(info, in_dims: tuple, patches: Tensor, *sides: int) -> tuple[Tensor, int]:
        return _Overlap.apply(patches.movedim(in_dims[0], 0), *sides), 0
