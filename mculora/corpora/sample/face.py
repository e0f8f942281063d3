"""A drawn talking head: one person's fixed layers, and brows, eyes and mouth that move."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mculora.corpora.sample.drawing import (
    HEIGHT,
    WIDTH,
    Colour,
    Image,
    arc,
    darker,
    fill,
    glow,
    oval,
    stroke,
)

FRAME = 256
"""Width and height of a frame in pixels."""
_X, _Y = 256, 230  # the middle of the face on the canvas
_SKINS: tuple[Colour, ...] = (
    *((176, 200, 240), (150, 182, 230), (130, 165, 215), (105, 142, 196)),
    *((84, 118, 172), (70, 100, 150)),
)
_HAIRS: tuple[Colour, ...] = (
    *((30, 30, 36), (38, 52, 78), (60, 88, 120), (80, 130, 170)),
    *((45, 60, 110), (120, 125, 130)),
)
_SHIRTS: tuple[Colour, ...] = (
    *((120, 70, 40), (50, 50, 130), (70, 110, 60), (60, 60, 60)),
    *((150, 140, 90), (100, 60, 110), (190, 190, 195)),
)
_WALLS: tuple[Colour, ...] = (
    *((190, 200, 205), (170, 160, 140), (130, 150, 160), (150, 170, 140)),
    *((200, 190, 210), (110, 105, 100)),
)


@dataclass(frozen=True)
class Face:
    """How one person looks and sits.

    Attributes:
        skin: Colour of the skin.
        hair: Colour of hair and brows.
        shirt: Colour of the shirt.
        wall: Colour of the wall behind.
        width: Half the width of the face on the canvas.
        height: Half its height.
        eye_distance: Half the distance of the eyes.
        light: Where the light comes from: -1 left, 1 right.
        brow: Thickness of the brows.
        has_long_hair: Whether the hair falls to the shoulders.
        has_glasses: Whether the person wears them.
        scale: Canvas to frame.
    """

    skin: Colour
    hair: Colour
    shirt: Colour
    wall: Colour
    width: float
    height: float
    eye_distance: float
    light: float
    brow: int
    has_long_hair: bool
    has_glasses: bool
    scale: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Face:
        """Draw a person's looks."""
        return cls(
            skin=_SKINS[rng.integers(len(_SKINS))],
            hair=_HAIRS[rng.integers(len(_HAIRS))],
            shirt=_SHIRTS[rng.integers(len(_SHIRTS))],
            wall=_WALLS[rng.integers(len(_WALLS))],
            width=float(rng.uniform(104, 116)),
            height=float(rng.uniform(138, 150)),
            eye_distance=float(rng.uniform(44, 50)),
            light=float(rng.uniform(-1, 1)),
            brow=int(rng.integers(7, 11)),
            has_long_hair=bool(rng.random() < 0.5),
            has_glasses=bool(rng.random() < 0.15),
            scale=float(rng.uniform(0.46, 0.52)),
        )


@dataclass(frozen=True)
class Expression:
    """What moves in one frame.

    Attributes:
        smile: Mouth and brows: -1 is a frown, 1 a broad smile.
        mouth: How far the mouth is open, 0 to 1.
        eyes: How far the eyes are open, 0 to 1.
        x: Offset of the head in the frame, in pixels.
        y: Offset downwards, in pixels.
        roll: Tilt of the head in degrees.
        is_turned: Whether only the back of the head is seen.
    """

    smile: float
    mouth: float
    eyes: float
    x: float
    y: float
    roll: float
    is_turned: bool


class Portrait:
    """Draws frames of one person; what never moves is drawn once."""

    def __init__(self, face: Face, rng: np.random.Generator) -> None:
        self.face = face
        self.wall = _wall(face, rng)
        self.front, self.front_alpha = _person(face, is_turned=False)
        self.back, self.back_alpha = _person(face, is_turned=True)

    def frame(self, expression: Expression) -> Image:
        """Draw one frame: (256, 256, 3) blue, green, red."""
        if expression.is_turned:
            canvas, alpha = self.back, self.back_alpha
        else:
            canvas, alpha = self.front.copy(), self.front_alpha
            _draw_eyes(canvas, self.face, expression)
            _draw_brows(canvas, self.face, expression)
            _draw_mouth(canvas, self.face, expression)
        matrix = cv2.getRotationMatrix2D((_X, _Y + 150), expression.roll, self.face.scale)
        matrix[:, 2] += (FRAME / 2 - _X + expression.x, FRAME * 0.76 - _Y - 150 + expression.y)
        size = (FRAME, FRAME)
        person = cv2.warpAffine(canvas, matrix, size, flags=cv2.INTER_LINEAR)
        weight = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR)
        blended: Image = cv2.blendLinear(person, self.wall, weight, 1 - weight)
        return blended


