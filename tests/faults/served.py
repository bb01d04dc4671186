"""Products that are damaged before they are opened or while one visitor looks at them, and replaced meanwhile.

A fault is survived when the process lives, no exception reaches the visitor, and every number that is shown is that of
the build that was opened: the others are refused by a sentence. Damage must be noticed, and the end of it too.
"""

import logging
import multiprocessing
import os
import random
import shutil
import subprocess
import tempfile
import warnings
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from products_factory import make_products

N_STARS = 150
FIRST = 100_000_000
OPENED = ("flipped", "cut", "emptied", "missing")
SWITCHES = ("link", "rename", "copy over", "in place")


def main(quick):
    """Counts of each class; about 1,000 faults, 50 with ``quick``."""
    share = 20 if quick else 1
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_products(place / "first", N_STARS)
        make_products(place / "second", N_STARS + 20, seed=4)
        for name, run, count in (
            ("bit of a file flipped before it is opened", before_opening, 240),
            ("file cut, emptied or missing before it is opened", lost_before_opening, 160),
            ("bit flipped in place while served", flipped_while_served, 300),
            ("file cut in place while served", cut_while_served, 100),
            ("product replaced while served", replaced_while_served, 100),
            ("column of a large catalogue damaged while served", columns_damaged, 100),
        ):
            tried = max(count // share, 4)
            yield {"fault": name, "tried": tried, **in_a_process(run, place, tried)}


def in_a_process(run, place, count):
    """What a class of faults came to in a process of its own: it may die."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, logging.disable, (logging.CRITICAL,)) as pool:
        try:
            found = pool.submit(run, place, count).result()
        except BrokenProcessPool:
            return {"survived": 0, "died": True}
    harm = [text for text in found if text.startswith("harm")]
    return {"survived": count - sum(found[text] for text in harm), **found}


def flip(path, generator):
    """Flip one bit in place."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        at = generator.randrange(size)
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << generator.randrange(8)]))


def files_of(product, *, manifest=False):
    found = [path for path in product.rglob("*") if path.is_file() and (manifest or path.name != "manifest.json")]
    return sorted(path.relative_to(product) for path in found)


def before_opening(place, count):
    return _opened(place, ["flipped"] * count)


def lost_before_opening(place, count):
    return _opened(place, [OPENED[1 + number % 3] for number in range(count)])


def _opened(place, kinds):
    """Open products with one damaged file each."""
    from explorer.model.library import load_library
    from pipeline.products.manifest import ProductError

    generator, found = random.Random(7), Counter()
    right = list(_numbers(load_library(place / "first")))
    names = files_of(place / "first", manifest=True)
    for number, kind in enumerate(kinds):
        product = place / "damaged"
        shutil.copytree(place / "first", product, copy_function=os.link)
        name = names[number % len(names)]
        (product / name).unlink()
        shutil.copyfile(place / "first" / name, product / name)
        if kind == "flipped":
            flip(product / name, generator)
        elif kind == "missing":
            (product / name).unlink()
        else:
            os.truncate(product / name, (product / name).stat().st_size // 2 if kind == "cut" else 0)
        try:
            library = load_library(product)
        except ProductError as error:
            found["refused by a sentence" if name.name in str(error) else "refused, other file named"] += 1
        except Exception as error:  # noqa: BLE001 - it is counted
            found[f"harm: {type(error).__name__} of {name}"] += 1
        else:
            same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(right, _numbers(library), strict=True))
            found["opened, text of the manifest differs" if same else f"harm: other numbers of {name}"] += 1
        shutil.rmtree(product)
    return dict(found)


def _numbers(library):
    """Every number that the explorer shows of a library."""
    spectra = library.products.spectra
    yield from (np.asarray(library.table[name]) for name in library.table)
    yield from spectra.pixels(slice(None))
    yield from (spectra.models(slice(None)), spectra.continua(slice(None)), spectra.wavelength)
    yield from (getattr(disc, name) for disc in library.products.maps for name in ("count", "v_x", "v_phi", "texture"))
    yield from (frame.to_numpy(float) for frame in library.products.overlays.values() if "arm" not in frame)


class Visitor:
    """One page without a browser; what it is shown of stars is compared with the build that it opened."""

    def __init__(self, served, place):
        from explorer.charts.grid import default_panels
        from explorer.model.links import LinkStore
        from explorer.rooms.explore import ExploreRoom
        from explorer.state.workspace import Workspace

        library = self.library = served.library()
        workspace = self.workspace = Workspace(library.table, panels=default_panels(library, 2))
        self.room = ExploreRoom(workspace, library, LinkStore(place / "links.sqlite"))
        self.sent = []
        self.room.channel.deliver = self.sent.append
        self.send("connect", seen=True)
        self.send("painted")
        self.right = {star: self.star(star) for star in range(FIRST, FIRST + 12)}

    def send(self, kind, **message):
        self.room.channel._handle_msg({"kind": kind, **message})

    def star(self, star):
        """The packet of a star."""
        self.sent.clear()
        with self.room.channel.batch():
            self.workspace.focus = None
            self.workspace.focus = star
        return self.sent[-1]["star"]

    def check(self, generator):
        """What a look at a star shows: right, refused or harm."""
        star = generator.randrange(FIRST, FIRST + 12)
        try:
            shown, right = self.star(star), self.right[star]
        except Exception as error:  # noqa: BLE001 - it is counted
            return f"harm: {type(error).__name__} on the page"
        if shown["facts"] != right["facts"]:
            return "harm: other labels"
        if "flux" not in shown:
            return "refused" if "is not shown" in shown["sentence"] else "harm: no spectrum and no sentence"
        arrays = [name for name, value in right.items() if isinstance(value, np.ndarray)]
        same = all(np.array_equal(shown[name], right[name], equal_nan=True) for name in arrays)
        return "right" if same else "harm: other spectrum"


