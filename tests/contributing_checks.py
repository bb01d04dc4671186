"""What a step of CONTRIBUTING.md leads to, checked inside a copy of the project where the step was taken.

``python -m tests.contributing_checks FOLDER`` runs all checks in one process, which imports the project once; products
and ``failures.json`` go to FOLDER.
"""

import io
import json
import sys
import traceback
from pathlib import Path

import pytest

import pipeline


def column(folder):
    """The column is on axes, in colours and expressions, on the card, in the table, in exports and in the glossary."""
    import numpy as np
    import products_factory
    from astropy.table import Table
    from conftest import Page

    from explorer.charts.grid import default_panels
    from explorer.model.export import export
    from explorer.model.library import open_library
    from explorer.model.links import LinkStore
    from explorer.model.selection import Everything
    from explorer.model.star import facts_of
    from explorer.rooms.about import AboutView
    from explorer.state.workspace import Workspace

    stars = products_factory._stars
    products_factory._stars = lambda n, rng: stars(n, rng).assign(v_test=np.linspace(-1.0, 1.0, n, dtype=np.float32))
    library = open_library(products_factory.make_products(folder / "product", 100, spectra=False))
    panels = default_panels(library, 2)
    page = Page(library, LinkStore(folder / "links.sqlite"), Workspace(library.table, panels=panels))
    sent = page.send("connect", seen=True)
    assert ["v_test", "V_test [km/s]", ""] in sent["stage"]["columns"]
    assert "v_test" in [name for name, *_ in sent["toolbar"]["colours"]]
    assert "v_test" in [name for name, *_ in sent["table"]["columns"]]
    axis = page.send("axis", slot=0, axis="x", column="v_test")["stage"]["panels"][0]["x"]
    assert (axis["column"], axis["label"]) == ("v_test", "V_test [km/s]")
    groups = dict(facts_of(library.table, 99, simulated=True).groups)
    assert ("V_test", "1.00 km/s") in [(entry.label, entry.text) for entry in groups["Space and motion"]]
    written = export(library, Everything(), np.ones(100, bool), "votable")
    assert str(Table.read(io.BytesIO(written.data), format="votable")["v_test"].unit) == "km / s"
    assert "v_test" in AboutView(library).text()


