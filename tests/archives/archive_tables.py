"""Tables of the Gaia archive and of VizieR under their names there, from a simulated download.

Both test servers load them. Identifiers are above 2**53, missing values are masked, and some identifiers of 2MASS
name two sources, as in the archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from astropy.io.votable import parse_single_table
from astropy.table import MaskedColumn, Table

from pipeline.domain.wavelength import redshift_to_velocity
from pipeline.mock.archives import ArchiveFiles

UNITS_AND_UCDS: dict[str, tuple[str, str]] = {
    "source_id": ("", "meta.id"),
    "ref_epoch": ("yr", "meta.ref;time.epoch"),
    "ra": ("deg", "pos.eq.ra;meta.main"),
    "dec": ("deg", "pos.eq.dec;meta.main"),
    "ra_error": ("mas", "stat.error;pos.eq.ra"),
    "dec_error": ("mas", "stat.error;pos.eq.dec"),
    "parallax": ("mas", "pos.parallax.trig"),
    "parallax_error": ("mas", "stat.error;pos.parallax.trig"),
    "pm": ("mas/yr", "pos.pm;pos.eq"),
    "pmra": ("mas/yr", "pos.pm;pos.eq.ra"),
    "pmra_error": ("mas/yr", "stat.error;pos.pm;pos.eq.ra"),
    "pmdec": ("mas/yr", "pos.pm;pos.eq.dec"),
    "pmdec_error": ("mas/yr", "stat.error;pos.pm;pos.eq.dec"),
    "pmra_pmdec_corr": ("", "stat.correlation;pos.pm;pos.eq.ra;pos.pm;pos.eq.dec"),
    "ruwe": ("", "stat.error"),
    "nu_eff_used_in_astrometry": ("um-1", "em.wavenumber"),
    "pseudocolour": ("um-1", "em.wavenumber"),
    "phot_g_mean_mag": ("mag", "phot.mag;em.opt"),
    "phot_bp_mean_mag": ("mag", "phot.mag;em.opt.B"),
    "phot_rp_mean_mag": ("mag", "phot.mag;em.opt.R"),
    "bp_rp": ("mag", "phot.color;em.opt.B;em.opt.R"),
    "radial_velocity": ("km/s", "spect.dopplerVeloc.opt;em.opt.I"),
    "radial_velocity_error": ("km/s", "stat.error;spect.dopplerVeloc.opt;em.opt.I"),
    "grvs_mag": ("mag", "phot.mag;em.opt.I"),
    "l": ("deg", "pos.galactic.lon"),
    "b": ("deg", "pos.galactic.lat"),
    "ecl_lon": ("deg", "pos.ecliptic.lon"),
    "ecl_lat": ("deg", "pos.ecliptic.lat"),
    "angular_distance": ("arcsec", "pos.angDistance"),
    "j_m": ("mag", "phot.mag;em.IR.J"),
    "j_msigcom": ("mag", "stat.error;phot.mag;em.IR.J"),
    "h_m": ("mag", "phot.mag;em.IR.H"),
    "h_msigcom": ("mag", "stat.error;phot.mag;em.IR.H"),
    "ks_m": ("mag", "phot.mag;em.IR.K"),
    "ks_msigcom": ("mag", "stat.error;phot.mag;em.IR.K"),
    "ph_qual": ("", "meta.code.qual;phot"),
    "RAJ2000": ("deg", "pos.eq.ra;meta.main"),
    "DEJ2000": ("deg", "pos.eq.dec;meta.main"),
    "RV": ("km/s", "spect.dopplerVeloc"),
    "[M/H]": ("", "phys.abund.Z"),
    "Dist": ("kpc", "pos.distance;pos.heliocentric"),
    **{f"r_{part}_{kind}": ("pc", "pos.distance") for part in ("med", "lo", "hi") for kind in ("geo", "photogeo")},
    **{f"{kind}geo": ("pc", "pos.distance") for kind in ("r", "b_r", "B_r", "rp", "b_rp", "B_rp")},
}
"""Units and UCDs of columns; those without one have neither."""

DISTANCE_NAMES = {
    "r_med_geo": "rgeo",
    "r_lo_geo": "b_rgeo",
    "r_hi_geo": "B_rgeo",
    "r_med_photogeo": "rpgeo",
    "r_lo_photogeo": "b_rpgeo",
    "r_hi_photogeo": "B_rpgeo",
    "flag": "Flag",
    "source_id": "Source",
}
"""The distances' columns at VizieR: both bounds differ in case only."""

