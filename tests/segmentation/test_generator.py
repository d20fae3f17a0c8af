import dataclasses
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.generator import BEHAVIOURS, OUTCOMES, CodedLines, Shop, ShopParams, sized_for_lines

PARAMS = ShopParams(customers=600, days=374, lines_per_invoice=6, products=800)
SHOP = Shop(PARAMS)
CLOSED = (date(2010, 12, 24), date(2011, 1, 3))


def assert_equal_lines(left: CodedLines, right: CodedLines) -> None:
    for field in dataclasses.fields(CodedLines):
        np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name), err_msg=field.name)


@pytest.fixture(scope="module")
def lines() -> CodedLines:
    return SHOP.coded_lines(SHOP.first_day, SHOP.last_day)


@pytest.fixture(scope="module")
def rfm(lines: CodedLines) -> dict[str, np.ndarray]:
    """Recency, frequency and net pounds per customer at the day after the last one."""
    customer = np.searchsorted(SHOP.truth.customer_id, lines.customer_id)
    bought = np.isin(lines.outcome, [OUTCOMES.index("purchase")])
    counted = bought | (lines.outcome == OUTCOMES.index("return"))
    last = np.zeros(PARAMS.customers, dtype=np.int64)
    np.maximum.at(last, customer[bought], lines.minute[bought] // 1440)
    invoices = np.unique(np.stack([customer[bought], lines.invoice[bought]]), axis=1)[0]
    pounds = lines.quantity * lines.price_pence.astype(np.int64) / 100
    as_of = np.datetime64(SHOP.last_day, "D").astype(np.int64) + 1
    return {
        "recency": as_of - last,
        "frequency": np.bincount(invoices, minlength=PARAMS.customers),
        "monetary": np.bincount(customer[counted], weights=pounds[counted], minlength=PARAMS.customers),
    }


def of(rfm: dict[str, np.ndarray], measure: str, behaviour: str) -> np.ndarray:
    return rfm[measure][SHOP.truth.names == behaviour]


def test_the_same_seed_makes_the_same_lines_and_another_seed_others() -> None:
    days = date(2011, 3, 1), date(2011, 3, 5)
    again = Shop(PARAMS).coded_lines(*days)
    other = Shop(dataclasses.replace(PARAMS, seed=43)).coded_lines(*days)
    assert_equal_lines(SHOP.coded_lines(*days), again)
    assert len(other) != len(again) or (other.product != again.product).any()


@settings(max_examples=25, deadline=None)
@given(first=st.integers(0, 373), length=st.integers(0, 40))
def test_lines_of_a_day_do_not_depend_on_the_range_asked_for(first: int, length: int) -> None:
    begin = PARAMS.start + timedelta(first)
    days = [begin + timedelta(number) for number in range(length + 1)]
    single = CodedLines.joined([SHOP.coded_lines(day, day) for day in days])
    assert_equal_lines(SHOP.coded_lines(days[0], days[-1]), single)


@settings(max_examples=10, deadline=None)
@given(first=st.integers(0, 373), length=st.integers(0, 30), lines_at_once=st.sampled_from([1, 500, 10**6]))
def test_deliveries_do_not_depend_on_the_range_or_the_chunks(first: int, length: int, lines_at_once: int) -> None:
    begin, end = PARAMS.start + timedelta(first), PARAMS.start + timedelta(first + length)
    some = list(SHOP.deliveries(begin, end, lines_at_once))
    whole = [delivery for delivery in SHOP.deliveries() if begin <= delivery.day <= end]
    assert [delivery.day for delivery in some] == [delivery.day for delivery in whole]
    for left, right in zip(some, whole, strict=True):
        assert_equal_lines(left.lines, right.lines)


def test_every_line_is_delivered_once_and_late_ones_after_their_day(lines: CodedLines) -> None:
    deliveries = list(SHOP.deliveries())
    delivered = CodedLines.joined([delivery.lines for delivery in deliveries])
    key = ("invoice", "product", "outcome")
    sold, came = (sorted(zip(*(getattr(one, name) for name in key), strict=True)) for one in (lines, delivered))
    assert sold == came
    for delivery in deliveries:
        day = np.datetime64(delivery.day, "D").astype(np.int64)
        own = delivery.lines.minute // 1440
        assert (own <= day).all()
        fresh = delivery.lines.outcome != OUTCOMES.index("duplicate")
        np.testing.assert_array_equal((own < day) & fresh, delivery.lines.late)
    assert 0 < delivered.late.sum() < len(delivered) / 50


def test_only_planted_duplicates_are_equal_lines(lines: CodedLines) -> None:
    columns = np.stack([getattr(lines, name) for name in ("invoice", "product", "quantity", "minute", "price_pence")])
    _, counts = np.unique(columns, axis=1, return_counts=True)
    assert len(lines) - len(counts) == (lines.outcome == OUTCOMES.index("duplicate")).sum() > 0


def test_invoices_are_numbered_in_order_of_time_and_belong_to_one_customer(lines: CodedLines) -> None:
    assert (np.diff(np.abs(lines.invoice)) >= 0).all()
    assert (np.diff(lines.minute) >= 0).all()
    pairs = np.unique(np.stack([lines.invoice, lines.customer_id, lines.minute]), axis=1)
    assert pairs.shape[1] == len(np.unique(lines.invoice))


def test_returns_give_back_what_was_bought_before(lines: CodedLines) -> None:
    bought: dict[tuple[int, int, int, int], int] = {}
    faultless = lines.outcome <= OUTCOMES.index("return")
    rows = zip(
        *(getattr(lines, name)[faultless].tolist() for name in ("customer_id", "product", "quantity", "minute")),
        *((lines.invoice < 0)[faultless].tolist(),),
        strict=True,
    )
    returned = found = 0
    for customer, product, quantity, minute, is_return in rows:
        if is_return:
            returned += 1
            found += (customer, product, -quantity) in bought
        else:
            bought.setdefault((customer, product, quantity), minute)
    assert returned > 100
    assert found >= 0.98 * returned  # a bought line may itself have a bad price


def test_shares_are_near_what_was_asked_for() -> None:
    params = ShopParams(
        customers=1_500, lines_per_invoice=8, share_missing_id=0.4, share_returned=0.05, share_duplicated=0.03,
        share_late=0.04, share_bad_price=0.02,
    )  # fmt: skip
    shop = Shop(params)
    lines = shop.coded_lines(shop.first_day, shop.last_day)
    asked = {
        0.40: lines.customer_id == 0,
        0.05: lines.invoice < 0,
        0.03: lines.outcome == OUTCOMES.index("duplicate"),
        0.04: lines.late,
        0.02: lines.price_pence <= 0,
    }
    for share, is_so in asked.items():
        assert is_so.mean() == pytest.approx(share, rel=0.08)


def test_without_faults_there_are_only_purchases() -> None:
    shop = Shop(
        ShopParams(customers=50, days=60, share_missing_id=0, share_returned=0, share_duplicated=0, share_late=0,
                   share_bad_price=0)
    )  # fmt: skip
    for delivery in shop.deliveries():
        assert delivery.totals.lines["purchase"] == len(delivery.lines) == delivery.totals.delivered_lines
        assert not delivery.totals.late_lines


def test_totals_add_up(lines: CodedLines) -> None:
    amount = int((lines.quantity * lines.price_pence.astype(np.int64)).sum())
    deliveries = [delivery.totals for delivery in SHOP.deliveries()]
    total = sum(deliveries[1:], start=deliveries[0])
    assert total.delivered_lines == len(lines)
    assert total.delivered_pence == amount
    assert total.lines["bad_price"] > 0 >= total.pence["bad_price"]
    assert total.pence["return"] < 0 < total.pence["unattributed"]


def test_everybody_buys(rfm: dict[str, np.ndarray]) -> None:
    # a customer's only order may consist of bad prices: rare, so nearly everybody
    assert (rfm["frequency"] > 0).mean() > 0.99


def test_behaviours_have_the_recency_they_claim(rfm: dict[str, np.ndarray]) -> None:
    for behaviour in ("regular", "new", "big_spender", "seasonal"):
        assert np.quantile(of(rfm, "recency", behaviour), 0.95) < 45
    assert of(rfm, "recency", "lapsing").min() >= 60
    assert np.quantile(of(rfm, "recency", "lapsing"), 0.9) < 180
    assert of(rfm, "recency", "lost").min() > 180


def test_behaviours_have_the_frequency_they_claim(rfm: dict[str, np.ndarray]) -> None:
    medians = {behaviour: np.median(of(rfm, "frequency", behaviour)) for behaviour in BEHAVIOURS}
    assert medians["lost"] <= medians["new"] <= 2
    assert medians["new"] < medians["seasonal"] < medians["regular"] / 2
    assert medians["lapsing"] < medians["regular"] < medians["big_spender"]


def test_spending_is_skewed_and_led_by_the_big_spenders(rfm: dict[str, np.ndarray]) -> None:
    assert np.quantile(of(rfm, "monetary", "big_spender"), 0.1) > np.median(of(rfm, "monetary", "regular"))
    spent = np.sort(rfm["monetary"])[::-1]
    assert 0.4 < spent[: len(spent) // 10].sum() / spent.sum() < 0.9


def test_seasonal_customers_come_only_before_christmas(lines: CodedLines) -> None:
    seasonal = SHOP.truth.customer_id[SHOP.truth.names == "seasonal"]
    bought = np.isin(lines.customer_id, seasonal) & (lines.invoice > 0)
    months = lines.minute[bought].astype("datetime64[m]").astype("datetime64[M]").astype(int) % 12 + 1
    assert set(months.tolist()) == {10, 11, 12}


def test_a_simple_clustering_finds_the_behaviours(rfm: dict[str, np.ndarray]) -> None:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    from sklearn.preprocessing import StandardScaler

    inputs = np.log1p(np.column_stack([np.maximum(rfm[name], 0) for name in ("recency", "frequency", "monetary")]))
    scaled = StandardScaler().fit_transform(inputs)
    found = KMeans(len(BEHAVIOURS), n_init=10, random_state=0).fit_predict(scaled)
    assert adjusted_rand_score(SHOP.truth.behaviour, found) > 0.8  # 0.85 to 0.93 with twelve seeds


def test_the_week_and_the_year_have_a_rhythm(lines: CodedLines) -> None:
    days = np.unique(lines.minute // 1440)
    dates = [(np.datetime64(int(day), "D")).item() for day in days]
    assert {day.isoweekday() for day in dates} == {1, 2, 3, 4, 5, 7}
    assert not [day for day in dates if CLOSED[0] <= day <= CLOSED[1]]
    months = lines.minute.astype("datetime64[m]").astype("datetime64[M]")
    november, february = ((months == np.datetime64(month)).sum() for month in ("2011-11", "2011-02"))
    assert november > 1.5 * february


def test_products_have_favourites_and_countries_a_home(lines: CodedLines) -> None:
    sold = np.sort(np.bincount(lines.product, minlength=PARAMS.products))[::-1]
    assert sold[: PARAMS.products // 10].sum() > 0.3 * sold.sum()
    assert (sold > 0).mean() > 0.95
    countries = np.bincount(lines.country)
    assert len(countries) > 18
    assert 0.8 < countries[0] / countries.sum() < 0.99


def test_lines_have_the_columns_of_online_retail(lines: CodedLines) -> None:
    columns = SHOP.lines(date(2011, 3, 1), date(2011, 3, 20))
    coded = SHOP.coded_lines(date(2011, 3, 1), date(2011, 3, 20))
    assert tuple(columns) == Shop.COLUMNS
    assert {len(column) for column in columns.values()} == {len(coded)}
    cancelled = np.char.startswith(columns["InvoiceNo"], "C")
    np.testing.assert_array_equal(cancelled, columns["Quantity"] < 0)
    np.testing.assert_array_equal(np.isnan(columns["CustomerID"]), coded.customer_id == 0)
    np.testing.assert_array_equal(np.rint(columns["UnitPrice"] * 100), coded.price_pence)
    assert columns["InvoiceDate"].dtype == np.dtype("datetime64[s]")
    assert cancelled.any()


def test_a_catalogue_has_distinct_codes_and_names_and_whole_pence() -> None:
    catalogue = Shop(ShopParams(products=10_000, customers=10)).catalogue
    assert len(set(catalogue.stock_codes.tolist())) == len(set(catalogue.descriptions.tolist())) == 10_000
    assert catalogue.prices.min() > 0


def test_a_shop_without_a_christmas_has_no_seasonal_customers() -> None:
    shop = Shop(ShopParams(customers=100, start=date(2024, 2, 1), days=90))
    assert "seasonal" not in set(shop.truth.names.tolist())


def test_a_size_in_lines_is_met() -> None:
    params = sized_for_lines(ShopParams(lines_per_invoice=4, days=100), 60_000)
    made = sum(len(delivery.lines) for delivery in Shop(params).deliveries())
    assert made == pytest.approx(60_000, rel=0.06)


@settings(max_examples=30, deadline=None)
@given(
    customers=st.integers(1, 30),
    days=st.integers(2, 60),
    start=st.dates(date(1999, 1, 4), date(2030, 1, 1)).filter(
        lambda day: (day.month, day.day) < (12, 20) and day.month > 1
    ),
    lines_per_invoice=st.floats(1, 20),
)
def test_any_small_shop_delivers_everything(customers: int, days: int, start: date, lines_per_invoice: float) -> None:
    shop = Shop(ShopParams(customers=customers, days=days, start=start, lines_per_invoice=lines_per_invoice, seed=days))
    delivered = sum(len(delivery.lines) for delivery in shop.deliveries())
    sold = shop.coded_lines(shop.first_day, shop.last_day)
    assert delivered == len(sold)
    assert set(shop.truth.customer_id.tolist()) == set(sold.customer_id.tolist()) - {0}


def test_days_outside_the_shops_span_are_empty() -> None:
    assert len(SHOP.coded_lines(date(2012, 5, 1), date(2012, 6, 1))) == 0
    assert list(SHOP.deliveries(date(2009, 1, 1), date(2009, 2, 1))) == []
    assert len(SHOP.lines(date(2010, 12, 4), date(2010, 12, 4))["InvoiceNo"]) == 0  # a Saturday


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"customers": 0}, "customers"),
        ({"days": 0}, "days"),
        ({"share_late": 0.5}, "share_late"),
        ({"share_missing_id": -0.1}, "share_missing_id"),
        ({"products": 20_000}, "products"),
        ({"products": 20, "lines_per_invoice": 18}, "lines_per_invoice"),
    ],
)
def test_an_impossible_shop_names_the_parameter(asked: dict[str, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        ShopParams(**asked)


def test_a_shop_that_never_opens_is_refused() -> None:
    with pytest.raises(ValueError, match="closed on all 1 days"):
        Shop(ShopParams(days=1, start=date(2010, 12, 4)))
