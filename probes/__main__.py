"""`python -m probes` is `probes`."""

from __future__ import annotations

import sys

from probes.cli import main

if __name__ == "__main__":
    sys.exit(main())