DUPLICATE_STEP = 40
"""Every so many 2MASS sources share their identifier with a second, fainter one."""

FIRST_OID = 5_000_000_000


@dataclass(frozen=True)
class ArchiveTable:
    """A table of an archive.

    Parameters
    ----------
    schema : str
        Its schema; "" where the name stands alone, as at VizieR.
    name : str
        Its name.
    table : Table
        Masked columns with unit, description and ``meta["ucd"]``.
    key : str
        Column of its identifiers, "" for none.
    """

    schema: str
    name: str
    table: Table
    key: str = ""

    @property
    def full_name(self) -> str:
        """Name with the schema, as TAP_SCHEMA has it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def has_position(self) -> bool:
        """Whether it has a right ascension and a declination."""
        return {"ra", "dec"} <= set(self.table.colnames)


class DownloadTables:
    """Tables of one simulated download.

    Parameters
    ----------
    files : ArchiveFiles
        What :func:`pipeline.mock.archives.write_archives` wrote.
    """

    def __init__(self, files: ArchiveFiles) -> None:
        self._files = files
        self._truth = pd.read_parquet(files.truth)

    def all(self) -> list[ArchiveTable]:
        """Those of the Gaia archive and those of VizieR."""
        return [*self.gaia_archive(), *self.vizier()]

    def gaia_archive(self) -> list[ArchiveTable]:
        """The tables that a star's Gaia identifier leads to."""
        neighbours, join, two_micron = self._two_micron()
        return [
            ArchiveTable("gaiadr3", "gaia_source", described(self._gaia), "source_id"),
            ArchiveTable("gaiadr3", "tmass_psc_xsc_best_neighbour", neighbours, "source_id"),
            ArchiveTable("gaiadr3", "tmass_psc_xsc_join", join),
            ArchiveTable("gaiadr3", "allwise_best_neighbour", self._allwise_neighbours(), "source_id"),
            ArchiveTable("gaiadr3", "dr2_neighbourhood", self._dr2()),
            ArchiveTable("gaiadr1", "tmass_original_valid", two_micron, "designation"),
            ArchiveTable("gaiadr1", "allwise_original_valid", described(self._allwise), "allwise_oid"),
            ArchiveTable("external", "gaiaedr3_distance", described(self._distances), "source_id"),
        ]

    def vizier(self) -> list[ArchiveTable]:
        """Distances with column names that differ in case only, and a catalogue of M giants."""
        distances = self._distances.copy()
        for name, there in DISTANCE_NAMES.items():
            distances.rename_column(name, there)
        return [
            ArchiveTable("", "I/352/gedr3dis", described(distances), "Source"),
            ArchiveTable("", "J/ApJS/266/4/mgiants", self._m_giants()),
        ]

    @cached_property
    def _gaia(self) -> Table:
        return table_of(pq.read_table(self._files.gaia).to_pandas(types_mapper=pd.ArrowDtype))

    @cached_property
    def _allwise(self) -> Table:
        return parse_single_table(str(self._files.allwise)).to_table()

    @cached_property
    def _distances(self) -> Table:
        table = Table.read(self._files.distances, format="ascii.ecsv")
        table.meta.clear()
        return Table(table, masked=True)

    def _two_micron(self) -> tuple[Table, Table, Table]:
        """Best neighbours, their join, and 2MASS, with a second source for some identifiers."""
        found = pd.read_csv(self._files.tmass, dtype={"source_id": "int64", "ph_qual": "string"})
        rows = np.arange(len(found))
        oid = FIRST_OID + rows
        extra = rows[::DUPLICATE_STEP]
        fainter = found.iloc[extra].assign(
            designation=[_beside(name) for name in found["designation"].iloc[extra]],
            **{name: (found[name] + 1.5).iloc[extra] for name in ("j_m", "h_m", "ks_m")},
        )
        sources = pd.concat([found, fainter], ignore_index=True)
        if sources["designation"].duplicated().any():
            raise ValueError("two 2MASS sources of the download have one designation")
        place = np.array([_degrees(name) for name in sources["designation"]])
        bands = [f"{band}_m{end}" for band in ("j", "h", "ks") for end in ("", "sigcom")]
        known = found["source_id"] > 0
        neighbours = pd.DataFrame(
            {
                "source_id": found["source_id"],
                "original_ext_source_id": found["original_ext_source_id"],
                "angular_distance": found["angular_distance"].astype("float32"),
                "xm_flag": np.int16(8),
                "clean_tmass_psc_xsc_oid": oid,
                "number_of_neighbours": found["number_of_neighbours"].astype("int16"),
                "number_of_mates": found["number_of_mates"].astype("int16"),
            }
        )[known]
        join = pd.DataFrame(
            {
                "original_psc_source_id": sources["designation"],
                "original_xsc_source_id": pd.Series(pd.NA, sources.index, dtype="string"),
                "clean_tmass_psc_xsc_oid": np.concatenate([oid, oid[extra]]),
            }
        )
        original = pd.DataFrame(
            {
                "designation": sources["designation"],
                "ph_qual": sources["ph_qual"],
                "tmass_oid": np.arange(len(sources)) + 1,
                "ra": place[:, 0],
                "dec": place[:, 1],
                **{name: sources[name].astype("float32") for name in bands},
                "ext_key": pd.Series(pd.NA, sources.index, dtype="Int32"),
                "j_date": np.full(len(sources), 2_451_500.5),
            }
        )
        return described(table_of(neighbours)), described(table_of(join)), described(table_of(original))

    def _allwise_neighbours(self) -> Table:
        """AllWISE's entry of each survey star that is in Gaia and in AllWISE."""
        rows = self._truth[["gaia_row", "allwise_row"]]
        rows = rows[(rows >= 0).all(axis=1)].drop_duplicates()
        gaia = self._gaia[rows["gaia_row"].to_numpy()]
        allwise = self._allwise[rows["allwise_row"].to_numpy()]
        cosine = np.cos(np.radians(gaia["dec"]))
        across = ((gaia["ra"] - allwise["ra"] + 180.0) % 360.0 - 180.0) * cosine
        frame = pd.DataFrame(
            {
                "source_id": np.asarray(gaia["source_id"]),
                "original_ext_source_id": np.asarray(allwise["designation"]).astype(str),
                "angular_distance": (3600.0 * np.hypot(across, gaia["dec"] - allwise["dec"])).astype("float32"),
                "xm_flag": np.int16(8),
                "allwise_oid": np.asarray(allwise["allwise_oid"]),
                "number_of_neighbours": np.int16(1),
                "number_of_mates": np.int16(0),
            }
        )
        return described(table_of(frame))

    def _dr2(self) -> Table:
        frame = pd.read_csv(self._files.dr2, dtype={"dr2_source_id": "int64", "dr3_source_id": "int64"})
        table = described(table_of(frame.drop(columns="simulated")))
        table["angular_distance"].unit = "mas"  # of this table alone
        return table

    def _m_giants(self) -> Table:
        """Stands for the table of Li et al. (2023): its real columns are found by asking TAP_SCHEMA."""
        m_stars = Table.read(self._files.m_stars)
        velocity = redshift_to_velocity(np.asarray(m_stars["z"], float))
        rv = np.where(np.asarray(m_stars["z"]) > -1.0, velocity, np.nan)
        row = pd.Series(self._truth.index, self._truth["obsid"]).loc[np.asarray(m_stars["obsid"])]
        frame = pd.DataFrame(
            {
                "ObsID": np.asarray(m_stars["obsid"]).astype("int64"),
                "RAJ2000": np.asarray(m_stars["ra"]).astype(float),
                "DEJ2000": np.asarray(m_stars["dec"]).astype(float),
                "RV": rv.astype("float32"),
                "[M/H]": self._truth["true_m_h"].to_numpy("float32")[row],
            }
        )
        return described(table_of(frame))


