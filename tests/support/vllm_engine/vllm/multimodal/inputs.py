from dataclasses import dataclass


@dataclass
class PlaceholderRange:
    offset: int
    length: int
