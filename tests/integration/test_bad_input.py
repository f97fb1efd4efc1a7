# SPDX-License-Identifier: Apache-2.0
"""What a hostile and a tired user would write: a clear error with its place, the right exit code, nothing changed."""

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import time

import pytest
from cli import N1, NODE, PEER, PEERCTL, TOR, Answer, Cli

HEAD = 'apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: x}\n'


@pytest.fixture(name='cli')
def fixture_cli(tmp_path):
    """A store with something in it; at the end it is what it was."""
    made = Cli(tmp_path)
    made.apply(N1, TOR)
    before = made.stored()
    yield made
    assert made.stored() == before


def spec(text, name='x'):
    return f'apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {{name: {name}}}\nspec: {text}\n'


# What is in the file, and what each complaint must have: place and words.
BAD_FILES = {
    'empty': (b'', 'bad.yaml: no resources'),
    'only comments': (b'# x\n---\n', 'bad.yaml: no resources'),
    'tabs': (HEAD + 'spec:\n\tpeerIP: 10.0.0.9\n', 'bad.yaml:5:1: '),
    'double key': (HEAD + 'spec:\n  peerIP: 10.0.0.9\n  peerIP: 10.0.0.8\n', 'bad.yaml:6:3: '),
    'double key in JSON': ('{"apiVersion": "v1", "kind": "List", "kind": "List"}', 'bad.yaml:1:38: '),
    'brackets': (b'[' * 50000, 'bad.yaml:1:65: '),
    'brackets in YAML': (b'a: ' + b'[' * 50000, 'bad.yaml:1:67: '),
    'maps': (b'{"a":' * 50000, 'bad.yaml:1:'),
    'dashes': (b'x: \n' + b'- ' * 50000, 'bad.yaml:2:'),
    'NUL': (HEAD.encode() + b'spec: {peerIP: "10.0.0.9\0"}\n', 'bad.yaml:4:'),
    'escaped NUL': (HEAD + 'spec: {peerIP: "10.0.0.9\\0"}\n', 'bad.yaml:4:'),
    'invalid UTF-8': (HEAD.encode() + b'spec: {peerIP: "10.0.0.9\xff\xfe"}\n', 'bad.yaml:4:'),
    'UTF-16': (HEAD.encode('utf-16'), 'bad.yaml:1:1: '),
    'alias': ('a: &a [1]\nb: *a\n', 'bad.yaml:1:'),
    'bomb': ('a: &a ["x","x"]\n' + ''.join(f'{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)},*{chr(97 + i)}]\n'
                                         for i in range(20)), 'bad.yaml:1:'),
    'tag': (HEAD + 'spec: !!python/object {}\n', 'bad.yaml:4:'),
    'not a map': ('hello\n', 'bad.yaml:1:1: '),
    'unclosed JSON': ('{"apiVersion": "projectcalico.org/v3"', 'bad.yaml:1:38: '),
    'no kind': ('apiVersion: projectcalico.org/v3\nmetadata: {name: x}\n', 'bad.yaml:1:1: kind: '),
    'kind unknown': ('apiVersion: projectcalico.org/v3\nkind: BgpPeers\nmetadata: {name: x}\n',
                     'bad.yaml:2:7: kind: '),
    'other version': ('apiVersion: projectcalico.org/v1\nkind: BGPPeer\nmetadata: {name: x}\n',
                      'bad.yaml:1:13: apiVersion: '),
    'no name': ('apiVersion: projectcalico.org/v3\nkind: BGPPeer\nspec: {}\n', 'metadata.name: '),
    'spec is a list': (HEAD + 'spec: [1]\n', 'bad.yaml:4:7: spec: '),
    'string for a map': (HEAD + 'spec: hello\n', 'bad.yaml:4:7: spec: '),
    'number for a string': (spec('{peerIP: 10}'), 'bad.yaml:4:16: spec.peerIP: '),
    'map for a number': (spec('{asNumber: {a: 1}}'), 'bad.yaml:4:18: spec.asNumber: '),
    'bool for an enum': (spec('{sourceAddress: true}'), 'bad.yaml:4:23: spec.sourceAddress: '),
    'unknown field': (spec('{colour: red}'), 'bad.yaml:4:8: spec.colour: '),
    'misspelt field': (spec('{peerIP: 10.0.0.9, asNunber: 1}'), 'bad.yaml:4:26: spec.asNunber: ', 'did you mean', 'asNumber'),
    'misspelt word': (spec('{sourceAddress: UseNodeIp}'), 'spec.sourceAddress: ', 'UseNodeIP'),
    'field in the wrong place': (HEAD + 'peerIP: 10.0.0.9\n', 'bad.yaml:4:1: peerIP: ', 'spec'),
    'dotted AS too large': (spec('{peerIP: 10.0.0.9, asNumber: "65536.1"}'), 'bad.yaml:4:36: spec.asNumber: '),
    'AS too large': (spec('{peerIP: 10.0.0.9, asNumber: 4294967296}'), 'bad.yaml:4:36: spec.asNumber: '),
    'AS below zero': (spec('{peerIP: 10.0.0.9, asNumber: -1}'), 'bad.yaml:4:36: spec.asNumber: '),
    'unquoted dotted AS': (spec('{peerIP: 10.0.0.9, asNumber: 1.5}'), 'bad.yaml:4:36: spec.asNumber: ', 'quote'),
    'leading zero': (spec('{peerIP: 10.0.0.09, asNumber: 1}'), 'bad.yaml:4:16: spec.peerIP: '),
    'peerIP with a length': (spec('{peerIP: 10.0.0.9/24, asNumber: 1}'), 'bad.yaml:4:16: spec.peerIP: '),
    'no address of a node': (NODE.format('x', '0.0.0.0', 'a'), 'bad.yaml:4:27: spec.bgp.ipv4Address: ', 'unicast'),
    'link-local address of a node': (NODE.format('x', '0', 'a').replace('ipv4Address: 0/24', 'ipv6Address: fe80::1/64'),
                                     'bad.yaml:4:27: spec.bgp.ipv6Address: ', 'link-local'),
    'port 0': (spec('{peerIP: "10.0.0.9:0", asNumber: 1}'), 'bad.yaml:4:16: spec.peerIP: '),
    'node and nodeSelector': (spec('{node: n1, nodeSelector: all(), peerIP: 10.0.0.9}'), 'spec.nodeSelector: ', 'node'),
    'selector not closed': (spec('{nodeSelector: "rack == \'a"}'), 'bad.yaml:4:22: spec.nodeSelector: '),
    'name too long': (spec('{}', 'n' * 254), 'bad.yaml:3:18: metadata.name: '),
    'name with a slash': (spec('{}', '../../etc'), 'bad.yaml:3:18: metadata.name: '),
    'name with a newline': (spec('{}', '"a\\nb"'), 'bad.yaml:3:18: metadata.name: '),
    'secret outside': (spec('{peerIP: 10.0.0.9, password: {secretKeyRef: {name: ../../etc, key: passwd}}}'),
                       'spec.password.secretKeyRef.name: '),
    'key outside': (spec('{peerIP: 10.0.0.9, password: {secretKeyRef: {name: a, key: ../b}}}'),
                    'spec.password.secretKeyRef.key: '),
    'time below zero': (spec('{peerIP: 10.0.0.9, maxRestartTime: -5s}'), 'spec.maxRestartTime: '),
    'time without unit': (spec('{peerIP: 10.0.0.9, maxRestartTime: 5}'), 'spec.maxRestartTime: '),
    'twice the same': (N1 + '---\n' + N1, 'bad.yaml:6:1: ', 'bad.yaml:1'),
}


