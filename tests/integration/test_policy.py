# SPDX-License-Identifier: Apache-2.0
"""Routes: birdGatewayMode in the kernel, filters, pools, interfaces, extensions.

One node on two networks with a top-of-rack router (BIRD) each, which keep the next hops of what they pass on:
10.9.1.0/24 has their own, 10.9.2.0/24 a third party's on the network, 10.9.3.0/24 one that is nowhere near.
"""

import os

import pytest

from fabric import Fabric, bgpfilter, bird_for, config, neighbour, node, peer, pool
from lab import Lab

A, B, OWN = '10.1.0.1', '10.2.0.1', '10.1.0.11'
A6, OWN6 = 'fd01::1', 'fd01::11'
OURS = '10.244.1.1/32'

STATIC = '''
protocol static s4 { ipv4; route 10.9.1.0/24 blackhole; route 10.9.2.0/24 blackhole; route 10.9.3.0/24 blackhole; }
protocol static s6 { ipv6; route fd09:1::/64 blackhole; route fd09:2::/64 blackhole; route fd09:3::/64 blackhole; }
'''
KEEP = '''filter tor_hops {
	if source != RTS_STATIC then reject;
	if net = 10.9.2.0/24 then bgp_next_hop = %s.99;
	if net = 10.9.3.0/24 then bgp_next_hop = 192.0.2.1;
	if net = fd09:2::/64 then bgp_next_hop = fd01::99;
	if net = fd09:3::/64 then bgp_next_hop = 2001:db8::1;
	accept;
}
'''
TEMPLATE = '''protocol:
local role ${role};
require roles ${strict};
channel:
import limit ${max-prefix} action ${max-prefix-action};
'''


@pytest.fixture(scope='module')
def racks():
    with Lab() as lab:
        a, b, n1 = lab.node('tor-a'), lab.node('tor-b'), lab.node('n1', OURS)
        lab.link(n1, f'{OWN}/24 {OWN6}/64', a, f'{A}/24 {A6}/64')
        lab.link(n1, '10.2.0.11/24', b, f'{B}/24')
        lab.link(n1, '10.244.9.1/24', b, '')
        template = os.path.join(lab.folder, 'session.template')
        with open(template, 'w', encoding='utf-8') as file:
            file.write(TEMPLATE)
        fabric = Fabric(lab, config(), node('n1', ipv4Address=f'{OWN}/24', ipv6Address=f'{OWN6}/64'))
        fabric.agent(n1, '--session-template', template)
        fabric.a = bird_for(a, A, 'protocol bfd {}', STATIC, KEEP % '10.1.0',
                            neighbour(A, 65001, OWN, 64512, 'direct; bfd graceful; local role provider;',
                                      'export filter tor_hops;'),
                            neighbour(A6, 65001, OWN6, 64512, 'direct;', 'export filter tor_hops;'))
        fabric.b = bird_for(b, B, 'protocol bfd {}', STATIC, KEEP % '10.2.0',
                            neighbour(B, 65002, '10.2.0.11', 64512, 'direct; bfd graceful;', 'export filter tor_hops;'))
        fabric.start()
        yield fabric
        fabric.close()


def to_a(**spec):
    return peer('tor-a', peerIP=A, asNumber=65001, **spec)


def to_a6(**spec):
    return peer('tor-a6', peerIP=A6, asNumber=65001, **spec)


def to_b(**spec):
    return peer('tor-b', peerIP=B, asNumber=65002, sourceAddress='None', **spec)


DIRECT = {'birdGatewayMode': 'DirectIfDirectlyConnected'}


def learnt(racks, at='a'):
    """What a router has from the node."""
    bird = getattr(racks, at)
    return {prefix for name in bird.protocols() for prefix in bird.routes(name)}


# ---- birdGatewayMode ----

def test_recursive_gateway(racks):
    """The default: what has an unreachable next hop is not installed, not even as unreachable."""
    racks.apply(to_a(), to_a6())
    racks.up('n1', A, A6)
    racks.in_kernel('n1', '10.9.1.0/24', A)
    racks.in_kernel('n1', '10.9.2.0/24', '10.1.0.99')
    racks.in_kernel('n1', 'fd09:1::/64', A6)
    racks.in_kernel('n1', 'fd09:2::/64', 'fd01::99')
    assert not racks.kernel('n1', '10.9.3.0/24') and not racks.kernel('n1', 'fd09:3::/64')
    assert '10.9.3.0/24' in racks.agents['n1'].bird.routes()


