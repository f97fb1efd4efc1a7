# SPDX-License-Identifier: Apache-2.0
"""etcd as Debian ships it: one member, a cluster of them, and what its administrator does to them.

    etcd = Etcd.on(lab)                 # or Cluster.on(lab): three members
    w = World(lab, 2, etcd=etcd)
    etcd.put_object('bgpfilters', 'f', {...})
    etcd.pause()

They stand on a switch of their own, which World and Fabric join their nodes to: what happens to it happens to no BGP
session. etcdctl runs beside the (first) member, and is no client of what the test does to the network.
"""

import base64
import http.client
import json
import os
import shutil

from certs import Pair
from lab import LabError, tail
from routers import Server

# A test waits for an election; the default would take it a second more.
FAST = ['--heartbeat-interval', '50', '--election-timeout', '500']
SERVES = '"serving client traffic'
CALICO = '/calico/resources/v3/projectcalico.org/'
TXN_OPS = 128  # what a server takes in one transaction


def host(address):
    return f'[{address}]' if ':' in address else address


def pairs_of(folder, name):
    return Pair(os.path.join(folder, name + '.pem'), os.path.join(folder, name + '.key'))


class Client:
    """What can be asked of a member or of a cluster. Keys and values are text.

    CREDENTIALS are etcdctl's options, ENV is what our own programs are told by; a test may change both."""

    def __init__(self, node, endpoints):
        self.node, self.lab, self.endpoints = node, node.lab, endpoints
        self.store = 'etcd:' + ','.join(endpoints)
        self.credentials, self.env = [], {}

    def trust(self, certs, pair=None):
        """How to reach a server with one of CERTS: PAIR is our own."""
        self.credentials = ['--cacert', certs.ca, *(['--cert', pair.cert, '--key', pair.key] if pair else [])]
        self.env = certs.env(pair)

    def etcdctl(self, *words, stdin=None, check=True, credentials=None, endpoints=None, timeout=20):
        """(rc, stdout, stderr)."""
        options = self.credentials if credentials is None else credentials
        return self.node.run('etcdctl', '--endpoints', ','.join(endpoints or self.endpoints), *options, *words,
                             stdin=stdin, check=check, timeout=timeout, env={**os.environ, 'ETCDCTL_API': '3'})

    def _json(self, *words, **options):
        return json.loads(self.etcdctl('-w', 'json', *words, **options)[1])

    # ---- keys

    def put(self, key, value):
        """The revision of it."""
        return self._json('put', key, stdin=value)['header']['revision']

    def items(self, key, *options):
        """{key: value}; options of `etcdctl get`: --prefix, --rev."""
        def text(code):
            return base64.b64decode(code or '').decode('utf-8', 'surrogateescape')
        found = self._json('get', key, *options).get('kvs', [])
        return {text(kv['key']): text(kv.get('value')) for kv in found}

    def get(self, key, *options):
        return self.items(key, *options).get(key)

    def keys(self, prefix=''):
        return sorted(self.items(prefix, '--prefix', '--keys-only'))

    def delete(self, key, prefix=False):
        """How many there were."""
        return self._json('del', key, *(['--prefix'] if prefix else [])).get('deleted', 0)

    def txn(self, compare='', then='', otherwise=''):
        """Lines in etcdctl's language, as 'mod("k") > "0"' and 'put k v'; did THEN happen?"""
        return self._json('txn', stdin='\n\n'.join([compare, then, otherwise]) + '\n\n').get('succeeded', False)

    def put_object(self, plural, name, resource):
        return self.put(f'{CALICO}{plural}/{name}', json.dumps(resource, separators=(',', ':')))

    def get_object(self, plural, name):
        text = self.get(f'{CALICO}{plural}/{name}')
        return text and json.loads(text)

    def delete_object(self, plural, name):
        return self.delete(f'{CALICO}{plural}/{name}')

    def load(self, items):
        """Puts {key: value} of any number fast, in as few transactions as a server takes; not with TLS or users."""
        def code(text):
            return base64.b64encode(text.encode()).decode()
        puts = [{'requestPut': {'key': code(key), 'value': code(value)}} for key, value in items.items()]
        address, _, port = self.endpoints[0].removeprefix('http://').rpartition(':')
        gateway = http.client.HTTPConnection('gateway')
        gateway.sock = self.node.connect(address.strip('[]'), int(port), timeout=60)
        for first in range(0, len(puts), TXN_OPS):
            gateway.request('POST', '/v3/kv/txn', json.dumps({'success': puts[first:first + TXN_OPS]}))
            answer = gateway.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise LabError(f'etcd: {text}')
        gateway.close()

    # ---- the administrator

    def revision(self):
        return self.status()['header']['revision']

    def status(self):
        """Of the first member: header, version, dbSize, leader."""
        return self._json('endpoint', 'status')[0]['Status']

    def member_list(self):
        return self._json('member', 'list')['members']

    def compact(self, revision=None):
        """All that is before REVISION is forgotten, without one: before now."""
        self.etcdctl('compaction', '--physical', str(revision or self.revision()))

    def defrag(self):
        self.etcdctl('defrag')

    def alarms(self):
        return self.etcdctl('alarm', 'list')[1].split()

    def disarm(self):
        self.etcdctl('alarm', 'disarm')

    def fill(self, key='/ballast'):
        """Puts until the quota (--quota-backend-bytes) is used up and the alarm is raised."""
        self.lab.wait(lambda: self.etcdctl('put', key, stdin='x' * 500000, check=False)[0] != 0, 60, 'etcd is full')
        self.lab.wait(self.alarms, 10, 'and has raised its alarm')

    def empty(self, key='/ballast'):
        """Room again, as an administrator makes it."""
        self.delete(key)
        self.compact()
        self.defrag()
        self.disarm()

    def save(self, name='snapshot'):
        """A backup; its path."""
        path = os.path.join(self.node.folder, name)
        self.etcdctl('snapshot', 'save', path, endpoints=self.endpoints[:1])
        return path


