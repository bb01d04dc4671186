"""The simulated survey: one call makes the table, the truth, the stream and a source of spectra."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.domain.columns import column, in_published_order
from pipeline.domain.frames import FRAMES, SolarFrame
from pipeline.domain.spectrum import Spectrum
from pipeline.domain.wavelength import C_KMS
from pipeline.mock import oddities
from pipeline.mock.binaries import draw_binaries
from pipeline.mock.branches import GiantBranches
from pipeline.mock.contaminants import CONTAMINANTS, draw_contaminants
from pipeline.mock.instrument import Conditions, SpectrumSimulator
from pipeline.mock.photometry import astrometry, magnitudes, reference_labels
from pipeline.mock.plates import REPEAT_SHARE, Visits, draw_visits
from pipeline.mock.published import Columns, j_name, publish, through_redshift, unknown_class
from pipeline.mock.reference import reference_spectra
from pipeline.mock.spectra import Light
from pipeline.mock.stars import COMPONENTS, SHARES, Stars, draw_galaxy, draw_stream
from pipeline.mock.systematics import Systematics, draw_systematics
from pipeline.science.space.dust import BAND_COEFFICIENTS, DustMap, ExponentialDisc
from pipeline.science.stream.model import StreamModel, sagittarius_stream_model

FIRST_OBSID = 8_000_000_001
"""First identifier; LAMOST's own are far below, so a simulated star is never taken for a real one."""

FIRST_GAIA_ID = 9_000_000_000_000_000_001
"""Beyond every Gaia identifier (they end below 6.92e18)."""

SOURCE = "simulated survey"

_CARBON = 1.0
"""Strength of C2 and CN in carbon stars."""

RV_INPUT_ERROR_KMS = 8.0
"""Error of the velocity that the survey's own pipeline would have put into the header."""

GIANTS = ("M giant", "K giant", "carbon star")
"""Kinds of stars that may have a companion."""

_MAX_HEADER_KMS = 1490.0
_BLOCK = 256
_PARTICLES_A_STAR = 8
_PARTICLES = (2000, 12_000)
"""Fewest and most particles of the stream that stars are drawn about."""


