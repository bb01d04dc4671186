"""Distances of a catalogue against those that asteroseismology gives; give the folder of a build with APOKASC's table.

``lamost_dr4_mgiants_x_apokasc_even.csv`` holds seismic log g (to 0.007 dex) of 316 LAMOST M giants. With a mass of 1.2
solar it gives the radius, R^2 = G M / g, and with the surface brightness in Ks of PARSEC's giants at the star's Teff
the absolute magnitude M_Ks = S_K(Teff) - 5 log10(R / Rsun). The catalogue's extinction turns it into a distance.

    [[input.source]]
    table = "lamost_dr4_mgiants_x_apokasc_even.csv"
    labels = "other"
    columns = {m_h_input = "FE_H_ADOP_COR"}
"""

import argparse
import json
from pathlib import Path

import numpy as np

from pipeline.domain.statistics import robust_scatter
from pipeline.products.catalog import Catalog
from pipeline.sources.embedded import ISOCHRONE_TABLE, load_table

MASS_SOLAR = 1.2
LOGG_SUN = 4.438


def surface_brightness(teff):
    """M_Ks + 5 log10(R / Rsun) of red giants at an effective temperature in K, from the embedded branches."""
    table = {name: values.astype(float) for name, values in load_table(ISOCHRONE_TABLE).items()}
    giants = (table["logg"] < 2.5) & (table["teff"] < 5200.0)
    radius = np.sqrt(table["mass"][giants] * 10.0 ** (LOGG_SUN - table["logg"][giants]))
    brightness = table["k_abs"][giants] + 5.0 * np.log10(radius)
    relation = np.polynomial.Polynomial.fit(np.log10(table["teff"][giants]), brightness, 3)
    return relation(np.log10(teff))


def main(arguments):
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="seismic_distances")
    parser.add_argument("directory", type=Path, help="product directory with the columns logg_seis and teff_cor")
    parser.add_argument("--mass", type=float, default=MASS_SOLAR, help="of every star, in solar masses")
    options = parser.parse_args(arguments)
    table = Catalog.read(options.directory).table
    logg, teff = table["logg_seis"].to_numpy(float), table["teff_cor"].to_numpy(float)
    radius = np.sqrt(options.mass * 10.0 ** (LOGG_SUN - logg))
    k_abs = surface_brightness(teff) - 5.0 * np.log10(radius)
    seismic = 10.0 ** (0.2 * (table["k0_mag"].to_numpy(float) - k_abs) - 2.0)
    ratio = table["distance"].to_numpy(float) / seismic
    metals = table["fe_h_adop_cor"].to_numpy(float) if "fe_h_adop_cor" in table else table["m_h_input"].to_numpy(float)
    known = np.isfinite(ratio) & np.isfinite(metals) & (ratio > 0.0)
    slope, level = np.polyfit(metals[known], np.log(ratio[known]), 1)
    print(
        json.dumps(
            {
                "benchmark": "seismic_distances",
                "stars": len(table),
                "with both distances": int(known.sum()),
                "median ratio": round(float(np.median(ratio[known])), 3),
                "scatter of ln ratio": round(float(robust_scatter(np.log(ratio[known]))), 3),
                "slope of ln ratio with [Fe/H]": round(float(slope), 3),
                "level at [Fe/H] = 0": round(float(np.exp(level)), 3),
            }
        )
    )
