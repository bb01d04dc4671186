"""Damaged, changed, rebuilt or removed products, before opening and while served."""

import asyncio
import gc
import json
import logging
import os
import shutil
import subprocess
import weakref
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from products_factory import make_products, sign
from star_factory import sent
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from explorer.charts.grid import default_panels
from explorer.charts.view_specs import chart_of
from explorer.model import checked_files, column_file
from explorer.model import library as library_module
from explorer.model.checked_files import CheckState, look_at_all
from explorer.model.health import add_part, health
from explorer.model.library import forget_libraries, load_library, open_library
from explorer.model.served import Served, is_newer, product_health
from explorer.rooms.about import AboutView
from explorer.rooms.health import ROUTES
from explorer.rooms.served_strip import ServedStrip, newer_sentence, trouble_sentence
from explorer.state.workspace import Workspace
from pipeline.products.manifest import MANIFEST_NAME, ProductError

STAR = 100_000_007


@pytest.fixture(autouse=True)
def alone():
    forget_libraries()
    yield
    forget_libraries()


@pytest.fixture(scope="session")
def star_products(star_library):
    """A product with everything that a product can hold; nothing writes into it."""
    return star_library.products.directory


@pytest.fixture(scope="session")
def other_products(tmp_path_factory):
    """Another build of other stars under the same ids."""
    return make_products(tmp_path_factory.mktemp("served") / "new", 150, seed=8)


def copied(source, target):
    """A product of its own; its files are shared until they are replaced."""
    return Path(shutil.copytree(source, target, copy_function=shutil.copyfile))


def overwritten(path, change):
    """Write over the content of a file in place."""
    content = change(path.read_bytes())
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(content)


