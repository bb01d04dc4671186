"""Names of labels and of the engines that infer them."""

from __future__ import annotations

LABEL_NAMES = ("teff", "logg", "m_h", "alpha_m", "a_k_fit")
"""Labels that can be inferred, in the order of their rows on a page: each has an error and a formal error."""

ENGINES = {"slam": "SLAM", "direct": "networks"}
"""Engines that have columns of their own where both are used, and what they are called."""
