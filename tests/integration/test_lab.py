# SPDX-License-Identifier: Apache-2.0
"""The lab itself: on this machine every router peers with BIRD, and nothing is left behind."""

import os

import pytest

from lab import Lab, LabError, run
from routers import Bird, Frr, Gobgp, Openbgpd


def bird_conf(own, own_as, remote, remote_as):
    return f'''
router id {own};
protocol device {{}}
protocol direct {{ ipv4; ipv6; interface "lo"; }}
protocol kernel {{ ipv4 {{ export where source = RTS_BGP; }}; }}
protocol bgp p_remote {{
	local {own} as {own_as};
	neighbor {remote} as {remote_as};
	connect delay time 0; connect retry time 1; error wait time 1, 1;
	ipv4 {{ import all; export all; }};
}}
'''


BIRD = bird_conf('10.0.0.2', 65002, '10.0.0.1', 65001)

FRR = '''
router bgp 65001
 bgp router-id 10.0.0.1
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 2 6
 neighbor 10.0.0.2 remote-as 65002
 neighbor 10.0.0.2 timers connect 1
 address-family ipv4 unicast
  network 10.9.1.0/24
'''

GOBGP = '''
[global.config]
  as = 65001
  router-id = "10.0.0.1"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "10.0.0.2"
    peer-as = 65002
  [neighbors.timers.config]
    connect-retry = 1
'''

OPENBGPD = '''
AS 65001
router-id 10.0.0.1
fib-update no
socket "%s"
network 10.9.1.0/24
neighbor 10.0.0.2 { remote-as 65002 }
allow from any
allow to any
'''


def make_frr(node):
    return Frr(node, FRR).start()


def make_gobgp(node):
    gobgp = Gobgp(node, GOBGP).start()
    gobgp.announce('10.9.1.0/24')
    return gobgp


def make_openbgpd(node):
    openbgpd = Openbgpd(node)
    openbgpd.write(OPENBGPD % openbgpd.socket)
    return openbgpd.start()


def make_bird(node):
    node.address('lo', '10.9.1.0/24')
    return Bird(node, bird_conf('10.0.0.1', 65001, '10.0.0.2', 65002)).start()


@pytest.mark.parametrize('make', [make_frr, make_gobgp, make_openbgpd, make_bird])
def test_router_peers_with_bird(lab, make):
    tor, node = lab.node('tor'), lab.node('node', '10.9.2.1/32')
    lab.link(tor, '10.0.0.1/24', node, '10.0.0.2/24')
    bird = Bird(node, BIRD).start()
    router = make(tor)
    lab.wait(lambda: bird.established('10.0.0.1') and router.established('10.0.0.2'), 15, 'Established on both ends')
    lab.wait(lambda: '10.9.1.0/24' in bird.routes('p_remote'), 5, 'the router\'s prefix in BIRD')
    lab.wait(lambda: '10.9.2.1/32' in router.routes(), 5, 'BIRD\'s prefix in the router')
    lab.wait(lambda: 'via 10.0.0.1' in node.kernel_routes().get('10.9.1.0/24', ''), 5, 'and in the kernel')
    router.kill()
    lab.wait(lambda: not bird.established('10.0.0.1'), 15, 'BIRD sees it go')
    assert not router.sessions() and not router.routes()


def test_pause_and_restart(lab):
    tor, node = lab.node('tor'), lab.node('node')
    lab.lan('rack', tor='10.0.0.1/24 fd00::1/64', node='10.0.0.2/24 fd00::2/64')
    bird, frr = Bird(node, BIRD).start(), Frr(tor, FRR).start()
    lab.wait(lambda: bird.established('10.0.0.1'), 15, 'Established')
    since = bird.since()
    bird.pause()
    assert not bird.sessions()
    bird.resume()
    assert bird.since() == since
    frr.pause()
    lab.wait(lambda: not bird.established('10.0.0.1'), 20, 'the hold timer of 6 s ends it')
    frr.resume()
    assert bird.stop() == 0
    bird.start()
    lab.wait(lambda: bird.established('10.0.0.1'), 15, 'Established again')


def test_nothing_stays():
    with pytest.raises(LabError, match='not within 0.1 s: the impossible'):
        with Lab() as lab:
            node = lab.node('a')
            process = node.spawn('sleeper', 'tail', '-f', '/dev/null')
            assert process.alive and lab.prefix in run('ip', 'netns', 'list')[1]
            assert 'sleeper' in lab.dump()
            lab.wait(lambda: False, 0.1, 'the impossible')
    assert not process.alive
    assert lab.prefix not in run('ip', 'netns', 'list')[1]
    assert not os.path.exists(lab.folder)


def test_findings_of_sanitizers_are_seen(lab):
    process = lab.node('a').spawn('broken', 'echo', 'x.c:1:2: runtime error: signed integer overflow')
    process.child.wait()
    assert 'overflow' in lab.findings()
    lab.processes.remove(process)
