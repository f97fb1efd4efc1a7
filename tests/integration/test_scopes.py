# SPDX-License-Identifier: Apache-2.0
"""Which nodes peer with whom: global, node, nodeSelector, peerSelector, the mesh, route reflectors, and AS numbers.

One rack: three nodes, each with IPv4 and IPv6, and a top-of-rack router (FRR) that takes whoever calls.
"""

import time

import pytest

from fabric import Fabric, config, frr_for, node, peer, pool
from lab import Lab

TOR, TOR6 = '10.1.0.1', 'fd01::1'
NODES = {'n1': ('10.1.0.11', 'fd01::11'), 'n2': ('10.1.0.12', 'fd01::12'), 'n3': ('10.1.0.13', 'fd01::13')}
LABELS = {'n1': {'rack': 'a', 'role': 'rr'}, 'n2': {'rack': 'a'}, 'n3': {'rack': 'b'}}
PREFIX = {name: f'10.244.{i}.1/32' for i, name in enumerate(NODES, 1)}
PREFIX6 = {name: f'fd44::{i}:1/128' for i, name in enumerate(NODES, 1)}


def rack_node(name, labels=None, **bgp):
    v4, v6 = NODES[name]
    return node(name, labels or LABELS[name], ipv4Address=f'{v4}/24', ipv6Address=f'{v6}/64', **bgp)


@pytest.fixture(scope='module')
def rack():
    with Lab() as lab:
        tor = lab.node('tor')
        members = {name: ' '.join([f'{v4}/24', f'{v6}/64']) for name, (v4, v6) in NODES.items()}
        for name in NODES:
            lab.node(name, PREFIX[name], PREFIX6[name])
        lab.lan('switch', tor=f'{TOR}/24 {TOR6}/64', **members)
        fabric = Fabric(lab, config(), pool('pods', '10.244.0.0/16'), pool('pods6', 'fd44::/16'),
                        *[rack_node(name) for name in NODES])
        for name in NODES:
            fabric.agent(lab.nodes[name])
        fabric.tor = frr_for(tor, 65001, TOR, ['10.1.0.0/24', 'fd01::/64'], '10.9.1.0/24', 'fd09::/64')
        lab.wait(lambda: fabric.tor.vtysh('show bgp summary'), 10, 'FRR is there')
        fabric.start()
        yield fabric
        fabric.close()


def as_seen(fabric, name, family=0):
    """The AS number that FRR sees a node with."""
    return fabric.tor.show('show bgp neighbors json').get(NODES[name][family], {}).get('remoteAs')


# ---- scope ----

def test_global_peer_is_for_all_nodes(rack):
    rack.apply(peer('tor', peerIP=TOR, asNumber=65001))
    for name in NODES:
        rack.up(name, TOR)
        session = rack.says(name, TOR, resource='bgppeer/tor', state='Established', asNumber=65001)
        assert 'since' in session and 'reason' not in session
    for name in NODES:
        rack.lab.wait(lambda n=name: PREFIX[n] in rack.tor.routes(), 5, f'the ToR has the prefix of {name}')
        rack.in_kernel(name, '10.9.1.0/24', TOR)


def test_node_peer_is_for_one_node(rack):
    rack.apply(peer('tor', node='n2', peerIP=TOR, asNumber=65001))
    rack.up('n2', TOR)
    rack.up('n1')
    rack.up('n3')
    # The resource moves to another node: the session goes with it.
    rack.apply(peer('tor', node='n3', peerIP=TOR, asNumber=65001))
    rack.up('n3', TOR)
    rack.up('n2')


def test_node_selector_follows_labels(rack):
    rack.apply(peer('tor', nodeSelector="rack == 'a'", peerIP=TOR, asNumber=65001))
    rack.up('n1', TOR)
    rack.up('n2', TOR)
    rack.up('n3')
    before = rack.since()
    rack.apply(rack_node('n3', {'rack': 'a'}), rack_node('n2', {'rack': 'c'}))
    rack.up('n3', TOR)
    rack.up('n2')
    assert rack.since()['n1', TOR] == before['n1', TOR]


