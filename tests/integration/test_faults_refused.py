# SPDX-License-Identifier: Apache-2.0
"""What BIRD refuses, and what peerd cannot read: templates, includes, secrets, a Node that is gone."""

import ctypes
import json
import os
import re
import signal

import pytest

from faults import BASE, NODE, World, address, bgppeer
from lab import LabError

ROLES = 'protocol:\nlocal role ${role};\n'


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + '.new', 'w', encoding='utf-8') as file:
        file.write(text)
    os.rename(path + '.new', path)
    return path


def templated(lab, text, n=3):
    path = write(os.path.join(lab.folder, 'template'), text)
    return path, World(lab, n, options=['--session-template', path])


def test_refused_peer_keeps_its_session(lab):
    _, w = templated(lab, ROLES)
    with w.untouched(1, 3):
        w.resources(bgppeer(1, extensions='{role: nonsense}') + bgppeer(2, maxRestartTime='71s'))
        w.shows(2, 'restart time 71;')
        found = w.problem('REFUSED_BY_BIRD', 'what ran before stays')
        assert found['origin'] == 'bgppeer/tor-1'
        assert 'nonsense' not in w.block(1)
        w.converged()
        w.calm()
        # It stays so: over another change, over a restart of the agent.
        w.change(2, 72)
        w.changed(2, 72)
        w.peerd.kill()
        w.restart()
        w.problem('REFUSED_BY_BIRD', 'what ran before stays')
        w.change(2, 73)
        w.changed(2, 73)
    with w.untouched(2, 3):
        w.resources(bgppeer(1, maxRestartTime='74s'))
        w.changed(1, 74)
        lab.wait(lambda: not w.status().get('problems'), 10, 'the problem is gone')


def test_refused_peer_that_never_ran_is_left_out(lab):
    _, w = templated(lab, ROLES)
    peer4 = bgppeer(4, extensions='{role: nonsense}')
    with w.untouched():
        w.resources(peer4)
        w.problem('REFUSED_BY_BIRD', 'left out')
        w.converged()
        assert address(4) not in w.bird.sessions()
        assert 'REFUSED_BY_BIRD' in w.peerctl('status')[2] + w.peerctl('status', '-o', 'json')[1]


def test_two_refused_peers(lab):
    _, w = templated(lab, ROLES)
    with w.untouched(1, 2):
        w.resources(bgppeer(1, extensions='{role: nonsense}') + bgppeer(2, extensions='{role: rubbish}') +
                    bgppeer(3, maxRestartTime='71s'))
        w.changed(3, 71)
        lab.wait(lambda: sum(p['code'] == 'REFUSED_BY_BIRD' for p in w.status().get('problems', [])) == 2, 10, 'both')


def test_bird_that_no_longer_takes_its_file(lab):
    """What an earlier BIRD took costs the session that uses it alone, and BIRD can start."""
    path = write(os.path.join(lab.folder, 'template'), 'protocol:\nhold time ${hold};\n')
    lenient = write(os.path.join(lab.folder, 'any'), '#!/bin/sh\nexit 0\n')
    os.chmod(lenient, 0o755)
    w = World(lab, 2, start=False, options=['--session-template', path])
    w.resources(bgppeer(1, extensions='{hold: "1"}'))
    w.start('--bird-program', lenient, bird=False)
    lab.wait(lambda: w.bird.conf and 'hold time 1;' in w.block(1), 15, 'the file of the earlier BIRD')
    w.peerd.kill()
    with pytest.raises(LabError, match='BIRD did not start'):
        w.bird.start()
    w.start(bird=False)
    lab.wait(lambda: not w.block(1) and w.block(2), 15, 'a file that this BIRD takes')
    w.bird.start()
    lab.wait(lambda: w.up(2), 30, 'the other session')
    assert w.problem('REFUSED_BY_BIRD')['origin'] == 'bgppeer/tor-1'
    assert 'peer_10_0_0_11' not in w.bird.protocols()
    with w.untouched(2):
        w.resources(bgppeer(1, extensions='{hold: "9"}'))
        w.shows(1, 'hold time 9;')
        w.converged(timeout=30)


def hold(seconds):
    return BASE.replace('MeshEnabled: false', f"MeshEnabled: false, extensions: {{hold: '{seconds}'}}")


