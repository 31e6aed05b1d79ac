"""Types of command-line arguments that argparse lacks."""

from __future__ import annotations

import argparse


def natural_int(text: str) -> int:
    """Parse a whole number from 0 up.

    Raises:
        argparse.ArgumentTypeError: for anything else.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a whole number from 0 up")
    return int(text)


def positive_int(text: str) -> int:
    """Parse a whole number from 1 up.

    Raises:
        argparse.ArgumentTypeError: for anything else.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a whole number from 1 up")
    return int(text)