def setting(folder):
    """The setting is in the table of settings, is read from TOML, refused with a wrong type, and in the manifest."""
    from pipeline.config import ConfigError, load_config, settings_table

    assert "| velocity | `test_kms` | 1.5 | a velocity for a test |" in settings_table().splitlines()
    path = folder / "run.toml"
    path.write_text("[velocity]\ntest_kms = 2\n", encoding="utf-8")
    config = load_config(str(path))
    assert config.velocity.test_kms == config.as_dict()["velocity"]["test_kms"] == 2.0
    path.write_text('[velocity]\ntest_kms = "fast"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'velocity\.test_kms' must be float; found 'fast'"):
        load_config(str(path))


def message(_folder):
    """The message is decoded, handled, refused with a wrong field, and among the types of the page's script."""
    import pandas as pd

    from explorer.model.table import StarTable
    from explorer.protocol.typescript import declarations
    from explorer.rooms.channel import NOT_UNDERSTOOD, Channel
    from explorer.rooms.table import SelectionTable
    from explorer.state.workspace import Workspace

    stars = pd.DataFrame(
        {"obsid": [12, 13], "teff": [3700.0, 3800.0], "quality": [0, 0], "in_training": [False, False]}
    )
    sent = []
    channel = Channel()
    channel.deliver = sent.append
    SelectionTable(Workspace(StarTable.from_frame(stars.astype({"teff": "f4", "quality": "i4"}))), channel)
    channel._handle_msg({"kind": "test_star", "obsid": "12"})
    channel._handle_msg({"kind": "test_star", "obsid": "12", "more": 1})
    channel._handle_msg({"kind": "test_star"})
    assert sent == [{"message": "Received 12."}, *[{"message": NOT_UNDERSTOOD, "refused": "test_star"}] * 2]
    assert "export interface TestStar {" in declarations()


def view(folder):
    """The view is on the menu, in the grid, in links, in pictures, in the help and held to the laws of views."""
    import products_factory
    from conftest import Page

    from explorer.charts.grid import default_panels
    from explorer.charts.view_specs import VIEWS
    from explorer.model.library import open_library
    from explorer.model.links import LinkStore
    from explorer.state.workspace import Workspace

    library = open_library(products_factory.make_products(folder / "product", 100, spectra=False))
    grid = default_panels(library, 6)
    page = Page(library, LinkStore(folder / "links.sqlite"), Workspace(library.table, panels=grid))
    sent = page.send("connect", seen=True)["stage"]
    assert sent["catalogue"][0] == ["test_view", "Test view", False]
    assert (sent["panels"][0]["view"], sent["panels"][0]["title"]) == ("test_view", "Test view")
    assert [sent["panels"][0][axis]["column"] for axis in ("x", "y")] == ["rv", "snr"]
    assert len(page.layers(page.look([0]), "stars")[0]["x"]) > 90
    page.send("region", slot=0, geometry={"type": "rect", "x0": -1e3, "x1": 1e3, "y0": 20, "y1": 50}, keys=[])
    assert 0 < page.workspace.n_selected < 100
    axes = page.room.sharing.drawing(0)().axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("RV [km s$^{-1}$]", "S/N")
    assert page.send("help")["help"]["views"][0] == ["Test view", "Velocity against signal to noise."]
    assert page.workspace.to_dict()["panels"][0]["view"] == "test_view"
    laws = ["-k", "TestEveryView and test_view-", "tests/explorer/test_view_laws.py"]
    assert VIEWS["test_view"].lacking == "velocities"
    assert pytest.main(["-q", "-p", "no:cacheprovider", *laws]) == pytest.ExitCode.OK


def build(folder):
    """A file of the new format is recognised, built with the new stage, and flagged with the new bit."""
    import numpy as np

    from explorer.model.library import open_library
    from explorer.model.star import facts_of
    from explorer.rooms.about import AboutView
    from pipeline.__main__ import main
    from pipeline.domain.flags import QualityFlag, readme_table
    from pipeline.products.product import Products
    from pipeline.sources.tables.reader import open_table
    from pipeline.stages.opening import check_tables
    from pipeline.stages.order import described

    keys = ("star_number", "alpha", "delta", "ks", "dist_pc", "mu_alpha", "mu_delta")
    motion = [1.0, 20.0, 40.0, 1.0]
    rows = [(n, 10.0 * n, 5.0 * n, -99.0 if n == 4 else 9.0, 5000.0, motion[n - 1], 0.0) for n in range(1, 5)]
    path = folder / "stars.strange"
    path.write_text("".join(f"{json.dumps(dict(zip(keys, row, strict=True)))}\n" for row in rows), encoding="utf-8")
    assert open_table(path).form == "JSON Lines"
    assert open_table(path.read_bytes(), "sent").form == "JSON Lines"
    checked = check_tables([path], spectra=False).text()
    assert "An example" in checked, checked
    assert "tangential" in described()
    (folder / "run.toml").write_text(f'[[input.source]]\ntable = "{path.name}"\nunmatched = "add"\n', encoding="utf-8")
    assert main(["build", str(folder / "run.toml"), "--output", str(folder / "product"), "--quiet"]) == 0
    products = Products.open(folder / "product")
    table = products.catalog.table
    np.testing.assert_allclose(table["v_test"], 4.740470463533349 * np.array(motion) * 5.0, rtol=1e-6)
    assert table["k_mag"].isna().tolist() == [False, False, False, True]
    assert ((table["quality"] & int(QualityFlag.FAST)) > 0).tolist() == [False, False, True, False]
    assert "tangential" in [stage["name"] for stage in products.manifest.stages]
    library = open_library(folder / "product")
    facts = facts_of(library.table, 2, simulated=False)
    assert any("faster than 500 km/s" in bit for bit in facts.bits), facts.bits
    assert "| 23 | `FAST` | faster than 500 km/s across the sky |" in readme_table().splitlines()
    assert "faster than 500 km/s across the sky" in AboutView(library).text()


CHECKS = {"column": column, "setting": setting, "message": message, "view": view, "build": build}


def failures(folder):
    """Trace of each check that failed, by its name; each has a folder of its own for products."""
    found = {}
    for name, check in CHECKS.items():
        (folder / name).mkdir()
        try:
            check(folder / name)
        except Exception:  # noqa: BLE001 - the test shows the trace
            found[name] = traceback.format_exc()
    return found


if __name__ == "__main__":
    assert Path(pipeline.__file__).is_relative_to(Path.cwd()), "the copy's modules are imported"
    sys.path.insert(0, str(Path(__file__).parent / "explorer"))
    (Path(sys.argv[1]) / "failures.json").write_text(json.dumps(failures(Path(sys.argv[1]))), encoding="utf-8")
