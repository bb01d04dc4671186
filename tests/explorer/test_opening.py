"""Opened files: kinds, key, command that makes products, corrections."""

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest
from opening_factory import HEAD, until, until_whole

from explorer.model.building import BusyError
from explorer.model.corrections import Correction, corrected, relocated
from explorer.model.opened_files import OpenError, content_key, files_to_open
from explorer.model.toml_text import toml_text
from explorer.model.understood import tables_from, understood_from
from pipeline.config import shipped_configurations
from pipeline.products.manifest import Manifest


def starts(opening):
    return (opening.folder / "starts").read_text().count("started")


# --- what is opened -------------------------------------------------------------------------------------------------


def test_what_is_opened(tmp_path, stars, made):
    spectra = tmp_path / "spectra" / "plate"
    spectra.mkdir(parents=True)
    (spectra / "one.fits").touch()
    release = tmp_path / "release"
    release.mkdir()
    (release / "manifest.json").write_text('{"release": "v1", "catalogue": "x"}')
    (release / "catalog.parquet").touch()
    assert files_to_open([made / "quick"]) == ()
    assert files_to_open([release]) == (release / "catalog.parquet",)
    assert files_to_open([stars, spectra.parent]) == (spectra.parent, stars), "spectra first: tables are joined to them"
    assert files_to_open([stars, release]) == (stars, release / "catalog.parquet")


@pytest.mark.parametrize("name", ["absent.csv", "empty", "two", "product"])
def test_what_cannot_be_opened_is_a_sentence(tmp_path, stars, made, name):
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.fits").touch()
    paths, words = {
        "absent.csv": ([tmp_path / "absent.csv"], "does not exist"),
        "empty": ([tmp_path / "empty"], "is an empty folder"),
        "two": ([tmp_path / "a", tmp_path / "b"], "one folder of spectra"),
        "product": ([stars, made / "quick"], "is a product directory, which opens alone"),
    }[name]
    with pytest.raises(OpenError, match=words):
        files_to_open(paths)


def test_the_key_follows_names_contents_and_order(tmp_path, stars):
    hashes = tmp_path / "hashes.json"
    first = content_key([stars], hashes)
    assert len(first) == 24
    assert int(first, 16) >= 0
    other = stars.with_name("other.csv")
    shutil.copy(stars, other)
    assert content_key([other], hashes) != first
    assert content_key([stars, other], hashes) != content_key([other, stars], hashes)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert content_key([Path(shutil.copy(stars, elsewhere))], hashes) == first, "the same file in another folder"
    stars.write_text(stars.read_text() + "900,1,1,1,1,b\n")
    assert content_key([stars], hashes) != first


