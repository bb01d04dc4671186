"""A catalogue is unchanged by its files, and invalid content is never written."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.columns import BY_NAME, COLUMNS, column, in_published_order
from pipeline.domain.flags import ALL_BITS, QualityFlag, describe
from pipeline.products.catalog import Catalog
from pipeline.products.manifest import ProductError


def table(n=4, **columns):
    base = {"obsid": np.arange(1, n + 1), "in_training": False, "quality": 0}
    return pd.DataFrame(base | columns, index=range(n))


finite = st.floats(-1e4, 1e4, width=32)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(finite, st.just(float("nan"))), min_size=1, max_size=12), st.integers(0, ALL_BITS))
def test_round_trip(tmp_path_factory, values, quality):
    folder = tmp_path_factory.mktemp("catalog")
    catalog = Catalog.from_frame(table(len(values), v_x=values, quality=quality, subclass="M0"))
    catalog.write(folder, simulated=True)
    again = Catalog.read(folder)
    pd.testing.assert_frame_equal(again.table, catalog.table)


def test_units_and_ucds_travel_with_the_file(tmp_path):
    Catalog.from_frame(table(teff=3800.0)).write(tmp_path, simulated=True)
    schema = pq.read_schema(tmp_path / "catalog.parquet")
    assert schema.field("teff").metadata[b"unit"] == b"K"
    assert schema.field("teff").metadata[b"ucd"] == BY_NAME["teff"].ucd.encode()
    assert schema.metadata[b"simulated"] == b"true"


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"teff": 99999.0}, "teff has 4 values beyond 10000"),
        ({"obsid": 7}, "obsid repeats in 3 rows"),
        ({"v_x": np.inf}, "infinite"),
    ],
)
def test_breaches_are_refused_with_a_sentence(columns, says):
    with pytest.raises(ProductError, match=says):
        Catalog.from_frame(table(**columns))


def test_missing_required_column_is_named():
    with pytest.raises(ProductError, match="quality is required"):
        Catalog.from_frame(table().drop(columns="quality"))


def test_unknown_column_suggests_the_nearest():
    with pytest.raises(KeyError, match="Did you mean 'teff'"):
        column("tef")


def test_published_order_is_the_declared_order():
    shuffled = [c.name for c in COLUMNS][::-1]
    assert in_published_order(shuffled) == [c.name for c in COLUMNS]
    assert [c.name for c in COLUMNS[:4]] == ["obsid", "gaia_source_id", "ra", "dec"]


def test_damaged_file_is_reported(tmp_path):
    (tmp_path / "catalog.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(ProductError, match="not readable Parquet"):
        Catalog.read(tmp_path)


def test_bits_in_words():
    both = QualityFlag.LOW_SNR | QualityFlag.UNBOUND
    assert len(describe(both)) == 2
    assert describe(0) == []
    with pytest.raises(ValueError, match="without a meaning"):
        describe(1 << 30)
