"""The picture of an event: the full frame of the moment, once as it was and once with zone and objects drawn in."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

import cv2
import numpy as np

from cluster.camera.live_pictures import encode_jpeg
from cluster.safety.events import SafetyEvent, SeenObject
from cluster.safety.frames import Frame, Image
from cluster.safety.pictures import ZoneOutline

Colour = tuple[int, int, int]

_ZONE_COLOURS: dict[str, Colour] = {"danger": (48, 48, 230), "warning": (0, 176, 255)}
_OBJECT_COLOUR: Colour = (255, 214, 64)
_WHITE: Colour = (255, 255, 255)
_DARK: Colour = (32, 32, 32)
_HIGHLIGHTED, _QUIET = 0.30, 0.12
_TEXT_SHARE = 1 / 36
_fonts = threading.local()


@dataclass(frozen=True, slots=True)
class SnapshotJpegs:
    """Both pictures of one frame, and which frame it was."""

    drawn: bytes
    clean: bytes
    correlation_id: str = ""


def snapshot_jpegs(
    frame: Frame,
    event: SafetyEvent,
    zones: Sequence[ZoneOutline],
    *,
    quality: int = 90,
    time_zone: tzinfo = UTC,
) -> SnapshotJpegs:
    """The snapshot of `event`, which `frame` caused."""
    moment = frame.captured_at.astimezone(time_zone).strftime("%Y-%m-%d %H:%M:%S %Z")
    caption = f"{frame.camera_id}  {event.event_type}  {moment}  {frame.correlation_id}"
    drawn = draw(frame.image, event.objects, zones, event.zone_id, caption)
    return SnapshotJpegs(encode_jpeg(drawn, quality), encode_jpeg(frame.image, quality), frame.correlation_id)


def draw(
    image: Image, objects: Sequence[SeenObject], zones: Sequence[ZoneOutline], highlight_zone: str, caption: str
) -> Image:
    """A copy of `image` with zones, objects and a caption bar; lines and letters grow with the picture.

    Danger zones are red, warning zones amber; `highlight_zone` is filled more strongly than the others.
    """
    canvas = image.copy()
    text_px = max(10, round(min(canvas.shape[0], canvas.shape[1] * 0.75) * _TEXT_SHARE))
    for zone in sorted(zones, key=lambda zone: zone.zone_id == highlight_zone):
        _draw_zone(canvas, zone, _HIGHLIGHTED if zone.zone_id == highlight_zone else _QUIET, text_px)
    for seen in objects:
        _draw_object(canvas, seen, text_px)
    _draw_caption(canvas, caption, text_px)
    return canvas


def _draw_zone(canvas: Image, zone: ZoneOutline, strength: float, text_px: int) -> None:
    colour = _ZONE_COLOURS.get(zone.kind, _ZONE_COLOURS["danger"])
    corners = np.rint(np.array(zone.polygon) * _size_of(canvas)).astype(np.int32)
    filled = canvas.copy()
    cv2.fillPoly(filled, [corners], colour, cv2.LINE_AA)
    cv2.addWeighted(filled, strength, canvas, 1 - strength, 0, dst=canvas)
    cv2.polylines(canvas, [corners], True, colour, _line_px(text_px), cv2.LINE_AA)
    x, y = corners.min(axis=0)
    _label(canvas, zone.name or zone.zone_id, (int(x), int(y)), colour, text_px)


def _draw_object(canvas: Image, seen: SeenObject, text_px: int) -> None:
    x1, y1, x2, y2 = np.rint(np.array(seen.box).reshape(2, 2) * _size_of(canvas)).astype(int).ravel().tolist()
    cv2.rectangle(canvas, (x1, y1), (x2, y2), _OBJECT_COLOUR, _line_px(text_px), cv2.LINE_AA)
    track = "" if seen.track_id is None else f" #{seen.track_id}"
    _label(canvas, f"{seen.label}{track} {seen.confidence:.2f}", (x1, y1 - _bar_px(text_px)), _OBJECT_COLOUR, text_px)


def _draw_caption(canvas: Image, caption: str, text_px: int) -> None:
    """A bar along the lower edge, its letters as small as the width demands."""
    height, width = canvas.shape[:2]
    while text_px > 6 and _width_px(caption, text_px) > width - text_px:
        text_px -= 1
    _bar(canvas, caption, (0, height - _bar_px(text_px)), width, _DARK, _WHITE, text_px)


def _label(canvas: Image, text: str, corner: tuple[int, int], colour: Colour, text_px: int) -> None:
    """A filled label whose upper left corner is `corner`, pushed back into the picture."""
    width = min(_width_px(text, text_px) + text_px, canvas.shape[1])
    x = min(max(0, corner[0]), canvas.shape[1] - width)
    y = min(max(0, corner[1]), max(0, canvas.shape[0] - _bar_px(text_px)))
    bright = 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2] > 128
    _bar(canvas, text, (x, y), width, colour, _DARK if bright else _WHITE, text_px)


def _bar(
    canvas: Image, text: str, corner: tuple[int, int], width: int, fill: Colour, ink: Colour, text_px: int
) -> None:
    x, y = corner
    cv2.rectangle(canvas, (x, y), (x + width, y + _bar_px(text_px)), fill, cv2.FILLED)
    baseline = y + round(text_px * 1.15)
    cv2.putText(canvas, text, (x + text_px // 2, baseline), ink, _font(), text_px, 500)


def _width_px(text: str, text_px: int) -> int:
    _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), _font(), text_px, 500)
    return int(width)


def _font() -> cv2.FontFace:
    """OpenCV's own font: unlike Hershey's strokes it has Hangul. One a thread: nothing says that they may share it."""
    if not hasattr(_fonts, "face"):
        _fonts.face = cv2.FontFace("sans")
    face: cv2.FontFace = _fonts.face
    return face


def _size_of(canvas: Image) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """(width, height), to scale points in 0..1."""
    return np.array([canvas.shape[1], canvas.shape[0]])


def _bar_px(text_px: int) -> int:
    return round(text_px * 1.6)


def _line_px(text_px: int) -> int:
    return max(1, round(text_px / 9))
