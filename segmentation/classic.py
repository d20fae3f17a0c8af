"""The recipe everyone writes in a notebook, to compare with: gross money, no transform, four clusters."""

from segmentation.assign import assign_sql
from segmentation.kmeans import fit_kmeans, summary_from_columns
from segmentation.params import FeatureParams, ModelParams, Money, Transform
from segmentation.recipe import Query
from segmentation.transforms import moments_sql, scaler_from_moments, summary_sql

_FEATURES = FeatureParams(money=Money.GROSS)
_MODEL = ModelParams(k=4, transform=Transform.NONE)


def classic_groups_sql(query: Query, relation: str) -> str:
    """Fit the recipe on `relation` (gross money) and return the query of customer_id and grouping.

    Raises SegmentationError if there are no customers.
    """
    moments = {
        name: column.tolist()[0] for name, column in query(moments_sql(_FEATURES, _MODEL, None, relation)).items()
    }
    scaler = scaler_from_moments(_FEATURES, _MODEL, None, moments)
    summary = summary_from_columns(query(summary_sql(scaler, _MODEL.cell_width, relation)), scaler)
    fit = fit_kmeans(summary, 4, seed=_MODEL.seed, n_init=_MODEL.n_init)
    return f"SELECT customer_id, cluster AS grouping FROM ({assign_sql(scaler, fit.centroids, relation)})"
