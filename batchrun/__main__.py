"""``python -m batchrun``."""

from batchrun.cli.app import main

if __name__ == "__main__":
    main()
