"""A day at the lake, as a WebM film."""

import math

import av
from PIL import Image, ImageChops

from .paint import Landscape
from .scenes import FILM_DAY, FILM_LAND

SIZE = (640, 360)
SECONDS = 16
RATE = 10


def write_film(file):
    # Grain, which cannot be compressed away: the film is to be larger than what a browser fetches ahead.
    grains = [Image.merge("RGB", 3 * [Image.effect_noise(SIZE, 4)]) for _ in range(5)]
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=RATE, options={"deadline": "realtime", "cpu-used": "16"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 2_400_000
        # A seek ends at the next key frame.
        stream.gop_size = RATE
        for number, picture in enumerate(frames()):
            frame = av.VideoFrame.from_image(ImageChops.add(picture, grains[number % len(grains)], offset=-128))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def frames():
    landscape = Landscape(FILM_LAND, *SIZE)
    count = SECONDS * RATE
    for number in range(count):
        hours = number / count * (len(FILM_DAY) - 1)
        now, share = FILM_DAY[int(hours)], hours % 1
        light = now.towards(FILM_DAY[int(hours) + 1], (1 - math.cos(math.pi * share)) / 2)
        yield landscape.paint(light, time=number / RATE * 3)
