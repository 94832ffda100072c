"""`python -m jaxbounce.cli`."""

import sys

from jaxbounce.cli import main

if __name__ == "__main__":
    sys.exit(main())
