"""What action labels read like, in both languages. Labels that are not listed are shown with spaces for underscores."""

from __future__ import annotations

from comic_eval.types import Language

# label: (English, French)
TEXTS: dict[str, tuple[str, str]] = {
    "carrying": ("carrying something or someone", "porte quelque chose ou quelqu'un"),
    "casting_magic": ("casting magic", "fait de la magie"),
    "climbing": ("climbing", "grimpe"),
    "covering_face_or_ears": ("covering the face or the ears", "se couvre le visage ou les oreilles"),
    "crying": ("crying", "pleure"),
    "eating_or_drinking": ("eating or drinking", "mange ou boit"),
    "falling": ("falling", "tombe"),
    "fighting_or_hitting": ("fighting or hitting", "se bat ou frappe"),
    "flying": ("flying", "vole dans les airs"),
    "hiding": ("hiding", "se cache"),
    "holding_object": ("holding an object", "tient un objet"),
    "hugging": ("hugging someone", "serre quelqu'un dans ses bras"),
    "jumping": ("jumping", "saute"),
    "kneeling_or_crouching": ("kneeling or crouching", "est à genoux ou accroupi"),
    "laughing": ("laughing", "rit"),
    "leaning": ("leaning", "se penche ou s'appuie"),
    "listening_or_watching": ("listening or watching", "écoute ou regarde"),
    "lying": ("lying down", "est allongé"),
    "mixing_or_cooking": ("mixing or cooking something", "mélange ou cuisine quelque chose"),
    "pointing": ("pointing at something", "montre quelque chose du doigt"),
    "pushing_or_pulling": ("pushing or pulling something", "pousse ou tire quelque chose"),
    "reaching": ("reaching for something", "tend la main vers quelque chose"),
    "reading_or_writing": ("reading or writing", "lit ou écrit"),
    "riding": ("riding on something", "chevauche quelque chose"),
    "running": ("running", "court"),
    "shouting": ("shouting", "crie"),
    "sitting": ("sitting", "est assis"),
    "sleeping": ("sleeping", "dort"),
    "standing": ("standing", "est debout"),
    "throwing": ("throwing something", "lance quelque chose"),
    "walking": ("walking", "marche"),
    "waving_or_raising_arms": ("waving or raising the arms", "fait signe ou lève les bras"),
}


def action_text(label: str, language: Language) -> str:
    """The text of a choice."""
    known = TEXTS.get(label)
    if known is None:
        return label.replace("_", " ").strip()
    return known[0] if language == "en" else known[1]
