"""How a run shows pictures to its model and reads boxes from it: family, coordinates, resize rule, zoom settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from comic_eval.contracts import AdapterInfo
from comic_eval.errors import UserError
from comic_eval.images.budget import ResizeRule, resize_rule_for
from comic_eval.zoom.checkpoint import CheckpointSettings, read_checkpoint_settings
from comic_eval.zoom.coords import FAMILIES, UNKNOWN, CoordSpec, Family, family_named, family_of
from comic_eval.zoom.settings import ZoomSettings

_NAMES: dict[str, CoordSpec] = {
    f"{order}-{unit}": spec.model_copy(update={"order": order})
    for order in ("xyxy", "yxyx")
    for unit, spec in {
        "1000": CoordSpec(),
        "1": CoordSpec(scale=1, decimals=3),
        "sent-pixels": CoordSpec(scale=None, frame="sent"),
        "page-pixels": CoordSpec(scale=None, frame="page"),
    }.items()
}
COORD_NAMES = tuple(_NAMES)
FAMILY_NAMES = tuple(family.name for family in FAMILIES)


@dataclass(frozen=True, slots=True)
class Frames:
    """What the model's family, its checkpoint and the user's wishes came to.

    ``coords`` and ``zoom`` are None in a run without zooming; ``warnings`` tell where a checkpoint was trained with
    something else, and where nobody says how a model writes boxes.
    """

    family: Family
    resize: ResizeRule
    coords: CoordSpec | None = None
    zoom: ZoomSettings | None = None
    warnings: tuple[str, ...] = ()


def parse_coords(name: str) -> CoordSpec:
    """The convention called ``name``, such as ``xyxy-1000`` or ``xyxy-sent-pixels``.

    Raises:
        UserError: there is none of that name.
    """
    if name not in _NAMES:
        raise UserError(f"coords {name!r}: choose one of {', '.join(COORD_NAMES)}")
    return _NAMES[name]


def coords_name(spec: CoordSpec) -> str:
    """The name of a convention, whatever its decimals; its fields where it has none."""
    same = {"order", "scale", "frame"} if spec.scale is None else {"order", "scale"}
    wanted = spec.model_dump(include=same)
    return next((name for name, known in _NAMES.items() if known.model_dump(include=same) == wanted), str(spec))


def model_family(info: AdapterInfo, name: str | None = None) -> Family:
    """The family called ``name``, else the one that the adapter or the model's id tells.

    Raises:
        UserError: there is no family of that name.
    """
    if name is not None:
        if name not in FAMILY_NAMES:
            raise UserError(f"family {name!r}: known are {', '.join(FAMILY_NAMES)}")
        return family_named(name)
    if info.family in FAMILY_NAMES:
        return family_named(info.family)
    found = family_of(info.family or "")
    return found if found is not UNKNOWN else family_of(info.id)


def resolve(
    info: AdapterInfo,
    *,
    zoom: bool | ZoomSettings,
    coords: str | CoordSpec | None,
    family: str | None,
    view: str,
    budget: int,
) -> Frames:
    """Settles how pictures are sent and boxes are read.

    What the user states counts, then what stands beside a local checkpoint, then what is published of the family. Of
    ``zoom`` only the fields that were set are the user's statement.

    Raises:
        UserError: unknown names; or zooming with a model that writes no boxes or sees no picture, or from another view
            than the page.
    """
    checkpoint = local_checkpoint(info.id)
    found = model_family(info, family or _known(checkpoint))
    settings = _settings(zoom, checkpoint, info) if zoom is not False else None
    spec = _coords(coords, checkpoint, found, stated_family=family is not None) if settings else None
    if settings is not None:
        if view != "page":
            raise UserError(f"zooming begins with the page: leave out --zoom or the view {view!r}")
        if not info.needs_images:
            raise UserError(f"{info.id} looks at no picture, so it cannot zoom: leave --zoom out")
        if spec is None:
            raise UserError(
                f"{info.id}: models of the family {found.name} write no boxes, so this one cannot zoom. If it does, "
                f"say how with --coords ({', '.join(COORD_NAMES)})"
            )
    warnings = _mismatches(checkpoint, found, spec, settings, budget) if checkpoint else []
    if settings is not None and found is UNKNOWN and coords is None and checkpoint is None:
        warnings.append(
            f"{info.id} is of no known family, so its boxes are read as {coords_name(UNKNOWN.coords or CoordSpec())}, "
            "which the tool asks for. If it was trained to write others, say so with --family or --coords"
        )
    return Frames(found, resize_rule_for(found), spec, settings, tuple(warnings))


def local_checkpoint(model: str) -> CheckpointSettings | None:
    """The settings beside a local checkpoint; None where the model's name is no folder, or has none.

    Raises:
        UserError: the file is damaged.
    """
    name = model.partition(":")[2]
    try:
        found = bool(name) and Path(name).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):  # a name that can be no path
        return None
    return read_checkpoint_settings(Path(name).expanduser()) if found else None


def _known(checkpoint: CheckpointSettings | None) -> str | None:
    return checkpoint.family if checkpoint and checkpoint.family in FAMILY_NAMES else None


def _settings(
    zoom: Literal[True] | ZoomSettings, checkpoint: CheckpointSettings | None, info: AdapterInfo
) -> ZoomSettings:
    stated = zoom if isinstance(zoom, ZoomSettings) else ZoomSettings()
    trained = checkpoint.zoom if checkpoint else None
    base = trained or ZoomSettings(dialect="native" if info.native_tools else "qwen")
    wishes = {name: getattr(stated, name) for name in stated.model_fields_set - {"crop"}}
    if "crop" in stated.model_fields_set:
        crop = {name: getattr(stated.crop, name) for name in stated.crop.model_fields_set}
        wishes["crop"] = base.crop.model_copy(update=crop)
    settings = base.model_copy(update=wishes)
    if settings.dialect == "native" and not info.native_tools:
        raise UserError(f"{info.id} has no native tool calls: choose --zoom-dialect qwen or deepeyes")
    return settings


def _coords(
    coords: str | CoordSpec | None, checkpoint: CheckpointSettings | None, family: Family, *, stated_family: bool
) -> CoordSpec | None:
    if coords is not None:
        return parse_coords(coords) if isinstance(coords, str) else coords
    if checkpoint is not None and not stated_family:
        return checkpoint.coords
    return family.coords


def _mismatches(
    checkpoint: CheckpointSettings, family: Family, coords: CoordSpec | None, zoom: ZoomSettings | None, budget: int
) -> list[str]:
    """Where the run differs from what the checkpoint was trained with."""
    found = []
    if family.name != checkpoint.family:
        found.append(f"family {checkpoint.family}, this run {family.name}")
    if checkpoint.patch is not None and family.patch != checkpoint.patch:
        found.append(f"{checkpoint.patch} pixels a token, this run {family.patch}")
    if budget != checkpoint.budget:
        found.append(f"--budget {checkpoint.budget}, this run {budget}")
    if coords is not None and checkpoint.coords is not None and coords != checkpoint.coords:
        found.append(f"--coords {coords_name(checkpoint.coords)}, this run {coords_name(coords)}")
    if zoom is not None and checkpoint.zoom is not None:
        before, now = checkpoint.zoom.model_dump(), zoom.model_dump()
        found += [f"{name} {before[name]}, this run {now[name]}" for name in before if before[name] != now[name]]
    return [f"the checkpoint was trained with {words}; it is measured fairly only under the same" for words in found]
