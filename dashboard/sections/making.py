"""How the version was made, for whoever wants to make it again."""

from dashboard.page import Section, Table, Words
from dashboard.published import Published
from dashboard.sections.lacking import older
from dashboard.wording import MISSING, clean, count, day, moment, number


def making(published: Published) -> Section:
    """Version, model and figures of quality."""
    version = published.version
    rows = [
        ("Version", str(version["version_id"])),
        ("As of", f"{day(version['as_of'])}: lines dated before that day count"),
        ("Made", moment(version["created_at"])),
        ("Asked for by", clean(version["trigger"])),
        ("Model", f"{version['model_id']}, by {clean(version['action'])}"),
        ("Customers in segments", count(version["customers"])),
        ("Known customers without a purchase that counts", count(version["not_segmented"])),
        ("Silhouette (−1 to 1: how separate the segments are)", number(version["silhouette"], 3)),
        ("Drift (population stability index; above 0.25 is large)", number(version["drift"], 3)),
        ("Version before", MISSING if published.previous is None else str(published.previous["version_id"])),
    ]
    return Section(
        "making", "How this was made", [Table(("What", "Value"), rows, texts=("What", "Value")), _parameters(published)]
    )


def _parameters(published: Published) -> Table | Words:
    table = published.table("model_parameters")
    if table is None:
        return older("parameters of the model")
    kinds = ("fact", "setting", "library")
    rows = [
        (clean(row["name"]), kind, clean(row["value"], 300) or MISSING)
        for kind in kinds
        for row in table.filter(table["kind"] == kind).iter_rows(named=True)
    ]
    columns = ("Name", "Kind", "Value")
    return Table(
        columns, rows, texts=columns, caption="Parameters of the model and versions of the libraries that fitted it"
    )