NOTES_OF_RENDER = ('kind unknown', 'other version')  # no errors there


@pytest.mark.parametrize('case,verb', [(case, verb) for case in BAD_FILES for verb in ('validate', 'apply', 'render')
                                       if verb != 'render' or case not in NOTES_OF_RENDER])
def test_file(cli, case, verb):
    text, *words = BAD_FILES[case]
    # A good document in front of it does not come through.
    cli.file('good.yaml', PEER.format('good', '10.0.0.7', 1))
    cli.file('bad.yaml', text)
    answer = cli(verb, '-f', 'good.yaml', '-f', 'bad.yaml', code=3)
    assert answer.out == ''
    for word in words:
        assert word in answer.err, answer
    assert len(answer.err) < 5000, 'a short message'


def test_every_complaint_of_every_document_is_said(cli):
    cli.file('1.yaml', spec('{peerIP: a, asNumber: b}') + '---\n' + spec('{colour: red}', 'y'))
    cli.file('2.yaml', spec('{node: [1]}', 'z'))
    answer = cli('validate', '-f', '1.yaml', '-f', '2.yaml', code=3)
    for place in ('1.yaml:4:16: spec.peerIP', '1.yaml:4:29: spec.asNumber', '1.yaml:9:8: spec.colour',
                  '2.yaml:4:14: spec.node'):
        assert place in answer.err


