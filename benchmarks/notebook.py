"""The recipe everyone uses, as our yardstick: pandas and scikit-learn over all data, every night.

Read all daily files, drop duplicates, clean, compute recency, frequency and monetary, standardise, try k = 2 to 7 with
silhouettes, assign. Written to be fair: types are named, dates are parsed only for the lines that stay, nothing runs
customer by customer, and each k is fitted once.
"""

import json
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

TRIED = range(2, 8)
FEATURES = ["recency", "frequency", "monetary"]


def run(folder: Path, as_of: date | None = None, k: int | None = 4) -> dict[str, Any]:
    """Segment the customers of a folder of daily CSV files from nothing.

    `as_of` is the day recency counts to; without it, the day after the last line. With `k` None the best silhouette
    decides. Returns lines, customers, silhouette and inertia of each k, the chosen k, its segments and the seconds of
    the part before the first model and of all of it.
    """
    started = time.perf_counter()
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.preprocessing import StandardScaler

    lines = _read(folder)
    purchases = _clean(lines)
    rfm = _rfm(purchases, as_of)
    prepared = time.perf_counter()
    scaled = StandardScaler().fit_transform(rfm[FEATURES])
    models = {tried: KMeans(tried, n_init=10, random_state=42).fit(scaled) for tried in TRIED}
    silhouettes = {tried: float(silhouette_score(scaled, model.labels_)) for tried, model in models.items()}
    chosen = k or max(silhouettes, key=lambda tried: silhouettes[tried])
    rfm["segment"] = models[chosen].labels_
    profiles = rfm.groupby("segment")[FEATURES].agg("mean").assign(customers=rfm.groupby("segment").size())
    return {
        "lines": len(lines),
        "purchases": len(purchases),
        "customers": len(rfm),
        "silhouettes": silhouettes,
        "inertias": {tried: float(model.inertia_) for tried, model in models.items()},
        "k": chosen,
        "segments": profiles.reset_index().to_dict("records"),
        "seconds": {"features": prepared - started, "all": time.perf_counter() - started},
    }


def _read(folder: Path) -> Any:
    import pandas

    types = {"InvoiceNo": str, "StockCode": str}
    files = sorted(folder.glob("*.csv"))
    return pandas.concat([pandas.read_csv(file, dtype=types) for file in files], ignore_index=True)


def _clean(lines: Any) -> Any:
    import pandas

    lines = lines.drop_duplicates().dropna(subset=["CustomerID"])
    lines = lines[(lines["Quantity"] > 0) & (lines["UnitPrice"] > 0) & ~lines["InvoiceNo"].str.startswith("C")]
    day = pandas.to_datetime(lines["InvoiceDate"])
    return lines.assign(InvoiceDate=day, amount=lines["Quantity"] * lines["UnitPrice"])


def _rfm(purchases: Any, as_of: date | None) -> Any:
    import pandas

    last = purchases["InvoiceDate"].max().normalize() + timedelta(days=1)
    until = pandas.Timestamp(as_of) if as_of else last
    counted = purchases[purchases["InvoiceDate"] < until]
    rfm = counted.groupby("CustomerID").agg(
        last=("InvoiceDate", "max"), frequency=("InvoiceNo", "nunique"), monetary=("amount", "sum")
    )
    return rfm.assign(recency=(until - rfm["last"]).dt.days + 1).reset_index()


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]) if len(sys.argv) > 2 else None), indent=2))
