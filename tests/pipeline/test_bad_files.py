"""Bad files affect only their own row: ranges, sizes, compressions, names and folders."""

import gzip
import hashlib
import json
import os
import resource
import socket
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from pipeline.config import ConfigError, load_config
from pipeline.domain.spectrum import SpectrumError
from pipeline.products.product import Products
from pipeline.sources import bounded_files, folders
from pipeline.sources.folders import list_files, shown_name
from pipeline.sources.lamost_fits import find_spectra, read_spectra, read_spectrum, spectrum_of, without_repeats
from pipeline.stages.inputs import InputRecord, files_below, read_records, write_records
from pipeline.stages.opening import open_files
from pipeline.stages.runner import build
from tests.pipeline.hostile_files import (
    HEADER_EXTREMES,
    PIXEL_EXTREMES,
    content,
    good_image,
    gzip_bomb,
    many_hdus,
    packed,
    tile_bomb,
)

MEGABYTE = 1024**2
CATALOGUE = ("obsid", "ra", "dec", "snr", "rv", "rv_err", "tio5", "fiber_id", "lmjd", "plan_id")


def refusal(path_or_content, path):
    with pytest.raises(SpectrumError) as caught:
        spectrum_of(path_or_content, path)
    assert len(str(caught.value)) <= 310
    assert str(caught.value).isprintable()
    return caught.value.code


@pytest.mark.parametrize("key", HEADER_EXTREMES)
def test_each_extreme_of_a_header_is_kept_in_range_or_refused(tmp_path, key):
    limits = {"SPID": ("spectrograph_id", 0, 16), "FIBERID": ("fiber_id", 0, 4000), "LMJD": ("lmjd", 0, 99_999)}
    for value in HEADER_EXTREMES[key]:
        path = tmp_path / "a.fits"
        path.write_bytes(content(good_image(**{key: value})))
        ((_, found),) = read_spectra([path])
        if isinstance(found, SpectrumError):
            assert key.startswith("COEFF"), (value, found)
            continue
        meta = found.meta
        assert 1 <= found.obsid < 2**63
        assert np.isnan(meta["ra"]) == np.isnan(meta["dec"])
        assert np.isnan(meta["ra"]) or (0 <= meta["ra"] <= 360 and -90 <= meta["dec"] <= 90)
        for name, low, high in limits.values():
            assert low <= meta[name] <= high
        assert np.isnan(meta["rv_input"]) or abs(meta["rv_input"]) < 1500
        texts = [meta[name] for name in ("designation", "plan_id", "subclass", "object_class")]
        assert max(map(len, texts)) <= 68
        if key in limits and isinstance(value, (int, float)):
            name, low, high = limits[key]
            inside = type(value) is not bool and low <= value <= high and float(value).is_integer()
            assert meta[name] == (value if inside else 0)
            assert bool(meta["problems"]) != inside
            assert inside or (key in meta["problems"][0] and "a.fits" in meta["problems"][0])


@pytest.mark.parametrize("value", [8000000017.0, "8000000017.0", "8000000017", "  8000000017 "])
def test_an_obsid_as_a_decimal_number_keeps_every_digit(tmp_path, value):
    found = spectrum_of(content(good_image(OBSID=value)), tmp_path / "a.fits")
    assert (found.obsid, found.meta["obsid_source"], found.meta["problems"]) == (8000000017, "header", ())


@pytest.mark.parametrize("name", PIXEL_EXTREMES)
def test_pixels_that_no_spectrograph_measures_refuse_the_file(tmp_path, name):
    code = "negative-flux" if name == "flux negative" else "no-good-pixel"
    expected = code if name in ("flux negative", "flux infinite", "ivar negative") else "impossible-values"
    assert refusal(PIXEL_EXTREMES[name](), tmp_path / "a.fits") == expected


