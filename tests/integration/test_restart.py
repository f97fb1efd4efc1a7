# SPDX-License-Identifier: Apache-2.0
"""When something dies: failureDetectionMode, restartMode, maxRestartTime.

One node with three routers in its rack: BIRD (BFD, LLGR), FRR and GoBGP (as the others see our announcements).
"""

import re

import pytest

from fabric import Fabric, bird_for, config, neighbour, node, peer, pool
from lab import Lab
from routers import Frr, Gobgp

OWN, BIRD, FRR, GOBGP = '10.1.0.11', '10.1.0.1', '10.1.0.2', '10.1.0.3'
OURS, THEIRS = '10.244.1.1/32', '10.9.1.1/32'
LLGR_STALE = '(65535,6)'

FRR_CONF = f'''
router bgp 65002
 bgp router-id {FRR}
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 10 30
 neighbor {OWN} remote-as 64512
 neighbor {OWN} timers connect 1
 address-family ipv4 unicast
  network 10.9.2.0/24
'''

GOBGP_CONF = f'''
[global.config]
  as = 65003
  router-id = "{GOBGP}"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{OWN}"
    peer-as = 64512
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
  [neighbors.graceful-restart.config]
    enabled = true
    restart-time = 30
    long-lived-enabled = true
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
    [neighbors.afi-safis.mp-graceful-restart.config]
      enabled = true
    [neighbors.afi-safis.long-lived-graceful-restart.config]
      enabled = true
      restart-time = 40
'''


@pytest.fixture(scope='module')
def rack():
    with Lab() as lab:
        bird, frr, gobgp = lab.node('bird', THEIRS), lab.node('frr'), lab.node('gobgp')
        n1 = lab.node('n1', OURS)
        lab.lan('switch', bird=f'{BIRD}/24', frr=f'{FRR}/24', gobgp=f'{GOBGP}/24', n1=f'{OWN}/24')
        fabric = Fabric(lab, config(), node('n1', ipv4Address=f'{OWN}/24'), pool('pods', '10.244.0.0/16'))
        fabric.agent(n1)
        fabric.bird = bird_for(bird, BIRD, 'protocol bfd {}', neighbour(
            BIRD, 65001, OWN, 64512, 'direct; bfd graceful; graceful restart on; graceful restart time 0; '
            'long lived graceful restart on;'))
        fabric.frr, fabric.gobgp = Frr(frr, FRR_CONF).start(), Gobgp(gobgp, GOBGP_CONF).start()
        fabric.start()
        yield fabric
        fabric.close()


@pytest.fixture
def resumed(rack):
    """What a test stopped goes on after it."""
    yield
    rack.bird.resume()


def to_bird(**spec):
    return peer('bird', peerIP=BIRD, asNumber=65001, **spec)


BFD = {'failureDetectionMode': 'BFDIfDirectlyConnected'}
LLGR = {'restartMode': 'LongLivedGracefulRestart'}


# ---- failureDetectionMode ----

def bfd_up(rack):
    return f'{BIRD} ' in rack.agents['n1'].bird.birdc('show bfd sessions') and \
        'Up' in rack.agents['n1'].bird.birdc('show bfd sessions')


def test_without_bfd_a_silent_peer_is_not_noticed(rack, resumed):
    rack.apply(to_bird())
    rack.up('n1', BIRD)
    assert not bfd_up(rack)
    rack.bird.pause()
    rack.lab.holds(lambda: rack.agents['n1'].established(BIRD), 3, 'nothing but the hold timer would end it')


def test_bfd_notices_in_time(rack, resumed):
    rack.apply(to_bird(**BFD))
    rack.up('n1', BIRD)
    rack.says('n1', BIRD, direct=True)
    rack.lab.wait(lambda: bfd_up(rack), 5, 'the BFD session')
    rack.in_kernel('n1', THEIRS, BIRD)
    rack.bird.pause()
    rack.lab.wait(lambda: not rack.agents['n1'].established(BIRD), 3, 'the session is down')
    rack.lab.wait(lambda: not rack.kernel('n1', THEIRS), 2, 'plain graceful restart does not hold on to a dead link')
    rack.says('n1', BIRD, code='BFD_DOWN')
    rack.bird.resume()
    rack.up('n1', BIRD, timeout=25)


def test_bfd_with_llgr_keeps_the_routes(rack, resumed):
    rack.apply(to_bird(**BFD, **LLGR))
    rack.up('n1', BIRD)
    rack.lab.wait(lambda: bfd_up(rack), 5, 'the BFD session')
    rack.in_kernel('n1', THEIRS, BIRD)
    rack.bird.pause()
    rack.lab.wait(lambda: not rack.agents['n1'].established(BIRD), 3, 'the session is down')
    rack.lab.holds(lambda: rack.kernel('n1', THEIRS), 1, 'the routes stay')
    rack.lab.wait(lambda: LLGR_STALE in rack.agents['n1'].bird.birdc(f'show route all {THEIRS}'), 2, 'as stale')
    rack.bird.resume()
    rack.up('n1', BIRD, timeout=25)
    rack.lab.wait(lambda: LLGR_STALE not in rack.agents['n1'].bird.birdc(f'show route all {THEIRS}'), 5, 'fresh again')


