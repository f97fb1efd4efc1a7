# SPDX-License-Identifier: Apache-2.0
"""Next hops that resolve: on a cloud's node, on one with a DHCPv6 address, and across two racks.

BIRD itself takes no kernel route whose gateway is on no prefix of an interface, and none that the kernel made.
"""

import socket

import pytest

from fabric import Fabric, bird_for, config, neighbour, node, peer, pool
from lab import Lab

DIRECT = {'birdGatewayMode': 'DirectIfDirectlyConnected'}

# 10.9.1.0/24 has the router itself as next hop, 10.9.3.0/24 one that only the default route leads to.
FAR = '''
protocol static s4 { ipv4; route 10.9.1.0/24 blackhole; route 10.9.3.0/24 blackhole; }
protocol static s6 { ipv6; route fd09:1::/64 blackhole; route fd09:2::/64 blackhole; route fd09:3::/64 blackhole; }
filter hops {
	if source != RTS_STATIC then reject;
	if net = 10.9.3.0/24 then bgp_next_hop = 192.0.2.1;
	if net = fd09:2::/64 then bgp_next_hop = 2001:db8:1::99;
	if net = fd09:3::/64 then bgp_next_hop = 2001:db8:ffff::1;
	accept;
}
'''


def forward(at):
    at.run('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')


def reaches(near, source, far, address):
    """Does TCP from SOURCE on one node reach ADDRESS on another, and back?"""
    kind = socket.AF_INET6 if ':' in address else socket.AF_INET
    with far.socket(kind) as listener, near.socket(kind) as caller:
        listener.bind((address, 0))
        listener.listen()
        caller.settimeout(3)
        caller.bind((source, 0))
        return caller.connect_ex(listener.getsockname()[:2]) == 0


# ---- a node in a cloud ----

GATEWAY, CLOUD = '10.0.0.1', '10.0.0.5'
GATEWAY6, DHCP6 = '2001:db8:1::1', '2001:db8:1::5'


def cloud_routes(at, dev='eth0'):
    """What a cloud's DHCP client leaves behind, and the kernel after a router's advertisement of a prefix."""
    at.ip('route', 'add', GATEWAY, 'dev', dev, 'scope', 'link', 'proto', 'dhcp')
    at.ip('route', 'add', 'default', 'via', GATEWAY, 'dev', dev, 'proto', 'dhcp', 'metric', '100')
    at.ip('route', 'add', '2001:db8:1::/64', 'dev', dev, 'proto', 'kernel', 'metric', '256')
    at.ip('route', 'add', 'default', 'via', GATEWAY6, 'dev', dev, 'proto', 'ra', 'metric', '1024')


@pytest.fixture(scope='module')
def cloud():
    with Lab() as lab:
        n1, gateway = lab.node('n1'), lab.node('gateway', '10.9.1.1/32', '10.9.3.1/32', 'fd09:1::1/128', 'fd09:2::1/128',
                                               'fd09:3::1/128')
        lab.link(n1, f'{CLOUD}/32 {DHCP6}/128', gateway, f'{GATEWAY}/32 {GATEWAY6}/64 2001:db8:1::99/64')
        gateway.ip('route', 'add', CLOUD, 'dev', 'eth0')
        cloud_routes(n1)
        fabric = Fabric(lab, config(), node('n1', ipv4Address=f'{CLOUD}/32', ipv6Address=f'{DHCP6}/128'),
                        peer('tor', peerIP=GATEWAY, asNumber=65001), peer('tor6', peerIP=GATEWAY6, asNumber=65001))
        fabric.agent(n1)
        bird_for(gateway, GATEWAY, FAR,
                 neighbour(GATEWAY, 65001, CLOUD, 64512, 'multihop;', 'export filter hops;'),
                 neighbour(GATEWAY6, 65001, DHCP6, 64512, 'multihop;', 'export filter hops;'))
        fabric.start()
        fabric.up('n1', GATEWAY, GATEWAY6)
        yield fabric
        fabric.close()


def test_cloud(cloud):
    """An address with /32, a default route through a gateway that is on the link and in no prefix."""
    n1 = cloud.lab.nodes['n1']
    cloud.in_kernel('n1', '10.9.1.0/24', GATEWAY)
    cloud.in_kernel('n1', '10.9.3.0/24', GATEWAY)
    for address in ('10.9.1.1', '10.9.3.1'):
        assert reaches(n1, CLOUD, cloud.lab.nodes['gateway'], address)


