# SPDX-License-Identifier: Apache-2.0
"""What happens to BIRD: restarted, killed, frozen, without its socket, with a peer that hangs, sessions taken down."""

import os
import re
import signal

import pytest

from faults import BASE, NODE, World, address, bgppeer
from lab import LabError
from peerage import Peerd, apply
from routers import Bird

# The detection deadline: the observer gives BIRD so long for an answer (engine/observer.c), seconds.
DEADLINE = 20

SMALL_BUFFERS = ('net.ipv4.tcp_rmem=4096 8192 8192', 'net.ipv4.tcp_wmem=4096 8192 8192')


def test_restarted_by_hand(lab):
    w = World(lab, 2)
    file_id = w.file_id()
    assert w.bird.stop() == 0
    w.reported('BirdDown', 'bird.ctl')
    w.bird.start(recover=True)
    w.converged()
    assert w.file_id() == file_id
    with w.untouched(2):
        w.change(1, 71)
        w.changed(1, 71)


def test_killed(lab):
    w = World(lab, 2)
    w.bird.kill()
    w.reported('BirdDown', 'bird.ctl')
    w.calm(3)
    # A change meanwhile is checked and waits in the file for BIRD's start.
    w.change(1, 71)
    w.shows(1, 'restart time 71;')
    w.logged('installed')
    w.bird.start(recover=True)
    w.converged()


def test_killed_and_back_at_once(lab):
    """So fast that the agent sees only another connection."""
    w = World(lab, 2)
    for number in range(5):
        w.bird.kill()
        w.change(1, 71 + number)
        w.bird.start(recover=True)
        w.changed(1, 71 + number)


def test_what_is_wrong_while_down_is_said(lab):
    """Down and held: one of them is said, once."""
    w = World(lab, 2)
    w.bird.kill()
    w.reported('BirdDown', 'bird.ctl')
    rc, _, err = w.peerctl('delete', 'node', 'n1')
    assert rc == 0, err
    w.reported('Held', 'n1')
    w.calm(3)
    w.resources(BASE)
    w.reported('BirdDown', 'bird.ctl')
    w.bird.start(recover=True)
    w.converged()


def test_refused_while_down(lab):
    template = os.path.join(lab.folder, 'template')
    with open(template, 'w', encoding='utf-8') as file:
        file.write('protocol:\nlocal role ${role};\n')
    w = World(lab, 2, options=['--session-template', template])
    w.bird.kill()
    w.reported('BirdDown', 'bird.ctl')
    w.resources(bgppeer(1, extensions='{role: nonsense}') + bgppeer(2, maxRestartTime='71s'))
    w.problem('REFUSED_BY_BIRD', 'nonsense|syntax|Expected')
    w.shows(2, 'restart time 71;')
    w.calm(3)
    w.bird.start(recover=True)
    w.converged()


def test_frozen_for_twice_the_deadline(lab):
    w = World(lab, 2)
    before = w.reconfigured()
    w.bird.pause()
    w.reported('BirdDown', 'no answer|hang', timeout=DEADLINE + 15)
    w.rest(2 * DEADLINE - DEADLINE)
    w.bird.resume()
    w.converged(timeout=30)
    assert w.reconfigured() == before


def test_frozen_shortly_over_a_change(lab):
    w = World(lab, 2)
    with w.untouched(2):
        w.bird.pause()
        w.change(1, 71)
        w.rest(4)
        w.bird.resume()
        w.changed(1, 71)


def test_socket_removed(lab):
    """BIRD runs on and cannot be asked by anybody new: nothing can be done but say so, and nothing is done."""
    w = World(lab, 2)
    os.unlink(w.bird.socket)
    w.peerd.kill()
    w.restart()
    w.reported('BirdDown', 'No such file')
    w.calm()
    assert all(tor.established(NODE) for tor in w.tors.values())
    w.bird.kill()
    w.bird.start(recover=True)
    w.converged()


def test_socket_removed_while_connected(lab):
    """The connections that are there go on."""
    w = World(lab, 2)
    os.rename(w.bird.socket, w.bird.socket + '.away')
    w.change(1, 71)
    w.shows(1, 'restart time 71;')
    w.logged('applied .*sessions=2')
    w.rest(1)
    os.rename(w.bird.socket + '.away', w.bird.socket)
    w.converged()


