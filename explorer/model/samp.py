"""Transfer of the selected stars to TOPCAT, Aladin and other programs through a local SAMP hub.

Simple Application Messaging Protocol 1.3 (IVOA): ``table.load.votable``.
"""

from __future__ import annotations

from pathlib import Path

from pyvo.samp import SAMPHubError, SAMPIntegratedClient

from explorer.model.export import Exported
from explorer.model.selection import SelectionError

LOAD_TABLE = "table.load.votable"


def send_table(table: Exported, folder: Path) -> str:
    """Ask all programs at the hub to load a table.

    Parameters
    ----------
    table : Exported
        A VOTable.
    folder : Path
        Folder of the file, as long as the programs may read it.

    Returns
    -------
    str
        A sentence on who got it.

    Raises
    ------
    SelectionError
        If no hub is running, or none of its programs accepts tables.
    """
    client = SAMPIntegratedClient("M-giant explorer", "Sends selected stars", callable=False)
    try:
        client.connect()
    except SAMPHubError as error:
        raise SelectionError(
            "No SAMP hub is running on this computer: start TOPCAT or Aladin and send again."
        ) from error
    try:
        takers = client.get_subscribed_clients(LOAD_TABLE)
        if not takers:
            raise SelectionError(
                "A SAMP hub is running, but none of its programs accepts tables: start TOPCAT or Aladin."
            )
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / table.name
        path.write_bytes(table.data)
        stem = Path(table.name).stem
        address = path.absolute().as_uri()
        client.notify_all(
            {"samp.mtype": LOAD_TABLE, "samp.params": {"url": address, "name": stem, "table-id": address}}
        )
        names = sorted({str(client.get_metadata(taker).get("samp.name", taker)) for taker in takers})
        return f"Sent to {', '.join(names)}."
    finally:
        client.disconnect()