def test_a_few_impossible_pixels_are_masked_and_do_not_reach_the_signal_to_noise(tmp_path):
    hdu = good_image()
    plain = spectrum_of(content(hdu), tmp_path / "a.fits")
    hdu.data[0, 100:103] = [1e30, -1e20, 1e16]
    hdu.data[1, 200] = 1e37
    found = spectrum_of(content(hdu), tmp_path / "a.fits")
    assert np.flatnonzero(found.mask != plain.mask).tolist() == [100, 101, 102, 200]
    assert found.meta["snr"] == pytest.approx(plain.meta["snr"], rel=1e-3)
    assert found.meta["problems"] == ("a.fits: 4 pixels hold no values of a spectrum; they are masked.",)


@pytest.mark.parametrize("packing", ["RICE_1", "GZIP_1", "GZIP_2"])
def test_an_image_packed_by_fpack_is_the_same_spectrum(tmp_path, packing):
    plain = spectrum_of(content(good_image()), tmp_path / "a.fits")
    found = spectrum_of(packed(packing, quantize_level=0.0 if "GZIP" in packing else 256.0), tmp_path / "a.fits.fz")
    assert (found.obsid, found.meta["obsid_source"], found.meta["ra"]) == (101001, "header", 120.5)
    np.testing.assert_allclose(found.wavelength, plain.wavelength)
    np.testing.assert_allclose(found.flux, plain.flux, rtol=1e-6 if "GZIP" in packing else 0.01)


def test_packings_whose_decoders_trust_the_file_are_refused(tmp_path):
    assert refusal(packed("HCOMPRESS_1"), tmp_path / "a.fits.fz") == "unreadable"
    assert refusal(tile_bomb(60), tmp_path / "a.fits.fz") == "too-large"


def test_bombs_and_huge_files_cost_neither_memory_nor_time(tmp_path):
    bombs = {"a.fits.gz": gzip_bomb(400), "b.fits.gz": gzip_bomb(2, members=30), "c.fits": many_hdus(5000)}
    bombs |= {"d.fits.gz": gzip_bomb(0, members=70), "e.fits.gz": gzip.compress(gzip_bomb(100))}
    for name, data in bombs.items():
        (tmp_path / name).write_bytes(data)
    with (tmp_path / "f.fits").open("wb") as file:
        file.truncate(40 * 1000**3)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    codes = {path.name: result.code for path, result in read_spectra(find_spectra(tmp_path))}
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert codes == dict.fromkeys(("a.fits.gz", "b.fits.gz", "c.fits", "d.fits.gz", "f.fits"), "too-large") | {
        "e.fits.gz": "not-fits"
    }
    assert grown < 100, "megabytes"
    assert time.process_time() - started < 10


@pytest.mark.parametrize("cut", [1, 8, 9, 200])
def test_gzip_in_several_members_with_padding_is_read_and_a_cut_one_is_not(tmp_path, cut):
    plain = content(good_image())
    packed_up = gzip.compress(plain[:5000]) + gzip.compress(plain[5000:])
    assert spectrum_of(packed_up + bytes(700), tmp_path / "a.fits.gz").obsid == 101001
    assert refusal(packed_up[:-cut], tmp_path / "a.fits.gz") == "truncated"
    assert refusal(packed_up + b"rubbish", tmp_path / "a.fits.gz") == "truncated"


def test_a_file_that_grows_or_becomes_a_pipe_is_not_read(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "a.fits")
    with pytest.raises(SpectrumError, match="not a file"):
        read_spectrum(tmp_path / "a.fits")
    (tmp_path / "b.fits").write_bytes(content(good_image()))
    monkeypatch.setattr(bounded_files, "MAX_BYTES", 1000)
    with pytest.raises(SpectrumError, match="at most"):
        read_spectrum(tmp_path / "b.fits")


