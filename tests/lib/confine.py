#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a program under what a unit file forbids, as far as that goes without systemd.

    confine.py UNIT WRITABLE[:WRITABLE...] PROGRAM [ARG...]

From UNIT it takes CapabilityBoundingSet, SystemCallFilter, RestrictAddressFamilies, MemoryDenyWriteExecute, UMask,
LimitCORE and NoNewPrivileges, and does to itself what systemd would do. ProtectSystem=strict is a mount namespace in
which everything but WRITABLE is read-only: folders that stand for ReadWritePaths and StateDirectory. The group is one
that nothing belongs to. What systemd-analyze says is in @system-service and its like is what is allowed.
"""

import ctypes
import os
import platform
import re
import resource
import struct
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 0x1, 0x20, 0x1000, 0x4000, 0x40000
# What a bind mount keeps when it is remounted; the kernel insists on some of them.
FLAGS = {'nosuid': 0x2, 'nodev': 0x4, 'noexec': 0x8, 'noatime': 0x400, 'nodiratime': 0x800, 'relatime': 0x200000}
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 24, 38, 22, 2
ARCH = {'x86_64': 0xC000003E, 'aarch64': 0xC00000B7}[platform.machine()]
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # refuse: EPERM
NR, ARCHITECTURE, ARGS = 0, 4, 16
PROT_EXEC, PROT_WRITE = 4, 2
FAMILIES = {'AF_UNIX': 1, 'AF_INET': 2, 'AF_INET6': 10, 'AF_NETLINK': 16}


def settings(path):
    """{name: [value, ...]} of a unit file, in order."""
    found = {}
    with open(path, encoding='utf-8') as file:
        for line in file:
            name, equals, value = line.strip().partition('=')
            if equals and not name.startswith('#'):
                found.setdefault(name, []).append(value)
    return found


def check(result, what):
    if result != 0:
        sys.exit(f'confine.py: {what}: {os.strerror(ctypes.get_errno())}')


def mount(source, target, flags):
    check(LIBC.mount(source, os.fsencode(target), None, ctypes.c_ulong(flags), None), f'mount {target}')


def read_only(writable):
    """All that is mounted but the kernel's own, and WRITABLE."""
    check(LIBC.unshare(CLONE_NEWNS), 'unshare')
    mount(b'none', '/', MS_REC | MS_PRIVATE)
    for folder in writable:
        mount(os.fsencode(folder), folder, MS_BIND | MS_REC)
    with open('/proc/self/mounts', encoding='utf-8') as file:
        mounts = [line.split() for line in file]
    for _, target, _, options, *_ in mounts:
        target = re.sub(r'\\(\d{3})', lambda m: chr(int(m[1], 8)), target)
        if target in writable or re.match(r'/(dev|proc|sys)(/|$)', target) or not os.path.exists(target):
            continue
        keep = sum(FLAGS.get(option, 0) for option in options.split(','))
        mount(b'none', target, MS_BIND | MS_REMOUNT | MS_RDONLY | keep)


def numbers(header, prefix):
    """{name: number} of the macros with PREFIX in a header."""
    out = subprocess.run(['gcc', '-E', '-dM', '-include', header, '-x', 'c', '/dev/null'], check=True, text=True,
                         capture_output=True).stdout
    return {m[1].lower(): int(m[2]) for m in re.finditer(rf'^#define {prefix}(\w+) (\d+)$', out, re.M)}


def sets():
    """{'@file-system': {names and sets}}, as this machine's systemd knows them."""
    out = subprocess.run(['systemd-analyze', 'syscall-filter'], check=True, text=True, capture_output=True).stdout
    found, current = {}, None
    for line in out.splitlines():
        if line.startswith('@'):
            current = found[line.strip()] = set()
        elif current is not None and re.match(r'\s+[\w@-]+$', line):
            current.add(line.strip())
    return found


def expand(names, known):
    for name in names:
        if name.startswith('@'):
            yield from expand(known[name], known)
        else:
            yield name


def allowed(filters):
    """The names that are left by the lines of SystemCallFilter, the first of which allows."""
    known = sets()
    names = set(expand(['@default'], known))
    for line in filters:
        change = set(expand(line.lstrip('~').split(), known))
        names = names - change if line.startswith('~') else names | change
    return names


def bpf(code, k, jt=0, jf=0):
    return struct.pack('HBBI', code, jt, jf, k)


def program(unit):
    """The filter. What is not allowed gets EPERM, as SystemCallErrorNumber says."""
    number = numbers('asm/unistd.h', '__NR_')
    names = allowed(unit['SystemCallFilter']) - {'unshare', 'setns'}  # RestrictNamespaces
    families = [FAMILIES[name] for name in unit['RestrictAddressFamilies'][0].split()]
    code = bpf(LOAD, ARCHITECTURE) + bpf(EQUAL, ARCH, 1, 0) + bpf(RETURN, KILL) + bpf(LOAD, NR)
    # socket(): a family that is named
    code += bpf(EQUAL, number['socket'], 0, 2 + 2 * len(families)) + bpf(LOAD, ARGS)
    for family in families:
        code += bpf(EQUAL, family, 0, 1) + bpf(RETURN, ALLOW)
    code += bpf(RETURN, REFUSE)
    # mmap(): not both writable and executable; mprotect(): not executable
    code += bpf(EQUAL, number['mmap'], 0, 5) + bpf(LOAD, ARGS + 16) + bpf(ANY_BIT, PROT_EXEC, 0, 2)
    code += bpf(ANY_BIT, PROT_WRITE, 0, 1) + bpf(RETURN, REFUSE) + bpf(RETURN, ALLOW)
    code += bpf(EQUAL, number['mprotect'], 0, 4) + bpf(LOAD, ARGS + 16) + bpf(ANY_BIT, PROT_EXEC, 0, 1)
    code += bpf(RETURN, REFUSE) + bpf(RETURN, ALLOW)
    for nr in sorted(number[name] for name in names if name in number):
        code += bpf(EQUAL, nr, 0, 1) + bpf(RETURN, ALLOW)
    return code + bpf(RETURN, REFUSE)


def seccomp(code):
    class Program(ctypes.Structure):  # pylint: disable=too-few-public-methods
        _fields_ = [('len', ctypes.c_ushort), ('filter', ctypes.c_char_p)]
    given = Program(len(code) // 8, code)
    check(LIBC.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(given), 0, 0), 'seccomp')


def capabilities(kept):
    last = int(open('/proc/sys/kernel/cap_last_cap', encoding='ascii').read())
    number = numbers('linux/capability.h', 'CAP_')
    keep = {number[name.removeprefix('CAP_').lower()] for name in kept}
    for cap in range(last + 1):
        if cap not in keep:
            check(LIBC.prctl(PR_CAPBSET_DROP, cap, 0, 0, 0), f'capability {cap}')


def main():
    unit, writable, command = settings(sys.argv[1]), sys.argv[2].split(':'), sys.argv[3:]
    code = program(unit)
    read_only(writable)
    os.umask(int(unit['UMask'][0], 8))
    resource.setrlimit(resource.RLIMIT_CORE, (int(unit['LimitCORE'][0]),) * 2)
    os.setgroups([])
    os.setgid(65534)
    capabilities(unit['CapabilityBoundingSet'][0].split())
    if unit['NoNewPrivileges'] == ['yes']:
        check(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'no_new_privs')
    seccomp(code)
    os.execvp(command[0], command)


if __name__ == '__main__':
    main()