def test_refused_line_of_all_is_set_aside_at_once(lab):
    """One answer of BIRD for all who use the line, not one for each."""
    _, w = templated(lab, 'protocol:\nhold time ${hold};\n')
    with w.untouched(configured=False):
        w.resources(hold('1'))
        lab.wait(lambda: sum(p['code'] == 'REFUSED_BY_BIRD' for p in w.status().get('problems', [])) == 3, 10, 'all')
        assert len([line for line in w.log() if ' refused ' in line]) == 1
        w.calm()
    w.resources(hold('9'))
    for number in (1, 2, 3):
        w.shows(number, 'hold time 9;')
    w.converged()
    assert not w.status().get('problems')


def test_reload_reads_the_template(lab):
    path, w = templated(lab, 'protocol:\n', n=2)
    with w.untouched(configured=False):
        write(path, 'protocol:\nhold time 30;\n')
        w.rest(2)
    w.peerd.process.signal(signal.SIGHUP)
    w.shows(1, 'hold time 30;')
    w.converged()
    with w.untouched(configured=False):
        write(path, 'protocol:\nhold time ${;\n')
        w.peerd.process.signal(signal.SIGHUP)
        w.reported('Applied', 'the session template is not used as it is now')
        w.rest()
        w.converged()
        os.unlink(path)
        w.peerd.process.signal(signal.SIGHUP)
        w.reported('Applied', 'the session template is not used as it is now')
        w.calm()
    write(path, 'protocol:\nhold time 33;\n')
    w.peerd.process.signal(signal.SIGHUP)
    w.shows(2, 'hold time 33;')
    w.converged()


def test_broken_include(lab):
    include = os.path.join(lab.folder, 'include', 'mine.conf')
    write(include, 'protocol static mine { ipv4; route 9.9.9.0/24 blackhole; }\n')
    w = World(lab, 2, options=['--bird-include', os.path.dirname(include) + '/*.conf'])
    assert 'mine' in w.bird.birdc('show protocols')
    with w.untouched(configured=False):
        write(include, 'protocol static mine {\n\tipv4; rubbish;\n}\n')
        w.change(1, 71)
        w.reported('Refused', r'mine.conf:2: "ipv4; rubbish;": syntax error')
        w.calm()
        assert w.file_id() == w.runs()
    with w.untouched(2): # mended: noticed by itself
        write(include, 'protocol static mine { ipv4; route 9.9.8.0/24 blackhole; }\n')
        w.changed(1, 71)
        assert '9.9.8.0/24' in w.bird.routes('mine')
    with w.untouched(): # and so is that it is gone
        os.unlink(include)
        lab.wait(lambda: ' mine ' not in w.bird.birdc('show protocols'), 30, 'BIRD reads no such file')


def test_broken_include_at_start(lab):
    include = os.path.join(lab.folder, 'include', 'mine.conf')
    write(include, 'rubbish;\n')
    w = World(lab, 1, options=['--bird-include', include], start=False)
    w.start()
    w.reported('Refused', r'mine.conf:1: "rubbish;"')
    w.calm()
    write(include, '\n')
    w.change(1, 71)
    w.changed(1, 71)


# ---- the Node

def test_node_deleted(lab):
    w = World(lab, 2)
    with w.untouched(configured=False):
        rc, _, err = w.peerctl('delete', 'node', 'n1')
        assert rc == 0, err
        w.reported('Held', 'n1')
        w.change(1, 71)
        w.calm()
        w.peerd.kill()
        w.restart()
        w.reported('Held', 'n1')
        w.rest(2)
    with w.untouched(2):
        w.resources(BASE)
        w.changed(1, 71)


def test_mistyped_node(lab):
    w = World(lab, 2)
    w.peerd.kill()
    with w.untouched(configured=False):
        w.restart('--node', 'n2')
        w.peerd.kill()
        w.peerd.as_node = 'n2'
        w.restart()
        w.logged('Held.*n2')
        w.rest(2)
    w.peerd.kill()
    w.peerd.as_node = 'n1'
    w.restart()
    w.converged()


def test_node_without_an_address(lab):
    """Not a fault but an edit: it is done, and said."""
    w = World(lab, 2)
    w.resources(BASE.replace(f'ipv4Address: {NODE}/24, ', ''))
    assert w.problem('NO_LOCAL_ADDRESS')['origin'] == 'bgppeer/tor-1'
    lab.wait(lambda: not w.bird.sessions(), 10, 'the sessions are gone')
    w.resources(BASE)
    w.converged()