def test_bfd_of_a_peer_that_is_not_connected(rack):
    """IfDirectlyConnected: elsewhere there is none, and plan says so."""
    rack.apply(peer('far', peerIP='192.0.2.1', asNumber=65009, **BFD))
    assert 'multihop;' in rack.render('n1') and 'bfd on' not in rack.render('n1')
    rack.says('n1', '192.0.2.1', direct=None)


def test_address_that_flaps_changes_no_plan(rack):
    """Directly connected is what was so a moment ago: else a flap would turn the session to multihop and back."""
    rack.apply(to_bird(**BFD))
    rack.up('n1', BIRD)
    n1, runs = rack.lab.nodes['n1'], rack.ids('n1')['BIRD']
    n1.ip('addr', 'del', f'{OWN}/24', 'dev', 'eth0')
    rack.lab.wait(lambda: not rack.agents['n1'].established(BIRD), 5, 'the session is down')
    rack.lab.holds(lambda: rack.ids('n1')['BIRD'] == runs, 2, 'BIRD is left alone')
    n1.address('eth0', f'{OWN}/24')
    rack.up('n1', BIRD, timeout=25)
    assert rack.ids('n1')['BIRD'] == runs


# ---- restartMode ----

def stale_at_frr(rack):
    paths = rack.frr.show('show bgp ipv4 unicast json').get('routes', {}).get(OURS, [])
    return any(path.get('stale') for path in paths)


def stale_at_gobgp(rack):
    paths = rack.gobgp.ask_json('gobgp', '-p', '50051', 'global', 'rib', '-j').get(OURS, [])
    return any(path.get('stale') for path in paths)


def restart_bird(rack):
    """As after a crash, in the way that keeps routes."""
    rack.agents['n1'].bird.start(recover=True)


def test_graceful_restart(rack):
    rack.apply(peer('frr', peerIP=FRR, asNumber=65002), peer('gobgp', peerIP=GOBGP, asNumber=65003))
    rack.up('n1', FRR, GOBGP)
    for router in (rack.frr, rack.gobgp):
        rack.lab.wait(lambda r=router: OURS in r.routes(), 10, f'{router.name} has our prefix')
    rack.in_kernel('n1', '10.9.2.0/24', FRR)
    rack.agents['n1'].bird.kill()
    rack.lab.wait(lambda: rack.status('node', 'n1')['nodes'][0]['state'] == 'BirdDown', 10, 'the status says it')
    rack.lab.wait(lambda: stale_at_frr(rack) and stale_at_gobgp(rack), 5, 'both keep our route, as stale')
    assert rack.kernel('n1', '10.9.2.0/24')
    restart_bird(rack)
    rack.lab.holds(lambda: OURS in rack.frr.routes() and OURS in rack.gobgp.routes(), 1, 'they never let it go')
    rack.up('n1', FRR, GOBGP)
    rack.lab.wait(lambda: not stale_at_frr(rack) and not stale_at_gobgp(rack), 10, 'it is fresh again')
    assert OURS in rack.frr.routes() and OURS in rack.gobgp.routes()
    rack.in_kernel('n1', '10.9.2.0/24', FRR)
    rack.says('n1', FRR, state='Established')


def test_long_lived_graceful_restart(rack):
    rack.apply(to_bird(**LLGR))
    rack.up('n1', BIRD)
    rack.lab.wait(lambda: OURS in rack.bird.routes(), 5, 'our prefix')
    rack.agents['n1'].bird.kill()
    rack.lab.wait(lambda: LLGR_STALE in rack.bird.birdc(f'show route all {OURS}'), 3, 'stale at once')
    assert rack.kernel('n1', THEIRS)
    restart_bird(rack)
    rack.up('n1', BIRD)
    rack.lab.wait(lambda: OURS in rack.bird.routes() and
                  LLGR_STALE not in rack.bird.birdc(f'show route all {OURS}'), 5, 'fresh again')


# ---- maxRestartTime ----

def announced(rack):
    """(graceful restart time, LLGR stale time) that GoBGP read in our OPEN; None where it has none."""
    text = rack.gobgp.gobgp('neighbor', OWN)
    found = [re.search(rf'^ *{kind}-?graceful-restart:.*?Remote:\s*(?:ipv4-unicast, )?restart time (\d+) sec', text,
                       re.M | re.S) for kind in ('', 'long-lived')]
    return tuple(int(one[1]) if one else None for one in found)


@pytest.mark.parametrize('spec, times', [
    ({}, (120, None)),
    ({'maxRestartTime': '45s'}, (45, None)),
    ({'restartMode': 'GracefulRestart', 'maxRestartTime': '1m30s'}, (90, None)),
    (LLGR, (0, 3600)),
    ({**LLGR, 'maxRestartTime': '4h'}, (0, 14400)),
], ids=str)
def test_restart_times_on_the_wire(rack, spec, times):
    rack.apply(peer('gobgp', peerIP=GOBGP, asNumber=65003, **spec))
    rack.up('n1', GOBGP)
    assert announced(rack) == times
