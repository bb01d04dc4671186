"""The dock below the views without a browser: comparison of samples, fits, and their messages."""

BOX = {"type": "rect", "x0": 3900.0, "x1": 3600.0, "y0": 0.0, "y1": 1.0}


def rows_of(answer, column=0):
    return {row[0]: row[1:] for row in answer["compare"]["results"][column]["rows"]}


def test_the_selection_is_compared_with_the_rest_after_two_actions(page):
    page.open()
    page.send("region", slot=0, geometry=BOX, keys=[])
    answer = page.send("dock", tab="compare")
    assert answer["dock"]["tab"] == "compare"
    rows = rows_of(answer)
    n = page.workspace.n_selected
    assert rows["stars"][:2] == [str(n), str(400 - n)]
    assert answer["compare"]["results"][0]["column"] == "m_h"
    assert {"mean", "median", "robust scatter", "Kolmogorov-Smirnov", "Anderson-Darling"} <= set(rows)
    assert answer["compare"]["stale"] is False


def test_a_brush_brings_new_numbers_while_the_tab_is_open(page):
    page.open()
    page.send("dock", tab="compare")
    answer = page.send("region", slot=0, geometry=BOX, keys=[])
    assert rows_of(answer)["stars"][0] == f"{page.workspace.n_selected:,}"
    page.send("dock", open=False)
    assert "compare" not in page.send("clear")


def test_fit(page):
    page.open()
    answer = page.send("dock", tab="fit")
    print(answer["fit"])
    assert answer["fit"]["relation"]["at"].size