def _jaw(face: Face) -> NDArray[np.float64]:
    """The outline of the face: round above, narrower below."""
    outline = oval(_X, _Y, face.width, face.height)
    below = np.clip((outline[:, 1] - _Y) / face.height, 0, 1)
    outline[:, 0] = _X + (outline[:, 0] - _X) * (1 - 0.12 * below**1.5)
    return outline


def _person(face: Face, *, is_turned: bool) -> tuple[Image, NDArray[np.float32]]:
    """Draw all that never moves: the canvas (H, W, 3) and its opacity (H, W), 0 to 1."""
    canvas = np.full((HEIGHT, WIDTH, 3), face.shirt, np.uint8)
    hair = oval(_X, _Y - 22, face.width + 20, face.height + 18)
    fall = oval(_X, _Y + 70, face.width + 26, face.height + 35)
    body = np.concatenate([oval(_X, 660, 235, 235), [[_X + 235, 700], [_X - 235, 700]]])
    neck = [(_X - 52, 300), (_X + 52, 300), (_X + 62, 450), (_X, 490), (_X - 62, 450)]
    opacity = np.zeros((HEIGHT, WIDTH), np.uint8)
    shapes = [hair, body, neck, _jaw(face)] + ([fall] if face.has_long_hair else [])
    for shape in shapes:
        fill(opacity, shape, 255)
    if face.has_long_hair:
        fill(canvas, fall, darker(face.hair, 0.8))
        fill(canvas, body, face.shirt)
    fill(canvas, neck, darker(face.skin, 0.78))
    fill(canvas, hair, face.hair)
    _draw_strands(canvas, face)
    if not is_turned:
        _draw_skin(canvas, face)
    shade = 1 + 0.22 * face.light * np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :, None]
    if is_turned:
        shade = shade - 0.3 * glow(_X, _Y + 125, 100, 60)[..., None]
    shade = shade + 0.25 * glow(_X - 60 * face.light, _Y - 130, 80, 34)[..., None]  # sheen
    lit = np.clip(canvas * shade, 0, 255).astype(np.uint8)
    return lit, (opacity / 255).astype(np.float32)


def _draw_strands(canvas: Image, face: Face) -> None:
    """Draw strands of hair that fall from the crown to both sides."""
    for number, reach in enumerate(np.linspace(-1, 1, 15)):
        tip = (_X + reach * (face.width + 8), _Y + 95 - 70 * abs(reach))
        bend = (_X + reach * (face.width - 8) * 0.8, _Y - 70)
        tone = darker(face.hair, 0.86 if number % 2 else 1.1)
        stroke(canvas, arc((_X + 6 * reach, _Y - face.height - 30), bend, tip), tone, width=5)


def _draw_skin(canvas: Image, face: Face) -> None:
    """Draw the face without what moves: skin with light and shade, ears, nose, fringe."""
    for side in (-1, 1):
        fill(canvas, oval(_X + side * face.width, _Y + 5, 16, 30), darker(face.skin, 0.85))
    inside = np.zeros((HEIGHT, WIDTH), np.uint8)
    fill(inside, _jaw(face), 255)
    light = 0.70 + 0.34 * glow(_X, _Y - 10, face.width * 1.25, face.height * 1.25)
    light += 0.12 * glow(_X, _Y - 85, 70, 36)  # forehead
    light += 0.10 * glow(_X, _Y + 10, 14, 44)  # bridge of the nose
    light -= 0.10 * glow(_X, _Y + 128, 50, 16)  # below the lip
    for side in (-1, 1):
        light += 0.10 * glow(_X + side * 58, _Y + 38, 32, 26)  # cheeks
        light -= 0.30 * glow(_X + side * face.eye_distance, _Y - 26, 34, 17)  # eye sockets
        light -= 0.12 * glow(_X + side * 20, _Y + 32, 9, 26)  # sides of the nose
    skin = np.clip(np.asarray(face.skin, np.float32) * light[..., None], 0, 255)
    weight = (inside.astype(np.float32) / 255)[..., None]
    canvas[:] = (skin * weight + canvas * (1 - weight)).astype(np.uint8)
    for side in (-1, 1):
        fill(canvas, oval(_X + side * 10, _Y + 49, 6, 3.5), darker(face.skin, 0.45))
    nose = arc((_X - 20, _Y + 45), (_X, _Y + 57), (_X + 20, _Y + 45))
    stroke(canvas, nose, darker(face.skin, 0.62), width=3)
    reach, top = face.width + 7, _Y - face.height - 30
    edge = arc((_X - reach, _Y - 50), (_X + 12, _Y - 112), (_X + reach, _Y - 50))
    crown = arc((_X + reach, _Y - 60), (_X, top), (_X - reach, _Y - 60))
    fill(canvas, np.concatenate([edge, crown]), face.hair)


