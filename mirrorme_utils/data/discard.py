"""What no triplet uses is not kept, and what was let go is not requested again.

A photo stays while a triplet needs it that can still be whole: none of its links is dead. So a photo whose companion
failed for a reason that may pass waits for it. A crop stays when the result holds it. All else is deleted, also what an
earlier list of triplets left behind; the ledger remembers that the photo was good. Should another list want it after
all, it is requested again.

Taught in: notebook 01.
"""

import os
from pathlib import Path

import pandas as pd

from .fec import FACES
from .fetch import photo_path
from .ledger import Ledger


def hopeful_links(triplets: pd.DataFrame, faces: pd.DataFrame, dead: set[str]) -> set[str]:
    """Return the links of all triplets that have no dead link.

    Args:
        triplets: rows of `fec.Fec.triplets`; faces: with their url, indexed like `fec.Fec.faces`; dead: links.
    """
    lost = faces.index[faces["url"].isin(dead)]
    hopeful = triplets[~triplets[FACES].isin(lost).any(axis=1)]
    return set(faces["url"].loc[pd.unique(hopeful[FACES].to_numpy().ravel())])


def let_go(folder: Path, ledger: Ledger, links: set[str]) -> int:
    """Keep the photos of these links and delete all others in the folder; return how many good ones were let go."""
    gone = [url for url, (state, _, _) in ledger.known().items() if state == "ok" and url not in links]
    ledger.let_go(gone)  # before the files go, so that a stop in between costs no request
    sweep(Path(folder) / "photos", {photo_path(folder, url).name for url in links})
    return len(gone)


def sweep(folder: Path, names: set[str]) -> None:
    """Delete the files in a folder's subfolders that do not have one of these names."""
    for part in sorted(Path(folder).iterdir()):
        for entry in os.scandir(part):
            if entry.name not in names:
                os.unlink(entry.path)
