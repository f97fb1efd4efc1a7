# SPDX-License-Identifier: Apache-2.0
"""peerctl migrate: everything users own from one store to another, or nothing."""

import contextlib
import json
import os
import pty
import shutil
import sqlite3
import subprocess

import pytest
from cli import N1, N2, NODE, PEER, PEERCTL, TOR, Cli

# As a later program could have written it: order, blanks, fields and metadata that we do not know.
STRANGE = ('{ "kind":"BGPPeer","apiVersion":"projectcalico.org/v3", "later":[1.50,null],\n "metadata":{"uid":"u-1",'
           '"name":"odd","creationTimestamp":"2020-01-01T00:00:00Z","labels":{"a":"b"},"annotations":{"n":"\\u00fc"},'
           '"generation":7},"spec":{"peerIP":"10.0.0.9","asNumber":65009,"newField":{"x":[{}]}}}')


class Stores(Cli):
    """Two stores: a.db, which is full, and b.db."""

    def __init__(self, folder):
        super().__init__(folder)
        self.a, self.b = self.path('a.db'), self.path('b.db')
        self.env['PEERAGE_STORE'] = 'sqlite:' + self.a
        self.apply(N1, N2, TOR)

    def migrate(self, *options, code=0):
        return self('migrate', '--from', self.a, '--to', 'sqlite:' + self.b, *options, code=code)

    def change(self, document):
        self('apply', '-f', '-', '--store', self.b, stdin=document)

    @staticmethod
    def rows(path):
        with contextlib.closing(sqlite3.connect(path)) as db:
            return db.execute('SELECT kind, name, json FROM resource ORDER BY kind, name').fetchall()

    @staticmethod
    def put(path, kind, name, text):
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute('INSERT INTO resource(kind, name, version, json) VALUES(?, ?, 1000, ?)', (kind, name, text))


@pytest.fixture(name='stores')
def fixture_stores(tmp_path):
    return Stores(tmp_path)


def test_everything_byte_by_byte(stores):
    stores.put(stores.a, 'bgppeers', 'odd', STRANGE)
    stores.put(stores.a, 'nodestatuses', 'n1', '{"metadata":{"name":"n1"}}')
    answer = stores.migrate()
    assert answer.lines == ['node/n1 created', 'node/n2 created', 'bgppeer/odd created', 'bgppeer/tor-a created']
    assert 'verified: 4 objects' in answer.err and '--secrets-dir' in answer.err and 'agents write anew' in answer.err
    was, now = stores.rows(stores.a), stores.rows(stores.b)
    assert now == [row for row in was if row[0] != 'nodestatuses'] and ('bgppeers', 'odd', STRANGE) in now
    answer = stores.migrate()
    assert {line.split()[1] for line in answer.lines} == {'unchanged'}
    assert '4 as they are' in answer.err and 'verified: 4 objects' in answer.err
    assert stores.rows(stores.a) == was and stores.rows(stores.b) == now


def test_dry_run_makes_no_store(stores):
    answer = stores.migrate('--dry-run')
    assert answer.lines == ['node/n1 created (dry run)', 'node/n2 created (dry run)', 'bgppeer/tor-a created (dry run)']
    assert 'nothing was written' in answer.err and 'verified' not in answer.err
    assert not os.path.exists(stores.b)


def test_outputs(stores):
    assert stores.migrate('-o', 'name', '--dry-run').lines == ['node/n1', 'node/n2', 'bgppeer/tor-a']
    items = stores.migrate('-o', 'json').json['items']
    assert items[2] == stores('get', 'bgppeer', 'tor-a', '-o', 'json', '--store', stores.b).json


def test_conflicts_stop_everything(stores):
    stores.migrate()
    stores.change(TOR.replace('65001', '65077'))
    stores.apply(N1.replace('rack: a', 'rack: c'), PEER.format('new', '10.0.0.8', 1))
    before = stores.rows(stores.b)
    for options in ([], ['-o', 'name']):
        answer = stores.migrate(*options, code=5)
        assert answer.out == '' and stores.rows(stores.b) == before
        assert 'bgppeer/tor-a: spec.asNumber is 65001 in --from, 65077 in --to' in answer.err
        assert 'node/n1: metadata.labels.rack is "c" in --from, "a" in --to' in answer.err
        assert 'nothing was written: 2 objects' in answer.err and '--overwrite' in answer.err
    answer = stores.migrate('--dry-run', code=5)
    assert answer.lines == ['node/n1 conflict (dry run)', 'node/n2 unchanged (dry run)',
                            'bgppeer/new created (dry run)', 'bgppeer/tor-a conflict (dry run)']
    answer = stores.migrate('--overwrite')
    assert answer.lines == ['node/n1 configured', 'node/n2 unchanged', 'bgppeer/new created',
                            'bgppeer/tor-a configured']
    assert stores.rows(stores.a) == stores.rows(stores.b)