def _draw_eyes(canvas: Image, face: Face, expression: Expression) -> None:
    """Draw the eyes; a smile narrows them from below."""
    opening = 13.0 * expression.eyes * (1 - 0.25 * max(expression.smile, 0))
    lid = darker(face.skin, 0.35)
    for side in (-1, 1):
        x, y = _X + side * face.eye_distance, _Y - 24.0
        upper = arc((x - 24, y + 2), (x, y - opening), (x + 24, y + 2))
        lower = arc((x + 24, y + 2), (x, y + 0.75 * opening), (x - 24, y + 2))
        if expression.eyes > 0.25:
            almond = np.concatenate([upper, lower])
            fill(canvas, almond, (225, 228, 230))
            fill(canvas, oval(x, y, 10.5, min(10.5, opening * 0.9)), (40, 50, 60))
            fill(canvas, oval(x + 4, y - 4, 2.5, 2.5), (245, 245, 245))
        stroke(canvas, upper, lid, width=5)
        stroke(canvas, lower, darker(face.skin, 0.6), width=2)
        if face.has_glasses:
            stroke(canvas, oval(x, y, 38, 30), (35, 35, 40), width=4, is_closed=True)
    if face.has_glasses:
        bridge = arc((_X - 12, _Y - 28), (_X, _Y - 34), (_X + 12, _Y - 28))
        stroke(canvas, bridge, (35, 35, 40), width=4)


def _draw_brows(canvas: Image, face: Face, expression: Expression) -> None:
    """Draw the brows: arched in a smile, drawn down and together in a frown."""
    smile = expression.smile
    for side in (-1, 1):
        x, y = _X + side * face.eye_distance, _Y - 56.0 - 5 * smile
        inner = (x - side * (27 - 4 * min(smile, 0)), y + 1 - 13 * min(smile, 0) - 1 * smile)
        outer = (x + side * 31, y + 5 + 4 * min(smile, 0))
        middle = (x + side * 4, y - 8 - 4 * max(smile, 0) - 3 * min(smile, 0))
        stroke(canvas, arc(inner, middle, outer), darker(face.hair, 0.8), width=face.brow)


def _draw_mouth(canvas: Image, face: Face, expression: Expression) -> None:
    """Draw the mouth: its corners follow the smile, its opening the voice."""
    smile, opening = expression.smile, 24.0 * expression.mouth
    x, y = _X, _Y + 88.0
    half = 44 + 9 * smile - 6 * expression.mouth
    left, right = (x - half, y - 15 * smile), (x + half, y - 15 * smile)
    blue, green, red = face.skin
    lips = (int(0.55 * blue), int(0.50 * green), int(0.80 * red))
    upper = arc(left, (x, y + 4 * smile - 0.3 * opening), right)
    lower = arc(right, (x, y + 6 * smile + 0.7 * opening), left)
    inside = np.concatenate([upper, lower])
    if opening > 3:
        fill(canvas, inside, (35, 25, 60))
        teeth = upper + np.array([0.0, min(6.0, 0.4 * opening)])
        fill(canvas, np.concatenate([upper, teeth[::-1]]), (215, 222, 226))
    stroke(canvas, lower, lips, width=8)
    stroke(canvas, upper, darker(lips, 0.85), width=6)
    fold = darker(face.skin, 0.68)
    for side in (-1, 1):
        start, end = (x + side * 34, _Y + 44), (x + side * (half + 12), y - 10 * smile)
        bend = (x + side * (half + 4 + 6 * max(smile, 0)), _Y + 62 - 4 * smile)
        if smile > 0.25:
            stroke(canvas, arc(start, bend, end), fold, width=3)


def _wall(face: Face, rng: np.random.Generator) -> Image:
    """Paint the room: a wall lit from one side with one or two blurred things on it."""
    wall = np.full((FRAME, FRAME, 3), face.wall, np.float32)
    for _ in range(rng.integers(1, 4)):
        x, y = rng.integers(-20, FRAME, 2)
        width, height = rng.integers(30, 90, 2)
        tint = rng.uniform(0.55, 1.1) * rng.uniform(0.92, 1.08, 3)
        tone = np.asarray(face.wall, np.float32) * tint
        cv2.rectangle(wall, (int(x), int(y)), (int(x + width), int(y + height)), tone.tolist(), -1)
    wall = cv2.GaussianBlur(wall, (0, 0), 6)
    wall *= 1 + 0.25 * face.light * np.linspace(-1, 1, FRAME, dtype=np.float32)[None, :, None]
    wall += rng.normal(0, 2.5, (FRAME, FRAME, 1)).astype(np.float32)
    painted: Image = np.clip(wall, 0, 255).astype(np.uint8)
    return painted
