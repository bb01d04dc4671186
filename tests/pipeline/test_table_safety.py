"""Tables cannot make their reader open other files, addresses or programs."""

import io
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.sources.tables.reader import open_table
from pipeline.sources.tables.table_file import TableError
from tests.pipeline.fits_by_hand import fits_bytes

_EVENTS = []
"""What this process opens, connects to and starts while a test listens."""

_listening = False


def _listen(event, arguments):
    if _listening and event in ("open", "socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"):
        _EVENTS.append((event, str(arguments[0])))


sys.addaudithook(_listen)


@pytest.fixture
def events():
    """The events of the test so far."""
    global _listening  # noqa: PLW0603 - a hook cannot be taken away
    _EVENTS.clear()
    _listening = True
    yield _EVENTS
    _listening = False


SECRET = "SECRET77"


def hostile(path):
    """Tables that name another file, in every way that a format has."""
    uri = path.as_uri()
    field = '<FIELD name="obsid" datatype="char" arraysize="8"/>'
    xml = f'<?xml version="1.0"?>{{}}<VOTABLE version="1.3"><RESOURCE><TABLE>{field}{{}}</TABLE></RESOURCE></VOTABLE>'
    ecsv = "# %ECSV 1.0\n# ---\n# datatype:\n# - {{name: obsid, datatype: string{}}}\n{}obsid\n1\n"
    mrt = (
        "Title: x\nAuthors: x\nTable: x\n{rule}\nByte-by-byte Description of file: {name}\n{dash}\n"
        "   Bytes Format Units  Label  Explanations\n{dash}\n   1-  8 A8     ---    obsid  [{name}]\n{dash}\n1\n"
    ).format(rule="=" * 80, dash="-" * 80, name=path)
    stream = io.BytesIO()
    pq.write_table(pa.table({"obsid": ["1"]}), stream)
    return {
        "VOTable STREAM": xml.format("", f'<DATA><BINARY><STREAM href="{uri}"/></BINARY></DATA>'),
        "VOTable FITS": xml.format("", f'<DATA><FITS><STREAM href="{uri}"/></FITS></DATA>'),
        "VOTable entity": xml.format(
            f'<!DOCTYPE x [<!ENTITY e SYSTEM "{uri}">]>', "<DATA><TABLEDATA><TR><TD>&e;</TD></TR></TABLEDATA></DATA>"
        ),
        "VOTable include": xml.format("", f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{uri}"/>'),
        "VOTable link": xml.format("", f'<LINK href="{uri}"/><DATA><TABLEDATA><TR><TD>1</TD></TR></TABLEDATA></DATA>'),
        "ECSV tag": ecsv.format(f", meta: !!python/object/apply:os.system ['cat {path}']", ""),
        "ECSV open": ecsv.format(f", meta: !!python/object/apply:builtins.open ['{path}']", ""),
        "ECSV class": ecsv.format(f", meta: !astropy.table.Table {{file: '{path}'}}", ""),
        "ECSV anchor": ecsv.format(", meta: &a [*a]", ""),
        "MRT": mrt,
        "IPAC": f"\\table = {uri}\n|  obsid |\n|   char |\n| {path} \n",
        "CSV": f"obsid\n{uri}\n{path}\n",
        "FITS": fits_bytes(("8A", [b"file:///", b"1       ", b"2       "], {}), extra=[("URL", str(path)[:60])]),
        "Parquet": stream.getvalue().replace(b"obsid", b"/etc/"),
    }


@pytest.mark.parametrize(
    "name",
    [
        *("VOTable STREAM", "VOTable FITS", "VOTable entity", "VOTable include", "VOTable link", "ECSV tag"),
        *("ECSV open", "ECSV class", "ECSV anchor", "MRT", "IPAC", "CSV", "FITS", "Parquet"),
    ],
)
def test_no_table_makes_its_reader_look_elsewhere(tmp_path, name, events):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    (tmp_path / "ReadMe").write_text("Byte-by-byte Description of file: *\n")
    assert events[-1][1].endswith("ReadMe"), "the test would see it"
    cases = hostile(path)
    data = cases[name] if isinstance(cases[name], bytes) else cases[name].encode()
    events.clear()
    try:
        table = open_table(data, "t")
        told = str(table.read([item.name for item in table.fields if item.kind != "array"]).to_dict())
    except TableError as error:
        told = str(error)
    assert SECRET not in told
    assert not [event for event in events if event[0] != "open" or str(tmp_path) in event[1] or "etc" in event[1]]
