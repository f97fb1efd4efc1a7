# SPDX-License-Identifier: Apache-2.0
"""Nodes with their agents over one store, for many tests: what a test applied is gone after it.

After each test three things must hold, whatever it did (judge()):
1. peerd started again changes nothing: BIRD sees no `configure`, no session moves.
2. What BIRD runs, what its file says and what `peerctl render` says for that node have one id.
3. No sanitizer found anything, and peerd did not talk without end.
"""

import json
import os
import re
from datetime import datetime

from lab import LabError
from peerage import Peerd, peerctl
from routers import Bird, Frr

LOG_LINES_MAX = 100
# Longer than an address needs to count as there to stay.
CALM_SECONDS = 4


def resource(kind, name, spec, labels=None):
    version = 'v1' if kind == 'Secret' else 'projectcalico.org/v3'
    metadata = {'name': name, **({'labels': labels} if labels else {})}
    return json.dumps({'apiVersion': version, 'kind': kind, 'metadata': metadata, 'spec': spec})


def peer(name, **spec):
    return resource('BGPPeer', name, spec)


def node(name, labels=None, **bgp):
    return resource('Node', name, {'bgp': bgp} if bgp else {}, labels)


def config(name='default', **spec):
    return resource('BGPConfiguration', name, {**({'nodeToNodeMeshEnabled': False} if name == 'default' else {}), **spec})


def pool(name, cidr, **spec):
    return resource('IPPool', name, {'cidr': cidr, **spec})


def bgpfilter(name, **spec):
    return resource('BGPFilter', name, spec)


def text_of(resources):
    return ''.join(f'---\n{one}\n' for one in resources)


class Moment:
    """A time that BIRD printed. It counts back from now when asked, so the same moment differs by milliseconds."""

    def __init__(self, text):
        self.text = text
        self.at = datetime.fromisoformat(text)

    def __eq__(self, other):
        return isinstance(other, Moment) and abs((self.at - other.at).total_seconds()) < 0.2

    def __repr__(self):
        return self.text


