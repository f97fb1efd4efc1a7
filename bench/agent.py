# SPDX-License-Identifier: Apache-2.0
"""peerd beside a BIRD with 1,000 sessions that are up, in two namespaces; what BIRD alone needs is measured on the
same process with the same files, in turns."""

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from statistics import median

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
import resources
from birdc import Birdc
from lab import Lab, poll
from peerage import EMPTY_CONF
from routers import Bird

START_ROUNDS, CHANGE_ROUNDS, UNRELATED, IDLE_SECONDS = 9, 9, 50, 25


class LoggingBird(Bird):
    """A BIRD with a syslog of its own: a /dev of its own that has little but that."""

    def __init__(self, node, conf, tools):
        super().__init__(node, conf)
        self.dev = os.path.join(self.folder, 'dev')
        os.mkdir(self.dev)
        for name, minor in (('null', 3), ('urandom', 9)):
            os.mknod(os.path.join(self.dev, name), 0o666 | stat.S_IFCHR, os.makedev(1, minor))
        log = os.path.join(self.dev, 'log')
        node.spawn('syslog', tools.spawn, 'syslog', log)
        node.lab.wait(lambda: os.path.exists(log), 5, 'the syslog')

    def spawn(self, *command, env=None):
        return super().spawn('unshare', '--mount', 'sh', '-c', f'mount --bind {self.dev} /dev && exec "$@"', 'sh',
                             *command, env=env)


class Agent:
    """The process; STORE is the URL of its store."""

    def __init__(self, node, tools, store):
        self.node, self.tools, self.store = node, tools, store

    def start(self, *options):
        """time.monotonic_ns() of its exec."""
        with open(os.path.join(self.node.folder, 'peerd.log'), 'ab') as log:
            self.process = subprocess.Popen(
                [self.tools.spawn, 'enter', self.node.netns, self.tools.peerd, '--store', self.store,
                 '--node', 'node-0000', '--bird-socket', self.node.servers[0].socket,
                 '--bird-conf', self.node.servers[0].conf, *options], stdout=subprocess.PIPE, stderr=log)
        return int(self.process.stdout.readline())

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def cpu_ms(self):
        with open(f'/proc/{self.process.pid}/schedstat', encoding='ascii') as file:
            return int(file.read().split()[0]) / 1e6

    def status(self, key):
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as file:
            return next(int(line.split()[1]) for line in file if line.startswith(key + ':'))


