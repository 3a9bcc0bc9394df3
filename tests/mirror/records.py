"""The messages of proto/tidings/v1 in Python: `make build/python` generates them."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / os.environ.get("BUILD", "build") / "python"))

from tidings.v1 import change_pb2 as change  # noqa: E402
from tidings.v1 import dead_letter_pb2 as dead_letter  # noqa: E402
from tidings.v1 import lifecycle_pb2 as lifecycle  # noqa: E402

__all__ = ["change", "dead_letter", "lifecycle"]
