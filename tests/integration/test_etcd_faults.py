# SPDX-License-Identifier: Apache-2.0
"""What happens to an etcd under a running agent. After each fault: what the agent runs is what a fresh list gives,
nothing acknowledged is lost, no session has moved that need not, the log says it in two lines (away, and back)."""

import contextlib
import itertools
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from badserver import BEHAVIOURS, BadServer
from certs import Certs
from etcd import CALICO, Auth, Cluster, Etcd
from faults import BASE, World, bgppeer
from lab import poll
from nameserver import Dns
from peerage import peerctl, program

AWAY, BACK = 'store-away', 'store-back'
NOTICED = 25  # a member that is silent is found out after 10 s
_seconds = itertools.count(71)


@contextlib.contextmanager
def outage(w, words='', most=2, numbers=(), configured=False):
    """etcd is away in here, for a reason with WORDS, and back at the end. Sessions stay; the log says it in MOST
    lines."""
    before = len(w.log())
    with w.untouched(*numbers, configured=configured):
        yield lambda timeout=NOTICED: away(w, before, words, timeout)
        w.lab.wait(lambda: [line for line in w.log()[before:] if BACK in line], NOTICED, 'the log says it is back')
        w.converged()
    lines = [line for line in w.log()[before:] if 'store-' in line]
    assert len(lines) <= most and len(w.log()) - before <= most + 6, '\n'.join(w.log()[before:])


def away(w, before=0, words='', timeout=NOTICED):
    """Until the log says, after its first BEFORE lines, that the store is away, in WORDS."""
    w.lab.wait(lambda: [line for line in w.log()[before:] if AWAY in line and re.search(words, line)], timeout,
               f'the log says the store is away: {words}')


def works(w, *others):
    """A change goes all the way; OTHERS are the sessions that do not mind."""
    seconds = next(_seconds)
    with w.untouched(*(others or [n for n in w.tors if n != 1])) if len(w.tors) > 1 else contextlib.nullcontext():
        w.change(1, seconds)
        w.changed(1, seconds)
    w.equals_list()


def refused(w, codes, words, *args, env=None, stdin=None):
    """peerctl says why not, in one sentence."""
    rc, out, err = w.peerctl(*(args or ('get', 'bgppeers')), stdin=stdin, **({'env': env} if env is not None else {}))
    assert rc in codes and re.search(words, err), f'exit {rc}\n{out}{err}'
    assert len(err.splitlines()) <= 2 and 'Sanitizer' not in err, err


def filters(n, n_rules=1):
    """{key: value} of BGPFilters that nobody names."""
    rules = [{'action': 'Accept', 'matchOperator': 'In', 'cidr': f'10.{i >> 8 & 255}.{i & 255}.0/24'}
             for i in range(n_rules)]
    return {f'{CALICO}bgpfilters/f-{i}': json.dumps({
        'apiVersion': 'projectcalico.org/v3', 'kind': 'BGPFilter', 'metadata': {'name': f'f-{i}'},
        'spec': {'importV4': rules}}) for i in range(n)}


def peers_for_nobody(prefix, n):
    return ''.join(bgppeer(1).replace('tor-1', f'{prefix}-{i}').replace('all()', "x == 'y'") for i in range(n))


def writing(w, text):
    """A `peerctl apply` that is under way."""
    child = subprocess.Popen(w.etcd.node.inside([program('peerctl'), 'apply', '-f', '-']), text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env={**os.environ, **w.etcd.env, 'PEERAGE_STORE': w.store})
    child.stdin.write(text)
    child.stdin.close()
    return child


def acknowledged(child):
    """(exit code, the names that it said it had written)."""
    out, err = child.stdout.read(), child.stderr.read()
    rc = child.wait()
    assert rc in (0, 5, 6, 7), err
    return rc, set(re.findall(r'^bgppeer/(\S+) (?:created|configured|unchanged)', out, re.M))


# ---- where and how

@pytest.mark.parametrize('family', [4, 6])
def test_one_member(lab, family):
    w = World(lab, 2, etcd=Etcd.on(lab, family=family))
    works(w)
    with w.untouched(configured=False):
        w.peerd.kill()
        w.restart()
        w.rest(2)
        w.converged()
    works(w)


