"""Stands in for ``python -m pipeline open``, without its imports: reads CSV files and writes what the command writes.

``FAKE_PRODUCTS`` names a folder with the products ``quick`` and ``product`` that are copied. A file ``hold-quick`` or
``hold-full`` in the output keeps it waiting before that product, ``fail-full`` makes it fail there and ``no-full`` end.
"""

import csv
import json
import os
import shutil
import sys
import time
import tomllib
from pathlib import Path

ROLES = {"obsid": "obsid", "RA": "ra", "DEC": "dec", "dist": "distance", "velocity": "rv"}
UNITS = {"ra": "deg", "dec": "deg", "distance": "kpc", "rv": "km/s"}
TWO = "Two columns may be distance: 'd1' and 'd2'. Write columns = {distance = \"d1\"} into the configuration."


def main(arguments):
    cut = arguments.index("--into")
    files, into, progress = arguments[:cut], Path(arguments[cut + 1]), Path(arguments[cut + 3])
    into.mkdir(parents=True, exist_ok=True)
    with (into / "starts").open("a") as log:
        log.write("started\n")
    configuration = into / "open.toml"
    if not configuration.is_file():
        lines = [f"name = {json.dumps(Path(files[0]).stem)}"]
        for file in files:
            lines += ["[[input.source]]", f"{'spectra' if Path(file).is_dir() else 'table'} = {json.dumps(file)}"]
        configuration.write_text("\n".join([*lines, "[distance]", "photometric = true", ""]))
    sources = tomllib.loads(configuration.read_text())["input"]["source"]
    tables = [understand(source) for source in sources if "table" in source]
    two = any({"d1", "d2"} <= set(one["names"]) and "distance" not in fed(one) for one in tables)
    stages = [{"name": "phase space", "reason": ""}, {"name": "labels", "reason": "there are no spectra"}]
    write(into / "understood.json", {"tables": tables, "stages": stages, "error": TWO if two else ""})
    if two:
        return fail(TWO)
    for phase, name in (("quick", "quick"), ("full", "product")):
        for k in range(4):
            line = {"stage": f"stage {k}", "index": k, "count": 4, "fraction": k / 4, "seconds_left": 20.0 - k}
            with progress.open("a") as lines:
                print(json.dumps(line | {"message": "at work", "phase": phase}), file=lines)
            while (into / f"hold-{phase}").exists():
                time.sleep(0.02)
        if (into / f"fail-{phase}").exists():
            return fail("The potential is missing.")
        if (into / f"no-{phase}").exists():
            return 0
        publish(Path(os.environ["FAKE_PRODUCTS"]) / name, into / name, tables)
    return 0


def fail(sentence):
    print("at work", f"error: {sentence}", sep="\n", file=sys.stderr)
    return 2


def publish(made, output, tables):
    work = output.with_suffix(".work")
    shutil.copytree(made, work)
    manifest = json.loads((work / "manifest.json").read_text())
    write(work / "manifest.json", manifest | {"tables": tables})
    shutil.rmtree(output, ignore_errors=True)
    work.replace(output)


def write(path, content):
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(content))
    draft.replace(path)


def fed(table):
    return {column["ours"] for column in table["columns"]}


def understand(source):
    path = Path(source["table"])
    with path.open(newline="", encoding="utf-8") as file:
        names, *rows = list(csv.reader(file))
    mine = source.get("columns", {})
    chosen = {
        ours: (name, "exact name", "") for name, ours in ROLES.items() if name in names and mine.get(ours) is None
    }
    for ours, value in mine.items():
        if isinstance(value, dict):
            chosen[ours] = (value["column"], "configured", value.get("unit", ""))
        elif value:
            chosen[ours] = (value, "configured", "")
    used = {theirs for theirs, _, _ in chosen.values()}
    return {
        "file": path.name,
        "format": "CSV",
        "rows": len(rows),
        "schema": "",
        "columns": [report(ours, *how, names, rows) for ours, how in chosen.items()],
        "own": [name.lower() for name in names if name not in used],
        "names": names,
        "notes": ["2 rows have no position and are left out"],
    }


def report(ours, theirs, why, unit, names, rows):
    values = sorted(float(row[names.index(theirs)]) for row in rows)
    numbers = {"low": values[0], "median": values[len(values) // 2], "high": values[-1]} if ours != "obsid" else {}
    return {
        "ours": ours,
        "theirs": theirs,
        "why": why,
        "unit_from": unit,
        "unit_to": UNITS.get(ours, ""),
        "known": 0.9876,
        "sentinels": 7 if ours == "rv" else 0,
        "outside": 0,
        "note": "no unit in the file: kpc taken" if ours == "distance" and not unit else "",
        **numbers,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
