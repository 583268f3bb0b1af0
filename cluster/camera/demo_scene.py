"""What the demo clip shows: a drawn workshop with a press, and people cut out of two real photographs.

The photographs are those that the ultralytics package ships (`assets/bus.jpg`, `assets/zidane.jpg`). They
are found without importing the package, because camera processes never import torch.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cluster.safety.errors import ConfigError
from cluster.safety.frames import Image

WIDTH_PX, HEIGHT_PX = 1280, 720
_HORIZON_PX = 330
_GRABCUT_ROUNDS = 4

# Outlines drawn by hand, in pixels of bus.jpg, where GrabCut takes pavement and passers-by for the person.
_LEGS_OF_THE_FIRST = (
    (73, 697), (73, 720), (72, 755), (79, 785), (68, 818), (59, 848), (57, 860), (54, 870), (52, 880), (60, 890),
    (75, 898), (100, 899), (105, 895), (105, 886), (98, 877), (95, 868), (85, 862), (85, 848), (88, 835), (95, 800),
    (98, 777), (105, 765), (110, 740), (115, 720), (120, 704), (127, 704), (133, 715), (142, 745), (150, 765),
    (158, 800), (165, 825), (172, 845), (176, 855), (176, 868), (176, 896), (190, 897), (215, 895), (235, 888),
    (246, 881), (243, 877), (225, 868), (213, 858), (202, 850), (201, 840), (196, 810), (191, 785), (186, 755),
    (184, 735), (180, 712), (178, 697),
)  # fmt: skip
_ALL_OF_THE_SECOND = (
    (267, 412), (277, 407), (293, 410), (304, 420), (307, 437), (307, 448), (302, 468), (302, 475), (323, 487),
    (333, 498), (338, 523), (343, 545), (338, 563), (322, 565), (323, 580), (328, 610), (338, 688), (339, 710),
    (335, 727), (320, 743), (303, 760), (288, 777), (287, 787), (298, 810), (297, 818), (288, 818), (281, 807),
    (285, 833), (293, 853), (290, 857), (273, 858), (258, 850), (257, 840), (259, 823), (255, 813), (248, 773),
    (245, 740), (243, 703), (225, 698), (230, 663), (240, 607), (235, 583), (237, 533), (237, 520), (247, 497),
    (277, 470), (273, 458), (267, 453), (265, 437),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A person without a background. image: (h, w, 3) float32 BGR. alpha: (h, w, 1) float32 in 0..1."""

    image: NDArray[np.float32]
    alpha: NDArray[np.float32]

    def mirrored(self) -> "Cutout":
        return Cutout(self.image[:, ::-1].copy(), self.alpha[:, ::-1].copy())


@cache  # GrabCut takes seconds
def people() -> tuple[Cutout, Cutout, Cutout]:
    """Two who stand on their feet, and one seen from the waist up, as he is close to the camera.

    Raises:
        ConfigError: the photographs are not there.
    """
    street, stadium = photograph("bus.jpg"), photograph("zidane.jpg")
    return (
        _cut(street, (44, 390, 206, 520), height_px=430, outline=_LEGS_OF_THE_FIRST, outline_from_px=699),
        _cut(street, (216, 392, 134, 476), height_px=410, outline=_ALL_OF_THE_SECOND),
        _cut(stadium, (730, 30, 390, 690), height_px=420),
    )


def photograph(name: str) -> Image:
    """A photograph out of the ultralytics package, BGR.

    Raises:
        ConfigError: not installed, or without that file.
    """
    spec = importlib.util.find_spec("ultralytics")
    folder = Path(spec.origin).parent if spec and spec.origin else Path("ultralytics")
    picture = cv2.imread(str(folder / "assets" / name))
    if picture is None:
        raise ConfigError(str(folder / "assets" / name), "", "", "cannot be read", "run `make setup`")
    return np.asarray(picture, dtype=np.uint8)


