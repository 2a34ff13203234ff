"""Become a process of the stack: `guard.py PARENT_PID SIGNAL USER -- COMMAND…`.

Asks the kernel for SIGNAL when the supervisor dies, so that even `kill -9` of it leaves nothing behind; takes
the identity of USER (`-` keeps ours); then replaces itself with COMMAND. Run as a file with `-I -S`: it starts in
some ten milliseconds, imports nothing of ours, and spares the supervisor code between fork and exec.

`USER:search` also keeps the capability to enter and read any folder (CAP_DAC_READ_SEARCH), for a user who would
not otherwise get to its own: a checkout under root's closed home.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_READ_SEARCH = 2
_CAPABILITY_VERSION_3 = 0x20080522


def main() -> None:
    parent, death_signal, user = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    command = sys.argv[5:]
    if user != "-":
        name, _, keeps = user.partition(":")
        _become(name, keeps_search=bool(keeps))
    # After the change of user, which clears it.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    os.execv(command[0], command)


def _become(user: str, *, keeps_search: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if keeps_search:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    if keeps_search:
        # capset(2): header {version, pid}, then two {effective, permitted, inheritable}.
        mask = 1 << _CAP_DAC_READ_SEARCH
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
        if libc.capset(header, sets) or libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH, 0, 0):
            sys.exit(f"cannot keep a capability: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
