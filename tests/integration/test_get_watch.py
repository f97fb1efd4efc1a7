# SPDX-License-Identifier: Apache-2.0
"""peerctl get -w: what is there, then each change as it happens."""

import contextlib
import json
import os
import select
import signal
import sqlite3
import time

import pytest
from cli import N1, PEER, TOR, Cli

DEADLINE = 20


class Watch:
    """A running get -w; what it prints is read line by line."""

    def __init__(self, cli, *args):
        self.process = cli.start('get', *args)
        self.streams = {self.process.stdout: b'', self.process.stderr: b''}

    def read(self, stream):
        """The next line of a stream."""
        deadline = time.monotonic() + DEADLINE
        while b'\n' not in self.streams[stream]:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([stream], [], [], left)[0], f'no line; have {self.streams}'
            part = os.read(stream.fileno(), 65536)
            assert part, f'it ended; have {self.streams}'
            self.streams[stream] += part
        line, self.streams[stream] = self.streams[stream].split(b'\n', 1)
        return line.decode()

    def line(self):
        return self.read(self.process.stdout)

    def lines(self, n):
        return [self.line() for _ in range(n)]

    def said(self):
        return self.read(self.process.stderr)

    def end(self, number=signal.SIGINT):
        """The exit code after a signal; nothing more must have come on stdout, no words on stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=DEADLINE)
        assert self.streams[self.process.stdout] + out == b''
        assert self.streams[self.process.stderr] + err == b''
        return self.process.returncode


@pytest.fixture(name='cli')
def fixture_cli(tmp_path):
    made = Cli(tmp_path)
    made.apply(N1, TOR)
    return made


@pytest.fixture(name='watch')
def fixture_watch(cli):
    watches = []

    def start(*args):
        watches.append(Watch(cli, *args))
        return watches[-1]

    yield start
    for one in watches:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def test_table(cli, watch):
    watching = watch('bgpp', '-w')
    assert watching.lines(2) == ['NAME    PEERIP       NODE       ASN', 'tor-a   10.0.0.254   (global)   65001']
    cli.apply(N1.replace('rack: a', 'rack: b'), PEER.format('b', '10.0.0.9', 1))
    assert watching.line() == 'b       10.0.0.9     (global)   1'
    cli.apply(TOR.replace('65001', '65002'))
    assert watching.line() == 'tor-a   10.0.0.254   (global)   65002'
    cli('delete', 'bgpp', 'tor-a')
    assert watching.line() == 'tor-a   10.0.0.254   (global)   65002   deleted'
    assert watching.end() == 0


def test_other_tables(cli, watch):
    wide = watch('nodes', '-w', '-o', 'wide', '--no-headers')
    own = watch('bgpp', '-w', '-o', 'custom-columns=ASN,NAME')
    events = watch('bgpp', '-w', '--output-watch-events')
    assert wide.line().startswith('n1   ') and own.lines(2) == ['ASN     NAME', '65001   tor-a']
    assert events.lines(2) == ['EVENT   NAME    PEERIP       NODE       ASN',
                               'ADDED   tor-a   10.0.0.254   (global)   65001']
    cli('delete', 'node/n1', 'bgpp/tor-a')
    assert wide.line().endswith('   deleted') and own.line() == '65001   tor-a   deleted'
    assert events.line() == 'DELETED   tor-a   10.0.0.254   (global)   65001'
    assert [one.end(signal.SIGTERM) for one in (wide, own, events)] == [0, 0, 0]


def test_names(cli, watch):
    watching = watch('bgpp', '-w', '-o', 'name')
    assert watching.line() == 'bgppeer/tor-a'
    cli('delete', 'bgpp', 'tor-a')
    assert watching.line() == 'bgppeer/tor-a deleted'
    cli.apply(TOR)
    assert watching.line() == 'bgppeer/tor-a'
    assert watching.end() == 0


def test_json(cli, watch):
    plain, events = watch('bgpp', '-w', '-o', 'json'), watch('bgpp', '-w', '-o', 'json', '--output-watch-events')
    first = cli('get', 'bgpp', 'tor-a', '-o', 'json').json
    assert json.loads(plain.line()) == first
    assert json.loads(events.line()) == {'type': 'ADDED', 'object': first}
    cli.apply(TOR.replace('65001', '65002'))
    second = cli('get', 'bgpp', 'tor-a', '-o', 'json').json
    assert json.loads(plain.line()) == second
    assert json.loads(events.line()) == {'type': 'MODIFIED', 'object': second}
    cli('delete', 'bgpp', 'tor-a')
    gone = json.loads(plain.line())
    assert gone['metadata'].pop('deletionTimestamp') and gone == second
    assert json.loads(events.line()) == {'type': 'DELETED', 'object': second}


def test_yaml(cli, watch):
    watching = watch('bgpp', '-w', '-o', 'yaml', '--export')
    want = '---\n' + cli('get', 'bgpp', 'tor-a', '-o', 'yaml', '--export').out
    assert watching.lines(want.count('\n')) == want.splitlines()
    cli('delete', 'bgpp', 'tor-a')
    assert 'deletionTimestamp: ' in watching.lines(6)[5]


def test_only_what_is_named(cli, watch):
    watching = watch('bgpp', 'later', 'tor-a', '-w', '-o', 'name')
    assert watching.line() == 'bgppeer/tor-a'
    assert watching.said() == 'peerctl: bgppeer/later does not exist yet'
    cli.apply(PEER.format('other', '10.0.0.8', 1))
    cli.apply(PEER.format('later', '10.0.0.9', 1))
    assert watching.line() == 'bgppeer/later'
    assert watching.end() == 0


def test_nothing_there_yet(cli, watch):
    watching = watch('ippool', '-w')
    assert 'there is no IPPool' in watching.said()
    cli.apply('apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: p}\nspec: {cidr: 10.9.0.0/16}\n')
    assert watching.line().startswith('NAME') and watching.line().startswith('p ')


def test_broken_objects_are_said(cli, watch):
    watching = watch('bgpp', '-w', '-o', 'name')
    assert watching.line() == 'bgppeer/tor-a'
    with contextlib.closing(sqlite3.connect(cli.db)) as db, db:
        rev, = db.execute('SELECT max(rev) + 1 FROM log').fetchone()
        db.execute("UPDATE resource SET json = '{', version = ? WHERE kind = 'bgppeers'", (rev,))
        db.execute("INSERT INTO log(rev, kind, name, deleted) VALUES(?, 'bgppeers', 'tor-a', 0)", (rev,))
    assert watching.line() == 'bgppeer/tor-a' and 'bgppeer/tor-a: is not JSON' in watching.said()


def test_changes_that_the_store_forgot(cli, watch):
    """It lists again, and shows what differs."""
    watching = watch('bgpp', '-w', '-o', 'name')
    assert watching.line() == 'bgppeer/tor-a'
    watching.process.send_signal(signal.SIGSTOP)
    cli.apply(PEER.format('b', '10.0.0.9', 1), PEER.format('c', '10.0.0.10', 1))
    cli('delete', 'bgpp', 'b')
    with contextlib.closing(sqlite3.connect(cli.db)) as db, db:
        db.execute('DELETE FROM log WHERE rev < (SELECT max(rev) FROM log)')
    watching.process.send_signal(signal.SIGCONT)
    assert watching.line() == 'bgppeer/c'
    cli('delete', 'bgpp', 'tor-a')
    assert watching.line() == 'bgppeer/tor-a deleted'
    assert watching.end() == 0


def test_store_away(cli, watch):
    watching = watch('bgpp', '-w', '-o', 'name')
    assert watching.line() == 'bgppeer/tor-a'
    files = [name for name in os.listdir(cli.folder) if name.startswith('store.db')]
    os.mkdir(cli.path('away'))
    for name in files:
        os.rename(cli.path(name), cli.path('away/' + name))
    assert watching.said().endswith('; waiting for it')
    cli('apply', '-f', '-', '--store', cli.path('away/store.db'), stdin=PEER.format('b', '10.0.0.9', 1))
    for name in os.listdir(cli.path('away')):
        os.rename(cli.path('away/' + name), cli.path(name))
    assert watching.line() == 'bgppeer/b'
    assert watching.said().endswith('is back')
    assert watching.end() == 0


def test_reader_goes(watch):
    watching = watch('bgpp', '-w', '-o', 'name')
    assert watching.line() == 'bgppeer/tor-a'
    watching.process.stdout.close()
    assert watching.process.wait(DEADLINE) == 0 and watching.process.stderr.read() == b''
    watching.process.stdout = None


@pytest.mark.parametrize('args,code,words', [
    (['nodestatus', '-w'], 2, 'peerctl status -w'),
    (['secret', '-w'], 2, 'in no store'),
    (['bgpp/a', 'node/b', '-w'], 2, 'one kind; BGPPeer and Node'),
    (['bgpp', '--output-watch-events'], 2, 'goes with -w'),
    (['bgpp', '-w', '--store', './nope.db'], 4, 'there is no store'),
])
def test_usage(cli, args, code, words):
    answer = cli('get', *args, code=code)
    assert words in answer.err and answer.out == ''
