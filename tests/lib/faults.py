# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults share: one node with peerd and BIRD, some routers, and eyes on what must not be touched.

    with World(lab, 2) as w:         # sessions are Established, the agent is at rest
        with w.untouched():          # no session of any router flaps in here
            w.peerd.kill()
            w.peerd.start()
            w.converged()

A test ends in one of two ways: w.converged(), or w.reported(STATE, words); what need not be touched is in untouched().
"""

import contextlib
import datetime
import json
import os
import re
import sqlite3

from lab import poll, run, tail
from peerage import Peerd, apply, peerctl
from routers import Bird

NODE = '10.0.0.1'
AS = 64512

BASE = f'''
apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {{name: default}}
spec: {{nodeToNodeMeshEnabled: false}}
---
apiVersion: projectcalico.org/v3
kind: Node
metadata: {{name: n1}}
spec: {{bgp: {{ipv4Address: {NODE}/24, asNumber: {AS}}}}}
'''

# %d: the router's number. It calls every second, so that a test need not wait for the agent's BIRD to do so.
TOR = f'''
router id 10.0.0.1%d;
timeformat protocol iso long ms;
protocol device {{}}
%s
protocol bgp node {{
	local 10.0.0.1%d as 6501%d;
	neighbor {NODE} as {AS};
	multihop;
	%s
	connect delay time 0; connect retry time 1; error wait time 1, 1;
	ipv4 {{ import all; export all; }};
}}
'''


def moment(text):
    """Of BIRD's `iso long ms`; None when it says nothing."""
    return datetime.datetime.fromisoformat(text) if text else None


def same(a, b):
    """BIRD reckons from a clock that knows no date, so that the last digit may differ from one answer to the next."""
    return a is not None and b is not None and abs((a - b).total_seconds()) < 0.1


def address(number):
    return f'10.0.0.1{number}'


def bgppeer(number, **spec):
    """A BGPPeer for router NUMBER; further fields of its spec as text in YAML's flow style."""
    fields = {'peerIP': address(number), 'asNumber': f'6501{number}', 'nodeSelector': 'all()', **spec}
    body = ', '.join(f'{key}: {value}' for key, value in fields.items())
    return f'---\napiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {{name: tor-{number}}}\nspec: {{{body}}}\n'


