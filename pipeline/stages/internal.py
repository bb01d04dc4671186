"""Internal columns: values of each star for later stages, never published.

Each is declared once, with its type. A stage that did not run leaves its columns absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Internal(Generic[Value]):
    """One internal column.

    Parameters
    ----------
    name : str
        Name in checkpoints.
    dtype : type
        NumPy type of its values.
    description : str
        What it says of a star.
    """

    name: str
    dtype: type[Value]
    description: str


RV_EDGE_OF_SEARCH = Internal("rv_edge_of_search", np.bool_, "whether the CCF peak is at the end of the search")
RV_EDGE_TEMPLATE = Internal("rv_edge_template", np.bool_, "whether the best template is at the edge of its grid")
RV_SHIFTED = Internal("rv_shifted", np.bool_, "whether the velocities of its plate or spectrograph are shifted")
LABEL_CONVERGED = Internal("label_converged", np.bool_, "whether the label fit converged")
LABEL_AT_BOUND = Internal("label_at_bound", np.bool_, "whether a label is at the edge of the training range")
LABEL_STARTS_DISAGREE = Internal("label_starts_disagree", np.bool_, "whether fits from two starts disagree")
LABEL_OUTSIDE_HULL = Internal("label_outside_hull", np.bool_, "whether the labels are far from every training star")
DISTANCE_M_H = Internal("distance_m_h", np.float64, "[M/H] that the distance was measured with, dex")
DISTANCE_CONFLICT = Internal("distance_conflict", np.bool_, "whether dust map and spectrum contradict each other")
UNBOUND = Internal("unbound", np.bool_, "whether the total energy is above the potential at infinity")
ACTION_FAILED = Internal("action_failed", np.bool_, "whether the actions could not be computed")

INTERNAL: tuple[Internal[Any], ...] = (
    *(RV_EDGE_OF_SEARCH, RV_EDGE_TEMPLATE, RV_SHIFTED, LABEL_CONVERGED, LABEL_AT_BOUND),
    *(LABEL_STARTS_DISAGREE, LABEL_OUTSIDE_HULL, DISTANCE_M_H, DISTANCE_CONFLICT, UNBOUND, ACTION_FAILED),
)
"""Every internal column."""

BY_INTERNAL_NAME: dict[str, Internal[Any]] = {item.name: item for item in INTERNAL}
"""The same by name."""
