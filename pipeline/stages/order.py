"""The stages of a build in order, checked when this module is imported."""

from __future__ import annotations

from textwrap import wrap

from pipeline.config import RunConfig
from pipeline.stages.declared import Stage, check_order
from pipeline.stages.distances import DISTANCE
from pipeline.stages.flagging import FLAGS
from pipeline.stages.labels import LABELS
from pipeline.stages.publishing import CATALOGUE
from pipeline.stages.reading import READ
from pipeline.stages.selecting import SELECTION
from pipeline.stages.sky import SKY
from pipeline.stages.spatial import ACTIONS, MAPS, PHASE_SPACE, QUANTILES, STREAM, STREAM_COORDINATES
from pipeline.stages.spectral import INDICES, NORMALISE, SNR
from pipeline.stages.velocities import RV

STAGES: tuple[Stage, ...] = (
    *(READ, SKY, SNR, RV, INDICES, NORMALISE, LABELS, DISTANCE, PHASE_SPACE, ACTIONS, QUANTILES, STREAM_COORDINATES),
    *(STREAM, MAPS, SELECTION, FLAGS, CATALOGUE),
)
"""The stages in order; ``weight`` is the fraction of time in the embedded build."""

check_order(STAGES, RunConfig("order"))


def described() -> str:
    """Describe the stages with inputs and outputs, as text for a terminal."""
    return "\n\n".join(_described(number, stage) for number, stage in enumerate(STAGES, 1))


def _described(number: int, stage: Stage) -> str:
    parts = [("needs", stage.needs), ("uses if available", stage.optional), ("gives", stage.gives)]
    report = [(title, "; ".join(str(item) for item in items)) for title, items in parts if items]
    if stage.sections:
        report.append(("settings", ", ".join(f"[{name}]" for name in stage.sections)))
    summary = (stage.run.__doc__ or "").strip().splitlines()[0]
    lines = [wrap(f"{title}: {text}", 116, initial_indent="   ", subsequent_indent="     ") for title, text in report]
    heading = wrap(f"{number:>2} {stage.name}: {summary}", 116, subsequent_indent="   ")
    return "\n".join([*heading, *(line for part in lines for line in part)])
