"""Gaia DR3, its DR2 neighbours, 2MASS, AllWISE and distances, with names of the Gaia archive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.mock.archives.files import Field, texts, write_csv, write_ecsv, write_parquet, write_votable
from pipeline.mock.archives.gaia import GAIA_TYPES, derived
from pipeline.mock.archives.sky import FieldStars, SurveyStars, jittered
from pipeline.mock.published import ALLWISE_EPOCH, GAIA_EPOCH, LAMOST_EPOCH
from pipeline.mock.survey import MockSurvey

FloatArray = NDArray[np.float64]

GAIA_NAME = "gaia_source.parquet"
TMASS_NAME = "tmass_best_neighbour.csv"
ALLWISE_NAME = "allwise.vot"
DISTANCE_NAME = "gaiaedr3_distance.ecsv"
DR2_NAME = "dr2_neighbourhood.csv.gz"
FLOAT_NAME = "photometry_float_ids.csv"

ALLWISE_FIELDS = (
    Field("allwise_oid", "K", ucd="meta.record"),
    Field("designation", "20A", ucd="meta.id;meta.main"),
    Field("ra", "D", "deg", "pos.eq.ra;meta.main"),
    Field("dec", "D", "deg", "pos.eq.dec;meta.main"),
    Field("ra_error", "E", "arcsec", "stat.error;pos.eq.ra"),
    Field("dec_error", "E", "arcsec", "stat.error;pos.eq.dec"),
    Field("w1mpro", "E", "mag", "phot.mag;em.IR.3-4um"),
    Field("w1mpro_error", "E", "mag", "stat.error;phot.mag;em.IR.3-4um"),
    Field("w2mpro", "E", "mag", "phot.mag;em.IR.4-8um"),
    Field("w2mpro_error", "E", "mag", "stat.error;phot.mag;em.IR.4-8um"),
    Field("w3mpro", "E", "mag", "phot.mag;em.IR.8-15um"),
    Field("w3mpro_error", "E", "mag", "stat.error;phot.mag;em.IR.8-15um"),
    Field("w4mpro", "E", "mag", "phot.mag;em.IR.15-30um"),
    Field("w4mpro_error", "E", "mag", "stat.error;phot.mag;em.IR.15-30um"),
    Field("cc_flags", "4A", ucd="meta.code.qual"),
    Field("ext_flag", "J", ucd="meta.code"),
    Field("var_flag", "4A", ucd="meta.code;src.var"),
    Field("ph_qual", "4A", ucd="meta.code.qual"),
    Field("w1mjd_mean", "D", "d", "time.epoch"),
)
DISTANCE_FIELDS = (
    Field("source_id", "K"),
    *(Field(f"r_{part}_{kind}", "E", "pc") for kind in ("geo", "photogeo") for part in ("med", "lo", "hi")),
    Field("flag", "5A"),
)
TMASS_COLUMNS = (
    *("source_id", "original_ext_source_id", "angular_distance", "number_of_neighbours", "number_of_mates"),
    *("designation", "j_m", "j_msigcom", "h_m", "h_msigcom", "ks_m", "ks_msigcom", "ph_qual"),
)
FLOAT_COLUMNS = ("source_id", "ra", "dec", "j_m", "j_msigcom", "h_m", "h_msigcom", "ks_m", "ks_msigcom", "ph_qual")
DR2_COLUMNS = (
    *("dr2_source_id", "dr3_source_id", "angular_distance", "magnitude_difference"),
    "proper_motion_propagation",
)


@dataclass(frozen=True)
class Written:
    """Rows of the survey's stars in a file.

    Parameters
    ----------
    row : ndarray of int, shape (n_stars,)
        Row of each survey star, from 0; -1 where the file has none.
    rows : int
        Rows of the file.
    """

    row: NDArray[np.int64]
    rows: int


class Sky:
    """The sky tables of one survey, written one by one.

    Parameters
    ----------
    survey : MockSurvey
        The survey.
    stars : SurveyStars
        Its stars, each once.
    field : FieldStars
        What else the archives hold.
    rng : Generator
        Randomness.
    """

    def __init__(self, survey: MockSurvey, stars: SurveyStars, field: FieldStars, rng: np.random.Generator) -> None:
        self._table = survey.table.iloc[stars.row].reset_index(drop=True)
        self._stars, self._field, self._rng = stars, field, rng

    def _column(self, name: str) -> FloatArray:
        return self._table[name].to_numpy(float)

    def _shuffled(
        self, own: NDArray[np.bool_], values: dict[str, tuple[NDArray[Any], NDArray[Any]]]
    ) -> tuple[dict[str, NDArray[Any]], Written]:
        """Survey stars and field stars in random order.

        ``values`` are of all survey stars and of the field stars that go in.
        """
        rows = np.flatnonzero(own)
        total = rows.size + len(next(iter(values.values()))[1])
        order = self._rng.permutation(total)
        place = np.full(own.size, -1)
        place[rows] = np.argsort(order)[: rows.size]
        mixed = {name: np.concatenate([mine[rows], other])[order] for name, (mine, other) in values.items()}
        return mixed, Written(place, total)

    def write_gaia(self, path: Path) -> Written:
        """Write ``gaiadr3.gaia_source``: positions at 2016.0, nulls for two-parameter solutions."""
        field = self._field[~self._field.infrared_only]
        seen = ("parallax", "pmra", "pmdec", "ruwe", "pmra_pmdec_corr", "bp_rp")
        pairs = {name: (self._column(name), getattr(field, name, np.full(len(field), 0.1))) for name in seen}
        pairs["ruwe"] = (pairs["ruwe"][0], np.full(len(field), 1.02))
        none = np.full(len(field), np.nan)
        own_place, field_place = self._stars.at(GAIA_EPOCH), field.at(GAIA_EPOCH)
        pairs |= {
            "source_id": (self._table["gaia_source_id"].to_numpy(), field.gaia_source_id),
            "ra": (own_place[0], field_place[0]),
            "dec": (own_place[1], field_place[1]),
            "phot_g_mean_mag": (self._column("g_mag"), field.g_mag.astype(np.float32).astype(float)),
            "radial_velocity": (self._column("rv_gaia"), none),
            "radial_velocity_error": (self._column("rv_gaia_err"), none),
            **{
                f"{name}_error": (self._column(f"{name}_err"), np.full(len(field), 0.05))
                for name in ("parallax", "pmra", "pmdec")
            },
        }
        held = self._table["gaia_source_id"].to_numpy() > 0
        values, written = self._shuffled(held, pairs)
        write_parquet(path, values | derived(values, self._rng), GAIA_TYPES)
        return written

    def _two_micron(self) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_], FieldStars]:
        """2MASS columns of survey and field stars, and masks of the stars in 2MASS."""
        field = self._field[~self._field.infrared_only]
        values: dict[str, NDArray[Any]] = {}
        for band, name in (("j", "j_m"), ("h", "h_m"), ("k", "ks_m")):
            values[name] = self._column(f"{band}_mag")
            values[f"{name}sigcom"] = self._column(f"{band}_mag_err")
        return values, (self._table["tmass_id"] != "").to_numpy(), field

    def write_tmass(self, path: Path) -> Written:
        """Write ``tmass_psc_xsc_best_neighbour`` joined to ``gaiadr1.tmass_original_valid``.

        Without positions.
        """
        own, held, field = self._two_micron()
        names, n = self._table["tmass_id"].to_numpy(str), len(field)
        values, written = self._shuffled(
            held,
            {
                "source_id": (self._table["gaia_source_id"].to_numpy(), field.gaia_source_id),
                "designation": (names, field.tmass_id),
                "ph_qual": (self._table["ph_qual"].to_numpy(str), _field_quality(n)),
                **_with_field(own, field),
            },
        )
        distance = np.abs(0.05 * self._rng.standard_normal(written.rows))
        columns = {
            **{name: texts(values[name]) for name in ("source_id", "designation", "ph_qual")},
            "original_ext_source_id": texts(values["designation"]),
            "angular_distance": texts(distance, "{:.6f}"),
            "number_of_neighbours": ["1"] * written.rows,
            "number_of_mates": ["0"] * written.rows,
            **{name: texts(values[name], "{:.3f}") for name in own},
        }
        write_csv(path, {name: columns[name] for name in TMASS_COLUMNS})
        return written

    def write_float_ids(self, path: Path) -> Written:
        """Write 2MASS with positions, with identifiers damaged by conversion to floats."""
        own, held, field = self._two_micron()
        own_place = jittered((self._stars.ra, self._stars.dec), self._rng)
        values, written = self._shuffled(
            held,
            {
                "source_id": (
                    self._table["gaia_source_id"].to_numpy().astype(float),
                    field.gaia_source_id.astype(float),
                ),
                "ra": (own_place[0], field.ra),
                "dec": (own_place[1], field.dec),
                "ph_qual": (self._table["ph_qual"].to_numpy(str), _field_quality(len(field))),
                **_with_field(own, field),
            },
        )
        columns = {
            "source_id": texts(values["source_id"]),
            **{name: texts(values[name], "{:.6f}") for name in ("ra", "dec")},
            **{name: texts(values[name], "{:.3f}") for name in own},
            "ph_qual": texts(values["ph_qual"]),
        }
        write_csv(path, {name: columns[name] for name in FLOAT_COLUMNS})
        return written

    def write_allwise(self, path: Path) -> Written:
        """Write ``gaiadr1.allwise_original_valid``: positions at 2010.5 without Gaia identifiers."""
        own_place = jittered(self._stars.at(ALLWISE_EPOCH), self._rng)
        field, field_place = self._field, self._field.at(ALLWISE_EPOCH)
        n = len(field)
        pairs: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
            "designation": (self._table["allwise_id"].to_numpy(str), field.allwise_id),
            "ra": (own_place[0], field_place[0]),
            "dec": (own_place[1], field_place[1]),
            "ph_qual": (self._table["ph_qual_wise"].to_numpy(str), np.full(n, "AAUU")),
        }
        for band in ("w1", "w2"):
            pairs[f"{band}mpro"] = (self._column(f"{band}_mag"), np.round(getattr(field, f"{band}_mag"), 3))
            pairs[f"{band}mpro_error"] = (self._column(f"{band}_mag_err"), np.full(n, 0.025))
        held = (self._table["allwise_id"] != "").to_numpy()
        values, written = self._shuffled(held, pairs)
        n = written.rows
        upper = np.char.endswith(values["ph_qual"].astype(str), "U")
        values |= {
            "allwise_oid": 40_000_000_000 + np.arange(n),
            "ra_error": np.full(n, 0.05),
            "dec_error": np.full(n, 0.05),
            "w3mpro": values["w2mpro"] - 0.1,
            "w3mpro_error": np.full(n, 0.1),
            "w4mpro": values["w2mpro"] - 0.2,
            "w4mpro_error": np.where(upper, np.nan, 0.3),
            "cc_flags": np.array(["0000", "dd00", "h000"])[self._rng.choice(3, n, p=[0.94, 0.03, 0.03])],
            "ext_flag": np.zeros(n, np.int64),
            "var_flag": np.full(n, "00nn"),
            "w1mjd_mean": np.full(n, 51_544.5 + 365.25 * (ALLWISE_EPOCH - LAMOST_EPOCH)),
        }
        write_votable(path, ALLWISE_FIELDS, values, "gaiadr1.allwise_original_valid", ALLWISE_EPOCH)
        return written

    def write_distances(self, path: Path) -> Written:
        """Write ``external.gaiaedr3_distance`` of parallaxes above five errors, in pc.

        Photogeometric distances are often null.
        """
        field = self._field[~self._field.infrared_only & (self._field.parallax > 0.3)]
        geometric = ("distance_geo", "distance_geo_16", "distance_geo_84")
        shifts = (0.0, 0.05, -0.05)
        pairs: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
            "source_id": (self._table["gaia_source_id"].to_numpy(), field.gaia_source_id)
        }
        for part, name, shift in zip(("med", "lo", "hi"), geometric, shifts, strict=True):
            pairs[f"r_{part}_geo"] = (1000.0 * self._column(name), 1000.0 / (field.parallax + shift))
        values, written = self._shuffled(np.isfinite(self._column("distance_geo")), pairs)
        present = self._rng.uniform(size=written.rows) < 0.7
        for part, factor in (("med", 1.02), ("lo", 1.01), ("hi", 1.03)):
            values[f"r_{part}_photogeo"] = np.where(present, factor * values[f"r_{part}_geo"], np.nan)
        values["flag"] = np.where(present, "10033", "10099")
        write_ecsv(path, DISTANCE_FIELDS, values)
        return written

    def write_dr2(self, path: Path) -> Written:
        """Write ``gaiadr3.dr2_neighbourhood``, the nearest source of each."""
        field = self._field[~self._field.infrared_only]
        dr3 = (self._table["gaia_source_id"].to_numpy(), field.gaia_source_id)
        held = self._table["gaia_source_id"].to_numpy() > 0
        pairs = {
            "dr2_source_id": (self._table["gaia_dr2_source_id"].to_numpy(), field.gaia_source_id),
            "dr3_source_id": dr3,
        }
        values, written = self._shuffled(held, pairs)
        columns = {
            "dr2_source_id": texts(values["dr2_source_id"]),
            "dr3_source_id": texts(values["dr3_source_id"]),
            "angular_distance": texts(np.abs(0.3 * self._rng.standard_normal(written.rows)), "{:.6f}"),
            "magnitude_difference": texts(0.01 * self._rng.standard_normal(written.rows), "{:.6f}"),
            "proper_motion_propagation": ["true"] * written.rows,
        }
        write_csv(path, {name: columns[name] for name in DR2_COLUMNS})
        return written


def _with_field(own: dict[str, NDArray[Any]], field: FieldStars) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """2MASS magnitudes of both; every tenth field star has an upper limit of H without an error."""
    limit = np.arange(len(field)) % 10 == 0
    bands = {"j_m": field.j_mag, "h_m": field.h_mag, "ks_m": field.k_mag}
    result = {}
    for name, values in bands.items():
        error = np.where(limit & (name == "h_m"), np.nan, 0.025)
        result[name] = (own[name], np.round(values, 3))
        result[f"{name}sigcom"] = (own[f"{name}sigcom"], error)
    return result


def _field_quality(n: int) -> NDArray[np.str_]:
    """Quality letters of field stars."""
    return np.where(np.arange(n) % 10 == 0, "AUA", "AAA")