def test_found_by_srv(lab):
    etcd = Etcd.on(lab)
    dns = Dns(etcd.node, etcd.address).host('etcd1.lab', etcd.address)
    dns.srv('_etcd-client._tcp.lab', 'etcd1.lab', 2379).start()
    etcd.store, etcd.env = 'etcd:', {'ETCD_DISCOVERY_SRV': 'lab'}
    dns.serves(etcd.node)
    w = World(lab, 2, etcd=etcd, start=False)
    dns.serves(w.node)
    w.start()
    w.converged()
    works(w)
    # Without names what is connected stays so; with neither, it waits.
    with w.untouched(configured=False):
        dns.stop()
        w.rest(2)
        assert not [line for line in w.log() if AWAY in line]
    with outage(w) as away_now:
        etcd.kill()
        away_now()
        w.calm(3)
        etcd.start()
        dns.start()
    works(w)


def test_started_before_etcd(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd, start=False)
    etcd.kill()
    before = open(w.bird.conf, encoding='utf-8').read()
    w.start()
    away(w)
    w.calm(3)
    assert open(w.bird.conf, encoding='utf-8').read() == before
    refused(w, (6, 7), '10.0.9.1:2379')
    etcd.start()
    w.converged()
    assert len([line for line in w.log() if 'store-' in line]) == 2
    works(w)


# ---- it ends, freezes, is cut off

@pytest.mark.parametrize('how', ['kill', 'stop'])
def test_ended_and_started(lab, how):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with outage(w) as away_now:
        getattr(etcd, how)()
        away_now(5)
        refused(w, (6, 7), '10.0.9.1:2379')
        w.calm(4)
        etcd.start()
    works(w)


def test_ended_in_the_middle_of_writing(lab):
    """Eight times: what was acknowledged is there."""
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    there = set()
    with w.untouched():
        for turn in range(8):
            child = writing(w, peers_for_nobody(f'turn-{turn}', 300))
            poll(lambda: child.poll() is not None, 0.1 + turn * 0.02)
            etcd.kill()
            there |= acknowledged(child)[1]
            etcd.start()
        found = {key.rpartition('/')[2] for key in etcd.keys(CALICO + 'bgppeers/')}
        assert there and there <= found, f'lost: {sorted(there - found)[:5]}'
        w.lab.wait(lambda: BACK in ''.join(w.log()[-3:]), 20, 'back')
    works(w)