class Fabric:
    """BASE: the resources that are there before and after each test. ETCD: an Etcd or a Cluster that runs; without
    one the store is a SQLite file."""

    def __init__(self, lab, *base, etcd=None):
        self.lab, self.base, self.etcd = lab, base, etcd
        self.store = etcd.store if etcd else os.path.join(lab.folder, 'peerage.db')
        self.access = {'at': etcd.node, 'env': etcd.env} if etcd else {}
        self.agents, self.options, self.applied, self.log_lines = {}, {}, [], {}
        self.kept_text = False  # set by a test: BIRD runs text of before, which render cannot know

    def dump(self):
        return self.lab.dump()

    def agent(self, at, *options):
        """A peerd for the lab's node AT, with a folder of its own for secrets."""
        if self.etcd:
            self.etcd.join(at)
        agent = self.agents[at.name] = Peerd(at, self.store, **self.access)
        agent.secrets = os.path.join(at.folder, 'secrets')
        os.makedirs(agent.secrets)
        self.options[at.name] = ['--secrets-dir', agent.secrets, *options]
        return agent

    def start(self):
        self._apply(self.base)
        for name, agent in self.agents.items():
            agent.start(*self.options[name])
        self.settle()
        return self

    def secret(self, name, key, value, at=None):
        """Puts a password on the nodes (or AT one) as kubelet does: the whole file at once. None takes it away."""
        for agent in [self.agents[at]] if at else self.agents.values():
            folder = os.path.join(agent.secrets, name)
            path = os.path.join(folder, key)
            os.makedirs(folder, exist_ok=True)
            if value is None:
                if os.path.exists(path):
                    os.unlink(path)
                continue
            with open(path + '.new', 'w', encoding='utf-8') as file:
                file.write(value)
            os.rename(path + '.new', path)

    def peerctl(self, *args, **options):
        return peerctl(*args, store=self.store, **self.access, **options)

    # ---- resources ----

    def _apply(self, resources):
        rc, out, err = self.peerctl('apply', '-f', '-', stdin=text_of(resources))
        assert rc == 0, f'peerctl apply: exit {rc}\n{out}{err}'
        return [line.split()[0] for line in out.splitlines()]

    def apply(self, *resources, settle=True):
        """Until every agent runs what they say."""
        for name in self._apply(resources):
            if name not in self.applied:
                self.applied.append(name)
        if settle:
            self.settle()

    def delete(self, *names):
        self._delete(names)
        self.settle()

    def _delete(self, names):
        rc, out, err = self.peerctl('delete', '--skip-not-exists', *names)
        assert rc == 0, f'peerctl delete: exit {rc}\n{out}{err}'
        self.applied = [other for other in self.applied if other not in names]

    def clear(self):
        """Back to the base."""
        self.kept_text = False
        kept = set(self._apply(self.base))
        gone = [name for name in self.applied if name not in kept]
        if gone:
            self._delete(gone)
        self.applied = []
        self.settle()

    # ---- what runs ----

    def render(self, name, *options):
        """What `peerctl render` says a node must run."""
        return self.peerctl('render', '--node', name, *self.options[name], *options)[1]

    def ids(self, name):
        bird = self.agents[name].bird
        with open(bird.conf, encoding='utf-8') as file:
            text = file.read()
        ids = {'BIRD': bird.conf_id().strip('"'), 'file': id_in(text)}
        if not self.kept_text:
            ids['render'] = id_in(self.render(name, '--show-secrets'))
        return ids

    def settle(self, timeout=10):
        """Every agent has reached what the store says."""
        for name in self.agents:
            self.lab.wait(lambda at=name: len(set(self.ids(at).values())) == 1, timeout, f'{name} runs what render says')

    def status(self, *target):
        rc, out, err = self.peerctl('status', *target, '-o', 'json')
        assert rc == 0, f'peerctl status: exit {rc}\n{out}{err}'
        return json.loads(out)

    def session(self, name, remote):
        """What the status says of the session of node NAME with REMOTE; {} when there is none."""
        found = [s for s in self.status('node', name)['sessions'] if s['peer'] == remote]
        return found[0] if found else {}

    def says(self, name, remote, **wanted):
        """Until the status of that session says WANTED; all it says."""
        def said():
            session = self.session(name, remote)
            return session if all(session.get(field) == value for field, value in wanted.items()) else None
        return self.lab.wait(said, 5, f'the status of {name} says {wanted} of {remote}')

    def has_problem(self, code, origin, node=None, words=''):
        """Until the status has a problem; its text."""
        def found():
            status = self.status(*(['node', node] if node else []))
            # What is the reason of a session is said there alone.
            told = [(p['code'], p.get('resource'), p['text']) for p in status['problems']]
            told += [(s.get('code'), s['resource'], s.get('reason', '')) for s in status['sessions']]
            return next((text for *what, text in told if what == [code, origin] and words in text), '')
        return self.lab.wait(found, 5, f'the status has {code} of {origin}, with "{words}"')

    def up(self, name, *remotes, timeout=15):
        """Until the node's sessions with REMOTES, and no others, are Established."""
        bird = self.agents[name].bird
        self.lab.wait(lambda: bird.sessions() == {remote: 'Established' for remote in remotes}, timeout,
                      f'{name} has sessions with {remotes or "nobody"}, all up')

    def protocol(self, name, remote):
        """BIRD's fields of the session with REMOTE."""
        found = [p for p in self.agents[name].bird.protocols().values() if p.get('Neighbor address') == remote]
        return found[0] if found else {}

    def kernel(self, name, prefix):
        """The line of PREFIX in the kernel's routing table of a node; ''."""
        routes = self.lab.nodes[name].kernel_routes('-6' if ':' in prefix else '-4')
        return routes.get(prefix.removesuffix('/128' if ':' in prefix else '/32'), '')

    def in_kernel(self, name, prefix, via):
        return self.lab.wait(lambda: f'via {via} ' in self.kernel(name, prefix) + ' ' and self.kernel(name, prefix), 5,
                             f'the kernel of {name} has {prefix} via {via}')

    def since(self):
        """{(node, neighbour): since when it is up} of the sessions that are."""
        return {(name, p['Neighbor address']): Moment(p['since']) for name, agent in self.agents.items()
                for p in agent.bird.protocols().values() if p.get('BGP state') == 'Established'}

    # ---- the oracles ----

    def judge(self):
        self.settle()
        self.restart_changes_nothing()
        assert not self.lab.findings(), self.lab.findings()
        for name, agent in self.agents.items():
            before, now = self.log_lines.get(name, 0), len(log_of(agent))
            self.log_lines[name] = now
            assert now - before < LOG_LINES_MAX, f'peerd of {name} wrote {now - before} lines'

    def restart_changes_nothing(self, hold=0):
        configured = {name: reconfigured(agent) for name, agent in self.agents.items()}
        since = self.since()
        marks = {}
        for name, agent in self.agents.items():
            assert agent.stop() == 0
            marks[name] = len(log_of(agent))
        for name, agent in self.agents.items():
            agent.start(*self.options[name], bird=False)
        for name, agent in self.agents.items():
            self.lab.wait(lambda a=agent, n=name: any('state to=Applied' in line for line in log_of(a)[marks[n]:]), 10,
                          f'peerd of {name} agrees with what runs')

        def same():
            return configured == {name: reconfigured(agent) for name, agent in self.agents.items()}
        if hold:
            self.lab.holds(same, hold, 'BIRD sees no configure after a restart of peerd')
        assert same(), 'a restart of peerd sent a configure'
        now = self.since()
        moved = {key: (was, now.get(key)) for key, was in since.items() if was != now.get(key)}
        assert not moved, f'a restart of peerd moved sessions: {moved}'

    def close(self):
        """The end of the module."""
        try:
            self.settle()
            self.restart_changes_nothing(hold=CALM_SECONDS)
        except AssertionError as error:
            raise LabError(f'{error}\n{self.dump()}') from None
        for name, agent in self.agents.items():
            assert agent.stop() == 0, f'peerd of {name}'
        assert not self.lab.findings(), self.lab.findings()


