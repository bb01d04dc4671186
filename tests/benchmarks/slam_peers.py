"""Other methods that infer labels from the same spectra: two that invert a model of the spectrum, five that regress."""

import warnings

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

SOFTENING = 0.05
_STEPS = 25


class Regression:
    """Each label, or all together, as a function of the spectrum; a masked pixel gets the training stars' mean.

    Parameters
    ----------
    make : callable
        A new scikit-learn regressor.
    together : bool
        Whether it learns all labels at once.
    """

    def __init__(self, make, *, together=False):
        self._make, self._together = make, together

    def __call__(self, training, judged):
        labels, flux, _, mask = training
        mean = np.nan_to_num(np.nanmean(np.where(mask, np.nan, flux), axis=0))
        known, wanted = np.where(mask, mean, flux), np.where(judged[2], mean, judged[0])
        centre, spread = labels.mean(axis=0), labels.std(axis=0)
        targets = (labels - centre) / spread
        if self._together:
            found = self._make().fit(known, targets).predict(wanted)
        else:
            found = np.stack([self._make().fit(known, one).predict(wanted) for one in targets.T], axis=1)
        return centre + spread * found


class Inversion:
    """A model of each pixel as a function of the labels, inverted with the noise of each star by Gauss-Newton steps.

    Parameters
    ----------
    learn : callable
        Takes scaled labels, flux, inverse variance (0 where masked); returns a function from scaled labels to flux.
    """

    def __init__(self, learn):
        self._learn = learn

    def __call__(self, training, judged):
        labels, flux, ivar, mask = training
        centre, spread = labels.mean(axis=0), labels.std(axis=0)
        scaled = (labels - centre) / spread
        model = self._learn(scaled, np.where(mask, 0.0, flux), np.where(mask, 0.0, ivar))
        left = np.where(mask, np.nan, flux - model(scaled))
        noise = np.nanmedian(np.where(mask, np.nan, 1.0 / np.where(mask, 1.0, ivar)), axis=0)
        intrinsic = np.maximum(np.nanmedian(left**2, axis=0) / 0.455 - noise, 1e-8)
        low, high = scaled.min(axis=0), scaled.max(axis=0)
        found = np.empty((len(judged[0]), labels.shape[1]))
        for start in range(0, len(found), 500):
            rows = slice(start, start + 500)
            f, v, m = (part[rows] for part in judged)
            weight = np.where(m, 0.0, 1.0 / (1.0 / np.where(m, 1.0, v) + intrinsic))
            found[rows] = _invert(model, np.where(m, 0.0, f), weight, scaled, low, high)
        return centre + spread * found


def _invert(model, flux, weight, training, low, high):
    """Labels of least chi-squared, from the best of some training stars."""
    grid = training[:: max(1, len(training) // 400)]
    spectra = model(grid)
    labels = grid[np.argmin(weight @ (spectra**2).T - 2.0 * (weight * flux) @ spectra.T, axis=1)]
    chi2 = (weight * (flux - model(labels)) ** 2).sum(axis=1)
    damping = np.full(len(labels), 1e-2)
    for _ in range(_STEPS):
        here = model(labels)
        steps = 1e-3 * np.eye(labels.shape[1])
        slope = np.stack([(model(labels + step) - here) / 1e-3 for step in steps], axis=1)
        fisher = (slope * weight[:, None]) @ slope.transpose(0, 2, 1)
        gradient = np.einsum("nlp,np->nl", slope, weight * (flux - here))
        matrix = fisher + damping[:, None, None] * np.einsum("nll->nl", fisher)[:, :, None] * np.eye(labels.shape[1])
        matrix += 1e-9 * np.eye(labels.shape[1])
        trial = np.clip(labels + np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0], low, high)
        again = (weight * (flux - model(trial)) ** 2).sum(axis=1)
        better = again <= chi2
        labels, chi2 = np.where(better[:, None], trial, labels), np.where(better, again, chi2)
        damping = np.clip(np.where(better, damping / 5.0, damping * 8.0), 1e-8, 1e8)
    return labels


def quadratic(labels, flux, ivar):
    """The Cannon (Ness et al. 2015): each pixel a quadratic polynomial of the labels."""

    def design(x):
        pairs = [x[:, i] * x[:, j] for i in range(x.shape[1]) for j in range(i, x.shape[1])]
        return np.stack([np.ones(len(x)), *x.T, *pairs], axis=1)

    terms = design(labels)
    inner = np.einsum("np,na,nb->pab", ivar, terms, terms, optimize=True)
    coefficients = np.linalg.solve(inner + 1e-9 * np.eye(terms.shape[1]), (terms.T @ (ivar * flux)).T[:, :, None])
    return lambda x: design(x) @ coefficients[:, :, 0].T


def emulator(labels, flux, ivar):
    """Like The Payne (Ting et al. 2019): one network from labels to all pixels."""
    mean, spread = flux.mean(axis=0), flux.std(axis=0) + 1e-9
    del ivar
    network = MLPRegressor(
        hidden_layer_sizes=(100, 100),
        activation="tanh",
        alpha=1e-4,
        early_stopping=True,
        n_iter_no_change=20,
        max_iter=400,
        random_state=0,
    )
    network.fit(labels, (flux - mean) / spread)
    return lambda x: mean + spread * network.predict(x)


def _components(count):
    scale = FunctionTransformer(lambda flux: np.arcsinh(flux / SOFTENING))
    return make_pipeline(scale, PCA(count, svd_solver="full"), FunctionTransformer(lambda x: x / x.std()))


def kernel_ridge():
    """Kernel ridge regression on principal components."""
    grid = {"alpha": [0.003, 0.03, 0.3], "gamma": [0.01, 0.03, 0.1]}
    return make_pipeline(_components(40), GridSearchCV(KernelRidge(kernel="rbf"), grid, cv=3))


def network():
    """One network on principal components, without any of what the direct engine adds."""
    return make_pipeline(
        _components(60),
        MLPRegressor(
            hidden_layer_sizes=(128, 64),
            activation="tanh",
            alpha=1e-2,
            early_stopping=True,
            random_state=0,
            max_iter=300,
        ),
    )


PEERS = {
    "gradient boosting": Regression(
        lambda: make_pipeline(_components(60), HistGradientBoostingRegressor(random_state=0))
    ),
    "ridge": Regression(lambda: make_pipeline(StandardScaler(), RidgeCV(np.logspace(-4, 4, 17)))),
    "kernel ridge": Regression(kernel_ridge),
    "one network": Regression(network, together=True),
    "The Cannon": Inversion(quadratic),
    "Payne-like": Inversion(emulator),
}


def judge(name, training, judged):
    """Labels of the judged stars by one peer.

    Parameters
    ----------
    name : str
        One of :data:`PEERS`.
    training : tuple of ndarray
        Labels, flux, inverse variance, mask of the training stars.
    judged : tuple of ndarray
        Flux, inverse variance, mask of the others.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return PEERS[name](training, judged)
