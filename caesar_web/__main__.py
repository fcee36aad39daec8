"""`python -m caesar_web`: the command line."""

import gc

gc.disable()  # what is imported stays: looking for garbage in it takes a tenth of a start
from caesar_web.cli import main  # noqa: E402  # not before

gc.enable()
main()
