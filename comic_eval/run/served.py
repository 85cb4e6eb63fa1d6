"""Keeps one run to one model: a server of one's own may have loaded other weights since the run began."""

from __future__ import annotations

from pathlib import Path

from comic_eval.contracts import Adapter, NamesItsModel
from comic_eval.errors import RunFolderError
from comic_eval.run.manifest import FILE_NAME, Manifest, write_manifest


def note_served(folder: Path, manifest: Manifest, adapter: Adapter) -> Manifest:
    """The manifest with the model that the server has loaded in its last start; written, if the server tells.

    Raises:
        RunFolderError: an earlier start found another model, or the manifest cannot be written.
    """
    served = adapter.served if isinstance(adapter, NamesItsModel) else None
    if served is None:
        return manifest
    *earlier, last = manifest.starts
    before = next((start.served for start in reversed(earlier) if start.served), served)
    if before != served:
        raise RunFolderError(
            f"{folder}: the server of {manifest.spec.model} has loaded another model, or the same in another way, than "
            f"when this run began (served in {FILE_NAME} differs), and one run must not mix two. Load the first one "
            "again, or give another --name"
        )
    noted = manifest.model_copy(update={"starts": (*earlier, last.model_copy(update={"served": served}))})
    try:
        write_manifest(folder, noted)
    except OSError as error:
        raise RunFolderError(
            f"{folder / FILE_NAME}: cannot be written ({error.strerror}). Free space and repeat the call"
        ) from error
    return noted
