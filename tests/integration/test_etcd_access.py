# SPDX-License-Identifier: Apache-2.0
"""Getting at etcd: certificates, users, names, servers that are none; and what is found there, whoever wrote it.

Whatever is wrong, peerctl ends with one line that says where and why, peerd with two, and no secret is in them.
"""

import concurrent.futures
import contextlib
import json
import os
import re
import sqlite3
import sys
import time
import types

import pytest

from badserver import BEHAVIOURS, BadServer
from certs import Certs, Pair
from etcd import CALICO, Auth, Etcd
from faults import BASE, World
from lab import Lab, run, tail
from nameserver import Dns
from peerage import peerctl

PASSWORDS = {'root': 'the-root-password', 'calico': 'hush-hush-17', 'reader': 'hush-hush-18', 'agent': 'hush-hush-19',
             'later': 'hush-hush-20'}
STATUSES = '/peerage/v1/nodestatuses/'


# ---- what all cases share

@pytest.fixture(scope='module', name='site')
def fixture_site():
    """One lab for all that peerctl alone is asked: each server in a namespace of its own."""
    with Lab() as made:
        yield made
        findings = made.findings()
    assert not findings, findings


@pytest.fixture(scope='module', name='plain')
def fixture_plain(site):
    etcd = Etcd(site.node('plain'), '127.0.0.1').start()
    check(ask(etcd, 'apply', '-f', '-', stdin=BASE), 0)
    return etcd


@pytest.fixture(scope='module', name='secure')
def fixture_secure(site):
    """With mutual TLS."""
    return Etcd(site.node('secure'), '127.0.0.1', certs=Certs(os.path.join(site.folder, 'certs'))).start()


@pytest.fixture(scope='module', name='others')
def fixture_others(site):
    """An authority that nobody knows."""
    return Certs(os.path.join(site.folder, 'others'), 'Other CA')


@pytest.fixture(scope='module', name='users')
def fixture_users(site):
    """With users: `calico` may all that is documented, `reader` may read."""
    etcd = Etcd(site.node('users'), '127.0.0.1').start()
    auth = Auth(etcd, PASSWORDS['root'])
    auth.role('calico', '/calico/', '/peerage/')
    auth.user('calico', PASSWORDS['calico'], 'calico')
    auth.role('reader', '/calico/', '/peerage/', how='read')
    auth.user('reader', PASSWORDS['reader'], 'reader')
    auth.user('stranger', PASSWORDS['reader'])
    return etcd


def login(name, password=None):
    return {'ETCD_USERNAME': name, 'ETCD_PASSWORD': password or PASSWORDS[name]}


def secrets_of(folder):
    """What must be nowhere: passwords, and a line of each key."""
    found = list(PASSWORDS.values())
    for name in run('find', folder, '-name', '*.key')[1].split():
        with open(name, encoding='ascii') as file:
            found.append(file.read().splitlines()[2])
    return found


def ask(etcd, *words, store=None, env=None, at=None, **options):
    """(exit code, stdout, stderr, seconds). ENV None: what the server's own user has."""
    start = time.monotonic()
    rc, out, err = peerctl(*words, store=etcd.store if store is None else store, at=at or etcd.node,
                           env=etcd.env if env is None else env, **options)
    assert 'Sanitizer' not in err and 'runtime error' not in err, err
    leaked = [secret for secret in secrets_of((at or etcd.node).lab.folder) if secret in out + err]
    assert not leaked, out + err
    return rc, out, err, time.monotonic() - start


def check(answer, code, *words, lines=1, seconds=15.0):
    """It ended with CODE, soon, and said WORDS (patterns) in so few lines on stderr."""
    rc, out, err, took = answer
    assert rc == code and took < seconds, answer
    assert code == 0 or len(err.splitlines()) <= lines, err
    for word in words:
        assert re.search(word, err), f'{word}\n{err}'
    return out


def document(kind, name, spec, **metadata):
    return json.dumps({'apiVersion': 'projectcalico.org/v3', 'kind': kind, 'metadata': {'name': name, **metadata},
                       'spec': spec})


def bgpfilter(name, n=1):
    return document('BGPFilter', name, {'exportV4': [{'action': 'Accept', 'matchOperator': 'In',
                                                      'cidr': f'10.{i // 256}.{i % 256}.0/24'} for i in range(n)]})


def config_file(folder, name='calicoctl.cfg', **spec):
    """A CalicoAPIConfig; its path."""
    path = os.path.join(folder, name)
    with open(path + '.new', 'w', encoding='utf-8') as file:
        json.dump({'apiVersion': 'projectcalico.org/v3', 'kind': 'CalicoAPIConfig', 'metadata': {},
                   'spec': {'datastoreType': 'etcdv3', **spec}}, file)
    os.rename(path + '.new', path)
    return path


