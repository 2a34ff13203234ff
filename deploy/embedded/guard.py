"""Become a process of the stack: `guard.py PARENT_PID SIGNAL USER -- COMMAND…`.

Asks the kernel for SIGNAL when the supervisor dies, so that even `kill -9` of it leaves nothing behind; takes
the identity of USER (`-` keeps ours); then replaces itself with COMMAND. Run as a file with `-I -S`: it starts in
some ten milliseconds, imports nothing of ours, and spares the supervisor code between fork and exec.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, user = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    command = sys.argv[5:]
    if user != "-":
        entry = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    # After the change of user, which clears it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