def test_peer_selector_and_its_reverse(rack):
    """One resource makes both ends, in both families; nodes that neither side selects stay alone."""
    rack.apply(peer('pair', nodeSelector="rack == 'b'", peerSelector="has(role)"))
    rack.up('n3', *NODES['n1'])
    rack.up('n1', *NODES['n3'])
    rack.up('n2')
    # One end calls: the one whose address is less as text.
    rack.says('n3', NODES['n1'][0], passive=None, peerNode='n1')
    rack.says('n1', NODES['n3'][0], passive=True, peerNode='n3')
    for ours, theirs in (('n1', 'n3'), ('n3', 'n1')):
        rack.in_kernel(ours, PREFIX[theirs], NODES[theirs][0])
        rack.in_kernel(ours, PREFIX6[theirs], NODES[theirs][1])


def test_reverse_of_peer_ip(rack):
    """peerIP of one of our nodes, with its AS: that node gets its end, too."""
    rack.apply(peer('to-n2', node='n3', peerIP=NODES['n2'][0]))
    rack.up('n3', NODES['n2'][0])
    rack.up('n2', NODES['n3'][0])
    rack.up('n1')


def test_reverse_peering_manual(rack):
    rack.apply(peer('one', node='n1', peerIP=NODES['n2'][0], asNumber=64512, reversePeering='Manual'))
    rack.up('n2')
    # The other end does not plan it, so this one calls, and is not let in.
    rack.says('n1', NODES['n2'][0], passive=None, code='PORT_CLOSED')
    rack.apply(peer('two', node='n2', peerIP=NODES['n1'][0], asNumber=64512, reversePeering='Manual'))
    rack.up('n1', NODES['n2'][0])
    rack.up('n2', NODES['n1'][0])


# ---- mesh and route reflectors ----

def test_mesh(rack):
    rack.apply(config(nodeToNodeMeshEnabled=True, nodeMeshMaxRestartTime='77s'))
    for name in NODES:
        rack.up(name, *[address for other in NODES if other != name for address in NODES[other]])
        for other in NODES:
            if other != name:
                rack.in_kernel(name, PREFIX[other], NODES[other][0])
                rack.in_kernel(name, PREFIX6[other], NODES[other][1])
        rack.says(name, next(NODES[o][0] for o in NODES if o != name), resource='mesh', state='Established')
    shown = rack.agents['n1'].bird.birdc('show protocols all peer_10_1_0_12')
    assert shown.count('Restart time: 77') == 2, shown  # ours, and what the neighbour announced


def test_mesh_password(rack):
    mesh = {'nodeToNodeMeshEnabled': True, 'nodeMeshPassword': {'secretKeyRef': {'name': 'mesh', 'key': 'pw'}}}
    rack.secret('mesh', 'pw', 'one for all')
    rack.secret('mesh', 'pw', 'another', at='n3')
    rack.apply(config(**mesh))
    v4, v6 = NODES['n1'], NODES['n2']
    rack.lab.wait(lambda: rack.agents['n1'].established(*v6) and rack.agents['n2'].established(*v4), 15, 'n1 and n2')
    assert not rack.agents['n3'].established(NODES['n1'][0])
    before = rack.since()
    rack.secret('mesh', 'pw', 'one for all', at='n3')
    for name in NODES:
        rack.up(name, *[address for other in NODES if other != name for address in NODES[other]], timeout=25)
    assert rack.since()['n1', v6[0]] == before['n1', v6[0]]


def test_route_reflector(rack):
    """A client learns the prefix of another client, through the reflector; the mesh would leave reflectors out."""
    rack.apply(rack_node('n1', routeReflectorClusterID='244.0.0.1'),
               peer('to-rr', nodeSelector='!has(role)', peerSelector='has(role)'))
    rack.up('n1', *NODES['n2'], *NODES['n3'])
    rack.up('n2', *NODES['n1'])
    for client, other in (('n2', 'n3'), ('n3', 'n2')):
        # The next hop is the other client, not the reflector.
        rack.in_kernel(client, PREFIX[other], NODES[other][0])
        rack.in_kernel(client, PREFIX6[other], NODES[other][1])
    shown = rack.agents['n2'].bird.birdc(f'show route all {PREFIX["n3"]}')
    assert 'BGP.cluster_list: 244.0.0.1' in shown, shown


