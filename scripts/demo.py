# SPDX-License-Identifier: Apache-2.0
"""The demo behind scripts/demo: examples/*.yaml on three nodes with BIRD, against FRR and GoBGP.

    tor-a (FRR, AS 65001) ------------- tor-b (GoBGP, AS 65002)
      | rack a          \\                 | rack b
    node-1  node-2       `-- uplink --- node-3

The resources are in SQLite, or in three members of etcd, on a switch that no BGP session goes over.
"""

import argparse
import json
import os
import re
import shutil
import signal
import sys
import textwrap
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))

from certs import Certs  # noqa: E402
from etcd import Cluster  # noqa: E402
from lab import Lab, LabError, kept_labs, poll, remove_kept  # noqa: E402
from peerage import Peerd, peerctl, program  # noqa: E402
from routers import Frr, Gobgp  # noqa: E402
from run import Tally, build, environment  # noqa: E402

NAME = 'peerage-demo'
VARIANT = 'gcc'
PREFIXES = {f'node-{n}': f'10.244.{n}.1/32' for n in (1, 2, 3)}

# What a top-of-rack router says beside its nodes' prefixes: services, which the nodes take, and something they do not.
FRR_CONF = '''
hostname tor-a
router bgp 65001
 bgp router-id 10.1.0.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.1.0.11 remote-as 64601
 neighbor 10.1.0.12 remote-as 64602
 neighbor 10.3.0.13 remote-as 64603
 neighbor 10.0.0.2 remote-as 65002
 neighbor 10.1.0.11 timers connect 1
 neighbor 10.1.0.12 timers connect 1
 neighbor 10.3.0.13 timers connect 1
 neighbor 10.0.0.2 timers connect 1
 address-family ipv4 unicast
  network 10.99.1.0/24
  network 192.0.2.0/24
'''

GOBGP_CONF = '''
[global.config]
  as = 65002
  router-id = "10.2.0.1"
''' + ''.join(f'''
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{address}"
    peer-as = {number}
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
''' for address, number in (('10.2.0.13', 64603), ('10.0.0.1', 65001)))

TTY = sys.stdout.isatty()
BOLD, GREEN, RED, PLAIN = (('\033[1m', '\033[32m', '\033[31m', '\033[0m')
                           if TTY and 'NO_COLOR' not in os.environ else ('', '', '', ''))


def say(text):
    print(f'\n{BOLD}{text}{PLAIN}', flush=True)


def command(text):
    print(f'{BOLD}$ {text}{PLAIN}', flush=True)


def colour(line):
    """A terminal sees which state a session is in."""
    return re.sub(r'\b(Established)\b', GREEN + r'\1' + PLAIN,
                  re.sub(r'\b(Idle|Active|Connect|OpenSent|OpenConfirm|Down|Missing)\b', RED + r'\1' + PLAIN, line))


def wrap(table, columns):
    """The lines of a table as a terminal has room for them: rows cut, sentences below them folded."""
    lines = []
    for line in table.splitlines():
        if line.startswith('    '):
            lines += textwrap.wrap(line.strip(), columns - 1, initial_indent='    ', subsequent_indent='    ')
        else:
            lines.append(line[:columns - 1])
    return lines


class Screen:
    """A table that is drawn over itself on a terminal, and elsewhere printed when more than its ages has changed."""

    def __init__(self):
        self.shown, self.height = None, 0

    def show(self, table, title):
        if TTY:
            lines = [title] + wrap(table, shutil.get_terminal_size().columns)
            up = f'\033[{self.height}A' if self.height else ''
            print(up + '\033[J' + '\n'.join(colour(line) for line in lines), flush=True)
            self.height = len(lines)
            return
        without_ages = re.sub(r' +\d+s$', '', table, flags=re.M)
        if table and without_ages != self.shown:
            print(f'{title}\n{table}', flush=True)
        self.shown = without_ages


