"""Tables joined to stars by identifier or position, with gaps filled and names kept apart."""

import numpy as np
import pandas as pd
import pytest

from pipeline.config import ConfigError, SourceConfig
from pipeline.sources.tables.identifiers import FIRST_DERIVED, LAST_DERIVED
from pipeline.stages.joining import join, read_table
from pipeline.stages.star_table import base_of_table

GAIA = 3_000_000_000_000_000_001
MEASURED = ("teff", "teff_err", "logg", "m_h", "alpha_m", "rv", "rv_err", "distance")


def written(folder, name, **columns):
    path = folder / name
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def stars(n=5, **more):
    ra, dec = 10.0 + 5.0 * np.arange(n), -20.0 + (9.0 * np.arange(n)) % 90.0
    return {"ra": ra, "dec": dec, **more}


def opened(path, has_spectra=False, **settings):
    source = SourceConfig(table=str(path), **settings)
    return source, read_table(source, path, measured=MEASURED, has_spectra=has_spectra)


def joined(main, *others):
    return join(base_of_table(opened(main)[1]), list(others))


def test_a_sorted_or_cut_file_gives_the_same_identifiers(tmp_path):
    table = pd.DataFrame(stars(40, rv=np.arange(40.0)))
    table.to_csv(tmp_path / "a.csv", index=False)
    table.sample(frac=1.0, random_state=1).iloc[:25].to_csv(tmp_path / "b.csv", index=False)
    first, second = (base_of_table(opened(tmp_path / name)[1]).frame for name in ("a.csv", "b.csv"))
    assert first["obsid"].is_unique
    assert first["obsid"].between(FIRST_DERIVED, LAST_DERIVED).all()
    both = first.merge(second, on="obsid")
    assert len(both) == 25
    assert (both["rv_x"] == both["rv_y"]).all()


def test_identifiers_of_64_bits_join_exactly(tmp_path):
    ids = GAIA + np.arange(5)
    main = written(tmp_path, "main.csv", **stars(source_id=ids))
    other = written(tmp_path, "other.csv", source_id=ids[::-1], j_m=np.arange(5.0))
    frame = joined(main, opened(other)).frame
    assert frame["j_mag"].tolist() == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert frame["other_match"].tolist() == ["gaia"] * 5
    assert np.isnan(frame["other_sep"]).all()


def test_gaia_dr2_identifiers_never_match_those_of_dr3(tmp_path):
    main = written(tmp_path, "main.csv", source_id=GAIA + np.arange(5), **stars())
    other = written(tmp_path, "other.csv", gaia_dr2_source_id=GAIA + np.arange(5), j_m=np.arange(5.0))
    with pytest.raises(ConfigError, match=r"other\.csv cannot be joined.*Gaia"):
        joined(main, opened(other, match="gaia"))


def test_a_table_by_obsid_brings_the_gaia_ids_for_the_next(tmp_path):
    main = written(tmp_path, "main.csv", obsid=np.arange(1, 6), **stars())
    gaia = written(tmp_path, "gaia.csv", source_id=GAIA + np.arange(5), pmra=np.ones(5), pmdec=np.ones(5))
    link = written(tmp_path, "link.csv", obsid=np.arange(1, 6)[::-1], gaia_source_id=GAIA + np.arange(5)[::-1])
    frame = joined(main, opened(gaia), opened(link)).frame
    assert frame["gaia_match"].tolist() == ["gaia"] * 5
    assert frame["link_match"].tolist() == ["obsid"] * 5
    assert (frame["gaia_source_id"] == GAIA + np.arange(5)).all()


def test_earlier_sources_win_and_later_ones_fill_gaps(tmp_path):
    main = written(tmp_path, "main.csv", obsid=np.arange(1, 6), j_m=[1.0, np.nan, 3.0, np.nan, 5.0], **stars())
    other = written(tmp_path, "other.csv", obsid=np.arange(1, 6), j_m=np.full(5, 9.0))
    table = joined(main, opened(other))
    assert table.frame["j_mag"].tolist() == [1.0, 9.0, 3.0, 9.0, 5.0]
    assert table.tables[1]["filled"]["j_mag"] == 2


def test_own_columns_of_two_tables_keep_apart(tmp_path):
    main = written(tmp_path, "main.csv", obsid=np.arange(1, 6), grade=list("abcde"), **stars())
    other = written(tmp_path, "other.csv", obsid=[1, 2], grade=["x", "y"], visits=[2**60, 2**60 + 1])
    table = joined(main, opened(other))
    assert table.frame["grade"].tolist() == list("abcde")
    assert table.frame["other_grade"].tolist() == ["x", "y", "", "", ""]
    assert table.frame["visits"].tolist()[:3] == [str(2**60), str(2**60 + 1), ""]
    assert {column.name: column.origin for column in table.own}["other_grade"] == "other.csv"