def test_down_when_peerd_starts(lab):
    w = World(lab, 2, start=False)
    os.unlink(w.bird.conf)
    w.start(bird=False)
    w.logged('installed')
    w.reported('BirdDown', 'its file is ready')
    assert not os.path.exists(w.bird.conf + '.candidate')
    assert os.stat(w.bird.conf).st_mode & 0o777 == 0o640
    w.calm()
    w.bird.start()
    w.converged()
    assert w.reconfigured() is not None


def test_down_when_peerd_starts_with_a_foreign_file(lab):
    w = World(lab, 2, start=False)
    w.bird.write('router id 10.0.0.9;\nprotocol device {}\n')
    w.start(bird=False)
    w.reported('NotOurs', '--adopt')
    w.calm()
    assert 'peerage' not in open(w.bird.conf, encoding='utf-8').read()
    w.peerd.kill()
    w.restart('--adopt')
    w.logged('installed')
    assert 'router id 10.0.0.9' in open(w.bird.conf + '.before-peerage', encoding='utf-8').read()
    w.bird.start()
    w.converged()


def test_no_bird_program_while_down(lab):
    """What cannot be checked is not installed."""
    w = World(lab, 2)
    w.peerd.kill()
    w.bird.kill()
    before = w.file_id()
    w.change(1, 71)
    w.restart('--bird-program', '/nonexistent/bird')
    w.reported('Failed', '/nonexistent/bird')
    assert w.file_id() == before
    w.peerd.kill()
    w.restart()
    w.shows(1, 'restart time 71;')
    w.bird.start(recover=True)
    w.converged()


# ---- sessions

def test_disabled_by_hand(lab):
    w = World(lab, 2)
    with w.untouched(2):
        assert 'disabled' in w.bird.birdc('disable peer_10_0_0_11')
        w.problem('DISABLED')
        w.rest(1)
        assert w.bird.protocols()['peer_10_0_0_11']['state'] == 'down'
    # Another change leaves it down, and so does a restart of the agent.
    w.change(2, 71)
    w.changed_only(2, 71)
    assert w.bird.protocols()['peer_10_0_0_11']['state'] == 'down'
    with w.untouched(2):
        w.peerd.kill()
        w.restart()
        w.rest()
        assert w.bird.protocols()['peer_10_0_0_11']['state'] == 'down'
        assert w.problem('DISABLED')
    w.change(2, 72)
    w.changed_only(2, 72)
    assert w.bird.protocols()['peer_10_0_0_11']['state'] == 'down'
    with w.untouched(2):
        assert 'enabled' in w.bird.birdc('enable peer_10_0_0_11')
        w.converged(timeout=30)
        lab.wait(lambda: not w.status().get('problems'), 15, 'the problem is gone')
    w.change(2, 73)
    w.changed(2, 73)


def test_disabled_by_hand_without_an_agent(lab):
    w = World(lab, 2)
    w.peerd.kill()
    w.bird.birdc('disable peer_10_0_0_11')
    with w.untouched(2):
        w.restart()
        w.problem('DISABLED')
        w.rest(2)
        assert w.bird.protocols()['peer_10_0_0_11']['state'] == 'down'
        w.bird.birdc('enable peer_10_0_0_11')
        w.converged(timeout=30)


def test_disabled_by_hand_during_a_change(lab):
    """Between the check of a change and its `configure`, which would start what a hand has just stopped."""
    w = World(lab, 2)
    w.bird.pause()
    w.change(2, 71)
    lab.wait(lambda: os.path.exists(w.bird.conf + '.candidate'), 5, 'the candidate is being checked')
    os.kill(w.peerd.process.pid, signal.SIGSTOP)
    w.bird.resume()
    lab.wait(lambda: 'disabled' in w.bird.birdc('disable peer_10_0_0_11'), 5, 'a hand stops it')
    os.kill(w.peerd.process.pid, signal.SIGCONT)
    w.changed_only(2, 71)
    w.problem('DISABLED')
    assert w.bird.protocols()['peer_10_0_0_11']['state'] == 'down'
    w.bird.birdc('enable peer_10_0_0_11')
    w.converged(timeout=30)