@pytest.mark.parametrize('one,other,words', [
    ('"a": 1', '"b": 1', 'later.a is 1 in --from, missing in --to'),
    ('', '"b": 1', 'later.b is missing in --from, 1 in --to'),
    ('"l": [1, 2]', '"l": [1, 3]', 'later.l[1] is 2 in --from, 3 in --to'),
    ('"l": [1]', '"l": [1, {}]', 'later.l[1] is missing in --from, a map in --to'),
    ('"l": 1', '"l": "1"', 'later.l is 1 in --from, "1" in --to'),
    ('"l": 1', '"l": 1.0', 'later.l is 1 in --from, 1.0 in --to'),
    ('"password": "hunter2"', '"password": "hunter3"', 'later.password is <redacted> in --from, <redacted> in --to'),
])
def test_first_difference(stores, one, other, words):
    stores.migrate()
    for path, later in ((stores.a, one), (stores.b, other)):
        stores.put(path, 'bgppeers', 'odd', STRANGE.replace('[1.50,null]', '{' + later + '}'))
    answer = stores.migrate(code=5)
    assert f'bgppeer/odd: {words}' in answer.err and 'hunter' not in answer.err


def test_same_value_in_other_words(stores):
    stores.migrate()
    stores.put(stores.a, 'bgppeers', 'odd', STRANGE)
    document = json.loads(STRANGE)
    document['metadata']['resourceVersion'] = '77'
    stores.put(stores.b, 'bgppeers', 'odd', json.dumps(document, sort_keys=True).replace('1.5', '1.50'))
    assert 'bgppeer/odd unchanged' in stores.migrate().lines


def test_what_the_target_cannot_be_read_of(stores):
    stores.migrate()
    stores.put(stores.a, 'bgppeers', 'odd', STRANGE)
    stores.put(stores.b, 'bgppeers', 'odd', '{')
    assert 'bgppeer/odd: the document is a map in --from, missing or not JSON in --to' in stores.migrate(code=5).err
    assert 'bgppeer/odd configured' in stores.migrate('--overwrite').lines


@pytest.mark.parametrize('text', ['', '{', '[]', '{"spec": {"peerIP": 5}}', STRANGE.replace('10.0.0.9', 'nowhere')])
def test_broken_objects_are_never_carried(stores, text):
    stores.put(stores.a, 'bgppeers', 'odd', text)
    answer = stores.migrate(code=3)
    assert answer.out == '' and 'bgppeer/odd: ' in answer.err and '--skip-broken' in answer.err
    assert not os.path.exists(stores.b)
    stores.migrate('--dry-run', code=3)
    answer = stores.migrate('--skip-broken')
    assert answer.lines == ['node/n1 created', 'node/n2 created', 'bgppeer/tor-a created']
    assert 'bgppeer/odd: ' in answer.err and 'verified: 3 objects' in answer.err
    assert [row[1] for row in stores.rows(stores.b)] == ['tor-a', 'n1', 'n2']


def test_same_store(stores):
    for to in (stores.a, 'sqlite:' + stores.a, './a.db'):
        assert 'the same store' in stores('migrate', '--from', stores.a, '--to', to, code=2).err
    shutil.copy(stores.a, stores.b)
    assert 'a copy' in stores.migrate(code=2).err


@pytest.mark.parametrize('args,code,words', [
    ([], 2, '--from STORE --to STORE'),
    (['--from', './a.db'], 2, '--from STORE --to STORE'),
    (['--from', './nope.db', '--to', './b.db'], 4, '--from: there is no store'),
    (['--from', './a.db', '--to', 'nonsense'], 2, '--to: "nonsense" names no datastore'),
    (['--from', './a.db', '--to', './b.db', 'bgpp'], 2, 'migrate does not take "bgpp"'),
    (['--from', './a.db', '--to', './b.db', '-o', 'wide'], 2, 'yaml, json, name'),
])
def test_usage(stores, args, code, words):
    answer = stores('migrate', *args, code=code)
    assert words in answer.err and answer.out == '' and not os.path.exists(stores.b)


def test_empty_source(stores):
    stores('delete', 'node', 'n1', 'n2')
    stores('delete', 'bgppeer', 'tor-a')
    assert stores.migrate().out == '' and not os.path.exists(stores.b)


def test_six_thousand_on_a_terminal(stores):
    stores.apply(*[NODE.format(f'm{i}', f'10.{i // 250}.{i % 250}.1', 'a') for i in range(6000)])
    master, slave = pty.openpty()
    with subprocess.Popen([PEERCTL, 'migrate', '--from', stores.a, '--to', stores.b], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=slave, env=stores.env) as started:
        os.close(slave)
        said = b''
        with contextlib.suppress(OSError):  # EIO: nobody has the other end any more
            while part := os.read(master, 4096):
                said += part
        assert started.wait(30) == 0
    os.close(master)
    assert b'verified: 6003 objects' in said