def test_hundred_megabytes(cli):
    with open(cli.path('big.yaml'), 'w', encoding='utf-8') as f:
        f.write(HEAD + 'spec:\n  node: "')
        for _ in range(100):
            f.write('x' * (1 << 20))
        f.write('"\n')
    for verb in ('validate', 'apply'):
        assert 'big.yaml' in cli(verb, '-f', 'big.yaml', code=3).err
    with open(cli.path('big.yaml'), 'rb') as big:
        process = subprocess.run([PEERCTL, 'apply', '-f', '-'], stdin=big, capture_output=True, check=False,
                                 env=cli.env, cwd=cli.folder, timeout=60)
    assert Answer(process).code == 3


def test_endless_input(cli):
    with open('/dev/zero', 'rb') as zero:
        process = subprocess.run([PEERCTL, 'validate', '-f', '-'], stdin=zero, capture_output=True, check=False,
                                 env=cli.env, cwd=cli.folder, timeout=60)
    assert Answer(process).code == 3


def test_paths_that_are_no_files(cli):
    os.mkfifo(cli.path('pipe.yaml'))
    assert 'nope.yaml' in cli('apply', '-f', 'nope.yaml', code=2).err
    os.symlink('loop.yaml', cli.path('loop.yaml'))
    cli('apply', '-f', 'loop.yaml', code=None)
    os.mkdir(cli.path('none'))
    assert 'no resources' in cli('apply', '-f', 'none', code=3).err


@pytest.mark.parametrize('nasty', ['"', "'", '}', '\n', '\\', ';', '#', '\t', '\x7f', '\x1b[31m', '${x}', '"; }\n', '*/'])
@pytest.mark.parametrize('where', [
    "{{peerIP: 10.0.0.9, asNumber: 1, node: {}}}",
    "{{peerIP: {}, asNumber: 1}}",
    "{{peerIP: 10.0.0.9, asNumber: {}}}",
    "{{peerIP: 10.0.0.9, asNumber: 1, nodeSelector: {}}}",
    "{{peerIP: 10.0.0.9, asNumber: 1, extensions: {{role: {}}}}}",
    "{{peerIP: 10.0.0.9, asNumber: 1, extensions: {{{}: x}}}}",
    "{{peerIP: 10.0.0.9, asNumber: 1, password: {{secretKeyRef: {{name: {}, key: k}}}}}}",
    "{{peerIP: 10.0.0.9, asNumber: 1, filters: [{}]}}",
    "{{peerIP: 10.0.0.9, asNumber: 1, maxRestartTime: {}}}",
    "{{peerIP: 10.0.0.9, asNumber: 1, sourceAddress: {}}}",
])
def test_nothing_of_a_user_becomes_configuration(cli, where, nasty):
    marker = 'INJECTED' + nasty + 'protocol evil'
    cli.file('t.conf', 'protocol:\n# ${role}\n')
    answer = cli('render', '-f', '-', '--node', 'n1', '--session-template', 't.conf', code=None,
                 stdin=N1 + '---\n' + spec(where.format(json.dumps(marker))))  # JSON's escapes are YAML's
    assert answer.code in (0, 3), answer
    assert 'INJECTED' not in answer.out
    assert '\x1b' not in answer.err and '\x7f' not in answer.err
    if answer.code == 3:
        assert answer.out == '' and 'stdin:9:' in answer.err


@pytest.mark.parametrize('value,shown', [
    ('p' * 81, False), ('', False), ('quo"te', False), ('new\nline', False), ('p' * 80, True), ("}';#$", True),
])
def test_password(cli, value, shown):
    secret = f'apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{k: {json.dumps(value)}}}\n'
    peer = spec('{peerIP: 10.0.0.9, asNumber: 1, password: {secretKeyRef: {name: s, key: k}}}')
    answer = cli('render', '-f', '-', '--show-secrets', '--node', 'n1', stdin='---\n'.join([N1, peer, secret]))
    if shown:
        assert f'password "{value}";' in answer.out and answer.err == ''
    else:
        assert 'password' not in answer.out and 'protocol bgp' not in answer.out
        assert 'SECRET_' in answer.err and 'bgppeer/x' in answer.err
    assert not value or value not in answer.err


def test_redacted_is_refused(cli):
    secret = 'apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: "<redacted>"}\n'
    answer = cli('render', '-f', '-', '--node', 'n1', stdin=N1 + '---\n' + secret, code=3)
    assert answer.out == '' and 'stringData' in answer.err