def test_disabled_by_hand_over_a_restart_of_bird(lab):
    w = World(lab, 2)
    w.bird.birdc('disable peer_10_0_0_11')
    w.problem('DISABLED')
    lab.wait(lambda: 'disabled; # by hand' in w.block(1), 10, 'the file keeps it')
    w.bird.kill()
    w.bird.start(recover=True)
    lab.wait(lambda: w.up(2), 20, 'the other is up')
    w.rest(2)
    assert w.bird.protocols()['peer_10_0_0_11']['state'] == 'down'
    w.bird.birdc('enable peer_10_0_0_11')
    w.converged(timeout=30)


def test_restarted_session_is_not_disabled(lab):
    w = World(lab, 2)
    with w.untouched(2):
        for _ in range(3):
            w.bird.birdc('restart peer_10_0_0_11')
            w.converged()
    assert not w.status().get('problems')


@pytest.mark.parametrize('hang', ['hung', 'gone'])
def test_peer_that_hangs_is_removed(lab, hang):
    """Its TCP window is full: BIRD waits for it up to ten seconds, and reconfigures meanwhile."""
    def tor(number):
        if number == 2:
            return 'protocol static flood { disabled; ipv4;\n' + ''.join(
                f'route 20.{i // 250}.{i % 250}.0/24 blackhole;\n' for i in range(20000)) + '}', ''
        return '', ''

    w = World(lab, 3, tor, start=False)
    for node in (w.node, w.tors[1].node):
        for setting in SMALL_BUFFERS:
            node.run('sysctl', '-qw', setting)
    w.resources('''
apiVersion: projectcalico.org/v3
kind: BGPFilter
metadata: {name: all}
spec: {exportV4: [{action: Accept, matchOperator: In, cidr: 20.0.0.0/8}]}
''' + bgppeer(1, filters='[all]'))
    w.start()
    w.converged()
    w.tors[1].pause()
    w.tors[2].birdc('enable flood')
    lab.wait(lambda: re.search(r"\b2000\d of", w.bird.birdc("show route count")), 20, 'the flood is here')
    w.rest(1)
    if hang == 'gone':
        w.tors[1].node.ip('link', 'set', 'eth0', 'down')
    with w.untouched(2):
        rc, _, err = w.peerctl('delete', 'bgppeer', 'tor-1')
        assert rc == 0, err
        lab.wait(lambda: 'in progress' in w.bird.birdc('configure status'), 5, 'BIRD waits for the hung peer')
        w.change(3, 71)
        w.rest(2)
        assert 'in progress' in w.bird.birdc('configure status')
        w.shows(3, 'restart time 71;', timeout=30)
        w.converged(2, 3, timeout=30)
        assert address(1) not in w.bird.sessions()


def test_host_without_ipv4_on_the_file_of_the_package(lab):
    """BIRD does not start with it: it finds no router id. Ours is ready, which is said, and BIRD starts with that."""
    node, tor = lab.node('n1'), lab.node('tor')
    lab.link(node, 'fd00:1::1/64', tor, 'fd00:1::2/64')
    with open('/usr/share/bird2/bird.conf', encoding='utf-8') as file:
        package = file.read()
    remote = Bird(tor, 'router id 10.9.9.9;\nprotocol device {}\nprotocol bgp node {\n\tlocal fd00:1::2 as 65001;\n'
                  '\tneighbor fd00:1::1 as 64512;\n\tconnect delay time 0; connect retry time 1;\n'
                  '\tipv6 { import all; export all; };\n}\n').start()
    store = os.path.join(lab.folder, 'store', 'peerage.db')
    apply(store, """apiVersion: projectcalico.org/v3
kind: Node
metadata: {name: n1}
spec: {bgp: {ipv6Address: "fd00:1::1/64", asNumber: 64512}}
---
apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: tor}
spec: {peerIP: "fd00:1::2", asNumber: 65001}
""")
    peerd = Peerd(node, store, package)
    with pytest.raises(LabError, match='BIRD did not start'):
        peerd.bird.start()
    peerd.start('--adopt', bird=False)
    said = lab.wait(lambda: [n for n in peerd.status().get('nodes', []) if 'its file is ready' in n.get('message', '')],
                    15, 'the file is ready')
    assert said[0]['state'] == 'BirdDown' and 'BIRD is not running' in said[0]['message']
    with open(peerd.bird.conf + '.before-peerage', encoding='utf-8') as file:
        assert file.read() == package
    peerd.bird.start()
    lab.wait(lambda: remote.sessions().get('fd00:1::1') == 'Established', 30, 'the session')
