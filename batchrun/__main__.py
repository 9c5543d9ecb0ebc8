"""``python -m batchrun``."""

from batchrun.cli.start import main

if __name__ == "__main__":
    main()
