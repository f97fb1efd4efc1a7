# SPDX-License-Identifier: Apache-2.0
"""Why a session is not up, as an engineer reads it at night: the cause of now, what began the outage, the message of
the other end's operator; and how often it happened. One node, and at the other end whatever a test needs."""

import json
import re
import socket
import struct
import time

import pytest

from fabric import bird_for, config, frr_for, neighbour, node, peer, text_of
from peerage import Peerd, apply, peerctl
from routers import Bird

TOR, OWN = '10.1.0.1', '10.1.0.11'


class Rack:
    def __init__(self, lab):
        self.lab, self.tor, self.n1 = lab, lab.node('tor'), lab.node('n1')
        lab.lan('switch', tor=f'{TOR}/24', n1=f'{OWN}/24')
        self.agent = Peerd(self.n1, f'{lab.folder}/peerage.db')

    def start(self, *peers, **more):
        apply(self.agent.store, text_of([config(asNumber=64512, **more), node('n1', ipv4Address=f'{OWN}/24'), *peers]))
        self.agent.start()
        return self

    def session(self):
        return (self.agent.status().get('sessions') or [{}])[0]

    def says(self, timeout=30, **wanted):
        """Until the status says WANTED of the session; `before_code` is code in before."""
        def said():
            found = self.session()
            flat = {**found, **{f'before_{key}': value for key, value in found.get('before', {}).items()}}
            return found if all(flat.get(key) == value for key, value in wanted.items()) else None
        return self.lab.wait(said, timeout, f'the session says {wanted}')

    def up(self):
        return self.says(state='Established')

    def text(self):
        return peerctl('status', store=self.agent.store)[1]


@pytest.fixture
def rack(lab):
    return Rack(lab)


def test_a_router_that_dies_and_comes_back_otherwise(rack):
    """Each cause is that of now, and none hides behind an older one."""
    def bird(router_id=TOR, asn=64512, body=''):
        tor.write(f'router id {router_id};\nprotocol device {{}}\n' +
                  neighbour(TOR, asn, OWN, 64512, 'multihop;' + body).replace('from fast', ''))
        tor.start()

    tor = Bird(rack.tor)
    bird()
    rack.start(peer('tor', peerIP=TOR, asNumber=64512))
    rack.up()
    tor.kill()
    rack.says(code='CONNECTION_LOST', error='Socket: Connection closed', flaps=1)
    rack.says(code='PORT_CLOSED', error='Socket: Connection refused', before_code='CONNECTION_LOST')
    assert re.search(r'Socket: Connection refused: Nothing listens .* Before that, at \S+Z: Socket: Connection closed\.',
                     rack.text())
    bird(router_id=OWN)
    rack.says(code='ROUTER_ID_CLASH', before_code='CONNECTION_LOST')
    tor.kill()
    rack.says(code='PORT_CLOSED', before_code='ROUTER_ID_CLASH', timeout=60)
    bird(body='password "other";')
    said = rack.says(code='NO_ANSWER', before_code='ROUTER_ID_CLASH', timeout=60)
    assert 'passwords that differ' in said['reason'] and 'error' not in said
    # peerd started again knows no less.
    assert rack.agent.stop() == 0
    rack.agent.start(bird=False)
    rack.says(code='NO_ANSWER', before_code='ROUTER_ID_CLASH', flaps=1)
    tor.kill()
    bird(asn=64999)
    rack.says(code='BAD_PEER_AS', timeout=60)
    tor.kill()
    bird()
    said = rack.says(state='Established', timeout=60)
    assert 'reason' not in said and said['before']['code'] == 'BAD_PEER_AS' and said['flaps'] == 1


