"""A private film in pieces, behind nginx, and the application that shows it."""

from pathlib import Path

import av
from PIL import Image, ImageDraw
from stack import BUILD, E2E, EXAMPLE, Stack

BROWSER = Path(__file__).parent
HLS = BUILD / "node" / "node_modules" / "hls.js" / "dist"
FOLDER = "course/1"
SEGMENTS = 14
SIZE = (320, 180)
RATE = 10
# Of a segment, which lasts a second: no playlist's target duration is shorter.
FRAMES = RATE


class VideoStack(Stack):
    configuration = BROWSER / "video.conf.in"
    settings = "player.settings"
    python_path = (E2E, BROWSER)

    def start(self):
        self.fill()
        write_film(self.folder / "media" / FOLDER)
        self.start_app()
        places = {"@EXAMPLE@": EXAMPLE, "@PLAYER@": BROWSER / "player", "@HLS@": HLS}
        self.start_nginx(replace=[(place, str(folder)) for place, folder in places.items()])


def write_film(folder):
    """A playlist of playlists, as they come with several qualities, though this has but one."""
    (folder / "low").mkdir(parents=True, exist_ok=True)
    with av.open(folder / "low" / "index.m3u8", "w", format="hls", options=muxer(folder)) as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "tune": "zerolatency"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        # A segment begins with a key frame.
        stream.gop_size = FRAMES
        for number in range(SEGMENTS * FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_image(picture(number))))
        container.mux(stream.encode())
    width, height = SIZE
    (folder / "master.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION={width}x{height}\nlow/index.m3u8\n"
    )


def muxer(folder):
    return {
        "hls_time": str(FRAMES / RATE),
        "hls_list_size": "0",
        "hls_playlist_type": "vod",
        "hls_segment_filename": str(folder / "low" / "%d.ts"),
    }


def picture(number):
    image = Image.new("RGB", SIZE, (40, 60, 90))
    left = number * (SIZE[0] - 40) // (SEGMENTS * FRAMES)
    ImageDraw.Draw(image).ellipse((left, 70, left + 40, 110), fill=(240, 170, 60))
    return image
