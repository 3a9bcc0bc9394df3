"""The messages of proto/tidings/v1 in Python: `make build/python` generates them."""

import os
import sys
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", Path(__file__).resolve().parents[2] / "build"))
sys.path.insert(0, str(BUILD / "python"))

from tidings.v1 import change_pb2 as change  # noqa: E402
from tidings.v1 import dead_letter_pb2 as dead_letter  # noqa: E402
from tidings.v1 import lifecycle_pb2 as lifecycle  # noqa: E402

__all__ = ["change", "dead_letter", "lifecycle"]
