"""The life of segments: which cluster is which segment, and which are born, die, split and merge."""

import numpy as np
from numpy.typing import NDArray

from segmentation.assign import assign_sql
from segmentation.identity import Alignment, Match, align_segments
from segmentation.kmeans import Fit, squared_distances
from segmentation.naming import describe_segment, name_clusters
from segmentation.recipe import Action, Parent, Query, Recipe, Row
from segmentation.transforms import Scaler

_IDENTITY = ("segment_key", "segment_name", "colour", "prototype")


def identify(
    query: Query, relation: str, scaler: Scaler, fit: Fit, recipe: Recipe, parent: Parent | None, action: Action
) -> tuple[list[Row], list[Row]]:
    """Each cluster's key, name and colour, carried over where a segment lives on; what is said of it; lineage rows.

    Profile and distance to the prototype follow the centroid; actions are the prototype's in today's playbook.
    """
    alignment = _alignment(query, relation, scaler, fit, recipe, parent, action)
    known = parent.clusters if parent is not None else []
    kept = {match.new: known[match.old] for match in alignment.matches}
    born = _born(scaler, fit, recipe, alignment, list(kept.values()))
    identities = [{name: (kept.get(new) or born[new])[name] for name in _IDENTITY} for new in range(fit.k)]
    clusters = [
        identity | describe_segment(centroid, scaler.names, identity["prototype"], recipe.playbook)
        for identity, centroid in zip(identities, fit.centroids, strict=True)
    ]
    return clusters, [] if action != "refit" else _lineage(alignment, clusters, known)


def _alignment(
    query: Query, relation: str, scaler: Scaler, fit: Fit, recipe: Recipe, parent: Parent | None, action: Action
) -> Alignment:
    if parent is None or not recipe.follows(parent):
        deaths = tuple(range(len(parent.clusters))) if parent is not None else ()
        return Alignment(matches=(), deaths=deaths, births=tuple(range(fit.k)))
    if action != "refit":
        return Alignment(tuple(Match(number, number, 1.0) for number in range(fit.k)), (), ())
    overlap = _overlap(query, relation, parent, scaler, fit)
    return align_segments(overlap, squared_distances(parent.centroids_in(scaler), fit.centroids))


def _overlap(query: Query, relation: str, parent: Parent, scaler: Scaler, fit: Fit) -> NDArray[np.int64]:
    """Customers (old k, new k) by their cluster in both models on the same day."""
    old, new = assign_sql(parent.scaler, parent.centroids, relation), assign_sql(scaler, fit.centroids, relation)
    counted = query(
        "SELECT old.cluster AS old, new.cluster AS new, count(*) AS customers "
        f"FROM ({old}) AS old JOIN ({new}) AS new USING (customer_id) GROUP BY ALL"
    )
    overlap = np.zeros((len(parent.clusters), fit.k), dtype=np.int64)
    overlap[counted["old"], counted["new"]] = counted["customers"]
    return overlap


def _born(scaler: Scaler, fit: Fit, recipe: Recipe, alignment: Alignment, kept: list[Row]) -> dict[int, Row]:
    births = sorted(alignment.births)
    if not births:
        return {}
    taken, colours = {row["segment_name"] for row in kept}, {row["colour"] for row in kept}
    names = name_clusters(fit.centroids[births], scaler.names, recipe.playbook, taken, colours)
    return {
        number: {
            "segment_key": recipe.next_segment_key + place,
            "segment_name": named.name,
            "colour": named.colour,
            "prototype": named.prototype,
        }
        for place, (number, named) in enumerate(zip(births, names, strict=True))
    }


def _lineage(alignment: Alignment, clusters: list[Row], known: list[Row]) -> list[Row]:
    def row(event: str, segment: Row, related: Row | None = None, jaccard: float | None = None) -> Row:
        key = related["segment_key"] if related else None
        return {"event": event, "segment_key": segment["segment_key"], "related_segment_key": key, "jaccard": jaccard}

    return [
        *(row("continued", clusters[match.new], None, match.jaccard) for match in alignment.matches),
        *(row("birth", clusters[new]) for new in alignment.births),
        *(row("death", known[old]) for old in alignment.deaths),
        *(row("split", clusters[match.new], known[match.old], match.jaccard) for match in alignment.splits),
        *(row("merge", known[match.old], clusters[match.new], match.jaccard) for match in alignment.merges),
    ]
