"""Reading named columns of large tables: an allStar-like FITS, a Parquet, a CSV; time, peak memory, ratio to others.

Each measurement is a process of its own, so that its peak memory is its own. ``--scale`` makes the tables smaller.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from astropy.io import fits

ALLSTAR_ROWS, PARQUET_ROWS, CSV_ROWS = 734_000, 10_000_000, 1_000_000
ALLSTAR_BYTES = 4_100
"""A row of APOGEE's allStar, with its arrays."""

NAMES = ("APOGEE_ID", "GAIAEDR3_SOURCE_ID", "RA", "DEC", "K", "TEFF", "LOGG", "M_H", "ASPCAPFLAG")
_BLOCK = 20_000

OURS = (
    "from pathlib import Path; from pipeline.sources.tables.reader import open_table",
    "frame = open_table(Path(path)).read(names)",
)
OTHERS = {
    "fits": {
        "astropy Table.read": (
            "from astropy.table import Table",
            "table = Table.read(path, unit_parse_strict='silent'); frame = {name: table[name].data for name in names}",
        ),
        "astropy memory map": (
            "from astropy.io import fits; import numpy as np",
            "data = fits.open(path, memmap=True)[1].data; frame = {name: np.array(data[name]) for name in names}",
        ),
    },
    "parquet": {"pandas": ("import pandas as pd", "frame = pd.read_parquet(path, columns=names)")},
    "csv": {
        "pandas": ("import pandas as pd", "frame = pd.read_csv(path, usecols=names)"),
        "astropy Table.read": (
            "from astropy.table import Table",
            "frame = Table.read(path, format='ascii.csv', guess=False, fast_reader=True)[names]",
        ),
    },
}
"""Imports, which are not measured, and what is."""

_MEASURED = """
import json, sys, time
path, names = sys.argv[1], sys.argv[2].split(",")
{imports}
start = time.perf_counter()
{code}
seconds = time.perf_counter() - start
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({{"seconds": seconds, "peak_mb": int(peak) / 1024}}))
"""


def main(arguments: list[str]) -> None:
    """Measure each table and print one JSON line a table."""
    parser = argparse.ArgumentParser(prog="tables")
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of rows")
    parser.add_argument("--format", choices=OTHERS, help="of one table; all by default")
    parser.add_argument("--folder", type=Path, help="where the tables go; a temporary folder by default")
    parser.add_argument("--skip-astropy", action="store_true", help="whose Table.read needs the memory of the file")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for form, write, rows in (
            ("fits", write_allstar, ALLSTAR_ROWS),
            ("parquet", write_parquet, PARQUET_ROWS),
            ("csv", write_csv, CSV_ROWS),
        ):
            if options.format not in (None, form):
                continue
            count = max(int(rows * options.scale), 1000)
            path = write(Path(folder) / f"table.{form}", count)
            others = {
                name: code for name, code in OTHERS[form].items() if not (options.skip_astropy and "Table" in name)
            }
            ours = measure(OURS, path)
            found = {name: measure(code, path) for name, code in others.items()}
            ratios = {name: round(ours["seconds"] / one["seconds"], 3) for name, one in found.items() if one["seconds"]}
            line = {"benchmark": "tables", "format": form, "rows": count, "mb": round(path.stat().st_size / 1e6)}
            print(json.dumps(line | {"cores": os.cpu_count(), "ours": ours, **found, "time_ratio": ratios}), flush=True)
            path.unlink()


def measure(code: tuple[str, str], path: Path) -> dict[str, float]:
    """Seconds and peak memory of a process that reads the columns, the file in the cache of the system."""
    with path.open("rb") as file:
        while file.read(1 << 24):
            pass
    script = _MEASURED.format(imports=code[0], code=code[1])
    command = [sys.executable, "-c", script, str(path), ",".join(NAMES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["ended for want of memory"])[-1]
        return {"seconds": 0.0, "peak_mb": 0.0, "failed": last}
    return {key: round(value, 2) for key, value in json.loads(done.stdout.splitlines()[-1]).items()}


def block(rows: int) -> dict[str, np.ndarray]:
    """Columns of some stars."""
    rng = np.random.default_rng(rows)
    return {
        "APOGEE_ID": np.array([f"2M{number:08d}+{number:07d}" for number in range(rows)]),
        "GAIAEDR3_SOURCE_ID": rng.integers(1, 2**62, rows),
        "RA": rng.uniform(0, 360, rows),
        "DEC": rng.uniform(-90, 90, rows),
        **{name: rng.normal(5, 1, rows).astype(np.float32) for name in ("K", "LOGG", "M_H")},
        "TEFF": rng.normal(4000, 200, rows).astype(np.float32),
        "ASPCAPFLAG": rng.integers(0, 2**42, rows),
    }


def write_allstar(path: Path, rows: int) -> Path:
    """A FITS table as wide as allStar: the named columns among arrays of uncalibrated values."""
    columns = block(_BLOCK)
    columns["APOGEE_ID"] = columns["APOGEE_ID"].astype("S18")
    used = sum(values.dtype.itemsize for values in columns.values())
    wide = np.zeros((_BLOCK, (ALLSTAR_BYTES - used) // 4), np.float32)
    columns["FPARAM_COV"] = wide
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(name, _format(values), array=values)
            for name, values in (*list(columns.items())[:4], ("FPARAM_COV", wide), *list(columns.items())[4:-1])
        ]
    )
    data = np.asarray(table.data).tobytes()
    width = len(data) // _BLOCK
    header = table.header
    header["NAXIS2"] = rows
    with path.open("wb") as file:
        file.write(fits.PrimaryHDU().header.tostring().encode() + header.tostring().encode())
        for start in range(0, rows, _BLOCK):
            file.write(data[: min(_BLOCK, rows - start) * width])
        file.write(bytes(-file.tell() % 2880))
    return path


def _format(values: np.ndarray) -> str:
    if values.dtype.kind == "S":
        return f"{values.dtype.itemsize}A"
    code = {"i8": "K", "f8": "D", "f4": "E"}[values.dtype.str[1:]]
    return f"{values.shape[1]}{code}" if values.ndim > 1 else code


def write_parquet(path: Path, rows: int) -> Path:
    """A Parquet table with forty more columns."""
    columns = block(min(1_000_000, rows))
    rng = np.random.default_rng(1)
    more = {f"x{number}": rng.normal(size=len(columns["RA"])).astype(np.float32) for number in range(40)}
    table = pa.table(columns | more)
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for start in range(0, rows, table.num_rows):
            writer.write_table(table.slice(0, min(table.num_rows, rows - start)))
    return path


def write_csv(path: Path, rows: int) -> Path:
    """A CSV with ten more columns and one identifier in a hundred missing."""
    columns = block(min(200_000, rows))
    rng = np.random.default_rng(1)
    gaps = np.arange(len(columns["RA"])) % 100 == 0
    more = {f"x{number}": np.round(rng.normal(size=gaps.size), 4) for number in range(10)}
    ids = pa.array(columns["GAIAEDR3_SOURCE_ID"], mask=gaps)
    table = pa.table({**columns, "GAIAEDR3_SOURCE_ID": ids, **more})
    with path.open("wb") as file:
        for start in range(0, rows, table.num_rows):
            options = pyarrow.csv.WriteOptions(include_header=start == 0)
            pyarrow.csv.write_csv(table.slice(0, min(table.num_rows, rows - start)), file, options)
    return path
