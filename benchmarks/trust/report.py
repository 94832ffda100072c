"""What a campaign counts, and the table it prints."""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxbounce import Status

HAS_NUMBER = (Status.SUCCESS, Status.UNDERFLOW)


@dataclasses.dataclass
class Tally:
    """Points compared, withheld and wrong, of one campaign."""

    name: str
    shown: int = 8
    points: int = 0
    compared: Counter[str] = dataclasses.field(default_factory=Counter)
    withheld: Counter[str] = dataclasses.field(default_factory=Counter)
    groups: dict[str, Counter[str]] = dataclasses.field(default_factory=dict)
    misses: list[tuple[float, str, str]] = dataclasses.field(default_factory=list)
    ratios: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    def add_status(self, codes: np.ndarray, group: str = "") -> np.ndarray:
        """Count points by status; which of them have a number."""
        codes = np.asarray(codes)
        found = np.isin(codes, [int(s) for s in HAS_NUMBER])
        names = Counter(Status(int(code)).name for code in codes[~found])
        self.points += codes.size
        self.withheld += names
        if group:
            self.groups.setdefault(group, Counter()).update(
                {"points": codes.size, "withheld": int((~found).sum())}
            )
        return found

    def add(
        self,
        quantity: str,
        value: np.ndarray,
        truth: np.ndarray,
        allowed: np.ndarray,
        labels: Mapping[int, str] | Any,
    ) -> None:
        """Compare numbers: |value − truth| against the error stated, both absolute.

        Args:
            quantity: its name.
            value: what the library returned with a success.
            truth: the oracle's.
            allowed: the error stated and what the oracle itself may be off by.
            labels: what reproduces each of them, by index.
        """
        off = np.abs(value - truth)
        wrong = ~(off <= allowed)
        self.compared[quantity] += off.size
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(off > 0, off / allowed, 0.0)
        self.ratios.setdefault(quantity, []).extend(factor.tolist())
        for i in np.flatnonzero(wrong):
            relative = off[i] / abs(truth[i]) if truth[i] else np.inf
            how = f"{quantity} {value[i]:.15e} not {truth[i]:.15e} (relative {relative:.1e})"
            self.misses.append((float(factor[i]), how, labels[i]))
            self.groups.setdefault(f"wrong {quantity}", Counter())["wrong"] += 1

    def print(self) -> int:
        """The table; the number of wrong numbers."""
        share = sum(self.withheld.values()) / max(self.points, 1)
        print(f"\n{self.name}: {self.points} points, {share:.2%} withheld {dict(self.withheld)}")
        for group, counts in sorted(self.groups.items()):
            if counts["points"]:
                part = counts["withheld"] / counts["points"]
                print(f"  {group}: {counts['points']} points, {part:.2%} withheld")
        for quantity, count in self.compared.items():
            factors = np.array(self.ratios[quantity])
            wrong = int((~(factors <= 1)).sum())
            quantiles = np.nanquantile(factors, [0.5, 0.99, 1.0]) if count else [np.nan] * 3
            print(
                f"  {quantity}: {count} compared, {wrong} wrong ({wrong / max(count, 1):.3%});"
                f" error/stated: median {quantiles[0]:.1e}, 99 % {quantiles[1]:.1e},"
                f" largest {quantiles[2]:.1e}"
            )
        for factor, how, label in sorted(self.misses, reverse=True)[: self.shown]:
            print(f"  × {factor:.3g}: {how}\n      {label}")
        return len(self.misses)
