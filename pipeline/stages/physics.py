"""Physics checks of the finished catalogue, for the report of the build."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pandas as pd

from pipeline.products.overlays import read_overlays
from pipeline.science.quality.sanity import physics_checks
from pipeline.stages.spatial import solar_frame
from pipeline.stages.state import BuildState


def checked_against_physics(table: pd.DataFrame, state: BuildState) -> list[dict[str, Any]]:
    """Physics checks of a catalogue as JSON values.

    Parameters
    ----------
    table : pandas.DataFrame
        The catalogue as it is published.
    state : BuildState
        Gives the solar frame and the stream model that the draft holds.
    """
    model = read_overlays(state.draft).get("stream_model")
    stream = None if model is None else {str(name): model[name].to_numpy() for name in model.columns}
    columns = {str(name): table[name].to_numpy() for name in table.columns}
    return [asdict(item) for item in physics_checks(columns, solar_frame(state), stream)]