class Writer:
    """Writes resources, from within NODE."""

    def __init__(self, node, tools, store):
        self.process = subprocess.Popen([tools.spawn, 'enter', node.netns, tools.put, store], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def put(self, resource):
        """When it was sent, and when it was committed."""
        self.process.stdin.write(json.dumps(resource) + '\n')
        self.process.stdin.flush()
        return [int(word) for word in self.process.stdout.readline().split()]

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def measure(tools, store, say):
    """{name: figure}; STORE, a URL, holds resources.mesh()."""
    with Lab(name='pb-') as lab:
        near, far = lab.node('near'), lab.node('far')
        lab.link(near, resources.address(0) + '/16', far, '10.1.250.1/16')
        bird = LoggingBird(near, EMPTY_CONF, tools).start()
        agent, writer, control = Agent(near, tools, store), Writer(near, tools, store), Birdc(bird.socket)
        figures = {}
        say('peerd starts')
        start(figures, bird, agent, control)
        say('one peer changes')
        far_ends(far, resources.address(0))
        change(figures, bird, agent, writer, control, say)
        say('unrelated changes')
        unrelated(figures, agent, writer, control)
        say('at rest')
        rest(figures, agent)
        figures['sessions'] = len(control.since())
        agent.stop()
        writer.close()
        if tools.keep_log:
            shutil.copy(os.path.join(near.folder, 'peerd.log'), tools.keep_log)
        return figures


def far_ends(far, neighbour):
    """1,000 ends, each with an address of its own."""
    ends = [(resources.TOR, 65001), *[(resources.address(i), 64512) for i in range(1, 1000)]]
    batch, table = os.path.join(far.folder, 'addresses'), os.path.join(far.folder, 'ends')
    with open(batch, 'w', encoding='ascii') as file:
        file.writelines(f'addr add {ip}/16 dev eth0\n' for ip, _ in ends)
    with open(table, 'w', encoding='ascii') as file:
        file.writelines(f'{ip} {number}\n' for ip, number in ends)
    far.run('ip', '-batch', batch, timeout=60)
    far.spawn('far', sys.executable, os.path.join(ROOT, 'bench', 'far.py'), neighbour, table)


def start(figures, bird, agent, control):
    """From a BIRD without sessions to one that runs them all; the same by BIRD alone, in turns."""
    ours, alone = [], []
    empty, ready = bird.conf + '.empty', bird.conf + '.ready'
    with open(empty, 'w', encoding='ascii') as file:
        file.write(EMPTY_CONF)
    for i in range(START_ROUNDS):
        shutil.copy(empty, bird.conf)
        control.configure(bird.conf)
        began = agent.start('--adopt')
        ours.append((control.wait_id(bool) - began) / 1e6)
        settled(control, agent)
        shutil.copy(bird.conf, ready)
        if i < START_ROUNDS - 1:
            agent.stop()
        else:
            break
        control.configure(empty)
        alone.append(control.configure(ready))
    figures['start'], figures['start_alone'] = median(ours), median(alone)


def change(figures, bird, agent, writer, control, say):
    """One peer of 1,000 is changed, to and fro; then BIRD alone between the same two files."""
    ours, files = [], [bird.conf + '.0', bird.conf + '.1']
    before = all_up(control, say)
    for i in range(CHANGE_ROUNDS):
        (_, committed), runs = change_once(i, agent, writer, control)
        ours.append((runs - committed) / 1e6)
        shutil.copy(bird.conf, files[i % 2])
        poll(lambda: len(control.since()) == len(before), 20)
    after = control.since()
    tor = 'peer_' + resources.TOR.replace('.', '_')
    figures['change'] = median(ours)
    figures['others'] = len(before) - 1
    figures['touched'] = sum(abs(after.get(name, 0) - since) > 0.1 for name, since in before.items() if name != tor)
    agent.stop()
    alone = []
    for i in range(CHANGE_ROUNDS + CHANGE_ROUNDS % 2 + 1): # ends with the file that is installed
        alone.append(control.configure(files[(CHANGE_ROUNDS + i) % 2]))
        poll(lambda: len(control.since()) == len(before), 20)
    figures['change_alone'] = median(alone[:-1])
    agent.start()
    quiet(agent)


def change_once(i, agent, writer, control):
    """The I-th change of one peer: when it was sent and committed, and when BIRD ran it. Returns at rest."""
    was = control.conf_id()
    put = writer.put(resources.tor(f'{122 - i % 2}s'))
    runs = control.wait_id(lambda runs: runs and runs != was)
    settled(control, agent)
    return put, runs


def all_up(control, say):
    """What control.since() says when 1,000 sessions are up."""
    poll(lambda: len(control.since()) == 1000, 120)
    sessions = control.since()
    if len(sessions) != 1000:
        say(f'only {len(sessions)} sessions are up')
    return sessions


def unrelated(figures, agent, writer, control):
    """CPU for changes that mean nothing here; what peerd does at rest anyway is taken off."""
    was = control.last_reconfiguration()
    for name, make in (('label', lambda i: resources.node(500, seen=f'v{i}')),
                       ('peer', lambda i: resources.unrelated_peer(i + 1))):
        began, cpu = time.monotonic(), agent.cpu_ms()
        for i in range(UNRELATED):
            writer.put(make(i))
            time.sleep(0.15)
        figures['unrelated_' + name] = (agent.cpu_ms() - cpu) / UNRELATED
        figures['unrelated_seconds'] = time.monotonic() - began
    figures['reconfigured'] = control.last_reconfiguration() != was


def rest(figures, agent):
    """Wake-ups come in bursts: one for each look at BIRD."""
    quiet(agent)
    bursts, was, moving = 0, agent.status('voluntary_ctxt_switches'), False
    first, cpu, began = was, agent.cpu_ms(), time.monotonic()
    while time.monotonic() - began < IDLE_SECONDS:
        time.sleep(0.1)
        now = agent.status('voluntary_ctxt_switches')
        bursts += now != was and not moving
        moving, was = now != was, now
    seconds = time.monotonic() - began
    figures['bursts'], figures['bursts_allowed'] = bursts, int(seconds / 10) + 1
    figures['wakeups_10s'] = (was - first) / seconds * 10
    figures['idle_cpu_10s'] = (agent.cpu_ms() - cpu) / seconds * 10
    figures['rss_mb'], figures['peak_mb'] = agent.status('VmRSS') / 1024, agent.status('VmHWM') / 1024


def settled(control, agent):
    """The change is confirmed, and peerd has looked at what came of it."""
    poll(lambda: '0022' not in control.ask('configure status'), 10)
    quiet(agent, 0.3)


def quiet(agent, seconds=3.0):
    """No wake-up for so long: what moved has come to rest. At most a minute."""
    was, since, began = -1, time.monotonic(), time.monotonic()
    while time.monotonic() - since < seconds and time.monotonic() - began < 60:
        now = agent.status('voluntary_ctxt_switches')
        if now != was:
            was, since = now, time.monotonic()
        time.sleep(0.05)