def hostile_folder(folder):
    """Good spectra behind every kind of entry; the codes that its listing must have."""
    night = folder / "night1"
    night.mkdir(parents=True)
    (night / "a.fits").write_bytes(content(good_image(11)))
    elsewhere = folder.parent / "elsewhere" / "night2"
    elsewhere.mkdir(parents=True)
    (elsewhere / "b.fits").write_bytes(content(good_image(12)))
    (elsewhere / "back").symlink_to(elsewhere)
    (elsewhere / "deep").symlink_to(folder)
    single = folder.parent / "elsewhere" / "c.fits"
    single.write_bytes(content(good_image(13)))
    (folder / "linked").symlink_to(elsewhere)
    (folder / "linked again").symlink_to(elsewhere)
    (folder / "night1 again").symlink_to(night)
    (folder / "above").symlink_to(folder.parent)
    (folder / "loop").symlink_to("loop")
    (folder / "broken.fits").symlink_to(folder / "nowhere.fits")
    (folder / "z1.fits").symlink_to(single)
    (folder / "z2.fits").symlink_to(single)
    (folder / "z3.fits").symlink_to(night / "a.fits")
    (folder / "null.fits").symlink_to("/dev/null")
    os.mkfifo(folder / "pipe.fits")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket.fits"))
    (folder / os.fsdecode(b"caf\xe9\x1b[31m.fits")).write_bytes(content(good_image(14)))
    (folder / os.fsdecode(b"night\xff")).mkdir()
    (folder / os.fsdecode(b"night\xff") / "e.fits").write_bytes(content(good_image(15)))
    (folder / os.fsdecode(b"bad\xfe.fits")).write_bytes(b"no FITS")
    return {"linked-again": 7, "broken-link": 2, "not-a-file": 3}


def test_links_are_followed_once_and_every_other_entry_has_a_reason(tmp_path):
    codes = hostile_folder(tmp_path / "spectra")
    found = list_files(tmp_path / "spectra")
    assert Counter(problem.code for problem in found.problems) == codes
    spectra = [result for _, result in read_spectra(found) if not isinstance(result, SpectrumError)]
    assert sorted(one.obsid for one in spectra) == [11, 12, 13, 14, 15]
    reasons = [problem.reason for problem in found.problems]
    assert "z2.fits is a link to a file that is read already, as z1.fits." in reasons
    assert "The link linked again leads to a folder that is read already, as linked." in reasons
    assert "The link above leads to a folder above the one that is read." in reasons
    assert "pipe.fits is a named pipe, not a file." in reasons
    for name in [shown_name(path.name) for path in found] + reasons:
        assert name.encode().decode().isprintable()
    assert [path for path in found if path.name == "z3.fits"] == []


def test_an_unreadable_folder_is_a_problem_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.fits").write_bytes(content(good_image(11)))
    (tmp_path / "shut" / "deeper").mkdir(parents=True)
    whole = os.scandir

    def scandir(path):
        if os.path.basename(path) == "shut":  # noqa: PTH119 - as text, as the walk gives it
            raise PermissionError(13, "Permission denied", path)
        return whole(path)

    monkeypatch.setattr(folders.os, "scandir", scandir)
    found = find_spectra(tmp_path)
    assert [path.name for path in found] == ["a.fits"]
    (problem,) = found.problems
    assert problem.code == "unreadable-folder"
    assert problem.reason == "The folder shut cannot be read: Permission denied."


