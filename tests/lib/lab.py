# SPDX-License-Identifier: Apache-2.0
"""A lab of network namespaces, removed when it ends, however it ends.

    with Lab() as lab:
        tor, node = lab.node('tor'), lab.node('node')
        lab.link(tor, '10.0.1.1/24', node, '10.0.1.2/24')
        frr = Frr(tor, conf).start()
        lab.wait(lambda: frr.sessions().get('10.0.1.2') == 'Established', 10, 'FRR sees the node')

A lab owns its namespaces (all with a prefix of its own), its processes (killed by their own ids, and by the kernel
when we die) and one temporary folder. Nothing else on the machine is touched. Prefixes go on `lo`: the kernel that
runs the tests may know nothing but veth and bridge.
"""

import contextlib
import ctypes
import glob
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEPT = 'kept'  # in the folder of a lab that was left running: its prefix
NOISE = 'sendmsg_nexthop: zclient_send_message() failed'  # FRR without zebra, three times a second
NOBODY = '02:00:00:00:de:ad'  # the MAC address of no interface
CLONE_NEWNET = 0x40000000
_count = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(AssertionError):
    """Something in the lab is not as it must be; the words say what."""


def run(*command, timeout=10, stdin=None, check=True, env=None):
    """A command's output as (rc, stdout, stderr); LabError when CHECK and it failed."""
    try:
        done = subprocess.run(command, input=stdin or '', timeout=timeout, stdout=subprocess.PIPE, env=env,
                              stderr=subprocess.PIPE, text=True, errors='replace')
    except subprocess.TimeoutExpired:
        raise LabError(f"{' '.join(command)}: no end after {timeout} s") from None
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.returncode, done.stdout, done.stderr


def poll(condition, timeout, each=None):
    """The first true answer of CONDITION, or the last false one when TIMEOUT is over. The only place that sleeps."""
    deadline = time.monotonic() + timeout
    pause = 0.01
    while True:
        answer = condition()
        left = deadline - time.monotonic()
        if answer or left <= 0:
            return answer
        if each:
            each()
        time.sleep(min(pause, left))
        pause = min(pause * 2, 0.2)


def tail(path, lines=40):
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return ''.join([line for line in file if NOISE not in line][-lines:])
    except OSError as error:
        return f'({error})\n'