def test_a_large_file_is_hashed_once(tmp_path, stars):
    hashes = tmp_path / "hashes.json"
    first, stat = content_key([stars], hashes), stars.stat()
    stars.write_text(stars.read_text().replace(",a\n", ",b\n"))
    os.utime(stars, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert content_key([stars], hashes) == first, "size and time are the same: the hash is remembered"
    os.utime(stars, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert content_key([stars], hashes) != first
    hashes.write_text('{"damaged": 1')
    assert len(content_key([stars], hashes)) == 24


def test_the_key_of_a_folder_follows_its_files(tmp_path):
    folder = tmp_path / "spectra"
    folder.mkdir()
    (folder / "a.fits").write_text("1")
    first = content_key([folder], tmp_path / "hashes.json")
    assert content_key([folder], tmp_path / "hashes.json") == first
    (folder / "b.fits").write_text("1")
    assert content_key([folder], tmp_path / "hashes.json") != first


# --- the command ----------------------------------------------------------------------------------------------------


def test_columns_come_first_then_a_quick_catalogue_then_the_whole(open_files, stars):
    opening = open_files(stars, flags=("hold-quick", "hold-full"))
    assert opening.state().understood is None
    opening.start()
    state = until(opening, lambda s: s.understood and s.progress.count)
    assert not state.quick
    assert opening.library() is None
    table = state.understood.tables[0]
    assert (table.file, table.rows, table.names) == ("stars.csv", 8, tuple(HEAD.strip().split(",")))
    assert {column.ours for column in table.columns} == {"obsid", "ra", "dec", "distance"}
    assert table.own == ("d_pc", "my_class")
    assert opening.understood() is state.understood, "read once"
    (opening.folder / "hold-quick").unlink()
    state = until(opening, lambda s: s.opened and s.progress.phase == "full")
    quick = opening.library()
    assert (state.whole, state.failure, state.left_out) == (False, "", "")
    assert "j_phi" not in quick.table
    (opening.folder / "hold-full").unlink()
    until(opening, lambda s: s.whole and s.opened)
    assert "j_phi" in opening.library().table
    assert opening.library() is not quick


def test_the_same_files_open_at_once_the_next_time(open_files, stars):
    until_whole(open_files(stars))
    again = open_files(stars)
    again.start()
    again.wait_for_library()
    assert again.state().opened
    assert starts(again) == 1


def test_a_correction_ends_the_command_and_starts_it_again(open_files, stars):
    opening = open_files(stars, flags=("hold-full",))
    opening.start()
    until(opening, lambda s: s.opened)
    before, process = opening.library(), opening.runner._process
    opening.correct([Correction(0, "distance", "d_pc", "pc"), Correction(0, "dec", "")])
    assert process.poll() is not None, "the first command was ended"
    (opening.folder / "hold-full").unlink()
    state = until(opening, lambda s: s.whole and s.opened and opening.library() is not before)
    assert starts(opening) == 2
    found = {column.ours: column for column in state.understood.tables[0].columns}
    assert (found["distance"].theirs, found["distance"].unit_from) == ("d_pc", "pc")
    assert "dec" not in found
    document = tomllib.loads((opening.folder / "open.toml").read_text())
    assert document["input"]["source"][0]["columns"] == {"distance": {"column": "d_pc", "unit": "pc"}, "dec": ""}
    assert document["name"] == "stars"
    assert "distance" not in document, "whether distances are photometric follows from the columns"
    assert opening.corrected() == ({"distance", "dec"},)
    kept = open_files(stars)
    assert until_whole(kept).understood == state.understood, "the next start has them"
    opening.correct([Correction(0, "distance", None), Correction(0, "dec", None)])
    assert "columns" not in tomllib.loads((opening.folder / "open.toml").read_text())["input"]["source"][0]


@pytest.mark.parametrize(
    ("correction", "words"),
    [
        (Correction(1, "rv", "dist"), "no table number 2"),
        (Correction(0, "velocity", "dist"), "no column of the catalogue"),
        (Correction(0, "distance", "Dist"), "has no column 'Dist'"),
        (Correction(0, "distance", "dist", "furlong"), "'furlong' is not offered for distance"),
    ],
)
def test_corrections_that_no_build_could_use_are_refused(open_files, stars, correction, words):
    opening = open_files(stars, flags=("hold-quick",))
    opening.start()
    until(opening, lambda s: s.understood)
    before = (opening.folder / "open.toml").read_text()
    with pytest.raises(OpenError, match=words):
        opening.correct([correction])
    assert (opening.folder / "open.toml").read_text() == before
    assert starts(opening) == 1


def test_two_candidates_are_settled_by_a_correction(open_files, stars):
    stars.write_text("obsid,RA,DEC,d1,d2\n1,1,1,1,2\n")
    opening = open_files(stars)
    opening.start()
    state = until(opening, lambda s: s.failure)
    assert state.failure.startswith("Two columns may be distance"), "the sentence without the command line's prefix"
    assert state.understood.error == state.failure
    opening.start()
    assert starts(opening) == 1, "a visitor who comes does not start it again"
    opening.correct([Correction(0, "distance", "d2")])
    state = until(opening, lambda s: s.whole)
    assert state.failure == ""


def test_a_failure_after_the_quick_catalogue_leaves_it_open(open_files, stars):
    opening = open_files(stars, flags=("fail-full",))
    opening.start()
    state = until(opening, lambda s: s.failure and s.opened)
    assert (state.quick, state.whole, state.failure) == (True, False, "The potential is missing.")
    (opening.folder / "fail-full").unlink()
    opening.correct(())
    until(opening, lambda s: s.whole)


def test_an_omitted_complete_product_is_reported_and_not_tried_again(open_files, stars):
    opening = open_files(stars, flags=("no-full",))
    opening.start()
    state = until(opening, lambda s: s.left_out and s.opened)
    assert "With 8 stars, orbits and stream membership are not computed automatically" in state.left_out
    again = open_files(stars)
    again.start()
    assert again.state().left_out
    assert starts(again) == 1


def test_products_of_another_layout_are_made_again(open_files, stars):
    opening = open_files(stars)
    until_whole(opening)
    path = opening.folder / "product" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 0}))
    again = open_files(stars)
    until_whole(again)
    assert starts(again) == 2


def test_a_damaged_product_is_reported_and_no_page_waits_for_ever(open_files, stars):
    opening = open_files(stars)
    until_whole(opening)
    (opening.folder / "product" / "catalog.parquet").write_bytes(b"no parquet")
    again = open_files(stars)
    again.start()
    state = until(again, lambda s: s.failure)
    assert "catalog.parquet" in state.failure
    assert not state.opened


