"""Simulated catalogues of millions of stars: columns only, made, measured by formula and written block by block."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.config import InputConfig, RunConfig
from pipeline.domain.columns import names_at
from pipeline.domain.frames import FRAMES
from pipeline.mock.measured import measured
from pipeline.mock.survey import FIRST_GAIA_ID, FIRST_OBSID, simulate
from pipeline.products.catalog import REJECT_COLUMNS, write_blocks, write_rejects
from pipeline.products.catalog_file import CATALOG_NAME
from pipeline.products.identity import build_identity, stamp
from pipeline.products.manifest import Manifest, checksums
from pipeline.products.product import REPORT_NAME
from pipeline.products.versions import fresh_draft, locked, publish, refuse_foreign
from pipeline.science.blocks import available_threads, in_order
from pipeline.science.stream.model import StreamModel
from pipeline.science.velocity.repeats import star_numbers
from pipeline.stages.flagging import raise_flags
from pipeline.stages.paths import download_folder
from pipeline.stages.program import program_fingerprint
from pipeline.stages.sky import galactic_coordinates
from pipeline.stages.spatial import (
    MAPS,
    draw_spiral_arms,
    map_disc,
    measure_actions,
    place_in_phase_space,
    publish_stream,
    stream_coordinates,
)
from pipeline.stages.state import BuildState
from pipeline.stages.stream_models import integrated_stream
from pipeline.stopping import worker_processes

SIZES = {"million": 1_000_000, "ten-million": 10_000_000}
"""Stars by the name of the size."""

BLOCK = 50_000
"""Stars a block; each is a survey of its own with plates of its own."""

Span = tuple[int, int]
Block = tuple[pd.DataFrame, dict[str, str]]

_PARTICLES = 20_000
_MAPPED = names_at("map")
_LEFT_OUT = (
    *("rv_input", "object_class", "ph_qual", "ph_qual_wise"),
    *("uid", "gaia_dr2_source_id", "tmass_id", "allwise_id", "apogee_id"),
    *("ref_label_flags", "ref_star_flags", "ref_bad"),
)
"""Columns that only matching with archives and training need; texts of millions of stars would fill memory."""


def simulate_catalogue(
    directory: Path, n_stars: int, seed: int, progress: Callable[[float], None], *, block: int = BLOCK
) -> int:
    """Write a product directory of simulated catalogue columns, without spectra and without truth.

    The same seed gives the same catalogue. Blocks are made side by side, a few at a time.

    Parameters
    ----------
    directory : Path
        Where; an earlier product is replaced when the new one is complete.
    n_stars : int
        Rows.
    seed : int
        Seed of everything.
    progress : callable
        Called with the fraction done.
    block : int
        Most stars a block; another one makes another sky.

    Returns
    -------
    int
        Rows written.
    """
    config = RunConfig(f"simulated catalogue of {n_stars:,}", input=InputConfig(n_stars=n_stars, seed=seed))
    stream = integrated_stream(_PARTICLES, seed, FRAMES[config.kinematics.frame], download_folder().parent / "streams")
    edges = np.linspace(0, n_stars, -(-n_stars // block) + 1).astype(int)
    spans = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))

    inputs = {f"simulation seed {seed}": "", f"blocks of {block} rows": ""}
    obsid = FIRST_OBSID + np.arange(n_stars)
    identity = build_identity(program_fingerprint(), config.as_dict(), inputs, (), obsid)
    with locked(directory) as (place, lock):
        refuse_foreign(place)
        draft = fresh_draft(place)
        state = BuildState(config, draft, draft)

        def frames() -> Iterator[pd.DataFrame]:
            for frame, choices in _side_by_side(partial(_make_block, config, stream), spans):
                state.facts["choices"] |= choices
                yield frame
                progress(int(frame["obsid"].max() + 1 - FIRST_OBSID) / n_stars)

        rows = write_blocks(frames(), draft, simulated=True, identity=identity)
        write_rejects(pd.DataFrame(columns=list(REJECT_COLUMNS)), draft, simulated=True)
        state.facts["simulated"] = True
        state.table = pd.read_parquet(draft / CATALOG_NAME, columns=list(_MAPPED))
        if not MAPS.missing(state):
            map_disc(state, _quiet)
        draw_spiral_arms(state)
        publish_stream(state, stream)
        (draft / REPORT_NAME).write_text("{}\n", encoding="utf-8")
        stamp(draft, identity)
        Manifest(
            name=config.name,
            simulated=True,
            simulated_note=f"All {rows:,} rows are simulated (seed {seed}): true values plus errors by formula; no "
            "spectrum was made.",
            configuration=config.as_dict(),
            inputs=inputs,
            choices=state.facts["choices"],
            files=checksums(draft),
            build=identity.build,
            rows=identity.rows,
        ).write(draft)
        publish(place, draft, lock)
    progress(1.0)
    return rows


def _side_by_side(work: Callable[[Span], Block], spans: list[Span]) -> Iterator[Block]:
    """Blocks in order, made in processes where there are several."""
    workers = available_threads(None)
    if len(spans) == 1 or workers == 1:
        yield from map(work, spans)
        return
    with worker_processes(workers) as pool:
        yield from in_order(pool, work, spans, workers)


def _make_block(config: RunConfig, stream: StreamModel, span: Span) -> Block:
    """Rows ``span`` of the catalogue, and the choices behind them."""
    first, last = span
    seed = int(np.random.SeedSequence((config.input.seed, first)).generate_state(1)[0])
    survey = simulate(last - first, seed, training=0, stream=stream)
    known = survey.table.drop(columns=list(_LEFT_OUT)).dropna(axis="columns", how="all")
    ra, dec = (known[name].to_numpy(float) for name in ("ra", "dec"))
    star = star_numbers(ra, dec, known["gaia_source_id"].to_numpy())
    table = known.assign(
        obsid=FIRST_OBSID + first + np.arange(len(known)),
        gaia_source_id=np.where(known["gaia_source_id"] > 0, FIRST_GAIA_ID + first + star, 0),
        star=first + star,
        n_obs=np.bincount(star)[star],
        plan_id=known["plan_id"] + f"-{first}",
        **measured(survey, seed),
    )
    with tempfile.TemporaryDirectory() as work:
        state = BuildState(config, Path(work), Path(work), table)
        galactic_coordinates(state)
        for stage in (place_in_phase_space, measure_actions):
            stage(state, _quiet)
        stream_coordinates(state, lambda _fraction, _words: None)
        raise_flags(state, _quiet)
    return state.table, state.facts["choices"]


def _quiet(_fraction: float, _words: str) -> None:
    """Report whole blocks."""
