# SPDX-License-Identifier: Apache-2.0
"""etcd as the store, beside etcdctl on the same server: programs that begin and end, then peerd. What is compared is
measured in turns, since a machine is not equally fast all the time."""

import os
import shutil
import subprocess
import sys
import time
from statistics import median

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
import agent
import resources
from birdc import Birdc
from certs import Certs
from etcd import CALICO, Etcd
from lab import Lab, poll
from peerage import EMPTY_CONF

ADDRESS = '127.0.0.1'
TURNS, EACH = 10, 5 # of a get
LIST_TURNS, APPLY_ROUNDS, START_ROUNDS, CHANGE_TURNS, CHANGES, PUTS = 15, 5, 5, 4, 4, 51
TLS_LIBRARIES = ('libssl', 'libcrypto', 'libcurl')


class Place:
    """Where programs run: beside an etcd, with what they need to reach it."""

    def __init__(self, tools, etcd):
        self.tools, self.etcd = tools, etcd

    def spawn(self, rounds, *command):
        """As run's own spawn()."""
        etcd = self.etcd
        done = subprocess.run([self.tools.spawn, 'enter', etcd.node.netns, self.tools.spawn, 'run', str(rounds),
                               *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors='replace',
                              env={**os.environ, 'ETCDCTL_API': '3', **etcd.env})
        runs = [[float(word) for word in line.split()] for line in done.stdout.splitlines()[1:]]
        if done.returncode or any(r[3] for r in runs):
            raise SystemExit(f'bench: {" ".join(command)} failed:\n{done.stderr[:2000]}')
        return [r[:3] for r in runs]

    def peerctl(self, rounds, *words):
        return self.spawn(rounds, self.tools.peerctl, *words, '--store', self.etcd.store)

    def etcdctl(self, rounds, *words):
        return self.spawn(rounds, 'etcdctl', '--endpoints', self.etcd.url, *self.etcd.credentials, *words)

    def empty(self):
        self.etcd.delete('/', prefix=True)
        self.etcd.compact()
        self.etcd.defrag()


def programs(tools, folder, say):
    """{name: runs as of spawn()}; each with the same of etcdctl, or a list of libraries."""
    racks = resources.write(os.path.join(folder, 'labelled.yaml'), resources.racks(make=resources.labelled))
    nodes = resources.write(os.path.join(folder, 'nodes.yaml'), resources.nodes())
    found = {}
    with Lab(name='pb-') as lab:
        certs = Certs(os.path.join(lab.folder, 'certs'))
        plain = Place(tools, Etcd(lab.node('plain'), ADDRESS).start())
        mutual = Place(tools, Etcd(lab.node('mutual'), ADDRESS, certs=certs).start())
        say('apply to etcd')
        found['apply'] = []
        for _ in range(APPLY_ROUNDS):
            plain.empty()
            found['apply'] += plain.peerctl(1, 'apply', '-f', racks)
        mutual.peerctl(1, 'apply', '-f', racks)
        say('get from etcd')
        key = CALICO + 'bgppeers/rack-7'
        for name, place in (('get', plain), ('get_tls', mutual)):
            found[name], found[name + '_etcdctl'] = [], []
            for _ in range(TURNS):
                found[name] += place.peerctl(EACH, 'get', 'bgppeer', 'rack-7')
                found[name + '_etcdctl'] += place.etcdctl(EACH, 'get', key)
        say('list of etcd')
        plain.empty()
        plain.peerctl(1, 'apply', '-f', nodes)
        found['list'], found['list_etcdctl'], found['list_names'] = [], [], []
        for _ in range(LIST_TURNS):
            found['list'] += plain.spawn(1, tools.list, plain.etcd.store)
            found['list_etcdctl'] += plain.etcdctl(1, 'get', '--prefix', CALICO)
            found['list_names'] += plain.peerctl(1, 'get', 'nodes', '-o', 'name')
    return found


def tls_libraries(*command):
    """Those that COMMAND loads."""
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True, text=True,
                          env={**os.environ, 'LD_DEBUG': 'files'})
    return [name for name in TLS_LIBRARIES if name in done.stderr]


