"""Distances, rotation and stream of the real tables; give the folder of ``python -m pipeline build real-tables``.

Prints the distances of the LAMOST DR4 M giants over the file's own (which come from the colour law, with extinctions of
no standard law), and how many of the 195 Sagittarius giants agree with the model.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.science.space.isochrones import ColourLaw

NEAR_LAMBDA_DEG = 10.0
WIDTHS = (0.15, 15.0)
"""Spread of the stream itself, in ln(distance) and km/s, added to each star's errors."""


def main(arguments):
    """Print one JSON line a sample."""
    parser = argparse.ArgumentParser(prog="real_space")
    parser.add_argument("directory", type=Path, help="product directory of real-tables")
    options = parser.parse_args(arguments)
    table = pd.read_parquet(options.directory / "catalog.parquet")
    table = table[np.isfinite(table["distance"])]
    print(json.dumps({"benchmark": "real_space", "sample": "DR4 distances"} | distances(table)))
    model = pd.read_parquet(options.directory / "overlays" / "stream_model.parquet")
    print(json.dumps({"benchmark": "real_space", "sample": "Sagittarius giants"} | stream(table, model)))


def quartet(values):
    """Number, median and 16th and 84th percentile."""
    known = values[np.isfinite(values)]
    low, middle, high = np.percentile(known, [16, 50, 84])
    return {"stars": int(known.size), "median": round(middle, 4), "p16": round(low, 4), "p84": round(high, 4)}


def distances(table):
    """Ours over the file's, whole and at the file's own law."""
    rows = table[(table["source_file"] == "lamost_dr4_mgiants.csv") & (table["distance_input"] > 0)]
    ours, theirs = rows["distance"].to_numpy(float), rows["distance_input"].to_numpy(float)
    law = ColourLaw()(rows["jk0"].to_numpy(float), 0.0)
    with_their_law = 10.0 ** (0.2 * (rows["k0_mag"].to_numpy(float) - law)) / 100.0
    return {
        "ours over theirs": quartet(ours / theirs),
        "their colour law on our de-reddened colours over theirs": quartet(with_their_law / theirs),
        "ours over their colour law on our colours": quartet(ours / with_their_law),
    }


def stream(table, model):
    """Share of the giants within 3 sigma of a particle at their Lambda, in distance and velocity together."""
    rows = table[table["sgr_match"] != ""]
    least = []
    for star in rows.itertuples():
        near = np.abs((model["sgr_lambda"] - star.sgr_lambda + 180.0) % 360.0 - 180.0) < NEAR_LAMBDA_DEG
        width = np.hypot(WIDTHS[0], 0.5 * np.log(star.distance_84 / star.distance_16))
        far = np.log(model["distance"][near] / star.distance) / width
        fast = (model["v_gsr"][near] - star.v_gsr) / WIDTHS[1]
        least.append(np.sqrt(np.min(far**2 + fast**2)) if near.any() else np.inf)
    least, member = np.array(least), rows["sgr_probability"].to_numpy(float)
    return {
        "stars": len(rows),
        "within 3 sigma of the model in (Lambda, d, V_gsr)": round(float(np.mean(least < 3.0)), 3),
        "median sigma": round(float(np.median(least)), 2),
        "probability above one half": round(float(np.mean(member > 0.5)), 3),
    }
