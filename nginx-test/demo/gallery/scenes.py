"""The gallery's landscapes, and the day that its film shows."""

from .paint import Land, Light

DAWN = (
    Land(ridges=5, trees=34, seed=5, sun_size=0.05),
    Light(
        sky=((98, 126, 178), (186, 164, 196), (248, 190, 168), (255, 222, 178)),
        ridges=((178, 158, 190), (140, 124, 168), (100, 92, 140), (62, 60, 104), (34, 36, 66)),
        sun=(0.42, 0.40),
    ),
)

LAKE = (
    Land(ridges=3, horizon=0.60, heights=(0.20, 0.06), spread=0, water=True, trees=16, seed=11),
    Light(
        sky=((38, 62, 106), (116, 102, 138), (232, 138, 104), (255, 196, 120), (255, 214, 150)),
        ridges=((150, 100, 120), (104, 72, 104), (52, 44, 74)),
        sun=(0.70, 0.37),
        sun_colour=(255, 232, 180),
        water=(40, 48, 84),
    ),
)

FOG = (
    Land(ridges=5, heights=(0.20, 0.03), rough=0.55, trees=120, seed=21),
    Light(
        sky=((196, 214, 208), (222, 230, 218), (236, 236, 222)),
        ridges=((190, 208, 198), (150, 178, 166), (108, 146, 132), (66, 106, 94), (28, 60, 54)),
    ),
)

NIGHT = (
    Land(ridges=4, heights=(0.30, 0.05), trees=24, seed=8, sun_size=0.04),
    Light(
        sky=((8, 12, 34), (16, 26, 64), (38, 56, 104), (86, 98, 142)),
        ridges=((52, 66, 110), (36, 48, 86), (22, 30, 60), (10, 14, 34)),
        sun=(0.76, 0.20),
        sun_colour=(240, 240, 226),
        stars=1.0,
    ),
)

DUNES = (
    Land(ridges=4, heights=(0.10, 0.10), rough=0.0, seed=3),
    Light(
        sky=((92, 160, 206), (160, 202, 222), (240, 226, 198)),
        ridges=((232, 190, 136), (216, 164, 106), (190, 130, 80), (152, 96, 60)),
        sun=(0.24, 0.20),
        sun_colour=(255, 250, 230),
    ),
)

ISLANDS = (
    Land(ridges=2, horizon=0.56, heights=(0.10, 0.02), spread=0, water=True, seed=14, sun_size=0.04),
    Light(
        sky=((70, 130, 176), (136, 186, 206), (214, 226, 214), (250, 232, 200)),
        ridges=((130, 164, 178), (72, 112, 128)),
        sun=(0.70, 0.30),
        sun_colour=(255, 250, 228),
        water=(44, 104, 134),
    ),
)

POSTCARD = (
    Land(ridges=3, horizon=0.66, heights=(0.24, 0.05), spread=0, water=True, trees=22, seed=42),
    Light(
        sky=((60, 120, 176), (84, 150, 196), (196, 218, 222)),
        ridges=((120, 150, 162), (70, 112, 108), (30, 68, 62)),
        water=(36, 88, 116),
    ),
)

# The film: this land in these lights, one after the other.
FILM_LAND = Land(ridges=3, horizon=0.62, heights=(0.22, 0.05), spread=0, water=True, trees=20, seed=31, sun_size=0.05)
FILM_DAY = (
    Light(
        sky=((84, 104, 158), (186, 160, 190), (250, 188, 160)),
        ridges=((150, 128, 166), (98, 84, 128), (42, 42, 70)),
        sun=(0.08, 0.60),
        sun_colour=(255, 224, 180),
        water=(60, 64, 104),
    ),
    Light(
        sky=((76, 146, 204), (140, 192, 222), (206, 226, 226)),
        ridges=((138, 160, 160), (84, 122, 108), (36, 76, 62)),
        sun=(0.36, 0.16),
        sun_colour=(255, 250, 230),
        water=(50, 104, 136),
    ),
    Light(
        sky=((50, 78, 134), (196, 118, 118), (255, 188, 112)),
        ridges=((156, 102, 112), (100, 66, 92), (48, 38, 62)),
        sun=(0.72, 0.38),
        sun_colour=(255, 220, 160),
        water=(56, 52, 88),
    ),
    Light(
        sky=((8, 12, 34), (20, 30, 70), (54, 64, 110)),
        ridges=((44, 54, 92), (26, 34, 66), (10, 14, 32)),
        sun=(1.05, 0.72),
        sun_colour=(250, 190, 140),
        stars=1.0,
        water=(10, 16, 44),
    ),
)