def peerd(tools, folder, sqlite, say):
    """{name: figure}. SQLITE, a URL, holds resources.mesh()."""
    mesh, racks = os.path.join(folder, 'mesh.yaml'), os.path.join(folder, 'labelled.yaml')
    resources.write(mesh, resources.mesh())
    resources.write(racks, resources.racks(make=resources.labelled))
    figures = {}
    with Lab(name='pb-') as lab:
        etcd = Etcd.on(lab)
        near, far = lab.node('near'), lab.node('far')
        lab.link(near, resources.address(0) + '/16', far, '10.1.250.1/16')
        etcd.join(near)
        place = Place(tools, etcd)
        bird = agent.LoggingBird(near, EMPTY_CONF, tools).start()
        control = Birdc(bird.socket)
        place.peerctl(1, 'apply', '-f', mesh)
        writers = {url: agent.Writer(near, tools, url) for url in (etcd.store, sqlite)}
        say('put to watch of etcd')
        figures['watch'] = put_to_watch(etcd, near, tools, writers[etcd.store])
        say('peerd with etcd: one peer changes')
        agent.far_ends(far, resources.address(0))
        changes(figures, {'etcd': etcd.store, 'sqlite': sqlite}, near, tools, writers, control, say)
        say('peerd with etcd: unrelated changes')
        process = agent.Agent(near, tools, etcd.store)
        process.start('--accept-store')
        agent.quiet(process)
        agent.unrelated(figures, process, writers[etcd.store], control)
        say('peerd with etcd: at rest')
        agent.rest(figures, process)
        process.stop()
        for writer in writers.values():
            writer.close()
        say('peerd with etcd: starts')
        place.empty()
        place.peerctl(1, 'apply', '-f', racks)
        starts(figures, bird, process, control)
        if tools.keep_log:
            shutil.copy(os.path.join(near.folder, 'peerd.log'), tools.keep_log + '.etcd')
    return figures


def put_to_watch(etcd, node, tools, writer):
    """From when a put is sent until etcd's own client has printed it."""
    took = []
    writer.put(resources.unrelated_peer(0))
    watch = subprocess.Popen([tools.spawn, 'enter', node.netns, 'etcdctl', '--endpoints', etcd.url, 'watch',
                              CALICO + 'bgppeers/elsewhere', f'--rev={etcd.revision()}'], stdout=subprocess.PIPE,
                             text=True, env={**os.environ, 'ETCDCTL_API': '3'})
    for i in range(PUTS + 1): # the first it has to say is of before: then it watches
        sent, _ = (0, 0) if not i else writer.put(resources.unrelated_peer(i % 2))
        while watch.stdout.readline() != 'PUT\n':
            pass
        took.append((time.monotonic_ns() - sent) / 1e6)
        time.sleep(0.02)
    watch.kill()
    watch.wait()
    return median(took[1:])


def changes(figures, stores, near, tools, writers, control, say):
    """One peer of 1,000 is changed, in one store and in the other."""
    took = {name: [] for name in stores}
    for turn in range(CHANGE_TURNS):
        for name, url in stores.items():
            process = agent.Agent(near, tools, url)
            process.start('--adopt', '--accept-store')
            control.wait_id(bool)
            if not turn:
                agent.all_up(control, say)
            agent.settled(control, process)
            for i in range(CHANGES):
                (sent, committed), runs = agent.change_once(i, process, writers[url], control)
                took[name].append((runs - (sent if name == 'etcd' else committed)) / 1e6)
                poll(lambda: len(control.since()) == 1000, 20)
            process.stop()
    for name, times in took.items():
        figures['change_' + name] = median(times)


def starts(figures, bird, process, control):
    """From exec until BIRD, which ran something else, runs the configuration."""
    took, cpu, sessions = [], [], 0
    for _ in range(START_ROUNDS):
        with open(bird.conf, 'w', encoding='ascii') as file:
            file.write(EMPTY_CONF)
        control.configure(bird.conf)
        began = process.start('--adopt')
        took.append((control.wait_id(bool) - began) / 1e6)
        cpu.append(process.cpu_ms())
        poll(lambda: '0022' not in control.ask('configure status'), 10)
        sessions = control.ask('show protocols "peer_*"').count(' BGP ')
        figures['start_rss_mb'] = process.status('VmRSS') / 1024
        process.stop()
    figures['start'], figures['start_cpu'], figures['start_sessions'] = median(took), median(cpu), sessions
