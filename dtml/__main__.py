"""`python -m dtml` is the command `dtml`."""

from dtml.cli import main

main()
