"""The file formats of FEC and iCartoonFace: what the world writes and the data sets' readers read.

Sources: arXiv 1811.11283 (FEC) and arXiv 1907.13394 (iCartoonFace), and their public files.
"""

FEC_FILES = {part: f"faceexp-comparison-data-{part}-public.csv" for part in ("train", "test")}
TRIPLET_TYPES = ("ONE_CLASS_TRIPLET", "TWO_CLASS_TRIPLET", "THREE_CLASS_TRIPLET")
TRACKS = {  # of iCartoonFace: annotation file, folder of the pictures, separator
    "detection": (
        "personai_icartoonface_dettrain_anno_updatedv1.0.csv",
        "personai_icartoonface_dettrain/icartoonface_dettrain",
        ",",
    ),
    "recognition": ("icartoonface_rectrain_det.txt", "icartoonface_rectrain", "\t"),
}
PHOTO_HOST = "photos.mirrorme.test"  # in the mini world's links; .test never resolves (RFC 6761)
