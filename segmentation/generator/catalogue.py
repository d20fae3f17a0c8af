"""What the shop sells and where to: products with names, prices and a few favourites; countries, mostly one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.generator.params import ShopParams
from segmentation.generator.randomness import table_of_shares

#: Countries in order of their share of customers.
COUNTRIES = (
    *("United Kingdom", "Germany", "France", "EIRE", "Spain", "Belgium", "Switzerland", "Portugal", "Netherlands"),
    *("Norway", "Italy", "Australia", "Finland", "Channel Islands", "Cyprus", "Sweden", "Austria", "Denmark", "Japan"),
    *("Poland", "Israel"),
)
HOME_SHARE = 0.9

PRODUCT_DRAW_BITS = 17
#: From this quantity on a product costs a tenth less.
BULK_QUANTITY = 48

_COLOURS = (
    *("WHITE", "RED", "BLUE", "GREEN", "PINK", "CREAM", "IVORY", "BLACK"),
    *("SILVER", "GOLD", "PASTEL", "VINTAGE", "RETRO", "RUSTIC", "ANTIQUE"),
)
_MOTIFS = (
    *("HANGING HEART", "POLKADOT", "UNION JACK", "SPACEBOY", "WOODLAND", "CHRISTMAS", "PAISLEY", "ROSE"),
    *("BIRD", "OWL", "STRAWBERRY", "SKULL", "REGENCY", "FRENCH", "CIRCUS", "BUTTERFLY", "DOLLY GIRL", "EASTER"),
    *("SNOWFLAKE", "REINDEER", "KITCHEN", "GARDEN", "LOVE", "STAR", "DAISY", "LACE"),
)
_THINGS = (
    *("T-LIGHT HOLDER", "MUG", "LUNCH BAG", "JUMBO BAG", "CAKE TIN", "CAKESTAND 3 TIER", "LANTERN", "DOORMAT"),
    *("CUSHION COVER", "HOT WATER BOTTLE", "ALARM CLOCK", "PHOTO FRAME", "BUNTING", "APRON", "TEA TOWEL"),
    *("NAPKINS, PACK OF 20", "PAPER CHAIN KIT", "CANDLE", "DECORATION", "STORAGE BOX", "NOTEBOOK"),
    *("PENCILS, SET OF 6", "TEACUP AND SAUCER", "COAT HANGER", "DOORSTOP", "PLASTERS IN TIN", "SIGN"),
    *("TRINKET TRAY", "WRAP", "MAGNETS"),
)


@dataclass(frozen=True)
class Catalogue:
    """Products in order of their stock codes.

    `draws` has 2**PRODUCT_DRAW_BITS product numbers, popular ones more often (Zipf-Mandelbrot); `prices` holds whole
    pence, the single prices first and then, in the same order, the bulk prices; `pack` scales quantities: cheap
    things sell by the dozen.
    """

    stock_codes: NDArray[np.str_]
    descriptions: NDArray[np.str_]
    draws: NDArray[np.int32]
    prices: NDArray[np.int32]
    pack: NDArray[np.float32]


def catalogue_of(params: ShopParams) -> Catalogue:
    """Catalogue of a shop; the same for the same seed and number of products."""
    count = params.products
    random = np.random.default_rng(np.random.SeedSequence([params.seed, 1]))
    numbers = np.sort(random.choice(np.arange(10_000, 100_000), count, replace=False))
    letters = np.array(["", "", "", "A", "B", "C"])[random.integers(0, 6, count)]
    names = random.choice(len(_COLOURS) * len(_MOTIFS) * len(_THINGS), count, replace=False)
    popularity = random.permutation(1.0 / (np.arange(count) + 8.0))
    prices = np.maximum(np.rint(np.exp(random.normal(np.log(210), 0.85, count))), 12)
    return Catalogue(
        stock_codes=np.char.add(numbers.astype(str), letters),
        descriptions=np.array([_name(int(number)) for number in names]),
        draws=table_of_shares(popularity, PRODUCT_DRAW_BITS),
        prices=np.concatenate([prices, np.rint(prices * 0.9)]).astype(np.int32),
        pack=np.sqrt(210 / prices).astype(np.float32),
    )


def _name(number: int) -> str:
    rest, thing = divmod(number, len(_THINGS))
    colour, motif = divmod(rest, len(_MOTIFS))
    return f"{_COLOURS[colour]} {_MOTIFS[motif]} {_THINGS[thing]}"


def country_weights() -> NDArray[np.float64]:
    """Share of the customers in each of COUNTRIES."""
    abroad = 1.0 / (np.arange(len(COUNTRIES) - 1) + 1.5)
    return np.concatenate([[HOME_SHARE], (1 - HOME_SHARE) * abroad / abroad.sum()])