class Demo:
    def __init__(self, lab, store):
        self.lab = lab
        self.peerds, self.cluster, self.access = [], None, {}
        self.tor_a = self.tor_b = None
        self.routers()
        if store == 'etcd':
            self.etcd()
        else:
            self.store = 'sqlite:' + os.path.join(lab.folder, 'peerage.db')
        self.nodes()

    def routers(self):
        lab = self.lab
        tor_a, tor_b = lab.node('tor-a'), lab.node('tor-b')
        for name, prefix in PREFIXES.items():
            lab.node(name, prefix)
        lab.lan('rack-a', tor_a='10.1.0.1/24', node_1='10.1.0.11/24', node_2='10.1.0.12/24')
        lab.lan('rack-b', tor_b='10.2.0.1/24', node_3='10.2.0.13/24')
        lab.link(tor_a, '10.3.0.1/24', lab.nodes['node-3'], '10.3.0.13/24')
        lab.link(tor_a, '10.0.0.1/24', tor_b, '10.0.0.2/24')
        self.tor_a, self.tor_b = Frr(tor_a, FRR_CONF).start(), Gobgp(tor_b, GOBGP_CONF).start()
        self.tor_b.announce('10.99.2.0/24')

    def etcd(self):
        """Three members, who let in whoever has a certificate of their authority."""
        certs = Certs(os.path.join(self.lab.folder, 'certs'))
        self.cluster = Cluster.on(self.lab, certs=certs)
        self.store = self.cluster.store
        self.access = {'at': self.cluster.node, 'env': self.cluster.env}
        for name in PREFIXES:
            self.cluster.join(self.lab.nodes[name])
        print('The resources are in etcd: three members, TLS with certificates on both sides.', flush=True)
        for line in self.exports():
            command(line)

    def exports(self):
        """What a shell must be told so that the commands work."""
        values = {'PEERAGE_STORE': self.store, **self.access.get('env', {})}
        return [f'export {name}={value}' for name, value in values.items()]

    def nodes(self):
        self.peerctl('apply', '-f', 'examples/')
        for name in PREFIXES:
            self.peerds.append(Peerd(self.lab.nodes[name], self.store, **self.access).start())

    def peerctl(self, *args, quiet=False, expected=(0, 1)):
        """Runs it as a user would, in the folder of the clone, and shows both the command and what it says."""
        if not quiet:
            command(f"peerctl {' '.join(args)}")
        args = [os.path.join(ROOT, a) if a.startswith('examples/') else a for a in args]
        rc, out, err = peerctl(*args, store=self.store, **self.access)
        text = (out + err).replace(ROOT + '/', '').replace(self.lab.folder + '/', '')
        if rc not in expected:
            raise LabError(f"peerctl {' '.join(args)}: exit {rc}\n{text}")
        if not quiet:
            print('\n'.join(colour(line) for line in text.splitlines()), flush=True)
        return out

    def members_used(self):
        """{node: the member of etcd that its peerd talks to}."""
        members = {f'{m.address}:2379': m for m in self.cluster.members}
        out = {name: self.lab.nodes[name].run('ss', '-Htn', 'state', 'established', 'dport', '=', ':2379')[1].split()
               for name in PREFIXES}
        return {name: members[words[3]] for name, words in out.items() if words}

    def kill(self, *members):
        command(f"kill -9 {' '.join(str(m.process.pid) for m in members)}"
                f"    # {', '.join(m.node.name for m in members)}")
        for member in members:
            member.kill()

    def trouble(self, node):
        """What the agent of NODE says of its store: {text, since, until}, or nothing."""
        nodes = json.loads(self.peerctl('status', 'node', node, '-o', 'json', quiet=True))['nodes']
        return nodes[0].get('storeTrouble', {})

    def status(self):
        """All sessions as `peerctl status` tells them: {(node, peer): fields}."""
        try:
            sessions = json.loads(self.peerctl('status', '-o', 'json', quiet=True))['sessions']
        except (LabError, ValueError):
            return {}
        return {(session['node'], session['peer']): session for session in sessions}

    def watch(self, condition, timeout, what):
        """Shows the table of sessions until CONDITION holds; the seconds it took."""
        screen, started = Screen(), time.monotonic()

        def look():
            done = condition()
            try:
                table = self.peerctl('status', quiet=True)
            except LabError:
                table = ''
            screen.show(table, f'{time.monotonic() - started:5.1f} s')
            return done

        if not poll(look, timeout):
            raise LabError(f'not within {timeout} s: {what}')
        return time.monotonic() - started

    def all_up(self):
        """Six ends of five sessions, when all are up; else nothing."""
        sessions = self.status()
        up = len(sessions) == 6 and all(s['state'] == 'Established' for s in sessions.values())
        return sessions if up else {}

    def prefixes_seen(self):
        wanted = set(PREFIXES.values())
        return wanted <= self.tor_a.routes() and wanted <= self.tor_b.routes()