@pytest.mark.parametrize('key,value', [('bgp', 'x'), ('../../etc', 'passwd')])
def test_secrets_below_the_folder_only(cli, key, value):
    cli.file('secrets/bgp/k', 'sesame')
    cli.file('etc/passwd', 'outside')
    os.symlink('../../etc/passwd', cli.path('secrets/bgp/x'))
    peer = spec(f'{{peerIP: 10.0.0.9, asNumber: 1, password: {{secretKeyRef: {{name: {key}, key: {value}}}}}}}')
    answer = cli('render', '-f', '-', '--show-secrets', '--node', 'n1', '--secrets-dir', 'secrets', code=None,
                 stdin=N1 + '---\n' + peer)
    assert answer.code in (0, 3) and 'outside' not in answer.out + answer.err
    assert 'SECRET_' in answer.err or answer.code == 3


# ---- the database file ----

def reads_and_writes(cli, url, read, write):
    for args, code in ((['get', 'bgpp'], read), (['status'], read), (['plan'], read),
                       (['apply', '-f', '-'], write), (['delete', 'bgpp', 'tor-a'], write)):
        answer = cli(*args, '--store', url, stdin=PEER.format('new', '10.0.0.8', 1), code=code)
        if code:
            assert answer.out == '' and os.path.basename(url.split(':')[1]) in answer.err, answer
            assert answer.err.count('\n') == 1, answer


def test_store_is_a_folder(cli):
    os.mkdir(cli.path('folder.db'))
    reads_and_writes(cli, 'sqlite:' + cli.path('folder.db'), 2, 2)


def test_store_in_no_folder(cli):
    reads_and_writes(cli, 'sqlite:/proc/nowhere/x.db', 4, None)


def test_store_is_something_else(cli):
    cli.file('other.db', b'hello, I am no database\n' * 100)
    reads_and_writes(cli, 'sqlite:' + cli.path('other.db'), 6, 6)
    with sqlite3.connect(cli.path('foreign.db')) as db:
        db.execute('CREATE TABLE mine(x)')
    reads_and_writes(cli, 'sqlite:' + cli.path('foreign.db'), 6, 6)


@pytest.mark.parametrize('keep', [1, 100, 600, 5000])
def test_store_that_was_truncated(cli, keep):
    with sqlite3.connect(cli.db) as db:
        db.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    shutil.copy(cli.db, cli.path('cut.db'))
    os.truncate(cli.path('cut.db'), keep)
    reads_and_writes(cli, 'sqlite:' + cli.path('cut.db'), 6, 6)


def test_store_of_a_newer_schema(cli):
    shutil.copy(cli.db, cli.path('newer.db'))
    with sqlite3.connect(cli.path('newer.db')) as db:
        db.execute('UPDATE store SET schema = 99')
    reads_and_writes(cli, 'sqlite:' + cli.path('newer.db'), 6, 6)


def test_store_that_is_read_only(cli):
    """Root may write anything, so it gives that up first."""
    os.mkdir(cli.path('ro'))
    with sqlite3.connect(cli.db) as db:
        db.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    shutil.copy(cli.db, cli.path('ro/store.db'))
    os.chmod(cli.path('ro/store.db'), 0o444)
    os.chmod(cli.path('ro'), 0o555)
    as_owner = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] if os.geteuid() == 0 else []
    try:
        answer = Answer(subprocess.run([*as_owner, PEERCTL, 'apply', '-f', '-', '--store', cli.path('ro/store.db')],
                                       input=PEER.format('new', '10.0.0.8', 1).encode(), env=cli.env,
                                       capture_output=True, check=False, timeout=60))
    finally:
        os.chmod(cli.path('ro'), 0o755)
    assert answer.code == 8 and answer.out == '' and 'store.db' in answer.err, answer
    assert sorted(os.listdir(cli.path('ro'))) == ['store.db']


def test_store_that_is_locked(cli):
    with open(cli.db + '.lock', 'a', encoding='utf-8') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        db = sqlite3.connect(cli.db, isolation_level=None)
        db.execute('BEGIN EXCLUSIVE')
        began = time.monotonic()
        answer = cli.apply(PEER.format('new', '10.0.0.8', 1), code=6)
        took = time.monotonic() - began
        assert answer.out == '' and 'locked by another process' in answer.err
        assert 4 < took < 12
        assert 'tor-a' in cli('get', 'bgpp').out, 'readers go on'
        db.execute('ROLLBACK')
        db.close()
    assert cli.apply(TOR).lines == ['bgppeer/tor-a unchanged']