# ---- secrets

def secret_world(lab, n=2):
    folder = os.path.join(lab.folder, 'secrets')
    key = write(os.path.join(folder, 's', 'k'), 'geheim\n')
    w = World(lab, n, lambda number: ('', 'password "geheim";' if number == 1 else ''), start=False,
              options=['--secrets-dir', folder])
    w.resources(bgppeer(1, password='{secretKeyRef: {name: s, key: k}}'))
    w.start()
    w.converged()
    return w, key


def break_loop(path):
    os.symlink('k', path)


def break_fifo(path):
    os.mkfifo(path)


def break_outside(path):
    os.symlink('/etc/hostname', path)


def break_folder(path):
    os.mkdir(path)


@pytest.mark.parametrize('make', [break_loop, break_fifo, break_outside, break_folder])
def test_secret_unreadable_keeps_the_session(lab, make):
    w, key = secret_world(lab)
    assert 'password "geheim"' in w.block(1)
    with w.untouched(1):
        make(key + '.new')
        if os.path.isdir(key + '.new'):
            # A folder takes no file's place: the two are exchanged by their parent.
            parent = os.path.dirname(key)
            os.mkdir(parent + '.new')
            os.rename(key + '.new', parent + '.new/k')
            swap(parent)
        else:
            os.rename(key + '.new', key)
        w.problem('SECRET_UNREADABLE')
        w.change(2, 71)
        w.changed(2, 71)
        w.peerd.kill()
        w.restart()
        assert w.problem('SECRET_UNREADABLE')['since']
        w.change(2, 72)
        w.changed(2, 72)
        assert 'password "geheim"' in w.block(1)
        if os.path.isdir(key):
            swap(os.path.dirname(key))
        else:
            write(key, 'geheim\n')
        lab.wait(lambda: not w.status().get('problems'), 15, 'the problem is gone')
        w.converged()


def swap(path):
    """PATH and PATH.new change places at one go."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.renameat2(-100, path.encode(), -100, (path + '.new').encode(), 2) == 0, ctypes.get_errno()


def test_secrets_folder_away_keeps_the_session(lab):
    w, key = secret_world(lab)
    folder = os.path.dirname(os.path.dirname(key))
    with w.untouched():
        os.rename(folder, folder + '.away')
        w.rest(7)
        found = [p['code'] for p in w.status().get('problems', [])]
        os.rename(folder + '.away', folder)
        assert found == ['SECRET_UNREADABLE'], found
        lab.wait(lambda: not w.status().get('problems'), 15, 'the problem is gone')


def test_secret_removed_keeps_the_session(lab):
    """Deleted, missing through restarts of peerd and of BIRD, made again: the session has its password all the time."""
    w, key = secret_world(lab)
    with w.untouched():
        os.unlink(key)
        assert w.problem('SECRET_MISSING')['origin'] == 'bgppeer/tor-1'
        assert key in w.problem('SECRET_MISSING')['text']
        w.calm()
        w.peerd.kill()
        w.restart()
        w.problem('SECRET_MISSING')
        assert not [p for p in w.status()['problems'] if p['code'] in ('DISABLED', 'LESS_THAN_ASKED')]
        assert 'password "geheim"' in w.block(1)
    w.bird.kill()
    w.bird.start()
    lab.wait(lambda: w.bird.sessions().get('10.0.0.11') == 'Established', 30, 'up again without the secret')
    with w.untouched():
        write(key, 'geheim\n')
        lab.wait(lambda: not w.status().get('problems'), 15, 'the problem is gone')
        w.converged(timeout=30)


def test_password_asked_for_before_its_secret_is_there(lab):
    """What runs stays, and that it has less than is asked is said; what never ran does not start."""
    w, _ = secret_world(lab)
    with w.untouched():
        w.resources(bgppeer(2, password='{secretKeyRef: {name: s, key: later}}'))
        assert w.problem('LESS_THAN_ASKED')['origin'] == 'bgppeer/tor-2'
        assert w.problem('SECRET_MISSING')['origin'] == 'bgppeer/tor-2'
        w.peerd.kill()
        w.restart()
        w.problem('LESS_THAN_ASKED')
    # Stopped by hand it cannot be enabled: it would run without what is asked.
    w.bird.birdc('disable peer_10_0_0_12')
    lab.wait(lambda: 'peer_10_0_0_12' not in w.bird.protocols(), 20, 'no text of it in BIRD')
    w.problem('DISABLED')
    with w.untouched(1):
        w.peerd.kill()
        w.restart()
        w.rest(2)
        assert 'peer_10_0_0_12' not in w.bird.protocols()


def test_filter_deleted_and_a_hand(lab):
    """Filter deleted, `birdc disable`, `birdc enable`: the session never runs without its filter."""
    w = World(lab, 2)
    w.resources("""apiVersion: projectcalico.org/v3
