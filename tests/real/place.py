"""Where the real server and the real broker are: options, with defaults from the environment.

    TIDINGS_KOPANO                the server, as Tidings and python-kopano name it: http://host:236/kopano, file:///socket
    TIDINGS_KOPANO_USER           a user with a store; folders are made in it and removed again
    TIDINGS_KOPANO_PASSWORD_FILE  the password is its first line; absent: none (unix socket)
    TIDINGS_KOPANO_CA             certificates to trust, for https://
    TIDINGS_KAFKA                 bootstrap servers; the topics that are made there begin with "real-"
    TIDINGS                       the daemon; default: build/tidings of this tree
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Place:
    url: str
    user: str
    password_file: Optional[Path]
    ca_file: Optional[Path]
    kafka: str
    tidings: Path

    def password(self) -> str:
        """Empty where none is needed."""
        return self.password_file.read_text().splitlines()[0] if self.password_file else ""


def add_option(parser: argparse.ArgumentParser, name: str, variable: str, text: str,
               default: Optional[str] = None, needed: bool = True) -> None:
    value = os.environ.get(variable, default)
    parser.add_argument(name, default=value, required=needed and value is None, help=f"{text} [{variable}]")


def add_kopano(parser: argparse.ArgumentParser) -> None:
    add_option(parser, "--kopano", "TIDINGS_KOPANO", "URL of the Kopano server")
    add_option(parser, "--user", "TIDINGS_KOPANO_USER", "a user with a store")
    add_option(parser, "--password-file", "TIDINGS_KOPANO_PASSWORD_FILE", "its first line", needed=False)
    add_option(parser, "--ca", "TIDINGS_KOPANO_CA", "certificates to trust", needed=False)


def add_all(parser: argparse.ArgumentParser) -> None:
    add_kopano(parser)
    add_option(parser, "--kafka", "TIDINGS_KAFKA", "bootstrap servers")
    add_option(parser, "--tidings", "TIDINGS", "the daemon", str(ROOT / "build" / "tidings"))


def optional_path(text: Optional[str]) -> Optional[Path]:
    return Path(text).resolve() if text else None


def place_of(options: argparse.Namespace) -> Place:
    return Place(options.kopano, options.user, optional_path(options.password_file), optional_path(options.ca),
                 getattr(options, "kafka", ""), Path(getattr(options, "tidings", "tidings")).resolve())
