"""Batch normalisation without running averages: the statistics are those of the batch."""

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm


class BatchNorm(nn.Module):
    """Shift and scale each channel to mean 0 and variance 1 over a batch, then by `bias`, `weight`.

    Ioffe & Szegedy (2015, arXiv 1502.03167), but without running averages, which would be those of
    other tasks. The variance is the biased one. epsilon is 0.001, as in the layer that the authors
    of MAML used, because a variance over five drawings can be very small.

    Small batches use products that are written out here, since differentiating these twice costs
    less than PyTorch's layer, which is made to be differentiated once. Batches of `many` samples or
    more use PyTorch's, which reads its input fewer times; so does bfloat16, in which a mean that is
    written out would be coarse.
    """

    epsilon = 1e-3
    many = 32

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, n_context: int | None = None) -> Tensor:
        """x: (samples, channels, …) -> the same shape.

        n_context: take the statistics from the first n_context samples. Default: from all.
        """
        if n_context is None and (len(x) >= self.many or x.dtype == torch.bfloat16):
            return batch_norm(x, None, None, self.weight, self.bias, True, eps=self.epsilon)
        over = (0, *range(2, x.dim()))
        mean = x[:n_context].mean(over, keepdim=True)
        centred = x - mean
        variance = centred[:n_context].square().mean(over, keepdim=True)
        by_channel = (1, -1) + (1,) * (x.dim() - 2)
        scale = self.weight.view(by_channel) * torch.rsqrt(variance + self.epsilon)
        return centred * scale + self.bias.view(by_channel)

    def of_product(self, x: Tensor, matrix: Tensor, n_context: int | None = None) -> Tensor:
        """The same of the product x @ matrix, with the channels last.

        x: (samples, …, inputs). matrix: (inputs, channels). Returns (samples, …, channels).

        Where inputs are fewer than channels, the statistics of the product are worked out from the
        mean and the covariance of x, and the scale goes into the matrix: one pass over the product.
        """
        over = tuple(range(x.dim() - 1))
        few = len(matrix) < matrix.shape[1]
        y = x if few else x @ matrix
        centred = y - y[:n_context].mean(over)
        context = centred[:n_context].flatten(0, -2)
        if few:
            covariance = context.t() @ context / len(context)
            variance = (matrix * (covariance @ matrix)).sum(0)
        else:
            variance = context.square().mean(0)
        scale = self.weight * torch.rsqrt(variance + self.epsilon)
        if few:
            return centred @ (matrix * scale) + self.bias
        return torch.addcmul(self.bias, centred, scale)