def _looks(served, count=2):
    from explorer.model.checked_files import look_at_all

    for _ in range(count):
        look_at_all()
        served.look()
        if served._opening is not None:
            served._opening.join()
    return served.state


def _while_served(place, count, damage):
    """Damage one file after the other under one visitor, and restore each."""
    from explorer.model.served import Served

    generator, found = random.Random(11), Counter()
    product = Path(shutil.copytree(place / "first", place / "served"))
    served = Served(product)
    visitor = Visitor(served, place)
    names = files_of(product)
    spectra = [name for name in names if name.parts[0] == "spectra" and name.stem in ("flux", "ivar", "mask", "model")]
    for number in range(count):
        name = generator.choice(spectra if number % 2 else names)
        damage(product / name, generator)
        if (product / name).read_bytes() == (place / "first" / name).read_bytes():
            found["nothing changed"] += 1
            continue
        at_once = visitor.check(generator)
        state = _looks(served)
        later = visitor.check(generator)
        found["found" if state.damage else f"harm: {name} unnoticed"] += 1
        for seen in (at_once, later):
            if seen.startswith("harm"):
                found[seen] += 1
        shutil.copyfile(place / "first" / name, product / name)
        if not _looks(served).good or visitor.check(generator) != "right":
            found[f"harm: {name} stays damaged"] += 1
    shutil.rmtree(product)
    return dict(found)


def flipped_while_served(place, count):
    return _while_served(place, count, flip)


def cut_while_served(place, count):
    return _while_served(
        place, count, lambda path, generator: os.truncate(path, generator.randrange(path.stat().st_size))
    )


def replaced_while_served(place, count):
    from explorer.model.library import forget_libraries
    from explorer.model.served import Served

    warnings.simplefilter("ignore")
    generator, found = random.Random(13), Counter()
    for number in range(count):
        kind = SWITCHES[number % len(SWITCHES)]
        here = place / f"r{number}"
        first = Path(shutil.copytree(place / "first", here / "first"))
        product = here / "product"
        product.symlink_to(first) if kind == "link" else first.rename(product)
        served = Served(product)
        visitor = Visitor(served, here)
        second = place / "second"
        if kind == "link":
            (here / "next").symlink_to(shutil.copytree(second, here / "new"))
            (here / "next").replace(product)
            shutil.rmtree(first)
        elif kind == "rename":
            product.rename(here / "away")
            shutil.copytree(second, product)
        elif kind == "copy over":
            subprocess.run(["cp", "-r", f"{second}/.", str(product)], check=True)
        else:
            for name in files_of(second, manifest=True):
                shutil.copyfile(second / name, product / name)
                seen = visitor.check(generator)
                if seen.startswith("harm"):
                    found[seen] += 1
        seen = visitor.check(generator)
        newest = _looks(served, 3).newest
        for text in (seen, visitor.check(generator)):
            found[f"{kind}: {text}" if not text.startswith("harm") else text] += 1
        if newest.table.n_stars != N_STARS + 20 or not served.state.good:
            found["harm: the newer build is not served"] += 1
        forget_libraries()
        shutil.rmtree(here)
    return dict(found)


def columns_damaged(place, count):
    from explorer.model import library as library_module

    library_module.LARGE = 10
    generator, found = random.Random(17), Counter()
    cache = place / "cache"
    right = library_module.load_library(place / "first").table
    held = library_module.load_library(place / "first", cache).table
    kept = held["teff"]
    for number in range(count):
        table = held if number % 2 else library_module.load_library(place / "first", cache).table
        path = generator.choice(sorted(cache.glob("*/*.column")))
        flip(path, generator) if number % 3 else os.truncate(path, generator.randrange(path.stat().st_size))
        row = generator.randrange(N_STARS)
        alone = table.value(path.stem, row) if path.stem in table else float("nan")
        same = np.array_equal(table[path.stem], right[path.stem], equal_nan=path.stem in table)
        expected = right.value(path.stem, row) if path.stem in table else float("nan")
        good = same and np.array_equal(kept, right["teff"]) and (alone == expected or alone != alone)  # noqa: PLR0124
        found["right" if good else f"harm: {path.stem}"] += 1
    return dict(found)