def test_the_order_of_files_is_that_of_their_sorted_paths(tmp_path):
    for name in ("b/z.fits", "b/a/x.fits", "b/a.fits", "b-c/x.fits", "a.fits", "c.fits", "b/a-b.fits"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert list(list_files(tmp_path)) == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_a_repeat_of_the_same_name_says_in_which_folder(tmp_path):
    for night in ("night1", "night2"):
        (tmp_path / night).mkdir()
        (tmp_path / night / "a.fits").write_bytes(content(good_image(11)))
    results = [result for _, result in without_repeats(read_spectra(find_spectra(tmp_path)))]
    assert str(results[1]) == "a.fits in night2 has obsid 11, already read from a.fits."


def test_records_of_inputs_keep_names_that_are_no_utf8(tmp_path):
    name = os.fsdecode(b"caf\xe9.fits")
    (tmp_path / name).write_bytes(b"x")
    records = [InputRecord.of_file(tmp_path / name), InputRecord.of_folder(tmp_path, files_below(tmp_path))]
    write_records(records, tmp_path / "records.parquet")
    assert read_records(tmp_path / "records.parquet") == records
    assert records[0].unchanged()


@pytest.fixture(scope="module")
def hostile_build(tmp_path_factory):
    """A build of good spectra alone, and one of the same among every hostile file."""
    folder = tmp_path_factory.mktemp("bad")
    good, bad = folder / "good", folder / "spectra"
    good.mkdir()
    codes = hostile_folder(bad)
    for number in range(6):
        for place in (good, bad):
            (place / f"good{number}.fits").write_bytes(content(good_image(201 + number, RA=10.0 + number)))
    obsid = 1000
    for key, values in HEADER_EXTREMES.items():
        for value in values:
            obsid += 1
            number = {} if key == "OBSID" else {"OBSID": obsid}
            cards = number | {"FIBERID": obsid % 250, "PLANID": f"P{obsid}", key: value}
            (bad / f"h{obsid}.fits").write_bytes(content(good_image(**cards)))
    for name, make in PIXEL_EXTREMES.items():
        (bad / f"{name}.fits").write_bytes(make())
    for name, data in {
        "p.fits.fz": packed(obsid=301),
        "bomb.fits.gz": gzip_bomb(100),
        "h.fits": many_hdus(500),
    }.items():
        (bad / name).write_bytes(data)
    with (bad / "sparse.fits").open("wb") as file:
        file.truncate(40 * 1000**3)
    for place in (good, bad):
        text = f'name = "x"\n[input]\nkind = "lamost-fits"\nspectra = {json.dumps(str(place))}\n'
        text += "[velocity]\nsky_residuals = false\nscale_errors = false\n"  # learned from all spectra of a run
        (folder / f"{place.name}.toml").write_text(text)
        progress = folder / f"{place.name}.jsonl"
        config = load_config(str(folder / f"{place.name}.toml"))
        build(config, folder / f"{place.name}.out", quiet=True, progress_file=progress)
    return folder, codes


def test_a_build_among_hostile_files_equals_that_of_the_good_ones(hostile_build):
    folder, codes = hostile_build
    good, found = (pd.read_parquet(folder / f"{name}.out" / "catalog.parquet") for name in ("good", "spectra"))
    both = found[found["obsid"].isin(good["obsid"])]
    pd.testing.assert_frame_equal(
        both[list(CATALOGUE)].reset_index(drop=True), good[list(CATALOGUE)].reset_index(drop=True)
    )
    assert {11, 12, 13, 14, 15, 301} <= set(found["obsid"])
    rejects = Products.open(folder / "spectra.out").rejects
    counts = rejects["code"].value_counts().to_dict()
    assert counts == counts | codes
    assert counts["too-large"] == 3
    assert counts["impossible-values"] == 6
    assert (rejects["reason"].str.len() <= 310).all()
    assert rejects["source"].ne("").all()
    assert rejects.loc[rejects["source"] == "bad\\xfe.fits", "code"].tolist() == ["not-fits"]
    assert found.loc[found["obsid"] == 14, "source_file"].tolist() == ["caf\\xe9\\x1b[31m.fits"]
    assert found["fiber_id"].between(0, 4000).all()


def test_each_header_value_that_is_taken_as_missing_has_a_row_with_its_file(hostile_build):
    folder, _ = hostile_build
    rejects = Products.open(folder / "spectra.out").rejects
    values = rejects[rejects["code"] == "value-out-of-range"]
    assert values["obsid"].gt(0).all()
    assert values["reason"].str.contains("FIBERID = 70000 is outside 0..4000", regex=False).sum() == 1
    assert len(values) > 60


def test_open_of_a_folder_and_a_name_that_toml_cannot_hold(tmp_path):
    hostile_folder(tmp_path / "spectra")
    open_files([tmp_path / "spectra"], tmp_path / "into", quiet=True)
    assert set(Products.open(tmp_path / "into" / "product").catalog.table["obsid"]) == {11, 12, 13, 14, 15}
    with pytest.raises(ConfigError, match=r"night\\xff.*UTF-8"):
        open_files([tmp_path / "spectra" / os.fsdecode(b"night\xff")], tmp_path / "other", quiet=True)


def test_a_large_file_is_hashed_only_as_far_as_it_was_read(hostile_build):
    folder, _ = hostile_build
    path = folder / "good" / "good0.fits"
    assert InputRecord.of_file(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not InputRecord.of_file(folder / "spectra" / "sparse.fits", "").sha256
    with fits.open(path) as hdus:
        assert hdus[0].header["OBSID"] == 201