def test_direct_gateway(racks):
    """What cannot be reached otherwise goes through the peer that announced it."""
    racks.apply(to_a(**DIRECT), to_a6(**DIRECT))
    racks.up('n1', A, A6)
    racks.in_kernel('n1', '10.9.1.0/24', A)
    racks.in_kernel('n1', '10.9.2.0/24', '10.1.0.99')
    racks.in_kernel('n1', '10.9.3.0/24', A)
    racks.in_kernel('n1', 'fd09:1::/64', A6)
    racks.in_kernel('n1', 'fd09:2::/64', 'fd01::99')
    racks.in_kernel('n1', 'fd09:3::/64', A6)


def test_direct_gateway_on_and_off_keeps_the_session(racks):
    racks.apply(to_a())
    racks.up('n1', A)
    before = racks.since()
    racks.apply(to_a(**DIRECT))
    racks.in_kernel('n1', '10.9.3.0/24', A)
    racks.apply(to_a())
    racks.lab.wait(lambda: not racks.kernel('n1', '10.9.3.0/24'), 5, 'recursive again')
    assert racks.since() == before


def test_two_tors_share_the_load(racks):
    """Dual ToR: with BFD, LLGR and the direct gateway, every prefix goes over both."""
    both = {**DIRECT, 'restartMode': 'LongLivedGracefulRestart', 'failureDetectionMode': 'BFDIfDirectlyConnected'}
    racks.apply(to_a(**both), to_b(**both))
    racks.up('n1', A, B)
    for prefix, hops in (('10.9.1.0/24', (A, B)), ('10.9.2.0/24', ('10.1.0.99', '10.2.0.99')), ('10.9.3.0/24', (A, B))):
        for hop in hops:
            racks.in_kernel('n1', prefix, hop)
        assert racks.kernel('n1', prefix).count('nexthop') == 2
    racks.b.pause()
    try:
        racks.lab.wait(lambda: not racks.agents['n1'].established(B), 5, 'B is gone')
    finally:
        racks.b.resume()
    racks.up('n1', A, B, timeout=25)


# ---- filters ----

def test_import_filter(racks):
    racks.apply(bgpfilter('few', importV4=[{'action': 'Reject', 'matchOperator': 'In', 'cidr': '10.9.0.0/16',
                                            'prefixLength': {'min': 24, 'max': 24}}]), to_a(filters=['few']))
    racks.up('n1', A)
    racks.lab.holds(lambda: not racks.kernel('n1', '10.9.1.0/24'), 0.5, 'nothing comes in')
    before = racks.since()
    racks.apply(bgpfilter('few', importV4=[{'action': 'Accept', 'matchOperator': 'Equal', 'cidr': '10.9.1.0/24'},
                                           {'action': 'Reject'}]))
    racks.in_kernel('n1', '10.9.1.0/24', A)
    assert not racks.kernel('n1', '10.9.2.0/24')
    racks.apply(bgpfilter('few', importV4=[{'action': 'Reject', 'matchOperator': 'NotIn', 'cidr': '10.9.2.0/23'}]))
    racks.in_kernel('n1', '10.9.2.0/24', '10.1.0.99')
    racks.lab.wait(lambda: not racks.kernel('n1', '10.9.1.0/24'), 5, 'and the other is gone')
    assert racks.since() == before, 'an edit of a filter restarts no session'


def test_export_filter(racks):
    """A filter lets out what no pool holds, and holds back what a pool would let out."""
    racks.apply(pool('pods', '10.244.0.0/16'), to_a())
    racks.up('n1', A)
    racks.lab.wait(lambda: learnt(racks) == {OURS, '10.244.9.0/24'}, 5, 'the pool alone')
    before = racks.since()
    racks.apply(bgpfilter('out', exportV4=[{'action': 'Reject', 'matchOperator': 'Equal', 'cidr': OURS},
                                           {'action': 'Accept', 'matchOperator': 'Equal', 'cidr': '10.2.0.0/24'}]),
                to_a(filters=['out']))
    racks.lab.wait(lambda: learnt(racks) == {'10.2.0.0/24', '10.244.9.0/24'}, 5, 'the filter, then the pool')
    assert racks.since() == before


