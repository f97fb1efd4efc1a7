# SPDX-License-Identifier: Apache-2.0
"""Our own two programs in the lab: Peerd beside a BIRD, and peerctl."""

import json
import os
import re

from lab import ROOT, run
from routers import Bird, Server

HEAD = '# Written by peerd (Peerage). Changes made here by hand are overwritten.\n'
# What a first boot finds: ours, and nothing in it yet.
EMPTY_CONF = HEAD + 'define conf_id = "none";\nprotocol device {}\n'


def program(name):
    """The path of peerd or peerctl below PEERAGE_BIN, a build's src folder or one with the programs in it."""
    folder = os.environ.get('PEERAGE_BIN') or os.path.join(ROOT, 'build', 'gcc-asan', 'src')
    path = os.path.join(folder, name)
    return os.path.join(path, name) if os.path.isdir(path) else path


def peerctl(*args, store=None, stdin=None, env=None, timeout=60, at=None):
    """(rc, stdout, stderr). AT: the node whose network it has."""
    environment = {k: v for k, v in os.environ.items()
                   if k not in ('PEERAGE_STORE', 'NODENAME', 'DATASTORE_TYPE')
                   and not k.startswith(('ETCD_', 'CALICO_'))}
    environment.update({'LC_ALL': 'C.UTF-8', **(env or {})})
    if store:
        environment['PEERAGE_STORE'] = store
    return (at.run if at else run)(program('peerctl'), *args, stdin=stdin, check=False, env=environment,
                                   timeout=timeout)


def apply(store, text, **options):
    """Resources as text into STORE; what peerctl said."""
    rc, out, err = peerctl('apply', '-f', '-', store=store, stdin=text, **options)
    assert rc == 0, f'peerctl apply: exit {rc}\n{out}{err}'
    return out


def url_of(store):
    """A path is a SQLite file's."""
    return store if re.match(r'[a-z]+:', store) else 'sqlite:' + store


class Peerd(Server):
    """peerd of one node, with a BIRD of its own in the same namespace."""

    name = 'peerd'

    def __init__(self, node, store, bird_conf=EMPTY_CONF, as_node=None, at=None, env=None):
        """STORE: a URL, or the path of a SQLite file. AS_NODE: its Node's name, when it is not the namespace's.
        AT, ENV: the node that peerctl asks for its status from, and the credentials of both programs."""
        super().__init__(node)
        self.store = url_of(store)
        self.at, self.env = at, env or {}
        self.as_node = as_node or node.name
        self.bird = Bird(node, bird_conf)

    def start(self, *options, bird=True, env=None, inside=()):
        """INSIDE: a command that runs the one behind it."""
        if bird and not (self.bird.process and self.bird.process.alive):
            self.bird.start()
        return self.spawn(*inside, program('peerd'), '--store', self.store, '--node', self.as_node, '--bird-socket',
                          self.bird.socket, '--bird-conf', self.bird.conf, '-l', 'debug', *options,
                          env={**self.env, **(env or {})})

    def ask_status(self, *options):
        return peerctl('status', 'node', self.as_node, *options, store=self.store, at=self.at, env=self.env)

    def status(self):
        """The spec-and-all of this node as `peerctl status node NAME -o json` prints it; {} when there is none."""
        rc, out, _ = self.ask_status('-o', 'json')
        try:
            return json.loads(out) if rc == 0 else {}
        except ValueError:
            return {}

    def sessions(self):
        return self.bird.sessions()

    def routes(self):
        return self.bird.routes()

    def dump(self):
        rc, out, err = self.ask_status()
        try:
            with open(self.bird.conf, encoding='utf-8', errors='replace') as file:
                conf = file.read()
        except OSError as error:
            conf = str(error)
        return f'status (exit {rc}):\n{out}{err}bird.conf:\n{conf}'
