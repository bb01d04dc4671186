"""Random damage to a work folder and to a product: found, never published, never a traceback."""

import random
import shutil

from pipeline.products.manifest import ProductError
from pipeline.products.product import Products, verify
from pipeline.stages import runner
from tests.faults._builds import KILLED, cleared, copied, described, workshop
from tests.faults.publishing import kill

OLD, NEW = 11, 7


def flip(path, chance):
    content = bytearray(path.read_bytes())
    if content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def cut(path, chance):
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content) or 1)])


def emptied(path, _chance):
    path.write_bytes(b"")


def deleted(path, _chance):
    path.unlink()


def as_folder(path, _chance):
    path.unlink()
    path.mkdir()


def as_link(path, _chance):
    path.unlink()
    path.symlink_to("nowhere")


def beside(path, _chance):
    (path.parent / "stranger.json").write_text("[]")


def not_text(path, _chance):
    path.write_bytes(b"\xff\xfe{}")


def other_json(path, chance):
    path.write_text(chance.choice(["{}", "[]", "null", '{"files": 3}']))


def folder_deleted(path, _chance):
    shutil.rmtree(path.parent)


def folder_as_file(path, _chance):
    shutil.rmtree(path.parent)
    path.parent.write_text("a file")


FILE_DAMAGES = (flip, flip, cut, emptied, deleted, as_folder, as_link, beside, not_text, other_json)
WORK_DAMAGES = (*FILE_DAMAGES, folder_deleted, folder_as_file)


def main(*, quick):
    """Damages of a work folder, flips and other damages of a product."""
    with workshop() as shop:
        yield work_folders(shop, 6 if quick else 500)
        yield flips(shop, 40 if quick else 1000)
        yield products(shop, 40 if quick else 250)


def work_folders(shop, wanted, seed=5):
    """Damage a work folder before the last stage, then give the command again."""
    chance, survived = random.Random(seed), 0
    ready, output = shop.folder / "ready", shop.folder / "out"
    copied(shop.undisturbed(OLD), ready)
    shop.undisturbed(NEW)
    assert shop.run(ready, NEW, before=lambda: setattr(runner, "compose", kill)) == KILLED
    names = sorted(
        path.relative_to(ready.with_name("ready.work")) for path in files_below(ready.with_name("ready.work"))
    )
    failures = []
    for _ in range(wanted):
        copied(ready, output)
        work = output.with_name("out.work")
        name, damage = chance.choice(names), chance.choice(WORK_DAMAGES)
        damage(work / name, chance)
        good = shop.run(output, NEW) == 0 and shop.is_whole(output, NEW)
        survived += good
        if not good:
            failures.append(f"{damage.__name__} {name}")
    return {"fault": "damage of a work folder", "tried": wanted, "survived": survived, "failures": failures}


def flips(shop, wanted, seed=6):
    """Flip one bit of a product; verify finds it, or it changes nothing that is read."""
    return damaged_products(shop, wanted, (flip,), seed, "one bit of a product flipped")


def products(shop, wanted, seed=7):
    """Other damages of a product."""
    return damaged_products(shop, wanted, FILE_DAMAGES[2:], seed, "damage of a product")


def damaged_products(shop, wanted, damages, seed, fault):
    chance = random.Random(seed)
    whole = shop.undisturbed(NEW).resolve()
    names = [path.relative_to(whole) for path in files_below(whole)]
    weights = [(whole / name).stat().st_size ** 0.5 for name in names]
    survived, harmless, refused, failures = 0, 0, 0, []
    for _ in range(wanted):
        product = shop.folder / "damaged"
        cleared(product)
        shutil.copytree(whole, product)
        name, damage = chance.choices(names, weights)[0], chance.choice(damages)
        damage(product / name, chance)
        try:
            found = bool(verify(product))
            unharmed = not found and described(product) == shop.sums[NEW] and Products.open(product) is not None
            survived += found or unharmed
            if not (found or unharmed):
                failures.append(f"verify: {damage.__name__} {name}: not found")
            harmless += unharmed
        except Exception as error:  # noqa: BLE001 - a traceback is the harm that is looked for
            failures.append(f"verify: {damage.__name__} {name}: {error!r}")
            continue
        try:
            _ = Products.open(product).catalog
        except ProductError:
            refused += 1
        except Exception as error:  # noqa: BLE001 - the same
            survived -= 1
            failures.append(f"open: {damage.__name__} {name}: {error!r}")
    told = {"fault": fault, "tried": wanted, "survived": survived, "harmless": harmless, "refused_at_opening": refused}
    return told | {"failures": failures}


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())