@dataclass(frozen=True)
class MockSurvey:
    """A simulated survey.

    Parameters
    ----------
    table : DataFrame
        What the surveys would have published, under the contract's column names; one row an observation, numbered by
        night, plate, spectrograph and fibre.
    truth : DataFrame
        ``obsid`` and what is true of each observation and of the star it is meant to be of: ``true_*``, ``component``,
        ``kind``, and its ``oddity`` ("" for none) with ``oddity_size``, ``oddity_velocity`` and ``oddity_partner``
        (an obsid, 0 for none; :class:`~pipeline.mock.oddities.Planted`); and what went wrong by plate, season or
        header: ``true_rv_orbit``, ``true_rv_wavelength``, ``true_red_arm_kms``, ``true_rv_wrong_arm``,
        ``true_red_sky``, ``header_wrong``, ``true_band_excess``, ``true_line_excess``.
    stream : StreamModel
        The Sagittarius particles that the stream stars were drawn from.
    seed : int
        Seed of everything; the same seed gives the same bytes.
    frame : SolarFrame
        Where the Sun is and how it moves.
    dust_name : str
        The dust map that reddened the stars.
    stars : Stars
        The stars, in row order; those seen again stand several times.
    light, second : Light
        What shone into each fibre, and a second star's light where there is one.
    conditions : Conditions
        How each was observed.
    """

    table: pd.DataFrame
    truth: pd.DataFrame
    stream: StreamModel
    seed: int
    frame: SolarFrame
    dust_name: str
    stars: Stars = field(repr=False)
    light: Light = field(repr=False)
    second: Light = field(repr=False)
    conditions: Conditions = field(repr=False)

    def __len__(self) -> int:
        """Number of observations."""
        return len(self.table)

    @cached_property
    def _simulator(self) -> SpectrumSimulator:
        return SpectrumSimulator(self.seed)

    @property
    def wavelength(self) -> NDArray[np.float64]:
        """Vacuum wavelengths of every spectrum in Angstrom, shape (p,)."""
        return self._simulator.wavelength

    def observe(
        self, rows: slice | NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Spectra of some rows; a spectrum does not depend on which others are asked for with it.

        Parameters
        ----------
        rows : slice or ndarray of int
            Positions in the table. A block of a few hundred at a time keeps memory modest (about 200 MB at 256).

        Returns
        -------
        wavelength : ndarray, shape (p,)
            Vacuum, Angstrom.
        flux, ivar, mask : ndarray, shape (n, p)
            Relative flux in the observed (heliocentric) frame, inverse variance, True where a pixel is dead.
        """
        index = np.arange(len(self))[rows]
        flux = np.empty((index.size, self.wavelength.size), np.float32)
        ivar = np.empty_like(flux)
        mask = np.empty(flux.shape, np.bool_)
        for start in range(0, index.size, _BLOCK):
            part = index[start : start + _BLOCK]
            block = slice(start, start + part.size)
            observed = self._simulator.observe(self.light[part], self.conditions[part], self.second[part])
            flux[block], ivar[block], mask[block] = observed
        return self.wavelength, flux, ivar, mask

    def noiseless(self, rows: slice | NDArray[np.intp]) -> NDArray[np.float64]:
        """Spectra without noise and instrument, observed frame and reddened, median 1 over 8000-8950, shape (n, p)."""
        index = np.arange(len(self))[rows]
        conditions = self.conditions[index]
        starlight = self._simulator.starlight
        return starlight.mixed(self.light[index], self.second[index], conditions.share, conditions.ebv)

    def spectra(self) -> Iterator[Spectrum]:
        """Every spectrum in row order, observed in blocks."""
        for start in range(0, len(self), _BLOCK):
            rows = slice(start, min(start + _BLOCK, len(self)))
            wavelength, flux, ivar, mask = self.observe(rows)
            records = [{str(k): v for k, v in row.items()} for row in self.table.iloc[rows].to_dict("records")]
            for n, record in enumerate(records):
                yield Spectrum(
                    int(record["obsid"]),
                    wavelength,
                    flux[n].astype(np.float64),
                    ivar[n].astype(np.float64),
                    mask[n],
                    MappingProxyType(_meta(record, flux[n], ivar[n])),
                )


def simulate(
    n_stars: int = 3000,
    seed: int = 20230419,
    training: int = 600,
    *,
    frame: SolarFrame | None = None,
    dust: DustMap | None = None,
    stream: StreamModel | None = None,
) -> MockSurvey:
    """Simulate a survey of M giants.

    Parameters
    ----------
    n_stars : int
        Number of observations, of stars of all components and kinds; some stars are observed again.
    seed : int
        Seed of everything.
    training : int
        How many stars the label model will train on; half as many again get reference labels, to test on.
    frame : SolarFrame, optional
        Where the Sun is; the paper's by default.
    dust : DustMap, optional
        What reddens the stars; the analytic disc by default, with 30 per cent of scatter a star, which is the
        error that the paper gives dust maps.
    stream : StreamModel, optional
        What Sagittarius giants stand on; one of this seed is integrated by default.

    Returns
    -------
    MockSurvey
        Table, truth, stream and spectra.

    Raises
    ------
    ValueError
        If fewer than 20 stars are asked for, or more training stars than stars.
    """
    if n_stars < 20:
        raise ValueError(f"A simulated survey needs at least 20 stars; found n_stars={n_stars}.")
    if not 0 <= training <= n_stars:
        raise ValueError(f"training must lie between 0 and n_stars={n_stars}; found {training}.")
    frame = frame or FRAMES["paper"]
    dust = dust or ExponentialDisc(r0_kpc=frame.r0_kpc)
    seeds = np.random.SeedSequence(seed).spawn(7)
    sky, noise, plates, odd, archives, pairs, faults = (np.random.default_rng(s) for s in seeds)
    stars, stream = draw_stars(n_stars - round(REPEAT_SHARE * n_stars), seed, sky, frame, dust, stream)
    binaries = draw_binaries(stars.logg, np.isin(stars.kind, GIANTS), pairs)
    seen = magnitudes(stars, noise)
    seen |= astrometry(stars, seen["g_mag"], binaries, noise)
    seen |= reference_labels(stars, seen["h_mag"], round(1.5 * training), noise)
    visits = draw_visits(stars.ra, stars.dec, seen["g_mag"], n_stars, plates)
    level = 500.0 * 10.0 ** (-0.4 * (seen["g_mag"][visits.star] - 14.0)) * visits.throughput
    published = publish(stars, seen, FIRST_GAIA_ID, archives)
    published |= reference_spectra(stars, published, binaries, archives)
    wrong = draw_systematics(visits, seen["g_mag"][visits.star], stars.kind[visits.star] == "M giant", faults)
    orbit = binaries[visits.star].velocity(visits.lmjd.astype(np.float64))
    stars = stars[visits.star]
    published = {name: values[visits.star] for name, values in published.items()}
    planted = oddities.choose(
        stars.kind, visits.plan_id, stars.labels, np.isfinite(published["teff_ref"]), visits.star, visits.snr, odd
    )
    mislabelled = np.flatnonzero(planted.kind == "mislabelled")
    for name in ("teff_ref", "logg_ref", "m_h_ref", "alpha_m_ref"):
        published[name][mislabelled] = published[name][planted.partner[mislabelled]]
    galaxy = stars.kind == "galaxy"
    light = Light(
        labels=stars.labels,
        carbon=_CARBON * (stars.kind == "carbon star"),
        emission=np.zeros(n_stars),
        rv_kms=np.where(galaxy, 0.0, stars.rv + orbit)
        + visits.zero_point_kms
        + wrong.wavelength_kms
        + wrong.red_arm_kms,
        blue_kms=-wrong.red_arm_kms,
        redshift=np.where(galaxy, stars.rv / C_KMS, 0.0),
        band_excess=stars.band_excess,
        line_excess=stars.line_excess,
    )
    key = np.arange(n_stars, dtype=np.uint64) + np.uint64(FIRST_OBSID)
    conditions = replace(Conditions.ordinary(visits.snr, stars.ebv, level, key), red_sky=wrong.red_sky)
    light, second, conditions = oddities.apply(planted, light, conditions, odd)
    header = light.rv_kms + light.blue_kms + RV_INPUT_ERROR_KMS * noise.standard_normal(n_stars)
    rv_input = through_redshift(np.clip(header + wrong.header_error_kms, -_MAX_HEADER_KMS, _MAX_HEADER_KMS))
    unknown = unknown_class(visits.snr, stars.kind == "M giant", archives)
    published |= {"rv_input": np.where(unknown | galaxy, np.nan, rv_input)}
    published["object_class"] = np.where(unknown, "Unknown", np.where(galaxy, "GALAXY", "STAR"))
    order = visits.in_time()
    stars, visits, conditions = stars[order], visits[order], conditions[order]
    light, second, wrong, orbit = light[order], second[order], wrong[order], orbit[order]
    planted = planted.reordered(order)
    table = _table(light, visits, {name: values[order] for name, values in published.items()})
    truth = _truth(stars, visits, planted, wrong, orbit, table["obsid"].to_numpy())
    return MockSurvey(table, truth, stream, seed, frame, dust.name, stars, light, second, conditions)


def draw_stars(
    n: int,
    seed: int,
    rng: np.random.Generator,
    frame: SolarFrame,
    dust: DustMap,
    stream: StreamModel | None = None,
) -> tuple[Stars, StreamModel]:
    """Stars of all components and kinds in random order, and the stream model that some of them follow.

    Without a stream one is integrated.
    """
    branches = GiantBranches()
    strange = {kind: round(share * n) for kind, share in CONTAMINANTS.items()}
    giants = n - sum(strange.values())
    counts = [round(share * giants) for share in SHARES[1:]]
    counts = [giants - sum(counts), *counts]
    particles = int(np.clip(_PARTICLES_A_STAR * counts[3], *_PARTICLES))
    stream = stream or sagittarius_stream_model(particles, seed, frame)
    parts = [
        draw_galaxy(name, count, rng, frame, dust, branches)
        for name, count in zip(COMPONENTS[:3], counts[:3], strict=True)
    ]
    parts.append(draw_stream(stream, counts[3], rng, frame, dust, branches))
    parts += [draw_contaminants(kind, count, rng, frame, dust, branches) for kind, count in strange.items() if count]
    stars = Stars.joined(parts)
    return stars[rng.permutation(len(stars))], stream


def _table(light: Light, visits: Visits, published: Columns) -> pd.DataFrame:
    """Every star was classified a giant by its Teff, rightly or not, or is Unknown: that is why it is here."""
    n = len(light)
    no_star = published["object_class"] != "STAR"
    subclass = np.array([f"gM{kind}" if kind >= 0 else "K7" for kind in _subtype(light.labels[:, 0])])
    columns: dict[str, Any] = {
        "obsid": FIRST_OBSID + np.arange(n),
        "designation": [j_name(*place) for place in zip(published["ra"], published["dec"], strict=True)],
        "plan_id": visits.plan_id,
        "spectrograph_id": visits.spectrograph_id,
        "fiber_id": visits.fiber_id,
        "lmjd": visits.lmjd,
        "subclass": np.where(no_star, "Non", subclass),
        "obsid_source": np.full(n, "simulated"),
        "source_file": np.full(n, SOURCE),
        **published,
    }
    frame = pd.DataFrame({name: columns[name] for name in in_published_order(columns)})
    return frame.astype({name: column(name).dtype for name in frame.columns})


def _truth(
    stars: Stars,
    visits: Visits,
    planted: oddities.Planted,
    wrong: Systematics,
    orbit: NDArray[np.float64],
    obsid: NDArray[np.int64],
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "obsid": obsid,
            "component": stars.component.astype(str),
            "kind": stars.kind.astype(str),
            "oddity": planted.kind.astype(str),
            "oddity_size": planted.size,
            "oddity_velocity": planted.velocity,
            "oddity_partner": np.where(planted.partner < 0, 0, obsid[planted.partner]),
            "true_star": visits.star,
            "true_teff": stars.teff,
            "true_logg": stars.logg,
            "true_m_h": stars.m_h,
            "true_alpha_m": stars.alpha_m,
            "true_age_gyr": stars.age_gyr,
            "true_ra": stars.ra,
            "true_dec": stars.dec,
            "true_rv": stars.rv,
            "true_rv_orbit": orbit,
            "true_rv_zero_point": visits.zero_point_kms + wrong.arm_kms,  # as the red arm has it
            "true_rv_wavelength": wrong.wavelength_kms,
            "true_red_arm_kms": wrong.red_arm_kms,
            "true_rv_wrong_arm": wrong.broken_kms,
            "true_red_sky": wrong.red_sky,
            "header_wrong": wrong.wrong_header,
            "true_agb": stars.agb > 0,
            "true_band_excess": stars.band_excess,
            "true_line_excess": stars.line_excess,
            "true_pmra": stars.pmra,
            "true_pmdec": stars.pmdec,
            "true_parallax": 1.0 / stars.distance,
            "true_distance": stars.distance,
            "true_k_abs": stars.k_abs,
            "true_jk0": stars.jk0,
            "true_ebv": stars.ebv,
            "true_a_k": BAND_COEFFICIENTS["Ks"] * stars.ebv,
            "true_x_gal": stars.position[:, 0],
            "true_y_gal": stars.position[:, 1],
            "true_z_gal": stars.position[:, 2],
            "true_v_x": stars.velocity[:, 0],
            "true_v_y": stars.velocity[:, 1],
            "true_v_z": stars.velocity[:, 2],
            "true_snr_red": visits.snr,
        }
    )


def _subtype(teff: NDArray[np.float64]) -> NDArray[np.int64]:
    """M subtype of a giant by Teff (scale of Fluks et al. 1994, A&AS 105, 311), -1 for late K."""
    limits = np.array([3900.0, 3815.0, 3755.0, 3680.0, 3600.0, 3500.0, 3380.0])
    return np.asarray((teff[:, None] < limits).sum(axis=1) - 1)


def _meta(record: dict[str, Any], flux: NDArray[np.float32], ivar: NDArray[np.float32]) -> dict[str, Any]:
    names = (
        "source_file",
        "ra",
        "dec",
        "designation",
        "plan_id",
        "spectrograph_id",
        "fiber_id",
        "lmjd",
        "subclass",
        "rv_input",
    )
    signal = flux.astype(np.float64) * np.sqrt(ivar.astype(np.float64))
    return {
        **{name: record[name] for name in names},
        "obsid_source": record["obsid_source"],
        "snr": float(signal.mean()),
        "simulated": True,
    }
