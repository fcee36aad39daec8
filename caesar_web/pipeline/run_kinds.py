"""Every kind of run."""

from caesar_web.pipeline.backfill import BACKFILL, BACKFILL_USER
from caesar_web.pipeline.exporting import EXPORT
from caesar_web.pipeline.importing import IMPORT
from caesar_web.pipeline.kept import KEPT
from caesar_web.pipeline.rechecking import RECHECK
from caesar_web.pipeline.reextracting import REEXTRACT
from caesar_web.pipeline.rereducing import REREDUCE
from caesar_web.pipeline.runs import Kind

KINDS: dict[str, Kind] = {
    "backfill": BACKFILL,
    "backfill_user": BACKFILL_USER,
    "reextract": REEXTRACT,
    "rereduce": REREDUCE,
    "recheck": RECHECK,
    "kept": KEPT,
    "import": IMPORT,
    "export": EXPORT,
}
