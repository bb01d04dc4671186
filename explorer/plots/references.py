"""Reference curves under the stars: isochrones, the stream model, spiral arms, the Sun."""

from __future__ import annotations

from collections.abc import Mapping

import holoviews as hv
import numpy as np
import pandas as pd

from explorer.plots.palettes import ISOCHRONE_COLOURS

ISOCHRONE_AGE_GYR = 3.0
"""Age of the isochrones in Figure 2."""


def isochrones(overlays: Mapping[str, pd.DataFrame], x: str, y: str) -> tuple[list[hv.Element], str]:
    """Isochrones of Figure 2 in the plane of two of their columns, and a line of HTML that names them.

    The age nearest to 3 Gyr is drawn, at the published metallicities nearest to -0.6, -0.3, 0 and 0.3 dex.
    """
    frame = overlays.get("isochrones")
    if frame is None or frame.empty:
        return [], ""
    ages = np.unique(frame["age_gyr"])
    age = ages[np.argmin(np.abs(ages - ISOCHRONE_AGE_GYR))]
    frame = frame[frame["age_gyr"] == age]
    metallicities = np.unique(frame["m_h"])
    curves, words = [], []
    drawn: set[float] = set()
    for wanted, colour in ISOCHRONE_COLOURS.items():
        nearest = float(metallicities[np.argmin(np.abs(metallicities - wanted))])
        if nearest in drawn:
            continue
        drawn.add(nearest)
        part = frame[frame["m_h"] == nearest]
        curves.append(
            hv.Curve((part[x].to_numpy(), part[y].to_numpy()), x, y).opts(
                color=colour, line_dash="dashed", line_width=1.6
            )
        )
        words.append(f'<span style="color:{colour}">━</span> {nearest:+.1f}'.replace("+0.0", "0.0"))
    return curves, f"[M/H] at {age:.2g} Gyr: " + " ".join(words)


def stream_model(overlays: Mapping[str, pd.DataFrame], x: str, y: str) -> list[hv.Element]:
    """Points of the stream model, grey, as in Figure 11."""
    frame = overlays.get("stream_model")
    if frame is None or frame.empty:
        return []
    points = frame[[x, y]].dropna()
    return [hv.Points((points[x].to_numpy(), points[y].to_numpy()), [x, y]).opts(color="#9aa5b1", size=2, alpha=0.45)]


def spiral_arms(overlays: Mapping[str, pd.DataFrame]) -> list[hv.Element]:
    """Spiral arms as dashed curves, and the Sun, as in Figure 9."""
    frame = overlays.get("spiral_arms")
    if frame is None or frame.empty:
        return []
    curves = [
        {"x_gal": arm["x_gal"].to_numpy(), "y_gal": arm["y_gal"].to_numpy()}
        for _, arm in frame.groupby("arm", sort=False)
    ]
    return [hv.Path(curves, ["x_gal", "y_gal"]).opts(color="#8b95a1", line_dash="dashed", line_width=1.4)]
