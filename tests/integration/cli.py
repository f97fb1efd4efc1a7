# SPDX-License-Identifier: Apache-2.0
"""peerctl as a user calls it: a folder of its own, a store of its own, nothing of the environment."""

import json
import os
import sqlite3
import subprocess

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get('PEERAGE_BIN', os.path.join(REPO, 'build', 'gcc-asan', 'src'))
PEERCTL = os.path.join(BIN, 'peerctl', 'peerctl')

NODE = """apiVersion: projectcalico.org/v3
kind: Node
metadata: {{name: {0}, labels: {{rack: {2}}}}}
spec: {{bgp: {{ipv4Address: {1}/24}}}}
"""
PEER = """apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {{name: {0}}}
spec: {{peerIP: {1}, asNumber: {2}}}
"""
N1 = NODE.format('n1', '10.0.0.1', 'a')
N2 = NODE.format('n2', '10.0.0.2', 'b')
TOR = PEER.format('tor-a', '10.0.0.254', 65001)


class Answer:
    """What a call gave; its text never has what a sanitizer says."""

    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode('utf-8')
        self.err = done.stderr.decode('utf-8', 'backslashreplace')
        for word in ('Sanitizer', 'runtime error', 'Assertion'):
            assert word not in self.err, self.err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return self.out.splitlines()

    def __repr__(self):
        return f'exit {self.code}\n{self.out}--\n{self.err}'


class Cli:
    def __init__(self, folder):
        self.folder = str(folder)
        self.db = os.path.join(self.folder, 'store.db')
        self.env = {'PATH': os.environ['PATH'], 'PEERAGE_STORE': 'sqlite:' + self.db,
                    'HOME': self.folder, 'NODENAME': 'n1'}

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, name, *documents):
        whole = b'---\n'.join(d.encode() if isinstance(d, str) else d for d in documents)
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), 'wb') as f:
            f.write(whole)
        return self.path(name)

    def start(self, *args, env=None, **options):
        return subprocess.Popen([PEERCTL, *args], cwd=self.folder, env={**self.env, **(env or {})},
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def start_on(self, out, *args, env=None):
        return subprocess.Popen([PEERCTL, *args], cwd=self.folder, env={**self.env, **(env or {})},
                                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)

    def __call__(self, *args, stdin=b'', env=None, code=0):
        """Runs it; CODE is the exit code that must come, None: any."""
        text = stdin.encode() if isinstance(stdin, str) else stdin
        answer = Answer(subprocess.run([PEERCTL, *args], cwd=self.folder, input=text,
                                       env={**self.env, **(env or {})}, capture_output=True,
                                       timeout=60, check=False))
        assert code is None or answer.code == code, answer
        return answer

    def apply(self, *documents, code=0):
        return self('apply', '-f', '-', stdin='---\n'.join(documents), code=code)

    def stored(self):
        """All that is in the store, as text."""
        if not os.path.exists(self.db):
            return None
        return ''.join(self('get', kind, '-o', 'json').out for kind in
                       ('node', 'bgppeer', 'bgpconfiguration', 'bgpfilter', 'ippool'))


def status(cli, node, sessions, observed='2030-01-01T00:00:00Z', **more):
    """Writes what an agent would."""
    document = {'apiVersion': 'peerage.dev/v1', 'kind': 'NodeStatus', 'metadata': {'name': node},
                'status': {'state': 'Applied', 'observedAt': observed, 'sessions': sessions, **more}}
    with sqlite3.connect(cli.db) as db:
        db.execute('INSERT OR REPLACE INTO resource VALUES(?, ?, 1, ?)',
                   ('nodestatuses', node, json.dumps(document)))


def session(peer, state, origin='bgppeer/tor-a', **more):
    return {'name': 'peer_' + peer.replace('.', '_'), 'origin': origin, 'peer': peer, 'asNumber': 65001,
            'state': state, 'since': '2020-01-01T00:00:00Z', **more}