class Etcd(Server, Client):
    """One member. pause(), resume(), kill(), stop() are those of every server."""

    name = 'etcd'

    def __init__(self, node, address, *flags, certs=None, mutual=True, members=None):
        """FLAGS: more of etcd's own. CERTS: it speaks TLS, with the certificate `etcd-NODE` of those; MUTUAL: clients
        must have one, too. MEMBERS: {name: address} of its cluster."""
        Server.__init__(self, node)
        scheme = 'https' if certs else 'http'
        self.address, self.flags, self.certs = address, list(flags), certs
        self.url, self.switch = f'{scheme}://{host(address)}:2379', None
        self.data = os.path.join(self.folder, 'data')
        self.members = members or {node.name: address}
        self.served = 0
        Client.__init__(self, node, [self.url])
        if certs:
            self.certify()
            self.flags += ['--cert-file', self.pair.cert, '--key-file', self.pair.key,
                           *(['--client-cert-auth', '--trusted-ca-file', certs.ca] if mutual else [])]
            self.trust(certs, certs.issue('client-' + node.name, cn='root') if mutual else None)

    @classmethod
    def on(cls, lab, *flags, family=4, start=True, **options):
        """One on a switch of its own, `store`."""
        node, address = nodes_on(lab, 1, family)[0]
        etcd = cls(node, address, *flags, **options)
        etcd.switch = lab.nodes['store']
        return etcd.start() if start else etcd

    def join(self, node):
        join(self.switch, node)

    def certify(self, *san, certs=None, **options):
        """Gives it a certificate, which it takes from the next connection on. Without SAN that of its own address and
        name, `etcd1.lab`. CERTS: who issues it; OPTIONS: of Certs.issue()."""
        san = san or (f'IP:{self.address}', f'DNS:{self.node.name}.lab')
        made = (certs or self.certs).issue('etcd-' + self.node.name, *san, **options)
        self.pair = pairs_of(self.certs.folder, 'etcd-' + self.node.name)
        if made != self.pair:
            for old, new in zip(made, self.pair):
                shutil.copyfile(old, new)

    def peers(self):
        return ','.join(f'{name}=http://{host(address)}:2380' for name, address in self.members.items())

    def start(self, wait=True):
        """WAIT false: it is not ready before others are."""
        self.served = self._times_served()
        self.spawn('etcd', '--name', self.node.name, '--data-dir', self.data, '--logger', 'zap',
                   '--log-outputs', 'stderr', '--listen-client-urls', self.url, '--advertise-client-urls', self.url,
                   '--listen-peer-urls', f'http://{host(self.address)}:2380', '--initial-advertise-peer-urls',
                   f'http://{host(self.address)}:2380', '--initial-cluster', self.peers(), *FAST, *self.flags)
        return self.ready() if wait else self

    def ready(self):
        self.lab.wait(lambda: self._times_served() > self.served or not self.process.alive, 20,
                      f'etcd of {self.node.name} serves')
        if not self.process.alive:
            raise LabError(f'{self.node.name}: etcd did not start\n{tail(self.process.log)}')
        return self

    def restart(self):
        self.stop()
        return self.start()

    def restore(self, path, token=None):
        """It is what it was when PATH was saved, revisions and all. TOKEN: as another cluster, with another id."""
        self.replace_data(path, token)
        self.start()

    def replace_data(self, path, token=None):
        if self.process and self.process.alive:
            self.stop()
        self.wipe()
        self.etcdctl('snapshot', 'restore', path, '--name', self.node.name, '--data-dir', self.data,
                     '--initial-cluster', self.peers(), '--initial-advertise-peer-urls',
                     f'http://{host(self.address)}:2380', *(['--initial-cluster-token', token] if token else []))

    def wipe(self):
        """Its data is gone; it does not run."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _times_served(self):
        path = os.path.join(self.node.folder, self.name + '.log')
        return tail(path, 1000000).count(SERVES) if os.path.exists(path) else 0

    def dump(self):
        return ''.join(self.etcdctl(*words, check=False)[i] for words in (['endpoint', 'status', '-w', 'table'],
                                                                         ['alarm', 'list']) for i in (1, 2))


class Cluster(Client):
    """Members as Etcd knows them; peerctl runs beside the first one."""

    def __init__(self, places, *flags, **options):
        """PLACES: [(node, address)]."""
        addresses = {node.name: address for node, address in places}
        self.members = [Etcd(node, address, *flags, members=addresses, **options) for node, address in places]
        self.switch = None
        super().__init__(places[0][0], [member.url for member in self.members])
        self.credentials, self.env = self.members[0].credentials, self.members[0].env

    @classmethod
    def on(cls, lab, *flags, n=3, family=4, **options):
        cluster = cls(nodes_on(lab, n, family), *flags, **options)
        cluster.switch = lab.nodes['store']
        return cluster.start()

    def join(self, node):
        join(self.switch, node)

    def start(self):
        """Those that do not run."""
        started = [member.start(wait=False) for member in self.members
                   if not (member.process and member.process.alive)]
        for member in started:
            member.ready()
        self.lab.wait(self.leader, 10, 'the members have a leader')
        return self

    def leader(self):
        """The member that is; None while none is."""
        for member in self.members:
            if member.process and member.process.alive:
                rc, out, _ = member.etcdctl('-w', 'json', '--command-timeout', '2s', 'endpoint', 'status', check=False,
                                            credentials=self.credentials)
                status = json.loads(out)[0]['Status'] if rc == 0 and out.strip() not in ('', 'null') else {}
                if status.get('leader') and status['leader'] == status['header']['member_id']:
                    return member
        return None

    def move_leader(self):
        """Another member leads; which."""
        leader = self.leader()
        other = next(member for member in self.members if member is not leader and member.process.alive)
        number = next(one['ID'] for one in self.member_list() if one['name'] == other.node.name)
        leader.etcdctl('move-leader', f'{number:x}', credentials=self.credentials)
        return other

    def stop_quorum(self, keep=None):
        """All members but KEEP (the first) are killed: no leader, no answer to reads that want to be right."""
        for member in self.members:
            if member is not (keep or self.members[0]):
                member.kill()

    def restore(self, path, token=None):
        for member in self.members:
            member.replace_data(path, token)
        self.start()


class Auth:
    """The users of a server. From the moment it is there, who is nobody may do nothing; etcdctl is root, and so
    is peerctl where no other env is given."""

    def __init__(self, etcd, password='the-root-password'):
        self.etcd = etcd
        for words in (['user', 'add', 'root:' + password], ['role', 'add', 'root'],
                      ['user', 'grant-role', 'root', 'root'], ['auth', 'enable']):
            etcd.etcdctl(*words)
        etcd.credentials = etcd.credentials + ['--user', 'root:' + password]
        etcd.env = {**etcd.env, 'ETCD_USERNAME': 'root', 'ETCD_PASSWORD': password}

    def role(self, name, *prefixes, how='readwrite'):
        """May HOW (read, write, readwrite) what begins with PREFIXES."""
        self.etcd.etcdctl('role', 'add', name)
        for prefix in prefixes:
            self.grant(name, prefix, how)

    def grant(self, role, prefix, how='readwrite'):
        self.etcd.etcdctl('role', 'grant-permission', role, how, prefix, '--prefix')

    def revoke(self, role, prefix):
        self.etcd.etcdctl('role', 'revoke-permission', role, prefix, '--prefix')

    def user(self, name, password, *roles):
        """PASSWORD None: one that is known by the CN of its certificate. How our programs are told of it."""
        self.etcd.etcdctl('user', 'add', *([f'{name}:{password}'] if password else [name, '--no-password']))
        for role in roles:
            self.etcd.etcdctl('user', 'grant-role', name, role)
        return {'ETCD_USERNAME': name, 'ETCD_PASSWORD': password} if password else {}

    def password(self, name, password):
        self.etcd.etcdctl('user', 'passwd', name, '--interactive=false', stdin=password + '\n')

    def remove(self, name):
        self.etcd.etcdctl('user', 'delete', name)

    def disable(self):
        self.etcd.etcdctl('auth', 'disable')
        self.etcd.credentials = self.etcd.credentials[:-2]


def nodes_on(lab, n, family):
    """N nodes etcd1, ... on a new switch, `store`; each with the address of FAMILY that its etcd shall have."""
    nodes = [lab.node(f'etcd{i}') for i in range(1, n + 1)]
    lab.lan('store', **{node.name: f'10.0.9.{i}/24 fd09::{i}/64' for i, node in enumerate(nodes, 1)})
    return [(node, f'fd09::{i}' if family == 6 else f'10.0.9.{i}') for i, node in enumerate(nodes, 1)]


def join(switch, node):
    """NODE gets an interface to SWITCH."""
    number = 100 + switch.n_links
    switch.lab.plug(switch, node, f'10.0.9.{number}/24 fd09::{number}/64')
