"""Statistics of the selection at the foot of the table."""

import pandas as pd
import pytest
from scipy import stats

from explorer.model.selection import InRange, Nothing

FAR = InRange("distance", 12.0, 1e3)


def foot_of(page, answer):
    names = page.room.table.names
    return {title: dict(zip(names, texts, strict=True)) for title, texts in answer["table"]["foot"]}


def test_the_foot_has_the_statistics_of_the_selection(page):
    page.open()
    reply = page.change(selection=FAR)
    assert reply["table"]["foot_stale"] is False
    foot = foot_of(page, reply)
    table = pd.DataFrame({name: page.library.table[name] for name in ("m_h", "teff")})[page.workspace.rows].astype(
        float
    )
    assert foot["N"]["teff"] == f"{table.teff.notna().sum():,}"
    assert float(foot["median"]["m_h"]) == pytest.approx(table.m_h.median(), abs=0.006)
    assert foot["median"]["obsid"] == foot["median"]["quality"] == ""
    expected = 1.4826 * stats.median_abs_deviation(table.teff.dropna())
    assert float(foot["scatter"]["teff"]) == pytest.approx(expected, abs=0.6)
    reply = page.send("foot", statistics=["mean", "std", "min", "max"])
    foot = foot_of(page, reply)
    assert list(foot) == ["mean", "std", "min", "max"]
    assert float(foot["std"]["teff"]) == pytest.approx(table.teff.std(), abs=0.6)
    assert float(foot["max"]["m_h"]) == pytest.approx(table.m_h.max(), abs=0.006)
    assert foot_of(page, page.change(selection=Nothing()))["mean"]["teff"] == ""


def test_the_foot_is_computed_while_the_table_is_on_screen(page):
    page.open()
    page.send("dock", tab="fit")
    reply = page.change(selection=FAR)
    assert "foot" not in reply["table"]
    assert reply["table"]["foot_stale"] is True
    assert page.send("dock", tab="table")["table"]["foot_stale"] is False
