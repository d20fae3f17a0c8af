"""A thousand texts a shop might deliver to do harm with, and a shop that has them everywhere."""

import csv
from datetime import timedelta
from pathlib import Path

from tests.support_small import AS_OF, HEADER, SmallShop

_PLAYBOOK = """
[[prototypes]]
name = "![x](https://evil.example/name.png) <b>"
profile = "<img src=x onerror=alert(1)>"
actions = ["[click](https://evil.example/do)", "=HYPERLINK(1)"]
colour = "#009e73"
position = { recency_days = -1.0, frequency = 1.9, monetary = 1.9, average = 0.4 }

[[prototypes]]
name = "</script><script>alert(1)</script> $x$"
profile = "www.evil.example"
actions = ["*all* of it"]
colour = "#d55e00"
position = { recency_days = 1.0, frequency = -0.5, monetary = -0.5, average = 0.0 }
"""


def hostile() -> list[str]:
    """Texts that would do something if they were taken for anything but text."""
    attacks = [
        "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
        "<!--<script>",
        "'\"><svg onload=alert(1)>", "{{ 7 * 7 }}", "{% raw %}", "%{customdata}", "$\\alert(1)$", "=HYPERLINK(1)",
        "<a href='javascript:alert(1)'>click</a>", "\u202eevil\u202c", "a\x00b\x1b[2J", "'; DROP TABLE x; --",
        "\u2028\u2029", "@SUM(1)", "+1", "-2+3|cmd", "![x](https://evil.example/x.png)", "www.evil.example",
        "<b>bold", "&lt;script&gt;", "e\u0301" * 80, "word" * 60, "https://evil.example/x.png",
    ]  # fmt: skip
    return [f"{attack} {number}" for number in range(40) for attack in attacks]


def hostile_shop(folder: Path) -> SmallShop:
    """A thousand customers, products and countries called so, and segments too; two nights of them."""
    shop = SmallShop(folder).configure(
        '[model]\nk = 2\n[names]\nplaybook = "playbook.toml"\n[breaker]\nmin_customers = 1000000\n'
        "[warehouse.tables]\ntop_products = 1000\naffinity_min_buyers = 1\n"
    )
    (folder / "playbook.toml").write_text(_PLAYBOOK, encoding="utf-8")
    (folder / "data").mkdir()
    for late, name in ((40, "first"), (3, "second")):
        with (folder / "data" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            for number, attack in enumerate(hostile()):
                when = AS_OF - timedelta(days=late + number % 30)
                row = (f"{name}{number}", attack, attack, 1 + number % 5, f"{when} 12:00:00", 2 + number % 90)
                writer.writerow((*row, attack, attack))
    shop.night(AS_OF - timedelta(days=9))
    shop.night()
    return shop
