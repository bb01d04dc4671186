"""What is asked of archives, against real tables beside the project: columns, units, identifiers."""

import numpy as np
import pytest

from pipeline.sources.archives.profile_reading import load_archives
from pipeline.sources.archives.steps import MissingInputError
from pipeline.sources.archives.tap_steps import gaia_identifiers
from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.units import conversion

pytestmark = pytest.mark.shared


def test_the_columns_of_gaia_are_those_of_a_real_slice_of_its_archive(shared_data):
    real = open_table(shared_data / "gaia_archive" / "gdr3_sm.fits").by_name
    source = load_archives().query["gaia"].tables[0]
    assert source.name == "gaiadr3.gaia_source"
    assert not [name for name in source.columns if name not in real]
    for name, column in source.columns.items():
        stated = real[name].unit
        assert stated == column.unit or conversion(stated, column.unit) == 1.0, (name, stated, column.unit)


def test_identifiers_of_real_lists_are_exact_and_of_their_release(shared_data):
    dr3 = gaia_identifiers(shared_data / "lamost_dr4_mgiants_x_gaia_dr3_phot.csv")
    text = (shared_data / "lamost_dr4_mgiants_x_gaia_dr3_phot.csv").read_text()
    assert dr3.dr3.size > 600
    assert not dr3.dr2.size
    assert all(str(number) in text for number in dr3.dr3.tolist())
    dr2 = gaia_identifiers(shared_data / "sgr_mgiants_lamost_dr5_gaia_dr2.fits")
    assert dr2.dr2.size > 150
    assert not dr2.dr3.size
    assert (np.diff(dr2.dr2) > 0).all()


def test_a_real_list_without_identifiers_is_refused(shared_data):
    with pytest.raises(MissingInputError, match=r"lamost_dr4_mgiants.csv has no column of Gaia identifiers"):
        gaia_identifiers(shared_data / "lamost_dr4_mgiants.csv")
