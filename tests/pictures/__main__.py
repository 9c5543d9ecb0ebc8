"""Every picture of the documentation: ``make pictures``, or ``python -m tests.pictures [report] [batch]``."""

import sys

from tests.pictures import batch, report_page

PARTS = {"report": report_page.main, "batch": batch.main}


def main() -> None:
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
