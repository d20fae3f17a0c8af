"""The published tables of Online Retail against pandas over the raw files, on the newest date and within a month."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pytest

from flows.nightly import nightly

SERVICES = {"POST", "DOT", "C2", "D", "M", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"}
NEWEST, EARLIER = date(2011, 12, 10), date(2011, 9, 15)


@dataclass(frozen=True)
class Version:
    """A published file, and the raw lines before its date by other means; money in ten-thousandths."""

    file: Path
    lines: pd.DataFrame
    as_of: date

    def table(self, sql: str) -> pd.DataFrame:
        with duckdb.connect(self.file, read_only=True) as connection:
            return connection.execute(sql).df()

    @property
    def segment(self) -> pd.Series:
        return self.table("SELECT customer_id, segment_key FROM customer_segments").set_index("customer_id").segment_key

    @property
    def known(self) -> pd.DataFrame:
        return self.lines[self.lines.customer.notna()]

    @property
    def bought(self) -> pd.DataFrame:
        return self.known[self.known.quantity > 0]


@pytest.fixture(scope="module")
def lines(real_data: Path) -> pd.DataFrame:
    """Lines that count for sales: no exact copies, nothing without a price; written without our SQL."""
    raw = pl.read_csv(real_data / "*.csv", infer_schema=False).to_pandas()
    raw = raw.drop_duplicates()
    units = raw.UnitPrice.astype(float).mul(10_000).round().astype("int64")
    found = pd.DataFrame({
        "invoice": raw.InvoiceNo, "product": raw.StockCode, "country": raw.Country,
        "quantity": raw.Quantity.astype("int64"), "money": raw.Quantity.astype("int64") * units,
        "day": pd.to_datetime(raw.InvoiceDate.str[:10]), "price": units,
        "customer": raw.CustomerID.str.removesuffix(".0"),
    })  # fmt: skip
    found["month"] = found.day.dt.to_period("M").dt.to_timestamp()
    return found[found.price > 0]


@pytest.fixture(scope="module")
def files(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[date, Path]]:
    folder = tmp_path_factory.mktemp("retail")
    config = folder / "resegment.toml"
    text = f"[source]\npath = '{real_data / '*.csv'}'\n[model]\nk = 4\n[breaker]\nmin_customers = 100000\n"
    config.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        yield {as_of: Path(nightly(as_of, config=config)["published"]["file"]) for as_of in (NEWEST, EARLIER)}


@pytest.fixture(scope="module", params=[NEWEST, EARLIER], ids=str)
def version(request: pytest.FixtureRequest, files: dict[date, Path], lines: pd.DataFrame) -> Version:
    as_of = request.param
    return Version(files[as_of], lines[lines.day < pd.Timestamp(as_of)], as_of)


def units(column: pd.Series) -> list[int]:
    return [round(value * 10_000) for value in column]


def test_months_to_the_penny(version: Version) -> None:
    found = version.table("FROM sales_monthly").set_index("month")
    by_month = version.lines.groupby("month").money.sum()
    assert list(found.index) == list(by_month.index)
    assert units(found.sales) == list(by_month)
    sold, returned = version.bought, version.known[version.known.quantity < 0]
    nobodys = version.lines[version.lines.customer.isna()]
    for name, part in {"purchases": sold, "returns": returned, "unattributed": nobodys}.items():
        assert units(found[name]) == list(part.groupby("month").money.sum()), name
    by_month = sold.groupby("month")
    assert list(found.orders) == list(by_month.invoice.nunique())
    assert list(found.customers) == list(by_month.customer.nunique())
    first = sold.groupby("customer").month.min().value_counts()
    assert list(found.new_customers) == [first.get(month, 0) for month in found.index]
    assert list(found.index[found.is_partial]) == [pd.Timestamp(version.as_of).replace(day=1)]


def test_countries_to_the_penny(version: Version) -> None:
    found = version.table("FROM sales_by_country").set_index("country").sort_index()
    by_country = version.lines.groupby("country")
    assert units(found.sales) == list(by_country.money.sum())
    assert list(found.index) == list(by_country.groups)
    buyers = version.bought.groupby("country").customer.nunique()
    assert list(found.customers) == [buyers.get(country, 0) for country in found.index]
    assert found.index[found.sales.argmax()] == "United Kingdom"


def test_cohorts(version: Version) -> None:
    sold = version.bought
    cohort = sold.groupby("customer").month.min().rename("cohort")
    expected = sold.join(cohort, on="customer").groupby(["cohort", "month"]).customer.nunique()
    found = version.table("FROM cohort_retention").set_index(["cohort", "month"])
    assert found.customers[found.customers > 0].to_dict() == expected.to_dict()
    assert list(found.cohort_customers) == [cohort.eq(month).sum() for month, _ in found.index]
    assert list(found.retention) == pytest.approx(list(found.customers / found.cohort_customers))


def test_products(version: Version) -> None:
    service = version.lines["product"].str.upper().isin(SERVICES) | version.lines["product"].str.startswith("gift_")
    goods = version.lines[~service]
    sales = goods.groupby("product").money.sum()
    best = sales.reset_index().sort_values(["money", "product"], ascending=[False, True]).head(50)
    found = version.table("FROM top_products ORDER BY rank")
    assert list(found["product"]) == list(best["product"])
    assert units(found.sales) == list(best.money)
    assert list(found.sales_share) == pytest.approx(list(best.money / sales.sum()))
    sold = goods[goods.quantity > 0].groupby("product")
    assert list(found["items"]) == list(sold.quantity.sum()[found["product"]])
    assert list(found["lines"]) == list(sold.quantity.count()[found["product"]])
    assert list(found.buyers) == list(version.bought.groupby("product").customer.nunique()[found["product"]])


def test_affinities(version: Version) -> None:
    segment = (
        version.table("SELECT customer_id, segment_key FROM customer_segments").set_index("customer_id").segment_key
    )
    bought = version.bought[["customer", "product"]].drop_duplicates().join(segment, on="customer")
    table = bought.groupby(["segment_key", "product"]).size().unstack(fill_value=0)
    table = table.loc[:, table.sum() >= 10]
    found = version.table("FROM product_affinity").set_index(["segment_key", "product"])
    assert set(found.index.get_level_values("product")) <= set(table.columns)
    left_out = {code.upper() for code in set(table.columns) - set(found.index.get_level_values("product"))}
    assert left_out <= SERVICES
    assert "POST" in left_out
    overall = table.sum() / len(segment)
    probability = (table + 20 * overall).div(segment.value_counts() + 20, axis=0)
    for name, expected in {"buyers": table, "purchase_probability": probability, "lift": probability / overall}.items():
        assert list(found[name]) == pytest.approx(list(expected.stack()[found.index])), name


def test_profiles(version: Version) -> None:
    segment = (
        version.table("SELECT customer_id, segment_key FROM customer_segments").set_index("customer_id").segment_key
    )
    known = version.known.join(segment, on="customer", how="inner")
    sold = known[known.quantity > 0]
    orders = sold.groupby("customer").invoice.nunique()
    away = (pd.Timestamp(version.as_of) - sold.groupby("customer").day.max()).dt.days
    net, gross = known.groupby("customer").money.sum(), sold.groupby("customer").money.sum()
    for row in version.table("FROM segment_profiles").itertuples():
        members = segment.index[segment == row.segment_key]
        assert row.customers == len(members)
        assert units(pd.Series([row.revenue])) == [net[members].sum()]
        assert row.orders == orders[members].sum()
        assert row.revenue_share == pytest.approx(net[members].sum() / net[segment.index].sum())
        assert row.average_order_value == pytest.approx(gross[members].sum() / orders[members].sum() / 10_000)
        assert row.average_customer_value == pytest.approx(net[members].mean() / 10_000)
        assert row.repeat_rate == pytest.approx((orders[members] > 1).mean())
        assert row.active_30_days == pytest.approx((away[members] <= 30).mean())
        assert row.active_90_days == pytest.approx((away[members] <= 90).mean())
        assert row.return_rate == pytest.approx(1 - net[members].sum() / gross[members].sum())
        assert row.median_recency_days == away[members].median()
        assert row.top_countries.startswith("United Kingdom; ")


def test_segments_of_the_month(version: Version) -> None:
    segment = (
        version.table("SELECT customer_id, segment_key FROM customer_segments").set_index("customer_id").segment_key
    )
    month = pd.Timestamp(version.as_of).replace(day=1)
    found = version.table("FROM segment_kpis_monthly").query("month == @month").set_index("segment_key")
    assert set(found.membership_as_of) == {pd.Timestamp(version.as_of)}
    sold = version.bought.join(segment, on="customer")
    now, before = sold[sold.month == month], sold[sold.month == month - pd.DateOffset(months=1)]
    money = version.known[version.known.month == month].join(segment, on="customer").groupby("segment_key").money.sum()
    for key, row in found.iterrows():
        active, earlier = (set(part.customer[part.segment_key == key]) for part in (now, before))
        assert (row.active_customers, row.active_before) == (len(active), len(earlier))
        assert row.orders == now.invoice[now.segment_key == key].nunique()
        assert units(pd.Series([row.sales])) == [money.get(key, 0)]
        if earlier:
            assert row.retention == pytest.approx(len(active & earlier) / len(earlier))


def test_the_heatmap_holds_medians(version: Version) -> None:
    customers = version.table("SELECT r_score, f_score, recency_days, frequency FROM customer_segments")
    expected = customers.groupby(["r_score", "f_score"])[["recency_days", "frequency"]].median()
    sizes = customers.groupby(["r_score", "f_score"]).size()
    found = version.table("FROM rfm_heatmap").set_index(["r_score", "f_score"])
    assert len(found) == 25
    assert found.customers[found.customers > 0].to_dict() == sizes.to_dict()
    for cell, row in expected.iterrows():
        assert (found.median_recency_days[cell], found.median_frequency[cell]) == tuple(row)


def test_quality_of_each_delivery(version: Version, lines: pd.DataFrame) -> None:
    found = version.table("FROM data_quality ORDER BY unit")
    counting = lines.assign(known=lines.customer.notna()).groupby("day")
    assert list(found.purchase_lines + found.return_lines) == list(counting.known.sum())
    assert list(found.retained_share) == pytest.approx(list(counting.known.sum().to_numpy() / found.delivered_lines))
    nobodys = lines.money.where(lines.customer.isna(), 0).groupby(lines.day).sum()
    assert list(found.unattributed_share) == pytest.approx(list(nobodys / counting.money.sum()))
    assert set(found.checks) != {0}