def id_in(text):
    found = re.search(r'^define conf_id = "([0-9a-f]+)";$', text, re.M)
    return found[1] if found else ''


def reconfigured(agent):
    found = re.search(r'^Last reconfiguration on (.*)$', agent.bird.birdc('show status'), re.M)
    if not found:
        raise LabError(f'{agent.node.name}: BIRD does not say when it was configured')
    return Moment(found[1])


def log_of(agent):
    with open(agent.process.log, encoding='utf-8', errors='replace') as file:
        return file.readlines()


# ---- routers of the other side ----

FRR_HEAD = '''
router bgp {asn}
 bgp router-id {router_id}
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 10 30
'''


def frr_for(at, asn, router_id, ranges, v4='', v6='', more=''):
    """FRR that takes whoever calls from RANGES, and announces the prefixes V4 and V6."""
    conf = FRR_HEAD.format(asn=asn, router_id=router_id)
    conf += ' neighbor NODES peer-group\n neighbor NODES remote-as external\n'
    conf += ''.join(f' bgp listen range {prefix} peer-group NODES\n' for prefix in ranges) + more
    conf += ' address-family ipv4 unicast\n' + ''.join(f'  network {prefix}\n' for prefix in v4.split())
    conf += ' address-family ipv6 unicast\n  neighbor NODES activate\n'
    conf += ''.join(f'  network {prefix}\n' for prefix in v6.split())
    return Frr(at, conf).start()


def bird_for(at, router_id, *parts):
    """BIRD as a router of the other side; it installs nothing in its kernel."""
    head = f'router id {router_id};\ntimeformat protocol iso long ms;\nprotocol device {{}}\n'
    head += 'protocol direct { ipv4; ipv6; interface "lo"; }\n'
    head += 'template bgp fast { connect delay time 0; connect retry time 1; error wait time 1, 1; }\n'
    return Bird(at, head + '\n'.join(parts)).start()


def neighbour(own, own_as, remote, remote_as, body='', export='export all;', imports='import all;'):
    """One session of such a BIRD."""
    family = 6 if ':' in remote else 4
    name = 'p_' + re.sub('[^0-9a-z]', '_', remote)
    return (f'protocol bgp {name} from fast {{ local {own} as {own_as}; neighbor {remote} as {remote_as}; {body}\n'
            f'\tipv{family} {{ {imports} {export} }}; }}')