# ---- pools and interfaces ----

def test_pools_and_no_default_route(racks):
    n1 = racks.lab.nodes['n1']
    n1.ip('route', 'add', 'default', 'via', A)
    n1.ip('route', 'add', '10.244.77.0/26', 'dev', 'eth2')  # as a CNI plugin does
    try:
        racks.apply(to_a())
        racks.up('n1', A)
        racks.lab.wait(lambda: '0.0.0.0/0' in racks.agents['n1'].bird.routes(), 25, 'BIRD knows the default route')
        assert learnt(racks) == set()
        racks.apply(pool('all', '10.244.0.0/16'), pool('held', '10.244.9.0/24', disableBGPExport=True))
        racks.lab.wait(lambda: learnt(racks) == {OURS, '10.244.77.0/26'}, 5, 'the pool but for what is held back')
        racks.delete('ippool/held')
        racks.lab.wait(lambda: learnt(racks) == {OURS, '10.244.77.0/26', '10.244.9.0/24'}, 5, 'all of it')
    finally:
        n1.ip('route', 'del', 'default')
        n1.ip('route', 'del', '10.244.77.0/26')


def test_ignored_interfaces(racks):
    racks.apply(pool('pods', '10.244.0.0/16'), to_a())
    racks.up('n1', A)
    racks.lab.wait(lambda: learnt(racks) == {OURS, '10.244.9.0/24'}, 5, 'both')
    before = racks.since()
    racks.apply(config(ignoredInterfaces=['eth2']))
    racks.lab.wait(lambda: learnt(racks) == {OURS}, 5, 'not what is on eth2')
    assert racks.since() == before
    racks.in_kernel('n1', '10.9.1.0/24', A)


def test_log_severity_restarts_nothing(racks):
    racks.apply(to_a())
    racks.up('n1', A)
    before = racks.since()
    for severity in ('Debug', 'Fatal', 'info'):
        racks.apply(config(logSeverityScreen=severity))
        assert ('debug protocols all;' in racks.render('n1')) == (severity == 'Debug')
    assert racks.since() == before


# ---- extensions, with the session template of this node ----

def test_bgp_role(racks):
    """The ToR is a provider: a customer comes up, a peer does not, and without the extension nothing is said."""
    racks.apply(to_a(extensions={'role': 'customer'}))
    racks.up('n1', A)
    assert 'local role customer; # session template' in racks.render('n1')
    racks.apply(to_a(extensions={'role': 'peer'}))
    racks.says('n1', A, code='ROLE_MISMATCH')
    racks.apply(to_a())
    racks.up('n1', A, timeout=25)
    assert 'local role' not in racks.render('n1')


def test_prefix_limit(racks):
    racks.apply(to_a(extensions={'max-prefix': '2', 'max-prefix-action': 'block'}))
    racks.up('n1', A)
    racks.lab.wait(lambda: len(racks.agents['n1'].bird.routes('peer_10_1_0_1')) == 2, 5, 'two of three prefixes')
    racks.lab.holds(lambda: len(racks.agents['n1'].bird.routes('peer_10_1_0_1')) == 2, 0.5, 'no more')
    # Of all peers, unless a peer has its own.
    racks.apply(config(extensions={'max-prefix': '1', 'max-prefix-action': 'disable'}), to_a(),
                to_b(extensions={'max-prefix': '100'}))
    racks.says('n1', A, state='Down', code='PREFIX_LIMIT')
    racks.says('n1', B, state='Established')


def test_extension_that_is_no_value(racks):
    racks.apply(to_a(extensions={'role': 'customer; disabled'}))
    racks.up('n1', A)
    racks.has_problem('EXTENSION', 'bgppeer/tor-a', 'n1', 'role')
    assert 'disabled' not in racks.render('n1')