def text_of(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def back(w, begin):
    """Until the log says, after its first BEGIN lines, that the store is back."""
    w.lab.wait(lambda: [line for line in w.log()[begin:] if 'store-back' in line], 20, 'the store is back')


def no_secrets(w, etcd):
    """None in what peerd logged, is called, and wrote."""
    secrets = secrets_of(w.lab.folder)
    with open(f'/proc/{w.peerd.process.pid}/cmdline', encoding='utf-8') as file:
        seen = {'cmdline': file.read(), 'log': tail(w.peerd.process.log, 100000), 'bird.conf': text_of(w.bird.conf),
                'store': '\n'.join(key + value for key, value in etcd.items('', '--prefix').items()),
                'status': ''.join(w.peerctl('status', 'node', 'n1', '-o', 'json')[1:])}
    for where, text in seen.items():
        for secret in secrets:
            assert secret not in text, f'{secret} is in {where}:\n{text}'


# ---- 1. TLS

def test_ways_to_give_certificates(secure, site):
    certs, good = secure.certs, secure.certs.issue('good', cn='root')
    environment = certs.env(good)
    inline = {'etcdCACert': text_of(certs.ca), 'etcdCert': text_of(good.cert), 'etcdKey': text_of(good.key)}
    files = {'etcdCACertFile': certs.ca, 'etcdCertFile': good.cert, 'etcdKeyFile': good.key}
    check(ask(secure, 'apply', '-f', '-', stdin=bgpfilter('tls'), env=environment), 0)
    for store, env, words in (
            (None, environment, ()),
            ('etcd:', {'ETCD_ENDPOINTS': secure.url, **environment}, ()),
            ('', {'ETCD_ENDPOINTS': secure.url, **environment}, ()),
            ('', {'DATASTORE_TYPE': 'etcdv3', 'ETCD_ENDPOINTS': secure.url, **environment}, ()),
            ('', {'CALICO_DATASTORE_TYPE': 'etcdv3', 'CALICO_ETCD_ENDPOINTS': secure.url,
                  **{'CALICO_' + key: value for key, value in environment.items()}}, ()),
            ('etcd:' + config_file(site.folder, 'inline.cfg', etcdEndpoints=secure.url, **inline), {}, ()),
            ('', {}, ('-c', config_file(site.folder, 'inline.cfg', etcdEndpoints=secure.url, **inline))),
            ('', {}, ('-c', config_file(site.folder, 'files.cfg', etcdEndpoints=secure.url, **files)))):
        assert check(ask(secure, 'get', 'bgpfilter', '-o', 'name', *words, store=store, env=env), 0).split() == \
            ['bgpfilter/tls'], (store, env, words)
    for name, words in (('etcdCACert', 'the CA certificate given as text holds no certificate'),
                        ('etcdCert', 'our certificate given as text is no certificate'),
                        ('etcdKey', 'the client key given as text is no private key')):
        path = config_file(site.folder, 'bad.cfg', etcdEndpoints=secure.url, **{**inline, name: 'garbage'})
        check(ask(secure, 'get', 'bgpfilter', store='etcd:' + path, env={}), 3, words)
    path = config_file(site.folder, 'bad.cfg', etcdEndpoints=secure.url, **inline, **files)
    check(ask(secure, 'get', 'bgpfilter', store='etcd:' + path, env={}), 2, 'either all from files or all as text')
    check(ask(secure, 'get', 'bgpfilter', env={'ETCD_CA_CERT_FILE': certs.ca, 'ETCD_CERT_FILE': good.cert}), 2,
          'ETCD_CERT_FILE is given without ETCD_KEY_FILE')


DATES = r'valid from \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ to \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ'


def test_our_certificate(secure, others, site):
    certs = secure.certs
    good, another = certs.issue('good', cn='root'), certs.issue('another')
    garbage, empty, folder = (os.path.join(site.folder, name) for name in ('garbage.pem', 'empty.pem', 'folder.pem'))
    with open(garbage, 'w', encoding='ascii') as file:
        file.write('-----BEGIN CERTIFICATE-----\nMIIBgarbage!!\n-----END CERTIFICATE-----\n')
    with open(empty, 'w', encoding='ascii'):
        pass
    os.makedirs(folder)

    def case(pair, code, *words, ca=certs.ca):
        env = {'ETCD_CA_CERT_FILE': ca, **({'ETCD_CERT_FILE': pair[0], 'ETCD_KEY_FILE': pair[1]} if pair else {})}
        check(ask(secure, 'get', 'bgpfilter', env=env), code, *words, seconds=2)
    url = re.escape(secure.url)
    case(good, 0)
    case(None, 8, url, 'asks for a client certificate; set ETCD_CERT_FILE')
    case(others.issue('foreign'), 8, url, 'refuses our certificate .*foreign.pem', DATES, 'of another CA')
    case(certs.issue('s', uses='serverAuth'), 8, url, 'refuses our certificate', DATES)
    case(certs.issue('old', days=(-2, -1)), 3, 'our certificate .*old.pem', DATES, 'has expired')
    case(certs.issue('early', days=(1, 2)), 3, 'our certificate .*early.pem', DATES, 'is not valid yet')
    case(Pair(good.cert, another.key), 3, 'another.key does not belong to the certificate .*good.pem')
    case(Pair(good.cert, folder), 2, 'the client key: .*folder.pem is a folder')
    case(Pair(good.cert, '/nowhere'), 2, 'the client key: /nowhere: No such file')
    case(Pair(good.cert, garbage), 3, 'the client key .*garbage.pem is no private key in PEM form')
    case(Pair(garbage, good.key), 3, 'our certificate .*garbage.pem is no certificate in PEM form')
    case(Pair(empty, good.key), 3, 'our certificate .*empty.pem is no certificate in PEM form')
    case(Pair(good.key, good.cert), 3, 'our certificate .*good.key is no certificate')
    case(certs.issue('locked', password='hunter22'), 3, 'locked.key is encrypted')
    case(good, 8, url, "the server's certificate", DATES, 'of a CA that is not in .*others/ca.pem', ca=others.ca)
    case(good, 3, 'garbage.pem: certificate 1 in it is broken', ca=garbage)
    case(good, 3, 'empty.pem holds no certificate', ca=empty)
    case(good, 2, 'the CA certificate: /nowhere: No such file', ca='/nowhere')


def test_certificate_of_the_server(secure, others):
    good = secure.certs.env(secure.certs.issue('good', cn='root'))

    def case(code, *words, **how):
        secure.certify(*how.pop('san', ()), **how)
        check(ask(secure, 'get', 'bgpfilter', env=good), code, *words, *([secure.url, DATES] if code else []),
              seconds=2)
    try:
        case(8, 'has expired', days=(-2, -1))
        case(8, 'is not valid yet', days=(1, 2))
        case(8, 'issued by CN=Other CA', 'of a CA that is not in', certs=others)
        case(8, 'is not for 127.0.0.1, only for 10.9.9.9, elsewhere.lab', san=('IP:10.9.9.9', 'DNS:elsewhere.lab'))
        case(8, 'is not for 127.0.0.1', san=('DNS:127.0.0.1',))
        case(8, 'is not meant for servers', uses='clientAuth')
        case(0, cn=None)
        secure.certs.rsa = True
        case(0)
        rsa = secure.certs.env(secure.certs.issue('rsa', cn='root'))
        check(ask(secure, 'get', 'bgpfilter', env=rsa), 0)
    finally:
        secure.certs.rsa = False
        secure.certify()


def test_tls_here_and_not_there(secure, plain):
    check(ask(secure, 'get', 'bgpfilter', store=secure.store.replace('https', 'http')), 6, 'http://127.0.0.1:2379: ',
          r'should the endpoint begin with https://\?', seconds=2)
    check(ask(plain, 'get', 'bgpfilter', store=plain.store.replace('http', 'https')), 6, 'https://127.0.0.1:2379: ',
          r'should the endpoint begin with http://\?', seconds=2)


def test_agent_and_certificates(lab):
    """What it has in a file alone: ours runs out, is renewed on disk, of RSA now, and peerd goes on."""
    certs = Certs(os.path.join(lab.folder, 'certs'))
    etcd = Etcd.on(lab, certs=certs)
    own = certs.issue('agent', cn='agent')
    path = config_file(lab.folder, etcdEndpoints=etcd.url, etcdCACertFile=certs.ca, etcdCertFile=own.cert,
                       etcdKeyFile=own.key)
    w = World(lab, 1, etcd=types.SimpleNamespace(store='etcd:' + path, node=etcd.node, env={}, join=etcd.join))
    with w.untouched():
        begin = len(w.log())
        certs.issue('agent', days=(-2, -1))
        etcd.restart()
        w.logged('our certificate .*agent.pem.* has expired')
        certs.rsa = True
        certs.issue('agent', cn='agent')
        etcd.certify()
        back(w, begin)
        w.converged()
        assert len(w.log()[begin:]) <= 3, w.log()[begin:]
    w.change(1, 71)
    w.changed(1, 71)
    no_secrets(w, etcd)


# ---- 2. users

def test_user_and_password(users, plain, site):
    calico = login('calico')
    check(ask(users, 'apply', '-f', '-', stdin=bgpfilter('f'), env=calico), 0)
    assert 'bgpfilter/f' in check(ask(users, 'get', 'bgpfilter', '-o', 'name', env=calico), 0)
    path = config_file(site.folder, 'user.cfg', etcdEndpoints=users.url, etcdUsername='calico',
                       etcdPassword=PASSWORDS['calico'])
    assert 'bgpfilter/f' in check(ask(users, 'get', 'bgpfilter', '-o', 'name', store='etcd:' + path, env={}), 0)
    url = re.escape(users.url)
    refused = 'does not let user "{}" in: the password is wrong, or there is no such user'.format
    check(ask(users, 'get', 'bgpfilter', env=login('calico', 'wrong')), 8, url, refused('calico'), seconds=2)
    check(ask(users, 'get', 'bgpfilter', env=login('nobody', 'wrong')), 8, url, refused('nobody'), seconds=2)
    check(ask(users, 'get', 'bgpfilter', env={}), 8, url, 'asks for a user: set ETCD_USERNAME', seconds=2)
    check(ask(users, 'get', 'bgpfilter', env={'ETCD_USERNAME': 'calico'}), 2,
          'ETCD_USERNAME is given without ETCD_PASSWORD')
    check(ask(plain, 'get', 'node', env=calico), 0)
    check(ask(users, 'get', 'node', store=f'etcd:http://calico:{PASSWORDS["calico"]}@127.0.0.1:2379', env={}), 2,
          'has no user and password in it')


def test_user_without_permission(users):
    reader = login('reader')
    check(ask(users, 'apply', '-f', '-', stdin=bgpfilter('f'), env=login('calico')), 0)
    assert 'bgpfilter/f' in check(ask(users, 'get', 'bgpfilter', '-o', 'name', env=reader), 0)
    before = users.items(CALICO, '--prefix')
    for words in (('apply', '-f', '-'), ('create', '-f', '-'), ('replace', '-f', '-')):
        text = bgpfilter('f', 2) if words[0] != 'create' else bgpfilter('g')
        check(ask(users, *words, stdin=text, env=reader), 8, users.url, 'user "reader" may not write ' + CALICO +
              'bgpfilters/[fg]; see `etcdctl role grant-permission', lines=2, seconds=2)
    check(ask(users, 'delete', 'bgpfilter', 'f', env=reader), 8, 'user "reader" may not write', lines=2)
    check(ask(users, 'get', 'bgpfilter', env=login('stranger', PASSWORDS['reader'])), 8, users.url,
          'user "stranger" may not read ' + CALICO + 'bgpfilters/', seconds=2)
    assert users.items(CALICO, '--prefix') == before


def test_user_by_certificate(secure):
    """Whoever has a certificate is who its CN says."""
    certs = secure.certs
    auth = Auth(secure, PASSWORDS['root'])
    try:
        auth.role('calico', '/calico/')
        auth.user('node', None, 'calico')
        node = certs.env(certs.issue('node'))
        check(ask(secure, 'apply', '-f', '-', stdin=bgpfilter('tls'), env=node), 0)
        check(ask(secure, 'get', 'bgpfilter', env=certs.env(certs.issue('stranger'))), 8, secure.url,
              'may not read ' + CALICO + 'bgpfilters/', 'of the client certificate', seconds=2)
        auth.user('calico', PASSWORDS['calico'], 'calico')
        check(ask(secure, 'get', 'bgpfilter', env={**certs.env(certs.issue('stranger')), **login('calico')}), 0)
    finally:
        auth.disable()


def authenticated(etcd):
    """How often somebody asked for a token."""
    with etcd.node.connect(etcd.address, 2379) as sock:
        sock.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
        text = b''
        while part := sock.recv(1 << 16):
            text += part
    found = re.findall(rb'^grpc_server_handled_total\{.*grpc_method="Authenticate".*\} (\S+)', text, re.M)
    return int(sum(float(number) for number in found))


def test_one_token_for_many_requests(users):
    text = '\n'.join('---\n' + bgpfilter(f'many-{i}') for i in range(300))
    before = authenticated(users)
    check(ask(users, 'apply', '-f', '-', stdin=text, env=login('calico')), 0)
    assert authenticated(users) == before + 1
    users.delete(CALICO + 'bgpfilters/many', prefix=True)


def test_agent_and_users(lab):
    etcd = Etcd.on(lab)
    auth = Auth(etcd, PASSWORDS['root'])
    auth.role('admin', '/calico/', '/peerage/')
    auth.user('calico', PASSWORDS['calico'], 'admin')
    auth.role('agent', CALICO, how='read')
    auth.grant('agent', '/peerage/v1/')
    auth.user('agent', PASSWORDS['agent'], 'agent')
    spec = {'etcdEndpoints': etcd.url, 'etcdUsername': 'agent'}
    path = config_file(lab.folder, 'agent.cfg', **spec, etcdPassword=PASSWORDS['agent'])
    etcd.env = login('calico')
    w = World(lab, 1, etcd=etcd, start=False)
    w.peerd.store = 'etcd:' + path
    w.start()
    w.converged()
    assert etcd.keys('/peerage/') == [STATUSES + 'n1'] and not etcd.keys(CALICO + 'nodestatus')
    with w.untouched():
        # A few changes, and a role that changes meanwhile: one token, nothing said.
        tokens, begin = authenticated(etcd), len(w.log())
        for i in range(3):
            w.resources(bgpfilter(f'f{i}'))
            auth.grant('agent', f'/more/{i}/')
        w.rest(1)
        assert not w.log()[begin:], w.log()[begin:]
        assert authenticated(etcd) - tokens <= 4 + 3, 'one of peerctl each time, and of peerd when a role changed'

        # etcd forgets its tokens.
        etcd.restart()
        back(w, begin)
        w.converged()
        assert len(w.log()[begin:]) == 2, w.log()[begin:]

    # The password is another, first in etcd alone.
    with w.untouched():
        begin = len(w.log())
        auth.password('agent', PASSWORDS['later'])
        etcd.restart()
        w.logged('does not let user .*agent.* in')
        w.rest(1)
        assert len([line for line in w.log()[begin:] if line.startswith('warning')]) <= 2, w.log()[begin:]
        config_file(lab.folder, 'agent.cfg', **spec, etcdPassword=PASSWORDS['later'])
        back(w, begin)
        w.converged()
        assert len(w.log()[begin:]) <= 4, w.log()[begin:]

    # It may not write its status any more, later read nothing.
    begin = len(w.log())
    auth.revoke('agent', '/peerage/v1/')
    w.change(1, 71)
    w.shows(1, 'restart time 71;')
    w.logged(f'user .*agent.* may not write {STATUSES}n1')
    lab.wait(lambda: w.up(), 20, 'the session is up')
    w.change(1, 72)
    w.shows(1, 'restart time 72;')
    lab.wait(lambda: w.up(), 20, 'the session is up')
    assert len([line for line in w.log()[begin:] if 'may not write' in line]) == 1, w.log()[begin:]
    auth.grant('agent', '/peerage/v1/')
    w.converged(timeout=30)
    with w.untouched():
        begin = len(w.log())
        auth.revoke('agent', CALICO)
        etcd.restart()
        w.logged('user .*agent.* may not read ' + CALICO)
        w.rest(2)
        auth.grant('agent', CALICO, 'read')
        back(w, begin)
        w.converged()
        assert len(w.log()[begin:]) <= 4, w.log()[begin:]
    no_secrets(w, etcd)
    w.calm()


def test_agent_that_may_not_watch(lab):
    """Each kind it may read alone, but a watch is of what is between them, too: said once, with what would do."""
    etcd = Etcd.on(lab)
    auth = Auth(etcd, PASSWORDS['root'])
    auth.role('admin', '/calico/', '/peerage/')
    etcd.env = auth.user('calico', PASSWORDS['calico'], 'admin')
    auth.role('agent', '/peerage/v1/')
    for plural in ('bgpconfigurations', 'bgpfilters', 'bgppeers', 'ippools', 'nodes'):
        auth.grant('agent', f'{CALICO}{plural}/', 'read')
    w = World(lab, 1, etcd=etcd, env=auth.user('agent', PASSWORDS['agent'], 'agent'), start=False)
    w.start()
    w.logged(f'store-away .*agent.* may not read {CALICO};')
    lab.wait(w.up, 20, 'the session is up')
    w.calm(3, lines=1)
    auth.grant('agent', CALICO, 'read')
    w.converged()
    assert len([line for line in w.log() if line.split()[1].startswith('store')]) == 2, w.log()


def test_agent_and_tokens_that_end(lab):
    """JWT: the end of each is in it."""
    key, public = (os.path.join(lab.folder, name) for name in ('jwt.key', 'jwt.pub'))
    run('openssl', 'genrsa', '-out', key, '2048')
    run('openssl', 'rsa', '-in', key, '-pubout', '-out', public)
    etcd = Etcd.on(lab, '--auth-token', f'jwt,pub-key={public},priv-key={key},sign-method=RS256,ttl=2s')
    auth = Auth(etcd, PASSWORDS['root'])
    auth.role('admin', '/calico/', '/peerage/')
    etcd.env = auth.user('calico', PASSWORDS['calico'], 'admin')
    w = World(lab, 1, etcd=etcd)
    begin = len(w.log())
    w.rest(2.5)
    w.change(1, 71)
    w.changed(1, 71)
    assert not [line for line in w.log()[begin:] if 'store' in line], w.log()[begin:]


# ---- 3. names

@pytest.fixture(scope='module', name='net')
def fixture_net(site):
    """Two members as names know them, one with TLS; a client; a name server. (client, dns, certs)"""
    etcds, client = [site.node('etcd1'), site.node('etcd2')], site.node('client')
    site.lan('net', etcd1='10.0.9.1/24 fd09::1/64', etcd2='10.0.9.2/24 fd09::2/64', client='10.0.9.3/24 fd09::3/64')
    certs = Certs(os.path.join(site.folder, 'net-certs'))
    Etcd(etcds[0], '10.0.9.1', '--listen-client-urls', 'http://[::]:2379').start()
    Etcd(etcds[1], '10.0.9.2', certs=certs, mutual=False).start()
    dns = Dns(etcds[0], '10.0.9.1').host('etcd1.lab', '10.0.9.1', 'fd09::1').host('etcd2.lab', '10.0.9.2', 'fd09::2')
    dns.host('dead.lab', '10.0.9.1')
    for domain, *members in (('plain.lab', ('', 'etcd1', 2379)), ('tls.lab', ('-ssl', 'etcd2', 2379)),
                             ('both.lab', ('', 'etcd1', 2379), ('-ssl', 'etcd2', 2379)),
                             ('one.lab', ('', 'etcd1', 2379), ('', 'dead', 4), ('', 'dead', 5)),
                             ('gone.lab', ('', 'dead', 4), ('-ssl', 'dead', 5))):
        for kind, host, port in members:
            dns.srv(f'_etcd-client{kind}._tcp.{domain}', host + '.lab', port)
    dns.start().serves(client)
    return client, dns, certs


def test_names_and_addresses(net):
    client, _, certs = net
    link = json.loads(run('nsenter', '--net=' + client.lab.nodes['etcd1'].netns, 'ip', '-j', 'addr')[1])
    local = [one['local'] for eth in link for one in eth['addr_info'] if one.get('local', '').startswith('fe80')][0]

    def case(store, code=0, *words, seconds=2):
        check(ask(None, 'get', 'bgpfilter', store=store, at=client, env=certs.env()), code, *words, seconds=seconds)
    for endpoint in ('http://10.0.9.1:2379', '10.0.9.1', 'http://etcd1.lab:2379', 'etcd1.lab', 'ETCD1.lab.',
                     'http://[fd09::1]:2379', 'http://[fd09::1]', f'http://[{local}%eth0]:2379',
                     f'http://[{local}%25eth0]', 'https://10.0.9.2', 'https://etcd2.lab:2379'):
        case('etcd:' + endpoint)
    case('etcd:https://[fd09::2]', 6, r'https://\[fd09::2\]:2379: Connection refused')
    case('etcd:https://etcd1.lab', 6, 'https://etcd1.lab:2379: ', 'as if it did not speak TLS')
    case('etcd:http://nowhere.lab', 6, 'http://nowhere.lab:2379: ', 'nowhere.lab')
    case(f'etcd:http://[{local}]', 6, seconds=11)
    case(f'etcd:http://[{local}%eth9]', 6, 'eth9')


def test_one_of_three_is_dead(net):
    client = net[0]
    for _ in range(5):
        check(ask(None, 'get', 'bgpfilter', store='etcd:10.0.9.1:4,10.0.9.1,10.0.9.1:5', at=client, env={}), 0,
              seconds=1.5)
    check(ask(None, 'get', 'bgpfilter', store='etcd:10.0.9.1:4,10.0.9.1:5', at=client, env={}), 6,
          'http://10.0.9.1:4: Connection refused', 'http://10.0.9.1:5: Connection refused', seconds=2)
    check(ask(None, 'get', 'bgpfilter', store='etcd:10.0.9.1,10.0.9.77', at=client, env={}), 0, seconds=4)


def test_discovery(net):
    client, dns, certs = net

    def case(domain, code=0, *words, store='etcd:', seconds=2, ca=True):
        env = {**(certs.env() if ca else {}), 'ETCD_DISCOVERY_SRV': domain}
        check(ask(None, 'get', 'bgpfilter', store=store, at=client, env=env), code, *words, seconds=seconds)
    case('plain.lab', ca=False)
    case('plain.lab', store='')
    case('tls.lab')
    case('tls.lab', 8, 'etcd2.lab', "the server's certificate", ca=False)
    case('both.lab')
    case('one.lab')
    case('gone.lab', 6, 'http://dead.lab:4: .*refused', 'https://dead.lab:5: .*refused')
    case('none.lab', 6, 'ETCD_DISCOVERY_SRV none.lab: .*_etcd-client')
    check(ask(None, 'get', 'bgpfilter', store='', at=client,
              env={'ETCD_DISCOVERY_SRV': 'plain.lab', 'ETCD_ENDPOINTS': 'http://10.0.9.1:2379'}), 2,
          'both given; endpoints are either listed or discovered')
    dns.stop()
    try:
        case('plain.lab', 6, 'plain.lab', seconds=12)
        check(ask(None, 'get', 'bgpfilter', store='etcd:etcd1.lab', at=client, env={}), 6, 'etcd1.lab', seconds=12)
    finally:
        dns.start()


# ---- 4. what is no etcd

# Exit code and words for each; what is not here is taken for an etcd with nothing in it.
BAD = {
    'bad_message': (6, 'no message of etcd'), 'closes': (6, 'closed the connection'),
    'compressed': (6, 'a message is compressed'), 'empty_message': (6, 'has answered nothing'),
    'garbage': (6, 'does not speak HTTP/2: is it etcd'), 'goaway': (6, 'ended: ENHANCE_YOUR_CALM, too_many_pings'),
    'half_prefix': (6, 'in the middle of a message'), 'http1': (6, 'a web server answers there'),
    'huge_frame': (6, 'does not keep to HTTP/2'), 'huge_header': (6, 'HTTP/2|headers'), 'mute': (6, 'does not answer'),
    'never_settings': (7, 'does not speak HTTP/2'), 'no_message': (6, 'the answer is empty'),
    'no_status': (6, 'without saying what came of it'), 'odd_status': (6, 'a status that is no number'),
    'odd_fields': (6, 'an entry without'), 'oversized': (6, 'does not answer'),
    'refused_stream': (6, 'REFUSED_STREAM'), 'rst': (6, 'INTERNAL_ERROR'),
    'rude_words': (6, r'2379:  \[2J line two .* long long'), 'silent': (7, 'does not speak HTTP/2'),
    'status_500': (6, 'HTTP status 500'), 'text': (6, 'does not speak HTTP/2'),
    'truncated': (6, 'in the middle of a message'), 'unavailable': (6, 'not now'),
    'unknown_status': (6, 'a code that nobody knows'), 'wrong_stream': (6, 'does not keep to HTTP/2'),
    'wrong_type': (6, 'a web server answers there'),
}
WITH_TLS = ('closes', 'garbage', 'good', 'http1', 'mute', 'silent')
WEB = """
import http.server, ssl, sys
server = http.server.ThreadingHTTPServer(('127.0.0.1', 2379), http.server.SimpleHTTPRequestHandler)
if sys.argv[1:]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*sys.argv[1:])
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def test_bad_servers(lab):
    certs = Certs(os.path.join(lab.folder, 'certs'))
    pair = certs.issue('bad', 'IP:127.0.0.1')
    servers = {(name, tls): BadServer(lab.node(f'bad{i}'), '127.0.0.1', name, pair=pair if tls else None)
               for i, (name, tls) in enumerate([(name, False) for name in BEHAVIOURS] +
                                               [(name, True) for name in WITH_TLS])}
    webs = {}
    for tls in (False, True):
        web = lab.node('web' + 's' * tls)
        web.spawn('web', sys.executable, '-c', WEB, *(pair if tls else []))
        webs['http1', 'web' + 's' * tls] = types.SimpleNamespace(
            node=web, store=f'etcd:http{"s" * tls}://127.0.0.1:2379')
        lab.wait(lambda node=web: reaches(node), 10, 'the web server listens')

    def get(server):
        return ask(server, 'get', 'bgpfilter', env=certs.env())
    with concurrent.futures.ThreadPoolExecutor(len(servers)) as pool:  # its threads end, and their children with them
        list(pool.map(BadServer.start, servers.values()))
        servers.update(webs)
        answers = dict(zip(servers, pool.map(get, servers.values())))
    for (name, tls), answer in answers.items():
        code, words = BAD.get(name, (0, ''))
        try:
            check(answer, code, *([servers[name, tls].store.removeprefix('etcd:'), words] if code else []))
        except AssertionError as error:
            raise AssertionError(f'{name}, TLS {tls}: {error}') from error


def reaches(node):
    with contextlib.suppress(OSError):
        node.connect('127.0.0.1', 2379, 1).close()
        return True
    return False


# ---- 5. values

def test_size_and_space(site):
    small = Etcd(site.node('small'), '127.0.0.1', '--quota-backend-bytes', '3000000').start()
    large = Etcd(site.node('large'), '127.0.0.1', '--max-request-bytes', '4000000').start()
    big = bgpfilter('big', 26000)
    check(ask(small, 'apply', '-f', '-', stdin=big), 3, 'takes nothing so large as ' + CALICO +
          'bgpfilters/big: its limit is --max-request-bytes, 1.5 MiB', lines=2)
    assert not small.keys(CALICO)
    check(ask(large, 'apply', '-f', '-', stdin=big), 0)
    assert 1600000 < len(large.get(CALICO + 'bgpfilters/big')) < 1800000
    assert len(json.loads(check(ask(large, 'get', 'bgpfilter', 'big', '-o', 'json'), 0))['spec']['exportV4']) == 26000
    check(ask(small, 'apply', '-f', '-', stdin=bgpfilter('f')), 0)
    small.fill()
    check(ask(small, 'apply', '-f', '-', stdin=bgpfilter('g')), 6, small.url, r'its database is full \(NOSPACE alarm\)',
          lines=2, seconds=2)
    assert check(ask(small, 'get', 'bgpfilter', '-o', 'name'), 0).split() == ['bgpfilter/f']


def test_many_objects(site):
    etcd = Etcd(site.node('many'), '127.0.0.1').start()
    names = [f'f-{i:05}' for i in range(10050)]
    etcd.load({CALICO + 'bgpfilters/' + name: bgpfilter(name) for name in names})
    assert check(ask(etcd, 'get', 'bgpfilter', '-o', 'name'), 0).split() == ['bgpfilter/' + name for name in names]


def test_broken_values(plain):
    keys = {'broken': '{"kind":"BGPFilter",', 'empty': '', 'null': 'null', 'with/slash': bgpfilter('with/slash'),
            'nul\0x': bgpfilter('nul'), '': bgpfilter('x'), 'fine': bgpfilter('fine')}
    plain.load({CALICO + 'bgpfilters/' + key: value for key, value in keys.items()})
    try:
        rc, out, err, _ = ask(plain, 'get', 'bgpfilter', '-o', 'name')
        assert rc == 0 and 'bgpfilter/fine' in out.split(), err
        status = ''.join(ask(plain, 'status')[1:3])
        for key in keys:
            shown = f'(at the key {CALICO}bgpfilters/{key})'.replace('\0', '?')
            assert (shown in err) == (shown in status) == (key != 'fine'), (key, err, status)
        assert json.loads(check(ask(plain, 'get', 'bgpfilter', 'fine', '-o', 'json'), 0))['spec']
        check(ask(plain, 'get', 'bgpfilter', 'nul'), 4)
        before = plain.items(CALICO, '--prefix')
        check(ask(plain, 'apply', '-f', '-', stdin=bgpfilter('fine', 2)), 0)
        assert {key for key, value in plain.items(CALICO, '--prefix').items() if before.get(key) != value} == \
            {CALICO + 'bgpfilters/fine'}
        check(ask(plain, 'apply', '-f', '-', stdin=bgpfilter('broken', 2)), 0)
        assert plain.get_object('bgpfilters', 'broken')['spec']
        check(ask(plain, 'delete', 'bgpfilter/empty'), 0)
        assert not plain.keys(CALICO + 'bgpfilters/empty')
    finally:
        plain.delete(CALICO + 'bgpfilters/', prefix=True)


def test_agent_and_old_revisions(lab):
    """History that is compacted, and keys that no text can name, are no reason to read everything anew for ever."""
    etcd = Etcd.on(lab)
    w = World(lab, 1, etcd=etcd)
    with w.untouched():
        for key in ('/foreign', CALICO + 'bgpfilters/nul\0x'):
            w.peerd.stop()
            for i in range(5):
                etcd.load({key: str(i)})
            etcd.compact()
            begin = len(w.log())
            w.restart()
            w.converged()
            w.rest(1)
            assert not [line for line in w.log()[begin:] if 'store' in line.split()[1]], w.log()[begin:]
            etcd.restart()
            w.logged('store-back')
            w.converged()
            assert len([line for line in w.log()[begin:] if 'store' in line.split()[1]]) == 2, w.log()[begin:]
    w.change(1, 71)
    w.changed(1, 71)
    w.calm()


# ---- 6. what Calico wrote

NODE = {
    'kind': 'Node', 'apiVersion': 'projectcalico.org/v3',
    'metadata': {'name': 'n1', 'uid': '6f0c2f5e-0f7e-4f2f-8a3b-1d2c3b4a5968',
                 'creationTimestamp': '2026-08-01T10:00:00Z', 'labels': {'rack': 'a', 'kubernetes.io/hostname': 'n1'},
                 'annotations': {'a.b/c': 'ü "quoted"'},
                 'ownerReferences': [{'apiVersion': 'v1', 'kind': 'Node', 'name': 'n1', 'uid': 'x'}],
                 'generation': 7, 'futureMetadata': {'x': [1.50, None]}},
    'spec': {'bgp': {'ipv4Address': '10.0.0.1/24', 'ipv4IPIPTunnelAddr': '192.168.1.1', 'asNumber': 64512,
                     'futureBGP': {'y': 1}},
             'orchRefs': [{'nodeName': 'n1', 'orchestrator': 'k8s', 'futureRef': True}],
             'addresses': [{'address': '10.0.0.1/24', 'type': 'CalicoNodeIP'}, {'address': '10.0.0.1',
                                                                               'type': 'InternalIP'}],
             'interfaces': [{'name': 'eth0', 'addresses': ['10.0.0.1']}],
             'wireguard': {'interfaceIPv4Address': '192.168.1.2'}, 'ipv4VXLANTunnelAddr': '192.168.1.3',
             'vxlanTunnelMACAddr': '66:00:00:00:00:01', 'futureSpec': [{'z': {}}]},
    'status': {'wireguardPublicKey': 'abc', 'podCIDRs': ['192.168.1.0/26'], 'futureStatus': 1e300}, 'futureTop': 'x',
}
PEER = {
    'kind': 'BGPPeer', 'apiVersion': 'projectcalico.org/v3',
    'metadata': {'name': 'tor-a', 'uid': '7a0c2f5e-0f7e-4f2f-8a3b-1d2c3b4a5968', 'creationTimestamp':
                 '2026-08-01T10:00:00Z', 'labels': {'site': 'a'}},
    'spec': {'nodeSelector': "rack == 'a'", 'peerIP': '192.0.2.1', 'asNumber': 65001,
             'password': {'secretKeyRef': {'name': 's', 'key': 'k', 'futureKey': 1}}, 'futurePeer': {'deep': [[1]]}},
}
CLUSTER = {'kind': 'ClusterInformation', 'apiVersion': 'projectcalico.org/v3',
           'metadata': {'name': 'default', 'uid': 'c', 'creationTimestamp': '2026-08-01T10:00:00Z'},
           'spec': {'clusterGUID': '0123456789abcdef0123456789abcdef', 'datastoreReady': True,
                    'calicoVersion': 'v3.30.1', 'clusterType': 'typha,bgp', 'futureCluster': 1}}
BLOCKS = {'/calico/ipam/v2/host/n1/ipv4/block/192.168.1.0-26': '{"state":"confirmed","deleted":false,"future":1}',
          '/calico/ipam/v2/host/n1/ipv6/block/fd00:1::-122': '{"state":"pending","deleted":false}',
          '/calico/ipam/v2/host/n2/ipv4/block/192.168.2.0-26': ''}


@pytest.fixture(name='calico')
def fixture_calico(plain):
    """As Calico left it; the revision of each object."""
    plain.delete('/calico/', prefix=True)
    revisions = {name: plain.put_object(plural, name, value) for plural, name, value in (
        ('nodes', 'n1', NODE), ('bgppeers', 'tor-a', PEER), ('clusterinformations', 'default', CLUSTER))}
    plain.load(BLOCKS)
    plain.put(CALICO + 'felixconfigurations/default', '{"kind":"FelixConfiguration"}')
    plain.put('/calico/v1/Ready', 'true')
    yield revisions
    plain.delete('/calico/', prefix=True)


def shown(etcd, kind, name):
    return json.loads(check(ask(etcd, 'get', kind, name, '-o', 'json'), 0))


def test_calico_is_read(plain, calico):
    for kind, value in (('node', NODE), ('bgppeer', PEER)):
        name = value['metadata']['name']
        seen = shown(plain, kind, name)
        assert seen['metadata']['resourceVersion'] == str(calico[name])
        del seen['metadata']['resourceVersion']
        assert seen == value, f'{seen}\nis not\n{value}'
    assert shown(plain, 'clusterinformation', 'default')['spec']['calicoVersion'] == 'v3.30.1'
    rc, out, err, _ = ask(plain, 'get', 'blockaffinity', '-o', 'json')
    assert rc == 0, err
    specs = [item['spec'] for item in json.loads(out)['items']]
    assert [(s['node'], s['cidr'], s.get('state')) for s in specs] == [
        ('n1', '192.168.1.0/26', 'confirmed'), ('n1', 'fd00:1::/122', 'pending'), ('n2', '192.168.2.0/26', None)]
    rc, out, _, _ = ask(plain, 'version')
    assert rc == 0 and re.search(r'Cluster Version: *v3.30.1\nCluster Type: *typha,bgp', out), out


def test_calico_is_kept(plain, calico):
    """One field changes: everything else is to the last value what it was."""
    spec = {'peerIP': '192.0.2.1', 'asNumber': 65002, 'nodeSelector': "rack == 'a'",
            'password': {'secretKeyRef': {'name': 's', 'key': 'k'}}}
    before = plain.items('', '--prefix')
    check(ask(plain, 'apply', '-f', '-', stdin=document('BGPPeer', 'tor-a', spec, labels={'site': 'b'},
                                                        annotations={'x/y': 'z'})), 0)
    wanted = json.loads(json.dumps(PEER))
    wanted['spec']['asNumber'] = 65002
    wanted['metadata'].update(labels={'site': 'b'}, annotations={'x/y': 'z'})
    got = plain.get_object('bgppeers', 'tor-a')
    assert got == wanted, f'{got}\nis not\n{wanted}'
    node = {'bgp': {'ipv4Address': '10.0.0.2/24', 'asNumber': 64512}}
    check(ask(plain, 'apply', '-f', '-', stdin=document('Node', 'n1', node, labels=NODE['metadata']['labels'],
                                                        annotations=NODE['metadata']['annotations'])), 0)
    wanted = json.loads(json.dumps(NODE))
    wanted['spec']['bgp']['ipv4Address'] = '10.0.0.2/24'
    got = plain.get_object('nodes', 'n1')
    assert got == wanted, f'{got}\nis not\n{wanted}'
    after = plain.items('', '--prefix')
    assert {key for key in {**before, **after} if before.get(key) != after.get(key)} == \
        {CALICO + 'bgppeers/tor-a', CALICO + 'nodes/n1'}


def test_only_the_version_that_was_seen(plain, calico):
    spec = {'peerIP': '192.0.2.1', 'asNumber': 65003}
    old = {**PEER, 'metadata': {'name': 'tor-a', 'resourceVersion': str(calico['tor-a'])},
           'spec': {**spec, 'asNumber': 1}}
    revision = plain.put_object('bgppeers', 'tor-a', {**PEER, 'spec': spec})
    assert shown(plain, 'bgppeer', 'tor-a')['metadata']['resourceVersion'] == str(revision)
    for words in (['replace', '-f', '-'], ['apply', '-f', '-'], ['delete', '-f', '-']):
        check(ask(plain, *words, stdin=json.dumps(old)), 5, 'tor-a', lines=2)
        assert plain.get_object('bgppeers', 'tor-a')['spec'] == spec, words
    old['metadata']['resourceVersion'] = str(revision)
    check(ask(plain, 'delete', '-f', '-', stdin=json.dumps(old)), 0)
    assert plain.get_object('bgppeers', 'tor-a') is None


def test_what_calico_alone_writes(plain, calico):
    before = plain.items('', '--prefix')
    for kind, name in (('blockaffinity', 'n1-192-168-1-0-26'), ('clusterinformation', 'default')):
        text = json.dumps(shown(plain, kind, name))
        for words in (('apply', '-f', '-'), ('delete', '-f', '-'), ('replace', '-f', '-'), ('delete', kind, name)):
            rc, _, err, _ = ask(plain, *words, stdin=text)
            assert rc in (2, 3, 8) and len(err.splitlines()) <= 2, (words, rc, err)
    assert plain.items('', '--prefix') == before


def test_there_and_back(plain, calico, site):
    """From SQLite to etcd and back: the same values, labels, uid and all."""
    first, second = (f'sqlite:{site.folder}/{name}.db' for name in ('first', 'second'))
    check(ask(plain, 'migrate', '--from', plain.store, '--to', first), 0)
    other = Etcd(site.node('other'), '127.0.0.1').start()
    check(ask(other, 'migrate', '--from', first, '--to', other.store), 0)
    check(ask(other, 'migrate', '--from', other.store, '--to', second), 0)
    keys = [CALICO + 'bgppeers/tor-a', CALICO + 'nodes/n1']
    assert other.keys() == keys and [other.get(key) for key in keys] == [plain.get(key) for key in keys], 'to the byte'
    rows = []
    for store in (first, second):
        with contextlib.closing(sqlite3.connect(store.removeprefix('sqlite:'))) as db:
            rows.append(db.execute('SELECT kind, name, json FROM resource ORDER BY kind, name').fetchall())
    assert rows[0] == rows[1] and len(rows[0]) == 2