def test_message_of_the_other_end(rack):
    """RFC 9003, from FRR; with its cause, and not for longer."""
    frr = frr_for(rack.tor, 65001, TOR, [], more=f' neighbor {OWN} remote-as 64512\n neighbor {OWN} timers connect 1\n')
    rack.start(peer('tor', peerIP=TOR, asNumber=65001))
    rack.up()
    frr.vtysh('configure terminal', 'router bgp 65001', f'neighbor {OWN} shutdown message new line card until 5pm')
    said = rack.says(code='ADMIN_SHUTDOWN', message='new line card until 5pm')
    assert "The operator's message: \"new line card until 5pm\"" in said['reason']
    assert 'new line card until 5pm' in rack.text()
    stored = json.loads(peerctl('get', 'nodestatus', 'n1', '-o', 'json', store=rack.agent.store)[1])
    assert stored['status']['sessions'][0]['message'] == 'new line card until 5pm'
    # The next cause is another one: the message goes with the one before.
    frr.kill()
    said = rack.says(code='PORT_CLOSED', before_message='new line card until 5pm')
    assert 'message' not in said and 'with the message "new line card until 5pm"' in rack.text()


def test_message_is_clean(rack):
    """What a remote writes reaches neither terminal nor store as it is: BIRD passes quotes and bytes above 0x7f on."""
    tor = bird_for(rack.tor, TOR, neighbour(TOR, 65001, OWN, 64512, 'multihop;'))
    rack.start(peer('tor', peerIP=TOR, asNumber=65001))
    rack.up()
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(tor.socket)
        control.sendall(b'disable p_10_1_0_11 "x\x9b31m \xffpeer_10_1_0_1: State changed to up \xc3\xa9"\n')
        control.recv(1)
        said = rack.says(code='ADMIN_SHUTDOWN')
    assert said['message'].endswith('peer_10_1_0_1: State changed to up \u00e9')
    assert not any(ord(letter) < 0x20 or 0x7f <= ord(letter) < 0xa0 for letter in said['message'])
    assert '\x9b' not in rack.text() and said['flaps'] == 1


def message(kind, body=b''):
    return b'\xff' * 16 + struct.pack('!HB', 19 + len(body), kind) + body


def establish(rack):
    """As a router that hangs up as soon as the session is up."""
    capabilities = b'\x02\x0e' + b'\x01\x04\x00\x01\x00\x01' + b'\x02\x00' + b'\x41\x04' + struct.pack('!I', 65001)
    opened = struct.pack('!BHHI', 4, 65001, 90, 0x0a010001) + bytes([len(capabilities)]) + capabilities
    with rack.tor.connect(OWN, 179) as connection:
        connection.sendall(message(1, opened) + message(4))
        data = b''
        while data.count(b'\xff' * 16) < 2:  # OPEN and KEEPALIVE
            more = connection.recv(4096)
            if not more:
                return False
            data += more
    return True


@pytest.mark.parametrize('severity', ['Info', 'Warning'])
def test_flaps_are_counted(rack, severity):
    """From BIRD's own words; where it does not log them, what is seen is said to be a lower bound."""
    rack.start(peer('tor', peerIP=TOR, asNumber=65001), logSeverityScreen=severity)
    rack.lab.wait(lambda: rack.session().get('state') in ('Connect', 'Active'), 15, 'the session is there')
    n, end = 0, time.monotonic() + 4  # longer than the times of BIRD and peerd may differ

    def flap():
        nonlocal n
        try:
            n += establish(rack)
        except OSError:
            pass
        return n >= 40 and time.monotonic() > end
    rack.lab.wait(flap, 60, 'forty flaps')
    if severity == 'Info':
        said = rack.says(flaps=n)
        assert not said.get('flapsAtLeast')
    else:
        said = rack.lab.wait(lambda: rack.session().get('flapsAtLeast') and rack.session(), 30, 'a lower bound')
        assert said.get('flaps', 0) <= n
        assert f">={said.get('flaps', 0)}" in peerctl('status', '-o', 'wide', store=rack.agent.store)[1]


def test_address_that_is_not_here(rack):
    """Named by the agent, and by plan, before BIRD has tried."""
    apply(rack.agent.store, text_of([config(asNumber=64512), node('n1', ipv4Address='10.1.0.99/24'),
                                     peer('tor', peerIP=TOR, asNumber=65001)]))
    rack.agent.start()
    said = rack.says(code='SOURCE_NOT_LOCAL')
    assert '10.1.0.99' in said['reason']
    rc, out, err = peerctl('plan', '--node', 'n1', store=rack.agent.store)
    assert rc == 0 and 'no interface of the machine has 10.1.0.99' in out + err
    rack.n1.address('lo', '10.1.0.99/32')
    said = rack.says(code='PORT_CLOSED')
