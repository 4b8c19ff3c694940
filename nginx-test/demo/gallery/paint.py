"""Landscapes made of nothing but gradients, sines and seeded chance, so that they are the same at every setup."""

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw

# Pillow's shapes have hard edges, so they are drawn larger and scaled down.
FINE = 2


@dataclass(frozen=True)
class Light:
    """What changes in the course of a day. Colours are (red, green, blue), places fractions of width and height."""

    sky: tuple  # from the top down to the horizon
    ridges: tuple  # the far one first
    sun: tuple | None = None  # (x, y)
    sun_colour: tuple = (255, 244, 214)
    stars: float = 0.0
    water: tuple | None = None  # its tint

    def towards(self, other, share):
        def between(one, two):
            if isinstance(one, tuple):
                return tuple(map(between, one, two))
            return one + (two - one) * share

        return Light(*(between(getattr(self, name), getattr(other, name)) for name in Light.__dataclass_fields__))


@dataclass(frozen=True)
class Land:
    """What stays."""

    ridges: int
    horizon: float = 0.62
    heights: tuple = (0.16, 0.05)  # of the far ridge and of the near one
    rough: float = 1.0  # from dunes (0) to mountains
    spread: float = 0.3  # from the foot of the far ridge to that of the near one
    trees: int = 0
    water: bool = False  # from the horizon down
    sun_size: float = 0.045
    seed: int = 1


class Landscape:
    """Shapes are masks, made once, so that a film needs no more than new colours for each of its frames."""

    def __init__(self, land, width, height):
        self.land, self.size = land, (width, height)
        self.shore = round(land.horizon * height)
        chance = random.Random(land.seed)
        steps = [number / max(land.ridges - 1, 1) for number in range(land.ridges)]
        self.ridges = [self.ridge(step, land.trees if step == 1 else 0, chance) for step in steps]
        self.stars = self.mask(self.draw_stars, chance)
        self.glow = glow(round(land.sun_size * height * 8))
        self.disc = disc(round(land.sun_size * height))

    def paint(self, light, time=0.0):
        width, height = self.size
        picture = gradient(light.sky, width, height)
        if light.stars:
            picture.paste((255, 255, 255), mask=self.stars.point(lambda level: int(level * light.stars)))
        if light.sun:
            for mask in (self.glow, self.disc):
                corner = (round(light.sun[0] * width - mask.width / 2), round(light.sun[1] * height - mask.height / 2))
                picture.paste(whole(light.sun_colour), corner, mask)
        for (mask, top), colour in zip(self.ridges, light.ridges, strict=True):
            picture.paste(whole(colour), (0, top), mask)
        if self.land.water:
            self.add_water(picture, light.water, time)
        return picture

    def mask(self, draw, *arguments):
        width, height = self.size
        mask = Image.new("L", (FINE * width, FINE * height))
        draw(ImageDraw.Draw(mask), *mask.size, *arguments)
        return mask.resize(self.size, Image.Resampling.LANCZOS)

    def ridge(self, step, trees, chance):
        """`step` is 0 for the far ridge and 1 for the near one."""
        land = self.land
        rise = land.heights[0] + step * (land.heights[1] - land.heights[0])
        foot = land.horizon + step * land.spread

        def draw(draw, width, height):
            line = skyline(width, foot * height, rise * height, land.rough, chance)
            draw.polygon([(0, height), *line, (width, height)], fill=255)
            for _ in range(trees):
                x, y = chance.choice(line)
                draw_fir(draw, x, y + 0.02 * height, chance.uniform(0.05, 0.13) * height, chance)

        # Cropped to what matters, for the film's sake.
        mask = self.mask(draw)
        top = mask.getbbox()[1]
        return mask.crop((0, top, mask.width, self.shore if land.water else mask.height)), top

    def draw_stars(self, draw, width, height, chance):
        for _ in range(420):
            x, y = chance.random() * width, chance.random() ** 1.6 * height * self.land.horizon
            radius = chance.choice((1, 1, 1, 1.6, 2.4)) * width / 1600
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=chance.randint(140, 255))

    def add_water(self, picture, tint, time):
        """What is above the shore once more, upside down and rippled, the more the nearer it is."""
        width, height = self.size
        depth = height - self.shore
        above = picture.crop((0, 0, width, self.shore)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        above = Image.blend(above.resize((width, depth)), Image.new("RGB", (width, depth), whole(tint)), 0.38)
        for y in range(0, depth, 2):
            near = y / depth
            shift = (1 + 9 * near) * math.sin(y / (2 + 7 * near) - time) * width / 960
            row = above.crop((0, y, width, y + 2))
            picture.paste(ImageChops.offset(row, round(shift), 0), (0, self.shore + y))


def skyline(width, foot, rise, rough, chance):
    """Points of a sum of waves, the shorter the flatter."""
    waves = [(chance.uniform(0.6, 1.4) * 2**n, chance.uniform(0, math.tau), 0.55**n) for n in range(8)]
    highest = sum(share for _, _, share in waves)
    points = []
    for x in range(0, width + 8, 8):
        up = 0
        for number, (pace, phase, share) in enumerate(waves):
            wave = math.sin(pace * math.tau * x / width + phase)
            # Mountains have peaks where dunes are round, and dunes no small ones.
            peak = 1 - 2 * abs(wave)
            up += share * (peak * rough + wave * (1 - rough)) * (1 if number < 2 else max(rough, 0.1))
        points.append((x, foot - rise * (0.9 + 1.1 * up / highest)))
    return points


def draw_fir(draw, x, foot, tall, chance):
    wide = tall * chance.uniform(0.16, 0.22)
    for storey in range(5):
        top = foot - tall * (1 - storey * 0.17)
        half = wide * (0.35 + storey * 0.2)
        draw.polygon([(x, top), (x - half, top + tall * 0.3), (x + half, top + tall * 0.3)], fill=255)
    draw.rectangle((x - wide * 0.12, foot - tall * 0.2, x + wide * 0.12, foot + tall * 0.2), fill=255)


def glow(radius):
    # radial_gradient reaches 181 at the middle of its sides.
    fade = [int(255 * 0.55 * max(0, 1 - level / 181) ** 2.2) for level in range(256)]
    return Image.radial_gradient("L").point(fade).resize((2 * radius, 2 * radius))


def disc(radius):
    mask = Image.new("L", (8 * radius, 8 * radius))
    ImageDraw.Draw(mask).ellipse((0, 0, 8 * radius - 1, 8 * radius - 1), fill=255)
    return mask.resize((2 * radius, 2 * radius), Image.Resampling.LANCZOS)


def gradient(colours, width, height):
    column = Image.new("RGB", (1, len(colours)))
    for y, colour in enumerate(colours):
        column.putpixel((0, y), whole(colour))
    return column.resize((width, height), Image.Resampling.BICUBIC)


def whole(colour):
    return tuple(round(part) for part in colour)
