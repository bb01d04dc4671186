"""Mirrors that state other units than the profile, and lists of which the Gaia archive has nothing."""

import json
from dataclasses import replace

import astropy.units as u
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tap_mirrors import GAIA_SERVICES, Run, archives_at, write_ids

from pipeline.sources.archives.steps import FetchOptions, MissingInputError
from pipeline.sources.archives.tap_files import provenance_of
from pipeline.sources.archives.tap_steps import GAIA_TABLE

NO_SUCH_IDS = [1_234_567_890_123_456_789, 1_234_567_890_123_456_790]


def in_kiloparsecs(tables):
    """The archive's tables with distances in another unit, rightly stated."""
    result = []
    for item in tables:
        if item.name != "gaiaedr3_distance":
            result.append(item)
            continue
        table = item.table.copy()
        for name in table.colnames:
            if table[name].unit == u.pc:
                table[name] = table[name] / 1000.0
                table[name].unit = u.kpc
        result.append(replace(item, table=table))
    return result


def test_a_mirror_with_another_unit_is_passed_over(archive, tmp_path, tables, download):
    gaia = pd.read_parquet(download.gaia)
    first, *others = GAIA_SERVICES
    mirrors = {key: archive.add_tap(tables, f"/{key}/tap").url for key in others}
    mirrors[first] = archive.add_tap(in_kiloparsecs(tables), f"/{first}/tap").url
    ids = write_ids(tmp_path / "ids.csv", source_id=gaia["source_id"][:10])
    run = Run(tmp_path / "fetch", archives_at(mirrors), FetchOptions(ids=ids))
    assert run.fetch("gaia").done == 1
    path = run.folder / GAIA_TABLE
    (source,) = provenance_of(path)
    assert source["address"] == mirrors[others[0]]
    assert pq.read_schema(path).field("r_med_geo").metadata[b"unit"] == b"pc"
    assert pq.read_table(path)["r_med_geo"].to_pandas().median() > 100.0


def test_identifiers_of_which_the_archive_has_none_are_no_table(archive, tmp_path, tables):
    mirrors = {key: archive.add_tap(tables, f"/{key}/tap").url for key in GAIA_SERVICES}
    run = Run(
        tmp_path / "fetch",
        archives_at(mirrors),
        FetchOptions(ids=write_ids(tmp_path / "ids.csv", source_id=NO_SUCH_IDS)),
    )
    with pytest.raises(MissingInputError, match="has none of the 2 identifiers: are they of DR3"):
        run.fetch("gaia")
    assert not (run.folder / GAIA_TABLE).exists()
    assert json.loads(run.about().get(GAIA_TABLE, "{}")) == {}