def flipped(content):
    return content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 4]) + content[len(content) // 2 + 1 :]


def looks(served, count=3):
    """So many looks, each after what the one before began."""
    for _ in range(count):
        look_at_all()
        served.look()
        if served._opening is not None:
            served._opening.join(60)
    return served.state


# --- before it is opened ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["empty", "cut", "flipped", "missing", "fifo"])
def test_any_damage_of_any_file_is_a_sentence_that_names_it(star_products, tmp_path, kind):
    names = sorted(path.relative_to(star_products) for path in star_products.rglob("*") if path.is_file())
    assert len(names) > 20
    for number, name in enumerate(names):
        product = shutil.copytree(star_products, tmp_path / str(number), copy_function=os.link)
        path, content = product / name, (star_products / name).read_bytes()
        path.unlink()
        if kind == "fifo":
            os.mkfifo(path)
        elif kind != "missing":
            changes = {"empty": lambda _: b"", "cut": lambda data: data[: len(data) // 2], "flipped": flipped}
            path.write_bytes(changes[kind](content))
        if path.name == MANIFEST_NAME and kind in ("flipped", "fifo"):
            continue
        with pytest.raises(ProductError) as caught:
            open_library(product)
        assert path.name in str(caught.value)
        assert str(caught.value).endswith(".")
        shutil.rmtree(product)


def test_a_listed_name_leads_nowhere_else(star_products, tmp_path):
    product = copied(star_products, tmp_path / "p")
    manifest = json.loads((product / MANIFEST_NAME).read_text())
    manifest["files"]["../secret"] = "0" * 64
    (product / MANIFEST_NAME).write_text(json.dumps(manifest))
    with pytest.raises(ProductError, match="outside"):
        open_library(product)


def test_a_product_that_changes_while_it_is_opened_is_refused(star_products, other_products, tmp_path, monkeypatch):
    product = copied(star_products, tmp_path / "p")
    reading = library_module.read_catalog

    def meanwhile(file, **options):
        found = reading(file, **options)
        shutil.copytree(other_products, product, dirs_exist_ok=True, copy_function=shutil.copyfile)
        return found

    monkeypatch.setattr(library_module, "read_catalog", meanwhile)
    with pytest.raises(ProductError, match=r"was (changed|replaced)"):
        load_library(product)


# --- large files, checked in the background ---------------------------------------------------------------------------


def wait_for_check(library):
    for _ in range(500):
        if not library.files._large:
            return library
        gc.collect(0)
        asyncio.run(asyncio.sleep(0.01))
    raise AssertionError("never checked")


@pytest.mark.parametrize("name", ["spectra/flux.npy", "spectra/model.npy"])
def test_a_damaged_large_file_is_found_in_the_background(star_products, tmp_path, monkeypatch, caplog, name):
    monkeypatch.setattr(checked_files, "AT_ONCE_BYTES", 1000)
    product = copied(star_products, tmp_path / "p")
    library = wait_for_check(load_library(product))
    assert library.files.state is CheckState.CHECKED
    assert "checked, against the checksums" in AboutView(library).text()
    overwritten(product / name, flipped)
    with caplog.at_level(logging.ERROR):
        library = wait_for_check(load_library(product))
    assert library.files.state is CheckState.DAMAGED
    assert list(library.files.damage) == [name]
    assert f"{Path(name).name} differs from its checksum" in AboutView(library).text()
    assert name.rsplit("/")[-1] in caplog.text
    with pytest.raises(ProductError, match="differs from its checksum"):
        library.products.spectra.get(STAR)
    assert not library.files.fatal


def test_a_damaged_catalogue_closes_the_page_and_leaves_no_columns(star_products, tmp_path, monkeypatch):
    monkeypatch.setattr(checked_files, "AT_ONCE_BYTES", 1000)
    monkeypatch.setattr(library_module, "LARGE", 10)
    product, cache = copied(star_products, tmp_path / "p"), tmp_path / "cache"
    overwritten(product / "catalog.parquet", lambda data: data.replace(b"pandas_version", b"pandas_versiom"))
    served = Served(product, cache)
    with suppress(ProductError):  # the check may be the faster one
        served.library()
    library = wait_for_check(served.state.newest)
    assert "catalog.parquet" in library.files.fatal
    assert not list(cache.iterdir())
    with pytest.raises(ProductError, match="differs from its checksum"):
        served.library()
    assert "do not use its values" in trouble_sentence(served.state, library)
    shutil.copyfile(star_products / "catalog.parquet", product / "catalog.parquet")
    assert looks(served).good
    assert served.library() is not library


# --- columns of large catalogues --------------------------------------------------------------------------------------


@pytest.fixture
def mapped(star_products, tmp_path, monkeypatch):
    monkeypatch.setattr(library_module, "LARGE", 10)
    return lambda: load_library(star_products, tmp_path / "cache").table


@pytest.mark.parametrize("kind", ["empty", "cut", "flipped", "missing", "other"])
def test_damaged_columns_are_written_again(mapped, star_products, tmp_path, kind):
    right = load_library(star_products).table
    open_since_before = mapped()
    (column,) = tmp_path.glob("cache/*/teff.column")
    other = column.with_name("logg.column").read_bytes()
    changes = {"empty": lambda _: b"", "cut": lambda data: data[:99], "flipped": flipped, "other": lambda _: other}
    for table in (open_since_before, mapped()):
        if kind == "missing":
            column.unlink()
        else:
            overwritten(column, changes[kind])
        assert table.value("teff", 5) == right.value("teff", 5)
        np.testing.assert_array_equal(table["teff"], right["teff"])


def test_columns_in_use_survive_whatever_happens_to_their_files(mapped, star_products, tmp_path):
    right, table = load_library(star_products).table, mapped()
    held = {name: table[name] for name in ("teff", "obsid", "in_training")}
    for path in tmp_path.glob("cache/*/*.column"):
        path.write_bytes(b"")
    for name, values in held.items():
        np.testing.assert_array_equal(values, right[name])


def test_a_full_disk_costs_memory_not_values(mapped, star_products, monkeypatch, caplog):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    right = load_library(star_products).table
    mapped()
    monkeypatch.setattr(column_file.ColumnFile, "_copied", full)
    np.testing.assert_array_equal(mapped()["teff"], right["teff"])
    monkeypatch.setattr("explorer.model.mapped.seal", full)
    monkeypatch.setattr("explorer.model.mapped.columns_folder", lambda *_: Path("/proc/nowhere"))
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(mapped()["teff"], right["teff"])
    assert "kept in memory" in caplog.text


# --- while it is served -----------------------------------------------------------------------------------------------


def switch(kind, product, old, new, tmp_path):
    """Put another build in the place of the one that is served."""
    if kind == "link":
        (tmp_path / "next").symlink_to(copied(new, tmp_path / "second"))
        (tmp_path / "next").replace(product)
        shutil.rmtree(tmp_path / "first")
    elif kind == "rename":
        product.rename(tmp_path / "away")
        copied(new, tmp_path / "second").rename(product)
        shutil.rmtree(tmp_path / "away")
    elif kind == "copy over":
        subprocess.run(["cp", "-r", f"{new}/.", str(product)], check=True)
    else:  # file by file, each first cut and then filled, the manifest last: as rsync --inplace
        for path in sorted(new.rglob("*"), key=lambda one: one.name == MANIFEST_NAME):
            if path.is_file():
                (product / path.relative_to(new)).parent.mkdir(exist_ok=True)
                shutil.copyfile(path, product / path.relative_to(new))
    assert old.is_dir()


@pytest.mark.parametrize("kind", ["link", "rename", "copy over", "in place"])
def test_another_build_is_noticed_and_never_mixed(star_products, other_products, tmp_path, make_page, links, kind):
    first = copied(star_products, tmp_path / "first")
    product = tmp_path / "served"
    product.symlink_to(first) if kind == "link" else first.rename(product)
    served = Served(product, prepare=(prepared := []).append)
    old = served.library()
    served.enter(old)
    page = make_page(old, links, Workspace(old.table, panels=default_panels(old, 2)))
    page.open()
    page.send("painted")
    before = page.change(focus=STAR)["star"]
    assert looks(served).newest is old
    switch(kind, product, star_products, other_products, tmp_path)
    beside = page.change(focus=STAR + 1)["star"]
    if kind in ("link", "rename"):
        assert beside["sentence"] == ""
        right = load_library(star_products).products.spectra.get(STAR + 1).flux
        shown = sent(beside["spectrum"]["flux"])
        np.testing.assert_allclose(shown[np.isfinite(shown)], right[np.isfinite(shown)], atol=1e-3)
    else:
        assert "is not shown" in beside["sentence"]
        assert "spectrum" not in beside
    state = looks(served)
    new = served.library()
    assert state.good
    assert new is not old
    assert prepared == [new]
    assert new.table.n_stars == 150
    assert is_newer(old, new)
    assert "A newer build" in newer_sentence(state, old)
    assert newer_sentence(state, new) == trouble_sentence(state, new) == ""
    assert bool(trouble_sentence(state, old)) == (kind in ("copy over", "in place"))
    assert product_health(state)["rebuilt"] is True
    again = page.change(focus=STAR)["star"]
    assert again["facts"] == before["facts"], "labels stay those of the build that was opened"
    assert len(looks(served).newest.products.spectra) == 150


def test_a_build_that_cannot_be_opened_is_named_and_the_old_one_stays(star_products, other_products, tmp_path):
    product = copied(star_products, tmp_path / "p")
    served = Served(product)
    old = served.library()
    shutil.copyfile(other_products / MANIFEST_NAME, product / MANIFEST_NAME)
    state = looks(served)
    assert served.library() is old
    assert "cannot be opened" in state.trouble
    assert "as it was opened" in trouble_sentence(state, old)
    assert not state.good
    assert looks(served) is state, "nothing is tried again before something changes"
    shutil.copyfile(star_products / MANIFEST_NAME, product / MANIFEST_NAME)
    assert looks(served).good
    assert served.library() is old


def test_a_product_that_goes_and_comes_back(star_products, tmp_path, caplog):
    product = copied(star_products, tmp_path / "p")
    served = Served(product)
    old = served.library()
    product.rename(tmp_path / "away")
    with caplog.at_level(logging.INFO):
        state = looks(served)
        assert "has no manifest.json any more" in state.gone
        assert product_health(state)["state"] == "gone"
        assert old.products.spectra.get(STAR).flux.size
        assert served.library() is old
        (tmp_path / "away").rename(product)
        assert looks(served).good
    assert len(caplog.records) == 2


@pytest.mark.parametrize("name", ["spectra/flux.npy", "overlays/isochrones.parquet", "report.json"])
def test_a_file_that_is_damaged_in_place_is_noticed_and_comes_back(star_products, tmp_path, caplog, name):
    product = copied(star_products, tmp_path / "p")
    served = Served(product)
    library = served.library()
    right = library.products.spectra.get(STAR).flux
    overwritten(product / name, flipped)
    with caplog.at_level(logging.ERROR):
        state = looks(served)
    assert list(library.files.damage) == [name]
    assert name.rsplit("/")[-1] in caplog.text
    assert name.rsplit("/")[-1] in trouble_sentence(state, library)
    assert product_health(state)["state"] == "damaged"
    if name.startswith("spectra"):
        with pytest.raises(ProductError, match=r"flux\.npy"):
            library.products.spectra.get(STAR)
    else:
        np.testing.assert_array_equal(library.products.spectra.get(STAR).flux, right)
    overwritten(product / name, lambda _: (star_products / name).read_bytes())
    assert looks(served).good
    assert served.library() is library
    np.testing.assert_array_equal(library.products.spectra.get(STAR).flux, right)


def test_an_old_library_is_released_with_its_last_page(star_products, other_products, tmp_path):
    product = copied(star_products, tmp_path / "p")
    served = Served(product)
    library = served.library()
    leave = served.enter(library)
    chart_of(library, default_panels(library, 1)[0])
    assert library.kept
    product.rename(tmp_path / "away")
    copied(other_products, product)
    looks(served)
    gone = weakref.ref(library)
    descriptors = {file.file for file in library.products.spectra.files}
    leave()
    leave()
    del library, leave
    gc.collect()
    assert gone() is None
    assert len(descriptors) == 5


# --- what people and monitors see -------------------------------------------------------------------------------------


def test_the_strip_says_what_happened_and_reloads(star_products, other_products, tmp_path):
    product = copied(star_products, tmp_path / "p")
    served, withheld, reloaded = Served(product), [], []

    async def reload():
        reloaded.append(True)

    library = served.library()
    strip = ServedStrip(served, library, reload, lambda: withheld.append(True))
    assert not strip.body.visible
    overwritten(product / "spectra" / "flux.npy", flipped)
    looks(served)
    strip.refresh()
    assert strip.trouble.visible
    assert "flux.npy" in strip.trouble.object
    assert 'role="alert"' in strip.trouble.object
    assert not strip.newer_row.visible
    assert withheld == [True]
    shutil.copytree(other_products, product, dirs_exist_ok=True)
    looks(served)
    strip.refresh()
    assert strip.newer_row.visible
    assert "A newer build of this catalogue" in strip.newer.object
    assert not ServedStrip(served, served.library(), reload, lambda: None).body.visible


def test_files_that_are_added_to_a_build_are_named(star_products, tmp_path):
    product = copied(star_products, tmp_path / "p")
    served = Served(product)
    library = served.library()
    (product / "validation.json").write_text('{"labels": {}}')
    sign(product)
    state = looks(served)
    assert newer_sentence(state, library) == "The files of this catalogue were replaced: validation.json."
    assert trouble_sentence(state, library) == ""
    assert served.library().products.spectra.get(STAR).flux.size


async def asked(routes):
    """Status and document of ``/health``."""
    server = HTTPServer(Application(routes))
    (socket,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(socket)
    try:
        address = f"http://127.0.0.1:{socket.getsockname()[1]}/health"
        answer = await AsyncHTTPClient().fetch(address, raise_error=False)
        return answer.code, json.loads(answer.body)
    finally:
        server.stop()


def test_health_reports_product_parts_and_versions(star_products, tmp_path):
    product = copied(star_products, tmp_path / "p")
    served = Served(product)
    library = served.library()
    add_part("product", lambda: product_health(served.state))
    add_part("part of a test", lambda: {"ok": False, "reachable": False})
    code, document = asyncio.run(asked(ROUTES))
    assert code == 200, "other parts do not take the catalogue away"
    assert document["ok"] is False
    assert document["part of a test"] == {"ok": False, "reachable": False}
    add_part("part of a test", dict)
    assert asyncio.run(asked(ROUTES))[1]["ok"] is True
    manifest = library.products.manifest
    shown = document["product"]
    assert (shown["name"], shown["created"], shown["stars"]) == (manifest.name, manifest.created, library.table.n_stars)
    assert shown["state"] == "checked"
    assert shown["problems"] == []
    assert document["versions"]["mgiant-explorer"]
    overwritten(product / "spectra" / "ivar.npy", lambda _: b"")
    looks(served)
    code, document = asyncio.run(asked(ROUTES))
    assert code == 503
    assert document["product"]["state"] == "damaged"
    assert "ivar.npy" in document["product"]["problems"][0]
    assert health()[0] is False


def test_nothing_is_frozen_of_another_build_than_was_vetted(star_products, other_products, tmp_path):
    product = copied(star_products, tmp_path / "p")
    library = load_library(product)
    library.demand_unchanged()
    sign(shutil.copytree(other_products, product, dirs_exist_ok=True))
    with pytest.raises(ProductError, match="Open it again"):
        library.demand_unchanged()