def table_of(frame: pd.DataFrame) -> Table:
    """Masked table; text is of bytes, a null or NaN is masked."""
    table = Table(masked=True)
    for name, values in frame.items():
        missing = values.isna().to_numpy(bool)
        array: np.ndarray
        if pd.api.types.is_bool_dtype(values.dtype):
            array = values.fillna(False).to_numpy(bool)
        elif pd.api.types.is_integer_dtype(values.dtype):
            array = values.fillna(0).to_numpy(
                values.dtype.numpy_dtype if hasattr(values.dtype, "numpy_dtype") else None
            )
        elif pd.api.types.is_float_dtype(values.dtype):
            kind = values.dtype.numpy_dtype if hasattr(values.dtype, "numpy_dtype") else values.dtype
            array = values.to_numpy(kind, na_value=np.nan)
        else:
            array = values.fillna("").to_numpy(str).astype("S")
        table[name] = MaskedColumn(array, mask=missing)
    return table


def described(table: Table, units_and_ucds: Mapping[str, tuple[str, str]] = UNITS_AND_UCDS) -> Table:
    """The table in native byte order with units, UCDs and descriptions of its columns."""
    result = Table(masked=True)
    for name in table.colnames:
        column = MaskedColumn(table[name])
        data = column.data.data
        if data.dtype.kind == "O":
            data = np.array(["" if value is None else str(value) for value in data], "S")
        if data.dtype.kind == "U":
            data = np.char.encode(data, "ascii")
        mask = np.broadcast_to(column.mask, column.shape) | (np.isnan(data) if data.dtype.kind == "f" else False)
        if data.dtype.kind == "S":
            mask = mask | (data == b"")
        unit, ucd = units_and_ucds.get(name, ("", ""))
        made = MaskedColumn(data.astype(data.dtype.newbyteorder("=")), mask=mask, description=f"Simulated {name}")
        made.unit = column.unit or unit or None
        made.meta["ucd"] = column.meta.get("ucd") or ucd
        result[name] = made
    return result


def unit_and_ucd(column: MaskedColumn) -> tuple[str, str]:
    """Unit and UCD of a column, "" where it has none; the unit as archives write it: ``km/s``."""
    unit = column.unit.to_string("vounit", fraction=True) if column.unit else ""
    return unit, column.meta.get("ucd", "")


def _degrees(designation: str) -> tuple[float, float]:
    """Position that a 2MASS designation HHMMSSss+DDMMSSs spells out."""
    hours, minutes, seconds = int(designation[:2]), int(designation[2:4]), int(designation[4:8]) / 100.0
    sign = -1.0 if designation[8] == "-" else 1.0
    degrees, arcminutes, arcseconds = int(designation[9:11]), int(designation[11:13]), int(designation[13:16]) / 10.0
    return (
        15.0 * (hours + minutes / 60.0 + seconds / 3600.0),
        sign * (degrees + arcminutes / 60.0 + arcseconds / 3600.0),
    )


def _beside(designation: str) -> str:
    """Designation of a place a few arcseconds away."""
    tenths = int(designation[13:16])
    return f"{designation[:13]}{tenths + (30 if tenths < 300 else -30):03d}"
