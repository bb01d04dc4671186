"""Ensembles of small neural networks: trained by scikit-learn, kept and evaluated as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from pipeline.science.blocks import available_threads

FloatArray = NDArray[np.float64]

VALIDATION_SHARE = 0.1
"""Of the stars, drawn anew for each network: they decide when its training ends."""

_CHECK_EVERY = 3
_PATIENCE = 6
_AVERAGE = 0.95
"""A network is the running mean of its weights over the epochs: this share of the mean so far is kept each time."""

_BATCH, _STEPS = (16, 200), 16
"""Stars of one step: few enough for so many steps an epoch, within these limits."""

_LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class NetworkTraining:
    """How one network is trained.

    Parameters
    ----------
    hidden : tuple of int
        Neurons of the hidden layers.
    penalty : float
        Of the squared weights.
    epochs : int
        At most so many passes through the training stars.
    """

    hidden: tuple[int, ...]
    penalty: float
    epochs: int


@dataclass(frozen=True)
class Networks:
    """Several networks of one shape: tanh in the hidden layers, linear at the end.

    Parameters
    ----------
    weights : tuple of ndarray, shape (n_networks, n_in, n_out)
        One array a layer.
    biases : tuple of ndarray, shape (n_networks, n_out)
        One array a layer.
    """

    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]

    def predict(self, features: FloatArray) -> FloatArray:
        """Outputs of each network, shape (n_networks, n_stars, n_outputs)."""
        values: FloatArray = np.broadcast_to(features, (len(self.weights[0]), *features.shape))
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = values @ weight + bias[:, None, :]
            if layer < len(self.weights) - 1:
                values = np.tanh(values)
        return values


@dataclass(frozen=True)
class NoisyFeatures:
    """Features of the training stars, as observed and with noise added.

    Parameters
    ----------
    levels : tuple of ndarray, shape (n_stars, n_features)
        One array a noise level; the first is as observed.
    weights : tuple of ndarray, shape (n_stars,)
        How much each star counts at each level.
    """

    levels: tuple[FloatArray, ...]
    weights: tuple[FloatArray, ...]

    def take(self, rows: NDArray[np.intp]) -> NoisyFeatures:
        """Features and weights of selected stars."""
        return NoisyFeatures(tuple(x[rows] for x in self.levels), tuple(w[rows] for w in self.weights))

    def mixed(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Features and weights of all stars, each star at a level drawn at random."""
        drawn = rng.integers(0, len(self.levels), len(self.levels[0]))
        features, weights = self.levels[0].copy(), self.weights[0].copy()
        for level in range(1, len(self.levels)):
            features[drawn == level] = self.levels[level][drawn == level]
            weights[drawn == level] = self.weights[level][drawn == level]
        return features, weights


def train_networks(
    features: NoisyFeatures,
    targets: FloatArray,
    groups: NDArray[np.int64],
    how: NetworkTraining,
    seeds: Sequence[tuple[int, ...]],
    progress: Callable[[float], None] | None = None,
) -> Networks:
    """Train several networks on the same stars, each with its own start, noise and validation stars.

    Parameters
    ----------
    features : NoisyFeatures
        Of the training stars.
    targets : ndarray, shape (n_stars, n_outputs)
        Scaled labels.
    groups : ndarray of int, shape (n_stars,)
        Star of each row; the rows of a star train or validate together.
    how : NetworkTraining
        Shape and length of the training.
    seeds : sequence of tuple of int
        One a network. The same seeds give the same networks, whatever the number of threads.
    progress : callable, optional
        Called with the fraction done.
    """
    trained = []
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(available_threads(None)) as pool:
        for network in pool.map(lambda seed: _train(features, targets, groups, how, seed), seeds):
            trained.append(network)
            if progress is not None:
                progress(len(trained) / len(seeds))
    layers = len(how.hidden) + 1
    return Networks(
        tuple(np.stack([network[layer] for network in trained]) for layer in range(layers)),
        tuple(np.stack([network[layers + layer] for network in trained]) for layer in range(layers)),
    )


def _train(
    features: NoisyFeatures,
    targets: FloatArray,
    groups: NDArray[np.int64],
    how: NetworkTraining,
    seed: tuple[int, ...],
) -> list[FloatArray]:
    """Weights of all layers, then their biases: the running mean that did best on the validation stars."""
    rng = np.random.default_rng(seed)
    stars, member = np.unique(groups, return_inverse=True)
    validating = np.zeros(stars.size, np.bool_)
    validating[rng.permutation(stars.size)[: max(1, round(VALIDATION_SHARE * stars.size))]] = True
    held = validating[member.reshape(-1)]
    own, judge = features.take(np.flatnonzero(~held)), features.take(np.flatnonzero(held))
    learned = targets[~held].astype(np.float32)
    network = MLPRegressor(
        hidden_layer_sizes=how.hidden,
        activation="tanh",
        alpha=how.penalty,
        batch_size=min(int(np.clip(len(learned) // _STEPS, *_BATCH)), len(learned)),
        learning_rate_init=_LEARNING_RATE,
        random_state=int(rng.integers(2**31)),
    )
    mean: list[FloatArray] = []
    best: list[FloatArray] = []
    lowest, since = np.inf, 0
    for epoch in range(how.epochs):
        x, weight = own.mixed(rng)
        network.partial_fit(x.astype(np.float32), learned, sample_weight=weight)
        now: list[Any] = [*network.coefs_, *network.intercepts_]
        mean = [_AVERAGE * old + (1.0 - _AVERAGE) * new for old, new in zip(mean, now, strict=True)] if mean else now
        mean = [np.array(part, np.float64) for part in mean]
        if epoch % _CHECK_EVERY != _CHECK_EVERY - 1:
            continue
        loss = _loss(mean, judge, targets[held])
        since = 0 if loss < lowest else since + 1
        if loss < lowest:
            lowest, best = loss, mean
        if since >= _PATIENCE:
            break
    return best or mean


def _loss(parts: list[FloatArray], judge: NoisyFeatures, targets: FloatArray) -> float:
    """Weighted mean square over the validation stars at every noise level."""
    layers = len(parts) // 2
    network = Networks(tuple(w[None] for w in parts[:layers]), tuple(b[None] for b in parts[layers:]))
    total = weights = 0.0
    for x, weight in zip(judge.levels, judge.weights, strict=True):
        total += float((weight[:, None] * np.square(network.predict(x)[0] - targets)).sum())
        weights += float(weight.sum())
    return total / weights