class Process:
    """A program in a namespace. What it writes goes to LOG; it ends with us unless its lab is kept."""

    def __init__(self, node, name, command, env=None):
        self.node, self.name = node, name
        self.log = os.path.join(node.folder, name + '.log')
        guard = [] if node.lab.keep else ['setpriv', '--pdeathsig', 'KILL']
        with open(self.log, 'ab') as log:
            self.child = subprocess.Popen(
                guard + node.inside(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, cwd=node.folder, env={**os.environ, **(env or {})})
        self.pid = self.child.pid
        node.lab.processes.append(self)

    @property
    def alive(self):
        return self.child.poll() is None

    def signal(self, number):
        """To it and to what it forked: it leads a process group of its own."""
        if self.alive:
            os.killpg(self.pid, number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait()

    def stop(self, timeout=10):
        """SIGTERM; its exit code. A program that does not go within TIMEOUT is an error."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        try:
            return self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f'{self.node.name}: {self.name} did not end within {timeout} s of SIGTERM') from None

    def findings(self):
        """What a sanitizer said about it; '' when nothing."""
        text = tail(self.log, 100000)
        marks = ('AddressSanitizer', 'LeakSanitizer', 'runtime error:', 'UndefinedBehaviorSanitizer')
        return text[-8000:] if any(mark in text for mark in marks) else ''


class Node:
    """A network namespace with interfaces eth0, eth1, ..., and a folder for what runs in it."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.ns = lab.prefix + name
        self.netns = '/run/netns/' + self.ns
        self.folder = os.path.join(lab.folder, name)
        self.servers = []  # each with dump()
        self.resolv_conf = None  # the file that programs in here find as /etc/resolv.conf
        self.n_links = 0
        os.makedirs(self.folder)
        run('ip', 'netns', 'add', self.ns)
        lab.nodes[name] = self
        self.ip('link', 'set', 'lo', 'up')

    def ip(self, *words, check=True):
        # Not `ip -n`, which remounts /sys and may not do so everywhere.
        return self.run('ip', *words, check=check)[1]

    def inside(self, command):
        """COMMAND (a list) as one that runs in here; no process more in the end than COMMAND itself."""
        enter = ['nsenter', '--net=' + self.netns]
        if self.resolv_conf:
            enter += ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"',
                      self.resolv_conf]
        return enter + list(command)

    def run(self, *command, **options):
        return run(*self.inside(command), **options)

    def spawn(self, name, *command, env=None):
        return Process(self, name, list(command), env)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        """A socket of this namespace, for us who are not in it."""
        made = []

        def make():
            with open(self.netns, encoding='ascii') as file:
                if _libc.setns(file.fileno(), CLONE_NEWNET) == 0:
                    made.append(socket.socket(family, kind))
        thread = threading.Thread(target=make)  # its namespace is its own, and ends with it
        thread.start()
        thread.join()
        if not made:
            raise LabError(f'{self.name}: no socket in its namespace')
        return made[0]

    def connect(self, address, port, timeout=5):
        """A TCP connection from in here."""
        made = self.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
        made.settimeout(timeout)
        made.connect((address, port))
        return made

    def addresses(self):
        """Those of its interfaces."""
        links = json.loads(self.ip('-j', 'addr', 'show', 'scope', 'global'))
        return [one['local'] for link in links if link and link['ifname'] != 'lo'
                for one in link['addr_info'] if one]

    def address(self, interface, *addresses):
        for address in addresses:
            self.ip('addr', 'add', address, 'dev', interface, *(['nodad'] if ':' in address else []))

    def next_interface(self):
        self.n_links += 1
        return f'eth{self.n_links - 1}'

    def kernel_routes(self, family='-4'):
        """{prefix: the rest of its line} of the main table, without what the kernel made itself."""
        out = self.ip(family, 'route', 'show', 'proto', 'bird').replace('\n\t', ' ')
        lines = [line.split(None, 1) for line in out.splitlines()]
        return {words[0] if words[0] != 'unreachable' else words[1].split()[0]: ' '.join(words) for words in lines}


class Lab:
    def __init__(self, keep=False, name='pg', progress=None):
        self.keep, self.progress = keep, progress
        self.prefix = f'{name}{os.getpid()}-{next(_count)}-'
        self.folder = tempfile.mkdtemp(prefix=self.prefix)
        os.chmod(self.folder, 0o755)
        self.nodes, self.processes = {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.keep:
            self.close()

    def close(self):
        """Takes everything down; an interrupt in the middle does not stop it."""
        old = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for process in self.processes:
                process.signal(signal.SIGKILL)
            for process in self.processes:
                process.child.wait()
            for node in self.nodes.values():
                run('ip', 'netns', 'delete', node.ns, check=False)
            shutil.rmtree(self.folder, ignore_errors=True)
        finally:
            signal.signal(signal.SIGINT, old)

    def leave(self):
        """Marks what stays behind of a kept lab, for remove_kept()."""
        with open(os.path.join(self.folder, KEPT), 'w', encoding='utf-8') as file:
            file.write(self.prefix)

    def node(self, name, *addresses):
        """A namespace, with ADDRESSES on its lo."""
        node = Node(self, name)
        node.address('lo', *addresses)
        return node

    def link(self, a, a_addresses, b, b_addresses):
        """A cable between two nodes; the addresses as text, several with spaces. The two interfaces."""
        a_eth, b_eth = a.next_interface(), b.next_interface()
        run('ip', 'link', 'add', a_eth, 'netns', a.ns, 'type', 'veth', 'peer', 'name', b_eth, 'netns', b.ns)
        for node, eth, addresses in ((a, a_eth, a_addresses), (b, b_eth, b_addresses)):
            node.address(eth, *addresses.split())
            node.ip('link', 'set', eth, 'up')
        return a_eth, b_eth

    def lan(self, name, **members):
        """A switch (a bridge in a namespace of its own) that joins the nodes named: lan('rack1', tor='10.1.0.1/24').
        A dash in a node's name is an underscore here. {node: interface}."""
        switch = self.node(name)
        switch.ip('link', 'add', 'bridge', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0')
        switch.ip('link', 'set', 'bridge', 'up')
        return {member: self.plug(switch, self.nodes[member.replace('_', '-')], addresses)
                for member, addresses in members.items()}

    def plug(self, switch, node, addresses):
        eth, port = self.link(node, addresses, switch, '')
        switch.ip('link', 'set', port, 'master', 'bridge')
        return eth

    @contextlib.contextmanager
    def cut(self, a, b):
        """Nothing gets through between two nodes of one switch, and nobody is told: what they send each other goes
        to a MAC address that nobody has. (A packet filter would do; not every kernel has one.)"""
        ways = [(node, address, way['dev']) for node, other in ((a, b), (b, a)) for address in other.addresses()
                for way in json.loads(node.ip('-j', 'route', 'get', address, check=False) or '[]')
                if 'gateway' not in way and way['dev'] != 'lo']
        if not ways:
            raise LabError(f'{a.name} and {b.name} are on no switch together')
        for node, address, dev in ways:
            node.ip('neigh', 'replace', address, 'lladdr', NOBODY, 'dev', dev, 'nud', 'permanent')
        try:
            yield
        finally:
            for node, address, dev in ways:
                node.ip('neigh', 'del', address, 'dev', dev)

    def wait(self, condition, timeout, what):
        """Until CONDITION is true; its answer. Else LabError, and dump() says how everything stands."""
        answer = poll(condition, timeout, self.progress)
        if not answer:
            raise LabError(f'not within {timeout} s: {what}')
        return answer

    def holds(self, condition, seconds, what):
        """CONDITION is true now and stays so for SECONDS."""
        if poll(lambda: not condition(), seconds, self.progress):
            raise LabError(f'did not stay for {seconds} s: {what}')

    def findings(self):
        return ''.join(f'{p.node.name}: {p.name}\n{text}' for p in self.processes for text in [p.findings()] if text)

    def dump(self):
        parts = []
        for node in self.nodes.values():
            for server in node.servers:
                try:
                    parts.append(f'=== {node.name}: {server.name}\n{server.dump()}')
                except (LabError, OSError, ValueError) as error:
                    parts.append(f'=== {node.name}: {server.name}: {error}')
        for process in {process.log: process for process in self.processes}.values():  # the last of each
            code = 'runs' if process.alive else f'ended with {process.child.returncode}'
            parts.append(f'--- {process.node.name}: {process.name} (pid {process.pid}, {code})\n{tail(process.log)}')
        return '\n'.join(parts)


def kept_labs(name):
    """The folders of the labs called NAME that were left running."""
    folders = glob.glob(os.path.join(tempfile.gettempdir(), name + '*', KEPT))
    return [os.path.dirname(path) for path in folders if os.stat(path).st_uid == os.getuid()]


def remove_kept(folder):
    """Ends what runs in the namespaces of a kept lab, and removes them and FOLDER; the prefix they had."""
    with open(os.path.join(folder, KEPT), encoding='utf-8') as file:
        prefix = file.read()
    names = [line.split()[0] for line in run('ip', 'netns', 'list')[1].splitlines() if line.startswith(prefix)]
    for name in names:
        for pid in run('ip', 'netns', 'pids', name)[1].split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        run('ip', 'netns', 'delete', name)
    shutil.rmtree(folder)
    return prefix