# ---- AS numbers ----

def test_order_of_local_as(rack):
    rack.apply(peer('tor', peerIP=TOR, asNumber=65001))
    rack.up('n1', TOR)
    rack.lab.wait(lambda: as_seen(rack, 'n1') == 64512, 10, 'the default 64512')
    rack.apply(config(asNumber=64700), rack_node('n2', asNumber=64702))
    rack.up('n1', TOR)
    rack.up('n2', TOR)
    rack.lab.wait(lambda: as_seen(rack, 'n1') == 64700 and as_seen(rack, 'n2') == 64702, 10,
                  'BGPConfiguration before the default, the Node before both')


def test_dotted_as(rack):
    rack.apply(config(asNumber='1.10'), peer('tor', peerIP=TOR, asNumber='0.65001'))
    rack.up('n1', TOR)
    rack.lab.wait(lambda: as_seen(rack, 'n1') == 65546, 10, 'FRR sees 1.10 as one number')
    rack.says('n1', TOR, asNumber=65001, localASNumber=65546)


# ---- change ----

def test_two_resources_for_one_neighbour(rack):
    rack.apply(peer('b-own', node='n1', peerIP=TOR, asNumber=65001), peer('a-all', peerIP=TOR, asNumber=65001),
               peer('c-again', peerIP='10.1.0.1:179', asNumber=65999))
    rack.up('n1', TOR)
    rack.says('n1', TOR, resource='bgppeer/a-all')
    for loser in ('bgppeer/b-own', 'bgppeer/c-again'):
        rack.has_problem('DOUBLE', loser, 'n1', 'bgppeer/a-all')
    # The one that has it goes: another takes over, and the session does not notice.
    before = rack.since()
    rack.delete('bgppeer/c-again')
    rack.delete('bgppeer/a-all')
    assert rack.since()['n1', TOR] == before['n1', TOR]
    rack.says('n1', TOR, resource='bgppeer/b-own', state='Established')
    rack.up('n2')


def test_the_older_one_keeps_its_session(rack):
    rack.apply(peer('b-old', node='n1', peerIP=TOR, asNumber=65001))
    applied = time.time()
    rack.up('n1', TOR)
    rack.lab.wait(lambda: time.time() >= applied + 1, 5, 'another second, in which the next one is made')
    before = rack.since()
    rack.apply(peer('a-new', node='n1', peerIP=TOR, asNumber=65001, maxRestartTime='9s'))
    rack.has_problem('DOUBLE', 'bgppeer/a-new', 'n1', 'bgppeer/b-old: of two that ask for the same, the older one')
    rack.says('n1', TOR, resource='bgppeer/b-old', state='Established')
    assert rack.since()['n1', TOR] == before['n1', TOR]
    # Made again it is the younger one.
    rack.delete('bgppeer/b-old')
    rack.says('n1', TOR, resource='bgppeer/a-new')


def test_change_of_one_peer_leaves_the_others(rack):
    rack.apply(config(nodeToNodeMeshEnabled=True), peer('tor', peerIP=TOR, asNumber=65001),
               peer('tor6', peerIP=TOR6, asNumber=65001))
    mates = {name: [a for other in NODES if other != name for a in NODES[other]] for name in NODES}
    for name in NODES:
        rack.up(name, TOR, TOR6, *mates[name])
    before = rack.since()
    rack.apply(peer('tor', peerIP=TOR, asNumber=65001, maxRestartTime='50s'))
    for name in NODES:
        rack.up(name, TOR, TOR6, *mates[name])
    now = rack.since()
    assert {key for key in before if before[key] != now[key]} == {(name, TOR) for name in NODES}