def test_frozen(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with w.untouched(configured=False):
        before = len(w.log())
        etcd.pause()
        w.rest(3)
        etcd.resume()
        w.rest(2)
        assert not w.log()[before:], 'a short pause is nothing to speak of'
    with outage(w) as away_now:
        etcd.pause()
        refused(w, (6, 7), '10.0.9.1:2379')
        away_now()
        w.calm(3)
        etcd.resume()
    works(w)


def test_the_agent_frozen(lab):
    """What it missed it learns; that its own clock jumped is no reason to think ill of etcd."""
    w = World(lab, 2, etcd=Etcd.on(lab))
    with w.untouched(2):
        w.peerd.pause()
        w.change(1, 60)
        w.rest(12)
        w.peerd.resume()
        w.changed(1, 60)
    works(w)


def test_black_hole(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with outage(w, numbers=[2], configured=True) as away_now:
        with lab.cut(w.node, etcd.node):
            w.change(1, 60)
            away_now()
            w.calm(3)
        w.changed(1, 60)
    works(w)


def test_black_hole_for_a_moment(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with w.untouched(2):
        with lab.cut(w.node, etcd.node):
            w.change(1, 60)
            w.rest(2)
        w.changed(1, 60)
    works(w)


# ---- a cluster

@pytest.mark.parametrize('keep', [0, 2])
def test_no_leader(lab, keep):
    cluster = Cluster.on(lab)
    w = World(lab, 2, etcd=cluster)
    with outage(w) as away_now:
        cluster.stop_quorum(keep=cluster.members[keep])
        away_now()
        refused(w, (6, 7), '10.0.9')
        refused(w, (6, 7), '10.0.9', 'apply', '-f', '-', stdin=bgppeer(1))
        w.calm(4)
        cluster.start()
    works(w)


@pytest.mark.parametrize('how', ['kill', 'pause'])
def test_one_after_the_other(lab, how):
    """A rolling upgrade: while two of three are there, changes go through."""
    cluster = Cluster.on(lab)
    w = World(lab, 2, etcd=cluster)
    for member in cluster.members:
        getattr(member, how)()
        seconds = next(_seconds)
        with w.untouched(2):
            lab.wait(lambda: w.peerctl('apply', '-f', '-', stdin=bgppeer(1, maxRestartTime=f'{seconds}s'))[0] == 0, 30,
                     'a write goes through')
            w.changed(1, seconds, timeout=30)
        if how == 'kill':
            member.start()
        else:
            member.resume()
    assert len([line for line in w.log() if 'store-' in line]) <= 6
    works(w)


def test_leader_moves_while_many_write(lab):
    cluster = Cluster.on(lab)
    w = World(lab, 2, etcd=cluster)
    with w.untouched():
        writers = [writing(w, peers_for_nobody(f'writer-{i}', 600)) for i in range(3)]
        moves = 0
        while any(writer.poll() is None for writer in writers) or moves < 3:
            cluster.move_leader()
            moves += 1
        results = [acknowledged(writer) for writer in writers]
        there = set().union(*(names for _, names in results))
        found = {key.rpartition('/')[2] for key in cluster.keys(CALICO + 'bgppeers/')}
        assert there <= found, f'lost: {sorted(there - found)[:5]}'
        assert all(rc or len(names) == 600 for rc, names in results)
    works(w)


def test_the_first_endpoint_is_none(lab):
    """Nobody is there, a server of something else: the others are asked."""
    etcd = Etcd.on(lab)
    bad = BadServer(etcd.node, etcd.address, 'http1', port=2390).start()
    etcd.store = f'etcd:http://{etcd.address}:2399,{bad.store.removeprefix("etcd:")},{etcd.url},http://10.0.9.99:2379'
    w = World(lab, 2, etcd=etcd)
    works(w)
    with outage(w) as away_now:
        etcd.kill()
        away_now()
        w.calm(3)
        etcd.start()
    works(w)


# ---- history

@pytest.mark.parametrize('busy', [False, True])
def test_compacted_past_the_watch(lab, busy):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with w.untouched(2):
        with lab.cut(w.node, etcd.node):
            w.change(1, 60)
            away(w)
            if busy:
                etcd.load(filters(5000))
            w.change(1, 61)
            etcd.compact()
        w.changed(1, 61)
    works(w)


def test_compacted_under_a_list(lab):
    """Page after page, while what was listed first is forgotten again and again."""
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    etcd.load(filters(20000))
    with w.untouched(configured=False):
        w.peerd.kill()
        w.restart()
        for _ in range(10):
            etcd.put('/tick', 'x')
            etcd.compact()
        w.converged(timeout=60)
    works(w)


@pytest.mark.parametrize('revisions', ['behind', 'ahead'])
def test_restored_from_an_old_snapshot(lab, revisions):
    """The store is right, and what it has is run; that it has lost what it once said is said. AHEAD: meanwhile so much
    was written that the revision alone tells nobody."""
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    path = etcd.save()
    w.change(1, 60)
    w.changed(1, 60)
    with w.untouched(2):
        w.peerd.pause()
        before = etcd.revision()
        etcd.restore(path)
        if revisions == 'ahead':
            for _ in range(before - etcd.revision() + 5):
                etcd.put('/tick', 'x')
        w.peerd.resume()
        w.logged('another history|older snapshot', timeout=NOTICED)
        lab.wait(lambda: 'restart time 60;' not in w.block(1), 20, 'what it has now is run')
        w.converged()
    works(w)


def test_restored_as_another_cluster(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    path = etcd.save()
    with w.untouched(configured=False):
        etcd.restore(path, token='other')
        w.reported('Held', 'another one.*--accept-store', timeout=NOTICED)
        w.calm(3)
    assert w.peerd.stop() == 0
    w.restart('--accept-store')
    w.converged()
    works(w)


def test_all_of_it_lost(lab):
    """Empty, and with the id it had: a plan without its Node is never applied."""
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with w.untouched(configured=False):
        etcd.stop()
        etcd.wipe()
        etcd.start()
        w.logged('another history|no Node|NO_NODE', timeout=NOTICED)
        w.calm(3)
        w.resources(BASE + bgppeer(1) + bgppeer(2))
        w.converged()
    works(w)


# ---- much, and large

def test_a_hundred_thousand_keys_at_once(lab):
    """Of a kind that lies between the ones we read."""
    etcd = Etcd.on(lab, '--quota-backend-bytes', '2000000000')
    w = World(lab, 2, etcd=etcd)
    with w.untouched(configured=False):
        etcd.load({f'{CALICO}globalnetworkpolicies/p-{i}': json.dumps({'spec': {'order': i, 'text': 'x' * 300}})
                   for i in range(100000)})
        w.converged(timeout=60)
        w.equals_list()
        w.peerd.kill()
        w.restart()
        w.converged(timeout=60)
        assert etcd.delete(CALICO + 'globalnetworkpolicies/', prefix=True) == 100000, 'all in one revision'
        w.converged(timeout=60)
        w.calm(2)
    assert not [line for line in w.log() if AWAY in line]
    works(w)


def test_twenty_thousand_filters_that_nobody_needs(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with w.untouched(configured=False):
        etcd.load(filters(20000))
        w.converged(timeout=60)
        w.equals_list(timeout=60)
        w.peerd.kill()
        w.restart()
        w.converged(timeout=60)
        assert etcd.delete(CALICO + 'bgpfilters/', prefix=True) == 20000
        w.converged(timeout=60)
    works(w)


def test_too_large_for_etcd(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    (_, large), = filters(1, 25000).items()
    assert len(large) > 1600000
    refused(w, (3,), 'max-request-bytes', 'apply', '-f', '-', stdin=large)
    assert not etcd.keys(CALICO + 'bgpfilters/')
    works(w)


def test_large_where_etcd_takes_it(lab):
    etcd = Etcd.on(lab, '--max-request-bytes', '4000000')
    w = World(lab, 2, etcd=etcd)
    (_, large), = filters(1, 25000).items()
    with w.untouched(configured=False):
        assert w.peerctl('apply', '-f', '-', stdin=large)[0] == 0
        etcd.put(CALICO + 'bgppeers/blob', 'x' * 1800000)
        w.rest(3)
        w.converged()
        assert etcd.delete(CALICO + 'bgppeers/blob')
    works(w)


def test_full(lab):
    etcd = Etcd.on(lab, '--quota-backend-bytes', '8000000')
    w = World(lab, 2, etcd=etcd)
    with w.untouched(configured=False):
        etcd.fill()
        refused(w, (6,), 'full|NOSPACE', 'apply', '-f', '-', stdin=bgppeer(1, maxRestartTime='60s'))
        assert len(w.peerctl('get', 'bgppeers', '-o', 'name')[1].split()) == 2
        w.calm(3, lines=2)
        w.peerd.kill()
        w.restart()
        w.rest(3)
        assert w.runs() == w.file_id()
        w.calm(3, lines=2)
        etcd.empty()
    works(w)


# ---- TLS

def secure(lab, **options):
    certs = Certs(os.path.join(lab.folder, 'certs'))
    etcd = Etcd.on(lab, certs=certs, **options)
    return certs, etcd, World(lab, 2, etcd=etcd)


BAD_SERVERS = {
    'expired': ({'days': (-3, -1)}, (), 'expired|not valid'),
    'not-yet': ({'days': (1, 3)}, (), 'not yet|not valid'),
    'wrong-name': ({}, ('IP:10.9.9.9', 'DNS:elsewhere.lab'), '10.0.9.1|name'),
    'wrong-ca': ({'certs': 'Other CA'}, (), 'CA|authority|issuer'),
}


@contextlib.contextmanager
def spoiled(w, words):
    """peerd is started when something is wrong already, says so in WORDS, and waits until it no longer is."""
    with w.untouched(configured=False):
        w.peerd.kill()
        before = len(w.log())
        yield
        w.restart()
        away(w, before, words)
        w.calm(4)
        assert len([line for line in w.log()[before:] if AWAY in line]) == 1


@pytest.mark.parametrize('case', BAD_SERVERS)
def test_certificate_of_the_server(lab, case):
    _, etcd, w = secure(lab)
    options, san, words = BAD_SERVERS[case]
    if 'certs' in options:
        options = {'certs': Certs(os.path.join(lab.folder, 'others'), options['certs'])}
    with spoiled(w, words):
        etcd.certify(*san, **options)
        refused(w, (8,), words)
    with w.untouched(configured=False):
        etcd.certify()
        w.converged()
    works(w)


BAD_CLIENTS = {
    'expired': ({'days': (-3, -1)}, (3, 8), 'expired|not valid'),
    'wrong-ca': (None, (8,), 'certificate'),
    'no-pem': ('this is no certificate\n', (3,), 'PEM'),
    'gone': ('', (2,), 'no such|not there|No such'),
}


@pytest.mark.parametrize('case', BAD_CLIENTS)
def test_our_certificate(lab, case):
    """It is read anew for each connection: one that was renewed needs no restart."""
    certs, etcd, w = secure(lab)
    how, codes, words = BAD_CLIENTS[case]
    path = etcd.env['ETCD_CERT_FILE']
    with spoiled(w, words):
        if isinstance(how, dict):
            certs.issue('client-etcd1', cn='root', **how)
        elif how is None:
            others = Certs(os.path.join(lab.folder, 'others'), 'Other CA')
            for old, new in zip(others.issue('foreign', cn='root'), (path, etcd.env['ETCD_KEY_FILE'])):
                os.replace(old, new)
        elif how:
            with open(path, 'w', encoding='ascii') as file:
                file.write(how)
        else:
            os.unlink(path)
        refused(w, codes, words)
    with w.untouched(configured=False):
        certs.issue('client-etcd1', cn='root')
        w.converged()
    works(w)


def test_no_certificate_of_ours(lab):
    certs, etcd, w = secure(lab)
    refused(w, (8,), 'client certificate', env=certs.env())
    refused(w, (2,), 'ETCD_KEY_FILE', env={**certs.env(), 'ETCD_CERT_FILE': etcd.env['ETCD_CERT_FILE']})
    refused(w, (8,), 'certificate', env={})
    encrypted = certs.issue('encrypted', password='secret-word')
    refused(w, (3,), 'encrypted', env=certs.env(encrypted))
    other = certs.issue('other')
    refused(w, (3,), 'belong|key', env={**etcd.env, 'ETCD_KEY_FILE': other.key})
    works(w)


def test_key_that_may_not_be_read(lab):
    """As another user than root, who may read anything."""
    _, etcd, w = secure(lab)
    for folder in (os.path.dirname(w.etcd.certs.folder), w.etcd.certs.folder):
        os.chmod(folder, 0o755)
    rc, out, err = etcd.node.run('setpriv', '--reuid', '65534', '--clear-groups', program('peerctl'), 'get',
                                 'bgppeers', check=False, env={**os.environ, **etcd.env, 'PEERAGE_STORE': w.store})
    assert rc == 8 and etcd.env['ETCD_KEY_FILE'] in err and 'ermission' in err, out + err


def test_tls_and_plain_text_mixed_up(lab):
    _, etcd, w = secure(lab)
    rc, _, err = w.etcd.node.run(program('peerctl'), 'get', 'bgppeers', check=False, env={
        **os.environ, **etcd.env, 'PEERAGE_STORE': w.store.replace('https', 'http')})
    assert rc in (6, 7) and '10.0.9.1' in err, err
    w.rest(1)
    works(w)


# ---- users

def with_users(lab, *flags, how='readwrite', **options):
    """An agent that is user `agent`, with a role for what it needs; peerctl is root."""
    etcd = Etcd.on(lab, *flags)
    auth = Auth(etcd)
    auth.role('calico', '/calico/', how='read')
    if how == 'readwrite':
        auth.grant('calico', '/peerage/')
    env = auth.user('agent', 'first-word', 'calico')
    return etcd, auth, World(lab, 2, etcd=etcd, env=env, **options)


def test_user_with_a_password(lab):
    etcd, _, w = with_users(lab)
    works(w)
    with outage(w) as away_now:
        etcd.kill()
        away_now()
        etcd.start()
    works(w)
    refused(w, (8,), 'user', env={})
    refused(w, (8,), 'password|user', env={'ETCD_USERNAME': 'agent', 'ETCD_PASSWORD': 'wrong-word'})
    refused(w, (8,), 'user "agent".*/calico/', 'apply', '-f', '-', stdin=bgppeer(1),
            env={'ETCD_USERNAME': 'agent', 'ETCD_PASSWORD': 'first-word'})
    everything = ''.join(open(path, encoding='utf-8', errors='replace').read()
                         for path in (w.peerd.process.log, w.bird.conf))
    assert 'first-word' not in everything


def test_password_changed(lab):
    """Of the environment: after a restart of peerd. Sessions never notice, the log says it once."""
    _, auth, w = with_users(lab)
    with w.untouched(configured=False):
        auth.password('agent', 'second-word')
        w.node.ip('addr', 'add', '198.51.100.1/24', 'dev', 'lo')  # its status has news
        away(w, 0, 'agent')
        w.rest(3)
        assert len([line for line in w.log() if AWAY in line]) == 1
    with spoiled(w, 'agent'):
        pass
    assert w.peerd.stop() == 0
    w.env = {**w.env, 'ETCD_PASSWORD': 'second-word'}
    w.restart()
    w.converged()
    works(w)


def test_password_changed_in_its_file(lab):
    """A file is read anew for each connection."""
    etcd, auth, w = with_users(lab, start=False)
    path = os.path.join(lab.folder, 'calicoctl.cfg')

    def configure(password):
        with open(path + '.new', 'w', encoding='ascii') as file:
            file.write('apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nmetadata: {}\nspec:\n'
                       f'  datastoreType: etcdv3\n  etcdEndpoints: {etcd.url}\n  etcdUsername: agent\n'
                       f'  etcdPassword: {password}\n')
        os.rename(path + '.new', path)
    configure('first-word')
    w.peerd.store, w.peerd.env, w.env = 'etcd:' + path, {}, {}
    w.start()
    w.converged()
    with spoiled(w, 'agent'):
        auth.password('agent', 'second-word')
    with w.untouched(configured=False):
        configure('second-word')
        w.converged()
    works(w)


def test_permission_taken_and_given(lab):
    _, auth, w = with_users(lab)
    with spoiled(w, 'agent.*may not read'):
        auth.revoke('calico', '/calico/')
    with w.untouched(configured=False):
        auth.grant('calico', '/calico/', 'read')
        w.converged()
    works(w)


@pytest.mark.parametrize('how', ['certificate', 'password', 'permission'])
def test_another_reason(lab, how):
    """etcd was away for one reason, and is away for another now that a person has to mend: that is said, too."""
    if how == 'certificate':
        _, etcd, w = secure(lab)
    else:
        etcd, auth, w = with_users(lab)
    with outage(w, {'certificate': 'expired', 'password': 'password', 'permission': 'may not read'}[how],
                most=3) as away_now:
        if how == 'certificate':
            etcd.certify(days=(-3, -1))
        elif how == 'password':
            auth.password('agent', 'second-word')
        else:
            auth.revoke('calico', '/calico/')
        etcd.kill()
        away(w)
        w.rest(2)
        etcd.start()
        away_now()
        w.calm(4)
        if how == 'certificate':
            etcd.certify()
        elif how == 'password':
            auth.password('agent', 'first-word')
        else:
            auth.grant('calico', '/calico/', 'read')
    works(w)


def test_status_may_not_be_written(lab):
    """It peers all the same, and says so once."""
    _, _, w = with_users(lab, how='read', start=False)
    w.start()
    lab.wait(w.up, 20, 'sessions are up')
    lab.wait(lambda: w.file_id() == w.runs(), 20, 'BIRD runs what is in the file')
    w.calm(5, lines=2)
    assert len([line for line in w.log() if 'may not write' in line]) == 1
    w.equals_list()


# ---- what is no etcd

# A list that comes in two messages is a list.
TAKEN = ('good', 'drips', 'two_messages')


def test_peerctl_and_what_is_no_etcd(lab):
    """All of them side by side: with each it tries for as long as it has patience."""
    node = lab.node('bad')
    bad = {}
    for port, behaviour in enumerate(BEHAVIOURS, 3000):
        bad[behaviour] = BadServer(node, '127.0.0.1', behaviour, port).start()

    def get(behaviour):
        return peerctl('get', 'bgppeers', store=bad[behaviour].store, at=node, env={'NODENAME': 'n1'})
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(BEHAVIOURS, pool.map(get, BEHAVIOURS)))
    wrong = {behaviour: answer for behaviour, answer in answers.items() if behaviour not in TAKEN and not (
        answer[0] in (3, 6, 7, 8) and '127.0.0.1:30' in answer[2] and len(answer[2]) < 1000 and
        len(answer[2].splitlines()) == 1 and answer[2].rstrip('\n').isprintable())}
    assert not wrong, wrong
    assert all(answers[behaviour][0] == 0 for behaviour in ('good', 'drips')), answers


@pytest.mark.parametrize('behaviour', ['http1', 'garbage', 'silent', 'mute', 'goaway', 'rst', 'huge_header',
                                       'no_message', 'bad_message', 'unavailable'])
def test_peerd_and_what_is_no_etcd(lab, behaviour):
    """It says so once, does not ask again and again, and takes the real one when it is there."""
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with outage(w) as away_now:
        etcd.stop()
        bad = BadServer(etcd.node, etcd.address, behaviour).start()
        away_now()
        before = bad.connections()
        w.calm(5)
        assert bad.connections() - before < 60
        bad.kill()
        etcd.start()
    works(w)