def act_up(demo):
    say('1. Sessions come up')
    seconds = demo.watch(demo.all_up, 30, 'all sessions Established')
    demo.lab.wait(demo.prefixes_seen, 15, 'the prefix of each node on both routers')
    print(f'{GREEN}All Established after {seconds:.1f} s.{PLAIN}')
    for tor, what in ((demo.tor_a, 'tor-a (FRR)'), (demo.tor_b, 'tor-b (GoBGP)')):
        print(f"  {what} has learnt {', '.join(sorted(tor.routes() & set(PREFIXES.values())))}")
    node = demo.lab.nodes['node-1']
    demo.lab.wait(lambda: '10.99.1.0/24' in node.kernel_routes(), 10, 'the routers\' prefixes in the kernel of node-1')
    routes = node.kernel_routes()
    print('  node-1, in its kernel:')
    for prefix in sorted(routes):
        print(f'    {routes[prefix]}')
    if '192.0.2.0/24' in routes:
        raise LabError('node-1 took 192.0.2.0/24, which the BGPFilter from-tor rejects')
    print('  and not 192.0.2.0/24, which tor-a announces and the BGPFilter from-tor rejects')


def act_change(demo):
    say('2. A change reaches one session')
    demo.peerctl('plan', '-f', 'examples/later/uplink-llgr.yaml')
    before = demo.status()
    demo.peerctl('apply', '-f', 'examples/later/uplink-llgr.yaml')
    key = ('node-3', '10.3.0.1')
    demo.watch(lambda: demo.all_up().get(key, before[key])['since'] != before[key]['since'], 30,
               'the changed session Established again')
    compare(before, demo.status(), key)


def compare(before, after, *restarted):
    """Shows since when each session is up; those RESTARTED, and no others, must not be what they were."""
    print(f"\n{'SESSION':<22} {'ESTABLISHED SINCE, BEFORE':<27} AFTER")
    for (node, peer), session in sorted(before.items()):
        now = after[(node, peer)]['since']
        mark = 'untouched' if now == session['since'] else f'{BOLD}restarted{PLAIN}'
        print(f"{node + ' ' + peer:<22} {session['since']:<27} {now}   {mark}")
        if (now == session['since']) == ((node, peer) in restarted):
            raise LabError(f'{node} {peer}: {mark}')


def act_mistake(demo):
    say('3. A mistake, and what it says')
    key = ('node-3', '10.2.0.1')
    demo.peerctl('apply', '-f', 'examples/later/tor-b-wrong-as.yaml')

    def explained():
        session = demo.status().get(key, {})
        return session.get('state') != 'Established' and 'AS number' in (session.get('reason') or '')

    demo.watch(explained, 30, 'the reason in the status')
    demo.peerctl('status', 'bgppeer', 'tor-b')
    say('and put right')
    demo.peerctl('apply', '-f', 'examples/bgppeer-tor-b.yaml')
    demo.watch(demo.all_up, 40, 'all sessions Established again')


def act_member(demo):
    cluster, node = demo.cluster, demo.lab.nodes['node-1']
    uses = demo.members_used()
    member = max(cluster.members, key=lambda m: list(uses.values()).count(m))
    name, clients = member.node.name, [n for n, m in uses.items() if m is member]
    say(f"3. A member of etcd is killed: {name}, which {' and '.join(clients)} talked to")
    before = demo.status()
    demo.kill(member)
    demo.peerctl('plan', '-f', 'examples/later/from-tor-more.yaml')
    demo.peerctl('apply', '-f', 'examples/later/from-tor-more.yaml')
    started = time.monotonic()
    demo.lab.wait(lambda: '192.0.2.0/24' in node.kernel_routes(), 20, 'the prefix that is let in now')
    print(f"{GREEN}In the kernel of node-1 after {time.monotonic() - started:.1f} s:{PLAIN} "
          f"{node.kernel_routes()['192.0.2.0/24']}")
    demo.lab.wait(lambda: all(demo.trouble(n) for n in clients), 20, 'the status of the nodes')
    demo.peerctl('status')
    compare(before, demo.status())
    member.start()
    demo.lab.wait(lambda: member.revision() == cluster.revision(), 10, f'{name} has caught up')
    print(f'\n{name} is started again and has caught up: its revision is {member.revision()}, as that of the others.')


