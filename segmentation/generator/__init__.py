"""A made-up shop with planted truth: customers with a known behaviour, deliveries with counted faults.

Everything follows from the parameters' seed. A line is a function of (seed, customer, visit, product), never of a
running random stream, so a day's content does not depend on which other days are asked for. Only numpy is needed.
"""

from segmentation.generator.catalogue import COUNTRIES
from segmentation.generator.customers import BEHAVIOURS, Truth
from segmentation.generator.lines import OUTCOMES, CodedLines
from segmentation.generator.params import ShopParams
from segmentation.generator.shop import Delivery, Shop, sized_for_lines
from segmentation.generator.totals import Totals

__all__ = [
    "BEHAVIOURS",
    "COUNTRIES",
    "OUTCOMES",
    "CodedLines",
    "Delivery",
    "Shop",
    "ShopParams",
    "Totals",
    "Truth",
    "sized_for_lines",
]
