"""Products with the user's own columns of all kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from products_factory import make_products

from pipeline.domain.column import Column
from pipeline.domain.own_columns import own_column

N_STARS = 400
SOURCE = "lists/My table.csv"
POPULATIONS = ("thin disc", "thick disc", "halo", "")
REQUIRED_COLUMNS = ("obsid", "in_training", "quality")


def own_columns(n_stars: int = N_STARS, seed: int = 5) -> dict[Column, Any]:
    """Numbers, whole numbers, truths and texts; odd units, a name that collides, labels in other letters."""
    rng = np.random.default_rng(seed)
    made: dict[Column, Any] = {}

    def add(spelling: str, values: Any, dtype: str, unit: str = "", ucd: str = "", about: str = "") -> None:
        column = own_column(spelling, dtype, unit, ucd, about, SOURCE, {one.name for one in made})
        made[column] = values

    teff = rng.normal(3800, 150, n_stars).astype(np.float32)
    teff[:20] = np.nan
    flux = rng.gamma(2.0, 1e-17, n_stars)
    flux[rng.random(n_stars) < 0.1] = np.nan
    add("Teff", teff, "float32", "K", "phys.temperature.effective", "Temperature by somebody else")
    add("Teff_err", np.full(n_stars, 25.0, np.float32), "float32", "K", "stat.error", "Uncertainty of Teff")
    add("Flux (X)", flux, "float64", "erg / (s cm2)", "phot.flux;em.X-ray", "X-ray flux")
    add("visits", rng.integers(1, 10, n_stars), "int16", "10-3 weird", "meta.number", "Number of visits")
    add("Is binary", rng.random(n_stars) < 0.3, "bool", about="Whether the velocity varies")
    add("Population", np.array(POPULATIONS, object)[rng.integers(0, 4, n_stars)], "str", about="Where it belongs")
    add("质量 α", rng.uniform(0.5, 2.0, n_stars), "float64", "solMass", "phys.mass", "恒星质量")
    add("Cost_of_it $$", rng.uniform(1e-6, 2e-6, n_stars), "float64", "$", about="[Fe/H]? no")
    add("Source id", 4_000_000_000_000_000_000 + np.arange(n_stars), "int64", ucd="meta.id", about="Identifier")
    add("Note", np.array([f"star {row} <b>" for row in range(n_stars)], object), "str", about="Free text")
    add("Empty", np.full(n_stars, np.nan), "float64", about="Nothing is known")
    return made


def make_own_products(directory: Path) -> Path:
    """Products of the usual kind, with own columns beside theirs."""
    return make_products(directory, N_STARS, own=own_columns())


def make_foreign_products(directory: Path) -> Path:
    """A catalogue of stars of another survey: positions, and columns that nobody declared."""
    keep = (*REQUIRED_COLUMNS, "ra", "dec")
    return make_products(directory, N_STARS, keep=keep, spectra=False, own=own_columns())
