# SPDX-License-Identifier: Apache-2.0
"""Where a session runs: peerIP in all its spellings, ports, sourceAddress, bindMode.

Two nodes in a rack with two routers: FRR at port 179, BIRD at port 1179 and on its link-local address. n1 has a cable
of its own to a GoBGP in another network.
"""

import re

import pytest

from fabric import Fabric, bird_for, config, frr_for, neighbour, node, peer
from lab import Lab
from routers import Gobgp

TOR, TOR6, SPINE = '10.1.0.1', 'fd01::1', '10.1.0.2'
NODES = {'n1': ('10.1.0.11', 'fd01::11'), 'n2': ('10.1.0.12', 'fd01::12')}
FAR = '10.2.0.1'

GOBGP = '''
[global.config]
  as = 65003
  router-id = "10.2.0.1"
[[peer-groups]]
  [peer-groups.config]
    peer-group-name = "nodes"
    peer-as = 64512
[[dynamic-neighbors]]
  [dynamic-neighbors.config]
    prefix = "10.0.0.0/8"
    peer-group = "nodes"
'''


@pytest.fixture(scope='module')
def rack():
    with Lab() as lab:
        tor, spine, far = (lab.node(name) for name in ('tor', 'spine', 'far'))
        nodes = [lab.node(name) for name in NODES]
        lab.lan('switch', tor=f'{TOR}/24 {TOR6}/64', spine=f'{SPINE}/24 fe80::2/64',
                **{name: f'{v4}/24 {v6}/64' for name, (v4, v6) in NODES.items()})
        lab.link(nodes[0], '10.2.0.11/24', far, f'{FAR}/24')
        far.ip('route', 'add', '10.1.0.0/24', 'via', '10.2.0.11')
        fabric = Fabric(lab, config(), *[node(name, ipv4Address=f'{v4}/24', ipv6Address=f'{v6}/64')
                                         for name, (v4, v6) in NODES.items()])
        for at in nodes:
            fabric.agent(at)
        fabric.tor = frr_for(tor, 65001, TOR, ['10.1.0.0/24', 'fd01::/64'])
        fabric.spine = bird_for(
            spine, SPINE,
            *[neighbour(f'{SPINE} port 1179', 65002, v4, 64512, 'passive on;') for v4, _ in NODES.values()],
            f'protocol bgp p_ll from fast {{ local as 65002; neighbor range fe80::/10 as 64512; interface "eth0"; '
            'direct; ipv6 { import all; export all; }; }')
        fabric.far = Gobgp(far, GOBGP).start()
        lab.wait(lambda: fabric.tor.vtysh('show bgp summary') and fabric.far.gobgp('global'), 10, 'the routers')
        fabric.start()
        yield fabric
        fabric.close()


def listening(fabric, name):
    """{(address, port)} where a node listens for BGP."""
    out = fabric.lab.nodes[name].run('ss', '-Hltn')[1]
    return {tuple(line.split()[3].rsplit(':', 1)) for line in out.splitlines()}


# ---- peerIP ----

def test_peer_ip_v6(rack):
    """However it is spelled."""
    rack.apply(peer('tor6', peerIP='fd01:0:0::0:1', asNumber=65001))
    for name, (_, v6) in NODES.items():
        rack.up(name, TOR6)
        assert rack.tor.sessions()[v6] == 'Established'


def test_link_local_with_interface(rack):
    rack.apply(peer('spine', node='n1', peerIP='fe80::2%eth0', asNumber=65002))
    rack.lab.wait(lambda: rack.protocol('n1', 'fe80::2%eth0').get('BGP state') == 'Established', 15, 'the session')
    rack.says('n1', 'fe80::2%eth0', state='Established', direct=True)
    # From the interface's own address: UseNodeIP cannot hold here.
    assert rack.protocol('n1', 'fe80::2%eth0')['Source address'].startswith('fe80::')


def test_peer_ip_with_port(rack):
    rack.apply(peer('spine', peerIP=f'{SPINE}:1179', asNumber=65002))
    for name in NODES:
        rack.up(name, SPINE)
        rack.says(name, f'{SPINE}:1179', state='Established')
    assert 'peer_10_1_0_2_p1179' in rack.agents['n1'].bird.protocols()
    # Another port is another session.
    rack.apply(peer('spine', peerIP=SPINE, asNumber=65002))
    rack.says('n1', SPINE, code='PORT_CLOSED')


# ---- ports ----

def test_listen_port_of_all(rack):
    before = listening(rack, 'n1')
    assert not {port for _, port in before} & {'1790'}
    rack.apply(config(nodeToNodeMeshEnabled=True, listenPort=1790))
    rack.up('n1', *NODES['n2'])
    rack.up('n2', *NODES['n1'])
    for name in NODES:
        assert {port for _, port in listening(rack, name)} == {'1790'}


def test_listen_port_of_one_node(rack):
    rack.apply(config(nodeToNodeMeshEnabled=True), config('node.n2', listenPort=1792))
    rack.up('n1', *NODES['n2'])
    rack.up('n2', *NODES['n1'])
    assert {port for _, port in listening(rack, 'n1')} == {'179'}
    assert {port for _, port in listening(rack, 'n2')} == {'1792'}
    # peerIP of a node, without a port: that node's port.
    rack.apply(config(), peer('n2', node='n1', peerIP=NODES['n2'][0]))
    rack.up('n1', NODES['n2'][0])


def test_bind_mode_node_ip(rack):
    rack.apply(peer('tor', peerIP=TOR, asNumber=65001))
    rack.up('n1', TOR)
    assert listening(rack, 'n1') == {('0.0.0.0', '179')}
    rack.apply(config(bindMode='NodeIP'), peer('tor6', peerIP=TOR6, asNumber=65001))
    rack.up('n1', TOR, TOR6)
    assert listening(rack, 'n1') == {(NODES['n1'][0], '179'), (f'[{NODES["n1"][1]}]', '179')}
    # With sourceAddress None there is no address to bind to.
    rack.apply(peer('tor', peerIP=TOR, asNumber=65001, sourceAddress='None'))
    rack.has_problem('NOT_EXPRESSIBLE', 'bgppeer/tor', 'n1', 'bindMode')
    rack.up('n1', TOR6)


# ---- sourceAddress ----

def far_sees(rack):
    """{address: the next hop} by which GoBGP knows the node."""
    return {address for address, state in rack.far.sessions().items() if state == 'Established'}


@pytest.mark.parametrize('mode, address', [('UseNodeIP', '10.1.0.11'), ('None', '10.2.0.11'), ('', '10.1.0.11')])
def test_source_address(rack, mode, address):
    rack.apply(peer('far', node='n1', peerIP=FAR, asNumber=65003, **({'sourceAddress': mode} if mode else {})))
    rack.up('n1', FAR)
    rack.lab.wait(lambda: far_sees(rack) == {address}, 5, f'GoBGP sees {address}')
    assert re.match(re.escape(address) + '$', rack.protocol('n1', FAR)['Source address'])
