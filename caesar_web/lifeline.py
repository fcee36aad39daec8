"""Ties a process to the life of its parent; run as a script, it then becomes another program.

It needs the standard library alone and is started without site packages, so that it costs
little: `python lifeline.py PARENT SIGNAL USER:GROUP PROGRAM ARGUMENT...`.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def tied(
    command: Sequence[str],
    *,
    ending: signal.Signals = signal.SIGKILL,
    user: tuple[int, int] | None = None,
) -> list[str]:
    """`command` in a form that gets the signal `ending` when this process is gone.

    A program in between rather than `preexec_fn`, which can hang where threads run. The signal
    comes when the thread that started the command ends: start it from one that lasts.
    """
    owner = f"{user[0]}:{user[1]}" if user else ""
    own = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(ending.value), owner]
    return [*own, *command]


def die_with_parent(parent: int, *, ending: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send `ending` to this process when `parent` is gone, even if it is already.

    Call it in each process forked, as it is not inherited. Only Linux can do it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, ending.value, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), ending)


def main(arguments: Sequence[str]) -> None:
    parent, ending, owner, *command = arguments
    if owner:
        user, group = (int(part) for part in owner.split(":"))
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)  # before the tie: a change of user undoes it
    die_with_parent(int(parent), ending=signal.Signals(int(ending)))
    signal.pthread_sigmask(signal.SIG_SETMASK, [])  # what the supervisor blocks is its own affair
    try:
        os.execvp(command[0], command)  # noqa: S606  the whole purpose, and no shell
    except OSError as problem:
        sys.exit(f"{command[0]}: {problem.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
