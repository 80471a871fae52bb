"""The categories behind FEC's triplet types, found again from the types alone.

FEC's faces were drawn from categories of expressions that the files do not name (arXiv 1811.11283, section 3). A
one-class triplet says that its three faces share one. Faces that such triplets link, directly or through others,
therefore share a category: a label for each face, where a triplet gives a third of one.

Taught in: notebook 03.
"""

import numpy as np

from .triplets import TYPES, Triplets

SMALLEST = 3  # faces: one triplet names three


def recover(part: Triplets) -> np.ndarray:
    """Group the faces of triplets by what one-class triplets link.

    Args:
        part: triplets, of which only `index` and `type` are read.
    Returns:
        (number of images,) int64: the group of each face, 0 for the largest; -1 where no triplet of one class names it.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    same = part.index[part.type == TYPES.index("ONE_CLASS_TRIPLET")]
    edges = np.concatenate([same[:, :2], same[:, 1:]])
    n = len(part.images)
    # A triplet's three faces are linked by two edges; the groups are what hangs together.
    _, group = connected_components(coo_matrix((np.ones(len(edges)), edges.T), (n, n)), directed=False)
    sizes = np.bincount(group, minlength=1)
    order = np.argsort(-sizes, kind="stable")
    rank = np.full(len(sizes), -1)
    rank[order] = np.where(sizes[order] >= SMALLEST, np.arange(len(sizes)), -1)
    return rank[group]
