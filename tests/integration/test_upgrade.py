# SPDX-License-Identifier: Apache-2.0
"""What an upgrade of peerd costs: the text of the last release runs, then today's peerd takes over.

data/rendered-VERSION.conf is what that release rendered for RESOURCES, kept as it was. A renderer that restarts
sessions says so in doc/changes.md, and lists them here (decisions: 42).
"""

import os

import pytest

from fabric import Fabric, bgpfilter, bird_for, config, id_in, neighbour, node, peer, pool
from lab import Lab

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data')
VERSION = '0.1.0'
REMOTES = ['10.1.0.1', '10.1.0.2', 'fd01::1']
RESTARTS = set(REMOTES)  # whose session the renderer of today restarts, once: next hops are looked up in other tables
RESOURCES = [
    config(), pool('pods', '10.244.0.0/16'), node('n1', {'rack': 'a'}, ipv4Address='10.1.0.11/24', ipv6Address='fd01::11/64'),
    bgpfilter('some', importV4=[{'action': 'Accept', 'matchOperator': 'In', 'cidr': '10.9.0.0/16'}, {'action': 'Reject'}]),
    peer('plain', nodeSelector="rack == 'a'", peerIP='10.1.0.1', asNumber=65001, filters=['some'], maxRestartTime='90s'),
    peer('fast', node='n1', peerIP='10.1.0.2', asNumber=65002, failureDetectionMode='BFDIfDirectlyConnected',
         restartMode='LongLivedGracefulRestart', birdGatewayMode='DirectIfDirectlyConnected'),
    peer('six', peerIP='fd01::1', asNumber=65001, sourceAddress='None'),
]


def last_release():
    with open(os.path.join(DATA, f'rendered-{VERSION}.conf'), encoding='utf-8') as file:
        return file.read()


@pytest.fixture(scope='module', params=[False, True], ids=['as it was', 'and another id'])
def rack(request):
    with Lab() as lab:
        tor, other, own = lab.node('tor'), lab.node('other'), lab.node('n1', '10.244.1.1/32')
        lab.lan('switch', tor='10.1.0.1/24 fd01::1/64', other='10.1.0.2/24', n1='10.1.0.11/24 fd01::11/64')
        bird_for(tor, '10.1.0.1', neighbour('10.1.0.1', 65001, '10.1.0.11', 64512, 'multihop;'),
                 neighbour('fd01::1', 65001, 'fd01::11', 64512, 'multihop;'))
        bird_for(other, '10.1.0.2', 'protocol bfd {}',
                 neighbour('10.1.0.2', 65002, '10.1.0.11', 64512, 'direct; bfd on; passive on;'))
        fabric = Fabric(lab, *RESOURCES)
        fabric.agent(own)
        fabric._apply(RESOURCES)
        fabric.cosmetic = request.param
        yield fabric


def test_sessions_stay_or_restart_once(rack):
    agent, text = rack.agents['n1'], last_release()
    if rack.cosmetic:  # a release whose text differs in what BIRD does not see: it must be replaced, and cost nothing
        text = text.replace(id_in(text), 'f' * 16).replace('# block base base\n', '# block base base\n# older words\n')
    agent.bird.write(text)
    agent.bird.start()
    rack.lab.wait(lambda: {remote for _, remote in rack.since()} == set(REMOTES), 20, 'the last release is up')
    before = rack.since()
    agent.start(*rack.options['n1'], bird=False)
    rack.settle()
    rack.lab.wait(lambda: {remote for _, remote in rack.since()} == set(REMOTES) and
                  {key[1] for key, was in rack.since().items() if was != before[key]} >= RESTARTS, 30, 'all are up again')
    after = rack.since()
    assert {key[1] for key, was in after.items() if was != before[key]} == RESTARTS
    rack.lab.holds(lambda: rack.since() == after, 2, 'sessions stay up after the upgrade')