def act_quorum(demo):
    say('4. Two members of three are killed: there is no quorum')
    before = demo.status()
    gone = demo.cluster.members[1:]
    killed = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
    demo.kill(*gone)
    demo.peerctl('status', expected=[6])
    print(f'exit code {RED}6{PLAIN}: store unavailable. Sessions do not need it, as on node-3:')
    bird = demo.peerds[-1].bird
    command(f'birdc -s {bird.socket} show protocols | grep BGP')
    for line in bird.birdc('show protocols').splitlines():
        if 'BGP' in line:
            print(colour(line.rstrip()))
    started = time.monotonic()
    for member in gone:
        member.start(wait=False)
    demo.lab.wait(lambda: demo.status() and all(demo.trouble(n).get('until', '') >= killed for n in PREFIXES), 30,
                  'the store is back for all nodes')
    print(f'\nBoth are started again; {time.monotonic() - started:.1f} s later all agents follow the store.')
    demo.peerctl('status')
    compare(before, demo.status())


def tell_kept(demo):
    lab, tor = demo.lab, demo.tor_a
    say('The lab stays. To play with it:')
    if demo.cluster:
        print(f'  ip netns exec {demo.cluster.node.ns} bash    # a shell from which etcd is reached')
    for line in demo.exports():
        print(f'  {line}')
    print(f'''  export PATH={os.path.dirname(program('peerctl'))}:$PATH
  peerctl status -w
  peerctl get bgppeers -o wide
  ip netns exec {lab.nodes['tor-a'].ns} vtysh --vty_socket {tor.folder} -c 'show bgp summary'
  ip netns exec {lab.nodes['tor-b'].ns} gobgp -p 50051 neighbor
  birdc -s {demo.peerds[0].bird.socket} show protocols
  ip netns exec {lab.nodes['node-3'].ns} ip route
Configurations and logs: {lab.folder}
To remove it: {os.path.join(ROOT, 'scripts', 'demo')} --remove''')


def main():
    parser = argparse.ArgumentParser(prog='scripts/demo', description='Peerage on one machine, with real routers.')
    group = parser.add_mutually_exclusive_group()
    group.add_argument('--keep', action='store_true', help='leave the lab running')
    parser.add_argument('--store', choices=['sqlite', 'etcd'], default='sqlite',
                        help='where the resources are; with etcd, members of it are killed, too')
    group.add_argument('--remove', action='store_true', help='take down what --keep left')
    options = parser.parse_args()

    if options.remove:
        for folder in kept_labs(NAME):
            print(f'removing {remove_kept(folder)}')
        return 0

    def interrupt(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored, as in a background job

    lab = None
    try:
        os.environ['PATH'] = environment()['PATH']
        if 'PEERAGE_BIN' not in os.environ:
            if not build(VARIANT, environment(), Tally()):
                return 1
            os.environ['PEERAGE_BIN'] = os.path.join(ROOT, 'build', VARIANT, 'src')
        started = time.monotonic()
        say('Three nodes, two racks, two routers that nobody here wrote: tor-a is FRR, tor-b is GoBGP.')
        lab = Lab(keep=options.keep, name=NAME)
        demo = Demo(lab, options.store)
        act_up(demo)
        act_change(demo)
        if demo.cluster:
            act_member(demo)
            act_quorum(demo)
        else:
            act_mistake(demo)
        say(f'Done in {time.monotonic() - started:.0f} s.')
        if options.keep:
            lab.leave()
            tell_kept(demo)
            lab = None
        return 0
    except LabError as error:
        print(f'{lab.dump() if lab else ""}\n{RED}scripts/demo: {error}{PLAIN}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('\ninterrupted; cleaning up', file=sys.stderr)
        return 130
    finally:
        if lab:
            lab.close()


if __name__ == '__main__':
    sys.exit(main())