kind: BGPFilter
metadata: {name: none}
spec: {importV4: [{action: Reject}]}
""" + bgppeer(1, filters='[none]'))
    w.shows(1, 'import filter')
    w.converged()
    with w.untouched():
        rc, _, err = w.peerctl('delete', 'bgpfilter', 'none')
        assert rc == 0, err
        w.problem('FILTER_MISSING')
    for restart in (False, True):
        w.bird.birdc('disable peer_10_0_0_11')
        w.problem('DISABLED')
        if restart:
            w.peerd.kill()
            w.restart()
        w.bird.birdc('enable peer_10_0_0_11')
        lab.wait(lambda: w.bird.sessions().get('10.0.0.11') == 'Established', 30, 'up again')
        assert 'import filter import_' in w.block(1)
        assert re.search(r'Input filter: +import_', w.bird.birdc('show protocols all peer_10_0_0_11'))
        lab.wait(lambda: not [p for p in w.status()['problems'] if p['code'] == 'DISABLED'], 20, 'no hand any more')


@pytest.mark.parametrize('value', ['x' * 81, 'a"; protocol static evil { ipv4; } #', 'a\nb', 'a\0b', ''])
def test_secret_that_bird_cannot_take(lab, value):
    w, key = secret_world(lab)
    with w.untouched():
        write(key, value)
        assert w.problem('SECRET_INVALID' if value else 'SECRET_MISSING')['origin'] == 'bgppeer/tor-1'
        w.calm()
        assert 'password "geheim"' in w.block(1)
        assert 'evil' not in w.bird.birdc('show protocols')
        write(key, 'geheim')
        lab.wait(lambda: not w.status().get('problems'), 15, 'the problem is gone')
        w.converged(timeout=30)


def test_secret_rotated(lab):
    """Both ends get another one; the other session does not notice."""
    w, key = secret_world(lab)
    with w.untouched(2):
        write(key, 'neu\n')
        w.tors[1].write(open(w.tors[1].conf, encoding='utf-8').read().replace('geheim', 'neu'))
        w.tors[1].birdc('configure')
        w.shows(1, 'password "neu"')
        w.converged(timeout=30)
    assert 'neu' not in ''.join(w.log('.*')) and 'geheim' not in ''.join(w.log('.*'))


# ---- a field that stops a session

def test_admin_state(lab):
    """Down until the field says otherwise: a hand that enables it is answered within a look."""
    w = World(lab, 2)
    down = bgppeer(1).replace('metadata: {name: tor-1}',
                              'metadata: {name: tor-1, annotations: {peerage.dev/adminState: Down}}')
    rc, out, _ = w.peerctl('plan', '-f', '-', stdin=down)
    assert rc == 1 and re.search(r'bgppeer/tor-1 +stopped +its resource says so', out) and ', stops 1' in out, out
    with w.untouched(2):
        w.resources(down)
        lab.wait(lambda: not w.up(1), 15, 'down')
        w.bird.birdc('enable peer_10_0_0_11')
        lab.wait(lambda: w.log('info enabled|warning enabled'), 20, 'the log has it')
        lab.wait(lambda: w.bird.protocols()['peer_10_0_0_11']['state'] == 'down', 15, 'down again')
        lab.wait(lambda: [s for s in json.loads(w.peerctl('status', '-o', 'json')[1])['sessions']
                          if s['name'] == 'peer_10_0_0_11' and s.get('code') == 'ADMIN_DOWN' and s['fate'] == 'stopped'],
                 10, 'the status says so')
        w.resources(bgppeer(1))
        w.converged(timeout=30)
