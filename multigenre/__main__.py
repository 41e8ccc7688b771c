"""`python -m multigenre` is the command line."""

from multigenre.cli import main

main()