def test_the_configuration_follows_files_that_moved(open_files, stars, tmp_path):
    opening = open_files(stars, flags=("fail-full",))
    opening.start()
    until(opening, lambda s: s.failure)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = Path(shutil.move(stars, elsewhere))
    (opening.folder / "fail-full").unlink()
    again = open_files(moved)
    assert again.folder == opening.folder
    until_whole(again)
    assert tomllib.loads(again.configuration())["input"]["source"][0]["table"] == str(moved)


def test_another_server_at_work_is_not_disturbed(open_files, stars):
    opening = open_files(stars, flags=("hold-quick",))
    opening.start()
    until(opening, lambda s: s.understood)
    other = open_files(stars)
    with pytest.raises(BusyError, match="Another process is at work"):
        other.correct([Correction(0, "distance", "d_pc")])
    assert starts(opening) == 1
    (opening.folder / "hold-quick").unlink()
    until(other, lambda s: s.whole)


def test_a_command_that_outlives_its_server_keeps_the_lock(open_files, stars):
    opening = open_files(stars, flags=("hold-quick",))
    opening.start()
    until(opening, lambda s: s.understood)
    opening.runner.lock.release()  # as the system does when the server dies
    assert opening.runner.lock.held()
    other = open_files(stars)
    other.start()
    (opening.folder / "hold-quick").unlink()
    until(other, lambda s: s.whole)
    assert starts(other) == 1


# --- values ---------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_back():
    document = {
        "name": 'a\x7f"\\\n\t\u2028 😀',
        "two words": -1,
        "input": {
            "source": [{"table": "/a b/ü.csv", "columns": {"ra": "RA", "k_mag": {"column": "K", "missing": [-9.5]}}}]
        },
        "labels": {"names": ["teff"], "share": 0.1, "end": float("inf"), "on": True},
        "empty": {},
        "deep": {"er": {"est": {"value": [[1], [2]]}}},
    }
    assert tomllib.loads(toml_text(document)) == document
    for path in shipped_configurations().values():
        content = tomllib.loads(Path(str(path)).read_text("utf-8"))
        assert tomllib.loads(toml_text(content)) == content


def test_a_correction_keeps_what_was_written_by_hand():
    entry = {"table": "x.csv", "match": "gaia", "columns": {"k_mag": {"column": "K", "missing": [-9999]}, "ra": "R"}}
    document = {"input": {"source": [{"spectra": "s"}, entry]}, "distance": {"draws": 9, "photometric": True}}
    found = corrected(document, [Correction(0, "k_mag", "K", "mmag"), Correction(0, "dec", "D")])
    assert found["input"]["source"][1] == {
        "table": "x.csv",
        "match": "gaia",
        "columns": {"k_mag": {"column": "K", "missing": [-9999], "unit": "mmag"}, "ra": "R", "dec": "D"},
    }
    assert found["distance"] == {"draws": 9}
    assert document["distance"]["photometric"], "the document itself is not changed"
    other = corrected(document, [Correction(0, "k_mag", "Ks")])
    assert other["input"]["source"][1]["columns"]["k_mag"] == "Ks", "what means missing was said of another column"
    moved = relocated(document, [Path("/new/x.csv"), Path("/new/y.csv")])
    assert [one.get("table", one.get("spectra")) for one in moved["input"]["source"]] == ["s", "/new/x.csv"]


def test_documents_of_older_and_newer_commands_are_read():
    table = {"file": "a.vot", "columns": [{"ours": "ra", "theirs": "RA", "low": float("nan")}], "match": {"found": 7}}
    found = understood_from(json.dumps({"tables": [table], "more": 1}))
    assert found.tables == tables_from((table,))
    column = found.tables[0].columns[0]
    assert (column.unit_to, column.low, found.tables[0].match) == ("deg", None, {"found": "7"})
    for damaged in ("[1]", "3", '{"tables": [{"columns": [{}]}]}'):
        with pytest.raises((ValueError, TypeError, KeyError)):
            understood_from(damaged)


def test_a_manifest_keeps_how_tables_were_understood(made, tmp_path):
    before = Manifest.read(made / "quick")
    assert before.tables == ()
    raw = json.loads((made / "quick" / "manifest.json").read_text())
    del raw["tables"]
    (tmp_path / "manifest.json").write_text(json.dumps(raw))
    assert Manifest.read(tmp_path).tables == (), "an older manifest"
    (tmp_path / "manifest.json").write_text(json.dumps(raw | {"tables": [{"file": "a.csv"}]}))
    assert Manifest.read(tmp_path).tables == ({"file": "a.csv"},)
