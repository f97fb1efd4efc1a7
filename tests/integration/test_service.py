# SPDX-License-Identifier: Apache-2.0
"""peerd as a service: what it tells the service manager, what its unit forbids it, and what `meson install` puts where.

No systemd runs here: Manager is its end of the protocol, confine.py does to the agent what the unit says."""

import contextlib
import grp
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import types

import pytest

from certs import Certs
from etcd import Etcd
from faults import TOR, World, bgppeer
from lab import ROOT, poll, run
from nameserver import Dns
from peerage import program
from routers import Bird

UNIT = os.path.join(ROOT, 'deploy', 'peerd.service')
CONFINE = os.path.join(ROOT, 'tests', 'lib', 'confine.py')
EXPOSURE = 4.0  # at most; systemd-analyze's figure


class Manager:
    """The service manager's end of its protocol."""

    def __init__(self, node, name):
        """NAME: a path, or with an @ in front abstract; that is known in its network namespace alone."""
        self.socket = node.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace('@', '\0', 1))
        self.socket.setblocking(False)
        self.env = {'NOTIFY_SOCKET': name}
        self.lines = []

    def told(self, pattern):
        """Has a line like that come since the last one that was asked for? Those before it are forgotten."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.lines += self.socket.recv(4096).decode().splitlines()
        for at, line in enumerate(self.lines):
            if re.fullmatch(pattern, line):
                self.lines = self.lines[at + 1:]
                return True
        return False

    def close(self):
        self.socket.close()


@pytest.mark.parametrize('name', ['path', 'abstract'])
def test_the_manager_is_told(lab, name):
    w = World(lab, 1, start=False)
    manager = Manager(w.node, os.path.join(lab.folder, 'notify') if name == 'path' else '@peerage-test')
    w.peerd.start(env=manager.env)
    lab.wait(lambda: manager.told('READY=1'), 20, 'READY=1')
    lab.wait(lambda: manager.told('STATUS=Applied'), 20, 'STATUS=Applied')
    w.converged()
    w.peerd.process.signal(signal.SIGHUP)
    lab.wait(lambda: manager.told('RELOADING=1'), 10, 'RELOADING=1')
    lab.wait(lambda: manager.told(r'MONOTONIC_USEC=\d+'), 10, 'and since when')
    lab.wait(lambda: manager.told('READY=1'), 10, 'READY=1 again')
    w.bird.kill()
    lab.wait(lambda: manager.told('STATUS=BirdDown'), 20, 'STATUS=BirdDown')
    assert not manager.told('WATCHDOG=1')
    assert w.peerd.stop() == 0
    assert manager.told('STOPPING=1')
    manager.close()


def test_the_watchdog_is_told_and_children_know_nothing(lab):
    """`bird -p` is a child; its environment is in a file."""
    w = World(lab, 1, start=False)
    manager = Manager(w.node, os.path.join(lab.folder, 'notify'))
    seen, check = os.path.join(lab.folder, 'environment'), os.path.join(lab.folder, 'check')
    with open(check, 'w', encoding='ascii') as file:
        file.write(f'#!/bin/sh\nenv >{seen}.new && mv {seen}.new {seen}\nexec bird "$@"\n')
    os.chmod(check, 0o755)
    w.peerd.start('--bird-program', check, bird=False, env={**manager.env, 'WATCHDOG_USEC': '200000'})
    for _ in range(3):
        lab.wait(lambda: manager.told('WATCHDOG=1'), 10, 'WATCHDOG=1')
    lab.wait(lambda: os.path.exists(seen), 10, 'the configuration is checked')
    with open(seen, encoding='utf-8') as file:
        text = file.read()
    assert 'PATH=' in text and not re.search('^(NOTIFY|WATCHDOG)_', text, re.M), text
    w.peerd.pause()
    while manager.told('WATCHDOG=1'):
        pass
    assert not poll(lambda: manager.told('WATCHDOG=1'), 0.5), 'a peerd that stands still says that it runs'
    w.peerd.resume()
    lab.wait(lambda: manager.told('WATCHDOG=1'), 10, 'WATCHDOG=1 again')
    manager.close()


# ---- confined

def confined_world(lab, etcd):
    """As on Debian: BIRD runs as its own user, its folder and socket are its own; the secret is root's alone."""
    w = World(lab, 0, start=False, etcd=etcd)
    tor = lab.node('tor1')
    w.tors[1] = Bird(tor, TOR % (1, '', 1, 1, 'password "hunter2";'))
    lab.plug(lab.nodes['lan'], tor, '10.0.0.11/24')
    w.tors[1].start()
    w.resources(bgppeer(1, password='{secretKeyRef: {name: bgp, key: tor}}'))
    folder = os.path.dirname(w.bird.conf)
    w.secrets = os.path.join(lab.folder, 'secrets')
    os.makedirs(os.path.join(w.secrets, 'bgp'), mode=0o700)
    with open(os.open(os.path.join(w.secrets, 'bgp', 'tor'), os.O_WRONLY | os.O_CREAT, 0o400), 'w',
              encoding='ascii') as file:
        file.write('hunter2\n')
    os.makedirs(os.path.join(folder, 'local'))
    with open(os.path.join(folder, 'local', 'own.conf'), 'w', encoding='ascii') as file:
        file.write('# nothing\n')
    shutil.chown(folder, 'bird', 'bird')
    shutil.chown(w.bird.conf, 'bird', 'bird')
    os.chmod(folder, 0o750)
    os.chmod(w.bird.conf, 0o640)
    writable = [folder] + ([] if etcd else [os.path.dirname(w.store)])
    w.inside = ['/usr/bin/python3', CONFINE, UNIT, ':'.join(writable)]
    return w


