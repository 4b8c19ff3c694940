"""Makes the files of the exhibits, those that are missing."""

import shutil
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Image as Figure
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from . import scenes
from .film import write_film
from .paint import Landscape

READY_MADE = Path(__file__).parent / "samples"
PICTURE = (960, 640)
QUALITY = 88


def write_samples(folder):
    for file, write, *arguments in (
        ("public/dawn.jpg", write_picture, scenes.DAWN),
        ("public/islands.jpg", write_picture, scenes.ISLANDS),
        ("pictures/lake.jpg", write_picture, scenes.LAKE),
        ("pictures/fog.jpg", write_picture, scenes.FOG),
        ("pictures/night.jpg", write_picture, scenes.NIGHT),
        ("pictures/dunes.jpg", write_picture, scenes.DUNES),
        ("private/postcard.jpg", write_postcard),
        ("film/day.webm", write_film),
        ("paper/guide.pdf", write_guide),
    ):
        make(folder / file, write, *arguments)
    shutil.copytree(READY_MADE, folder, dirs_exist_ok=True)


def make(file, write, *arguments):
    """A setup that was interrupted leaves no half a file."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"partial-{file.name}")
        write(partial, *arguments)
        partial.rename(file)


def paint(scene):
    land, light = scene
    return Landscape(land, *PICTURE).paint(light)


def write_picture(file, scene):
    paint(scene).save(file, quality=QUALITY)


def write_postcard(file):
    picture = paint(scenes.POSTCARD)
    draw = ImageDraw.Draw(picture)
    draw.text((480, 120), "Greetings from the lake", (255, 255, 255), ImageFont.load_default(64), anchor="mm")
    draw.text((480, 184), "Wish you were here, Alice!", (255, 255, 255), ImageFont.load_default(30), anchor="mm")
    postcard = Image.new("RGB", (1000, 680), (252, 250, 244))
    postcard.paste(picture, (20, 20))
    postcard.save(file, quality=QUALITY)


def write_guide(file):
    styles = getSampleStyleSheet()
    text = styles["BodyText"]
    text.fontSize, text.leading, text.spaceAfter = 12, 18, 12
    picture = file.with_name("figure.jpg")
    write_picture(picture, scenes.LAKE)
    page = [
        Paragraph("A short guide to the lake", styles["Title"]),
        Figure(picture, 451, 301),
        Spacer(1, 18),
        Paragraph(
            "Come in the evening, when the mountains glow and the water is still. The path along the shore takes two"
            " hours; the firs on the north side give shade at noon. Bring bread for yourself, and none for the ducks.",
            text,
        ),
        Paragraph(
            "This page was served by nginx, from a host that has never seen your session. The application was asked"
            " once, for a token, and has not touched the file.",
            text,
        ),
    ]
    SimpleDocTemplate(str(file), pagesize=A4, title="A short guide to the lake", author="alice", lang="en").build(page)
    picture.unlink()
