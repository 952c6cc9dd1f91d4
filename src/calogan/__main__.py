"""Run the command line as `python -m calogan`."""

from __future__ import annotations

from calogan.cli import main

if __name__ == "__main__":
    main()