def test_dhcpv6(cloud):
    """An address with /128 and a prefix on the link that the kernel made; a third party's next hop on it."""
    n1 = cloud.lab.nodes['n1']
    cloud.in_kernel('n1', 'fd09:1::/64', GATEWAY6)
    cloud.in_kernel('n1', 'fd09:2::/64', '2001:db8:1::99')
    cloud.in_kernel('n1', 'fd09:3::/64', GATEWAY6)
    for address in ('fd09:1::1', 'fd09:2::1', 'fd09:3::1'):
        assert reaches(n1, DHCP6, cloud.lab.nodes['gateway'], address)


def test_statics_go_nowhere(cloud):
    """Neither to the kernel nor to a peer."""
    bird = cloud.agents['n1'].bird
    assert '0.0.0.0/0' not in bird.routes() and '2001:db8:1::/64' not in bird.routes()
    assert not {'default', '2001:db8:1::/64'} & {**cloud.lab.nodes['n1'].kernel_routes(),
                                                 **cloud.lab.nodes['n1'].kernel_routes('-6')}.keys()


def test_route_that_flaps(cloud):
    """It takes the routes that need it along, and no session."""
    n1, before = cloud.lab.nodes['n1'], cloud.since()
    for _ in range(2):
        n1.ip('route', 'del', 'default')
        cloud.lab.wait(lambda: not cloud.kernel('n1', '10.9.3.0/24'), 10, 'the route went with the default')
        assert cloud.kernel('n1', '10.9.1.0/24')
        assert 'next hop 192.0.2.1 of 1 route from peer_10_0_0_1 does not resolve: no route leads there' in unresolved(
            cloud, 'bgppeer/tor', 'n1')
        n1.ip('route', 'add', 'default', 'via', GATEWAY, 'dev', 'eth0', 'proto', 'dhcp', 'metric', '100')
        cloud.in_kernel('n1', '10.9.3.0/24', GATEWAY)
    cloud.settle()
    assert cloud.since() == before


def test_name_of_an_interface(cloud):
    """What BIRD's language has no name for is told, and everything else goes on."""
    n1, before = cloud.lab.nodes['n1'], cloud.since()
    n1.ip('link', 'add', 'odd";{}', 'type', 'veth', 'peer', 'name', 'x0')
    n1.ip('link', 'set', 'odd";{}', 'up')
    n1.ip('route', 'add', '10.20.0.0/16', 'via', '10.20.0.1', 'dev', 'odd";{}', 'onlink', 'proto', 'kernel')
    try:
        cloud.has_problem('ROUTES_LEFT_OUT', 'node/n1', 'n1', 'as that to 10.20.0.0/16')
        cloud.settle()
        assert cloud.since() == before
    finally:
        n1.ip('link', 'del', 'odd";{}')
    cloud.lab.wait(lambda: not cloud.status('node', 'n1')['problems'], 10, 'the problem is gone')


def test_many_routes(cloud):
    """More than BIRD is told of: the default route is among them, and a problem says so."""
    n1, before = cloud.lab.nodes['n1'], cloud.since()
    prefixes = [f'11.{i // 250}.{i % 250}.0/24' for i in range(1500)]
    n1.run('ip', '-batch', '-', stdin=''.join(f'route add {p} via {GATEWAY} dev eth0 proto static\n' for p in prefixes))
    try:
        cloud.has_problem('ROUTES_LEFT_OUT', 'node/n1', 'n1', '503 of the kernel')
        cloud.in_kernel('n1', '10.9.3.0/24', GATEWAY)
    finally:
        n1.run('ip', '-batch', '-', stdin=''.join(f'route del {p}\n' for p in prefixes))
    cloud.lab.wait(lambda: not cloud.status('node', 'n1')['problems'], 10, 'the problem is gone')
    assert cloud.since() == before


# ---- two racks ----

