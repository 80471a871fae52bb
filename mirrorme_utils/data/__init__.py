"""The two data sets, from links and boxes on a disk to crops, triplets and votes.

`fec` and `icartoonface` read the files, `download` fetches with `fetch`, `links`, `doubt` and `ledger`, `crops` cuts
faces out, an `engine` does both on one machine or many, `clean` does all of it in order, `shards` packs the crops,
`triplets`, `votes` and `labels` make the final set.
"""

from ..lazy import attach

submodules = [
    "categories", "clean", "crops", "discard", "doubt", "download", "engine", "fec", "fetch", "icartoonface", "labels",
    "ledger", "links", "photo_server", "rows", "shards", "sources", "triplets", "unpacked", "votes",
]
__getattr__, __dir__ = attach(__name__, submodules)
