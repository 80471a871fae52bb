"""`python -m mirrorme_utils`: the same as the command `mirrorme`."""

import sys

from .cli import main

sys.exit(main())
