"""Product directories: random access, checksums, reports of violations."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from pipeline.products.catalog import REJECT_COLUMNS, Catalog, write_rejects
from pipeline.products.manifest import Manifest, ProductError, checksums
from pipeline.products.maps import DiscMap, read_maps, write_maps
from pipeline.products.models import read_model, write_model
from pipeline.products.overlays import read_overlays, write_overlay
from pipeline.products.product import Products, verify
from pipeline.products.spectra import SpectrumStore, SpectrumStoreWriter

OBSIDS = np.array([11, 7, 2_000_000_000_000_005])


@pytest.fixture
def directory(tmp_path):
    Catalog.from_frame(pd.DataFrame({"obsid": OBSIDS, "in_training": False, "quality": 0})).write(
        tmp_path, simulated=True
    )
    write_rejects(pd.DataFrame([("x.fits", 0, "read", "not-fits", "why")], columns=list(REJECT_COLUMNS)), tmp_path)
    writer = SpectrumStoreWriter(tmp_path, OBSIDS, np.array([5000.0, 5001.0]), simulated=True, note="test")
    writer.put(slice(0, 3), flux=np.arange(6.0).reshape(3, 2), ivar=np.ones((3, 2)), mask=np.zeros((3, 2), bool))
    writer.put(np.array([1]), model=np.array([[0.5, 0.6]]))
    writer.close()
    write_model(tmp_path, {"x": np.eye(2)}, {"format_version": 1})
    (tmp_path / "report.json").write_text("{}")
    Manifest("t", True, "All is simulated.", {}, {}, {}, files=checksums(tmp_path)).write(tmp_path)
    return tmp_path


def test_random_access_by_obsid(directory):
    store = SpectrumStore(directory)
    assert store.get(7).flux.tolist() == [2.0, 3.0]
    assert store.get(7).has_model
    assert not store.get(11).has_model
    assert store.rows([2_000_000_000_000_005, 4]).tolist() == [2, -1]
    assert 11 in store
    assert store.simulated
    with pytest.raises(KeyError, match="obsid 4 has no spectrum"):
        store.get(4)


def test_a_sound_directory_verifies_and_opens(directory):
    assert verify(directory) == []
    products = Products.open(directory)
    assert len(products.catalog) == 3
    assert products.rejects["code"].tolist() == ["not-fits"]
    assert products.maps == ()


def break_checksum(directory):
    (directory / "report.json").write_text("{ }")


def remove_spectra(directory):
    (directory / "spectra" / "flux.npy").unlink()


def add_stranger(directory):
    (directory / "notes.txt").write_text("hello")


def damage_manifest(directory):
    (directory / "manifest.json").write_text("{")


def newer_layout(directory):
    raw = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps(raw | {"format_version": 99}))


def silent_simulation(directory):
    raw = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps(raw | {"simulated_note": ""}))


def pickled_model(directory):
    np.save(directory / "model" / "x.npy", np.array([{}], object), allow_pickle=True)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (break_checksum, "report.json differs from the checksum"),
        (remove_spectra, "spectra/flux.npy is listed in manifest.json and missing"),
        (add_stranger, "notes.txt is not listed"),
        (damage_manifest, "not valid JSON"),
        (newer_layout, "layout version 99"),
        (silent_simulation, "simulated without saying what"),
        (pickled_model, "model/x.npy is damaged"),
    ],
)
def test_each_breach_has_its_sentence(directory, harm, says):
    harm(directory)
    breaches = verify(directory)
    assert breaches
    assert re.search(says, " ".join(breaches))


def test_a_missing_directory_is_reported(tmp_path):
    assert "not a product directory" in verify(tmp_path / "nowhere")[0]


def test_maps_and_overlays_round_trip(tmp_path):
    grid = np.ones((2, 2), np.float32)
    disc = DiscMap(0.0, 0.5, np.arange(3.0), grid.astype(np.int32), grid, grid, grid, grid, np.ones((4, 4), np.uint8))
    write_maps(tmp_path, [disc])
    assert read_maps(tmp_path)[0].label == "0 ≤ |Z| < 0.5 kpc"
    np.testing.assert_array_equal(read_maps(tmp_path)[0].texture, disc.texture)
    write_overlay(tmp_path, "spiral_arms", pd.DataFrame({"arm": ["a"], "x_gal": [1.0], "y_gal": [2.0]}))
    assert read_overlays(tmp_path)["spiral_arms"]["y_gal"].tolist() == [2.0]
    with pytest.raises(ProductError, match="must have columns"):
        write_overlay(tmp_path, "spiral_arms", pd.DataFrame({"x": [1]}))


def test_models_never_hold_objects(tmp_path):
    with pytest.raises(ProductError, match="Python objects"):
        write_model(tmp_path, {"bad": np.array([{}], object)}, {})
    write_model(tmp_path, {"a": np.arange(3)}, {"k": "ü"})
    arrays, metadata = read_model(tmp_path)
    assert arrays["a"].tolist() == [0, 1, 2]
    assert metadata == {"k": "ü"}
