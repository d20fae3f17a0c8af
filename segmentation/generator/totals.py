"""Planted counts and money, against which accounts can be checked to the line and to the penny."""

from dataclasses import dataclass

import numpy as np

from segmentation.generator.lines import OUTCOMES, CodedLines


@dataclass(frozen=True)
class Totals:
    """Lines and money (whole pence, quantity times delivered price) per entry of OUTCOMES.

    Every line has exactly one outcome: the second of two equal lines is a `duplicate`, then comes `bad_price`, then
    `unattributed` (no customer), then `return` (quantity below zero), else `purchase`. `late_*` are the lines,
    duplicates left out, that are in the file of a later day than their own.
    """

    lines: dict[str, int]
    pence: dict[str, int]
    late_lines: int
    late_pence: int

    @property
    def delivered_lines(self) -> int:
        """Lines of all outcomes."""
        return sum(self.lines.values())

    @property
    def delivered_pence(self) -> int:
        """Money of all outcomes in pence."""
        return sum(self.pence.values())

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            {name: self.lines[name] + other.lines[name] for name in OUTCOMES},
            {name: self.pence[name] + other.pence[name] for name in OUTCOMES},
            self.late_lines + other.late_lines,
            self.late_pence + other.late_pence,
        )

    @classmethod
    def nothing(cls) -> "Totals":
        """Totals of no lines."""
        return cls(dict.fromkeys(OUTCOMES, 0), dict.fromkeys(OUTCOMES, 0), 0, 0)


def totals_of(lines: CodedLines) -> Totals:
    """Count coded lines."""
    amount = lines.quantity * lines.price_pence.astype(np.int64)
    counts = np.bincount(lines.outcome, minlength=len(OUTCOMES))
    # sums of whole pence in floating point are exact below 2**53
    money = np.bincount(lines.outcome, weights=amount, minlength=len(OUTCOMES))
    return Totals(
        {name: int(counts[code]) for code, name in enumerate(OUTCOMES)},
        {name: int(money[code]) for code, name in enumerate(OUTCOMES)},
        int(lines.late.sum()),
        int(amount[lines.late].sum()),
    )
