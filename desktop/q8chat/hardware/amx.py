"""Permission to use AMX: Linux wants every process to ask for it (arch/x86/kernel/fpu/xstate.c, since 5.16)."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import sys
from dataclasses import dataclass

_SYS_ARCH_PRCTL = 158  # x86-64
_GET_XCOMP_SUPP = 0x1021
_GET_XCOMP_PERM = 0x1022
_REQ_XCOMP_PERM = 0x1023
_XTILE_DATA = 18  # number of the register state that holds the tiles

_KERNEL_ENOTSUPP = 524  # an errno that lives inside the kernel but has been seen outside


@dataclass(frozen=True, slots=True)
class AmxConsent:
    """The kernel's answer. `error`: 0 if this process may use AMX, otherwise the errno of the refusal.

    `supported`: whether the kernel manages AMX registers at all; None if it does not know the question.
    """

    error: int
    supported: bool | None = None

    @property
    def granted(self) -> bool:
        return self.error == 0


def ask_for_amx() -> AmxConsent | None:
    """Ask the kernel for permission on behalf of this process; None where nobody is to be asked.

    Harmless without AMX, and asking twice is fine. The permission is inherited by fork, not by exec.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    supported = _tile_bit(libc, _GET_XCOMP_SUPP)
    ctypes.set_errno(0)
    if libc.syscall(ctypes.c_long(_SYS_ARCH_PRCTL), ctypes.c_long(_REQ_XCOMP_PERM), ctypes.c_long(_XTILE_DATA)):
        return AmxConsent(ctypes.get_errno(), supported)
    # An emulated kernel may answer 0 to a call that it does not know: believe only the mask.
    return AmxConsent(0 if _tile_bit(libc, _GET_XCOMP_PERM) else errno.EINVAL, supported)


def _tile_bit(libc: ctypes.CDLL, question: int) -> bool | None:
    mask = ctypes.c_uint64(0)
    if libc.syscall(ctypes.c_long(_SYS_ARCH_PRCTL), ctypes.c_long(question), ctypes.byref(mask)):
        return None
    return bool(mask.value >> _XTILE_DATA & 1)


def explain(consent: AmxConsent) -> str:
    """Why AMX may or may not be used on a CPU that has it, in one sentence."""
    reasons = {
        0: "The kernel has given this process permission to use AMX.",
        errno.EINVAL: "The kernel does not know how to permit AMX: Linux 5.16 or newer is needed.",
        errno.EOPNOTSUPP: "The kernel or the hypervisor keeps the AMX registers switched off.",
        _KERNEL_ENOTSUPP: "The kernel or the hypervisor keeps the AMX registers switched off.",
        errno.ENOSPC: "This process reserved too little stack for signals to save the AMX registers on.",
        errno.EPERM: "A sandbox around this process forbids asking the kernel for AMX.",
        errno.EACCES: "A sandbox around this process forbids asking the kernel for AMX.",
        errno.ENOSYS: "A sandbox around this process forbids asking the kernel for AMX.",
    }
    return reasons.get(consent.error, f"The kernel refused AMX: {os.strerror(consent.error)}.")