def start_bird(w):
    w.bird.spawn('bird', '-f', '-c', w.bird.conf, '-s', w.bird.socket, '-P', w.bird.socket + '.pid', '-u', 'bird',
                 '-g', 'bird')
    w.lab.wait(lambda: w.bird.birdc('show status'), 10, 'BIRD runs')


def etcd_by_name(lab):
    """With TLS, a password-less certificate of its own, and a name that must be asked for."""
    etcd = Etcd.on(lab, certs=Certs(os.path.join(lab.folder, 'certs')))
    dns = Dns(etcd.node, etcd.address).host('etcd1.lab', etcd.address).start()
    dns.serves(etcd.node)

    def join(node):
        etcd.join(node)
        dns.serves(node)
    return types.SimpleNamespace(store='etcd:https://etcd1.lab:2379', node=etcd.node, env=etcd.env, join=join)


@pytest.mark.parametrize('store', ['sqlite', 'etcd'])
def test_the_whole_agent_confined(lab, store):
    etcd = etcd_by_name(lab) if store == 'etcd' else None
    w = confined_world(lab, etcd)
    env = {'ASAN_OPTIONS': 'detect_leaks=0'}  # to look for leaks it would trace itself
    options = ['--secrets-dir', w.secrets, '--adopt', '--bird-include', os.path.dirname(w.bird.conf) + '/local/*.conf']
    # BIRD is down: `bird -p` checks
    with open(w.bird.conf, 'a', encoding='ascii') as file:
        file.write('# mine\n')
    w.peerd.start(*options, bird=False, env=env, inside=w.inside)
    w.logged('installed ')
    stat = os.stat(w.bird.conf)
    assert (stat.st_mode & 0o777, stat.st_uid, grp.getgrgid(stat.st_gid).gr_name) == (0o640, 0, 'bird')
    # BIRD is up
    start_bird(w)
    w.converged()
    assert w.status()['onLink'], 'the addresses of the interfaces are not known'
    w.change(1, 77, password='{secretKeyRef: {name: bgp, key: tor}}')
    w.changed(1, 77)
    w.peerd.process.signal(signal.SIGHUP)
    w.change(1, 78, password='{secretKeyRef: {name: bgp, key: tor}}')
    w.changed(1, 78)
    w.peerd.process.signal(signal.SIGUSR2)
    w.logged('decision ')
    with open(w.peerd.process.log, encoding='utf-8') as file:
        text = file.read()
    assert not re.search('not permitted|denied|ead-only', text), text
    assert 'hunter2' not in text
    with w.untouched(configured=False):
        assert w.peerd.stop() == 0


# ---- the unit

def test_exposure():
    out = run('systemd-analyze', 'security', '--offline=true', '--no-pager', f'--threshold={int(EXPOSURE * 10)}', UNIT,
              check=False)
    level = re.search(r'exposure level for peerd.service: ([\d.]+)', out[1])
    assert level and float(level[1]) <= EXPOSURE and out[0] == 0, out


def test_install(tmp_path):
    """Into a folder, as a package is made: everything in its place, twice, and what an operator wrote stays."""
    build = os.path.dirname(os.path.dirname(os.path.dirname(program('peerd'))))

    def install():
        done = subprocess.run(['meson', 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', tmp_path],
                              capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done
    options = {one['name']: one['value'] for one in json.loads(run('meson', 'introspect', '--buildoptions', build)[1])}
    prefix = options['prefix'].strip('/')
    etc = os.path.join(options['prefix'], options['sysconfdir']).strip('/')
    install()
    found = {os.path.relpath(os.path.join(folder, name), tmp_path)
             for folder, _, names in os.walk(tmp_path) for name in names}
    assert found == {
        f'{etc}/peerage/peerd.conf',
        f'{prefix}/bin/peerctl',
        f'{prefix}/lib/systemd/system/bird.service.d/peerage.conf',
        f'{prefix}/lib/systemd/system/peerd.service',
        f'{prefix}/lib/sysusers.d/peerage.conf',
        f'{prefix}/sbin/peerd',
    }
    unit = (tmp_path / prefix / 'lib/systemd/system/peerd.service').read_text()
    assert f'ExecStart=/{prefix}/sbin/peerd --options /{etc}/peerage/peerd.conf\n' in unit
    # systemd has nothing to say against it; it looks for the program where it is now.
    (tmp_path / 'peerd.service').write_text(unit.replace(f'=/{prefix}/sbin', f'={tmp_path}/{prefix}/sbin'))
    assert run('systemd-analyze', 'verify', '--man=no', str(tmp_path / 'peerd.service'), check=False) == (0, '', '')
    out = run('systemd-sysusers', f'--root={tmp_path}', '--dry-run', check=False)
    assert out[0] == 0 and 'peerage' in out[1] + out[2], out

    conf = tmp_path / etc / 'peerage/peerd.conf'
    conf.write_text('node mine\n')
    install()
    assert conf.read_text() == 'node mine\n'
    done = subprocess.run([tmp_path / prefix / 'sbin/peerd', '--version'], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.startswith('peerd ')
