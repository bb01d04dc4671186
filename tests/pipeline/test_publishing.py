"""Atomic publishing: locks, versions, checks of the draft, identity, damaged work folders."""

import json
import os
import random
import shutil
import warnings
from pathlib import Path

import pandas as pd
import pytest

from pipeline.__main__ import main
from pipeline.products import disk, versions
from pipeline.products.comparison import write_comparison
from pipeline.products.identity import check_identity, read_identity
from pipeline.products.lock import OutputBusyError, OutputLock
from pipeline.products.manifest import Manifest, ProductError
from pipeline.products.product import Products, publish_validation, verify
from pipeline.products.release import freeze
from pipeline.products.versions import current_version, locked, place_of, remove_product, versions_of
from pipeline.stages import composing, runner
from pipeline.stages.runner import DraftDamagedWarning
from tests.faults import damage, publishing
from tests.faults._builds import copied, described
from tests.faults._table_builds import table_workshop

OLD, NEW = publishing.OLD, publishing.NEW


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    shop = table_workshop(tmp_path_factory.mktemp("shop"))
    publishing.prepare(shop)
    return shop


@pytest.fixture
def ready(shop):
    """A build whose stages have ended, over an old product."""
    copied(shop.folder / "ready", shop.folder / "one")
    return shop.folder / "one"