class World:
    def __init__(self, lab, n=2, tor=None, options=(), start=True, env=None, etcd=None):
        """N routers. TOR(number): more text for one's configuration and for its session, as a pair. ETCD: an Etcd or
        a Cluster that runs; without one the store is a SQLite file."""
        self.lab, self.options, self.env, self.etcd = lab, list(options), env, etcd
        self.node = lab.node('n1')
        self.tors = {}
        for number in range(1, n + 1):
            more, session = tor(number) if tor else ('', '')
            node = lab.node(f'tor{number}')
            text = TOR % (number, more, number, number, session)
            self.tors[number] = Bird(node, text)
        lab.lan('lan', n1=f'{NODE}/24', **{f'tor{number}': f'{address(number)}/24' for number in self.tors})
        # Where peerctl runs: a fault between the node and its store is none between us and the store.
        self.access = {'at': etcd.node, 'env': etcd.env} if etcd else {}
        self.store = etcd.store if etcd else os.path.join(lab.folder, 'store', 'peerage.db')
        if etcd:
            etcd.join(self.node)
        self.resources(BASE + ''.join(bgppeer(number) for number in self.tors))
        self.peerd = Peerd(self.node, self.store, **self.access)
        self.bird = self.peerd.bird
        for bird in self.tors.values():
            bird.start()
        if start:
            self.start()
            self.converged()

    def start(self, *options, bird=True):
        self.peerd.start(*self.options, *options, bird=bird, env=self.env)

    def resources(self, text):
        return apply(self.store, text, **self.access)

    def change(self, number, seconds, **spec):
        """A change of one peer that is easy to see; it restarts that session and no other."""
        self.resources(bgppeer(number, maxRestartTime=f'{seconds}s', **spec))

    def changed(self, number, seconds, timeout=20):
        """Until BIRD has been given that change; then all must be well."""
        self.shows(number, f'restart time {seconds};', timeout)
        self.converged(timeout=timeout)

    def changed_only(self, number, seconds):
        """The same, where other sessions are down."""
        self.shows(number, f'restart time {seconds};')
        self.converged(number)

    def shows(self, number, text, timeout=20):
        self.lab.wait(lambda: text in self.block(number), timeout, f'"{text}" for router {number} in bird.conf')

    def restart(self, *options):
        """peerd anew, its last life over; until it has something to say of its own."""
        before = len(self.log('info start'))
        self.start(*options, bird=False)
        self.lab.wait(lambda: len(self.log('info start')) > before, 10, 'peerd starts')

    def rest(self, seconds=3):
        """Lets the agent look at BIRD for a while: what it would do wrongly, it has done by then."""
        poll(lambda: False, seconds)

    def peerctl(self, *args, **options):
        return peerctl(*args, store=self.store, **{**self.access, **options})

    # ---- what is

    def log(self, level=r'info|warning|error'):
        """The lines that peerd logged, of these levels."""
        return re.findall(rf'^(?:{level})\b.*$', tail(self.peerd.process.log, 100000), re.M)

    def status(self):
        """What the agent wrote of itself: the body of its NodeStatus."""
        rc, out, _ = self.peerctl('get', 'nodestatus', 'n1', '-o', 'json')
        return json.loads(out).get('status', {}) if rc == 0 else {}

    def block(self, number):
        """The text of the session with router NUMBER in the file."""
        with open(self.bird.conf, encoding='utf-8', errors='replace') as file:
            found = re.search(rf'^# block peer_10_0_0_1{number} .*?^# end$', file.read(), re.M | re.S)
        return found[0] if found else ''

    def file_id(self):
        with open(self.bird.conf, encoding='utf-8', errors='replace') as file:
            found = re.search(r'^define conf_id = "(\w+)";$', file.read(), re.M)
        return found[1] if found else None

    def runs(self):
        """The id of what BIRD runs."""
        return self.bird.conf_id().strip('"')

    def reconfigured(self):
        """When BIRD last took a configuration."""
        return moment(self.lab.wait(lambda: re.search(r'Last reconfiguration on (.*)',
                                                      self.bird.birdc('show status')), 10, 'BIRD answers')[1])

    def up(self, *numbers):
        numbers = numbers or tuple(self.tors)
        return (self.bird.established(*(address(n) for n in numbers)) and
                all(self.tors[n].established(NODE) for n in numbers))

    # ---- what must be

    def converged(self, *numbers, timeout=20, state='Applied'):
        """BIRD runs the text of the file, confirmed; the sessions (all) are up; the status says so, too."""
        self.lab.wait(lambda: self.up(*numbers), timeout, f'sessions {numbers or "all"} are up on both ends')
        self.lab.wait(lambda: self.file_id() == self.runs(), timeout, 'BIRD runs what is in the file')
        self.lab.wait(lambda: 'unconfirmed' not in self.bird.birdc('configure status').lower(), timeout, 'confirmed')
        self.lab.wait(lambda: self.peerd.process.alive and self.status().get('state') == state and
                      self.runs().startswith(self.status().get('confId') or '?'), timeout, f'status: {state}')

    def equals_list(self, timeout=10):
        """What the agent made of all it was told of changes is what a fresh list of the store gives."""
        def same():
            rendered = re.search(r'^define conf_id = "(\w+)";$', self.peerctl('render', '--node', 'n1')[1], re.M)
            return rendered and rendered[1] == self.file_id() == self.runs()
        self.lab.wait(same, timeout, 'BIRD runs what peerctl render says')
        findings = self.lab.findings()
        assert not findings, findings

    def reported(self, state, words, timeout=15):
        """The status in the store says STATE, with WORDS (a pattern) in its message."""
        self.lab.wait(lambda: self.status().get('state') == state and
                      re.search(words, self.status().get('message') or ''), timeout, f'status {state}: {words}')

    def problem(self, code, words='', timeout=15):
        """The status has a problem with CODE."""
        def found():
            return [p for p in self.status().get('problems', [])
                    if p['code'] == code and re.search(words, p.get('text', ''))]
        return self.lab.wait(found, timeout, f'problem {code}: {words}')[0]

    def logged(self, words, timeout=15):
        return self.lab.wait(lambda: [line for line in self.log() if re.search(words, line)], timeout, f'log: {words}')

    def calm(self, seconds=2, lines=0):
        """The agent sleeps: it uses next to no CPU for SECONDS, and logs no more than LINES."""
        def used():
            with open(f'/proc/{self.peerd.process.pid}/stat', encoding='ascii') as file:
                fields = file.read().rpartition(')')[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
        before, said = used(), len(self.log())
        self.rest(seconds)
        assert used() - before < 0.1 * seconds, f'{used() - before} s of CPU in {seconds} s'
        assert len(self.log()) <= said + lines, 'it talks: ' + '\n'.join(self.log()[said:])

    @contextlib.contextmanager
    def untouched(self, *numbers, configured=True):
        """No session of NUMBERS (all) changes state in here, on neither end. CONFIGURED false: BIRD takes no
        configuration either."""
        numbers = numbers or tuple(self.tors)
        def picture():
            since = self.bird.since()
            return {n: (moment(since.get(address(n))), moment(self.tors[n].since().get(NODE))) for n in numbers}
        before, at = picture(), self.reconfigured()
        assert all(all(ends) for ends in before.values()), before
        yield
        after = picture()
        assert all(same(a, b) for n in numbers for a, b in zip(before[n], after[n])), f'{before} became {after}'
        now = self.reconfigured()
        assert configured or same(now, at), f'BIRD was reconfigured: {at}, {now}'


@contextlib.contextmanager
def mounted(folder, *options):
    """A file system over FOLDER: mounted(path, '-t', 'tmpfs', '-o', 'size=64k', 'none')."""
    run('mount', *options, folder)
    try:
        yield
    finally:
        run('umount', '-l', folder)


def hold_lock(path, level='EXCLUSIVE'):
    """A connection that keeps everybody else out of the database: close it to let go."""
    db = sqlite3.connect(path, isolation_level=None, timeout=5)
    db.execute(f'PRAGMA locking_mode={level}')
    db.execute('BEGIN EXCLUSIVE')
    return db
