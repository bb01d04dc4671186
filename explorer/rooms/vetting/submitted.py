"""Drafts of verdicts from the requests of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping

from explorer import protocol
from explorer.state.workspace import Workspace
from explorer.vetting.drafts import Draft
from explorer.vetting.events import CLASS, REFIT


def draft_of(request: protocol.Judge, workspace: Workspace) -> Draft:
    """The draft that a request submits."""
    star = int(request.star)
    return Draft(
        id=request.id,
        star=star,
        verdict=request.verdict,
        flags=request.flags,
        note=request.note,
        proposal=proposal_of(request.proposal or {}, workspace, star),
    )


def proposal_of(proposed: Mapping[str, float | str], workspace: Workspace, star: int) -> dict[str, float | str]:
    """Values that the page proposes, with the refit that they are based on, if any."""
    given: dict[str, float | str] = {}
    for name, value in proposed.items():
        if name == CLASS:
            given[name] = str(value)
        elif name != REFIT:
            given[name] = float(value)
    fitted = workspace.proposals.get(star)
    if fitted is not None and _from_refit(given, dict(fitted.labels)):
        given[REFIT] = fitted.to_json()
    return given


def _from_refit(given: Mapping[str, float | str], fitted: Mapping[str, float]) -> bool:
    """Whether the proposed values are those of a refit, within the digits that the page shows."""
    values = {name: value for name, value in given.items() if isinstance(value, float)}
    return bool(values) and all(
        name in fitted and math.isclose(value, fitted[name], rel_tol=1e-5, abs_tol=1e-5)
        for name, value in values.items()
    )
