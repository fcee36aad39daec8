"""`python -m caesar_web`: the command line."""

from caesar_web.cli import main

main()
