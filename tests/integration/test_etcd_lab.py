# SPDX-License-Identifier: Apache-2.0
"""The lab's etcd, certificates, name server and bad servers do what the tests of the etcd driver rely on."""

import os
import socket
import ssl
import struct

import pytest

from badserver import AT_ONCE, BEHAVIOURS, OK, PREFACE, SETTINGS, BadServer, answer, block, frame, message
from certs import Certs
from etcd import Auth, Cluster, Etcd
from lab import LabError
from nameserver import A, AAAA, SRV, Dns


def reaches(etcd, node, timeout=1.0):
    """Does a connection from NODE get to it?"""
    try:
        node.connect(etcd.address, 2379, timeout).close()
        return True
    except OSError:
        return False


def client(lab, etcd):
    node = lab.node('client')
    etcd.join(node)
    return node


# ---- one member

@pytest.mark.parametrize('family', [4, 6])
def test_etcd_keeps_what_it_is_given(lab, family):
    etcd = Etcd.on(lab, family=family)
    revision = etcd.put_object('bgppeers', 'tor', {'spec': {'asNumber': 1, 'text': "ü 'quoted'\n"}})
    assert etcd.get_object('bgppeers', 'tor')['spec'] == {'asNumber': 1, 'text': "ü 'quoted'\n"}
    assert etcd.keys('/calico/') == ['/calico/resources/v3/projectcalico.org/bgppeers/tor']
    assert etcd.txn('mod("a") = "0"', 'put a 1') and not etcd.txn('mod("a") = "0"', 'put a 2', 'get a')
    assert etcd.get('a') == '1' and etcd.delete('a') == 1 and etcd.get('a') is None
    assert etcd.get('a', '--rev', str(revision + 1)) == '1' and etcd.revision() == revision + 2
    etcd.compact()
    with pytest.raises(LabError, match='has been compacted'):
        etcd.get('a', '--rev', str(revision))
    assert len(etcd.member_list()) == 1


def test_kill_freeze_and_restart(lab):
    etcd = Etcd.on(lab)
    node = client(lab, etcd)
    etcd.put('a', '1')
    etcd.pause()
    assert reaches(etcd, node), 'the kernel still answers for it'
    assert etcd.etcdctl('--command-timeout', '300ms', 'get', 'a', check=False)[0] != 0
    etcd.resume()
    assert etcd.get('a') == '1'
    etcd.kill()
    assert not reaches(etcd, node)
    etcd.start()
    assert etcd.restart().get('a') == '1'


def test_a_snapshot_brings_back_the_revision(lab):
    etcd = Etcd.on(lab)
    etcd.put('a', '1')
    path, before, cluster = etcd.save(), etcd.revision(), etcd.status()['header']['cluster_id']
    etcd.put('a', '2')
    etcd.restore(path)
    assert etcd.revision() == before and etcd.get('a') == '1'
    assert etcd.status()['header']['cluster_id'] == cluster, 'nobody can tell by its id'
    etcd.stop()
    etcd.wipe()
    etcd.start()
    assert etcd.revision() == 1 and etcd.status()['header']['cluster_id'] == cluster, 'not even that it is empty'
    etcd.restore(path, token='other')
    assert etcd.status()['header']['cluster_id'] != cluster


def test_many_keys(lab):
    etcd = Etcd.on(lab)
    etcd.load({f'/many/{i}': 'x' * 100 for i in range(2000)})
    assert len(etcd.keys('/many/')) == 2000 and etcd.delete('/many/', prefix=True) == 2000


def test_large_values(lab):
    etcd = Etcd.on(lab, '--max-request-bytes', '4000000')
    etcd.put('a', 'x' * 1800000)
    assert len(etcd.get('a')) == 1800000


def test_full(lab):
    etcd = Etcd.on(lab, '--quota-backend-bytes', '4000000')
    etcd.fill()
    assert any('NOSPACE' in word for word in etcd.alarms())
    with pytest.raises(LabError, match='space exceeded'):
        etcd.put('a', '1')
    etcd.restart()
    assert len(etcd.get('/ballast')) == 500000, 'what is there is still read'
    etcd.empty()
    assert etcd.put('a', '1') and not etcd.alarms()


