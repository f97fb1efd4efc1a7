# SPDX-License-Identifier: Apache-2.0
"""TCP MD5 with FRR and GoBGP: right, wrong, not there yet, rotated. One node, one rack, two routers."""

import pytest

from fabric import Fabric, config, node, peer
from lab import Lab
from routers import Frr, Gobgp

OWN = '10.1.0.11'

FRR = f'''
router bgp 65001
 bgp router-id 10.1.0.1
 no bgp ebgp-requires-policy
 timers bgp 10 30
 neighbor {OWN} remote-as 64512
 neighbor {OWN} timers connect 1
'''

GOBGP = '''
[global.config]
  as = 65002
  router-id = "10.1.0.2"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "10.1.0.11"
    peer-as = 64512
    auth-password = "%s"
  [neighbors.timers.config]
    connect-retry = 1
'''


class FrrSide:
    address, asn = '10.1.0.1', 65001

    def __init__(self, at):
        self.router = Frr(at, FRR).start()

    def password(self, text):
        self.router.lab.wait(lambda: self.router.vtysh('show bgp summary'), 10, 'FRR is there')
        self.router.vtysh('conf t', 'router bgp 65001', f'neighbor {OWN} password {text}' if text
                          else f'no neighbor {OWN} password')


class GobgpSide:
    address, asn = '10.1.0.2', 65002

    def __init__(self, at):
        self.router = Gobgp(at, GOBGP % '')

    def password(self, text):
        """It reads passwords when it starts."""
        if self.router.process and self.router.process.alive:
            self.router.kill()
        self.router.write(GOBGP % text)
        self.router.start()


@pytest.fixture(scope='module')
def rack():
    with Lab() as lab:
        frr, gobgp, n1 = (lab.node(name) for name in ('frr', 'gobgp', 'n1'))
        lab.lan('switch', frr='10.1.0.1/24', gobgp='10.1.0.2/24', n1=f'{OWN}/24')
        fabric = Fabric(lab, config(), node('n1', ipv4Address=f'{OWN}/24'))
        fabric.agent(n1)
        fabric.sides = {'frr': FrrSide(frr), 'gobgp': GobgpSide(gobgp)}
        fabric.start()
        yield fabric
        fabric.close()


@pytest.fixture(params=['frr', 'gobgp'])
def side(rack, request):
    """One of the two routers; what it has of passwords, and the node, is gone after the test."""
    rack.secret('tor', 'pw', None)
    return rack.sides[request.param]


def guarded(side, secret='tor', key='pw'):
    return peer('tor', peerIP=side.address, asNumber=side.asn, password={'secretKeyRef': {'name': secret, 'key': key}})


def test_right_password(rack, side):
    side.password("Zw34#%'/*x;}{")
    rack.secret('tor', 'pw', "Zw34#%'/*x;}{\n")
    rack.apply(guarded(side))
    rack.up('n1', side.address)


def test_wrong_password_is_said_and_mended(rack, side):
    side.password('theirs')
    rack.secret('tor', 'pw', 'ours')
    rack.apply(guarded(side))
    said = rack.lab.wait(lambda: 'password' in rack.session('n1', side.address).get('reason', '') and
                         rack.session('n1', side.address), 15, 'the status speaks of the password')
    assert said['state'] != 'Established' and 'ours' not in said['reason']
    rack.secret('tor', 'pw', 'theirs')
    rack.up('n1', side.address, timeout=20)


def test_secret_appears_later(rack, side):
    side.password('late')
    rack.apply(guarded(side))
    # Never without its password: BIRD has no text of it until it is there.
    rack.says('n1', side.address, state='Missing', code='SECRET_MISSING', fate='absent')
    rack.has_problem('SECRET_MISSING', 'bgppeer/tor', 'n1', 'tor/pw')
    rack.secret('tor', 'other', 'late')
    rack.says('n1', side.address, state='Missing', code='SECRET_MISSING', fate='absent')
    rack.secret('tor', 'pw', 'late')
    rack.up('n1', side.address)
    rack.says('n1', side.address, state='Established', code=None)


def test_secret_rotated(rack, side):
    side.password('first')
    rack.secret('tor', 'pw', 'first')
    rack.apply(guarded(side))
    rack.up('n1', side.address)
    before = rack.since()
    rack.secret('tor', 'pw', 'second')
    side.password('second')
    rack.lab.wait(lambda: rack.since() and rack.since() != before, 20, 'the session is up again')
    rack.up('n1', side.address)


@pytest.mark.parametrize('text', ['', 'x' * 81, 'a"b', 'a\nb'])
def test_impossible_passwords(rack, text):
    """They never reach BIRD: the session does not start and says why; the same secret mended brings it up."""
    side = rack.sides['frr']
    side.password('x' * 80)
    rack.secret('tor', 'pw', text)
    rack.apply(guarded(side))
    code = 'SECRET_INVALID' if text else 'SECRET_MISSING'
    rack.says('n1', side.address, state='Missing', code=code, fate='absent')
    assert text[:3] == '' or text not in rack.session('n1', side.address)['reason']
    rack.secret('tor', 'pw', 'x' * 80)
    rack.up('n1', side.address)


def test_password_is_redacted(rack, side):
    """Nobody sees it but BIRD: not in status, not in render, not in the log."""
    side.password('topsecretword')
    rack.secret('tor', 'pw', 'topsecretword')
    rack.apply(guarded(side))
    rack.up('n1', side.address)
    assert 'topsecretword' not in str(rack.status())
    assert 'topsecretword' not in rack.render('n1')
    assert 'topsecretword' in rack.render('n1', '--show-secrets')
    with open(rack.agents['n1'].process.log, encoding='utf-8') as log:
        assert 'topsecretword' not in log.read()
