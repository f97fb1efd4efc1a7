# SPDX-License-Identifier: Apache-2.0
"""What cannot be planned is said: a code, a sentence and the resource, in `peerctl status`; the rest stays up.

One node with IPv4 alone, a router, and Nodes that exist on paper. What needs a broken BIRD or a broken folder of
secrets is in test_faults_*.py; passwords are in test_passwords.py.
"""

import json
import sqlite3

import pytest

from fabric import Fabric, bgpfilter, config, frr_for, node, peer
from lab import Lab
from peerage import peerctl

TOR, OWN = '10.1.0.1', '10.1.0.11'


@pytest.fixture(scope='module')
def rack():
    with Lab() as lab:
        tor, n1 = lab.node('tor'), lab.node('n1')
        lab.lan('switch', tor=f'{TOR}/24', n1=f'{OWN}/24')
        fabric = Fabric(lab, config(), node('n1', {'place': 'here'}, ipv4Address=f'{OWN}/24'),
                        node('no-address', {'place': 'nowhere'}), node('six', {'place': 'six'}, ipv6Address='fd01::6/64'),
                        peer('tor', node='n1', peerIP=TOR, asNumber=65001))
        fabric.agent(n1)
        fabric.tor = frr_for(tor, 65001, TOR, ['10.1.0.0/24'])
        lab.wait(lambda: fabric.tor.vtysh('show bgp summary'), 10, 'FRR is there')
        fabric.start()
        fabric.up('n1', TOR)
        yield fabric
        fabric.close()


@pytest.mark.parametrize('code, spec, words', [
    ('NO_SUCH_NODE', {'node': 'n7', 'peerIP': TOR, 'asNumber': 65001}, '"n7"'),
    ('SELECTS_NOTHING', {'nodeSelector': "place == 'mars'", 'peerIP': TOR, 'asNumber': 65001}, 'nodeSelector'),
    ('SELECTS_NOTHING', {'peerSelector': "place == 'mars'"}, 'peerSelector'),
    ('SELECTS_NOTHING', {'node': 'n1'}, 'neither peerIP nor peerSelector'),
    ('NO_LOCAL_ADDRESS', {'node': 'n1', 'peerIP': 'fd01::1', 'asNumber': 65001}, 'IPv6'),
    ('NO_LOCAL_ADDRESS', {'node': 'n1', 'peerSelector': "place == 'six'"}, 'family'),
    ('NO_REMOTE_ADDRESS', {'node': 'n1', 'peerSelector': "place == 'nowhere'"}, 'no-address'),
    ('AS_UNKNOWN', {'node': 'n1', 'peerIP': '10.1.0.77'}, '10.1.0.77'),
    ('SELF', {'node': 'n1', 'peerIP': OWN, 'asNumber': 65001}, OWN),
    ('DOUBLE', {'nodeSelector': "place == 'here'", 'peerIP': TOR, 'asNumber': 65001}, 'bgppeer/tor'),
    ('FILTER_MISSING', {'node': 'n1', 'peerIP': '10.1.0.77', 'asNumber': 65007, 'filters': ['nix']}, '"nix"'),
    ('NOT_ACTED_ON', {'node': 'n1', 'peerIP': '10.1.0.77', 'asNumber': 65007, 'keepaliveTime': '30s'}, 'keepaliveTime'),
], ids=lambda value: value if isinstance(value, str) else '')
def test_a_peer_that_cannot_be_planned(rack, code, spec, words):
    before = rack.since()
    rack.apply(peer('wrong', **spec))
    rack.has_problem(code, 'bgppeer/wrong', None, words)
    assert rack.since() == before, 'the session that is well does not notice'
    # And it goes with its cause.
    rack.delete('bgppeer/wrong')
    rack.lab.wait(lambda: 'bgppeer/wrong' not in str(rack.status()), 5, 'the problem is gone')


def test_missing_filter_opens_nothing(rack):
    """A session that waits for its filter is disabled; one that ran stays as it was."""
    rack.apply(peer('tor', node='n1', peerIP=TOR, asNumber=65001, filters=['nix']), settle=False)
    rack.has_problem('FILTER_MISSING', 'bgppeer/tor', 'n1', '"nix"')
    rack.up('n1', TOR)
    before = rack.since()
    rack.apply(bgpfilter('nix', exportV4=[{'action': 'Reject'}]))
    rack.lab.wait(lambda: 'FILTER_MISSING' not in str(rack.status()), 5, 'the problem is gone')
    assert rack.since() == before


def test_not_on_link_is_a_note(rack):
    """No problem of the fabric; plan says it."""
    rack.apply(peer('far', node='n1', peerIP='192.0.2.1', asNumber=65009,
                    failureDetectionMode='BFDIfDirectlyConnected'))
    rc, out, _ = peerctl('plan', '--node', 'n1', '-o', 'json', store=rack.store)
    assert rc == 0
    noted = [p for p in json.loads(out)['problems'] if p['code'] == 'NOT_ONLINK']
    assert noted and noted[0]['resource'] == 'bgppeer/far'


def write_raw(rack, kind, name, document):
    """As another program, or a later version, might have written it."""
    with sqlite3.connect(rack.store, timeout=5) as db:
        row = db.execute('SELECT max(rev) FROM log').fetchone()[0] + 1
        db.execute('INSERT OR REPLACE INTO resource VALUES (?, ?, ?, ?)', (kind, name, row, json.dumps(document)))
        db.execute('INSERT INTO log VALUES (?, ?, ?, 0)', (row, kind, name))
    db.close()
    with open(rack.store + '.notify', 'r+b') as file:  # or peerd would see it with its next look at BIRD, within 10 s
        file.write(b'\n')


@pytest.mark.parametrize('field, value', [('restartMode', 'Never'), ('asNumber', 'x')])
def test_object_that_does_not_decode(rack, field, value):
    """What runs because of it stays."""
    rack.up('n1', TOR)
    before = rack.since()
    text = peerctl('get', 'bgppeer', 'tor', '-o', 'json', store=rack.store)[1]
    document = json.loads(text)
    document['spec'][field] = value
    write_raw(rack, 'bgppeers', 'tor', document)
    rack.has_problem('INVALID', 'bgppeer/tor', 'n1', field)
    # Something else changes meanwhile, and is done.
    rack.kept_text = True
    rack.apply(peer('far', node='n1', peerIP='192.0.2.1', asNumber=65009))
    rack.lab.wait(lambda: '192.0.2.1' in rack.agents['n1'].bird.sessions(), 15, 'the other peer')
    assert rack.since() == before


def test_status_by_resource_and_node(rack):
    """The same session from all three sides."""
    rack.up('n1', TOR)
    rack.says('n1', TOR, state='Established')
    for target in ((), ('node', 'n1'), ('bgppeer', 'tor')):
        sessions = [s for s in rack.status(*target)['sessions'] if s['peer'] == TOR]
        assert [(s['resource'], s['node'], s['state']) for s in sessions] == [('bgppeer/tor', 'n1', 'Established')]
    rc, out, _ = peerctl('status', store=rack.store)
    assert rc == 0 and 'bgppeer/tor' in out and 'Established' in out