@pytest.fixture(scope='module')
def racks():
    with Lab() as lab:
        a, b = lab.node('tor-a'), lab.node('tor-b')
        n1, n2 = lab.node('n1', '10.244.1.1/32'), lab.node('n2', '10.244.2.1/32')
        lab.link(n1, '10.1.0.11/24', a, '10.1.0.1/24')
        lab.link(n2, '10.2.0.12/24', b, '10.2.0.1/24')
        lab.link(a, '10.3.0.1/24', b, '10.3.0.2/24')
        for tor, other, via, own, behind in ((a, '10.2.0.0/24', '10.3.0.2', '10.1.0.11', '10.244.1.1'),
                                             (b, '10.1.0.0/24', '10.3.0.1', '10.2.0.12', '10.244.2.1')):
            forward(tor)
            tor.ip('route', 'add', other, 'via', via)
            tor.ip('route', 'add', '10.244.0.0/16', 'via', via)
            tor.ip('route', 'add', behind, 'via', own)
        fabric = Fabric(lab, config(nodeToNodeMeshEnabled=True), pool('pods', '10.244.0.0/16'),
                        node('n1', ipv4Address='10.1.0.11/24'), node('n2', ipv4Address='10.2.0.12/24'))
        fabric.agent(n1)
        fabric.agent(n2)
        for tor, own, remote, asn in ((a, '10.1.0.1', '10.1.0.11', 65001), (b, '10.2.0.1', '10.2.0.12', 65002)):
            bird_for(tor, own, 'protocol static s4 { ipv4; route 0.0.0.0/0 blackhole; }',
                     neighbour(own, asn, remote, 64512, 'direct;', 'export where source = RTS_STATIC;'))
        fabric.start()
        yield fabric
        fabric.close()


def tors(**mode):
    return [peer('tor-a', node='n1', peerIP='10.1.0.1', asNumber=65001, **mode),
            peer('tor-b', node='n2', peerIP='10.2.0.1', asNumber=65002, **mode)]


def unresolved(fabric, origin, name):
    """The text of that problem, which is asked for after a while."""
    def found():
        return next((p['text'] for p in fabric.status('node', name)['problems']
                     if (p['code'], p['resource']) == ('NEXT_HOP_UNRESOLVED', origin)), '')
    return fabric.lab.wait(found, 30, f'{name} has a next hop that does not resolve')


def racks_up(racks):
    racks.up('n1', '10.1.0.1', '10.2.0.12')
    racks.up('n2', '10.2.0.1', '10.1.0.11')
    for name, tor in (('n1', '10.1.0.1'), ('n2', '10.2.0.1')):
        racks.in_kernel(name, 'default', tor)


def test_default_of_a_direct_gateway_carries_next_hops(racks):
    """What the field is for: the other rack's next hops resolve through the default route that the ToR announced."""
    racks.apply(*tors(**DIRECT))
    racks_up(racks)
    racks.in_kernel('n1', '10.244.2.1/32', '10.1.0.1')
    racks.in_kernel('n2', '10.244.1.1/32', '10.2.0.1')
    assert reaches(racks.lab.nodes['n1'], '10.244.1.1', racks.lab.nodes['n2'], '10.244.2.1')


def test_default_of_a_recursive_gateway_does_not(racks):
    """BIRD's guard against recursion holds: nothing is resolved by a route that was itself resolved."""
    racks.apply(*tors())
    racks_up(racks)
    for name, prefix in (('n1', '10.244.2.1/32'), ('n2', '10.244.1.1/32')):
        bird = racks.agents[name].bird
        racks.lab.wait(lambda at=bird, what=prefix: what in at.routes(), 5, f'{name} knows {prefix}')
        assert 'unreachable' in bird.birdc(f'show route {prefix}')
        assert not racks.kernel(name, prefix)
    # The session is Established, so nothing else would say that its route leads nowhere; and there is a way out.
    text = unresolved(racks, 'mesh', 'n2')
    assert text.startswith('next hop 10.1.0.11 of 1 route from peer_10_1_0_11 does not resolve: only 0.0.0.0/0 of '
                           'bgppeer/tor-b (peer_10_2_0_1) leads there'), text
    assert 'with birdGatewayMode: DirectIfDirectlyConnected there it does' in text
    racks.apply(*tors(**DIRECT))
    racks.in_kernel('n2', '10.244.1.1/32', '10.2.0.1')
    racks.lab.wait(lambda: not any(racks.status('node', name)['problems'] for name in ('n1', 'n2')), 30, 'no problem')


def test_gateway_mode_on_and_off(racks):
    """No session notices."""
    racks.apply(*tors())
    racks_up(racks)
    before = racks.since()
    racks.apply(*tors(**DIRECT))
    racks.in_kernel('n1', '10.244.2.1/32', '10.1.0.1')
    racks.apply(*tors())
    racks.lab.wait(lambda: not racks.kernel('n1', '10.244.2.1/32'), 5, 'recursive again')
    assert racks.since() == before