@pytest.mark.parametrize("kind", publishing.KINDS)
def test_a_kill_at_a_call_of_publishing_loses_nothing(shop, kind, monkeypatch):
    monkeypatch.setattr(versions, "exchange", disk.exchange)
    calls = publishing.number_of_calls(shop, kind)
    assert calls > 40
    found = publishing.stopped(shop, kind, publishing.kill, every=calls // 3)
    assert found["survived"] == found["tried"] > 2


def test_an_error_at_a_call_of_publishing_loses_nothing(shop, monkeypatch):
    monkeypatch.setattr(versions, "exchange", disk.exchange)
    found = publishing.stopped(shop, "version", publishing.fail, every=19)
    assert found["survived"] == found["tried"] > 2


def test_between_two_renames_readers_find_the_product(shop, ready, monkeypatch):
    """On a file system that cannot exchange names, the path is empty for a moment."""
    publishing.plain(shop, ready)
    monkeypatch.setattr(versions, "exchange", publishing.no_exchange)
    replace = os.replace
    seen = []

    def killed_before(source, target):
        if str(target) == str(ready):
            raise KeyboardInterrupt
        return replace(source, target)

    monkeypatch.setattr("pathlib.Path.replace", killed_before)
    with pytest.raises(KeyboardInterrupt):
        shop.build(ready, NEW)
    assert not os.path.lexists(ready)
    seen += [verify(ready), Products.open(ready).manifest.build]
    monkeypatch.undo()
    assert seen == [[], shop.sums[NEW].build]
    with locked(ready):
        assert ready.is_symlink(), "the next command heals it"
    assert shop.run(ready, NEW) == 0
    assert shop.is_whole(ready, NEW)


def test_the_version_before_stays_and_older_ones_go(shop, tmp_path, monkeypatch):
    output = tmp_path / "out"
    kept = []
    for seed in (OLD, NEW, OLD):
        shop.build(output, seed)
        kept.append(current_version(output))
    assert sorted(versions_of(output).iterdir()) == sorted(kept[1:])
    assert {path.name for path in tmp_path.iterdir()} == {"out", "out.versions"}

    def refuse(path):
        raise OSError(f"{path} is in use")

    monkeypatch.setattr(versions, "remove", refuse)
    with pytest.warns(UserWarning, match="cannot be removed"):
        versions._remove_older(output, keep={kept[2]})
    assert verify(output) == []


def test_a_link_of_the_user_stays_and_its_target_is_built(shop, tmp_path):
    (tmp_path / "disk").mkdir()
    link = tmp_path / "link"
    link.symlink_to("disk/real")
    shop.build(link, NEW)
    assert str(link.readlink()) == "disk/real"
    assert (tmp_path / "disk" / "real").is_symlink()
    assert shop.is_whole(link, NEW)
    assert place_of(tmp_path / "disk" / ".." / "link") == tmp_path / "disk" / "real"
    with pytest.raises(ProductError, match=r"name .*real itself"):
        shop.build(current_version(link), NEW)
    (tmp_path / "round").symlink_to("round")
    with pytest.raises((ProductError, RuntimeError), match=r"circle|loop"):
        place_of(tmp_path / "round")


@pytest.mark.parametrize("where", ["", "new", "deep/new"])
def test_nothing_is_written_inside_a_product(shop, where):
    product = shop.undisturbed(OLD)
    output = product / where
    if where:
        with pytest.raises(ProductError, match="inside the product"):
            shop.build(output, NEW)
        with pytest.raises(ProductError, match="inside the product"):
            freeze(product, (), "v1", output)
    with pytest.raises(ProductError, match="inside the product"):
        write_comparison(output, "", ("", ""), pd.DataFrame(), (), {}, simulated=True)
    assert verify(product) == []


@pytest.mark.parametrize(
    ("output", "words"), [("/", "root of the file system"), (".", "working folder"), ("round/new", "circle")]
)
def test_an_output_that_cannot_be_a_product_is_a_sentence(tmp_path, monkeypatch, output, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(ProductError, match=words):
        place_of(Path(output))
    (tmp_path / "product.versions" / "one").mkdir(parents=True)
    with pytest.raises(ProductError, match="is a version of a product"):
        place_of(tmp_path / "product.versions" / "one")


def test_a_second_build_of_one_output_names_the_first(shop, tmp_path, capsys):
    output, alias = tmp_path / "out", tmp_path / "alias"
    alias.symlink_to("out")
    shop.config(NEW)
    with locked(output):
        for path in (output, alias, tmp_path / "." / "x" / ".." / "out"):
            (tmp_path / "x").mkdir(exist_ok=True)
            assert main(["build", str(shop.folder / f"seed_{NEW}.toml"), "--output", str(path), "--quiet"]) == 2
            said = capsys.readouterr().err
            assert f"process {os.getpid()}" in said
            assert "choose another output" in said
        with pytest.raises(OutputBusyError):
            remove_product(alias)
    assert not (tmp_path / "out.lock").exists()
    assert shop.run(output, NEW) == 0


def test_a_stale_lock_file_never_blocks(shop, tmp_path):
    """Also one whose process number belongs to a living process, as in containers."""
    (tmp_path / "out.lock").write_text(json.dumps({"pid": os.getppid(), "host": "here", "user": "me"}))
    shop.build(tmp_path / "out", NEW)
    assert verify(tmp_path / "out") == []


def test_a_build_whose_lock_was_removed_publishes_nothing(shop, ready, monkeypatch):
    compose = composing.compose

    def unlocked(*arguments):
        ready.with_name("one.lock").unlink()
        return compose(*arguments)

    monkeypatch.setattr(runner, "compose", unlocked)
    with pytest.raises(ProductError, match="was removed during this build"):
        shop.build(ready, NEW)
    assert shop.is_whole(ready, OLD)


def test_a_lock_of_a_foreign_file_is_left(tmp_path):
    with OutputLock(tmp_path / "out", tmp_path / "out.lock"):
        (tmp_path / "out.lock").unlink()
        (tmp_path / "out.lock").write_text("of another")
    assert (tmp_path / "out.lock").read_text() == "of another"


def test_a_file_damaged_after_its_stage_is_never_published(shop, ready, monkeypatch):
    compose, times = composing.compose, []

    def damaged(state, *arguments):
        times.append(1)
        if len(times) <= monkeypatch.most:
            damage.flip(state.draft / "catalog.parquet", random.Random(1))
        return compose(state, *arguments)

    monkeypatch.most = 1
    monkeypatch.setattr(runner, "STAGES", shop.stages)
    monkeypatch.setattr(runner, "compose", damaged)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        runner.build(shop.config(NEW), ready, quiet=True)
    assert any(issubclass(one.category, DraftDamagedWarning) for one in told)
    assert shop.is_whole(ready, NEW)
    assert len(times) == 2
    monkeypatch.most = 9
    with pytest.raises(ProductError, match=r"catalog\.parquet is not as its stage left it.*--fresh"):
        shop.build(ready, OLD, checkpoints=False)
    assert shop.is_whole(ready, NEW)


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_work_folder_is_never_published(shop, seed):
    found = damage.work_folders(shop, 1, seed)
    assert found["survived"] == 1, found


def test_a_work_folder_of_something_else_is_left(shop, tmp_path):
    work = tmp_path / "out.work"
    work.write_text("mine")
    with pytest.raises(ProductError, match=r"out\.work is a file.*--output"):
        shop.build(tmp_path / "out", NEW)
    work.unlink()
    work.mkdir()
    (work / "thesis.tex").write_text("mine")
    with pytest.raises(ProductError, match="files that no build made"):
        shop.build(tmp_path / "out", NEW, fresh=True)
    assert (work / "thesis.tex").read_text() == "mine"
    (work / "thesis.tex").rename(tmp_path / "thesis.tex")
    work.rmdir()
    (tmp_path / "scratch").mkdir()
    work.symlink_to("scratch")
    shop.build(tmp_path / "out", NEW)
    assert shop.is_whole(tmp_path / "out", NEW)
    assert work.is_symlink()


def test_every_file_carries_the_identity_and_a_mixture_is_refused(shop, tmp_path):
    ours, theirs = (shop.undisturbed(seed).resolve() for seed in (NEW, OLD))
    manifest = Manifest.read(ours)
    for name in manifest.files:
        assert read_identity(ours / name) == manifest.identity, name
        mixed = tmp_path / "mixed"
        shutil.rmtree(mixed, ignore_errors=True)
        shutil.copytree(ours, mixed)
        shutil.copy(theirs / name, mixed / name)
        with pytest.raises(ProductError, match=f"{name} belongs to another build"):
            Products.open(mixed)
        assert any(f"{name} belongs to another build" in breach for breach in verify(mixed))
    shutil.copytree(ours, tmp_path / "copy")
    shutil.copy(theirs / "manifest.json", tmp_path / "copy" / "manifest.json")
    with pytest.raises(ProductError, match="belongs to another build"):
        check_identity(tmp_path / "copy", Manifest.read(tmp_path / "copy"))
    assert Products.open(ours).report.keys().isdisjoint({"identity"})


def test_a_validation_is_a_version_of_the_same_build(shop, tmp_path):
    output = tmp_path / "out"
    shop.build(output, NEW)
    before = current_version(output)
    publish_validation(output, before, {"stars": 3, "none": float("nan")})
    assert verify(output) == []
    assert Products.open(output).validation == {"stars": 3, "none": None}
    assert described(output).files.items() > shop.sums[NEW].files.items()
    assert verify(before) == [], "a reader of the version before sees no half of it"
    with pytest.raises(ProductError, match="was built again during the validation"):
        publish_validation(output, before, {})


@pytest.mark.parametrize("seed", range(2))
def test_verify_and_opening_never_end_in_a_traceback(shop, seed):
    for found in (damage.flips(shop, 40, seed), damage.products(shop, 25, seed)):
        assert found["failures"] == []
        assert found["survived"] == found["tried"]


def test_a_link_without_its_versions_says_what_to_copy(shop, tmp_path):
    (tmp_path / "out").symlink_to("out.versions/1")
    with pytest.raises(ProductError, match=r"cp -rL"):
        Products.open(tmp_path / "out")
    assert "cp -rL" in verify(tmp_path / "out")[0]
    shop.build(tmp_path / "out", NEW)
    assert shop.is_whole(tmp_path / "out", NEW)


def test_a_refused_exchange_is_no_error(tmp_path):
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert disk.exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a").read_text() == "b"
    with pytest.raises(FileNotFoundError):
        disk.exchange(tmp_path / "a", tmp_path / "none")