def test_labels_beside_spectra_never_pass_for_measured_ones(tmp_path):
    path = written(tmp_path, "labels.csv", obsid=[1, 2], teff=[3800, 3900], rv=[1.0, 2.0], feh=[-0.1, 0.1])
    kept = opened(path, has_spectra=True)[1]
    assert "teff" not in kept.frame
    assert {"rv_input", "m_h_input", "labels_teff"} <= set(kept.frame)
    assert any('labels = "reference"' in note for note in kept.notes)
    reference = opened(path, has_spectra=True, labels="reference")[1]
    assert {"teff_ref", "m_h_ref", "rv_ref"} <= set(reference.frame)
    finished = opened(path, has_spectra=False)[1]
    assert {"teff", "m_h", "rv"} <= set(finished.frame)


def test_a_table_of_another_sky_is_reported(tmp_path):
    main = written(tmp_path, "main.csv", **stars())
    other = written(tmp_path, "other.csv", ra=[200.0, 201.0], dec=[60.0, 61.0], j_m=[1.0, 2.0])
    with pytest.raises(ConfigError, match=r"another part of the sky\. Leave it out"):
        joined(main, opened(other))
    shifted = stars()
    near = written(tmp_path, "near.csv", ra=shifted["ra"], dec=shifted["dec"] + 5.0 / 3600.0, j_m=np.ones(5))
    with pytest.raises(ConfigError, match=r"nearest are 5\.0 arcsec away"):
        joined(main, opened(near))


def test_rows_without_a_star_become_stars_only_when_asked(tmp_path):
    main = written(tmp_path, "main.csv", obsid=np.arange(1, 6), j_m=np.ones(5), word=list("abcde"), **stars())
    other = written(tmp_path, "other.csv", obsid=[5, 77], ra=[30.0, 99.0], dec=[16.0, 9.0], h_m=[2.0, 3.0])
    assert len(joined(main, opened(other)).frame) == 5
    table = joined(main, opened(other, unmatched="add"))
    last = table.frame.iloc[-1]
    assert (len(table.frame), last["obsid"], last["h_mag"], last["word"]) == (6, 77, 3.0, "")
    assert np.isnan(last["j_mag"])
    assert len(table.epoch_yr) == 6


def test_repeated_rows_of_a_star_leave_the_best_one_whatever_the_order(tmp_path):
    table = pd.DataFrame(
        {"source_id": [GAIA, GAIA, GAIA + 1], "ra": [1.0, 1.0, 2.0], "dec": [1.0, 1.0, 2.0], "SNR": [10.0, 50.0, 5.0]}
    )
    for name, rows in (("a.csv", [0, 1, 2]), ("b.csv", [2, 1, 0])):
        table.iloc[rows].to_csv(tmp_path / name, index=False)
        base = base_of_table(opened(tmp_path / name)[1])
        assert sorted(base.frame["snr"].tolist()) == [5.0, 50.0]
        assert [reject[2] for reject in base.rejects] == ["duplicate-row"]


def test_a_table_without_any_star_is_refused(tmp_path):
    path = written(tmp_path, "arms.csv", arm=["a", "b"], pitch=[1.0, 2.0])
    with pytest.raises(ConfigError, match="holds no star"):
        base_of_table(opened(path)[1])


def test_the_real_tables_join(shared_data):
    settings = (
        ("lamost_dr4_mgiants.csv", {}),
        ("lamost_dr4_mgiants_x_gaia_dr3_phot.csv", {}),
        ("sgr_mgiants_lamost_dr5_gaia_dr2.fits", {"unmatched": "add", "name": "sgr"}),
        ("lamost_dr4_mgiants_x_apogee_xp_667.csv", {"labels": "reference"}),
    )
    main, *others = (opened(shared_data / name, **more) for name, more in settings)
    table = join(base_of_table(main[1]), others)
    frame = table.frame
    assert len(frame) == 30_241 - len([reject for reject in table.rejects if reject[2] == "duplicate-row"])
    assert frame["obsid"].is_unique
    assert (frame["sgr_match"] == "sky").sum() == 195
    assert (frame["obsid_source"] == "table sgr_mgiants_lamost_dr5_gaia_dr2.fits").sum() == 195
    assert frame["pmra"].notna().sum() == 193
    assert frame["teff_ref"].notna().sum() > 600
    assert (frame["gaia_source_id"] > 0).sum() > 1_300
    assert frame["sgr_sep"].max() < 1.5
