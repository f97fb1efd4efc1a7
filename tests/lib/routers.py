# SPDX-License-Identifier: Apache-2.0
"""The routers of the lab: BIRD, FRR, GoBGP, OpenBGPD, each as Debian ships it, each with files of its own.

All have start(), stop(), kill(), pause(), resume(); sessions() is {neighbour address: state}, routes() the set of
prefixes learnt; while one is not up yet, both are empty. Configurations are text of the router's own language.
"""

import json
import os
import re

from lab import LabError, run, tail


class Server:
    """A router: its folder, its configuration, and the process while it runs."""

    name = '?'

    def __init__(self, node, conf=None):
        self.node, self.lab = node, node.lab
        self.folder = os.path.join(node.folder, self.name)
        self.conf = os.path.join(self.folder, 'conf')
        self.process = None
        os.makedirs(self.folder)
        node.servers.append(self)
        if conf is not None:
            self.write(conf)

    def write(self, text):
        with open(os.open(self.conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w', encoding='utf-8') as file:
            file.write(text)

    def spawn(self, *command, env=None):
        if self.process and self.process.alive:
            raise LabError(f'{self.node.name}: {self.name} runs already')
        self.process = self.node.spawn(self.name, *command, env=env)
        return self

    def stop(self, timeout=10):
        return self.process.stop(timeout)

    def kill(self):
        self.process.kill()

    def pause(self):
        self.process.pause()

    def resume(self):
        self.process.resume()

    def established(self, *neighbours):
        """Are the sessions with all NEIGHBOURS (none named: with all there are) up?"""
        sessions = self.sessions()
        return bool(sessions) and all(sessions.get(n) == 'Established' for n in neighbours or sessions)

    def ask(self, *command):
        """What a client of the server prints; '' while the server is away."""
        try:
            rc, out, _ = self.node.run(*command, check=False, timeout=5)
        except LabError:
            return ''
        return out if rc == 0 else ''

    def ask_json(self, *command):
        try:
            return json.loads(self.ask(*command)) or {}
        except ValueError:
            return {}

    def dump(self):
        return f'sessions {self.sessions()}\nroutes {sorted(self.routes())}\n'


class Bird(Server):
    name = 'bird'

    def __init__(self, node, conf=None):
        super().__init__(node, conf)
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, 'bird.ctl')

    def write(self, text):
        super().write(text)
        os.chmod(self.conf, 0o644)

    def start(self, recover=False):
        """RECOVER: as a restart that keeps routes (`bird -R`)."""
        self.spawn('bird', '-f', '-c', self.conf, '-s', self.socket, '-P', self.socket + '.pid',
                   *(['-R'] if recover else []))
        self.lab.wait(lambda: self.birdc('show status') or not self.process.alive, 10, f'BIRD of {self.node.name}')
        if not self.process.alive:
            raise LabError(f'{self.node.name}: BIRD did not start\n{tail(self.process.log)}')
        return self

    def birdc(self, command, restricted=False):
        """BIRD's answer to one command; '' when it is away or hangs."""
        try:
            rc, out, _ = run('birdc', *(['-r'] if restricted else []), '-s', self.socket, *command.split(' '),
                             check=False, timeout=2)
        except LabError:
            return ''
        return out.partition('\n')[2] if rc == 0 else ''

    def protocols(self):
        """{name: fields} of all BGP protocols; fields as BIRD prints them (`BGP state`, `Last error`) plus
        state, since and info of its first line."""
        found, fields = {}, None
        for line in self.birdc('show protocols all').splitlines():
            head = re.match(r'(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+(?: \d\d:\d\d:\d\d\S*)?)\s*(.*)$', line)
            if head:
                fields = None
                if head[2] == 'BGP':
                    fields = found[head[1]] = {'state': head[4], 'since': head[5], 'info': head[6]}
            elif fields is not None and ': ' in line:
                key, _, value = line.strip().partition(':')
                fields.setdefault(key, value.strip())
        return found

    def sessions(self):
        return {fields.get('Neighbor address', name): fields.get('BGP state', 'Down')
                for name, fields in self.protocols().items()}

    def since(self):
        """{neighbour: when its session last changed state}."""
        return {fields.get('Neighbor address', name): fields['since'] for name, fields in self.protocols().items()}

    def routes(self, protocol=None):
        out = self.birdc('show route' + (f' protocol {protocol}' if protocol else ''))
        return set(re.findall(r'^([0-9a-f.:]+/\d+)\s', out, re.M))

    def conf_id(self):
        """The id of the configuration that runs; '' when it has none."""
        out = self.birdc('eval conf_id')
        return out.strip() if 'syntax error' not in out and 'undefined' not in out else ''

    def dump(self):
        return self.birdc('show protocols all') + self.birdc('show route')


class Frr(Server):
    """FRR's bgpd without zebra: it speaks BGP and installs nothing."""

    name = 'frr'

    def start(self):
        return self.spawn('/usr/lib/frr/bgpd', '-f', self.conf, '-i', os.path.join(self.folder, 'pid'), '-Z', '-P', '0',
                          '--vty_socket', self.folder, '-u', 'root', '-g', 'root', '-n', '-S',
                          '--log', 'stdout', '--log-level', 'informational')

    def vtysh(self, *commands):
        words = [word for command in commands for word in ('-c', command)]
        return self.ask('vtysh', '--vty_socket', self.folder, *words)

    def show(self, command):
        try:
            return json.loads(self.vtysh(command)) or {}
        except ValueError:
            return {}

    def sessions(self):
        summary = self.show('show bgp summary json')
        return {peer: fields['state'] for family in summary.values() if isinstance(family, dict)
                for peer, fields in family.get('peers', {}).items()}

    def uptime(self):
        """{neighbour: milliseconds since it is Established}."""
        return {peer: fields.get('bgpTimerUpMsec', 0) for peer, fields in self.show('show bgp neighbors json').items()
                if isinstance(fields, dict) and fields.get('bgpState') == 'Established'}

    def routes(self):
        return {prefix for family in ('ipv4', 'ipv6')
                for prefix, paths in self.show(f'show bgp {family} unicast json').get('routes', {}).items()
                if any(path.get('valid') for path in paths)}


class Gobgp(Server):
    name = 'gobgp'

    def start(self):
        return self.spawn('gobgpd', '-t', 'toml', '-f', self.conf, '--api-hosts', '127.0.0.1:50051', '--pprof-disable')

    def gobgp(self, *words):
        return self.ask('gobgp', '-p', '50051', *words)

    def announce(self, prefix):
        family = 'ipv6' if ':' in prefix else 'ipv4'
        self.lab.wait(lambda: self.node.run('gobgp', '-p', '50051', 'global', 'rib', 'add', prefix, '-a', family,
                                            check=False)[0] == 0, 10, f'GoBGP of {self.node.name} takes {prefix}')

    def sessions(self):
        words = {1: 'Idle', 2: 'Connect', 3: 'Active', 4: 'OpenSent', 5: 'OpenConfirm', 6: 'Established'}
        peers = self.ask_json('gobgp', '-p', '50051', 'neighbor', '-j') or []
        return {peer['state'].get('neighbor_address') or peer['conf']['neighbor_address']:
                words.get(peer['state'].get('session_state'), 'Idle') for peer in peers}

    def routes(self):
        return {prefix for family in ('ipv4', 'ipv6')
                for prefix in self.ask_json('gobgp', '-p', '50051', 'global', 'rib', '-a', family, '-j')}


class Openbgpd(Server):
    name = 'openbgpd'

    def start(self):
        # Its chroot; Debian makes it at boot.
        os.makedirs('/run/openbgpd', mode=0o755, exist_ok=True)
        return self.spawn('/usr/sbin/bgpd', '-d', '-f', self.conf)

    @property
    def socket(self):
        """For the line `socket "..."` of its configuration."""
        return os.path.join(self.folder, 'ctl')

    def bgpctl(self, *words):
        return self.ask_json('bgpctl', '-s', self.socket, '-j', *words)

    def sessions(self):
        return {peer['remote_addr']: peer['state'] for peer in self.bgpctl('show', 'neighbor').get('neighbors', [])}

    def routes(self):
        return {route['prefix'] for route in self.bgpctl('show', 'rib').get('rib', [])}