def test_cut_is_silent_and_heals(lab):
    etcd = Etcd.on(lab)
    node, other = client(lab, etcd), lab.node('other')
    etcd.join(other)
    with node.connect(etcd.address, 2379) as open_one:
        with lab.cut(node, etcd.node):
            assert not reaches(etcd, node, 0.3) and reaches(etcd, other)
            open_one.settimeout(0.3)
            open_one.sendall(b'GET /version HTTP/1.1\r\nHost: x\r\n\r\n')
            with pytest.raises(socket.timeout):
                open_one.recv(1)
        open_one.settimeout(10)
        assert open_one.recv(8) == b'HTTP/1.1'
    assert reaches(etcd, node)


# ---- three members

def test_cluster_elects_moves_and_loses_its_leader(lab):
    cluster = Cluster.on(lab)
    assert cluster.store.count('http://') == 3
    leader = cluster.leader()
    moved = cluster.move_leader()
    assert moved is not leader and cluster.leader() is moved
    cluster.put('a', '1')
    assert all(member.get('a') == '1' for member in cluster.members)
    cluster.stop_quorum()
    lab.wait(lambda: cluster.leader() is None, 10, 'nobody leads')
    assert cluster.etcdctl('--command-timeout', '300ms', 'get', 'a', check=False)[0] != 0
    cluster.start()
    assert cluster.get('a') == '1'
    path, revision = cluster.save(), cluster.revision()
    cluster.put('a', '2')
    cluster.restore(path)
    assert cluster.get('a') == '1' and cluster.revision() == revision


# ---- certificates and users

def test_mutual_tls(lab):
    certs = Certs(os.path.join(lab.folder, 'certs'))
    etcd = Etcd.on(lab, certs=certs)
    assert etcd.put('a', '1') and etcd.store.startswith('etcd:https://')
    assert all(os.path.exists(path) for path in etcd.env.values())

    def verdict(pair, ca=certs.ca):
        """What a client with PAIR that trusts CA makes of the server, or the server of it."""
        context = ssl.create_default_context(cafile=ca)
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # there a refusal is part of the handshake
        if pair:
            context.load_cert_chain(*pair)
        try:
            with context.wrap_socket(etcd.node.connect(etcd.address, 2379), server_hostname=etcd.address) as sock:
                sock.sendall(b'GET /version HTTP/1.1\r\nHost: x\r\n\r\n')
                return sock.recv(100).decode()
        except ssl.SSLError as error:
            return str(error)
    good, others = certs.issue('good'), Certs(os.path.join(lab.folder, 'others'), 'Other CA')
    assert '200 OK' in verdict(good)
    for bad in (None, others.issue('foreign'), certs.issue('old', days=(-2, -1)), certs.issue('s', uses='serverAuth')):
        assert 'alert bad certificate' in verdict(bad)
    assert 'unable to get local issuer' in verdict(good, others.ca)
    for words, how in (('certificate has expired', {'days': (-2, -1)}), ('not yet valid', {'days': (1, 2)}),
                       ('unable to get local issuer', {'certs': others})):
        etcd.certify(**how)
        assert words in verdict(good)
    etcd.certify('IP:10.9.9.9', 'DNS:elsewhere.lab')
    assert 'IP address mismatch' in verdict(good)
    etcd.certify()
    assert etcd.get('a') == '1'


def test_users_by_password(lab):
    etcd = Etcd.on(lab)
    auth = Auth(etcd)
    auth.role('calico', '/calico/')
    assert auth.user('node', 'one', 'calico')['ETCD_USERNAME'] == 'node'

    def may(key, password='one'):
        return etcd.etcdctl('put', key, '1', check=False, credentials=['--user', 'node:' + password])[0] == 0
    assert may('/calico/a') and not may('/other/a') and not may('/calico/a', 'two')
    assert etcd.etcdctl('put', '/calico/a', '1', check=False, credentials=[])[0] != 0
    auth.password('node', 'two')
    assert not may('/calico/a') and may('/calico/a', 'two')
    auth.revoke('calico', '/calico/')
    assert not may('/calico/a', 'two')
    assert etcd.put('a', '1') and etcd.restart().get('a') == '1'
    auth.disable()
    assert etcd.get('a') == '1'