def workshop() -> NDArray[np.float32]:
    """The empty scene, (HEIGHT_PX, WIDTH_PX, 3) float32 BGR: a wall, a floor, a press on its marked place."""
    canvas = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    _shade(canvas[:_HORIZON_PX], (168, 176, 178), (138, 146, 150))
    _shade(canvas[_HORIZON_PX:], (96, 102, 106), (142, 148, 152))
    _draw_wall(canvas)
    _draw_floor(canvas)
    _draw_press(canvas)
    grain = np.random.default_rng(11).normal(0, 5, (HEIGHT_PX // 4, WIDTH_PX // 4, 1)).astype(np.float32)
    stains = cv2.resize(grain, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)[..., None]
    soft = cv2.GaussianBlur(canvas, (0, 0), 1.2).astype(np.float32)
    return np.asarray(np.clip(soft + stains, 0, 255), dtype=np.float32)


def paste(scene: NDArray[np.float32], person: Cutout, feet_x_px: float, feet_y_px: float) -> None:
    """Draw `person` into `scene` with a soft shadow, standing on the point; what lies outside is cut off."""
    height, width = person.alpha.shape[:2]
    left, top = round(feet_x_px - width / 2), round(feet_y_px) - height
    x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + width, WIDTH_PX), min(top + height, HEIGHT_PX)
    if x1 >= x2 or y1 >= y2:
        return
    _shadow(scene, feet_x_px, feet_y_px, width)
    image, alpha = (part[y1 - top : y2 - top, x1 - left : x2 - left] for part in (person.image, person.alpha))
    scene[y1:y2, x1:x2] += alpha * (image - scene[y1:y2, x1:x2])


def _cut(
    photo: Image,
    rectangle: tuple[int, int, int, int],
    *,
    height_px: int,
    outline: tuple[tuple[int, int], ...] = (),
    outline_from_px: int = 0,
) -> Cutout:
    """The person inside `rectangle` (x, y, width, height in pixels), scaled so that the rectangle is `height_px` tall.

    GrabCut finds the silhouette; from row `outline_from_px` down, `outline` is it instead.
    """
    x, y, width, height = rectangle
    drawn_only = bool(outline) and outline_from_px == 0
    mask = np.zeros(photo.shape[:2], np.uint8) if drawn_only else _silhouette(photo, rectangle)
    if outline:
        drawn = cv2.fillPoly(np.zeros_like(mask), [np.array(outline, np.int32)], (1,))
        mask[outline_from_px:] = drawn[outline_from_px:]
    soft = cv2.GaussianBlur(mask[y : y + height, x : x + width].astype(np.float32), (0, 0), 1.2)
    size = round(width * height_px / height), height_px
    image = cv2.resize(photo[y : y + height, x : x + width], size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(soft, size, interpolation=cv2.INTER_AREA)
    return _trimmed(Cutout(image.astype(np.float32), alpha[..., None].astype(np.float32)))


def _silhouette(photo: Image, rectangle: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """1 where GrabCut sees the person, shape of `photo`. It needs the whole photo to know what background is."""
    cv2.setRNGSeed(5)  # GrabCut clusters at random; the clip is the same on every machine
    mask = np.zeros(photo.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(photo, mask, rectangle, *models, _GRABCUT_ROUNDS, cv2.GC_INIT_WITH_RECT)
    return _largest_part(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)))


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    _, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return np.asarray(parts == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))).astype(np.uint8)


def _trimmed(person: Cutout) -> Cutout:
    """Without empty margins, so that the feet are where the picture ends."""
    rows, columns = (np.flatnonzero(person.alpha[..., 0].max(axis=axis) > 0.5) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Cutout(person.image[window], person.alpha[window])


def _shadow(scene: NDArray[np.float32], x_px: float, y_px: float, width_px: int) -> None:
    dark = np.zeros((HEIGHT_PX, WIDTH_PX), np.float32)
    cv2.ellipse(dark, (round(x_px), round(y_px) - 4), (round(width_px * 0.5), 12), 0, 0, 360, 0.45, -1)
    y1, y2 = max(0, round(y_px) - 60), min(HEIGHT_PX, round(y_px) + 60)
    scene[y1:y2] *= 1 - cv2.GaussianBlur(dark[y1:y2], (0, 0), 7)[..., None]


def _shade(area: Image, top: tuple[int, int, int], bottom: tuple[int, int, int]) -> None:
    share = np.linspace(0, 1, area.shape[0], dtype=np.float32)[:, None, None]
    area[:] = (np.array(top) * (1 - share) + np.array(bottom) * share).astype(np.uint8)


def _draw_wall(canvas: Image) -> None:
    for x in range(0, WIDTH_PX, 160):
        cv2.line(canvas, (x, 0), (x, _HORIZON_PX), (128, 136, 140), 2)
    for x in (60, 300, 900, 1100):
        cv2.rectangle(canvas, (x, 40), (x + 130, 150), (196, 204, 200), -1)
        cv2.rectangle(canvas, (x, 40), (x + 130, 150), (110, 116, 118), 4)
    cv2.rectangle(canvas, (0, _HORIZON_PX - 22), (WIDTH_PX, _HORIZON_PX), (92, 100, 106), -1)


def _draw_floor(canvas: Image) -> None:
    for x in range(-1280, 2 * WIDTH_PX, 200):
        far = WIDTH_PX // 2 + (x - WIDTH_PX // 2) // 3
        cv2.line(canvas, (far, _HORIZON_PX), (x, HEIGHT_PX), (112, 118, 122), 2, cv2.LINE_AA)
    for y in (360, 410, 490, 610):
        cv2.line(canvas, (0, y), (WIDTH_PX, y), (112, 118, 122), 2)
    place = np.array([[500, 400], [780, 400], [850, 712], [430, 712]], np.int32)
    cv2.polylines(canvas, [place], True, (40, 190, 225), 10, cv2.LINE_AA)


def _draw_press(canvas: Image) -> None:
    """A frame of two columns, a ram and a bed, green as such machines are."""
    green, dark, steel = (92, 112, 62), (62, 76, 42), (170, 172, 170)
    cv2.rectangle(canvas, (520, 60), (760, 130), green, -1)
    for x in (520, 710):
        cv2.rectangle(canvas, (x, 130), (x + 50, 400), green, -1)
        cv2.rectangle(canvas, (x + 38, 130), (x + 50, 400), dark, -1)
    cv2.rectangle(canvas, (590, 130), (690, 210), steel, -1)
    cv2.rectangle(canvas, (575, 210), (705, 238), (120, 122, 122), -1)
    cv2.rectangle(canvas, (500, 320), (780, 400), dark, -1)
    for x in range(500, 780, 40):
        stripe = np.array([[x, 320], [x + 20, 320], [x + 36, 336], [x + 16, 336]], np.int32)
        cv2.fillConvexPoly(canvas, stripe, (40, 200, 235))
    cv2.circle(canvas, (735, 95), 10, (50, 50, 200), -1, cv2.LINE_AA)
