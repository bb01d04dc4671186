"""Well-formed requests of every kind with any values: none escapes, and the page is right afterwards."""

import logging
import random

import pytest
from msgspec import inspect

from explorer import protocol
from explorer.charts.grid import default_panels
from explorer.charts.view_specs import VIEWS
from explorer.model.selection import Everything, SelectionMode
from explorer.state.workspace import Workspace

NUMBERS = (0.0, 1.0, -1.0, 8.0, 360.0, 3800.0, 1e20, 1e308, -1e308, 1e-320)
WHOLE = (0, 1, 2, 5, 7, -1, 100, 2**31, 2**63, 10**30)
NOT_TRIED = frozenset({"samp"})
"""Kinds that reach programs outside of the test."""

SLOW = frozenset({"picture", "paper", "export", "star_file", "evidence", "refit", "answer_picture", "answer_table"})
"""Kinds that are sent less often."""


class Values:
    """Random values of declared types, often ones that mean something to a page."""

    def __init__(self, seed, library):
        self.random = random.Random(seed)
        obsids = [str(obsid) for obsid in library.table["obsid"][:20]]
        columns = [column.name for column in library.table.columns]
        usual = (
            "count",
            "subsets",
            "lasso",
            "first",
            "png",
            "fits",
            "csv",
            "open",
            "remove",
            "spectrum",
            "residual",
            "selected",
            "rest",
            "all",
        )
        self.words = [
            *obsids,
            *columns,
            *VIEWS,
            *SelectionMode,
            *usual,
            "",
            "x" * 9999,
            "\0",
            "teff < 3800",
            "(((",
            "2",
        ]

    def of(self, declared):
        pick, value = self.random.choice, None
        match declared:
            case inspect.StructType():
                fields = [one for one in declared.fields if one.required or self.random.random() < 0.6]
                value = {field.encode_name: self.of(field.type) for field in fields}
                value |= {declared.tag_field: declared.tag} if declared.tag_field else {}
            case inspect.UnionType():
                value = self.of(pick(declared.types))
            case inspect.LiteralType():
                value = pick(declared.values)
            case inspect.EnumType():
                value = pick([member.value for member in declared.cls])
            case inspect.VarTupleType():
                value = [self.of(declared.item_type) for _ in range(pick((0, 1, 2, 3, 6)))]
            case inspect.TupleType():
                value = [self.of(item) for item in declared.item_types]
                value = value[:1] * len(value) if self.random.random() < 0.3 else value
            case inspect.DictType():
                names = pick((("teff", "logg", "m_h", "alpha_m", "rv"), ("teff", ""), ()))
                value = {name: self.of(declared.value_type) for name in names}
            case _:
                value = self.scalar(declared)
        return value

    def scalar(self, declared):
        usual = self.random.uniform(-50.0, 6000.0)
        choices = {
            inspect.FloatType: (self.random.choice(NUMBERS), usual),
            inspect.IntType: WHOLE,
            inspect.BoolType: (True, False),
            inspect.StrType: self.words,
            inspect.NoneType: (None,),
        }
        return self.random.choice(choices[type(declared)])


def requests(values, count):
    """So many requests, the slow ones more seldom."""
    kinds = [kind for kind in protocol.REQUESTS if kind not in NOT_TRIED]
    while count:
        kind = values.random.choice(kinds)
        if kind in SLOW and values.random.random() < 0.9:
            continue
        count -= 1
        yield values.of(inspect.type_info(protocol.REQUESTS[kind]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("catalogue", ["library", "star_library", "foreign_library"])
def test_any_request_is_handled_or_refused(request, links, make_page, caplog, catalogue, seed):
    caplog.set_level(logging.ERROR)
    library = request.getfixturevalue(catalogue)
    page = make_page(library, links, Workspace(library.table, panels=default_panels(library, 6)))
    page.open()
    for message in requests(Values(seed, library), 300):
        page.run(**message)
    assert not caplog.records
    page.send("grid", value=6)
    page.workspace.param.update(selection=Everything(), enlarged=None, mode=SelectionMode.REPLACE, colour_by="count")
    page.send("swap", slot=0, view="sky")
    answer = page.look([0])
    assert 0 in {layer["slot"] for layer in answer["layers"]}
    chosen = page.send("region", slot=0, geometry={"type": "rect", "x0": 0.0, "x1": 360.0, "y0": -90.0, "y1": 90.0})
    assert chosen["toolbar"]["count"][0] == f"{library.table.n_stars:,}"
