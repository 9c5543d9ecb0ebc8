"""Pictures read back: the boxes, bars and texts of an SVG, with where they lie."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["SVG", "Box", "boxes", "read", "texts"]

SVG = "{http://www.w3.org/2000/svg}"
_BOX = re.compile(r"M([-\d.]+) ([-\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that is drawn as a path, and its class."""

    x: float
    y: float
    width: float
    height: float
    style: str


def read(picture: str) -> ET.Element:
    """The picture as a tree; fails where it is not well-formed."""
    return ET.fromstring(str(picture).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def boxes(root: ET.Element, group: str = "cells") -> Iterator[Box]:
    for holder in root.iter(f"{SVG}g"):
        if group in (holder.get("class") or "").split():
            for path in holder.iter(f"{SVG}path"):
                found = _BOX.fullmatch(path.get("d") or "")
                assert found, path.get("d")
                x, y, width, height = map(float, found.groups())
                yield Box(x, y, width, height, path.get("class") or "")


def texts(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]