def test_users_by_certificate(lab):
    certs = Certs(os.path.join(lab.folder, 'certs'))
    etcd = Etcd.on(lab, certs=certs)
    auth = Auth(etcd)
    auth.role('calico', '/calico/')
    auth.user('node', None, 'calico')
    pair = certs.issue('node')
    credentials = ['--cacert', certs.ca, '--cert', pair.cert, '--key', pair.key]
    assert etcd.etcdctl('put', '/calico/a', '1', credentials=credentials)[0] == 0
    assert etcd.etcdctl('put', '/other/a', '1', check=False, credentials=credentials)[0] != 0


# ---- names

@pytest.mark.parametrize('own', ['10.0.9.1', 'fd09::1'])
def test_names_are_answered(lab, own):
    etcd = Etcd.on(lab, start=False)
    node = client(lab, etcd)
    dns = Dns(etcd.node, own).host('etcd1.lab', '10.0.9.1', 'fd09::1')
    dns.srv('_etcd-client._tcp.lab', 'etcd1.lab', 2379, 0, 5).srv('_etcd-client._tcp.lab', 'etcd2.lab', 2380, 10)
    dns.start().serves(node)
    assert dns.ask('_etcd-client._tcp.lab', SRV) == [(0, 5, 2379, 'etcd1.lab'), (10, 0, 2380, 'etcd2.lab')]
    assert dns.ask('etcd1.lab', A) == ['10.0.9.1'] and dns.ask('etcd1.lab', AAAA) == ['fd09::1']
    assert not dns.ask('_etcd-client-ssl._tcp.lab', SRV)
    assert node.run('getent', 'ahostsv4', 'etcd1.lab')[1].split()[0] == '10.0.9.1'
    assert node.run('getent', 'hosts', 'nobody.lab', check=False)[0] != 0
    assert dns.asked('nobody.lab')
    dns.stop()
    assert dns.ask('etcd1.lab', A) is None


# ---- bad servers

def talk(bad, until_end=1.0):
    """What the server says to a good beginning of HTTP/2 and one request; as much as comes."""
    request = [(':method', 'POST'), (':scheme', 'http'), (':path', '/etcdserverpb.KV/Range'), (':authority', 'x'),
               ('content-type', 'application/grpc'), ('te', 'trailers')]
    with bad.node.connect('127.0.0.1', 2379, until_end) as sock:
        said = b''
        try:
            sock.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(1, 4, 1, block(request)) +
                         frame(0, 1, 1, message(b'')))
            while part := sock.recv(1 << 20):
                said += part
        except OSError:
            pass
    return said


def frames(said):
    """[(type, flags, stream, payload)]"""
    found = []
    while said:
        size, (kind, flags, stream) = int.from_bytes(said[:3], 'big'), struct.unpack('>BBI', said[3:9])
        found.append((kind, flags, stream, said[9:9 + size]))
        said = said[9 + size:]
    return found


@pytest.mark.parametrize('behaviour', BEHAVIOURS)
def test_bad_server(lab, behaviour):
    bad = BadServer(lab.node('bad'), '127.0.0.1', behaviour).start()
    said = talk(bad, 0.3)
    assert bad.connections() == 1 and bad.requests() == (behaviour not in AT_ONCE)
    if behaviour in AT_ONCE:
        assert said == AT_ONCE[behaviour]
        return
    kinds = [kind for kind, *_ in frames(said)]
    assert kinds[:1] == {'silent': [], 'never_settings': [1]}.get(behaviour, [SETTINGS])
    ends = {'goaway': [7], 'rst': [3], 'refused_stream': [3], 'huge_header': [1] + [9] * 63, 'silent': [],
            'mute': [], 'oversized': [1, 0], 'no_status': [1, 0], 'wrong_type': [1, 0], 'status_500': [1, 0],
            'unavailable': [1], 'wrong_stream': [1]}
    assert [kind for kind in kinds if kind not in (SETTINGS, 8)] == ends.get(behaviour, [1, 0, 1])
    if behaviour in ('good', 'drips'):
        assert said.endswith(answer(1, message(b'\x0a\x06\x08\x01\x10\x01\x18\x01')))
        assert talk(bad, 0.3) == said and bad.requests() == 2
        assert block(OK) in said
