"""`python -m maml_edu`: train and evaluate from a terminal."""

import sys

from maml_edu.runs.cli import main

if __name__ == "__main__":
    sys.exit(main())
